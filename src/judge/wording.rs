//! Words that summaries, evidence and findings share: a fault, a header's value, a list of names.

use std::borrow::Cow;
use std::collections::HashSet;

use crate::observation::Fault;

/// More names than anybody reads; the rows of the finding have them all.
const MOST_NAMES: usize = 40;

/// Names as somebody copies them into a rule.
#[must_use]
pub fn listed(names: &[&str]) -> String {
    let listed = names[..names.len().min(MOST_NAMES)].join(" ");
    match names.len().saturating_sub(MOST_NAMES) {
        0 => listed,
        more => format!("{listed} and {more} more"),
    }
}

/// Each name once, in the order in which they come.
pub(super) fn each_once<'a>(names: impl IntoIterator<Item = &'a str>) -> Vec<&'a str> {
    let mut known = HashSet::new();
    names.into_iter().filter(|name| known.insert(*name)).collect()
}

/// A header's value as it may be shown. The address of a redirection ends where its query begins: portals put names and
/// tokens there, and reports travel.
pub(super) fn without_query<'a>(name: &str, value: &'a str) -> Cow<'a, str> {
    match value.split_once('?') {
        Some((address, query)) if name == "location" && !query.is_empty() => format!("{address}?…").into(),
        _ => value.into(),
    }
}

/// A fault in words, for summaries and evidence.
pub(super) fn fault(fault: &Fault) -> String {
    let after = |what: &str, received: u64| match received {
        0 => format!("{what} before anything was received"),
        1 => format!("{what} after 1 byte"),
        many => format!("{what} after {many} bytes"),
    };
    match fault {
        Fault::NameNotFound => "the name does not exist".to_owned(),
        Fault::NoAddresses => "the name has no address".to_owned(),
        Fault::ServerFailure => "SERVFAIL".to_owned(),
        Fault::ServerRefused => "REFUSED".to_owned(),
        Fault::ResolverSilent => "the name server did not answer in time".to_owned(),
        Fault::ResolverPortClosed => "the name server's port is closed".to_owned(),
        Fault::ResolverUnreachable => "the name server is unreachable".to_owned(),
        Fault::NoResolver => "no name server is configured".to_owned(),
        Fault::MalformedAnswer => "the answer cannot be read".to_owned(),
        Fault::TruncatedAndTcpFailed => "the answer was truncated, and TCP failed".to_owned(),
        Fault::OnlyUnusableIpv6 => "only IPv6 addresses, and no IPv6 route here".to_owned(),
        Fault::ConnectionRefused => "connection refused".to_owned(),
        Fault::ConnectTimeout => "no answer to the connection attempt".to_owned(),
        Fault::HostUnreachable => "host unreachable".to_owned(),
        Fault::NetworkUnreachable => "network unreachable".to_owned(),
        Fault::Prohibited => "administratively prohibited".to_owned(),
        Fault::LocallyDenied => "this machine refused to send".to_owned(),
        Fault::RefusedByRoute => "a route of this machine (blackhole, unreachable or prohibit) refuses the address".to_owned(),
        Fault::LocallyExhausted => "this machine has no ports or descriptors left".to_owned(),
        Fault::ResetByPeer { received } => after("reset", *received),
        Fault::ClosedByPeer { received } => after("closed", *received),
        Fault::TimedOut { received } => after("out of time", *received),
        Fault::TunnelRefused { status } => format!("the proxy answered {status}"),
        Fault::CredentialsWanted => "the proxy asks for credentials".to_owned(),
        Fault::CredentialsRefused => "the proxy refused the credentials".to_owned(),
        Fault::CredentialsNoLongerTaken { .. } => {
            "the proxy refused the credentials, which it had taken before in this run".to_owned()
        }
        Fault::NoChallenge => "a 407 without a challenge".to_owned(),
        Fault::SchemeNotOffered => "the scheme is not offered".to_owned(),
        Fault::DigestUnsupported { detail } => format!("unsupported Digest: {detail}"),
        Fault::DigestStaleLoop => "a fresh nonce was called stale".to_owned(),
        Fault::AuthenticationLoop => "authentication did not come to an end".to_owned(),
        Fault::ClosedMidExchange => "the proxy closed the connection in the middle of the exchange".to_owned(),
        Fault::PageNotRead => {
            "the page behind the proxy's challenge is longer than this program reads (4 MB) or took longer than it waits, so that \
             the login could not go on"
                .to_owned()
        }
        Fault::ChallengeUnreadable { detail } => format!("unusable challenge: {detail}"),
        Fault::NtlmUnanswered => "the proxy offers NTLM and sends no challenge when it is opened".to_owned(),
        Fault::NtlmNotTaken => "the proxy's Negotiate takes no NTLM".to_owned(),
        Fault::KerberosNotTaken => "the proxy's Negotiate takes no Kerberos".to_owned(),
        Fault::NoTicket { detail, .. } => format!("no ticket: {detail}"),
        Fault::TicketRefused { error: Some(error) } => {
            format!("the proxy refused the ticket with error {error} of Kerberos")
        }
        Fault::TicketRefused { error: None } => "the proxy refused the ticket".to_owned(),
        Fault::CleartextRefused => "Basic over a clear connection was not allowed".to_owned(),
        Fault::CredentialsAlreadyRefused => "these credentials were refused before in this run".to_owned(),
        Fault::CredentialsUnanswered => "the proxy gave no verdict when these credentials were sent".to_owned(),
        Fault::NoCredential { detail } => format!("no credential: {detail}"),
        Fault::ProxyCertificateRejected { detail } => format!("the proxy's certificate is not accepted: {detail}"),
        Fault::NotHttp => "what came is not HTTP".to_owned(),
        Fault::MalformedReply { detail } => format!("unreadable reply: {detail}"),
        Fault::HeadTooLarge => "the head is longer than 64 KB".to_owned(),
        Fault::PageInsteadOfTunnel => "a page came instead of a tunnel".to_owned(),
        Fault::SocksRefused { reply } => format!("SOCKS reply {reply}"),
        Fault::Alert { code } => format!("TLS alert {}", super::cause::alert_name(*code)),
        Fault::PlaintextReply => "a plain HTTP answer".to_owned(),
        Fault::NotTls => "what came is not TLS".to_owned(),
        Fault::OldTlsOnly => "the server chose TLS 1.1 or older".to_owned(),
        Fault::DowngradeMark => {
            "the peer chose TLS 1.2 with the mark of a server that could speak 1.3, as somebody does who copies its answer"
                .to_owned()
        }
        Fault::NoCertificate => "the peer sent no certificate".to_owned(),
        Fault::HandshakeFailed { detail } => format!("the handshake failed: {detail}"),
        Fault::Truncated => "the body is cut off".to_owned(),
        Fault::Unrecognised { detail } => detail.clone(),
        Fault::BudgetSpent => "the run's time was up".to_owned(),
        Fault::Interrupted => "interrupted".to_owned(),
    }
}
