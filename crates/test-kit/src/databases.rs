//! A fresh database for each test, of either kind.
//!
//! Both are copies of one that was migrated once in this run. SQLite: a file in a folder of the test's own, below the one
//! that `scripts/with-postgres` made and which stands in `TESTS_FOLDER`; without it each is migrated by itself.
//! PostgreSQL: on the server that the same script started, whose address stands in `STOA_TEST_POSTGRES`.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use sqlx::{Connection as _, Executor as _, PgConnection};
use stoa_storage::{Clock, NewIds, Place, Store};
use tempfile::TempDir;

/// Which database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Sqlite,
    Postgres,
}

/// Two tests of one run never make the template at once.
const TEMPLATE_LOCK: i64 = 7_403_182;

/// An empty place for records. The folder lives as long as it.
pub struct Fresh {
    pub place: Place,
    _folder: TempDir,
}

/// # Panics
/// Where no PostgreSQL is there.
pub async fn fresh(kind: Kind, clock: Arc<dyn Clock>, ids: Arc<dyn NewIds>) -> Fresh {
    let shared = std::env::var_os("TESTS_FOLDER");
    let folder = match &shared {
        Some(shared) => tempfile::tempdir_in(shared),
        None => tempfile::tempdir(),
    }
    .expect("a folder for the test");
    let place = match kind {
        Kind::Sqlite => {
            let file = folder.path().join("stoa.sqlite");
            if let Some(shared) = shared {
                let template = template_file(Path::new(&shared), clock, ids).await;
                fs::copy(template, &file).expect("a copy of the template");
            }
            Place::Sqlite(file)
        }
        Kind::Postgres => Place::Postgres(copy_of_template(clock, ids).await),
    };
    Fresh { place, _folder: folder }
}

/// A SQLite file with the schema and nothing else, made by whoever needs it first.
async fn template_file(shared: &Path, clock: Arc<dyn Clock>, ids: Arc<dyn NewIds>) -> PathBuf {
    let template = shared.join("template.sqlite");
    if template.exists() {
        return template;
    }
    let beside = shared.join("template.lock");
    // Waited for beside: who holds it may be another task of this thread. Its end gives the lock back.
    let _lock = tokio::task::spawn_blocking(move || {
        let lock = fs::File::create(beside).expect("a file to lock");
        lock.lock().expect("a lock");
        lock
    })
    .await
    .expect("a lock");
    if !template.exists() {
        let folder = tempfile::tempdir_in(shared).expect("a folder for the template");
        let (first, whole) = (folder.path().join("first.sqlite"), folder.path().join("whole.sqlite"));
        let store = Store::open(Place::Sqlite(first.clone()), clock, ids).await.expect("the schema");
        // One file, while what was just written may stand in the log beside the first.
        let options = sqlx::sqlite::SqliteConnectOptions::new().filename(first).read_only(true);
        let mut connection = sqlx::SqliteConnection::connect_with(&options).await.expect("the file opens");
        sqlx::query("VACUUM INTO ?")
            .bind(whole.to_str().expect("a name in UTF-8"))
            .execute(&mut connection)
            .await
            .expect("a copy in one file");
        connection.close().await.expect("the connection ends");
        store.close().await;
        fs::rename(whole, &template).expect("the template is put in its place");
    }
    template
}

/// The address of another database on the server of the tests.
fn address(server: &str, database: &str) -> String {
    let (before, after) = server.split_once("/postgres?").expect("an address ending with /postgres?host=…");
    format!("{before}/{database}?{after}")
}

/// # Panics
/// Where the run has no server.
#[must_use]
pub fn postgres_server() -> String {
    std::env::var("STOA_TEST_POSTGRES")
        .expect("tests on PostgreSQL need a server: run them with scripts/with-postgres cargo nextest run")
}

async fn copy_of_template(clock: Arc<dyn Clock>, ids: Arc<dyn NewIds>) -> String {
    let server = postgres_server();
    let mut connection = PgConnection::connect(&server).await.expect("the PostgreSQL of the tests answers");
    sqlx::query("SELECT pg_advisory_lock($1)")
        .bind(TEMPLATE_LOCK)
        .execute(&mut connection)
        .await
        .expect("a lock");
    let there: Option<i32> = sqlx::query_scalar("SELECT 1 FROM pg_database WHERE datname = 'stoa_template'")
        .fetch_optional(&mut connection)
        .await
        .expect("the list of databases");
    if there.is_none() {
        connection.execute("CREATE DATABASE stoa_making").await.expect("a database");
        let place = Place::Postgres(address(&server, "stoa_making"));
        Store::open(place, clock, ids).await.expect("the schema").close().await;
        rename_when_nobody_is_in_it(&mut connection).await;
    }
    let name = format!("test_{}", uuid::Uuid::now_v7().simple());
    // The name is made here, of hexadecimal digits.
    let create = sqlx::AssertSqlSafe(format!("CREATE DATABASE {name} TEMPLATE stoa_template"));
    sqlx::query(create).execute(&mut connection).await.expect("a copy of the template");
    // The connection's end gives the lock back.
    connection.close().await.expect("the connection ends");
    address(&server, &name)
}

async fn rename_when_nobody_is_in_it(connection: &mut PgConnection) {
    connection
        .execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = 'stoa_making'")
        .await
        .expect("the makers leave");
    loop {
        match connection.execute("ALTER DATABASE stoa_making RENAME TO stoa_template").await {
            Ok(_) => return,
            Err(sqlx::Error::Database(error)) if error.code().as_deref() == Some("55006") => {
                tokio::task::yield_now().await
            }
            Err(error) => panic!("the template can't be renamed: {error}"),
        }
    }
}

/// All rows of all tables but those that are named, in order, as text.
///
/// # Panics
/// On PostgreSQL.
pub async fn dump(place: &Place, but: &[&str]) -> String {
    use sqlx::{Column as _, Row as _, ValueRef as _};
    let Place::Sqlite(file) = place else { panic!("only a SQLite file is dumped") };
    let options = sqlx::sqlite::SqliteConnectOptions::new().filename(file).read_only(true);
    let mut connection = sqlx::SqliteConnection::connect_with(&options).await.expect("the file opens");
    let tables: Vec<String> =
        sqlx::query_scalar("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name")
            .fetch_all(&mut connection)
            .await
            .expect("the tables");
    let mut text = String::new();
    for table in tables.iter().filter(|table| !but.contains(&table.as_str())) {
        // The names come from the schema itself.
        let select = sqlx::AssertSqlSafe(format!("SELECT * FROM \"{table}\""));
        let rows = sqlx::query(select).fetch_all(&mut connection).await.expect("the rows");
        let mut lines: Vec<String> = rows
            .iter()
            .map(|row| {
                // The ends of the audit chains belong to the audit log.
                let columns = row.columns().iter().filter(|column| !column.name().starts_with("audit_"));
                let cells = columns.map(|column| {
                    let raw = row.try_get_raw(column.ordinal()).expect("a cell");
                    let bytes = if raw.is_null() {
                        None
                    } else {
                        row.try_get_unchecked::<Vec<u8>, _>(column.ordinal()).ok()
                    };
                    format!(
                        "{}={}",
                        column.name(),
                        bytes.map_or("null".to_owned(), |bytes| bytes.escape_ascii().to_string())
                    )
                });
                format!("{table}: {}\n", cells.collect::<Vec<_>>().join(" "))
            })
            .collect();
        lines.sort();
        text.extend(lines);
    }
    text
}
