//! As whom an owner wants to look on: by a header, or in the address of the event stream, to which a browser adds none.

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

/// Whether the request asks for it, rightly or not.
pub(crate) fn is_viewing(headers: &HeaderMap, uri: &Uri) -> bool {
    headers.contains_key(HEADER) || in_query(uri).is_some()
}

/// The member that is named. What can't be read, or is said twice, is nobody: it is never passed over.
pub(super) fn named(parts: &Parts) -> Option<MemberId> {
    if !is_viewing(&parts.headers, &parts.uri) {
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
        assert_eq!(said(&format!("/w/jobs?view_as={MEMBER}"), &[]), None);
    }
}
