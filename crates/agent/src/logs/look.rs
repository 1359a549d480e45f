//! How a log is shown: without secrets, without what a terminal would act upon, and with a level.

use std::borrow::Cow;
use std::sync::Arc;

use aho_corasick::AhoCorasick;

use super::defuse::{bare, defused, has_controls};
use super::json::{APART, Fields};
use super::level::{Level, goes_on};
use super::lines::Raw;
use super::mask::Masks;
use super::{CUT, Line};

/// The stream that says what Stoa itself has to say, and that of what visitors asked for.
pub(super) const STOA: &[u8] = b"stoa";
pub(super) const PROXY: &[u8] = b"proxy";

/// How the lines of a log are to be read.
#[derive(Debug, Clone, Default)]
pub struct Look {
    pub masks: Arc<Masks>,
    /// Where the application writes JSON.
    pub json: Option<Arc<Fields>>,
}

/// A text that is looked for, whatever its case.
pub(super) enum Needle {
    Plain(AhoCorasick),
    /// With letters whose case only a table knows.
    Other(String),
}

impl Needle {
    pub fn of(text: &str) -> Option<Self> {
        let other = || Self::Other(text.to_lowercase());
        let plain = || AhoCorasick::builder().ascii_case_insensitive(true).build([text]);
        match text {
            "" => None,
            _ if !text.is_ascii() => Some(other()),
            _ => Some(plain().map_or_else(|_| other(), Self::Plain)),
        }
    }

    pub fn is_in(&self, text: &[u8]) -> bool {
        match self {
            Self::Plain(seek) => seek.is_match(text),
            Self::Other(lower) => String::from_utf8_lossy(text).to_lowercase().contains(lower.as_str()),
        }
    }

    /// The first place that may be one, in a piece of a log as it is on disk: the text itself, or a line that isn't shown
    /// as it is written. `None` from both says that nothing in it can be.
    pub fn may_be_at(&self, piece: &[u8]) -> Option<usize> {
        match self {
            Self::Plain(seek) => {
                let hit = seek.find(piece).map(|hit| hit.start());
                let before = &piece[..hit.unwrap_or(piece.len())];
                memchr::memchr3(0x1b, 0xc2, 0xe2, before).or(hit)
            }
            Self::Other(_) => Some(0),
        }
    }
}

/// What is shown of a line, and what is searched in it.
pub(super) struct Shown<'l> {
    pub at: i64,
    pub level: Level,
    pub text: Cow<'l, str>,
}

impl Look {
    /// Whether what is written is what is shown, but for secrets and controls.
    pub fn is_text(&self) -> bool {
        self.json.is_none()
    }

    pub(super) fn level(&self, raw: &Raw<'_>) -> Level {
        match raw.stream {
            STOA => Level::of_stoa(raw.text),
            PROXY => Level::of_request(raw.text),
            _ => Level::of_text(raw.text).unwrap_or_else(|| inherited(raw)),
        }
    }

    pub(super) fn show<'l>(&self, raw: &Raw<'l>) -> Shown<'l> {
        if let Some(said) = self.json.as_ref().and_then(|fields| fields.read(raw.text)) {
            let at = said.at.filter(|at| at.abs_diff(raw.at) <= APART.unsigned_abs()).unwrap_or(raw.at);
            let level = said.level.unwrap_or_else(|| self.level(&Raw { text: said.text.as_bytes(), ..*raw }));
            let text = self.clean(said.text.as_bytes()).into_owned();
            return Shown { at, level, text: Cow::Owned(text) };
        }
        Shown { at: raw.at, level: self.level(raw), text: self.clean(raw.text) }
    }

    /// Without secrets, and defused. A sequence in the middle of a secret doesn't hide it: then the colours go too.
    fn clean<'t>(&self, text: &'t [u8]) -> Cow<'t, str> {
        let is_cut = text.ends_with(CUT.as_bytes());
        let body = if is_cut { &text[..text.len() - CUT.len()] } else { text };
        if has_controls(text) {
            let read = String::from_utf8_lossy(body);
            let plain = bare(&read);
            let masked = self.masks.mask(plain.as_bytes(), is_cut);
            let out = if matches!(masked, Cow::Owned(_)) {
                String::from_utf8_lossy(&masked).into_owned()
            } else {
                defused(&read).into_owned()
            };
            return Cow::Owned(if is_cut { out + CUT } else { out });
        }
        match self.masks.mask(body, is_cut) {
            Cow::Borrowed(_) => String::from_utf8_lossy(text),
            Cow::Owned(masked) => {
                let out = String::from_utf8_lossy(&masked).into_owned();
                Cow::Owned(if is_cut { out + CUT } else { out })
            }
        }
    }
}

pub(super) fn line(raw: &Raw<'_>, shown: Shown<'_>) -> Line {
    Line {
        position: format!("{}-{}", raw.number, raw.offset),
        at: shown.at,
        stream: String::from_utf8_lossy(raw.stream).into_owned(),
        level: shown.level,
        text: shown.text.into_owned(),
    }
}

/// The level of the line that this one goes on with, where it does.
fn inherited(raw: &Raw<'_>) -> Level {
    if !goes_on(raw.text) {
        return Level::Info;
    }
    let mut before = raw.before.strip_suffix(b"\n").unwrap_or_default();
    while !before.is_empty() {
        let begin = memchr::memrchr(b'\n', before).map_or(0, |at| at + 1);
        let mut parts = before[begin..].splitn(3, |byte| *byte == b' ').skip(1);
        if let (Some(stream), Some(text)) = (parts.next(), parts.next())
            && stream == raw.stream
        {
            if let Some(level) = Level::of_text(text) {
                return level;
            }
            if !goes_on(text) {
                return Level::Info;
            }
        }
        before = &before[..begin.saturating_sub(1)];
    }
    Level::Info
}
