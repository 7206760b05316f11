//! From what was seen to what is printed: judging, rendering and the exit code, the same for a run and a replay.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use super::outputs::Outputs;
use super::{Exit, Failure, files, this_device};
use crate::catalogue::{Catalogue, Complaints};
use crate::judge::{Cause, Grounds, Verdict, findings, is_unasked, judge};
use crate::observation::recording::{Header, Roots};
use crate::observation::{Attempt, Ended, Observation};
use crate::plan::winhttp_remark;
use crate::report::change::Changes;
use crate::report::expectation::Expectation;
use crate::report::outcome::{self, Conclusion, End, FailOn};
use crate::report::{self, Report, RunFacts, wording};

/// Everything that a report is made of.
pub(super) struct Seen {
    pub expectation: Option<Expected>,
    pub header: Header,
    pub catalogue: Arc<Catalogue>,
    pub roots: Roots,
    pub observations: Vec<Observation>,
    /// What was judged of all of them already, while the run went on.
    pub verdicts: Option<Vec<Verdict>>,
    /// `None` when the recording is cut off.
    pub duration: Option<Duration>,
    pub ended: Ended,
    pub remarks: Vec<String>,
    /// What went wrong beside the run, such as writing its recording; told after the report.
    pub failure: Option<Failure>,
}

/// Judges, writes every output, and says how the process ends. What fails on the way is told after everything that can
/// be written was written.
pub(super) fn conclude(outputs: Outputs, mut seen: Seen) -> Result<Exit, Failure> {
    let report = report_of(&mut seen);
    let fail_on = fail_on(seen.header.fail_on.as_deref())?;
    let changes = outputs.changes(&report);
    let (conclusion, misfit) = conclusion(&report, seen.expectation.as_ref(), fail_on.as_ref(), changes.as_ref())?;
    let exit = exit(&report, &conclusion, seen.ended, misfit.is_some());
    let end = End {
        conclusion: &conclusion,
        exit: exit.code(),
        ours: exit.code(),
        fail_on: fail_on.as_ref(),
        changes: changes.as_ref(),
    };
    let ours = exit;
    let exit = outputs.exit_style().of_run(ours, &report, end);
    let end = End { exit: exit.code(), ..end };
    let mut failures: Vec<Failure> = seen.failure.into_iter().collect();
    failures.extend(outputs.write(&report, end));
    failures.extend(misfit.filter(|_| ours == Exit::Usage).map(Failure::usage));
    match failures.into_iter().next() {
        Some(failure) => Err(failure),
        None => Ok(exit),
    }
}

/// The first of these that holds: interrupted, our own fault, an expectation that does not fit, what the rows say.
fn exit(report: &Report, conclusion: &Conclusion, ended: Ended, misfit: bool) -> Exit {
    let internal = Cause::Internal.code();
    match conclusion {
        _ if ended == Ended::Interrupted => Exit::Interrupted,
        _ if report.rows.iter().any(|row| row.code == internal) => Exit::Internal,
        _ if misfit => Exit::Usage,
        Conclusion::OutOfTime => Exit::Partial,
        Conclusion::Inconclusive => Exit::Inconclusive,
        Conclusion::Compared { unexpected } if unexpected.is_empty() => Exit::Ok,
        Conclusion::Clean => Exit::Ok,
        Conclusion::Findings | Conclusion::Compared { .. } => Exit::Findings,
    }
}

/// How the run ended; beside it what is wrong with an expectation that names rows which are not there. The report is
/// worth printing all the same.
fn conclusion(
    report: &Report,
    expected: Option<&Expected>,
    fail_on: Option<&FailOn>,
    changes: Option<&Changes>,
) -> Result<(Conclusion, Option<Complaints>), Failure> {
    let Some(expectation) = expected.map(Expected::read).transpose()? else {
        return Ok((outcome::conclude(report, fail_on, changes), None));
    };
    match outcome::compare(report, &expectation) {
        Ok(conclusion) => Ok((conclusion, None)),
        Err(complaints) => Ok((outcome::conclude(report, fail_on, changes), Some(complaints))),
    }
}

/// An expectation as it was given, and where.
#[derive(Debug, Clone)]
pub(super) struct Expected {
    pub origin: String,
    pub text: String,
    /// Of a world of the lab, which may leave rows untested.
    pub is_lab: bool,
}

impl Expected {
    pub fn of_file(path: &Path) -> Result<Self, Failure> {
        Ok(Self { origin: files::name(path), text: files::text(path)?, is_lab: false })
    }

    pub fn read(&self) -> Result<Expectation, Failure> {
        let read = Expectation::read(&self.origin, &self.text).map_err(Failure::usage)?;
        Ok(if self.is_lab { read.of_lab() } else { read })
    }
}

fn fail_on(list: Option<&str>) -> Result<Option<FailOn>, Failure> {
    let read = |list| FailOn::read(list).map_err(|mistake| Failure::usage(format!("--fail-on: {mistake}")));
    list.map(read).transpose()
}

/// What the head says of a run with `--no-follow-ups`.
const ASKED_ONCE: &str =
    "nothing was asked twice (--no-follow-ups): a row that failed beside others may get through alone";

/// The report. What it is made of is gone afterwards: of many rows there is to be one copy.
pub(super) fn report_of(seen: &mut Seen) -> Report {
    let observations = std::mem::take(&mut seen.observations);
    let verdicts = seen.verdicts.take();
    let plan = &seen.header.plan;
    let grounds =
        Grounds::new(&seen.catalogue, plan, &seen.roots, seen.header.started, seen.ended).on(this_device::threads());
    let verdicts = verdicts.unwrap_or_else(|| judge(&grounds, &observations));
    let findings = findings(&grounds, &verdicts, &observations);
    let is_asked_twice = plan.follow_ups.wanted || observations.iter().any(|seen| seen.attempt() != Attempt::First);
    drop(observations);
    let impacts = crate::impact::assess(&seen.catalogue, plan, &verdicts);
    let (answer, findings) = crate::answer::conclude(&seen.catalogue, plan, &verdicts, findings);
    let note = &seen.roots.note;
    let asked_once = (!is_asked_twice).then(|| ASKED_ONCE.to_owned()).into_iter();
    let ran_as = seen.header.ran_as.map(|account| wording::ran_as(account).to_owned()).into_iter();
    let unasked = is_unasked(plan, &verdicts).then(|| wording::UNASKED_CLIENT.to_owned());
    let of_clients = winhttp_remark(&plan.os).map(str::to_owned).into_iter().chain(unasked);
    let system = plan.settings.as_ref().and_then(|settings| settings.accounts.first());
    let wpad = system.filter(|system| system.detects && plan.directions.is_none());
    let wpad = wpad.map(|_| wording::WPAD_NOT_ASKED.to_owned());
    let run = RunFacts {
        started: seen.header.started,
        duration: seen.duration.unwrap_or_default(),
        complete: seen.ended == Ended::Complete,
        machine_roots: format!("{} from {}", note.count, note.source),
        remarks: ran_as
            .chain(asked_once)
            .chain(seen.remarks.iter().chain(&note.problems).cloned())
            .chain(of_clients)
            .chain(wpad)
            .collect(),
    };
    report::assemble(&seen.catalogue, plan, verdicts, &findings, &impacts, &answer, run)
}

/// Reads the expectation and the list of what fails, so that a mistake in them is found before the run.
pub(super) fn check_verdict_arguments(
    expectation: Option<&Expected>,
    fail_on: Option<&str>,
    has_baseline: bool,
) -> Result<(), Failure> {
    expectation.map(Expected::read).transpose()?;
    let list = self::fail_on(fail_on)?;
    if let (Some(_), Some(expected)) = (&list, expectation) {
        return Err(Failure::usage(format!(
            "--fail-on says what fails a run, and so do the expectations of {}: give one of them",
            expected.origin
        )));
    }
    if list.is_some_and(|list| list.needs_baseline()) && !has_baseline {
        return Err(Failure::usage("--fail-on new says what is worse than before: add --baseline REPORT.json"));
    }
    Ok(())
}
