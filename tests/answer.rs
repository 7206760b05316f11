//! One question, one answer: in every scenario of the lab the first sentence, the exit codes of every style, JUnit, the page
//! and `diagnose` say the same.

use std::path::Path;
use std::process::{Command, Output};
use std::sync::{Mutex, PoisonError};

use serde_json::Value;
use waprobe::lab::{Scenario, scenarios};

/// Scenarios that are asked at once: some of them wait for a deadline.
const AT_ONCE: usize = 4;

/// What an answer is to a reader who knows only good, bad and open.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Open,
    Closed,
    Undecided,
}

impl Kind {
    fn of(status: &str) -> Self {
        match status {
            "ok" | "degraded" => Self::Open,
            "blocked" | "intercepted" => Self::Closed,
            "inconclusive" | "not-tested" => Self::Undecided,
            other => panic!("{other} is no status"),
        }
    }
}

#[test]
fn every_output_of_every_scenario_gives_the_same_answer() {
    let queue = Mutex::new(scenarios().into_iter().filter(|scenario| !scenario.ends_early).collect::<Vec<_>>());
    let wrong = Mutex::new(Vec::new());
    let folder = tempfile::tempdir().expect("a folder");
    std::thread::scope(|threads| {
        for _ in 0..AT_ONCE {
            threads.spawn(|| {
                loop {
                    let next = queue.lock().unwrap_or_else(PoisonError::into_inner).pop();
                    let Some(scenario) = next else { return };
                    let recording = folder.path().join(format!("{}.jsonl", scenario.name));
                    let found = compared(&scenario, &recording);
                    wrong.lock().unwrap_or_else(PoisonError::into_inner).extend(found);
                }
            });
        }
    });
    let wrong = wrong.into_inner().unwrap_or_else(PoisonError::into_inner);
    assert!(wrong.is_empty(), "{} differences:\n{}", wrong.len(), wrong.join("\n"));
}

fn waprobe(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_waprobe")).args(arguments).output().expect("the program starts")
}

fn text(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// The same run, without the expectation by which a lab ends with 0, seen through every output: about routes, and about
/// devices of two kinds.
fn compared(scenario: &Scenario, recording: &Path) -> Vec<String> {
    let recording = recording.to_str().expect("a path in UTF-8");
    let lab = waprobe(&["lab", scenario.name, "--record", recording, "--format", "json"]);
    let report: Value = serde_json::from_slice(&lab.stdout).expect("a report");
    let without = strip_expectation(recording);
    std::fs::write(recording, without).expect("a file of our own");
    let mut wrong = compared_as(scenario.name, recording, &[]);
    wrong.extend(diagnosed(scenario.name, recording, "win10-1809"));
    wrong.extend(diagnosed(scenario.name, recording, "win10-1607"));
    if report["rows"].as_array().is_none_or(Vec::is_empty) {
        wrong.push(format!("{}: no rows", scenario.name));
    }
    wrong
}

/// A recording without the expectation of its run.
fn strip_expectation(recording: &str) -> String {
    let text = std::fs::read_to_string(recording).expect("a recording");
    let (head, rest) = text.split_once('\n').expect("a header");
    let mut head: Value = serde_json::from_str(head).expect("JSON");
    head.as_object_mut().expect("an object").remove("expectation");
    format!("{head}\n{rest}")
}

fn compared_as(name: &str, recording: &str, scope: &[&str]) -> Vec<String> {
    let replay = |more: &[&str]| waprobe(&[&["replay", recording][..], scope, more].concat());
    let json = replay(&["--format", "json"]);
    let report: Value = serde_json::from_slice(&json.stdout).expect("a report");
    let answer = &report["answer"];
    let kind = Kind::of(answer["status"].as_str().expect("a status"));
    let is_degraded = answer["status"] == "degraded";
    let headline = answer["headline"].as_str().expect("a headline");
    let is_interrupted = json.status.code() == Some(130);
    let mut wrong = Vec::new();
    let mut expect = |what: &str, holds: bool, seen: &dyn std::fmt::Debug| {
        if !holds {
            wrong.push(format!("{name} {scope:?}: {what} against {} ({headline}): {seen:?}", answer["status"]));
        }
    };
    let exit = json.status.code().expect("an exit code");
    let fits = match kind {
        Kind::Open => exit == 0,
        Kind::Closed => exit == 1,
        Kind::Undecided => exit == 3 || exit == 4,
    };
    expect("the exit code", fits || is_interrupted, &exit);

    let nagios = replay(&["--exit-style", "nagios"]);
    let code = nagios.status.code().expect("an exit code");
    let fits = match kind {
        Kind::Open => code == i32::from(is_degraded),
        Kind::Closed => code == 2,
        Kind::Undecided => code == 3,
    };
    expect("nagios", fits || is_interrupted, &code);
    let line = text(&nagios);
    expect("the line of nagios", line.contains(&headline.replace('|', "/")), &line);

    let ur = replay(&["--exit-style", "ur", "--format", "json"]).status.code().expect("an exit code");
    let fits = match kind {
        Kind::Open => ur == 0,
        Kind::Closed => [12, 13, 29, 30].contains(&ur),
        Kind::Undecided => ur == 15,
    };
    expect("the script's number", fits || is_interrupted, &ur);

    let junit = text(&replay(&["--format", "junit"]));
    let failures = junit.contains("<failure") || junit.contains("<error");
    let skipped = junit.contains("<skipped");
    let fits = match kind {
        Kind::Open => !failures,
        Kind::Closed => failures,
        Kind::Undecided => !failures && skipped,
    };
    expect("JUnit", fits, &(failures, skipped));

    let plain = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
    let brief = plain(&text(&replay(&["--quiet"])));
    expect("--quiet", brief.starts_with(&plain(headline)), &brief);
    let table = plain(&text(&replay(&[])));
    expect("the table", table.starts_with(&plain(headline)), &table.chars().take(200).collect::<String>());
    let asks_for_changes = table.contains("What to change");
    expect(
        "changes",
        kind == Kind::Closed || !asks_for_changes || table.contains("conf.") || table.contains("pac."),
        &table,
    );
    let page = text(&replay(&["--format", "html"]));
    let title = page.split("<h1>").nth(1).and_then(|rest| rest.split("</h1>").next()).unwrap_or_default();
    let unescaped = title.replace("&quot;", "\"").replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&");
    expect("the page", unescaped == headline, &title);
    let markdown = text(&replay(&["--format", "markdown"]));
    let letters = |text: &str| text.chars().filter(|one| one.is_alphanumeric()).collect::<String>();
    let markdown = markdown.replace("&#58;", ":");
    expect("Markdown", letters(&markdown).contains(&letters(headline)), &markdown.lines().next());
    if let Some(approaches) = report["approaches"].as_array() {
        for approach in approaches {
            let recommended = &approach["recommended"];
            let ways = approach["ways"].as_array().expect("ways");
            let way = ways.iter().find(|way| way["identity"] == *recommended);
            let serves =
                way.is_some_and(|way| way["works"] == true && way["os"].as_array().is_some_and(|os| !os.is_empty()));
            expect("the recommendation", recommended.is_null() || serves, approach);
        }
    }
    wrong
}

/// `diagnose` says of the network what the report's answer for that device says.
fn diagnosed(name: &str, recording: &str, os: &str) -> Vec<String> {
    let device = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/enroll/well-configured-1809.json");
    let diagnosis =
        waprobe(&["diagnose", "--snapshot", device, "--os", os, "--recording", recording, "--format", "json"]);
    let diagnosis: Value = match serde_json::from_slice(&diagnosis.stdout) {
        Ok(diagnosis) => diagnosis,
        Err(_) => return vec![format!("{name} {os}: diagnose says {}", String::from_utf8_lossy(&diagnosis.stderr))],
    };
    let solutions: Vec<&str> =
        diagnosis["solutions"].as_array().expect("solutions").iter().filter_map(Value::as_str).collect();
    let report: Value = {
        let replay = waprobe(&["replay", recording, "--format", "json"]);
        serde_json::from_slice(&replay.stdout).expect("a report")
    };
    let column = if os == "win10-1607" { "win10-1507-1709" } else { "win10-1809-later" };
    let devices = report["answer"]["devices"].as_array().expect("devices");
    let statuses: Vec<&str> = devices
        .iter()
        .filter(|device| device["os"] == column && solutions.contains(&device["solution"].as_str().unwrap_or_default()))
        .filter_map(|device| device["status"].as_str())
        .collect();
    // The column of 1507 to 1709 has versions that send a user's login beside those that do not.
    let by_user = report["rows"].as_array().expect("rows").iter().any(|row| row["route"]["identity"] == "user");
    if os == "win10-1607" && by_user || report["answer"]["about"] == "settings" {
        return Vec::new();
    }
    let is_kept_in = statuses.iter().any(|status| Kind::of(status) == Kind::Closed);
    let is_open = statuses.iter().all(|status| Kind::of(status) == Kind::Open);
    let says_network = diagnosis["causes"]
        .as_array()
        .expect("causes")
        .iter()
        .any(|cause| cause["part"] == "network" && cause["effect"] == "absent");
    let answer = diagnosis["answer"].as_str().expect("an answer");
    let fits = if is_kept_in {
        says_network && answer == "absent"
    } else if is_open {
        !says_network
    } else {
        !says_network && answer != "wait"
    };
    if fits { Vec::new() } else { vec![format!("{name} {os}: diagnose says {answer} where devices are {statuses:?}")] }
}
