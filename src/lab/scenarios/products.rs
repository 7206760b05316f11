//! Products that can be told by their CAs, their pages and their headers.

use crate::lab::authority::{FIDDLER, FORTIGATE, Inspector, Shown, ZSCALER};
use crate::lab::blueprint::Blueprint;
use crate::lab::http::Reply;
use crate::lab::origin::Tls;
use crate::lab::proxy::{Deed, Hosts, ProxyPlan};

/// A firewall and the device's own antivirus stand before every route. At proxies there are a cloud gateway, a tool for
/// debugging, a firewall's block page, and a Squid that denies, asks for a login and passes answers on.
pub(super) fn known_products() -> Blueprint {
    const TLS: [&str; 4] = ["v10", "watson", "login-live", "ceuswatcab01"];
    const PLAIN: [&str; 1] = ["adl"];
    let inspecting =
        |name, product| ProxyPlan::open(name).rule(Hosts::Only(&TLS), Deed::Inspect(Inspector::Product(product)));
    let by =
        |status| Reply::status(status).header("Server", "squid/5.7").header("Via", "1.1 squid.proxy.lab (squid/5.7)");
    let squid = ProxyPlan::open("squid")
        .replies("v10c", by(403).header("X-Squid-Error", "ERR_ACCESS_DENIED 0"))
        .replies("watson", by(403))
        .replies(
            "login-live",
            by(407)
                .header("Proxy-Authenticate", "Basic realm=\"squid\"")
                .header("X-Squid-Error", "ERR_CACHE_ACCESS_DENIED 0"),
        )
        .replies("adl", Reply::status(404).header("Via", "1.1 squid.proxy.lab (squid/5.7)"));
    let kerio = ProxyPlan::open("kerio").rule(Hosts::Only(&PLAIN), Deed::Reply(Box::new(by_kerio())));
    let resigned = |inspector| move |tls| Tls { shown: Shown::ResignedBy(inspector), ..tls };
    Blueprint::direct()
        .tls("v10c", resigned(Inspector::Product(FORTIGATE)))
        .tls("settings-win", resigned(Inspector::Antivirus))
        .expect(&["v10c", "settings-win"], "intercepted", "intercepted.trusted")
        .through(inspecting("gateway", ZSCALER))
        .expect(&TLS, "intercepted", "intercepted.trusted")
        .expect(&["v10c", "settings-win"], "intercepted", "intercepted.trusted")
        .through(inspecting("debugging", FIDDLER))
        .expect(&TLS, "intercepted", "intercepted.trusted")
        .expect(&["v10c", "settings-win"], "intercepted", "intercepted.trusted")
        .through(squid)
        .expect(&["v10c", "watson"], "blocked", "proxy.denied_403")
        .expect(&["login-live"], "blocked", "pauth.required")
        .expect(&["settings-win"], "intercepted", "intercepted.trusted")
        .through(kerio)
        .expect(&["adl"], "blocked", "http.block_page")
        .expect(&["v10c", "settings-win"], "intercepted", "intercepted.trusted")
}

fn by_kerio() -> Reply {
    Reply::status(403)
        .header("Server", "Kerio Control Embedded Web Server")
        .page("<html><body>This page has been blocked by Kerio Control</body></html>")
}
