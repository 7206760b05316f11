//! Handshakes that break and chains that lead elsewhere.

use std::time::Duration;

use jiff::ToSpan;

use crate::catalogue::TrustClass;
use crate::lab::authority::{Inspector, Oddity, Shown};
use crate::lab::blueprint::Blueprint;
use crate::lab::origin::{Breakage, ClientCertificate, Tls};

pub(super) fn broken_handshakes() -> Blueprint {
    /// A page in the clear where TLS should be.
    const PAGE: &[u8] = b"HTTP/1.1 400 Bad Request\r\nContent-Length: 15\r\n\r\n<html>no</html>";
    /// A `ServerHello` that chooses TLS 1.1: version, 32 bytes of randomness, no session, a suite, no compression.
    const OLD: &[u8] = b"\x16\x03\x02\x00\x2a\x02\x00\x00\x26\x03\x02\
        0123456789abcdef0123456789abcdef\x00\x00\x2f\x00";
    Blueprint::direct()
        .broken("v10c", Breakage::ResetAfterFirstBytes)
        .broken("v10", Breakage::CloseAfterFirstBytes)
        .broken("v10-vortex-win", Breakage::Silent)
        .expect(&["v10c", "v10", "v10-vortex-win"], "blocked", "tls.ip_filtered")
        .broken("vortex-win", Breakage::Speaks(PAGE))
        .expect(&["vortex-win"], "blocked", "tls.plaintext_reply")
        .broken("settings-win", Breakage::Speaks(b"SSH-2.0-OpenSSH_9.2\r\n"))
        .expect(&["settings-win"], "blocked", "tls.not_tls")
        .broken("watson", Breakage::Speaks(b"\x15\x03\x03\x00\x02\x02\x28"))
        .expect(&["watson"], "blocked", "tls.alert.handshake_failure")
        .broken("oca", Breakage::Speaks(b"\x15\x03\x03\x00\x02\x02\x70"))
        .expect(&["oca"], "blocked", "tls.alert.unrecognized_name")
        .broken("login-live", Breakage::Speaks(b"\x15\x03\x03\x00\x02\x02\x31"))
        .expect(&["login-live"], "blocked", "tls.alert.access_denied")
        .broken("ceuswatcab01", Breakage::Speaks(OLD))
        .expect(&["ceuswatcab01"], "blocked", "tls.legacy_only")
        .budget(|budget| budget.tls = Duration::from_secs(2))
}

pub(super) fn odd_handshakes() -> Blueprint {
    let asking = |client_certificate| move |tls| Tls { client_certificate, ..tls };
    Blueprint::direct()
        .tls("v10c", |tls| Tls { only_tls12: true, ..tls })
        .tls("v10", asking(ClientCertificate::Wanted))
        .tls("vortex-win", asking(ClientCertificate::Required))
        .tls("settings-win", |tls| Tls { only_tls12: true, client_certificate: ClientCertificate::Wanted, ..tls })
        .tls("login-live", |tls| Tls { only_tls12: true, client_certificate: ClientCertificate::Required, ..tls })
        .expect(&["v10", "vortex-win", "settings-win", "login-live"], "degraded", "tls.client_cert_wanted")
        .tls("watson", show(Shown::SomebodyElses))
        .expect(&["watson"], "blocked", "tls.bad_signature")
        .tls("oca", |tls| Tls { shown: Shown::SomebodyElses, only_tls12: true, ..tls })
        .expect(&["oca"], "blocked", "tls.bad_signature")
}

pub(super) fn odd_chains() -> Blueprint {
    Blueprint::direct()
        .tls("v10c", show(Shown::Expired))
        .expect(&["v10c"], "blocked", "chain.expired")
        .tls("v10", show(Shown::NotYetValid))
        .expect(&["v10"], "blocked", "chain.not_yet_valid")
        .tls("v10-vortex-win", show(Shown::WrongName))
        .expect(&["v10-vortex-win"], "blocked", "chain.name_mismatch")
        .tls("vortex-win", show(Shown::OtherClass))
        .tls("settings-win", show(Shown::OtherPublicRoot))
        .expect(&["vortex-win", "settings-win"], "inconclusive", "chain.wrong_class")
        .tls("login-live", show(Shown::OtherClass))
        .tls("ceuswatcab01", show(Shown::OtherPublicRoot))
        .expect(&["login-live", "ceuswatcab01"], "degraded", "chain.wrong_class")
        .tls("watson", show(Shown::WithoutIssuer))
        .expect(&["watson"], "inconclusive", "chain.incomplete")
        .tls("eaus2watcab01", show(Shown::NotForServers))
        .expect(&["eaus2watcab01"], "blocked", "chain.eku")
        .tls("eaus2watcab02", show(Shown::OutsideConstraints))
        .expect(&["eaus2watcab02"], "blocked", "chain.constraints")
        .tls("weus2watcab01", show(Shown::Unreadable))
        .expect(&["weus2watcab01"], "inconclusive", "chain.unparsable")
}

/// A firewall inspects, without any proxy, and every kind of forgery there is.
pub(super) fn inspected_directly() -> Blueprint {
    Blueprint::direct()
        .tls("v10c", show(Shown::ResignedBy(Inspector::Corporate)))
        .tls("v10", show(Shown::ResignedAndExpired(Inspector::Corporate)))
        .expect(&["v10c", "v10"], "intercepted", "intercepted.trusted")
        .tls("vortex-win", show(Shown::ResignedBy(Inspector::Unknown)))
        .tls("settings-win", show(Shown::ResignedAndExpired(Inspector::Unknown)))
        .tls("watson", show(Shown::SelfSigned))
        .tls("oca", show(Shown::SameNamesOtherKeys))
        .tls("login-live", show(Shown::WithoutIssuerOrAddress))
        .expect(&["vortex-win", "settings-win", "watson", "oca", "login-live"], "intercepted", "intercepted.untrusted")
}

/// What stands above a leaf does not depend on what was sent beside it, in which order, or under which names.
pub(super) fn sent_oddly() -> Blueprint {
    Blueprint::direct()
        .tls("v10c", show(Shown::Oddly(Oddity::Disordered)))
        .tls("v10", show(Shown::Oddly(Oddity::Crowded)))
        .tls("v10-vortex-win", show(Shown::Oddly(Oddity::CrossSigned)))
        .tls("login-live", |tls| Tls { shown: Shown::Oddly(Oddity::Disordered), only_tls12: true, ..tls })
        .tls("vortex-win", show(Shown::Oddly(Oddity::CrossSignedAlone)))
        .tls("settings-win", show(Shown::ResignedBy(Inspector::Namesake)))
        .expect(&["vortex-win", "settings-win"], "intercepted", "intercepted.trusted")
        .tls("watson", show(Shown::Oddly(Oddity::SameKeyIdentifier)))
        .expect(&["watson"], "intercepted", "intercepted.untrusted")
        .tls("ceuswatcab01", show(Shown::Oddly(Oddity::SignedByAServer)))
        .tls("ceuswatcab02", show(Shown::Oddly(Oddity::UnknownCritical)))
        .expect(&["ceuswatcab01", "ceuswatcab02"], "blocked", "chain.constraints")
        .tls("eaus2watcab01", show(Shown::Oddly(Oddity::IssuerExpired)))
        .expect(&["eaus2watcab01"], "blocked", "chain.expired")
        .tls("eaus2watcab02", show(Shown::Oddly(Oddity::Nothing)))
        .expect(&["eaus2watcab02"], "inconclusive", "chain.unparsable")
}

/// An antivirus program opens every connection of this machine.
pub(super) fn antivirus() -> Blueprint {
    let hosts = ["v10c", "v10", "v10-vortex-win", "vortex-win", "settings-win", "watson", "oca", "login-live"];
    hosts
        .into_iter()
        .fold(Blueprint::direct(), |blueprint, host| blueprint.tls(host, show(Shown::ResignedBy(Inspector::Antivirus))))
        .expect(&hosts, "intercepted", "intercepted.trusted")
}

/// A sign-in page stands before everything, until somebody signs in. It does not even claim to be the service.
/// Windows takes the name in the subject, and so does this check: what decides is whose root it leads to.
pub(super) fn inspection_by_subject() -> Blueprint {
    let inspected = ["v10c", "v10", "vortex-win", "settings-win"];
    inspected
        .into_iter()
        .fold(Blueprint::direct(), |blueprint, host| {
            blueprint.tls(host, show(Shown::ResignedBySubject(Inspector::Corporate)))
        })
        .expect(&inspected, "intercepted", "intercepted.trusted")
        .tls("watson", show(Shown::ResignedForAnother(Inspector::Corporate)))
        .expect(&["watson"], "intercepted", "intercepted.trusted")
        .tls("oca", show(Shown::GenuineBySubject))
}

pub(super) fn sign_in_page() -> Blueprint {
    let hosts = ["v10c", "v10", "v10-vortex-win", "vortex-win", "settings-win", "watson", "oca", "login-live"];
    hosts.into_iter().fold(Blueprint::direct(), |blueprint, host| blueprint.tls(host, show(Shown::Stranger))).expect(
        &hosts,
        "intercepted",
        "intercepted.untrusted",
    )
}

/// Everything is genuine, and this machine's own programs cannot tell.
pub(super) fn missing_root() -> Blueprint {
    Blueprint { missing_roots: vec![TrustClass::MicrosoftPublic], ..Blueprint::direct() }
}

/// Signatures that nobody here can check: whose they are stays open, whoever made them.
pub(super) fn strange_signatures() -> Blueprint {
    Blueprint::direct()
        .tls("v10c", show(Shown::SignedStrangely))
        .tls("login-live", show(Shown::SignedStrangely))
        .tls("v10", show(Shown::IssuedStrangely))
        .tls("vortex-win", show(Shown::ResignedStrangely(Inspector::Corporate)))
        .tls("settings-win", show(Shown::ResignedStrangely(Inspector::Unknown)))
        .expect(&["v10c", "login-live", "v10", "vortex-win", "settings-win"], "inconclusive", "chain.unchecked")
}

/// This machine's clock is more than a year ahead; every peer says so.
pub(super) fn wrong_clock() -> Blueprint {
    let mut blueprint = Blueprint::direct().expect(&["*"], "blocked", "chain.clock_skew").expect(&["adl"], "ok", "ok");
    blueprint.clock_ahead = 400.days();
    blueprint
}

fn show(shown: Shown) -> impl FnOnce(Tls) -> Tls {
    move |tls| Tls { shown, ..tls }
}
