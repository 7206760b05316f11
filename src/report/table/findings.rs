//! "What to change": one entry per cause, with who changes it and for which hosts.

use std::collections::{HashMap, HashSet};

use unicode_width::UnicodeWidthStr as _;

use super::lines::address;
use super::page::Page;
use super::paint::{Tone, toned, unbroken};
use crate::judge::{Cause, Owner, Status};
use crate::report::columns::Column;
use crate::report::text::sanitize;
use crate::report::{Finding, Report, Row, wording};

/// Hosts that one finding names.
const NAMED_HOSTS: usize = 20;
/// Routes that one finding names.
const NAMED_ROUTES: usize = 4;
/// Lines of evidence that one finding shows when all is asked for.
const SHOWN_EVIDENCE: usize = 20;

/// What several rows together show about an inspection that is a finding already: the same change mends it.
const SUPPORTING: [&str; 3] = ["intercepted.partial", "chain.same_key_many_hosts", "chain.path_difference"];

/// Findings in the order in which they are printed, and which of them speaks of a row first.
pub(super) struct Numbers<'r> {
    changes: Vec<&'r Finding>,
    notes: Vec<&'r Finding>,
    /// Told in a line of the finding that they support.
    supporting: Vec<&'r Finding>,
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
        let inspected: HashSet<&str> = report
            .findings
            .iter()
            .filter(|finding| is_interception(finding))
            .flat_map(|finding| finding.rows.iter().map(String::as_str))
            .collect();
        let (supporting, others): (Vec<_>, Vec<_>) = report.findings.iter().partition(|finding| {
            SUPPORTING.contains(&finding.code.as_str())
                && finding.rows.iter().all(|row| inspected.contains(row.as_str()))
        });
        let (changes, notes): (Vec<_>, Vec<_>) = others.into_iter().partition(is_change);
        let mut by_row = HashMap::new();
        for (position, finding) in changes.iter().chain(&notes).enumerate() {
            for row in &finding.rows {
                by_row.entry(row.as_str()).or_insert(position + 1);
            }
        }
        Self { changes, notes, supporting, by_row }
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

fn is_interception(finding: &Finding) -> bool {
    matches!(Cause::from_code(&finding.code), Some(Cause::InterceptedTrusted | Cause::InterceptedUntrusted))
}

/// Writes the findings below each other.
pub(super) struct Findings<'a, 'r> {
    columns: &'a [Column<'r>],
    supporting: &'a [&'r Finding],
    rows: HashMap<&'r str, &'r Row>,
    endpoints: usize,
    /// Hosts that an earlier finding named, so that a later one can point there.
    named: Vec<(usize, Vec<String>)>,
}

pub(super) fn draw<'r>(page: &mut Page, report: &'r Report, columns: &[Column<'r>], numbers: &Numbers<'r>) {
    let mut findings = Findings {
        columns,
        supporting: &numbers.supporting,
        rows: report.rows.iter().map(|row| (row.id.as_str(), row)).collect(),
        endpoints: columns.iter().map(|column| column.rows.len()).max().unwrap_or_default(),
        named: Vec::new(),
    };
    let mut number = 0;
    for (title, list) in [("What to change", &numbers.changes), ("Worth knowing", &numbers.notes)] {
        if !list.is_empty() {
            page.gap();
            page.line(toned(Tone::Heading, title));
        }
        for finding in list {
            number += 1;
            page.gap();
            findings.entry(page, number, finding);
        }
    }
}

impl Findings<'_, '_> {
    fn entry(&mut self, page: &mut Page, number: usize, finding: &Finding) {
        let mark = format!("  [{number}] ");
        let indent = " ".repeat(mark.width());
        let owner = if finding.owner == Owner::Nobody { "" } else { finding.owner.as_str() };
        let rows: Vec<&Row> = finding.rows.iter().filter_map(|id| self.rows.get(id.as_str()).copied()).collect();
        page.ends(&mark, &toned(Tone::Heading, &title(finding, &rows)), owner);

        let mut hosts: Vec<String> = Vec::new();
        let mut seen: HashSet<&str> = HashSet::new();
        for row in &rows {
            if seen.insert(row.endpoint.as_str()) {
                hosts.push(address(row));
            }
        }
        let (instruction, names_hosts) = instruction(&finding.remedy, rows.first().copied());
        page.prose(&indent, &format!("{}.", wording::upper_first(sanitize(instruction).trim_end_matches('.'))));
        let why = wording::why(finding, &rows);
        if let Some(why) = &why {
            page.prose(&indent, why);
        }
        let routes = self.routes(&rows);
        if self.columns.len() > 1 && !routes.is_empty() {
            page.prose(&format!("{indent}on   "), &routes);
        }
        if !hosts.is_empty() {
            page.prose(&format!("{indent}for  "), &self.hosts(&hosts, names_hosts));
            if names_hosts {
                self.named.push((number, hosts));
            }
        }
        if let Some(detail) = detail(&rows).filter(|_| why.is_none()) {
            page.prose(&format!("{indent}seen "), &detail);
        }
        if is_interception(finding) {
            for support in
                self.supporting.iter().filter(|support| support.rows.iter().any(|row| finding.rows.contains(row)))
            {
                page.prose(&format!("{indent}note "), &self.support(support));
            }
        }
        page.prose(&indent, &toned(Tone::Aside, &sanitize(&finding.code)));
        if page.layout.verbose {
            evidence(page, &indent, &rows);
        }
    }

    /// One line on a finding that the same change mends.
    fn support(&self, support: &Finding) -> String {
        let code = sanitize(&support.code);
        if support.code != SUPPORTING[0] {
            let title = support.title.split(" (").next().unwrap_or_default();
            return format!("{} ({code})", sanitize(title));
        }
        let mut spared: Vec<String> = Vec::new();
        for column in self.columns.iter().filter(|column| column.rows.iter().any(|row| support.rows.contains(&row.id)))
        {
            let clean = column
                .rows
                .iter()
                .filter(|row| row.chain.is_some() && matches!(row.status, Status::Ok | Status::Degraded));
            for host in clean.map(|row| sanitize(&row.host)) {
                if !spared.contains(&host) {
                    spared.push(host);
                }
            }
        }
        let mut text = spared.iter().take(NAMED_HOSTS).cloned().collect::<Vec<_>>().join("  ");
        if spared.len() > NAMED_HOSTS {
            text.push_str(&wording::and_more(spared.len() - NAMED_HOSTS));
        }
        format!("already excluded: {text} ({code})")
    }

    fn routes(&self, rows: &[&Row]) -> String {
        let concerned: HashSet<&str> = rows.iter().map(|row| row.id.as_str()).collect();
        let columns: Vec<&Column<'_>> = self
            .columns
            .iter()
            .filter(|column| column.rows.iter().any(|row| concerned.contains(row.id.as_str())))
            .collect();
        let mut names: Vec<String> = columns
            .iter()
            .take(NAMED_ROUTES)
            .map(|column| unbroken(&wording::route_name(column.route(), column.scheme)))
            .collect();
        if columns.len() > NAMED_ROUTES {
            names.push(wording::plural(columns.len() - NAMED_ROUTES, "more route"));
        }
        names.join(", ")
    }

    /// The exact names where somebody has to write them into a rule, otherwise only how many.
    fn hosts(&self, hosts: &[String], names_hosts: bool) -> String {
        let count = wording::grouped(hosts.len());
        if !names_hosts && hosts.len() == self.endpoints && hosts.len() > 1 {
            return format!("all {count} endpoints");
        }
        if !names_hosts && hosts.len() > 3 {
            return format!("{count} of {} endpoints", wording::grouped(self.endpoints));
        }
        if hosts.len() > 2
            && let Some((number, _)) = self.named.iter().find(|(_, others)| others == hosts)
        {
            return format!("the same {count} hosts as [{number}]");
        }
        let mut text = hosts.iter().take(NAMED_HOSTS).cloned().collect::<Vec<_>>().join("  ");
        if hosts.len() > NAMED_HOSTS {
            text.push_str(&wording::and_more(hosts.len() - NAMED_HOSTS));
        }
        text
    }
}

/// The title without its routes, which have a line of their own here.
fn title(finding: &Finding, rows: &[&Row]) -> String {
    let own = Cause::from_code(&finding.code).map(|cause| cause.facts().title);
    match own {
        Some(own) if finding.title.strip_prefix(own).is_some_and(|rest| rest.is_empty() || rest.starts_with(" (")) => {
            wording::product(rows.iter().copied())
                .map_or_else(|| own.to_owned(), |product| format!("{own} ({product})"))
        }
        _ => sanitize(&finding.title),
    }
}

/// A remedy ends with the hosts that it is about; they have a line of their own here.
fn instruction<'f>(remedy: &'f str, row: Option<&Row>) -> (&'f str, bool) {
    match row.and_then(|row| remedy.split_once(&format!(": {}", row.host))) {
        Some((instruction, _)) => (instruction, true),
        None => (remedy, false),
    }
}

/// What the rows' own sentences say beyond the title of their cause: the first one, and whose it is where they differ.
fn detail(rows: &[&Row]) -> Option<String> {
    let own = |row: &Row| {
        let title = Cause::from_code(&row.code)?.facts().title;
        row.summary.strip_prefix(title)?.strip_prefix(": ").map(sanitize)
    };
    let first = rows.first()?;
    let detail = own(first).filter(|detail| *detail != sanitize(&first.host))?;
    if rows.iter().all(|row| own(row).as_ref() == Some(&detail)) {
        return Some(detail);
    }
    let host = address(first);
    if detail.contains(&sanitize(&first.host)) { Some(detail) } else { Some(format!("{detail} ({host})")) }
}

fn evidence(page: &mut Page, indent: &str, rows: &[&Row]) {
    let Some(row) = rows.iter().find(|row| !row.evidence.is_empty()) else { return };
    let route = wording::route_name(&row.route, row.route.scheme);
    page.prose(indent, &format!("evidence: {} on {route}", address(row)));
    for line in row.evidence.iter().take(SHOWN_EVIDENCE) {
        page.prose(&format!("{indent}  - "), &sanitize(line));
    }
}
