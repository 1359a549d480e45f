//! Roles and databases of instances: made, let in, shut out, dropped.

use std::collections::HashSet;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use stoa_domain::{InstanceId, Secret};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::server::Ready;
use super::statements::{at_once, closing, dropping, ending, extension, hiring, limiting, making, role};
use super::{Agent, Database, Kept, random, unless};
use crate::folders;
use crate::machine::instance::Instance;
use crate::postgresql::sql::Speaker;
use crate::postgresql::{self, PostgresqlError};
use crate::stoa_toml::Postgresql;

/// How long a role may take to be let in, once it is said that it is.
const LONGEST_RELOAD: Duration = Duration::from_secs(20);
const LOOK: Duration = Duration::from_millis(50);

/// How long what goes on in a database may take to end, once it is told to.
const LONGEST_END: Duration = Duration::from_secs(30);

/// What a client has begun that is gone has ended by then.
const GONE_BY_THEN: Duration = Duration::from_secs(10);

/// Connections of a release command, which may run beside two releases.
const OF_RELEASE_COMMAND: u32 = 5;

/// Instances whose releases may run beside each other right now: each has the connections of an instance.
#[derive(Default)]
pub(in crate::machine) struct Wide(Mutex<HashSet<InstanceId>>);

/// For as long as it is there.
pub(in crate::machine) struct Widened<'w> {
    wide: &'w Wide,
    instance: InstanceId,
}

impl Wide {
    fn lock(&self) -> MutexGuard<'_, HashSet<InstanceId>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn widen(&self, instance: InstanceId) -> Widened<'_> {
        self.lock().insert(instance);
        Widened { wide: self, instance }
    }

    /// Connections that an instance's role may have, where so many share them.
    pub fn limit(&self, instance: InstanceId, roles: usize) -> u32 {
        let share = postgresql::share(roles);
        if self.lock().contains(&instance) { 2 * share + OF_RELEASE_COMMAND } else { share }
    }
}

impl Drop for Widened<'_> {
    fn drop(&mut self) {
        self.wide.lock().remove(&self.instance);
    }
}

/// By whom Stoa works in an instance's database: with its owner's rights and nothing more, and with a password that
/// holds for one piece of work. It has no `Debug`: the password is secret.
pub(super) struct Worker {
    pub role: String,
    pub password: Secret,
}

impl Worker {
    fn speaks_to<'w>(&'w self, database: &'w Database) -> Speaker<'w> {
        Speaker { role: &self.role, password: &self.password, database: &database.database }
    }
}

impl Agent {
    /// Makes role and database, or makes them again what they have to be.
    pub(in crate::machine) async fn make_database(
        &self,
        instance: &Instance,
        wanted: &Postgresql,
        cancel: &CancellationToken,
    ) -> Result<Database, PostgresqlError> {
        unless(cancel, self.make_database_in(instance, wanted)).await
    }

    async fn make_database_in(
        &self,
        instance: &Instance,
        wanted: &Postgresql,
    ) -> Result<Database, PostgresqlError> {
        let mut kept = match self.kept_database(instance.id)? {
            Some(kept) => kept,
            None => {
                let (name, password) = (format!("i_{}", random(10)?.as_str()), self.sealed(instance.id)?);
                let kept = Kept { name, password, oid: None, is_closed: false };
                // Before there is anything of it, so that nothing is left that nobody knows of.
                self.keep_database(instance.id, &kept)?;
                kept
            }
        };
        let database = self.opened(instance.id, &kept)?;
        self.inner.masks.set_database(instance.id, database.secrets());
        let ready = self.postgresql().await?;
        self.settle_access(&ready).await?;
        let said = ready.say(&making(&database, self.limit_of(instance.id)?)).await?;
        let oid = said.last().and_then(|line| line.parse().ok());
        kept.oid = Some(oid.ok_or_else(|| PostgresqlError::Failed("doesn't say which it made".to_owned()))?);
        kept.is_closed = false;
        self.keep_database(instance.id, &kept)?;
        let worker = self.worker(&ready, &database).await?;
        let own = worker.speaks_to(&database);
        let deadline = Instant::now() + LONGEST_RELOAD;
        loop {
            match ready.say_as(&own, "SELECT 1").await {
                Err(PostgresqlError::Failed(_) | PostgresqlError::Away(_)) if Instant::now() < deadline => {
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
            // With its owner's rights: what a database holds is its owner's, and never run with more than that.
            let made = ready.say_as(&own, &extension(name)).await;
            if let Err(PostgresqlError::Failed(said)) = made {
                return Err(PostgresqlError::Failed(format!(
                    "doesn't add the extension `{name}`: it {said}"
                )));
            }
            made?;
        }
        Ok(database)
    }

    /// Whoever works in a database from now on. Earlier ones aren't let in any more.
    pub(super) async fn worker(
        &self,
        ready: &Ready<'_>,
        database: &Database,
    ) -> Result<Worker, PostgresqlError> {
        let password = Secret::from_text(random(32)?.to_string());
        ready.say(&at_once(&hiring(&database.name, &password))).await?;
        Ok(Worker { role: postgresql::working(&database.name), password })
    }

    fn limit_of(&self, instance: InstanceId) -> std::io::Result<u32> {
        Ok(self.inner.wide.limit(instance, self.all_kept()?.len()))
    }

    /// Lets the instance's role in. Its password is another one where nobody is left who was told the one before.
    pub(super) async fn open_database(
        &self,
        instance: &Instance,
        mut kept: Kept,
    ) -> Result<Database, PostgresqlError> {
        let ready = self.postgresql().await?;
        if !instance.is_alive() && !self.has_desk(instance.id) {
            // What goes on there belongs to nobody that is left, and takes the places of what is started now.
            ready.say(&ending(&kept.name)).await?;
            kept.password = self.sealed(instance.id)?;
            self.keep_database(instance.id, &kept)?;
        }
        self.let_in(&ready, instance.id, kept).await
    }

    async fn let_in(
        &self,
        ready: &Ready<'_>,
        instance: InstanceId,
        mut kept: Kept,
    ) -> Result<Database, PostgresqlError> {
        let database = self.opened(instance, &kept)?;
        self.inner.masks.set_database(instance, database.secrets());
        ready.say(&at_once(&role(&database, self.limit_of(instance)?))).await?;
        if kept.is_closed {
            kept.is_closed = false;
            self.keep_database(instance, &kept)?;
        }
        Ok(database)
    }

    /// Lets the role in that isn't any more, for what comes beside an application. Where the server is away, it doesn't
    /// answer there either.
    pub(super) async fn let_in_again(&self, instance: &Instance, kept: &Kept) {
        let letting = async {
            match self.running_postgresql().await? {
                Some(ready) => self.let_in(&ready, instance.id, kept.clone()).await.map(drop),
                None => Ok(self.keep_database(instance.id, &Kept { is_closed: false, ..kept.clone() })?),
            }
        };
        if let Err::<(), PostgresqlError>(error) = letting.await {
            tracing::warn!(%error, instance = %instance.id, "a role that isn't let in stays so");
        }
    }

    /// Ends what goes on in the database of an instance, and lets nobody in until something of it is begun again. A desk
    /// that is open goes on working, but for an instance that has more data than it may.
    pub(in crate::machine) async fn close_database(
        &self,
        instance: &Instance,
        is_too_much: bool,
    ) -> Result<(), PostgresqlError> {
        let Some(mut kept) = self.kept_database(instance.id)? else { return Ok(()) };
        let closes = is_too_much || !self.has_desk(instance.id);
        if closes && !kept.is_closed {
            kept.is_closed = true;
            // A full disk may not take this; it is done all the same.
            if let Err(error) = self.keep_database(instance.id, &kept) {
                tracing::warn!(%error, instance = %instance.id, "who is let in no more can't be written down");
            }
        }
        // Where it doesn't run, nothing goes on.
        let Some(ready) = self.running_postgresql().await? else { return Ok(()) };
        if closes {
            ready.say(&at_once(&closing(&kept.name))).await?;
        }
        let deadline = Instant::now() + LONGEST_END;
        loop {
            if ready.say(&ending(&kept.name)).await?.last().is_some_and(|line| line == "0") {
                return Ok(());
            }
            if Instant::now() > deadline {
                return Err(PostgresqlError::Failed(
                    "doesn't end what an application began in it".to_owned(),
                ));
            }
            tokio::time::sleep(LOOK).await;
        }
    }

    /// Whether nobody is let in any more; so too where there is none.
    pub(in crate::machine) fn is_database_closed(&self, instance: InstanceId) -> std::io::Result<bool> {
        Ok(self.kept_database(instance)?.is_none_or(|kept| kept.is_closed))
    }

    /// After a release: one that doesn't run beside another needs no more connections, once those of the other are
    /// gone; and of an instance that is stopped nobody does.
    pub(in crate::machine) async fn settle_database(&self, instance: &Instance) {
        let told = |outcome: Result<(), PostgresqlError>, instance: InstanceId| {
            if let Err(error) = outcome {
                tracing::warn!(%error, %instance, "what a role may have can't be settled");
            }
        };
        if self.is_database_closed(instance.id).unwrap_or(true) {
            return;
        }
        if !instance.form().wish_running {
            return told(self.close_database(instance, false).await, instance.id);
        }
        let (agent, instance) = (self.clone(), instance.id);
        tokio::spawn(async move {
            tokio::time::sleep(GONE_BY_THEN).await;
            told(agent.limit_database(instance).await, instance);
        });
    }

    async fn limit_database(&self, instance: InstanceId) -> Result<(), PostgresqlError> {
        // Whatever has become of it meanwhile.
        let Some(kept) = self.kept_database(instance)? else { return Ok(()) };
        let Some(ready) = self.running_postgresql().await? else { return Ok(()) };
        ready.say(&at_once(&limiting(&kept.name, self.limit_of(instance)?))).await.map(drop)
    }

    /// Role and database go with their instance; with the last of them the server.
    pub(in crate::machine) async fn drop_database(
        &self,
        instance: InstanceId,
    ) -> Result<(), PostgresqlError> {
        let Some(kept) = self.kept_database(instance)? else { return Ok(()) };
        match self.postgresql().await {
            Ok(ready) => {
                ready.say(&dropping(&kept.name)).await?;
                folders::remove_file(&self.inner.folders.database(instance))?;
                self.settle_access(&ready).await?;
            }
            // There is nothing that could drop it, and nobody whom it could be given to.
            Err(error @ (PostgresqlError::NotInstalled | PostgresqlError::OtherVersion(_))) => {
                tracing::warn!(%error, %instance, "the database of a deleted instance is left");
                folders::remove_file(&self.inner.folders.database(instance))?;
            }
            Err(other) => return Err(other),
        }
        Ok(self.end_postgresql_unless_needed().await?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_instance_has_twice_its_connections_while_a_release_may_run_beside_another() {
        let wide = Wide::default();
        let [one, other] = [(); 2].map(|()| InstanceId::new(uuid::Uuid::now_v7()));
        let widened = wide.widen(one);
        assert_eq!((wide.limit(one, 1), wide.limit(other, 1)), (105, 50));
        drop(widened);
        assert_eq!(wide.limit(one, 1), 50);
    }
}
