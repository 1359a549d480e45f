//! The ports: what use-cases need of the outside, said in the words of the domain.

use std::fmt;
use std::net::IpAddr;
use std::path::PathBuf;
use std::sync::Arc;

use bytes::Bytes;
use futures_util::future::BoxFuture;
use futures_util::stream::BoxStream;
use stoa_domain::branch::{BranchName, CommitId};
use stoa_domain::change::{Changes, Merged, Moved, Signing};
use stoa_domain::instance::RestartMode;
use stoa_domain::metrics::MetricsRange;
use stoa_domain::settings::{HealthCheck, Limits};
use stoa_domain::{BackupId, DeploymentId, InstanceId, JobId, ProjectId, ReleaseId, Secret, WorkspaceId};

use crate::failure::{Failure, Fault};

mod connect_as;
mod facts;
mod fleet;
mod log;
mod metrics;
mod process;
mod repository;

pub use crate::ai::models::{Counted, ModelAccess, ModelProblem, Models, Prompt, Said, Saying};
pub use crate::backup::port::{Bucket, Buckets};
pub use crate::certificate::{Certificates, IssueProblem, Issued, KeepsForAuthority};
pub use crate::desk::port::*;
pub use crate::remote::port::*;
pub use connect_as::{AppCookie, AppUser, ConnectAnswer, ConnectWish};
pub use facts::*;
pub use fleet::*;
pub use log::{KnownSecrets, LogLine, LogQuery, LogSource, LogStretch};
pub use metrics::{Figures, InstanceMetrics, MachineMetrics, Most};
pub use process::{InstanceProcess, InstanceProcesses, InstanceSchedule, RunOutcome, ScheduleRun};
pub use repository::{Branch, Commit, Difference, RefUpdate, Review};
pub use stoa_storage::{Clock, NewIds};

/// Makes secrets.
pub trait Rng: Send + Sync + 'static {
    fn fill(&self, bytes: &mut [u8]);
}

/// Seals secrets for one place: a workspace, a table, a column and a row.
pub trait Vault: Send + Sync + 'static {
    /// A new key for a workspace, wrapped by the master key.
    ///
    /// # Errors
    /// A fault.
    fn new_workspace_key(&self, workspace: WorkspaceId) -> Result<Vec<u8>, Fault>;

    /// # Errors
    /// A fault.
    fn seal(&self, wrapped_key: &[u8], place: &SealedPlace, secret: &Secret) -> Result<Vec<u8>, Fault>;

    /// # Errors
    /// Where it was sealed for another place, by another key, or was changed.
    fn open(&self, wrapped_key: &[u8], place: &SealedPlace, sealed: &[u8]) -> Result<Secret, Fault>;
}

/// What a sealed value is bound to. `workspace` is `INSTALLATION` for values of no workspace.
#[derive(Debug, Clone)]
pub struct SealedPlace {
    pub workspace: WorkspaceId,
    pub table: &'static str,
    pub column: &'static str,
    pub row: String,
    pub version: i64,
}

/// A mail ready to go.
#[derive(Clone)]
pub struct Letter {
    pub to: String,
    /// In whose name it is sent: a workspace's; `None` for Stoa's own.
    pub sender: Option<String>,
    pub subject: String,
    pub text: String,
    pub html: String,
    /// What lies in the letter itself and is shown by its HTML.
    pub images: Vec<InlineImage>,
}

/// A picture within a letter; the HTML names it as `cid:<id>`.
#[derive(Clone)]
pub struct InlineImage {
    pub id: String,
    pub png: Vec<u8>,
}

/// How a try to send a letter ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Delivery {
    Sent,
    /// The server refused it for good.
    Refused(String),
    /// Try again later.
    Waiting(String),
}

pub trait Mail: Send + Sync + 'static {
    fn send(&self, letter: Letter) -> BoxFuture<'_, Delivery>;
}

/// The forms in which a logo may be sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PictureKind {
    Png,
    Jpeg,
    Webp,
    Svg,
}

impl PictureKind {
    pub const ALL: [Self; 4] = [Self::Png, Self::Jpeg, Self::Webp, Self::Svg];

    /// Its media type.
    #[must_use]
    pub const fn key(self) -> &'static str {
        match self {
            Self::Png => "image/png",
            Self::Jpeg => "image/jpeg",
            Self::Webp => "image/webp",
            Self::Svg => "image/svg+xml",
        }
    }
}

/// Makes the pictures that workspaces wear. What somebody sent may be anything at all.
pub trait Logos: Send + Sync + 'static {
    /// A square PNG of what was sent: at most 512 pixels a side and as many bytes as are kept.
    ///
    /// # Errors
    /// `Invalid` with the reason, `TooManyRequests`, or a fault.
    fn make(&self, kind: PictureKind, sent: Bytes) -> BoxFuture<'_, Result<Vec<u8>, Failure>>;

    /// A square PNG of letters on a colour (`#rrggbb`): what stands where no logo was uploaded.
    ///
    /// # Errors
    /// A fault.
    fn draw(&self, initials: String, color: String) -> BoxFuture<'_, Result<Vec<u8>, Failure>>;
}

/// Hosted repositories.
pub trait Repositories: Send + Sync + 'static {
    /// Makes an empty repository; one that is there stays as it is.
    fn create(&self, project: ProjectId, default_branch: BranchName) -> BoxFuture<'_, Result<(), Fault>>;
    /// Makes a repository that begins with a commit of these files, each by its path; tells the commit.
    fn begin(
        &self,
        project: ProjectId,
        default_branch: BranchName,
        files: &'static [(&'static str, &'static [u8])],
        signing: Signing,
    ) -> BoxFuture<'_, Result<CommitId, Fault>>;
    /// Those that can't be being made any more, which may be compared with the records: made more than an hour ago, or
    /// before the only process was started.
    fn list(&self) -> BoxFuture<'_, Result<Vec<ProjectId>, Fault>>;
    /// One that isn't there is no fault.
    fn delete(&self, project: ProjectId) -> BoxFuture<'_, Result<(), Fault>>;
    fn set_default_branch(&self, project: ProjectId, branch: BranchName) -> BoxFuture<'_, Result<(), Fault>>;
    /// All branches with their newest commits.
    fn branches(&self, project: ProjectId) -> BoxFuture<'_, Result<Vec<Branch>, Fault>>;
    /// Commits of a branch, newest first; `None` where there is no such branch.
    fn commits(
        &self,
        project: ProjectId,
        branch: BranchName,
        skip: usize,
        limit: usize,
    ) -> BoxFuture<'_, Result<Option<Vec<Commit>>, Fault>>;
    /// The commit a branch stands at.
    fn head(&self, project: ProjectId, branch: BranchName) -> BoxFuture<'_, Result<Option<CommitId>, Fault>>;
    /// How many commits `tip` has behind it that `base` hasn't, and the other way round.
    fn ahead_behind(
        &self,
        project: ProjectId,
        tip: CommitId,
        base: CommitId,
    ) -> BoxFuture<'_, Result<(u64, u64), Fault>>;
    /// Whether `descendant` is `ancestor` or follows from it; `false` where either isn't there.
    fn is_ancestor(
        &self,
        project: ProjectId,
        ancestor: CommitId,
        descendant: CommitId,
    ) -> BoxFuture<'_, Result<bool, Fault>>;
    /// One file at a commit, of at most `limit` bytes.
    fn file(
        &self,
        project: ProjectId,
        commit: CommitId,
        path: String,
        limit: usize,
    ) -> BoxFuture<'_, Result<Option<Vec<u8>>, Fault>>;
    /// What merging one commit into another would do. Nothing of it stays.
    fn review(
        &self,
        project: ProjectId,
        source: CommitId,
        target: CommitId,
    ) -> BoxFuture<'_, Result<Review, Fault>>;
    /// Makes a merge commit, which is on no branch yet.
    fn merge(
        &self,
        project: ProjectId,
        source: CommitId,
        target: CommitId,
        signing: Signing,
    ) -> BoxFuture<'_, Result<Merged, Fault>>;
    /// Moves a branch where it still stands at `from`.
    fn move_branch(
        &self,
        project: ProjectId,
        branch: BranchName,
        from: CommitId,
        to: CommitId,
    ) -> BoxFuture<'_, Result<Moved, Fault>>;
    /// What a commit changes; `None` where no branch and no tag has it.
    fn difference(
        &self,
        project: ProjectId,
        commit: CommitId,
    ) -> BoxFuture<'_, Result<Option<Difference>, Fault>>;
    /// What `source` changed since the two parted; `None` where they have nothing in common.
    fn changes(
        &self,
        project: ProjectId,
        source: CommitId,
        target: CommitId,
    ) -> BoxFuture<'_, Result<Option<Changes>, Fault>>;
    /// The text of what changes between two commits, merged or not, of at most so many bytes.
    fn patch(
        &self,
        project: ProjectId,
        source: CommitId,
        target: CommitId,
        limit: usize,
    ) -> BoxFuture<'_, Result<String, Fault>>;
    /// Where the repository lies, for the git program.
    fn folder(&self, project: ProjectId) -> PathBuf;
}

/// The wanted form of an instance, as the machine is told it.
#[derive(Clone)]
pub struct InstanceForm {
    pub instance: InstanceId,
    pub project: ProjectId,
    pub os_user: u32,
    pub variables: Vec<(String, Secret)>,
    /// Names of those that are secret: their values stand in no log.
    pub secrets: Vec<String>,
    pub wish_running: bool,
    /// Slugs, stage and URL: what every process is given.
    pub instance_slug: String,
    pub project_slug: String,
    pub workspace_slug: String,
    pub stage: String,
    pub url: String,
    pub host: String,
    pub limits: Limits,
    /// How it is asked whether it is well; `None`: as the application says.
    pub health: Option<HealthCheck>,
}

/// How work on a machine goes on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Progress {
    Step {
        name: String,
        progress: Option<u8>,
    },
    /// A backup is stored and was read back. `size` are the bytes that it holds, `added` those that its repository grew by.
    Stored {
        backup: BackupId,
        snapshot: String,
        size: u64,
        added: u64,
        /// What isn't as it should be about it, in one sentence.
        warning: Option<String>,
    },
    Succeeded {
        release: Option<ReleaseId>,
        size: u64,
        /// How one connects as a user of what was deployed, or `none`.
        connect_as: Option<String>,
    },
    Cancelled,
    /// `sentence` is for everybody who sees the instance; `quote`, which may repeat a log, for whoever may read it.
    Failed {
        code: String,
        sentence: String,
        quote: Option<String>,
    },
}

/// What a command to a machine carries against being late or done twice.
#[derive(Debug, Clone, Copy)]
pub struct Order {
    pub job: JobId,
    pub fence: i64,
}

/// What a machine does for a job.
#[derive(Debug, Clone)]
pub enum Command {
    Deploy {
        deployment: DeploymentId,
        release: ReleaseId,
        commit: CommitId,
    },
    /// Switch to a release that was kept.
    Release {
        deployment: DeploymentId,
        release: ReleaseId,
    },
    Start,
    Stop,
    Restart(RestartMode),
    Backup(Arc<BackupOrder>),
    Restore(Arc<RestoreOrder>),
    Delete,
    /// A last backup first; where that fails, nothing is deleted.
    DeleteAfterBackup(Arc<BackupOrder>),
}

/// Where the repository of an instance's backups is, and what opens it.
#[derive(Clone)]
pub struct RepositoryAccess {
    pub password: Secret,
    pub place: RepositoryPlace,
}

#[derive(Clone)]
pub enum RepositoryPlace {
    /// On the disk of the instance's machine.
    Disk,
    /// On an S3-compatible server: `https://host/bucket/prefix`.
    S3 {
        url: String,
        /// All that its host may be dialled at.
        addresses: Vec<IpAddr>,
        key_id: String,
        key: Secret,
        region: Option<String>,
    },
}

/// A backup of an instance as it is now.
pub struct BackupOrder {
    pub backup: BackupId,
    pub repository: RepositoryAccess,
    /// What is stored as the instance's settings: JSON, its secrets sealed.
    pub settings: String,
}

/// A backup brought back.
pub struct RestoreOrder {
    pub backup: BackupId,
    /// The instance that it is of.
    pub of: InstanceId,
    pub repository: RepositoryAccess,
    /// What is made first of what is replaced.
    pub safety: Option<BackupOrder>,
    pub deployment: DeploymentId,
    pub release: ReleaseId,
    /// `None`: the release is kept.
    pub commit: Option<CommitId>,
    /// Bytes.
    pub size: u64,
}

// What opens a repository is in neither.
impl fmt::Debug for BackupOrder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "BackupOrder({})", self.backup)
    }
}

impl fmt::Debug for RestoreOrder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RestoreOrder({})", self.backup)
    }
}

/// What came of asking for a backup as an archive.
pub enum Archived {
    There(Archive),
    /// The repository has no such backup.
    Gone,
    /// What is stored of it can't be read whole.
    Damaged,
}

/// A backup as one archive, or a stretch of it.
pub struct Archive {
    /// 200, 206 or 416.
    pub status: u16,
    /// Bytes that follow, where that is known already.
    pub length: Option<u64>,
    /// Which stretch of the whole it is, as `Content-Range` says it.
    pub range: Option<String>,
    pub bytes: ByteStream,
}

/// One machine: that which `stoa serve` stands on, or one elsewhere.
pub trait Machines: Send + Sync + 'static {
    fn facts(&self) -> BoxFuture<'_, Result<MachineFacts, Fault>>;
    /// How much of it was used in a range that ends now.
    fn metrics(&self, range: MetricsRange) -> BoxFuture<'_, Result<MachineMetrics, Fault>>;
    /// The same of an instance; `None`: the machine doesn't hold it.
    fn instance_metrics(
        &self,
        instance: InstanceId,
        range: MetricsRange,
    ) -> BoxFuture<'_, Result<Option<InstanceMetrics>, Fault>>;
    /// Tells the whole wanted form. The same twice changes nothing.
    fn put(&self, order: Order, form: InstanceForm) -> BoxFuture<'_, Result<(), Fault>>;
    /// Hands over the commit with all it needs, if the machine doesn't have it.
    fn bring_commit(
        &self,
        order: Order,
        project: ProjectId,
        commit: CommitId,
        repository: PathBuf,
    ) -> BoxFuture<'_, Result<(), Fault>>;
    /// Begins, or finds again, the work of a job, and follows it to its end.
    fn carry_out(
        &self,
        order: Order,
        instance: InstanceId,
        command: Command,
    ) -> BoxFuture<'_, Result<BoxStream<'static, Progress>, Fault>>;
    /// Asks the work of a job to end early. One that is over already, or unknown, is no fault.
    fn cancel(&self, order: Order) -> BoxFuture<'_, Result<(), Fault>>;
    /// All that the machine holds.
    fn instances(&self) -> BoxFuture<'_, Result<Vec<InstanceOnMachine>, Fault>>;
    /// What runs of an instance, and what is run at its times. `None`: it isn't held there.
    fn processes(&self, instance: InstanceId) -> BoxFuture<'_, Result<Option<InstanceProcesses>, Fault>>;
    /// Changes of state as they happen, for as long as the stream is held.
    fn changes(&self) -> BoxFuture<'_, Result<BoxStream<'static, InstanceOnMachine>, Fault>>;
    /// Tells which values stand in no log of an instance. `is_anew`: whatever it was told before, also by a later revision.
    fn tell_secrets(
        &self,
        instance: InstanceId,
        known: KnownSecrets,
        is_anew: bool,
    ) -> BoxFuture<'_, Result<(), Fault>>;
    /// `None` where it wasn't told the secrets of the query's revision yet, or has forgotten them.
    fn logs(
        &self,
        instance: InstanceId,
        query: LogQuery,
    ) -> BoxFuture<'_, Result<Option<FaultyStream<LogLine>>, Fault>>;
    /// The outline of a log, oldest first: what there is, and where `find` is in it. `None` as for its lines.
    fn log_outline(
        &self,
        instance: InstanceId,
        query: LogQuery,
        find: Option<String>,
    ) -> BoxFuture<'_, Result<Option<FaultyStream<LogStretch>>, Fault>>;
    /// Has the application asked, by its own commands or by those that are built in: 10 s at most.
    fn connect_as(
        &self,
        instance: InstanceId,
        wish: ConnectWish,
    ) -> BoxFuture<'_, Result<ConnectAnswer, Fault>>;
    /// Removes a backup from its repository. One that isn't there is no fault.
    fn forget_backup(
        &self,
        of: InstanceId,
        backup: BackupId,
        access: RepositoryAccess,
    ) -> BoxFuture<'_, Result<(), Fault>>;
    /// A backup with files of so many bytes as an archive, for as long as its bytes are held: one that comes short of them
    /// breaks off, and is told as damaged for a while. One that was kept isn't taken where the last word says *anew*. `range`
    /// is the header of that name.
    fn archive(
        &self,
        of: InstanceId,
        backup: BackupId,
        repository: (RepositoryAccess, u64, bool),
        range: Option<String>,
    ) -> BoxFuture<'_, Result<Archived, Fault>>;
}

/// What a sign-in provider was to be asked, and wasn't or couldn't be: for the log alone.
#[derive(Debug, Clone)]
pub struct ProviderProblem(pub String);

/// Where a browser is sent, and what is kept until it comes back.
pub struct SentToProvider {
    pub url: String,
    /// What has to come back with it.
    pub state: Secret,
    /// What the provider's answer is checked with.
    pub remembered: Secret,
}

/// Whom a provider vouches for.
#[derive(Debug, Clone)]
pub struct Vouched {
    pub issuer: String,
    pub subject: String,
    pub email: Option<String>,
    pub email_verified: bool,
}

/// A provider at which people sign in. `back` is where it sends the browser afterwards.
pub trait SignInProvider: Send + Sync + 'static {
    fn name(&self) -> &str;
    fn issuer(&self) -> &str;
    fn begin(&self, back: String) -> BoxFuture<'_, Result<SentToProvider, ProviderProblem>>;
    /// Checks what the browser brought back.
    fn finish(
        &self,
        back: String,
        code: Secret,
        remembered: Secret,
    ) -> BoxFuture<'_, Result<Vouched, ProviderProblem>>;
}

/// A secret that an application asks to be made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Generated {
    pub name: String,
    /// In letters.
    pub length: usize,
}

/// What applications expect, as they say themselves.
pub trait Expectations: Send + Sync + 'static {
    /// Which secrets a `stoa.toml` asks to be made. One that isn't right asks for none.
    fn generated(&self, stoa_toml: &str) -> Vec<Generated>;
}

/// Everything outside.
#[derive(Clone)]
pub struct Outside {
    pub clock: Arc<dyn Clock>,
    pub ids: Arc<dyn NewIds>,
    pub rng: Arc<dyn Rng>,
    pub vault: Arc<dyn Vault>,
    pub passwords: crate::passwords::Passwords,
    pub repositories: Arc<dyn Repositories>,
    pub remotes: Arc<dyn Remotes>,
    pub buckets: Arc<dyn Buckets>,
    pub fleet: Arc<dyn Fleet>,
    pub logos: Arc<dyn Logos>,
    pub models: Arc<dyn Models>,
    /// `None` where no mail server is configured: links are shown to copy.
    pub mail: Option<Arc<dyn Mail>>,
    /// `None` where people sign in with their password alone.
    pub provider: Option<Arc<dyn SignInProvider>>,
    pub folders: Arc<dyn DataFolders>,
    pub names: Arc<dyn Names>,
    /// `None` where no certificate authority is configured.
    pub certificates: Option<Arc<dyn Certificates>>,
    pub expectations: Arc<dyn Expectations>,
}

/// Bytes of a stream, or the fault that ended it.
pub type ByteStream = FaultyStream<Bytes>;
/// What comes until a fault ends it.
pub type FaultyStream<T> = BoxStream<'static, Result<T, Fault>>;
