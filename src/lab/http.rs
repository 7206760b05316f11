//! HTTP replies as the lab's origins and proxies give them: right, odd, slow and broken.

use std::fmt::Write as _;
use std::io;
use std::time::Duration;

use jiff::Timestamp;
use tokio::io::{AsyncWrite, AsyncWriteExt};

/// One reply.
#[derive(Debug, Clone)]
pub struct Reply {
    pub status: u16,
    pub headers: Vec<(&'static str, String)>,
    pub body: String,
    pub manner: Manner,
    /// The `Date` header's moment; none when absent.
    pub date: Option<Timestamp>,
}

/// How a reply goes over the wire.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Manner {
    /// With its length.
    Whole,
    Chunked,
    /// HTTP/1.0 without a length: the end of the connection is the end of the body.
    UntilClose,
    /// HTTP/1.0 with a length; who asks for it by the old header keeps the connection.
    Kept,
    /// Announces more than it sends.
    CutOff,
    /// One byte at a time.
    Dripping,
    /// A body without end.
    Endless,
}

/// Between the bytes of a dripping reply.
const DRIP: Duration = Duration::from_millis(1);

impl Reply {
    #[must_use]
    pub fn status(status: u16) -> Self {
        Self { status, headers: Vec::new(), body: String::new(), manner: Manner::Whole, date: None }
    }

    #[must_use]
    pub fn header(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    #[must_use]
    pub fn page(self, body: impl Into<String>) -> Self {
        Self { body: body.into(), ..self.header("Content-Type", "text/html") }
    }

    #[must_use]
    pub fn body(mut self, body: impl Into<String>) -> Self {
        self.body = body.into();
        self
    }

    #[must_use]
    pub fn manner(mut self, manner: Manner) -> Self {
        self.manner = manner;
        self
    }

    #[must_use]
    pub(super) fn dated(self, moment: Timestamp) -> Self {
        Self { date: self.date.or(Some(moment)), ..self }
    }

    /// Whether the connection can go on after this reply.
    pub(super) fn keeps_open(&self) -> bool {
        matches!(self.manner, Manner::Whole | Manner::Chunked | Manner::Kept)
            && !self.headers.iter().any(|(name, value)| name.ends_with("onnection") && value == "close")
    }

    fn head(&self) -> String {
        let version = if matches!(self.manner, Manner::UntilClose | Manner::Kept) { "1.0" } else { "1.1" };
        let mut head = format!("HTTP/{version} {} {}\r\n", self.status, reason(self.status));
        if let Some(date) = self.date {
            let _ = write!(head, "Date: {}\r\n", date.strftime("%a, %d %b %Y %H:%M:%S GMT"));
        }
        for (name, value) in &self.headers {
            let _ = write!(head, "{name}: {value}\r\n");
        }
        let length = self.body.len();
        let _ = match self.manner {
            Manner::Whole | Manner::Kept | Manner::Dripping => write!(head, "Content-Length: {length}\r\n"),
            Manner::CutOff => write!(head, "Content-Length: {}\r\n", length + 1000),
            Manner::Chunked => write!(head, "Transfer-Encoding: chunked\r\n"),
            Manner::UntilClose | Manner::Endless => Ok(()),
        };
        head + "\r\n"
    }

    pub(super) async fn send<S: AsyncWrite + Unpin>(&self, stream: &mut S) -> io::Result<()> {
        let mut bytes = self.head().into_bytes();
        match self.manner {
            Manner::Chunked => {
                for piece in self.body.as_bytes().chunks(64) {
                    bytes.extend(format!("{:x}\r\n", piece.len()).into_bytes());
                    bytes.extend(piece);
                    bytes.extend(b"\r\n");
                }
                bytes.extend(b"0\r\n\r\n");
            }
            _ => bytes.extend(self.body.as_bytes()),
        }
        if self.manner == Manner::Dripping {
            for byte in bytes {
                stream.write_all(&[byte]).await?;
                stream.flush().await?;
                tokio::time::sleep(DRIP).await;
            }
            return Ok(());
        }
        stream.write_all(&bytes).await?;
        stream.flush().await?;
        if self.manner != Manner::Endless {
            return Ok(());
        }
        loop {
            // Ends with an error when the peer has enough.
            stream.write_all(&[b'.'; 4096]).await?;
        }
    }
}

fn reason(status: u16) -> &'static str {
    hyper::StatusCode::from_u16(status).ok().and_then(|status| status.canonical_reason()).unwrap_or("Unknown")
}
