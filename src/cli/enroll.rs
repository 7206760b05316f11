//! `waprobe enroll`: a device's own settings, from a snapshot, and what to write.

use std::path::{Path, PathBuf};

use clap::{Args, Subcommand, ValueEnum};

use super::arguments::{Color, Format, SolutionId};
use super::device::{self, DeviceArguments};
use super::style::ExitStyle;
use super::{Exit, Failure, files, terminal, this_device};
use crate::enroll::places::speaks;
use crate::enroll::{Windows, collect, live, plan};
use crate::registry::{Snapshot, to_json};
use crate::report;

#[derive(Debug, Subcommand)]
pub(super) enum EnrollCommand {
    /// Say which settings keep a device from appearing.
    Check(CheckArguments),
    /// Print the values that enrol a device, in the form that a deployment tool takes.
    Plan(PlanArguments),
    /// Write those values into this device's registry (Windows, as administrator); without --yes only say what would change.
    Apply(super::apply::ApplyArguments),
    /// Put back what `apply` changed.
    Undo(super::apply::ChangeArguments),
    /// Print a snapshot of this device; where this is not Windows, a PowerShell script that makes one.
    Snapshot(SnapshotArguments),
    /// Start a full inventory scan of this device (Windows, as administrator); elsewhere print the commands that do.
    Scan,
}

#[derive(Debug, Args)]
pub(super) struct CheckArguments {
    #[command(flatten)]
    device: DeviceArguments,

    /// What goes to standard output. Default: table, or with --exit-style nagios one line.
    #[arg(long, value_enum)]
    format: Option<Format>,

    /// When to use colour.
    #[arg(long, value_enum, default_value_t = Color::Auto)]
    color: Color,

    /// Whose exit codes to end with; ur ends with the number of the first finding.
    #[arg(long, value_name = "STYLE", value_enum, default_value_t)]
    exit_style: ExitStyle,
}

#[derive(Debug, Args)]
pub(super) struct SnapshotArguments {
    /// Print the script also on Windows: it runs on versions that this program does not start on, such as Windows 7.
    #[arg(long)]
    script: bool,

    /// Write to this file instead of standard output.
    #[arg(long, value_name = "FILE")]
    output: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(super) struct PlanArguments {
    /// The Commercial ID of your workspace, a GUID.
    #[arg(long, value_name = "GUID")]
    commercial_id: String,

    /// The devices' Windows version, such as win7-sp1, win10-1809 or server-2016.
    #[arg(long, value_name = "ID")]
    os: String,

    /// Only what this solution needs. Default: every solution that this Windows supports.
    #[arg(long, value_name = "ID", value_enum)]
    solution: Vec<SolutionId>,

    /// Internet Explorer site discovery: 0 none, 1 intranet, trusted and local sites, 2 internet and restricted sites, 3 all.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(0..=3))]
    site_discovery: Option<u32>,

    /// The form of the plan.
    #[arg(long = "for", value_enum, default_value_t = PlanForm::Reg)]
    form: PlanForm,

    /// Write to this file instead of standard output.
    #[arg(long, value_name = "FILE")]
    output: Option<PathBuf>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum PlanForm {
    /// A registry file to import.
    Reg,
    /// A script that checks before and after it writes.
    Powershell,
    /// Text for Microsoft's LGPO tool.
    Gpo,
    /// A table (CSV) of OMA-URI settings.
    Intune,
    /// XML commands for any management server.
    Mdm,
}

pub(super) fn run(command: &EnrollCommand) -> Result<Exit, Failure> {
    match command {
        EnrollCommand::Check(arguments) => check_device(arguments),
        EnrollCommand::Plan(arguments) => plan_devices(arguments),
        EnrollCommand::Apply(arguments) => super::apply::apply(arguments),
        EnrollCommand::Undo(arguments) => super::apply::undo(arguments),
        EnrollCommand::Snapshot(arguments) => snapshot_of_this_device(arguments),
        EnrollCommand::Scan => scan(),
    }
}

fn snapshot_of_this_device(arguments: &SnapshotArguments) -> Result<Exit, Failure> {
    let snapshot = if arguments.script { None } else { this_device::for_elsewhere() };
    if let Some(complaint) = snapshot.as_ref().and_then(left_out) {
        terminal::complain(&complaint);
    }
    let document = snapshot.as_ref().map_or_else(collect::powershell, to_json);
    deliver(document.as_bytes(), arguments.output.as_deref())
}

/// What a snapshot of this device lacks, in a sentence for whoever makes it: whoever reads it later cannot ask again.
fn left_out(snapshot: &Snapshot) -> Option<String> {
    let withheld = live::withheld(snapshot);
    (!withheld.is_empty()).then(|| {
        format!(
            "note: the snapshot lacks what Windows does not let this account read: {}. Run it again in a console that was opened \
             with \"Run as administrator\"",
            withheld.join(", ")
        )
    })
}

fn text(text: &str) -> Result<Exit, Failure> {
    files::print(|out| out.write_all(text.as_bytes()))?;
    Ok(Exit::Ok)
}

#[cfg(not(windows))]
fn scan() -> Result<Exit, Failure> {
    text(&format!("{}\n", collect::SCAN.join("\n")))
}

/// Runs both, one after the other; each takes minutes.
#[cfg(windows)]
fn scan() -> Result<Exit, Failure> {
    let folder = crate::windows::locked::system_folder()
        .map_err(|error| Failure::usage(format!("could not find Windows' own programs: {error}")))?;
    let mut exit = Exit::Ok;
    for line in collect::SCAN {
        let mut words = line.split(' ');
        let program = folder.join(words.next().unwrap_or_default());
        files::print(|out| writeln!(out, "{line} (this takes several minutes)"))?;
        let status = std::process::Command::new(&program).args(words).status().map_err(|error| {
            Failure::usage(format!(
                "could not start {}: {error}. It comes with the compatibility update, and needs \"Run as administrator\"",
                program.display()
            ))
        })?;
        let code = status.code().map_or_else(|| "no code".to_owned(), |code| format!("0x{:08x}", code.cast_unsigned()));
        let what = match status.code() {
            Some(0) => "done",
            // ERROR_LOCK_VIOLATION as an HRESULT: the deployment script waits and tries again.
            Some(code) if code.cast_unsigned() == 0x8007_0021 => {
                "a scan is running already: try again when it has ended"
            }
            _ => "it failed: the administrator's rights may be missing, see `waprobe explain ur:33`",
        };
        if !status.success() {
            exit = Exit::Findings;
        }
        files::print(|out| writeln!(out, "  {code}: {what}"))?;
    }
    Ok(exit)
}

fn plan_devices(arguments: &PlanArguments) -> Result<Exit, Failure> {
    let id = device::commercial_id(&arguments.commercial_id)?;
    let windows = Windows::of(&Snapshot::default(), Some(device::windows_version(&arguments.os)?));
    let plan = plan::plan(&id, &windows, &device::solutions(&arguments.solution), arguments.site_discovery)
        .map_err(Failure::usage)?;
    let bytes = match arguments.form {
        PlanForm::Reg => plan::reg(&plan),
        PlanForm::Powershell => plan::powershell(&plan).into_bytes(),
        PlanForm::Gpo => plan::lgpo(&plan).into_bytes(),
        PlanForm::Intune => plan::intune(&plan).map_err(Failure::usage)?.into_bytes(),
        PlanForm::Mdm => plan::syncml(&plan).map_err(Failure::usage)?.into_bytes(),
    };
    deliver(&bytes, arguments.output.as_deref())
}

/// Into a file, or on standard output.
fn deliver(bytes: &[u8], output: Option<&Path>) -> Result<Exit, Failure> {
    match output {
        None => files::deliver(bytes)?,
        Some(path) => std::fs::write(path, bytes)
            .map_err(|error| Failure::usage(format!("could not write {}: {error}", path.display())))?,
    }
    Ok(Exit::Ok)
}

fn check_device(arguments: &CheckArguments) -> Result<Exit, Failure> {
    let snapshot = arguments.device.snapshot()?;
    if !speaks(&snapshot) {
        return Err(arguments.device.says_nothing());
    }
    let (checkup, _) = arguments.device.judge(&snapshot)?;
    let exit = arguments.exit_style.of_settings(&checkup);
    if arguments.format.is_none()
        && let Some(line) = arguments.exit_style.line_of_settings(exit.code(), &checkup)
    {
        return text(&line).map(|_| exit);
    }
    files::print(|mut out| match arguments.format.unwrap_or(Format::Table) {
        Format::Json => report::json::write(&checkup, &mut out),
        Format::Table => {
            let layout = terminal::layout(arguments.color, false);
            report::enroll::write(&checkup, exit.code(), layout, &mut out)
        }
    })?;
    Ok(exit)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::enroll::places::{POLICY, PREFERENCE};

    #[test]
    fn who_makes_a_snapshot_without_rights_is_told_what_it_lacks() {
        let mut snapshot = Snapshot::default();
        snapshot.hold(POLICY);
        let note = left_out(&snapshot).expect("a note");
        assert!(note.contains(PREFERENCE) && note.contains("Run as administrator"), "{note}");
        assert!(!note.contains(POLICY), "{note}");
    }
}
