//! How a log is shown: without secrets, without what a terminal would act upon, and with a level.

use std::borrow::Cow;
use std::sync::Arc;

use aho_corasick::AhoCorasick;
use tokio::sync::watch;

use super::defuse::{bare, defused, has_controls};
use super::json::{APART, Fields};
use super::level::{Level, goes_on};
use super::lines::{Raw, parted};
use super::mask::Masks;
use super::{CUT, Line};

/// The stream that says what Stoa itself has to say, and that of what visitors asked for.
pub(super) const STOA: &[u8] = b"stoa";
pub(super) const PROXY: &[u8] = b"proxy";

/// How the lines of a log are to be read.
#[derive(Debug, Clone, Default)]
pub struct Look {
    pub masks: Arc<Masks>,
    /// Those that come to hold while it is read.
    pub newer: Option<watch::Receiver<Arc<Masks>>>,
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

    /// The first place of it in a piece of a log as it is on disk; where only a table knows, any place may be one.
    pub fn first_in(&self, piece: &[u8]) -> Option<usize> {
        match self {
            Self::Plain(seek) => seek.find(piece).map(|hit| hit.start()),
            Self::Other(_) => Some(0),
        }
    }
}

/// The first place in it that may not be shown as it is written: the text may be there between colours.
pub(super) fn first_hidden(piece: &[u8]) -> Option<usize> {
    memchr::memchr3(0x1b, 0xc2, 0xe2, piece)
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

    /// Goes on with what has become secret meanwhile.
    pub(crate) fn renew(&mut self) {
        if let Some(newer) = &mut self.newer
            && newer.has_changed().unwrap_or(false)
        {
            self.masks = newer.borrow_and_update().clone();
        }
    }

    /// A line for whoever keeps it elsewhere: as it is shown, and without colours. `is_cut` as `Masks::mask` has it.
    pub(crate) fn quote(&self, text: &[u8], is_cut: bool) -> String {
        bare(&self.clean_part(text, is_cut)).into_owned()
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
        if !is_cut {
            return self.clean_part(text, false);
        }
        Cow::Owned(self.clean_part(&text[..text.len() - CUT.len()], true).into_owned() + CUT)
    }

    fn clean_part<'t>(&self, text: &'t [u8], is_cut: bool) -> Cow<'t, str> {
        if has_controls(text) {
            let read = String::from_utf8_lossy(text);
            let plain = bare(&read);
            return Cow::Owned(match self.masks.mask(plain.as_bytes(), is_cut) {
                Cow::Owned(masked) => String::from_utf8_lossy(&masked).into_owned(),
                Cow::Borrowed(_) => defused(&read).into_owned(),
            });
        }
        match self.masks.mask(text, is_cut) {
            Cow::Borrowed(_) => String::from_utf8_lossy(text),
            Cow::Owned(masked) => Cow::Owned(String::from_utf8_lossy(&masked).into_owned()),
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
            && parted(stream) == (raw.stream, raw.sandbox)
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
