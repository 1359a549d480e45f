//! What a certificate authority asks of a host before it issues (RFC 8555, 8.3): answered for the host whose certificate
//! is asked for, with TLS and without. A token that isn't one of ours is an application's own affair.

use axum::body::Body;
use axum::response::Response;
use http::request::Parts;
use http::{HeaderValue, Method, header};
use stoa_app::App;

use crate::proxy::{self, Place};
use crate::site::Site;

const PLACE: &str = "/.well-known/acme-challenge/";

/// Marks an answer to a challenge, for the listener without TLS, which sends everybody else away.
#[derive(Clone, Copy)]
pub(crate) struct Answered;

/// Marks a request that is to be answered as a challenge, or not at all.
#[derive(Clone, Copy)]
pub(crate) struct Alone;

pub(crate) fn is_asked(parts: &Parts) -> bool {
    parts.method == Method::GET && parts.uri.path().starts_with(PLACE)
}

/// `None` where this isn't a challenge of ours.
pub(crate) async fn answer(app: &App, site: &Site, parts: &Parts) -> Option<Response> {
    if !is_asked(parts) {
        return None;
    }
    let token = parts.uri.path().strip_prefix(PLACE)?;
    let host = match proxy::place_of(site, parts) {
        Place::Public => site.host.clone(),
        Place::Other(host) => host,
        Place::Bad | Place::Loopback => return None,
    };
    match app.find_challenge(&host, token).await {
        Ok(found) => {
            let mut response = Response::new(Body::from(found?));
            let headers = response.headers_mut();
            headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/octet-stream"));
            headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
            headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
            response.extensions_mut().insert(Answered);
            Some(response)
        }
        Err(failure) => {
            tracing::warn!(?failure, "a challenge can't be looked up");
            None
        }
    }
}
