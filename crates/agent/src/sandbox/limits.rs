//! Limits on memory, processor and processes: by control groups where they can be made, of version 2 or 1.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use nix::errno::Errno;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::protocol::{EnforcedBy, EnforcementView};

/// What a sandbox may use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Bytes.
    pub memory: u64,
    pub processes: u64,
    /// Thousandths of one processor; `None`: all that there is.
    pub processor: Option<u64>,
    /// Bytes of `/tmp`, and of `/dev/shm`.
    pub temporary: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self { memory: 1 << 30, processes: 512, processor: None, temporary: 256 << 20 }
    }
}

/// One hierarchy in which groups can be made.
#[derive(Debug, Clone)]
struct Hierarchy {
    folder: PathBuf,
    /// Files to write, with what: `memory` or `processes`.
    memory: Option<&'static str>,
    processes: Option<&'static str>,
    processor: Option<Quota>,
    /// Where the kernel counts what it killed for want of memory.
    events: Option<&'static str>,
}

/// How a share of the processor is told: microseconds in each period.
#[derive(Debug, Clone, Copy)]
enum Quota {
    /// `cpu.max`: both in one line.
    Second,
    /// `cpu.cfs_quota_us`, whose period is what it is.
    First,
}

/// Microseconds.
const PERIOD: u64 = 100_000;

impl Quota {
    fn set(self, folder: &Path, thousandths: u64) -> io::Result<()> {
        let quota = thousandths * PERIOD / 1000;
        match self {
            Self::Second => fs::write(folder.join("cpu.max"), format!("{quota} {PERIOD}")),
            Self::First => {
                fs::write(folder.join("cpu.cfs_period_us"), PERIOD.to_string())?;
                fs::write(folder.join("cpu.cfs_quota_us"), quota.to_string())
            }
        }
    }
}

/// Where groups of ours can be made.
#[derive(Debug, Clone, Default)]
pub struct Groups {
    hierarchies: Vec<Hierarchy>,
}

const OURS: &str = "stoa";

/// How often it is looked whether ended processes are buried, and for how long.
const LOOK: Duration = Duration::from_millis(5);
const ATTEMPTS: u32 = 400;

fn has_quota(ours: &Path) -> bool {
    fs::create_dir_all(ours).is_ok() && ours.join("cpu.cfs_quota_us").exists()
}

/// Apart from the other controllers, which count without it.
fn hands_down_processor(parent: &Path, ours: &Path) -> bool {
    fs::write(parent.join("cgroup.subtree_control"), "+cpu").is_ok()
        && fs::write(ours.join("cgroup.subtree_control"), "+cpu").is_ok()
}

fn end_all(group: &Path) -> io::Result<()> {
    let processes = match fs::read_to_string(group.join("cgroup.procs")) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        other => other?,
    };
    for pid in processes.lines().filter_map(|line| line.parse().ok()).filter(|pid| *pid > 1) {
        match kill(Pid::from_raw(pid), Signal::SIGKILL) {
            Ok(()) | Err(Errno::ESRCH) => {}
            Err(errno) => return Err(errno.into()),
        }
    }
    Ok(())
}

impl Groups {
    /// Tries it: what the kernel says it has isn't always what may be used.
    #[must_use]
    pub(super) fn find() -> Self {
        let own = fs::read_to_string("/proc/self/cgroup").unwrap_or_default();
        let place = |controller: &str| {
            own.lines().find_map(|line| {
                let mut fields = line.splitn(3, ':');
                let (_, controllers, path) = (fields.next()?, fields.next()?, fields.next()?);
                let fits = controllers.split(',').any(|name| name == controller);
                fits.then(|| {
                    PathBuf::from("/sys/fs/cgroup")
                        .join(controller)
                        .join(path.trim_start_matches('/'))
                        .join(OURS)
                })
            })
        };
        let mut hierarchies = Vec::new();
        if let Some(folder) = place("memory") {
            let files = Hierarchy {
                folder,
                memory: Some("memory.limit_in_bytes"),
                processes: None,
                processor: None,
                events: Some("memory.oom_control"),
            };
            hierarchies.push(files);
        }
        if let Some(folder) = place("pids") {
            let processes = Some("pids.max");
            hierarchies.push(Hierarchy { folder, memory: None, processes, processor: None, events: None });
        }
        // Not every kernel that has the controller shares it out.
        if let Some(folder) = place("cpu").filter(|folder| has_quota(folder)) {
            let processor = Some(Quota::First);
            hierarchies.push(Hierarchy { folder, memory: None, processes: None, processor, events: None });
        }
        if let Some(path) = own.lines().find_map(|line| line.strip_prefix("0::/")) {
            let parent = PathBuf::from("/sys/fs/cgroup").join(path);
            let folder = parent.join(OURS);
            // Only where our own group can hand these controllers down.
            if parent.join("cgroup.controllers").exists()
                && fs::create_dir_all(&folder).is_ok()
                && fs::write(parent.join("cgroup.subtree_control"), "+memory +pids").is_ok()
                && fs::write(folder.join("cgroup.subtree_control"), "+memory +pids").is_ok()
            {
                let processor = hands_down_processor(&parent, &folder).then_some(Quota::Second);
                hierarchies.push(Hierarchy {
                    folder,
                    memory: Some("memory.max"),
                    processes: Some("pids.max"),
                    processor,
                    events: Some("memory.events"),
                });
            }
        }
        hierarchies.retain(|hierarchy| {
            let trial = hierarchy.folder.join("trial");
            fs::create_dir_all(&trial).is_ok() && {
                // An empty group can always be removed.
                let _ = fs::remove_dir(&trial);
                true
            }
        });
        Self { hierarchies }
    }

    /// By what limits are enforced, in words.
    #[must_use]
    pub(super) fn words(&self) -> &'static str {
        let has = |file: fn(&Hierarchy) -> Option<&'static str>| {
            self.hierarchies.iter().any(|one| file(one).is_some())
        };
        match (has(|one| one.memory), has(|one| one.processes)) {
            (true, true) => "control groups",
            (true, false) => "control groups for memory, limits of the user for processes",
            _ => "limits of the user, and a look each second",
        }
    }

    /// By what each limit is enforced. Data are counted whatever there is.
    pub(super) fn enforcement(&self) -> EnforcementView {
        let has = |is_there: fn(&Hierarchy) -> bool, else_by: EnforcedBy| {
            if self.hierarchies.iter().any(is_there) { EnforcedBy::ControlGroups } else { else_by }
        };
        EnforcementView {
            memory: has(|one| one.memory.is_some(), EnforcedBy::Watch),
            processor: has(|one| one.processor.is_some(), EnforcedBy::Nothing),
            processes: has(|one| one.processes.is_some(), EnforcedBy::User),
            disk: EnforcedBy::Count,
        }
    }

    /// Ends what is in the groups of a sandbox. `false` where groups can't be made.
    pub(super) fn end(&self, name: &str) -> io::Result<bool> {
        self.hierarchies.iter().try_for_each(|hierarchy| end_all(&hierarchy.folder.join(name)))?;
        Ok(!self.hierarchies.is_empty())
    }

    /// Whether the kernel limits memory.
    pub(super) fn limit_memory(&self) -> bool {
        self.hierarchies.iter().any(|one| one.memory.is_some())
    }

    /// Makes the groups of one sandbox: the files by which a process enters them.
    pub(super) fn make(&self, name: &str, limits: &Limits) -> io::Result<Vec<String>> {
        let mut doors = Vec::new();
        for hierarchy in &self.hierarchies {
            let folder = hierarchy.folder.join(name);
            fs::create_dir_all(&folder)?;
            if let Some(file) = hierarchy.memory {
                fs::write(folder.join(file), limits.memory.to_string())?;
            }
            if let Some(file) = hierarchy.processes {
                fs::write(folder.join(file), limits.processes.to_string())?;
            }
            if let Some((quota, thousandths)) = hierarchy.processor.zip(limits.processor) {
                quota.set(&folder, thousandths)?;
            }
            doors.push(folder.join("cgroup.procs").to_string_lossy().into_owned());
        }
        Ok(doors)
    }

    /// Removes the groups of a sandbox. Whatever process is still in them is nobody's, and is ended.
    pub(super) fn remove(&self, name: &str) -> io::Result<()> {
        for hierarchy in &self.hierarchies {
            let folder = hierarchy.folder.join(name);
            for _ in 0..ATTEMPTS {
                match fs::remove_dir(&folder) {
                    Err(error) if error.raw_os_error() == Some(nix::libc::EBUSY) => {
                        end_all(&folder)?;
                        std::thread::sleep(LOOK);
                    }
                    Err(error) if error.kind() == io::ErrorKind::NotFound => break,
                    other => {
                        other?;
                        break;
                    }
                }
            }
        }
        Ok(())
    }

    pub(super) fn ran_out_of_memory(&self, name: &str) -> bool {
        self.hierarchies.iter().any(|hierarchy| {
            let Some(file) = hierarchy.events else { return false };
            let text = fs::read_to_string(hierarchy.folder.join(name).join(file)).unwrap_or_default();
            text.lines().any(|line| line.strip_prefix("oom_kill ").is_some_and(|count| count.trim() != "0"))
        })
    }
}
