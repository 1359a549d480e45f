//! What a machine says of itself.

use std::fs;
use std::sync::{Mutex, PoisonError};

use crate::folders::{self, Folders};

/// How much there is of what, and how much of it is used.
#[derive(Debug, Clone, Default)]
pub(crate) struct Facts {
    pub processors: u32,
    /// Hundredths of a percent, since the last time that was asked.
    pub processor_hundredths: u16,
    /// Bytes.
    pub memory: u64,
    pub memory_used: u64,
    pub disk: u64,
    pub disk_used: u64,
    pub uptime_seconds: u64,
}

/// The counters of the processors at the last look: busy and all, in ticks.
#[derive(Default)]
pub(super) struct Watch(Mutex<(u64, u64)>);

impl Watch {
    pub fn look(&self, folders: &Folders) -> Facts {
        let (memory, memory_used) = memory();
        let (disk, disk_used) = disk(folders);
        Facts {
            processors: std::thread::available_parallelism()
                .ok()
                .and_then(|count| u32::try_from(count.get()).ok())
                .unwrap_or(1),
            processor_hundredths: self.processor(),
            memory,
            memory_used,
            disk,
            disk_used,
            uptime_seconds: uptime(),
        }
    }

    /// The first line of `/proc/stat` (proc(5)): user, nice, system, idle, iowait, …
    fn processor(&self) -> u16 {
        let text = fs::read_to_string("/proc/stat").unwrap_or_default();
        let line = text.lines().next().unwrap_or_default();
        let ticks: Vec<u64> =
            line.split_whitespace().skip(1).filter_map(|field| field.parse().ok()).collect();
        let all: u64 = ticks.iter().take(8).sum();
        let idle: u64 = ticks.iter().skip(3).take(2).sum();
        let mut last = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (busy_then, all_then) = std::mem::replace(&mut *last, (all - idle, all));
        let (busy, passed) = ((all - idle).saturating_sub(busy_then), all.saturating_sub(all_then));
        let share = (busy * 10_000).checked_div(passed).unwrap_or(0).min(10_000);
        u16::try_from(share).unwrap_or(0)
    }
}

fn memory() -> (u64, u64) {
    let text = fs::read_to_string("/proc/meminfo").unwrap_or_default();
    let field = |name: &str| {
        let line = text.lines().find_map(|line| line.strip_prefix(name)).unwrap_or_default();
        line.split_whitespace().find_map(|word| word.parse::<u64>().ok()).unwrap_or(0) * 1024
    };
    let all = field("MemTotal:");
    (all, all.saturating_sub(field("MemAvailable:")))
}

fn disk(folders: &Folders) -> (u64, u64) {
    match nix::sys::statvfs::statvfs(folders.state()) {
        Ok(found) => {
            // As df(1) counts: what is kept for root alone is neither taken nor to be had.
            let taken = found.blocks().saturating_sub(found.blocks_free());
            let size = found.fragment_size();
            ((taken + found.blocks_available()) * size, taken * size)
        }
        Err(_) => (0, 0),
    }
}

/// Bytes that are left on the disk of the agent's folder.
pub(super) fn free_space(folders: &Folders) -> u64 {
    // A disk that can't be asked counts as full.
    folders::free_space(folders.state()).unwrap_or(0)
}

fn uptime() -> u64 {
    let text = fs::read_to_string("/proc/uptime").unwrap_or_default();
    text.split('.').next().and_then(|seconds| seconds.parse().ok()).unwrap_or(0)
}
