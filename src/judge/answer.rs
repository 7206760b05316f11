//! What an HTTP answer means: the origin's own after a proved chain, anybody's over plain http.

use jiff::Timestamp;
use url::Url;

use super::opinion::{Opinion, unrecognised};
use super::wording::without_query;
use super::{Cause, Status, chain, refusal};
use crate::catalogue::Endpoint;
use crate::observation::{Fault, HttpEvidence, Stage, TlsEvidence};
use crate::plan::PlannedRoute;

/// Alerts with which a peer says that it misses a client certificate: `certificate_required`, and what servers of TLS
/// 1.2 send instead.
const CLIENT_CERTIFICATE_ALERTS: [u8; 3] = [116, 42, 40];

pub(super) fn opinion(
    (endpoint, route): (&Endpoint, &PlannedRoute),
    answer: &HttpEvidence,
    fault: Option<&Fault>,
    tls: Option<&TlsEvidence>,
) -> Opinion {
    if endpoint.is_tls() && answer.status == Some(407) {
        return Opinion::new(Cause::Http407InTunnel, Stage::Http);
    }
    let wanted = tls.is_some_and(|tls| tls.client_certificate_wanted);
    let required = answer.alert.is_some_and(|alert| alert == CLIENT_CERTIFICATE_ALERTS[0]);
    if required
        || (wanted && (fault.is_none() || answer.alert.is_some_and(|alert| CLIENT_CERTIFICATE_ALERTS.contains(&alert))))
    {
        return Opinion::new(Cause::TlsClientCertWanted, Stage::Tls);
    }
    if endpoint.is_tls() { behind_tls(endpoint, answer, fault) } else { in_clear((endpoint, route), answer, fault) }
}

/// Whether the handshake ended because the server asked for a client certificate and got none.
pub(super) fn misses_client_certificate(tls: &TlsEvidence, fault: &Fault) -> bool {
    tls.client_certificate_wanted && matches!(fault, Fault::Alert { code } if CLIENT_CERTIFICATE_ALERTS.contains(code))
}

/// The chain proved who answers, so that the answer can lower the row to `degraded` at most; only a demand for proxy
/// authentication blocks.
fn behind_tls(endpoint: &Endpoint, answer: &HttpEvidence, fault: Option<&Fault>) -> Opinion {
    if let Some(fault) = fault {
        let broken = broken(fault);
        // Whatever broke: what is known is that no answer came, or not all of it.
        let opinion = match answer.status {
            _ if broken.cause != Cause::Inconclusive => broken,
            None => Opinion { cause: Cause::HttpEmpty, ..broken },
            Some(_) => Opinion { cause: Cause::HttpTruncated, ..broken },
        };
        return opinion.with_status(Status::Degraded);
    }
    match answer.status {
        Some(status) if is_healthy(endpoint, status) => Opinion::new(Cause::Ok, Stage::Http),
        Some(429) => throttled(answer, 429),
        Some(503) if answer.header("retry-after").is_some() => throttled(answer, 503),
        Some(status) => unexpected(status),
        None => Opinion::new(Cause::HttpEmpty, Stage::Http),
    }
}

/// Nothing proves who answers: a healthy status without a middlebox's marks is taken for the service's.
fn in_clear((endpoint, route): (&Endpoint, &PlannedRoute), answer: &HttpEvidence, fault: Option<&Fault>) -> Opinion {
    let Some(status) = answer.status else {
        let opinion = fault.map_or_else(|| Opinion::new(Cause::HttpEmpty, Stage::Http), broken);
        // Without TLS there is no sign at all that the service was reached.
        return match opinion.status {
            Status::Degraded => Opinion { status: Status::Blocked, ..opinion },
            _ => opinion,
        };
    };
    if status == 407 {
        // No proxy was asked there, so that no device ever answers this demand.
        return match route {
            PlannedRoute::Direct => Opinion::new(Cause::HttpMiddleboxStatus, Stage::Http)
                .with("status 407: somebody on the way wants a login, as a proxy that nobody asked"),
            PlannedRoute::Proxy { .. } => Opinion::new(Cause::PauthRequired, Stage::Proxy),
        };
    }
    // A proxy that says what went wrong behind it shows no block page, however its error page looks.
    if let Some(opinion) = upstream_error(answer, status) {
        return opinion;
    }
    if let Some(error) = answer.header("x-squid-error") {
        // Squid shows pages for whatever goes wrong; this one is about access.
        let is_denial = status == 403 || refusal::squid(error) == Some(Cause::ProxyDenied403);
        let cause = if is_denial { Cause::HttpBlockPage } else { Cause::HttpMiddleboxStatus };
        return Opinion::new(cause, Stage::Http).with(format!("Squid, status {status}, X-Squid-Error: {error}"));
    }
    if let Some(product) = chain::product_by_page(answer) {
        return Opinion::new(Cause::HttpBlockPage, Stage::Http).with(format!("{product}, status {status}"));
    }
    if let Some(words) = own_error(answer) {
        return Opinion::new(Cause::HttpMiddleboxStatus, Stage::Http).with(format!("status {status}, {words}"));
    }
    match status {
        300..=399 => redirect(endpoint, answer, status),
        511 => Opinion::new(Cause::HttpPortal, Stage::Http).with("status 511"),
        _ if has_password_field(answer) => {
            Opinion::new(Cause::HttpPortal, Stage::Http).with("a page with a password field")
        }
        _ if says_blocked(answer) => Opinion::new(Cause::HttpBlockPage, Stage::Http).with(format!("status {status}")),
        _ if !has_identity(answer) && says_denied(answer) => {
            Opinion::new(Cause::HttpBlockPage, Stage::Http).with(format!("status {status}"))
        }
        _ if !has_identity(answer) && leads_away(endpoint, answer) => {
            Opinion::new(Cause::HttpPortal, Stage::Http).with("a page that leads to another host")
        }
        200 if asks_to_agree(answer) && !has_identity(answer) => {
            Opinion::new(Cause::HttpPortal, Stage::Http).with("a page with a form to agree to something or to sign in")
        }
        200 if is_page(answer) && !has_identity(answer) => {
            Opinion::new(Cause::HttpMiddleboxStatus, Stage::Http).with("a web page that carries no sign of Microsoft")
        }
        _ if let Some(sign) = foreign_sign(answer) => {
            Opinion::new(Cause::HttpMiddleboxStatus, Stage::Http).with(format!("status {status}, {sign}"))
        }
        _ if is_healthy(endpoint, status) => fault.map_or_else(|| Opinion::new(Cause::Ok, Stage::Http), broken),
        429 if has_identity(answer) => throttled(answer, status),
        503 if answer.header("retry-after").is_some() && has_identity(answer) => throttled(answer, status),
        _ if has_identity(answer) => unexpected(status),
        _ => Opinion::new(Cause::HttpMiddleboxStatus, Stage::Http).with(format!("status {status}")),
    }
}

/// What shows that somebody on the way gave this answer, where nothing shows that the service did.
///
/// Neither does the name of an unknown server show anything, as delivery networks call themselves what they like; nor a proxy that
/// passed the answer on, be it asked or not.
fn foreign_sign(answer: &HttpEvidence) -> Option<String> {
    if has_identity(answer) {
        return None;
    }
    let server = answer.header("server").unwrap_or_default();
    let via: Vec<&str> = answer.headers.iter().filter(|header| header.is("via")).map(|header| &*header.value).collect();
    let via = via.join(", ");
    // Who passes an answer on names himself in `Via` and leaves the author's name in `Server` (RFC 9110 §7.6.3, §10.2.4).
    let software = software(server).filter(|software| names(&via, software))?;
    Some(format!("Server: {server}, Via: {via}: {software} wrote the answer that it was to pass on"))
}

/// The name before the version: `FooGate` of `FooGate/1.0 (x)`.
fn software(server: &str) -> Option<String> {
    let name = server.split(['/', ' ', '(']).next()?.trim();
    (name.len() > 1).then(|| name.to_owned())
}

/// Whether a hop calls itself by this name, as its pseudonym or in its comment.
fn names(via: &str, software: &str) -> bool {
    let software = software.to_ascii_lowercase();
    via.to_ascii_lowercase()
        .split(|character: char| !character.is_ascii_alphanumeric() && character != '-' && character != '_')
        .any(|word| word == software)
}

fn is_healthy(endpoint: &Endpoint, status: u16) -> bool {
    status == 200 || endpoint.probe.healthy.contains(&status)
}

fn unexpected(status: u16) -> Opinion {
    Opinion::new(Cause::HttpUnexpectedStatus, Stage::Http).with(format!("status {status}"))
}

fn throttled(answer: &HttpEvidence, status: u16) -> Opinion {
    let detail = match answer.header("retry-after") {
        Some(wait) => format!("status {status}, Retry-After: {wait}"),
        None => format!("status {status}"),
    };
    Opinion::new(Cause::HttpThrottled, Stage::Http).with(detail)
}

fn broken(fault: &Fault) -> Opinion {
    let cause = match fault {
        Fault::TimedOut { .. } => Cause::HttpTimeoutFirstByte,
        Fault::ClosedByPeer { received: 0 } | Fault::ResetByPeer { received: 0 } | Fault::Alert { .. } => {
            Cause::HttpEmpty
        }
        Fault::ClosedByPeer { .. } | Fault::ResetByPeer { .. } | Fault::Truncated => Cause::HttpTruncated,
        Fault::NotHttp | Fault::MalformedReply { .. } | Fault::HeadTooLarge => Cause::HttpMalformed,
        other => return unrecognised(Stage::Http, other),
    };
    Opinion::new(cause, Stage::Http)
}

/// The error that a proxy on the way names for not reaching the service.
fn upstream_error(answer: &HttpEvidence, status: u16) -> Option<Opinion> {
    let by_squid = answer.header("x-squid-error").and_then(refusal::squid);
    let by_standard = || answer.header("proxy-status").and_then(refusal::proxy_status_header);
    let cause = by_squid.or_else(by_standard).filter(|cause| *cause != Cause::ProxyDenied403)?;
    let words = own_error(answer).unwrap_or_default();
    Some(Opinion::new(cause, Stage::Proxy).with(format!("status {status}, {words}")))
}

/// The header with which a proxy on the way says that the answer is its own.
fn own_error(answer: &HttpEvidence) -> Option<String> {
    let squid = answer.header("x-squid-error").map(|value| format!("X-Squid-Error: {value}"));
    let standard = answer.header("proxy-status").filter(|value| value.contains("error="));
    squid.or_else(|| standard.map(|value| format!("Proxy-Status: {value}")))
}

fn redirect(endpoint: &Endpoint, answer: &HttpEvidence, status: u16) -> Opinion {
    let Some(location) = answer.header("location") else {
        return Opinion::new(Cause::HttpMiddleboxStatus, Stage::Http).with(format!("status {status} without Location"));
    };
    let target = Url::parse(&endpoint.url).ok().and_then(|asked| asked.join(location).ok());
    let host = target.as_ref().and_then(Url::host_str).unwrap_or_default();
    let is_own = host == endpoint.host
        || ["microsoft.com", "windows.com"]
            .iter()
            .any(|domain| host.strip_suffix(domain).is_some_and(|rest| rest.is_empty() || rest.ends_with('.')));
    let cause = match () {
        () if is_own && has_identity(answer) => return unexpected(status),
        () if refusal::is_sign_in(location) => Cause::HttpPortal,
        () if is_own => Cause::HttpMiddleboxStatus,
        () => Cause::HttpForeignRedirect,
    };
    Opinion::new(cause, Stage::Http).with(format!("status {status}, Location: {}", without_query("location", location)))
}

/// Headers that Microsoft's front ends and storage put on their answers.
pub(super) fn has_identity(answer: &HttpEvidence) -> bool {
    let server = answer.header("server").unwrap_or_default();
    ["Microsoft", "Windows-Azure"].iter().any(|name| server.contains(name))
        || answer.headers.iter().any(|header| {
            let name = header.name.to_ascii_lowercase();
            name.starts_with("x-ms-") || name.starts_with("x-azure-") || name == "x-msedge-ref"
        })
}

fn body(answer: &HttpEvidence) -> String {
    String::from_utf8_lossy(&answer.body_start).to_ascii_lowercase()
}

fn is_page(answer: &HttpEvidence) -> bool {
    let body = body(answer);
    body.contains("<html") || body.contains("<!doctype html")
}

fn has_password_field(answer: &HttpEvidence) -> bool {
    let body = body(answer);
    body.contains("<input")
        && (body.contains("type=\"password\"") || body.contains("type=password") || body.contains("type='password'"))
}

/// The form of a guest network: nothing is let out before somebody has agreed to its terms.
fn asks_to_agree(answer: &HttpEvidence) -> bool {
    let body = body(answer);
    body.contains("<form")
        && ["accept", "agree", "terms", "sign in", "log in", "login"].iter().any(|words| body.contains(words))
}

fn says_blocked(answer: &HttpEvidence) -> bool {
    let body = body(answer);
    [
        "has been blocked",
        "is blocked by",
        "was blocked by",
        "access to this site is blocked",
        "blocked by your administrator",
        "web filter",
        "content filter",
        "violates your organization",
    ]
    .iter()
    .any(|words| body.contains(words))
}

/// Words of refusal that a service itself might use too; they count where nothing shows that it is the service.
fn says_denied(answer: &HttpEvidence) -> bool {
    let body = body(answer);
    ["page blocked", "page is blocked", "site blocked", "access denied", "access is denied", "access has been denied"]
        .iter()
        .any(|words| body.contains(words))
}

/// A page that sends the browser to another host by `<meta http-equiv="refresh">`, which is how portals do it.
fn leads_away(endpoint: &Endpoint, answer: &HttpEvidence) -> bool {
    let body = body(answer);
    let Some((_, rest)) = body
        .split_once("http-equiv")
        .filter(|(_, rest)| rest.trim_start_matches(['=', '"', '\'', ' ']).starts_with("refresh"))
    else {
        return false;
    };
    let target = rest.split_once("url=").map_or("", |(_, target)| target.trim_start_matches(['\'', '"', ' ']));
    let end = target.find(['"', '\'', '>', ' ']).unwrap_or(target.len());
    let asked = Url::parse(&endpoint.url).ok().and_then(|asked| asked.join(&target[..end]).ok());
    asked.as_ref().and_then(Url::host_str).is_some_and(|host| host != endpoint.host)
}

/// The moment of an HTTP `Date` header (RFC 9110, the preferred format).
pub(super) fn date(text: &str) -> Option<Timestamp> {
    jiff::fmt::rfc2822::parse(text).ok().map(|zoned| zoned.timestamp())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_date_header_is_read_in_its_preferred_format() {
        let moment = date("Sun, 22 Nov 2026 10:30:00 GMT").expect("a date");
        assert_eq!(moment.to_string(), "2026-11-22T10:30:00Z");
        assert_eq!(date("yesterday"), None);
    }
}
