//! How a job is begun: in the transaction that was permitted, with what its start needed.

use stoa_domain::instance::{InstanceStatus, State};
use stoa_domain::job::JobKind;
use stoa_domain::{
    AccountId, Conflict, InstanceId, JobId, Permission, Permit, Refusal, ResourceKind, WorkspaceId,
};

use crate::backup::make::{NewBackup, insert_backup};
use crate::event::EventType;
use crate::failure::{Failure, StorageFault};
use crate::job::{JobRecord, cancel_in, open_in};
use crate::page;
use crate::store::{Store, Work};
use crate::tx::Tx;
use crate::values;

crate::statements! {
    INSERT = "INSERT INTO jobs (id, workspace_id, kind, project_id, instance_id, account_id, permission, input, status,
            step, attempts, run_at, fence, created_at)
        VALUES ($1, $2, $3, (SELECT i.project_id FROM instances i WHERE i.workspace_id = $2 AND i.id = $4),
            $4, $5, $6, $7, 'queued', '', 0, $8, 0, $8)";
    STATE = "SELECT status, release_id, is_protected, name, stage, revision,
            awaits_backup FROM instances WHERE workspace_id = $1 AND id = $2";
}

/// A job that is to be.
#[derive(Debug, Clone)]
pub(crate) struct JobOrder {
    pub workspace: WorkspaceId,
    pub instance: InstanceId,
    pub kind: JobKind,
    pub account: Option<AccountId>,
    pub permission: String,
    /// A JSON object.
    pub input: String,
}

pub(crate) struct Found {
    pub state: State,
    pub name: String,
    pub stage: stoa_domain::instance::Stage,
    pub revision: i64,
    pub open: Vec<JobRecord>,
}

/// How an instance stands at this moment of the transaction.
pub(crate) async fn state_in(
    tx: &mut Tx<'_>,
    workspace: WorkspaceId,
    instance: InstanceId,
) -> Result<Found, Failure> {
    let row = tx.fetch_optional(STATE, values![workspace, instance]).await?.ok_or(Refusal::NotFound)?;
    let open = open_in(tx, workspace, instance).await?;
    let status = page::status(&row, 0)?;
    let state = State {
        status,
        has_release: row.get::<Option<uuid::Uuid>>(1)?.is_some(),
        is_protected: row.get(2)?,
        is_busy: !open.is_empty(),
        is_being_deleted: status == InstanceStatus::Deleting
            || open.iter().any(|job| job.kind == JobKind::Delete),
        lacks_its_data: row.get(6)? && !open.iter().any(|job| job.kind == JobKind::Restore),
    };
    Ok(Found { state, name: row.get(3)?, stage: page::stage(&row, 4)?, revision: row.get(5)?, open })
}

/// Adds the row and tells of it.
pub(crate) async fn queue(tx: &mut Tx<'_>, order: JobOrder) -> Result<JobId, StorageFault> {
    let (id, now) = (JobId::new(tx.new_id()), tx.now());
    let JobOrder { workspace, instance, kind, account, permission, input } = order;
    tx.execute(INSERT, values![id, workspace, kind.key(), instance, account, permission, input, now]).await?;
    tx.touched.jobs = true;
    tx.tell(workspace, EventType::Job, ResourceKind::Job, id.uuid()).await?;
    Ok(id)
}

impl Store {
    /// Begins a start, stop, restart or deletion. `cancels`: what goes on is cancelled first. `last`: the backup that is
    /// made before a deletion, where there is anything to back up. `expected`: the revision by which it was asked for.
    ///
    /// # Errors
    /// What the instance's state forbids, `PreconditionFailed`, or a fault.
    pub async fn start_job<P>(
        &self,
        permit: Permit<P>,
        kind: JobKind,
        cancels: bool,
        last: Option<NewBackup>,
        expected: Option<i64>,
    ) -> Result<JobId, Failure>
    where
        P: Permission<Target = InstanceId>,
    {
        let (workspace, instance, by_owner) = (permit.workspace(), *permit.target(), permit.by_owner());
        let (account, owner_required) = (Some(permit.actor().account), permit.owner_required());
        let needed = match P::NEED {
            stoa_domain::Need::Action(action) => action.key(),
            _ => "owner",
        };
        let work: Work<JobId> = Box::new(move |tx| {
            let (last, owner_required) = (last.clone(), owner_required.clone());
            Box::pin(async move {
                let Found { state, name, stage, revision, open } = state_in(tx, workspace, instance).await?;
                if expected.is_some_and(|expected| expected != revision) {
                    return Err(Refusal::PreconditionFailed.into());
                }
                tx.audit_name(name);
                let mut needed = needed;
                match kind {
                    JobKind::Start => state.can_start()?,
                    JobKind::RestartSoft | JobKind::RestartHard => state.can_restart()?,
                    JobKind::Stop => state.can_stop(cancels)?,
                    JobKind::Deploy => state.can_deploy()?,
                    JobKind::Backup => state.can_back_up()?,
                    JobKind::Restore => state.can_restore()?,
                    JobKind::Delete => {
                        if stage == stoa_domain::instance::Stage::Production {
                            needed = "owner";
                            if !by_owner {
                                return Err(owner_required.into());
                            }
                        }
                        state.can_delete(cancels)?;
                    }
                }
                for job in &open {
                    if job.kind == JobKind::Delete {
                        return Err(Refusal::Conflict(Conflict::BeingDeleted).into());
                    }
                    cancel_in(tx, workspace, job).await?;
                }
                let last = last.filter(|_| kind == JobKind::Delete && state.has_release);
                let input = match &last {
                    Some(last) => format!("{{\"backup\":\"{}\"}}", last.id),
                    None => "{}".to_owned(),
                };
                let permission = needed.to_owned();
                let order = JobOrder { workspace, instance, kind, account, permission, input };
                let job = queue(tx, order).await?;
                if let Some(last) = last {
                    insert_backup(tx, (workspace, instance), last, job, account).await?;
                }
                Ok(job)
            })
        });
        self.write(permit, work).await
    }
}
