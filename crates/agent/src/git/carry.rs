//! Git at work over the network, held to limits: it runs as a group of processes of its own, which ends whole: when it takes
//! too long, when nothing comes, when it brings too much or takes too much memory, and when nobody waits for it any more.

use std::io;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use nix::fcntl::OFlag;
use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;
use tokio::io::AsyncReadExt as _;
use tokio::net::unix::pipe::Receiver;

use super::GitError;
use crate::folders;
use crate::sandbox::{hand_over, hold_memory, in_memory, starter};

/// Bytes of an answer.
pub(super) const MOST_SAID: usize = 8 << 20;
/// Bytes of complaints: the last of them.
const MOST_COMPLAINTS: usize = 64 * 1024;
/// How often it is looked how much has come.
const LOOKS: Duration = Duration::from_millis(200);
/// How long it has to clean up after itself.
const ENDING: Duration = Duration::from_secs(2);

/// Bytes a second that have to come, while something is to come.
const SLOWEST: u64 = 1024;
/// A host that only says what it is doing is listened to for this many silences.
const SAYINGS: u32 = 5;
/// What git says, of its own and behind nobody's `remote:`, once all has come.
const RECEIVED: &str = "Receiving objects: 100%";

/// The number of the descriptor that its configuration comes by.
const CONFIGURATION: i32 = 3;

/// How a repository elsewhere is reached.
pub struct Connection {
    /// As git takes it.
    pub url: String,
    /// The one way that is taken: `https`, `http` or `ssh`.
    pub protocol: &'static str,
    /// Settings that aren't secret.
    pub settings: Vec<String>,
    /// A configuration file, read by git from a descriptor: a token is in it.
    pub configuration: Option<zeroize::Zeroizing<String>>,
    pub environment: Vec<(&'static str, String)>,
}

/// What is waited for and taken, at most.
#[derive(Debug, Clone, Copy)]
pub struct Transfer {
    pub patience: Duration,
    /// Without anything coming.
    pub silence: Duration,
    /// Bytes that the repository grows by.
    pub size: u64,
    /// Bytes of memory of each of its processes.
    pub memory: u64,
    /// Bytes that stay free on the disk.
    pub least_free: u64,
}

#[derive(Debug, thiserror::Error)]
pub enum TransferError {
    #[error("it took too long")]
    OutOfTime,
    #[error("it has too much")]
    TooLarge,
    #[error("the disk has too little left")]
    NoSpace,
    /// Why.
    #[error("it isn't sound: {0}")]
    Damaged(&'static str),
    /// In git's words.
    #[error("{0}")]
    Refused(String),
    #[error(transparent)]
    Git(#[from] GitError),
}

impl From<io::Error> for TransferError {
    fn from(error: io::Error) -> Self {
        Self::Git(error.into())
    }
}

/// On what it runs.
pub(super) struct Around<'r> {
    pub folder: Option<&'r Path>,
    /// Where objects are that the repository hasn't got yet.
    pub objects: Option<&'r Path>,
    /// A folder that grows by what comes.
    pub growing: Option<PathBuf>,
    /// What it is told on its standard input.
    pub input: Option<&'r str>,
}

impl Around<'_> {
    fn command(&self) -> Command {
        let mut command = super::plain();
        // Whoever's folder Stoa was started in, nothing of it counts.
        command.current_dir("/");
        if let (Some(folder), Some(objects)) = (self.folder, self.objects) {
            command
                .env("GIT_OBJECT_DIRECTORY", objects)
                .env("GIT_ALTERNATE_OBJECT_DIRECTORIES", folder.join("objects"));
        }
        command
    }
}

/// What was heard of it so far.
#[derive(Default)]
struct Heard {
    bytes: AtomicU64,
    has_all: AtomicBool,
}

/// A group of processes that ends when nobody waits for it any more.
struct Running {
    child: Option<Child>,
    group: Pid,
    out: Receiver,
    err: Receiver,
    heard: Arc<Heard>,
}

impl Drop for Running {
    fn drop(&mut self) {
        if let Some(mut child) = self.child.take() {
            // It may be gone already.
            let _ = killpg(self.group, Signal::SIGKILL);
            std::thread::spawn(move || _ = child.wait());
        }
    }
}

impl Running {
    async fn start(
        connection: &Connection,
        words: &[&str],
        around: &Around<'_>,
        memory: u64,
    ) -> io::Result<Self> {
        let (out, out_end) = nix::unistd::pipe2(OFlag::O_CLOEXEC)?;
        let (err, err_end) = nix::unistd::pipe2(OFlag::O_CLOEXEC)?;
        let mut command = around.command();
        // Last, so that it counts: the one way, and no other.
        let allowed = format!("protocol.{}.allow=always", connection.protocol);
        for setting in connection.settings.iter().chain(std::iter::once(&allowed)) {
            command.arg("-c").arg(setting);
        }
        if let Some(folder) = around.folder {
            command.arg("--git-dir").arg(folder);
        }
        command.args(words);
        for (name, value) in &connection.environment {
            command.env(name, value);
        }
        let mut secrets: Vec<(OwnedFd, i32)> = Vec::new();
        if let Some(configuration) = &connection.configuration {
            secrets.push((in_memory("configuration", configuration.as_bytes())?, CONFIGURATION));
            command.env("GIT_CONFIG_GLOBAL", format!("/proc/self/fd/{CONFIGURATION}"));
        }
        command.stdin(match around.input {
            Some(input) => Stdio::from(in_memory("input", input.as_bytes())?),
            None => Stdio::null(),
        });
        command.stdout(out_end).stderr(err_end);
        hand_over(&mut command, secrets, true)?;
        // What it is sent it unpacks into memory, whatever the host makes of it.
        hold_memory(&mut command, memory)?;
        let child = starter::run(move || command.spawn()).await??;
        // It leads a session of its own, and with it the group.
        let group = Pid::from_raw(i32::try_from(child.id()).map_err(io::Error::other)?);
        let (out, err) = (Receiver::from_owned_fd(out)?, Receiver::from_owned_fd(err)?);
        Ok(Self { child: Some(child), group, out, err, heard: Arc::default() })
    }

    /// What it says, and whether it succeeded.
    async fn ended(&mut self) -> Result<(bool, Vec<u8>, String), TransferError> {
        let heard = self.heard.clone();
        let (out, said) = tokio::try_join!(answer(&mut self.out, &heard), complaints(&mut self.err, &heard))?;
        let Some(mut child) = self.child.take() else {
            return Err(io::Error::other("it was waited for").into());
        };
        let ending = Ending(Some(self.group));
        let status = tokio::task::spawn_blocking(move || child.wait()).await.map_err(io::Error::other)??;
        ending.over();
        Ok((status.success(), out, said))
    }

    /// Asked first, then made to.
    async fn end(mut self) {
        let Some(child) = self.child.as_mut() else { return };
        let _ = killpg(self.group, Signal::SIGTERM);
        let mut waited = Duration::ZERO;
        while waited < ENDING && matches!(child.try_wait(), Ok(None)) {
            tokio::time::sleep(LOOKS / 4).await;
            waited += LOOKS / 4;
        }
    }
}

/// Ends a group that somebody waits for, when nobody does any more.
struct Ending(Option<Pid>);

impl Ending {
    fn over(mut self) {
        self.0 = None;
    }
}

impl Drop for Ending {
    fn drop(&mut self) {
        if let Some(group) = self.0 {
            let _ = killpg(group, Signal::SIGKILL);
        }
    }
}

async fn answer(from: &mut Receiver, heard: &Heard) -> Result<Vec<u8>, TransferError> {
    let mut all = Vec::new();
    loop {
        let count = from.read_buf(&mut all).await?;
        if count == 0 {
            return Ok(all);
        }
        heard.bytes.fetch_add(count as u64, Ordering::Relaxed);
        if all.len() > MOST_SAID {
            return Err(TransferError::TooLarge);
        }
    }
}

/// The last of what it says besides: what it failed by comes at the end.
async fn complaints(from: &mut Receiver, heard: &Heard) -> Result<String, TransferError> {
    let mut kept = Vec::new();
    let mut piece = [0; 4096];
    loop {
        let count = from.read(&mut piece).await?;
        if count == 0 {
            return Ok(String::from_utf8_lossy(&kept).into_owned());
        }
        heard.bytes.fetch_add(count as u64, Ordering::Relaxed);
        kept.extend_from_slice(&piece[..count]);
        if !heard.has_all.load(Ordering::Relaxed) && says_received(&kept) {
            heard.has_all.store(true, Ordering::Relaxed);
        }
        kept.drain(..kept.len().saturating_sub(MOST_COMPLAINTS));
    }
}

/// Whether git itself says that all has come: what a host says stands behind `remote:`.
fn says_received(said: &[u8]) -> bool {
    said.split(|byte| matches!(byte, b'\r' | b'\n')).any(|line| line.starts_with(RECEIVED.as_bytes()))
}

/// How long nothing has come.
#[derive(Debug, Default)]
struct Quiet {
    /// Since anything was heard, or grew as it has to.
    silent: Duration,
    /// Since it grew as it has to.
    idle: Duration,
    heard: u64,
    size: u64,
}

impl Quiet {
    /// One more look. Whether it is to be given up.
    fn is_over(&mut self, size: u64, heard: u64, silence: Duration) -> bool {
        self.silent = self.silent.saturating_add(LOOKS);
        self.idle = self.idle.saturating_add(LOOKS);
        if heard != self.heard {
            (self.heard, self.silent) = (heard, Duration::ZERO);
        }
        // By a little now and then it doesn't grow.
        if size.saturating_sub(self.size) >= silence.as_secs().max(1).saturating_mul(SLOWEST) {
            (self.size, self.silent, self.idle) = (size, Duration::ZERO, Duration::ZERO);
        }
        self.silent > silence || self.idle > silence.saturating_mul(SAYINGS)
    }
}

/// Runs it to its end, or to one of its limits.
pub(super) async fn carry(
    connection: &Connection,
    words: &[&str],
    around: &Around<'_>,
    limits: Transfer,
) -> Result<(bool, Vec<u8>, String), TransferError> {
    let growing = around.growing.as_deref();
    if growing.is_some_and(|folder| has_no_space(folder, limits.least_free)) {
        return Err(TransferError::NoSpace);
    }
    let mut running = Running::start(connection, words, around, limits.memory).await?;
    let heard = running.heard.clone();
    let watching = async {
        let mut quiet = Quiet::default();
        loop {
            tokio::time::sleep(LOOKS).await;
            let size = growing.map_or(0, size_of);
            if size > limits.size {
                return TransferError::TooLarge;
            }
            if growing.is_some_and(|folder| has_no_space(folder, limits.least_free)) {
                return TransferError::NoSpace;
            }
            // Once all has come, what is done with it is this machine's work.
            let has_all = heard.has_all.load(Ordering::Relaxed);
            if quiet.is_over(size, heard.bytes.load(Ordering::Relaxed), limits.silence) && !has_all {
                return TransferError::OutOfTime;
            }
        }
    };
    let outcome = tokio::select! {
        outcome = running.ended() => outcome,
        error = watching => Err(error),
        () = tokio::time::sleep(limits.patience) => Err(TransferError::OutOfTime),
    };
    if outcome.is_err() {
        running.end().await;
    }
    outcome
}

/// Bytes of a folder, with all in it.
pub(super) fn size_of(folder: &Path) -> u64 {
    folders::size(folder).unwrap_or_else(|error| {
        tracing::warn!(folder = %folder.display(), %error, "what a fetch brings can't be measured");
        u64::MAX
    })
}

fn has_no_space(folder: &Path, least: u64) -> bool {
    folders::free_space(folder).is_ok_and(|bytes| bytes < least)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    const SILENCE: Duration = Duration::from_secs(60);

    /// Looks until it is given up, of so many.
    fn looks(most: u32, mut at: impl FnMut(u32) -> (u64, u64)) -> Option<u32> {
        let mut quiet = Quiet::default();
        (1..=most).find(|look| {
            let (size, heard) = at(*look);
            quiet.is_over(size, heard, SILENCE)
        })
    }

    #[test]
    fn a_host_that_sends_next_to_nothing_is_silent() {
        let minute = 60 * 5;
        assert_eq!(looks(10_000, |_| (0, 0)), Some(minute + 1));
        // Two bytes a second are nothing.
        assert_eq!(looks(10_000, |look| (u64::from(look) * 2 / 5, 0)), Some(minute + 1));
        // Talking alone is taken for a while.
        assert_eq!(looks(10_000, |look| (0, u64::from(look))), Some(minute * SAYINGS + 1));
        assert_eq!(looks(10_000, |look| (u64::from(look) * 500, 0)), None);
    }

    #[test]
    fn only_git_itself_says_that_all_has_come() {
        assert!(says_received(
            b"remote: Total 3\nReceiving objects:  50% (1/2)\rReceiving objects: 100% (2/2)\r"
        ));
        assert!(!says_received(b"remote: Receiving objects: 100% (2/2)\n"));
        assert!(!says_received(b"Receiving objects:  10% (1/10)"));
    }
}
