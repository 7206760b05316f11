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
}

/// More than any one reply has to be, the longest page in small chunks included: of a peer that goes on for ever (interim
/// replies, say) no more is read.
const MOST_BYTES: u64 = 16 << 20;

/// The bound is this program's own, and nobody else's mistake.
const NO_MORE: &str = "more than 16 MB came in one answer, and this program reads no further";

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
        (Self { inner, seen: seen.clone() }, seen)
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

/// A stream whose peer is heard out: who closes before it has read everything may have answered first. What is written
/// behind such an end goes nowhere, and reading tells what came; the end is the error that it was when nothing did.
pub(super) struct HearOut {
    inner: Connection,
    end: Option<io::Error>,
    has_heard: bool,
}

impl HearOut {
    pub fn new(inner: Connection) -> Self {
        Self { inner, end: None, has_heard: false }
    }

    /// `bytes` as if they had been written, where the peer no longer reads.
    fn unless_ended<T>(&mut self, result: Poll<io::Result<T>>, written: T) -> Poll<io::Result<T>> {
        match result {
            Poll::Ready(Err(error)) if is_end(&error) => {
                self.end.get_or_insert(error);
                Poll::Ready(Ok(written))
            }
            other => other,
        }
    }
}

fn is_end(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::BrokenPipe | io::ErrorKind::ConnectionReset | io::ErrorKind::ConnectionAborted
    )
}

impl AsyncRead for HearOut {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let result = Pin::new(&mut self.inner).poll_read(context, buffer);
        let is_empty = buffer.filled().len() == before;
        self.has_heard |= !is_empty;
        match result {
            Poll::Ready(Ok(())) if is_empty && !self.has_heard && buffer.remaining() > 0 => {
                Poll::Ready(self.end.take().map_or(Ok(()), Err))
            }
            other => other,
        }
    }
}

impl AsyncWrite for HearOut {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        if self.end.is_some() {
            return Poll::Ready(Ok(bytes.len()));
        }
        let result = Pin::new(&mut self.inner).poll_write(context, bytes);
        self.unless_ended(result, bytes.len())
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.end.is_some() {
            return Poll::Ready(Ok(()));
        }
        let result = Pin::new(&mut self.inner).poll_flush(context);
        self.unless_ended(result, ())
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.end.is_some() {
            return Poll::Ready(Ok(()));
        }
        let result = Pin::new(&mut self.inner).poll_shutdown(context);
        self.unless_ended(result, ())
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Tee<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.seen.count() > MOST_BYTES {
            return Poll::Ready(Err(io::Error::other(NO_MORE)));
        }
        let before = buffer.filled().len();
        let result = Pin::new(&mut self.inner).poll_read(context, buffer);
        self.seen.add(&buffer.filled()[before..]);
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
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, repeat};

    use super::*;

    /// Takes no more than so many bytes, and has said something before it ended, or nothing.
    struct Curt {
        takes: usize,
        said: &'static [u8],
    }

    impl AsyncRead for Curt {
        fn poll_read(mut self: Pin<&mut Self>, _: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
            if self.takes > 0 {
                return Poll::Pending;
            }
            let (now, later) = self.said.split_at(self.said.len().min(buffer.remaining()));
            buffer.put_slice(now);
            self.said = later;
            Poll::Ready(Ok(()))
        }
    }

    impl AsyncWrite for Curt {
        fn poll_write(mut self: Pin<&mut Self>, _: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
            let taken = bytes.len().min(self.takes);
            self.takes -= taken;
            Poll::Ready(if taken > 0 { Ok(taken) } else { Err(io::ErrorKind::ConnectionReset.into()) })
        }

        fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
            Poll::Ready(Ok(()))
        }

        fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
            Poll::Ready(Ok(()))
        }
    }

    #[tokio::test]
    async fn a_peer_that_answers_and_reads_no_further_is_heard_out_and_one_that_ends_in_silence_has_ended() {
        let body = [b'0'; 10_000];
        let mut polite = HearOut::new(Box::new(Curt { takes: 4_000, said: b"HTTP/1.1 405 No\r\n\r\n" }));
        polite.write_all(&body).await.expect("what is not read is no error yet");
        let mut answer = String::new();
        polite.read_to_string(&mut answer).await.expect("the answer");
        assert_eq!(answer, "HTTP/1.1 405 No\r\n\r\n");

        let mut silent = HearOut::new(Box::new(Curt { takes: 4_000, said: b"" }));
        silent.write_all(&body).await.expect("not yet");
        let error = silent.read_to_string(&mut answer).await.expect_err("nothing came");
        assert_eq!(error.kind(), io::ErrorKind::ConnectionReset);
    }

    #[tokio::test]
    async fn a_peer_that_sends_without_end_is_stopped() {
        let endless = tokio::io::join(repeat(b'x'), tokio::io::sink());
        let (mut stream, seen) = Tee::new(endless);
        let mut everything = Vec::new();
        let error = stream.read_to_end(&mut everything).await.expect_err("an end");
        assert_eq!(error.to_string(), NO_MORE);
        // One read may bring as much as its buffer holds.
        assert!(seen.count() <= 3 * MOST_BYTES, "{}", seen.count());
    }
}
