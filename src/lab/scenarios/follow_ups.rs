//! Worlds in which a row's own answer leaves something open, and another question settles it.

use crate::lab::blueprint::{Blueprint, Place, ProxyPlace};
use crate::lab::http::Reply;
use crate::lab::proxy::{Deed, Hosts, ProxyPlan};
use crate::lab::scenarios::EVERYTHING;
use crate::plan::{Identity, SchemeChoice};

/// No network at all: nobody is to blame for an endpoint, nor for the proxy.
pub(super) fn offline() -> Blueprint {
    let proxy = ProxyPlan::open("unreached");
    Blueprint::direct()
        .everything(Place::Unreachable)
        .control(Place::Unreachable)
        .expect(EVERYTHING, "inconclusive", "tcp.net_unreachable")
        .route(&proxy, Identity::Bypass, SchemeChoice::Auto)
        .expect(EVERYTHING, "inconclusive", "proxy.tcp_net_unreachable")
        .proxy_at(proxy, ProxyPlace::Unreachable)
}

/// The way out is the proxy; the direct route refuses everybody.
pub(super) fn closed_route() -> Blueprint {
    Blueprint::direct()
        .everything(Place::Closed)
        .control(Place::Closed)
        .expect(EVERYTHING, "inconclusive", "tcp.refused")
        .through(ProxyPlan::open("open"))
}

/// The control gets out, so that the refusals are about the endpoints.
pub(super) fn every_endpoint_refused() -> Blueprint {
    Blueprint::direct().everything(Place::Closed).expect(EVERYTHING, "blocked", "tcp.refused")
}

/// One endpoint gets out, and the control does not: that is an allow-list, and the others are missing on it.
pub(super) fn allow_list() -> Blueprint {
    let mut blueprint = Blueprint::direct().everything(Place::Closed).control(Place::Closed).expect(
        EVERYTHING,
        "blocked",
        "tcp.refused",
    );
    blueprint.places.insert("v10c", Place::Steered(std::net::Ipv4Addr::new(203, 0, 113, 99)));
    blueprint.expect(&["v10c"], "ok", "ok")
}

/// A proxy that answers everything with the same error reaches nothing.
pub(super) fn proxy_without_internet() -> Blueprint {
    let unreachable = Reply::status(502).header("Proxy-Status", "gw; error=connection_timeout");
    let stranded = ProxyPlan::open("stranded").rule(Hosts::All, Deed::Reply(Box::new(unreachable.clone())));
    let choosy = ProxyPlan::open("choosy").rule(Hosts::AllBut(&["control"]), Deed::Reply(Box::new(unreachable)));
    Blueprint::default()
        .through(stranded)
        .expect(EVERYTHING, "inconclusive", "proxy.upstream_timeout")
        .through(choosy)
        .expect(EVERYTHING, "blocked", "proxy.upstream_timeout")
}
