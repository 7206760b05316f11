//! `waprobe diff`: what changed between two reports.

use std::path::Path;

use clap::Args;

use super::arguments::{Color, Format};
use super::{Exit, Failure, files, terminal};
use crate::report::change::{self, Changes, Past, Tendency};
use crate::report::json;

#[derive(Debug, Args)]
pub(super) struct DiffArguments {
    /// The earlier JSON report; - is standard input.
    before: std::path::PathBuf,

    /// The later JSON report; - is standard input.
    after: std::path::PathBuf,

    /// What goes to standard output.
    #[arg(long, value_enum, default_value_t = Format::Table)]
    format: Format,

    /// When to use colour.
    #[arg(long, value_enum, default_value_t = Color::Auto)]
    color: Color,
}

pub(super) fn run(arguments: &DiffArguments) -> Result<Exit, Failure> {
    if files::is_standard(&arguments.before) && files::is_standard(&arguments.after) {
        return Err(Failure::usage("only one of the reports can come from standard input"));
    }
    let changes = Changes::between(&report(&arguments.before)?, &report(&arguments.after)?);
    let exit = match changes.tendency() {
        Tendency::Worse => Exit::Findings,
        Tendency::Unclear => Exit::Inconclusive,
        Tendency::Good => Exit::Ok,
    };
    files::print(|mut out| match arguments.format {
        Format::Json => json::write(&changes, &mut out),
        Format::Table => change::write(&changes, exit.code(), terminal::layout(arguments.color, false), &mut out),
    })?;
    Ok(exit)
}

/// Reads the report of an earlier run.
pub(super) fn report(path: &Path) -> Result<Past, Failure> {
    change::read(&files::report(path)?)
        .map_err(|mistake| Failure::usage(format!("could not read {}: {mistake}", files::name(path))))
}
