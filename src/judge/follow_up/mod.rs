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

pub(super) use alone::Limits;
pub(super) use control::doubts;

use std::collections::{HashMap, HashSet};
use std::net::SocketAddr;

use super::chain::ChainJudge;
use super::opinion::Opinion;
use super::{ByProfile, Grounds, Status, Verdict, clients};
use crate::observation::{Ask, Credential, FollowUp, Observation, Token};
use crate::plan::{ClientProfile, JobId, PlannedRoute};

/// The questions that the rows leave open, by the verdicts on what they saw. They are asked once; what their answers leave open
/// stays so.
///
/// Each profile asks about what it met. What holds for every profile (a name server, a proxy that refuses, the control) is
/// asked once.
#[must_use]
pub fn follow_ups(grounds: &Grounds<'_>, verdicts: &[Verdict], observations: &[Observation]) -> Vec<FollowUp> {
    let plan = grounds.plan;
    if !plan.follow_ups.wanted {
        return Vec::new();
    }
    let mut known: HashSet<FollowUp> = HashSet::new();
    let mut all = Vec::new();
    for profile in clients::asked(plan) {
        let met = clients::as_met_by(profile, verdicts);
        let seen = LastSeen::by(profile, grounds, observations);
        let of_route = |route| {
            let control = control::questions(grounds, route, &met);
            control
                .into_iter()
                .chain(handshake::questions(grounds, (profile, route), &met, &seen))
                .chain(names::questions(grounds, route, &met, &seen))
                .chain(upload::questions(grounds, route, &met))
                .chain(repeat::questions(grounds, route, &met, &seen))
                .chain(addresses::questions(grounds, route, &met, &seen))
        };
        for asked in (0..plan.routes.len()).flat_map(of_route) {
            let own = last(&seen, &met[asked.about.0 as usize]).and_then(Observation::profile);
            let asked = FollowUp { profile: own.filter(|_| is_about_the_hello(asked.ask)), ..asked };
            if known.insert(asked) {
                all.push(asked);
            }
        }
    }
    all
}

/// Whether the answer may differ from one profile to the next.
fn is_about_the_hello(ask: Ask) -> bool {
    match ask {
        Ask::ControlName
        | Ask::SmallHello
        | Ask::PaddedHello
        | Ask::SplitHello
        | Ask::LargeHello
        | Ask::SmallSegments
        | Ask::WayBy(_)
        | Ask::Upload(_)
        | Ask::Address(_)
        | Ask::Repeat(_)
        | Ask::Alone(_) => true,
        Ask::Control | Ask::ControlTunnel | Ask::OldHello | Ask::SharedHello | Ask::Nobody | Ask::Names(_) => false,
    }
}

/// Rows that failed beside others and are to be asked alone, before any other follow-up; asked again after each round.
///
/// Each profile asks for the rows that it failed on. Where a row failed before any handshake, the first profile goes ahead: if it
/// fails there again, it does so for all of them.
#[must_use]
pub fn to_ask_alone(grounds: &Grounds<'_>, verdicts: &[Verdict], observations: &[Observation]) -> Vec<FollowUp> {
    alone::questions(grounds, verdicts, observations)
}

/// Lets the answers to the follow-ups, in the order of their jobs, speak for one profile's verdicts. `limits` are known from all profiles.
pub(super) fn weigh(
    grounds: &Grounds<'_>,
    chains: &ChainJudge,
    verdicts: &mut [Verdict],
    seen: &ByProfile<'_>,
    limits: &Limits,
) {
    let (attempts, beside) = (seen.attempts.as_slice(), seen.beside.as_slice());
    for seen in beside {
        let verdict = &mut verdicts[seen.job().0 as usize];
        verdict.follow_ups += 1;
        verdict.heard_beside += usize::from(is_heard(seen));
    }
    alone::leave_open(grounds, verdicts, seen, limits);
    let open = cut_off::open(grounds, verdicts, &seen.not_asked);
    for route in 0..grounds.plan.routes.len() {
        let outcomes = control::outcomes(grounds, route, beside);
        control::weigh(grounds, route, verdicts, &outcomes);
        denial::weigh(grounds, route, verdicts, &outcomes);
        handshake::weigh(grounds, chains, route, verdicts, seen);
    }
    names::weigh(grounds, chains, verdicts, beside);
    upload::weigh(verdicts, beside);
    repeat::weigh(grounds, chains, verdicts, (attempts, beside));
    addresses::weigh(grounds, chains, verdicts, (attempts, beside));
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

/// What a row of one profile may say: the last attempt at each job, and what came of each that was asked alone.
struct LastSeen<'o> {
    own: Vec<Option<&'o Observation>>,
    alone: HashMap<(JobId, u8), &'o Observation>,
}

impl<'o> LastSeen<'o> {
    fn by(profile: ClientProfile, grounds: &Grounds<'_>, observations: &'o [Observation]) -> Self {
        let mut last = Self { own: vec![None; grounds.plan.jobs.len()], alone: HashMap::new() };
        for seen in observations.iter().filter(|seen| clients::counts_for(seen, profile)) {
            match seen.follow_up() {
                Some(Ask::Alone(time)) if !seen.was_cut_off() => {
                    last.alone.insert((seen.job(), time), seen);
                }
                Some(_) => {}
                None if seen.is_try_cut_off() => {}
                None => {
                    if let Some(place) = last.own.get_mut(seen.job().0 as usize)
                        && place.is_none_or(|known| known.attempt() <= seen.attempt())
                    {
                        *place = Some(seen);
                    }
                }
            }
        }
        last
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

/// The attempt at the job itself that its row says: the last one, or the one that was alone.
fn last<'o>(seen: &LastSeen<'o>, row: &Verdict) -> Option<&'o Observation> {
    let alone = row.alone.and_then(|time| seen.alone.get(&(row.job, time)).copied());
    alone.or_else(|| seen.own.get(row.job.0 as usize).copied().flatten())
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
