//! Handshakes that end before an answer: whether the name is to blame, the address, or the hello itself.

use super::{LastSeen, about, address, last, on_route, route_of, take};
use crate::judge::chain::ChainJudge;
use crate::judge::clients::OldSuite;
use crate::judge::row::{judge_attempt, unproved_chain_verdict};
use crate::judge::{ByProfile, Cause, Grounds, Status, Verdict, clients, row};
use crate::observation::{Ask, Fault, FollowUp, Observation, Stage};
use crate::plan::{ClientProfile, JobId, PlannedRoute};

/// Rows of one route that are asked about; a filter that stops more stops them for the same reason.
const MOST_ROWS: usize = 16;

/// The alerts of peers that do not like the version, or nothing that was offered: `protocol_version`, `handshake_failure`,
/// `insufficient_security`.
const VERSION_ALERTS: [u8; 3] = [70, 40, 71];

/// What tells these rows' causes apart.
pub(super) fn questions(
    grounds: &Grounds<'_>,
    (profile, route): (ClientProfile, usize),
    verdicts: &[Verdict],
    observations: &LastSeen<'_>,
) -> Vec<FollowUp> {
    let has_control = grounds.plan.follow_ups.control.is_some();
    let mut asked = Vec::new();
    let mut rows = 0;
    let mut passing = passing(grounds, route, verdicts);
    if !grounds.plan.follow_ups.hellos && !on_route(grounds, route, verdicts).any(is_unanswered) {
        passing.clear();
    }
    for row in passing {
        let Some(seen) = last(observations, row) else { continue };
        let address = address(grounds, seen);
        let others = OTHER_SHAPES.iter().filter(|ask| is_of(profile, **ask));
        asked.extend(others.map(|ask| FollowUp { address, ..FollowUp::new(row.job, *ask) }));
    }
    let is_open = |row: &&Verdict| row.status == Status::Blocked || row.cause == Cause::Inconclusive;
    for row in on_route(grounds, route, verdicts).filter(is_open) {
        let Some(seen) = last(observations, row) else { continue };
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
            // What the other profile sent is not asked for again.
            let is_known =
                |shape: Ask| shape == Ask::SmallHello && grounds.plan.profiles.contains(&ClientProfile::Tls12);
            let shapes = OWN_NAME.iter().copied().filter(|shape| is_of(profile, *shape) && !is_known(*shape));
            asked.extend(shapes.map(ask));
            // Some servers close the connection where others send an alert.
            if row.cause != Cause::TlsTimeoutAfterHello {
                asked.extend(OLD_HELLOS.map(ask));
            }
            // A proxy makes its own connection to the host, which nobody here can ask to be careful.
            if row.cause == Cause::TlsTimeoutAfterHello && grounds.plan.routes[route] == PlannedRoute::Direct {
                asked.push(ask(Ask::SmallSegments));
            }
            if rows == 1 && grounds.plan.routes[route] == PlannedRoute::Direct {
                asked.push(FollowUp::new(row.job, Ask::Nobody));
            }
        } else if is_about_version(row) {
            asked.extend(OLD_HELLOS.map(ask));
            let is_known = profile == ClientProfile::Tls12 || grounds.plan.profiles.contains(&ClientProfile::Tls12);
            asked.extend((!is_known).then(|| ask(Ask::SmallHello)));
        } else if seen.fault().is_some_and(|(_, fault)| *fault == Fault::DowngradeMark) {
            asked.extend((!grounds.plan.profiles.contains(&ClientProfile::Tls12)).then(|| ask(Ask::SmallHello)));
        }
    }
    asked
}

/// Hellos that no profile can finish: with the suites of every Schannel, and with all that old servers knew.
const OLD_HELLOS: [Ask; 2] = [Ask::SharedHello, Ask::OldHello];

/// What a handshake that passes may be asked in.
const OTHER_SHAPES: [Ask; 2] = [Ask::SplitHello, Ask::LargeHello];

/// Whether devices of the profile might send a hello of this shape. TLS 1.2 has no post-quantum key exchange, and is small.
fn is_of(profile: ClientProfile, shape: Ask) -> bool {
    profile == ClientProfile::Tls13 || !matches!(shape, Ask::SmallHello | Ask::LargeHello)
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
    row.cause.is_mute_ending()
}

pub(super) fn is_about_version(row: &Verdict) -> bool {
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
    seen: &ByProfile<'_>,
) {
    let profile = seen.profile;
    let others: Vec<(JobId, &Observation)> = seen
        .others
        .iter()
        .flatten()
        .filter(|other| other.step(Stage::Tls).is_some())
        .map(|other| (other.job(), *other))
        .collect();
    let other = |job: JobId| others.binary_search_by_key(&job, |(job, _)| *job).ok().map(|place| others[place].1);
    for verdict in verdicts.iter_mut().filter(|row| route_of(grounds, row.job) == route) {
        if is_marked(seen.attempts[verdict.job.0 as usize].last().copied()) {
            let small = about(&seen.beside, verdict.job).find(|answer| answer.follow_up() == Some(Ask::SmallHello));
            read_without_tls13(grounds, chains, verdict, other(verdict.job).or(small));
        }
    }
    // What was asked alone is the row itself, and comes before these questions are chosen.
    let is_question = |seen: &&Observation| !matches!(seen.follow_up(), Some(Ask::Alone(_)));
    let beside: Vec<&Observation> =
        seen.beside.iter().copied().filter(|seen| route_of(grounds, seen.job()) == route).filter(is_question).collect();
    let is_tls_spoken = on_route(grounds, route, verdicts).any(|row| row.chain.is_some());
    let mut jobs: Vec<JobId> = beside.iter().map(|seen| seen.job()).collect();
    jobs.dedup();
    for job in jobs {
        let answers: Vec<&Observation> = about(&beside, job).collect();
        let verdict = &mut verdicts[job.0 as usize];
        let old = old_answer(&answers);
        if is_unanswered(verdict)
            && let Some(passing) = silence_passed(profile, &answers, other(job))
        {
            take_back(grounds, chains, verdict, &passing);
        } else if is_unanswered(verdict) && !is_answered_by_others(profile, &answers, other(job)) && old.is_some() {
            read_old(grounds, chains, profile, verdict, &answers);
        } else if is_unanswered(verdict) {
            let is_direct = grounds.plan.routes[route] == PlannedRoute::Direct;
            let control = seen.controls.iter().find(|control| control.job() == job).copied();
            sharpen(
                grounds,
                verdict,
                &answers,
                Beside { profile, control, other: other(job), others_pass: is_tls_spoken && is_direct },
            );
        } else if is_passing(verdict) {
            remark(verdict, &answers);
        } else if is_about_version(verdict) && is_small_answered(profile, &answers, other(job)) {
            verdict.evidence.push("a handshake that offers TLS 1.2 at most is answered".to_owned());
            verdict.summary = format!("{}: {}", Cause::TlsTls13Intolerant.facts().title, verdict.summary);
            verdict.cause = Cause::TlsTls13Intolerant;
        } else if is_about_version(verdict) && old.is_some() {
            read_old(grounds, chains, profile, verdict, &answers);
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
fn silence_passed<'o>(
    profile: ClientProfile,
    answers: &[&'o Observation],
    other: Option<&'o Observation>,
) -> Option<Vec<&'o Observation>> {
    let answer = |ask| {
        let asked = answers.iter().copied().find(|seen| seen.follow_up() == Some(ask));
        // The other profile's own hello is the small one.
        if ask == Ask::SmallHello { asked.or(other) } else { asked }
    };
    let own = OWN_NAME.into_iter().filter(|ask| is_of(profile, *ask));
    own.map(|ask| answer(ask).filter(|seen| is_answered(seen, ask == Ask::PaddedHello))).collect()
}

/// Whether some other hello that this program can finish was answered.
fn is_answered_by_others(profile: ClientProfile, answers: &[&Observation], other: Option<&Observation>) -> bool {
    let is_own =
        |seen: &Observation| seen.follow_up().is_some_and(|ask| ask == Ask::ControlName || OWN_NAME.contains(&ask));
    is_small_answered(profile, answers, other) || answers.iter().any(|seen| is_own(seen) && is_answered(seen, false))
}

/// Whether a peer that does not answer an offer of TLS 1.3 answers one of TLS 1.2.
fn is_small_answered(profile: ClientProfile, answers: &[&Observation], other: Option<&Observation>) -> bool {
    let small = answers.iter().copied().find(|seen| seen.follow_up() == Some(Ask::SmallHello)).or(other);
    profile == ClientProfile::Tls13 && small.is_some_and(|small| is_answered(small, false))
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

/// What is known beside the answers to a row's own questions.
#[derive(Clone, Copy)]
struct Beside<'o> {
    profile: ClientProfile,
    /// How the other profile fared with the control's name at this address.
    control: Option<&'o Observation>,
    /// How it fared with the row's own name.
    other: Option<&'o Observation>,
    /// Other rows of this route speak TLS.
    others_pass: bool,
}

fn sharpen(grounds: &Grounds<'_>, verdict: &mut Verdict, answers: &[&Observation], beside: Beside<'_>) {
    let Beside { profile, control, other, others_pass } = beside;
    // An address that answers one client for another name stops nobody by address. Some filters stop a client for a while after a refused name.
    let control_is_answered = control.is_some_and(|control| is_answered(control, true));
    let of = |ask: Ask| {
        if ask == Ask::ControlName && control_is_answered {
            return Some(true);
        }
        // A connection that came no further than the way there says nothing of what was to be said on it.
        let asked = answers.iter().find(|seen| seen.follow_up() == Some(ask) && seen.step(Stage::Tls).is_some());
        // The other profile's own hello is the small one.
        let lent = other.filter(|_| ask == Ask::SmallHello && profile == ClientProfile::Tls13);
        let seen = asked.copied().or(lent)?;
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
        && [Ask::SmallHello, Ask::SplitHello, Ask::LargeHello]
            .into_iter()
            .filter(|ask| is_of(profile, *ask))
            .all(|ask| of(ask) == Some(false))
        // The address answers the other profile's hello.
        && !other.is_some_and(|other| is_answered(other, true))
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

/// The peer's answer to an old hello, where it showed a certificate: to the one that every Schannel sends first.
fn old_answer<'o>(answers: &[&'o Observation]) -> Option<&'o Observation> {
    let answer = |ask| {
        let asked = answers.iter().copied().find(|seen| seen.follow_up() == Some(ask));
        asked.filter(|seen| seen.tls().is_some_and(|tls| tls.version.is_some() && !tls.chain.is_empty()))
    };
    OLD_HELLOS.into_iter().find_map(answer)
}

/// What answers an old hello. Nothing proves that the certificate is its own, and the chain says all the same who answers there: one
/// that leads to somebody else's root is theirs; for any other, the suites that Windows offers decide.
fn read_old(
    grounds: &Grounds<'_>,
    chains: &ChainJudge,
    profile: ClientProfile,
    verdict: &mut Verdict,
    answers: &[&Observation],
) {
    let Some(old) = old_answer(answers) else { return };
    let Some(tls) = old.tls() else { return };
    let version = tls.version.as_deref().unwrap_or_default();
    let suite =
        tls.cipher_suite.as_deref().and_then(|name| u16::from_str_radix(name.trim_start_matches("0x"), 16).ok());
    let with = suite.map_or_else(String::new, |suite| format!(" and cipher suite {suite:#06x}"));
    verdict.evidence.push(format!("follow-up: an old hello is answered with {version}{with}, and with a certificate"));
    let is_old = matches!(version, "SSL 3.0" | "TLS 1.0" | "TLS 1.1");
    let endpoint = &grounds.catalogue.endpoints[grounds.plan.jobs[verdict.job.0 as usize].endpoint];
    let Some(chain) = unproved_chain_verdict(grounds, chains, endpoint, old) else { return };
    let is_open = matches!(chain.status, Status::Ok | Status::Degraded) || chain.cause == Cause::ChainWrongClass;
    if chain.status == Status::Intercepted || !(is_old || is_open) {
        verdict.connections.count(Some(&chain));
        take(verdict, row::of_unproved_chain(&chain));
        return;
    }
    verdict.evidence.extend(chain.evidence.iter().cloned());
    verdict.chain = Some(chain);
    match suite {
        Some(suite) if !is_old => {
            let took = if old.follow_up() == Some(Ask::SharedHello) { OldSuite::Shared } else { OldSuite::Took(suite) };
            clients::settle_suite(grounds, profile, verdict, took);
        }
        _ if verdict.cause != Cause::TlsLegacyOnly => {
            verdict.cause = Cause::TlsLegacyOnly;
            verdict.stage = Stage::Tls;
            verdict.summary = format!("{}: {}", Cause::TlsLegacyOnly.facts().title, verdict.summary);
        }
        _ => {}
    }
}

/// Whether the peer chose TLS 1.2 with the mark of a server that could speak 1.3.
fn is_marked(seen: Option<&Observation>) -> bool {
    seen.and_then(Observation::fault).is_some_and(|(_, fault)| *fault == Fault::DowngradeMark)
}

/// A mark that somebody copied hides whose certificate is shown; a handshake that offers TLS 1.2 alone shows it.
fn read_without_tls13(grounds: &Grounds<'_>, chains: &ChainJudge, verdict: &mut Verdict, small: Option<&Observation>) {
    let Some(small) = small.filter(|small| small.tls().is_some_and(|tls| !tls.chain.is_empty())) else { return };
    let job = &grounds.plan.jobs[verdict.job.0 as usize];
    let opinion = judge_attempt(grounds, chains, job, small);
    verdict.evidence.push("a handshake that offers TLS 1.2 at most shows a certificate".to_owned());
    if opinion.status == Status::Intercepted || opinion.cause == Cause::TlsBadSignature {
        take(verdict, opinion);
    } else {
        // Windows may refuse the mark as this program does, or not look at it: that is published nowhere.
        verdict.evidence.extend(opinion.chain.iter().flat_map(|chain| chain.evidence.iter().cloned()));
    }
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
