//! Scripts that choose proxies: `FindProxyForURL`, run where it can do no harm.
//!
//! In: the bytes of a script, what to ask it, and a [`World`] that answers what it asks back. Out: an [`Answer`] per
//! question, or why there is none, with the line. Never: a name lookup or a clock of its own; a script that loops,
//! fills memory or nests without end is stopped and said so.
#![cfg_attr(not(feature = "pac"), allow(dead_code, reason = "without an engine nothing calls what scripts call"))]

mod answer;
#[cfg(feature = "pac")]
mod engine;
mod evaluate;
mod failure;
mod functions;
#[cfg(feature = "pac")]
mod jscript;
mod question;
mod readability;
mod script;
mod world;

pub use answer::{Answer, Choice, ProxyKind, Remark};
pub use evaluate::{Evaluation, evaluate};
pub use failure::{FailureKind, Place, ScriptFailure, without_logins};
pub use question::{Limits, Notes, Question};
pub use readability::{
    FIRST_BUILD_WITH_JSCRIPT9_LEGACY, Obstacle, ObstacleKind, Reading, ScriptReadability, script_engines, served_as,
    worst,
};
pub use script::{NotScript, Script};
pub use world::{Alert, Lookup, NameAnswers, Resolver, World};
