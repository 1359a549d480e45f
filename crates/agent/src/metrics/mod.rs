//! How much of what was used when, kept on disk in rings that never grow.
//!
//! A file has one ring for each [`MetricsRange`]: a place for every stretch of 10 s, 2 min or 15 min, written over when
//! its time comes round again. What wasn't measured leaves its place empty: a gap is told as a gap, never as zero, and
//! nothing is made up for it. Whose figures they are, and of what, is nothing that is known here.

mod place;
mod rings;
#[cfg(test)]
mod tests;

pub(crate) use rings::{Rings, read};

use stoa_domain::metrics::MetricsRange;

/// Series of one file.
pub(crate) const SERIES: usize = 5;

/// What was measured of each series at one moment; `None` where it couldn't be.
pub(crate) type Measured = [Option<u64>; SERIES];

/// A range as it was: the means of one stretch after the other.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Course {
    /// Microseconds of UTC: when the first stretch began.
    pub from: i64,
    pub range: MetricsRange,
    pub means: Vec<Measured>,
}

impl Course {
    /// One series of it.
    pub fn column(&self, series: usize) -> Vec<Option<u64>> {
        self.means.iter().map(|means| means.get(series).copied().flatten()).collect()
    }
}

/// The number of the stretch in which a moment lies, counted from 1970.
fn stretch_of(range: MetricsRange, at: i64) -> i64 {
    at.div_euclid(step(range))
}

/// Microseconds.
fn step(range: MetricsRange) -> i64 {
    i64::from(range.step_seconds()) * 1_000_000
}
