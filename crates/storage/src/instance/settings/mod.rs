//! What is set of an instance: read, changed, and what was changed before.

mod change;
pub mod domains;
pub mod history;
mod parts;
mod revert;
mod variables;

use std::collections::BTreeMap;

use stoa_domain::backup::BackupSchedule;
use stoa_domain::instance::Visibility;
use stoa_domain::settings::{HealthCheck, Limits};
use stoa_domain::{InstanceId, ProjectId, Refusal, WorkspaceId};

pub(crate) use change::{Change, apply};
pub use change::{Changed, SettingsChange, WantedDomain};
pub(crate) use variables::insert_variable;
pub use variables::{Variable, VariableValue};

use crate::failure::{Failure, StorageFault};
use crate::instance::settings::domains::DomainRecord;
use crate::page::visibility;
use crate::row::Row;
use crate::statement::Statement;
use crate::store::Store;
use crate::tx::Tx;
use crate::values;

crate::statements! {
    FIND = "SELECT revision, name, branch, visibility, is_protected, project_id, memory_limit, processor_limit,
            processes_limit, disk_limit, health, is_mail_off
        FROM instances WHERE workspace_id = $1 AND id = $2";
    REVISION = "SELECT revision FROM instances WHERE workspace_id = $1 AND id = $2";
    WORKSPACE_OF = "SELECT workspace_id FROM instances WHERE id = $1";
    /// The settings that a start, a hard restart or a deployment found are those that are in use.
    CHANGED_SINCE = "SELECT EXISTS (SELECT 1 FROM settings_changes c WHERE c.workspace_id = $1 AND c.instance_id = $2
            AND c.needs_restart AND c.at > COALESCE((SELECT MAX(j.created_at) FROM jobs j WHERE j.instance_id = $2
                AND j.kind IN ('deploy', 'restore', 'start', 'restart_hard') AND j.status = 'succeeded'), $3))";
}

/// Every statement of this folder.
pub(crate) fn statements() -> Vec<Statement> {
    [
        STATEMENTS,
        change::STATEMENTS,
        domains::STATEMENTS,
        history::STATEMENTS,
        parts::STATEMENTS,
        variables::STATEMENTS,
    ]
    .concat()
}

/// What is set of an instance. The variables' secrets are sealed.
#[derive(Debug, Clone)]
pub struct SettingsRecord {
    pub revision: i64,
    pub name: String,
    pub project: ProjectId,
    pub branch: String,
    pub visibility: Visibility,
    pub is_protected: bool,
    pub limits: Limits,
    /// `None`: as the application says.
    pub health: Option<HealthCheck>,
    pub schedule: Option<BackupSchedule>,
    pub variables: BTreeMap<String, VariableValue>,
    pub domains: Vec<DomainRecord>,
    /// Nobody sets it: it comes with production's data.
    pub is_mail_off: bool,
}

fn read(row: &Row) -> Result<SettingsRecord, StorageFault> {
    let health = match row.get::<Option<String>>(10)? {
        None => None,
        Some(text) => Some(HealthCheck::from_text(&text).ok_or(StorageFault::Unknown(text))?),
    };
    Ok(SettingsRecord {
        revision: row.get(0)?,
        name: row.get(1)?,
        branch: row.get(2)?,
        visibility: visibility(row, 3)?,
        is_protected: row.get(4)?,
        project: row.get(5)?,
        limits: Limits {
            memory: row.get(6)?,
            processor: row.get(7)?,
            processes: row.get(8)?,
            disk: row.get(9)?,
        },
        health,
        schedule: None,
        variables: BTreeMap::new(),
        domains: Vec::new(),
        is_mail_off: row.get(11)?,
    })
}

/// As it is at this moment of the transaction.
pub(super) async fn load_in(
    tx: &mut Tx<'_>,
    (workspace, instance): (WorkspaceId, InstanceId),
) -> Result<SettingsRecord, Failure> {
    let row = tx.fetch_optional(FIND, values![workspace, instance]).await?.ok_or(Refusal::NotFound)?;
    Ok(SettingsRecord {
        schedule: crate::backup::schedule::find_in(tx, workspace, instance).await?,
        variables: variables::list_in(tx, workspace, instance).await?,
        domains: domains::list_in(tx, workspace, instance).await?,
        ..read(&row)?
    })
}

impl Store {
    /// The revision is read before the rest: what is changed in between makes it an old one, never a newer.
    ///
    /// # Errors
    /// `NotFound`, or a fault.
    pub async fn load_settings(
        &self,
        workspace: WorkspaceId,
        instance: InstanceId,
    ) -> Result<SettingsRecord, Failure> {
        let row = self.fetch_optional(FIND, values![workspace, instance]).await?.ok_or(Refusal::NotFound)?;
        let variables = self.list_variables(workspace, instance).await?;
        Ok(SettingsRecord {
            schedule: self.find_schedule(workspace, instance).await?.map(|record| record.schedule),
            variables: variables.into_iter().map(|Variable { name, value }| (name, value)).collect(),
            domains: self.list_domains(workspace, instance).await?,
            ..read(&row)?
        })
    }

    /// Each change of the settings raises it.
    ///
    /// # Errors
    /// `NotFound`, or a fault.
    pub async fn load_settings_revision(
        &self,
        workspace: WorkspaceId,
        instance: InstanceId,
    ) -> Result<i64, Failure> {
        let row = self.fetch_optional(REVISION, values![workspace, instance]).await?;
        Ok(row.ok_or(Refusal::NotFound)?.get(0)?)
    }

    /// Of an instance that a machine names.
    ///
    /// # Errors
    /// A fault.
    pub async fn find_workspace_of(&self, instance: InstanceId) -> Result<Option<WorkspaceId>, StorageFault> {
        let row = self.fetch_optional(WORKSPACE_OF, values![instance]).await?;
        row.map(|row| row.get(0)).transpose()
    }

    /// Whether what runs was started with other settings.
    ///
    /// # Errors
    /// A fault.
    pub async fn is_restart_needed(
        &self,
        workspace: WorkspaceId,
        instance: InstanceId,
    ) -> Result<bool, StorageFault> {
        let changed = self.fetch_optional(CHANGED_SINCE, values![workspace, instance, i64::MAX]).await?;
        changed.map_or(Ok(false), |row| row.get(0))
    }
}
