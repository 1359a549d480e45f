//! Which process on the machine a sandbox's process 1 is: its number, and when it began, so that a number that was
//! given to another one meanwhile is never taken for it.

use std::fs;
use std::io;
use std::os::fd::{FromRawFd as _, OwnedFd};
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde::{Deserialize, Serialize};
use tokio::io::unix::AsyncFd;

/// How often it is looked whether a killed process is gone.
const LOOK: Duration = Duration::from_millis(5);

/// A process, for as long as it lives.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Identity {
    pub pid: i32,
    /// Ticks from the machine's start to its own.
    pub began: u64,
}

impl Identity {
    /// # Errors
    /// Where there is no such process.
    pub fn of(pid: i32) -> io::Result<Self> {
        Ok(Self { pid, began: began(pid)? })
    }

    /// Whether it still lives. One that is dead and unburied doesn't.
    #[must_use]
    pub fn is_alive(self) -> bool {
        began(self.pid).is_ok_and(|began| began == self.began)
    }

    /// Ends it and, because it is process 1 of its namespace, all with it.
    ///
    /// # Errors
    /// Where it can't be ended.
    pub async fn end(self) -> io::Result<()> {
        while self.is_alive() {
            match kill(Pid::from_raw(self.pid), Signal::SIGKILL) {
                Ok(()) | Err(nix::errno::Errno::ESRCH) => {}
                Err(errno) => return Err(errno.into()),
            }
            tokio::time::sleep(LOOK).await;
        }
        Ok(())
    }

    /// Until it has ended.
    ///
    /// # Errors
    /// Where it can't be watched.
    pub async fn ended(self) -> io::Result<()> {
        let watched = match pidfd(self.pid) {
            Ok(watched) => watched,
            Err(error) if error.raw_os_error() == Some(nix::libc::ESRCH) => return Ok(()),
            Err(error) => return Err(error),
        };
        // Looked at after it was opened: from here on the number can't become somebody else's unseen.
        if !self.is_alive() {
            return Ok(());
        }
        readable(watched)?.readable().await?.retain_ready();
        Ok(())
    }
}

#[allow(unsafe_code)]
fn readable(watched: OwnedFd) -> io::Result<AsyncFd<OwnedFd>> {
    // SAFETY: the descriptor is owned by what it is put into, and closed by nothing else.
    let watched = unsafe { AsyncFd::register_with_interest(watched, tokio::io::Interest::READABLE) };
    Ok(watched?)
}

#[allow(unsafe_code)]
fn pidfd(pid: i32) -> io::Result<OwnedFd> {
    // SAFETY: a system call with numbers alone.
    let number = unsafe { nix::libc::syscall(nix::libc::SYS_pidfd_open, pid, 0) };
    let number = i32::try_from(number).map_err(io::Error::other)?;
    if number < 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: the kernel has just made it, for us.
    Ok(unsafe { OwnedFd::from_raw_fd(number) })
}

/// Field 22 of `/proc/<pid>/stat` (proc(5)), behind the name, which may hold anything.
fn began(pid: i32) -> io::Result<u64> {
    let text = fs::read_to_string(format!("/proc/{pid}/stat"))?;
    let unreadable = || io::Error::new(io::ErrorKind::InvalidData, "a line of /proc that can't be read");
    let (_, rest) = text.rsplit_once(')').ok_or_else(unreadable)?;
    let mut fields = rest.split_whitespace();
    if matches!(fields.next(), Some("Z" | "X")) {
        return Err(io::ErrorKind::NotFound.into());
    }
    fields.nth(18).and_then(|field| field.parse().ok()).ok_or_else(unreadable)
}
