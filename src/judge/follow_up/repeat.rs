//! The same question once more: whether a proxy means what it did, or does otherwise on its next connection.
//!
//! A balancer may lead to nodes that are set up differently. Then one of them refuses a login that another takes, or inspects
//! what another leaves alone, and it looks as if that were about the hosts that happened to be led there.

use std::collections::BTreeSet;

use super::{LastSeen, about, address, last, on_route, route_of};
use crate::judge::chain::ChainJudge;
use crate::judge::opinion::Opinion;
use crate::judge::refused::is_let_through;
use crate::judge::{Cause, Connections, Grounds, Status, Verdict, refused, row};
use crate::observation::{Ask, Fault, FollowUp, Observation};
use crate::plan::JobId;

/// How often a question is repeated: of two nodes, three connections meet the same one once in four times.
const TIMES: u8 = 2;

/// Rows of one route that are asked again because their login was refused.
const MOST_REFUSED: usize = 16;

/// Rows of one route that are asked again because others are inspected.
const MOST_LEFT_ALONE: usize = 2;

/// Rows whose login was refused although it is known to be right, and samples of both sides where only some are inspected.
pub(super) fn questions(
    grounds: &Grounds<'_>,
    route: usize,
    verdicts: &[Verdict],
    observations: &LastSeen<'_>,
) -> Vec<FollowUp> {
    let rows = || on_route(grounds, route, verdicts);
    let seen = |row: &Verdict| last(observations, row);
    // A login of which nobody knows that it is right is not sent again: a wrong one would lock the account.
    let is_known = rows().any(|row| row.cause != Cause::PauthDeniedAfterAuth && seen(row).is_some_and(is_let_through));
    let is_asked_again = |row: &&Verdict| is_refused(row, || seen(row)) && (is_known || !is_denied(row, || seen(row)));
    let refused = rows().filter(is_asked_again).take(MOST_REFUSED);
    let inspected = rows().find(|row| row.connections.inspected > 0);
    let left_alone = rows().filter(|row| row.connections.inspected == 0 && row.connections.left_alone > 0);
    let mut samples: Vec<&Verdict> = left_alone.take(MOST_LEFT_ALONE).collect();
    match inspected {
        // Where nothing is left alone there is no list of hosts to be mistaken about.
        Some(inspected) if !samples.is_empty() => samples.insert(0, inspected),
        Some(_) | None => samples.clear(),
    }
    let again = |row: &Verdict| {
        // The direct route's other addresses are asked on their own account.
        let address = seen(row).and_then(|seen| address(grounds, seen));
        let job = row.job;
        (1..=TIMES).map(move |time| FollowUp { address, ..FollowUp::new(job, Ask::Repeat(time)) })
    };
    refused.chain(samples).flat_map(again).collect()
}

/// Whether the proxy refused this row with a login that it takes for others: it asked for one again, or said no. A login that may
/// be wrong is never sent twice: such rows have another cause.
fn is_refused<'o>(row: &Verdict, seen: impl FnOnce() -> Option<&'o Observation>) -> bool {
    matches!(row.cause, Cause::PauthDeniedAfterAuth | Cause::PauthIntermittent)
        && row.status == Status::Blocked
        && seen().is_some_and(|seen| refusal(seen).is_some())
}

/// The same, by another status than 407.
fn is_denied<'o>(row: &Verdict, seen: impl FnOnce() -> Option<&'o Observation>) -> bool {
    row.cause == Cause::PauthDeniedAfterAuth && seen().and_then(refusal).is_some_and(|status| status != ASKED_AGAIN)
}

/// The status of a proxy that asks for a login.
const ASKED_AGAIN: u16 = 407;

/// The status by which the proxy refused a login, or a host to it.
fn refusal(seen: &Observation) -> Option<u16> {
    match seen.fault()? {
        (_, fault) if refused::is_refusal(fault) => Some(ASKED_AGAIN),
        (_, Fault::TunnelRefused { status }) => Some(*status),
        _ => None,
    }
}

/// Lets the repeated questions speak.
pub(super) fn weigh(
    grounds: &Grounds<'_>,
    chains: &ChainJudge,
    verdicts: &mut [Verdict],
    (attempts, beside): (&[Vec<&Observation>], &[&Observation]),
) {
    let repeats = |job: JobId| about(beside, job).filter(|seen| matches!(seen.follow_up(), Some(Ask::Repeat(_))));
    let mut asked_for_login: BTreeSet<JobId> = BTreeSet::new();
    for route in 0..grounds.plan.routes.len() {
        let of_route = |verdict: &Verdict| route_of(grounds, verdict.job) == route;
        let refused: Vec<JobId> = on_route(grounds, route, verdicts)
            .filter(|row| is_refused(row, || attempts[row.job.0 as usize].last().copied()))
            .map(|row| row.job)
            .collect();
        // A login that some row was refused, and let through with on another connection.
        let mut falters = verdicts.iter().any(|row| of_route(row) && row.cause == Cause::PauthIntermittent);
        let mut still_refused = Vec::new();
        for job in refused {
            let seen: Vec<&Observation> = repeats(job).collect();
            let place = job.0 as usize;
            asked_for_login.insert(job);
            let before: Vec<u16> = attempts[place].iter().copied().filter_map(refusal).collect();
            let Some(status) = before.last().copied() else { continue };
            match again(grounds, chains, &mut verdicts[place], &seen, (status, before.len())) {
                Again::Taken => falters = true,
                Again::Refused => still_refused.push((job, status)),
            }
        }
        for (job, status) in still_refused.into_iter().filter(|_| falters) {
            let verdict = &mut verdicts[job.0 as usize];
            verdict.cause = Cause::PauthIntermittent;
            verdict.summary = format!("{}: {status} {EVERY_TIME_HERE}", Cause::PauthIntermittent.facts().title);
        }
    }
    for verdict in verdicts.iter_mut().filter(|verdict| !asked_for_login.contains(&verdict.job)) {
        let seen: Vec<&Observation> = repeats(verdict.job).collect();
        compare_chains(grounds, chains, verdict, &seen);
    }
}

const EVERY_TIME_HERE: &str = "each time for this host, and for another host only now and then, so that nobody can tell whether \
    this host is denied";

/// What became of a login that was asked for again.
enum Again {
    Taken,
    Refused,
}

/// Asks what became of a row whose login was refused: by which status, and how often before it was asked again.
fn again(
    grounds: &Grounds<'_>,
    chains: &ChainJudge,
    verdict: &mut Verdict,
    repeats: &[&Observation],
    (status, before): (u16, usize),
) -> Again {
    let job = &grounds.plan.jobs[verdict.job.0 as usize];
    let refusals = repeats.iter().filter(|seen| refusal(seen).is_some()).count();
    let taken: Vec<Opinion> = repeats
        .iter()
        .filter(|seen| is_let_through(seen))
        .map(|seen| row::judge_attempt(grounds, chains, job, seen))
        .collect();
    let (refused, all) = (before + refusals, before + refusals + taken.len());
    if refusals > 0 || !taken.is_empty() {
        verdict.evidence.push(format!(
            "follow-up: asked again with the same login, {}",
            match (refusals, taken.len()) {
                (times, 0) => format!("the proxy answers {status} {} more", told(times)),
                (0, times) => format!("the proxy lets it through {}", told(times)),
                (refused, taken) =>
                    format!("the proxy answers {status} {} and lets it through {}", told(refused), told(taken)),
            }
        ));
    }
    for opinion in &taken {
        verdict.connections.count(opinion.chain.as_ref());
    }
    // What is worst of what lies behind the proxy counts, as it does for rows that nobody refused.
    let Some(behind) = taken.into_iter().max_by_key(|opinion| opinion.status) else {
        if refusals > 0 && verdict.cause == Cause::PauthDeniedAfterAuth {
            verdict.summary = format!(
                "{}: {status} on each of {all} connections, although the proxy takes the same login for other hosts",
                Cause::PauthDeniedAfterAuth.facts().title
            );
        }
        return Again::Refused;
    };
    verdict.evidence.extend(behind.chain.iter().flat_map(|chain| chain.evidence.iter().cloned()));
    let gets_through = matches!(behind.status, Status::Ok | Status::Degraded);
    let mut detail = format!("{status} on {refused} of {all} connections");
    if !gets_through {
        detail = format!("{detail}; where it is taken: {}", behind.summary());
    }
    if behind.status == Status::Intercepted {
        verdict.summary = format!("{}, and the login is refused on {refused} of {all} connections", behind.summary());
        verdict.cause = behind.cause;
        verdict.stage = behind.stage;
        verdict.product = behind.product;
        verdict.status = Status::Intercepted;
    } else {
        verdict.status = if gets_through { Status::Degraded } else { behind.status };
        verdict.cause = Cause::PauthIntermittent;
        verdict.summary = format!("{}: {detail}", Cause::PauthIntermittent.facts().title);
    }
    verdict.chain = behind.chain;
    Again::Taken
}

fn told(times: usize) -> String {
    match times {
        1 => "once".to_owned(),
        2 => "twice".to_owned(),
        many => format!("{many} times"),
    }
}

/// Holds the row's chain against those that its repeats showed. What was inspected once is inspected.
fn compare_chains(grounds: &Grounds<'_>, chains: &ChainJudge, verdict: &mut Verdict, repeats: &[&Observation]) {
    let job = &grounds.plan.jobs[verdict.job.0 as usize];
    let own = verdict.connections;
    if own.inspected + own.left_alone == 0 {
        return;
    }
    let mut now = Connections::default();
    let mut worst: Option<Opinion> = None;
    for seen in repeats {
        let opinion = row::judge_attempt(grounds, chains, job, seen);
        now.count(opinion.chain.as_ref());
        if opinion.status == Status::Intercepted {
            worst = worst.or(Some(opinion));
        }
    }
    if now.inspected + now.left_alone == 0 {
        return;
    }
    verdict.connections.inspected += now.inspected;
    verdict.connections.left_alone += now.left_alone;
    let (inspected, all) =
        (verdict.connections.inspected, verdict.connections.inspected + verdict.connections.left_alone);
    verdict.evidence.push(match inspected {
        0 => format!("follow-up: TLS is left alone on each of {all} connections to this host"),
        _ if inspected == all => format!("follow-up: TLS is inspected on each of {all} connections to this host"),
        _ => format!("follow-up: TLS is inspected on {inspected} of {all} connections to this host"),
    });
    if !verdict.connections.differ() {
        return;
    }
    if let Some(worst) = worst.filter(|_| verdict.status != Status::Intercepted) {
        verdict.evidence.extend(worst.chain.iter().flat_map(|chain| chain.evidence.iter().cloned()));
        verdict.summary = worst.summary();
        verdict.status = Status::Intercepted;
        verdict.cause = worst.cause;
        verdict.stage = worst.stage;
        verdict.product = worst.product;
        verdict.chain = worst.chain;
    }
    verdict.summary = format!("{}, on {inspected} of {all} connections", verdict.summary);
}
