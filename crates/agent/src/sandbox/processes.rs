//! The processes of the machine by their parents, at one look: what each sandbox's take together.

use std::collections::HashMap;
use std::fs;
use std::io;

use nix::unistd::{SysconfVar, sysconf};

/// One look at all of them.
pub(crate) struct Processes {
    children: HashMap<i32, Vec<i32>>,
    ticks: HashMap<i32, u64>,
}

/// What the processes of a sandbox use together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Used {
    /// Thousandths of a second of one processor, since its first process began. What ended meanwhile counts for who
    /// waited for it.
    pub processor: u64,
    /// Bytes that they have for themselves, but for process 1, which is Stoa's.
    pub memory: u64,
}

/// How far processes have come together. Both numbers grow while they do anything.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Moved {
    /// Hundredths of a second of one processor.
    pub ticks: u64,
    /// Read and written.
    pub bytes: u64,
}

/// A line of `/proc/<pid>/stat` (proc(5)), as far as it is read here.
#[derive(Debug, PartialEq, Eq)]
struct Line {
    parent: i32,
    /// Of the processor: its own, and of those that it has waited for.
    ticks: u64,
}

impl Line {
    /// Fields 4 and 14 to 17, behind the name, which may hold anything.
    fn read(text: &str) -> Option<Self> {
        let fields: Vec<_> = text.rsplit_once(')')?.1.split_whitespace().collect();
        let parent = fields.get(1)?.parse().ok()?;
        let ticks = fields.get(11..15)?.iter().map(|field| field.parse::<u64>().unwrap_or(0)).sum();
        Some(Self { parent, ticks })
    }
}

impl Processes {
    /// # Errors
    /// Where `/proc` can't be read.
    pub fn read() -> io::Result<Self> {
        let (mut children, mut ticks) = (HashMap::<i32, Vec<i32>>::new(), HashMap::new());
        for entry in fs::read_dir("/proc")? {
            let Some(pid) = entry?.file_name().to_str().and_then(|name| name.parse().ok()) else { continue };
            // One may have ended since the folder was read.
            let text = fs::read_to_string(format!("/proc/{pid}/stat")).ok();
            if let Some(line) = text.and_then(|text| Line::read(&text)) {
                children.entry(line.parent).or_default().push(pid);
                ticks.insert(pid, line.ticks);
            }
        }
        Ok(Self { children, ticks })
    }

    /// The processes below process 1 of a sandbox, by their parents: whoever loses one becomes process 1's own child.
    fn below(&self, first: i32) -> Vec<i32> {
        let mut found = self.children.get(&first).cloned().unwrap_or_default();
        let mut at = 0;
        while let Some(pid) = found.get(at) {
            found.extend(self.children.get(pid).into_iter().flatten());
            at += 1;
        }
        found
    }

    /// The same, with the bytes that each has for itself.
    ///
    /// # Errors
    /// Where the machine doesn't say how large its pages are.
    pub fn sizes_below(&self, first: i32) -> io::Result<Vec<(i32, u64)>> {
        let page = sysconf(SysconfVar::PAGE_SIZE)?.and_then(|size| u64::try_from(size).ok()).unwrap_or(4096);
        Ok(self.below(first).into_iter().map(|pid| (pid, own_pages(pid).unwrap_or(0) * page)).collect())
    }

    /// How far a process and all below it have come; `None` where it isn't there.
    pub fn moved_by(&self, first: i32) -> Option<Moved> {
        self.ticks.get(&first)?;
        let all = || std::iter::once(first).chain(self.below(first));
        Some(Moved {
            ticks: all().filter_map(|pid| self.ticks.get(&pid)).sum(),
            bytes: all().filter_map(read_and_written).sum(),
        })
    }

    /// What process 1 of a sandbox and all below it use; `None` where it isn't there.
    ///
    /// # Errors
    /// Where the machine doesn't say what its numbers mean.
    pub fn used_by(&self, first: i32) -> io::Result<Option<Used>> {
        let Some(own) = self.ticks.get(&first) else { return Ok(None) };
        let sizes = self.sizes_below(first)?;
        let ticks = sizes.iter().filter_map(|(pid, _)| self.ticks.get(pid)).sum::<u64>() + own;
        let second = sysconf(SysconfVar::CLK_TCK)?.and_then(|ticks| u64::try_from(ticks).ok()).unwrap_or(100);
        let memory = sizes.iter().map(|(_, size)| size).sum();
        Ok(Some(Used { processor: ticks.saturating_mul(1000) / second.max(1), memory }))
    }
}

/// The first two lines of `/proc/<pid>/io`: by whatever call, to whatever it is.
fn read_and_written(pid: i32) -> Option<u64> {
    let text = fs::read_to_string(format!("/proc/{pid}/io")).ok()?;
    let numbers = text.lines().take(2).filter_map(|line| line.split_once(": ")?.1.parse::<u64>().ok());
    Some(numbers.sum())
}

/// Resident pages less those shared with files: fields 2 and 3 of `/proc/<pid>/statm`.
fn own_pages(pid: i32) -> Option<u64> {
    let text = fs::read_to_string(format!("/proc/{pid}/statm")).ok()?;
    let mut fields = text.split_whitespace().skip(1).map_while(|field| field.parse::<u64>().ok());
    Some(fields.next()?.saturating_sub(fields.next()?))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_read_behind_the_name_whatever_stands_in_it() {
        let text = "12 (a) b (c)) S 7 12 12 0 -1 4194560 1 2 3 4 5 6 70 800 20 0 1 0 99 1 1";
        assert_eq!(Line::read(text), Some(Line { parent: 7, ticks: 5 + 6 + 70 + 800 }));
        assert_eq!(Line::read("12 (a) S 7"), None);
    }

    #[test]
    fn what_runs_below_a_process_is_found_with_what_it_uses() {
        let own = i32::try_from(std::process::id()).unwrap();
        let mut child =
            std::process::Command::new("cat").stdin(std::process::Stdio::piped()).spawn().unwrap();
        let first = i32::try_from(child.id()).unwrap();
        let mut number = 1_u64;
        let used = loop {
            for _ in 0..100_000 {
                number = std::hint::black_box(number.wrapping_mul(31));
            }
            let seen = Processes::read().unwrap();
            assert!(seen.below(own).contains(&first));
            match seen.used_by(own).unwrap() {
                Some(used) if used.processor > 0 && used.memory > 0 => break used,
                _ => {}
            }
        };
        assert!(used.memory < 1 << 30, "its own isn't counted, that of those below it is: {used:?}");
        drop(child.stdin.take());
        child.wait().unwrap();
        assert_eq!(Processes::read().unwrap().used_by(first).unwrap(), None);
    }
}
