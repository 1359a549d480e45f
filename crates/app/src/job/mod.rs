//! Jobs: seen, cancelled, and carried out by `runner`.

pub mod runner;
mod tell;
pub(crate) mod work;

use stoa_domain::permission::job as may;
use stoa_domain::{Action, Permit};

pub use stoa_storage::job::{JobFilter, JobRecord};

use crate::abilities::Caller;
use crate::{App, Failure};

/// A job as one member sees it.
#[derive(Debug, Clone)]
pub struct SeenJob {
    /// Without `detail` where it may quote a log that the caller may not read.
    pub job: JobRecord,
}

impl SeenJob {
    pub(crate) fn new(caller: &Caller, mut job: JobRecord) -> Self {
        let may_read = caller.has(Action::ViewLogs) || job.account == Some(caller.account);
        if !may_read {
            job.detail = None;
        }
        Self { job }
    }
}

impl App {
    /// Newest first: those of the instances that the caller sees; all of them for an owner.
    ///
    /// # Errors
    /// A fault.
    pub async fn list_jobs(
        &self,
        permit: Permit<may::List>,
        filter: &JobFilter,
    ) -> Result<Vec<SeenJob>, Failure> {
        let caller = Caller::of(&permit);
        let jobs = self.store().list_jobs(&permit, filter).await?;
        Ok(jobs.into_iter().map(|job| SeenJob::new(&caller, job)).collect())
    }

    /// # Errors
    /// `NotFound`, or a fault.
    pub async fn view_job(&self, permit: Permit<may::View>) -> Result<SeenJob, Failure> {
        let job = self.store().load_job(permit.workspace(), permit.target().job).await?;
        Ok(SeenJob::new(&Caller::of(&permit), job))
    }

    /// Cancels it: at once where it waits, else as soon as its machine has ended what it does.
    ///
    /// # Errors
    /// `Conflict` where it is over or a deletion that has begun, or a fault.
    pub async fn cancel_job(&self, permit: Permit<may::Cancel>) -> Result<SeenJob, Failure> {
        let (caller, job) = (Caller::of(&permit), permit.target().job);
        self.store().cancel_job(permit).await?;
        Ok(SeenJob::new(&caller, self.store().load_job(caller.workspace, job).await?))
    }
}
