//! A request that changes something comes from the page itself, or brings a proof of its own.

use http::Method;
use http::header::{AUTHORIZATION, ORIGIN, UPGRADE};
use http::request::Parts;
use stoa_domain::Refusal;

use crate::site::Site;

/// Every request that isn't GET or HEAD, and every upgrade, without `Authorization`: `Origin` must be ours. A
/// missing one is refused too; so is `Sec-Fetch-Site` with anything but `same-origin`.
///
/// # Errors
/// `CrossOrigin`.
pub(crate) fn check(site: &Site, parts: &Parts) -> Result<(), Refusal> {
    let reads = matches!(parts.method, Method::GET | Method::HEAD) && !parts.headers.contains_key(UPGRADE);
    if reads || parts.headers.contains_key(AUTHORIZATION) {
        return Ok(());
    }
    let origin = parts.headers.get(ORIGIN).and_then(|value| value.to_str().ok());
    let own = origin.is_some_and(|origin| site.is_own_origin(origin));
    let fetched = parts.headers.get("sec-fetch-site").is_none_or(|value| value == "same-origin");
    if own && fetched { Ok(()) } else { Err(Refusal::CrossOrigin) }
}

impl Site {
    /// The public origin; with a loopback public URL, the other loopback names on the same port.
    fn is_own_origin(&self, origin: &str) -> bool {
        if origin.eq_ignore_ascii_case(&self.origin) {
            return true;
        }
        let scheme = if self.secure { "https" } else { "http" };
        self.loopback
            && ["localhost", "127.0.0.1", "[::1]"]
                .iter()
                .any(|name| origin.eq_ignore_ascii_case(&format!("{scheme}://{name}:{}", self.port)))
    }
}
