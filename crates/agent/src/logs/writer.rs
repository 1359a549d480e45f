//! Writing a log. The init has the folder as a descriptor and no path to it, so all goes by that descriptor.

use std::fs::File;
use std::io::{self, Write as _};
use std::os::fd::{AsFd as _, OwnedFd};
use std::path::Path;

use nix::dir::Dir;
use nix::fcntl::{OFlag, openat};
use nix::sys::stat::Mode;
use nix::unistd::{UnlinkatFlags, unlinkat};

use super::LONGEST;
use super::segments::{FULL, KEPT, Segment};

/// The end of one log.
pub struct Writer {
    folder: OwnedFd,
    segment: File,
    number: u64,
    size: u64,
}

impl Writer {
    /// Goes on where the log ends.
    ///
    /// # Errors
    /// Where the folder can't be read or written.
    pub fn new(folder: OwnedFd) -> io::Result<Self> {
        let newest = numbers(&folder)?.into_iter().max().unwrap_or(1);
        let (segment, size) = open(&folder, newest)?;
        Ok(Self { folder, segment, number: newest, size })
    }

    /// # Errors
    /// Where the folder can't be opened or written.
    pub fn at(folder: &Path) -> io::Result<Self> {
        Self::new(File::open(folder)?.into())
    }

    /// Writes a line; of a text with line ends, one for each. `at` is microseconds of UTC.
    ///
    /// # Errors
    /// Where the disk takes nothing more.
    pub fn line(&mut self, at: i64, stream: &str, text: &[u8]) -> io::Result<()> {
        let mut line = Vec::with_capacity(text.len().min(LONGEST) + 48);
        for text in text.split(|byte| *byte == b'\n') {
            let (kept, rest) = text.split_at(text.len().min(LONGEST));
            // Invalid UTF-8 stays visible as such: the bytes themselves are of no use in a line of text.
            let kept = String::from_utf8_lossy(kept.strip_suffix(b"\r").unwrap_or(kept));
            line.clear();
            writeln!(line, "{at} {stream} {kept}{}", if rest.is_empty() { "" } else { " …[cut]" })?;
            self.segment.write_all(&line)?;
            self.size += u64::try_from(line.len()).unwrap_or(u64::MAX);
        }
        if self.size >= FULL { self.next_segment() } else { Ok(()) }
    }

    fn next_segment(&mut self) -> io::Result<()> {
        self.number += 1;
        (self.segment, self.size) = open(&self.folder, self.number)?;
        let mut numbers = numbers(&self.folder)?;
        numbers.sort_unstable();
        numbers.dedup();
        let beyond = numbers.len().saturating_sub(KEPT);
        for number in numbers.into_iter().take(beyond) {
            for is_compressed in [false, true] {
                let name = Segment::name(number, is_compressed);
                match unlinkat(&self.folder, name.as_str(), UnlinkatFlags::NoRemoveDir) {
                    Ok(()) | Err(nix::errno::Errno::ENOENT) => {}
                    Err(errno) => return Err(errno.into()),
                }
            }
        }
        Ok(())
    }
}

fn numbers(folder: &OwnedFd) -> io::Result<Vec<u64>> {
    // A directory stream takes its descriptor with it, and shares its place with a copy: so one of its own.
    let own = openat(folder.as_fd(), ".", OFlag::O_RDONLY | OFlag::O_DIRECTORY | OFlag::O_CLOEXEC, Mode::empty())?;
    let mut numbers = Vec::new();
    for entry in Dir::from_fd(own)? {
        let name = entry?.file_name().to_string_lossy().into_owned();
        numbers.extend(Segment::parse(name.as_ref()).map(|segment| segment.number));
    }
    Ok(numbers)
}

fn open(folder: &OwnedFd, number: u64) -> io::Result<(File, u64)> {
    let name = Segment::name(number, false);
    let flags = OFlag::O_WRONLY | OFlag::O_CREAT | OFlag::O_APPEND | OFlag::O_CLOEXEC | OFlag::O_NOFOLLOW;
    let file = File::from(openat(folder.as_fd(), name.as_str(), flags, Mode::from_bits_truncate(0o640))?);
    let size = file.metadata()?.len();
    Ok((file, size))
}
