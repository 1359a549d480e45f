//! Secrets that Stoa knows, found whole, in pieces, in other writing, and across the ends of lines.

use std::collections::HashSet;

use stoa_domain::Secret;
use stoa_domain::written::{Written as Needle, forms};
use zeroize::{Zeroize as _, Zeroizing};

use super::{Mask, Removed};

/// Secrets that are shorter go only where they stand as a word of their own: they are parts of too many others.
const SHORT: usize = 4;
/// From this length on one is found across blanks and the ends of lines.
const SPREAD: usize = 8;
/// From these lengths on a piece of so many bytes is enough.
const PIECES: [(usize, usize); 2] = [(24, 12), (12, 8)];

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
            // As a URL's own rules write its password, which may be otherwise than it stands there.
            let url = secret.reveal_text().and_then(|text| url::Url::parse(text).ok());
            if let Some(password) = url.as_ref().and_then(url::Url::password) {
                forms(password.as_bytes()).into_iter().for_each(|form| known.add(form));
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
