//! A login that the proxy did not take: what stands behind it, for the row that tried and for those that did not.

use std::collections::HashMap;

use super::opinion::Opinion;
use super::{Cause, Grounds, Status, Verdict};
use crate::observation::{Fault, Leg, Observation, Stage, Token, TunnelEvidence};
use crate::plan::{Identity, Proxy, Scheme};

/// What a 407 after the whole exchange means.
pub(super) fn opinion(tunnel: Option<&TunnelEvidence>) -> Opinion {
    if let Some((cause, status)) = tunnel.and_then(account_state) {
        return Opinion::new(cause, Stage::Proxy).with(status);
    }
    match tunnel.and_then(other_node) {
        Some((one, other)) => Opinion::new(Cause::PauthLbSplit, Stage::Proxy)
            .with(format!("the challenge came from \"{one}\", the refusal from \"{other}\"")),
        None if tunnel.is_some_and(is_about_login) => Opinion::new(Cause::PauthRejected, Stage::Proxy),
        None => Opinion::new(Cause::PauthRejected, Stage::Proxy)
            .with("407; some proxies say that too when the login is right and only this host is denied"),
    }
}

/// Whether it is the login that was refused. Otherwise it may be the host: a proxy that denies one to a login which it
/// knows may ask for another login.
fn is_about_login(tunnel: &TunnelEvidence) -> bool {
    // SOCKS asks for the login before it hears of a host.
    let is_socks = tunnel.scheme == Some(Scheme::SocksPassword);
    is_socks || account_state(tunnel).is_some() || was_asked_elsewhere(tunnel) || says_wrong(tunnel)
}

/// Other hosts were asked for on the connection of the login, and the proxy wanted to know there too who asks.
fn was_asked_elsewhere(tunnel: &TunnelEvidence) -> bool {
    tunnel.legs.first().zip(tunnel.legs.last()).is_some_and(|(first, last)| first.request != last.request)
}

/// The legs of the login itself.
fn own_legs(tunnel: &TunnelEvidence) -> &[Leg] {
    let Some(first) = tunnel.legs.first() else { return &[] };
    let own = tunnel.legs.iter().take_while(|leg| leg.request == first.request).count();
    &tunnel.legs[..own]
}

/// The proxy's page passes on that the name or the password is wrong (MS-ERREF §2.3).
fn says_wrong(tunnel: &TunnelEvidence) -> bool {
    const WRONG: [(&str, &str); 3] = [
        ("NT_STATUS_LOGON_FAILURE", "C000006D"),
        ("NT_STATUS_WRONG_PASSWORD", "C000006A"),
        ("NT_STATUS_NO_SUCH_USER", "C0000064"),
    ];
    let page = page(tunnel);
    WRONG.iter().any(|(name, number)| page.contains(name) || page.contains(&format!("0X{number}")))
}

/// The page behind the last credential, in capitals.
fn page(tunnel: &TunnelEvidence) -> String {
    let answered = own_legs(tunnel).last().filter(|leg| leg.credential.is_some());
    answered.map(|leg| String::from_utf8_lossy(&leg.body_start).to_ascii_uppercase()).unwrap_or_default()
}

/// What the directory says of the account, where the proxy's page passes its status on (MS-ERREF §2.3, by name or number).
fn account_state(tunnel: &TunnelEvidence) -> Option<(Cause, &'static str)> {
    const STATES: [(&str, &str, Cause); 5] = [
        ("NT_STATUS_ACCOUNT_LOCKED_OUT", "C0000234", Cause::PauthAccountLocked),
        ("NT_STATUS_ACCOUNT_DISABLED", "C0000072", Cause::PauthAccountDisabled),
        ("NT_STATUS_ACCOUNT_EXPIRED", "C0000193", Cause::PauthAccountExpired),
        ("NT_STATUS_PASSWORD_EXPIRED", "C0000071", Cause::PauthAccountExpired),
        ("NT_STATUS_PASSWORD_MUST_CHANGE", "C0000224", Cause::PauthAccountExpired),
    ];
    let page = page(tunnel);
    STATES
        .into_iter()
        .find(|(name, number, _)| page.contains(name) || page.contains(&format!("0X{number}")))
        .map(|(name, _, cause)| (cause, name))
}

/// The names under which the challenge and the refusal of NTLM came over one connection, where they differ.
fn other_node(tunnel: &TunnelEvidence) -> Option<(&str, &str)> {
    let [.., challenge, refusal] = own_legs(tunnel) else { return None };
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

/// Rows of one login at one proxy.
#[derive(Default)]
struct Login<'a> {
    /// What the row that was refused it stands for, and which host it asked for.
    refused: Option<(Cause, &'a str, bool)>,
    /// By which schemes some row was let through with it.
    taken_by: Vec<Option<Scheme>>,
}

/// Rows that did not send what another row was refused with say why that one was; and rows that were refused what others were
/// let through with are denied, unless it is taken now and then only.
pub(super) fn share(grounds: &Grounds<'_>, attempts: &[Vec<&Observation>], verdicts: &mut [Verdict]) {
    let seen = |verdict: &Verdict| attempts[verdict.job.0 as usize].last().copied();
    let fault = |verdict: &Verdict| seen(verdict).and_then(|seen| seen.fault()).map(|(_, fault)| fault);
    let account = |verdict: &Verdict| {
        let route = grounds.plan.route(&grounds.plan.jobs[verdict.job.0 as usize]);
        Some((route.proxy()?.clone(), route.identity()?))
    };
    let mut logins: HashMap<(Proxy, Identity), Login<'_>> = HashMap::new();
    for verdict in verdicts.iter() {
        let Some(account) = account(verdict) else { continue };
        let login = logins.entry(account).or_default();
        if !login.taken_by.contains(&verdict.scheme) && seen(verdict).is_some_and(is_let_through) {
            login.taken_by.push(verdict.scheme);
        }
        if matches!(fault(verdict), Some(Fault::CredentialsRefused)) || verdict.cause == Cause::PauthIntermittent {
            let host = &grounds.catalogue.endpoints[grounds.plan.jobs[verdict.job.0 as usize].endpoint].host;
            let is_sure = seen(verdict).and_then(Observation::tunnel).is_some_and(is_about_login);
            login.refused = Some((verdict.cause.clone(), host, is_sure || verdict.cause != Cause::PauthRejected));
        }
    }
    for verdict in verdicts.iter_mut() {
        let Some((proxy, identity)) = account(verdict) else { continue };
        let login = logins.get(&(proxy.clone(), identity));
        let is_taken = login.is_some_and(|login| login.taken_by.contains(&verdict.scheme));
        match fault(verdict) {
            Some(Fault::CredentialsAlreadyRefused) => {
                // One name may serve both identities, and was refused as one of them.
                let others = logins.iter().filter(|((other, _), _)| *other == proxy).map(|(_, login)| login);
                let refused = login.into_iter().chain(others).find_map(|login| login.refused.as_ref());
                match refused {
                    Some((cause, _, true)) => tell(verdict, cause, NOT_SENT_AGAIN),
                    Some((_, host, false)) => leave_open(verdict, host),
                    None => {}
                }
            }
            Some(Fault::CredentialsNoLongerTaken { .. }) => {
                if let Some((cause, ..)) = login.and_then(|login| login.refused.as_ref()) {
                    tell(verdict, cause, "407");
                }
            }
            // Digest calls the nonce stale and a ticket gets no word: denied hosts look so too.
            Some(fault)
                if is_refusal(fault)
                    && is_taken
                    && matches!(verdict.cause, Cause::PauthRejected | Cause::PauthDigestStaleLoop) =>
            {
                tell(verdict, &Cause::PauthDeniedAfterAuth, TAKEN_ELSEWHERE);
            }
            _ => {}
        }
    }
}

const NOT_SENT_AGAIN: &str = "seen once in this run, and the password was not sent again";
const TAKEN_ELSEWHERE: &str = "407, although the proxy takes the same login for other hosts";

fn tell(verdict: &mut Verdict, cause: &Cause, why: &str) {
    if *cause == Cause::PauthRejected || verdict.cause == *cause {
        return;
    }
    verdict.status = Status::Blocked;
    verdict.summary = format!("{}: {why}", cause.facts().title);
    verdict.cause = cause.clone();
}

/// Nobody knows whether the login is wrong, and a wrong one is not to be sent twice.
fn leave_open(verdict: &mut Verdict, host: &str) {
    verdict.summary = format!(
        "{}: the proxy refused them with 407 for {host}, and they were not sent again here; should they be right, it is \
         {host} that is denied to them",
        verdict.cause.facts().title
    );
}

/// Whether a proxy asked for a login again that it takes for others: as one does that denies this host, and as one does that
/// fails now and then.
pub(super) fn is_refusal(fault: &Fault) -> bool {
    matches!(
        fault,
        Fault::CredentialsRefused
            | Fault::CredentialsNoLongerTaken { .. }
            | Fault::DigestStaleLoop
            | Fault::TicketRefused { error: None }
    )
}

/// A login went out, and the proxy did what it was asked for, or had another reason not to.
pub(super) fn is_let_through(seen: &Observation) -> bool {
    let is_past_proxy = seen.fault().is_none_or(|(stage, _)| stage > Stage::Proxy);
    let last = seen.tunnel().and_then(|tunnel| tunnel.legs.last());
    let names_somebody = |leg: &Leg| leg.credential.as_ref().is_some_and(|sent| sent.token != Some(Token::NtlmType1));
    is_past_proxy && last.is_some_and(names_somebody)
}
