//! Rows of one address and port learn from each other: an ICMP message to one of them explains the silence of the others.
//!
//! In: what every connection of the run met. Out: the message's cause for rows that met nothing but silence there. Never: a
//! word about an address that somebody connected to, or that no message named.
//!
//! Routers answer few of the packets that they reject: the kernel of Linux one message a second to each host, after a burst of
//! six (`icmp_ratelimit`, `inet_peer_xrlim_allow`).

use std::collections::{HashMap, HashSet};
use std::net::{IpAddr, SocketAddr};

use super::{Cause, Grounds, Verdict, row};
use crate::observation::{Fault, Observation, TcpOutcome};

/// A message about one address and port, and who sent it.
struct Message<'o> {
    fault: &'o Fault,
    from: IpAddr,
}

/// Explains silent rows by messages to others at the same addresses.
pub(super) fn explain(grounds: &Grounds<'_>, attempts: &[Vec<&Observation>], verdicts: &mut [Verdict]) {
    let is_silent = |row: &Verdict| matches!(row.cause, Cause::TcpTimeout | Cause::ProxyTcpTimeout);
    if !verdicts.iter().any(is_silent) {
        return;
    }
    let mut messages: HashMap<SocketAddr, Message<'_>> = HashMap::new();
    let mut connected: HashSet<SocketAddr> = HashSet::new();
    for attempt in attempts.iter().flatten().filter_map(|seen| seen.tcp()).flat_map(|tcp| &tcp.attempts) {
        match &attempt.outcome {
            TcpOutcome::Connected => {
                connected.insert(attempt.address);
            }
            TcpOutcome::Failed { fault, said_by: Some(from), .. } => {
                messages.entry(attempt.address).or_insert(Message { fault, from: *from });
            }
            TcpOutcome::Failed { .. } | TcpOutcome::Pending => {}
        }
    }
    messages.retain(|address, _| !connected.contains(address));
    if messages.is_empty() {
        return;
    }
    for verdict in verdicts.iter_mut().filter(|row| is_silent(row)) {
        let seen = attempts[verdict.job.0 as usize].last().and_then(|seen| seen.tcp());
        let addresses: Vec<SocketAddr> = seen.iter().flat_map(|tcp| &tcp.attempts).map(|one| one.address).collect();
        let said: Option<Vec<&Message<'_>>> = addresses.iter().map(|address| messages.get(address)).collect();
        if let Some(message) = said.as_ref().and_then(|said| said.first()) {
            let route = grounds.plan.route(grounds.job(verdict));
            let opinion = row::of_message(route, message.fault, message.from);
            verdict.evidence.push(format!(
                "no answer to this row; to another row at the same address {} answers by ICMP, which routers send few of",
                message.from
            ));
            verdict.summary = opinion.summary();
            verdict.status = opinion.status;
            verdict.stage = opinion.stage;
            verdict.cause = opinion.cause;
        }
    }
}
