//! A handshake in the words of TLS 1.1 and older: begun, read as far as it is in clear, and left.
//!
//! In: a connection. Out: the version that the peer chooses and the chain it sends. Never: a finished handshake; nobody
//! proves anything in what is read here.

use std::io;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::time::timeout;

use super::stream::{Connection, Seen, Tee};
use super::{Context, StageOutcome};
use crate::certificate::Certificate;
use crate::observation::{Evidence, Fault, TlsEvidence};
use crate::plan::{SCHANNEL_SUITES, SHARED_SUITES};

/// More than the flight of any server: its certificates take a few thousand bytes.
const LARGEST_FLIGHT: usize = 128 << 10;
/// More certificates than any chain has.
const MOST_CERTIFICATES: usize = 32;

const ALERT: u8 = 21;
const HANDSHAKE: u8 = 22;
const SERVER_HELLO: u8 = 2;
const CERTIFICATE: u8 = 11;
const SERVER_HELLO_DONE: u8 = 14;

/// What old servers chose from beside Schannel's suites: 3DES with ECDHE and DHE.
const OLDER: &[u16] = &[0xc012, 0x0016];
/// Says that renegotiation is safe (RFC 5746 §3.3); some servers want to hear it.
const SAFE_RENEGOTIATION: u16 = 0x00ff;

/// The cipher suites of a hello.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Suites {
    /// Those of every Schannel, and what old servers chose from.
    All,
    /// Those alone that every version's Schannel offers.
    Shared,
}

impl Suites {
    /// Those that more versions offer come first, for servers that take the first they know.
    fn numbers(self) -> Vec<u16> {
        let mut numbers = match self {
            Self::All => [SCHANNEL_SUITES.concat().as_slice(), OLDER].concat(),
            Self::Shared => SHARED_SUITES.concat(),
        };
        numbers.push(SAFE_RENEGOTIATION);
        numbers
    }
}

/// What the peer's clear flight says.
#[derive(Debug, Default, PartialEq, Eq)]
struct Flight {
    version: Option<(u8, u8)>,
    suite: Option<u16>,
    chain: Vec<Vec<u8>>,
}

/// Asks for `name`, and stops behind the certificates.
pub(super) async fn ask(
    stream: Connection,
    (name, suites): (&str, Suites),
    context: &Context,
) -> StageOutcome<Connection> {
    let (mut stream, seen) = Tee::new(stream);
    let mut flight = Flight::default();
    let hello = hello(name, suites, context);
    let asked = timeout(context.plan.budget.tls, read_flight((&mut stream, &seen), &hello, &mut flight)).await;
    let start = seen.start();
    let evidence = Evidence::Tls(Box::new(TlsEvidence {
        version: flight.version.map(|(major, minor)| version_name(major, minor)),
        cipher_suite: flight.suite.map(|suite| format!("0x{suite:04x}")),
        chain: flight.chain.into_iter().map(Certificate::from_der).collect(),
        first_bytes: if matches!(start.first(), Some(20..=23)) { Vec::new() } else { start },
        ..TlsEvidence::begun(name)
    }));
    let received = seen.count();
    let fault = match asked {
        Ok(Ok(())) => return StageOutcome::Passed { carry: Box::new(stream), evidence },
        Ok(Err(fault)) => fault,
        Err(_) => Fault::TimedOut { received },
    };
    StageOutcome::Stopped { fault, evidence }
}

async fn read_flight(
    (stream, seen): (&mut Tee<Connection>, &Seen),
    hello: &[u8],
    flight: &mut Flight,
) -> Result<(), Fault> {
    let broken = |error: io::Error| match error.kind() {
        io::ErrorKind::UnexpectedEof => Fault::ClosedByPeer { received: seen.count() },
        io::ErrorKind::ConnectionReset | io::ErrorKind::ConnectionAborted | io::ErrorKind::BrokenPipe => {
            Fault::ResetByPeer { received: seen.count() }
        }
        _ => Fault::Unrecognised { detail: error.to_string() },
    };
    stream.write_all(hello).await.map_err(broken)?;
    stream.flush().await.map_err(broken)?;
    // Handshake messages may be cut into records anywhere.
    let mut unread = Vec::new();
    let mut total = 0;
    loop {
        let mut header = [0; 5];
        stream.read_exact(&mut header).await.map_err(broken)?;
        let [kind, .., high, low] = header;
        let mut record = vec![0; usize::from(u16::from_be_bytes([high, low]))];
        stream.read_exact(&mut record).await.map_err(broken)?;
        match kind {
            HANDSHAKE => unread.extend_from_slice(&record),
            // A warning (level 1) ends nothing.
            ALERT if record.first() == Some(&1) => continue,
            ALERT => return Err(Fault::Alert { code: record.get(1).copied().unwrap_or_default() }),
            _ => return Err(Fault::NotTls),
        }
        total += record.len();
        if total > LARGEST_FLIGHT {
            return Err(Fault::HandshakeFailed { detail: "the flight is larger than the bound".to_owned() });
        }
        let (taken, is_over) = read_messages(&unread, flight);
        if is_over {
            return Ok(());
        }
        unread.drain(..taken);
    }
}

/// Reads the messages that are whole: how many bytes they took, and whether there is nothing more to wait for.
fn read_messages(bytes: &[u8], flight: &mut Flight) -> (usize, bool) {
    let mut unread = bytes;
    while let Some((&[kind, a, b, c], rest)) = unread.split_first_chunk::<4>() {
        let length = usize::from(a) << 16 | usize::from(b) << 8 | usize::from(c);
        let Some(body) = rest.get(..length) else { break };
        unread = &rest[length..];
        match kind {
            SERVER_HELLO => read_server_hello(body, flight),
            CERTIFICATE => {
                flight.chain = certificates(body);
                return (bytes.len() - unread.len(), true);
            }
            SERVER_HELLO_DONE => return (bytes.len() - unread.len(), true),
            _ => {}
        }
    }
    (bytes.len() - unread.len(), false)
}

fn read_server_hello(body: &[u8], flight: &mut Flight) {
    let [major, minor, ..] = body else { return };
    flight.version = Some((*major, *minor));
    // Behind the version and 32 bytes of randomness stands the session's id, then the suite.
    let session = body.get(34).copied().map_or(0, usize::from);
    if let Some([high, low]) = body.get(35 + session..37 + session) {
        flight.suite = Some(u16::from_be_bytes([*high, *low]));
    }
}

fn certificates(body: &[u8]) -> Vec<Vec<u8>> {
    let mut chain = Vec::new();
    let mut list = body.get(3..).unwrap_or_default();
    while let Some((&[a, b, c], rest)) = list.split_first_chunk::<3>() {
        let length = usize::from(a) << 16 | usize::from(b) << 8 | usize::from(c);
        let Some(certificate) = rest.get(..length) else { break };
        if chain.len() == MOST_CERTIFICATES {
            break;
        }
        chain.push(certificate.to_vec());
        list = &rest[length..];
    }
    chain
}

fn version_name(major: u8, minor: u8) -> String {
    match (major, minor) {
        (3, 0) => "SSL 3.0".to_owned(),
        (3, 1) => "TLS 1.0".to_owned(),
        (3, 2) => "TLS 1.1".to_owned(),
        (3, 3) => "TLS 1.2".to_owned(),
        _ => format!("version {major}.{minor}"),
    }
}

/// A hello that names TLS 1.2 as the newest, so that every older server can choose its own.
fn hello(name: &str, suites: Suites, context: &Context) -> Vec<u8> {
    let mut random = Vec::with_capacity(32);
    for _ in 0..4 {
        random.extend_from_slice(&context.net.entropy.bytes());
    }
    let suites: Vec<u8> = suites.numbers().into_iter().flat_map(u16::to_be_bytes).collect();
    let mut extensions = Vec::new();
    // An address is no name (RFC 6066, section 3).
    if name.parse::<std::net::IpAddr>().is_err() {
        let entry = [&[0][..], &with_length(name.as_bytes())].concat();
        extensions.extend(extension(0, &with_length(&entry)));
    }
    extensions.extend(extension(10, &with_length(&[0, 29, 0, 23, 0, 24])));
    extensions.extend(extension(11, &[1, 0]));
    // RSA and ECDSA with SHA-2 and SHA-1.
    extensions.extend(extension(13, &with_length(&[4, 1, 4, 3, 5, 1, 6, 1, 2, 1, 2, 3])));
    let body = [&[3, 3][..], &random, &[0], &with_length(&suites), &[1, 0], &with_length(&extensions)].concat();
    let length = u32::try_from(body.len()).unwrap_or_default().to_be_bytes();
    let message = [&[1][..], &length[1..], &body].concat();
    [&[HANDSHAKE, 3, 1][..], &with_length(&message)].concat()
}

fn extension(number: u16, content: &[u8]) -> Vec<u8> {
    [&number.to_be_bytes()[..], &with_length(content)].concat()
}

/// `content` behind its length in two bytes. What is sent here is short.
fn with_length(content: &[u8]) -> Vec<u8> {
    let length = u16::try_from(content.len()).unwrap_or_default();
    [&length.to_be_bytes()[..], content].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(kind: u8, body: &[u8]) -> Vec<u8> {
        let length = u32::try_from(body.len()).expect("short").to_be_bytes();
        [&[kind][..], &length[1..], body].concat()
    }

    fn server_hello(minor: u8) -> Vec<u8> {
        message(SERVER_HELLO, &[&[3, minor][..], &[7; 32], &[2, 9, 9], &[0, 0x2f], &[0]].concat())
    }

    fn list(certificates: &[&[u8]]) -> Vec<u8> {
        let long = |bytes: &[u8]| {
            let length = u32::try_from(bytes.len()).expect("short").to_be_bytes();
            [&length[1..], bytes].concat()
        };
        let entries: Vec<u8> = certificates.iter().flat_map(|certificate| long(certificate)).collect();
        message(CERTIFICATE, &long(&entries))
    }

    #[test]
    fn version_suite_and_chain_are_read_from_the_clear() {
        let bytes = [server_hello(2), list(&[b"leaf", b"issuer"])].concat();
        let mut flight = Flight::default();
        let mut unread = Vec::new();
        for (place, byte) in bytes.iter().enumerate() {
            unread.push(*byte);
            let (taken, is_over) = read_messages(&unread, &mut flight);
            assert_eq!(is_over, place + 1 == bytes.len(), "{} bytes are not all", place + 1);
            unread.drain(..taken);
        }
        assert!(unread.is_empty());
        assert_eq!(flight.version.map(|(major, minor)| version_name(major, minor)).as_deref(), Some("TLS 1.1"));
        assert_eq!((flight.suite, flight.chain), (Some(0x2f), vec![b"leaf".to_vec(), b"issuer".to_vec()]));
    }

    #[test]
    fn a_flight_without_certificates_ends_too() {
        let bytes = [server_hello(1), message(SERVER_HELLO_DONE, b"")].concat();
        let mut flight = Flight::default();
        assert_eq!(read_messages(&bytes, &mut flight), (bytes.len(), true));
        assert_eq!((flight.version, flight.chain.len()), (Some((3, 1)), 0));
    }

    #[test]
    fn lengths_that_lie_are_no_reason_to_panic() {
        let mut flight = Flight::default();
        let hostile: [&[u8]; 5] = [
            &[CERTIFICATE, 0, 0, 3, 0xff, 0xff, 0xff],
            &[CERTIFICATE, 0, 0, 6, 0, 0, 3, 0xff, 0xff, 0xff],
            &[CERTIFICATE, 0, 0, 0],
            &[SERVER_HELLO, 0, 0, 1, 3],
            &[SERVER_HELLO, 0xff, 0xff, 0xff],
        ];
        for bytes in hostile {
            read_messages(bytes, &mut flight);
            assert!(flight.chain.is_empty(), "{bytes:?}");
        }
    }
}
