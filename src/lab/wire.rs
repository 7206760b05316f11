//! How the lab's servers treat a connection: bounded reading, and the ways of ending it that real networks have.

use std::io;

use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;

/// A request's head beyond this is not read; the probe's are a few hundred bytes.
const LARGEST_HEAD: u64 = 64 << 10;

/// A stream with what was read ahead of its use.
pub(super) type Buffered<S> = BufReader<S>;

/// The head of an HTTP request.
#[derive(Debug, Clone)]
pub(super) struct Head {
    pub method: String,
    pub target: String,
    headers: Vec<(String, String)>,
}

impl Head {
    /// The first header called `name`, in any case.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }
}

/// Reads a request's head; `None` when the peer closed before one, or sent something else.
pub(super) async fn read_head<S: AsyncRead + Unpin>(stream: &mut Buffered<S>) -> io::Result<Option<Head>> {
    let mut bytes = Vec::new();
    loop {
        let room = LARGEST_HEAD.saturating_sub(bytes.len() as u64);
        let line = (&mut *stream).take(room).read_until(b'\n', &mut bytes).await?;
        if line == 0 || bytes.len() as u64 >= LARGEST_HEAD {
            return Ok(None);
        }
        if bytes.ends_with(b"\r\n\r\n") || bytes.ends_with(b"\n\n") {
            return Ok(parse_head(&String::from_utf8_lossy(&bytes)));
        }
    }
}

fn parse_head(text: &str) -> Option<Head> {
    let mut lines = text.lines();
    let mut words = lines.next()?.split(' ');
    let (method, target) = (words.next()?.to_owned(), words.next()?.to_owned());
    let headers = lines
        .filter_map(|line| line.split_once(':'))
        .map(|(name, value)| (name.trim().to_owned(), value.trim().to_owned()))
        .collect();
    Some(Head { method, target, headers })
}

/// Waits for the peer's first bytes and takes them: who closes with bytes unread sends a reset instead.
pub(super) async fn hear<S: AsyncRead + Unpin>(stream: &mut S) -> io::Result<usize> {
    let mut first = [0; 4096];
    stream.read(&mut first).await
}

/// Says nothing, and holds the connection until the peer gives up.
pub(super) async fn hush<S: AsyncRead + Unpin>(mut stream: S) {
    let mut ignored = [0; 4096];
    while let Ok(1..) = stream.read(&mut ignored).await {}
}

/// Ends the sending direction and reads what the peer still has to say, so that everything sent arrives.
pub(super) async fn close<S: AsyncRead + AsyncWrite + Unpin>(mut stream: S) {
    if stream.shutdown().await.is_ok() {
        hush(stream).await;
    }
}

/// Sends RST.
pub(super) fn reset(stream: &TcpStream) {
    // A lingering time of zero makes the close that follows an abort.
    let _ = socket2::SockRef::from(stream).set_linger(Some(std::time::Duration::ZERO));
}
