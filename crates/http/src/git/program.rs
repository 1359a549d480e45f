//! The git program, run on a hosted repository: always with the same environment and the same settings, whatever the
//! machine's or the account's own git is set to.

use std::path::Path;
use std::process::Stdio;

use tokio::process::Command;

/// Where programs are found.
const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// Settings that hold for every run: nothing of a repository's own, no clean-up in between, objects checked, no refs
/// but branches and tags shown.
const SETTINGS: [&str; 15] = [
    "safe.directory=*",
    "core.fsmonitor=false",
    "core.fsyncMethod=fsync",
    "core.fsync=committed",
    "gc.auto=0",
    "maintenance.auto=false",
    "receive.autogc=false",
    "receive.certNonceSeed=",
    "transfer.fsckObjects=true",
    "transfer.advertiseSID=false",
    "receive.denyDeleteCurrent=ignore",
    "receive.denyCurrentBranch=ignore",
    // Pushed before such names were refused: clients would take them for the branches that they are called like.
    "transfer.hideRefs=refs/heads/refs",
    "transfer.hideRefs=refs/tags/refs",
    // Stoa's own: what a fetch brought of a remote repository, before it counts.
    "transfer.hideRefs=refs/stoa",
];

/// `git <settings> <verb> <options> -- <folder>`, all three streams ours.
pub(super) fn git(verb: &str, options: &[&str], settings: &[String], folder: &Path) -> Command {
    let mut command = bare(settings);
    command.arg(verb).args(options).arg("--").arg(folder);
    command
}

/// `git --git-dir=<folder> <words>`: to look at what a repository holds. No word begins a setting of its own.
pub(super) fn git_in(folder: &Path, words: &[&str]) -> Command {
    let mut command = bare(&[]);
    command.arg("--git-dir").arg(folder).args(words);
    command
}

fn bare(settings: &[String]) -> Command {
    let mut command = Command::new("git");
    command.env_clear().env("PATH", PATH).env("LC_ALL", "C.UTF-8").env("HOME", "/nonexistent");
    command
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .env("GIT_CONFIG_SYSTEM", "/dev/null");
    command
        .env("GIT_TERMINAL_PROMPT", "0")
        .env("GIT_ALLOW_PROTOCOL", "none")
        .env("GIT_NO_REPLACE_OBJECTS", "1");
    for setting in SETTINGS.iter().copied().chain(settings.iter().map(String::as_str)) {
        command.arg("-c").arg(setting);
    }
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
    command
}

/// What is left of a program's errors: its last words, for the log.
pub(super) async fn last_words(stderr: Option<tokio::process::ChildStderr>) -> String {
    use tokio::io::AsyncReadExt as _;
    let Some(mut stderr) = stderr else { return String::new() };
    let mut kept = Vec::new();
    let mut piece = [0; 4096];
    while let Ok(count) = stderr.read(&mut piece).await {
        if count == 0 {
            break;
        }
        kept.extend_from_slice(&piece[..count]);
        let start = kept.len().saturating_sub(2048);
        kept.drain(..start);
    }
    String::from_utf8_lossy(&kept).into_owned()
}
