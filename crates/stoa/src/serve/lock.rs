//! One process at a time on a data directory: SQLite means exactly one control plane.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::Path;

use nix::fcntl::{Flock, FlockArg};

/// Held for as long as the process serves. The kernel ends it with the process, whatever way that goes.
pub struct DataLock {
    _file: Flock<File>,
}

/// Makes the data directory where there is none, for its owner alone, and takes it.
///
/// # Errors
/// Where it can't be made, or another process has it.
pub fn take(data_dir: &Path) -> io::Result<DataLock> {
    std::fs::DirBuilder::new().recursive(true).mode(0o700).create(data_dir)?;
    let file = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .open(data_dir.join("stoa.lock"))?;
    match Flock::lock(file, FlockArg::LockExclusiveNonblock) {
        Ok(file) => Ok(DataLock { _file: file }),
        Err((_, nix::errno::Errno::EWOULDBLOCK)) => Err(io::Error::new(
            io::ErrorKind::ResourceBusy,
            format!("another process of Stoa already runs on {}", data_dir.display()),
        )),
        Err((_, errno)) => Err(errno.into()),
    }
}
