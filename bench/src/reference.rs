//! The reference: the least axum and SQLite code that answers the same three requests correctly. It looks up the session
//! by the hash of its secret, joins the grants from the workspace's side, and commits what waits together, durably.

use std::net::SocketAddr;
use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::routing::{get, post};
use http::{HeaderMap, StatusCode, header};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use sqlx::Row as _;
use sqlx::sqlite::{
    SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqlitePoolOptions, SqliteRow, SqliteSynchronous,
};
use tokio::sync::{mpsc, oneshot};
use uuid::Uuid;

use crate::load;
use crate::load::Load;
use crate::stoa::{self, ALLOWED, Installation};

pub struct Bare {
    address: SocketAddr,
    cookie: String,
    _folder: tempfile::TempDir,
}

struct Records {
    /// Stoa's own records, read only: the same rows.
    read: SqlitePool,
    writes: mpsc::Sender<Write>,
}

struct Write {
    account: Uuid,
    name: String,
    done: oneshot::Sender<i64>,
}

const SIGNED_IN: &str = "SELECT a.id, a.name, a.email, a.email_verified_at IS NOT NULL, a.is_admin FROM sessions s JOIN accounts a ON a.id = s.account_id
    WHERE s.token_hash = $1 AND s.expires_at > $2 AND a.status = 'active'";
const WORKSPACES: &str = "SELECT w.id, s.slug, w.name, m.role, w.primary_color FROM members m
    JOIN workspaces w ON w.id = m.workspace_id JOIN workspace_slugs s ON s.workspace_id = w.id AND s.is_current
    WHERE m.account_id = $1 ORDER BY w.name, w.id LIMIT 200";
const LIST: &str = "SELECT i.id, i.slug, i.name, i.stage, i.branch, i.status, i.visibility, p.name, s.name
    FROM instances i JOIN projects p ON p.id = i.project_id JOIN servers s ON s.id = i.server_id
    JOIN members m ON m.workspace_id = i.workspace_id AND m.account_id = $1
    WHERE EXISTS (SELECT 1 FROM member_instances x WHERE x.instance_id = i.id AND x.member_id = m.id)
    ORDER BY i.name, i.id LIMIT $2";
const TABLES: &str = "CREATE TABLE things (id INTEGER PRIMARY KEY, account BLOB NOT NULL, name TEXT NOT NULL);
    CREATE TABLE events (seq INTEGER PRIMARY KEY, account BLOB NOT NULL, action TEXT NOT NULL, thing INTEGER NOT NULL);";

impl Bare {
    pub async fn new(here: &Installation) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let read = SqlitePoolOptions::new()
            .max_connections(8)
            .connect_with(SqliteConnectOptions::new().filename(here.file()).read_only(true))
            .await
            .expect("Stoa's records");
        let options = SqliteConnectOptions::new()
            .filename(folder.path().join("bare.sqlite"))
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full);
        let write = SqlitePoolOptions::new().max_connections(1).connect_with(options).await.expect("a file");
        sqlx::raw_sql(TABLES).execute(&write).await.expect("tables");
        let (writes, waiting) = mpsc::channel(1024);
        tokio::spawn(gather(write, waiting));
        let router = axum::Router::new();
        // The reference has no gates; this isn't a part of the product.
        let router =
            router.route("/me", get(me)).route("/instances", get(list)).route("/things", post(create));
        let router = router.with_state(Arc::new(Records { read, writes }));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { address, cookie: here.member_cookie().to_owned(), _folder: folder }
    }

    pub fn get_me(&self) -> Load {
        let request = stoa::get("/me", &self.cookie);
        load(self.address, move |_| request.clone())
    }

    pub fn list(&self) -> Load {
        let request = stoa::get("/instances", &self.cookie);
        load(self.address, move |_| request.clone())
    }

    pub fn create(&self) -> Load {
        let cookie = self.cookie.clone();
        load(self.address, move |number| {
            stoa::post("/things", &cookie, &json!({ "name": format!("Thing {number}") }).to_string())
        })
    }
}

/// Whoever is signed in: id, name, address, whether that is verified, whether an administrator.
async fn signed_in(records: &Records, headers: &HeaderMap) -> Option<SqliteRow> {
    let secret = headers.get(header::COOKIE)?.to_str().ok()?.split_once('=')?.1;
    let hash = Sha256::digest(secret.as_bytes()).to_vec();
    // No session of the bench ends, and neither side reads a clock: Stoa's stands still.
    sqlx::query(SIGNED_IN).bind(hash).bind(0_i64).fetch_optional(&records.read).await.ok()?
}

async fn me(State(records): State<Arc<Records>>, headers: HeaderMap) -> Result<Json<Value>, StatusCode> {
    let account = signed_in(&records, &headers).await.ok_or(StatusCode::UNAUTHORIZED)?;
    let workspaces = sqlx::query(WORKSPACES)
        .bind(account.get::<Uuid, _>(0))
        .fetch_all(&records.read)
        .await
        .map_err(|_| StatusCode::INTERNAL_SERVER_ERROR)?;
    let workspaces: Vec<Value> = workspaces
        .iter()
        .map(|row| {
            json!({
                "id": row.get::<Uuid, _>(0), "slug": row.get::<String, _>(1), "name": row.get::<String, _>(2),
                "role": row.get::<String, _>(3), "primary_color": row.get::<String, _>(4),
            })
        })
        .collect();
    Ok(Json(json!({
        "id": account.get::<Uuid, _>(0), "name": account.get::<String, _>(1), "email": account.get::<String, _>(2),
        "email_verified": account.get::<bool, _>(3), "is_admin": account.get::<bool, _>(4),
        "workspaces": workspaces,
    })))
}

async fn list(State(records): State<Arc<Records>>, headers: HeaderMap) -> Result<Json<Value>, StatusCode> {
    let account: Uuid = signed_in(&records, &headers).await.ok_or(StatusCode::UNAUTHORIZED)?.get(0);
    let rows = sqlx::query(LIST)
        .bind(account)
        .bind(ALLOWED)
        .fetch_all(&records.read)
        .await
        .map_err(|_| StatusCode::INTERNAL_SERVER_ERROR)?;
    let items: Vec<Value> = rows
        .iter()
        .map(|row| {
            json!({
                "id": row.get::<Uuid, _>(0), "slug": row.get::<String, _>(1), "name": row.get::<String, _>(2),
                "stage": row.get::<String, _>(3), "branch": row.get::<String, _>(4),
                "status": row.get::<String, _>(5), "visibility": row.get::<String, _>(6),
                "project": row.get::<String, _>(7), "server": row.get::<String, _>(8),
            })
        })
        .collect();
    assert_eq!(items.len(), 100);
    Ok(Json(json!({ "items": items })))
}

async fn create(
    State(records): State<Arc<Records>>,
    headers: HeaderMap,
    Json(wish): Json<Value>,
) -> Result<(StatusCode, Json<Value>), StatusCode> {
    let account: Uuid = signed_in(&records, &headers).await.ok_or(StatusCode::UNAUTHORIZED)?.get(0);
    let name = wish["name"].as_str().ok_or(StatusCode::UNPROCESSABLE_ENTITY)?.to_owned();
    let (done, written) = oneshot::channel();
    let write = Write { account, name: name.clone(), done };
    records.writes.send(write).await.map_err(|_| StatusCode::INTERNAL_SERVER_ERROR)?;
    let id = written.await.map_err(|_| StatusCode::INTERNAL_SERVER_ERROR)?;
    Ok((StatusCode::CREATED, Json(json!({ "id": id, "name": name }))))
}

/// One writer: what waits is committed together, and answered after the commit.
async fn gather(pool: SqlitePool, mut waiting: mpsc::Receiver<Write>) {
    while let Some(first) = waiting.recv().await {
        let mut tx = pool.begin().await.expect("a transaction");
        let mut next = Some(first);
        let mut written = Vec::new();
        while let Some(write) = next {
            let id: i64 =
                sqlx::query_scalar("INSERT INTO things (account, name) VALUES ($1, $2) RETURNING id")
                    .bind(write.account)
                    .bind(&write.name)
                    .fetch_one(&mut *tx)
                    .await
                    .expect("a row");
            sqlx::query("INSERT INTO events (account, action, thing) VALUES ($1, 'create', $2)")
                .bind(write.account)
                .bind(id)
                .execute(&mut *tx)
                .await
                .expect("an event");
            written.push((write.done, id));
            next = if written.len() < 128 { waiting.try_recv().ok() } else { None };
        }
        tx.commit().await.expect("a commit");
        for (done, id) in written {
            // Whoever asked may have gone.
            let _ = done.send(id);
        }
    }
}
