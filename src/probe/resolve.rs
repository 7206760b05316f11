//! A name becomes addresses: the endpoint's own on the direct route, the proxy's on a proxied one.

use std::io;
use std::net::{IpAddr, SocketAddr};

use tokio::time::timeout;

use super::{Context, StageOutcome};
use crate::catalogue::Endpoint;
use crate::net::SystemNames;
use crate::observation::{DnsEvidence, Evidence, Fault, NameSource, SystemAnswer};
use crate::plan::PlannedRoute;

/// More addresses than this are not tried.
const MOST_ADDRESSES: usize = 8;

pub(super) async fn resolve(
    endpoint: &Endpoint,
    route: &PlannedRoute,
    context: &Context,
) -> StageOutcome<Vec<SocketAddr>> {
    let (name, port) = match route.proxy() {
        Some(proxy) => (proxy.host.as_str(), proxy.port),
        None => (endpoint.host.as_str(), endpoint.port),
    };
    let mut seen = DnsEvidence {
        name: name.to_owned(),
        source: NameSource::System,
        addresses: Vec::new(),
        system: None,
        answers: Vec::new(),
    };
    if route.proxy().is_none()
        && let Some(target) = context.net.connect_to.target(name, port)
    {
        seen.source = NameSource::ConnectTo;
        seen.addresses = vec![target.ip()];
        return StageOutcome::Passed { carry: vec![target], evidence: Evidence::Dns(seen) };
    }
    if let Ok(address) = name.parse::<IpAddr>() {
        seen.source = NameSource::Literal;
        seen.addresses = vec![address];
        return StageOutcome::Passed { carry: vec![(address, port).into()], evidence: Evidence::Dns(seen) };
    }
    match timeout(context.plan.budget.dns, system_lookup(name, &context.net.system_names)).await {
        Ok(Ok(addresses)) => {
            seen.addresses = addresses.iter().copied().take(MOST_ADDRESSES).collect();
            seen.system = Some(SystemAnswer { addresses, error: None });
            let carry = seen.addresses.iter().map(|address| (*address, port).into()).collect();
            StageOutcome::Passed { carry, evidence: Evidence::Dns(seen) }
        }
        Ok(Err(error)) => {
            seen.system = Some(SystemAnswer { addresses: Vec::new(), error: Some(error.to_string()) });
            StageOutcome::Stopped { fault: Fault::NameNotFound, evidence: Evidence::Dns(seen) }
        }
        Err(_) => StageOutcome::Stopped { fault: Fault::ResolverSilent, evidence: Evidence::Dns(seen) },
    }
}

async fn system_lookup(name: &str, system: &SystemNames) -> io::Result<Vec<IpAddr>> {
    match system {
        SystemNames::Os => Ok(tokio::net::lookup_host((name, 0)).await?.map(|address| address.ip()).collect()),
        SystemNames::Fixed(names) => {
            names.get(name).cloned().ok_or_else(|| io::Error::other("the lab's system does not know this name"))
        }
    }
}
