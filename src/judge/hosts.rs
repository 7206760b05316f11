//! Names that a line of this machine's hosts file leads elsewhere than the name servers do.
//!
//! In: what the rows of the direct route resolved to, and where they ended. Out: the line, beside each such row; and the
//! line as the cause of a connection that failed at its address or met another server there. Never: a word against a row
//! that gets through, and never a milder word for an interception.

use super::opinion::Opinion;
use super::{Cause, Grounds, Status, Verdict};
use crate::observation::{NameSource, Observation, Stage};
use crate::plan::PlannedRoute;

/// Puts the lines beside the rows, and makes them the cause where nothing else is needed to explain the row.
pub(super) fn attribute(grounds: &Grounds<'_>, attempts: &[Vec<&Observation>], verdicts: &mut [Verdict]) {
    let is_direct = |verdict: &Verdict| *grounds.plan.route(grounds.job(verdict)) == PlannedRoute::Direct;
    let mut lines: Vec<Option<String>> = verdicts
        .iter()
        .map(|verdict| {
            let seen = attempts[verdict.job.0 as usize].last().filter(|_| is_direct(verdict))?;
            line(seen, verdict.cause == Cause::DnsHostsOverride)
        })
        .collect();
    // Where nobody's connection opens, deleting a line mends nothing.
    let mut others =
        verdicts.iter().zip(&lines).filter(|(verdict, line)| line.is_none() && is_direct(verdict)).peekable();
    let others_connect = others.peek().is_none() || others.any(|(verdict, _)| verdict.stage > Stage::Tcp);
    for (verdict, line) in verdicts.iter_mut().zip(&mut lines) {
        let Some(line) = line.take().filter(|_| !matches!(verdict.status, Status::Ok | Status::Degraded)) else {
            continue;
        };
        if verdict.cause == Cause::ChainNameMismatch || (others_connect && ends_at_the_address(&verdict.cause)) {
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
}

/// The line that gave this row its addresses, where the name servers give others; `is_known` where the line is the cause
/// already, whatever they say.
fn line(seen: &Observation, is_known: bool) -> Option<String> {
    let dns = seen.dns().filter(|dns| dns.source == NameSource::System)?;
    let line = dns.system.as_ref()?.hosts_line.as_ref()?;
    let mut by_servers = dns.answers.iter().flat_map(|answer| &answer.addresses).peekable();
    let differ = by_servers.peek().is_some() && by_servers.all(|address| !dns.addresses.contains(address));
    (is_known || differ).then(|| line.clone())
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
