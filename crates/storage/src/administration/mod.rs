//! What administrators see of the installation: workspaces from outside, accounts, and how it stands.
//!
//! Of a workspace no more is read than its name, its slug, its owners and how large it is.

pub mod change;

use std::collections::HashMap;

use stoa_domain::name::sorted_as;
use stoa_domain::{AccountId, ReplicaId, Timestamp, WorkspaceId};

use crate::failure::{Failure, StorageFault};
use crate::row::Row;
use crate::store::Store;
use crate::values;

crate::statements! {
    WORKSPACES = "SELECT w.id, s.slug, w.name, w.created_at,
            (SELECT COUNT(*) FROM members x WHERE x.workspace_id = w.id),
            (SELECT COUNT(*) FROM projects x WHERE x.workspace_id = w.id),
            (SELECT COUNT(*) FROM servers x WHERE x.workspace_id = w.id),
            (SELECT COUNT(*) FROM instances x WHERE x.workspace_id = w.id)
        FROM workspaces w JOIN workspace_slugs s ON s.workspace_id = w.id AND s.is_current
        WHERE (w.sorted_as, w.id) > ($1, $2) ORDER BY w.sorted_as, w.id LIMIT $3";
    WORKSPACE = "SELECT w.id, s.slug, w.name, w.created_at,
            (SELECT COUNT(*) FROM members x WHERE x.workspace_id = w.id),
            (SELECT COUNT(*) FROM projects x WHERE x.workspace_id = w.id),
            (SELECT COUNT(*) FROM servers x WHERE x.workspace_id = w.id),
            (SELECT COUNT(*) FROM instances x WHERE x.workspace_id = w.id)
        FROM workspaces w JOIN workspace_slugs s ON s.workspace_id = w.id AND s.is_current WHERE w.id = $1";
    /// The owners of the workspaces from one to another, in the order of the list.
    OWNERS = "SELECT m.workspace_id, a.id, a.name, a.email, a.status FROM members m
        JOIN accounts a ON a.id = m.account_id JOIN workspaces w ON w.id = m.workspace_id
        WHERE m.role = 'owner' AND (w.sorted_as, w.id) >= ($1, $2) AND (w.sorted_as, w.id) <= ($3, $4)
        ORDER BY a.sorted_as, a.id";
    ACCOUNTS = "SELECT a.id, a.name, a.email, a.email_verified_at, a.is_admin, a.status, a.created_at, a.last_seen_at,
            (SELECT COUNT(*) FROM members x WHERE x.account_id = a.id)
        FROM accounts a WHERE a.status <> 'deleted' AND (a.sorted_as, a.id) > ($1, $2)
        ORDER BY a.sorted_as, a.id LIMIT $3";
    ACCOUNT = "SELECT a.id, a.name, a.email, a.email_verified_at, a.is_admin, a.status, a.created_at, a.last_seen_at,
            (SELECT COUNT(*) FROM members x WHERE x.account_id = a.id)
        FROM accounts a WHERE a.status <> 'deleted' AND a.id = $1";
    ACCOUNT_BY_EMAIL = "SELECT id FROM accounts WHERE status <> 'deleted' AND email_canonical = $1";
    /// Workspaces that would have no active owner without the account.
    LAST_OWNER_OF = "SELECT s.slug, w.name FROM members m JOIN workspaces w ON w.id = m.workspace_id
        JOIN workspace_slugs s ON s.workspace_id = w.id AND s.is_current
        WHERE m.account_id = $1 AND m.role = 'owner' AND NOT EXISTS (SELECT 1 FROM members o
            JOIN accounts b ON b.id = o.account_id
            WHERE o.workspace_id = m.workspace_id AND o.role = 'owner' AND b.status = 'active' AND o.account_id <> $1)
        ORDER BY w.sorted_as, w.id LIMIT 200";
    WAITING_MAILS = "SELECT COUNT(*), MIN(created_at) FROM mails WHERE status = 'waiting'";
    MAIL_ERROR = "SELECT last_error, status, created_at FROM mails
        WHERE last_error IS NOT NULL AND status IN ('waiting', 'refused') ORDER BY id DESC LIMIT 1";
    DATABASE_SIZE = "SELECT CAST(c.page_count * s.page_size AS BIGINT) FROM pragma_page_count() c, pragma_page_size() s"
        | "SELECT pg_database_size(current_database())" because "each database counts itself in its own words";
    COUNTS = "SELECT (SELECT COUNT(*) FROM accounts WHERE status = 'active'), (SELECT COUNT(*) FROM workspaces),
        (SELECT COUNT(*) FROM instances)";
    REPLICAS = "SELECT id, name, internal_url, seen_at FROM replicas ORDER BY name, id";
}

/// A workspace as its installation's administrators see it.
#[derive(Debug, Clone)]
pub struct AdministeredWorkspace {
    pub id: WorkspaceId,
    pub slug: String,
    pub name: String,
    pub created_at: Timestamp,
    pub owners: Vec<OwnerOfWorkspace>,
    pub members: i64,
    pub projects: i64,
    pub servers: i64,
    pub instances: i64,
}

#[derive(Debug, Clone)]
pub struct OwnerOfWorkspace {
    pub id: AccountId,
    pub name: String,
    pub email: String,
    pub is_active: bool,
}

/// An account as administrators see it.
#[derive(Debug, Clone)]
pub struct AdministeredAccount {
    pub id: AccountId,
    pub name: String,
    pub email: String,
    pub email_verified: bool,
    pub is_admin: bool,
    pub is_active: bool,
    pub created_at: Timestamp,
    pub last_seen_at: Option<Timestamp>,
    /// In how many it is a member.
    pub workspaces: i64,
}

/// A workspace by its names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NamedWorkspace {
    pub slug: String,
    pub name: String,
}

/// The newest mail that didn't go.
#[derive(Debug, Clone)]
pub struct MailTrouble {
    pub error: String,
    pub is_given_up: bool,
    pub queued_at: Timestamp,
}

/// What the records say of the installation.
#[derive(Debug, Clone)]
pub struct RecordsState {
    pub waiting_mails: i64,
    pub waiting_since: Option<Timestamp>,
    pub mail_trouble: Option<MailTrouble>,
    /// Bytes.
    pub database_size: i64,
    pub accounts: i64,
    pub workspaces: i64,
    pub instances: i64,
    pub replicas: Vec<ReplicaState>,
}

#[derive(Debug, Clone)]
pub struct ReplicaState {
    pub id: ReplicaId,
    pub name: String,
    pub internal_url: Option<String>,
    pub seen_at: Timestamp,
}

fn read_workspace(row: &Row) -> Result<AdministeredWorkspace, StorageFault> {
    Ok(AdministeredWorkspace {
        id: row.get(0)?,
        slug: row.get(1)?,
        name: row.get(2)?,
        created_at: row.get(3)?,
        owners: Vec::new(),
        members: row.get(4)?,
        projects: row.get(5)?,
        servers: row.get(6)?,
        instances: row.get(7)?,
    })
}

fn read_account(row: &Row) -> Result<AdministeredAccount, StorageFault> {
    Ok(AdministeredAccount {
        id: row.get(0)?,
        name: row.get(1)?,
        email: row.get(2)?,
        email_verified: row.get::<Option<Timestamp>>(3)?.is_some(),
        is_admin: row.get(4)?,
        is_active: row.get::<String>(5)? == "active",
        created_at: row.get(6)?,
        last_seen_at: row.get(7)?,
        workspaces: row.get(8)?,
    })
}

impl Store {
    /// Workspaces by name, after the one with this name and id.
    ///
    /// # Errors
    /// A fault.
    pub async fn list_administered_workspaces(
        &self,
        after: (&str, WorkspaceId),
        limit: i64,
    ) -> Result<Vec<AdministeredWorkspace>, StorageFault> {
        let rows = self.fetch_all(WORKSPACES, values![sorted_as(after.0), after.1, limit]).await?;
        let found = rows.iter().map(read_workspace).collect::<Result<Vec<_>, _>>()?;
        self.with_their_owners(found).await
    }

    /// # Errors
    /// A fault.
    pub async fn find_administered_workspace(
        &self,
        id: WorkspaceId,
    ) -> Result<Option<AdministeredWorkspace>, StorageFault> {
        let row = self.fetch_optional(WORKSPACE, values![id]).await?;
        let found = row.as_ref().map(read_workspace).transpose()?.into_iter().collect();
        Ok(self.with_their_owners(found).await?.pop())
    }

    /// `found` is a stretch of the list.
    async fn with_their_owners(
        &self,
        mut found: Vec<AdministeredWorkspace>,
    ) -> Result<Vec<AdministeredWorkspace>, StorageFault> {
        let (Some(first), Some(last)) = (found.first(), found.last()) else { return Ok(found) };
        let range = values![sorted_as(&first.name), first.id, sorted_as(&last.name), last.id];
        let mut owners: HashMap<WorkspaceId, Vec<OwnerOfWorkspace>> = HashMap::new();
        for row in self.fetch_all(OWNERS, range).await? {
            owners.entry(row.get(0)?).or_default().push(OwnerOfWorkspace {
                id: row.get(1)?,
                name: row.get(2)?,
                email: row.get(3)?,
                is_active: row.get::<String>(4)? == "active",
            });
        }
        for workspace in &mut found {
            workspace.owners = owners.remove(&workspace.id).unwrap_or_default();
        }
        Ok(found)
    }

    /// Accounts by name, after the one with this name and id.
    ///
    /// # Errors
    /// A fault.
    pub async fn list_administered_accounts(
        &self,
        after: (&str, AccountId),
        limit: i64,
    ) -> Result<Vec<AdministeredAccount>, StorageFault> {
        let rows = self.fetch_all(ACCOUNTS, values![sorted_as(after.0), after.1, limit]).await?;
        rows.iter().map(read_account).collect()
    }

    /// # Errors
    /// A fault.
    pub async fn find_administered_account(
        &self,
        id: AccountId,
    ) -> Result<Option<AdministeredAccount>, StorageFault> {
        self.fetch_optional(ACCOUNT, values![id]).await?.as_ref().map(read_account).transpose()
    }

    /// The account that has this address.
    ///
    /// # Errors
    /// A fault.
    pub async fn find_account_id(&self, email_canonical: &str) -> Result<Option<AccountId>, StorageFault> {
        let row = self.fetch_optional(ACCOUNT_BY_EMAIL, values![email_canonical]).await?;
        row.map(|row| row.get(0)).transpose()
    }

    /// The workspaces that have no active owner beside the account; 200 at most.
    ///
    /// # Errors
    /// A fault.
    pub async fn list_last_owned(&self, account: AccountId) -> Result<Vec<NamedWorkspace>, StorageFault> {
        let rows = self.fetch_all(LAST_OWNER_OF, values![account]).await?;
        rows.iter().map(|row| Ok(NamedWorkspace { slug: row.get(0)?, name: row.get(1)? })).collect()
    }

    /// # Errors
    /// A fault.
    pub async fn load_records_state(&self) -> Result<RecordsState, Failure> {
        let one = |row: Option<Row>| row.ok_or(StorageFault::Database(sqlx::Error::RowNotFound));
        let waiting = one(self.fetch_optional(WAITING_MAILS, vec![]).await?)?;
        let trouble = self.fetch_optional(MAIL_ERROR, vec![]).await?;
        let mail_trouble = trouble.map(|row| {
            Ok::<_, StorageFault>(MailTrouble {
                error: row.get(0)?,
                is_given_up: row.get::<String>(1)? == "refused",
                queued_at: row.get(2)?,
            })
        });
        let counts = one(self.fetch_optional(COUNTS, vec![]).await?)?;
        let size = one(self.fetch_optional(DATABASE_SIZE, vec![]).await?)?;
        let replicas = self.fetch_all(REPLICAS, vec![]).await?;
        let replicas = replicas.iter().map(|row| {
            Ok::<_, StorageFault>(ReplicaState {
                id: row.get(0)?,
                name: row.get(1)?,
                internal_url: row.get::<Option<String>>(2)?.filter(|url| !url.is_empty()),
                seen_at: row.get(3)?,
            })
        });
        Ok(RecordsState {
            waiting_mails: waiting.get(0)?,
            waiting_since: waiting.get(1)?,
            mail_trouble: mail_trouble.transpose()?,
            database_size: size.get(0)?,
            accounts: counts.get(0)?,
            workspaces: counts.get(1)?,
            instances: counts.get(2)?,
            replicas: replicas.collect::<Result<_, _>>()?,
        })
    }
}
