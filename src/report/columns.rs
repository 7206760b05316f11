//! The routes of a report as a table sees them: one column per planned route.

use std::collections::HashSet;

use super::{Report, Route, Row};
use crate::judge::Status;
use crate::plan::{RouteKey, Scheme};

/// The direct route among a script's ways.
const DIRECT: &str = "direct";

/// The rows of one planned route.
#[derive(Debug)]
pub(super) struct Column<'r> {
    pub rows: Vec<&'r Row>,
    /// What decided the route, when it is one scheme for all rows that needed any.
    pub scheme: Option<Scheme>,
}

/// Splits the rows into routes. They come route by route; one planned route may report several keys, because another
/// scheme, or none, decided some of its rows, but it never reports an endpoint twice.
pub(super) fn columns(report: &Report) -> Vec<Column<'_>> {
    let mut columns: Vec<Column<'_>> = Vec::new();
    let mut seen = HashSet::new();
    for row in &report.rows {
        let continues = columns.last().is_some_and(|column| column.route().is_beside(&row.route));
        if !continues || seen.contains(row.endpoint.as_str()) {
            columns.push(Column { rows: Vec::new(), scheme: None });
            seen.clear();
        }
        seen.insert(row.endpoint.as_str());
        if let Some(column) = columns.last_mut() {
            column.rows.push(row);
        }
    }
    for column in &mut columns {
        let mut schemes =
            column.rows.iter().filter_map(|row| row.route.scheme).filter(|scheme| *scheme != Scheme::None);
        let first = schemes.next();
        column.scheme = if schemes.all(|scheme| Some(scheme) == first) { first } else { None };
    }
    columns
}

/// The routes that tell what becomes of devices: without those that a script names only for when another does not answer,
/// where that one answers.
pub(super) fn travelled(report: &Report) -> Vec<Column<'_>> {
    let mut columns = columns(report);
    columns.retain(|column| column.rows.iter().any(|row| is_travelled(report, row)));
    columns
}

/// Whether devices come this way to this host: the script that was asked sends them, or does not speak of the route.
pub(super) fn is_travelled(report: &Report, row: &Row) -> bool {
    let way = row.route.proxy.as_deref().unwrap_or(DIRECT);
    let mut answers = report.run.script.iter().flat_map(|script| &script.answers);
    answers.find(|answer| answer.endpoint == row.endpoint).is_none_or(|answer| {
        let taken = answer.taken.as_ref().or(answer.ways.first());
        taken.is_some_and(|taken| taken == way) || !answer.ways.iter().any(|named| named == way)
    })
}

/// How many endpoints these rows are about.
pub(super) fn endpoints<'r>(rows: impl IntoIterator<Item = &'r Row>) -> usize {
    rows.into_iter().map(|row| row.endpoint.as_str()).collect::<HashSet<_>>().len()
}

impl<'r> Column<'r> {
    /// Any row's route: they differ in scheme at most.
    pub fn route(&self) -> &'r Route {
        &self.rows[0].route
    }

    pub fn count(&self, statuses: &[Status]) -> usize {
        self.rows.iter().filter(|row| statuses.contains(&row.status)).count()
    }

    /// Nothing gets out here. An answer over plain http alone is no diagnostic data: what is sent goes over TLS.
    pub fn is_closed(&self) -> bool {
        let has_tls = self.rows.iter().any(|row| row.is_tls());
        !self.rows.iter().any(|row| row.is_tls() == has_tls && matches!(row.status, Status::Ok | Status::Degraded))
    }

    pub fn has_key(&self, key: &RouteKey) -> bool {
        self.rows.iter().any(|row| row.route.key == *key)
    }
}

impl Route {
    fn is_beside(&self, other: &Self) -> bool {
        self.kind == other.kind && self.proxy == other.proxy && self.identity == other.identity
    }
}

impl Row {
    pub(super) fn is_tls(&self) -> bool {
        self.url.starts_with("https:")
    }
}
