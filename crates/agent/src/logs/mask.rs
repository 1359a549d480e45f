//! Secrets of an instance in what is written and shown of its logs: they go, also in the usual encodings, line by line
//! where a value has several, and at the end of a line that was cut in the middle of one.

use std::borrow::Cow;
use std::fmt;
use std::ops::Range;
use std::sync::OnceLock;

use aho_corasick::{AhoCorasick, AhoCorasickKind, MatchKind};
use stoa_domain::Secret;
use stoa_domain::written::{LONG, Written as Needle, forms};
use zeroize::Zeroizing;

/// What stands in the place of a secret.
pub const MASKED: &str = "[secret removed]";

/// Secrets that are shorter go only where they stand as a word of their own: they are parts of too many others.
const SHORT: usize = 4;
/// Bytes of a needle that all are looked for by at once: the rest of one is looked for only where its beginning is.
const BEGINNING: usize = 64;

/// Which secrets those are. It has no `Debug` that shows them.
#[derive(Default)]
pub struct Masks {
    /// In order, so that those with the same beginning lie side by side.
    needles: Vec<Needle>,
    /// Made when it is first needed.
    seek: OnceLock<Seek>,
    words: Vec<Needle>,
    /// Short lines of values with several: they go where a line of the log is nothing else.
    lines: Vec<Needle>,
}

/// Finds the beginnings of all needles at once.
struct Seek {
    /// `None` where it can't be made: then each needle is looked for by itself.
    all: Option<AhoCorasick>,
    of: Vec<Alike>,
}

/// Needles that begin alike.
struct Alike {
    needles: Range<usize>,
    /// Whether the beginning is all of one.
    has_short: bool,
}

impl Seek {
    fn of(needles: &[Needle]) -> Self {
        let beginning = |at: usize| &needles[at][..needles[at].len().min(BEGINNING)];
        let mut of: Vec<Alike> = Vec::new();
        for (at, needle) in needles.iter().enumerate() {
            let is_short = needle.len() <= BEGINNING;
            match of.last_mut() {
                Some(last) if beginning(last.needles.start) == beginning(at) => {
                    last.needles.end = at + 1;
                    last.has_short |= is_short;
                }
                _ => of.push(Alike { needles: at..at + 1, has_short: is_short }),
            }
        }
        // All matches count: one secret may begin within another. The small kind: there may be one for each instance.
        let all = AhoCorasick::builder()
            .match_kind(MatchKind::Standard)
            .kind(Some(AhoCorasickKind::ContiguousNFA))
            .build(of.iter().map(|alike| beginning(alike.needles.start)));
        Self { all: all.ok(), of }
    }
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
        self.needles.is_empty() && self.words.is_empty() && self.lines.is_empty()
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
        let mut found = Found::default();
        self.find_needles(text, &mut found);
        for word in &self.words {
            for at in memchr::memmem::find_iter(text, word.as_slice()) {
                let before = at.checked_sub(1).and_then(|before| text.get(before));
                let mut beside = [before, text.get(at + word.len())].into_iter();
                if beside.all(|byte| byte.is_none_or(|byte| !byte.is_ascii_alphanumeric())) {
                    found.take(at, at + word.len());
                }
            }
        }
        if self.lines.iter().any(|line| text.trim_ascii() == line.as_slice()) {
            found.take(0, text.len());
        }
        if is_cut {
            let ends = self.needles.iter().map(|needle| begun_at_end(text, needle));
            if let Some(length) = ends.max().filter(|length| *length >= SHORT) {
                found.take(text.len() - length, text.len());
            }
        }
        found.places
    }

    fn find_needles(&self, text: &[u8], found: &mut Found) {
        if self.needles.is_empty() {
            return;
        }
        let Seek { all, of } = self.seek.get_or_init(|| Seek::of(&self.needles));
        let Some(all) = all else {
            for needle in &self.needles {
                find_all(text, needle, found);
            }
            return;
        };
        // Where those that begin alike, and are longer, begin for the first time.
        let mut begun: Vec<Option<usize>> = vec![None; of.len()];
        for hit in all.find_overlapping_iter(text) {
            if of[hit.pattern().as_usize()].has_short {
                found.take(hit.start(), hit.end());
            }
            begun[hit.pattern().as_usize()].get_or_insert(hit.start());
        }
        for (alike, from) in of.iter().zip(begun) {
            let Some(from) = from else { continue };
            for needle in self.needles[alike.needles.clone()].iter().filter(|one| one.len() > BEGINNING) {
                let mut here = Found::default();
                find_all(&text[from..], needle, &mut here);
                for (start, end) in here.places {
                    found.take(from + start, from + end);
                }
            }
        }
    }
}

/// Places in a text. Those that lie over each other are one, so that there are never more than bytes.
#[derive(Default)]
struct Found {
    places: Vec<(usize, usize)>,
}

impl Found {
    /// Of one search the ends ascend. Where another begins anew, `mask` puts them together.
    fn take(&mut self, mut from: usize, to: usize) {
        while let Some((start, end)) = self.places.last().copied() {
            if start > to || end < from || end > to {
                break;
            }
            from = from.min(start);
            self.places.pop();
        }
        self.places.push((from, to));
    }
}

/// How much of the beginning of a needle is the end of what is shown so far, byte by byte (Knuth, Morris and Pratt).
struct Begun<'n> {
    needle: &'n [u8],
    /// Of each beginning of it, how much of its end is a shorter beginning.
    back: Vec<usize>,
    length: usize,
}

impl<'n> Begun<'n> {
    fn new(needle: &'n [u8]) -> Self {
        let mut back = vec![0; needle.len()];
        let mut length = 0;
        for at in 1..needle.len() {
            while length > 0 && needle[at] != needle[length] {
                length = back[length - 1];
            }
            length += usize::from(needle[at] == needle[length]);
            back[at] = length;
        }
        Self { needle, back, length: 0 }
    }

    fn step(&mut self, byte: u8) -> usize {
        if self.length == self.needle.len() {
            self.length = self.back[self.length - 1];
        }
        while self.length > 0 && byte != self.needle[self.length] {
            self.length = self.back[self.length - 1];
        }
        self.length += usize::from(byte == self.needle[self.length]);
        self.length
    }
}

/// All places of a needle that isn't empty, also those over each other, in one pass.
fn find_all(text: &[u8], needle: &[u8], found: &mut Found) {
    let mut begun = Begun::new(needle);
    for (at, byte) in text.iter().enumerate() {
        if begun.step(*byte) == needle.len() {
            found.take(at + 1 - needle.len(), at + 1);
        }
    }
}

/// Bytes at the end of the text with which a needle begins, that doesn't end there.
fn begun_at_end(text: &[u8], needle: &[u8]) -> usize {
    let most = needle.len().saturating_sub(1).min(text.len());
    let mut begun = Begun::new(needle);
    text[text.len() - most..].iter().fold(0, |_, byte| begun.step(*byte))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD_NO_PAD;

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

    #[test]
    fn what_browsers_and_libraries_encode_goes_too() {
        let secret = "a-b_c.d~e f/g+h&i";
        for written in [
            "a-b_c.d~e%20f%2Fg%2Bh%26i",
            "a-b_c.d~e%20f%2fg%2bh%26i",
            "a-b_c.d~e+f%2Fg%2Bh%26i",
            "a-b_c.d~e%20f/g%2Bh%26i",
            r"a-b_c.d~e f\/g+h&i",
            r"a-b_c.d~e f/g+h\u0026i",
            "612D625F632E647E6520662F672B682669",
        ] {
            assert_eq!(masked(&[secret], &format!("<{written}>")), "<[secret removed]>", "{written}");
        }
        assert_eq!(masked(&["?>xy~~zz~~"], "Bearer Pz54eX5-enp-fg"), "Bearer [secret removed]g");
    }

    #[test]
    fn a_long_value_goes_whole_wherever_it_begins_and_its_beginning_alone_stays() {
        let long: String = (0..4_000).map(|at| format!("{at:x}.")).collect();
        let (same, other) = (format!("{}one", &long[..100]), format!("{}two", &long[..100]));
        let secrets = [long.as_str(), same.as_str(), other.as_str()];
        assert_eq!(
            masked(&secrets, &format!("<{long}>{same},{other}|")),
            "<[secret removed]>[secret removed],[secret removed]|"
        );
        assert_eq!(masked(&secrets, &long[..90]), long[..90]);
        // What is begun and broken off doesn't hide what comes behind it.
        assert_eq!(
            masked(&secrets, &format!("{}{long}", &long[..80])),
            format!("{}[secret removed]", &long[..80])
        );
        let again = "ab".repeat(100);
        assert_eq!(masked(&[&again], &format!("ab{again}a")), "[secret removed]a");
    }

    #[test]
    fn what_is_found_is_no_more_than_was_written_and_what_is_kept_is_small() {
        let many: Vec<Secret> = (4..300).map(|length| Secret::from_text("a".repeat(length))).collect();
        let masks = Masks::of(&many);
        let found = masks.found(&vec![b'a'; 64 * 1024], false);
        assert!(found.len() < 1_000, "{}", found.len());
        assert_eq!(&*masks.mask(&vec![b'a'; 64 * 1024], false), MASKED.as_bytes());

        let long: String = (0..10_000).map(|at| format!("{at:x}+")).collect();
        let masks = Masks::of([&Secret::from_text(long[..32 * 1024].to_owned())]);
        assert!(masks.seek.get().is_none(), "it is made only when it is needed");
        assert!(!masks.is_in(b"nothing"));
        let kept = masks.seek.get().unwrap().all.as_ref().unwrap().memory_usage();
        assert!(kept < 256 * 1024, "{kept}");
    }
}
