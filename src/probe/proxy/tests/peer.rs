//! A peer that plays a script, one list of turns per connection.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_rustls::TlsAcceptor;

use crate::plan::Proxy;

#[derive(Clone)]
pub(super) enum Turn {
    /// Reads up to the end of a head and remembers it.
    Hear,
    /// Reads so many bytes and remembers them.
    HearBytes(usize),
    Say(Vec<u8>),
    /// Answers each request as this says, until the answer opens a tunnel.
    Answer(fn(&str) -> String),
    /// Byte by byte.
    Dribble(Vec<u8>),
    /// Gives back what comes, as a tunnel to an echo.
    Echo,
    /// Stays there and says nothing.
    Hold,
    /// Ends the connection with RST.
    Reset,
}

impl Turn {
    pub fn say(text: impl AsRef<[u8]>) -> Self {
        Self::Say(text.as_ref().to_vec())
    }
}

pub(super) struct Peer {
    scheme: &'static str,
    address: SocketAddr,
    heard: Arc<Mutex<Vec<Vec<u8>>>>,
    playing: JoinHandle<()>,
}

impl Peer {
    /// Connections beyond the script find the port closed.
    pub async fn playing(script: Vec<Vec<Turn>>) -> Self {
        Self::start(script, None).await
    }

    /// The same behind TLS.
    pub async fn playing_behind(tls: TlsAcceptor, script: Vec<Vec<Turn>>) -> Self {
        Self::start(script, Some(tls)).await
    }

    async fn start(script: Vec<Vec<Turn>>, tls: Option<TlsAcceptor>) -> Self {
        let scheme = if tls.is_some() { "https" } else { "http" };
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a loopback port");
        let address = listener.local_addr().expect("a bound port");
        let heard = Arc::new(Mutex::new(Vec::new()));
        let memory = heard.clone();
        let playing = tokio::spawn(async move {
            let mut connections = Vec::new();
            for turns in script {
                let Ok((stream, _)) = listener.accept().await else { return };
                if turns.iter().any(|turn| matches!(turn, Turn::Reset)) {
                    let _ = socket2::SockRef::from(&stream).set_linger(Some(std::time::Duration::ZERO));
                }
                let _ = stream.set_nodelay(true);
                let (tls, memory) = (tls.clone(), memory.clone());
                connections.push(tokio::spawn(async move {
                    match tls {
                        None => play(stream, turns, memory).await,
                        Some(tls) => {
                            if let Ok(stream) = tls.accept(stream).await {
                                play(stream, turns, memory).await;
                            }
                        }
                    }
                }));
            }
            drop(listener);
            for connection in connections {
                let _ = connection.await;
            }
        });
        Self { scheme, address, heard, playing }
    }

    pub fn proxy(&self) -> Proxy {
        self.address().parse().expect("a proxy's address")
    }

    pub fn address(&self) -> String {
        format!("{}://{}", self.scheme, self.address)
    }

    pub fn port(&self) -> u16 {
        self.address.port()
    }

    /// What was heard so far, in the order of the requests.
    pub fn heard(&self) -> Vec<String> {
        let heard = self.heard.lock().expect("nobody panicked");
        heard.iter().map(|bytes| bytes.iter().map(|byte| char::from(*byte)).collect()).collect()
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        self.playing.abort();
    }
}

async fn play<S: AsyncRead + AsyncWrite>(stream: S, turns: Vec<Turn>, memory: Arc<Mutex<Vec<Vec<u8>>>>) {
    let (mut from, mut to) = tokio::io::split(stream);
    for turn in turns {
        match turn {
            Turn::Hear => {
                let Some(head) = hear(&mut from).await else { return };
                memory.lock().expect("nobody panicked").push(head);
            }
            Turn::Answer(answer) => loop {
                let Some(head) = hear(&mut from).await else { return };
                let reply = answer(&String::from_utf8_lossy(&head));
                memory.lock().expect("nobody panicked").push(head);
                if to.write_all(reply.as_bytes()).await.is_err() || to.flush().await.is_err() {
                    return;
                }
                if reply.starts_with("HTTP/1.1 200") {
                    break;
                }
            },
            Turn::HearBytes(count) => {
                let mut bytes = vec![0; count];
                if from.read_exact(&mut bytes).await.is_err() {
                    return;
                }
                memory.lock().expect("nobody panicked").push(bytes);
            }
            Turn::Say(bytes) => {
                if to.write_all(&bytes).await.is_err() || to.flush().await.is_err() {
                    return;
                }
            }
            Turn::Dribble(bytes) => {
                for byte in bytes {
                    if to.write_u8(byte).await.is_err() {
                        return;
                    }
                    tokio::task::yield_now().await;
                }
            }
            Turn::Echo => {
                let _ = tokio::io::copy(&mut from, &mut to).await;
                return;
            }
            Turn::Hold => {
                let mut rest = Vec::new();
                let _ = from.read_to_end(&mut rest).await;
                return;
            }
            Turn::Reset => return,
        }
    }
}

/// A head up to its empty line.
async fn hear(from: &mut (impl AsyncRead + Unpin)) -> Option<Vec<u8>> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(from.read_u8().await.ok()?);
    }
    Some(head)
}
