//! The report for a person at a terminal.
//!
//! In: a [`Report`], how the run ended, and the width and abilities of the terminal. Out: one sentence, the map, what to
//! change and what it means; of a clean network only the sentence. Never: a line that helps nobody act.

mod findings;
mod impacts;
mod map;
pub(super) mod page;
pub(super) mod paint;

use std::io::{self, Write};

use super::columns::columns;
use super::{Report, wording};
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

/// Writes `report` for people.
///
/// # Errors
/// What `out` says when it cannot take more.
pub fn write(report: &Report, layout: Layout, out: &mut impl Write) -> io::Result<()> {
    let columns = columns(report);
    let numbers = Numbers::new(report);
    let mut page = Page::new(layout);
    page.prose("", &toned(Tone::Heading, &wording::headline(report)));
    let clean = report.rows.iter().all(|row| row.status == Status::Ok);
    if !clean || layout.verbose {
        map::draw(&mut page, &columns, &numbers);
    }
    page.prose("  ", &wording::counts(report));
    for remark in &report.run.remarks {
        page.prose("  ", &crate::report::text::sanitize(remark));
    }
    findings::draw(&mut page, report, &columns, &numbers);
    if !clean || layout.verbose {
        impacts::draw(&mut page, report, &columns);
    }
    page.write(out)
}
