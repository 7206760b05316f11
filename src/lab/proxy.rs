//! The lab's proxies: CONNECT, absolute form and SOCKS, with a login or without, forwarding, denying, inspecting, or
//! failing in one of the ways in which proxies fail.

use std::collections::HashMap;
use std::io;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use rustls::pki_types::ServerName;
use rustls::{ClientConfig, ServerConfig};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, BufReader, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::{TlsAcceptor, TlsConnector};

use super::account::{Account, Entry};
use super::authority::{Authorities, Inspector};
use super::http::{Manner, Reply};
use super::login::{Gate, Guard};
use super::origin::{BOTH_VERSIONS, ONLY_TLS12, showing};
use super::windows::Session;
use super::wire::{Buffered, Head, close, hush, read_head, reset};
use crate::certificate::Certificate;
use crate::net::Clock;
use crate::plan::ProxyScheme;

/// A proxy of the blueprint.
#[derive(Debug, Clone)]
pub struct ProxyPlan {
    pub scheme: ProxyScheme,
    /// Without the lab's domain: `basic` is `basic.proxy.lab`.
    pub name: &'static str,
    pub port: u16,
    pub gate: Gate,
    /// The one method that the gate stands before; none for all of them.
    pub guards: Option<&'static str>,
    /// What its 407s say to people.
    pub page: &'static str,
    /// What surrounds its challenges.
    pub refusal: Refusal,
    /// The first rule whose hosts fit counts; without one the request is forwarded.
    pub rules: Vec<(Hosts, Deed)>,
    /// Who signed the certificate of an https proxy; by default a CA of this machine's store.
    pub shown_by: Inspector,
    /// Whether an https proxy really speaks TLS.
    pub speaks_tls: bool,
    /// How many bytes its page is padded with, as by a picture inside it.
    pub padding: usize,
    /// How many connections its clients may have open at once, and what happens to requests beyond.
    pub limit: Option<(usize, Excess)>,
}

/// What a proxy does to a client that has too many connections open.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Excess {
    /// Answers 403, as Squid's `acl maxconn` makes it.
    Denied,
    /// Closes at once, as Squid's `client_ip_max_connections` makes it.
    Closed,
}

/// How a 407 is sent.
#[derive(Debug, Clone, Copy)]
pub struct Refusal {
    pub manner: Manner,
    pub closes: bool,
}

/// Some of the endpoints' hosts.
#[derive(Debug, Clone, Copy)]
pub enum Hosts {
    All,
    /// By the endpoint's name in the catalogue, or `control`.
    One(&'static str),
    Only(&'static [&'static str]),
    AllBut(&'static [&'static str]),
}

/// What a proxy does with a request that came past its gate.
#[derive(Debug, Clone)]
pub enum Deed {
    Forward,
    /// Opens the tunnel with this head in place of the usual one.
    ForwardSaying(&'static str),
    /// Ends TLS here and begins it anew.
    Inspect(Inspector),
    /// As nodes that are set up differently: of each host's connections those that are marked are inspected, in turn.
    InspectInTurn(Inspector, &'static [bool]),
    Reply(Box<Reply>),
    /// As nodes that are set up differently: of each host's requests those that are marked are answered so, in turn.
    ReplyInTurn(Box<Reply>, &'static [bool]),
    /// Answers CONNECT so, and forwards the rest.
    DenyTunnels(Box<Reply>),
    /// Bytes in place of a reply.
    Bytes(&'static [u8]),
    /// A head without end.
    EndlessHead,
    Reset,
    Close,
    Silence,
    /// Says 200, and then does not do it.
    Pretend(Pretence),
    /// SOCKS only: this reply code.
    SocksReply(u8),
}

#[derive(Debug, Clone, Copy)]
pub enum Pretence {
    Close,
    Reset,
    Silence,
    Page,
}

impl ProxyPlan {
    #[must_use]
    pub fn open(name: &'static str) -> Self {
        Self {
            scheme: ProxyScheme::Http,
            name,
            port: 8080,
            gate: Gate::Open,
            guards: None,
            page: "Proxy authentication required",
            refusal: Refusal { manner: Manner::Whole, closes: false },
            rules: Vec::new(),
            shown_by: Inspector::Corporate,
            speaks_tls: true,
            padding: 0,
            limit: None,
        }
    }

    /// Its clients may have no more than so many connections open at once.
    #[must_use]
    pub fn limited(self, most: usize, excess: Excess) -> Self {
        Self { limit: Some((most, excess)), ..self }
    }

    /// What its 407s say is followed by so many bytes.
    #[must_use]
    pub fn padded(self, padding: usize) -> Self {
        Self { padding, ..self }
    }

    #[must_use]
    pub fn gate(self, gate: Gate) -> Self {
        Self { gate, ..self }
    }

    /// What its 407s say to people.
    #[must_use]
    pub fn saying(self, page: &'static str) -> Self {
        Self { page, ..self }
    }

    /// Only this method has to come past the gate.
    #[must_use]
    pub fn guards(self, method: &'static str) -> Self {
        Self { guards: Some(method), ..self }
    }

    /// How its 407s go over the wire.
    #[must_use]
    pub fn refuses(self, manner: Manner, closes: bool) -> Self {
        Self { refusal: Refusal { manner, closes }, ..self }
    }

    #[must_use]
    pub fn scheme(self, scheme: ProxyScheme, port: u16) -> Self {
        Self { scheme, port, ..self }
    }

    #[must_use]
    pub fn rule(mut self, hosts: Hosts, deed: Deed) -> Self {
        self.rules.push((hosts, deed));
        self
    }

    /// Answers requests for `endpoint` itself.
    #[must_use]
    pub fn replies(self, endpoint: &'static str, reply: Reply) -> Self {
        self.to(endpoint, Deed::Reply(Box::new(reply)))
    }

    #[must_use]
    pub fn to(mut self, endpoint: &'static str, deed: Deed) -> Self {
        self.rules.push((Hosts::One(endpoint), deed));
        self
    }

    #[must_use]
    pub fn host(&self) -> String {
        format!("{}.proxy.lab", self.name)
    }
}

impl Hosts {
    pub(super) fn include(self, endpoint: &str) -> bool {
        match self {
            Self::All => true,
            Self::One(name) => name == endpoint,
            Self::Only(names) => names.contains(&endpoint),
            Self::AllBut(names) => !names.contains(&endpoint),
        }
    }
}

/// A running proxy.
#[derive(Debug)]
pub(super) struct RunningProxy {
    plan: ProxyPlan,
    host: String,
    guard: Guard,
    world: Arc<Behind>,
    /// For https: the proxy's own certificate.
    tls: Option<Arc<ServerConfig>>,
    /// How often each host was asked for.
    turns: Mutex<HashMap<String, usize>>,
    /// Connections of its clients.
    open: AtomicUsize,
    /// Re-signed chains by host.
    resigned: Mutex<HashMap<String, Arc<ServerConfig>>>,
}

/// What lies behind every proxy of one world.
#[derive(Debug)]
pub(super) struct Behind {
    pub authorities: Authorities,
    /// Where a host and port really stand.
    pub directory: HashMap<(String, u16), SocketAddr>,
    /// The endpoints' names by host.
    pub endpoints: HashMap<String, String>,
    /// TLS to the origins, checked against the lab's roots.
    pub outward: Arc<ClientConfig>,
}

impl RunningProxy {
    pub fn new(plan: ProxyPlan, world: Arc<Behind>) -> Result<Self, super::authority::Mistake> {
        let host = plan.host();
        let tls = match plan.scheme {
            ProxyScheme::Https if plan.speaks_tls => Some(showing(
                world.authorities.resign(plan.shown_by, &host, std::slice::from_ref(&host))?,
                BOTH_VERSIONS,
            )?),
            ProxyScheme::Https | ProxyScheme::Http | ProxyScheme::Socks5 => None,
        };
        let guard = Guard::new(plan.gate.clone());
        Ok(Self {
            plan,
            host,
            guard,
            world,
            tls,
            turns: Mutex::default(),
            open: AtomicUsize::new(0),
            resigned: Mutex::default(),
        })
    }

    /// Serves until the lab ends.
    pub async fn serve(self: Arc<Self>, listener: TcpListener) {
        while let Ok((stream, _)) = listener.accept().await {
            let proxy = self.clone();
            // A peer that goes away is no event.
            proxy.open.fetch_add(1, Ordering::Relaxed);
            tokio::spawn(async move {
                let _ = Box::pin(proxy.converse(stream)).await;
                proxy.open.fetch_sub(1, Ordering::Relaxed);
            });
        }
    }

    /// What happens to a request while its client has too many connections open.
    fn excess(&self) -> Option<Excess> {
        self.plan.limit.filter(|(most, _)| self.open.load(Ordering::Relaxed) > *most).map(|(_, excess)| excess)
    }

    async fn converse(&self, stream: TcpStream) -> io::Result<()> {
        stream.set_nodelay(true)?;
        match (&self.tls, self.plan.scheme) {
            (Some(tls), _) => {
                let stream = TlsAcceptor::from(tls.clone()).accept(stream).await?;
                Box::pin(self.serve_http(BufReader::new(stream))).await
            }
            (None, ProxyScheme::Socks5) => self.serve_socks(BufReader::new(stream)).await,
            (None, ProxyScheme::Http | ProxyScheme::Https) => self.serve_http(BufReader::new(stream)).await,
        }
    }

    /// Requests on one connection, until one becomes a tunnel or ends it.
    async fn serve_http<S: Transport>(&self, mut stream: Buffered<S>) -> io::Result<()> {
        let mut session = Session::default();
        loop {
            let Some(head) = read_head(&mut stream).await? else { return Ok(()) };
            if let Some(excess) = self.excess() {
                if excess == Excess::Denied {
                    let denied =
                        Reply::status(403).header("X-Squid-Error", "ERR_ACCESS_DENIED 0").page("<html></html>");
                    denied.send(&mut stream).await?;
                }
                close(stream).await;
                return Ok(());
            }
            let credential = head.header("proxy-authorization");
            let entry = if self.plan.guards.is_none_or(|method| method == head.method) {
                self.guard.check(&head.method, &head.target, credential, &mut session)
            } else {
                Entry::Open
            };
            let is_last = matches!(entry, Entry::Dismissed(_));
            let node =
                if matches!(entry, Entry::Elsewhere(_)) { format!("1.1 other.{}", self.host) } else { self.via() };
            if let Entry::Challenged(challenges) | Entry::Dismissed(challenges) | Entry::Elsewhere(challenges) = entry {
                let wants_keeping = head.header("proxy-connection").is_some();
                let reply = self.challenge(challenges, is_last, wants_keeping).header("Via", node);
                reply.send(&mut stream).await?;
                if !reply.keeps_open() {
                    close(stream).await;
                    return Ok(());
                }
                continue;
            }
            let Some(target) = Target::of(&head) else {
                Reply::status(400).send(&mut stream).await?;
                close(stream).await;
                return Ok(());
            };
            let deed = match self.deed(&target.host) {
                Deed::DenyTunnels(reply) if head.method == "CONNECT" => Deed::Reply(reply),
                Deed::DenyTunnels(_) => Deed::Forward,
                deed => deed,
            };
            match deed {
                Deed::Reply(reply) => {
                    let reply = Reply::clone(&reply).dated(Clock::System.now());
                    reply.send(&mut stream).await?;
                    if !reply.keeps_open() {
                        close(stream).await;
                        return Ok(());
                    }
                }
                deed => return self.carry_out(&deed, &head, &target, stream).await,
            }
        }
    }

    fn challenge(&self, challenges: Vec<String>, is_last: bool, wants_keeping: bool) -> Reply {
        let mut reply = Reply::status(407).manner(self.plan.refusal.manner);
        for challenge in challenges {
            reply = reply.header("Proxy-Authenticate", challenge);
        }
        let is_old = self.plan.refusal.manner == Manner::Kept;
        if self.plan.refusal.closes || is_last || (is_old && !wants_keeping) {
            reply = reply.header("Connection", "close");
        } else if is_old {
            reply = reply.header("Proxy-Connection", "keep-alive");
        }
        let picture = "QUFB".repeat(self.plan.padding / 4);
        reply.page(format!("<html><body>{}{picture}</body></html>", self.plan.page)).dated(Clock::System.now())
    }

    fn deed(&self, host: &str) -> Deed {
        let endpoint = self.world.endpoints.get(host).map_or(host, String::as_str);
        let rule = self.plan.rules.iter().find(|(hosts, _)| hosts.include(endpoint));
        match rule.map_or(Deed::Forward, |(_, deed)| deed.clone()) {
            Deed::InspectInTurn(inspector, turns) if turns[self.turn(host) % turns.len()] => Deed::Inspect(inspector),
            Deed::ReplyInTurn(reply, turns) if turns[self.turn(host) % turns.len()] => Deed::Reply(reply),
            Deed::InspectInTurn(..) | Deed::ReplyInTurn(..) => Deed::Forward,
            deed => deed,
        }
    }

    /// How often `host` was asked for before.
    fn turn(&self, host: &str) -> usize {
        let mut turns = self.turns.lock().unwrap_or_else(PoisonError::into_inner);
        let turn = turns.entry(host.to_owned()).or_default();
        *turn += 1;
        *turn - 1
    }

    fn via(&self) -> String {
        format!("1.1 {}", self.host)
    }

    async fn carry_out<S: Transport>(
        &self,
        deed: &Deed,
        head: &Head,
        target: &Target,
        mut stream: Buffered<S>,
    ) -> io::Result<()> {
        let is_connect = head.method == "CONNECT";
        match deed {
            Deed::Inspect(inspector) if is_connect => self.inspect(*inspector, target, stream).await,
            Deed::Forward | Deed::Inspect(_) | Deed::InspectInTurn(..) | Deed::ReplyInTurn(..) => {
                self.forward(head, target, ESTABLISHED, stream).await
            }
            Deed::ForwardSaying(opening) => self.forward(head, target, opening, stream).await,
            Deed::Pretend(pretence) => {
                if let Pretence::Page = pretence {
                    let page = Reply::status(200).page("<html><body>Access to this site is blocked</body></html>");
                    page.send(&mut stream).await?;
                } else {
                    say(ESTABLISHED, &mut stream).await?;
                }
                match pretence {
                    // The client's first bytes are taken, so that the close does not overtake them as a reset.
                    Pretence::Close | Pretence::Page => close(stream).await,
                    Pretence::Reset => {
                        let _ = stream.read_u8().await;
                        stream.get_ref().abort();
                    }
                    Pretence::Silence => hush(stream).await,
                }
                Ok(())
            }
            Deed::Bytes(bytes) => {
                stream.write_all(bytes).await?;
                stream.flush().await?;
                close(stream).await;
                Ok(())
            }
            Deed::EndlessHead => {
                stream.write_all(b"HTTP/1.1 200 OK\r\n").await?;
                loop {
                    // Ends with an error when the peer has enough.
                    stream.write_all(b"X-Padding: and there is always one more line\r\n").await?;
                }
            }
            Deed::Reset => {
                stream.get_ref().abort();
                Ok(())
            }
            Deed::Silence => {
                hush(stream).await;
                Ok(())
            }
            Deed::Close | Deed::Reply(_) | Deed::DenyTunnels(_) | Deed::SocksReply(_) => {
                close(stream).await;
                Ok(())
            }
        }
    }

    async fn reach(&self, target: &Target) -> io::Result<TcpStream> {
        let address = self.world.directory.get(&(target.host.clone(), target.port));
        let address = address.ok_or_else(|| io::Error::from(io::ErrorKind::NotFound))?;
        connect(*address).await
    }

    /// Bytes to and fro, or one request in the origin's own form.
    async fn forward<S: Transport>(
        &self,
        head: &Head,
        target: &Target,
        opening: &str,
        mut stream: Buffered<S>,
    ) -> io::Result<()> {
        let mut origin = match self.reach(target).await {
            Ok(origin) => origin,
            Err(error) => {
                let why = if error.kind() == io::ErrorKind::NotFound { "dns_error" } else { "connection_refused" };
                let status = format!("{}; error={why}", self.host);
                Reply::status(502).header("Proxy-Status", status).send(&mut stream).await?;
                close(stream).await;
                return Ok(());
            }
        };
        if head.method == "CONNECT" {
            say(opening, &mut stream).await?;
            copy_bidirectional(&mut stream, &mut origin).await?;
            return Ok(());
        }
        let request =
            format!("{} {} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n\r\n", head.method, target.path, target.host);
        origin.write_all(request.as_bytes()).await?;
        let mut reply = Vec::new();
        origin.read_to_end(&mut reply).await?;
        let line = reply.iter().position(|byte| *byte == b'\n').map_or(0, |end| end + 1);
        let via = format!("Via: {}\r\n", self.via());
        stream.write_all(&[&reply[..line], via.as_bytes(), &reply[line..]].concat()).await?;
        stream.flush().await?;
        close(stream).await;
        Ok(())
    }

    /// TLS with the origin first, then TLS with the client under a certificate of one's own for the same names.
    async fn inspect<S: Transport>(
        &self,
        inspector: Inspector,
        target: &Target,
        mut stream: Buffered<S>,
    ) -> io::Result<()> {
        let name = ServerName::try_from(target.host.clone()).map_err(io::Error::other)?;
        let origin = self.reach(target).await?;
        let mut origin = TlsConnector::from(self.world.outward.clone()).connect(name, origin).await?;
        say(ESTABLISHED, &mut stream).await?;
        let certificate = origin.get_ref().1.peer_certificates().and_then(|chain| chain.first());
        let certificate = certificate.map(|der| Certificate::from_der(der.to_vec()));
        let configuration = self.resigned(inspector, &target.host, certificate.as_ref())?;
        let mut client = TlsAcceptor::from(configuration).accept(stream).await?;
        copy_bidirectional(&mut client, &mut origin).await?;
        Ok(())
    }

    fn resigned(
        &self,
        inspector: Inspector,
        host: &str,
        original: Option<&Certificate>,
    ) -> io::Result<Arc<ServerConfig>> {
        let mut resigned = self.resigned.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = resigned.get(host) {
            return Ok(known.clone());
        }
        let fields = original.and_then(Certificate::fields);
        let subject = fields.and_then(|fields| fields.subject_attributes.common_name.as_deref()).unwrap_or(host);
        let names = fields.map_or_else(|| vec![host.to_owned()], |fields| fields.dns_names.clone());
        let chain = self.world.authorities.resign(inspector, subject, &names).map_err(io::Error::other)?;
        let versions = if inspector == Inspector::Dated { ONLY_TLS12 } else { BOTH_VERSIONS };
        let configuration = showing(chain, versions).map_err(io::Error::other)?;
        resigned.insert(host.to_owned(), configuration.clone());
        Ok(configuration)
    }

    /// SOCKS version 5 (RFC 1928), with a password (RFC 1929) where the gate wants one.
    async fn serve_socks<S: Transport>(&self, mut stream: Buffered<S>) -> io::Result<()> {
        const NO_LOGIN: u8 = 0;
        const PASSWORD: u8 = 2;
        const NONE_ACCEPTABLE: u8 = 255;
        let (_version, methods) = (stream.read_u8().await?, stream.read_u8().await?);
        let mut offered = vec![0; methods.into()];
        stream.read_exact(&mut offered).await?;
        let account = match &self.plan.gate {
            Gate::Open | Gate::Tickets | Gate::Hopeless(_) => None,
            Gate::Basic(account)
            | Gate::Faltering(account)
            | Gate::Choosy(account, ..)
            | Gate::Digest(account, _)
            | Gate::Windows(account, _) => Some(*account),
        };
        let wanted = if account.is_some() { PASSWORD } else { NO_LOGIN };
        if !offered.contains(&wanted) {
            stream.write_all(&[5, NONE_ACCEPTABLE]).await?;
            close(stream).await;
            return Ok(());
        }
        stream.write_all(&[5, wanted]).await?;
        if let Some(account) = account
            && !socks_login(&mut stream, account).await?
        {
            close(stream).await;
            return Ok(());
        }
        let Some(target) = socks_target(&mut stream).await? else {
            stream.write_all(&socks_reply(8)).await?;
            close(stream).await;
            return Ok(());
        };
        let code = match self.deed(&target.host) {
            Deed::SocksReply(code) => code,
            _ => match self.reach(&target).await {
                Ok(mut origin) => {
                    stream.write_all(&socks_reply(0)).await?;
                    copy_bidirectional(&mut stream, &mut origin).await?;
                    return Ok(());
                }
                Err(_) => 4,
            },
        };
        stream.write_all(&socks_reply(code)).await?;
        close(stream).await;
        Ok(())
    }
}

/// Where a request wants to go.
#[derive(Debug, PartialEq, Eq)]
struct Target {
    host: String,
    port: u16,
    path: String,
}

impl Target {
    fn of(head: &Head) -> Option<Self> {
        if head.method == "CONNECT" {
            let (host, port) = head.target.rsplit_once(':')?;
            return Some(Self { host: host.to_ascii_lowercase(), port: port.parse().ok()?, path: String::new() });
        }
        let url = url::Url::parse(&head.target).ok()?;
        let (host, port) = (url.host_str()?.to_owned(), url.port_or_known_default()?);
        Some(Self { host, port, path: url.path().to_owned() })
    }
}

const ESTABLISHED: &str = "HTTP/1.1 200 Connection established\r\n\r\n";

async fn say<S: AsyncWrite + Unpin>(words: &str, stream: &mut S) -> io::Result<()> {
    stream.write_all(words.as_bytes()).await?;
    stream.flush().await
}

async fn socks_login<S: Transport>(stream: &mut Buffered<S>, account: Account) -> io::Result<bool> {
    let _version = stream.read_u8().await?;
    let name = counted(stream).await?;
    let password = counted(stream).await?;
    let right = name == account.name.as_bytes() && password == account.password.as_bytes();
    stream.write_all(&[1, u8::from(!right)]).await?;
    Ok(right)
}

/// The request's target; `None` for a command or an address of another kind than CONNECT to a name.
async fn socks_target<S: Transport>(stream: &mut Buffered<S>) -> io::Result<Option<Target>> {
    let mut request = [0; 4];
    stream.read_exact(&mut request).await?;
    if request[1] != 1 || request[3] != 3 {
        return Ok(None);
    }
    let host = String::from_utf8_lossy(&counted(stream).await?).to_ascii_lowercase();
    Ok(Some(Target { host, port: stream.read_u16().await?, path: String::new() }))
}

async fn counted<S: Transport>(stream: &mut Buffered<S>) -> io::Result<Vec<u8>> {
    let mut bytes = vec![0; stream.read_u8().await?.into()];
    stream.read_exact(&mut bytes).await?;
    Ok(bytes)
}

fn socks_reply(code: u8) -> [u8; 10] {
    [5, code, 0, 1, 0, 0, 0, 0, 0, 0]
}

#[expect(clippy::disallowed_methods, reason = "a proxy of the lab goes to an origin of the lab, both on loopback")]
async fn connect(address: SocketAddr) -> io::Result<TcpStream> {
    let stream = TcpStream::connect(address).await?;
    stream.set_nodelay(true)?;
    Ok(stream)
}

/// A connection to a client, plain or TLS.
trait Transport: AsyncRead + AsyncWrite + Unpin + Send {
    /// Makes the close that follows a reset.
    fn abort(&self);
}

impl Transport for TcpStream {
    fn abort(&self) {
        reset(self);
    }
}

impl Transport for tokio_rustls::server::TlsStream<TcpStream> {
    fn abort(&self) {
        reset(self.get_ref().0);
    }
}
