//! Which values are secret, and which were: what was written before one was secret, or while it was, stays without it
//! when it is replaced.

use std::collections::{HashSet, VecDeque};

use stoa_domain::Secret;

use super::mask::Masks;

/// Bytes of values that were secret, at most: all those that an instance may have are 256 KiB together. Each counts for so
/// much more than its own length, because it is looked for in many forms.
const MOST: usize = 512 * 1024;
const BESIDE: usize = 256;

/// Those that were secret the longest ago first. It has no `Debug`.
#[derive(Default)]
pub struct Secrets(VecDeque<Secret>);

impl Secrets {
    /// Those that were kept, in their order.
    pub fn kept(secrets: Vec<Secret>) -> Self {
        Self(secrets.into())
    }

    /// Takes over which are secret now. Those that were stay, but for the oldest where they are too many. Whether others
    /// are left out than before.
    pub fn renew<'s>(&mut self, now: impl IntoIterator<Item = &'s Secret>) -> bool {
        let mut seen = HashSet::new();
        let now: Vec<&Secret> = now
            .into_iter()
            .filter(|secret| !secret.reveal().is_empty() && seen.insert(secret.reveal()))
            .collect();
        let before = self.0.len();
        self.0.retain(|secret| !seen.contains(secret.reveal()));
        let is_other = self.0.len() + now.len() != before;
        let mut room = MOST;
        let stay = self.0.iter().rev().take_while(|secret| {
            let left = room.checked_sub(secret.reveal().len() + BESIDE);
            room = left.unwrap_or(0);
            left.is_some()
        });
        let beyond = self.0.len() - stay.count();
        self.0.drain(..beyond);
        self.0.extend(now.into_iter().cloned());
        is_other || beyond > 0
    }

    pub fn masks(&self) -> Masks {
        Masks::of(&self.0)
    }

    pub fn iter(&self) -> impl Iterator<Item = &Secret> {
        self.0.iter()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secret(text: &str) -> Secret {
        Secret::from_text(text.to_owned())
    }

    #[test]
    fn what_was_secret_stays_until_too_much_was_since() {
        let mut secrets = Secrets::default();
        let [one, other] = ["the-first-value", "the-second-value"].map(secret);
        assert!(secrets.renew([&one, &one, &secret("")]));
        assert!(!secrets.renew([&one]));
        assert!(secrets.renew([&other]));
        assert!(!secrets.renew([]), "nothing is left out that wasn't before, and nothing shown");
        assert!(secrets.masks().is_in(b"the-first-value") && secrets.masks().is_in(b"the-second-value"));
        assert!(!secrets.renew([&one]));
        // What is secret now doesn't count, however much it is; what was last is the last to go.
        let long = secret(&"x".repeat(MOST));
        assert!(secrets.renew([&one, &long]));
        assert!(secrets.renew([&secret("new")]), "it is too long to be kept");
        assert_eq!(secrets.iter().count(), 1, "and what is older goes before it");
        for number in 'a'..='l' {
            secrets.renew([&secret(&number.to_string().repeat(64 * 1024))]);
        }
        let held: Vec<u8> = secrets.iter().map(|secret| secret.reveal()[0]).collect();
        assert_eq!(held, b"efghijkl", "seven that were, and the one that is");
    }
}
