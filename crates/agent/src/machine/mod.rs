//! The agent of one machine: the instances it holds, what runs of them, and the work that is done to them.
//!
//! What is ordered and asked comes through the router alone. What is public here is for whoever starts an agent, and
//! for the proxy of the same machine.

mod act;
mod advice;
mod archive;
mod backup;
mod connect_as;
mod copies;
mod database;
mod deploy;
mod desk;
mod disk;
mod facts;
mod form;
mod health;
mod instance;
pub(crate) mod logs;
mod masks;
mod metrics;
mod mirror;
mod operation;
mod programs;
mod recover;
mod release;
mod restore;
mod schedules;
mod sealing;
mod start;
mod watch;

use std::collections::HashMap;
use std::io;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use stoa_domain::{InstanceId, ReleaseId, Secret};
use tokio::net::UnixStream;
use tokio::sync::{Semaphore, broadcast, watch as channel};

use crate::folders::{self, Folders};
use crate::git::Repository;
use crate::sandbox::{Abilities, Sandboxes};

pub(crate) use archive::Archive;
pub(crate) use backup::{BackupWork, plain};
pub use desk::Keeping;
pub(crate) use desk::{DeskOf, NewDesk, Pack, Wish};
pub(crate) use facts::Facts;
pub(crate) use form::Form;
pub use instance::Phase;
pub(crate) use instance::Seen;
pub(crate) use metrics::{instance as instance_series, machine as machine_series};
pub(crate) use operation::{Command, Operation, Order, Refused};
pub(crate) use programs::find as find_programs;
pub(crate) use release::make_own;
pub(crate) use restore::RestoreWork;
pub(crate) use start::common_environment;

use instance::Instance;
use operation::Operations;
use sealing::Key;

/// For how long a program that keeps backups usually may stand still.
pub const STALL: Duration = Duration::from_secs(600);

/// What an agent is started with.
#[derive(Debug, Clone)]
pub struct Options {
    /// Its folder.
    pub state: PathBuf,
    /// The program `stoa`.
    pub program: PathBuf,
    /// `host:port` of private addresses that instances may reach.
    pub egress_allow: Vec<String>,
    /// For how long a program that keeps backups may stand still.
    pub stall: Duration,
    pub desks: Keeping,
    pub version: String,
    /// Whether those are started that should run and don't.
    pub starts_instances: bool,
}

/// The agent. Cheap to clone.
#[derive(Clone)]
pub struct Agent {
    inner: Arc<Inner>,
}

struct Inner {
    folders: Folders,
    sandboxes: Sandboxes,
    key: Key,
    stall: Duration,
    keeping: Keeping,
    version: String,
    instances: Mutex<HashMap<InstanceId, Arc<Instance>>>,
    operations: Operations,
    desks: desk::Desks,
    changes: broadcast::Sender<Seen>,
    routes: channel::Sender<u64>,
    facts: facts::Watch,
    /// What git left before is nobody's: there is one agent on a folder at a time.
    began: std::time::SystemTime,
    /// For packs that are taken in at once.
    packs: Semaphore,
    repositories: backup::Repositories,
    archives: archive::Archives,
    requests: logs::Requests,
    masks: masks::AllMasks,
    postgresql: tokio::sync::Mutex<crate::postgresql::Server>,
    wide: database::Wide,
    /// Of the role by which databases are made.
    postgresql_password: Secret,
}

impl Agent {
    /// Takes up what is there: finds the applications that went on while nobody looked after them, and starts those
    /// again that should run and don't.
    ///
    /// # Errors
    /// Where its folder can't be used.
    pub async fn start(options: Options) -> io::Result<Self> {
        let folders = Folders::new(options.state.clone())?;
        let own = options.state.canonicalize()?;
        let sandboxes = Sandboxes::new(options.program, options.egress_allow).of(&own);
        sandboxes.end_left_programs()?;
        let key = Key::load(&folders.key())?;
        let inner = Inner {
            sandboxes,
            postgresql: tokio::sync::Mutex::default(),
            wide: database::Wide::default(),
            postgresql_password: database::master(&folders, &key)?,
            key,
            stall: options.stall,
            keeping: options.desks,
            version: options.version,
            instances: Mutex::default(),
            operations: Operations::new(folders.operations()),
            desks: desk::Desks::default(),
            changes: broadcast::channel(1024).0,
            routes: channel::Sender::new(0),
            facts: facts::Watch::default(),
            began: began(),
            packs: Semaphore::new(mirror::AT_ONCE),
            repositories: backup::Repositories::default(),
            archives: archive::Archives::default(),
            requests: logs::Requests::new(folders.clone()),
            masks: masks::AllMasks::default(),
            folders,
        };
        let agent = Self { inner: Arc::new(inner) };
        agent.load(options.starts_instances).await?;
        agent.keep_house();
        agent.tidy_mirrors();
        agent.watch_disk();
        agent.keep_metrics();
        agent.watch_desks();
        Ok(agent)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<InstanceId, Arc<Instance>>> {
        self.inner.instances.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn find(&self, instance: InstanceId) -> Option<Arc<Instance>> {
        self.lock().get(&instance).cloned()
    }

    fn all(&self) -> Vec<Arc<Instance>> {
        self.lock().values().cloned().collect()
    }

    pub(crate) fn facts(&self) -> Facts {
        self.inner.facts.look(&self.inner.folders)
    }

    pub(crate) fn abilities(&self) -> &Abilities {
        self.inner.sandboxes.abilities()
    }

    /// Whether nothing more is to be written on this machine's disk.
    pub(crate) fn is_disk_full(&self) -> bool {
        facts::free_space(&self.inner.folders) < folders::LEAST_FREE
    }

    pub(crate) fn version(&self) -> &str {
        &self.inner.version
    }

    /// Takes over the wanted form. The same twice changes nothing.
    ///
    /// # Errors
    /// `Late`, or `Fenced`.
    pub(crate) async fn put(&self, order: Order, form: Form) -> Result<(), Refused> {
        order.in_time()?;
        // What it was told for is done: an instance that was deleted with it doesn't come back.
        if self.inner.operations.find(order.job).is_some_and(|operation| operation.is_over()) {
            return Ok(());
        }
        let instance = {
            let mut all = self.lock();
            all.entry(form.instance).or_insert_with(|| Arc::new(Instance::new(form.clone()))).clone()
        };
        let is_new = !self.inner.folders.form(instance.id).exists();
        let secrets = form.secret_values();
        if instance.take_over(order, form)? || is_new {
            let is_other = self.inner.masks.set_form(instance.id, secrets);
            instance.save(&self.inner.folders, &self.inner.key)?;
            self.save_secrets(instance.id);
            if is_other {
                // What runs goes on with the form that it was started with, and without what is secret in this one.
                self.leave_out(instance.id).await;
            }
        }
        Ok(())
    }

    /// All that the machine holds.
    pub(crate) fn instances(&self) -> Vec<Seen> {
        self.all().iter().map(|instance| instance.seen()).collect()
    }

    pub(crate) fn changes(&self) -> broadcast::Receiver<Seen> {
        self.inner.changes.subscribe()
    }

    /// How an instance answers, and a number that changes with what answers. `None`: it isn't held here.
    #[must_use]
    pub fn route(&self, instance: InstanceId) -> Option<(Phase, u64)> {
        self.find(instance).map(|instance| instance.route())
    }

    /// Moves whenever a route has changed.
    #[must_use]
    pub fn route_changes(&self) -> channel::Receiver<u64> {
        self.inner.routes.subscribe()
    }

    /// A new connection to the application.
    ///
    /// # Errors
    /// Where it doesn't run.
    pub async fn open_application(&self, instance: InstanceId) -> io::Result<UnixStream> {
        let instance = self.find(instance).ok_or(io::ErrorKind::NotConnected)?;
        // Which one answers doesn't change between asking for it and being before its door.
        let _entering = instance.entrance.read().await;
        match instance.application_socket(&self.inner.folders) {
            Some(socket) => crate::init::connect(&socket).await,
            None => Err(io::ErrorKind::NotConnected.into()),
        }
    }

    /// How many applications run.
    #[must_use]
    pub fn count_running(&self) -> usize {
        self.all().iter().filter(|instance| instance.is_alive()).count()
    }

    /// Ends all applications, politely first. How many.
    ///
    /// # Errors
    /// Where one can't be ended.
    pub async fn stop_all(&self) -> io::Result<usize> {
        let mut count = 0;
        for instance in self.all() {
            let _turn = instance.turn.lock().await;
            if instance.is_alive() {
                self.end_current(&instance).await?;
                count += 1;
            }
            self.set_phase(&instance, Phase::Stopped(None));
        }
        // Nothing is left that it would serve.
        self.end_postgresql().await?;
        Ok(count)
    }

    /// Beside everything else: each mirror is tidied before it is used, this is for those that aren't.
    fn tidy_mirrors(&self) {
        let (folder, began) = (self.inner.folders.mirrors(), self.inner.began);
        tokio::task::spawn_blocking(move || {
            let tidied = crate::git::tidy_unmade(&folder, began).and_then(|()| {
                std::fs::read_dir(&folder)?.try_for_each(|entry| Repository::at(entry?.path()).tidy(began))
            });
            if let Err(error) = tidied {
                tracing::warn!(%error, "what was left in the mirrors of repositories couldn't be removed");
            }
        });
    }

    /// Frees what a git held of a mirror when it was killed.
    fn free_mirrors(&self) -> io::Result<()> {
        std::fs::read_dir(self.inner.folders.mirrors())?
            .try_for_each(|entry| Repository::at(entry?.path()).free_locks())
    }

    /// Packs what many deployments have brought, one mirror after the other.
    pub(super) async fn repack_mirrors(&self) -> io::Result<()> {
        for entry in std::fs::read_dir(self.inner.folders.mirrors())? {
            let mirror = Repository::at(entry?.path());
            if let Err(error) = mirror.repack_where_due().await {
                tracing::warn!(%error, mirror = %mirror.folder().display(), "it can't be packed");
            }
        }
        Ok(())
    }

    fn set_phase(&self, instance: &Instance, phase: Phase) {
        if let Some(seen) = instance.set_phase(phase) {
            // Nobody may be listening.
            let _ = self.inner.changes.send(seen);
        }
        self.inner.routes.send_modify(|number| *number += 1);
    }

    fn current_release(&self, instance: InstanceId) -> Option<ReleaseId> {
        let target = std::fs::read_link(self.inner.folders.current(instance)).ok()?;
        target.to_str()?.parse().ok()
    }

    /// The switch: one rename of a link.
    fn set_current_release(&self, instance: InstanceId, release: ReleaseId) -> io::Result<()> {
        let link = self.inner.folders.current(instance);
        let beside = link.with_extension("new");
        folders::remove_file(&beside)?;
        std::os::unix::fs::symlink(release.to_string(), &beside)?;
        std::fs::rename(beside, link)
    }
}

/// Files' times are compared with it.
#[allow(clippy::disallowed_methods)]
fn began() -> std::time::SystemTime {
    std::time::SystemTime::now()
}
