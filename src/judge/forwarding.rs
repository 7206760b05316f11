//! Plain http through a proxy: whose answer it is, where nothing proves it.
//!
//! In: the answer that came for an address in clear, the login that went with it, and what the proxy did with the tunnels of
//! its other rows. Out: a refusal that is the proxy's, and doubt where a web server stands in the proxy's place: it answers for
//! any address. Never: a row with TLS.

use super::opinion::Opinion;
use super::{Cause, Grounds, Status, Verdict, answer, chain, evidence, kind, refusal};
use crate::observation::{Credential, Header, HttpEvidence, Leg, Observation, Stage, Token};
use crate::plan::ProxyScheme;

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

/// Answers in clear that the proxy itself gave get the code that they have on a tunnel, so that one rule is one finding.
///
/// Whose answer it is, is told by the mark that a proxy leaves on what it writes itself, or by its having refused tunnels on
/// this route in the same form. Without either it stays open who answered: a box behind the proxy looks no different.
pub(super) fn attribute(grounds: &Grounds<'_>, attempts: &[Vec<&Observation>], verdicts: &mut [Verdict]) {
    let place = |verdict: &Verdict| &grounds.plan.jobs[verdict.job.0 as usize];
    let seen = |verdict: &Verdict| attempts[verdict.job.0 as usize].last().copied();
    let is_tls = |verdict: &Verdict| grounds.catalogue.endpoints[place(verdict).endpoint].is_tls();
    for route in 0..grounds.plan.routes.len() {
        if grounds.plan.routes[route].proxy().is_none_or(|proxy| proxy.scheme == ProxyScheme::Socks5) {
            continue;
        }
        let refusals: Vec<&Leg> = verdicts
            .iter()
            .filter(|verdict| place(verdict).route == route && is_tls(verdict))
            .filter_map(|verdict| seen(verdict).filter(|seen| is_refused(seen))?.tunnel()?.legs.last())
            .collect();
        let mut changes = Vec::new();
        for (index, verdict) in verdicts.iter().enumerate() {
            let is_foreign = matches!(
                verdict.cause,
                Cause::HttpBlockPage | Cause::HttpPortal | Cause::HttpForeignRedirect | Cause::HttpMiddleboxStatus
            );
            if place(verdict).route != route || is_tls(verdict) || !is_foreign {
                continue;
            }
            let Some((answer, leg)) = seen(verdict).and_then(|seen| seen.http().zip(seen.tunnel()?.legs.last())) else {
                continue;
            };
            let Some(status) = answer.status.filter(|_| !answer::has_identity(answer)) else { continue };
            let leg = Leg {
                status: Some(status),
                reason: answer.reason.clone(),
                headers: answer.headers.clone(),
                body_start: answer.body_start.clone(),
                ..leg.clone()
            };
            let why = if is_own_page(&leg) {
                WRITES_IT
            } else if refusals.iter().any(|refusal| is_alike(&leg, refusal)) {
                REFUSES_TUNNELS_SO
            } else {
                continue;
            };
            let opinion = refusal::opinion(status, Some(&leg));
            // What a method has to do with it nobody knows: this was a GET.
            if opinion.status == Status::Blocked && opinion.cause != Cause::ProxyMethodBlocked {
                changes.push((index, opinion, why));
            }
        }
        for (index, opinion, why) in changes {
            let verdict = &mut verdicts[index];
            verdict.summary = opinion.summary();
            verdict.status = opinion.status;
            verdict.stage = opinion.stage;
            verdict.cause = opinion.cause;
            verdict.evidence.push(why.to_owned());
        }
    }
}

const WRITES_IT: &str = "the answer bears the mark of the proxy that wrote it: nobody behind the proxy was asked";
const REFUSES_TUNNELS_SO: &str = "the proxy refuses tunnels on this route in the same form: the answer is its own";

/// The proxy answered, and opened no tunnel.
fn is_refused(seen: &Observation) -> bool {
    seen.fault().is_some_and(|(stage, _)| stage == Stage::Proxy) && seen.http().is_none()
}

/// Whether a proxy says that it wrote this answer, and the first one on the way did.
fn is_own_page(answer: &Leg) -> bool {
    let is_error = answer.header("x-squid-error").is_some()
        || answer.header("proxy-status").is_some_and(|value| value.contains("error="));
    hops(answer) <= 1 && (is_error || chain::is_page_of_a_proxy(&answer.headers, &answer.body_start))
}

/// The proxies that the answer came past, the one that wrote it included where it names itself.
fn hops(answer: &Leg) -> usize {
    let via = answer.headers.iter().filter(|header| header.is("via"));
    via.flat_map(|header| header.value.split(',')).filter(|hop| !hop.trim().is_empty()).count()
}

/// Whether an answer to a GET has the form of a refusal of CONNECT: nothing speaks against one hand, and something for it.
fn is_alike(answer: &Leg, refusal: &Leg) -> bool {
    if answer.status != refusal.status || hops(answer) != hops(refusal) {
        return false;
    }
    let [server, other_server] = [answer, refusal].map(|leg| leg.header("server"));
    let [place, other_place] = [answer, refusal].map(destination);
    if server != other_server || place != other_place {
        return false;
    }
    server.is_some() || place.is_some() || has_same_page(answer, refusal) || has_same_form(answer, refusal)
}

/// Where a redirect leads, without what it says of the request.
fn destination(answer: &Leg) -> Option<String> {
    let location = answer.header("location")?;
    let end = location.find(['?', '#']).unwrap_or(location.len());
    Some(location[..end].to_ascii_lowercase())
}

/// Pages differ in the address that was asked for; their titles, or else their beginnings, do not.
fn has_same_page(answer: &Leg, refusal: &Leg) -> bool {
    const SAME_BEGINNING: usize = 48;
    let (one, other) = (&answer.body_start, &refusal.body_start);
    match (evidence::title(one), evidence::title(other)) {
        (Some(one), Some(other)) => one == other,
        (None, None) => {
            let shortest = one.len().min(other.len());
            shortest > 0
                && (one == other || shortest >= SAME_BEGINNING && one[..SAME_BEGINNING] == other[..SAME_BEGINNING])
        }
        _ => false,
    }
}

/// Answers without a page that no more than their headers tell apart.
fn has_same_form(answer: &Leg, refusal: &Leg) -> bool {
    let names = |leg: &Leg| -> Vec<String> {
        let name = |header: &Header| header.name.to_ascii_lowercase();
        let mut names: Vec<String> = leg.headers.iter().map(name).collect();
        names.sort_unstable();
        names
    };
    let has_page = |leg: &Leg| !leg.body_start.is_empty();
    !has_page(answer) && !has_page(refusal) && answer.reason == refusal.reason && names(answer) == names(refusal)
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

/// Refusals of CONNECT that look like a proxy's, on routes on which the same server has shown that it is no proxy: a plain
/// request was answered there as only a web server answers, or with the word that the port is for TLS.
pub(super) fn unmask(grounds: &Grounds<'_>, attempts: &[Vec<&Observation>], verdicts: &mut [Verdict]) {
    let seen = |verdict: &Verdict| attempts[verdict.job.0 as usize].last().copied();
    for route in 0..grounds.plan.routes.len() {
        let Some(proxy) = grounds.plan.routes[route].proxy().filter(|proxy| proxy.scheme != ProxyScheme::Socks5) else {
            continue;
        };
        let is_here = |verdict: &&Verdict| grounds.job(verdict).route == route;
        let here = || verdicts.iter().filter(is_here);
        let answers = || here().filter_map(|verdict| Some((verdict, Answer::of(seen(verdict)?)?)));
        let wants_tls = answers().find_map(|(_, answer)| Some((answer, kind::behind_tls(proxy, answer.page)?)));
        let is_settled = |verdict: &Verdict| {
            verdict.cause == Cause::ProxyNotForwarding
                && verdict.status == Status::Blocked
                && verdict.stage == Stage::Http
        };
        let no_proxy =
            answers().find(|(verdict, _)| is_settled(verdict)).map(|(_, answer)| (answer, SAME_SERVER.to_owned()));
        let Some((shown, why)) = wants_tls.or(no_proxy) else { continue };
        let is_refusal = |cause: &Cause| matches!(cause, Cause::ProxyBadRequest400 | Cause::ProxyMethodBlocked);
        let changes: Vec<usize> = answers()
            .filter(|(verdict, answer)| {
                is_refusal(&verdict.cause) && !answer.is_a_proxys() && answer.is_of_server(&shown)
            })
            .map(|(verdict, _)| verdict.job.0 as usize)
            .collect();
        for index in changes {
            let verdict = &mut verdicts[index];
            verdict.cause = Cause::ProxyNotForwarding;
            verdict.status = Status::Blocked;
            verdict.summary = format!("{}: {why}", Cause::ProxyNotForwarding.facts().title);
            verdict.evidence.push(why.clone());
        }
    }
}

const SAME_SERVER: &str =
    "it refuses tunnels, and answers plain http for whatever host, the control too, as a web server does";

/// What came last from whoever was asked.
#[derive(Clone, Copy)]
struct Answer<'a> {
    headers: &'a [Header],
    page: &'a [u8],
}

impl<'a> Answer<'a> {
    fn of(seen: &'a Observation) -> Option<Self> {
        match seen.http() {
            Some(http) => Some(Self { headers: &http.headers, page: &http.body_start }),
            None => seen.tunnel()?.legs.last().map(|leg| Self { headers: &leg.headers, page: &leg.body_start }),
        }
    }

    fn server(&self) -> Option<&'a str> {
        self.headers.iter().find(|header| header.is("server")).map(|header| header.value.as_str())
    }

    /// The same product answered, in its own name.
    fn is_of_server(&self, other: &Answer<'_>) -> bool {
        self.server().is_some() && self.server() == other.server()
    }

    /// Web servers put none of these on what they write themselves.
    fn is_a_proxys(&self) -> bool {
        let is_mark = |header: &Header| {
            let name = header.name.to_ascii_lowercase();
            name == "via" || name.starts_with("proxy-") || name.starts_with("x-squid") || name.starts_with("x-cache")
        };
        self.headers.iter().any(is_mark) || chain::is_page_of_a_proxy(self.headers, self.page)
    }
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
