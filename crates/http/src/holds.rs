//! Who holds which desk: for as long as a credential's right to it lasts, and the desk is there.
//!
//! A desk runs on when nobody looks: a build, a program in the background. So the right to it is asked for again and
//! again for itself, not only where something is sent or typed. Without any holder the machine ends it whole.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures_util::StreamExt as _;
use stoa_app::Failure;
use stoa_app::authority::PathWords;
use stoa_app::ports::DeskOf;
use stoa_domain::permission::ide::Open;
use stoa_domain::{AtOnce, Credential, Refusal};
use tokio::sync::Mutex as Turn;
use tokio::time::Instant;

use crate::gate::Asked;
use crate::lease::Lease;
use crate::site::Frame;

/// While the records can't be asked nothing is typed or shown, but what runs is left alone for so long.
const UNASKED: Duration = Duration::from_secs(10);
/// Desks of one account at once: each may take a gigabyte of memory.
pub(crate) const OF_ACCOUNT: usize = 4;

const AGAIN: Duration = Duration::from_millis(100);

/// A desk, by one of the credentials that use it: signing out in one browser isn't to end it for another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct Hold {
    desk: DeskOf,
    credential: Credential,
}

/// Whether it is held. Held while it is being settled, so that the second who comes waits for the first.
type Slot = Arc<Turn<bool>>;

#[derive(Clone, Default)]
pub(crate) struct Holds(Arc<Mutex<HashMap<Hold, Slot>>>);

impl Holds {
    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<Hold, Slot>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Holds a desk from now on, by the decision to open it that has just been made.
    ///
    /// # Errors
    /// `TooMuchAtOnce`, or why the machine can't hold it.
    pub(crate) async fn hold(&self, frame: &Frame, asked: &Asked, desk: DeskOf) -> Result<(), Failure> {
        let hold = Hold { desk, credential: asked.account.actor.credential };
        let slot = self.slot(hold)?;
        let mut is_held = slot.clone().lock_owned().await;
        if *is_held {
            return Ok(());
        }
        // The lease first: a right that ends while the machine is asked ends this too.
        let lease = frame.leases.hold::<Open>(alone(asked));
        let events = match frame.app.hold_desk(desk).await {
            Ok(events) => events,
            Err(failure) => {
                self.forget(hold, &slot);
                return Err(failure);
            }
        };
        *is_held = true;
        drop(is_held);
        let holds = self.clone();
        tokio::spawn(async move {
            let mut events = events;
            tokio::select! {
                () = right_ends(&lease) => {}
                // Whatever comes, it is the desk's end.
                _ = events.next() => {}
            }
            // First it can be held anew, then it is let go.
            holds.forget(hold, &slot);
            drop(events);
        });
        Ok(())
    }

    fn slot(&self, hold: Hold) -> Result<Slot, Refusal> {
        let mut all = self.lock();
        let own = all.keys().map(|held| held.desk).filter(|desk| desk.account == hold.desk.account);
        let others: HashSet<DeskOf> = own.filter(|desk| *desk != hold.desk).collect();
        if others.len() >= OF_ACCOUNT {
            return Err(Refusal::TooMuchAtOnce { what: AtOnce::DesksOfAccount, most: OF_ACCOUNT });
        }
        Ok(all.entry(hold).or_default().clone())
    }

    fn forget(&self, hold: Hold, slot: &Slot) {
        let mut all = self.lock();
        if all.get(&hold).is_some_and(|known| Arc::ptr_eq(known, slot)) {
            all.remove(&hold);
        }
    }
}

/// The decision without what else the path named: one question for all that is asked of a desk.
fn alone(asked: &Asked) -> Asked {
    let words = ["workspace", "instance"].map(|name| (name.to_owned(), asked.path.get(name).to_owned()));
    Asked { account: asked.account.clone(), path: PathWords::new(words.to_vec()) }
}

/// Until it is known that the right has ended, or until it couldn't be asked for too long.
async fn right_ends(lease: &Lease) {
    let mut unasked: Option<Instant> = None;
    loop {
        match lease.ended().await {
            Refusal::Unavailable => {
                if unasked.get_or_insert_with(Instant::now).elapsed() > UNASKED {
                    return;
                }
                tokio::time::sleep(AGAIN).await;
                if lease.check().is_ok() {
                    unasked = None;
                }
            }
            _ => return,
        }
    }
}
