//! What a request presents: a cookie, or a bearer token. Never both, and never a token in the address.

use http::HeaderMap;
use http::header::AUTHORIZATION;
use stoa_app::session::Presented;
use stoa_domain::{Refusal, Via};

use crate::cookie;
use crate::site::Site;

/// # Errors
/// `UnknownToken` for an `Authorization` header that isn't a bearer token, or of which there are two: it is never ignored.
pub(crate) fn presented(site: &Site, headers: &HeaderMap) -> Result<Presented, Refusal> {
    let mut sent = headers.get_all(AUTHORIZATION).iter();
    if let Some(value) = sent.next() {
        if sent.next().is_some() {
            return Err(Refusal::UnknownToken);
        }
        let text = value.to_str().map_err(|_| Refusal::UnknownToken)?;
        let token = text.split_once(' ').filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"));
        let (_, token) = token.ok_or(Refusal::UnknownToken)?;
        return Ok(Presented::Token(token.trim().to_owned()));
    }
    let session = cookie::named(headers, &site.cookie()).next().map(str::to_owned);
    Ok(session.map_or(Presented::Nothing, Presented::Session))
}

/// The way by which a request came: the page says `Sec-Fetch-Mode`, the command line names itself.
pub(crate) fn via(headers: &HeaderMap) -> Via {
    if headers.contains_key(AUTHORIZATION) {
        let agent =
            headers.get(http::header::USER_AGENT).and_then(|value| value.to_str().ok()).unwrap_or_default();
        return if agent.starts_with("stoa/") { Via::Command } else { Via::Api };
    }
    Via::Page
}
