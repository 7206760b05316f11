//! A connection of any kind, and what passed over it.

use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};

use bytes::Bytes;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// Bytes in both directions; a stage does not care whether they go over TCP, a tunnel or a test's pipe.
pub(super) trait Stream: AsyncRead + AsyncWrite + Unpin + Send {}

impl<T: AsyncRead + AsyncWrite + Unpin + Send> Stream for T {}

pub(super) type Connection = Box<dyn Stream>;

/// How much of a peer's bytes is kept as evidence.
const KEPT: usize = 2048;

/// Passes bytes through, keeps the first that the peer sends and counts all: a parser that fails drops what it read.
#[derive(Debug)]
pub(super) struct Tee<S> {
    inner: S,
    seen: Seen,
    total: u64,
}

/// More than any probe has to read: a peer that goes on for ever (interim replies, say) is stopped here.
const MOST_BYTES: u64 = 4 << 20;

/// What a [`Tee`] saw of its peer, readable while the stream is in other hands.
#[derive(Debug, Clone, Default)]
pub(super) struct Seen(Arc<Mutex<SeenBytes>>);

#[derive(Debug, Default)]
struct SeenBytes {
    start: Vec<u8>,
    count: u64,
}

impl<S> Tee<S> {
    pub fn new(inner: S) -> (Self, Seen) {
        let seen = Seen::default();
        (Self { inner, seen: seen.clone(), total: 0 }, seen)
    }

    pub fn into_inner(self) -> S {
        self.inner
    }
}

impl Seen {
    /// Bytes received so far.
    pub fn count(&self) -> u64 {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).count
    }

    /// The first bytes received.
    pub fn start(&self) -> Vec<u8> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).start.clone()
    }

    /// Begins anew, for the next leg of a dialogue.
    pub fn forget(&self) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = SeenBytes::default();
    }

    fn add(&self, bytes: &[u8]) {
        let mut seen = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        seen.count += bytes.len() as u64;
        let room = KEPT.saturating_sub(seen.start.len()).min(bytes.len());
        seen.start.extend_from_slice(&bytes[..room]);
    }
}

/// A stream of which the first bytes were already read, by somebody who gives them back.
pub(super) struct Prefixed {
    prefix: Bytes,
    inner: Connection,
}

impl Prefixed {
    pub fn new(prefix: Bytes, inner: Connection) -> Self {
        Self { prefix, inner }
    }
}

impl AsyncRead for Prefixed {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.prefix.is_empty() {
            return Pin::new(&mut self.inner).poll_read(context, buffer);
        }
        let length = self.prefix.len().min(buffer.remaining());
        buffer.put_slice(&self.prefix.split_to(length));
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Prefixed {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.inner).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_shutdown(context)
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Tee<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.total > MOST_BYTES {
            return Poll::Ready(Err(io::Error::other("the peer sends without end")));
        }
        let before = buffer.filled().len();
        let result = Pin::new(&mut self.inner).poll_read(context, buffer);
        self.seen.add(&buffer.filled()[before..]);
        self.total += (buffer.filled().len() - before) as u64;
        result
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Tee<S> {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.inner).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_shutdown(context)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.inner).poll_write_vectored(context, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.inner.is_write_vectored()
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt as _, repeat};

    use super::*;

    #[tokio::test]
    async fn a_peer_that_sends_without_end_is_stopped() {
        let endless = tokio::io::join(repeat(b'x'), tokio::io::sink());
        let (mut stream, seen) = Tee::new(endless);
        let mut everything = Vec::new();
        let error = stream.read_to_end(&mut everything).await.expect_err("an end");
        assert_eq!(error.to_string(), "the peer sends without end");
        // One read may bring as much as its buffer holds.
        assert!(seen.count() <= 3 * MOST_BYTES, "{}", seen.count());
    }
}
