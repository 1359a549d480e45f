//! Reading a log, and following it. No segment is ever held whole, and whoever reads slowly holds a batch, no thread.

use std::collections::VecDeque;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use tokio::sync::mpsc;
use tokio_stream::Stream;
use tokio_stream::wrappers::ReceiverStream;

use super::Line;
use super::lines::Lines;
use super::segments::{Segment, list};

/// How often a log that is followed is looked at.
const LOOK: Duration = Duration::from_millis(100);

/// Lines that wait for whoever reads them.
const WAITING: usize = 64;

/// One turn of reading: lines that fit, and bytes that are looked through, at most.
const BATCH: usize = 256;
const BATCH_BYTES: u64 = 1024 * 1024;

/// The newest lines are collected before they are sent: so many of them at most, and so many bytes of text.
const NEWEST: usize = 10_000;
const NEWEST_BYTES: usize = 8 * 1024 * 1024;

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
    /// Of what fits the newest, 10,000 at most; with `after` or `since` the first, and without a bound where the log is
    /// followed.
    pub limit: Option<usize>,
    /// Goes on with what comes.
    pub follow: bool,
}

/// A segment, and the offset of its next line.
type Place = (u64, u64);

/// The lines that fit. It reads only as fast as they are taken, and ends when nobody does.
pub fn read(folder: PathBuf, query: Query) -> impl Stream<Item = io::Result<Line>> + Send {
    let (sender, receiver) = mpsc::channel(WAITING);
    tokio::spawn(async move {
        if let Err(error) = send_all(folder, query, &sender).await {
            // Nobody takes it any more: then nobody has to be told.
            let _ = sender.send(Err(error)).await;
        }
    });
    ReceiverStream::new(receiver)
}

/// The newest lines that fit, oldest first: `query.limit` of them and 10,000 at most. What is older than `query.since`
/// isn't read, and no more than the newest are held, however much was written.
///
/// # Errors
/// Where a segment can't be read.
pub async fn newest(folder: PathBuf, query: Query) -> io::Result<VecDeque<Line>> {
    let limit = query.limit.unwrap_or(NEWEST).min(NEWEST);
    let reading = Reading::new(folder, query);
    Ok(in_background(reading, move |reading| reading.newest(limit)).await?.1)
}

async fn send_all(folder: PathBuf, query: Query, sender: &mpsc::Sender<io::Result<Line>>) -> io::Result<()> {
    let follow = query.follow;
    let from_a_place = query.after.is_some() || query.since.is_some();
    let limit = query.limit.unwrap_or(usize::MAX);
    let mut left = if from_a_place && !follow { limit } else { usize::MAX };
    let mut reading = Reading::new(folder, query);
    if from_a_place {
        reading = in_background(reading, Reading::find_start).await?.0;
    } else if limit != usize::MAX {
        let (then, newest) = in_background(reading, move |reading| reading.newest(limit.min(NEWEST))).await?;
        reading = then;
        for line in newest {
            if sender.send(Ok(line)).await.is_err() {
                return Ok(());
            }
        }
        if !follow {
            return Ok(());
        }
    }
    loop {
        let (then, batch) = in_background(reading, Reading::batch).await?;
        reading = then;
        for line in batch {
            if left == 0 || sender.send(Ok(line)).await.is_err() {
                return Ok(());
            }
            left -= 1;
        }
        if left == 0 || sender.is_closed() {
            return Ok(());
        }
        if reading.is_at_end {
            if !follow {
                return Ok(());
            }
            // At least once: half a line is more, and yet nothing to read.
            loop {
                tokio::select! {
                    () = sender.closed() => return Ok(()),
                    () = tokio::time::sleep(LOOK) => {}
                }
                if reading.has_more() {
                    break;
                }
            }
        }
    }
}

/// Disks are waited for on threads that may wait.
async fn in_background<T: Send + 'static>(
    mut reading: Reading,
    work: impl FnOnce(&mut Reading) -> io::Result<T> + Send + 'static,
) -> io::Result<(Reading, T)> {
    let working = tokio::task::spawn_blocking(move || work(&mut reading).map(|outcome| (reading, outcome)));
    working.await.map_err(io::Error::other)?
}

/// Where somebody is in a log.
struct Reading {
    folder: PathBuf,
    query: Query,
    needle: Option<String>,
    place: Place,
    lines: Option<Lines>,
    is_at_end: bool,
}

impl Reading {
    fn new(folder: PathBuf, query: Query) -> Self {
        let needle = query.text.as_ref().map(|text| text.to_lowercase());
        Self { folder, query, needle, place: (0, 0), lines: None, is_at_end: false }
    }

    fn fits(&self, line: &Line) -> bool {
        self.query.since.is_none_or(|since| line.at >= since)
            && self.query.until.is_none_or(|until| line.at <= until)
            && self.needle.as_ref().is_none_or(|needle| line.text.to_lowercase().contains(needle))
    }

    /// To the line behind `after`, or to the segment in which `since` may lie.
    fn find_start(&mut self) -> io::Result<()> {
        let segments = list(&self.folder)?;
        let after = self.query.after.as_deref().and_then(|after| after.split_once('-'));
        if let Some((Ok(number), Ok(offset))) = after.map(|(number, offset)| (number.parse(), offset.parse()))
        {
            if let Some(segment) = segments.iter().find(|segment| segment.number == number) {
                let mut lines = Lines::open(segment, &self.folder, offset)?;
                lines.skip()?;
                self.place = (number, lines.offset());
                self.lines = Some(lines);
            }
            // A segment that is gone: what is left begins behind it.
            return Ok(());
        }
        let Some(since) = self.query.since else { return Ok(()) };
        for segment in segments.iter().rev() {
            self.place = (segment.number, 0);
            let first = Lines::open(segment, &self.folder, 0)?.next()?;
            if first.is_some_and(|first| first.at < since) {
                break;
            }
        }
        Ok(())
    }

    /// The newest lines that fit, oldest first. Older segments are read only where newer ones have too few.
    fn newest(&mut self, limit: usize) -> io::Result<VecDeque<Line>> {
        let mut found: VecDeque<Line> = VecDeque::new();
        let mut bytes = 0;
        for (turn, segment) in list(&self.folder)?.iter().rev().enumerate() {
            let mut here: VecDeque<Line> = VecDeque::new();
            let mut bytes_here = 0;
            let mut lines = Lines::open(segment, &self.folder, 0)?;
            let mut first = None;
            while let Some(line) = lines.next()? {
                first = first.or(Some(line.at));
                if !self.fits(&line) {
                    continue;
                }
                bytes_here += line.text.len();
                here.push_back(line);
                while here.len() + found.len() > limit || bytes_here + bytes > NEWEST_BYTES {
                    let Some(gone) = here.pop_front() else { break };
                    bytes_here -= gone.text.len();
                }
            }
            if turn == 0 {
                self.place = (lines.number(), lines.offset());
            }
            bytes += bytes_here;
            here.append(&mut found);
            found = here;
            let is_far_enough = self.query.since.zip(first).is_some_and(|(since, first)| first < since);
            if is_far_enough || found.len() >= limit || bytes >= NEWEST_BYTES / 2 {
                break;
            }
        }
        Ok(found)
    }

    /// What comes next.
    fn batch(&mut self) -> io::Result<Vec<Line>> {
        let mut found = Vec::new();
        let mut looked_through = 0;
        self.is_at_end = false;
        while found.len() < BATCH && looked_through < BATCH_BYTES {
            let Some(mut lines) = self.open()? else {
                self.is_at_end = true;
                break;
            };
            let Some(line) = lines.next()? else {
                // Asked for before the end is looked at again: nothing more is written behind it once a newer one is there.
                let newer = newer(&self.folder, self.place.0)?;
                let mut again = Lines::open(&self.segment()?, &self.folder, self.place.1)?;
                if let Some(line) = again.next()? {
                    looked_through += again.offset() - self.place.1;
                    self.take(line, again, &mut found);
                } else if let Some(newer) = newer {
                    self.place = (newer.number, 0);
                } else {
                    self.is_at_end = true;
                    break;
                }
                continue;
            };
            looked_through += lines.offset() - self.place.1;
            self.take(line, lines, &mut found);
        }
        Ok(found)
    }

    fn take(&mut self, line: Line, lines: Lines, found: &mut Vec<Line>) {
        self.place.1 = lines.offset();
        self.lines = Some(lines);
        if self.fits(&line) {
            found.push(line);
        }
    }

    /// The lines from here on; None where there is no log yet.
    fn open(&mut self) -> io::Result<Option<Lines>> {
        if let Some(lines) = self.lines.take() {
            return Ok(Some(lines));
        }
        if self.place.0 == 0 {
            let Some(first) = newer(&self.folder, 0)? else { return Ok(None) };
            self.place = (first.number, 0);
        }
        match Lines::open(&self.segment()?, &self.folder, self.place.1) {
            Ok(lines) => Ok(Some(lines)),
            // The oldest go while somebody is reading them.
            Err(error) if error.kind() == io::ErrorKind::NotFound => match newer(&self.folder, self.place.0)?
            {
                Some(next) => {
                    self.place = (next.number, 0);
                    Lines::open(&next, &self.folder, 0).map(Some)
                }
                None => Ok(None),
            },
            Err(error) => Err(error),
        }
    }

    fn segment(&self) -> io::Result<Segment> {
        let number = self.place.0;
        let is_compressed = !Segment { number, is_compressed: false }.path(&self.folder).try_exists()?;
        Ok(Segment { number, is_compressed })
    }

    /// Whether something was written since the end was reached: a look at names and sizes.
    fn has_more(&self) -> bool {
        let path = |number, is_compressed| Segment { number, is_compressed }.path(&self.folder);
        let (number, offset) = self.place;
        let is_there = |is_compressed| path(number + 1, is_compressed).exists();
        match path(number, false).metadata() {
            Ok(file) => file.len() > offset || is_there(false) || is_there(true),
            Err(_) => newer(&self.folder, number).is_ok_and(|newer| newer.is_some()),
        }
    }
}

fn newer(folder: &Path, number: u64) -> io::Result<Option<Segment>> {
    Ok(list(folder)?.into_iter().find(|segment| segment.number > number))
}
