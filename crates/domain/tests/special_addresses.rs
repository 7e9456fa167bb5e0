//! Which addresses are public, held against IANA's registries of special addresses, which stand here a second time.

#![expect(clippy::expect_used, clippy::panic, reason = "a panic is how a test fails")]

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use hookbell_domain::address::{AddressPolicy, Verdict};
use proptest::prelude::*;

/// The IANA IPv4 Special-Purpose Address Registry, row by row, and what is special without standing in it.
const SPECIAL_V4: [([u8; 4], u32); 28] = [
    ([0, 0, 0, 0], 8),
    ([0, 0, 0, 0], 32),
    ([10, 0, 0, 0], 8),
    ([100, 64, 0, 0], 10),
    ([127, 0, 0, 0], 8),
    ([169, 254, 0, 0], 16),
    ([172, 16, 0, 0], 12),
    ([192, 0, 0, 0], 24),
    ([192, 0, 0, 0], 29),
    ([192, 0, 0, 8], 32),
    ([192, 0, 0, 9], 32),
    ([192, 0, 0, 10], 32),
    ([192, 0, 0, 170], 32),
    ([192, 0, 0, 171], 32),
    ([192, 0, 2, 0], 24),
    ([192, 31, 196, 0], 24),
    ([192, 52, 193, 0], 24),
    ([192, 88, 99, 0], 24),
    ([192, 88, 99, 2], 32),
    ([192, 168, 0, 0], 16),
    ([192, 175, 48, 0], 24),
    ([198, 18, 0, 0], 15),
    ([198, 51, 100, 0], 24),
    ([203, 0, 113, 0], 24),
    ([240, 0, 0, 0], 4),
    ([255, 255, 255, 255], 32),
    // Multicast has a registry of its own; the host of one cloud answers at a public number.
    ([224, 0, 0, 0], 4),
    ([168, 63, 129, 16], 32),
];

/// The IANA IPv6 Special-Purpose Address Registry, row by row, less NAT64's well-known prefix, which is judged by the
/// IPv4 address in it; and what is special without standing there: compatible and translated IPv4 (RFC 4291, RFC 2765),
/// site-local addresses and multicast.
const SPECIAL_V6: [(&str, u32); 29] = [
    ("::1", 128),
    ("::", 128),
    ("::ffff:0:0", 96),
    ("64:ff9b:1::", 48),
    ("100::", 64),
    ("100:0:0:1::", 64),
    ("2001::", 23),
    ("2001::", 32),
    ("2001:1::1", 128),
    ("2001:1::2", 128),
    ("2001:1::3", 128),
    ("2001:2::", 48),
    ("2001:3::", 32),
    ("2001:4:112::", 48),
    ("2001:10::", 28),
    ("2001:20::", 28),
    ("2001:30::", 28),
    ("2001:db8::", 32),
    ("2002::", 16),
    ("2620:4f:8000::", 48),
    ("3fff::", 20),
    ("5f00::", 16),
    ("fc00::", 7),
    ("fe80::", 10),
    ("::", 96),
    ("::ffff:0:0:0", 96),
    ("fec0::", 10),
    ("ff00::", 8),
    // All that nobody has been given.
    ("4000::", 2),
];

/// The first and the last address of a network.
fn range_v4((first, prefix): ([u8; 4], u32)) -> (u32, u32) {
    let first = u32::from_be_bytes(first);
    (first, first | u32::MAX.checked_shr(prefix).unwrap_or(0))
}

fn range_v6((first, prefix): (&str, u32)) -> (u128, u128) {
    let first = u128::from(first.parse::<Ipv6Addr>().expect("an address"));
    (first, first | u128::MAX.checked_shr(prefix).unwrap_or(0))
}

fn is_public_v4(bits: u32) -> bool {
    !SPECIAL_V4.into_iter().map(range_v4).any(|(first, last)| (first..=last).contains(&bits))
}

fn is_public_v6(bits: u128) -> bool {
    if bits >> 32 == 0x0064_ff9b_u128 << 64 {
        return is_public_v4(u32::try_from(bits & u128::from(u32::MAX)).expect("32 bits"));
    }
    let interface = (bits >> 32) & 0xfdff_ffff;
    let isatap = interface == 0x5efe;
    let special = SPECIAL_V6.into_iter().map(range_v6).any(|(first, last)| (first..=last).contains(&bits));
    bits >> 125 == 1 && !special && !isatap
}

fn judge(address: impl Into<IpAddr>) -> bool {
    match AddressPolicy::default().judge(address.into()) {
        Verdict::Public => true,
        Verdict::Refused(_) => false,
        Verdict::Allowed => panic!("nothing is allowed"),
    }
}

#[track_caller]
fn check_v4(bits: u32) {
    assert_eq!(judge(Ipv4Addr::from(bits)), is_public_v4(bits), "{}", Ipv4Addr::from(bits));
}

#[track_caller]
fn check_v6(bits: u128) {
    assert_eq!(judge(Ipv6Addr::from(bits)), is_public_v6(bits), "{}", Ipv6Addr::from(bits));
}

/// Where a network that is narrower than /16 lies in it, each address is looked at; elsewhere all are alike, and the
/// ends and some between speak for them.
#[test]
fn every_ipv4_address_is_judged_as_the_registry_says() {
    let narrow: Vec<u32> =
        SPECIAL_V4.into_iter().filter(|(_, prefix)| *prefix > 16).map(|entry| range_v4(entry).0 >> 16).collect();
    for block in 0..=0xffff_u32 {
        let first = block << 16;
        if narrow.contains(&block) {
            (first..=first | 0xffff).for_each(check_v4);
        } else {
            let between = block.wrapping_mul(40_503) & 0xffff;
            for low in [0, 1, between, 0xfffe, 0xffff] {
                check_v4(first | low);
            }
        }
    }
}

#[test]
fn both_sides_of_every_ipv4_boundary_are_judged_as_the_registry_says() {
    for (first, last) in SPECIAL_V4.into_iter().map(range_v4) {
        for prefix in 8..=32 {
            let rest = u32::MAX.checked_shr(prefix).unwrap_or(0);
            for inside in [first, last] {
                let (low, high) = (inside & !rest, inside | rest);
                for bits in [low.wrapping_sub(1), low, high, high.wrapping_add(1)] {
                    check_v4(bits);
                }
            }
        }
    }
}

#[test]
fn both_sides_of_every_ipv6_boundary_are_judged_as_the_registry_says() {
    let nat64 = (0x0064_ff9b_u128 << 96, (0x0064_ff9b_u128 << 96) | u128::from(u32::MAX));
    for (first, last) in SPECIAL_V6.into_iter().map(range_v6).chain([nat64, (1 << 125, (1 << 126) - 1)]) {
        let middle = first + (last - first) / 2;
        for bits in [first.wrapping_sub(1), first, middle, last, last.wrapping_add(1)] {
            check_v6(bits);
        }
    }
}

#[test]
fn no_address_of_a_special_ipv6_network_is_public() {
    for (first, last) in SPECIAL_V6.into_iter().map(range_v6) {
        let size = last - first;
        // Spread by the golden ratio, so the same in each run and nowhere regular.
        let mut offset = 0_u128;
        for _ in 0..1_000 {
            offset = offset.wrapping_add(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835);
            let inside = first + size.checked_add(1).map_or(offset, |count| offset % count);
            assert!(!judge(Ipv6Addr::from(inside)), "{}", Ipv6Addr::from(inside));
        }
    }
}

proptest! {
    #[test]
    fn any_ipv4_address_is_judged_as_the_registry_says(bits: u32) {
        check_v4(bits);
    }

    #[test]
    fn any_ipv6_address_is_judged_as_the_registry_says(bits: u128) {
        check_v6(bits);
        // And moved to where most of the public ones are.
        check_v6((bits >> 3) | (1 << 125));
    }

    #[test]
    fn no_public_network_has_a_public_isatap_address(prefix: u64, inside: u32, global: bool) {
        let interface = if global { 0x0200_5efe_u128 } else { 0x5efe };
        let prefix = (1 << 61) | (u128::from(prefix) >> 3);
        prop_assert!(!judge(Ipv6Addr::from((prefix << 64) | (interface << 32) | u128::from(inside))));
    }
}
