//! Brings the schema up to date: forward only, each migration wholly or not at all.

use sha2::{Digest, Sha256};
use sqlx::{AssertSqlSafe, Connection as _, PgConnection, SqliteConnection};
use stoa_domain::name::sorted_as;
use uuid::Uuid;

use crate::failure::StorageFault;

const MIGRATIONS: &[(i64, &str)] = &[
    (1, include_str!("../migrations/0001_first_light.sql")),
    (2, include_str!("../migrations/0002_replicas.sql")),
    (3, include_str!("../migrations/0003_open_jobs.sql")),
    (4, include_str!("../migrations/0004_accounts.sql")),
    (5, include_str!("../migrations/0005_ai.sql")),
    (6, include_str!("../migrations/0006_mails_end.sql")),
    (7, include_str!("../migrations/0007_grants_that_end.sql")),
    (8, include_str!("../migrations/0008_merges.sql")),
    (9, include_str!("../migrations/0009_backups.sql")),
    (10, include_str!("../migrations/0010_desks.sql")),
    (11, include_str!("../migrations/0011_connect_as.sql")),
    (12, include_str!("../migrations/0012_remotes.sql")),
    (13, include_str!("../migrations/0013_settings.sql")),
    (14, include_str!("../migrations/0014_mails_of_failures.sql")),
    (15, include_str!("../migrations/0015_certificates.sql")),
    (16, include_str!("../migrations/0016_ai_consumption.sql")),
    (SORTED_NAMES, include_str!("../migrations/0017_sorted_names.sql")),
    (18, include_str!("../migrations/0018_backup_places.sql")),
    (19, include_str!("../migrations/0019_servers_elsewhere.sql")),
    (20, include_str!("../migrations/0020_backups_of_productions_data.sql")),
    (21, include_str!("../migrations/0021_data_that_is_awaited.sql")),
    (22, include_str!("../migrations/0022_made_of.sql")),
    (23, include_str!("../migrations/0023_machines_of_backups.sql")),
    (NUMBERS_IN_NAMES, include_str!("../migrations/0024_numbers_in_names.sql")),
    (25, include_str!("../migrations/0025_what_backups_are_known_by.sql")),
];

/// Those whose column the program fills in: neither database makes Latin letters of others, nor knows numbers in a text.
const SORTED_NAMES: i64 = 17;
const NUMBERS_IN_NAMES: i64 = 24;
const WITH_SORTED_NAMES: [&str; 6] =
    ["accounts", "workspaces", "servers", "projects", "instances", "presets"];

/// The version that this program knows.
#[must_use]
pub fn known_version() -> i64 {
    MIGRATIONS.last().map_or(0, |(version, _)| *version)
}

const TABLE: &str =
    "CREATE TABLE IF NOT EXISTS schema_versions (version BIGINT NOT NULL PRIMARY KEY, sha256 BYTEA NOT NULL)";
const APPLIED: &str = "SELECT version, sha256 FROM schema_versions ORDER BY version";
const RECORD: &str = "INSERT INTO schema_versions (version, sha256) VALUES ($1, $2)";

fn digest(text: &str) -> Vec<u8> {
    Sha256::digest(text.as_bytes()).to_vec()
}

fn names_of(table: &str) -> AssertSqlSafe<String> {
    AssertSqlSafe(format!("SELECT id, name FROM {table}"))
}

fn sort(table: &str) -> AssertSqlSafe<String> {
    AssertSqlSafe(format!("UPDATE {table} SET sorted_as = $2 WHERE id = $1"))
}

/// Which migrations are missing, after checking those that were carried out.
fn missing(applied: &[(i64, Vec<u8>)]) -> Result<Vec<(i64, &'static str)>, StorageFault> {
    for (version, sha256) in applied {
        let Some((_, text)) = MIGRATIONS.iter().find(|(known, _)| known == version) else {
            return Err(StorageFault::NewerSchema { found: *version, known: known_version() });
        };
        if digest(text) != *sha256 {
            return Err(StorageFault::ChangedMigration { version: *version });
        }
    }
    Ok(MIGRATIONS
        .iter()
        .filter(|(version, _)| !applied.iter().any(|(done, _)| done == version))
        .copied()
        .collect())
}

pub(crate) async fn sqlite(connection: &mut SqliteConnection) -> Result<(), StorageFault> {
    sqlite_to(connection, known_version()).await
}

/// Up to a version that isn't the last: for a copy of records that are older.
pub(crate) async fn sqlite_to(connection: &mut SqliteConnection, last: i64) -> Result<(), StorageFault> {
    // An immediate transaction: two processes never migrate at once.
    let mut tx = connection.begin_with("BEGIN IMMEDIATE").await?;
    sqlx::raw_sql(TABLE).execute(&mut *tx).await?;
    let applied: Vec<(i64, Vec<u8>)> = sqlx::query_as(APPLIED).fetch_all(&mut *tx).await?;
    for (version, text) in missing(&applied)?.into_iter().filter(|(version, _)| *version <= last) {
        sqlx::raw_sql(AssertSqlSafe(text.replace("{C}", ""))).execute(&mut *tx).await?;
        if matches!(version, SORTED_NAMES | NUMBERS_IN_NAMES) {
            for table in WITH_SORTED_NAMES {
                let rows: Vec<(Uuid, String)> = sqlx::query_as(names_of(table)).fetch_all(&mut *tx).await?;
                for (id, name) in rows {
                    sqlx::query(sort(table)).bind(id).bind(sorted_as(&name)).execute(&mut *tx).await?;
                }
            }
        }
        sqlx::query(RECORD).bind(version).bind(digest(text)).execute(&mut *tx).await?;
    }
    Ok(tx.commit().await?)
}

pub(crate) async fn postgres(connection: &mut PgConnection) -> Result<(), StorageFault> {
    let mut tx = connection.begin().await?;
    take_turn(&mut tx).await?;
    postgres_to(&mut tx, known_version()).await?;
    Ok(tx.commit().await?)
}

/// One number for this program's migrations, so that replicas which start together take turns.
pub(crate) async fn take_turn(connection: &mut PgConnection) -> Result<(), StorageFault> {
    sqlx::raw_sql("SELECT pg_advisory_xact_lock(7360611842)").execute(connection).await?;
    Ok(())
}

/// Inside of the caller's transaction, up to a version that needn't be the last.
pub(crate) async fn postgres_to(connection: &mut PgConnection, last: i64) -> Result<(), StorageFault> {
    // That a table is there already is no news: PostgreSQL would tell it at each start.
    let there: i64 = sqlx::query_scalar(HAS_TABLE_POSTGRES).fetch_one(&mut *connection).await?;
    if there == 0 {
        sqlx::raw_sql(TABLE).execute(&mut *connection).await?;
    }
    let applied: Vec<(i64, Vec<u8>)> = sqlx::query_as(APPLIED).fetch_all(&mut *connection).await?;
    for (version, text) in missing(&applied)?.into_iter().filter(|(version, _)| *version <= last) {
        sqlx::raw_sql(AssertSqlSafe(text.replace("{C}", " COLLATE \"C\""))).execute(&mut *connection).await?;
        if matches!(version, SORTED_NAMES | NUMBERS_IN_NAMES) {
            for table in WITH_SORTED_NAMES {
                let rows: Vec<(Uuid, String)> =
                    sqlx::query_as(names_of(table)).fetch_all(&mut *connection).await?;
                for (id, name) in rows {
                    sqlx::query(sort(table))
                        .bind(id)
                        .bind(sorted_as(&name))
                        .execute(&mut *connection)
                        .await?;
                }
            }
        }
        sqlx::query(RECORD).bind(version).bind(digest(text)).execute(&mut *connection).await?;
    }
    Ok(())
}

const HAS_TABLE_SQLITE: &str =
    "SELECT COUNT(*) FROM sqlite_master WHERE type = 'table' AND name = 'schema_versions'";
const HAS_TABLE_POSTGRES: &str =
    "SELECT COUNT(*) FROM pg_tables WHERE schemaname = 'public' AND tablename = 'schema_versions'";

/// The version of records, without changing them; 0 where there are none.
///
/// # Errors
/// Where they are of a newer program, or of another than this one's.
pub(crate) async fn version_of_sqlite(connection: &mut SqliteConnection) -> Result<i64, StorageFault> {
    let there: i64 = sqlx::query_scalar(HAS_TABLE_SQLITE).fetch_one(&mut *connection).await?;
    if there == 0 {
        return Ok(0);
    }
    last_of(&sqlx::query_as(APPLIED).fetch_all(connection).await?)
}

/// As [`version_of_sqlite`].
pub(crate) async fn version_of_postgres(connection: &mut PgConnection) -> Result<i64, StorageFault> {
    let there: i64 = sqlx::query_scalar(HAS_TABLE_POSTGRES).fetch_one(&mut *connection).await?;
    if there == 0 {
        return Ok(0);
    }
    last_of(&sqlx::query_as(APPLIED).fetch_all(connection).await?)
}

fn last_of(applied: &[(i64, Vec<u8>)]) -> Result<i64, StorageFault> {
    missing(applied)?;
    Ok(applied.last().map_or(0, |(version, _)| *version))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn an_older_program_refuses_a_newer_schema_and_a_changed_migration() {
        let all: Vec<_> = MIGRATIONS.iter().map(|(version, text)| (*version, digest(text))).collect();
        assert!(missing(&all).unwrap().is_empty());
        assert_eq!(missing(&all[..1]).unwrap().len(), MIGRATIONS.len() - 1);
        assert!(matches!(
            missing(&[all[0].clone(), (99, vec![])]),
            Err(StorageFault::NewerSchema { found: 99, .. })
        ));
        assert!(matches!(missing(&[(1, vec![1])]), Err(StorageFault::ChangedMigration { version: 1 })));
    }
    /// What was there before is sorted as what is made since.
    #[tokio::test]
    async fn what_a_name_is_sorted_by_is_filled_in_anew_for_what_is_there() {
        const INSERT: &str =
            "INSERT INTO presets (id, workspace_id, name, sorted_as) VALUES ($1, $1, $2, $3)";
        let mut connection = SqliteConnection::connect("sqlite::memory:").await.unwrap();
        sqlite_to(&mut connection, NUMBERS_IN_NAMES - 1).await.unwrap();
        sqlx::raw_sql("PRAGMA foreign_keys = OFF").execute(&mut connection).await.unwrap();
        let names = ["Shop 10", "Shop 9", "\u{c4}rger"];
        for (number, name) in (0_u128..).zip(names) {
            let insert = sqlx::query(INSERT).bind(Uuid::from_u128(number)).bind(name);
            insert.bind(name.to_lowercase()).execute(&mut connection).await.unwrap();
        }
        sqlite(&mut connection).await.unwrap();
        let read = "SELECT name, sorted_as FROM presets ORDER BY sorted_as";
        let found: Vec<(String, String)> = sqlx::query_as(read).fetch_all(&mut connection).await.unwrap();
        let expected = [2, 1, 0].map(|at| (names[at].to_owned(), sorted_as(names[at])));
        assert_eq!(found, expected);
    }
}
