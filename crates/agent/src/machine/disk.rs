//! The disk of the machine: an application that fills it is stopped, so that the others, and Stoa itself, can go on.

use std::collections::HashMap;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use stoa_domain::InstanceId;
use tokio::time::Instant;

use super::Agent;
use super::instance::{Instance, Phase};
use crate::folders::{self, LEAST_FREE, tree};

/// How often it is looked how much is left.
const LOOK: Duration = Duration::from_secs(1);

/// How often data is counted, at most; where counting takes long, more seldom.
const COUNT: Duration = Duration::from_secs(10);
const PATIENCE: u32 = 20;

/// Bytes, as people say them.
pub(super) fn amount(bytes: u64) -> String {
    if bytes.is_multiple_of(1 << 30) {
        format!("{} GiB", bytes >> 30)
    } else {
        format!("{} MiB", bytes >> 20)
    }
}

/// What can't be counted can't be limited.
const TOO_DEEP: &str = "Stopped: its data has folders more than 200 levels deep.";

/// `None` where it can't be counted.
type Counted = HashMap<InstanceId, Option<u64>>;

impl Agent {
    /// Looks after the disk for as long as the process lives.
    pub(super) fn watch_disk(&self) {
        let agent = self.clone();
        tokio::spawn(async move {
            let (mut before, mut next_count) = (None, Instant::now());
            loop {
                let is_full =
                    folders::free_space(agent.inner.folders.state()).is_ok_and(|bytes| bytes < LEAST_FREE);
                let begun = Instant::now();
                if is_full || begun >= next_count {
                    match agent.look_at_data(before.as_ref(), is_full).await {
                        // What was there before it became full is what growth is measured by.
                        Ok(now) if !is_full || before.is_none() => before = Some(now),
                        Ok(_) => {}
                        Err(error) => tracing::warn!(%error, "the instances' data can't be counted"),
                    }
                    next_count = Instant::now() + COUNT.max(begun.elapsed() * PATIENCE);
                }
                tokio::time::sleep(LOOK).await;
            }
        });
    }

    async fn look_at_data(&self, before: Option<&Counted>, is_full: bool) -> io::Result<Counted> {
        let all = self.all();
        let places: Vec<_> = all.iter().map(|one| (one.id, self.inner.folders.data(one.id))).collect();
        let agent = self.clone();
        let counting = tokio::task::spawn_blocking(move || {
            places
                .into_iter()
                .filter_map(|(id, folder)| {
                    match folders::size(&folder).and_then(|bytes| Ok(bytes + agent.database_size(id)?)) {
                        Ok(bytes) => Some((id, Some(bytes))),
                        Err(error) if tree::is_too_deep(&error) => Some((id, None)),
                        Err(error) => {
                            // One's trouble isn't the others'.
                            tracing::warn!(%error, instance = %id, "an instance's data can't be counted");
                            None
                        }
                    }
                })
                .collect::<Counted>()
        });
        let now = counting.await.map_err(io::Error::other)?;
        for instance in &all {
            instance.set_data(now.get(&instance.id).copied().flatten());
        }
        let (running, others): (Vec<_>, Vec<_>) = all.into_iter().partition(|instance| instance.is_alive());
        for instance in others {
            // From a desk, say, or by what an application began before it was stopped.
            let has_too_much = instance.data().is_some_and(|bytes| bytes > instance.form().most_data());
            if has_too_much && !self.is_database_closed(instance.id)? {
                self.close_for_its_data(&instance).await;
            }
        }
        for (instance, reason) in too_much(&running, before, &now, is_full) {
            tracing::warn!(instance = %instance.id, reason, "an instance is stopped");
            self.stop_for_its_data(&instance, &reason).await?;
        }
        Ok(now)
    }

    async fn stop_for_its_data(&self, instance: &Instance, reason: &str) -> io::Result<()> {
        // Work on it goes first: a build on a full disk ends by itself, and then this comes round again.
        let Ok(_turn) = instance.turn.try_lock() else { return Ok(()) };
        // It would do the same again: until somebody starts it, it stays so.
        instance.set_wish(false);
        // A full disk may not take this; it is ended all the same.
        if let Err(error) = instance.save(&self.inner.folders, &self.inner.key) {
            tracing::warn!(%error, instance = %instance.id, "what became of an instance can't be written down");
        }
        self.set_phase(instance, Phase::Failed(reason.to_owned()));
        self.end_current(instance).await?;
        self.shut_out(instance).await;
        Ok(())
    }

    async fn close_for_its_data(&self, instance: &Instance) {
        // Work on it goes first.
        if let Ok(_turn) = instance.turn.try_lock() {
            self.shut_out(instance).await;
        }
    }

    /// What its application began in its database goes on without it, and writes.
    async fn shut_out(&self, instance: &Instance) {
        if let Err(error) = self.close_database(instance, true).await {
            tracing::error!(%error, instance = %instance.id, "the database of a stopped instance can't be closed");
        }
    }
}

/// Who has more than an instance may; and where the disk is full, who took the most of it since the last count.
fn too_much(
    running: &[Arc<Instance>],
    before: Option<&Counted>,
    now: &Counted,
    is_full: bool,
) -> Vec<(Arc<Instance>, String)> {
    let bytes = |counted: &Counted, instance: &Instance| counted.get(&instance.id).copied().flatten();
    let why = |instance: &Arc<Instance>| {
        let most = instance.form().most_data();
        match now.get(&instance.id) {
            Some(Some(bytes)) if *bytes > most => {
                Some(format!("Stopped: its data takes more than {}.", amount(most)))
            }
            Some(None) => Some(TOO_DEEP.to_owned()),
            _ => None,
        }
    };
    let mut found: Vec<_> =
        running.iter().filter_map(|instance| Some((instance.clone(), why(instance)?))).collect();
    if let Some(before) = before.filter(|_| is_full && found.is_empty()) {
        let growth = |instance: &Arc<Instance>| {
            bytes(now, instance).unwrap_or(0).saturating_sub(bytes(before, instance).unwrap_or(0))
        };
        let grown = running.iter().filter(|one| growth(one) > 0).max_by_key(|one| growth(one));
        let reason = "Stopped: it was filling the server's disk.";
        found.extend(grown.map(|instance| (instance.clone(), reason.to_owned())));
    }
    found
}
