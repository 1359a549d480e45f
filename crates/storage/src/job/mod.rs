//! Jobs: work that goes on after the answer. Here is how they are seen; how they are begun and carried out
//! stands beside.

pub mod carry;
pub mod claim;
pub mod start;
pub mod tell;

use stoa_domain::job::{JobKind, JobStatus};
use stoa_domain::permission::JobTarget;
use stoa_domain::permission::job::List;
use stoa_domain::{
    AccountId, Conflict, InstanceId, JobId, Permission, Permit, Refusal, ResourceKind, Timestamp, WorkspaceId,
};

use crate::event::EventType;
use crate::failure::{Failure, StorageFault};
use crate::page::word;
use crate::row::Row;
use crate::store::{Store, Work};
use crate::tx::Tx;
use crate::values;

crate::statements! {
    FIND = "SELECT id, kind, instance_id, account_id, permission, status, step, progress, created_at, ended_at,
            cancel_at, error_code, detail FROM jobs WHERE workspace_id = $1 AND id = $2";
    LIST_ALL = "SELECT id, kind, instance_id, account_id, permission, status, step, progress, created_at, ended_at,
            cancel_at, error_code, detail
        FROM jobs WHERE workspace_id = $1 AND id < $2 AND ($3 OR status = $4) AND ($5 OR instance_id = $6)
        ORDER BY id DESC LIMIT $7";
    LIST_MINE = "SELECT j.id, j.kind, j.instance_id, j.account_id, j.permission, j.status, j.step, j.progress,
            j.created_at, j.ended_at, j.cancel_at, j.error_code, j.detail
        FROM member_instances x JOIN jobs j ON j.instance_id = x.instance_id AND j.workspace_id = x.workspace_id
        WHERE x.workspace_id = $1 AND j.id < $2 AND ($3 OR j.status = $4) AND ($5 OR j.instance_id = $6)
            AND x.member_id = $8 AND (x.until_at IS NULL OR x.until_at > $9)
        ORDER BY j.id DESC LIMIT $7";
    /// Few at any time, so they are read for a whole list at once.
    OPEN = "SELECT id, kind, instance_id, account_id, permission, status, step, progress, created_at, ended_at,
            cancel_at, error_code, detail
        FROM jobs WHERE status IN ('queued', 'running') AND workspace_id = $1 AND ($2 OR instance_id = $3)
        ORDER BY id";
    CANCEL_QUEUED = "UPDATE jobs SET status = 'cancelled', ended_at = $3, cancel_at = $3
        WHERE workspace_id = $1 AND id = $2 AND status = 'queued'";
    CANCEL_RUNNING = "UPDATE jobs SET cancel_at = COALESCE(cancel_at, $3)
        WHERE workspace_id = $1 AND id = $2 AND status = 'running'";
    CANCEL_DEPLOYMENT = "UPDATE deployments SET status = 'cancelled', ended_at = $3
        WHERE workspace_id = $1 AND job_id = $2 AND status IN ('queued', 'running')";
    NEVER_DEPLOYED = "UPDATE instances SET status = 'failed', reason = $3
        WHERE workspace_id = $1 AND id = $2 AND status = 'deploying' AND release_id IS NULL
          AND NOT EXISTS (SELECT 1 FROM jobs j WHERE j.instance_id = instances.id AND j.status IN ('queued', 'running'))";
}

/// What an instance says of itself when the deployment it was made with was cancelled.
const CANCELLED_BEFORE: &str = "Its deployment was cancelled, so there is nothing to run yet.";

#[derive(Debug, Clone)]
pub struct JobRecord {
    pub id: JobId,
    pub kind: JobKind,
    pub instance: Option<InstanceId>,
    pub account: Option<AccountId>,
    /// What its start needed: an action's key, or `owner`.
    pub permission: String,
    pub status: JobStatus,
    pub step: String,
    pub progress: Option<i64>,
    pub created_at: Timestamp,
    pub ended_at: Option<Timestamp>,
    pub cancel_at: Option<Timestamp>,
    pub error_code: Option<String>,
    /// May quote a log.
    pub detail: Option<String>,
}

/// What a list of jobs is narrowed to.
#[derive(Debug, Clone, Default)]
pub struct JobFilter {
    pub status: Option<JobStatus>,
    pub instance: Option<InstanceId>,
    /// Only older ones than this.
    pub before: Option<JobId>,
    pub limit: i64,
}

pub(crate) fn read(row: &Row) -> Result<JobRecord, StorageFault> {
    Ok(JobRecord {
        id: row.get(0)?,
        kind: word(row, 1, JobKind::from_key)?,
        instance: row.get(2)?,
        account: row.get(3)?,
        permission: row.get(4)?,
        status: word(row, 5, JobStatus::from_key)?,
        step: row.get(6)?,
        progress: row.get(7)?,
        created_at: row.get(8)?,
        ended_at: row.get(9)?,
        cancel_at: row.get(10)?,
        error_code: row.get(11)?,
        detail: row.get(12)?,
    })
}

impl Store {
    /// # Errors
    /// `NotFound`, or a fault.
    pub async fn load_job(&self, workspace: WorkspaceId, job: JobId) -> Result<JobRecord, Failure> {
        let row = self.fetch_optional(FIND, values![workspace, job]).await?;
        Ok(read(&row.ok_or(Refusal::NotFound)?)?)
    }

    /// Newest first: those of the instances that the member sees; all of them for an owner.
    ///
    /// # Errors
    /// A fault.
    pub async fn list_jobs(
        &self,
        permit: &Permit<List>,
        filter: &JobFilter,
    ) -> Result<Vec<JobRecord>, StorageFault> {
        let before = filter.before.unwrap_or(JobId::new(uuid::Uuid::max()));
        let status = filter.status.map(|status| status.key().to_owned());
        let mut values = values![
            permit.workspace(),
            before,
            status.is_none(),
            status,
            filter.instance.is_none(),
            filter.instance,
            filter.limit,
        ];
        let statement = if permit.sees_everything() {
            LIST_ALL
        } else {
            values.extend(values![permit.member(), self.now()]);
            LIST_MINE
        };
        self.fetch_all(statement, values).await?.iter().map(read).collect()
    }

    /// Those that wait or run, of the whole workspace or of one instance.
    ///
    /// # Errors
    /// A fault.
    pub async fn list_open_jobs(
        &self,
        workspace: WorkspaceId,
        instance: Option<InstanceId>,
    ) -> Result<Vec<JobRecord>, StorageFault> {
        let rows = self.fetch_all(OPEN, values![workspace, instance.is_none(), instance]).await?;
        rows.iter().map(read).collect()
    }

    /// Cancels a job: at once where it waits, else as soon as whoever carries it out hears of it. A deletion that
    /// has begun goes on.
    ///
    /// # Errors
    /// [`Conflict::AlreadyOver`], [`Conflict::BeingDeleted`], [`Conflict::PastCancelling`], or a fault.
    pub async fn cancel_job<P>(&self, permit: Permit<P>) -> Result<(), Failure>
    where
        P: Permission<Target = JobTarget>,
    {
        let (workspace, job) = (permit.workspace(), permit.target().job);
        let work: Work<()> = Box::new(move |tx| {
            Box::pin(async move {
                let row = tx.fetch_optional(FIND, values![workspace, job]).await?.ok_or(Refusal::NotFound)?;
                let record = read(&row)?;
                if record.status.is_over() {
                    return Err(Refusal::Conflict(Conflict::AlreadyOver).into());
                }
                if record.kind == JobKind::Delete && record.status == JobStatus::Running {
                    return Err(Refusal::Conflict(Conflict::BeingDeleted).into());
                }
                if record.status == JobStatus::Running && !record.kind.can_be_cancelled_at(&record.step) {
                    return Err(Refusal::Conflict(Conflict::PastCancelling).into());
                }
                cancel_in(tx, workspace, &record).await?;
                if let Some(instance) = record.instance {
                    // Whoever reads the log asks what it was done to.
                    let name = start::state_in(tx, workspace, instance).await?.name;
                    tx.audit_resource(ResourceKind::Instance, instance.uuid(), name);
                    never_deployed(tx, workspace, instance).await?;
                }
                Ok(())
            })
        });
        self.write(permit, work).await
    }
}

/// The jobs of an instance that wait or run.
pub(crate) async fn open_in(
    tx: &mut Tx<'_>,
    workspace: WorkspaceId,
    instance: InstanceId,
) -> Result<Vec<JobRecord>, StorageFault> {
    let rows = tx.fetch_all(OPEN, values![workspace, false, Some(instance)]).await?;
    rows.iter().map(read).collect()
}

/// Cancels one that waits or runs.
pub(crate) async fn cancel_in(
    tx: &mut Tx<'_>,
    workspace: WorkspaceId,
    job: &JobRecord,
) -> Result<(), StorageFault> {
    let now = tx.now();
    if tx.execute(CANCEL_QUEUED, values![workspace, job.id, now]).await? == 1 {
        tx.execute(CANCEL_DEPLOYMENT, values![workspace, job.id, now]).await?;
        crate::backup::carry::never_made(tx, workspace, job.id).await?;
    } else {
        tx.execute(CANCEL_RUNNING, values![workspace, job.id, now]).await?;
    }
    tx.touched.jobs = true;
    tx.tell(workspace, EventType::Job, ResourceKind::Job, job.id.uuid()).await
}

/// An instance whose only deployment was cancelled deploys no more.
pub(crate) async fn never_deployed(
    tx: &mut Tx<'_>,
    workspace: WorkspaceId,
    instance: InstanceId,
) -> Result<(), StorageFault> {
    if tx.execute(NEVER_DEPLOYED, values![workspace, instance, CANCELLED_BEFORE]).await? == 1 {
        tx.tell(workspace, EventType::Status, ResourceKind::Instance, instance.uuid()).await?;
    }
    Ok(())
}
