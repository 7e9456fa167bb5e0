//! Which IP addresses a webhook may be sent to: public unicast ones, and what the operator opens by name.
//!
//! Nothing here resolves a name. IPv4 is judged by the special-purpose registry; IPv6 is refused unless it
//! lies in the part of the address space that is handed out to the public.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

use ipnet::{IpNet, Ipv4Net, Ipv6Net};
use thiserror::Error;

/// What [`AddressPolicy::judge`] finds an address to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// Public unicast: reachable by https on the usual ports.
    Public,
    /// Named by the operator's allow-list: reachable by http too, and on any port.
    Allowed,
    /// Never reachable, with the name of the reason, such as `loopback`.
    Refused(&'static str),
}

/// The operator's allow-list of networks; empty by default, so only public addresses remain.
///
/// Parsed from a comma-separated list of CIDRs: `127.0.0.0/8, ::1/128`. A network opens addresses of its own
/// family only: `127.0.0.0/8` opens neither `::ffff:127.0.0.1` nor the NAT64 form of it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AddressPolicy {
    allowed: Vec<IpNet>,
}

/// An entry of an allow-list that is not a CIDR.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{entry:?} is not a network in CIDR notation, such as 10.0.0.0/8 or fd00::/8")]
pub struct AddressPolicyError {
    /// The entry as it was written.
    pub entry: String,
}

impl FromStr for AddressPolicy {
    type Err = AddressPolicyError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text.trim().is_empty() {
            return Ok(Self::default());
        }
        let allowed = text.split(',').map(|entry| {
            let entry = entry.trim();
            entry.parse().map_err(|_| AddressPolicyError { entry: entry.to_owned() })
        });
        Ok(Self { allowed: allowed.collect::<Result<_, _>>()? })
    }
}

impl AddressPolicy {
    /// Says whether a webhook may be sent to `address`. The allow-list comes first.
    #[must_use]
    pub fn judge(&self, address: IpAddr) -> Verdict {
        if self.allowed.iter().any(|network| network.contains(&address)) {
            return Verdict::Allowed;
        }
        let reason = match address {
            IpAddr::V4(address) => refuse_v4(address),
            IpAddr::V6(address) => refuse_v6(address),
        };
        reason.map_or(Verdict::Public, Verdict::Refused)
    }

    /// Whether the operator has opened nothing, as in the deployed stack.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.allowed.is_empty()
    }
}

const fn v4(a: u8, b: u8, c: u8, d: u8, prefix: u8) -> Ipv4Net {
    Ipv4Net::new_assert(Ipv4Addr::new(a, b, c, d), prefix)
}

const fn v6(a: u16, b: u16, c: u16, prefix: u8) -> Ipv6Net {
    Ipv6Net::new_assert(Ipv6Addr::new(a, b, c, 0, 0, 0, 0, 0), prefix)
}

/// The IANA IPv4 Special-Purpose Address Registry, whole, with multicast (RFC 5771) and one cloud's host address.
/// The entries that the registry calls globally reachable are anycast infrastructure, where no webhook is received.
const REFUSED_V4: [(Ipv4Net, &str); 20] = [
    (v4(0, 0, 0, 0, 8), "unspecified"),
    (v4(10, 0, 0, 0, 8), "private"),
    (v4(100, 64, 0, 0, 10), "carrier-grade NAT"),
    (v4(127, 0, 0, 0, 8), "loopback"),
    // Azure's host agent and DNS: a public number that is inside wherever it answers.
    (v4(168, 63, 129, 16, 32), "cloud host"),
    // Holds the metadata addresses of the clouds, 169.254.169.254 and 169.254.170.2.
    (v4(169, 254, 0, 0, 16), "link-local"),
    (v4(172, 16, 0, 0, 12), "private"),
    (v4(192, 0, 0, 0, 24), "protocol assignment"),
    (v4(192, 0, 2, 0, 24), "documentation"),
    (v4(192, 31, 196, 0, 24), "AS112"),
    (v4(192, 52, 193, 0, 24), "multicast relay"),
    (v4(192, 88, 99, 0, 24), "6to4 relay"),
    (v4(192, 168, 0, 0, 16), "private"),
    (v4(192, 175, 48, 0, 24), "AS112"),
    (v4(198, 18, 0, 0, 15), "benchmarking"),
    (v4(198, 51, 100, 0, 24), "documentation"),
    (v4(203, 0, 113, 0, 24), "documentation"),
    (v4(224, 0, 0, 0, 4), "multicast"),
    (v4(255, 255, 255, 255, 32), "broadcast"),
    (v4(240, 0, 0, 0, 4), "reserved"),
];

/// All that IANA has handed out for public unicast.
const PUBLIC_V6: Ipv6Net = v6(0x2000, 0, 0, 3);

/// The special-purpose networks inside [`PUBLIC_V6`].
const REFUSED_V6: [(Ipv6Net, &str); 5] = [
    // Teredo, ORCHID, benchmarking and the anycast services of the protocols.
    (v6(0x2001, 0, 0, 23), "protocol assignment"),
    (v6(0x2001, 0xdb8, 0, 32), "documentation"),
    // Leads to any IPv4 address, inside ones among them.
    (v6(0x2002, 0, 0, 16), "6to4"),
    (v6(0x2620, 0x4f, 0x8000, 48), "AS112"),
    (v6(0x3fff, 0, 0, 20), "documentation"),
];

/// Names for what lies outside [`PUBLIC_V6`]; the rest is refused without one of its own.
const NAMED_V6: [(Ipv6Net, &str); 7] = [
    (Ipv6Net::new_assert(Ipv6Addr::UNSPECIFIED, 128), "unspecified"),
    (Ipv6Net::new_assert(Ipv6Addr::LOCALHOST, 128), "loopback"),
    (Ipv6Net::new_assert(Ipv6Addr::new(0, 0, 0, 0, 0, 0xffff, 0, 0), 96), "IPv4-mapped"),
    (v6(0xfc00, 0, 0, 7), "private"),
    (v6(0xfe80, 0, 0, 10), "link-local"),
    (v6(0xfec0, 0, 0, 10), "private"),
    (v6(0xff00, 0, 0, 8), "multicast"),
];

/// RFC 5214, section 6.1: an interface identifier that ends in an IPv4 address, to which that network's router tunnels.
fn is_isatap(address: Ipv6Addr) -> bool {
    matches!(address.segments(), [_, _, _, _, 0 | 0x200, 0x5efe, _, _])
}

/// RFC 6052, section 2.1, "Well-Known Prefix": the last 32 bits are an IPv4 address that a gateway will connect to.
const NAT64: Ipv6Net = v6(0x64, 0xff9b, 0, 96);

fn refuse_v4(address: Ipv4Addr) -> Option<&'static str> {
    find(REFUSED_V4.iter().map(|(network, reason)| (network.contains(&address), *reason)))
}

fn refuse_v6(address: Ipv6Addr) -> Option<&'static str> {
    if NAT64.contains(&address) {
        let [.., a, b, c, d] = address.octets();
        return refuse_v4(Ipv4Addr::new(a, b, c, d));
    }
    let inside = |(network, reason): &(Ipv6Net, &'static str)| (network.contains(&address), *reason);
    if PUBLIC_V6.contains(&address) {
        return find(REFUSED_V6.iter().map(inside)).or(is_isatap(address).then_some("ISATAP"));
    }
    find(NAMED_V6.iter().map(inside)).or(Some("reserved"))
}

fn find(mut entries: impl Iterator<Item = (bool, &'static str)>) -> Option<&'static str> {
    entries.find_map(|(matches, reason)| matches.then_some(reason))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[track_caller]
    fn check(policy: &str, address: &str, expected: Verdict) {
        let policy: AddressPolicy = policy.parse().unwrap();
        assert_eq!(policy.judge(address.parse().unwrap()), expected, "{address}");
    }

    #[test]
    fn public_addresses_are_public() {
        for address in [
            "1.1.1.1",
            "8.8.8.8",
            "9.255.255.255",
            "11.0.0.0",
            "100.63.255.255",
            "100.128.0.0",
            "168.63.129.15",
            "168.63.129.17",
            "172.15.255.255",
            "172.32.0.0",
            "192.0.1.0",
            "192.167.255.255",
            "192.169.0.0",
            "198.17.255.255",
            "198.20.0.0",
            "223.255.255.255",
            "2001:200::1",
            "2001:4860:4860::8888",
            "2001:db7:ffff::1",
            "2001:db9::1",
            "2003::1",
            "2606:4700:4700::1111",
            "3ffe:ffff::1",
            "3fff:1000::1",
            "64:ff9b::8.8.8.8",
        ] {
            check("", address, Verdict::Public);
        }
    }

    #[test]
    fn special_addresses_are_refused_by_name() {
        for (reason, addresses) in [
            ("unspecified", ["0.0.0.0", "0.255.255.255", "::"].as_slice()),
            ("loopback", &["127.0.0.1", "127.255.255.255", "::1", "64:ff9b::127.0.0.1"]),
            (
                "private",
                &["10.0.0.1", "172.16.0.0", "172.31.255.255", "192.168.1.1", "fc00::1", "fd00:ec2::254", "fec0::1"],
            ),
            ("private", &["64:ff9b::10.0.0.1", "64:ff9b::c0a8:101"]),
            ("link-local", &["169.254.169.254", "169.254.170.2", "fe80::1", "febf::1", "64:ff9b::169.254.169.254"]),
            ("carrier-grade NAT", &["100.64.0.0", "100.127.255.255"]),
            ("cloud host", &["168.63.129.16", "64:ff9b::168.63.129.16"]),
            ("protocol assignment", &["192.0.0.1", "192.0.0.170", "2001::1", "2001:1ff:ffff::1"]),
            ("documentation", &["192.0.2.1", "198.51.100.1", "203.0.113.1", "2001:db8::1", "3fff::1", "3fff:fff::1"]),
            ("AS112", &["192.31.196.1", "192.175.48.1", "2620:4f:8000::1"]),
            ("multicast relay", &["192.52.193.1"]),
            ("6to4 relay", &["192.88.99.1"]),
            ("6to4", &["2002:7f00:1::", "2002:808:808::"]),
            ("ISATAP", &["2606:4700::5efe:10.0.0.1", "2606:4700::200:5efe:8.8.8.8"]),
            ("benchmarking", &["198.18.0.0", "198.19.255.255"]),
            ("multicast", &["224.0.0.1", "239.255.255.255", "ff02::1"]),
            ("reserved", &["240.0.0.1", "255.255.255.254", "64:ff9b:1::1", "100::1", "5f00::1", "4000::1", "1fff::1"]),
            ("broadcast", &["255.255.255.255"]),
            ("IPv4-mapped", &["::ffff:8.8.8.8", "::ffff:127.0.0.1"]),
            ("reserved", &["::8.8.8.8", "::127.0.0.1", "::ffff:0:8.8.8.8"]),
        ] {
            for address in addresses {
                check("", address, Verdict::Refused(reason));
            }
        }
    }

    #[test]
    fn the_allow_list_opens_what_it_names_and_nothing_else() {
        let local = " 127.0.0.0/8 ,::1/128";
        check(local, "127.0.0.1", Verdict::Allowed);
        check(local, "127.9.9.9", Verdict::Allowed);
        check(local, "::1", Verdict::Allowed);
        check(local, "10.0.0.1", Verdict::Refused("private"));
        check(local, "::2", Verdict::Refused("reserved"));
        check(local, "8.8.8.8", Verdict::Public);
        check("8.8.0.0/16", "8.8.8.8", Verdict::Allowed);
    }

    #[test]
    fn an_allowed_ipv4_network_opens_no_ipv6_form_of_it() {
        check("127.0.0.0/8", "::ffff:127.0.0.1", Verdict::Refused("IPv4-mapped"));
        check("127.0.0.0/8", "64:ff9b::127.0.0.1", Verdict::Refused("loopback"));
    }

    #[test]
    fn a_bad_entry_of_the_allow_list_is_named() {
        for (list, bad) in [
            ("10.0.0.0/8,localhost", "localhost"),
            ("10.0.0.0/33", "10.0.0.0/33"),
            ("127.0.0.1", "127.0.0.1"),
            ("::1/128,,10.0.0.0/8", ""),
            ("10.0.0.0/8 ::1/128", "10.0.0.0/8 ::1/128"),
        ] {
            let error = list.parse::<AddressPolicy>().unwrap_err();
            assert_eq!(error.entry, bad, "{list}");
            assert!(error.to_string().contains(bad));
        }
    }

    #[test]
    fn an_empty_list_is_the_default() {
        assert_eq!("  ".parse(), Ok(AddressPolicy::default()));
        assert!(AddressPolicy::default().is_empty());
    }

    proptest! {
        #[test]
        fn no_public_ipv4_address_is_special_to_the_standard_library(bits: u32) {
            let address = Ipv4Addr::from(bits);
            let special = address.is_private() || address.is_loopback() || address.is_link_local()
                || address.is_broadcast() || address.is_documentation() || address.is_multicast()
                || address.is_unspecified();
            if special {
                prop_assert_ne!(AddressPolicy::default().judge(address.into()), Verdict::Public);
            }
        }

        #[test]
        fn nat64_is_judged_as_the_ipv4_address_inside(bits: u32) {
            let policy = AddressPolicy::default();
            let inside = Ipv4Addr::from(bits);
            let nat64 = Ipv6Addr::from(0x0064_ff9b_u128 << 96 | u128::from(bits));
            prop_assert_eq!(policy.judge(nat64.into()), policy.judge(inside.into()));
        }

        #[test]
        fn public_ipv6_lies_in_the_public_part_or_in_nat64(bits: u128) {
            let address = Ipv6Addr::from(bits);
            if AddressPolicy::default().judge(address.into()) == Verdict::Public {
                prop_assert!(bits >> 125 == 1 || bits >> 32 == 0x0064_ff9b_u128 << 64);
            }
        }

        #[test]
        fn ipv4_mapped_addresses_are_never_public(bits: u32) {
            let mapped = Ipv4Addr::from(bits).to_ipv6_mapped();
            prop_assert_eq!(AddressPolicy::default().judge(mapped.into()), Verdict::Refused("IPv4-mapped"));
        }

        #[test]
        fn an_allowed_network_opens_exactly_itself(network: u32, prefix in 0_u8..=32, other: u32) {
            let network = Ipv4Net::new(network.into(), prefix).unwrap();
            let policy: AddressPolicy = network.to_string().parse().unwrap();
            let other = Ipv4Addr::from(other);
            let allowed = policy.judge(other.into()) == Verdict::Allowed;
            prop_assert_eq!(allowed, network.contains(&other));
        }
    }
}
