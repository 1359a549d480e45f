//! Names that people give: to accounts, workspaces, projects, instances, servers and tokens.

use unicode_normalization::UnicodeNormalization;

use crate::branch::is_invisible;

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
        if folded.chars().any(|c| c.is_control() || is_invisible(c)) {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_trimmed_folded_and_composed() {
        assert_eq!(Name::parse("  Ünïcode \n GmbH ").map(Name::into_string), Ok("Ünïcode GmbH".to_owned()));
        assert!(Name::parse(" \t").is_err());
        assert!(Name::parse(&"x".repeat(81)).is_err());
        assert!(Name::parse("a\u{0}b").is_err());
        assert!(Name::parse("abc\u{202e}def").is_err());
    }
}
