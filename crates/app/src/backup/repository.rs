//! What opens the repository of an instance's backups: made here, kept sealed, told to the machine with each request.

use stoa_domain::permission::backup as may;
use stoa_domain::{BackupRepositoryId, Conflict, InstanceId, Permit, Refusal, Secret, WorkspaceId};
use stoa_storage::backup::RepositoryRecord;

use super::storage::{name_in_bucket, refused};
use crate::ports::{Reached, RepositoryAccess, RepositoryPlace, SealedPlace};
use crate::{App, Failure, Fault};

/// The version of the workspace's key by which new values are sealed.
pub(super) const KEY_VERSION: i64 = 1;

/// What opens a repository without Stoa.
pub struct ExportedKey {
    pub password: Secret,
    /// Where it is, in restic's words: a folder of the server's disk, below the agent's own, or an address.
    pub repository: String,
    /// Whether it is an address: then restic wants the key to the storage, too.
    pub is_elsewhere: bool,
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
    /// The repository that an instance's new backups go to: made at its first backup, and anew where they are to go
    /// somewhere else by now.
    pub(crate) async fn repository_of(
        &self,
        workspace: WorkspaceId,
        instance: InstanceId,
    ) -> Result<RepositoryRecord, Failure> {
        let wanted = self.store().find_backup_place(workspace).await?.map(|place| place.id);
        let found = self.store().find_backup_repository(workspace, instance).await?;
        let before = match found {
            Some(found) if found.place == wanted => return Ok(found),
            other => other.map(|found| found.id),
        };
        let id = BackupRepositoryId::new(self.new_uuid());
        let key = self.store().load_wrapped_key(workspace, KEY_VERSION).await?;
        let password = self.new_secret("").text;
        let sealed = self.outside().vault.seal(&key, &place(workspace, id, "password"), &password)?;
        let record = RepositoryRecord { id, place: wanted, password: sealed };
        self.store().add_backup_repository(workspace, instance, record, before).await?;
        // Another may have been quicker.
        let found = self.store().find_backup_repository(workspace, instance).await?;
        found.ok_or_else(|| Fault::new("a repository that was just made isn't there").into())
    }

    /// What opens it: for the machine, and whoever is given the key. Where it is elsewhere, with the addresses that may
    /// be dialled right now.
    pub(crate) async fn open_repository(
        &self,
        workspace: WorkspaceId,
        repository: BackupRepositoryId,
    ) -> Result<RepositoryAccess, Failure> {
        let record = self.store().load_backup_repository(workspace, repository).await?;
        let key = self.store().load_wrapped_key(workspace, KEY_VERSION).await?;
        let vault = &self.outside().vault;
        let password = vault.open(&key, &place(workspace, record.id, "password"), &record.password)?;
        let Some(at) = record.place else {
            return Ok(RepositoryAccess { password, place: RepositoryPlace::Disk });
        };
        let bucket = self.open_bucket(workspace, at).await?;
        let addresses = self.outside().buckets.addresses(bucket.endpoint.clone()).await.map_err(refused)?;
        let place = RepositoryPlace::S3 {
            url: format!("{}/{}/{}", bucket.endpoint, bucket.name, name_in_bucket(repository)),
            addresses,
            key_id: bucket.key_id,
            key: bucket.key,
            region: bucket.region,
        };
        Ok(RepositoryAccess { password, place })
    }

    /// The machine that has a repository on its disk, or asks a bucket for it. Where its server was removed, what is in a
    /// bucket is asked for by this process's own; what is on its disk, by nobody.
    pub(crate) async fn machine_of_repository(
        &self,
        workspace: WorkspaceId,
        repository: BackupRepositoryId,
    ) -> Result<Reached, Failure> {
        let place = self.store().find_place_of_repository(workspace, repository).await?;
        Ok(self.reach(place.ok_or(Refusal::Conflict(Conflict::BackupUnreachable))?).await?)
    }

    /// The same for what is to be written, which is said at once where it can't be: restic would make a bucket that isn't
    /// there, and everything that was in it would seem never to have been.
    pub(crate) async fn open_repository_to_write(
        &self,
        workspace: WorkspaceId,
        repository: BackupRepositoryId,
    ) -> Result<RepositoryAccess, Failure> {
        let record = self.store().load_backup_repository(workspace, repository).await?;
        if let Some(at) = record.place {
            let bucket = self.open_bucket(workspace, at).await?;
            self.outside().buckets.look(bucket).await.map_err(refused)?;
        }
        self.open_repository(workspace, repository).await
    }

    /// The key, for an owner. It is in the audit log that it was given.
    ///
    /// # Errors
    /// `NotFound`, `Conflict` where the backup isn't whole, or a fault.
    pub async fn export_backup_key(&self, permit: Permit<may::ExportKey>) -> Result<ExportedKey, Failure> {
        let target = *permit.target();
        let workspace = permit.workspace();
        let backup = self.store().load_backup(workspace, target.backup).await?;
        let record = self.store().load_backup_repository(workspace, backup.repository).await?;
        let key = self.store().load_wrapped_key(workspace, KEY_VERSION).await?;
        let sealed_in = place(workspace, record.id, "password");
        let password = self.outside().vault.open(&key, &sealed_in, &record.password)?;
        let (repository, is_elsewhere) = match record.place {
            None => (format!("backups/{}", target.instance), false),
            Some(at) => {
                let at = self.store().load_backup_place(workspace, at).await?;
                (format!("s3:{}/{}/{}", at.endpoint, at.bucket, name_in_bucket(record.id)), true)
            }
        };
        self.store().begin_export_of_key(permit).await?;
        Ok(ExportedKey { password, repository, is_elsewhere, tag: format!("backup={}", target.backup) })
    }
}
