//! Saving a file: aside, then by a rename, so that nobody ever sees half of one, git in the folder neither.

use std::fs::File;
use std::io;
use std::os::fd::{AsFd as _, OwnedFd};

use nix::errno::Errno;
use nix::fcntl::{AtFlags, OFlag, RenameFlags, openat, renameat, renameat2};
use nix::sys::stat::{FileStat, Mode, fchmod, fstat, fstatat, mkdirat};
use nix::unistd::{Gid, Uid, UnlinkatFlags, fchown, unlinkat};

use super::{FileError, FilePath, Tree, refuse_git, refuse_other_than_file, tag};

/// What has to be so for a file to be saved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Condition {
    Anyhow,
    /// It has this tag still.
    Tag(String),
    /// Nothing is there.
    New,
}

/// A file that is being saved. Dropped before it is finished, it leaves nothing.
pub struct Writing {
    pub file: File,
    folder: OwnedFd,
    aside: OwnedFd,
    half: String,
    name: String,
    condition: Condition,
    owner: Option<u32>,
    is_finished: bool,
}

impl Tree {
    /// Begins to save a file. Folders on the way that aren't there are made.
    ///
    /// # Errors
    /// Where the condition doesn't hold, or something else than a file is there.
    pub fn write(&self, path: &FilePath, condition: Condition) -> Result<Writing, FileError> {
        refuse_git(path)?;
        let (parents, name) = path.split();
        let folder = self.made_folder(parents)?;
        check(&folder, name, &condition)?;
        let half = uuid::Uuid::now_v7().simple().to_string();
        let flags = OFlag::O_WRONLY | OFlag::O_CREAT | OFlag::O_EXCL | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC;
        let file = openat(&self.aside, half.as_str(), flags, Mode::from_bits_truncate(0o600))?;
        Ok(Writing {
            file: file.into(),
            folder,
            aside: self.aside.try_clone()?,
            half,
            name: name.to_owned(),
            condition,
            owner: self.owner,
            is_finished: false,
        })
    }

    /// A folder, made with all that lead to it where they aren't there.
    pub(super) fn made_folder(&self, names: &[String]) -> Result<OwnedFd, FileError> {
        for count in 1..=names.len() {
            let (made, parents) = (names.get(count - 1), names.get(..count - 1).unwrap_or_default());
            let Some(name) = made else { continue };
            let parent = self.folder(parents)?;
            match mkdirat(&parent, name.as_str(), Mode::from_bits_truncate(0o755)) {
                Ok(()) => {
                    let flags = OFlag::O_RDONLY | OFlag::O_DIRECTORY | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC;
                    let folder = openat(&parent, name.as_str(), flags, Mode::empty())?;
                    give(&folder, self.owner)?;
                }
                Err(Errno::EEXIST) => {}
                Err(errno) => return Err(errno.into()),
            }
        }
        self.folder(names)
    }
}

/// What is there, if anything is.
fn there(folder: &OwnedFd, name: &str) -> Result<Option<FileStat>, FileError> {
    match fstatat(folder.as_fd(), name, AtFlags::AT_SYMLINK_NOFOLLOW) {
        Ok(about) => Ok(Some(about)),
        Err(Errno::ENOENT) => Ok(None),
        Err(errno) => Err(errno.into()),
    }
}

fn check(folder: &OwnedFd, name: &str, condition: &Condition) -> Result<Option<FileStat>, FileError> {
    let found = there(folder, name)?;
    if let Some(about) = &found {
        refuse_other_than_file(about)?;
    }
    match (condition, &found) {
        (Condition::New, Some(_)) => Err(FileError::Taken),
        (Condition::Tag(wanted), Some(about)) if tag(about) != *wanted => Err(FileError::Changed),
        (Condition::Tag(_), None) => Err(FileError::Changed),
        _ => Ok(found),
    }
}

fn give(descriptor: &impl std::os::fd::AsFd, owner: Option<u32>) -> Result<(), FileError> {
    if let Some(owner) = owner {
        fchown(descriptor, Some(Uid::from_raw(owner)), Some(Gid::from_raw(owner)))?;
    }
    Ok(())
}

impl Writing {
    /// Puts it in its place. The file's new tag.
    ///
    /// # Errors
    /// Where the condition doesn't hold any more.
    pub fn finish(mut self) -> Result<String, FileError> {
        let before = check(&self.folder, &self.name, &self.condition)?;
        let mode = before.map_or(0o644, |about| about.st_mode & 0o777);
        fchmod(self.file.as_fd(), Mode::from_bits_truncate(mode))?;
        give(&self.file, self.owner)?;
        self.file.sync_data()?;
        let (half, name) = (self.half.as_str(), self.name.as_str());
        if self.condition == Condition::New {
            let flags = RenameFlags::RENAME_NOREPLACE;
            renameat2(&self.aside, half, &self.folder, name, flags)?;
        } else {
            renameat(&self.aside, half, &self.folder, name)?;
        }
        self.is_finished = true;
        Ok(tag(&fstat(self.file.as_fd())?))
    }
}

impl Drop for Writing {
    fn drop(&mut self) {
        if self.is_finished {
            return;
        }
        if let Err(errno) = unlinkat(&self.aside, self.half.as_str(), UnlinkatFlags::NoRemoveDir) {
            tracing::debug!(error = %io::Error::from(errno), "what was left of a file that wasn't saved can't be removed");
        }
    }
}
