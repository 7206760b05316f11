//! What proxies answer instead of opening a tunnel, and what they do after they said that they opened one.

use std::time::Duration;

use crate::lab::authority::Inspector;
use crate::lab::blueprint::Blueprint;
use crate::lab::http::{Manner, Reply};
use crate::lab::proxy::{Deed, Hosts, Pretence, ProxyPlan};
use crate::lab::scenarios::EVERYTHING;
use crate::lab::story::denied;
use crate::plan::ProxyScheme;

pub(super) fn denying_proxy() -> Blueprint {
    let page = "<html><body>Access to this site is blocked by your administrator</body></html>";
    let proxy = ProxyPlan::open("denying")
        .replies("v10c", Reply::status(403).page(page))
        .replies("v10", denied())
        .replies("vortex-win", Reply::status(502).header("Proxy-Status", "gw; error=http_request_denied"))
        .replies("watson", Reply::status(405))
        .replies("oca", Reply::status(501))
        .replies("login-live", Reply::status(400))
        .replies("settings-win", Reply::status(418))
        .replies("ceuswatcab01", Reply::status(404))
        .replies("ceuswatcab02", Reply::status(410))
        .replies("eaus2watcab01", Reply::status(421))
        .replies("eaus2watcab02", Reply::status(408))
        .replies("weus2watcab01", Reply::status(505))
        .replies("adl", Reply::status(403).page(page));
    Blueprint::behind(proxy)
        .expect(&["v10c", "v10", "vortex-win", "adl"], "blocked", "proxy.denied_403")
        .expect(&["watson", "oca"], "blocked", "proxy.method_blocked")
        .expect(&["login-live", "weus2watcab01"], "blocked", "proxy.bad_request_400")
        .expect(&["ceuswatcab01", "ceuswatcab02", "eaus2watcab01"], "blocked", "proxy.not_forwarding")
        .expect(&["eaus2watcab02"], "blocked", "proxy.request_timeout")
        .expect(&["settings-win"], "inconclusive", "x.inconclusive")
}

/// Somebody wrote down a web server's address for the proxy's. It has an answer for every address.
pub(super) fn web_server() -> Blueprint {
    let says = |status, page: &'static str| {
        Deed::Reply(Box::new(Reply::status(status).header("Server", "nginx/1.22.1").page(page)))
    };
    let not_found =
        "<html><head><title>404 Not Found</title></head><body><h1>404 Not Found</h1>nginx/1.22.1</body></html>";
    let refused =
        "<html><head><title>400 Bad Request</title></head><body><h1>400 Bad Request</h1>nginx/1.22.1</body></html>";
    let proxy = ProxyPlan::open("web-server")
        .rule(Hosts::AllBut(&["adl", "control"]), says(400, refused))
        .rule(Hosts::All, says(404, not_found));
    Blueprint::behind(proxy).expect(EVERYTHING, "blocked", "proxy.not_forwarding").expect(
        &["adl"],
        "blocked",
        "proxy.not_forwarding",
    )
}

/// Half by the standard's words (RFC 9209), half by Squid's own.
pub(super) fn proxy_without_egress() -> Blueprint {
    let standard = |error: &str| Reply::status(502).header("Proxy-Status", format!("egress.proxy.lab; error={error}"));
    let squid = |error: &str| Reply::status(503).header("X-Squid-Error", error).page("<html></html>");
    let proxy = ProxyPlan::open("egress")
        .replies("v10c", standard("dns_error; rcode=NXDOMAIN"))
        .replies("v10", squid("ERR_DNS_FAIL 0"))
        .replies("v10-vortex-win", standard("connection_refused"))
        .replies("vortex-win", squid("ERR_CONNECT_FAIL 111"))
        .replies("settings-win", standard("connection_timeout"))
        .replies("watson", squid("ERR_CONNECT_FAIL 110"))
        .replies("oca", standard("destination_ip_unroutable"))
        .replies("login-live", squid("ERR_CONNECT_FAIL 113"))
        .replies("ceuswatcab01", standard("tls_certificate_error"))
        .replies("ceuswatcab02", squid("ERR_SECURE_CONNECT_FAIL 71"))
        .replies("eaus2watcab01", Reply::status(504))
        .replies("eaus2watcab02", squid("ERR_CANNOT_FORWARD 0"));
    Blueprint::behind(proxy)
        .expect(&["v10c", "v10"], "blocked", "proxy.upstream_dns")
        .expect(&["v10-vortex-win", "vortex-win"], "blocked", "proxy.upstream_refused")
        .expect(&["settings-win", "watson"], "blocked", "proxy.upstream_timeout")
        .expect(&["oca", "login-live"], "blocked", "proxy.upstream_unreachable")
        .expect(&["ceuswatcab01", "ceuswatcab02"], "blocked", "proxy.upstream_tls")
        .expect(&["eaus2watcab01", "eaus2watcab02"], "blocked", "proxy.upstream_unknown")
}

pub(super) fn proxy_in_trouble() -> Blueprint {
    let proxy = ProxyPlan::open("troubled")
        .replies("v10c", Reply::status(429).header("Retry-After", "30"))
        .replies("v10", Reply::status(503).header("Retry-After", "30"))
        .replies("vortex-win", Reply::status(502).header("Proxy-Status", "gw; error=connection_limit_reached"))
        .replies("settings-win", Reply::status(502).header("Proxy-Status", "gw; error=proxy_loop_detected"))
        .replies("watson", Reply::status(503).page("<html><body>ICAP server is not available</body></html>"))
        .replies("oca", Reply::status(503).header("X-Squid-Error", "ERR_ICAP_FAILURE 0"));
    Blueprint::behind(proxy)
        .expect(&["v10c", "v10", "vortex-win"], "blocked", "proxy.rate_limited")
        .expect(&["settings-win"], "blocked", "proxy.loop")
        .expect(&["watson", "oca"], "blocked", "proxy.icap_down")
}

pub(super) fn portal() -> Blueprint {
    let proxy = ProxyPlan::open("portal")
        .replies("v10c", Reply::status(302).header("Location", "http://blocked.filter.lab/why"))
        .replies("v10", Reply::status(302).header("Location", "https://login.company.lab/?back=v10"))
        .replies("settings-win", Reply::status(511).page("<html><body>Sign in to this network</body></html>"))
        .replies("adl", Reply::status(302).header("Location", "https://login.company.lab/?back=adl"));
    Blueprint::behind(proxy).expect(&["v10c"], "blocked", "proxy.redirect").expect(
        &["v10", "settings-win", "adl"],
        "blocked",
        "proxy.portal_auth",
    )
}

pub(super) fn pretending_proxy() -> Blueprint {
    let proxy = ProxyPlan::open("pretending")
        .to("v10c", Deed::Pretend(Pretence::Close))
        .to("v10", Deed::Pretend(Pretence::Reset))
        .to("settings-win", Deed::Pretend(Pretence::Page))
        .to("watson", Deed::Pretend(Pretence::Silence));
    Blueprint::behind(proxy)
        .expect(&["v10c"], "blocked", "proxy.200_then_close")
        .expect(&["v10"], "blocked", "proxy.200_then_rst")
        .expect(&["settings-win"], "blocked", "proxy.200_with_body")
        .expect(&["watson"], "blocked", "tls.timeout_after_hello")
        .budget(|budget| budget.tls = Duration::from_secs(2))
}

/// Every tunnel opens and ends at the first bytes, while plain http passes: at the first proxy whatever it is opened to, at the
/// second for the endpoints alone.
pub(super) fn dead_tunnels() -> Blueprint {
    let close = || Deed::Pretend(Pretence::Close);
    Blueprint::default()
        .through(ProxyPlan::open("everybody").rule(Hosts::AllBut(&["adl"]), close()))
        .expect(EVERYTHING, "blocked", "proxy.200_then_close")
        .expect(&["adl"], "ok", "ok")
        .through(ProxyPlan::open("endpoints").rule(Hosts::AllBut(&["adl", "control"]), close()))
        .expect(EVERYTHING, "blocked", "proxy.200_then_close")
        .expect(&["adl"], "ok", "ok")
}

/// Openings of a tunnel that are right or can be understood; all of them work (RFC 9110, section 9.3.6).
pub(super) fn awkward_tunnels() -> Blueprint {
    let proxy = ProxyPlan::open("awkward")
        .to("v10c", Deed::ForwardSaying("HTTP/1.0 200 Connection established\r\n\r\n"))
        .to("v10", Deed::ForwardSaying("HTTP/1.1 204 No Content\r\n\r\n"))
        .to("vortex-win", Deed::ForwardSaying("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"))
        .to("settings-win", Deed::ForwardSaying("HTTP/1.1 200 OK\r\nContent-Length: 39\r\n\r\n"))
        .to("watson", Deed::ForwardSaying("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"))
        .to("oca", Deed::ForwardSaying("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n\r\n"))
        .to("login-live", Deed::ForwardSaying("HTTP/1.1 200\r\nX-Folded: one\r\n two\r\nBad Name : x\r\n\r\n"));
    Blueprint::behind(proxy)
}

pub(super) fn babbling_proxy() -> Blueprint {
    let proxy = ProxyPlan::open("babbling")
        .to("v10c", Deed::Bytes(b"220 mail.lab ESMTP\r\n500 unrecognized command\r\n"))
        // A fatal alert, handshake_failure: what a TLS listener says to plain HTTP.
        .to("v10", Deed::Bytes(b"\x15\x03\x01\x00\x02\x02\x28"))
        .to("v10-vortex-win", Deed::Bytes(b"HTTP/1.1 twohundred OK\r\n\r\n"))
        .to("vortex-win", Deed::EndlessHead)
        .to("settings-win", Deed::Close)
        .to("watson", Deed::Reset)
        .to("oca", Deed::Silence);
    Blueprint::behind(proxy)
        .expect(&["v10c", "v10"], "blocked", "proxy.not_http")
        .expect(&["v10-vortex-win"], "blocked", "proxy.bad_reply")
        .expect(&["vortex-win"], "blocked", "proxy.head_too_large")
        .expect(&["settings-win"], "blocked", "proxy.empty")
        .expect(&["watson"], "blocked", "proxy.rst")
        .expect(&["oca"], "blocked", "proxy.timeout")
        .budget(|budget| budget.proxy_reply = Duration::from_secs(2))
}

pub(super) fn socks() -> Blueprint {
    let proxy = ProxyPlan::open("socks")
        .scheme(ProxyScheme::Socks5, 1080)
        .to("v10c", Deed::SocksReply(2))
        .to("v10", Deed::SocksReply(3))
        .to("v10-vortex-win", Deed::SocksReply(4))
        .to("vortex-win", Deed::SocksReply(5))
        .to("settings-win", Deed::SocksReply(6))
        .to("watson", Deed::SocksReply(7))
        .to("adl", Deed::SocksReply(2));
    Blueprint::behind(proxy)
        .expect(&["v10c", "adl"], "blocked", "proxy.socks_denied")
        .expect(&["v10", "v10-vortex-win"], "blocked", "proxy.upstream_unreachable")
        .expect(&["vortex-win"], "blocked", "proxy.upstream_refused")
        .expect(&["settings-win"], "blocked", "proxy.upstream_timeout")
        .expect(&["watson"], "blocked", "proxy.method_blocked")
}

/// One that is in order, one whose certificate nobody accepts, one that speaks no TLS at all.
pub(super) fn encrypted_proxies() -> Blueprint {
    let gate = || crate::lab::login::Gate::Basic(crate::lab::story::USER);
    let encrypted = |name| ProxyPlan::open(name).scheme(ProxyScheme::Https, 8443);
    let unaccepted = ProxyPlan { shown_by: Inspector::Unknown, ..encrypted("unaccepted") };
    let clear = ProxyPlan { speaks_tls: false, ..encrypted("clear") };
    let mut blueprint = Blueprint::default()
        .user(crate::lab::story::USER)
        .as_user(encrypted("encrypted").gate(gate()))
        .as_user(unaccepted.gate(gate()))
        .expect(&["*"], "blocked", "proxy.tls_untrusted")
        .through(clear)
        .expect(&["*"], "blocked", "proxy.tls_failed");
    // Basic may go over TLS without anybody's leave.
    blueprint.basic_cleartext = false;
    blueprint
}

/// Everything is inspected but error reporting's storage, and the diagnostic hosts would have needed it.
pub(super) fn half_exempt() -> Blueprint {
    const EXEMPT: [&str; 8] = [
        "login-live",
        "adl",
        "ceuswatcab01",
        "ceuswatcab02",
        "eaus2watcab01",
        "eaus2watcab02",
        "weus2watcab01",
        "weus2watcab02",
    ];
    let proxy = ProxyPlan::open("inspecting").rule(Hosts::AllBut(&EXEMPT), Deed::Inspect(Inspector::Corporate));
    Blueprint::direct().through(proxy).expect(&["*"], "intercepted", "intercepted.trusted").expect(&EXEMPT, "ok", "ok")
}

/// Two nodes behind one address, of which one inspects: whoever asks for a host twice sees both. All that shows on first
/// connections is that some hosts are inspected and others are not. The second proxy does the same, and knows whom to leave
/// alone: its hosts come out alike each time.
pub(super) fn two_nodes() -> Blueprint {
    const INSPECTED: [&str; 3] = ["v10c", "v10", "vortex-win"];
    let turns = |of, turns| (Hosts::One(of), Deed::InspectInTurn(Inspector::Corporate, turns));
    let mut nodes = ProxyPlan::open("nodes");
    nodes.rules = vec![
        turns("v10c", &[true, false]),
        turns("v10", &[true, true, false]),
        // Left alone at first, and then not.
        turns("vortex-win", &[false, true]),
    ];
    let alike = ProxyPlan::open("alike").rule(Hosts::Only(&["v10c", "v10"]), Deed::Inspect(Inspector::Corporate));
    Blueprint::direct().through(nodes).expect(&INSPECTED, "intercepted", "intercepted.trusted").through(alike).expect(
        &["v10c", "v10"],
        "intercepted",
        "intercepted.trusted",
    )
}

/// A chain that cannot be followed is not decided by itself; that another route shows another one decides it.
pub(super) fn withdrawn_issuer() -> Blueprint {
    let proxy = ProxyPlan::open("withdrawn").rule(Hosts::One("v10c"), Deed::Inspect(Inspector::Withdrawn));
    Blueprint::direct().through(proxy).expect(&["v10c"], "intercepted", "intercepted.untrusted")
}

/// An older inspector gives itself away beside its chain: by its version of TLS, and by the age of its certificates.
pub(super) fn dated_inspection() -> Blueprint {
    let proxy = ProxyPlan::open("dated").rule(Hosts::All, Deed::Inspect(Inspector::Dated));
    Blueprint::direct().through(proxy).expect(&["*"], "intercepted", "intercepted.trusted").expect(&["adl"], "ok", "ok")
}

/// Plain http proves nothing about who answers; what does not look like the service blocks.
pub(super) fn plain_answers() -> Blueprint {
    let sign_in = "<html><form>Password: <input type=\"password\" name=\"p\"></form></html>";
    let blocked = "<html><body>This page has been blocked</body></html>";
    let proxy = |name, reply| ProxyPlan::open(name).replies("adl", reply);
    Blueprint::direct()
        .through(proxy("page", Reply::status(200).page(blocked)))
        .expect(&["adl"], "blocked", "http.block_page")
        .through(proxy("sign-in", Reply::status(200).page(sign_in)))
        .expect(&["adl"], "blocked", "http.portal")
        .through(proxy("elsewhere", Reply::status(302).header("Location", "http://www.elsewhere.lab/")))
        .expect(&["adl"], "blocked", "http.foreign_redirect")
        .through(proxy("status", Reply::status(500)))
        .expect(&["adl"], "blocked", "http.middlebox_status")
        .through(proxy("cut", Reply::status(404).body("cut").manner(Manner::CutOff)))
        .expect(&["adl"], "degraded", "http.truncated")
}
