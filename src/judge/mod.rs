//! From observations to verdicts.
//!
//! In: what each job saw, what the catalogue expects, the roots of that machine and the moment of the run. Out: one
//! [`Verdict`] per planned job. Never: a socket, a clock, a file. Judging the same recording twice gives the same answer.

mod cause;
pub mod chain;

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::observation::Stage;
use crate::plan::{JobId, Scheme};

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
    pub chain: Option<chain::ChainVerdict>,
    /// The scheme that decided a proxied route.
    pub scheme: Option<Scheme>,
    pub timings: StageTimes,
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
