//! The answer for devices: does their data get out, by which way, for which solutions; and what to change first if not.

use std::collections::{BTreeMap, BTreeSet};

use super::headline::{EXPLAINED_ROUTES, doubt, explained_by, kinds, reason, way, ways};
use super::{instruction, route_name, unread_script};
use crate::catalogue::{ImpactRow, Solution, release_title};
use crate::harmless::sanitize;
use crate::judge::{CLIENT_HAS_NO_LOGIN, Owner, Status};
use crate::plan::Identity;
use crate::report::columns::{Column, needed};
use crate::report::counts::plural;
use crate::report::{About, AnswerDevice, Finding, Report, Row};

/// The first sentence of a run about devices. It begins with the answer itself.
pub(super) fn about_devices(report: &Report) -> String {
    let columns = &needed(report);
    let open = report.devices_with(Status::is_open);
    let closed = report.devices_with(Status::is_closed);
    let undecided = report.devices_with(Status::is_undecided);
    let subject = subject(report);
    if closed.is_empty() && undecided.is_empty() {
        let remark = if report.answer.status == Status::Degraded { ", with remarks" } else { "" };
        return match unread_script(report) {
            // It goes directly, and not where the script would send it.
            Some(why) => format!("Yes: {subject} gets out{remark}. {why}."),
            None => format!("Yes: {subject} gets out {}{remark}.", serving(report, &open)),
        };
    }
    let mut sentences = Vec::new();
    if !closed.is_empty() {
        let which = which(report, &closed);
        sentences.push(format!(
            "No: {subject} does not get out{which}{}: {}.",
            place(report, columns),
            why(report, columns)
        ));
    }
    if !undecided.is_empty() {
        let how = if closed.is_empty() { "Not decided: whether" } else { "Undecided is whether" };
        let (subject, which) = if closed.is_empty() {
            (subject.as_str(), which(report, &undecided))
        } else {
            ("it", which(report, &undecided))
        };
        sentences.push(format!("{how} {subject} gets out{which}: {}.", open_question(report, columns)));
    }
    if !open.is_empty() {
        sentences.push(format!("It gets out{} {}.", which(report, &open), serving(report, &open)));
    }
    sentences.join(" ")
}

/// Whose data it is.
fn subject(report: &Report) -> String {
    if report.answer.is_of_own_settings() {
        return "diagnostic data of this device (account SYSTEM)".to_owned();
    }
    match versions_asked(&report.run.os) {
        Some(versions) => format!("diagnostic data of {versions}"),
        None => "diagnostic data".to_owned(),
    }
}

/// The versions of `--os` as people call them; nothing for all of them or for a long list.
fn versions_asked(label: &str) -> Option<String> {
    const NAMED: usize = 3;
    let asked: Vec<&str> = label.split(',').collect();
    if asked.contains(&"all") || asked.len() > NAMED {
        return None;
    }
    Some(enumeration(&asked.iter().map(|id| sanitize(&release_title(id))).collect::<Vec<_>>()))
}

/// ` for Device Health on Windows 10 1803`: which of the devices are meant; nothing where all are.
fn which(report: &Report, devices: &[&AnswerDevice]) -> String {
    let solutions = |devices: &mut dyn Iterator<Item = &AnswerDevice>| -> BTreeSet<Solution> {
        devices.map(|device| device.solution).collect()
    };
    let all: BTreeSet<Solution> = solutions(&mut report.answer.devices.iter());
    if devices.len() == report.answer.devices.len() {
        // With one solution chosen of several its name says what was asked.
        return if all.len() == 1 { format!(" for {}", titles(&all)) } else { String::new() };
    }
    let mut by_versions: BTreeMap<Vec<ImpactRow>, BTreeSet<Solution>> = BTreeMap::new();
    for solution in solutions(&mut devices.iter().copied()) {
        let of_solution = devices.iter().filter(|device| device.solution == solution);
        by_versions.entry(of_solution.map(|device| device.os).collect()).or_default().insert(solution);
    }
    let versions: BTreeSet<ImpactRow> = report.answer.devices.iter().map(|device| device.os).collect();
    let part = |(os, solutions): (&Vec<ImpactRow>, &BTreeSet<Solution>)| {
        if versions.len() == 1 {
            titles(solutions)
        } else if *solutions == all && by_versions.len() == 1 {
            let all =
                if devices.iter().all(|device| device.status.is_open()) { "all solutions" } else { "any solution" };
            format!("{all} on {}", super::versions(os))
        } else {
            format!("{} on {}", titles(solutions), super::versions(os))
        }
    };
    format!(" for {}", by_versions.iter().map(part).collect::<Vec<_>>().join(", and for "))
}

/// Where it does not get out.
fn place(report: &Report, columns: &[Column<'_>]) -> String {
    if report.answer.is_of_own_settings() {
        return String::new();
    }
    match columns {
        _ if report.run.script.is_some() => " where the script sends it".to_owned(),
        [column] => format!(" {}", way(column)),
        _ => " on any route that was tested".to_owned(),
    }
}

/// Mainly why it does not get out.
fn why(report: &Report, columns: &[Column<'_>]) -> String {
    let lacking = report.findings.iter().find(|finding| finding.code == CLIENT_HAS_NO_LOGIN.code);
    let lacks_login =
        |column: &Column<'_>| lacking.filter(|finding| column.rows.iter().any(|row| finding.rows.contains(&row.id)));
    if let Some(why) = unread_script(report) {
        return super::headline::lower_first(&why);
    }
    let reasons: Vec<(&Column<'_>, String)> = columns
        .iter()
        .filter_map(|column| {
            if column.count(&[Status::Blocked, Status::Intercepted]) > 0 {
                return Some((column, reason(column)));
            }
            // Every row gets through, and not with a login that these devices send.
            Some((column, super::headline::lower_first(&sanitize(&lacks_login(column)?.title))))
        })
        .collect();
    match reasons.as_slice() {
        // Nothing fails by itself: what several rows show together keeps it in.
        [] => {
            let codes: Vec<&String> = report.answer.devices.iter().flat_map(|device| &device.because).collect();
            let explains = |finding: &&Finding| codes.iter().any(|code| **code == finding.code);
            let title = report.findings.iter().find(explains).map(|finding| sanitize(&finding.title));
            title.map_or_else(|| "the findings say why".to_owned(), |title| super::headline::lower_first(&title))
        }
        [(_, reason)] if columns.len() == 1 => reason.clone(),
        few if few.len() <= EXPLAINED_ROUTES => explained_by(few),
        many => kinds(&many.iter().map(|(column, _)| *column).collect::<Vec<_>>()),
    }
}

fn open_question(report: &Report, columns: &[Column<'_>]) -> String {
    let undecided: Vec<&Column<'_>> =
        columns.iter().filter(|column| column.count(&[Status::Inconclusive, Status::NotTested]) > 0).collect();
    if let [first, ..] = report.answer.not_known.as_slice() {
        return format!("where SYSTEM goes is not known, because these settings could not be read ({})", {
            let sources: Vec<String> = report.answer.not_known.iter().map(|source| sanitize(source)).collect();
            if sources.len() > 3 { format!("{} and others", sanitize(first)) } else { sources.join(", ") }
        });
    }
    match undecided.as_slice() {
        [] => unread_script(report).map_or_else(
            || "the route of some endpoints is not known".to_owned(),
            |why| super::headline::lower_first(&why),
        ),
        [column] => format!("{} {}", doubt(column), way(column)),
        _ if report.answer.status == Status::NotTested => "nothing that would decide it was tested".to_owned(),
        many => format!("some endpoints have no clear result on {}", plural(many.len(), "route")),
    }
}

/// By which ways these devices are served: those that serve all of them, else each with what it serves.
fn serving(report: &Report, devices: &[&AnswerDevice]) -> String {
    let columns = crate::report::columns::columns(report);
    if report.run.script.is_some() || report.answer.is_of_own_settings() {
        let by = if report.run.script.is_some() { "where the script sends it" } else { "as its settings say" };
        let used = needed(report);
        let logged_in = used.iter().find(|column| {
            !matches!(column.route().identity, None | Some(Identity::Bypass)) && column.scheme.is_some()
        });
        return logged_in
            .map_or_else(|| by.to_owned(), |column| format!("{by} ({})", super::headline::as_whom(column)));
    }
    let serves = |column: &Column<'_>, device: &AnswerDevice| device.routes.iter().any(|key| column.has_key(key));
    let of_all: Vec<&Column<'_>> =
        columns.iter().filter(|column| devices.iter().all(|device| serves(column, device))).collect();
    if !of_all.is_empty() {
        return ways(&of_all);
    }
    let parts = columns.iter().filter_map(|column| {
        let served: BTreeSet<Solution> =
            devices.iter().filter(|device| serves(column, device)).map(|device| device.solution).collect();
        (!served.is_empty()).then(|| format!("{} for {}", way(column), titles(&served)))
    });
    enumeration(&parts.collect::<Vec<_>>())
}

fn titles(solutions: &BTreeSet<Solution>) -> String {
    enumeration(&solutions.iter().map(|solution| solution.title().to_owned()).collect::<Vec<_>>())
}

/// `a`, `a and b`, `a, b and c`.
fn enumeration(parts: &[String]) -> String {
    match parts {
        [] => String::new(),
        [only] => only.clone(),
        [first @ .., last] => format!("{} and {last}", first.join(", ")),
    }
}

/// What to change before anything else, where the chosen devices' data is kept in; nothing in a run about routes.
#[must_use]
pub fn first_change(report: &Report) -> Option<String> {
    if report.answer.about == About::Routes || !report.answer.is_closed() {
        return None;
    }
    let kept_in = report.devices_with(Status::is_closed);
    let codes: BTreeSet<&str> = kept_in.iter().flat_map(|device| &device.because).map(String::as_str).collect();
    let columns = needed(report);
    let obstacles = columns.iter().filter_map(|column| Obstacle::of(report, column, &codes));
    // The route on which the least is to be changed. Where nothing gets out on any, a proxy comes before the direct route,
    // which is meant to be closed where there is one.
    let easiest = obstacles.min_by_key(|obstacle| {
        let is_direct = obstacle.column.route().proxy.is_none();
        (obstacle.column.is_closed(), is_direct, obstacle.findings.len(), obstacle.rows)
    })?;
    let (finding, row) = easiest.findings.first().copied()?;
    let place = match easiest.column.route().proxy {
        Some(_) => format!("on {}", route_name(easiest.column.route(), easiest.column.scheme)),
        None => "on the direct route".to_owned(),
    };
    let owner = finding.owner.with_article();
    let remedy = sanitize(instruction(&finding.remedy, Some(row)).0);
    Some(format!("First change, {place}, by {owner}: {remedy} ({}).", sanitize(&finding.code)))
}

/// What keeps data in on one route.
struct Obstacle<'a, 'r> {
    column: &'a Column<'r>,
    /// The finding with the most rows first, each with one of them.
    findings: Vec<(&'r Finding, &'r Row)>,
    rows: usize,
}

impl<'a, 'r> Obstacle<'a, 'r> {
    fn of(report: &'r Report, column: &'a Column<'r>, codes: &BTreeSet<&str>) -> Option<Self> {
        let concerned = |finding: &Finding| -> Vec<&'r Row> {
            column.rows.iter().copied().filter(|row| finding.rows.contains(&row.id)).collect()
        };
        let counted = report.findings.iter().filter(|finding| codes.contains(finding.code.as_str()));
        let counted = counted.filter(|finding| finding.owner != Owner::Nobody);
        let mut counted: Vec<(&Finding, Vec<&Row>)> =
            counted.map(|finding| (finding, concerned(finding))).filter(|(_, rows)| !rows.is_empty()).collect();
        counted.sort_by_key(|(_, rows)| std::cmp::Reverse(rows.len()));
        let rows = counted.iter().map(|(_, rows)| rows.len()).sum();
        let findings: Vec<(&Finding, &Row)> = counted.into_iter().map(|(finding, rows)| (finding, rows[0])).collect();
        (!findings.is_empty()).then_some(Self { column, findings, rows })
    }
}
