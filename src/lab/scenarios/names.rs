//! Name servers that fail, filter and lead astray; a direct route suffers from them, a proxied one does not.

use std::net::Ipv4Addr;
use std::time::Duration;

use crate::lab::authority::{Inspector, Shown};
use crate::lab::blueprint::{Blueprint, Place, ProxyPlace, ResolverPlace};
use crate::lab::dns::{Addresses, NameAnswer};
use crate::lab::http::Reply;
use crate::lab::origin::{Breakage, Front, Tls};
use crate::lab::proxy::ProxyPlan;
use crate::lab::scenarios::EVERYTHING;

pub(super) fn failing_name_server() -> Blueprint {
    Blueprint::direct()
        .name("v10c", NameAnswer::Nxdomain)
        .expect(&["v10c"], "blocked", "dns.nxdomain")
        .name("v10", NameAnswer::Nodata)
        .expect(&["v10"], "blocked", "dns.nodata")
        .name("v10-vortex-win", NameAnswer::Servfail)
        .expect(&["v10-vortex-win"], "blocked", "dns.servfail")
        .name("vortex-win", NameAnswer::Refused)
        .expect(&["vortex-win"], "blocked", "dns.refused")
        .name("settings-win", NameAnswer::Garbage)
        .expect(&["settings-win"], "blocked", "dns.malformed")
        .name("adl", NameAnswer::Silence)
        .expect(&["adl"], "blocked", "dns.timeout")
        .budget(|budget| budget.dns = Duration::from_secs(1))
}

pub(super) fn filtered_names() -> Blueprint {
    Blueprint::direct()
        .name("v10c", NameAnswer::Filtered { code: 15, text: "blocked by the company's policy" })
        .expect(&["v10c"], "blocked", "dns.ede_filtered")
        .name("v10", NameAnswer::Filtered { code: 17, text: "" })
        .expect(&["v10"], "blocked", "dns.ede_filtered")
        .place("settings-win", Place::Sinkhole(Ipv4Addr::UNSPECIFIED))
        .expect(&["settings-win"], "blocked", "dns.sinkhole")
        .place("adl", Place::Sinkhole(Ipv4Addr::new(10, 0, 0, 53)))
        .expect(&["adl"], "blocked", "dns.sinkhole")
        .place("watson", Place::Sinkhole(Ipv4Addr::new(146, 112, 61, 106)))
        .expect(&["watson"], "blocked", "dns.filter_vendor_ip")
        .place("oca", Place::Steered(Ipv4Addr::new(100, 64, 7, 7)))
        .place("ceuswatcab01", Place::PrivateLink)
        .expect(&["ceuswatcab01"], "blocked", "dns.privatelink_shadow")
        .place("login-live", Place::Ipv6Only)
        .expect(&["login-live"], "blocked", "dns.v6_only")
}

/// Aliases that say whose filter answers, and at the end of them nobody, a foreign certificate, no TLS, a page; and one at which
/// the service itself stands, of which TLS is the proof.
pub(super) fn filtered_by_alias() -> Blueprint {
    let foreign = |tls| Tls { shown: Shown::Stranger, ..tls };
    let resigned = |tls| Tls { shown: Shown::ResignedBy(Inspector::Corporate), ..tls };
    let page = Reply::status(200).page("<html><body>This page has been blocked</body></html>");
    Blueprint::direct()
        .place("v10c", Place::FilterAlias("sinkhole.paloaltonetworks.com"))
        .place("v10", Place::FilterPage("blockpage.nextdns.io"))
        .tls("v10", foreign)
        .place("vortex-win", Place::FilterPage("standard-block.dns.adguard.com"))
        .tls("vortex-win", resigned)
        .place("watson", Place::FilterPage("hit-block.opendns.com"))
        .front("watson", Front::Broken(Breakage::Speaks(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")))
        .expect(&["v10c", "v10", "vortex-win", "watson"], "blocked", "dns.filter_vendor_ip")
        .place("settings-win", Place::FilterAlias("walled-garden.corp.lab"))
        .place("oca", Place::FilterPage("v10.rpz.corp.lab"))
        .tls("oca", foreign)
        .expect(&["settings-win", "oca"], "blocked", "dns.sinkhole")
        .place("adl", Place::FilterPage("blockpage.nextdns.io"))
        .reply("adl", page)
        .expect(&["adl"], "blocked", "dns.filter_vendor_ip")
        .place("login-live", Place::FilterPage("sinkhole.corp.lab"))
}

pub(super) fn long_answers_lost() -> Blueprint {
    let mut blueprint = Blueprint::direct().name("v10c", NameAnswer::Truncated(Addresses::default())).expect(
        &["v10c"],
        "blocked",
        "dns.tcp53_blocked",
    );
    blueprint.resolver = ResolverPlace::DatagramsOnly;
    blueprint
}

pub(super) fn long_answers_over_tcp() -> Blueprint {
    Blueprint::direct().name("v10c", NameAnswer::Truncated(Addresses::default()))
}

/// Somebody on the way answers before the name server does, and leads to the service all the same.
pub(super) fn overtaken_answers() -> Blueprint {
    let forged = |last| NameAnswer::Overtaken(Ipv4Addr::new(203, 0, 113, last), Addresses::default());
    Blueprint::direct().name("v10c", forged(221)).name("settings-win", forged(222))
}

pub(super) fn no_name_server() -> Blueprint {
    let mut blueprint =
        Blueprint::direct().expect(EVERYTHING, "inconclusive", "dns.no_resolver").through(ProxyPlan::open("open"));
    blueprint.resolver = ResolverPlace::Closed;
    blueprint
}

pub(super) fn unknown_proxy() -> Blueprint {
    let proxy = ProxyPlan::open("mistyped");
    Blueprint::direct()
        .route(&proxy, crate::plan::Identity::Bypass, crate::plan::SchemeChoice::Auto)
        .expect(EVERYTHING, "blocked", "dns.proxy_name")
        .proxy_at(proxy, ProxyPlace::Unnamed)
}
