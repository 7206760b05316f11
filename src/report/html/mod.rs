//! The report as one page that needs nothing else: to send, to print, to keep.
//!
//! In: a report and how the run ended. Out: HTML with its style inside; text becomes HTML only through maud, which escapes.
//! Never: a script, a picture or a font from elsewhere; the page forbids itself to load anything.

mod evidence;

use std::io::{self, Write};

use maud::{DOCTYPE, Markup, PreEscaped, html};

use super::advice::{Advice, Note, Numbers};
use super::change::{self, Changes};
use super::columns::{Column, columns};
use super::outcome::{Conclusion, End};
use super::table::differing;
use super::table::impacts::{Meaning, meaning};
use super::table::lines::{Cell, Line, bounded, lines};
use super::{ImpactStatus, Report, wording};
use crate::harmless::sanitize;
use crate::judge::Status;
use crate::report::counts::{and_more, plural};

/// More lines than this are no map.
const LONGEST_MAP: usize = 500;
/// Hosts that one entry names.
const NAMED: usize = 500;

/// Writes `report`.
///
/// # Errors
/// What `out` says when it cannot take more.
pub fn write(report: &Report, end: End<'_>, out: &mut impl Write) -> io::Result<()> {
    let columns = columns(report);
    let numbers = Numbers::new(report);
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                title { "waprobe: " (sanitize(&report.answer.headline)) }
                style { (PreEscaped(include_str!("style.css"))) }
            }
            body {
                main {
                    (opening(report))
                    (differences(report, end.conclusion))
                    @if let Some(changes) = end.changes { (since(changes)) }
                    (map(&columns, &numbers))
                    @for (title, list) in numbers.advice(report, &columns) {
                        @if !list.is_empty() {
                            section {
                                h2 { (title) }
                                @for advice in &list { (entry(advice, columns.len() > 1)) }
                            }
                        }
                    }
                    (matrix(&meaning(report, &columns), &wording::approaches(report)))
                    (evidence::rows(report, &columns, &numbers))
                }
                footer {
                    p { "Exit " (end.exit) ": " (wording::ending(report, end.conclusion, end.ours)) }
                    p { (sanitize(&report.tool.name)) " " (sanitize(&report.tool.version)) " · " (sanitize(&report.schema)) }
                }
            }
        }
    };
    out.write_all(page.into_string().as_bytes())?;
    out.write_all(b"\n")
}

fn opening(report: &Report) -> Markup {
    let run = &report.run;
    html! {
        header {
            h1 { (sanitize(&report.answer.headline)) }
            p.facts {
                time datetime=(sanitize(&run.started)) { (moment(&run.started)) }
                " · " (wording::counts(report))
                " · Windows versions: " (sanitize(&run.os)) " · catalogue " (sanitize(&run.catalogue))
                " · roots of the machine: " (sanitize(&run.machine_roots))
            }
            @if let Some(answer) = wording::first_change(report) { p.device { (answer) } }
            @for sentence in wording::script(report) { p.remark { (sentence) } }
            @for remark in &run.remarks { p.remark { (sanitize(remark)) } }
        }
    }
}

/// `2026-11-22 10:30 UTC`.
fn moment(started: &str) -> String {
    let readable = started.get(..16).filter(|_| started.ends_with('Z')).map(|start| start.replace('T', " ") + " UTC");
    sanitize(&readable.unwrap_or_else(|| started.to_owned()))
}

fn differences(report: &Report, conclusion: &Conclusion) -> Markup {
    let Conclusion::Compared { unexpected } = conclusion else { return html! {} };
    html! {
        @if !unexpected.is_empty() {
            section {
                h2 { "Not as expected" }
                ul.differences {
                    @for difference in differing(report, unexpected) {
                        li {
                            (difference.route) ": expected " (sanitize(difference.expected)) ", found "
                            strong { (difference.found()) }
                            (hosts(&difference.hosts))
                        }
                    }
                }
            }
        }
    }
}

fn since(changes: &Changes) -> Markup {
    html! {
        section {
            h2 { (change::sentence(changes)) }
            @for remark in &changes.remarks { p.remark { (sanitize(remark)) } }
            ul.differences {
                @for group in change::groups(changes) {
                    li {
                        strong { (group.kind.title()) } ": " (sanitize(group.route)) ": " (group.in_words())
                        (hosts(&group.addresses))
                    }
                }
            }
        }
    }
}

fn map(columns: &[Column<'_>], numbers: &Numbers<'_>) -> Markup {
    let lines = lines(columns, numbers);
    let is_long = lines.len() > LONGEST_MAP;
    let (lines, left_out) = bounded(lines, !is_long);
    let mut groups: Vec<(&str, Vec<Line<'_>>)> = Vec::new();
    for line in lines {
        match groups.last_mut() {
            Some((group, members)) if *group == line.group => members.push(line),
            _ => groups.push((line.group, vec![line])),
        }
    }
    html! {
        @if !columns.is_empty() {
            section {
                h2 { "Endpoints and routes" }
                div.wide {
                    table.map {
                        thead {
                            tr {
                                th scope="col" { "endpoint" }
                                @for column in columns {
                                    @let (proxy, identity) = wording::route_parts(column.route(), column.scheme);
                                    th scope="col" { (breakable(&proxy)) @if !identity.is_empty() { br; span.identity { (identity) } } }
                                }
                            }
                        }
                        @for (group, lines) in &groups {
                            tbody {
                                @if !group.is_empty() {
                                    tr.group { th scope="rowgroup" colspan=(columns.len() + 1) { (sanitize(group)) } }
                                }
                                @for line in lines {
                                    tr {
                                        th scope="row" { (breakable(&line.label)) }
                                        @for cell in &line.cells { td { @if let Some(cell) = cell { (chip(cell)) } } }
                                    }
                                }
                            }
                        }
                    }
                }
                @if left_out.ok + left_out.other > 0 {
                    p.facts { (plural(left_out.ok + left_out.other, "more endpoint")) " are not shown here." }
                }
            }
        }
    }
}

/// An address that a narrow column may break where a reader would.
fn breakable(address: &str) -> Markup {
    html! {
        @for (position, piece) in address.split_inclusive(['.', ':']).enumerate() {
            @if position > 0 { wbr; }
            (piece)
        }
    }
}

fn chip(cell: &Cell) -> Markup {
    let took = cell.took().filter(|_| matches!(cell.status, Status::Ok | Status::Degraded));
    let number = cell.reference.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
    html! {
        span class=(format!("chip {}", cell.status)) { (wording::status(cell.status)) }
        @if let Some(took) = took { " " span.took { (took) } }
        @match number {
            Some(number) => { " " a href=(format!("#change-{number}")) { "[" (number) "]" } }
            None => @if !cell.reference.is_empty() { " " code { (cell.reference) } }
        }
    }
}

fn entry(advice: &Advice<'_>, several_routes: bool) -> Markup {
    let worst = advice.rows.iter().map(|row| row.status).max().unwrap_or(Status::Ok);
    html! {
        article class=(format!("change {worst}")) id=(format!("change-{}", advice.number)) {
            h3 {
                span.number { (advice.number) } " " (advice.title)
                @if let Some(owner) = advice.owner { span.owner { (owner) } }
            }
            p.instruction { (advice.instruction) }
            @if let Some(why) = &advice.why { p { (why) } }
            dl {
                @if several_routes && !advice.routes.is_empty() { dt { "on" } dd { (advice.routes.join(", ")) } }
                @if !advice.hosts.is_empty() { dt { "for" } dd { (hosts(&advice.hosts)) } }
                @if let Some(seen) = &advice.seen { dt { "seen" } dd { (seen) } }
                @for note in &advice.notes { dt { "note" } dd { (told(note)) } }
            }
            p.code {
                code { (advice.code) } " · waprobe explain " (advice.code)
                @if let Some(numbers) = &advice.windows_errors { " · in Windows' logs: " (numbers) }
            }
        }
    }
}

fn told(note: &Note) -> Markup {
    html! {
        (note.text.trim_end_matches(':'))
        @if let Some(code) = &note.code { " " span.code { "(" code { (code) } ")" } }
        @if !note.hosts.is_empty() { (hosts(&note.hosts)) }
    }
}

/// One per line, so that a selection can be pasted into a rule.
fn hosts(hosts: &[String]) -> Markup {
    html! {
        ul.hosts {
            @for host in hosts.iter().take(NAMED) { li { code { (host) } } }
            @if hosts.len() > NAMED { li { (and_more(hosts.len() - NAMED).trim_start()) } }
        }
    }
}

fn matrix(meaning: &Meaning, approaches: &[String]) -> Markup {
    html! {
        @if !meaning.solutions.is_empty() {
            section {
                h2 { "What it means" }
                div.wide {
                    table.meaning {
                        thead {
                            tr {
                                th scope="col" { "solution and route" }
                                @for os in &meaning.versions { th scope="col" { (wording::versions(&[*os])) } }
                            }
                        }
                        @for (solution, lines) in &meaning.solutions {
                            @let rows = in_order(lines);
                            tbody {
                                tr.group { th scope="rowgroup" colspan=(meaning.versions.len() + 1) { (solution.title()) } }
                                @for (route, cells) in rows {
                                    tr {
                                        th scope="row" { (route) }
                                        @for status in cells { td { @if let Some(status) = status { (impact(*status)) } } }
                                    }
                                }
                            }
                        }
                    }
                }
                @for sentence in approaches { p { (sentence) } }
            }
        }
    }
}

fn in_order(lines: &[super::table::impacts::Line]) -> Vec<(&str, &[Option<ImpactStatus>])> {
    let mut rows: Vec<_> = lines
        .iter()
        .flat_map(|line| line.routes.iter().map(move |(place, route)| (*place, route.as_str(), line.cells.as_slice())))
        .collect();
    rows.sort_by_key(|(place, ..)| *place);
    rows.into_iter().map(|(_, route, cells)| (route, cells)).collect()
}

fn impact(status: ImpactStatus) -> Markup {
    let class = super::word(&status);
    html! {
        @if status == ImpactStatus::NotApplicable {
            span.took title="the solution does not exist for these versions" { "–" }
        } @else {
            span class=(format!("chip {class}")) { (wording::impact(status)) }
        }
    }
}
