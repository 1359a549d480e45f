//! What stands around every route, what of a request belongs to whom, and serving it.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::{ConnectInfo, Request, State};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse as _, Response};
use http::{HeaderName, HeaderValue, Method, StatusCode, header};
use stoa_domain::Refusal;
use tower::ServiceExt as _;
use tower_http::catch_panic::CatchPanicLayer;

use crate::git::Git;
use crate::page;
use crate::peer::Peer;
use crate::problem::Problem;
use crate::proxy::{self, Applications, Conflicts, Notice, Place, Proxy};
use crate::router::Registered;
use crate::routes;
use crate::site::Frame;

/// A workspace's own answer is never larger.
const LOOK: usize = 1024 * 1024;

/// The routes of the public host, ready to serve, and the list of them.
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

/// Everything that answers on the listening address: the API, git and the page on the public host, and instances on
/// theirs.
pub fn edge(frame: Frame, applications: Arc<dyn Applications>, git: Git) -> Router {
    let (api, registered) = api(frame.clone());
    let of_routes = registered.iter().filter_map(|route| route.path.split('/').nth(1)).collect();
    let proxy = Proxy::new(frame.clone(), applications);
    let edge = Edge { frame, api, of_routes, proxy, git };
    Router::new().fallback(answer).with_state(Arc::new(edge))
}

struct Edge {
    frame: Frame,
    api: Router,
    /// First segments of registered routes.
    of_routes: BTreeSet<&'static str>,
    proxy: Proxy,
    git: Git,
}

async fn answer(State(edge): State<Arc<Edge>>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    if parts.extensions.get::<Conflicts>().is_some_and(Conflicts::any) {
        return proxy::visitor_page(&parts, Notice::BadRequest);
    }
    if let Some(response) = crate::challenge::answer(&edge.frame.app, &edge.frame.site, &parts).await {
        return response;
    }
    if parts.extensions.get::<crate::challenge::Alone>().is_some() {
        return Response::default();
    }
    // Replicas go by addresses of their own, which are nobody's host.
    if parts.uri.path().starts_with(routes::INTERNAL) {
        return edge.call(Request::from_parts(parts, body)).await;
    }
    match proxy::place_of(&edge.frame.site, &parts) {
        Place::Bad => proxy::visitor_page(&parts, Notice::BadRequest),
        Place::Other(host) => edge.proxy.answer(Request::from_parts(parts, body), &host).await,
        Place::Public => edge.answer_own(Request::from_parts(parts, body)).await,
        Place::Loopback => {
            let reads = matches!(parts.method, Method::GET | Method::HEAD);
            if reads && !page::is_of_programs(parts.uri.path()) {
                let path = parts.uri.path_and_query().map_or("/", |path| path.as_str());
                return proxy::redirect(&format!("{}{path}", edge.frame.site.origin));
            }
            edge.answer_own(Request::from_parts(parts, body)).await
        }
    }
}

impl Edge {
    /// A browser that was here by https comes by nothing else for a year.
    async fn answer_own(&self, request: Request) -> Response {
        const STRICT: HeaderValue = HeaderValue::from_static("max-age=31536000");
        let mut response = self.answer_public(request).await;
        if self.frame.site.secure {
            response.headers_mut().insert(header::STRICT_TRANSPORT_SECURITY, STRICT);
        }
        response
    }

    async fn answer_public(&self, request: Request) -> Response {
        let (parts, body) = request.into_parts();
        let first = parts.uri.path().split('/').nth(1).unwrap_or_default();
        if first == "git" {
            return self.git.answer(parts, body).await;
        }
        if !self.of_routes.contains(first) {
            match page::part(&parts) {
                Some(page::Part::File(response)) => return response,
                Some(page::Part::Shell) => {
                    let look = self.look(&parts).await;
                    return page::shell(&self.frame.site, look.as_ref());
                }
                None => {}
            }
        }
        if first == "visit" && proxy::wants_html(&parts) {
            let asked = parts.clone();
            let response = self.call(Request::from_parts(parts, body)).await;
            return self.say_to_visitor(&asked, response);
        }
        self.call(Request::from_parts(parts, body)).await
    }

    /// How the workspace of an address of the page looks, asked of the API as whoever asks for the page: what it
    /// refuses, the shell doesn't show, and it shows it for the same reasons.
    async fn look(&self, parts: &http::request::Parts) -> Option<page::Look> {
        let workspace = page::workspace_of(&self.frame.site, parts)?;
        let mut asked = Request::new(Body::empty());
        *asked.uri_mut() = format!("/api/v1/workspaces/{workspace}").parse().ok()?;
        *asked.extensions_mut() = parts.extensions.clone();
        for name in [header::HOST, header::COOKIE, header::USER_AGENT] {
            for value in parts.headers.get_all(&name) {
                asked.headers_mut().append(name.clone(), value.clone());
            }
        }
        if let Some(hops) = parts.headers.get("x-forwarded-for") {
            asked.headers_mut().insert("x-forwarded-for", hops.clone());
        }
        let response = self.call(asked).await;
        if response.status() != StatusCode::OK {
            return None;
        }
        let body = axum::body::to_bytes(response.into_body(), LOOK).await.ok()?;
        serde_json::from_slice(&body).ok()
    }

    async fn call(&self, request: Request) -> Response {
        match self.api.clone().oneshot(request).await {
            Ok(response) => response,
            Err(never) => match never {},
        }
    }

    /// People who come from an instance for members read pages, not problem objects.
    fn say_to_visitor(&self, asked: &http::request::Parts, response: Response) -> Response {
        match response.status() {
            status if status.is_success() => response,
            StatusCode::UNAUTHORIZED => {
                let back = asked.uri.path_and_query().map_or("/", |path| path.as_str());
                proxy::redirect(&format!("{}/login?to={}", self.frame.site.origin, proxy::encoded(back)))
            }
            status if status.is_server_error() => proxy::visitor_page(asked, Notice::Unavailable),
            _ => proxy::visitor_page(asked, Notice::NotAllowed),
        }
    }
}

/// What holds for every answer of the API.
async fn around(State(frame): State<Frame>, mut request: Request, next: Next) -> Response {
    if let Some(ConnectInfo(peer)) = request.extensions().get::<ConnectInfo<SocketAddr>>().copied() {
        request.extensions_mut().insert(Peer(peer));
    }
    // Every body of the API's is read whole before it is answered.
    request = request.map(|body| frame.patience.with(body));
    let is_viewing = crate::gate::is_viewing(request.headers(), request.uri());
    let path = request.uri().path();
    if path.starts_with("/api/") && !is_open(path) {
        match frame.is_set_up().await {
            Ok(true) => {}
            Ok(false) => return finish(Problem::from(Refusal::SetupNeeded).into_response()),
            Err(failure) => return finish(Problem(failure).into_response()),
        }
    }
    let mut response = finish(next.run(request).await);
    if is_viewing {
        // What an owner is shown as somebody else is nobody's to keep.
        response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        response.headers_mut().append(header::VARY, HeaderValue::from_static("Stoa-View-As"));
    }
    response
}

/// What answers before the first account exists.
pub(crate) fn is_open(path: &str) -> bool {
    matches!(path, "/api/v1/health" | "/api/v1/setup" | "/api/v1/openapi.json")
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
