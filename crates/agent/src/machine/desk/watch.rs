//! Looking after desks: those whose processes end, that nobody uses any more, and that fill the disk.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use tokio::time::Instant;

use super::{Desk, DeskOf, beside};
use crate::folders::{self, LEAST_FREE, tree};
use crate::machine::Agent;
use crate::sandbox::Identity;

/// How often it is looked at the disk.
const LOOK: Duration = Duration::from_secs(1);

/// For how long desks are kept, and how large they may become.
#[derive(Debug, Clone, Copy)]
pub struct Keeping {
    /// A desk that nobody uses for so long is ended.
    pub unused: Duration,
    /// A working copy that nobody uses for so long is removed.
    pub kept: Duration,
    /// Bytes that a working copy may take.
    pub largest: u64,
    /// How often it is looked at each of them, and how often old working copies are looked for.
    pub look: Duration,
    pub sweep: Duration,
}

impl Default for Keeping {
    fn default() -> Self {
        Self {
            unused: Duration::from_secs(3600),
            kept: Duration::from_secs(30 * 24 * 3600),
            largest: 10 << 30,
            look: Duration::from_secs(30),
            sweep: Duration::from_secs(3600),
        }
    }
}

impl Agent {
    /// Until its process 1 ends, however that happens.
    pub(super) fn look_after_desk(&self, desk: Arc<Desk>, name: String, identity: Identity) {
        let agent = self.clone();
        tokio::spawn(async move {
            while identity.is_alive() {
                if let Err(error) = identity.ended().await {
                    tracing::warn!(%error, instance = %desk.of.instance, "a desk can't be watched");
                    tokio::time::sleep(LOOK).await;
                }
            }
            if desk.name().as_ref() != Some(&name) {
                return;
            }
            let group = format!("{}-{name}", desk.of.instance);
            let reason = if agent.inner.sandboxes.ran_out_of_memory(&group) {
                "It was ended for want of memory."
            } else {
                "Its processes have ended."
            };
            if let Err(error) = agent.end_processes(&desk, reason).await {
                tracing::warn!(%error, instance = %desk.of.instance, "what is left of a desk can't be removed");
            }
        });
    }

    /// Looks after all desks for as long as the process lives.
    pub(in crate::machine) fn watch_desks(&self) {
        let (agent, keeping) = (self.clone(), self.inner.keeping);
        tokio::spawn(async move {
            let (mut next_look, mut next_sweep) = (Instant::now(), Instant::now());
            loop {
                if folders::free_space(agent.inner.folders.state()).is_ok_and(|bytes| bytes < LEAST_FREE) {
                    agent.end_what_fills_the_disk().await;
                }
                if Instant::now() >= next_look {
                    agent.look_at_desks().await;
                    next_look = Instant::now() + keeping.look;
                }
                if Instant::now() >= next_sweep {
                    let own = agent.clone();
                    let swept = tokio::task::spawn_blocking(move || own.sweep_desks()).await;
                    if let Ok(Err(error)) = swept {
                        tracing::warn!(%error, "old working copies can't be removed");
                    }
                    next_sweep = Instant::now() + keeping.sweep;
                }
                tokio::time::sleep(LOOK).await;
            }
        });
    }

    async fn look_at_desks(&self) {
        for desk in self.inner.desks.all() {
            self.forget_unless_held(&desk);
            let used_at = desk.state().used_at;
            if used_at.elapsed() > self.inner.keeping.unused {
                self.end_for(&desk, "It wasn't used for an hour.").await;
                continue;
            }
            let folder = self.inner.folders.desk(desk.of.instance, desk.of.account);
            let counted = tokio::task::spawn_blocking(move || folders::size(&folder)).await;
            match counted {
                Ok(Ok(bytes)) if bytes > self.inner.keeping.largest => {
                    self.end_for(&desk, "Its working copy takes more than 10 GiB.").await;
                }
                // What can't be counted can't be limited.
                Ok(Err(error)) if tree::is_too_deep(&error) => {
                    self.end_for(&desk, "Its working copy has folders more than 200 levels deep.").await;
                }
                Ok(Err(error)) => {
                    tracing::warn!(%error, instance = %desk.of.instance, "a desk can't be counted")
                }
                _ => {}
            }
        }
    }

    /// The disk is as good as full. Who writes now isn't known of a desk without counting, which takes long: all that
    /// run are ended. Their working copies stay.
    async fn end_what_fills_the_disk(&self) {
        for desk in self.inner.desks.all().into_iter().filter(|desk| desk.is_alive()) {
            self.end_for(&desk, "The server's disk is full.").await;
        }
    }

    async fn end_for(&self, desk: &Desk, reason: &str) {
        if let Err(error) = self.end_processes(desk, reason).await {
            tracing::warn!(%error, instance = %desk.of.instance, "a desk can't be ended");
        }
    }

    /// Removes the working copies that weren't used for long. The note beside one is touched when it is opened.
    #[allow(clippy::disallowed_methods)]
    fn sweep_desks(&self) -> std::io::Result<()> {
        let now = SystemTime::now();
        for instance in std::fs::read_dir(self.inner.folders.desks())? {
            for account in std::fs::read_dir(instance?.path())? {
                let account = account?;
                let used = std::fs::metadata(account.path().join("desk.json"))
                    .and_then(|about| about.modified())
                    .or_else(|_| account.metadata().and_then(|about| about.modified()))?;
                let is_held =
                    self.inner.desks.all().iter().any(|desk| {
                        account.path() == self.inner.folders.desk(desk.of.instance, desk.of.account)
                    });
                let saving = account.path().join("saving");
                if !is_held && saving.exists() {
                    folders::remove(&saving)?;
                }
                if !is_held && now.duration_since(used).is_ok_and(|unused| unused > self.inner.keeping.kept) {
                    folders::remove(&account.path())?;
                }
            }
        }
        Ok(())
    }

    /// From now on it counts as used.
    pub(super) fn touch_desk(&self, of: DeskOf) -> std::io::Result<()> {
        let note = std::fs::File::options().append(true).open(beside(&self.inner.folders, of))?;
        #[allow(clippy::disallowed_methods)]
        note.set_modified(SystemTime::now())
    }
}
