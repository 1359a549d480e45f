//! Which lines are wanted.

use super::Line;
use super::defuse::{bare, has_controls};
use super::json::APART;
use super::level::Level;
use super::lines::Raw;
use super::look::{self, Look, Needle, STOA};

/// A segment, and the offset of a line in it.
pub(super) type Place = (u64, u64);

/// Whose lines of a log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Of {
    #[default]
    All,
    /// What Stoa's own init says of the application.
    Stoa,
}

/// A set of levels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Levels([bool; 4]);

impl Default for Levels {
    fn default() -> Self {
        Self([true; 4])
    }
}

impl Levels {
    #[must_use]
    pub fn only(levels: impl IntoIterator<Item = Level>) -> Self {
        let mut set = Self([false; 4]);
        for level in levels {
            set.0[level as usize] = true;
        }
        set
    }

    #[must_use]
    pub fn has(self, level: Level) -> bool {
        self.0[level as usize]
    }

    fn is_all(self) -> bool {
        self.0 == [true; 4]
    }
}

/// What is asked of a log.
#[derive(Debug, Clone, Default)]
pub struct Query {
    /// Text that a line has to contain, without regard to case.
    pub text: Option<String>,
    /// Microseconds of UTC.
    pub since: Option<i64>,
    pub until: Option<i64>,
    pub levels: Levels,
    pub of: Of,
    /// What this sandbox wrote, and nothing else.
    pub sandbox: Option<String>,
    /// The position of a line: those behind it, those before it, and from it on.
    pub after: Option<String>,
    pub before: Option<String>,
    pub begin: Option<String>,
    /// The position of the last line that is wanted.
    pub end: Option<String>,
    /// Of what fits the newest, 10,000 at most; with `after`, `begin` or `since` the first, and without a bound where the
    /// log is followed.
    pub limit: Option<usize>,
    /// Goes on with what comes.
    pub follow: bool,
    pub look: Look,
}

pub(super) fn place(position: Option<&str>) -> Option<Place> {
    let (number, offset) = position?.split_once('-')?;
    Some((number.parse().ok()?, offset.parse().ok()?))
}

/// Settles it line by line, what costs least first.
pub(super) struct Judge {
    pub since: Option<i64>,
    pub until: Option<i64>,
    /// How far what is shown of a line's time may lie from when it was written.
    pub apart: i64,
    levels: Levels,
    of: Of,
    sandbox: Option<String>,
    needle: Option<Needle>,
    look: Look,
}

/// A line that isn't made whole: what an outline needs of it.
pub(super) struct Weighed {
    pub at: i64,
    pub level: Level,
    pub fits: bool,
    /// Whether what is marked stands in it.
    pub is_hit: bool,
}

impl Judge {
    pub fn new(query: &Query) -> Self {
        Self {
            since: query.since,
            until: query.until,
            apart: if query.look.is_text() { 0 } else { APART },
            levels: query.levels,
            of: query.of,
            sandbox: query.sandbox.clone(),
            needle: query.text.as_deref().and_then(Needle::of),
            look: query.look.clone(),
        }
    }

    /// What has become secret meanwhile is left out from now on.
    pub fn renew(&mut self) {
        self.look.renew();
    }

    /// Whether segments can be gone through without looking at each line.
    pub fn seeks(&self) -> Option<&Needle> {
        self.needle.as_ref().filter(|_| self.look.is_text())
    }

    fn is_in_time(&self, at: i64) -> bool {
        self.since.is_none_or(|since| at >= since) && self.until.is_none_or(|until| at <= until)
    }

    fn is_of(&self, raw: &Raw<'_>) -> bool {
        (self.of == Of::All || raw.stream == STOA)
            && self.sandbox.as_ref().is_none_or(|sandbox| sandbox.as_bytes() == raw.sandbox)
    }

    pub fn take(&self, raw: &Raw<'_>) -> Option<Line> {
        let is_text = self.look.is_text();
        if !self.is_of(raw) || (is_text && !self.is_in_time(raw.at)) {
            return None;
        }
        if is_text && !self.levels.is_all() && !self.levels.has(self.look.level(raw)) {
            return None;
        }
        if is_text
            && let Some(needle) = &self.needle
            && !has_controls(raw.text)
            && !needle.is_in(raw.text)
        {
            return None;
        }
        let shown = self.look.show(raw);
        let fits = self.is_in_time(shown.at)
            && self.levels.has(shown.level)
            && self.needle.as_ref().is_none_or(|needle| needle.is_in(bare(&shown.text).as_bytes()));
        fits.then(|| look::line(raw, shown))
    }

    /// `None` where it is of another stream or time, or without the text.
    pub fn weigh(&self, raw: &Raw<'_>, mark: Option<&Needle>) -> Option<Weighed> {
        if !self.is_of(raw) {
            return None;
        }
        if self.look.is_text() {
            if !self.is_in_time(raw.at) {
                return None;
            }
            let is_in = |needle: &Needle| {
                if has_controls(raw.text) || needle.is_in(raw.text) {
                    // Sure only of what is shown.
                    needle.is_in(bare(&self.look.show(raw).text).as_bytes())
                } else {
                    false
                }
            };
            if !self.needle.as_ref().is_none_or(is_in) {
                return None;
            }
            let level = self.look.level(raw);
            let fits = self.levels.has(level);
            return Some(Weighed { at: raw.at, level, fits, is_hit: fits && mark.is_some_and(is_in) });
        }
        let shown = self.look.show(raw);
        let text = bare(&shown.text);
        let is_in = |needle: &Needle| needle.is_in(text.as_bytes());
        if !self.is_in_time(shown.at) || !self.needle.as_ref().is_none_or(is_in) {
            return None;
        }
        let fits = self.levels.has(shown.level);
        Some(Weighed { at: shown.at, level: shown.level, fits, is_hit: fits && mark.is_some_and(is_in) })
    }
}
