//! The documents about a device's settings fit their committed schemas.

use std::fs;

use super::contract::{check, committed, committed_input};
use super::story;
use waprobe::catalogue::{Catalogue, Solution};
use waprobe::enroll::{Case, Checkup, Region, Windows};
use waprobe::judge::Status;
use waprobe::plan::JobId;
use waprobe::registry::{Snapshot, SnapshotDocument};
use waprobe::report::diagnosis::{Diagnosis, Needed, Viewpoint, diagnose};

#[test]
fn snapshots_checkups_and_diagnoses_fit_theirs() {
    let schemas = ["snapshot", "enroll", "diagnosis"].map(|name| format!("waprobe-{name}-1.schema.json"));
    let snapshot = committed_input::<SnapshotDocument>(&schemas[0]);
    let (enroll, diagnosis) = (committed::<Checkup>(&schemas[1]), committed::<Diagnosis>(&schemas[2]));
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/enroll");
    for entry in fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry").path()) {
        let bytes = fs::read(&entry).expect("readable");
        if entry.extension().is_some_and(|extension| extension == "json") {
            let document = serde_json::from_slice(&bytes).expect("JSON");
            assert_eq!(check(&snapshot, &document), Ok(()), "{}", entry.display());
        }
        let device = Snapshot::read(&bytes).expect("a snapshot");
        let windows = Windows::of(&device, None);
        let os = windows.selection().expect("a known version");
        let (asked, others) = (Vec::new(), Vec::new());
        let case =
            Case { snapshot: &device, windows, asked, region: Some(Region::Switzerland), approach: None, others };
        let checkup = waprobe::enroll::check(&case);
        assert_eq!(check(&enroll, &serde_json::to_value(&checkup).expect("JSON")), Ok(()), "{}", entry.display());
        let needed = Needed::of(&Catalogue::embedded(), &Solution::ALL, &os);
        for viewpoint in [Viewpoint::Device, Viewpoint::Elsewhere, Viewpoint::Recording("run.jsonl".to_owned())] {
            let answer = diagnose(&checkup, &story::office(), &needed, &viewpoint);
            assert_eq!(check(&diagnosis, &serde_json::to_value(&answer).expect("JSON")), Ok(()));
        }
    }
    for wrong in [
        serde_json::json!({ "schema": "waprobe-snapshot/2" }),
        serde_json::json!({ "schema": "waprobe-snapshot/1", "keys": { "HKLM\\X": { "a": { "type": "word", "data": 1 } } } }),
        serde_json::json!({ "schema": "waprobe-snapshot/1", "kyes": {} }),
    ] {
        assert!(check(&snapshot, &wrong).is_err(), "{wrong}");
    }
}

/// The office's `oca` is closed through the proxy without a name, and open directly for the user.
#[test]
fn a_closed_way_of_the_device_s_own_is_a_cause_where_another_way_is_open() {
    let snapshot = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/enroll/well-configured-1809.json");
    let device = Snapshot::read(&fs::read(snapshot).expect("a fixture")).expect("a snapshot");
    let windows = Windows::of(&device, None);
    let os = windows.selection().expect("a known version");
    let others = Vec::new();
    let case = Case { snapshot: &device, windows, asked: Vec::new(), region: None, approach: None, others };
    let checkup = waprobe::enroll::check(&case);
    let needed = Needed::of(&Catalogue::embedded(), &Solution::ALL, &os);
    let mut report = story::office();
    let codes = |report: &waprobe::report::Report| -> Vec<String> {
        diagnose(&checkup, report, &needed, &Viewpoint::Device).causes.into_iter().map(|cause| cause.code).collect()
    };
    assert!(!codes(&report).contains(&"conf.context_mismatch".to_owned()));
    let closed = report.rows.iter().find(|row| row.endpoint == "v10c" && row.code == "pauth.required");
    let id = closed.expect("a closed row of v10c").id.clone();
    let closed = JobId(id.trim_start_matches('r').parse::<u32>().expect("a number") - 1);
    let rows = vec![id];
    let mut finding = report.findings[0].clone();
    finding.code = "conf.context_mismatch".to_owned();
    finding.rows = rows;
    report.findings.push(finding);
    for device in &mut report.answer.devices {
        device.status = Status::Blocked;
        device.rows = vec![closed];
    }
    assert!(codes(&report).contains(&"conf.context_mismatch".to_owned()), "{:?}", codes(&report));
}
