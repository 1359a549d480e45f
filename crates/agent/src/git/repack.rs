//! Keeping a repository quick however often it is pushed to: each push, and each pack that is brought, leaves files of its
//! own, which git looks through one by one.

use std::fs;
use std::io;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use super::{GitError, Repository, checked, run_into};
use crate::folders;

/// Objects in files of their own, from which on they are packed.
const LOOSE: usize = 1_024;
/// Packs, from which on the smaller ones become one.
const PACKS: usize = 24;
/// Objects lie in 256 folders, evenly, by the hash that they are named by: one tells of all (git's own `gc.auto` looks at
/// this one, too).
const FOLDERS: usize = 256;
const LOOKED_AT: &str = "17";

/// How long that of a large repository may take.
const PATIENCE: Duration = Duration::from_secs(3600);

/// Whoever holds it repacks. It is kept, and belongs to nobody once its holder is gone.
const HELD: &str = "repack.held";

/// How it is done: what is there already packed well is taken over as it is, and of what is new not much is held at once.
const MANNERS: [&str; 3] = ["pack.threads=1", "pack.windowMemory=64m", "pack.deltaCacheSize=32m"];

impl Repository {
    /// Packs what lies about, where it has become much: each pack holds at least twice as many objects as the next smaller
    /// one, so that few are written again. Nothing is ever lost by it, also what no branch leads to, and others push, fetch
    /// and merge meanwhile. Whether it was done.
    ///
    /// # Errors
    /// Where something can't be read, or git refuses; what was there is there then.
    pub async fn repack_where_due(&self) -> Result<bool, GitError> {
        let own = self.clone();
        let due = tokio::task::spawn_blocking(move || own.take_repack()).await.map_err(io::Error::other)?;
        // Held until git has ended.
        let Some(_held) = due? else { return Ok(false) };
        let mut command = self.durable();
        for manner in MANNERS {
            command.args(["-c", manner]);
        }
        command.args(["repack", "--geometric=2", "-d", "-l", "-q", "--no-write-bitmap-index"]);
        checked(run_into(Stdio::null(), command, None, PATIENCE).await?, "repack")?;
        Ok(true)
    }

    /// The right to do it, where it is due, nobody is at it, and there is room for it.
    fn take_repack(&self) -> io::Result<Option<fs::File>> {
        if !self.exists() || !self.is_strewn()? {
            return Ok(None);
        }
        // What is there and what is made of it are there at the same time.
        let needed = folders::size(&self.folder().join("objects"))?.saturating_add(folders::LEAST_FREE);
        if folders::free_space(self.folder())? < needed {
            tracing::warn!(repository = %self.folder().display(), needed, "there is no room to pack it");
            return Ok(None);
        }
        let held = fs::File::create(self.folder().join(HELD))?;
        match held.try_lock() {
            Ok(()) => Ok(Some(held)),
            // Another process on the same folder.
            Err(fs::TryLockError::WouldBlock) => Ok(None),
            Err(fs::TryLockError::Error(error)) => Err(error),
        }
    }

    fn is_strewn(&self) -> io::Result<bool> {
        let objects = self.folder().join("objects");
        let loose = count(&objects.join(LOOKED_AT), |_| true)? * FOLDERS;
        Ok(loose > LOOSE || count(&objects.join("pack"), |name| name.ends_with(".pack"))? > PACKS)
    }
}

fn count(folder: &Path, counts: impl Fn(&str) -> bool) -> io::Result<usize> {
    let entries = match fs::read_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(0),
        other => other?,
    };
    let mut number = 0;
    for entry in entries {
        number += usize::from(counts(&entry?.file_name().to_string_lossy()));
    }
    Ok(number)
}
