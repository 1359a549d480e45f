//! Git, run with a fixed environment: no configuration of the system's or of anybody's, no hooks, no transport,
//! arguments as a vector, values behind `--`.

mod begin;
mod bundle;
mod carry;
mod check_out;
mod conflict;
mod difference;
mod merge;
mod pack;
mod push;
mod quarantine;
mod read;
mod repack;
mod tidy;
mod transport;

use std::io;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use stoa_domain::branch::CommitId;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::process::Command;

pub use begin::FirstFile;
pub use carry::{Connection, Transfer, TransferError};
pub use check_out::{TakenOut, Untouched};
pub use difference::FoundDifference;
pub use merge::FoundReview;
pub use read::{Found, FoundBranch, FoundCommit};
pub use tidy::tidy_unmade;
pub use transport::{Applied, Named, Staged};

/// How long any one call may take.
const PATIENCE: Duration = Duration::from_secs(120);

/// Bytes of its complaints that are read.
const MOST_ERRORS: u64 = 64 * 1024;

/// Why git didn't do it.
#[derive(Debug, thiserror::Error)]
pub enum GitError {
    #[error("git can't be run: {0}")]
    Io(#[from] io::Error),
    #[error("git didn't end in time")]
    OutOfTime,
    #[error("git {verb}: {said}")]
    Refused { verb: String, said: String },
    #[error("git said something that can't be read: {0}")]
    Unreadable(String),
    #[error("git has more to say than is read")]
    TooMuch,
    /// By somebody, or by the kernel for its memory.
    #[error("git {0} was killed")]
    Killed(String),
}

/// What was said and how it ended.
pub(super) struct Output {
    pub succeeded: bool,
    pub status: Option<i32>,
    pub out: Vec<u8>,
    pub said: String,
}

/// A bare repository.
#[derive(Debug, Clone)]
pub struct Repository {
    folder: PathBuf,
}

impl Repository {
    #[must_use]
    pub fn at(folder: PathBuf) -> Self {
        Self { folder }
    }

    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    #[must_use]
    pub fn exists(&self) -> bool {
        self.folder.join("HEAD").is_file()
    }

    /// Makes it, whole or not at all. One that is there stays as it is.
    ///
    /// # Errors
    /// Where it can't be made.
    pub async fn create(&self, default_branch: &str) -> Result<(), GitError> {
        if self.exists() {
            return Ok(());
        }
        let beside = self.folder.with_extension(format!("{}.new", uuid::Uuid::now_v7().simple()));
        if let Some(parent) = beside.parent() {
            crate::folders::make_private(parent)?;
        }
        let initial = format!("--initial-branch={default_branch}");
        let mut command = command();
        command.args(["init", "--quiet", "--bare", "--template=", &initial, "--"]).arg(&beside);
        let made = checked(run(command, None).await?, "init").map(drop);
        let made = made.and_then(|()| match std::fs::rename(&beside, &self.folder) {
            // Another was quicker.
            Err(_) if self.exists() => Ok(()),
            other => other.map_err(GitError::from),
        });
        crate::folders::remove(&beside)?;
        made
    }

    /// # Errors
    /// Where it can't be removed.
    pub fn remove(&self) -> io::Result<()> {
        crate::folders::remove(&self.folder)
    }

    /// # Errors
    /// Where git refuses.
    pub async fn set_default_branch(&self, branch: &str) -> Result<(), GitError> {
        let reference = format!("refs/heads/{branch}");
        self.ask(&["symbolic-ref", "HEAD", &reference]).await.map(drop)
    }

    /// Whether a commit is there.
    ///
    /// # Errors
    /// Where git can't be run.
    pub async fn has(&self, commit: &CommitId) -> Result<bool, GitError> {
        let name = format!("{commit}^{{commit}}");
        let mut command = self.command();
        command.args(["cat-file", "-e", &name]);
        Ok(run(command, None).await?.succeeded)
    }

    pub(super) fn command(&self) -> Command {
        let mut command = command();
        command.arg("--git-dir").arg(&self.folder);
        command
    }

    pub(super) async fn ask(&self, arguments: &[&str]) -> Result<Vec<u8>, GitError> {
        let mut command = self.command();
        command.args(arguments);
        checked(run(command, None).await?, arguments.first().copied().unwrap_or_default())
    }
}

/// Git with nothing around it.
fn command() -> Command {
    let mut command = Command::from(plain());
    command.kill_on_drop(true);
    command
}

fn plain() -> std::process::Command {
    const FIXED: [(&str, &str); 7] = [
        ("core.hooksPath", "/dev/null"),
        ("protocol.allow", "never"),
        ("transfer.fsckObjects", "true"),
        // The repositories are Stoa's own, whoever its folders belong to.
        ("safe.directory", "*"),
        ("gc.auto", "0"),
        ("receive.autogc", "false"),
        ("maintenance.auto", "false"),
    ];
    let mut command = std::process::Command::new("git");
    command
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap_or_else(|| "/usr/local/bin:/usr/bin:/bin".into()))
        .env("LC_ALL", "C.UTF-8")
        .env("HOME", "/nonexistent")
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .env("GIT_TERMINAL_PROMPT", "0")
        .env("GIT_NO_REPLACE_OBJECTS", "1")
        .env("GIT_OPTIONAL_LOCKS", "0")
        .env("GIT_CONFIG_COUNT", FIXED.len().to_string());
    for (number, (key, value)) in FIXED.iter().enumerate() {
        command.env(format!("GIT_CONFIG_KEY_{number}"), key).env(format!("GIT_CONFIG_VALUE_{number}"), value);
    }
    command
}

async fn run(command: Command, input: Option<&[u8]>) -> Result<Output, GitError> {
    run_into(Stdio::piped(), command, input, PATIENCE).await
}

/// What git says goes into `out`; only from a pipe does it come back.
async fn run_into(
    out: Stdio,
    mut command: Command,
    input: Option<&[u8]>,
    patience: Duration,
) -> Result<Output, GitError> {
    command.stdin(if input.is_some() { Stdio::piped() } else { Stdio::null() });
    command.stdout(out).stderr(Stdio::piped());
    let mut child = command.spawn()?;
    let pipe = child.stdin.take();
    // While it is listened to: one that complains at length would else wait for ever to be heard, and so would this.
    let writing = async {
        match (input, pipe) {
            (Some(input), Some(mut pipe)) => pipe.write_all(input).await,
            _ => Ok(()),
        }
    };
    let (output, written) = tokio::join!(ended(child, patience), writing);
    let output = output?;
    // One that refuses doesn't read to the end: what it says then is more than that.
    if output.succeeded {
        written?;
    }
    Ok(output)
}

async fn ended(child: tokio::process::Child, patience: Duration) -> Result<Output, GitError> {
    let output =
        tokio::time::timeout(patience, child.wait_with_output()).await.map_err(|_| GitError::OutOfTime)??;
    let said = String::from_utf8_lossy(&output.stderr).trim().to_owned();
    Ok(Output { succeeded: output.status.success(), status: output.status.code(), out: output.stdout, said })
}

/// What was said, up to a number of bytes.
pub(super) struct Bounded {
    pub output: Output,
    /// There was more: git was ended.
    pub is_cut: bool,
}

async fn run_bounded(mut command: Command, most: usize) -> Result<Bounded, GitError> {
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn()?;
    let (Some(stdout), Some(stderr)) = (child.stdout.take(), child.stderr.take()) else {
        return Err(GitError::Io(io::Error::other("git has no output")));
    };
    let reading = async {
        let limit = u64::try_from(most).unwrap_or(u64::MAX);
        let saying = async {
            let mut out = Vec::new();
            let mut stdout = stdout.take(limit.saturating_add(1));
            stdout.read_to_end(&mut out).await?;
            // Dropped here: one that has more to say would wait for ever to say it.
            Ok::<_, io::Error>(out)
        };
        let complaining = async {
            let mut said = Vec::new();
            stderr.take(MOST_ERRORS).read_to_end(&mut said).await?;
            Ok::<_, io::Error>(said)
        };
        let (mut out, said) = tokio::try_join!(saying, complaining)?;
        let is_cut = out.len() > most;
        out.truncate(most);
        let status = child.wait().await?;
        let said = String::from_utf8_lossy(&said).trim().to_owned();
        let output = Output { succeeded: status.success(), status: status.code(), out, said };
        Ok::<_, io::Error>(Bounded { output, is_cut })
    };
    Ok(tokio::time::timeout(PATIENCE, reading).await.map_err(|_| GitError::OutOfTime)??)
}

fn checked(output: Output, verb: &str) -> Result<Vec<u8>, GitError> {
    if output.succeeded {
        Ok(output.out)
    } else if output.status.is_none() {
        Err(GitError::Killed(verb.to_owned()))
    } else {
        Err(GitError::Refused { verb: verb.to_owned(), said: output.said })
    }
}
