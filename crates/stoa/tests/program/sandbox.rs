//! The sandbox and process 1, for real: what is inside sees itself and nothing else.

use std::io::{Read as _, Write as _};
use std::os::fd::OwnedFd;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::time::Duration;

use stoa_agent::init::{Control, Orders, Process};
use stoa_agent::sandbox::{Ended, Identity, Limits, Mounts, OutputLine, Plan, Sandboxes};
use tempfile::TempDir;
use tokio_util::sync::CancellationToken;

const PATIENCE: Duration = Duration::from_secs(30);

struct Place {
    folder: TempDir,
    sandboxes: Sandboxes,
    user: u32,
    stop_seconds: u64,
    started: std::sync::Mutex<Vec<Identity>>,
}

/// A test that fails leaves nothing either.
impl Drop for Place {
    fn drop(&mut self) {
        for identity in self.started.lock().unwrap().iter().filter(|identity| identity.is_alive()) {
            let _ =
                nix::sys::signal::kill(nix::unistd::Pid::from_raw(identity.pid), nix::sys::signal::SIGKILL);
        }
    }
}

impl Place {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::set_permissions(folder.path(), std::os::unix::fs::PermissionsExt::from_mode(0o711)).unwrap();
        for name in ["app", "data", "log", "place"] {
            std::fs::create_dir(folder.path().join(name)).unwrap();
        }
        let sandboxes = Sandboxes::new(PathBuf::from(env!("CARGO_BIN_EXE_stoa")), Vec::new());
        assert_eq!(sandboxes.abilities().no_sandbox, None);
        // Limits on processes count by user: each test has its own, as each instance has.
        let place = Self {
            folder,
            sandboxes,
            user: 200_000 + std::process::id() % 50_000,
            stop_seconds: 1,
            started: Default::default(),
        };
        if let Some(user) = place.user() {
            for name in ["data", "log"] {
                std::os::unix::fs::chown(place.path(name), Some(user), Some(user)).unwrap();
            }
        }
        place
    }

    fn user(&self) -> Option<u32> {
        self.sandboxes.abilities().is_root().then_some(self.user)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn app(&self, text: &str) {
        std::fs::write(self.path("app/app.py"), text).unwrap();
    }

    fn orders(&self, command: &[&str], once: bool) -> Orders {
        Orders {
            user: self.user(),
            processes_limit: 64,
            environment: [
                ("PATH", "/usr/bin:/bin"),
                ("PORT", "8000"),
                ("SECRET", "canary-7"),
                ("LANG", "C.UTF-8"),
            ]
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .to_vec(),
            working_folder: "/app".to_owned(),
            port: 8000,
            processes: vec![Process {
                name: String::new(),
                command: command.iter().map(|&word| word.to_owned()).collect(),
                stop_signal: 15,
                stop_seconds: self.stop_seconds,
            }],
            schedules: Vec::new(),
            sandbox: None,
            once,
            masked: Vec::new(),
            masked_values: Vec::new(),
        }
    }

    fn name(&self) -> String {
        format!("test-{}", self.folder.path().file_name().unwrap().to_string_lossy().trim_start_matches('.'))
    }

    fn plan<'p>(&self, paths: &'p [PathBuf; 4]) -> Plan<'p> {
        let [app, data, log, place] = paths;
        Plan {
            name: self.name(),
            hostname: "shop".to_owned(),
            user: self.user(),
            mounts: Mounts { app, is_app_writable: false, data: Some(data), cache: None, database: None },
            place,
            log_folder: Some(log),
            limits: Limits { memory: 256 << 20, ..Limits::default() },
            is_mail_off: false,
        }
    }

    fn paths(&self) -> [PathBuf; 4] {
        ["app", "data", "log", "place"].map(|name| self.path(name))
    }

    /// Runs a Python program to its end, and gives its status and what it wrote.
    async fn run(&self, program: &str) -> (Ended, String) {
        self.app(program);
        let (sender, mut lines) = tokio::sync::mpsc::channel::<OutputLine>(64);
        let collect = tokio::spawn(async move {
            let mut text = String::new();
            while let Some(line) = lines.recv().await {
                text.push_str(&String::from_utf8_lossy(&line.text));
                text.push('\n');
            }
            text
        });
        let paths = self.paths();
        let ended = self
            .sandboxes
            .run_command(
                &self.plan(&paths),
                &self.orders(&["python3", "app.py"], true),
                PATIENCE,
                &CancellationToken::new(),
                sender,
            )
            .await
            .unwrap();
        (ended, collect.await.unwrap())
    }

    async fn start(&self, program: &str) -> Identity {
        self.app(program);
        let listen = |name: &str| OwnedFd::from(UnixListener::bind(self.path(name)).unwrap());
        let paths = self.paths();
        let orders = self.orders(&["python3", "app.py"], false);
        let identity = self
            .sandboxes
            .start_application(
                &self.plan(&paths),
                &orders,
                listen("application.sock"),
                listen("control.sock"),
            )
            .await
            .unwrap();
        self.started.lock().unwrap().push(identity);
        identity
    }

    fn ask(&self) -> String {
        let mut stream = UnixStream::connect(self.path("application.sock")).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream.write_all(b"GET / HTTP/1.0\r\n\r\n").unwrap();
        let mut text = String::new();
        stream.read_to_string(&mut text).unwrap();
        text
    }

    fn log(&self) -> String {
        std::fs::read_to_string(self.path("log/00000001.log")).unwrap_or_default()
    }
}

const SERVER: &str = r#"
import http.server, os, signal, sys
signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        body = f"pid {os.getpid()} ns {os.readlink('/proc/self/ns/pid')}".encode()
        self.send_response(200); self.send_header("Content-Length", str(len(body))); self.end_headers(); self.wfile.write(body)
print("listening", flush=True)
http.server.ThreadingHTTPServer(("127.0.0.1", int(os.environ["PORT"])), Handler).serve_forever()
"#;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_command_runs_as_its_own_user_and_sees_only_its_folders() {
    let place = Place::new();
    let (ended, text) = place
        .run(
            r#"
import os
print("user", os.getuid(), os.getgid(), os.getgroups())
print("root", sorted(os.listdir("/")))
print("etc", sorted(os.listdir("/etc")))
print("pids", sorted(int(p) for p in os.listdir("/proc") if p.isdigit()))
open("/data/kept", "w").write("x")
for path in ["/app/new", "/usr/new", "/etc/new", "/new"]:
    try:
        open(path, "w"); print("wrote", path)
    except OSError as error:
        print("refused", path)
print("caps", [line for line in open("/proc/self/status") if line.startswith(("CapEff", "CapBnd", "NoNewPrivs"))])
"#,
        )
        .await;
    assert_eq!(ended, Ended::Status(0), "{text}");
    let user = place.user().unwrap_or(1000);
    assert!(text.contains(&format!("user {user} {user} []")), "{text}");
    for private in ["home", "root", "var", "run", "sys", "opt", "srv", "mnt", "boot"] {
        assert!(!text.contains(&format!("'{private}'")), "{text}");
    }
    assert!(!text.contains("wrote"), "{text}");
    assert!(text.contains("pids [1, "), "{text}");
    assert!(text.contains(r"CapEff:\t0000000000000000"), "{text}");
    assert!(text.contains(r"NoNewPrivs:\t1"), "{text}");
    if place.user().is_some() {
        assert!(text.contains(r"CapBnd:\t0000000000000000"), "{text}");
    }
    assert!(place.path("data/kept").exists());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_belongs_to_the_machine_is_out_of_reach() {
    let place = Place::new();
    let loopback = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let outward = std::net::TcpListener::bind("0.0.0.0:0").unwrap();
    let own = nix::ifaddrs::getifaddrs()
        .unwrap()
        .filter_map(|interface| interface.address?.as_sockaddr_in().map(|address| address.ip()))
        .find(|address| !address.is_loopback());
    let own = own.map_or("127.0.0.1".to_owned(), |address| address.to_string());
    let program = format!(
        r#"
import ctypes, os, signal, socket
def attempt(name, work):
    try:
        work(); print("REACHED", name)
    except OSError as error:
        print("refused", name, error.errno)
def connect(host, port):
    return lambda: socket.create_connection((host, port), 5)
attempt("loopback", connect("127.0.0.1", {}))
attempt("outward", connect("{own}", {}))
attempt("gateway", connect("10.0.2.2", {}))
attempt("metadata", connect("169.254.169.254", 80))
attempt("private", connect("192.168.1.1", 80))
attempt("memory of process 1", lambda: open("/proc/1/mem", "rb"))
attempt("environment of process 1", lambda: open("/proc/1/environ", "rb").read())
attempt("descriptors of process 1", lambda: os.listdir("/proc/1/fd"))
libc = ctypes.CDLL(None, use_errno=True)
def call(name, *arguments):
    if getattr(libc, name)(*arguments) == -1:
        raise OSError(ctypes.get_errno(), name)
attempt("unshare", lambda: call("unshare", 0x10000000))
attempt("mount", lambda: call("mount", b"none", b"/tmp", b"tmpfs", 0, None))
attempt("ptrace of process 1", lambda: call("ptrace", 16, 1, None, None))
os.kill(1, signal.SIGKILL); print("alive after killing process 1")
"#,
        loopback.local_addr().unwrap().port(),
        outward.local_addr().unwrap().port(),
        outward.local_addr().unwrap().port(),
    );
    let (ended, text) = place.run(&program).await;
    assert_eq!(ended, Ended::Status(0), "{text}");
    assert!(!text.contains("REACHED"), "{text}");
    assert_eq!(text.matches("refused").count(), 11, "{text}");
    assert!(text.contains("alive after killing process 1"), "{text}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_soft_restart_keeps_the_namespace_and_answers_everybody() {
    let place = Place::new();
    let identity = place.start(SERVER).await;
    let before = place.ask();
    assert!(before.contains("pid "), "{before}");
    Control::soft_restart(&place.path("control.sock"), PATIENCE).await.unwrap();
    let after = place.ask();
    assert_ne!(before, after, "another process");
    let namespace = |text: &str| text.split("ns ").nth(1).unwrap().to_owned();
    assert_eq!(namespace(&before), namespace(&after));
    assert!(place.log().contains(" stdout listening"), "{}", place.log());
    Control::stop(&place.path("control.sock"), None, PATIENCE).await.unwrap();
    tokio::time::timeout(PATIENCE, identity.ended()).await.unwrap().unwrap();
    assert!(!identity.is_alive());
    place.sandboxes.tidy(&place.name(), &place.path("place")).unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_process_that_ignores_the_wish_to_end_is_killed() {
    let place = Place::new();
    let identity = place.start(&SERVER.replace("lambda *_: os._exit(0)", "signal.SIG_IGN")).await;
    let before = place.ask();
    Control::soft_restart(&place.path("control.sock"), PATIENCE).await.unwrap();
    assert_ne!(before, place.ask());
    assert!(place.log().contains("didn't end within 1 s: killed"), "{}", place.log());
    identity.end().await.unwrap();
    assert!(UnixStream::connect(place.path("application.sock")).is_err(), "nobody listens any more");
}

/// Takes a while over each request, and loses what it is at when it is asked to end.
const SLOW: &str = r#"
import http.server, os, signal, time
signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
class Handler(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        sent = self.rfile.read(int(self.headers["Content-Length"]))
        time.sleep(0.1)
        self.send_response(200); self.send_header("Content-Length", str(len(sent))); self.end_headers(); self.wfile.write(sent)
    def log_message(self, *_): pass
http.server.ThreadingHTTPServer(("127.0.0.1", int(os.environ["PORT"])), Handler).serve_forever()
"#;

/// Who has come before a release is replaced can't be sent to the next one: what was posted may have been read.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_is_before_the_door_when_it_is_stopped_is_answered() {
    let mut place = Place::new();
    place.stop_seconds = 20;
    let identity = place.start(SLOW).await;
    let process = nix::unistd::Pid::from_raw(identity.pid);
    let post = |number: usize| {
        let mut stream = UnixStream::connect(place.path("application.sock")).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        let sent = format!("number {number}");
        let length = sent.len();
        write!(stream, "POST / HTTP/1.0\r\nContent-Length: {length}\r\n\r\n{sent}").unwrap();
        (stream, sent)
    };
    let answered = |(mut stream, sent): (UnixStream, String)| {
        let mut text = String::new();
        let read = stream.read_to_string(&mut text);
        assert!(read.is_ok() && text.ends_with(&sent), "{sent}: {read:?} {text:?}");
    };
    answered(post(0));
    // Process 1 sees them and the wish to stop at one moment.
    nix::sys::signal::kill(process, nix::sys::signal::SIGSTOP).unwrap();
    let waiting: Vec<_> = (1..=24).map(post).collect();
    let control = place.path("control.sock");
    let stopping = tokio::spawn(async move { Control::stop(&control, None, PATIENCE).await });
    nix::sys::signal::kill(process, nix::sys::signal::SIGCONT).unwrap();
    tokio::task::block_in_place(|| waiting.into_iter().for_each(answered));
    stopping.await.unwrap().unwrap();
    tokio::time::timeout(PATIENCE, identity.ended()).await.unwrap().unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_fork_bomb_and_a_flood_of_lines_stay_inside() {
    let place = Place::new();
    let identity = place
        .start(
            r#"
import os, sys, threading, time
line = "x" * 100
for number in range(300000):
    sys.stdout.write(line + "\n")
sys.stdout.flush()
# What is written in the same second as a flood is dropped with it.
time.sleep(2)
count = 0
try:
    while True:
        if os.fork() == 0:
            time.sleep(600)
        count += 1
except OSError as error:
    print("bounded at", count, flush=True)
time.sleep(600)
"#,
        )
        .await;
    let deadline = tokio::time::Instant::now() + PATIENCE;
    while !place.log().contains("bounded at") && tokio::time::Instant::now() < deadline {
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let status = Control::status(&place.path("control.sock"), PATIENCE).await.unwrap();
    assert!(status.application().unwrap().pid.is_some());
    let log = place.log();
    assert!(log.contains("bounded at"), "no bound: {}", log.len());
    assert!(log.contains("lines were dropped"), "{}", log.len());
    identity.end().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn secrets_are_in_no_list_of_processes() {
    let place = Place::new();
    let identity = place.start(SERVER).await;
    let _ = place.ask();
    for entry in std::fs::read_dir("/proc").unwrap().flatten() {
        let line = std::fs::read(entry.path().join("cmdline")).unwrap_or_default();
        assert!(!String::from_utf8_lossy(&line).contains("canary-7"));
    }
    assert!(contains_nowhere(&place.path("place"), "canary-7"));
    identity.end().await.unwrap();
}

fn contains_nowhere(folder: &Path, text: &str) -> bool {
    std::fs::read_dir(folder).unwrap().flatten().all(|entry| match entry.file_type().unwrap() {
        kind if kind.is_dir() => contains_nowhere(&entry.path(), text),
        _ => !String::from_utf8_lossy(&std::fs::read(entry.path()).unwrap_or_default()).contains(text),
    })
}
