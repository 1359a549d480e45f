//! Names that people give: to accounts, workspaces, projects, instances, servers and tokens.

use unicode_normalization::UnicodeNormalization;

use crate::branch::{is_invisible, is_selector};

/// Longest name, in characters.
pub const LONGEST: usize = 80;

/// A name: normalised (NFC), trimmed, runs of white space folded to one space, 1 to 80 characters, nothing
/// that can't be seen.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Name(String);

impl Name {
    /// # Errors
    /// A sentence that says what is wrong with the name.
    pub fn parse(text: &str) -> Result<Self, &'static str> {
        // White space is folded first, so a line break is never taken for a control character.
        let folded = text.nfc().collect::<String>().split_whitespace().collect::<Vec<_>>().join(" ");
        if folded.is_empty() {
            return Err("Give a name of 1 to 80 characters.");
        }
        if folded.chars().count() > LONGEST {
            return Err("A name has at most 80 characters.");
        }
        if folded.chars().any(|c| c.is_control() || is_invisible(c)) || selects_nothing(&folded) {
            return Err("A name can't contain characters that aren't visible.");
        }
        Ok(Self(folded))
    }

    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    #[must_use]
    pub fn into_string(self) -> String {
        self.0
    }
}

/// Whether a selector stands behind what it can't make a picture of: there it is an invisible letter.
fn selects_nothing(text: &str) -> bool {
    let before = std::iter::once('\0').chain(text.chars());
    text.chars()
        .zip(before)
        .any(|(c, before)| is_selector(c) && (before.is_alphabetic() || before < '\u{a9}'))
}

/// What stands for a name where there is no picture: the first letter of its first word, and of its last one.
#[must_use]
pub fn initials(name: &str) -> String {
    let mut words = name
        .split(|letter: char| letter.is_whitespace() || ".@_-".contains(letter))
        .filter(|word| !word.is_empty());
    let first = words.next().and_then(|word| word.chars().next()).unwrap_or('?');
    let last = words.next_back().and_then(|word| word.chars().next());
    [Some(first), last].into_iter().flatten().flat_map(char::to_uppercase).collect()
}

/// What things are sorted by that have this name: as people read, whatever the case of its letters and their accents, other
/// scripts by how they are written in Latin letters, and numbers by their size. The same on every database, since it is
/// made here.
#[must_use]
pub fn sorted_as(name: &str) -> String {
    let letters = any_ascii::any_ascii(name).to_ascii_lowercase();
    let mut sorted = String::with_capacity(letters.len() + 4);
    let mut rest = letters.as_str();
    while let Some(at) = rest.find(|letter: char| letter.is_ascii_digit()) {
        let (before, from) = rest.split_at(at);
        let length = from.find(|letter: char| !letter.is_ascii_digit()).unwrap_or(from.len());
        let (number, behind) = from.split_at(length);
        let number = number.trim_start_matches('0');
        sorted.push_str(before);
        // A longer number is a larger one, and a letter may come to several digits: so many that three count them.
        sorted.push_str(&format!("{:03}{number}", number.len().min(999)));
        rest = behind;
    }
    sorted.push_str(rest);
    sorted
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn initials_are_of_the_first_and_the_last_word() {
        assert_eq!(initials("Acme Studio for Design"), "AD");
        assert_eq!(initials("ünïcode"), "Ü");
        assert_eq!(initials("shop-production"), "SP");
        assert_eq!(initials(" - "), "?");
    }

    #[test]
    fn names_are_sorted_as_people_read() {
        let mut names = ["Zebra", "apple", "\u{c4}pfel", "apple pie", "\u{43c}\u{438}\u{440}", "Banana"];
        names.sort_by_key(|name| sorted_as(name));
        let read = ["\u{c4}pfel", "apple", "apple pie", "Banana", "\u{43c}\u{438}\u{440}", "Zebra"];
        assert_eq!(names, read);
    }

    #[test]
    fn numbers_in_names_are_sorted_by_their_size() {
        let read = [
            "shop",
            "shop 0",
            "Shop 2",
            "shop 02 b",
            "shop 10",
            "shop 10.9",
            "shop 10.10",
            "shop 99999999999999999999",
            "shop a",
        ];
        let mut names = read;
        names.reverse();
        names.sort_by_key(|name| sorted_as(name));
        assert_eq!(names, read);
        assert!(sorted_as("v1") < sorted_as("v\u{662}") && sorted_as("v\u{662}") < sorted_as("v10"));
    }

    #[test]
    fn a_name_is_trimmed_folded_and_composed() {
        assert_eq!(Name::parse("  Ünïcode \n GmbH ").map(Name::into_string), Ok("Ünïcode GmbH".to_owned()));
        assert!(Name::parse(" \t").is_err());
        assert!(Name::parse(&"x".repeat(81)).is_err());
        assert!(Name::parse("a\u{0}b").is_err());
    }

    #[test]
    fn two_names_that_look_alike_are_one() {
        for unseen in
            "\u{202e}\u{200b}\u{2800}\u{3164}\u{ffa0}\u{034f}\u{17b4}\u{fe0e}\u{fe0f}\u{e0041}\u{e0100}"
                .chars()
        {
            assert!(Name::parse(&format!("Owner{unseen} One")).is_err(), "{unseen:?}");
            assert!(Name::parse(&unseen.to_string()).is_err(), "{unseen:?}");
        }
        assert_eq!(
            Name::parse("Acme \u{2764}\u{fe0f}").map(Name::into_string),
            Ok("Acme \u{2764}\u{fe0f}".to_owned())
        );
    }
}
