//! An answer in a strict form: words for a person, and then a block between two marks that is read by us.
//!
//! The marks are random: nothing that the model was shown can hold them, so none of it can begin or end the block.

use crate::ports::ModelProblem;

/// Which marks a block has.
pub(super) struct Marks {
    pub open: String,
    pub close: String,
}

impl Marks {
    /// `<profile-f00d>` and `</profile-f00d>`.
    pub(super) fn of(name: &str, mark: &str) -> Self {
        Self { open: format!("<{name}-{mark}>"), close: format!("</{name}-{mark}>") }
    }
}

/// Reads an answer piece by piece.
pub(super) struct Form {
    marks: Marks,
    state: State,
    /// Words that may still turn out to be the beginning of the mark, and blanks before it.
    held: String,
    within: String,
}

#[derive(PartialEq, Eq)]
enum State {
    Before,
    Within,
    Behind,
}

impl Form {
    pub(super) fn new(marks: Marks) -> Self {
        Self { marks, state: State::Before, held: String::new(), within: String::new() }
    }

    /// What of these words is for a person. What comes behind the block is nothing.
    pub(super) fn read(&mut self, words: &str) -> String {
        match self.state {
            State::Before => self.before(words),
            State::Within => {
                self.write(words);
                String::new()
            }
            State::Behind => String::new(),
        }
    }

    fn before(&mut self, words: &str) -> String {
        self.held.push_str(words);
        if let Some(at) = self.held.find(&self.marks.open) {
            let held = std::mem::take(&mut self.held);
            self.state = State::Within;
            self.write(&held[at + self.marks.open.len()..]);
            return held[..at].trim_end().to_owned();
        }
        let open = &self.marks.open;
        let begins =
            self.held.char_indices().map(|(at, _)| at).find(|at| open.starts_with(&self.held[*at..]));
        let certain = self.held[..begins.unwrap_or(self.held.len())].trim_end().len();
        let said = self.held[..certain].to_owned();
        self.held.drain(..certain);
        said
    }

    fn write(&mut self, words: &str) {
        let mut from = self.within.len().saturating_sub(self.marks.close.len());
        while !self.within.is_char_boundary(from) {
            from -= 1;
        }
        self.within.push_str(words);
        if let Some(at) = self.within[from..].find(&self.marks.close) {
            self.within.truncate(from + at);
            self.state = State::Behind;
        }
    }

    /// Lines of the block so far; 0 before it begins.
    pub(super) fn lines(&self) -> usize {
        if self.state == State::Before {
            return 0;
        }
        self.within.strip_prefix('\n').unwrap_or(&self.within).split('\n').count()
    }

    /// The block, without the ends of lines beside its marks.
    ///
    /// # Errors
    /// That there is none, or no whole one.
    pub(super) fn block(self) -> Result<String, ModelProblem> {
        if self.state != State::Behind {
            return Err(formless());
        }
        let within = self.within.strip_prefix('\n').unwrap_or(&self.within);
        Ok(within.strip_suffix('\n').unwrap_or(within).to_owned())
    }
}

/// What is said of an answer that can't be read.
pub(super) fn formless() -> ModelProblem {
    ModelProblem::new(
        "The model didn't answer in the form that it was asked for, so nothing is proposed. Try again, or with another model.",
    )
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn read(answer: &str, size: usize) -> (String, Result<String, ModelProblem>) {
        let mut form = Form::new(Marks::of("text", "f00d"));
        let letters: Vec<char> = answer.chars().collect();
        let said = letters.chunks(size).map(|piece| form.read(&piece.iter().collect::<String>())).collect();
        (said, form.block())
    }

    #[test]
    fn words_and_block_are_told_apart_however_the_answer_is_cut() {
        let answer =
            "It is <b>a</b> – change.\n\n<text-f00d>\n\ta = 1\n</text-beef>\n\n</text-f00d>\nBye <text-f00d>";
        for size in [1, 2, 3, 7, 500] {
            let (said, block) = read(answer, size);
            assert_eq!(said, "It is <b>a</b> – change.", "in pieces of {size}");
            assert_eq!(block.unwrap(), "\ta = 1\n</text-beef>\n", "in pieces of {size}");
        }
    }

    #[test]
    fn an_answer_without_a_whole_block_is_none() {
        for answer in ["", "I won't.", "<text-f00d>\na", "<text-beef>a</text-beef>", "a</text-f00d>"] {
            assert_eq!(read(answer, 3).1.unwrap_err(), formless(), "{answer}");
        }
        assert_eq!(read("<text-f00d></text-f00d>", 2).1.unwrap(), "");
    }

    #[test]
    fn the_lines_of_a_block_are_counted_while_it_comes() {
        let mut form = Form::new(Marks::of("text", "f00d"));
        let _ = form.read("One\nTwo\n");
        assert_eq!(form.lines(), 0);
        let _ = form.read("<text-f00d>\na\nb");
        assert_eq!(form.lines(), 2);
    }
}
