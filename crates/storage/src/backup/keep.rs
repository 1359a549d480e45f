//! Which backups go, and what is left to be removed of them.

use stoa_domain::{
    BackupId, BackupRepositoryId, InstanceId, ResourceKind, SystemPermit, Timestamp, WorkspaceId,
};

use crate::event::EventType;
use crate::failure::{Failure, StorageFault};
use crate::store::{Store, Work};
use crate::tx::Tx;
use crate::values;

crate::statements! {
    EXPIRE = "UPDATE backups SET status = 'removing' WHERE expires_at <= $1 AND status IN ('ready', 'failed')
        RETURNING workspace_id, instance_id";
    SCHEDULED = "SELECT id, created_at FROM backups WHERE workspace_id = $1 AND instance_id = $2 AND status = 'ready'
        AND cause = 'schedule' ORDER BY created_at DESC, id DESC";
    THIN_OUT = "UPDATE backups SET status = 'removing' WHERE workspace_id = $1 AND id = $2 AND status = 'ready'
        AND cause = 'schedule'";
    /// What no process can be at any more: a job that is carried out holds its instance's repository.
    REMOVING = "SELECT b.id, b.workspace_id, b.instance_id, b.repository_id FROM backups b WHERE b.status = 'removing'
            AND NOT EXISTS (SELECT 1 FROM jobs j WHERE j.instance_id = b.instance_id AND j.status = 'running')
        ORDER BY b.id LIMIT 1000";
    REMOVED = "DELETE FROM backups WHERE workspace_id = $1 AND id = $2 AND status = 'removing'";
    /// One that new backups go to stays.
    EMPTY_REPOSITORY = "DELETE FROM backup_repositories WHERE workspace_id = $1 AND id = $2
        AND NOT EXISTS (SELECT 1 FROM backups b WHERE b.repository_id = backup_repositories.id)
        AND NOT EXISTS (SELECT 1 FROM instances i WHERE i.id = backup_repositories.instance_id)";
}

/// A backup of which a repository still has to be rid.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RemovingBackup {
    pub backup: BackupId,
    pub workspace: WorkspaceId,
    pub instance: InstanceId,
    pub repository: BackupRepositoryId,
}

/// Forgets a repository with nothing in it that nothing goes to any more, and the keys to where it was. Whether it did.
pub(super) async fn forget_empty_repository(
    tx: &mut Tx<'_>,
    workspace: WorkspaceId,
    repository: BackupRepositoryId,
) -> Result<bool, StorageFault> {
    let is_gone = tx.execute(EMPTY_REPOSITORY, values![workspace, repository]).await? == 1;
    super::place::forget_unused(tx, workspace).await?;
    Ok(is_gone)
}

fn housekeeping(workspace: WorkspaceId, operation: &'static str) -> SystemPermit {
    SystemPermit::new(workspace, operation, None, None)
}

impl Store {
    /// Takes those out of the lists whose time is over.
    ///
    /// # Errors
    /// A fault.
    pub async fn expire_backups(&self) -> Result<(), Failure> {
        let work: Work<()> = Box::new(move |tx| {
            Box::pin(async move {
                tx.audit_nothing();
                let now = tx.now();
                for row in tx.fetch_all(EXPIRE, values![now]).await? {
                    let (workspace, instance): (WorkspaceId, InstanceId) = (row.get(0)?, row.get(1)?);
                    tx.tell(workspace, EventType::Changed, ResourceKind::Instance, instance.uuid()).await?;
                }
                Ok(())
            })
        });
        self.write(housekeeping(WorkspaceId::INSTALLATION, "backup.expire"), work).await
    }

    /// Those of an instance that were made by its schedule, the newest first.
    ///
    /// # Errors
    /// A fault.
    pub async fn list_scheduled_backups(
        &self,
        workspace: WorkspaceId,
        instance: InstanceId,
    ) -> Result<Vec<(BackupId, Timestamp)>, StorageFault> {
        let rows = self.fetch_all(SCHEDULED, values![workspace, instance]).await?;
        rows.iter().map(|row| Ok((row.get(0)?, row.get(1)?))).collect()
    }

    /// Takes those out of the lists that the schedule doesn't keep.
    ///
    /// # Errors
    /// A fault.
    pub async fn thin_out_backups(
        &self,
        workspace: WorkspaceId,
        instance: InstanceId,
        gone: Vec<BackupId>,
    ) -> Result<(), Failure> {
        let work: Work<()> = Box::new(move |tx| {
            let gone = gone.clone();
            Box::pin(async move {
                tx.audit_nothing();
                for backup in gone {
                    tx.execute(THIN_OUT, values![workspace, backup]).await?;
                }
                tx.tell(workspace, EventType::Changed, ResourceKind::Instance, instance.uuid()).await?;
                Ok(())
            })
        });
        self.write(housekeeping(workspace, "backup.thin_out"), work).await
    }

    /// Those that are in no list any more, and not yet out of their repositories.
    ///
    /// # Errors
    /// A fault.
    pub async fn list_removing_backups(&self) -> Result<Vec<RemovingBackup>, StorageFault> {
        let rows = self.fetch_all(REMOVING, vec![]).await?;
        rows.iter()
            .map(|row| {
                Ok(RemovingBackup {
                    backup: row.get(0)?,
                    workspace: row.get(1)?,
                    instance: row.get(2)?,
                    repository: row.get(3)?,
                })
            })
            .collect()
    }

    /// Forgets one that is out of its repository, and with the last one a repository that nothing goes to any more: of a
    /// deleted instance, or of one whose backups go elsewhere by now. Whether that is forgotten.
    ///
    /// # Errors
    /// A fault.
    pub async fn backup_removed(&self, removed: RemovingBackup) -> Result<bool, Failure> {
        let RemovingBackup { backup, workspace, repository, .. } = removed;
        let work: Work<bool> = Box::new(move |tx| {
            Box::pin(async move {
                tx.audit_nothing();
                tx.execute(REMOVED, values![workspace, backup]).await?;
                Ok(forget_empty_repository(tx, workspace, repository).await?)
            })
        });
        self.write(housekeeping(workspace, "backup.removed"), work).await
    }
}
