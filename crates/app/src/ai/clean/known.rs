//! Secrets that Stoa knows, found whole, in pieces, in other writing, and across the ends of lines.

use std::collections::HashSet;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use stoa_domain::Secret;
use zeroize::{Zeroize as _, Zeroizing};

use super::{Mask, Removed};

/// Secrets that are shorter go only where they stand as a word of their own: they are parts of too many others.
const SHORT: usize = 4;
/// From this length on one is found across blanks and the ends of lines.
const SPREAD: usize = 8;
/// From these lengths on a piece of so many bytes is enough.
const PIECES: [(usize, usize); 2] = [(24, 12), (12, 8)];

/// One form of a secret, without blanks.
type Needle = Zeroizing<Vec<u8>>;

#[derive(Default)]
pub(super) struct Known {
    words: Vec<Needle>,
    needles: Vec<Needle>,
    spread: Vec<Needle>,
    /// Pieces by their length.
    pieces: [HashSet<Vec<u8>>; PIECES.len()],
}

impl Drop for Known {
    fn drop(&mut self) {
        for mut piece in self.pieces.iter_mut().flat_map(HashSet::drain) {
            piece.zeroize();
        }
    }
}

impl Known {
    pub(super) fn of(secrets: &[Secret]) -> Self {
        let mut known = Self::default();
        for secret in secrets {
            for form in forms(secret.reveal()) {
                known.add(form);
            }
        }
        known
    }

    fn add(&mut self, form: Needle) {
        let compact: Needle =
            Zeroizing::new(form.iter().copied().filter(|byte| !byte.is_ascii_whitespace()).collect());
        match compact.len() {
            0 => {}
            1..SHORT => self.words.push(form),
            SHORT..SPREAD => self.needles.push(form),
            length => {
                let found = PIECES.iter().zip(&mut self.pieces).find(|((from, _), _)| length >= *from);
                if let Some(((_, size), pieces)) = found {
                    pieces.extend(compact.windows(*size).map(<[u8]>::to_vec));
                }
                self.spread.push(compact);
            }
        }
    }

    pub(super) fn mark(&self, text: &str, mask: &mut Mask) {
        let bytes = text.as_bytes();
        for word in &self.words {
            for at in occurrences(bytes, word) {
                let before = at.checked_sub(1).and_then(|before| bytes.get(before));
                let is_word = [before, bytes.get(at + word.len())]
                    .into_iter()
                    .all(|beside| beside.is_none_or(|byte| !byte.is_ascii_alphanumeric()));
                if is_word {
                    mask.take(at, at + word.len(), Removed::Secret);
                }
            }
        }
        for needle in &self.needles {
            for at in occurrences(bytes, needle) {
                mask.take(at, at + needle.len(), Removed::Secret);
            }
        }
        if self.spread.is_empty() {
            return;
        }
        let places: Vec<usize> = (0..bytes.len()).filter(|at| !bytes[*at].is_ascii_whitespace()).collect();
        let compact: Zeroizing<Vec<u8>> = Zeroizing::new(places.iter().map(|at| bytes[*at]).collect());
        let mut take = |at: usize, length: usize| {
            if let (Some(from), Some(to)) = (places.get(at), places.get(at + length - 1)) {
                mask.take(*from, to + 1, Removed::Secret);
            }
        };
        for needle in &self.spread {
            for at in occurrences(&compact, needle) {
                take(at, needle.len());
            }
        }
        for ((_, size), pieces) in PIECES.iter().zip(&self.pieces) {
            if pieces.is_empty() {
                continue;
            }
            for (at, window) in compact.windows(*size).enumerate() {
                if pieces.contains(window) {
                    take(at, *size);
                }
            }
        }
    }
}

fn occurrences<'b>(text: &'b [u8], needle: &'b [u8]) -> impl Iterator<Item = usize> + 'b {
    let first = needle.first().copied();
    (0..text.len()).filter(move |at| first == text.get(*at).copied() && text[*at..].starts_with(needle))
}

/// A secret as it is, and as logs write it: encoded for URLs, for JSON, in base64 and in hex; and the password of one that
/// is a URL.
fn forms(secret: &[u8]) -> Vec<Needle> {
    let mut forms = vec![Zeroizing::new(secret.to_vec())];
    if let Ok(text) = std::str::from_utf8(secret) {
        if let Some(password) = url::Url::parse(text).ok().as_ref().and_then(url::Url::password) {
            forms.push(Zeroizing::new(password.as_bytes().to_vec()));
            forms.push(decoded(password));
        }
        let percent: String = url::form_urlencoded::byte_serialize(secret).collect();
        forms.push(Zeroizing::new(percent.replace('+', "%20").into_bytes()));
        forms.push(Zeroizing::new(percent.into_bytes()));
        if let Ok(json) = serde_json::to_string(text) {
            forms.push(Zeroizing::new(json.trim_matches('"').as_bytes().to_vec()));
        }
    }
    if secret.len() >= SPREAD {
        forms.extend((0..3).map(|before| in_base64(secret, before)));
        forms.push(Zeroizing::new(
            secret.iter().flat_map(|byte| format!("{byte:02x}").into_bytes()).collect(),
        ));
    }
    forms.sort_unstable_by(|one, other| one.as_slice().cmp(other.as_slice()));
    forms.dedup();
    forms
}

fn decoded(password: &str) -> Needle {
    // A form's only pair: what stands behind the `=` is decoded.
    let pair = Zeroizing::new(format!("p={}", password.replace('+', "%2B")));
    let value = url::form_urlencoded::parse(pair.as_bytes()).next().map(|(_, value)| value.into_owned());
    Zeroizing::new(value.unwrap_or_default().into_bytes())
}

/// What is the secret's alone in base64, where so many bytes stand before it.
fn in_base64(secret: &[u8], before: usize) -> Needle {
    let bytes = Zeroizing::new([&vec![0; before], secret].concat());
    let text = Zeroizing::new(STANDARD_NO_PAD.encode(&*bytes).into_bytes());
    let from = [0, 2, 3][before];
    let to = if bytes.len().is_multiple_of(3) { text.len() } else { text.len() - 1 };
    Zeroizing::new(text[from..to].to_vec())
}
