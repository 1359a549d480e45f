//! The one way to register a route. It takes only handlers whose first argument is a gate and whose others are
//! [`Argument`]s, and remembers each with a sample request, from which the description, the permission table, the
//! reserved words and the hostile tests are made.
//!
//! A handler:
//!
//! ```ignore
//! async fn restart(
//!     May(permit): May<instance::Restart>, // 401, 404 or 403 end here
//!     Uses(app): Uses,
//!     Json(wish): Json<RestartInstance>,
//! ) -> Answer<Object<InstanceView>> { … }
//!
//! routes.post("/api/v1/workspaces/{workspace}/instances/{instance}/restart", restart,
//!     Sample::status(202).body(json!({ "mode": "soft" })));
//! ```
//!
//! A handler without a gate doesn't compile:
//!
//! ```compile_fail
//! use stoa_http::{Routes, answer::{Answer, Done}, argument::Uses, router::Sample};
//! async fn open(Uses(_app): Uses) -> Answer<Done> { Ok(Done(None)) }
//! Routes::new().post("/api/v1/open", open, Sample::status(204));
//! ```
//!
//! nor does one that reads the path by itself:
//!
//! ```compile_fail
//! use axum::extract::Path;
//! use stoa_domain::permission::instance::Restart;
//! use stoa_http::{Routes, answer::{Answer, Done}, gate::May, router::Sample};
//! async fn other(May(_p): May<Restart>, Path(_id): Path<String>) -> Answer<Done> { Ok(Done(None)) }
//! Routes::new().post("/api/v1/x/{instance}", other, Sample::status(204));
//! ```
//!
//! and one with its gate does:
//!
//! ```
//! use stoa_domain::permission::instance::Restart;
//! use stoa_http::{Routes, answer::{Answer, Done}, argument::Uses, gate::May, router::Sample};
//! async fn fine(May(_p): May<Restart>, Uses(_app): Uses) -> Answer<Done> { Ok(Done(None)) }
//! Routes::new().post("/api/v1/workspaces/{workspace}/instances/{instance}/x", fine, Sample::status(204));
//! ```

mod handler;

pub use handler::Handler;

use axum::Router;
use axum::extract::{Request, State};
use axum::routing::{MethodFilter, on};
use http::Method;
use serde_json::Value;

use crate::gate::GateKey;
use crate::openapi::Description;
use crate::site::Frame;

/// A request that succeeds when sent by one who may: required by registration, so that nothing goes untested.
#[derive(Debug, Clone)]
pub struct Sample {
    /// The status of success.
    pub status: u16,
    pub body: Option<Value>,
    pub query: &'static str,
    /// The answer doesn't end by itself.
    pub streams: bool,
}

impl Sample {
    #[must_use]
    pub fn status(status: u16) -> Self {
        Self { status, body: None, query: "", streams: false }
    }

    /// Text of the form `{project}` in it stands for the id of the test's own project, and so on.
    #[must_use]
    pub fn body(self, body: Value) -> Self {
        Self { body: Some(body), ..self }
    }

    #[must_use]
    pub fn query(self, query: &'static str) -> Self {
        Self { query, ..self }
    }

    #[must_use]
    pub fn streams(self) -> Self {
        Self { streams: true, ..self }
    }
}

/// A route as it was registered.
#[derive(Clone)]
pub struct Registered {
    pub method: Method,
    pub path: &'static str,
    pub gate: GateKey,
    pub sample: Sample,
    pub description: Description,
}

/// The builder.
#[derive(Default)]
pub struct Routes {
    router: Router<Frame>,
    registered: Vec<Registered>,
}

macro_rules! methods {
    ($($name:ident $method:ident $filter:ident),*) => {$(
        #[must_use]
        pub fn $name<A: 'static, H: Handler<A>>(self, path: &'static str, handler: H, sample: Sample) -> Self {
            self.add(Method::$method, MethodFilter::$filter, path, handler, sample)
        }
    )*};
}

impl Routes {
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    methods! { get GET GET, post POST POST, put PUT PUT, patch PATCH PATCH, delete DELETE DELETE }

    // The one place where a route reaches axum.
    #[allow(clippy::disallowed_methods)]
    fn add<A: 'static, H: Handler<A>>(
        mut self,
        method: Method,
        filter: MethodFilter,
        path: &'static str,
        handler: H,
        sample: Sample,
    ) -> Self {
        let mut description = Description::default();
        H::describe(&mut description);
        self.registered.push(Registered { method, path, gate: H::gate(), sample, description });
        let serve = move |State(frame): State<Frame>, request: Request| {
            let handler = handler.clone();
            async move { handler.handle(frame, request).await }
        };
        self.router = self.router.route(path, on(filter, serve));
        self
    }

    #[must_use]
    pub fn registered(&self) -> &[Registered] {
        &self.registered
    }

    pub fn into_parts(self) -> (Router<Frame>, Vec<Registered>) {
        (self.router, self.registered)
    }
}
