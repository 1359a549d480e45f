//! Leases: what goes on after its answer goes on only while the same decision still says yes.
//!
//! One task asks for all streams of the process, at once when something changed and each 400 ms: once for all that
//! follow the same thing by the same credential. A stream may send
//! only within 900 ms of its last yes, by the monotonic clock: a lost event, a dead task or a paused process ends
//! the lease, not the check.

use std::any::TypeId;
use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::{Duration, Instant};

use futures_util::future::BoxFuture;
use stoa_app::authority::{GoingOn, Locate, PathWords};
use stoa_app::{App, Failure};
use stoa_domain::{AccountId, AtOnce, Credential, MemberId, Permission, Refusal};
use tokio::sync::Notify;
use tokio::sync::broadcast::error::TryRecvError;

use crate::gate::Asked;

const EACH: Duration = Duration::from_millis(400);
const GOOD_FOR: Duration = Duration::from_millis(900);

/// Streams of one account, in all its tabs and by all its tokens.
pub(crate) const OF_ACCOUNT: usize = 64;
/// Streams of all.
pub(crate) const MOST: usize = 4096;

type Check = Box<dyn Fn() -> BoxFuture<'static, Result<(), Failure>> + Send + Sync>;

/// What makes two decisions the same one: who asks, by what, for whom, for which permission, on what.
#[derive(Clone, PartialEq, Eq, Hash)]
struct Question {
    account: AccountId,
    credential: Credential,
    viewing: Option<MemberId>,
    permission: TypeId,
    path: PathWords,
}

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
    held: Mutex<HashMap<Question, Weak<Held>>>,
    streams: Mutex<HashMap<AccountId, usize>>,
    running: AtomicBool,
}

/// The right of one stream to go on.
pub struct Lease {
    held: Arc<Held>,
    since: Instant,
    _stream: Option<Stream>,
}

/// One stream of an account. It counts until it is dropped.
struct Stream {
    shared: Arc<Shared>,
    account: AccountId,
}

impl Drop for Stream {
    fn drop(&mut self) {
        let mut streams = self.shared.streams.lock().unwrap_or_else(PoisonError::into_inner);
        match streams.get(&self.account).copied() {
            Some(own) if own > 1 => _ = streams.insert(self.account, own - 1),
            _ => _ = streams.remove(&self.account),
        }
    }
}

impl Leases {
    pub(crate) fn new(app: App) -> Self {
        Self {
            shared: Arc::new(Shared {
                app,
                since: now(),
                held: Mutex::default(),
                streams: Mutex::default(),
                running: AtomicBool::new(false),
            }),
        }
    }

    /// A lease for a stream, of which an account has only so many. It is asked anew: between the gate and here a body
    /// may have come slowly.
    ///
    /// # Errors
    /// `TooMuchAtOnce`, or as the decision refuses.
    pub(crate) async fn follow<P>(&self, asked: Asked) -> Result<Lease, Failure>
    where
        P: Permission,
        P::Target: Locate,
    {
        let stream = self.begin(asked.account.actor.account)?;
        let since = self.elapsed();
        GoingOn::<P>::new(asked.account.clone(), asked.path.clone()).ask(&self.shared.app).await?;
        Ok(Lease { _stream: Some(stream), ..self.hold_since::<P>(asked, since) })
    }

    fn begin(&self, account: AccountId) -> Result<Stream, Refusal> {
        let mut streams = self.shared.streams.lock().unwrap_or_else(PoisonError::into_inner);
        let own = streams.get(&account).copied().unwrap_or(0);
        if own >= OF_ACCOUNT {
            return Err(Refusal::TooMuchAtOnce { what: AtOnce::StreamsOfAccount, most: OF_ACCOUNT });
        }
        if streams.values().sum::<usize>() >= MOST {
            return Err(Refusal::TooMuchAtOnce { what: AtOnce::Streams, most: MOST });
        }
        streams.insert(account, own + 1);
        Ok(Stream { shared: self.shared.clone(), account })
    }

    /// A lease on the decision `P` that has just been made for what was asked.
    pub(crate) fn hold<P>(&self, asked: Asked) -> Lease
    where
        P: Permission,
        P::Target: Locate,
    {
        self.hold_since::<P>(asked, self.elapsed())
    }

    /// `yes_at` is the moment before it was decided.
    fn hold_since<P>(&self, asked: Asked, yes_at: u64) -> Lease
    where
        P: Permission,
        P::Target: Locate,
    {
        let question = Question {
            account: asked.account.actor.account,
            credential: asked.account.actor.credential,
            viewing: asked.account.viewing,
            permission: TypeId::of::<P>(),
            path: asked.path.clone(),
        };
        let mut all = self.shared.held.lock().unwrap_or_else(PoisonError::into_inner);
        let known = all.get(&question).and_then(Weak::upgrade);
        if let Some(held) = known.filter(|held| !held.ended.load(Ordering::SeqCst)) {
            held.yes_at.fetch_max(yes_at, Ordering::SeqCst);
            return Lease { held, since: self.shared.since, _stream: None };
        }
        let app = self.shared.app.clone();
        let going_on = Arc::new(GoingOn::<P>::new(asked.account, asked.path));
        let check: Check = Box::new(move || {
            let (app, going_on) = (app.clone(), going_on.clone());
            Box::pin(async move { going_on.ask(&app).await })
        });
        let held = Arc::new(Held {
            check,
            yes_at: AtomicU64::new(yes_at),
            ended: AtomicBool::new(false),
            refusal: Mutex::new(None),
            changed: Notify::new(),
        });
        all.insert(question, Arc::downgrade(&held));
        drop(all);
        self.start();
        Lease { held, since: self.shared.since, _stream: None }
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
            held.retain(|_, one| one.upgrade().is_some_and(|one| !one.ended.load(Ordering::SeqCst)));
            held.values().filter_map(Weak::upgrade).collect()
        };
        let checks = all.iter().map(|held| async move {
            // The yes counts from before it was asked.
            let asked_at = self.elapsed();
            match (held.check)().await {
                Ok(()) => _ = held.yes_at.fetch_max(asked_at, Ordering::SeqCst),
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

    /// Waits for something, for as long as the lease holds: what comes is used under a yes of now.
    ///
    /// # Errors
    /// Why it has ended.
    pub(crate) async fn while_it_holds<T>(&self, awaited: impl Future<Output = T>) -> Result<T, Refusal> {
        tokio::select! {
            biased;
            refusal = self.ended() => Err(refusal),
            came = awaited => self.check().map(|()| came),
        }
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

#[cfg(test)]
mod tests {
    use stoa_domain::permission::workspace::{FollowEvents, ReadAudit};
    use stoa_domain::{AccountStanding, Actor, SessionId, Via};
    use test_kit::{Kind, World};
    use uuid::Uuid;

    use super::*;

    fn asked(session: u128, workspace: &str) -> Asked {
        let actor = Actor {
            account: AccountId::new(Uuid::from_u128(1)),
            name: "Olga".to_owned(),
            via: Via::Page,
            credential: Credential::Session(SessionId::new(Uuid::from_u128(session))),
            address: None,
        };
        let account = AccountStanding {
            actor,
            is_admin: false,
            revision: 0,
            limits: None,
            confirmed: false,
            viewing: None,
        };
        Asked { account, path: PathWords::new(vec![("workspace".to_owned(), workspace.to_owned())]) }
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn the_same_question_by_the_same_credential_is_asked_once() {
        let world = World::on(Kind::Sqlite).await;
        let leases = Leases::new(world.app.clone());
        let first = leases.hold::<FollowEvents>(asked(1, "acme"));
        let again = leases.hold::<FollowEvents>(asked(1, "acme"));
        assert!(Arc::ptr_eq(&first.held, &again.held));
        for other in [
            leases.hold::<FollowEvents>(asked(2, "acme")),
            leases.hold::<FollowEvents>(asked(1, "beta")),
            leases.hold::<ReadAudit>(asked(1, "acme")),
        ] {
            assert!(!Arc::ptr_eq(&first.held, &other.held));
        }
        // One that has ended is nobody's any more: who asks then was decided anew.
        first.held.end(Refusal::NotFound);
        let later = leases.hold::<FollowEvents>(asked(1, "acme"));
        assert!(later.check().is_ok() && first.check().is_err() && again.check().is_err());
    }
}
