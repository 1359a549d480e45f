//! The agent of one machine: the instances it holds, what runs of them, and the work that is done to them.

mod act;
mod deploy;
mod disk;
mod facts;
mod form;
mod health;
mod instance;
mod operation;
mod recover;
mod release;
mod sealing;
mod start;
mod watch;

use std::collections::HashMap;
use std::io;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use stoa_domain::branch::CommitId;
use stoa_domain::{InstanceId, ProjectId, ReleaseId};
use tokio::net::UnixStream;
use tokio::sync::{broadcast, watch as channel};

use crate::folders::{self, Folders};
use crate::git::{GitError, Repository};
use crate::sandbox::Sandboxes;

pub use facts::Facts;
pub use form::Form;
pub use instance::{Phase, Seen};
pub use operation::{Command, Order, Progress, Refused};

use instance::Instance;
use operation::Operations;
use sealing::Key;

/// What an agent is started with.
#[derive(Debug, Clone)]
pub struct Options {
    /// Its folder.
    pub state: PathBuf,
    /// The program `stoa`.
    pub program: PathBuf,
    /// `host:port` of private addresses that instances may reach.
    pub egress_allow: Vec<String>,
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
    version: String,
    instances: Mutex<HashMap<InstanceId, Arc<Instance>>>,
    operations: Operations,
    changes: broadcast::Sender<Seen>,
    routes: channel::Sender<u64>,
    facts: facts::Watch,
    /// What git left before is nobody's: there is one agent on a folder at a time.
    began: std::time::SystemTime,
}

impl Agent {
    /// Takes up what is there: finds the applications that went on while nobody looked after them, and starts those
    /// again that should run and don't.
    ///
    /// # Errors
    /// Where its folder can't be used.
    pub async fn start(options: Options) -> io::Result<Self> {
        let folders = Folders::new(options.state)?;
        let key = Key::load(&folders.key())?;
        let inner = Inner {
            sandboxes: Sandboxes::new(options.program, options.egress_allow),
            key,
            version: options.version,
            instances: Mutex::default(),
            operations: Operations::new(folders.operations()),
            changes: broadcast::channel(1024).0,
            routes: channel::Sender::new(0),
            facts: facts::Watch::default(),
            began: began(),
            folders,
        };
        let agent = Self { inner: Arc::new(inner) };
        agent.load(options.starts_instances).await?;
        agent.keep_house();
        agent.tidy_mirrors();
        agent.watch_disk();
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

    #[must_use]
    pub fn facts(&self) -> Facts {
        self.inner.facts.look(&self.inner.folders, self.inner.sandboxes.abilities(), &self.inner.version)
    }

    /// Takes over the wanted form. The same twice changes nothing.
    ///
    /// # Errors
    /// `Fenced` where a newer order was seen.
    pub async fn put(&self, order: Order, form: Form) -> Result<(), Refused> {
        let id = form.instance;
        let instance = {
            let mut all = self.lock();
            all.entry(id).or_insert_with(|| Arc::new(Instance::new(form.clone()))).clone()
        };
        instance.take_over(order, form)?;
        instance.save(&self.inner.folders, &self.inner.key).map_err(Refused::from)
    }

    /// Has a commit in the project's mirror, from a repository on this machine.
    ///
    /// # Errors
    /// Where git refuses.
    pub async fn bring_commit(
        &self,
        project: ProjectId,
        commit: &CommitId,
        from: PathBuf,
    ) -> Result<(), GitError> {
        let mirror = self.mirror(project);
        mirror.create("main").await?;
        // A lock that was left there would keep git from it for ever.
        mirror.tidy(self.inner.began)?;
        if mirror.has(commit).await? {
            return Ok(());
        }
        mirror.fetch(&from, commit).await
    }

    fn mirror(&self, project: ProjectId) -> Repository {
        Repository::at(self.inner.folders.mirror(project))
    }

    /// All that the machine holds.
    #[must_use]
    pub fn instances(&self) -> Vec<Seen> {
        self.all().iter().map(|instance| instance.seen()).collect()
    }

    #[must_use]
    pub fn changes(&self) -> broadcast::Receiver<Seen> {
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
        let socket =
            self.find(instance).and_then(|instance| instance.application_socket(&self.inner.folders));
        match socket {
            Some(socket) => crate::init::connect(&socket).await,
            None => Err(io::ErrorKind::NotConnected.into()),
        }
    }

    /// The folder of a log: the application's, or a deployment's.
    #[must_use]
    pub fn log_folder(&self, instance: InstanceId, deployment: Option<stoa_domain::DeploymentId>) -> PathBuf {
        match deployment {
            None => self.inner.folders.logs(instance),
            Some(deployment) => self.inner.folders.deployment_log(instance, deployment),
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
            self.set_phase(&instance, Phase::Stopped);
        }
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
