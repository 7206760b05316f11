//! This device's own settings: an imported profile gets the findings and the trace that its file gets on Linux.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use super::wine::{Wine, everything};

fn fixture(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures").join(path)
}

fn text(file: &Path) -> String {
    let bytes = fs::read(file).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
    waprobe::registry::text(&bytes).expect("a registry file").into_owned()
}

/// What the Linux program prints as JSON.
fn on_linux(arguments: &[&str]) -> Value {
    let output = Command::new(env!("CARGO_BIN_EXE_waprobe")).args(arguments).output().expect("our own program");
    serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {}", everything(&output)))
}

/// What the Windows program prints as JSON.
fn on_windows(wine: &Wine, arguments: &[&str]) -> Value {
    let output = wine.run(arguments);
    serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {}", everything(&output)))
}

fn findings(checkup: &Value) -> BTreeSet<String> {
    checkup["findings"].as_array().expect("findings").iter().map(ToString::to_string).collect()
}

fn codes<'f>(findings: impl IntoIterator<Item = &'f String>) -> Vec<String> {
    let code = |text: &String| serde_json::from_str::<Value>(text).expect("JSON")["code"].as_str().map(str::to_owned);
    findings.into_iter().filter_map(code).collect()
}

/// What is known of a Wine beyond the file: it has no diagnostic service, no Defender, no update and no task, and the keys that the file
/// does not hold are not there.
const KNOWN_BESIDE_THE_FILE: [&str; 8] = [
    "enroll.appraiser_missing",
    "enroll.appraiser_task_missing",
    "enroll.cloud_protection_off",
    "enroll.defender_disabled",
    "enroll.diagtrack_missing",
    "enroll.diagtrack_service",
    "enroll.sign_in_service",
    "enroll.tls12_off",
];

#[test]
fn an_imported_profile_has_the_findings_of_its_file() {
    for name in [
        "well-configured-1809",
        "windows-7-without-opt-in",
        "basic-where-enhanced-is-needed",
        "policy-overrides-preference",
        "two-ids",
    ] {
        let Some(wine) = Wine::start() else { return };
        let file = fixture(&format!("enroll/{name}.reg"));
        wine.reg_import(&text(&file));
        let expected =
            findings(&on_linux(&["enroll", "check", "--format", "json", "--snapshot", &file.display().to_string()]));
        let live = on_windows(&wine, &["enroll", "check", "--format", "json"]);
        let found = findings(&live);
        let lost: Vec<&String> = expected.difference(&found).collect();
        assert!(lost.is_empty(), "{name}: not found live: {lost:#?}\n{live:#}");
        let more = codes(found.difference(&expected));
        assert!(more.iter().all(|code| KNOWN_BESIDE_THE_FILE.contains(&code.as_str())), "{name}: {more:?}\n{live:#}");
        let why = live["not_checked"].to_string();
        assert!(!why.contains("the snapshot does not"), "{name}: nobody exported anything here: {why}");
    }
}

#[test]
fn a_snapshot_taken_there_is_judged_here_as_it_is_there() {
    let Some(wine) = Wine::start() else { return };
    wine.reg_import(&text(&fixture("enroll/two-ids.reg")));
    let output = wine.run(["enroll", "snapshot"]);
    let file = wine.folder().join("device.json");
    fs::write(&file, &output.stdout).expect("a file of ours");
    let snapshot = waprobe::registry::Snapshot::read(&output.stdout)
        .unwrap_or_else(|mistake| panic!("{mistake}: {}", everything(&output)));
    assert!(snapshot.device.captured.is_some(), "{}", everything(&output));
    assert_eq!(snapshot.device.file("appraiser.dll"), Some(None), "Wine has no such file, and that is known");
    assert_eq!(snapshot.device.pending_xml, Some(false));
    let there = findings(&on_windows(&wine, &["enroll", "check", "--format", "json"]));
    let here = findings(&on_linux(&["enroll", "check", "--format", "json", "--snapshot", &file.display().to_string()]));
    assert_eq!(there, here);
    let script = wine.run(["enroll", "snapshot", "--script"]);
    assert_eq!(String::from_utf8_lossy(&script.stdout), waprobe::enroll::collect::powershell());
}

#[test]
fn a_service_is_asked_for_at_the_service_manager() {
    let Some(wine) = Wine::start() else { return };
    let is = |wine: &Wine| {
        let checkup = on_windows(wine, &["enroll", "check", "--format", "json"]);
        let findings = checkup["findings"].as_array().expect("findings").clone();
        findings
            .into_iter()
            .find(|finding| finding["code"] == "enroll.diagtrack_service")
            .map(|finding| finding["is"].clone())
    };
    assert_eq!(is(&wine), Some("missing".into()));
    for (start, expected) in [("auto", "stopped"), ("disabled", "disabled")] {
        let program = r"C:\windows\system32\svchost.exe";
        let command = ["create", "DiagTrack", "binPath=", program, "start=", start];
        let created = wine.command("sc").args(command).output().expect("Wine starts");
        assert!(created.status.success(), "{}", everything(&created));
        assert_eq!(is(&wine), Some(expected.into()), "{start}");
        let deleted = wine.command("sc").args(["delete", "DiagTrack"]).output().expect("Wine starts");
        assert!(deleted.status.success(), "{}", everything(&deleted));
    }
}

#[test]
fn this_stands_for_the_version_of_the_windows_it_runs_on() {
    let Some(wine) = Wine::start() else { return };
    wine.reg_import(
        "Windows Registry Editor Version 5.00\n\n[HKEY_LOCAL_MACHINE\\SOFTWARE\\Microsoft\\Windows NT\\CurrentVersion]\n\
         \"CurrentBuildNumber\"=\"17134\"\n\"CurrentBuild\"=\"17134\"\n\"UBR\"=dword:00000140\n",
    );
    let list = |os: &str| on_linux(&["endpoints", "list", "--format", "json", "--os", os]);
    let live = on_windows(&wine, &["endpoints", "list", "--format", "json", "--os", "this"]);
    assert_eq!(live, list("10.0.17134.320"));
    assert_ne!(live, list("10.0.16299.15"), "the question tells versions apart");
}

#[test]
fn imported_proxy_settings_have_the_trace_of_their_file() {
    let mut whole = 0;
    for name in [
        "by-scheme",
        "damaged",
        "defender",
        "direct",
        "environment-only",
        "per-machine",
        "user-disabled",
        "user-only",
        "user-script-only",
        "winhttp",
    ] {
        let Some(wine) = Wine::start() else { return };
        let file = fixture(&format!("registry/{name}.reg"));
        wine.reg_import(&text(&file));
        let mut expected = on_linux(&["proxy", "--format", "json", "--registry", &file.display().to_string()]);
        let mut live = on_windows(&wine, &["proxy", "--settings-only", "--format", "json"]);
        assert_eq!(live["registry"], "this device's registry");
        // What is taken elsewhere leads by the same ways.
        let snapshot = wine.folder().join("device.json");
        fs::write(&snapshot, wine.run(["enroll", "snapshot"]).stdout).expect("a file of ours");
        let elsewhere = on_linux(&["proxy", "--format", "json", "--registry", &snapshot.display().to_string()]);
        assert_eq!(elsewhere["accounts"], live["accounts"], "{name}");
        for document in [&mut expected, &mut live] {
            document["registry"] = Value::Null;
            // The first command names where the settings were read.
            let next = document["next"].as_array_mut().expect("commands");
            assert!(next.remove(0).to_string().contains("waprobe check --registry "), "{next:?}");
            // The files hold no environment, and say so; the device's own is known.
            for finding in document["findings"].as_array_mut().expect("findings") {
                if finding["code"] == "conf.none" {
                    finding["evidence"] = Value::Null;
                }
            }
        }
        // A file may hold one key alone; what it says nothing of is known there.
        let known = known_sources(&expected);
        let there = known_sources(&live);
        let lost: Vec<&String> = known.difference(&there).collect();
        assert!(lost.is_empty(), "{name}: {lost:#?}");
        let is_whole =
            !expected.to_string().contains("not-known") && expected["accounts"].as_array().map(Vec::len) == Some(2);
        if is_whole {
            assert_eq!(live, expected, "{name}");
            whole += 1;
        }
    }
    assert!(whole >= 5, "only {whole} files say everything");
}

fn known_sources(document: &Value) -> BTreeSet<String> {
    let accounts = document["accounts"].as_array().expect("accounts").iter();
    let sources = accounts.flat_map(|account| {
        let sources = account["sources"].as_array().expect("sources").iter();
        sources.map(|source| (source["state"] != "not-known").then(|| format!("{}: {source}", account["account"])))
    });
    sources.flatten().collect()
}
