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
pub const DEFENDER_REAL_TIME_POLICY: &str = r"HKLM\SOFTWARE\Policies\Microsoft\Windows Defender\Real-Time Protection";
pub const DEFENDER_REAL_TIME: &str = r"HKLM\SOFTWARE\Microsoft\Windows Defender\Real-Time Protection";
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

/// Where an administrator or a privacy tool puts another program in front of one (`Debugger`), seen by 64-bit and by 32-bit
/// programs.
pub const IMAGE_OPTIONS: [&str; 2] = [
    r"HKLM\SOFTWARE\Microsoft\Windows NT\CurrentVersion\Image File Execution Options",
    r"HKLM\SOFTWARE\Wow6432Node\Microsoft\Windows NT\CurrentVersion\Image File Execution Options",
];
/// The programs that scan the device and report its errors, beside the services.
pub const PROGRAMS: [&str; 4] = ["CompatTelRunner.exe", "DeviceCensus.exe", "WerFault.exe", "wermgr.exe"];
/// Policies of application compatibility (AppCompat.admx).
pub const APP_COMPAT_POLICY: &str = r"HKLM\SOFTWARE\Policies\Microsoft\Windows\AppCompat";
/// What CompatTelRunner.exe runs when its task starts it, a key each.
pub const TELEMETRY_CONTROLLER: &str =
    r"HKLM\SOFTWARE\Microsoft\Windows NT\CurrentVersion\AppCompatFlags\TelemetryController";
pub const TELEMETRY_CONTROLLER_APPRAISER: &str =
    r"HKLM\SOFTWARE\Microsoft\Windows NT\CurrentVersion\AppCompatFlags\TelemetryController\Appraiser";
/// The trace session that records events for the diagnostic service from the start of Windows on.
pub const TRACE_SESSION: &str = r"HKLM\SYSTEM\CurrentControlSet\Control\WMI\Autologger\AutoLogger-Diagtrack-Listener";
/// The rules of Windows' firewall: local ones, those of group policy and those of device management ([MS-GPFAS] 2.2.2).
pub const FIREWALL_RULES: [&str; 3] = [
    r"HKLM\SYSTEM\CurrentControlSet\Services\SharedAccess\Parameters\FirewallPolicy\FirewallRules",
    r"HKLM\SOFTWARE\Policies\Microsoft\WindowsFirewall\FirewallRules",
    r"HKLM\SYSTEM\CurrentControlSet\Services\SharedAccess\Parameters\FirewallPolicy\Mdm\FirewallRules",
];
/// Whether Windows' firewall is on, by the name that a rule has for the profile; group policy before the local setting.
pub const FIREWALL_PROFILES: [(&str, [&str; 2]); 3] = [
    (
        "Domain",
        [
            r"HKLM\SOFTWARE\Policies\Microsoft\WindowsFirewall\DomainProfile",
            r"HKLM\SYSTEM\CurrentControlSet\Services\SharedAccess\Parameters\FirewallPolicy\DomainProfile",
        ],
    ),
    (
        "Private",
        [
            r"HKLM\SOFTWARE\Policies\Microsoft\WindowsFirewall\StandardProfile",
            r"HKLM\SYSTEM\CurrentControlSet\Services\SharedAccess\Parameters\FirewallPolicy\StandardProfile",
        ],
    ),
    (
        "Public",
        [
            r"HKLM\SOFTWARE\Policies\Microsoft\WindowsFirewall\PublicProfile",
            r"HKLM\SYSTEM\CurrentControlSet\Services\SharedAccess\Parameters\FirewallPolicy\PublicProfile",
        ],
    ),
];
/// Which versions of TLS `WinHTTP` offers where a program does not choose (KB3140245).
pub const WIN_HTTP: &str = r"HKLM\SOFTWARE\Microsoft\Windows\CurrentVersion\Internet Settings\WinHttp";
/// Whether Schannel speaks TLS 1.2 as a client at all.
pub const TLS_1_2_CLIENT: &str =
    r"HKLM\SYSTEM\CurrentControlSet\Control\SecurityProviders\SCHANNEL\Protocols\TLS 1.2\Client";
/// Antivirus products that registered with Windows' Security Center, a key each.
pub const ANTIVIRUS_PROVIDERS: &str = r"HKLM\SOFTWARE\Microsoft\Security Center\Provider\Av";

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
    let asked = asked().into_iter().filter(|key| !says_which_windows(key));
    has_facts || asked.chain(services).any(|key| snapshot.presence(&key) != Presence::NotKnown)
}

/// The keys below which a `Debugger` would stand in front of `program`.
#[must_use]
pub fn image_options(program: &str) -> [String; 2] {
    IMAGE_OPTIONS.map(|key| format!(r"{key}\{program}"))
}

/// Every key whose values a rule asks for: what a snapshot has to hold. Of the firewall's rules it holds those that
/// [`is_about_the_sender`] picks, and below [`ANTIVIRUS_PROVIDERS`] every key.
#[must_use]
pub fn asked() -> Vec<String> {
    let profiles = FIREWALL_PROFILES.into_iter().flat_map(|(_, keys)| keys);
    let fixed = ASKED.into_iter().chain(ERROR_REPORTING.into_iter().flatten()).chain(FIREWALL_RULES).chain(profiles);
    fixed.map(str::to_owned).chain(PROGRAMS.into_iter().flat_map(image_options)).collect()
}

/// Whether a rule of Windows' firewall may be about what sends diagnostic data: the others are nobody's business here. The names
/// are those of [`SENDER_IN_RULES`].
#[must_use]
pub fn is_about_the_sender(rule: &str) -> bool {
    let rule = rule.to_ascii_lowercase();
    SENDER_IN_RULES.iter().any(|name| rule.contains(&name.to_ascii_lowercase()))
}

/// What such a rule names: the service, the program in which services run, the programs beside them.
pub const SENDER_IN_RULES: [&str; 6] = ["DiagTrack", "svchost.exe", PROGRAMS[0], PROGRAMS[1], PROGRAMS[2], PROGRAMS[3]];

/// The task that looks for changes every night.
pub const APPRAISER_TASK: &str = r"\Microsoft\Windows\Application Experience\Microsoft Compatibility Appraiser";

/// The keys with one name each; [`asked`] has all.
const ASKED: [&str; 24] = [
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
    APP_COMPAT_POLICY,
    TELEMETRY_CONTROLLER,
    TELEMETRY_CONTROLLER_APPRAISER,
    TRACE_SESSION,
    WIN_HTTP,
    TLS_1_2_CLIENT,
    DEFENDER_REAL_TIME_POLICY,
    DEFENDER_REAL_TIME,
];

/// The services that send the data, give the device its identity and protect it.
pub const SERVICES_ASKED: [&str; 3] = ["DiagTrack", "wlidsvc", "WinDefend"];

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
