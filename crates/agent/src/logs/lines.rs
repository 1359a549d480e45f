//! The lines of one segment.

use std::fs::File;
use std::io::{self, BufRead as _, BufReader, Read, Seek as _, SeekFrom};
use std::path::Path;

use super::segments::Segment;
use super::{LONGEST, Line};

/// Longer than any line that the writer makes, with each byte of it written as four: what is damaged is skipped, not
/// held.
const MOST: usize = LONGEST * 4 + 1024;

pub(super) struct Lines {
    reader: BufReader<Box<dyn Read + Send>>,
    number: u64,
    /// Where the next line begins.
    offset: u64,
}

impl Lines {
    /// Those from an offset on.
    pub fn open(segment: &Segment, folder: &Path, offset: u64) -> io::Result<Self> {
        let reader: Box<dyn Read + Send> = if segment.is_compressed {
            unpacked(segment, folder, offset)?
        } else {
            match File::open(segment.path(folder)) {
                Ok(mut file) => {
                    file.seek(SeekFrom::Start(offset))?;
                    Box::new(file)
                }
                // It was compressed between the listing and now.
                Err(error) if error.kind() == io::ErrorKind::NotFound => {
                    unpacked(&Segment { number: segment.number, is_compressed: true }, folder, offset)?
                }
                Err(error) => return Err(error),
            }
        };
        Ok(Self { reader: BufReader::new(reader), number: segment.number, offset })
    }

    pub fn number(&self) -> u64 {
        self.number
    }

    pub fn offset(&self) -> u64 {
        self.offset
    }

    /// The next line; None at the end, and before a line that is still being written.
    pub fn next(&mut self) -> io::Result<Option<Line>> {
        loop {
            let at = self.offset;
            let Some(bytes) = self.next_bytes()? else { return Ok(None) };
            if let Some(line) = parse(&bytes, self.number, at) {
                return Ok(Some(line));
            }
        }
    }

    /// Goes past one line, whatever is in it.
    pub fn skip(&mut self) -> io::Result<()> {
        self.next_bytes().map(drop)
    }

    fn next_bytes(&mut self) -> io::Result<Option<Vec<u8>>> {
        let mut bytes = Vec::new();
        let most = u64::try_from(MOST).unwrap_or(u64::MAX);
        let length = self.reader.by_ref().take(most).read_until(b'\n', &mut bytes)?;
        if bytes.last() != Some(&b'\n') && length < MOST {
            return Ok(None);
        }
        self.offset += u64::try_from(length).unwrap_or(0);
        Ok(Some(bytes))
    }
}

fn unpacked(segment: &Segment, folder: &Path, offset: u64) -> io::Result<Box<dyn Read + Send>> {
    let file = File::open(segment.path(folder))?;
    let mut reader = zstd::Decoder::new(BufReader::new(file))?;
    io::copy(&mut reader.by_ref().take(offset), &mut io::sink())?;
    Ok(Box::new(reader))
}

fn parse(bytes: &[u8], number: u64, at: u64) -> Option<Line> {
    let text = std::str::from_utf8(bytes).ok()?.strip_suffix('\n')?;
    let (time, rest) = text.split_once(' ')?;
    let (stream, text) = rest.split_once(' ')?;
    Some(Line {
        position: format!("{number}-{at}"),
        at: time.parse().ok()?,
        stream: stream.to_owned(),
        text: text.to_owned(),
    })
}
