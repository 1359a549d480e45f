//! A program of the machine's own, put to what an application wrote: it sees the folders that it is given, the machine's
//! programs, and nothing else. A link that leads out of a folder leads nowhere there, whoever puts it in its way and
//! whenever.

use std::borrow::Cow;
use std::io;
use std::net::IpAddr;
use std::os::fd::{OwnedFd, RawFd};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use nix::fcntl::OFlag;
use tokio::net::unix::pipe::Receiver;

use super::{Sandboxes, hand_over, in_memory, starter};

/// The number of the first of its secrets; the others follow.
const FIRST_SECRET: RawFd = 3;

/// By it a program is known again as one of an agent's, by whoever comes after that agent.
const OF: &str = "STOA_PROGRAM_OF";

/// By which a program finds names: in its own list of them, and nowhere else.
const NAMES: &str = "hosts: files\n";

/// Something of the machine that it sees.
pub struct Shown<'p> {
    pub outside: &'p Path,
    /// Absolute, and below a folder that is ours.
    pub inside: Cow<'p, str>,
    pub is_writable: bool,
}

/// What is to run.
pub struct Program<'p> {
    /// The program's name first.
    pub words: Vec<String>,
    pub environment: Vec<(&'static str, String)>,
    pub shown: Vec<Shown<'p>>,
    pub working_folder: &'static str,
    /// Read by the program as [`secret_path`] names them.
    pub secrets: Vec<OwnedFd>,
    /// What it may besides what its user may: names of capabilities.
    pub capabilities: &'static [&'static str],
    /// `None`: no network.
    pub reaches: Option<Reached<'p>>,
}

/// The one host that a program reaches by its name, at addresses that were looked up and checked before: no name is
/// looked up a second time, so that one which leads elsewhere by then leads nowhere.
pub struct Reached<'p> {
    pub host: &'p str,
    pub addresses: &'p [IpAddr],
}

impl Reached<'_> {
    fn names(&self) -> String {
        // An address that is written out isn't looked up.
        if self.host.parse::<IpAddr>().is_ok() {
            return String::new();
        }
        self.addresses.iter().map(|address| format!("{address} {}\n", self.host)).collect()
    }
}

/// Where the program finds the secret of that place in the list. It is a descriptor: no list of processes and no folder
/// shows what is in it.
pub fn secret_path(place: RawFd) -> String {
    format!("/proc/self/fd/{}", FIRST_SECRET + place)
}

/// What was killed is gone within moments.
const END_WITHIN: std::time::Duration = std::time::Duration::from_secs(10);

/// One that runs. Dropping it ends it.
pub struct RunningProgram {
    child: Option<Child>,
    pub out: Receiver,
    pub err: Receiver,
}

impl RunningProgram {
    /// The number of the first of its processes. `None` where it has been waited for.
    #[must_use]
    pub fn pid(&self) -> Option<i32> {
        self.child.as_ref().and_then(|child| i32::try_from(child.id()).ok())
    }

    /// Its status, when it has ended by itself.
    ///
    /// # Errors
    /// Where it can't be waited for.
    pub async fn wait(&mut self) -> io::Result<Option<i32>> {
        let Some(mut child) = self.child.take() else { return Ok(None) };
        let (kill, waiting) = (Killing(Some(child.id())), tokio::task::spawn_blocking(move || child.wait()));
        let status = waiting.await.map_err(io::Error::other)??;
        kill.disarm();
        Ok(status.code())
    }

    /// Ends it, and waits until everything in it has ended: whoever can still write holds its output open.
    pub async fn end(&mut self) {
        let Some(mut child) = self.child.take() else { return };
        // It may be gone already.
        let _ = child.kill();
        let burying = tokio::task::spawn_blocking(move || child.wait());
        let mut rest = tokio::io::sink();
        let ending = async {
            let _ = burying.await;
            let _ = tokio::io::copy(&mut self.out, &mut rest).await;
        };
        if tokio::time::timeout(END_WITHIN, ending).await.is_err() {
            tracing::warn!("a program that was ended is still there");
        }
    }
}

impl Drop for RunningProgram {
    fn drop(&mut self) {
        if let Some(mut child) = self.child.take() {
            // It may be gone already.
            let _ = child.kill();
            std::thread::spawn(move || _ = child.wait());
        }
    }
}

/// Ends a process that somebody waits for, when nobody does any more.
struct Killing(Option<u32>);

impl Killing {
    fn disarm(mut self) {
        self.0 = None;
    }
}

impl Drop for Killing {
    fn drop(&mut self) {
        if let Some(pid) = self.0.and_then(|pid| i32::try_from(pid).ok()) {
            // Not buried before whoever waits has seen its end: the number is still its own.
            let _ =
                nix::sys::signal::kill(nix::unistd::Pid::from_raw(pid), nix::sys::signal::Signal::SIGKILL);
        }
    }
}

impl Sandboxes {
    /// Starts a program. It ends with us.
    ///
    /// # Errors
    /// Where it can't be started.
    pub async fn start_program(&self, mut program: Program<'_>) -> io::Result<RunningProgram> {
        if let Some(reason) = &self.abilities.no_sandbox {
            return Err(io::Error::new(io::ErrorKind::Unsupported, reason.clone()));
        }
        let (out, out_end) = nix::unistd::pipe2(OFlag::O_CLOEXEC)?;
        let (err, err_end) = nix::unistd::pipe2(OFlag::O_CLOEXEC)?;
        let mut command = Command::new(&self.abilities.bubblewrap);
        let mut secrets: Vec<(OwnedFd, RawFd)> = program.secrets.drain(..).zip(FIRST_SECRET..).collect();
        let mut names = Vec::new();
        if let Some(reached) = &program.reaches {
            for (inside, text) in [("/etc/hosts", reached.names()), ("/etc/nsswitch.conf", NAMES.to_owned())]
            {
                let number = FIRST_SECRET + RawFd::try_from(secrets.len()).unwrap_or(RawFd::MAX);
                secrets.push((in_memory("names", text.as_bytes())?, number));
                names.push((number, inside));
            }
        }
        command
            .args(walls(&program, self.abilities.is_root, &names, &self.mark))
            .env_clear()
            .env(OF, &self.mark)
            .stdin(Stdio::null())
            .stdout(out_end)
            .stderr(err_end);
        hand_over(&mut command, secrets, true)?;
        let child = starter::run(move || command.spawn()).await??;
        let (out, err) = (Receiver::from_owned_fd(out)?, Receiver::from_owned_fd(err)?);
        Ok(RunningProgram { child: Some(child), out, err })
    }

    /// Ends the programs that an agent before this one has left. All end with it, but for one whose bubblewrap was killed,
    /// too, before it had said so to what it started. They are in no control groups, since entering one takes longer than
    /// most of them do.
    ///
    /// # Errors
    /// Where the machine's processes can't be looked at.
    pub(crate) fn end_left_programs(&self) -> io::Result<()> {
        let wanted = format!("{OF}={}", self.mark);
        for entry in std::fs::read_dir("/proc")?.flatten() {
            let Some(pid) = entry.file_name().to_str().and_then(|name| name.parse().ok()) else { continue };
            // What has ended meanwhile, or isn't ours to look at, is none.
            let Ok(environment) = std::fs::read(entry.path().join("environ")) else { continue };
            if environment.split(|byte| *byte == 0).any(|entry| entry == wanted.as_bytes()) {
                tracing::info!(pid, "a program that an agent before this one has left is ended");
                match nix::sys::signal::kill(
                    nix::unistd::Pid::from_raw(pid),
                    nix::sys::signal::Signal::SIGKILL,
                ) {
                    Ok(()) | Err(nix::errno::Errno::ESRCH) => {}
                    Err(errno) => return Err(errno.into()),
                }
            }
        }
        Ok(())
    }
}

fn walls(program: &Program<'_>, is_root: bool, names: &[(RawFd, &'static str)], mark: &str) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    let mut add = |more: &[&str]| words.extend(more.iter().map(|&word| word.to_owned()));
    add(&["--unshare-pid", "--unshare-ipc", "--unshare-uts", "--unshare-cgroup-try"]);
    add(&["--new-session", "--die-with-parent", "--hostname", "stoa", "--clearenv", "--cap-drop", "ALL"]);
    if program.reaches.is_none() {
        add(&["--unshare-net"]);
    }
    if !is_root {
        // Mapped to itself, so that what is written down of owners is the same inside and outside.
        let (user, group) = (nix::unistd::geteuid().to_string(), nix::unistd::getegid().to_string());
        add(&["--unshare-user", "--uid", &user, "--gid", &group]);
    }
    for capability in program.capabilities {
        add(&["--cap-add", capability]);
    }
    add(&["--ro-bind", "/usr", "/usr"]);
    for name in ["bin", "sbin", "lib", "lib32", "lib64", "libx32"] {
        let outside = format!("/{name}");
        match std::fs::read_link(&outside) {
            Ok(_) => add(&["--symlink", &format!("usr/{name}"), &outside]),
            Err(_) if Path::new(&outside).is_dir() => add(&["--ro-bind", &outside, &outside]),
            Err(_) => {}
        }
    }
    if program.reaches.is_some() {
        add(&["--ro-bind-try", "/etc/ssl/certs", "/etc/ssl/certs"]);
    }
    for (number, inside) in names {
        add(&["--ro-bind-data", &number.to_string(), inside]);
    }
    add(&["--proc", "/proc", "--dev", "/dev", "--tmpfs", "/tmp"]);
    for shown in &program.shown {
        let outside = shown.outside.to_string_lossy();
        add(&[if shown.is_writable { "--bind" } else { "--ro-bind" }, &outside, &*shown.inside]);
    }
    add(&["--setenv", "PATH", super::PATH, "--setenv", "LC_ALL", "C.UTF-8", "--setenv", "TMPDIR", "/tmp"]);
    add(&["--setenv", OF, mark]);
    for (name, value) in &program.environment {
        add(&["--setenv", name, value]);
    }
    add(&["--chdir", program.working_folder, "--"]);
    words.extend(program.words.iter().cloned());
    words
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn what_an_agent_left_is_ended_and_nobody_elses() {
        let folder = tempfile::tempdir().unwrap();
        let sandboxes = Sandboxes::new(folder.path().join("stoa"), Vec::new()).of(folder.path());
        let sleep = |mark: &str| Command::new("sleep").arg("600").env(OF, mark).spawn().unwrap();
        let (mut left, mut others) = (sleep(&sandboxes.mark), sleep(&format!("{}x", sandboxes.mark)));
        sandboxes.end_left_programs().unwrap();
        // Whoever was ended by it doesn't hear this any more.
        let ended_by = |child: &mut Child| {
            let pid = i32::try_from(child.id()).unwrap();
            nix::sys::signal::kill(nix::unistd::Pid::from_raw(pid), nix::sys::signal::Signal::SIGTERM)
                .unwrap();
            std::os::unix::process::ExitStatusExt::signal(&child.wait().unwrap())
        };
        assert_eq!((ended_by(&mut left), ended_by(&mut others)), (Some(9), Some(15)));
    }
}
