//! Sockets by paths of any length. The kernel takes 107 bytes of path; a folder's descriptor makes any path short.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::fd::{AsRawFd as _, OwnedFd};
use std::os::unix::fs::OpenOptionsExt as _;
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};

use tokio::net::UnixStream;

/// A socket that listens there.
///
/// # Errors
/// Where it can't be made.
pub fn listen(path: &Path) -> io::Result<OwnedFd> {
    let (_folder, short) = short(path)?;
    Ok(UnixListener::bind(short)?.into())
}

/// # Errors
/// Where nobody listens.
pub async fn connect(path: &Path) -> io::Result<UnixStream> {
    let (_folder, short) = short(path)?;
    UnixStream::connect(short).await
}

/// The path holds for as long as the folder is open.
fn short(path: &Path) -> io::Result<(File, PathBuf)> {
    let (Some(parent), Some(name)) = (path.parent(), path.file_name()) else {
        return Err(io::ErrorKind::InvalidInput.into());
    };
    let flags = nix::libc::O_PATH | nix::libc::O_DIRECTORY;
    let folder = OpenOptions::new().read(true).custom_flags(flags).open(parent)?;
    let short = Path::new("/proc/self/fd").join(folder.as_raw_fd().to_string()).join(name);
    Ok((folder, short))
}
