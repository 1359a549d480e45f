//! How the installation stands: mail, storage, replicas, and what its operator should know.

use stoa_domain::AdministratorPermit;

use super::RecordsState;
use crate::ports::DiskUse;
use crate::settings::{MailRoute, Note, WorkspaceCreation};
use crate::{App, Failure};

pub struct InstallationState {
    pub version: &'static str,
    pub public_url: String,
    pub instance_domain: String,
    pub workspace_creation: WorkspaceCreation,
    pub is_sqlite: bool,
    pub mail_route: Option<MailRoute>,
    pub records: RecordsState,
    /// `None` where the folders can't be read, which is in the log.
    pub disk: Option<DiskUse>,
    pub notes: Vec<Note>,
}

impl App {
    /// # Errors
    /// A fault.
    pub async fn view_installation(&self, _: &AdministratorPermit) -> Result<InstallationState, Failure> {
        let settings = self.settings();
        let disk = match self.outside().folders.disk_use().await {
            Ok(disk) => Some(disk),
            Err(fault) => {
                tracing::warn!(fault = %fault.chain(), "the data folders can't be measured");
                None
            }
        };
        let mut notes = settings.notes.clone();
        let trouble = self.trouble_of_public_certificate().await?;
        notes.extend(trouble.map(|detail| Note { code: "no_certificate", detail }));
        Ok(InstallationState {
            version: settings.version,
            public_url: settings.public_url.clone(),
            instance_domain: settings.instance_domain.clone(),
            workspace_creation: settings.workspace_creation,
            is_sqlite: self.store().is_sqlite(),
            mail_route: settings.mail_route.clone(),
            records: self.store().load_records_state().await?,
            disk,
            notes,
        })
    }
}
