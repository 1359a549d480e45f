//! Asking the API: one address, one credential, no redirects.

use std::time::Duration;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use reqwest::header::{
    ACCEPT, AUTHORIZATION, COOKIE, ETAG, HeaderMap, HeaderValue, IF_MATCH, LOCATION, ORIGIN, RANGE,
    SET_COOKIE,
};
use reqwest::{Client, Method, RequestBuilder, Response, Url};
use serde_json::Value;

use super::failed::{Failed, Problem};

const CONNECT: Duration = Duration::from_secs(10);
/// An answer that isn't a stream comes within this.
const ANSWER: Duration = Duration::from_secs(60);
/// Items of one page of a list.
const PAGE: &str = "200";
/// Letters that stand for themselves in a path.
const PLAIN: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');

/// The address of an installation, from what a person writes. Without a scheme it is https.
pub fn base(text: &str) -> Result<Url, Failed> {
    let whole = if text.contains("://") { text.to_owned() } else { format!("https://{text}") };
    let url = Url::parse(&whole).map_err(|_| Failed::Usage(format!("{text} isn't an address")))?;
    if !url.username().is_empty() || url.password().is_some() {
        // Not repeated: what stands there is somebody's password.
        let sentence = "An address has no user and no password in it: they are asked for".to_owned();
        return Err(Failed::Usage(sentence));
    }
    let bare = url.path() == "/" && url.query().is_none() && url.fragment().is_none();
    if !matches!(url.scheme(), "http" | "https") || url.host_str().is_none() {
        return Err(Failed::Usage(format!("{text} isn't the address of a Stoa: it begins with https://")));
    }
    if !bare {
        return Err(Failed::Usage(format!("{text} has to be a scheme and a host, and nothing behind them")));
    }
    Ok(url)
}

/// Whether what is sent there can be read on the way.
pub fn is_readable_on_the_way(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default().trim_matches(['[', ']']);
    let is_here = host == "localhost"
        || host.ends_with(".localhost")
        || host.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback());
    url.scheme() == "http" && !is_here
}

/// `/api/v1/…` of words, each made fit for it.
pub fn path(words: &[&str]) -> String {
    let words: Vec<String> = words.iter().map(|word| utf8_percent_encode(word, PLAIN).to_string()).collect();
    format!("/api/v1/{}", words.join("/"))
}

/// A query of names and values; those without a value are left out.
pub fn query(pairs: &[(&str, Option<&str>)]) -> String {
    let pairs = pairs
        .iter()
        .filter_map(|(name, value)| Some(format!("{name}={}", utf8_percent_encode((*value)?, PLAIN))));
    let text = pairs.collect::<Vec<_>>().join("&");
    if text.is_empty() { text } else { format!("?{text}") }
}

pub struct Call {
    client: Client,
    base: Url,
    credential: Credential,
}

enum Credential {
    Nothing,
    Token(String, Whence),
    /// While somebody signs in.
    Session(String),
}

/// Where a token is from, and so what to do where it doesn't count.
#[derive(Clone, Copy)]
pub enum Whence {
    /// `stoa login` has kept it.
    Kept,
    /// Somebody has named it.
    Given,
}

/// What came back.
pub struct Answer {
    pub body: Value,
    /// What the thing is known by in its present form.
    pub tag: Option<HeaderValue>,
    pub cookie: Option<String>,
}

impl Call {
    pub fn new(base: Url) -> Result<Self, Failed> {
        let client = Client::builder()
            .user_agent(concat!("stoa/", env!("CARGO_PKG_VERSION")))
            // A token is for the address that it was given for, and for no other.
            .redirect(reqwest::redirect::Policy::none())
            .connect_timeout(CONNECT)
            .build()?;
        Ok(Self { client, base, credential: Credential::Nothing })
    }

    pub fn with_token(self, token: String, whence: Whence) -> Self {
        Self { credential: Credential::Token(token, whence), ..self }
    }

    pub fn with_session(self, cookie: String) -> Self {
        Self { credential: Credential::Session(cookie), ..self }
    }

    pub fn base(&self) -> &Url {
        &self.base
    }

    fn request(&self, method: Method, path: &str) -> Result<RequestBuilder, Failed> {
        let url = self.base.join(path).map_err(|error| Failed::Other(error.to_string()))?;
        let mut request = self.client.request(method, url);
        let secret = |text: String| {
            let mut value = HeaderValue::try_from(text).map_err(|_| {
                Failed::Usage("the access token isn't one: it holds what no token holds".to_owned())
            })?;
            value.set_sensitive(true);
            Ok::<_, Failed>(value)
        };
        request = match &self.credential {
            Credential::Token(token, _) => request.header(AUTHORIZATION, secret(format!("Bearer {token}"))?),
            Credential::Session(cookie) => request.header(COOKIE, secret(cookie.clone())?),
            Credential::Nothing => request,
        };
        if !matches!(self.credential, Credential::Token(..)) {
            request = request.header(ORIGIN, self.base.origin().ascii_serialization());
        }
        Ok(request)
    }

    /// What sends a thing once more, where the way there broke off: reading does no harm, and what carries a key is
    /// done once.
    async fn send(&self, request: RequestBuilder) -> Result<Answer, Failed> {
        let again = request.try_clone();
        let response = match (request.timeout(ANSWER).send().await, again) {
            (Err(error), Some(again)) if error.is_connect() || error.is_request() => {
                again.timeout(ANSWER).send().await?
            }
            (outcome, _) => outcome?,
        };
        let response = self.checked(response).await?;
        let headers = response.headers().clone();
        let text = response.bytes().await?;
        let body = if text.is_empty() { Value::Null } else { serde_json::from_slice(&text)? };
        Ok(Answer { body, tag: headers.get(ETAG).cloned(), cookie: cookie_of(&headers) })
    }

    /// A refusal as such.
    async fn checked(&self, response: Response) -> Result<Response, Failed> {
        let status = response.status();
        if status.is_success() {
            return Ok(response);
        }
        if status.is_redirection() {
            let to = response.headers().get(LOCATION).and_then(|value| value.to_str().ok());
            let to = to.and_then(|to| Url::parse(to).ok()).map(|url| url.origin().ascii_serialization());
            let to = to.unwrap_or_else(|| "another address".to_owned());
            return Err(Failed::Other(format!(
                "{} sends everybody to {to}. Sign in there: stoa login {to}",
                self.base
            )));
        }
        let body = response.bytes().await.unwrap_or_default();
        match serde_json::from_slice::<Value>(&body) {
            Ok(body) if body["code"].is_string() => {
                Err(Failed::Refused(self.problem(status.as_u16(), &body)))
            }
            _ => Err(Failed::Other(format!("{} answers {status}, and not as a Stoa does", self.base))),
        }
    }

    /// A problem, with what it means for the token that was sent.
    pub fn problem(&self, status: u16, body: &Value) -> Problem {
        let mut problem = Problem::of(status, body);
        if problem.code == "unauthenticated" {
            match &self.credential {
                Credential::Token(_, Whence::Given) => {
                    problem.detail = "This token isn't valid: it is wrong, has ended or was deleted. Make another under Account, Access tokens."
                        .to_owned();
                }
                Credential::Token(_, Whence::Kept) => {
                    problem.detail = format!(
                        "The access token of this machine has ended or was deleted. Sign in again: stoa login {}",
                        self.base.origin().ascii_serialization()
                    );
                }
                _ => {}
            }
        }
        problem
    }

    pub async fn get(&self, path: &str) -> Result<Answer, Failed> {
        self.send(self.request(Method::GET, path)?).await
    }

    /// All items of a list, page by page, as one.
    pub async fn list(&self, path: &str, filters: &[(&str, Option<&str>)]) -> Result<Value, Failed> {
        let mut items = Vec::new();
        let mut after: Option<String> = None;
        loop {
            let asked = [filters, &[("limit", Some(PAGE)), ("after", after.as_deref())]].concat();
            let mut body = self.get(&format!("{path}{}", query(&asked))).await?.body;
            if let Value::Array(page) = body["items"].take() {
                items.extend(page);
            }
            match body["next"].as_str() {
                Some(next) => after = Some(next.to_owned()),
                None => return Ok(serde_json::json!({ "items": items, "next": null })),
            }
        }
    }

    /// Sends something that makes or does a thing, once, however often it is sent.
    pub async fn post(&self, path: &str, body: &Value) -> Result<Answer, Failed> {
        let key = uuid::Uuid::now_v7().to_string();
        let request = self.request(Method::POST, path)?.header("Idempotency-Key", key);
        self.send(if body.is_null() { request } else { request.json(body) }).await
    }

    /// The same for what takes no key: signing in and out.
    pub async fn post_plain(&self, path: &str, body: &Value) -> Result<Answer, Failed> {
        self.send(self.request(Method::POST, path)?.json(body)).await
    }

    /// Changes a thing as it was read: if somebody else was first, nothing is changed.
    pub async fn change(
        &self,
        method: Method,
        path: &str,
        tag: Option<HeaderValue>,
        body: &Value,
    ) -> Result<Answer, Failed> {
        let mut request = self.request(method, path)?;
        if let Some(tag) = tag {
            request = request.header(IF_MATCH, tag);
        }
        self.send(if body.is_null() { request } else { request.json(body) }).await
    }

    /// Opens a large file behind its first `from` bytes. `None` where nothing follows them.
    pub async fn open_from(&self, path: &str, from: u64) -> Result<Option<Response>, Failed> {
        let mut request = self.request(Method::GET, path)?;
        if from > 0 {
            request = request.header(RANGE, format!("bytes={from}-"));
        }
        let response = request.send().await?;
        if response.status() == reqwest::StatusCode::RANGE_NOT_SATISFIABLE {
            return Ok(None);
        }
        self.checked(response).await.map(Some)
    }

    /// Opens a stream of lines, which may go on for days.
    pub async fn open(&self, path: &str) -> Result<Response, Failed> {
        let request = self.request(Method::GET, path)?.header(ACCEPT, "application/x-ndjson");
        self.checked(request.send().await?).await
    }
}

/// `name=value` of the cookie that an answer sets.
fn cookie_of(headers: &HeaderMap) -> Option<String> {
    let text = headers.get(SET_COOKIE)?.to_str().ok()?;
    Some(text.split(';').next()?.trim().to_owned())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_https_unless_it_says_otherwise() {
        let of = |text: &str| base(text).ok().map(|url| url.to_string());
        assert_eq!(of("stoa.example").unwrap(), "https://stoa.example/");
        assert_eq!(of("http://localhost:8080").unwrap(), "http://localhost:8080/");
        for wrong in ["", "ftp://a", "https://a/b", "https://u:p@a", "https://a?b", "file:///etc"] {
            assert!(base(wrong).is_err(), "{wrong}");
        }
        assert!(is_readable_on_the_way(&base("http://stoa.example").ok().unwrap()));
        assert!(!is_readable_on_the_way(&base("http://[::1]:8080").ok().unwrap()));
    }

    #[test]
    fn words_never_leave_their_place_in_a_path() {
        assert_eq!(path(&["workspaces", "a/../b c?d"]), "/api/v1/workspaces/a%2F..%2Fb%20c%3Fd");
        assert_eq!(query(&[("q", Some("a&b")), ("after", None)]), "?q=a%26b");
    }
}
