//! What changes between two commits, and what stands in the way of bringing them together.

use crate::branch::CommitId;
use crate::instance::closed_set;
use crate::time::Timestamp;

closed_set! {
    /// What became of a file.
    FileChange {
        Added = "added",
        Changed = "changed",
        Removed = "removed",
        Renamed = "renamed",
    }
}

closed_set! {
    /// What a path stands for.
    FileForm {
        File = "file",
        Link = "link",
        // A commit of another repository.
        Submodule = "submodule",
    }
}

closed_set! {
    /// Why a file can't be merged by itself.
    ConflictKind {
        // Both changed the same lines.
        Lines = "lines",
        // Both changed a file that has no lines.
        Binary = "binary",
        // One changed what the other removed.
        Removed = "removed",
        // It was renamed, and something else stands in its way.
        Renamed = "renamed",
        // It is a file here and a folder or a link there.
        Form = "form",
        // A commit of another repository, which isn't here to look at.
        Submodule = "submodule",
        Other = "other",
    }
}

/// One file that differs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChangedFile {
    pub path: String,
    /// Where it was before, where it was renamed.
    pub from: Option<String>,
    pub change: FileChange,
    pub form: FileForm,
    /// Lines added and removed; `None` for what has no lines.
    pub lines: Option<(u64, u64)>,
}

/// Files that differ: the first of them, and all of them in numbers.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ChangedFiles {
    pub files: Vec<ChangedFile>,
    pub count: u64,
    pub added: u64,
    pub removed: u64,
    /// There are more than were counted.
    pub is_cut: bool,
}

/// A file that two branches changed in ways that don't go together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileConflict {
    pub path: String,
    pub kind: ConflictKind,
    /// First and last of the lines, counted from 1 in the target's file. A last one before its first: nothing of the
    /// target's, and the source's lines belong before `first`.
    pub lines: Vec<(u64, u64)>,
}

/// Files that stand in the way of a merge: the first of them, and how many there are.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FileConflicts {
    pub files: Vec<FileConflict>,
    pub count: usize,
}

/// What merging would do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Merging {
    /// The target has all of the source's commits.
    UpToDate,
    /// They have no commit in common.
    Unrelated,
    Conflicts(FileConflicts),
    /// It takes longer, or tells of more, than is waited for.
    TooLarge,
    /// Nothing stands in the way.
    Clean,
}

/// What came of merging.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Merged {
    /// A commit that is on no branch yet.
    Commit(CommitId),
    /// Or why there is none.
    Not(Merging),
}

/// What became of a branch that was to move from where it was seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Moved {
    /// It has moved.
    There,
    /// It stands at another commit by now, or is gone.
    Elsewhere,
    /// Another git holds it, or one held it that was killed.
    Held,
}

/// Who makes a merge commit, and what it says.
#[derive(Debug, Clone)]
pub struct Signing {
    pub author_name: String,
    pub author_email: String,
    pub committer_name: String,
    pub committer_email: String,
    pub at: Timestamp,
    pub message: String,
}

/// A stretch of a file that differs, with a few lines around it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hunk {
    /// The first line and how many, before and after.
    pub before: (u64, u64),
    pub after: (u64, u64),
    /// Each begins with ` `, `+`, `-`, or `\` for what is said of the line before it.
    pub lines: Vec<String>,
}

/// A file that differs, with the difference itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileDifference {
    pub file: ChangedFile,
    pub hunks: Vec<Hunk>,
    /// There is more of it.
    pub is_cut: bool,
}

/// What differs: all files, and of the first of them the difference itself.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Changes {
    pub all: ChangedFiles,
    pub files: Vec<FileDifference>,
}
