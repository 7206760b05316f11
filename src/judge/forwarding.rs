//! Plain http through a proxy: whose answer it is, where nothing proves it.
//!
//! In: the answer that came for an address in clear, the login that went with it, and what the proxy did with the tunnels of
//! its other rows. Out: a refusal that is the proxy's, and doubt where a web server stands in the proxy's place: it answers for
//! any address. Never: a row with TLS.

use super::opinion::Opinion;
use super::{Cause, Grounds, Status, Verdict, answer};
use crate::observation::{Credential, HttpEvidence, Observation, Stage, Token};

/// A 403 to somebody who has shown who they are, from nobody that looks like the service, is what it would be for a tunnel.
pub(super) fn denied_to_login(answered: Opinion, seen: &Observation) -> Opinion {
    let credential = seen.tunnel().and_then(|tunnel| tunnel.legs.last()?.credential.as_ref());
    // The message that opens NTLM names nobody.
    let names_somebody = |sent: &Credential| sent.token != Some(Token::NtlmType1);
    let is_foreign = seen.http().is_some_and(|http| http.status == Some(403) && !answer::has_identity(http));
    let is_denial = matches!(answered.cause, Cause::HttpBlockPage | Cause::HttpMiddleboxStatus);
    if !is_denial || !is_foreign || !credential.is_some_and(names_somebody) {
        return answered;
    }
    let detail = answered.detail.unwrap_or_else(|| "status 403".to_owned());
    Opinion::new(Cause::PauthDeniedAfterAuth, Stage::Proxy).with(detail)
}

/// Rows in clear that are fine only if somebody forwarded them, on routes on which nothing was forwarded as far as anybody knows.
pub(super) fn doubt(grounds: &Grounds<'_>, attempts: &[Vec<&Observation>], verdicts: &mut [Verdict]) {
    for route in 0..grounds.plan.routes.len() {
        if grounds.plan.routes[route].proxy().is_none() {
            continue;
        }
        let place = |verdict: &Verdict| &grounds.plan.jobs[verdict.job.0 as usize];
        let is_tls = |verdict: &Verdict| grounds.catalogue.endpoints[place(verdict).endpoint].is_tls();
        let mut tunnels = verdicts.iter().filter(|verdict| place(verdict).route == route && is_tls(verdict)).peekable();
        if tunnels.peek().is_none() || !tunnels.all(|row| is_what_web_servers_do(&row.cause)) {
            continue;
        }
        for verdict in verdicts.iter_mut().filter(|verdict| place(verdict).route == route && !is_tls(verdict)) {
            let answer = attempts[verdict.job.0 as usize].last().and_then(|seen| seen.http());
            if verdict.status == Status::Ok && answer.is_some_and(is_anybodys) {
                verdict.status = Status::Inconclusive;
                verdict.cause = Cause::ProxyNotForwarding;
                verdict.stage = Stage::Http;
                verdict.summary =
                    format!("{}, as far as anybody can tell: {WHY}", Cause::ProxyNotForwarding.facts().title);
            }
        }
    }
}

const WHY: &str = "it opens no tunnel, and any web server could have given this answer";

/// What a row says that [`doubt`] has doubted, once the control was asked for on its route: `became` is what became of it, and
/// nothing where it answers as it should.
pub(super) fn settle(verdict: &mut Verdict, became: Option<&str>) {
    if let Some(became) = became {
        verdict.status = Status::Blocked;
        verdict.summary = format!("{}: the control {became} there", Cause::ProxyNotForwarding.facts().title);
    } else {
        verdict.status = Status::Ok;
        verdict.cause = Cause::Ok;
        Cause::Ok.facts().title.clone_into(&mut verdict.summary);
    }
}

/// Whether [`doubt`] has doubted the row.
pub(super) fn is_doubted(verdict: &Verdict) -> bool {
    verdict.cause == Cause::ProxyNotForwarding && verdict.status == Status::Inconclusive
}

/// Neither the service's own headers, nor the one with which a proxy says that it passed the answer on.
fn is_anybodys(answer: &HttpEvidence) -> bool {
    !answer::has_identity(answer) && answer.header("via").is_none()
}

/// What servers that are no proxies make of CONNECT.
fn is_what_web_servers_do(cause: &Cause) -> bool {
    matches!(
        cause,
        Cause::ProxyMethodBlocked
            | Cause::ProxyBadRequest400
            | Cause::ProxyNotForwarding
            | Cause::ProxyDenied403
            | Cause::ProxyRedirect
            | Cause::ProxyEmpty
            | Cause::ProxyRst
            | Cause::ProxyTimeout
            | Cause::ProxyBadReply
            | Cause::ProxyNotHttp
            | Cause::PauthWrongCode
    )
}
