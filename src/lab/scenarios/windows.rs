//! Proxies that know people by NTLM, by itself or inside Negotiate.

use crate::lab::account::Account;
use crate::lab::blueprint::Blueprint;
use crate::lab::http::Manner;
use crate::lab::login::{Algorithm, Digest, Gate, Nonces};
use crate::lab::proxy::ProxyPlan;
use crate::lab::scenarios::EVERYTHING;
use crate::lab::story::USER;
use crate::lab::windows::{Carrier, Conduct, Form, Windows};
use crate::plan::{Identity, Scheme, SchemeChoice};

const STRANGER: Account = Account { name: USER.name, password: "not-this-one" };
const NTLM: Windows = Windows { carrier: Carrier::Ntlm, form: Form::Whole, conduct: Conduct::Proper, also: &[] };
const DIGEST: Digest = Digest { algorithm: Some(Algorithm::Md5), with_quality: true, nonces: Nonces::Lasting };
const SPNEGO: Windows = Windows { carrier: Carrier::NegotiateInSpnego, ..NTLM };

fn proxy(name: &'static str, windows: Windows) -> ProxyPlan {
    ProxyPlan::open(name).gate(Gate::Windows(USER, windows))
}

/// Challenges of every form that is in use; all of them work.
pub(super) fn logins() -> Blueprint {
    let form = |form| Windows { form, ..NTLM };
    Blueprint::default()
        .user(USER)
        .as_user(proxy("whole", NTLM))
        .as_user(proxy("timeless", form(Form::Timeless)))
        .as_user(proxy("thirty-two", form(Form::Bare(32))))
        .as_user(proxy("forty", form(Form::Bare(40))))
        .as_user(proxy("forty-eight", form(Form::Bare(48))))
        .as_user(proxy("fifty-six", form(Form::Bare(56))))
        .as_user(proxy("narrow", form(Form::Narrow)))
        .as_user(proxy("beyond", form(Form::Beyond)))
        .as_user(proxy("chunked", NTLM).refuses(Manner::Chunked, false))
        .as_user(proxy("old", NTLM).refuses(Manner::Kept, false))
}

/// A balancer before two nodes, of which one asks and the other is answered.
pub(super) fn split() -> Blueprint {
    Blueprint::default().user(USER).as_user(proxy("split", Windows { conduct: Conduct::Splits, ..NTLM })).expect(
        EVERYTHING,
        "blocked",
        "pauth.lb_split",
    )
}

/// Negotiate without Kerberos, bare and in SPNEGO, alone and beside weaker schemes.
pub(super) fn negotiate() -> Blueprint {
    Blueprint::default()
        .user(USER)
        .as_user(proxy("bare", Windows { carrier: Carrier::Negotiate, ..NTLM }))
        .as_user(proxy("spnego", SPNEGO))
        .as_user(proxy("spnego-short", Windows { form: Form::Bare(32), ..SPNEGO }))
        .as_user(proxy("beside", Windows { also: &["NTLM", "Basic realm=\"lab\""], ..SPNEGO }))
}

/// A tunnel that opens before anybody was asked for a name.
pub(super) fn early() -> Blueprint {
    Blueprint::default().user(USER).as_user(proxy("early", Windows { conduct: Conduct::OpensEarly, ..NTLM }))
}

/// Of the schemes offered the strongest takes no NTLM, and the next does.
pub(super) fn fallback() -> Blueprint {
    Blueprint::default().user(USER).as_user(proxy("kerberos-only", Windows { also: &["Negotiate"], ..NTLM }))
}

/// Challenges that no client can answer, and connections that end too early.
pub(super) fn broken() -> Blueprint {
    let form = |form| Windows { form, ..NTLM };
    let kerberos_only = proxy("kerberos-only", Windows { also: &["Negotiate"], ..NTLM });
    Blueprint::default()
        .user(USER)
        .as_user(proxy("closing", Windows { conduct: Conduct::ClosesWithChallenge, ..NTLM }))
        .expect(EVERYTHING, "blocked", "pauth.ntlm_closed_mid")
        .as_user(proxy("closing-spnego", Windows { conduct: Conduct::ClosesWithChallenge, ..SPNEGO }))
        .expect(EVERYTHING, "blocked", "pauth.ntlm_closed_mid")
        .as_user(proxy("cut", form(Form::Bare(28))))
        .expect(EVERYTHING, "blocked", "proxy.bad_reply")
        .as_user(proxy("talkative", form(Form::Bytes(b"hello"))))
        .expect(EVERYTHING, "blocked", "proxy.bad_reply")
        .as_user(proxy("no-base64", form(Form::Text("a"))))
        .expect(EVERYTHING, "blocked", "proxy.bad_reply")
        .route(&kerberos_only, Identity::User, SchemeChoice::Forced(Scheme::Negotiate))
        // Without a Kerberos of its own the lab cannot say what this proxy would answer to a ticket.
        .expect(EVERYTHING, "not-tested", "x.not_tested")
        .proxy(kerberos_only)
}

/// One password is wrong, the other proxy takes none.
pub(super) fn wrong_password() -> Blueprint {
    Blueprint::default()
        .user(STRANGER)
        .as_user(proxy("ntlm", NTLM))
        .expect(EVERYTHING, "blocked", "pauth.rejected")
        .as_user(proxy("negotiate", SPNEGO))
        .expect(EVERYTHING, "blocked", "pauth.rejected")
        .as_user(proxy("refusing", Windows { conduct: Conduct::Refuses, ..NTLM }))
        .expect(EVERYTHING, "blocked", "pauth.rejected")
}

/// Challenges with pages of the size of a picture, whole and in chunks: the login goes on behind them.
pub(super) fn long_pages() -> Blueprint {
    const PICTURE: usize = 180_000;
    let chunked = |plan: ProxyPlan| plan.refuses(Manner::Chunked, false);
    Blueprint::default()
        .user(USER)
        .as_user(proxy("picture", NTLM).padded(PICTURE))
        .as_user(chunked(proxy("chunks", NTLM).padded(PICTURE)))
        .as_user(chunked(ProxyPlan::open("digest-chunks").gate(Gate::Digest(USER, DIGEST)).padded(PICTURE)))
        .as_user(proxy("largest", NTLM).padded(4_000_000))
}
