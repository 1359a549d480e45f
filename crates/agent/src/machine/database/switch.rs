//! A database that is brought back: filled aside, then it and the one in use exchange their names in one transaction.

use stoa_domain::InstanceId;
use tokio_util::sync::CancellationToken;

use super::server::Ready;
use super::statements::{dropping_database, exchanging, making_aside};
use super::{Agent, Database, Kept, unless};
use crate::machine::instance::Instance;
use crate::postgresql::{self, PostgresqlError};
use crate::stoa_toml::Postgresql;

impl Agent {
    /// An empty database beside the one in use.
    pub(in crate::machine) async fn make_aside(
        &self,
        instance: &Instance,
        cancel: &CancellationToken,
    ) -> Result<Database, PostgresqlError> {
        let database = self.make_database(instance, &Postgresql::default(), cancel).await?;
        let making = async { self.postgresql().await?.say(&making_aside(&database.name)).await };
        unless(cancel, making).await?;
        Ok(database.aside())
    }

    /// The server's number of what stands aside.
    ///
    /// # Errors
    /// Also where nothing does.
    pub(in crate::machine) async fn number_of_aside(
        &self,
        instance: InstanceId,
    ) -> Result<u32, PostgresqlError> {
        let gone = || PostgresqlError::Failed("has the database that was brought back no more".to_owned());
        let kept = self.kept_database(instance)?.ok_or_else(gone)?;
        number(&self.postgresql().await?, &postgresql::aside(&kept.name)).await?.ok_or_else(gone)
    }

    /// Each has the other's name afterwards. Nothing may use either: whoever is still connected is cut off.
    pub(in crate::machine) async fn exchange_databases(
        &self,
        instance: InstanceId,
    ) -> Result<(), PostgresqlError> {
        let gone = || PostgresqlError::Failed("has no database of the instance any more".to_owned());
        let kept = self.kept_database(instance)?.ok_or_else(gone)?;
        let ready = self.postgresql().await?;
        self.exchange_in(&ready, instance, kept).await
    }

    async fn exchange_in(
        &self,
        ready: &Ready<'_>,
        instance: InstanceId,
        mut kept: Kept,
    ) -> Result<(), PostgresqlError> {
        ready.say(&exchanging(&kept.name)).await?;
        kept.oid = number(ready, &kept.name).await?;
        Ok(self.keep_database(instance, &kept)?)
    }

    /// Nothing stands aside any more, and the database in use is the one that isn't of that number. However far this
    /// came before, or the exchange did: it ends the same.
    pub(in crate::machine) async fn take_database_back(
        &self,
        instance: InstanceId,
        brought: u32,
    ) -> Result<(), PostgresqlError> {
        let Some(kept) = self.kept_database(instance)? else { return Ok(()) };
        let ready = self.postgresql().await?;
        if number(&ready, &kept.name).await? == Some(brought) {
            self.exchange_in(&ready, instance, kept.clone()).await?;
        }
        let (name, dropped) = (&kept.name, dropping_database(&postgresql::aside(&kept.name)));
        ready.say(&format!("ALTER DATABASE \"{name}\" WITH ALLOW_CONNECTIONS true;\n{dropped}")).await?;
        Ok(())
    }

    /// What can't be dropped now is when the server has been started again, or with the instance.
    pub(in crate::machine) async fn drop_what_was_aside(&self, instance: InstanceId) {
        let dropping = async {
            let Some(kept) = self.kept_database(instance)? else { return Ok(()) };
            let Some(ready) = self.running_postgresql().await? else { return Ok(()) };
            ready.say(&dropping_database(&postgresql::aside(&kept.name))).await.map(drop)
        };
        if let Err::<(), PostgresqlError>(error) = dropping.await {
            tracing::warn!(%error, %instance, "a database that isn't used any more can't be dropped yet");
        }
    }
}

async fn number(ready: &Ready<'_>, name: &str) -> Result<Option<u32>, PostgresqlError> {
    let said = ready.say(&format!("SELECT oid FROM pg_database WHERE datname = '{name}';\n")).await?;
    Ok(said.first().and_then(|line| line.parse().ok()))
}
