//! A new epoch ends what was given out, and no table of such things is forgotten.

use std::sync::Arc;

use serde_json::json;
use sqlx::Connection as _;
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use stoa_storage::{Place, Store};
use test_kit::databases::fresh;
use test_kit::fake::clock::{FakeClock, FakeRng};
use test_kit::{Kind, on_both_databases};

/// Hashes of what was given out, which a new epoch ends.
const ENDED: &[&str] = &[
    "ceremonies.token_hash",
    "connect_sessions.code_hash",
    "connect_sessions.ticket_hash",
    "connect_sessions.visit_hash",
    "installation.setup_token_hash",
    "invitation_links.token_hash",
    "joins.token_hash",
    "mailed_links.token_hash",
    "replicas.word_hash",
    "sessions.token_hash",
    "tokens.token_hash",
];

/// Hashes of something else, and those that go on: a password, and what its owner keeps on paper.
const OTHERS: &[&str] = &[
    "accounts.password_hash",
    "audit_events.hash",
    "audit_events.previous_hash",
    "idempotency.body_hash",
    "installation.audit_hash",
    "passkeys.credential_hash",
    "recovery_codes.code_hash",
    "workspaces.audit_hash",
];

#[tokio::test]
async fn each_hash_of_something_given_out_is_ended_by_a_new_epoch_or_said_to_go_on() {
    let (clock, ids) = (Arc::new(FakeClock::default()), Arc::new(FakeRng::default()));
    let fresh = fresh(Kind::Sqlite, clock.clone(), ids.clone()).await;
    Store::open(fresh.place.clone(), clock, ids).await.unwrap().close().await;
    let Place::Sqlite(file) = &fresh.place else { panic!("a file") };
    let options = SqliteConnectOptions::new().filename(file);
    let mut connection = SqliteConnection::connect_with(&options).await.unwrap();
    let columns: Vec<String> = sqlx::query_scalar(
        "SELECT m.name || '.' || c.name FROM sqlite_master m JOIN pragma_table_info(m.name) c
            WHERE m.type = 'table' AND (c.name = 'hash' OR c.name LIKE '%\\_hash' ESCAPE '\\') ORDER BY 1",
    )
    .fetch_all(&mut connection)
    .await
    .unwrap();
    assert!(columns.len() > 10, "{columns:?}");
    let unsaid: Vec<_> = columns
        .iter()
        .filter(|column| !ENDED.contains(&column.as_str()) && !OTHERS.contains(&column.as_str()))
        .collect();
    assert!(unsaid.is_empty(), "say whether a new epoch (keeping/epoch.rs) ends these: {unsaid:?}");
}

on_both_databases! {
    async fn a_new_epoch_ends_sessions_tokens_links_and_waiting_mails(world: World) {
        let olga = world.set_up().await;
        let workspace = world.workspace(&olga, "Acme").await;
        let _ = olga.client.post(&workspace.path("/invitations"), json!({ "email": "tess@example.com" })).await.expect(201);
        let _ = olga.client.post("/api/v1/me/tokens", json!({ "name": "laptop" })).await.expect(201);
        let before = world.store.find_installation().await.unwrap().unwrap().epoch;
        let voided = world.store.begin_epoch().await.unwrap();
        assert_eq!((voided.sessions, voided.tokens, voided.links), (1, 1, 1));
        assert_eq!(world.store.find_installation().await.unwrap().unwrap().epoch, before + 1);
        let again = world.store.begin_epoch().await.unwrap();
        assert_eq!((again.sessions, again.tokens, again.links, again.mails), (0, 0, 0, 0));
        assert!(world.store.verify_chains().await.unwrap() > 3);
    }
}
