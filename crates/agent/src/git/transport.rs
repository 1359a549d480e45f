//! Git over the network: what a repository elsewhere has, what of it is missing here, and branches that are moved there.
//!
//! Where that is, and by whose right, was settled before: here git is given an address, a host that it may dial and no
//! other, and a configuration that nobody but it can read. It runs as a group of processes of its own, which ends whole:
//! when it takes too long, when it brings too much, and when nobody waits for it any more.

use std::collections::{BTreeMap, HashMap};
use std::io;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use nix::fcntl::OFlag;
use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;
use stoa_domain::branch::{BranchName, CommitId};
use tokio::io::AsyncReadExt as _;
use tokio::net::unix::pipe::Receiver;

use super::{GitError, Repository, checked, run};
use crate::sandbox::{hand_over, in_memory, starter};

/// Where what was fetched stands until it is taken over: no name that anybody is shown.
const ASIDE: &str = "refs/stoa/remote/";

/// Branches and tags of a repository.
const MOST_NAMES: usize = 20_000;
/// Bytes of an answer.
const MOST_SAID: u64 = 8 << 20;
/// Bytes of complaints.
const MOST_COMPLAINTS: u64 = 64 * 1024;
/// How often it is looked how much has come.
const LOOKS: Duration = Duration::from_millis(200);
/// How long it has to clean up after itself.
const ENDING: Duration = Duration::from_secs(2);

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
    /// Bytes that the repository grows by.
    pub size: u64,
}

#[derive(Debug, thiserror::Error)]
pub enum TransferError {
    #[error("it took too long")]
    OutOfTime,
    #[error("it has too much")]
    TooLarge,
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

/// What a repository elsewhere has.
#[derive(Debug, Clone, Default)]
pub struct Named {
    /// What its HEAD names.
    pub default_branch: Option<String>,
    /// Branches and tags by their whole names, with the objects that they name.
    pub names: BTreeMap<String, String>,
}

/// What was fetched and lies aside.
#[derive(Debug, Clone)]
pub struct Staged {
    pub is_changed: bool,
    /// Where branches and tags stood here before.
    pub before: Vec<(String, String)>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Applied {
    Done {
        passed_over: u64,
    },
    /// Something has moved since before.
    Otherwise,
}

/// A group of processes that ends when nobody waits for it any more.
struct Running {
    child: Option<Child>,
    group: Pid,
    out: Receiver,
    err: Receiver,
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
    async fn start(connection: &Connection, words: &[&str], around: &Around<'_>) -> io::Result<Self> {
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
        command.stdin(Stdio::null()).stdout(out_end).stderr(err_end);
        hand_over(&mut command, secrets, true)?;
        let child = starter::run(move || command.spawn()).await??;
        // It leads a session of its own, and with it the group.
        let group = Pid::from_raw(i32::try_from(child.id()).map_err(io::Error::other)?);
        let (out, err) = (Receiver::from_owned_fd(out)?, Receiver::from_owned_fd(err)?);
        Ok(Self { child: Some(child), group, out, err })
    }

    /// What it says, and whether it succeeded.
    async fn ended(&mut self) -> io::Result<(bool, Vec<u8>, String)> {
        let (mut out, mut said) = (Vec::new(), Vec::new());
        let (mut from_out, mut from_err) =
            ((&mut self.out).take(MOST_SAID), (&mut self.err).take(MOST_COMPLAINTS));
        tokio::try_join!(from_out.read_to_end(&mut out), from_err.read_to_end(&mut said))?;
        let Some(mut child) = self.child.take() else { return Err(io::Error::other("it was waited for")) };
        let ending = Ending(Some(self.group));
        let status = tokio::task::spawn_blocking(move || child.wait()).await.map_err(io::Error::other)??;
        ending.over();
        Ok((status.success(), out, String::from_utf8_lossy(&said).into_owned()))
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

/// On what it runs.
struct Around<'r> {
    folder: Option<&'r Path>,
    /// Where objects are that the repository hasn't got yet.
    objects: Option<&'r Path>,
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

/// Runs it to its end, or to one of its limits.
async fn carry(
    connection: &Connection,
    words: &[&str],
    around: &Around<'_>,
    limits: Transfer,
) -> Result<(bool, Vec<u8>, String), TransferError> {
    let packs = around.folder.map(|folder| folder.join("objects/pack"));
    let before = packs.as_deref().map_or(0, size_of);
    let mut running = Running::start(connection, words, around).await?;
    let growing = async {
        loop {
            tokio::time::sleep(LOOKS).await;
            let now = packs.as_deref().map_or(0, size_of);
            if now.saturating_sub(before) > limits.size {
                return;
            }
        }
    };
    let outcome = tokio::select! {
        outcome = running.ended() => Ok(outcome?),
        () = growing => Err(TransferError::TooLarge),
        () = tokio::time::sleep(limits.patience) => Err(TransferError::OutOfTime),
    };
    if outcome.is_err() {
        running.end().await;
        if let Some(packs) = &packs {
            remove_halves(packs);
        }
    }
    outcome
}

/// Bytes of the files of a folder; what vanishes meanwhile isn't counted.
fn size_of(folder: &Path) -> u64 {
    let Ok(entries) = std::fs::read_dir(folder) else { return 0 };
    entries.filter_map(|entry| entry.ok()?.metadata().ok()).map(|about| about.len()).sum()
}

/// Half packs of a fetch that was ended. Of a push they lie elsewhere, and there is one fetch at a time.
fn remove_halves(packs: &Path) {
    let Ok(entries) = std::fs::read_dir(packs) else { return };
    for entry in entries.flatten() {
        if entry.file_name().to_string_lossy().starts_with("tmp_")
            && let Err(error) = std::fs::remove_file(entry.path())
        {
            tracing::warn!(file = %entry.path().display(), %error, "half a pack stays until it is tidied");
        }
    }
}

fn unreadable(line: &str) -> TransferError {
    GitError::Unreadable(line.chars().take(200).collect()).into()
}

/// Lines of `git ls-remote --symref`.
fn named(text: &str) -> Result<Named, TransferError> {
    let mut found = Named::default();
    for line in text.lines() {
        let (what, name) = line.split_once('\t').ok_or_else(|| unreadable(line))?;
        if let Some(target) = what.strip_prefix("ref: ") {
            if name == "HEAD" {
                found.default_branch = target.strip_prefix("refs/heads/").map(str::to_owned);
            }
            continue;
        }
        // `^{}` is what a tag leads to; the tag itself stands before it.
        if name == "HEAD" || name.ends_with("^{}") {
            continue;
        }
        let is_shown = name.starts_with("refs/heads/") || name.starts_with("refs/tags/");
        if !is_shown || CommitId::parse(what).is_none() {
            return Err(unreadable(line));
        }
        found.names.insert(name.to_owned(), what.to_owned());
        if found.names.len() > MOST_NAMES {
            return Err(TransferError::TooLarge);
        }
    }
    Ok(found)
}

/// Whether a branch or a tag can be called so here: as where it is pushed to Stoa.
fn is_taken(name: &str) -> bool {
    let short = name.strip_prefix("refs/heads/").or_else(|| name.strip_prefix("refs/tags/"));
    short.is_some_and(|short| BranchName::parse(short).is_some())
}

impl Connection {
    /// Reads which branches and tags there are.
    ///
    /// # Errors
    /// As it ends.
    pub async fn look(&self, limits: Transfer) -> Result<Named, TransferError> {
        let words = ["ls-remote", "--symref", "--", &self.url, "HEAD", "refs/heads/*", "refs/tags/*"];
        let around = Around { folder: None, objects: None };
        match carry(self, &words, &around, limits).await? {
            (true, out, _) => named(&String::from_utf8_lossy(&out)),
            (false, _, said) => Err(TransferError::Refused(said)),
        }
    }
}

impl Repository {
    /// Branches and tags, or what was fetched of them, with what they name.
    async fn names_below(&self, below: &[&str]) -> Result<Vec<(String, String)>, GitError> {
        let mut words = vec!["for-each-ref", "--format=%(refname)%09%(objectname)"];
        words.extend(below);
        let out = self.ask(&words).await?;
        let text = String::from_utf8_lossy(&out);
        Ok(text
            .lines()
            .filter_map(|line| line.split_once('\t'))
            .map(|(name, object)| (name.to_owned(), object.to_owned()))
            .collect())
    }

    /// Fetches what is missing here, aside: no branch moves. `there`: what was seen there.
    ///
    /// # Errors
    /// As it ends.
    pub async fn stage(
        &self,
        connection: &Connection,
        there: &Named,
        limits: Transfer,
    ) -> Result<Staged, TransferError> {
        let before = self.names_below(&["refs/heads/", "refs/tags/"]).await?;
        let wanted: BTreeMap<&str, &str> = there
            .names
            .iter()
            .filter(|(name, _)| is_taken(name))
            .map(|(name, object)| (name.as_str(), object.as_str()))
            .collect();
        let here: BTreeMap<&str, &str> =
            before.iter().map(|(name, object)| (name.as_str(), object.as_str())).collect();
        if wanted == here && self.is_staged(there).await? {
            return Ok(Staged { is_changed: false, before });
        }
        let branches = format!("+refs/heads/*:{ASIDE}heads/*");
        let tags = format!("+refs/tags/*:{ASIDE}tags/*");
        let words = [
            "fetch",
            "--quiet",
            "--prune",
            "--no-tags",
            "--no-write-fetch-head",
            "--no-auto-maintenance",
            "--no-recurse-submodules",
            "--",
            &connection.url,
            &branches,
            &tags,
        ];
        let around = Around { folder: Some(self.folder()), objects: None };
        match carry(connection, &words, &around, limits).await? {
            (true, ..) => Ok(Staged { is_changed: true, before }),
            (false, _, said) => Err(TransferError::Refused(said)),
        }
    }

    /// Whether all that is there lies aside already.
    async fn is_staged(&self, there: &Named) -> Result<bool, GitError> {
        let aside = self.names_below(&[ASIDE]).await?;
        let aside: HashMap<String, String> = aside
            .into_iter()
            .filter_map(|(name, object)| Some((format!("refs/{}", name.strip_prefix(ASIDE)?), object)))
            .collect();
        Ok(aside.len() == there.names.len()
            && there.names.iter().all(|(name, object)| aside.get(name) == Some(object)))
    }

    /// Moves branches and tags to what lies aside, each from where it stood before, all of them or none.
    ///
    /// # Errors
    /// Where git can't be run.
    pub async fn apply(&self, staged: &Staged) -> Result<Applied, GitError> {
        let aside = self.names_below(&[ASIDE]).await?;
        let mut wanted = BTreeMap::new();
        let mut passed_over = 0;
        for (name, object) in &aside {
            let name = format!("refs/{}", name.strip_prefix(ASIDE).unwrap_or_default());
            if is_taken(&name) {
                wanted.insert(name, object.as_str());
            } else {
                passed_over += 1;
            }
        }
        let before: BTreeMap<&str, &str> =
            staged.before.iter().map(|(name, object)| (name.as_str(), object.as_str())).collect();
        // What goes makes room first: `a` may have become `a/b`.
        let gone = before.iter().filter(|(name, _)| !wanted.contains_key(**name));
        let gone: String = gone.map(|(name, old)| format!("delete {name}\0{old}\0")).collect();
        let moved: String = wanted
            .iter()
            .filter_map(|(name, new)| match before.get(name.as_str()) {
                None => Some(format!("create {name}\0{new}\0")),
                Some(old) if old == new => None,
                Some(old) => Some(format!("update {name}\0{new}\0{old}\0")),
            })
            .collect();
        for orders in [gone, moved] {
            if orders.is_empty() {
                continue;
            }
            let mut command = self.command();
            command.args(["update-ref", "-z", "--stdin"]);
            let output = run(command, Some(orders.as_bytes())).await?;
            let is_elsewhere = output.said.contains("but expected")
                || output.said.contains("already exists")
                || output.said.contains("unable to resolve");
            if !output.succeeded && is_elsewhere {
                return Ok(Applied::Otherwise);
            }
            checked(output, "update-ref")?;
        }
        Ok(Applied::Done { passed_over })
    }

    /// Moves a branch there from where it has to stand, or not at all. `objects`: where its commits are that aren't in the
    /// repository. Answers what git reports of it.
    ///
    /// # Errors
    /// As it ends.
    pub async fn push(
        &self,
        connection: &Connection,
        branch: &BranchName,
        from: Option<&CommitId>,
        to: &CommitId,
        objects: Option<&PathBuf>,
        limits: Transfer,
    ) -> Result<(bool, String, String), TransferError> {
        let lease = format!("--force-with-lease=refs/heads/{branch}:{}", from.map_or("", CommitId::as_str));
        let order = format!("{to}:refs/heads/{branch}");
        let words = ["push", "--porcelain", "--no-verify", &lease, "--", &connection.url, &order];
        let around = Around { folder: Some(self.folder()), objects: objects.map(PathBuf::as_path) };
        let (succeeded, out, said) = carry(connection, &words, &around, limits).await?;
        Ok((succeeded, String::from_utf8_lossy(&out).into_owned(), said))
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn what_is_there_is_read_and_nothing_else() {
        let id = "a".repeat(40);
        let text = format!(
            "ref: refs/heads/trunk\tHEAD\n{id}\tHEAD\n{id}\trefs/heads/trunk\n{id}\trefs/tags/v1\n{id}\trefs/tags/v1^{{}}\n"
        );
        let found = named(&text).unwrap();
        assert_eq!(found.default_branch.as_deref(), Some("trunk"));
        assert_eq!(found.names.keys().collect::<Vec<_>>(), ["refs/heads/trunk", "refs/tags/v1"]);
        for wrong in ["x", "x\trefs/heads/a", &format!("{id}\trefs/pull/1/head")] {
            assert!(named(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn names_that_git_could_misread_are_passed_over() {
        assert!(is_taken("refs/heads/main") && is_taken("refs/tags/v1"));
        for name in ["refs/heads/-x", "refs/heads/--upload-pack=x", "refs/heads/refs/x", "refs/pull/1/head"] {
            assert!(!is_taken(name), "{name}");
        }
    }
}
