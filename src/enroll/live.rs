//! A snapshot of the machine that this program runs on: everything that the rules ask for.
//!
//! In: a [`Machine`]. Out: the [`Snapshot`] that the collecting script would have printed there. Never: a guess. What
//! Windows does not let this account see is left out, and then the rules do not judge it.

#![expect(clippy::option_option, reason = "what is not there and what is not known are two things, as in the snapshot")]

use jiff::Timestamp;
use quick_xml::Reader;
use quick_xml::events::Event;

use super::places::{
    ANTIVIRUS_PROVIDERS, APPRAISER_TASK, COMPUTER_NAMES, CURRENT_VERSION, FILES, FIREWALL_RULES, PRODUCT_OPTIONS,
    SECRET, SERVICES_ASKED, asked, is_about_the_sender,
};
use super::windows::Windows;
use crate::registry::{Key, Lookup, Machine, Presence, Registry, Snapshot, Task, Value};

const TASK_CACHE: &str = r"HKLM\SOFTWARE\Microsoft\Windows NT\CurrentVersion\Schedule\TaskCache";
const PACKAGES: &str = r"HKLM\SOFTWARE\Microsoft\Windows\CurrentVersion\Component Based Servicing\Packages";
/// A task's definition is some kilobytes long.
const LONGEST_DEFINITION: usize = 1 << 20;

/// Asks the machine for everything; `now` is what "two days ago" is counted from.
#[must_use]
pub fn snapshot(machine: &impl Machine, now: Timestamp) -> Snapshot {
    let providers = machine.subkeys(ANTIVIRUS_PROVIDERS).unwrap_or_default();
    let providers = providers.into_iter().map(|name| format!(r"{ANTIVIRUS_PROVIDERS}\{name}"));
    let keys = asked().into_iter().chain(COMPUTER_NAMES.map(str::to_owned)).chain(providers);
    let mut snapshot = Snapshot::of(machine, keys);
    without_others_rules(&mut snapshot);
    for (key, name) in SECRET {
        snapshot.conceal(key, name);
    }
    kernel(machine, &mut snapshot);
    let device = &mut snapshot.device;
    device.is_live = true;
    device.captured = Some(now);
    for name in SERVICES_ASKED {
        if let Some(service) = machine.service(name) {
            device.services.insert(name.to_lowercase(), service);
        }
    }
    for name in FILES {
        if let Some(version) = machine.file_version(name) {
            device.files.insert(name.to_lowercase(), version);
        }
    }
    device.pending_xml = machine.has_pending_xml();
    if let Some(task) = task(machine, APPRAISER_TASK) {
        device.tasks.insert(APPRAISER_TASK.to_lowercase(), task);
    }
    // Before Windows 10 a rollup's package does not have the update's number in its name, so the list would lack it.
    if Windows::of(&snapshot, None).is_windows_10() == Some(true) {
        snapshot.device.hotfixes = hotfixes(machine);
    }
    snapshot
}

/// Leaves of the firewall's rules those that may be about the sender.
fn without_others_rules(snapshot: &mut Snapshot) {
    for rules in FIREWALL_RULES {
        let values = snapshot.key(rules).into_iter().flat_map(Key::values);
        let is_others = |value: &Value| !value.as_text().is_some_and(is_about_the_sender);
        let others: Vec<String> =
            values.filter(|(_, value)| is_others(value)).map(|(name, _)| name.to_owned()).collect();
        for name in others {
            snapshot.conceal(rules, &name);
        }
    }
}

/// What of a snapshot of this machine Windows did not tell: keys by their paths, the rest by name. The rules list what follows
/// from it as not checked.
#[must_use]
pub fn withheld(snapshot: &Snapshot) -> Vec<String> {
    let device = &snapshot.device;
    let keys = asked().into_iter().filter(|key| snapshot.presence(key) == Presence::NotKnown);
    let services = SERVICES_ASKED.into_iter().filter(|name| device.service(name).is_none());
    let files = FILES.into_iter().filter(|name| device.file(name).is_none());
    let task = device.task(APPRAISER_TASK).is_none().then(|| format!("the task {APPRAISER_TASK}"));
    keys.chain(services.map(|name| format!("the service {name}"))).chain(files.map(str::to_owned)).chain(task).collect()
}

/// What says which Windows this is, and nothing else.
#[must_use]
pub fn version(machine: &impl Machine) -> Windows {
    let mut snapshot = Snapshot::of(machine, [CURRENT_VERSION, PRODUCT_OPTIONS]);
    kernel(machine, &mut snapshot);
    Windows::of(&snapshot, None)
}

/// The kernel speaks where the registry does not.
fn kernel(machine: &impl Machine, snapshot: &mut Snapshot) {
    let known = Windows::of(snapshot, None);
    if known.build.is_some() && known.server.is_some() {
        return;
    }
    let Some(kernel) = machine.kernel() else { return };
    if known.build.is_none() {
        let (major, minor) = kernel.version;
        // Without its revision, which stands in the registry alone.
        snapshot.device.build = Some(format!("{major}.{minor}.{}", kernel.build));
    }
    snapshot.device.server = known.server.or(Some(kernel.is_server));
}

/// The task as its definition and the scheduler's own notes have it; no answer where one of them is out of reach.
fn task(machine: &impl Machine, path: &str) -> Option<Option<Task>> {
    let tree = format!(r"{TASK_CACHE}\Tree{path}");
    let known = Snapshot::of(machine, [tree.as_str()]);
    let id = match known.lookup(&tree, "Id") {
        Lookup::NotKnown => return None,
        Lookup::NotSet => return Some(None),
        Lookup::Set(value) => value.as_text()?.to_owned(),
    };
    let is_plain = |character: char| character.is_ascii_alphanumeric() || matches!(character, '{' | '}' | '-');
    if id.is_empty() || !id.chars().all(is_plain) {
        return None;
    }
    let enabled = is_enabled(&machine.task_definition(path)??)?;
    let notes = format!(r"{TASK_CACHE}\Tasks\{id}");
    let known = Snapshot::of(machine, [notes.as_str()]);
    let runs = known.lookup(&notes, "DynamicInfo").value().and_then(Value::as_binary).and_then(runs);
    match runs {
        Some((last_run, last_result)) => Some(Some(Task { enabled, last_run, last_result })),
        // A task that is switched off is worth saying even if nobody knows when it ran.
        None if !enabled => Some(Some(Task { enabled, last_run: None, last_result: None })),
        None => None,
    }
}

/// `Settings/Enabled` of a task's definition, which is true where it is missing. `None` where this is no definition.
fn is_enabled(definition: &[u8]) -> Option<bool> {
    if definition.len() > LONGEST_DEFINITION {
        return None;
    }
    let text = crate::registry::text(definition).ok()?;
    let mut reader = Reader::from_str(&text);
    let mut path: Vec<String> = Vec::new();
    let mut is_task = false;
    let mut enabled = true;
    loop {
        match reader.read_event().ok()? {
            Event::Start(start) => {
                path.push(start.local_name().as_ref().to_owned());
                is_task |= path == ["Task"];
            }
            Event::End(_) => {
                path.pop();
            }
            Event::Text(text) if path == ["Task", "Settings", "Enabled"] => {
                enabled = match text.as_ref().trim() {
                    "true" | "1" => true,
                    "false" | "0" => false,
                    _ => return None,
                };
            }
            Event::Eof => return (is_task && path.is_empty()).then_some(enabled),
            _ => {}
        }
    }
}

/// The last start and the last result from the scheduler's notes. Nobody has documented them; tools that read them agree:
/// a version (3), the time of registration, the time of the last start, a state, the last result.
fn runs(notes: &[u8]) -> Option<(Option<Timestamp>, Option<u32>)> {
    let number = |at: usize| Some(u32::from_le_bytes(notes.get(at..at + 4)?.try_into().ok()?));
    if number(0)? != 3 {
        return None;
    }
    let last = u64::from_le_bytes(notes.get(12..20)?.try_into().ok()?);
    let result = number(24)?;
    let last_run = if last == 0 { None } else { Some(moment(last)?) };
    Some((last_run, last_run.map(|_| result)))
}

/// Windows counts in tenths of microseconds from the year 1601.
fn moment(ticks: u64) -> Option<Timestamp> {
    const FROM_1601_TO_1970: i64 = 11_644_473_600;
    let seconds = i64::try_from(ticks / 10_000_000).ok()?;
    Timestamp::from_second(seconds - FROM_1601_TO_1970).ok()
}

/// The updates whose packages are installed, or were and are part of a later one.
///
/// A cumulative update's package is named for its revision and not for its number: on Windows 10 the revision of the build
/// says that it is there, and the number is not in this list.
fn hotfixes(registry: &impl Registry) -> Option<Vec<u32>> {
    const SUPERSEDED: u32 = 0x50;
    const INSTALLED: u32 = 0x70;
    const PERMANENT: u32 = 0x80;
    let mut installed = Vec::new();
    for name in registry.subkeys(PACKAGES)? {
        let Some(update) = update_of(&name) else { continue };
        let key = format!(r"{PACKAGES}\{name}");
        let package = Snapshot::of(registry, [key.as_str()]);
        let state = package.lookup(&key, "CurrentState").value().and_then(Value::as_dword);
        if matches!(state, Some(SUPERSEDED | INSTALLED | PERMANENT)) && !installed.contains(&update) {
            installed.push(update);
        }
    }
    installed.sort_unstable();
    Some(installed)
}

/// `Package_for_KB4462923~…`, or one of an update's several packages, `Package_2_for_KB4462923~…`.
fn update_of(package: &str) -> Option<u32> {
    let (identity, _) = package.split_once('~')?;
    let (front, update) = identity.split_once("_for_KB")?;
    let front = front.strip_prefix("Package")?;
    let is_one = front.is_empty() || front.strip_prefix('_').is_some_and(|part| part.parse::<u32>().is_ok());
    let digits = update.split('_').next().unwrap_or_default();
    let is_number = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    (is_one && is_number).then(|| digits.parse().ok()).flatten()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::registry::{Kernel, RawValue, Reading, Service, StartType};

    const TREE: &str = r"HKLM\SOFTWARE\Microsoft\Windows NT\CurrentVersion\Schedule\TaskCache\Tree\Microsoft\Windows\Application Experience\Microsoft Compatibility Appraiser";

    /// A machine in memory. A key that is in no list is absent; a guarded one is not readable.
    #[derive(Default)]
    struct Device {
        keys: BTreeMap<String, Vec<(String, RawValue)>>,
        guarded: Vec<String>,
        definition: Option<Option<Vec<u8>>>,
        kernel: Option<Kernel>,
    }

    impl Device {
        fn with(mut self, key: &str, name: &str, value: &Value) -> Self {
            self.keys.entry(key.to_owned()).or_default().push((name.to_owned(), RawValue::from(value)));
            self
        }

        fn windows_10() -> Self {
            Self::default().with(CURRENT_VERSION, "CurrentBuildNumber", &Value::Sz("17763".into())).with(
                PRODUCT_OPTIONS,
                "ProductType",
                &Value::Sz("WinNT".into()),
            )
        }

        fn with_task(mut self, enabled: &str, notes: &[u8]) -> Self {
            let text = format!(
                "<?xml version=\"1.0\" encoding=\"UTF-16\"?>\r\n<Task version=\"1.6\" xmlns=\"http://schemas.microsoft.com/windows/2004/02/mit/task\">\r\n\
                 <Triggers><TimeTrigger><Enabled>false</Enabled></TimeTrigger></Triggers><Settings>{enabled}</Settings></Task>"
            );
            let bytes = [0xff, 0xfe].into_iter().chain(text.encode_utf16().flat_map(u16::to_le_bytes)).collect();
            self.definition = Some(Some(bytes));
            self.with(TREE, "Id", &Value::Sz("{A}".into())).with(
                &format!(r"{TASK_CACHE}\Tasks\{{A}}"),
                "DynamicInfo",
                &Value::Binary(notes.to_vec()),
            )
        }
    }

    impl Registry for Device {
        fn key(&self, path: &str) -> Reading {
            if self.guarded.iter().any(|guarded| guarded == path) {
                return Reading::NotReadable;
            }
            self.keys.get(path).cloned().map_or(Reading::Absent, Reading::Held)
        }

        fn subkeys(&self, path: &str) -> Option<Vec<String>> {
            let below = format!("{path}\\");
            let names: Vec<String> =
                self.keys.keys().filter_map(|key| Some(key.strip_prefix(&below)?.to_owned())).collect();
            (!names.is_empty()).then_some(names)
        }
    }

    impl Machine for Device {
        fn service(&self, name: &str) -> Option<Option<Service>> {
            (name == "DiagTrack").then_some(Some(Service { start: StartType::Automatic, running: Some(true) }))
        }

        fn file_version(&self, name: &str) -> Option<Option<[u32; 4]>> {
            Some((name == "appraiser.dll").then_some([10, 0, 17763, 1]))
        }

        fn task_definition(&self, _: &str) -> Option<Option<Vec<u8>>> {
            self.definition.clone()
        }

        fn has_pending_xml(&self) -> Option<bool> {
            Some(false)
        }

        fn kernel(&self) -> Option<Kernel> {
            self.kernel
        }
    }

    /// Registered and last run at these times, with result 0.
    fn notes(last: Option<&str>) -> Vec<u8> {
        let ticks = |time: &str| {
            let time: Timestamp = time.parse().expect("a time");
            u64::try_from((time.as_second() + 11_644_473_600) * 10_000_000).expect("after 1601")
        };
        let mut bytes = 3_u32.to_le_bytes().to_vec();
        bytes.extend(ticks("2018-10-01T00:00:00Z").to_le_bytes());
        bytes.extend(last.map_or(0, ticks).to_le_bytes());
        bytes.extend([0; 8]);
        bytes
    }

    fn taken(device: &Device) -> Snapshot {
        snapshot(device, "2019-03-02T10:00:00Z".parse().expect("a time"))
    }

    fn found(device: &Device) -> Option<Option<Task>> {
        taken(device).device.task(APPRAISER_TASK)
    }

    #[test]
    fn a_task_has_its_switch_from_its_definition_and_its_last_run_from_the_schedulers_notes() {
        let ran = Device::windows_10().with_task("", &notes(Some("2019-03-02T03:00:05Z")));
        let last_run = Some("2019-03-02T03:00:05Z".parse().expect("a time"));
        assert_eq!(found(&ran), Some(Some(Task { enabled: true, last_run, last_result: Some(0) })));
        let never = Device::windows_10().with_task("<Enabled>true</Enabled>", &notes(None));
        assert_eq!(found(&never), Some(Some(Task { enabled: true, last_run: None, last_result: None })));
        let off = Device::windows_10().with_task("<Enabled> false </Enabled>", &notes(None));
        assert_eq!(found(&off).flatten().map(|task| task.enabled), Some(false));
        assert_eq!(found(&Device::windows_10()), Some(None), "the scheduler knows no such task");
    }

    #[test]
    fn a_task_that_cannot_be_read_whole_is_not_known() {
        let mut device = Device::windows_10().with_task("", &notes(None));
        device.guarded = vec![TREE.to_owned()];
        assert_eq!(found(&device), None);
        let mut device = Device::windows_10().with_task("", &notes(None));
        device.definition = None;
        assert_eq!(found(&device), None);
        let whole = notes(Some("2019-03-02T03:00:05Z"));
        for length in 0..whole.len() {
            assert_eq!(found(&Device::windows_10().with_task("", &whole[..length.min(27)])), None, "{length} bytes");
        }
        for odd in ["<Enabled>perhaps</Enabled>", "<Enabled>true</Enabld>", "<"] {
            assert_eq!(found(&Device::windows_10().with_task(odd, &whole)), None, "{odd}");
        }
        assert_eq!(is_enabled(b"<html></html>"), None);
        assert_eq!(is_enabled(b""), None);
        assert_eq!(runs(&[0xff; 36]), None);
    }

    #[test]
    fn updates_are_the_packages_that_are_installed_or_part_of_later_ones() {
        let package = |device: Device, name: &str, state| {
            device.with(&format!(r"{PACKAGES}\{name}"), "CurrentState", &Value::Dword(state))
        };
        let mut device = Device::windows_10();
        for (name, state) in [
            ("Package_for_KB4470788~31bf3856ad364e35~amd64~~17763.164.1.1", 0x70),
            ("Package_1_for_KB4465065~31bf3856ad364e35~amd64~~10.0.1.1", 0x50),
            ("Package_2_for_KB4465065~31bf3856ad364e35~amd64~~10.0.1.1", 0x50),
            ("Package_for_KB4483452~31bf3856ad364e35~amd64~~10.0.1.1", 0x40),
            ("Package_for_RollupFix~31bf3856ad364e35~amd64~~17763.316.1.7", 0x70),
            ("Microsoft-Windows-Foundation-Package~31bf3856ad364e35~amd64~~10.0.17763.1", 0x70),
        ] {
            device = package(device, name, state);
        }
        assert_eq!(taken(&device).device.hotfixes, Some(vec![4_465_065, 4_470_788]));
        assert_eq!(taken(&Device::windows_10()).device.hotfixes, None, "packages that cannot be listed");
        let seven = Device::default().with(CURRENT_VERSION, "CurrentBuildNumber", &Value::Sz("7601".into()));
        let seven = package(seven, "Package_for_KB3150513~31bf3856ad364e35~amd64~~6.1.1.0", 0x70);
        assert_eq!(taken(&seven).device.hotfixes, None, "a list in which rollups are missing is none");
        for odd in ["Package_for_KB~x", "Package_for_KB12a~x", "Package_x_for_KB1~x", "Package_for_KB99999999999~x", ""]
        {
            assert_eq!(update_of(odd), None, "{odd}");
        }
    }

    #[test]
    fn what_an_account_may_not_see_is_listed_with_what_to_do() {
        let mut device = Device::windows_10();
        device.guarded = vec![super::super::places::SPYNET.to_owned(), super::super::places::POLICY.to_owned()];
        let snapshot = taken(&device);
        let case = super::super::Case {
            snapshot: &snapshot,
            windows: Windows::of(&snapshot, None),
            asked: Vec::new(),
            region: None,
            approach: None,
            others: Vec::new(),
        };
        let checkup = super::super::check(&case);
        let open = |name: &str| {
            let entry = checkup.not_checked.iter().find(|entry| entry.value == name);
            entry.map_or("", |entry| entry.why.as_str())
        };
        for name in ["AllowTelemetry", "CommercialId", "wlidsvc"] {
            assert_eq!(open(name), "Windows did not let this account read it: try again as administrator", "{name}");
        }
        // Its key was read: an administrator would see no more.
        assert_eq!(open("EditionID"), "it is not set, so the edition is not known");
        assert!(checkup.not_checked.iter().all(|entry| !entry.why.contains("snapshot does not")), "{checkup:#?}");
        let withheld = withheld(&snapshot);
        assert!(withheld.contains(&super::super::places::POLICY.to_owned()), "{withheld:?}");
        assert!(withheld.contains(&"the service wlidsvc".to_owned()), "{withheld:?}");
        assert!(
            !withheld.iter().any(|name| name.contains("DiagTrack") || name.contains("appraiser.dll")),
            "{withheld:?}"
        );
    }

    #[test]
    fn the_kernel_answers_only_where_the_registry_does_not() {
        let kernel = Some(Kernel { version: (10, 0), build: 19045, is_server: false });
        let silent = Device { kernel, ..Device::default() };
        assert_eq!(version(&silent).label, "10.0.19045");
        assert_eq!(version(&Device { kernel, ..Device::windows_10() }).label, "10.0.17763");
        assert_eq!(version(&Device::default()).label, "unknown");
        let server = Some(Kernel { version: (10, 0), build: 14393, is_server: true });
        let choice = version(&Device { kernel: server, ..Device::default() }).choice();
        assert_eq!(choice, Some(crate::catalogue::OsChoice::Server2016));
    }

    #[test]
    fn what_switches_the_sender_off_gets_into_a_snapshot_and_other_peoples_rules_do_not() {
        const RULES: &str = FIREWALL_RULES[0];
        let image = super::super::places::image_options("CompatTelRunner.exe");
        let provider = format!(r"{ANTIVIRUS_PROVIDERS}\{{17AD7D40-BA12-9C46-7131-94903A54AD8B}}");
        let rule = |of: &str| Value::Sz(format!("v2.24|Action=Block|Active=TRUE|Dir=Out|{of}|"));
        let device = Device::windows_10()
            .with(RULES, "one", &rule(r"App=C:\windows\system32\svchost.exe|Svc=DiagTrack"))
            .with(RULES, "two", &rule(r"App=C:\Games\chess.exe"))
            .with(RULES, "three", &Value::Dword(1))
            .with(&image[0], "Debugger", &Value::Sz("taskkill.exe".into()))
            .with(&provider, "STATE", &Value::Dword(0x1000));
        let snapshot = taken(&device);
        let rules: Vec<&str> = snapshot.key(RULES).expect("the key").values().map(|(name, _)| name).collect();
        assert_eq!(rules, ["one"]);
        assert_eq!(snapshot.lookup(&image[0], "Debugger").value().and_then(Value::as_text), Some("taskkill.exe"));
        assert_eq!(snapshot.lookup(&image[1], "Debugger"), Lookup::NotSet);
        assert_eq!(snapshot.lookup(&provider, "STATE").value().and_then(Value::as_dword), Some(0x1000));
        for key in asked() {
            assert_ne!(snapshot.presence(&key), Presence::NotKnown, "{key}");
        }
    }

    #[test]
    fn a_product_key_does_not_get_into_a_snapshot() {
        let device = Device::windows_10().with(CURRENT_VERSION, "DigitalProductId", &Value::Binary(vec![1, 2, 3]));
        let snapshot = taken(&device);
        assert!(!crate::registry::to_json(&snapshot).contains("DigitalProductId"));
        assert_eq!(snapshot.device.service("wlidsvc"), None, "no answer is no absence");
        assert_eq!(snapshot.device.file("diagtrack.dll"), Some(None));
    }
}
