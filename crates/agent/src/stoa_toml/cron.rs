//! When the command of a schedule is run: five fields, as cron has them (crontab(5)), in UTC.

use jiff::ToSpan as _;
use jiff::civil::Date;

const EPOCH: Date = jiff::civil::date(1970, 1, 1);
const MINUTES_OF_A_DAY: i64 = 24 * 60;

/// Days within which everything that ever comes does: the 29th of February, across a century without one.
const FAR: i64 = 366 * 9;

const MONTHS: [&str; 12] =
    ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];
const WEEKDAYS: [&str; 7] = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"];

/// Five fields, as bits of the numbers that fit. Minutes are counted from the beginning of 1970 in UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Cron {
    minutes: u64,
    hours: u64,
    days: u64,
    months: u64,
    /// Sunday is 0.
    weekdays: u64,
    /// Both kinds of days are said: either is enough.
    is_either: bool,
}

/// One of the fields: its name, its least and greatest number, and words for numbers.
struct Field {
    name: &'static str,
    least: u64,
    most: u64,
    words: &'static [&'static str],
}

const FIELDS: [Field; 5] = [
    Field { name: "minute", least: 0, most: 59, words: &[] },
    Field { name: "hour", least: 0, most: 23, words: &[] },
    Field { name: "day of the month", least: 1, most: 31, words: &[] },
    Field { name: "month", least: 1, most: 12, words: &MONTHS },
    // 7 is Sunday, too.
    Field { name: "day of the week", least: 0, most: 7, words: &WEEKDAYS },
];

impl Cron {
    /// # Errors
    /// What is wrong with it, to stand behind its name.
    pub fn parse(text: &str) -> Result<Self, String> {
        let fields: Vec<&str> = text.split_ascii_whitespace().collect();
        let [minutes, hours, days, months, weekdays] = fields[..] else {
            return Err("has five fields: minute, hour, day of the month, month, day of the week".to_owned());
        };
        let [of_minutes, of_hours, of_days, of_months, of_weekdays] = &FIELDS;
        let mut week = of_weekdays.read(weekdays)?;
        if week & (1 << 7) != 0 {
            week = (week | 1) & !(1 << 7);
        }
        let cron = Self {
            minutes: of_minutes.read(minutes)?,
            hours: of_hours.read(hours)?,
            days: of_days.read(days)?,
            months: of_months.read(months)?,
            weekdays: week,
            is_either: !days.starts_with('*') && !weekdays.starts_with('*'),
        };
        // The 30th of February: from any year on, it never comes.
        if cron.next(0).is_none() { Err("never comes".to_owned()) } else { Ok(cron) }
    }

    /// Whether it is then.
    pub fn is_at(&self, minute: i64) -> bool {
        let (day, within) = (minute.div_euclid(MINUTES_OF_A_DAY), minute.rem_euclid(MINUTES_OF_A_DAY));
        self.is_on(day) && has(self.hours, within / 60) && has(self.minutes, within % 60)
    }

    /// The first minute after that one.
    pub fn next(&self, after: i64) -> Option<i64> {
        let first = after + 1;
        let today = first.div_euclid(MINUTES_OF_A_DAY);
        let day = |day: i64| {
            let begin = if day == today { first.rem_euclid(MINUTES_OF_A_DAY) } else { 0 };
            let fits = |minute: &i64| has(self.hours, minute / 60) && has(self.minutes, minute % 60);
            (begin..MINUTES_OF_A_DAY).find(fits).map(|minute| day * MINUTES_OF_A_DAY + minute)
        };
        (today..=today + FAR).filter(|one| self.is_on(*one)).find_map(day)
    }

    fn is_on(&self, day: i64) -> bool {
        let Ok(date) = EPOCH.checked_add(day.days()) else { return false };
        let in_month = has(self.days, i64::from(date.day()));
        let in_week = has(self.weekdays, i64::from(date.weekday().to_sunday_zero_offset()));
        let is_day = if self.is_either { in_month || in_week } else { in_month && in_week };
        is_day && has(self.months, i64::from(date.month()))
    }
}

fn has(bits: u64, number: i64) -> bool {
    u32::try_from(number).is_ok_and(|number| bits.checked_shr(number).is_some_and(|bits| bits & 1 == 1))
}

impl Field {
    /// `*`, `5`, `1-5`, `*/15`, `10-20/2`, `mon`, and several of them with commas between.
    fn read(&self, text: &str) -> Result<u64, String> {
        let mut bits = 0;
        for part in text.split(',') {
            bits |= self.part(part).ok_or_else(|| self.wrong(part))?;
        }
        Ok(bits)
    }

    fn wrong(&self, part: &str) -> String {
        let Self { name, least, most, words } = self;
        let words = match words {
            [] => String::new(),
            [first, .., last] => format!(" or {first} to {last}"),
            [one] => format!(" or {one}"),
        };
        format!(
            "has `{part}` as its {name}: it is `*`, {least} to {most}{words}, `1-5`, `*/2`, or several of them: `1,3`"
        )
    }

    fn part(&self, part: &str) -> Option<u64> {
        let (range, step) = match part.split_once('/') {
            Some((range, step)) => (range, number(step).filter(|step| (1..=self.most).contains(step))?),
            None => (part, 1),
        };
        let (from, to) = match range.split_once('-') {
            _ if range == "*" => (self.least, self.most),
            Some((from, to)) => (self.one(from)?, self.one(to)?),
            // A step needs something to go through.
            None if part.contains('/') => return None,
            None => (self.one(range)?, self.one(range)?),
        };
        // `*` of the days of the week: Sunday once.
        let to = if range == "*" && self.most == 7 { 6 } else { to };
        if from > to {
            return None;
        }
        let step = usize::try_from(step).ok()?;
        Some((from..=to).step_by(step).fold(0, |bits, number| bits | 1 << number))
    }

    fn one(&self, text: &str) -> Option<u64> {
        let word = self.words.iter().position(|word| word.eq_ignore_ascii_case(text));
        let found = match word {
            Some(place) => u64::try_from(place).ok()? + self.least,
            None => number(text)?,
        };
        (self.least..=self.most).contains(&found).then_some(found)
    }
}

/// Digits and nothing else.
fn number(text: &str) -> Option<u64> {
    let is_plain = (1..=4).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
    if is_plain { text.parse().ok() } else { None }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    /// `2026-11-26T09:30`.
    fn minute(text: &str) -> i64 {
        let at: jiff::Timestamp = format!("{text}:00Z").parse().unwrap();
        at.as_second() / 60
    }

    fn after(cron: &str, at: &str) -> String {
        let next = Cron::parse(cron).unwrap().next(minute(at)).unwrap();
        jiff::Timestamp::from_second(next * 60).unwrap().to_string().replace(":00Z", "")
    }

    #[test]
    fn the_next_time_is_the_first_that_fits_all_fields() {
        for (cron, at, next) in [
            ("* * * * *", "2026-11-26T09:30", "2026-11-26T09:31"),
            ("*/15 * * * *", "2026-11-26T09:45", "2026-11-26T10:00"),
            ("5 4 * * *", "2026-11-26T04:05", "2026-11-27T04:05"),
            ("0 0 1 1 *", "2026-11-26T09:30", "2027-01-01T00:00"),
            ("30 6 * * mon-fri", "2026-11-27T07:00", "2026-11-30T06:30"),
            ("0 9-17/4 * * *", "2026-11-26T09:00", "2026-11-26T13:00"),
            ("1,59 23 31 dec *", "2026-12-31T23:01", "2026-12-31T23:59"),
            ("0 0 29 2 *", "2026-11-26T09:30", "2028-02-29T00:00"),
            ("0 0 29 2 *", "2096-03-01T00:00", "2104-02-29T00:00"),
            ("0 12 * * 7", "2026-11-26T09:30", "2026-11-29T12:00"),
            ("0 12 * * 5-7", "2026-11-28T13:00", "2026-11-29T12:00"),
            ("0 12 * * SUN", "2026-11-26T09:30", "2026-11-29T12:00"),
        ] {
            assert_eq!(after(cron, at), next, "{cron} after {at}");
            assert!(Cron::parse(cron).unwrap().is_at(minute(next)), "{cron} at {next}");
        }
    }

    #[test]
    fn where_both_kinds_of_days_are_said_either_is_enough() {
        // The 13th, and each Friday; not only Fridays that are the 13th.
        assert_eq!(after("0 8 13 * fri", "2026-11-26T09:30"), "2026-11-27T08:00");
        assert_eq!(after("0 8 13 * fri", "2026-12-11T09:30"), "2026-12-13T08:00");
        assert_eq!(after("0 8 */2 * fri", "2026-11-26T09:30"), "2026-11-27T08:00", "a star asks for both");
    }

    #[test]
    fn what_isnt_five_fields_of_numbers_in_their_ranges_is_refused_with_what_is_wrong() {
        let wrong = |text: &str| Cron::parse(text).unwrap_err();
        assert!(wrong("@daily").starts_with("has five fields"));
        assert!(wrong("0 0 * * * *").starts_with("has five fields"));
        assert!(wrong("60 * * * *").starts_with("has `60` as its minute: it is `*`, 0 to 59,"));
        assert!(wrong("0 0 * jan-foo *").contains("as its month: it is `*`, 1 to 12 or jan to dec"));
        for text in [
            "-1 * * * *",
            "5-1 * * * *",
            "*/0 * * * *",
            "5/2 * * * *",
            "1,,2 * * * *",
            "* 24 * * *",
            "* * 0 * *",
            "* * * 13 *",
            "* * * * 8",
            "+5 * * * *",
            "1.5 * * * *",
            "* * * * mon-",
            "00000 * * * *",
        ] {
            wrong(text);
        }
        assert_eq!(wrong("0 0 30 2 *"), "never comes");
        assert_eq!(wrong("0 0 31 4,6,9,11 *"), "never comes");
    }
}
