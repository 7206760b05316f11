//! Where a proxy setting comes from: the sources in the order in which they count, for the SYSTEM account and for users.
//!
//! In: a registry snapshot. Out: a [`Trace`] per account, with what every source says and the ways out that follow. A
//! source whose key was not exported is shown as not known and keeps what follows in doubt.
//!
//! `DisableWpad` ends detection by WinHTTP for every account (learn.microsoft.com, "Disable HTTP proxy authentication features",
//! "How to disable WPAD", for Windows 11 and Server 2022); a script with an address is run all the same.
//!
//! Two places in the order are not documented by anybody and are a choice: WinHTTP's own proxy goes before Internet Options
//! kept for the machine, because that is what `ClientProxy=System` reads; and Internet Options that were never set mean
//! detection, which is what a new account has.

use std::fmt;

use super::settings::{BypassList, Record, RecordKind, ServerList, Target};
use crate::harmless::{without_login, without_secrets};
use crate::registry::{Lookup, Snapshot, Value};

pub(super) const POLICY: &str = r"HKLM\SOFTWARE\Policies\Microsoft\Windows\DataCollection";
pub(super) const MACHINE_POLICY: &str = r"HKLM\SOFTWARE\Policies\Microsoft\Windows\CurrentVersion\Internet Settings";
pub(super) const SETTINGS: &str = r"SOFTWARE\Microsoft\Windows\CurrentVersion\Internet Settings";
/// Below [`SETTINGS`] of the machine: what is set for WinHTTP alone.
pub(super) const WIN_HTTP: &str = r"HKLM\SOFTWARE\Microsoft\Windows\CurrentVersion\Internet Settings\WinHttp";
/// The service in which WinHTTP looks for scripts and runs them.
pub(super) const SCRIPT_SERVICE: &str = r"HKLM\SYSTEM\CurrentControlSet\Services\WinHttpAutoProxySvc";
/// More users than anybody reads about side by side.
pub(super) const MOST_USERS: usize = 4;
/// The LocalSystem account; `.DEFAULT` is the same hive under its other name.
pub(super) const SYSTEM_HIVES: [&str; 2] = [r"HKU\S-1-5-18", r"HKU\.DEFAULT"];

/// One account with its sources, the first that counts first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trace {
    pub account: Account,
    pub steps: Vec<Step>,
    /// The machine's settings keep WinHTTP from asking the network for a script, whatever an account's options say.
    pub is_detection_off: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Account {
    /// LocalSystem, which the diagnostic service runs as.
    System,
    /// A user, by the hive that was exported: `HKCU`, or `HKU\S-1-5-21-…`.
    User { hive: String },
}

/// One source.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    pub source: Source,
    /// The key and value.
    pub place: String,
    pub setting: Setting,
    pub remarks: Vec<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Source {
    /// The policy for the diagnostic service alone.
    TelemetryProxy,
    /// `netsh winhttp`.
    WinHttp,
    /// Internet Options, kept for all users of the machine.
    Machine,
    /// Internet Options of the account.
    Own,
}

/// What a source says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Setting {
    NotSet,
    /// The key was not exported.
    NotKnown,
    /// Set, and not readable.
    Damaged(String),
    /// Does not count here, and why.
    PassedOver(&'static str),
    /// What is switched on, in the order in which Windows tries it. Nothing: directly.
    Says {
        detect: bool,
        script: Option<String>,
        manual: Option<Box<Manual>>,
    },
}

/// Proxies that are written down.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Manual {
    pub servers: ServerList,
    pub exceptions: BypassList,
}

/// One way out. What is not final leaves the next one open.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Way {
    /// What this source says is not known; what follows holds if it is not set.
    Unless { source: Source, because: Unknown },
    /// The network is asked for a script (WPAD).
    Detect,
    /// The script at this address decides.
    Script(String),
    /// Proxies in order, each as `host:port`, or `socks5://host:port`.
    Proxies(Vec<String>),
    /// Directly, and the exception that says so.
    Direct { exception: Option<Exception> },
}

/// Why nobody knows what a source says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Unknown {
    /// Its key was not exported, or not for this account to read.
    NotSeen,
    /// It is set, and what it holds cannot be read.
    Damaged,
}

/// Why an address does not go to the proxy that a source names.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Exception {
    /// An entry of the list, as it was written.
    Entry(String),
    /// No list has to name the machine itself.
    Itself,
    /// The list of proxies has none for this scheme.
    NoProxyFor(String),
}

impl Trace {
    /// The traces of a snapshot: SYSTEM, then its users.
    #[must_use]
    pub fn all(snapshot: &Snapshot) -> Vec<Self> {
        let mut traces = vec![Self::of_system(snapshot)];
        traces.extend(users(snapshot).into_iter().map(|hive| Self::of_user(snapshot, hive)));
        let wpad = Wpad::of(snapshot);
        for trace in &mut traces {
            trace.take_in(&wpad);
        }
        traces
    }

    fn take_in(&mut self, wpad: &Wpad) {
        self.is_detection_off = wpad.is_off;
        let detects = |step: &&mut Step| match step.setting {
            Setting::Says { detect, .. } => detect,
            Setting::NotSet => step.source == Source::Own,
            _ => false,
        };
        let remark = wpad.remark.as_ref();
        for (step, remark) in self.steps.iter_mut().filter(detects).zip(remark.into_iter().cycle()) {
            step.remarks.push(remark.clone());
        }
    }

    fn of_system(snapshot: &Snapshot) -> Self {
        let own = SYSTEM_HIVES
            .into_iter()
            .map(|hive| internet_options(snapshot, hive, Source::Own))
            .find(|step| step.setting != Setting::NotKnown);
        let own = own.unwrap_or_else(|| internet_options(snapshot, SYSTEM_HIVES[0], Source::Own));
        let steps = vec![telemetry_proxy(snapshot), win_http(snapshot)];
        Self::ending_in_options(Account::System, steps, machine(snapshot), own)
    }

    fn of_user(snapshot: &Snapshot, hive: String) -> Self {
        let own = internet_options(snapshot, &hive, Source::Own);
        Self::ending_in_options(Account::User { hive }, Vec::new(), machine(snapshot), own)
    }

    /// Where Internet Options are kept for the machine, an account's own do not count.
    fn ending_in_options(account: Account, mut steps: Vec<Step>, machine: Step, mut own: Step) -> Self {
        if !matches!(machine.setting, Setting::PassedOver(_) | Setting::NotKnown) {
            own.setting = Setting::PassedOver("those of the machine are for all accounts");
            own.remarks.clear();
        }
        steps.extend([machine, own]);
        Self { account, steps, is_detection_off: false }
    }

    /// The ways out for an address, in the order in which they are tried; the last is final.
    #[must_use]
    pub fn ways(&self, target: &Target) -> Vec<Way> {
        let mut ways = Vec::new();
        for step in &self.steps {
            match &step.setting {
                // Internet Options in which nothing was ever set have detection switched on.
                Setting::NotSet if step.source == Source::Own && !self.is_detection_off => ways.push(Way::Detect),
                Setting::NotSet | Setting::PassedOver(_) => {}
                Setting::NotKnown => ways.push(Way::Unless { source: step.source, because: Unknown::NotSeen }),
                Setting::Damaged(_) => ways.push(Way::Unless { source: step.source, because: Unknown::Damaged }),
                Setting::Says { detect, script, manual } => {
                    if *detect && !self.is_detection_off {
                        ways.push(Way::Detect);
                    }
                    ways.extend(script.iter().map(|url| Way::Script(url.clone())));
                    if let Some(manual) = manual {
                        ways.push(manual.way(target));
                        return ways;
                    }
                    if *detect || script.is_some() {
                        // No source further down is asked, however the script fares.
                        break;
                    }
                }
            }
        }
        ways.push(Way::Direct { exception: None });
        ways
    }

    #[must_use]
    pub fn step(&self, source: Source) -> Option<&Step> {
        self.steps.iter().find(|step| step.source == source)
    }
}

/// What the machine's settings say of detection.
struct Wpad {
    is_off: bool,
    /// With the value, where it is set.
    remark: Option<String>,
}

impl Wpad {
    fn of(snapshot: &Snapshot) -> Self {
        let place = format!(r"{WIN_HTTP}\DisableWpad");
        match lookup(snapshot, WIN_HTTP, "DisableWpad") {
            Lookup::Set(Value::Dword(1)) => {
                let remark = format!("DisableWpad is 1, so WinHTTP does not ask the network for a script ({place})");
                Self { is_off: true, remark: Some(remark) }
            }
            Lookup::NotKnown | Lookup::NotSet | Lookup::Set(Value::Dword(0)) => Self { is_off: false, remark: None },
            Lookup::Set(Value::Dword(number)) => {
                let remark =
                    format!("DisableWpad is {number}, and only 1 is documented: detection may be off ({place})");
                Self { is_off: false, remark: Some(remark) }
            }
            Lookup::Set(value) => {
                let remark = format!(
                    "DisableWpad is {} ({}) and should be REG_DWORD: it is passed over ({place})",
                    value.type_name(),
                    value.shown()
                );
                Self { is_off: false, remark: Some(remark) }
            }
        }
    }
}

impl Manual {
    fn read(servers: &str, exceptions: &str) -> Self {
        Self { servers: ServerList::read(servers), exceptions: BypassList::read(exceptions) }
    }

    pub(super) fn way(&self, target: &Target) -> Way {
        if self.exceptions.excepts_itself(target) {
            return Way::Direct { exception: Some(Exception::Itself) };
        }
        if let Some(entry) = self.exceptions.entry_for(target) {
            return Way::Direct { exception: Some(Exception::Entry(entry.to_owned())) };
        }
        let servers = self.servers.servers_for(&target.scheme);
        if servers.is_empty() {
            return Way::Direct { exception: Some(Exception::NoProxyFor(target.scheme.clone())) };
        }
        Way::Proxies(servers.iter().map(|server| server.address()).collect())
    }

    fn remarks(&self) -> Vec<String> {
        let servers = self.servers.remarks.iter().map(ToString::to_string);
        servers.chain(self.exceptions.remarks.iter().map(ToString::to_string)).collect()
    }
}

/// `HKCU` where it was exported, and the hives of real users; service accounts have other numbers.
fn users(snapshot: &Snapshot) -> Vec<String> {
    let mut users = Vec::new();
    if snapshot.subkeys("HKCU").next().is_some() {
        users.push("HKCU".to_owned());
    }
    for key in snapshot.subkeys("HKU") {
        let hive = key.path().split('\\').nth(1).unwrap_or_default();
        let is_user = is_person(hive);
        let hive = format!(r"HKU\{hive}");
        if is_user && !users.contains(&hive) {
            users.push(hive);
        }
    }
    users.truncate(MOST_USERS);
    users
}

/// Service accounts have other numbers, and `_Classes` is a part of a hive.
pub(super) fn is_person(hive: &str) -> bool {
    ["S-1-5-21-", "S-1-12-1-"].iter().any(|prefix| hive.starts_with(prefix)) && !hive.ends_with("_Classes")
}

fn telemetry_proxy(snapshot: &Snapshot) -> Step {
    // Device management writes beside the place of group policy, and counts where that sets none.
    let is_set = |name: &str| lookup(snapshot, POLICY, name).value().is_some();
    let name =
        if !is_set("TelemetryProxyServer") && is_set(MANAGED_PROXY) { MANAGED_PROXY } else { "TelemetryProxyServer" };
    let mut remarks = Vec::new();
    let setting = match lookup(snapshot, POLICY, name) {
        Lookup::NotKnown => Setting::NotKnown,
        Lookup::NotSet => Setting::NotSet,
        Lookup::Set(value) => match value.as_text() {
            Some(text) if text.trim().is_empty() => Setting::NotSet,
            Some(text) => {
                let manual = Box::new(Manual::read(text, ""));
                remarks = manual.remarks();
                manual_or_damaged(manual)
            }
            None => wrong_type(value, "REG_SZ"),
        },
    };
    Step { source: Source::TelemetryProxy, place: format!(r"{POLICY}\{name}"), setting, remarks }
}

/// What device management writes in place of `TelemetryProxyServer` (boot trace of 23H2, documented by nohuto/win-config).
const MANAGED_PROXY: &str = "TelemetryProxyServer_PolicyManager";

fn manual_or_damaged(manual: Box<Manual>) -> Setting {
    if manual.servers.is_empty() {
        Setting::Damaged("no proxy can be read from it".to_owned())
    } else {
        Setting::Says { detect: false, script: None, manual: Some(manual) }
    }
}

fn win_http(snapshot: &Snapshot) -> Step {
    let key = format!(r"HKLM\{SETTINGS}\Connections");
    let (setting, remarks) = match record(snapshot, &key, RecordKind::WinHttp) {
        Ok(record) => of_win_http(&record),
        Err(setting) => (setting, Vec::new()),
    };
    Step { source: Source::WinHttp, place: format!(r"{key}\WinHttpSettings"), setting, remarks }
}

fn of_win_http(record: &Record) -> (Setting, Vec<String>) {
    let manual = (record.is_manual() && !record.servers.trim().is_empty())
        .then(|| Box::new(Manual::read(&record.servers, &record.exceptions)));
    let mut remarks = Vec::new();
    if let Some(manual) = &manual {
        remarks.extend(manual.remarks());
        remarks.extend(socks_remark(manual, "WinHTTP knows no SOCKS"));
        remarks.extend(deployment_script_remarks(record));
    }
    let is_automatic = record.is_script() || record.is_detecting();
    if is_automatic {
        remarks.push(
            "its switches are those of netsh winhttp set advproxy; Microsoft documents that command and not where it keeps its \
             settings, so compare netsh winhttp show advproxy on the device"
                .to_owned(),
        );
    }
    let script = record.is_script().then(|| record.script_address()).filter(|script| !script.is_empty());
    if record.is_script() && script.is_none() {
        remarks.push("its switch for a script is on, and no address of one can be read from it".to_owned());
    }
    let manual_is_readable = manual.as_ref().is_some_and(|manual| !manual.servers.is_empty());
    let setting = match manual {
        Some(manual) if !is_automatic => manual_or_damaged(manual),
        // "Direct" is what it says when nothing was ever set: the next source is asked.
        None if !is_automatic => Setting::NotSet,
        _ if script.is_none() && !record.is_detecting() && !manual_is_readable => {
            Setting::Damaged("its switches name a script, and no address of one can be read from it".to_owned())
        }
        manual => Setting::Says {
            detect: record.is_detecting(),
            script,
            manual: manual.filter(|manual| !manual.servers.is_empty()),
        },
    };
    (setting, remarks)
}

/// A list that leads https to a SOCKS proxy alone.
fn socks_remark(manual: &Manual, why: &str) -> Option<String> {
    let servers = manual.servers.servers_for("https");
    (!servers.is_empty() && servers.iter().all(|server| server.socks))
        .then(|| format!("{why}, and the diagnostic service goes by WinHTTP: name a proxy that speaks HTTP"))
}

/// The deployment script reads the record in a simpler way than Windows does.
fn deployment_script_remarks(record: &Record) -> Vec<String> {
    let mut remarks = Vec::new();
    if record.servers.contains('=') {
        remarks.push(
            "the deployment script puts http:// before the whole list, so ClientProxy=System fails with a list by scheme"
                .to_owned(),
        );
    }
    if record.servers.len() > 255 {
        remarks.push("the deployment script reads 255 characters of the list at most".to_owned());
    }
    remarks
}

/// Internet Options for the machine, where a policy says that they count for all users.
fn machine(snapshot: &Snapshot) -> Step {
    let switch = lookup(snapshot, MACHINE_POLICY, "ProxySettingsPerUser");
    let place = format!(r"{MACHINE_POLICY}\ProxySettingsPerUser");
    let unused = |setting, remarks| Step { source: Source::Machine, place: place.clone(), setting, remarks };
    match switch {
        Lookup::NotKnown => unused(Setting::NotKnown, Vec::new()),
        Lookup::NotSet => unused(Setting::PassedOver("settings are per user"), Vec::new()),
        Lookup::Set(Value::Dword(0)) => internet_options(snapshot, "HKLM", Source::Machine),
        Lookup::Set(Value::Dword(1)) => unused(
            Setting::PassedOver("settings are per user (1)"),
            vec![
                "ProxySettingsPerUser is 1, which Windows reads as per user; a page of Microsoft's says 1 where 0 is \
                 meant for settings per machine"
                    .to_owned(),
            ],
        ),
        Lookup::Set(value) => unused(wrong_type(value, "a REG_DWORD of 0 or 1"), Vec::new()),
    }
}

/// Internet Options of one hive: the binary record, and the older values where there is none.
fn internet_options(snapshot: &Snapshot, hive: &str, source: Source) -> Step {
    let settings = format!(r"{hive}\{SETTINGS}");
    let key = format!(r"{settings}\Connections");
    let older = older_values(snapshot, &settings);
    let passed_over = of_wrong_type(snapshot, &settings);
    let step = |name: &str, setting, mut remarks: Vec<String>| {
        remarks.extend(passed_over.iter().cloned());
        Step { source, place: name.to_owned(), setting, remarks }
    };
    match record(snapshot, &key, RecordKind::WinInet) {
        Ok(record) => {
            // Switched on with an empty list, it names no proxy, and addresses go directly.
            let manual = (record.is_manual() && !record.servers.trim().is_empty())
                .then(|| Box::new(Manual::read(&record.servers, &record.exceptions)));
            let script = record.is_script().then(|| record.script_address()).filter(|script| !script.is_empty());
            let mut remarks = manual.as_ref().map(|manual| manual.remarks()).unwrap_or_default();
            let setting = match manual {
                Some(manual) if manual.servers.is_empty() && script.is_none() && !record.is_detecting() => {
                    manual_or_damaged(manual)
                }
                manual => Setting::Says {
                    detect: record.is_detecting(),
                    script,
                    manual: manual.filter(|manual| !manual.servers.is_empty()),
                },
            };
            if let Setting::Says { manual: Some(manual), .. } = &setting {
                remarks.extend(socks_remark(manual, "Internet Options speak SOCKS of version 4 to it"));
            }
            if matches!(&older, Setting::Says { .. }) && !agree(&older, &setting) {
                remarks.push(
                    "ProxyEnable, ProxyServer and AutoConfigURL beside it say something else; Windows may take them over"
                        .to_owned(),
                );
            }
            step(&format!(r"{key}\DefaultConnectionSettings"), setting, remarks)
        }
        Err(Setting::NotSet | Setting::NotKnown) if !matches!(older, Setting::NotKnown) => {
            let remarks = match &older {
                Setting::Says { manual: Some(manual), .. } => manual.remarks(),
                _ => Vec::new(),
            };
            step(&settings, older, remarks)
        }
        Err(setting) => step(&format!(r"{key}\DefaultConnectionSettings"), setting, Vec::new()),
    }
}

/// What of the older values has another type than Windows writes, and is passed over: a line for each.
fn of_wrong_type(snapshot: &Snapshot, key: &str) -> Vec<String> {
    let tell = |name: &str, value: &Value, wanted: &str| {
        let shown = without_login(&value.shown());
        format!("{name} is {} ({shown}) and should be {wanted}: it is passed over", value.type_name())
    };
    let texts = ["AutoConfigURL", "ProxyServer", "ProxyOverride"].into_iter().filter_map(|name| {
        match lookup(snapshot, key, name) {
            Lookup::Set(value) if value.as_text().is_none() => Some(tell(name, value, "REG_SZ")),
            _ => None,
        }
    });
    let switch = match lookup(snapshot, key, "ProxyEnable") {
        Lookup::Set(value) if value.as_dword().is_none() => Some(tell("ProxyEnable", value, "REG_DWORD")),
        _ => None,
    };
    switch.into_iter().chain(texts).collect()
}

/// `ProxyEnable`, `ProxyServer`, `ProxyOverride`, `AutoConfigURL`.
fn older_values(snapshot: &Snapshot, key: &str) -> Setting {
    let mut damage = None;
    let enabled = match lookup(snapshot, key, "ProxyEnable") {
        Lookup::NotKnown => return Setting::NotKnown,
        Lookup::NotSet | Lookup::Set(Value::Dword(0)) => false,
        Lookup::Set(Value::Dword(_)) => true,
        // A script beside it counts all the same.
        Lookup::Set(value) => {
            damage = Some(wrong_type(value, "REG_DWORD"));
            false
        }
    };
    let text = |name: &str| lookup(snapshot, key, name).value().and_then(Value::as_text).unwrap_or_default();
    let script = Some(text("AutoConfigURL").trim()).filter(|url| !url.is_empty());
    let script = script.map(without_login);
    let manual = enabled.then(|| Box::new(Manual::read(text("ProxyServer"), text("ProxyOverride"))));
    let manual = manual.filter(|manual| !manual.servers.is_empty());
    if script.is_none() && manual.is_none() {
        return damage.unwrap_or(Setting::NotSet);
    }
    Setting::Says { detect: false, script, manual }
}

/// The older values and the record name the same script and the same proxies.
fn agree(older: &Setting, record: &Setting) -> bool {
    let (Setting::Says { script, manual, .. }, Setting::Says { script: other, manual: another, .. }) = (older, record)
    else {
        return false;
    };
    let servers = |manual: &Option<Box<Manual>>| manual.as_ref().map(|manual| manual.servers.to_string());
    script == other && servers(manual) == servers(another)
}

fn record(snapshot: &Snapshot, key: &str, kind: RecordKind) -> Result<Record, Setting> {
    match lookup(snapshot, key, kind.value_name()) {
        Lookup::NotKnown => Err(Setting::NotKnown),
        Lookup::NotSet => Err(Setting::NotSet),
        Lookup::Set(value) => match value.as_binary() {
            Some(bytes) => Record::read(bytes, kind).map_err(|mistake| Setting::Damaged(mistake.to_string())),
            None => Err(wrong_type(value, "REG_BINARY")),
        },
    }
}

/// What is known of a value. An export is of a key and everything below it: where a key above was exported and this one
/// is not there, the device has none.
pub(super) fn lookup<'s>(snapshot: &'s Snapshot, key: &str, name: &str) -> Lookup<'s> {
    let found = snapshot.lookup(key, name);
    if found != Lookup::NotKnown {
        return found;
    }
    let mut above = key;
    while let Some((parent, _)) = above.rsplit_once('\\') {
        if snapshot.key(parent).is_some() {
            return Lookup::NotSet;
        }
        above = parent;
    }
    found
}

fn wrong_type(value: &Value, wanted: &str) -> Setting {
    Setting::Damaged(format!("it is {} ({}) and should be {wanted}", value.type_name(), value.shown()))
}

impl Source {
    #[must_use]
    pub fn title(self) -> &'static str {
        match self {
            Self::TelemetryProxy => "TelemetryProxyServer (policy)",
            Self::WinHttp => "WinHTTP (netsh winhttp)",
            Self::Machine => "Internet Options of the machine",
            Self::Own => "Internet Options of the account",
        }
    }

    /// A short name for programs.
    #[must_use]
    pub fn id(self) -> &'static str {
        match self {
            Self::TelemetryProxy => "telemetry-proxy-server",
            Self::WinHttp => "winhttp",
            Self::Machine => "wininet-machine",
            Self::Own => "wininet-account",
        }
    }
}

impl fmt::Display for Setting {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotSet => out.write_str("not set"),
            Self::NotKnown => out.write_str("not known"),
            Self::Damaged(why) => write!(out, "not readable: {why}"),
            Self::PassedOver(why) => write!(out, "does not count: {why}"),
            Self::Says { detect: false, script: None, manual: None } => out.write_str("direct"),
            Self::Says { detect, script, manual } => {
                let mut parts = Vec::new();
                if *detect {
                    parts.push("detection (WPAD)".to_owned());
                }
                parts.extend(script.iter().map(|url| format!("script {}", without_secrets(url))));
                parts.extend(manual.iter().map(|manual| match manual.exceptions.len() {
                    0 => format!("proxy {}", manual.servers),
                    1 => format!("proxy {}, 1 exception", manual.servers),
                    count => format!("proxy {}, {count} exceptions", manual.servers),
                }));
                out.write_str(&parts.join(", then "))
            }
        }
    }
}

impl fmt::Display for Way {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unless { source, because } => write!(out, "what {} says, which {because}", source.title()),
            Self::Detect => out.write_str("what the network answers (WPAD)"),
            Self::Script(url) => write!(out, "what the script says ({})", without_secrets(url)),
            Self::Proxies(servers) => write!(out, "PROXY {}", servers.join(", then ")),
            Self::Direct { exception: None } => out.write_str("DIRECT"),
            Self::Direct { exception: Some(exception @ Exception::Entry(_)) } => {
                write!(out, "DIRECT (by the exception {exception})")
            }
            Self::Direct { exception: Some(exception) } => write!(out, "DIRECT ({exception})"),
        }
    }
}

/// The ways in one line: what is tried first, and what then; at its end the sources that could change it all.
#[must_use]
pub fn in_words(ways: &[Way]) -> String {
    let known: Vec<String> =
        ways.iter().filter(|way| !matches!(way, Way::Unless { .. })).map(ToString::to_string).collect();
    let words = known.join(", else ");
    let unknown = |wanted: Unknown| -> Vec<&str> {
        let titles = ways.iter().filter_map(|way| match way {
            Way::Unless { source, because } if *because == wanted => Some(source.title()),
            _ => None,
        });
        titles.collect()
    };
    let mut doubts: Vec<String> = Vec::new();
    for because in [Unknown::Damaged, Unknown::NotSeen] {
        match unknown(because).as_slice() {
            [] => {}
            [source] => doubts.push(format!("{source} says otherwise, which {because}")),
            several => doubts.push(format!("one of these says otherwise, which {because}: {}", several.join(", "))),
        }
    }
    if doubts.is_empty() { words } else { format!("{words}, unless {}", doubts.join("; or ")) }
}

impl fmt::Display for Unknown {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::NotSeen => "is not known",
            Self::Damaged => "is set and cannot be read",
        })
    }
}

impl fmt::Display for Exception {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Entry(entry) => out.write_str(entry),
            Self::Itself => out.write_str("this machine itself"),
            Self::NoProxyFor(scheme) => write!(out, "the list has no proxy for {scheme}"),
        }
    }
}

impl fmt::Display for Account {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::System => out.write_str("SYSTEM"),
            Self::User { hive } if hive == "HKCU" => out.write_str("user (HKCU)"),
            Self::User { hive } => write!(out, "user {}", hive.trim_start_matches(r"HKU\")),
        }
    }
}
