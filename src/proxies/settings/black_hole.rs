//! Addresses at which nobody is meant to listen: a proxy there is a way of saying "nowhere".
//!
//! A port of this machine is one only where it is none that a program listens on: agents and filters (127.0.0.1:8080, :3128,
//! :9000) are proxies of this machine, and where one of them does not answer, it is to be started.

use std::net::{IpAddr, Ipv6Addr};

/// Ports of this machine that block lists send hosts to: tcpmux to discard (RFC 1078, RFC 863), on which Windows has no service
/// unless somebody adds one, and the last port.
const DEAD_PORTS: [std::ops::RangeInclusive<u16>; 2] = [0..=9, 65_535..=65_535];

/// Why a proxy at this address is none, as the end of a sentence; nothing where somebody may listen. `host` is in lower case, an
/// IPv6 address without brackets.
#[must_use]
pub fn black_hole(host: &str, port: u16) -> Option<&'static str> {
    let host = host.trim_end_matches('.');
    let address: Option<IpAddr> = host.parse().ok();
    let is_dead_port = DEAD_PORTS.iter().any(|ports| ports.contains(&port));
    match address {
        Some(address) if address.is_unspecified() => Some("an address that is none"),
        Some(address) if address.is_loopback() && is_dead_port => Some("a port of this machine that nobody listens on"),
        Some(IpAddr::V6(address)) if is_for_discarding(address) => Some("an address for discarding (RFC 6666)"),
        None if host == "localhost" && is_dead_port => Some("a port of this machine that nobody listens on"),
        None if host == "invalid" || host.ends_with(".invalid") => Some("a name that never exists (RFC 6761)"),
        _ => None,
    }
}

fn is_for_discarding(address: Ipv6Addr) -> bool {
    matches!(address.segments(), [0x100, 0, 0, 0, ..])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_sent_nowhere_on_purpose_is_told_from_a_proxy_that_is_down() {
        for (host, port, expected) in [
            ("127.0.0.1", 9, true),
            ("127.0.0.1", 1, true),
            ("127.255.0.3", 9, true),
            ("localhost", 9, true),
            ("::1", 9, true),
            ("0.0.0.0", 8080, true),
            ("::", 80, true),
            // Addresses for examples stand for somebody's own in what people write down.
            ("192.0.2.1", 8080, false),
            ("100::1", 8080, true),
            ("blackhole.invalid", 8080, true),
            ("127.0.0.1", 65_535, true),
            ("127.0.0.1", 8080, false),
            ("127.0.0.1", 3128, false),
            ("localhost", 9000, false),
            ("proxy.contoso.example", 9, false),
            ("10.0.0.1", 9, false),
            ("invalid.contoso.example", 8080, false),
        ] {
            assert_eq!(black_hole(host, port).is_some(), expected, "{host}:{port}");
        }
    }
}
