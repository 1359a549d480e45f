//! Keeping an installation: its records copied whole, looked over, moved to the other database, and made to begin anew.
//!
//! The texts of a copy are made from the schema itself, so that no table and no column can be forgotten; they are the
//! only ones of this crate that stand in no `statements!` list.

pub(crate) mod chain;
mod copy;
pub(crate) mod epoch;
mod look;
pub(crate) mod tables;

use std::path::Path;
use std::str::FromStr as _;
use std::time::Duration;

use sqlx::postgres::PgConnectOptions;
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode};
use sqlx::{AssertSqlSafe, ConnectOptions as _, Connection as _, PgConnection, Row as _, SqliteConnection};

use crate::failure::StorageFault;
use crate::migrate;
use crate::store::Place;
use crate::tx::Connection;

pub use copy::Copied;
pub use epoch::Voided;
pub use look::{Look, check, look};

/// The encoding in which PostgreSQL has to keep texts.
const ENCODING: &str = "UTF8";

fn sentence(text: impl Into<String>) -> StorageFault {
    StorageFault::Start(text.into())
}

/// A SQLite file that is there already. Whoever serves from it goes on meanwhile.
pub(crate) async fn open_file(file: &Path) -> Result<SqliteConnection, StorageFault> {
    if !file.is_file() {
        return Err(sentence(format!("there are no records in {}", file.display())));
    }
    let options = SqliteConnectOptions::new()
        .filename(file)
        .foreign_keys(true)
        .busy_timeout(Duration::from_secs(30))
        .pragma("trusted_schema", "OFF");
    Ok(options.connect().await?)
}

/// A connection of its own, in a transaction by whose side nothing else is kept open.
async fn open_address(address: &str) -> Result<PgConnection, StorageFault> {
    // The address may hold a password: an error about it must not repeat it.
    let options = PgConnectOptions::from_str(address)
        .map_err(|_| sentence("that isn't a postgres:// address"))?
        .application_name("stoa keeping");
    Ok(options.connect().await?)
}

/// What an address leads to, as people may be told: never who signs in there, nor with what.
///
/// # Errors
/// Where it isn't an address.
pub fn name_of(address: &str) -> Result<String, StorageFault> {
    let options =
        PgConnectOptions::from_str(address).map_err(|_| sentence("that isn't a postgres:// address"))?;
    let host = match options.get_socket() {
        Some(folder) => folder.display().to_string(),
        None => options.get_host().to_owned(),
    };
    let database = options.get_database().unwrap_or_else(|| options.get_username());
    Ok(format!("the database {database} at {host}:{}", options.get_port()))
}

const OTHER_HOSTS: &str =
    "SELECT COUNT(*) FROM hosts WHERE instance_id IS NOT NULL AND released_at IS NULL AND host NOT LIKE $1";

/// How many hosts of instances aren't below a domain.
///
/// # Errors
/// Where the records can't be read, or are older than hosts.
pub async fn hosts_elsewhere(place: &Place, domain: &str) -> Result<i64, StorageFault> {
    let below = format!("%.{domain}");
    Ok(match place {
        Place::Sqlite(file) => {
            let mut connection = open_file(file).await?;
            sqlx::query_scalar(OTHER_HOSTS).bind(below).fetch_one(&mut connection).await?
        }
        Place::Postgres(address) => {
            let mut connection = open_address(address).await?;
            sqlx::query_scalar(OTHER_HOSTS).bind(below).fetch_one(&mut connection).await?
        }
    })
}

const CERTIFICATE: &str = "SELECT problem FROM certificates WHERE host = $1 AND problem IS NOT NULL";

/// What keeps a host from having a certificate, or a newer one; `None` where nothing does.
///
/// # Errors
/// Where the records can't be read, or are older than certificates.
pub async fn trouble_of_certificate(place: &Place, host: &str) -> Result<Option<String>, StorageFault> {
    Ok(match place {
        Place::Sqlite(file) => {
            let mut connection = open_file(file).await?;
            sqlx::query_scalar(CERTIFICATE).bind(host).fetch_optional(&mut connection).await?
        }
        Place::Postgres(address) => {
            let mut connection = open_address(address).await?;
            sqlx::query_scalar(CERTIFICATE).bind(host).fetch_optional(&mut connection).await?
        }
    })
}

/// Copies the records of a SQLite file into a new file, as they are at one moment, while others write.
///
/// # Errors
/// Where the file can't be read, or the disk is full.
pub async fn copy_file(file: &Path, into: &Path) -> Result<(), StorageFault> {
    let mut connection = open_file(file).await?;
    let into = into.to_str().ok_or_else(|| sentence(format!("{} isn't text", into.display())))?;
    let copied = sqlx::query("VACUUM INTO $1").bind(into).execute(&mut connection).await;
    connection.close().await?;
    copied.map(drop).map_err(told)
}

/// Copies the records of a PostgreSQL into a new SQLite file, as they are at one moment, while others write.
///
/// # Errors
/// Where one can't be read or the other written, or the copy isn't the same.
pub async fn copy_address(address: &str, into: &Path) -> Result<Copied, StorageFault> {
    let mut theirs = open_address(address).await?;
    let mut read = theirs.begin_with("BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY").await?;
    let version = migrate::version_of_postgres(&mut read).await?;
    let options = SqliteConnectOptions::new()
        .filename(into)
        .create_if_missing(true)
        // One file, of which nothing is kept where it breaks off.
        .journal_mode(SqliteJournalMode::Memory);
    let mut ours = options.connect().await?;
    migrate::sqlite_to(&mut ours, version).await?;
    let mut written = ours.begin().await?;
    let tables = tables::of_sqlite(&mut written).await?;
    tables::compare(&tables, &mut read).await?;
    let copied =
        copy::all(&tables, &mut Connection::Postgres(&mut read), &mut Connection::Sqlite(&mut written))
            .await?;
    written.commit().await?;
    ours.close().await?;
    Ok(copied)
}

/// Moves the records of a SQLite file into an empty PostgreSQL, in one transaction: all of them, or nothing at all.
/// Nobody else may write meanwhile. The file stays as it is.
///
/// # Errors
/// Where the file isn't whole, the other database isn't empty, or what was written isn't what was read. An audit chain
/// that doesn't hold is told beside the rest: it didn't before either.
pub async fn move_to_postgres(
    file: &Path,
    address: &str,
) -> Result<(Copied, Result<u64, StorageFault>), StorageFault> {
    check(file).await?;
    let mut ours = open_file(file).await?;
    let mut read = ours.begin().await?;
    let version = migrate::version_of_sqlite(&mut read).await?;
    let mut theirs = open_address(address).await?;
    let mut written = theirs.begin().await?;
    refuse_unless_empty(&mut written).await?;
    migrate::postgres_to(&mut written, version).await?;
    let tables = tables::of_sqlite(&mut read).await?;
    tables::compare(&tables, &mut written).await?;
    let copied =
        copy::all(&tables, &mut Connection::Sqlite(&mut read), &mut Connection::Postgres(&mut written))
            .await?;
    let events = chain::verify(&mut Connection::Postgres(&mut written)).await;
    written.commit().await?;
    theirs.close().await?;
    Ok((copied, events))
}

async fn refuse_unless_empty(connection: &mut PgConnection) -> Result<(), StorageFault> {
    migrate::take_turn(connection).await?;
    let encoding: String = sqlx::query_scalar("SHOW server_encoding").fetch_one(&mut *connection).await?;
    if encoding != ENCODING {
        return Err(sentence(format!(
            "the database keeps texts as {encoding}. Make one with ENCODING 'UTF8', and name that"
        )));
    }
    let there: Option<String> = sqlx::query_scalar(
        "SELECT c.relname::text FROM pg_class c WHERE c.relnamespace = 'public'::regnamespace
            AND c.relkind IN ('r', 'p', 'v', 'm', 'S') ORDER BY 1 LIMIT 1",
    )
    .fetch_optional(&mut *connection)
    .await?;
    match there {
        None => Ok(()),
        Some(name) => Err(sentence(format!(
            "the database isn't empty: it has the table {name}. Make a new one, and name that; nothing was changed"
        ))),
    }
}

/// Whether a PostgreSQL holds nothing yet.
///
/// # Errors
/// Where it holds something, or can't be asked.
pub async fn is_empty_address(address: &str) -> Result<(), StorageFault> {
    let mut connection = open_address(address).await?;
    let mut tx = connection.begin().await?;
    let outcome = refuse_unless_empty(&mut tx).await;
    tx.rollback().await?;
    outcome
}

/// A full disk is told as one.
fn told(error: sqlx::Error) -> StorageFault {
    let fault = StorageFault::from(error);
    if fault.is_full() { StorageFault::Full } else { fault }
}

/// The version of records before they are opened; 0 where there are none yet.
///
/// # Errors
/// Where they can't be read, or are of a newer program.
pub async fn version_of(place: &Place) -> Result<i64, StorageFault> {
    match place {
        Place::Sqlite(file) if !file.exists() => Ok(0),
        Place::Sqlite(file) => migrate::version_of_sqlite(&mut open_file(file).await?).await,
        Place::Postgres(address) => migrate::version_of_postgres(&mut open_address(address).await?).await,
    }
}

/// A connection that is being closed elsewhere in this process keeps a file for a moment.
const CLOSING: Duration = Duration::from_secs(10);

/// Puts what still lies in a file's journal into the file itself, so that it can be moved alone. Nobody may have it open.
///
/// # Errors
/// Where somebody has.
pub async fn fold(file: &Path) -> Result<(), StorageFault> {
    let deadline = tokio::time::Instant::now() + CLOSING;
    loop {
        let mut connection = open_file(file).await?;
        let mode =
            sqlx::query_scalar::<_, String>("PRAGMA journal_mode = DELETE").fetch_one(&mut connection).await;
        connection.close().await?;
        match mode {
            Ok(mode) if mode == "delete" => return Ok(()),
            Ok(_) => {}
            Err(error) if is_busy(&error) => {}
            Err(error) => return Err(error.into()),
        }
        if tokio::time::Instant::now() >= deadline {
            return Err(sentence(format!("{} is in use", file.display())));
        }
        tokio::time::sleep(CLOSING / 200).await;
    }
}

/// SQLITE_BUSY.
fn is_busy(error: &sqlx::Error) -> bool {
    matches!(error, sqlx::Error::Database(error) if error.code().as_deref() == Some("5"))
}

/// How many rows a text counts.
async fn count(connection: &mut SqliteConnection, text: &str) -> Result<i64, StorageFault> {
    let row = sqlx::query(AssertSqlSafe(text.to_owned())).fetch_one(connection).await?;
    Ok(row.try_get(0)?)
}
