//! The state of a device's settings, for the person who has to mend them.
//!
//! In: a [`Checkup`], or an exit code of the deployment script. Out: one sentence, then what to change, one entry per
//! setting with where it stands, what it is and what it should be. Never: the settings of this machine.

use std::io::{self, Write};

use super::terminal::Layout;
use super::terminal::page::Page;
use super::terminal::paint::{Tone, toned};
use crate::enroll::exit_codes::{CODES, ExitCode, Successor};
use crate::enroll::{Checkup, Finding, NotChecked, RemarkCode, called};
use crate::harmless::sanitize;

/// Values that one place's line of what was not checked names.
const NAMED_VALUES: usize = 12;

/// Writes `checkup` for people.
///
/// # Errors
/// What `out` says when it cannot take more.
pub fn write(checkup: &Checkup, exit: u8, layout: Layout, out: &mut impl Write) -> io::Result<()> {
    let mut page = Page::new(layout);
    page.prose("", &toned(Tone::Heading, &headline(checkup)));
    let region = checkup.region.as_deref().map_or_else(String::new, |region| format!(" · region {region}"));
    let windows = called(&checkup.os, checkup.os_name.as_deref());
    page.prose("  ", &format!("{} · {}{region}", sanitize(&windows), solutions(&checkup.solutions)));
    if let Some(contradiction) = checkup.contradiction() {
        page.prose("  ", &toned(Tone::Bad, &sanitize(contradiction)));
    }
    if !checkup.findings.is_empty() {
        page.gap();
        page.line(toned(Tone::Heading, "What to change"));
        for (number, finding) in checkup.findings.iter().enumerate() {
            draw(&mut page, number + 1, finding);
        }
    }
    not_checked(&mut page, &checkup.not_checked);
    let mut remarks = checkup.remarks.iter().filter(|remark| remark.code != RemarkCode::VersionContradicted).peekable();
    if remarks.peek().is_some() {
        page.gap();
        page.line(toned(Tone::Heading, "Worth knowing"));
        for remark in remarks {
            page.prose("  - ", &sanitize(&remark.text));
        }
    }
    page.gap();
    page.prose("", &format!("Exit {exit}: {}", ending(checkup)));
    page.write(out)
}

pub(super) fn solutions(ids: &[&str]) -> String {
    if ids.is_empty() { "no solution".to_owned() } else { ids.join(", ") }
}

/// What a check found, in one sentence.
#[must_use]
pub fn headline(checkup: &Checkup) -> String {
    if checkup.solutions.is_empty() && !checkup.findings.is_empty() {
        return "No solution knows this Windows: the device cannot appear.".to_owned();
    }
    let open = checkup.not_checked.len();
    match (checkup.findings.len(), open) {
        (0, _) if checkup.contradiction().is_some() => {
            "Nothing that was checked is wrong for the version that --os names, which is not the device's.".to_owned()
        }
        (0, 0) => "This device is set up: every setting is as it should be.".to_owned(),
        (0, open) => format!("Nothing that was checked is wrong; {open} {} not be checked.", could(open)),
        (1, _) => format!("One thing keeps this device from {}.", purpose(checkup)),
        (count, _) => format!("{count} things keep this device from {}.", purpose(checkup)),
    }
}

fn purpose(checkup: &Checkup) -> &'static str {
    if checkup.solutions.len() == 1 {
        "working with this solution as it should"
    } else {
        "working with these solutions as it should"
    }
}

fn could(count: usize) -> &'static str {
    if count == 1 { "thing could" } else { "things could" }
}

fn draw(page: &mut Page, number: usize, finding: &Finding) {
    page.gap();
    page.prose(&format!("  {number:<2} "), &toned(Tone::Bad, &sanitize(&finding.value)));
    let indent = "     ";
    page.prose(&format!("{indent}where   "), &sanitize(&finding.place));
    page.prose(&format!("{indent}is      "), &sanitize(&finding.is));
    page.prose(&format!("{indent}should  "), &toned(Tone::Good, &sanitize(&finding.should)));
    page.prose(&format!("{indent}why     "), &sanitize(&finding.why));
    page.prose(&format!("{indent}do      "), &sanitize(&format!("{}.", finding.mend())));
    let script = finding
        .ur_exit
        .map_or_else(String::new, |code| format!(" · the deployment script's exit code {code}: explain ur:{code}"));
    page.prose(indent, &toned(Tone::Aside, &format!("{}{script}", finding.code.id())));
}

/// By reason, then by place: an export that lacks a key lacks all of its values.
fn not_checked(page: &mut Page, entries: &[NotChecked]) {
    if entries.is_empty() {
        return;
    }
    page.gap();
    page.line(toned(Tone::Heading, "Not checked"));
    for why in distinct(entries.iter().map(|entry| &*entry.why)) {
        page.prose("  - ", &sanitize(&format!("{}:", capitalised(why))));
        let of_reason = || entries.iter().filter(|entry| entry.why == why);
        for place in distinct(of_reason().map(|entry| &*entry.place)) {
            let values: Vec<&str> =
                of_reason().filter(|entry| entry.place == place).map(|entry| &*entry.value).collect();
            let mut named = values.iter().take(NAMED_VALUES).copied().collect::<Vec<_>>().join(", ");
            if values.len() > NAMED_VALUES {
                named.push_str(", …");
            }
            page.prose("      ", &toned(Tone::Aside, &sanitize(&format!("{named} in {place}"))));
        }
    }
}

/// Each text once, in the order of its first appearance.
fn distinct<'a>(texts: impl Iterator<Item = &'a str>) -> Vec<&'a str> {
    let mut seen = Vec::new();
    for text in texts {
        if !seen.contains(&text) {
            seen.push(text);
        }
    }
    seen
}

fn capitalised(text: &str) -> String {
    let mut characters = text.chars();
    characters.next().map_or_else(String::new, |first| first.to_uppercase().chain(characters).collect())
}

fn ending(checkup: &Checkup) -> &'static str {
    match (checkup.findings.is_empty(), checkup.not_checked.is_empty()) {
        (true, true) => "clean.",
        (true, false) => "clean, as far as the snapshot tells.",
        (false, _) => "findings.",
    }
}

/// Writes a line for every exit code of the deployment scripts.
///
/// # Errors
/// What `out` says when it cannot take more.
pub fn list_exit_codes(layout: Layout, out: &mut impl Write) -> io::Result<()> {
    let mut page = Page::new(layout);
    page.prose(
        "",
        &toned(
            Tone::Heading,
            "Exit codes of the Upgrade Readiness deployment script, and of the one that came after it",
        ),
    );
    page.gap();
    for known in CODES {
        let note = match known.successor {
            Successor::Only => " (the later script only)",
            Successor::Same | Successor::Dropped | Successor::Differs(_) => "",
        };
        page.prose(&format!("  {:<8}", format!("ur:{}", known.code)), &format!("{}{note}", known.meaning));
    }
    page.gap();
    page.prose("", "One of them in full, with what to do: waprobe explain ur:27");
    page.write(out)
}

/// Writes what an exit code of the deployment script means.
///
/// # Errors
/// What `out` says when it cannot take more.
pub fn explain(code: &ExitCode, layout: Layout, out: &mut impl Write) -> io::Result<()> {
    let mut page = Page::new(layout);
    page.prose("", &toned(Tone::Heading, &format!("ur:{}: {}.", code.code, code.meaning)));
    page.gap();
    page.prose("  What to do     ", &format!("{}.", code.remedy));
    let script = match code.successor {
        Successor::Same => "Upgrade Readiness, and the one for Windows Update for Business reports".to_owned(),
        Successor::Dropped => {
            "Upgrade Readiness; the one for Windows Update for Business reports no longer has it".to_owned()
        }
        Successor::Only => "Windows Update for Business reports".to_owned(),
        Successor::Differs(meaning) => {
            format!("Upgrade Readiness; in the one for Windows Update for Business reports: {meaning}")
        }
    };
    page.prose("  Which script   ", &format!("{script}."));
    if code.undocumented {
        page.prose("  Source         ", "the script itself: Microsoft's documentation does not list this code.");
    }
    page.write(out)
}
