//! Plans: read back they leave nothing to find, in every form they say the same, and another reader agrees.

use std::collections::BTreeSet;
use std::process::Command;

use super::{ids, os};
use waprobe::catalogue::{OsChoice, Solution};
use waprobe::enroll::commercial_id::CommercialId;
use waprobe::enroll::places::POLICY;
use waprobe::enroll::plan::{Plan, intune, lgpo, plan, powershell, reg, syncml};
use waprobe::enroll::{Windows, collect};
use waprobe::registry::{Snapshot, Value};

const ID: &str = "0d6d23ac-5e8a-4c31-9f20-3a1b2c4d5e6f";
const CLIENTS: [&str; 9] = [
    "win7-sp1",
    "win8.1",
    "win10-1507",
    "win10-1607",
    "win10-1703",
    "win10-1709",
    "win10-1803",
    "win10-1809",
    "win11-24h2",
];

fn made(windows: &str, solutions: &[Solution], site_discovery: Option<u32>) -> Plan {
    let id: CommercialId = ID.parse().expect("a GUID");
    let windows = Windows::of(&Snapshot::default(), Some(os(windows)));
    plan(&id, &windows, solutions, site_discovery).unwrap_or_else(|mistake| panic!("{mistake}"))
}

fn names(plan: &Plan) -> Vec<(&str, String)> {
    plan.values.iter().map(|planned| (planned.name, planned.value.shown())).collect()
}

#[test]
fn exactly_the_values_that_a_version_and_its_solutions_need() {
    let pairs = |plan: &Plan| {
        names(plan).iter().skip(1).map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join(" ")
    };
    for (windows, solutions, expected) in [
        ("win7-sp1", &[][..], "CommercialDataOptIn=1 RequestAllAppraiserVersions=1"),
        ("win10-1607", &[], "AllowTelemetry=2"),
        ("win10-1607", &[Solution::UpdateCompliance], "AllowTelemetry=2"),
        ("win10-1607", &[Solution::UpgradeReadiness], "AllowTelemetry=1"),
        ("win10-1709", &[], "AllowTelemetry=2 LimitEnhancedDiagnosticDataWindowsAnalytics=1"),
        (
            "win10-1809",
            &[],
            "AllowTelemetry=2 LimitEnhancedDiagnosticDataWindowsAnalytics=1 AllowDeviceNameInTelemetry=1",
        ),
        ("win10-1809", &[Solution::UpdateCompliance], "AllowTelemetry=1 AllowDeviceNameInTelemetry=1"),
        ("server-2016", &[], "AllowTelemetry=2"),
    ] {
        let plan = made(windows, solutions, None);
        assert_eq!(pairs(&plan), expected, "{windows} {solutions:?}");
        assert_eq!(names(&plan)[0], ("CommercialId", ID.to_owned()));
        assert!(plan.values.iter().all(|planned| !planned.why.is_empty()));
    }
}

/// Every version, every set of solutions that exists for it, every choice of site discovery: also when each solution that
/// was planned is judged alone.
#[test]
fn a_plan_read_back_leaves_nothing_to_find() {
    let mut count = 0;
    for windows in OsChoice::ids().filter(|id| !["this", "all"].contains(id)) {
        let known = Windows::of(&Snapshot::default(), Some(os(windows)));
        for chosen in 0..1 << Solution::ALL.len() {
            let all = Solution::ALL.into_iter().enumerate();
            let solutions: Vec<Solution> =
                all.filter(|(index, _)| chosen & (1 << index) != 0).map(|(_, solution)| solution).collect();
            if solutions.iter().any(|solution| known.supports(*solution) != Some(true)) {
                continue;
            }
            let has_discovery = match solutions.as_slice() {
                [] => known.supports(Solution::UpgradeReadiness) == Some(true),
                solutions => solutions.contains(&Solution::UpgradeReadiness),
            };
            for site_discovery in [None, Some(0), Some(1), Some(2), Some(3)] {
                if site_discovery.is_some() && !has_discovery {
                    continue;
                }
                let plan = made(windows, &solutions, site_discovery);
                let snapshot = Snapshot::read(&reg(&plan)).unwrap_or_else(|mistake| panic!("{windows}: {mistake}"));
                assert_eq!(snapshot, plan.snapshot(), "{windows}");
                for asked in plan.solutions.iter().map(std::slice::from_ref).chain([&plan.solutions[..], &solutions]) {
                    // Solutions that were not planned for may need more.
                    if asked.is_empty() && !solutions.is_empty() {
                        continue;
                    }
                    let checkup = super::check(&snapshot, Some(windows), asked);
                    let found = ids(&checkup);
                    assert_eq!(found, &[], "{windows} {asked:?} {site_discovery:?}: {:#?}", checkup.findings);
                    count += 1;
                }
            }
        }
    }
    assert!(count > 1000, "{count} were tried");
}

/// The registry as each form leaves it: every form is read by a reader of its own, written from the tool's documentation and
/// not from the code that writes it.
#[test]
fn every_form_read_back_is_the_same_registry() {
    for windows in OsChoice::ids().filter(|id| !["this", "all"].contains(id)) {
        let known = Windows::of(&Snapshot::default(), Some(os(windows)));
        let one_each = Solution::ALL.into_iter().filter(|solution| known.supports(*solution) == Some(true));
        for solutions in std::iter::once(Vec::new()).chain(one_each.map(|solution| vec![solution])) {
            let plan = made(windows, &solutions, None);
            let wanted = plan.snapshot();
            let is_managed = known.is_windows_10() == Some(true);
            assert_eq!((intune(&plan).is_ok(), syncml(&plan).is_ok()), (is_managed, is_managed), "{windows}");
            let managed = is_managed.then(|| {
                [
                    ("intune", of_table(&intune(&plan).expect("nodes"))),
                    ("mdm", of_commands(&syncml(&plan).expect("nodes"))),
                ]
            });
            let plain = [("gpo", of_policy_text(&lgpo(&plan))), ("powershell", of_script(&powershell(&plan)))];
            for (form, read) in plain.into_iter().chain(managed.into_iter().flatten()) {
                assert_eq!(read, wanted, "{form} {windows} {solutions:?}");
                let checkup = super::check(&read, Some(windows), &solutions);
                assert_eq!(ids(&checkup), &[], "{form} {windows} {solutions:?}: {:#?}", checkup.findings);
            }
        }
    }
}

/// Blocks of four lines: the half of the policy, the key below its hive, the name, the type with the data.
fn of_policy_text(text: &str) -> Snapshot {
    let mut snapshot = Snapshot::default();
    let lines: Vec<&str> = text.lines().filter(|line| !line.starts_with(';') && !line.is_empty()).collect();
    assert_eq!(lines.len() % 4, 0, "{text}");
    for block in lines.chunks(4) {
        let [half, key, name, action] = block else { unreachable!("blocks of four") };
        assert_eq!(*half, "Computer");
        let value = match action.split_once(':').expect("a type") {
            ("DWORD", number) => Value::Dword(number.parse().expect("a number")),
            ("SZ", text) => Value::Sz(text.to_owned()),
            (other, _) => panic!("LGPO has no type {other}"),
        };
        snapshot.set(&format!("HKLM\\{key}"), name, value);
    }
    snapshot
}

/// The table of values at the head of the script.
fn of_script(text: &str) -> Snapshot {
    let mut snapshot = Snapshot::default();
    let entries =
        text.lines().filter_map(|line| line.trim().trim_end_matches(',').strip_prefix("@{ ")?.strip_suffix(" }"));
    for entry in entries {
        let member = |name: &str| -> String {
            let all = entry.split("; ").filter_map(|pair| pair.split_once(" = "));
            let found = all.into_iter().find(|(key, _)| *key == name).expect("a member").1;
            found.trim_matches('\'').to_owned()
        };
        let data = member("Data");
        let value = match member("Kind").as_str() {
            "DWord" => Value::Dword(data.parse().expect("a number")),
            "String" => Value::Sz(data),
            other => panic!("the plan needs no {other}"),
        };
        snapshot.set(&member("Path").replace("HKLM:", "HKLM"), &member("Name"), value);
    }
    snapshot
}

/// Where the nodes of device management end up, as Microsoft's pages on policies have it.
fn node_to_value(node: &str, data: &str) -> (&'static str, Value) {
    let number = || Value::Dword(data.parse().expect("a number"));
    match node.trim_start_matches("./Vendor/MSFT/") {
        "DMClient/Provider/MS DM Server/CommercialID" => ("CommercialId", Value::Sz(data.to_owned())),
        "Policy/Config/System/AllowTelemetry" => ("AllowTelemetry", number()),
        "Policy/Config/System/LimitEnhancedDiagnosticDataWindowsAnalytics" => {
            ("LimitEnhancedDiagnosticDataWindowsAnalytics", number())
        }
        "Policy/Config/System/AllowDeviceNameInDiagnosticData" => ("AllowDeviceNameInTelemetry", number()),
        other => panic!("no node {other}"),
    }
}

fn of_table(text: &str) -> Snapshot {
    let mut snapshot = Snapshot::default();
    for record in csv::Reader::from_reader(text.as_bytes()).records() {
        let record = record.expect("a line");
        let (name, value) = node_to_value(&record[2], &record[4]);
        let kind = if matches!(value, Value::Dword(_)) { "Integer" } else { "String" };
        assert_eq!((&record[0], &record[3]), (name, kind));
        snapshot.set(POLICY, name, value);
    }
    snapshot
}

fn of_commands(text: &str) -> Snapshot {
    let mut snapshot = Snapshot::default();
    let between = |text: &str, tag: &str| -> String {
        let (_, rest) = text.split_once(&format!("<{tag}")).expect("opened");
        let (_, rest) = rest.split_once('>').expect("a tag");
        rest.split_once(&format!("</{tag}>")).expect("closed").0.to_owned()
    };
    for command in text.split("<Replace>").skip(1) {
        let node = between(command, "LocURI").replace("%20", " ");
        let (name, value) = node_to_value(&node, &between(command, "Data"));
        let format = if matches!(value, Value::Dword(_)) { "int" } else { "chr" };
        assert_eq!(between(command, "Format"), format);
        snapshot.set(POLICY, name, value);
    }
    snapshot
}

#[test]
fn every_form_holds_every_value_and_the_warning() {
    let plan = made("win10-1809", &[], None);
    for (form, text) in [
        ("gpo", lgpo(&plan)),
        ("powershell", powershell(&plan)),
        ("intune", intune(&plan).expect("nodes")),
        ("mdm", syncml(&plan).expect("nodes")),
    ] {
        assert!(text.contains(ID) && text.contains("Regenerating the Commercial ID"), "{form}: {text}");
        for planned in &plan.values {
            assert!(text.contains(planned.name) && text.contains(&planned.why), "{form}: {}", planned.name);
        }
    }
    assert!(lgpo(&plan).contains(
        "\r\nComputer\r\nSOFTWARE\\Policies\\Microsoft\\Windows\\DataCollection\r\nAllowTelemetry\r\nDWORD:2\r\n"
    ));
    let table = intune(&plan).expect("nodes");
    assert_eq!(table.lines().count(), 5, "{table}");
    assert!(table.contains("\"./Vendor/MSFT/Policy/Config/System/AllowDeviceNameInDiagnosticData\",\"Integer\",\"1\""));
    assert!(table.contains("\"./Vendor/MSFT/DMClient/Provider/MS DM Server/CommercialID\",\"String\""));
    let commands = syncml(&plan).expect("nodes");
    assert_eq!(commands.matches("<Replace>").count(), 4);
    assert!(commands.contains("./Vendor/MSFT/DMClient/Provider/MS%20DM%20Server/CommercialID"));
    assert_eq!(&reg(&plan)[..2], b"\xff\xfe");
}

#[test]
fn what_device_management_cannot_set_is_refused_whole() {
    assert!(intune(&made("win7-sp1", &[], None)).is_err());
    let mistake = syncml(&made("win10-1809", &[], Some(1))).expect_err("no node").to_string();
    assert!(mistake.starts_with("IEDataOptIn has no node"), "{mistake}");
}

/// `hivexregedit` merges the file into an empty hive and reads it out again.
#[test]
fn another_reader_of_registry_files_sees_the_same_values() {
    let Ok(version) = Command::new("hivexregedit").arg("--help").output() else {
        assert!(std::env::var_os("CI").is_none(), "hivexregedit is missing: apt-get install libwin-hivex-perl");
        eprintln!(
            "!! SKIPPED: hivexregedit is missing (apt-get install libwin-hivex-perl), so no other reader saw our files"
        );
        return;
    };
    drop(version);
    let folder = tempfile::tempdir().expect("a folder");
    let hive = folder.path().join("hive");
    let file = folder.path().join("plan.reg");
    let parents = folder.path().join("parents.reg");
    for windows in CLIENTS {
        let plan = made(windows, &[], Some(1));
        std::fs::write(&hive, empty_hive()).expect("a hive");
        // It wants the file in UTF-8 with plain line ends, as its manual says.
        let units: Vec<u16> =
            reg(&plan)[2..].chunks_exact(2).map(|pair| u16::from_le_bytes([pair[0], pair[1]])).collect();
        std::fs::write(&file, String::from_utf16(&units).expect("text").replace("\r\n", "\n")).expect("a file");
        std::fs::write(&parents, keys_above(&plan)).expect("a file");
        let prefix = "HKEY_LOCAL_MACHINE\\SOFTWARE";
        let merged = Command::new("hivexregedit")
            .args(["--merge", "--prefix", prefix])
            .arg(&hive)
            .args([&parents, &file])
            .output()
            .expect("a run");
        assert!(merged.status.success(), "{windows}: {}", String::from_utf8_lossy(&merged.stderr));
        let exported = Command::new("hivexregedit")
            .args(["--export", "--prefix", prefix])
            .arg(&hive)
            .arg("\\")
            .output()
            .expect("a run");
        assert!(exported.status.success(), "{windows}: {}", String::from_utf8_lossy(&exported.stderr));
        let seen = Snapshot::read(&exported.stdout).unwrap_or_else(|mistake| panic!("{windows}: {mistake}"));
        for planned in &plan.values {
            assert_eq!(
                seen.lookup(planned.key, planned.name).value(),
                Some(&planned.value),
                "{windows}: {}",
                planned.name
            );
        }
        let count: usize = seen.keys().map(|key| key.values().count()).sum();
        assert_eq!(count, plan.values.len(), "{windows}");
    }
}

/// Windows makes the keys above by itself, and this reader does not.
fn keys_above(plan: &Plan) -> String {
    let mut text = "Windows Registry Editor Version 5.00\n\n".to_owned();
    let mut keys = BTreeSet::new();
    for planned in &plan.values {
        let path = planned.key.replacen("HKLM\\", "HKEY_LOCAL_MACHINE\\", 1);
        keys.extend(path.match_indices('\\').skip(2).map(|(end, _)| path[..end].to_owned()));
    }
    for key in keys {
        text.extend(["[", &key, "]\n\n"]);
    }
    text
}

/// The smallest hive there is: a header, a root key with nothing in it, and the security record that keys share.
fn empty_hive() -> Vec<u8> {
    fn number(bytes: &mut [u8], at: usize, value: u32) {
        bytes[at..at + 4].copy_from_slice(&value.to_le_bytes());
    }
    const NOTHING: u32 = u32::MAX;
    const ROOT: usize = 0x1020;
    const SECURITY: usize = 0x1080;
    const FREE: usize = 0x10a0;
    let mut hive = vec![0; 0x2000];
    hive[..4].copy_from_slice(b"regf");
    for (at, value) in [(4, 1), (8, 1), (0x14, 1), (0x18, 3), (0x20, 1), (0x24, 0x20), (0x28, 0x1000), (0x2c, 1)] {
        number(&mut hive, at, value);
    }
    hive[0x1000..0x1004].copy_from_slice(b"hbin");
    number(&mut hive, 0x1008, 0x1000);
    // A block in use has its size below zero.
    number(&mut hive, ROOT, 0x60_u32.wrapping_neg());
    hive[ROOT + 4..ROOT + 8].copy_from_slice(b"nk\x2c\x00");
    for at in [0x14, 0x20, 0x24, 0x2c, 0x34] {
        number(&mut hive, ROOT + at, NOTHING);
    }
    number(&mut hive, ROOT + 0x30, 0x80);
    hive[ROOT + 0x4c] = 4;
    hive[ROOT + 0x50..ROOT + 0x54].copy_from_slice(b"root");
    number(&mut hive, SECURITY, 0x20_u32.wrapping_neg());
    hive[SECURITY + 4..SECURITY + 6].copy_from_slice(b"sk");
    for (at, value) in [(8, 0x80), (0xc, 0x80), (0x10, 1)] {
        number(&mut hive, SECURITY + at, value);
    }
    number(&mut hive, FREE, 0x2000 - 0x10a0);
    let parts = hive[..0x1fc].chunks_exact(4);
    let sum = parts.fold(0, |sum, part| sum ^ u32::from_le_bytes([part[0], part[1], part[2], part[3]]));
    number(&mut hive, 0x1fc, sum);
    hive
}

#[test]
fn the_snapshot_script_asks_for_every_key_that_a_rule_needs() {
    let script = collect::powershell();
    let checkup = super::check(&Snapshot::default(), Some("win10-1809"), &[]);
    for entry in &checkup.not_checked {
        if entry.place.starts_with("HK") {
            assert!(script.contains(&format!("'{}'", entry.place)), "{}", entry.place);
        }
    }
    assert!(script.is_ascii());
    let words = ["KEYS", "TASK", "INTERNET", "INTERNETPOLICY", "PROXYVALUES", "SECRET", "SERVICES", "FILES"];
    assert!(words.iter().all(|word| !script.contains(&format!("@{word}@"))), "{script}");
}

/// The proxies of an account stand where `waprobe proxy` says that it looks.
#[test]
fn the_snapshot_script_asks_for_what_names_a_proxy() {
    let script = collect::powershell();
    let traces = waprobe::proxies::Trace::all(&Snapshot::default());
    for step in traces.iter().flat_map(|trace| &trace.steps) {
        let (key, value) = step.place.rsplit_once('\\').expect("a key and a value");
        let below = key.trim_start_matches(r"HKLM\").trim_start_matches(r"HKU\S-1-5-18\");
        assert!(script.contains(below.trim_end_matches(r"\Connections")), "{key}");
        assert!(script.contains(&format!("'{value}'")) || key.ends_with("DataCollection"), "{value}");
    }
}

/// A grammar of PowerShell reads every script that is printed. It knows words, quotes and braces, not commands: what the
/// scripts do was reviewed by eye.
#[cfg(unix)]
#[test]
fn a_parser_of_powershell_takes_every_script() {
    let mut parser = tree_sitter::Parser::new();
    parser.set_language(&tree_sitter_powershell::LANGUAGE.into()).expect("a grammar");
    let mut complaint = |script: &str| {
        let tree = parser.parse(script, None).expect("a tree");
        let mut open = vec![tree.root_node()];
        while let Some(node) = open.pop() {
            if node.is_error() || node.is_missing() {
                let line = node.start_position().row;
                return Some(format!("line {}: {}", line + 1, script.lines().nth(line).unwrap_or_default()));
            }
            open.extend((0..node.child_count()).filter_map(|index| node.child(u32::try_from(index).expect("few"))));
        }
        None
    };
    assert_eq!(complaint(&collect::powershell()), None, "enroll snapshot");
    for windows in CLIENTS {
        for site_discovery in [None, Some(3)] {
            let script = powershell(&made(windows, &[], site_discovery));
            assert_eq!(complaint(&script), None, "{windows}");
        }
    }
    // It does see mistakes.
    for broken in ["if ($true) { 'a'", "$x = 'never closed", "$x = @{ a = }"] {
        assert!(complaint(broken).is_some(), "{broken}");
    }
}
