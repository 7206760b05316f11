//! The endpoints' own servers: TLS or plain, healthy or in any of the ways in which servers and boxes before them fail.

use std::io;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use rustls::crypto::CryptoProvider;
use rustls::server::{ClientHello, ResolvesServerCert, WebPkiClientVerifier};
use rustls::sign::CertifiedKey;
use rustls::{RootCertStore, ServerConfig, SupportedProtocolVersion};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;

use super::authority::{Authorities, Mistake, Shown};
use super::http::Reply;
use super::wire::{Buffered, close, hear, hush, read_head, reset};
use crate::catalogue::{Endpoint, TrustClass};
use crate::net::Clock;

/// What stands at an endpoint's address.
#[derive(Debug, Clone)]
pub struct Site {
    pub front: Front,
    pub answer: Answer,
    /// What the first connection meets in place of `front`.
    pub first: Option<Breakage>,
}

/// What a connection meets before HTTP.
#[derive(Debug, Clone)]
pub enum Front {
    Clear,
    Tls(Tls),
    Broken(Breakage),
    /// A device reads the hello first and stops some of them; the others get to the server.
    Filtered(Filter, Breakage),
    /// A server of TLS 1.1, as far as its certificate.
    Old(Shown),
    /// A server of TLS 1.2 with RSA key exchange alone, as far as its certificate.
    RsaOnly(Shown),
    /// Hellos that offer TLS 1.3 get to the server; others meet a device that shows this.
    Tls13Passed(Shown),
    /// A device of TLS 1.2 that copies the server's random, which says that the server speaks 1.3.
    MarkCopied(Shown),
}

/// Hellos that a device stops.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Filter {
    /// Those that name the endpoint.
    Name,
    /// Those that name the endpoint, and for this long afterwards all of them.
    NameWithGrudge(Duration),
    /// Those that offer TLS 1.3.
    Tls13,
    /// Those that do not.
    Tls12,
    /// Those that are longer than this many bytes.
    Longer(usize),
    /// Those that do not come in one piece.
    Pieces,
}

#[derive(Debug, Clone, Copy)]
pub struct Tls {
    pub shown: Shown,
    pub only_tls12: bool,
    pub client_certificate: ClientCertificate,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ClientCertificate {
    NotAsked,
    Wanted,
    Required,
}

/// How a connection ends before it was any use.
#[derive(Debug, Clone, Copy)]
pub enum Breakage {
    ResetAfterFirstBytes,
    CloseAfterFirstBytes,
    Silent,
    /// Answers the first bytes with these, whatever they were.
    Speaks(&'static [u8]),
}

/// What a request is answered with.
#[derive(Debug, Clone)]
pub enum Answer {
    /// As the catalogue says a healthy service answers.
    Healthy,
    Reply(Box<Reply>),
    /// Bytes in place of a reply.
    Bytes(&'static [u8]),
    /// A header of this many bytes.
    LongHeader(usize),
    Nothing,
    Silence,
    /// As healthy; uploads of more bytes than this are refused by this reply, or broken off without one.
    Uploads {
        most: u64,
        refusal: Option<Box<Reply>>,
    },
}

impl Site {
    #[must_use]
    pub fn healthy(is_tls: bool) -> Self {
        Self {
            front: if is_tls { Front::Tls(Tls::GENUINE) } else { Front::Clear },
            answer: Answer::Healthy,
            first: None,
        }
    }
}

impl Tls {
    pub(super) const GENUINE: Self =
        Self { shown: Shown::Genuine, only_tls12: false, client_certificate: ClientCertificate::NotAsked };
}

/// A running origin.
#[derive(Debug)]
pub(super) struct Origin {
    front: ReadyFront,
    answer: ReadyAnswer,
    first: Option<Breakage>,
    connections: AtomicUsize,
    /// A device on the way that resets what a client opens beyond its limit.
    limiter: Option<Arc<Limiter>>,
    /// Until when a filter stops everything.
    grudge: Mutex<Option<Instant>>,
}

/// Counts the connections of one client to all origins.
#[derive(Debug)]
pub(super) struct Limiter {
    most: usize,
    open: AtomicUsize,
}

impl Limiter {
    pub fn new(most: usize) -> Self {
        Self { most, open: AtomicUsize::new(0) }
    }
}

#[derive(Debug)]
enum ReadyFront {
    Clear,
    Tls(Arc<ServerConfig>),
    Broken(Breakage),
    Filtered {
        filter: Filter,
        breakage: Breakage,
        host: String,
        tls: Arc<ServerConfig>,
    },
    /// The server's flight, up to its end.
    Old(Vec<u8>),
    /// The same, for hellos that offer this suite.
    ForSuite(u16, Vec<u8>),
    /// A server for hellos that offer TLS 1.3, and one for those that do not.
    ByVersion(Newer, Arc<ServerConfig>),
}

/// What hellos with TLS 1.3 meet.
#[derive(Debug)]
enum Newer {
    Server(Arc<ServerConfig>),
    Flight(Vec<u8>),
}

#[derive(Debug)]
enum ReadyAnswer {
    Reply(Box<Reply>),
    Bytes(Vec<u8>),
    Nothing,
    Silence,
    Uploads { most: u64, refusal: Option<Box<Reply>>, healthy: Box<Reply> },
}

impl ReadyAnswer {
    fn new(answer: &Answer, healthy: impl Fn() -> Reply) -> Self {
        match answer {
            Answer::Healthy => Self::Reply(Box::new(healthy())),
            Answer::Reply(reply) => Self::Reply(reply.clone()),
            Answer::Bytes(bytes) => Self::Bytes(bytes.to_vec()),
            Answer::LongHeader(length) => Self::Bytes(
                format!("HTTP/1.1 200 OK\r\nX-Padding: {}\r\nContent-Length: 0\r\n\r\n", "x".repeat(*length))
                    .into_bytes(),
            ),
            Answer::Nothing => Self::Nothing,
            Answer::Silence => Self::Silence,
            Answer::Uploads { most, refusal } => {
                Self::Uploads { most: *most, refusal: refusal.clone(), healthy: Box::new(healthy()) }
            }
        }
    }
}

impl Origin {
    /// Prepares what `site` says for `endpoint`.
    pub fn new(site: &Site, endpoint: &Endpoint, authorities: &Authorities) -> Result<Self, Mistake> {
        let class = endpoint.trust.first().copied().unwrap_or(TrustClass::MicrosoftPublic);
        let shows = |shown| authorities.show(shown, &endpoint.host, class);
        let front = match &site.front {
            Front::Clear => ReadyFront::Clear,
            Front::Tls(tls) => ReadyFront::Tls(configuration(*tls, &endpoint.host, class, authorities)?),
            Front::Broken(breakage) => ReadyFront::Broken(*breakage),
            Front::Filtered(filter, breakage) => ReadyFront::Filtered {
                filter: *filter,
                breakage: *breakage,
                host: endpoint.host.clone(),
                tls: configuration(Tls::GENUINE, &endpoint.host, class, authorities)?,
            },
            Front::Old(shown) => ReadyFront::Old(flight(Old::TLS_1_1, &shows(*shown)?.cert)),
            Front::RsaOnly(shown) => ReadyFront::ForSuite(Old::RSA.suite, flight(Old::RSA, &shows(*shown)?.cert)),
            Front::Tls13Passed(shown) => {
                let genuine = configuration(Tls::GENUINE, &endpoint.host, class, authorities)?;
                ReadyFront::ByVersion(Newer::Server(genuine), showing(shows(*shown)?, ONLY_TLS12)?)
            }
            Front::MarkCopied(shown) => {
                let chain = shows(*shown)?;
                let marked = flight(Old::MARKED, &chain.cert);
                ReadyFront::ByVersion(Newer::Flight(marked), showing(chain, ONLY_TLS12)?)
            }
        };
        let answer = ReadyAnswer::new(&site.answer, || healthy(endpoint));
        Ok(Self {
            front,
            answer,
            first: site.first,
            connections: AtomicUsize::new(0),
            limiter: None,
            grudge: Mutex::default(),
        })
    }

    /// A plain http server that says `body` to everything.
    pub fn saying(body: &str) -> Self {
        Self::keeping(body, &Answer::Healthy)
    }

    /// A plain http server that is there for `body`, and answers in this way.
    pub fn keeping(body: &str, answer: &Answer) -> Self {
        let healthy = || Reply::status(200).header("Content-Type", "text/plain").body(body);
        Self {
            front: ReadyFront::Clear,
            answer: ReadyAnswer::new(answer, healthy),
            first: None,
            connections: AtomicUsize::new(0),
            limiter: None,
            grudge: Mutex::default(),
        }
    }

    /// The same behind a device that limits a client's connections.
    pub fn behind(self, limiter: Option<Arc<Limiter>>) -> Self {
        Self { limiter, ..self }
    }

    /// Serves until the lab ends.
    pub async fn serve(self: Arc<Self>, listener: TcpListener) {
        while let Ok((stream, _)) = listener.accept().await {
            let origin = self.clone();
            // A peer that goes away is no event.
            tokio::spawn(async move { origin.converse(stream).await.ok() });
        }
    }

    async fn converse(&self, stream: TcpStream) -> io::Result<()> {
        let Some(limiter) = &self.limiter else { return self.serve_one(stream).await };
        let open = limiter.open.fetch_add(1, Ordering::Relaxed) + 1;
        let result = if open > limiter.most {
            break_off(Breakage::ResetAfterFirstBytes, stream).await
        } else {
            self.serve_one(stream).await
        };
        limiter.open.fetch_sub(1, Ordering::Relaxed);
        result
    }

    async fn serve_one(&self, stream: TcpStream) -> io::Result<()> {
        stream.set_nodelay(true)?;
        if self.connections.fetch_add(1, Ordering::Relaxed) == 0
            && let Some(first) = self.first
        {
            return break_off(first, stream).await;
        }
        match &self.front {
            ReadyFront::Clear => self.answer(BufReader::new(stream)).await,
            ReadyFront::Tls(configuration) => {
                let stream = TlsAcceptor::from(configuration.clone()).accept(stream).await?;
                self.answer(BufReader::new(stream)).await
            }
            ReadyFront::Broken(breakage) => break_off(*breakage, stream).await,
            ReadyFront::Filtered { filter, breakage, host, tls } => {
                let (hello, is_in_one_piece) = peek_hello(&stream).await?;
                let stops = match filter {
                    Filter::Name => holds(&hello, host.as_bytes()),
                    Filter::NameWithGrudge(lasts) => self.is_held_against(holds(&hello, host.as_bytes()), *lasts),
                    Filter::Tls13 => offers_tls13(&hello),
                    Filter::Tls12 => !offers_tls13(&hello),
                    Filter::Longer(most) => hello.len() > *most,
                    Filter::Pieces => !is_in_one_piece,
                };
                if stops {
                    return break_off(*breakage, stream).await;
                }
                let stream = TlsAcceptor::from(tls.clone()).accept(stream).await?;
                self.answer(BufReader::new(stream)).await
            }
            ReadyFront::Old(flight) => say(stream, flight).await,
            ReadyFront::ForSuite(suite, flight) => {
                let (hello, _) = peek_hello(&stream).await?;
                let is_offered = suites(&hello).any(|offered| offered == *suite);
                say(stream, if is_offered { flight } else { NO_COMMON_SUITE }).await
            }
            ReadyFront::ByVersion(newer, older) => {
                let (hello, _) = peek_hello(&stream).await?;
                let configuration = match newer {
                    Newer::Flight(flight) if offers_tls13(&hello) => return say(stream, flight).await,
                    Newer::Server(newer) if offers_tls13(&hello) => newer,
                    Newer::Flight(_) | Newer::Server(_) => older,
                };
                let stream = TlsAcceptor::from(configuration.clone()).accept(stream).await?;
                self.answer(BufReader::new(stream)).await
            }
        }
    }

    /// Whether this hello is stopped, for itself or for one that was stopped before.
    fn is_held_against(&self, is_wrong: bool, lasts: Duration) -> bool {
        let mut until = self.grudge.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        if is_wrong {
            *until = Some(now + lasts);
        }
        until.is_some_and(|until| now < until)
    }

    async fn answer<S: AsyncRead + AsyncWrite + Unpin>(&self, mut stream: Buffered<S>) -> io::Result<()> {
        let Some(head) = read_head(&mut stream).await? else { return Ok(()) };
        let length = head.header("content-length").and_then(|length| length.parse().ok()).unwrap_or(0);
        match &self.answer {
            ReadyAnswer::Reply(reply) => {
                let reply = Reply::clone(reply).header("Connection", "close").dated(Clock::System.now());
                reply.send(&mut stream).await?;
            }
            ReadyAnswer::Bytes(bytes) => {
                stream.write_all(bytes).await?;
                stream.flush().await?;
            }
            ReadyAnswer::Uploads { most, refusal, healthy } => {
                let reply = if length <= *most {
                    tokio::io::copy(&mut (&mut stream).take(length), &mut tokio::io::sink()).await?;
                    healthy
                } else if let Some(refusal) = refusal {
                    refusal
                } else {
                    // Dropped with bytes unread, the connection ends in a reset.
                    return Ok(());
                };
                let reply = Reply::clone(reply).header("Connection", "close").dated(Clock::System.now());
                reply.send(&mut stream).await?;
            }
            ReadyAnswer::Nothing => {}
            ReadyAnswer::Silence => hush(&mut stream).await,
        }
        close(stream).await;
        Ok(())
    }
}

pub(super) async fn break_off(breakage: Breakage, mut stream: TcpStream) -> io::Result<()> {
    match breakage {
        Breakage::ResetAfterFirstBytes => {
            hear(&mut stream).await?;
            reset(&stream);
        }
        Breakage::CloseAfterFirstBytes => {
            hear(&mut stream).await?;
            close(stream).await;
        }
        Breakage::Silent => hush(stream).await,
        Breakage::Speaks(bytes) => {
            hear(&mut stream).await?;
            stream.write_all(bytes).await?;
            close(stream).await;
        }
    }
    Ok(())
}

/// The alert `handshake_failure`.
const NO_COMMON_SUITE: &[u8] = b"\x15\x03\x03\x00\x02\x02\x28";

/// Hears the client's first words, and says these.
async fn say(mut stream: TcpStream, bytes: &[u8]) -> io::Result<()> {
    hear(&mut stream).await?;
    stream.write_all(bytes).await?;
    close(stream).await;
    Ok(())
}

/// The first record of a connection, which stays in it, and whether it came in one piece.
async fn peek_hello(stream: &TcpStream) -> io::Result<(Vec<u8>, bool)> {
    let mut bytes = vec![0; 4096];
    // A hello in pieces is whole in a moment; what is not is looked at as it is.
    for tries in 0..100 {
        let length = stream.peek(&mut bytes).await?;
        let is_whole = length >= 5 && length >= 5 + usize::from(u16::from_be_bytes([bytes[3], bytes[4]]));
        if is_whole || length == 0 {
            bytes.truncate(length);
            return Ok((bytes, tries == 0));
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    Ok((bytes, false))
}

fn holds(bytes: &[u8], wanted: &[u8]) -> bool {
    bytes.windows(wanted.len()).any(|window| window == wanted)
}

/// Whether a hello's list of versions (extension 43) holds TLS 1.3.
fn offers_tls13(hello: &[u8]) -> bool {
    let lists = hello.windows(5).enumerate().filter(|(_, head)| {
        // The extension's number, its length, and the length of the list, which is one less.
        head[..3] == [0, 43, 0] && head[3] == head[4].wrapping_add(1)
    });
    lists.into_iter().any(|(at, head)| {
        let list = hello.get(at + 5..at + 5 + usize::from(head[4])).unwrap_or_default();
        list.chunks_exact(2).any(|version| version == [3, 4])
    })
}

/// The cipher suites that a hello offers.
fn suites(hello: &[u8]) -> impl Iterator<Item = u16> + '_ {
    // Record, message, version and random, then the session's id.
    let session = hello.get(43).copied().map_or(0, usize::from);
    let list = hello.get(44 + session..).unwrap_or_default();
    let length = list.first_chunk::<2>().map_or(0, |length| usize::from(u16::from_be_bytes(*length)));
    list.get(2..2 + length).unwrap_or_default().chunks_exact(2).map(|suite| u16::from_be_bytes([suite[0], suite[1]]))
}

/// How an old server begins.
#[derive(Debug, Clone, Copy)]
struct Old {
    minor: u8,
    suite: u16,
    random: [u8; 32],
}

impl Old {
    const TLS_1_1: Self = Self { minor: 2, suite: 0x002f, random: [0x5a; 32] };
    const RSA: Self = Self { minor: 3, suite: 0x009d, random: [0x5a; 32] };
    /// With the mark of a server that could speak TLS 1.3 (RFC 8446 §4.1.3), and a suite of ECDHE.
    const MARKED: Self = {
        let mut random = [0x5a; 32];
        let mark = *b"DOWNGRD\x01";
        let mut place = 0;
        while place < mark.len() {
            random[24 + place] = mark[place];
            place += 1;
        }
        Self { minor: 3, suite: 0xc02b, random }
    };
}

/// What an old server sends before the client's turn: its hello, its certificates, that it is done.
fn flight(old: Old, chain: &[rustls::pki_types::CertificateDer<'_>]) -> Vec<u8> {
    let long = |bytes: &[u8]| {
        let length = u32::try_from(bytes.len()).unwrap_or_default().to_be_bytes();
        [&length[1..], bytes].concat()
    };
    let message = |kind: u8, body: &[u8]| [&[kind][..], &long(body)].concat();
    let hello = [&[3, old.minor][..], &old.random, &[0], &old.suite.to_be_bytes(), &[0]].concat();
    let certificates: Vec<u8> = chain.iter().flat_map(|certificate| long(certificate)).collect();
    let messages = [message(2, &hello), message(11, &long(&certificates)), message(14, &[])].concat();
    // As small as records may be cut.
    let record = |piece: &[u8]| {
        let length = u16::try_from(piece.len()).unwrap_or_default().to_be_bytes();
        [&[22, 3, old.minor][..], &length, piece].concat()
    };
    messages.chunks(500).flat_map(record).collect()
}

/// The first answer that the catalogue calls healthy, with the headers of the front ends that give it.
fn healthy(endpoint: &Endpoint) -> Reply {
    let status = endpoint.probe.healthy.first().copied().unwrap_or(200);
    if endpoint.host.ends_with(".blob.core.windows.net") {
        return Reply::status(status)
            .header("Server", "Windows-Azure-Blob/1.0 Microsoft-HTTPAPI/2.0")
            .header("x-ms-request-id", "00000000-0000-0000-0000-000000000000")
            .header("Content-Type", "application/xml")
            .body("<?xml version=\"1.0\" encoding=\"utf-8\"?><Error><Code>InvalidQueryParameterValue</Code></Error>");
    }
    let reply = Reply::status(status).header("Server", "Microsoft-HTTPAPI/2.0");
    match status {
        300..=399 => reply.header("Location", "https://account.microsoft.com/").header("x-ms-request-id", "0"),
        _ => reply,
    }
}

/// One chain, whatever name is asked for.
#[derive(Debug)]
struct Always(Arc<CertifiedKey>);

impl ResolvesServerCert for Always {
    fn resolve(&self, _hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(self.0.clone())
    }
}

pub(super) static ONLY_TLS12: &[&SupportedProtocolVersion] = &[&rustls::version::TLS12];
pub(super) static BOTH_VERSIONS: &[&SupportedProtocolVersion] = &[&rustls::version::TLS13, &rustls::version::TLS12];

/// A server's TLS for one chain.
pub(super) fn showing(
    chain: Arc<CertifiedKey>,
    versions: &[&'static SupportedProtocolVersion],
) -> Result<Arc<ServerConfig>, Mistake> {
    let configuration = ServerConfig::builder_with_provider(provider())
        .with_protocol_versions(versions)?
        .with_no_client_auth()
        .with_cert_resolver(Arc::new(Always(chain)));
    Ok(Arc::new(without_tickets(configuration)))
}

pub(super) fn provider() -> Arc<CryptoProvider> {
    Arc::new(rustls::crypto::aws_lc_rs::default_provider())
}

/// A probe never comes back with a ticket, and each costs the lab an encryption.
fn without_tickets(mut configuration: ServerConfig) -> ServerConfig {
    configuration.send_tls13_tickets = 0;
    configuration
}

fn configuration(
    tls: Tls,
    host: &str,
    class: TrustClass,
    authorities: &Authorities,
) -> Result<Arc<ServerConfig>, Mistake> {
    let chain = authorities.show(tls.shown, host, class)?;
    let versions = if tls.only_tls12 { ONLY_TLS12 } else { BOTH_VERSIONS };
    let builder = ServerConfig::builder_with_provider(provider()).with_protocol_versions(versions)?;
    let builder = match tls.client_certificate {
        ClientCertificate::NotAsked => builder.with_no_client_auth(),
        asked => {
            let mut roots = RootCertStore::empty();
            roots.add(authorities.anchor(class).der().to_vec().into())?;
            let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider());
            let verifier = if asked == ClientCertificate::Wanted { verifier.allow_unauthenticated() } else { verifier };
            builder.with_client_cert_verifier(verifier.build()?)
        }
    };
    Ok(Arc::new(without_tickets(builder.with_cert_resolver(Arc::new(Always(chain))))))
}
