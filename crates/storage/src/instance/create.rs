//! Making an instance: its row, its host, its variables, and the deployment that it begins with.

use stoa_domain::backup::BackupSchedule;
use stoa_domain::branch::BranchName;
use stoa_domain::deployment::DeploymentCause;
use stoa_domain::instance::{FIRST_OS_USER, Stage, Visibility};
use stoa_domain::name::sorted_as;
use stoa_domain::permission::instance::Create;
use stoa_domain::settings::{HealthCheck, Limits};
use stoa_domain::slug::Slug;
use stoa_domain::{
    AccountId, BackupId, Conflict, InstanceId, JobId, Permit, ProjectId, Refusal, ResourceKind, ServerId,
    WorkspaceId,
};

use crate::backup::make::{RestoreOrder, queue_restore};
use crate::backup::schedule;
use crate::deployment::{DeploymentOrder, queue_deployment};
use crate::event::EventType;
use crate::failure::Failure;
use crate::head::head_in;
use crate::host;
use crate::instance::environment::{Variable, insert_variable};
use crate::server::{free_slug, lock_installation};
use crate::store::{Store, Work};
use crate::tx::Tx;
use crate::values;

crate::statements! {
    PROJECT = "SELECT id FROM projects WHERE workspace_id = $1 AND id = $2";
    SERVER = "SELECT machine_id FROM servers WHERE workspace_id = $1 AND id = $2";
    WORKSPACE_SLUG = "SELECT slug FROM workspace_slugs WHERE workspace_id = $1 AND is_current";
    SLUG = "SELECT id FROM instances WHERE workspace_id = $1 AND slug = $2";
    NEXT_OS_USER = "SELECT MAX(os_user) FROM instances";
    INSERT = "INSERT INTO instances (id, workspace_id, project_id, server_id, slug, name, stage, branch, wish, status,
            visibility, is_protected, os_user, revision, created_at, is_mail_off, sorted_as,
            awaits_backup, made_of, memory_limit, processor_limit, processes_limit, disk_limit, health)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, 'running', 'deploying', $9, $10, $11, 1, $12, $13, $14, $15, $16, $17,
            $18, $19, $20, $21)";
}

/// What of its settings isn't said when it is made: a backup says it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FirstSettings {
    pub limits: Limits,
    /// `None`: as the application says.
    pub health: Option<HealthCheck>,
    pub schedule: Option<BackupSchedule>,
}

#[derive(Clone)]
pub struct NewInstance {
    pub id: InstanceId,
    pub name: String,
    pub project: ProjectId,
    pub server: ServerId,
    pub stage: Stage,
    pub branch: BranchName,
    pub visibility: Visibility,
    pub variables: Vec<Variable>,
    /// The domain below which its host is given.
    pub domain: String,
    /// The backup that it is made of.
    pub from: Option<BackupId>,
    /// Whether it is told to send no mail.
    pub is_mail_off: bool,
    pub first: FirstSettings,
}

/// An instance and the work that it begins with, within a write that does more.
pub(crate) async fn insert_in(
    tx: &mut Tx<'_>,
    workspace: WorkspaceId,
    account: Option<AccountId>,
    new: NewInstance,
) -> Result<JobId, Failure> {
    tx.fetch_optional(PROJECT, values![workspace, new.project]).await?.ok_or(Refusal::NotFound)?;
    tx.fetch_optional(SERVER, values![workspace, new.server]).await?.ok_or(Refusal::NotFound)?;
    let head = head_in(tx, workspace, new.project, new.branch.as_str()).await?;
    // What a backup holds may be of a branch that is gone.
    let commit = match (head, new.from) {
        (None, None) => return Err(Refusal::Conflict(Conflict::NoSuchBranch).into()),
        (head, _) => head,
    };
    lock_installation(tx).await?;
    let slug = free_slug(tx, SLUG, workspace, &new.name).await?;
    let row = tx.fetch_one(WORKSPACE_SLUG, values![workspace]).await?;
    let of_workspace: String = row.get(0)?;
    let of_workspace =
        Slug::of_workspace(&of_workspace).map_err(|_| crate::StorageFault::Unknown(of_workspace.clone()))?;
    let highest: Option<i64> = tx.fetch_one(NEXT_OS_USER, vec![]).await?.get(0)?;
    let os_user = highest.map_or(FIRST_OS_USER, |highest| highest + 1);
    let now = tx.now();
    let Limits { memory, processor, processes, disk } = new.first.limits;
    let values = values![
        new.id,
        workspace,
        new.project,
        new.server,
        slug.as_str(),
        new.name.as_str(),
        new.stage.key(),
        new.branch.as_str(),
        new.visibility.key(),
        new.stage == Stage::Production,
        os_user,
        now,
        new.is_mail_off,
        sorted_as(&new.name),
        new.from.is_some(),
        new.from,
        memory,
        processor,
        processes,
        disk,
        new.first.health.as_ref().map(HealthCheck::to_text),
    ];
    tx.execute(INSERT, values).await?;
    host::give(tx, workspace, new.id, (&slug, &of_workspace), &new.domain).await?;
    for variable in &new.variables {
        insert_variable(tx, workspace, new.id, variable).await?;
    }
    schedule::put_in(tx, workspace, new.id, new.first.schedule).await?;
    tx.audit_resource(ResourceKind::Instance, new.id.uuid(), new.name);
    tx.tell(workspace, EventType::Created, ResourceKind::Instance, new.id.uuid()).await?;
    if let Some(source) = new.from {
        let order = RestoreOrder {
            workspace,
            into: new.id,
            source,
            safety: None,
            account,
            permission: "owner",
            cause: DeploymentCause::Create,
        };
        return queue_restore(tx, order).await;
    }
    let order = DeploymentOrder {
        workspace,
        instance: new.id,
        commit: commit.ok_or(Refusal::Conflict(Conflict::NoSuchBranch))?,
        branch: new.branch.as_str().to_owned(),
        cause: DeploymentCause::Create,
        account,
        permission: "owner",
        release: None,
    };
    Ok(queue_deployment(tx, order).await?.job)
}

impl Store {
    /// Makes an instance, which begins with a deployment of its branch, or with what a backup holds.
    ///
    /// # Errors
    /// `NotFound` for a project or server that isn't the workspace's, [`Conflict::NoSuchBranch`], or a fault.
    pub async fn create_instance(&self, permit: Permit<Create>, new: NewInstance) -> Result<JobId, Failure> {
        let workspace = permit.workspace();
        let account = Some(permit.actor().account);
        let work: Work<JobId> = Box::new(move |tx| {
            let new = new.clone();
            Box::pin(async move { insert_in(tx, workspace, account, new).await })
        });
        self.write(permit, work).await
    }
}
