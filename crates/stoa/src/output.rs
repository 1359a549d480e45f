//! What is said to whoever sits before the terminal. The log goes elsewhere: to standard error.

use std::io::{self, Write as _};

/// A line on standard output. A closed one isn't an error: nobody listens.
pub fn say(line: &str) {
    let mut out = io::stdout().lock();
    if writeln!(out, "{line}").and_then(|()| out.flush()).is_err() {
        tracing::debug!("standard output is closed");
    }
}

/// A line on standard error.
pub fn complain(line: &str) {
    let mut err = io::stderr().lock();
    if writeln!(err, "{line}").is_err() {
        tracing::debug!("standard error is closed");
    }
}
