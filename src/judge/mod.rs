//! From observations to verdicts.
//!
//! In: what each job saw, what the catalogue expects, the roots of that machine and the moment of the run. Out: one
//! [`Verdict`] per planned job. Never: a socket, a clock, a file. Judging the same recording twice gives the same answer.

mod answer;

mod cause;
pub mod chain;
mod clients;
mod comparison;
mod directions;
mod evidence;
pub mod explanation;
mod filters;
mod findings;
mod follow_up;
mod forwarding;
mod hosts;
mod kind;
mod opinion;
mod refusal;
mod refused;
mod remark;
mod remedy;
mod row;
mod same_address;
mod settings;
mod sinkhole;
#[cfg(test)]
mod tests;
mod ticket;
mod wording;

use std::collections::HashMap;
use std::fmt;
use std::net::IpAddr;
use std::num::NonZeroUsize;
use std::thread;
use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::catalogue::{Catalogue, Endpoint};
use crate::certificate::Certificate;
use crate::observation::recording::Roots;
use crate::observation::{Ask, Ended, Observation, Stage};
use crate::plan::{ClientProfile, Job, JobId, Mechanism, Plan, Scheme};
use chain::{ChainJudge, ChainVerdict, Reached};

pub use clients::{ClientVerdict, OldSuite, is_unasked};
pub(crate) use comparison::CLIENT_HAS_NO_LOGIN;
pub use comparison::Comparison;
pub use directions::{Reach, taken};
pub use evidence::{ANSWER_SAYS, PAGE_SAYS};
pub use findings::findings;
pub use follow_up::{follow_ups, to_ask_alone};
pub use remedy::{DESCRIBED_AT, Particulars, owners, particulars};
pub use wording::listed;

pub use cause::{Cause, CauseFacts, Owner};

/// The judge's word on one planned job.
#[derive(Debug, Clone)]
pub struct Verdict {
    pub job: JobId,
    pub status: Status,
    pub cause: Cause,
    /// Where the row was decided; `Http` when ok.
    pub stage: Stage,
    /// One sentence about this row.
    pub summary: String,
    /// One fact per line, in the order in which the facts were learnt.
    pub evidence: Vec<String>,
    pub chain: Option<ChainVerdict>,
    /// The known product that signs or answers here; never what decided.
    pub product: Option<String>,
    /// What somebody wrote who answered in place of the service, as people read it.
    pub page: Option<String>,
    /// The scheme that decided a proxied route.
    pub scheme: Option<Scheme>,
    /// What Negotiate carried.
    pub mechanism: Option<Mechanism>,
    /// What is worth knowing of a row that gets through, and changes nothing about it.
    pub remarks: Vec<Cause>,
    /// Whether the control fails on this route as the endpoint does: then nobody is accused.
    pub is_in_doubt: bool,
    /// Whether the control ends as the endpoint does on this route, on which something else gets out: then it is not about
    /// this endpoint.
    pub is_for_all: bool,
    /// How many questions were asked beside the row itself, and seen to their end.
    pub follow_ups: usize,
    /// Which of the questions that were asked alone the row says; `None` for what was seen beside others.
    pub alone: Option<u8>,
    /// How many connections, or lookups, were open at once where the row failed before it was asked alone.
    pub open_at_once: Option<u32>,
    /// What it failed by, where it is left open because a limit is known.
    pub left_open: Option<Cause>,
    /// How many of its follow-ups were answered from beyond this network.
    pub heard_beside: usize,
    /// Whose certificates the row's connections showed.
    pub connections: Connections,
    /// Who was met at which of the host's addresses, where some are inspected and others are not.
    pub by_address: Option<ByAddress>,
    /// The addresses that the endpoint's name was given on the direct route.
    pub addresses: Vec<IpAddr>,
    /// What other name servers say of the endpoint's name, where any was asked.
    pub name_elsewhere: NameElsewhere,
    /// The line of the hosts file that leads the name of a row that fails elsewhere than the name servers do.
    pub hosts_line: Option<String>,
    /// The row is inspected, and nothing but that line explains by whom.
    pub is_led_astray: bool,
    pub timings: StageTimes,
    /// What each family of Windows versions met; none for plain http. Ask [`Verdict::for_column`].
    pub clients: Vec<ClientVerdict>,
    /// How the peer answered an old hello, where that decided the row.
    pub old_suite: Option<OldSuite>,
}

impl Verdict {
    /// What a cause alone says, before anything that was seen is added.
    #[must_use]
    pub fn new(job: JobId, cause: Cause, stage: Stage) -> Self {
        let facts = cause.facts();
        Self {
            job,
            status: facts.status,
            stage,
            summary: facts.title.to_owned(),
            cause,
            evidence: Vec::new(),
            chain: None,
            product: None,
            page: None,
            scheme: None,
            mechanism: None,
            remarks: Vec::new(),
            is_in_doubt: false,
            is_for_all: false,
            follow_ups: 0,
            alone: None,
            open_at_once: None,
            left_open: None,
            heard_beside: 0,
            connections: Connections::default(),
            by_address: None,
            addresses: Vec::new(),
            name_elsewhere: NameElsewhere::Unknown,
            hosts_line: None,
            is_led_astray: false,
            timings: StageTimes::default(),
            clients: Vec::new(),
            old_suite: None,
        }
    }
}

/// The connections of one row by whose certificates they showed, where TLS came that far: one, unless it was asked again.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Connections {
    pub inspected: usize,
    /// Those that led to the service itself, as far as its chain tells.
    pub left_alone: usize,
}

impl Connections {
    /// Counts a connection by the chain that it showed.
    fn count(&mut self, chain: Option<&ChainVerdict>) {
        match chain.map(|chain| chain.status) {
            Some(Status::Intercepted) => self.inspected += 1,
            Some(Status::Ok | Status::Degraded) => self.left_alone += 1,
            // What was not decided, or is about time and names, says nothing about who is in between.
            Some(Status::Inconclusive | Status::NotTested | Status::Blocked) | None => {}
        }
    }

    /// Whether some were inspected and others were not, which no list of hosts explains.
    #[must_use]
    pub fn differ(self) -> bool {
        self.inspected > 0 && self.left_alone > 0
    }
}

/// The addresses of one host by whose certificates they showed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ByAddress {
    pub inspected: Vec<IpAddr>,
    pub left_alone: Vec<IpAddr>,
}

/// How long each stage took; `None` for one that did not run.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct StageTimes {
    pub dns: Option<Duration>,
    pub tcp: Option<Duration>,
    pub proxy: Option<Duration>,
    pub tls: Option<Duration>,
    pub http: Option<Duration>,
    pub total: Option<Duration>,
}

/// Rows with one cause: what one change would mend.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    pub code: String,
    pub title: String,
    pub owner: Owner,
    /// An instruction, with the exact hosts where they matter.
    pub remedy: String,
    pub jobs: Vec<JobId>,
}

/// What the judge stands on, beside the observations.
#[derive(Debug)]
pub struct Grounds<'a> {
    pub catalogue: &'a Catalogue,
    pub plan: &'a Plan,
    pub roots: &'a Roots,
    /// The moment of the run: every date is judged for it.
    pub at: Timestamp,
    /// What a planned job without an observation says.
    missing: Cause,
    /// How many threads may judge rows side by side. The verdicts are the same with any number.
    threads: NonZeroUsize,
}

impl<'a> Grounds<'a> {
    #[must_use]
    pub fn new(catalogue: &'a Catalogue, plan: &'a Plan, roots: &'a Roots, at: Timestamp, ended: Ended) -> Self {
        let missing = match ended {
            Ended::OutOfTime => Cause::Budget,
            Ended::Interrupted => Cause::NotTested,
            Ended::Complete => Cause::Internal,
        };
        Self { catalogue, plan, roots, at, missing, threads: NonZeroUsize::MIN }
    }

    /// The same, judged on so many threads where there are many rows.
    #[must_use]
    pub fn on(self, threads: NonZeroUsize) -> Self {
        Self { threads, ..self }
    }

    fn job(&self, row: &Verdict) -> &'a Job {
        &self.plan.jobs[row.job.0 as usize]
    }

    fn endpoint(&self, row: &Verdict) -> &'a Endpoint {
        &self.catalogue.endpoints[self.job(row).endpoint]
    }
}

/// One verdict per planned job, in plan order. The observations may come in any order.
///
/// Every profile of the plan is judged by itself, on what it saw and on what holds for all; then each row says the worst.
#[must_use]
pub fn judge(grounds: &Grounds<'_>, observations: &[Observation]) -> Vec<Verdict> {
    let mut observations: Vec<&Observation> = observations.iter().collect();
    observations.sort_by_key(|seen| (seen.job(), seen.attempt(), seen.profile()));
    let chains = ChainJudge::new(&grounds.catalogue.trust, grounds.roots);
    let mut judged: Vec<(ByProfile<'_>, Vec<Verdict>)> = clients::asked(grounds.plan)
        .into_iter()
        .map(|profile| {
            let mut seen = ByProfile::of(grounds, profile, &observations);
            let were_beside = follow_up::alone::stand_in(grounds, &chains, &mut seen);
            let mut verdicts = judge_rows(grounds, &chains, &seen.attempts);
            follow_up::alone::tell(grounds, &mut verdicts, &were_beside);
            same_address::explain(grounds, &seen.attempts, &mut verdicts);
            (seen, verdicts)
        })
        .collect();
    ByProfile::introduce(&mut judged);
    let genuine = genuine_chains(grounds, judged.iter().flat_map(|(_, verdicts)| verdicts));
    let limits = follow_up::Limits::of(grounds, judged.iter().flat_map(|(_, verdicts)| verdicts));
    for (seen, verdicts) in &mut judged {
        compare_short_chains(grounds, verdicts, &genuine);
        let attempts = &seen.attempts;
        refused::share(grounds, attempts, verdicts);
        forwarding::attribute(grounds, attempts, verdicts);
        forwarding::doubt(grounds, attempts, verdicts);
        sinkhole::unmask(grounds, attempts, verdicts);
        hosts::attribute(grounds, attempts, verdicts);
        follow_up::weigh(grounds, &chains, verdicts, seen, &limits);
        forwarding::unmask(grounds, attempts, verdicts);
    }
    let judged = judged.into_iter().map(|(seen, verdicts)| (seen.profile, verdicts)).collect();
    let mut verdicts = clients::merge(grounds, judged, &observations);
    comparison::mark_shared_keys(grounds, &mut verdicts);
    comparison::tell_of_flapping(grounds, &mut verdicts);
    directions::tell_ways(grounds, &mut verdicts);
    settings::tell_accounts(grounds, &mut verdicts);
    verdicts
}

/// What was seen that counts for one profile.
struct ByProfile<'o> {
    profile: ClientProfile,
    /// The attempts that each row says, in plan order: those at the job itself, or the one that was asked alone.
    attempts: Vec<Vec<&'o Observation>>,
    /// What was asked beside the rows, in the order of their jobs.
    beside: Vec<&'o Observation>,
    /// Follow-ups and second tries that the end of the run cut off: they say nothing of their rows.
    not_asked: Vec<&'o Observation>,
    /// What the other profile was answered when it asked for the control's name at a row's address.
    controls: Vec<&'o Observation>,
    /// The last attempt of the other profile at each job, where there was one.
    others: Vec<Option<&'o Observation>>,
}

impl<'o> ByProfile<'o> {
    /// The observations come in the order of their jobs and attempts. The other profile is introduced later.
    fn of(grounds: &Grounds<'_>, profile: ClientProfile, observations: &[&'o Observation]) -> Self {
        let jobs = grounds.plan.jobs.len();
        let mut by = Self {
            profile,
            attempts: vec![Vec::new(); jobs],
            beside: Vec::new(),
            not_asked: Vec::new(),
            controls: Vec::new(),
            others: vec![None; jobs],
        };
        let is_control =
            |seen: &&Observation| seen.follow_up() == Some(Ask::ControlName) && !clients::counts_for(seen, profile);
        by.controls.extend(observations.iter().copied().filter(is_control));
        let is_own = |seen: &&Observation| (seen.job().0 as usize) < jobs && clients::counts_for(seen, profile);
        for seen in observations.iter().copied().filter(is_own) {
            match seen.follow_up() {
                Some(_) if seen.was_cut_off() => by.not_asked.push(seen),
                Some(_) => by.beside.push(seen),
                None if seen.is_try_cut_off() => by.not_asked.push(seen),
                None => by.attempts[seen.job().0 as usize].push(seen),
            }
        }
        by
    }

    /// Tells each profile what the other one met on its own account.
    fn introduce(judged: &mut [(Self, Vec<Verdict>)]) {
        for place in 0..judged.len() {
            let mut others = std::mem::take(&mut judged[place].0.others);
            let profile = judged[place].0.profile;
            for (other, _) in judged.iter().filter(|(other, _)| other.profile != profile) {
                for (known, attempts) in others.iter_mut().zip(&other.attempts) {
                    let own = attempts.last().copied().filter(|seen| !clients::counts_for(seen, profile));
                    *known = own.or(*known);
                }
            }
            judged[place].0.others = others;
        }
    }
}

/// A proved chain to an expected root: its leaf and its row.
struct Genuine {
    leaf: Certificate,
    job: JobId,
}

/// The genuine chains of every profile's rows, by endpoint.
fn genuine_chains<'v>(
    grounds: &Grounds<'_>,
    verdicts: impl Iterator<Item = &'v Verdict>,
) -> HashMap<usize, Vec<Genuine>> {
    let genuine = |verdict: &Verdict| {
        let chain = verdict.chain.as_ref()?;
        let Reached::Class(class) = chain.reached else { return None };
        // A chain that somebody replays, or that breaks a rule, is nobody's measure.
        let is_the_services =
            matches!(chain.cause, Cause::Ok | Cause::ChainExpired | Cause::ChainNotYetValid | Cause::ChainClockSkew)
                && chain.proved == Some(true);
        if !is_the_services || !chain.expected.contains(&class) {
            return None;
        }
        let leaf = chain.certificates.first()?.clone();
        Some((grounds.job(verdict).endpoint, Genuine { leaf, job: verdict.job }))
    };
    let mut by_endpoint: HashMap<usize, Vec<Genuine>> = HashMap::new();
    for (endpoint, genuine) in verdicts.filter_map(genuine) {
        by_endpoint.entry(endpoint).or_default().push(genuine);
    }
    by_endpoint
}

/// Rows that are worth another thread.
const ROWS_PER_THREAD: usize = 512;

/// Each row by itself, in plan order.
fn judge_rows(grounds: &Grounds<'_>, chains: &ChainJudge, attempts: &[Vec<&Observation>]) -> Vec<Verdict> {
    let jobs = &grounds.plan.jobs;
    let threads = grounds.threads.get().min(jobs.len() / ROWS_PER_THREAD);
    if threads < 2 {
        return jobs.iter().zip(attempts).map(|(job, seen)| row::judge_job(grounds, chains, job, seen)).collect();
    }
    let share = jobs.len().div_ceil(threads);
    // In place, so that there is one copy of many rows.
    let mut verdicts: Vec<Option<Verdict>> = jobs.iter().map(|_| None).collect();
    thread::scope(|scope| {
        for ((verdicts, jobs), attempts) in
            verdicts.chunks_mut(share).zip(jobs.chunks(share)).zip(attempts.chunks(share))
        {
            scope.spawn(move || {
                for ((verdict, job), seen) in verdicts.iter_mut().zip(jobs).zip(attempts) {
                    *verdict = Some(row::judge_job(grounds, chains, job, seen));
                }
            });
        }
    });
    verdicts.into_iter().map(|verdict| verdict.expect("every row was judged")).collect()
}

/// A short chain on one route, and a chain to an expected anchor for the same host on another: the first is an
/// interceptor's. Unless both show the same leaf: then one server only sends less.
fn compare_short_chains(grounds: &Grounds<'_>, verdicts: &mut [Verdict], genuine: &HashMap<usize, Vec<Genuine>>) {
    // What leads to an expected root by known keys is nobody's but the service's, however little of it was sent.
    let is_open = |verdict: &&mut Verdict| {
        let is_known = |chain: &ChainVerdict| matches!(chain.reached, Reached::Class(_));
        verdict.cause == Cause::ChainIncomplete && !verdict.chain.as_ref().is_some_and(is_known)
    };
    for verdict in verdicts.iter_mut().filter(is_open) {
        let place = grounds.plan.jobs[verdict.job.0 as usize].endpoint;
        let leaf = verdict.chain.as_ref().and_then(|chain| chain.certificates.first());
        let Some(others) = genuine.get(&place) else { continue };
        if others.iter().any(|other| Some(&other.leaf) == leaf) {
            continue;
        }
        let is_same_row = others.iter().all(|other| other.job == verdict.job);
        verdict.cause = Cause::InterceptedUntrusted;
        verdict.status = Status::Intercepted;
        verdict.connections.inspected += 1;
        verdict.cause.facts().title.clone_into(&mut verdict.summary);
        let other = if is_same_row { "a handshake of another TLS version" } else { "another route" };
        verdict
            .evidence
            .push(format!("{other} shows a different certificate for this host, which leads to the expected root"));
        if let Some(chain) = &mut verdict.chain {
            chain.status = Status::Intercepted;
            chain.cause = Cause::InterceptedUntrusted;
            verdict.product.clone_from(&chain.product);
        }
    }
}

/// What a row means for the data.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Status {
    Ok,
    /// Data gets out, with a remark.
    Degraded,
    Inconclusive,
    NotTested,
    Blocked,
    Intercepted,
}

/// What other name servers say of a name; the later outweighs any number of the earlier.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum NameElsewhere {
    #[default]
    Unknown,
    /// There is no such name.
    Denied,
    /// Where it leads, and no more.
    Resolved,
    /// Where it leads, and the genuine service stands there.
    Genuine,
}

impl Status {
    /// Data gets out.
    #[must_use]
    pub fn is_open(self) -> bool {
        matches!(self, Self::Ok | Self::Degraded)
    }

    /// Data is kept in, or read on the way.
    #[must_use]
    pub fn is_closed(self) -> bool {
        matches!(self, Self::Blocked | Self::Intercepted)
    }

    /// Nobody knows.
    #[must_use]
    pub fn is_undecided(self) -> bool {
        matches!(self, Self::Inconclusive | Self::NotTested)
    }

    pub const ALL: [Self; 6] =
        [Self::Ok, Self::Degraded, Self::Inconclusive, Self::NotTested, Self::Blocked, Self::Intercepted];

    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Degraded => "degraded",
            Self::Inconclusive => "inconclusive",
            Self::NotTested => "not-tested",
            Self::Blocked => "blocked",
            Self::Intercepted => "intercepted",
        }
    }
}

impl fmt::Display for Status {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.pad(self.as_str())
    }
}
