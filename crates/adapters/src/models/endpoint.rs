//! Where providers are, and how a base URL that somebody typed in is kept.

use http::HeaderValue;
use http::header::{AUTHORIZATION, CONTENT_TYPE};
use stoa_app::ports::{ModelAccess, ModelProblem};
use stoa_domain::Secret;
use stoa_domain::ai::Provider;
use url::Url;

/// Letters of a base URL at most.
const LONGEST: usize = 500;

/// The addresses of those that have one of their own, or one for all of them.
#[derive(Debug, Clone, Default)]
pub(super) struct Places {
    /// All of them, in a test.
    instead: Option<Url>,
}

impl Places {
    pub(super) fn all_at(address: Url) -> Self {
        Self { instead: Some(address) }
    }

    /// Below what the calls stand.
    pub(super) fn base(&self, access: &ModelAccess) -> Result<Url, ModelProblem> {
        let own = match access.provider {
            Provider::Anthropic => Some("https://api.anthropic.com/v1"),
            Provider::OpenAi => Some("https://api.openai.com/v1"),
            Provider::Groq => Some("https://api.groq.com/openai/v1"),
            Provider::Ollama | Provider::Custom => None,
        };
        if let (Some(instead), Some(_)) = (&self.instead, own) {
            return Ok(instead.clone());
        }
        let text = own.or(access.base_url.as_deref()).unwrap_or_default();
        base_url(text).map_err(ModelProblem::new)
    }
}

/// A base URL as it is kept: a scheme, a host, perhaps a port and a path. One without a path gets `/v1`, below which all
/// of these servers answer.
pub(super) fn base_url(text: &str) -> Result<Url, String> {
    let text = text.trim();
    let wrong = || "Give a URL such as https://models.example.com/v1 or http://127.0.0.1:11434.".to_owned();
    if text.len() > LONGEST || text.chars().any(char::is_control) {
        return Err(wrong());
    }
    let mut url = Url::parse(text).map_err(|_| wrong())?;
    if url.cannot_be_a_base() || url.host().is_none() {
        return Err(wrong());
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err("The base URL ends with its path: leave out what follows ? or #.".to_owned());
    }
    let path = url.path().trim_end_matches('/').to_owned();
    url.set_path(if path.is_empty() { "/v1" } else { &path });
    // It is longer by now where letters had to be escaped. And what browsers take for a URL isn't all that a request can
    // be made to: a host with a ` in it.
    if url.as_str().len() > LONGEST || below(&url, "models").parse::<http::Uri>().is_err() {
        return Err(wrong());
    }
    Ok(url)
}

/// The address of one call below the base.
pub(super) fn below(base: &Url, path: &str) -> String {
    format!("{}/{path}", base.as_str().trim_end_matches('/'))
}

/// A key as the value of a header that isn't shown anywhere.
pub(super) fn header(prefix: &str, key: &Secret) -> Result<HeaderValue, ModelProblem> {
    let value = zeroize::Zeroizing::new([prefix.as_bytes(), key.reveal()].concat());
    let mut value = HeaderValue::from_bytes(&value)
        .map_err(|_| ModelProblem::new("The key that is kept can't be sent. Set it anew."))?;
    value.set_sensitive(true);
    Ok(value)
}

/// A request with JSON, or without anything.
pub(super) fn request(
    address: &str,
    body: Option<&serde_json::Value>,
) -> Result<http::Request<bytes::Bytes>, ModelProblem> {
    let builder = http::Request::builder().uri(address);
    let built = match body {
        Some(body) => builder
            .method(http::Method::POST)
            .header(CONTENT_TYPE, "application/json")
            .header(http::header::ACCEPT, "text/event-stream")
            .body(body.to_string().into()),
        None => builder.method(http::Method::GET).body(bytes::Bytes::new()),
    };
    built.map_err(|_| ModelProblem::new("The provider's address can't be asked. Set it anew."))
}

/// Signs a request as OpenAI's form has it; a server of one's own may ask for no key.
pub(super) fn bearer(
    request: &mut http::Request<bytes::Bytes>,
    access: &ModelAccess,
) -> Result<(), ModelProblem> {
    if let Some(key) = &access.key {
        request.headers_mut().insert(AUTHORIZATION, header("Bearer ", key)?);
    }
    Ok(())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn kept(text: &str) -> Result<String, String> {
        base_url(text).map(|url| url.to_string())
    }

    #[test]
    fn a_base_url_is_kept_in_one_form() {
        for (text, expected) in [
            (" https://Models.Example.com ", "https://models.example.com/v1"),
            ("http://127.0.0.1:11434/", "http://127.0.0.1:11434/v1"),
            ("https://a.example/openai/v1/", "https://a.example/openai/v1"),
            ("https://a.example:443/x", "https://a.example/x"),
        ] {
            assert_eq!(kept(text).unwrap(), expected);
        }
        for wrong in [
            "",
            "models",
            "https://",
            "data:text/plain,x",
            "https://a/?k=1",
            "https://a/#x",
            "https://a\n/",
            "https://a`b.example/",
        ] {
            assert!(kept(wrong).is_err(), "{wrong}");
        }
        assert!(kept(&format!("https://a/{}", "x".repeat(600))).is_err());
        assert!(kept(&format!("https://a/{}x", " ".repeat(200))).is_err(), "as it is kept");
    }
}
