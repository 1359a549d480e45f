//! An agent with a real repository, real builds and real applications.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod support;

use std::path::{Path, PathBuf};
use std::process::Command as Program;
use std::sync::atomic::{AtomicI64, Ordering};

use futures_util::StreamExt as _;
use stoa_agent::machine::{Agent, Command, Form, Options, Order, Phase, Progress};
use stoa_domain::branch::CommitId;
use stoa_domain::instance::RestartMode;
use stoa_domain::{DeploymentId, InstanceId, JobId, ProjectId, ReleaseId, Secret};
use support::until;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::runtime::Runtime;
use uuid::Uuid;

/// Answers with what it is, and does what a path says.
const APPLICATION: &str = r#"
import http.server, os
class Answer(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        body = f"VERSION {os.getpid()} {os.environ.get('GREETING')}"
        if self.path == "/fill":
            with open("/data/full", "wb") as file:
                for _ in range(400): file.write(bytes(1 << 20))
        status = 500 if "VERSION" == "unwell" and self.path == "/" else 200
        self.send_response(status); self.send_header("Connection", "close"); self.end_headers()
        self.wfile.write(body.encode())
    def log_message(self, *_): pass
print("begins", flush=True)
http.server.ThreadingHTTPServer(("127.0.0.1", int(os.environ["PORT"])), Answer).serve_forever()
"#;

const SETTINGS: &str = r#"
[build]
commands = [["sh", "-c", "test -f broken && { echo it is broken; exit 3; }; cp app.py built.py"]]
[run]
command = ["python3", "built.py"]
stop_time = "2s"
[health]
start_time = "5s"
"#;

struct House {
    place: PathBuf,
    repository: PathBuf,
    instance: InstanceId,
    project: ProjectId,
    fence: AtomicI64,
}

/// A test that fails leaves nothing either.
impl Drop for House {
    fn drop(&mut self) {
        let Ok(sandboxes) = std::fs::read_dir(self.place.join("state/run").join(self.instance.to_string()))
        else {
            return;
        };
        for sandbox in sandboxes.filter_map(Result::ok) {
            let Ok(about) = std::fs::read(sandbox.path().join("sandbox.json")) else { continue };
            let about: serde_json::Value = serde_json::from_slice(&about).unwrap();
            let identity: stoa_agent::sandbox::Identity =
                serde_json::from_value(about["identity"].clone()).unwrap();
            if identity.is_alive() {
                let pid = nix::unistd::Pid::from_raw(identity.pid);
                let _ = nix::sys::signal::kill(pid, nix::sys::signal::SIGKILL);
            }
        }
    }
}

fn id() -> Uuid {
    Uuid::now_v7()
}

fn git(folder: &Path, arguments: &[&str]) -> String {
    let output = Program::new("git")
        .current_dir(folder)
        .args(["-c", "user.name=Anna", "-c", "user.email=anna@example.com"])
        .args(arguments)
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}

impl House {
    fn new(place: &Path) -> Self {
        let repository = place.join("work");
        std::fs::create_dir_all(&repository).unwrap();
        git(&repository, &["init", "--quiet", "--initial-branch=main"]);
        Self {
            place: place.to_owned(),
            repository,
            instance: InstanceId::new(id()),
            project: ProjectId::new(id()),
            fence: AtomicI64::new(1),
        }
    }

    fn commit(&self, version: &str, more: &[&str]) -> CommitId {
        std::fs::write(self.repository.join("app.py"), APPLICATION.replace("VERSION", version)).unwrap();
        std::fs::write(self.repository.join("stoa.toml"), SETTINGS).unwrap();
        let _ = std::fs::remove_file(self.repository.join("broken"));
        for name in more {
            std::fs::write(self.repository.join(name), "").unwrap();
        }
        git(&self.repository, &["add", "--all"]);
        git(&self.repository, &["commit", "--quiet", "--message", version]);
        CommitId::parse(&git(&self.repository, &["rev-parse", "HEAD"])).unwrap()
    }

    async fn agent(&self) -> Agent {
        let options = Options {
            state: self.place.join("state"),
            program: support::program(),
            egress_allow: Vec::new(),
            version: "test".to_owned(),
            starts_instances: true,
        };
        Agent::start(options).await.unwrap()
    }

    fn order(&self) -> Order {
        Order { job: JobId::new(id()), fence: self.fence.fetch_add(1, Ordering::SeqCst) }
    }

    fn form(&self) -> Form {
        Form {
            instance: self.instance,
            project: self.project,
            os_user: 200_000 + std::process::id() % 100_000,
            variables: vec![("GREETING".to_owned(), Secret::from_text("hello".to_owned()))],
            wish_running: true,
            instance_slug: "shop".to_owned(),
            project_slug: "shop".to_owned(),
            workspace_slug: "acme".to_owned(),
            stage: "staging".to_owned(),
            url: "http://shop.localhost".to_owned(),
            host: "shop.localhost".to_owned(),
        }
    }

    async fn run(&self, agent: &Agent, command: Command) -> Progress {
        let steps = agent.carry_out(self.order(), self.instance, command).unwrap();
        tokio::time::timeout(support::PATIENCE, steps.collect::<Vec<_>>()).await.unwrap().pop().unwrap()
    }

    async fn deploy(&self, agent: &Agent, commit: CommitId) -> Progress {
        agent.put(self.order(), self.form()).await.unwrap();
        agent.bring_commit(self.project, &commit, self.repository.clone()).await.unwrap();
        let (deployment, release) = (DeploymentId::new(id()), ReleaseId::new(id()));
        self.run(agent, Command::Deploy { deployment, release, commit }).await
    }

    async fn get(&self, agent: &Agent, path: &str) -> std::io::Result<String> {
        let mut stream = agent.open_application(self.instance).await?;
        stream.write_all(format!("GET {path} HTTP/1.0\r\nHost: shop.localhost\r\n\r\n").as_bytes()).await?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await?;
        Ok(answer.split_once("\r\n\r\n").map(|(_, body)| body.to_owned()).unwrap_or_default())
    }

    fn phase(&self, agent: &Agent) -> Phase {
        agent.route(self.instance).unwrap().0
    }
}

fn succeeded(progress: &Progress) -> bool {
    matches!(progress, Progress::Succeeded { .. })
}

#[tokio::test]
async fn what_fails_leaves_the_earlier_release_running() {
    let place = tempfile::tempdir().unwrap();
    let house = House::new(place.path());
    let agent = house.agent().await;
    let progress = house.deploy(&agent, house.commit("first", &[])).await;
    assert!(succeeded(&progress), "{progress:?}");
    let first = house.get(&agent, "/").await.unwrap();
    assert!(first.starts_with("first ") && first.ends_with(" hello"), "{first}");

    let Progress::Failed { code, sentence, quote } =
        house.deploy(&agent, house.commit("second", &["broken"])).await
    else {
        panic!("a broken build went through")
    };
    assert!(sentence.contains("status 3"), "{code} {sentence} {quote:?}");
    assert!(quote.unwrap_or_default().contains("it is broken") || sentence.contains("it is broken"));
    assert_eq!(house.get(&agent, "/").await.unwrap(), first);

    let Progress::Failed { sentence, .. } = house.deploy(&agent, house.commit("unwell", &[])).await else {
        panic!("an unwell release went through")
    };
    assert_eq!(sentence, "`/` answered 500.");
    assert_eq!(house.get(&agent, "/").await.unwrap(), first, "the same process answers");

    assert!(succeeded(&house.deploy(&agent, house.commit("third", &[])).await));
    assert!(house.get(&agent, "/").await.unwrap().starts_with("third "));
    assert!(succeeded(&house.run(&agent, Command::Restart(RestartMode::Hard)).await));
    assert!(house.get(&agent, "/").await.unwrap().starts_with("third "));
    assert!(succeeded(&house.run(&agent, Command::Stop).await));
    assert_eq!(house.phase(&agent), Phase::Stopped);
    assert!(house.get(&agent, "/").await.is_err());
    assert!(succeeded(&house.run(&agent, Command::Delete).await));
    let left = walk(&house.place.join("state"), &house.instance.to_string());
    assert_eq!(left, Vec::<PathBuf>::new());
}

fn walk(folder: &Path, name: &str) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let below = |path: PathBuf| {
        let is_link = path.is_symlink();
        let mut found = if path.is_dir() && !is_link { walk(&path, name) } else { Vec::new() };
        if path.file_name().unwrap().to_string_lossy().contains(name) {
            found.push(path);
        }
        found
    };
    entries.flat_map(below).collect()
}

#[test]
fn an_agent_that_was_gone_finds_the_same_process_again() {
    let place = tempfile::tempdir().unwrap();
    let house = House::new(place.path());
    let first = Runtime::new().unwrap();
    let before = first.block_on(async {
        let agent = house.agent().await;
        let progress = house.deploy(&agent, house.commit("first", &[])).await;
        assert!(succeeded(&progress), "{progress:?}");
        house.get(&agent, "/").await.unwrap()
    });
    // All of the agent ends here, without a word to anybody.
    first.shutdown_background();
    Runtime::new().unwrap().block_on(async {
        let agent = house.agent().await;
        assert_eq!(house.phase(&agent), Phase::Running);
        assert_eq!(house.get(&agent, "/").await.unwrap(), before);
        assert_eq!(agent.stop_all().await.unwrap(), 1);
    });
}

/// A small disk of its own.
struct Disk(tempfile::TempDir);

impl Drop for Disk {
    fn drop(&mut self) {
        let _ = Program::new("umount").arg("--lazy").arg(self.0.path()).status();
    }
}

#[tokio::test]
async fn an_application_that_fills_the_disk_is_stopped() {
    if !nix::unistd::geteuid().is_root() {
        return;
    }
    let disk = Disk(tempfile::tempdir().unwrap());
    let mount = ["-t", "tmpfs", "-o", "size=1300m", "tmpfs"];
    assert!(Program::new("mount").args(mount).arg(disk.0.path()).status().unwrap().success());
    let house = House::new(disk.0.path());
    let agent = house.agent().await;
    let progress = house.deploy(&agent, house.commit("first", &[])).await;
    assert!(succeeded(&progress), "{progress:?}");
    // Some more, by somebody else, so that what the application writes is what is too much.
    std::fs::write(disk.0.path().join("other"), vec![0_u8; 450 << 20]).unwrap();
    let asked = house.get(&agent, "/fill").await;
    let phase = until("it is stopped", async || match house.phase(&agent) {
        Phase::Failed(reason) => Some(reason),
        _ => None,
    })
    .await;
    assert_eq!(phase, "Stopped: it was filling the server's disk.", "{asked:?}");
    until("it has ended", async || (agent.count_running() == 0).then_some(())).await;
}
