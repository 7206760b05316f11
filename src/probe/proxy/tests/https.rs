//! Proxies behind TLS, and whether this machine accepts who they are.

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::TlsAcceptor;

use super::*;
use crate::net::Clock;

const BASIC: &str = "Basic realm=\"proxy\"";

/// An authority, and a proxy that shows its certificate for `name`.
fn proxy_named(name: &str) -> (CertificateDer<'static>, TlsAcceptor) {
    let mut authority = CertificateParams::default();
    authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let authority = CertifiedIssuer::self_signed(authority, KeyPair::generate().expect("a key")).expect("an authority");
    let key = KeyPair::generate().expect("a key");
    let leaf = CertificateParams::new(vec![name.to_owned()]).expect("a name");
    let leaf = leaf.signed_by(&key, &authority).expect("a certificate");
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let key = PrivateKeyDer::try_from(key.serialize_der()).expect("a key");
    let server = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("suites for both versions")
        .with_no_client_auth()
        .with_single_cert(vec![leaf.der().clone()], key)
        .expect("a certificate and its key");
    (authority.der().clone(), TlsAcceptor::from(Arc::new(server)))
}

/// A machine whose store holds `root`; the password would not go over a clear connection.
fn trusting(root: Option<CertificateDer<'static>>) -> Context {
    let mut context = context(Access { basic_cleartext: false, ..anna() });
    let mut roots = rustls::RootCertStore::empty();
    if let Some(root) = root {
        roots.add(root).expect("a root");
    }
    context.machine_roots = Arc::new(roots);
    context
}

fn challenged() -> Vec<Turn> {
    vec![Turn::Hear, Turn::say(challenge(&[BASIC])), Turn::Hear, Turn::say(OPENED), Turn::Echo]
}

async fn open(peer: &Peer, identity: Identity, context: &Context) -> Told<Connection> {
    tunnel(&route(&peer.proxy(), identity, SchemeChoice::Auto), context).await
}

#[tokio::test]
async fn an_accepted_proxy_gets_the_password_and_basic_needs_no_leave() {
    let (root, tls) = proxy_named("127.0.0.1");
    let peer = Peer::playing_behind(tls, vec![challenged()]).await;
    let told = open(&peer, Identity::User, &trusting(Some(root))).await;
    assert_eq!((told.fault(), told.evidence.scheme), (None, Some(Scheme::Basic)));
    let seen = told.evidence.tls.as_ref().expect("a handshake");
    assert_eq!((seen.server_name.as_str(), seen.version.as_deref()), ("127.0.0.1", Some("TLS 1.3")));
    assert_eq!((seen.chain.len(), seen.detail.as_deref()), (1, None));
    assert!(works(told.result.expect("a tunnel")).await);
}

#[tokio::test]
async fn a_proxy_that_this_machine_does_not_accept_gets_no_request_with_a_login_behind_it() {
    let (root, tls) = proxy_named("127.0.0.1");
    let (other_root, other_tls) = proxy_named("proxy.example");
    let mut earlier = trusting(Some(root.clone()));
    earlier.net.clock = Clock::Fixed("1970-01-02T00:00:00Z".parse().expect("a moment"));
    for (context, tls, why) in [
        (trusting(None), tls.clone(), "UnknownIssuer"),
        (trusting(Some(other_root)), other_tls, "not valid for name"),
        (earlier, tls, "not valid yet"),
    ] {
        let peer = Peer::playing_behind(tls, vec![challenged()]).await;
        let told = open(&peer, Identity::User, &context).await;
        let Some(Fault::ProxyCertificateRejected { detail }) = told.fault() else { panic!("{:?}", told.fault()) };
        assert!(detail.contains(why), "{detail}");
        assert!(peer.heard().is_empty() && told.evidence.legs.is_empty());
        assert_eq!(told.evidence.tls.expect("a handshake").chain.len(), 1);
    }
}

#[tokio::test]
async fn a_bare_connect_has_nothing_to_lose_and_the_objection_is_noted() {
    let (_, tls) = proxy_named("127.0.0.1");
    let peer = Peer::playing_behind(tls, vec![opens()]).await;
    let told = open(&peer, Identity::Bypass, &trusting(None)).await;
    assert_eq!(peer.heard(), [BARE]);
    assert!(told.evidence.tls.as_ref().is_some_and(|seen| seen.detail.is_some()));
    assert!(works(told.result.expect("a tunnel")).await);
}

#[tokio::test]
async fn a_proxy_that_closes_after_its_challenge_is_greeted_anew() {
    let (root, tls) = proxy_named("127.0.0.1");
    let closing = challenge(&[BASIC]).replace("Content-Length", "Connection: close\r\nContent-Length");
    let peer = Peer::playing_behind(tls, vec![vec![Turn::Hear, Turn::say(closing)], opens()]).await;
    let told = open(&peer, Identity::User, &trusting(Some(root))).await;
    assert_eq!(told.legs(), [(1, None, Some(407), false), (2, Some(Scheme::Basic), Some(200), true)]);
    assert!(works(told.result.expect("a tunnel")).await);
}

#[tokio::test]
async fn a_clear_text_proxy_under_an_https_address_fails_in_the_handshake() {
    let peer = Peer::playing(vec![vec![Turn::say("HTTP/1.1 400 Bad Request\r\n\r\n"), Turn::Hold]]).await;
    let proxy = peer.address().replace("http://", "https://").parse().expect("a proxy's address");
    let told = tunnel(&route(&proxy, Identity::Bypass, SchemeChoice::Auto), &trusting(None)).await;
    assert_eq!(told.fault(), Some(&Fault::PlaintextReply));
    assert!(told.evidence.tls.is_some_and(|seen| seen.first_bytes.starts_with(b"HTTP/1.1 400")));
}
