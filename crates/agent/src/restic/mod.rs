//! Backups in the open format of restic, by the program restic itself.
//!
//! It runs behind walls: it sees the folders of one instance and one repository, so that nothing an application puts into
//! its data leads anywhere else. The repository's password reaches it by a descriptor and by nothing else.

mod key;
mod made;
mod read_back;
mod run;
mod words;

use std::io;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use bytes::Bytes;
use stoa_domain::Secret;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use crate::folders;
use crate::sandbox::{Sandboxes, Shown};

pub(crate) use read_back::ReadBack;
pub(crate) use words::{Snapshot, Stored};

/// Where the repository, what is stored and what is brought back stand inside.
const REPOSITORY: &str = "/repository";
const STORED: &str = "/backup";
const RESTORED: &str = "/restored";

/// Pieces of an archive that wait for whoever takes them.
const WAITING: usize = 4;

/// Reading what is its owner's alone.
const READS_ALL: &[&str] = &["CAP_DAC_READ_SEARCH"];
/// And giving it back to its owner, with its modes.
const WRITES_ALL: &[&str] =
    &["CAP_DAC_READ_SEARCH", "CAP_DAC_OVERRIDE", "CAP_CHOWN", "CAP_FOWNER", "CAP_FSETID"];

/// Why restic didn't do it.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ResticError {
    #[error("it was cancelled")]
    Cancelled,
    #[error("the disk of the server is full")]
    DiskFull,
    #[error("restic isn't installed on the server. Install it: apt-get install restic")]
    NotInstalled,
    #[error("the key doesn't open the repository")]
    WrongKey,
    #[error("somebody else holds the repository: {0}")]
    Locked(String),
    #[error("restic stood still for {}: what it reads or writes doesn't answer", in_words(*.0))]
    Stalled(Duration),
    #[error(
        "what is stored is damaged ({0}). Other backups may still be restored, into another instance. How it is repaired stands in docs/operations.md, under Backups of instances"
    )]
    Damaged(String),
    /// Files of which it doesn't say why: the repository may lack what an earlier snapshot has of them.
    #[error("something of the data can't be read")]
    Lacking,
    #[error("restic {verb} failed: {said}")]
    Refused { verb: &'static str, said: String },
    #[error(transparent)]
    Io(io::Error),
}

impl From<io::Error> for ResticError {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::StorageFull => Self::DiskFull,
            _ => Self::Io(error),
        }
    }
}

/// Where a repository is, and what opens it. It has no `Debug`: what opens it is secret.
#[derive(Clone)]
pub(crate) struct Access {
    pub password: Secret,
    pub place: Place,
}

#[derive(Clone)]
pub(crate) enum Place {
    /// The agent's own folder for the instance.
    Disk,
    /// An S3-compatible server: `https://host/bucket/prefix`.
    S3 {
        url: String,
        /// The host of it, as it stands there.
        host: String,
        /// All that it may be dialled at.
        addresses: Vec<IpAddr>,
        key_id: String,
        key: Secret,
        region: Option<String>,
    },
}

/// A repository, opened for one piece of work.
pub(crate) struct Repository<'r> {
    pub sandboxes: &'r Sandboxes,
    pub access: &'r Access,
    /// Where it is, when it is on this disk.
    pub folder: PathBuf,
    pub cancel: &'r CancellationToken,
    /// For how long it may stand still.
    pub stall: Duration,
}

/// Something that is stored, by the name that it has in a snapshot.
pub(crate) struct Part<'p> {
    pub outside: &'p Path,
    /// Below `/backup`.
    pub inside: &'static str,
}

/// Something that is stored in place of what stands there in one of the parts.
pub(crate) struct Instead {
    pub outside: PathBuf,
    /// Below `/backup`, where a file is.
    pub inside: String,
}

impl Part<'_> {
    /// What it is called in a snapshot.
    pub fn name(&self) -> &'static str {
        self.inside.trim_start_matches("/backup/")
    }
}

impl Repository<'_> {
    /// Whether there is one.
    ///
    /// # Errors
    /// Why that can't be said.
    pub async fn exists(&self) -> Result<bool, ResticError> {
        match &self.access.place {
            Place::Disk => Ok(self.folder.join("config").is_file()),
            Place::S3 { .. } => match self.run(&["cat", "config"], Vec::new(), READS_ALL, run::nothing).await
            {
                Ok(_) => Ok(true),
                // What the storage says of an object that isn't there. A bucket that isn't, a key that opens nothing and an
                // answer that fails are told in the same words before it.
                Err(ResticError::Refused { said, .. })
                    if said.contains("The specified key does not exist") =>
                {
                    Ok(false)
                }
                Err(error) => Err(error),
            },
        }
    }

    /// Makes it where there is none, whole or not at all; and takes away what one of ours left there that was killed.
    /// Whether it was there already.
    ///
    /// # Errors
    /// Why it can't be used.
    pub async fn make_ready(&self) -> Result<bool, ResticError> {
        if !self.exists().await? {
            return self.make().await.map(|()| false);
        }
        self.unlock().await.map(|()| true)
    }

    async fn make(&self) -> Result<(), ResticError> {
        if let Place::S3 { .. } = &self.access.place {
            return self.run(&["init"], Vec::new(), READS_ALL, run::nothing).await.map(drop);
        }
        let beside = self.folder.with_extension("new");
        folders::remove(&beside)?;
        folders::make_private(&beside)?;
        let making = Self { folder: beside.clone(), ..*self };
        if let Err(error) = making.init_here().await {
            folders::remove(&beside)?;
            return Err(error);
        }
        // Without its `config` what is there never was one.
        folders::remove(&self.folder)?;
        Ok(std::fs::rename(beside, &self.folder)?)
    }

    /// A repository on this disk, in the newest format that the restic of this machine knows.
    async fn init_here(&self) -> Result<(), ResticError> {
        let said = self.run(&["version"], Vec::new(), READS_ALL, run::nothing).await?.out;
        let version = if words::is_older(&said, [0, 14]) { 1 } else { 2 };
        Ok(made::make(&self.folder, version, self.access.password.reveal())?)
    }

    /// Takes away the locks of ours that were killed. Whoever calls it does the one work on the repository that goes on
    /// here; a lock of somebody elsewhere who reads it by hand is left alone.
    async fn unlock(&self) -> Result<(), ResticError> {
        let locks = self.locks().await?;
        if locks.is_empty() {
            return Ok(());
        }
        let mut others = 0;
        for lock in locks {
            let about = self.run(&["cat", "lock", &lock], Vec::new(), READS_ALL, run::nothing).await;
            match (about, &self.access.place) {
                (Ok(about), Place::Disk) if words::is_ours(&about.out) => {
                    folders::remove_file(&self.folder.join("locks").join(&lock))?;
                }
                (Ok(about), Place::S3 { .. }) if words::is_ours(&about.out) => {}
                // One that is gone meanwhile is nobody's.
                (Err(ResticError::Refused { .. }), _) => {}
                (Err(error), _) => return Err(error),
                (Ok(_), _) => others += 1,
            }
        }
        if others == 0 && matches!(self.access.place, Place::S3 { .. }) {
            self.run(&["unlock", "--remove-all"], Vec::new(), READS_ALL, run::nothing).await?;
        }
        // What is stale by restic's own reckoning goes too.
        self.run(&["unlock"], Vec::new(), READS_ALL, run::nothing).await.map(drop)
    }

    /// The names of the locks that are there.
    async fn locks(&self) -> Result<Vec<String>, ResticError> {
        match &self.access.place {
            // restic would be started for what a look into its folder says.
            Place::Disk => Ok(self.names_in("locks")?),
            Place::S3 { .. } => {
                let listed = self.run(&["list", "locks"], Vec::new(), READS_ALL, run::nothing).await?;
                Ok(listed.out.lines().filter(|name| words::is_id(name)).map(str::to_owned).collect())
            }
        }
    }

    /// The names of what one of a repository's folders on this disk holds.
    fn names_in(&self, folder: &str) -> io::Result<Vec<String>> {
        let names = std::fs::read_dir(self.folder.join(folder))?
            .map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned()))
            .collect::<io::Result<Vec<_>>>()?;
        Ok(names.into_iter().filter(|name| words::is_id(name)).collect())
    }

    /// The snapshot of a backup, where there is one.
    ///
    /// # Errors
    /// Why it can't be read.
    pub async fn find(&self, backup: uuid::Uuid) -> Result<Option<Snapshot>, ResticError> {
        let tag = tag(backup);
        let listed = self
            .run(&["snapshots", "--no-lock", "--json", "--tag", &tag], Vec::new(), READS_ALL, run::nothing)
            .await?;
        words::snapshots(&listed.out).map(|all| all.into_iter().next_back())
    }

    /// How many snapshots there are.
    ///
    /// # Errors
    /// Why it can't be read.
    pub async fn count(&self) -> Result<usize, ResticError> {
        let listed =
            self.run(&["snapshots", "--no-lock", "--json"], Vec::new(), READS_ALL, run::nothing).await?;
        words::snapshots(&listed.out).map(|all| all.len())
    }

    /// Stores the parts as one snapshot, and what is `instead` in place of what they have there. `exclude` are restic's
    /// patterns. `tell` hears how many percent are stored.
    ///
    /// # Errors
    /// Why it isn't stored.
    pub async fn store(
        &self,
        backup: uuid::Uuid,
        parts: &[Part<'_>],
        instead: &[Instead],
        exclude: &[String],
        mut tell: impl FnMut(u8) + Send,
    ) -> Result<Stored, ResticError> {
        match self.store_once(backup, parts, instead, exclude, false, &mut tell).await {
            Err(ResticError::Lacking) => {
                // All of it is there by now, if that was it; whoever compares with no earlier one has nothing to say of it.
                // It isn't pruned: that fails for as long as an earlier snapshot lacks something.
                if let Some(found) = self.find(backup).await? {
                    self.run(&["forget", "--", &found.id], Vec::new(), READS_ALL, run::nothing).await?;
                }
                self.store_once(backup, parts, instead, exclude, true, &mut tell).await
            }
            stored => stored,
        }
    }

    /// `is_anew`: each file is read, whatever earlier snapshots have of it.
    async fn store_once(
        &self,
        backup: uuid::Uuid,
        parts: &[Part<'_>],
        instead: &[Instead],
        exclude: &[String],
        is_anew: bool,
        tell: impl FnMut(u8) + Send,
    ) -> Result<Stored, ResticError> {
        let tag = tag(backup);
        let exclude = format!("{}\n", exclude.join("\n"));
        let mut words = vec!["backup", "--json", "--host", "stoa", "--tag", &tag];
        if is_anew {
            words.push("--force");
        }
        let patterns = crate::sandbox::secret_path(run::MORE_SECRET);
        words.extend(["--exclude-file", &patterns, "--"]);
        words.extend(parts.iter().map(|part| -> &str { part.name() }));
        let shown = parts.iter().map(|part| (part.outside, part.inside));
        let shown = shown.chain(instead.iter().map(|one| (one.outside.as_path(), one.inside.as_str())));
        let shown =
            shown.map(|(outside, inside)| Shown { outside, inside: inside.into(), is_writable: false });
        let ran = self.run_with(&words, shown.collect(), READS_ALL, Some(exclude.as_bytes()), tell).await?;
        words::stored(&ran.out).ok_or_else(|| ResticError::Refused {
            verb: "backup",
            said: "it didn't say what it stored".to_owned(),
        })
    }

    /// The whole name of what was stored, while it is there: restic itself says only how it begins.
    ///
    /// # Errors
    /// Why that can't be said.
    pub async fn name_of(&self, backup: uuid::Uuid, stored: &Stored) -> Result<Option<String>, ResticError> {
        match &self.access.place {
            // As with locks: a look into the folder says what restic would have to be started for.
            Place::Disk => {
                let mut names = self.names_in("snapshots")?;
                names.retain(|name| name.starts_with(&stored.snapshot));
                Ok(names.pop().filter(|_| names.is_empty()))
            }
            Place::S3 { .. } => Ok(self.find(backup).await?.map(|found| found.id)),
        }
    }

    /// Reads a snapshot of so many bytes back, each of them: restic compares all with what it had written down of them.
    /// `tell` hears how many percent were read.
    ///
    /// # Errors
    /// Where something isn't there or isn't what was written.
    pub async fn read_back(
        &self,
        stored: &Stored,
        tell: impl FnMut(u8) + Send + 'static,
    ) -> Result<ReadBack, ResticError> {
        let (snapshot, size) = (stored.snapshot.as_str(), stored.size);
        let (sender, pieces) = mpsc::channel::<Bytes>(WAITING);
        let taking = tokio::task::spawn_blocking(move || read_back::take(pieces, size, tell));
        let (read, taken) = tokio::join!(self.dump(snapshot, sender), taking);
        match (read, taken.map_err(io::Error::other)?) {
            (Ok(()), Ok(read)) => Ok(read),
            (Ok(()), Err(why)) => Err(not_whole(&why)),
            // Nobody takes the rest of what can't be understood.
            (Err(ResticError::Io(error)), Err(why)) if error.kind() == io::ErrorKind::BrokenPipe => {
                Err(not_whole(&why))
            }
            (Err(error), _) => Err(error),
        }
    }

    /// A snapshot as a tar.
    ///
    /// # Errors
    /// Where it can't be read, or isn't taken.
    pub async fn dump(&self, snapshot: &str, into: mpsc::Sender<Bytes>) -> Result<(), ResticError> {
        self.pipe(&["dump", "--no-lock", "--archive", "tar", "--", snapshot, "/"], READS_ALL, into).await
    }

    /// Writes a snapshot into an empty folder, and compares what is there then with what was to be. `tell` hears how many
    /// percent are written, from a restic that says it.
    ///
    /// # Errors
    /// Where it can't be written whole.
    pub async fn restore(
        &self,
        snapshot: &str,
        into: &Path,
        tell: impl FnMut(u8) + Send,
    ) -> Result<(), ResticError> {
        let shown = vec![Shown { outside: into, inside: RESTORED.into(), is_writable: true }];
        let words = ["restore", "--json", "--no-lock", "--verify", "--target", RESTORED, "--", snapshot];
        self.run(&words, shown, WRITES_ALL, tell).await.map(drop)
    }

    /// Removes the snapshot of a backup, and what nothing else is made of. One that isn't there is no error.
    ///
    /// # Errors
    /// Why it can't be removed.
    pub async fn forget(&self, backup: uuid::Uuid) -> Result<(), ResticError> {
        if !self.exists().await? {
            return Ok(());
        }
        self.unlock().await?;
        match self.find(backup).await? {
            Some(found) => {
                let words = ["forget", "--prune", "--", &found.id];
                self.run(&words, Vec::new(), READS_ALL, run::nothing).await.map(drop)
            }
            None => self.prune().await,
        }
    }

    /// Removes what no snapshot is made of: what a backup left that was killed, too.
    ///
    /// # Errors
    /// Why it can't be removed.
    pub async fn prune(&self) -> Result<(), ResticError> {
        self.run(&["prune"], Vec::new(), READS_ALL, run::nothing).await.map(drop)
    }
}

/// What came back is no archive, or breaks off, though restic wrote all that it had.
fn not_whole(why: &io::Error) -> ResticError {
    tracing::warn!(%why, "what was stored can't be read back whole");
    ResticError::Damaged("it isn't read back whole".to_owned())
}

fn in_words(time: Duration) -> String {
    match time.as_secs() {
        seconds if seconds >= 120 => format!("{} minutes", seconds / 60),
        seconds => format!("{seconds} seconds"),
    }
}

fn tag(backup: uuid::Uuid) -> String {
    format!("backup={}", backup.hyphenated())
}

/// A path as a pattern that means it alone.
pub(crate) fn exactly(inside: &str) -> String {
    let mut pattern = String::with_capacity(inside.len());
    for letter in inside.chars() {
        if matches!(letter, '*' | '?' | '[' | ']' | '\\') {
            pattern.push('\\');
        }
        pattern.push(letter);
        if letter == '$' {
            // Otherwise the name of a variable begins.
            pattern.push('$');
        }
    }
    pattern
}
