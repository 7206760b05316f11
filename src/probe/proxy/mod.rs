//! The dialogue with a proxy: a tunnel by CONNECT or SOCKS, or one request in absolute form.
//!
//! In: a connection to the proxy. Out: a stream to the endpoint, or the endpoint's answer, and every leg of the dialogue
//! in either case. Never: a password over a clear connection that nobody allowed, a second try with one that was
//! refused or that the proxy gave no verdict on, a credential for a proxy whose certificate this machine does not accept.

mod acquaintance;
mod authenticator;
mod dialogue;
mod gates;
mod https;
mod socks;
#[cfg(test)]
mod tests;
mod tickets;

use std::time::{Duration, Instant};

use bytes::{Bytes, BytesMut};
use tokio::io::AsyncReadExt as _;
use tokio::time::timeout;

use self::dialogue::{Dialogue, Final, Target};
use super::connect::Attempts;
use super::exchange::{BODY_PATIENCE, Body, BodyEnd, KEPT_BODY};
use super::http;
use super::secrets::Secrets;
use super::stream::{Connection, Prefixed};
use super::{Context, StageOutcome};
use crate::catalogue::Endpoint;
use crate::observation::{Evidence, Fault, Header, HttpEvidence};
use crate::plan::{PlannedRoute, ProxyScheme};

pub(super) use gates::{Gates, Place};
pub(super) use tickets::Tickets;

/// How long a body that was announced with the 2xx is waited for, before the announcement is taken for a mistake.
const PAGE_PATIENCE: Duration = Duration::from_secs(1);

/// The answer to a request in absolute form: the endpoint's, or one that the proxy gave in its place.
pub(super) struct Answer {
    pub evidence: HttpEvidence,
    /// When the request that was answered went out.
    pub asked: Instant,
    /// What happened to the body.
    pub fault: Option<Fault>,
}

/// Opens a tunnel to the endpoint through the route's proxy, answering its challenges.
pub(super) async fn open_tunnel(
    stream: Connection,
    endpoint: &Endpoint,
    route: &PlannedRoute,
    attempts: &Attempts,
    (context, secrets): (&Context, &Secrets),
) -> StageOutcome<Connection> {
    let mut dialogue = match Dialogue::new(endpoint, route, Target::Tunnel, attempts, (context, secrets)) {
        Ok(dialogue) => dialogue,
        Err((fault, evidence)) => return StageOutcome::Stopped { fault, evidence: Evidence::Proxy(evidence) },
    };
    let opened = if dialogue.proxy.scheme == ProxyScheme::Socks5 {
        socks::open(stream, &mut dialogue).await
    } else {
        connect(stream, &mut dialogue).await
    };
    let evidence = Evidence::Proxy(dialogue.evidence);
    match opened {
        Ok(carry) => StageOutcome::Passed { carry, evidence },
        Err(fault) => StageOutcome::Stopped { fault, evidence },
    }
}

/// Asks for a plain http address in absolute form, answering the proxy's challenges.
pub(super) async fn ask_absolute(
    stream: Connection,
    endpoint: &Endpoint,
    route: &PlannedRoute,
    attempts: &Attempts,
    (context, secrets): (&Context, &Secrets),
) -> StageOutcome<Answer> {
    let mut dialogue = match Dialogue::new(endpoint, route, Target::Absolute, attempts, (context, secrets)) {
        Ok(dialogue) => dialogue,
        Err((fault, evidence)) => return StageOutcome::Stopped { fault, evidence: Evidence::Proxy(evidence) },
    };
    let answer = match dialogue.converse(stream).await {
        Ok(last) => read_answer(last, &mut dialogue).await,
        Err(fault) => return StageOutcome::Stopped { fault, evidence: Evidence::Proxy(dialogue.evidence) },
    };
    StageOutcome::Passed { carry: answer, evidence: Evidence::Proxy(dialogue.evidence) }
}

async fn connect(stream: Connection, dialogue: &mut Dialogue<'_>) -> Result<Connection, Fault> {
    let mut last = dialogue.converse(stream).await?;
    let status = last.head.status;
    if !(200..300).contains(&status) {
        let mut body = Body::default();
        let end = last.exchange.read(last.reply.into_body(), &mut body).await;
        let is_open = end == BodyEnd::Complete && last.exchange.is_open().await;
        if let Some(leg) = dialogue.evidence.legs.last_mut() {
            leg.body_start = body.start;
            leg.kept_open = is_open;
            leg.left_unread = end == BodyEnd::LeftAlone;
        }
        return Err(Fault::TunnelRefused { status });
    }
    // Any 2xx opens the tunnel, and the framing it announces is to be ignored (RFC 9110 §9.3.6).
    let is_body_announced = announces_body(&last.head.headers);
    let (mut stream, early) = last.exchange.take_back();
    let early = if early.is_empty() && is_body_announced { read_early(&mut stream).await } else { early };
    if early.is_empty() {
        return Ok(stream);
    }
    dialogue.evidence.early_bytes = early[..early.len().min(KEPT_BODY)].to_vec();
    if is_tls(&early) {
        return Ok(Box::new(Prefixed::new(early, stream)));
    }
    read_page(&mut stream, &mut dialogue.evidence.early_bytes).await;
    Err(Fault::PageInsteadOfTunnel)
}

async fn read_answer(last: Final, dialogue: &mut Dialogue<'_>) -> Answer {
    let Final { mut exchange, reply, head, asked } = last;
    let mut evidence = HttpEvidence::begun(dialogue.request_line());
    http::keep_head(head, &mut evidence);
    let mut body = Body::default();
    let end = exchange.read(reply.into_body(), &mut body).await;
    if let Some(leg) = dialogue.evidence.legs.last_mut() {
        leg.kept_open = end == BodyEnd::Complete && exchange.is_open().await;
        leg.left_unread = end == BodyEnd::LeftAlone;
    }
    evidence.body_start = body.start;
    evidence.body_length = body.length;
    Answer { evidence, asked, fault: (end == BodyEnd::CutOff).then_some(Fault::Truncated) }
}

fn announces_body(headers: &[Header]) -> bool {
    headers.iter().any(|header| match header.name.as_str() {
        "content-length" => header.value.trim() != "0",
        "transfer-encoding" => true,
        _ => false,
    })
}

/// Whether the bytes can be the beginning of a TLS record.
fn is_tls(bytes: &[u8]) -> bool {
    matches!(bytes.first(), Some(0x14..=0x17))
}

/// What the peer says before it was spoken to; nothing when it waits, as a tunnel does.
async fn read_early(stream: &mut Connection) -> Bytes {
    let mut early = BytesMut::with_capacity(KEPT_BODY);
    match timeout(PAGE_PATIENCE, stream.read_buf(&mut early)).await {
        Ok(Ok(_)) => early.freeze(),
        // An error shows again to whoever uses the stream next.
        Ok(Err(_)) | Err(_) => Bytes::new(),
    }
}

/// Reads on in a page of which the beginning is there.
async fn read_page(stream: &mut Connection, page: &mut Vec<u8>) {
    let reading = async {
        while page.len() < KEPT_BODY {
            let mut piece = [0; KEPT_BODY];
            match stream.read(&mut piece).await {
                Ok(0) | Err(_) => return,
                Ok(length) => page.extend_from_slice(&piece[..length.min(KEPT_BODY - page.len())]),
            }
        }
    };
    let _ = timeout(BODY_PATIENCE, reading).await;
}
