//! Dates of cookies, as browsers read them (RFC 6265, section 5.1.1): whatever stands between the parts.

const MONTHS: [&str; 12] =
    ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];

/// The digits that a text begins with, where there are so many and none follows.
fn number(text: &str, least: usize, most: usize) -> Option<i64> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    (least..=most).contains(&digits).then(|| text[..digits].parse().ok()).flatten()
}

fn time(text: &str) -> Option<(i64, i64, i64)> {
    let mut parts = text.splitn(3, ':');
    let mut next = |is_last: bool| {
        let part = parts.next()?;
        let is_all = part.bytes().all(|byte| byte.is_ascii_digit());
        (is_last || is_all).then(|| number(part, 1, 2)).flatten()
    };
    Some((next(false)?, next(false)?, next(true)?))
}

/// Seconds since 1970; `None` of what isn't a date.
pub(super) fn parse(text: &str) -> Option<i64> {
    let is_between = |letter: char| matches!(letter, '\t' | ' '..='/' | ';'..='@' | '['..='`' | '{'..='~');
    let (mut at, mut day, mut month, mut year) = (None, None, None, None);
    for token in text.split(is_between).filter(|token| !token.is_empty()) {
        let first = token.get(..3).map(str::to_ascii_lowercase).unwrap_or_default();
        if at.is_none()
            && let Some(found) = time(token)
        {
            at = Some(found);
        } else if day.is_none()
            && let Some(found) = number(token, 1, 2)
        {
            day = Some(found);
        } else if month.is_none()
            && let Some(found) = MONTHS.iter().position(|known| *known == first)
        {
            month = i64::try_from(found).ok().map(|found| found + 1);
        } else if year.is_none() {
            year = number(token, 2, 4);
        }
    }
    let ((hour, minute, second), day, month, year) = (at?, day?, month?, year?);
    let year = match year {
        70..=99 => year + 1900,
        0..=69 => year + 2000,
        _ => year,
    };
    let fits = (1..=31).contains(&day) && year >= 1601 && hour <= 23 && minute <= 59 && second <= 59;
    fits.then(|| days(year, month, day) * 86_400 + hour * 3600 + minute * 60 + second)
}

/// Days from 1970-01-01, by the calendar that goes on for ever: counted from March, in eras of 400 years.
fn days(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let (era, of_era) = (year.div_euclid(400), year.rem_euclid(400));
    let of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468
}

#[cfg(test)]
mod tests {
    use super::parse;

    #[test]
    fn dates_are_read_however_they_are_written() {
        for text in [
            "Wed, 21 Oct 2026 07:28:00 GMT",
            "Wed, 21-Oct-2026 07:28:00 GMT",
            "Wednesday, 21-Oct-26 07:28:00 GMT",
            "Wed Oct 21 07:28:00 2026",
        ] {
            assert_eq!(parse(text), Some(1_792_567_680), "{text}");
        }
        assert_eq!(parse("Thu, 01 Jan 1970 00:00:00 GMT"), Some(0));
        assert_eq!(parse("Tue, 29 Feb 2000 12:00:00 GMT"), Some(951_825_600));
        assert_eq!(parse("Fri, 31 Dec 9999 23:59:59 GMT"), Some(253_402_300_799));
    }

    #[test]
    fn what_is_no_date_is_none() {
        for text in [
            "",
            "0",
            "tomorrow",
            "Wed, 32 Oct 2026 07:28:00 GMT",
            "21 Oct 2026",
            "07:28:00",
            "21 Oct 1500 07:28:00",
        ] {
            assert_eq!(parse(text), None, "{text}");
        }
    }
}
