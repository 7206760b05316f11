//! The answer for one device: does its diagnostic data get out, over which route, for which solutions, and if not, what
//! to change first.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use super::{instruction, route_name};
use crate::catalogue::{ImpactRow, Solution};
use crate::harmless::sanitize;
use crate::judge::{Cause, Owner, Status};
use crate::plan::Identity;
use crate::report::columns::{Column, travelled};
use crate::report::counts::plural;
use crate::report::{Impact, ImpactStatus, Report, Row};

/// One paragraph when the run was about one Windows version; nothing when it was about several.
#[must_use]
pub fn device(report: &Report) -> Option<String> {
    let label = &report.run.os;
    if report.impacts.is_empty() || label == "all" || label.contains(',') {
        return None;
    }
    let impacts: Vec<&Impact> =
        report.impacts.iter().filter(|impact| impact.status != ImpactStatus::NotApplicable).collect();
    let device = named(label, &impacts);
    if impacts.is_empty() {
        return Some(format!("{device}: none of the chosen solutions exists for it."));
    }
    let columns = travelled(report);
    let counts = |impact: &&Impact| columns.iter().any(|column| column.has_key(&impact.route.key));
    let impacts: Vec<&Impact> = impacts.into_iter().filter(counts).collect();
    let served = served(&columns, &impacts);
    let open: BTreeSet<Solution> = served.iter().flat_map(|(_, solutions)| solutions.iter().copied()).collect();
    let closed: BTreeSet<Solution> =
        impacts.iter().map(|impact| impact.solution).filter(|solution| !open.contains(solution)).collect();
    if closed.is_empty() {
        let remark = if impacts.iter().any(|impact| impact.status == ImpactStatus::Ok) { "" } else { ", with remarks" };
        return Some(format!("{device}: yes, its diagnostic data gets out {}{remark}.", ways(report, &served)));
    }
    let is_undecided = |solution: &Solution| {
        impacts.iter().any(|impact| impact.solution == *solution && impact.status == ImpactStatus::Inconclusive)
    };
    let (undecided, blocked): (BTreeSet<Solution>, BTreeSet<Solution>) =
        closed.into_iter().partition(|solution| is_undecided(solution));
    let mut sentences = Vec::new();
    if !open.is_empty() {
        sentences.push(format!("in part: its diagnostic data gets out {}", ways(report, &served)));
    }
    if !blocked.is_empty() {
        let routes = match columns.len() {
            _ if report.run.script.is_some() => "where the script sends it",
            1 => "over the route that was tested",
            _ => "over any route that was tested",
        };
        let no = if open.is_empty() { "no, its diagnostic data does not get out" } else { "it does not get out" };
        sentences.push(format!("{no} {routes} for {}", titles(&blocked)));
    }
    if !undecided.is_empty() {
        sentences.push(format!("whether it gets out for {} is not decided", titles(&undecided)));
    }
    let mut text = format!("{device}: {}.", sentences.join("; "));
    if let Some(change) = first_change(report, &columns, &impacts, &blocked) {
        text.push(' ');
        text.push_str(&change);
    }
    Some(text)
}

/// `A device with win10-1809 (Windows 10 1809–22H2)`.
fn named(label: &str, impacts: &[&Impact]) -> String {
    let rows: BTreeSet<ImpactRow> = impacts.iter().map(|impact| impact.os).collect();
    let known = super::versions(&rows.into_iter().collect::<Vec<_>>());
    let mut label = sanitize(label);
    if label.starts_with(|first: char| first.is_ascii_digit()) {
        label.insert_str(0, "build ");
    }
    if known.is_empty() { format!("A device with {label}") } else { format!("A device with {label} ({known})") }
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

/// Each route that serves a solution on every version meant, in the order of the report.
fn served<'a, 'r>(columns: &'a [Column<'r>], impacts: &[&Impact]) -> Vec<(&'a Column<'r>, BTreeSet<Solution>)> {
    let mut served = Vec::new();
    for column in columns {
        let mut cells: BTreeMap<Solution, bool> = BTreeMap::new();
        for impact in impacts.iter().filter(|impact| column.has_key(&impact.route.key)) {
            let works = matches!(impact.status, ImpactStatus::Ok | ImpactStatus::Degraded);
            *cells.entry(impact.solution).or_insert(true) &= works;
        }
        let solutions: BTreeSet<Solution> =
            cells.into_iter().filter_map(|(solution, works)| works.then_some(solution)).collect();
        if !solutions.is_empty() {
            served.push((column, solutions));
        }
    }
    served
}

/// `directly for Device Health and through proxy.example:8080 · user for …`; routes that serve the same stand together. By
/// a script devices come several ways at once, and which is said above already; as whom they come there is not.
fn ways(report: &Report, served: &[(&Column<'_>, BTreeSet<Solution>)]) -> String {
    let is_as_somebody =
        |(column, _): &(&Column<'_>, _)| !matches!(column.route().identity, None | Some(Identity::Bypass));
    if report.run.script.is_some() && !served.iter().any(is_as_somebody) {
        let all = served.iter().flat_map(|(_, solutions)| solutions.iter().copied()).collect();
        return format!("where the script sends it for {}", titles(&all));
    }
    let mut groups: Vec<(Vec<String>, &BTreeSet<Solution>)> = Vec::new();
    for (column, solutions) in served {
        let name = way(column);
        match groups.iter_mut().find(|(_, other)| *other == solutions) {
            Some((names, _)) => names.push(name),
            None => groups.push((vec![name], solutions)),
        }
    }
    let parts: Vec<String> =
        groups.iter().map(|(names, solutions)| format!("{} for {}", enumeration(names), titles(solutions))).collect();
    parts.join(", ")
}

fn way(column: &Column<'_>) -> String {
    if column.route().proxy.is_none() {
        return "directly".to_owned();
    }
    let name = route_name(column.route(), column.scheme);
    match column.route().identity {
        Some(Identity::User) => format!("through {name} (while somebody is signed in)"),
        Some(Identity::Bypass | Identity::Device) | None => format!("through {name}"),
    }
}

/// What stands in the way on one route: the failing rows that the closed solutions need.
struct Obstacle<'a, 'r> {
    column: &'a Column<'r>,
    rows: Vec<&'r Row>,
    causes: BTreeSet<&'r str>,
}

/// The route on which the least stands in the way, and on it the change that mends most. Where nothing gets out on any, a
/// proxy comes before the direct route, which is meant to be closed where there is one.
fn first_change(
    report: &Report,
    columns: &[Column<'_>],
    impacts: &[&Impact],
    blocked: &BTreeSet<Solution>,
) -> Option<String> {
    let obstacles = columns.iter().filter_map(|column| {
        let needed: HashSet<&str> = impacts
            .iter()
            .filter(|impact| blocked.contains(&impact.solution) && column.has_key(&impact.route.key))
            .filter(|impact| impact.status == ImpactStatus::Blocked)
            .flat_map(|impact| impact.endpoints.iter().map(String::as_str))
            .collect();
        let fails = |row: &&Row| {
            needed.contains(row.endpoint.as_str()) && matches!(row.status, Status::Blocked | Status::Intercepted)
        };
        let rows: Vec<&Row> = column.rows.iter().copied().filter(fails).collect();
        let causes = rows.iter().map(|row| row.code.as_str()).collect();
        (!rows.is_empty()).then_some(Obstacle { column, rows, causes })
    });
    let easiest = obstacles.min_by_key(|obstacle| {
        let is_direct = obstacle.column.route().proxy.is_none();
        (obstacle.column.is_closed(), is_direct, obstacle.causes.len(), obstacle.rows.len())
    })?;
    let count = |code: &str| easiest.rows.iter().filter(|row| row.code == code).count();
    let main = easiest.causes.iter().copied().max_by_key(|code| count(code))?;
    let row = easiest.rows.iter().copied().find(|row| row.code == main)?;
    // The finding speaks in the words of the product that is there.
    let finding = report.findings.iter().find(|finding| finding.code == main && finding.rows.contains(&row.id));
    let (owner, remedy) = match finding {
        Some(finding) => (finding.owner, sanitize(instruction(&finding.remedy, Some(row)).0)),
        None => Cause::from_code(main).map(|cause| (cause.facts().owner, cause.facts().remedy.to_owned()))?,
    };
    let place = match easiest.column.route().proxy {
        Some(_) => format!("on {}", route_name(easiest.column.route(), easiest.column.scheme)),
        None => "on the direct route".to_owned(),
    };
    let text = format!(
        "To be changed first, {place}, by {owner}: {remedy} ({main}, {hosts} that it needs).",
        owner = match owner {
            Owner::Microsoft | Owner::Operator | Owner::Nobody => owner.to_string(),
            _ => format!("the {owner}"),
        },
        hosts = plural(count(main), "endpoint"),
    );
    let others = easiest.rows.len() - count(main);
    Some(match others {
        0 => text,
        1 => text + " Another endpoint that it needs fails there for another reason.",
        many => format!("{text} {many} other endpoints that it needs fail there for other reasons."),
    })
}
