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
        DnsFailure::LocallyDenied => Fault::LocallyDenied,
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

/// What this machine did to its own question first: no server can be blamed before that. Then silence: it is what the row
/// has waited for.
const UNHEARD: [Fault; 4] =
    [Fault::LocallyDenied, Fault::ResolverSilent, Fault::ResolverPortClosed, Fault::ResolverUnreachable];

fn of_system_alone(system: &SystemFailure) -> Fault {
    match system {
        SystemFailure::NoSuchName(_) => Fault::NameNotFound,
        SystemFailure::NoAddresses(_) => Fault::NoAddresses,
        SystemFailure::Silent(_) | SystemFailure::Again(_) => Fault::ResolverSilent,
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

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::observation::{Question, RecordType};
    use crate::probe::testing::ips;

    fn answer(rcode: u16, addresses: &[&str]) -> ServerAnswer {
        ServerAnswer {
            server: ([192, 0, 2, 53], 53).into(),
            question: Question { record: RecordType::A },
            over_tcp: false,
            took: Duration::ZERO,
            rcode: Some(rcode),
            authoritative: false,
            cnames: Vec::new(),
            addresses: ips(addresses),
            extended_errors: Vec::new(),
            failure: None,
        }
    }

    fn failed(failure: DnsFailure) -> ServerAnswer {
        ServerAnswer { rcode: None, failure: Some(failure), ..answer(0, &[]) }
    }

    #[test]
    fn two_answers_of_one_server_make_one_outcome() {
        let (none, nxdomain, servfail) = (answer(0, &[]), answer(3, &[]), answer(2, &[]));
        let silent = failed(DnsFailure::Timeout);
        let (v4, v6) = (answer(0, &["192.0.2.1"]), answer(0, &["2001:db8::1"]));
        for (a, aaaa, outcome) in [
            (&v4, &v6, Ok(ips(&["192.0.2.1", "2001:db8::1"]))),
            (&v4, &servfail, Ok(ips(&["192.0.2.1"]))),
            (&v4, &nxdomain, Ok(ips(&["192.0.2.1"]))),
            (&servfail, &v6, Ok(ips(&["2001:db8::1"]))),
            (&nxdomain, &nxdomain, Err(Fault::NameNotFound)),
            (&nxdomain, &none, Err(Fault::NameNotFound)),
            (&none, &nxdomain, Err(Fault::NoAddresses)),
            (&none, &none, Err(Fault::NoAddresses)),
            (&none, &servfail, Err(Fault::ServerFailure)),
            (&none, &silent, Err(Fault::ResolverSilent)),
            (&servfail, &none, Err(Fault::ServerFailure)),
            (&silent, &none, Err(Fault::ResolverSilent)),
            (&silent, &nxdomain, Err(Fault::NameNotFound)),
            (&silent, &silent, Err(Fault::ResolverSilent)),
        ] {
            assert_eq!(of_server(Heard { a: Some(a), aaaa: Some(aaaa) }), outcome, "{a:?} {aaaa:?}");
        }
    }

    #[test]
    fn an_answer_still_awaited_takes_nothing_from_the_other() {
        let (v4, nxdomain) = (answer(0, &["192.0.2.1"]), answer(3, &[]));
        assert_eq!(of_server(Heard { a: Some(&v4), aaaa: None }), Ok(ips(&["192.0.2.1"])));
        assert_eq!(of_server(Heard { a: Some(&nxdomain), aaaa: None }), Err(Fault::NameNotFound));
        assert_eq!(of_server(Heard { a: None, aaaa: None }), Err(Fault::ResolverSilent));
    }

    #[test]
    fn every_failure_of_an_exchange_has_a_fault_of_its_own() {
        let detail = || "detail".to_owned();
        for (failure, fault) in [
            (DnsFailure::Timeout, Fault::ResolverSilent),
            (DnsFailure::PortClosed, Fault::ResolverPortClosed),
            (DnsFailure::Unreachable, Fault::ResolverUnreachable),
            (DnsFailure::LocallyDenied, Fault::LocallyDenied),
            (DnsFailure::Malformed(detail()), Fault::MalformedAnswer),
            (DnsFailure::TruncatedAndTcpFailed(detail()), Fault::TruncatedAndTcpFailed),
            (DnsFailure::Other(detail()), Fault::Unrecognised { detail: detail() }),
        ] {
            let answer = failed(failure);
            assert_eq!(of_server(Heard { a: Some(&answer), aaaa: Some(&answer) }), Err(fault));
        }
    }

    #[test]
    fn the_servers_say_why_the_system_failed_unless_one_of_them_has_addresses() {
        let (v4, none, nxdomain, refused) = (answer(0, &["192.0.2.1"]), answer(0, &[]), answer(3, &[]), answer(5, &[]));
        let (silent, closed) = (failed(DnsFailure::Timeout), failed(DnsFailure::PortClosed));
        let (unreachable, denied) = (failed(DnsFailure::Unreachable), failed(DnsFailure::LocallyDenied));
        let words = || "words".to_owned();
        let (vague, late) = (SystemFailure::Other(words()), SystemFailure::Silent(words()));
        let vague_fault = Fault::Unrecognised { detail: words() };
        for (system, servers, fault) in [
            (&vague, vec![&nxdomain], Fault::NameNotFound),
            (&vague, vec![&none], Fault::NoAddresses),
            (&vague, vec![&refused, &nxdomain], Fault::ServerRefused),
            (&vague, vec![&silent, &refused], Fault::ServerRefused),
            (&vague, vec![&closed, &silent], Fault::ResolverSilent),
            (&vague, vec![&unreachable, &closed], Fault::ResolverPortClosed),
            (&vague, vec![&unreachable], Fault::ResolverUnreachable),
            (&late, vec![&silent, &denied], Fault::LocallyDenied),
            (&late, vec![&denied, &refused], Fault::ServerRefused),
            (&vague, vec![&v4, &refused], vague_fault.clone()),
            (&vague, vec![], vague_fault.clone()),
            (&late, vec![&v4], Fault::ResolverSilent),
            (&late, vec![&closed], Fault::ResolverPortClosed),
            (&late, vec![], Fault::ResolverSilent),
            (&SystemFailure::Again(words()), vec![], Fault::ResolverSilent),
            (&SystemFailure::Again(words()), vec![&refused], Fault::ServerRefused),
            (&SystemFailure::NoAddresses(words()), vec![], Fault::NoAddresses),
            (&SystemFailure::NoSuchName(words()), vec![], Fault::NameNotFound),
            (&SystemFailure::NoSuchName(words()), vec![&none], Fault::NoAddresses),
        ] {
            let heard: Vec<Heard<'_>> =
                servers.iter().map(|answer| Heard { a: Some(answer), aaaa: Some(answer) }).collect();
            assert_eq!(of_system(system, &heard), fault, "{system:?} {servers:?}");
        }
    }

    #[cfg(not(windows))]
    #[test]
    fn a_system_that_heard_an_answer_is_believed_when_we_hear_nothing() {
        let silent = failed(DnsFailure::Timeout);
        let heard = [Heard { a: Some(&silent), aaaa: Some(&silent) }];
        assert_eq!(of_system(&SystemFailure::NoSuchName(String::new()), &heard), Fault::NameNotFound);
    }

    #[test]
    fn eight_addresses_are_tried_and_no_family_is_crowded_out() {
        let many = |family: &str, count: usize| (1..=count).map(|n| format!("{family}{n}")).collect::<Vec<_>>();
        for (v4, v6, left4, left6) in
            [(9, 0, 8, 0), (2, 9, 2, 6), (9, 1, 7, 1), (9, 9, 4, 4), (4, 4, 4, 4), (1, 1, 1, 1)]
        {
            let texts = [many("2001:db8::", v6), many("192.0.2.", v4)].concat();
            let all = ips(&texts.iter().map(String::as_str).collect::<Vec<_>>());
            let tried = worth_trying(all.iter().chain(&all).copied());
            let count = |v4: bool| tried.iter().filter(|address| address.is_ipv4() == v4).count();
            assert_eq!((count(true), count(false)), (left4, left6), "{v4} and {v6}");
            assert!(tried.is_sorted_by_key(|address| all.iter().position(|given| given == address)), "{tried:?}");
        }
    }
}
