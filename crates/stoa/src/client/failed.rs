//! Why a command of the client ends without having done what it should.

use std::fmt;

use serde_json::Value;

use super::show::defused;

pub enum Failed {
    /// The command makes no sense as it was given.
    Usage(String),
    /// The server refused.
    Refused(Problem),
    /// Something else: the server isn't reached, a file can't be written.
    Other(String),
}

/// A problem as the API tells it (RFC 9457).
pub struct Problem {
    pub status: u16,
    pub code: String,
    pub detail: String,
    /// What is wrong with which field.
    fields: Vec<(String, String)>,
}

impl Problem {
    pub fn of(status: u16, body: &Value) -> Self {
        let text = |name: &str| defused(body[name].as_str().unwrap_or_default(), false);
        let fields = body["errors"].as_array().into_iter().flatten().map(|error| {
            let text = |name: &str| defused(error[name].as_str().unwrap_or_default(), false);
            (text("field"), text("detail"))
        });
        Self { status, code: text("code"), detail: text("detail"), fields: fields.collect() }
    }

    /// What to do next, where the sentence of the API is for a browser.
    fn advice(&self) -> Option<&'static str> {
        Some(match self.code.as_str() {
            "unauthenticated" => "Sign in again: stoa login URL",
            "setup_needed" => "Open the link that stoa serve has printed",
            "precondition_failed" => "Look at it again, and repeat the command",
            "misdirected" => "The address is another one's. Use the one by which the page is opened",
            _ => return None,
        })
    }
}

impl fmt::Display for Failed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Usage(text) | Self::Other(text) => f.write_str(text),
            Self::Refused(problem) => {
                match problem.detail.is_empty() {
                    true => write!(f, "the server answers {}", problem.status)?,
                    false => f.write_str(&problem.detail)?,
                }
                for (name, detail) in &problem.fields {
                    // The sentence of a single field is the whole one's.
                    if *detail != problem.detail {
                        write!(f, "\n  {name}: {detail}")?;
                    }
                }
                match problem.advice() {
                    Some(advice) => write!(f, "\n{advice}"),
                    None => Ok(()),
                }
            }
        }
    }
}

impl From<std::io::Error> for Failed {
    fn from(error: std::io::Error) -> Self {
        Self::Other(error.to_string())
    }
}

impl From<serde_json::Error> for Failed {
    fn from(error: serde_json::Error) -> Self {
        Self::Other(error.to_string())
    }
}

impl From<reqwest::Error> for Failed {
    fn from(error: reqwest::Error) -> Self {
        let mut sentence = String::from("the server can't be asked");
        if let Some(url) = error.url() {
            sentence = format!("{} can't be asked", url.origin().ascii_serialization());
        }
        // The innermost says what it was.
        let mut cause: &dyn std::error::Error = &error;
        while let Some(inner) = cause.source() {
            cause = inner;
        }
        Self::Other(format!("{sentence}: {cause}"))
    }
}
