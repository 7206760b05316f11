//! The sentences of every output, so that the table, the page and the JSON say the same.

use std::collections::HashMap;

use super::columns::{Column, columns};
use super::outcome::Conclusion;
use super::text::sanitize;
use super::{ImpactStatus, Report, Route, Row};
use crate::catalogue::ImpactRow;
use crate::judge::Status;
use crate::plan::{Identity, Scheme};

/// How a status reads in a table: what keeps data from getting out stands out without colour.
#[must_use]
pub fn status(status: Status) -> &'static str {
    match status {
        Status::Ok => "ok",
        Status::Degraded => "degraded",
        Status::Inconclusive => "inconclusive",
        Status::NotTested => "not tested",
        Status::Blocked => "BLOCKED",
        Status::Intercepted => "INTERCEPTED",
    }
}

#[must_use]
pub fn impact(status: ImpactStatus) -> &'static str {
    match status {
        ImpactStatus::Ok => "ok",
        ImpactStatus::Degraded => "degraded",
        ImpactStatus::Inconclusive => "inconclusive",
        ImpactStatus::Blocked => "BLOCKED",
        ImpactStatus::NotApplicable => "–",
    }
}

/// The heading of a column of the impact matrix.
#[must_use]
pub fn versions(os: ImpactRow) -> &'static str {
    match os {
        ImpactRow::Win7To81 => "7 and 8.1",
        ImpactRow::Win10To1709 => "10 1507–1709",
        ImpactRow::Win10V1803 => "10 1803",
        ImpactRow::Win10V1803September2018 => "1803 + 2018-09",
        ImpactRow::Win10V1809AndLater => "1809 and later",
        ImpactRow::Server2016 => "Server 2016",
    }
}

/// `direct`, or `proxy.example:8080 · user · ntlm`.
pub(super) fn route_name(route: &Route, scheme: Option<Scheme>) -> String {
    let (proxy, identity) = route_parts(route, scheme);
    if identity.is_empty() { proxy } else { format!("{proxy} · {identity}") }
}

/// The proxy's address and who asks it: the two lines of a column's heading.
pub(super) fn route_parts(route: &Route, scheme: Option<Scheme>) -> (String, String) {
    let Some(proxy) = &route.proxy else { return ("direct".to_owned(), String::new()) };
    let address = sanitize(proxy.strip_prefix("http://").unwrap_or(proxy));
    let identity = route.identity.map_or("", Identity::as_str);
    match scheme.filter(|scheme| *scheme != Scheme::None) {
        Some(scheme) => (address, format!("{identity} · {scheme}")),
        None => (address, identity.to_owned()),
    }
}

/// `directly`, or `through proxy.example:8080 as user (ntlm)`.
fn way(column: &Column<'_>) -> String {
    let route = column.route();
    let Some(proxy) = &route.proxy else { return "directly".to_owned() };
    let address = sanitize(proxy.strip_prefix("http://").unwrap_or(proxy));
    let identity = match route.identity {
        None => String::new(),
        Some(Identity::Bypass) => " without credentials".to_owned(),
        Some(identity) => format!(" as {identity}"),
    };
    let scheme = column.scheme.map_or_else(String::new, |scheme| format!(" ({scheme})"));
    format!("through {address}{identity}{scheme}")
}

/// The one sentence that stands first: over which routes data gets out, over which not, and mainly why.
#[must_use]
pub fn headline(report: &Report) -> String {
    let columns = columns(report);
    if columns.is_empty() {
        return "Nothing was tested: no endpoint of the catalogue applies to the chosen solutions and Windows versions."
            .to_owned();
    }
    let sentence = verdict_of(report, &columns);
    if report.run.complete { sentence } else { format!("The run was cut short. Of what was seen: {sentence}") }
}

/// More routes than this are counted instead of named.
const NAMED_ROUTES: usize = 3;

fn verdict_of(report: &Report, columns: &[Column<'_>]) -> String {
    let (mut open, mut failing, mut unclear) = (Vec::new(), Vec::new(), Vec::new());
    for column in columns {
        if column.count(&[Status::Blocked, Status::Intercepted]) > 0 {
            failing.push(column);
        } else if column.count(&[Status::Inconclusive, Status::NotTested]) > 0 {
            unclear.push(column);
        } else {
            open.push(column);
        }
    }
    let undecided = match unclear.as_slice() {
        [] => String::new(),
        [column] if columns.len() <= NAMED_ROUTES => {
            format!(" Whether it gets out {} is not decided: {}.", way(column), doubt(column))
        }
        [column] => format!(" One route is not decided: {}, {}.", way(column), doubt(column)),
        many => format!(" {} routes are not decided.", many.len()),
    };
    match (open.as_slice(), failing.as_slice()) {
        ([], []) => match unclear.as_slice() {
            [column] => {
                format!("Whether diagnostic data gets out {} is not decided: {}.", way(column), doubt(column))
            }
            many => format!("Whether diagnostic data gets out is not decided on any of the {} routes.", many.len()),
        },
        (open, []) => {
            let remarks = report.rows.iter().filter(|row| row.status == Status::Degraded).count();
            let remarks = match remarks {
                0 => String::new(),
                1 => " One probe has a remark.".to_owned(),
                many => format!(" {many} probes have a remark."),
            };
            format!("Diagnostic data gets out {}: {}.{remarks}{undecided}", ways(open), all_answer(open))
        }
        ([], [column]) => {
            let how_much = if is_closed(column) { "does not get out" } else { "does not all get out" };
            format!("Diagnostic data {how_much} {}: {}.{undecided}", way(column), reason(report, column))
        }
        ([], failing) if failing.len() <= NAMED_ROUTES => {
            let reasons: Vec<String> =
                failing.iter().map(|column| format!("{}, {}", way(column), reason(report, column))).collect();
            let how_much = if failing.iter().all(|column| is_closed(column)) { "" } else { "all " };
            format!(
                "On none of the {} routes does {how_much}diagnostic data get out: {}.{undecided}",
                columns.len(),
                reasons.join("; ")
            )
        }
        ([], failing) => {
            format!("On none of the {} routes does all diagnostic data get out: {}.", columns.len(), kinds(failing))
                + &undecided
        }
        (open, [column]) => {
            let how_much = if is_closed(column) { "not" } else { "not all of it" };
            format!(
                "Diagnostic data gets out {}, but {how_much} {}: {}.{undecided}",
                ways(open),
                way(column),
                reason(report, column)
            )
        }
        (open, failing) if columns.len() <= NAMED_ROUTES => {
            let reasons: Vec<String> =
                failing.iter().map(|column| format!("{}, {}", way(column), reason(report, column))).collect();
            format!(
                "Diagnostic data gets out {}. It does not all get out {}.{undecided}",
                ways(open),
                reasons.join("; ")
            )
        }
        (open, failing) => format!(
            "Diagnostic data gets out on {} of {} routes ({}). {}.{undecided}",
            open.len(),
            columns.len(),
            ways(open),
            upper_first(&kinds(failing)),
        ),
    }
}

/// `2 of the others are blocked, 1 is intercepted`.
fn kinds(failing: &[&Column<'_>]) -> String {
    let intercepted = failing.iter().filter(|column| column.count(&[Status::Intercepted]) > 0).count();
    let blocked = failing.len() - intercepted;
    let routes =
        |count: usize, what: &str| format!("{count} {} {what}", if count == 1 { "route is" } else { "routes are" });
    match (blocked, intercepted) {
        (0, count) => routes(count, "intercepted"),
        (count, 0) => routes(count, "blocked in part or whole"),
        _ => format!("{}, {}", routes(blocked, "blocked in part or whole"), routes(intercepted, "intercepted")),
    }
}

fn ways(columns: &[&Column<'_>]) -> String {
    let names: Vec<String> = columns.iter().take(NAMED_ROUTES).map(|column| way(column)).collect();
    match columns.len() {
        count if count > NAMED_ROUTES => format!("{} and over {} more routes", names.join(", "), count - NAMED_ROUTES),
        1 => names.concat(),
        _ => format!("{} and {}", names[..names.len() - 1].join(", "), names[names.len() - 1]),
    }
}

fn all_answer(open: &[&Column<'_>]) -> String {
    let endpoints = open.iter().map(|column| column.rows.len()).max().unwrap_or_default();
    let everywhere = if open.len() > 1 { " on each route" } else { "" };
    let tls = if open.iter().any(|column| column.rows.iter().any(|row| row.is_tls())) {
        ", and no TLS connection is intercepted"
    } else {
        ""
    };
    if endpoints == 1 {
        format!("the endpoint answers{everywhere}{tls}")
    } else {
        format!("all {endpoints} endpoints answer{everywhere}{tls}")
    }
}

/// Nothing, or next to nothing, of this route works.
fn is_closed(column: &Column<'_>) -> bool {
    column.count(&[Status::Ok, Status::Degraded]) * 5 <= column.rows.len()
}

fn doubt(column: &Column<'_>) -> String {
    let inconclusive = column.count(&[Status::Inconclusive]);
    let untested = column.count(&[Status::NotTested]);
    let total = column.rows.len();
    match (inconclusive, untested) {
        (count, 0) => format!("{count} of {total} endpoints are inconclusive"),
        (0, count) => format!("{count} of {total} endpoints were not tested"),
        (unclear, untested) => {
            format!("of {total} endpoints {unclear} are inconclusive and {untested} were not tested")
        }
    }
}

/// The most frequent cause of a failing route, as a clause with its count.
fn reason(report: &Report, column: &Column<'_>) -> String {
    let failing: Vec<&Row> =
        column.rows.iter().copied().filter(|row| matches!(row.status, Status::Blocked | Status::Intercepted)).collect();
    let mut counts: HashMap<&str, usize> = HashMap::new();
    for row in &failing {
        *counts.entry(row.code.as_str()).or_default() += 1;
    }
    let most = counts.values().max().copied().unwrap_or_default();
    let Some(main) = failing.iter().find(|row| counts[row.code.as_str()] == most) else { return String::new() };
    let intercepted: Vec<&&Row> = failing.iter().filter(|row| row.status == Status::Intercepted).collect();
    if main.status == Status::Intercepted {
        let tls = column.rows.iter().filter(|row| row.is_tls()).count();
        let product = intercepted[0].chain.as_ref().and_then(|chain| chain.product.as_deref());
        let same = |row: &&&Row| row.chain.as_ref().and_then(|chain| chain.product.as_deref()) == product;
        let who = match product {
            Some(product) if intercepted.iter().all(|row| same(&row)) => format!("{} inspects", sanitize(product)),
            _ => "TLS is inspected for".to_owned(),
        };
        return format!("{who} {} of {tls} TLS endpoints", intercepted.len());
    }
    let title = report
        .findings
        .iter()
        .find(|finding| finding.code == main.code)
        .map_or(main.code.as_str(), |finding| finding.title.as_str());
    format!("{} ({most} of {} endpoints)", lower_first(&sanitize(title)), column.rows.len())
}

/// `15 endpoints · 3 routes · 45 probes in 0.41 s`.
#[must_use]
pub fn counts(report: &Report) -> String {
    let columns = columns(report);
    let endpoints = columns.iter().map(|column| column.rows.len()).max().unwrap_or_default();
    format!(
        "{} · {} · {} in {}",
        plural(endpoints, "endpoint"),
        plural(columns.len(), "route"),
        plural(report.rows.len(), "probe"),
        seconds(report.run.duration_ms)
    )
}

/// What the exit code means, as the rest of `Exit 1: …`.
#[must_use]
pub fn ending(report: &Report, conclusion: &Conclusion, exit: u8) -> String {
    const INTERRUPTED: u8 = 130;
    let count = |wanted: &[Status]| report.rows.iter().filter(|row| wanted.contains(&row.status)).count();
    let failing = count(&[Status::Blocked, Status::Intercepted]);
    let evidence = " Every row with its evidence: --format json.";
    let meaning = match conclusion {
        _ if exit == INTERRUPTED => "interrupted; rows that were not reached say so.".to_owned(),
        Conclusion::Findings if failing > 0 => "diagnostic data is blocked or intercepted.".to_owned(),
        Conclusion::Findings => "what --fail-on names was seen.".to_owned(),
        Conclusion::OutOfTime => format!(
            "the time was up before {} were tested; allow more with --timeout.",
            plural(count(&[Status::NotTested]), "row")
        ),
        Conclusion::Inconclusive => {
            let rows = report.rows.iter().filter(|row| row.required && row.status == Status::Inconclusive).count();
            format!("{} that some solution requires could not be decided.", plural(rows, "row"))
        }
        Conclusion::Clean if failing > 0 => "nothing that --fail-on names was seen.".to_owned(),
        Conclusion::Clean => "nothing is blocked and nothing intercepted.".to_owned(),
        Conclusion::Compared { unexpected } if unexpected.is_empty() => {
            format!(
                "{} as expected.",
                if report.rows.len() == 1 {
                    "the one row is".to_owned()
                } else {
                    format!("all {} are", plural(report.rows.len(), "row"))
                }
            )
        }
        Conclusion::Compared { unexpected } => {
            format!("{} of {} are not as expected.", grouped(unexpected.len()), plural(report.rows.len(), "row"))
        }
    };
    meaning + evidence
}

#[must_use]
pub(super) fn plural(count: usize, what: &str) -> String {
    let thousands = grouped(count);
    if count == 1 { format!("{thousands} {what}") } else { format!("{thousands} {what}s") }
}

/// `10,000`.
pub(super) fn grouped(count: usize) -> String {
    let digits = count.to_string();
    let mut text = String::new();
    for (position, digit) in digits.chars().enumerate() {
        if position > 0 && (digits.len() - position) % 3 == 0 {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

fn seconds(milliseconds: u64) -> String {
    format!("{}.{:02} s", milliseconds / 1000, milliseconds % 1000 / 10)
}

/// Lower case for the middle of a sentence, except for words that are written in capitals anyway.
fn lower_first(text: &str) -> String {
    let mut characters = text.chars();
    match (characters.next(), characters.next()) {
        (Some(first), Some(second)) if second.is_lowercase() || second == ' ' => {
            format!("{}{}", first.to_lowercase(), &text[first.len_utf8()..])
        }
        _ => text.to_owned(),
    }
}

pub(super) fn upper_first(text: &str) -> String {
    let mut characters = text.chars();
    characters.next().map_or_else(String::new, |first| format!("{}{}", first.to_uppercase(), characters.as_str()))
}
