//! Where everything lies on a machine. Every path is made here, from ids and nothing else, so that no name that
//! somebody chose ever becomes part of one.

pub mod links;
pub mod tree;

use std::fs;
use std::io;
use std::os::unix::fs::{DirBuilderExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use stoa_domain::{AccountId, DeploymentId, InstanceId, ProjectId, ReleaseId};

/// Bytes of its disk that an application or a build can't have: with fewer left, whoever fills it is ended.
pub const LEAST_FREE: u64 = 512 << 20;

/// The agent's state folder and what is below it.
#[derive(Debug, Clone)]
pub struct Folders {
    state: PathBuf,
}

impl Folders {
    /// Makes the folders that are always there, for the agent alone.
    ///
    /// # Errors
    /// Where one can't be made.
    pub fn new(state: PathBuf) -> io::Result<Self> {
        make_private(&state)?;
        close(&state)?;
        // Sockets and bind mounts need a path that doesn't depend on where somebody stands.
        let folders = Self { state: fs::canonicalize(state)? };
        for name in [
            "mirrors",
            "cache",
            "releases",
            "current",
            "data",
            "run",
            "logs",
            "access",
            "deployments",
            "instances",
            "operations",
            "desks",
            "backups",
            "copies",
            "restores",
            "archives",
            "metrics",
            "schedules",
            "secrets",
            "databases",
            "postgresql",
        ] {
            let folder = folders.state.join(name);
            make_private(&folder)?;
            close(&folder)?;
        }
        Ok(folders)
    }

    #[must_use]
    pub fn state(&self) -> &Path {
        &self.state
    }

    #[must_use]
    pub fn mirrors(&self) -> PathBuf {
        self.state.join("mirrors")
    }

    #[must_use]
    pub fn mirror(&self, project: ProjectId) -> PathBuf {
        self.mirrors().join(format!("{project}.git"))
    }

    /// Kept between the builds of an instance.
    #[must_use]
    pub fn cache(&self, instance: InstanceId) -> PathBuf {
        self.state.join("cache").join(instance.to_string())
    }

    #[must_use]
    pub fn releases(&self, instance: InstanceId) -> PathBuf {
        self.state.join("releases").join(instance.to_string())
    }

    #[must_use]
    pub fn release(&self, instance: InstanceId, release: ReleaseId) -> PathBuf {
        self.releases(instance).join(release.to_string())
    }

    /// The link whose target's name is the release that runs.
    #[must_use]
    pub fn current(&self, instance: InstanceId) -> PathBuf {
        self.state.join("current").join(instance.to_string())
    }

    /// The only folder of an instance that outlives its releases and that it can write.
    #[must_use]
    pub fn data(&self, instance: InstanceId) -> PathBuf {
        self.state.join("data").join(instance.to_string())
    }

    /// What belongs to the sandboxes of an instance that are there now: sockets, and what identifies them.
    #[must_use]
    pub fn run(&self, instance: InstanceId) -> PathBuf {
        self.state.join("run").join(instance.to_string())
    }

    #[must_use]
    pub fn logs(&self, instance: InstanceId) -> PathBuf {
        self.state.join("logs").join(instance.to_string())
    }

    /// What visitors asked of an instance.
    #[must_use]
    pub fn access_log(&self, instance: InstanceId) -> PathBuf {
        self.state.join("access").join(instance.to_string())
    }

    /// The logs of the deployments of an instance.
    #[must_use]
    pub fn deployments(&self, instance: InstanceId) -> PathBuf {
        self.state.join("deployments").join(instance.to_string())
    }

    #[must_use]
    pub fn deployment_log(&self, instance: InstanceId, deployment: DeploymentId) -> PathBuf {
        self.deployments(instance).join(deployment.to_string())
    }

    /// What the agent was told of an instance.
    #[must_use]
    pub fn form(&self, instance: InstanceId) -> PathBuf {
        self.state.join("instances").join(format!("{instance}.json"))
    }

    /// What became of what is run at its times.
    #[must_use]
    pub fn schedules(&self, instance: InstanceId) -> PathBuf {
        self.state.join("schedules").join(format!("{instance}.json"))
    }

    /// The values that are left out of the logs of an instance, sealed.
    #[must_use]
    pub fn secrets(&self, instance: InstanceId) -> PathBuf {
        self.state.join("secrets").join(instance.to_string())
    }

    /// What opens each instance's PostgreSQL database.
    #[must_use]
    pub fn databases(&self) -> PathBuf {
        self.state.join("databases")
    }

    #[must_use]
    pub fn database(&self, instance: InstanceId) -> PathBuf {
        self.databases().join(format!("{instance}.json"))
    }

    /// The server's PostgreSQL, all of it.
    #[must_use]
    pub fn postgresql(&self) -> PathBuf {
        self.state.join("postgresql")
    }

    #[must_use]
    pub fn forms(&self) -> PathBuf {
        self.state.join("instances")
    }

    #[must_use]
    pub fn operations(&self) -> PathBuf {
        self.state.join("operations")
    }

    /// The repository of an instance's backups, where its place is this disk.
    #[must_use]
    pub fn repository(&self, instance: InstanceId) -> PathBuf {
        self.state.join("backups").join(instance.to_string())
    }

    /// What is made for one backup and goes with its end.
    #[must_use]
    pub fn copy(&self, instance: InstanceId) -> PathBuf {
        self.state.join("copies").join(instance.to_string())
    }

    /// Where what is brought back stands until it is switched to, and then what it replaced.
    #[must_use]
    pub fn restore(&self, instance: InstanceId) -> PathBuf {
        self.state.join("restores").join(instance.to_string())
    }

    /// How far the switch of a restore has come.
    #[must_use]
    pub fn restore_state(&self, instance: InstanceId) -> PathBuf {
        self.state.join("restores").join(format!("{instance}.json"))
    }

    /// Backups as archives, for as long as somebody may want them.
    #[must_use]
    pub fn archives(&self) -> PathBuf {
        self.state.join("archives")
    }

    #[must_use]
    pub fn archive(&self, backup: uuid::Uuid) -> PathBuf {
        self.archives().join(format!("{}.tar.zst", backup.hyphenated()))
    }

    #[must_use]
    pub fn metrics(&self) -> PathBuf {
        self.state.join("metrics")
    }

    /// How much of the machine was used when.
    #[must_use]
    pub fn metrics_of_machine(&self) -> PathBuf {
        self.metrics().join("machine")
    }

    /// How much an instance used when.
    #[must_use]
    pub fn metrics_of(&self, instance: InstanceId) -> PathBuf {
        self.metrics().join(instance.to_string())
    }

    #[must_use]
    pub fn desks(&self) -> PathBuf {
        self.state.join("desks")
    }

    /// The desks of all members on an instance.
    #[must_use]
    pub fn desks_of(&self, instance: InstanceId) -> PathBuf {
        self.desks().join(instance.to_string())
    }

    /// The working copy of one member, and what is known of it.
    #[must_use]
    pub fn desk(&self, instance: InstanceId, account: AccountId) -> PathBuf {
        self.desks_of(instance).join(account.to_string())
    }

    #[must_use]
    pub fn key(&self) -> PathBuf {
        self.state.join("agent.key")
    }
}

/// What an instance sees of these is mounted into its sandbox: no other user has to walk through them.
fn close(folder: &Path) -> io::Result<()> {
    fs::set_permissions(folder, fs::Permissions::from_mode(0o700))
}

/// Makes a folder for its owner alone. One that is there stays as it is.
///
/// # Errors
/// Where it can't be made.
pub fn make_private(folder: &Path) -> io::Result<()> {
    fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)
}

/// Bytes that are left on the disk of a folder.
///
/// # Errors
/// Where it can't be asked.
pub fn free_space(folder: &Path) -> io::Result<u64> {
    let found = nix::sys::statvfs::statvfs(folder)?;
    Ok(found.blocks_available() * found.fragment_size())
}

/// Bytes that a folder takes on its disk, with all in it. Links aren't followed; what vanishes meanwhile isn't counted.
///
/// # Errors
/// [`tree::is_too_deep`], or where it can't be read.
pub fn size(folder: &Path) -> io::Result<u64> {
    let mut bytes = 0;
    let outcome = tree::walk(folder, |entry| {
        bytes += entry.bytes();
        Ok(())
    });
    ignore_missing(outcome).map(|()| bytes)
}

/// Removes a folder and all in it, also what an application left read-only, however deep. Links are removed, never
/// followed.
///
/// # Errors
/// Where something can't be removed. A folder that isn't there is no error.
pub fn remove(folder: &Path) -> io::Result<()> {
    ignore_missing(tree::remove(folder))
}

/// Removes a file.
///
/// # Errors
/// Where it can't be removed. One that isn't there is no error.
pub fn remove_file(file: &Path) -> io::Result<()> {
    ignore_missing(fs::remove_file(file))
}

fn ignore_missing(outcome: io::Result<()>) -> io::Result<()> {
    match outcome {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        other => other,
    }
}

/// Writes a file whole or not at all: beside it, then by a rename.
///
/// # Errors
/// Where it can't be written.
pub fn write_whole(file: &Path, bytes: &[u8]) -> io::Result<()> {
    write_for(0o600, file, bytes)
}

/// The same of a file that everybody may read who comes there.
///
/// # Errors
/// Where it can't be written.
pub fn write_open(file: &Path, bytes: &[u8]) -> io::Result<()> {
    write_for(0o644, file, bytes)
}

fn write_for(mode: u32, file: &Path, bytes: &[u8]) -> io::Result<()> {
    use std::io::Write as _;
    use std::os::unix::fs::OpenOptionsExt as _;
    let beside = file.with_extension("new");
    let mut open =
        fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&beside)?;
    open.set_permissions(fs::Permissions::from_mode(mode))?;
    open.write_all(bytes)?;
    open.sync_all()?;
    fs::rename(&beside, file)?;
    if let Some(folder) = file.parent() {
        fs::File::open(folder)?.sync_all()?;
    }
    Ok(())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn what_an_application_left_behind_is_removed_without_following_links() {
        let place = tempfile::tempdir().unwrap();
        let outside = place.path().join("outside");
        fs::create_dir(&outside).unwrap();
        fs::write(outside.join("kept"), "x").unwrap();
        let folder = place.path().join("data");
        fs::create_dir_all(folder.join("deep/er")).unwrap();
        fs::write(folder.join("deep/er/file"), "x").unwrap();
        std::os::unix::fs::symlink(&outside, folder.join("deep/link")).unwrap();
        fs::set_permissions(folder.join("deep/er"), fs::Permissions::from_mode(0o500)).unwrap();
        remove(&folder).unwrap();
        assert!(!folder.exists());
        assert!(outside.join("kept").exists());
        remove(&folder).unwrap();
    }

    #[test]
    fn nobody_else_walks_through_them() {
        let place = tempfile::tempdir().unwrap();
        let state = place.path().join("agent");
        fs::create_dir_all(state.join("data")).unwrap();
        let folders = Folders::new(state.clone()).unwrap();
        let entries = fs::read_dir(folders.state()).unwrap().map(|entry| entry.unwrap().path());
        for folder in entries.chain([state]) {
            assert_eq!(
                fs::metadata(&folder).unwrap().permissions().mode() & 0o777,
                0o700,
                "{}",
                folder.display()
            );
        }
    }

    #[test]
    fn a_file_is_written_whole() {
        let place = tempfile::tempdir().unwrap();
        let file = place.path().join("form.json");
        write_whole(&file, b"one").unwrap();
        write_whole(&file, b"two").unwrap();
        assert_eq!(fs::read(&file).unwrap(), b"two");
        assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    }
}
