//! Evidence by stage: everything a judge may want, in the words of the wire.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{Fault, Stage};
use crate::certificate::Certificate;
use crate::plan::{Mechanism, Scheme};

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Evidence {
    Dns(DnsEvidence),
    Tcp(TcpEvidence),
    Proxy(TunnelEvidence),
    Tls(Box<TlsEvidence>),
    Http(HttpEvidence),
    /// The run ended while this stage worked, and took what it had seen with it.
    Unfinished(Stage),
}

impl Evidence {
    #[must_use]
    pub fn stage(&self) -> Stage {
        match self {
            Self::Dns(_) => Stage::Dns,
            Self::Tcp(_) => Stage::Tcp,
            Self::Proxy(_) => Stage::Proxy,
            Self::Tls(_) => Stage::Tls,
            Self::Http(_) => Stage::Http,
            Self::Unfinished(stage) => *stage,
        }
    }
}

/// How a name became addresses.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DnsEvidence {
    /// The name that was asked for: the endpoint's on the direct route, the proxy's on a proxied one.
    pub name: String,
    pub source: NameSource,
    /// What the probe goes on with, in the order given; at most eight.
    pub addresses: Vec<IpAddr>,
    /// The operating system's answer, where it was asked.
    pub system: Option<SystemAnswer>,
    /// What each server said to each question, as far as it had answered when the row ended. A second, different answer
    /// to one question follows the first: somebody on the way answered as well.
    pub answers: Vec<ServerAnswer>,
}

/// Whose answer the probe uses.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum NameSource {
    /// `--connect-to` gave the address; no question was asked.
    ConnectTo,
    /// The name is an IP address.
    Literal,
    /// The operating system: hosts file, name resolution policy, its resolvers.
    System,
    /// The server given by `--resolver`.
    Server(SocketAddr),
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SystemAnswer {
    pub addresses: Vec<IpAddr>,
    /// The system's error text, when it had no answer.
    pub error: Option<String>,
    /// The line of the hosts file that this answer comes from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hosts_line: Option<String>,
    /// Why the system has no name server, although its configuration names one: the file, its line and what is wrong there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub configuration: Option<String>,
}

/// One question to one server.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ServerAnswer {
    pub server: SocketAddr,
    pub question: Question,
    /// `true` when the answer came over TCP (after a truncated one over UDP).
    pub over_tcp: bool,
    pub took: Duration,
    /// The response code; `None` when there was no readable answer.
    pub rcode: Option<u16>,
    pub authoritative: bool,
    /// Aliases in the order they are followed.
    pub cnames: Vec<String>,
    pub addresses: Vec<IpAddr>,
    /// Extended DNS errors (RFC 8914): code and text.
    pub extended_errors: Vec<(u16, String)>,
    pub failure: Option<DnsFailure>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Question {
    pub record: RecordType,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum RecordType {
    A,
    #[serde(rename = "AAAA")]
    Aaaa,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum DnsFailure {
    Timeout,
    PortClosed,
    Unreachable,
    /// This machine refused to send the question, as its own firewall makes it do.
    LocallyDenied,
    Malformed(String),
    TruncatedAndTcpFailed(String),
    Other(String),
}

/// Every connection attempt.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TcpEvidence {
    pub attempts: Vec<TcpAttempt>,
    /// The address whose connection the later stages use.
    pub carried: Option<SocketAddr>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TcpAttempt {
    pub address: SocketAddr,
    pub outcome: TcpOutcome,
    pub took: Duration,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum TcpOutcome {
    Connected,
    Failed {
        fault: Fault,
        /// The system's own words, with its error number.
        detail: String,
        /// The router, firewall or host whose ICMP message it was, where the system tells.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        said_by: Option<IpAddr>,
    },
    /// Not decided when the row ended.
    Pending,
}

/// The dialogue with a proxy, leg by leg.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct TunnelEvidence {
    /// TLS to an https proxy.
    pub tls: Option<Box<TlsEvidence>>,
    pub legs: Vec<Leg>,
    /// The scheme that decided: of the last credential sent, or of the one that was held back; `None` when no
    /// credential was asked for.
    pub scheme: Option<Scheme>,
    /// What is stronger than `scheme` and was offered too.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub passed_over: Vec<PassedOver>,
    /// Bytes that followed the 2xx before the client spoke, as far as kept.
    #[serde(with = "as_text")]
    pub early_bytes: Vec<u8>,
}

/// One request to the proxy and its answer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Leg {
    /// Counts the TCP connections to the proxy within this attempt, from 1.
    pub connection: u32,
    /// Method and target: `CONNECT host:443`, `GET http://adl.windows.com/`.
    pub request: String,
    /// What credential went along; never the credential.
    pub credential: Option<Credential>,
    pub took: Duration,
    /// `None` when no parsable answer came.
    pub status: Option<u16>,
    /// `HTTP/1.1`.
    pub version: Option<String>,
    pub reason: String,
    pub headers: Vec<Header>,
    pub challenges: Vec<Challenge>,
    /// The beginning of the body, or of bytes that are not HTTP.
    #[serde(with = "as_text")]
    pub body_start: Vec<u8>,
    /// Whether the proxy kept the connection open afterwards.
    pub kept_open: bool,
    /// This side let the connection go, because it read the page behind the answer no further.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub left_unread: bool,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Credential {
    pub scheme: Scheme,
    /// Length of the header's value.
    pub length: usize,
    /// Digest: the realm and algorithm that were answered. NTLM and Negotiate: which message, and in which form.
    pub detail: String,
    /// What it carried, where it was a token.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token: Option<Token>,
}

/// What a token of NTLM or Negotiate is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Token {
    /// Opens NTLM and names nobody.
    NtlmType1,
    /// Answers NTLM's challenge with what was made of the password.
    NtlmType3,
    KerberosTicket,
}

/// A scheme that the proxy offers and that could not be used.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PassedOver {
    pub scheme: Scheme,
    /// What Negotiate would have carried.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mechanism: Option<Mechanism>,
    pub why: Fault,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Header {
    /// As sent, cut at a bound.
    pub name: String,
    pub value: String,
}

impl Header {
    /// Whether it is called so, in any case.
    #[must_use]
    pub fn is(&self, name: &str) -> bool {
        self.name.eq_ignore_ascii_case(name)
    }
}

/// One challenge of a `Proxy-Authenticate` header.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Challenge {
    /// As sent: `Negotiate`, `NTLM`, `Basic`, `Digest`.
    pub scheme: String,
    pub parameters: Vec<(String, String)>,
    /// Length of a token68, where there is one instead of parameters.
    pub token_length: Option<usize>,
    /// What the token says, where it is NTLM's challenge.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ntlm: Option<NtlmChallenge>,
}

/// What NTLM's Type 2 says about the server that made it: the names by which it is known in its domain.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NtlmChallenge {
    pub length: usize,
    /// What the server granted (MS-NLMP §2.2.2.5).
    pub flags: u32,
    pub target: Option<String>,
    pub netbios_domain: Option<String>,
    pub netbios_server: Option<String>,
    pub dns_domain: Option<String>,
    pub dns_server: Option<String>,
    /// The server's clock.
    pub time: Option<jiff::Timestamp>,
}

/// The handshake and the chain, recorded before anything is decided.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TlsEvidence {
    pub server_name: String,
    /// `TLSv1.3`, once agreed.
    pub version: Option<String>,
    pub cipher_suite: Option<String>,
    pub key_exchange: Option<String>,
    pub alpn: Option<String>,
    /// As sent: leaf first, nothing added, order kept. In a recording each is a line of its own, named here by hash.
    #[serde(with = "super::certificates_by_hash")]
    pub chain: Vec<Certificate>,
    pub signature: Signature,
    pub client_certificate_wanted: bool,
    pub hello_retried: bool,
    pub stapled_ocsp: bool,
    /// The first bytes of the peer, when they were not TLS.
    #[serde(with = "as_text")]
    pub first_bytes: Vec<u8>,
    pub detail: Option<String>,
}

impl TlsEvidence {
    /// A handshake with `server_name` of which nothing was seen yet.
    #[must_use]
    pub fn begun(server_name: &str) -> Self {
        Self {
            server_name: server_name.to_owned(),
            version: None,
            cipher_suite: None,
            key_exchange: None,
            alpn: None,
            chain: Vec::new(),
            signature: Signature::NotAsked,
            client_certificate_wanted: false,
            hello_retried: false,
            stapled_ocsp: false,
            first_bytes: Vec::new(),
            detail: None,
        }
    }
}

/// Whether the peer proved that it holds the leaf's key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Signature {
    /// The handshake did not come that far, or was never meant to.
    NotAsked,
    Verified {
        scheme: String,
    },
    /// The key and the algorithm are usable, and the signature is wrong.
    Wrong {
        scheme: String,
    },
    /// The key or the algorithm cannot be used to check it.
    NotChecked {
        scheme: String,
        detail: String,
    },
}

/// One small request and its answer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct HttpEvidence {
    /// `GET /health/keepalive`.
    pub request: String,
    pub status: Option<u16>,
    pub version: Option<String>,
    pub reason: String,
    pub headers: Vec<Header>,
    /// The beginning of the body, or of bytes that are not HTTP.
    #[serde(with = "as_text")]
    pub body_start: Vec<u8>,
    /// Bytes of the body that were read; the bound may have cut it.
    pub body_length: u64,
    /// The alert with which the peer ended TLS instead of answering.
    pub alert: Option<u8>,
}

impl HttpEvidence {
    /// `request`, which nobody has answered yet.
    #[must_use]
    pub fn begun(request: String) -> Self {
        Self {
            request,
            status: None,
            version: None,
            reason: String::new(),
            headers: Vec::new(),
            body_start: Vec::new(),
            body_length: 0,
            alert: None,
        }
    }

    /// The first header called `name`, in any case.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        find(&self.headers, name)
    }
}

impl Leg {
    /// The first header called `name`, in any case.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        find(&self.headers, name)
    }
}

fn find<'a>(headers: &'a [Header], name: &str) -> Option<&'a str> {
    headers.iter().find(|header| header.is(name)).map(|header| header.value.as_str())
}

/// The first `bound` bytes of a text from the wire, whose encoding nobody announced: UTF-8, or else a character per byte.
#[must_use]
pub fn wire_text(bytes: &[u8], bound: usize) -> String {
    let (bytes, is_cut) = bytes.get(..bound).map_or((bytes, false), |start| (start, true));
    match std::str::from_utf8(bytes) {
        Ok(text) => text.to_owned(),
        // The bound fell inside a character.
        Err(error) if is_cut && error.error_len().is_none() => {
            String::from_utf8_lossy(&bytes[..error.valid_up_to()]).into_owned()
        }
        Err(_) => bytes.iter().map(|byte| char::from(*byte)).collect(),
    }
}

/// Bytes from the wire as text that people can read in a recording: a character per byte, U+0000 to U+00FF.
mod as_text {
    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    pub fn serialize<S: Serializer>(bytes: &[u8], serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&bytes.iter().map(|byte| char::from(*byte)).collect::<String>())
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<u8>, D::Error> {
        String::deserialize(deserializer)?
            .chars()
            .map(|character| {
                u8::try_from(u32::from(character))
                    .map_err(|_| D::Error::custom("a character above U+00FF stands for no byte"))
            })
            .collect()
    }
}
