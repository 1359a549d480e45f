//! Reading a log, and following it. No segment is ever held whole, and whoever reads slowly holds two batches, no thread.

use std::collections::VecDeque;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt as _;
use tokio::sync::{Semaphore, SemaphorePermit, mpsc};
use tokio_stream::Stream;
use tokio_stream::wrappers::ReceiverStream;

use super::Line;
use super::judge::{Judge, Place, Query, place};
use super::lines::{Lines, Raw};
use super::look::Needle;
use super::segments::{Segment, list};

/// How often a log that is followed is looked at.
const LOOK: Duration = Duration::from_millis(100);

/// One turn of reading: lines that fit, and bytes that are looked through, at most.
const BATCH: usize = 256;
const BATCH_BYTES: u64 = 1024 * 1024;

/// Bytes of lines with which a batch ends: one is being taken, and one waits for it. `BESIDE`: what a line is besides its
/// text.
const HELD: usize = 64 * 1024;
const BESIDE: usize = 128;

/// How many lines the newest are at most, and how many bytes of text. They are found first, and read again as they are
/// taken: only where they stand is held.
const NEWEST: usize = 10_000;
const NEWEST_BYTES: usize = 8 * 1024 * 1024;

/// Turns that are worked at once, in the whole process: a crowd that searches leaves threads and memory to others.
static WORKING: Semaphore = Semaphore::const_new(3);
/// Compressed segments that stay open between two turns. Who has no place opens one anew each time.
static UNPACKING: Semaphore = Semaphore::const_new(8);
/// Whoever takes nothing for so long holds nothing open.
const STALLED: Duration = Duration::from_secs(1);

/// Lines that are read at once.
type Batch = io::Result<Vec<Line>>;

/// The lines that fit. It reads only as fast as they are taken, and ends when nobody does.
pub fn read(folder: PathBuf, query: Query) -> impl Stream<Item = io::Result<Line>> + Send {
    let (sender, receiver) = mpsc::channel(1);
    tokio::spawn(async move {
        if let Err(error) = send_all(folder, query, &sender).await {
            // Nobody takes it any more: then nobody has to be told.
            let _ = sender.send(Err(error)).await;
        }
    });
    ReceiverStream::new(receiver).flat_map(|batch: Batch| {
        let (lines, error) = match batch {
            Ok(lines) => (lines, None),
            Err(error) => (Vec::new(), Some(Err(error))),
        };
        futures_util::stream::iter(lines.into_iter().map(Ok).chain(error))
    })
}

/// The newest lines that fit, oldest first: `query.limit` of them and 10,000 at most. What is older than `query.since`
/// isn't read, and no more than the newest are held, however much was written.
///
/// # Errors
/// Where a segment can't be read.
pub async fn newest(folder: PathBuf, query: Query) -> io::Result<VecDeque<Line>> {
    let limit = query.limit.unwrap_or(NEWEST).min(NEWEST);
    let (mut reading, newest) = find_newest(Reading::new(folder, &query, || false), limit).await?;
    let mut lines = VecDeque::new();
    for stretch in newest.stretches {
        reading.begin_stretch(stretch);
        while !reading.has_ended() {
            let (then, batch) = in_background(reading, Reading::batch).await?;
            reading = then;
            lines.extend(batch);
        }
    }
    lines.truncate(newest.count);
    Ok(lines)
}

/// A segment a turn, so that others have theirs.
async fn find_newest(reading: Reading, limit: usize) -> io::Result<(Reading, Newest)> {
    let (mut reading, mut newest) =
        in_background(reading, move |reading| reading.begin_newest(limit.min(NEWEST))).await?;
    loop {
        let (then, (back, goes_on)) = in_background(reading, move |reading| {
            let goes_on = reading.newest(&mut newest)?;
            Ok((newest, goes_on))
        })
        .await?;
        (reading, newest) = (then, back);
        if !goes_on {
            return Ok((reading, newest));
        }
    }
}

/// Where lines of one segment are: the first of them, and the last.
type Stretch = (Place, Place);

/// What was found so far of the newest lines. Older segments are read only where newer ones have too few.
struct Newest {
    limit: usize,
    left: Vec<Segment>,
    /// Oldest first.
    stretches: VecDeque<Stretch>,
    count: usize,
    bytes: usize,
    /// Where the newest segment ended; `None` where there was none.
    end: Option<Place>,
}

async fn send_all(folder: PathBuf, query: Query, sender: &mpsc::Sender<Batch>) -> io::Result<()> {
    let follow = query.follow;
    let from_a_place =
        query.before.is_none() && (query.after.is_some() || query.begin.is_some() || query.since.is_some());
    let limit = query.limit.unwrap_or(usize::MAX);
    let mut left = if from_a_place && !follow { limit } else { usize::MAX };
    let taker = sender.clone();
    let mut reading = Reading::new(folder, &query, move || taker.is_closed());
    let goes_on = follow || query.after.is_some();
    if !goes_on && query.limit.is_none() && query.before.is_none() {
        reading = in_background(reading, Reading::begin_whole).await?.0;
    }
    if from_a_place {
        reading = in_background(reading, Reading::find_start).await?.0;
    } else if limit != usize::MAX || query.before.is_some() {
        let (then, newest) = find_newest(reading, limit).await?;
        reading = then;
        let mut left = if follow { usize::MAX } else { newest.count };
        for stretch in newest.stretches {
            reading.begin_stretch(stretch);
            while !reading.has_ended() {
                let Some(then) = send_batch(reading, &mut left, sender).await? else { return Ok(()) };
                reading = then;
            }
        }
        if !follow || query.before.is_some() {
            return Ok(());
        }
        reading.go_on_at(newest.end);
    }
    loop {
        let Some(then) = send_batch(reading, &mut left, sender).await? else { return Ok(()) };
        reading = then;
        if reading.is_over {
            return Ok(());
        }
        if reading.is_at_end {
            if !follow {
                return Ok(());
            }
            reading.rest();
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

/// One batch more, once there is room for it; `None` where nobody wants more.
async fn send_batch(
    mut reading: Reading,
    left: &mut usize,
    sender: &mpsc::Sender<Batch>,
) -> io::Result<Option<Reading>> {
    let room = match tokio::time::timeout(STALLED, sender.reserve()).await {
        Ok(room) => room,
        Err(_) => {
            reading.let_go();
            sender.reserve().await
        }
    };
    let Ok(room) = room else { return Ok(None) };
    let (reading, mut batch) = in_background(reading, Reading::batch).await?;
    batch.truncate(*left);
    *left -= batch.len();
    if !batch.is_empty() {
        room.send(Ok(batch));
    }
    Ok((*left > 0 && !sender.is_closed()).then_some(reading))
}

/// Disks are waited for on threads that may wait.
pub(super) async fn in_background<T: Send + 'static>(
    mut reading: Reading,
    work: impl FnOnce(&mut Reading) -> io::Result<T> + Send + 'static,
) -> io::Result<(Reading, T)> {
    let turn = WORKING.acquire().await.map_err(io::Error::other)?;
    let working = tokio::task::spawn_blocking(move || {
        let _turn = turn;
        // Nobody else has it between two turns.
        if let Some(judge) = Arc::get_mut(&mut reading.judge) {
            judge.renew();
        }
        work(&mut reading).map(|outcome| {
            reading.hold();
            (reading, outcome)
        })
    });
    working.await.map_err(io::Error::other)?
}

/// Where somebody is in a log.
pub(super) struct Reading {
    folder: PathBuf,
    pub judge: Arc<Judge>,
    /// All of it is wanted, as it was when the reading began: where a part is gone meanwhile, it ends with an error, so that
    /// nobody takes the rest for the whole.
    is_whole: bool,
    is_begun: bool,
    after: Option<Place>,
    begin: Option<Place>,
    /// Where it ends: before one line, or with one.
    before: Option<Place>,
    end: Option<Place>,
    /// The last of lines that were found: while those are read nothing else settles where it ends.
    last: Option<Place>,
    place: Place,
    lines: Option<Lines>,
    unpacking: Option<SemaphorePermit<'static>>,
    pub is_at_end: bool,
    /// Nothing more is wanted.
    pub is_over: bool,
    is_gone: Box<dyn Fn() -> bool + Send>,
}

impl Reading {
    /// `is_gone` tells that nobody wants it any more.
    pub fn new(folder: PathBuf, query: &Query, is_gone: impl Fn() -> bool + Send + 'static) -> Self {
        Self {
            folder,
            judge: Arc::new(Judge::new(query)),
            is_whole: false,
            is_begun: false,
            after: place(query.after.as_deref()),
            begin: place(query.begin.as_deref()),
            before: place(query.before.as_deref()),
            end: place(query.end.as_deref()),
            last: None,
            place: (0, 0),
            lines: None,
            unpacking: None,
            is_at_end: false,
            is_over: false,
            is_gone: Box::new(is_gone),
        }
    }

    fn hold(&mut self) {
        let is_compressed = self.lines.as_ref().is_some_and(|lines| lines.is_compressed);
        if !is_compressed {
            self.unpacking = None;
        } else if self.unpacking.is_none() {
            match UNPACKING.try_acquire() {
                Ok(place) => self.unpacking = Some(place),
                Err(_) => self.lines = None,
            }
        }
    }

    pub fn let_go(&mut self) {
        self.lines = None;
        self.unpacking = None;
    }

    /// Nothing is read for a while: what is held is what the next line may go on with.
    fn rest(&mut self) {
        if let Some(lines) = &mut self.lines {
            lines.rest();
        }
    }

    /// To the first of some lines that were found; with the last of them it is over.
    fn begin_stretch(&mut self, (first, last): Stretch) {
        self.go_on_at(Some(first));
        self.last = Some(last);
    }

    fn go_on_at(&mut self, place: Option<Place>) {
        self.place = place.unwrap_or_default();
        self.lines = None;
        self.last = None;
        (self.is_at_end, self.is_over) = (false, false);
    }

    fn has_ended(&self) -> bool {
        self.is_at_end || self.is_over
    }

    /// From now on what is read is all of what there is now, up to the line that is written last, or nothing.
    fn begin_whole(&mut self) -> io::Result<()> {
        self.is_whole = true;
        let now = match list(&self.folder)?.last() {
            None => (0, 0),
            Some(last) if last.is_compressed => (last.number, u64::MAX),
            Some(last) => match last.path(&self.folder).metadata() {
                Ok(file) => (last.number, file.len()),
                // It was compressed between the listing and now.
                Err(error) if error.kind() == io::ErrorKind::NotFound => (last.number, u64::MAX),
                Err(error) => return Err(error),
            },
        };
        self.before = Some(self.before.map_or(now, |before| before.min(now)));
        Ok(())
    }

    /// Where lines are missing that are wanted.
    fn gap(&self) -> io::Result<()> {
        if self.is_whole && self.is_begun {
            return Err(io::Error::other("the oldest lines were removed while they were read"));
        }
        Ok(())
    }

    /// To the line behind `after`, to that of `begin`, or to the segment in which `since` may lie.
    pub fn find_start(&mut self) -> io::Result<()> {
        let segments = list(&self.folder)?;
        if let Some((number, offset)) = self.after.or(self.begin) {
            if let Some(segment) = segments.iter().find(|segment| segment.number == number) {
                let mut lines = Lines::open(segment, &self.folder, offset)?;
                if self.after.is_some() {
                    lines.skip()?;
                }
                self.place = (number, lines.offset());
                self.lines = Some(lines);
            } else if let Some(next) = segments.iter().find(|segment| segment.number > number) {
                // A segment that is gone: what is left begins behind it.
                self.is_begun = true;
                self.gap()?;
                self.place = (next.number, 0);
            } else if self.begin.is_some() {
                // Nothing was written there yet.
                self.is_over = true;
            }
            return Ok(());
        }
        let Some(since) = self.judge.since else { return Ok(()) };
        for segment in segments.iter().rev() {
            self.place = (segment.number, 0);
            if first_of(segment, &self.folder)?
                .is_some_and(|first| first < since.saturating_sub(self.judge.apart))
            {
                break;
            }
        }
        Ok(())
    }

    /// The newest segments of which lines may be wanted, the newest last.
    fn begin_newest(&mut self, limit: usize) -> io::Result<Newest> {
        let mut left = list(&self.folder)?;
        if let Some((number, _)) = self.before {
            left.retain(|segment| segment.number <= number);
        }
        Ok(Newest { limit, left, stretches: VecDeque::new(), count: 0, bytes: 0, end: None })
    }

    /// One segment more. Whether older ones are to be read too.
    fn newest(&mut self, newest: &mut Newest) -> io::Result<bool> {
        let Some(segment) = newest.left.pop() else { return Ok(false) };
        let judge = self.judge.clone();
        // Where each begins, and how long its text is.
        let mut here: VecDeque<(Place, usize)> = VecDeque::new();
        let mut bytes_here = 0;
        let first = first_of(&segment, &self.folder)?;
        let mut lines = match Lines::open(&segment, &self.folder, 0) {
            // The oldest go while somebody is reading them.
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(!newest.left.is_empty()),
            opened => opened?,
        };
        while let Some(raw) = next(&mut lines, judge.seeks())? {
            if self.before.is_some_and(|before| (raw.number, raw.offset) >= before) {
                break;
            }
            let Some(line) = judge.take(&raw) else { continue };
            bytes_here += line.text.len();
            here.push_back(((raw.number, raw.offset), line.text.len()));
            while here.len() + newest.count > newest.limit || bytes_here + newest.bytes > NEWEST_BYTES {
                let Some((_, gone)) = here.pop_front() else { break };
                bytes_here -= gone;
            }
        }
        newest.end.get_or_insert((lines.number(), lines.offset()));
        newest.bytes += bytes_here;
        newest.count += here.len();
        if let (Some((first, _)), Some((last, _))) = (here.front(), here.back()) {
            newest.stretches.push_front((*first, *last));
        }
        let oldest = judge.since.map(|since| since.saturating_sub(judge.apart));
        let is_far_enough = oldest.zip(first).is_some_and(|(oldest, first)| first < oldest);
        let is_enough = newest.count >= newest.limit || newest.bytes >= NEWEST_BYTES / 2;
        Ok(!(is_far_enough || is_enough || newest.left.is_empty() || (self.is_gone)()))
    }

    /// What comes next.
    fn batch(&mut self) -> io::Result<Vec<Line>> {
        let judge = self.judge.clone();
        let (mut found, mut bytes) = (Vec::new(), 0);
        self.walk(judge.seeks(), |raw| {
            if let Some(line) = judge.take(raw) {
                bytes += line.text.len() + BESIDE;
                found.push(line);
            }
            found.len() < BATCH && bytes < HELD
        })?;
        Ok(found)
    }

    /// Goes on through the lines, in which `seek` may be if it is given, for one turn: until its bytes are through, `take`
    /// wants no more, or the end is reached.
    pub fn walk(&mut self, seek: Option<&Needle>, mut take: impl FnMut(&Raw<'_>) -> bool) -> io::Result<()> {
        let mut looked_through = 0;
        let mut then = None;
        self.is_at_end = false;
        while looked_through < BATCH_BYTES && !self.is_over {
            let Some(mut lines) = self.open()? else {
                self.is_at_end = !self.is_over;
                break;
            };
            let from = lines.offset();
            let goes_on = match next(&mut lines, seek)? {
                Some(raw) if self.is_behind((raw.number, raw.offset)) => {
                    self.is_over = true;
                    break;
                }
                Some(raw) => Some(take(&raw)),
                None => None,
            };
            looked_through += lines.offset() - from;
            self.place.1 = lines.offset();
            match (goes_on, then.take()) {
                (Some(goes_on), _) => {
                    self.lines = Some(lines);
                    self.is_over = self.last.is_some_and(|last| self.place > last);
                    if !goes_on {
                        break;
                    }
                }
                (None, None) => {
                    // Asked for before the end is looked at again: nothing more is written to it once a newer one is
                    // there.
                    let Some(newer) = newer(&self.folder, self.place.0)? else {
                        self.is_at_end = true;
                        break;
                    };
                    then = Some(newer);
                    self.lines = Some(lines);
                }
                (None, Some(newer)) => {
                    if newer.number != self.place.0 + 1 {
                        self.gap()?;
                    }
                    self.place = (newer.number, 0);
                }
            }
        }
        Ok(())
    }

    fn is_behind(&self, place: Place) -> bool {
        if let Some(last) = self.last {
            return place > last;
        }
        self.before.is_some_and(|before| place >= before) || self.end.is_some_and(|end| place > end)
    }

    /// The lines from here on; None where there is no log yet, or nothing more that is wanted.
    fn open(&mut self) -> io::Result<Option<Lines>> {
        if let Some(lines) = self.lines.take() {
            return Ok(Some(lines));
        }
        if self.place.0 == 0 {
            let Some(first) = newer(&self.folder, 0)? else { return Ok(None) };
            self.place = (first.number, 0);
        }
        if self.is_behind(self.place) && self.before.is_none_or(|before| before != (self.place.0, 0)) {
            self.is_over = true;
            return Ok(None);
        }
        let segment = self.segment()?;
        if self.place.1 == 0
            && self.last.is_none()
            && let Some(until) = self.judge.until
            && first_of(&segment, &self.folder)?
                .is_some_and(|first| first > until.saturating_add(self.judge.apart))
        {
            self.is_over = true;
            return Ok(None);
        }
        match Lines::open(&segment, &self.folder, self.place.1) {
            Ok(lines) => {
                self.is_begun = true;
                Ok(Some(lines))
            }
            // The oldest go while somebody is reading them.
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                self.gap()?;
                let Some(next) = newer(&self.folder, self.place.0)? else { return Ok(None) };
                self.place = (next.number, 0);
                Lines::open(&next, &self.folder, 0).map(Some)
            }
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

fn next<'l>(lines: &'l mut Lines, seek: Option<&Needle>) -> io::Result<Option<Raw<'l>>> {
    match seek {
        Some(needle) => lines.next_where(needle),
        None => lines.next(),
    }
}

/// When the first line of a segment was written; `None` for one that is empty, or gone meanwhile.
fn first_of(segment: &Segment, folder: &Path) -> io::Result<Option<i64>> {
    match Lines::open(segment, folder, 0) {
        Ok(mut lines) => Ok(lines.next()?.map(|raw| raw.at)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

fn newer(folder: &Path, number: u64) -> io::Result<Option<Segment>> {
    Ok(list(folder)?.into_iter().find(|segment| segment.number > number))
}
