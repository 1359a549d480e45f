//! Sessions in use, in memory: on SQLite, where one process writes, a request needn't ask the records who sends it.
//! On PostgreSQL nothing is kept, because other processes write too.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use stoa_domain::{SessionId, Timestamp};

use super::SessionRecord;
use crate::tx::Touched;

/// Sessions that nobody asked for are dropped after ten minutes.
const IDLE_SECONDS: i64 = 600;

#[derive(Clone, Default)]
pub(crate) struct KeptSessions {
    kept: Arc<Mutex<Kept>>,
}

#[derive(Default)]
struct Kept {
    /// Rises with each commit that changes a session or its account: what was read before isn't kept after.
    generation: u64,
    /// By the hash of the secret.
    entries: HashMap<Vec<u8>, Entry>,
    hashes: HashMap<SessionId, Vec<u8>>,
}

struct Entry {
    session: SessionRecord,
    used_at: Timestamp,
}

impl KeptSessions {
    fn kept(&self) -> MutexGuard<'_, Kept> {
        // Both maps are whole after every method, so a panic elsewhere doesn't spoil them.
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Called by the writer after the commit, before anyone is answered.
    pub(crate) fn forget(&self, touched: &Touched) {
        if touched.accounts.is_empty() {
            return;
        }
        let mut kept = self.kept();
        kept.generation += 1;
        kept.drop_where(|entry| touched.accounts.contains(&entry.session.account));
    }

    /// The session, where it is kept and still counts; else what [`Self::keep`] wants to know.
    pub(super) fn find(&self, hash: &[u8], now: Timestamp) -> Result<SessionRecord, u64> {
        let mut kept = self.kept();
        let generation = kept.generation;
        match kept.entries.get_mut(hash) {
            Some(entry) if entry.session.counts_at(now) => {
                entry.used_at = now;
                Ok(entry.session.clone())
            }
            _ => Err(generation),
        }
    }

    /// Whether the session counts; `None` where it isn't kept.
    pub(super) fn is_alive(&self, id: SessionId, now: Timestamp) -> Option<bool> {
        let mut kept = self.kept();
        let hash = kept.hashes.get(&id)?.clone();
        let entry = kept.entries.get_mut(&hash)?;
        entry.used_at = now;
        Some(entry.session.expires_at > now)
    }

    pub(super) fn keep(&self, hash: &[u8], session: &SessionRecord, read_at: u64, now: Timestamp) {
        let mut kept = self.kept();
        if kept.generation != read_at {
            return;
        }
        if kept.entries.len() % 1024 == 1023 {
            kept.drop_where(|entry| now.seconds_since(entry.used_at) >= IDLE_SECONDS);
        }
        kept.hashes.insert(session.id, hash.to_vec());
        kept.entries.insert(hash.to_vec(), Entry { session: session.clone(), used_at: now });
    }

    /// The session was used, and the records say so.
    pub(super) fn seen(&self, id: SessionId, now: Timestamp) {
        let mut kept = self.kept();
        if let Some(hash) = kept.hashes.get(&id).cloned()
            && let Some(entry) = kept.entries.get_mut(&hash)
        {
            entry.session.last_seen_at = now;
        }
    }
}

impl Kept {
    fn drop_where(&mut self, is_dropped: impl Fn(&Entry) -> bool) {
        let hashes = &mut self.hashes;
        self.entries.retain(|_, entry| {
            let stays = !is_dropped(entry);
            if !stays {
                hashes.remove(&entry.session.id);
            }
            stays
        });
    }
}
