//! One job to one [`Observation`], and many of them at once.
//!
//! In: a plan and a [`Net`](crate::net::Net). Out: observations, in the order in which they end. Never: an opinion; a
//! chain that nobody trusts is recorded and the handshake goes on, with one small GET and nothing else.

mod connect;
mod exchange;
mod follow_up;
mod hello;
mod http;
mod load;
mod old_hello;
mod proxy;
mod resolve;
mod runner;
mod secrets;
mod stream;
#[cfg(test)]
mod testing;
mod tls;

use std::cell::Cell;
use std::future::Future;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use secrecy::SecretString;
use tokio::sync::{oneshot, watch};

use self::hello::Hello;
use self::load::Peer;
use self::old_hello::Suites;
use self::secrets::Secrets;
use self::stream::Connection;
use crate::catalogue::{Catalogue, Endpoint};
use crate::net::{Keytab, Net};
use crate::observation::{Attempt, Evidence, Fault, Observation, Recorder, Signature, Stage};
use crate::plan::{ClientProfile, Job, JobId, Plan, PlannedRoute, ProxyScheme};

pub use follow_up::{Patience, ask_alone, follow_up, not_asked};
pub use runner::run;
pub use tls::warm_up;

/// What every job of a run shares.
#[derive(Debug)]
pub struct Context {
    pub catalogue: Arc<Catalogue>,
    pub plan: Plan,
    pub net: Net,
    pub access: Access,
    /// The machine's roots, for the certificate of an https proxy: no credential goes to one that is not accepted.
    pub machine_roots: Arc<rustls::RootCertStore>,
    lookups: Arc<resolve::Lookups>,
    proxies: Arc<proxy::Gates>,
    tickets: Arc<proxy::Tickets>,
    certificates: Arc<tls::CertificatePool>,
    load: load::Load,
    /// Gone when nobody works for the run any more.
    alive: Arc<watch::Sender<()>>,
}

/// The credentials of a run.
#[derive(Debug, Clone, Default)]
pub struct Access {
    pub user: Option<Login>,
    pub device: Option<Login>,
    /// The machine account's keys, in place of a name and a password.
    pub device_keytab: Option<Keytab>,
    /// Basic may be sent over a connection that is not encrypted.
    pub basic_cleartext: bool,
}

#[derive(Debug, Clone)]
pub struct Login {
    pub name: String,
    pub password: SecretString,
}

/// What a stage brings back: its evidence in either case.
enum StageOutcome<T> {
    Passed { carry: T, evidence: Evidence },
    Stopped { fault: Fault, evidence: Evidence },
}

impl<T> StageOutcome<T> {
    fn carried(&self) -> Option<&T> {
        match self {
            Self::Passed { carry, .. } => Some(carry),
            Self::Stopped { .. } => None,
        }
    }
}

impl Context {
    #[must_use]
    pub fn new(
        catalogue: Arc<Catalogue>,
        plan: Plan,
        net: Net,
        access: Access,
        machine_roots: Arc<rustls::RootCertStore>,
    ) -> Self {
        let lookups = Arc::new(resolve::Lookups::new(&catalogue, &plan, &net));
        let proxies = Arc::new(proxy::Gates::new(&plan));
        let tickets = Arc::new(proxy::Tickets::new(&plan, &net));
        let (certificates, alive) = (Arc::default(), Arc::default());
        let load = load::Load::default();
        Self { catalogue, plan, net, access, machine_roots, lookups, proxies, tickets, certificates, load, alive }
    }

    /// Completes when the run and its follow-ups have ended, and everybody has let go of their context.
    fn run_is_over(&self) -> impl Future<Output = ()> + Send + use<> {
        let mut alive = self.alive.subscribe();
        async move { while alive.changed().await.is_ok() {} }
    }
}

/// Goes the whole way once as one client: resolve, connect, proxy, tls, http. Where `end` comes first, it says why, and what
/// the finished stages saw is kept.
async fn attempt(
    job: &Job,
    attempt: Attempt,
    client: Client<'_>,
    context: &Context,
    end: impl Future<Output = Fault>,
) -> Observation {
    let endpoint = &context.catalogue.endpoints[job.endpoint];
    let way = Way { client, hello: Hello::of(client.profile), ..Way::whole(endpoint, context.plan.route(job)) };
    observe(job.id, attempt, &way, context, end).await
}

/// As whom a way is gone, and what it has to do with the other profile's.
#[derive(Clone, Copy, Default)]
struct Client<'a> {
    /// None for an endpoint without TLS, and where the answer holds for every profile.
    profile: Option<ClientProfile>,
    /// What stops it before its handshake stops the other profile too.
    goes_ahead: bool,
    /// Told when the way to the peer is open, so that the other profile follows.
    opening: Option<&'a Opening>,
    /// What the profile that went ahead found: this one does not look the name up again, and goes to the same address.
    opened: Option<&'a Opened>,
}

/// Tells once that the way to the peer is open.
struct Opening(Cell<Option<oneshot::Sender<Opened>>>);

/// A way to the peer that another connection took.
struct Opened {
    dns: Evidence,
    dns_took: Duration,
    /// With one address, the one that connected.
    resolved: resolve::Resolved,
}

impl Opening {
    fn tell(&self, recorder: &Recorder, resolved: &resolve::Resolved, address: SocketAddr) {
        let Some(sender) = self.0.take() else { return };
        let Some((dns_took, dns)) = recorder.seen(Stage::Dns) else { return };
        // Nobody listens when the run has ended.
        let _ = sender.send(Opened { dns: dns.clone(), dns_took, resolved: resolved.only(address) });
    }
}

/// Goes a way and keeps what was seen on it, without its secrets.
async fn observe(
    job: JobId,
    attempt: Attempt,
    way: &Way<'_>,
    context: &Context,
    end: impl Future<Output = Fault>,
) -> Observation {
    let Client { profile, goes_ahead, .. } = way.client;
    let mut recorder = Recorder::new(job, attempt, Instant::now()).asks_as(profile, goes_ahead);
    let secrets = Secrets::default();
    let result = tokio::select! {
        biased;
        result = go(way, context, &secrets, &mut recorder) => Ok(result),
        fault = end => Err(fault),
    };
    for stage in [Stage::Proxy, Stage::Tls, Stage::Http] {
        recorder.revise(stage, |evidence| secrets.mask(evidence));
    }
    match result {
        Ok(Ok(())) => recorder.finish(Instant::now()),
        Err(fault) => recorder.cut_short(fault, Instant::now()),
        Ok(Err(mut stop)) => {
            let took = stop.started.elapsed();
            secrets.mask(&mut stop.evidence);
            secrets.mask_fault(&mut stop.fault);
            recorder.stopped(stop.stage, took, *stop.evidence, stop.fault, Instant::now())
        }
    }
}

/// What is asked, how, and how far.
#[derive(Clone, Copy)]
struct Way<'a> {
    endpoint: &'a Endpoint,
    route: &'a PlannedRoute,
    /// Where to connect to, without looking a name up.
    address: Option<SocketAddr>,
    /// The last stage that is entered.
    until: Stage,
    /// What the handshake asks for, and how.
    name: &'a str,
    hello: Hello,
    client: Client<'a>,
    /// Whose answer counts, in place of whom the run asks for names.
    server: Option<SocketAddr>,
    /// What goes up in place of the small request.
    upload: Option<Upload>,
}

/// Dummy bytes, for the peer that shows this certificate (SHA-256) and for nobody else.
#[derive(Debug, Clone, Copy)]
struct Upload {
    size: u32,
    leaf: [u8; 32],
}

impl<'a> Way<'a> {
    fn whole(endpoint: &'a Endpoint, route: &'a PlannedRoute) -> Self {
        Self {
            endpoint,
            route,
            address: None,
            until: Stage::Http,
            name: &endpoint.host,
            hello: Hello::Usual,
            client: Client::default(),
            server: None,
            upload: None,
        }
    }
}

struct Stop {
    stage: Stage,
    started: Instant,
    evidence: Box<Evidence>,
    fault: Fault,
}

/// The five stages. Each is awaited, kept, and handed on; the first that stops ends the way.
async fn go(way: &Way<'_>, context: &Context, secrets: &Secrets, recorder: &mut Recorder) -> Result<(), Stop> {
    if let Some(opened) = way.client.opened {
        recorder.inherited(Stage::Dns, opened.dns_took, opened.dns.clone());
        let result = beyond_dns(way, &opened.resolved, (context, secrets), recorder).await;
        recorder.revise(Stage::Dns, |evidence| opened.resolved.complete(evidence));
        return result;
    }
    let started = enter(recorder, Stage::Dns);
    let counted = context.load.enter(Peer::Names);
    let outcome = match (way.address, way.server) {
        (Some(address), _) => resolve::given(way.endpoint, address),
        (None, Some(server)) => resolve::ask(way.endpoint, server, context).await,
        (None, None) => resolve::resolve(way.endpoint, way.route, context).await,
    };
    recorder.counted(counted.most());
    drop(counted);
    let resolved = keep(recorder, Stage::Dns, started, outcome)?;
    if way.until == Stage::Dns {
        return Ok(());
    }
    let result = beyond_dns(way, &resolved, (context, secrets), recorder).await;
    recorder.revise(Stage::Dns, |evidence| resolved.complete(evidence));
    result
}

async fn beyond_dns(
    way: &Way<'_>,
    resolved: &resolve::Resolved,
    (context, secrets): (&Context, &Secrets),
    recorder: &mut Recorder,
) -> Result<(), Stop> {
    // Before the connection: a proxy ends those that say nothing for long, and is not to be blamed for our waiting.
    let mut place = match way.route {
        PlannedRoute::Direct => None,
        PlannedRoute::Proxy { proxy, .. } => {
            let waiting = Instant::now();
            let place = context.proxies.place(proxy).await;
            recorder.waited(waiting.elapsed());
            Some(place)
        }
    };
    let counted = context.load.enter(Peer::of(way.route));
    let started = enter(recorder, Stage::Tcp);
    let connected = keep(recorder, Stage::Tcp, started, connect::connect(resolved, context).await);
    recorder.counted(counted.most());
    let (stream, mut attempts) = connected?;
    if way.until == Stage::Tcp {
        return Ok(());
    }
    let opening = way.client.opening;
    let is_open = |recorder: &Recorder| {
        if let Some(opening) = opening {
            opening.tell(recorder, resolved, attempts.carried());
        }
    };
    let result = beyond_tcp(way, (stream, place.as_mut()), (&attempts, &is_open), (context, secrets), recorder).await;
    recorder.revise(Stage::Tcp, |evidence| attempts.complete(evidence));
    recorder.counted(counted.most());
    // Until here the connection was open, and the place at the proxy taken.
    drop((place, counted));
    result
}

async fn beyond_tcp(
    way: &Way<'_>,
    (stream, place): (Connection, Option<&mut proxy::Place>),
    (attempts, is_open): (&connect::Attempts, &dyn Fn(&Recorder)),
    (context, secrets): (&Context, &Secrets),
    recorder: &mut Recorder,
) -> Result<(), Stop> {
    let Way { endpoint, route, .. } = *way;
    let stream = match route {
        PlannedRoute::Direct => stream,
        // A SOCKS proxy knows nothing of http: there it is a plain connection to the endpoint's port.
        PlannedRoute::Proxy { proxy, .. } if !endpoint.is_tls() && proxy.scheme != ProxyScheme::Socks5 => {
            let started = enter(recorder, Stage::Proxy);
            let outcome = proxy::ask_absolute(stream, endpoint, route, attempts, (context, secrets)).await;
            // The request that was answered belongs to the http stage, the ones before it to the proxy's.
            let took = outcome.carried().map_or(Duration::ZERO, |answer| answer.asked.elapsed());
            let answer = keep(recorder, Stage::Proxy, started + took, outcome)?;
            let (started, evidence) = (answer.asked, Evidence::Http(answer.evidence));
            let outcome = match answer.fault {
                None => StageOutcome::Passed { carry: (), evidence },
                Some(fault) => StageOutcome::Stopped { fault, evidence },
            };
            return keep(recorder, Stage::Http, started, outcome);
        }
        PlannedRoute::Proxy { .. } => {
            let started = enter(recorder, Stage::Proxy);
            let opened = proxy::open_tunnel(stream, endpoint, route, attempts, (context, secrets)).await;
            keep(recorder, Stage::Proxy, started, opened)?
        }
    };
    // What goes through the tunnel is the service's; that it is open is the proxy's.
    if let Some(place) = place {
        place.is_answered();
    }
    is_open(recorder);
    if way.until == Stage::Proxy {
        return Ok(());
    }
    let stream = if endpoint.is_tls() {
        let started = enter(recorder, Stage::Tls);
        keep(recorder, Stage::Tls, started, shake_hands(stream, way, context).await)?
    } else {
        stream
    };
    if way.until == Stage::Tls {
        return Ok(());
    }
    if let Some(upload) = way.upload {
        let is_known = recorder.latest().is_some_and(|evidence| shows(evidence, &upload.leaf));
        let started = enter(recorder, Stage::Http);
        return keep(
            recorder,
            Stage::Http,
            started,
            http::send_up(stream, endpoint, (upload.size, is_known), context).await,
        );
    }
    let started = enter(recorder, Stage::Http);
    keep(recorder, Stage::Http, started, http::ask(stream, endpoint, context).await)
}

/// Whether the peer proved that it is who showed this certificate before.
fn shows(evidence: &Evidence, leaf: &[u8; 32]) -> bool {
    let Evidence::Tls(seen) = evidence else { return false };
    matches!(seen.signature, Signature::Verified { .. })
        && seen.chain.first().is_some_and(|certificate| certificate.sha256() == leaf)
}

async fn shake_hands(stream: Connection, way: &Way<'_>, context: &Context) -> StageOutcome<Connection> {
    match way.hello {
        Hello::Old => old_hello::ask(stream, (way.name, Suites::All), context).await,
        Hello::Shared => old_hello::ask(stream, (way.name, Suites::Shared), context).await,
        hello => tls::shake_hands(stream, (way.name, hello), context).await,
    }
}

fn enter(recorder: &mut Recorder, stage: Stage) -> Instant {
    let now = Instant::now();
    recorder.enters(stage, now);
    now
}

/// Keeps a stage's evidence and hands on what it carries.
fn keep<T>(recorder: &mut Recorder, stage: Stage, started: Instant, outcome: StageOutcome<T>) -> Result<T, Stop> {
    match outcome {
        StageOutcome::Passed { carry, evidence } => {
            recorder.passed(stage, started.elapsed(), evidence);
            Ok(carry)
        }
        StageOutcome::Stopped { fault, evidence } => Err(Stop { stage, started, evidence: Box::new(evidence), fault }),
    }
}
