//! Rows that failed beside others of this run: what they are while nothing else of it is open.
//!
//! A proxy, a firewall or a DNS server may limit what one client does at once, and this program does more at once than Windows.
//! So a row that was denied, refused, reset or closed beside others is asked again alone; of rows that met silence, one. What
//! passes alone was stopped by a limit, and the row is what it is alone. A login goes out again only if the proxy took it for
//! another row of this run.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::{route_of, sent_login};
use crate::judge::chain::ChainJudge;
use crate::judge::refused::{is_let_through, is_refusal};
use crate::judge::{ByProfile, Cause, Grounds, Status, Verdict, clients, row};
use crate::observation::{Ask, FollowUp, Observation, Stage};
use crate::plan::{ClientProfile, Identity, JobId, PlannedRoute};

/// Rows of one group that are asked alone before it is known that there is a limit. Fifteen hosts are all asked.
const MAX_SAMPLE: usize = 16;

/// The same where the host was not named yet: every row asks the same machine for the same thing.
const MAX_SAMPLE_OF_MACHINE: usize = 2;

/// From so many rows at one peer on, that all of them pass alone is no accident. Fewer are asked alone three times: one of two
/// nodes that are set up differently looks like a limit once.
const MIN_ROWS: usize = 3;

/// How a row failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Failure {
    /// Denied, refused, reset or closed.
    Answered,
    Silent,
}

/// How a cause fails, if our own load may be behind it.
fn failure(cause: &Cause) -> Option<Failure> {
    Some(match cause {
        Cause::DnsRefused
        | Cause::DnsServfail
        | Cause::TcpRefused
        | Cause::TcpResetAfterConnect
        | Cause::TcpAdminProhibited
        | Cause::TcpHostUnreachable
        | Cause::TcpLocalDenied
        | Cause::ProxyTcpRefused
        | Cause::ProxyTcpAdminProhibited
        | Cause::ProxyTcpHostUnreachable
        | Cause::ProxyTcpLocalDenied
        | Cause::ProxyDenied403
        | Cause::ProxySocksDenied
        | Cause::ProxyBadRequest400
        | Cause::ProxyNotForwarding
        | Cause::ProxyRequestTimeout
        | Cause::ProxyRateLimited
        | Cause::ProxyUpstreamRefused
        | Cause::ProxyUpstreamUnreachable
        | Cause::ProxyUpstreamDns
        | Cause::ProxyUpstreamUnknown
        | Cause::ProxyEmpty
        | Cause::ProxyRst
        | Cause::Proxy200ThenClose
        | Cause::Proxy200ThenRst
        | Cause::PauthDeniedAfterAuth
        | Cause::TlsRstAfterHello
        | Cause::TlsFinAfterHello
        | Cause::HttpEmpty
        | Cause::HttpBlockPage
        | Cause::HttpMiddleboxStatus => Failure::Answered,
        Cause::DnsTimeout
        | Cause::TcpTimeout
        | Cause::ProxyTcpTimeout
        | Cause::ProxyTimeout
        | Cause::ProxyUpstreamTimeout
        | Cause::TlsTimeoutAfterHello
        | Cause::HttpTimeoutFirstByte => Failure::Silent,
        _ => return None,
    })
}

/// A machine that knows no host yet refuses each row for the same reason.
fn is_about_machine(cause: &Cause) -> bool {
    matches!(
        cause,
        Cause::ProxyTcpRefused
            | Cause::ProxyTcpAdminProhibited
            | Cause::ProxyTcpHostUnreachable
            | Cause::ProxyTcpLocalDenied
    )
}

/// Whether a limit of so many in a time, which needs a pause, looks like this. A status that denies is a policy's.
fn may_be_pace(cause: &Cause) -> bool {
    matches!(
        cause,
        Cause::DnsRefused
            | Cause::DnsServfail
            | Cause::TcpRefused
            | Cause::TcpResetAfterConnect
            | Cause::TcpAdminProhibited
            | Cause::TcpHostUnreachable
            | Cause::ProxyTcpRefused
            | Cause::ProxyTcpAdminProhibited
            | Cause::ProxyRateLimited
            | Cause::ProxyEmpty
            | Cause::ProxyRst
            | Cause::TlsRstAfterHello
            | Cause::TlsFinAfterHello
    )
}

/// The limit that a row ran into which failed in `stage` and passes alone.
fn limit(route: &PlannedRoute, stage: Stage) -> Cause {
    match (route.proxy(), stage) {
        (Some(_), _) => Cause::ProxyClientLimit,
        (None, Stage::Dns) => Cause::DnsClientLimit,
        (None, _) => Cause::TcpClientLimit,
    }
}

/// What shares a limit: a proxy's rows, the names of the direct route, its connections.
type Peer = (Option<String>, bool);

fn peer(route: &PlannedRoute, stage: Stage) -> Peer {
    let proxy = route.proxy().map(ToString::to_string);
    let is_name = proxy.is_none() && stage == Stage::Dns;
    (proxy, is_name)
}

/// A row that failed beside others.
struct Candidate<'v> {
    row: &'v Verdict,
    failure: Failure,
    /// Times that it was asked alone.
    asked: usize,
    is_flaky: bool,
}

/// Rows that are to be asked alone, by what is known so far: asked again with those answers, it names the next ones.
#[must_use]
pub(in crate::judge) fn questions(
    grounds: &Grounds<'_>,
    verdicts: &[Verdict],
    observations: &[Observation],
) -> Vec<FollowUp> {
    // Most runs end here, before anything is counted.
    let is_concerned = |row: &Verdict| {
        failure(failed_by(row)).is_some() || row.cause == Cause::Flaky || limited_peer(grounds, row).is_some()
    };
    if !grounds.plan.follow_ups.wanted || !clients::met_by_any(verdicts).any(is_concerned) {
        return Vec::new();
    }
    let limited = Limits::of(grounds, clients::met_by_any(verdicts)).limited;
    let taken = taken(grounds, observations);
    let mut known: BTreeSet<FollowUp> = BTreeSet::new();
    let mut all = Vec::new();
    for profile in clients::asked(grounds.plan) {
        let met = clients::as_met_by(profile, verdicts);
        let history = History::of(grounds, profile, observations, &taken);
        let asked = of_profile(grounds, &met, &history, &limited);
        all.extend(asked.into_iter().map(|asked| as_client(grounds, &history, asked)).filter(|one| known.insert(*one)));
    }
    all
}

/// The same question, asked as the client that `history` is about; over plain http all clients ask alike.
fn as_client(grounds: &Grounds<'_>, history: &History<'_>, asked: FollowUp) -> FollowUp {
    let job = &grounds.plan.jobs[asked.about.0 as usize];
    if grounds.plan.profiles.is_empty() || !grounds.catalogue.endpoints[job.endpoint].is_tls() {
        return asked;
    }
    let failed_for_all = history.own.get(&asked.about).is_some_and(|seen| seen.profile().is_none());
    let is_first = grounds.plan.profiles.first() == Some(&history.profile);
    FollowUp { profile: Some(history.profile), goes_ahead: failed_for_all && is_first, ..asked }
}

/// The rows that one profile has to ask alone.
fn of_profile(
    grounds: &Grounds<'_>,
    verdicts: &[Verdict],
    history: &History<'_>,
    limited: &BTreeSet<Peer>,
) -> Vec<FollowUp> {
    let mut groups: BTreeMap<(Peer, Option<Identity>, String), Vec<Candidate<'_>>> = BTreeMap::new();
    for row in verdicts {
        if let Some(candidate) = history.candidate(grounds, row) {
            let route = grounds.plan.route(grounds.job(row));
            let code = failed_by(row).code();
            groups.entry((peer(route, row.stage), route.identity(), code)).or_default().push(candidate);
        }
    }
    let mut failing: BTreeMap<&Peer, usize> = BTreeMap::new();
    for ((peer, ..), rows) in &groups {
        *failing.entry(peer).or_default() += rows.len();
    }
    let open = open(grounds, verdicts);
    let of_group = |((peer, ..), rows): (&(Peer, Option<Identity>, String), &Vec<Candidate<'_>>)| {
        let is_limited = limited.contains(peer);
        let is_single = rows.iter().any(|one| one.is_flaky) && failing.get(peer).is_none_or(|rows| *rows < MIN_ROWS);
        if is_single { Vec::new() } else { of_group(rows, is_limited, open.contains(peer)) }
    };
    let confirmed = confirmations(grounds, verdicts, history, &failing);
    groups.iter().flat_map(of_group).chain(confirmed).collect()
}

/// Rows that passed alone once, where too few failed for that to say much.
fn confirmations(
    grounds: &Grounds<'_>,
    verdicts: &[Verdict],
    history: &History<'_>,
    failing: &BTreeMap<&Peer, usize>,
) -> Vec<FollowUp> {
    let mut passing: BTreeMap<Peer, Vec<JobId>> = BTreeMap::new();
    for row in verdicts {
        if let Some(peer) = limited_peer(grounds, row) {
            passing.entry(peer).or_default().push(row.job);
        }
    }
    let are_few =
        |peer: &Peer, rows: &Vec<JobId>| rows.len() + failing.get(peer).copied().unwrap_or_default() < MIN_ROWS;
    let once = |job: &JobId| history.asked.get(job) == Some(&1);
    let again = |job: JobId| [2, 3].map(|time| FollowUp::new(job, Ask::Alone(time)));
    passing.retain(|peer, rows| are_few(peer, rows));
    passing.into_values().flatten().filter(once).flat_map(again).collect()
}

/// Where some row got through.
fn open(grounds: &Grounds<'_>, verdicts: &[Verdict]) -> BTreeSet<Peer> {
    let gets_through = |row: &&Verdict| matches!(row.status, Status::Ok | Status::Degraded | Status::Intercepted);
    let peers = |row: &Verdict| {
        let route = grounds.plan.route(grounds.job(row));
        [Stage::Dns, Stage::Http].map(|stage| peer(route, stage))
    };
    verdicts.iter().filter(gets_through).flat_map(peers).collect()
}

/// What a row said before a limit was known.
fn failed_by(row: &Verdict) -> &Cause {
    row.left_open.as_ref().unwrap_or(&row.cause)
}

/// What is asked of rows that failed in the same way, where a limit is known (`is_limited`) and where some row got through
/// (`is_open`).
fn of_group(rows: &[Candidate<'_>], is_limited: bool, is_open: bool) -> Vec<FollowUp> {
    let is_silent = rows.iter().any(|one| one.failure == Failure::Silent);
    let most = match rows.first() {
        _ if is_limited => usize::MAX,
        _ if is_silent => 1,
        Some(first) if is_about_machine(failed_by(first.row)) => MAX_SAMPLE_OF_MACHINE,
        Some(_) | None => MAX_SAMPLE,
    };
    let mut asked = Vec::new();
    for one in spread(rows, most) {
        let time = u8::try_from(one.asked + 1).unwrap_or(u8::MAX);
        // A second refusal may be the pace at which the rows are asked; one row tells, until a limit is known.
        let is_sample = is_open && rows.len() >= MIN_ROWS && asked.is_empty();
        let is_again = one.asked == 1 && may_be_pace(failed_by(one.row)) && (is_limited || is_sample);
        let is_worth_it = one.asked == 0 || is_again;
        if is_worth_it {
            let pauses = u32::from(one.asked == 1 && asked.is_empty());
            let ask = FollowUp::new(one.row.job, Ask::Alone(time));
            asked.push(FollowUp { pauses, is_brief: is_silent, ..ask });
        }
    }
    asked
}

/// At most so many of `rows`, from all over them.
fn spread<'a, 'v>(rows: &'a [Candidate<'v>], most: usize) -> Vec<&'a Candidate<'v>> {
    if rows.len() <= most {
        return rows.iter().collect();
    }
    (0..most).map(|number| &rows[number * rows.len() / most]).collect()
}

/// Who limits what one client does at once, as far as any profile's rows tell.
#[derive(Debug, Default)]
pub(in crate::judge) struct Limits {
    /// Where some row that failed beside others passed alone.
    limited: BTreeSet<Peer>,
    /// The same, where it took a pause before it passed.
    paced: BTreeSet<Peer>,
}

impl Limits {
    pub fn of<'v>(grounds: &Grounds<'_>, verdicts: impl IntoIterator<Item = &'v Verdict>) -> Self {
        let mut limits = Self::default();
        for row in verdicts {
            if let Some(peer) = limited_peer(grounds, row) {
                if row.alone.is_some_and(|time| time > 1) {
                    limits.paced.insert(peer.clone());
                }
                limits.limited.insert(peer);
            }
        }
        limits
    }
}

/// Who limits, where this row passed alone.
fn limited_peer(grounds: &Grounds<'_>, row: &Verdict) -> Option<Peer> {
    let is_limit =
        |cause: &&Cause| matches!(cause, Cause::ProxyClientLimit | Cause::TcpClientLimit | Cause::DnsClientLimit);
    let limit = row.remarks.iter().find(is_limit)?;
    let stage = if *limit == Cause::DnsClientLimit { Stage::Dns } else { Stage::Tcp };
    Some(peer(grounds.plan.route(grounds.job(row)), stage))
}

/// Logins that a proxy took, by proxy and identity.
type Taken = BTreeSet<(String, Identity)>;

fn taken(grounds: &Grounds<'_>, observations: &[Observation]) -> Taken {
    let login = |seen: &Observation| {
        let route = grounds.plan.route(grounds.plan.jobs.get(seen.job().0 as usize)?);
        let login = route.proxy().map(ToString::to_string).zip(route.identity())?;
        is_let_through(seen).then_some(login)
    };
    observations.iter().filter_map(login).collect()
}

/// What the run did with each row as one profile.
struct History<'o> {
    profile: ClientProfile,
    own: HashMap<JobId, &'o Observation>,
    /// The most that were open at once on any attempt.
    open: HashMap<JobId, u32>,
    asked: HashMap<JobId, usize>,
    taken: &'o Taken,
}

impl<'o> History<'o> {
    fn of(grounds: &Grounds<'_>, profile: ClientProfile, observations: &'o [Observation], taken: &'o Taken) -> Self {
        let mut history = Self { profile, own: HashMap::new(), open: HashMap::new(), asked: HashMap::new(), taken };
        let is_own = |seen: &&Observation| {
            (seen.job().0 as usize) < grounds.plan.jobs.len() && clients::counts_for(seen, profile)
        };
        for seen in observations.iter().filter(is_own) {
            let job = seen.job();
            match seen.follow_up() {
                None if seen.is_try_cut_off() => {}
                None => {
                    let known = history.own.entry(job).or_insert(seen);
                    if known.attempt() <= seen.attempt() {
                        *known = seen;
                    }
                    let open = history.open.entry(job).or_default();
                    *open = seen.open_at_once().unwrap_or_default().max(*open);
                }
                Some(Ask::Alone(_)) => *history.asked.entry(job).or_default() += 1,
                Some(_) => {}
            }
        }
        history
    }

    /// The row as one that may have failed for our own load, if it may be asked again.
    fn candidate<'v>(&self, grounds: &Grounds<'_>, row: &'v Verdict) -> Option<Candidate<'v>> {
        let seen = self.own.get(&row.job).filter(|_| row.alone.is_none())?;
        let was_beside = self.open.get(&row.job).is_some_and(|open| *open > 1);
        let is_flaky = row.cause == Cause::Flaky && row.status == Status::Degraded;
        let failure = if is_flaky { Failure::Answered } else { failure(failed_by(row))? };
        let is_accused = is_flaky || matches!(row.status, Status::Blocked | Status::Degraded | Status::Inconclusive);
        if !was_beside || !is_accused || !self.may_ask(grounds, row, seen) {
            return None;
        }
        Some(Candidate { row, failure, asked: self.asked.get(&row.job).copied().unwrap_or_default(), is_flaky })
    }

    /// Whether nothing that is made of a password would go out of which nobody knows that it is right.
    fn may_ask(&self, grounds: &Grounds<'_>, row: &Verdict, seen: &Observation) -> bool {
        if !sent_login(seen) {
            return true;
        }
        if seen.fault().is_some_and(|(_, fault)| is_refusal(fault)) {
            return false;
        }
        let was_answered = seen.tunnel().and_then(|tunnel| tunnel.legs.last()).is_some_and(|leg| leg.status.is_some());
        let is_past_proxy = seen.fault().is_none_or(|(stage, _)| stage > Stage::Proxy);
        let route = grounds.plan.route(grounds.job(row));
        let login = route.proxy().map(ToString::to_string).zip(route.identity());
        (was_answered || is_past_proxy) && login.is_some_and(|login| self.taken.contains(&login))
    }
}

/// What a row was beside others, that stands as it was alone.
pub(in crate::judge) struct Beside {
    cause: Cause,
    summary: String,
    open_at_once: u32,
    /// Which of the questions alone stands; `None` if the row ended alone as it did beside others.
    stands: Option<u8>,
    /// It passes alone: a limit stopped it.
    limit: Option<Cause>,
}

/// How a row ended alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    /// In another way, which may be as bad in the same stage.
    Passes {
        is_further: bool,
    },
    /// Not silent any more, and not let through.
    Answered,
    Alike,
    Untold,
}

/// Puts what came of rows alone in place of what came of them beside others, where that says more.
pub(in crate::judge) fn stand_in<'o>(
    grounds: &Grounds<'_>,
    chains: &ChainJudge,
    by: &mut ByProfile<'o>,
) -> BTreeMap<JobId, Beside> {
    let ByProfile { attempts, beside, .. } = by;
    let mut alone: BTreeMap<JobId, Vec<(u8, &'o Observation)>> = BTreeMap::new();
    for seen in beside.iter().copied() {
        if let Some(Ask::Alone(time)) = seen.follow_up() {
            alone.entry(seen.job()).or_default().push((time, seen));
        }
    }
    let mut changed = BTreeMap::new();
    for (id, mut answers) in alone {
        answers.sort_unstable_by_key(|(time, _)| *time);
        let Some((job, own)) = grounds.plan.jobs.get(id.0 as usize).zip(attempts.get_mut(id.0 as usize)) else {
            continue;
        };
        let first = row::judge_job(grounds, chains, job, own);
        let open_at_once = own.iter().filter_map(|seen| seen.open_at_once()).max().unwrap_or_default();
        let how = failure(&first.cause);
        let ends: Vec<(u8, &'o Observation, End)> = answers
            .iter()
            .map(|(time, seen)| {
                let opinion = row::judge_attempt(grounds, chains, job, seen);
                let end = match failure(&opinion.cause) {
                    _ if opinion.status == Status::NotTested => End::Untold,
                    None if opinion.cause != first.cause => {
                        End::Passes { is_further: opinion.status != Status::Blocked || opinion.stage > first.stage }
                    }
                    Some(Failure::Answered) if how == Some(Failure::Silent) => End::Answered,
                    _ => End::Alike,
                };
                (*time, *seen, end)
            })
            .collect();
        let passing = ends.iter().find(|(.., end)| matches!(end, End::Passes { .. }));
        let is_contradicted = |time: u8| ends.iter().any(|(later, _, end)| *later > time && *end == End::Alike);
        let (mut stands, mut limit) = (None, None);
        match passing.or_else(|| ends.iter().find(|(.., end)| *end == End::Answered)) {
            // Once it passes and once it does not, with nothing else open: that is no limit.
            Some((time, seen, End::Passes { .. })) if is_contradicted(*time) => {
                if !sent_login(seen)
                    && let Some(last) = own.last().copied()
                {
                    *own = vec![last, seen];
                }
            }
            Some((time, seen, end)) => {
                *own = vec![seen];
                stands = Some(*time);
                let is_limit = *end == End::Passes { is_further: true };
                limit = is_limit.then(|| self::limit(grounds.plan.route(job), first.stage));
            }
            None => {}
        }
        changed.insert(id, Beside { cause: first.cause, summary: first.summary, open_at_once, stands, limit });
    }
    changed
}

/// Says what the rows were beside others, and names the limit.
pub(in crate::judge) fn tell(grounds: &Grounds<'_>, verdicts: &mut [Verdict], beside: &BTreeMap<JobId, Beside>) {
    for (job, beside) in beside {
        let verdict = &mut verdicts[job.0 as usize];
        let Some(time) = beside.stands else {
            verdict
                .evidence
                .push(format!("follow-up: asked again alone, it ends in the same way ({})", beside.cause.code()));
            continue;
        };
        let what = match (grounds.plan.route(&grounds.plan.jobs[job.0 as usize]).proxy(), &beside.limit) {
            (Some(proxy), _) => format!("connections of this check to {}", proxy.authority()),
            (None, Some(Cause::DnsClientLimit)) => "questions of this check to the DNS server".to_owned(),
            (None, _) => "connections of this check on the direct route".to_owned(),
        };
        let others = beside.open_at_once.saturating_sub(1);
        verdict.evidence.insert(0, format!("beside {others} other {what}: {}", beside.summary));
        verdict.evidence.insert(1, "follow-up: asked again alone; this row says what came then".to_owned());
        verdict.alone = Some(time);
        verdict.open_at_once = Some(beside.open_at_once);
        verdict.remarks.extend(beside.limit.clone());
    }
}

/// Where a limit is known, rows that failed beside others and were not asked alone are nobody's fault yet; nor are those that
/// met silence alone, and those that were refused where only a pause helped another row.
pub(super) fn leave_open(grounds: &Grounds<'_>, verdicts: &mut [Verdict], by: &ByProfile<'_>, limits: &Limits) {
    let Limits { limited, paced } = limits;
    if limited.is_empty() {
        return;
    }
    let is_alone = |seen: &&&Observation| matches!(seen.follow_up(), Some(Ask::Alone(_)));
    let asked: BTreeSet<JobId> = by.beside.iter().filter(is_alone).map(|seen| seen.job()).collect();
    for verdict in verdicts.iter_mut().filter(|row| row.status == Status::Blocked && row.alone.is_none()) {
        let route = &grounds.plan.routes[route_of(grounds, verdict.job)];
        let own = &by.attempts[verdict.job.0 as usize];
        let was_beside = own.iter().any(|seen| seen.open_at_once().is_some_and(|open| open > 1));
        let peer = peer(route, verdict.stage);
        let is_open = match failure(&verdict.cause) {
            Some(Failure::Silent) => true,
            Some(Failure::Answered) => {
                !asked.contains(&verdict.job) || (paced.contains(&peer) && may_be_pace(&verdict.cause))
            }
            None => false,
        };
        if is_open && was_beside && limited.contains(&peer) {
            let first = std::mem::replace(&mut verdict.cause, limit(route, verdict.stage));
            verdict.status = Status::Inconclusive;
            verdict.left_open = Some(first.clone());
            verdict.summary = format!(
                "{}, and this row did not get through beside others or alone ({})",
                verdict.cause.facts().title,
                first.code()
            );
        }
    }
}
