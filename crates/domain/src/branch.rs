//! Names of branches and commits, checked before git ever sees them.

use std::fmt;

/// A branch name that git accepts, that starts no option, and that is at most 200 bytes long.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct BranchName(String);

impl BranchName {
    /// The rules are those of `git check-ref-format --branch`, and a little narrower.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let good = !text.is_empty()
            && text.len() <= 200
            && text != "HEAD"
            && text != "@"
            && !text.starts_with(['-', '/'])
            && !text.ends_with(['/', '.'])
            && !text.contains("..")
            && !text.contains("//")
            && !text.contains("@{")
            && text.split('/').all(|part| !part.starts_with('.') && !part.ends_with(".lock"))
            && text.chars().all(|c| !c.is_control() && !" ~^:?*[\\\u{7f}".contains(c) && !is_invisible(c));
        good.then(|| Self(text.to_owned()))
    }

    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Characters that change how a name reads without being seen: bidirectional marks and zero widths.
#[must_use]
pub fn is_invisible(c: char) -> bool {
    matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{00ad}' | '\u{061c}' | '\u{180e}')
}

impl fmt::Display for BranchName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A commit by its whole SHA-1, in lower case.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct CommitId(String);

impl CommitId {
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let good = text.len() == 40 && text.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b));
        good.then(|| Self(text.to_owned()))
    }

    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// What git uses in a push for "no commit": forty zeros.
    #[must_use]
    pub fn is_zero(&self) -> bool {
        self.0.bytes().all(|b| b == b'0')
    }
}

impl fmt::Display for CommitId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_git_or_a_shell_would_misread_are_refused() {
        for wrong in [
            "",
            "-x",
            "--upload-pack=x",
            "a..b",
            "a b",
            "a:b",
            "refs/heads/.x",
            "x.lock",
            "a//b",
            "/a",
            "a/",
            "HEAD",
            "@{u}",
            "a\nb",
            "a\u{202e}b",
        ] {
            assert!(BranchName::parse(wrong).is_none(), "{wrong:?}");
        }
        for right in ["main", "release/2.14", "neue-kasse", "größe", "a-b_c.d"] {
            assert!(BranchName::parse(right).is_some(), "{right}");
        }
    }

    #[test]
    fn a_commit_is_forty_lower_case_hexadecimal_digits() {
        assert!(CommitId::parse(&"a".repeat(40)).is_some());
        assert!(CommitId::parse(&"A".repeat(40)).is_none());
        assert!(CommitId::parse("main").is_none());
    }
}
