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
use crate::net::Net;
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
            Err(error) => TcpOutcome::Failed { fault: fault(error), detail: error.to_string() },
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
        Fault::NetworkUnreachable => 8,
        _ => 7,
    }
}

/// The system's error as a fact.
pub(super) fn fault(error: &io::Error) -> Fault {
    match error.kind() {
        io::ErrorKind::ConnectionRefused => Fault::ConnectionRefused,
        io::ErrorKind::TimedOut => Fault::ConnectTimeout,
        io::ErrorKind::HostUnreachable => Fault::HostUnreachable,
        io::ErrorKind::NetworkUnreachable | io::ErrorKind::NetworkDown => Fault::NetworkUnreachable,
        io::ErrorKind::ConnectionReset => Fault::ResetByPeer { received: 0 },
        // No port is left to connect from.
        io::ErrorKind::AddrNotAvailable | io::ErrorKind::AddrInUse | io::ErrorKind::OutOfMemory => {
            Fault::LocallyExhausted
        }
        _ => by_number(error).unwrap_or_else(|| Fault::Unrecognised { detail: error.to_string() }),
    }
}

/// What the standard library has no kind for, or one kind for two.
#[cfg(unix)]
fn by_number(error: &io::Error) -> Option<Fault> {
    use rustix::io::Errno;

    Some(match Errno::from_io_error(error)? {
        // A filter on this machine; the network's own "prohibited" is EACCES.
        Errno::PERM => Fault::LocallyDenied,
        Errno::ACCESS => Fault::Prohibited,
        Errno::MFILE | Errno::NFILE | Errno::NOBUFS => Fault::LocallyExhausted,
        Errno::HOSTDOWN => Fault::HostUnreachable,
        Errno::AFNOSUPPORT => Fault::NetworkUnreachable,
        _ => return None,
    })
}

/// What the standard library has no kind for, by the numbers of Windows Sockets.
#[cfg(windows)]
fn by_number(error: &io::Error) -> Option<Fault> {
    const WSAEACCES: i32 = 10013;
    const WSAEMFILE: i32 = 10024;
    const WSAEAFNOSUPPORT: i32 = 10047;
    const WSAENOBUFS: i32 = 10055;
    const WSAEHOSTDOWN: i32 = 10064;

    Some(match error.raw_os_error()? {
        // The host firewall or a filter driver.
        WSAEACCES => Fault::LocallyDenied,
        WSAEMFILE | WSAENOBUFS => Fault::LocallyExhausted,
        WSAEHOSTDOWN => Fault::HostUnreachable,
        WSAEAFNOSUPPORT => Fault::NetworkUnreachable,
        _ => return None,
    })
}

/// The error of an IPv6 address on a machine that has no IPv6: no route, no address to send from, or no such protocol.
fn says_no_ipv6(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::AddrNotAvailable || fault(error) == Fault::NetworkUnreachable
}
