//! The other addresses of a name that connected too: a device may go to any of them, and a device on the way may treat
//! one otherwise than the next, or IPv6 otherwise than IPv4.

use std::net::{IpAddr, SocketAddr};

use super::{LastSeen, about, last, on_route, take};
use crate::judge::chain::ChainJudge;
use crate::judge::opinion::Opinion;
use crate::judge::refused::is_let_through;
use crate::judge::{ByAddress, Cause, Grounds, Status, Verdict, row};
use crate::observation::{Ask, Evidence, Fault, FollowUp, Observation, Stage, TcpOutcome};
use crate::plan::{JobId, PlannedRoute};

/// Rows of one proxied route that are asked again by each other address of the proxy: what one node does to all hosts shows.
const MOST_PROXIED: usize = 16;

/// Rows that got an answer, at every other address that may have given one.
pub(super) fn questions(
    grounds: &Grounds<'_>,
    route: usize,
    verdicts: &[Verdict],
    observations: &LastSeen<'_>,
) -> Vec<FollowUp> {
    let most = if is_direct(grounds, route) { usize::MAX } else { MOST_PROXIED };
    let others = |row: &Verdict| others(row, last(observations, row)?);
    on_route(grounds, route, verdicts)
        .filter_map(others)
        .take(most)
        .flat_map(|(job, addresses)| {
            let ask = move |address| FollowUp { address: Some(address), ..FollowUp::new(job, Ask::Address(address)) };
            addresses.into_iter().map(ask)
        })
        .collect()
}

fn is_direct(grounds: &Grounds<'_>, route: usize) -> bool {
    grounds.plan.routes[route] == PlannedRoute::Direct
}

/// The addresses that connected beside the row's own, or had not yet said no; `None` where nothing was answered, or where a login
/// would have to go out again of which nobody knows that it is right.
fn others(row: &Verdict, seen: &Observation) -> Option<(JobId, Vec<SocketAddr>)> {
    let got_an_answer = row.chain.is_some() || matches!(row.status, Status::Ok | Status::Degraded);
    let sent_a_login = seen.tunnel().is_some_and(|tunnel| tunnel.legs.iter().any(|leg| leg.credential.is_some()));
    if !got_an_answer || (sent_a_login && !is_let_through(seen)) {
        return None;
    }
    let tcp = seen.tcp()?;
    let carried = tcp.carried?;
    let mut addresses: Vec<SocketAddr> = tcp
        .attempts
        .iter()
        .filter(|attempt| matches!(attempt.outcome, TcpOutcome::Connected | TcpOutcome::Pending))
        .map(|attempt| attempt.address)
        .filter(|address| *address != carried)
        .collect();
    addresses.sort_unstable();
    addresses.dedup();
    (!addresses.is_empty()).then_some((row.job, addresses))
}

/// Who answers at the other addresses. What is inspected at one of them is inspected; what fails at one of them gets out, for
/// whoever comes by another.
pub(super) fn weigh(
    grounds: &Grounds<'_>,
    chains: &ChainJudge,
    verdicts: &mut [Verdict],
    (attempts, beside): (&[Vec<&Observation>], &[&Observation]),
) {
    for verdict in verdicts {
        let place = verdict.job.0 as usize;
        let carried = attempts[place].last().and_then(|seen| seen.tcp()?.carried);
        let mut heard: Vec<Elsewhere> =
            about(beside, verdict.job).filter_map(|seen| Elsewhere::of(grounds, chains, seen)).collect();
        heard.sort_by_key(|elsewhere| elsewhere.address);
        if let Some(carried) = carried.filter(|_| !heard.is_empty()) {
            compare(grounds, verdict, carried, heard);
        }
    }
}

/// What another address does.
struct Elsewhere {
    address: SocketAddr,
    opinion: Opinion,
}

impl Elsewhere {
    /// `None` where the follow-up's own time was up first: that says nothing of the address.
    fn of(grounds: &Grounds<'_>, chains: &ChainJudge, seen: &Observation) -> Option<Self> {
        let Some(Ask::Address(address)) = seen.follow_up() else { return None };
        let was_cut_short = seen.steps().last().is_some_and(|step| matches!(step.evidence, Evidence::Unfinished(_)));
        let no_way_there = matches!(
            seen.fault(),
            Some((Stage::Tcp, Fault::NetworkUnreachable | Fault::LocallyExhausted | Fault::OnlyUnusableIpv6))
        );
        if was_cut_short || no_way_there {
            return None;
        }
        let job = grounds.plan.jobs.get(seen.job().0 as usize)?;
        Some(Self { address, opinion: row::judge_attempt(grounds, chains, job, seen) })
    }

    fn gets_out(&self) -> bool {
        matches!(self.opinion.status, Status::Ok | Status::Degraded)
    }

    fn is_inspected(&self) -> bool {
        self.opinion.status == Status::Intercepted
    }
}

fn compare(grounds: &Grounds<'_>, verdict: &mut Verdict, carried: SocketAddr, heard: Vec<Elsewhere>) {
    for elsewhere in &heard {
        verdict.evidence.push(format!("follow-up: at {}: {}", elsewhere.address.ip(), elsewhere.opinion.summary()));
    }
    // The name leads to a filter, at whichever of its addresses.
    if verdict.stage == Stage::Dns {
        return;
    }
    let listed = |which: &dyn Fn(&Elsewhere) -> bool| -> Vec<IpAddr> {
        heard.iter().filter(|elsewhere| which(elsewhere)).map(|elsewhere| elsewhere.address.ip()).collect()
    };
    let (mut inspected, mut genuine) = (listed(&Elsewhere::is_inspected), listed(&Elsewhere::gets_out));
    // What stays open at another address is evidence, and no more.
    let failing = listed(&|elsewhere| elsewhere.opinion.status == Status::Blocked);
    let is_direct = is_direct(grounds, grounds.plan.jobs[verdict.job.0 as usize].route);
    let own = verdict.status;
    match own {
        Status::Intercepted => inspected.insert(0, carried.ip()),
        Status::Ok | Status::Degraded => genuine.insert(0, carried.ip()),
        Status::Inconclusive | Status::NotTested | Status::Blocked => {}
    }
    if !is_direct {
        // Nodes of one proxy take turns, whichever address each has.
        for elsewhere in &heard {
            verdict.connections.count(elsewhere.opinion.chain.as_ref());
        }
    }
    if !inspected.is_empty() {
        if let Some(worst) = heard.into_iter().find(Elsewhere::is_inspected).filter(|_| own != Status::Intercepted) {
            take(verdict, worst.opinion);
        }
        if !genuine.is_empty() {
            verdict.summary = format!("{}, at {}, and not at {}", verdict.summary, said(&inspected), said(&genuine));
            verdict.by_address = is_direct.then_some(ByAddress { inspected, left_alone: genuine });
        }
    } else if !genuine.is_empty() && !failing.is_empty() {
        degrade(verdict, is_direct, &genuine, &failing);
    }
}

/// The data gets out by some addresses and not by others.
fn degrade(verdict: &mut Verdict, is_direct: bool, genuine: &[IpAddr], failing: &[IpAddr]) {
    let is_about_v6 = failing.iter().all(IpAddr::is_ipv6) && genuine.iter().all(IpAddr::is_ipv4);
    let cause = match (is_direct, is_about_v6) {
        (false, _) => Cause::Flaky,
        (true, true) => Cause::TcpV6Broken,
        (true, false) => Cause::TcpPartialIps,
    };
    // What the row remarked on its own address stands.
    if verdict.status == Status::Ok {
        let all = failing.len() + genuine.len();
        verdict.summary = format!("{}: {} of {all} fail ({})", cause.facts().title, failing.len(), said(failing));
        verdict.status = Status::Degraded;
        verdict.stage = if is_direct { Stage::Tcp } else { verdict.stage };
        verdict.cause = cause;
    } else if !verdict.remarks.contains(&cause) && verdict.cause != cause {
        verdict.remarks.push(cause);
    }
}

fn said(addresses: &[IpAddr]) -> String {
    addresses.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}
