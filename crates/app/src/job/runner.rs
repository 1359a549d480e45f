//! Carries jobs out: claims them, asks once more whether whoever began them may, has the machine do the work, and
//! writes down how it goes.
//!
//! A claim is held by a lease. Should this process end, the next that claims the job comes to the machine with the same
//! job and a higher fence: the machine finds the work again instead of doing it twice.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use stoa_domain::JobId;
use stoa_storage::Touched;
use stoa_storage::job::claim::Claim;
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::{App, Failure};

/// Jobs carried out at once by one process.
const AT_ONCE: usize = 8;

/// A hint may get lost, and a lease runs out without one: the records are asked this often all the same.
const TICK: Duration = Duration::from_secs(5);

/// What this process holds, with the fence of each claim.
type Held = Arc<Mutex<HashMap<JobId, i64>>>;

impl App {
    /// Carries out jobs until `stop`. What goes on then is given back: the machine continues it, and whoever claims
    /// it next follows it to its end.
    pub async fn run_jobs(&self, stop: CancellationToken) {
        let mut changes = self.store().changes();
        if self.store().is_sqlite() {
            // There is one process only, and it has just begun: whoever held a lease is gone.
            if let Err(failure) = self.store().end_all_leases().await {
                tracing::warn!(?failure, "the leases of the last run last until they run out");
            }
        }
        let held = Held::default();
        let mut running = JoinSet::new();
        while !stop.is_cancelled() {
            while running.len() < AT_ONCE {
                match self.store().claim_job().await {
                    Ok(Some(claim)) => {
                        let (app, held) = (self.clone(), held.clone());
                        running.spawn(async move { app.carry_out_held(claim, &held).await });
                    }
                    Ok(None) => break,
                    Err(failure) => {
                        tracing::warn!(?failure, "no job could be claimed");
                        break;
                    }
                }
            }
            tokio::select! {
                () = stop.cancelled() => {}
                Some(ended) = running.join_next() => {
                    if let Err(error) = ended {
                        tracing::error!(%error, "a job broke off; it is claimed again when its lease has run out");
                    }
                }
                () = heard_of_jobs(&mut changes) => {}
                () = tokio::time::sleep(TICK) => {}
            }
        }
        running.shutdown().await;
        let left: Vec<(JobId, i64)> = lock(&held).drain().collect();
        for (job, fence) in left {
            if let Err(failure) = self.store().give_back_job(job, fence, 0).await {
                tracing::warn!(?failure, %job, "a job waits until its lease has run out");
            }
        }
    }

    async fn carry_out_held(&self, claim: Claim, held: &Held) {
        let job = claim.job.id;
        lock(held).insert(job, claim.fence);
        self.carry_out(&claim).await;
        lock(held).remove(&job);
    }

    /// Carries out what waits, one after the other, until nothing can be claimed: jobs drained by hand. How many.
    ///
    /// # Errors
    /// A fault of the records.
    pub async fn drain_jobs(&self) -> Result<usize, Failure> {
        let mut count = 0;
        while let Some(claim) = self.store().claim_job().await? {
            self.carry_out(&claim).await;
            count += 1;
        }
        Ok(count)
    }
}

fn lock(held: &Held) -> std::sync::MutexGuard<'_, HashMap<JobId, i64>> {
    held.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Until some job was begun, changed or ended.
pub(crate) async fn heard_of_jobs(changes: &mut Receiver<Arc<Touched>>) {
    loop {
        match changes.recv().await {
            Ok(touched) if !touched.jobs => {}
            Ok(_) | Err(RecvError::Lagged(_)) => return,
            Err(RecvError::Closed) => std::future::pending().await,
        }
    }
}
