//! One process at a time on a data directory: SQLite means exactly one control plane.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::Path;

use nix::errno::Errno;
use nix::fcntl::{FcntlArg, fcntl};
use nix::libc;

/// Held for as long as the process serves. The kernel ends it with the process, whatever way that goes.
pub struct DataLock {
    _file: File,
}

/// Makes the data directory where there is none, for its owner alone, and takes it. To be called once in a process.
///
/// # Errors
/// Where it can't be made, or another process has it.
pub fn take(data_dir: &Path) -> io::Result<DataLock> {
    std::fs::DirBuilder::new().recursive(true).mode(0o700).create(data_dir).map_err(|error| {
        let why = if data_dir.is_file() { "it is a file".to_owned() } else { error.to_string() };
        io::Error::new(
            error.kind(),
            format!("the data directory {} can't be made: {why}", data_dir.display()),
        )
    })?;
    let file = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .open(data_dir.join("stoa.lock"))?;
    // A process's own lock, not an open file's (fcntl(2), flock(2)): a child that was just begun when this one was
    // killed shares the file for a moment, and must not keep the next start from it.
    let whole = libc::flock {
        l_type: libc::F_WRLCK as libc::c_short,
        l_whence: libc::SEEK_SET as libc::c_short,
        l_start: 0,
        l_len: 0,
        l_pid: 0,
    };
    match fcntl(&file, FcntlArg::F_SETLK(&whole)) {
        Ok(_) => Ok(DataLock { _file: file }),
        Err(Errno::EACCES | Errno::EAGAIN) => Err(io::Error::new(
            io::ErrorKind::ResourceBusy,
            format!("another process of Stoa already runs on {}: stop it first", data_dir.display()),
        )),
        Err(errno) => Err(errno.into()),
    }
}
