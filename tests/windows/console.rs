//! Where the Windows program's words go: closed pipes, devices, long names, and a run that is interrupted.

use std::fs;
use std::io::Read as _;
use std::net::TcpListener;
use std::path::Path;
use std::process::{Command, Stdio};

use super::wine::{Wine, everything};

const RECORDING: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/recordings/generated/story.jsonl");

#[test]
fn a_reader_that_went_away_is_no_failure() {
    let Some(wine) = Wine::start() else { return };
    let mut command = wine.waprobe();
    command.args(["replay", &Wine::path(Path::new(RECORDING)), "--format", "html"]);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("Wine starts");
    drop(child.stdout.take());
    let output = child.wait_with_output().expect("it ends");
    assert_eq!(output.status.code(), Some(0), "{}", everything(&output));
    assert!(output.stderr.is_empty(), "{}", everything(&output));
}

#[test]
fn a_device_takes_a_report_and_no_file_is_named_like_it() {
    let Some(wine) = Wine::start() else { return };
    let recording = Wine::path(Path::new(RECORDING));
    for device in ["NUL", "nul", r"\\.\NUL"] {
        let output = wine.run(["replay", &recording, "--output", &format!("json={device}")]);
        assert_eq!(output.status.code(), Some(0), "{device}: {}", everything(&output));
    }
    let left: Vec<String> = fs::read_dir(wine.folder())
        .expect("our own folder")
        .map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned())
        .filter(|name| name.to_ascii_lowercase().contains("nul"))
        .collect();
    assert!(left.is_empty(), "{left:?}");
}

#[test]
fn a_path_that_is_longer_than_windows_once_allowed_is_written_and_read() {
    let Some(wine) = Wine::start() else { return };
    let folder = wine.folder().join("a".repeat(120)).join("ü".repeat(60)).join("c".repeat(120));
    fs::create_dir_all(&folder).expect("folders");
    let report = folder.join("report.json");
    let named = Wine::path(&report);
    assert!(named.chars().count() > 260);
    let recording = Wine::path(Path::new(RECORDING));
    for _ in 0..2 {
        let output = wine.run(["replay", &recording, "--output", &format!("json={named}")]);
        assert_eq!(output.status.code(), Some(0), "{}", everything(&output));
    }
    let output = wine.run(["diff", &named, &named]);
    assert_eq!(output.status.code(), Some(0), "{}", everything(&output));
    assert_eq!(fs::read_dir(&folder).expect("a folder").count(), 1, "nothing half-made is left");
}

#[test]
fn an_interrupted_run_ends_with_all_its_rows() {
    let Some(wine) = Wine::start() else { return };
    // It takes a connection and never says a word.
    let silent = TcpListener::bind(("127.0.0.1", 0)).expect("a port");
    let catalogue = wine.folder().join("one-host.toml");
    let text = "schema = \"waprobe-catalogue/1\"\n[[endpoint]]\nname = \"v10c\"\n\
                url = \"https://v10c.events.data.microsoft.com\"\ntrust = [\"microsoft-application-root\"]\n";
    fs::write(&catalogue, text).expect("a catalogue");
    let to = format!("v10c.events.data.microsoft.com:443={}", silent.local_addr().expect("bound"));
    let mut command = wine.waprobe();
    command.args(["check", "--catalogue", &Wine::path(&catalogue), "--connect-to", &to, "--format", "json"]);
    let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("Wine starts");
    let (mut taken, _) = silent.accept().expect("it connects");
    taken.read_exact(&mut [0; 5]).expect("the beginning of a handshake");
    // Wine makes Ctrl-C of it.
    let signal = Command::new("kill").args(["-INT", &child.id().to_string()]).status().expect("kill");
    assert!(signal.success());
    let output = child.wait_with_output().expect("it ends");
    assert_eq!(output.status.code(), Some(130), "{}", everything(&output));
    let report: serde_json::Value = serde_json::from_slice(&output.stdout).expect("a report");
    assert_eq!(report["rows"][0]["endpoint"], "v10c", "{report:#}");
    assert_eq!(report["rows"][0]["status"], "not-tested", "{report:#}");
}
