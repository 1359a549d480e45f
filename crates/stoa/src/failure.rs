//! How the program ends when it can't go on: with one sentence for whoever started it.

use std::error::Error;
use std::fmt;

/// Why the program ends.
pub struct Ended(String);

impl Ended {
    /// A sentence as it is.
    pub fn said(sentence: impl Into<String>) -> Self {
        Self(sentence.into())
    }

    /// What couldn't be done, and the chain of causes.
    pub fn because(what: &str, error: impl Error) -> Self {
        Self(chain(format!("{what}: {error}"), &error))
    }
}

/// A sentence and the causes that it doesn't tell already: some errors repeat their own.
fn chain(mut sentence: String, error: &dyn Error) -> String {
    let mut cause = error.source();
    while let Some(error) = cause {
        let more = error.to_string();
        if !sentence.ends_with(&more) {
            sentence = format!("{sentence}: {more}");
        }
        cause = error.source();
    }
    sentence
}

impl fmt::Display for Ended {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl<E: Error> From<E> for Ended {
    fn from(error: E) -> Self {
        Self(chain(error.to_string(), &error))
    }
}
