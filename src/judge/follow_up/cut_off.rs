//! Follow-ups that the end of the run cut off: rows whose status their answers could have changed are not decided.

use std::collections::BTreeMap;

use super::handshake::{is_about_version, is_unanswered};
use super::{control, route_of};
use crate::judge::{Cause, Grounds, Status, Verdict};
use crate::observation::{Ask, Fault, Observation};
use crate::plan::JobId;

/// Rows that `not_asked` leaves open, and how the run ended for them. Asked before the answers that came are weighed: with
/// them a row may look decided.
pub(super) fn open(grounds: &Grounds<'_>, verdicts: &[Verdict], not_asked: &[&Observation]) -> BTreeMap<JobId, Cause> {
    let mut open = BTreeMap::new();
    for seen in not_asked {
        let is_interrupted = matches!(seen.fault(), Some((_, Fault::Interrupted)));
        let cause = if is_interrupted { Cause::NotTested } else { Cause::Budget };
        let jobs = match seen.follow_up() {
            // The second try after a reset or an early close.
            None => vec![seen.job()],
            Some(Ask::Control | Ask::ControlTunnel) => {
                control::doubtful(grounds, route_of(grounds, seen.job()), verdicts)
            }
            Some(ask) => {
                let is_open = could_change(ask, &verdicts[seen.job().0 as usize]);
                is_open.then_some(seen.job()).into_iter().collect()
            }
        };
        open.extend(jobs.into_iter().map(|job| (job, cause.clone())));
    }
    open
}

/// Whether the answer to `ask` could have changed the row's status; many only sharpen its code.
fn could_change(ask: Ask, row: &Verdict) -> bool {
    match ask {
        // Later times only look behind the first answer.
        Ask::Alone(time) => time == 1 && row.alone.is_none(),
        // Answers to all four hellos for the row's own name take a silence back.
        Ask::SmallHello | Ask::PaddedHello | Ask::SplitHello | Ask::LargeHello => is_unanswered(row),
        Ask::OldHello | Ask::SharedHello => is_about_version(row),
        Ask::Address(_) | Ask::Repeat(_) | Ask::Upload(_) => true,
        Ask::Control
        | Ask::ControlTunnel
        | Ask::ControlName
        | Ask::SmallSegments
        | Ask::Nobody
        | Ask::Names(_)
        | Ask::WayBy(_) => false,
    }
}

/// Takes back what these rows said. What is inspected stays so whatever else is asked.
pub(super) fn leave_open(verdicts: &mut [Verdict], open: &BTreeMap<JobId, Cause>) {
    for (job, cause) in open {
        let verdict = &mut verdicts[job.0 as usize];
        if matches!(verdict.status, Status::Intercepted | Status::NotTested) {
            continue;
        }
        let why = if *cause == Cause::Budget { "the time was up" } else { "the check was interrupted" };
        verdict.evidence.push(format!("not decided: {why} before this row was asked again as planned"));
        verdict.summary =
            format!("Not decided, because {why} before it was asked again; until then: {}", verdict.summary);
        verdict.status = Status::Inconclusive;
        verdict.cause = cause.clone();
        verdict.is_in_doubt = false;
    }
}
