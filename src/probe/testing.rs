//! A small world for tests: a context of a few endpoints, and nothing beyond loopback.

use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use super::{Access, Context};
use crate::catalogue::{Catalogue, CatalogueSource, OsSelection, Solution};
use crate::net::{Names, Net, NoTokens, SystemNames};
use crate::plan::{Budget, Plan, PlannedRoute};

/// A context with one plain endpoint per host, over `routes`.
pub(super) fn context(hosts: &[&str], routes: Vec<PlannedRoute>, net: Net, budget: Budget) -> Context {
    let head = "schema = \"waprobe-catalogue/1\"\nname = \"test\"\n".to_owned();
    let endpoint = |(number, host)| format!("[[endpoint]]\nname = \"e{number}\"\nurl = \"http://{host}\"\n");
    let text = head + &hosts.iter().enumerate().map(endpoint).collect::<Vec<_>>().concat();
    let source = CatalogueSource::gather("test.toml", text, |name| Err(format!("there is no {name}")));
    let catalogue = Catalogue::read(source).unwrap_or_else(|complaints| panic!("{complaints}"));
    let mut plan = Plan::new(&catalogue, routes, budget, OsSelection::all(), Solution::ALL.to_vec());
    plan.follow_ups.wanted = true;
    let roots = Arc::new(rustls::RootCertStore::empty());
    Context::new(Arc::new(catalogue), plan, net, Access::default(), roots)
}

/// A world whose system knows `names` and has `evidence` configured.
pub(super) fn net(names: &[(&str, &[&str])], evidence: Vec<SocketAddr>) -> Net {
    let names: HashMap<String, Vec<IpAddr>> =
        names.iter().map(|(name, addresses)| ((*name).to_owned(), ips(addresses))).collect();
    Net {
        names: Names::System { evidence: evidence.clone() },
        system_names: SystemNames::Fixed(Arc::new(names)),
        tokens: Arc::new(NoTokens("no GSSAPI library")),
        ..Net::of_this_machine(evidence)
    }
}

pub(super) fn ips(addresses: &[&str]) -> Vec<IpAddr> {
    addresses.iter().map(|address| address.parse().expect("an address")).collect()
}

/// Deadlines that a test of silence can wait for.
pub(super) fn impatient() -> Budget {
    Budget {
        dns: Duration::from_millis(150),
        dns_evidence: Duration::from_millis(100),
        connect: Duration::from_millis(150),
        ..Budget::default()
    }
}
