//! "What to change": one entry per cause, with who changes it and for which hosts.

use unicode_width::UnicodeWidthStr as _;

use crate::harmless::sanitize;
use crate::report::advice::{Advice, Note, Numbers, address};
use crate::report::columns::{Column, endpoints};
use crate::report::counts::{and_more, grouped, plural};
use crate::report::terminal::page::Page;
use crate::report::terminal::paint::{Tone, toned, unbroken};
use crate::report::{Report, Row, wording};

/// Hosts that one finding names.
const NAMED_HOSTS: usize = 20;
/// Routes that one finding names.
const NAMED_ROUTES: usize = 4;
/// Lines of evidence that one finding shows when all is asked for.
const SHOWN_EVIDENCE: usize = 20;

/// Writes the findings below each other.
struct Findings {
    /// More than one route was tested.
    several_routes: bool,
    endpoints: usize,
    /// Hosts that an earlier finding named, so that a later one can point there.
    named: Vec<(usize, Vec<String>)>,
}

pub(super) fn draw<'r>(page: &mut Page, report: &'r Report, columns: &[Column<'r>], numbers: &Numbers<'r>) {
    let mut findings = Findings {
        several_routes: columns.len() > 1,
        endpoints: endpoints(columns.iter().flat_map(|column| column.rows.iter().copied())),
        named: Vec::new(),
    };
    for (title, list) in numbers.advice(report, columns) {
        if !list.is_empty() {
            page.gap();
            page.line(toned(Tone::Heading, title));
        }
        for advice in list {
            page.gap();
            findings.entry(page, advice);
        }
    }
}

impl Findings {
    fn entry(&mut self, page: &mut Page, advice: Advice<'_>) {
        let mark = format!("  [{}] ", advice.number);
        let indent = " ".repeat(mark.width());
        let owner = advice.owner.map_or("", |owner| owner.as_str());
        page.ends(&mark, &toned(Tone::Heading, &advice.title), owner);
        page.prose(&indent, &advice.instruction);
        if let Some(why) = &advice.why {
            page.prose(&indent, why);
        }
        if self.several_routes && !advice.routes.is_empty() {
            page.prose(&format!("{indent}on   "), &routes(&advice.routes));
        }
        if !advice.hosts.is_empty() {
            page.prose(&format!("{indent}for  "), &self.hosts(&advice.hosts, advice.names_hosts));
        }
        if let Some(seen) = &advice.seen {
            page.prose(&format!("{indent}seen "), seen);
        }
        for note in &advice.notes {
            page.prose(&format!("{indent}note "), &in_a_line(note));
        }
        let numbers = advice.windows_errors.as_ref().map(|numbers| format!(" (in Windows' logs: {numbers})"));
        page.prose(&indent, &toned(Tone::Aside, &format!("{}{}", advice.code, numbers.unwrap_or_default())));
        if page.layout.verbose {
            evidence(page, &indent, &advice.rows);
        }
        if advice.names_hosts && !advice.hosts.is_empty() {
            self.named.push((advice.number, advice.hosts));
        }
    }

    /// The exact names where somebody has to write them into a rule, otherwise only how many.
    fn hosts(&self, hosts: &[String], names_hosts: bool) -> String {
        let count = grouped(hosts.len());
        if !names_hosts && hosts.len() == self.endpoints && hosts.len() > 1 {
            return format!("all {count} endpoints");
        }
        if !names_hosts && hosts.len() > 3 {
            return format!("{count} of {} endpoints", grouped(self.endpoints));
        }
        if hosts.len() > 2
            && let Some((number, _)) = self.named.iter().find(|(_, others)| others == hosts)
        {
            return format!("the same {count} hosts as [{number}]");
        }
        listed(hosts)
    }
}

fn listed(hosts: &[String]) -> String {
    let mut text = hosts.iter().take(NAMED_HOSTS).cloned().collect::<Vec<_>>().join("  ");
    if hosts.len() > NAMED_HOSTS {
        text.push_str(&and_more(hosts.len() - NAMED_HOSTS));
    }
    text
}

fn in_a_line(note: &Note) -> String {
    let Note { text, hosts, code } = note;
    let code = code.as_ref().map(|code| format!(" ({code})")).unwrap_or_default();
    if hosts.is_empty() { format!("{text}{code}") } else { format!("{text} {}{code}", listed(hosts)) }
}

fn routes(routes: &[String]) -> String {
    let mut names: Vec<String> = routes.iter().take(NAMED_ROUTES).map(|route| unbroken(route)).collect();
    if routes.len() > NAMED_ROUTES {
        names.push(plural(routes.len() - NAMED_ROUTES, "more route"));
    }
    names.join(", ")
}

fn evidence(page: &mut Page, indent: &str, rows: &[&Row]) {
    let Some(row) = rows.iter().find(|row| !row.evidence.is_empty()) else { return };
    let route = wording::route_name(&row.route, row.route.scheme);
    page.prose(indent, &format!("evidence: {} on {route}", address(row)));
    for line in row.evidence.iter().take(SHOWN_EVIDENCE) {
        page.prose(&format!("{indent}  - "), &sanitize(line));
    }
}
