//! Dialogues byte for byte, with scripted peers on loopback.

mod absolute;
mod acquainted;
mod authentication;
mod https;
mod ntlm;
mod peer;
mod replies;
mod socks;
mod ways;

use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use self::peer::{Peer, Turn};
use crate::catalogue::{Catalogue, OsSelection};
use crate::net::{Entropy, Net, NoTokens};
use crate::observation::{Evidence, Fault, TunnelEvidence};
use crate::plan::{Budget, Identity, Plan, PlannedRoute, Proxy, Scheme, SchemeChoice};
use crate::probe::secrets::Secrets;
use crate::probe::stream::Connection;
use crate::probe::{Access, Context, Login, StageOutcome, connect, resolve};

const HOST: &str = "v10c.events.data.microsoft.com";

/// What this program asks for when it has no credential to send.
const BARE: &str = concat!(
    "CONNECT v10c.events.data.microsoft.com:443 HTTP/1.1\r\n",
    "Host: v10c.events.data.microsoft.com:443\r\n",
    "User-Agent: waprobe/",
    env!("CARGO_PKG_VERSION"),
    "\r\n",
    "Proxy-Connection: Keep-Alive\r\n",
    "\r\n",
);

const OPENED: &str = "HTTP/1.1 200 Connection established\r\n\r\n";

/// The same with a credential.
fn with(authorization: &str) -> String {
    BARE.replace("\r\n\r\n", &format!("\r\nProxy-Authorization: {authorization}\r\n\r\n"))
}

/// A 407 that keeps the connection, with these challenges and a page of seven bytes.
fn challenge(challenges: &[&str]) -> String {
    let headers: Vec<String> =
        challenges.iter().map(|challenge| format!("Proxy-Authenticate: {challenge}\r\n")).collect();
    format!("HTTP/1.1 407 Proxy Authentication Required\r\n{}Content-Length: 7\r\n\r\nnot you", headers.concat())
}

/// Anna, whose password may go over a clear connection.
fn anna() -> Access {
    let login = Login { name: "anna".to_owned(), password: "hunter2".into() };
    Access { user: Some(login.clone()), device: None, device_keytab: None, basic_cleartext: true }
}

fn route(proxy: &Proxy, identity: Identity, scheme: SchemeChoice) -> PlannedRoute {
    PlannedRoute::Proxy { proxy: proxy.clone(), identity, scheme }
}

fn context(access: Access) -> Context {
    let catalogue = Arc::new(Catalogue::embedded());
    // Long enough for a loaded machine; only peers that never answer are waited for so long.
    let budget = Budget { proxy_reply: Duration::from_millis(400), ..Budget::default() };
    let plan = Plan::new(&catalogue, Vec::new(), budget, OsSelection::all(), Vec::new());
    let mut net = Net::of_this_machine(Vec::new());
    net.tokens = Arc::new(NoTokens("no GSSAPI library"));
    net.entropy = Entropy::Fixed([0xde, 0xad, 0xbe, 0xef, 0, 1, 2, 3]);
    Context::new(catalogue, plan, net, access, Arc::new(rustls::RootCertStore::empty()))
}

/// How a stage ended.
struct Told<T> {
    result: Result<T, Fault>,
    evidence: TunnelEvidence,
}

impl<T> Told<T> {
    fn of(outcome: StageOutcome<T>) -> Self {
        let (result, evidence) = match outcome {
            StageOutcome::Passed { carry, evidence } => (Ok(carry), evidence),
            StageOutcome::Stopped { fault, evidence } => (Err(fault), evidence),
        };
        let Evidence::Proxy(evidence) = evidence else { panic!("{evidence:?} is not the proxy's") };
        Self { result, evidence }
    }

    fn fault(&self) -> Option<&Fault> {
        self.result.as_ref().err()
    }

    /// Connection, credential's scheme, status, whether the proxy kept the connection; one per leg.
    fn legs(&self) -> Vec<(u32, Option<Scheme>, Option<u16>, bool)> {
        let scheme = |leg: &crate::observation::Leg| leg.credential.as_ref().map(|credential| credential.scheme);
        self.evidence.legs.iter().map(|leg| (leg.connection, scheme(leg), leg.status, leg.kept_open)).collect()
    }
}

async fn connected(
    endpoint: &crate::catalogue::Endpoint,
    route: &PlannedRoute,
    context: &Context,
) -> (Connection, connect::Attempts) {
    let StageOutcome::Passed { carry, .. } = resolve::resolve(endpoint, route, context).await else {
        panic!("a loopback address needs no resolver")
    };
    match connect::connect(&carry, context).await {
        StageOutcome::Passed { carry, .. } => carry,
        StageOutcome::Stopped { fault, .. } => panic!("the peer does not listen: {fault:?}"),
    }
}

/// Opens a tunnel to [`HOST`].
async fn tunnel(route: &PlannedRoute, context: &Context) -> Told<Connection> {
    let endpoint = context.catalogue.endpoint_for_host(HOST).expect("a catalogued host");
    let (stream, attempts) = connected(endpoint, route, context).await;
    Told::of(super::open_tunnel(stream, endpoint, route, &attempts, (context, &Secrets::default())).await)
}

async fn tunnel_as(identity: Identity, peer: &Peer, access: Access) -> Told<Connection> {
    tunnel(&route(&peer.proxy(), identity, SchemeChoice::Auto), &context(access)).await
}

/// Whether bytes go through, both ways: the peer's last turn was [`Turn::Echo`].
async fn works(mut tunnel: Connection) -> bool {
    let mut heard = [0; 4];
    tunnel.write_all(b"ping").await.is_ok() && tunnel.read_exact(&mut heard).await.is_ok() && heard == *b"ping"
}

/// A connection that answers one request and is a tunnel then.
fn opens() -> Vec<Turn> {
    vec![Turn::Hear, Turn::say(OPENED), Turn::Echo]
}
