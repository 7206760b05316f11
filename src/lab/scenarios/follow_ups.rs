//! Worlds in which a row's own answer leaves something open, and another question settles it.

use std::net::Ipv4Addr;
use std::time::Duration;

use crate::lab::authority::{Inspector, Shown};
use crate::lab::blueprint::{Blueprint, Place, ProxyPlace};
use crate::lab::dns::{Addresses, NameAnswer};
use crate::lab::http::Reply;
use crate::lab::origin::{Answer, Breakage, Filter, Front};
use crate::lab::proxy::{Deed, Hosts, ProxyPlan};
use crate::lab::scenarios::EVERYTHING;
use crate::lab::story::denied;
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
    blueprint.places.insert("v10c", Place::Steered(Ipv4Addr::new(203, 0, 113, 99)));
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

/// Every endpoint but the plain one.
const OVER_TLS: [&str; 14] = [
    "v10c",
    "v10",
    "v10-vortex-win",
    "vortex-win",
    "settings-win",
    "watson",
    "oca",
    "login-live",
    "ceuswatcab01",
    "ceuswatcab02",
    "eaus2watcab01",
    "eaus2watcab02",
    "weus2watcab01",
    "weus2watcab02",
];

/// Shorter than the pause of a hello after a reset.
const GRUDGE: Duration = Duration::from_millis(150);

fn impatient(budget: &mut crate::plan::Budget) {
    budget.tls = Duration::from_secs(1);
    budget.follow_ups = Duration::from_secs(2);
}

/// Devices that read the hello: for its name, for its versions; and an address at which nothing gets an answer.
pub(super) fn filtered_hellos() -> Blueprint {
    Blueprint::direct()
        .filtered("v10c", Filter::Name, Breakage::ResetAfterFirstBytes)
        .filtered("v10", Filter::Name, Breakage::CloseAfterFirstBytes)
        .filtered("settings-win", Filter::Name, Breakage::Silent)
        .filtered("v10-vortex-win", Filter::NameWithGrudge(GRUDGE), Breakage::ResetAfterFirstBytes)
        .expect(&["v10c", "v10", "settings-win", "v10-vortex-win"], "blocked", "tls.sni_filtered")
        .filtered("watson", Filter::Tls13, Breakage::ResetAfterFirstBytes)
        .filtered("oca", Filter::Tls13, Breakage::Silent)
        .expect(&["watson", "oca"], "blocked", "tls.tls13_intolerant")
        .broken("login-live", Breakage::ResetAfterFirstBytes)
        .broken("vortex-win", Breakage::Silent)
        .expect(&["login-live", "vortex-win"], "blocked", "tls.ip_filtered")
        .budget(impatient)
}

/// Devices that are particular about the length of a hello: one takes only short ones, the others what comes in one packet.
pub(super) fn long_hellos() -> Blueprint {
    let mut blueprint = Blueprint::direct()
        .filtered("v10c", Filter::Longer(200), Breakage::ResetAfterFirstBytes)
        .filtered("v10", Filter::Longer(200), Breakage::Silent)
        .expect(&["v10c", "v10"], "blocked", "tls.large_hello")
        .filtered("settings-win", Filter::Longer(1000), Breakage::ResetAfterFirstBytes)
        .filtered("watson", Filter::Longer(1000), Breakage::Silent)
        .filtered("oca", Filter::Pieces, Breakage::CloseAfterFirstBytes)
        .budget(impatient);
    blueprint.hellos = true;
    blueprint
}

/// The same devices behind a proxy that opens every tunnel.
pub(super) fn filtered_behind_a_proxy() -> Blueprint {
    Blueprint::behind(ProxyPlan::open("open"))
        .filtered("v10c", Filter::Name, Breakage::CloseAfterFirstBytes)
        .expect(&["v10c"], "blocked", "tls.sni_filtered")
        .filtered("watson", Filter::Tls13, Breakage::CloseAfterFirstBytes)
        .expect(&["watson"], "blocked", "tls.tls13_intolerant")
}

/// No handshake at all gets an answer, so that neither a name nor an address is to blame; and every address answers.
pub(super) fn no_handshakes() -> Blueprint {
    let ways = [
        (Breakage::ResetAfterFirstBytes, "tls.rst_after_hello"),
        (Breakage::CloseAfterFirstBytes, "tls.fin_after_hello"),
        (Breakage::Silent, "tls.timeout_after_hello"),
    ];
    let mut blueprint = Blueprint::direct().budget(impatient);
    for (endpoint, (breakage, code)) in OVER_TLS.into_iter().zip(ways.into_iter().cycle()) {
        blueprint = blueprint.broken(endpoint, breakage).expect(&[endpoint], "blocked", code);
    }
    blueprint.everybody_accepts = true;
    blueprint
}

/// Servers of TLS 1.1, and of TLS 1.2 with RSA key exchange. Their certificates are read, and prove nothing; a foreign one says
/// all the same who answers.
pub(super) fn old_servers() -> Blueprint {
    let inspected = || Shown::ResignedBy(Inspector::Corporate);
    Blueprint::direct()
        .front("v10c", Front::Old(Shown::Genuine))
        .expect(&["v10c"], "blocked", "tls.legacy_only")
        .front("v10", Front::Old(Shown::SelfSigned))
        .expect(&["v10"], "intercepted", "intercepted.untrusted")
        .front("vortex-win", Front::RsaOnly(Shown::Genuine))
        .expect(&["vortex-win"], "degraded", "tls.old_suites")
        .front("watson", Front::RsaOnly(inspected()))
        .front("oca", Front::MarkCopied(inspected()))
        .expect(&["watson", "oca"], "intercepted", "intercepted.trusted")
}

/// A firewall that reads TLS 1.2 and lets 1.3 pass, and one that stops TLS 1.2.
pub(super) fn older_windows() -> Blueprint {
    Blueprint::direct()
        .front("v10c", Front::Tls13Passed(Shown::ResignedBy(Inspector::Corporate)))
        .front("settings-win", Front::Tls13Passed(Shown::ResignedBy(Inspector::Corporate)))
        .expect(&["v10c", "settings-win"], "intercepted", "intercepted.trusted")
        .filtered("watson", Filter::Tls12, Breakage::ResetAfterFirstBytes)
        .expect(&["watson"], "blocked", "tls.rst_after_hello")
}

/// A proxy for others, and one that opens tunnels to no port.
pub(super) fn denying_everything() -> Blueprint {
    let no = || Box::new(denied());
    Blueprint::default()
        .through(ProxyPlan::open("others").rule(Hosts::All, Deed::Reply(no())))
        .expect(&["*"], "blocked", "proxy.client_not_allowed")
        .through(ProxyPlan::open("plain").rule(Hosts::All, Deed::DenyTunnels(no())))
        .expect(&OVER_TLS, "blocked", "proxy.denied_port")
        .through(ProxyPlan::open("choosy").rule(Hosts::AllBut(&["control"]), Deed::Reply(no())))
        .expect(&["*"], "blocked", "proxy.denied_403")
}

/// Names that this name server alone denies, that nobody knows, and that another server knows by other addresses.
pub(super) fn compared_names() -> Blueprint {
    let elsewhere = Addresses { v4: vec![Ipv4Addr::new(203, 0, 113, 201)], ..Addresses::default() };
    let mut blueprint = Blueprint::direct()
        .name("v10c", NameAnswer::Nxdomain)
        .name("v10", NameAnswer::Nxdomain)
        .expect(&["v10c", "v10"], "blocked", "dns.nxdomain");
    blueprint.other_names = Some([("v10", NameAnswer::Nxdomain), ("watson", NameAnswer::Addresses(elsewhere))].into());
    blueprint
}

/// Answers that come, and uploads that do not pass: none, none beyond a size, none that somebody calls too large.
pub(super) fn uploads() -> Blueprint {
    let cut = |most| Answer::Uploads { most, refusal: None };
    let mut blueprint = Blueprint::direct()
        .answer("v10c", cut(0))
        .expect(&["v10c"], "degraded", "http.post_blocked")
        .answer("v10", cut(50_000))
        .expect(&["v10"], "degraded", "http.reset_on_upload")
        .answer("watson", Answer::Uploads { most: 1_000_000, refusal: Some(Box::new(Reply::status(413))) })
        .expect(&["watson"], "degraded", "http.body_limit")
        .answer("oca", cut(4_000_000));
    blueprint.uploads = true;
    blueprint
}
