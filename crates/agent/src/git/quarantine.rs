//! Where what a fetch brings lies until it is known to be whole: a repository of its own inside the mirror, which sees the
//! mirror's objects and adds none to them. Whatever came by whichever way is measured there, and goes with it.

use std::collections::HashSet;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::carry::{MOST_SAID, Transfer, TransferError, size_of};
use super::transport::{ASIDE, MOST_NAMES};
use super::{GitError, Repository, checked, run, run_bounded};
use crate::folders;

/// How often, and after how long, it is tried to remove it: processes that were killed write for a moment yet.
const TRIES: u32 = 20;
const PAUSE: Duration = Duration::from_millis(100);

/// What a pack consists of, in the order in which it may be seen: without an index nobody opens it.
const PARTS: [&str; 3] = ["pack", "rev", "idx"];

pub(super) struct Quarantine {
    /// It begins with `tmp_`: what a kill leaves of it, the next start tidies.
    folder: PathBuf,
    is_removed: bool,
}

impl Drop for Quarantine {
    fn drop(&mut self) {
        if !self.is_removed {
            let folder = self.folder.clone();
            // Nobody waits for it, so that a thread may.
            std::thread::spawn(move || remove(&folder));
        }
    }
}

fn remove(folder: &Path) {
    for _ in 1..TRIES {
        if folders::remove(folder).is_ok() {
            return;
        }
        std::thread::sleep(PAUSE);
    }
    if let Err(error) = folders::remove(folder) {
        tracing::warn!(folder = %folder.display(), %error, "what a fetch left stays until it is tidied");
    }
}

impl Quarantine {
    pub(super) async fn make(mirror: &Repository) -> Result<Self, GitError> {
        let objects = fs::canonicalize(mirror.folder().join("objects"))?;
        let folder = objects.join(format!("tmp_fetch-{}", uuid::Uuid::now_v7().simple()));
        folders::make_private(&folder)?;
        let made = Self { folder, is_removed: false };
        let repository = made.repository();
        repository.create("main").await?;
        let mut line = objects.into_os_string().into_encoded_bytes();
        line.push(b'\n');
        fs::create_dir_all(repository.folder().join("objects/info"))?;
        fs::write(repository.folder().join("objects/info/alternates"), line)?;
        Ok(made)
    }

    pub(super) fn repository(&self) -> Repository {
        Repository::at(self.folder.join("fetch.git"))
    }

    /// Where what comes is to be measured.
    pub(super) fn objects(&self) -> PathBuf {
        self.folder.join("fetch.git/objects")
    }

    pub(super) async fn remove(mut self) -> io::Result<()> {
        let folder = self.folder.clone();
        tokio::task::spawn_blocking(move || remove(&folder)).await.map_err(io::Error::other)?;
        self.is_removed = true;
        Ok(())
    }

    /// Takes what came over into the mirror: objects first, then what names them, aside.
    pub(super) async fn settle(&self, mirror: &Repository, limits: Transfer) -> Result<(), TransferError> {
        if size_of(&self.objects()) > limits.size {
            return Err(TransferError::TooLarge);
        }
        if fs::exists(self.repository().folder().join("shallow"))? {
            return Err(TransferError::Damaged("It hasn't got all of its history itself."));
        }
        // What git's protocol brings is one pack, whose every object was checked. Loose ones weren't.
        for entry in fs::read_dir(self.objects())? {
            let name = entry?.file_name();
            if name != "pack" && name != "info" {
                return Err(TransferError::Damaged("It came in pieces that weren't checked."));
            }
        }
        let names = self.names().await?;
        self.move_packs(mirror)?;
        let before = mirror.names_below(&[ASIDE]).await?;
        let kept: HashSet<&str> = names.iter().map(|(name, _)| name.as_str()).collect();
        let gone = before.iter().filter(|(name, _)| !kept.contains(name.as_str()));
        let gone: String = gone.map(|(name, _)| format!("delete {name}\0\0")).collect();
        let named: String =
            names.iter().map(|(name, object)| format!("update {name}\0{object}\0\0")).collect();
        // What goes makes room first: `a` may have become `a/b`.
        for orders in [gone, named] {
            if !orders.is_empty() {
                let mut command = mirror.command();
                command.args(["update-ref", "-z", "--stdin"]);
                checked(run(command, Some(orders.as_bytes())).await?, "update-ref")?;
            }
        }
        Ok(())
    }

    async fn names(&self) -> Result<Vec<(String, String)>, TransferError> {
        let mut command = self.repository().command();
        command.args(["for-each-ref", "--format=%(refname)%09%(objectname)", ASIDE]);
        let found = run_bounded(command, MOST_SAID).await?;
        if found.is_cut {
            return Err(TransferError::TooLarge);
        }
        let out = checked(found.output, "for-each-ref")?;
        let names = super::transport::pairs(&out);
        if names.len() > MOST_NAMES { Err(TransferError::TooLarge) } else { Ok(names) }
    }

    fn move_packs(&self, mirror: &Repository) -> io::Result<()> {
        let from = self.objects().join("pack");
        let into = mirror.folder().join("objects/pack");
        fs::create_dir_all(&into)?;
        let mut found = Vec::new();
        for entry in fs::read_dir(&from)? {
            let path = entry?.path();
            let part = path.extension().and_then(|ending| PARTS.iter().position(|part| ending == *part));
            if let (Some(part), Some(name)) = (part, path.file_name()) {
                found.push((part, into.join(name), path.clone()));
            }
        }
        found.sort();
        for (_, to, path) in found {
            fs::rename(path, to)?;
        }
        fs::File::open(into)?.sync_all()
    }
}
