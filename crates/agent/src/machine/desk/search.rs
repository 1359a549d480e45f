//! Finding text in a working copy: by git inside of the desk, which knows what is to be passed over.

use super::DeskOf;
use super::inside::git_words;
use crate::machine::Agent;
use crate::machine::operation::Refused;
use crate::protocol::desk::{MatchView, SearchFiles};

/// Bytes of what is found that are read, and letters of one line.
const MOST_BYTES: usize = 8 << 20;
const LONGEST_LINE: usize = 300;

/// Lines that are found at most.
const MOST: usize = 2000;

impl Agent {
    /// Lines with a text, and whether there are more.
    ///
    /// # Errors
    /// `Conflict` where the expression isn't one.
    pub(crate) async fn desk_search(
        &self,
        of: DeskOf,
        wanted: &SearchFiles,
    ) -> Result<(Vec<MatchView>, bool), Refused> {
        let inside = self.inside(of)?;
        let limit = wanted.limit.clamp(1, MOST);
        let mut words = vec![
            "--no-optional-locks",
            "grep",
            "-I",
            "-n",
            "-z",
            "--column",
            "--untracked",
            "--no-color",
            "--full-name",
            "--no-textconv",
        ];
        words.push(if wanted.is_expression { "-E" } else { "-F" });
        if !wanted.heeds_case {
            words.push("-i");
        }
        if wanted.whole_words {
            words.push("-w");
        }
        words.extend(["-e", &wanted.text, "--", "."]);
        let none = futures_util::stream::empty();
        let ran = inside.run(git_words(&words), &[], none, MOST_BYTES).await?;
        // 1 says that nothing was found.
        if !ran.is_cut && ran.status > 1 {
            return Err(Refused::Conflict(format!("It can't be searched for: {}", ran.last_words())));
        }
        let text = ran.text();
        let mut found: Vec<MatchView> = text.split('\n').filter_map(read).take(limit + 1).collect();
        let is_cut = ran.is_cut || found.len() > limit;
        found.truncate(limit);
        Ok((found, is_cut))
    }
}

/// Path, line, column and text; between the numbers older versions of git write colons.
fn read(line: &str) -> Option<MatchView> {
    let (path, rest) = line.split_once('\0')?;
    let (number, rest) = rest.split_once(['\0', ':'])?;
    let (column, text) = rest.split_once(['\0', ':'])?;
    Some(MatchView {
        path: path.to_owned(),
        line: number.parse().ok()?,
        column: column.parse().ok()?,
        text: text
            .chars()
            .filter(|letter| *letter == '\t' || !letter.is_control())
            .take(LONGEST_LINE)
            .collect(),
    })
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn what_is_found_is_read_as_any_git_writes_it() {
        for line in ["a b.py\x0012\x005\0x: y", "a b.py\x0012:5:x: y"] {
            let found = read(line).unwrap();
            assert_eq!((found.path.as_str(), found.line, found.column), ("a b.py", 12, 5));
            assert_eq!(found.text, "x: y");
        }
        assert_eq!(read("Binary file x matches"), None);
        assert_eq!(read("a\0b\0c\0d"), None);
    }
}
