//! Folders made, things moved and removed.

use std::os::fd::AsFd as _;

use nix::fcntl::{AtFlags, RenameFlags, renameat2};
use nix::sys::stat::{SFlag, fstatat};
use nix::unistd::{UnlinkatFlags, unlinkat};

use super::{FileError, FilePath, Tree, by_descriptor, kind, refuse_git};

impl Tree {
    /// Makes a folder, and those that lead to it.
    ///
    /// # Errors
    /// Where something of the name is there.
    pub fn make_folder(&self, path: &FilePath) -> Result<(), FileError> {
        refuse_git(path)?;
        let (parents, name) = path.split();
        let parent = self.made_folder(parents)?;
        match fstatat(parent.as_fd(), name, AtFlags::AT_SYMLINK_NOFOLLOW) {
            Err(nix::errno::Errno::ENOENT) => self.made_folder(path.names()).map(drop),
            Ok(_) => Err(FileError::Taken),
            Err(errno) => Err(errno.into()),
        }
    }

    /// Gives something another path. What is there already is never replaced.
    ///
    /// # Errors
    /// Where it isn't there, or the other path is taken.
    pub fn rename(&self, from: &FilePath, to: &FilePath) -> Result<(), FileError> {
        refuse_git(from)?;
        refuse_git(to)?;
        if from.holds(to) {
            return Err(FileError::IntoItself);
        }
        let ((old_parents, old), (new_parents, new)) = (from.split(), to.split());
        let old_parent = self.folder(old_parents)?;
        fstatat(old_parent.as_fd(), old, AtFlags::AT_SYMLINK_NOFOLLOW)?;
        let new_parent = self.made_folder(new_parents)?;
        Ok(renameat2(&old_parent, old, &new_parent, new, RenameFlags::RENAME_NOREPLACE)?)
    }

    /// Removes a file, a link, or a folder with all in it. Links are removed, never followed.
    ///
    /// # Errors
    /// Where it isn't there.
    pub fn remove(&self, path: &FilePath) -> Result<(), FileError> {
        refuse_git(path)?;
        let (parents, name) = path.split();
        let parent = self.folder(parents)?;
        let about = fstatat(parent.as_fd(), name, AtFlags::AT_SYMLINK_NOFOLLOW)?;
        if kind(&about) != SFlag::S_IFDIR {
            return Ok(unlinkat(&parent, name, UnlinkatFlags::NoRemoveDir)?);
        }
        // By the parent's descriptor: whoever turns a folder on the way into a link meanwhile changes nothing.
        Ok(crate::folders::remove(&by_descriptor(&parent).join(name))?)
    }
}
