//! Hints at somebody on the way, by what a row or two show beside their verdicts.

use std::collections::BTreeMap;

use super::table::{FRESH_LEAF, LOWER_THAN_DIRECT, NO_SCT, PLAIN_BLOCKED};
use super::{Row, at, by_route, hosts, jobs, naming};
use crate::judge::{Cause, Finding, Owner, Status};
use crate::observation::{Observation, Stage};
use crate::plan::{JobId, PlannedRoute};

/// What the certificates of intercepted rows show of how they were made. Alone it would prove nothing.
pub(super) fn of_chains(rows: &[Row<'_>]) -> Vec<Finding> {
    let kinds = [("fresh-leaf", FRESH_LEAF), ("no-sct", NO_SCT)];
    let mut findings = Vec::new();
    for (tell, comparison) in kinds {
        let mut places: BTreeMap<Option<String>, Vec<Row<'_>>> = BTreeMap::new();
        for row in rows.iter().copied().filter(Row::is_intercepted) {
            if row.verdict.chain.as_ref().is_some_and(|chain| chain.tells.contains(&tell)) {
                places.entry(row.proxy()).or_default().push(row);
            }
        }
        findings.extend(places.into_iter().map(|(proxy, rows)| Finding {
            code: comparison.code.to_owned(),
            title: at(comparison.title, proxy.as_deref()),
            owner: comparison.owner,
            remedy: naming("exclude exactly these host names from TLS inspection", &hosts(&rows)),
            jobs: jobs(&rows),
        }));
    }
    findings
}

/// A proxy that hands the connection on unread leaves the TLS version alone: an older one than on the direct route is a
/// hint at somebody in between.
pub(super) fn older_tls(rows: &[Row<'_>], observations: &[&Observation]) -> Vec<Finding> {
    let versions: BTreeMap<JobId, &str> =
        observations.iter().filter_map(|seen| Some((seen.job(), seen.tls()?.version.as_deref()?))).collect();
    let version = |row: &Row<'_>| versions.get(&row.verdict.job).copied();
    let direct: BTreeMap<&str, &str> = rows
        .iter()
        .filter(|row| *row.route == PlannedRoute::Direct && row.is_genuine())
        .filter_map(|row| Some((row.host(), version(row)?)))
        .collect();
    let mut proxies: BTreeMap<(String, &str, &str), Vec<Row<'_>>> = BTreeMap::new();
    for row in rows {
        let (Some(proxy), Some(older)) = (row.proxy(), version(row)) else { continue };
        // The versions compare as their names do: `TLS 1.2`, `TLS 1.3`.
        if let Some(newer) = direct.get(row.host()).filter(|direct| older < **direct) {
            proxies.entry((proxy, older, newer)).or_default().push(*row);
        }
    }
    proxies
        .into_iter()
        .map(|((proxy, older, newer), rows)| Finding {
            code: LOWER_THAN_DIRECT.code.to_owned(),
            title: format!("Through {proxy} {older} is agreed on, and {newer} on the direct route"),
            owner: LOWER_THAN_DIRECT.owner,
            remedy: naming(
                "see whether the proxy takes part in the TLS of these hosts, and leave it alone",
                &hosts(&rows),
            ),
            jobs: jobs(&rows),
        })
        .collect()
}

/// On a route where every https address gets through, the http ones do not.
pub(super) fn plain_blocked(rows: &[Row<'_>]) -> Vec<Finding> {
    let gets_through = |row: &Row<'_>| matches!(row.verdict.status, Status::Ok | Status::Degraded);
    let mut findings = Vec::new();
    for route in by_route(rows).into_values() {
        let (encrypted, plain): (Vec<Row<'_>>, Vec<Row<'_>>) = route.iter().partition(|row| row.endpoint.is_tls());
        let blocked: Vec<Row<'_>> = plain
            .iter()
            .copied()
            .filter(|row| row.verdict.status == Status::Blocked && !row.verdict.cause.code().starts_with("pauth."))
            .filter(|row| {
                // A page that came instead says more than a closed port.
                matches!(row.verdict.stage, Stage::Tcp | Stage::Proxy)
                    || matches!(row.verdict.cause, Cause::HttpEmpty | Cause::HttpTimeoutFirstByte)
            })
            .collect();
        if blocked.is_empty() || encrypted.is_empty() || !encrypted.iter().all(gets_through) {
            continue;
        }
        let proxy = blocked[0].proxy();
        let is_closed = blocked.iter().any(|row| row.verdict.stage != Stage::Http);
        let instruction = if is_closed {
            "open port 80 for these hosts too"
        } else {
            "port 80 opens and no answer comes: look for the filter or scanner that ends plain http to these hosts"
        };
        findings.push(Finding {
            code: PLAIN_BLOCKED.code.to_owned(),
            title: at(PLAIN_BLOCKED.title, proxy.as_deref()),
            owner: if proxy.is_some() { Owner::ProxyTeam } else { PLAIN_BLOCKED.owner },
            remedy: naming(instruction, &hosts(&blocked)),
            jobs: jobs(&blocked),
        });
    }
    findings
}
