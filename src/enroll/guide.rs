//! What each code of a device's settings means, and the one thing to do about it.
//!
//! Names of policies are those of group policy, Computer Configuration > Administrative Templates > Windows Components > Data
//! Collection and Preview Builds, unless another place is named.

use super::findings::{Code, Finding};
use super::places::PREFERENCE;
use super::plan::WRITABLE;

/// What is said of a code without a device at hand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Guide {
    /// What is wrong, as a heading.
    pub title: &'static str,
    /// What to do, as an instruction.
    pub change: &'static str,
}

const COMMERCIAL_ID: &str = "set the policy \"Configure the Commercial ID\" to the ID in the settings of your workspace \
     (CommercialId, REG_SZ); `waprobe enroll plan` prints it for every way of deployment";
/// What device management writes in place of `AllowTelemetry`.
const MANAGED_LEVEL: &str = "AllowTelemetry_PolicyManager";
const LEVEL_POLICY: &str =
    "set the policy \"Allow Telemetry\" (later \"Allow Diagnostic Data\"; AllowTelemetry, REG_DWORD)";
const LEVEL: &str = "set the policy \"Allow Telemetry\" (later \"Allow Diagnostic Data\"; AllowTelemetry, REG_DWORD) to 2 (Enhanced) \
     where Device Health is wanted, or to 1 (Basic) at least";
const ERROR_REPORTING: &str = "delete the value, or set it to 0, under Windows Error Reporting, also in the policies' copy of that key (Windows \
     Components > Windows Error Reporting)";
const SITE_DISCOVERY: &str = "write IEDataOptIn (REG_DWORD, 0 to 3) under \
     HKLM\\SOFTWARE\\Microsoft\\Windows\\CurrentVersion\\Policies\\DataCollection, and nowhere else";
const AUTHENTICATED_PROXY_ON: &str = "set DisableEnterpriseAuthProxy to 1 by the policy \"Configure Authenticated Proxy usage for the Connected User \
     Experience and Telemetry service\"";
const TASK: &str = "enable the task Microsoft Compatibility Appraiser in Task Scheduler under Microsoft\\Windows\\Application Experience, or \
     by schtasks /Change /ENABLE /TN \"\\Microsoft\\Windows\\Application Experience\\Microsoft Compatibility Appraiser\"";

impl Finding {
    /// What to do about it on this device, as an instruction.
    #[must_use]
    pub fn mend(&self) -> String {
        let Self { value, place, .. } = self;
        match self.code {
            Code::ErrorReportingDisabled | Code::ErrorReportingWithheld => {
                format!("delete {value} under {place}, or set it to 0 (REG_DWORD)")
            }
            Code::ErrorReportingRedirected => format!("delete {value} under {place}"),
            // Where it does not count anyway nothing has to take its place.
            Code::SettingsDownloadsOff | Code::InventoryOff | Code::ApplicationTelemetryOff => {
                format!("delete {value} under {place}, or take back the policy that sets it")
            }
            Code::ProgramDebugger => {
                format!("delete {value} under {place}, and find out which tool sets it")
            }
            Code::TelemetryType | Code::TelemetryLevel if self.is_beside() => {
                format!("delete {value} under {place}, or set it to 1, 2 or 3 (REG_DWORD)")
            }
            Code::TelemetryType | Code::TelemetryLevel if place == PREFERENCE && self.ur_exit.is_some() => {
                format!("delete {value} under {place}, or set it to 1, 2 or 3 (REG_DWORD); then {LEVEL}")
            }
            Code::CommercialIdType | Code::CommercialIdInvalid | Code::CommercialIdMissing
                if place == PREFERENCE && self.keeps_out_of.is_empty() =>
            {
                format!("delete {value} under {place}, or set it to the ID of your workspace (REG_SZ)")
            }
            Code::TelemetryLevel | Code::TelemetryType if value == MANAGED_LEVEL => format!(
                "set System/AllowTelemetry in device management (such as Intune) to {}, which sets {value}; or {LEVEL_POLICY} to the same",
                self.should.trim_end_matches(", as REG_DWORD").trim_end_matches(", set as policy")
            ),
            Code::TelemetryNotSet | Code::TelemetryLevel => {
                format!("{LEVEL_POLICY} to {}", self.should.trim_end_matches(", set as policy"))
            }
            Code::CommercialIdType => format!("delete {value} under {place} and write it as REG_SZ"),
            Code::EditionUnsupported if self.keeps_out_of.is_empty() => {
                "set the values by policy: the deployment script refuses this edition".to_owned()
            }
            Code::TelemetryType => format!("delete {value} under {place} and write it as REG_DWORD"),
            code => code.guide().change.to_owned(),
        }
    }
}

impl Finding {
    /// Whether this is a level of diagnostic data that does not count, and that the deployment script alone stops at.
    fn is_beside(&self) -> bool {
        matches!(self.code, Code::TelemetryType | Code::TelemetryLevel)
            && self.ur_exit.is_some()
            && self.keeps_out_of.is_empty()
    }

    /// Whether a plan for this device sets this very value, and so mends it.
    #[must_use]
    pub fn is_planned(&self) -> bool {
        let is_written = WRITABLE.contains(&(self.place.as_str(), self.value.as_str()));
        is_written && !self.is_beside() && self.code != Code::CommercialIdConflict
    }
}

impl Code {
    /// What this code means on any device.
    #[must_use]
    #[expect(clippy::too_many_lines, reason = "one table, and each line of it is text")]
    pub fn guide(self) -> Guide {
        let (title, change) = match self {
            Self::SolutionUnsupported => (
                "The solution does not exist for this Windows",
                "bring the device to a Windows that the solution supports, or leave the device out",
            ),
            Self::EditionUnsupported => (
                "The edition is one of long-term servicing",
                "leave the device out of Upgrade Readiness, and set the values of the other solutions by policy: the deployment script \
                 refuses this edition",
            ),
            Self::RegionNotCollected => (
                "Microsoft collects nothing of this Windows in this place",
                "bring the device to Windows 10: no setting of Windows 8.1 changes this",
            ),
            Self::CommercialIdMissing => ("There is no Commercial ID", COMMERCIAL_ID),
            Self::CommercialIdType => (
                "The Commercial ID is of the wrong type",
                "delete the value and write it as REG_SZ: Windows reads it as text only",
            ),
            Self::CommercialIdInvalid => ("The Commercial ID is no GUID", COMMERCIAL_ID),
            Self::CommercialIdConflict => (
                "Policy and preference hold two Commercial IDs",
                "give both the ID of your workspace, or delete the preference where the policy has it",
            ),
            Self::TelemetryNotSet => ("The level of diagnostic data is not set", LEVEL),
            Self::TelemetryType => {
                ("The level of diagnostic data is of the wrong type", "delete AllowTelemetry and write it as REG_DWORD")
            }
            Self::TelemetryLevel => ("The level of diagnostic data is too low", LEVEL),
            Self::LimitEnhancedUseless => (
                "Enhanced data is to be limited, and the level is another",
                "set AllowTelemetry to 2 (Enhanced), or take back the policy \"Limit Enhanced diagnostic data to the minimum required by \
                 Windows Analytics\"",
            ),
            Self::LimitEnhancedInvalid => (
                "The limit of Enhanced data has no valid value",
                "set LimitEnhancedDiagnosticDataWindowsAnalytics to 1 as REG_DWORD, or delete it",
            ),
            Self::DeviceName => (
                "The device's name is not sent, so that it appears under a GUID",
                "set the policy \"Allow device name to be sent in Windows diagnostic data\" (AllowDeviceNameInTelemetry = 1)",
            ),
            Self::CommercialDataOptIn => (
                "Windows 7 or 8.1 was not opted in",
                "write CommercialDataOptIn = 1 (REG_DWORD) under \
                 HKLM\\SOFTWARE\\Microsoft\\Windows\\CurrentVersion\\Policies\\DataCollection",
            ),
            Self::AppraiserVersions => (
                "Compatibility is asked for one version of Windows 10 only",
                "write RequestAllAppraiserVersions = 1 (REG_DWORD) under \
                 HKLM\\SOFTWARE\\Microsoft\\Windows NT\\CurrentVersion\\AppCompatFlags\\Appraiser",
            ),
            Self::SettingsDownloadsOff => (
                "The diagnostic service may not fetch its settings",
                "set the policy \"Disable OneSettings Downloads\" to Not configured, or delete DisableOneSettingsDownloads",
            ),
            Self::ProgramDebugger => (
                "Another program starts in the place of one that is needed",
                "delete the value Debugger below Image File Execution Options for this program, and find out which tool sets it",
            ),
            Self::InventoryOff => (
                "The inventory is switched off",
                "set the policy \"Turn off Inventory Collector\" (Windows Components > Application Compatibility) to Not configured, or \
                 delete DisableInventory",
            ),
            Self::ApplicationTelemetryOff => (
                "Application telemetry is switched off",
                "set the policy \"Turn off Application Telemetry\" (Windows Components > Application Compatibility) to Not configured, or \
                 delete AITEnable",
            ),
            Self::ScanNotRegistered => (
                "The scan's task does not start the scan",
                "install the latest cumulative update, which registers the scan again, and remove the tool that takes the command out; \
                 `waprobe enroll scan` starts a scan meanwhile",
            ),
            Self::TraceSessionOff => (
                "The trace session of the diagnostic service does not start with Windows",
                "set Start to 1 (REG_DWORD) under \
                 HKLM\\SYSTEM\\CurrentControlSet\\Control\\WMI\\Autologger\\AutoLogger-Diagtrack-Listener, and restart",
            ),
            Self::FirewallBlocks => (
                "A rule of Windows' firewall blocks the sender",
                "delete or disable this outbound rule in Windows Defender Firewall with Advanced Security, or in the policy that sets it",
            ),
            Self::SiteDiscoveryInvalid => {
                ("The setting for Internet Explorer sites has no valid value", SITE_DISCOVERY)
            }
            Self::SiteDiscoveryName => {
                ("The setting for Internet Explorer sites has the name of the script's variable", SITE_DISCOVERY)
            }
            Self::SiteDiscoveryPolicy => {
                ("The setting for Internet Explorer sites stands where Windows does not look", SITE_DISCOVERY)
            }
            Self::SiteDiscoveryLevel => (
                "Internet Explorer sites are wanted, and the level is below Enhanced",
                "set AllowTelemetry to 2 (Enhanced) by policy, or IEDataOptIn to 0",
            ),
            Self::SiteDiscoveryUpdate => (
                "Internet Explorer sites are wanted, and the update that collects them is missing",
                "install KB3080149",
            ),
            Self::SiteDiscoveryBrowser => (
                "Internet Explorer sites are wanted, and the browser is too old",
                "install Internet Explorer 11 with the cumulative update of July 2016 or later",
            ),
            Self::SiteDiscoveryRegion => (
                "Internet Explorer sites are wanted where Microsoft collects none",
                "set IEDataOptIn to 0, or delete it",
            ),
            Self::Tls12Off => (
                "Windows' services do not speak TLS 1.2",
                "on Windows 7 install KB3140245 and set DefaultSecureProtocols (REG_DWORD) to 0xA00 or 0x800 under \
                 HKLM\\SOFTWARE\\Microsoft\\Windows\\CurrentVersion\\Internet Settings\\WinHttp; on every version set Enabled to 1 under \
                 HKLM\\SYSTEM\\CurrentControlSet\\Control\\SecurityProviders\\SCHANNEL\\Protocols\\TLS 1.2\\Client, or delete it",
            ),
            Self::RollupMissing => (
                "The monthly rollup that brings the diagnostic service is missing",
                "install the monthly rollup of October 2018 or later (KB4462923 on Windows 7 SP1, KB4462926 on 8.1), and restart",
            ),
            Self::CumulativeUpdateMissing => (
                "Windows 10 has no cumulative update",
                "install the latest cumulative update: it brings the compatibility update and the diagnostic service",
            ),
            Self::RestartPending => ("A restart is pending", "restart the device"),
            Self::AppraiserMissing => (
                "The compatibility update is not installed",
                "install the latest cumulative update or monthly rollup, which brings appraiser.dll",
            ),
            Self::AppraiserOutdated => (
                "The compatibility update is too old",
                "install the latest cumulative update or monthly rollup, which brings a newer appraiser.dll",
            ),
            Self::DiagtrackMissing => (
                "The diagnostic service's program is missing",
                "install the latest cumulative update or monthly rollup, which brings diagtrack.dll",
            ),
            Self::DiagtrackOutdated => (
                "The diagnostic service's program is too old",
                "install the latest cumulative update or monthly rollup, which brings a newer diagtrack.dll",
            ),
            Self::DefenderDisabled => (
                "Windows Defender is switched off",
                "delete DisableAntiSpyware, or take back the policy \"Turn off Windows Defender Antivirus\"",
            ),
            Self::DefenderPassive => (
                "Windows Defender stands back for another product",
                "leave the Defender assessment out for this device, or make Defender its active antivirus",
            ),
            Self::CloudProtectionOff => (
                "Cloud-delivered protection is off",
                "set SpynetReporting to 1 or 2 by the policy \"Join Microsoft MAPS\" (Windows Components > Windows Defender Antivirus > MAPS)",
            ),
            Self::AuthProxyInvalid => (
                "The setting for authenticated proxies has no valid value",
                "set DisableEnterpriseAuthProxy to 0 or 1 as REG_DWORD, or delete it",
            ),
            Self::AuthProxyUser => (
                "The signed-in user is to answer the proxy, and a policy forbids it",
                "set the policy \"Configure Authenticated Proxy usage for the Connected User Experience and Telemetry service\" so that \
                 DisableEnterpriseAuthProxy is 0, or let the hosts through without a login",
            ),
            Self::AuthProxyVersion => (
                "This Windows does not answer a proxy as the signed-in user",
                "let the hosts through the proxy without a login, or by the machine's account; Windows 10 1703 and later answer as \
                 the user",
            ),
            Self::AuthProxyDefender => (
                "Defender for Endpoint and the user's login at the proxy exclude each other",
                "set DisableEnterpriseAuthProxy to 1, and let the hosts through the proxy without a login or by the machine's account",
            ),
            Self::TelemetryProxyInvalid => (
                "The proxy for diagnostic data cannot be read",
                "write TelemetryProxyServer as host:port (REG_SZ), by the policy \"Configure Connected User Experiences and Telemetry\", or \
                 delete it",
            ),
            Self::TelemetryProxyConflict => (
                "A proxy for diagnostic data alone stands beside the user's login at the proxy",
                AUTHENTICATED_PROXY_ON,
            ),
            Self::UploadEndpoint => (
                "Data goes to another host than Microsoft's",
                "delete the value that names the host (policy \"Configure Microsoft 365 Update Readiness upload endpoint\"), unless that host \
                 is meant to pass the data on",
            ),
            Self::ErrorReportingDisabled => ("Error reporting is switched off", ERROR_REPORTING),
            Self::ErrorReportingWithheld => ("Error reports are sent without their data", ERROR_REPORTING),
            Self::ErrorReportingRedirected => ("Error reports go to a server of the company", ERROR_REPORTING),
            Self::DiagtrackService => (
                "The diagnostic service does not run",
                "where the service is missing, install updates; where it is there, run `sc.exe config DiagTrack start= auto` and `net start \
                 DiagTrack` as administrator",
            ),
            Self::SignInService => (
                "The sign-in assistant is disabled or missing, so that devices are known by a less reliable identity",
                "where the service is missing, repair Windows, because no setting brings it back; where it is disabled, run `sc.exe config \
                 wlidsvc start= demand` as administrator: Windows starts it when it is needed",
            ),
            Self::AppraiserTaskMissing => (
                "The task that scans the device is missing",
                "install the latest cumulative update or monthly rollup, which brings the task Microsoft Compatibility Appraiser",
            ),
            Self::AppraiserTaskDisabled => ("The task that scans the device is disabled", TASK),
            Self::AppraiserTaskStale => (
                "The task that scans the device has not run for days",
                "run the scan once as administrator: `waprobe enroll scan`; then see in Task Scheduler why it does not run every night",
            ),
            Self::AppraiserTaskFailed => (
                "The last run of the scan's task failed",
                "run the scan once as administrator: `waprobe enroll scan`; where it fails again, see `waprobe explain ur:33`",
            ),
            Self::MachineIdDuplicate => (
                "Another device has the same machine id",
                "stop DiagTrack, delete MachineId under HKLM\\SOFTWARE\\Microsoft\\SQMClient, start DiagTrack; and generalise the image \
                 (sysprep) that both were made of",
            ),
        };
        Guide { title, change }
    }
}
