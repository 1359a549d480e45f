//! Secrets of an instance in what is written and shown of its logs: they go, also in the usual encodings, line by line
//! where a value has several, and at the end of a line that was cut in the middle of one.

use std::borrow::Cow;
use std::fmt;

use aho_corasick::{AhoCorasick, MatchKind};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use stoa_domain::Secret;
use zeroize::Zeroizing;

/// What stands in the place of a secret.
pub const MASKED: &str = "[secret removed]";

/// Secrets that are shorter go only where they stand as a word of their own: they are parts of too many others.
const SHORT: usize = 4;
/// From this length on one is also looked for in base64 and in hex, and each line of a value goes by itself.
const LONG: usize = 8;

type Needle = Zeroizing<Vec<u8>>;

/// Which secrets those are. It has no `Debug` that shows them.
#[derive(Default)]
pub struct Masks {
    /// Finds all needles at once.
    seek: Option<AhoCorasick>,
    needles: Vec<Needle>,
    words: Vec<Needle>,
    /// Short lines of values with several: they go where a line of the log is nothing else.
    lines: Vec<Needle>,
}

impl fmt::Debug for Masks {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Masks")
    }
}

impl Masks {
    #[must_use]
    pub fn of<'s>(secrets: impl IntoIterator<Item = &'s Secret>) -> Self {
        let mut masks = Self::default();
        for secret in secrets {
            masks.add(secret.reveal());
        }
        masks.needles.sort_unstable_by(|one, other| one.as_slice().cmp(other.as_slice()));
        masks.needles.dedup();
        if !masks.needles.is_empty() {
            // All matches count: one secret may begin within another.
            let built = AhoCorasick::builder()
                .match_kind(MatchKind::Standard)
                .build(masks.needles.iter().map(|needle| needle.as_slice()));
            masks.seek = built.ok();
        }
        masks
    }

    fn add(&mut self, secret: &[u8]) {
        for form in forms(secret) {
            self.take(form);
        }
        let lines: Vec<&[u8]> = secret.split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii).collect();
        if lines.len() < 2 {
            return;
        }
        for line in lines {
            match line.len() {
                0..SHORT => {}
                SHORT..LONG => self.lines.push(Zeroizing::new(line.to_vec())),
                _ => self.take(Zeroizing::new(line.to_vec())),
            }
        }
    }

    fn take(&mut self, form: Needle) {
        match form.len() {
            0 => {}
            1..SHORT => self.words.push(form),
            _ => self.needles.push(form),
        }
    }

    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.seek.is_none() && self.words.is_empty() && self.lines.is_empty()
    }

    /// Whether something in it has to go.
    #[must_use]
    pub fn is_in(&self, text: &[u8]) -> bool {
        !self.is_empty() && !self.found(text, false).is_empty()
    }

    /// The text without secrets. `is_cut`: it ended where a longer one was cut off, maybe within a secret.
    #[must_use]
    pub fn mask<'t>(&self, text: &'t [u8], is_cut: bool) -> Cow<'t, [u8]> {
        if self.is_empty() {
            return Cow::Borrowed(text);
        }
        let mut found = self.found(text, is_cut);
        if found.is_empty() {
            return Cow::Borrowed(text);
        }
        found.sort_unstable();
        let mut masked = Vec::with_capacity(text.len());
        let mut end = 0;
        for (from, to) in found {
            // What lies side by side, or one over the other, is one to whoever reads it.
            if from > end || (from == 0 && end == 0) {
                masked.extend_from_slice(&text[end..from]);
                masked.extend_from_slice(MASKED.as_bytes());
            }
            end = end.max(to);
        }
        masked.extend_from_slice(&text[end..]);
        Cow::Owned(masked)
    }

    fn found(&self, text: &[u8], is_cut: bool) -> Vec<(usize, usize)> {
        let mut found: Vec<(usize, usize)> = Vec::new();
        if let Some(seek) = &self.seek {
            found.extend(seek.find_overlapping_iter(text).map(|hit| (hit.start(), hit.end())));
        }
        for word in &self.words {
            found.extend(memchr::memmem::find_iter(text, word.as_slice()).filter_map(|at| {
                let before = at.checked_sub(1).and_then(|before| text.get(before));
                let mut beside = [before, text.get(at + word.len())].into_iter();
                let is_word = beside.all(|byte| byte.is_none_or(|byte| !byte.is_ascii_alphanumeric()));
                is_word.then_some((at, at + word.len()))
            }));
        }
        if self.lines.iter().any(|line| text.trim_ascii() == line.as_slice()) {
            found.push((0, text.len()));
        }
        if is_cut {
            let ends = self.needles.iter().filter_map(|needle| {
                let most = needle.len().saturating_sub(1).min(text.len());
                (SHORT..=most).rev().find(|length| text.ends_with(&needle[..*length]))
            });
            found.extend(ends.max().map(|length| (text.len() - length, text.len())));
        }
        found
    }
}

/// A secret as it is, and as logs write it: encoded for URLs, for JSON, in base64 and in hex; and the password of one that
/// is a URL.
fn forms(secret: &[u8]) -> Vec<Needle> {
    let secret = secret.trim_ascii();
    let mut forms = vec![Zeroizing::new(secret.to_vec())];
    if let Ok(text) = std::str::from_utf8(secret) {
        if let Some(password) = password_of(text) {
            forms.push(Zeroizing::new(password.as_bytes().to_vec()));
            forms.push(Zeroizing::new(percent_encoding::percent_decode_str(password).collect()));
        }
        forms.push(Zeroizing::new(utf8_percent_encode(text, NON_ALPHANUMERIC).to_string().into_bytes()));
        if let Ok(json) = serde_json::to_string(text) {
            forms.push(Zeroizing::new(json.trim_matches('"').as_bytes().to_vec()));
        }
    }
    if secret.len() >= LONG {
        forms.extend((0..3).map(|before| in_base64(secret, before)));
        forms.push(Zeroizing::new(
            secret.iter().flat_map(|byte| format!("{byte:02x}").into_bytes()).collect(),
        ));
    }
    forms
}

/// `scheme://user:password@host`.
fn password_of(text: &str) -> Option<&str> {
    let (_, rest) = text.split_once("://")?;
    let authority = rest.split(['/', '?', '#']).next()?;
    let (user, _) = authority.rsplit_once('@')?;
    user.split_once(':').map(|(_, password)| password).filter(|password| !password.is_empty())
}

/// What is the secret's alone in base64, where so many bytes stand before it.
fn in_base64(secret: &[u8], before: usize) -> Needle {
    let bytes = Zeroizing::new([&vec![0; before], secret].concat());
    let text = Zeroizing::new(STANDARD_NO_PAD.encode(&*bytes).into_bytes());
    let from = [0, 2, 3][before];
    let to = if bytes.len().is_multiple_of(3) { text.len() } else { text.len() - 1 };
    Zeroizing::new(text[from..to].to_vec())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn masked(secrets: &[&str], text: &str) -> String {
        let secrets: Vec<Secret> = secrets.iter().map(|text| Secret::from_text((*text).to_owned())).collect();
        String::from_utf8(Masks::of(&secrets).mask(text.as_bytes(), false).into_owned()).unwrap()
    }

    #[test]
    fn a_secret_goes_whole_encoded_and_where_it_lies_over_another() {
        let secret = "s3cr&t canary";
        assert_eq!(masked(&[secret], "key=s3cr&t canary!"), "key=[secret removed]!");
        assert_eq!(masked(&[secret], "?key=s3cr%26t%20canary&x"), "?key=[secret removed]&x");
        assert_eq!(masked(&["a\"long\\one"], r#"{"key":"a\"long\\one"}"#), r#"{"key":"[secret removed]"}"#);
        for before in ["", "x", "xy"] {
            let encoded = STANDARD_NO_PAD.encode(format!("{before}{secret}:end"));
            assert!(masked(&[secret], &encoded).contains(MASKED), "{encoded}");
        }
        assert_eq!(masked(&["abcdef", "defghi"], "1abcdefghi2"), "1[secret removed]2");
        assert_eq!(masked(&["abcdef"], "abcdefabcdef"), "[secret removed]");
        assert_eq!(masked(&["postgres://app:pa%24s@db/x"], "password pa$s"), "password [secret removed]");
    }

    #[test]
    fn short_ones_go_only_as_words_and_nothing_goes_without_one() {
        assert_eq!(masked(&["42"], "42 of 1428, not 42nd"), "[secret removed] of 1428, not 42nd");
        assert_eq!(masked(&[""], "as it is"), "as it is");
        assert_eq!(masked(&[], "as it is"), "as it is");
    }

    #[test]
    fn of_a_value_with_several_lines_each_goes_by_itself() {
        let key = "-----BEGIN KEY-----\nMIIEpAIBAAKCAQEA\nZg9=\n-----END KEY-----\n";
        assert_eq!(masked(&[key], "  MIIEpAIBAAKCAQEA"), "  [secret removed]");
        assert_eq!(masked(&[key], "Zg9="), "[secret removed]");
        assert_eq!(masked(&[key], "a Zg9= b"), "a Zg9= b");
    }

    #[test]
    fn at_a_cut_its_beginning_goes_too() {
        let secret = Secret::from_text("canary-of-many-letters".to_owned());
        let masks = Masks::of([&secret]);
        assert_eq!(&*masks.mask(b"x canary-of-m", true), b"x [secret removed]");
        assert_eq!(&*masks.mask(b"x canary-of-m", false), b"x canary-of-m");
        assert_eq!(&*masks.mask(b"x can", true), b"x can");
    }
}
