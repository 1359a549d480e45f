//! What a handler answers with when it succeeds.

use axum::body::Body;
use axum::response::{IntoResponse as _, Response};
use http::header::{CACHE_CONTROL, CONTENT_TYPE, ETAG, LOCATION, SET_COOKIE};
use http::{HeaderName, HeaderValue, StatusCode};
use serde::Serialize;
use stoa_app::Fault;
use utoipa::ToSchema;

use crate::openapi::Description;
use crate::problem::Problem;

/// A handler's whole answer: itself, or a problem.
pub type Answer<T> = Result<T, Problem>;

/// Something a handler may answer.
pub trait Success: Send {
    fn describe(_description: &mut Description) {}
    fn into_response(self) -> Response;
}

/// An object, with what else belongs to it.
pub struct Object<T> {
    body: T,
    status: StatusCode,
    headers: Vec<(HeaderName, String)>,
    secret: bool,
}

impl<T: Serialize + ToSchema + Send> Object<T> {
    #[must_use]
    pub fn ok(body: T) -> Self {
        Self { body, status: StatusCode::OK, headers: Vec::new(), secret: false }
    }

    #[must_use]
    pub fn created(body: T) -> Self {
        Self { status: StatusCode::CREATED, ..Self::ok(body) }
    }

    /// Work goes on after the answer; `job` is where to follow it.
    #[must_use]
    pub fn accepted(body: T, job: &str) -> Self {
        Self { status: StatusCode::ACCEPTED, ..Self::ok(body) }.header(LOCATION, job.to_owned())
    }

    #[must_use]
    pub fn tagged(self, etag: String) -> Self {
        self.header(ETAG, etag)
    }

    #[must_use]
    pub fn cookie(self, cookie: String) -> Self {
        self.header(SET_COOKIE, cookie)
    }

    /// It holds a secret that is shown once: nobody keeps the answer.
    #[must_use]
    pub fn secret(mut self) -> Self {
        self.secret = true;
        self
    }

    #[must_use]
    fn header(mut self, name: HeaderName, value: String) -> Self {
        self.headers.push((name, value));
        self
    }
}

impl<T: Serialize + ToSchema + Send> Success for Object<T> {
    fn describe(description: &mut Description) {
        description.answer::<T>();
    }

    fn into_response(self) -> Response {
        let text = match serde_json::to_vec(&self.body) {
            Ok(text) => text,
            Err(error) => return Problem(Fault::new(error).into()).into_response(),
        };
        let mut response = Response::new(Body::from(text));
        *response.status_mut() = self.status;
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        let cache = if self.secret { "no-store" } else { "private, no-cache" };
        headers.insert(CACHE_CONTROL, HeaderValue::from_static(cache));
        for (name, value) in self.headers {
            match HeaderValue::try_from(value) {
                Ok(value) => drop(headers.append(name, value)),
                Err(error) => return Problem(Fault::new(error).into()).into_response(),
            }
        }
        response
    }
}

/// Done, and nothing to say. `.0` is a cookie to set.
#[derive(Default)]
pub struct Done(pub Option<String>);

impl Success for Done {
    fn describe(description: &mut Description) {
        description.status(204);
    }

    fn into_response(self) -> Response {
        let mut response = StatusCode::NO_CONTENT.into_response();
        if let Some(Ok(value)) = self.0.map(HeaderValue::try_from) {
            response.headers_mut().insert(SET_COOKIE, value);
        }
        response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        response
    }
}

/// A response made by hand: a stream, a page, a picture.
pub struct Raw(pub Response);

impl Success for Raw {
    fn into_response(self) -> Response {
        self.0
    }
}

/// A page of a list.
#[derive(Serialize, ToSchema)]
pub struct Page<T> {
    pub items: Vec<T>,
    /// Where the list goes on, or null at its end.
    pub next: Option<String>,
}
