//! How much a line matters: by what it says of itself.

use serde_json::Value;

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    Error,
    Warn,
    Info,
    Debug,
}

/// Bytes of a line in which its level is looked for.
const HEAD: usize = 160;

impl Level {
    pub const ALL: [Self; 4] = [Self::Error, Self::Warn, Self::Info, Self::Debug];

    #[must_use]
    pub const fn key(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warn => "warn",
            Self::Info => "info",
            Self::Debug => "debug",
        }
    }

    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|level| level.key() == word)
    }

    /// What frameworks call it.
    fn of_word(word: &[u8]) -> Option<Self> {
        const WORDS: [(Level, &[&str]); 4] = [
            (
                Level::Error,
                &[
                    "error",
                    "err",
                    "fatal",
                    "critical",
                    "crit",
                    "panic",
                    "severe",
                    "alert",
                    "emerg",
                    "traceback",
                ],
            ),
            (Level::Warn, &["warn", "warning"]),
            (Level::Info, &["info", "notice", "information"]),
            (Level::Debug, &["debug", "trace", "verbose"]),
        ];
        if !(3..=11).contains(&word.len()) {
            return None;
        }
        let is = |known: &str| word.eq_ignore_ascii_case(known.as_bytes());
        WORDS.into_iter().find(|(_, words)| words.iter().any(|known| is(known))).map(|(level, _)| level)
    }

    /// The level of a line of text; `None` where it says nothing.
    pub(super) fn of_text(text: &[u8]) -> Option<Self> {
        let head = &text[..text.len().min(HEAD)];
        let mut at = 0;
        let mut is_first = true;
        while at < head.len() {
            if head[at] == 0x1b {
                at += sequence(&head[at..]);
                continue;
            }
            if !head[at].is_ascii_alphabetic() {
                at += 1;
                continue;
            }
            let length = head[at..].iter().take_while(|byte| byte.is_ascii_alphanumeric()).count();
            let word = &head[at..at + length];
            let before = at.checked_sub(1).map(|before| head[before]);
            let after = head.get(at + length).copied();
            if let Some(level) = Self::of_word(word)
                && (is_first
                    || word.iter().all(u8::is_ascii_uppercase)
                    || matches!((before, after), (Some(b'['), Some(b']')) | (Some(b'<'), Some(b'>')))
                    || is_named(&head[..at]))
                && before.is_none_or(|before| !b"/.-_".contains(&before))
                && after.is_none_or(|after| !b"/.-_".contains(&after))
            {
                return Some(level);
            }
            // `ValueError: …`, at its beginning.
            if is_first && after == Some(b':') && (word.ends_with(b"Error") || word.ends_with(b"Exception")) {
                return Some(Self::Error);
            }
            // What stands before the first word of a line: times and brackets. A month's `T` and `Z` is no word.
            is_first &= before.is_some_and(|before| before.is_ascii_digit());
            at += length;
        }
        None
    }

    /// As a field of JSON says it: by its name, or by a number as pino (10 to 60) and syslog (0 to 7) count.
    pub(super) fn of_value(value: &Value) -> Option<Self> {
        match value {
            Value::String(word) => Self::of_word(word.trim().as_bytes()),
            Value::Number(number) => Some(match number.as_i64()? {
                50.. => Self::Error,
                40..50 => Self::Warn,
                30..40 => Self::Info,
                10..30 => Self::Debug,
                7 => Self::Debug,
                5..7 => Self::Info,
                4 => Self::Warn,
                0..4 => Self::Error,
                _ => return None,
            }),
            _ => None,
        }
    }

    /// What Stoa itself says of an application.
    pub(super) fn of_stoa(text: &[u8]) -> Self {
        let has =
            |words: &[&str]| words.iter().any(|word| memchr::memmem::find(text, word.as_bytes()).is_some());
        // What runs at its times is to end, unlike what serves.
        let is_well = text.starts_with(b"The schedule ") && has(&[" ended (status 0)"]);
        if text.starts_with(b"Failed") || has(&["can't be"]) {
            Self::Error
        } else if !is_well && has(&[" ended (", "killed", "dropped", "still open", "weren't written"]) {
            Self::Warn
        } else {
            Self::Info
        }
    }

    /// Of a request, by the status of its answer: the first number of three digits behind the path.
    pub(super) fn of_request(text: &[u8]) -> Self {
        let mut words = text.split(|byte| *byte == b' ').skip(2);
        match words.next() {
            Some([b'5', _, _]) => Self::Error,
            Some([b'4', _, _]) => Self::Warn,
            _ => Self::Info,
        }
    }
}

/// `level=`, `"level": "`, `severity:`.
fn is_named(before: &[u8]) -> bool {
    let name = before.trim_ascii_end();
    let name = name.strip_suffix(b"\"").unwrap_or(name).trim_ascii_end();
    let Some((b'=' | b':', name)) = name.split_last() else { return false };
    let name = name.trim_ascii_end();
    let name = name.strip_suffix(b"\"").unwrap_or(name);
    let ends =
        |word: &[u8]| name.len() >= word.len() && name[name.len() - word.len()..].eq_ignore_ascii_case(word);
    ends(b"level") || ends(b"lvl") || ends(b"severity")
}

/// How long the sequence is that begins here.
fn sequence(text: &[u8]) -> usize {
    match text.get(1) {
        Some(b'[') => {
            2 + text[2..].iter().position(|byte| (0x40..0x7f).contains(byte)).map_or(0, |end| end + 1)
        }
        _ => 1,
    }
}

/// Whether a line goes on with what the one before it said: what stands below an error belongs to it.
pub(super) fn goes_on(text: &[u8]) -> bool {
    matches!(text.first(), Some(b' ' | b'\t')) || text.starts_with(b"Caused by:")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_says_how_much_it_matters() {
        let cases = [
            ("ERROR it broke", Some(Level::Error)),
            ("2026-11-26 12:00:00,123 ERROR [app.views] it broke", Some(Level::Error)),
            ("2026-11-26T12:00:00.123Z  WARN hyper: slow", Some(Level::Warn)),
            ("[2026-11-26 12:00:00 +0000] [12] [INFO] Booting", Some(Level::Info)),
            ("warning: deprecated", Some(Level::Warn)),
            ("npm warn deprecated x", None),
            ("time=1 level=debug msg=x", Some(Level::Debug)),
            (r#"{"level": "error", "msg": "x"}"#, Some(Level::Error)),
            ("ValueError: bad", Some(Level::Error)),
            ("Traceback (most recent call last):", Some(Level::Error)),
            ("GET /error 200", None),
            ("found 0 errors", None),
            ("GET /x/ERROR/y 200", None),
            ("an error was avoided", None),
            ("\u{1b}[31mERROR\u{1b}[0m colourful", Some(Level::Error)),
            ("\u{1b}[32minfo\u{1b}[39m: winston", Some(Level::Info)),
            ("[warn] x", Some(Level::Warn)),
            ("", None),
        ];
        for (text, level) in cases {
            assert_eq!(Level::of_text(text.as_bytes()), level, "{text:?}");
        }
        for (text, level) in [
            ("The schedule tick ended (status 0)", Level::Info),
            ("The schedule tick ended (status 1)", Level::Warn),
            ("The application ended (status 0); it is started again.", Level::Warn),
        ] {
            assert_eq!(Level::of_stoa(text.as_bytes()), level, "{text:?}");
        }
        assert_eq!(Level::of_request(b"GET /x 503 in 4 ms"), Level::Error);
        assert_eq!(Level::of_request(b"GET /500 200 in 4 ms"), Level::Info);
        assert_eq!(Level::of_value(&Value::from(50)), Some(Level::Error));
        assert_eq!(Level::of_value(&Value::from("WARNING")), Some(Level::Warn));
    }
}
