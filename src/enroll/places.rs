//! Where Windows keeps what matters here.

use crate::registry::{Device, Presence, Snapshot};

/// Group policy and device management write here, and what stands here wins.
pub const POLICY: &str = r"HKLM\SOFTWARE\Policies\Microsoft\Windows\DataCollection";
/// The deployment script writes here: the preference.
pub const PREFERENCE: &str = r"HKLM\SOFTWARE\Microsoft\Windows\CurrentVersion\Policies\DataCollection";
/// Where a 32-bit program writes when it means [`POLICY`] or [`PREFERENCE`].
pub const MISPLACED: [&str; 2] = [
    r"HKLM\SOFTWARE\Wow6432Node\Policies\Microsoft\Windows\DataCollection",
    r"HKLM\SOFTWARE\Wow6432Node\Microsoft\Windows\CurrentVersion\Policies\DataCollection",
];
pub const APPRAISER: &str = r"HKLM\SOFTWARE\Microsoft\Windows NT\CurrentVersion\AppCompatFlags\Appraiser";
pub const CURRENT_VERSION: &str = r"HKLM\SOFTWARE\Microsoft\Windows NT\CurrentVersion";
pub const PRODUCT_OPTIONS: &str = r"HKLM\SYSTEM\CurrentControlSet\Control\ProductOptions";
/// What the device is called, now and from its next start on.
pub const COMPUTER_NAMES: [&str; 2] = [
    r"HKLM\SYSTEM\CurrentControlSet\Control\ComputerName\ActiveComputerName",
    r"HKLM\SYSTEM\CurrentControlSet\Control\ComputerName\ComputerName",
];
pub const RESTART_PENDING: &str =
    r"HKLM\SOFTWARE\Microsoft\Windows\CurrentVersion\Component Based Servicing\RebootPending";
pub const SQM_CLIENT: &str = r"HKLM\SOFTWARE\Microsoft\SQMClient";
pub const INTERNET_EXPLORER: &str = r"HKLM\SOFTWARE\Microsoft\Internet Explorer";
pub const SERVICES: &str = r"HKLM\SYSTEM\CurrentControlSet\Services";

pub const DEFENDER_POLICY: &str = r"HKLM\SOFTWARE\Policies\Microsoft\Windows Defender";
pub const DEFENDER: &str = r"HKLM\SOFTWARE\Microsoft\Windows Defender";
pub const SPYNET_POLICY: &str = r"HKLM\SOFTWARE\Policies\Microsoft\Windows Defender\Spynet";
pub const SPYNET: &str = r"HKLM\SOFTWARE\Microsoft\Windows Defender\Spynet";
pub const ADVANCED_THREAT_PROTECTION_POLICY: &str =
    r"HKLM\SOFTWARE\Policies\Microsoft\Windows Advanced Threat Protection";
pub const ADVANCED_THREAT_PROTECTION: &str = r"HKLM\SOFTWARE\Microsoft\Windows Advanced Threat Protection\Status";

/// Error reporting, for the machine and for the user, each policy before preference.
pub const ERROR_REPORTING: [[&str; 2]; 2] = [
    [
        r"HKLM\SOFTWARE\Policies\Microsoft\Windows\Windows Error Reporting",
        r"HKLM\SOFTWARE\Microsoft\Windows\Windows Error Reporting",
    ],
    [
        r"HKCU\SOFTWARE\Policies\Microsoft\Windows\Windows Error Reporting",
        r"HKCU\SOFTWARE\Microsoft\Windows\Windows Error Reporting",
    ],
];

/// What the device is called, where the snapshot says it.
#[must_use]
pub fn computer_name(snapshot: &Snapshot) -> Option<&str> {
    COMPUTER_NAMES.iter().find_map(|key| snapshot.lookup(key, "ComputerName").value()?.as_text())
}

/// Whether `snapshot` speaks about anything that a rule asks for, beside which Windows it is of: a key that it holds or knows
/// to be missing, a service, a task, a file, the list of updates, a pending restart.
#[must_use]
pub fn speaks(snapshot: &Snapshot) -> bool {
    let Device { services, tasks, files, hotfixes, pending_xml, .. } = &snapshot.device;
    let has_facts =
        !services.is_empty() || !tasks.is_empty() || !files.is_empty() || hotfixes.is_some() || pending_xml.is_some();
    let says_which_windows = |key: &str| [CURRENT_VERSION, PRODUCT_OPTIONS].contains(&key);
    let services = SERVICES_ASKED.map(|name| format!(r"{SERVICES}\{name}"));
    let asked = ASKED.into_iter().chain(ERROR_REPORTING.into_iter().flatten()).filter(|key| !says_which_windows(key));
    has_facts
        || asked.chain(services.iter().map(String::as_str)).any(|key| snapshot.presence(key) != Presence::NotKnown)
}

/// The task that looks for changes every night.
pub const APPRAISER_TASK: &str = r"\Microsoft\Windows\Application Experience\Microsoft Compatibility Appraiser";

/// Every key whose values a rule asks for: what a snapshot has to hold.
pub const ASKED: [&str; 16] = [
    POLICY,
    PREFERENCE,
    APPRAISER,
    CURRENT_VERSION,
    PRODUCT_OPTIONS,
    SQM_CLIENT,
    INTERNET_EXPLORER,
    DEFENDER_POLICY,
    DEFENDER,
    SPYNET_POLICY,
    SPYNET,
    ADVANCED_THREAT_PROTECTION_POLICY,
    ADVANCED_THREAT_PROTECTION,
    MISPLACED[0],
    MISPLACED[1],
    RESTART_PENDING,
];

/// The services that send the data and give the device its identity.
pub const SERVICES_ASKED: [&str; 2] = ["DiagTrack", "wlidsvc"];

/// Programs of `%windir%\System32` whose version says what is installed.
pub const FILES: [&str; 3] = ["appraiser.dll", "diagtrack.dll", "CompatTelRunner.exe"];

/// Values that no rule asks for and that nobody should pass on: a product key can be read out of them.
pub const SECRET: [(&str, &str); 2] = [(CURRENT_VERSION, "DigitalProductId"), (CURRENT_VERSION, "DigitalProductId4")];

/// Where an account keeps which proxies it uses, below its hive, with another key for the records of Windows' own programs.
pub const INTERNET_SETTINGS: &str = r"SOFTWARE\Microsoft\Windows\CurrentVersion\Internet Settings";
/// Whether those of the machine are for all accounts.
pub const INTERNET_SETTINGS_POLICY: &str = r"HKLM\SOFTWARE\Policies\Microsoft\Windows\CurrentVersion\Internet Settings";
/// The values there that name a proxy; no rule asks for them, and what leads elsewhere by a snapshot does.
pub const PROXY_VALUES: [&str; 7] = [
    "AutoConfigURL",
    "DefaultConnectionSettings",
    "ProxyEnable",
    "ProxyOverride",
    "ProxyServer",
    "ProxySettingsPerUser",
    "WinHttpSettings",
];
