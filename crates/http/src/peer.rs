//! Where a request comes from: the address of the peer, or what a trusted proxy says of it.

use std::net::{IpAddr, SocketAddr};

use http::request::Parts;
use stoa_app::session::Visitor;

use crate::site::Site;

/// The connection's own peer, put into each request's extensions by the server.
#[derive(Debug, Clone, Copy)]
pub struct Peer(pub SocketAddr);

/// The address of whoever asks: the last hop that isn't one of the operator's proxies.
pub(crate) fn address(site: &Site, parts: &Parts) -> Option<String> {
    let peer = parts.extensions.get::<Peer>()?.0.ip().to_canonical();
    let trusted = |address: IpAddr| site.trusted_proxies.iter().any(|network| network.contains(address));
    if !trusted(peer) {
        return Some(peer.to_string());
    }
    let mut hops = Vec::new();
    for value in parts.headers.get_all("x-forwarded-for") {
        let text = value.to_str().unwrap_or_default();
        hops.extend(text.split(',').map(hop));
    }
    let mut last = peer;
    for hop in hops.into_iter().rev() {
        // What isn't an address can't be told from: the hop before it is the last that is known.
        let Some(hop) = hop else { break };
        last = hop.to_canonical();
        if !trusted(last) {
            break;
        }
    }
    Some(last.to_string())
}

/// The same where it can be told from others': not of a proxy of the operator's that doesn't say for whom it asks.
pub(crate) fn alone(site: &Site, parts: &Parts) -> Option<IpAddr> {
    let address: IpAddr = address(site, parts)?.parse().ok()?;
    (!site.trusted_proxies.iter().any(|network| network.contains(address))).then_some(address)
}

/// An address, with or without a port: some proxies name the port as well.
fn hop(text: &str) -> Option<IpAddr> {
    let text = text.trim();
    let alone = text.strip_prefix('[').and_then(|text| text.strip_suffix(']')).unwrap_or(text);
    let with_port = || text.parse::<SocketAddr>().ok().map(|address| address.ip());
    alone.parse().ok().or_else(with_port)
}

pub(crate) fn visitor(site: &Site, parts: &Parts) -> Visitor {
    let user_agent = parts.headers.get(http::header::USER_AGENT).and_then(|value| value.to_str().ok());
    Visitor {
        address: address(site, parts).unwrap_or_else(|| "unknown".to_owned()),
        user_agent: user_agent.unwrap_or_default().to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::hop;

    #[test]
    fn a_hop_is_an_address_with_or_without_its_port() {
        let of = |text: &str| hop(text).map(|address| address.to_string());
        for (text, address) in [
            ("192.0.2.7", "192.0.2.7"),
            (" 192.0.2.7:5555", "192.0.2.7"),
            ("2001:db8::7", "2001:db8::7"),
            ("[2001:db8::7]", "2001:db8::7"),
            ("[2001:db8::7]:443", "2001:db8::7"),
        ] {
            assert_eq!(of(text).as_deref(), Some(address), "{text}");
        }
        for text in ["", "unknown", "_hidden", "192.0.2.7:", "[192.0.2.7", "192.0.2.7, 192.0.2.8"] {
            assert_eq!(of(text), None, "{text}");
        }
    }
}
