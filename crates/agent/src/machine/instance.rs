//! One instance on this machine: its form, and what runs of it.

use std::io;
use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard, PoisonError};

use serde::{Deserialize, Serialize};
use stoa_domain::{InstanceId, ReleaseId};

use super::form::{self, Form};
use super::operation::{Order, Refused};
use super::sealing::Key;
use crate::folders::Folders;
use crate::sandbox::Identity;

/// How an instance answers right now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Phase {
    Running,
    /// It restarts or switches and will be back in a moment: requests wait.
    Waiting,
    /// It is being started, and nothing answered before.
    Starting,
    Stopped,
    Failed(String),
}

/// An instance as it is seen from outside.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seen {
    pub instance: InstanceId,
    pub phase: Phase,
    pub release: Option<ReleaseId>,
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
    running: Option<Running>,
    /// Changes with what answers.
    generation: u64,
}

pub(super) struct Instance {
    pub id: InstanceId,
    /// Work on an instance is done one after the other.
    pub turn: tokio::sync::Mutex<()>,
    state: Mutex<State>,
}

impl Instance {
    pub fn new(form: Form) -> Self {
        let state =
            State { form: form.clone(), fence: 0, phase: Phase::Stopped, running: None, generation: 0 };
        Self { id: form.instance, turn: tokio::sync::Mutex::new(()), state: Mutex::new(state) }
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

    pub fn take_over(&self, order: Order, form: Form) -> Result<(), Refused> {
        let mut state = self.state();
        state.fenced(order)?;
        state.form = form;
        Ok(())
    }

    pub fn check(&self, order: Order) -> Result<(), Refused> {
        self.state().fenced(order)
    }

    pub fn save(&self, folders: &Folders, key: &Key) -> io::Result<()> {
        let (form, fence) = {
            let state = self.state();
            (state.form.clone(), state.fence)
        };
        form::save(&form, fence, folders, key)
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
        if state.phase == phase {
            return None;
        }
        state.phase = phase;
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
    fn fenced(&mut self, order: Order) -> Result<(), Refused> {
        if order.fence < self.fence {
            return Err(Refused::Fenced);
        }
        self.fence = order.fence;
        Ok(())
    }

    fn seen(&self, instance: InstanceId) -> Seen {
        let release = self.running.as_ref().map(|running| ReleaseId::new(running.release));
        Seen { instance, phase: self.phase.clone(), release }
    }
}
