//! Proposing an edit of a file in the IDE: a difference for whoever asked, who takes it into the editor or doesn't.

use std::ops::Range;

use stoa_domain::ai::Feature;
use stoa_domain::permission::ai as may;
use stoa_domain::{Permit, Refusal, Secret};
use stoa_storage::attempt::Limit;

use super::clean::Cleaner;
use super::explain::{Explaining, Telling};
use super::form::Form;
use super::going::{Going, Spent};
use super::prompt::{self, FilePart};
use super::secret_places::SecretPlaces;
use crate::{App, Failure, Fault};

/// Of one member, so that nobody spends the workspace's money by holding a key down.
const A_MEMBER: Limit = Limit { count: 30, seconds: 600 };
const A_WORKSPACE: Limit = Limit { count: 300, seconds: 3600 };

/// Bytes of a file that is shown, and of the lines that are written anew.
const LARGEST: usize = 64 * 1024;
const LARGEST_PART: usize = 16 * 1024;
/// Letters of what is to be done, and of a path.
const LONGEST_INSTRUCTION: usize = 2_000;
const LONGEST_PATH: usize = 1_000;
/// Letters of the random mark that name the places of secrets.
const TAG: usize = 8;

/// What is to be edited: a text as it stands in the editor, saved or not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EditWanted {
    pub path: String,
    pub text: String,
    pub instruction: String,
    /// The first and the last line to be written anew, from 1; without them it is all of it.
    pub lines: Option<(usize, usize)>,
}

/// Lines as they are proposed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Edited {
    /// The lines in whose place they stand, from 1, both among them.
    pub first: usize,
    pub last: usize,
    pub text: String,
    /// Secrets that stood in these lines and don't any more.
    pub missing_secrets: usize,
}

impl App {
    /// Begins to propose an edit. Whoever sends it on asks again and again whether it may.
    ///
    /// # Errors
    /// `Invalid`; `Conflict` without a provider; `TooManyRequests`; a fault. What the provider refuses comes in the
    /// stream, and so does that its answer can't be read.
    pub async fn propose_edit(
        &self,
        permit: Permit<may::Edit>,
        wanted: EditWanted,
    ) -> Result<Explaining, Failure> {
        let (workspace, instance) = (permit.workspace(), *permit.target());
        let (part, first, last) = check(&wanted)?;
        let access = self.load_model_access(workspace).await?;
        self.count(format!("ai:edit:member:{}", permit.member()), A_MEMBER).await?;
        self.count(format!("ai:edit:workspace:{workspace}"), A_WORKSPACE).await?;
        let mut secrets: Vec<Secret> = access.key.iter().cloned().collect();
        secrets.extend(self.open_secret_variables(workspace, instance).await?);
        let mark = self.mark();
        let (of_prompt, text) = (mark.clone(), wanted.text);
        let (path, instruction, range) = (wanted.path, wanted.instruction, part.clone());
        // Searching a long text for pieces of secrets takes a while: other requests don't wait for it.
        let (prompt, places, text) = tokio::task::spawn_blocking(move || {
            let cleaner = Cleaner::new(&secrets);
            let places = SecretPlaces::of(&cleaner, &text, &of_prompt[..TAG]);
            let shown = FilePart {
                path: cleaner.text(&path.replace('\n', " ")),
                before: places.cleaned(&text, 0..range.start),
                part: places.cleaned(&text, range.clone()),
                behind: places.cleaned(&text, range.end..text.len()),
                instruction: cleaner.text(&instruction),
            };
            (prompt::edit(&shown, &of_prompt), places, text)
        })
        .await
        .map_err(Fault::new)?;
        let spent = Spent::new(self, &permit, Feature::Edit, &prompt);
        let (is_owner, member) = (permit.by_owner(), permit.member());
        let name = self.store().load_instance(workspace, instance, is_owner, member).await?.name;
        let lines = last + 1 - first;
        self.store().begin_ai_edit(permit, access.provider, lines, name).await?;
        let saying = self.outside().models.ask(access, prompt);
        let form = Form::new(prompt::edit_marks(&mark));
        let going = Going::formed(saying, spent, form, move |block| {
            let made = as_before(&text[part.clone()], block);
            let restored = places.restored(&text, &part, &made)?;
            let edited = Edited { first, last, text: restored.text, missing_secrets: restored.missing };
            Ok(Telling::Edit(edited))
        });
        Ok(going.telling())
    }
}

/// The bytes of the lines that are written anew, and their numbers.
fn check(wanted: &EditWanted) -> Result<(Range<usize>, usize, usize), Refusal> {
    let refuse = |field, code, detail: &str| Err(Refusal::invalid(field, code, detail));
    let EditWanted { path, text, instruction, lines } = wanted;
    if instruction.trim().is_empty() {
        return refuse("instruction", "required", "Say what is to be changed.");
    }
    if instruction.chars().count() > LONGEST_INSTRUCTION {
        return refuse("instruction", "too_long", "Say it in 2,000 characters at most.");
    }
    if path.is_empty() || path.chars().count() > LONGEST_PATH {
        return refuse("path", "invalid", "A path has 1 to 1,000 characters.");
    }
    if text.len() > LARGEST {
        return refuse("text", "too_long", "AI edits files of up to 64 KiB. This one is larger.");
    }
    if text.contains(['\u{1b}', '\u{9b}', '\0']) {
        let detail = "This file has characters that only a terminal understands. AI edits plain text.";
        return refuse("text", "invalid", detail);
    }
    let ends: Vec<usize> =
        text.match_indices('\n').map(|(at, _)| at).chain(std::iter::once(text.len())).collect();
    let (first, last) = lines.unwrap_or((1, ends.len()));
    let start = match first {
        0 => None,
        1 => Some(0),
        _ => ends.get(first - 2).map(|end| end + 1),
    };
    let end = last.checked_sub(1).and_then(|at| ends.get(at)).copied();
    let (Some(start), Some(end), true) = (start, end, first <= last) else {
        return refuse("from", "invalid", "The lines have to be of this text, the first one first.");
    };
    if end - start > LARGEST_PART {
        let detail = "AI writes up to 16 KiB anew at once. Select the lines that are to be changed.";
        return refuse("from", "too_long", detail);
    }
    Ok((start..end, first, last))
}

/// What was written anew without a fence that the model put around it, and with the last line's end that was there.
fn as_before(part: &str, block: &str) -> String {
    let unfenced = || {
        let (head, inner) = block.strip_prefix("```")?.split_once('\n')?;
        let is_fence = !part.trim_start().starts_with("```") && !head.contains(char::is_whitespace);
        inner.trim_end().strip_suffix("```").filter(|_| is_fence)
    };
    let mut made = match unfenced() {
        Some(inner) => inner.strip_suffix('\n').unwrap_or(inner).to_owned(),
        None => block.to_owned(),
    };
    if part.ends_with('\n') && !made.is_empty() && !made.ends_with('\n') {
        made.push('\n');
    }
    made
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn wanted(text: &str, lines: Option<(usize, usize)>) -> EditWanted {
        let (path, instruction) = ("app.py".to_owned(), "Mend it".to_owned());
        EditWanted { path, text: text.to_owned(), instruction, lines }
    }

    #[test]
    fn lines_are_whole_and_of_the_text() {
        let text = "one\ntwo\n\nfour\n";
        let part = |lines| check(&wanted(text, lines)).map(|(range, ..)| &text[range]);
        assert_eq!(part(None).unwrap(), text);
        assert_eq!(part(Some((1, 1))).unwrap(), "one");
        assert_eq!(part(Some((2, 4))).unwrap(), "two\n\nfour");
        assert_eq!(part(Some((5, 5))).unwrap(), "");
        for lines in [(0, 1), (2, 1), (1, 6), (7, 7), (1, 0)] {
            assert!(part(Some(lines)).is_err(), "{lines:?}");
        }
        assert_eq!(check(&wanted("", None)).unwrap(), (0..0, 1, 1));
    }

    #[test]
    fn what_is_too_large_is_refused_and_a_part_of_it_isnt() {
        let text = "x = 1\n".repeat(6_000);
        assert!(check(&wanted(&text, None)).is_err());
        assert!(check(&wanted(&text, Some((5, 90)))).is_ok());
        assert!(check(&wanted(&"x".repeat(LARGEST + 1), Some((1, 1)))).is_err());
        assert!(check(&wanted("a\u{1b}[31m", None)).is_err());
    }

    #[test]
    fn a_fence_around_it_goes_and_the_last_lines_end_stays() {
        assert_eq!(as_before("a\n", "b"), "b\n");
        assert_eq!(as_before("a", "b"), "b");
        assert_eq!(as_before("a\n", "```python\nb\n```"), "b\n");
        assert_eq!(as_before("```\na\n```", "```\nb\n```"), "```\nb\n```");
        assert_eq!(as_before("a\n", ""), "");
    }
}
