//! Headers between a browser at a session's host and an application that knows its own host only.

use std::sync::Arc;

use http::HeaderName;
use http::header::{self, HeaderMap, HeaderValue};
use stoa_app::connect_as::Connected;
use stoa_app::connect_as::jar::Jar;

use crate::site::Site;

/// One request's session.
pub(in crate::proxy) struct Session {
    pub connected: Arc<Connected>,
    pub cookies: Jar,
    /// The session's host and the instance's own, without ports.
    pub session_host: String,
    pub own_host: String,
    pub path: String,
    /// Seconds since 1970.
    pub now: i64,
}

/// Where the browser would be sent past this host, or would keep what outlives the session.
const NOT_FOR_BROWSERS: [HeaderName; 3] = [
    header::ALT_SVC,
    HeaderName::from_static("service-worker-allowed"),
    HeaderName::from_static("clear-site-data"),
];

impl Session {
    /// `https://host:port` as a browser at that host says it.
    fn origin(site: &Site, host: &str, port: Option<&str>) -> String {
        let scheme = if site.secure { "https" } else { "http" };
        let port = port.map(|port| format!(":{port}")).unwrap_or_default();
        format!("{scheme}://{host}{port}")
    }

    /// What the application reads: its own host, and the session's cookies before whatever else the browser has there.
    pub(in crate::proxy) fn request(&self, headers: &mut HeaderMap, site: &Site, port: Option<&str>) {
        let (here, own) =
            (Self::origin(site, &self.session_host, port), Self::origin(site, &self.own_host, port));
        if let Some(origin) = headers.get(header::ORIGIN)
            && origin.as_bytes().eq_ignore_ascii_case(here.as_bytes())
            && let Ok(own) = HeaderValue::try_from(&own)
        {
            headers.insert(header::ORIGIN, own);
        }
        if let Some(moved) = headers.get(header::REFERER).and_then(|value| moved(value, &here, &own)) {
            headers.insert(header::REFERER, moved);
        }
        let mut pairs = self.cookies.pairs(&self.path, self.now);
        for value in headers.get_all(header::COOKIE) {
            let Ok(text) = value.to_str() else { continue };
            let others = text.split(';').map(str::trim).filter(|pair| {
                let name = pair.split('=').next().unwrap_or_default();
                !pair.is_empty() && !self.cookies.has(name)
            });
            pairs.extend(others.map(str::to_owned));
        }
        headers.remove(header::COOKIE);
        if let (false, Ok(mut value)) = (pairs.is_empty(), HeaderValue::try_from(pairs.join("; "))) {
            value.set_sensitive(true);
            headers.insert(header::COOKIE, value);
        }
    }

    /// What the browser reads: this host, and nothing to keep.
    pub(in crate::proxy) fn response(&self, headers: &mut HeaderMap, site: &Site, port: Option<&str>) {
        let (here, own) =
            (Self::origin(site, &self.session_host, port), Self::origin(site, &self.own_host, port));
        for name in [header::LOCATION, header::CONTENT_LOCATION] {
            let value = headers.get(&name).and_then(|value| {
                // Applications behind a proxy don't always know their own port.
                let bare = Self::origin(site, &self.own_host, None);
                moved(value, &own, &here).or_else(|| moved(value, &bare, &here)).or_else(|| {
                    let schemeless = |origin: &str| {
                        origin.split_once(':').map_or(String::new(), |(_, rest)| rest.to_owned())
                    };
                    moved(value, &schemeless(&own), &schemeless(&here))
                })
            });
            if let Some(value) = value {
                headers.insert(name, value);
            }
        }
        for name in NOT_FOR_BROWSERS {
            headers.remove(name);
        }
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        headers.insert(HeaderName::from_static("x-robots-tag"), HeaderValue::from_static("noindex"));
    }
}

/// The address below another origin, where it is below the first.
fn moved(value: &HeaderValue, from: &str, to: &str) -> Option<HeaderValue> {
    let text = value.to_str().ok()?;
    let head = text.get(..from.len()).filter(|head| head.eq_ignore_ascii_case(from))?;
    let rest = &text[head.len()..];
    if !(rest.is_empty() || rest.starts_with(['/', '?', '#'])) {
        return None;
    }
    HeaderValue::try_from(format!("{to}{rest}")).ok()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::moved;
    use http::HeaderValue;

    #[test]
    fn only_addresses_of_the_origin_itself_are_moved() {
        let (own, here) = ("http://shop.localhost:8080", "http://as-x.localhost:8080");
        let at = |text: &str| {
            let value = moved(&HeaderValue::try_from(text).unwrap(), own, here)?;
            Some(value.to_str().unwrap().to_owned())
        };
        assert_eq!(at("http://shop.localhost:8080"), Some(here.to_owned()));
        assert_eq!(at("HTTP://Shop.localhost:8080/a?b#c"), Some(format!("{here}/a?b#c")));
        for other in [
            "/a",
            "http://shop.localhost:80801/",
            "http://shop.localhost:8080.evil.example/",
            "https://shop.localhost:8080/",
            "",
        ] {
            assert_eq!(at(other), None, "{other}");
        }
    }
}
