//! The API as a service: what stands around every route, and serving it.

use std::net::SocketAddr;

use axum::Router;
use axum::body::Body;
use axum::extract::{ConnectInfo, Request, State};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse as _, Response};
use http::{HeaderName, HeaderValue, header};
use stoa_domain::Refusal;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tower_http::catch_panic::CatchPanicLayer;

use crate::peer::Peer;
use crate::problem::Problem;
use crate::router::Registered;
use crate::routes;
use crate::site::Frame;

/// The routes of the public host, ready to serve, and the list of them.
#[must_use]
pub fn api(frame: Frame) -> (Router, Vec<Registered>) {
    let (router, registered) = routes::all(frame.site.version).into_parts();
    let router = router
        .fallback(|| async { Problem::from(Refusal::NotFound) })
        .method_not_allowed_fallback(|| async { Problem::from(Refusal::NotFound) })
        .layer(from_fn_with_state(frame.clone(), around))
        .layer(CatchPanicLayer::custom(|_| {
            Problem(stoa_app::Fault::new("a handler panicked").into()).into_response()
        }))
        .with_state(frame);
    (router, registered)
}

/// What holds for every answer of the API.
async fn around(State(frame): State<Frame>, mut request: Request, next: Next) -> Response {
    if let Some(ConnectInfo(peer)) = request.extensions().get::<ConnectInfo<SocketAddr>>().copied() {
        request.extensions_mut().insert(Peer(peer));
    }
    let open = matches!(request.uri().path(), "/api/v1/health" | "/api/v1/setup" | "/api/v1/openapi.json")
        || !request.uri().path().starts_with("/api/");
    if !open {
        match frame.is_set_up().await {
            Ok(true) => {}
            Ok(false) => return finish(Problem::from(Refusal::SetupNeeded).into_response()),
            Err(failure) => return finish(Problem(failure).into_response()),
        }
    }
    finish(next.run(request).await)
}

fn finish(mut response: Response<Body>) -> Response {
    const HEADERS: [(HeaderName, &str); 3] = [
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "same-origin"),
        (header::X_FRAME_OPTIONS, "DENY"),
    ];
    for (name, value) in HEADERS {
        response.headers_mut().entry(name).or_insert(HeaderValue::from_static(value));
    }
    let headers = response.headers_mut();
    headers
        .entry(header::CONTENT_SECURITY_POLICY)
        .or_insert(HeaderValue::from_static("default-src 'none'; frame-ancestors 'none'"));
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    response
}

/// Serves until `stop`, then lets open answers end for a moment.
///
/// # Errors
/// Where the socket fails.
pub async fn serve(listener: TcpListener, router: Router, stop: CancellationToken) -> std::io::Result<()> {
    let service = router.into_make_service_with_connect_info::<SocketAddr>();
    axum::serve(listener, service).with_graceful_shutdown(stop.cancelled_owned()).await
}
