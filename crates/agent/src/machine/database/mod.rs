//! The PostgreSQL databases of instances: one role and one database each, made at the first deployment that asks for
//! them, gone with the instance.
//!
//! Their names are made up, so that what an application sees of others in PostgreSQL's own lists says nothing of them.

mod dump;
mod switch;

use std::io;
use std::path::PathBuf;
use std::time::Duration;

use futures_util::future::BoxFuture;
use serde::{Deserialize, Serialize};
use stoa_domain::{InstanceId, Secret};
use tokio::sync::MutexGuard;
use zeroize::Zeroizing;

use super::Agent;
use super::instance::Instance;
use super::sealing::Key;
use super::start::Unwell;
use crate::folders::{self, Folders};
use crate::postgresql::sql::Speaker;
use crate::postgresql::{self, Cluster, PostgresqlError, Programs, SOCKETS, Server};
use crate::sandbox::Identity;
use crate::stoa_toml::{Application, Postgresql};

/// What the master's password is sealed for.
const MASTERS: &str = "postgresql";

/// Connections of one role.
const CONNECTIONS: u32 = 50;

/// How long a role may take to be let in, once it is said that it is.
const LONGEST_RELOAD: Duration = Duration::from_secs(20);
const LOOK: Duration = Duration::from_millis(50);

const FIRST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_secs(60);

/// How an instance reaches its database. It has no `Debug`: the password is secret.
#[derive(Clone)]
pub(super) struct Database {
    /// Of the role, and of the database that the instance runs with.
    name: String,
    /// The one that this is about: what is brought back stands aside.
    database: String,
    password: Secret,
}

impl Database {
    /// As libpq reads it: what is secret in it has no letter that would have to be written otherwise.
    pub fn url(&self) -> Secret {
        let password = self.password.reveal_text().unwrap_or_default();
        Secret::from_text(format!("postgresql://{}:{password}@/{}?host={SOCKETS}", self.name, self.database))
    }

    /// What may stand in no log.
    pub fn secrets(&self) -> Vec<Secret> {
        vec![self.password.clone()]
    }

    fn aside(&self) -> Self {
        Self { database: postgresql::aside(&self.name), ..self.clone() }
    }
}

/// As it stands in a file.
#[derive(Clone, Serialize, Deserialize)]
pub(super) struct Kept {
    name: String,
    /// Sealed.
    password: Vec<u8>,
    /// The server's number of the database that the instance runs with, once it is made.
    oid: Option<u32>,
}

impl From<PostgresqlError> for Unwell {
    fn from(error: PostgresqlError) -> Self {
        match error {
            PostgresqlError::Io(error) => error.into(),
            other => Self::because("failed", other.to_string()),
        }
    }
}

impl From<PostgresqlError> for io::Error {
    fn from(error: PostgresqlError) -> Self {
        match error {
            PostgresqlError::Io(error) => error,
            other => Self::other(other.to_string()),
        }
    }
}

/// Digits of hexadecimal numbers, two for each random byte.
fn random(bytes: usize) -> io::Result<Zeroizing<String>> {
    let mut random = Zeroizing::new(vec![0; bytes]);
    getrandom::fill(&mut random).map_err(|error| io::Error::other(error.to_string()))?;
    Ok(Zeroizing::new(random.iter().map(|byte| format!("{byte:02x}")).collect()))
}

/// The password of the role that everything is made by: read, or made.
pub(super) fn master(folders: &Folders, key: &Key) -> io::Result<Secret> {
    let file = folders.postgresql().join("password");
    let text = match std::fs::read(&file) {
        Ok(sealed) => String::from_utf8(key.open(MASTERS, &sealed)?.to_vec()).map_err(io::Error::other)?,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let made = random(32)?;
            folders::write_whole(&file, &key.seal(MASTERS, made.as_bytes())?)?;
            made.to_string()
        }
        Err(error) => return Err(error),
    };
    Ok(Secret::from_text(text))
}

/// The server, which runs and answers, for as long as nobody else changes anything of it.
pub(super) struct Held<'h> {
    pub cluster: Cluster<'h>,
    pub programs: Programs,
    _alone: MutexGuard<'h, Server>,
}

impl Held<'_> {
    pub async fn say(&self, text: &str) -> Result<Vec<String>, PostgresqlError> {
        self.cluster.say(&self.programs, text).await
    }
}

impl Agent {
    fn cluster(&self) -> Cluster<'_> {
        Cluster {
            folders: &self.inner.folders,
            sandboxes: &self.inner.sandboxes,
            password: &self.inner.postgresql_password,
        }
    }

    /// The server, started where it doesn't run.
    async fn postgresql(&self) -> Result<Held<'_>, PostgresqlError> {
        let mut server = self.inner.postgresql.lock().await;
        let cluster = self.cluster();
        let before = server.identity();
        let programs = server.start(&cluster, &self.database_names()?).await?;
        if let Some(identity) = server.identity().filter(|identity| Some(*identity) != before) {
            tokio::spawn(self.clone().look_after_postgresql(identity));
        }
        Ok(Held { cluster, programs, _alone: server })
    }

    /// Starts it again when it ends by itself, for as long as it is needed.
    fn look_after_postgresql(self, identity: Identity) -> BoxFuture<'static, ()> {
        Box::pin(async move {
            while let Err(error) = identity.ended().await {
                tracing::warn!(%error, "PostgreSQL can't be watched");
                tokio::time::sleep(FIRST_PAUSE).await;
                if !identity.is_alive() {
                    break;
                }
            }
            let mut pause = FIRST_PAUSE;
            // Whoever ended it on purpose knows of it no more.
            let mut is_needed = self.inner.postgresql.lock().await.identity() == Some(identity);
            while is_needed {
                tracing::warn!("PostgreSQL ended: it is started again");
                match self.postgresql().await {
                    Ok(_) => return,
                    Err(error) => tracing::error!(%error, "PostgreSQL can't be started"),
                }
                tokio::time::sleep(pause).await;
                pause = (pause * 2).min(LONGEST_PAUSE);
                is_needed = self.inner.postgresql.lock().await.identity().is_none()
                    && self.database_names().is_ok_and(|names| !names.is_empty());
            }
        })
    }

    /// Finds the server that went on, and starts it where there are databases.
    pub(super) async fn recover_postgresql(&self, starts: bool) {
        let recovering = async {
            self.inner.postgresql.lock().await.find(&self.cluster()).await?;
            let goes_on = self.inner.postgresql.lock().await.identity();
            if let Some(identity) = goes_on {
                tokio::spawn(self.clone().look_after_postgresql(identity));
            } else if starts && !self.database_names()?.is_empty() {
                self.postgresql().await?;
            }
            Ok::<(), PostgresqlError>(())
        };
        if let Err(error) = recovering.await {
            tracing::error!(%error, "the databases of instances can't be had");
        }
    }

    /// # Errors
    /// Where it can't be ended.
    pub(super) async fn end_postgresql(&self) -> io::Result<()> {
        self.inner.postgresql.lock().await.end(&self.cluster()).await
    }

    /// The names of all that are kept.
    fn database_names(&self) -> io::Result<Vec<String>> {
        let mut names = Vec::new();
        for entry in std::fs::read_dir(self.inner.folders.databases())? {
            let path = entry?.path();
            if path.extension().is_some_and(|extension| extension == "json") {
                let kept: Kept = serde_json::from_slice(&std::fs::read(path)?)?;
                names.push(kept.name);
            }
        }
        names.sort();
        Ok(names)
    }

    pub(super) fn kept_database(&self, instance: InstanceId) -> io::Result<Option<Kept>> {
        match std::fs::read(self.inner.folders.database(instance)) {
            Ok(bytes) => Ok(Some(serde_json::from_slice(&bytes)?)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    fn keep_database(&self, instance: InstanceId, kept: &Kept) -> io::Result<()> {
        folders::write_whole(&self.inner.folders.database(instance), &serde_json::to_vec(kept)?)
    }

    fn opened(&self, instance: InstanceId, kept: &Kept) -> io::Result<Database> {
        let password = self.inner.key.open(&format!("database:{instance}"), &kept.password)?;
        let password = Secret::new(password.to_vec());
        Ok(Database { name: kept.name.clone(), database: kept.name.clone(), password })
    }

    /// The database of an instance that has one, whatever its application asks for.
    fn load_database(&self, instance: InstanceId) -> io::Result<Option<Database>> {
        let kept = self.kept_database(instance)?;
        kept.map(|kept| self.opened(instance, &kept)).transpose()
    }

    /// From now on its logs are without the password.
    pub(super) fn mask_database(&self, instance: &Instance) -> io::Result<()> {
        if let Some(database) = self.load_database(instance.id)? {
            self.inner.masks.set_database(instance.id, database.secrets());
        }
        Ok(())
    }

    /// What an application that asks for one is started with. The server runs then.
    pub(super) async fn database_of(
        &self,
        instance: &Instance,
        application: &Application,
    ) -> Result<Option<Database>, PostgresqlError> {
        let Some(wanted) = &application.postgresql else { return Ok(None) };
        match self.kept_database(instance.id)?.filter(|kept| kept.oid.is_some()) {
            Some(kept) => {
                drop(self.postgresql().await?);
                Ok(Some(self.opened(instance.id, &kept)?))
            }
            None => self.make_database(instance, wanted).await.map(Some),
        }
    }

    /// The same, where the server isn't waited for: for what comes beside an application that runs.
    pub(super) fn known_database(
        &self,
        instance: &Instance,
        application: Option<&Application>,
    ) -> io::Result<Option<Database>> {
        match application.and_then(|application| application.postgresql.as_ref()) {
            Some(_) => self.load_database(instance.id),
            None => Ok(None),
        }
    }

    /// The folder to be mounted where a database is given.
    pub(super) fn sockets_of(&self, database: Option<&Database>) -> Option<PathBuf> {
        database.map(|_| postgresql::sockets(&self.inner.folders))
    }

    /// Makes role and database, or makes them again what they have to be.
    pub(super) async fn make_database(
        &self,
        instance: &Instance,
        wanted: &Postgresql,
    ) -> Result<Database, PostgresqlError> {
        let mut kept = match self.kept_database(instance.id)? {
            Some(kept) => kept,
            None => {
                let place = format!("database:{}", instance.id);
                let password = self.inner.key.seal(&place, random(32)?.as_bytes())?;
                let kept = Kept { name: format!("i_{}", random(10)?.as_str()), password, oid: None };
                // Before there is anything of it, so that nothing is left that nobody knows of.
                self.keep_database(instance.id, &kept)?;
                kept
            }
        };
        let database = self.opened(instance.id, &kept)?;
        self.inner.masks.set_database(instance.id, database.secrets());
        let held = self.postgresql().await?;
        held.cluster.write_access(&self.database_names()?)?;
        let said = held.say(&making(&database)).await?;
        let oid = said.last().and_then(|line| line.parse().ok());
        kept.oid = Some(oid.ok_or_else(|| PostgresqlError::Failed("doesn't say which it made".to_owned()))?);
        self.keep_database(instance.id, &kept)?;
        let own = Speaker { role: &database.name, password: &database.password, database: &database.name };
        let deadline = tokio::time::Instant::now() + LONGEST_RELOAD;
        loop {
            match held.cluster.say_as(&held.programs, &own, "SELECT 1").await {
                Err(PostgresqlError::Failed(_)) if tokio::time::Instant::now() < deadline => {
                    // What was said of who may connect is taken over in a moment.
                    tokio::time::sleep(LOOK).await;
                }
                other => {
                    other?;
                    break;
                }
            }
        }
        for name in &wanted.extensions {
            // As its own role: what a database holds is its owner's, and never run with more rights than that.
            let made = held.cluster.say_as(&held.programs, &own, &extension(name)).await;
            if let Err(PostgresqlError::Failed(said)) = made {
                return Err(PostgresqlError::Failed(format!(
                    "doesn't add the extension `{name}`: it {said}"
                )));
            }
            made?;
        }
        Ok(database)
    }

    /// Role and database go with their instance; with the last of them the server.
    pub(super) async fn drop_database(&self, instance: InstanceId) -> Result<(), PostgresqlError> {
        let Some(kept) = self.kept_database(instance)? else { return Ok(()) };
        match self.postgresql().await {
            Ok(held) => {
                held.say(&dropping(&kept.name)).await?;
                folders::remove_file(&self.inner.folders.database(instance))?;
                held.cluster.write_access(&self.database_names()?)?;
            }
            // There is nothing that could drop it, and nobody whom it could be given to.
            Err(error @ (PostgresqlError::NotInstalled | PostgresqlError::OtherVersion(_))) => {
                tracing::warn!(%error, %instance, "the database of a deleted instance is left");
                folders::remove_file(&self.inner.folders.database(instance))?;
            }
            Err(other) => return Err(other),
        }
        if self.database_names()?.is_empty() {
            self.end_postgresql().await?;
        }
        Ok(())
    }

    /// Bytes that the database of an instance takes.
    pub(super) fn database_size(&self, instance: InstanceId) -> io::Result<u64> {
        match self.kept_database(instance)?.and_then(|kept| kept.oid) {
            Some(oid) => match self.cluster().size(oid) {
                Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(0),
                other => other,
            },
            None => Ok(0),
        }
    }
}

/// Names and passwords are made of letters and digits alone.
fn making(database: &Database) -> Zeroizing<String> {
    let (name, password) = (&database.name, database.password.reveal_text().unwrap_or_default());
    Zeroizing::new(format!(
        r#"SELECT pg_reload_conf();
SELECT 'CREATE ROLE "{name}"' WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = '{name}') \gexec
ALTER ROLE "{name}" LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS CONNECTION LIMIT {CONNECTIONS} PASSWORD '{password}';
SELECT 'CREATE DATABASE "{name}" OWNER "{name}" TEMPLATE template0 ENCODING ''UTF8''' WHERE NOT EXISTS (SELECT FROM pg_database WHERE datname = '{name}') \gexec
REVOKE ALL ON DATABASE "{name}" FROM PUBLIC;
ALTER DATABASE "{name}" WITH ALLOW_CONNECTIONS true;
SELECT oid FROM pg_database WHERE datname = '{name}';
"#
    ))
}

fn extension(name: &str) -> String {
    format!("CREATE EXTENSION IF NOT EXISTS \"{name}\";\n")
}

/// What an application has done to its own database or role, or another to its role, keeps nothing: a role on which
/// another's things depend stays, and opens nothing any more.
fn dropping(name: &str) -> String {
    let aside = postgresql::aside(name);
    let end = format!("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = '{name}';");
    let no_template = |database: &str| {
        format!(
            "SELECT 'ALTER DATABASE \"{database}\" WITH IS_TEMPLATE false' WHERE EXISTS (SELECT FROM pg_database WHERE datname = '{database}') \\gexec"
        )
    };
    format!(
        r#"{end}
SELECT 'ALTER ROLE "{name}" NOLOGIN' WHERE EXISTS (SELECT FROM pg_roles WHERE rolname = '{name}') \gexec
{end}
{}
DROP DATABASE IF EXISTS "{aside}" WITH (FORCE);
{}
DROP DATABASE IF EXISTS "{name}" WITH (FORCE);
DO $$ BEGIN
    EXECUTE 'DROP ROLE IF EXISTS "{name}"';
EXCEPTION WHEN dependent_objects_still_exist THEN
    EXECUTE 'ALTER ROLE "{name}" NOLOGIN PASSWORD NULL';
END $$;
"#,
        no_template(&aside),
        no_template(name)
    )
}
