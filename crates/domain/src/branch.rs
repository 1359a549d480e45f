//! Names of branches and commits, checked before git ever sees them.

use std::fmt;

/// A branch name that git accepts, that starts no option, and that is at most 200 bytes long.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct BranchName(String);

impl BranchName {
    /// The rules are those of `git check-ref-format --branch`, and narrower: what git could take for the whole name of
    /// another ref, or for a commit, is no name (`gitrevisions(7)` has the order in which it guesses).
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let good = !text.is_empty()
            && text.len() <= 200
            && text != "HEAD"
            && text != "@"
            && !text.starts_with("refs/")
            && !is_object_name(text)
            && !text.starts_with(['-', '/'])
            && !text.ends_with(['/', '.'])
            && !text.contains("..")
            && !text.contains("//")
            && !text.contains("@{")
            && text.split('/').all(|part| !part.starts_with('.') && !part.ends_with(".lock"))
            && text.chars().all(|c| {
                !c.is_control() && !" ~^:?*[\\\u{7f}".contains(c) && !is_invisible(c) && !is_selector(c)
            });
        good.then(|| Self(text.to_owned()))
    }

    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// What git takes for an object before it looks for a ref: all of a SHA-1 or SHA-256.
fn is_object_name(text: &str) -> bool {
    matches!(text.len(), 40 | 64) && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// Characters that aren't seen, or change how a name reads without being seen: with one of them two names look alike.
/// Those that Unicode calls default ignorable, bidirectional marks, blank letters, annotations and musical controls. The
/// selector that makes a sign a picture isn't among them; see [`is_selector`].
#[must_use]
pub fn is_invisible(c: char) -> bool {
    matches!(c,
        '\u{00ad}' | '\u{034f}' | '\u{061c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}'
        | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
        | '\u{2800}' | '\u{3164}' | '\u{fe00}'..='\u{fe0e}' | '\u{feff}' | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}'
        | '\u{1bca0}'..='\u{1bca3}' | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e0fff}')
}

/// What makes the sign before it a picture: seen with that sign, and with nothing else.
#[must_use]
pub fn is_selector(c: char) -> bool {
    c == '\u{fe0f}'
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
            "refs/heads/main",
            "refs/x",
            "0123456789abcdef0123456789ABCDEF01234567",
            "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef",
            "a\u{202e}b",
        ] {
            assert!(BranchName::parse(wrong).is_none(), "{wrong:?}");
        }
        for right in ["main", "references/x", "deadbeef", "release/2.14", "neue-kasse", "größe", "a-b_c.d"]
        {
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
