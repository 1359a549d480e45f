//! What opens the repository of an instance's backups: made here, kept sealed, told to the machine with each request.

use stoa_domain::permission::backup as may;
use stoa_domain::{BackupRepositoryId, InstanceId, Permit, Refusal, Secret, WorkspaceId};
use stoa_storage::backup::RepositoryRecord;

use crate::ports::{RepositoryAccess, RepositoryPlace, SealedPlace};
use crate::{App, Failure, Fault};

/// The version of the workspace's key by which new values are sealed.
const KEY_VERSION: i64 = 1;

/// What opens a repository without Stoa.
pub struct ExportedKey {
    pub password: Secret,
    /// Where it is, in restic's words: a folder of the server's disk, below the agent's own, or an address.
    pub repository: String,
    /// By which a backup is found in it.
    pub tag: String,
}

fn place(workspace: WorkspaceId, repository: BackupRepositoryId, column: &'static str) -> SealedPlace {
    SealedPlace {
        workspace,
        table: "backup_repositories",
        column,
        row: repository.to_string(),
        version: KEY_VERSION,
    }
}

impl App {
    /// The repository of an instance, made at its first backup.
    pub(crate) async fn repository_of(
        &self,
        workspace: WorkspaceId,
        instance: InstanceId,
    ) -> Result<RepositoryRecord, Failure> {
        if let Some(found) = self.store().find_backup_repository(workspace, instance).await? {
            return Ok(found);
        }
        let id = BackupRepositoryId::new(self.new_uuid());
        let key = self.store().load_wrapped_key(workspace, KEY_VERSION).await?;
        let password = self.new_secret("").text;
        let sealed = self.outside().vault.seal(&key, &place(workspace, id, "password"), &password)?;
        let record = RepositoryRecord { id, place: "disk".to_owned(), password: sealed, target: None };
        self.store().add_backup_repository(workspace, instance, record).await?;
        // Another may have been quicker.
        let found = self.store().find_backup_repository(workspace, instance).await?;
        found.ok_or_else(|| Fault::new("a repository that was just made isn't there").into())
    }

    /// What opens it: for the machine, and whoever is given the key.
    pub(crate) async fn open_repository(
        &self,
        workspace: WorkspaceId,
        instance: InstanceId,
    ) -> Result<RepositoryAccess, Failure> {
        let record =
            self.store().find_backup_repository(workspace, instance).await?.ok_or(Refusal::NotFound)?;
        let key = self.store().load_wrapped_key(workspace, KEY_VERSION).await?;
        let vault = &self.outside().vault;
        let password = vault.open(&key, &place(workspace, record.id, "password"), &record.password)?;
        Ok(RepositoryAccess { password, place: RepositoryPlace::Disk })
    }

    /// The key, for an owner. It is in the audit log that it was given.
    ///
    /// # Errors
    /// `NotFound`, `Conflict` where the backup isn't whole, or a fault.
    pub async fn export_backup_key(&self, permit: Permit<may::ExportKey>) -> Result<ExportedKey, Failure> {
        let target = *permit.target();
        let access = self.open_repository(permit.workspace(), target.instance).await?;
        self.store().begin_export_of_key(permit).await?;
        Ok(ExportedKey {
            password: access.password,
            repository: format!("backups/{}", target.instance),
            tag: format!("backup={}", target.backup),
        })
    }
}
