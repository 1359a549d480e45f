//! Why a command of the client ends without having done what it should.

use std::fmt;

use serde_json::{Value, json};

use super::show::defused;

pub enum Failed {
    /// The command makes no sense as it was given.
    Usage(String),
    /// The server refused.
    Refused(Problem),
    /// Of several that were asked for, these were refused, by what they are called.
    Several(String, Vec<(String, Problem)>),
    /// The server isn't reached.
    Unreached(String),
    /// Something else: a file can't be written, work has failed.
    Other(String),
}

/// A problem as the API tells it (RFC 9457).
pub struct Problem {
    pub status: u16,
    pub code: String,
    title: String,
    pub detail: String,
    /// What is wrong with which field.
    fields: Box<[(String, String)]>,
    /// The instances that are in the way, by slug and name.
    instances: Box<[String]>,
}

impl Problem {
    pub fn of(status: u16, body: &Value) -> Self {
        let text = |name: &str| defused(body[name].as_str().unwrap_or_default(), false);
        let fields = body["errors"].as_array().into_iter().flatten().map(|error| {
            let text = |name: &str| defused(error[name].as_str().unwrap_or_default(), false);
            (text("field"), text("detail"))
        });
        let instances = body["instances"].as_array().into_iter().flatten().map(|instance| {
            let text = |name: &str| defused(instance[name].as_str().unwrap_or_default(), false);
            format!("{} ({})", text("slug"), text("name"))
        });
        Self {
            status,
            code: text("code"),
            title: text("title"),
            detail: text("detail"),
            fields: fields.collect(),
            instances: instances.collect(),
        }
    }

    /// What to do next, where the sentence of the API is for a browser.
    fn advice(&self) -> Option<&'static str> {
        Some(match self.code.as_str() {
            "setup_needed" => "Open the link that stoa serve has printed",
            "precondition_failed" => "Look at it again, and repeat the command",
            "misdirected" => "The address is another one's. Use the one by which the page is opened",
            _ => return None,
        })
    }

    fn sentence(&self) -> String {
        if self.detail.is_empty() {
            format!("the server answers {}", self.status)
        } else {
            self.detail.clone()
        }
    }

    fn as_json(&self) -> Value {
        let mut all = json!({ "code": self.code, "title": self.title, "detail": self.sentence() });
        if !self.fields.is_empty() {
            let fields =
                self.fields.iter().map(|(field, detail)| json!({ "field": field, "detail": detail }));
            all["errors"] = fields.collect();
        }
        all
    }
}

impl Failed {
    /// As scripts are told: one object, as the API's problems are.
    pub fn as_json(&self) -> Value {
        let own = crate::output::problem_json;
        match self {
            Self::Refused(problem) => problem.as_json(),
            Self::Usage(text) => own("usage", "Not understood", text),
            Self::Unreached(text) => own("unreached", "Not reached", text),
            Self::Other(text) => own("failed", "Failed", text),
            Self::Several(text, problems) => {
                let mut all = own("refused", "Refused in part", text);
                let each = problems.iter().map(|(name, problem)| {
                    let mut one = problem.as_json();
                    one["field"] = name.as_str().into();
                    one
                });
                all["errors"] = each.collect();
                all
            }
        }
    }
}

impl fmt::Display for Failed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Usage(text) | Self::Other(text) | Self::Unreached(text) => f.write_str(text),
            Self::Several(text, problems) => {
                for (name, problem) in problems {
                    writeln!(f, "{name}: {}", problem.sentence())?;
                }
                f.write_str(text)
            }
            Self::Refused(problem) => {
                f.write_str(&problem.sentence())?;
                for (name, detail) in &problem.fields {
                    // The sentence of a single field is the whole one's.
                    if *detail != problem.detail {
                        write!(f, "\n  {name}: {detail}")?;
                    }
                }
                for instance in &problem.instances {
                    write!(f, "\n  {instance}")?;
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
        let address = error.url().map(|url| url.origin().ascii_serialization());
        let address = address.unwrap_or_else(|| "the server".to_owned());
        // The innermost says what it was.
        let mut cause: &dyn std::error::Error = &error;
        while let Some(inner) = cause.source() {
            cause = inner;
        }
        Self::Unreached(match known(cause) {
            Some(Known::Nobody) => format!("Nothing answers at {address}. Is Stoa running there?"),
            Some(Known::NoTls) => format!(
                "No TLS answers at {address}. If it is plain http: stoa login {}",
                address.replacen("https:", "http:", 1)
            ),
            None => format!("{address} can't be asked: {cause}"),
        })
    }
}

enum Known {
    Nobody,
    NoTls,
}

fn known(mut cause: &(dyn std::error::Error + 'static)) -> Option<Known> {
    // Errors of connections wrap others, which they don't tell as their cause.
    while let Some(io) = cause.downcast_ref::<std::io::Error>() {
        if io.kind() == std::io::ErrorKind::ConnectionRefused {
            return Some(Known::Nobody);
        }
        cause = io.get_ref()?;
    }
    let is_no_tls = matches!(cause.downcast_ref(), Some(rustls::Error::InvalidMessage(_)));
    is_no_tls.then_some(Known::NoTls)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_in_the_way_is_listed() {
        let body = json!({
            "code": "conflict", "detail": "Delete each first.",
            "instances": [{ "slug": "shop", "name": "Shop" }, { "slug": "blog", "name": "My blog" }],
        });
        let told = Failed::Refused(Problem::of(409, &body)).to_string();
        assert_eq!(told, "Delete each first.\n  shop (Shop)\n  blog (My blog)");
    }
}
