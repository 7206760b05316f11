//! A proxy that says no to every endpoint: whether it means the hosts, the port or the client.

use super::control::{Outcome, is_all_denied, is_denial, is_tunnel};
use super::on_route;
use crate::judge::{Cause, Grounds, Status, Verdict};
use crate::observation::Ask;

/// Sharpens a denial of everything by what the same proxy said to the control.
pub(super) fn weigh(grounds: &Grounds<'_>, route: usize, verdicts: &mut [Verdict], outcomes: &[(Ask, Outcome)]) {
    let of = |wanted: Ask| outcomes.iter().find(|(ask, _)| *ask == wanted).map(|(_, outcome)| outcome);
    let is_tunnel_denied = of(Ask::ControlTunnel).is_some_and(is_no);
    if !is_tunnel_denied {
        return;
    }
    let rows: Vec<&Verdict> = on_route(grounds, route, verdicts).collect();
    if !is_all_denied(grounds, &rows) {
        return;
    }
    let (tunnels, others): (Vec<&Verdict>, Vec<&Verdict>) = rows.into_iter().partition(|row| is_tunnel(grounds, row));
    let plain_gets_through = of(Ask::Control) == Some(&Outcome::Answers)
        || others.iter().any(|row| matches!(row.status, Status::Ok | Status::Degraded));
    let cause = match of(Ask::Control) {
        _ if plain_gets_through => Cause::ProxyDeniedPort,
        Some(outcome) if is_no(outcome) => Cause::ProxyClientNotAllowed,
        Some(_) | None => return,
    };
    // A port that tunnels may not have says nothing of rows in clear; a client that may do nothing may not do that either.
    let in_clear = others.iter().filter(|row| cause == Cause::ProxyClientNotAllowed && is_denial(&row.cause));
    let jobs: Vec<_> = tunnels.iter().chain(in_clear).map(|row| row.job).collect();
    for job in jobs {
        let verdict = &mut verdicts[job.0 as usize];
        verdict.summary = format!("{}: {}", cause.facts().title, verdict.summary);
        verdict.cause = cause.clone();
    }
}

fn is_no(outcome: &Outcome) -> bool {
    match outcome {
        Outcome::Fails(cause) => is_denial(cause),
        Outcome::Foreign { status } => matches!(status, 403 | 451),
        Outcome::Answers => false,
    }
}
