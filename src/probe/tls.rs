//! A handshake that records the chain and the signature, whoever it is that answers.
//!
//! The verifier accepts every certificate and every signature, so that the chain of an interceptor, of a stranger and of
//! an expired server is all evidence. What may follow on such a connection is one small GET, never a credential.

use std::collections::HashMap;
use std::io;
use std::ops::RangeInclusive;
use std::sync::{Arc, LazyLock, Mutex, PoisonError};

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, WebPkiSupportedAlgorithms, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{ClientConfig, DigitallySignedStruct, SignatureScheme};
use tokio::time::timeout;
use tokio_rustls::TlsConnector;

use super::hello::Hello;
use super::stream::{Connection, Seen, Tee};
use super::{Context, StageOutcome};
use crate::certificate::{Certificate, PublicKey};
use crate::observation::{Evidence, Fault, Signature, TlsEvidence};

/// The RSA keys, in bits, whose handshake signatures the TLS library checks.
const CHECKED_RSA_KEYS: RangeInclusive<usize> = 2048..=8192;

static PROVIDER: LazyLock<Arc<CryptoProvider>> =
    LazyLock::new(|| Arc::new(rustls::crypto::aws_lc_rs::default_provider()));

/// Each distinct certificate once, however many peers show it.
#[derive(Debug, Default)]
pub(super) struct CertificatePool(Mutex<HashMap<Vec<u8>, Certificate>>);

impl CertificatePool {
    fn intern(&self, der: &CertificateDer<'_>) -> Certificate {
        let mut pool = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = pool.get(der.as_ref()) {
            return known.clone();
        }
        let certificate = Certificate::from_der(der.to_vec());
        pool.insert(der.to_vec(), certificate.clone());
        certificate
    }
}

/// Draws the library's first randomness while the configuration is still being read.
pub fn warm_up() {
    let mut byte = [0];
    let _ = PROVIDER.secure_random.fill(&mut byte);
}

/// Shakes hands for `name`, and lets every certificate through.
pub(super) async fn shake_hands(
    stream: Connection,
    (name, hello): (&str, Hello),
    context: &Context,
) -> StageOutcome<Connection> {
    let (stream, evidence) = record(hello.over(stream), (name, hello), context).await;
    let evidence = Evidence::Tls(evidence);
    match stream {
        Ok(carry) => StageOutcome::Passed { carry, evidence },
        Err(fault) => StageOutcome::Stopped { fault, evidence },
    }
}

/// The same for whoever has to look at the chain before going on.
pub(super) async fn record(
    stream: Connection,
    (name, hello): (&str, Hello),
    context: &Context,
) -> (Result<Connection, Fault>, Box<TlsEvidence>) {
    let watch = Arc::new(Watch::new(PROVIDER.signature_verification_algorithms));
    let (stream, seen) = Tee::new(stream);
    let server_name = match ServerName::try_from(name.to_owned()) {
        Ok(name) => name,
        Err(error) => {
            let fault = Fault::Unrecognised { detail: format!("'{name}' cannot be a TLS server name: {error}") };
            return (Err(fault), watch.evidence(name, None, &seen, context));
        }
    };
    let connector = TlsConnector::from(Arc::new(configuration(&watch, hello)));
    match timeout(context.plan.budget.tls, connector.connect(server_name, stream)).await {
        Ok(Ok(stream)) => {
            let evidence = watch.evidence(name, Some(stream.get_ref().1), &seen, context);
            (Ok(Box::new(stream)), evidence)
        }
        Ok(Err(error)) => (Err(fault(&error, &seen)), watch.evidence(name, None, &seen, context)),
        Err(_) => (Err(Fault::TimedOut { received: seen.count() }), watch.evidence(name, None, &seen, context)),
    }
}

fn configuration(watch: &Arc<Watch>, hello: Hello) -> ClientConfig {
    let mut configuration = ClientConfig::builder_with_provider(hello.provider(&PROVIDER))
        .with_protocol_versions(hello.versions())
        .expect("the provider has suites for both versions")
        .dangerous()
        .with_custom_certificate_verifier(watch.clone())
        .with_client_cert_resolver(watch.clone());
    configuration.alpn_protocols = hello.protocols();
    // A resumed handshake shows no chain.
    configuration.resumption = rustls::client::Resumption::disabled();
    configuration
}

/// The verifier of one handshake: notes everything, refuses nothing.
#[derive(Debug)]
struct Watch {
    algorithms: WebPkiSupportedAlgorithms,
    notes: Mutex<Notes>,
}

#[derive(Debug, Default)]
struct Notes {
    chain: Vec<CertificateDer<'static>>,
    signature: Option<Signature>,
    stapled_ocsp: bool,
    client_certificate_wanted: bool,
}

impl Watch {
    fn new(algorithms: WebPkiSupportedAlgorithms) -> Self {
        Self { algorithms, notes: Mutex::default() }
    }

    fn notes(&self) -> std::sync::MutexGuard<'_, Notes> {
        self.notes.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn note_signature(
        &self,
        certificate: &CertificateDer<'_>,
        scheme: SignatureScheme,
        checked: Result<HandshakeSignatureValid, rustls::Error>,
    ) -> HandshakeSignatureValid {
        let scheme = scheme.as_str().map_or_else(|| format!("{scheme:?}"), str::to_owned);
        self.notes().signature = Some(match checked {
            Ok(_) => Signature::Verified { scheme },
            Err(error) => signature_problem(certificate, scheme, &error),
        });
        HandshakeSignatureValid::assertion()
    }

    fn evidence(
        &self,
        name: &str,
        session: Option<&rustls::ClientConnection>,
        seen: &Seen,
        context: &Context,
    ) -> Box<TlsEvidence> {
        let notes = self.notes();
        let start = seen.start();
        let is_tls = matches!(start.first(), Some(20..=23));
        Box::new(TlsEvidence {
            server_name: name.to_owned(),
            version: session.and_then(|session| session.protocol_version()?.as_str()).map(spoken),
            cipher_suite: session
                .and_then(|session| session.negotiated_cipher_suite()?.suite().as_str())
                .map(str::to_owned),
            key_exchange: session
                .and_then(|session| session.negotiated_key_exchange_group()?.name().as_str())
                .map(str::to_owned),
            alpn: session
                .and_then(|session| session.alpn_protocol())
                .map(|name| String::from_utf8_lossy(name).into_owned()),
            chain: notes.chain.iter().map(|der| context.certificates.intern(der)).collect(),
            signature: notes.signature.clone().unwrap_or(Signature::NotAsked),
            client_certificate_wanted: notes.client_certificate_wanted,
            hello_retried: session.and_then(|session| session.handshake_kind())
                == Some(rustls::HandshakeKind::FullWithHelloRetryRequest),
            stapled_ocsp: notes.stapled_ocsp,
            first_bytes: if is_tls { Vec::new() } else { start },
            detail: None,
        })
    }
}

/// `TLS 1.2`, where the library says `TLSv1_2`.
fn spoken(version: &str) -> String {
    version.replace("TLSv", "TLS ").replace('_', ".")
}

impl ServerCertVerifier for Watch {
    fn verify_server_cert(
        &self,
        leaf: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        let mut notes = self.notes();
        notes.chain = std::iter::once(leaf).chain(intermediates).map(|der| der.clone().into_owned()).collect();
        notes.stapled_ocsp = !ocsp_response.is_empty();
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let checked = verify_tls12_signature(message, certificate, signature, &self.algorithms);
        Ok(self.note_signature(certificate, signature.scheme, checked))
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let checked = verify_tls13_signature(message, certificate, signature, &self.algorithms);
        Ok(self.note_signature(certificate, signature.scheme, checked))
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.algorithms.supported_schemes()
    }
}

/// Has no certificate to give, and notes that one was asked for.
impl rustls::client::ResolvesClientCert for Watch {
    fn resolve(
        &self,
        _root_hint_subjects: &[&[u8]],
        _sigschemes: &[SignatureScheme],
    ) -> Option<Arc<rustls::sign::CertifiedKey>> {
        self.notes().client_certificate_wanted = true;
        None
    }

    fn has_certs(&self) -> bool {
        true
    }
}

/// A wrong signature under a usable key is a forgery; one that cannot be checked is only not proved.
fn signature_problem(certificate: &CertificateDer<'_>, scheme: String, error: &rustls::Error) -> Signature {
    let wrong = matches!(error, rustls::Error::InvalidCertificate(rustls::CertificateError::BadSignature));
    match rsa_key_bits(certificate) {
        _ if !wrong => Signature::NotChecked { scheme, detail: error.to_string() },
        // The library refuses other keys with the same error as a forged signature.
        Some(bits) if !CHECKED_RSA_KEYS.contains(&bits) => {
            let detail = format!(
                "the leaf's RSA key has {bits} bits, and only keys of {} to {} bits are checked",
                CHECKED_RSA_KEYS.start(),
                CHECKED_RSA_KEYS.end()
            );
            Signature::NotChecked { scheme, detail }
        }
        _ => Signature::Wrong { scheme },
    }
}

fn rsa_key_bits(certificate: &CertificateDer<'_>) -> Option<usize> {
    match Certificate::from_der(certificate.to_vec()).fields()?.public_key {
        PublicKey::Rsa { bits } => Some(bits),
        PublicKey::Ec { .. } | PublicKey::Other => None,
    }
}

fn fault(error: &io::Error, seen: &Seen) -> Fault {
    let received = seen.count();
    if let Some(error) = error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>()) {
        return match error {
            rustls::Error::AlertReceived(alert) => Fault::Alert { code: u8::from(*alert) },
            rustls::Error::PeerIncompatible(rustls::PeerIncompatible::ServerDoesNotSupportTls12Or13) => {
                Fault::OldTlsOnly
            }
            rustls::Error::PeerMisbehaved(rustls::PeerMisbehaved::AttemptedDowngradeToTls12WhenTls13IsSupported) => {
                Fault::DowngradeMark
            }
            rustls::Error::NoCertificatesPresented => Fault::NoCertificate,
            rustls::Error::InvalidMessage(_) => not_tls(&seen.start(), error),
            other => Fault::HandshakeFailed { detail: other.to_string() },
        };
    }
    match error.kind() {
        io::ErrorKind::ConnectionReset | io::ErrorKind::ConnectionAborted | io::ErrorKind::BrokenPipe => {
            Fault::ResetByPeer { received }
        }
        io::ErrorKind::UnexpectedEof => Fault::ClosedByPeer { received },
        _ => Fault::Unrecognised { detail: error.to_string() },
    }
}

/// What the peer speaks, when it is not TLS.
fn not_tls(start: &[u8], error: &rustls::Error) -> Fault {
    let text = start.trim_ascii_start();
    let is_http = text.starts_with(b"HTTP/") || text.first() == Some(&b'<');
    match start.first() {
        _ if is_http => Fault::PlaintextReply,
        Some(20..=23) => Fault::HandshakeFailed { detail: error.to_string() },
        _ => Fault::NotTls,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hellos_are_as_long_as_they_are_meant_to_be() {
        let length = |hello| {
            let watch = Arc::new(Watch::new(PROVIDER.signature_verification_algorithms));
            let name = ServerName::try_from("v10c.events.data.microsoft.com").expect("a name");
            let configuration = Arc::new(configuration(&watch, hello));
            let mut client = rustls::ClientConnection::new(configuration, name).expect("a client");
            let mut bytes = Vec::new();
            client.write_tls(&mut bytes).expect("memory takes everything");
            bytes.len()
        };
        let usual = length(Hello::Usual);
        assert!(length(Hello::Small) + 40 < usual, "{} and {usual}", length(Hello::Small));
        assert!(length(Hello::Padded).abs_diff(usual) < 8, "{} and {usual}", length(Hello::Padded));
        assert!(usual < 512 && length(Hello::Large) > 1400, "{usual} and {}", length(Hello::Large));
    }

    /// An RSA key of so many bits; nobody knows its private half.
    struct Modulus(Vec<u8>);

    impl Modulus {
        fn of_bits(bits: usize) -> Self {
            let mut modulus = vec![0xff; bits.div_ceil(8)];
            modulus[0] >>= (8 - bits % 8) % 8;
            if modulus[0] & 0x80 != 0 {
                modulus.insert(0, 0);
            }
            let integers = [der(0x02, &modulus), der(0x02, &[1, 0, 1])].concat();
            Self(der(0x30, &integers))
        }
    }

    /// One DER value of 128 to 65535 bytes, or of fewer than 128.
    fn der(tag: u8, content: &[u8]) -> Vec<u8> {
        let length = u16::try_from(content.len()).expect("a short value").to_be_bytes();
        let header = if content.len() < 128 { vec![tag, length[1]] } else { vec![tag, 0x82, length[0], length[1]] };
        [header.as_slice(), content].concat()
    }

    impl rcgen::PublicKeyData for Modulus {
        fn der_bytes(&self) -> &[u8] {
            &self.0
        }

        fn algorithm(&self) -> &'static rcgen::SignatureAlgorithm {
            &rcgen::PKCS_RSA_SHA256
        }
    }

    fn leaf_with_key_of(bits: usize) -> CertificateDer<'static> {
        let key = rcgen::KeyPair::generate().expect("a key");
        let params = || rcgen::CertificateParams::new(vec!["host.example".to_owned()]).expect("a name");
        let issuer = rcgen::Issuer::new(params(), key);
        params().signed_by(&Modulus::of_bits(bits), &issuer).expect("a certificate").der().clone()
    }

    #[test]
    fn a_signature_is_called_wrong_only_under_a_key_that_the_library_checks() {
        let refused = rustls::Error::InvalidCertificate(rustls::CertificateError::BadSignature);
        let answer = |bits| signature_problem(&leaf_with_key_of(bits), "RSA_PSS_SHA256".into(), &refused);
        for bits in [2048, 2049, 3072, 4096, 8191, 8192] {
            assert!(matches!(answer(bits), Signature::Wrong { .. }), "{bits} bits");
        }
        for bits in [1024, 2040, 2047, 8193, 8199, 8200, 16_384] {
            let Signature::NotChecked { detail, .. } = answer(bits) else { panic!("{bits} bits were judged") };
            assert!(detail.contains(&format!("{bits} bits")), "{detail}");
        }
    }
}
