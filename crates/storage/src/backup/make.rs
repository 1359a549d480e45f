//! How a backup, and a restore, is begun.

use stoa_domain::backup::BackupCause;
use stoa_domain::branch::CommitId;
use stoa_domain::deployment::DeploymentCause;
use stoa_domain::job::JobKind;
use stoa_domain::permission::backup::{Create, Restore};
use stoa_domain::{
    AccountId, Action, BackupId, BackupRepositoryId, Conflict, InstanceId, JobId, Permit, ProjectId, Refusal,
    ReleaseId, WorkspaceId,
};

use crate::deployment::{NewDeployment, record_deployment};
use crate::failure::{Failure, StorageFault};
use crate::head::{commit, head_in};
use crate::job::start::{Found, JobOrder, queue, state_in};
use crate::store::{Store, Work};
use crate::tx::Tx;
use crate::values;

crate::statements! {
    INSERT = "INSERT INTO backups (id, workspace_id, repository_id, instance_id, instance_name, project_id, project_name,
            stage, branch, commit_id, snapshot, size, added, status, cause, note, settings, account_id, job_id,
            created_at, is_of_production)
        SELECT $1, i.workspace_id, $4, i.id, i.name, i.project_id, p.name, i.stage, i.branch,
            COALESCE((SELECT r.commit_id FROM releases r WHERE r.id = i.release_id), ''), '', 0, 0, 'making', $5, $6, $7,
            $8, $9, $10, i.stage = 'production' OR i.is_mail_off
        FROM instances i JOIN projects p ON p.id = i.project_id WHERE i.workspace_id = $2 AND i.id = $3";
    SOURCE = "SELECT b.project_id, b.commit_id, b.status, EXISTS (SELECT 1 FROM projects p WHERE p.id = b.project_id)
        FROM backups b WHERE b.workspace_id = $1 AND b.id = $2";
    INTO = "SELECT project_id, branch FROM instances WHERE workspace_id = $1 AND id = $2";
    /// What lies on a disk is there for the machine of that disk alone, whichever of its servers is gone.
    ON_DISK = "SELECT EXISTS (SELECT 1 FROM machines m WHERE m.id = r.machine_id AND m.removed_at IS NULL),
            EXISTS (SELECT 1 FROM instances i JOIN servers s ON s.id = i.server_id
                WHERE i.workspace_id = $1 AND i.id = $2 AND s.machine_id = r.machine_id)
        FROM backups b JOIN backup_repositories r ON r.id = b.repository_id
        WHERE b.workspace_id = $1 AND b.id = $3 AND r.place = 'disk'";
    /// What came of production's data, or of what was made of it, writes to nobody.
    TURN_MAIL_OFF = "UPDATE instances SET is_mail_off = TRUE WHERE workspace_id = $1 AND id = $2 AND stage <> 'production'
        AND EXISTS (SELECT 1 FROM backups b WHERE b.workspace_id = $1 AND b.id = $3 AND b.is_of_production)";
    KEPT_RELEASE = "SELECT id FROM releases WHERE workspace_id = $1 AND instance_id = $2 AND commit_id = $3
        AND status = 'ready' ORDER BY created_at DESC, id DESC LIMIT 1";
}

/// A backup that is to be.
#[derive(Debug, Clone)]
pub struct NewBackup {
    pub id: BackupId,
    pub repository: BackupRepositoryId,
    pub cause: BackupCause,
    pub note: Option<String>,
    /// A JSON object, its secrets sealed.
    pub settings: String,
}

/// The row of a backup that a job makes.
pub(crate) async fn insert_backup(
    tx: &mut Tx<'_>,
    (workspace, instance): (WorkspaceId, InstanceId),
    new: NewBackup,
    job: JobId,
    account: Option<AccountId>,
) -> Result<(), StorageFault> {
    let now = tx.now();
    let NewBackup { id, repository, cause, note, settings } = new;
    let values = values![id, workspace, instance, repository, cause.key(), note, settings, account, job, now];
    tx.execute(INSERT, values).await.map(drop)
}

/// Queues a backup of an instance that nothing is done to.
pub(crate) async fn queue_backup(
    tx: &mut Tx<'_>,
    (workspace, instance): (WorkspaceId, InstanceId),
    new: NewBackup,
    account: Option<AccountId>,
) -> Result<JobId, StorageFault> {
    let order = JobOrder {
        workspace,
        instance,
        kind: JobKind::Backup,
        account,
        permission: Action::ManageBackups.key().to_owned(),
        input: format!("{{\"backup\":\"{}\"}}", new.id),
    };
    let job = queue(tx, order).await?;
    insert_backup(tx, (workspace, instance), new, job, account).await?;
    Ok(job)
}

/// What a restore is begun with.
pub(crate) struct RestoreOrder {
    pub workspace: WorkspaceId,
    pub into: InstanceId,
    pub source: BackupId,
    pub safety: Option<NewBackup>,
    pub account: Option<AccountId>,
    pub permission: &'static str,
    pub cause: DeploymentCause,
}

const SOURCE_IN: &str = "\"backup\":\"";

/// Which backup a restore brings back that was begun with this.
pub(super) fn source_in(input: &str) -> Option<BackupId> {
    let (_, rest) = input.split_once(SOURCE_IN)?;
    rest.split('"').next()?.parse().ok()
}

pub(crate) async fn queue_restore(tx: &mut Tx<'_>, order: RestoreOrder) -> Result<JobId, Failure> {
    let RestoreOrder { workspace, into, source, safety, account, permission, cause } = order;
    let row = tx.fetch_optional(SOURCE, values![workspace, source]).await?.ok_or(Refusal::NotFound)?;
    let (project, at, status): (ProjectId, String, String) = (row.get(0)?, row.get(1)?, row.get(2)?);
    let is_project_there: bool = row.get(3)?;
    match status.as_str() {
        "ready" => {}
        "removing" => return Err(Refusal::NotFound.into()),
        _ => return Err(Refusal::Conflict(Conflict::BackupNotReady).into()),
    }
    let row = tx.fetch_optional(INTO, values![workspace, into]).await?.ok_or(Refusal::NotFound)?;
    let (own, branch): (ProjectId, String) = (row.get(0)?, row.get(1)?);
    if own != project && is_project_there {
        return Err(Refusal::Conflict(Conflict::BackupOfOtherProject).into());
    }
    if let Some(row) = tx.fetch_optional(ON_DISK, values![workspace, into, source]).await? {
        let (is_reachable, is_here): (bool, bool) = (row.get(0)?, row.get(1)?);
        if !is_reachable {
            return Err(Refusal::Conflict(Conflict::BackupUnreachable).into());
        }
        if !is_here {
            return Err(Refusal::Conflict(Conflict::BackupOnOtherServer).into());
        }
    }
    // Of a project that is gone the code is gone, too: the data go to what the instance's own branch has.
    let at: CommitId = if own == project {
        commit(at)?
    } else {
        head_in(tx, workspace, own, &branch).await?.ok_or(Refusal::Conflict(Conflict::NoSuchBranch))?
    };
    let kept = tx.fetch_optional(KEPT_RELEASE, values![workspace, into, at.as_str()]).await?;
    let kept: Option<ReleaseId> = kept.map(|row| row.get(0)).transpose()?;
    // The release's id is given now, so that work which is taken over after a crash finds it again.
    let release = kept.map_or_else(|| tx.new_id(), ReleaseId::uuid);
    let safety_id = safety.as_ref().map_or("null".to_owned(), |safety| format!("\"{}\"", safety.id));
    let input = format!(
        "{{{SOURCE_IN}{source}\",\"safety\":{safety_id},\"release\":\"{}\",\"is_kept\":{}}}",
        release.hyphenated(),
        kept.is_some()
    );
    let job = queue(
        tx,
        JobOrder {
            workspace,
            instance: into,
            kind: JobKind::Restore,
            account,
            permission: permission.to_owned(),
            input,
        },
    )
    .await?;
    if let Some(safety) = safety {
        insert_backup(tx, (workspace, into), safety, job, account).await?;
    }
    // Before its data is there: whatever becomes of the restore, nothing that has it can write. The backup of what was
    // there until now is of that.
    tx.execute(TURN_MAIL_OFF, values![workspace, into, source]).await?;
    let deployment = NewDeployment { workspace, instance: into, commit: at, branch, cause, account };
    record_deployment(tx, deployment, job).await?;
    Ok(job)
}

impl Store {
    /// Begins a backup.
    ///
    /// # Errors
    /// What the instance's state forbids, or a fault.
    pub async fn start_backup(&self, permit: Permit<Create>, new: NewBackup) -> Result<JobId, Failure> {
        let (workspace, instance) = (permit.workspace(), *permit.target());
        let account = Some(permit.actor().account);
        let work: Work<JobId> = Box::new(move |tx| {
            let new = new.clone();
            Box::pin(async move {
                let Found { state, name, .. } = state_in(tx, workspace, instance).await?;
                tx.audit_name(name);
                state.can_back_up()?;
                Ok(queue_backup(tx, (workspace, instance), new, account).await?)
            })
        });
        self.write(permit, work).await
    }

    /// Begins to bring a backup back. `safety` is what is made first of what is replaced, where anything is.
    ///
    /// # Errors
    /// What the instance's state forbids, [`Conflict::BackupNotReady`], [`Conflict::BackupOfOtherProject`], or a fault.
    pub async fn start_restore(&self, permit: Permit<Restore>, safety: NewBackup) -> Result<JobId, Failure> {
        let (workspace, target) = (permit.workspace(), *permit.target());
        let account = Some(permit.actor().account);
        let work: Work<JobId> = Box::new(move |tx| {
            let safety = safety.clone();
            Box::pin(async move {
                let Found { state, name, .. } = state_in(tx, workspace, target.into).await?;
                tx.audit_name(name);
                tx.audit_detail(format!("{{\"backup\":\"{}\"}}", target.backup.backup));
                state.can_restore()?;
                let order = RestoreOrder {
                    workspace,
                    into: target.into,
                    source: target.backup.backup,
                    safety: state.has_release.then_some(safety),
                    account,
                    permission: Action::ManageBackups.key(),
                    cause: DeploymentCause::Restore,
                };
                queue_restore(tx, order).await
            })
        });
        self.write(permit, work).await
    }
}
