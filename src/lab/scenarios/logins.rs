//! Proxies that ask who is there.

use crate::lab::account::Account;
use crate::lab::blueprint::Blueprint;
use crate::lab::http::{Manner, Reply};
use crate::lab::login::{Algorithm, Digest, Gate, Nonces};
use crate::lab::proxy::{Deed, Hosts, ProxyPlan};
use crate::lab::scenarios::EVERYTHING;
use crate::lab::story::USER;
use crate::lab::tickets::TicketPlan;
use crate::net::TicketProblem;
use crate::plan::{Identity, ProxyScheme, Scheme, SchemeChoice};

const DIGEST: Digest = Digest { algorithm: Some(Algorithm::Md5), with_quality: true, nonces: Nonces::Lasting };

/// Somebody that the proxies know under another password.
const STRANGER: Account = Account { name: USER.name, password: "not-this-one" };

/// Every form of Digest that is in use; all of them work.
pub(super) fn digests() -> Blueprint {
    let proxy = |name, digest| ProxyPlan::open(name).gate(Gate::Digest(USER, digest));
    let algorithm = |algorithm| Digest { algorithm: Some(algorithm), ..DIGEST };
    Blueprint::default()
        .user(USER)
        .as_user(proxy("md5", DIGEST))
        .as_user(proxy("md5-session", algorithm(Algorithm::Md5Session)))
        .as_user(proxy("sha-256", algorithm(Algorithm::Sha256)))
        .as_user(proxy("sha-256-session", algorithm(Algorithm::Sha256Session)))
        .as_user(proxy("silent-algorithm", Digest { algorithm: None, ..DIGEST }))
        .as_user(proxy("old-form", Digest { with_quality: false, ..DIGEST }))
        .as_user(proxy("stale", Digest { nonces: Nonces::StaleOnce, ..DIGEST }))
}

/// Challenges that come in awkward ways, and dialogues that come through all the same.
pub(super) fn awkward_challenges() -> Blueprint {
    let proxy = |name| ProxyPlan::open(name).gate(Gate::Basic(USER));
    Blueprint::default()
        .user(USER)
        .as_user(proxy("closing").refuses(Manner::Whole, true))
        .as_user(proxy("chunked").refuses(Manner::Chunked, false))
        .as_user(proxy("old").refuses(Manner::UntilClose, false))
        .as_user(proxy("old-digest").gate(Gate::Digest(USER, DIGEST)).refuses(Manner::UntilClose, false))
}

/// SOCKS asks for the login before it hears of a host; of the others one row is refused, and the rest does not try.
pub(super) fn wrong_password() -> Blueprint {
    Blueprint::default()
        .user(STRANGER)
        .as_user(ProxyPlan::open("basic").gate(Gate::Basic(USER)))
        .expect(EVERYTHING, "blocked", "pauth.rejected")
        .as_user(ProxyPlan::open("digest").gate(Gate::Digest(USER, DIGEST)))
        .expect(EVERYTHING, "blocked", "pauth.rejected")
        .as_user(ProxyPlan::open("socks").scheme(ProxyScheme::Socks5, 1080).gate(Gate::Basic(USER)))
        .expect(EVERYTHING, "blocked", "pauth.rejected")
}

/// Proxies that pass on what the directory says of the account.
pub(super) fn account_states() -> Blueprint {
    let proxy = |name, page| ProxyPlan::open(name).gate(Gate::Basic(USER)).saying(page);
    Blueprint::default()
        .user(STRANGER)
        .as_user(proxy("locked", "Authentication failed: NT_STATUS_ACCOUNT_LOCKED_OUT"))
        .expect(EVERYTHING, "blocked", "pauth.account_locked")
        .as_user(proxy("disabled", "Logon failure, status 0xc0000072"))
        .expect(EVERYTHING, "blocked", "pauth.disabled")
        .as_user(proxy("expired", "Authentication failed: NT_STATUS_PASSWORD_EXPIRED"))
        .expect(EVERYTHING, "blocked", "pauth.expired")
}

pub(super) fn password_in_clear() -> Blueprint {
    let mut blueprint = Blueprint::default()
        .user(USER)
        .as_user(ProxyPlan::open("basic").gate(Gate::Basic(USER)))
        .expect(EVERYTHING, "blocked", "pauth.basic_cleartext");
    blueprint.basic_cleartext = false;
    blueprint
}

pub(super) fn broken_challenges() -> Blueprint {
    let hopeless = |name, challenges| ProxyPlan::open(name).gate(Gate::Hopeless(challenges));
    let basic = ProxyPlan::open("only-basic").gate(Gate::Basic(USER));
    let always_stale = Digest { nonces: Nonces::AlwaysStale, ..DIGEST };
    let wrong_code = Reply::status(401).header("WWW-Authenticate", "Basic realm=\"proxy\"");
    Blueprint::default()
        .user(USER)
        .as_user(hopeless("mute", &[]))
        .expect(EVERYTHING, "blocked", "pauth.no_challenge")
        .as_user(hopeless("novel", &["Digest realm=\"r\", nonce=\"n\", qop=\"auth\", algorithm=SHA3-512"]))
        .expect(EVERYTHING, "blocked", "pauth.digest_unsupported")
        .as_user(hopeless("endless", &["Negotiate", "NTLM"]))
        .expect(EVERYTHING, "blocked", "pauth.loop")
        .as_user(hopeless("foreign", &["Bearer"]))
        .expect(EVERYTHING, "blocked", "pauth.required")
        .as_user(ProxyPlan::open("forgetful").gate(Gate::Digest(USER, always_stale)))
        .expect(EVERYTHING, "blocked", "pauth.digest_stale_loop")
        .through(ProxyPlan::open("confused").replies("v10c", wrong_code))
        .expect(&["v10c"], "blocked", "pauth.wrong_code")
        .route(&basic, Identity::User, SchemeChoice::Forced(Scheme::Digest))
        .expect(EVERYTHING, "blocked", "pauth.no_common_scheme")
        .proxy(basic)
}

/// The login is right, and these hosts are still not for everybody.
pub(super) fn no_rights() -> Blueprint {
    const DENIED: [&str; 2] = ["watson", "oca"];
    let proxy = ProxyPlan::open("groups")
        .gate(Gate::Basic(USER))
        .rule(Hosts::Only(&DENIED), Deed::Reply(Box::new(crate::lab::story::denied())));
    Blueprint::default().user(USER).as_user(proxy).expect(&DENIED, "blocked", "pauth.denied_after_auth")
}

/// The second right answer is refused; whose that is nobody can say before.
pub(super) fn faltering_proxy() -> Blueprint {
    Blueprint::default()
        .user(USER)
        .as_user(ProxyPlan::open("faltering").gate(Gate::Faltering(USER)))
        .expect_any(&["ok", "degraded"], &["ok", "pauth.intermittent"])
}

/// Two nodes, of which one does not know the login: two hosts are refused it twice, at first and once more at once, and then
/// let through. At the second proxy the same two hosts are denied for good, and 407 is all that it says. The third says no: to one
/// host on its first connection, which leads to a node that is set up differently.
pub(super) fn choosy_proxies() -> Blueprint {
    const HOSTS: &[&str] = &["login.live.com", "weus2watcab02.blob.core.windows.net"];
    Blueprint::default()
        .user(USER)
        .as_user(ProxyPlan::open("nodes").gate(Gate::Choosy(USER, HOSTS, 2)))
        .expect_any(&["ok", "degraded"], &["ok", "pauth.intermittent"])
        .as_user(ProxyPlan::open("denying").gate(Gate::Choosy(USER, HOSTS, u64::MAX)))
        .expect_any(&["ok", "blocked"], &["ok", "pauth.denied_after_auth"])
        .as_user(
            ProxyPlan::open("unlike")
                .gate(Gate::Basic(USER))
                .rule(Hosts::One("v10"), Deed::ReplyInTurn(Box::new(Reply::status(403)), &[true, false])),
        )
        .expect(&["v10"], "degraded", "pauth.intermittent")
}

/// Proxies that ask for a name on one of their two ways.
pub(super) fn one_method() -> Blueprint {
    const TUNNELS: &[&str] = &["*"];
    let proxy = |name, method| ProxyPlan::open(name).gate(Gate::Basic(USER)).guards(method);
    Blueprint::default()
        .user(USER)
        .through(proxy("tunnels", "CONNECT"))
        .expect(TUNNELS, "blocked", "pauth.required")
        .expect(&["adl"], "ok", "ok")
        .as_user(proxy("plain", "GET"))
        .route(&proxy("plain", "GET"), Identity::Bypass, SchemeChoice::Auto)
        .expect(&["adl"], "blocked", "pauth.required")
}

/// What a directory, a library or a proxy may have against a ticket. The first proxy takes it.
pub(super) fn tickets() -> Blueprint {
    const USUAL: TicketPlan = TicketPlan::Given(3000);
    // Rejections of Negotiate that are errors of Kerberos: 41, the ticket was changed, and 37, the clocks differ.
    const MODIFIED: &[&str] = &["Negotiate fgwwCqADAgEFpgMCASk="];
    const SKEWED: &[&str] = &["Negotiate fgwwCqADAgEFpgMCASU="];
    let proxy = |name| ProxyPlan::open(name).gate(Gate::Tickets);
    let hopeless = |name, challenges| ProxyPlan::open(name).gate(Gate::Hopeless(challenges));
    let too_large = Deed::Reply(Box::new(Reply::status(431)));
    let refusals = [
        ("nobody", TicketProblem::NoTicket, "not-tested", "pauth.krb_no_ticket"),
        ("unregistered", TicketProblem::UnknownService, "blocked", "pauth.krb_spn_unknown"),
        ("alias", TicketProblem::CanonicalOnly, "blocked", "pauth.krb_cname"),
        ("address", TicketProblem::Address, "blocked", "pauth.krb_ip_literal"),
        ("old-encryption", TicketProblem::NoCommonEncryption, "blocked", "pauth.krb_etype"),
        ("far-away", TicketProblem::KdcUnreachable, "blocked", "pauth.krb_kdc_unreachable"),
        ("disabled", TicketProblem::Revoked, "blocked", "pauth.disabled"),
        ("expired", TicketProblem::AccountExpired, "blocked", "pauth.expired"),
    ];
    let mut blueprint = Blueprint::default()
        .by_ticket(proxy("takes"), USUAL)
        .by_ticket(hopeless("other-key", MODIFIED), USUAL)
        .expect(EVERYTHING, "blocked", "pauth.krb_duplicate_spn")
        .by_ticket(hopeless("other-time", SKEWED), USUAL)
        .expect(EVERYTHING, "blocked", "pauth.krb_skew")
        .by_ticket(hopeless("silent", &["Negotiate"]), USUAL)
        .expect(EVERYTHING, "blocked", "pauth.rejected")
        .by_ticket(proxy("narrow").rule(Hosts::All, too_large), TicketPlan::Given(40_000))
        .expect(EVERYTHING, "blocked", "pauth.krb_token_too_big");
    for (name, problem, status, code) in refusals {
        blueprint = blueprint.by_ticket(proxy(name), TicketPlan::Missing(problem)).expect(EVERYTHING, status, code);
    }
    blueprint
}

pub(super) fn no_login() -> Blueprint {
    let proxy = ProxyPlan::open("basic").gate(Gate::Basic(USER));
    Blueprint::default().as_user(proxy).expect(EVERYTHING, "not-tested", "x.not_tested")
}

/// SOCKS with a password: the user comes through, nobody else does.
pub(super) fn socks_login() -> Blueprint {
    let proxy = ProxyPlan::open("socks").scheme(ProxyScheme::Socks5, 1080).gate(Gate::Basic(USER));
    Blueprint::default()
        .user(USER)
        .route(&proxy, Identity::Bypass, SchemeChoice::Auto)
        .expect(EVERYTHING, "blocked", "pauth.required")
        .as_user(proxy)
}

/// People are let through and machine accounts are not, and the other way round.
pub(super) fn two_identities() -> Blueprint {
    const MACHINE: Account = Account { name: "LAB-PC$", password: "only-good-on-loopback-too" };
    let people = ProxyPlan::open("people").gate(Gate::Basic(USER));
    let machines = ProxyPlan::open("machines").gate(Gate::Digest(MACHINE, DIGEST));
    let mut blueprint = Blueprint::default()
        .user(USER)
        .as_both(people)
        .expect(EVERYTHING, "blocked", "pauth.rejected")
        .route(&machines, Identity::Device, SchemeChoice::Auto)
        .as_user(machines)
        .expect(EVERYTHING, "blocked", "pauth.rejected");
    blueprint.device = Some(MACHINE);
    blueprint
}
