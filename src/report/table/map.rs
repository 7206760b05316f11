//! The map: endpoints × routes, as a matrix where there is room and route by route where there is not.

use comfy_table::{ContentArrangement, Table};
use unicode_width::UnicodeWidthStr as _;

use super::lines::{Cell, Line, bounded, lines};
use crate::harmless::sanitize;
use crate::judge::Status;
use crate::report::advice::{Numbers, address};
use crate::report::columns::Column;
use crate::report::counts::grouped;
use crate::report::terminal::page::{Page, shortened};
use crate::report::terminal::paint::{Tone, toned};
use crate::report::{Row, wording};

const INDENT: usize = 2;
const GUTTER: usize = 2;
const WIDEST_LABEL: usize = 48;
const NARROWEST_LABEL: usize = 24;
/// A proxy's address may take two lines of a heading, so that it does not widen its column.
const WIDEST_HEADING: usize = 18;
/// Below this many columns a matrix would be all headings.
const NARROWEST_MATRIX: usize = 80;
/// Hosts that a route's list names for one status.
const NAMED_HOSTS: usize = 3;

pub(super) fn draw(page: &mut Page, columns: &[Column<'_>], numbers: &Numbers<'_>) {
    if page.width() < NARROWEST_MATRIX {
        list(page, columns, numbers);
    } else {
        matrix(page, columns, numbers);
    }
}

fn matrix(page: &mut Page, columns: &[Column<'_>], numbers: &Numbers<'_>) {
    let lines = lines(columns, numbers);
    let total: usize = lines.iter().map(|line| line.endpoints).sum();
    let (lines, left_out) = bounded(lines, page.layout.verbose);
    let rows: Vec<(String, Vec<String>)> = lines
        .iter()
        .map(|line| {
            let indent = if line.group.is_empty() { "" } else { "  " };
            (
                format!("{indent}{}", line.label),
                line.cells.iter().map(|cell| cell.as_ref().map(cell_text).unwrap_or_default()).collect(),
            )
        })
        .collect();
    let headings: Vec<Vec<String>> = columns.iter().map(heading).collect();
    let widths: Vec<usize> = headings
        .iter()
        .enumerate()
        .map(|(index, heading)| {
            let cells = rows.iter().map(|(_, cells)| cells[index].width());
            cells.chain(heading.iter().map(|line| line.width())).max().unwrap_or(0) + GUTTER
        })
        .collect();
    let widest_cell = widths.iter().max().copied().unwrap_or(0);
    let room = page.width().saturating_sub(INDENT + GUTTER);
    let label_width = rows.iter().map(|(label, _)| label.width()).max().unwrap_or(0);
    let label_width = label_width.min(WIDEST_LABEL).min(room.saturating_sub(widest_cell).max(NARROWEST_LABEL));
    for block in blocks(&widths, room.saturating_sub(label_width)) {
        page.gap();
        page.table(&table(&lines, &rows, &headings, block, label_width));
    }
    left_out.tell(page, total);
}

/// Runs of columns that fit beside the labels; a column that fits nowhere stands alone.
fn blocks(widths: &[usize], room: usize) -> Vec<std::ops::Range<usize>> {
    let mut blocks: Vec<std::ops::Range<usize>> = Vec::new();
    let mut used = 0;
    for (index, width) in widths.iter().enumerate() {
        match blocks.last_mut() {
            // The last column needs no gutter behind it.
            Some(block) if used + width <= room + GUTTER => block.end = index + 1,
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
    rows: &[(String, Vec<String>)],
    headings: &[Vec<String>],
    block: std::ops::Range<usize>,
    label_width: usize,
) -> Table {
    let mut table = Table::new();
    table.load_style(comfy_table::presets::NOTHING).set_content_arrangement(ContentArrangement::Disabled);
    let mut header = vec![String::new()];
    header.extend(headings[block.clone()].iter().map(|heading| {
        let lines: Vec<String> = heading.iter().map(|line| toned(Tone::Heading, line)).collect();
        lines.join("\n")
    }));
    table.set_header(header);
    let mut group = "";
    for (line, (label, cells)) in lines.iter().zip(rows) {
        if line.group != group {
            group = line.group;
            table.add_row(vec![toned(Tone::Aside, &sanitize(group))]);
        }
        let mut row = vec![shortened(label, label_width)];
        row.extend(block.clone().map(|index| match &line.cells[index] {
            Some(cell) => toned(tone(cell.status), &cells[index]),
            None => String::new(),
        }));
        table.add_row(row);
    }
    for (index, column) in table.column_iter_mut().enumerate() {
        column.set_padding(if index == 0 { (2, 2) } else { (0, 2) });
    }
    table
}

/// The proxy's address, in two lines where it is long, and who asks it.
fn heading(column: &Column<'_>) -> Vec<String> {
    let (proxy, identity) = wording::route_parts(column.route(), column.scheme);
    let mut lines = Vec::new();
    let mut rest = proxy.as_str();
    while rest.width() > WIDEST_HEADING {
        let fits = rest.char_indices().take_while(|(at, _)| rest[..*at].width() <= WIDEST_HEADING);
        let places: Vec<usize> = fits.map(|(at, _)| at).filter(|at| *at > 0).collect();
        let readable = places.iter().rev().find(|at| rest[**at..].starts_with(['.', ':']));
        let Some(at) = readable.or(places.last()).copied() else { break };
        lines.push(rest[..at].to_owned());
        rest = &rest[at..];
    }
    lines.push(rest.to_owned());
    if !identity.is_empty() {
        lines.push(identity);
    }
    lines
}

pub(super) fn tone(status: Status) -> Tone {
    match status {
        Status::Ok => Tone::Good,
        Status::Degraded | Status::Inconclusive | Status::NotTested => Tone::Doubtful,
        Status::Blocked | Status::Intercepted => Tone::Bad,
    }
}

fn cell_text(cell: &Cell) -> String {
    let took = if matches!(cell.status, Status::Ok | Status::Degraded) { cell.took() } else { None };
    let words = [Some(wording::status(cell.status).to_owned()), took, Some(cell.reference.clone())];
    words.into_iter().flatten().filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ")
}

/// For narrow screens: what holds on each route, and for whom.
fn list(page: &mut Page, columns: &[Column<'_>], numbers: &Numbers<'_>) {
    page.gap();
    for column in columns {
        page.prose("  ", &toned(Tone::Heading, &wording::route_name(column.route(), column.scheme)));
        let mut kinds: Vec<(Status, String, Vec<&Row>)> = Vec::new();
        for row in &column.rows {
            let reference = numbers.reference(row);
            match kinds.iter_mut().find(|(status, other, _)| *status == row.status && *other == reference) {
                Some((.., rows)) => rows.push(row),
                None => kinds.push((row.status, reference, vec![row])),
            }
        }
        kinds.sort_by_key(|(status, ..)| std::cmp::Reverse(*status));
        for (status, reference, rows) in kinds {
            let state = format!("{} {reference}", wording::status(status));
            let state = toned(tone(status), state.trim_end());
            let count = format!("{} of {}", grouped(rows.len()), grouped(column.rows.len()));
            page.line(format!("    {state}: {count}"));
            if status != Status::Ok && rows.len() <= NAMED_HOSTS {
                for row in rows {
                    page.prose("      ", &address(row));
                }
            }
        }
    }
}
