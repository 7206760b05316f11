//! The findings as people read them: in which order, under which number, and what stands beside each.
//!
//! In: a report and its columns. Out: one [`Advice`] per finding that is printed by itself, its texts harmless already.
//! Never: a width, a colour or a mark-up, which are the renderers'.

use std::collections::{HashMap, HashSet};

use super::columns::Column;
use super::{About, Finding, Report, Row, wording};
use crate::harmless::sanitize;
use crate::judge::{ANSWER_SAYS, Cause, DESCRIBED_AT, Owner, PAGE_SAYS, Status};

/// What several rows together show about an inspection that is a finding already: the same change mends it.
const SUPPORTING: [&str; 6] = [
    "intercepted.partial",
    "chain.same_key_many_hosts",
    "chain.path_difference",
    "chain.fresh_leaf",
    "chain.no_sct",
    "tls.lower_than_direct",
];

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
        let failing: HashSet<&str> =
            report.rows.iter().filter(|row| row.needed && row.status.is_closed()).map(|row| row.id.as_str()).collect();
        // What several rows together show keeps data in, although no row fails by itself.
        let kept_in = report.answer.devices.iter().filter(|device| device.status.is_closed());
        let decisive: HashSet<&str> = kept_in.flat_map(|device| &device.because).map(String::as_str).collect();
        let decides = |finding: &Finding| {
            report.answer.about != About::Routes
                && report.answer.is_closed()
                && decisive.contains(finding.code.as_str())
        };
        let is_change = |finding: &&Finding| {
            finding.owner != Owner::Nobody
                && (decides(finding)
                    || finding.rows.is_empty()
                    || finding.rows.iter().any(|row| failing.contains(row.as_str())))
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

    /// Which finding speaks of a row that is not ok.
    pub fn of(&self, row: &Row) -> Option<usize> {
        self.by_row.get(row.id.as_str()).copied().filter(|_| row.status != Status::Ok)
    }

    /// Stands behind a status: `[2]`, or the code of a row of which no finding speaks.
    pub fn reference(&self, row: &Row) -> String {
        match self.of(row) {
            _ if row.status == Status::Ok => String::new(),
            Some(number) => format!("[{number}]"),
            None => sanitize(&row.code),
        }
    }

    /// What has to change, and what is only worth knowing.
    pub fn advice(&self, report: &'r Report, columns: &[Column<'r>]) -> [(&'static str, Vec<Advice<'r>>); 2] {
        let by_id: HashMap<&str, &Row> = report.rows.iter().map(|row| (row.id.as_str(), row)).collect();
        let mut number = 0;
        let mut told: HashSet<String> = HashSet::new();
        [("What to change", &self.changes), ("Worth knowing", &self.notes)].map(|(title, findings)| {
            let list = findings.iter().map(|finding| {
                number += 1;
                let mut advice = self.entry(number, finding, &by_id, columns);
                // What has been said once of the same hosts is known.
                advice.notes.retain(|note| note.is_of_this_finding() || told.insert(note.text.clone()));
                advice
            });
            (title, list.collect())
        })
    }

    fn entry(
        &self,
        number: usize,
        finding: &'r Finding,
        by_id: &HashMap<&str, &'r Row>,
        columns: &[Column<'r>],
    ) -> Advice<'r> {
        let rows: Vec<&Row> = finding.rows.iter().filter_map(|id| by_id.get(id.as_str()).copied()).collect();
        let mut hosts: Vec<String> = Vec::new();
        let mut seen: HashSet<&str> = HashSet::new();
        for row in &rows {
            if seen.insert(row.endpoint.as_str()) {
                hosts.push(address(row));
            }
        }
        let (instruction, names_hosts) = wording::instruction(&finding.remedy, rows.first().copied());
        let why = wording::why(finding, &rows);
        let own = finding.notes.iter().map(|text| Note { text: sanitize(text), hosts: Vec::new(), code: None });
        let supports = self
            .supporting
            .iter()
            .filter(|support| is_interception(finding) && support.rows.iter().any(|row| finding.rows.contains(row)));
        let (partial, others): (Vec<&Finding>, Vec<&Finding>) =
            supports.copied().partition(|support| support.code == SUPPORTING[0]);
        let mut notes: Vec<Note> = own.collect();
        if self.is_flapping(finding) {
            let text = "on some connections only: on the next it may be other hosts".to_owned();
            notes.push(Note { text, hosts: Vec::new(), code: Some(Cause::Flaky.code()) });
        } else {
            notes.extend(spared(finding, &partial, columns));
        }
        for other in others.into_iter().map(note) {
            // Said of one route or one key, it need not be said of the next.
            if !notes.iter().any(|note| note.text == other.text && note.code == other.code) {
                notes.push(other);
            }
        }
        Advice {
            number,
            title: title(finding, &rows),
            owner: Some(finding.owner).filter(|owner| *owner != Owner::Nobody),
            instruction: format!("{}.", wording::upper_first(sanitize(instruction).trim_end_matches('.'))),
            seen: detail(&rows).filter(|_| why.is_none()),
            why,
            routes: routes(&rows, columns),
            hosts,
            names_hosts,
            notes,
            code: sanitize(&finding.code),
            windows_errors: windows_errors(finding).filter(|_| number <= self.changes.len()),
            rows,
        }
    }
}

/// The numbers as a choice; a report that was read may hold anything there.
fn windows_errors(finding: &Finding) -> Option<String> {
    let numbers: Vec<String> = finding.windows_errors.iter().map(|number| sanitize(number)).collect();
    Some(match numbers.split_last()? {
        (last, []) => last.clone(),
        (last, others) => format!("{} or {last}", others.join(", ")),
    })
}

impl Numbers<'_> {
    /// Whether an inspection comes and goes: then nothing that it leaves alone is known to be excluded from it.
    fn is_flapping(&self, finding: &Finding) -> bool {
        let shares = |other: &&Finding| other.rows.iter().any(|row| finding.rows.contains(row));
        is_interception(finding) && self.changes.iter().any(|other| other.code == Cause::Flaky.code() && shares(other))
    }
}

/// One finding with all that is said of it.
pub(super) struct Advice<'r> {
    pub number: usize,
    pub title: String,
    /// `None` when nobody has to act.
    pub owner: Option<Owner>,
    /// A sentence.
    pub instruction: String,
    /// Why it matters, where the title alone would surprise.
    pub why: Option<String>,
    /// Names of the routes it was seen on.
    pub routes: Vec<String>,
    /// As they stand in a rule.
    pub hosts: Vec<String>,
    /// The instruction is about exactly these hosts, which somebody has to write into a rule.
    pub names_hosts: bool,
    pub seen: Option<String>,
    pub notes: Vec<Note>,
    pub code: String,
    /// What stands in Windows' logs where this is to be changed: `12002 or 12029`.
    pub windows_errors: Option<String>,
    pub rows: Vec<&'r Row>,
}

/// What is to be known before the change, or what a finding that the same change mends has to say.
pub(super) struct Note {
    pub text: String,
    /// Hosts that the text ends with, if it ends with a colon.
    pub hosts: Vec<String>,
    /// Of the finding that this was.
    pub code: Option<String>,
}

impl Note {
    /// It says what was seen, or where this very change is described.
    fn is_of_this_finding(&self) -> bool {
        self.code.is_some() || [DESCRIBED_AT, PAGE_SAYS, ANSWER_SAYS].iter().any(|begins| self.text.starts_with(begins))
    }
}

fn is_interception(finding: &Finding) -> bool {
    matches!(Cause::from_code(&finding.code), Some(Cause::InterceptedTrusted | Cause::InterceptedUntrusted))
}

fn note(support: &Finding) -> Note {
    let title = support.title.split(" (").next().unwrap_or_default();
    Note { text: sanitize(title), hosts: Vec::new(), code: Some(sanitize(&support.code)) }
}

/// What is left alone on every route on which `finding` was seen: its rule knows these hosts already.
fn spared(finding: &Finding, partial: &[&Finding], columns: &[Column<'_>]) -> Option<Note> {
    let code = Some(sanitize(&partial.first()?.code));
    let concerned: Vec<&Column<'_>> =
        columns.iter().filter(|column| column.rows.iter().any(|row| finding.rows.contains(&row.id))).collect();
    let is_clean = |row: &Row| row.chain.is_some() && matches!(row.status, Status::Ok | Status::Degraded);
    let mut hosts: Vec<String> = Vec::new();
    for row in concerned.first()?.rows.iter().filter(|row| is_clean(row)) {
        let is_everywhere = concerned
            .iter()
            .all(|column| column.rows.iter().filter(|other| other.host == row.host).all(|other| is_clean(other)));
        let host = sanitize(&row.host);
        if is_everywhere && !hosts.contains(&host) {
            hosts.push(host);
        }
    }
    (!hosts.is_empty()).then(|| Note { text: "already excluded:".to_owned(), hosts, code })
}

fn routes(rows: &[&Row], columns: &[Column<'_>]) -> Vec<String> {
    let concerned: HashSet<&str> = rows.iter().map(|row| row.id.as_str()).collect();
    columns
        .iter()
        .filter(|column| column.rows.iter().any(|row| concerned.contains(row.id.as_str())))
        .map(|column| wording::route_name(column.route(), column.scheme))
        .collect()
}

/// The title without its routes, which have a line of their own.
fn title(finding: &Finding, rows: &[&Row]) -> String {
    let own = Cause::from_code(&finding.code).map(|cause| cause.facts().title);
    match own {
        Some(own) if finding.title.strip_prefix(own).is_some_and(|rest| rest.is_empty() || rest.starts_with(" (")) => {
            let product = finding.product.as_deref().map(sanitize);
            let product = product.or_else(|| wording::product(rows.iter().copied()));
            product.map_or_else(|| own.to_owned(), |product| format!("{own} ({product})"))
        }
        _ => sanitize(&finding.title),
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

/// The host as it stands in a rule; plain http and unusual ports are told.
pub(super) fn address(row: &Row) -> String {
    let host = sanitize(&row.host);
    let (scheme, usual) = if row.is_tls() { ("", 443) } else { ("http://", 80) };
    if row.port == usual { format!("{scheme}{host}") } else { format!("{scheme}{host}:{}", row.port) }
}
