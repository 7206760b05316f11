//! From observations to verdicts.
//!
//! In: what each job saw, what the catalogue expects, the roots of that machine and the moment of the run. Out: one
//! [`Verdict`] per planned job. Never: a socket, a clock, a file. Judging the same recording twice gives the same answer.

mod answer;

mod cause;
pub mod chain;
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
mod settings;
mod sinkhole;
#[cfg(test)]
mod tests;
mod ticket;
mod wording;

use std::fmt;
use std::net::IpAddr;
use std::num::NonZeroUsize;
use std::thread;
use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::catalogue::{Catalogue, Endpoint};
use crate::observation::recording::Roots;
use crate::observation::{Ended, Observation, Stage};
use crate::plan::{Job, JobId, Mechanism, Plan, Scheme};
use chain::{ChainJudge, ChainVerdict, Reached};

pub use comparison::Comparison;
pub use directions::taken;
pub use evidence::{ANSWER_SAYS, PAGE_SAYS};
pub use findings::findings;
pub use follow_up::follow_ups;
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
    /// How many questions were asked beside the row itself.
    pub follow_ups: usize,
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
            connections: Connections::default(),
            by_address: None,
            addresses: Vec::new(),
            name_elsewhere: NameElsewhere::Unknown,
            hosts_line: None,
            is_led_astray: false,
            timings: StageTimes::default(),
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
#[must_use]
pub fn judge(grounds: &Grounds<'_>, observations: &[Observation]) -> Vec<Verdict> {
    let mut observations: Vec<&Observation> = observations.iter().collect();
    observations.sort_by_key(|seen| (seen.job(), seen.attempt()));
    let chains = ChainJudge::new(&grounds.catalogue.trust, grounds.roots);
    let mut attempts: Vec<Vec<&Observation>> = vec![Vec::new(); grounds.plan.jobs.len()];
    let (beside, own): (Vec<_>, Vec<_>) = observations.into_iter().partition(|seen| seen.follow_up().is_some());
    for observation in own {
        if let Some(place) = attempts.get_mut(observation.job().0 as usize) {
            place.push(observation);
        }
    }
    let mut verdicts = judge_rows(grounds, &chains, &attempts);
    compare_short_chains(grounds, &mut verdicts);
    refused::share(grounds, &attempts, &mut verdicts);
    forwarding::attribute(grounds, &attempts, &mut verdicts);
    forwarding::doubt(grounds, &attempts, &mut verdicts);
    sinkhole::unmask(grounds, &attempts, &mut verdicts);
    hosts::attribute(grounds, &attempts, &mut verdicts);
    follow_up::weigh(grounds, &chains, &mut verdicts, (&attempts, &beside));
    forwarding::unmask(grounds, &attempts, &mut verdicts);
    comparison::mark_shared_keys(grounds, &mut verdicts);
    comparison::tell_of_flapping(grounds, &mut verdicts);
    directions::tell_ways(grounds, &mut verdicts);
    settings::tell_accounts(grounds, &mut verdicts);
    verdicts
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
fn compare_short_chains(grounds: &Grounds<'_>, verdicts: &mut [Verdict]) {
    let endpoint = |verdict: &Verdict| grounds.plan.jobs[verdict.job.0 as usize].endpoint;
    let genuine: Vec<_> = verdicts
        .iter()
        .filter_map(|verdict| {
            let chain = verdict.chain.as_ref()?;
            let Reached::Class(class) = chain.reached else { return None };
            // A chain that somebody replays, or that breaks a rule, is nobody's measure.
            let is_the_services = matches!(
                chain.cause,
                Cause::Ok | Cause::ChainExpired | Cause::ChainNotYetValid | Cause::ChainClockSkew
            ) && chain.proved == Some(true);
            if !is_the_services {
                return None;
            }
            let leaf = chain.certificates.first()?.clone();
            chain.expected.contains(&class).then(|| (endpoint(verdict), leaf, verdict.job))
        })
        .collect();
    // What leads to an expected root by known keys is nobody's but the service's, however little of it was sent.
    let is_open = |verdict: &&mut Verdict| {
        let is_known = |chain: &ChainVerdict| matches!(chain.reached, Reached::Class(_));
        verdict.cause == Cause::ChainIncomplete && !verdict.chain.as_ref().is_some_and(is_known)
    };
    for verdict in verdicts.iter_mut().filter(is_open) {
        let place = grounds.plan.jobs[verdict.job.0 as usize].endpoint;
        let leaf = verdict.chain.as_ref().and_then(|chain| chain.certificates.first());
        let others: Vec<_> = genuine.iter().filter(|(endpoint, ..)| *endpoint == place).collect();
        if others.is_empty() || others.iter().any(|(_, other, _)| Some(other) == leaf) {
            continue;
        }
        verdict.cause = Cause::InterceptedUntrusted;
        verdict.status = Status::Intercepted;
        verdict.connections.inspected += 1;
        verdict.cause.facts().title.clone_into(&mut verdict.summary);
        verdict.evidence.push(
            "another route shows a different certificate for this host, which leads to the expected root".to_owned(),
        );
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
