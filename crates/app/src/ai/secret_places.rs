//! A text whose secrets stay here: marks go in their places, and they come back where the marks come back.
//!
//! A mark may only come back as it was: once at most, in its order, and out of the lines that were asked for. So whatever
//! a model was talked into, it can leave a secret out, which the difference shows, and it can't double it, take it from
//! elsewhere, or have a mark written over it.

use std::fmt::Write as _;
use std::ops::Range;

use super::clean::{Cleaner, Removed};
use crate::ports::ModelProblem;

/// The secrets of a text, each by its number.
pub(super) struct SecretPlaces {
    /// Bytes of the text, and what stands there when it leaves.
    places: Vec<(Range<usize>, String)>,
    tag: String,
}

/// A text with its secrets again.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Restored {
    pub text: String,
    /// Secrets that aren't in it any more.
    pub missing: usize,
}

impl SecretPlaces {
    /// `tag` is random: with it in each mark, none can stand in the text already.
    pub(super) fn of(cleaner: &Cleaner, text: &str, tag: &str) -> Self {
        let places = cleaner.places(text).into_iter().enumerate();
        let places = places
            .map(|(at, (range, what))| (range, format!("[{} {} {tag}]", what.words(), at + 1)))
            .collect();
        Self { places, tag: tag.to_owned() }
    }

    /// A part of the text as it leaves.
    pub(super) fn cleaned(&self, text: &str, part: Range<usize>) -> String {
        let mut clean = String::with_capacity(part.len());
        let mut from = part.start;
        for (range, mark) in self.within(&part) {
            // Writing into a text never fails.
            let _ = write!(clean, "{}{mark}", &text[from..range.start]);
            from = range.end;
        }
        clean.push_str(&text[from..part.end]);
        clean
    }

    /// What was made of a part, with the part's own secrets.
    ///
    /// # Errors
    /// That a mark was doubled, moved, changed or made up.
    pub(super) fn restored(
        &self,
        text: &str,
        part: &Range<usize>,
        made: &str,
    ) -> Result<Restored, ModelProblem> {
        let mut next = self.within(part);
        let all = next.clone().count();
        let (mut whole, mut rest, mut back) = (String::with_capacity(made.len()), made, 0);
        while let Some(at) = rest.find(&self.tag) {
            let end = at + self.tag.len();
            let upto = rest.get(..=end).ok_or_else(changed)?;
            let (range, mark) = next.find(|(_, mark)| upto.ends_with(mark.as_str())).ok_or_else(changed)?;
            whole.push_str(&upto[..upto.len() - mark.len()]);
            whole.push_str(&text[range.clone()]);
            rest = &rest[end + 1..];
            back += 1;
        }
        whole.push_str(rest);
        let before = &text[part.clone()];
        let count = |text: &str, what: Removed| text.matches(&format!("[{}", what.words())).count();
        if Removed::ALL.iter().any(|what| count(&whole, *what) > count(before, *what)) {
            return Err(changed());
        }
        Ok(Restored { text: whole, missing: all - back })
    }

    fn within(&self, part: &Range<usize>) -> impl Iterator<Item = &(Range<usize>, String)> + Clone {
        let (start, end) = (part.start, part.end);
        self.places.iter().filter(move |(range, _)| range.start >= start && range.end <= end)
    }
}

fn changed() -> ModelProblem {
    ModelProblem::new(
        "Secrets are taken out of what the model is shown. It changed a place where one was, so nothing is proposed. Try again, or choose lines without secrets.",
    )
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    const TEXT: &str =
        "first = 1\npassword = 'autumn-rain'\ntoken = 'winter-snow'\nlast = '[secret removed]'\n";

    fn places() -> SecretPlaces {
        SecretPlaces::of(&Cleaner::new(&[]), TEXT, "f00d")
    }

    fn restored(made: &str) -> Result<Restored, ModelProblem> {
        places().restored(TEXT, &(0..TEXT.len()), made)
    }

    #[test]
    fn what_comes_back_with_its_marks_has_its_secrets_again() {
        let clean = places().cleaned(TEXT, 0..TEXT.len());
        assert_eq!(
            clean,
            "first = 1\npassword = '[password removed 1 f00d]'\ntoken = '[token removed 2 f00d]'\nlast = '[secret removed]'\n"
        );
        assert_eq!(restored(&clean).unwrap(), Restored { text: TEXT.to_owned(), missing: 0 });
        let made = "import os\ntoken = '[token removed 2 f00d]' # same\n";
        let found = restored(made).unwrap();
        assert_eq!(
            found,
            Restored { text: "import os\ntoken = 'winter-snow' # same\n".to_owned(), missing: 1 }
        );
    }

    #[test]
    fn a_mark_that_was_doubled_moved_changed_or_made_up_is_refused() {
        for made in [
            "[password removed 1 f00d] [password removed 1 f00d]",
            "[token removed 2 f00d] [password removed 1 f00d]",
            "[password removed 2 f00d]",
            "[token removed 9 f00d]",
            "removed f00d",
            "f00d",
            "f00dü",
            "password = '[password removed]'",
            "password = '[password removed 1 beef]'",
            "[secret removed] [secret removed]",
        ] {
            assert_eq!(restored(made).unwrap_err(), changed(), "{made}");
        }
        // One that stands in other lines than those that were asked for stays there.
        let part = 0..TEXT.find("token").unwrap();
        let taken = places().restored(TEXT, &part, "evil = '[token removed 2 f00d]'\n");
        assert_eq!(taken.unwrap_err(), changed());
    }
}
