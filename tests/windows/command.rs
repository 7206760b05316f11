//! The command line as a script meets it: versions, help, exit codes, and files with awkward names.

use std::fs;

use super::wine::{Wine, everything};

#[test]
fn the_version_is_the_packages() {
    let Some(wine) = Wine::start() else { return };
    let output = wine.run(["--version"]);
    assert_eq!(String::from_utf8_lossy(&output.stdout).trim(), concat!("waprobe ", env!("CARGO_PKG_VERSION")));
    assert_eq!(output.status.code(), Some(0), "{}", everything(&output));
}

#[test]
fn help_names_the_commands_and_is_no_failure() {
    let Some(wine) = Wine::start() else { return };
    let output = wine.run(["--help"]);
    let text = everything(&output);
    assert_eq!(output.status.code(), Some(0), "{text}");
    assert!(output.stderr.is_empty(), "{text}");
    for command in ["check", "replay", "enroll", "proxy", "explain"] {
        assert!(text.contains(command), "{command} is missing in {text}");
    }
}

#[test]
fn a_mistake_in_the_arguments_ends_with_two_and_a_word_on_standard_error() {
    let Some(wine) = Wine::start() else { return };
    for arguments in [&["chekc"][..], &["replay", r"Z:\no\such\file.json"], &["explain", "no.such.code"]] {
        let output = wine.run(arguments);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {}", everything(&output));
        assert!(output.stdout.is_empty() && !output.stderr.is_empty(), "{arguments:?}: {}", everything(&output));
    }
}

#[test]
fn a_file_with_a_space_and_an_umlaut_in_its_name_is_read_and_written() {
    let Some(wine) = Wine::start() else { return };
    let folder = wine.folder().join("Prüfung am Morgen");
    fs::create_dir(&folder).expect("a folder");
    let recording = folder.join("Büro 1.json");
    fs::copy(concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/recordings/generated/story.jsonl"), &recording)
        .expect("a recording");
    let report = folder.join("Ergebnis é.json");
    let out = format!("json={}", Wine::path(&report));
    let output = wine.run(["replay", &Wine::path(&recording), "--output", &out]);
    assert_eq!(output.status.code(), Some(0), "{}", everything(&output));
    let report = fs::read_to_string(&report).expect("the report was written");
    assert!(report.contains("\"schema\""), "{report}");
}
