//! Addresses as they are counted: by whom they most likely belong to.

use std::net::{IpAddr, Ipv6Addr};

/// Whoever has one address of version 6 has as many as there are in its network, a /64: what is counted is the network.
#[must_use]
pub fn network_of(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(v6) => IpAddr::V6(Ipv6Addr::from_bits(v6.to_bits() & !u128::from(u64::MAX))),
        v4 => v4,
    }
}

/// What attempts from an address count to. Only for counting: what is shown and written down is the address itself.
pub(crate) fn counted(address: &str) -> String {
    address.parse().map_or_else(|_| address.to_owned(), |address| network_of(address).to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_of_one_network_count_as_one() {
        assert_eq!(counted("2001:db8:1:2:3:4:5:6"), counted("2001:db8:1:2::1"));
        assert_ne!(counted("2001:db8:1:2::1"), counted("2001:db8:1:3::1"));
        assert_eq!(counted("::ffff:203.0.113.7"), counted("203.0.113.7"));
        assert_ne!(counted("203.0.113.7"), counted("203.0.113.8"));
        assert_eq!(counted("unknown"), "unknown");
    }
}
