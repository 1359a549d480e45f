//! What a machine is told of an instance, and what of a job it is told with.

use stoa_domain::instance::{Stage, Wish};
use stoa_domain::settings::{HealthCheck, Limits};
use stoa_domain::{AccountId, InstanceId, ProjectId, Refusal, WorkspaceId};

use crate::failure::{Failure, StorageFault};
use crate::page::{stage, wish};
use crate::store::Store;
use crate::values;

crate::statements! {
    FORM = "SELECT i.project_id, i.os_user, i.wish, i.slug, p.slug, w.slug, i.stage,
            (SELECT MIN(h.host) FROM hosts h WHERE h.instance_id = i.id AND h.kind = 'given'),
            i.is_mail_off, i.memory_limit, i.processor_limit, i.processes_limit, i.disk_limit, i.health
        FROM instances i JOIN projects p ON p.id = i.project_id
        JOIN workspace_slugs w ON w.workspace_id = i.workspace_id AND w.is_current
        WHERE i.workspace_id = $1 AND i.id = $2";
    ACCOUNT_NAME = "SELECT name FROM accounts WHERE id = $1";
}

#[derive(Debug, Clone)]
pub struct FormRecord {
    pub project: ProjectId,
    pub os_user: i64,
    pub wish: Wish,
    pub slug: String,
    pub project_slug: String,
    pub workspace_slug: String,
    pub stage: Stage,
    pub host: String,
    /// Whether it is told to send no mail.
    pub is_mail_off: bool,
    pub limits: Limits,
    /// `None`: as the application says.
    pub health: Option<HealthCheck>,
}

impl Store {
    /// # Errors
    /// `NotFound`, or a fault.
    pub async fn load_form(
        &self,
        workspace: WorkspaceId,
        instance: InstanceId,
    ) -> Result<FormRecord, Failure> {
        let row = self.fetch_optional(FORM, values![workspace, instance]).await?.ok_or(Refusal::NotFound)?;
        let health = match row.get::<Option<String>>(13)? {
            None => None,
            Some(text) => Some(HealthCheck::from_text(&text).ok_or(StorageFault::Unknown(text))?),
        };
        Ok(FormRecord {
            project: row.get(0)?,
            os_user: row.get(1)?,
            wish: wish(&row, 2)?,
            slug: row.get(3)?,
            project_slug: row.get(4)?,
            workspace_slug: row.get(5)?,
            stage: stage(&row, 6)?,
            host: row.get::<Option<String>>(7)?.unwrap_or_default(),
            is_mail_off: row.get(8)?,
            limits: Limits {
                memory: row.get(9)?,
                processor: row.get(10)?,
                processes: row.get(11)?,
                disk: row.get(12)?,
            },
            health,
        })
    }

    /// What an account is called: for work that goes on in its name.
    ///
    /// # Errors
    /// A fault.
    pub async fn find_account_name(&self, account: AccountId) -> Result<Option<String>, StorageFault> {
        let row = self.fetch_optional(ACCOUNT_NAME, values![account]).await?;
        row.map(|row| row.get(0)).transpose()
    }
}
