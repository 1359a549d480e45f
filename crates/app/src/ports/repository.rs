//! What is read of a repository.

use stoa_domain::Timestamp;
use stoa_domain::branch::{BranchName, CommitId};
use stoa_domain::change::{ChangedFiles, FileDifference, Merging};

/// One commit as a board or a list shows it.
#[derive(Debug, Clone)]
pub struct Commit {
    pub id: CommitId,
    pub subject: String,
    pub author_name: String,
    pub author_email: String,
    pub at: Timestamp,
}

#[derive(Debug, Clone)]
pub struct Branch {
    pub name: BranchName,
    pub commit: Commit,
}

/// One branch moved by a push, as git told it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RefUpdate {
    /// `refs/heads/…` or `refs/tags/…`.
    pub reference: String,
    pub old: CommitId,
    pub new: CommitId,
    /// Whether commits are lost by it that aren't its whole branch.
    pub is_rewind: bool,
}

/// A merge before it is done.
#[derive(Debug, Clone)]
pub struct Review {
    pub merging: Merging,
    /// The source's that the target hasn't, newest first: the first of them.
    pub commits: Vec<Commit>,
    pub commit_count: u64,
    /// What becomes different in the target; where there are conflicts, what the source has changed.
    pub files: ChangedFiles,
}

/// A commit with what it changes against its first parent.
#[derive(Debug, Clone)]
pub struct Difference {
    pub commit: Commit,
    /// Whole, as it was written.
    pub message: String,
    pub committer_name: String,
    pub parents: Vec<CommitId>,
    pub all: ChangedFiles,
    /// The first files of it, with their lines.
    pub files: Vec<FileDifference>,
}
