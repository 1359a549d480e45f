//! The schema that the migrations make, pinned for each database, and what holds for every tenant's table.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::sync::Arc;

use sqlx::postgres::PgConnection;
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use sqlx::{Connection as _, Row as _};
use stoa_storage::{Place, StorageFault, Store};
use test_kit::Kind;
use test_kit::databases::{Fresh, fresh};
use test_kit::fake::clock::{FakeClock, FakeRng};

async fn made(kind: Kind) -> Fresh {
    let (clock, ids) = (Arc::new(FakeClock::default()), Arc::new(FakeRng::default()));
    let fresh = fresh(kind, clock.clone(), ids.clone()).await;
    Store::open(fresh.place.clone(), clock, ids).await.unwrap().close().await;
    fresh
}

async fn sqlite(fresh: &Fresh) -> SqliteConnection {
    let Place::Sqlite(file) = &fresh.place else { panic!("a file") };
    SqliteConnection::connect_with(&SqliteConnectOptions::new().filename(file)).await.unwrap()
}

async fn postgres(fresh: &Fresh) -> PgConnection {
    let Place::Postgres(address) = &fresh.place else { panic!("an address") };
    PgConnection::connect(address).await.unwrap()
}

#[tokio::test]
async fn the_schema_on_sqlite_is_the_one_that_is_pinned() {
    let fresh = made(Kind::Sqlite).await;
    let mut connection = sqlite(&fresh).await;
    let rows = sqlx::query("SELECT sql FROM sqlite_master WHERE sql IS NOT NULL ORDER BY name")
        .fetch_all(&mut connection)
        .await
        .unwrap();
    let text: String = rows.iter().map(|row| format!("{};\n\n", row.get::<String, _>(0))).collect();
    test_kit::golden::compare("crates/storage/tests/golden/schema.sqlite.sql", &text);
}

#[tokio::test]
async fn the_schema_on_postgresql_is_the_one_that_is_pinned() {
    let fresh = made(Kind::Postgres).await;
    let mut connection = postgres(&fresh).await;
    let mut text = String::new();
    for statement in [
        "SELECT table_name || '.' || column_name || ' ' || data_type || COALESCE(' ' || collation_name, '')
            || CASE is_nullable WHEN 'YES' THEN ' may be null' ELSE '' END
            FROM information_schema.columns WHERE table_schema = 'public' ORDER BY table_name, ordinal_position",
        "SELECT conrelid::regclass || ': ' || pg_get_constraintdef(oid) FROM pg_constraint
            WHERE connamespace = 'public'::regnamespace AND contype <> 'n' ORDER BY 1",
        "SELECT indexdef FROM pg_indexes WHERE schemaname = 'public' ORDER BY indexname",
    ] {
        for row in sqlx::query(statement).fetch_all(&mut connection).await.unwrap() {
            writeln!(text, "{}", row.get::<String, _>(0)).unwrap();
        }
        text.push('\n');
    }
    test_kit::golden::compare("crates/storage/tests/golden/schema.postgres.txt", &text);
}

/// A reference: the columns on this side, of the other table.
type References = BTreeMap<(String, i64), (String, BTreeSet<String>)>;

#[tokio::test]
async fn no_row_of_a_workspace_can_point_into_another() {
    let fresh = made(Kind::Sqlite).await;
    let mut connection = sqlite(&fresh).await;
    let tenants: BTreeSet<String> = sqlx::query_scalar(
        "SELECT m.name FROM sqlite_master m JOIN pragma_table_info(m.name) c
            WHERE m.type = 'table' AND c.name = 'workspace_id'",
    )
    .fetch_all(&mut connection)
    .await
    .unwrap()
    .into_iter()
    .collect();
    assert!(tenants.len() > 15, "{tenants:?}");
    let rows = sqlx::query(
        "SELECT m.name, f.id, f.\"table\", f.\"from\" FROM sqlite_master m JOIN pragma_foreign_key_list(m.name) f
            WHERE m.type = 'table'",
    )
    .fetch_all(&mut connection)
    .await
    .unwrap();
    let mut references = References::new();
    for row in rows {
        let (table, number, other): (String, i64, String) = (row.get(0), row.get(1), row.get(2));
        references.entry((table, number)).or_insert((other, BTreeSet::new())).1.insert(row.get(3));
    }
    assert!(references.len() > 20);
    for ((table, _), (other, columns)) in &references {
        let both = tenants.contains(table) && tenants.contains(other);
        assert!(!both || columns.contains("workspace_id"), "{table} refers to {other} by {columns:?} alone");
    }
}

#[test]
fn statements_that_differ_are_few() {
    let pairs: Vec<&str> =
        stoa_storage::statements().iter().filter(|one| one.is_pair()).map(|one| one.name).collect();
    // Each costs a reader of both texts. A higher number wants a reason in the change that brings it. The ninth locks what
    // a write came by, so that ending a session waits for what it writes.
    assert!(pairs.len() <= 9, "{pairs:?}");
}

#[tokio::test]
async fn an_older_program_refuses_the_records_of_a_newer_one() {
    let fresh = made(Kind::Sqlite).await;
    sqlx::query("INSERT INTO schema_versions (version, sha256) VALUES (99, x'00')")
        .execute(&mut sqlite(&fresh).await)
        .await
        .unwrap();
    let (clock, ids) = (Arc::new(FakeClock::default()), Arc::new(FakeRng::default()));
    let refused = Store::open(fresh.place.clone(), clock, ids).await.err();
    assert!(matches!(refused, Some(StorageFault::NewerSchema { found: 99, .. })), "{refused:?}");
}
