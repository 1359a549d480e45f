//! Where the secrets of a text are, so that they can be put back into what is made of it.

use std::ops::Range;

use super::{Cleaner, Mask, Removed, looks, shape};

impl Cleaner {
    /// The bytes of a text that don't leave: in order, apart from each other, none across the end of a line. The text
    /// itself stays as it is; what isn't seen in it hides nothing, and goes with the secret that it stands in.
    #[must_use]
    pub(in crate::ai) fn places(&self, text: &str) -> Vec<(Range<usize>, Removed)> {
        let mut plain = String::with_capacity(text.len());
        // Of each byte of the plain text, where its letter begins in the text.
        let mut begins: Vec<usize> = Vec::with_capacity(text.len());
        for (at, letter) in text.char_indices() {
            let shown = match letter {
                '\n' => '\n',
                '\t' => ' ',
                _ if letter.is_control() || shape::is_unseen(letter) => continue,
                _ => letter,
            };
            plain.push(shown);
            begins.resize(plain.len(), at);
        }
        let mut mask = Mask(vec![None; plain.len()]);
        self.known.mark(&plain, &mut mask);
        looks::mark(&plain, &mut mask);
        let mut found: Vec<(Range<usize>, Removed)> = Vec::new();
        // Where the last letter that goes has ended.
        let mut ended = usize::MAX;
        for (at, letter) in plain.char_indices() {
            let to = at + letter.len_utf8();
            let marks = mask.0.get(at..to).unwrap_or_default();
            let (Some(what), Some(begin)) = (marks.iter().flatten().next(), begins.get(at)) else { continue };
            if letter == '\n' {
                continue;
            }
            let end = begin + text[*begin..].chars().next().map_or(0, char::len_utf8);
            match found.last_mut().filter(|_| ended == at) {
                Some((range, _)) => range.end = end,
                None => found.push((*begin..end, *what)),
            }
            ended = to;
        }
        found
    }
}

#[cfg(test)]
mod tests {
    use stoa_domain::Secret;

    use super::*;

    fn gone(secrets: &[&str], text: &str) -> Vec<String> {
        let secrets: Vec<Secret> = secrets.iter().map(|one| Secret::from_text((*one).to_owned())).collect();
        Cleaner::new(&secrets).places(text).into_iter().map(|(range, _)| text[range].to_owned()).collect()
    }

    #[test]
    fn what_is_known_and_what_looks_like_a_secret_is_found_where_it_stands() {
        let text = "\tkey = 'Quiet/Lantern+4711'  # ü\n\tpassword = \"autumn-rain\"\nplain = 1\n";
        assert_eq!(gone(&["Quiet/Lantern+4711"], text), ["Quiet/Lantern+4711", "autumn-rain"]);
        assert!(gone(&["Quiet/Lantern+4711"], "nothing\n\there\n").is_empty());
    }

    #[test]
    fn nothing_that_isnt_seen_hides_one() {
        let text = "a = 'Quiet\u{200b}/Lan\u{ad}tern+4711'\n";
        assert_eq!(gone(&["Quiet/Lantern+4711"], text), ["Quiet\u{200b}/Lan\u{ad}tern+4711"]);
    }

    #[test]
    fn one_of_several_lines_is_found_line_by_line() {
        let key = "-----BEGIN PRIVATE KEY-----\nMIIB\n-----END PRIVATE KEY-----";
        assert_eq!(gone(&[], &format!("a\n{key}\nb")), key.split('\n').collect::<Vec<_>>());
    }
}
