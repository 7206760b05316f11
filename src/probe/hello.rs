//! The first message of a handshake, in the forms that devices on the way treat differently.

use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use rustls::NamedGroup;
use rustls::SupportedProtocolVersion;
use rustls::crypto::{CryptoProvider, aws_lc_rs};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Sleep, sleep};

use super::stream::Connection;
use crate::plan::ClientProfile;

/// What a record's header takes; a hello that is split is split behind it.
const RECORD_HEADER: usize = 5;
/// What makes the hello for TLS 1.2 as long as the usual one.
const PADDING: usize = 68;
/// Long enough for two packets instead of one, also on a busy machine.
const PAUSE: Duration = Duration::from_millis(20);

static ONLY_TLS12: &[&SupportedProtocolVersion] = &[&rustls::version::TLS12];
static BOTH: &[&SupportedProtocolVersion] = &[&rustls::version::TLS13, &rustls::version::TLS12];

/// How a handshake begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Hello {
    /// TLS 1.2 and 1.3, in one segment.
    Usual,
    /// TLS 1.2 alone.
    Small,
    /// TLS 1.2 alone, with words that nobody knows, so that it is as long as the usual one.
    Padded,
    /// As usual, and the first write goes out in two pieces.
    Split,
    /// With a post-quantum key share first, which takes two segments.
    Large,
    /// As Windows 10 and older send it (TLS 1.2), in two pieces.
    SmallSplit,
    /// With every suite that old servers knew; nobody means to finish it.
    Old,
    /// With those alone that every Schannel offers; nobody means to finish it.
    Shared,
}

impl Hello {
    /// What devices of this profile send; without one, what the newest send.
    pub fn of(profile: Option<ClientProfile>) -> Self {
        match profile {
            Some(ClientProfile::Tls12) => Self::Small,
            Some(ClientProfile::Tls13) | None => Self::Usual,
        }
    }

    /// The same in two pieces.
    pub fn split(profile: Option<ClientProfile>) -> Self {
        match profile {
            Some(ClientProfile::Tls12) => Self::SmallSplit,
            Some(ClientProfile::Tls13) | None => Self::Split,
        }
    }

    pub fn versions(self) -> &'static [&'static SupportedProtocolVersion] {
        match self {
            Self::Small | Self::Padded | Self::SmallSplit => ONLY_TLS12,
            Self::Usual | Self::Split | Self::Large | Self::Old | Self::Shared => BOTH,
        }
    }

    /// The provider that makes it, from the usual one.
    pub fn provider(self, usual: &Arc<CryptoProvider>) -> Arc<CryptoProvider> {
        if self != Self::Large {
            return usual.clone();
        }
        let mut provider = CryptoProvider::clone(usual);
        provider.kx_groups.retain(|group| group.name() != NamedGroup::X25519MLKEM768);
        provider.kx_groups.insert(0, aws_lc_rs::kx_group::X25519MLKEM768);
        Arc::new(provider)
    }

    /// The application protocols that it offers; the usual one offers none.
    pub fn protocols(self) -> Vec<Vec<u8>> {
        match self {
            Self::Padded => vec![b"http/1.1".to_vec(), vec![b'x'; PADDING]],
            Self::Usual | Self::Small | Self::Split | Self::SmallSplit | Self::Large | Self::Old | Self::Shared => {
                Vec::new()
            }
        }
    }

    /// The stream on which it goes out.
    pub fn over(self, stream: Connection) -> Connection {
        if matches!(self, Self::Split | Self::SmallSplit) { Box::new(Split::new(stream)) } else { stream }
    }
}

/// Sends the first bytes by themselves, and the rest a little later.
struct Split {
    inner: Connection,
    state: State,
}

enum State {
    Whole,
    Waiting(Pin<Box<Sleep>>),
    Through,
}

impl Split {
    fn new(inner: Connection) -> Self {
        Self { inner, state: State::Whole }
    }
}

impl AsyncRead for Split {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_read(context, buffer)
    }
}

impl AsyncWrite for Split {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        loop {
            match &mut self.state {
                State::Whole => {
                    let piece = &bytes[..bytes.len().min(RECORD_HEADER)];
                    let written = std::task::ready!(Pin::new(&mut self.inner).poll_write(context, piece));
                    self.state = State::Waiting(Box::pin(sleep(PAUSE)));
                    return Poll::Ready(written);
                }
                State::Waiting(pause) => {
                    std::task::ready!(pause.as_mut().poll(context));
                    self.state = State::Through;
                }
                State::Through => return Pin::new(&mut self.inner).poll_write(context, bytes),
            }
        }
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_split_hello_arrives_in_two_pieces_and_what_follows_whole() {
        let (near, mut far) = tokio::io::duplex(4096);
        let mut stream = Hello::Split.over(Box::new(near));
        let sending = tokio::spawn(async move {
            stream.write_all(b"\x16\x03\x01\x00\x03abc").await.expect("a pipe takes it");
            stream.write_all(b"second flight").await.expect("a pipe takes it");
        });
        let mut piece = [0; 64];
        let length = far.read(&mut piece).await.expect("the first piece");
        assert_eq!(&piece[..length], b"\x16\x03\x01\x00\x03");
        let length = far.read(&mut piece).await.expect("the second piece");
        assert!(piece[..length].starts_with(b"abc"));
        sending.await.expect("no panic");
    }

    #[test]
    fn the_forms_differ_in_what_they_are_for() {
        let usual = Arc::new(aws_lc_rs::default_provider());
        let first = |hello: Hello| hello.provider(&usual).kx_groups[0].name();
        assert_eq!(first(Hello::Large), NamedGroup::X25519MLKEM768);
        assert_ne!(first(Hello::Usual), NamedGroup::X25519MLKEM768, "the usual hello fits one segment");
        assert_eq!((Hello::Small.versions().len(), Hello::Usual.versions().len()), (1, 2));
    }
}
