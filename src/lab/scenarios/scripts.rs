//! What scripts that choose proxies get wrong, on a network where the right way is there.

use crate::lab::blueprint::{Blueprint, Place, ProxyPlace};
use crate::lab::proxy::ProxyPlan;

/// A script that forgot a host, one of whose proxies is gone, and that speaks to browsers in places.
pub(super) fn script_with_mistakes() -> Blueprint {
    const SCRIPT: &str = r#"
function FindProxyForURL(url, host) {
    if (host == "watson.telemetry.microsoft.com") return "DIRECT";
    if (host == "oca.telemetry.microsoft.com") return throughTheOldProxy(host);
    if (host == "adl.windows.com") return "SOCKS5 open.proxy.lab:1080; PROXY open.proxy.lab:8080";
    if (host == "login.live.com") return "HTTPS open.proxy.lab:8443";
    if (shExpMatch(host, "*.blob.core.windows.net")) return "PROXY gone.proxy.lab:8080; PROXY open.proxy.lab:8080";
    if (host == "settings-win.data.microsoft.com") return "DIRECT";
    return "PROXY open.proxy.lab:8080";
}
"#;
    const STORAGE: [&str; 6] =
        ["ceuswatcab01", "ceuswatcab02", "eaus2watcab01", "eaus2watcab02", "weus2watcab01", "weus2watcab02"];
    Blueprint::directed_by(SCRIPT)
        .proxy(ProxyPlan::open("open"))
        .proxy_at(ProxyPlan::open("gone"), ProxyPlace::Closed)
        .expect_on("http://gone.proxy.lab:8080|bypass", &STORAGE, "blocked", "proxy.tcp_refused")
        .place("watson", Place::Closed)
        .expect_on("direct", &["watson"], "blocked", "tcp.refused")
}

/// A script as it should be: what it sends directly gets out, and nothing else is tried there.
pub(super) fn script_in_order() -> Blueprint {
    const SCRIPT: &str = r#"
function FindProxyForURL(url, host) {
    if (url.substring(0, 5) == "http:") return "DIRECT";
    return "PROXY first.proxy.lab:8080; PROXY second.proxy.lab:8080";
}
"#;
    // Directly nothing but the plain http endpoint would get out; no row says so, because the script sends nothing there.
    Blueprint::directed_by(SCRIPT)
        .place("v10c", Place::Closed)
        .place("settings-win", Place::Closed)
        .proxy(ProxyPlan::open("first"))
        .proxy(ProxyPlan::open("second"))
}
