//! What kind of address it is, whatever form it is written in.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Public,
    /// Of a private network: reached where the operator lists it.
    Private,
    /// This machine itself: the same.
    Machine,
    /// Link-local (where clouds hand out credentials), multicast, unspecified, reserved: never, listed or not.
    Never,
}

/// The address that is meant: an IPv4 one in IPv6's clothes (mapped, NAT64, 6to4) is that IPv4 one.
pub(super) fn unwrapped(address: IpAddr) -> IpAddr {
    let IpAddr::V6(v6) = address else { return address };
    match v6.segments() {
        [0, 0, 0, 0, 0, 0xffff, high, low]
        | [0x64, 0xff9b, 0, 0, 0, 0, high, low]
        | [0x2002, high, low, ..] => IpAddr::V4(Ipv4Addr::from(u32::from(high) << 16 | u32::from(low))),
        _ => address,
    }
}

/// The kind of an address that `unwrapped` gave.
pub(super) fn kind(address: IpAddr) -> Kind {
    match address {
        IpAddr::V4(v4) => kind_of_v4(v4),
        IpAddr::V6(v6) => kind_of_v6(v6),
    }
}

fn kind_of_v4(address: Ipv4Addr) -> Kind {
    match address.octets() {
        [127, ..] => Kind::Machine,
        [10, ..] | [192, 168, ..] => Kind::Private,
        [172, second, ..] if second & 0xf0 == 16 => Kind::Private,
        // Carriers' shared addresses, and those of measurements between networks.
        [100, second, ..] if second & 0xc0 == 64 => Kind::Private,
        [198, 18 | 19, ..] => Kind::Private,
        // "This network", link-local, protocol assignments, documentation, the anycast of 6to4, multicast and reserved.
        [0, ..] | [169, 254, ..] | [192, 0, 0 | 2, _] | [192, 88, 99, _] => Kind::Never,
        [198, 51, 100, _] | [203, 0, 113, _] | [224..=255, ..] => Kind::Never,
        // A public address that is answered on the host itself in one cloud, and hands out its secrets.
        [168, 63, 129, 16] => Kind::Never,
        _ => Kind::Public,
    }
}

fn kind_of_v6(address: Ipv6Addr) -> Kind {
    if address.is_loopback() {
        return Kind::Machine;
    }
    match address.segments() {
        // Unique local, the old site-local, and NAT64 of one's own network: what lies behind can't be said.
        [first, ..] if first & 0xfe00 == 0xfc00 || first & 0xffc0 == 0xfec0 => Kind::Private,
        [0x64, 0xff9b, 1, ..] => Kind::Private,
        // Teredo, documentation, and other special ones of that block; identifiers, no places.
        [0x2001, second, ..] if second < 0x0200 || second == 0x0db8 => Kind::Never,
        // Everything in use on the internet begins with these three bits; the rest is link-local, multicast,
        // unspecified, the old IPv4-compatible form, or nobody's.
        [first, ..] if first & 0xe000 == 0x2000 && first & 0xfff0 != 0x3ff0 => Kind::Public,
        _ => Kind::Never,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kind_of(text: &str) -> Kind {
        kind(unwrapped(text.parse().unwrap_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED))))
    }

    #[test]
    fn every_form_of_a_private_address_is_seen_through() {
        for text in
            ["10.0.0.1", "172.16.0.1", "172.31.255.255", "192.168.1.1", "100.64.0.1", "100.127.255.255"]
        {
            assert_eq!(kind_of(text), Kind::Private, "{text}");
        }
        for text in ["fd00::1", "fc00::1", "fec0::1", "64:ff9b:1::a00:1", "::ffff:10.0.0.1", "64:ff9b::a00:1"]
        {
            assert_eq!(kind_of(text), Kind::Private, "{text}");
        }
        assert_eq!(kind_of("2002:a00:1::1"), Kind::Private);
        for text in ["127.0.0.1", "127.8.9.10", "::1", "::ffff:127.0.0.1", "64:ff9b::7f00:1", "2002:7f00:1::"]
        {
            assert_eq!(kind_of(text), Kind::Machine, "{text}");
        }
    }

    #[test]
    fn what_is_never_dialled_is_seen_in_every_form() {
        for text in [
            "0.0.0.0",
            "0.1.2.3",
            "169.254.169.254",
            "224.0.0.1",
            "255.255.255.255",
            "240.0.0.1",
            "192.0.2.1",
            "198.51.100.1",
            "203.0.113.1",
            "192.0.0.8",
            "168.63.129.16",
            "::",
            "fe80::1",
            "ff02::1",
            "::ffff:169.254.169.254",
            "64:ff9b::a9fe:a9fe",
            "2002:a9fe:a9fe::",
            "::10.0.0.1",
            "2001::1",
            "2001:db8::1",
            "100::1",
            "::ffff:0.0.0.0",
            "4000::1",
        ] {
            assert_eq!(kind_of(text), Kind::Never, "{text}");
        }
    }

    #[test]
    fn addresses_of_the_internet_are_public() {
        for text in [
            "1.1.1.1",
            "172.32.0.1",
            "100.128.0.1",
            "198.20.0.1",
            "2606:4700::1111",
            "2a00::1",
            "2002:101:101::1",
        ] {
            assert_eq!(kind_of(text), Kind::Public, "{text}");
        }
        assert_eq!(kind_of("64:ff9b::101:101"), Kind::Public);
    }
}
