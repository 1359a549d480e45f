//! Merging in a bare repository: what it would do, the commit that comes of it, and the move of a branch to it.
//!
//! Git merges trees without a working copy (git-merge-tree(1)). What is only looked at is written aside, into a folder
//! that goes afterwards, so that neither a preview nor a conflict leaves anything behind.

use std::path::{Path, PathBuf};

use stoa_domain::branch::{BranchName, CommitId};
use stoa_domain::change::{ChangedFiles, FileConflicts, Merged, Merging, Moved, Signing};
use tokio::process::Command;

use super::conflict::{self, Told};
use super::{Bounded, FoundCommit, GitError, Output, Repository, checked, run, run_bounded};
use crate::folders;

/// Bytes of what git says of a merge: some ten thousand files in conflict.
const MOST_SAID: usize = 8 * 1024 * 1024;

/// What git says of a branch that another git holds (git's `lockfile.c`), or that one held which was killed.
const HELD: &str = ".lock': File exists";

/// A merge before it is done.
#[derive(Debug, Clone)]
pub struct FoundReview {
    pub merging: Merging,
    /// The source's that the target hasn't, newest first: the first of them.
    pub commits: Vec<FoundCommit>,
    pub commit_count: u64,
    /// What becomes different in the target; where there are conflicts, what the source has changed.
    pub files: ChangedFiles,
}

/// A folder for objects that don't stay, beside those of the repository. It has a name that git gives to what isn't
/// whole, so that what a crash leaves of it is tidied away.
pub(super) struct Aside {
    folder: PathBuf,
}

impl Aside {
    fn new(repository: &Repository) -> Result<Self, GitError> {
        let objects = std::fs::canonicalize(repository.folder())?.join("objects");
        let folder = objects.join(format!("tmp_objdir-review-{}", uuid::Uuid::now_v7().simple()));
        std::fs::create_dir_all(folder.join("info"))?;
        let aside = Self { folder };
        let mut line = objects.into_os_string();
        line.push("\n");
        std::fs::write(aside.folder.join("info/alternates"), line.as_encoded_bytes())?;
        Ok(aside)
    }

    pub(super) fn folder(&self) -> &Path {
        &self.folder
    }
}

impl Drop for Aside {
    fn drop(&mut self) {
        if let Err(error) = folders::remove(&self.folder) {
            tracing::warn!(folder = %self.folder.display(), %error, "what was looked at aside stays until it is tidied");
        }
    }
}

/// How far a merge of trees got.
enum Trees {
    Clean(String),
    Conflicts(FileConflicts),
}

impl Repository {
    /// Looks what merging `source` into `target` would do. Nothing of it stays.
    ///
    /// # Errors
    /// Where git refuses, takes too long, or has more to say than is read.
    pub async fn review(
        &self,
        source: &CommitId,
        target: &CommitId,
        most_commits: usize,
        most_files: usize,
    ) -> Result<FoundReview, GitError> {
        let nothing = |merging| FoundReview {
            merging,
            commits: Vec::new(),
            commit_count: 0,
            files: ChangedFiles::default(),
        };
        if self.is_ancestor(source, target).await? {
            return Ok(nothing(Merging::UpToDate));
        }
        let Some(base) = self.merge_base(source, target).await? else {
            return Ok(nothing(Merging::Unrelated));
        };
        let range = format!("{target}..{source}");
        let commits = self.commits_between(&range, most_commits).await?;
        let out = self.ask(&["rev-list", "--count", "--end-of-options", &range]).await?;
        let text = String::from_utf8_lossy(&out);
        let commit_count = text.trim().parse().map_err(|_| GitError::Unreadable(text.trim().to_owned()))?;
        let aside = Aside::new(self)?;
        let (merging, files) = match self.merge_trees(source, target, Some(&aside)).await? {
            Trees::Clean(tree) => {
                let files = self.changed_files(Some(&aside), target.as_str(), &tree, most_files).await?;
                (Merging::Clean, files)
            }
            Trees::Conflicts(conflicts) => {
                let files = self.changed_files(None, base.as_str(), source.as_str(), most_files).await?;
                (Merging::Conflicts(conflicts), files)
            }
        };
        Ok(FoundReview { merging, commits, commit_count, files })
    }

    /// Makes a merge commit, also where the target could just be moved forward. It is on no branch until
    /// [`Repository::move_branch`].
    ///
    /// # Errors
    /// Where git refuses, or takes too long.
    pub async fn merge(
        &self,
        source: &CommitId,
        target: &CommitId,
        signing: &Signing,
    ) -> Result<Merged, GitError> {
        if self.is_ancestor(source, target).await? {
            return Ok(Merged::Not(Merging::UpToDate));
        }
        if self.merge_base(source, target).await?.is_none() {
            return Ok(Merged::Not(Merging::Unrelated));
        }
        let aside = Aside::new(self)?;
        // First aside: what doesn't go together leaves nothing behind.
        if let Trees::Conflicts(conflicts) = self.merge_trees(source, target, Some(&aside)).await? {
            return Ok(Merged::Not(Merging::Conflicts(conflicts)));
        }
        drop(aside);
        match self.merge_trees(source, target, None).await? {
            Trees::Clean(tree) => self.commit_tree(&tree, target, source, signing).await.map(Merged::Commit),
            Trees::Conflicts(conflicts) => Ok(Merged::Not(Merging::Conflicts(conflicts))),
        }
    }

    /// Moves a branch where it still stands at `from`.
    ///
    /// # Errors
    /// Where git refuses for another reason.
    pub async fn move_branch(
        &self,
        branch: &BranchName,
        from: &CommitId,
        to: &CommitId,
    ) -> Result<Moved, GitError> {
        let reference = format!("refs/heads/{branch}");
        let mut command = self.durable();
        // A push may hold the branch for a moment.
        command.args(["-c", "core.filesRefLockTimeout=5000"]);
        command.args(["update-ref", "--no-deref", "--", &reference, to.as_str(), from.as_str()]);
        let output = run(command, None).await?;
        if output.succeeded {
            return Ok(Moved::There);
        }
        let now = self.head(branch).await?;
        // Nobody else has this commit: one that was killed had moved it by then.
        if now.as_ref() == Some(to) {
            return Ok(Moved::There);
        }
        // Otherwise it may have moved, and another has moved it on.
        let was_killed = output.status.is_none();
        if now.as_ref() != Some(from) && !was_killed {
            return Ok(Moved::Elsewhere);
        }
        if !was_killed && output.said.contains(HELD) {
            return Ok(Moved::Held);
        }
        checked(output, "update-ref").map(|_| Moved::There)
    }

    pub(super) async fn merge_base(
        &self,
        one: &CommitId,
        other: &CommitId,
    ) -> Result<Option<CommitId>, GitError> {
        let mut command = self.command();
        command.args(["merge-base", "--end-of-options", one.as_str(), other.as_str()]);
        let output = run(command, None).await?;
        if output.status == Some(1) && output.out.is_empty() {
            return Ok(None);
        }
        let out = checked(output, "merge-base")?;
        let text = String::from_utf8_lossy(&out);
        let first = text.lines().next().and_then(CommitId::parse);
        first.map(Some).ok_or_else(|| GitError::Unreadable(text.chars().take(200).collect()))
    }

    async fn merge_trees(
        &self,
        source: &CommitId,
        target: &CommitId,
        aside: Option<&Aside>,
    ) -> Result<Trees, GitError> {
        let mut command = self.with(aside);
        command.args(["merge-tree", "--write-tree", "-z", "--messages", "--"]);
        command.args([target.as_str(), source.as_str()]);
        let Bounded { output, is_cut } = run_bounded(command, MOST_SAID).await?;
        if is_cut {
            return Err(GitError::TooMuch);
        }
        let Output { status, out, .. } = &output;
        let text = String::from_utf8_lossy(out);
        let tree = text.split('\0').next().unwrap_or_default().to_owned();
        match status {
            Some(0) if CommitId::parse(&tree).is_some() => Ok(Trees::Clean(tree)),
            Some(1) if CommitId::parse(&tree).is_some() => {
                let told = conflict::read(&text);
                Ok(Trees::Conflicts(self.locate(told, &tree, (source, target), aside).await?))
            }
            _ => {
                checked(Output { succeeded: false, ..output }, "merge-tree")?;
                Err(GitError::Unreadable(tree))
            }
        }
    }

    /// Where in each file the two don't go together.
    async fn locate(
        &self,
        told: Told,
        tree: &str,
        (source, target): (&CommitId, &CommitId),
        aside: Option<&Aside>,
    ) -> Result<FileConflicts, GitError> {
        let Told { mut files, targets, count } = told;
        for file in conflict::with_lines(&mut files) {
            // A path with a line's end in it can't be asked for.
            let Some(before) = targets.get(&file.path).filter(|_| !file.path.contains('\n')) else {
                continue;
            };
            let mut command = self.with(aside);
            command.args(["diff", "--no-color", "--no-ext-diff", "--no-textconv", "--unified=0"]);
            command.args(["--end-of-options", before, &format!("{tree}:{}", file.path)]);
            let Bounded { output, is_cut } = run_bounded(command, conflict::MOST_OF_A_FILE).await?;
            // What isn't text has no lines, and where a path stands for something else there is nothing to compare.
            if output.succeeded || is_cut {
                let text = String::from_utf8_lossy(&output.out);
                file.lines = conflict::lines(&text, source.as_str(), target.as_str());
            }
        }
        Ok(FileConflicts { files, count })
    }

    async fn commit_tree(
        &self,
        tree: &str,
        target: &CommitId,
        source: &CommitId,
        signing: &Signing,
    ) -> Result<CommitId, GitError> {
        let Signing { author_name, author_email, committer_name, committer_email, at, message } = signing;
        let date = format!("@{} +0000", at.micros().div_euclid(1_000_000));
        let mut command = self.durable();
        command
            .env("GIT_AUTHOR_NAME", person(author_name, author_email))
            .env("GIT_AUTHOR_EMAIL", author_email)
            .env("GIT_AUTHOR_DATE", &date)
            .env("GIT_COMMITTER_NAME", person(committer_name, committer_email))
            .env("GIT_COMMITTER_EMAIL", committer_email)
            .env("GIT_COMMITTER_DATE", &date);
        // The target first: seen from it, the merge brought the other one in.
        command.args(["commit-tree", "-p", target.as_str(), "-p", source.as_str(), tree]);
        let out = checked(run(command, Some(message.as_bytes())).await?, "commit-tree")?;
        let text = String::from_utf8_lossy(&out);
        CommitId::parse(text.trim()).ok_or_else(|| GitError::Unreadable(text.chars().take(200).collect()))
    }

    /// As [`Repository::command`], with objects written aside.
    pub(super) fn with(&self, aside: Option<&Aside>) -> Command {
        let Some(aside) = aside else { return self.durable() };
        let mut command = self.command();
        command.env("GIT_OBJECT_DIRECTORY", aside.folder());
        command
    }

    /// As [`Repository::command`], with what is written on the disk before it ends.
    pub(super) fn durable(&self) -> Command {
        let mut command = self.command();
        command.args(["-c", "core.fsync=committed", "-c", "core.fsyncMethod=fsync"]);
        command
    }
}

/// A name that git takes: it refuses one of nothing but marks, and takes a few letters from any.
pub(super) fn person(name: &str, email: &str) -> String {
    let is_name = |text: &str| {
        text.chars().any(|c| !c.is_control() && !c.is_whitespace() && !".,:;<>\"\\'".contains(c))
    };
    let plain =
        |text: &str| text.chars().filter(|c| !c.is_control() && !"<>".contains(*c)).collect::<String>();
    let before_at = email.split('@').next().unwrap_or_default();
    [name, before_at].into_iter().find(|text| is_name(text)).map_or_else(|| "A member".to_owned(), plain)
}

#[cfg(test)]
mod tests {
    use super::person;

    #[test]
    fn a_name_of_nothing_but_marks_is_replaced_by_the_address() {
        assert_eq!(person("Anna <a@b> \n Müller", "anna@example.com"), "Anna a@b  Müller");
        assert_eq!(person("<>.", "anna@example.com"), "anna");
        assert_eq!(person("...", ";"), "A member");
    }
}
