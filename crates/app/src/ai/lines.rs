//! Which lines of a log are told to a model: not more than it can take in, and those that tell most.

use std::collections::BTreeSet;

use crate::ports::LogLine;

/// Letters of all lines that leave, at most: some eight thousand tokens.
const BUDGET: usize = 24_000;
/// Letters of one line.
const LONGEST: usize = 500;
/// The newest lines, which mostly say how it ended; and the first, which say what was begun.
const NEWEST: usize = 40;
const FIRST: usize = 10;
/// Lines around one that tells of an error.
const AROUND: usize = 3;

/// A line without secrets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct CleanLine {
    /// Where it stands in what was read, from 1.
    pub number: usize,
    pub position: String,
    pub at: stoa_domain::Timestamp,
    pub text: String,
}

impl CleanLine {
    pub(super) fn new(number: usize, line: &LogLine, clean: &str) -> Self {
        let mut text: String = clean.chars().take(LONGEST).collect();
        if text.len() < clean.len() {
            text.push('…');
        }
        Self { number, position: line.position.clone(), at: line.at, text }
    }

    fn cost(&self) -> usize {
        // With its number, and the end of the line.
        self.text.len() + 8
    }

    fn tells_of_an_error(&self) -> bool {
        const WORDS: &[&str] = &[
            "error",
            "fail",
            "fatal",
            "panic",
            "exception",
            "traceback",
            "critical",
            "denied",
            "refused",
            "not found",
            "no such",
            "cannot",
            "can't",
            "couldn't",
            "unable",
            "killed",
            "out of memory",
            "timed out",
            "timeout",
        ];
        let lower = self.text.to_lowercase();
        WORDS.iter().any(|word| lower.contains(word))
    }
}

/// The lines that leave, in their order.
pub(super) fn choose(lines: Vec<CleanLine>) -> Vec<CleanLine> {
    let count = lines.len();
    let newest = (count.saturating_sub(NEWEST)..count).rev();
    let errors = (0..count).rev().filter(|at| lines[*at].tells_of_an_error());
    let around = errors.flat_map(|at| at.saturating_sub(AROUND)..(at + AROUND + 1).min(count));
    let wanted = newest.chain(around).chain(0..FIRST.min(count)).chain((0..count).rev());
    let mut left = BUDGET;
    let mut chosen = BTreeSet::new();
    for at in wanted {
        let cost = lines[at].cost();
        if chosen.contains(&at) || cost > left {
            continue;
        }
        left -= cost;
        chosen.insert(at);
    }
    lines.into_iter().enumerate().filter(|(at, _)| chosen.contains(at)).map(|(_, line)| line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(texts: impl IntoIterator<Item = String>) -> Vec<CleanLine> {
        let line = |(at, text): (usize, String)| CleanLine {
            number: at + 1,
            position: format!("1-{at}"),
            at: stoa_domain::Timestamp::from_micros(0),
            text,
        };
        texts.into_iter().enumerate().map(line).collect()
    }

    #[test]
    fn a_short_log_leaves_whole_and_in_order() {
        let all = lines((0..100).map(|n| format!("line {n}")));
        assert_eq!(choose(all.clone()), all);
    }

    #[test]
    fn of_a_long_log_the_errors_the_end_and_the_beginning_leave() {
        let text = |n: usize| {
            if n == 2_500 { "ERROR: it broke".to_owned() } else { format!("line {n} {}", "x".repeat(80)) }
        };
        let chosen = choose(lines((0..5_000).map(text)));
        let numbers: BTreeSet<usize> = chosen.iter().map(|line| line.number).collect();
        for number in [1, 10, 2_498, 2_501, 2_504, 4_961, 5_000] {
            assert!(numbers.contains(&number), "{number}");
        }
        assert!(chosen.iter().map(CleanLine::cost).sum::<usize>() <= BUDGET);
        assert!(chosen.is_sorted_by_key(|line| line.number));
    }
}
