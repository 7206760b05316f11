//! The exit codes of Microsoft's deployment scripts: Upgrade Readiness', and the one that came after it.

/// What one exit code means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ExitCode {
    pub code: u8,
    pub meaning: &'static str,
    pub remedy: &'static str,
    /// Found in the script itself, and not in its documentation.
    pub undocumented: bool,
    pub successor: Successor,
}

/// What the script for Windows Update for Business reports does with the code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Successor {
    Same,
    Dropped,
    /// The code exists there alone.
    Only,
    /// There it means something else.
    Differs(&'static str),
}

const LOG: &str = "read the script's log";
const REGISTRY: &str = "run the script with the right to write to HKLM";
const NETWORK: &str =
    "let the diagnostic endpoints through firewall and proxy; `waprobe check` says which of them is blocked, and where";

/// Looks a code up.
#[must_use]
pub fn find(code: u8) -> Option<&'static ExitCode> {
    CODES.iter().find(|entry| entry.code == code)
}

use Successor::{Differs, Dropped, Only, Same};

const fn code(code: u8, meaning: &'static str, remedy: &'static str, successor: Successor) -> ExitCode {
    ExitCode { code, meaning, remedy, undocumented: false, successor }
}

const fn undocumented(code: u8, meaning: &'static str, remedy: &'static str, successor: Successor) -> ExitCode {
    ExitCode { code, meaning, remedy, undocumented: true, successor }
}

/// Every code that is known, in order.
pub const CODES: &[ExitCode] = &[
    code(0, "everything went well", "nothing to do", Same),
    code(
        1,
        "an unexpected error",
        "download the script again: its files may be damaged. Where waprobe ended with it (--exit-style ur), it stands for a \
         finding that the script has no number for, or for a wrong command line: read what waprobe printed",
        Same,
    ),
    code(2, "it could not write its log to the console (logMode 0)", "set logMode to 1 in RunConfig.bat", Dropped),
    code(
        3,
        "it could not write its log to console and file (logMode 1)",
        "set logPath to a folder it may write to",
        Dropped,
    ),
    code(4, "it could not write its log file (logMode 2)", "set logPath to a folder it may write to", Dropped),
    code(5, "it could not write its log: logMode is none it knows", "set logMode to 0, 1 or 2", Dropped),
    code(6, "no Commercial ID was given", "set commercialIDValue in RunConfig.bat to the ID of your workspace", Same),
    code(8, "it could not create the preference key DataCollection", REGISTRY, Same),
    code(9, "it could not write CommercialId", REGISTRY, Same),
    code(10, "it could not write CommercialDataOptIn", REGISTRY, Dropped),
    code(11, "setting the Commercial ID failed", LOG, Same),
    code(12, "it could not reach the diagnostic service", NETWORK, Same),
    code(13, "it could not reach settings.data.microsoft.com", NETWORK, Dropped),
    code(
        14,
        "it could not reach the compatibility exchange service",
        "let compatexchange1.trafficmanager.net through, or install a compatibility update with appraiser.dll 10.0.14979 or \
         later, which does not need it",
        Dropped,
    ),
    code(
        15,
        "the connectivity check itself failed",
        "look for the HResult in the log, and run `waprobe check`",
        Dropped,
    ),
    code(16, "a restart is pending", "restart the device, then run the script again", Same),
    code(17, "whether a restart is pending could not be found out", LOG, Same),
    code(18, "the compatibility update or appraiser.dll is missing", "install the compatibility update", Dropped),
    code(19, "checking the compatibility update failed", LOG, Dropped),
    code(20, "it could not write RequestAllAppraiserVersions", REGISTRY, Dropped),
    code(21, "setting RequestAllAppraiserVersions failed", LOG, Dropped),
    code(22, "running the appraiser failed", "see that %windir%\\System32\\CompatTelRunner.exe exists", Dropped),
    code(23, "the variable WINDIR is not set", "set it for the account that runs the script", Dropped),
    code(24, "it could not write IEDataOptIn", REGISTRY, Dropped),
    code(25, "setting IEDataOptIn failed", LOG, Dropped),
    undocumented(
        26,
        "the device is a server or has a long-term servicing edition",
        "the script refuses these: set a server's values by policy (`waprobe enroll plan --os server-2016`)",
        Dropped,
    ),
    code(
        27,
        "the script does not run as SYSTEM",
        "run it as the system account, such as from a task or software distribution",
        Same,
    ),
    code(28, "it could not create its log file", "give it the right to write to logPath", Dropped),
    code(
        29,
        "the connectivity check failed on the proxy's authentication",
        "install the latest updates; on Windows 8.1 set DisableEnterpriseAuthProxy to 0, which is what Windows 7 does",
        Dropped,
    ),
    code(30, "the user may not authenticate at the proxy for this", "set DisableEnterpriseAuthProxy to 0", Same),
    code(31, "another scan is running", "wait until CompatTelRunner.exe has ended; it runs every day at 3", Dropped),
    code(32, "appraiser.dll is too old", "install the latest compatibility update", Dropped),
    code(
        33,
        "CompatTelRunner.exe failed",
        "for 0x800703F1, 0x80070005 and 0x80080005: stop diagtrack, pcasvc and dps, delete \
         %windir%\\appcompat\\programs\\amcache.hve and, under HKLM\\SOFTWARE\\Microsoft\\Windows NT\\CurrentVersion\\AppCompatFlags, \
         the value AmiHivePermissionsCorrect; there set LogFlags (REG_DWORD) to 4, start the three services and run the script \
         again",
        Dropped,
    ),
    code(34, "checking the proxy's settings failed", LOG, Same),
    code(35, "checking the proxy's authentication failed", LOG, Same),
    code(36, "checking the appraiser's endpoints failed", LOG, Dropped),
    code(37, "its inner diagnosis failed", LOG, Same),
    code(38, "reading the SQM id failed", LOG, Dropped),
    code(39, "AllowTelemetry is set neither as policy nor as preference", "set it to 1 (Basic) at least", Dropped),
    code(40, "checking the level of diagnostic data failed", LOG, Same),
    code(
        41,
        "it could not act as the signed-in user",
        "with ClientProxy=User somebody must be signed in at the console; read the log",
        Same,
    ),
    code(42, "beginning to act as the signed-in user failed", LOG, Same),
    code(43, "ceasing to act as the signed-in user failed", LOG, Same),
    code(
        44,
        "diagtrack.dll is too old",
        "install the latest update of Windows",
        Differs("checking the DiagTrack service failed"),
    ),
    code(45, "diagtrack.dll is missing", "install the latest update of Windows", Same),
    undocumented(
        46,
        "ClientProxy=Telemetry in RunConfig.bat, while DisableEnterpriseAuthProxy is 0",
        "set DisableEnterpriseAuthProxy to 1 (policy \"Configure Authenticated Proxy usage for the Connected User Experience and Telemetry \
         service\"), or set ClientProxy to Direct, System or User; Telemetry, the proxy of TelemetryProxyServer, is a value that only the \
         script knows",
        Same,
    ),
    undocumented(
        47,
        "ClientProxy=Telemetry in RunConfig.bat, while no TelemetryProxyServer is set",
        "set TelemetryProxyServer as host:port (policy \"Configure Connected User Experiences and Telemetry\"), or set ClientProxy to Direct, \
         System or User",
        Same,
    ),
    code(48, "the Commercial ID is not a GUID", "copy it from the settings of your workspace", Same),
    undocumented(
        49,
        "ClientProxy=System in RunConfig.bat, while WinHTTP has no proxy on this device",
        "run `netsh winhttp set proxy HOST:PORT` as administrator, or set ClientProxy to Direct or User; `waprobe proxy` shows which proxy \
         each account uses",
        Same,
    ),
    code(
        50,
        "the service DiagTrack does not run",
        "start Connected User Experiences and Telemetry, and set it to start automatically",
        Same,
    ),
    code(51, "running the device census failed", "check the level of diagnostic data, then the log", Same),
    code(52, "DeviceCensus.exe is missing", "see that %windir%\\System32\\DeviceCensus.exe exists", Same),
    code(
        53,
        "another Commercial ID is set as policy, and wins",
        "correct the policy or the script's configuration",
        Same,
    ),
    code(
        54,
        "the Microsoft account sign-in assistant is disabled",
        "run `sc.exe config wlidsvc start= demand` as administrator: Windows then starts the service (wlidsvc) when it is needed. The script \
         asks for it up to Windows 10 1709; on later versions it goes on, and the device has a less reliable identity",
        Same,
    ),
    code(55, "it could not create the key for the device name's opt-in", REGISTRY, Same),
    code(56, "it could not create AllowDeviceNameInTelemetry", REGISTRY, Same),
    code(57, "it could not update AllowDeviceNameInTelemetry", REGISTRY, Same),
    code(58, "setting the device name's opt-in failed", LOG, Same),
    code(59, "it could not delete LastPersistedEventTimeOrFirstBoot", REGISTRY, Same),
    code(60, "it could not delete the key SettingsRequests", REGISTRY, Same),
    code(61, "cleaning the settings' cache failed", LOG, Same),
    code(62, "AllowTelemetry as policy is not a REG_DWORD", "set it again, as REG_DWORD", Same),
    code(
        63,
        "AllowTelemetry as policy is 0 or no level",
        "set the policy to 1 (Basic) at least",
        Differs("AllowTelemetry as policy is not high enough, and the script could not set it"),
    ),
    code(64, "AllowTelemetry as preference is not a REG_DWORD", "set it again, as REG_DWORD", Same),
    code(65, "AllowTelemetry as preference is 0 or no level", "set it to 1 (Basic) at least, or remove it", Dropped),
    code(
        66,
        "every recent upload of the diagnostic service failed, by Windows' own report (UtcConnectionReport, asked for after Windows 10 1803)",
        "let the diagnostic endpoints through firewall and proxy for the SYSTEM account, without TLS inspection; `waprobe check` says which of \
         them is blocked, and where",
        Same,
    ),
    code(
        67,
        "reading Windows' report of its recent uploads (UtcConnectionReport) failed",
        "run the script as the system account, which alone may read it: from software distribution, a task of SYSTEM, or psexec -s",
        Same,
    ),
    code(91, "it could not create the key for AllowUpdateComplianceProcessing", REGISTRY, Only),
    code(92, "it could not create AllowUpdateComplianceProcessing", REGISTRY, Only),
    code(93, "it could not update AllowUpdateComplianceProcessing", REGISTRY, Only),
    code(94, "setting AllowUpdateComplianceProcessing failed", LOG, Only),
    code(95, "it could not create the key for AllowCommercialDataPipeline", REGISTRY, Only),
    code(96, "it could not create AllowCommercialDataPipeline", REGISTRY, Only),
    code(97, "it could not update AllowCommercialDataPipeline", REGISTRY, Only),
    code(98, "setting AllowCommercialDataPipeline failed", LOG, Only),
    code(99, "the device does not run Windows 10", "use the script on Windows 10 or 11", Only),
    code(100, "the device is joined to no Azure directory", "join it to Azure AD, also as hybrid", Only),
    code(101, "checking the join to the directory failed", LOG, Only),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_up_to_67_is_there_but_the_one_nobody_explains() {
        assert!(CODES.is_sorted_by_key(|entry| entry.code));
        let missing: Vec<u8> = (0..=67).filter(|code| find(*code).is_none()).collect();
        assert_eq!(missing, [7]);
        assert_eq!((91..=101).filter(|code| find(*code).is_none()).count(), 0);
        assert_eq!(find(68), None);
    }

    #[test]
    fn the_successor_drops_and_adds_what_its_documentation_says() {
        let dropped: Vec<u8> =
            CODES.iter().filter(|entry| entry.successor == Dropped).map(|entry| entry.code).collect();
        let expected: Vec<u8> = (2..=5)
            .chain([10])
            .chain(13..=15)
            .chain(18..=26)
            .chain([28, 29])
            .chain(31..=33)
            .chain([36, 38, 39, 65])
            .collect();
        assert_eq!(dropped, expected);
        assert!(CODES.iter().all(|entry| (entry.successor == Only) == (entry.code > 90)));
        let undocumented: Vec<u8> = CODES.iter().filter(|entry| entry.undocumented).map(|entry| entry.code).collect();
        assert_eq!(undocumented, [26, 46, 47, 49]);
    }
}
