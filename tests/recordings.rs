//! Recordings of earlier versions are judged again, and say what they said then.
//!
//! Each carries the expectation of its run, so that `replay` alone tells: exit code 0 is "every row as expected".

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use waprobe::lab::scenarios;

const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/recordings");

#[test]
fn every_recording_is_judged_as_it_was_and_nothing_of_this_machine_is_used() {
    let files = recordings(Path::new(FOLDER));
    assert!(!files.is_empty(), "no recordings in {FOLDER}");
    for file in files {
        // A store that cannot be read, another place and another language: replay has to notice none of them.
        let replay = Command::new(env!("CARGO_BIN_EXE_waprobe"))
            .args(["replay", "--format", "json"])
            .arg(&file)
            .env_clear()
            .env("SSL_CERT_FILE", "/nonexistent.pem")
            .env("TZ", "Pacific/Kiritimati")
            .output()
            .expect("the program starts");
        let said = String::from_utf8_lossy(&replay.stderr);
        assert_eq!(replay.status.code(), Some(0), "{}: {said}", file.display());
    }
}

#[test]
fn a_port_that_is_closed_for_plain_http_alone_is_one_finding() {
    let file = Path::new(FOLDER).join("generated/mute-plain-http.jsonl");
    let mut replay = Command::new(env!("CARGO_BIN_EXE_waprobe"));
    let output = replay.args(["replay", "--format", "json"]).arg(file).output().expect("the program starts");
    let report: serde_json::Value = serde_json::from_slice(&output.stdout).expect("a report");
    let codes: Vec<&str> =
        report["findings"].as_array().expect("findings").iter().filter_map(|one| one["code"].as_str()).collect();
    assert_eq!(codes, ["http.plain_blocked"]);
}

#[test]
fn every_scenario_has_its_recording_and_every_recording_its_scenario() {
    let recorded: BTreeSet<String> = recordings(&Path::new(FOLDER).join("generated"))
        .iter()
        .filter_map(|file| Some(file.file_stem()?.to_string_lossy().into_owned()))
        .collect();
    // Where a run ends before its first row there is nothing to record.
    let with_rows = scenarios().into_iter().filter(|scenario| !scenario.ends_early);
    let scenarios: BTreeSet<String> = with_rows.map(|scenario| scenario.name.to_owned()).collect();
    let missing: Vec<&String> = scenarios.difference(&recorded).collect();
    assert!(missing.is_empty(), "run fixtures/recordings/remake with these names: {missing:?}");
    // Some scenarios exist on Linux alone.
    let stray: Vec<&String> = recorded.difference(&scenarios).collect();
    assert!(stray.is_empty() || cfg!(not(target_os = "linux")), "recordings of no scenario: {stray:?}");
}

fn recordings(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).expect("the folder can be read") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            found.extend(recordings(&path));
        } else if path.extension().is_some_and(|extension| extension == "jsonl") {
            found.push(path);
        }
    }
    found.sort();
    found
}
