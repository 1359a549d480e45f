//! When backups are made by themselves: one of the instance's settings, seen by whoever may see its backups.

use stoa_domain::backup::{BackupCause, BackupSchedule};
use stoa_domain::permission::backup as may;
use stoa_domain::{Action, InstanceId, Permit, Refusal, WorkspaceId};

use crate::abilities::Caller;
use crate::backup::ScheduleRecord;
use crate::{App, Failure};

pub(crate) const RANGES: &str =
    "The time is one of the day; 1 to 366 days, up to 104 weeks and up to 60 months are kept.";

/// A schedule as one member sees it.
#[derive(Debug, Clone, Copy)]
pub struct SeenSchedule {
    pub schedule: Option<ScheduleRecord>,
    /// Whether the caller may change the instance's settings.
    pub may_change: bool,
    /// Of the instance's settings, of which it is one.
    pub revision: i64,
}

impl App {
    /// # Errors
    /// A fault.
    pub async fn view_backup_schedule(
        &self,
        permit: Permit<may::ViewSchedule>,
    ) -> Result<SeenSchedule, Failure> {
        let may_change = Caller::of(&permit).has(Action::ManageSettings);
        let schedule = self.store().find_backup_schedule(&permit).await?;
        let revision = self.settings_revision(permit.workspace(), *permit.target()).await?;
        Ok(SeenSchedule { schedule, may_change, revision })
    }

    /// The revision that a change is compared with.
    ///
    /// # Errors
    /// `NotFound`, or a fault.
    pub async fn load_schedule_revision(&self, permit: &Permit<may::ChangeSchedule>) -> Result<i64, Failure> {
        self.settings_revision(permit.workspace(), *permit.target()).await
    }

    async fn settings_revision(&self, workspace: WorkspaceId, instance: InstanceId) -> Result<i64, Failure> {
        Ok(self.store().load_settings(workspace, instance).await?.revision)
    }

    /// Sets it, or with `None` takes it away. `expected` is the revision that the change was made from.
    ///
    /// # Errors
    /// `Invalid`, `PreconditionFailed`, or a fault.
    pub async fn change_backup_schedule(
        &self,
        permit: Permit<may::ChangeSchedule>,
        wanted: Option<BackupSchedule>,
        expected: Option<i64>,
    ) -> Result<SeenSchedule, Failure> {
        if wanted.is_some_and(|schedule| !schedule.is_sound()) {
            return Err(Refusal::invalid("schedule", "out_of_range", RANGES).into());
        }
        let (workspace, instance) = (permit.workspace(), *permit.target());
        let schedule = self.store().change_backup_schedule(permit, wanted, expected).await?;
        let revision = self.settings_revision(workspace, instance).await?;
        Ok(SeenSchedule { schedule, may_change: true, revision })
    }

    /// Begins the backups that are due.
    pub(crate) async fn start_due_backups(&self) -> Result<(), Failure> {
        for due in self.store().list_due_schedules().await? {
            let new = self.new_backup(due.workspace, due.instance, BackupCause::Schedule, None).await;
            // One instance that can't be doesn't keep the others from it.
            let started = match new {
                Ok(new) => self.store().start_due_backup(due, new).await.map_err(Failure::from),
                Err(failure) => Err(failure),
            };
            if let Err(failure) = started {
                tracing::warn!(?failure, instance = %due.instance, "a backup that is due can't be begun");
            }
        }
        Ok(())
    }

    /// Takes away what a schedule doesn't keep any more.
    pub(crate) async fn thin_out(
        &self,
        schedule: BackupSchedule,
        due: (WorkspaceId, InstanceId),
    ) -> Result<(), Failure> {
        let made = self.store().list_scheduled_backups(due.0, due.1).await?;
        let times: Vec<_> = made.iter().map(|(_, at)| *at).collect();
        let gone: Vec<_> = schedule.thinned_out(&times).into_iter().map(|index| made[index].0).collect();
        if gone.is_empty() {
            return Ok(());
        }
        Ok(self.store().thin_out_backups(due.0, due.1, gone).await?)
    }
}
