//! The device that a command is about: its snapshot or its own registry, its Windows, what it is meant to do.

use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};

use super::arguments::SolutionId;
use super::{Failure, files, this_device};
use crate::catalogue::{OsChoice, OsSelection, Solution};
use crate::enroll::commercial_id::CommercialId;
use crate::enroll::places::{POLICY, PREFERENCE, computer_name};
use crate::enroll::{Case, Checkup, ProxyApproach, Region, Windows, check};
use crate::registry::{LARGEST_SNAPSHOT, Snapshot};

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

impl DeviceArguments {
    /// The device's settings judged, and the solutions that exist for it.
    pub(super) fn checkup(&self) -> Result<(Checkup, Device), Failure> {
        self.judge(&self.snapshot()?)
    }

    /// Of the file that was named, or of this device.
    pub(super) fn snapshot(&self) -> Result<Snapshot, Failure> {
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
    pub(super) fn says_nothing(&self) -> Failure {
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
        let is_same_device = match (computer_name(snapshot), computer_name(&other)) {
            (Some(own), Some(other)) => own.eq_ignore_ascii_case(other),
            _ => other.device.captured.is_some() && is_same_but_for_the_time(snapshot, &other),
        };
        if is_same_file || is_same_device {
            return Err(Failure::usage(format!(
                "--compare {} is a snapshot of this very device: name those of others",
                path.display()
            )));
        }
        Ok((path.display().to_string(), other))
    }
}

/// Snapshots that were made before they held a name.
fn is_same_but_for_the_time(one: &Snapshot, other: &Snapshot) -> bool {
    let mut other = other.clone();
    other.device.captured = one.device.captured;
    other.device.is_live = one.device.is_live;
    *one == other
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
