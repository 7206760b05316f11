//! Every rule, one table line per way in which a setting can be wrong: a good device, one change, the findings.

use std::collections::BTreeSet;

use super::{case, check, fixture, ids, os};
use waprobe::catalogue::Solution;
use waprobe::enroll::places::*;
use waprobe::enroll::{self, Code, Finding, ProxyApproach, Region};
use waprobe::registry::{Service, Snapshot, StartType, Task, Value};

const DH: Solution = Solution::DeviceHealth;
const UR: Solution = Solution::UpgradeReadiness;
const UC: Solution = Solution::UpdateCompliance;

const LEVEL: &str = "AllowTelemetry";
const ID: &str = "0d6d23ac-5e8a-4c31-9f20-3a1b2c4d5e6f";

/// A device of which everything is known and nothing is wrong.
fn good(windows: &str) -> Snapshot {
    let mut snapshot = match windows {
        "win7-sp1" | "win8.1" => fixture("well-configured-windows-7.json"),
        _ => fixture("well-configured-1809.json"),
    };
    // The line says which Windows it is about; the fixture's own build would contradict it.
    snapshot.device.build = None;
    for name in ["CurrentBuild", "CurrentBuildNumber", "UBR"] {
        snapshot.unset(CURRENT_VERSION, name);
    }
    snapshot.device.files.clear();
    snapshot
}

fn dword(number: u32) -> Value {
    Value::Dword(number)
}

fn text(text: &str) -> Value {
    Value::Sz(text.to_owned())
}

/// Changes what is known of the nightly task.
fn task(snapshot: &mut Snapshot, change: fn(&mut Task)) {
    change(snapshot.device.tasks.get_mut(&APPRAISER_TASK.to_lowercase()).and_then(Option::as_mut).expect("the task"));
}

struct Line {
    windows: &'static str,
    solutions: &'static [Solution],
    change: fn(&mut Snapshot),
    expected: &'static [(Code, Option<u8>)],
}

fn line(
    windows: &'static str,
    solutions: &'static [Solution],
    change: fn(&mut Snapshot),
    expected: &'static [(Code, Option<u8>)],
) -> Line {
    Line { windows, solutions, change, expected }
}

fn lines() -> Vec<Line> {
    [
        commercial_id(),
        level(),
        opt_ins(),
        switches(),
        firewall(),
        tls(),
        site_discovery(),
        updates(),
        defender(),
        proxy(),
        error_reporting(),
        running(),
        machine(),
    ]
    .into_iter()
    .flatten()
    .collect()
}

#[rustfmt::skip]
fn commercial_id() -> Vec<Line> {
    const NAME: &str = "CommercialId";
    vec![
        line("win10-1809", &[], |_| {}, &[]),
        line("win10-1809", &[], |s| { s.unset(POLICY, NAME); }, &[(Code::CommercialIdMissing, Some(6))]),
        line("win10-1809", &[], |s| { s.unset(POLICY, NAME); s.set(PREFERENCE, NAME, text(ID)); }, &[]),
        line("win10-1809", &[], |s| { s.set(POLICY, NAME, text("")); }, &[(Code::CommercialIdMissing, Some(6))]),
        line("win10-1809", &[], |s| { s.set(POLICY, NAME, text("{0d6d23ac-5e8a-4c31-9f20-3a1b2c4d5e6f}")); }, &[]),
        line("win10-1809", &[], |s| { s.set(POLICY, NAME, text("00000000-0000-0000-0000-000000000000")); }, &[(Code::CommercialIdInvalid, Some(48))]),
        line("win10-1809", &[], |s| { s.set(POLICY, NAME, text("Unknown")); }, &[(Code::CommercialIdInvalid, Some(48))]),
        line("win10-1809", &[], |s| { s.set(POLICY, NAME, text(" 0d6d23ac-5e8a-4c31-9f20-3a1b2c4d5e6f")); }, &[(Code::CommercialIdInvalid, Some(48))]),
        line("win10-1809", &[], |s| { s.set(POLICY, NAME, text("0d6d23аc-5e8a-4c31-9f20-3a1b2c4d5e6f")); }, &[(Code::CommercialIdInvalid, Some(48))]),
        line("win10-1809", &[], |s| { s.set(POLICY, NAME, Value::ExpandSz(ID.into())); }, &[(Code::CommercialIdType, Some(48))]),
        line("win10-1809", &[], |s| { s.set(PREFERENCE, NAME, text("7c1fb2e0-93d4-4a57-8b6e-51f0c8a9d234")); }, &[(Code::CommercialIdConflict, Some(53))]),
        line("win10-1809", &[], |s| { s.set(PREFERENCE, NAME, text("{0D6D23AC-5E8A-4C31-9F20-3A1B2C4D5E6F}")); }, &[]),
        line("win10-1809", &[], |s| { s.set(PREFERENCE, NAME, text("x")); }, &[(Code::CommercialIdInvalid, Some(48))]),
        line("win7-sp1", &[], |s| { s.unset(PREFERENCE, NAME); }, &[(Code::CommercialIdMissing, Some(6))]),
    ]
}

#[rustfmt::skip]
fn level() -> Vec<Line> {
    const LIMIT: &str = "LimitEnhancedDiagnosticDataWindowsAnalytics";
    const MANAGED: &str = "AllowTelemetry_PolicyManager";
    vec![
        line("win10-1809", &[UR, UC], |s| { s.set(POLICY, LEVEL, dword(1)); }, &[]),
        line("win10-1809", &[DH], |s| { s.set(POLICY, LEVEL, dword(1)); }, &[(Code::TelemetryLevel, None)]),
        line("win10-1809", &[DH], |s| { s.set(POLICY, LEVEL, dword(3)); s.unset(POLICY, LIMIT); }, &[]),
        line("win10-1809", &[UR], |s| { s.set(POLICY, LEVEL, dword(0)); }, &[(Code::TelemetryLevel, Some(63))]),
        line("win10-1809", &[DH], |s| { s.set(POLICY, LEVEL, dword(0)); }, &[(Code::TelemetryLevel, Some(63))]),
        line("win10-1809", &[UR], |s| { s.set(POLICY, LEVEL, dword(4)); }, &[(Code::TelemetryLevel, Some(63))]),
        line("win10-1809", &[UR], |s| { s.set(POLICY, LEVEL, text("2")); }, &[(Code::TelemetryType, Some(62))]),
        line("win10-1809", &[UR], |s| { s.set(PREFERENCE, LEVEL, text("2")); }, &[(Code::TelemetryType, Some(64))]),
        line("win10-1809", &[UR], |s| { s.set(PREFERENCE, LEVEL, dword(0)); }, &[(Code::TelemetryLevel, Some(65))]),
        line("win10-1809", &[UR], |s| { s.unset(POLICY, LEVEL); }, &[(Code::TelemetryNotSet, Some(39))]),
        line("win10-1809", &[UR], |s| { s.unset(POLICY, LEVEL); s.set(PREFERENCE, LEVEL, dword(1)); }, &[]),
        // Enhanced as preference counts as Basic, and Full, which users may choose, as Full.
        line("win10-1809", &[DH], |s| { s.unset(POLICY, LEVEL); s.set(PREFERENCE, LEVEL, dword(2)); }, &[(Code::TelemetryLevel, None)]),
        line("win10-1809", &[DH], |s| { s.unset(POLICY, LEVEL); s.unset(POLICY, LIMIT); s.set(PREFERENCE, LEVEL, dword(3)); }, &[]),
        // Device management's place: it counts where group policy sets none.
        line("win10-1809", &[DH], |s| { s.unset(POLICY, LEVEL); s.set(POLICY, MANAGED, dword(2)); }, &[]),
        line("win10-1809", &[DH], |s| { s.unset(POLICY, LEVEL); s.set(POLICY, MANAGED, dword(1)); }, &[(Code::TelemetryLevel, None)]),
        line("win10-1809", &[UR], |s| { s.unset(POLICY, LEVEL); s.set(POLICY, MANAGED, dword(0)); }, &[(Code::TelemetryLevel, Some(39))]),
        line("win10-1809", &[UR], |s| { s.unset(POLICY, LEVEL); s.set(POLICY, MANAGED, text("2")); }, &[(Code::TelemetryType, Some(39))]),
        line("win10-1809", &[DH], |s| { s.set(POLICY, MANAGED, dword(0)); }, &[]),
        // It wins over the preference as group policy does.
        line("win10-1809", &[UR], |s| { s.unset(POLICY, LEVEL); s.set(POLICY, MANAGED, dword(0)); s.set(PREFERENCE, LEVEL, dword(1)); }, &[(Code::TelemetryLevel, Some(39))]),
        // The Defender assessment up to 1607.
        line("win10-1607", &[UC], |s| { s.set(POLICY, LEVEL, dword(1)); }, &[(Code::TelemetryLevel, None)]),
        line("win10-1703", &[UC], |s| { s.set(POLICY, LEVEL, dword(1)); }, &[]),
        line("server-2016", &[], |s| { s.set(POLICY, LEVEL, dword(1)); }, &[(Code::TelemetryLevel, None)]),
        line("win7-sp1", &[], |s| { s.set(POLICY, LEVEL, dword(0)); }, &[(Code::TelemetryLevel, Some(63))]),
        line("win8.1", &[], |s| { s.device.hotfixes = Some(vec![4_462_926]); s.set(PREFERENCE, LEVEL, text("1")); }, &[(Code::TelemetryType, Some(64))]),
        line("win7-sp1", &[], |s| { s.set(POLICY, LEVEL, dword(1)); }, &[]),
        line("win10-1809", &[UR], |s| { s.set(POLICY, LEVEL, dword(3)); }, &[(Code::LimitEnhancedUseless, None)]),
        line("win10-1809", &[UR], |s| { s.set(POLICY, LIMIT, dword(2)); }, &[(Code::LimitEnhancedInvalid, None)]),
        line("win10-1703", &[UR], |s| { s.set(POLICY, LIMIT, dword(1)); }, &[]),
    ]
}

#[rustfmt::skip]
fn opt_ins() -> Vec<Line> {
    const NAME: &str = "AllowDeviceNameInTelemetry";
    vec![
        line("win10-1803", &[], |s| { s.unset(POLICY, NAME); }, &[(Code::DeviceName, None)]),
        line("win10-1803", &[], |s| { s.set(POLICY, NAME, dword(0)); }, &[(Code::DeviceName, None)]),
        line("win10-1803", &[], |s| { s.set(POLICY, NAME, text("1")); }, &[(Code::DeviceName, None)]),
        line("win10-1803", &[], |s| { s.unset(POLICY, NAME); s.set(PREFERENCE, NAME, dword(1)); }, &[]),
        line("win10-1709", &[], |s| { s.unset(POLICY, NAME); }, &[]),
        line("win7-sp1", &[], |s| { s.unset(PREFERENCE, "CommercialDataOptIn"); }, &[(Code::CommercialDataOptIn, None)]),
        line("win8.1", &[], |s| { s.device.hotfixes = Some(vec![4_462_926]); s.set(PREFERENCE, "CommercialDataOptIn", dword(0)); }, &[(Code::CommercialDataOptIn, None)]),
        line("win7-sp1", &[], |s| { s.unset(PREFERENCE, "CommercialDataOptIn"); s.set(POLICY, "CommercialDataOptIn", dword(1)); }, &[]),
        line("win7-sp1", &[], |s| { s.unset(APPRAISER, "RequestAllAppraiserVersions"); }, &[(Code::AppraiserVersions, None)]),
        line("win10-1809", &[], |s| { s.unset(PREFERENCE, "CommercialDataOptIn"); s.unset(APPRAISER, "RequestAllAppraiserVersions"); }, &[]),
    ]
}

#[rustfmt::skip]
fn switches() -> Vec<Line> {
    const DEBUGGER: &str = "Debugger";
    fn of(program: &str, place: usize) -> String {
        image_options(program)[place].clone()
    }
    vec![
        line("win10-1809", &[], |s| { s.set(&of("CompatTelRunner.exe", 0), DEBUGGER, text(r"%windir%\System32\taskkill.exe")); }, &[(Code::ProgramDebugger, None)]),
        line("win10-1809", &[], |s| { s.set(&of("CompatTelRunner.exe", 1), DEBUGGER, text("rundll32.exe")); }, &[(Code::ProgramDebugger, None)]),
        line("win10-1809", &[UC], |s| { s.set(&of("CompatTelRunner.exe", 0), DEBUGGER, text("x.exe")); }, &[]),
        line("win10-1809", &[UC], |s| { s.set(&of("DeviceCensus.exe", 0), DEBUGGER, text("x.exe")); }, &[(Code::ProgramDebugger, None)]),
        line("win10-1809", &[DH], |s| { s.set(&of("WerFault.exe", 0), DEBUGGER, text("x.exe")); }, &[(Code::ProgramDebugger, None)]),
        line("win10-1809", &[UR], |s| { s.set(&of("wermgr.exe", 0), DEBUGGER, text("x.exe")); }, &[]),
        line("win7-sp1", &[], |s| { s.set(&of("CompatTelRunner.exe", 0), DEBUGGER, text("x.exe")); }, &[(Code::ProgramDebugger, None)]),
        // Empty, of another type, or beside other values of the same key.
        line("win10-1809", &[], |s| { s.set(&of("CompatTelRunner.exe", 0), DEBUGGER, text("")); }, &[]),
        line("win10-1809", &[], |s| { s.set(&of("CompatTelRunner.exe", 0), DEBUGGER, dword(1)); }, &[]),
        line("win10-1809", &[], |s| { s.set(&of("CompatTelRunner.exe", 0), "CpuPriorityClass", dword(1)); }, &[]),
        line("win10-1809", &[], |s| { s.set(APP_COMPAT_POLICY, "DisableInventory", dword(1)); }, &[(Code::InventoryOff, None)]),
        line("win10-1809", &[], |s| { s.set(APP_COMPAT_POLICY, "DisableInventory", dword(0)); }, &[]),
        line("win10-1809", &[], |s| { s.set(APP_COMPAT_POLICY, "DisableInventory", text("1")); }, &[]),
        line("win10-1809", &[DH, UC], |s| { s.set(APP_COMPAT_POLICY, "DisableInventory", dword(1)); }, &[]),
        line("win7-sp1", &[], |s| { s.set(APP_COMPAT_POLICY, "DisableInventory", dword(1)); }, &[(Code::InventoryOff, None)]),
        line("win10-1809", &[], |s| { s.set(APP_COMPAT_POLICY, "AITEnable", dword(0)); }, &[(Code::ApplicationTelemetryOff, None)]),
        line("win10-1809", &[], |s| { s.set(APP_COMPAT_POLICY, "AITEnable", dword(1)); }, &[]),
        line("win10-1809", &[], |s| { s.unset(TELEMETRY_CONTROLLER_APPRAISER, "Command"); }, &[(Code::ScanNotRegistered, None)]),
        line("win10-1809", &[], |s| { s.remove(TELEMETRY_CONTROLLER_APPRAISER); s.hold(TELEMETRY_CONTROLLER); }, &[(Code::ScanNotRegistered, None)]),
        line("win10-1809", &[], |s| { s.set(TELEMETRY_CONTROLLER_APPRAISER, "Command", text("notepad.exe")); }, &[(Code::ScanNotRegistered, None)]),
        // Where the key as a whole is missing nobody knows whether this version has it.
        line("win10-1809", &[], |s| { s.remove(TELEMETRY_CONTROLLER); }, &[]),
        line("win10-1809", &[], |s| { s.set(TRACE_SESSION, "Start", dword(0)); }, &[(Code::TraceSessionOff, None)]),
        line("win10-1809", &[], |s| { s.remove(TRACE_SESSION); }, &[]),
        line("win11-23h2", &[], |s| { s.set(POLICY, "DisableOneSettingsDownloads", dword(1)); }, &[(Code::SettingsDownloadsOff, None)]),
        line("win11-23h2", &[], |s| { s.set(POLICY, "DisableOneSettingsDownloads", dword(0)); }, &[]),
        // A version that does not know the policy.
        line("win10-1809", &[], |s| { s.set(POLICY, "DisableOneSettingsDownloads", dword(1)); }, &[]),
    ]
}

#[rustfmt::skip]
fn firewall() -> Vec<Line> {
    const RULE: &str = r"v2.24|Action=Block|Active=TRUE|Dir=Out|App=C:\windows\system32\svchost.exe|Svc=DiagTrack|Name=Windows Telemetry|";
    const DOMAIN: &str = r"v2.31|Action=Block|Active=TRUE|Dir=Out|Profile=Domain|App=%SystemRoot%\system32\svchost.exe|Svc=DiagTrack|";
    fn off(snapshot: &mut Snapshot, profiles: usize) {
        for (_, [_, local]) in FIREWALL_PROFILES.into_iter().take(profiles) {
            snapshot.set(local, "EnableFirewall", dword(0));
        }
    }
    vec![
        line("win10-1809", &[], |s| { s.set(FIREWALL_RULES[0], "{60E6D465}", text(RULE)); }, &[(Code::FirewallBlocks, None)]),
        line("win10-1809", &[], |s| { s.set(FIREWALL_RULES[1], "telemetry", text(RULE)); }, &[(Code::FirewallBlocks, None)]),
        line("win10-1809", &[], |s| { s.set(FIREWALL_RULES[2], "telemetry", text(RULE)); }, &[(Code::FirewallBlocks, None)]),
        line("win10-1809", &[], |s| { s.set(FIREWALL_RULES[0], "a", text(&RULE.replace("TRUE", "FALSE"))); }, &[]),
        line("win10-1809", &[], |s| { s.set(FIREWALL_RULES[0], "a", text(&RULE.replace("Svc=DiagTrack", "Svc=Spooler"))); }, &[]),
        line("win10-1809", &[], |s| { s.set(FIREWALL_RULES[0], "a", dword(1)); }, &[]),
        // Limited to addresses: an open question, and no finding.
        line("win10-1809", &[], |s| { s.set(FIREWALL_RULES[0], "a", text(&RULE.replace("|App", "|RA4=10.0.0.0-10.255.255.255|App"))); }, &[]),
        // A firewall that is off blocks nothing, and one of its profiles alone says nothing of the others.
        line("win10-1809", &[], |s| { s.set(FIREWALL_RULES[0], "a", text(RULE)); off(s, 3); }, &[]),
        line("win10-1809", &[], |s| { s.set(FIREWALL_RULES[0], "a", text(RULE)); off(s, 2); }, &[(Code::FirewallBlocks, None)]),
        line("win10-1809", &[], |s| { s.set(FIREWALL_RULES[0], "a", text(DOMAIN)); off(s, 1); }, &[]),
        line("win10-1809", &[], |s| { s.set(FIREWALL_RULES[0], "a", text(DOMAIN)); off(s, 1); s.set(FIREWALL_PROFILES[0].1[0], "EnableFirewall", dword(1)); }, &[(Code::FirewallBlocks, None)]),
    ]
}

#[rustfmt::skip]
fn tls() -> Vec<Line> {
    const DEFAULTS: &str = "DefaultSecureProtocols";
    vec![
        line("win7-sp1", &[], |s| { s.unset(WIN_HTTP, DEFAULTS); }, &[(Code::Tls12Off, None)]),
        line("win7-sp1", &[], |s| { s.set(WIN_HTTP, DEFAULTS, dword(0x80)); }, &[(Code::Tls12Off, None)]),
        line("win7-sp1", &[], |s| { s.set(WIN_HTTP, DEFAULTS, dword(0x800)); }, &[]),
        line("win7-sp1", &[], |s| { s.set(WIN_HTTP, DEFAULTS, text("0xA00")); }, &[]),
        // Windows 8.1 has it by default, and loses it by a value alone.
        line("win8.1", &[], |s| { s.device.hotfixes = Some(vec![4_462_926]); s.unset(WIN_HTTP, DEFAULTS); }, &[]),
        line("win8.1", &[], |s| { s.device.hotfixes = Some(vec![4_462_926]); s.set(WIN_HTTP, DEFAULTS, dword(0x200)); }, &[(Code::Tls12Off, None)]),
        line("win10-1809", &[], |s| { s.set(WIN_HTTP, DEFAULTS, dword(0x80)); }, &[]),
        line("win10-1809", &[], |s| { s.set(TLS_1_2_CLIENT, "Enabled", dword(0)); }, &[(Code::Tls12Off, None)]),
        line("win10-1809", &[], |s| { s.set(TLS_1_2_CLIENT, "Enabled", dword(1)); }, &[]),
    ]
}

#[rustfmt::skip]
fn site_discovery() -> Vec<Line> {
    const NAME: &str = "IEDataOptIn";
    const BROWSER: &str = "svcUpdateVersion";
    vec![
        line("win10-1809", &[UR], |s| { s.set(PREFERENCE, NAME, dword(3)); }, &[]),
        line("win10-1809", &[UR], |s| { s.set(PREFERENCE, NAME, dword(4)); }, &[(Code::SiteDiscoveryInvalid, None)]),
        line("win10-1809", &[UR], |s| { s.set(PREFERENCE, NAME, text("1")); }, &[(Code::SiteDiscoveryInvalid, None)]),
        line("win10-1809", &[UR], |s| { s.set(PREFERENCE, "IEOptInLevel", dword(1)); }, &[(Code::SiteDiscoveryName, None)]),
        line("win10-1809", &[UR], |s| { s.set(POLICY, NAME, dword(1)); }, &[(Code::SiteDiscoveryPolicy, None)]),
        line("win10-1809", &[UR], |s| { s.set(PREFERENCE, NAME, dword(1)); s.set(POLICY, LEVEL, dword(1)); }, &[(Code::SiteDiscoveryLevel, None)]),
        line("win10-1809", &[UC], |s| { s.set(PREFERENCE, NAME, dword(4)); }, &[]),
        line("win7-sp1", &[UR], |s| { s.set(PREFERENCE, NAME, dword(1)); }, &[]),
        line("win7-sp1", &[UR], |s| { s.set(PREFERENCE, NAME, dword(1)); s.device.hotfixes = Some(vec![4_486_563]); }, &[(Code::SiteDiscoveryUpdate, None)]),
        line("win7-sp1", &[UR], |s| { s.set(PREFERENCE, NAME, dword(1)); s.set(INTERNET_EXPLORER, BROWSER, text("11.0.32")); }, &[(Code::SiteDiscoveryBrowser, None)]),
        line("win7-sp1", &[UR], |s| { s.set(PREFERENCE, NAME, dword(1)); s.set(INTERNET_EXPLORER, BROWSER, text("11.0.33")); }, &[]),
        line("win7-sp1", &[UR], |s| { s.set(PREFERENCE, NAME, dword(1)); s.set(INTERNET_EXPLORER, BROWSER, text("9.0.50")); }, &[(Code::SiteDiscoveryBrowser, None)]),
        line("win7-sp1", &[UR], |s| { s.set(PREFERENCE, NAME, dword(0)); s.unset(INTERNET_EXPLORER, BROWSER); }, &[]),
    ]
}

#[rustfmt::skip]
fn updates() -> Vec<Line> {
    vec![
        line("win7-sp1", &[], |s| s.device.hotfixes = Some(vec![4_462_923]), &[]),
        line("win7-sp1", &[], |s| s.device.hotfixes = Some(vec![4_457_144]), &[(Code::RollupMissing, None)]),
        // The rollup of the other Windows is none.
        line("win7-sp1", &[], |s| s.device.hotfixes = Some(vec![4_462_926]), &[(Code::RollupMissing, None)]),
        line("win8.1", &[], |s| s.device.hotfixes = Some(vec![4_462_926]), &[]),
        line("win8.1", &[], |s| s.device.hotfixes = Some(vec![4_462_921]), &[]),
        line("win8.1", &[], |s| s.device.hotfixes = Some(vec![4_486_563]), &[(Code::RollupMissing, None)]),
        // Newer than every rollup that is known: nobody can say.
        line("win7-sp1", &[], |s| s.device.hotfixes = Some(vec![5_034_169]), &[]),
        line("10.0.17763.1", &[], |_| {}, &[(Code::CumulativeUpdateMissing, None)]),
        line("10.0.17763.253", &[], |_| {}, &[]),
        line("10.0.16299.15", &[], |_| {}, &[(Code::CumulativeUpdateMissing, None)]),
        line("10.0.17134.1", &[], |_| {}, &[(Code::CumulativeUpdateMissing, None)]),
        line("win10-1809", &[], |s| s.device.pending_xml = Some(true), &[(Code::RestartPending, Some(16))]),
        line("win10-1809", &[], |s| { s.hold(RESTART_PENDING); }, &[(Code::RestartPending, Some(16))]),
        line("win10-1809", &[], |s| file(s, "appraiser.dll", None), &[(Code::AppraiserMissing, Some(18))]),
        line("win7-sp1", &[], |s| file(s, "appraiser.dll", Some([10, 0, 14913, 1002])), &[(Code::AppraiserOutdated, Some(32))]),
        line("win7-sp1", &[], |s| file(s, "appraiser.dll", Some([10, 0, 14979, 0])), &[]),
        line("win10-1809", &[UC], |s| file(s, "appraiser.dll", None), &[]),
        line("win10-1803", &[], |s| file(s, "diagtrack.dll", None), &[(Code::DiagtrackMissing, Some(45))]),
        // 1803 without the update of September 2018 has a host of its own.
        line("win10-1803", &[], |s| file(s, "diagtrack.dll", Some([10, 0, 17134, 285])), &[]),
        line("win10-1709", &[], |s| file(s, "diagtrack.dll", Some([10, 0, 16299, 611])), &[(Code::DiagtrackOutdated, Some(44))]),
        line("win10-1803", &[], |s| file(s, "diagtrack.dll", Some([10, 0, 17134, 320])), &[]),
        line("win10-1703", &[], |s| file(s, "diagtrack.dll", Some([10, 0, 15063, 1355])), &[(Code::DiagtrackOutdated, Some(44))]),
    ]
}

fn file(snapshot: &mut Snapshot, name: &str, version: Option<[u32; 4]>) {
    snapshot.device.files.insert(name.to_owned(), version);
}

#[rustfmt::skip]
fn defender() -> Vec<Line> {
    const OFF: &str = "DisableAntiSpyware";
    const CLOUD: &str = "SpynetReporting";
    vec![
        line("win10-1809", &[UC], |s| { s.set(DEFENDER_POLICY, OFF, dword(1)); }, &[(Code::DefenderDisabled, None)]),
        line("win10-1809", &[UC], |s| { s.set(DEFENDER, OFF, dword(1)); }, &[(Code::DefenderDisabled, None)]),
        line("win10-1809", &[UC], |s| { s.set(DEFENDER_POLICY, OFF, dword(0)); s.set(DEFENDER, OFF, dword(1)); }, &[]),
        line("win10-1809", &[UR], |s| { s.set(DEFENDER_POLICY, OFF, dword(1)); }, &[]),
        line("win10-1809", &[UC], |s| { s.set(DEFENDER, "PassiveMode", dword(1)); }, &[(Code::DefenderPassive, None)]),
        line("win10-1809", &[UC], |s| { s.set(ADVANCED_THREAT_PROTECTION_POLICY, "ForceDefenderPassiveMode", dword(1)); }, &[(Code::DefenderPassive, None)]),
        line("win10-1809", &[UC], |s| { s.set(DEFENDER_POLICY, "DisableAntiVirus", dword(1)); }, &[(Code::DefenderDisabled, None)]),
        line("win10-1809", &[UC], |s| { s.set(DEFENDER_REAL_TIME_POLICY, "DisableRealtimeMonitoring", dword(1)); }, &[(Code::DefenderDisabled, None)]),
        line("win10-1809", &[UC], |s| { s.set(DEFENDER_REAL_TIME, "DisableRealtimeMonitoring", dword(0)); }, &[]),
        line("win10-1809", &[UC], |s| { s.device.services.insert("windefend".into(), Some(Service { start: StartType::Manual, running: Some(false) })); }, &[(Code::DefenderDisabled, None)]),
        line("win10-1809", &[UC], |s| { s.device.services.insert("windefend".into(), Some(Service { start: StartType::Automatic, running: None })); }, &[]),
        line("win10-1809", &[UC], |s| provider(s, "{17AD7D40-BA12-9C46-7131-94903A54AD8B}", 0x0004_1000), &[(Code::DefenderPassive, None)]),
        // Another product that is off, and Defender's own entry.
        line("win10-1809", &[UC], |s| provider(s, "{17AD7D40-BA12-9C46-7131-94903A54AD8B}", 0x0004_0000), &[]),
        line("win10-1809", &[UC], |s| provider(s, "{D68DDC3A-831F-4fae-9E44-DA132C1ACF46}", 0x0006_1100), &[]),
        line("win10-1809", &[UC], |s| { s.set(SPYNET_POLICY, CLOUD, dword(0)); }, &[(Code::CloudProtectionOff, None)]),
        line("win10-1809", &[UC], |s| { s.unset(SPYNET, CLOUD); }, &[(Code::CloudProtectionOff, None)]),
        line("win10-1809", &[UC], |s| { s.set(SPYNET_POLICY, CLOUD, dword(2)); s.set(SPYNET, CLOUD, dword(0)); }, &[]),
    ]
}

/// An antivirus product in the Security Center.
fn provider(snapshot: &mut Snapshot, id: &str, state: u32) {
    let key = format!(r"{ANTIVIRUS_PROVIDERS}\{id}");
    snapshot.set(&key, "DISPLAYNAME", text("Contoso Endpoint Security"));
    snapshot.set(&key, "STATE", dword(state));
}

#[rustfmt::skip]
fn proxy() -> Vec<Line> {
    const AUTH: &str = "DisableEnterpriseAuthProxy";
    const SERVER: &str = "TelemetryProxyServer";
    vec![
        line("win10-1809", &[], |s| { s.set(POLICY, AUTH, dword(1)); }, &[]),
        line("win10-1809", &[], |s| { s.set(POLICY, AUTH, dword(0)); }, &[]),
        line("win10-1809", &[], |s| { s.set(POLICY, AUTH, dword(2)); }, &[(Code::AuthProxyInvalid, None)]),
        line("win10-1809", &[], |s| { s.set(POLICY, AUTH, dword(0)); s.set(ADVANCED_THREAT_PROTECTION, "OnboardingState", dword(1)); }, &[(Code::AuthProxyDefender, None)]),
        line("win10-1809", &[], |s| { s.set(POLICY, AUTH, dword(1)); s.set(ADVANCED_THREAT_PROTECTION, "OnboardingState", dword(1)); }, &[]),
        line("win10-1809", &[], |s| { s.set(POLICY, SERVER, text("proxy.example:8080")); }, &[]),
        line("win10-1809", &[], |s| { s.set(POLICY, SERVER, text("http://proxy.example:8080")); }, &[(Code::TelemetryProxyInvalid, None)]),
        line("win10-1809", &[], |s| { s.set(POLICY, SERVER, text("proxy.example:8080")); s.set(POLICY, AUTH, dword(0)); }, &[(Code::TelemetryProxyConflict, Some(46))]),
        line("win10-1809", &[], |s| { s.set(POLICY, "TelemetryProxyServer_PolicyManager", text("http://proxy.example:8080")); }, &[(Code::TelemetryProxyInvalid, None)]),
        line("win10-1809", &[], |s| { s.set(POLICY, "ConfigureMicrosoft365UploadEndpoint", text("collector.example")); }, &[(Code::UploadEndpoint, None)]),
    ]
}

#[rustfmt::skip]
fn error_reporting() -> Vec<Line> {
    const MACHINE: &str = ERROR_REPORTING[0][1];
    const USER: &str = ERROR_REPORTING[1][1];
    vec![
        line("win10-1809", &[DH], |s| { s.set(MACHINE, "Disabled", dword(1)); }, &[(Code::ErrorReportingDisabled, None)]),
        line("win10-1809", &[DH], |s| { s.set(USER, "Disabled", dword(1)); }, &[(Code::ErrorReportingDisabled, None)]),
        line("win10-1809", &[DH], |s| { s.set(MACHINE, "Disabled", dword(1)); s.set(ERROR_REPORTING[0][0], "Disabled", dword(0)); }, &[]),
        line("win10-1809", &[DH], |s| { s.set(MACHINE, "Disabled", dword(0)); s.set(POLICY, "Disabled", dword(1)); }, &[(Code::ErrorReportingDisabled, None)]),
        line("win10-1809", &[DH], |s| { s.set(MACHINE, "DontSendAdditionalData", dword(1)); }, &[(Code::ErrorReportingWithheld, None)]),
        line("win10-1809", &[DH], |s| { s.set(MACHINE, "CorporateWERServer", text("wer.example")); }, &[(Code::ErrorReportingRedirected, None)]),
        line("win10-1809", &[DH], |s| { s.set(MACHINE, "CorporateWERServer", text("")); }, &[]),
        line("win10-1809", &[UR, UC], |s| { s.set(MACHINE, "Disabled", dword(1)); }, &[]),
    ]
}

#[rustfmt::skip]
fn running() -> Vec<Line> {
    fn service(snapshot: &mut Snapshot, name: &str, start: StartType, running: Option<bool>) {
        snapshot.device.services.insert(name.to_owned(), Some(Service { start, running }));
    }
    vec![
        line("win10-1809", &[], |s| service(s, "diagtrack", StartType::Automatic, Some(false)), &[(Code::DiagtrackService, Some(50))]),
        line("win10-1809", &[], |s| service(s, "diagtrack", StartType::Disabled, None), &[(Code::DiagtrackService, Some(50))]),
        line("win10-1809", &[], |s| { s.device.services.insert("diagtrack".into(), None); }, &[(Code::DiagtrackService, Some(50))]),
        line("win10-1809", &[], |s| { s.device.services.remove("diagtrack"); s.set(&format!(r"{SERVICES}\DiagTrack"), "Start", dword(4)); }, &[(Code::DiagtrackService, Some(50))]),
        line("win10-1709", &[UR], |s| service(s, "wlidsvc", StartType::Disabled, Some(false)), &[(Code::SignInService, Some(54))]),
        line("win10-1809", &[DH], |s| service(s, "wlidsvc", StartType::Disabled, Some(false)), &[(Code::SignInService, None)]),
        line("win10-1809", &[UR], |s| service(s, "wlidsvc", StartType::Disabled, Some(false)), &[]),
        line("win7-sp1", &[], |s| service(s, "wlidsvc", StartType::Disabled, Some(false)), &[]),
        line("win10-1809", &[UR], |s| { s.device.tasks.insert(APPRAISER_TASK.to_lowercase(), None); }, &[(Code::AppraiserTaskMissing, None)]),
        line("win10-1809", &[UR], |s| task(s, |task| task.enabled = false), &[(Code::AppraiserTaskDisabled, None)]),
        line("win10-1809", &[UR], |s| task(s, |task| task.last_run = None), &[(Code::AppraiserTaskStale, None)]),
        line("win10-1809", &[UR], |s| task(s, |task| task.last_run = Some("2019-02-27T09:59:59Z".parse().expect("a moment"))), &[(Code::AppraiserTaskStale, None)]),
        line("win10-1809", &[UR], |s| task(s, |task| task.last_run = Some("2019-02-27T10:00:00Z".parse().expect("a moment"))), &[]),
        line("win10-1809", &[UC], |s| task(s, |task| task.enabled = false), &[]),
        line("win10-1809", &[UR], |s| task(s, |task| task.last_result = Some(0x8007_0005)), &[(Code::AppraiserTaskFailed, Some(33))]),
        line("win10-1809", &[UR], |s| task(s, |task| task.last_result = Some(1)), &[(Code::AppraiserTaskFailed, Some(33))]),
        // It runs just now, was ended, or met another scan.
        line("win10-1809", &[UR], |s| task(s, |task| task.last_result = Some(0x0004_1301)), &[]),
        line("win10-1809", &[UR], |s| task(s, |task| task.last_result = Some(0x0004_1306)), &[]),
        line("win10-1809", &[UR], |s| task(s, |task| task.last_result = Some(0x8007_0021)), &[]),
        line("win10-1809", &[UR], |s| task(s, |task| task.last_result = None), &[]),
    ]
}

#[rustfmt::skip]
fn machine() -> Vec<Line> {
    fn server(snapshot: &mut Snapshot) {
        snapshot.device.server = Some(true);
    }
    vec![
        line("win7-sp1", &[DH], |_| {}, &[(Code::SolutionUnsupported, None)]),
        line("win8.1", &[UC], |s| s.device.hotfixes = Some(vec![4_462_926]), &[(Code::SolutionUnsupported, None)]),
        line("server-2016", &[UR], server, &[(Code::SolutionUnsupported, Some(26))]),
        line("server-2016", &[], server, &[]),
        line("win10-1809", &[DH], server, &[(Code::SolutionUnsupported, Some(26))]),
        line("win10-1809", &[], |s| s.device.edition = Some("EnterpriseS".into()), &[(Code::EditionUnsupported, Some(26))]),
        // No desktops.
        line("win10-1809", &[], |s| s.device.edition = Some("PPIPro".into()), &[(Code::SolutionUnsupported, None)]),
        line("win10-1809", &[UC], |s| s.device.edition = Some("IoTUAP".into()), &[(Code::SolutionUnsupported, None)]),
        line("win10-1809", &[UR], |s| s.device.edition = Some("IoTEnterpriseS".into()), &[(Code::SolutionUnsupported, None)]),
        line("win10-1809", &[], |s| { s.device.server = None; s.remove(PRODUCT_OPTIONS); s.unset(CURRENT_VERSION, "InstallationType"); s.device.edition = Some("ServerStandard".into()); }, &[(Code::SolutionUnsupported, Some(26))]),
        // Several people use a desktop of this one, although it says that it is a server.
        line("win10-1809", &[], |s| { server(s); s.device.edition = Some("ServerRdsh".into()); }, &[]),
    ]
}

#[test]
fn every_rule_finds_what_it_is_for_and_nothing_else() {
    for Line { windows, solutions, change, expected } in lines() {
        let mut snapshot = good(windows);
        change(&mut snapshot);
        let checkup = check(&snapshot, Some(windows), solutions);
        let found: Vec<(Code, Option<u8>)> =
            checkup.findings.iter().map(|finding| (finding.code, finding.ur_exit)).collect();
        let context = format!("{windows} {solutions:?}: {:#?}", checkup.findings);
        assert_eq!(found, expected, "{context}");
        for Finding { value, place, is, should, why, .. } in &checkup.findings {
            assert!([value, place, is, should, why].iter().all(|part| !part.is_empty()), "{context}");
        }
    }
}

#[test]
fn region_decides_what_is_collected() {
    let mut eight = good("win8.1");
    eight.device.hotfixes = Some(vec![4_462_926]);
    let mut seven = good("win7-sp1");
    seven.set(PREFERENCE, "IEDataOptIn", dword(1));
    for (snapshot, windows, region, expected) in [
        (&eight, "win8.1", Region::EuropeanEconomicArea, &[Code::RegionNotCollected][..]),
        (&eight, "win8.1", Region::Switzerland, &[Code::RegionNotCollected]),
        (&eight, "win8.1", Region::Other, &[]),
        (&seven, "win7-sp1", Region::EuropeanEconomicArea, &[Code::SiteDiscoveryRegion]),
        (&seven, "win7-sp1", Region::Other, &[]),
        (&good("win10-1809"), "win10-1809", Region::Switzerland, &[]),
    ] {
        let mut case = case(snapshot, Some(os(windows)), &[]);
        case.region = Some(region);
        let checkup = enroll::check(&case);
        assert_eq!(ids(&checkup), expected, "{windows} {region:?}");
        let says_usage = checkup.remarks.iter().any(|remark| remark.text.contains("neither app usage"));
        assert_eq!(says_usage, windows == "win7-sp1" && region != Region::Other, "{windows} {region:?}");
    }
}

#[test]
fn the_users_way_past_a_proxy_has_conditions() {
    const AUTH: &str = "DisableEnterpriseAuthProxy";
    let plain = good("win10-1809");
    let mut off = good("win10-1809");
    off.set(POLICY, AUTH, dword(1));
    let mut defended = good("win10-1809");
    defended.set(ADVANCED_THREAT_PROTECTION, "OnboardingState", dword(1));
    let mut broken = good("win10-1809");
    broken.set(POLICY, AUTH, text("1"));
    for (snapshot, windows, expected) in [
        (&plain, "win10-1809", &[][..]),
        (&off, "win10-1809", &[(Code::AuthProxyUser, Some(30))]),
        (&plain, "win10-1607", &[(Code::AuthProxyVersion, None)]),
        (&defended, "win10-1809", &[(Code::AuthProxyDefender, None)]),
        (&broken, "win10-1809", &[(Code::AuthProxyInvalid, Some(30))]),
    ] {
        let mut case = case(snapshot, Some(os(windows)), &[]);
        case.approach = Some(ProxyApproach::User);
        let checkup = enroll::check(&case);
        let found: Vec<_> = checkup.findings.iter().map(|finding| (finding.code, finding.ur_exit)).collect();
        assert_eq!(found, expected, "{windows}: {:#?}", checkup.findings);
    }
}

/// Microsoft's documents differ there, and of no version nobody can say.
#[test]
fn the_users_way_past_a_proxy_is_no_finding_where_documents_differ_or_the_version_is_open() {
    for (windows, part) in
        [("win7-sp1", "documents differ"), ("win8.1", "documents differ"), ("all", "--os says which")]
    {
        let mut snapshot = good(windows);
        snapshot.device.hotfixes = Some(vec![4_462_923, 4_462_926]);
        let mut case = case(&snapshot, Some(os(windows)), &[]);
        case.approach = Some(ProxyApproach::User);
        let checkup = enroll::check(&case);
        assert_eq!(ids(&checkup), &[], "{windows}");
        let said = checkup.remarks.iter().map(|remark| remark.text.as_str());
        let mut said = said.chain(checkup.not_checked.iter().map(|entry| entry.why.as_str()));
        assert!(said.any(|text| text.contains(part)), "{windows}: {checkup:#?}");
    }
}

/// A value of another type is said, and nothing else is lost.
#[test]
fn a_value_of_the_wrong_type_is_said_and_skipped() {
    for (key, name, value) in [
        (APP_COMPAT_POLICY.to_owned(), "DisableInventory", text("1")),
        (APP_COMPAT_POLICY.to_owned(), "AITEnable", Value::Binary(vec![0])),
        (image_options("CompatTelRunner.exe")[0].clone(), "Debugger", dword(1)),
        (TRACE_SESSION.to_owned(), "Start", text("0")),
        (SQM_CLIENT.to_owned(), "MachineId", dword(7)),
        (TELEMETRY_CONTROLLER_APPRAISER.to_owned(), "Command", dword(0)),
    ] {
        let mut snapshot = good("win10-1809");
        snapshot.set(&key, name, value.clone());
        let checkup = check(&snapshot, Some("win10-1809"), &[]);
        assert_eq!(ids(&checkup), &[], "{name}");
        let open = checkup.not_checked.iter().find(|entry| entry.value == name).unwrap_or_else(|| panic!("{name}"));
        assert!(open.why.ends_with("skipped") && open.why.contains(&value.type_name()), "{open:?}");
        assert_eq!(open.place, key);
    }
}

#[test]
fn a_build_that_cannot_be_read_is_said_and_the_registry_answers_for_it() {
    let mut snapshot = fixture("well-configured-1809.json");
    snapshot.device.build = Some("10.0.vierzehn".to_owned());
    let checkup = check(&snapshot, None, &[]);
    assert_eq!(checkup.os, "10.0.17763.316");
    let open = |checkup: &enroll::Checkup| {
        checkup
            .not_checked
            .iter()
            .find(|entry| entry.value == "build")
            .map(|entry| entry.why.clone())
            .unwrap_or_default()
    };
    assert!(open(&checkup).contains("'10.0.vierzehn'"), "{checkup:#?}");
    // One of the two values is of the wrong type: the other one counts.
    snapshot.device.build = None;
    snapshot.set(CURRENT_VERSION, "CurrentBuildNumber", dword(17763));
    let checkup = check(&snapshot, None, &[]);
    assert_eq!((checkup.os.as_str(), open(&checkup).as_str()), ("10.0.17763.316", ""));
    snapshot.unset(CURRENT_VERSION, "CurrentBuild");
    let checkup = check(&snapshot, None, &[]);
    assert_eq!(checkup.os, "unknown");
    assert!(open(&checkup).contains("'17763'"), "{checkup:#?}");
}

#[test]
fn a_cloned_image_is_found_by_its_machine_id() {
    let one = good("win10-1809");
    let mut other = good("win10-1809");
    for (id, expected) in [
        ("5b1c2d3e-0a1b-4c2d-8e3f-4a5b6c7d8e9f", &[Code::MachineIdDuplicate][..]),
        ("{00000000-0a1b-4c2d-8e3f-4a5b6c7d8e9f}", &[]),
    ] {
        other.set(SQM_CLIENT, "MachineId", text(id));
        let mut case = case(&one, Some(os("win10-1809")), &[]);
        case.others = vec![("other.json".to_owned(), &other)];
        assert_eq!(ids(&enroll::check(&case)), expected, "{id}");
    }
}

#[test]
fn every_code_is_found_by_some_line() {
    let mut found: BTreeSet<Code> =
        lines().iter().flat_map(|line| line.expected.iter().map(|(code, _)| *code)).collect();
    // Those that take a region, an approach or a second device have tests of their own.
    found.extend([
        Code::RegionNotCollected,
        Code::SiteDiscoveryRegion,
        Code::AuthProxyUser,
        Code::AuthProxyVersion,
        Code::MachineIdDuplicate,
    ]);
    let missing: Vec<&str> = Code::ALL.iter().filter(|code| !found.contains(code)).map(|code| code.id()).collect();
    assert_eq!(missing, Vec::<&str>::new());
}

#[test]
fn what_was_not_exported_is_listed_and_never_a_finding() {
    for windows in ["win7-sp1", "win8.1", "win10-1507", "win10-1809", "server-2016", "all"] {
        let checkup = check(&Snapshot::default(), Some(windows), &[]);
        assert_eq!(ids(&checkup), &[], "{windows}");
        let open: Vec<&str> = checkup.not_checked.iter().map(|entry| entry.value.as_str()).collect();
        assert!(open.contains(&"CommercialId") && open.contains(&"DiagTrack"), "{windows}: {open:?}");
        assert_eq!(open.contains(&"AllowTelemetry"), !matches!(windows, "win7-sp1" | "win8.1"), "{windows}: {open:?}");
    }
    // One key of the two: what the other holds may override it.
    let mut half = Snapshot::default();
    half.set(PREFERENCE, "CommercialId", text(ID));
    half.set(PREFERENCE, LEVEL, dword(1));
    assert_eq!(ids(&check(&half, Some("win10-1809"), &[DH])), &[]);
    // A value of which nobody knows the key's rest is wrong all the same.
    half.set(PREFERENCE, LEVEL, dword(0));
    assert_eq!(ids(&check(&half, Some("win10-1809"), &[DH])), &[Code::TelemetryLevel]);
}

#[test]
fn at_basic_upgrade_readiness_gets_a_remark_and_no_finding() {
    let mut snapshot = good("win10-1809");
    snapshot.set(POLICY, LEVEL, dword(1));
    let checkup = check(&snapshot, Some("win10-1809"), &[UR]);
    assert_eq!(ids(&checkup), &[]);
    assert!(checkup.remarks.iter().any(|remark| remark.text.starts_with("Upgrade Readiness works at Basic")));
}

#[test]
fn what_is_worth_knowing_of_one_device_is_said_of_no_other() {
    let says = |windows: &'static str, change: fn(&mut Snapshot), part: &str| {
        let mut snapshot = good(windows);
        change(&mut snapshot);
        let checkup = check(&snapshot, Some(windows), &[]);
        assert_eq!(ids(&checkup), &[], "{windows}");
        checkup.remarks.iter().any(|remark| remark.text.contains(part))
    };
    let opt_in = "as policy alone";
    assert!(says(
        "win7-sp1",
        |s| {
            s.unset(PREFERENCE, "CommercialDataOptIn");
            s.set(POLICY, "CommercialDataOptIn", dword(1));
        },
        opt_in
    ));
    assert!(!says(
        "win7-sp1",
        |s| {
            s.set(POLICY, "CommercialDataOptIn", dword(1));
        },
        opt_in
    ));
    let licence = "takes a licence of Windows 10 Enterprise or Education";
    for (edition, is_said) in
        [("Core", true), ("Professional", true), ("ProfessionalN", true), ("Enterprise", false), ("EducationN", false)]
    {
        let mut snapshot = good("win10-1809");
        snapshot.device.edition = Some(edition.to_owned());
        let checkup = check(&snapshot, Some("win10-1809"), &[]);
        assert_eq!(checkup.remarks.iter().any(|remark| remark.text.contains(licence)), is_said, "{edition}");
    }
}

#[test]
fn a_task_that_ran_after_the_snapshot_was_made_tells_nothing() {
    let mut snapshot = good("win10-1809");
    task(&mut snapshot, |task| task.last_run = Some("2029-01-01T03:00:00Z".parse().expect("a moment")));
    let checkup = check(&snapshot, Some("win10-1809"), &[UR]);
    assert_eq!(ids(&checkup), &[]);
    let open = checkup.not_checked.iter().find(|entry| entry.value == "last run").expect("an open question");
    assert!(open.why.contains("one of the clocks was wrong"), "{open:?}");
}

/// What a finding costs: all solutions, one, or none.
#[test]
fn a_finding_keeps_a_device_out_of_the_solutions_that_it_is_about() {
    let lost = |change: fn(&mut Snapshot)| {
        let mut snapshot = good("win10-1809");
        change(&mut snapshot);
        check(&snapshot, Some("win10-1809"), &[])
            .findings
            .iter()
            .map(|finding| finding.keeps_out_of.clone())
            .collect::<Vec<_>>()
    };
    assert_eq!(
        lost(|s| {
            s.unset(POLICY, "CommercialId");
        }),
        [Solution::ALL.to_vec()]
    );
    assert_eq!(
        lost(|s| {
            s.set(POLICY, LEVEL, dword(0));
        }),
        [Solution::ALL.to_vec()]
    );
    assert_eq!(
        lost(|s| {
            s.set(POLICY, LEVEL, dword(1));
        }),
        [vec![DH]]
    );
    assert_eq!(
        lost(|s| {
            s.set(PREFERENCE, LEVEL, dword(0));
        }),
        [vec![]]
    );
    assert_eq!(
        lost(|s| {
            s.set(PREFERENCE, "CommercialId", text("x"));
        }),
        [vec![]]
    );
    assert_eq!(
        lost(|s| {
            s.unset(POLICY, "AllowDeviceNameInTelemetry");
        }),
        [vec![]]
    );
    assert_eq!(lost(|s| task(s, |task| task.enabled = false)), [vec![UR]]);
}

/// What to do names the value and the key that this device has it in.
#[test]
fn a_mend_names_the_value_where_it_stands() {
    let mends = |change: fn(&mut Snapshot)| {
        let mut snapshot = good("win10-1809");
        change(&mut snapshot);
        check(&snapshot, Some("win10-1809"), &[]).findings.iter().map(Finding::mend).collect::<Vec<_>>().join("\n")
    };
    let reporting = mends(|s| {
        s.set(ERROR_REPORTING[1][0], "Disabled", dword(1));
    });
    assert!(reporting.starts_with(r"delete Disabled under HKCU\SOFTWARE\Policies"), "{reporting}");
    let beside = mends(|s| {
        s.set(PREFERENCE, LEVEL, dword(0));
    });
    assert_eq!(beside, format!("delete AllowTelemetry under {PREFERENCE}, or set it to 1, 2 or 3 (REG_DWORD)"));
    let earlier = {
        let mut snapshot = good("win7-sp1");
        snapshot.set(POLICY, LEVEL, dword(0));
        let finding = check(&snapshot, Some("win7-sp1"), &[]).findings.remove(0);
        assert!(!finding.is_planned(), "no plan for Windows 7 sets it");
        finding.mend()
    };
    assert_eq!(earlier, format!("delete AllowTelemetry under {POLICY}, or set it to 1, 2 or 3 (REG_DWORD)"));
    let alone = mends(|s| {
        s.unset(POLICY, LEVEL);
        s.set(PREFERENCE, LEVEL, dword(0));
    });
    assert!(alone.starts_with(&format!("{beside}; then set the policy \"Allow Telemetry\"")), "{alone}");
}

#[test]
fn the_update_of_september_2018_decides_where_data_goes() {
    for (windows, updates, host) in [
        ("win10-1507", vec![], "to v10.vortex-win.data.microsoft.com."),
        ("10.0.15063.1356", vec![], "to v10.vortex-win.data.microsoft.com."),
        ("10.0.15063.1358", vec![], "v10c.events.data.microsoft.com: open both"),
        ("win10-1709", vec![4_457_136], "v10c.events.data.microsoft.com: open both"),
        ("10.0.17134.318", vec![], "to v10.events.data.microsoft.com"),
        ("10.0.17134.319", vec![], "to v10c.events.data.microsoft.com."),
        ("win10-1803", vec![4_458_469], "to v10c.events.data.microsoft.com."),
        ("win10-1803", vec![], "v10.events.data.microsoft.com without"),
        ("win10-22h2", vec![], "to v10c.events.data.microsoft.com."),
    ] {
        let mut snapshot = good(windows);
        snapshot.device.hotfixes = Some(updates);
        let checkup = check(&snapshot, Some(windows), &[]);
        assert!(checkup.remarks.iter().any(|remark| remark.text.contains(host)), "{windows}: {:#?}", checkup.remarks);
    }
}

#[test]
fn a_windows_that_no_solution_knows_is_never_in_order() {
    let of = |build: u32, is_server: bool| {
        let mut snapshot = good("win10-1809");
        snapshot.set(CURRENT_VERSION, "CurrentBuildNumber", text(&build.to_string()));
        snapshot.device.server = Some(is_server);
        let checkup = check(&snapshot, None, &[]);
        let found = checkup.findings.iter().find(|finding| finding.code == Code::SolutionUnsupported).cloned();
        (checkup, found)
    };
    // Server 2008 R2, 2012 R2 and 2019; Vista, Windows 7 without its service pack, Windows 8.
    for (build, is_server, ur) in [
        (7601, true, Some(26)),
        (9600, true, Some(26)),
        (17763, true, Some(26)),
        (6002, false, None),
        (7600, false, None),
        (9200, false, None),
        // No release at all: between two, and before the last that is documented.
        (12345, false, None),
        (17762, false, None),
    ] {
        let (checkup, found) = of(build, is_server);
        let found = found.unwrap_or_else(|| panic!("build {build}: {:#?}", checkup.findings));
        assert_eq!((found.ur_exit, checkup.solutions.as_slice()), (ur, &[][..]), "build {build}");
        assert!(!checkup.os.starts_with("10.0") || is_server, "{} is no Windows 10", checkup.os);
    }
    for (build, is_server) in [(7601, false), (9600, false), (17763, false), (14393, true)] {
        assert!(of(build, is_server).1.is_none(), "build {build}");
    }
}

#[test]
fn for_windows_8_1_a_place_that_nobody_named_is_not_known() {
    let open = |windows: &'static str, region| {
        let snapshot = good(windows);
        let checkup = enroll::check(&enroll::Case { region, ..case(&snapshot, Some(os(windows)), &[]) });
        checkup.not_checked.iter().any(|entry| entry.value == "region")
    };
    assert!(open("win8.1", None));
    assert!(!open("win8.1", Some(Region::Other)) && !open("win7-sp1", None) && !open("win10-1809", None));
}
