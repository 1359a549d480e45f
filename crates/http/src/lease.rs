//! Leases: what goes on after its answer goes on only while the same decision still says yes.
//!
//! One task asks for all streams of the process, at once when something changed and each 400 ms. A stream may send
//! only within 900 ms of its last yes, by the monotonic clock: a lost event, a dead task or a paused process ends
//! the lease, not the check.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::{Duration, Instant};

use futures_util::future::BoxFuture;
use stoa_app::authority::{GoingOn, Locate};
use stoa_app::{App, Failure};
use stoa_domain::{Permission, Refusal};
use tokio::sync::Notify;
use tokio::sync::broadcast::error::TryRecvError;

use crate::gate::Asked;

const EACH: Duration = Duration::from_millis(400);
const GOOD_FOR: Duration = Duration::from_millis(900);

type Check = Box<dyn Fn() -> BoxFuture<'static, Result<(), Failure>> + Send + Sync>;

struct Held {
    check: Check,
    /// Milliseconds from `Leases::since` to the last yes.
    yes_at: AtomicU64,
    ended: AtomicBool,
    refusal: Mutex<Option<Refusal>>,
    changed: Notify,
}

#[derive(Clone)]
pub struct Leases {
    shared: Arc<Shared>,
}

struct Shared {
    app: App,
    since: Instant,
    held: Mutex<Vec<Weak<Held>>>,
    running: AtomicBool,
}

/// The right of one stream to go on.
pub struct Lease {
    held: Arc<Held>,
    since: Instant,
}

impl Leases {
    pub(crate) fn new(app: App) -> Self {
        Self {
            shared: Arc::new(Shared {
                app,
                since: now(),
                held: Mutex::new(Vec::new()),
                running: AtomicBool::new(false),
            }),
        }
    }

    /// A lease on the decision `P` that has just been made for what was asked.
    pub(crate) fn hold<P>(&self, asked: Asked) -> Lease
    where
        P: Permission,
        P::Target: Locate,
    {
        let app = self.shared.app.clone();
        let going_on = Arc::new(GoingOn::<P>::new(asked.account, asked.path));
        let check: Check = Box::new(move || {
            let (app, going_on) = (app.clone(), going_on.clone());
            Box::pin(async move { going_on.ask(&app).await })
        });
        let held = Arc::new(Held {
            check,
            yes_at: AtomicU64::new(self.elapsed()),
            ended: AtomicBool::new(false),
            refusal: Mutex::new(None),
            changed: Notify::new(),
        });
        self.shared.held.lock().unwrap_or_else(PoisonError::into_inner).push(Arc::downgrade(&held));
        self.start();
        Lease { held, since: self.shared.since }
    }

    fn elapsed(&self) -> u64 {
        u64::try_from(now().duration_since(self.shared.since).as_millis()).unwrap_or(u64::MAX)
    }

    /// Starts the one task, at the first lease.
    fn start(&self) {
        if self.shared.running.swap(true, Ordering::SeqCst) {
            return;
        }
        let leases = self.clone();
        tokio::spawn(async move {
            let mut changes = leases.shared.app.changes();
            loop {
                tokio::select! {
                    () = tokio::time::sleep(EACH) => {}
                    // A hint, or news that hints were lost: either way it is asked at once.
                    _ = changes.recv() => {
                        // One look answers all hints that wait.
                        while !matches!(changes.try_recv(), Err(TryRecvError::Empty | TryRecvError::Closed)) {}
                    }
                }
                leases.ask_all().await;
            }
        });
    }

    async fn ask_all(&self) {
        let all: Vec<Arc<Held>> = {
            let mut held = self.shared.held.lock().unwrap_or_else(PoisonError::into_inner);
            held.retain(|one| one.upgrade().is_some_and(|one| !one.ended.load(Ordering::SeqCst)));
            held.iter().filter_map(Weak::upgrade).collect()
        };
        let checks = all.iter().map(|held| async move {
            // The yes counts from before it was asked.
            let asked_at = self.elapsed();
            match (held.check)().await {
                Ok(()) => held.yes_at.store(asked_at, Ordering::SeqCst),
                Err(Failure::Refused(Refusal::Unavailable)) => {}
                Err(Failure::Refused(refusal)) => held.end(refusal),
                Err(Failure::Fault(fault)) => {
                    tracing::error!(fault = %fault.chain(), "a lease can't be checked")
                }
            }
        });
        futures_util::future::join_all(checks).await;
    }
}

impl Held {
    fn end(&self, refusal: Refusal) {
        *self.refusal.lock().unwrap_or_else(PoisonError::into_inner) = Some(refusal);
        self.ended.store(true, Ordering::SeqCst);
        self.changed.notify_waiters();
        self.changed.notify_one();
    }
}

impl Lease {
    /// Whether something may be sent, or taken in, right now.
    ///
    /// # Errors
    /// Why not any more.
    pub fn check(&self) -> Result<(), Refusal> {
        if self.held.ended.load(Ordering::SeqCst) {
            let refusal = self.held.refusal.lock().unwrap_or_else(PoisonError::into_inner);
            return Err(refusal.clone().unwrap_or(Refusal::NotFound));
        }
        let yes_at = self.since + Duration::from_millis(self.held.yes_at.load(Ordering::SeqCst));
        if now().duration_since(yes_at) > GOOD_FOR { Err(Refusal::Unavailable) } else { Ok(()) }
    }

    /// Waits until the lease has ended, and says why.
    pub async fn ended(&self) -> Refusal {
        loop {
            let changed = self.held.changed.notified();
            if let Err(refusal) = self.check() {
                return refusal;
            }
            tokio::select! {
                () = changed => {}
                () = tokio::time::sleep(EACH / 2) => {}
            }
        }
    }
}

// The lease's clock is the machine's monotonic one: what it measures isn't the time of day.
#[allow(clippy::disallowed_methods)]
fn now() -> Instant {
    Instant::now()
}
