//! Reading a log, segment by segment, and following it. No file is ever held whole.

use std::collections::VecDeque;
use std::io::{self, BufRead as _, BufReader, Read, Seek as _, SeekFrom};
use std::path::{Path, PathBuf};
use std::time::Duration;

use tokio::sync::mpsc;
use tokio_stream::Stream;
use tokio_stream::wrappers::ReceiverStream;

use super::segments::{Segment, list};
use super::{LONGEST, Line};

/// How often a log that is followed is looked at.
const LOOK: Duration = Duration::from_millis(100);

/// Lines that wait for whoever reads them.
const WAITING: usize = 256;

/// What is asked of a log.
#[derive(Debug, Clone, Default)]
pub struct Query {
    /// Text that a line has to contain, without regard to case.
    pub text: Option<String>,
    /// Microseconds of UTC.
    pub since: Option<i64>,
    pub until: Option<i64>,
    /// The position of a line: those behind it.
    pub after: Option<String>,
    /// The newest of what fits; with `after` or `since` the first of it.
    pub limit: Option<usize>,
    /// Goes on with what comes.
    pub follow: bool,
}

impl Query {
    fn fits(&self, line: &Line, needle: Option<&str>) -> bool {
        self.since.is_none_or(|since| line.at >= since)
            && self.until.is_none_or(|until| line.at <= until)
            && needle.is_none_or(|needle| line.text.to_lowercase().contains(needle))
    }

    fn place(&self) -> Option<Place> {
        let (segment, offset) = self.after.as_deref()?.split_once('-')?;
        Some((segment.parse().ok()?, offset.parse().ok()?))
    }
}

/// The lines that fit. It reads in a thread of its own, only as fast as they are taken, and ends when nobody does.
pub fn read(folder: PathBuf, query: Query) -> impl Stream<Item = io::Result<Line>> + Send {
    let (sender, receiver) = mpsc::channel(WAITING);
    tokio::task::spawn_blocking(move || {
        if let Err(error) = send_all(&folder, &query, &sender) {
            // Nobody takes it any more: then nobody has to be told.
            let _ = sender.blocking_send(Err(error));
        }
    });
    ReceiverStream::new(receiver)
}

type Sender = mpsc::Sender<io::Result<Line>>;

fn send_all(folder: &Path, query: &Query, sender: &Sender) -> io::Result<()> {
    let needle = query.text.as_ref().map(|text| text.to_lowercase());
    let needle = needle.as_deref();
    let limit = query.limit.unwrap_or(usize::MAX);
    let from_start = query.since.is_some() || query.place().is_some();
    // Where the log was read to: a segment, and the offset of its next line.
    let mut end = None;
    if from_start {
        let mut left = limit;
        for segment in list(folder)? {
            let start = match query.place() {
                Some((number, _)) if segment.number < number => continue,
                Some((number, offset)) if segment.number == number => Some(offset),
                _ => None,
            };
            let mut lines = Lines::open(&segment, folder, 0)?;
            while let Some(line) = lines.next()? {
                end = Some((segment.number, lines.offset));
                if start.is_some_and(|start| lines.line_at <= start) || !query.fits(&line, needle) {
                    continue;
                }
                if left == 0 || sender.blocking_send(Ok(line)).is_err() {
                    return Ok(());
                }
                left -= 1;
            }
        }
    } else {
        let (newest, last) = newest_lines(folder, query, needle, limit)?;
        end = last;
        for line in newest {
            if sender.blocking_send(Ok(line)).is_err() {
                return Ok(());
            }
        }
    }
    if query.follow { follow(folder, query, needle, end, sender) } else { Ok(()) }
}

/// A segment, and an offset in it.
type Place = (u64, u64);

/// The newest lines that fit, and where the log ended then. Older segments are read only where newer ones have too few.
fn newest_lines(
    folder: &Path,
    query: &Query,
    needle: Option<&str>,
    limit: usize,
) -> io::Result<(VecDeque<Line>, Option<Place>)> {
    let mut found: VecDeque<Line> = VecDeque::new();
    let mut end = None;
    for segment in list(folder)?.iter().rev() {
        let mut here: VecDeque<Line> = VecDeque::new();
        let room = limit - found.len();
        let mut lines = Lines::open(segment, folder, 0)?;
        while let Some(line) = lines.next()? {
            if query.fits(&line, needle) {
                if here.len() == room {
                    here.pop_front();
                }
                here.push_back(line);
            }
        }
        // The newest segment comes first.
        end = end.or(Some((segment.number, lines.offset)));
        here.append(&mut found);
        found = here;
        if found.len() >= limit {
            break;
        }
    }
    Ok((found, end))
}

/// Sends what is written from `place` on: a segment, and the offset of its next line.
fn follow(
    folder: &Path,
    query: &Query,
    needle: Option<&str>,
    mut place: Option<Place>,
    sender: &Sender,
) -> io::Result<()> {
    loop {
        for segment in list(folder)? {
            let offset = match place {
                Some((number, _)) if segment.number < number => continue,
                Some((number, offset)) if segment.number == number => offset,
                _ => 0,
            };
            let mut lines = Lines::open(&segment, folder, offset)?;
            while let Some(line) = lines.next()? {
                place = Some((segment.number, lines.offset));
                if query.fits(&line, needle) && sender.blocking_send(Ok(line)).is_err() {
                    return Ok(());
                }
            }
        }
        if sender.is_closed() {
            return Ok(());
        }
        std::thread::sleep(LOOK);
    }
}

/// The lines of one segment, from an offset on.
struct Lines {
    reader: BufReader<Box<dyn Read>>,
    number: u64,
    /// Where the next line begins.
    offset: u64,
    /// Where the line begins that was given last.
    line_at: u64,
}

impl Lines {
    fn open(segment: &Segment, folder: &Path, offset: u64) -> io::Result<Self> {
        let reader: Box<dyn Read> = if segment.is_compressed {
            let mut reader = segment.open(folder)?;
            io::copy(&mut reader.by_ref().take(offset), &mut io::sink())?;
            reader
        } else {
            match std::fs::File::open(segment.path(folder)) {
                Ok(mut file) => {
                    file.seek(SeekFrom::Start(offset))?;
                    Box::new(file)
                }
                // It was compressed between the listing and now.
                Err(error) if error.kind() == io::ErrorKind::NotFound => {
                    let packed = Segment { number: segment.number, is_compressed: true };
                    let mut reader = packed.open(folder)?;
                    io::copy(&mut reader.by_ref().take(offset), &mut io::sink())?;
                    reader
                }
                Err(error) => return Err(error),
            }
        };
        Ok(Self { reader: BufReader::new(reader), number: segment.number, offset, line_at: offset })
    }

    fn next(&mut self) -> io::Result<Option<Line>> {
        loop {
            let mut bytes = Vec::new();
            // Longer than any line that the writer makes: what is damaged is skipped, not held.
            let most = u64::try_from(LONGEST * 4).unwrap_or(u64::MAX);
            let length = self.reader.by_ref().take(most).read_until(b'\n', &mut bytes)?;
            if bytes.last() != Some(&b'\n') && length < LONGEST * 4 {
                // The end, or a line that is being written: it is read whole the next time.
                return Ok(None);
            }
            self.line_at = self.offset;
            self.offset += u64::try_from(length).unwrap_or(0);
            if let Some(line) = self.parse(&bytes) {
                return Ok(Some(line));
            }
        }
    }

    fn parse(&self, bytes: &[u8]) -> Option<Line> {
        let text = std::str::from_utf8(bytes).ok()?.strip_suffix('\n')?;
        let (at, rest) = text.split_once(' ')?;
        let (stream, text) = rest.split_once(' ')?;
        Some(Line {
            position: format!("{}-{}", self.number, self.line_at),
            at: at.parse().ok()?,
            stream: stream.to_owned(),
            text: text.to_owned(),
        })
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use tokio_stream::StreamExt as _;

    use super::super::{Writer, compress_full};
    use super::*;

    fn folder_with(lines: usize) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        let mut writer = Writer::at(folder.path()).unwrap();
        for number in 0..lines {
            writer.line(i64::try_from(number).unwrap(), "stdout", format!("line {number}").as_bytes()).unwrap();
        }
        folder
    }

    async fn texts(folder: &Path, query: Query) -> Vec<String> {
        read(folder.to_owned(), query).map(|line| line.unwrap().text).collect().await
    }

    #[tokio::test]
    async fn the_newest_lines_come_without_a_place_and_the_next_ones_behind_one() {
        let folder = folder_with(10);
        let newest = Query { limit: Some(2), ..Query::default() };
        assert_eq!(texts(folder.path(), newest).await, ["line 8", "line 9"]);
        let all: Vec<Line> = read(folder.path().to_owned(), Query::default()).map(Result::unwrap).collect().await;
        let behind = Query { after: Some(all[3].position.clone()), limit: Some(2), ..Query::default() };
        assert_eq!(texts(folder.path(), behind).await, ["line 4", "line 5"]);
        let found = Query { text: Some("LINE 7".to_owned()), ..Query::default() };
        assert_eq!(texts(folder.path(), found).await, ["line 7"]);
        let between = Query { since: Some(2), until: Some(3), ..Query::default() };
        assert_eq!(texts(folder.path(), between).await, ["line 2", "line 3"]);
    }

    #[tokio::test]
    async fn a_log_is_followed_over_the_change_of_segments() {
        let folder = folder_with(2);
        let query = Query { follow: true, limit: Some(1), ..Query::default() };
        let mut lines = Box::pin(read(folder.path().to_owned(), query));
        assert_eq!(lines.next().await.unwrap().unwrap().text, "line 1");
        let mut writer = Writer::at(folder.path()).unwrap();
        writer.line(5, "stderr", b"more").unwrap();
        assert_eq!(lines.next().await.unwrap().unwrap().text, "more");
        let long = vec![b'x'; LONGEST];
        for _ in 0..260 {
            writer.line(6, "stdout", &long).unwrap();
        }
        writer.line(7, "stdout", b"end").unwrap();
        compress_full(folder.path()).unwrap();
        let mut count = 0;
        loop {
            let line = lines.next().await.unwrap().unwrap();
            if line.text == "end" {
                break;
            }
            count += 1;
        }
        assert_eq!(count, 260);
    }

    #[tokio::test]
    async fn an_empty_log_is_followed_from_its_first_line() {
        let folder = folder_with(0);
        let mut lines = Box::pin(read(folder.path().to_owned(), Query { follow: true, ..Query::default() }));
        let mut writer = Writer::at(folder.path()).unwrap();
        writer.line(1, "stdout", b"first\nsecond").unwrap();
        assert_eq!(lines.next().await.unwrap().unwrap().text, "first");
        assert_eq!(lines.next().await.unwrap().unwrap().text, "second");
    }

    #[tokio::test]
    async fn positions_stay_when_a_segment_is_compressed() {
        let folder = tempfile::tempdir().unwrap();
        let mut writer = Writer::at(folder.path()).unwrap();
        let long = vec![b'y'; LONGEST];
        for _ in 0..257 {
            writer.line(6, "stdout", &long).unwrap();
        }
        writer.line(7, "stdout", b"end").unwrap();
        let before: Vec<Line> = read(folder.path().to_owned(), Query::default()).map(Result::unwrap).collect().await;
        compress_full(folder.path()).unwrap();
        let after: Vec<Line> = read(folder.path().to_owned(), Query::default()).map(Result::unwrap).collect().await;
        assert_eq!(before, after);
        let behind = Query { after: Some(before[256].position.clone()), ..Query::default() };
        assert_eq!(texts(folder.path(), behind).await, ["end"]);
    }

    #[tokio::test]
    async fn the_oldest_segments_go() {
        let folder = tempfile::tempdir().unwrap();
        for number in 1..=70_u64 {
            std::fs::write(folder.path().join(Segment::name(number, false)), format!("{number} stdout n{number}\n")).unwrap();
        }
        compress_full(folder.path()).unwrap();
        let left = list(folder.path()).unwrap();
        assert_eq!(left.len(), 64);
        assert_eq!(left[0].number, 7);
    }
}
