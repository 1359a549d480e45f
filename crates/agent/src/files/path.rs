//! Paths below a folder that somebody else writes in: what is one, and which lead into git's own folder.

/// Bytes of a whole path, and of one name in it.
const LONGEST: usize = 4000;
const LONGEST_NAME: usize = 255;

/// A path below a folder, name by name. None of them leads upwards.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FilePath(Vec<String>);

/// Why a text is no path.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Unfit {
    #[error(
        "A path has names with one slash between them, none at its beginning or end, and no . or .. in it."
    )]
    Form,
    #[error("A path has 4,000 bytes at most, and each name in it 255.")]
    Long,
    #[error("A name with control characters can't be opened here.")]
    Control,
}

impl FilePath {
    /// # Errors
    /// Why it isn't one.
    pub fn parse(text: &str) -> Result<Self, Unfit> {
        if text.len() > LONGEST {
            return Err(Unfit::Long);
        }
        let names: Vec<String> = text.split('/').map(str::to_owned).collect();
        for name in &names {
            if matches!(name.as_str(), "" | "." | "..") {
                return Err(Unfit::Form);
            }
            if name.len() > LONGEST_NAME {
                return Err(Unfit::Long);
            }
            if name.chars().any(char::is_control) {
                return Err(Unfit::Control);
            }
        }
        Ok(Self(names))
    }

    pub(super) fn names(&self) -> &[String] {
        &self.0
    }

    /// The folder that it lies in, and its own name.
    pub(super) fn split(&self) -> (&[String], &str) {
        self.0.split_last().map_or((&[], ""), |(name, parents)| (parents, name.as_str()))
    }

    /// Whether some git on some file system takes a name in it for `.git`.
    #[must_use]
    pub fn is_of_git(&self) -> bool {
        self.0.iter().any(|name| is_git(name))
    }

    /// Whether the other lies below it, or is it.
    pub(super) fn holds(&self, other: &Self) -> bool {
        other.0.starts_with(&self.0)
    }
}

impl std::fmt::Display for FilePath {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0.join("/"))
    }
}

/// Letters that HFS+ passes over in names (git's utf8.c has the same list).
fn is_passed_over(letter: char) -> bool {
    matches!(letter, '\u{200c}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{206a}'..='\u{206f}' | '\u{feff}')
}

/// Whether a name is `.git` whatever its case, on HFS+ (letters that are passed over), or on NTFS: with blanks or full
/// stops behind it, as the name of a stream, behind a backslash, or by its short name.
pub(super) fn is_git(name: &str) -> bool {
    let plain: String = name.chars().filter(|letter| !is_passed_over(*letter)).collect();
    plain.split('\\').any(|part| {
        let part = part.split(':').next().unwrap_or_default().trim_end_matches([' ', '.']);
        part.eq_ignore_ascii_case(".git") || part.eq_ignore_ascii_case("git~1")
    })
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn a_path_leads_nowhere_but_down() {
        for wrong in ["", "/", "/etc/passwd", "a/", "a//b", ".", "..", "../x", "a/../../x", "a/./b"] {
            assert_eq!(FilePath::parse(wrong), Err(Unfit::Form), "{wrong}");
        }
        assert_eq!(FilePath::parse("a\nb"), Err(Unfit::Control));
        assert_eq!(FilePath::parse("a\0b"), Err(Unfit::Control));
        assert_eq!(FilePath::parse(&"n".repeat(256)), Err(Unfit::Long));
        assert_eq!(FilePath::parse(&"n/".repeat(2001)), Err(Unfit::Long));
        for right in ["a", "a/b.py", ".gitignore", "-rf", "Ünïcode/東京", "a b/c", "...", "git", ".github/x"]
        {
            let path = FilePath::parse(right).unwrap();
            assert_eq!(path.to_string(), right);
            assert!(!path.is_of_git(), "{right}");
        }
    }

    #[test]
    fn what_is_gits_own_is_known_whatever_it_is_written_like() {
        for name in [
            ".git",
            ".GIT",
            ".Git/config",
            "sub/.git/hooks/post-commit",
            ".git ",
            ".git.",
            ".git. . ",
            ".git::$INDEX_ALLOCATION",
            ".git:x",
            "git~1",
            "GIT~1/config",
            ".g\u{200c}it",
            "\u{feff}.git/config",
            "a\\.git\\config",
            ".git\\config",
        ] {
            assert!(FilePath::parse(name).unwrap().is_of_git(), "{name:?}");
        }
    }
}
