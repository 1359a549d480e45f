//! One instance on this machine: its form, and what runs of it.

use std::io;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde::{Deserialize, Serialize};
use stoa_domain::{InstanceId, ReleaseId};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

use super::form::{self, Form};
use super::operation::{Order, Refused};
use super::schedules::Ran;
use super::sealing::Key;
use crate::folders::Folders;
use crate::sandbox::Identity;

/// Work on one instance that is under way or waits, at most.
const PLACES: usize = 16;

/// How an instance answers right now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Phase {
    Running,
    /// It restarts or switches and will be back in a moment: requests wait.
    Waiting,
    /// It is being started, and nothing answered before.
    Starting,
    /// Nothing of it runs; and why, where nobody wished for that.
    Stopped(Option<String>),
    Failed(String),
}

/// An instance as it is seen from outside.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seen {
    pub instance: InstanceId,
    pub phase: Phase,
    pub release: Option<ReleaseId>,
    /// Process 1 of its sandbox.
    pub process: Option<i32>,
    /// Microseconds of UTC: since when it is in this phase.
    pub since: i64,
    pub fence: i64,
    /// Changes with what answers.
    pub generation: u64,
}

/// A sandbox that is there, as it stands in a file beside it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Running {
    /// Of the sandbox: the name of its folder.
    pub name: String,
    pub release: uuid::Uuid,
    pub identity: Identity,
}

impl Running {
    pub fn place(&self, folders: &Folders, instance: InstanceId) -> PathBuf {
        folders.run(instance).join(&self.name)
    }
}

struct State {
    form: Form,
    fence: i64,
    phase: Phase,
    since: i64,
    running: Option<Running>,
    /// What the agent does to it by itself ends early where something is ordered.
    unasked: CancellationToken,
    /// Changes with what answers.
    generation: u64,
    /// The one that was last told.
    told: u64,
    /// Bytes, when they were last counted.
    data: Option<u64>,
}

/// Requests of visitors since they were last taken.
#[derive(Default)]
pub(super) struct Requests {
    all: AtomicU64,
    errors: AtomicU64,
}

impl Requests {
    /// One was answered, with this status.
    pub fn count(&self, status: u16) {
        self.all.fetch_add(1, Ordering::Relaxed);
        if status >= 500 {
            self.errors.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// How many, and how many of them were answered with an error. From here on they are counted anew.
    pub fn take(&self) -> (u64, u64) {
        (self.all.swap(0, Ordering::Relaxed), self.errors.swap(0, Ordering::Relaxed))
    }
}

pub(super) struct Instance {
    pub id: InstanceId,
    /// Work on an instance is done one after the other.
    pub turn: tokio::sync::Mutex<()>,
    /// For work that is under way or waits for its turn.
    pub places: Arc<Semaphore>,
    /// For commands by which somebody connects as a user.
    pub commands: Arc<Semaphore>,
    pub requests: Requests,
    /// What was run at its times; `None` before it was first looked at.
    pub ran: Mutex<Option<Ran>>,
    /// Whether one sandbox takes over from another.
    pub is_switching: AtomicBool,
    /// Held, by as many as like, from asking which sandbox answers until a connection to it is there.
    pub entrance: tokio::sync::RwLock<()>,
    state: Mutex<State>,
}

impl Instance {
    pub fn new(form: Form) -> Self {
        let id = form.instance;
        let state = State {
            form,
            fence: 0,
            phase: Phase::Stopped(None),
            since: crate::init::now(),
            running: None,
            unasked: CancellationToken::new(),
            generation: 0,
            told: 0,
            data: None,
        };
        Self {
            id,
            turn: tokio::sync::Mutex::new(()),
            places: Arc::new(Semaphore::new(PLACES)),
            commands: Arc::new(Semaphore::new(super::connect_as::AT_ONCE)),
            requests: Requests::default(),
            ran: Mutex::default(),
            is_switching: AtomicBool::new(false),
            entrance: tokio::sync::RwLock::default(),
            state: Mutex::new(state),
        }
    }

    pub fn kept(form: Form, fence: i64) -> Self {
        let instance = Self::new(form);
        instance.state().fence = fence;
        instance
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn form(&self) -> Form {
        self.state().form.clone()
    }

    /// Whether anything is other than before.
    pub fn take_over(&self, order: Order, form: Form) -> Result<bool, Refused> {
        let mut state = self.state();
        let has_risen = state.fenced(order)?;
        if state.form == form {
            return Ok(has_risen);
        }
        state.form = form;
        Ok(true)
    }

    /// Whether the order's fence is the highest so far.
    pub fn check(&self, order: Order) -> Result<bool, Refused> {
        self.state().fenced(order)
    }

    pub fn save(&self, folders: &Folders, key: &Key) -> io::Result<()> {
        let (form, fence) = {
            let state = self.state();
            (state.form.clone(), state.fence)
        };
        form::save(&form, fence, folders, key)
    }

    /// Ends early what the agent does to it by itself.
    pub fn interrupt(&self) {
        std::mem::take(&mut self.state().unasked).cancel();
    }

    /// For what the agent does to it by itself.
    pub fn unasked(&self) -> CancellationToken {
        self.state().unasked.clone()
    }

    pub fn set_wish(&self, running: bool) {
        self.state().form.wish_running = running;
    }

    pub fn seen(&self) -> Seen {
        self.state().seen(self.id)
    }

    pub fn phase(&self) -> Phase {
        self.state().phase.clone()
    }

    pub fn route(&self) -> (Phase, u64) {
        let state = self.state();
        (state.phase.clone(), state.generation)
    }

    /// What is seen now, where that is something else than before.
    pub fn set_phase(&self, phase: Phase) -> Option<Seen> {
        let mut state = self.state();
        if state.phase == phase && state.told == state.generation {
            return None;
        }
        if state.phase != phase {
            state.phase = phase;
            state.since = crate::init::now();
        }
        state.told = state.generation;
        Some(state.seen(self.id))
    }

    pub fn running(&self) -> Option<Running> {
        self.state().running.clone()
    }

    /// What answers from now on.
    pub fn set_running(&self, running: Option<Running>) {
        let mut state = self.state();
        state.running = running;
        state.generation += 1;
    }

    /// The same sandbox answers with other processes.
    pub fn renew(&self) {
        self.state().generation += 1;
    }

    /// How much data it has, as it was last counted; `None` where it couldn't be.
    pub fn data(&self) -> Option<u64> {
        self.state().data
    }

    pub fn set_data(&self, bytes: Option<u64>) {
        self.state().data = bytes;
    }

    pub fn is_alive(&self) -> bool {
        self.state().running.as_ref().is_some_and(|running| running.identity.is_alive())
    }

    pub fn application_socket(&self, folders: &Folders) -> Option<PathBuf> {
        Some(self.running()?.place(folders, self.id).join("application.sock"))
    }

    pub fn control_socket(&self, folders: &Folders) -> Option<PathBuf> {
        Some(self.running()?.place(folders, self.id).join("control.sock"))
    }
}

impl State {
    fn fenced(&mut self, order: Order) -> Result<bool, Refused> {
        if order.fence < self.fence {
            return Err(Refused::Fenced);
        }
        let has_risen = order.fence > self.fence;
        self.fence = order.fence;
        Ok(has_risen)
    }

    fn seen(&self, instance: InstanceId) -> Seen {
        let running = self.running.as_ref();
        Seen {
            instance,
            phase: self.phase.clone(),
            release: running.map(|running| ReleaseId::new(running.release)),
            process: running.map(|running| running.identity.pid),
            since: self.since,
            fence: self.fence,
            generation: self.generation,
        }
    }
}
