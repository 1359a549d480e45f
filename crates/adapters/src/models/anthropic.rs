//! Anthropic's messages.

use bytes::Bytes;
use http::{HeaderName, HeaderValue};
use serde_json::{Value, json};
use stoa_app::ports::{Counted, ModelAccess, ModelProblem, Prompt, Said};
use stoa_domain::Secret;
use url::Url;

use super::endpoint::{below, header, request};
use super::sse::Event;
use super::{Dialect, problem};

/// The version of the form that is spoken here.
const VERSION: HeaderValue = HeaderValue::from_static("2023-06-01");

pub(super) fn ask(
    base: &Url,
    access: &ModelAccess,
    prompt: &Prompt,
) -> Result<http::Request<Bytes>, ModelProblem> {
    let body = json!({
        "model": access.model,
        "max_tokens": prompt.most_tokens,
        "system": prompt.system,
        "messages": [{ "role": "user", "content": prompt.user }],
        "stream": true,
    });
    signed(request(&below(base, "messages"), Some(&body))?, access)
}

pub(super) fn list(base: &Url, access: &ModelAccess) -> Result<http::Request<Bytes>, ModelProblem> {
    signed(request(&below(base, "models?limit=1000"), None)?, access)
}

fn signed(
    mut request: http::Request<Bytes>,
    access: &ModelAccess,
) -> Result<http::Request<Bytes>, ModelProblem> {
    let headers = request.headers_mut();
    headers.insert(HeaderName::from_static("anthropic-version"), VERSION);
    if let Some(key) = &access.key {
        headers.insert(HeaderName::from_static("x-api-key"), header("", key)?);
    }
    Ok(request)
}

/// An answer as it comes: `message_start`, deltas of blocks, `message_delta`, `message_stop`.
pub(super) struct Reading;

impl Dialect for Reading {
    fn read(&mut self, event: &Event, key: Option<&Secret>) -> Result<Vec<Said>, ModelProblem> {
        let value: Value = serde_json::from_str(&event.data).map_err(|_| problem::garbage())?;
        let count = |usage: &Value| {
            let input = ["input_tokens", "cache_read_input_tokens", "cache_creation_input_tokens"];
            let input = input.iter().filter_map(|name| usage[*name].as_u64());
            Said::Counted(Counted {
                input: usage["input_tokens"].is_u64().then(|| input.sum()),
                output: usage["output_tokens"].as_u64(),
            })
        };
        Ok(match value["type"].as_str().unwrap_or_default() {
            "message_start" => vec![count(&value["message"]["usage"])],
            "content_block_delta" => {
                let words = value.pointer("/delta/text").and_then(Value::as_str).unwrap_or_default();
                if words.is_empty() { Vec::new() } else { vec![Said::Words(words.to_owned())] }
            }
            "message_delta" => vec![count(&value["usage"])],
            "message_stop" => vec![Said::Done],
            "error" => return Err(problem::in_the_middle(&value["error"], key)),
            // Pings, and kinds that don't exist yet: to be passed over.
            _ => Vec::new(),
        })
    }

    fn is_whole(&self) -> bool {
        false
    }
}
