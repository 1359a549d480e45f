//! Start, stop, restart, delete: each begins a job.

use stoa_domain::backup::BackupCause;
use stoa_domain::instance::RestartMode;
use stoa_domain::job::JobKind;
use stoa_domain::permission::instance as may;
use stoa_domain::{InstanceId, Permission, Permit, Refusal};

use crate::abilities::Caller;
use crate::instance::Accepted;
use crate::{App, Failure};

#[derive(Debug, Clone)]
pub struct DeleteInstance {
    /// The instance's name, typed by whoever deletes it.
    pub confirm: String,
    /// Cancels what goes on first.
    pub cancel: bool,
    /// Makes a last backup first; where that fails, nothing is deleted.
    pub backup: bool,
    /// The revision by which it is asked for.
    pub expected_revision: Option<i64>,
}

impl App {
    /// # Errors
    /// `ServerAway`, `InstanceBusy`, `Conflict`, `NoSandbox`, or a fault.
    pub async fn restart_instance(
        &self,
        permit: Permit<may::Restart>,
        mode: RestartMode,
    ) -> Result<Accepted, Failure> {
        self.needs_machine(*permit.target()).await?;
        self.begin(permit, JobKind::of_restart(mode), false).await
    }

    /// # Errors
    /// `ServerAway`, `InstanceBusy`, `Conflict`, `NoSandbox`, or a fault.
    pub async fn start_instance(&self, permit: Permit<may::Start>) -> Result<Accepted, Failure> {
        self.needs_machine(*permit.target()).await?;
        self.begin(permit, JobKind::Start, false).await
    }

    /// `cancel`: what goes on is cancelled first.
    ///
    /// # Errors
    /// `ServerAway`, `InstanceBusy`, `Conflict`, or a fault.
    pub async fn stop_instance(&self, permit: Permit<may::Stop>, cancel: bool) -> Result<Accepted, Failure> {
        self.needs_link(*permit.target()).await?;
        self.begin(permit, JobKind::Stop, cancel).await
    }

    /// Deletes it with everything that it has. A production instance is an owner's to delete.
    ///
    /// # Errors
    /// `OwnerRequired`, `ProductionProtected`, `Invalid` where the name isn't the one typed, `InstanceBusy`,
    /// `PreconditionFailed`, or a fault.
    pub async fn delete_instance(
        &self,
        permit: Permit<may::Delete>,
        wish: DeleteInstance,
    ) -> Result<Accepted, Failure> {
        let (caller, instance) = (Caller::of(&permit), *permit.target());
        let record = self
            .store()
            .load_instance(caller.workspace, instance, caller.sees_everything, caller.member)
            .await?;
        if record.stage == stoa_domain::instance::Stage::Production && !caller.is_owner {
            let refusal = permit.owner_required();
            let resource =
                stoa_domain::Resource { kind: stoa_domain::ResourceKind::Instance, id: instance.uuid() };
            self.record_refusal(
                caller.workspace,
                permit.actor(),
                may::Delete::OPERATION,
                Some(resource),
                &refusal,
            )
            .await;
            return Err(self.with_owners(caller.workspace, refusal).await?.into());
        }
        if record.name != wish.confirm {
            return Err(
                Refusal::invalid("confirm", "mismatch", "Type the instance's name to delete it.").into()
            );
        }
        self.needs_link(instance).await?;
        // Whoever may delete may have it made: it is part of that, and gives them nothing to read.
        let last = match wish.backup {
            true => Some(self.new_backup(caller.workspace, instance, BackupCause::BeforeDelete, None).await?),
            false => None,
        };
        let (cancel, expected) = (wish.cancel, wish.expected_revision);
        let job = self.store().start_job(permit, JobKind::Delete, cancel, last, expected).await?;
        self.accepted(&caller, instance, job).await
    }

    /// What needs no sandbox needs its machine all the same.
    async fn needs_link(&self, instance: InstanceId) -> Result<(), Failure> {
        match self.needs_machine(instance).await {
            Err(Failure::Refused(Refusal::NoSandbox(_))) => Ok(()),
            other => other,
        }
    }

    async fn begin<P>(&self, permit: Permit<P>, kind: JobKind, cancels: bool) -> Result<Accepted, Failure>
    where
        P: Permission<Target = InstanceId>,
    {
        let (caller, instance) = (Caller::of(&permit), *permit.target());
        let job = self.store().start_job(permit, kind, cancels, None, None).await?;
        self.accepted(&caller, instance, job).await
    }
}
