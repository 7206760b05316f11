//! The lines of the map: which endpoints share one, and which are only counted.

use std::collections::HashMap;

use crate::harmless::sanitize;
use crate::judge::Status;
use crate::report::Row;
use crate::report::advice::{Numbers, address};
use crate::report::columns::Column;
use crate::report::counts::{grouped, plural};
use crate::report::terminal::page::Page;

/// Lines of the map beyond which endpoints that are ok everywhere are only counted.
const LONGEST_MAP: usize = 40;
/// Hosts that do the same under one domain share a line from this many on.
const SHARED_FROM: usize = 3;
/// So alike are their names then, in characters.
const ALIKE: usize = 4;

/// One line: endpoints that fared alike on every route.
pub(in crate::report) struct Line<'r> {
    pub group: &'r str,
    pub label: String,
    /// How many endpoints stand behind it.
    pub endpoints: usize,
    pub cells: Vec<Option<Cell>>,
}

#[derive(Clone)]
pub(in crate::report) struct Cell {
    pub status: Status,
    /// Behind the status: the number of the finding, or the code where no finding speaks of it.
    pub reference: String,
    /// The fastest and the slowest, in milliseconds.
    took: Option<(f64, f64)>,
}

impl Cell {
    /// `84 ms`, or `84–91 ms` for several endpoints.
    pub fn took(&self) -> Option<String> {
        let (fastest, slowest) = self.took.map(|(fastest, slowest)| (fastest.round(), slowest.round()))?;
        let (fastest, slowest) = (fastest.to_string(), slowest.to_string());
        Some(if fastest == slowest { format!("{slowest} ms") } else { format!("{fastest}–{slowest} ms") })
    }

    fn merge(&mut self, other: &Self) {
        self.took = match (self.took, other.took) {
            (Some((fastest, slowest)), Some((low, high))) => Some((fastest.min(low), slowest.max(high))),
            (one, other) => one.or(other),
        };
    }
}

/// One endpoint with what became of it on each route.
struct Member<'r> {
    row: &'r Row,
    cells: Vec<Option<Cell>>,
}

/// One line per endpoint in the order of the report, group by group; hosts that are alike share one.
pub(in crate::report) fn lines<'r>(columns: &[Column<'r>], numbers: &Numbers<'_>) -> Vec<Line<'r>> {
    let mut endpoints: Vec<Member<'r>> =
        order(columns).into_iter().map(|row| Member { row, cells: vec![None; columns.len()] }).collect();
    let places: HashMap<&'r str, usize> =
        endpoints.iter().zip(0..).map(|(member, place)| (member.row.endpoint.as_str(), place)).collect();
    for (index, column) in columns.iter().enumerate() {
        for row in &column.rows {
            endpoints[places[row.endpoint.as_str()]].cells[index] = Some(Cell {
                status: row.status,
                reference: numbers.reference(row),
                took: row.timings_ms.total.map(|total| (total, total)),
            });
        }
    }
    let mut groups: Vec<Vec<Member<'r>>> = Vec::new();
    let mut place_of: HashMap<&'r str, usize> = HashMap::new();
    for endpoint in endpoints {
        let place = *place_of.entry(endpoint.row.group.as_str()).or_insert_with(|| {
            groups.push(Vec::new());
            groups.len() - 1
        });
        groups[place].push(endpoint);
    }
    groups.into_iter().flat_map(lines_of_group).collect()
}

/// The first row of each endpoint, in the catalogue's order. A route may have some of the endpoints alone; what only a
/// later route has stands behind its neighbour there.
fn order<'r>(columns: &[Column<'r>]) -> Vec<&'r Row> {
    let mut next: HashMap<&str, Option<&'r Row>> = HashMap::new();
    let mut first: Option<&'r Row> = None;
    for column in columns {
        let mut before: Option<&'r Row> = None;
        for row in &column.rows {
            if !next.contains_key(row.endpoint.as_str()) {
                let behind = match before {
                    None => first.replace(row),
                    Some(before) => next.insert(before.endpoint.as_str(), Some(row)).flatten(),
                };
                next.insert(row.endpoint.as_str(), behind);
            }
            before = Some(row);
        }
    }
    std::iter::successors(first, |row| next.get(row.endpoint.as_str()).copied().flatten()).collect()
}

fn lines_of_group(endpoints: Vec<Member<'_>>) -> Vec<Line<'_>> {
    type Fared = Vec<Option<(Status, String)>>;
    let mut buckets: Vec<Vec<Member<'_>>> = Vec::new();
    let mut place_of: HashMap<(&str, Fared), usize> = HashMap::new();
    let mut under_domain: HashMap<&str, usize> = HashMap::new();
    for member in endpoints {
        *under_domain.entry(domain(member.row)).or_default() += 1;
        let fared = |cell: &Option<Cell>| cell.as_ref().map(|cell| (cell.status, cell.reference.clone()));
        let key = (domain(member.row), member.cells.iter().map(fared).collect());
        let place = *place_of.entry(key).or_insert_with(|| {
            buckets.push(Vec::new());
            buckets.len() - 1
        });
        buckets[place].push(member);
    }
    buckets.into_iter().flat_map(|bucket| lines_of_bucket(bucket, &under_domain)).collect()
}

/// Endpoints that fared alike: one line when their names are alike too, otherwise a line each.
fn lines_of_bucket<'r>(bucket: Vec<Member<'r>>, under_domain: &HashMap<&str, usize>) -> Vec<Line<'r>> {
    let names: Vec<&str> = bucket.iter().map(|member| first_label(member.row)).collect();
    let alike = if names.len() >= SHARED_FROM { common_part(&names) } else { "" };
    if alike.len() < ALIKE {
        return bucket.into_iter().map(Member::line).collect();
    }
    let count = names.len();
    let mut members = bucket.into_iter();
    let Some(mut first) = members.next() else { return Vec::new() };
    let domain = domain(first.row);
    let of = under_domain.get(domain).copied().unwrap_or_default();
    let share =
        if of == count { format!("({})", grouped(of)) } else { format!("({} of {})", grouped(count), grouped(of)) };
    for member in members {
        for (cell, other) in first.cells.iter_mut().zip(&member.cells) {
            if let (Some(cell), Some(other)) = (cell, other) {
                cell.merge(other);
            }
        }
    }
    let label = format!("*{}*.{} {share}", sanitize(alike), sanitize(domain));
    vec![Line { label, endpoints: count, ..first.line() }]
}

impl<'r> Member<'r> {
    fn line(self) -> Line<'r> {
        Line { group: &self.row.group, label: address(self.row), endpoints: 1, cells: self.cells }
    }
}

fn first_label(row: &Row) -> &str {
    row.host.split('.').next().unwrap_or_default()
}

fn domain(row: &Row) -> &str {
    row.host.split_once('.').map_or("", |(_, domain)| domain)
}

/// The longest text that all names hold.
fn common_part<'n>(names: &[&'n str]) -> &'n str {
    let Some(shortest) = names.iter().min_by_key(|name| name.len()) else { return "" };
    let places: Vec<usize> = shortest.char_indices().map(|(at, _)| at).chain([shortest.len()]).collect();
    let mut best = "";
    for (position, start) in places.iter().enumerate() {
        for end in &places[position + 1..] {
            let part = &shortest[*start..*end];
            if part.len() > best.len() && names.iter().all(|name| name.contains(part)) {
                best = part;
            }
        }
    }
    best
}

/// What the map does not show.
#[derive(Debug, Default)]
pub(in crate::report) struct LeftOut {
    pub ok: usize,
    pub other: usize,
}

/// Of a long map only what is not ok, and of that only the beginning.
pub(in crate::report) fn bounded(lines: Vec<Line<'_>>, everything: bool) -> (Vec<Line<'_>>, LeftOut) {
    if everything || lines.len() <= LONGEST_MAP {
        return (lines, LeftOut::default());
    }
    let is_ok = |line: &Line<'_>| line.cells.iter().flatten().all(|cell| cell.status == Status::Ok);
    let (ok, mut other): (Vec<_>, Vec<_>) = lines.into_iter().partition(is_ok);
    let cut = other.split_off(other.len().min(LONGEST_MAP));
    let count = |lines: &[Line<'_>]| lines.iter().map(|line| line.endpoints).sum();
    let left_out = LeftOut { ok: count(&ok), other: count(&cut) };
    (other, left_out)
}

impl LeftOut {
    pub fn tell(&self, page: &mut Page, total: usize) {
        if self.other > 0 {
            page.prose("  ", &format!("… and {} that are not ok on every route", plural(self.other, "more endpoint")));
        }
        if self.ok > 0 {
            let (ok, total) = (grouped(self.ok), grouped(total));
            page.prose(
                "  ",
                &format!("{ok} of {total} endpoints are ok on every route and not shown (--verbose shows them)"),
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use super::common_part;

    #[test]
    fn names_that_are_alike_have_a_long_part_in_common() {
        assert_eq!(common_part(&["ceuswatcab01", "eaus2watcab02", "weus2watcab01"]), "watcab0");
        assert_eq!(common_part(&["v10c", "v10", "watson"]), "");
        assert_eq!(common_part(&["größe-a", "größe-b"]), "größe-");
        assert_eq!(common_part(&[]), "");
    }
}
