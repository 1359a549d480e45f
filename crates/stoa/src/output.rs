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

/// JSON on standard output, for scripts, and perhaps for a terminal all the same.
pub fn say_json(text: &str) {
    say(&escaped(text));
}

/// What went wrong, as scripts are told: the form is that of the API's problems.
pub fn problem_json(code: &str, title: &str, detail: &str) -> serde_json::Value {
    serde_json::json!({ "code": code, "title": title, "detail": detail })
}

/// One such, on standard error.
pub fn complain_json(problem: &serde_json::Value) {
    complain(&escaped(&serde_json::json!({ "error": problem }).to_string()));
}

/// JSON without letters that control a terminal or turn the direction of reading. They stand in its texts alone, where
/// each can be written as an escape.
pub fn escaped(json: &str) -> String {
    let mut out = String::with_capacity(json.len());
    for letter in json.chars() {
        let code = u32::from(letter);
        let is_control = matches!(code, 0x7F..=0x9F);
        // Unicode's bidirectional controls, and its separators of lines and paragraphs.
        let turns = matches!(code, 0x061C | 0x200E | 0x200F | 0x2028..=0x202E | 0x2066..=0x2069);
        if is_control || turns {
            out.push_str(&format!("\\u{code:04x}"));
        } else {
            out.push(letter);
        }
    }
    out
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn json_for_a_terminal_says_the_same_and_moves_nothing() {
        let value = serde_json::json!({ "text": "a\u{1b}[2J\u{9b}2J\u{202e}b\u{200f}\u{7f}ü東\n" });
        let text = escaped(&serde_json::to_string(&value).unwrap());
        assert_eq!(text, "{\"text\":\"a\\u001b[2J\\u009b2J\\u202eb\\u200f\\u007fü東\\n\"}");
        assert_eq!(serde_json::from_str::<serde_json::Value>(&text).unwrap(), value);
    }
}
