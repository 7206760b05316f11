//! Every scenario of the lab under Wine and on Linux: the same rows with the same codes.
//!
//! One difference is Wine's own: it hands a reset to the program as the end of the stream. So a reset and a close count as one
//! here, and which of them it was is judged on Linux alone.

use std::collections::BTreeSet;
use std::process::{Command, Output};

use serde_json::Value;

use super::wine::{Wine, everything};

/// What a reset is called, and what the same is called when it comes as a close.
const CLOSES: [(&str, &str); 3] = [
    ("tls.rst_after_hello", "tls.fin_after_hello"),
    ("proxy.rst", "proxy.empty"),
    ("proxy.200_then_rst", "proxy.200_then_close"),
];

/// Wine's server is one thread for all sockets; on a busy machine a scenario may outlast its own deadlines once.
const ATTEMPTS: usize = 3;

/// For the same reason a scenario with more rows than this is asked for one version and one solution: for every proxy of it
/// still, and for fewer hosts.
const MOST_ROWS: usize = 40;
const NARROWED: [&str; 4] = ["--os", "win10-1803", "--solution", "update-compliance"];

/// Only Linux lets a program without rights have a port that drops packets.
const ON_LINUX_ALONE: &str = "dropped-packets";

#[test]
fn the_first_half_of_the_scenarios_is_judged_as_on_linux() {
    compare_scenarios(0);
}

#[test]
fn the_second_half_of_the_scenarios_is_judged_as_on_linux() {
    compare_scenarios(1);
}

#[test]
fn a_check_of_the_lab_goes_as_its_story_says() {
    let Some(wine) = Wine::start() else { return };
    let output = wine.run(["check", "--lab"]);
    assert_eq!(output.status.code(), Some(0), "{}", everything(&output));
    let text = everything(&output);
    assert!(text.contains("INTERCEPTED") && text.contains("BLOCKED"), "{text}");
}

fn compare_scenarios(half: usize) {
    let Some(wine) = Wine::start() else { return };
    let mut different = Vec::new();
    let scenarios = waprobe::lab::scenarios();
    // Without rows there is only what is told of the script, in each system's own words.
    let both = scenarios.iter().filter(|scenario| scenario.name != ON_LINUX_ALONE && !scenario.ends_early);
    for scenario in both.skip(half).step_by(2) {
        let mut arguments = vec!["lab", scenario.name, "--format", "json"];
        let on_linux = |arguments: &[&str]| {
            said(&Command::new(env!("CARGO_BIN_EXE_waprobe")).args(arguments).output().expect("the program starts"))
        };
        let mut linux = on_linux(&arguments);
        if linux.iter().filter(|line| line.starts_with("row ")).count() > MOST_ROWS {
            arguments.extend(NARROWED);
            linux = on_linux(&arguments);
        }
        let mut windows = BTreeSet::new();
        for _ in 0..ATTEMPTS {
            windows = said(&wine.run(&arguments));
            if windows == linux {
                break;
            }
        }
        if windows != linux {
            let only = |one: &BTreeSet<String>, other: &BTreeSet<String>| {
                one.difference(other).cloned().collect::<Vec<_>>().join("\n    ")
            };
            different.push(format!(
                "{}\n  under Wine alone:\n    {}\n  on Linux alone:\n    {}",
                scenario.name,
                only(&windows, &linux),
                only(&linux, &windows)
            ));
        }
    }
    assert!(different.is_empty(), "{}", different.join("\n"));
}

/// What a report says of its rows, its findings and its impacts, a line each.
pub(super) fn said(output: &Output) -> BTreeSet<String> {
    let Ok(report) = serde_json::from_slice::<Value>(&output.stdout) else {
        return BTreeSet::from([everything(output)]);
    };
    let list = |name: &str| report[name].as_array().cloned().unwrap_or_default();
    let rows = list("rows").into_iter().map(|row| {
        let code = as_a_close(&row["code"]);
        format!("row {} over {}: {} {code} {}", row["endpoint"], row["route"]["key"], row["status"], row["stage"])
    });
    let findings = list("findings").into_iter().map(|finding| format!("finding {}", as_a_close(&finding["code"])));
    let impacts = list("impacts").into_iter().map(|impact| {
        format!("{} {} over {}: {}", impact["solution"], impact["os"], impact["route"]["key"], impact["status"])
    });
    rows.chain(findings).chain(impacts).collect()
}

fn as_a_close(code: &Value) -> String {
    let code = code.as_str().unwrap_or_default();
    CLOSES.iter().find(|(reset, _)| *reset == code).map_or(code, |(_, close)| close).to_owned()
}
