//! An installation with people, a workspace and a repository; others to bring it to; and empty PostgreSQLs.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde_json::json;
use sqlx::{Connection as _, Executor as _, PgConnection, Row as _, SqliteConnection};
use stoa_adapters::clock::{SystemClock, SystemRng};
use stoa_storage::{Place, Store};

use crate::support::{Answer, Installation, PASSWORD, git, push_files};

pub const W: &str = "/workspaces/acme";
pub const TOKEN: &str = "a-setup-token-that-is-long-enough-for-one";

/// What was given out before, and must or must not count after.
pub struct Ground {
    pub stoa: Installation,
    pub owner: String,
    pub token: String,
    pub invitation: String,
    pub project: String,
    pub work: PathBuf,
}

impl Ground {
    pub fn new() -> Self {
        Self::on(Installation::start())
    }

    /// On PostgreSQL.
    pub fn on_postgres(address: &str) -> Self {
        let mut stoa = Installation::prepare(&[("STOA_DATABASE_URL", address), ("STOA_SETUP_TOKEN", TOKEN)]);
        stoa.setup_token = TOKEN.to_owned();
        let _ = stoa.run();
        Self::on(stoa)
    }

    fn on(stoa: Installation) -> Self {
        let account = json!({ "token": stoa.setup_token, "name": "Olga", "email": "olga@example.com", "password": PASSWORD });
        let owner = stoa.send("", "POST", "/setup", Some(account)).expect(201).cookie();
        let send = |path: &str, body| stoa.send(&owner, "POST", path, Some(body)).expect(201);
        let _ = send("/workspaces", json!({ "name": "Acme" }));
        let project = send(&format!("{W}/projects"), json!({ "name": "Shop" })).field("id");
        let _ = send(&format!("{W}/projects"), json!({ "name": "Empty" }));
        let token = send("/me/tokens", json!({ "name": "laptop" })).field("token");
        let link = send(&format!("{W}/invitations"), json!({ "email": "tess@example.com" })).field("link");
        let invitation = link.rsplit('/').next().unwrap().to_owned();
        let work = stoa.folder.path().join("work");
        let remote = format!("http://x:{token}@localhost:{}/git/acme/shop.git", stoa.port);
        push_files(&work, &[("file", "first")], &remote);
        Self { stoa, owner, token, invitation, project, work }
    }

    /// Moves `main` on, on the branch's server too.
    pub fn push(work: &Path, number: usize) {
        std::fs::write(work.join("file"), format!("number {number}")).unwrap();
        let message = format!("number {number}");
        for arguments in
            [&["commit", "--quiet", "-am", message.as_str()][..], &["push", "--quiet", "stoa", "main"]]
        {
            let (succeeded, said) = git(work, arguments);
            assert!(succeeded, "{said}");
        }
    }

    /// Another place, with this one's master key and nothing else.
    pub fn beside(&self, environment: &[(&str, &str)]) -> Installation {
        let mut beside = Installation::prepare(environment);
        give_key(&self.stoa.data().join("master.key"), &beside);
        // Somebody is there already: nobody is asked to set it up.
        beside.setup_token = self.stoa.setup_token.clone();
        beside
    }
}

pub fn give_key(from: &Path, to: &Installation) {
    use std::os::unix::fs::PermissionsExt as _;
    std::fs::create_dir_all(to.data()).unwrap();
    let key = to.data().join("master.key");
    std::fs::copy(from, &key).unwrap();
    std::fs::set_permissions(key, std::fs::Permissions::from_mode(0o600)).unwrap();
}

pub fn sign_in(stoa: &Installation, email: &str) -> Answer {
    stoa.send("", "POST", "/session", Some(json!({ "email": email, "password": PASSWORD })))
}

/// The names in a folder.
pub fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<String> = std::fs::read_dir(folder)
        .into_iter()
        .flatten()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

pub fn block<T>(work: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap().block_on(work)
}

/// A database with nothing in it.
pub fn empty_postgres() -> String {
    let server = test_kit::databases::postgres_server();
    let name = format!("kept_{}", uuid::Uuid::now_v7().simple());
    block(async {
        let mut connection = PgConnection::connect(&server).await.unwrap();
        connection.execute(sqlx::AssertSqlSafe(format!("CREATE DATABASE {name}"))).await.unwrap();
    });
    server.replace("/postgres?", &format!("/{name}?"))
}

/// Changes records that nobody has open.
pub fn change(file: &Path, text: &'static str) {
    block(async {
        let options = sqlx::sqlite::SqliteConnectOptions::new()
            .filename(file)
            .journal_mode(sqlx::sqlite::SqliteJournalMode::Delete);
        let mut connection = SqliteConnection::connect_with(&options).await.unwrap();
        connection.execute(text).await.unwrap();
        connection.close().await.unwrap();
    });
}

/// How many tables a PostgreSQL has.
pub fn tables_of(address: &str) -> i64 {
    block(async {
        let mut connection = PgConnection::connect(address).await.unwrap();
        sqlx::query_scalar("SELECT COUNT(*) FROM pg_tables WHERE schemaname = 'public'")
            .fetch_one(&mut connection)
            .await
            .unwrap()
    })
}

/// Rows of each table, by a count of the test's own.
pub fn counts_of_postgres(address: &str) -> Vec<(String, i64)> {
    block(async {
        let mut connection = PgConnection::connect(address).await.unwrap();
        let tables: Vec<String> = sqlx::query_scalar(
            "SELECT tablename::text FROM pg_tables WHERE schemaname = 'public' ORDER BY tablename COLLATE \"C\"",
        )
        .fetch_all(&mut connection)
        .await
        .unwrap();
        let mut counts = Vec::new();
        for table in tables {
            let count = sqlx::AssertSqlSafe(format!("SELECT COUNT(*) FROM \"{table}\""));
            let row = sqlx::query(count).fetch_one(&mut connection).await.unwrap();
            counts.push((table, row.get(0)));
        }
        counts
    })
}

pub fn counts_of_sqlite(file: &Path) -> Vec<(String, i64)> {
    block(async {
        let options = sqlx::sqlite::SqliteConnectOptions::new().filename(file);
        let mut connection = SqliteConnection::connect_with(&options).await.unwrap();
        let tables: Vec<String> =
            sqlx::query_scalar("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name")
                .fetch_all(&mut connection)
                .await
                .unwrap();
        let mut counts = Vec::new();
        for table in tables {
            let count = sqlx::AssertSqlSafe(format!("SELECT COUNT(*) FROM \"{table}\""));
            let row = sqlx::query(count).fetch_one(&mut connection).await.unwrap();
            counts.push((table, row.get(0)));
        }
        counts
    })
}

/// How many events the audit chains have, which all hold; and the epoch.
pub fn chains_and_epoch(place: Place) -> (u64, i64) {
    block(async {
        let store = Store::open(place, Arc::new(SystemClock), Arc::new(SystemRng)).await.unwrap();
        let events = store.verify_chains().await.unwrap();
        let epoch = store.find_installation().await.unwrap().unwrap().epoch;
        store.close().await;
        (events, epoch)
    })
}
