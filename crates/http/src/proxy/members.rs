//! Who may pass to an instance, on the instance's own host.

use std::sync::Arc;

use axum::body::Body;
use http::header::{self, HeaderValue};
use http::request::Parts;
use http::{Method, Response, StatusCode};
use stoa_app::Failure;
use stoa_app::authority::GoingOn;
use stoa_app::host::HostedInstance;
use stoa_domain::instance::Visibility;
use stoa_domain::permission::instance;
use stoa_domain::{InstanceId, Refusal, WorkspaceId};

use super::visit::{Brought, VISIT_SECONDS, Visit, now, own_path};
use super::{Notice, Proxy, bare, failed, visitor, wants_html};
use crate::cookie;
use crate::lease::Lease;

/// The form that comes back has a code and nothing else.
const LARGEST_FORM: usize = 16 * 1024;

impl Proxy {
    /// Lets a request pass, with a lease where its right may end; or answers it.
    pub(super) async fn admit(
        &self,
        parts: &Parts,
        host: &str,
        workspace: WorkspaceId,
        hosted: &HostedInstance,
    ) -> Result<Option<Arc<Lease>>, Box<Response<Body>>> {
        if hosted.visibility == Visibility::Public {
            return Ok(None);
        }
        let Some(visit) = self.visit_of(parts, hosted.id) else {
            return Err(Box::new(self.send_to_public(parts, host, workspace, hosted.id)));
        };
        let asked = visit.asked(crate::peer::address(&self.frame.site, parts));
        let allowed = async {
            if visit.workspace != workspace {
                return Err(Failure::from(Refusal::Unauthenticated));
            }
            let decision = GoingOn::<instance::Visit>::new(asked.account.clone(), asked.path.clone());
            decision.ask(&self.frame.app).await
        };
        match allowed.await {
            Ok(()) => Ok(Some(Arc::new(self.frame.leases.hold::<instance::Visit>(asked)))),
            Err(Failure::Refused(Refusal::Unavailable)) => {
                Err(Box::new(visitor::page(parts, Notice::Unavailable)))
            }
            // The public host says what it is: signed out, or not allowed.
            Err(Failure::Refused(_)) => Err(Box::new(self.send_to_public(parts, host, workspace, hosted.id))),
            Err(fault) => Err(Box::new(failed(parts, fault))),
        }
    }

    fn visit_of(&self, parts: &Parts, instance: InstanceId) -> Option<Visit> {
        let name = self.frame.site.visit_cookie();
        cookie::named(&parts.headers, &name)
            .find_map(|value| self.frame.visits.of_cookie(value, instance, now()))
    }

    /// A browser that opens a page goes to the public host; whatever else asks is told.
    fn send_to_public(
        &self,
        parts: &Parts,
        host: &str,
        workspace: WorkspaceId,
        instance: InstanceId,
    ) -> Response<Body> {
        let opens = |name: &str, wanted: &str| parts.headers.get(name).is_none_or(|value| value == wanted);
        let is_page = matches!(parts.method, Method::GET | Method::HEAD)
            && wants_html(parts)
            && opens("sec-fetch-mode", "navigate")
            && opens("sec-fetch-dest", "document");
        if !is_page {
            return visitor::page(parts, Notice::MembersOnly);
        }
        let to = own_path(parts.uri.path_and_query().map_or("/", |path| path.as_str()));
        let (origin, to, host) = (&self.frame.site.origin, encoded(&to), encoded(host));
        let target = format!("{origin}/visit/{workspace}/{instance}?to={to}&at={host}");
        redirect(&target)
    }

    /// What is asked below `/.stoa/`.
    pub(super) async fn answer_reserved(
        &self,
        parts: Parts,
        body: Body,
        host: &str,
        instance: InstanceId,
    ) -> Response<Body> {
        if parts.uri.path() != "/.stoa/visit" || parts.method != Method::POST {
            return visitor::page(&parts, Notice::NoSuchPage);
        }
        // The form stands on a page of the public host and nowhere else: who lures a browser here with a code of
        // their own comes from another origin.
        let origin = parts.headers.get(header::ORIGIN).and_then(|value| value.to_str().ok());
        if !origin.is_some_and(|origin| origin.eq_ignore_ascii_case(&self.frame.site.origin)) {
            return visitor::page(&parts, Notice::MembersOnly);
        }
        let Ok(form) = axum::body::to_bytes(self.frame.patience.with(body), LARGEST_FORM).await else {
            return visitor::page(&parts, Notice::BadRequest);
        };
        let form = String::from_utf8_lossy(&form).into_owned();
        let code = form.split('&').find_map(|pair| pair.strip_prefix("code=")).unwrap_or_default();
        let brought = self.frame.visits.of_code(code, instance, host, now());
        let Some(Brought { visit, to, nonce }) = brought else {
            return visitor::page(&parts, Notice::LinkOver);
        };
        match self.frame.app.take_visit_code(&nonce).await {
            Ok(true) => {}
            Ok(false) => return visitor::page(&parts, Notice::LinkOver),
            Err(failure) => return failed(&parts, failure),
        }
        let site = &self.frame.site;
        let value = self.frame.visits.cookie(&visit, now());
        let cookie = cookie::set(&site.visit_cookie(), &value, VISIT_SECONDS, site.secure);
        let mut response = redirect(&own_path(&to));
        if let Ok(cookie) = HeaderValue::try_from(cookie) {
            response.headers_mut().insert(header::SET_COOKIE, cookie);
        }
        response
    }
}

pub(crate) fn redirect(target: &str) -> Response<Body> {
    let mut response = bare(StatusCode::SEE_OTHER);
    let headers = response.headers_mut();
    if let Ok(target) = HeaderValue::try_from(target) {
        headers.insert(header::LOCATION, target);
    }
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    response
}

/// A text as one value of a query.
pub(crate) fn encoded(text: &str) -> String {
    use std::fmt::Write as _;
    let mut safe = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~/".contains(&byte) {
            safe.push(char::from(byte));
        } else {
            let _ = write!(safe, "%{byte:02X}");
        }
    }
    safe
}
