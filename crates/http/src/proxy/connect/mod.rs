//! *Connect as*: the host of a session as one of an application's users.
//!
//! The browser is known there by a cookie of that host alone, which it was given for a code of one use. The
//! application's own cookies stay here: they are added to what goes to it, and taken out of what comes back. The
//! application hears its own host, and sends to this one. Each request is decided anew, and what goes on after its answer
//! ends with the right.

mod headers;
mod page;

use std::sync::Arc;

use axum::body::Body;
use http::header::{self, HeaderValue};
use http::request::Parts;
use http::{Method, Response};
use stoa_app::Failure;
use stoa_app::authority::GoingOn;
use stoa_app::connect_as::{Arrived, Connected};
use stoa_domain::Refusal;
use stoa_domain::permission::connect_as;

use super::clean;
use super::forward::Passing;
use super::members::redirect;
use super::visit::{now, own_path};
use super::{Notice, Proxy, failed, is_reserved, visitor};
use crate::cookie;
use crate::gate::Asked;
use crate::site::Site;

pub(crate) use page::{begins, over};

/// The form that comes from the public host has a code and nothing else.
const LARGEST_FORM: usize = 16 * 1024;

impl Site {
    /// The name of the cookie by which a browser is known at a session's host.
    fn connect_cookie(&self) -> String {
        if self.secure { "__Host-stoa-connect".to_owned() } else { format!("stoa-connect-{}", self.port) }
    }
}

impl Proxy {
    /// Answers a request for a session's host.
    pub(super) async fn answer_connected(
        &self,
        parts: Parts,
        body: Body,
        host: &str,
        connected: Connected,
    ) -> Response<Body> {
        // Nothing that is left in the browser outlives it.
        if connected.is_over() {
            return over(&parts, self.frame.site.secure);
        }
        if is_reserved(parts.uri.path()) {
            return self.answer_arrival(parts, body, host).await;
        }
        let name = self.frame.site.connect_cookie();
        if !cookie::named(&parts.headers, &name).any(|value| connected.knows(value)) {
            return visitor::page(&parts, Notice::NotConnected);
        }
        // It would go on answering from what it keeps.
        if parts.headers.contains_key("service-worker") {
            return visitor::page(&parts, Notice::NoSuchPage);
        }
        let passing = match self.pass(&parts, host, connected).await {
            Ok(passing) => passing,
            Err(response) => return *response,
        };
        let instance = passing.instance.clone();
        self.forward(parts, body, host, &instance, passing).await
    }

    /// Decided as on the public host, for this session; with a lease, and until its hour is over.
    async fn pass(
        &self,
        parts: &Parts,
        host: &str,
        connected: Connected,
    ) -> Result<Passing, Box<Response<Body>>> {
        let address = crate::peer::address(&self.frame.site, parts);
        let Some(account) = connected.standing(address) else {
            return Err(Box::new(over(parts, self.frame.site.secure)));
        };
        let asked = Asked { account, path: connected.path() };
        let decision = GoingOn::<connect_as::Use>::new(asked.account.clone(), asked.path.clone());
        match decision.ask(&self.frame.app).await {
            Ok(()) => {}
            Err(Failure::Refused(Refusal::Unavailable)) => {
                return Err(Box::new(visitor::page(parts, Notice::Unavailable)));
            }
            Err(Failure::Refused(_)) => {
                // What was said to be over doesn't go on when the right is given back a moment later.
                if let Err(failure) = self.frame.app.end_refused_connect_session(&connected).await {
                    tracing::warn!(?failure, "a session as a user that is over is written down later");
                }
                return Err(Box::new(over(parts, self.frame.site.secure)));
            }
            Err(fault) => return Err(Box::new(failed(parts, fault))),
        }
        let lease = Arc::new(self.frame.leases.hold::<connect_as::Use>(asked));
        let cookies = match self.frame.app.connected_cookies(&connected).await {
            Ok(cookies) => cookies,
            Err(failure) => return Err(Box::new(failed(parts, failure))),
        };
        let Some(own_host) = connected.host().map(str::to_owned) else {
            return Err(Box::new(over(parts, self.frame.site.secure)));
        };
        let left = connected.left();
        Ok(Passing {
            instance: connected.instance().clone(),
            lease: Some(lease),
            until: tokio::time::Instant::now().checked_add(left),
            connected: Some(headers::Session {
                connected: Arc::new(connected),
                cookies,
                session_host: host.to_owned(),
                own_host,
                path: parts.uri.path().to_owned(),
                now: i64::try_from(now()).unwrap_or(i64::MAX),
            }),
        })
    }

    /// The browser comes from the public host with its code.
    async fn answer_arrival(&self, parts: Parts, body: Body, host: &str) -> Response<Body> {
        if parts.uri.path() != "/.stoa/connect" || parts.method != Method::POST {
            return visitor::page(&parts, Notice::NoSuchPage);
        }
        // The form stands on a page of the public host and nowhere else.
        let origin = parts.headers.get(header::ORIGIN).and_then(|value| value.to_str().ok());
        if !origin.is_some_and(|origin| origin.eq_ignore_ascii_case(&self.frame.site.origin)) {
            return visitor::page(&parts, Notice::NotConnected);
        }
        let Ok(form) = axum::body::to_bytes(self.frame.patience.with(body), LARGEST_FORM).await else {
            return visitor::page(&parts, Notice::BadRequest);
        };
        let form = String::from_utf8_lossy(&form).into_owned();
        let code = form.split('&').find_map(|pair| pair.strip_prefix("code=")).unwrap_or_default();
        let Arrived { visit, landing, seconds } = match self.frame.app.arrive_connected(host, code).await {
            Ok(Some(arrived)) => arrived,
            Ok(None) => return visitor::page(&parts, Notice::ConnectLinkOver),
            Err(failure) => return failed(&parts, failure),
        };
        let site = &self.frame.site;
        let value = visit.reveal_text().unwrap_or_default();
        let cookie = cookie::set(&site.connect_cookie(), value, seconds, site.secure);
        let mut response = redirect(&own_path(&landing));
        if let Ok(cookie) = HeaderValue::try_from(cookie) {
            response.headers_mut().insert(header::SET_COOKIE, cookie);
        }
        response
    }

    /// Takes the application's cookies out of an answer, to be kept.
    pub(super) async fn keep_cookies(
        &self,
        session: &headers::Session,
        headers: &mut http::HeaderMap,
    ) -> Result<(), Failure> {
        let set: Vec<Vec<u8>> =
            headers.get_all(header::SET_COOKIE).iter().map(|value| value.as_bytes().to_vec()).collect();
        headers.remove(header::SET_COOKIE);
        let kept: Vec<Vec<u8>> = set.into_iter().filter(|text| clean::may_be_kept(text)).collect();
        if kept.is_empty() {
            return Ok(());
        }
        let app = &self.frame.app;
        app.keep_connected_cookies(&session.session_host, &session.connected, &session.path, &kept).await
    }
}

pub(super) use headers::Session;
