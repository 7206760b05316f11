//! A recording says the same wherever it is judged: every format, byte for byte.

use std::fs;
use std::path::Path;
use std::process::Command;

use super::wine::{Wine, everything};

const FORMATS: [&str; 8] = ["table", "json", "jsonl", "junit", "markdown", "html", "csv", "prometheus"];

/// The arguments that write every format, each to a file that begins with `prefix`.
fn arguments(recording: &str, prefix: &str) -> Vec<String> {
    let outputs = FORMATS.iter().flat_map(|format| ["--output".to_owned(), format!("{format}={prefix}.{format}")]);
    ["replay".to_owned(), recording.to_owned()].into_iter().chain(outputs).collect()
}

#[test]
fn every_recording_makes_the_same_report_in_every_format_on_both_systems() {
    let Some(wine) = Wine::start() else { return };
    let mut compared = 0;
    for entry in
        fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/recordings/generated")).expect("recordings")
    {
        let recording = entry.expect("a recording").path();
        if recording.extension().is_none_or(|extension| extension != "jsonl") {
            continue;
        }
        let name = recording.file_name().expect("a name").to_string_lossy().into_owned();
        fs::copy(&recording, wine.folder().join(&name)).expect("a copy");
        let windows = wine.run(arguments(&name, "windows"));
        let linux = Command::new(env!("CARGO_BIN_EXE_waprobe"))
            .args(arguments(&name, "linux"))
            .env("NO_COLOR", "1")
            .env("COLUMNS", "140")
            .env("LC_ALL", "C.UTF-8")
            .current_dir(wine.folder())
            .output()
            .expect("the program starts");
        assert_eq!(windows.status.code(), linux.status.code(), "{name}: {}", everything(&windows));
        assert_eq!(everything(&windows), everything(&linux), "{name}");
        for format in FORMATS {
            let read = |system: &str| {
                fs::read_to_string(wine.folder().join(format!("{system}.{format}"))).expect("a report was written")
            };
            let (windows, linux) = (read("windows"), read("linux"));
            assert!(windows == linux, "{name} as {format}: {}", first_difference(&windows, &linux));
            compared += 1;
        }
    }
    assert!(compared > 400, "only {compared} reports were compared");
}

fn first_difference(windows: &str, linux: &str) -> String {
    let at = windows.lines().zip(linux.lines()).position(|(windows, linux)| windows != linux);
    let line = |text: &str| at.and_then(|at| text.lines().nth(at)).unwrap_or("(the end)").to_owned();
    format!("line {at:?}\nunder Wine: {}\non Linux:   {}", line(windows), line(linux))
}

#[test]
fn a_baseline_that_powershell_redirected_is_read() {
    let Some(wine) = Wine::start() else { return };
    let recording = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/recordings/generated/story.jsonl");
    let report = wine.run(["replay", &Wine::path(Path::new(recording)), "--format", "json"]).stdout;
    let report = String::from_utf8(report).expect("UTF-8");
    let utf16: Vec<u8> = "\u{feff}".encode_utf16().chain(report.encode_utf16()).flat_map(u16::to_le_bytes).collect();
    let baseline = wine.folder().join("before.json");
    fs::write(&baseline, utf16).expect("a file in our own folder");
    let output = wine.run(["diff", &Wine::path(&baseline), &Wine::path(&baseline)]);
    assert_eq!(output.status.code(), Some(0), "{}", everything(&output));
}
