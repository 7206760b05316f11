//! A name becomes addresses: the endpoint's own on the direct route, the proxy's on a proxied one.
//!
//! In: a name, and who is to be asked. Out: the addresses, or what stands in the way, with what everybody said. Never:
//! recursion; the servers are asked as a client asks them.

mod exchange;
mod inquiry;
mod message;
mod outcome;
#[cfg(test)]
mod scripted;
mod system;
#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::future::Future;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::OnceCell;
use tokio::time::{Instant, timeout_at};

use self::inquiry::{Heard, Inquiry};
use self::message::NAME_ERROR;
use self::system::{Place, SystemFailure};
use super::{Context, StageOutcome};
use crate::catalogue::{Catalogue, Endpoint};
use crate::net::{Names, Net, SystemNames, hosts_line, unusable_name_servers};
use crate::observation::{DnsEvidence, Evidence, Fault, NameSource, Stage, SystemAnswer};
use crate::plan::{Budget, Plan, PlannedRoute};

/// How long a name's IPv4 addresses wait for its IPv6 ones: the "resolution delay" of RFC 8305. There, IPv4 waits so that
/// IPv6 can go first; here both are tried at once, and the wait is for evidence that nearly always comes at the same time.
const RESOLUTION_DELAY: Duration = Duration::from_millis(50);

/// Past its deadline every exchange has its outcome; this much later one that has none is given up.
const MARGIN: Duration = Duration::from_millis(100);

/// Addresses of the system's answer beyond these are not kept as evidence.
const MOST_KEPT: usize = 32;

/// What the jobs of a run share: a name that several need, such as a proxy's, is looked up once.
#[derive(Debug, Default)]
pub(super) struct Lookups(HashMap<Wanted<String>, Arc<OnceCell<Lookup>>>);

/// A name and whom to ask for it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Wanted<N> {
    name: N,
    /// The system's answer counts whatever the settings say; always so for a proxy's own name.
    system: bool,
}

/// What came of looking a name up.
#[derive(Debug)]
struct Lookup {
    source: NameSource,
    addresses: Vec<IpAddr>,
    fault: Option<Fault>,
    system: Option<SystemAnswer>,
    /// Servers that were asked, some of which may still answer.
    inquiry: Option<Inquiry>,
}

/// Where a row goes on.
#[derive(Debug)]
pub(super) struct Resolved {
    pub addresses: Vec<SocketAddr>,
    /// `None` when no name had to be looked up.
    lookup: Option<Arc<OnceCell<Lookup>>>,
}

impl Resolved {
    fn given(target: SocketAddr) -> Self {
        Self { addresses: vec![target], lookup: None }
    }

    /// The same name, and one of its addresses alone.
    pub fn only(&self, address: SocketAddr) -> Self {
        Self { addresses: vec![address], lookup: self.lookup.clone() }
    }

    /// The addresses are those of a name, not somebody's choice.
    pub fn by_name(&self) -> bool {
        self.lookup.is_some()
    }

    /// Writes what the servers said meanwhile into the step.
    pub fn complete(&self, evidence: &mut Evidence) {
        let inquiry = self.lookup.as_ref().and_then(|lookup| lookup.get()).and_then(|lookup| lookup.inquiry.as_ref());
        if let (Evidence::Dns(seen), Some(inquiry)) = (evidence, inquiry) {
            seen.answers = inquiry.answers();
        }
    }
}

impl Lookups {
    /// Prepares a place for every name that more than one job needs. A run of ten thousand names needs none.
    pub fn new(catalogue: &Catalogue, plan: &Plan, net: &Net) -> Self {
        let mut needed: HashMap<Wanted<&str>, usize> = HashMap::new();
        for job in &plan.jobs {
            if let (Some(endpoint), Some(route)) = (catalogue.endpoints.get(job.endpoint), plan.routes.get(job.route)) {
                *needed.entry(wanted(endpoint, route, net).0).or_default() += 1;
            }
        }
        let shared = needed.into_iter().filter(|(_, jobs)| *jobs > 1);
        Self(shared.map(|(wanted, _)| (wanted.to_owned(), Arc::default())).collect())
    }

    /// The same for the proxies' names alone: every other name is looked up anew.
    pub fn of_proxies(catalogue: &Catalogue, plan: &Plan, net: &Net) -> Self {
        let Self(mut shared) = Self::new(catalogue, plan, net);
        let is_proxys = |name: &str| plan.routes.iter().filter_map(PlannedRoute::proxy).any(|proxy| proxy.host == name);
        shared.retain(|wanted, _| is_proxys(&wanted.name));
        Self(shared)
    }

    fn of(&self, wanted: &Wanted<&str>) -> Arc<OnceCell<Lookup>> {
        self.0.get(&wanted.to_owned()).cloned().unwrap_or_default()
    }
}

impl Wanted<&str> {
    fn to_owned(&self) -> Wanted<String> {
        Wanted { name: self.name.to_owned(), system: self.system }
    }
}

/// The name that a route needs, and its port.
fn wanted<'a>(endpoint: &'a Endpoint, route: &'a PlannedRoute, net: &Net) -> (Wanted<&'a str>, u16) {
    if let Some(proxy) = route.proxy() {
        return (Wanted { name: &proxy.host, system: true }, proxy.port);
    }
    let system = matches!(net.names, Names::System { .. });
    (Wanted { name: &endpoint.host, system }, endpoint.port)
}

/// An address that an earlier attempt found; nothing is looked up.
pub(super) fn given(endpoint: &Endpoint, target: SocketAddr) -> StageOutcome<Resolved> {
    let (name, source) = (endpoint.host.clone(), NameSource::Literal);
    let seen = DnsEvidence { name, source, addresses: vec![target.ip()], system: None, answers: Vec::new() };
    StageOutcome::Passed { carry: Resolved::given(target), evidence: Evidence::Dns(seen) }
}

/// The endpoint's addresses by `server`, whatever the route.
pub(super) async fn ask(endpoint: &Endpoint, server: SocketAddr, context: &Context) -> StageOutcome<Resolved> {
    let lookup = Arc::new(OnceCell::from(ask_server(&endpoint.host, server, &context.net, &context.plan.budget).await));
    let Some(found) = lookup.get() else {
        return StageOutcome::Stopped { fault: Fault::NoResolver, evidence: Evidence::Unfinished(Stage::Dns) };
    };
    let evidence = Evidence::Dns(DnsEvidence {
        name: endpoint.host.clone(),
        source: found.source.clone(),
        addresses: found.addresses.clone(),
        system: None,
        answers: found.inquiry.as_ref().map(Inquiry::answers).unwrap_or_default(),
    });
    if let Some(fault) = &found.fault {
        return StageOutcome::Stopped { fault: fault.clone(), evidence };
    }
    let addresses = outcome::with_port(&found.addresses, endpoint.port);
    StageOutcome::Passed { carry: Resolved { addresses, lookup: Some(lookup.clone()) }, evidence }
}

pub(super) async fn resolve(endpoint: &Endpoint, route: &PlannedRoute, context: &Context) -> StageOutcome<Resolved> {
    let (wanted, port) = wanted(endpoint, route, &context.net);
    let given = |source: NameSource, target: SocketAddr| {
        let name = wanted.name.to_owned();
        let seen = DnsEvidence { name, source, addresses: vec![target.ip()], system: None, answers: Vec::new() };
        StageOutcome::Passed { carry: Resolved::given(target), evidence: Evidence::Dns(seen) }
    };
    if route.proxy().is_none()
        && let Some(target) = context.net.connect_to.target(wanted.name, port)
    {
        return given(NameSource::ConnectTo, target);
    }
    if let Ok(address) = wanted.name.parse::<IpAddr>() {
        return given(NameSource::Literal, (address, port).into());
    }
    let shared = context.lookups.of(&wanted);
    let lookup = shared.get_or_init(|| look_up(&wanted, &context.net, &context.plan.budget)).await;
    let evidence = Evidence::Dns(DnsEvidence {
        name: wanted.name.to_owned(),
        source: lookup.source.clone(),
        addresses: lookup.addresses.clone(),
        system: lookup.system.clone(),
        answers: lookup.inquiry.as_ref().map(Inquiry::answers).unwrap_or_default(),
    });
    if let Some(fault) = &lookup.fault {
        return StageOutcome::Stopped { fault: fault.clone(), evidence };
    }
    let addresses = outcome::with_port(&lookup.addresses, port);
    StageOutcome::Passed { carry: Resolved { addresses, lookup: Some(shared.clone()) }, evidence }
}

async fn look_up(wanted: &Wanted<&str>, net: &Net, budget: &Budget) -> Lookup {
    match &net.names {
        Names::Server(server) if !wanted.system => ask_server(wanted.name, *server, net, budget).await,
        Names::Server(_) => ask_system(wanted.name, None, net, budget).await,
        Names::System { evidence } => ask_system(wanted.name, Some(evidence), net, budget).await,
    }
}

/// One server's answers and nobody else's.
async fn ask_server(name: &str, server: SocketAddr, net: &Net, budget: &Budget) -> Lookup {
    let deadline = Instant::now() + budget.dns;
    let inquiry = Inquiry::start(name, &[server], net, deadline);
    inquiry.until(deadline + MARGIN, |heard| heard.iter().all(|heard| is_settled(*heard))).await;
    inquiry.until(Instant::now() + RESOLUTION_DELAY, |heard| heard.iter().all(|heard| heard.is_complete())).await;
    let (addresses, fault) = match inquiry.judge(|heard| heard.iter().map(|heard| outcome::of_server(*heard)).next()) {
        Some(Ok(addresses)) => (outcome::worth_trying(addresses), None),
        Some(Err(fault)) => (Vec::new(), Some(fault)),
        None => (Vec::new(), Some(Fault::NoResolver)),
    };
    Lookup { source: NameSource::Server(server), addresses, fault, system: None, inquiry: Some(inquiry) }
}

/// Both questions have an outcome, or A has one that AAAA does not change: addresses, or that there is no such name. IPv6
/// addresses alone do not settle it, because most machines can use only the others.
fn is_settled(heard: Heard<'_>) -> bool {
    let a_settles_it = heard.a.is_some_and(|a| !a.addresses.is_empty() || a.rcode == Some(NAME_ERROR));
    a_settles_it || heard.is_complete()
}

/// The system's answer counts; `servers` say what they know beside it. They are `None` when it is not known whom the
/// system asks.
async fn ask_system(name: &str, servers: Option<&Vec<SocketAddr>>, net: &Net, budget: &Budget) -> Lookup {
    let place = Place::wait(&net.system_names).await;
    let deadline = Instant::now() + budget.dns;
    // A name of one label is found through the search list, which a question of our own would not follow.
    let asked = servers.filter(|servers| !servers.is_empty() && name.contains('.'));
    let inquiry = asked.map(|servers| Inquiry::start(name, servers, net, deadline));
    let knows = || inquiry.as_ref().is_some_and(|inquiry| inquiry.judge(|heard| heard.iter().any(Heard::has_address)));
    let asked = system::look_up(name, &net.system_names, place);
    let answer = match patiently(asked, deadline, budget.dns, knows).await {
        Ok(answer) => answer,
        Err(waited) => Err(SystemFailure::Silent(format!("no answer within {} s", waited.as_secs_f32()))),
    };
    let source = NameSource::System;
    match answer {
        Ok(addresses) => {
            let hosts_line = match net.system_names {
                SystemNames::Os => hosts_line(name, &addresses),
                SystemNames::Fixed(_) => None,
            };
            let system = SystemAnswer {
                addresses: addresses.iter().copied().take(MOST_KEPT).collect(),
                error: None,
                hosts_line,
                configuration: None,
            };
            let addresses = outcome::worth_trying(addresses);
            Lookup { source, addresses, fault: None, system: Some(system), inquiry }
        }
        Err(failure) => {
            // Who heard an answer had somebody to ask.
            let is_of_interest = matches!(net.system_names, SystemNames::Os) && !failure.is_an_answer();
            let system = SystemAnswer {
                addresses: Vec::new(),
                error: Some(failure.words().to_owned()),
                hosts_line: None,
                configuration: is_of_interest.then(unusable_name_servers).flatten(),
            };
            let fault = why(failure, servers, inquiry.as_ref(), net, budget).await;
            Lookup { source, addresses: Vec::new(), fault: Some(fault), system: Some(system), inquiry }
        }
    }
}

/// Waits until `deadline`, and as long again where one of the system's servers `knows` an address: then the system is asking
/// a dead one first, or a question was lost, and it asks again after the very time that a question has here.
async fn patiently<T>(
    asked: impl Future<Output = T>,
    deadline: Instant,
    more: Duration,
    knows: impl Fn() -> bool,
) -> Result<T, Duration> {
    let mut asked = std::pin::pin!(asked);
    match timeout_at(deadline, &mut asked).await {
        Ok(answer) => Ok(answer),
        Err(_) if knows() => timeout_at(deadline + more, asked).await.map_err(|_| more * 2),
        Err(_) => Err(more),
    }
}

/// Waits a little for the servers' own answers, and lets them say why the system has none.
async fn why(
    failure: SystemFailure,
    servers: Option<&Vec<SocketAddr>>,
    inquiry: Option<&Inquiry>,
    net: &Net,
    budget: &Budget,
) -> Fault {
    let Some(inquiry) = inquiry else {
        let nobody_to_ask = servers.is_some_and(Vec::is_empty) && matches!(net.system_names, SystemNames::Os);
        if nobody_to_ask && !failure.is_an_answer() {
            return Fault::NoResolver;
        }
        return outcome::of_system(&failure, &[]);
    };
    let end = Instant::now() + budget.dns_evidence;
    inquiry.until(end, |heard| heard.iter().all(|heard| heard.is_complete())).await;
    inquiry.close();
    inquiry.judge(|heard| outcome::of_system(&failure, heard))
}
