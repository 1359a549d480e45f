//! Whether what a route answers is what the API's description says that it may answer.

use std::sync::LazyLock;

use http::header::{CONTENT_TYPE, ETAG, LOCATION, RETRY_AFTER, SET_COOKIE};
use serde_json::Value;
use stoa_http::Registered;
use stoa_http::openapi::{codes_of, document};

use crate::client::Answer;
use crate::schema::differences;

static DESCRIPTION: LazyLock<Value> = LazyLock::new(|| {
    let (_, registered) = stoa_http::routes::all("0.1.0").into_parts();
    document(&registered, "0.1.0")
});

/// What differs, where something does.
#[must_use]
pub fn undescribed(route: &Registered, answer: &Answer) -> Vec<String> {
    let status = answer.status.as_u16();
    let method = route.method.as_str().to_ascii_lowercase();
    let described = &DESCRIPTION["paths"][route.path][method]["responses"][status.to_string()];
    if described.is_null() {
        return vec![format!("{status} isn't described: {}", answer.text)];
    }
    let mut found = Vec::new();
    if !answer.status.is_success() {
        let code = answer.code().unwrap_or_default();
        if !codes_of(route).contains(code.as_str()) {
            found.push(format!("{status} {code} isn't described"));
        }
    }
    let headers = [("ETag", ETAG), ("Location", LOCATION), ("Retry-After", RETRY_AFTER)];
    for (name, header) in headers {
        let is_described = !described["headers"][name].is_null();
        if is_described != answer.headers.contains_key(&header) {
            found.push(format!("{name} is described: {is_described}"));
        }
    }
    if described["headers"]["Set-Cookie"].is_null() && answer.headers.contains_key(SET_COOKIE) {
        found.push("Set-Cookie isn't described".to_owned());
    }
    let kind = answer.header(CONTENT_TYPE).map(|kind| kind.split(';').next().unwrap_or_default());
    match (described["content"].as_object(), kind) {
        (None, None) if answer.text.is_empty() => {}
        (Some(content), Some(kind)) if content.contains_key(kind) => {
            let schema = &content[kind]["schema"];
            match kind {
                "application/x-ndjson" => {
                    for line in answer.text.lines() {
                        let value = serde_json::from_str(line).unwrap_or(Value::Null);
                        found.extend(differences(&DESCRIPTION, schema, &value));
                    }
                }
                _ if kind.ends_with("json") => {
                    found.extend(differences(&DESCRIPTION, schema, &answer.json()));
                }
                _ => {}
            }
        }
        (content, kind) => found.push(format!("it has {kind:?}, described is {content:?}")),
    }
    found
}
