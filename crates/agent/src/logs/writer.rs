//! Writing a log. The init has the folder as a descriptor and no path to it, so all goes by that descriptor.

use std::fs::File;
use std::io::{self, Write as _};
use std::os::fd::{AsFd as _, OwnedFd};
use std::os::unix::fs::FileExt as _;
use std::path::Path;

use nix::dir::Dir;
use nix::fcntl::{OFlag, openat};
use nix::sys::stat::Mode;
use nix::unistd::{UnlinkatFlags, unlinkat};

use std::sync::Arc;

use super::mask::Masks;
use super::segments::{FULL, KEPT, Segment};
use super::{CUT, LONGEST, MARK};

/// The end of one log.
pub struct Writer {
    folder: OwnedFd,
    segment: File,
    number: u64,
    size: u64,
    /// Whether the segment ends in the middle of a line.
    is_torn: bool,
    /// Segments that are kept.
    kept: usize,
    /// What is never written.
    masks: Arc<Masks>,
    /// Behind each stream's name: the sandbox whose lines these are.
    mark: String,
}

impl Writer {
    /// Goes on where the log ends.
    ///
    /// # Errors
    /// Where the folder can't be read or written.
    pub fn new(folder: OwnedFd) -> io::Result<Self> {
        let newest = segments(&folder)?.into_iter().max();
        // One that is compressed is complete.
        let newest = newest.map_or(1, |newest| newest.number + u64::from(newest.is_compressed));
        let (segment, size) = open(&folder, newest)?;
        let is_torn = size > 0 && !ends_a_line(&segment, size)?;
        Ok(Self {
            folder,
            segment,
            number: newest,
            size,
            is_torn,
            kept: KEPT,
            masks: Arc::default(),
            mark: String::new(),
        })
    }

    /// With so many segments kept, one at least.
    #[must_use]
    pub fn keeping(self, kept: usize) -> Self {
        Self { kept: kept.max(1), ..self }
    }

    /// Without these secrets in what is written.
    #[must_use]
    pub fn masking(self, masks: Arc<Masks>) -> Self {
        Self { masks, ..self }
    }

    /// Each line as one of this sandbox, since an instance's sandboxes write to one log: the one that answers, and the one
    /// that is to answer next.
    #[must_use]
    pub fn of_sandbox(self, name: &str) -> Self {
        Self { mark: format!("{}{name}", char::from(MARK)), ..self }
    }

    /// # Errors
    /// Where the folder can't be opened or written.
    pub fn at(folder: &Path) -> io::Result<Self> {
        Self::new(File::open(folder)?.into())
    }

    pub fn mask(&mut self, masks: Arc<Masks>) {
        self.masks = masks;
    }

    /// Writes a line; of a text with line ends, one for each. `at` is microseconds of UTC.
    ///
    /// # Errors
    /// Where the disk takes nothing more.
    pub fn line(&mut self, at: i64, stream: &str, text: &[u8]) -> io::Result<()> {
        let mut line = Vec::with_capacity(text.len().min(LONGEST) + 48);
        for text in text.split(|byte| *byte == b'\n') {
            let text = text.strip_suffix(b"\r").unwrap_or(text);
            let (kept, rest) = text.split_at(text.len().min(LONGEST));
            // The cut may go through a secret.
            let kept = self.masks.mask(kept, !rest.is_empty());
            line.clear();
            if self.is_torn {
                line.push(b'\n');
            }
            write!(line, "{at} {stream}{} ", self.mark)?;
            add_as_text(&mut line, &kept, rest.is_empty())?;
            writeln!(line, "{}", if rest.is_empty() { "" } else { CUT })?;
            // Where the disk took a part of it, the next one begins on a line of its own.
            self.is_torn = true;
            self.segment.write_all(&line)?;
            self.is_torn = false;
            self.size += u64::try_from(line.len()).unwrap_or(u64::MAX);
        }
        if self.size >= FULL { self.next_segment() } else { Ok(()) }
    }

    fn next_segment(&mut self) -> io::Result<()> {
        self.number += 1;
        (self.segment, self.size) = open(&self.folder, self.number)?;
        self.is_torn = false;
        let mut numbers: Vec<u64> = segments(&self.folder)?.iter().map(|segment| segment.number).collect();
        numbers.sort_unstable();
        numbers.dedup();
        let beyond = numbers.len().saturating_sub(self.kept);
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

/// Bytes that aren't UTF-8 are written as `\xff`: kept, and to be seen. A character that the cut went through isn't.
fn add_as_text(line: &mut Vec<u8>, text: &[u8], is_whole: bool) -> io::Result<()> {
    let mut rest = text.len();
    for chunk in text.utf8_chunks() {
        line.extend_from_slice(chunk.valid().as_bytes());
        rest -= chunk.valid().len() + chunk.invalid().len();
        if rest == 0 && !is_whole {
            break;
        }
        for byte in chunk.invalid() {
            write!(line, "\\x{byte:02x}")?;
        }
    }
    Ok(())
}

fn segments(folder: &OwnedFd) -> io::Result<Vec<Segment>> {
    // A directory stream takes its descriptor with it, and shares its place with a copy: so one of its own.
    let own =
        openat(folder.as_fd(), ".", OFlag::O_RDONLY | OFlag::O_DIRECTORY | OFlag::O_CLOEXEC, Mode::empty())?;
    let mut found = Vec::new();
    for entry in Dir::from_fd(own)? {
        let name = entry?.file_name().to_string_lossy().into_owned();
        found.extend(Segment::parse(name.as_ref()));
    }
    Ok(found)
}

fn ends_a_line(segment: &File, size: u64) -> io::Result<bool> {
    let mut last = [0; 1];
    segment.read_exact_at(&mut last, size - 1)?;
    Ok(last == *b"\n")
}

fn open(folder: &OwnedFd, number: u64) -> io::Result<(File, u64)> {
    let name = Segment::name(number, false);
    let flags = OFlag::O_RDWR
        | OFlag::O_CREAT
        | OFlag::O_APPEND
        | OFlag::O_CLOEXEC
        | OFlag::O_NOFOLLOW
        | OFlag::O_NONBLOCK;
    let file = File::from(openat(folder.as_fd(), name.as_str(), flags, Mode::from_bits_truncate(0o640))?);
    let about = file.metadata()?;
    if !about.is_file() {
        return Err(io::Error::new(io::ErrorKind::InvalidData, "a part of the log isn't a file"));
    }
    Ok((file, about.len()))
}
