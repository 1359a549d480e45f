//! What carrying out a job writes of backups.

use stoa_domain::backup::{
    BackupCause, FAILED_KEPT_SECONDS, KEPT_AFTER_DELETION_SECONDS, SAFETY_KEPT_SECONDS,
};
use stoa_domain::{BackupId, InstanceId, JobId, SystemPermit, WorkspaceId};

use super::make::source_in;
use crate::failure::{Failure, StorageFault};
use crate::job::carry::End;
use crate::job::claim::Claim;
use crate::store::{Store, Work};
use crate::tx::Tx;
use crate::values;

crate::statements! {
    STORED = "UPDATE backups SET status = 'ready', snapshot = $5, size = $6, added = $7, verified_at = $8,
            warning = $11, expires_at = CASE WHEN cause = $10 THEN $9 ELSE expires_at END
        WHERE workspace_id = $1 AND id = $2 AND job_id = $3 AND status = 'making'
            AND EXISTS (SELECT 1 FROM jobs j WHERE j.id = $3 AND j.fence = $4 AND j.status = 'running')";
    FAILED = "UPDATE backups SET status = 'failed', reason = $3, expires_at = $4
        WHERE workspace_id = $1 AND job_id = $2 AND status = 'making'";
    /// What an earlier attempt of the job had made is made anew by the next: until that tells it, it isn't there.
    MADE_ANEW = "UPDATE backups SET status = 'making' WHERE workspace_id = $1 AND job_id = $2 AND status = 'ready'";
    MADE_BEFORE = "UPDATE backups SET status = 'ready' WHERE workspace_id = $1 AND job_id = $2 AND status = 'making'
        AND snapshot <> ''";
    LEFT_BEHIND = "UPDATE backups SET status = 'removing' WHERE workspace_id = $1 AND job_id = $2 AND status = 'making'
        AND snapshot <> ''";
    NEVER_MADE = "DELETE FROM backups WHERE workspace_id = $1 AND job_id = $2 AND status = 'making'";
    /// Where both are of one instance: whoever sees the one may see the other.
    BROUGHT_BACK = "UPDATE backups SET restored_id = $3,
            restored_made_at = (SELECT s.created_at FROM backups s WHERE s.workspace_id = $1 AND s.id = $3)
        WHERE workspace_id = $1 AND job_id = $2 AND cause = $4 AND EXISTS (SELECT 1 FROM backups s
            WHERE s.workspace_id = $1 AND s.id = $3 AND s.instance_id = backups.instance_id)";
    EXPIRE_ALL = "UPDATE backups SET expires_at = $3 WHERE workspace_id = $1 AND instance_id = $2
        AND status IN ('ready', 'failed') AND (expires_at IS NULL OR expires_at > $3 OR cause = 'before_restore')";
}

/// What was stored, as its machine tells it.
#[derive(Debug, Clone)]
pub struct StoredBackup {
    pub backup: BackupId,
    pub snapshot: String,
    pub size: i64,
    pub added: i64,
    /// What isn't as it should be about it, in one sentence.
    pub warning: Option<String>,
}

impl Store {
    /// Writes down that a backup is whole. `false` where that is known, or the claim has passed to another.
    ///
    /// # Errors
    /// A fault.
    pub async fn backup_stored(&self, claim: &Claim, stored: StoredBackup) -> Result<bool, Failure> {
        let (workspace, job, fence) = (claim.workspace, claim.job.id, claim.fence);
        let permit = SystemPermit::new(workspace, "backup.stored", None, None);
        let work: Work<bool> = Box::new(move |tx| {
            let StoredBackup { backup, snapshot, size, added, warning } = stored.clone();
            Box::pin(async move {
                tx.audit_nothing();
                let now = tx.now();
                let expires = now.plus_seconds(SAFETY_KEPT_SECONDS);
                let cause = BackupCause::BeforeRestore.key();
                let values = values![
                    workspace,
                    backup,
                    job,
                    fence,
                    snapshot,
                    size,
                    added,
                    now,
                    Some(expires),
                    cause,
                    warning
                ];
                Ok(tx.execute(STORED, values).await? == 1)
            })
        });
        self.write(permit, work).await
    }
}

/// A backup that its job didn't make isn't one.
pub(crate) async fn end_in(
    tx: &mut Tx<'_>,
    workspace: WorkspaceId,
    job: JobId,
    end: &End,
) -> Result<(), StorageFault> {
    match end {
        End::Failed { sentence, .. } => {
            let until = tx.now().plus_seconds(FAILED_KEPT_SECONDS);
            tx.execute(FAILED, values![workspace, job, sentence.as_str(), until]).await.map(drop)
        }
        End::Succeeded { .. } => {
            tx.execute(MADE_BEFORE, values![workspace, job]).await?;
            never_made(tx, workspace, job).await
        }
        End::Cancelled { .. } => {
            // The repository is asked to be rid of it, whether or not the machine came to that.
            tx.execute(LEFT_BEHIND, values![workspace, job]).await?;
            never_made(tx, workspace, job).await
        }
    }
}

/// A restore is done: what was made before it says of what.
pub(crate) async fn brought_back(tx: &mut Tx<'_>, claim: &Claim) -> Result<(), StorageFault> {
    let Some(source) = source_in(&claim.input) else { return Ok(()) };
    let values = values![claim.workspace, claim.job.id, source, BackupCause::BeforeRestore.key()];
    tx.execute(BROUGHT_BACK, values).await.map(drop)
}

/// Before another attempt of a job.
pub(crate) async fn begins_anew(
    tx: &mut Tx<'_>,
    workspace: WorkspaceId,
    job: JobId,
) -> Result<(), StorageFault> {
    tx.execute(MADE_ANEW, values![workspace, job]).await.map(drop)
}

pub(crate) async fn never_made(
    tx: &mut Tx<'_>,
    workspace: WorkspaceId,
    job: JobId,
) -> Result<(), StorageFault> {
    tx.execute(NEVER_MADE, values![workspace, job]).await.map(drop)
}

/// The backups of an instance that is deleted are kept for a while, whatever was to become of them.
pub(crate) async fn instance_deleted(
    tx: &mut Tx<'_>,
    workspace: WorkspaceId,
    instance: InstanceId,
) -> Result<(), StorageFault> {
    let until = tx.now().plus_seconds(KEPT_AFTER_DELETION_SECONDS);
    tx.execute(EXPIRE_ALL, values![workspace, instance, until]).await.map(drop)
}
