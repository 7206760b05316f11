//! What is worth asking beside the rows, and what the answers change.
//!
//! In: what the rows saw. Out: the follow-ups that tell causes apart which look alike, and, once they were asked, rows
//! whose cause is sharper or in doubt. Never: a second round; a row that is intercepted made to look better.

mod addresses;
pub(super) mod alone;
mod control;
mod cut_off;
mod denial;
mod handshake;
mod names;
mod repeat;
#[cfg(test)]
mod tests;
mod upload;

pub(super) use control::doubts;

use std::net::SocketAddr;

use super::chain::ChainJudge;
use super::opinion::Opinion;
use super::{Grounds, Status, Verdict};
use crate::observation::{Ask, Credential, FollowUp, Observation, Token};
use crate::plan::{JobId, PlannedRoute};

/// The questions that the rows leave open, by the verdicts on what they saw. They are asked once; what their answers leave open
/// stays so.
#[must_use]
pub fn follow_ups(grounds: &Grounds<'_>, verdicts: &[Verdict], observations: &[Observation]) -> Vec<FollowUp> {
    let plan = grounds.plan;
    if !plan.follow_ups.wanted {
        return Vec::new();
    }
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

/// Rows that failed beside others and are to be asked alone, before any other follow-up; asked again after each round.
#[must_use]
pub fn to_ask_alone(grounds: &Grounds<'_>, verdicts: &[Verdict], observations: &[Observation]) -> Vec<FollowUp> {
    alone::questions(grounds, verdicts, observations)
}

/// Lets the answers to the follow-ups speak.
pub(super) fn weigh(
    grounds: &Grounds<'_>,
    chains: &ChainJudge,
    verdicts: &mut [Verdict],
    (attempts, beside): (&[Vec<&Observation>], &[&Observation]),
) {
    let known = beside.iter().copied().filter(|seen| (seen.job().0 as usize) < verdicts.len());
    let (not_asked, beside): (Vec<&Observation>, Vec<&Observation>) = known.partition(|seen| seen.was_cut_off());
    for seen in &beside {
        let verdict = &mut verdicts[seen.job().0 as usize];
        verdict.follow_ups += 1;
        verdict.heard_beside += usize::from(is_heard(seen));
    }
    alone::leave_open(grounds, verdicts, attempts, &beside);
    let open = cut_off::open(grounds, verdicts, &not_asked);
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
    cut_off::leave_open(verdicts, &open);
}

/// Whether somebody beyond this network answered: the way leads out.
fn is_heard(seen: &Observation) -> bool {
    let answered = seen.http().is_some_and(|answer| answer.status.is_some());
    answered || seen.tls().is_some_and(|tls| !tls.chain.is_empty())
}

/// Whether something went out that was made of a password or a ticket.
fn sent_login(seen: &Observation) -> bool {
    let names_somebody = |credential: &Credential| credential.token != Some(Token::NtlmType1);
    let legs = seen.tunnel().map(|tunnel| tunnel.legs.as_slice()).unwrap_or_default();
    legs.iter().filter_map(|leg| leg.credential.as_ref()).any(names_somebody)
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

/// The attempt at the job itself that its row says: the last one, or the one that was alone.
fn last<'o>(observations: &'o [Observation], row: &Verdict) -> Option<&'o Observation> {
    let of_row = || observations.iter().filter(|seen| seen.job() == row.job);
    match row.alone {
        Some(time) => of_row().find(|seen| seen.follow_up() == Some(Ask::Alone(time))),
        None => of_row()
            .filter(|seen| seen.follow_up().is_none() && !seen.is_try_cut_off())
            .max_by_key(|seen| seen.attempt()),
    }
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
