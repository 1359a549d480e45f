//! A machine elsewhere: another folder on this one, with an agent; and what may stand between it and Stoa.

use std::io::{Read as _, Write as _};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, AtomicU16, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::Value;

use super::until;

/// A machine: its folder, and the agent while it runs.
pub struct Machine {
    folder: tempfile::TempDir,
    child: Option<Child>,
}

impl Machine {
    pub fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap(), child: None }
    }

    pub fn state(&self) -> PathBuf {
        self.folder.path().join("state")
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_stoa"));
        for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("STOA_")) {
            command.env_remove(name);
        }
        command.args(arguments).arg("--state").arg(self.state());
        command
    }

    pub fn start(&mut self, arguments: &[&str]) {
        let open = |name: &str| {
            let path = self.folder.path().join(name);
            std::fs::OpenOptions::new().create(true).append(true).open(path).unwrap()
        };
        let mut command = self.command(&[&["agent"], arguments].concat());
        let child = command.stdout(open("said")).stderr(open("log")).stdin(Stdio::null()).spawn().unwrap();
        self.child = Some(child);
    }

    pub fn said(&self) -> String {
        std::fs::read_to_string(self.folder.path().join("said")).unwrap_or_default()
    }

    pub fn log(&self) -> String {
        std::fs::read_to_string(self.folder.path().join("log")).unwrap_or_default()
    }

    /// The sentence with which it refuses.
    #[track_caller]
    pub fn refused(&self, arguments: &[&str], input: &str) -> String {
        let mut command = self.command(&[&["agent"], arguments].concat());
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
        let output = child.wait_with_output().unwrap();
        let complaint = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(!output.status.success(), "{complaint}");
        complaint.lines().last().unwrap_or_default().to_owned()
    }

    pub fn kill(&mut self) {
        let mut child = self.child.take().unwrap();
        child.kill().unwrap();
        child.wait().unwrap();
    }

    pub fn signal(&self, signal: nix::sys::signal::Signal) {
        let pid = nix::unistd::Pid::from_raw(i32::try_from(self.child.as_ref().unwrap().id()).unwrap());
        nix::sys::signal::kill(pid, signal).unwrap();
    }

    /// Until it has ended by itself, and not as one that a service manager starts again.
    pub fn ended(&mut self) {
        let status = until("the agent's end", || self.child.as_mut().unwrap().try_wait().unwrap());
        assert!(status.success(), "{status}: {}", self.log());
        self.child = None;
    }

    pub fn sandboxes(&self) -> Vec<i64> {
        let mut found = Vec::new();
        for instance in std::fs::read_dir(self.state().join("run")).into_iter().flatten().flatten() {
            for sandbox in std::fs::read_dir(instance.path()).into_iter().flatten().flatten() {
                let Ok(text) = std::fs::read_to_string(sandbox.path().join("sandbox.json")) else { continue };
                let pid = serde_json::from_str::<Value>(&text).unwrap()["identity"]["pid"].as_i64().unwrap();
                if Path::new(&format!("/proc/{pid}")).exists() {
                    found.push(pid);
                }
            }
        }
        found.sort_unstable();
        found
    }
}

impl Drop for Machine {
    fn drop(&mut self) {
        if let Some(mut child) = self.child.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
        let ended = self.command(&["instances", "stop", "--all"]).output().unwrap();
        // What goes on would be nobody's.
        assert!(std::thread::panicking() || ended.status.success(), "{ended:?}");
    }
}

/// What stands between the machine and Stoa, and can keep back every byte without a word.
pub struct Between {
    pub port: u16,
    /// Where it leads.
    to: Arc<AtomicU16>,
    is_cut: Arc<AtomicBool>,
    open: Arc<Mutex<Vec<TcpStream>>>,
}

impl Between {
    pub fn new(to: u16) -> Self {
        let to = Arc::new(AtomicU16::new(to));
        let leads = to.clone();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let (is_cut, open) = (Arc::<AtomicBool>::default(), Arc::<Mutex<Vec<TcpStream>>>::default());
        let (cut, kept) = (is_cut.clone(), open.clone());
        std::thread::spawn(move || {
            for near in listener.incoming().flatten() {
                let Ok(far) = TcpStream::connect(("127.0.0.1", leads.load(Ordering::SeqCst))) else {
                    continue;
                };
                kept.lock().unwrap().extend([near.try_clone().unwrap(), far.try_clone().unwrap()]);
                for (from, into) in [(near.try_clone().unwrap(), far.try_clone().unwrap()), (far, near)] {
                    let cut = cut.clone();
                    std::thread::spawn(move || carry(from, into, &cut));
                }
            }
        });
        Self { port, to, is_cut, open }
    }

    pub fn cut(&self) {
        self.is_cut.store(true, Ordering::SeqCst);
    }

    /// From now on it leads there; what was open ends.
    pub fn lead_to(&self, port: u16) {
        self.to.store(port, Ordering::SeqCst);
        self.join();
    }

    /// The address in a server's command, by this way.
    pub fn address(&self, join: &Value) -> String {
        let address =
            join["command"].as_str().unwrap().strip_prefix("stoa agent --join ").expect("the command");
        let (_, rest) = address.split_once("/join/").unwrap();
        format!("http://localhost:{}/join/{rest}", self.port)
    }

    pub fn join(&self) {
        self.is_cut.store(false, Ordering::SeqCst);
        for stream in self.open.lock().unwrap().drain(..) {
            let _ = stream.shutdown(Shutdown::Both);
        }
    }
}

fn carry(mut from: TcpStream, mut into: TcpStream, cut: &AtomicBool) {
    let mut bytes = [0; 16 * 1024];
    while let Ok(count @ 1..) = from.read(&mut bytes) {
        while cut.load(Ordering::SeqCst) {
            std::thread::sleep(Duration::from_millis(20));
        }
        if into.write_all(&bytes[..count]).is_err() {
            break;
        }
    }
    let _ = into.shutdown(Shutdown::Both);
}
