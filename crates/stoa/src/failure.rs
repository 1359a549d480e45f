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
        let mut sentence = format!("{what}: {error}");
        let mut cause = error.source();
        while let Some(error) = cause {
            sentence.push_str(&format!(": {error}"));
            cause = error.source();
        }
        Self(sentence)
    }
}

impl fmt::Display for Ended {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl<E: Error> From<E> for Ended {
    fn from(error: E) -> Self {
        let mut sentence = error.to_string();
        let mut cause = error.source();
        while let Some(error) = cause {
            sentence.push_str(&format!(": {error}"));
            cause = error.source();
        }
        Self(sentence)
    }
}
