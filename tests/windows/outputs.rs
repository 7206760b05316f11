//! Where a report is to go and cannot: one sentence, and nothing half-written.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Output;

use super::wine::{Wine, everything};

const RECORDING: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/recordings/generated/story.jsonl");

fn replay(wine: &Wine, output: &str) -> Output {
    wine.run(["replay", &Wine::path(Path::new(RECORDING)), "--output", output])
}

/// Exit code 2, one line that says what could not be written, and no trace of a panic.
#[track_caller]
fn is_a_plain_error(output: &Output, about: &str) {
    let said = everything(output);
    assert_eq!(output.status.code(), Some(2), "{said}");
    let words = String::from_utf8_lossy(&output.stderr);
    assert_eq!(words.lines().filter(|line| !line.trim().is_empty()).count(), 1, "{said}");
    assert!(words.contains("could not write") && words.contains(about), "{said}");
    assert!(!said.contains("panicked"), "{said}");
    assert!(output.stdout.is_empty(), "nothing of the run is told where it could not begin: {said}");
}

fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<String> = fs::read_dir(folder)
        .expect("a folder")
        .map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned())
        .collect();
    names.sort();
    names
}

#[test]
fn a_file_that_may_not_be_written_stays_as_it_was() {
    let Some(wine) = Wine::start() else { return };
    let folder = wine.folder().join("reports");
    fs::create_dir(&folder).expect("a folder");
    let file = folder.join("old.json");
    fs::write(&file, "old").expect("a file of ours");
    // As Windows marks it, which Wine keeps as the rights of Linux.
    let marked = wine.command("cmd").args(["/c", "attrib", "+r", &Wine::path(&file)]).output().expect("Wine starts");
    assert!(marked.status.success(), "{}", everything(&marked));
    assert_eq!(fs::metadata(&file).expect("there").permissions().mode() & 0o200, 0, "it is marked");
    let output = replay(&wine, &format!("json={}", Wine::path(&file)));
    assert_eq!(names(&folder), ["old.json"], "{}", everything(&output));
    let text = fs::read_to_string(&file).expect("readable");
    // Linux lets root write what nobody may, and Wine asks no one else.
    if fs::OpenOptions::new().write(true).open(&file).is_ok() {
        assert_eq!(output.status.code(), Some(0), "{}", everything(&output));
        assert!(text.starts_with('{') && text.trim_end().ends_with('}'), "it is the whole report");
    } else {
        is_a_plain_error(&output, "old.json");
        assert_eq!(text, "old");
    }
}

#[test]
fn a_folder_that_is_missing_or_stands_in_the_place_of_the_file_is_named() {
    let Some(wine) = Wine::start() else { return };
    let folder = wine.folder().join("Berichte für März");
    fs::create_dir(&folder).expect("a folder");
    let missing = folder.join("nicht da").join("report.json");
    is_a_plain_error(&replay(&wine, &format!("json={}", Wine::path(&missing))), "report.json");
    is_a_plain_error(&replay(&wine, &format!("json={}", Wine::path(&folder))), "Berichte");
    is_a_plain_error(&replay(&wine, r"json=Q:\no drive\report.json"), "Q:");
    is_a_plain_error(&replay(&wine, &format!("json={}", Wine::path(&folder.join("a*b?.json")))), "a*b?.json");
    assert_eq!(names(&folder), Vec::<String>::new());
}

/// No console, for there are pipes in its place, and a port that nobody has plugged in.
#[test]
fn a_device_that_is_not_there_is_a_plain_error_and_leaves_no_file() {
    let Some(wine) = Wine::start() else { return };
    for device in ["CON", "CONOUT$", "PRN", "COM9", r"\\.\COM9", "LPT9"] {
        is_a_plain_error(&replay(&wine, &format!("json={device}")), device);
    }
    let left: Vec<String> = names(wine.folder()).into_iter().filter(|name| name != "prefix").collect();
    assert_eq!(left, Vec::<String>::new());
}
