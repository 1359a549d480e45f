//! Files below a folder that somebody else writes in while they are opened: name by name from the folder's own
//! descriptor, links never followed, and nothing opened but files and folders.
//!
//! It knows nothing of who asks. Git's own folder is closed, whatever it is written like.

mod change;
mod list;
mod path;
mod write;

pub use list::{Entry, Kind, Listing};
pub use path::{FilePath, Unfit};
pub use write::{Condition, Writing};

use std::fs::File;
use std::io;
use std::os::fd::{AsFd as _, OwnedFd};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use nix::errno::Errno;
use nix::fcntl::{AtFlags, OFlag, openat};
use nix::sys::stat::{FileStat, Mode, SFlag, fstat, fstatat};

use crate::folders::tree::by_descriptor;

/// Bytes of a file that is read or written as a whole.
pub const LARGEST: u64 = 64 << 20;

/// Why something isn't done with a file.
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    #[error(transparent)]
    Unfit(#[from] Unfit),
    #[error("There is no such file or folder.")]
    Missing,
    #[error("Git's own folder is closed here. Use git, or the terminal.")]
    Git,
    #[error("This is a link, and links aren't followed here. Use the terminal.")]
    Link,
    #[error("This is neither a file nor a folder: it can't be opened here.")]
    Special,
    #[error("This is a folder.")]
    Folder,
    #[error("Something of this name is there already.")]
    Taken,
    #[error("A folder can't be moved into itself.")]
    IntoItself,
    #[error("It was changed since it was opened.")]
    Changed,
    #[error("A file that is opened or saved here has 64 MiB at most. Use the terminal for larger ones.")]
    TooLarge,
    #[error("The folder has more than 200,000 entries. Use the terminal.")]
    TooMany,
    #[error("The disk of the server is full.")]
    DiskFull,
    #[error(transparent)]
    Io(io::Error),
}

impl From<io::Error> for FileError {
    fn from(error: io::Error) -> Self {
        match error.raw_os_error().map(Errno::from_raw) {
            Some(Errno::ENOENT) => Self::Missing,
            // What was to be a folder on the way is a file, or a link.
            Some(Errno::ENOTDIR) => Self::Missing,
            Some(Errno::ELOOP) => Self::Link,
            Some(Errno::EEXIST | Errno::ENOTEMPTY) => Self::Taken,
            Some(Errno::EISDIR) => Self::Folder,
            Some(Errno::ENOSPC | Errno::EDQUOT) => Self::DiskFull,
            Some(Errno::EINVAL) => Self::IntoItself,
            _ => Self::Io(error),
        }
    }
}

impl From<Errno> for FileError {
    fn from(errno: Errno) -> Self {
        io::Error::from(errno).into()
    }
}

/// A file that was opened.
pub struct Opened {
    pub file: File,
    pub size: u64,
    pub tag: String,
}

/// The folder, and whose what is made in it becomes.
pub struct Tree {
    root: OwnedFd,
    /// Where files are saved until they are whole.
    aside: OwnedFd,
    owner: Option<u32>,
}

impl Tree {
    /// `aside` is a folder on the same disk that nobody else writes in.
    ///
    /// # Errors
    /// Where one of them can't be opened.
    pub fn open(folder: &Path, aside: &Path, owner: Option<u32>) -> Result<Self, FileError> {
        let flags = OFlag::O_PATH | OFlag::O_DIRECTORY | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC;
        let open = |folder| nix::fcntl::open(folder, flags, Mode::empty());
        Ok(Self { root: open(folder)?, aside: open(aside)?, owner })
    }

    /// A folder, by the names that lead to it.
    fn folder(&self, names: &[String]) -> Result<OwnedFd, FileError> {
        let mut folder = self.root.try_clone()?;
        let flags = OFlag::O_PATH | OFlag::O_DIRECTORY | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC;
        for name in names {
            folder = match openat(&folder, name.as_str(), flags, Mode::empty()) {
                Ok(next) => next,
                // With both flags a link is said to be no folder.
                Err(Errno::ENOTDIR) if is_link(&folder, name)? => return Err(FileError::Link),
                Err(errno) => return Err(errno.into()),
            };
        }
        Ok(folder)
    }

    /// Opens a file to be read.
    ///
    /// # Errors
    /// Where it isn't one, or is larger than is read at once.
    pub fn read(&self, path: &FilePath) -> Result<Opened, FileError> {
        refuse_git(path)?;
        let (parents, name) = path.split();
        let parent = self.folder(parents)?;
        // A handle first, which opens nothing: a pipe would wait for its other end, a device may do anything.
        let flags = OFlag::O_PATH | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC;
        let handle = openat(&parent, name, flags, Mode::empty())?;
        let about = fstat(&handle)?;
        refuse_other_than_file(&about)?;
        let size = u64::try_from(about.st_size).unwrap_or(0);
        if size > LARGEST {
            return Err(FileError::TooLarge);
        }
        let file = std::fs::OpenOptions::new()
            .read(true)
            .custom_flags(OFlag::O_NONBLOCK.bits())
            .open(by_descriptor(&handle))?;
        Ok(Opened { file, size, tag: tag(&about) })
    }
}

fn refuse_git(path: &FilePath) -> Result<(), FileError> {
    if path.is_of_git() { Err(FileError::Git) } else { Ok(()) }
}

fn kind(about: &FileStat) -> SFlag {
    SFlag::from_bits_truncate(about.st_mode & SFlag::S_IFMT.bits())
}

fn refuse_other_than_file(about: &FileStat) -> Result<(), FileError> {
    match kind(about) {
        SFlag::S_IFREG => Ok(()),
        SFlag::S_IFDIR => Err(FileError::Folder),
        SFlag::S_IFLNK => Err(FileError::Link),
        _ => Err(FileError::Special),
    }
}

fn is_link(folder: &OwnedFd, name: &str) -> Result<bool, FileError> {
    let about = fstatat(folder.as_fd(), name, AtFlags::AT_SYMLINK_NOFOLLOW)?;
    Ok(kind(&about) == SFlag::S_IFLNK)
}

/// Changes with each change of a file's content.
fn tag(about: &FileStat) -> String {
    format!(
        "{:x}-{:x}-{:x}.{:x}-{:x}.{:x}",
        about.st_ino, about.st_size, about.st_mtime, about.st_mtime_nsec, about.st_ctime, about.st_ctime_nsec
    )
}
