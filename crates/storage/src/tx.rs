//! A transaction of either database, and the statements that run in it.

use std::sync::Arc;

use sqlx::sqlite::SqliteConnection;
use sqlx::{PgConnection, Postgres, Sqlite};
use stoa_domain::{AccountId, Timestamp, WorkspaceId};

use crate::failure::StorageFault;
use crate::row::Row;
use crate::statement::Statement;
use crate::value::{Kind, Value};

/// What a write changes besides rows: told to whoever holds standings in memory or follows events.
#[derive(Debug, Clone, Default)]
pub struct Touched {
    /// Memberships whose access changed.
    pub members: Vec<(WorkspaceId, AccountId)>,
    /// Workspaces of which every membership may have changed.
    pub workspaces: Vec<WorkspaceId>,
    /// Accounts whose status, password, sessions or tokens changed.
    pub accounts: Vec<AccountId>,
    /// Workspaces with new events.
    pub events: Vec<WorkspaceId>,
    /// A job or a mail waits.
    pub jobs: bool,
    pub mails: bool,
}

impl Touched {
    pub(crate) fn merge(&mut self, other: Self) {
        self.members.extend(other.members);
        self.workspaces.extend(other.workspaces);
        self.accounts.extend(other.accounts);
        self.events.extend(other.events);
        self.jobs |= other.jobs;
        self.mails |= other.mails;
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.members.is_empty()
            && self.workspaces.is_empty()
            && self.accounts.is_empty()
            && self.events.is_empty()
            && !self.jobs
            && !self.mails
    }
}

/// Extra words for the audit event of the write.
#[derive(Debug, Clone, Default)]
pub(crate) struct AuditWords {
    pub resource: Option<stoa_domain::Resource>,
    pub resource_name: Option<String>,
    pub second_name: Option<String>,
    pub detail: Option<String>,
    pub silent: bool,
    pub action: Option<&'static str>,
    pub workspace: Option<WorkspaceId>,
    pub actor: Option<stoa_domain::Actor>,
}

pub(crate) enum Connection<'c> {
    Sqlite(&'c mut SqliteConnection),
    Postgres(&'c mut PgConnection),
}

/// An open transaction. Only the store makes one, from an authority.
pub struct Tx<'c> {
    pub(crate) connection: Connection<'c>,
    pub(crate) now: Timestamp,
    pub(crate) ids: Arc<dyn crate::store::NewIds>,
    pub touched: Touched,
    pub(crate) audit: AuditWords,
    pub(crate) chains: crate::audit::ChainEnds,
    pub(crate) later: crate::later::Later,
    /// Whether a statement ran that may have changed something.
    pub(crate) has_written: bool,
}

impl Connection<'_> {
    pub(crate) async fn execute(
        &mut self,
        statement: Statement,
        values: Vec<Value>,
    ) -> Result<u64, StorageFault> {
        Ok(match self {
            Self::Sqlite(c) => bind_sqlite(statement, values).execute(&mut **c).await?.rows_affected(),
            Self::Postgres(c) => bind_postgres(statement, values).execute(&mut **c).await?.rows_affected(),
        })
    }

    pub(crate) async fn fetch_all(
        &mut self,
        statement: Statement,
        values: Vec<Value>,
    ) -> Result<Vec<Row>, StorageFault> {
        Ok(match self {
            Self::Sqlite(c) => {
                let rows = bind_sqlite(statement, values).fetch_all(&mut **c).await?;
                rows.into_iter().map(Row::Sqlite).collect()
            }
            Self::Postgres(c) => {
                let rows = bind_postgres(statement, values).fetch_all(&mut **c).await?;
                rows.into_iter().map(Row::Postgres).collect()
            }
        })
    }
}

pub(crate) fn bind_sqlite(
    statement: Statement,
    values: Vec<Value>,
) -> sqlx::query::Query<'static, Sqlite, sqlx::sqlite::SqliteArguments> {
    bound_to_sqlite(sqlx::query(statement.sqlite), values)
}

pub(crate) fn bound_to_sqlite<'q>(
    mut query: sqlx::query::Query<'q, Sqlite, sqlx::sqlite::SqliteArguments>,
    values: impl IntoIterator<Item = Value>,
) -> sqlx::query::Query<'q, Sqlite, sqlx::sqlite::SqliteArguments> {
    for value in values {
        query = match value {
            Value::Uuid(v) => query.bind(v),
            Value::Text(v) => query.bind(v),
            Value::Bool(v) => query.bind(v),
            Value::Int(v) => query.bind(v),
            Value::Bytes(v) => query.bind(v),
            Value::Null(_) => query.bind(None::<i64>),
        };
    }
    query
}

pub(crate) fn bind_postgres(
    statement: Statement,
    values: Vec<Value>,
) -> sqlx::query::Query<'static, Postgres, sqlx::postgres::PgArguments> {
    bound_to_postgres(sqlx::query(statement.postgres), values)
}

pub(crate) fn bound_to_postgres<'q>(
    mut query: sqlx::query::Query<'q, Postgres, sqlx::postgres::PgArguments>,
    values: impl IntoIterator<Item = Value>,
) -> sqlx::query::Query<'q, Postgres, sqlx::postgres::PgArguments> {
    for value in values {
        query = match value {
            Value::Uuid(v) => query.bind(v),
            Value::Text(v) => query.bind(v),
            Value::Bool(v) => query.bind(v),
            Value::Int(v) => query.bind(v),
            Value::Bytes(v) => query.bind(v),
            Value::Null(Kind::Uuid) => query.bind(None::<uuid::Uuid>),
            Value::Null(Kind::Text) => query.bind(None::<String>),
            Value::Null(Kind::Bool) => query.bind(None::<bool>),
            Value::Null(Kind::Int) => query.bind(None::<i64>),
            Value::Null(Kind::Bytes) => query.bind(None::<Vec<u8>>),
        };
    }
    query
}

impl Tx<'_> {
    /// The moment of this write, one for all of its rows.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.now
    }

    /// A new identifier.
    #[must_use]
    pub fn new_id(&self) -> uuid::Uuid {
        self.ids.new_id(self.now)
    }

    pub(crate) async fn execute(
        &mut self,
        statement: Statement,
        values: Vec<Value>,
    ) -> Result<u64, StorageFault> {
        self.precede(&statement).await?;
        self.has_written = true;
        self.connection.execute(statement, values).await
    }

    /// Inserts one row that no other statement has to find, where it can be done with others: on SQLite before the
    /// commit, or before what does have to find it.
    pub(crate) async fn insert_later(
        &mut self,
        statement: Statement,
        values: Vec<Value>,
    ) -> Result<(), StorageFault> {
        self.has_written = true;
        match self.connection {
            Connection::Sqlite(_) => self.later.push(statement, values),
            Connection::Postgres(_) => {
                self.connection.execute(statement, values).await?;
            }
        }
        Ok(())
    }

    async fn precede(&mut self, statement: &Statement) -> Result<(), StorageFault> {
        match &mut self.connection {
            Connection::Sqlite(c) if self.later.must_precede(statement) => self.later.write(c).await,
            _ => Ok(()),
        }
    }

    pub(crate) async fn fetch_optional(
        &mut self,
        statement: Statement,
        values: Vec<Value>,
    ) -> Result<Option<Row>, StorageFault> {
        self.precede(&statement).await?;
        self.has_written |= !statement.only_reads();
        Ok(match &mut self.connection {
            Connection::Sqlite(c) => {
                bind_sqlite(statement, values).fetch_optional(&mut **c).await?.map(Row::Sqlite)
            }
            Connection::Postgres(c) => {
                bind_postgres(statement, values).fetch_optional(&mut **c).await?.map(Row::Postgres)
            }
        })
    }

    pub(crate) async fn fetch_one(
        &mut self,
        statement: Statement,
        values: Vec<Value>,
    ) -> Result<Row, StorageFault> {
        let row = self.fetch_optional(statement, values).await?;
        row.ok_or(StorageFault::Database(sqlx::Error::RowNotFound))
    }

    pub(crate) async fn fetch_all(
        &mut self,
        statement: Statement,
        values: Vec<Value>,
    ) -> Result<Vec<Row>, StorageFault> {
        self.precede(&statement).await?;
        self.has_written |= !statement.only_reads();
        self.connection.fetch_all(statement, values).await
    }

    /// The name of what the write is about, for the audit event.
    pub fn audit_name(&mut self, name: impl Into<String>) {
        self.audit.resource_name = Some(name.into());
    }

    /// What the write is about, where it isn't what was decided on: the thing that it makes.
    pub fn audit_resource(
        &mut self,
        kind: stoa_domain::ResourceKind,
        id: uuid::Uuid,
        name: impl Into<String>,
    ) {
        self.audit.resource = Some(stoa_domain::Resource { kind, id });
        self.audit.resource_name = Some(name.into());
    }

    /// A second person or thing.
    pub fn audit_second(&mut self, name: impl Into<String>) {
        self.audit.second_name = Some(name.into());
    }

    /// Details as a JSON object. Never a secret.
    pub fn audit_detail(&mut self, json: String) {
        self.audit.detail = Some(json);
    }

    /// Another name than the authority's operation, where one operation does two things.
    pub fn audit_action(&mut self, action: &'static str) {
        self.audit.action = Some(action);
    }

    /// The workspace whose chain the event belongs to, where the authority doesn't know it yet: an
    /// invitation's, a new workspace's.
    pub fn audit_in(&mut self, workspace: WorkspaceId) {
        self.audit.workspace = Some(workspace);
    }

    /// Who it was, where the authority doesn't know: whoever has just signed in or made an account.
    pub fn audit_actor(&mut self, actor: stoa_domain::Actor) {
        self.audit.actor = Some(actor);
    }

    /// No audit event: for writes that keep house and change nothing that a person did.
    pub fn audit_nothing(&mut self) {
        self.audit.silent = true;
    }
}
