//! The audit log, read.

use stoa_domain::Permit;
use stoa_domain::permission::workspace as may;
pub use stoa_storage::audit::{AuditFilter, AuditRecord};

use crate::{App, Failure};

impl App {
    /// The workspace's events, newest first.
    ///
    /// # Errors
    /// A fault.
    pub async fn list_audit(
        &self,
        permit: Permit<may::ReadAudit>,
        filter: &AuditFilter,
        limit: i64,
    ) -> Result<Vec<AuditRecord>, Failure> {
        Ok(self.store().list_audit(permit.workspace(), filter, limit).await?)
    }

    /// One's own events in the workspace, newest first.
    ///
    /// # Errors
    /// A fault.
    pub async fn list_own_audit(
        &self,
        permit: Permit<may::ReadOwnAudit>,
        mut filter: AuditFilter,
        limit: i64,
    ) -> Result<Vec<AuditRecord>, Failure> {
        filter.account = Some(permit.actor().account);
        Ok(self.store().list_audit(permit.workspace(), &filter, limit).await?)
    }
}
