//! `waprobe-expect/1`: what the rows of a report should be.
//!
//! In: a TOML file, then a report. Out: the rows that are not as expected. A row that no entry names must be `ok` or `degraded`,
//! so that a new endpoint or route cannot hide behind an old file; for the same reason an entry that names no row is a
//! mistake. A row without a login that is tested beside a credential counts only where an entry names it.

use std::ops::Range;

use toml::de::{DeTable, DeValue};

use super::pattern::{CodePattern, Pattern};
use super::{Report, Route, Row};
use crate::catalogue::section::{self, Mistakes, Section, Text};
use crate::catalogue::{Catalogue, Complaint, Complaints, quotable};
use crate::judge::Status;
use crate::plan::{Identity, Plan, Scheme};

/// A file of expectations, read.
#[derive(Debug, Clone)]
pub struct Expectation {
    origin: String,
    text: String,
    entries: Vec<Entry>,
    /// Of a world of the lab, where a row that could not be tested may be as expected.
    is_lab: bool,
}

/// One `[[expect]]`; of several that fit a row the last one counts.
#[derive(Debug, Clone)]
struct Entry {
    routes: Pattern,
    endpoints: Vec<Pattern>,
    statuses: Vec<Status>,
    /// Any code when there is none.
    codes: Vec<CodePattern>,
    span: Range<usize>,
}

/// A row that is not as expected.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unexpected {
    /// The row's id in the report.
    pub row: String,
    /// What was expected in its place: `blocked with tcp.*`.
    pub expected: String,
}

const SCHEMA: &str = "waprobe-expect/1";
const KEYS: [&str; 2] = ["schema", "expect"];
const ENTRY_KEYS: [&str; 4] = ["route", "endpoints", "status", "code"];
/// What may decide a login.
const SCHEMES: [Scheme; 5] = [Scheme::Basic, Scheme::Digest, Scheme::Ntlm, Scheme::Negotiate, Scheme::SocksPassword];
const ENTRY: &str = "[[expect]]";
const EXAMPLE: &str =
    "write `[[expect]]` and below it `route = \"direct\"`, `endpoints = [\"*\"]` and `status = [\"blocked\"]`";
/// More text than this is no list of expectations.
const LARGEST_TEXT: usize = 1 << 20;

impl Expectation {
    /// Reads a file; `origin` is its name for messages.
    ///
    /// # Errors
    /// Every mistake of the file, each with its line.
    pub fn read(origin: &str, text: &str) -> Result<Self, Complaints> {
        let mut mistakes = Mistakes::default();
        let entries = entries(text, &mut mistakes);
        let (complaints, left_out) = mistakes.into_complaints();
        if complaints.is_empty() {
            Ok(Self { origin: origin.to_owned(), text: text.to_owned(), entries, is_lab: false })
        } else {
            Err(Complaints { origin: origin.to_owned(), text: text.to_owned(), complaints, left_out })
        }
    }

    /// The same for a world of the lab, which was built to leave some rows untested.
    #[must_use]
    pub fn of_lab(self) -> Self {
        Self { is_lab: true, ..self }
    }

    /// Whether every entry can name a row of a run that is still to begin. Which scheme decides a route is not known before,
    /// so any will do.
    ///
    /// # Errors
    /// The entries that can match no row, whatever the run sees.
    pub fn check_against(&self, catalogue: &Catalogue, plan: &Plan) -> Result<(), Complaints> {
        let keys: Vec<Vec<String>> = plan
            .routes
            .iter()
            .map(|route| {
                let mut keys = vec![route.key(None).0];
                keys.extend(SCHEMES.into_iter().map(|scheme| route.key(Some(scheme)).0));
                keys.dedup();
                keys
            })
            .collect();
        let candidates: Vec<Candidate<'_>> = plan
            .jobs
            .iter()
            .map(|job| {
                let endpoint = &catalogue.endpoints[job.endpoint];
                Candidate { keys: &keys[job.route], endpoint: &endpoint.name, host: &endpoint.host }
            })
            .collect();
        self.complain(self.entries.iter().filter(|entry| !candidates.iter().any(|one| entry.may_name(one))), |entry| {
            what_there_is(&candidates, entry, "run")
        })
    }

    /// The rows of `report` that are not as expected.
    ///
    /// # Errors
    /// The entries that match no row.
    pub fn compare(&self, report: &Report) -> Result<Vec<Unexpected>, Complaints> {
        let mut used = vec![false; self.entries.len()];
        let mut unexpected = Vec::new();
        let keys: Vec<Vec<String>> = report.rows.iter().map(|row| keys(&row.route)).collect();
        for (row, keys) in report.rows.iter().zip(&keys) {
            let mut counting = None;
            for (entry, used) in self.entries.iter().zip(&mut used) {
                if entry.may_name(&Candidate::of(row, keys)) {
                    *used = true;
                    counting = Some(entry);
                }
            }
            let gets_out = matches!(row.status, Status::Ok | Status::Degraded);
            let is_met = counting.map_or(gets_out || row.also_tested, |entry| {
                // Nobody expects to learn nothing.
                (row.status != Status::NotTested || self.is_lab) && entry.is_met_by(row)
            });
            if !is_met {
                let expected =
                    counting.map_or_else(|| format!("{} or {}", Status::Ok, Status::Degraded), Entry::in_words);
                unexpected.push(Unexpected { row: row.id.clone(), expected });
            }
        }
        let candidates: Vec<Candidate<'_>> =
            report.rows.iter().zip(&keys).map(|(row, keys)| Candidate::of(row, keys)).collect();
        let idle = self.entries.iter().zip(&used).filter(|(_, used)| !**used).map(|(entry, _)| entry);
        self.complain(idle, |entry| what_there_is(&candidates, entry, "report"))?;
        Ok(unexpected)
    }

    fn complain<'e>(
        &self,
        idle: impl Iterator<Item = &'e Entry>,
        suggestion: impl Fn(&Entry) -> (&'static str, String),
    ) -> Result<(), Complaints> {
        let complaints: Vec<Complaint> = idle
            .map(|entry| {
                let (place, suggestion) = suggestion(entry);
                Complaint {
                    message: format!("this entry matches no row of the {place}"),
                    span: Some(entry.span.clone()),
                    suggestion: Some(suggestion),
                }
            })
            .collect();
        if complaints.is_empty() {
            return Ok(());
        }
        Err(Complaints { origin: self.origin.clone(), text: self.text.clone(), complaints, left_out: 0 })
    }
}

impl Entry {
    fn may_name(&self, one: &Candidate<'_>) -> bool {
        one.keys.iter().any(|key| self.routes.matches(key))
            && self.endpoints.iter().any(|pattern| pattern.matches(one.endpoint) || pattern.matches(one.host))
    }

    fn is_met_by(&self, row: &Row) -> bool {
        self.statuses.contains(&row.status)
            && (self.codes.is_empty() || self.codes.iter().any(|pattern| pattern.matches(&row.code)))
    }

    fn in_words(&self) -> String {
        let statuses: Vec<&str> = self.statuses.iter().map(|status| status.as_str()).collect();
        let statuses = statuses.join(" or ");
        if self.codes.is_empty() {
            return statuses;
        }
        let codes: Vec<&str> = self.codes.iter().map(CodePattern::as_str).collect();
        format!("{statuses} with {}", codes.join(" or "))
    }
}

/// A row, or one that is to come, with the keys that its route can have.
struct Candidate<'c> {
    keys: &'c [String],
    endpoint: &'c str,
    host: &'c str,
}

impl<'c> Candidate<'c> {
    fn of(row: &'c Row, keys: &'c [String]) -> Self {
        Self { keys, endpoint: &row.endpoint, host: &row.host }
    }
}

/// The keys by which a row's route can be named. Where a login was to decide and nothing did, because the proxy was never
/// heard for one, it is the row of every scheme: an expectation of yesterday's is not met, and no mistake.
fn keys(route: &Route) -> Vec<String> {
    let key = route.key.0.clone();
    let is_open = route.scheme.is_none() && matches!(route.identity, Some(Identity::User | Identity::Device));
    let schemes = SCHEMES.into_iter().filter(|_| is_open).map(|scheme| format!("{key}|{scheme}"));
    std::iter::once(key.clone()).chain(schemes).collect()
}

/// Which half of an entry fits nothing, and what it could name.
fn what_there_is(candidates: &[Candidate<'_>], entry: &Entry, place: &'static str) -> (&'static str, String) {
    const SHOWN: usize = 12;
    let mut names: Vec<String> = Vec::new();
    let mut push = |name: &str| {
        if names.len() <= SHOWN && !names.iter().any(|other| other == name) {
            names.push(name.to_owned());
        }
    };
    let routes_fit = candidates.iter().any(|one| one.keys.iter().any(|key| entry.routes.matches(key)));
    for one in candidates {
        push(if routes_fit { one.endpoint } else { one.keys.first().map_or("", String::as_str) });
    }
    let more = if names.len() > SHOWN { ", …" } else { "" };
    names.truncate(SHOWN);
    let what = if routes_fit { "endpoints" } else { "routes" };
    (place, format!("the {what} of this {place} are {}{more}", quoted(&names)))
}

fn quoted(names: &[String]) -> String {
    names.iter().map(|name| format!("`{}`", quotable(name))).collect::<Vec<_>>().join(", ")
}

fn entries(text: &str, mistakes: &mut Mistakes) -> Vec<Entry> {
    if text.len() > LARGEST_TEXT {
        mistakes.add_without_place(
            format!("{} bytes are too many for expectations", text.len()),
            "up to 1 MiB is read".to_owned(),
        );
        return Vec::new();
    }
    let (root, errors) = DeTable::parse_recoverable(text);
    mistakes.add_broken(errors, text);
    let root = Section::root("the expectations", root.get_ref(), &KEYS, mistakes);
    let schema = root.required_text("schema", "schema = \"waprobe-expect/1\"", mistakes);
    if let Some(schema) = schema
        && schema.value != SCHEMA
    {
        let message = format!("unknown schema `{}`", quotable(schema.value));
        mistakes.add(&schema.span, message, format!("this version of waprobe reads `{SCHEMA}`"));
    }
    let Some(list) = root.get("expect") else {
        mistakes.add_missing(None, "no expectation in it", EXAMPLE.to_owned());
        return Vec::new();
    };
    match list.get_ref() {
        DeValue::Array(list) if !list.is_empty() => list
            .iter()
            .filter_map(|value| entry(&Section::open(ENTRY, value, &ENTRY_KEYS, mistakes)?, value.span(), mistakes))
            .collect(),
        other => {
            let message = format!("`expect` is {} where a list of tables is expected", section::kind(other));
            mistakes.add(&list.span(), message, EXAMPLE.to_owned());
            Vec::new()
        }
    }
}

fn entry(section: &Section<'_>, span: Range<usize>, mistakes: &mut Mistakes) -> Option<Entry> {
    let routes = section.required_text("route", "route = \"direct\"", mistakes);
    let endpoints = section
        .required("endpoints", "endpoints = [\"*\"]", mistakes)
        .and_then(|value| section::texts("endpoints", value, mistakes));
    let statuses = section
        .required("status", "status = [\"blocked\"]", mistakes)
        .and_then(|value| section::texts("status", value, mistakes));
    let codes = match section.get("code") {
        None => Vec::new(),
        Some(value) => section::texts("code", value, mistakes)?,
    };
    let known = Status::ALL.map(|status| (status.as_str(), status));
    let statuses: Vec<Status> =
        statuses?.iter().filter_map(|text| section::choose("status", text, &known, mistakes)).collect();
    let codes = codes.iter().filter_map(|text| code(text, mistakes)).collect();
    let endpoints: Vec<Pattern> = endpoints?.iter().map(|text| Pattern::new(text.value)).collect();
    if endpoints.is_empty() || statuses.is_empty() {
        let message = "an expectation without an endpoint or without a status is never met";
        mistakes.add(&span, message, EXAMPLE.to_owned());
    }
    Some(Entry { routes: Pattern::new(routes?.value), endpoints, statuses, codes, span })
}

fn code(text: &Text<'_>, mistakes: &mut Mistakes) -> Option<CodePattern> {
    match CodePattern::read(text.value) {
        Ok(pattern) => Some(pattern),
        Err(mistake) => {
            mistakes.add(&text.span, mistake.message, mistake.suggestion);
            None
        }
    }
}
