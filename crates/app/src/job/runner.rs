//! Carries jobs out: claims them, asks once more whether whoever began them may, has the machine do the work, and
//! writes down how it goes.
//!
//! A claim is held by a lease. Should this process end, the next that claims the job comes to the machine with the same
//! job and a higher fence: the machine finds the work again instead of doing it twice.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use stoa_domain::job::JobKind;
use stoa_storage::Touched;
use stoa_storage::job::claim::Waiting;
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;
use tokio::task::{Id, JoinSet};
use tokio_util::sync::CancellationToken;

use crate::{App, Failure};

/// Jobs carried out at once by one process that may take long.
const AT_ONCE: usize = 8;

/// Places beside those, for what is over soon: nobody waits for others' builds to have an application started anew.
const SOON: usize = 4;

/// Of one machine, of either sort: one that is slow, or says nothing, leaves places for the others.
const OF_MACHINE: usize = 4;

/// A hint may get lost, and a lease runs out without one: the records are asked this often all the same.
const TICK: Duration = Duration::from_secs(5);

/// What this process holds, by the task that carries it out, with the fence of each claim.
type Held = HashMap<Id, (Waiting, i64)>;

const fn is_over_soon(kind: JobKind) -> bool {
    matches!(kind, JobKind::Start | JobKind::Stop | JobKind::RestartSoft | JobKind::RestartHard)
}

/// Whether one more may be carried out. Never what is held already, though its lease may have run out: nothing is
/// begun twice side by side.
fn has_place(held: &Held, waiting: &Waiting) -> bool {
    let is_soon = is_over_soon(waiting.kind);
    let (mut of_sort, mut of_machine) = (0, 0);
    for (other, _) in held.values() {
        if other.job == waiting.job {
            return false;
        }
        if is_over_soon(other.kind) == is_soon {
            of_sort += 1;
            of_machine += usize::from(other.machine == waiting.machine);
        }
    }
    held.len() < AT_ONCE + SOON && of_machine < OF_MACHINE && (is_soon || of_sort < AT_ONCE)
}

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
        let mut held = Held::default();
        let mut running = JoinSet::new();
        while !stop.is_cancelled() {
            while held.len() < AT_ONCE + SOON {
                match self.store().claim_job_where(|waiting| has_place(&held, waiting)).await {
                    Ok(Some(claim)) => {
                        let (app, holds) = (self.clone(), (claim.waited, claim.fence));
                        let task = running.spawn(async move { app.carry_out(&claim).await });
                        held.insert(task.id(), holds);
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
                Some(ended) = running.join_next_with_id() => {
                    let task = match ended {
                        Ok((task, ())) => task,
                        Err(error) => {
                            tracing::error!(%error, "a job broke off; it is claimed again when its lease has run out");
                            error.id()
                        }
                    };
                    held.remove(&task);
                }
                () = heard_of_jobs(&mut changes) => {}
                () = tokio::time::sleep(TICK) => {}
            }
        }
        // What has ended by now is no longer held.
        while let Some(ended) = running.try_join_next_with_id() {
            held.remove(&ended.map_or_else(|error| error.id(), |(task, ())| task));
        }
        running.shutdown().await;
        for (Waiting { job, .. }, fence) in held.into_values() {
            if let Err(failure) = self.store().give_back_job(job, fence, 0).await {
                tracing::warn!(?failure, %job, "a job waits until its lease has run out");
            }
        }
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

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use stoa_domain::{JobId, MachineId};
    use uuid::Uuid;

    use super::*;

    fn waiting(job: u128, kind: JobKind, machine: u128) -> Waiting {
        let machine = Some(MachineId::new(Uuid::from_u128(machine)));
        Waiting { job: JobId::new(Uuid::from_u128(job)), kind, machine }
    }

    #[tokio::test]
    async fn nobody_takes_all_places() {
        let (mut held, mut tasks, mut number) = (Held::default(), JoinSet::new(), 0);
        // As many of them as may be.
        let mut fill = |held: &mut Held, kind, machine| {
            let mut count = 0;
            loop {
                number += 1;
                let one = waiting(number, kind, machine);
                if !has_place(held, &one) {
                    return count;
                }
                held.insert(tasks.spawn(async {}).id(), (one, 1));
                assert!(!has_place(held, &one), "once is enough");
                count += 1;
            }
        };
        assert_eq!(fill(&mut held, JobKind::Deploy, 1), 4);
        assert_eq!(fill(&mut held, JobKind::Backup, 1), 0, "others have their places");
        assert_eq!(fill(&mut held, JobKind::Restore, 2), 4);
        assert_eq!(fill(&mut held, JobKind::Deploy, 3), 0);
        // What is over soon doesn't wait for any of that.
        assert_eq!(fill(&mut held, JobKind::RestartHard, 1), 4);
        assert_eq!(fill(&mut held, JobKind::Stop, 3), 0);
    }
}
