//! What the network itself answers to a connection: the ICMP message behind an error number.
//!
//! In: a socket before it connects, and the error with which that ended. Out: the same error, with the message's type, code
//! and sender where the kernel kept one. Never: a wait, a message of another connection, an opinion whose rule it was.
//!
//! Linux turns "host unreachable" and a firewall's "administratively prohibited" into one error number; only its error queue
//! tells them apart, and who on the way said it. Other systems show programs the number alone.

use std::fmt;
use std::io;
use std::net::IpAddr;

/// An error with the message that made the kernel report it.
#[derive(Debug)]
pub struct Answered {
    /// As the system reports it.
    pub error: io::Error,
    pub message: IcmpMessage,
}

/// An error with which this machine itself refused, before a packet left it.
#[derive(Debug)]
pub struct AtOnce(pub io::Error);

impl AtOnce {
    /// What this machine said, if `error` is its own.
    #[must_use]
    pub fn of(error: &io::Error) -> Option<&io::Error> {
        error.get_ref()?.downcast_ref::<Self>().map(|own| &own.0)
    }
}

impl fmt::Display for AtOnce {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(to, "{} (said by this machine, before a packet left it)", self.0)
    }
}

impl std::error::Error for AtOnce {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&self.0)
    }
}

/// An ICMP error message (RFC 792, RFC 4443) about a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct IcmpMessage {
    pub of_version_6: bool,
    /// 3 is "destination unreachable", with version 6 it is 1.
    pub number: u8,
    pub code: u8,
    /// The router, firewall or host that sent it.
    pub from: Option<IpAddr>,
    /// It comes from an address of this machine.
    pub is_from_here: bool,
}

impl Answered {
    /// What came with `error`, if the network said anything.
    #[must_use]
    pub fn of(error: &io::Error) -> Option<&Self> {
        error.get_ref()?.downcast_ref()
    }
}

impl IcmpMessage {
    /// Whether it stands for a rule, not for a missing way: RFC 1812 §5.2.7.1 and RFC 1122 §3.2.2.1 for version 4, RFC 4443
    /// §3.1 for version 6.
    #[must_use]
    pub fn is_prohibition(&self) -> bool {
        if self.of_version_6 {
            self.number == 1 && matches!(self.code, 1 | 5 | 6)
        } else {
            self.number == 3 && matches!(self.code, 9 | 10 | 13)
        }
    }

    /// Whether a filter of this machine made it. "Host unreachable" is what the kernel says itself of a neighbour that does not
    /// answer.
    #[must_use]
    pub fn is_local_refusal(&self) -> bool {
        let is_about_neighbour = matches!((self.of_version_6, self.number, self.code), (false, 3, 1) | (true, 1, 3));
        self.is_from_here && !is_about_neighbour
    }

    /// The code's name in the RFCs.
    fn meaning(&self) -> Option<&'static str> {
        Some(match (self.of_version_6, self.number, self.code) {
            (false, 3, 0) | (true, 1, 0) => "network unreachable",
            (false, 3, 1) | (true, 1, 3) => "host unreachable",
            (false, 3, 2) => "protocol unreachable",
            (false, 3, 3) | (true, 1, 4) => "port unreachable",
            (false, 3, 9) => "network administratively prohibited",
            (false, 3, 10) => "host administratively prohibited",
            (false, 3, 13) | (true, 1, 1) => "communication administratively prohibited",
            (true, 1, 5) => "source address failed policy",
            (true, 1, 6) => "reject route to destination",
            _ => return None,
        })
    }
}

impl fmt::Display for Answered {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(to, "{}: {}", self.error, self.message)
    }
}

impl fmt::Display for IcmpMessage {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.from {
            Some(from) => write!(to, "{from} answers ")?,
            None => to.write_str("the network answers ")?,
        }
        if let Some(meaning) = self.meaning() {
            write!(to, "\"{meaning}\", ")?;
        }
        let version = if self.of_version_6 { "ICMPv6" } else { "ICMP" };
        write!(to, "{version} type {} code {}", self.number, self.code)
    }
}

impl std::error::Error for Answered {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&self.error)
    }
}

/// Connects, and asks the kernel why not where that fails.
#[cfg(target_os = "linux")]
pub(super) async fn connect(address: std::net::SocketAddr, segments: Option<u32>) -> io::Result<tokio::net::TcpStream> {
    use socket2::{Domain, Protocol, Socket, Type};

    let socket = Socket::new(Domain::for_address(address), Type::STREAM.nonblocking(), Some(Protocol::TCP))?;
    if let Some(length) = segments {
        nix::sys::socket::setsockopt(&socket, nix::sys::socket::sockopt::TcpMaxSeg, &length)?;
    }
    // Without the queue the connection is as good; then there is nothing to read should it fail.
    let is_listening = listen(&socket, address, true).is_ok();
    match socket.connect(&address.into()) {
        Err(error) if error.raw_os_error() != Some(nix::libc::EINPROGRESS) => {
            // A filter on this machine may answer before the call comes back.
            return Err(match said(&socket) {
                Some(message) => io::Error::new(error.kind(), Answered { error, message }),
                None if is_refused_at_once(&error) => io::Error::new(error.kind(), AtOnce(error)),
                None => error,
            });
        }
        _ => {}
    }
    let stream = tokio::net::TcpStream::from_std(socket.into())?;
    stream.writable().await?;
    if let Some(error) = stream.take_error()? {
        return Err(match said(&stream) {
            Some(message) => io::Error::new(error.kind(), Answered { error, message }),
            None => error,
        });
    }
    if is_listening {
        // Left on, a router's passing trouble would end a connection that stands.
        listen(&stream, address, false)?;
    }
    Ok(stream)
}

/// The errors of a route (`ip route add blackhole | unreachable | prohibit`, `fib_props` in the kernel's `fib_semantics.c`), of no
/// route, and of a filter on system calls. A port that is closed on loopback refuses at once, too.
#[cfg(target_os = "linux")]
fn is_refused_at_once(error: &io::Error) -> bool {
    use nix::libc::{EACCES, EHOSTUNREACH, EINVAL, ENETUNREACH, EPERM};

    matches!(error.raw_os_error(), Some(EACCES | EHOSTUNREACH | EINVAL | ENETUNREACH | EPERM))
}

/// Whether `address` is one of this machine's: nobody else's can be bound.
#[cfg(target_os = "linux")]
fn is_own(address: IpAddr) -> bool {
    std::net::UdpSocket::bind((address, 0)).is_ok()
}

#[cfg(target_os = "linux")]
fn listen(socket: &impl std::os::fd::AsFd, address: std::net::SocketAddr, is_on: bool) -> nix::Result<()> {
    use nix::sys::socket::{setsockopt, sockopt};

    if address.is_ipv6() {
        setsockopt(socket, sockopt::Ipv6RecvErr, &is_on)?;
    }
    // Over a socket of version 6 go connections to mapped addresses of version 4, too.
    setsockopt(socket, sockopt::Ipv4RecvErr, &is_on)
}

#[cfg(target_os = "linux")]
fn said(socket: &impl std::os::fd::AsRawFd) -> Option<IcmpMessage> {
    use std::net::{Ipv4Addr, Ipv6Addr};

    use nix::libc;
    use nix::sys::socket::{ControlMessageOwned, MsgFlags, recvmsg};

    let mut start_of_packet = [0; 64];
    let mut space = nix::cmsg_space!(libc::sock_extended_err, libc::sockaddr_in6);
    let mut into = [io::IoSliceMut::new(&mut start_of_packet)];
    let flags = MsgFlags::MSG_ERRQUEUE | MsgFlags::MSG_DONTWAIT;
    let received = recvmsg::<()>(socket.as_raw_fd(), &mut into, Some(&mut space), flags).ok()?;
    received.cmsgs().ok()?.find_map(|one| {
        let (error, from) = match one {
            ControlMessageOwned::Ipv4RecvErr(error, from) => {
                (error, from.map(|from| IpAddr::V4(Ipv4Addr::from(u32::from_be(from.sin_addr.s_addr)))))
            }
            ControlMessageOwned::Ipv6RecvErr(error, from) => {
                (error, from.map(|from| IpAddr::V6(Ipv6Addr::from(from.sin6_addr.s6_addr))))
            }
            _ => return None,
        };
        let of_version_6 = error.ee_origin == libc::SO_EE_ORIGIN_ICMP6;
        let from = from.filter(|from| !from.is_unspecified());
        (of_version_6 || error.ee_origin == libc::SO_EE_ORIGIN_ICMP).then(|| IcmpMessage {
            of_version_6,
            number: error.ee_type,
            code: error.ee_code,
            from,
            is_from_here: from.is_some_and(is_own),
        })
    })
}

#[cfg(not(target_os = "linux"))]
pub(super) async fn connect(address: std::net::SocketAddr, _: Option<u32>) -> io::Result<tokio::net::TcpStream> {
    tokio::net::TcpStream::connect(address).await
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(of_version_6: bool, number: u8, code: u8) -> IcmpMessage {
        IcmpMessage { of_version_6, number, code, from: None, is_from_here: false }
    }

    #[test]
    fn only_the_codes_of_rules_are_prohibitions() {
        let prohibitions = |of_version_6, number| -> Vec<u8> {
            (0..=u8::MAX).filter(|code| message(of_version_6, number, *code).is_prohibition()).collect()
        };
        assert_eq!(prohibitions(false, 3), [9, 10, 13]);
        assert_eq!(prohibitions(true, 1), [1, 5, 6]);
        // The same numbers elsewhere are "source quench", "packet too big" and "time exceeded".
        for (of_version_6, number) in [(false, 4), (false, 11), (true, 2), (true, 3)] {
            assert!(prohibitions(of_version_6, number).is_empty(), "type {number}");
        }
    }

    #[test]
    fn an_error_keeps_its_number_and_says_who_caused_it() {
        let from = Some(IpAddr::from([10, 9, 0, 1]));
        let answered = Answered {
            error: io::Error::from(io::ErrorKind::HostUnreachable),
            message: IcmpMessage { from, ..message(false, 3, 10) },
        };
        let error = io::Error::new(answered.error.kind(), answered);
        assert_eq!(error.kind(), io::ErrorKind::HostUnreachable);
        assert_eq!(
            error.to_string(),
            "host unreachable: 10.9.0.1 answers \"host administratively prohibited\", ICMP type 3 code 10"
        );
        assert_eq!(message(true, 1, 200).to_string(), "the network answers ICMPv6 type 1 code 200");
    }
}
