//! One private address that the operator opens: exactly a host and a port.

use std::net::IpAddr;

use super::address::unwrapped;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Allowed {
    host: Listed,
    port: u16,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Listed {
    /// Lower case, as a URL's host is.
    Name(String),
    Address(IpAddr),
}

impl Allowed {
    /// Reads `host:port`; an IPv6 address stands in brackets. `None` where it is anything else: there is no form for
    /// all ports, or for a network.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (host, port) = text.rsplit_once(':')?;
        let port: u16 = port.parse().ok().filter(|port| *port != 0)?;
        if let Some(inner) = host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
            let address: std::net::Ipv6Addr = inner.parse().ok()?;
            return Some(Self { host: Listed::Address(unwrapped(address.into())), port });
        }
        match url::Host::parse(host).ok()? {
            url::Host::Domain(name) if !name.contains('*') => Some(Self { host: Listed::Name(name), port }),
            url::Host::Ipv4(address) => Some(Self { host: Listed::Address(address.into()), port }),
            _ => None,
        }
    }

    /// Whether it opens an address, to which the URL's host leads.
    pub(super) fn opens(&self, host: &str, address: IpAddr, port: u16) -> bool {
        let is_host = match &self.host {
            Listed::Name(name) => name == host,
            Listed::Address(listed) => *listed == address,
        };
        is_host && self.port == port
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_is_one_host_and_one_port() {
        for text in ["127.0.0.1:11434", "[::1]:11434", "Ollama.Internal:80", "gpu:1"] {
            assert!(Allowed::parse(text).is_some(), "{text}");
        }
        for text in [
            "127.0.0.1",
            "gpu",
            "gpu:0",
            "gpu:65536",
            "10.0.0.0/8:80",
            "*.internal:80",
            ":80",
            "::1:80",
            "http://gpu:80",
        ] {
            assert_eq!(Allowed::parse(text), None, "{text}");
        }
    }
}
