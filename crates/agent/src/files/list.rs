//! What is in a folder, in pages: also in one with very many entries.

use std::os::fd::AsFd as _;

use nix::dir::{Dir, Type};
use nix::fcntl::{AtFlags, OFlag, openat, readlinkat};
use nix::sys::stat::{Mode, SFlag, fstatat};

use super::path::is_git;
use super::{FileError, FilePath, Tree, kind, refuse_git, tag};

/// Entries of a folder that is listed, and of one page.
const MOST: usize = 200_000;
const PAGE: usize = 1000;

/// What an entry is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    Folder,
    File,
    Link,
    /// A pipe, a socket, a device: nothing that is opened here.
    Special,
}

/// One entry of a folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    pub name: String,
    pub kind: Kind,
    /// Bytes, of a file.
    pub size: u64,
    /// Microseconds of UTC.
    pub changed_at: i64,
    /// By which it is known whether a file was changed.
    pub tag: String,
    /// Where a link leads, as it is written.
    pub leads_to: Option<String>,
}

/// A page of a folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listing {
    pub entries: Vec<Entry>,
    /// Where the next page begins.
    pub next: Option<String>,
    /// Entries whose names aren't text, or hold control characters: they aren't shown.
    pub unreadable: usize,
}

impl Tree {
    /// Folders first, by name. `after` is a former page's `next`; `None` for the path is the folder itself.
    ///
    /// # Errors
    /// Where it isn't a folder, or has too many entries.
    pub fn list(
        &self,
        path: Option<&FilePath>,
        after: Option<&str>,
        limit: Option<usize>,
    ) -> Result<Listing, FileError> {
        let names = path.map(FilePath::names).unwrap_or_default();
        if let Some(path) = path {
            refuse_git(path)?;
        }
        let folder = self.folder(names)?;
        let flags = OFlag::O_RDONLY | OFlag::O_DIRECTORY | OFlag::O_CLOEXEC;
        let mut dir = Dir::from_fd(openat(&folder, ".", flags, Mode::empty())?)?;
        let (mut keys, mut unreadable) = (Vec::new(), 0);
        for entry in dir.iter() {
            let entry = entry?;
            let Ok(name) = entry.file_name().to_str() else {
                unreadable += 1;
                continue;
            };
            if matches!(name, "." | "..") || is_git(name) {
                continue;
            }
            if name.chars().any(char::is_control) {
                unreadable += 1;
                continue;
            }
            // Some file systems don't tell the kind here.
            let is_folder = match entry.file_type() {
                Some(kind) => kind == Type::Directory,
                None => fstatat(folder.as_fd(), name, AtFlags::AT_SYMLINK_NOFOLLOW)
                    .is_ok_and(|about| kind(&about) == SFlag::S_IFDIR),
            };
            // Folders stand before everything else.
            keys.push(format!("{}{name}", if is_folder { 'd' } else { 'f' }));
            if keys.len() > MOST {
                return Err(FileError::TooMany);
            }
        }
        keys.sort_unstable();
        let begin = after.map_or(0, |after| keys.partition_point(|key| key.as_str() <= after));
        let limit = limit.unwrap_or(PAGE).clamp(1, PAGE);
        let page = keys.get(begin..).unwrap_or_default();
        let is_last = page.len() <= limit;
        let page = page.get(..limit.min(page.len())).unwrap_or_default();
        let next = if is_last { None } else { page.last().cloned() };
        // What vanished meanwhile isn't there.
        let entries = page.iter().filter_map(|key| entry_of(&folder, key.get(1..)?)).collect();
        Ok(Listing { entries, next, unreadable })
    }
}

fn entry_of(folder: &std::os::fd::OwnedFd, name: &str) -> Option<Entry> {
    let about = fstatat(folder.as_fd(), name, AtFlags::AT_SYMLINK_NOFOLLOW).ok()?;
    let kind = match kind(&about) {
        SFlag::S_IFREG => Kind::File,
        SFlag::S_IFDIR => Kind::Folder,
        SFlag::S_IFLNK => Kind::Link,
        _ => Kind::Special,
    };
    let leads_to = (kind == Kind::Link)
        .then(|| readlinkat(folder.as_fd(), name).ok())
        .flatten()
        .map(|target| target.to_string_lossy().chars().filter(|letter| !letter.is_control()).collect());
    Some(Entry {
        name: name.to_owned(),
        kind,
        size: u64::try_from(about.st_size).unwrap_or(0),
        changed_at: about.st_mtime.saturating_mul(1_000_000).saturating_add(about.st_mtime_nsec / 1000),
        tag: tag(&about),
        leads_to,
    })
}
