//! Hosts of remote repositories, as there are elsewhere: a real sshd, and git's own server over HTTP.

use std::io::Write as _;
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::State;
use http::request::Parts;
use http::{Response, StatusCode};

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").expect("a port").local_addr().expect("its number").port()
}

fn quiet(command: &mut Command) -> &mut Command {
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null())
}

/// An sshd of a test's own, with keys of its own.
pub struct SshHost {
    folder: tempfile::TempDir,
    port: u16,
    server: Child,
}

impl Drop for SshHost {
    fn drop(&mut self) {
        let _ = self.server.kill();
        let _ = self.server.wait();
    }
}

impl SshHost {
    /// # Panics
    /// Where sshd isn't installed or doesn't start.
    #[must_use]
    pub fn start() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        std::fs::write(folder.path().join("keys"), "").expect("a file");
        make_key(folder.path());
        let port = free_port();
        let server = start(folder.path(), port);
        Self { folder, port, server }
    }

    #[must_use]
    pub fn place(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// The address of a bare repository of this machine.
    ///
    /// # Panics
    /// Where nobody knows who runs this.
    #[must_use]
    pub fn url(&self, repository: &Path) -> String {
        let output = Command::new("id").arg("-un").output().expect("id runs");
        let user = String::from_utf8_lossy(&output.stdout).trim().to_owned();
        format!("ssh://{user}@{}{}", self.place(), repository.display())
    }

    /// Lets a key in, from now on, with options as `authorized_keys` has them.
    ///
    /// # Panics
    /// Where it can't be written.
    pub fn let_in(&self, public_key: &str, options: &str) {
        let line = format!("{options} {public_key}\n");
        std::fs::write(self.folder.path().join("keys"), line.trim_start()).expect("a file");
    }

    /// Its fingerprint, as ssh-keygen says it.
    ///
    /// # Panics
    /// Where ssh-keygen doesn't run.
    #[must_use]
    pub fn fingerprint(&self) -> String {
        let output = Command::new("ssh-keygen")
            .args(["-l", "-f"])
            .arg(self.folder.path().join("host.pub"))
            .output()
            .expect("ssh-keygen runs");
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        said.split_whitespace().nth(1).expect("a fingerprint").to_owned()
    }

    /// It is another host from now on, at the same place.
    pub fn change_key(&mut self) {
        let _ = self.server.kill();
        let _ = self.server.wait();
        make_key(self.folder.path());
        self.server = start(self.folder.path(), self.port);
    }
}

fn make_key(folder: &Path) {
    let file = folder.join("host");
    let _ = std::fs::remove_file(&file);
    let mut command = Command::new("ssh-keygen");
    let made = quiet(command.args(["-q", "-t", "ed25519", "-N", "", "-f"]).arg(&file)).status();
    assert!(made.expect("ssh-keygen runs").success());
}

// Whoever holds it ends it and waits for it.
#[allow(clippy::zombie_processes)]
fn start(folder: &Path, port: u16) -> Child {
    // Where it lays its own walls, as root.
    let _ = std::fs::create_dir_all("/run/sshd");
    let text = format!(
        "Port {port}\nListenAddress 127.0.0.1\nHostKey {0}/host\nAuthorizedKeysFile {0}/keys\nPidFile none\n\
         StrictModes no\nUsePAM no\nPasswordAuthentication no\nKbdInteractiveAuthentication no\n\
         PermitRootLogin prohibit-password\nPrintMotd no\n",
        folder.display()
    );
    let file = folder.join("config");
    std::fs::write(&file, text).expect("a file");
    let program =
        ["/usr/sbin/sshd", "/sbin/sshd"].into_iter().find(|path| Path::new(path).exists()).expect("sshd");
    let mut command = Command::new(program);
    let server = quiet(command.args(["-D", "-e", "-f"]).arg(&file)).spawn().expect("sshd starts");
    for _ in 0..2_000 {
        if TcpStream::connect(("127.0.0.1", port)).is_ok() {
            return server;
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    panic!("sshd doesn't listen");
}

/// How a host over HTTP behaves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Manner {
    Well,
    /// It sends whoever asks here.
    Elsewhere(String),
    /// It sends a part of a pack, and then nothing more.
    HangsInTheMiddle,
    /// It takes what is pushed, and never says so.
    TakesAPushAndHangs,
    /// It never answers a push, and takes nothing.
    HangsInAPush,
    /// It sends a part of a pack, and ends.
    CutsInTheMiddle,
    /// It knows only git's old way: files, one by one.
    FilesAlone,
    /// What it says is packed, and is so many bytes once it is unpacked.
    UnpacksTo(usize),
}

struct Held {
    folder: PathBuf,
    token: Option<String>,
    manner: Mutex<Manner>,
    asked: AtomicUsize,
}

/// Git's own server over HTTP, for the bare repositories in a folder.
pub struct HttpHost {
    held: Arc<Held>,
    port: u16,
    serving: tokio::task::JoinHandle<()>,
}

impl Drop for HttpHost {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

impl HttpHost {
    /// `token`: what has to be shown as a password.
    ///
    /// # Panics
    /// Where it can't listen.
    pub async fn start(folder: &Path, token: Option<&str>) -> Self {
        let held = Arc::new(Held {
            folder: folder.to_owned(),
            token: token.map(str::to_owned),
            manner: Mutex::new(Manner::Well),
            asked: AtomicUsize::new(0),
        });
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let port = listener.local_addr().expect("its number").port();
        let router = Router::new().fallback(answer).with_state(held.clone());
        let serving = tokio::spawn(async move { axum::serve(listener, router).await.expect("it serves") });
        Self { held, port, serving }
    }

    #[must_use]
    pub fn place(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    #[must_use]
    pub fn url(&self, name: &str) -> String {
        format!("http://{}/{name}", self.place())
    }

    /// # Panics
    /// After a panic elsewhere.
    pub fn behave(&self, manner: Manner) {
        *self.held.manner.lock().expect("nobody else fails") = manner;
    }

    /// How often it was asked.
    #[must_use]
    pub fn asked(&self) -> usize {
        self.held.asked.load(Ordering::SeqCst)
    }
}

fn plain(status: StatusCode) -> Response<Body> {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = status;
    response
}

async fn answer(State(held): State<Arc<Held>>, parts: Parts, body: Bytes) -> Response<Body> {
    held.asked.fetch_add(1, Ordering::SeqCst);
    let manner = held.manner.lock().expect("nobody else fails").clone();
    if let Manner::Elsewhere(place) = &manner {
        let mut response = plain(StatusCode::FOUND);
        let path = parts.uri.path_and_query().map_or("/", |path| path.as_str());
        response.headers_mut().insert("location", format!("{place}{path}").parse().expect("an address"));
        return response;
    }
    if let Some(token) = &held.token {
        use base64::Engine as _;
        let shown = parts.headers.get("authorization").and_then(|value| value.to_str().ok());
        let wanted = base64::engine::general_purpose::STANDARD.encode(format!("git:{token}"));
        if shown != Some(format!("Basic {wanted}").as_str()) {
            let mut response = plain(StatusCode::UNAUTHORIZED);
            response.headers_mut().insert("www-authenticate", "Basic realm=\"x\"".parse().expect("a value"));
            return response;
        }
    }
    if manner == Manner::FilesAlone {
        let file = held.folder.join(parts.uri.path().trim_start_matches('/'));
        let mut response = plain(StatusCode::NOT_FOUND);
        if let Ok(bytes) = std::fs::read(file) {
            (*response.status_mut(), *response.body_mut()) = (StatusCode::OK, Body::from(bytes));
        }
        return response;
    }
    if let Manner::UnpacksTo(bytes) = manner {
        let mut response = plain(StatusCode::OK);
        let packed = tokio::task::spawn_blocking(move || packed(bytes)).await.expect("it is packed");
        let kind = "application/x-git-upload-pack-advertisement";
        response.headers_mut().insert("content-type", kind.parse().expect("a value"));
        response.headers_mut().insert("content-encoding", "gzip".parse().expect("a value"));
        *response.body_mut() = Body::from(packed);
        return response;
    }
    let is_push = parts.uri.path().ends_with("/git-receive-pack") && parts.method == http::Method::POST;
    let never =
        || Body::from_stream(futures_util::stream::pending::<Result<Bytes, std::convert::Infallible>>());
    if is_push && manner == Manner::HangsInAPush {
        return Response::new(never());
    }
    let is_fetch = parts.uri.path().ends_with("/git-upload-pack") && body_wants_a_pack(&body);
    let answered = tokio::task::spawn_blocking(move || by_git(&held.folder, &parts, &body)).await;
    let (status, headers, bytes) = answered.expect("git answers");
    let mut response = plain(status);
    for (name, value) in headers {
        let name: http::HeaderName = name.parse().expect("a name");
        response.headers_mut().insert(name, value.parse().expect("a value"));
    }
    if manner == Manner::CutsInTheMiddle {
        response.headers_mut().remove(http::header::CONTENT_LENGTH);
    }
    if is_push && manner == Manner::TakesAPushAndHangs {
        response.headers_mut().remove(http::header::CONTENT_LENGTH);
        *response.body_mut() = never();
        return response;
    }
    *response.body_mut() = if is_fetch && manner == Manner::CutsInTheMiddle {
        // Said to be whole: what is missing is git's to see.
        Body::from(bytes.slice(..bytes.len() / 2))
    } else if is_fetch && manner == Manner::HangsInTheMiddle {
        use futures_util::StreamExt as _;
        let part = bytes.slice(..bytes.len() / 2);
        let first = futures_util::stream::once(async { Ok::<_, std::convert::Infallible>(part) });
        Body::from_stream(first.chain(futures_util::stream::pending()))
    } else {
        Body::from(bytes)
    };
    response
}

/// So many zeros, packed.
fn packed(bytes: usize) -> Vec<u8> {
    let mut command = Command::new("gzip");
    command.args(["-1", "-c"]).stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = command.spawn().expect("gzip runs");
    let mut input = child.stdin.take().expect("an input");
    let feeding = std::thread::spawn(move || {
        let piece = vec![0; 1 << 20];
        for _ in 0..bytes.div_ceil(piece.len()) {
            input.write_all(&piece).expect("gzip reads");
        }
    });
    let output = child.wait_with_output().expect("gzip ends").stdout;
    feeding.join().expect("it was fed");
    output
}

fn body_wants_a_pack(body: &[u8]) -> bool {
    body.windows(13).any(|window| window == b"command=fetch")
}

/// `git http-backend`, as CGI has it (RFC 3875).
fn by_git(folder: &Path, parts: &Parts, body: &[u8]) -> (StatusCode, Vec<(String, String)>, Bytes) {
    let header = |name: &str| parts.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or("");
    let mut child = Command::new("git")
        .args(["-c", "http.receivepack=true", "-c", "safe.directory=*", "http-backend"])
        .env("GIT_PROJECT_ROOT", folder)
        .env("GIT_HTTP_EXPORT_ALL", "1")
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .env("REQUEST_METHOD", parts.method.as_str())
        .env("PATH_INFO", parts.uri.path())
        .env("QUERY_STRING", parts.uri.query().unwrap_or(""))
        .env("CONTENT_TYPE", header("content-type"))
        .env("CONTENT_LENGTH", body.len().to_string())
        .env("GIT_PROTOCOL", header("git-protocol"))
        .env("HTTP_CONTENT_ENCODING", header("content-encoding"))
        .env("REMOTE_USER", "anna")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("git runs");
    let mut input = child.stdin.take().expect("an input");
    let body = body.to_vec();
    let feeding = std::thread::spawn(move || _ = input.write_all(&body));
    let output = child.wait_with_output().expect("git ends").stdout;
    feeding.join().expect("it was fed");
    let end = output.windows(4).position(|window| window == b"\r\n\r\n").expect("a head");
    let (head, rest) = (String::from_utf8_lossy(&output[..end]).into_owned(), &output[end + 4..]);
    let mut status = StatusCode::OK;
    let mut headers = Vec::new();
    for (name, value) in head.lines().filter_map(|line| line.split_once(": ")) {
        if name.eq_ignore_ascii_case("status") {
            let code: u16 = value.split(' ').next().and_then(|code| code.parse().ok()).expect("a status");
            status = StatusCode::from_u16(code).expect("a status");
        } else {
            headers.push((name.to_owned(), value.to_owned()));
        }
    }
    (status, headers, Bytes::copy_from_slice(rest))
}
