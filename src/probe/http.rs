//! One small request, and the beginning of the answer.

use std::io;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Empty};
use hyper::body::Incoming;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use tokio::time::timeout;

use super::stream::{Connection, Seen, Tee};
use super::{Context, StageOutcome};
use crate::catalogue::Endpoint;
use crate::observation::{Evidence, Fault, Header, HttpEvidence};

/// How much of a reply's head is accepted.
const LARGEST_HEAD: usize = 64 << 10;
/// How much of a body is read; health checks answer in a few hundred bytes.
const LONGEST_BODY: u64 = 64 << 10;
/// How much of a body is kept as evidence.
const KEPT_BODY: usize = 2048;
/// How much of a header's value is kept as evidence.
const KEPT_VALUE: usize = 512;
const MOST_HEADERS: usize = 64;
/// A body that comes byte by byte is evidence enough when its beginning is there.
const BODY_PATIENCE: Duration = Duration::from_secs(2);

pub(super) const USER_AGENT: &str = concat!("waprobe/", env!("CARGO_PKG_VERSION"));

/// Asks for the endpoint's health address and keeps what comes back.
pub(super) async fn ask(stream: Connection, endpoint: &Endpoint, context: &Context) -> StageOutcome<()> {
    let (stream, seen) = Tee::new(stream);
    let mut answer = HttpEvidence {
        request: format!("GET {}", endpoint.probe.path),
        status: None,
        version: None,
        reason: String::new(),
        headers: Vec::new(),
        body_start: Vec::new(),
        body_length: 0,
        alert: None,
    };
    let asked = timeout(context.plan.budget.http, exchange(stream, endpoint, &mut answer)).await;
    let fault = match asked {
        Ok(Ok(complete)) if complete => None,
        Ok(Ok(_)) => Some(Fault::Truncated),
        Ok(Err(error)) => Some(fault(&error, &seen, &mut answer)),
        // The head is there, so the peer answered; only its body is slow.
        Err(_) if answer.status.is_some() => None,
        Err(_) => Some(Fault::TimedOut { received: seen.count() }),
    };
    if fault.is_some() && answer.status.is_none() {
        answer.body_start = seen.start();
    }
    match fault {
        None => StageOutcome::Passed { carry: (), evidence: Evidence::Http(answer) },
        Some(fault) => StageOutcome::Stopped { fault, evidence: Evidence::Http(answer) },
    }
}

/// `false` when the body ended before its announced length.
async fn exchange(stream: Tee<Connection>, endpoint: &Endpoint, answer: &mut HttpEvidence) -> hyper::Result<bool> {
    let (mut sender, connection) = http1::Builder::new()
        .max_buf_size(LARGEST_HEAD)
        .max_headers(256)
        .allow_obsolete_multiline_headers_in_responses(true)
        .allow_spaces_after_header_name_in_responses(true)
        .ignore_invalid_headers_in_responses(true)
        .title_case_headers(true)
        .preserve_header_case(true)
        .handshake(TokioIo::new(stream))
        .await?;
    let talk = async {
        let reply = sender.send_request(request(endpoint)).await?;
        keep_head(&reply, answer);
        Ok(read_body(reply.into_body(), answer).await)
    };
    // The connection has to be polled beside the request, and nothing else needs it afterwards.
    tokio::pin!(talk);
    tokio::select! {
        biased;
        done = &mut talk => done,
        ended = connection => match ended {
            Ok(()) => talk.await,
            Err(error) => Err(error),
        },
    }
}

fn request(endpoint: &Endpoint) -> hyper::Request<Empty<Bytes>> {
    let host = if endpoint.port == endpoint.scheme.default_port() {
        endpoint.host.clone()
    } else {
        format!("{}:{}", endpoint.host, endpoint.port)
    };
    let mut request = hyper::Request::new(Empty::new());
    if let Ok(path) = endpoint.probe.path.parse() {
        *request.uri_mut() = path;
    }
    let headers = request.headers_mut();
    if let Ok(host) = host.parse() {
        headers.insert(hyper::header::HOST, host);
    }
    headers.insert(hyper::header::USER_AGENT, hyper::header::HeaderValue::from_static(USER_AGENT));
    headers.insert(hyper::header::ACCEPT, hyper::header::HeaderValue::from_static("*/*"));
    headers.insert(hyper::header::CONNECTION, hyper::header::HeaderValue::from_static("close"));
    request
}

/// Keeps status and headers, each within its bound.
pub(super) fn keep_head(reply: &hyper::Response<Incoming>, answer: &mut HttpEvidence) {
    answer.status = Some(reply.status().as_u16());
    answer.version = Some(format!("{:?}", reply.version()));
    answer.reason = reason(reply);
    answer.headers = headers(reply);
}

pub(super) fn reason(reply: &hyper::Response<Incoming>) -> String {
    reply.extensions().get::<hyper::ext::ReasonPhrase>().map_or_else(
        || reply.status().canonical_reason().unwrap_or_default().to_owned(),
        |reason| String::from_utf8_lossy(reason.as_bytes()).into_owned(),
    )
}

pub(super) fn headers(reply: &hyper::Response<Incoming>) -> Vec<Header> {
    let text = |bytes: &[u8]| String::from_utf8_lossy(&bytes[..bytes.len().min(KEPT_VALUE)]).into_owned();
    reply
        .headers()
        .iter()
        .take(MOST_HEADERS)
        .map(|(name, value)| Header { name: text(name.as_str().as_bytes()), value: text(value.as_bytes()) })
        .collect()
}

/// Reads as much of the body as is worth reading; `false` when it was cut off.
async fn read_body(mut body: Incoming, answer: &mut HttpEvidence) -> bool {
    let read = async {
        while answer.body_length < LONGEST_BODY {
            match body.frame().await {
                None => return true,
                Some(Err(_)) => return false,
                Some(Ok(frame)) => {
                    if let Ok(data) = frame.into_data() {
                        answer.body_length += data.len() as u64;
                        let room = KEPT_BODY.saturating_sub(answer.body_start.len()).min(data.len());
                        answer.body_start.extend_from_slice(&data[..room]);
                    }
                }
            }
        }
        true
    };
    timeout(BODY_PATIENCE, read).await.unwrap_or(true)
}

/// The library's error as a fact; the alert with which a peer ended TLS is kept beside it.
pub(super) fn fault(error: &hyper::Error, seen: &Seen, answer: &mut HttpEvidence) -> Fault {
    let received = seen.count();
    if error.is_parse() {
        if received >= LARGEST_HEAD as u64 {
            return Fault::HeadTooLarge;
        }
        let is_http = seen.start().starts_with(b"HTTP/");
        return if is_http { Fault::MalformedReply { detail: error.to_string() } } else { Fault::NotHttp };
    }
    let mut source: Option<&(dyn std::error::Error + 'static)> = Some(error);
    while let Some(inner) = source {
        if let Some(io) = inner.downcast_ref::<io::Error>() {
            if let Some(rustls::Error::AlertReceived(alert)) = io.get_ref().and_then(|inner| inner.downcast_ref()) {
                answer.alert = Some(u8::from(*alert));
                return Fault::Alert { code: u8::from(*alert) };
            }
            return match io.kind() {
                io::ErrorKind::UnexpectedEof => Fault::ClosedByPeer { received },
                io::ErrorKind::ConnectionReset | io::ErrorKind::ConnectionAborted | io::ErrorKind::BrokenPipe => {
                    Fault::ResetByPeer { received }
                }
                _ => Fault::Unrecognised { detail: io.to_string() },
            };
        }
        source = inner.source();
    }
    if error.is_incomplete_message() || error.is_closed() || error.is_canceled() {
        return Fault::ClosedByPeer { received };
    }
    Fault::Unrecognised { detail: error.to_string() }
}
