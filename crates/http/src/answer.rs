//! What a handler answers with when it succeeds.

use std::borrow::Cow;
use std::marker::PhantomData;

use axum::body::Body;
use axum::response::{IntoResponse as _, Response};
use http::header::{CACHE_CONTROL, CONTENT_TYPE, ETAG, LOCATION, SET_COOKIE};
use http::{HeaderName, HeaderValue, StatusCode};
use serde::Serialize;
use stoa_app::Fault;
use utoipa::openapi::schema::{SchemaType, Type};
use utoipa::openapi::{Array, ObjectBuilder, Ref, RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};

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

    /// The same with another body.
    pub fn map<U>(self, change: impl FnOnce(T) -> U) -> Object<U> {
        let Self { body, status, headers, secret } = self;
        Object { body: change(body), status, headers, secret }
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
        description.answer::<T>("application/json");
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

/// Taken; a mail goes on with it. It says nothing, so that it tells nothing.
pub struct Mailed;

impl Success for Mailed {
    fn into_response(self) -> Response {
        let mut response = StatusCode::ACCEPTED.into_response();
        response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        response
    }
}

/// Done, and nothing to say. `.0` is a cookie to set.
#[derive(Default)]
pub struct Done(pub Option<String>);

impl Success for Done {
    fn into_response(self) -> Response {
        let mut response = StatusCode::NO_CONTENT.into_response();
        if let Some(Ok(value)) = self.0.map(HeaderValue::try_from) {
            response.headers_mut().insert(SET_COOKIE, value);
        }
        response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        response
    }
}

/// Bytes as they are, which no browser shows.
pub struct Binary(Response);

impl Binary {
    pub(crate) fn new(response: Response) -> Self {
        Self(response)
    }

    /// All of it.
    pub(crate) fn whole(bytes: axum::body::Bytes) -> Self {
        let mut response = Response::new(Body::from(bytes));
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/octet-stream"));
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        Self(response)
    }
}

impl Success for Binary {
    fn describe(description: &mut Description) {
        description.binary();
    }

    fn into_response(self) -> Response {
        self.0
    }
}

/// A page for a person, made by hand.
pub struct Html(pub Response);

impl Success for Html {
    fn describe(description: &mut Description) {
        description.html();
    }

    fn into_response(self) -> Response {
        self.0
    }
}

/// What comes in frames, one after the other, in one of these forms.
pub trait Frames: ToSchema + Send {
    const CONTENT_TYPES: &'static [&'static str];
    /// Whether `Last-Event-ID` says where it goes on.
    const RESUMES: bool;
}

/// An answer that goes on: frames of `T`.
pub struct Streamed<T> {
    response: Response,
    frames: PhantomData<T>,
}

impl<T> Streamed<T> {
    pub(crate) fn new(response: Response) -> Self {
        Self { response, frames: PhantomData }
    }
}

impl<T: Frames> Success for Streamed<T> {
    fn describe(description: &mut Description) {
        for content_type in T::CONTENT_TYPES {
            description.answer::<T>(content_type);
        }
        description.is_resumable = T::RESUMES;
    }

    fn into_response(self) -> Response {
        self.response
    }
}

/// A page of a list, or all of it in lines of JSON.
pub enum Listed<T> {
    Page(Object<Page<T>>),
    Lines(Streamed<T>),
}

impl<T: Serialize + ToSchema + Send> Success for Listed<T> {
    fn describe(description: &mut Description) {
        description.answer::<Page<T>>("application/json");
        description.answer::<T>("application/x-ndjson");
    }

    fn into_response(self) -> Response {
        match self {
            Self::Page(page) => page.into_response(),
            Self::Lines(lines) => lines.response,
        }
    }
}

/// A page of a list.
#[derive(Serialize)]
pub struct Page<T> {
    pub items: Vec<T>,
    /// Where the list goes on, or null at its end.
    pub next: Option<String>,
}

impl<T: ToSchema> ToSchema for Page<T> {
    fn name() -> Cow<'static, str> {
        Cow::Owned(format!("{}Page", T::name().trim_end_matches("View")))
    }

    fn schemas(schemas: &mut Vec<(String, RefOr<Schema>)>) {
        T::schemas(schemas);
        schemas.push((T::name().into_owned(), T::schema()));
    }
}

impl<T: ToSchema> PartialSchema for Page<T> {
    fn schema() -> RefOr<Schema> {
        let items = Array::new(Ref::from_schema_name(T::name()));
        let next = ObjectBuilder::new()
            .schema_type(SchemaType::from_iter([Type::String, Type::Null]))
            .description(Some("Where the list goes on (`after`), or null at its end."));
        ObjectBuilder::new().property("items", items).required("items").property("next", next).into()
    }
}
