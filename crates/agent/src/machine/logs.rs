//! The logs of an instance: where each lies, how it is read, how long it is kept; and what visitors asked of it, written
//! beside the requests and never in their way.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use stoa_domain::{DeploymentId, InstanceId};

use super::{Agent, release};
use crate::folders::{self, Folders};
use crate::logs::{self, Look, Writer};

/// Segments of 16 MiB that are kept of one deployment's log, and of what visitors asked of an instance.
pub(super) const KEPT_OF_DEPLOYMENT: usize = 4;
const KEPT_OF_REQUESTS: usize = 16;

/// Deployments of an instance whose logs are kept.
const KEPT_DEPLOYMENTS: usize = 200;

/// Requests that wait to be written; and logs that are open for it.
const WAITING: usize = 4096;
const OPEN: usize = 256;

/// Whose log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Source {
    Application,
    /// What the init says of it, in the same log.
    Init,
    /// What visitors asked of it.
    Proxy,
    Deployment(DeploymentId),
}

impl Agent {
    pub(crate) fn log_folder(&self, instance: InstanceId, source: &Source) -> PathBuf {
        let folders = &self.inner.folders;
        match source {
            Source::Application | Source::Init => folders.logs(instance),
            Source::Proxy => folders.access_log(instance),
            Source::Deployment(deployment) => folders.deployment_log(instance, *deployment),
        }
    }

    /// How a log is read: without the instance's secrets, and an application's as its release says it writes.
    pub(crate) fn look(&self, instance: InstanceId, source: &Source) -> Look {
        let mut newer = self.follow_masks(instance);
        let masks = newer.borrow_and_update().clone();
        let json = match source {
            Source::Application => self.current_release(instance).and_then(|current| {
                let made = release::load(&self.inner.folders, instance, current).ok().flatten()?;
                made.application.logs.map(Arc::new)
            }),
            _ => None,
        };
        Look { masks, newer: Some(newer), json }
    }

    /// Compresses what is full, and removes what is too old.
    pub(super) fn sweep_logs(&self) -> io::Result<()> {
        let folders = &self.inner.folders;
        for instance in self.all() {
            logs::compress_full(&folders.logs(instance.id))?;
            logs::compress(&folders.access_log(instance.id), KEPT_OF_REQUESTS)?;
            for kept in keep_newest(&folders.deployments(instance.id), KEPT_DEPLOYMENTS)? {
                logs::compress(&kept, KEPT_OF_DEPLOYMENT)?;
            }
        }
        Ok(())
    }

    /// Counts a visitor who was answered with a status, and writes it down. It never waits: where too many come at
    /// once to be written, those are told as a number.
    pub fn note_request(&self, instance: InstanceId, status: u16, text: String) {
        if let Some(held) = self.find(instance) {
            held.requests.count(status);
            let masks = self.masks(instance);
            self.inner.requests.note(Request { instance, text, masks, at: crate::init::now() });
        }
    }
}

/// Removes the logs of all deployments but the newest; those that are left.
fn keep_newest(folder: &Path, count: usize) -> io::Result<Vec<PathBuf>> {
    let mut deployments = match std::fs::read_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries?.map(|entry| Ok(entry?.path())).collect::<io::Result<Vec<_>>>()?,
    };
    // Their ids are in the order of their making.
    deployments.sort();
    let beyond = deployments.len().saturating_sub(count);
    for gone in deployments.drain(..beyond) {
        folders::remove(&gone)?;
    }
    Ok(deployments)
}

struct Request {
    instance: InstanceId,
    text: String,
    masks: Arc<logs::Masks>,
    at: i64,
}

/// The way to the one thread that writes them.
pub(super) struct Requests {
    folders: Folders,
    sender: std::sync::OnceLock<Option<SyncSender<Request>>>,
    dropped: Arc<Dropped>,
}

/// How many requests of each instance weren't written down, because too many came at once.
#[derive(Default)]
struct Dropped(Mutex<HashMap<InstanceId, u64>>);

impl Dropped {
    fn lock(&self) -> MutexGuard<'_, HashMap<InstanceId, u64>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn count(&self, instance: InstanceId) {
        *self.lock().entry(instance).or_default() += 1;
    }

    /// Those that aren't told yet.
    fn take(&self, instance: InstanceId) -> Option<u64> {
        self.lock().remove(&instance)
    }
}

impl Requests {
    pub fn new(folders: Folders) -> Self {
        Self { folders, sender: std::sync::OnceLock::new(), dropped: Arc::default() }
    }

    fn note(&self, request: Request) {
        let sender = self.sender.get_or_init(|| {
            let (sender, receiver) = sync_channel(WAITING);
            let (folders, dropped) = (self.folders.clone(), self.dropped.clone());
            let thread = std::thread::Builder::new().name("requests".to_owned());
            match thread.spawn(move || write_all(&folders, &receiver, &dropped)) {
                Ok(_) => Some(sender),
                Err(error) => {
                    tracing::warn!(%error, "what visitors ask can't be written down");
                    None
                }
            }
        });
        if let Some(sender) = sender
            && let Err(TrySendError::Full(lost)) = sender.try_send(request)
        {
            self.dropped.count(lost.instance);
        }
    }
}

/// Until nobody can send any more.
fn write_all(folders: &Folders, requests: &Receiver<Request>, dropped: &Dropped) {
    let mut open: HashMap<InstanceId, Writer> = HashMap::new();
    while let Ok(Request { instance, text, masks, at }) = requests.recv() {
        if open.len() >= OPEN && !open.contains_key(&instance) {
            open.clear();
        }
        // One that was deleted meanwhile has no log any more.
        if !folders.form(instance).exists() {
            open.remove(&instance);
            dropped.take(instance);
            continue;
        }
        let writer = match open.entry(instance) {
            Entry::Occupied(entry) => Ok(entry.into_mut()),
            Entry::Vacant(entry) => {
                let folder = folders.access_log(instance);
                let made = folders::make_private(&folder).and_then(|()| Writer::at(&folder));
                made.map(|writer| entry.insert(writer.keeping(KEPT_OF_REQUESTS)))
            }
        };
        let written = writer.and_then(|writer| {
            writer.mask(masks);
            if let Some(many) = dropped.take(instance) {
                writer.line(at, "stoa", format!("{many} requests weren't written down").as_bytes())?;
            }
            writer.line(at, "proxy", text.as_bytes())
        });
        if let Err(error) = written {
            tracing::debug!(%error, %instance, "a request can't be written down");
            open.remove(&instance);
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn what_was_not_written_down_is_told_in_the_log_of_its_own_instance() {
        let place = tempfile::tempdir().unwrap();
        let folders = Folders::new(place.path().to_owned()).unwrap();
        let [busy, quiet] = [(); 2].map(|()| InstanceId::new(uuid::Uuid::now_v7()));
        let (sender, receiver) = sync_channel(8);
        let dropped = Dropped::default();
        for instance in [busy, quiet] {
            std::fs::write(folders.form(instance), "{}").unwrap();
        }
        (0..3).for_each(|_| dropped.count(busy));
        for instance in [quiet, busy, busy] {
            let request = Request { instance, text: "GET / 200".to_owned(), masks: Arc::default(), at: 1 };
            sender.send(request).unwrap();
        }
        drop(sender);
        write_all(&folders, &receiver, &dropped);
        let written = |instance| {
            let folder = folders.access_log(instance);
            std::fs::read_dir(folder)
                .unwrap()
                .map(|part| std::fs::read_to_string(part.unwrap().path()).unwrap())
                .collect::<String>()
        };
        assert_eq!(written(quiet), "1 proxy GET / 200\n");
        let told = "1 stoa 3 requests weren't written down\n1 proxy GET / 200\n1 proxy GET / 200\n";
        assert_eq!(written(busy), told);
    }

    #[test]
    fn the_logs_of_the_newest_deployments_are_kept() {
        let place = tempfile::tempdir().unwrap();
        assert_eq!(keep_newest(&place.path().join("none"), 2).unwrap(), Vec::<PathBuf>::new());
        let all: Vec<PathBuf> = (0..5)
            .map(|_| {
                let folder = place.path().join(uuid::Uuid::now_v7().to_string());
                std::fs::create_dir(&folder).unwrap();
                Writer::at(&folder).unwrap().line(1, "stoa", b"Deployed.").unwrap();
                folder
            })
            .collect();
        assert_eq!(keep_newest(place.path(), 2).unwrap(), all[3..]);
        assert_eq!(std::fs::read_dir(place.path()).unwrap().count(), 2);
    }
}
