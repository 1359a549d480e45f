//! The server that the databases are in: found, started, waited for, ended.

use std::io;
use std::time::Duration;

use futures_util::future::BoxFuture;

use super::statements::{at_once, closing, dropping_database, limiting};
use super::{Agent, Kept};
use crate::postgresql::sql::Speaker;
use crate::postgresql::{self, Cluster, PostgresqlError, Programs};
use crate::sandbox::Identity;

const FIRST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_secs(60);

/// The server, which runs. Others use it at the same time.
pub(super) struct Ready<'r> {
    pub cluster: Cluster<'r>,
    pub programs: Programs,
}

impl Ready<'_> {
    pub async fn say(&self, text: &str) -> Result<Vec<String>, PostgresqlError> {
        self.cluster.say(&self.programs, text).await
    }

    pub async fn say_as(&self, speaker: &Speaker<'_>, text: &str) -> Result<Vec<String>, PostgresqlError> {
        self.cluster.say_as(&self.programs, speaker, text).await
    }
}

impl Agent {
    pub(super) fn cluster(&self) -> Cluster<'_> {
        Cluster {
            folders: &self.inner.folders,
            sandboxes: &self.inner.sandboxes,
            password: &self.inner.postgresql_password,
        }
    }

    /// The server, started where it doesn't run, once it has answered. Whoever waits for it may stop waiting.
    pub(super) async fn postgresql(&self) -> Result<Ready<'_>, PostgresqlError> {
        let agent = self.clone();
        // In a task of its own: what is begun of it is brought to an end.
        let starting = tokio::spawn(async move { agent.start_postgresql().await });
        let (programs, identity, is_ready) = starting.await.map_err(io::Error::other)??;
        let ready = Ready { cluster: self.cluster(), programs };
        if !is_ready {
            ready.cluster.until_it_answers(&ready.programs, identity).await?;
            let mut server = self.inner.postgresql.lock().await;
            // Before anybody uses it.
            if server.identity() == Some(identity) && !server.is_ready() {
                self.put_right(&ready).await;
                server.set_ready(identity);
            }
        }
        Ok(ready)
    }

    async fn start_postgresql(&self) -> Result<(Programs, Identity, bool), PostgresqlError> {
        let mut server = self.inner.postgresql.lock().await;
        let before = server.identity();
        let (programs, identity) = server.start(&self.cluster(), &self.doors()?).await?;
        if Some(identity) != before {
            tokio::spawn(self.clone().look_after_postgresql(identity));
        }
        Ok((programs, identity, server.is_ready()))
    }

    /// The server where it runs. It may just be away for a moment.
    pub(super) async fn running_postgresql(&self) -> Result<Option<Ready<'_>>, PostgresqlError> {
        if !self.inner.postgresql.lock().await.is_alive() {
            return Ok(None);
        }
        let cluster = self.cluster();
        Ok(Some(Ready { programs: cluster.programs()?, cluster }))
    }

    /// What wasn't brought to an end while it, or the agent, was away: who is to stay out, and what stands aside
    /// although no restore is at it.
    async fn put_right(&self, ready: &Ready<'_>) {
        let putting = async {
            let (mut closed, mut left) = (String::new(), String::new());
            for (instance, kept) in self.all_kept()? {
                if kept.is_closed {
                    closed.push_str(&closing(&kept.name));
                }
                if !self.is_being_restored(instance)? {
                    left.push_str(&dropping_database(&postgresql::aside(&kept.name)));
                }
            }
            if !closed.is_empty() {
                ready.say(&at_once(&closed)).await?;
            }
            if left.is_empty() { Ok(()) } else { ready.say(&left).await.map(drop) }
        };
        if let Err::<(), PostgresqlError>(error) = putting.await {
            tracing::error!(%error, "what was left in PostgreSQL can't be put right");
        }
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
            let (is_needed, has_answered) = {
                let server = self.inner.postgresql.lock().await;
                // Whoever ended it on purpose knows of it no more.
                (server.identity() == Some(identity), server.has_answered(identity))
            };
            if is_needed {
                tracing::warn!("PostgreSQL ended: it is started again");
                if !has_answered {
                    tokio::time::sleep(LONGEST_PAUSE).await;
                }
                self.until_postgresql_is_there().await;
            }
        })
    }

    async fn until_postgresql_is_there(&self) {
        let mut pause = FIRST_PAUSE;
        loop {
            match self.postgresql().await {
                Ok(_) => return,
                Err(error) => tracing::error!(%error, "PostgreSQL can't be had"),
            }
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(LONGEST_PAUSE);
            // One that was begun is looked after by whoever began it.
            let is_begun = self.inner.postgresql.lock().await.identity().is_some();
            if is_begun || self.doors().is_ok_and(|doors| doors.is_empty()) {
                return;
            }
        }
    }

    /// Finds the server that went on.
    pub(in crate::machine) async fn find_postgresql(&self) -> io::Result<()> {
        let mut server = self.inner.postgresql.lock().await;
        server.find(&self.cluster()).await?;
        if let Some(identity) = server.identity() {
            tokio::spawn(self.clone().look_after_postgresql(identity));
        }
        Ok(())
    }

    /// Starts the server where there are databases, with nobody waiting for it.
    pub(in crate::machine) fn take_up_postgresql(&self) -> io::Result<()> {
        if !self.doors()?.is_empty() {
            let agent = self.clone();
            tokio::spawn(async move { agent.until_postgresql_is_there().await });
        }
        Ok(())
    }

    /// # Errors
    /// Where it can't be ended.
    pub(in crate::machine) async fn end_postgresql(&self) -> io::Result<()> {
        self.inner.postgresql.lock().await.end(&self.cluster()).await
    }

    /// Ends it with the last database.
    pub(super) async fn end_postgresql_unless_needed(&self) -> io::Result<()> {
        let mut server = self.inner.postgresql.lock().await;
        // Whoever makes one has written that down before asking for the server.
        if self.doors()?.is_empty() { server.end(&self.cluster()).await } else { Ok(()) }
    }

    /// Takes over who is let in, and how many connections each has now that there are more or fewer.
    pub(super) async fn settle_access(&self, ready: &Ready<'_>) -> Result<(), PostgresqlError> {
        {
            let server = self.inner.postgresql.lock().await;
            server.write_access(&ready.cluster, &self.doors()?)?;
        }
        let (all, mut text) = (self.all_kept()?, String::from("SELECT pg_reload_conf();\n"));
        for (instance, Kept { name, .. }) in &all {
            let limit = self.inner.wide.limit(*instance, all.len());
            text.push_str(&limiting(name, limit));
        }
        ready.say(&at_once(&text)).await.map(drop)
    }
}
