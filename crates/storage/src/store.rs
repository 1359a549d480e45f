//! The two databases behind one type: reading by statements, writing through one door.

use std::path::Path;
use std::str::FromStr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use futures_util::future::BoxFuture;
use sqlx::postgres::{PgConnectOptions, PgPool, PgPoolOptions};
use sqlx::sqlite::{
    SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqlitePoolOptions, SqliteSynchronous,
};
use sqlx::{ConnectOptions as _, Connection as _};
use stoa_domain::{Authority, ReplicaId, SystemPermit, Timestamp, WorkspaceId};
use tokio::sync::{broadcast, mpsc};

use crate::failure::{Failure, StorageFault};
use crate::locate::WorkspaceWords;
use crate::migrate;
use crate::row::Row;
use crate::session::KeptSessions;
use crate::standing::Standings;
use crate::statement::Statement;
use crate::tx::{Connection, Touched, Tx, bind_postgres, bind_sqlite};
use crate::value::Value;
use crate::writer::{self, Job};

/// Tells the time. A port, so that tests say what time it is.
pub trait Clock: Send + Sync + 'static {
    fn now(&self) -> Timestamp;
}

/// Makes identifiers: UUIDv7 of the moment given.
pub trait NewIds: Send + Sync + 'static {
    fn new_id(&self, now: Timestamp) -> uuid::Uuid;
}

/// Where the records lie.
#[derive(Clone)]
pub enum Place {
    /// A SQLite file; it is made if it isn't there.
    Sqlite(std::path::PathBuf),
    /// A `postgres://` address. It may hold a password, so it has no `Debug`.
    Postgres(String),
}

/// The work of a write. It may be called twice, so nothing outside the database may happen in it.
pub type Work<T> =
    Box<dyn for<'t, 'c> Fn(&'t mut Tx<'c>) -> BoxFuture<'t, Result<T, Failure>> + Send + Sync + 'static>;

pub(crate) enum Backend {
    Sqlite { read: SqlitePool, writer: mpsc::Sender<Job> },
    Postgres(PgPool),
}

pub(crate) struct Inner {
    pub(crate) backend: Backend,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) ids: Arc<dyn NewIds>,
    pub(crate) changes: broadcast::Sender<Arc<Touched>>,
    pub(crate) standings: Standings,
    pub(crate) sessions: KeptSessions,
    pub(crate) workspace_words: WorkspaceWords,
    /// Rises with each commit of this process.
    pub(crate) commits: Arc<AtomicU64>,
    pub(crate) floods: crate::audit::Floods,
    /// Which of several this process is.
    pub(crate) replica: OnceLock<ReplicaId>,
}

/// The records.
#[derive(Clone)]
pub struct Store {
    pub(crate) inner: Arc<Inner>,
}

impl Store {
    /// Opens the records, and brings the schema up to date.
    ///
    /// # Errors
    /// Where the database can't be opened, is of a newer version, or is in use by another process (SQLite).
    pub async fn open(
        place: Place,
        clock: Arc<dyn Clock>,
        ids: Arc<dyn NewIds>,
    ) -> Result<Self, StorageFault> {
        let (changes, _) = broadcast::channel(4096);
        let standings = Standings::default();
        let sessions = KeptSessions::default();
        let workspace_words = WorkspaceWords::default();
        let commits = Arc::new(AtomicU64::new(0));
        let backend = match place {
            Place::Sqlite(file) => {
                let (read, connection) = open_sqlite(&file).await?;
                let (sender, receiver) = mpsc::channel(1024);
                let surroundings = writer::Surroundings {
                    clock: clock.clone(),
                    ids: ids.clone(),
                    changes: changes.clone(),
                    standings: standings.clone(),
                    sessions: sessions.clone(),
                    workspace_words: workspace_words.clone(),
                    commits: commits.clone(),
                };
                tokio::spawn(writer::run(connection, receiver, surroundings));
                Backend::Sqlite { read, writer: sender }
            }
            Place::Postgres(url) => {
                let pool = open_postgres(&url).await?;
                crate::notify::listen(pool.clone(), changes.clone());
                Backend::Postgres(pool)
            }
        };
        Ok(Self {
            inner: Arc::new(Inner {
                backend,
                clock,
                ids,
                changes,
                standings,
                sessions,
                workspace_words,
                commits,
                floods: crate::audit::Floods::default(),
                replica: OnceLock::new(),
            }),
        })
    }

    #[must_use]
    pub fn is_sqlite(&self) -> bool {
        matches!(self.inner.backend, Backend::Sqlite { .. })
    }

    /// Hears of each committed write. A hint: it may lag, and the truth is asked from the records.
    #[must_use]
    pub fn changes(&self) -> broadcast::Receiver<Arc<Touched>> {
        self.inner.changes.subscribe()
    }

    /// How often something was committed; `None` where others write too, so that it says nothing. While it stays the
    /// same, so does every record.
    #[must_use]
    pub fn commits(&self) -> Option<u64> {
        self.is_sqlite().then(|| self.inner.commits.load(Ordering::SeqCst))
    }

    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.inner.clock.now()
    }

    /// The one door for writes. In one transaction: what `authority` rests on is read again, and decided once
    /// more where it changed; `work` is done; the audit event is written.
    ///
    /// # Errors
    /// What `work` refuses, what the second decision refuses, or a fault. Nothing is written then.
    pub async fn write<A, T>(&self, authority: A, work: Work<T>) -> Result<T, Failure>
    where
        A: Authority + 'static,
        T: Send + 'static,
    {
        match &self.inner.backend {
            Backend::Sqlite { writer, .. } => writer::submit(writer, authority, work).await,
            Backend::Postgres(pool) => self.write_postgres(pool, &authority, &work).await,
        }
    }

    /// Removes what is past its time: keeping house, of which no log tells.
    pub(crate) async fn sweep(
        &self,
        operation: &'static str,
        statement: Statement,
        values: Vec<Value>,
    ) -> Result<(), Failure> {
        let permit = SystemPermit::new(WorkspaceId::INSTALLATION, operation, None, None);
        let work: Work<()> = Box::new(move |tx| {
            let values = values.clone();
            Box::pin(async move {
                tx.audit_nothing();
                tx.execute(statement, values).await?;
                Ok(())
            })
        });
        self.write(permit, work).await
    }

    async fn write_postgres<T>(
        &self,
        pool: &PgPool,
        authority: &dyn Authority,
        work: &Work<T>,
    ) -> Result<T, Failure> {
        let mut tries = 0;
        loop {
            tries += 1;
            match self.try_postgres(pool, authority, work).await {
                Err(Failure::Fault(fault)) if fault.is_retriable() && tries < 8 => {
                    tokio::time::sleep(Duration::from_millis(5 << tries)).await;
                }
                other => return other,
            }
        }
    }

    async fn try_postgres<T>(
        &self,
        pool: &PgPool,
        authority: &dyn Authority,
        work: &Work<T>,
    ) -> Result<T, Failure> {
        let mut transaction = pool.begin().await?;
        let mut tx = Tx {
            connection: Connection::Postgres(&mut transaction),
            now: self.inner.clock.now(),
            ids: self.inner.ids.clone(),
            touched: Touched::default(),
            audit: crate::tx::AuditWords::default(),
            chains: crate::audit::ChainEnds::default(),
            later: crate::later::Later::default(),
            has_written: false,
        };
        let answer = writer::carry_out(&mut tx, authority, work).await?;
        let chains = std::mem::take(&mut tx.chains);
        crate::audit::keep_ends(&mut tx.connection, &chains).await?;
        crate::notify::announce(&mut tx).await?;
        let touched = std::mem::take(&mut tx.touched);
        transaction.commit().await?;
        if !touched.is_empty() {
            // Nobody listening is no fault: the next asks the records.
            let _ = self.inner.changes.send(Arc::new(touched));
        }
        Ok(answer)
    }

    pub(crate) async fn fetch_optional(
        &self,
        statement: Statement,
        values: Vec<Value>,
    ) -> Result<Option<Row>, StorageFault> {
        Ok(match &self.inner.backend {
            Backend::Sqlite { read, .. } => {
                bind_sqlite(statement, values).fetch_optional(read).await?.map(Row::Sqlite)
            }
            Backend::Postgres(pool) => {
                bind_postgres(statement, values).fetch_optional(pool).await?.map(Row::Postgres)
            }
        })
    }

    pub(crate) async fn fetch_all(
        &self,
        statement: Statement,
        values: Vec<Value>,
    ) -> Result<Vec<Row>, StorageFault> {
        Ok(match &self.inner.backend {
            Backend::Sqlite { read, .. } => {
                let rows = bind_sqlite(statement, values).fetch_all(read).await?;
                rows.into_iter().map(Row::Sqlite).collect()
            }
            Backend::Postgres(pool) => {
                let rows = bind_postgres(statement, values).fetch_all(pool).await?;
                rows.into_iter().map(Row::Postgres).collect()
            }
        })
    }

    /// Asks the database for nothing, to see that it answers.
    ///
    /// # Errors
    /// Where it doesn't.
    pub async fn ping(&self) -> Result<(), StorageFault> {
        crate::statements! { PING = "SELECT CAST(1 AS BIGINT)"; }
        let _ = STATEMENTS;
        self.fetch_optional(PING, vec![]).await.map(drop)
    }

    /// Prepares a statement without running it: for the test that tries them all on both databases.
    ///
    /// # Errors
    /// Where the database refuses the text.
    pub async fn prepare(&self, statement: Statement) -> Result<(), StorageFault> {
        use sqlx::{Executor as _, SqlSafeStr as _};
        match &self.inner.backend {
            Backend::Sqlite { read, .. } => {
                read.acquire().await?.prepare(statement.sqlite.into_sql_str()).await?;
            }
            Backend::Postgres(pool) => {
                pool.acquire().await?.prepare(statement.postgres.into_sql_str()).await?;
            }
        }
        Ok(())
    }

    /// Ends the pools. Open writes are finished first.
    pub async fn close(&self) {
        match &self.inner.backend {
            Backend::Sqlite { read, .. } => read.close().await,
            Backend::Postgres(pool) => pool.close().await,
        }
    }
}

/// The records are their owner's alone, also in a folder that others may walk through. What SQLite makes beside the file
/// gets the file's own mode.
fn close_to_others(file: &Path) -> std::io::Result<()> {
    use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
    std::fs::OpenOptions::new().write(true).create(true).truncate(false).mode(0o600).open(file)?;
    for ending in ["", "-wal", "-shm"] {
        let mut beside = file.as_os_str().to_owned();
        beside.push(ending);
        let Ok(about) = std::fs::metadata(&beside) else { continue };
        if about.permissions().mode() & 0o077 != 0
            && let Err(error) = std::fs::set_permissions(&beside, std::fs::Permissions::from_mode(0o600))
        {
            tracing::warn!(file = %beside.display(), %error, "others may read the records, and it can't be changed");
        }
    }
    Ok(())
}

async fn open_sqlite(file: &Path) -> Result<(SqlitePool, sqlx::SqliteConnection), StorageFault> {
    close_to_others(file)
        .map_err(|error| StorageFault::Start(format!("{} can't be opened: {error}", file.display())))?;
    let options = SqliteConnectOptions::new()
        .filename(file)
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full)
        .foreign_keys(true)
        .busy_timeout(Duration::from_secs(10))
        .statement_cache_capacity(512)
        .pragma("trusted_schema", "OFF");
    let mut connection = options.clone().connect().await?;
    let version: String = sqlx::query_scalar("SELECT sqlite_version()").fetch_one(&mut connection).await?;
    if !at_least(&version, [3, 51, 3]) {
        // Older ones can corrupt a WAL database.
        return Err(StorageFault::Start(format!("SQLite {version} is older than 3.51.3")));
    }
    migrate::sqlite(&mut connection).await?;
    let read = SqlitePoolOptions::new()
        .max_connections(8)
        .min_connections(1)
        .idle_timeout(None)
        .max_lifetime(None)
        .test_before_acquire(false)
        .connect_with(options.read_only(true))
        .await?;
    connection.ping().await?;
    Ok((read, connection))
}

fn at_least(version: &str, needed: [u32; 3]) -> bool {
    let mut parts = version.split('.').map(|part| part.parse::<u32>().unwrap_or(0));
    let found = [parts.next().unwrap_or(0), parts.next().unwrap_or(0), parts.next().unwrap_or(0)];
    found >= needed
}

async fn open_postgres(url: &str) -> Result<PgPool, StorageFault> {
    // The address may hold a password: an error about it must not repeat it.
    let options = PgConnectOptions::from_str(url)
        .map_err(|_| StorageFault::Start("STOA_DATABASE_URL isn't a postgres:// address".to_owned()))?
        .application_name("stoa");
    // The pool only says that it waited in vain: by one connection it is told why.
    let first = tokio::time::timeout(Duration::from_secs(10), options.connect()).await;
    first.map_err(|_| StorageFault::Start("PostgreSQL doesn't answer".to_owned()))??.close().await?;
    let pool = PgPoolOptions::new()
        .max_connections(16)
        .acquire_timeout(Duration::from_secs(5))
        .connect_with(options)
        .await?;
    let mut connection = pool.acquire().await?;
    migrate::postgres(&mut connection).await?;
    drop(connection);
    Ok(pool)
}

#[cfg(test)]
mod tests {
    use super::at_least;

    #[test]
    fn versions_are_compared_as_numbers() {
        assert!(at_least("3.51.3", [3, 51, 3]) && at_least("3.100.0", [3, 51, 3]));
        assert!(!at_least("3.51.2", [3, 51, 3]) && !at_least("3.9.9", [3, 51, 3]));
    }
}
