//! Desks: one member's IDE on one instance. A sandbox beside the application's, with that member's working copy at
//! `/desk`, for as long as somebody holds it.
//!
//! Whoever holds a desk vouches that its member still may: without a holder it is ended whole, with all that runs in it.
//! So it never outlives the agent either. Its working copy does, for thirty days.
//!
//! All git on a working copy runs inside the desk, because its configuration belongs to whoever can write there.

mod git;
mod inside;
mod open;
mod pack;
mod search;
mod status;
mod terminal;
mod watch;

use std::collections::HashMap;
use std::io;
use std::os::fd::OwnedFd;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures_util::Stream;
use serde::{Deserialize, Serialize};
use stoa_domain::{AccountId, InstanceId};
use tokio::sync::broadcast;
use tokio::time::Instant;

use super::Agent;
use super::instance::Instance;
use super::operation::Refused;
use crate::files::Tree;
use crate::folders::{self, Folders};
use crate::protocol::desk::DeskEvent;
use crate::sandbox::Identity;

pub(crate) use open::NewDesk;
pub(crate) use pack::Pack;
pub(crate) use terminal::Wish;

pub use watch::Keeping;

use inside::Inside;

/// Whose desk it is, and on what.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct DeskOf {
    pub instance: InstanceId,
    pub account: AccountId,
}

/// All that are held, or whose processes run.
#[derive(Default)]
pub(super) struct Desks(Mutex<HashMap<DeskOf, Arc<Desk>>>);

impl Desks {
    fn lock(&self) -> MutexGuard<'_, HashMap<DeskOf, Arc<Desk>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn find(&self, of: DeskOf) -> Option<Arc<Desk>> {
        self.lock().get(&of).cloned()
    }

    fn all(&self) -> Vec<Arc<Desk>> {
        self.lock().values().cloned().collect()
    }
}

/// What is known of a working copy, beside it: nothing in a desk can write this.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Note {
    branch: String,
    /// Where the pushed branch stood when it was last brought.
    base: String,
}

/// The processes of a desk. Dropping it ends them, too.
struct Running {
    name: String,
    identity: Identity,
    _starter: OwnedFd,
}

struct State {
    running: Option<Running>,
    holders: usize,
    used_at: Instant,
    /// Who holds it listens. With the processes the sender is taken: who comes after hears nothing of their end.
    told: broadcast::Sender<DeskEvent>,
}

/// Processes that are to end, and who is told of it.
type Taken = (Running, broadcast::Sender<DeskEvent>);

impl State {
    fn take(&mut self) -> Option<Taken> {
        let running = self.running.take()?;
        Some((running, std::mem::replace(&mut self.told, broadcast::channel(8).0)))
    }
}

pub(super) struct Desk {
    of: DeskOf,
    /// What makes, changes as a whole or ends it is done one after the other.
    turn: tokio::sync::Mutex<()>,
    state: Mutex<State>,
}

impl Desk {
    fn new(of: DeskOf) -> Self {
        let told = broadcast::channel(8).0;
        let state = State { running: None, holders: 0, used_at: Instant::now(), told };
        Self { of, turn: tokio::sync::Mutex::new(()), state: Mutex::new(state) }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn use_it(&self) {
        self.state().used_at = Instant::now();
    }

    fn is_alive(&self) -> bool {
        self.state().running.as_ref().is_some_and(|running| running.identity.is_alive())
    }

    fn name(&self) -> Option<String> {
        self.state().running.as_ref().map(|running| running.name.clone())
    }
}

/// The right of one holder. Without another the desk ends when this is dropped.
struct Held {
    agent: Agent,
    desk: Arc<Desk>,
}

impl Drop for Held {
    fn drop(&mut self) {
        let is_last = {
            let mut state = self.desk.state();
            state.holders = state.holders.saturating_sub(1);
            state.holders == 0
        };
        if is_last {
            let (agent, desk) = (self.agent.clone(), self.desk.clone());
            tokio::spawn(async move {
                agent.end_unless_held(&desk).await;
            });
        }
    }
}

fn beside(folders: &Folders, of: DeskOf) -> PathBuf {
    folders.desk(of.instance, of.account).join("desk.json")
}

fn working_copy(folders: &Folders, of: DeskOf) -> PathBuf {
    folders.desk(of.instance, of.account).join("work")
}

/// Where its files are saved until they are whole. What is left there is of an agent that was killed.
fn saving(folders: &Folders, of: DeskOf) -> PathBuf {
    folders.desk(of.instance, of.account).join("saving")
}

fn load(folders: &Folders, of: DeskOf) -> io::Result<Option<Note>> {
    match std::fs::read(beside(folders, of)) {
        Ok(bytes) => Ok(Some(serde_json::from_slice(&bytes)?)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

fn save(folders: &Folders, of: DeskOf, note: &Note) -> io::Result<()> {
    folders::write_whole(&beside(folders, of), &serde_json::to_vec(note)?)
}

impl Agent {
    /// Holds a desk: what happens to it, for as long as the stream is held. With the last one it ends.
    ///
    /// # Errors
    /// `UnknownInstance`, or `NoSandbox`.
    pub(crate) fn hold_desk(&self, of: DeskOf) -> Result<impl Stream<Item = DeskEvent> + use<>, Refused> {
        self.find(of.instance).ok_or(Refused::UnknownInstance)?;
        if let Some(reason) = &self.abilities().no_sandbox {
            return Err(Refused::NoSandbox(reason.clone()));
        }
        let (desk, told) = {
            let mut all = self.inner.desks.lock();
            let desk = all.entry(of).or_insert_with(|| Arc::new(Desk::new(of))).clone();
            // Counted under the same lock under which one that nobody holds is forgotten.
            let mut state = desk.state();
            state.holders += 1;
            let told = state.told.subscribe();
            drop(state);
            (desk, told)
        };
        let held = Held { agent: self.clone(), desk };
        Ok(futures_util::stream::unfold((Some(held), told, true), |(held, mut told, is_first)| async move {
            let held = held?;
            if is_first {
                return Some((DeskEvent::Held, (Some(held), told, false)));
            }
            match told.recv().await {
                Ok(event) => Some((event, (None, told, false))),
                Err(_) => None,
            }
        }))
    }

    /// A desk that somebody holds, with its working copy and its processes.
    fn held_desk(&self, of: DeskOf) -> Result<Arc<Desk>, Refused> {
        self.inner
            .desks
            .find(of)
            .filter(|desk| desk.state().holders > 0)
            .inspect(|desk| desk.use_it())
            .ok_or(Refused::NoDesk)
    }

    fn note(&self, of: DeskOf) -> Result<Note, Refused> {
        load(&self.inner.folders, of)?.ok_or(Refused::NoDesk)
    }

    /// What runs programs in the desk, where its processes are there.
    fn inside(&self, of: DeskOf) -> Result<Inside, Refused> {
        let desk = self.held_desk(of)?;
        self.note(of)?;
        let name = desk.name().filter(|_| desk.is_alive()).ok_or(Refused::NoDesk)?;
        Ok(Inside::at(self.inner.folders.run(of.instance).join(name).join("desk.sock")))
    }

    /// The files of a working copy.
    ///
    /// # Errors
    /// `NoDesk`.
    pub(crate) fn desk_files(&self, of: DeskOf) -> Result<Tree, Refused> {
        self.held_desk(of)?;
        self.note(of)?;
        let instance = self.find(of.instance).ok_or(Refused::UnknownInstance)?;
        let owner = self.user(&instance.form());
        let aside = saving(&self.inner.folders, of);
        folders::make_private(&aside)?;
        Ok(Tree::open(&working_copy(&self.inner.folders, of), &aside, owner)?)
    }

    /// Ends a desk whole; with `discard` its working copy goes too.
    ///
    /// # Errors
    /// Where something can't be ended or removed.
    pub(crate) async fn end_desk(&self, of: DeskOf, discard: bool) -> Result<(), Refused> {
        let desk = self.inner.desks.find(of);
        let desk = desk.unwrap_or_else(|| Arc::new(Desk::new(of)));
        let _turn = desk.turn.lock().await;
        self.end_processes(&desk, "It was closed.").await?;
        if discard {
            folders::remove(&self.inner.folders.desk(of.instance, of.account))?;
        }
        Ok(())
    }

    /// Whether something goes on in a desk of an instance.
    pub(super) fn has_desk(&self, instance: InstanceId) -> bool {
        self.inner.desks.all().iter().any(|desk| desk.of.instance == instance && desk.is_alive())
    }

    /// Ends all desks of an instance that is going, and removes their working copies.
    pub(super) async fn end_desks_of(&self, instance: &Instance) -> io::Result<()> {
        self.end_desks(instance, "The instance was deleted.").await?;
        folders::remove(&self.inner.folders.desks_of(instance.id))
    }

    /// Ends all desks of an instance. Their working copies stay.
    pub(super) async fn end_desks(&self, instance: &Instance, reason: &str) -> io::Result<()> {
        for desk in self.inner.desks.all().into_iter().filter(|desk| desk.of.instance == instance.id) {
            let _turn = desk.turn.lock().await;
            self.end_processes(&desk, reason).await?;
        }
        Ok(())
    }

    /// Its turn isn't waited for: whoever works on it is cut off with it.
    async fn end_unless_held(&self, desk: &Arc<Desk>) {
        let taken = {
            let mut state = desk.state();
            if state.holders > 0 {
                return;
            }
            state.take()
        };
        if let Err(error) = self.end_taken(desk, taken, "Nobody holds it any more.").await {
            tracing::error!(%error, instance = %desk.of.instance, "a desk can't be ended");
        }
        self.forget_unless_held(desk);
    }

    /// One that somebody is still at work on is forgotten later, lest another is begun beside it.
    fn forget_unless_held(&self, desk: &Arc<Desk>) {
        let mut all = self.inner.desks.lock();
        let is_idle = {
            let state = desk.state();
            state.holders == 0 && state.running.is_none()
        };
        if is_idle && desk.turn.try_lock().is_ok() {
            all.remove(&desk.of);
        }
    }

    async fn end_processes(&self, desk: &Desk, reason: &str) -> io::Result<()> {
        let taken = desk.state().take();
        self.end_taken(desk, taken, reason).await
    }

    async fn end_taken(&self, desk: &Desk, taken: Option<Taken>, reason: &str) -> io::Result<()> {
        let Some((running, told)) = taken else { return Ok(()) };
        self.clear(desk, running).await?;
        // Nobody may be listening.
        let _ = told.send(DeskEvent::Ended(reason.to_owned()));
        Ok(())
    }

    /// Clears away what is left of processes, and tells nobody.
    async fn clear_processes(&self, desk: &Desk) -> io::Result<()> {
        let running = desk.state().running.take();
        match running {
            Some(running) => self.clear(desk, running).await,
            None => Ok(()),
        }
    }

    async fn clear(&self, desk: &Desk, running: Running) -> io::Result<()> {
        running.identity.end().await?;
        let (agent, of) = (self.clone(), desk.of);
        // Its control groups can only be removed once the machine has buried what was in them.
        let tidying = tokio::task::spawn_blocking(move || agent.tidy_desk(of, &running.name));
        tidying.await.map_err(io::Error::other)?
    }

    fn tidy_desk(&self, of: DeskOf, name: &str) -> io::Result<()> {
        let place = self.inner.folders.run(of.instance).join(name);
        self.inner.sandboxes.tidy(&format!("{}-{name}", of.instance), &place)
    }
}
