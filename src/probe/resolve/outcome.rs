//! What answers add up to: addresses, or one fault. Pure.

use std::net::{IpAddr, SocketAddr};

use super::inquiry::Heard;
use super::message::{NAME_ERROR, NO_ERROR, REFUSED, SERVER_FAILURE};
use super::system::SystemFailure;
use crate::observation::{DnsFailure, Fault, ServerAnswer};

/// More addresses than this are not tried.
const MOST_ADDRESSES: usize = 8;

/// What one server's answers to both questions add up to. A question still open has nothing to say.
pub(super) fn of_server(heard: Heard<'_>) -> Result<Vec<IpAddr>, Fault> {
    let a = heard.a.map_or(Err(Fault::ResolverSilent), of_question);
    let aaaa = heard.aaaa.map_or(Err(Fault::ResolverSilent), of_question);
    match (a, aaaa) {
        (Ok(a), Ok(aaaa)) => Ok(a.iter().chain(aaaa).copied().collect()),
        (Ok(addresses), Err(_)) | (Err(_), Ok(addresses)) => Ok(addresses.to_vec()),
        (Err(a), Err(aaaa)) => Err(of_two_faults(a, aaaa)),
    }
}

/// The answer to A decides: the name's IPv4 address is what most machines need. Unless it only says that there is none,
/// which is usual for a name with IPv6 addresses alone, or there was none while AAAA says that the name does not exist.
fn of_two_faults(a: Fault, aaaa: Fault) -> Fault {
    match (a, aaaa) {
        // The name exists. Some load balancers answer NXDOMAIN to AAAA when they mean "no such record" (RFC 4074, 4.2).
        (Fault::NoAddresses, Fault::NameNotFound) => Fault::NoAddresses,
        (Fault::NoAddresses, aaaa) => aaaa,
        (Fault::ResolverSilent, Fault::NameNotFound) => Fault::NameNotFound,
        (a, _) => a,
    }
}

fn of_question(answer: &ServerAnswer) -> Result<&[IpAddr], Fault> {
    match (&answer.failure, answer.rcode) {
        (Some(failure), _) => Err(of_failure(failure)),
        (None, Some(NO_ERROR)) if !answer.addresses.is_empty() => Ok(&answer.addresses),
        (None, Some(NO_ERROR)) => Err(Fault::NoAddresses),
        (None, Some(NAME_ERROR)) => Err(Fault::NameNotFound),
        (None, Some(SERVER_FAILURE)) => Err(Fault::ServerFailure),
        (None, Some(REFUSED)) => Err(Fault::ServerRefused),
        (None, Some(other)) => {
            Err(Fault::Unrecognised { detail: format!("the resolver answered with response code {other}") })
        }
        (None, None) => Err(Fault::ResolverSilent),
    }
}

fn of_failure(failure: &DnsFailure) -> Fault {
    match failure {
        DnsFailure::Timeout => Fault::ResolverSilent,
        DnsFailure::PortClosed => Fault::ResolverPortClosed,
        DnsFailure::Unreachable => Fault::ResolverUnreachable,
        DnsFailure::Malformed(_) => Fault::MalformedAnswer,
        DnsFailure::TruncatedAndTcpFailed(_) => Fault::TruncatedAndTcpFailed,
        DnsFailure::Other(detail) => Fault::Unrecognised { detail: detail.clone() },
    }
}

/// Why the system had no addresses, with the configured servers' own answers as evidence.
///
/// A server that answered, the first in the system's order, says it best. If one has addresses, the system failed for a
/// reason of its own. Servers that cannot be heard explain a failure unless the system itself heard somebody.
pub(super) fn of_system(system: &SystemFailure, servers: &[Heard<'_>]) -> Fault {
    let outcomes: Vec<Result<Vec<IpAddr>, Fault>> = servers.iter().map(|heard| of_server(*heard)).collect();
    if outcomes.iter().any(Result::is_ok) {
        return of_system_alone(system);
    }
    let faults: Vec<Fault> = outcomes.into_iter().filter_map(Result::err).collect();
    if let Some(fault) = faults.iter().find(|fault| !UNHEARD.contains(fault)) {
        return fault.clone();
    }
    if system.is_an_answer() {
        return of_system_alone(system);
    }
    UNHEARD.into_iter().find(|unheard| faults.contains(unheard)).unwrap_or_else(|| of_system_alone(system))
}

/// Silence first: it is what the row has waited for.
const UNHEARD: [Fault; 3] = [Fault::ResolverSilent, Fault::ResolverPortClosed, Fault::ResolverUnreachable];

fn of_system_alone(system: &SystemFailure) -> Fault {
    match system {
        SystemFailure::NoSuchName(_) => Fault::NameNotFound,
        SystemFailure::NoAddresses(_) => Fault::NoAddresses,
        SystemFailure::Silent(_) => Fault::ResolverSilent,
        SystemFailure::Other(words) => Fault::Unrecognised { detail: words.clone() },
    }
}

/// At most eight addresses, each once, in the order given; a family that the other would crowd out keeps four places.
pub(super) fn worth_trying(addresses: impl IntoIterator<Item = IpAddr>) -> Vec<IpAddr> {
    let mut distinct: Vec<IpAddr> = Vec::new();
    for address in addresses {
        if !distinct.contains(&address) {
            distinct.push(address);
        }
    }
    let v4 = distinct.iter().filter(|address| address.is_ipv4()).count();
    let v6 = distinct.len() - v4;
    let half = MOST_ADDRESSES / 2;
    let (mut v4_places, mut v6_places) = (MOST_ADDRESSES - v6.min(half), MOST_ADDRESSES - v4.min(half));
    distinct.retain(|address| {
        let places = if address.is_ipv4() { &mut v4_places } else { &mut v6_places };
        let has_place = *places > 0;
        *places = places.saturating_sub(1);
        has_place
    });
    distinct.truncate(MOST_ADDRESSES);
    distinct
}

/// The addresses with the port that goes with the name.
pub(super) fn with_port(addresses: &[IpAddr], port: u16) -> Vec<SocketAddr> {
    addresses.iter().map(|address| (*address, port).into()).collect()
}
