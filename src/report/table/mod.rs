//! The report for a person at a terminal.
//!
//! In: a [`Report`], how the run ended, and the width and abilities of the terminal. Out: one sentence, the map, what to
//! change and what it means; of a clean network only the sentence. Never: a line that helps nobody act.

mod findings;
pub(super) mod impacts;
pub(super) mod lines;
mod map;

use std::collections::HashMap;
use std::io::{self, Write};

use super::advice::{Numbers, address};
use super::columns::columns;
use super::expectation::Unexpected;
use super::outcome::{Conclusion, End};
use super::terminal::Layout;
use super::terminal::page::Page;
use super::terminal::paint::{Tone, toned, unbroken};
use super::{Report, Row, wording};
use crate::harmless::sanitize;
use crate::judge::Status;
use crate::report::counts::and_more;

/// Kinds of difference from an expectation that are told, and hosts of each.
const NAMED_DIFFERENCES: usize = 12;
const NAMED_HOSTS: usize = 8;

/// Writes `report` for people.
///
/// # Errors
/// What `out` says when it cannot take more.
pub fn write(report: &Report, end: End<'_>, layout: Layout, out: &mut impl Write) -> io::Result<()> {
    let columns = columns(report);
    let numbers = Numbers::new(report);
    let mut page = Page::new(layout);
    page.prose("", &toned(Tone::Heading, &sanitize(&report.answer.headline)));
    let show_all = layout.verbose || report.rows.iter().any(|row| row.status != Status::Ok);
    if show_all {
        map::draw(&mut page, &columns, &numbers);
    }
    page.prose("  ", &wording::counts(report));
    for sentence in wording::script(report) {
        page.prose("  ", &sentence);
    }
    for remark in &report.run.remarks {
        page.prose("  ", &sanitize(remark));
    }
    if layout.verbose {
        page.prose("  ", &format!("roots of this machine: {}", sanitize(&report.run.machine_roots)));
    }
    if let Conclusion::Compared { unexpected } = end.conclusion {
        differences(&mut page, report, unexpected);
    }
    if let Some(changes) = end.changes {
        super::change::draw(&mut page, changes);
    }
    findings::draw(&mut page, report, &columns, &numbers);
    if show_all {
        impacts::draw(&mut page, report, &columns);
        page.gap();
        let approaches = wording::approaches(report);
        for sentence in &approaches {
            page.prose("  ", sentence);
        }
        page.gap();
    }
    if let Some(answer) = wording::first_change(report) {
        page.prose("", &answer);
        page.gap();
    }
    page.prose("", &format!("{} Every row with its evidence: --format json.", ending(report, end)));
    page.write(out)
}

/// Writes the headline and how it ended, and nothing else.
///
/// # Errors
/// What `out` says when it cannot take more.
pub fn write_brief(report: &Report, end: End<'_>, layout: Layout, out: &mut impl Write) -> io::Result<()> {
    let mut page = Page::new(layout);
    page.prose("", &sanitize(&report.answer.headline));
    page.prose("", &ending(report, end));
    page.write(out)
}

fn ending(report: &Report, end: End<'_>) -> String {
    format!("Exit {}: {}", end.exit, wording::ending(report, end.conclusion, end.ours))
}

/// Rows of one route that differ from the expectation in the same way.
pub(super) struct Difference<'r> {
    pub route: String,
    pub expected: &'r str,
    pub status: Status,
    pub code: &'r str,
    pub hosts: Vec<String>,
}

impl Difference<'_> {
    /// `blocked with tcp.refused`.
    pub fn found(&self) -> String {
        match self.code {
            "ok" => self.status.to_string(),
            code => format!("{} with {}", self.status, sanitize(code)),
        }
    }
}

fn differences(page: &mut Page, report: &Report, unexpected: &[Unexpected]) {
    if unexpected.is_empty() {
        return;
    }
    page.gap();
    page.line(toned(Tone::Heading, "Not as expected"));
    let differences = differing(report, unexpected);
    for difference in differences.iter().take(NAMED_DIFFERENCES) {
        let found = toned(map::tone(difference.status), &difference.found());
        let (route, expected) = (unbroken(&difference.route), sanitize(difference.expected));
        page.prose("  ", &format!("{route}: expected {expected}, found {found}"));
        let mut hosts = difference.hosts.iter().take(NAMED_HOSTS).cloned().collect::<Vec<_>>().join("  ");
        if difference.hosts.len() > NAMED_HOSTS {
            hosts.push_str(&and_more(difference.hosts.len() - NAMED_HOSTS));
        }
        page.prose("    ", &hosts);
    }
    if differences.len() > NAMED_DIFFERENCES {
        page.line(and_more(differences.len() - NAMED_DIFFERENCES));
    }
}

pub(super) fn differing<'r>(report: &'r Report, unexpected: &'r [Unexpected]) -> Vec<Difference<'r>> {
    let rows: HashMap<&str, &Row> = report.rows.iter().map(|row| (row.id.as_str(), row)).collect();
    let mut differences: Vec<Difference<'_>> = Vec::new();
    for (row, expected) in unexpected.iter().filter_map(|one| Some((*rows.get(one.row.as_str())?, &one.expected))) {
        let route = wording::route_name(&row.route, row.route.scheme);
        let is_same = |other: &&mut Difference<'_>| {
            other.route == route && other.expected == expected && other.status == row.status && other.code == row.code
        };
        match differences.iter_mut().find(is_same) {
            Some(difference) => difference.hosts.push(address(row)),
            None => differences.push(Difference {
                route,
                expected,
                status: row.status,
                code: &row.code,
                hosts: vec![address(row)],
            }),
        }
    }
    differences
}
