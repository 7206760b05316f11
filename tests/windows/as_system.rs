//! `--as system` as far as Wine goes: its `schtasks` takes a task and starts nothing.

use std::fs;
use std::path::{Path, PathBuf};

use super::wine::{Wine, everything};

/// What every trace begins with.
const NAME: &str = "waprobe-as-system-";

#[test]
fn a_task_that_is_taken_and_never_started_is_told_and_leaves_nothing() {
    let Some(wine) = Wine::start() else { return };
    let report = wine.folder().join("report.json");
    let output = wine.run(["check", "--as", "system", "--output", &format!("json={}", Wine::path(&report))]);
    let words = everything(&output).split_whitespace().collect::<Vec<_>>().join(" ");
    assert_eq!(output.status.code(), Some(2), "{words}");
    assert!(words.contains("the task scheduler took the task and had not started it 60 s later"), "{words}");
    assert!(!words.contains("schtasks /Delete"), "everything was cleaned up: {words}");
    assert!(!report.exists(), "nothing was checked, so there is nothing to report");
    assert_eq!(traces(&wine.windows().join("temp")), Vec::<PathBuf>::new());
    assert_eq!(traces(&wine.windows().join("system32/tasks")), Vec::<PathBuf>::new());
}

/// Files and folders of ours right below `folder`; none where it does not exist.
fn traces(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path());
    entries.filter(|path| path.file_name().is_some_and(|name| name.to_string_lossy().starts_with(NAME))).collect()
}
