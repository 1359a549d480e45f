//! A world behind a real listener.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use stoa_domain::InstanceId;
use stoa_http::git::{Git, Hosting, LARGEST_PUSH, Reads};
use stoa_http::{Crowd, Frame, Patience, Site};
use test_kit::{Kind, World};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::application::FakeApplications;
use crate::wire::{Told, ask};

pub struct Served {
    pub world: World,
    pub applications: Arc<FakeApplications>,
    pub port: u16,
    pub folder: tempfile::TempDir,
    stop: CancellationToken,
}

impl Drop for Served {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

pub fn site() -> Site {
    Site {
        origin: "http://localhost:8080".to_owned(),
        host: "localhost".to_owned(),
        port: 8080,
        secure: false,
        loopback: true,
        trusted_proxies: Vec::new(),
        version: "0.1.0",
    }
}

/// The program that git calls as its hook: this one, told by its first words to be nothing else. `main` does the same
/// for `stoa` by the name that it is called by.
fn hook_program(folder: &Path) -> PathBuf {
    use std::os::unix::fs::PermissionsExt as _;
    let program = folder.join("hook-program");
    let own = std::env::current_exe().unwrap();
    std::fs::write(&program, format!("#!{} served::called_by_git_as_the_hook\n", own.display())).unwrap();
    std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o755)).unwrap();
    program
}

#[test]
fn called_by_git_as_the_hook() {
    if std::env::var_os("STOA_PUSH_TICKET").is_none() {
        // Called by nobody, the hook lets nothing pass.
        assert_ne!(format!("{:?}", stoa_http::git::hook::run()), format!("{:?}", ExitCode::SUCCESS));
        return;
    }
    let taken = format!("{:?}", stoa_http::git::hook::run()) == format!("{:?}", ExitCode::SUCCESS);
    std::process::exit(if taken { 0 } else { 1 });
}

/// The folder that the line names.
fn below(text: &str) -> Option<String> {
    text.strip_prefix("in ").map(str::to_owned)
}

/// A reader that wants one line, and says what stands there instead.
fn read(folder: &Path) -> Result<(), String> {
    match std::fs::read_to_string(folder.join("stoa.toml")) {
        Ok(text) if text == "good" => Ok(()),
        Ok(text) if below(&text).is_some() => {
            let place = folder.join(below(&text).unwrap_or_default());
            match (place.is_dir(), place.join("Procfile").is_file()) {
                (true, true) => Ok(()),
                (true, false) => Err("a folder without a Procfile".to_owned()),
                (false, _) => Err(format!("no folder, file: {}", place.is_file())),
            }
        }
        Ok(text) => Err(format!("stoa.toml, line 1: {text}")),
        Err(_) if folder.join("Procfile").is_file() => Ok(()),
        Err(error) => Err(format!("There is no stoa.toml: {:?}", error.kind())),
    }
}

impl Served {
    pub async fn start() -> Self {
        Self::with(LARGEST_PUSH).await
    }

    pub async fn with(largest_push: u64) -> Self {
        Self::of(World::on(Kind::Sqlite).await, largest_push).await
    }

    pub async fn of(world: World, largest_push: u64) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let applications = FakeApplications::new();
        let stop = CancellationToken::new();
        let (frame, crowd) = (frame_of(&world), roomy());
        let port = serve(frame, crowd, largest_push, folder.path(), &applications, &stop).await;
        Self { world, applications, port, folder, stop }
    }

    /// The port of a listener that waits for bodies, or has room, as it is told.
    pub async fn otherwise(&self, patience: Patience, crowd: Crowd) -> u16 {
        let folder = self.folder.path().join("otherwise");
        std::fs::create_dir(&folder).unwrap();
        let frame = frame_of(&self.world).with_patience(patience);
        serve(frame, crowd, LARGEST_PUSH, &folder, &self.applications, &self.stop).await
    }

    /// The port of another process of the same installation.
    pub async fn beside(&self) -> u16 {
        let folder = self.folder.path().join("beside");
        std::fs::create_dir(&folder).unwrap();
        let (frame, crowd) = (frame_of(&self.world), roomy());
        serve(frame, crowd, LARGEST_PUSH, &folder, &self.applications, &self.stop).await
    }

    /// A GET with these further lines.
    pub async fn get(&self, host: &str, path: &str, lines: &[&str]) -> Told {
        let first = format!("GET {path} HTTP/1.1");
        let host = format!("Host: {host}");
        let mut head = vec![first.as_str(), host.as_str()];
        head.extend_from_slice(lines);
        ask(self.port, &head, "").await
    }
}

/// The key of visitors' seals, which all processes of an installation have.
const VISIT_KEY: [u8; 32] = [5; 32];

fn frame_of(world: &World) -> Frame {
    Frame::new(world.app.clone(), site()).with_visit_key(VISIT_KEY)
}

fn roomy() -> Crowd {
    Crowd::of_connections(1 << 20, Vec::new())
}

async fn serve(
    frame: Frame,
    crowd: Crowd,
    largest_push: u64,
    folder: &Path,
    applications: &Arc<FakeApplications>,
    stop: &CancellationToken,
) -> u16 {
    let repositories = folder.to_owned();
    let hosting = Hosting {
        folder: Arc::new(move |project| repositories.join(format!("{project}.git"))),
        hook_program: hook_program(folder),
        hooks_folder: folder.join("hooks"),
        largest_push,
        reads: Reads { names: &["stoa.toml", "Procfile"], folder: below, read: Arc::new(read) },
    };
    let git = Git::start(frame.clone(), hosting).unwrap();
    let router = stoa_http::edge(frame, applications.clone(), git);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(stoa_http::serve(listener, router, crowd, stop.clone()));
    port
}

/// A workspace with an instance: its owner, its paths and its host.
pub struct Shop {
    pub owner: test_kit::Client,
    /// Of the instance in the API.
    pub path: String,
    pub workspace_path: String,
    pub workspace: String,
    pub project: String,
    pub id: InstanceId,
    pub host: String,
}

impl Served {
    pub async fn shop(&self) -> Shop {
        let owner = self.world.set_up().await;
        let workspace = self.world.workspace(&owner, "Acme").await;
        let server = workspace.server().await;
        let project = workspace.project("Shop", &["main"]).await;
        self.world.app.compare_heads().await.unwrap();
        let id = workspace.instance(&project, &server, "Shop", "production", "main").await;
        let path = workspace.path(&format!("/instances/{id}"));
        let url = owner.client.get(&path).await.expect(200).field("url");
        let host = url.strip_prefix("http://").unwrap().strip_suffix(":8080").unwrap().to_owned();
        let workspace_path = workspace.path("");
        Shop {
            owner: owner.client.clone(),
            path,
            workspace_path,
            workspace: workspace.slug.clone(),
            project,
            id,
            host,
        }
    }
}
