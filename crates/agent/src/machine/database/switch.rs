//! A database that is brought back: filled aside, then it and the one in use exchange their names in one transaction.

use stoa_domain::InstanceId;

use super::{Agent, Database, Held, Kept};
use crate::machine::instance::Instance;
use crate::postgresql::{self, PostgresqlError};
use crate::stoa_toml::Postgresql;

impl Agent {
    /// An empty database beside the one in use.
    pub(in crate::machine) async fn make_aside(
        &self,
        instance: &Instance,
    ) -> Result<Database, PostgresqlError> {
        let database = self.make_database(instance, &Postgresql::default()).await?;
        let (held, aside) = (self.postgresql().await?, database.aside());
        let (name, other) = (&database.name, &aside.database);
        held.say(&format!(
            "DROP DATABASE IF EXISTS \"{other}\" WITH (FORCE);\n\
             CREATE DATABASE \"{other}\" OWNER \"{name}\" TEMPLATE template0 ENCODING 'UTF8';\n\
             REVOKE ALL ON DATABASE \"{other}\" FROM PUBLIC;\n"
        ))
        .await?;
        Ok(aside)
    }

    /// The server's number of what stands aside.
    pub(in crate::machine) async fn number_of_aside(
        &self,
        instance: InstanceId,
    ) -> Result<Option<u32>, PostgresqlError> {
        let Some(kept) = self.kept_database(instance)? else { return Ok(None) };
        number(&self.postgresql().await?, &postgresql::aside(&kept.name)).await
    }

    /// Each has the other's name afterwards. Nothing may use either: whoever is still connected is cut off.
    pub(in crate::machine) async fn exchange_databases(
        &self,
        instance: InstanceId,
    ) -> Result<(), PostgresqlError> {
        let Some(kept) = self.kept_database(instance)? else { return Ok(()) };
        let held = self.postgresql().await?;
        self.exchange_in(&held, instance, kept).await
    }

    async fn exchange_in(
        &self,
        held: &Held<'_>,
        instance: InstanceId,
        mut kept: Kept,
    ) -> Result<(), PostgresqlError> {
        let (name, aside) = (&kept.name, postgresql::aside(&kept.name));
        held.say(&format!(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname IN ('{name}', '{aside}');\n\
             ALTER DATABASE \"{name}\" WITH ALLOW_CONNECTIONS false;\n\
             ALTER DATABASE \"{aside}\" WITH ALLOW_CONNECTIONS false;\n\
             SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname IN ('{name}', '{aside}');\n\
             BEGIN;\n\
             ALTER DATABASE \"{name}\" RENAME TO \"{name}_between\";\n\
             ALTER DATABASE \"{aside}\" RENAME TO \"{name}\";\n\
             ALTER DATABASE \"{name}_between\" RENAME TO \"{aside}\";\n\
             COMMIT;\n\
             ALTER DATABASE \"{name}\" WITH ALLOW_CONNECTIONS true;\n"
        ))
        .await?;
        kept.oid = number(held, &kept.name).await?;
        Ok(self.keep_database(instance, &kept)?)
    }

    /// Nothing stands aside any more, and the database in use is the one that isn't of that number.
    pub(in crate::machine) async fn take_database_back(
        &self,
        instance: InstanceId,
        brought: u32,
    ) -> Result<(), PostgresqlError> {
        let Some(kept) = self.kept_database(instance)? else { return Ok(()) };
        {
            let held = self.postgresql().await?;
            if number(&held, &kept.name).await? == Some(brought) {
                self.exchange_in(&held, instance, kept.clone()).await?;
            }
            held.say(&format!("ALTER DATABASE \"{}\" WITH ALLOW_CONNECTIONS true;\n", kept.name)).await?;
        }
        self.drop_aside(instance).await
    }

    pub(in crate::machine) async fn drop_aside(&self, instance: InstanceId) -> Result<(), PostgresqlError> {
        let Some(kept) = self.kept_database(instance)? else { return Ok(()) };
        let held = self.postgresql().await?;
        let aside = postgresql::aside(&kept.name);
        held.say(&format!("DROP DATABASE IF EXISTS \"{aside}\" WITH (FORCE);\n")).await.map(drop)
    }
}

async fn number(held: &Held<'_>, name: &str) -> Result<Option<u32>, PostgresqlError> {
    let said = held.say(&format!("SELECT oid FROM pg_database WHERE datname = '{name}';\n")).await?;
    Ok(said.first().and_then(|line| line.parse().ok()))
}
