//! Places for what isn't whole yet: beside where it will lie, and gone if nothing becomes of it.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use nix::errno::Errno;
use nix::fcntl::{AT_FDCWD, Flock, FlockArg, RenameFlags, renameat2};
use stoa_agent::folders;

use crate::failure::Ended;
use crate::settings::Settings;

/// Below the data directory and the folder of repositories while a restore isn't over.
const RESTORING: &str = ".restore";

/// A folder that goes when it is dropped. What a killed process left of it goes when the next one wants it.
pub struct Unfinished {
    folder: PathBuf,
    _held: Flock<File>,
}

impl Unfinished {
    /// # Errors
    /// Where it can't be made, or another process has it.
    pub fn take(folder: PathBuf) -> Result<Self, Ended> {
        let unmade = |error| super::written(&folder.display().to_string(), error);
        folders::make_private(&folder).map_err(unmade)?;
        let file = File::create(folder.join("held")).map_err(unmade)?;
        let held = Flock::lock(file, FlockArg::LockExclusiveNonblock)
            .map_err(|(_, _)| Ended::said(format!("another process is at work in {}", folder.display())))?;
        for entry in fs::read_dir(&folder).map_err(unmade)? {
            let entry = entry.map_err(unmade)?;
            if entry.file_name() != "held" {
                remove(&entry.path()).map_err(unmade)?;
            }
        }
        Ok(Self { folder, _held: held })
    }

    pub fn file(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }
}

impl Drop for Unfinished {
    fn drop(&mut self) {
        if let Err(error) = folders::remove(&self.folder) {
            crate::output::complain(&format!("{} can't be removed: {error}", self.folder.display()));
        }
    }
}

fn remove(path: &Path) -> io::Result<()> {
    if fs::symlink_metadata(path)?.is_dir() { folders::remove(path) } else { folders::remove_file(path) }
}

/// Gives a whole file its name, unless something has it already.
pub fn name_it(file: &Path, name: &Path) -> io::Result<()> {
    match renameat2(AT_FDCWD, file, AT_FDCWD, name, RenameFlags::RENAME_NOREPLACE) {
        Ok(()) => {}
        // A file system that can't promise it.
        Err(Errno::EINVAL | Errno::ENOSYS) if !name.exists() => fs::rename(file, name)?,
        Err(Errno::EINVAL | Errno::ENOSYS | Errno::EEXIST) => return Err(io::ErrorKind::AlreadyExists.into()),
        Err(errno) => return Err(errno.into()),
    }
    sync_folder_of(name)
}

/// The name is on the disk too.
pub fn sync_folder_of(name: &Path) -> io::Result<()> {
    match name.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        Some(folder) => File::open(folder)?.sync_all(),
        None => File::open(".")?.sync_all(),
    }
}

/// Where a restore unpacks.
pub fn restoring(folder: &Path) -> PathBuf {
    folder.join(RESTORING)
}

/// Refuses to go on with what a restore that was cut off has left.
///
/// # Errors
/// Then.
pub fn refuse_half_restored(settings: &Settings) -> Result<(), Ended> {
    if restoring(&settings.data_dir).exists() {
        return Err(Ended::said(format!(
            "{} holds a restore that was cut off. Run stoa restore again, with the same file: it begins anew",
            settings.data_dir.display()
        )));
    }
    Ok(())
}

/// Whether a restore may begin: nothing is there but what an operator puts there before, and what an earlier restore that
/// was cut off has left.
///
/// # Errors
/// What is there.
pub fn refuse_unless_empty(settings: &Settings) -> Result<(), Ended> {
    let is_again = restoring(&settings.data_dir).exists();
    let key = settings.master_key_file.file_name().map(ToOwned::to_owned);
    for folder in [&settings.data_dir, &settings.repositories_dir] {
        let entries = match fs::read_dir(folder) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            other => other.map_err(|error| Ended::because(&folder.display().to_string(), error))?,
        };
        for entry in entries {
            let name =
                entry.map_err(|error| Ended::because(&folder.display().to_string(), error))?.file_name();
            let is_own = key.as_ref() == Some(&name)
                || ["stoa.lock", "server.toml", "lost+found", ".replicas", RESTORING]
                    .iter()
                    .any(|own| name == *own);
            let is_left = is_again
                && (name == "stoa.sqlite"
                    || name == "repositories"
                    || name.to_string_lossy().ends_with(".git"));
            let is_empty_folder = folder.join(&name) == settings.repositories_dir;
            if !(is_own || is_left || is_empty_folder) {
                return Err(Ended::said(format!(
                    "{} isn't empty: it holds {}. A backup is restored into an empty folder only, besides the master key; nothing was changed",
                    folder.display(),
                    name.to_string_lossy()
                )));
            }
        }
    }
    Ok(())
}

/// Removes what a restore that was cut off has put in place already.
pub fn remove_half_restored(settings: &Settings) -> io::Result<()> {
    if !restoring(&settings.data_dir).exists() {
        return Ok(());
    }
    folders::remove_file(&settings.data_dir.join("stoa.sqlite"))?;
    for entry in fs::read_dir(&settings.repositories_dir).into_iter().flatten() {
        let entry = entry?;
        if entry.file_name().to_string_lossy().ends_with(".git") {
            folders::remove(&entry.path())?;
        }
    }
    Ok(())
}
