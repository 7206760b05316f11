//! The tree of a TOML text, asked key by key, and the mistakes found on the way.
//!
//! serde stops at the first mistake of a table; here each question notes its own and the next one is asked all the same.

use std::ops::Range;

use serde_spanned::Spanned;
use toml::de::{DeArray, DeTable, DeValue};

use crate::catalogue::complaint::quotable;
use crate::catalogue::{Complaint, suggest};

/// What is wrong with a file so far.
#[derive(Debug, Default)]
pub(crate) struct Mistakes {
    complaints: Vec<Complaint>,
    left_out: usize,
    /// Lines that are not TOML. What the parser made of them is not complained about once more, and what seems to be
    /// missing may stand there.
    broken: Vec<Range<usize>>,
    /// The first broken line that begins a table. What follows it may be counted to another table.
    lost_from: Option<usize>,
}

/// A generated file can repeat one mistake without end; nobody reads on after so many.
const MOST_SHOWN: usize = 500;

/// A piece of text with its place, quotes included.
#[derive(Debug, Clone)]
pub(crate) struct Text<'t> {
    pub value: &'t str,
    pub span: Range<usize>,
}

/// A table of the catalogue.
pub(crate) struct Section<'t> {
    /// How the table is called in messages: `[[endpoint]]`.
    label: &'static str,
    span: Range<usize>,
    entries: &'t DeTable<'t>,
}

impl Mistakes {
    pub fn add(&mut self, span: &Range<usize>, message: impl Into<String>, suggestion: impl Into<Option<String>>) {
        let in_broken_line = |broken: &Range<usize>| span.start <= broken.end && broken.start <= span.end;
        let is_lost = self.lost_from.is_some_and(|lost| lost <= span.start);
        if is_lost || self.broken.iter().any(in_broken_line) || (span.is_empty() && !self.broken.is_empty()) {
            return;
        }
        self.push(Complaint { message: message.into(), span: Some(span.clone()), suggestion: suggestion.into() });
    }

    /// A mistake of the file as a whole.
    pub fn add_without_place(&mut self, message: impl Into<String>, suggestion: impl Into<Option<String>>) {
        self.push(Complaint { message: message.into(), span: None, suggestion: suggestion.into() });
    }

    /// Something is not there; in a file that is not TOML throughout it may only be unreadable.
    pub fn add_missing(
        &mut self,
        span: Option<&Range<usize>>,
        message: impl Into<String>,
        suggestion: impl Into<Option<String>>,
    ) {
        if self.broken.is_empty() {
            self.push(Complaint { message: message.into(), span: span.cloned(), suggestion: suggestion.into() });
        }
    }

    /// What the TOML parser could not read.
    pub fn add_broken(&mut self, errors: Vec<toml::de::Error>, text: &str) {
        let mut broken: Vec<Range<usize>> = Vec::new();
        for error in errors {
            let span = error.span().unwrap_or(0..0);
            // One slip makes the parser stumble several times; the first time says it.
            if broken.iter().any(|line| line.start <= span.start && span.start <= line.end) {
                continue;
            }
            if broken.len() < MOST_SHOWN {
                let start =
                    text.get(..span.start).and_then(|before| before.rfind('\n')).map_or(0, |newline| newline + 1);
                let rest = text.get(span.start..).and_then(|after| after.find('\n'));
                broken.push(start..rest.map_or(text.len(), |newline| span.start + newline));
                if text.get(start..).is_some_and(|line| line.trim_start_matches([' ', '\t']).starts_with('[')) {
                    self.lost_from = Some(self.lost_from.map_or(start, |lost| lost.min(start)));
                }
            }
            let message = format!("this is not TOML: {}", error.message());
            self.push(Complaint { message, span: Some(span), suggestion: None });
        }
        self.broken = broken;
    }

    pub fn is_full(&self) -> bool {
        self.complaints.len() >= MOST_SHOWN
    }

    fn push(&mut self, complaint: Complaint) {
        if self.is_full() {
            self.left_out += 1;
        } else {
            self.complaints.push(complaint);
        }
    }

    /// Counts one more, where it would cost time to say which.
    pub fn leave_out(&mut self) {
        self.left_out += 1;
    }

    /// In the order of the file, and how many more there are; empty when nothing is wrong.
    pub fn into_complaints(mut self) -> (Vec<Complaint>, usize) {
        self.complaints.sort_by_key(|complaint| complaint.span.as_ref().map(|span| span.start));
        (self.complaints, self.left_out)
    }
}

impl<'t> Section<'t> {
    /// The whole file.
    pub fn root(label: &'static str, entries: &'t DeTable<'t>, known: &[&str], mistakes: &mut Mistakes) -> Self {
        let section = Self { label, span: 0..0, entries };
        section.refuse_unknown(known, mistakes);
        section
    }

    /// `value` as a table whose keys are among `known`.
    pub fn open(
        label: &'static str,
        value: &'t Spanned<DeValue<'t>>,
        known: &[&str],
        mistakes: &mut Mistakes,
    ) -> Option<Self> {
        let DeValue::Table(entries) = value.get_ref() else {
            let message = format!("{label} is {} where a table is expected", kind(value.get_ref()));
            mistakes.add(&value.span(), message, format!("its keys are {}", listed(known)));
            return None;
        };
        let section = Self { label, span: value.span(), entries };
        section.refuse_unknown(known, mistakes);
        Some(section)
    }

    fn refuse_unknown(&self, known: &[&str], mistakes: &mut Mistakes) {
        for key in self.entries.keys().filter(|key| !known.contains(&key.get_ref().as_ref())) {
            let suggestion = match suggest::closest(key.get_ref(), known.iter().copied()) {
                Some(meant) => format!("did you mean `{meant}`?"),
                None => format!("the keys here are {}", listed(known)),
            };
            let message = format!("unknown key `{}` in {}", quotable(key.get_ref()), self.label);
            mistakes.add(&key.span(), message, suggestion);
        }
    }

    pub fn get(&self, key: &str) -> Option<&'t Spanned<DeValue<'t>>> {
        self.entries.get(key)
    }

    /// The value of a key that has to be there; `example` is a line that would do.
    pub fn required(&self, key: &str, example: &str, mistakes: &mut Mistakes) -> Option<&'t Spanned<DeValue<'t>>> {
        let value = self.get(key);
        if value.is_none() {
            let message = format!("`{key}` is missing in {}", self.label);
            mistakes.add_missing(Some(&self.span), message, format!("add a line such as `{example}`"));
        }
        value
    }

    pub fn text(&self, key: &str, mistakes: &mut Mistakes) -> Option<Text<'t>> {
        text(key, self.get(key)?, mistakes)
    }

    pub fn required_text(&self, key: &str, example: &str, mistakes: &mut Mistakes) -> Option<Text<'t>> {
        text(key, self.required(key, example, mistakes)?, mistakes)
    }

    /// The tables of `key`; nothing when it is absent.
    pub fn tables(&self, key: &str, example: &str, mistakes: &mut Mistakes) -> &'t [Spanned<DeValue<'t>>] {
        self.get(key).and_then(|value| list(key, value, example, mistakes)).map_or(&[], |list| &**list)
    }
}

pub(crate) fn text<'t>(key: &str, value: &'t Spanned<DeValue<'t>>, mistakes: &mut Mistakes) -> Option<Text<'t>> {
    let DeValue::String(text) = value.get_ref() else {
        let message = format!("`{key}` is {} where a text is expected", kind(value.get_ref()));
        let suggestion = match value.get_ref() {
            DeValue::Array(_) | DeValue::Table(_) => format!("write one text: `{key} = \"…\"`"),
            plain => format!("write it in quotes: `{key} = \"{}\"`", written(plain)),
        };
        mistakes.add(&value.span(), message, suggestion);
        return None;
    };
    Some(Text { value: text, span: value.span() })
}

/// A list of tables or numbers; `example` shows one.
pub(crate) fn list<'t>(
    key: &str,
    value: &'t Spanned<DeValue<'t>>,
    example: &str,
    mistakes: &mut Mistakes,
) -> Option<&'t DeArray<'t>> {
    let DeValue::Array(list) = value.get_ref() else {
        let message = format!("`{key}` is {} where a list is expected", kind(value.get_ref()));
        mistakes.add(&value.span(), message, format!("write it in brackets: `{example}`"));
        return None;
    };
    Some(list)
}

/// Every text of a list of texts.
pub(crate) fn texts<'t>(key: &str, value: &'t Spanned<DeValue<'t>>, mistakes: &mut Mistakes) -> Option<Vec<Text<'t>>> {
    let example = format!("{key} = [\"{}\"]", written(value.get_ref()));
    let list = list(key, value, &example, mistakes)?;
    Some(list.iter().filter_map(|entry| element(key, entry, mistakes)).collect())
}

fn element<'t>(key: &str, entry: &'t Spanned<DeValue<'t>>, mistakes: &mut Mistakes) -> Option<Text<'t>> {
    let DeValue::String(text) = entry.get_ref() else {
        let message = format!("an entry of `{key}` is {} where a text is expected", kind(entry.get_ref()));
        mistakes.add(&entry.span(), message, format!("write it in quotes: `\"{}\"`", written(entry.get_ref())));
        return None;
    };
    Some(Text { value: text, span: entry.span() })
}

/// A plain value as it stands in the file, without its quotes.
fn written(value: &DeValue<'_>) -> String {
    match value {
        DeValue::String(text) => quotable(text),
        DeValue::Integer(number) => quotable(&number.to_string()),
        DeValue::Float(number) => quotable(&number.to_string()),
        DeValue::Boolean(value) => value.to_string(),
        DeValue::Datetime(moment) => moment.to_string(),
        DeValue::Array(_) | DeValue::Table(_) => "…".to_owned(),
    }
}

/// The one of `choices` whose name is `text`.
pub(crate) fn choose<T: Copy>(
    what: &str,
    text: &Text<'_>,
    choices: &[(&str, T)],
    mistakes: &mut Mistakes,
) -> Option<T> {
    let chosen = choices.iter().find(|(name, _)| *name == text.value).map(|(_, choice)| *choice);
    if chosen.is_none() {
        let names: Vec<_> = choices.iter().map(|(name, _)| *name).collect();
        let suggestion = match suggest::closest(text.value, names.iter().copied()) {
            Some(meant) => format!("did you mean `{meant}`?"),
            None => format!("write one of {}", listed(&names)),
        };
        mistakes.add(&text.span, format!("unknown {what} `{}`", quotable(text.value)), suggestion);
    }
    chosen
}

/// What a value is, as a sentence needs it.
pub(crate) fn kind(value: &DeValue<'_>) -> &'static str {
    match value {
        DeValue::String(_) => "a text",
        DeValue::Integer(_) => "a number",
        DeValue::Float(_) => "a fraction",
        DeValue::Boolean(_) => "true or false",
        DeValue::Datetime(_) => "a date",
        DeValue::Array(_) => "a list",
        DeValue::Table(_) => "a table",
    }
}

fn listed(names: &[&str]) -> String {
    names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
}
