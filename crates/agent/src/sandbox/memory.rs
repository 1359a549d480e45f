//! Memory, where the kernel doesn't limit it for a sandbox as a whole: looked at each second. A single process is held
//! by its own limit besides (`RLIMIT_DATA`), so that it can't take everything between two looks.

use std::collections::{HashMap, HashSet};
use std::fs;
use std::io;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use nix::errno::Errno;
use nix::sys::signal::{Signal, kill};
use nix::unistd::{Pid, SysconfVar, sysconf};

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
    let sizes = sizes_below(sandbox.pid)?;
    if sizes.values().sum::<u64>() <= most {
        return Ok(false);
    }
    let Some((largest, _)) = sizes.iter().max_by_key(|(_, size)| **size) else { return Ok(false) };
    match kill(Pid::from_raw(*largest), Signal::SIGKILL) {
        Ok(()) => Ok(true),
        Err(Errno::ESRCH) => Ok(false),
        Err(errno) => Err(errno.into()),
    }
}

/// The processes below process 1 of a sandbox, by their parents: whoever loses one becomes process 1's own child. With
/// the bytes that each has for itself.
fn sizes_below(first: i32) -> io::Result<HashMap<i32, u64>> {
    let mut children: HashMap<i32, Vec<i32>> = HashMap::new();
    for entry in fs::read_dir("/proc")? {
        let Some(pid) = entry?.file_name().to_str().and_then(|name| name.parse().ok()) else { continue };
        if let Some(parent) = parent(pid) {
            children.entry(parent).or_default().push(pid);
        }
    }
    let page = sysconf(SysconfVar::PAGE_SIZE)?.and_then(|size| u64::try_from(size).ok()).unwrap_or(4096);
    let mut sizes = HashMap::new();
    let mut next = children.remove(&first).unwrap_or_default();
    while let Some(pid) = next.pop() {
        next.extend(children.remove(&pid).unwrap_or_default());
        sizes.insert(pid, own_pages(pid).unwrap_or(0) * page);
    }
    Ok(sizes)
}

/// Field 4 of `/proc/<pid>/stat`, behind the name.
fn parent(pid: i32) -> Option<i32> {
    let text = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    text.rsplit_once(')')?.1.split_whitespace().nth(1)?.parse().ok()
}

/// Resident pages less those shared with files: fields 2 and 3 of `/proc/<pid>/statm`.
fn own_pages(pid: i32) -> Option<u64> {
    let text = fs::read_to_string(format!("/proc/{pid}/statm")).ok()?;
    let mut fields = text.split_whitespace().skip(1).map_while(|field| field.parse::<u64>().ok());
    Some(fields.next()?.saturating_sub(fields.next()?))
}
