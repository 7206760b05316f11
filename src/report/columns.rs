//! The routes of a report as a table sees them: one column per planned route.

use std::collections::HashSet;

use super::{Report, Route, Row};
use crate::judge::Status;
use crate::plan::{RouteKey, Scheme};

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

/// The same with those rows only whose outcome could change the answer.
pub(super) fn needed(report: &Report) -> Vec<Column<'_>> {
    let mut columns = columns(report);
    for column in &mut columns {
        column.rows.retain(|row| row.needed);
    }
    columns.retain(|column| !column.rows.is_empty());
    columns
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
        // A planned route has no scheme in its key when several decided its rows; theirs have.
        let decided = format!("{key}|");
        self.rows.iter().any(|row| row.route.key == *key || row.route.key.0.starts_with(&decided))
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
