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
    // Said twice it is nobody's.
    let mut origins = parts.headers.get_all(ORIGIN).iter();
    let origin = origins.next().filter(|_| origins.next().is_none());
    // Exactly: under another name of this machine somebody else's program may listen on the same port. Whoever asks the
    // API there, where the public URL is a loopback one, does so with a token; the page is sent to the public URL.
    let own = origin.is_some_and(|origin| origin.as_bytes() == site.origin.as_bytes());
    let fetched = parts.headers.get_all("sec-fetch-site").iter().all(|value| value == "same-origin");
    if own && fetched { Ok(()) } else { Err(Refusal::CrossOrigin) }
}
