//! A device's own settings: is it enrolled, and if not, what to write?
//!
//! In: a registry [`Snapshot`](crate::registry::Snapshot), the Windows version, the solutions, the region. Out: a
//! [`Checkup`] (findings, remarks and what could not be checked), or a plan of values in the form that a deployment tool
//! takes. Never: this machine's registry, a clock, a file. A value that the snapshot does not speak about is never a
//! finding.

pub mod apply;
mod case;
pub mod collect;
pub mod commercial_id;
mod effect;
pub mod exit_codes;
mod findings;
mod guide;
pub mod live;
pub mod places;
pub mod plan;
mod rules;
pub mod waiting;
mod windows;

pub use case::{Case, ProxyApproach, Region};
pub use effect::Effect;
pub use findings::{Checkup, Code, Finding, NotChecked, Remark, RemarkCode, SCHEMA};
pub use guide::Guide;
pub use windows::{Windows, called};

/// Judges one device by every rule.
#[must_use]
pub fn check(case: &Case<'_>) -> Checkup {
    let mut notes = findings::Notes::about(case);
    rules::apply(case, &mut notes);
    notes.into_checkup(case)
}
