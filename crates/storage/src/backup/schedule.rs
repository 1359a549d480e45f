//! When backups are made by themselves.

use stoa_domain::backup::BackupSchedule;
use stoa_domain::permission::backup::{ChangeSchedule, ViewSchedule};
use stoa_domain::{InstanceId, JobId, Permit, SystemPermit, Timestamp, WorkspaceId};

use crate::backup::make::{NewBackup, queue_backup};
use crate::failure::{Failure, StorageFault};
use crate::instance::settings::{Change, SettingsChange, apply};
use crate::job::start::{Found, state_in};
use crate::row::Row;
use crate::store::{Store, Work};
use crate::tx::Tx;
use crate::values;

crate::statements! {
    FIND = "SELECT at_minute, keep_days, keep_weeks, keep_months, next_at FROM backup_schedules
        WHERE workspace_id = $1 AND instance_id = $2";
    PUT = "INSERT INTO backup_schedules (workspace_id, instance_id, at_minute, keep_days, keep_weeks, keep_months, next_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7)
        ON CONFLICT (instance_id) DO UPDATE SET at_minute = excluded.at_minute, keep_days = excluded.keep_days,
            keep_weeks = excluded.keep_weeks, keep_months = excluded.keep_months, next_at = excluded.next_at";
    REMOVE = "DELETE FROM backup_schedules WHERE workspace_id = $1 AND instance_id = $2";
    DUE = "SELECT at_minute, keep_days, keep_weeks, keep_months, next_at, workspace_id, instance_id
        FROM backup_schedules WHERE next_at <= $1 ORDER BY next_at, instance_id LIMIT 50";
    ALL = "SELECT at_minute, keep_days, keep_weeks, keep_months, next_at, workspace_id, instance_id
        FROM backup_schedules ORDER BY instance_id";
    NEXT = "UPDATE backup_schedules SET next_at = $4 WHERE workspace_id = $1 AND instance_id = $2 AND next_at = $3";
}

/// A schedule, and when it is due next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ScheduleRecord {
    pub schedule: BackupSchedule,
    pub next_at: Timestamp,
}

/// A schedule that is due.
#[derive(Debug, Clone, Copy)]
pub struct DueSchedule {
    pub workspace: WorkspaceId,
    pub instance: InstanceId,
    pub record: ScheduleRecord,
}

fn read(row: &Row) -> Result<ScheduleRecord, StorageFault> {
    let schedule = BackupSchedule {
        at_minute: row.get(0)?,
        keep_days: row.get(1)?,
        keep_weeks: row.get(2)?,
        keep_months: row.get(3)?,
    };
    Ok(ScheduleRecord { schedule, next_at: row.get(4)? })
}

pub(crate) async fn find_in(
    tx: &mut Tx<'_>,
    workspace: WorkspaceId,
    instance: InstanceId,
) -> Result<Option<BackupSchedule>, StorageFault> {
    let row = tx.fetch_optional(FIND, values![workspace, instance]).await?;
    row.map(|row| read(&row).map(|record| record.schedule)).transpose()
}

/// Sets it, or with `None` takes it away.
pub(crate) async fn put_in(
    tx: &mut Tx<'_>,
    workspace: WorkspaceId,
    instance: InstanceId,
    wanted: Option<BackupSchedule>,
) -> Result<(), StorageFault> {
    let Some(schedule) = wanted else {
        return tx.execute(REMOVE, values![workspace, instance]).await.map(drop);
    };
    let next_at = schedule.next_after(tx.now());
    let BackupSchedule { at_minute, keep_days, keep_weeks, keep_months } = schedule;
    let values = values![workspace, instance, at_minute, keep_days, keep_weeks, keep_months, next_at];
    tx.execute(PUT, values).await.map(drop)
}

impl Store {
    /// # Errors
    /// A fault.
    pub async fn find_backup_schedule(
        &self,
        permit: &Permit<ViewSchedule>,
    ) -> Result<Option<ScheduleRecord>, StorageFault> {
        self.find_schedule(permit.workspace(), *permit.target()).await
    }

    pub(crate) async fn find_schedule(
        &self,
        workspace: WorkspaceId,
        instance: InstanceId,
    ) -> Result<Option<ScheduleRecord>, StorageFault> {
        let row = self.fetch_optional(FIND, values![workspace, instance]).await?;
        row.map(|row| read(&row)).transpose()
    }

    /// Sets it, or with `None` takes it away. `expected` is the revision that the change was made from.
    ///
    /// # Errors
    /// `PreconditionFailed`, or a fault.
    pub async fn change_backup_schedule(
        &self,
        permit: Permit<ChangeSchedule>,
        wanted: Option<BackupSchedule>,
        expected: Option<i64>,
    ) -> Result<Option<ScheduleRecord>, Failure> {
        let place = (permit.workspace(), *permit.target());
        let account = permit.actor().account;
        let work: Work<Option<ScheduleRecord>> = Box::new(move |tx| {
            Box::pin(async move {
                let change = Change { place, account, from: &[], expected, reverts: None };
                let wanted = SettingsChange { schedule: Some(wanted), ..SettingsChange::default() };
                apply(tx, change, wanted).await?;
                let row = tx.fetch_optional(FIND, values![place.0, place.1]).await?;
                Ok(row.map(|row| read(&row)).transpose()?)
            })
        });
        self.write(permit, work).await
    }

    /// Schedules whose time has come.
    ///
    /// # Errors
    /// A fault.
    pub async fn list_due_schedules(&self) -> Result<Vec<DueSchedule>, StorageFault> {
        let rows = self.fetch_all(DUE, values![self.now()]).await?;
        rows.iter()
            .map(|row| Ok(DueSchedule { workspace: row.get(5)?, instance: row.get(6)?, record: read(row)? }))
            .collect()
    }

    /// Every schedule there is.
    ///
    /// # Errors
    /// A fault.
    pub async fn list_backup_schedules(
        &self,
    ) -> Result<Vec<(WorkspaceId, InstanceId, BackupSchedule)>, StorageFault> {
        let rows = self.fetch_all(ALL, vec![]).await?;
        rows.iter().map(|row| Ok((row.get(5)?, row.get(6)?, read(row)?.schedule))).collect()
    }

    /// Begins the backup that is due, where nothing else is done to the instance: else it waits for that. One that was
    /// missed, however often, is made once. `None` where none was begun.
    ///
    /// # Errors
    /// A fault.
    pub async fn start_due_backup(&self, due: DueSchedule, new: NewBackup) -> Result<Option<JobId>, Failure> {
        let DueSchedule { workspace, instance, record } = due;
        let permit = SystemPermit::new(workspace, "backup.schedule", None, None);
        let work: Work<Option<JobId>> = Box::new(move |tx| {
            let new = new.clone();
            Box::pin(async move {
                tx.audit_nothing();
                let Found { state, .. } = state_in(tx, workspace, instance).await?;
                if state.is_busy || state.is_being_deleted {
                    return Ok(None);
                }
                let next = record.schedule.next_after(tx.now());
                let is_ours =
                    tx.execute(NEXT, values![workspace, instance, record.next_at, next]).await? == 1;
                // What was never deployed has nothing that could be lost.
                if !is_ours || !state.has_release {
                    return Ok(None);
                }
                Ok(Some(queue_backup(tx, (workspace, instance), new, None).await?))
            })
        });
        self.write(permit, work).await
    }
}
