//! What a request says: ids, headers, queries and bodies, each refused where it isn't what it has to be.

use std::str::FromStr;

use axum::extract::{FromRequest, FromRequestParts, Path, Query, Request};
use axum::response::{IntoResponse, Response};
use http::request::Parts;
use http::{HeaderValue, StatusCode, header};
use http_body_util::{BodyExt as _, Limited};
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::time::Instant;
use zeroize::Zeroizing;

use crate::machine;
use crate::protocol::{self, Code, Problem};

/// Bytes of a body that is read whole: the variables of an instance are the most there is.
const LARGEST: usize = 8 << 20;

fn invalid(detail: impl Into<String>) -> Problem {
    Problem::new(Code::Invalid, detail)
}

/// The id in the path.
pub(super) struct Id<T>(pub T);

impl<S: Send + Sync, T: FromStr> FromRequestParts<S> for Id<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let text = Path::<String>::from_request_parts(parts, state).await;
        let id = text.ok().and_then(|Path(text)| text.parse().ok());
        id.map(Self).ok_or_else(|| invalid("The id in the path isn't a UUID."))
    }
}

/// The headers of an order. Its time runs from here on: the request has just come in.
pub(super) struct Ordered(pub machine::Order);

impl<S: Send + Sync> FromRequestParts<S> for Ordered {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let order = protocol::Order::read(&parts.headers)?;
        Ok(Self(machine::Order {
            job: order.job,
            fence: order.fence.number(),
            start_by: Instant::now() + order.valid.duration(),
        }))
    }
}

/// What stands behind the `?`.
pub(super) struct Asked<T>(pub T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequestParts<S> for Asked<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let asked = Query::try_from_uri(&parts.uri);
        asked.map(|Query(asked)| Self(asked)).map_err(|refused| invalid(refused.body_text()))
    }
}

/// A body of JSON.
pub(super) struct Told<T>(pub T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for Told<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, _: &S) -> Result<Self, Problem> {
        let body = Limited::new(request.into_body(), LARGEST).collect().await;
        let body = body.map_err(|_| invalid("The body broke off, or is too large."))?;
        let bytes = Zeroizing::new(body.to_bytes().to_vec());
        serde_json::from_slice(&bytes).map(Self).map_err(|error| unfit(&error))
    }
}

/// Why a body isn't taken. Names of fields may be told; a value may be a secret.
fn unfit(error: &serde_json::Error) -> Problem {
    let said = error.to_string();
    let names_a_field =
        ["unknown field", "missing field", "duplicate field"].iter().any(|it| said.starts_with(it));
    if names_a_field {
        return invalid(format!("The body isn't what this route takes: {said}."));
    }
    let (line, column) = (error.line(), error.column());
    invalid(format!("The body isn't what this route takes, at line {line}, column {column}."))
}

/// An answer of JSON.
pub(super) struct Answer<T>(pub StatusCode, pub T);

impl<T: Serialize> IntoResponse for Answer<T> {
    fn into_response(self) -> Response {
        match serde_json::to_vec(&self.1) {
            Ok(bytes) => with_type(self.0, "application/json", bytes.into()),
            Err(error) => {
                Problem::new(Code::Failed, format!("An answer can't be written: {error}.")).into_response()
            }
        }
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let status = self.code.status();
        match serde_json::to_vec(&self) {
            Ok(bytes) => with_type(status, "application/problem+json", bytes.into()),
            Err(_) => status.into_response(),
        }
    }
}

pub(super) fn with_type(status: StatusCode, kind: &'static str, body: axum::body::Body) -> Response {
    let mut response = Response::new(body);
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    response
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::protocol::PutInstance;

    fn said_of(body: &str) -> String {
        unfit(&serde_json::from_str::<PutInstance>(body).err().unwrap()).detail
    }

    #[test]
    fn what_is_wrong_with_a_body_never_repeats_a_value() {
        for body in [
            r#"{"variables": [{"name": "KEY", "value": {"hunter2": 1}}]}"#,
            r#"{"variables": [{"name": "KEY", "value": 4711}]}"#,
            r#"{"variables": ["hunter2"]}"#,
            r#"{"variables": "hunter2"}"#,
            r#"{"wish": "hunter2"}"#,
            r#"{"os_user": "hunter2"}"#,
        ] {
            let said = said_of(body);
            assert!(!said.contains("hunter2") && !said.contains("4711"), "{said}");
        }
        assert!(said_of(r#"{"colour": 1}"#).contains("unknown field `colour`"));
    }
}
