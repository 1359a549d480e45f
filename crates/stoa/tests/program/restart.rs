//! Restarts under a steady load: soft ones keep the sandbox, hard ones make another, neither builds, and whoever asks
//! meanwhile is answered.

use std::collections::BTreeMap;
use std::io::{Read as _, Write as _};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::support::follow::Following;
use crate::support::{Installation, PASSWORD, git, push_files, until};

const W: &str = "/workspaces/acme";
const REQUESTS: usize = 10_000;
const RESTARTS: usize = 10;
/// 200 a second.
const APART: Duration = Duration::from_millis(5);

const TOML: &str = r#"
[build]
commands = [["sh", "-c", "echo built >> /cache/builds"]]
[run]
command = ["python3", "app.py"]
stop_time = "2s"
"#;

/// Answers with what it was sent, and with its version and its process.
const APP: &str = r#"
import http.server, os, signal, threading
version = open("version").read().strip()
stubborn = os.path.exists("/data/stubborn")
server = None
def end(*_):
    if not stubborn:
        threading.Thread(target=lambda: server.shutdown()).start()
signal.signal(signal.SIGTERM, end)
class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    def answer(self, sent):
        body = f"{sent} version {version} pid {os.getpid()}".encode()
        self.send_response(200); self.send_header("Content-Length", str(len(body))); self.end_headers(); self.wfile.write(body)
    def do_GET(self):
        if self.path == "/for-ever":
            threading.Event().wait()
        self.answer(self.path)
    def do_POST(self):
        self.answer(self.rfile.read(int(self.headers["Content-Length"])).decode())
    def log_message(self, *_): pass
class Server(http.server.ThreadingHTTPServer):
    request_queue_size = 512
    daemon_threads = True
server = Server(("127.0.0.1", int(os.environ["PORT"])), Handler)
server.serve_forever()
"#;

struct Ground {
    stoa: Installation,
    owner: String,
    id: String,
    files: PathBuf,
}

impl Ground {
    fn new() -> Self {
        let stoa = Installation::start();
        let account = json!({ "token": stoa.setup_token, "name": "Olga", "email": "olga@example.com", "password": PASSWORD });
        let owner = stoa.send("", "POST", "/setup", Some(account)).expect(201).cookie();
        let post = |path: &str, body: Value| stoa.send(&owner, "POST", path, Some(body));
        let _ = post("/workspaces", json!({ "name": "Acme" })).expect(201);
        let server =
            post(&format!("{W}/servers"), json!({ "name": "here", "local": true })).expect(201).field("id");
        let project = post(&format!("{W}/projects"), json!({ "name": "Echo" })).expect(201).field("id");
        let token = post("/me/tokens", json!({ "name": "git" })).expect(201).field("token");
        let files = stoa.folder.path().join("echo");
        let remote = format!("http://git:{token}@localhost:{}/git/acme/echo.git", stoa.port);
        push_files(&files, &[("stoa.toml", TOML), ("app.py", APP), ("version", "1")], &remote);
        let body = json!({ "name": "Echo", "project": project, "server": server, "stage": "production", "branch": "main" });
        let id = post(&format!("{W}/instances"), body).expect(202).field("id");
        let ground = Self { stoa, owner, id, files };
        until("it to run", || (ground.get("/instances/echo")["status"] == "running").then_some(()));
        ground
    }

    fn get(&self, path: &str) -> Value {
        self.stoa.send(&self.owner, "GET", &format!("{W}{path}"), None).expect(200).json()
    }

    fn restart(&self, mode: &str) {
        let path = format!("{W}/instances/echo/restart");
        let begun =
            self.stoa.send(&self.owner, "POST", &path, Some(json!({ "mode": mode }))).expect(202).json();
        let job = format!("/jobs/{}", begun["job"]["id"].as_str().unwrap());
        let job = until("the restart", || Some(self.get(&job)).filter(|job| job["ended_at"].is_string()));
        assert_eq!(job["status"], "succeeded", "{job}");
    }

    /// Pushes another version, and waits until it is the one that runs.
    fn release(&self, version: usize) {
        std::fs::write(self.files.join("version"), version.to_string()).unwrap();
        for arguments in
            [&["commit", "--quiet", "-am", "Another version"][..], &["push", "--quiet", "stoa", "main"]]
        {
            let (succeeded, said) = git(&self.files, arguments);
            assert!(succeeded, "{said}");
        }
        until("another version", || self.visit().contains(&format!("version {version} ")).then_some(()));
        until("the end of its deployment", || {
            let newest = self.get("/instances/echo/deployments?limit=1");
            (newest["items"][0]["status"] == "succeeded").then_some(())
        });
    }

    fn visit(&self) -> String {
        self.stoa.try_send("", "GET", "/seen", None, "echo-acme.localhost").unwrap().expect(200).text
    }

    /// The sandbox: process 1 of it, since when that runs, and its namespace. The kernel gives the number of a namespace
    /// that is gone to the next one, so the number alone shows nothing.
    fn sandbox(&self) -> (i32, String, PathBuf) {
        let all = self.stoa.sandboxes();
        let [pid] = all[..] else { panic!("one sandbox: {all:?}") };
        let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
        let began = stat.rsplit_once(')').unwrap().1.split_whitespace().nth(19).unwrap().to_owned();
        (pid, began, std::fs::read_link(format!("/proc/{pid}/ns/pid")).unwrap())
    }

    fn builds(&self) -> usize {
        let file = self.stoa.data().join("agent/cache").join(&self.id).join("builds");
        std::fs::read_to_string(file).unwrap().lines().count()
    }
}

fn pid_of(answer: &str) -> &str {
    answer.rsplit_once("pid ").unwrap().1
}

#[test]
fn a_soft_restart_keeps_the_sandbox_and_a_hard_one_makes_another() {
    let ground = Ground::new();
    let (sandbox, builds, first) = (ground.sandbox(), ground.builds(), ground.visit());
    assert_eq!(builds, 1);
    ground.restart("soft");
    let second = ground.visit();
    assert_ne!(pid_of(&first), pid_of(&second), "another process");
    assert_eq!(ground.sandbox(), sandbox, "in the same namespace");
    ground.restart("hard");
    let (pid, began, _) = ground.sandbox();
    assert_ne!((pid, began), (sandbox.0, sandbox.1), "another namespace");
    ground.restart("soft");
    assert_eq!(ground.builds(), builds, "nothing was built");

    // One that ignores the wish to end is killed after its `stop_time`.
    std::fs::write(ground.stoa.data().join("agent/data").join(&ground.id).join("stubborn"), "").unwrap();
    ground.restart("soft");
    let (sandbox, stubborn) = (ground.sandbox(), ground.visit());
    ground.restart("soft");
    assert_ne!(pid_of(&stubborn), pid_of(&ground.visit()));
    assert_eq!(ground.sandbox(), sandbox);
    let path = format!("/api/v1{W}/instances/echo/logs");
    let log = ground.stoa.try_send(&ground.owner, "GET", &path, None, "localhost").unwrap().expect(200).text;
    assert!(log.contains("didn't end within 2 s: killed"), "{log}");
    ground.restart("hard");
    assert_ne!(ground.sandbox().0, sandbox.0);
}

#[test]
fn it_ends_when_it_is_asked_to_whatever_is_open() {
    let mut ground = Ground::new();
    let open = [
        Following::open(&ground.stoa, "events", &ground.owner, &format!("{W}/events")),
        Following::open(
            &ground.stoa,
            "a log",
            &ground.owner,
            &format!("{W}/instances/echo/logs?follow=true"),
        ),
    ];
    // A request whose body never comes, one whose answer never does, and a connection on which nothing is asked.
    let host = format!("echo-acme.localhost:{}", ground.stoa.port);
    let unfinished = [
        format!("POST / HTTP/1.1\r\nHost: {host}\r\nContent-Length: 10\r\n\r\nhalf"),
        format!("GET /for-ever HTTP/1.1\r\nHost: {host}\r\n\r\n"),
        String::new(),
    ];
    let connections = unfinished.map(|request| {
        let mut connection = std::net::TcpStream::connect(("127.0.0.1", ground.stoa.port)).unwrap();
        connection.write_all(request.as_bytes()).unwrap();
        connection
    });
    let said = ground.stoa.end();
    assert!(said.contains("1 instance goes on running. Stop with: stoa instances stop --all"), "{said}");
    assert_eq!(said.trim().lines().count(), 1, "{said}");
    for stream in &open {
        let _ = stream.end();
    }
    drop(connections);
    // The application goes on: asked on its own socket.
    let run = ground.stoa.data().join("agent/run").join(&ground.id);
    let place = std::fs::read_dir(run).unwrap().next().unwrap().unwrap().path();
    let mut socket = UnixStream::connect(place.join("application.sock")).unwrap();
    socket.set_read_timeout(Some(crate::support::PATIENCE)).unwrap();
    socket.write_all(b"GET /still HTTP/1.0\r\n\r\n").unwrap();
    let mut text = String::new();
    socket.read_to_string(&mut text).unwrap();
    assert!(text.contains("/still version 1 "), "{text}");
}

/// Connections that were answered on and are kept.
type Kept = Arc<Mutex<Vec<TcpStream>>>;

/// One request, on a kept connection or a new one, by GET or POST. What is wrong with its answer.
async fn ask(port: u16, number: usize, kept: Kept) -> Result<(), String> {
    let keeps = number.is_multiple_of(2);
    let earlier = if keeps { kept.lock().unwrap().pop() } else { None };
    let mut stream = match earlier {
        Some(stream) => stream,
        None => {
            TcpStream::connect(("127.0.0.1", port)).await.map_err(|error| format!("connecting: {error}"))?
        }
    };
    let (sent, host) = (format!("/number/{number}"), format!("echo-acme.localhost:{port}"));
    let connection = if keeps { "keep-alive" } else { "close" };
    let request = if number % 4 < 2 {
        format!("GET {sent} HTTP/1.1\r\nHost: {host}\r\nConnection: {connection}\r\n\r\n")
    } else {
        let length = sent.len();
        format!(
            "POST / HTTP/1.1\r\nHost: {host}\r\nConnection: {connection}\r\nContent-Length: {length}\r\n\r\n{sent}"
        )
    };
    stream.write_all(request.as_bytes()).await.map_err(|error| format!("sending: {error}"))?;
    let mut bytes = Vec::new();
    let body = loop {
        let text = String::from_utf8_lossy(&bytes).into_owned();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            if !head.starts_with("HTTP/1.1 200 ") {
                return Err(text);
            }
            let length = head.lines().find_map(|line| {
                let (name, value) = line.split_once(':')?;
                name.eq_ignore_ascii_case("content-length").then(|| value.trim().parse::<usize>().unwrap())
            });
            if length.is_some_and(|length| body.len() >= length) {
                break body.to_owned();
            }
        }
        if stream.read_buf(&mut bytes).await.map_err(|error| format!("reading: {error}"))? == 0 {
            return Err(format!("it broke off: {text:?}"));
        }
    };
    if keeps {
        kept.lock().unwrap().push(stream);
    }
    if body.starts_with(&format!("{sent} version ")) {
        Ok(())
    } else {
        Err(format!("another's answer: {body}"))
    }
}

#[test]
fn everybody_is_answered_while_it_restarts_ten_times_and_another_release_takes_over() {
    let ground = Ground::new();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let (port, is_over) = (ground.stoa.port, Arc::new(AtomicBool::new(false)));
    let done = is_over.clone();
    // The requests come when they come, whether or not the earlier ones are answered.
    let asking = runtime.spawn(async move {
        let (kept, mut asked) = (Kept::default(), tokio::task::JoinSet::new());
        let mut pace = tokio::time::interval(APART);
        let mut number = 0;
        while number < REQUESTS || !done.load(Ordering::SeqCst) {
            pace.tick().await;
            asked.spawn(ask(port, number, kept.clone()));
            number += 1;
        }
        let mut failures = BTreeMap::<String, usize>::new();
        let mut answered = 0;
        while let Some(outcome) = asked.join_next().await {
            match outcome.unwrap() {
                Ok(()) => answered += 1,
                Err(failure) => *failures.entry(failure).or_default() += 1,
            }
        }
        (number, answered, failures)
    });
    let sandbox = ground.sandbox();
    for number in 0..RESTARTS {
        if number == RESTARTS / 2 {
            assert_eq!(ground.sandbox(), sandbox, "soft restarts keep it");
            ground.release(2);
        }
        ground.restart("soft");
        std::thread::sleep(Duration::from_secs(2));
    }
    is_over.store(true, Ordering::SeqCst);
    let (asked, answered, failures) = runtime.block_on(asking).unwrap();
    assert!(failures.is_empty(), "of {asked}, {answered} were answered: {failures:#?}");
    assert!(answered >= REQUESTS);
    assert!(ground.visit().contains("version 2 "));
}
