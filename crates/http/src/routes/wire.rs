//! Forms that all routes share: times, cursors, lists.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Deserialize;
use stoa_domain::{Refusal, Timestamp};
use utoipa::ToSchema;

use crate::answer::Page;

/// RFC 3339 in UTC with milliseconds.
#[must_use]
pub fn time(at: Timestamp) -> String {
    match jiff::Timestamp::from_microsecond(at.micros()) {
        Ok(at) => format!("{at:.3}"),
        // Outside of the calendar's years: nothing that Stoa writes.
        Err(_) => "9999-12-31T23:59:59.999Z".to_owned(),
    }
}

/// A moment as a client writes it.
///
/// # Errors
/// `Invalid`, naming the field.
pub(crate) fn parse_time(field: &str, text: &str) -> Result<Timestamp, Refusal> {
    let at: Result<jiff::Timestamp, _> = text.parse();
    at.map(|at| Timestamp::from_micros(at.as_microsecond())).map_err(|_| {
        // A date of the calendar, but so near to its end that it isn't one in every time zone.
        if text
            .trim_end_matches(['Z', 'z'])
            .parse::<jiff::civil::DateTime>()
            .is_ok_and(|at| at.year() == 9999)
        {
            Refusal::invalid(field, "out_of_range", "The last time that is taken is 9999-12-30T22:00:00Z.")
        } else {
            Refusal::invalid(field, "invalid", "A time is written like 2026-11-24T18:00:00Z.")
        }
    })
}

/// What every list may be asked with.
#[derive(Deserialize, ToSchema, Default)]
#[serde(deny_unknown_fields)]
pub(crate) struct ListQuery {
    /// 1 to 200; 50 where it isn't said.
    #[schema(minimum = 1, maximum = 200)]
    pub limit: Option<i64>,
    /// The `next` of the page before.
    pub after: Option<String>,
    /// Text to search for, without regard to case.
    pub q: Option<String>,
}

/// What a list without a search may be asked with.
#[derive(Deserialize, ToSchema, Default)]
#[serde(deny_unknown_fields)]
pub(crate) struct PageQuery {
    /// 1 to 200; 50 where it isn't said.
    #[schema(minimum = 1, maximum = 200)]
    pub limit: Option<i64>,
    /// The `next` of the page before.
    pub after: Option<String>,
}

impl PageQuery {
    /// How many, and after which, in a list whose cursors are ids.
    ///
    /// # Errors
    /// `Invalid`.
    pub(crate) fn read<I: std::str::FromStr>(self) -> Result<(i64, Option<I>), Refusal> {
        let wrong = || Refusal::invalid("after", "invalid", "This isn't a cursor of this list.");
        let after = self.after.map(|text| text.parse().map_err(|_| wrong())).transpose()?;
        Ok((limit(self.limit)?, after))
    }
}

/// # Errors
/// `Invalid`.
pub(crate) fn limit(wanted: Option<i64>) -> Result<i64, Refusal> {
    match wanted {
        None => Ok(50),
        Some(limit) if (1..=200).contains(&limit) => Ok(limit),
        Some(_) => Err(Refusal::invalid("limit", "out_of_range", "A page has 1 to 200 items.")),
    }
}

/// Where a list that is ordered by name and id goes on.
///
/// # Errors
/// `Invalid`.
pub(crate) fn after<I: std::str::FromStr>(cursor: Option<&str>, nil: I) -> Result<(String, I), Refusal> {
    let Some(cursor) = cursor else { return Ok((String::new(), nil)) };
    let wrong = || Refusal::invalid("after", "invalid", "This isn't a cursor of this list.");
    let bytes = URL_SAFE_NO_PAD.decode(cursor).map_err(|_| wrong())?;
    let text = String::from_utf8(bytes).map_err(|_| wrong())?;
    let (id, name) = text.split_once(' ').ok_or_else(wrong)?;
    Ok((name.to_owned(), id.parse().map_err(|_| wrong())?))
}

pub(crate) fn cursor(name: &str, id: impl std::fmt::Display) -> String {
    URL_SAFE_NO_PAD.encode(format!("{id} {name}"))
}

/// Makes a page of one item more than was asked for: the last one only says that the list goes on.
pub(crate) fn page<T, V>(
    mut found: Vec<T>,
    limit: i64,
    mark: impl Fn(&T) -> String,
    view: impl Fn(T) -> V,
) -> Page<V> {
    let wanted = usize::try_from(limit).unwrap_or(usize::MAX);
    let more = found.len() > wanted;
    found.truncate(wanted);
    let next = if more { found.last().map(mark) } else { None };
    Page { items: found.into_iter().map(view).collect(), next }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn times_have_milliseconds_and_a_z() {
        assert_eq!(time(Timestamp::from_micros(1_790_000_000_123_456)), "2026-09-21T14:13:20.123Z");
        assert_eq!(time(parse_time("at", "2026-09-21T14:13:20.500Z").unwrap()), "2026-09-21T14:13:20.500Z");
        assert!(parse_time("at", "tomorrow").is_err());
        assert!(parse_time("at", "9999-12-30T22:00:00Z").is_ok());
        let refused = format!("{:?}", parse_time("at", "9999-12-31T23:59:59Z"));
        assert!(refused.contains("out_of_range"), "{refused}");
    }

    #[test]
    fn a_cursor_leads_back_to_its_item() {
        let id = "01890a5d-ac96-774b-bcce-b302099a8057".parse::<stoa_domain::ProjectId>().unwrap();
        let (name, found) = after::<stoa_domain::ProjectId>(Some(&cursor("Ünï code", id)), id).unwrap();
        assert_eq!((name.as_str(), found), ("Ünï code", id));
        assert!(after(Some("not a cursor"), id).is_err());
    }
}
