//! Names that a line of this machine's hosts file leads elsewhere than the name servers do, or before any of them was heard.
//!
//! In: what the rows of the direct route resolved to, and where they ended. Out: the line, beside each such row; and the
//! line as the cause of a connection that failed at its address or met another server there. Never: a word against a row
//! that gets through, and never a milder word for an interception.

use std::collections::BTreeSet;

use super::opinion::Opinion;
use super::{Cause, Grounds, Status, Verdict};
use crate::observation::{NameSource, Observation, Stage};
use crate::plan::{JobId, PlannedRoute};

/// Puts the lines beside the rows, and makes them the cause where nothing else is needed to explain the row.
pub(super) fn attribute(grounds: &Grounds<'_>, attempts: &[Vec<&Observation>], verdicts: &mut [Verdict]) {
    let is_direct = |verdict: &Verdict| *grounds.plan.route(grounds.job(verdict)) == PlannedRoute::Direct;
    let mut lines: Vec<Option<Line>> = verdicts
        .iter()
        .map(|verdict| {
            let seen = attempts[verdict.job.0 as usize].last().filter(|_| is_direct(verdict))?;
            line(seen, verdict.cause == Cause::DnsHostsOverride)
        })
        .collect();
    // Where nobody's connection opens, deleting a line mends nothing.
    let mut others =
        verdicts.iter().zip(&lines).filter(|(verdict, line)| line.is_none() && is_direct(verdict)).peekable();
    let is_alone = others.peek().is_none();
    let others_connect = others.any(|(verdict, _)| verdict.stage > Stage::Tcp);
    for (verdict, line) in verdicts.iter_mut().zip(&mut lines) {
        let Some(line) = line.take().filter(|_| !matches!(verdict.status, Status::Ok | Status::Degraded)) else {
            continue;
        };
        let explains = others_connect || is_alone && line.is_contradicted;
        let line = line.text;
        if verdict.cause == Cause::ChainNameMismatch || (explains && ends_at_the_address(&verdict.cause)) {
            let detail = format!("\"{line}\", and {} there", verdict.cause.code());
            let opinion = Opinion::new(Cause::DnsHostsOverride, Stage::Dns).with(detail);
            verdict.summary = opinion.summary();
            verdict.status = opinion.status;
            verdict.stage = opinion.stage;
            verdict.cause = opinion.cause;
            verdict.product = None;
        }
        verdict.hosts_line = Some(line);
    }
    let led_astray = led_astray(verdicts);
    for verdict in verdicts {
        verdict.is_led_astray = led_astray.contains(&verdict.job);
    }
}

struct Line {
    text: String,
    /// The name servers were heard, and lead elsewhere. What fails at once ends before they answer.
    is_contradicted: bool,
}

/// The line that gave this row its addresses, unless name servers give them too or know none; `is_known` where the line is the
/// cause already, whatever they say.
fn line(seen: &Observation, is_known: bool) -> Option<Line> {
    let dns = seen.dns().filter(|dns| dns.source == NameSource::System)?;
    let line = dns.system.as_ref()?.hosts_line.as_ref()?;
    let mut by_servers = dns.answers.iter().flat_map(|answer| &answer.addresses).peekable();
    let is_contradicted = by_servers.peek().is_some() && by_servers.all(|address| !dns.addresses.contains(address));
    let is_unheard = dns.answers.iter().all(|answer| answer.rcode.is_none());
    (is_known || is_contradicted || is_unheard).then(|| Line { text: line.clone(), is_contradicted })
}

/// The inspected rows that a line of the hosts file explains: its address shows what no row without a line shows.
fn led_astray(verdicts: &[Verdict]) -> BTreeSet<JobId> {
    let inspected = || verdicts.iter().filter(|verdict| verdict.status == Status::Intercepted);
    let issuer = |row: &Verdict| Some(row.chain.as_ref()?.certificates.first()?.fields()?.issuer.clone());
    let elsewhere: BTreeSet<String> = inspected().filter(|row| row.hosts_line.is_none()).filter_map(issuer).collect();
    inspected()
        .filter(|row| row.hosts_line.is_some() && issuer(row).is_none_or(|issuer| !elsewhere.contains(&issuer)))
        .map(|row| row.job)
        .collect()
}

/// What another address than that of the line could change.
fn ends_at_the_address(cause: &Cause) -> bool {
    matches!(
        cause,
        Cause::TcpRefused
            | Cause::TcpTimeout
            | Cause::TcpHostUnreachable
            | Cause::TcpNetUnreachable
            | Cause::TcpAdminProhibited
            | Cause::TcpResetAfterConnect
    )
}
