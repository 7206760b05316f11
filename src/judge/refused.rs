//! A login that the proxy did not take: what stands behind it, for the row that tried and for those that did not.

use std::collections::HashMap;

use super::opinion::Opinion;
use super::{Cause, Grounds, Status, Verdict};
use crate::observation::{Fault, Leg, Observation, Stage, Token, TunnelEvidence};
use crate::plan::{Identity, Proxy};

/// What a 407 after the whole exchange means.
pub(super) fn opinion(tunnel: Option<&TunnelEvidence>) -> Opinion {
    if let Some((cause, status)) = tunnel.and_then(|tunnel| account_state(tunnel.legs.last()?)) {
        return Opinion::new(cause, Stage::Proxy).with(status);
    }
    match tunnel.and_then(other_node) {
        Some((one, other)) => Opinion::new(Cause::PauthLbSplit, Stage::Proxy)
            .with(format!("the challenge came from \"{one}\", the refusal from \"{other}\"")),
        None => Opinion::new(Cause::PauthRejected, Stage::Proxy),
    }
}

/// What the directory says of the account, where the proxy's page passes its status on (MS-ERREF §2.3, by name or number).
fn account_state(leg: &Leg) -> Option<(Cause, &'static str)> {
    const STATES: [(&str, &str, Cause); 5] = [
        ("NT_STATUS_ACCOUNT_LOCKED_OUT", "C0000234", Cause::PauthAccountLocked),
        ("NT_STATUS_ACCOUNT_DISABLED", "C0000072", Cause::PauthAccountDisabled),
        ("NT_STATUS_ACCOUNT_EXPIRED", "C0000193", Cause::PauthAccountExpired),
        ("NT_STATUS_PASSWORD_EXPIRED", "C0000071", Cause::PauthAccountExpired),
        ("NT_STATUS_PASSWORD_MUST_CHANGE", "C0000224", Cause::PauthAccountExpired),
    ];
    leg.credential.as_ref()?;
    let page = String::from_utf8_lossy(&leg.body_start).to_ascii_uppercase();
    STATES
        .into_iter()
        .find(|(name, number, _)| page.contains(name) || page.contains(&format!("0X{number}")))
        .map(|(name, _, cause)| (cause, name))
}

/// The names under which the challenge and the refusal of NTLM came over one connection, where they differ.
fn other_node(tunnel: &TunnelEvidence) -> Option<(&str, &str)> {
    let [.., challenge, refusal] = tunnel.legs.as_slice() else { return None };
    let is_answer = refusal.credential.as_ref().is_some_and(|sent| sent.token == Some(Token::NtlmType3));
    if !is_answer || challenge.connection != refusal.connection {
        return None;
    }
    let differing = |name| {
        let (one, other) = (Leg::header(challenge, name)?, Leg::header(refusal, name)?);
        (one != other).then_some((one, other))
    };
    differing("via").or_else(|| differing("server"))
}

/// Rows that did not send what another row was refused with say why that one was; and where a login turned out to be taken
/// now and then, rows that were refused it once are no matter of rights.
pub(super) fn share(grounds: &Grounds<'_>, attempts: &[Vec<&Observation>], verdicts: &mut [Verdict]) {
    let mut causes: HashMap<(Proxy, Identity), Cause> = HashMap::new();
    let account = |verdict: &Verdict| {
        let route = grounds.plan.route(&grounds.plan.jobs[verdict.job.0 as usize]);
        Some((route.proxy()?.clone(), route.identity()?))
    };
    let fault = |verdict: &Verdict| attempts[verdict.job.0 as usize].last().and_then(|seen| seen.fault());
    for verdict in verdicts.iter() {
        let was_refused = matches!(fault(verdict), Some((_, Fault::CredentialsRefused)));
        if (was_refused || verdict.cause == Cause::PauthIntermittent)
            && let Some(account) = account(verdict)
        {
            causes.insert(account, verdict.cause.clone());
        }
    }
    for verdict in verdicts.iter_mut() {
        let why = match fault(verdict) {
            Some((_, Fault::CredentialsAlreadyRefused)) => "seen once in this run, and the password was not sent again",
            Some((_, Fault::CredentialsNoLongerTaken { .. })) => "407",
            _ => continue,
        };
        let Some(cause) = account(verdict).and_then(|account| causes.get(&account)).cloned() else { continue };
        if cause == Cause::PauthRejected || verdict.cause == cause {
            continue;
        }
        verdict.status = Status::Blocked;
        verdict.summary = format!("{}: {why}", cause.facts().title);
        verdict.cause = cause;
    }
}
