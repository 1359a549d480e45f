//! The audit log, read.

mod words;

use std::collections::VecDeque;

use futures_util::stream::{Stream, try_unfold};
use stoa_domain::permission::workspace as may;
use stoa_domain::{AccountId, AdministratorPermit, AuditEventId, MemberId, Permit, Refusal, WorkspaceId};
use stoa_storage::Store;
pub use stoa_storage::audit::{AuditFilter, AuditRecord, Outcome};
pub use words::{actions, has_words, sentence};

use crate::{App, Failure};

/// Events read at once while all of them are sent.
const CHUNK: i64 = 500;

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

    /// What the installation's own chain holds, newest first: signing in, accounts, administration.
    ///
    /// # Errors
    /// A fault.
    pub async fn list_installation_audit(
        &self,
        _: &AdministratorPermit,
        before: Option<i64>,
        limit: i64,
    ) -> Result<Vec<AuditRecord>, Failure> {
        let filter = AuditFilter { before, ..AuditFilter::default() };
        Ok(self.store().list_audit(WorkspaceId::INSTALLATION, &filter, limit).await?)
    }

    /// Whose events are meant: a member is named by its id too, as the page knows it.
    ///
    /// # Errors
    /// A fault.
    pub async fn audited_account(
        &self,
        permit: &Permit<may::ReadAudit>,
        id: uuid::Uuid,
    ) -> Result<AccountId, Failure> {
        match self.store().load_member(permit.workspace(), MemberId::new(id)).await {
            Ok(member) => Ok(member.account),
            Err(stoa_storage::Failure::Refused(_)) => Ok(AccountId::new(id)),
            Err(fault) => Err(fault.into()),
        }
    }

    /// All of the workspace's events that the filter lets through, newest first. Whoever sends them on asks again and
    /// again whether it may; this only begins.
    pub fn export_audit(
        &self,
        permit: Permit<may::ReadAudit>,
        filter: AuditFilter,
    ) -> impl Stream<Item = Result<AuditRecord, Failure>> + Send + use<> {
        struct Going {
            store: Store,
            workspace: WorkspaceId,
            filter: AuditFilter,
            read: VecDeque<AuditRecord>,
        }
        let going = Going {
            store: self.store().clone(),
            workspace: permit.workspace(),
            filter,
            read: VecDeque::new(),
        };
        try_unfold(going, |mut going| async move {
            if going.read.is_empty() {
                let records = going.store.list_audit(going.workspace, &going.filter, CHUNK).await?;
                going.filter.before = records.last().map(|record| record.seq).or(going.filter.before);
                going.read.extend(records);
            }
            Ok(going.read.pop_front().map(|record| (record, going)))
        })
    }

    /// One's own events in the workspace, newest first.
    ///
    /// # Errors
    /// `Invalid` for a mark that isn't of one's own events.
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
            let seq = self.store().find_own_audit_seq(workspace, account, after).await?;
            let wrong = || Refusal::invalid("after", "invalid", "This isn't a cursor of this list.");
            filter.before = Some(seq.ok_or_else(wrong)?);
        }
        let found = self.store().list_audit(workspace, &filter, limit).await?;
        Ok(found.into_iter().map(AuditRecord::as_told).collect())
    }
}
