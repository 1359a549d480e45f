//! A backup brought back, into the instance it is of or into another.

use stoa_domain::backup::BackupCause;
use stoa_domain::permission::{BackupTarget, RestoreTarget, Target as _, backup as may};
use stoa_domain::{
    AccountStanding, BackupId, Permission as _, Permit, Refusal, ReleaseId, WorkspaceId, decide,
};
use stoa_storage::job::carry::Begun;
use stoa_storage::job::claim::Claim;

use crate::abilities::Caller;
use crate::instance::Accepted;
use crate::ports::{BackupOrder, RestoreOrder};
use crate::{App, Failure, Fault};

/// What a job's input holds of backups.
#[derive(Default, serde::Deserialize)]
pub(crate) struct BackupInput {
    pub backup: Option<uuid::Uuid>,
    pub safety: Option<uuid::Uuid>,
    pub release: Option<uuid::Uuid>,
    #[serde(default)]
    pub is_kept: bool,
}

impl App {
    /// Decides once more, on the backup and the instance that the body names: one that isn't allowed is answered like one
    /// that isn't there.
    ///
    /// # Errors
    /// The refusal, or a fault.
    pub async fn authorize_restore_into(
        &self,
        account: &AccountStanding,
        workspace: WorkspaceId,
        backup: BackupTarget,
        into: &str,
    ) -> Result<Permit<may::Restore>, Failure> {
        let Some(into) = self.store().find_instance_id(workspace, into).await? else {
            return Err(Refusal::NotFound.into());
        };
        let target = RestoreTarget { backup, into };
        let wanted = target.resources();
        let standing = self.standing_in(account, workspace, &wanted).await?;
        match decide::<may::Restore>(&standing, target) {
            Ok(permit) => Ok(permit),
            Err(refusal) => {
                let resource = wanted.first().copied();
                self.record_refusal(workspace, &account.actor, may::Restore::OPERATION, resource, &refusal)
                    .await;
                Err(self.with_owners(workspace, refusal).await?.into())
            }
        }
    }

    /// Begins it. `confirm` is the name of the instance that it is brought back into.
    ///
    /// # Errors
    /// `Invalid` where the name isn't the one typed, `NotFound`, `InstanceBusy`, `Conflict`, `NoSandbox`, or a fault.
    pub async fn restore_backup(
        &self,
        permit: Permit<may::Restore>,
        confirm: &str,
    ) -> Result<Accepted, Failure> {
        let (caller, target) = (Caller::of(&permit), *permit.target());
        let source = self.store().load_backup(caller.workspace, target.backup.backup).await?;
        if !source.has_instance && !caller.is_owner {
            return Err(Refusal::NotFound.into());
        }
        let into = self
            .store()
            .load_instance(caller.workspace, target.into, caller.sees_everything, caller.member)
            .await?;
        if into.name != confirm {
            let detail = "Type the name of the instance that is replaced.";
            return Err(Refusal::invalid("confirm", "mismatch", detail).into());
        }
        self.needs_machine(target.into).await?;
        let safety = self.new_backup(caller.workspace, target.into, BackupCause::BeforeRestore, None).await?;
        let job = self.store().start_restore(permit, safety).await?;
        self.accepted(&caller, target.into, job).await
    }

    /// What the machine is told of one backup that a job makes.
    pub(crate) async fn backup_order(
        &self,
        workspace: WorkspaceId,
        backup: uuid::Uuid,
    ) -> Result<BackupOrder, Failure> {
        let record = self.store().load_backup(workspace, BackupId::new(backup)).await?;
        let repository = self.open_repository_to_write(workspace, record.repository).await?;
        Ok(BackupOrder { backup: record.id, repository, settings: record.settings })
    }

    /// What the machine is told of a restore.
    pub(crate) async fn restore_order(
        &self,
        claim: &Claim,
        begun: &Begun,
        input: &BackupInput,
    ) -> Result<RestoreOrder, Failure> {
        let missing = || Fault::new("a restore without its backup, release or deployment");
        let backup = BackupId::new(input.backup.ok_or_else(missing)?);
        let release = input.release.map(ReleaseId::new).ok_or_else(missing)?;
        let (deployment, commit, _) = begun.deployment.clone().ok_or_else(missing)?;
        let source = self.store().load_backup(claim.workspace, backup).await?;
        let safety = match input.safety {
            Some(safety) => Some(self.backup_order(claim.workspace, safety).await?),
            None => None,
        };
        let commit = stoa_domain::branch::CommitId::parse(&commit).ok_or_else(missing)?;
        Ok(RestoreOrder {
            backup,
            of: source.instance,
            repository: self.open_repository(claim.workspace, source.repository).await?,
            safety,
            deployment,
            release,
            commit: (!input.is_kept).then_some(commit),
            size: u64::try_from(source.size).unwrap_or(0),
        })
    }
}
