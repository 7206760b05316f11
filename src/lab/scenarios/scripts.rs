//! What scripts that choose proxies get wrong, on a network where the right way is there.

use std::time::Duration;

use crate::lab::authority::Inspector;
use crate::lab::blueprint::{Blueprint, Place, ProxyPlace, ScriptPlan, ScriptSource};
use crate::lab::http::Reply;
use crate::lab::origin::Answer;
use crate::lab::proxy::{Deed, Hosts, ProxyPlan};

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

/// A script that sends the host that counts most, and the settings, to a proxy that inspects. That the direct route would
/// carry the settings helps no device: it comes there only when the proxy does not answer.
pub(super) fn into_inspection() -> Blueprint {
    const SCRIPT: &str = r#"
function FindProxyForURL(url, host) {
    if (host == "v10c.events.data.microsoft.com") return "PROXY inspecting.proxy.lab:8080";
    if (host == "settings-win.data.microsoft.com") return "PROXY inspecting.proxy.lab:8080; DIRECT";
    return "DIRECT";
}
"#;
    let proxy = ProxyPlan::open("inspecting").rule(Hosts::All, Deed::Inspect(Inspector::Corporate));
    Blueprint::directed_by(SCRIPT).proxy(proxy).expect_on(
        "http://inspecting.proxy.lab:8080|bypass",
        &["v10c", "settings-win"],
        "intercepted",
        "intercepted.trusted",
    )
}

/// A script in the language of today, which browsers read and Windows' services do not; the firewall lets devices out directly
/// all the same.
pub(super) fn for_newer_engines() -> Blueprint {
    const SCRIPT: &str = r#"
const PROXY = "PROXY open.proxy.lab:8080";
const FindProxyForURL = (url, host) => PROXY;
"#;
    Blueprint::directed_by(SCRIPT).proxy(ProxyPlan::open("open"))
}

/// A script that sends the settings where nobody listens, as privacy lists do.
pub(super) fn into_a_black_hole() -> Blueprint {
    const SCRIPT: &str = r#"
function FindProxyForURL(url, host) {
    if (host == "settings-win.data.microsoft.com") return "PROXY 127.0.0.1:9";
    return "DIRECT";
}
"#;
    Blueprint::directed_by(SCRIPT).expect_on(
        "http://127.0.0.1:9|bypass",
        &["settings-win"],
        "blocked",
        "proxy.black_hole",
    )
}

const ONE_PROXY: &str = "function FindProxyForURL(url, host) { return \"PROXY open.proxy.lab:8080\"; }";

/// The name wpad of the domain itself does not exist, and that of its parent does.
pub(super) fn by_wpad() -> Blueprint {
    let source = ScriptSource::Wpad { domain: "sales.corp.lab", name: Some("wpad.corp.lab") };
    Blueprint::choosing(ScriptPlan { source, ..ScriptPlan::served(ONE_PROXY) }).proxy(ProxyPlan::open("open"))
}

pub(super) fn no_wpad() -> Blueprint {
    let source = ScriptSource::Wpad { domain: "sales.corp.lab", name: None };
    Blueprint::choosing(ScriptPlan { source, ..ScriptPlan::served(ONE_PROXY) })
}

pub(super) fn out_of_reach() -> Blueprint {
    kept(None)
}

pub(super) fn too_late() -> Blueprint {
    kept(Some(Answer::Silence)).budget(|budget| budget.total = Duration::from_millis(500))
}

pub(super) fn behind_a_login() -> Blueprint {
    kept(Some(Answer::Reply(Box::new(Reply::status(401).header("WWW-Authenticate", "Negotiate")))))
}

pub(super) fn page_in_its_place() -> Blueprint {
    kept(Some(Answer::Reply(Box::new(Reply::status(200).page("<html><title>Sign in</title></html>")))))
}

pub(super) fn endless() -> Blueprint {
    Blueprint::directed_by("function FindProxyForURL(url, host) { for (;;) {} }")
        .budget(|budget| budget.total = Duration::from_millis(500))
}

/// A script whose server answers like this, or not at all.
fn kept(answer: Option<Answer>) -> Blueprint {
    Blueprint::choosing(ScriptPlan { answer, ..ScriptPlan::served(ONE_PROXY) }).proxy(ProxyPlan::open("open"))
}
