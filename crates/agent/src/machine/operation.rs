//! Work that was ordered: done once for each job, followed from anywhere, what happened in it kept on disk.

use std::collections::HashMap;
use std::io;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures_util::Stream;
use serde::{Deserialize, Serialize};
use stoa_domain::branch::CommitId;
use stoa_domain::instance::RestartMode;
use stoa_domain::{DeploymentId, InstanceId, JobId, ReleaseId};
use tokio::sync::watch;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::backup::BackupWork;
use super::restore::RestoreWork;
use crate::files::FileError;
use crate::folders;
use crate::git::GitError;
use crate::protocol::{Event, OperationState, OperationView};

/// How long it is kept.
const KEPT: Duration = Duration::from_secs(7 * 24 * 3600);

/// What a command carries against being late or done twice.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Order {
    pub job: JobId,
    pub fence: i64,
    /// When it has to have begun.
    pub start_by: Instant,
}

impl Order {
    /// # Errors
    /// `Late`.
    pub fn in_time(&self) -> Result<(), Refused> {
        if Instant::now() < self.start_by { Ok(()) } else { Err(Refused::Late) }
    }
}

/// What is done to an instance.
#[derive(Clone)]
pub(crate) enum Command {
    Deploy { deployment: DeploymentId, release: ReleaseId, commit: CommitId },
    Release { deployment: DeploymentId, release: ReleaseId },
    Start,
    Stop,
    Restart(RestartMode),
    Backup(Arc<BackupWork>),
    Restore(Arc<RestoreWork>),
    Delete,
    DeleteAfterBackup(Arc<BackupWork>),
}

impl Command {
    /// By what a job is known to be the same.
    pub fn verb(&self) -> &'static str {
        match self {
            Self::Deploy { .. } => "deploy",
            Self::Release { .. } => "release",
            Self::Start => "start",
            Self::Stop => "stop",
            Self::Restart(RestartMode::Soft) => "restart_soft",
            Self::Restart(RestartMode::Hard) => "restart_hard",
            Self::Backup(_) => "backup",
            Self::Restore(_) => "restore",
            Self::Delete => "delete",
            Self::DeleteAfterBackup(_) => "delete_after_backup",
        }
    }

    /// Whether it makes an attempt to start what runs vain.
    pub fn ends_what_runs(&self) -> bool {
        matches!(self, Self::Stop | Self::Restart(_) | Self::Delete)
    }

    /// Whether it can't be done on data of which a part was brought back and another wasn't.
    pub fn needs_whole_data(&self) -> bool {
        !matches!(self, Self::Stop | Self::Delete)
    }

    pub fn needs_sandbox(&self) -> bool {
        !matches!(self, Self::Stop | Self::Delete)
    }
}

/// Why an order isn't taken.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Refused {
    #[error("An order with a higher fence was seen.")]
    Fenced,
    #[error("Secrets have changed since they were told.")]
    OldSecrets,
    #[error("The time in which it might start is over.")]
    Late,
    #[error("This machine doesn't hold the instance.")]
    UnknownInstance,
    #[error("As much work waits for this instance as can.")]
    Busy,
    #[error("{0}")]
    NoSandbox(String),
    #[error("The disk of the server is full.")]
    DiskFull,
    #[error("This job was for something else.")]
    OtherJob,
    #[error("{0}")]
    Backup(String),
    /// What is stored of a backup can't be read whole.
    #[error("{0}")]
    Damaged(String),
    #[error("Nobody holds the desk, or it has no working copy yet.")]
    NoDesk,
    #[error("The mirror doesn't have the commit.")]
    UnknownCommit,
    #[error("There is no such thing in the desk.")]
    Missing,
    #[error("More is told at once than can be.")]
    TooLarge,
    #[error("{0}")]
    Conflict(String),
    #[error(transparent)]
    File(#[from] FileError),
    #[error(transparent)]
    Git(#[from] GitError),
    #[error(transparent)]
    Io(#[from] io::Error),
}

/// One piece of work.
pub(crate) struct Operation {
    job: JobId,
    instance: InstanceId,
    verb: String,
    told: Mutex<Vec<Event>>,
    moved: watch::Sender<usize>,
    pub cancel: CancellationToken,
}

/// As it stands in a file, when it is over; or earlier, where what was done can't be done anew.
#[derive(Serialize, Deserialize)]
struct Kept {
    instance: uuid::Uuid,
    verb: String,
    events: Vec<Event>,
}

impl Kept {
    fn is_over(&self) -> bool {
        self.events.last().is_some_and(Event::is_outcome)
    }
}

impl Operation {
    fn new(job: JobId, instance: InstanceId, verb: &str, told: Vec<Event>) -> Self {
        Self {
            job,
            instance,
            verb: verb.to_owned(),
            moved: watch::Sender::new(told.len()),
            told: Mutex::new(told),
            cancel: CancellationToken::new(),
        }
    }

    /// What the agent does by itself: nobody follows it.
    pub fn unheard(instance: InstanceId, cancel: CancellationToken) -> Self {
        Self { cancel, ..Self::new(JobId::new(uuid::Uuid::nil()), instance, "", Vec::new()) }
    }

    pub fn step(&self, name: &str) {
        self.tell(Event::Step { name: name.to_owned(), progress: None });
    }

    /// How far a step is, in percent.
    pub fn progress(&self, name: &str, percent: u8) {
        self.tell(Event::Step { name: name.to_owned(), progress: Some(percent) });
    }

    pub fn tell(&self, event: Event) {
        let mut told = self.told();
        told.push(event);
        self.moved.send_replace(told.len());
    }

    fn told(&self) -> std::sync::MutexGuard<'_, Vec<Event>> {
        self.told.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The instance it is about.
    pub fn instance(&self) -> InstanceId {
        self.instance
    }

    /// # Errors
    /// `OtherJob`, where it is about something else.
    pub fn is_for(&self, instance: InstanceId, command: &Command) -> Result<(), Refused> {
        let is_same = self.instance == instance && self.verb == command.verb();
        if is_same { Ok(()) } else { Err(Refused::OtherJob) }
    }

    pub fn is_over(&self) -> bool {
        self.told().last().is_some_and(Event::is_outcome)
    }

    pub fn view(&self) -> OperationView {
        let told = self.told();
        let state = match told.last() {
            None => OperationState::Waiting,
            Some(Event::Step { .. } | Event::Stored { .. }) => OperationState::Running,
            Some(Event::Succeeded { .. }) => OperationState::Succeeded,
            Some(Event::Cancelled) => OperationState::Cancelled,
            Some(Event::Failed { .. }) => OperationState::Failed,
        };
        let step = told.iter().rev().find_map(|event| match event {
            Event::Step { name, progress } => Some((name.clone(), *progress)),
            _ => None,
        });
        let (step, progress) = step.map_or((None, None), |(name, progress)| (Some(name), progress));
        OperationView {
            id: self.job.uuid(),
            instance: self.instance.uuid(),
            state,
            step,
            progress,
            events: told.len(),
        }
    }

    /// What was told behind the first `after` events and will be, up to the end, with its numbers.
    pub fn follow(self: Arc<Self>, after: usize) -> impl Stream<Item = (usize, Event)> + Send + use<> {
        let moved = self.moved.subscribe();
        futures_util::stream::unfold((self, moved, after), |(operation, mut moved, number)| async move {
            loop {
                moved.mark_unchanged();
                let (next, is_over) = {
                    let told = operation.told();
                    (told.get(number).cloned(), told.last().is_some_and(Event::is_outcome))
                };
                if let Some(event) = next {
                    return Some(((number + 1, event), (operation, moved, number + 1)));
                }
                if is_over {
                    return None;
                }
                // Its sender lives in the operation, which is held here.
                moved.changed().await.ok()?;
            }
        })
    }
}

/// All operations of this machine.
pub(super) struct Operations {
    folder: PathBuf,
    known: Mutex<HashMap<JobId, Arc<Operation>>>,
}

impl Operations {
    pub fn new(folder: PathBuf) -> Self {
        Self { folder, known: Mutex::default() }
    }

    fn file(&self, job: JobId) -> PathBuf {
        self.folder.join(format!("{job}.json"))
    }

    fn known(&self) -> std::sync::MutexGuard<'_, HashMap<JobId, Arc<Operation>>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn load(&self, job: JobId) -> Option<Kept> {
        serde_json::from_slice(&std::fs::read(self.file(job)).ok()?).ok()
    }

    /// What an earlier run has kept of a job that isn't over.
    pub fn kept(&self, operation: &Operation) -> Option<Event> {
        self.load(operation.job).filter(|kept| !kept.is_over())?.events.pop()
    }

    /// Writes down what was done, so that the next run of the job doesn't do it anew.
    ///
    /// # Errors
    /// Where it can't be written.
    pub fn keep(&self, operation: &Operation, done: &Event) -> io::Result<()> {
        let (instance, verb) = (operation.instance.uuid(), operation.verb.clone());
        let kept = Kept { instance, verb, events: vec![done.clone()] };
        folders::write_whole(&self.file(operation.job), &serde_json::to_vec(&kept)?)
    }

    /// The operation of a job; one of an earlier run is over, and only told again.
    pub fn find(&self, job: JobId) -> Option<Arc<Operation>> {
        let mut known = self.known();
        if let Some(operation) = known.get(&job) {
            return Some(operation.clone());
        }
        let kept = self.load(job).filter(Kept::is_over)?;
        let operation = Operation::new(job, InstanceId::new(kept.instance), &kept.verb, kept.events);
        let operation = Arc::new(operation);
        known.insert(job, operation.clone());
        Some(operation)
    }

    /// The operation of a job, and whether it has to be begun now.
    pub fn find_or_begin(
        &self,
        job: JobId,
        instance: InstanceId,
        command: &Command,
    ) -> (Arc<Operation>, bool) {
        if let Some(operation) = self.find(job) {
            return (operation, false);
        }
        let mut known = self.known();
        if let Some(operation) = known.get(&job) {
            return (operation.clone(), false);
        }
        let operation = Arc::new(Operation::new(job, instance, command.verb(), Vec::new()));
        known.insert(job, operation.clone());
        (operation, true)
    }

    /// Writes down what happened, then tells how it ended.
    pub fn end(&self, operation: &Operation, outcome: Event) {
        let mut events = operation.told().clone();
        events.push(outcome.clone());
        let kept = Kept { instance: operation.instance.uuid(), verb: operation.verb.clone(), events };
        let written = serde_json::to_vec(&kept).map_err(io::Error::from);
        if let Err(error) = written.and_then(|bytes| folders::write_whole(&self.file(operation.job), &bytes))
        {
            tracing::warn!(%error, job = %operation.job, "how a job ended can't be written down; after a restart it is done again");
        }
        operation.tell(outcome);
    }

    /// Ends one that never began. It isn't remembered: the same job may come again.
    pub fn forget(&self, operation: &Operation, outcome: Event) {
        self.known().remove(&operation.job);
        operation.tell(outcome);
    }

    /// Forgets what is old. What isn't over is kept, however long its job has to wait.
    pub fn sweep(&self) -> io::Result<()> {
        for entry in std::fs::read_dir(&self.folder)? {
            let entry = entry?;
            let age = entry.metadata()?.modified()?.elapsed().unwrap_or_default();
            let is_over = || {
                let bytes = std::fs::read(entry.path()).unwrap_or_default();
                serde_json::from_slice::<Kept>(&bytes).map_or(true, |kept| kept.is_over())
            };
            if age > KEPT && is_over() {
                folders::remove_file(&entry.path())?;
            }
        }
        self.known().retain(|job, operation| !operation.is_over() || self.file(*job).exists());
        Ok(())
    }
}
