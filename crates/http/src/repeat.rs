//! `Idempotency-Key`: the same request again gives the first answer again, after it was decided again.
//!
//! Only what succeeded is kept. What was refused or failed changed nothing and may be tried with the same key.

use axum::body::Body;
use axum::response::Response;
use bytes::Bytes;
use http::header::{AUTHORIZATION, CACHE_CONTROL, CONTENT_TYPE, ETAG, LOCATION};
use http::request::Parts;
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use http_body_util::BodyExt as _;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest as _, Sha256};
use stoa_app::idempotency::Kept;
use stoa_app::{App, Failure, Fault};
use stoa_domain::{AccountId, Refusal};

use crate::body::LARGEST_PROFILE;
use crate::gate::AskingAccount;

const KEY: HeaderName = HeaderName::from_static("idempotency-key");

/// Signing in, out and confirming aren't repeated: what they answer counts for one session. Neither is what answers with
/// nothing but a secret, or with a step that works once: without it there would be nothing to give again.
const NOT_REPEATED: [&str; 6] = [
    "/api/v1/session",
    "/api/v1/connect",
    "/api/v1/me/identity",
    "/api/v1/me/second-factor",
    "/api/v1/me/passkeys",
    "/api/v1/me/recovery-codes",
];

/// Letters of a key at most.
const LONGEST: usize = 255;

/// What is shown once and never kept.
const SECRETS: [&str; 3] = ["token", "link", "join"];

/// The same, of an answer that says of itself that nobody may keep it: a link to connect as a user is an address.
const SECRETS_OF_SECRET: [&str; 2] = ["url", "secret"];

/// A request with a key that is to be carried out now.
pub(crate) struct Request {
    account: AccountId,
    key: String,
}

/// An answer as it is kept.
#[derive(Serialize, Deserialize)]
struct Answer {
    location: Option<String>,
    etag: Option<String>,
    body: Option<Value>,
}

/// How a request goes on.
pub(crate) enum Begun {
    /// Without a key.
    Plain,
    Now(Request),
    Again(Response),
}

fn key_of(parts: &Parts) -> Result<Option<String>, Refusal> {
    let wrong = || {
        Refusal::invalid(
            "Idempotency-Key",
            "invalid",
            "A key has 1 to 255 visible letters. A UUID is a good one.",
        )
    };
    let mut sent = parts.headers.get_all(KEY).iter();
    let Some(value) = sent.next() else { return Ok(None) };
    if sent.next().is_some() {
        let two = "There are two keys. Send one, so that it is known which request this is again.";
        return Err(Refusal::invalid("Idempotency-Key", "invalid", two));
    }
    let text = value.to_str().map_err(|_| wrong())?;
    let fits = (1..=LONGEST).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic());
    if fits { Ok(Some(text.to_owned())) } else { Err(wrong()) }
}

/// Whether a request has a key: it is then carried out to its end whether its client waits or not, because a client
/// that went away is just the one that asks again.
pub(crate) fn has_key(parts: &Parts) -> bool {
    parts.headers.contains_key(KEY)
}

/// Whether a path is of what isn't repeated.
pub(crate) fn is_never_repeated(path: &str) -> bool {
    NOT_REPEATED
        .iter()
        .filter_map(|prefix| path.strip_prefix(prefix))
        .any(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// To be called when the gate has let it pass.
pub(crate) async fn begin(
    app: &App,
    parts: &Parts,
    body: &mut Option<Body>,
    operation: &'static str,
) -> Result<Begun, Failure> {
    let writes = !is_never_repeated(parts.uri.path()) && !matches!(parts.method, Method::GET | Method::HEAD);
    let account = parts.extensions.get::<AskingAccount>().map(|asking| asking.0);
    // Of what only reads, a key says nothing, whatever it looks like.
    let (true, Some(account)) = (writes, account) else { return Ok(Begun::Plain) };
    let Some(key) = key_of(parts)? else { return Ok(Begun::Plain) };
    let bytes = crate::body::bytes(body, LARGEST_PROFILE, Refusal::PayloadTooLarge).await?;
    let hash = hash_of(parts, &bytes);
    *body = Some(Body::from(bytes));
    match app.begin_request(account, &key, operation, hash).await? {
        None => Ok(Begun::Now(Request { account, key })),
        Some(kept) => Ok(Begun::Again(answer_of(&kept)?)),
    }
}

fn hash_of(parts: &Parts, body: &Bytes) -> Vec<u8> {
    let mut hash = Sha256::new();
    for part in [
        parts.method.as_str().as_bytes(),
        parts.uri.path().as_bytes(),
        parts.uri.query().unwrap_or_default().as_bytes(),
        // An answer says what its asker may: that of one token isn't another's.
        parts.headers.get(AUTHORIZATION).map_or(&b""[..], HeaderValue::as_bytes),
    ] {
        hash.update(part);
        hash.update([0]);
    }
    hash.update(body);
    hash.finalize().to_vec()
}

fn answer_of(kept: &Kept) -> Result<Response, Failure> {
    let answer: Answer = serde_json::from_slice(&kept.answer).map_err(Fault::new)?;
    let body = answer.body.as_ref().map_or(Body::empty(), |body| Body::from(body.to_string()));
    let mut response = Response::new(body);
    let status = u16::try_from(kept.status).ok().and_then(|status| StatusCode::from_u16(status).ok());
    *response.status_mut() = status.ok_or_else(|| Fault::new("a kept answer has no status"))?;
    let headers = response.headers_mut();
    if answer.body.is_some() {
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    }
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(HeaderName::from_static("idempotency-replayed"), HeaderValue::from_static("true"));
    for (name, value) in [(LOCATION, answer.location), (ETAG, answer.etag)] {
        if let Some(value) = value.and_then(|value| HeaderValue::try_from(value).ok()) {
            headers.insert(name, value);
        }
    }
    Ok(response)
}

impl Request {
    /// Keeps the answer, where it is one of success.
    pub(crate) async fn end(self, app: &App, response: Response) -> Response {
        let is_json = response.headers().get(CONTENT_TYPE).is_none_or(|kind| kind == "application/json");
        if !response.status().is_success() || !is_json {
            log(app.forget_request(self.account, &self.key).await);
            return response;
        }
        let (parts, body) = response.into_parts();
        let Ok(collected) = body.collect().await else { return Response::from_parts(parts, Body::empty()) };
        let bytes = collected.to_bytes();
        let kept = Kept { status: i64::from(parts.status.as_u16()), answer: kept(&parts.headers, &bytes) };
        log(app.keep_answer(self.account, &self.key, kept).await);
        Response::from_parts(parts, Body::from(bytes))
    }
}

/// The work is done, and the answer with it: that it can't be kept doesn't undo it.
fn log(outcome: Result<(), Failure>) {
    if let Err(failure) = outcome {
        tracing::warn!(?failure, "what came of a request with an Idempotency-Key couldn't be kept");
    }
}

fn kept(headers: &HeaderMap, body: &Bytes) -> Vec<u8> {
    let text = |name: HeaderName| headers.get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
    let mut body: Option<Value> = serde_json::from_slice(body).ok();
    if let Some(Value::Object(object)) = &mut body {
        let is_secret = headers.get(CACHE_CONTROL).is_some_and(|value| value == "no-store");
        let names = SECRETS.into_iter().chain(SECRETS_OF_SECRET.into_iter().filter(|_| is_secret));
        let shown = names.filter(|name| object.get(*name).is_some_and(|value| !value.is_null()));
        for name in shown.collect::<Vec<_>>() {
            object.remove(name);
            object.insert(
                "shown_once".to_owned(),
                Value::String(format!("{name} was shown in the first answer alone")),
            );
        }
    }
    let answer = Answer { location: text(LOCATION), etag: text(ETAG), body };
    // Of texts and JSON: it can be written as JSON.
    serde_json::to_vec(&answer).unwrap_or_default()
}
