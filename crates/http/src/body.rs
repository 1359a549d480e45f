//! JSON bodies, read strictly: wrong types, unknown and repeated keys are refused, and named.

use axum::body::{Body, Bytes, HttpBody as _};
use http::HeaderMap;
use http::Method;
use http::header::{CONTENT_ENCODING, CONTENT_TYPE};
use http::request::Parts;
use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use serde::de::DeserializeOwned;
use serde_path_to_error::{Path, Segment};
use stoa_app::Failure;
use stoa_domain::{FieldProblem, Refusal};

use crate::patience::is_too_slow;

/// Largest JSON body: 1 MiB.
pub(crate) const LARGEST: usize = 1024 * 1024;
/// Largest permission profile: 8 MiB.
pub(crate) const LARGEST_PROFILE: usize = 8 * 1024 * 1024;
/// Deepest nesting.
const DEEPEST: usize = 32;

pub(crate) async fn json<T: DeserializeOwned>(
    parts: &Parts,
    body: &mut Option<Body>,
    largest: usize,
) -> Result<T, Failure> {
    is_json(&parts.headers)?;
    let bytes = bytes(body, largest, Refusal::PayloadTooLarge).await?;
    parse(&bytes).map_err(Into::into)
}

/// As [`json`], where nothing has to be said: no body is an object without a field.
pub(crate) async fn json_if_any<T: DeserializeOwned>(
    headers: &HeaderMap,
    body: &mut Option<Body>,
) -> Result<T, Failure> {
    let is_there = body.as_ref().is_some_and(|body| !body.is_end_stream());
    let sent = if is_there { bytes(body, LARGEST, Refusal::PayloadTooLarge).await? } else { Bytes::new() };
    if sent.is_empty() {
        return parse(b"{}").map_err(Into::into);
    }
    is_json(headers)?;
    parse(&sent).map_err(Into::into)
}

/// A body is taken as it is, and never unpacked: what it unpacks to has no limit.
pub(crate) fn is_unpacked(headers: &HeaderMap) -> Result<(), Refusal> {
    let is_packed =
        headers.get_all(CONTENT_ENCODING).iter().any(|one| !one.as_bytes().eq_ignore_ascii_case(b"identity"));
    if is_packed { Err(Refusal::PackedBody) } else { Ok(()) }
}

fn is_json(headers: &HeaderMap) -> Result<(), Refusal> {
    is_unpacked(headers)?;
    let content_type = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let mut words = content_type.split(';').map(str::trim);
    let is_json = words.next().is_some_and(|kind| kind.eq_ignore_ascii_case("application/json"));
    if !is_json || !words.all(|word| word.is_empty() || word.eq_ignore_ascii_case("charset=utf-8")) {
        return Err(Refusal::UnsupportedMediaType);
    }
    Ok(())
}

/// The whole body; a larger one is told by `too_large`.
pub(crate) async fn bytes(
    body: &mut Option<Body>,
    largest: usize,
    too_large: Refusal,
) -> Result<Bytes, Failure> {
    match Limited::new(body.take().unwrap_or_default(), largest).collect().await {
        Ok(collected) => Ok(collected.to_bytes()),
        Err(error) if error.downcast_ref::<LengthLimitError>().is_some() => Err(too_large.into()),
        Err(error) if is_too_slow(&*error) => Err(Refusal::TooSlow.into()),
        // Whoever sent it has most likely gone: nothing of ours has failed.
        Err(_) => Err(Refusal::invalid("", "cut", "The body broke off before its end.").into()),
    }
}

/// Where no argument has taken the body: none, or an object without a field. What is sent is never passed over.
pub(crate) async fn nothing(parts: &Parts, body: &mut Option<Body>) -> Result<(), Failure> {
    #[derive(serde::Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Nothing {}
    if matches!(parts.method, Method::GET | Method::HEAD) {
        return Ok(());
    }
    json_if_any::<Nothing>(&parts.headers, body).await.map(drop)
}

pub(crate) fn parse<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Refusal> {
    if deepest(bytes) > DEEPEST {
        return Err(Refusal::invalid("", "too_deep", "The body is nested more than 32 deep."));
    }
    if bytes.iter().find(|byte| !byte.is_ascii_whitespace()) != Some(&b'{') {
        return Err(Refusal::invalid("", "invalid", "The body has to be a JSON object."));
    }
    let mut reader = serde_json::Deserializer::from_slice(bytes);
    let value = serde_path_to_error::deserialize(&mut reader).map_err(|error| {
        let path = dotted(error.path());
        let said = error.into_inner().to_string();
        let said = said.split(" at line").next().unwrap_or_default().to_owned();
        let named = named_field(&said);
        let is_said = |name: &String| path == *name || path.ends_with(&format!(".{name}"));
        let field = match named {
            Some(name) if path.is_empty() => name,
            Some(name) if !is_said(&name) => format!("{path}.{name}"),
            _ => path,
        };
        Refusal::Invalid(vec![FieldProblem::new(&field, "invalid", plain(&said))])
    })?;
    reader
        .end()
        .map_err(|_| Refusal::invalid("", "invalid", "Something stands after the end of the body."))?;
    Ok(value)
}

/// A place in a body as all fields are named: its parts joined by dots, those of lists by their number.
pub(crate) fn dotted(path: &Path) -> String {
    let part = |segment: &Segment| match segment {
        Segment::Seq { index } => Some(index.to_string()),
        Segment::Map { key } => Some(key.clone()),
        Segment::Enum { variant } => Some(variant.clone()),
        Segment::Unknown => None,
    };
    path.iter().filter_map(part).collect::<Vec<_>>().join(".")
}

/// What serde says, in words for whoever sent it. It speaks of Rust's types.
pub(crate) fn plain(said: &str) -> String {
    let named = said.split('`').nth(1).unwrap_or_default();
    let expected = || match said.rsplit("expected ").next().unwrap_or_default() {
        "a sequence" => "a list",
        "a string" | "a borrowed string" | "str" => "text",
        "a boolean" => "true or false",
        "u8" | "u16" | "u32" | "u64" | "usize" => "a whole number, not below zero",
        "i8" | "i16" | "i32" | "i64" => "a whole number",
        "f32" | "f64" => "a number",
        words if words == "a map" || words.starts_with("struct ") => "an object",
        _ => "something else",
    };
    let choices =
        || said.split("expected ").nth(1).unwrap_or_default().replace("one of ", "").replace('`', "");
    if said.starts_with("unknown field") {
        format!("There is no field {named} here.")
    } else if said.starts_with("missing field") {
        format!("The field {named} is missing.")
    } else if said.starts_with("duplicate field") {
        format!("The field {named} is there twice.")
    } else if said.starts_with("unknown variant") {
        format!("It is none of these: {}.", choices())
    } else if said.starts_with("invalid type") {
        format!("This has to be {}.", expected())
    } else if said.starts_with("invalid value") || said.starts_with("invalid length") {
        "This value isn't one that is taken here.".to_owned()
    } else if said.contains("`true` or `false`") {
        "This has to be true or false.".to_owned()
    } else if said.contains("digit") || said.contains("integer from empty") || said.starts_with("number too")
    {
        "This has to be a whole number.".to_owned()
    } else if said.starts_with("EOF") {
        "The JSON ends before it is complete.".to_owned()
    } else {
        format!("This isn't JSON as it should be: {said}.")
    }
}

/// The field that a message of serde puts between backticks.
pub(crate) fn named_field(message: &str) -> Option<String> {
    let told =
        ["unknown field", "missing field", "duplicate field"].iter().any(|start| message.contains(start));
    told.then(|| message.split('`').nth(1).map(str::to_owned)).flatten()
}

/// How deep the text nests, outside of strings.
fn deepest(bytes: &[u8]) -> usize {
    let (mut depth, mut deepest, mut quoted, mut escaped) = (0_usize, 0, false, false);
    for byte in bytes {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if quoted => escaped = true,
            b'"' => quoted = !quoted,
            b'{' | b'[' if !quoted => {
                depth += 1;
                deepest = deepest.max(depth);
            }
            b'}' | b']' if !quoted => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    deepest
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;

    #[derive(Deserialize, Debug, PartialEq)]
    #[serde(deny_unknown_fields)]
    struct Wish {
        mode: String,
        inner: Option<Inner>,
        #[serde(default)]
        parts: Vec<Inner>,
    }

    #[derive(Deserialize, Debug, PartialEq)]
    #[serde(deny_unknown_fields)]
    struct Inner {
        number: u8,
    }

    #[test]
    fn what_a_reader_says_is_said_in_plain_words() {
        for (said, told) in [
            ("invalid type: null, expected a sequence", "This has to be a list."),
            ("invalid type: string \"x\", expected struct Wish", "This has to be an object."),
            ("unknown field `modes`, expected `mode` or `inner`", "There is no field modes here."),
            ("missing field `mode`", "The field mode is missing."),
            ("duplicate field `mode`", "The field mode is there twice."),
            ("unknown variant `x`, expected one of `soft`, `hard`", "It is none of these: soft, hard."),
            ("EOF while parsing an object", "The JSON ends before it is complete."),
            ("invalid digit found in string", "This has to be a whole number."),
            ("cannot parse integer from empty string", "This has to be a whole number."),
            ("provided string was not `true` or `false`", "This has to be true or false."),
        ] {
            assert_eq!(plain(said), told);
        }
    }

    fn field(text: &str) -> String {
        match parse::<Wish>(text.as_bytes()) {
            Err(Refusal::Invalid(problems)) => problems.first().map(|p| p.field.clone()).unwrap_or_default(),
            other => format!("{other:?}"),
        }
    }

    #[test]
    fn what_is_wrong_is_named() {
        assert_eq!(field(r#"{"mode":"soft","x":1}"#), "x");
        assert_eq!(field(r#"{"mode":"soft","mode":"hard"}"#), "mode");
        assert_eq!(field("{}"), "mode");
        assert_eq!(field(r#"{"mode":1}"#), "mode");
        assert_eq!(field(r#"{"mode":"soft","inner":{"number":300}}"#), "inner.number");
        assert_eq!(field(r#"{"mode":"soft","parts":[{"number":1},{"number":300}]}"#), "parts.1.number");
        assert_eq!(field(r#"{"mode":"soft","parts":[{"number":1},{}]}"#), "parts.1.number");
        assert_eq!(field(r#"{"mode":"soft","parts":[{"number":1,"x":2}]}"#), "parts.0.x");
        assert_eq!(field(r#"{"mode":"soft"} true"#), "");
        for other in ["", "[]", "\"soft\"", " [\"soft\", null]"] {
            assert_eq!(field(other), "", "{other}");
        }
    }

    #[test]
    fn nesting_is_counted_outside_of_strings() {
        assert_eq!(deepest(br#"{"a":"[[[[","b":["\"{"]}"#), 2);
        assert_eq!(deepest("[".repeat(40).as_bytes()), 40);
    }
}
