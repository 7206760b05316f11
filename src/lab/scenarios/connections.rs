//! Addresses that refuse, swallow and half work, of endpoints and of proxies.

use std::time::Duration;

use crate::lab::blueprint::{Blueprint, Place, ProxyPlace};
use crate::lab::dns::{Addresses, NameAnswer};
use crate::lab::origin::{Breakage, Site};
use crate::lab::proxy::{Excess, ProxyPlan};
use crate::lab::scenarios::EVERYTHING;
use crate::plan::{Identity, SchemeChoice};

pub(super) fn failing_connections() -> Blueprint {
    Blueprint::direct()
        .place("v10c", Place::Closed)
        .expect(&["v10c"], "blocked", "tcp.refused")
        .place("v10", Place::Unreachable)
        .expect(&["v10"], "blocked", "tcp.net_unreachable")
        .place("watson", Place::OneOfTwoClosed)
        .expect(&["watson"], "degraded", "tcp.partial_ips")
        .place("oca", Place::Ipv6Closed)
        .expect(&["oca"], "degraded", "tcp.v6_broken")
        .place("adl", Place::Closed)
        .expect(&["adl"], "blocked", "tcp.refused")
}

#[cfg(target_os = "linux")]
pub(super) fn dropped_packets() -> Blueprint {
    let silent = ProxyPlan::open("silent");
    Blueprint::direct()
        .place("v10c", Place::Silent)
        .expect(&["v10c"], "blocked", "tcp.timeout")
        .route(&silent, Identity::Bypass, SchemeChoice::Auto)
        .expect(EVERYTHING, "blocked", "proxy.tcp_timeout")
        .proxy_at(silent, ProxyPlace::Silent)
        .budget(|budget| budget.connect = Duration::from_secs(1))
}

/// Names with two addresses, of which one is left alone and the other is not: whichever a row comes to first, devices come to both.
pub(super) fn several_addresses() -> Blueprint {
    Blueprint::direct().place("v10c", Place::OneOfTwoInspected).place("v10", Place::Ipv6Inspected).expect(
        &["v10c", "v10"],
        "intercepted",
        "intercepted.trusted",
    )
}

pub(super) fn unreachable_proxies() -> Blueprint {
    let (refusing, nowhere) = (ProxyPlan::open("refusing"), ProxyPlan::open("nowhere"));
    Blueprint::direct()
        .route(&refusing, Identity::Bypass, SchemeChoice::Auto)
        .expect(EVERYTHING, "blocked", "proxy.tcp_refused")
        .proxy_at(refusing, ProxyPlace::Closed)
        .route(&nowhere, Identity::Bypass, SchemeChoice::Auto)
        .expect(EVERYTHING, "blocked", "proxy.tcp_net_unreachable")
        .proxy_at(nowhere, ProxyPlace::Unreachable)
}

pub(super) fn flaky_origin() -> Blueprint {
    let mut blueprint = Blueprint::direct().expect(&["v10c"], "degraded", "x.flaky");
    let site = Site { first: Some(Breakage::ResetAfterFirstBytes), ..Site::healthy(true) };
    blueprint.sites.insert("v10c", site);
    blueprint
}

pub(super) fn out_of_time() -> Blueprint {
    Blueprint::direct()
        .broken("v10c", Breakage::Silent)
        .expect(&["v10c"], "not-tested", "x.budget")
        .budget(|budget| budget.total = Duration::from_secs(2))
}

/// Proxies that let a client have few connections open at once: one says no to those beyond, the other closes them.
pub(super) fn limiting_proxies() -> Blueprint {
    Blueprint::default()
        .through(ProxyPlan::open("denying").limited(4, Excess::Denied))
        .through(ProxyPlan::open("closing").limited(2, Excess::Closed))
}

/// A firewall that lets a client have two connections at once, and resets those beyond.
pub(super) fn limiting_firewall() -> Blueprint {
    Blueprint { limit: Some(2), ..Blueprint::direct() }
}

/// A DNS server that takes few questions of one client at once, and refuses those beyond.
pub(super) fn limiting_name_server() -> Blueprint {
    ["v10", "v10-vortex-win", "settings-win", "watson", "adl"]
        .into_iter()
        .fold(Blueprint::direct(), |blueprint, name| {
            blueprint.name(name, NameAnswer::RefusedAtFirst(Addresses::default()))
        })
}
