//! `waprobe enroll`: a device's own settings, from a snapshot, and what to write.

use std::path::{Path, PathBuf};

use clap::{Args, Subcommand, ValueEnum};

use super::arguments::{Color, Format, SolutionId};
use super::style::ExitStyle;
use super::{Exit, Failure, files, terminal, this_device};
use crate::catalogue::{OsChoice, OsSelection, Solution};
use crate::enroll::commercial_id::CommercialId;
use crate::enroll::places::{POLICY, PREFERENCE, speaks};
use crate::enroll::{Case, Checkup, ProxyApproach, Region, Windows, check, collect, live, plan};
use crate::registry::{LARGEST_SNAPSHOT, Snapshot, to_json};
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

/// One device, and what it is meant to do.
#[derive(Debug, Args)]
pub(super) struct DeviceArguments {
    /// A registry export (.reg) or a snapshot (JSON) of the device. Default on Windows: this device itself.
    #[arg(long, value_name = "FILE")]
    pub snapshot: Option<PathBuf>,

    /// Its Windows version, such as win7-sp1, win10-1809, server-2016 or 10.0.17134.320. Default: what the snapshot says.
    #[arg(long, value_name = "ID")]
    os: Option<String>,

    /// Only what this solution needs. Default: every solution that this Windows supports.
    #[arg(long, value_name = "ID", value_enum)]
    solution: Vec<SolutionId>,

    /// Where the device is: what Microsoft collects differs.
    #[arg(long, value_enum)]
    region: Option<RegionId>,

    /// How devices get past a proxy that asks for credentials.
    #[arg(long, value_enum, value_name = "WAY")]
    proxy_authentication: Option<ApproachId>,

    /// Snapshots of other devices, which must not have the same machine id.
    #[arg(long, value_name = "FILE")]
    pub compare: Vec<PathBuf>,
}

#[derive(Debug, Args)]
pub(super) struct CheckArguments {
    #[command(flatten)]
    device: DeviceArguments,

    /// What goes to standard output.
    #[arg(long, value_enum, default_value_t = Format::Table)]
    format: Format,

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

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum RegionId {
    /// The European Economic Area.
    Eea,
    /// Switzerland.
    Ch,
    Other,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum ApproachId {
    /// The proxy lets the endpoints through without credentials.
    Bypass,
    /// The signed-in user authenticates.
    User,
    /// The machine account authenticates.
    Device,
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
        super::complain(&complaint);
    }
    text(&snapshot.as_ref().map_or_else(collect::powershell, to_json))
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
    let windows = std::env::var_os("windir").unwrap_or_else(|| r"C:\Windows".into());
    let folder = Path::new(&windows).join("System32");
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
    let id = commercial_id(&arguments.commercial_id)?;
    let windows = Windows::of(&Snapshot::default(), Some(windows_version(&arguments.os)?));
    let plan =
        plan::plan(&id, &windows, &solutions(&arguments.solution), arguments.site_discovery).map_err(Failure::usage)?;
    let bytes = match arguments.form {
        PlanForm::Reg => plan::reg(&plan),
        PlanForm::Powershell => plan::powershell(&plan).into_bytes(),
        PlanForm::Gpo => plan::lgpo(&plan).into_bytes(),
        PlanForm::Intune => plan::intune(&plan).map_err(Failure::usage)?.into_bytes(),
        PlanForm::Mdm => plan::syncml(&plan).map_err(Failure::usage)?.into_bytes(),
    };
    match &arguments.output {
        None => files::deliver(&bytes)?,
        Some(path) => std::fs::write(path, &bytes)
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
    let exit = if checkup.findings.is_empty() { Exit::Ok } else { Exit::Findings };
    let first = checkup.findings.first().and_then(|finding| finding.ur_exit);
    let exit = arguments.exit_style.of_settings(exit, first);
    files::print(|mut out| match arguments.format {
        Format::Json => report::json::write(&checkup, &mut out),
        Format::Table => {
            let layout = terminal::layout(arguments.color, false);
            report::enroll::write(&checkup, exit.code(), layout, &mut out)
        }
    })?;
    Ok(exit)
}

impl DeviceArguments {
    /// The device's settings judged, and the solutions that exist for it.
    pub(super) fn checkup(&self) -> Result<(Checkup, Device), Failure> {
        self.judge(&self.snapshot()?)
    }

    fn snapshot(&self) -> Result<Snapshot, Failure> {
        match &self.snapshot {
            Some(path) => snapshot(path),
            None => this_device::enrolment().ok_or_else(|| {
                Failure::usage(
                    "say which device: --snapshot FILE.reg or --snapshot FILE.json. `waprobe enroll snapshot` prints a \
                     PowerShell script that makes one",
                )
            }),
        }
    }

    /// Why nothing is said of a file that says nothing: "clean" would be taken for an answer.
    fn says_nothing(&self) -> Failure {
        let Some(path) = &self.snapshot else {
            return Failure::usage(
                "Windows lets this account read none of the settings that are asked for: open the console with \"Run as \
                 administrator\" and try again",
            );
        };
        Failure::usage(format!(
            "{} holds none of the keys that are asked for, so nothing can be said of this device. Export at least {POLICY} and \
             {PREFERENCE} into it, or make a whole snapshot: `waprobe enroll snapshot` prints the script that does",
            path.display()
        ))
    }

    /// The same of a device that is at hand.
    pub(super) fn judge(&self, snapshot: &Snapshot) -> Result<(Checkup, Device), Failure> {
        let chosen = self.os.as_deref().map(windows_version).transpose()?;
        // A device's own registry says more than its version's name.
        let chosen = chosen.filter(|(label, _)| !(snapshot.device.is_live && label.eq_ignore_ascii_case("this")));
        let windows = Windows::of(snapshot, chosen);
        let others: Vec<(String, Snapshot)> =
            self.compare.iter().map(|path| self.other(path, snapshot)).collect::<Result<_, Failure>>()?;
        let case = Case {
            snapshot,
            windows,
            asked: solutions(&self.solution),
            region: self.region.map(|region| match region {
                RegionId::Eea => Region::EuropeanEconomicArea,
                RegionId::Ch => Region::Switzerland,
                RegionId::Other => Region::Other,
            }),
            approach: self.proxy_authentication.map(|approach| match approach {
                ApproachId::Bypass => ProxyApproach::Bypass,
                ApproachId::User => ProxyApproach::User,
                ApproachId::Device => ProxyApproach::Device,
            }),
            others: others.iter().map(|(name, snapshot)| (name.clone(), snapshot)).collect(),
        };
        let supported = |solution: &Solution| case.windows.supports(*solution) != Some(false);
        let device = Device {
            solutions: case.solutions().into_iter().filter(supported).collect(),
            os: case.windows.selection().unwrap_or_else(OsSelection::all),
        };
        Ok((check(&case), device))
    }

    /// The snapshot of another device. The same one twice has the same machine id, which would mean nothing.
    fn other(&self, path: &Path, snapshot: &Snapshot) -> Result<(String, Snapshot), Failure> {
        let other = self::snapshot(path)?;
        let is_same_file = self.snapshot.as_ref().is_some_and(
            |own| matches!((own.canonicalize(), path.canonicalize()), (Ok(own), Ok(other)) if own == other),
        );
        if is_same_file || (other.device.captured.is_some() && other == *snapshot) {
            return Err(Failure::usage(format!(
                "--compare {} is the snapshot of this very device: name those of others",
                path.display()
            )));
        }
        Ok((path.display().to_string(), other))
    }
}

/// What a device needs of the network is asked for these.
pub(super) struct Device {
    pub solutions: Vec<Solution>,
    pub os: OsSelection,
}

pub(super) fn commercial_id(text: &str) -> Result<CommercialId, Failure> {
    text.parse().map_err(|mistake| Failure::usage(format!("'{text}' is not a Commercial ID: {mistake}")))
}

/// One version: a device has no more than one.
pub(super) fn windows_version(text: &str) -> Result<(&str, OsChoice), Failure> {
    let selection = OsSelection::read(&[text], this_device::version()).map_err(Failure::usage)?;
    match selection.choices.as_slice() {
        [choice] => Ok((text.trim(), *choice)),
        _ => Err(Failure::usage(format!("'{text}' names several versions of Windows, and a device has one"))),
    }
}

pub(super) fn solutions(chosen: &[SolutionId]) -> Vec<Solution> {
    Solution::ALL.into_iter().filter(|solution| chosen.iter().any(|id| Solution::from(*id) == *solution)).collect()
}

fn snapshot(path: &Path) -> Result<Snapshot, Failure> {
    let bytes = files::bytes(path, LARGEST_SNAPSHOT)?;
    Snapshot::read(&bytes).map_err(|mistake| Failure::usage(format!("could not read {}: {mistake}", path.display())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_makes_a_snapshot_without_rights_is_told_what_it_lacks() {
        let mut snapshot = Snapshot::default();
        snapshot.hold(POLICY);
        let note = left_out(&snapshot).expect("a note");
        assert!(note.contains(PREFERENCE) && note.contains("Run as administrator"), "{note}");
        assert!(!note.contains(POLICY), "{note}");
    }
}
