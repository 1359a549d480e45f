//! What carrying out a job writes: every effect carries the fence, so that a holder whose claim has passed to
//! another writes nothing any more.

use stoa_domain::instance::{InstanceStatus, Wish};
use stoa_domain::job::JobKind;
use stoa_domain::{
    Conflict, DeploymentId, InstanceId, JobId, MachineId, Refusal, ReleaseId, Resource, ResourceKind,
    SystemPermit, WorkspaceId,
};

use crate::audit::{NewAuditEvent, Outcome};
use crate::event::EventType;
use crate::failure::{Failure, StorageFault};
use crate::job::claim::Claim;
use crate::job::never_deployed;
use crate::page;
use crate::store::{Store, Work};
use crate::tx::Tx;
use crate::values;

crate::statements! {
    HOLD = "UPDATE jobs SET step = $3, progress = $4 WHERE id = $1 AND fence = $2 AND status = 'running'";
    DEPLOYMENT = "SELECT id, commit_id, cause FROM deployments WHERE workspace_id = $1 AND job_id = $2";
    BEGIN_DEPLOYMENT = "UPDATE deployments SET status = 'running', started_at = COALESCE(started_at, $3)
        WHERE workspace_id = $1 AND job_id = $2 AND status IN ('queued', 'running')";
    STEP_DEPLOYMENT = "UPDATE deployments SET step = $3 WHERE workspace_id = $1 AND job_id = $2 AND status = 'running'";
    BEGIN_INSTANCE = "UPDATE instances SET status = COALESCE($3, status), wish = COALESCE($4, wish)
        WHERE workspace_id = $1 AND id = $2";
    AWAITS_BACKUP = "SELECT id FROM instances WHERE workspace_id = $1 AND id = $2 AND awaits_backup";
    HAS_ITS_DATA = "UPDATE instances SET awaits_backup = FALSE WHERE workspace_id = $1 AND id = $2 AND awaits_backup";
    INSTANCE = "SELECT release_id, wish, name, status, reason FROM instances WHERE workspace_id = $1 AND id = $2";
    END_JOB = "UPDATE jobs SET status = $3, ended_at = $4, error_code = $5, detail = $6, lease_until = NULL,
            progress = CASE WHEN $3 = 'succeeded' THEN 100 ELSE progress END
        WHERE id = $1 AND fence = $2 AND status = 'running'";
    END_DEPLOYMENT = "UPDATE deployments SET status = $3, ended_at = $4, reason = $5, reason_quote = $6
        WHERE workspace_id = $1 AND job_id = $2 AND status IN ('queued', 'running')";
    INSERT_RELEASE = "INSERT INTO releases (id, workspace_id, instance_id, deployment_id, commit_id, size, status, created_at)
        VALUES ($1, $2, $3, $4, $5, $6, 'ready', $7) ON CONFLICT (id) DO NOTHING";
    RUN_RELEASE = "UPDATE instances SET release_id = $3 WHERE workspace_id = $1 AND id = $2";
    /// The machine keeps five earlier ones beside the one that runs.
    OLD_RELEASES = "UPDATE releases SET status = 'removed' WHERE workspace_id = $1 AND instance_id = $2
        AND status = 'ready' AND id <> $3 AND id NOT IN (SELECT r.id FROM releases r
            WHERE r.workspace_id = $1 AND r.instance_id = $2 AND r.status = 'ready' AND r.id <> $3
            ORDER BY r.created_at DESC, r.id DESC LIMIT 5)";
    CONNECTS_BY = "UPDATE releases SET connect_as = $3 WHERE workspace_id = $1 AND id = $2";
    SET_STATUS = "UPDATE instances SET status = $3, reason = $4 WHERE workspace_id = $1 AND id = $2";
    MEMBERS_LISTING = "SELECT m.id, m.account_id FROM member_instances x JOIN members m ON m.id = x.member_id
        WHERE x.workspace_id = $1 AND x.instance_id = $2";
    RUNNING = "SELECT i.id FROM instances i JOIN servers s ON s.id = i.server_id JOIN machines m ON m.id = s.machine_id
        WHERE i.status = 'running' AND i.release_id IS NOT NULL AND i.id > $1
            AND (m.id = $3 OR ($3 IS NULL AND m.kind = 'local' AND (m.replica_id = $2 OR $2 IS NULL)))
        ORDER BY i.id LIMIT 1000";
    DELETE_INSTANCE = "DELETE FROM instances WHERE workspace_id = $1 AND id = $2";
    /// A job owns its instance's status while it is carried out. A machine elsewhere tells of its own instances alone.
    OBSERVE = "UPDATE instances SET status = $2, reason = $3 WHERE id = $1 AND status IN ('running', 'stopped', 'failed')
            AND (status <> $2 OR COALESCE(reason, '') <> COALESCE($3, ''))
            AND release_id IS NOT NULL
            AND (EXISTS (SELECT 1 FROM servers s WHERE s.id = instances.server_id AND s.machine_id = $4) OR $4 IS NULL)
            AND NOT EXISTS (SELECT 1 FROM jobs j WHERE j.instance_id = instances.id AND j.status = 'running')
        RETURNING workspace_id";
}

/// What a job needs to know when it is carried out.
#[derive(Debug, Clone)]
pub struct Begun {
    pub instance: InstanceId,
    /// Of a deployment: itself, its commit, and whether it goes back to a kept release.
    pub deployment: Option<(DeploymentId, String, bool)>,
}

/// How an instance was found to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Observed {
    pub status: InstanceStatus,
    pub reason: Option<String>,
}

/// How a job ended.
#[derive(Debug, Clone)]
pub enum End {
    Succeeded {
        release: Option<(ReleaseId, i64)>,
        /// How one connects as a user of the release, or `none`, where the machine told it.
        connect_as: Option<String>,
    },
    Failed {
        code: String,
        sentence: String,
        quote: Option<String>,
        /// What the machine says of the instance afterwards, where it could be asked.
        observed: Option<Observed>,
    },
    Cancelled {
        sentence: Option<String>,
        observed: Option<Observed>,
    },
}

impl End {
    const fn key(&self) -> &'static str {
        match self {
            Self::Succeeded { .. } => "succeeded",
            Self::Failed { .. } => "failed",
            Self::Cancelled { .. } => "cancelled",
        }
    }
}

/// Whether the claim is held still; from here on until the transaction's end it is.
pub(crate) async fn hold_in(tx: &mut Tx<'_>, claim: &Claim) -> Result<bool, StorageFault> {
    let (step, none) = (claim.job.step.clone(), None::<i64>);
    Ok(tx.execute(HOLD, values![claim.job.id, claim.fence, step, none]).await? == 1)
}

pub(crate) fn permit(claim: &Claim, operation: &'static str) -> SystemPermit {
    let resource = claim.job.instance.map(|id| Resource { kind: ResourceKind::Instance, id: id.uuid() });
    SystemPermit::new(claim.workspace, operation, resource, None)
}

impl Store {
    /// Writes down that a job begins: what it is about to make of its instance is seen from here on. `None` where the
    /// claim has passed to another, or the instance is gone.
    ///
    /// # Errors
    /// [`Conflict::AwaitsBackup`] for a deployment that waited for a restore which brought nothing, or a fault.
    pub async fn begin_job(&self, claim: &Claim) -> Result<Option<Begun>, Failure> {
        let (job, fence, kind, workspace) = (claim.job.id, claim.fence, claim.job.kind, claim.workspace);
        let Some(instance) = claim.job.instance else { return Ok(None) };
        let (step, is_again) = (claim.job.step.clone(), claim.attempts > 1);
        let has_input = claim.input != "{}";
        let work: Work<Option<Begun>> = Box::new(move |tx| {
            let step = step.clone();
            Box::pin(async move {
                tx.audit_nothing();
                if tx.execute(HOLD, values![job, fence, step, None::<i64>]).await? == 0 {
                    return Ok(None);
                }
                let deploys_alone = kind == JobKind::Deploy;
                if deploys_alone
                    && tx.fetch_optional(AWAITS_BACKUP, values![workspace, instance]).await?.is_some()
                {
                    return Err(Refusal::Conflict(Conflict::AwaitsBackup).into());
                }
                // Of a deletion the machine tells it again as it is: what is left by then makes no other.
                if is_again && kind != JobKind::Delete {
                    crate::backup::carry::begins_anew(tx, workspace, job).await?;
                }
                let (status, wish) = match kind {
                    JobKind::Deploy | JobKind::Restore => (Some(InstanceStatus::Deploying), None),
                    JobKind::Backup => (None, None),
                    JobKind::Start | JobKind::RestartSoft | JobKind::RestartHard => {
                        (None, Some(Wish::Running))
                    }
                    JobKind::Stop => (None, Some(Wish::Stopped)),
                    // Where its last backup fails it goes on as it is. The machine stops it once that is made.
                    JobKind::Delete if has_input => (Some(InstanceStatus::Deleting), None),
                    JobKind::Delete => (Some(InstanceStatus::Deleting), Some(Wish::Stopped)),
                };
                let (status, wish) = (status.map(|s| s.key().to_owned()), wish.map(|w| w.key().to_owned()));
                if tx.execute(BEGIN_INSTANCE, values![workspace, instance, status, wish]).await? == 0 {
                    return Ok(None);
                }
                let mut deployment = None;
                if kind.deploys() {
                    let now = tx.now();
                    tx.execute(BEGIN_DEPLOYMENT, values![workspace, job, now]).await?;
                    let row = tx.fetch_one(DEPLOYMENT, values![workspace, job]).await?;
                    deployment = Some((row.get(0)?, row.get(1)?, row.get::<String>(2)? == "rollback"));
                }
                tx.tell(workspace, EventType::Job, ResourceKind::Job, job.uuid()).await?;
                tx.tell(workspace, EventType::Status, ResourceKind::Instance, instance.uuid()).await?;
                Ok(Some(Begun { instance, deployment }))
            })
        });
        self.write(permit(claim, "job.begin"), work).await
    }

    /// Writes down how far a job is. `false` where the claim has passed to another.
    ///
    /// # Errors
    /// A fault.
    pub async fn step_job(&self, claim: &Claim, step: String, progress: Option<u8>) -> Result<bool, Failure> {
        let (job, fence, workspace) = (claim.job.id, claim.fence, claim.workspace);
        let work: Work<bool> = Box::new(move |tx| {
            let step = step.clone();
            Box::pin(async move {
                tx.audit_nothing();
                if tx.execute(HOLD, values![job, fence, step.as_str(), progress.map(i64::from)]).await? == 0 {
                    return Ok(false);
                }
                tx.execute(STEP_DEPLOYMENT, values![workspace, job, step]).await?;
                tx.tell(workspace, EventType::Job, ResourceKind::Job, job.uuid()).await?;
                Ok(true)
            })
        });
        self.write(permit(claim, "job.step"), work).await
    }

    /// Writes down how a job ended and what it left. `false` where the claim has passed to another.
    ///
    /// # Errors
    /// A fault.
    pub async fn end_job(&self, claim: &Claim, end: End) -> Result<bool, Failure> {
        let claimed = claim.clone();
        let work: Work<bool> = Box::new(move |tx| {
            let (claim, end) = (claimed.clone(), end.clone());
            Box::pin(async move { end_in(tx, &claim, &end).await })
        });
        self.write(permit(claim, "job.end"), work).await
    }

    /// Instances of all workspaces that are taken to run on a machine, after `after`, a thousand at most. `None`: on this
    /// process's own.
    ///
    /// # Errors
    /// A fault.
    pub async fn list_running_instances(
        &self,
        machine: Option<MachineId>,
        after: InstanceId,
    ) -> Result<Vec<InstanceId>, StorageFault> {
        let rows = self.fetch_all(RUNNING, values![after, self.own_replica(), machine]).await?;
        rows.iter().map(|row| row.get(0)).collect()
    }

    /// Takes over what a machine says of an instance, unless a job is being carried out on it, or the instance is another
    /// machine's. `None`: this process's own machine.
    ///
    /// # Errors
    /// A fault.
    pub async fn observe_instance(
        &self,
        machine: Option<MachineId>,
        instance: InstanceId,
        observed: Observed,
    ) -> Result<(), Failure> {
        let permit = SystemPermit::new(WorkspaceId::INSTALLATION, "instance.observe", None, None);
        let work: Work<()> = Box::new(move |tx| {
            let Observed { status, reason } = observed.clone();
            Box::pin(async move {
                tx.audit_nothing();
                let row =
                    tx.fetch_optional(OBSERVE, values![instance, status.key(), reason, machine]).await?;
                if let Some(row) = row {
                    let workspace = row.get(0)?;
                    tx.tell(workspace, EventType::Status, ResourceKind::Instance, instance.uuid()).await?;
                }
                Ok(())
            })
        });
        self.write(permit, work).await
    }
}

async fn end_in(tx: &mut Tx<'_>, claim: &Claim, end: &End) -> Result<bool, Failure> {
    tx.audit_nothing();
    let (job, workspace, now) = (claim.job.id, claim.workspace, tx.now());
    let (code, sentence, quote) = match end {
        End::Succeeded { .. } => (None, None, None),
        End::Failed { code, sentence, quote, .. } => {
            (Some(code.clone()), Some(sentence.clone()), quote.clone())
        }
        End::Cancelled { sentence, .. } => (None, sentence.clone(), None),
    };
    let detail = match (&sentence, &quote) {
        (Some(sentence), Some(quote)) => Some(format!("{sentence}\n{quote}")),
        _ => sentence.clone(),
    };
    if tx.execute(END_JOB, values![job, claim.fence, end.key(), now, code, detail]).await? == 0 {
        return Ok(false);
    }
    tx.touched.jobs = true;
    tx.tell(workspace, EventType::Job, ResourceKind::Job, job.uuid()).await?;
    crate::backup::carry::end_in(tx, workspace, job, end).await?;
    if claim.job.kind.deploys() {
        tx.execute(END_DEPLOYMENT, values![workspace, job, end.key(), now, sentence.clone(), quote]).await?;
    }
    let Some(instance) = claim.job.instance else { return Ok(true) };
    let Some(row) = tx.fetch_optional(INSTANCE, values![workspace, instance]).await? else { return Ok(true) };
    let found = Found {
        release: row.get(0)?,
        wish: page::wish(&row, 1)?,
        name: row.get(2)?,
        status: page::status(&row, 3)?,
        reason: row.get(4)?,
    };
    if let End::Failed { code, .. } = end {
        tx.audit_also(&failed(claim, instance, &found.name, code)).await?;
    }
    match end {
        // It leaves the instance as it was.
        _ if claim.job.kind == JobKind::Backup => {
            tx.tell(workspace, EventType::Changed, ResourceKind::Instance, instance.uuid()).await?;
        }
        End::Succeeded { .. } if claim.job.kind == JobKind::Delete => {
            delete_in(tx, claim, instance, &found.name).await?;
            return Ok(true);
        }
        End::Succeeded { release, connect_as } => {
            if let Some((release, size)) = release {
                run_release(tx, workspace, instance, job, (*release, *size)).await?;
                if let Some(way) = connect_as {
                    tx.execute(CONNECTS_BY, values![workspace, *release, way]).await?;
                }
            }
            if claim.job.kind == JobKind::Restore {
                tx.execute(HAS_ITS_DATA, values![workspace, instance]).await?;
                crate::backup::carry::brought_back(tx, claim).await?;
            }
            let status =
                if found.wish == Wish::Running { InstanceStatus::Running } else { InstanceStatus::Stopped };
            set_status(tx, workspace, instance, &Observed { status, reason: None }).await?;
        }
        End::Failed { observed, .. } | End::Cancelled { observed, .. } => {
            let seen = observed.clone().filter(|_| found.release.is_some());
            let left = seen.unwrap_or_else(|| guess(&found, claim.job.kind, end, sentence));
            set_status(tx, workspace, instance, &left).await?;
            if found.release.is_none() {
                never_deployed(tx, workspace, instance).await?;
            }
        }
    }
    Ok(true)
}

struct Found {
    release: Option<ReleaseId>,
    wish: Wish,
    name: String,
    status: InstanceStatus,
    reason: Option<String>,
}

/// What is left where the machine can't be asked.
fn guess(found: &Found, kind: JobKind, end: &End, sentence: Option<String>) -> Observed {
    let failed = matches!(end, End::Failed { .. });
    let status = match (kind, found.release, found.wish) {
        (JobKind::Start | JobKind::RestartSoft | JobKind::RestartHard | JobKind::Delete, ..) if failed => {
            InstanceStatus::Failed
        }
        (JobKind::Deploy | JobKind::Restore, None, _) if failed => InstanceStatus::Failed,
        // An earlier release goes on as it was.
        (JobKind::Deploy | JobKind::Restore, Some(_), Wish::Running) => InstanceStatus::Running,
        (JobKind::Deploy | JobKind::Restore, Some(_), Wish::Stopped) => InstanceStatus::Stopped,
        // What never began leaves it as it was. `deploying` without a release is settled by whoever sees that nothing
        // waits any more.
        _ => return Observed { status: found.status, reason: found.reason.clone() },
    };
    Observed { status, reason: sentence.filter(|_| status == InstanceStatus::Failed) }
}

async fn set_status(
    tx: &mut Tx<'_>,
    workspace: WorkspaceId,
    instance: InstanceId,
    observed: &Observed,
) -> Result<(), StorageFault> {
    let reason = observed.reason.clone();
    tx.execute(SET_STATUS, values![workspace, instance, observed.status.key(), reason]).await?;
    tx.tell(workspace, EventType::Status, ResourceKind::Instance, instance.uuid()).await
}

async fn run_release(
    tx: &mut Tx<'_>,
    workspace: WorkspaceId,
    instance: InstanceId,
    job: JobId,
    (release, size): (ReleaseId, i64),
) -> Result<(), StorageFault> {
    let row = tx.fetch_one(DEPLOYMENT, values![workspace, job]).await?;
    let (deployment, commit): (DeploymentId, String) = (row.get(0)?, row.get(1)?);
    let now = tx.now();
    // Going back to a release finds it there already.
    tx.execute(INSERT_RELEASE, values![release, workspace, instance, deployment, commit, size, now]).await?;
    tx.execute(RUN_RELEASE, values![workspace, instance, release]).await?;
    tx.execute(OLD_RELEASES, values![workspace, instance, release]).await.map(drop)
}

async fn delete_in(
    tx: &mut Tx<'_>,
    claim: &Claim,
    instance: InstanceId,
    name: &str,
) -> Result<(), StorageFault> {
    let workspace = claim.workspace;
    take_out(tx, workspace, instance).await?;
    let event = NewAuditEvent {
        action: "instance.deleted".to_owned(),
        outcome: Outcome::Done,
        ..failed(claim, instance, name, "")
    };
    tx.audit_also(&NewAuditEvent { detail: "{}".to_owned(), ..event }).await?;
    tx.tell(workspace, EventType::Deleted, ResourceKind::Instance, instance.uuid()).await
}

/// The records of an instance go; its hosts and backups are kept for a while.
pub(crate) async fn take_out(
    tx: &mut Tx<'_>,
    workspace: WorkspaceId,
    instance: InstanceId,
) -> Result<(), StorageFault> {
    let listing = tx.fetch_all(MEMBERS_LISTING, values![workspace, instance]).await?;
    tx.leaves_lists(workspace, ResourceKind::Instance, instance.uuid(), &listing).await?;
    crate::host::release(tx, workspace, instance).await?;
    crate::backup::carry::instance_deleted(tx, workspace, instance).await?;
    tx.execute(DELETE_INSTANCE, values![workspace, instance]).await.map(drop)
}

fn failed(claim: &Claim, instance: InstanceId, name: &str, code: &str) -> NewAuditEvent {
    let code: String = code.chars().filter(|c| c.is_ascii_alphanumeric() || *c == '_').collect();
    NewAuditEvent {
        workspace: claim.workspace,
        actor: None,
        via: stoa_domain::Via::System,
        action: format!("instance.{}", claim.job.kind.key()),
        resource: Some(Resource { kind: ResourceKind::Instance, id: instance.uuid() }),
        resource_name: Some(name.to_owned()),
        second_name: None,
        outcome: Outcome::Failed,
        repeated: 1,
        detail: format!("{{\"code\":\"{code}\"}}"),
    }
}
