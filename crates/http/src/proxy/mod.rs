//! The proxy: requests for instances' hosts, carried to the applications that answer there.
//!
//! It stands before everything else on the listening address and settles by the host whose a request is. It knows
//! instances by their hosts' rows and reaches them through a port, [`Applications`]; it must never know how a machine
//! runs them, and nothing of the page, the API or their cookies may pass through it to an application.

mod clean;
pub(crate) mod connect;
mod connections;
mod forward;
mod guard;
mod hold;
mod host;
mod linger;
mod members;
mod noted;
mod openness;
mod stream;
pub mod visit;
mod visitor;

use std::io;
use std::sync::Arc;

use axum::body::Body;
use futures_util::future::BoxFuture;
use http::{HeaderValue, Method, Request, Response, StatusCode, header};
use stoa_app::Failure;
use stoa_app::host::HostedInstance;
use stoa_app::machine::MachinePlace;
use stoa_app::ports::BoxedWire;
use stoa_domain::{InstanceId, Refusal};
use tokio::sync::watch;

use crate::site::Frame;

pub(crate) use guard::{Conflicts, Guarded};
pub(crate) use host::{Place, place_of};
pub(crate) use members::{encoded, redirect};
pub(crate) use visit::Visits;
pub(crate) use visitor::{Notice, page as visitor_page, wants_html};

/// How an instance answers right now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RouteState {
    /// It takes requests.
    Running,
    /// It restarts or switches and will be back in a moment: requests wait.
    Waiting,
    /// It is being started and nothing answered before: visitors are told.
    Starting,
    Stopped,
    Failed,
    /// Its machine doesn't know it, or isn't reached: either may be over in a moment.
    Unknown,
    /// Its machine hasn't been reached for so long that nobody waits for it.
    Away,
}

/// [`RouteState`], and which of the instance's running forms it is about: a connection to another one isn't used again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Route {
    pub state: RouteState,
    pub generation: u64,
}

/// An instance, and where it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct At {
    pub instance: InstanceId,
    pub place: MachinePlace,
}

impl At {
    pub(crate) fn of(instance: &HostedInstance) -> Self {
        Self { instance: instance.id, place: instance.place }
    }
}

/// The port to the machines' applications. The binary implements it over the agents. What a machine says counts for the
/// instances alone that are its own by the records.
pub trait Applications: Send + Sync + 'static {
    fn route(&self, at: At) -> Route;
    /// Moves whenever a route has changed. A hint: routes are asked again without it too.
    fn changes(&self) -> watch::Receiver<u64>;
    /// A new connection to the application.
    fn open(&self, at: At) -> BoxFuture<'static, io::Result<BoxedWire>>;
    /// Counts a visitor of an instance who was answered with a status, and has a line written to its log of what visitors
    /// asked. It never waits.
    fn note(&self, at: At, status: u16, line: String);
}

/// The proxy. Cheap to clone.
#[derive(Clone)]
pub struct Proxy {
    frame: Frame,
    applications: Arc<dyn Applications>,
    connections: Arc<connections::Connections>,
    requests: Arc<hold::Requests>,
    openness: Arc<openness::Openness>,
}

impl Proxy {
    /// To be called inside the runtime: it follows the changes of routes.
    #[must_use]
    pub fn new(frame: Frame, applications: Arc<dyn Applications>) -> Self {
        let connections = connections::Connections::new(applications.clone());
        Self { frame, applications, connections, requests: Arc::default(), openness: Arc::default() }
    }

    /// Answers a request for a host that isn't Stoa's own. `host` is in its normal form.
    pub(crate) async fn answer(&self, request: Request<Body>, host: &str) -> Response<Body> {
        let (parts, body) = request.into_parts();
        if matches!(parts.method, Method::CONNECT | Method::TRACE) {
            return visitor::page(&parts, Notice::BadRequest);
        }
        // Before the instances': no instance's host can be taken for a session's.
        match self.frame.app.find_connected(host).await {
            Ok(None) => {}
            Ok(Some(connected)) => return self.answer_connected(parts, body, host, connected).await,
            Err(failure) => return failed(&parts, failure),
        }
        let record = match self.frame.app.find_host(host).await {
            Ok(record) => record,
            Err(failure) => return failed(&parts, failure),
        };
        // The host of a deleted instance is nobody's to a visitor.
        let Some((workspace, instance)) =
            record.and_then(|record| record.instance.map(|own| (record.workspace, own)))
        else {
            return misdirected(&parts);
        };
        if is_reserved(parts.uri.path()) {
            return self.answer_reserved(parts, body, host, instance.id).await;
        }
        let lease = match self.admit(&parts, host, workspace, &instance).await {
            Ok(lease) => lease,
            Err(response) => return *response,
        };
        let passing = forward::Passing { instance: instance.clone(), lease, until: None, connected: None };
        self.forward(parts, body, host, &instance, passing).await
    }
}

/// `/.stoa/` on an instance's host is Stoa's, in any spelling of it.
fn is_reserved(path: &str) -> bool {
    let Some(rest) = path.strip_prefix('/') else { return false };
    let first = rest.split('/').next().unwrap_or_default();
    percent_decoded(first).eq_ignore_ascii_case(b".stoa")
}

/// The bytes that a percent-encoded text stands for. What isn't a code stands for itself.
pub(crate) fn percent_decoded(text: &str) -> Vec<u8> {
    let bytes = text.as_bytes();
    let mut decoded = Vec::with_capacity(bytes.len());
    let mut rest = bytes;
    while let Some((&first, tail)) = rest.split_first() {
        let code = tail.get(..2).and_then(|digits| std::str::from_utf8(digits).ok());
        let code = code.filter(|digits| digits.bytes().all(|digit| digit.is_ascii_hexdigit()));
        match code.and_then(|digits| u8::from_str_radix(digits, 16).ok()).filter(|_| first == b'%') {
            Some(byte) => {
                decoded.push(byte);
                rest = &tail[2..];
            }
            None => {
                decoded.push(first);
                rest = tail;
            }
        }
    }
    decoded
}

/// Nobody's host: told without a word of Stoa to people, and with the contract's code to programs.
pub(crate) fn misdirected(parts: &http::request::Parts) -> Response<Body> {
    if wants_html(parts) {
        return visitor::page(parts, Notice::Nobody);
    }
    use axum::response::IntoResponse as _;
    let mut response = crate::problem::Problem::from(Refusal::Misdirected).into_response();
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

fn failed(parts: &http::request::Parts, failure: Failure) -> Response<Body> {
    if let Failure::Fault(fault) = &failure {
        tracing::error!(fault = %fault.chain(), "a visitor can't be answered");
    }
    visitor::page(parts, Notice::Unavailable)
}

/// An answer without a body.
fn bare(status: StatusCode) -> Response<Body> {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = status;
    response
}

#[cfg(test)]
mod tests {
    use super::is_reserved;

    #[test]
    fn the_reserved_folder_is_known_however_it_is_written() {
        for path in ["/.stoa", "/.stoa/visit", "/%2Estoa/visit", "/%2e%73toa/x", "/.STOA/visit"] {
            assert!(is_reserved(path), "{path}");
        }
        for path in ["/", "/stoa", "/.stoat/x", "/a/.stoa/visit", "*"] {
            assert!(!is_reserved(path), "{path}");
        }
    }
}
