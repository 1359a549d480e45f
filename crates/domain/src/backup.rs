//! Backups of instances: how they stand, what they came of, which of them are kept.

use crate::instance::closed_set;
use crate::time::Timestamp;

closed_set! {
    /// How a backup stands.
    BackupStatus {
        Making = "making",
        Ready = "ready",
        Failed = "failed",
    }
}

closed_set! {
    /// What a backup came of.
    BackupCause {
        Hand = "hand",
        Schedule = "schedule",
        BeforeRestore = "before_restore",
        BeforeDelete = "before_delete",
    }
}

/// Seconds for which the backups of a deleted instance are kept: 30 days.
pub const KEPT_AFTER_DELETION_SECONDS: i64 = 30 * DAY;
/// Seconds for which what failed stands in the list.
pub const FAILED_KEPT_SECONDS: i64 = 7 * DAY;
/// And a backup that was made before a restore.
pub const SAFETY_KEPT_SECONDS: i64 = 30 * DAY;

const DAY: i64 = 24 * 3600;

/// When backups are made by themselves, and which of those are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BackupSchedule {
    /// Minutes after midnight, UTC.
    pub at_minute: i64,
    /// The newest of each of so many days, weeks and months.
    pub keep_days: i64,
    pub keep_weeks: i64,
    pub keep_months: i64,
}

impl BackupSchedule {
    /// Which numbers can be.
    #[must_use]
    pub fn is_sound(self) -> bool {
        (0..24 * 60).contains(&self.at_minute)
            && (1..=366).contains(&self.keep_days)
            && (0..=104).contains(&self.keep_weeks)
            && (0..=60).contains(&self.keep_months)
    }

    /// As people read it.
    #[must_use]
    pub fn to_text(self) -> String {
        let Self { at_minute, keep_days, keep_weeks, keep_months } = self;
        let (hour, minute) = (at_minute / 60, at_minute % 60);
        format!("{hour:02}:{minute:02} UTC, keeps {keep_days} days, {keep_weeks} weeks, {keep_months} months")
    }

    /// The reverse of [`BackupSchedule::to_text`].
    #[must_use]
    pub fn from_text(text: &str) -> Option<Self> {
        let fields: Vec<&str> = text.split(' ').collect();
        let [at, "UTC,", "keeps", days, "days,", weeks, "weeks,", months, "months"] = fields.as_slice()
        else {
            return None;
        };
        let (hour, minute) = at.split_once(':')?;
        Some(Self {
            at_minute: hour.parse::<i64>().ok()? * 60 + minute.parse::<i64>().ok()?,
            keep_days: days.parse().ok()?,
            keep_weeks: weeks.parse().ok()?,
            keep_months: months.parse().ok()?,
        })
    }

    /// The first moment behind `now` at which a backup is due.
    #[must_use]
    pub fn next_after(self, now: Timestamp) -> Timestamp {
        let second = now.micros().div_euclid(1_000_000);
        let midnight = second - second.rem_euclid(DAY);
        let today = midnight + self.at_minute * 60;
        let next = if today > second { today } else { today + DAY };
        Timestamp::from_micros(next * 1_000_000)
    }

    /// Which of the moments, the newest first, are of no use any more.
    #[must_use]
    pub fn thinned_out(self, made: &[Timestamp]) -> Vec<usize> {
        let kept = |most: i64, place: fn(i64) -> i64| {
            let mut last = None;
            let mut count = 0;
            let mut kept = Vec::new();
            for (index, at) in made.iter().enumerate() {
                let day = at.micros().div_euclid(DAY * 1_000_000);
                let own = place(day);
                if last != Some(own) && count < most {
                    last = Some(own);
                    count += 1;
                    kept.push(index);
                }
            }
            kept
        };
        // The first day of that reckoning was a Thursday.
        let week = |day: i64| (day + 3).div_euclid(7);
        let kept: Vec<usize> =
            [kept(self.keep_days, |day| day), kept(self.keep_weeks, week), kept(self.keep_months, month)]
                .concat();
        (0..made.len()).filter(|index| !kept.contains(index)).collect()
    }
}

/// The month of a day since 1970, counted on (after Howard Hinnant, `civil_from_days`).
fn month(day: i64) -> i64 {
    let day = day + 719_468;
    let era = day.div_euclid(146_097);
    let of_era = day.rem_euclid(146_097);
    let year = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let month = (5 * of_year + 2) / 153;
    (year + era * 400) * 12 + month
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLAN: BackupSchedule =
        BackupSchedule { at_minute: 120, keep_days: 7, keep_weeks: 4, keep_months: 6 };

    fn at(day: i64, minute: i64) -> Timestamp {
        Timestamp::from_micros((day * DAY + minute * 60) * 1_000_000)
    }

    #[test]
    fn the_next_is_today_or_tomorrow() {
        assert_eq!(PLAN.next_after(at(20_000, 119)), at(20_000, 120));
        assert_eq!(PLAN.next_after(at(20_000, 120)), at(20_001, 120));
    }

    #[test]
    fn a_schedule_is_read_back_as_it_was_written() {
        assert_eq!(PLAN.to_text(), "02:00 UTC, keeps 7 days, 4 weeks, 6 months");
        assert_eq!(BackupSchedule::from_text(&PLAN.to_text()), Some(PLAN));
        assert_eq!(BackupSchedule::from_text("02:00"), None);
    }

    #[test]
    fn days_weeks_and_months_are_kept_and_the_rest_is_thinned_out() {
        let made: Vec<_> = (0..400).map(|back| at(20_000 - back, 120)).collect();
        let gone = PLAN.thinned_out(&made);
        let kept: Vec<usize> = (0..400).filter(|index| !gone.contains(index)).collect();
        assert_eq!(kept[..7], [0, 1, 2, 3, 4, 5, 6], "the days");
        assert!(kept.len() <= 7 + 4 + 6 && kept.len() >= 12, "{kept:?}");
        assert!(kept.last().is_some_and(|oldest| (120..200).contains(oldest)), "half a year: {kept:?}");
        // What is kept once stays kept: thinning out again removes nothing.
        let left: Vec<_> = kept.iter().map(|index| made[*index]).collect();
        assert_eq!(PLAN.thinned_out(&left), Vec::<usize>::new());
    }

    #[test]
    fn several_of_one_day_count_as_one() {
        let plan = BackupSchedule { keep_weeks: 0, keep_months: 0, ..PLAN };
        let made = [at(20_000, 500), at(20_000, 400), at(19_999, 300)];
        assert_eq!(plan.thinned_out(&made), [1]);
    }

    #[test]
    fn months_are_those_of_the_calendar() {
        // 31 January and 1 February 1970; 31 December 2024 and 1 January 2025.
        assert_eq!(month(31), month(30) + 1);
        assert_eq!(month(20_089), month(20_088) + 1);
        assert_eq!(month(20_089), month(20_089 + 30));
    }
}
