//! Connections to applications, kept for the next request where the last answer ended cleanly.

use std::collections::HashMap;
use std::io;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::body::Body;
use hyper::client::conn::http1::{self, SendRequest};
use hyper_util::rt::TokioIo;
use stoa_app::ports::BoxedWire;
use tokio::time::Instant;

use super::{Applications, At, Route, RouteState};

/// Kept of one instance.
const MOST: usize = 64;
/// Kept unused for this long: less than what servers of applications usually allow.
const KEPT: Duration = Duration::from_secs(3);
const LARGEST_HEAD: usize = 128 * 1024;

pub(super) type Sender = SendRequest<Body>;

pub(super) struct Connections {
    applications: Arc<dyn Applications>,
    idle: Mutex<HashMap<At, Vec<Idle>>>,
}

struct Idle {
    sender: Sender,
    generation: u64,
    since: Instant,
}

impl Connections {
    pub(super) fn new(applications: Arc<dyn Applications>) -> Arc<Self> {
        let connections = Arc::new(Self { applications, idle: Mutex::default() });
        let (own, mut changes) = (Arc::downgrade(&connections), connections.applications.changes());
        // An application that is about to restart waits for the end of its open connections: unused ones end at once.
        tokio::spawn(async move {
            while changes.changed().await.is_ok() {
                let Some(connections) = own.upgrade() else { return };
                connections.drop_stale();
            }
        });
        connections
    }

    fn is_current(&self, at: At, generation: u64) -> bool {
        self.applications.route(at) == Route { state: RouteState::Running, generation }
    }

    fn drop_stale(&self) {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        idle.retain(|at, of_instance| {
            of_instance.retain(|one| self.is_current(*at, one.generation));
            !of_instance.is_empty()
        });
    }

    /// One that is ready, to the same running form of the instance.
    pub(super) fn take(&self, at: At, generation: u64) -> Option<Sender> {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        let of_instance = idle.get_mut(&at)?;
        let now = Instant::now();
        of_instance.retain(|one| {
            one.generation == generation && !one.sender.is_closed() && now.duration_since(one.since) < KEPT
        });
        let found = of_instance
            .iter()
            .rposition(|one| one.sender.is_ready())
            .map(|place| of_instance.remove(place).sender);
        if of_instance.is_empty() {
            idle.remove(&at);
        }
        found
    }

    /// Keeps a connection whose answer has ended, for a while: an application that is asked nothing has none open.
    pub(super) async fn keep(&self, at: At, generation: u64, sender: Sender) {
        if self.put(at, generation, sender) {
            tokio::time::sleep(KEPT).await;
            self.sweep(at);
        }
    }

    fn sweep(&self, at: At) {
        let now = Instant::now();
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(of_instance) = idle.get_mut(&at) {
            of_instance.retain(|one| !one.sender.is_closed() && now.duration_since(one.since) < KEPT);
            if of_instance.is_empty() {
                idle.remove(&at);
            }
        }
    }

    fn put(&self, at: At, generation: u64, sender: Sender) -> bool {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        // Looked at while it is locked: whoever drops what is stale comes before this look, or after it was put.
        if sender.is_closed() || !self.is_current(at, generation) {
            return false;
        }
        let of_instance = idle.entry(at).or_default();
        let has_room = of_instance.len() < MOST;
        if has_room {
            of_instance.push(Idle { sender, generation, since: Instant::now() });
        }
        has_room
    }
}

/// Speaks HTTP on a new connection.
pub(super) async fn speak(stream: BoxedWire) -> io::Result<Sender> {
    let (sender, connection) = http1::Builder::new()
        .max_buf_size(LARGEST_HEAD)
        .handshake(TokioIo::new(stream))
        .await
        .map_err(io::Error::other)?;
    tokio::spawn(async move {
        // How it ends is told to whoever waits for the answer.
        let _ = connection.with_upgrades().await;
    });
    Ok(sender)
}
