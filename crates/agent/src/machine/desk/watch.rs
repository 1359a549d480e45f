//! Looking after desks: those whose processes end, that nobody uses any more, and that fill the disk.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use tokio::time::Instant;

use super::{Desk, DeskOf, beside};
use crate::folders::{self, LEAST_FREE, tree};
use crate::machine::Agent;
use crate::sandbox::Identity;

/// A desk that nobody uses for so long is ended.
const UNUSED: Duration = Duration::from_secs(3600);

/// A working copy that nobody uses for so long is removed.
const KEPT: Duration = Duration::from_secs(30 * 24 * 3600);

/// Bytes that a working copy may take.
const LARGEST: u64 = 10 << 30;

/// How often it is looked at the disk, how often at everything else, and how often old working copies are looked for.
const LOOK: Duration = Duration::from_secs(1);
const LOOK_AT_ALL: Duration = Duration::from_secs(30);
const SWEEP: Duration = Duration::from_secs(3600);

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
        let agent = self.clone();
        tokio::spawn(async move {
            let (mut next_look, mut next_sweep) = (Instant::now(), Instant::now());
            loop {
                if folders::free_space(agent.inner.folders.state()).is_ok_and(|bytes| bytes < LEAST_FREE) {
                    agent.end_what_fills_the_disk().await;
                }
                if Instant::now() >= next_look {
                    agent.look_at_desks().await;
                    next_look = Instant::now() + LOOK_AT_ALL;
                }
                if Instant::now() >= next_sweep {
                    let own = agent.clone();
                    let swept = tokio::task::spawn_blocking(move || own.sweep_desks()).await;
                    if let Ok(Err(error)) = swept {
                        tracing::warn!(%error, "old working copies can't be removed");
                    }
                    next_sweep = Instant::now() + SWEEP;
                }
                tokio::time::sleep(LOOK).await;
            }
        });
    }

    async fn look_at_desks(&self) {
        for desk in self.inner.desks.all() {
            self.forget_unless_held(&desk);
            let used_at = desk.state().used_at;
            if used_at.elapsed() > UNUSED {
                self.end_for(&desk, "It wasn't used for an hour.").await;
                continue;
            }
            let folder = self.inner.folders.desk(desk.of.instance, desk.of.account);
            let counted = tokio::task::spawn_blocking(move || folders::size(&folder)).await;
            match counted {
                Ok(Ok(bytes)) if bytes > LARGEST => {
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
                if !is_held && now.duration_since(used).is_ok_and(|unused| unused > KEPT) {
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
