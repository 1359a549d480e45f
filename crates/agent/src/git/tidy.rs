//! What git leaves in a repository where it is cut off: half packs, quarantine, an index, locks that nobody holds.

use std::fs;
use std::io;
use std::path::Path;
use std::time::{Duration, SystemTime};

use super::Repository;
use crate::folders;

/// Git holds a branch while it moves it, which it does when all else is done.
const HELD: Duration = Duration::from_secs(300);

impl Repository {
    /// Removes what was left before a moment: by processes that are gone, if they all are that were there then.
    ///
    /// # Errors
    /// Where something can't be read or removed. A repository that isn't there is no error.
    pub fn tidy(&self, before: SystemTime) -> io::Result<()> {
        tidy(self.folder(), Place::Top, before)
    }

    /// Removes the locks of names, and of the files beside them, that a git left which was killed: none holds one for as
    /// long. Until then nobody else can move the branch.
    ///
    /// # Errors
    /// As [`Self::tidy`].
    pub fn free_locks(&self) -> io::Result<()> {
        // The files' own times are compared with it.
        #[allow(clippy::disallowed_methods)]
        free_locks(self.folder(), Place::Top, SystemTime::now() - HELD)
    }
}

/// Where in a repository a folder lies. Below `refs` and `logs` a file is called as a branch is, and a branch may be called
/// as a half pack or an index are: there only what no branch's name ends with is git's own.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    Top,
    Objects,
    Else,
}

/// Removes, in a folder of repositories, what was left of one that was being made.
///
/// # Errors
/// Where something can't be read or removed.
pub fn tidy_unmade(folder: &Path, before: SystemTime) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        if entry.file_name().to_string_lossy().ends_with(".new") && is_before(&entry, before) {
            folders::remove(&entry.path())?;
        }
    }
    Ok(())
}

fn tidy(folder: &Path, place: Place, before: SystemTime) -> io::Result<()> {
    for entry in entries(folder)? {
        let is_folder = entry.file_type()?.is_dir();
        let name = entry.file_name();
        let name = name.to_string_lossy();
        if is_half(place, &name) {
            if is_before(&entry, before) {
                if is_folder { folders::remove(&entry.path())? } else { folders::remove_file(&entry.path())? }
            }
        } else if is_folder {
            let below = match place {
                Place::Top if name == "objects" => Place::Objects,
                Place::Top => Place::Else,
                same => same,
            };
            tidy(&entry.path(), below, before)?;
        }
    }
    Ok(())
}

fn free_locks(folder: &Path, place: Place, before: SystemTime) -> io::Result<()> {
    for entry in entries(folder)? {
        let name = entry.file_name();
        let is_folder = entry.file_type()?.is_dir();
        if is_folder && (place != Place::Top || name == "refs") {
            free_locks(&entry.path(), Place::Else, before)?;
        } else if !is_folder && is_half(Place::Else, &name.to_string_lossy()) && is_before(&entry, before) {
            tracing::warn!(lock = %entry.path().display(), "a git that was killed had left it: it is free again");
            folders::remove_file(&entry.path())?;
        }
    }
    Ok(())
}

/// What lies in a folder, which may be gone.
fn entries(folder: &Path) -> io::Result<Vec<fs::DirEntry>> {
    match fs::read_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
        other => other?.collect(),
    }
}

/// Names that git gives to what isn't whole yet, and that this module's own index has. No part of a branch's name ends with
/// `.lock` (git-check-ref-format(1)), so that this goes anywhere; the others go where no branch lies.
fn is_half(place: Place, name: &str) -> bool {
    name.ends_with(".lock")
        || match place {
            Place::Objects => name.starts_with("tmp_") || name.starts_with(".tmp-"),
            Place::Top => name.starts_with("index-"),
            Place::Else => false,
        }
}

/// Whether nothing of it was written since: a folder is as young as the youngest in it. A pack that comes slowly is written
/// to again and again, and its quarantine, whose own time stands still, is older than any moment by the time it is whole.
/// One that has vanished meanwhile was somebody's.
fn is_before(entry: &fs::DirEntry, before: SystemTime) -> bool {
    let Ok(about) = entry.metadata() else { return false };
    if !about.modified().is_ok_and(|modified| modified < before) {
        return false;
    }
    if !about.is_dir() {
        return true;
    }
    let Ok(entries) = fs::read_dir(entry.path()) else { return false };
    entries.into_iter().all(|entry| entry.is_ok_and(|entry| is_before(&entry, before)))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn what_is_still_written_to_stays_however_long_ago_it_was_begun() {
        let place = tempfile::tempdir().unwrap();
        let repository = place.path().join("shop.git");
        let incoming = repository.join("objects/tmp_objdir-incoming-z");
        let pack = incoming.join("pack/tmp_pack_x");
        let unmade = place.path().join("other.1.new");
        let made = unmade.join("objects/pack/tmp_pack_y");
        for file in [&pack, &made] {
            fs::create_dir_all(file.parent().unwrap()).unwrap();
            fs::write(file, "x").unwrap();
        }
        let now = fs::metadata(&pack).unwrap().modified().unwrap();
        let ago = |hours: u64| now - Duration::from_secs(hours * 3600);
        let set = |path: &Path, hours: u64| fs::File::open(path).unwrap().set_modified(ago(hours)).unwrap();
        let old = [
            &incoming,
            &incoming.join("pack"),
            &unmade,
            &unmade.join("objects"),
            &unmade.join("objects/pack"),
        ];
        for folder in old {
            set(folder, 48);
        }
        let tidied = || {
            Repository::at(repository.clone()).tidy(ago(24)).unwrap();
            tidy_unmade(place.path(), ago(24)).unwrap();
        };
        tidied();
        assert!(pack.exists() && made.exists(), "somebody writes to them");
        set(&pack, 48);
        set(&made, 48);
        tidied();
        assert!(!incoming.exists() && !unmade.exists(), "nobody does any more");
    }

    #[test]
    fn what_was_left_goes_and_what_is_being_made_stays() {
        let place = tempfile::tempdir().unwrap();
        let repository = place.path().join("shop.git");
        let left = [
            "objects/pack/tmp_pack_x",
            "objects/pack/.tmp-7-pack-1.idx",
            "objects/ab/tmp_obj_y",
            "refs/heads/main.lock",
            "index-1",
        ];
        let kept = [
            "objects/pack/pack-1.pack",
            "refs/heads/main",
            "refs/heads/index-page",
            "refs/heads/objects/tmp_y",
            "refs/heads/tmp_z/main",
            "refs/tags/tmp_x",
            "logs/refs/heads/index-page",
            "HEAD",
        ];
        for file in left.iter().chain(&kept) {
            let file = repository.join(file);
            fs::create_dir_all(file.parent().unwrap()).unwrap();
            fs::write(file, "x").unwrap();
        }
        let quarantine = repository.join("objects/tmp_objdir-incoming-z");
        fs::create_dir_all(quarantine.join("pack")).unwrap();
        let unmade = place.path().join("other.1.new");
        fs::create_dir(&unmade).unwrap();
        let of_repository = Repository::at(repository.clone());
        let modified = fs::metadata(repository.join("HEAD")).unwrap().modified().unwrap();
        let (earlier, later) = (modified - Duration::from_secs(60), modified + Duration::from_secs(60));

        of_repository.tidy(earlier).unwrap();
        tidy_unmade(place.path(), earlier).unwrap();
        assert!(
            left.iter().all(|file| repository.join(file).exists()) && quarantine.exists() && unmade.exists()
        );
        of_repository.tidy(later).unwrap();
        tidy_unmade(place.path(), later).unwrap();
        assert!(
            !left.iter().any(|file| repository.join(file).exists())
                && !quarantine.exists()
                && !unmade.exists()
        );
        assert!(kept.iter().all(|file| repository.join(file).exists()));
        Repository::at(place.path().join("none.git")).tidy(later).unwrap();
    }
    #[test]
    fn the_locks_of_a_killed_git_are_freed_and_nothing_else_goes() {
        let place = tempfile::tempdir().unwrap();
        let repository = place.path().join("shop.git");
        let left = [
            "refs/heads/main.lock",
            "refs/heads/fix/one.lock",
            "refs/tags/v1.lock",
            "packed-refs.lock",
            "HEAD.lock",
        ];
        let kept = ["refs/heads/main", "objects/pack/tmp_pack_x", "index-1", "objects/info/alternates.lock"];
        for file in left.iter().chain(&kept) {
            let file = repository.join(file);
            fs::create_dir_all(file.parent().unwrap()).unwrap();
            fs::write(file, "x").unwrap();
        }
        let of_repository = Repository::at(repository.clone());
        of_repository.free_locks().unwrap();
        assert!(left.iter().all(|file| repository.join(file).exists()), "whoever holds them may live");
        for file in left.iter().chain(&kept) {
            let file = fs::File::open(repository.join(file)).unwrap();
            let modified = file.metadata().unwrap().modified().unwrap();
            file.set_modified(modified - 2 * HELD).unwrap();
        }
        of_repository.free_locks().unwrap();
        assert!(!left.iter().any(|file| repository.join(file).exists()));
        assert!(kept.iter().all(|file| repository.join(file).exists()));
        Repository::at(place.path().join("none.git")).free_locks().unwrap();
    }
}
