//! "What it means": solutions × Windows versions × routes.

use comfy_table::{ContentArrangement, Table};
use unicode_width::UnicodeWidthStr as _;

use super::page::Page;
use super::paint::{Tone, toned};
use crate::catalogue::{ImpactRow, Solution};
use crate::report::columns::Column;
use crate::report::{Impact, ImpactStatus, Report, wording};

const WIDEST_LABEL: usize = 44;

/// Routes that mean the same for one solution.
struct Line {
    routes: Vec<String>,
    cells: Vec<Option<ImpactStatus>>,
}

pub(super) fn draw(page: &mut Page, report: &Report, columns: &[Column<'_>]) {
    if report.impacts.is_empty() {
        return;
    }
    let versions: Vec<ImpactRow> =
        ImpactRow::ALL.into_iter().filter(|os| report.impacts.iter().any(|impact| impact.os == *os)).collect();
    let solutions: Vec<(Solution, Vec<Line>)> =
        Solution::ALL.into_iter().map(|solution| (solution, lines(report, columns, solution, &versions))).collect();
    page.gap();
    let matrix = matrix(&solutions, &versions);
    if matrix.lines().all(|line| line.width() <= page.width()) {
        page.table(&matrix);
    } else {
        list(page, &solutions, &versions);
    }
}

fn lines(report: &Report, columns: &[Column<'_>], solution: Solution, versions: &[ImpactRow]) -> Vec<Line> {
    let impacts: Vec<&Impact> = report.impacts.iter().filter(|impact| impact.solution == solution).collect();
    let mut lines: Vec<Line> = Vec::new();
    let mut keys = Vec::new();
    for impact in &impacts {
        if !keys.contains(&&impact.route.key) {
            keys.push(&impact.route.key);
        }
    }
    for key in keys {
        let cells: Vec<Option<ImpactStatus>> = versions
            .iter()
            .map(|os| {
                impacts.iter().find(|impact| impact.os == *os && impact.route.key == *key).map(|impact| impact.status)
            })
            .collect();
        let name = columns.iter().find(|column| column.has_key(key)).map_or_else(
            || crate::report::text::sanitize(&key.0),
            |column| wording::route_name(column.route(), column.scheme),
        );
        match lines.iter_mut().find(|line| line.cells == cells) {
            Some(line) => line.routes.push(name),
            None => lines.push(Line { routes: vec![name], cells }),
        }
    }
    lines
}

fn matrix(solutions: &[(Solution, Vec<Line>)], versions: &[ImpactRow]) -> Table {
    let mut table = Table::new();
    table.load_style(comfy_table::presets::NOTHING).set_content_arrangement(ContentArrangement::Disabled);
    let mut heading = vec![toned(Tone::Heading, "What it means")];
    heading.extend(versions.iter().map(|os| toned(Tone::Heading, wording::versions(*os))));
    table.set_header(heading);
    for (solution, lines) in solutions.iter().filter(|(_, lines)| !lines.is_empty()) {
        table.add_row(vec![format!("  {}", solution.title())]);
        for line in lines {
            let label: Vec<String> = line.routes.iter().map(|route| format!("    {route}")).collect();
            let mut row = vec![label.join("\n")];
            row.extend(line.cells.iter().map(cell));
            table.add_row(row);
        }
    }
    for (index, column) in table.column_iter_mut().enumerate() {
        column.set_padding(if index == 0 { (0, 2) } else { (0, 2) });
    }
    let _ = WIDEST_LABEL;
    table
}

fn cell(status: &Option<ImpactStatus>) -> String {
    match status {
        None => String::new(),
        Some(status) => toned(tone(*status), wording::impact(*status)),
    }
}

fn tone(status: ImpactStatus) -> Tone {
    match status {
        ImpactStatus::Ok => Tone::Good,
        ImpactStatus::Degraded | ImpactStatus::Inconclusive => Tone::Doubtful,
        ImpactStatus::Blocked => Tone::Bad,
        ImpactStatus::NotApplicable => Tone::Aside,
    }
}

/// For narrow screens: each line says what holds for which versions.
fn list(page: &mut Page, solutions: &[(Solution, Vec<Line>)], versions: &[ImpactRow]) {
    page.line(toned(Tone::Heading, "What it means"));
    for (solution, lines) in solutions {
        for line in lines {
            page.line(format!("  {}, {}", solution.title(), line.routes.join(", ")));
            for status in [ImpactStatus::Blocked, ImpactStatus::Inconclusive, ImpactStatus::Degraded, ImpactStatus::Ok]
            {
                let names: Vec<&str> = versions
                    .iter()
                    .zip(&line.cells)
                    .filter(|(_, cell)| **cell == Some(status))
                    .map(|(os, _)| wording::versions(*os))
                    .collect();
                if !names.is_empty() {
                    page.prose(&format!("    {}  ", toned(tone(status), wording::impact(status))), &names.join(", "));
                }
            }
        }
    }
}
