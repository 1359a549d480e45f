//! Desks: one member's IDE on one instance. An account is an id here, and a name that its commits are made under.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// Makes the sandbox, and where there is none the working copy.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OpenDesk {
    pub branch: String,
    /// Where the branch stands: taken out of the mirror where the working copy is made.
    pub commit: String,
    pub author: Author,
}

/// By whom commits are made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Author {
    pub name: String,
    pub email: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DeskView {
    /// The branch that the working copy was made of.
    pub branch: String,
    /// Whether it was made just now.
    pub is_new: bool,
    /// Whether its processes were begun just now.
    pub is_begun: bool,
}

/// What is told to whoever holds a desk.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DeskEvent {
    Held,
    /// Its processes have ended, for this reason.
    Ended(String),
}

/// As it stands behind the `?`.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EndQuery {
    /// The working copy goes too.
    #[serde(default)]
    pub discard: bool,
}

#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FilesQuery {
    #[serde(default)]
    pub path: String,
    pub after: Option<String>,
    pub limit: Option<usize>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EntryKind {
    Folder,
    File,
    Link,
    Special,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EntryView {
    pub name: String,
    pub kind: EntryKind,
    pub size: u64,
    /// Microseconds of UTC.
    pub changed_at: i64,
    pub tag: String,
    pub leads_to: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ListingView {
    pub entries: Vec<EntryView>,
    pub next: Option<String>,
    /// Entries whose names can't be shown.
    pub unreadable: usize,
}

/// The path of a file behind the `?`, and on what condition it is saved.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FileQuery {
    pub path: String,
    /// It has this tag still.
    pub tag: Option<String>,
    /// Nothing is there.
    #[serde(default)]
    pub new: bool,
}

/// A saved file's new tag.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SavedView {
    pub tag: String,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum ChangeFiles {
    MakeFolder { path: String },
    Rename { from: String, to: String },
}

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SearchFiles {
    pub text: String,
    #[serde(default)]
    pub is_expression: bool,
    #[serde(default)]
    pub heeds_case: bool,
    #[serde(default)]
    pub whole_words: bool,
    pub limit: usize,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MatchView {
    pub path: String,
    pub line: u32,
    pub column: u32,
    /// The line, cut where it is long.
    pub text: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MatchesView {
    pub matches: Vec<MatchView>,
    pub is_cut: bool,
}

/// How a file differs. `staged` and `unstaged` are letters of git-status(1): `M`, `A`, `D`, `R`, `T`, `?`, `U`, or a full
/// stop for none.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ChangeView {
    pub path: String,
    /// Where it was before.
    pub from: Option<String>,
    pub staged: String,
    pub unstaged: String,
    pub is_conflict: bool,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OwnCommitView {
    pub id: String,
    pub subject: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StatusView {
    /// What the working copy was made of, and is pushed to.
    pub branch: String,
    /// The branch that is checked out; none where it is a commit alone.
    pub head: Option<String>,
    /// None before the first commit.
    pub commit: Option<String>,
    /// Where the pushed branch stood when it was last taken over.
    pub base: Option<String>,
    pub ahead: u64,
    pub behind: u64,
    pub is_merging: bool,
    pub changes: Vec<ChangeView>,
    /// Whether there are more than are told.
    pub is_cut: bool,
    /// What a push would bring, newest first.
    pub commits: Vec<OwnCommitView>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Against {
    /// Where the pushed branch stood.
    Branch,
    /// The last commit.
    Head,
    /// What is staged, against the last commit.
    Staged,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DiffQuery {
    pub against: Against,
    pub path: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DiffView {
    pub text: String,
    pub is_cut: bool,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OriginalQuery {
    pub against: Against,
    pub path: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Staging {
    Stage,
    Unstage,
    /// Back to what the last commit has.
    Discard,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StageFiles {
    pub staging: Staging,
    /// Empty: all there are.
    pub paths: Vec<String>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MakeCommit {
    pub message: String,
    /// Stages everything before.
    pub all: bool,
    pub author: Author,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CommitView {
    pub commit: String,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MergeBranch {
    /// Where the branch stands: in the mirror already.
    pub commit: String,
    pub author: Author,
}

/// A push of the desk's has moved the branch.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BranchPushed {
    /// Where it stands now: in the desk already.
    pub commit: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MergedView {
    /// Paths that have to be settled by hand.
    pub conflicts: Vec<String>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MakePack {
    pub branch: String,
    /// Where the branch stands that it is pushed to.
    pub have: Option<String>,
}

/// Which commit a pack brings.
pub const COMMIT: &str = "stoa-commit";

/// A file's tag, where its bytes are the answer.
pub const TAG: &str = "stoa-tag";

/// As it stands behind the `?` where a terminal is used.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TerminalQuery {
    /// It is made; else it has to be there.
    #[serde(default)]
    pub new: bool,
    pub columns: u16,
    pub rows: u16,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TerminalsView {
    pub terminals: Vec<Uuid>,
}
