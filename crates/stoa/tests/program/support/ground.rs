//! What replicas stand on: one PostgreSQL, one folder of repositories, and what each process is told.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use sqlx::postgres::{PgConnection, PgListener};
use sqlx::{Connection as _, Executor as _};
use stoa_storage::Place;
use tempfile::TempDir;
use test_kit::Kind;
use test_kit::databases::{Fresh, fresh};
use test_kit::fake::clock::{FakeClock, FakeRng};
use tokio::runtime::Runtime;

use super::Installation;

pub const TOKEN: &str = "a-setup-token-that-is-long-enough-for-one";

/// A database, a folder of repositories, and what both processes are told.
pub struct Ground {
    pub runtime: Runtime,
    pub address: String,
    pub shared: TempDir,
    _database: Fresh,
}

impl Ground {
    pub fn new() -> Self {
        let runtime = Runtime::new().unwrap();
        let (clock, ids) = (Arc::new(FakeClock::default()), Arc::new(FakeRng::default()));
        let database = runtime.block_on(fresh(Kind::Postgres, clock, ids));
        let Place::Postgres(address) = &database.place else { panic!("an address") };
        let shared = tempfile::tempdir().unwrap();
        Self { runtime, address: address.clone(), shared, _database: database }
    }

    pub fn sql(&self, statements: &[&'static str]) {
        self.runtime.block_on(async {
            let mut connection = PgConnection::connect(&self.address).await.unwrap();
            for statement in statements {
                connection.execute(*statement).await.unwrap();
            }
            connection.close().await.unwrap();
        });
    }

    /// From now on whoever connects says nothing to the others: what tells them is another function of that name.
    pub fn silence(&self) {
        self.sql(&[
            "CREATE FUNCTION public.pg_notify(text, text) RETURNS void LANGUAGE plpgsql AS 'BEGIN END'",
            "DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET search_path = public, pg_catalog', current_database()); END $$",
        ]);
    }

    /// Counts what the replicas tell each other.
    pub fn count_hints(&self) -> Arc<AtomicUsize> {
        let count = Arc::<AtomicUsize>::default();
        let mut listener = self.runtime.block_on(PgListener::connect(&self.address)).unwrap();
        self.runtime.block_on(listener.listen("stoa_changes")).unwrap();
        let counted = count.clone();
        self.runtime.spawn(async move {
            while listener.recv().await.is_ok() {
                counted.fetch_add(1, Ordering::SeqCst);
            }
        });
        count
    }

    /// A process of the installation, not yet started. `public` is the first one's port.
    pub fn replica(&self, public: Option<u16>, more: &[(&str, &str)]) -> Installation {
        let repositories = self.shared.path().join("repositories");
        let mut replica = Installation::prepare(&[
            ("STOA_DATABASE_URL", &self.address),
            ("STOA_REPOSITORIES_DIR", repositories.to_str().unwrap()),
            ("STOA_SETUP_TOKEN", TOKEN),
        ]);
        let internal = format!("http://127.0.0.1:{}", replica.port);
        replica.environment.push(("STOA_INTERNAL_URL".to_owned(), internal));
        replica.setup_token = TOKEN.to_owned();
        if let Some(port) = public {
            replica.public_port = port;
            replica.environment.push(("STOA_PUBLIC_URL".to_owned(), format!("http://localhost:{port}")));
        }
        for (name, value) in more {
            replica.environment.retain(|(known, _)| known != name);
            replica.environment.push(((*name).to_owned(), (*value).to_owned()));
        }
        replica
    }
}

/// What the operator does: each replica has its own copy of the key.
pub fn give_key(from: &Installation, to: &Installation) {
    std::fs::create_dir_all(to.data()).unwrap();
    std::fs::copy(from.data().join("master.key"), to.data().join("master.key")).unwrap();
}
