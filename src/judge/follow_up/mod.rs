//! What is worth asking beside the rows, and what the answers change.
//!
//! In: what the rows saw. Out: the follow-ups that tell causes apart which look alike, and, once they were asked, rows
//! whose cause is sharper or in doubt. Never: a second round; a row that is intercepted made to look better.

mod addresses;
mod control;
mod denial;
mod handshake;
mod names;
mod repeat;
#[cfg(test)]
mod tests;
mod upload;

pub(super) use control::doubts;

use std::collections::HashMap;
use std::net::SocketAddr;

use super::chain::ChainJudge;
use super::opinion::Opinion;
use super::{Grounds, Status, Verdict};
use crate::observation::{FollowUp, Observation};
use crate::plan::{JobId, PlannedRoute};

/// The questions that the rows leave open, by the verdicts on what they saw. They are asked once; what their answers leave open
/// stays so.
#[must_use]
pub fn follow_ups(grounds: &Grounds<'_>, verdicts: &[Verdict], observations: &[Observation]) -> Vec<FollowUp> {
    let plan = grounds.plan;
    if !plan.follow_ups.wanted {
        return Vec::new();
    }
    let observations = &Latest::of(observations);
    let of_route = |route| {
        let control = control::questions(grounds, route, verdicts);
        control
            .into_iter()
            .chain(handshake::questions(grounds, route, verdicts, observations))
            .chain(names::questions(grounds, route, verdicts, observations))
            .chain(upload::questions(grounds, route, verdicts))
            .chain(repeat::questions(grounds, route, verdicts, observations))
            .chain(addresses::questions(grounds, route, verdicts, observations))
    };
    (0..plan.routes.len()).flat_map(of_route).collect()
}

/// Lets the answers to the follow-ups, in the order of their jobs, speak.
pub(super) fn weigh(
    grounds: &Grounds<'_>,
    chains: &ChainJudge,
    verdicts: &mut [Verdict],
    (attempts, beside): (&[Vec<&Observation>], &[&Observation]),
) {
    let beside: Vec<&Observation> =
        beside.iter().copied().filter(|seen| (seen.job().0 as usize) < verdicts.len()).collect();
    for seen in &beside {
        verdicts[seen.job().0 as usize].follow_ups += 1;
    }
    for route in 0..grounds.plan.routes.len() {
        let outcomes = control::outcomes(grounds, route, &beside);
        control::weigh(grounds, route, verdicts, &outcomes);
        denial::weigh(grounds, route, verdicts, &outcomes);
        handshake::weigh(grounds, chains, route, verdicts, &beside);
    }
    names::weigh(grounds, chains, verdicts, &beside);
    upload::weigh(verdicts, &beside);
    repeat::weigh(grounds, chains, verdicts, (attempts, &beside));
    addresses::weigh(grounds, chains, verdicts, (attempts, &beside));
    if !beside.is_empty() {
        control::unreached_proxies(grounds, verdicts);
    }
}

fn on_route<'v>(
    grounds: &'v Grounds<'_>,
    route: usize,
    verdicts: &'v [Verdict],
) -> impl Iterator<Item = &'v Verdict> + 'v {
    verdicts.iter().filter(move |verdict| route_of(grounds, verdict.job) == route)
}

fn route_of(grounds: &Grounds<'_>, job: JobId) -> usize {
    grounds.plan.jobs[job.0 as usize].route
}

/// Whether anybody out there answered, be it somebody else than asked for.
fn gets_through(rows: &[&Verdict]) -> bool {
    let answers = |row: &Verdict| matches!(row.status, Status::Ok | Status::Degraded | Status::Intercepted);
    rows.iter().any(|row| answers(row) || row.chain.is_some())
}

/// The last attempt at each job itself.
struct Latest<'o>(HashMap<JobId, &'o Observation>);

impl<'o> Latest<'o> {
    fn of(observations: &'o [Observation]) -> Self {
        let mut latest: HashMap<JobId, &Observation> = HashMap::with_capacity(observations.len());
        for seen in observations.iter().filter(|seen| seen.follow_up().is_none()) {
            let known = latest.entry(seen.job()).or_insert(seen);
            if seen.attempt() >= known.attempt() {
                *known = seen;
            }
        }
        Self(latest)
    }
}

/// The last attempt at the job itself.
fn last<'o>(observations: &Latest<'o>, job: JobId) -> Option<&'o Observation> {
    observations.0.get(&job).copied()
}

/// What was asked about one job, of follow-ups in the order of the jobs.
fn about<'s, 'o>(beside: &'s [&'o Observation], job: JobId) -> impl Iterator<Item = &'o Observation> + use<'s, 'o> {
    let start = beside.partition_point(|seen| seen.job() < job);
    beside[start..].iter().copied().take_while(move |seen| seen.job() == job)
}

/// Where the row's own connection went; through a proxy the proxy chooses.
fn address(grounds: &Grounds<'_>, seen: &Observation) -> Option<SocketAddr> {
    let is_direct = grounds.plan.routes[route_of(grounds, seen.job())] == PlannedRoute::Direct;
    seen.tcp().and_then(|tcp| tcp.carried).filter(|_| is_direct)
}

/// What is worse at another address, or at another time, is what the row says.
fn take(verdict: &mut Verdict, worst: Opinion) {
    verdict.summary = worst.summary();
    verdict.evidence.extend(worst.chain.iter().flat_map(|chain| chain.evidence.iter().cloned()));
    verdict.status = worst.status;
    verdict.cause = worst.cause;
    verdict.stage = worst.stage;
    verdict.product = worst.product;
    verdict.chain = worst.chain;
}
