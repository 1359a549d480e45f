//! Rows from one database to the other, table by table, and whether they have arrived.

use futures_util::TryStreamExt as _;
use sha2::{Digest, Sha256};
use sqlx::AssertSqlSafe;

use super::tables::Table;
use super::{sentence, told};
use crate::failure::StorageFault;
use crate::row::Row;
use crate::tx::{Connection, bound_to_postgres, bound_to_sqlite};
use crate::value::{Kind, Value};

/// Rows of one statement, at most.
const ROWS: usize = 500;
/// Values of one statement, at most: fewer than either database takes.
const VALUES: usize = 30_000;
/// Bytes of one statement, about.
const BYTES: usize = 4 << 20;

/// What was copied, and found to be the same on both sides.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Copied {
    pub tables: usize,
    pub rows: u64,
}

/// What a table holds: so many rows, and SHA-256 of all their values in the order of its key.
#[derive(Clone, PartialEq, Eq)]
struct Content {
    rows: u64,
    sha256: Vec<u8>,
}

/// A row on its way.
type Cells = Vec<Value>;

/// Copies all rows of all tables, and reads them again on the other side.
pub(super) async fn all(
    tables: &[Table],
    from: &mut Connection<'_>,
    to: &mut Connection<'_>,
) -> Result<Copied, StorageFault> {
    let mut copied = Copied::default();
    for table in tables {
        let named = |fault: StorageFault| match fault {
            StorageFault::Database(error) if !matches!(error, sqlx::Error::Io(_)) => match told(error) {
                StorageFault::Full => StorageFault::Full,
                fault => sentence(format!("the table {} can't be copied: {}", table.name, chain_of(&fault))),
            },
            other => other,
        };
        let sent = one(table, from, to).await.map_err(named)?;
        let arrived = read(table, to, |_| {}).await.map_err(named)?;
        if sent != arrived {
            return Err(sentence(format!(
                "the table {} isn't the same after it was copied: {} rows were read, {} have arrived",
                table.name, sent.rows, arrived.rows
            )));
        }
        copied.tables += 1;
        copied.rows += sent.rows;
    }
    Ok(copied)
}

fn chain_of(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(&format!(": {error}"));
        cause = error.source();
    }
    text
}

async fn one(
    table: &Table,
    from: &mut Connection<'_>,
    to: &mut Connection<'_>,
) -> Result<Content, StorageFault> {
    let most = ROWS.min(VALUES / table.columns.len().max(1)).max(1);
    let mut counted = Counted::default();
    let mut gathered = Vec::<Cells>::new();
    let mut bytes = 0;
    let mut rows = rows(table, from);
    while let Some(cells) = rows.try_next().await? {
        counted.take(&cells);
        bytes += cells.iter().map(size).sum::<usize>();
        gathered.push(cells);
        if gathered.len() >= most || bytes >= BYTES {
            insert(table, std::mem::take(&mut gathered), to).await?;
            bytes = 0;
        }
    }
    drop(rows);
    if !gathered.is_empty() {
        insert(table, gathered, to).await?;
    }
    Ok(counted.end())
}

async fn read(
    table: &Table,
    connection: &mut Connection<'_>,
    mut each: impl FnMut(&Cells),
) -> Result<Content, StorageFault> {
    let mut counted = Counted::default();
    let mut rows = rows(table, connection);
    while let Some(cells) = rows.try_next().await? {
        counted.take(&cells);
        each(&cells);
    }
    Ok(counted.end())
}

/// A table's rows in the order of its key, which both databases keep alike: bytes by their value.
fn rows<'c>(
    table: &Table,
    connection: &'c mut Connection<'_>,
) -> futures_util::stream::BoxStream<'c, Result<Cells, StorageFault>> {
    let is_postgres = matches!(connection, Connection::Postgres(_));
    let kinds: Vec<Kind> = table.columns.iter().map(|(_, kind)| *kind).collect();
    let key = table.key.iter().map(|column| {
        let is_text = table.columns.iter().any(|(name, kind)| name == column && *kind == Kind::Text);
        if is_text && is_postgres { format!("\"{column}\" COLLATE \"C\"") } else { format!("\"{column}\"") }
    });
    let text = format!(
        "SELECT {} FROM \"{}\" ORDER BY {}",
        names(table),
        table.name,
        key.collect::<Vec<_>>().join(", ")
    );
    // The names come from the schema itself.
    let query = AssertSqlSafe(text);
    let cells = move |row: Row| {
        kinds.iter().enumerate().map(|(index, kind)| cell(&row, index, *kind)).collect::<Result<Cells, _>>()
    };
    match connection {
        Connection::Sqlite(c) => Box::pin(
            sqlx::query(query)
                .fetch(&mut **c)
                .map_err(StorageFault::from)
                .and_then(move |row| std::future::ready(cells(Row::Sqlite(row)))),
        ),
        Connection::Postgres(c) => Box::pin(
            sqlx::query(query)
                .fetch(&mut **c)
                .map_err(StorageFault::from)
                .and_then(move |row| std::future::ready(cells(Row::Postgres(row)))),
        ),
    }
}

fn names(table: &Table) -> String {
    table.columns.iter().map(|(name, _)| format!("\"{name}\"")).collect::<Vec<_>>().join(", ")
}

fn cell(row: &Row, index: usize, kind: Kind) -> Result<Value, StorageFault> {
    Ok(match kind {
        Kind::Uuid => row.get::<Option<uuid::Uuid>>(index)?.into(),
        Kind::Text => row.get::<Option<String>>(index)?.into(),
        Kind::Bool => row.get::<Option<bool>>(index)?.into(),
        Kind::Int => row.get::<Option<i64>>(index)?.into(),
        Kind::Bytes => row.get::<Option<Vec<u8>>>(index)?.into(),
    })
}

async fn insert(table: &Table, rows: Vec<Cells>, to: &mut Connection<'_>) -> Result<(), StorageFault> {
    let width = table.columns.len();
    let places: Vec<String> = (0..rows.len())
        .map(|row| {
            let places: Vec<_> = (1..=width).map(|column| format!("${}", row * width + column)).collect();
            format!("({})", places.join(", "))
        })
        .collect();
    let is_usual = rows.len() == ROWS.min(VALUES / width.max(1)).max(1);
    let values = rows.into_iter().flatten();
    let text = AssertSqlSafe(format!(
        "INSERT INTO \"{}\" ({}) VALUES {}",
        table.name,
        names(table),
        places.join(", ")
    ));
    match to {
        Connection::Sqlite(c) => {
            bound_to_sqlite(sqlx::query(text).persistent(is_usual), values).execute(&mut **c).await?;
        }
        Connection::Postgres(c) => {
            bound_to_postgres(sqlx::query(text).persistent(is_usual), values).execute(&mut **c).await?;
        }
    }
    Ok(())
}

fn size(value: &Value) -> usize {
    match value {
        Value::Text(text) => text.len(),
        Value::Bytes(bytes) => bytes.len(),
        _ => 16,
    }
}

#[derive(Default)]
struct Counted {
    rows: u64,
    hash: Sha256,
}

impl Counted {
    /// Each value by its kind, its length and its bytes: no two rows have the same.
    fn take(&mut self, cells: &Cells) {
        self.rows += 1;
        for value in cells {
            let (kind, bytes): (u8, &[u8]) = match value {
                Value::Null(_) => (0, &[]),
                Value::Uuid(id) => (1, id.as_bytes()),
                Value::Text(text) => (2, text.as_bytes()),
                Value::Bool(is) => (3, if *is { &[1] } else { &[0] }),
                Value::Int(number) => {
                    self.hash.update([4]);
                    self.hash.update(number.to_be_bytes());
                    continue;
                }
                Value::Bytes(bytes) => (5, bytes),
            };
            self.hash.update([kind]);
            self.hash.update((bytes.len() as u64).to_be_bytes());
            self.hash.update(bytes);
        }
    }

    fn end(self) -> Content {
        Content { rows: self.rows, sha256: self.hash.finalize().to_vec() }
    }
}
