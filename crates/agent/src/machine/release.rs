//! Releases on disk: what an application is, and what it was made of.

use std::io;
use std::os::unix::fs::{PermissionsExt as _, chown, lchown};
use std::path::{Path, PathBuf};

use nix::fcntl::AtFlags;
use nix::sys::stat::{FchmodatFlags, Mode, fchmodat};
use nix::unistd::{Gid, Uid, fchownat};
use serde::{Deserialize, Serialize};
use stoa_domain::{InstanceId, ReleaseId};

use crate::folders::tree::{self, Entry};
use crate::folders::{self, Folders};
use crate::stoa_toml::Application;

/// Releases that are kept besides the one that runs.
const KEPT: usize = 5;

/// What stands beside a release.
#[derive(Clone, Serialize, Deserialize)]
pub(super) struct Made {
    pub application: Application,
    pub commit: String,
    pub size: u64,
    /// Microseconds of UTC.
    pub at: i64,
    /// No build ran in it: its files are those of the commit, and nobody could write in them.
    #[serde(default)]
    pub is_untouched: bool,
}

fn about(folders: &Folders, instance: InstanceId, release: ReleaseId) -> PathBuf {
    folders.releases(instance).join(format!("{release}.json"))
}

/// What a release is; `None` where it isn't whole.
pub(super) fn load(folders: &Folders, instance: InstanceId, release: ReleaseId) -> io::Result<Option<Made>> {
    match std::fs::read(about(folders, instance, release)) {
        Ok(bytes) => Ok(Some(serde_json::from_slice(&bytes)?)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// From here on it is whole.
pub(super) fn save(
    folders: &Folders,
    instance: InstanceId,
    release: ReleaseId,
    made: &Made,
) -> io::Result<()> {
    folders::write_whole(&about(folders, instance, release), &serde_json::to_vec(made)?)
}

pub(super) fn remove(folders: &Folders, instance: InstanceId, release: ReleaseId) -> io::Result<()> {
    folders::remove_file(&about(folders, instance, release))?;
    folders::remove(&folders.release(instance, release))
}

/// Removes what is beyond the number that is kept, and what never became whole.
pub(super) fn settle(folders: &Folders, instance: InstanceId, current: ReleaseId) -> io::Result<()> {
    let mut whole = Vec::new();
    for entry in std::fs::read_dir(folders.releases(instance))? {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        let Ok(release) = name.trim_end_matches(".json").parse::<ReleaseId>() else { continue };
        if release == current || !entry.file_type()?.is_dir() {
            continue;
        }
        match load(folders, instance, release)? {
            Some(made) => whole.push((made.at, release)),
            None => remove(folders, instance, release)?,
        }
    }
    whole.sort_unstable_by_key(|(at, _)| std::cmp::Reverse(*at));
    for (_, release) in whole.into_iter().skip(KEPT) {
        remove(folders, instance, release)?;
    }
    Ok(())
}

/// Gives a folder and all in it to a user. Links are given, never followed.
pub(super) fn give(folder: &Path, user: u32) -> io::Result<()> {
    lchown(folder, Some(user), Some(user))?;
    tree::walk(folder, |entry| give_one(entry, user))
}

fn give_one(entry: &Entry<'_>, user: u32) -> io::Result<()> {
    let (user, group) = (Some(Uid::from_raw(user)), Some(Gid::from_raw(user)));
    Ok(fchownat(entry.parent, entry.name, user, group, AtFlags::AT_SYMLINK_NOFOLLOW)?)
}

/// Takes a release back and makes it readable for all and writable for nobody else. Its size in bytes.
///
/// # Errors
/// [`tree::is_too_deep`], or where something can't be closed.
pub(super) fn close(path: &Path, is_root: bool) -> io::Result<u64> {
    if is_root {
        lchown(path, Some(0), Some(0))?;
    }
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o755))?;
    let mut size = 0;
    tree::walk(path, |entry| {
        // Most of it is as it has to be already.
        if is_root && (entry.about.st_uid, entry.about.st_gid) != (0, 0) {
            give_one(entry, 0)?;
        }
        if entry.is_link() {
            return Ok(());
        }
        let wanted = if entry.is_folder() { 0o755 } else { 0o644 | (entry.about.st_mode & 0o111) };
        if entry.about.st_mode & 0o7777 != wanted {
            // What is no link was looked at a moment ago, and what could have exchanged it has ended.
            let wanted = Mode::from_bits_truncate(wanted);
            fchmodat(entry.parent, entry.name, wanted, FchmodatFlags::FollowSymlink)?;
        }
        if !entry.is_folder() {
            size += entry.bytes();
        }
        Ok(())
    })?;
    Ok(size)
}

/// Makes a folder that belongs to an instance's user.
pub(crate) fn make_own(folder: &Path, user: Option<u32>) -> io::Result<()> {
    folders::make_private(folder)?;
    if let Some(user) = user {
        chown(folder, Some(user), Some(user))?;
    }
    Ok(())
}
