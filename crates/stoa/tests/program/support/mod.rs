//! The real program on a folder of its own, asked over real sockets.

pub mod desk;
pub mod follow;
pub mod ground;
pub mod machine;
pub mod owners;
pub mod terminal;
pub mod tracer;

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use serde_json::Value;
use tempfile::TempDir;
use test_kit::canary;

pub const PATIENCE: Duration = Duration::from_secs(60);
pub const PASSWORD: &str = "correct horse battery";
/// What a test may give an instance as a secret variable.
pub const SECRET: &str = "canary of an instance";

/// An installation: its folder, its port, and the program while it runs.
pub struct Installation {
    pub folder: TempDir,
    pub address: Address,
    pub setup_token: String,
    pub environment: Vec<(String, String)>,
    child: Option<Child>,
    rest: Option<BufReader<std::process::ChildStdout>>,
}

/// Where it is asked: by whoever wants to, also while it is killed and started anew.
#[derive(Clone, Copy)]
pub struct Address {
    pub port: u16,
    /// The port of the address by which people reach it.
    pub public_port: u16,
}

impl std::ops::Deref for Installation {
    type Target = Address;

    fn deref(&self) -> &Address {
        &self.address
    }
}

impl std::ops::DerefMut for Installation {
    fn deref_mut(&mut self) -> &mut Address {
        &mut self.address
    }
}

/// What came back.
pub struct Answer {
    pub status: u16,
    pub headers: String,
    pub text: String,
}

impl Answer {
    #[track_caller]
    pub fn expect(self, status: u16) -> Self {
        assert_eq!(self.status, status, "{}", self.text);
        self
    }

    pub fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|error| panic!("{error}: {}", self.text))
    }

    pub fn field(&self, name: &str) -> String {
        self.json()[name].as_str().unwrap_or_else(|| panic!("no {name} in {}", self.text)).to_owned()
    }

    pub fn cookie(&self) -> String {
        let line =
            self.headers.lines().find(|line| line.to_ascii_lowercase().starts_with("set-cookie:")).unwrap();
        line.split_once(':').unwrap().1.split(';').next().unwrap().trim().to_owned()
    }
}

/// Asks again until the answer is there.
#[track_caller]
pub fn until<T>(what: &str, mut ask: impl FnMut() -> Option<T>) -> T {
    let deadline = tokio::time::Instant::now() + PATIENCE;
    loop {
        if let Some(found) = ask() {
            return found;
        }
        assert!(tokio::time::Instant::now() < deadline, "{what} didn't come");
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// One below those that the kernel gives to whoever connects: while the program is killed nobody else gets it, least of
/// all somebody who tries to reach it.
fn free_port() -> u16 {
    let begin = u16::try_from(now_micros().unsigned_abs() / 7 % 12_000).unwrap();
    let candidates = (0..12_000).map(|number| 20_000 + (begin + number) % 12_000);
    candidates
        .into_iter()
        .find(|port| std::net::TcpListener::bind(("127.0.0.1", *port)).is_ok())
        .expect("a free port")
}

/// Another one, of some that begin at `from`: not the one that a test which was started beside this one tries first.
pub fn another_port(from: u16, many: u16) -> u16 {
    let begin = u16::try_from(std::process::id() % u32::from(many)).unwrap();
    let mut candidates = (0..many).map(|number| from + (begin + number) % many);
    candidates.find(|port| std::net::TcpListener::bind(("127.0.0.1", *port)).is_ok()).expect("a free port")
}

impl Installation {
    /// One that isn't started yet, with these settings besides its own folder and port.
    pub fn prepare(environment: &[(&str, &str)]) -> Self {
        let port = free_port();
        let environment = environment.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        Self {
            folder: tempfile::tempdir().unwrap(),
            address: Address { port, public_port: port },
            setup_token: String::new(),
            environment: environment.collect(),
            child: None,
            rest: None,
        }
    }

    pub fn start() -> Self {
        Self::prepare(&[]).started()
    }

    /// Started for the first time.
    pub fn started(mut self) -> Self {
        let own = &mut self;
        let lines = own.run();
        let link = lines.iter().find(|line| line.contains("/setup#")).expect("a link to set it up");
        own.setup_token = link.split('#').nth(1).unwrap().trim().to_owned();
        self
    }

    /// The program with this installation's settings, and no others.
    pub fn command(&self) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_stoa"));
        for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("STOA_")) {
            command.env_remove(name);
        }
        command.envs(self.environment.iter().map(|(name, value)| (name, value)));
        command
    }

    pub fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    fn serve(&self) -> Command {
        let mut command = self.command();
        command
            .arg("serve")
            .arg("--data-dir")
            .arg(self.data())
            .arg("--listen")
            .arg(format!("127.0.0.1:{}", self.port));
        command
    }

    /// The sentence with which the program refuses to start.
    #[track_caller]
    pub fn refused(&self) -> String {
        let mut child = self.serve().stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        if !line.is_empty() {
            child.kill().unwrap();
            child.wait().unwrap();
            panic!("it started: {line}");
        }
        let output = child.wait_with_output().unwrap();
        assert!(!output.status.success());
        String::from_utf8(output.stderr).unwrap().lines().last().unwrap_or_default().to_owned()
    }

    /// Starts the program, and gives the lines that it says until it listens.
    pub fn run(&mut self) -> Vec<String> {
        let mut command = self.serve();
        let errors = std::fs::OpenOptions::new()
            .create(true)
            .append(true)
            .open(self.folder.path().join("log"))
            .unwrap();
        let mut child = command.stdout(Stdio::piped()).stderr(errors).spawn().unwrap();
        let mut lines = Vec::new();
        let mut reader = BufReader::new(child.stdout.take().unwrap());
        let mut line = String::new();
        reader.read_line(&mut line).unwrap();
        assert!(
            line.contains("is at"),
            "{line}{}",
            std::fs::read_to_string(self.folder.path().join("log")).unwrap()
        );
        let needs_set_up =
            until("an answer", || self.try_send("", "GET", "/api/v1/health", None, "localhost"))
                .text
                .contains("ok")
                && self.setup_token.is_empty();
        lines.push(std::mem::take(&mut line));
        if needs_set_up {
            reader.read_line(&mut line).unwrap();
            lines.push(line);
        }
        child.stdout = None;
        self.rest = Some(reader);
        self.child = Some(child);
        lines
    }

    /// What it has written to its log.
    pub fn log(&self) -> String {
        std::fs::read_to_string(self.folder.path().join("log")).unwrap_or_default()
    }

    /// The process while it runs.
    pub fn pid(&self) -> i32 {
        i32::try_from(self.child.as_ref().expect("it runs").id()).unwrap()
    }

    /// Until it has ended by itself; whether it says that all went well.
    pub fn ended(&mut self) -> bool {
        let status = until("its end", || self.child.as_mut().unwrap().try_wait().unwrap());
        self.child = None;
        status.success()
    }

    pub fn kill(&mut self) {
        let mut child = self.child.take().unwrap();
        child.kill().unwrap();
        child.wait().unwrap();
    }

    /// Asks it politely, and gives what it says last.
    pub fn end(&mut self) -> String {
        let mut child = self.child.take().unwrap();
        let pid = nix::unistd::Pid::from_raw(i32::try_from(child.id()).unwrap());
        nix::sys::signal::kill(pid, nix::sys::signal::SIGTERM).unwrap();
        let mut said = String::new();
        self.rest.take().unwrap().read_to_string(&mut said).unwrap();
        canary::is_absent(&[PASSWORD, SECRET, "stoa_pat_"], "what it said", said.as_bytes());
        assert!(child.wait().unwrap().success());
        said
    }

    pub fn stop_all(&self) -> String {
        let output = self
            .command()
            .args(["instances", "stop", "--all", "--data-dir"])
            .arg(self.data())
            .output()
            .unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    }

    /// Another command of the program, with this installation's settings and folder. Whether it succeeds, what it says,
    /// and what it complains of.
    pub fn command_with(&self, arguments: &[&str], input: &str) -> (bool, String, String) {
        let mut command = self.command();
        command.args(arguments).arg("--data-dir").arg(self.data());
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        // One that reads nothing may have ended already.
        let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
        let output = child.wait_with_output().unwrap();
        let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
        (output.status.success(), text(output.stdout), text(output.stderr))
    }

    /// The same, where it has to succeed.
    #[track_caller]
    pub fn told(&self, arguments: &[&str]) -> String {
        let (succeeded, said, complaint) = self.command_with(arguments, "");
        assert!(succeeded, "{complaint}");
        said
    }

    /// The same, where it has to be refused: the sentence.
    #[track_caller]
    pub fn refusal(&self, arguments: &[&str]) -> String {
        let (succeeded, said, complaint) = self.command_with(arguments, "");
        assert!(!succeeded, "{said}");
        complaint
    }

    /// Process 1 of each sandbox of this installation.
    pub fn sandboxes(&self) -> Vec<i32> {
        let mut found = Vec::new();
        let run = self.data().join("agent/run");
        for instance in std::fs::read_dir(run).into_iter().flatten().flatten() {
            for sandbox in std::fs::read_dir(instance.path()).into_iter().flatten().flatten() {
                let Ok(text) = std::fs::read_to_string(sandbox.path().join("sandbox.json")) else { continue };
                let pid = serde_json::from_str::<Value>(&text).unwrap()["identity"]["pid"].as_i64().unwrap();
                if Path::new(&format!("/proc/{pid}")).exists() {
                    found.push(i32::try_from(pid).unwrap());
                }
            }
        }
        found.sort_unstable();
        found
    }

    /// Takes note that it was killed while it was traced: who traced it has seen its end.
    pub fn was_killed(&mut self) {
        self.child = None;
    }
}

impl Address {
    pub fn connect(
        &self,
        cookie: &str,
        method: &str,
        path: &str,
        body: Option<&str>,
        host: &str,
    ) -> Option<TcpStream> {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).ok()?;
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        let (port, body) = (self.public_port, body.unwrap_or_default());
        let kind =
            if body.starts_with('{') { "application/json" } else { "application/x-www-form-urlencoded" };
        let credential = if cookie.starts_with("stoa_pat_") {
            format!("Authorization: Bearer {cookie}")
        } else {
            format!("Cookie: {cookie}")
        };
        write!(
            stream,
            "{method} {path} HTTP/1.1\r\nHost: {host}:{port}\r\nOrigin: http://localhost:{port}\r\n{credential}\r\n\
             Content-Type: {kind}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
            body.len()
        )
        .ok()?;
        Some(stream)
    }

    pub fn try_send(
        &self,
        cookie: &str,
        method: &str,
        path: &str,
        body: Option<&str>,
        host: &str,
    ) -> Option<Answer> {
        let mut stream = self.connect(cookie, method, path, body, host)?;
        let mut bytes = Vec::new();
        stream.read_to_end(&mut bytes).ok()?;
        let text = String::from_utf8_lossy(&bytes).into_owned();
        let (headers, body) = text.split_once("\r\n\r\n")?;
        let status = headers.split(' ').nth(1)?.parse().ok()?;
        Some(Answer { status, headers: headers.to_owned(), text: body.to_owned() })
    }

    #[track_caller]
    pub fn send(&self, cookie: &str, method: &str, path: &str, body: Option<Value>) -> Answer {
        let body = body.map(|body| body.to_string());
        let path = format!("/api/v1{path}");
        self.try_send(cookie, method, &path, body.as_deref(), "localhost").expect("an answer")
    }
}

/// A test leaves no process behind, also when it fails.
impl Drop for Installation {
    fn drop(&mut self) {
        if let Some(mut child) = self.child.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
        owners::sweep(self);
        if !std::thread::panicking() {
            self.keeps_its_secrets();
        }
    }
}

impl Installation {
    /// What everybody knows here stands in the clear in nothing that it has said or kept. What an application has written
    /// itself is its own.
    fn keeps_its_secrets(&mut self) {
        let secrets = [PASSWORD, SECRET, "stoa_pat_", &*self.setup_token];
        canary::is_absent(&secrets, "the log", self.log().as_bytes());
        canary::is_absent_below(&secrets, &self.data(), &["agent/data"]);
        if let Some(mut rest) = self.rest.take() {
            // Nobody may keep it open: what is there is read, and no more.
            let flags = nix::fcntl::OFlag::O_NONBLOCK;
            nix::fcntl::fcntl(rest.get_ref(), nix::fcntl::FcntlArg::F_SETFL(flags)).unwrap();
            let mut said = Vec::new();
            let _ = rest.read_to_end(&mut said);
            // The link to set it up is printed, once, for whoever started it.
            canary::is_absent(&secrets[..3], "what it said", &said);
        }
    }
}

pub fn git(folder: &Path, arguments: &[&str]) -> (bool, String) {
    let output = Command::new("git")
        .current_dir(folder)
        .args(["-c", "user.name=Olga", "-c", "user.email=olga@example.com", "-c", "commit.gpgsign=false"])
        .args(arguments)
        .env("GIT_TERMINAL_PROMPT", "0")
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        // It would go before what a repository says of itself.
        .env_remove("GIT_SSL_CAINFO")
        .output()
        .unwrap();
    (output.status.success(), String::from_utf8_lossy(&output.stderr).into_owned())
}

/// A repository with these files and one commit on `main`, pushed to a project.
pub fn push_files(folder: &Path, files: &[(&str, &str)], remote: &str) {
    std::fs::create_dir_all(folder).unwrap();
    for (name, text) in files {
        std::fs::write(folder.join(name), text).unwrap();
    }
    for arguments in [
        &["init", "--quiet", "--initial-branch=main"][..],
        &["add", "."],
        &["commit", "--quiet", "-m", "The first"],
        &["remote", "add", "stoa", remote],
        &["push", "--quiet", "stoa", "main"],
    ] {
        let (succeeded, said) = git(folder, arguments);
        assert!(succeeded, "{said}");
    }
}

/// `at` of a line or an event, in microseconds since 1970.
pub fn micros_of(value: &Value) -> i64 {
    let at = value["at"].as_str().unwrap_or_else(|| panic!("no time in {value}"));
    at.parse::<jiff::Timestamp>().unwrap().as_microsecond()
}

/// Now, by the clock that the program's own times come from.
pub fn now_micros() -> i64 {
    jiff::Timestamp::now().as_microsecond()
}

/// What goes on beside a test ends with it, also where that fails.
pub struct GoesOn<'f>(pub &'f std::sync::atomic::AtomicBool);

impl Drop for GoesOn<'_> {
    fn drop(&mut self) {
        self.0.store(false, std::sync::atomic::Ordering::SeqCst);
    }
}
