//! Slugs: the short names that stand in addresses.

use std::fmt;

use sha2::{Digest, Sha256};

/// 2 to 40 of `a-z 0-9 -`, starting and ending with a letter or digit, no double hyphen.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Slug(String);

/// Why a text can't be a slug.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SlugProblem {
    Invalid,
    Reserved,
}

/// Words that are no workspace's slug, now and for ever. Each first segment the router registers is among
/// them; a test compares.
pub const RESERVED: &[&str] = &[
    "about",
    "account",
    "admin",
    "administration",
    "agent",
    "agents",
    "api",
    "assets",
    "connect",
    "docs",
    "download",
    "favicon",
    "git",
    "health",
    "help",
    "hooks",
    "install",
    "internal",
    "invitations",
    "join",
    "legal",
    "login",
    "logout",
    "mail",
    "manifest",
    "me",
    "metrics",
    "new",
    "null",
    "oauth",
    "oidc",
    "reset",
    "robots",
    "saml",
    "scim",
    "security",
    "session",
    "sessions",
    "settings",
    "setup",
    "static",
    "status",
    "stoa",
    "support",
    "sw",
    "undefined",
    "visit",
    "webhooks",
    "well-known",
    "workspaces",
    "www",
];

/// Words that are no slug of a project, an instance or a server.
pub const RESERVED_INSIDE: &[&str] = &["new", "settings"];

impl Slug {
    /// # Errors
    /// What is wrong with `text` as a workspace's slug.
    pub fn of_workspace(text: &str) -> Result<Self, SlugProblem> {
        Self::checked(text, RESERVED)
    }

    /// # Errors
    /// What is wrong with `text` as the slug of a project, an instance or a server.
    pub fn of_resource(text: &str) -> Result<Self, SlugProblem> {
        Self::checked(text, RESERVED_INSIDE)
    }

    fn checked(text: &str, reserved: &[&str]) -> Result<Self, SlugProblem> {
        if !well_formed(text) {
            return Err(SlugProblem::Invalid);
        }
        if reserved.contains(&text) {
            return Err(SlugProblem::Reserved);
        }
        Ok(Self(text.to_owned()))
    }

    /// The plain slug of a name in any script: `Ünïcode GmbH` gives `unicode-gmbh`. A name without a usable
    /// letter gives `team-` and six letters of its hash. The result may still be reserved or taken.
    #[must_use]
    pub fn plain_of(name: &str) -> String {
        let mut slug = String::new();
        let mut word_ended = false;
        let mut last_was_wide = false;
        for character in name.chars() {
            // Each sign of a script without letters is a syllable or a word of its own: kept apart they read.
            let wide = !character.is_ascii() && is_ideograph(character);
            if wide && last_was_wide {
                word_ended = true;
            }
            last_was_wide = wide;
            let latin = any_ascii::any_ascii_char(character);
            if latin.is_empty() {
                continue;
            }
            for c in latin.chars() {
                if c.is_ascii_alphanumeric() {
                    if word_ended && !slug.is_empty() {
                        slug.push('-');
                    }
                    word_ended = false;
                    slug.push(c.to_ascii_lowercase());
                } else if c != '\'' {
                    word_ended = true;
                }
            }
        }
        slug.truncate(40);
        let slug = slug.trim_end_matches('-');
        if well_formed(slug) { slug.to_owned() } else { fallback(name) }
    }

    /// `slug`, made another by a number: `shop` → `shop-2`. Cut so that the whole stays within 40.
    #[must_use]
    pub fn numbered(slug: &str, number: u32) -> String {
        let ending = format!("-{number}");
        let mut stem = slug.to_owned();
        stem.truncate(40 - ending.len());
        format!("{}{ending}", stem.trim_end_matches('-'))
    }

    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

fn fallback(name: &str) -> String {
    let hash = Sha256::digest(name.as_bytes());
    let letters: String = hash.iter().take(6).map(|byte| char::from(b'a' + byte % 26)).collect();
    format!("team-{letters}")
}

fn is_ideograph(c: char) -> bool {
    matches!(c, '\u{3400}'..='\u{9fff}' | '\u{f900}'..='\u{faff}' | '\u{20000}'..='\u{3ffff}')
}

fn well_formed(text: &str) -> bool {
    let bytes = text.as_bytes();
    (2..=40).contains(&bytes.len())
        && bytes.iter().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || *b == b'-')
        && bytes.first() != Some(&b'-')
        && bytes.last() != Some(&b'-')
        && !text.contains("--")
        && !text.starts_with("xn--")
        && uuid::Uuid::try_parse(text).is_err()
}

impl fmt::Display for Slug {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn names_in_any_script_become_slugs() {
        assert_eq!(Slug::plain_of("Ünïcode GmbH"), "unicode-gmbh");
        assert_eq!(Slug::plain_of("  Acme -- Studio!! "), "acme-studio");
        assert_eq!(Slug::plain_of("O'Brien"), "obrien");
        let tokyo = Slug::plain_of("東京支社");
        assert!(well_formed(&tokyo) && !tokyo.starts_with("team-"), "{tokyo}");
        assert!(Slug::plain_of("!!!").starts_with("team-"));
        assert_eq!(Slug::plain_of("!!!"), Slug::plain_of("!!!"));
        assert_ne!(Slug::plain_of("!!!"), Slug::plain_of("???"));
    }

    #[test]
    fn malformed_and_reserved_words_are_refused() {
        for wrong in [
            "a",
            "-ab",
            "ab-",
            "a--b",
            "Ab",
            "a_b",
            "xn--ab",
            "01890a5d-ac96-774b-bcce-b302099a8057",
            &"a".repeat(41),
        ] {
            assert_eq!(Slug::of_workspace(wrong), Err(SlugProblem::Invalid), "{wrong}");
        }
        assert_eq!(Slug::of_workspace("api"), Err(SlugProblem::Reserved));
        assert_eq!(Slug::of_resource("new"), Err(SlugProblem::Reserved));
        assert!(Slug::of_resource("api").is_ok());
    }

    #[test]
    fn a_number_makes_another_slug_that_is_still_one() {
        assert_eq!(Slug::numbered("shop", 2), "shop-2");
        assert!(well_formed(&Slug::numbered(&"a".repeat(40), 12)));
    }

    proptest! {
        #[test]
        fn any_name_at_all_gives_a_well_formed_slug(name in ".{0,100}") {
            prop_assert!(well_formed(&Slug::plain_of(&name)));
        }
    }
}
