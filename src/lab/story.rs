//! The story of `waprobe check --lab`: one company, five proxies, and everything that goes right and wrong with them.

use super::account::Account;
use super::authority::Inspector;
use super::blueprint::Blueprint;
use super::http::Reply;
use super::login::{Algorithm, Digest, Gate, Nonces};
use super::proxy::{Deed, Hosts, ProxyPlan};
use crate::plan::{Identity, SchemeChoice};

/// The user of every scenario.
pub(super) const USER: Account = Account { name: "lab-user", password: "only-good-on-loopback" };

/// Where crashes are reported: what the story's filter does not know.
const ERROR_REPORTING: [&str; 8] = [
    "watson",
    "oca",
    "ceuswatcab01",
    "ceuswatcab02",
    "eaus2watcab01",
    "eaus2watcab02",
    "weus2watcab01",
    "weus2watcab02",
];

/// Every endpoint is there, and the proxies are what proxies are: one wants a password in clear, one a digest of it, one
/// denies what nobody told it about, one inspects under the company's CA, one under a CA that nobody installed.
#[must_use]
pub fn story() -> Blueprint {
    let basic = ProxyPlan::open("basic").gate(Gate::Basic(USER));
    let digest = ProxyPlan::open("digest").gate(Gate::Digest(
        USER,
        Digest { algorithm: Some(Algorithm::Sha256), with_quality: true, nonces: Nonces::Lasting },
    ));
    let filter = ProxyPlan::open("filter").rule(Hosts::Only(&ERROR_REPORTING), Deed::Reply(Box::new(denied())));
    let inspecting = ProxyPlan::open("inspecting").rule(Hosts::All, Deed::Inspect(Inspector::Corporate));
    let unmanaged = ProxyPlan::open("unmanaged").rule(Hosts::All, Deed::Inspect(Inspector::Unknown));

    Blueprint::direct()
        .user(USER)
        .route(&basic, Identity::Bypass, SchemeChoice::Auto)
        .expect(&["*"], "blocked", "pauth.required")
        .route(&basic, Identity::User, SchemeChoice::Auto)
        .route(&digest, Identity::User, SchemeChoice::Auto)
        .route(&filter, Identity::Bypass, SchemeChoice::Auto)
        .expect(&ERROR_REPORTING, "blocked", "proxy.denied_403")
        .route(&inspecting, Identity::Bypass, SchemeChoice::Auto)
        .expect(&["*"], "intercepted", "intercepted.trusted")
        .expect(&["adl"], "ok", "ok")
        .route(&unmanaged, Identity::Bypass, SchemeChoice::Auto)
        .expect(&["*"], "intercepted", "intercepted.untrusted")
        .expect(&["adl"], "ok", "ok")
        .proxy(basic)
        .proxy(digest)
        .proxy(filter)
        .proxy(inspecting)
        .proxy(unmanaged)
}

/// A filter's page, as it comes for a host that is on no list.
pub(super) fn denied() -> Reply {
    Reply::status(403)
        .header("X-Squid-Error", "ERR_ACCESS_DENIED 0")
        .page("<html><body>Access denied: this destination is not on the list of allowed sites</body></html>")
}
