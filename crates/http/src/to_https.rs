//! What a listener without TLS does where another one has it: it sends everybody there.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use axum::Router;
use axum::extract::{Request, State};
use axum::response::Response;
use http::header::{HOST, LOCATION};
use http::{HeaderValue, StatusCode};
use tower::ServiceExt as _;

use crate::challenge;
use crate::peer::Peer;
use crate::proxy::{self, Notice, Place};
use crate::site::Site;

/// Answers there all the same: what looks after a process asks it without TLS.
const HEALTH: &str = "/api/v1/health";

#[derive(Clone)]
struct Plain {
    site: Arc<Site>,
    router: Router,
}

/// A router that sends everybody to the same address by https. Only one of the operator's own proxies, which had the
/// request by TLS already, is answered.
pub fn to_https(site: Site, router: Router) -> Router {
    Router::new().fallback(answer).with_state(Plain { site: Arc::new(site), router })
}

async fn answer(State(plain): State<Plain>, request: Request) -> Response {
    let Plain { site, router } = plain;
    let peer = request.extensions().get::<Peer>().map(|Peer(peer)| *peer);
    let (mut parts, body) = request.into_parts();
    let place = proxy::place_of(&site, &parts);
    let is_health = parts.uri.path() == HEALTH && is_own(&place);
    if is_health && let Ok(host) = HeaderValue::try_from(&site.host) {
        parts.headers.insert(HOST, host);
    }
    if is_health || peer.is_some_and(|peer| is_trusted(&site, peer)) {
        let request = Request::from_parts(parts, body);
        return router.oneshot(request).await.unwrap_or_else(|never| match never {});
    }
    if challenge::is_asked(&parts) {
        let mut asked = Request::from_parts(parts.clone(), axum::body::Body::empty());
        asked.extensions_mut().insert(challenge::Alone);
        let response = router.oneshot(asked).await.unwrap_or_else(|never| match never {});
        if response.extensions().get::<challenge::Answered>().is_some() {
            return response;
        }
    }
    let path = parts.uri.path_and_query().map_or("/", |path| path.as_str());
    let address = match place {
        Place::Public | Place::Loopback => format!("{}{path}", site.origin),
        // One in its normal form holds nothing that means something in an address.
        Place::Other(host) if site.port == 443 => format!("https://{host}{path}"),
        Place::Other(host) => format!("https://{host}:{}{path}", site.port),
        Place::Bad => return proxy::visitor_page(&parts, Notice::BadRequest),
    };
    let mut response = Response::default();
    match HeaderValue::try_from(address) {
        Ok(address) => {
            // The method and the body stay the same.
            *response.status_mut() = StatusCode::PERMANENT_REDIRECT;
            response.headers_mut().insert(LOCATION, address);
            response
        }
        Err(_) => proxy::visitor_page(&parts, Notice::BadRequest),
    }
}

/// Stoa's own names, and addresses: none of those is ever an instance's host.
fn is_own(place: &Place) -> bool {
    match place {
        Place::Public | Place::Loopback => true,
        Place::Other(host) => host.parse::<IpAddr>().is_ok(),
        Place::Bad => false,
    }
}

fn is_trusted(site: &Site, peer: SocketAddr) -> bool {
    site.trusted_proxies.iter().any(|network| network.contains(peer.ip()))
}
