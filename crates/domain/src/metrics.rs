//! How much of what was used when: for how long back it can be asked, and how finely.

use crate::instance::closed_set;

closed_set! {
    /// How far back is looked.
    MetricsRange {
        Hour = "hour",
        Day = "day",
        Week = "week",
    }
}

impl MetricsRange {
    /// Seconds that one point stands for.
    #[must_use]
    pub const fn step_seconds(self) -> u32 {
        match self {
            Self::Hour => 10,
            Self::Day => 120,
            Self::Week => 900,
        }
    }

    /// Points of the whole range.
    #[must_use]
    pub const fn points(self) -> u32 {
        let seconds = match self {
            Self::Hour => 3600,
            Self::Day => 24 * 3600,
            Self::Week => 7 * 24 * 3600,
        };
        seconds / self.step_seconds()
    }
}
