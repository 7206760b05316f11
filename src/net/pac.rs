//! What a script that chooses proxies needs of this machine: names, and the clock on the wall.

use std::net::IpAddr;

use dns_lookup::{AddrInfoHints, SockType, getaddrinfo};
use jiff::Timestamp;
use jiff::tz::{Offset, TimeZone};

/// The operating system's addresses of `name`; none when it has none. Takes as long as the system takes.
#[must_use]
pub fn addresses_of(name: &str) -> Vec<IpAddr> {
    let hints = AddrInfoHints { socktype: SockType::Stream.into(), ..AddrInfoHints::default() };
    let Ok(found) = getaddrinfo(Some(name), None, Some(hints)) else { return Vec::new() };
    found.flatten().map(|found| found.sockaddr.ip()).collect()
}

/// How far this machine's wall clock is from UTC at `moment`.
#[must_use]
pub fn wall_clock(moment: Timestamp) -> Offset {
    TimeZone::system().to_offset(moment)
}
