//! Whose a request is, by the host that it names.

use http::header::HOST;
use http::request::Parts;

use crate::site::Site;

/// Where a request belongs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Place {
    /// The public host: the page, the API and git.
    Public,
    /// Another name of a loopback public host: the API and git answer, a page is sent to the public URL.
    Loopback,
    /// Another host, in its normal form: an instance's, or nobody's.
    Other(String),
    /// The request names its host in no or in two ways.
    Bad,
}

/// # Invariant
/// `Other` holds a name of letters, digits, dots and hyphens only.
pub(crate) fn place_of(site: &Site, parts: &Parts) -> Place {
    let Some(authority) = authority(parts) else { return Place::Bad };
    let host = stoa_domain::host::normal(&authority);
    if host == site.host.trim_matches(['[', ']']) {
        return Place::Public;
    }
    if site.loopback && matches!(host.as_str(), "localhost" | "127.0.0.1" | "::1") {
        return Place::Loopback;
    }
    Place::Other(host)
}

/// The host and port of a request, written in one way only: two `Host` headers, or an absolute address that says
/// something else than the header, are how a request is made to mean two things to two readers.
pub(super) fn authority(parts: &Parts) -> Option<String> {
    let mut hosts = parts.headers.get_all(HOST).iter();
    let named = match (hosts.next(), hosts.next()) {
        (Some(only), None) => Some(only.to_str().ok()?),
        (None, None) => None,
        _ => return None,
    };
    let authority = match (parts.uri.authority(), named) {
        (Some(authority), Some(named)) if !authority.as_str().eq_ignore_ascii_case(named) => return None,
        (Some(authority), _) => authority.as_str(),
        (None, named) => named?,
    };
    is_authority(authority).then(|| authority.to_ascii_lowercase())
}

fn is_authority(text: &str) -> bool {
    let (name, port) = match text.strip_prefix('[') {
        Some(rest) => match rest.split_once(']') {
            Some((address, rest)) => {
                let good = address.parse::<std::net::Ipv6Addr>().is_ok();
                (if good { "v6" } else { "" }, rest.strip_prefix(':'))
            }
            None => return false,
        },
        None => text.split_once(':').map_or((text, None), |(name, port)| (name, Some(port))),
    };
    let good_port = port.is_none_or(|port| port.len() <= 5 && port.bytes().all(|byte| byte.is_ascii_digit()));
    let good_name = !name.is_empty()
        && name.len() <= 254
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_'));
    good_name && good_port
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use http::Request;

    fn site() -> Site {
        Site {
            origin: "http://localhost:8080".into(),
            host: "localhost".into(),
            port: 8080,
            secure: false,
            loopback: true,
            trusted_proxies: Vec::new(),
            version: "0",
        }
    }

    fn parts(uri: &str, hosts: &[&str]) -> Parts {
        let mut builder = Request::builder().uri(uri);
        for host in hosts {
            builder = builder.header(HOST, *host);
        }
        builder.body(()).unwrap().into_parts().0
    }

    #[test]
    fn a_host_is_read_in_one_form() {
        let place = |host: &str| place_of(&site(), &parts("/", &[host]));
        assert_eq!(place("LOCALHOST.:8080"), Place::Public);
        assert_eq!(place("127.0.0.1:8080"), Place::Loopback);
        assert_eq!(place("[::1]:8080"), Place::Loopback);
        assert_eq!(place("Shop-Acme.Localhost.:8080"), Place::Other("shop-acme.localhost".into()));
    }

    #[test]
    fn a_request_that_names_two_hosts_or_none_is_bad() {
        for bad in [parts("/", &[]), parts("/", &["a", "a"]), parts("http://a/", &["b"])] {
            assert_eq!(place_of(&site(), &bad), Place::Bad);
        }
        for bad in ["", "a b", "a@b", "a:b", "a/b", "[::g]", "a:80:80", "a,b"] {
            assert_eq!(place_of(&site(), &parts("/", &[bad])), Place::Bad, "{bad:?}");
        }
        assert_eq!(
            place_of(&site(), &parts("http://x.localhost/", &["x.localhost"])),
            Place::Other("x.localhost".into())
        );
    }
}
