//! TLS to the proxy itself, and whether this machine accepts the proxy's certificate.

use rustls::RootCertStore;
use rustls::client::{verify_server_cert_signed_by_trust_anchor, verify_server_name};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;

use crate::observation::{Fault, Signature, TlsEvidence};
use crate::plan::Proxy;
use crate::probe::hello::Hello;
use crate::probe::stream::Connection;
use crate::probe::{Context, tls};

/// Shakes hands with the proxy; the evidence's `detail` says why this machine does not accept it, if so.
pub(super) async fn shake_hands(
    stream: Connection,
    proxy: &Proxy,
    context: &Context,
) -> (Result<Connection, Fault>, Box<TlsEvidence>) {
    let (stream, mut evidence) = tls::record(stream, (&proxy.host, Hello::Usual), context).await;
    if stream.is_ok() {
        evidence.detail = objection(&evidence, &proxy.host, context);
    }
    (stream, evidence)
}

/// What a careful client would hold against this handshake.
fn objection(seen: &TlsEvidence, host: &str, context: &Context) -> Option<String> {
    match &seen.signature {
        Signature::Verified { .. } => {}
        Signature::NotAsked => return Some("the proxy did not prove that it holds its certificate's key".to_owned()),
        Signature::Wrong { .. } => return Some("the handshake's signature is wrong".to_owned()),
        Signature::NotChecked { detail, .. } => {
            return Some(format!("the handshake's signature cannot be checked: {detail}"));
        }
    }
    let chain: Vec<CertificateDer<'_>> =
        seen.chain.iter().map(|certificate| CertificateDer::from(certificate.der())).collect();
    let now = u64::try_from(context.net.clock.now().as_second()).unwrap_or_default();
    let now = UnixTime::since_unix_epoch(std::time::Duration::from_secs(now));
    verify(&chain, host, &context.machine_roots, now).err().map(|error| error.to_string())
}

fn verify(chain: &[CertificateDer<'_>], host: &str, roots: &RootCertStore, now: UnixTime) -> Result<(), rustls::Error> {
    let (leaf, intermediates) = chain.split_first().ok_or(rustls::Error::NoCertificatesPresented)?;
    let leaf = ParsedCertificate::try_from(leaf)?;
    let algorithms = rustls::crypto::aws_lc_rs::default_provider().signature_verification_algorithms.all;
    verify_server_cert_signed_by_trust_anchor(&leaf, roots, intermediates, now, algorithms)?;
    let name = ServerName::try_from(host).map_err(|error| rustls::Error::General(error.to_string()))?;
    verify_server_name(&leaf, &name)
}
