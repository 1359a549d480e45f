//! What went wrong, in a sentence, with the provider's own words: without control characters, without the key, and not
//! longer than somebody reads.

use std::time::Duration;

use http::header::{CONTENT_TYPE, RETRY_AFTER};
use serde_json::Value;
use stoa_app::ai::clean::Cleaner;
use stoa_app::ports::{ModelAccess, ModelProblem};
use stoa_domain::Secret;
use stoa_domain::ai::Provider;

use crate::outgoing::{OutgoingError, Reply};

/// Bytes of a failure's body that are looked at, and letters of it that are shown.
const READ: usize = 64 * 1024;
const SHOWN: usize = 300;
/// Seconds that a provider may make somebody wait: longer is told without a number.
const LONGEST_WAIT: i64 = 24 * 3600;

/// It wasn't reached, or not in time.
pub(super) fn unreached(error: &OutgoingError) -> ModelProblem {
    match error {
        OutgoingError::Garbage | OutgoingError::CutOff => broken(error),
        OutgoingError::NoAnswer(time) => {
            ModelProblem::new(format!("The provider didn't answer within {} seconds.", time.as_secs()))
        }
        other => ModelProblem::new(format!("The provider wasn't reached. {other}")),
    }
}

/// It stopped in the middle.
pub(super) fn broken(error: &OutgoingError) -> ModelProblem {
    match error {
        OutgoingError::CutOff => cut(),
        OutgoingError::Silence(time) => ModelProblem::new(format!(
            "The provider fell silent: nothing came for {} seconds. Try again, or ask a faster model.",
            time.as_secs()
        )),
        OutgoingError::TooLong(_) => {
            ModelProblem::new("The provider's answer didn't come to an end, so it was given up.")
        }
        OutgoingError::Garbage => garbage(),
        other => ModelProblem::new(format!("The provider's answer broke off. {other}")),
    }
}

pub(super) fn cut() -> ModelProblem {
    ModelProblem::new("The provider's answer was cut off in the middle. Try again.")
}

pub(super) fn endless(time: Duration) -> ModelProblem {
    ModelProblem::new(format!(
        "The provider's answer hadn't come to an end after {} seconds, so it was given up.",
        time.as_secs()
    ))
}

pub(super) fn garbage() -> ModelProblem {
    ModelProblem::new(
        "What the provider sent isn't an answer of a model. Check the provider and its address.",
    )
}

pub(super) fn no_events(access: &ModelAccess) -> ModelProblem {
    let form = match access.provider {
        Provider::Anthropic => "Anthropic's messages",
        _ => "OpenAI's chat completions",
    };
    ModelProblem::new(format!(
        "The provider's answer doesn't come as a stream. It has to speak {form}; check the provider and its address."
    ))
}

pub(super) fn no_list() -> ModelProblem {
    ModelProblem::new("The provider gave no list of models. Type the model's name.")
}

/// An error that the provider tells of while it answers.
pub(super) fn in_the_middle(error: &Value, key: Option<&Secret>) -> ModelProblem {
    match words_of(error) {
        Some(words) => {
            let words = shown(&without_key(&words, key));
            ModelProblem::new(format!("The provider stopped in the middle: “{words}”."))
        }
        None => ModelProblem::new("The provider stopped in the middle, and says no more than that."),
    }
}

/// A status that tells of a failure, with what stands below it.
pub(super) async fn refused(reply: &mut Reply, key: Option<&Secret>) -> ModelProblem {
    let status = reply.status().as_u16();
    let retry_after = reply.headers().get(RETRY_AFTER).and_then(|value| seconds_of(value.to_str().ok()?));
    let retry_after = retry_after.filter(|seconds| (1..=LONGEST_WAIT).contains(seconds));
    let is_html = reply
        .headers()
        .get(CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .is_some_and(|kind| kind.contains("html"));
    let mut body = Vec::new();
    // What has come until something fails has to do.
    while body.len() < READ
        && let Ok(Some(chunk)) = reply.chunk().await
    {
        body.extend_from_slice(&chunk);
    }
    let text = String::from_utf8_lossy(&body);
    let words = match serde_json::from_str::<Value>(&text) {
        Ok(value) => words_of(&value),
        Err(_) if is_html => None,
        Err(_) => Some(text.into_owned()),
    };
    // Cut when the key is out: half of one would be left.
    let words = words.map(|words| shown(&without_key(&words, key))).filter(|words| !words.is_empty());
    let said = words.map_or_else(|| ".".to_owned(), |words| format!(": “{words}”."));
    let next = match (status, retry_after) {
        (401 | 403, _) => " Check the key.".to_owned(),
        (404, _) => " Check the model's name and the provider's address.".to_owned(),
        (300..=399, _) => {
            " It refers to another address, which isn't followed; check the base URL.".to_owned()
        }
        (_, Some(seconds)) => format!(" Try again in {seconds} seconds."),
        (429, None) => " It takes no more requests for now; try again later.".to_owned(),
        (500.., None) => " The fault is on its side; try again later.".to_owned(),
        _ => String::new(),
    };
    ModelProblem { detail: format!("The provider answered {status}{said}{next}"), retry_after }
}

/// How long is to be waited, which is told in seconds or as a time (RFC 9110, 10.2.3).
fn seconds_of(told: &str) -> Option<i64> {
    if let Ok(seconds) = told.trim().parse() {
        return Some(seconds);
    }
    let at = jiff::fmt::rfc2822::parse(told.trim()).ok()?.timestamp();
    Some(at.duration_since(jiff::Timestamp::now()).as_secs())
}

/// In the forms in which providers tell of failures.
fn words_of(value: &Value) -> Option<String> {
    let places = ["/error/message", "/error/msg", "/error", "/message", "/detail", "/type"];
    if let Some(text) = value.as_str() {
        return Some(text.to_owned());
    }
    places.iter().find_map(|place| value.pointer(place)?.as_str()).map(str::to_owned)
}

fn without_key(text: &str, key: Option<&Secret>) -> String {
    let keys: Vec<Secret> = key.into_iter().cloned().collect();
    Cleaner::new(&keys).text(text)
}

/// In one line, cut.
fn shown(text: &str) -> String {
    let mut line = text.split(|letter: char| letter.is_whitespace() || letter.is_control()).fold(
        String::new(),
        |mut line, word| {
            if !line.is_empty() && !word.is_empty() {
                line.push(' ');
            }
            line.push_str(word);
            line
        },
    );
    if let Some((end, _)) = line.char_indices().nth(SHOWN) {
        line.truncate(end);
        line.push('…');
    }
    line.trim_end_matches('.').to_owned()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::seconds_of;

    #[test]
    fn a_time_to_come_back_is_read_in_both_forms() {
        assert_eq!(seconds_of(" 20 "), Some(20));
        let soon = jiff::Timestamp::now() + jiff::SignedDuration::from_mins(50);
        let date = jiff::fmt::rfc2822::DateTimePrinter::new().timestamp_to_rfc9110_string(&soon);
        let told = seconds_of(&date.unwrap());
        assert!(told.is_some_and(|seconds| (1..=3000).contains(&seconds)), "{told:?}");
        // One that is over is no reason to wait.
        assert!(seconds_of("Fri, 27 Nov 2015 03:59:00 GMT").is_some_and(|seconds| seconds < 0));
        assert_eq!(seconds_of("soon"), None);
    }
}
