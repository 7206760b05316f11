//! What was seen, before anybody has an opinion on it.
//!
//! In: the steps that the stages of `probe` report. Out: an [`Observation`] per attempt of a job, and the recording
//! file that carries a whole run elsewhere. Never: a socket or a verdict; this is the line between the half that
//! touches the network and the half that only thinks.

mod certificates_by_hash;
mod evidence;
mod fault;
mod follow_up;
pub mod recording;

use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

use crate::plan::{ClientProfile, JobId};

pub use evidence::{
    Challenge, Credential, DnsEvidence, DnsFailure, Evidence, Header, HttpEvidence, Leg, NameSource, NtlmChallenge,
    PassedOver, Question, RecordType, ServerAnswer, Signature, SystemAnswer, TcpAttempt, TcpEvidence, TcpOutcome,
    TlsEvidence, Token, TunnelEvidence, wire_text,
};
pub use fault::{Fault, TicketProblem};
pub use follow_up::{Ask, FollowUp};

/// One attempt at one job: ordered steps, at most one fault, and it is the last step's.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "RawObservation")]
pub struct Observation {
    job: JobId,
    attempt: Attempt,
    /// As which client the handshake was made; none where what was seen holds for every profile of the plan, and in recordings
    /// of versions that had no profiles.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    profile: Option<ClientProfile>,
    /// It followed the connection of another profile, whose way to the peer was open.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    behind: bool,
    steps: Vec<Step>,
    /// From the first step's beginning to the last one's end.
    total: Duration,
    /// The most connections (lookups, where a lookup ended it) that the run had open at once on this route while this
    /// attempt lasted, its own included; `None` in recordings of versions that did not count.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    open_at_once: Option<u32>,
}

/// Why this observation was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Attempt {
    First,
    /// The first one was reset or closed early; such answers are asked for once more.
    Again,
    /// Something else was asked, to tell what the first one means.
    FollowUp(Ask),
}

/// How a run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Ended {
    Complete,
    /// The total budget was spent; jobs without an observation were not tested.
    OutOfTime,
    /// Somebody interrupted it; the same holds.
    Interrupted,
}

/// A part of the way, in the order in which it is gone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Stage {
    Dns,
    Tcp,
    Proxy,
    Tls,
    /// Not a step of the network: where a row was decided when the certificate chain decided it.
    Chain,
    Http,
}

/// What one stage saw.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Step {
    pub stage: Stage,
    pub took: Duration,
    pub evidence: Evidence,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fault: Option<Fault>,
}

/// The only maker of an [`Observation`].
#[derive(Debug)]
pub struct Recorder {
    job: JobId,
    attempt: Attempt,
    profile: Option<ClientProfile>,
    goes_ahead: bool,
    behind: bool,
    started: Instant,
    /// What works now, and since when.
    under_way: (Stage, Instant),
    steps: Vec<Step>,
    open_at_once: Option<u32>,
}

#[derive(Deserialize)]
struct RawObservation {
    job: JobId,
    attempt: Attempt,
    #[serde(default)]
    profile: Option<ClientProfile>,
    #[serde(default)]
    behind: bool,
    steps: Vec<Step>,
    total: Duration,
    #[serde(default)]
    open_at_once: Option<u32>,
}

impl Recorder {
    /// Starts at `now`: the time comes in, so that nothing here reads a clock.
    #[must_use]
    pub fn new(job: JobId, attempt: Attempt, now: Instant) -> Self {
        Self {
            job,
            attempt,
            profile: None,
            goes_ahead: false,
            behind: false,
            started: now,
            under_way: (Stage::Dns, now),
            steps: Vec::with_capacity(5),
            open_at_once: None,
        }
    }

    /// Says as which client the handshake is made. Where this attempt `goes_ahead` of another profile's, what stops it before
    /// its handshake stops both, and is kept without a profile.
    #[must_use]
    pub fn asks_as(mut self, profile: Option<ClientProfile>, goes_ahead: bool) -> Self {
        self.profile = profile;
        self.goes_ahead = goes_ahead;
        self
    }

    /// Says which stage works from `now` on, so that a run that ends in the middle of it knows.
    pub fn enters(&mut self, stage: Stage, now: Instant) {
        self.under_way = (stage, now);
    }

    /// Leaves out of the whole what passed before anything was asked of anybody.
    pub fn waited(&mut self, time: Duration) {
        self.started += time;
    }

    /// Keeps a step that another profile's connection went through for this one too.
    pub fn inherited(&mut self, stage: Stage, took: Duration, evidence: Evidence) {
        self.behind = true;
        self.started = self.started.checked_sub(took).unwrap_or(self.started);
        self.passed(stage, took, evidence);
    }

    /// Notes how many connections or lookups of the run were open at once in the stage that is under way.
    pub fn counted(&mut self, open_at_once: u32) {
        self.open_at_once = Some(open_at_once);
    }

    /// Keeps a step that went well.
    pub fn passed(&mut self, stage: Stage, took: Duration, evidence: Evidence) {
        self.steps.push(Step { stage, took, evidence, fault: None });
    }

    /// Keeps the step that ended the attempt.
    #[must_use]
    pub fn stopped(
        mut self,
        stage: Stage,
        took: Duration,
        evidence: Evidence,
        fault: Fault,
        now: Instant,
    ) -> Observation {
        self.steps.push(Step { stage, took, evidence, fault: Some(fault) });
        self.finish(now)
    }

    /// The run ended first: `fault` says how, and what the earlier stages saw is kept.
    #[must_use]
    pub fn cut_short(self, fault: Fault, now: Instant) -> Observation {
        let (stage, since) = self.under_way;
        self.stopped(stage, now.saturating_duration_since(since), Evidence::Unfinished(stage), fault, now)
    }

    #[must_use]
    pub fn finish(mut self, now: Instant) -> Observation {
        let total = now.saturating_duration_since(self.started);
        // A run keeps many of these.
        self.steps.shrink_to_fit();
        let stopped = self.steps.last().filter(|step| step.fault.is_some()).map(|step| step.stage);
        let is_common = self.goes_ahead && stopped.is_some_and(|stage| stage < Stage::Tls);
        let profile = self.profile.filter(|_| !is_common);
        let Self { job, attempt, behind, steps, open_at_once, .. } = self;
        Observation { job, attempt, profile, behind, steps, total, open_at_once }
    }

    /// How long a finished stage took, and what it saw.
    #[must_use]
    pub fn seen(&self, stage: Stage) -> Option<(Duration, &Evidence)> {
        self.steps.iter().find(|step| step.stage == stage).map(|step| (step.took, &step.evidence))
    }

    /// What the last finished stage saw.
    #[must_use]
    pub fn latest(&self) -> Option<&Evidence> {
        self.steps.last().map(|step| &step.evidence)
    }

    /// For a stage that learns more about an earlier step while it works (addresses that answer late).
    pub fn revise(&mut self, stage: Stage, change: impl FnOnce(&mut Evidence)) {
        if let Some(step) = self.steps.iter_mut().rev().find(|step| step.stage == stage) {
            change(&mut step.evidence);
        }
    }
}

impl Observation {
    #[must_use]
    pub fn job(&self) -> JobId {
        self.job
    }

    #[must_use]
    pub fn attempt(&self) -> Attempt {
        self.attempt
    }

    /// As which client the handshake was made; `None` where it holds for every profile that was asked.
    #[must_use]
    pub fn profile(&self) -> Option<ClientProfile> {
        self.profile
    }

    /// Takes over what another connection of the same row saw of the host's other addresses; this one went to one of them only.
    pub fn learn_addresses(&mut self, ahead: &Self) {
        let Some(theirs) = ahead.tcp().map(|tcp| tcp.attempts.clone()) else { return };
        let own = self.steps.iter_mut().find_map(|step| match &mut step.evidence {
            Evidence::Tcp(seen) => Some(seen),
            _ => None,
        });
        let Some(own) = own else { return };
        let is_new = |attempt: &TcpAttempt| own.attempts.iter().all(|known| known.address != attempt.address);
        let new: Vec<TcpAttempt> = theirs.into_iter().filter(is_new).collect();
        own.attempts.extend(new);
    }

    /// Whether it followed another profile's connection of the same row, whose way to the peer was open.
    #[must_use]
    pub fn is_behind(&self) -> bool {
        self.behind
    }

    /// What was asked, where this is no attempt at the job itself.
    #[must_use]
    pub fn follow_up(&self) -> Option<Ask> {
        match self.attempt {
            Attempt::First | Attempt::Again => None,
            Attempt::FollowUp(ask) => Some(ask),
        }
    }

    #[must_use]
    pub fn steps(&self) -> &[Step] {
        &self.steps
    }

    #[must_use]
    pub fn total(&self) -> Duration {
        self.total
    }

    /// The most connections, or lookups, that the run had open at once on this route while this attempt lasted.
    #[must_use]
    pub fn open_at_once(&self) -> Option<u32> {
        self.open_at_once
    }

    /// Whether this is a second try that the end of the run cut off.
    #[must_use]
    pub fn is_try_cut_off(&self) -> bool {
        self.attempt == Attempt::Again && self.was_cut_off()
    }

    /// Whether the run ended before this question had an answer.
    #[must_use]
    pub fn was_cut_off(&self) -> bool {
        self.fault().is_some_and(|(_, fault)| fault.is_end_of_run())
    }

    /// The fault that ended the attempt, with its stage.
    #[must_use]
    pub fn fault(&self) -> Option<(Stage, &Fault)> {
        let last = self.steps.last()?;
        last.fault.as_ref().map(|fault| (last.stage, fault))
    }

    #[must_use]
    pub fn step(&self, stage: Stage) -> Option<&Step> {
        self.steps.iter().find(|step| step.stage == stage)
    }

    #[must_use]
    pub fn dns(&self) -> Option<&DnsEvidence> {
        self.steps.iter().find_map(|step| if let Evidence::Dns(seen) = &step.evidence { Some(seen) } else { None })
    }

    #[must_use]
    pub fn tcp(&self) -> Option<&TcpEvidence> {
        self.steps.iter().find_map(|step| if let Evidence::Tcp(seen) = &step.evidence { Some(seen) } else { None })
    }

    #[must_use]
    pub fn tunnel(&self) -> Option<&TunnelEvidence> {
        self.steps.iter().find_map(|step| if let Evidence::Proxy(seen) = &step.evidence { Some(seen) } else { None })
    }

    #[must_use]
    pub fn tls(&self) -> Option<&TlsEvidence> {
        self.steps.iter().find_map(|step| if let Evidence::Tls(seen) = &step.evidence { Some(&**seen) } else { None })
    }

    #[must_use]
    pub fn http(&self) -> Option<&HttpEvidence> {
        self.steps.iter().find_map(|step| if let Evidence::Http(seen) = &step.evidence { Some(seen) } else { None })
    }
}

impl Stage {
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Dns => "dns",
            Self::Tcp => "tcp",
            Self::Proxy => "proxy",
            Self::Tls => "tls",
            Self::Chain => "chain",
            Self::Http => "http",
        }
    }
}

/// Longer than any run may take.
const LONGEST: Duration = Duration::from_secs(48 * 3600);

impl TryFrom<RawObservation> for Observation {
    type Error = String;

    /// A recording that somebody edited must not smuggle in what no probe could have seen.
    fn try_from(raw: RawObservation) -> Result<Self, Self::Error> {
        let RawObservation { job, attempt, profile, behind, steps, total, open_at_once } = raw;
        if let Some(position) = steps.iter().position(|step| step.fault.is_some())
            && position + 1 != steps.len()
        {
            return Err(format!("step {} has a fault but is not the last", position + 1));
        }
        if steps.windows(2).any(|pair| pair[0].stage >= pair[1].stage) {
            return Err("the steps are not in the order dns, tcp, proxy, tls, http".to_owned());
        }
        if let Some(step) = steps.iter().find(|step| step.evidence.stage() != step.stage) {
            return Err(format!("a {} step holds {} evidence", step.stage.as_str(), step.evidence.stage().as_str()));
        }
        // Nothing that is added up later may run over.
        if steps.iter().map(|step| step.took).chain([total]).any(|took| took > LONGEST) {
            return Err(format!("a duration is longer than {} hours", LONGEST.as_secs() / 3600));
        }
        Ok(Self { job, attempt, profile, behind, steps, total, open_at_once })
    }
}
