//! A blueprint made real: sockets on loopback, a thread of its own, and everything a check needs to go there.

use std::collections::HashMap;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener, UdpSocket};
use std::sync::Arc;
use std::thread::JoinHandle;

use jiff::Timestamp;
use rustls::{ClientConfig, RootCertStore};
use secrecy::SecretString;
use socket2::{Domain, Socket, Type};
use tokio::sync::oneshot;

use super::account::Account;
use super::authority::{Authorities, Inspector, Mistake, Shown};
use super::blueprint::{Blueprint, Place, ProxyPlace, ResolverPlace, ScriptSource};
use super::catalogue::catalogue;
use super::dns::{Addresses, NameAnswer, NameServer};
use super::origin::{Front, Limiter, Origin, Site, Tls, provider};
use super::proxy::{Behind, RunningProxy};
use super::tickets::Directory;
use crate::catalogue::{Catalogue, Endpoint, TrustClass};
use crate::certificate::Certificate;
use crate::net::{Clock, Dial, Entropy, Names, Net, NoTokens, SystemNames, TokenSource};
use crate::plan::{Budget, FollowUps, PlannedRoute};

/// A running world. It ends when this is dropped.
#[derive(Debug)]
pub struct World {
    pub catalogue: Catalogue,
    pub net: Net,
    pub routes: Vec<PlannedRoute>,
    /// Where the check finds the script that says which endpoint goes where, unless the settings name it.
    pub script: Option<ScriptPlace>,
    /// The device's registry, as Windows exports one.
    pub settings: Option<String>,
    pub logins: Logins,
    pub budget: Budget,
    pub follow_ups: FollowUps,
    /// What stands for the machine's store.
    pub machine_roots: Vec<Certificate>,
    /// What stands for the public roots.
    pub public_roots: Vec<Certificate>,
    /// What every row must come out as, in the form of `waprobe-expect/1`.
    pub expectation: String,
    _running: Running,
}

/// What a check is told of a script.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ScriptPlace {
    At(&'static str),
    /// The domain from which WPAD begins.
    ByWpad(&'static str),
}

/// The credentials that this world's proxies know, or do not.
#[derive(Debug, Clone, Default)]
pub struct Logins {
    pub user: Option<(String, SecretString)>,
    pub device: Option<(String, SecretString)>,
    pub basic_cleartext: bool,
}

/// Why the lab could not be set up; never because of what is outside this program, ports excepted.
#[derive(Debug, thiserror::Error)]
#[error("set up the lab: {0}")]
pub struct LabMistake(Mistake);

impl From<Mistake> for LabMistake {
    fn from(mistake: Mistake) -> Self {
        Self(mistake)
    }
}

/// The servers' thread, and the sockets that only occupy their ports.
#[derive(Debug)]
struct Running {
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
    _occupied: Vec<Socket>,
}

impl Drop for Running {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            // A panic over there was printed there.
            let _ = thread.join();
        }
    }
}

/// An address that no one has (RFC 5737). It answers only where the network answers in everybody's name, so not here.
const NOBODY: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1)), 443);

/// The endpoints' addresses: documentation networks, which are public and nobody's.
pub(super) fn endpoint_address(number: u8) -> Ipv4Addr {
    Ipv4Addr::new(203, 0, 113, 10 + number)
}

fn endpoint_address_v6(number: u8) -> Ipv6Addr {
    Ipv6Addr::new(0x2001, 0xdb8, 113, 0, 0, 0, 0, u16::from(number) + 10)
}

fn second_address(number: u8) -> Ipv4Addr {
    Ipv4Addr::new(203, 0, 113, 130 + number)
}

fn proxy_address(number: u8) -> Ipv4Addr {
    Ipv4Addr::new(198, 51, 100, 10 + number)
}

const SCRIPT_HOST: &str = "pac.lab";
/// As settings and the check name it.
pub(super) const SCRIPT_URL: &str = "http://pac.lab/proxy.pac";
const SCRIPT_ADDRESS: Ipv4Addr = Ipv4Addr::new(203, 0, 113, 251);
pub(super) const CONTROL_ADDRESS: Ipv4Addr = Ipv4Addr::new(203, 0, 113, 250);
const PRIVATE_ADDRESS: Ipv4Addr = Ipv4Addr::new(10, 20, 30, 40);

/// The directory, or that there is none.
fn tokens(blueprint: &Blueprint) -> Arc<dyn TokenSource> {
    if blueprint.tickets.is_empty() {
        return Arc::new(NoTokens("the lab has no Kerberos"));
    }
    let known = blueprint.tickets.iter().map(|(proxy, ticket)| (format!("{proxy}.proxy.lab"), *ticket)).collect();
    Arc::new(Directory(known))
}

impl World {
    /// Starts every server of `blueprint`.
    ///
    /// # Errors
    /// When the machine has no loopback ports to give.
    pub fn start(blueprint: Blueprint) -> Result<Self, LabMistake> {
        Ok(Builder::new(blueprint)?.build()?)
    }
}

/// What is collected while a world is made.
struct Builder {
    blueprint: Blueprint,
    catalogue: Catalogue,
    authorities: Authorities,
    map: HashMap<SocketAddr, SocketAddr>,
    directory: HashMap<(String, u16), SocketAddr>,
    zone: HashMap<String, NameAnswer>,
    /// The second name server's.
    other_zone: HashMap<String, NameAnswer>,
    system_names: HashMap<String, Vec<IpAddr>>,
    origins: Vec<(Arc<Origin>, TcpListener)>,
    limiter: Option<Arc<Limiter>>,
    occupied: Vec<Socket>,
}

impl Builder {
    fn new(blueprint: Blueprint) -> Result<Self, Mistake> {
        let authorities = Authorities::new(Clock::System.now())?;
        let anchors = TrustClass::ALL.map(|class| (class, authorities.anchor(class)));
        Ok(Self {
            catalogue: catalogue(&anchors, &blueprint.retired)?,
            authorities,
            limiter: blueprint.limit.map(|most| Arc::new(Limiter::new(most))),
            blueprint,
            map: HashMap::new(),
            directory: HashMap::new(),
            zone: HashMap::new(),
            other_zone: HashMap::new(),
            system_names: HashMap::new(),
            origins: Vec::new(),
            occupied: Vec::new(),
        })
    }

    fn build(mut self) -> Result<World, Mistake> {
        let endpoints = self.catalogue.endpoints.clone();
        for (endpoint, number) in endpoints.iter().zip(0..) {
            self.endpoint(endpoint, number)?;
        }
        self.control()?;
        self.script()?;
        let (resolver, name_server) = self.name_server()?;
        let mut machine_roots = self.authorities.machine_roots();
        for class in &self.blueprint.missing_roots {
            let missing = self.authorities.anchor(*class);
            machine_roots.retain(|root| *root != missing);
        }
        let public_roots = self.authorities.public_roots();
        let proxies = self.proxies()?;
        let clock = self.clock()?;
        let Self {
            blueprint,
            catalogue,
            authorities,
            map,
            directory,
            zone,
            other_zone,
            system_names,
            origins,
            occupied,
            ..
        } = self;
        let control = catalogue.control.iter().map(|control| (control.host.clone(), "control".to_owned()));
        let behind = Arc::new(Behind {
            outward: outward(&authorities)?,
            authorities,
            directory,
            endpoints: endpoints
                .iter()
                .map(|endpoint| (endpoint.host.clone(), endpoint.name.clone()))
                .chain(control)
                .collect(),
        });
        let proxies = proxies
            .into_iter()
            .map(|(plan, listener)| Ok((Arc::new(RunningProxy::new(plan, behind.clone())?), listener)))
            .collect::<Result<Vec<_>, Mistake>>()?;
        let other = blueprint.other_names.is_some().then(|| UdpSocket::bind(LOOPBACK)).transpose()?;
        let follow_ups = FollowUps {
            resolvers: other.iter().map(UdpSocket::local_addr).collect::<Result<_, _>>()?,
            uploads: blueprint.uploads,
            hellos: blueprint.hellos,
            ..FollowUps::of(&catalogue)
        };
        let other = other.map(|socket| (NameServer::new(other_zone), socket));
        let servers = Servers { zone: NameServer::new(zone), name_server, other, origins, proxies };
        Ok(World {
            catalogue,
            net: Net {
                segments: None,
                names: Names::Server(resolver),
                system_names: SystemNames::Fixed(Arc::new(system_names)),
                connect_to: Arc::default(),
                dial: Dial::Mapped(Arc::new(map)),
                clock,
                entropy: Entropy::System,
                tokens: tokens(&blueprint),
            },
            logins: Logins {
                user: blueprint.user.map(login),
                device: blueprint.device.map(login),
                basic_cleartext: blueprint.basic_cleartext,
            },
            budget: blueprint.budget.clone(),
            follow_ups,
            machine_roots,
            public_roots,
            expectation: blueprint.expectation_text(),
            routes: blueprint.routes,
            script: blueprint.script.and_then(|script| match script.source {
                ScriptSource::Address => Some(ScriptPlace::At(SCRIPT_URL)),
                ScriptSource::Wpad { domain, .. } => Some(ScriptPlace::ByWpad(domain)),
                ScriptSource::Settings => None,
            }),
            settings: blueprint.settings,
            _running: Running::start(servers, occupied)?,
        })
    }

    /// An endpoint's server, its address and its name.
    fn endpoint(&mut self, endpoint: &Endpoint, number: u8) -> Result<(), Mistake> {
        let name = endpoint.name.as_str();
        let site = self.blueprint.sites.get(name).cloned();
        let site = site.unwrap_or_else(|| Site::healthy(endpoint.is_tls()));
        let listener = listen()?;
        let target = listener.local_addr()?;
        let origin = Origin::new(&site, endpoint, &self.authorities)?.behind(self.limiter.clone());
        self.origins.push((Arc::new(origin), listener));
        self.directory.insert((endpoint.host.clone(), endpoint.port), target);

        let own = endpoint_address(number);
        let mut addresses = Addresses { aliases: aliases(&endpoint.host), v4: vec![own], v6: Vec::new() };
        let at = |address: IpAddr| SocketAddr::new(address, endpoint.port);
        match self.blueprint.places.get(name).copied().or(self.blueprint.elsewhere) {
            None => {
                self.map.insert(at(own.into()), target);
            }
            Some(Place::Closed) => {
                let closed = self.closed()?;
                self.map.insert(at(own.into()), closed);
            }
            #[cfg(target_os = "linux")]
            Some(Place::Silent) => {
                let silent = self.silent()?;
                self.map.insert(at(own.into()), silent);
            }
            Some(Place::Unreachable) => {}
            Some(Place::OneOfTwoClosed) => {
                let closed = self.closed()?;
                addresses.v4.push(second_address(number));
                self.map.insert(at(own.into()), target);
                self.map.insert(at(second_address(number).into()), closed);
            }
            Some(Place::Ipv6Closed) => {
                let closed = self.closed()?;
                addresses.v6.push(endpoint_address_v6(number));
                self.map.insert(at(own.into()), target);
                self.map.insert(at(endpoint_address_v6(number).into()), closed);
            }
            Some(Place::OneOfTwoInspected) => {
                let inspecting = self.inspecting(endpoint)?;
                addresses.v4.push(second_address(number));
                self.map.insert(at(own.into()), target);
                self.map.insert(at(second_address(number).into()), inspecting);
            }
            Some(Place::Ipv6Inspected) => {
                let inspecting = self.inspecting(endpoint)?;
                addresses.v6.push(endpoint_address_v6(number));
                self.map.insert(at(own.into()), target);
                self.map.insert(at(endpoint_address_v6(number).into()), inspecting);
            }
            Some(Place::Ipv6Only) => {
                addresses.v4.clear();
                addresses.v6.push(endpoint_address_v6(number));
            }
            Some(Place::PrivateLink) => {
                addresses.aliases = vec![private_link(&endpoint.host)];
                addresses.v4 = vec![PRIVATE_ADDRESS];
                let closed = self.closed()?;
                self.map.insert(at(PRIVATE_ADDRESS.into()), closed);
            }
            Some(Place::FilterAlias(alias)) => {
                addresses.aliases = vec![alias.to_owned()];
                let closed = self.closed()?;
                self.map.insert(at(own.into()), closed);
            }
            Some(Place::FilterPage(alias)) => {
                addresses.aliases = vec![alias.to_owned()];
                self.map.insert(at(own.into()), target);
            }
            Some(Place::Steered(address)) => {
                addresses.v4 = vec![address];
                self.map.insert(at(address.into()), target);
            }
            Some(Place::Sinkhole(address)) => {
                addresses = Addresses { aliases: Vec::new(), v4: vec![address], v6: Vec::new() };
                let closed = self.closed()?;
                self.map.insert(at(address.into()), closed);
            }
        }
        if let Some(other) = &self.blueprint.other_names {
            let answer = other.get(name).cloned().unwrap_or_else(|| NameAnswer::Addresses(addresses.clone()));
            self.other_zone.insert(endpoint.host.clone(), answer);
        }
        let answer = match self.blueprint.names.get(name) {
            Some(NameAnswer::Overtaken(forged, _)) => {
                self.map.insert(at((*forged).into()), target);
                NameAnswer::Overtaken(*forged, addresses)
            }
            Some(NameAnswer::Truncated(_)) => NameAnswer::Truncated(addresses),
            Some(NameAnswer::RefusedAtFirst(_)) => NameAnswer::RefusedAtFirst(addresses),
            Some(answer) => answer.clone(),
            None => NameAnswer::Addresses(addresses),
        };
        self.zone.insert(endpoint.host.clone(), answer);
        Ok(())
    }

    /// A device that re-signs the endpoint's certificate.
    fn inspecting(&mut self, endpoint: &Endpoint) -> Result<SocketAddr, Mistake> {
        let listener = listen()?;
        let target = listener.local_addr()?;
        let tls = Tls { shown: Shown::ResignedBy(Inspector::Corporate), ..Tls::GENUINE };
        let site = Site { front: Front::Tls(tls), ..Site::healthy(true) };
        self.origins.push((Arc::new(Origin::new(&site, endpoint, &self.authorities)?), listener));
        Ok(target)
    }

    /// The host that tells "this endpoint is blocked" from "nothing gets out", and the address that no one has.
    fn control(&mut self) -> Result<(), Mistake> {
        if let Some(control) = self.catalogue.control.clone() {
            let listener = listen()?;
            let target = listener.local_addr()?;
            self.origins.push((Arc::new(Origin::saying(&control.body)), listener));
            let encrypted = listen()?;
            let tls = encrypted.local_addr()?;
            let origin = Origin::new(&Site::healthy(true), &control.as_tls_endpoint(), &self.authorities)?;
            self.origins.push((Arc::new(origin), encrypted));
            let shut = match self.blueprint.control {
                Some(Place::Closed) => Some(Some(self.closed()?)),
                #[cfg(target_os = "linux")]
                Some(Place::Silent) => Some(Some(self.silent()?)),
                Some(Place::Unreachable) => Some(None),
                _ => None,
            };
            for (port, target) in [(80, target), (443, tls)] {
                self.directory.insert((control.host.clone(), port), target);
                if let Some(seen) = shut.unwrap_or(Some(target)) {
                    self.map.insert((CONTROL_ADDRESS, port).into(), seen);
                }
            }
            let addresses = Addresses { v4: vec![CONTROL_ADDRESS], ..Addresses::default() };
            self.zone.insert(control.host, NameAnswer::Addresses(addresses));
        }
        let somebody = if self.blueprint.everybody_accepts {
            let listener = listen()?;
            let target = listener.local_addr()?;
            self.origins.push((Arc::new(Origin::saying("")), listener));
            target
        } else {
            self.closed()?
        };
        self.map.insert(NOBODY, somebody);
        Ok(())
    }

    /// The server of the script, which devices find as they find proxies.
    fn script(&mut self) -> Result<(), Mistake> {
        let Some(script) = self.blueprint.script.clone() else { return Ok(()) };
        let target = if let Some(answer) = &script.answer {
            let listener = listen()?;
            let target = listener.local_addr()?;
            self.origins.push((Arc::new(Origin::keeping(script.text, answer)), listener));
            target
        } else {
            self.closed()?
        };
        self.map.insert((SCRIPT_ADDRESS, 80).into(), target);
        let name = match script.source {
            ScriptSource::Address | ScriptSource::Settings => Some(SCRIPT_HOST),
            ScriptSource::Wpad { name, .. } => name,
        };
        self.system_names.extend(name.map(|name| (name.to_owned(), vec![SCRIPT_ADDRESS.into()])));
        Ok(())
    }

    fn name_server(&mut self) -> Result<(SocketAddr, Option<NameServerSockets>), Mistake> {
        // UDP and TCP have to have the same number, and only one of them can be chosen by the system.
        for _ in 0..100 {
            let socket = UdpSocket::bind(LOOPBACK)?;
            let address = socket.local_addr()?;
            let stream = Socket::new(Domain::IPV4, Type::STREAM, None)?;
            if stream.bind(&address.into()).is_err() {
                continue;
            }
            let servers = match self.blueprint.resolver {
                ResolverPlace::Listening => {
                    stream.listen(BACKLOG)?;
                    Some((socket, Some(stream.into())))
                }
                ResolverPlace::DatagramsOnly => {
                    self.occupied.push(stream);
                    Some((socket, None))
                }
                ResolverPlace::Closed => {
                    // Connected to itself it hears nobody else, and others are told that the port is closed.
                    socket.connect(address)?;
                    self.occupied.extend([stream, socket.into()]);
                    None
                }
            };
            return Ok((address, servers));
        }
        Err("no port is free for UDP and TCP alike".into())
    }

    fn proxies(&mut self) -> Result<Vec<(super::proxy::ProxyPlan, TcpListener)>, Mistake> {
        let mut listening = Vec::new();
        for ((plan, place), number) in self.blueprint.proxies.clone().into_iter().zip(0..) {
            let address = SocketAddr::from((proxy_address(number), plan.port));
            if place != ProxyPlace::Unnamed {
                self.system_names.insert(plan.host(), vec![address.ip()]);
            }
            let target = match place {
                ProxyPlace::Unreachable => continue,
                ProxyPlace::Closed => self.closed()?,
                #[cfg(target_os = "linux")]
                ProxyPlace::Silent => self.silent()?,
                ProxyPlace::Listening | ProxyPlace::Unnamed => {
                    let listener = listen()?;
                    let target = listener.local_addr()?;
                    listening.push((plan, listener));
                    target
                }
            };
            self.map.insert(address, target);
        }
        Ok(listening)
    }

    fn clock(&self) -> Result<Clock, Mistake> {
        if self.blueprint.clock_ahead.is_zero() {
            return Ok(Clock::System);
        }
        let now = Clock::System.now().to_zoned(jiff::tz::TimeZone::UTC);
        let ahead: Timestamp = now.checked_add(self.blueprint.clock_ahead)?.timestamp();
        Ok(Clock::Fixed(ahead))
    }

    /// A port that is ours and where nobody listens.
    fn closed(&mut self) -> io::Result<SocketAddr> {
        let socket = Socket::new(Domain::IPV4, Type::STREAM, None)?;
        socket.bind(&LOOPBACK.into())?;
        let address = socket.local_addr()?.as_socket().ok_or(io::ErrorKind::AddrNotAvailable)?;
        self.occupied.push(socket);
        Ok(address)
    }

    /// A port that drops what arrives: its queue holds one connection and is full.
    #[cfg(target_os = "linux")]
    fn silent(&mut self) -> io::Result<SocketAddr> {
        let socket = Socket::new(Domain::IPV4, Type::STREAM, None)?;
        socket.bind(&LOOPBACK.into())?;
        socket.listen(0)?;
        let address = socket.local_addr()?;
        let filling = Socket::new(Domain::IPV4, Type::STREAM, None)?;
        filling.connect(&address)?;
        self.occupied.extend([socket, filling]);
        address.as_socket().ok_or_else(|| io::ErrorKind::AddrNotAvailable.into())
    }
}

/// UDP, and TCP where it is open.
type NameServerSockets = (UdpSocket, Option<TcpListener>);

/// Everything that answers.
struct Servers {
    zone: NameServer,
    name_server: Option<NameServerSockets>,
    other: Option<(NameServer, UdpSocket)>,
    origins: Vec<(Arc<Origin>, TcpListener)>,
    proxies: Vec<(Arc<RunningProxy>, TcpListener)>,
}

impl Running {
    /// The listeners take connections from now on; they are served as soon as the thread runs.
    fn start(servers: Servers, occupied: Vec<Socket>) -> Result<Self, Mistake> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let (stop, stopped) = oneshot::channel();
        {
            let _context = runtime.enter();
            servers.spawn(&runtime)?;
        }
        let thread = std::thread::Builder::new().name("lab".to_owned()).spawn(move || {
            // The sender is dropped, never used; tasks that still talk end with the runtime.
            let _ = runtime.block_on(stopped);
        })?;
        Ok(Self { stop: Some(stop), thread: Some(thread), _occupied: occupied })
    }
}

impl Servers {
    fn spawn(self, runtime: &tokio::runtime::Runtime) -> io::Result<()> {
        let zone = Arc::new(self.zone);
        if let Some((datagrams, streams)) = self.name_server {
            datagrams.set_nonblocking(true)?;
            runtime.spawn(zone.clone().serve_datagrams(tokio::net::UdpSocket::from_std(datagrams)?));
            if let Some(streams) = streams {
                runtime.spawn(zone.serve_streams(asynchronous(streams)?));
            }
        }
        if let Some((other, datagrams)) = self.other {
            datagrams.set_nonblocking(true)?;
            runtime.spawn(Arc::new(other).serve_datagrams(tokio::net::UdpSocket::from_std(datagrams)?));
        }
        for (origin, listener) in self.origins {
            runtime.spawn(origin.serve(asynchronous(listener)?));
        }
        for (proxy, listener) in self.proxies {
            runtime.spawn(proxy.serve(asynchronous(listener)?));
        }
        Ok(())
    }
}

const LOOPBACK: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 0);
const BACKLOG: i32 = 256;

fn listen() -> io::Result<TcpListener> {
    TcpListener::bind(LOOPBACK)
}

fn asynchronous(listener: TcpListener) -> io::Result<tokio::net::TcpListener> {
    listener.set_nonblocking(true)?;
    tokio::net::TcpListener::from_std(listener)
}

/// Aliases as Microsoft's traffic manager and storage have them.
fn aliases(host: &str) -> Vec<String> {
    let label = host.split('.').next().unwrap_or(host);
    if host.ends_with(".blob.core.windows.net") {
        return vec![format!("blob.{label}.store.lab.azure.example")];
    }
    vec![format!("{label}.trafficmanager.example"), format!("{label}.lab.cloudapp.example")]
}

fn private_link(host: &str) -> String {
    host.replacen(".blob.", ".privatelink.blob.", 1)
}

fn login(account: Account) -> (String, SecretString) {
    (account.name.to_owned(), account.password.into())
}

/// What the proxies' own TLS to the origins trusts: both of Microsoft's classes.
fn outward(authorities: &Authorities) -> Result<Arc<ClientConfig>, Mistake> {
    let mut roots = RootCertStore::empty();
    for class in TrustClass::ALL {
        roots.add(authorities.anchor(class).der().to_vec().into())?;
    }
    let configuration = ClientConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(Arc::new(configuration))
}
