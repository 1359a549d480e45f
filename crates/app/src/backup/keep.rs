//! What is due is begun; what is past its time goes, first from the lists and then from the repositories.

use std::collections::HashSet;
use std::time::Duration;

use stoa_domain::Refusal;
use stoa_storage::backup::keep::RemovingBackup;
use tokio_util::sync::CancellationToken;

use super::storage::name_in_bucket;
use crate::job::runner::heard_of_jobs;
use crate::{App, Failure};

/// It is looked this often, and whenever work has ended.
const TICK: Duration = Duration::from_secs(30);

/// How long one removal is waited for. The machine goes on with it: what is removed by then is found so at the next look.
const PATIENCE: Duration = Duration::from_secs(60);

impl App {
    /// Keeps backups until `stop`. What removes old ones may have to wait for whoever reads them: nothing that is due
    /// waits for that.
    pub async fn run_backups(&self, stop: CancellationToken) {
        tokio::join!(
            self.again_and_again(&stop, || self.begin_and_expire_backups()),
            self.again_and_again(&stop, || self.remove_backups())
        );
    }

    async fn again_and_again<F>(&self, stop: &CancellationToken, work: impl Fn() -> F)
    where
        F: Future<Output = Result<(), Failure>>,
    {
        let mut changes = self.store().changes();
        loop {
            tokio::select! {
                () = stop.cancelled() => return,
                outcome = work() => {
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
        self.begin_and_expire_backups().await?;
        self.remove_backups().await
    }

    async fn begin_and_expire_backups(&self) -> Result<(), Failure> {
        self.start_due_backups().await?;
        self.store().expire_backups().await?;
        for (workspace, instance, schedule) in self.store().list_backup_schedules().await? {
            self.thin_out(schedule, (workspace, instance)).await?;
        }
        Ok(())
    }

    /// A machine that has just said nothing isn't asked again this time: the others have their turns.
    async fn remove_backups(&self) -> Result<(), Failure> {
        let mut silent = HashSet::new();
        for removing in self.store().list_removing_backups().await? {
            let (instance, backup) = (removing.instance, removing.backup);
            let found = self.store().find_place_of_repository(removing.workspace, removing.repository).await;
            if let Ok(Some(place)) = &found
                && silent.contains(place)
            {
                continue;
            }
            let place = found.as_ref().ok().copied().flatten();
            let removal = async {
                // Nobody can remove it from there; what Stoa knows of it is all that is left to forget.
                let Some(place) = found? else { return Ok(()) };
                let machine = self.reach(place).await?.machine;
                let access = self.open_repository(removing.workspace, removing.repository).await?;
                Ok::<_, Failure>(machine.forget_backup(instance, backup, access).await?)
            };
            // One whose machine is away now is removed when that is back; another's trouble isn't the next one's.
            match tokio::time::timeout(PATIENCE, removal).await {
                Ok(Ok(())) => self.forget_removed(removing).await?,
                Ok(Err(failure)) => {
                    if matches!(failure, Failure::Refused(Refusal::ServerAway)) {
                        silent.extend(place);
                    }
                    tracing::warn!(?failure, %backup, "a backup stays in its repository for now");
                }
                Err(_) => {
                    silent.extend(place);
                    tracing::info!(%backup, "the removal of a backup takes long, and goes on by itself")
                }
            }
        }
        Ok(())
    }

    /// With the last backup in it a repository in a bucket goes, too: its settings and keys are all that is left there.
    async fn forget_removed(&self, removed: RemovingBackup) -> Result<(), Failure> {
        let (workspace, id) = (removed.workspace, removed.repository);
        let record = self.store().load_backup_repository(workspace, id).await?;
        let bucket = match record.place {
            Some(place) => Some(self.open_bucket(workspace, place).await?),
            None => None,
        };
        let is_gone = self.store().backup_removed(removed).await?;
        if let (true, Some(bucket)) = (is_gone, bucket) {
            let beginning = format!("{}/", name_in_bucket(id));
            let cleared = tokio::time::timeout(PATIENCE, self.outside().buckets.clear(bucket, beginning));
            match cleared.await {
                Ok(Ok(())) => {}
                Ok(Err(detail)) => {
                    tracing::warn!(detail, %id, "a repository without backups stays in its bucket")
                }
                Err(_) => tracing::warn!(%id, "a repository without backups stays in its bucket"),
            }
        }
        Ok(())
    }
}
