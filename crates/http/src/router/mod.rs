//! The one way to register a route. It takes only handlers whose first argument is a gate and whose others are
//! [`Argument`]s, and remembers each with its name and a sample request, from which the description, the permission
//! table, the reserved words and the hostile tests are made.
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
//!     Operation::new("restartInstance", 202, "Restarts an instance.").body(json!({ "mode": "soft" })));
//! ```
//!
//! A handler without a gate doesn't compile:
//!
//! ```compile_fail
//! use stoa_http::{Routes, answer::{Answer, Done}, argument::Uses, router::Operation};
//! async fn open(Uses(_app): Uses) -> Answer<Done> { Ok(Done(None)) }
//! Routes::new().post("/api/v1/open", open, Operation::new("x", 204, "X."));
//! ```
//!
//! nor does one that reads the path by itself:
//!
//! ```compile_fail
//! use axum::extract::Path;
//! use stoa_domain::permission::instance::Restart;
//! use stoa_http::{Routes, answer::{Answer, Done}, gate::May, router::Operation};
//! async fn other(May(_p): May<Restart>, Path(_id): Path<String>) -> Answer<Done> { Ok(Done(None)) }
//! Routes::new().post("/api/v1/x/{instance}", other, Operation::new("x", 204, "X."));
//! ```
//!
//! and one with its gate does:
//!
//! ```
//! use stoa_domain::permission::instance::Restart;
//! use stoa_http::{Routes, answer::{Answer, Done}, argument::Uses, gate::May, router::Operation};
//! async fn fine(May(_p): May<Restart>, Uses(_app): Uses) -> Answer<Done> { Ok(Done(None)) }
//! Routes::new().post("/api/v1/workspaces/{workspace}/instances/{instance}/x", fine, Operation::new("x", 204, "X."));
//! ```

mod handler;
mod operation;

pub use handler::Handler;
pub use operation::{Operation, Sample};

use std::sync::Arc;

use axum::Router;
use axum::extract::{Request, State};
use axum::response::Response;
use axum::routing::{MethodFilter, MethodRouter, on};
use futures_util::future::BoxFuture;
use http::Method;

use crate::gate::GateKey;
use crate::openapi::Description;
use crate::site::Frame;

/// A route as it was registered.
#[derive(Clone)]
pub struct Registered {
    pub method: Method,
    pub path: &'static str,
    pub gate: GateKey,
    pub operation: Operation,
    pub description: Description,
}

/// A handler without its type: axum is compiled for this one, not once more for each of the hundreds of routes.
type Serve = Arc<dyn Fn(Frame, Request) -> BoxFuture<'static, Response> + Send + Sync>;

/// By itself, since a closure in a generic function is another type for each of its types.
fn answered_by(filter: MethodFilter, serve: Serve) -> MethodRouter<Frame> {
    on(filter, move |State(frame): State<Frame>, request: Request| serve(frame, request))
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
        pub fn $name<A: 'static, H: Handler<A>>(self, path: &'static str, handler: H, operation: Operation) -> Self {
            self.add(Method::$method, MethodFilter::$filter, path, handler, operation)
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
        operation: Operation,
    ) -> Self {
        let mut description = Description::default();
        H::describe(&mut description);
        self.registered.push(Registered { method, path, gate: H::gate(), operation, description });
        let serve: Serve = Arc::new(move |frame, request| handler.clone().handle(frame, request));
        self.router = self.router.route(path, answered_by(filter, serve));
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
