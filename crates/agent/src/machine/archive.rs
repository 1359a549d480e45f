//! A backup as one archive, `tar.zst`: written into a file once, so that whoever lost the connection goes on where it
//! broke, and removed an hour after it was last wanted.

use std::collections::HashMap;
use std::fs::{File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use stoa_domain::InstanceId;
use tokio::sync::{mpsc, watch};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::Agent;
use super::deploy::KEPT_FREE;
use super::operation::Refused;
use crate::folders;
use crate::restic::{Access, ResticError};

/// How long it is kept after somebody wanted it.
const KEPT: Duration = Duration::from_secs(3600);

/// How long one is written on that nobody waits for: long enough to go on with after a connection broke.
const UNWANTED: Duration = Duration::from_secs(60);

/// For how long it is told at once that one is damaged: who asks why theirs broke off doesn't have it all read again.
const REMEMBERED: Duration = Duration::from_secs(60);

/// How many are written at once.
const MOST: usize = 4;

/// Bytes between two looks at the disk.
const LOOK: u64 = 32 << 20;

const WAITING: usize = 16;
const LEVEL: i32 = 3;

/// Those that are being written, and those that couldn't be because what is stored is damaged.
#[derive(Default)]
pub(super) struct Archives {
    written: Mutex<HashMap<Uuid, watch::Receiver<Written>>>,
    /// By backup and the bytes that it was to have.
    damaged: Mutex<HashMap<(Uuid, u64), (Instant, String)>>,
}

impl Archives {
    fn damage(&self, backup: Uuid, size: u64) -> Option<Refused> {
        let mut all = self.damaged.lock().unwrap_or_else(PoisonError::into_inner);
        all.retain(|_, (at, _)| at.elapsed() < REMEMBERED);
        all.get(&(backup, size)).map(|(_, said)| Refused::Damaged(said.clone()))
    }

    fn forget(&self, backup: Uuid) {
        let mut all = self.damaged.lock().unwrap_or_else(PoisonError::into_inner);
        all.retain(|(of, _), _| *of != backup);
    }

    fn remember(&self, backup: Uuid, size: u64, said: &str) {
        let mut all = self.damaged.lock().unwrap_or_else(PoisonError::into_inner);
        all.insert((backup, size), (Instant::now(), said.to_owned()));
    }
}

/// How far one is.
#[derive(Debug, Clone, Default)]
pub(crate) struct Written {
    pub bytes: u64,
    /// Its end: whole, or why not.
    pub outcome: Option<Result<(), Arc<str>>>,
}

/// An archive that is there, or grows.
pub(crate) struct Archive {
    pub file: File,
    pub written: watch::Receiver<Written>,
}

impl Agent {
    /// `size`: bytes of its files.
    ///
    /// # Errors
    /// `DiskFull`, `Damaged`, or why the backup can't be read. `None`: there is no such backup.
    pub(crate) async fn open_archive(
        &self,
        of: InstanceId,
        backup: Uuid,
        access: Access,
        size: u64,
    ) -> Result<Option<Archive>, Refused> {
        let whole = self.inner.folders.archive(backup);
        let part = whole.with_extension("part");
        if let Some(found) = self.writing(backup) {
            return Ok(Some(Archive {
                file: File::open(&part).or_else(|_| File::open(&whole))?,
                written: found,
            }));
        }
        match File::open(&whole) {
            Ok(file) => {
                touch(&file)?;
                let written = Written { bytes: file.metadata()?.len(), outcome: Some(Ok(())) };
                return Ok(Some(Archive { file, written: watch::channel(written).1 }));
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error.into()),
        }
        if let Some(damaged) = self.inner.archives.damage(backup, size) {
            return Err(damaged);
        }
        if self.free() < KEPT_FREE {
            return Err(Refused::DiskFull);
        }
        let Some(snapshot) = self.find_backup(of, backup, access.clone()).await? else { return Ok(None) };
        self.begin_archive(of, backup, access, (snapshot.id, size), (part, whole)).map(Some)
    }

    /// Keeps it no longer, nor that it couldn't be had. What is being written goes on.
    pub(crate) fn drop_archive(&self, backup: Uuid) -> io::Result<()> {
        self.inner.archives.forget(backup);
        folders::remove_file(&self.inner.folders.archive(backup))
    }

    fn free(&self) -> u64 {
        super::facts::free_space(&self.inner.folders)
    }

    /// Why one couldn't be written a moment ago, where that is what is stored of it.
    pub(crate) fn archive_damage(&self, backup: Uuid, size: u64) -> Option<Refused> {
        self.inner.archives.damage(backup, size)
    }

    fn writing(&self, backup: Uuid) -> Option<watch::Receiver<Written>> {
        let mut all = self.inner.archives.written.lock().unwrap_or_else(PoisonError::into_inner);
        all.retain(|_, written| written.borrow().outcome.is_none());
        all.get(&backup).cloned()
    }

    /// Written on for as long as somebody waits for it, or did a moment ago: what was begun is what is gone on with.
    fn begin_archive(
        &self,
        of: InstanceId,
        backup: Uuid,
        access: Access,
        snapshot: (String, u64),
        (part, whole): (PathBuf, PathBuf),
    ) -> Result<Archive, Refused> {
        let (tell, written) = watch::channel(Written::default());
        {
            let mut all = self.inner.archives.written.lock().unwrap_or_else(PoisonError::into_inner);
            if let Some(found) = all.get(&backup).filter(|found| found.borrow().outcome.is_none()) {
                // Another was quicker.
                return Ok(Archive { file: File::open(&part)?, written: found.clone() });
            }
            all.retain(|_, written| written.borrow().outcome.is_none());
            if all.len() >= MOST {
                return Err(Refused::Backup(format!(
                    "{MOST} archives are being written on this server. Try again once one of them is there."
                )));
            }
            all.insert(backup, written.clone());
        }
        let made = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&part);
        let file = match made {
            Ok(file) => file,
            Err(error) => {
                tell.send_replace(Written { bytes: 0, outcome: Some(Err(error.to_string().into())) });
                return Err(error.into());
            }
        };
        let archive = Archive { file: File::open(&part)?, written };
        let (agent, size) = (self.clone(), snapshot.1);
        tokio::spawn(async move {
            let outcome = agent.write_archive(of, access, snapshot, file, &tell).await;
            let outcome = outcome.and_then(|()| Ok(std::fs::rename(&part, &whole)?));
            if let Err(error) = &outcome {
                tracing::warn!(%error, instance = %of, "an archive couldn't be written");
                _ = folders::remove_file(&part);
            }
            // Before anybody hears that it is over, who then asks why.
            if let Err(Refused::Damaged(said)) = &outcome {
                agent.inner.archives.remember(backup, size, said);
            }
            tell.send_modify(|written| {
                written.outcome = Some(outcome.map_err(|error| Arc::from(error.to_string())));
            });
        });
        Ok(archive)
    }

    async fn write_archive(
        &self,
        of: InstanceId,
        access: Access,
        (snapshot, size): (String, u64),
        file: File,
        tell: &watch::Sender<Written>,
    ) -> Result<(), Refused> {
        let lock = self.inner.repositories.lock_of(of);
        let _reading = lock.read().await;
        let cancel = CancellationToken::new();
        let repository = self.repository(of, &access, &cancel);
        let (sender, pieces) = mpsc::channel(WAITING);
        let (state, teller) = (self.inner.folders.state().to_owned(), tell.clone());
        let writing = tokio::task::spawn_blocking(move || compress(pieces, &file, &state, &teller));
        let reading = async {
            tokio::select! {
                dumped = repository.dump(&snapshot, sender) => dumped,
                () = unwanted(tell) => Err(ResticError::Cancelled),
            }
        };
        let (dumped, written) = tokio::join!(reading, writing);
        // Where nothing more could be written, that is why nothing more was read.
        let read = written.map_err(io::Error::other)??;
        dumped?;
        // Of a folder whose list can't be read restic says nothing: what it wrote by then is an archive, too.
        if read < size {
            return Err(ResticError::Damaged("it isn't read back whole".to_owned()).into());
        }
        Ok(())
    }

    /// Removes those that nobody has wanted for a while, and what an agent that was killed left of one.
    pub(super) fn sweep_archives(&self) -> io::Result<()> {
        for entry in std::fs::read_dir(self.inner.folders.archives())? {
            let entry = entry?;
            let changed = entry.metadata()?.modified()?;
            let is_old = changed.elapsed().unwrap_or_default() > KEPT;
            let is_left =
                entry.path().extension().is_some_and(|end| end == "part") && changed < self.inner.began;
            if is_old || is_left {
                folders::remove_file(&entry.path())?;
            }
        }
        Ok(())
    }
}

/// Until nobody has waited for it for a while: besides whoever reads it only the list of those that are written does.
async fn unwanted(tell: &watch::Sender<Written>) {
    let mut unwanted = 0;
    while unwanted < UNWANTED.as_secs() {
        tokio::time::sleep(Duration::from_secs(1)).await;
        unwanted = if tell.receiver_count() > 1 { 0 } else { unwanted + 1 };
    }
}

/// So that it is kept for another while.
#[allow(clippy::disallowed_methods)]
fn touch(file: &File) -> io::Result<()> {
    file.set_modified(std::time::SystemTime::now())
}

/// How many bytes came.
fn compress(
    mut pieces: mpsc::Receiver<Bytes>,
    file: &File,
    state: &Path,
    tell: &watch::Sender<Written>,
) -> io::Result<u64> {
    let mut encoder = zstd::stream::write::Encoder::new(Counting { file, tell }, LEVEL)?;
    let (mut since, mut read) = (0, 0);
    while let Some(piece) = pieces.blocking_recv() {
        encoder.write_all(&piece)?;
        since += piece.len() as u64;
        read += piece.len() as u64;
        if since >= LOOK {
            since = 0;
            if folders::free_space(state)? < KEPT_FREE {
                return Err(io::ErrorKind::StorageFull.into());
            }
        }
    }
    encoder.finish()?;
    file.sync_all()?;
    Ok(read)
}

/// A file, and who hears how far it is.
struct Counting<'c> {
    file: &'c File,
    tell: &'c watch::Sender<Written>,
}

impl io::Write for Counting<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let count = io::Write::write(&mut self.file, bytes)?;
        self.tell.send_modify(|written| written.bytes += count as u64);
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
