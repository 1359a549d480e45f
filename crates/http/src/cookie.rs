//! Cookies: those that a request carries, and how Stoa's own are set.

use http::HeaderMap;
use http::header::COOKIE;

/// The values that come under a name, in their order; none of a header that isn't text.
pub(crate) fn named<'h>(headers: &'h HeaderMap, name: &'h str) -> impl Iterator<Item = &'h str> {
    let texts = headers.get_all(COOKIE).iter().filter_map(|value| value.to_str().ok());
    texts
        .flat_map(|text| text.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .filter_map(move |(key, value)| (key == name).then_some(value))
}

/// A cookie for all paths of this host, which no script reads. No seconds: it goes.
pub(crate) fn set(name: &str, value: &str, seconds: u64, is_secure: bool) -> String {
    let secure = if is_secure { "; Secure" } else { "" };
    format!("{name}={value}; Path=/; HttpOnly; SameSite=Lax; Max-Age={seconds}{secure}")
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use http::HeaderValue;

    use super::*;

    #[test]
    fn a_cookie_is_found_by_its_whole_name_in_any_header() {
        let mut headers = HeaderMap::new();
        for value in ["a=1; stoa-80=first", "stoa-8080=other;stoa-80=se=cond", "stoa-80", "\u{e4}=2"] {
            headers.append(COOKIE, HeaderValue::from_bytes(value.as_bytes()).unwrap());
        }
        assert_eq!(named(&headers, "stoa-80").collect::<Vec<_>>(), ["first", "se=cond"]);
        assert_eq!(named(&headers, "stoa").next(), None);
    }
}
