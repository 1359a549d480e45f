//! A file of rings: written place by place, read whole.

use std::fs::{self, File};
use std::io;
use std::os::unix::fs::{FileExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use stoa_domain::metrics::MetricsRange;

use super::place::{self, Place};
use super::{Course, Measured, stretch_of};

/// What a file begins with. It changes with the form of what follows: another one is begun anew.
const HEAD: &[u8; 16] = b"stoa metrics 1\0\0";

/// One more than is shown: the stretch that has begun doesn't take the oldest one's place.
fn places(range: MetricsRange) -> usize {
    usize::try_from(range.points()).map_or(0, |points| points + 1)
}

/// Where the ring of a range begins.
fn offset(range: MetricsRange) -> usize {
    let before = MetricsRange::ALL.iter().take_while(|other| **other != range);
    HEAD.len() + before.map(|other| places(*other) * place::SIZE).sum::<usize>()
}

/// Bytes of a whole file, whatever stands in it.
pub(super) fn size() -> usize {
    HEAD.len() + MetricsRange::ALL.iter().map(|range| places(*range) * place::SIZE).sum::<usize>()
}

/// Where the place of a stretch is.
fn offset_of(range: MetricsRange, stretch: i64) -> usize {
    let places_there = i64::try_from(places(range)).unwrap_or(i64::MAX);
    let index = usize::try_from(stretch.rem_euclid(places_there)).unwrap_or(0);
    offset(range) + index * place::SIZE
}

/// The places of a ring that were written whole.
fn places_in(bytes: &[u8], range: MetricsRange) -> impl Iterator<Item = Place> {
    let ring = bytes.get(offset(range)..).unwrap_or_default();
    ring.chunks_exact(place::SIZE).take(places(range)).filter_map(Place::read)
}

/// One file's rings, for the one who writes to them.
#[derive(Debug)]
pub(crate) struct Rings {
    path: PathBuf,
    /// The newest stretch of each ring; `None` before the first look.
    newest: Option<Vec<i64>>,
}

impl Rings {
    pub fn at(path: PathBuf) -> Self {
        Self { path, newest: None }
    }

    /// Adds what was measured at a moment, in microseconds of UTC.
    ///
    /// # Errors
    /// Where it can't be written.
    pub fn add(&mut self, at: i64, measured: &Measured) -> io::Result<()> {
        let file = self.open()?;
        let mut newest = match self.newest.take() {
            Some(newest) => newest,
            None => look(&file)?,
        };
        for (range, newest) in MetricsRange::ALL.iter().zip(&mut newest) {
            let stretch = stretch_of(*range, at);
            let place = offset_of(*range, stretch);
            let mut kept = if stretch < *newest {
                // The clock was ahead: what stands at times that are still to come was never then.
                forget_from(&file, *range, stretch)?;
                None
            } else {
                read_place(&file, place)?.filter(|kept| kept.stretch == stretch)
            }
            .unwrap_or_else(|| Place::new(stretch));
            kept.add(measured);
            file.write_all_at(&kept.write(), position(place)?)?;
            *newest = stretch;
        }
        self.newest = Some(newest);
        Ok(())
    }

    /// The file as it has to be: its head, and a length that it keeps. What nobody wrote to takes no room on disk.
    fn open(&self) -> io::Result<File> {
        let mut options = fs::OpenOptions::new();
        let file =
            options.read(true).write(true).create(true).truncate(false).mode(0o600).open(&self.path)?;
        let mut head = [0; HEAD.len()];
        let is_whole = file.metadata()?.len() == u64::try_from(size()).unwrap_or(u64::MAX)
            && file.read_exact_at(&mut head, 0).is_ok()
            && head == *HEAD;
        if !is_whole {
            file.set_len(0)?;
            file.set_len(position(size())?)?;
            // Last: without it the file is begun anew.
            file.write_all_at(HEAD, 0)?;
        }
        Ok(file)
    }
}

fn position(bytes: usize) -> io::Result<u64> {
    u64::try_from(bytes).map_err(io::Error::other)
}

fn read_place(file: &File, place: usize) -> io::Result<Option<Place>> {
    let mut bytes = [0; place::SIZE];
    file.read_exact_at(&mut bytes, position(place)?)?;
    Ok(Place::read(&bytes))
}

/// The newest stretch of each ring.
fn look(file: &File) -> io::Result<Vec<i64>> {
    let mut bytes = vec![0; size()];
    file.read_exact_at(&mut bytes, 0)?;
    let newest = |range: &MetricsRange| places_in(&bytes, *range).map(|place| place.stretch).max();
    Ok(MetricsRange::ALL.iter().map(|range| newest(range).unwrap_or(i64::MIN)).collect())
}

/// Empties every place of a stretch, and of those that follow it.
fn forget_from(file: &File, range: MetricsRange, stretch: i64) -> io::Result<()> {
    for index in 0..places(range) {
        let place = offset(range) + index * place::SIZE;
        if read_place(file, place)?.is_some_and(|kept| kept.stretch >= stretch) {
            file.write_all_at(&[0; place::SIZE], position(place)?)?;
        }
    }
    Ok(())
}

/// What a file has of a range that ends now, in microseconds of UTC. A file that isn't there has nothing of it.
///
/// # Errors
/// Where it can't be read.
pub(crate) fn read(path: &Path, range: MetricsRange, now: i64) -> io::Result<Course> {
    let bytes = match fs::read(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
        other => other?,
    };
    let last = stretch_of(range, now);
    let first = last - i64::from(range.points());
    let mut means = vec![Measured::default(); places(range)];
    if bytes.starts_with(HEAD) {
        for place in places_in(&bytes, range) {
            let index = place.stretch.checked_sub(first).and_then(|index| usize::try_from(index).ok());
            if let Some(slot) = index.and_then(|index| means.get_mut(index)) {
                *slot = place.means();
            }
        }
    }
    // Of the stretch that has just begun nothing may be known yet: that isn't a gap.
    if means.last().is_some_and(|means| means.iter().all(Option::is_none)) {
        means.pop();
    }
    Ok(Course { from: first * super::step(range), range, means })
}
