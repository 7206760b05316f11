//! `waprobe-expect/1`: what the rows of a report should be.
//!
//! In: a TOML file, then a report. Out: the rows that are not as expected. A row that no entry names must be `ok`, so that
//! a new endpoint or route cannot hide behind an old file; for the same reason an entry that names no row is a mistake.

use std::ops::Range;

use toml::de::{DeTable, DeValue};

use super::pattern::{CodePattern, Pattern};
use super::{Report, Row};
use crate::catalogue::section::{self, Mistakes, Section, Text};
use crate::catalogue::{Complaint, Complaints, quotable};
use crate::judge::Status;

/// A file of expectations, read.
#[derive(Debug, Clone)]
pub struct Expectation {
    origin: String,
    text: String,
    entries: Vec<Entry>,
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
        let complaints = mistakes.into_complaints();
        if complaints.is_empty() {
            Ok(Self { origin: origin.to_owned(), text: text.to_owned(), entries })
        } else {
            Err(Complaints { origin: origin.to_owned(), text: text.to_owned(), complaints })
        }
    }

    /// The rows of `report` that are not as expected.
    ///
    /// # Errors
    /// The entries that match no row.
    pub fn compare(&self, report: &Report) -> Result<Vec<Unexpected>, Complaints> {
        let mut used = vec![false; self.entries.len()];
        let mut unexpected = Vec::new();
        for row in &report.rows {
            let mut counting = None;
            for (entry, used) in self.entries.iter().zip(&mut used) {
                if entry.names(row) {
                    *used = true;
                    counting = Some(entry);
                }
            }
            let is_met = counting.map_or(row.status == Status::Ok, |entry| entry.is_met_by(row));
            if !is_met {
                let expected = counting.map_or_else(|| Status::Ok.to_string(), Entry::in_words);
                unexpected.push(Unexpected { row: row.id.clone(), expected });
            }
        }
        let idle: Vec<Complaint> = self
            .entries
            .iter()
            .zip(&used)
            .filter(|(_, used)| !**used)
            .map(|(entry, _)| Complaint {
                message: "this entry matches no row of the report".to_owned(),
                span: Some(entry.span.clone()),
                suggestion: Some(what_there_is(report, entry)),
            })
            .collect();
        if idle.is_empty() {
            Ok(unexpected)
        } else {
            Err(Complaints { origin: self.origin.clone(), text: self.text.clone(), complaints: idle })
        }
    }
}

impl Entry {
    fn names(&self, row: &Row) -> bool {
        self.routes.matches(&row.route.key.0)
            && self.endpoints.iter().any(|pattern| pattern.matches(&row.endpoint) || pattern.matches(&row.host))
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

/// Which half of an entry fits nothing, and what it could name.
fn what_there_is(report: &Report, entry: &Entry) -> String {
    const SHOWN: usize = 12;
    let mut names: Vec<String> = Vec::new();
    let mut push = |name: &str| {
        if names.len() <= SHOWN && !names.iter().any(|other| other == name) {
            names.push(name.to_owned());
        }
    };
    let routes_fit = report.rows.iter().any(|row| entry.routes.matches(&row.route.key.0));
    for row in &report.rows {
        push(if routes_fit { &row.endpoint } else { &row.route.key.0 });
    }
    let more = if names.len() > SHOWN { ", …" } else { "" };
    names.truncate(SHOWN);
    let what = if routes_fit { "endpoints" } else { "routes" };
    format!("the {what} of this report are {}{more}", quoted(&names))
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
    if let Some(schema) = root.required_text("schema", "schema = \"waprobe-expect/1\"", mistakes)
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
