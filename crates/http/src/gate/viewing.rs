//! As whom an owner wants to look on: by a header, or in the address of the event stream, to which a browser adds none.

use axum::extract::Query;
use http::request::Parts;
use http::{HeaderMap, HeaderName, Uri};
use stoa_domain::MemberId;
use uuid::Uuid;

const HEADER: HeaderName = HeaderName::from_static("stoa-view-as");

/// The stream's own path ends so.
const STREAM: &str = "/events";

fn in_query(uri: &Uri) -> Option<&str> {
    let query = uri.path().ends_with(STREAM).then(|| uri.query()).flatten()?;
    query.split('&').find_map(|pair| pair.strip_prefix("view_as="))
}

/// Whether it is said in the address of something else than the stream, where it says nothing.
fn is_misplaced(uri: &Uri) -> bool {
    let said = |pairs: Query<Vec<(String, String)>>| pairs.0.iter().any(|(name, _)| name == "view_as");
    let has_query = uri.query().is_some_and(|query| !query.is_empty());
    has_query && !uri.path().ends_with(STREAM) && Query::try_from_uri(uri).is_ok_and(said)
}

/// Whether the request asks for it, rightly or not.
pub(crate) fn is_viewing(headers: &HeaderMap, uri: &Uri) -> bool {
    headers.contains_key(HEADER) || in_query(uri).is_some() || is_misplaced(uri)
}

/// The member that is named. What can't be read, or is said twice, is nobody, and what is said where it can't be has no
/// member at all: it is never passed over.
pub(super) fn named(parts: &Parts) -> Option<MemberId> {
    if is_misplaced(&parts.uri) || !is_viewing(&parts.headers, &parts.uri) {
        return None;
    }
    let mut said = parts.headers.get_all(HEADER).iter().map(|value| value.to_str().unwrap_or_default());
    let first = said.next().or_else(|| in_query(&parts.uri)).unwrap_or_default();
    let is_once = said.next().is_none();
    let member = first.trim().parse().ok().filter(|_| is_once);
    Some(member.unwrap_or(MemberId::new(Uuid::nil())))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    const MEMBER: &str = "01890a5d-ac96-774b-bcce-b302099a8057";

    fn said(uri: &str, headers: &[&str]) -> Option<MemberId> {
        let mut request = http::Request::get(uri);
        for value in headers {
            request = request.header(HEADER, *value);
        }
        named(&request.body(()).unwrap().into_parts().0)
    }

    #[test]
    fn what_is_said_wrongly_is_nobody_and_never_oneself() {
        let nobody = Some(MemberId::new(Uuid::nil()));
        let member = MEMBER.parse().ok();
        assert_eq!(said("/x", &[]), None);
        assert_eq!(said("/x", &[MEMBER]), member);
        assert_eq!(said("/x", &["tester"]), nobody);
        assert_eq!(said("/x", &[""]), nobody);
        assert_eq!(said("/x", &[MEMBER, MEMBER]), nobody);
        assert_eq!(said(&format!("/w/events?view_as={MEMBER}"), &[]), member);
        for uri in ["/w/jobs?view_as=x", "/w/jobs?limit=1&view%5Fas=", "/w/jobs?view_as"] {
            assert_eq!(said(uri, &[MEMBER]), None, "{uri}");
            assert!(is_viewing(&HeaderMap::new(), &uri.parse().unwrap()), "{uri}");
        }
        assert!(!is_viewing(&HeaderMap::new(), &"/w/jobs?q=view_as%3Dx".parse().unwrap()));
    }
}
