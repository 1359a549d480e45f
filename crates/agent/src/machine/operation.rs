//! Work that was ordered: done once for each job, followed from anywhere, its outcome kept on disk.

use std::collections::HashMap;
use std::io;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures_util::Stream;
use serde::{Deserialize, Serialize};
use stoa_domain::branch::CommitId;
use stoa_domain::instance::RestartMode;
use stoa_domain::{DeploymentId, JobId, ReleaseId};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::folders;

/// How long an outcome is kept.
const KEPT: Duration = Duration::from_secs(7 * 24 * 3600);

/// What a command carries against being late or done twice.
#[derive(Debug, Clone, Copy)]
pub struct Order {
    pub job: JobId,
    pub fence: i64,
}

/// What is done to an instance.
#[derive(Debug, Clone)]
pub enum Command {
    Deploy { deployment: DeploymentId, release: ReleaseId, commit: CommitId },
    Release { deployment: DeploymentId, release: ReleaseId },
    Start,
    Stop,
    Restart(RestartMode),
    Delete,
}

/// How it goes on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Progress {
    Step { name: String, progress: Option<u8> },
    Succeeded { release: Option<uuid::Uuid>, size: u64 },
    Cancelled,
    Failed { code: String, sentence: String, quote: Option<String> },
}

impl Progress {
    fn is_outcome(&self) -> bool {
        !matches!(self, Self::Step { .. })
    }
}

/// Why an order isn't taken.
#[derive(Debug, thiserror::Error)]
pub enum Refused {
    #[error("fenced: a newer order was seen")]
    Fenced,
    #[error("unknown_instance")]
    UnknownInstance,
    #[error(transparent)]
    Io(#[from] io::Error),
}

/// One piece of work.
pub(super) struct Operation {
    told: Mutex<Vec<Progress>>,
    moved: watch::Sender<usize>,
    pub cancel: CancellationToken,
}

impl Operation {
    fn new() -> Self {
        Self { told: Mutex::default(), moved: watch::Sender::new(0), cancel: CancellationToken::new() }
    }

    /// One that nobody follows.
    pub fn unheard(cancel: CancellationToken) -> Self {
        Self { cancel, ..Self::new() }
    }

    pub fn step(&self, name: &str) {
        self.tell(Progress::Step { name: name.to_owned(), progress: None });
    }

    fn tell(&self, progress: Progress) {
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        told.push(progress);
        self.moved.send_replace(told.len());
    }

    fn at(&self, number: usize) -> Option<Progress> {
        self.told.lock().unwrap_or_else(PoisonError::into_inner).get(number).cloned()
    }

    /// All that was told and will be, up to the outcome.
    pub fn follow(self: Arc<Self>) -> impl Stream<Item = Progress> + Send + use<> {
        let moved = self.moved.subscribe();
        futures_util::stream::unfold(
            (self, moved, 0_usize, false),
            |(operation, mut moved, number, is_over)| async move {
                if is_over {
                    return None;
                }
                // Its sender lives in the operation, which is held here.
                moved.wait_for(|count| *count > number).await.ok()?;
                let progress = operation.at(number)?;
                let is_over = progress.is_outcome();
                Some((progress, (operation, moved, number + 1, is_over)))
            },
        )
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

    /// The operation of a job, and whether it has to be begun now.
    pub fn find_or_begin(&self, job: JobId) -> (Arc<Operation>, bool) {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(operation) = known.get(&job) {
            return (operation.clone(), false);
        }
        let operation = Arc::new(Operation::new());
        known.insert(job, operation.clone());
        // Of an earlier run: it is over, and only told again.
        let outcome =
            std::fs::read(self.file(job)).ok().and_then(|bytes| serde_json::from_slice(&bytes).ok());
        let is_new = outcome.is_none();
        if let Some(outcome) = outcome {
            operation.tell(outcome);
        }
        (operation, is_new)
    }

    pub fn find(&self, job: JobId) -> Option<Arc<Operation>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner).get(&job).cloned()
    }

    /// Writes down how it ended, then tells it.
    pub fn end(&self, job: JobId, operation: &Operation, outcome: Progress) {
        let kept = serde_json::to_vec(&outcome).map_err(io::Error::from);
        if let Err(error) = kept.and_then(|bytes| folders::write_whole(&self.file(job), &bytes)) {
            tracing::warn!(%error, %job, "how a job ended can't be written down; after a restart it is done again");
        }
        operation.tell(outcome);
    }

    /// Forgets what is old.
    pub fn sweep(&self) -> io::Result<()> {
        for entry in std::fs::read_dir(&self.folder)? {
            let entry = entry?;
            let age = entry.metadata()?.modified()?.elapsed().unwrap_or_default();
            if age > KEPT {
                folders::remove_file(&entry.path())?;
            }
        }
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.retain(|job, operation| {
            let is_over = operation
                .told
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .last()
                .is_some_and(Progress::is_outcome);
            !is_over || self.file(*job).exists()
        });
        Ok(())
    }
}
