//! What is due is begun; what is past its time goes, first from the lists and then from the repositories.

use std::time::Duration;

use tokio_util::sync::CancellationToken;

use crate::job::runner::heard_of_jobs;
use crate::{App, Failure};

/// It is looked this often, and whenever work has ended.
const TICK: Duration = Duration::from_secs(30);

impl App {
    /// Keeps backups until `stop`.
    pub async fn run_backups(&self, stop: CancellationToken) {
        let mut changes = self.store().changes();
        loop {
            tokio::select! {
                () = stop.cancelled() => return,
                outcome = self.keep_backups() => {
                    if let Err(failure) = outcome {
                        tracing::warn!(?failure, "backups couldn't be kept as they should be");
                    }
                }
            }
            tokio::select! {
                () = stop.cancelled() => return,
                () = heard_of_jobs(&mut changes) => {}
                () = tokio::time::sleep(TICK) => {}
            }
        }
    }

    /// Does it once.
    ///
    /// # Errors
    /// A fault.
    pub async fn keep_backups(&self) -> Result<(), Failure> {
        self.start_due_backups().await?;
        self.store().expire_backups().await?;
        for (workspace, instance, schedule) in self.store().list_backup_schedules().await? {
            self.thin_out(schedule, (workspace, instance)).await?;
        }
        for removing in self.store().list_removing_backups().await? {
            let access = self.open_repository(removing.workspace, removing.instance).await?;
            // One whose machine is away now is removed when that is back.
            match self.outside().machines.forget_backup(removing.instance, removing.backup, access).await {
                Ok(()) => self.store().backup_removed(removing).await?,
                Err(fault) => {
                    tracing::warn!(?fault, backup = %removing.backup, "a backup stays in its repository for now");
                }
            }
        }
        Ok(())
    }
}
