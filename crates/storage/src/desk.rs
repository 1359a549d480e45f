//! Members' desks: of what branch a working copy was made, and which terminals are whose.

use stoa_domain::permission::ide::{End, Merge, Open, OpenTerminal};
use stoa_domain::{AccountId, Credential, InstanceId, Permit, Refusal, TerminalId, WorkspaceId};

use crate::failure::{Failure, StorageFault};
use crate::store::{Store, Work};
use crate::values;

crate::statements! {
    INSTANCE_NAME = "SELECT name FROM instances WHERE workspace_id = $1 AND id = $2";
    AUTHOR = "SELECT name, email FROM accounts WHERE id = $1";
    KEEP_COPY = "INSERT INTO working_copies (workspace_id, instance_id, account_id, branch, base_commit, opened_at)
        VALUES ($1, $2, $3, $4, $5, $6)
        ON CONFLICT (instance_id, account_id) DO UPDATE SET branch = excluded.branch,
            base_commit = excluded.base_commit, opened_at = excluded.opened_at";
    MOVE_COPY = "UPDATE working_copies SET base_commit = $4 WHERE workspace_id = $1 AND instance_id = $2 AND account_id = $3";
    FORGET_COPY = "DELETE FROM working_copies WHERE workspace_id = $1 AND instance_id = $2 AND account_id = $3";
    FORGET_TERMINALS = "DELETE FROM terminals WHERE workspace_id = $1 AND instance_id = $2 AND account_id = $3";
    KEEP_TERMINAL = "INSERT INTO terminals (id, workspace_id, instance_id, account_id, session_id, created_at)
        VALUES ($1, $2, $3, $4, $5, $6)";
    IS_TERMINAL_OF = "SELECT EXISTS (SELECT 1 FROM terminals WHERE workspace_id = $1 AND instance_id = $2
            AND account_id = $3 AND id = $4)";
}

/// By whom commits are made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuthorRecord {
    pub name: String,
    pub email: String,
}

impl Store {
    /// # Errors
    /// `NotFound`, or a fault.
    pub async fn load_author(&self, account: AccountId) -> Result<AuthorRecord, Failure> {
        let row = self.fetch_optional(AUTHOR, values![account]).await?.ok_or(Refusal::NotFound)?;
        Ok(AuthorRecord { name: row.get(0)?, email: row.get(1)? })
    }

    /// A desk was begun: its terminals are others than those that were there.
    ///
    /// # Errors
    /// A fault.
    pub async fn open_desk(&self, permit: Permit<Open>, branch: &str, base: &str) -> Result<(), Failure> {
        let (workspace, instance, account) = (permit.workspace(), *permit.target(), permit.account());
        let (branch, base) = (branch.to_owned(), base.to_owned());
        let work: Work<()> = Box::new(move |tx| {
            let (branch, base) = (branch.clone(), base.clone());
            Box::pin(async move {
                let row = tx.fetch_optional(INSTANCE_NAME, values![workspace, instance]).await?;
                let name: String = row.ok_or(Refusal::NotFound)?.get(0)?;
                let now = tx.now();
                let (branch, base) = (branch.as_str(), base.as_str());
                tx.execute(KEEP_COPY, values![workspace, instance, account, branch, base, now]).await?;
                tx.execute(FORGET_TERMINALS, values![workspace, instance, account]).await?;
                tx.audit_name(name);
                Ok(())
            })
        });
        self.write(permit, work).await
    }

    /// Writes down that the branch was merged, or where that failed that it was tried.
    ///
    /// # Errors
    /// A fault.
    pub async fn merge_in_desk(&self, permit: Permit<Merge>, base: &str) -> Result<(), Failure> {
        let (workspace, instance, account) = (permit.workspace(), *permit.target(), permit.account());
        let base = base.to_owned();
        let work: Work<()> = Box::new(move |tx| {
            let base = base.clone();
            Box::pin(async move {
                let row = tx.fetch_optional(INSTANCE_NAME, values![workspace, instance]).await?;
                let name: String = row.ok_or(Refusal::NotFound)?.get(0)?;
                tx.execute(MOVE_COPY, values![workspace, instance, account, base.as_str()]).await?;
                tx.audit_name(name);
                Ok(())
            })
        });
        self.write(permit, work).await
    }

    /// # Errors
    /// A fault.
    pub async fn end_desk(&self, permit: Permit<End>, discard: bool) -> Result<(), Failure> {
        let (workspace, instance, account) = (permit.workspace(), *permit.target(), permit.account());
        let work: Work<()> = Box::new(move |tx| {
            Box::pin(async move {
                let row = tx.fetch_optional(INSTANCE_NAME, values![workspace, instance]).await?;
                let name: String = row.ok_or(Refusal::NotFound)?.get(0)?;
                tx.execute(FORGET_TERMINALS, values![workspace, instance, account]).await?;
                if discard {
                    tx.execute(FORGET_COPY, values![workspace, instance, account]).await?;
                }
                tx.audit_name(name);
                tx.audit_detail(format!("{{\"discard\":{discard}}}"));
                Ok(())
            })
        });
        self.write(permit, work).await
    }

    /// A new terminal, which is the account's alone.
    ///
    /// # Errors
    /// A fault.
    pub async fn open_terminal(&self, permit: Permit<OpenTerminal>) -> Result<TerminalId, Failure> {
        let (workspace, instance, account) = (permit.workspace(), *permit.target(), permit.account());
        let session = match permit.actor().credential {
            Credential::Session(session) => Some(session),
            _ => None,
        };
        let work: Work<TerminalId> = Box::new(move |tx| {
            Box::pin(async move {
                let row = tx.fetch_optional(INSTANCE_NAME, values![workspace, instance]).await?;
                let name: String = row.ok_or(Refusal::NotFound)?.get(0)?;
                let (id, now) = (tx.new_id(), tx.now());
                tx.execute(KEEP_TERMINAL, values![id, workspace, instance, account, session, now]).await?;
                tx.audit_name(name);
                Ok(TerminalId::new(id))
            })
        });
        self.write(permit, work).await
    }

    /// Whether the account has opened it.
    ///
    /// # Errors
    /// A fault.
    pub async fn is_terminal_of(
        &self,
        workspace: WorkspaceId,
        instance: InstanceId,
        account: AccountId,
        terminal: TerminalId,
    ) -> Result<bool, StorageFault> {
        let values = values![workspace, instance, account, terminal];
        let row = self.fetch_optional(IS_TERMINAL_OF, values).await?;
        row.map_or(Ok(false), |row| row.get(0))
    }

    /// What was committed in a desk leaves nothing in the records but that it was.
    ///
    /// # Errors
    /// A fault.
    pub async fn record_commit(
        &self,
        permit: Permit<stoa_domain::permission::ide::Commit>,
        commit: &str,
    ) -> Result<(), Failure> {
        let (workspace, instance) = (permit.workspace(), *permit.target());
        let detail = format!("{{\"commit\":\"{commit}\"}}");
        let work: Work<()> = Box::new(move |tx| {
            let detail = detail.clone();
            Box::pin(async move {
                let row = tx.fetch_optional(INSTANCE_NAME, values![workspace, instance]).await?;
                tx.audit_name(row.ok_or(Refusal::NotFound)?.get::<String>(0)?);
                tx.audit_detail(detail);
                Ok(())
            })
        });
        self.write(permit, work).await
    }
}
