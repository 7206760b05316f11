//! Handshakes that end before an answer: whether the name is to blame, the address, or the hello itself.

use super::{Latest, about, address, last, on_route, route_of, take};
use crate::judge::chain::ChainJudge;
use crate::judge::row::{chain_verdict, judge_attempt};
use crate::judge::{Cause, Grounds, Status, Verdict};
use crate::observation::{Ask, Fault, FollowUp, Observation, Stage};
use crate::plan::{JobId, PlannedRoute};

/// Rows of one route that are asked about; a filter that stops more stops them for the same reason.
const MOST_ROWS: usize = 16;

/// The alerts of peers that do not like the version, or nothing that was offered.
const VERSION_ALERTS: [u8; 2] = [70, 40];

/// What tells these rows' causes apart.
pub(super) fn questions(
    grounds: &Grounds<'_>,
    route: usize,
    verdicts: &[Verdict],
    observations: &Latest<'_>,
) -> Vec<FollowUp> {
    let has_control = grounds.plan.follow_ups.control.is_some();
    let mut asked = Vec::new();
    let mut rows = 0;
    let mut passing = passing(grounds, route, verdicts);
    if !grounds.plan.follow_ups.hellos && !on_route(grounds, route, verdicts).any(is_unanswered) {
        passing.clear();
    }
    for row in passing {
        let Some(seen) = last(observations, row.job) else { continue };
        let address = address(grounds, seen);
        asked.extend([Ask::SplitHello, Ask::LargeHello].map(|ask| FollowUp { address, ..FollowUp::new(row.job, ask) }));
    }
    for row in on_route(grounds, route, verdicts).filter(|row| row.status == Status::Blocked) {
        let Some(seen) = last(observations, row.job) else { continue };
        let address = address(grounds, seen);
        let is_reset = matches!(seen.fault(), Some((_, Fault::ResetByPeer { .. })));
        let ask = |ask| {
            // Asked for again, the row's own name would renew the grudge of a filter; so the other name goes first.
            let pauses = if is_reset { 1 + u32::from(ask != Ask::ControlName) } else { 0 };
            FollowUp { address, pauses, ..FollowUp::new(row.job, ask) }
        };
        if is_unanswered(row) && rows < MOST_ROWS {
            rows += 1;
            asked.extend(has_control.then(|| ask(Ask::ControlName)));
            asked.extend([Ask::SmallHello, Ask::PaddedHello, Ask::SplitHello, Ask::LargeHello].map(ask));
            // A proxy makes its own connection to the host, which nobody here can ask to be careful.
            if row.cause == Cause::TlsTimeoutAfterHello && grounds.plan.routes[route] == PlannedRoute::Direct {
                asked.push(ask(Ask::SmallSegments));
            }
            if rows == 1 && grounds.plan.routes[route] == PlannedRoute::Direct {
                asked.push(FollowUp::new(row.job, Ask::Nobody));
            }
        } else if is_about_version(row) && rows < MOST_ROWS {
            rows += 1;
            asked.push(ask(Ask::OldHello));
        }
    }
    asked
}

/// Rows whose handshake passes and that are asked with other hellos all the same: where the run was told to, all of them; on
/// a route on which somebody stops handshakes, one.
fn passing<'v>(grounds: &'v Grounds<'_>, route: usize, verdicts: &'v [Verdict]) -> Vec<&'v Verdict> {
    let most = if grounds.plan.follow_ups.hellos { MOST_ROWS } else { 1 };
    on_route(grounds, route, verdicts).filter(|row| is_passing(row)).take(most).collect()
}

fn is_passing(row: &Verdict) -> bool {
    row.chain.is_some() && matches!(row.status, Status::Ok | Status::Degraded)
}

/// Whether the handshake ended without a word from the peer.
pub(super) fn is_unanswered(row: &Verdict) -> bool {
    is_mute_ending(&row.cause)
}

pub(super) fn is_mute_ending(cause: &Cause) -> bool {
    matches!(
        cause,
        Cause::TlsRstAfterHello
            | Cause::TlsFinAfterHello
            | Cause::TlsTimeoutAfterHello
            | Cause::Proxy200ThenRst
            | Cause::Proxy200ThenClose
    )
}

fn is_about_version(row: &Verdict) -> bool {
    match row.cause {
        Cause::TlsLegacyOnly => true,
        Cause::TlsAlert(code) => VERSION_ALERTS.contains(&code),
        _ => false,
    }
}

/// Sharpens what the rows of `route` say by what other hellos met.
pub(super) fn weigh(
    grounds: &Grounds<'_>,
    chains: &ChainJudge,
    route: usize,
    verdicts: &mut [Verdict],
    beside: &[&Observation],
) {
    let beside: Vec<&Observation> =
        beside.iter().copied().filter(|seen| route_of(grounds, seen.job()) == route).collect();
    let is_tls_spoken = on_route(grounds, route, verdicts).any(|row| row.chain.is_some());
    let mut jobs: Vec<JobId> = beside.iter().map(|seen| seen.job()).collect();
    jobs.dedup();
    for job in jobs {
        let answers: Vec<&Observation> = about(&beside, job).collect();
        let verdict = &mut verdicts[job.0 as usize];
        if is_unanswered(verdict)
            && let Some(passing) = silence_passed(&answers)
        {
            take_back(grounds, chains, verdict, &passing);
        } else if is_unanswered(verdict) {
            let is_direct = grounds.plan.routes[route] == PlannedRoute::Direct;
            sharpen(grounds, verdict, &answers, is_tls_spoken && is_direct);
        } else if is_passing(verdict) {
            remark(verdict, &answers);
        } else if is_about_version(verdict)
            && let Some(old) = answers.iter().find(|seen| seen.follow_up() == Some(Ask::OldHello))
        {
            read_old(grounds, chains, verdict, old);
        }
    }
    accepts_everything(grounds, route, verdicts, &beside);
}

/// Whether a hello was answered. An alert is an answer to another name, and none to the same one.
fn is_answered(seen: &Observation, alerts_count: bool) -> bool {
    match seen.fault() {
        None => seen.tls().is_some(),
        Some((Stage::Tls, Fault::Alert { .. })) => alerts_count,
        Some(_) => false,
    }
}

/// Hellos that ask for the row's own name, each of another shape.
const OWN_NAME: [Ask; 4] = [Ask::SmallHello, Ask::PaddedHello, Ask::SplitHello, Ask::LargeHello];

/// Where every other hello for the row's own name gets through at the same place, nothing about name, shape or address stopped the
/// first one: a busy host may have, or a node among several. Gives the answers.
fn silence_passed<'o>(answers: &[&'o Observation]) -> Option<Vec<&'o Observation>> {
    let answer = |ask| answers.iter().copied().find(|seen| seen.follow_up() == Some(ask));
    OWN_NAME.into_iter().map(|ask| answer(ask).filter(|seen| is_answered(seen, ask == Ask::PaddedHello))).collect()
}

/// No rule is to blame. Whether data gets out was not asked again, unless somebody else signed one of the answers.
fn take_back(grounds: &Grounds<'_>, chains: &ChainJudge, verdict: &mut Verdict, answers: &[&Observation]) {
    let first = verdict.cause.code();
    let job = &grounds.plan.jobs[verdict.job.0 as usize];
    let mut opinions = answers.iter().map(|answer| judge_attempt(grounds, chains, job, answer));
    if let Some(opinion) = opinions.find(|opinion| opinion.status == Status::Intercepted) {
        take(verdict, opinion);
    } else {
        verdict.cause = Cause::Flaky;
        verdict.status = Status::Inconclusive;
        verdict.summary = format!(
            "{}: first {first}, and then every other hello for this name is answered",
            Cause::Flaky.facts().title
        );
    }
    verdict.evidence.push(
        "follow-up: four hellos of other shapes for the same name, at the same place, are all answered".to_owned(),
    );
}

fn sharpen(grounds: &Grounds<'_>, verdict: &mut Verdict, answers: &[&Observation], others_pass: bool) {
    let of = |ask: Ask| {
        // A connection that came no further than the way there says nothing of what was to be said on it.
        let seen = answers.iter().find(|seen| seen.follow_up() == Some(ask) && seen.step(Stage::Tls).is_some())?;
        // No server has to know the protocols of a padded hello, and one that says so was reached.
        Some(is_answered(seen, matches!(ask, Ask::ControlName | Ask::PaddedHello)))
    };
    let name = grounds.plan.follow_ups.control.as_ref().map_or("", |control| control.host.as_str());
    let asked = [
        (Ask::ControlName, format!("a hello for {name} on the same way")),
        (Ask::SmallHello, "a hello that offers TLS 1.2 alone".to_owned()),
        (Ask::PaddedHello, "one that offers TLS 1.2 alone and is as long as the usual one".to_owned()),
        (Ask::SplitHello, IN_PIECES.to_owned()),
        (Ask::LargeHello, LARGE.to_owned()),
        (Ask::SmallSegments, "the usual hello over a connection that takes small packets alone".to_owned()),
    ];
    for (ask, hello) in asked {
        if let Some(is_answered) = of(ask) {
            let became = if is_answered { "is answered" } else { "is not answered either" };
            verdict.evidence.push(format!("follow-up: {hello} {became}"));
        }
    }
    let is_name_to_blame = of(Ask::ControlName) == Some(true);
    // Where another hello is answered too, it was not the packets: or the first silence was a passing one.
    let no_other_is_answered = [Ask::ControlName, Ask::SmallHello, Ask::PaddedHello, Ask::SplitHello, Ask::LargeHello]
        .into_iter()
        .all(|ask| of(ask) != Some(true));
    let is_about_packets = of(Ask::SmallSegments) == Some(true) && no_other_is_answered;
    let cause = if is_about_packets && verdict.cause == Cause::TlsTimeoutAfterHello {
        Cause::TlsPmtu
    } else if is_name_to_blame {
        Cause::TlsSniFiltered
    } else if of(Ask::SmallHello) == Some(true) && of(Ask::PaddedHello) == Some(false) {
        Cause::TlsLargeHello
    } else if of(Ask::SmallHello) == Some(true) && of(Ask::LargeHello) != Some(true) {
        Cause::TlsTls13Intolerant
    } else if of(Ask::ControlName) == Some(false)
        && [Ask::SmallHello, Ask::SplitHello, Ask::LargeHello].into_iter().all(|ask| of(ask) == Some(false))
        && of(Ask::PaddedHello) != Some(true)
        && others_pass
    {
        Cause::TlsIpFiltered
    } else {
        return;
    };
    if cause == Cause::TlsIpFiltered && matches!(verdict.cause, Cause::TlsRstAfterHello) {
        verdict.evidence.push(
            "after a reset some filters by name stop the whole address for a minute or two, which looks the same: if other \
             names get an answer at this address later, it is a rule by name"
                .to_owned(),
        );
    }
    verdict.summary = format!("{}: {}", cause.facts().title, verdict.summary);
    verdict.cause = cause;
}

const IN_PIECES: &str = "the same hello in two pieces";
const LARGE: &str = "a hello of post-quantum size";

/// What stops other hellos than the row's own, which passes. It says so only of what was begun and got not one byte back.
fn remark(verdict: &mut Verdict, answers: &[&Observation]) {
    let mut is_stopped = |ask: Ask, hello: &str| {
        let Some(seen) = answers.iter().find(|seen| seen.follow_up() == Some(ask)) else { return false };
        let is_dropped = matches!(
            seen.fault(),
            Some((
                Stage::Tls,
                Fault::ResetByPeer { received: 0 }
                    | Fault::ClosedByPeer { received: 0 }
                    | Fault::TimedOut { received: 0 }
            ))
        );
        if is_dropped || is_answered(seen, true) {
            let became = if is_dropped { "is not answered" } else { "is answered too" };
            verdict.evidence.push(format!("follow-up: {hello} {became}"));
        }
        is_dropped
    };
    let (in_pieces, large) = (is_stopped(Ask::SplitHello, IN_PIECES), is_stopped(Ask::LargeHello, LARGE));
    // A large hello travels in two packets: where no two are put together, its size is not to blame.
    if in_pieces {
        verdict.remarks.push(Cause::TlsSplitHello);
    } else if large {
        verdict.remarks.push(Cause::TlsLargeHello);
    }
}

/// An old server's certificate. Nothing proves that it is its own, and it says all the same who stands there.
fn read_old(grounds: &Grounds<'_>, chains: &ChainJudge, verdict: &mut Verdict, old: &Observation) {
    let Some(tls) = old.tls() else { return };
    let Some(version) = tls.version.as_deref().filter(|_| !tls.chain.is_empty()) else { return };
    verdict.evidence.push(format!("follow-up: an old hello is answered with {version}, and with a certificate"));
    let is_old = matches!(version, "SSL 3.0" | "TLS 1.0" | "TLS 1.1");
    if is_old && verdict.cause != Cause::TlsLegacyOnly {
        verdict.cause = Cause::TlsLegacyOnly;
        verdict.summary = format!("{}: {}", Cause::TlsLegacyOnly.facts().title, verdict.summary);
    }
    if verdict.chain.is_some() {
        return;
    }
    let endpoint = &grounds.catalogue.endpoints[grounds.plan.jobs[verdict.job.0 as usize].endpoint];
    verdict.chain = chain_verdict(grounds, chains, endpoint, old);
    verdict.evidence.extend(verdict.chain.iter().flat_map(|chain| chain.evidence.iter().cloned()));
}

/// A connection to an address that nobody has says that the others' connections prove nothing.
fn accepts_everything(grounds: &Grounds<'_>, route: usize, verdicts: &mut [Verdict], beside: &[&Observation]) {
    let is_accepted = |seen: &&&Observation| {
        seen.follow_up() == Some(Ask::Nobody) && seen.tcp().is_some_and(|tcp| tcp.carried.is_some())
    };
    if !beside.iter().any(|seen| is_accepted(&seen)) {
        return;
    }
    for verdict in verdicts.iter_mut() {
        let is_stopped = verdict.status == Status::Blocked && matches!(verdict.stage, Stage::Tls | Stage::Http);
        if is_stopped && route_of(grounds, verdict.job) == route {
            verdict.remarks.push(Cause::TcpAcceptsEverything);
            verdict
                .evidence
                .push("follow-up: 192.0.2.1, which is nobody's address, accepts a connection too".to_owned());
        }
    }
}
