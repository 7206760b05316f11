//! "What it means": solutions × Windows versions × routes.

use comfy_table::{ContentArrangement, Table};
use unicode_width::UnicodeWidthStr as _;

use crate::catalogue::{ImpactRow, Solution};
use crate::harmless::sanitize;
use crate::report::columns::Column;
use crate::report::terminal::page::Page;
use crate::report::terminal::paint::{Tone, toned, unbroken};
use crate::report::{Impact, ImpactStatus, Report, wording};

const TITLE: &str = "What it means";
/// More routes than this with one meaning are counted, where it is clear which they are.
const LISTED_ROUTES: usize = 6;

/// Routes that mean the same for one solution.
pub(in crate::report) struct Line {
    /// Their names, with their places among the routes of the report.
    pub routes: Vec<(usize, String)>,
    pub cells: Vec<Option<ImpactStatus>>,
}

/// What a report means: the ranges of Windows versions it speaks of, and for each solution the routes that mean the same.
pub(in crate::report) struct Meaning {
    pub versions: Vec<ImpactRow>,
    pub solutions: Vec<(Solution, Vec<Line>)>,
}

pub(in crate::report) fn meaning(report: &Report, columns: &[Column<'_>]) -> Meaning {
    let versions: Vec<ImpactRow> =
        ImpactRow::ALL.into_iter().filter(|os| report.impacts.iter().any(|impact| impact.os == *os)).collect();
    let solutions = Solution::ALL
        .into_iter()
        .map(|solution| (solution, lines(report, columns, solution, &versions)))
        .filter(|(_, lines)| !lines.is_empty())
        .collect();
    Meaning { versions, solutions }
}

pub(super) fn draw(page: &mut Page, report: &Report, columns: &[Column<'_>]) {
    if report.impacts.is_empty() {
        return;
    }
    let Meaning { versions, solutions } = meaning(report, columns);
    page.gap();
    let matrix = matrix(&solutions, &versions);
    let directed = report.run.script.is_some() && columns.len() > 1;
    if matrix.lines().all(|line| line.trim_end().width() <= page.width()) {
        page.table(&matrix);
        if report.impacts.iter().any(|impact| impact.status == ImpactStatus::NotApplicable) {
            let mark = wording::impact(ImpactStatus::NotApplicable);
            page.prose(&format!("  {mark} "), "the solution does not exist for these versions");
        }
        if directed {
            page.prose(
                "  ",
                "a device needs what the script sends elsewhere too: each line counts that as it fares there",
            );
        }
    } else {
        list(page, &solutions, &versions);
    }
}

fn lines(report: &Report, columns: &[Column<'_>], solution: Solution, versions: &[ImpactRow]) -> Vec<Line> {
    let impacts: Vec<&Impact> = report.impacts.iter().filter(|impact| impact.solution == solution).collect();
    let mut keys = Vec::new();
    for impact in &impacts {
        if !keys.contains(&&impact.route.key) {
            keys.push(&impact.route.key);
        }
    }
    let all = keys.len();
    let mut lines: Vec<Line> = Vec::new();
    for (place, key) in keys.into_iter().enumerate() {
        let status_on = |os: &ImpactRow| {
            impacts.iter().find(|impact| impact.os == *os && impact.route.key == *key).map(|impact| impact.status)
        };
        let cells: Vec<Option<ImpactStatus>> = versions.iter().map(status_on).collect();
        let column = columns.iter().find(|column| column.has_key(key));
        let name = column.map_or_else(|| sanitize(&key.0), |column| wording::route_name(column.route(), column.scheme));
        match lines.iter_mut().find(|line| line.cells == cells) {
            Some(line) => line.routes.push((place, name)),
            None => lines.push(Line { routes: vec![(place, name)], cells }),
        }
    }
    shorten(&mut lines, all);
    lines
}

/// Where the other lines name their routes, the longest list goes without saying.
fn shorten(lines: &mut Vec<Line>, all: usize) {
    let Some(longest) = (0..lines.len()).max_by_key(|index| lines[*index].routes.len()) else { return };
    let count = lines[longest].routes.len();
    if count <= LISTED_ROUTES {
        return;
    }
    let mut line = lines.remove(longest);
    let name = if count == all { format!("all {all} routes") } else { format!("the other {count} routes") };
    line.routes = vec![(all, name)];
    lines.push(line);
}

fn matrix(solutions: &[(Solution, Vec<Line>)], versions: &[ImpactRow]) -> Table {
    let mut table = Table::new();
    table.load_style(comfy_table::presets::NOTHING).set_content_arrangement(ContentArrangement::Disabled);
    let mut header = vec![toned(Tone::Heading, TITLE)];
    header.extend(versions.iter().map(|os| {
        let lines: Vec<String> = wording::version_heading(*os).iter().map(|line| toned(Tone::Heading, line)).collect();
        lines.join("\n")
    }));
    table.set_header(header);
    for (solution, lines) in solutions {
        if let [line] = lines.as_slice()
            && line.routes.len() == 1
        {
            let mut row = vec![format!("  {}", solution.title())];
            row.extend(line.cells.iter().copied().map(cell));
            table.add_row(row);
            continue;
        }
        table.add_row(vec![toned(Tone::Aside, &format!("  {}", solution.title()))]);
        let mut rows: Vec<(&(usize, String), &Line)> =
            lines.iter().flat_map(|line| line.routes.iter().map(move |route| (route, line))).collect();
        rows.sort_by_key(|((place, _), _)| *place);
        for ((_, route), line) in rows {
            let mut row = vec![format!("    {route}")];
            row.extend(line.cells.iter().copied().map(cell));
            table.add_row(row);
        }
    }
    for column in table.column_iter_mut() {
        column.set_padding((0, 2));
    }
    table
}

fn cell(status: Option<ImpactStatus>) -> String {
    status.map_or_else(String::new, |status| toned(tone(status), wording::impact(status)))
}

fn tone(status: ImpactStatus) -> Tone {
    match status {
        ImpactStatus::Ok => Tone::Good,
        ImpactStatus::Degraded | ImpactStatus::Inconclusive => Tone::Doubtful,
        ImpactStatus::Blocked => Tone::Bad,
        ImpactStatus::NotApplicable => Tone::Aside,
    }
}

/// For narrow screens: each line says what holds, and on which versions where it does not hold on all.
fn list(page: &mut Page, solutions: &[(Solution, Vec<Line>)], versions: &[ImpactRow]) {
    page.line(toned(Tone::Heading, TITLE));
    for (solution, lines) in solutions {
        if let [line] = lines.as_slice()
            && line.routes.len() == 1
        {
            page.prose("  ", &format!("{}: {}", solution.title(), in_words(line, versions)));
            continue;
        }
        page.line(format!("  {}", solution.title()));
        for line in lines {
            let routes: Vec<String> = line.routes.iter().map(|(_, route)| unbroken(route)).collect();
            page.prose("    ", &format!("{}: {}", routes.join(", "), in_words(line, versions)));
        }
    }
}

fn in_words(line: &Line, versions: &[ImpactRow]) -> String {
    let mut parts: Vec<(ImpactStatus, Vec<ImpactRow>)> = Vec::new();
    for (os, status) in versions.iter().zip(&line.cells) {
        match status {
            None | Some(ImpactStatus::NotApplicable) => {}
            Some(status) => match parts.iter_mut().find(|(other, _)| other == status) {
                Some((_, names)) => names.push(*os),
                None => parts.push((*status, vec![*os])),
            },
        }
    }
    let said = |status: ImpactStatus| toned(tone(status), wording::impact(status));
    match parts.as_slice() {
        [] => "does not exist for these versions".to_owned(),
        [(status, _)] => said(*status),
        several => {
            let parts: Vec<String> = several
                .iter()
                .map(|(status, names)| format!("{} on {}", said(*status), wording::versions(names)))
                .collect();
            parts.join("; ")
        }
    }
}
