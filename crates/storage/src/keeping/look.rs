//! What a file of records is, without changing it.

use std::path::Path;

use sqlx::{Connection as _, SqliteConnection};
use stoa_domain::ProjectId;

use super::{count, open_file, sentence};
use crate::failure::StorageFault;
use crate::migrate;

/// What stands in a file of records.
#[derive(Debug, Clone)]
pub struct Look {
    /// Version of the schema.
    pub version: i64,
    /// A known text, sealed with the master key. None before the first start was over.
    pub key_check: Option<Vec<u8>>,
    /// Projects whose repository Stoa hosts, in the order of their ids.
    pub hosted: Vec<ProjectId>,
    pub accounts: i64,
    pub workspaces: i64,
    pub instances: i64,
    /// Whether this machine is a server of a workspace.
    pub has_local_machine: bool,
}

/// # Errors
/// Where the file can't be read, or isn't one of records.
pub async fn look(file: &Path) -> Result<Look, StorageFault> {
    let mut connection = open_file(file).await?;
    let mut tx = connection.begin().await?;
    let version = migrate::version_of_sqlite(&mut tx).await?;
    if version == 0 {
        return Err(sentence(format!("{} holds no records of Stoa", file.display())));
    }
    let key_check = sqlx::query_scalar("SELECT key_check FROM installation WHERE id = 1")
        .fetch_optional(&mut *tx)
        .await?;
    let hosted: Vec<uuid::Uuid> =
        sqlx::query_scalar("SELECT id FROM projects WHERE kind = 'hosted' ORDER BY id")
            .fetch_all(&mut *tx)
            .await?;
    let found = Look {
        version,
        key_check,
        hosted: hosted.into_iter().map(ProjectId::new).collect(),
        accounts: count(&mut tx, "SELECT COUNT(*) FROM accounts").await?,
        workspaces: count(&mut tx, "SELECT COUNT(*) FROM workspaces").await?,
        instances: count(&mut tx, "SELECT COUNT(*) FROM instances").await?,
        has_local_machine: count(&mut tx, "SELECT COUNT(*) FROM machines WHERE kind = 'local'").await? > 0,
    };
    tx.rollback().await?;
    connection.close().await?;
    Ok(found)
}

/// Looks a file of records over: that it is whole, and that every reference leads somewhere.
///
/// # Errors
/// What is wrong with it.
pub async fn check(file: &Path) -> Result<(), StorageFault> {
    let mut connection = open_file(file).await?;
    let outcome = check_open(file, &mut connection).await;
    connection.close().await?;
    outcome
}

async fn check_open(file: &Path, connection: &mut SqliteConnection) -> Result<(), StorageFault> {
    let said: String = sqlx::query_scalar("PRAGMA integrity_check(1)").fetch_one(&mut *connection).await?;
    if said != "ok" {
        return Err(sentence(format!("the records in {} are damaged: {said}", file.display())));
    }
    let lost: Option<String> = sqlx::query_scalar("SELECT \"table\" FROM pragma_foreign_key_check LIMIT 1")
        .fetch_optional(&mut *connection)
        .await?;
    let foreign: Option<String> =
        sqlx::query_scalar("SELECT name FROM sqlite_master WHERE type IN ('trigger', 'view') LIMIT 1")
            .fetch_optional(&mut *connection)
            .await?;
    if let Some(name) = foreign {
        return Err(sentence(format!(
            "the records in {} hold something that Stoa never makes, {name}: they were changed by somebody else",
            file.display()
        )));
    }
    match lost {
        None => Ok(()),
        Some(table) => Err(sentence(format!(
            "the records in {} are damaged: a row of {table} refers to nothing",
            file.display()
        ))),
    }
}
