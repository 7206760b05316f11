//! "What to change": one entry per cause, with who changes it and for which hosts.

use std::collections::{HashMap, HashSet};

use unicode_width::UnicodeWidthStr as _;

use super::map::address;
use super::page::Page;
use super::paint::{Tone, toned};
use crate::judge::{Owner, Status};
use crate::report::columns::Column;
use crate::report::text::sanitize;
use crate::report::{Finding, Report, Row, wording};

/// Hosts that one finding names.
const NAMED_HOSTS: usize = 16;
/// Routes that one finding names.
const NAMED_ROUTES: usize = 4;

/// Findings in the order in which they are printed, and which of them speaks of a row first.
pub(super) struct Numbers<'r> {
    pub changes: Vec<&'r Finding>,
    pub notes: Vec<&'r Finding>,
    by_row: HashMap<&'r str, usize>,
}

impl<'r> Numbers<'r> {
    pub fn new(report: &'r Report) -> Self {
        let failing: HashSet<&str> = report
            .rows
            .iter()
            .filter(|row| matches!(row.status, Status::Blocked | Status::Intercepted))
            .map(|row| row.id.as_str())
            .collect();
        let is_change = |finding: &&Finding| {
            finding.owner != Owner::Nobody
                && (finding.rows.is_empty() || finding.rows.iter().any(|row| failing.contains(row.as_str())))
        };
        let (changes, notes): (Vec<_>, Vec<_>) = report.findings.iter().partition(is_change);
        let mut by_row = HashMap::new();
        for (position, finding) in changes.iter().chain(&notes).enumerate() {
            for row in &finding.rows {
                by_row.entry(row.as_str()).or_insert(position + 1);
            }
        }
        Self { changes, notes, by_row }
    }

    /// Stands behind a status: `[2]`, or the code of a row of which no finding speaks.
    pub fn reference(&self, row: &Row) -> String {
        match self.by_row.get(row.id.as_str()) {
            _ if row.status == Status::Ok => String::new(),
            Some(number) => format!("[{number}]"),
            None => sanitize(&row.code),
        }
    }
}

pub(super) fn draw(page: &mut Page, report: &Report, columns: &[Column<'_>], numbers: &Numbers<'_>) {
    let rows: HashMap<&str, &Row> = report.rows.iter().map(|row| (row.id.as_str(), row)).collect();
    let mut earlier: Vec<(usize, Vec<String>)> = Vec::new();
    let mut number = 0;
    for (title, findings) in [("What to change", &numbers.changes), ("Worth knowing", &numbers.notes)] {
        if findings.is_empty() {
            continue;
        }
        page.gap();
        page.line(toned(Tone::Heading, title));
        for finding in findings {
            number += 1;
            page.gap();
            entry(page, number, finding, columns, &rows, &mut earlier);
        }
    }
}

fn entry(
    page: &mut Page,
    number: usize,
    finding: &Finding,
    columns: &[Column<'_>],
    rows: &HashMap<&str, &Row>,
    earlier: &mut Vec<(usize, Vec<String>)>,
) {
    let mark = format!("  [{number}] ");
    let indent = " ".repeat(mark.width());
    let owner = if finding.owner == Owner::Nobody { "" } else { finding.owner.as_str() };
    page.ends(&format!("{mark}{}", toned(Tone::Heading, &sanitize(&finding.title))), owner);
    let remedy = wording::upper_first(sanitize(&finding.remedy).trim_end_matches('.'));
    page.prose(&indent, &format!("{remedy}."));

    let concerned: HashSet<&str> = finding.rows.iter().map(String::as_str).collect();
    let routes: Vec<&Column<'_>> =
        columns.iter().filter(|column| column.rows.iter().any(|row| concerned.contains(row.id.as_str()))).collect();
    if !routes.is_empty() && columns.len() > 1 {
        page.prose(&format!("{indent}on   "), &route_list(&routes));
    }
    let mut hosts: Vec<String> = Vec::new();
    let mut seen: HashSet<&str> = HashSet::new();
    for row in finding.rows.iter().filter_map(|id| rows.get(id.as_str())) {
        if seen.insert(row.endpoint.as_str()) {
            hosts.push(address(row));
        }
    }
    if !hosts.is_empty() && !hosts.iter().any(|host| finding.remedy.contains(host)) {
        page.prose(&format!("{indent}for  "), &host_list(&hosts, columns, earlier));
        earlier.push((number, hosts));
    }
    page.prose(&indent, &toned(Tone::Aside, &sanitize(&finding.code)));
}

fn route_list(routes: &[&Column<'_>]) -> String {
    let mut names: Vec<String> =
        routes.iter().take(NAMED_ROUTES).map(|column| wording::route_name(column.route(), column.scheme)).collect();
    if routes.len() > NAMED_ROUTES {
        names.push(format!("{} more routes", routes.len() - NAMED_ROUTES));
    }
    names.join(", ")
}

fn host_list(hosts: &[String], columns: &[Column<'_>], earlier: &[(usize, Vec<String>)]) -> String {
    let all = columns.iter().map(|column| column.rows.len()).max().unwrap_or_default();
    if hosts.len() == all && all > 2 {
        return format!("all {} hosts of this check", wording::grouped(all));
    }
    if hosts.len() > 2
        && let Some((number, _)) = earlier.iter().find(|(_, others)| others == hosts)
    {
        return format!("the same {} hosts as [{number}]", wording::grouped(hosts.len()));
    }
    let mut text = hosts.iter().take(NAMED_HOSTS).cloned().collect::<Vec<_>>().join("  ");
    if hosts.len() > NAMED_HOSTS {
        text += &format!("  … and {} more", wording::grouped(hosts.len() - NAMED_HOSTS));
    }
    text
}
