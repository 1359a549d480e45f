//! Personal access tokens: an account's standing for a script or git, never more than the account has.

use stoa_domain::{
    AccountId, AccountPermit, Action, ActionSet, Refusal, ResourceKind, SystemPermit, Timestamp, TokenId,
    TokenLimits, WorkspaceId,
};

use crate::failure::{Failure, StorageFault};
use crate::row::Row;
use crate::store::{Store, Work};
use crate::values;

crate::statements! {
    INSERT = "INSERT INTO tokens (id, account_id, name, token_hash, last4, limits_actions, limits_workspaces, created_at,
            expires_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)";
    INSERT_ACTION = "INSERT INTO token_actions (token_id, action) VALUES ($1, $2) ON CONFLICT DO NOTHING";
    INSERT_WORKSPACE = "INSERT INTO token_workspaces (token_id, workspace_id) VALUES ($1, $2) ON CONFLICT DO NOTHING";
    IS_MEMBER = "SELECT id FROM members WHERE workspace_id = $1 AND account_id = $2";
    FIND = "SELECT t.id, t.account_id, a.name, a.is_admin, a.revision, t.limits_actions, t.limits_workspaces, t.last_used_at
        FROM tokens t JOIN accounts a ON a.id = t.account_id
        WHERE t.token_hash = $1 AND (t.expires_at IS NULL OR t.expires_at > $2) AND a.status = 'active'";
    IS_ALIVE = "SELECT t.id FROM tokens t JOIN accounts a ON a.id = t.account_id
        WHERE t.id = $1 AND (t.expires_at IS NULL OR t.expires_at > $2) AND a.status = 'active'";
    ACTIONS = "SELECT action FROM token_actions WHERE token_id = $1 ORDER BY action";
    WORKSPACES = "SELECT workspace_id FROM token_workspaces WHERE token_id = $1 ORDER BY workspace_id";
    TOUCH = "UPDATE tokens SET last_used_at = $2 WHERE id = $1";
    LIST = "SELECT id, name, last4, limits_actions, limits_workspaces, created_at, expires_at, last_used_at FROM tokens
        WHERE account_id = $1 AND id < $2 ORDER BY id DESC LIMIT $3";
    ONE = "SELECT id, name, last4, limits_actions, limits_workspaces, created_at, expires_at, last_used_at FROM tokens
        WHERE account_id = $1 AND id = $2";
    DELETE = "DELETE FROM tokens WHERE id = $1 AND account_id = $2";
}

#[derive(Clone)]
pub struct NewToken {
    pub id: TokenId,
    pub name: String,
    pub token_hash: Vec<u8>,
    pub last4: String,
    pub actions: Option<ActionSet>,
    pub workspaces: Option<Vec<WorkspaceId>>,
    pub expires_at: Option<Timestamp>,
}

/// A token that counts, with its account.
#[derive(Debug, Clone)]
pub struct TokenRecord {
    pub id: TokenId,
    pub account: AccountId,
    pub name: String,
    pub is_admin: bool,
    pub revision: i64,
    pub limits: TokenLimits,
    pub last_used_at: Option<Timestamp>,
}

#[derive(Debug, Clone)]
pub struct ListedToken {
    pub id: TokenId,
    pub name: String,
    pub last4: String,
    pub actions: Option<Vec<String>>,
    pub workspaces: Option<Vec<WorkspaceId>>,
    pub created_at: Timestamp,
    pub expires_at: Option<Timestamp>,
    pub last_used_at: Option<Timestamp>,
}

impl Store {
    /// # Errors
    /// A fault.
    pub async fn find_token(&self, token_hash: &[u8]) -> Result<Option<TokenRecord>, StorageFault> {
        let Some(row) = self.fetch_optional(FIND, values![token_hash, self.now()]).await? else {
            return Ok(None);
        };
        let id = row.get::<TokenId>(0)?;
        let mut limits = TokenLimits::default();
        if row.get(5)? {
            let keys = self.token_actions(id).await?;
            let actions: Option<ActionSet> = keys
                .iter()
                .map(|key| Action::from_key(key))
                .collect::<Option<Vec<_>>>()
                .map(ActionSet::from_iter);
            limits.actions = Some(actions.ok_or_else(|| StorageFault::Unknown(keys.join(" ")))?);
        }
        if row.get(6)? {
            limits.workspaces = Some(self.token_workspaces(id).await?);
        }
        Ok(Some(TokenRecord {
            id,
            account: row.get(1)?,
            name: row.get(2)?,
            is_admin: row.get(3)?,
            revision: row.get(4)?,
            limits,
            last_used_at: row.get(7)?,
        }))
    }

    /// # Errors
    /// A fault.
    pub async fn is_token_alive(&self, id: TokenId) -> Result<bool, StorageFault> {
        Ok(self.fetch_optional(IS_ALIVE, values![id, self.now()]).await?.is_some())
    }

    async fn token_actions(&self, id: TokenId) -> Result<Vec<String>, StorageFault> {
        self.fetch_all(ACTIONS, values![id]).await?.iter().map(|row| row.get(0)).collect()
    }

    async fn token_workspaces(&self, id: TokenId) -> Result<Vec<WorkspaceId>, StorageFault> {
        self.fetch_all(WORKSPACES, values![id]).await?.iter().map(|row| row.get(0)).collect()
    }

    /// Whether the workspace is one of the account's.
    ///
    /// # Errors
    /// A fault.
    pub async fn is_workspace_of(
        &self,
        account: AccountId,
        workspace: WorkspaceId,
    ) -> Result<bool, StorageFault> {
        Ok(self.fetch_optional(IS_MEMBER, values![workspace, account]).await?.is_some())
    }

    /// # Errors
    /// `Invalid` where a workspace isn't one of the account's.
    pub async fn create_token(&self, permit: AccountPermit, new: NewToken) -> Result<(), Failure> {
        let account = permit.actor().account;
        let work: Work<()> = Box::new(move |tx| {
            let new = new.clone();
            Box::pin(async move {
                let now = tx.now();
                tx.audit_resource(ResourceKind::Token, new.id.uuid(), new.name.clone());
                tx.execute(
                    INSERT,
                    values![
                        new.id,
                        account,
                        new.name,
                        new.token_hash,
                        new.last4,
                        new.actions.is_some(),
                        new.workspaces.is_some(),
                        now,
                        new.expires_at,
                    ],
                )
                .await?;
                for action in new.actions.unwrap_or_default().iter() {
                    tx.execute(INSERT_ACTION, values![new.id, action.key()]).await?;
                }
                for workspace in new.workspaces.unwrap_or_default() {
                    if tx.fetch_optional(IS_MEMBER, values![workspace, account]).await?.is_none() {
                        return Err(Refusal::invalid(
                            "workspaces",
                            "unknown",
                            "This isn't one of your workspaces.",
                        )
                        .into());
                    }
                    tx.execute(INSERT_WORKSPACE, values![new.id, workspace]).await?;
                }
                Ok(())
            })
        });
        self.write(permit, work).await
    }

    /// Newest first, older than the one that is named.
    ///
    /// # Errors
    /// A fault.
    pub async fn list_tokens(
        &self,
        account: AccountId,
        before: Option<TokenId>,
        limit: i64,
    ) -> Result<Vec<ListedToken>, StorageFault> {
        let before = before.unwrap_or(TokenId::new(uuid::Uuid::max()));
        let mut tokens = Vec::new();
        for row in self.fetch_all(LIST, values![account, before, limit]).await? {
            tokens.push(self.listed(&row).await?);
        }
        Ok(tokens)
    }

    /// # Errors
    /// `NotFound` where the account has no such token.
    pub async fn load_token(&self, account: AccountId, id: TokenId) -> Result<ListedToken, Failure> {
        let row = self.fetch_optional(ONE, values![account, id]).await?.ok_or(Refusal::NotFound)?;
        Ok(self.listed(&row).await?)
    }

    async fn listed(&self, row: &Row) -> Result<ListedToken, StorageFault> {
        let id = row.get::<TokenId>(0)?;
        Ok(ListedToken {
            id,
            name: row.get(1)?,
            last4: row.get(2)?,
            actions: if row.get(3)? { Some(self.token_actions(id).await?) } else { None },
            workspaces: if row.get(4)? { Some(self.token_workspaces(id).await?) } else { None },
            created_at: row.get(5)?,
            expires_at: row.get(6)?,
            last_used_at: row.get(7)?,
        })
    }

    /// # Errors
    /// `NotFound` where the account has no such token.
    pub async fn delete_token(&self, permit: AccountPermit, id: TokenId) -> Result<(), Failure> {
        let account = permit.actor().account;
        let work: Work<()> = Box::new(move |tx| {
            Box::pin(async move {
                tx.audit_resource(ResourceKind::Token, id.uuid(), "");
                if tx.execute(DELETE, values![id, account]).await? == 0 {
                    return Err(Refusal::NotFound.into());
                }
                tx.touched.accounts.push(account);
                Ok(())
            })
        });
        self.write(permit, work).await
    }

    /// Remembers that the token was used; called at most once a minute.
    ///
    /// # Errors
    /// A fault.
    pub async fn touch_token(&self, id: TokenId) -> Result<(), Failure> {
        let permit = SystemPermit::new(WorkspaceId::INSTALLATION, "token.touch", None, None);
        let work: Work<()> = Box::new(move |tx| {
            Box::pin(async move {
                tx.audit_nothing();
                let now = tx.now();
                tx.execute(TOUCH, values![id, now]).await?;
                Ok(())
            })
        });
        self.write(permit, work).await
    }
}
