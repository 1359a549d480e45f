//! What of a request reaches an application, and what of its answer comes back.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use http::header::{self, HeaderMap, HeaderName, HeaderValue};

const HOP_BY_HOP: [HeaderName; 7] = [
    header::CONNECTION,
    header::PROXY_AUTHENTICATE,
    header::PROXY_AUTHORIZATION,
    header::TE,
    header::TRAILER,
    header::TRANSFER_ENCODING,
    header::UPGRADE,
];

/// Who asks, as the application is told.
pub(super) struct Asker<'a> {
    pub address: Option<&'a str>,
    /// The host and port as they were asked for.
    pub authority: &'a str,
    pub secure: bool,
}

/// Makes a request's headers fit for an application. `upgrade` is the protocol it asks to change to.
pub(super) fn request(headers: &mut HeaderMap, asker: &Asker<'_>, upgrade: Option<&HeaderValue>) {
    remove_hop_by_hop(headers);
    // Some servers hand `_` and `-` to the application as one letter, so both spellings go.
    let foreign: Vec<HeaderName> =
        headers.keys().filter(|name| says_where_from(name.as_str())).cloned().collect();
    for name in foreign {
        headers.remove(name);
    }
    headers.remove(header::EXPECT);
    headers.remove(header::CONTENT_LENGTH);
    keep_foreign_cookies(headers);
    if headers.get_all(header::AUTHORIZATION).iter().any(is_own_token) {
        headers.remove(header::AUTHORIZATION);
    }
    if let Ok(host) = HeaderValue::try_from(asker.authority) {
        headers.insert(header::HOST, host.clone());
        headers.insert("x-forwarded-host", host);
    }
    let scheme = if asker.secure { "https" } else { "http" };
    headers.insert("x-forwarded-proto", HeaderValue::from_static(scheme));
    if let Some(address) = asker.address.and_then(|address| HeaderValue::try_from(address).ok()) {
        headers.insert("x-forwarded-for", address);
    }
    if let Some(protocol) = upgrade {
        headers.insert(header::CONNECTION, HeaderValue::from_static("upgrade"));
        headers.insert(header::UPGRADE, protocol.clone());
    }
}

/// Makes an answer's headers fit for a visitor of `host`.
pub(super) fn response(headers: &mut HeaderMap, host: &str) {
    remove_hop_by_hop(headers);
    let kept: Vec<HeaderValue> =
        headers.get_all(header::SET_COOKIE).iter().filter(|value| may_set(value, host)).cloned().collect();
    headers.remove(header::SET_COOKIE);
    for value in kept {
        headers.append(header::SET_COOKIE, value);
    }
}

fn remove_hop_by_hop(headers: &mut HeaderMap) {
    let named: Vec<HeaderName> = headers
        .get_all(header::CONNECTION)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|text| text.split(','))
        .filter_map(|name| HeaderName::try_from(name.trim()).ok())
        .collect();
    for name in named.into_iter().chain(HOP_BY_HOP) {
        headers.remove(name);
    }
    headers.remove("keep-alive");
    headers.remove("proxy-connection");
}

fn says_where_from(name: &str) -> bool {
    let name = name.replace('_', "-");
    name == "forwarded"
        || name.starts_with("x-forwarded-")
        || name == "x-forwarded"
        || name == "x-real-ip"
        || name == "proxy"
}

/// Whether a client sends its personal access token, which is for Stoa and for no application.
fn is_own_token(value: &HeaderValue) -> bool {
    let text = value.to_str().unwrap_or_default();
    let (scheme, rest) = text.trim().split_once(' ').unwrap_or_default();
    let secret = match scheme.to_ascii_lowercase().as_str() {
        "bearer" => rest.trim().as_bytes().to_vec(),
        // A name, a colon, the password.
        "basic" => {
            let pair = BASE64_STANDARD.decode(rest.trim()).unwrap_or_default();
            pair.splitn(2, |byte| *byte == b':').nth(1).unwrap_or_default().to_vec()
        }
        _ => return false,
    };
    secret.starts_with(stoa_app::secrets::TOKEN_PREFIX.as_bytes())
}

/// Whether a cookie's name is one of Stoa's.
fn is_own_cookie(name: &str) -> bool {
    let name = name.trim().to_ascii_lowercase();
    let plain = name.strip_prefix("__host-").or_else(|| name.strip_prefix("__secure-"));
    if plain.is_some_and(|plain| plain.starts_with("stoa")) {
        return true;
    }
    // The names on plain HTTP: `stoa-<port>`, `stoa-visit-<port>` and `stoa-connect-<port>`.
    name.strip_prefix("stoa-").is_some_and(|rest| {
        let port = rest.strip_prefix("visit-").or_else(|| rest.strip_prefix("connect-")).unwrap_or(rest);
        !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit())
    })
}

fn keep_foreign_cookies(headers: &mut HeaderMap) {
    let mut kept: Vec<Vec<u8>> = Vec::new();
    for value in headers.get_all(header::COOKIE) {
        for pair in value.as_bytes().split(|byte| *byte == b';') {
            let pair = pair.trim_ascii();
            let name = pair.split(|byte| *byte == b'=').find(|part| !part.is_empty()).unwrap_or_default();
            if !pair.is_empty() && !is_own_cookie(&String::from_utf8_lossy(name)) {
                kept.push(pair.to_vec());
            }
        }
    }
    headers.remove(header::COOKIE);
    if let (false, Ok(value)) = (kept.is_empty(), HeaderValue::from_bytes(&kept.join(&b"; "[..]))) {
        headers.insert(header::COOKIE, value);
    }
}

/// Whether a cookie that an application sets is kept for it: none of Stoa's names.
pub(super) fn may_be_kept(text: &[u8]) -> bool {
    let text = String::from_utf8_lossy(text);
    let pair = text.split(';').next().unwrap_or_default();
    let name = pair.split('=').map(str::trim).find(|part| !part.is_empty()).unwrap_or_default();
    !is_own_cookie(name)
}

/// Whether an application of `host` may set this cookie: none of Stoa's names, and no domain above its own host.
fn may_set(value: &HeaderValue, host: &str) -> bool {
    let text = String::from_utf8_lossy(value.as_bytes());
    let mut parts = text.split(';');
    let pair = parts.next().unwrap_or_default();
    // A cookie without a name is sent back as its value alone, which may read like a name.
    let name = pair.split('=').map(str::trim).find(|part| !part.is_empty()).unwrap_or_default();
    if is_own_cookie(name) {
        return false;
    }
    parts.all(|attribute| {
        let (key, domain) = attribute.split_once('=').unwrap_or((attribute, ""));
        if !key.trim().eq_ignore_ascii_case("domain") {
            return true;
        }
        let domain = domain
            .trim()
            .trim_matches('"')
            .trim_start_matches('.')
            .trim_end_matches('.')
            .to_ascii_lowercase();
        domain.is_empty() || domain == host || domain.ends_with(&format!(".{host}"))
    })
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    const ASKER: Asker<'_> =
        Asker { address: Some("203.0.113.9"), authority: "shop.localhost:8080", secure: false };

    fn map(pairs: &[(&str, &str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in pairs {
            headers.append(HeaderName::try_from(*name).unwrap(), HeaderValue::try_from(*value).unwrap());
        }
        headers
    }

    #[test]
    fn what_a_connection_names_and_what_says_where_from_goes() {
        let mut headers = map(&[
            ("connection", "close, X-Secret, x-forwarded-for, host"),
            ("x-secret", "1"),
            ("te", "trailers"),
            ("keep-alive", "5"),
            ("proxy-authorization", "x"),
            ("forwarded", "for=1"),
            ("x-forwarded-for", "10.0.0.1"),
            ("x_forwarded_for", "10.0.0.1"),
            ("x-real-ip", "10.0.0.1"),
            ("x_real_ip", "10.0.0.1"),
            ("proxy", "evil"),
            ("x-own", "stays"),
        ]);
        request(&mut headers, &ASKER, None);
        let mut names: Vec<_> = headers.keys().map(HeaderName::as_str).collect();
        names.sort_unstable();
        assert_eq!(names, ["host", "x-forwarded-for", "x-forwarded-host", "x-forwarded-proto", "x-own"]);
        assert_eq!(headers["x-forwarded-for"], "203.0.113.9");
    }

    #[test]
    fn stoas_own_cookies_never_reach_an_application() {
        let mut headers = map(&[
            ("cookie", "a=1; __Host-stoa=s; stoa-8080=s; b=2"),
            ("cookie", "__Host-stoa-visit=v; stoa-visit-8080=v; stoa-theme=dark; =stoa-8080=x"),
            ("cookie", "__Host-stoa-connect=c; stoa-connect-8080=c"),
        ]);
        request(&mut headers, &ASKER, None);
        let cookies: Vec<_> = headers.get_all("cookie").iter().collect();
        assert_eq!(cookies, ["a=1; b=2; stoa-theme=dark"]);
    }

    #[test]
    fn an_access_token_of_stoas_never_reaches_an_application() {
        let basic = |pair: &str| format!("Basic {}", BASE64_STANDARD.encode(pair));
        for (sent, arrives) in [
            ("Bearer stoa_pat_abc".to_owned(), false),
            ("bearer  stoa_pat_abc".to_owned(), false),
            (basic("git:stoa_pat_abc"), false),
            ("Bearer of the application".to_owned(), true),
            (basic("user:password"), true),
            ("Negotiate stoa_pat_abc".to_owned(), true),
        ] {
            let mut headers = map(&[("authorization", &sent)]);
            request(&mut headers, &ASKER, None);
            assert_eq!(headers.contains_key(header::AUTHORIZATION), arrives, "{sent}");
        }
    }

    #[test]
    fn an_application_sets_cookies_for_itself_only() {
        let mut headers = map(&[
            ("set-cookie", "a=1; Path=/"),
            ("set-cookie", "b=1; Domain=shop.localhost"),
            ("set-cookie", "c=1; domain=.localhost"),
            ("set-cookie", "d=1; Domain=other.localhost"),
            ("set-cookie", "e=1; Domain=a.shop.localhost"),
            ("set-cookie", "__Host-stoa=1"),
            ("set-cookie", "__host-STOA-visit=1"),
            ("set-cookie", "stoa-8080=1"),
            ("set-cookie", "=stoa-8080=1"),
            ("set-cookie", "f=1; Domain=shop.localhost; Domain=localhost"),
            ("transfer-encoding", "chunked"),
        ]);
        response(&mut headers, "shop.localhost");
        let kept: Vec<_> = headers.get_all("set-cookie").iter().map(|value| &value.as_bytes()[..1]).collect();
        assert_eq!(kept, [b"a", b"b", b"e"]);
        assert!(!headers.contains_key("transfer-encoding"));
    }
}
