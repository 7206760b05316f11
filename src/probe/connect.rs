//! All addresses at once; the first to connect carries the rest of the way, the others are evidence.

use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use tokio::task::JoinSet;
use tokio::time::timeout;

use super::stream::Connection;
use super::{Context, StageOutcome};
use crate::observation::{Evidence, Fault, TcpAttempt, TcpEvidence, TcpOutcome};

/// The attempts of one row, some of which end after the row went on.
#[derive(Debug)]
pub(super) struct Attempts {
    outcomes: Arc<Mutex<Vec<TcpAttempt>>>,
    carried: SocketAddr,
    /// Ends what is still trying when the row ends.
    _running: JoinSet<()>,
}

impl Attempts {
    /// The address that the row goes on with; a dialogue that has to connect again goes there too.
    pub fn carried(&self) -> SocketAddr {
        self.carried
    }

    /// Writes what the slower addresses did meanwhile into the step.
    pub fn complete(&self, evidence: &mut Evidence) {
        if let Evidence::Tcp(seen) = evidence {
            seen.attempts.clone_from(&self.outcomes.lock().unwrap_or_else(PoisonError::into_inner));
        }
    }
}

pub(super) async fn connect(addresses: Vec<SocketAddr>, context: &Context) -> StageOutcome<(Connection, Attempts)> {
    let started = Instant::now();
    let pending =
        |address: &SocketAddr| TcpAttempt { address: *address, outcome: TcpOutcome::Pending, took: started.elapsed() };
    let outcomes = Arc::new(Mutex::new(addresses.iter().map(pending).collect::<Vec<_>>()));
    let (winner, mut streams) = tokio::sync::mpsc::channel(addresses.len().max(1));
    let mut running = JoinSet::new();
    for (index, address) in addresses.iter().copied().enumerate() {
        let (net, outcomes, winner) = (context.net.clone(), outcomes.clone(), winner.clone());
        let deadline = context.plan.budget.connect;
        running.spawn(async move {
            let result = timeout(deadline, net.connect(address)).await;
            let outcome = match &result {
                Ok(Ok(_)) => TcpOutcome::Connected,
                Ok(Err(error)) => TcpOutcome::Failed { fault: fault(error), detail: error.to_string() },
                Err(_) => TcpOutcome::Failed { fault: Fault::ConnectTimeout, detail: "no answer".to_owned() },
            };
            outcomes.lock().unwrap_or_else(PoisonError::into_inner)[index] =
                TcpAttempt { address, outcome, took: started.elapsed() };
            if let Ok(Ok(stream)) = result {
                // The receiver is gone once another address has won; this connection then closes.
                let _ = winner.try_send((address, stream));
            }
        });
    }
    drop(winner);
    let first = streams.recv().await;
    let attempts = outcomes.lock().unwrap_or_else(PoisonError::into_inner).clone();
    if let Some((address, stream)) = first {
        let evidence = Evidence::Tcp(TcpEvidence { attempts, carried: Some(address) });
        let attempts = Attempts { outcomes, carried: address, _running: running };
        return StageOutcome::Passed { carry: (Box::new(stream), attempts), evidence };
    }
    let fault = attempts
        .iter()
        .find_map(|attempt| match &attempt.outcome {
            TcpOutcome::Failed { fault, .. } => Some(fault.clone()),
            TcpOutcome::Connected | TcpOutcome::Pending => None,
        })
        .unwrap_or_else(|| Fault::Unrecognised { detail: "no address to connect to".to_owned() });
    StageOutcome::Stopped { fault, evidence: Evidence::Tcp(TcpEvidence { attempts, carried: None }) }
}

/// The system's error as a fact.
pub(super) fn fault(error: &io::Error) -> Fault {
    match error.kind() {
        io::ErrorKind::ConnectionRefused => Fault::ConnectionRefused,
        io::ErrorKind::TimedOut => Fault::ConnectTimeout,
        io::ErrorKind::HostUnreachable => Fault::HostUnreachable,
        io::ErrorKind::NetworkUnreachable => Fault::NetworkUnreachable,
        io::ErrorKind::ConnectionReset => Fault::ResetByPeer { received: 0 },
        _ => Fault::Unrecognised { detail: error.to_string() },
    }
}
