//! From observations to verdicts.
//!
//! In: what each job saw, what the catalogue expects, the roots of that machine and the moment of the run. Out: one
//! [`Verdict`] per planned job. Never: a socket, a clock, a file. Judging the same recording twice gives the same answer.

mod cause;
pub mod chain;

use std::fmt;

use serde::{Deserialize, Serialize};

pub use cause::{Cause, Owner};

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
