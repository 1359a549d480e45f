//! The lines of one segment, read in pieces: no segment is ever held whole.

use std::io::{self, BufReader, Read, Seek as _, SeekFrom};
use std::ops::Range;
use std::path::Path;

use memchr::{memchr, memrchr};

use super::look::{Needle, first_hidden};
use super::segments::{Segment, open};
use super::{LONGEST, MARK};

/// Longer than any line that the writer makes, with each byte of it written as four: what is damaged is skipped, not
/// held.
const MOST: usize = LONGEST * 4 + 1024;

/// Bytes that are read at once.
const PIECE: usize = 64 * 1024;

/// Bytes before a line that are kept in sight: what goes on with an earlier line has that line's level.
const BEHIND: usize = 8 * 1024;

/// A line as it is on disk, without having been looked into.
#[derive(Clone, Copy)]
pub(super) struct Raw<'l> {
    pub number: u64,
    pub offset: u64,
    pub at: i64,
    pub stream: &'l [u8],
    /// The sandbox that wrote it, where one did.
    pub sandbox: &'l [u8],
    pub text: &'l [u8],
    /// Some of what stands before it.
    pub before: &'l [u8],
}

pub(super) struct Lines {
    reader: Box<dyn Read + Send>,
    buffer: Vec<u8>,
    /// What is read and not yet taken.
    begin: usize,
    end: usize,
    number: u64,
    /// Where the next line begins.
    offset: u64,
    pub is_compressed: bool,
    /// Up to which offset the sought text was looked for, and where it is before that: so that of a line that may hide it
    /// nothing behind it is looked through again.
    sought_to: u64,
    next_hit: Option<u64>,
    /// Bytes that were looked through for it.
    #[cfg(test)]
    pub looked_through: usize,
}

impl Lines {
    /// Those from an offset on.
    pub fn open(segment: &Segment, folder: &Path, offset: u64) -> io::Result<Self> {
        // A bit earlier, so that it is known what the first one goes on with.
        let from = offset.saturating_sub(u64::try_from(BEHIND).unwrap_or(0));
        let mut is_compressed = segment.is_compressed;
        let reader: Box<dyn Read + Send> = if segment.is_compressed {
            unpacked(segment, folder, from)?
        } else {
            match open(&segment.path(folder)) {
                Ok(mut file) => {
                    file.seek(SeekFrom::Start(from))?;
                    Box::new(file)
                }
                // It was compressed between the listing and now.
                Err(error) if error.kind() == io::ErrorKind::NotFound => {
                    is_compressed = true;
                    unpacked(&Segment { number: segment.number, is_compressed }, folder, from)?
                }
                Err(error) => return Err(error),
            }
        };
        let number = segment.number;
        let mut lines = Self {
            reader,
            buffer: Vec::new(),
            begin: 0,
            end: 0,
            number,
            offset: from,
            is_compressed,
            sought_to: 0,
            next_hit: None,
            #[cfg(test)]
            looked_through: 0,
        };
        while lines.offset < offset {
            let left = usize::try_from(offset - lines.offset).unwrap_or(usize::MAX);
            let here = left.min(lines.end - lines.begin);
            if here == 0 && !lines.fill()? {
                break;
            }
            lines.advance(here);
        }
        lines.offset = offset;
        Ok(lines)
    }

    pub fn number(&self) -> u64 {
        self.number
    }

    pub fn offset(&self) -> u64 {
        self.offset
    }

    /// The next line; None at the end, and before a line that is still being written.
    pub fn next(&mut self) -> io::Result<Option<Raw<'_>>> {
        loop {
            let offset = self.offset;
            let Some(range) = self.next_range()? else { return Ok(None) };
            if let Some((at, source, text)) = parse(&self.buffer[range.clone()]) {
                let shifted = |part: Range<usize>| range.start + part.start..range.start + part.end;
                let (stream, sandbox) = parted(&self.buffer[shifted(source)]);
                return Ok(Some(Raw {
                    number: self.number,
                    offset,
                    at,
                    stream,
                    sandbox,
                    text: &self.buffer[shifted(text)],
                    before: &self.buffer[range.start.saturating_sub(BEHIND)..range.start],
                }));
            }
        }
    }

    /// The next line in which the text may be: as it is written, or hidden. Those before it aren't looked at one by one. It
    /// is always the same text.
    pub fn next_where(&mut self, needle: &Needle) -> io::Result<Option<Raw<'_>>> {
        loop {
            let held = &self.buffer[self.begin..self.end];
            let Some(whole) = memrchr(b'\n', held).map(|at| at + 1) else {
                if held.len() >= MOST {
                    self.advance(MOST);
                } else if !self.fill()? {
                    return Ok(None);
                }
                continue;
            };
            let hit = self.first_hit(needle, whole);
            let held = &self.buffer[self.begin..self.end];
            let Some(hit) = first_hidden(&held[..hit.unwrap_or(whole)]).or(hit) else {
                self.advance(whole);
                continue;
            };
            let begin = memrchr(b'\n', &held[..hit]).map_or(0, |at| at + 1);
            self.advance(begin);
            return self.next();
        }
    }

    /// Where the text is first in so many bytes from here on, which end with a line.
    fn first_hit(&mut self, needle: &Needle, whole: usize) -> Option<usize> {
        let within = |offset: u64| usize::try_from(offset.checked_sub(self.offset)?).ok();
        let known = self.next_hit.and_then(within);
        if known.is_some() {
            return known;
        }
        // A text doesn't go on in the next line.
        let from = within(self.sought_to).unwrap_or(0);
        if from >= whole {
            return None;
        }
        let found = needle.first_in(&self.buffer[self.begin + from..self.begin + whole]);
        let found = found.map(|at| from + at);
        #[cfg(test)]
        {
            self.looked_through += found.unwrap_or(whole) - from;
        }
        let offset = |at: usize| self.offset + u64::try_from(at).unwrap_or(0);
        (self.next_hit, self.sought_to) = (found.map(offset), offset(found.unwrap_or(whole)));
        found
    }

    /// Goes past one line, whatever is in it.
    pub fn skip(&mut self) -> io::Result<()> {
        self.next_range().map(drop)
    }

    fn next_range(&mut self) -> io::Result<Option<Range<usize>>> {
        let mut seen = 0;
        loop {
            let held = &self.buffer[self.begin..self.end];
            let found = memchr(b'\n', &held[seen..]).map(|at| seen + at + 1);
            let length = match found {
                Some(length) => length,
                None if held.len() >= MOST => MOST,
                None => {
                    seen = held.len();
                    if !self.fill()? {
                        return Ok(None);
                    }
                    continue;
                }
            };
            let begin = self.begin;
            self.advance(length);
            return Ok(Some(begin..begin + length));
        }
    }

    /// Keeps what isn't taken yet and what that may go on with, and no room for more.
    pub fn rest(&mut self) {
        let gone = self.begin.saturating_sub(BEHIND);
        self.buffer.copy_within(gone..self.end, 0);
        self.begin -= gone;
        self.end -= gone;
        self.buffer.truncate(self.end);
        self.buffer.shrink_to_fit();
    }

    fn advance(&mut self, bytes: usize) {
        self.begin += bytes;
        self.offset += u64::try_from(bytes).unwrap_or(0);
    }

    /// Reads on. Whether anything came.
    fn fill(&mut self) -> io::Result<bool> {
        let gone = self.begin.saturating_sub(BEHIND);
        if self.end + PIECE > self.buffer.len() && gone > 0 {
            self.buffer.copy_within(gone..self.end, 0);
            self.begin -= gone;
            self.end -= gone;
        }
        if self.buffer.len() < self.end + PIECE {
            self.buffer.resize(self.end + PIECE, 0);
        }
        let count = self.reader.read(&mut self.buffer[self.end..])?;
        self.end += count;
        Ok(count > 0)
    }
}

fn unpacked(segment: &Segment, folder: &Path, offset: u64) -> io::Result<Box<dyn Read + Send>> {
    let file = open(&segment.path(folder))?;
    let mut reader = zstd::Decoder::new(BufReader::new(file))?;
    io::copy(&mut reader.by_ref().take(offset), &mut io::sink())?;
    Ok(Box::new(reader))
}

/// A stream's name, and the sandbox that it is of.
pub(super) fn parted(source: &[u8]) -> (&[u8], &[u8]) {
    memrchr(MARK, source).map_or((source, &[]), |at| (&source[..at], &source[at + 1..]))
}

/// `<microseconds> <source> <text>`: the time, and where the others stand.
fn parse(line: &[u8]) -> Option<(i64, Range<usize>, Range<usize>)> {
    let line = line.strip_suffix(b"\n")?;
    let time = memchr(b' ', &line[..line.len().min(24)])?;
    let rest = &line[time + 1..];
    let source = time + 1 + memchr(b' ', &rest[..rest.len().min(128)])?;
    let at = std::str::from_utf8(&line[..time]).ok()?.parse().ok()?;
    Some((at, time + 1..source, source + 1..line.len()))
}
