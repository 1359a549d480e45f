//! The PostgreSQL databases of instances: one role and one database each, made at the first deployment that asks for
//! them, gone with the instance.
//!
//! Their names are made up, so that what an application sees of others in PostgreSQL's own lists says nothing of them.

mod dump;
mod role;
mod server;
mod statements;
mod switch;

use std::io;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use stoa_domain::{InstanceId, Secret};
use tokio_util::sync::CancellationToken;
use zeroize::Zeroizing;

use super::Agent;
use super::instance::Instance;
use super::sealing::Key;
use super::start::Unwell;
use crate::folders::{self, Folders};
use crate::postgresql::{self, Door, PostgresqlError, SOCKETS};
use crate::stoa_toml::Application;

pub(super) use role::Wide;

/// What the master's password is sealed for.
const MASTERS: &str = "postgresql";

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
    /// Whether nobody is let in: the server is brought to it whenever it has been started.
    #[serde(default)]
    is_closed: bool,
}

impl From<PostgresqlError> for Unwell {
    fn from(error: PostgresqlError) -> Self {
        match error {
            PostgresqlError::Io(error) => error.into(),
            PostgresqlError::Cancelled => Self::Cancelled,
            other if other.is_disk_full() => Self::because("disk_full", "The disk of the server is full"),
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

/// What is waited for, until nobody wants it any more.
pub(super) async fn unless<T>(
    cancel: &CancellationToken,
    work: impl Future<Output = Result<T, PostgresqlError>>,
) -> Result<T, PostgresqlError> {
    tokio::select! {
        biased;
        () = cancel.cancelled() => Err(PostgresqlError::Cancelled),
        outcome = work => outcome,
    }
}

impl Agent {
    /// All who are let in: those that are kept, of instances that are here.
    fn doors(&self) -> io::Result<Vec<Door>> {
        let has_users = self.inner.sandboxes.abilities().is_root();
        let mut doors = Vec::new();
        for entry in std::fs::read_dir(self.inner.folders.databases())? {
            let path = entry?.path();
            if path.extension().is_none_or(|extension| extension != "json") {
                continue;
            }
            let id = path.file_stem().and_then(|name| name.to_str()).and_then(|name| name.parse().ok());
            // Without its form it isn't known whose processes are its own.
            let Some(instance) = id.and_then(|id| self.find(id)) else { continue };
            let kept: Kept = serde_json::from_slice(&std::fs::read(path)?)?;
            let user = has_users.then(|| instance.form().os_user);
            doors.push(Door { name: kept.name, user });
        }
        doors.sort_by(|one, other| one.name.cmp(&other.name));
        Ok(doors)
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

    /// Of all that are kept, with whom they are of.
    fn all_kept(&self) -> io::Result<Vec<(InstanceId, Kept)>> {
        let of = |instance: InstanceId| Ok(self.kept_database(instance)?.map(|kept| (instance, kept)));
        self.all().into_iter().filter_map(|instance| of(instance.id).transpose()).collect()
    }

    fn sealed(&self, instance: InstanceId) -> io::Result<Vec<u8>> {
        self.inner.key.seal(&format!("database:{instance}"), random(32)?.as_bytes())
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

    /// What an application that asks for one is started with: it is let in, and the server runs then.
    pub(super) async fn database_of(
        &self,
        instance: &Instance,
        application: &Application,
        cancel: &CancellationToken,
    ) -> Result<Option<Database>, PostgresqlError> {
        let Some(wanted) = &application.postgresql else { return Ok(None) };
        match self.kept_database(instance.id)?.filter(|kept| kept.oid.is_some()) {
            Some(kept) => unless(cancel, self.open_database(instance, kept)).await.map(Some),
            None => self.make_database(instance, wanted, cancel).await.map(Some),
        }
    }

    /// What a backup copies, where the application has one.
    pub(super) fn database_to_copy(
        &self,
        instance: &Instance,
        application: &Application,
    ) -> Result<Option<Database>, Unwell> {
        if application.postgresql.is_none() {
            return Ok(None);
        }
        let found = self.load_database(instance.id)?;
        let missing = || Unwell::because("failed", "The server has no database of the instance any more");
        found.ok_or_else(missing).map(Some)
    }

    /// For what comes beside an application that runs, or doesn't: the server isn't waited for. Whoever was let in no
    /// more is again, but for an instance that has more data than it may.
    pub(super) async fn known_database(
        &self,
        instance: &Instance,
        application: Option<&Application>,
    ) -> io::Result<Option<Database>> {
        if application.is_none_or(|application| application.postgresql.is_none()) {
            return Ok(None);
        }
        let Some(kept) = self.kept_database(instance.id)? else { return Ok(None) };
        let is_too_much = instance.data().is_some_and(|bytes| bytes > instance.form().most_data());
        if kept.is_closed && !is_too_much {
            self.let_in_again(instance, &kept).await;
        }
        self.opened(instance.id, &kept).map(Some)
    }

    /// The folder to be mounted where a database is given.
    pub(super) fn sockets_of(&self, database: Option<&Database>) -> Option<PathBuf> {
        database.map(|_| postgresql::sockets(&self.inner.folders))
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
