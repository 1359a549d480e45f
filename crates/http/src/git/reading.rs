//! What a deployment would say of a branch that was just pushed, told with the answer of the push. The push itself is
//! taken, whatever is said.

use std::io;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;

use stoa_app::ports::RefUpdate;
use stoa_domain::branch::{BranchName, CommitId};
use stoa_domain::{MemberId, ProjectId, WorkspaceId};

use super::Git;
use super::program::git_in;
use crate::proxy::visit::random;

/// Reads what the root of a repository says of its application.
#[derive(Clone)]
pub struct Reads {
    /// Names of the files that are looked into, in the folder where the application stands.
    pub names: &'static [&'static str],
    /// Where a `stoa.toml` says that this is, below the root; `None` where it isn't right.
    pub folder: fn(&str) -> Option<String>,
    pub read: Arc<Reading>,
}

/// `Err` is the sentence that a deployment would fail with.
pub type Reading = dyn Fn(&Path) -> Result<(), String> + Send + Sync;

/// Branches of one push that are read.
const MOST_BRANCHES: usize = 20;
/// Bytes of one file: more than any reader takes, so that it says so itself.
const LONGEST_FILE: usize = 256 * 1024 + 1;

const TOML: &str = "stoa.toml";

/// A folder for as long as it is read.
struct Scratch(PathBuf);

impl Drop for Scratch {
    fn drop(&mut self) {
        if let Err(error) = std::fs::remove_dir_all(&self.0) {
            tracing::warn!(%error, folder = %self.0.display(), "what was read of a push stays");
        }
    }
}

/// An entry of a tree.
struct Entry {
    mode: String,
    object: String,
    path: PathBuf,
}

impl Git {
    /// One line for each pushed branch that a deployment couldn't read, where an instance deploys it or it has a
    /// `stoa.toml`; and one for each instance which the push passes by, of those that whoever pushed sees.
    pub(super) async fn warnings(
        &self,
        workspace: WorkspaceId,
        project: ProjectId,
        updates: &[RefUpdate],
        (sees_everything, member): (bool, MemberId),
    ) -> Vec<String> {
        let mut warnings = Vec::new();
        let branches = updates.iter().filter_map(|update| {
            let branch = update.reference.strip_prefix("refs/heads/").and_then(BranchName::parse)?;
            (!update.new.is_zero()).then_some((branch, &update.new))
        });
        for (branch, commit) in branches.take(MOST_BRANCHES) {
            let app = &self.inner.frame.app;
            match app.seen_on_branch(workspace, project, &branch, sees_everything, member).await {
                Ok(seen) => warnings.extend(seen.iter().filter(|on| on.lacks_data).map(|on| {
                    let name = &on.name;
                    format!("warning: {branch}: {name} isn't deployed: its backup's data isn't in it yet.")
                })),
                Err(failure) => tracing::warn!(?failure, %branch, "whom a push passes by couldn't be read"),
            }
            match self.problem_of(workspace, project, &branch, commit).await {
                Ok(None) => {}
                Ok(Some(sentence)) => warnings.push(format!("warning: {branch}: {sentence}")),
                // The deployment says it again.
                Err(error) => tracing::warn!(%error, %branch, "what was pushed couldn't be read"),
            }
        }
        warnings
    }

    async fn problem_of(
        &self,
        workspace: WorkspaceId,
        project: ProjectId,
        branch: &BranchName,
        commit: &CommitId,
    ) -> io::Result<Option<String>> {
        let folder = self.folder(project);
        // A ref that git refused in the end was moved to nothing.
        let reference = format!("refs/heads/{branch}");
        let now = said(&folder, &["show-ref", "--verify", "--hash", "--", &reference]).await?;
        if now.trim_ascii_end() != commit.as_str().as_bytes() {
            return Ok(None);
        }
        let reads = self.inner.hosting.reads.clone();
        let entries = entries_of(&folder, commit, "", reads.names).await?;
        if !entries.iter().any(|entry| entry.path == Path::new(TOML)) {
            let deployed = self.inner.frame.app.deployed_by(workspace, project, branch).await;
            if deployed.map_err(|failure| io::Error::other(format!("{failure:?}")))?.is_empty() {
                return Ok(None);
            }
        }
        let name: String = random::<8>().iter().map(|byte| format!("{byte:02x}")).collect();
        let scratch = Scratch(self.inner.hosting.hooks_folder.join(format!("read-{name}")));
        std::fs::DirBuilder::new().mode(0o700).create(&scratch.0)?;
        for entry in &entries {
            lay_out(&folder, &scratch.0, entry).await?;
        }
        // Links were laid out as such, and lead nowhere.
        let toml = std::fs::read_to_string(scratch.0.join(TOML)).ok();
        if let Some(below) = toml.and_then(|toml| (reads.folder)(&toml)).filter(|below| below != ".")
            && !lay_out_folder(&folder, &scratch.0, commit, &below, reads.names).await?
        {
            return Ok(None);
        }
        tokio::task::spawn_blocking(move || (reads.read)(&scratch.0).err()).await.map_err(io::Error::other)
    }
}

async fn said(folder: &Path, words: &[&str]) -> io::Result<Vec<u8>> {
    let output = git_in(folder, words).stdin(std::process::Stdio::null()).output().await?;
    Ok(output.stdout)
}

/// The files of these names in one folder of a commit: the root, or one whose path ends with a slash.
async fn entries_of(folder: &Path, commit: &CommitId, below: &str, names: &[&str]) -> io::Result<Vec<Entry>> {
    let mut words = vec!["ls-tree", "-z", "--full-tree", commit.as_str()];
    if !below.is_empty() {
        words.extend(["--", below]);
    }
    let is_looked_into = |entry: &Entry| {
        names.iter().any(|name| entry.path.file_name().is_some_and(|own| own == *name))
            && entry.path.components().all(|part| matches!(part, Component::Normal(_)))
    };
    Ok(entries(&said(folder, &words).await?).filter(is_looked_into).collect())
}

fn entries(listed: &[u8]) -> impl Iterator<Item = Entry> {
    listed.split(|byte| *byte == 0).filter_map(|line| {
        let (about, path) = std::str::from_utf8(line).ok()?.split_once('\t')?;
        let mut about = about.split(' ');
        let (mode, _, object) = (about.next()?, about.next()?, about.next()?);
        Some(Entry { mode: mode.to_owned(), object: object.to_owned(), path: PathBuf::from(path) })
    })
}

/// The folder in which the application stands, with what is looked into there. `false` where a link leads to it: what
/// that is said to be isn't known here.
async fn lay_out_folder(
    folder: &Path,
    root: &Path,
    commit: &CommitId,
    below: &str,
    names: &[&str],
) -> io::Result<bool> {
    let mut path = PathBuf::new();
    for part in Path::new(below).components() {
        match part {
            Component::CurDir => continue,
            Component::Normal(part) => path.push(part),
            // Refused where it is read.
            _ => return Ok(true),
        }
        let words = ["ls-tree", "-z", "--full-tree", commit.as_str(), "--", &path.to_string_lossy()];
        let found = entries(&said(folder, &words).await?).find(|entry| entry.path == path);
        let place = root.join(&path);
        match found.as_ref().map(|entry| entry.mode.as_str()) {
            None => return Ok(true),
            Some("120000") => return Ok(false),
            Some("040000" | "160000") => std::fs::create_dir_all(place)?,
            // No folder: said so where it is read.
            Some(_) if place.exists() => return Ok(true),
            Some(_) => return std::fs::write(place, "").map(|()| true),
        }
    }
    for entry in entries_of(folder, commit, &format!("{}/", path.display()), names).await? {
        lay_out(folder, root, &entry).await?;
    }
    Ok(true)
}

/// Puts one of them where it lies in the commit. Nothing is followed and nothing replaced: what is there twice fails.
async fn lay_out(folder: &Path, root: &Path, entry: &Entry) -> io::Result<()> {
    let place = root.join(&entry.path);
    if let Some(parent) = place.parent() {
        std::fs::create_dir_all(parent)?;
    }
    match entry.mode.as_str() {
        "100644" | "100755" => {
            let mut content = said(folder, &["cat-file", "blob", &entry.object]).await?;
            content.truncate(LONGEST_FILE);
            let mut file = std::fs::OpenOptions::new().write(true).create_new(true).open(&place)?;
            io::Write::write_all(&mut file, &content)
        }
        "120000" => std::os::unix::fs::symlink("a-link-of-the-commit", &place),
        _ => match std::fs::create_dir(&place) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
            made => made,
        },
    }
}
