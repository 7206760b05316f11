//! The map: endpoints × routes.

use std::collections::HashMap;

use comfy_table::{ContentArrangement, Table};
use unicode_width::UnicodeWidthStr as _;

use super::findings::Numbers;
use super::page::{Page, shortened, wrap};
use super::paint::{Tone, toned};
use crate::judge::Status;
use crate::report::columns::Column;
use crate::report::text::sanitize;
use crate::report::{Row, wording};

/// Lines of the map beyond which endpoints that are ok everywhere are only counted.
const LONGEST_MAP: usize = 40;
/// Hosts that do the same under one domain share a line from this many on.
const SHARED_FROM: usize = 3;
/// So alike are their names then, in characters.
const ALIKE: usize = 4;
const INDENT: usize = 2;
const GUTTER: usize = 2;
const WIDEST_LABEL: usize = 44;
const NARROWEST_LABEL: usize = 24;
const WIDEST_HEADING: usize = 30;

/// One line: endpoints that fared alike on every route.
struct Line<'r> {
    group: &'r str,
    label: String,
    /// How many endpoints stand behind it.
    endpoints: usize,
    cells: Vec<Option<Cell>>,
}

#[derive(Clone, PartialEq)]
struct Cell {
    status: Status,
    /// Behind the status: the number of the finding, or the code where no finding speaks of it.
    reference: String,
    fastest_ms: Option<f64>,
    slowest_ms: Option<f64>,
}

pub(super) fn draw(page: &mut Page, columns: &[Column<'_>], numbers: &Numbers<'_>) {
    let lines = lines(columns, numbers);
    let total: usize = lines.iter().map(|line| line.endpoints).sum();
    let (lines, left_out) = if page.layout.verbose { (lines, LeftOut::default()) } else { bounded(lines) };
    let texts: Vec<(String, Vec<String>)> =
        lines.iter().map(|line| (line.label.clone(), line.cells.iter().map(cell_text).collect())).collect();
    let label_width = texts.iter().map(|(label, _)| label.width()).max().unwrap_or(0).min(WIDEST_LABEL);
    let widths: Vec<usize> = columns
        .iter()
        .enumerate()
        .map(|(index, column)| {
            let (proxy, identity) = wording::route_parts(column.route(), column.scheme);
            let heading = proxy.width().max(identity.width()).min(WIDEST_HEADING);
            texts.iter().map(|(_, cells)| cells[index].width()).max().unwrap_or(0).max(heading) + GUTTER
        })
        .collect();

    let room = page.width().saturating_sub(INDENT + GUTTER);
    let widest = widths.iter().max().copied().unwrap_or(0);
    let label_width = label_width.min(room.saturating_sub(widest).max(NARROWEST_LABEL));
    for block in blocks(&widths, room.saturating_sub(label_width)) {
        page.gap();
        page.table(&table(&lines, &texts, columns, &widths, block, label_width));
    }
    left_out.tell(page, total);
}

/// Runs of columns that fit beside the labels; a column that fits nowhere stands alone.
fn blocks(widths: &[usize], room: usize) -> Vec<std::ops::Range<usize>> {
    let mut blocks: Vec<std::ops::Range<usize>> = Vec::new();
    let mut used = 0;
    for (index, width) in widths.iter().enumerate() {
        match blocks.last_mut() {
            Some(block) if used + width <= room => block.end = index + 1,
            _ => {
                blocks.push(index..index + 1);
                used = 0;
            }
        }
        used += width;
    }
    blocks
}

fn table(
    lines: &[Line<'_>],
    texts: &[(String, Vec<String>)],
    columns: &[Column<'_>],
    widths: &[usize],
    block: std::ops::Range<usize>,
    label_width: usize,
) -> Table {
    let mut table = Table::new();
    table.load_style(comfy_table::presets::NOTHING).set_content_arrangement(ContentArrangement::Disabled);
    let mut heading = vec![String::new()];
    for index in block.clone() {
        let column = &columns[index];
        let (proxy, identity) = wording::route_parts(column.route(), column.scheme);
        let lines: Vec<String> = wrap(&proxy, widths[index] - GUTTER)
            .into_iter()
            .chain((!identity.is_empty()).then_some(identity))
            .collect();
        heading.push(lines.iter().map(|line| toned(Tone::Heading, line)).collect::<Vec<_>>().join("\n"));
    }
    table.set_header(heading);
    let mut group = "";
    for (line, (label, cells)) in lines.iter().zip(texts) {
        if line.group != group {
            group = line.group;
            if !group.is_empty() {
                table.add_row(vec![toned(Tone::Aside, &sanitize(group))]);
            }
        }
        let indent = if group.is_empty() { "" } else { "  " };
        let mut row = vec![format!("{indent}{}", shortened(label, label_width.saturating_sub(indent.len())))];
        for index in block.clone() {
            row.push(match &line.cells[index] {
                Some(cell) => toned(tone(cell.status), &cells[index]),
                None => String::new(),
            });
        }
        table.add_row(row);
    }
    for (index, column) in table.column_iter_mut().enumerate() {
        column.set_padding(if index == 0 { (2, 2) } else { (0, 2) });
    }
    table
}

pub(super) fn tone(status: Status) -> Tone {
    match status {
        Status::Ok => Tone::Good,
        Status::Degraded | Status::Inconclusive | Status::NotTested => Tone::Doubtful,
        Status::Blocked | Status::Intercepted => Tone::Bad,
    }
}

fn cell_text(cell: &Option<Cell>) -> String {
    let Some(cell) = cell else { return String::new() };
    let mut text = wording::status(cell.status).to_owned();
    if matches!(cell.status, Status::Ok | Status::Degraded)
        && let (Some(fastest), Some(slowest)) = (cell.fastest_ms, cell.slowest_ms)
    {
        let (fastest, slowest) = (fastest.round(), slowest.round());
        text += &if fastest == slowest { format!(" {slowest} ms") } else { format!(" {fastest}–{slowest} ms") };
    }
    if !cell.reference.is_empty() {
        text += &format!(" {}", cell.reference);
    }
    text
}

/// One line per endpoint in the order of the report, group by group; hosts that are alike share one.
fn lines<'r>(columns: &[Column<'r>], numbers: &Numbers<'_>) -> Vec<Line<'r>> {
    let mut order: Vec<&'r Row> = Vec::new();
    let mut places: HashMap<&'r str, usize> = HashMap::new();
    let mut cells: Vec<Vec<Option<Cell>>> = Vec::new();
    for (index, column) in columns.iter().enumerate() {
        for row in &column.rows {
            let place = *places.entry(row.endpoint.as_str()).or_insert_with(|| {
                order.push(row);
                cells.push(vec![None; columns.len()]);
                cells.len() - 1
            });
            cells[place][index] = Some(Cell {
                status: row.status,
                reference: numbers.reference(row),
                fastest_ms: row.timings_ms.total,
                slowest_ms: row.timings_ms.total,
            });
        }
    }
    let mut groups: Vec<&str> = Vec::new();
    let mut members: HashMap<&str, Vec<usize>> = HashMap::new();
    for (place, row) in order.iter().enumerate() {
        let group = row.group.as_str();
        members.entry(group).or_insert_with(|| {
            groups.push(group);
            Vec::new()
        });
        members.entry(group).or_default().push(place);
    }
    groups.iter().flat_map(|group| group_lines(group, &members[group], &order, &cells)).collect()
}

fn group_lines<'r>(group: &'r str, members: &[usize], order: &[&'r Row], cells: &[Vec<Option<Cell>>]) -> Vec<Line<'r>> {
    // Hosts by domain and by how they fared; the key is text because a list of cells has no hash.
    let mut buckets: Vec<Vec<usize>> = Vec::new();
    let mut by_key: HashMap<(&str, Vec<Option<(Status, &str)>>), usize> = HashMap::new();
    let mut under_domain: HashMap<&str, usize> = HashMap::new();
    for place in members {
        let domain = domain(order[*place]);
        *under_domain.entry(domain).or_default() += 1;
        let fared =
            cells[*place].iter().map(|cell| cell.as_ref().map(|cell| (cell.status, cell.reference.as_str()))).collect();
        let bucket = *by_key.entry((domain, fared)).or_insert_with(|| {
            buckets.push(Vec::new());
            buckets.len() - 1
        });
        buckets[bucket].push(*place);
    }
    let mut lines = Vec::new();
    for bucket in &buckets {
        let names: Vec<&str> = bucket.iter().map(|place| first_label(order[*place])).collect();
        let alike = if bucket.len() >= SHARED_FROM { common_part(&names) } else { String::new() };
        if alike.len() < ALIKE {
            lines.extend(bucket.iter().map(|place| Line {
                group,
                label: address(order[*place]),
                endpoints: 1,
                cells: cells[*place].clone(),
            }));
            continue;
        }
        let domain = domain(order[bucket[0]]);
        let of = under_domain[domain];
        let count = if of == bucket.len() { format!("({of})") } else { format!("({} of {of})", bucket.len()) };
        let merged = (0..cells[bucket[0]].len())
            .map(|column| {
                let mut merged = cells[bucket[0]][column].clone()?;
                for place in &bucket[1..] {
                    let other = cells[*place][column].as_ref()?;
                    merged.fastest_ms = smaller(merged.fastest_ms, other.fastest_ms);
                    merged.slowest_ms =
                        smaller(merged.slowest_ms.map(|ms| -ms), other.slowest_ms.map(|ms| -ms)).map(|ms| -ms);
                }
                Some(merged)
            })
            .collect();
        lines.push(Line {
            group,
            label: format!("*{}*.{} {count}", sanitize(&alike), sanitize(domain)),
            endpoints: bucket.len(),
            cells: merged,
        });
    }
    lines
}

fn smaller(one: Option<f64>, other: Option<f64>) -> Option<f64> {
    match (one, other) {
        (Some(one), Some(other)) => Some(one.min(other)),
        (one, other) => one.or(other),
    }
}

fn first_label(row: &Row) -> &str {
    row.host.split('.').next().unwrap_or_default()
}

fn domain(row: &Row) -> &str {
    row.host.split_once('.').map_or("", |(_, domain)| domain)
}

/// The host as it stands in a rule; plain http and unusual ports are told.
pub(super) fn address(row: &Row) -> String {
    let host = sanitize(&row.host);
    let usual = if row.is_tls() { 443 } else { 80 };
    let port = if row.port == usual { String::new() } else { format!(":{}", row.port) };
    if row.is_tls() { format!("{host}{port}") } else { format!("http://{host}{port}") }
}

/// The longest text that all names hold.
fn common_part(names: &[&str]) -> String {
    let Some(shortest) = names.iter().min_by_key(|name| name.len()) else { return String::new() };
    let starts: Vec<usize> = shortest.char_indices().map(|(at, _)| at).chain([shortest.len()]).collect();
    let mut best = "";
    for (position, start) in starts.iter().enumerate() {
        for end in &starts[position + 1..] {
            let part = &shortest[*start..*end];
            if part.len() > best.len() && names.iter().all(|name| name.contains(part)) {
                best = part;
            }
        }
    }
    best.to_owned()
}

/// What the map does not show.
#[derive(Default)]
struct LeftOut {
    ok: usize,
    other: usize,
}

fn bounded(lines: Vec<Line<'_>>) -> (Vec<Line<'_>>, LeftOut) {
    if lines.len() <= LONGEST_MAP {
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
    fn tell(&self, page: &mut Page, total: usize) {
        if self.other > 0 {
            page.prose("  ", &format!("… and {} that are not ok", wording::plural(self.other, "more endpoint")));
        }
        if self.ok > 0 {
            let (ok, total) = (wording::grouped(self.ok), wording::grouped(total));
            page.prose("  ", &format!("{ok} of {total} endpoints are ok on every route"));
        }
    }
}
