//! A client of the API, without a network: each request goes through the whole router.

use axum::Router;
use axum::body::Body;
use http::{HeaderMap, Method, Request, StatusCode, header};
use http_body_util::BodyExt as _;
use serde_json::Value;
use stoa_http::peer::Peer;
use tower::ServiceExt as _;

/// Who asks, by cookie or by token, or nobody.
#[derive(Clone)]
pub struct Client {
    router: Router,
    origin: String,
    cookie: Option<String>,
    token: Option<String>,
}

/// What came back, read whole.
#[derive(Debug, Clone)]
pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub text: String,
}

impl Answer {
    /// Reads a response to its end.
    ///
    /// # Panics
    /// Where it breaks off.
    pub async fn read(response: http::Response<Body>) -> Self {
        let (parts, body) = response.into_parts();
        let bytes = body.collect().await.expect("a whole body").to_bytes();
        crate::canary::is_absent(&[crate::world::PASSWORD], "an answer", &bytes);
        let text = String::from_utf8_lossy(&bytes).into_owned();
        Self { status: parts.status, headers: parts.headers, text }
    }

    /// # Panics
    /// Where the body isn't JSON.
    #[must_use]
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.text)
            .unwrap_or_else(|error| panic!("{error} in {}: {}", self.status, self.text))
    }

    /// The answer, which has to have this status.
    ///
    /// # Panics
    /// Where it has another one.
    #[must_use]
    #[track_caller]
    pub fn expect(self, status: u16) -> Self {
        assert_eq!(self.status.as_u16(), status, "{}", self.text);
        self
    }

    /// The problem's code, where it is one.
    #[must_use]
    pub fn code(&self) -> Option<String> {
        let value: Value = serde_json::from_str(&self.text).ok()?;
        value.get("code")?.as_str().map(str::to_owned)
    }

    /// A text field of the object.
    ///
    /// # Panics
    /// Where there is none.
    #[must_use]
    pub fn field(&self, name: &str) -> String {
        self.json()[name].as_str().unwrap_or_else(|| panic!("no text {name} in {}", self.text)).to_owned()
    }

    #[must_use]
    pub fn header(&self, name: impl header::AsHeaderName) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }

    /// The session cookie that it set.
    #[must_use]
    pub fn cookie(&self) -> Option<String> {
        self.header(header::SET_COOKIE)?.split(';').next().map(str::to_owned)
    }
}

impl Client {
    #[must_use]
    pub fn nobody(router: Router, origin: String) -> Self {
        Self { router, origin, cookie: None, token: None }
    }

    #[must_use]
    pub fn with_cookie(&self, cookie: impl Into<String>) -> Self {
        Self { cookie: Some(cookie.into()), token: None, ..self.clone() }
    }

    #[must_use]
    pub fn with_token(&self, token: impl Into<String>) -> Self {
        Self { token: Some(token.into()), cookie: None, ..self.clone() }
    }

    /// A request as this client sends it.
    #[must_use]
    pub fn request(&self, method: Method, path: &str, body: Option<&Value>) -> Request<Body> {
        let mut request = Request::builder().method(&method).uri(path).header(header::HOST, "localhost:8080");
        if let Some(cookie) = &self.cookie {
            request = request.header(header::COOKIE, cookie);
        }
        if let Some(token) = &self.token {
            request = request.header(header::AUTHORIZATION, format!("Bearer {token}"));
        } else if !matches!(method, Method::GET | Method::HEAD) {
            request = request.header(header::ORIGIN, &self.origin).header("sec-fetch-site", "same-origin");
        }
        let body = match body {
            Some(body) => {
                request = request.header(header::CONTENT_TYPE, "application/json");
                Body::from(body.to_string())
            }
            None => Body::empty(),
        };
        let mut request = request.body(body).unwrap();
        request.extensions_mut().insert(Peer("127.0.0.1:40000".parse().unwrap()));
        request
    }

    /// Sends a request of any form, and gives the answer with its body unread.
    pub async fn open(&self, request: Request<Body>) -> http::Response<Body> {
        match self.router.clone().oneshot(request).await {
            Ok(response) => response,
            Err(never) => match never {},
        }
    }

    pub async fn send_request(&self, request: Request<Body>) -> Answer {
        Answer::read(self.open(request).await).await
    }

    pub async fn send(&self, method: Method, path: &str, body: Option<Value>) -> Answer {
        self.send_request(self.request(method, path, body.as_ref())).await
    }

    pub async fn get(&self, path: &str) -> Answer {
        self.send(Method::GET, path, None).await
    }

    pub async fn post(&self, path: &str, body: Value) -> Answer {
        self.send(Method::POST, path, Some(body)).await
    }

    pub async fn put(&self, path: &str, body: Value) -> Answer {
        self.send(Method::PUT, path, Some(body)).await
    }

    pub async fn patch(&self, path: &str, body: Value) -> Answer {
        self.send(Method::PATCH, path, Some(body)).await
    }

    pub async fn delete(&self, path: &str, body: Option<Value>) -> Answer {
        self.send(Method::DELETE, path, body).await
    }
}
