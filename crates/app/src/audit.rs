//! The audit log, read.

use stoa_domain::permission::workspace as may;
use stoa_domain::{AuditEventId, Permit};
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
        after: Option<AuditEventId>,
        limit: i64,
    ) -> Result<Vec<AuditRecord>, Failure> {
        let (workspace, account) = (permit.workspace(), permit.actor().account);
        filter.account = Some(account);
        // The numbers count everybody's events, so a member is never told one.
        if let Some(after) = after {
            filter.before = self.store().find_own_audit_seq(workspace, account, after).await?;
        }
        let found = self.store().list_audit(workspace, &filter, limit).await?;
        Ok(found.into_iter().map(AuditRecord::as_told).collect())
    }
}
