//! From what was seen to what is printed: judging, rendering and the exit code, the same for a run and a replay.

use std::io::Write;
use std::sync::Arc;
use std::time::Duration;

use super::arguments::{Format, OutputArguments};
use super::files::{self, OutputFile};
use super::{Exit, Failure, terminal};
use crate::catalogue::{Catalogue, Complaints};
use crate::judge::{Cause, Grounds, findings, judge};
use crate::observation::recording::{Header, Roots};
use crate::observation::{Ended, Observation};
use crate::report::expectation::Expectation;
use crate::report::outcome::{self, Conclusion, FailOn};
use crate::report::table::{End, Layout};
use crate::report::{self, Report, RunFacts};

/// In a file there is no terminal: no colour, and a width that reads well anywhere.
const FILE_LAYOUT: Layout = Layout { width: 120, colour: false, ascii: false, verbose: true };

/// Everything that a report is made of.
pub(super) struct Seen {
    pub header: Header,
    pub catalogue: Arc<Catalogue>,
    pub roots: Roots,
    pub observations: Vec<Observation>,
    /// `None` when the recording is cut off.
    pub duration: Option<Duration>,
    pub ended: Ended,
    pub remarks: Vec<String>,
    /// What went wrong beside the run, such as writing its recording; told after the report.
    pub failure: Option<Failure>,
}

/// Where the report goes.
pub(super) struct Outputs {
    format: Format,
    layout: Layout,
    files: Vec<(Format, OutputFile)>,
}

impl Outputs {
    /// Opens every file, so that a wrong path is found before the run.
    pub fn open(arguments: &OutputArguments) -> Result<Self, Failure> {
        let mut files = Vec::new();
        for argument in &arguments.output {
            let (format, path) = argument
                .split_once('=')
                .ok_or_else(|| Failure::usage(format!("'{argument}' is not FORMAT=FILE, such as json=report.json")))?;
            let format = <Format as clap::ValueEnum>::from_str(format, false).map_err(|_| {
                Failure::usage(format!("'{format}' is not a format that can be written: use table or json"))
            })?;
            files.push((format, OutputFile::create(path.as_ref())?));
        }
        Ok(Self { format: arguments.format, layout: terminal::layout(arguments.color, arguments.verbose), files })
    }

    /// Judges, writes every output, and says how the process ends. What fails on the way is told after everything that
    /// can be written was written.
    pub fn conclude(mut self, seen: Seen) -> Result<Exit, Failure> {
        let report = report_of(&seen);
        let (conclusion, misfit) = conclusion(&report, &seen.header)?;
        let exit = exit(&report, &conclusion, seen.ended, misfit.is_some());
        let end = End { conclusion: &conclusion, exit: exit.code() };
        let mut failures: Vec<Failure> = seen.failure.into_iter().collect();
        for (format, file) in &mut self.files {
            let result = render(*format, &report, end, FILE_LAYOUT, &mut file.file);
            failures.extend(result.err().map(|error| file.failed(&error)));
        }
        failures.extend(files::print(|out| render(self.format, &report, end, self.layout, out)).err());
        failures.extend(misfit.filter(|_| exit == Exit::Usage).map(Failure::usage));
        match failures.into_iter().next() {
            Some(failure) => Err(failure),
            None => Ok(exit),
        }
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
fn conclusion(report: &Report, header: &Header) -> Result<(Conclusion, Option<Complaints>), Failure> {
    let fail_on = fail_on(header.fail_on.as_deref())?;
    let Some(expectation) = expectation(header.expectation.as_deref())? else {
        return Ok((outcome::conclude(report, &fail_on), None));
    };
    match outcome::compare(report, &expectation) {
        Ok(conclusion) => Ok((conclusion, None)),
        Err(complaints) => Ok((outcome::conclude(report, &fail_on), Some(complaints))),
    }
}

fn expectation(text: Option<&str>) -> Result<Option<Expectation>, Failure> {
    text.map(|text| Expectation::read("the expectations", text)).transpose().map_err(Failure::usage)
}

fn fail_on(list: Option<&str>) -> Result<FailOn, Failure> {
    match list {
        None => Ok(FailOn::default()),
        Some(list) => FailOn::read(list).map_err(|mistake| Failure::usage(format!("--fail-on: {mistake}"))),
    }
}

fn report_of(seen: &Seen) -> Report {
    let plan = &seen.header.plan;
    let grounds = Grounds::new(&seen.catalogue, plan, &seen.roots, seen.header.started, seen.ended);
    let verdicts = judge(&grounds, &seen.observations);
    let findings = findings(&grounds, &verdicts, &seen.observations);
    let impacts = crate::impact::assess(&seen.catalogue, plan, &verdicts);
    let note = &seen.roots.note;
    let run = RunFacts {
        started: seen.header.started,
        duration: seen.duration.unwrap_or_default(),
        complete: seen.ended == Ended::Complete,
        machine_roots: format!("{} from {}", note.count, note.source),
        remarks: seen.remarks.iter().chain(&note.problems).cloned().collect(),
    };
    report::assemble(&seen.catalogue, plan, &verdicts, &findings, &impacts, run)
}

fn render(
    format: Format,
    report: &Report,
    end: End<'_>,
    layout: Layout,
    mut out: &mut dyn Write,
) -> std::io::Result<()> {
    match format {
        Format::Table => report::table::write(report, end, layout, &mut out),
        Format::Json => report::json::write(report, &mut out),
    }
}

/// Reads the expectation and the list of what fails, so that a mistake in them is found before the run.
pub(super) fn check_verdict_arguments(expectation: Option<&str>, fail_on: Option<&str>) -> Result<(), Failure> {
    self::expectation(expectation)?;
    self::fail_on(fail_on)?;
    Ok(())
}
