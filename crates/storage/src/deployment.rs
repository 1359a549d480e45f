//! Deployments: attempts to make an instance run one commit; and the releases that came of them.

use stoa_domain::branch::CommitId;
use stoa_domain::deployment::{DeploymentCause, DeploymentStatus};
use stoa_domain::job::JobKind;
use stoa_domain::permission::instance::{Deploy, ListDeployments};
use stoa_domain::{
    AccountId, Conflict, DeploymentId, InstanceId, JobId, Permit, ProjectId, Refusal, ReleaseId,
    ResourceKind, Timestamp, WorkspaceId,
};

use crate::event::EventType;
use crate::failure::{Failure, StorageFault};
use crate::head::{commit, head_in};
use crate::job::start::{Found, JobOrder, queue, state_in};
use crate::page::word;
use crate::row::Row;
use crate::store::{Store, Work};
use crate::tx::Tx;
use crate::values;

crate::statements! {
    NEXT_NUMBER = "SELECT CAST(COALESCE(MAX(number), 0) + 1 AS BIGINT) FROM deployments WHERE instance_id = $1";
    INSERT = "INSERT INTO deployments (id, workspace_id, instance_id, number, commit_id, branch, cause, account_id, status,
            step, job_id, created_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, 'queued', '', $9, $10)";
    SUPERSEDE_JOB = "UPDATE jobs SET status = 'cancelled', ended_at = $3
        WHERE workspace_id = $1 AND instance_id = $2 AND kind = 'deploy' AND status = 'queued' RETURNING id";
    SUPERSEDE = "UPDATE deployments SET status = 'superseded', ended_at = $3
        WHERE workspace_id = $1 AND job_id = $2 AND status = 'queued'";
    LIST = "SELECT d.id, d.number, d.commit_id, d.branch, d.cause, d.account_id, a.name, d.status, d.step, d.reason,
            d.reason_quote, d.job_id, d.created_at, d.started_at, d.ended_at, r.id, r.status, i.release_id,
            (SELECT MAX(x.number) FROM deployments x WHERE x.instance_id = $2 AND x.status = 'succeeded')
        FROM deployments d JOIN instances i ON i.id = d.instance_id
        LEFT JOIN accounts a ON a.id = d.account_id LEFT JOIN releases r ON r.deployment_id = d.id
        WHERE d.workspace_id = $1 AND d.instance_id = $2 AND d.number < $3 ORDER BY d.number DESC LIMIT $4";
    FIND = "SELECT d.id, d.number, d.commit_id, d.branch, d.cause, d.account_id, a.name, d.status, d.step, d.reason,
            d.reason_quote, d.job_id, d.created_at, d.started_at, d.ended_at, r.id, r.status, i.release_id,
            (SELECT MAX(x.number) FROM deployments x WHERE x.instance_id = $2 AND x.status = 'succeeded')
        FROM deployments d JOIN instances i ON i.id = d.instance_id
        LEFT JOIN accounts a ON a.id = d.account_id LEFT JOIN releases r ON r.deployment_id = d.id
        WHERE d.workspace_id = $1 AND d.instance_id = $2 AND d.id = $3";
    BRANCH_OF = "SELECT project_id, branch FROM instances WHERE workspace_id = $1 AND id = $2";
    RELEASE = "SELECT commit_id FROM releases WHERE workspace_id = $1 AND instance_id = $2 AND id = $3
            AND status = 'ready'";
}

/// A deployment that is to be.
#[derive(Debug, Clone)]
pub(crate) struct DeploymentOrder {
    pub workspace: WorkspaceId,
    pub instance: InstanceId,
    pub commit: CommitId,
    pub branch: String,
    pub cause: DeploymentCause,
    pub account: Option<AccountId>,
    /// What its start needed.
    pub permission: &'static str,
    /// The release to go back to; otherwise a new one is made.
    pub release: Option<ReleaseId>,
}

#[derive(Debug, Clone, Copy)]
pub struct QueuedDeployment {
    pub deployment: DeploymentId,
    pub job: JobId,
}

/// What an owner asks to be deployed.
#[derive(Debug, Clone)]
pub enum Wanted {
    /// The newest commit of the instance's branch.
    Newest,
    Commit(CommitId),
    /// An earlier release that was kept.
    Release(ReleaseId),
}

#[derive(Debug, Clone)]
pub struct DeploymentRecord {
    pub id: DeploymentId,
    pub number: i64,
    pub commit: String,
    pub branch: String,
    pub cause: DeploymentCause,
    pub account: Option<AccountId>,
    pub account_name: Option<String>,
    pub status: DeploymentStatus,
    pub step: String,
    pub reason: Option<String>,
    /// May repeat a log.
    pub reason_quote: Option<String>,
    pub job: JobId,
    pub created_at: Timestamp,
    pub started_at: Option<Timestamp>,
    pub ended_at: Option<Timestamp>,
    /// What came of it, while it is kept.
    pub release: Option<ReleaseId>,
    /// Whether it is the one that brought what the instance runs: after going back, the one that went back.
    pub is_current: bool,
    /// Whether what came of it is kept and isn't what runs.
    pub can_go_back: bool,
}

fn read(row: &Row) -> Result<DeploymentRecord, StorageFault> {
    let release: Option<ReleaseId> = row.get(15)?;
    let is_kept = row.get::<Option<String>>(16)?.as_deref() == Some("ready");
    let current: Option<ReleaseId> = row.get(17)?;
    let release = release.filter(|_| is_kept);
    let number: i64 = row.get(1)?;
    Ok(DeploymentRecord {
        id: row.get(0)?,
        number,
        commit: row.get(2)?,
        branch: row.get(3)?,
        cause: word(row, 4, DeploymentCause::from_key)?,
        account: row.get(5)?,
        account_name: row.get(6)?,
        status: word(row, 7, DeploymentStatus::from_key)?,
        step: row.get(8)?,
        reason: row.get(9)?,
        reason_quote: row.get(10)?,
        job: row.get(11)?,
        created_at: row.get(12)?,
        started_at: row.get(13)?,
        ended_at: row.get(14)?,
        // A release begins to run in the transaction in which its deployment succeeds.
        is_current: current.is_some() && row.get::<Option<i64>>(18)? == Some(number),
        can_go_back: release.is_some() && release != current,
        release,
    })
}

/// Queues a deployment. One that waits gives way to it.
pub(crate) async fn queue_deployment(
    tx: &mut Tx<'_>,
    order: DeploymentOrder,
) -> Result<QueuedDeployment, Failure> {
    let DeploymentOrder { workspace, instance, .. } = order;
    let Found { state, .. } = state_in(tx, workspace, instance).await?;
    state.can_deploy()?;
    let now = tx.now();
    for row in tx.fetch_all(SUPERSEDE_JOB, values![workspace, instance, now]).await? {
        let job: JobId = row.get(0)?;
        tx.execute(SUPERSEDE, values![workspace, job, now]).await?;
        tx.tell(workspace, EventType::Job, ResourceKind::Job, job.uuid()).await?;
    }
    // The release's id is given now, so that work which is taken over after a crash finds it again.
    let release = order.release.map_or_else(|| tx.new_id(), ReleaseId::uuid);
    let job = queue(
        tx,
        JobOrder {
            workspace,
            instance,
            kind: JobKind::Deploy,
            account: order.account,
            permission: order.permission.to_owned(),
            input: format!("{{\"release\":\"{}\"}}", release.hyphenated()),
        },
    )
    .await?;
    let DeploymentOrder { commit, branch, cause, account, .. } = order;
    let new = NewDeployment { workspace, instance, commit, branch, cause, account };
    let deployment = record_deployment(tx, new, job).await?;
    Ok(QueuedDeployment { deployment, job })
}

/// A deployment as it is written down.
pub(crate) struct NewDeployment {
    pub workspace: WorkspaceId,
    pub instance: InstanceId,
    pub commit: CommitId,
    pub branch: String,
    pub cause: DeploymentCause,
    pub account: Option<AccountId>,
}

/// The row of a deployment that a job carries out.
pub(crate) async fn record_deployment(
    tx: &mut Tx<'_>,
    new: NewDeployment,
    job: JobId,
) -> Result<DeploymentId, StorageFault> {
    let NewDeployment { workspace, instance, commit, branch, cause, account } = new;
    let (deployment, now) = (DeploymentId::new(tx.new_id()), tx.now());
    let number: i64 = tx.fetch_one(NEXT_NUMBER, values![instance]).await?.get(0)?;
    let (commit, cause) = (commit.as_str(), cause.key());
    let values = values![deployment, workspace, instance, number, commit, branch, cause, account, job, now];
    tx.execute(INSERT, values).await?;
    Ok(deployment)
}

impl Store {
    /// Deploys what an owner asks for.
    ///
    /// # Errors
    /// [`Conflict::NoSuchBranch`], `NotFound` for a release that isn't kept, what the state forbids, or a fault.
    pub async fn deploy(&self, permit: Permit<Deploy>, wanted: Wanted) -> Result<QueuedDeployment, Failure> {
        let (workspace, instance) = (permit.workspace(), *permit.target());
        let account = Some(permit.actor().account);
        let work: Work<QueuedDeployment> = Box::new(move |tx| {
            let wanted = wanted.clone();
            Box::pin(async move {
                let row = tx
                    .fetch_optional(BRANCH_OF, values![workspace, instance])
                    .await?
                    .ok_or(Refusal::NotFound)?;
                let (project, branch): (ProjectId, String) = (row.get(0)?, row.get(1)?);
                let (chosen, cause, release) = match wanted {
                    Wanted::Newest => {
                        let head = head_in(tx, workspace, project, &branch).await?;
                        (head.ok_or(Refusal::Conflict(Conflict::NoSuchBranch))?, DeploymentCause::Owner, None)
                    }
                    Wanted::Commit(chosen) => (chosen, DeploymentCause::Owner, None),
                    Wanted::Release(release) => {
                        let row = tx.fetch_optional(RELEASE, values![workspace, instance, release]).await?;
                        let text: String = row.ok_or(Refusal::NotFound)?.get(0)?;
                        tx.audit_action("instance.roll_back");
                        (commit(text)?, DeploymentCause::Rollback, Some(release))
                    }
                };
                let name = state_in(tx, workspace, instance).await?.name;
                tx.audit_name(name);
                tx.audit_detail(format!("{{\"commit\":\"{chosen}\"}}"));
                let permission = "owner";
                let order = DeploymentOrder {
                    workspace,
                    instance,
                    commit: chosen,
                    branch,
                    cause,
                    account,
                    permission,
                    release,
                };
                queue_deployment(tx, order).await
            })
        });
        self.write(permit, work).await
    }

    /// Newest first, those with a number below `before`.
    ///
    /// # Errors
    /// A fault.
    pub async fn list_deployments(
        &self,
        permit: &Permit<ListDeployments>,
        before: Option<i64>,
        limit: i64,
    ) -> Result<Vec<DeploymentRecord>, StorageFault> {
        let before = before.unwrap_or(i64::MAX);
        let rows = self.fetch_all(LIST, values![permit.workspace(), *permit.target(), before, limit]).await?;
        rows.iter().map(read).collect()
    }

    /// # Errors
    /// `NotFound`, or a fault.
    pub async fn load_deployment(
        &self,
        workspace: WorkspaceId,
        instance: InstanceId,
        deployment: DeploymentId,
    ) -> Result<DeploymentRecord, Failure> {
        let row = self.fetch_optional(FIND, values![workspace, instance, deployment]).await?;
        Ok(read(&row.ok_or(Refusal::NotFound)?)?)
    }
}
