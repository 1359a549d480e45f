//! OpenAI's chat completions, which Groq, Ollama and most servers of one's own speak too.

use bytes::Bytes;
use serde_json::{Value, json};
use stoa_app::ports::{Counted, ModelAccess, ModelProblem, Prompt, Said};
use stoa_domain::Secret;
use stoa_domain::ai::Provider;
use url::Url;

use super::endpoint::{bearer, below, request};
use super::sse::Event;
use super::{Dialect, problem};

pub(super) fn ask(
    base: &Url,
    access: &ModelAccess,
    prompt: &Prompt,
) -> Result<http::Request<Bytes>, ModelProblem> {
    // OpenAI's newer models refuse the old name; other servers don't know the new one.
    let most = if access.provider == Provider::OpenAi { "max_completion_tokens" } else { "max_tokens" };
    let mut body = json!({
        "model": access.model,
        "messages": [
            { "role": "system", "content": prompt.system },
            { "role": "user", "content": prompt.user },
        ],
        "stream": true,
        "stream_options": { "include_usage": true },
    });
    body[most] = prompt.most_tokens.into();
    let mut request = request(&below(base, "chat/completions"), Some(&body))?;
    bearer(&mut request, access)?;
    Ok(request)
}

pub(super) fn list(base: &Url, access: &ModelAccess) -> Result<http::Request<Bytes>, ModelProblem> {
    let mut request = request(&below(base, "models"), None)?;
    bearer(&mut request, access)?;
    Ok(request)
}

/// An answer as it comes: `data: {"choices": [{"delta": {"content": …}}]}`, ended by `data: [DONE]`.
#[derive(Default)]
pub(super) struct Reading {
    /// A reason to stop was given. What was counted comes behind it.
    is_finished: bool,
}

impl Dialect for Reading {
    fn read(&mut self, event: &Event, key: Option<&Secret>) -> Result<Vec<Said>, ModelProblem> {
        if event.data.trim() == "[DONE]" {
            return Ok(vec![Said::Done]);
        }
        let value: Value = serde_json::from_str(&event.data).map_err(|_| problem::garbage())?;
        if let Some(error) = value.get("error").filter(|error| !error.is_null()) {
            return Err(problem::in_the_middle(error, key));
        }
        let mut said = Vec::new();
        let choice = value.pointer("/choices/0");
        if let Some(words) = choice.and_then(|choice| choice.pointer("/delta/content")?.as_str())
            && !words.is_empty()
        {
            said.push(Said::Words(words.to_owned()));
        }
        self.is_finished |= choice.is_some_and(|choice| choice["finish_reason"].is_string());
        let usage = value.get("usage").or_else(|| value.pointer("/x_groq/usage"));
        if let Some(usage) = usage.filter(|usage| usage.is_object()) {
            said.push(Said::Counted(Counted {
                input: usage["prompt_tokens"].as_u64(),
                output: usage["completion_tokens"].as_u64(),
            }));
        }
        Ok(said)
    }

    fn is_whole(&self) -> bool {
        self.is_finished
    }
}
