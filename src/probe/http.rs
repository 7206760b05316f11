//! One small request, and the beginning of the answer.

use http_body_util::Full;
use hyper::header::{self, HeaderValue};
use tokio::time::timeout;

use super::exchange::{self, Body, BodyEnd, Broken, Exchange, Head, Request, USER_AGENT};
use super::stream::{Connection, HearOut, Seen};
use super::{Context, StageOutcome};
use crate::catalogue::Endpoint;
use crate::observation::{Evidence, Fault, HttpEvidence};

/// Asks for the endpoint's health address and keeps what comes back.
pub(super) async fn ask(stream: Connection, endpoint: &Endpoint, context: &Context) -> StageOutcome<()> {
    let request = request(endpoint, &endpoint.probe.path);
    send(stream, request, HttpEvidence::begun(format!("GET {}", endpoint.probe.path)), context).await
}

/// Sends so many dummy bytes up, unless somebody else than before answers: then nothing is sent.
pub(super) async fn send_up(
    stream: Connection,
    endpoint: &Endpoint,
    (size, is_known): (u32, bool),
    context: &Context,
) -> StageOutcome<()> {
    let answer = HttpEvidence::begun(format!("POST {} with {size} bytes", endpoint.probe.path));
    if !is_known {
        let detail = "the connection for the upload shows another certificate, and nothing was sent".to_owned();
        return StageOutcome::Stopped { fault: Fault::Unrecognised { detail }, evidence: Evidence::Http(answer) };
    }
    let mut request = request(endpoint, &endpoint.probe.path);
    *request.method_mut() = hyper::Method::POST;
    request.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/octet-stream"));
    *request.body_mut() = Full::from(vec![b'0'; size as usize]);
    // A service may know its answer before it has read the body, and close.
    send(Box::new(HearOut::new(stream)), request, answer, context).await
}

async fn send(
    stream: Connection,
    mut request: Request,
    mut answer: HttpEvidence,
    context: &Context,
) -> StageOutcome<()> {
    let mut body = Body::default();
    let mut seen = Seen::default();
    request.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
    let asked = timeout(context.plan.budget.http, exchange(stream, request, &mut answer, &mut body, &mut seen)).await;
    answer.body_start = body.start;
    answer.body_length = body.length;
    let fault = match asked {
        Ok(Ok(BodyEnd::Complete | BodyEnd::LeftAlone)) => None,
        Ok(Ok(BodyEnd::CutOff)) => Some(Fault::Truncated),
        Ok(Err(broken)) => Some(exchange::fault(&broken, &seen)),
        // The head is there, so the peer answered; only its body is slow.
        Err(_) if answer.status.is_some() => None,
        Err(_) => Some(Fault::TimedOut { received: seen.count() }),
    };
    if fault.is_some() && answer.status.is_none() {
        answer.body_start = seen.start();
    }
    if let Some(Fault::Alert { code }) = fault {
        answer.alert = Some(code);
    }
    match fault {
        None => StageOutcome::Passed { carry: (), evidence: Evidence::Http(answer) },
        Some(fault) => StageOutcome::Stopped { fault, evidence: Evidence::Http(answer) },
    }
}

async fn exchange(
    stream: Connection,
    request: Request,
    answer: &mut HttpEvidence,
    body: &mut Body,
    seen: &mut Seen,
) -> Result<BodyEnd, Broken> {
    let mut exchange = Exchange::begin(stream).await?;
    seen.clone_from(exchange.seen());
    let reply = exchange.ask(request).await?;
    keep_head(Head::of(&reply, seen), answer);
    Ok(exchange.read(reply.into_body(), body).await)
}

pub(super) fn keep_head(head: Head, answer: &mut HttpEvidence) {
    answer.status = Some(head.status);
    answer.version = Some(head.version);
    answer.reason = head.reason;
    answer.headers = head.headers;
}

/// A GET for `target`, with the headers that every endpoint gets.
pub(super) fn request(endpoint: &Endpoint, target: &str) -> Request {
    let mut request = Request::default();
    if let Ok(target) = target.parse() {
        *request.uri_mut() = target;
    }
    let headers = request.headers_mut();
    if let Ok(host) = authority(endpoint).parse() {
        headers.insert(header::HOST, host);
    }
    headers.insert(header::USER_AGENT, HeaderValue::from_static(USER_AGENT));
    headers.insert(header::ACCEPT, HeaderValue::from_static("*/*"));
    request
}

/// The endpoint's host, with its port where that is not the scheme's own.
pub(super) fn authority(endpoint: &Endpoint) -> String {
    let host = bracketed(&endpoint.host);
    if endpoint.port == endpoint.scheme.default_port() { host } else { format!("{host}:{}", endpoint.port) }
}

/// An IPv6 address gets the brackets that it needs before a port.
pub(super) fn bracketed(host: &str) -> String {
    if host.contains(':') { format!("[{host}]") } else { host.to_owned() }
}
