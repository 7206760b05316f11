//! The name servers of the network adapters that are up.
//!
//! In: nothing. Out: addresses, with the metric by which Windows prefers one adapter to another. Never: a question to a server.
#![allow(unsafe_code, reason = "the list of adapters is a chain of pointers in a buffer that iphlpapi.dll fills")]

use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV4, SocketAddrV6};
use std::ptr;

use windows_sys::Win32::Foundation::{ERROR_BUFFER_OVERFLOW, ERROR_NO_DATA, ERROR_SUCCESS};
use windows_sys::Win32::NetworkManagement::IpHelper::{
    GAA_FLAG_SKIP_ANYCAST, GAA_FLAG_SKIP_FRIENDLY_NAME, GAA_FLAG_SKIP_MULTICAST, GAA_FLAG_SKIP_UNICAST,
    GetAdaptersAddresses, IF_TYPE_SOFTWARE_LOOPBACK, IP_ADAPTER_ADDRESSES_LH,
};
use windows_sys::Win32::NetworkManagement::Ndis::IfOperStatusUp;
use windows_sys::Win32::Networking::WinSock::{
    AF_INET, AF_INET6, AF_UNSPEC, SOCKADDR, SOCKADDR_IN, SOCKADDR_IN6, SOCKET_ADDRESS,
};

/// Where one is to begin, by Microsoft's advice, and where one is to stop.
const USUAL_BUFFER: usize = 15 << 10;
const LARGEST_BUFFER: usize = 4 << 20;

const NAME_SERVER_PORT: u16 = 53;

/// The name servers of all adapters that are up, with each adapter's metric, in the system's order.
///
/// # Errors
/// When the adapters cannot be listed.
pub fn name_servers() -> io::Result<Vec<(u32, SocketAddr)>> {
    let buffer = adapters()?;
    let mut found = Vec::new();
    let mut next: *const IP_ADAPTER_ADDRESSES_LH = if buffer.is_empty() { ptr::null() } else { buffer.as_ptr().cast() };
    while !next.is_null() {
        // SAFETY: the system built the chain inside of `buffer`, which lives on and is aligned for it; it ends in null.
        let adapter = unsafe { &*next };
        next = adapter.Next;
        if adapter.OperStatus != IfOperStatusUp || adapter.IfType == IF_TYPE_SOFTWARE_LOOPBACK {
            continue;
        }
        let mut server = adapter.FirstDnsServerAddress;
        while !server.is_null() {
            // SAFETY: as above.
            let entry = unsafe { &*server };
            server = entry.Next;
            if let Some(address) = address(&entry.Address) {
                let metric = if address.is_ipv4() { adapter.Ipv4Metric } else { adapter.Ipv6Metric };
                found.push((metric, address));
            }
        }
    }
    Ok(found)
}

/// The system's list, in words that are aligned for its structures; empty where there is no adapter.
fn adapters() -> io::Result<Vec<u64>> {
    let flags = GAA_FLAG_SKIP_UNICAST | GAA_FLAG_SKIP_ANYCAST | GAA_FLAG_SKIP_MULTICAST | GAA_FLAG_SKIP_FRIENDLY_NAME;
    let mut size = USUAL_BUFFER;
    loop {
        let mut buffer = vec![0_u64; size.div_ceil(8)];
        let mut length = u32::try_from(buffer.len() * 8).map_err(io::Error::other)?;
        // SAFETY: the buffer has the length that is said with it; the third argument is reserved and null.
        let code = unsafe {
            GetAdaptersAddresses(
                u32::from(AF_UNSPEC),
                flags,
                ptr::null(),
                buffer.as_mut_ptr().cast::<IP_ADAPTER_ADDRESSES_LH>(),
                &raw mut length,
            )
        };
        match code {
            ERROR_SUCCESS => return Ok(buffer),
            ERROR_NO_DATA => return Ok(Vec::new()),
            // It may grow between two calls, so the answer is asked for again with room to spare.
            ERROR_BUFFER_OVERFLOW if size < LARGEST_BUFFER => size = (length as usize).max(size) * 2,
            other => return Err(io::Error::from_raw_os_error(other.cast_signed())),
        }
    }
}

fn address(found: &SOCKET_ADDRESS) -> Option<SocketAddr> {
    let length = usize::try_from(found.iSockaddrLength).ok()?;
    if found.lpSockaddr.is_null() || length < size_of::<SOCKADDR>() {
        return None;
    }
    // SAFETY: the pointer is into the system's buffer, and behind it stands at least the part that says the family.
    let family = unsafe { (*found.lpSockaddr).sa_family };
    match family {
        AF_INET if length >= size_of::<SOCKADDR_IN>() => {
            // SAFETY: the family and the length say that this is an IPv4 address.
            let address = unsafe { ptr::read_unaligned(found.lpSockaddr.cast::<SOCKADDR_IN>()) };
            // SAFETY: every form of the union is four bytes in the order of the network.
            let bytes = unsafe { address.sin_addr.S_un.S_addr }.to_ne_bytes();
            Some(SocketAddrV4::new(Ipv4Addr::from(bytes), NAME_SERVER_PORT).into())
        }
        AF_INET6 if length >= size_of::<SOCKADDR_IN6>() => {
            // SAFETY: the family and the length say that this is an IPv6 address.
            let address = unsafe { ptr::read_unaligned(found.lpSockaddr.cast::<SOCKADDR_IN6>()) };
            // SAFETY: every form of these unions is plain bytes.
            let (bytes, scope) = unsafe { (address.sin6_addr.u.Byte, address.Anonymous.sin6_scope_id) };
            Some(SocketAddrV6::new(Ipv6Addr::from(bytes), NAME_SERVER_PORT, 0, scope).into())
        }
        _ => None,
    }
}
