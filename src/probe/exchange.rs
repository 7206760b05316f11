//! Requests and replies over one connection, whatever the peer makes of HTTP.
//!
//! hyper parses, and its connection is polled here beside each request instead of in a task of its own: so the stream and
//! the bytes read ahead can be taken back at any moment, also after a `204` to CONNECT, which hyper takes for no upgrade.

use std::future::{Future, poll_fn};
use std::io;
use std::pin::pin;
use std::task::Poll;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::body::{Body as _, Incoming};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use tokio::time::timeout;

use super::stream::{Connection, Seen, Tee};
use crate::harmless::without_tokens;
use crate::observation::{Fault, Header, wire_text};

/// How much of a reply's head is accepted.
const LARGEST_HEAD: usize = 64 << 10;
/// More header fields than this are not accepted: the bound on the head's size is reached before.
const MOST_FIELDS: usize = 4096;
/// How much of a body is read; health checks and block pages are smaller.
const LONGEST_BODY: u64 = 64 << 10;
/// How much of a page is read that has to be out of the way before its connection is used again.
const LONGEST_PAGE: u64 = 4 << 20;
/// How much of a body is kept as evidence.
pub(super) const KEPT_BODY: usize = 2048;
/// How much of a header's value is kept as evidence.
const KEPT_VALUE: usize = 512;
/// How many headers are kept as evidence.
const MOST_HEADERS: usize = 64;
/// How many headers that cannot be read are kept as evidence.
const MOST_UNREADABLE: usize = 8;
/// A body that comes byte by byte, or never ends, is evidence enough when its beginning is there.
pub(super) const BODY_PATIENCE: Duration = Duration::from_secs(2);

pub(super) const USER_AGENT: &str = concat!("waprobe/", env!("CARGO_PKG_VERSION"));

pub(super) type Request = hyper::Request<Full<Bytes>>;
pub(super) type Reply = hyper::Response<Incoming>;

/// An HTTP/1 connection of which this side keeps hold.
pub(super) struct Exchange {
    sender: http1::SendRequest<Full<Bytes>>,
    connection: http1::Connection<TokioIo<Tee<Connection>>, Full<Bytes>>,
    has_ended: bool,
    seen: Seen,
}

/// Why no reply came.
#[derive(Debug)]
pub(super) enum Broken {
    Hyper(hyper::Error),
    /// The connection ended without an error and without a reply.
    Ended,
    /// The head came in few large reads, so that the library's bound did not see it.
    HeadTooLarge,
}

/// What is kept of a reply's head.
#[derive(Debug, Clone)]
pub(super) struct Head {
    pub status: u16,
    pub version: String,
    pub reason: String,
    pub headers: Vec<Header>,
}

/// What was read of a body.
#[derive(Debug, Default)]
pub(super) struct Body {
    pub start: Vec<u8>,
    pub length: u64,
}

/// How the reading of a body ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum BodyEnd {
    Complete,
    /// The connection ended before the announced length.
    CutOff,
    /// Its beginning is known, and the rest was not waited for.
    LeftAlone,
}

impl Exchange {
    pub async fn begin(stream: Connection) -> Result<Self, Broken> {
        let (stream, seen) = Tee::new(stream);
        let (sender, connection) = http1::Builder::new()
            .max_buf_size(LARGEST_HEAD)
            .max_headers(MOST_FIELDS)
            .allow_obsolete_multiline_headers_in_responses(true)
            .allow_spaces_after_header_name_in_responses(true)
            .ignore_invalid_headers_in_responses(true)
            .title_case_headers(true)
            .handshake(TokioIo::new(stream))
            .await
            .map_err(Broken::Hyper)?;
        Ok(Self { sender, connection, has_ended: false, seen })
    }

    /// Sends `request` and waits for the head of the final reply.
    pub async fn ask(&mut self, request: Request) -> Result<Reply, Broken> {
        self.seen.forget();
        let reply = self.sender.send_request(request);
        match drive(&mut self.connection, &mut self.has_ended, reply).await {
            Some(Ok(reply)) if head_size(&reply) > LARGEST_HEAD => Err(Broken::HeadTooLarge),
            Some(reply) => reply.map_err(Broken::Hyper),
            None => Err(Broken::Ended),
        }
    }

    /// Reads as much of a body as is worth reading, into `kept` as it comes.
    pub async fn read(&mut self, body: Incoming, kept: &mut Body) -> BodyEnd {
        self.read_up_to(body, kept, LONGEST_BODY, BODY_PATIENCE).await
    }

    /// Reads a page behind which the dialogue goes on over this connection, for at most `patience`.
    pub async fn read_page(&mut self, body: Incoming, kept: &mut Body, patience: Duration) -> BodyEnd {
        self.read_up_to(body, kept, LONGEST_PAGE, patience).await
    }

    async fn read_up_to(&mut self, mut body: Incoming, kept: &mut Body, most: u64, patience: Duration) -> BodyEnd {
        let reading = async {
            // The end of a body in chunks shows only behind its last byte.
            while kept.length <= most {
                match body.frame().await {
                    None => return BodyEnd::Complete,
                    Some(Err(_)) => return BodyEnd::CutOff,
                    Some(Ok(frame)) => {
                        if let Ok(data) = frame.into_data() {
                            kept.length += data.len() as u64;
                            let room = KEPT_BODY.saturating_sub(kept.start.len()).min(data.len());
                            kept.start.extend_from_slice(&data[..room]);
                        }
                    }
                }
            }
            if body.is_end_stream() { BodyEnd::Complete } else { BodyEnd::LeftAlone }
        };
        let reading = drive(&mut self.connection, &mut self.has_ended, reading);
        timeout(patience, reading).await.map_or(BodyEnd::LeftAlone, |end| end.unwrap_or(BodyEnd::CutOff))
    }

    /// Whether another request may go over this connection, as far as the peer's last reply and its silence tell.
    pub async fn is_open(&mut self) -> bool {
        poll_fn(|context| {
            if !self.has_ended && self.connection.poll_without_shutdown(context).is_ready() {
                self.has_ended = true;
            }
            Poll::Ready(!self.has_ended && matches!(self.sender.poll_ready(context), Poll::Ready(Ok(()))))
        })
        .await
    }

    /// Like [`Self::is_open`], and the peer does not close for `patience` either.
    pub async fn stays_open(&mut self, patience: Duration) -> bool {
        let ending = poll_fn(|context| {
            if !self.has_ended && self.connection.poll_without_shutdown(context).is_ready() {
                self.has_ended = true;
            }
            if self.has_ended { Poll::Ready(()) } else { Poll::Pending }
        });
        timeout(patience, ending).await.is_err() && self.is_open().await
    }

    /// The stream, and what was read from it beyond the last reply's head.
    pub fn take_back(self) -> (Connection, Bytes) {
        let parts = self.connection.into_parts();
        (parts.io.into_inner().into_inner(), parts.read_buf)
    }

    /// What the peer sent since the last request began.
    pub fn seen(&self) -> &Seen {
        &self.seen
    }
}

/// Completes `future` while the connection works; `None` when the connection ended and left it hanging.
async fn drive<F: Future>(
    connection: &mut http1::Connection<TokioIo<Tee<Connection>>, Full<Bytes>>,
    has_ended: &mut bool,
    future: F,
) -> Option<F::Output> {
    let mut future = pin!(future);
    poll_fn(|context| {
        if let Poll::Ready(output) = future.as_mut().poll(context) {
            return Poll::Ready(Some(output));
        }
        // Its error reaches whoever waits for the reply.
        if !*has_ended && connection.poll_without_shutdown(context).is_ready() {
            *has_ended = true;
        }
        match future.as_mut().poll(context) {
            Poll::Ready(output) => Poll::Ready(Some(output)),
            Poll::Pending if *has_ended => Poll::Ready(None),
            Poll::Pending => Poll::Pending,
        }
    })
    .await
}

impl Head {
    pub fn of(reply: &Reply, seen: &Seen) -> Self {
        let header = |(name, value): (&hyper::header::HeaderName, &hyper::header::HeaderValue)| Header {
            name: wire_text(name.as_str().as_bytes(), KEPT_VALUE),
            value: kept_value(name.as_str(), value.as_bytes()),
        };
        let mut headers: Vec<Header> = reply.headers().iter().take(MOST_HEADERS).map(header).collect();
        headers.extend(unreadable_challenges(&seen.start()));
        Self {
            status: reply.status().as_u16(),
            version: format!("{:?}", reply.version()),
            reason: reason(reply, seen),
            headers,
        }
    }
}

/// A session's cookie and the proof in an answer to a credential belong to whoever holds them; of a cookie the name stays.
fn kept_value(name: &str, value: &[u8]) -> String {
    const NOT_KEPT: &str = "(not kept)";
    match name {
        "set-cookie" | "set-cookie2" => {
            let name = value.split(|byte| matches!(byte, b'=' | b';')).next().unwrap_or_default();
            let has_name = value.get(name.len()) == Some(&b'=');
            if has_name { format!("{}={NOT_KEPT}", wire_text(name, KEPT_VALUE)) } else { NOT_KEPT.to_owned() }
        }
        "proxy-authentication-info" | "authentication-info" => NOT_KEPT.to_owned(),
        "location" | "content-location" | "refresh" | "link" => without_tokens(&wire_text(value, KEPT_VALUE)),
        _ => wire_text(value, KEPT_VALUE),
    }
}

/// Challenges with bytes that no header may have: every client leaves such a line out, and it is there all the same.
fn unreadable_challenges(head: &[u8]) -> Vec<Header> {
    const NAME: &str = "proxy-authenticate";
    let is_control = |byte: &u8| byte.is_ascii_control() && *byte != b'\t';
    let lines = head.split(|byte| *byte == b'\n').map(|line| line.strip_suffix(b"\r").unwrap_or(line));
    lines
        .skip(1)
        .take_while(|line| !line.is_empty())
        .filter_map(|line| {
            let colon = line.iter().position(|byte| *byte == b':')?;
            let (name, value) = (line[..colon].trim_ascii(), line[colon + 1..].trim_ascii());
            let is_unreadable = name.eq_ignore_ascii_case(NAME.as_bytes()) && value.iter().any(is_control);
            is_unreadable.then(|| Header { name: NAME.to_owned(), value: escaped(value) })
        })
        .take(MOST_UNREADABLE)
        .collect()
}

/// Bytes with everything but plain characters written as `\x1b`.
fn escaped(bytes: &[u8]) -> String {
    let bytes = &bytes[..bytes.len().min(KEPT_VALUE / 4)];
    bytes
        .iter()
        .map(|byte| match byte {
            b' '..=b'~' => char::from(*byte).to_string(),
            other => format!("\\x{other:02x}"),
        })
        .collect()
}

fn head_size(reply: &Reply) -> usize {
    reply.headers().iter().map(|(name, value)| name.as_str().len() + value.len()).sum()
}

/// hyper leaves a reason in other than ASCII out; then it is read from the bytes themselves.
fn reason(reply: &Reply, seen: &Seen) -> String {
    let status = reply.status();
    match reply.extensions().get::<hyper::ext::ReasonPhrase>() {
        None => status.canonical_reason().unwrap_or_default().to_owned(),
        Some(reason) if !reason.as_bytes().is_empty() => wire_text(reason.as_bytes(), KEPT_VALUE),
        Some(_) => seen
            .start()
            .split(|byte| *byte == b'\n')
            .find_map(|line| {
                let mut parts = line.trim_ascii_end().splitn(3, |byte| *byte == b' ');
                let is_status_line = parts.next()?.starts_with(b"HTTP/") && parts.next()? == status.as_str().as_bytes();
                is_status_line.then(|| wire_text(parts.next().unwrap_or_default(), KEPT_VALUE))
            })
            .unwrap_or_default(),
    }
}

/// The library's error as a fact. hyper drops the bytes that it could not parse; the stream's record of them decides.
pub(super) fn fault(broken: &Broken, seen: &Seen) -> Fault {
    let received = seen.count();
    let error = match broken {
        Broken::Hyper(error) => error,
        Broken::HeadTooLarge => return Fault::HeadTooLarge,
        Broken::Ended if is_http(seen) => return Fault::ClosedByPeer { received },
        Broken::Ended => return Fault::NotHttp,
    };
    if !is_http(seen) {
        return Fault::NotHttp;
    }
    // The method that asks for this is compiled into servers only.
    if error.is_parse() && error.to_string().contains("too large") {
        return Fault::HeadTooLarge;
    }
    if error.is_parse() {
        return Fault::MalformedReply { detail: error.to_string() };
    }
    let mut source: Option<&(dyn std::error::Error + 'static)> = Some(error);
    while let Some(inner) = source {
        if let Some(io) = inner.downcast_ref::<io::Error>() {
            if let Some(rustls::Error::AlertReceived(alert)) = io.get_ref().and_then(|inner| inner.downcast_ref()) {
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

/// Whether the peer's bytes, as far as they came, can be the beginning of an HTTP reply.
fn is_http(seen: &Seen) -> bool {
    let start = seen.start();
    let line = start.trim_ascii_start();
    let prefix = b"HTTP/";
    let length = line.len().min(prefix.len());
    line[..length] == prefix[..length]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_a_redirection_the_names_of_its_parameters_are_kept_and_nothing_that_stands_in_them() {
        for (given, kept) in [
            ("https://login.example/sso", "https://login.example/sso"),
            ("https://login.example/sso?user=anna&ticket=a1%3Db2&x=", "https://login.example/sso?user=…&ticket=…&x="),
            (
                "http://gate.example/squidGuard.cgi?clientaddr=10.1.2.3",
                "http://gate.example/squidGuard.cgi?clientaddr=…",
            ),
            ("https://login.example/?a1b2c3#token=d4", "https://login.example/?…#…"),
            ("/portal#a1b2", "/portal#…"),
            ("/portal#a?b=c", "/portal#…"),
            ("https://login.example/?", "https://login.example/?"),
            ("https://anna:s3cret@login.example/?ticket=1", "https://…@login.example/?ticket=…"),
        ] {
            assert_eq!(kept_value("location", given.as_bytes()), kept, "{given}");
        }
        assert_eq!(kept_value("server", b"a?b=c"), "a?b=c");
    }
}
