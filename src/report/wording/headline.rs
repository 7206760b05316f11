//! The first sentence of a run about routes: over which of them data gets out, over which not, and mainly why.
//!
//! What counts is said by the answer: only rows that it needs are spoken of.

use std::collections::{BTreeSet, HashMap};

use super::{is_of_another, product, proxy_address, unread_script, upper_first};
use crate::harmless::sanitize;
use crate::judge::{Cause, Status};
use crate::plan::{ClientProfile, Identity};
use crate::report::columns::{Column, endpoints, needed};
use crate::report::counts::{grouped, plural};
use crate::report::{Report, Row, WorksAs};

/// More routes than this are counted instead of explained one by one.
pub(super) const EXPLAINED_ROUTES: usize = 3;

/// The sentence of a run about routes (or two, where a route is not decided).
pub(super) fn about_routes(report: &Report) -> String {
    let columns = needed(report);
    let is_kept_from_all = |column: &Column<'_>| column.rows.iter().any(|row| !row.status.is_open());
    match unread_script(report) {
        Some(why) if !columns.iter().any(is_kept_from_all) => {
            format!("Not decided: whether diagnostic data gets out where the script sends it. {why}.")
        }
        Some(why) => format!("{} {why}.", verdict(&columns, true)),
        None => verdict(&columns, report.run.script.is_some()) + &login_remark(report) + &client_remark(&columns),
    }
}

/// A login that opens a proxy and that not every version sends.
fn login_remark(report: &Report) -> String {
    let is_by_user = |row: &&Row| {
        let route = report.answer.routes.iter().find(|route| route.key == row.route.key);
        row.needed
            && route.is_some_and(|route| route.works_as == Some(WorksAs::User) && route.status == Status::Degraded)
    };
    if report.answer.status == Status::Degraded && report.rows.iter().any(|row| is_by_user(&row)) {
        " Only Windows 10 1703 and later send a user's login.".to_owned()
    } else {
        String::new()
    }
}

/// For which Windows versions rows fail, where others get through with their own TLS.
fn client_remark(columns: &[Column<'_>]) -> String {
    let failing = || columns.iter().flat_map(|column| &column.rows).filter(|row| !row.status.is_open());
    let is_open_for_some = |row: &&&Row| row.clients.iter().any(|client| client.status.is_open());
    let clients = failing().filter(is_open_for_some).flat_map(|row| &row.clients);
    let profiles: BTreeSet<ClientProfile> =
        clients.filter(|client| !client.status.is_open()).map(|client| client.profile).collect();
    if profiles.is_empty() {
        return String::new();
    }
    let windows: Vec<&str> = profiles.into_iter().map(ClientProfile::windows).collect();
    let subject = if failing().all(|row| is_open_for_some(&row)) { "This" } else { "Some of it" };
    format!(" {subject} concerns {} only.", windows.join(" and "))
}

/// Routes by what became of them.
struct Sorted<'a, 'r> {
    total: usize,
    /// Every endpoint is ok or degraded.
    open: Vec<&'a Column<'r>>,
    /// Some endpoint is blocked or intercepted.
    failing: Vec<&'a Column<'r>>,
    /// Neither: something is inconclusive or was not tested.
    undecided: Vec<&'a Column<'r>>,
}

fn verdict(columns: &[Column<'_>], is_by_script: bool) -> String {
    let mut sorted = Sorted { total: columns.len(), open: Vec::new(), failing: Vec::new(), undecided: Vec::new() };
    for column in columns {
        let place = if column.count(&[Status::Blocked, Status::Intercepted]) > 0 {
            &mut sorted.failing
        } else if column.count(&[Status::Inconclusive, Status::NotTested]) > 0 {
            &mut sorted.undecided
        } else {
            &mut sorted.open
        };
        place.push(column);
    }
    let mut text = match (sorted.open.as_slice(), sorted.failing.as_slice()) {
        ([], []) => String::new(),
        (open, []) => all_is_well(open),
        ([], failing) => nothing_is_open(&sorted, failing),
        // What is open carries a part of the endpoints: a device needs the others as well.
        (_, failing) if is_by_script && failing.len() <= EXPLAINED_ROUTES => {
            let why = match failing {
                [column] => format!("{}: {}", way(column), reason(column)),
                several => explained(several),
            };
            format!("Not all diagnostic data gets out where the script sends it. {}.", upper_first(&why))
        }
        (open, failing) => some_are_open(&sorted, open, failing),
    };
    let doubts = doubts(&sorted);
    if !text.is_empty() && !doubts.is_empty() {
        text.push(' ');
    }
    text + &doubts
}

fn all_is_well(open: &[&Column<'_>]) -> String {
    let rows = || open.iter().flat_map(|column| column.rows.iter());
    let count = endpoints(rows().copied());
    let untouched = if rows().any(|row| row.is_tls()) { ", and no TLS connection is intercepted" } else { "" };
    match rows().filter(|row| row.status == Status::Degraded).count() {
        0 if count == 1 => format!("Diagnostic data gets out {}: the endpoint answers{untouched}.", ways(open)),
        0 => {
            format!("Diagnostic data gets out {}: all {} endpoints answer{untouched}.", ways(open), grouped(count))
        }
        degraded => {
            let remarks = share(degraded, rows().count(), "probe");
            format!("Diagnostic data gets out {}, with a remark on {remarks}{untouched}.", ways(open))
        }
    }
}

fn nothing_is_open(sorted: &Sorted<'_, '_>, failing: &[&Column<'_>]) -> String {
    let how_much = if failing.iter().all(|column| column.is_closed()) { "no" } else { "not all" };
    match failing {
        [column] => format!("{} diagnostic data gets out {}: {}.", upper_first(how_much), way(column), reason(column)),
        few if few.len() <= EXPLAINED_ROUTES => {
            format!("{} diagnostic data gets out. {}.", upper_first(how_much), upper_first(&explained(few)))
        }
        many => {
            format!("On none of the {} routes does all diagnostic data get out: {}.", sorted.total, kinds(many))
        }
    }
}

fn some_are_open(sorted: &Sorted<'_, '_>, open: &[&Column<'_>], failing: &[&Column<'_>]) -> String {
    if failing.len() > EXPLAINED_ROUTES {
        return format!(
            "Diagnostic data gets out over {} of {} routes: {}. Of the others {}.",
            open.len(),
            sorted.total,
            ways(open),
            kinds(failing),
        );
    }
    let how_much = if failing.iter().all(|column| column.is_closed()) { "not" } else { "not all of it" };
    match failing {
        [column] => {
            format!("Diagnostic data gets out {}, but {how_much} {}: {}.", ways(open), way(column), reason(column))
        }
        few => format!("Diagnostic data gets out {}, but {how_much} {}.", ways(open), explained(few)),
    }
}

/// `through A without a login: …; through B as user: …`; of one proxy `through A (without a login: …; as user: …)`.
fn explained(columns: &[&Column<'_>]) -> String {
    explained_by(&columns.iter().map(|column| (*column, reason(column))).collect::<Vec<_>>())
}

/// The same with reasons that were found before.
pub(super) fn explained_by(columns: &[(&Column<'_>, String)]) -> String {
    let together = |whose: fn(&Column<'_>) -> String| {
        let parts: Vec<String> =
            columns.iter().map(|(column, reason)| format!("{}: {reason}", whose(column))).collect();
        parts.join("; ")
    };
    match &columns[0].0.route().proxy {
        Some(proxy) if columns.iter().all(|(column, _)| column.route().proxy.as_ref() == Some(proxy)) => {
            format!("through {} ({})", proxy_address(proxy), together(as_whom))
        }
        _ => together(way),
    }
}

/// `3 are blocked in part or whole, most often because the proxy asks for authentication, and 2 are intercepted`.
pub(super) fn kinds(failing: &[&Column<'_>]) -> String {
    let intercepted = failing.iter().filter(|column| column.count(&[Status::Intercepted]) > 0).count();
    let are = |count: usize| if count == 1 { "1 is".to_owned() } else { format!("{count} are") };
    match (failing.len() - intercepted, intercepted) {
        (0, count) => format!("{} intercepted", are(count)),
        (count, 0) => format!("{} blocked in part or whole{}", are(count), why_blocked(failing)),
        (blocked, intercepted) => {
            let why = why_blocked(failing);
            let comma = if why.is_empty() { "" } else { "," };
            format!("{} blocked in part or whole{why}{comma} and {} intercepted", are(blocked), are(intercepted))
        }
    }
}

/// `, most often because …`, by the rows of all these routes; nothing where no cause stands out.
fn why_blocked(failing: &[&Column<'_>]) -> String {
    let rows: Vec<&Row> = failing
        .iter()
        .flat_map(|column| column.rows.iter().copied())
        .filter(|row| row.status == Status::Blocked)
        .collect();
    match main_cause(&rows) {
        Some((title, count)) if count == rows.len() => format!(" because {title}"),
        Some((title, count)) if count * 2 > rows.len() => format!(", most often because {title}"),
        _ => String::new(),
    }
}

/// The most frequent cause of `rows`, as the middle of a sentence, and how many have it.
fn main_cause(rows: &[&Row]) -> Option<(String, usize)> {
    let mut counts: HashMap<&str, usize> = HashMap::new();
    for row in rows {
        *counts.entry(row.code.as_str()).or_default() += 1;
    }
    let most = counts.values().max().copied()?;
    let main = rows.iter().find(|row| counts[row.code.as_str()] == most)?;
    let title =
        Cause::from_code(&main.code).map_or_else(|| sanitize(&main.code), |cause| lower_first(cause.facts().title));
    Some((title, most))
}

fn doubts(sorted: &Sorted<'_, '_>) -> String {
    let subject = if sorted.undecided.len() == sorted.total { "diagnostic data" } else { "it" };
    match sorted.undecided.as_slice() {
        [] => String::new(),
        [column] => format!("Whether {subject} gets out {} is not decided: {}.", way(column), doubt(column)),
        many => format!("Whether {subject} gets out over {} is not decided.", plural(many.len(), "route")),
    }
}

pub(super) fn doubt(column: &Column<'_>) -> String {
    let total = plural(column.rows.len(), "endpoint");
    let are = |count: usize| if count == 1 { "is" } else { "are" };
    let were = |count: usize| if count == 1 { "was" } else { "were" };
    match (column.count(&[Status::Inconclusive]), column.count(&[Status::NotTested])) {
        (0, count) if count == column.rows.len() => "nothing was tested there".to_owned(),
        (count, 0) => format!("{} of {total} {} inconclusive", grouped(count), are(count)),
        (0, count) => format!("{} of {total} {} not tested", grouped(count), were(count)),
        (unclear, untested) => format!(
            "of {total} {} {} inconclusive and {} {} not tested",
            grouped(unclear),
            are(unclear),
            grouped(untested),
            were(untested)
        ),
    }
}

pub(super) fn ways(columns: &[&Column<'_>]) -> String {
    let names: Vec<String> = columns.iter().take(EXPLAINED_ROUTES).map(|column| way(column)).collect();
    match columns.len() {
        1 => names.concat(),
        count if count > EXPLAINED_ROUTES => {
            format!("{} and over {}", names.join(", "), plural(count - EXPLAINED_ROUTES, "other route"))
        }
        _ => format!("{} and {}", names[..names.len() - 1].join(", "), names[names.len() - 1]),
    }
}

/// `directly`, or `through proxy.example:8080 as user (ntlm)`.
pub(super) fn way(column: &Column<'_>) -> String {
    match &column.route().proxy {
        None => "directly".to_owned(),
        Some(proxy) => format!("through {} {}", proxy_address(proxy), as_whom(column)),
    }
}

pub(super) fn as_whom(column: &Column<'_>) -> String {
    let scheme = column.scheme.map_or_else(String::new, |scheme| format!(" ({scheme})"));
    match column.route().identity {
        None | Some(Identity::Bypass) => format!("without a login{scheme}"),
        Some(identity) => format!("as {identity}{scheme}"),
    }
}

/// Why a route fails, as a clause with counts: the one cause, or the most frequent of several.
pub(super) fn reason(column: &Column<'_>) -> String {
    let failing: Vec<&Row> =
        column.rows.iter().copied().filter(|row| matches!(row.status, Status::Blocked | Status::Intercepted)).collect();
    let intercepted: Vec<&Row> = failing.iter().copied().filter(|row| row.status == Status::Intercepted).collect();
    let blocked = failing.len() - intercepted.len();
    if intercepted.len() > blocked {
        let tls = column.rows.iter().filter(|row| row.is_tls()).count();
        let who = if intercepted.iter().all(|row| row.hosts_line.is_some()) {
            "this machine's hosts file leads to another server for".to_owned()
        } else if intercepted.iter().all(|row| is_of_another(row)) {
            "another server answers in the place of".to_owned()
        } else {
            product(intercepted.iter().copied())
                .map_or_else(|| "an unknown product inspects".to_owned(), |product| format!("{product} inspects"))
        };
        let inspected = format!("{who} {}", share(intercepted.len(), tls, "TLS endpoint"));
        return match blocked {
            0 => inspected,
            1 => format!("{inspected}, and 1 endpoint is blocked"),
            many => format!("{inspected}, and {} are blocked", plural(many, "endpoint")),
        };
    }
    let Some((title, most)) = main_cause(&failing) else { return String::new() };
    let of_all = share(failing.len(), column.rows.len(), "endpoint");
    let fate = if intercepted.is_empty() { "blocked" } else { "blocked or intercepted" };
    match most {
        most if most == failing.len() => format!("{title} ({of_all})"),
        1 => format!("{of_all} are {fate}, each for a reason of its own"),
        _ => format!("{of_all} are {fate}, most often because {title}"),
    }
}

fn share(part: usize, whole: usize, what: &str) -> String {
    if part == whole && whole > 1 {
        format!("all {}", plural(whole, what))
    } else {
        format!("{} of {}", grouped(part), plural(whole, what))
    }
}

const PROPER_NAMES: [&str; 2] = ["Windows", "Microsoft"];

/// Lower case for the middle of a sentence, except for words that are written in capitals anyway.
pub(super) fn lower_first(text: &str) -> String {
    if PROPER_NAMES.iter().any(|name| text.starts_with(name)) {
        return text.to_owned();
    }
    let mut characters = text.chars();
    match (characters.next(), characters.next()) {
        (Some(first), Some(second)) if second.is_lowercase() || second == ' ' => {
            format!("{}{}", first.to_lowercase(), &text[first.len_utf8()..])
        }
        _ => text.to_owned(),
    }
}
