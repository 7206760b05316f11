//! The report for a person at a terminal.
//!
//! In: a [`Report`], how the run ended, and the width and abilities of the terminal. Out: one sentence, the map, what to
//! change and what it means; of a clean network only the sentence. Never: a line that helps nobody act.

mod findings;
mod impacts;
mod lines;
mod map;
pub(super) mod page;
pub(super) mod paint;

use std::collections::HashMap;
use std::io::{self, Write};

use super::columns::columns;
use super::expectation::Unexpected;
use super::outcome::Conclusion;
use super::text::sanitize;
use super::{Report, Row, wording};
use crate::judge::Status;
use findings::Numbers;
use page::Page;
use paint::{Tone, toned};

/// What the terminal can show.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Layout {
    /// In columns.
    pub width: usize,
    pub colour: bool,
    /// Only ASCII: for terminals without UTF-8.
    pub ascii: bool,
    /// The whole map also when all is well.
    pub verbose: bool,
}

/// How the run ended, for the last line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct End<'a> {
    pub conclusion: &'a Conclusion,
    /// The code with which the process will exit.
    pub exit: u8,
}

/// Rows beside an expectation that are named one by one.
const NAMED_DIFFERENCES: usize = 20;

/// Writes `report` for people.
///
/// # Errors
/// What `out` says when it cannot take more.
pub fn write(report: &Report, end: End<'_>, layout: Layout, out: &mut impl Write) -> io::Result<()> {
    let columns = columns(report);
    let numbers = Numbers::new(report);
    let mut page = Page::new(layout);
    page.prose("", &toned(Tone::Heading, &wording::headline(report)));
    let show_all = layout.verbose || report.rows.iter().any(|row| row.status != Status::Ok);
    if show_all {
        map::draw(&mut page, &columns, &numbers);
    }
    page.prose("  ", &wording::counts(report));
    for remark in &report.run.remarks {
        page.prose("  ", &sanitize(remark));
    }
    if let Conclusion::Compared { unexpected } = end.conclusion {
        differences(&mut page, report, unexpected);
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
    page.prose("", &format!("Exit {}: {}", end.exit, wording::ending(report, end.conclusion, end.exit)));
    page.write(out)
}

fn differences(page: &mut Page, report: &Report, unexpected: &[Unexpected]) {
    if unexpected.is_empty() {
        return;
    }
    page.gap();
    page.line(toned(Tone::Heading, "Not as expected"));
    let rows: HashMap<&str, &Row> = report.rows.iter().map(|row| (row.id.as_str(), row)).collect();
    for difference in unexpected.iter().take(NAMED_DIFFERENCES) {
        if let Some(row) = rows.get(difference.row.as_str()) {
            let found = if row.code == row.status.as_str() {
                row.status.to_string()
            } else {
                format!("{} with {}", row.status, row.code)
            };
            let route = wording::route_name(&row.route, row.route.scheme);
            page.prose(
                "  ",
                &format!(
                    "{} on {route}: expected {}, found {}",
                    lines::address(row),
                    sanitize(&difference.expected),
                    toned(map::tone(row.status), &sanitize(&found))
                ),
            );
        }
    }
    if unexpected.len() > NAMED_DIFFERENCES {
        page.line(format!("  … and {} more", wording::grouped(unexpected.len() - NAMED_DIFFERENCES)));
    }
}
