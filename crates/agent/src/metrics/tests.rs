//! What is told of rings that came round, of a clock that went back, of files that were torn.

#![allow(clippy::unwrap_used)]

use std::fs;
use std::os::unix::fs::{FileExt as _, MetadataExt as _, PermissionsExt as _};

use stoa_domain::metrics::MetricsRange::{self, Day, Hour, Week};

use super::rings::size;
use super::{Measured, Rings, read};

/// 2026-11-26 12:00:00 UTC, at which a stretch of each range begins.
const NOON: i64 = 1_795_694_400;

fn micros(second: i64) -> i64 {
    second * 1_000_000
}

fn only(first: u64) -> Measured {
    [Some(first), None, None, None, None]
}

struct File {
    place: tempfile::TempDir,
}

impl File {
    fn new() -> Self {
        Self { place: tempfile::tempdir().unwrap() }
    }

    fn path(&self) -> std::path::PathBuf {
        self.place.path().join("rings")
    }

    /// Each as after a restart.
    fn add(&self, second: i64, value: u64) {
        Rings::at(self.path()).add(micros(second), &only(value)).unwrap();
    }

    /// The first series, with the second at which each stretch began.
    fn told(&self, range: MetricsRange, now: i64) -> Vec<(i64, Option<u64>)> {
        let course = read(&self.path(), range, micros(now)).unwrap();
        let begins = |at: usize| course.from / 1_000_000 + at as i64 * i64::from(range.step_seconds());
        course.column(0).into_iter().enumerate().map(|(at, value)| (begins(at), value)).collect()
    }

    fn known(&self, range: MetricsRange, now: i64) -> Vec<(i64, u64)> {
        self.told(range, now).into_iter().filter_map(|(at, value)| Some((at, value?))).collect()
    }
}

#[test]
fn noon_begins_a_stretch_of_each_range() {
    for range in MetricsRange::ALL {
        assert_eq!(NOON % i64::from(range.step_seconds()), 0);
        assert_eq!(range.points() * range.step_seconds() % 3600, 0);
    }
}

#[test]
fn what_was_measured_is_told_at_its_time_in_each_range() {
    let file = File::new();
    for (second, value) in [(NOON, 10), (NOON + 10, 20), (NOON + 130, 60)] {
        file.add(second, value);
    }
    let now = NOON + 140;
    assert_eq!(file.known(Hour, now), [(NOON, 10), (NOON + 10, 20), (NOON + 130, 60)]);
    assert_eq!(file.known(Day, now), [(NOON, 15), (NOON + 120, 60)], "the mean of two minutes");
    assert_eq!(file.known(Week, now), [(NOON, 30)], "the mean of a quarter of an hour");
}

#[test]
fn what_wasnt_measured_is_a_gap_and_never_zero() {
    let file = File::new();
    assert!(file.told(Hour, NOON).iter().all(|(_, value)| value.is_none()), "a file that isn't there");
    let mut rings = Rings::at(file.path());
    rings.add(micros(NOON), &[Some(0), None, Some(7), None, None]).unwrap();
    rings.add(micros(NOON + 30), &[None, None, Some(9), None, None]).unwrap();
    let course = read(&file.path(), Hour, micros(NOON + 40)).unwrap();
    let end = |series: usize| course.column(series).split_off(course.means.len() - 5);
    assert_eq!(end(0), [None, Some(0), None, None, None], "zero is something else than nothing");
    assert_eq!(end(1), [None; 5]);
    assert_eq!(end(2), [None, Some(7), None, None, Some(9)]);
}

#[test]
fn a_range_ends_now_and_has_as_many_points_as_it_says() {
    let file = File::new();
    for range in MetricsRange::ALL {
        let told = file.told(*range, NOON + 5);
        assert_eq!(told.len(), range.points() as usize);
        let last = told.last().unwrap().0;
        assert_eq!(last, NOON - i64::from(range.step_seconds()), "of what has just begun nothing is known");
    }
    file.add(NOON + 1, 5);
    assert_eq!(file.told(Week, NOON + 5).last(), Some(&(NOON, Some(5))));
}

#[test]
fn what_is_older_than_the_range_is_written_over_and_the_file_never_grows() {
    let file = File::new();
    let mut rings = Rings::at(file.path());
    let steps = 361 * 3;
    for step in 0..steps {
        rings.add(micros(NOON + step * 10), &only(step as u64)).unwrap();
        assert_eq!(fs::metadata(file.path()).unwrap().len(), size() as u64);
    }
    let now = NOON + steps * 10;
    let known = file.known(Hour, now);
    assert_eq!(known.len(), 360);
    let expected = (steps - 360..steps).map(|step| (NOON + step * 10, step as u64));
    assert!(known.iter().copied().eq(expected), "{known:?}");
    // An hour without any leaves nothing of what was before, though its places are still written.
    assert_eq!(file.known(Hour, now + 3700), []);
    assert!(size() < 128 * 1024, "{}", size());
}

#[test]
fn a_restart_goes_on_where_it_was() {
    let file = File::new();
    file.add(NOON, 10);
    file.add(NOON + 10, 30);
    assert_eq!(file.known(Day, NOON + 20), [(NOON, 20)]);
    assert_eq!(fs::metadata(file.path()).unwrap().permissions().mode() & 0o777, 0o600);
    assert!(fs::metadata(file.path()).unwrap().blocks() * 512 < size() as u64, "empty places take no room");
}

#[test]
fn a_clock_that_was_ahead_leaves_nothing_of_the_future() {
    for restarted in [false, true] {
        let file = File::new();
        let mut rings = Rings::at(file.path());
        rings.add(micros(NOON), &only(1)).unwrap();
        for second in [1800, 1810, 1820] {
            rings.add(micros(NOON + second), &only(99)).unwrap();
        }
        if restarted {
            rings = Rings::at(file.path());
        }
        rings.add(micros(NOON + 1810), &only(2)).unwrap();
        assert_eq!(
            file.known(Hour, NOON + 1815),
            [(NOON, 1), (NOON + 1800, 99), (NOON + 1810, 2)],
            "never mixed"
        );
        rings.add(micros(NOON + 10), &only(3)).unwrap();
        assert_eq!(file.known(Hour, NOON + 20), [(NOON, 1), (NOON + 10, 3)]);
        let later = file.known(Hour, NOON + 1830);
        assert_eq!(later, [(NOON, 1), (NOON + 10, 3)], "nothing of it comes back when its time comes");
        assert_eq!(file.known(Week, NOON + 20), [(NOON, 3)], "what was an hour ahead isn't in it");
        rings.add(micros(NOON + 20), &only(4)).unwrap();
        assert_eq!(file.known(Hour, NOON + 30), [(NOON, 1), (NOON + 10, 3), (NOON + 20, 4)]);
    }
}

#[test]
fn a_torn_place_is_a_gap_and_the_others_stay() {
    let file = File::new();
    file.add(NOON, 10);
    file.add(NOON + 10, 20);
    let known = file.known(Hour, NOON + 20);
    assert_eq!(known.len(), 2);
    let bytes = fs::read(file.path()).unwrap();
    let ten = bytes.windows(8).position(|window| window == 20_u64.to_le_bytes()).unwrap();
    let open = fs::OpenOptions::new().write(true).open(file.path()).unwrap();
    open.write_all_at(&[0xff; 3], ten as u64).unwrap();
    assert_eq!(file.known(Hour, NOON + 20), [(NOON, 10)]);
    // It is written again when its time comes.
    file.add(NOON + 10, 30);
    assert_eq!(file.known(Hour, NOON + 20), [(NOON, 10), (NOON + 10, 30)]);
}

#[test]
fn a_file_that_broke_off_or_is_of_another_form_is_begun_anew() {
    for wrong in [&b""[..], b"stoa metrics 1\0\0", b"stoa metrics 9\0\0", &[0x5a; 300_000]] {
        let file = File::new();
        fs::write(file.path(), wrong).unwrap();
        assert_eq!(file.known(Hour, NOON), [], "reading one is no fault");
        file.add(NOON, 10);
        assert_eq!(file.known(Hour, NOON + 10), [(NOON, 10)]);
        assert_eq!(fs::metadata(file.path()).unwrap().len(), size() as u64);
    }
    let file = File::new();
    file.add(NOON, 10);
    let whole = fs::read(file.path()).unwrap();
    for length in 0..whole.len().min(400) {
        fs::write(file.path(), &whole[..length]).unwrap();
        let _ = file.known(Week, NOON + 10);
    }
}

#[test]
fn a_sum_that_would_not_fit_stays_a_mean() {
    let file = File::new();
    file.add(NOON, u64::MAX - 1);
    file.add(NOON + 1, u64::MAX - 1);
    assert_eq!(file.known(Hour, NOON + 10), [(NOON, u64::MAX - 1)]);
}
