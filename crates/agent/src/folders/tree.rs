//! Going through folders that an application wrote, and may be writing: by descriptors, so that no link leads anywhere
//! and no path is too long; without a call within a call, so that no depth is too great.

use std::ffi::{CString, OsStr};
use std::io;
use std::os::fd::{AsFd as _, AsRawFd as _, OwnedFd};
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

use nix::dir::Dir;
use nix::errno::Errno;
use nix::fcntl::{AtFlags, OFlag, OpenHow, RenameFlags, ResolveFlag, openat, openat2, renameat2};
use nix::sys::stat::{FileStat, Mode, SFlag, fchmod, fstatat};
use nix::unistd::{UnlinkatFlags, unlinkat};

/// Folders within folders that are gone through: each takes a descriptor. A path that a program can open as a whole is
/// seldom a tenth of it deep.
pub const DEEPEST: usize = 200;

/// What is said of it.
pub const TOO_DEEP: &str = "folders more than 200 levels deep";

/// Names that are read of a folder at once, and how often one is begun with again that somebody else writes in.
const PORTION: usize = 4096;
const TRIES: usize = 200;

/// Something goes deeper than is gone through.
pub fn too_deep() -> io::Error {
    io::Error::new(io::ErrorKind::QuotaExceeded, TOO_DEEP)
}

#[must_use]
pub fn is_too_deep(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::QuotaExceeded && error.raw_os_error().is_none()
}

pub(super) const FOLDER: OFlag =
    OFlag::O_RDONLY.union(OFlag::O_DIRECTORY).union(OFlag::O_NOFOLLOW).union(OFlag::O_CLOEXEC);

pub(super) fn open(folder: &Path) -> io::Result<OwnedFd> {
    Ok(nix::fcntl::open(folder, FOLDER, Mode::empty())?)
}

/// What is behind a descriptor, as a path that leads there and nowhere else while it is held.
pub fn by_descriptor(descriptor: &OwnedFd) -> PathBuf {
    PathBuf::from(format!("/proc/self/fd/{}", descriptor.as_raw_fd()))
}

/// A folder below another, by a path that may go through links, as long as they don't lead out.
///
/// # Errors
/// `CrossesDevices` where they do, `NotFound`, `NotADirectory`, or another.
pub fn open_below(folder: &Path, path: &Path) -> io::Result<OwnedFd> {
    // What it is called is ours: it may be behind a descriptor.
    let root = nix::fcntl::open(folder, FOLDER.difference(OFlag::O_NOFOLLOW), Mode::empty())?;
    let how = OpenHow::new()
        .flags(OFlag::O_RDONLY | OFlag::O_DIRECTORY | OFlag::O_CLOEXEC)
        .resolve(ResolveFlag::RESOLVE_BENEATH | ResolveFlag::RESOLVE_NO_MAGICLINKS);
    Ok(openat2(&root, path, how)?)
}

/// Up to so many names of what is in a folder. The folder is read from its beginning.
fn names(folder: &OwnedFd, most: usize) -> io::Result<Vec<CString>> {
    let mut dir = Dir::from_fd(openat(folder, ".", FOLDER, Mode::empty())?)?;
    let mut found = Vec::new();
    for entry in dir.iter() {
        let entry = entry?;
        let name = entry.file_name();
        if matches!(name.to_bytes(), b"." | b"..") {
            continue;
        }
        found.push(name.to_owned());
        if found.len() == most {
            break;
        }
    }
    Ok(found)
}

/// One thing in a folder that is gone through. It may have become another meanwhile.
pub struct Entry<'e> {
    pub parent: &'e OwnedFd,
    pub name: &'e OsStr,
    pub about: FileStat,
}

impl Entry<'_> {
    #[must_use]
    pub fn is_folder(&self) -> bool {
        self.about.st_mode & SFlag::S_IFMT.bits() == SFlag::S_IFDIR.bits()
    }

    #[must_use]
    pub fn is_link(&self) -> bool {
        self.about.st_mode & SFlag::S_IFMT.bits() == SFlag::S_IFLNK.bits()
    }

    /// Bytes that it takes on the disk.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        u64::try_from(self.about.st_blocks).unwrap_or(0) * 512
    }
}

/// What isn't there any more, or isn't what it was a moment ago.
fn is_gone(errno: Errno) -> bool {
    matches!(errno, Errno::ENOENT | Errno::ENOTDIR | Errno::ELOOP)
}

/// Shows everything in a folder, each before what is in it. What vanishes meanwhile isn't shown.
///
/// # Errors
/// [`is_too_deep`], where something can't be read, or what `see` gives.
pub fn walk(folder: &Path, mut see: impl FnMut(&Entry<'_>) -> io::Result<()>) -> io::Result<()> {
    let root = open(folder)?;
    let mut left = vec![(names(&root, usize::MAX)?, root)];
    while let Some((waiting, parent)) = left.last_mut() {
        let Some(name) = waiting.pop() else {
            left.pop();
            continue;
        };
        let name = OsStr::from_bytes(name.as_bytes());
        let about = match fstatat(parent.as_fd(), name, AtFlags::AT_SYMLINK_NOFOLLOW) {
            Err(errno) if is_gone(errno) => continue,
            other => other?,
        };
        let entry = Entry { parent, name, about };
        let is_folder = entry.is_folder();
        see(&entry)?;
        if !is_folder {
            continue;
        }
        let inner = match openat(&*parent, name, FOLDER, Mode::empty()) {
            Err(errno) if is_gone(errno) => continue,
            other => other?,
        };
        let inside = names(&inner, usize::MAX)?;
        if left.len() >= DEEPEST && !inside.is_empty() {
            return Err(too_deep());
        }
        left.push((inside, inner));
    }
    Ok(())
}

/// Removes a folder and all in it, also what was left read-only. Links are removed, never followed.
///
/// A folder within one is emptied by moving the folders in it to the top, so that two are open whatever the depth.
///
/// # Errors
/// Where something can't be removed, or somebody else goes on writing there.
pub fn remove(folder: &Path) -> io::Result<()> {
    let root = match open(folder) {
        // Nobody but its owner may read it.
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
            use std::os::unix::fs::PermissionsExt as _;
            if std::fs::symlink_metadata(folder)?.is_symlink() {
                return Err(error);
            }
            std::fs::set_permissions(folder, std::fs::Permissions::from_mode(0o700))?;
            open(folder)?
        }
        other => other?,
    };
    let mut moved = 0_u64;
    for _ in 0..TRIES {
        loop {
            let inside = names(&root, PORTION)?;
            if inside.is_empty() {
                break;
            }
            for name in inside {
                remove_one(&root, OsStr::from_bytes(name.as_bytes()), &mut moved)?;
            }
        }
        match std::fs::remove_dir(folder) {
            Err(error) if error.kind() == io::ErrorKind::DirectoryNotEmpty => {}
            other => return other,
        }
    }
    Err(io::ErrorKind::DirectoryNotEmpty.into())
}

/// Removes one thing at the top. The folders in a folder come to the top.
fn remove_one(root: &OwnedFd, name: &OsStr, moved: &mut u64) -> io::Result<()> {
    if unlink(root, name)? {
        return Ok(());
    }
    let inner = match openat(root, name, FOLDER, Mode::empty()) {
        Err(errno) if is_gone(errno) => return Ok(()),
        Err(Errno::EACCES) => {
            let handle = openat(root, name, FOLDER | OFlag::O_PATH, Mode::empty())?;
            open_up(&handle)?;
            openat(&handle, ".", FOLDER, Mode::empty())?
        }
        other => other?,
    };
    let mut is_open = false;
    for _ in 0..TRIES {
        loop {
            let inside = names(&inner, PORTION)?;
            if inside.is_empty() {
                break;
            }
            for within in inside {
                let within = OsStr::from_bytes(within.as_bytes());
                let mut outcome = unlink_or_move(&inner, within, root, moved);
                if !is_open
                    && matches!(&outcome, Err(error) if error.kind() == io::ErrorKind::PermissionDenied)
                {
                    fchmod(&inner, Mode::S_IRWXU)?;
                    is_open = true;
                    outcome = unlink_or_move(&inner, within, root, moved);
                }
                outcome?;
            }
        }
        match unlinkat(root, name, UnlinkatFlags::RemoveDir) {
            Err(Errno::ENOTEMPTY | Errno::EEXIST) => {}
            Err(errno) if is_gone(errno) => return Ok(()),
            other => return Ok(other?),
        }
    }
    Err(io::ErrorKind::DirectoryNotEmpty.into())
}

fn unlink_or_move(from: &OwnedFd, name: &OsStr, to: &OwnedFd, moved: &mut u64) -> io::Result<()> {
    if unlink(from, name)? || !is_still_there(from, name)? {
        return Ok(());
    }
    loop {
        *moved += 1;
        let free = format!(".removed-{moved}");
        let first = renameat2(from, name, to, free.as_str(), RenameFlags::RENAME_NOREPLACE);
        match first {
            Ok(()) => return Ok(()),
            Err(Errno::EEXIST) => {}
            Err(errno) if is_gone(errno) => return Ok(()),
            // To be moved a folder has to be writable itself: its own entry `..` changes.
            Err(Errno::EACCES) => {
                let handle = openat(from, name, FOLDER | OFlag::O_PATH, Mode::empty())?;
                open_up(&handle)?;
                renameat2(from, name, to, free.as_str(), RenameFlags::RENAME_NOREPLACE)?;
                return Ok(());
            }
            Err(errno) => return Err(errno.into()),
        }
    }
}

/// Removes a folder with nothing in it. Whether it is still there.
fn is_still_there(parent: &OwnedFd, name: &OsStr) -> io::Result<bool> {
    match unlinkat(parent, name, UnlinkatFlags::RemoveDir) {
        Ok(()) => Ok(false),
        Err(Errno::ENOTEMPTY | Errno::EEXIST) => Ok(true),
        Err(errno) if is_gone(errno) => Ok(false),
        Err(errno) => Err(errno.into()),
    }
}

/// Removes what isn't a folder. Whether it is gone.
fn unlink(parent: &OwnedFd, name: &OsStr) -> io::Result<bool> {
    match unlinkat(parent, name, UnlinkatFlags::NoRemoveDir) {
        Ok(()) | Err(Errno::ENOENT) => Ok(true),
        Err(Errno::EISDIR) => Ok(false),
        Err(errno) => Err(errno.into()),
    }
}

/// Lets its owner into a folder that is held by a handle.
fn open_up(handle: &OwnedFd) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt as _;
    std::fs::set_permissions(by_descriptor(handle), std::fs::Permissions::from_mode(0o700))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use nix::sys::stat::mkdirat;

    use super::*;

    #[test]
    fn what_nobody_may_write_in_is_removed_all_the_same() {
        use std::os::unix::fs::PermissionsExt as _;
        let place = tempfile::tempdir().unwrap();
        let folder = place.path().join("closed");
        std::fs::create_dir_all(folder.join("a/b/c")).unwrap();
        std::fs::write(folder.join("a/b/c/file"), "x").unwrap();
        for inner in ["a/b/c", "a/b", "a", "."] {
            std::fs::set_permissions(folder.join(inner), std::fs::Permissions::from_mode(0o000)).unwrap();
        }
        remove(&folder).unwrap();
        assert!(!folder.exists());
    }

    /// Folders within one another, by descriptors: no path leads to the last.
    fn deep(place: &Path, levels: usize, name: &str) {
        std::fs::create_dir(place).unwrap();
        let mut inner = open(place).unwrap();
        for _ in 0..levels {
            mkdirat(&inner, name, Mode::S_IRWXU).unwrap();
            inner = openat(&inner, name, FOLDER, Mode::empty()).unwrap();
        }
    }

    #[test]
    fn no_depth_is_too_great_to_be_removed() {
        let place = tempfile::tempdir().unwrap();
        let folder = place.path().join("deep");
        deep(&folder, 20_000, "a");
        std::fs::write(folder.join("a/file"), "x").unwrap();
        // One that is called like what is moved to the top.
        std::fs::create_dir_all(folder.join(".removed-1/x/y")).unwrap();
        remove(&folder).unwrap();
        assert!(!folder.exists());
    }

    #[test]
    fn what_is_longer_than_a_path_is_gone_through_and_what_is_too_deep_is_said() {
        let place = tempfile::tempdir().unwrap();
        let (long, too) = (place.path().join("long"), place.path().join("too"));
        deep(&long, 50, &"n".repeat(250));
        let mut count = 0;
        walk(&long, |entry| {
            count += usize::from(entry.is_folder());
            Ok(())
        })
        .unwrap();
        assert_eq!(count, 50);
        deep(&too, DEEPEST + 10, "a");
        assert!(is_too_deep(&walk(&too, |_| Ok(())).unwrap_err()));
        for folder in [long, too] {
            remove(&folder).unwrap();
        }
    }

    #[test]
    fn a_path_goes_through_links_within_and_never_out() {
        let place = tempfile::tempdir().unwrap();
        let root = place.path().join("root");
        std::fs::create_dir_all(root.join("one/two")).unwrap();
        let link = |to: &str, name: &str| std::os::unix::fs::symlink(to, root.join(name)).unwrap();
        link("one", "inside");
        link("../..", "above");
        link("/etc", "absolute");
        link("/proc/self/root", "magic");
        for path in [".", "one/two", "inside/two"] {
            assert!(open_below(&root, Path::new(path)).is_ok(), "{path}");
        }
        for path in ["above", "absolute", "magic", "one/../../..", "inside/../../root"] {
            assert!(open_below(&root, Path::new(path)).is_err(), "{path}");
        }
    }
}
