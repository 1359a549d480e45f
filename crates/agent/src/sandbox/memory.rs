//! Memory, where the kernel doesn't limit it for a sandbox as a whole: looked at each second. A single process is held
//! by its own limit besides (`RLIMIT_DATA`), so that it can't take everything between two looks.

use std::collections::HashSet;
use std::io;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use nix::errno::Errno;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use super::processes::Processes;
use super::{Identity, Limits, Sandboxes};

const LOOK: Duration = Duration::from_secs(1);

/// Names of the sandboxes in which something was killed for want of memory.
pub(super) type Killed = Arc<Mutex<HashSet<String>>>;

impl Sandboxes {
    /// Looks after the memory of a sandbox until it ends, where control groups don't. Started with each sandbox; an agent
    /// that finds one again at its own start calls it.
    pub fn watch_memory(&self, name: &str, sandbox: Identity, limits: &Limits) {
        if self.abilities.groups.limit_memory() {
            return;
        }
        let (name, most, killed) = (name.to_owned(), limits.memory, self.killed.clone());
        tokio::spawn(async move {
            while sandbox.is_alive() {
                let looking = tokio::task::spawn_blocking(move || end_what_has_too_much(sandbox, most));
                match looking.await {
                    Ok(Ok(true)) => _ = lock(&killed).insert(name.clone()),
                    Ok(Ok(false)) => {}
                    Ok(Err(error)) => tracing::warn!(%error, "the memory of a sandbox can't be looked at"),
                    Err(_) => return,
                }
                tokio::time::sleep(LOOK).await;
            }
        });
    }

    /// Whether something in it was killed for want of memory.
    #[must_use]
    pub fn ran_out_of_memory(&self, name: &str) -> bool {
        self.abilities.groups.ran_out_of_memory(name) || lock(&self.killed).contains(name)
    }

    pub(super) fn forget(&self, name: &str) {
        lock(&self.killed).remove(name);
    }
}

fn lock(killed: &Killed) -> std::sync::MutexGuard<'_, HashSet<String>> {
    killed.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Ends the largest process of a sandbox whose processes have more bytes together than it may. Never process 1.
fn end_what_has_too_much(sandbox: Identity, most: u64) -> io::Result<bool> {
    let sizes = Processes::read()?.sizes_below(sandbox.pid)?;
    if sizes.iter().map(|(_, size)| size).sum::<u64>() <= most {
        return Ok(false);
    }
    let Some((largest, _)) = sizes.iter().max_by_key(|(_, size)| *size) else { return Ok(false) };
    match kill(Pid::from_raw(*largest), Signal::SIGKILL) {
        Ok(()) => Ok(true),
        Err(Errno::ESRCH) => Ok(false),
        Err(errno) => Err(errno.into()),
    }
}
