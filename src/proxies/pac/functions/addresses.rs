//! Functions over addresses that somebody else has looked up.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// `isInNet` for an address: the bits under the mask are the pattern's.
pub(in crate::proxies::pac) fn is_in_net(address: Ipv4Addr, pattern: &str, mask: &str) -> bool {
    let (Ok(pattern), Ok(mask)) = (pattern.parse::<Ipv4Addr>(), mask.parse::<Ipv4Addr>()) else { return false };
    address.to_bits() & mask.to_bits() == pattern.to_bits() & mask.to_bits()
}

/// `isInNetEx` for an address: it lies in `prefix/bits`, of its own family.
pub(in crate::proxies::pac) fn is_in_net_ex(address: IpAddr, net: &str) -> bool {
    let Some((prefix, bits)) = net.split_once('/') else { return false };
    let (Ok(prefix), Ok(bits)) = (prefix.trim().parse::<IpAddr>(), bits.trim().parse::<u32>()) else { return false };
    match (address, prefix) {
        (IpAddr::V4(address), IpAddr::V4(prefix)) if bits <= 32 => {
            let mask = u32::MAX.checked_shl(32 - bits).unwrap_or(0);
            address.to_bits() & mask == prefix.to_bits() & mask
        }
        (IpAddr::V6(address), IpAddr::V6(prefix)) if bits <= 128 => {
            let mask = u128::MAX.checked_shl(128 - bits).unwrap_or(0);
            address.to_bits() & mask == prefix.to_bits() & mask
        }
        _ => false,
    }
}

/// `convert_addr`: the address as the 32-bit number that JavaScript's bit operators make of it, which has a sign. A part
/// that is no number counts as zero.
pub(in crate::proxies::pac) fn convert_address(text: &str) -> i32 {
    let mut parts = text.split('.').map(|part| part.trim().parse::<u64>().unwrap_or(0) & 0xff);
    let bits = (0..4).fold(0u32, |bits, _| (bits << 8) | u32::try_from(parts.next().unwrap_or(0)).unwrap_or(0));
    bits.cast_signed()
}

/// `dnsResolve`: the first IPv4 address, which is all that the older functions know.
pub(in crate::proxies::pac) fn first_v4(addresses: &[IpAddr]) -> Option<Ipv4Addr> {
    addresses.iter().find_map(|address| match address {
        IpAddr::V4(address) => Some(*address),
        IpAddr::V6(_) => None,
    })
}

/// `dnsResolveEx` and `myIpAddressEx`: all of them.
pub(in crate::proxies::pac) fn list(addresses: &[IpAddr]) -> String {
    addresses.iter().map(ToString::to_string).collect::<Vec<_>>().join(";")
}

/// `sortIpAddressList`: IPv6 first, then by number; nothing when one of them is no address.
pub(in crate::proxies::pac) fn sort(list_of: &str) -> String {
    let mut addresses = Vec::new();
    for part in list_of.split(';').map(str::trim).filter(|part| !part.is_empty()) {
        match part.parse::<IpAddr>() {
            Ok(address) => addresses.push(address),
            Err(_) => return String::new(),
        }
    }
    addresses.sort_by_key(|address| match address {
        IpAddr::V6(address) => (0, *address),
        IpAddr::V4(address) => (1, Ipv6Addr::from_bits(u128::from(address.to_bits()))),
    });
    list(&addresses)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_net_is_a_pattern_under_a_mask() {
        let address = Ipv4Addr::new(198, 95, 249, 79);
        assert!(is_in_net(address, "198.95.249.79", "255.255.255.255"));
        assert!(is_in_net(address, "198.95.0.0", "255.255.0.0"));
        assert!(is_in_net(address, "198.95.77.77", "255.255.0.0"));
        assert!(!is_in_net(address, "198.96.0.0", "255.255.0.0"));
        assert!(is_in_net(address, "1.2.3.4", "0.0.0.0"));
        assert!(!is_in_net(address, "198.95.0.0/16", "255.255.0.0"));
        assert!(!is_in_net(address, "", ""));
    }

    #[test]
    fn the_newer_functions_know_both_families_and_prefixes() {
        let inside = |address: &str, net| is_in_net_ex(address.parse().expect(address), net);
        assert!(inside("198.95.249.79", "198.95.0.0/16"));
        assert!(!inside("198.96.249.79", "198.95.0.0/16"));
        assert!(inside("3ffe:8311:ffff:abcd::1", "3ffe:8311:ffff::/48"));
        assert!(!inside("3ffe:8311:fffe::1", "3ffe:8311:ffff::/48"));
        assert!(inside("10.0.0.1", "0.0.0.0/0"));
        assert!(inside("::1", "::/0"));
        for bad in ["10.0.0.0", "10.0.0.0/33", "10.0.0.0/-1", "::/129", "10.0.0.0/", "/8", "::/0"] {
            assert!(!inside("10.0.0.1", bad), "{bad}");
        }
        assert_eq!(sort("10.3.20.99;2001:db8::2;10.2.3.9;2001:db8::1;"), "2001:db8::1;2001:db8::2;10.2.3.9;10.3.20.99");
        assert_eq!(sort("10.0.0.1;proxy"), "");
    }

    #[test]
    fn an_address_becomes_the_signed_number_that_scripts_compute_with() {
        assert_eq!(convert_address("104.16.41.2"), 1_745_889_538);
        assert_eq!(convert_address("255.255.255.255"), -1);
        assert_eq!(convert_address("10"), 0x0a00_0000);
        assert_eq!(convert_address("proxy.example"), 0);
        assert_eq!(convert_address("99999999999999999999.300.1.1"), 0x002c_0101);
    }
}
