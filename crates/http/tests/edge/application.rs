//! Applications that answer over sockets in memory, and the port by which the proxy finds them.

use std::collections::HashMap;
use std::convert::Infallible;
use std::io;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use axum::response::Response;
use futures_util::future::BoxFuture;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use stoa_app::ports::BoxedWire;
use stoa_domain::InstanceId;
use stoa_http::proxy::{Applications, At, Route, RouteState};
use tokio::net::UnixStream;
use tokio::sync::watch;
use tower::ServiceExt as _;

pub struct FakeApplications {
    routes: Mutex<HashMap<InstanceId, Route>>,
    router: Mutex<Router>,
    changed: watch::Sender<u64>,
    /// Connections that were opened.
    pub opened: AtomicUsize,
    /// Opens that are refused from now on.
    pub refuses: AtomicUsize,
    pub asked: AtomicUsize,
    /// What was noted of requests: whose, how they were answered, and the line that is written down.
    pub noted: watch::Sender<Vec<(InstanceId, u16, String)>>,
}

impl FakeApplications {
    pub fn new() -> Arc<Self> {
        Arc::new(Self {
            routes: Mutex::default(),
            router: Mutex::new(echo()),
            changed: watch::channel(0).0,
            opened: AtomicUsize::new(0),
            refuses: AtomicUsize::new(0),
            asked: AtomicUsize::new(0),
            noted: watch::channel(Vec::new()).0,
        })
    }

    pub fn set(&self, instance: InstanceId, state: RouteState, generation: u64) {
        self.routes.lock().unwrap().insert(instance, Route { state, generation });
        self.changed.send_modify(|count| *count += 1);
    }

    pub fn answer_by(&self, router: Router) {
        *self.router.lock().unwrap() = router;
    }
}

impl Applications for FakeApplications {
    fn route(&self, at: At) -> Route {
        self.asked.fetch_add(1, Ordering::SeqCst);
        let known = self.routes.lock().unwrap().get(&at.instance).copied();
        known.unwrap_or(Route { state: RouteState::Unknown, generation: 0 })
    }

    fn changes(&self) -> watch::Receiver<u64> {
        self.changed.subscribe()
    }

    fn open(&self, _: At) -> BoxFuture<'static, io::Result<BoxedWire>> {
        let refused =
            self.refuses.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1));
        if refused.is_ok() {
            return Box::pin(async { Err(io::ErrorKind::ConnectionRefused.into()) });
        }
        self.opened.fetch_add(1, Ordering::SeqCst);
        let router = self.router.lock().unwrap().clone();
        Box::pin(async move {
            let (near, far) = UnixStream::pair()?;
            tokio::spawn(async move {
                let service = service_fn(move |request: http::Request<hyper::body::Incoming>| {
                    let router = router.clone();
                    async move { Ok::<_, Infallible>(router.oneshot(request.map(Body::new)).await.unwrap()) }
                });
                let _ =
                    http1::Builder::new().serve_connection(TokioIo::new(far), service).with_upgrades().await;
            });
            Ok(Box::new(near) as BoxedWire)
        })
    }

    fn note(&self, at: At, status: u16, line: String) {
        self.noted.send_modify(|noted| noted.push((at.instance, status, line)));
    }
}

/// Says what it was asked: the first line, each header in a line of its own, an empty line, the body.
fn echo() -> Router {
    Router::new().fallback(|request: Request| async move {
        let (parts, body) = request.into_parts();
        let mut text = format!("{} {} {:?}\n", parts.method, parts.uri, parts.version);
        for (name, value) in &parts.headers {
            text += &format!("{name}: {}\n", String::from_utf8_lossy(value.as_bytes()));
        }
        let body = axum::body::to_bytes(body, 10_000_000).await.unwrap_or_default();
        text += &format!("\n{}", String::from_utf8_lossy(&body));
        Response::new(Body::from(text))
    })
}
