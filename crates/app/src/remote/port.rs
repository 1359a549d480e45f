//! The port to remote repositories: git over the network, and what it needs of keys.

use std::path::PathBuf;

use futures_util::future::BoxFuture;
use stoa_domain::branch::{BranchName, CommitId};
use stoa_domain::remote::{RemoteProblem, RemoteUrl};
use stoa_domain::{ProjectId, Secret};

use crate::Fault;

/// Where a remote repository is, and what opens it. It has no `Debug`: what opens it is secret.
#[derive(Clone)]
pub struct RemoteAccess {
    pub url: RemoteUrl,
    pub credential: Option<RemoteCredential>,
    /// The key that its host has to show: `ssh-ed25519 AAAA…`. None pins the first.
    pub host_key: Option<String>,
}

#[derive(Clone)]
pub enum RemoteCredential {
    Token {
        user: String,
        token: Secret,
    },
    /// The private part of a deploy key: 32 bytes of Ed25519.
    Key(Secret),
}

/// Why a remote repository isn't read.
#[derive(Debug, Clone)]
pub struct RemoteFailure {
    pub problem: RemoteProblem,
    /// Git's own words, without anything secret.
    pub said: String,
    /// What the host showed, where none was pinned.
    pub host_key: Option<String>,
    /// The fingerprint of what it showed instead of what was pinned.
    pub offered_key: Option<String>,
}

#[derive(Debug)]
pub enum RemoteError {
    Failed(Box<RemoteFailure>),
    Fault(Fault),
}

impl From<RemoteFailure> for RemoteError {
    fn from(failure: RemoteFailure) -> Self {
        Self::Failed(Box::new(failure))
    }
}

impl From<Fault> for RemoteError {
    fn from(fault: Fault) -> Self {
        Self::Fault(fault)
    }
}

/// What is seen of one without taking anything.
#[derive(Debug, Clone)]
pub struct Looked {
    pub host_key: Option<String>,
    pub branches: usize,
    pub default_branch: Option<BranchName>,
}

/// What was fetched and lies aside: no branch has moved yet.
#[derive(Debug, Clone)]
pub struct Staged {
    pub host_key: Option<String>,
    pub default_branch: Option<BranchName>,
    /// Whether there is anything that the mirror hadn't.
    pub is_changed: bool,
    /// Where the mirror's branches and tags stood before: by their whole names.
    pub before: Vec<(String, String)>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Applied {
    /// So many names can't be a branch's or a tag's here.
    Done { passed_over: u64 },
    /// A branch has moved meanwhile: it has to be fetched once more.
    Otherwise,
}

/// A branch that is to move at the remote.
#[derive(Debug, Clone)]
pub struct RemotePush {
    pub branch: BranchName,
    /// Where it has to stand there; `None`: it isn't there.
    pub from: Option<CommitId>,
    pub to: CommitId,
    /// Where the commits are that aren't in the mirror yet.
    pub aside: Option<PathBuf>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Pushed {
    Done,
    /// It stands elsewhere there.
    Otherwise,
    /// The remote doesn't take it, in its own words.
    Refused(String),
}

/// Remote repositories.
pub trait Remotes: Send + Sync + 'static {
    /// Whether an address could be dialled, as far as can be said without looking its name up.
    ///
    /// # Errors
    /// Why not: a sentence.
    fn check(&self, url: &RemoteUrl) -> Result<(), String>;
    /// The private part of a new deploy key.
    ///
    /// # Errors
    /// A fault.
    fn new_key(&self) -> Result<Secret, Fault>;
    /// Its public part, as a remote takes it: one line.
    ///
    /// # Errors
    /// A fault, where it isn't a key.
    fn public_key(&self, key: &Secret, comment: &str) -> Result<String, Fault>;
    /// `SHA256:…` of a key that was pinned.
    fn fingerprint(&self, host_key: &str) -> Option<String>;
    /// Connects, and reads which branches there are.
    fn look(&self, access: RemoteAccess) -> BoxFuture<'_, Result<Looked, RemoteError>>;
    /// Fetches what the mirror lacks, aside.
    fn stage(&self, project: ProjectId, access: RemoteAccess) -> BoxFuture<'_, Result<Staged, RemoteError>>;
    /// Moves the mirror's branches to what was staged, but for what has moved since before.
    fn apply(&self, project: ProjectId, staged: Staged) -> BoxFuture<'_, Result<Applied, Fault>>;
    fn push(
        &self,
        project: ProjectId,
        access: RemoteAccess,
        push: RemotePush,
    ) -> BoxFuture<'_, Result<Pushed, RemoteError>>;
}
