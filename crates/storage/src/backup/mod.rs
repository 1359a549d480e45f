//! Backups of instances, and the repositories that they are in. Both outlive their instance. What opens a repository comes
//! in sealed; nothing here could open it.

pub mod carry;
pub mod keep;
pub mod make;
pub mod place;
pub mod schedule;

use stoa_domain::backup::{BackupCause, BackupStatus};
use stoa_domain::instance::Stage;
use stoa_domain::permission::BackupTarget;
use stoa_domain::permission::backup::{Delete, Download, ExportKey, List, ListDeleted};
use stoa_domain::{
    AccountId, BackupId, BackupPlaceId, BackupRepositoryId, Conflict, InstanceId, JobId, Permission, Permit,
    ProjectId, Refusal, Resource, ResourceKind, SystemPermit, Timestamp, WorkspaceId,
};

use crate::event::EventType;
use crate::failure::{Failure, StorageFault};
use crate::page::{stage, word};
use crate::row::Row;
use crate::store::{Store, Work};
use crate::values;

crate::statements! {
    LIST = "SELECT b.id, b.instance_id, b.instance_name, b.project_id, b.project_name, b.stage, b.branch, b.commit_id,
            b.size, b.added, b.status, b.reason, b.cause, b.note, b.account_id, a.name, b.job_id, b.created_at,
            b.verified_at, b.expires_at, b.repository_id, b.settings,
            EXISTS (SELECT 1 FROM instances i WHERE i.id = b.instance_id), b.is_of_production,
            EXISTS (SELECT 1 FROM projects p WHERE p.id = b.project_id),
            r.place = 's3' OR EXISTS (SELECT 1 FROM machines m WHERE m.id = r.machine_id AND m.removed_at IS NULL), b.warning,
            b.damaged_at, b.restored_id, b.restored_made_at
        FROM backups b JOIN backup_repositories r ON r.id = b.repository_id LEFT JOIN accounts a ON a.id = b.account_id
        WHERE b.workspace_id = $1 AND b.instance_id = $2 AND b.status <> 'removing' AND b.id < $3
        ORDER BY b.id DESC LIMIT $4";
    LIST_DELETED = "SELECT b.id, b.instance_id, b.instance_name, b.project_id, b.project_name, b.stage, b.branch,
            b.commit_id, b.size, b.added, b.status, b.reason, b.cause, b.note, b.account_id, a.name, b.job_id,
            b.created_at, b.verified_at, b.expires_at, b.repository_id, b.settings, FALSE, b.is_of_production,
            EXISTS (SELECT 1 FROM projects p WHERE p.id = b.project_id),
            r.place = 's3' OR EXISTS (SELECT 1 FROM machines m WHERE m.id = r.machine_id AND m.removed_at IS NULL), b.warning,
            b.damaged_at, b.restored_id, b.restored_made_at
        FROM backups b JOIN backup_repositories r ON r.id = b.repository_id LEFT JOIN accounts a ON a.id = b.account_id
        WHERE b.workspace_id = $1 AND b.status = 'ready' AND b.id < $2
            AND NOT EXISTS (SELECT 1 FROM instances i WHERE i.id = b.instance_id)
        ORDER BY b.id DESC LIMIT $3";
    FIND = "SELECT b.id, b.instance_id, b.instance_name, b.project_id, b.project_name, b.stage, b.branch, b.commit_id,
            b.size, b.added, b.status, b.reason, b.cause, b.note, b.account_id, a.name, b.job_id, b.created_at,
            b.verified_at, b.expires_at, b.repository_id, b.settings,
            EXISTS (SELECT 1 FROM instances i WHERE i.id = b.instance_id), b.is_of_production,
            EXISTS (SELECT 1 FROM projects p WHERE p.id = b.project_id),
            r.place = 's3' OR EXISTS (SELECT 1 FROM machines m WHERE m.id = r.machine_id AND m.removed_at IS NULL), b.warning,
            b.damaged_at, b.restored_id, b.restored_made_at
        FROM backups b JOIN backup_repositories r ON r.id = b.repository_id LEFT JOIN accounts a ON a.id = b.account_id
        WHERE b.workspace_id = $1 AND b.id = $2 AND b.status <> 'removing'";
    LOCATE = "SELECT id, instance_id FROM backups WHERE workspace_id = $1 AND id = $2 AND status <> 'removing'";
    REPOSITORY = "SELECT id, place_id, password FROM backup_repositories WHERE workspace_id = $1 AND instance_id = $2";
    REPOSITORY_BY_ID = "SELECT id, place_id, password FROM backup_repositories WHERE workspace_id = $1 AND id = $2";
    ADD_REPOSITORY = "INSERT INTO backup_repositories (id, workspace_id, instance_id, server_id, place, password, place_id,
            created_at, machine_id)
        VALUES ($1, $2, $3, (SELECT i.server_id FROM instances i WHERE i.workspace_id = $2 AND i.id = $3),
            CASE WHEN $5 THEN 's3' ELSE 'disk' END, $4, $6, $7,
            (SELECT s.machine_id FROM instances i JOIN servers s ON s.id = i.server_id
                WHERE i.workspace_id = $2 AND i.id = $3))
        ON CONFLICT (instance_id) DO NOTHING";
    /// Of one that no new backups go to any more, `instance_id` is its own id: nobody's.
    LEAVE_REPOSITORY = "UPDATE backup_repositories SET instance_id = id WHERE workspace_id = $1 AND id = $2
        AND instance_id = $3";
    REMOVE = "UPDATE backups SET status = 'removing' WHERE workspace_id = $1 AND id = $2
        AND status IN ('ready', 'failed') RETURNING instance_name";
    RESTORES = "SELECT input FROM jobs WHERE workspace_id = $1 AND kind = 'restore' AND status IN ('queued', 'running')";
    DAMAGED = "UPDATE backups SET damaged_at = $3 WHERE workspace_id = $1 AND id = $2 AND status = 'ready'
        AND damaged_at IS NULL RETURNING instance_name";
    WHOLE = "UPDATE backups SET damaged_at = NULL, verified_at = $3 WHERE workspace_id = $1 AND id = $2
        AND status = 'ready' AND damaged_at IS NOT NULL RETURNING instance_name";
    NAME = "SELECT instance_name FROM backups WHERE workspace_id = $1 AND id = $2 AND status = 'ready'";
}

/// A backup, as it is seen.
#[derive(Debug, Clone)]
pub struct BackupRecord {
    pub id: BackupId,
    pub instance: InstanceId,
    pub instance_name: String,
    pub project: ProjectId,
    pub project_name: String,
    pub stage: Stage,
    pub branch: String,
    pub commit: String,
    /// Bytes of what it holds, and what it added to its repository.
    pub size: i64,
    pub added: i64,
    pub status: BackupStatus,
    /// Why it failed, in one sentence.
    pub reason: Option<String>,
    pub cause: BackupCause,
    pub note: Option<String>,
    pub account: Option<AccountId>,
    pub account_name: Option<String>,
    pub job: Option<JobId>,
    pub created_at: Timestamp,
    pub verified_at: Option<Timestamp>,
    pub expires_at: Option<Timestamp>,
    pub repository: BackupRepositoryId,
    /// What the instance's settings were: JSON, the secret ones sealed.
    pub settings: String,
    /// Whether its instance is there.
    pub has_instance: bool,
    /// Whether its project is there.
    pub has_project: bool,
    /// Whether its data is production's, or came from there: what is made of it at another stage writes to nobody.
    pub is_of_production: bool,
    /// Whether it can be read: its server may be removed, with the disk that it is on.
    pub is_reachable: bool,
    /// What whoever has it should know of it, in one sentence.
    pub warning: Option<String>,
    /// Since when it is known that it can't be read whole.
    pub damaged_at: Option<Timestamp>,
    /// Of one made before a restore: which of the same instance was brought back then, and when that one was made.
    pub restored: Option<(BackupId, Timestamp)>,
}

/// A repository, sealed.
#[derive(Clone)]
pub struct RepositoryRecord {
    pub id: BackupRepositoryId,
    /// `None`: on the disk of the instance's server.
    pub place: Option<BackupPlaceId>,
    pub password: Vec<u8>,
}

fn repository(row: &Row) -> Result<RepositoryRecord, StorageFault> {
    Ok(RepositoryRecord { id: row.get(0)?, place: row.get(1)?, password: row.get(2)? })
}

fn read(row: &Row) -> Result<BackupRecord, StorageFault> {
    Ok(BackupRecord {
        id: row.get(0)?,
        instance: row.get(1)?,
        instance_name: row.get(2)?,
        project: row.get(3)?,
        project_name: row.get(4)?,
        stage: stage(row, 5)?,
        branch: row.get(6)?,
        commit: row.get(7)?,
        size: row.get(8)?,
        added: row.get(9)?,
        status: word(row, 10, BackupStatus::from_key)?,
        reason: row.get(11)?,
        cause: word(row, 12, BackupCause::from_key)?,
        note: row.get(13)?,
        account: row.get(14)?,
        account_name: row.get(15)?,
        job: row.get(16)?,
        created_at: row.get(17)?,
        verified_at: row.get(18)?,
        expires_at: row.get(19)?,
        repository: row.get(20)?,
        settings: row.get(21)?,
        has_instance: row.get(22)?,
        is_of_production: row.get(23)?,
        has_project: row.get(24)?,
        is_reachable: row.get(25)?,
        warning: row.get(26)?,
        damaged_at: row.get(27)?,
        restored: row.get::<Option<BackupId>>(28)?.zip(row.get(29)?),
    })
}

impl Store {
    /// Newest first, those before `before`.
    ///
    /// # Errors
    /// A fault.
    pub async fn list_backups(
        &self,
        permit: &Permit<List>,
        before: Option<BackupId>,
        limit: i64,
    ) -> Result<Vec<BackupRecord>, StorageFault> {
        let before = before.unwrap_or(BackupId::new(uuid::Uuid::max()));
        let rows = self.fetch_all(LIST, values![permit.workspace(), *permit.target(), before, limit]).await?;
        rows.iter().map(read).collect()
    }

    /// Those whose instance is deleted, the newest first.
    ///
    /// # Errors
    /// A fault.
    pub async fn list_backups_of_deleted(
        &self,
        permit: &Permit<ListDeleted>,
        before: Option<BackupId>,
        limit: i64,
    ) -> Result<Vec<BackupRecord>, StorageFault> {
        let before = before.unwrap_or(BackupId::new(uuid::Uuid::max()));
        let rows = self.fetch_all(LIST_DELETED, values![permit.workspace(), before, limit]).await?;
        rows.iter().map(read).collect()
    }

    /// # Errors
    /// `NotFound`, or a fault.
    pub async fn load_backup(
        &self,
        workspace: WorkspaceId,
        backup: BackupId,
    ) -> Result<BackupRecord, Failure> {
        let row = self.fetch_optional(FIND, values![workspace, backup]).await?;
        Ok(read(&row.ok_or(Refusal::NotFound)?)?)
    }

    /// # Errors
    /// A fault.
    pub async fn find_backup(
        &self,
        workspace: WorkspaceId,
        text: &str,
    ) -> Result<Option<BackupTarget>, StorageFault> {
        let Ok(id) = text.parse::<BackupId>() else { return Ok(None) };
        let row = self.fetch_optional(LOCATE, values![workspace, id]).await?;
        row.map(|row| Ok(BackupTarget { backup: row.get(0)?, instance: row.get(1)? })).transpose()
    }

    /// The one that an instance's new backups go to.
    ///
    /// # Errors
    /// A fault.
    pub async fn find_backup_repository(
        &self,
        workspace: WorkspaceId,
        instance: InstanceId,
    ) -> Result<Option<RepositoryRecord>, StorageFault> {
        let row = self.fetch_optional(REPOSITORY, values![workspace, instance]).await?;
        row.as_ref().map(repository).transpose()
    }

    /// The one that a backup is in.
    ///
    /// # Errors
    /// `NotFound`, or a fault.
    pub async fn load_backup_repository(
        &self,
        workspace: WorkspaceId,
        id: BackupRepositoryId,
    ) -> Result<RepositoryRecord, Failure> {
        let row = self.fetch_optional(REPOSITORY_BY_ID, values![workspace, id]).await?;
        Ok(repository(&row.ok_or(Refusal::NotFound)?)?)
    }

    /// Where an instance's backups go from now on: in place of the one that they went to until now, which keeps what it
    /// has.
    ///
    /// # Errors
    /// A fault.
    pub async fn add_backup_repository(
        &self,
        workspace: WorkspaceId,
        instance: InstanceId,
        new: RepositoryRecord,
        instead_of: Option<BackupRepositoryId>,
    ) -> Result<(), Failure> {
        let permit = SystemPermit::new(workspace, "backup.add_repository", None, None);
        let work: Work<()> = Box::new(move |tx| {
            let RepositoryRecord { id, place, password } = new.clone();
            Box::pin(async move {
                tx.audit_nothing();
                if let Some(before) = instead_of {
                    tx.execute(LEAVE_REPOSITORY, values![workspace, before, instance]).await?;
                    keep::forget_empty_repository(tx, workspace, before).await?;
                }
                let (now, is_elsewhere) = (tx.now(), place.is_some());
                let values = values![id, workspace, instance, password, is_elsewhere, place, now];
                tx.execute(ADD_REPOSITORY, values).await?;
                Ok(())
            })
        });
        self.write(permit, work).await
    }

    /// Takes a backup out of all lists. What it takes in its repository is removed soon after.
    ///
    /// # Errors
    /// [`Conflict::BackupNotReady`] while it is made, [`Conflict::BackupInUse`] while it is brought back, or a fault.
    pub async fn remove_backup(&self, permit: Permit<Delete>) -> Result<(), Failure> {
        let (workspace, target) = (permit.workspace(), *permit.target());
        let work: Work<()> = Box::new(move |tx| {
            Box::pin(async move {
                for restore in tx.fetch_all(RESTORES, values![workspace]).await? {
                    if make::source_in(&restore.get::<String>(0)?) == Some(target.backup) {
                        return Err(Refusal::Conflict(Conflict::BackupInUse).into());
                    }
                }
                let row = tx.fetch_optional(REMOVE, values![workspace, target.backup]).await?;
                let row = row.ok_or(Refusal::Conflict(Conflict::BackupNotReady))?;
                tx.audit_name(row.get::<String>(0)?);
                tx.audit_detail(format!("{{\"backup\":\"{}\"}}", target.backup));
                tx.touched.jobs = true;
                tx.tell(workspace, EventType::Changed, ResourceKind::Instance, target.instance.uuid())
                    .await?;
                Ok(())
            })
        });
        self.write(permit, work).await
    }

    /// Writes down that somebody is given what a backup holds.
    ///
    /// # Errors
    /// [`Conflict::BackupNotReady`], or a fault.
    pub async fn begin_download(&self, permit: Permit<Download>) -> Result<(), Failure> {
        self.note_access(permit).await
    }

    /// Writes down that somebody is given what opens a repository.
    ///
    /// # Errors
    /// [`Conflict::BackupNotReady`], or a fault.
    pub async fn begin_export_of_key(&self, permit: Permit<ExportKey>) -> Result<(), Failure> {
        self.note_access(permit).await
    }

    /// Writes down how a backup was found where somebody wanted all of it. What is known already is no event.
    ///
    /// # Errors
    /// A fault.
    pub async fn note_backup_read(
        &self,
        workspace: WorkspaceId,
        BackupTarget { backup, instance }: BackupTarget,
        is_whole: bool,
    ) -> Result<(), Failure> {
        let (operation, statement) =
            if is_whole { ("backup.found_whole", WHOLE) } else { ("backup.found_damaged", DAMAGED) };
        let resource = Resource { kind: ResourceKind::Instance, id: instance.uuid() };
        let permit = SystemPermit::new(workspace, operation, Some(resource), None);
        let work: Work<()> = Box::new(move |tx| {
            Box::pin(async move {
                let now = tx.now();
                let Some(row) = tx.fetch_optional(statement, values![workspace, backup, now]).await? else {
                    tx.audit_nothing();
                    return Ok(());
                };
                tx.audit_name(row.get::<String>(0)?);
                tx.audit_detail(format!("{{\"backup\":\"{backup}\"}}"));
                tx.tell(workspace, EventType::Changed, ResourceKind::Instance, instance.uuid()).await?;
                Ok(())
            })
        });
        self.write(permit, work).await
    }

    async fn note_access<P>(&self, permit: Permit<P>) -> Result<(), Failure>
    where
        P: Permission<Target = BackupTarget>,
    {
        let (workspace, target) = (permit.workspace(), *permit.target());
        let work: Work<()> = Box::new(move |tx| {
            Box::pin(async move {
                let row = tx.fetch_optional(NAME, values![workspace, target.backup]).await?;
                let row = row.ok_or(Refusal::Conflict(Conflict::BackupNotReady))?;
                tx.audit_name(row.get::<String>(0)?);
                tx.audit_detail(format!("{{\"backup\":\"{}\"}}", target.backup));
                Ok(())
            })
        });
        self.write(permit, work).await
    }
}
