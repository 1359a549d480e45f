//! Reading a repository: branches, commits, files.

use stoa_domain::Timestamp;
use stoa_domain::branch::{BranchName, CommitId};

use super::{GitError, Repository, checked, run};

/// A commit, as a list shows it.
#[derive(Debug, Clone)]
pub struct FoundCommit {
    pub id: CommitId,
    pub subject: String,
    pub author_name: String,
    pub author_email: String,
    pub at: Timestamp,
}

#[derive(Debug, Clone)]
pub struct FoundBranch {
    pub name: BranchName,
    pub commit: FoundCommit,
}

/// Something that a repository may have.
pub type Found<T> = Result<Option<T>, GitError>;

/// Between fields, and after a line of them: the one character that no commit can hold (git-fsck(1), `nulInHeader`).
pub(super) const FIELD: char = '\0';
/// Fields of a commit in a list.
const FIELDS: usize = 5;

pub(super) fn commit_fields<'t>(fields: &mut impl Iterator<Item = &'t str>) -> Option<FoundCommit> {
    let id = CommitId::parse(fields.next()?)?;
    let seconds: i64 = fields.next()?.parse().ok()?;
    let (author_name, author_email) = (fields.next()?.to_owned(), fields.next()?.to_owned());
    let subject = fields.next()?.to_owned();
    let at = Timestamp::from_micros(seconds.saturating_mul(1_000_000));
    Some(FoundCommit { id, subject, author_name, author_email, at })
}

fn unreadable(line: &str) -> GitError {
    GitError::Unreadable(line.chars().take(200).collect())
}

impl Repository {
    /// All branches with their newest commits, by name. Those whose names Stoa doesn't take are passed over.
    ///
    /// # Errors
    /// Where git refuses.
    pub async fn branches(&self) -> Result<Vec<FoundBranch>, GitError> {
        const FORMAT: &str = "--format=%(refname:strip=2)%00%(objectname)%00%(committerdate:unix)%00%(authorname)%00%(authoremail:trim)%00%(contents:subject)%00";
        let out = self.ask(&["for-each-ref", FORMAT, "refs/heads/"]).await?;
        let text = String::from_utf8_lossy(&out);
        let mut branches = Vec::new();
        let mut fields = text.split(FIELD);
        // Each begins on a line of its own, which is all that is left behind the last.
        while let Some(name) =
            fields.next().map(|name| name.trim_start_matches('\n')).filter(|name| !name.is_empty())
        {
            let commit = commit_fields(&mut fields).ok_or_else(|| unreadable(name))?;
            if let Some(name) = BranchName::parse(name) {
                branches.push(FoundBranch { name, commit });
            }
        }
        Ok(branches)
    }

    /// The commit that a branch stands at, found by its whole name and by no other: `rev-parse` would go on to a tag or
    /// a branch that is itself called `refs/heads/…`, which anybody may have pushed.
    ///
    /// # Errors
    /// Where git can't be run.
    pub async fn head(&self, branch: &BranchName) -> Found<CommitId> {
        let reference = format!("refs/heads/{branch}");
        let mut command = self.command();
        command.args(["show-ref", "--verify", "--hash", "--", &reference]);
        let output = run(command, None).await?;
        if !output.succeeded {
            return Ok(None);
        }
        let text = String::from_utf8_lossy(&output.out);
        CommitId::parse(text.trim()).map(Some).ok_or_else(|| unreadable(&text))
    }

    /// Newest first; `None` where there is no such branch.
    ///
    /// # Errors
    /// Where git refuses.
    pub async fn commits(&self, branch: &BranchName, skip: usize, limit: usize) -> Found<Vec<FoundCommit>> {
        let Some(head) = self.head(branch).await? else { return Ok(None) };
        self.log(head.as_str(), skip, limit).await.map(Some)
    }

    /// Commits of a range given by commits' names, newest first.
    pub(super) async fn commits_between(
        &self,
        range: &str,
        limit: usize,
    ) -> Result<Vec<FoundCommit>, GitError> {
        self.log(range, 0, limit).await
    }

    async fn log(&self, what: &str, skip: usize, limit: usize) -> Result<Vec<FoundCommit>, GitError> {
        let (skip, limit) = (format!("--skip={skip}"), format!("--max-count={limit}"));
        let format = "--format=%H%x00%ct%x00%an%x00%ae%x00%s";
        let out = self.ask(&["log", "-z", &skip, &limit, format, "--end-of-options", what]).await?;
        let text = String::from_utf8_lossy(&out);
        let fields: Vec<&str> = text.split(FIELD).collect();
        let commits = fields.chunks_exact(FIELDS);
        if commits.remainder().concat() != "" {
            return Err(unreadable(&text));
        }
        commits
            .map(|one| commit_fields(&mut one.iter().copied()).ok_or_else(|| unreadable(&one.concat())))
            .collect()
    }

    /// How many commits `tip` has behind it that `base` hasn't, and the other way round.
    ///
    /// # Errors
    /// Where git refuses.
    pub async fn ahead_behind(&self, tip: &CommitId, base: &CommitId) -> Result<(u64, u64), GitError> {
        let both = format!("{tip}...{base}");
        let out = self.ask(&["rev-list", "--left-right", "--count", "--end-of-options", &both]).await?;
        let text = String::from_utf8_lossy(&out);
        let mut numbers = text.split_whitespace().map(|number| number.parse().ok());
        match (numbers.next().flatten(), numbers.next().flatten()) {
            (Some(ahead), Some(behind)) => Ok((ahead, behind)),
            _ => Err(unreadable(&text)),
        }
    }

    /// Whether `descendant` is `ancestor` or follows from it; `false` where either isn't there.
    ///
    /// # Errors
    /// Where git can't be run.
    pub async fn is_ancestor(&self, ancestor: &CommitId, descendant: &CommitId) -> Result<bool, GitError> {
        let mut command = self.command();
        command.args(["merge-base", "--is-ancestor", &ancestor.to_string(), &descendant.to_string()]);
        Ok(run(command, None).await?.status == Some(0))
    }

    /// One file at a commit; `None` where it isn't there, isn't a file, or is larger than `limit` bytes.
    ///
    /// # Errors
    /// Where git can't be run.
    pub async fn file(&self, commit: &CommitId, path: &str, limit: usize) -> Found<Vec<u8>> {
        let name = format!("{commit}:{path}");
        let mut command = self.command();
        command.args(["cat-file", "--batch-check=%(objecttype) %(objectsize)"]);
        let about = checked(run(command, Some(format!("{name}\n").as_bytes())).await?, "cat-file")?;
        let about = String::from_utf8_lossy(&about).trim().to_owned();
        let size = about.strip_prefix("blob ").and_then(|size| size.parse::<usize>().ok());
        if path.contains('\n') || size.is_none_or(|size| size > limit) {
            return Ok(None);
        }
        let mut command = self.command();
        command.args(["cat-file", "blob", &name]);
        checked(run(command, None).await?, "cat-file").map(Some)
    }
}
