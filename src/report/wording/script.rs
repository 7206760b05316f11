//! Where a script sends the endpoints, in sentences.

use std::cmp::Reverse;
use std::collections::BTreeSet;

use super::proxy_address;
use crate::harmless::sanitize;
use crate::report::counts::grouped;
use crate::report::{AskedScript, Report, ScriptAnswer};

/// So many hosts are named, more are counted.
const NAMED_HOSTS: usize = 3;
/// So many lines of the script are named for one way.
const NAMED_LINES: usize = 3;
/// More ways than this are counted: each host may have one of its own.
const NAMED_WAYS: usize = 6;

/// What the script says, and what another device may be told otherwise; nothing without a script.
#[must_use]
pub fn script(report: &Report) -> Vec<String> {
    let Some(script) = &report.run.script else { return Vec::new() };
    let mut groups: Vec<(&[String], Vec<&ScriptAnswer>)> = Vec::new();
    for answer in &script.answers {
        match groups.iter_mut().find(|(ways, _)| *ways == answer.ways.as_slice()) {
            Some((_, answers)) => answers.push(answer),
            None => groups.push((&answer.ways, vec![answer])),
        }
    }
    groups.sort_by_key(|(_, answers)| Reverse(answers.len()));
    let all = script.answers.len();
    let mut parts: Vec<String> = groups
        .iter()
        .take(NAMED_WAYS)
        .map(|(ways, answers)| format!("{} {}{}", hosts(answers, all), in_words(ways), at_lines(answers)))
        .collect();
    if groups.len() > NAMED_WAYS {
        let rest: usize = groups[NAMED_WAYS..].iter().map(|(_, answers)| answers.len()).sum();
        parts.push(format!("{} more in other ways", grouped(rest)));
    }
    let mut sentences = vec![format!("The script {} sends {}.", sanitize(&script.name), parts.join("; "))];
    sentences.extend(caveats(script));
    sentences
}

fn hosts(answers: &[&ScriptAnswer], all: usize) -> String {
    match answers.len() {
        count if count == all && count > 1 => format!("all {} endpoints", grouped(count)),
        count if count > NAMED_HOSTS => format!("{} endpoints", grouped(count)),
        _ => answers.iter().map(|answer| sanitize(&answer.host)).collect::<Vec<_>>().join(", "),
    }
}

/// The lines of the script that decided these: ` (line 12)`, ` (lines 12, 15, 20 and 4 more)`.
fn at_lines(answers: &[&ScriptAnswer]) -> String {
    let lines: BTreeSet<usize> = answers.iter().filter_map(|answer| answer.lines.last().copied()).collect();
    let named: Vec<String> = lines.iter().take(NAMED_LINES).map(ToString::to_string).collect();
    match lines.len() {
        0 => String::new(),
        1 => format!(" (line {})", named.concat()),
        count if count > NAMED_LINES => format!(" (lines {} and {} more)", named.join(", "), count - NAMED_LINES),
        _ => format!(" (lines {})", named.join(", ")),
    }
}

/// `through proxy1:8080, then proxy2:8080, then directly`.
fn in_words(ways: &[String]) -> String {
    let ways: Vec<String> = ways
        .iter()
        .map(|way| if way == "direct" { "directly".to_owned() } else { format!("through {}", proxy_address(way)) })
        .collect();
    ways.join(", else ")
}

fn caveats(script: &AskedScript) -> Vec<String> {
    let mut caveats = Vec::new();
    if !script.own_addresses.is_empty() {
        caveats.push(format!(
            "It asks for the device's own address and was told {}: in another network it may answer otherwise.",
            script.own_addresses.join(", ")
        ));
    }
    if script.chance {
        caveats.push("It draws lots: a device may get another of its answers.".to_owned());
    }
    caveats
}
