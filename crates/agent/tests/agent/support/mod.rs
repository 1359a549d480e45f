//! A real instance in a real sandbox, whose application does what a test tells it to.

pub mod desk;
pub mod house;
#[path = "../../../../test-kit/src/need.rs"]
pub mod need;
pub mod raw;
pub mod storage;

use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, chown};
use std::path::{Path, PathBuf};
use std::time::Duration;

use futures_util::StreamExt as _;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use stoa_agent::folders::make_private;
use stoa_agent::init::{Control, Orders, Process, connect, listen};
use stoa_agent::logs::{Line, Query, read};
use stoa_agent::sandbox::{Identity, Limits, Mounts, Plan, Sandboxes};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

const PROBE: &str = include_str!("probe.py");

/// Longer than anything here takes on a slow machine.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// A folder with all in it, into one that may be there.
pub fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap().map(Result::unwrap) {
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &target);
        } else {
            std::fs::copy(entry.path(), target).unwrap();
        }
    }
}

/// The program that is process 1, built beside the tests.
pub fn program() -> PathBuf {
    let tests = std::env::current_exe().unwrap();
    let program = tests.parent().unwrap().parent().unwrap().join("examples/process_one");
    assert!(program.is_file(), "build it first: cargo build -p stoa-agent --examples");
    program
}

pub fn sandboxes() -> Sandboxes {
    let sandboxes = Sandboxes::new(program(), Vec::new());
    assert_eq!(sandboxes.abilities().no_sandbox, None);
    sandboxes
}

/// Users of instances that run at the same time differ.
pub fn some_user(sandboxes: &Sandboxes) -> Option<u32> {
    sandboxes.abilities().is_root().then(|| 200_000 + std::process::id() % 100_000)
}

pub struct Instance {
    pub sandboxes: Sandboxes,
    pub place: PathBuf,
    pub name: String,
    pub user: Option<u32>,
    pub limits: Limits,
    pub is_mail_off: bool,
    pub environment: Vec<(String, String)>,
    pub processes: Vec<Process>,
    pub identity: Identity,
    _kept: Option<TempDir>,
}

pub fn process(name: &str, command: &[&str]) -> Process {
    Process {
        name: name.to_owned(),
        command: command.iter().map(|&word| word.to_owned()).collect(),
        stop_signal: Signal::SIGTERM as i32,
        stop_seconds: 10,
    }
}

impl Instance {
    /// Not started yet.
    pub fn new() -> Self {
        let kept = tempfile::tempdir().unwrap();
        let mut instance = Self::at(kept.path());
        instance._kept = Some(kept);
        instance
    }

    pub fn at(place: &Path) -> Self {
        let sandboxes = sandboxes();
        // One that another process has made has its user already.
        let made = std::fs::metadata(place.join("data"))
            .ok()
            .map(|folder| folder.uid())
            .filter(|user| *user >= 200_000);
        let user = made.or(some_user(&sandboxes));
        for name in ["run", "data", "app", "logs", "cache"] {
            make_private(&place.join(name)).unwrap();
        }
        for name in ["data", "logs", "cache"] {
            chown(place.join(name), user, user).unwrap();
        }
        std::fs::set_permissions(place.join("app"), std::fs::Permissions::from_mode(0o755)).unwrap();
        std::fs::write(place.join("app/probe.py"), PROBE).unwrap();
        Self {
            sandboxes,
            place: place.to_owned(),
            name: Self::name(place, std::process::id()),
            user,
            limits: Limits { memory: 256 << 20, processes: 100, processor: None, temporary: 16 << 20 },
            is_mail_off: false,
            environment: Vec::new(),
            processes: vec![process("", &["python3", "probe.py"])],
            identity: Identity::default(),
            _kept: None,
        }
    }

    /// Of its sandbox, where this process starts it.
    pub fn name(place: &Path, starter: u32) -> String {
        format!("test-{starter}-{}", place.file_name().unwrap().to_string_lossy().replace('.', ""))
    }

    pub fn orders(&self) -> Orders {
        let mut environment = vec![
            ("PORT".to_owned(), "8000".to_owned()),
            ("PATH".to_owned(), "/usr/local/bin:/usr/bin:/bin".to_owned()),
            ("PYTHONDONTWRITEBYTECODE".to_owned(), "1".to_owned()),
        ];
        environment.extend(self.environment.clone());
        Orders {
            user: self.user,
            processes_limit: self.limits.processes,
            environment,
            working_folder: "/app".to_owned(),
            port: 8000,
            processes: self.processes.clone(),
            schedules: Vec::new(),
            sandbox: None,
            once: false,
            masked: Vec::new(),
            masked_values: Vec::new(),
        }
    }

    pub async fn start(mut self) -> Self {
        self.start_again().await;
        self
    }

    /// A new sandbox for the same instance.
    pub async fn start_again(&mut self) {
        let _ = std::fs::remove_file(self.socket());
        let _ = std::fs::remove_file(self.control());
        let (application, control) = (listen(&self.socket()).unwrap(), listen(&self.control()).unwrap());
        let (app, data, run, logs) = (
            self.place.join("app"),
            self.place.join("data"),
            self.place.join("run"),
            self.place.join("logs"),
        );
        let plan = Plan {
            name: self.name.clone(),
            hostname: "shop".to_owned(),
            user: self.user,
            mounts: Mounts {
                app: &app,
                is_app_writable: false,
                data: Some(&data),
                cache: None,
                database: None,
            },
            place: &run,
            log_folder: Some(&logs),
            limits: self.limits,
            is_mail_off: self.is_mail_off,
        };
        let started = self.sandboxes.start_application(&plan, &self.orders(), application, control).await;
        self.identity = started.unwrap();
    }

    pub fn socket(&self) -> PathBuf {
        self.place.join("run/application.sock")
    }

    pub fn control(&self) -> PathBuf {
        self.place.join("run/control.sock")
    }

    /// What the Python text leaves in `answer`, or its exception.
    pub async fn ask(&self, text: &str) -> String {
        ask(&self.socket(), text).await.unwrap()
    }

    pub async fn lines(&self) -> Vec<Line> {
        read(self.place.join("logs"), Query::default()).map(Result::unwrap).collect().await
    }

    /// Waits until a line of the log contains it.
    pub async fn line_with(&self, text: &str) -> Line {
        let query = Query { text: Some(text.to_owned()), follow: true, limit: Some(1), ..Query::default() };
        let mut lines = Box::pin(read(self.place.join("logs"), query));
        let found = tokio::time::timeout(PATIENCE, lines.next()).await;
        match found {
            Ok(line) => line.unwrap().unwrap(),
            Err(_) => panic!("no line with {text:?}; {:?}", self.lines().await),
        }
    }

    pub async fn status(&self) -> stoa_agent::init::Status {
        Control::status(&self.control(), PATIENCE).await.unwrap()
    }

    /// The number of the process in which the application runs now.
    pub async fn application(&self) -> i32 {
        until("the application runs", async || self.status().await.application()?.pid).await
    }
}

impl Drop for Instance {
    fn drop(&mut self) {
        if self.identity.is_alive() && self.identity.pid > 1 {
            let _ = kill(Pid::from_raw(self.identity.pid), Signal::SIGKILL);
            while self.identity.is_alive() {
                std::thread::sleep(Duration::from_millis(5));
            }
        }
        let _ = self.sandboxes.tidy(&self.name, &self.place.join("run"));
    }
}

pub async fn ask(socket: &Path, text: &str) -> std::io::Result<String> {
    let asking = async {
        let mut stream = connect(socket).await?;
        stream.write_all(text.as_bytes()).await?;
        stream.shutdown().await?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await?;
        Ok(answer)
    };
    tokio::time::timeout(PATIENCE, asking).await.unwrap_or_else(|_| Err(std::io::ErrorKind::TimedOut.into()))
}

/// The address by which others reach this machine.
pub fn outward() -> Option<std::net::Ipv4Addr> {
    let socket = std::net::UdpSocket::bind("0.0.0.0:0").ok()?;
    // Nothing is sent by this.
    socket.connect("203.0.113.1:9").ok()?;
    match socket.local_addr().ok()? {
        std::net::SocketAddr::V4(address) => Some(*address.ip()),
        std::net::SocketAddr::V6(_) => None,
    }
}

/// Waits for a condition.
pub async fn until<T>(what: &str, mut look: impl AsyncFnMut() -> Option<T>) -> T {
    let waiting = async {
        loop {
            if let Some(found) = look().await {
                return found;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    match tokio::time::timeout(PATIENCE, waiting).await {
        Ok(found) => found,
        Err(_) => panic!("not within a minute: {what}"),
    }
}
