//! All addresses at once; the first to connect carries the rest of the way, the others are evidence.
//!
//! In: addresses. Out: a connection, and what the other addresses are doing. Never: a wait for a slower address once
//! one has connected.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio::time::timeout;

use super::resolve::Resolved;
use super::stream::Connection;
use super::{Context, StageOutcome};
use crate::net::{Answered, AtOnce, Net};
use crate::observation::{Evidence, Fault, TcpAttempt, TcpEvidence, TcpOutcome};

/// The attempts of one row, some of which end after the row went on.
#[derive(Debug)]
pub(super) struct Attempts {
    carried: SocketAddr,
    started: Instant,
    /// Still trying; dropping them with the row ends them.
    slower: JoinSet<(usize, Ended)>,
}

/// One attempt's end.
#[derive(Debug)]
struct Ended {
    result: io::Result<Established>,
    took: Duration,
}

#[derive(Debug)]
enum Established {
    /// Before all others.
    First(TcpStream),
    /// Another address was faster; this connection is closed already.
    Late,
}

impl Attempts {
    /// The address that the row goes on with; a dialogue that has to connect again goes there too.
    pub fn carried(&self) -> SocketAddr {
        self.carried
    }

    /// Writes what the slower addresses did meanwhile into the step.
    pub fn complete(&mut self, evidence: &mut Evidence) {
        let Evidence::Tcp(seen) = evidence else { return };
        while let Some(ended) = self.slower.try_join_next() {
            if let Ok((place, ended)) = ended
                && let Some(attempt) = seen.attempts.get_mut(place)
            {
                ended.write(attempt);
            }
        }
        for attempt in seen.attempts.iter_mut().filter(|attempt| attempt.outcome == TcpOutcome::Pending) {
            attempt.took = self.started.elapsed();
        }
    }
}

impl Ended {
    fn write(&self, attempt: &mut TcpAttempt) {
        attempt.took = self.took;
        attempt.outcome = match &self.result {
            Ok(_) => TcpOutcome::Connected,
            Err(error) => TcpOutcome::Failed {
                fault: fault(error),
                detail: error.to_string(),
                said_by: Answered::of(error).and_then(|answered| answered.message.from),
            },
        };
    }
}

pub(super) async fn connect(resolved: &Resolved, context: &Context) -> StageOutcome<(Connection, Attempts)> {
    let started = Instant::now();
    let pending =
        |address: &SocketAddr| TcpAttempt { address: *address, outcome: TcpOutcome::Pending, took: Duration::ZERO };
    let mut attempts: Vec<TcpAttempt> = resolved.addresses.iter().map(pending).collect();
    let mut running = start(&resolved.addresses, started, context).await;
    let mut ipv6_is_unusable = resolved.by_name();
    while let Some((place, ended)) = running.next().await {
        let Some(attempt) = attempts.get_mut(place) else { continue };
        ended.write(attempt);
        match ended.result {
            Ok(Established::First(stream)) => {
                let carried = attempt.address;
                let evidence = Evidence::Tcp(TcpEvidence { attempts, carried: Some(carried) });
                let attempts = Attempts { carried, started, slower: running.others };
                return StageOutcome::Passed { carry: (Box::new(stream), attempts), evidence };
            }
            Ok(Established::Late) => {}
            Err(error) => ipv6_is_unusable &= attempt.address.is_ipv6() && says_no_ipv6(&error),
        }
    }
    let fault = if ipv6_is_unusable { Fault::OnlyUnusableIpv6 } else { most_telling(&attempts) };
    StageOutcome::Stopped { fault, evidence: Evidence::Tcp(TcpEvidence { attempts, carried: None }) }
}

/// Attempts under way. Most rows have one address and need no task for it.
struct Running {
    only: Option<Ended>,
    others: JoinSet<(usize, Ended)>,
}

async fn start(addresses: &[SocketAddr], started: Instant, context: &Context) -> Running {
    let deadline = context.plan.budget.connect;
    let decided = Arc::new(AtomicBool::new(false));
    let mut others = JoinSet::new();
    if let [address] = addresses {
        let only = attempt(*address, started, deadline, &context.net, &decided).await;
        return Running { only: Some(only), others };
    }
    for (place, address) in addresses.iter().copied().enumerate() {
        let (net, decided) = (context.net.clone(), decided.clone());
        others.spawn(async move { (place, attempt(address, started, deadline, &net, &decided).await) });
    }
    Running { only: None, others }
}

impl Running {
    async fn next(&mut self) -> Option<(usize, Ended)> {
        if let Some(only) = self.only.take() {
            return Some((0, only));
        }
        loop {
            // A task that panicked leaves its attempt undecided.
            if let Ok(ended) = self.others.join_next().await? {
                return Some(ended);
            }
        }
    }
}

async fn attempt(address: SocketAddr, started: Instant, deadline: Duration, net: &Net, decided: &AtomicBool) -> Ended {
    let result = match timeout(deadline, net.connect(address)).await {
        Ok(Ok(_)) if decided.swap(true, Ordering::Relaxed) => Ok(Established::Late),
        Ok(result) => result.map(Established::First),
        Err(_) => Err(io::Error::new(io::ErrorKind::TimedOut, "no answer")),
    };
    Ended { result, took: started.elapsed() }
}

/// The fault of a row none of whose addresses connected; whichever attempt ended first, the answer is the same.
///
/// A machine's answer tells more than a network's, and that more than silence. "No route from here" tells least, because
/// a machine without IPv6 says it of every IPv6 address, whatever is wrong with the others.
fn most_telling(attempts: &[TcpAttempt]) -> Fault {
    let faults = attempts.iter().filter_map(|attempt| match &attempt.outcome {
        TcpOutcome::Failed { fault, .. } => Some(fault),
        TcpOutcome::Connected | TcpOutcome::Pending => None,
    });
    let nothing = || Fault::Unrecognised { detail: "no address could be tried".to_owned() };
    faults.min_by_key(|fault| rank(fault)).cloned().unwrap_or_else(nothing)
}

fn rank(fault: &Fault) -> u8 {
    match fault {
        Fault::ConnectionRefused => 0,
        Fault::ResetByPeer { .. } => 1,
        Fault::Prohibited => 2,
        Fault::LocallyDenied => 3,
        // Before "host unreachable": a drop on the IPv4 address is the firewall's, the other is often IPv6's everyday.
        Fault::ConnectTimeout => 4,
        Fault::HostUnreachable => 5,
        Fault::LocallyExhausted => 6,
        // As everyday on machines without IPv6 as having no route at all.
        Fault::RefusedByRoute => 8,
        Fault::NetworkUnreachable => 9,
        _ => 7,
    }
}

/// The system's error as a fact.
pub(super) fn fault(error: &io::Error) -> Fault {
    if let Some(answered) = Answered::of(error) {
        return match &answered.message {
            message if message.is_local_refusal() => Fault::LocallyDenied,
            message if message.is_prohibition() => Fault::Prohibited,
            _ => fault(&answered.error),
        };
    }
    if let Some(error) = AtOnce::of(error) {
        return refused_at_once(error);
    }
    by_number(error).or_else(|| by_kind(error)).unwrap_or_else(|| Fault::Unrecognised { detail: error.to_string() })
}

/// What this machine said itself: a filter, a route that refuses, or that there is no route.
fn refused_at_once(error: &io::Error) -> Fault {
    match error.kind() {
        io::ErrorKind::PermissionDenied => Fault::LocallyDenied,
        io::ErrorKind::HostUnreachable | io::ErrorKind::InvalidInput => Fault::RefusedByRoute,
        _ => by_kind(error).unwrap_or_else(|| Fault::Unrecognised { detail: error.to_string() }),
    }
}

fn by_kind(error: &io::Error) -> Option<Fault> {
    Some(match error.kind() {
        io::ErrorKind::ConnectionRefused => Fault::ConnectionRefused,
        io::ErrorKind::TimedOut => Fault::ConnectTimeout,
        io::ErrorKind::HostUnreachable => Fault::HostUnreachable,
        io::ErrorKind::NetworkUnreachable | io::ErrorKind::NetworkDown => Fault::NetworkUnreachable,
        io::ErrorKind::ConnectionReset => Fault::ResetByPeer { received: 0 },
        // No port is left to connect from.
        io::ErrorKind::AddrNotAvailable | io::ErrorKind::AddrInUse | io::ErrorKind::OutOfMemory => {
            Fault::LocallyExhausted
        }
        _ => return None,
    })
}

/// What the standard library has no kind for, or one kind for two.
#[cfg(unix)]
fn by_number(error: &io::Error) -> Option<Fault> {
    use rustix::io::Errno;

    Some(match Errno::from_io_error(error)? {
        // A filter on this machine; the network's own "prohibited" is EACCES, where ICMP did not say it in full.
        Errno::PERM => Fault::LocallyDenied,
        Errno::ACCESS => Fault::Prohibited,
        Errno::MFILE | Errno::NFILE | Errno::NOBUFS => Fault::LocallyExhausted,
        Errno::HOSTDOWN => Fault::HostUnreachable,
        Errno::AFNOSUPPORT => Fault::NetworkUnreachable,
        _ => return None,
    })
}

#[cfg(windows)]
fn by_number(error: &io::Error) -> Option<Fault> {
    of_windows_sockets(error.raw_os_error()?)
}

/// The numbers of Windows Sockets, also those whose kinds mean something else elsewhere.
#[cfg(any(windows, test))]
fn of_windows_sockets(number: i32) -> Option<Fault> {
    Some(match number {
        // WSAEACCES, ERROR_ACCESS_DENIED: the host firewall or a filter driver.
        10_013 | 5 => Fault::LocallyDenied,
        // WSAEMFILE, WSAEADDRINUSE (no port is left to connect from), WSAENOBUFS.
        10_024 | 10_048 | 10_055 => Fault::LocallyExhausted,
        // WSAEAFNOSUPPORT, WSAEADDRNOTAVAIL (nothing of that family to send from, or an address that is nobody's, such as
        // 0.0.0.0), WSAENETDOWN, WSAENETUNREACH, ERROR_NETWORK_UNREACHABLE.
        10_047 | 10_049 | 10_050 | 10_051 | 1231 => Fault::NetworkUnreachable,
        // WSAENETRESET, WSAECONNABORTED (given up by this machine, which is how filters end what they dislike), WSAECONNRESET.
        10_052..=10_054 => Fault::ResetByPeer { received: 0 },
        // WSAETIMEDOUT, ERROR_SEM_TIMEOUT.
        10_060 | 121 => Fault::ConnectTimeout,
        // WSAECONNREFUSED, ERROR_CONNECTION_REFUSED.
        10_061 | 1225 => Fault::ConnectionRefused,
        // WSAEHOSTDOWN, WSAEHOSTUNREACH, ERROR_HOST_UNREACHABLE.
        10_064 | 10_065 | 1232 => Fault::HostUnreachable,
        _ => return None,
    })
}

/// The error of an IPv6 address on a machine that has no IPv6: no route, no address to send from, or no such protocol.
fn says_no_ipv6(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::AddrNotAvailable
        || matches!(fault(error), Fault::NetworkUnreachable | Fault::RefusedByRoute)
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;
    use std::net::{IpAddr, Ipv4Addr};

    use tokio::net::TcpListener;

    use super::*;
    use crate::net::Dial;
    use crate::plan::PlannedRoute;
    use crate::probe::testing::{self, impatient};

    const HOST: &str = "v10c.events.example";

    /// A world in which the addresses of `HOST` lead to `targets`; one without a target has no route.
    async fn world(targets: &[(&str, Option<SocketAddr>)]) -> (Context, Resolved) {
        let addresses: Vec<&str> = targets.iter().map(|(address, _)| *address).collect();
        let map: HashMap<SocketAddr, SocketAddr> = targets
            .iter()
            .filter_map(|(address, target)| {
                Some(((address.parse::<IpAddr>().expect("an address"), 80).into(), (*target)?))
            })
            .collect();
        let net = Net { dial: Dial::Mapped(Arc::new(map)), ..testing::net(&[(HOST, &addresses)], vec![]) };
        let context = testing::context(&[HOST], vec![PlannedRoute::Direct], net, impatient());
        let endpoint = &context.catalogue.endpoints[0];
        match crate::probe::resolve::resolve(endpoint, &PlannedRoute::Direct, &context).await {
            StageOutcome::Passed { carry, .. } => (context, carry),
            StageOutcome::Stopped { fault, .. } => panic!("{fault:?}"),
        }
    }

    async fn listener() -> (TcpListener, SocketAddr) {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a port");
        let address = listener.local_addr().expect("bound");
        (listener, address)
    }

    async fn refusing() -> SocketAddr {
        listener().await.1
    }

    fn seen(evidence: &Evidence) -> &TcpEvidence {
        let Evidence::Tcp(seen) = evidence else { panic!("evidence of another stage") };
        seen
    }

    async fn stopped(targets: &[(&str, Option<SocketAddr>)]) -> (Fault, TcpEvidence) {
        let (context, resolved) = world(targets).await;
        match connect(&resolved, &context).await {
            StageOutcome::Stopped { fault, evidence } => (fault, seen(&evidence).clone()),
            StageOutcome::Passed { .. } => panic!("connected"),
        }
    }

    #[tokio::test]
    async fn the_first_to_connect_carries_and_the_others_are_evidence() {
        let (_listener, target) = listener().await;
        let (context, resolved) =
            world(&[("192.0.2.1", Some(refusing().await)), ("192.0.2.2", Some(target)), ("2001:db8::1", None)]).await;
        let StageOutcome::Passed { carry: (_stream, mut attempts), mut evidence } = connect(&resolved, &context).await
        else {
            panic!("nothing connected")
        };
        assert_eq!(attempts.carried(), resolved.addresses[1]);
        assert_eq!(seen(&evidence).carried, Some(resolved.addresses[1]));
        while seen(&evidence).attempts.iter().any(|attempt| attempt.outcome == TcpOutcome::Pending) {
            tokio::task::yield_now().await;
            attempts.complete(&mut evidence);
        }
        let faults: Vec<Option<&Fault>> = seen(&evidence)
            .attempts
            .iter()
            .map(|attempt| match &attempt.outcome {
                TcpOutcome::Failed { fault, .. } => Some(fault),
                TcpOutcome::Connected | TcpOutcome::Pending => None,
            })
            .collect();
        assert_eq!(faults, [Some(&Fault::ConnectionRefused), None, Some(&Fault::NetworkUnreachable)]);
    }

    #[tokio::test]
    async fn a_second_connection_is_noted_and_closed_at_once() {
        let ((one, first), (two, second)) = (listener().await, listener().await);
        let (context, resolved) = world(&[("192.0.2.1", Some(first)), ("192.0.2.2", Some(second))]).await;
        let StageOutcome::Passed { carry: (_stream, mut attempts), mut evidence } = connect(&resolved, &context).await
        else {
            panic!("nothing connected")
        };
        let loser = if attempts.carried() == resolved.addresses[0] { two } else { one };
        let (mut accepted, _) = loser.accept().await.expect("it connects");
        let read = timeout(Duration::from_secs(10), tokio::io::AsyncReadExt::read(&mut accepted, &mut [0; 1])).await;
        assert_eq!(read.expect("not kept open").expect("closed in order"), 0);
        attempts.complete(&mut evidence);
        assert!(seen(&evidence).attempts.iter().all(|attempt| attempt.outcome == TcpOutcome::Connected));
    }

    #[cfg(target_os = "linux")]
    #[tokio::test]
    async fn an_address_that_never_answers_holds_up_nothing_and_is_pending_at_the_end() {
        let ((_listener, target), full) = (listener().await, Full::new().await);
        let (context, resolved) = world(&[("192.0.2.1", Some(full.address)), ("192.0.2.2", Some(target))]).await;
        let StageOutcome::Passed { carry: (_stream, mut attempts), mut evidence } = connect(&resolved, &context).await
        else {
            panic!("nothing connected")
        };
        attempts.complete(&mut evidence);
        assert_eq!(seen(&evidence).attempts[0].outcome, TcpOutcome::Pending);
        assert!(seen(&evidence).attempts[0].took > Duration::ZERO, "how long it has been tried is said");
    }

    #[cfg(target_os = "linux")]
    #[tokio::test]
    async fn when_nothing_connects_the_most_telling_fault_is_the_row_s() {
        let (refusing, full) = (refusing().await, Full::new().await);
        let (fault, seen) = stopped(&[("192.0.2.1", Some(refusing))]).await;
        assert_eq!(fault, Fault::ConnectionRefused);
        assert_eq!(seen.carried, None);
        let (fault, _) = stopped(&[("2001:db8::1", None), ("192.0.2.1", Some(refusing))]).await;
        assert_eq!(fault, Fault::ConnectionRefused);
        let (fault, _) = stopped(&[("2001:db8::1", None), ("192.0.2.1", Some(full.address))]).await;
        assert_eq!(fault, Fault::ConnectTimeout);
        let (fault, _) = stopped(&[("192.0.2.1", Some(full.address)), ("192.0.2.2", Some(refusing))]).await;
        assert_eq!(fault, Fault::ConnectionRefused);
        let (fault, _) = stopped(&[("192.0.2.1", None)]).await;
        assert_eq!(fault, Fault::NetworkUnreachable);
    }

    #[tokio::test]
    async fn a_name_with_ipv6_addresses_alone_is_told_from_a_network_without_a_route() {
        let (fault, _) = stopped(&[("2001:db8::1", None), ("2001:db8::2", None)]).await;
        assert_eq!(fault, Fault::OnlyUnusableIpv6);
        let (fault, _) = stopped(&[("2001:db8::1", None), ("2001:db8::2", Some(refusing().await))]).await;
        assert_eq!(fault, Fault::ConnectionRefused, "there is a route");
        let (fault, _) = stopped(&[("2001:db8::1", None), ("192.0.2.1", None)]).await;
        assert_eq!(fault, Fault::NetworkUnreachable);
    }

    /// A listener that accepts nobody and whose queue is full: Linux gives a SYN no answer then.
    #[cfg(target_os = "linux")]
    struct Full {
        address: SocketAddr,
        _listener: socket2::Socket,
        _waiting: Vec<TcpStream>,
    }

    #[cfg(target_os = "linux")]
    impl Full {
        async fn new() -> Self {
            use socket2::{Domain, Socket, Type};

            let listener = Socket::new(Domain::IPV4, Type::STREAM, None).expect("a socket");
            listener.bind(&SocketAddr::from((Ipv4Addr::LOCALHOST, 0)).into()).expect("a port");
            listener.listen(0).expect("listening");
            let address = listener.local_addr().expect("bound").as_socket().expect("an IP address");
            let mut waiting = Vec::new();
            let net = Net::of_this_machine(Vec::new());
            while let Ok(Ok(stream)) = timeout(Duration::from_millis(100), net.connect(address)).await {
                waiting.push(stream);
            }
            Self { address, _listener: listener, _waiting: waiting }
        }
    }

    #[test]
    fn the_order_of_the_addresses_does_not_change_the_fault() {
        let failed = |fault: Fault| TcpAttempt {
            address: ([192, 0, 2, 1], 80).into(),
            outcome: TcpOutcome::Failed { fault, detail: String::new(), said_by: None },
            took: Duration::ZERO,
        };
        let from_most_to_least = [
            Fault::ConnectionRefused,
            Fault::ResetByPeer { received: 0 },
            Fault::Prohibited,
            Fault::LocallyDenied,
            Fault::ConnectTimeout,
            Fault::HostUnreachable,
            Fault::LocallyExhausted,
            Fault::Unrecognised { detail: String::new() },
            Fault::NetworkUnreachable,
        ];
        for first in 0..from_most_to_least.len() {
            let mut attempts: Vec<TcpAttempt> = from_most_to_least[first..].iter().cloned().map(failed).collect();
            assert_eq!(most_telling(&attempts), from_most_to_least[first]);
            attempts.reverse();
            assert_eq!(most_telling(&attempts), from_most_to_least[first]);
        }
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn linux_error_numbers_are_told_apart() {
        for (number, expected) in [
            (1, Fault::LocallyDenied),                 // EPERM
            (13, Fault::Prohibited),                   // EACCES
            (23, Fault::LocallyExhausted),             // ENFILE
            (24, Fault::LocallyExhausted),             // EMFILE
            (97, Fault::NetworkUnreachable),           // EAFNOSUPPORT
            (99, Fault::LocallyExhausted),             // EADDRNOTAVAIL
            (100, Fault::NetworkUnreachable),          // ENETDOWN
            (101, Fault::NetworkUnreachable),          // ENETUNREACH
            (104, Fault::ResetByPeer { received: 0 }), // ECONNRESET
            (105, Fault::LocallyExhausted),            // ENOBUFS
            (110, Fault::ConnectTimeout),              // ETIMEDOUT
            (111, Fault::ConnectionRefused),           // ECONNREFUSED
            (112, Fault::HostUnreachable),             // EHOSTDOWN
            (113, Fault::HostUnreachable),             // EHOSTUNREACH
        ] {
            assert_eq!(fault(&io::Error::from_raw_os_error(number)), expected, "{number}");
        }
        let unknown = io::Error::from_raw_os_error(71);
        assert_eq!(fault(&unknown), Fault::Unrecognised { detail: unknown.to_string() });
    }

    #[test]
    fn windows_error_numbers_are_told_apart() {
        for (number, expected) in [
            (10_013, Fault::LocallyDenied),               // WSAEACCES
            (10_024, Fault::LocallyExhausted),            // WSAEMFILE
            (10_047, Fault::NetworkUnreachable),          // WSAEAFNOSUPPORT
            (10_048, Fault::LocallyExhausted),            // WSAEADDRINUSE
            (10_049, Fault::NetworkUnreachable),          // WSAEADDRNOTAVAIL
            (10_050, Fault::NetworkUnreachable),          // WSAENETDOWN
            (10_051, Fault::NetworkUnreachable),          // WSAENETUNREACH
            (10_053, Fault::ResetByPeer { received: 0 }), // WSAECONNABORTED
            (10_054, Fault::ResetByPeer { received: 0 }), // WSAECONNRESET
            (10_055, Fault::LocallyExhausted),            // WSAENOBUFS
            (10_060, Fault::ConnectTimeout),              // WSAETIMEDOUT
            (10_061, Fault::ConnectionRefused),           // WSAECONNREFUSED
            (10_064, Fault::HostUnreachable),             // WSAEHOSTDOWN
            (10_065, Fault::HostUnreachable),             // WSAEHOSTUNREACH
        ] {
            assert_eq!(of_windows_sockets(number), Some(expected), "{number}");
        }
        assert_eq!(of_windows_sockets(10_022), None, "WSAEINVAL says nothing of the network");
    }
}
