//! What leaves for a model provider, without secrets: those that Stoa knows, and what looks like one.
//!
//! Known secrets go whole, in pieces, in the usual encodings, and across the ends of lines. It would rather take out too
//! much than too little: an explanation survives a word that is missing.

mod known;
mod looks;
mod places;
mod shape;
#[cfg(test)]
mod tests;

use stoa_domain::Secret;

use known::Known;

/// What was taken out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Removed {
    /// A secret that Stoa keeps.
    Secret,
    Password,
    Token,
    PrivateKey,
    Cookie,
}

impl Removed {
    pub(super) const ALL: [Self; 5] =
        [Self::Secret, Self::Password, Self::Token, Self::PrivateKey, Self::Cookie];

    /// What stands in its place, without its brackets.
    #[must_use]
    pub const fn words(self) -> &'static str {
        match self {
            Self::Secret => "secret removed",
            Self::Password => "password removed",
            Self::Token => "token removed",
            Self::PrivateKey => "private key removed",
            Self::Cookie => "cookie removed",
        }
    }
}

/// A part of a line: text that stays, or what something was.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Piece {
    Text(String),
    Removed(Removed),
}

/// A line in pieces as one text.
#[must_use]
pub fn joined(pieces: &[Piece]) -> String {
    let text = |piece: &Piece| match piece {
        Piece::Text(text) => text.clone(),
        Piece::Removed(what) => format!("[{}]", what.words()),
    };
    pieces.iter().map(text).collect()
}

/// What is to go, byte by byte of a text.
struct Mask(Vec<Option<Removed>>);

impl Mask {
    /// Marks a range. What was marked before keeps its word: the first is the more certain one.
    fn take(&mut self, from: usize, to: usize, what: Removed) {
        let end = to.min(self.0.len());
        for mark in self.0.get_mut(from..end).into_iter().flatten() {
            mark.get_or_insert(what);
        }
    }
}

/// Takes secrets out of lines.
pub struct Cleaner {
    known: Known,
}

impl Cleaner {
    /// With the secrets that Stoa knows of what is looked at.
    #[must_use]
    pub fn new(secrets: &[Secret]) -> Self {
        Self { known: Known::of(secrets) }
    }

    /// The lines, each in pieces; as many as there were. Terminals' sequences and control characters are gone too.
    #[must_use]
    pub fn lines<'l>(&self, lines: impl IntoIterator<Item = &'l str>) -> Vec<Vec<Piece>> {
        let lines: Vec<String> = lines.into_iter().map(shape::plain).collect();
        let text = lines.join("\n");
        let mut mask = Mask(vec![None; text.len()]);
        self.known.mark(&text, &mut mask);
        looks::mark(&text, &mut mask);
        let mut found = Vec::with_capacity(lines.len());
        let mut from = 0;
        for line in &lines {
            found.push(pieces(line, mask.0.get(from..from + line.len()).unwrap_or_default()));
            from += line.len() + 1;
        }
        found
    }

    /// One text, its lines kept.
    #[must_use]
    pub fn text(&self, text: &str) -> String {
        let lines: Vec<String> = self.lines(text.split('\n')).iter().map(|line| joined(line)).collect();
        lines.join("\n")
    }
}

/// A letter goes where any of its bytes does.
fn pieces(line: &str, mask: &[Option<Removed>]) -> Vec<Piece> {
    let mut pieces = Vec::new();
    for (at, letter) in line.char_indices() {
        let bytes = mask.get(at..at + letter.len_utf8()).unwrap_or_default();
        match (bytes.iter().flatten().next(), pieces.last_mut()) {
            // What lies side by side is one to whoever reads it.
            (Some(_), Some(Piece::Removed(_))) => {}
            (Some(what), _) => pieces.push(Piece::Removed(*what)),
            (None, Some(Piece::Text(text))) => text.push(letter),
            (None, _) => pieces.push(Piece::Text(letter.to_string())),
        }
    }
    pieces
}
