//! The port to members' desks: what use-cases need of the machine that holds them.

use bytes::Bytes;
use futures_util::future::BoxFuture;
use futures_util::stream::BoxStream;
use stoa_domain::branch::{BranchName, CommitId};
use stoa_domain::{AccountId, InstanceId, Refusal, TerminalId, Timestamp};
use tokio::sync::mpsc;

use crate::failure::{Failure, Fault};

/// Whose desk it is, and on what.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct DeskOf {
    pub instance: InstanceId,
    pub account: AccountId,
}

/// By whom commits are made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Author {
    pub name: String,
    pub email: String,
}

/// Why something isn't done in a desk.
#[derive(Debug)]
pub enum DeskProblem {
    /// Nobody holds it, or it has ended.
    Closed,
    /// The machine doesn't have the commit; it has to be brought.
    UnknownCommit,
    Missing,
    /// A file has another tag, or a branch has more.
    Changed,
    TooLarge,
    /// The path, or what is there, can't be used so: a sentence.
    Unfit(String),
    /// Something in the desk stands in the way: a sentence.
    InTheWay(String),
    NoSandbox(String),
    DiskFull,
    Fault(Fault),
}

impl From<DeskProblem> for Failure {
    fn from(problem: DeskProblem) -> Self {
        match problem {
            DeskProblem::Closed => Refusal::Conflict(stoa_domain::Conflict::DeskClosed).into(),
            DeskProblem::UnknownCommit => Fault::new("a machine lacks a commit that was brought").into(),
            DeskProblem::Missing => Refusal::NotFound.into(),
            DeskProblem::Changed => Refusal::PreconditionFailed.into(),
            DeskProblem::TooLarge => Refusal::FileTooLarge.into(),
            DeskProblem::Unfit(sentence) => Refusal::UnfitPath(sentence).into(),
            DeskProblem::InTheWay(sentence) => Refusal::InDesk(sentence).into(),
            DeskProblem::NoSandbox(text) => Refusal::NoSandbox(text).into(),
            DeskProblem::DiskFull => Refusal::DiskFull.into(),
            DeskProblem::Fault(fault) => fault.into(),
        }
    }
}

/// Bytes of a file or a pack.
pub type DeskBytes = BoxStream<'static, Result<Bytes, Fault>>;

/// A desk as it is wanted.
#[derive(Debug, Clone)]
pub struct NewDesk {
    pub branch: BranchName,
    pub commit: CommitId,
    pub author: Author,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenedDesk {
    /// The branch that the working copy was made of.
    pub branch: String,
    /// Whether it was made just now.
    pub is_new: bool,
    /// Whether its processes were begun just now.
    pub is_begun: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FileKind {
    Folder,
    File,
    Link,
    Special,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileEntry {
    pub name: String,
    pub kind: FileKind,
    pub size: u64,
    pub changed_at: Timestamp,
    pub tag: String,
    pub leads_to: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileListing {
    pub entries: Vec<FileEntry>,
    pub next: Option<String>,
    /// Entries whose names can't be shown.
    pub unreadable: usize,
}

/// A file that is being read.
pub struct FileContent {
    pub tag: String,
    pub size: u64,
    pub bytes: DeskBytes,
}

/// What has to be so for a file to be saved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SaveIf {
    Anyhow,
    Tag(String),
    New,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FileChange {
    MakeFolder(String),
    Rename { from: String, to: String },
    Remove { path: String, tag: Option<String> },
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileSearch {
    pub text: String,
    pub is_expression: bool,
    pub heeds_case: bool,
    pub whole_words: bool,
    pub limit: usize,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileMatch {
    pub path: String,
    pub line: u32,
    pub column: u32,
    pub text: String,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FileMatches {
    pub matches: Vec<FileMatch>,
    pub is_cut: bool,
}

/// Letters of git-status(1), or a full stop.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChangedFile {
    pub path: String,
    pub from: Option<String>,
    pub staged: String,
    pub unstaged: String,
    pub is_conflict: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OwnCommit {
    pub id: String,
    pub subject: String,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct WorkingCopy {
    pub branch: String,
    pub head: Option<String>,
    pub commit: Option<String>,
    pub base: Option<String>,
    pub ahead: u64,
    pub behind: u64,
    pub is_merging: bool,
    pub changes: Vec<ChangedFile>,
    pub is_cut: bool,
    pub commits: Vec<OwnCommit>,
}

/// What a file, or the working copy, is compared with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Against {
    Branch,
    Head,
    Staged,
}

impl Against {
    pub const ALL: [Self; 3] = [Self::Branch, Self::Head, Self::Staged];

    #[must_use]
    pub const fn key(self) -> &'static str {
        match self {
            Self::Branch => "branch",
            Self::Head => "head",
            Self::Staged => "staged",
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Staging {
    Stage,
    Unstage,
    Discard,
}

impl Staging {
    pub const ALL: [Self; 3] = [Self::Stage, Self::Unstage, Self::Discard];

    #[must_use]
    pub const fn key(self) -> &'static str {
        match self {
            Self::Stage => "stage",
            Self::Unstage => "unstage",
            Self::Discard => "discard",
        }
    }
}

/// What a push brings.
pub struct DeskPack {
    pub commit: CommitId,
    pub bytes: DeskBytes,
}

/// How large a terminal is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TerminalSize {
    pub columns: u16,
    pub rows: u16,
}

/// What goes into a terminal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Typed {
    Bytes(Bytes),
    Resize(TerminalSize),
    /// It is closed, with what runs in it.
    End,
}

/// What comes out of one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Shown {
    Bytes(Bytes),
    /// Its shell has ended, with this status.
    Ended(i32),
}

/// A terminal that somebody is at. It stays when this is dropped.
pub struct TerminalEnds {
    pub typed: mpsc::Sender<Typed>,
    pub shown: BoxStream<'static, Result<Shown, Fault>>,
}

type Answer<'a, T> = BoxFuture<'a, Result<T, DeskProblem>>;

/// Desks, on the machine of their instance.
pub trait Desks: Send + Sync + 'static {
    /// Holds a desk for as long as the stream is held: without anybody who does it ends whole. Resolves when it is
    /// held; the stream ends when the desk does.
    fn hold(&self, desk: DeskOf) -> Answer<'_, BoxStream<'static, ()>>;
    fn open(&self, desk: DeskOf, wanted: NewDesk) -> Answer<'_, OpenedDesk>;
    fn end(&self, desk: DeskOf, discard: bool) -> Answer<'_, ()>;
    fn list(
        &self,
        desk: DeskOf,
        path: String,
        after: Option<String>,
        limit: Option<usize>,
    ) -> Answer<'_, FileListing>;
    fn read(&self, desk: DeskOf, path: String) -> Answer<'_, FileContent>;
    fn save(&self, desk: DeskOf, path: String, save_if: SaveIf, bytes: DeskBytes) -> Answer<'_, String>;
    fn change(&self, desk: DeskOf, change: FileChange) -> Answer<'_, ()>;
    fn search(&self, desk: DeskOf, search: FileSearch) -> Answer<'_, FileMatches>;
    fn status(&self, desk: DeskOf) -> Answer<'_, WorkingCopy>;
    /// A difference in git's own form, and whether it is cut.
    fn diff(&self, desk: DeskOf, against: Against, path: Option<String>) -> Answer<'_, (String, bool)>;
    fn original(&self, desk: DeskOf, against: Against, path: String) -> Answer<'_, Bytes>;
    fn stage(&self, desk: DeskOf, staging: Staging, paths: Vec<String>) -> Answer<'_, ()>;
    fn commit(&self, desk: DeskOf, message: String, all: bool, author: Author) -> Answer<'_, CommitId>;
    /// Paths that have to be settled by hand.
    fn merge(&self, desk: DeskOf, commit: CommitId, author: Author) -> Answer<'_, Vec<String>>;
    /// A push of the desk's has moved its branch there.
    fn pushed(&self, desk: DeskOf, commit: CommitId) -> Answer<'_, ()>;
    fn pack(&self, desk: DeskOf, branch: BranchName, have: Option<CommitId>) -> Answer<'_, DeskPack>;
    fn terminals(&self, desk: DeskOf) -> Answer<'_, Vec<TerminalId>>;
    fn terminal(
        &self,
        desk: DeskOf,
        terminal: TerminalId,
        is_new: bool,
        size: TerminalSize,
    ) -> Answer<'_, TerminalEnds>;
}
