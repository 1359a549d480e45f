//! Tables as the schema has them: their columns, their keys, and an order in which rows find what they refer to.

use std::collections::{BTreeMap, BTreeSet};

use sqlx::{PgConnection, SqliteConnection};

use super::sentence;
use crate::failure::StorageFault;
use crate::value::Kind;

/// The table in which migrations write down what they did: each database has its own.
pub(crate) const OF_MIGRATIONS: &str = "schema_versions";

/// A table whose rows are copied.
#[derive(Clone)]
pub(crate) struct Table {
    pub name: String,
    pub columns: Vec<(String, Kind)>,
    /// The columns of its primary key: rows are read in their order.
    pub key: Vec<String>,
    /// Tables that it refers to.
    refers_to: BTreeSet<String>,
}

fn kind(table: &str, column: &str, declared: &str) -> Result<Kind, StorageFault> {
    match declared.to_ascii_lowercase().as_str() {
        "uuid" => Ok(Kind::Uuid),
        "text" => Ok(Kind::Text),
        "boolean" => Ok(Kind::Bool),
        "bigint" => Ok(Kind::Int),
        "bytea" => Ok(Kind::Bytes),
        other => Err(sentence(format!("the column {table}.{column} is of a type that isn't known: {other}"))),
    }
}

/// All tables of a SQLite file but that of the migrations, each behind those that it refers to.
pub(crate) async fn of_sqlite(connection: &mut SqliteConnection) -> Result<Vec<Table>, StorageFault> {
    let columns: Vec<(String, String, String, i64)> = sqlx::query_as(
        "SELECT m.name, c.name, c.type, c.pk FROM sqlite_master m JOIN pragma_table_info(m.name) c
            WHERE m.type = 'table' AND m.name NOT LIKE 'sqlite\\_%' ESCAPE '\\' ORDER BY m.name, c.cid",
    )
    .fetch_all(&mut *connection)
    .await?;
    let references: Vec<(String, String)> = sqlx::query_as(
        "SELECT m.name, f.\"table\" FROM sqlite_master m JOIN pragma_foreign_key_list(m.name) f
            WHERE m.type = 'table'",
    )
    .fetch_all(&mut *connection)
    .await?;
    let mut tables = BTreeMap::<String, (Table, BTreeMap<i64, String>)>::new();
    for (table, column, declared, place_in_key) in columns {
        if table == OF_MIGRATIONS {
            continue;
        }
        let kind = kind(&table, &column, &declared)?;
        let (known, key) = tables.entry(table.clone()).or_insert_with(|| {
            let empty =
                Table { name: table, columns: Vec::new(), key: Vec::new(), refers_to: BTreeSet::new() };
            (empty, BTreeMap::new())
        });
        if place_in_key > 0 {
            key.insert(place_in_key, column.clone());
        }
        known.columns.push((column, kind));
    }
    for (table, other) in references.into_iter().filter(|(table, other)| table != other) {
        if let Some((known, _)) = tables.get_mut(&table) {
            known.refers_to.insert(other);
        }
    }
    in_order(tables.into_values().map(|(table, key)| Table { key: key.into_values().collect(), ..table }))
}

fn in_order(tables: impl Iterator<Item = Table>) -> Result<Vec<Table>, StorageFault> {
    let mut waiting: Vec<Table> = tables.collect();
    let mut ordered = Vec::<Table>::new();
    while !waiting.is_empty() {
        let is_there = |name: &String| ordered.iter().any(|table| table.name == *name);
        let (ready, rest): (Vec<_>, Vec<_>) =
            waiting.into_iter().partition(|table| table.refers_to.iter().all(is_there));
        if ready.is_empty() {
            let names: Vec<_> = rest.iter().map(|table| table.name.as_str()).collect();
            return Err(sentence(format!("these tables refer to each other: {}", names.join(", "))));
        }
        ordered.extend(ready);
        waiting = rest;
    }
    match ordered.iter().find(|table| table.key.is_empty()) {
        Some(table) => Err(sentence(format!("the table {} has no primary key", table.name))),
        None => Ok(ordered),
    }
}

/// Tables by name, each with its columns.
type Shape = BTreeMap<String, BTreeMap<String, Kind>>;

/// Refuses where a PostgreSQL hasn't the very same tables and columns.
pub(crate) async fn compare(tables: &[Table], connection: &mut PgConnection) -> Result<(), StorageFault> {
    let columns: Vec<(String, String, String)> = sqlx::query_as(
        "SELECT c.table_name::text, c.column_name::text, c.data_type::text FROM information_schema.columns c
            JOIN information_schema.tables t ON t.table_schema = c.table_schema AND t.table_name = c.table_name
            WHERE c.table_schema = 'public' AND t.table_type = 'BASE TABLE'",
    )
    .fetch_all(connection)
    .await?;
    let mut theirs = Shape::new();
    for (table, column, declared) in columns.into_iter().filter(|(table, ..)| table != OF_MIGRATIONS) {
        let kind = kind(&table, &column, &declared)?;
        theirs.entry(table).or_default().insert(column, kind);
    }
    let ours: Shape =
        tables.iter().map(|table| (table.name.clone(), table.columns.iter().cloned().collect())).collect();
    let differing = ours.keys().chain(theirs.keys()).find(|name| ours.get(*name) != theirs.get(*name));
    match differing {
        None => Ok(()),
        Some(name) => Err(sentence(format!("the table {name} isn't the same in both databases"))),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn table(name: &str, refers_to: &[&str]) -> Table {
        let refers_to = refers_to.iter().map(|name| (*name).to_owned()).collect();
        let columns = vec![("id".to_owned(), Kind::Uuid)];
        Table { name: name.to_owned(), columns, key: vec!["id".to_owned()], refers_to }
    }

    #[test]
    fn a_table_comes_behind_those_that_it_refers_to() {
        let tables = [table("a", &["c"]), table("b", &["a", "c"]), table("c", &[])];
        let ordered = in_order(tables.into_iter()).unwrap();
        assert_eq!(ordered.iter().map(|table| table.name.as_str()).collect::<Vec<_>>(), ["c", "a", "b"]);
    }

    #[test]
    fn tables_without_an_order_are_refused() {
        let tables = [table("a", &["b"]), table("b", &["a"])];
        assert!(in_order(tables.into_iter()).err().unwrap().to_string().contains("a, b"));
    }
}
