//! What to write, so that a device is enrolled: exactly these values and no more.
//!
//! In: a Commercial ID, a Windows version, solutions. Out: a [`Plan`], and the same plan in the form that a deployment
//! tool takes. Never: a clock or a name of this machine, so the same question gives the same file.

mod forms;
mod powershell;

use super::commercial_id::CommercialId;
use super::places::{APPRAISER, POLICY, PREFERENCE};
use super::rules::zones;
use super::windows::Windows;
use crate::catalogue::Solution;
use crate::registry::{Snapshot, Value};

pub use forms::{intune, lgpo, reg, syncml};
pub use powershell::powershell;

const WINDOWS_10_1703: u32 = 15063;
const WINDOWS_10_1709: u32 = 16299;
const WINDOWS_10_1803: u32 = 17134;

/// The values that one kind of device needs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    pub windows: String,
    pub solutions: Vec<Solution>,
    pub values: Vec<PlannedValue>,
}

/// One value, and why it is there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlannedValue {
    pub key: &'static str,
    pub name: &'static str,
    pub value: Value,
    pub why: String,
    /// The node that device management sets instead; `None` where it has none.
    pub node: Option<&'static str>,
}

/// Every value that a plan can hold: nothing else is ever written, nor put back.
pub const WRITABLE: [(&str, &str); 7] = [
    (POLICY, "CommercialId"),
    (POLICY, "AllowTelemetry"),
    (POLICY, "LimitEnhancedDiagnosticDataWindowsAnalytics"),
    (POLICY, "AllowDeviceNameInTelemetry"),
    (PREFERENCE, "CommercialDataOptIn"),
    (PREFERENCE, "IEDataOptIn"),
    (APPRAISER, "RequestAllAppraiserVersions"),
];

/// What every plan has to say before its values.
pub const WARNING: &str = "Regenerating the Commercial ID in the portal resets the data of every solution in the workspace, and the new \
     ID has to be deployed to all devices again. Do it only when the old ID can no longer be used.";

/// Why there is no plan.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PlanMistake {
    #[error("which values a device needs depends on its version: give one with --os, such as win10-1809")]
    NoVersion,
    #[error("{} does not run on {windows}", solution.title())]
    Unsupported { solution: Solution, windows: String },
    #[error("no solution knows {windows}, so that no value makes such a device appear")]
    Unknown { windows: String },
    #[error("site discovery is part of Upgrade Readiness, which is not planned here")]
    SiteDiscoveryWithoutReadiness,
    #[error("{windows} is not set up by device management: use --for reg, powershell or gpo")]
    NoManagement { windows: String },
    #[error("{name} has no node in device management: leave --site-discovery out and set it with --for powershell")]
    NoNode { name: &'static str },
}

/// Makes the plan. `asked` empty stands for every solution that this Windows supports; `site_discovery` is 0 to 3.
///
/// # Errors
/// [`PlanMistake`] where the version is not known or a solution does not run on it.
pub fn plan(
    id: &CommercialId,
    windows: &Windows,
    asked: &[Solution],
    site_discovery: Option<u32>,
) -> Result<Plan, PlanMistake> {
    if windows.build.is_none() {
        return Err(PlanMistake::NoVersion);
    }
    let supported = |solution: &Solution| windows.supports(*solution) == Some(true);
    if let Some(solution) = asked.iter().find(|solution| !supported(solution)) {
        return Err(PlanMistake::Unsupported { solution: *solution, windows: windows.described() });
    }
    if !Solution::ALL.iter().any(supported) {
        return Err(PlanMistake::Unknown { windows: windows.described() });
    }
    let solutions: Vec<Solution> = Solution::ALL
        .into_iter()
        .filter(supported)
        .filter(|solution| asked.is_empty() || asked.contains(solution))
        .collect();
    if site_discovery.is_some() && !solutions.contains(&Solution::UpgradeReadiness) {
        return Err(PlanMistake::SiteDiscoveryWithoutReadiness);
    }
    let mut values = vec![PlannedValue {
        key: POLICY,
        name: "CommercialId",
        value: Value::Sz(id.as_str().to_owned()),
        why: "the workspace that the data of this device belongs to".to_owned(),
        node: Some("./Vendor/MSFT/DMClient/Provider/MS DM Server/CommercialID"),
    }];
    if windows.is_windows_10() == Some(true) {
        values.extend(for_windows_10(windows, &solutions, site_discovery));
    } else {
        values.extend(for_earlier());
    }
    if let Some(choice) = site_discovery {
        values.push(PlannedValue {
            key: PREFERENCE,
            name: "IEDataOptIn",
            value: Value::Dword(choice),
            why: format!("Internet Explorer site discovery {}", zones(choice)),
            node: None,
        });
    }
    Ok(Plan { windows: windows.described(), solutions, values })
}

fn for_windows_10(windows: &Windows, solutions: &[Solution], site_discovery: Option<u32>) -> Vec<PlannedValue> {
    let early = windows.at_least(WINDOWS_10_1703, 0) == Some(false);
    let reason = if solutions.contains(&Solution::DeviceHealth) {
        Some("Enhanced, which Device Health needs")
    } else if early && solutions.contains(&Solution::UpdateCompliance) {
        Some("Enhanced, which the Defender assessment of Update Compliance needs up to Windows 10 1607")
    } else if site_discovery.is_some_and(|choice| choice > 0) {
        Some("Enhanced, which site discovery needs on Windows 10")
    } else {
        None
    };
    let policy = |name, number, why: &str, node| PlannedValue {
        key: POLICY,
        name,
        value: Value::Dword(number),
        why: why.to_owned(),
        node: Some(node),
    };
    let mut values = vec![policy(
        "AllowTelemetry",
        if reason.is_some() { 2 } else { 1 },
        reason.unwrap_or("Basic, which is enough here"),
        "./Vendor/MSFT/Policy/Config/System/AllowTelemetry",
    )];
    if reason.is_some() && windows.at_least(WINDOWS_10_1709, 0) == Some(true) {
        values.push(policy(
            "LimitEnhancedDiagnosticDataWindowsAnalytics",
            1,
            "of the Enhanced data only what Windows Analytics needs is sent",
            "./Vendor/MSFT/Policy/Config/System/LimitEnhancedDiagnosticDataWindowsAnalytics",
        ));
    }
    if windows.at_least(WINDOWS_10_1803, 0) == Some(true) {
        values.push(policy(
            "AllowDeviceNameInTelemetry",
            1,
            "the device is listed under its name instead of a GUID",
            // The node's name differs from the value's.
            "./Vendor/MSFT/Policy/Config/System/AllowDeviceNameInDiagnosticData",
        ));
    }
    values
}

fn for_earlier() -> Vec<PlannedValue> {
    vec![
        PlannedValue {
            key: PREFERENCE,
            name: "CommercialDataOptIn",
            value: Value::Dword(1),
            why: "Windows 7 and 8.1 send data for Upgrade Readiness only after this opt-in".to_owned(),
            node: None,
        },
        PlannedValue {
            key: APPRAISER,
            name: "RequestAllAppraiserVersions",
            value: Value::Dword(1),
            why: "compatibility is scanned for every version of Windows 10".to_owned(),
            node: None,
        },
    ]
}

impl Plan {
    /// What the registry holds once the plan is carried out.
    #[must_use]
    pub fn snapshot(&self) -> Snapshot {
        let mut snapshot = Snapshot::default();
        for planned in &self.values {
            snapshot.set(planned.key, planned.name, planned.value.clone());
        }
        snapshot
    }

    /// Lines for the head of a file: what it is for, the warning, and every value with its reason.
    fn remarks(&self) -> Vec<String> {
        let solutions: Vec<&str> = self.solutions.iter().map(|solution| solution.title()).collect();
        let mut remarks = vec![
            format!("Enrolls {} devices in {}.", self.windows, solutions.join(", ")),
            WARNING.to_owned(),
            "Microsoft recommends its deployment script over setting keys alone, because it checks more.".to_owned(),
        ];
        remarks.extend(
            self.values.iter().map(|planned| {
                format!("{} = {}: {} ({})", planned.name, planned.value.shown(), planned.why, planned.key)
            }),
        );
        remarks
    }
}
