//! Did this key sign that certificate?
//!
//! In: a certificate and a public key. Out: [`Signed`]. Old algorithms (SHA-1, RSA of 1024 bits) are checked here too: a
//! weak signature still says who made it, and whether it is good enough is another question.

use aws_lc_rs::signature::{self as algorithms, UnparsedPublicKey, VerificationAlgorithm};
use x509_parser::der_parser::{Oid, oid};
use x509_parser::prelude::{FromDer, X509Certificate};
use x509_parser::signature_algorithm::RsaSsaPssParams;
use x509_parser::x509::{AlgorithmIdentifier, SubjectPublicKeyInfo};

use crate::certificate::{Certificate, Fields, PublicKey};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Signed {
    Yes,
    No,
    /// The algorithm or the key is not one that can be checked: nothing is known.
    Unusable,
}

/// The digest of a signature.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Digest {
    Sha1,
    Sha256,
    Sha384,
    Sha512,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Padding {
    Pkcs1(Digest),
    Pss(Digest),
    Ecdsa(Digest),
    Ed25519,
}

/// Whether `certificate` was signed with the private half of `issuer`'s key. Names and dates do not matter.
pub(super) fn signed_by(certificate: &Certificate, issuer: &Fields) -> Signed {
    let Ok((_, parsed)) = X509Certificate::from_der(certificate.der()) else { return Signed::Unusable };
    let Ok((_, key)) = SubjectPublicKeyInfo::from_der(&issuer.spki_der) else { return Signed::Unusable };
    let Some(padding) = padding(&parsed.signature_algorithm) else { return Signed::Unusable };
    let algorithm = match algorithm(padding, &key, issuer.public_key) {
        Fit::Algorithm(algorithm) => algorithm,
        Fit::OtherKind => return Signed::No,
        Fit::Unknown => return Signed::Unusable,
    };
    let key = UnparsedPublicKey::new(algorithm, &key.subject_public_key.data);
    match key.verify(parsed.tbs_certificate.as_ref(), &parsed.signature_value.data) {
        Ok(()) => Signed::Yes,
        Err(_) => Signed::No,
    }
}

/// Whether the signature on `certificate` uses SHA-1.
pub(super) fn is_sha1(parsed: &X509Certificate<'_>) -> bool {
    matches!(
        padding(&parsed.signature_algorithm),
        Some(Padding::Pkcs1(Digest::Sha1) | Padding::Pss(Digest::Sha1) | Padding::Ecdsa(Digest::Sha1))
    )
}

/// The algorithm of the signature on `certificate`, when it is none that can be checked here.
pub(super) fn unknown_algorithm(certificate: &Certificate) -> Option<String> {
    let (_, parsed) = X509Certificate::from_der(certificate.der()).ok()?;
    padding(&parsed.signature_algorithm).is_none().then(|| parsed.signature_algorithm.algorithm.to_id_string())
}

enum Fit {
    Algorithm(&'static dyn VerificationAlgorithm),
    /// A key of this kind cannot have made such a signature.
    OtherKind,
    Unknown,
}

fn algorithm(padding: Padding, key: &SubjectPublicKeyInfo<'_>, kind: PublicKey) -> Fit {
    use Digest::{Sha1, Sha256, Sha384, Sha512};
    let is_ed25519 = key.algorithm.algorithm == oid!(1.3.101.112);
    let found: &'static dyn VerificationAlgorithm = match (padding, kind) {
        (Padding::Pkcs1(Sha1), PublicKey::Rsa { bits: 1024..=8192 }) => {
            &algorithms::RSA_PKCS1_1024_8192_SHA1_FOR_LEGACY_USE_ONLY
        }
        (Padding::Pkcs1(Sha256), PublicKey::Rsa { bits: 1024..=8192 }) => {
            &algorithms::RSA_PKCS1_1024_8192_SHA256_FOR_LEGACY_USE_ONLY
        }
        (Padding::Pkcs1(Sha384), PublicKey::Rsa { bits: 2048..=8192 }) => &algorithms::RSA_PKCS1_2048_8192_SHA384,
        (Padding::Pkcs1(Sha512), PublicKey::Rsa { bits: 1024..=8192 }) => {
            &algorithms::RSA_PKCS1_1024_8192_SHA512_FOR_LEGACY_USE_ONLY
        }
        (Padding::Pss(Sha256), PublicKey::Rsa { bits: 2048..=8192 }) => &algorithms::RSA_PSS_2048_8192_SHA256,
        (Padding::Pss(Sha384), PublicKey::Rsa { bits: 2048..=8192 }) => &algorithms::RSA_PSS_2048_8192_SHA384,
        (Padding::Pss(Sha512), PublicKey::Rsa { bits: 2048..=8192 }) => &algorithms::RSA_PSS_2048_8192_SHA512,
        (Padding::Ecdsa(digest), PublicKey::Ec { .. }) => match (curve(&key.algorithm), digest) {
            (Some(256), Sha1) => &algorithms::ECDSA_P256_SHA1_ASN1,
            (Some(256), Sha256) => &algorithms::ECDSA_P256_SHA256_ASN1,
            (Some(256), Sha384) => &algorithms::ECDSA_P256_SHA384_ASN1,
            (Some(256), Sha512) => &algorithms::ECDSA_P256_SHA512_ASN1,
            (Some(384), Sha256) => &algorithms::ECDSA_P384_SHA256_ASN1,
            (Some(384), Sha384) => &algorithms::ECDSA_P384_SHA384_ASN1,
            (Some(384), Sha512) => &algorithms::ECDSA_P384_SHA512_ASN1,
            (Some(521), Sha1) => &algorithms::ECDSA_P521_SHA1_ASN1,
            (Some(521), Sha256) => &algorithms::ECDSA_P521_SHA256_ASN1,
            (Some(521), Sha384) => &algorithms::ECDSA_P521_SHA384_ASN1,
            (Some(521), Sha512) => &algorithms::ECDSA_P521_SHA512_ASN1,
            _ => return Fit::Unknown,
        },
        (Padding::Ed25519, PublicKey::Other) if is_ed25519 => &algorithms::ED25519,
        (Padding::Pkcs1(_) | Padding::Pss(_), PublicKey::Ec { .. })
        | (Padding::Ecdsa(_), PublicKey::Rsa { .. })
        | (Padding::Ed25519, PublicKey::Rsa { .. } | PublicKey::Ec { .. }) => return Fit::OtherKind,
        (Padding::Pkcs1(_) | Padding::Pss(_) | Padding::Ecdsa(_), PublicKey::Other) if is_ed25519 => {
            return Fit::OtherKind;
        }
        _ => return Fit::Unknown,
    };
    Fit::Algorithm(found)
}

fn padding(algorithm: &AlgorithmIdentifier<'_>) -> Option<Padding> {
    let is = |known: Oid<'_>| algorithm.algorithm == known;
    if is(oid!(1.2.840.113549.1.1.5)) || is(oid!(1.3.14.3.2.29)) {
        Some(Padding::Pkcs1(Digest::Sha1))
    } else if is(oid!(1.2.840.113549.1.1.11)) {
        Some(Padding::Pkcs1(Digest::Sha256))
    } else if is(oid!(1.2.840.113549.1.1.12)) {
        Some(Padding::Pkcs1(Digest::Sha384))
    } else if is(oid!(1.2.840.113549.1.1.13)) {
        Some(Padding::Pkcs1(Digest::Sha512))
    } else if is(oid!(1.2.840.113549.1.1.10)) {
        let parameters = RsaSsaPssParams::try_from(algorithm.parameters.as_ref()?).ok()?;
        pss_digest(parameters.hash_algorithm_oid()).map(Padding::Pss)
    } else if is(oid!(1.2.840.10045.4.1)) {
        Some(Padding::Ecdsa(Digest::Sha1))
    } else if is(oid!(1.2.840.10045.4.3.2)) {
        Some(Padding::Ecdsa(Digest::Sha256))
    } else if is(oid!(1.2.840.10045.4.3.3)) {
        Some(Padding::Ecdsa(Digest::Sha384))
    } else if is(oid!(1.2.840.10045.4.3.4)) {
        Some(Padding::Ecdsa(Digest::Sha512))
    } else if is(oid!(1.3.101.112)) {
        Some(Padding::Ed25519)
    } else {
        None
    }
}

fn pss_digest(hash: &Oid<'_>) -> Option<Digest> {
    if *hash == oid!(2.16.840.1.101.3.4.2.1) {
        Some(Digest::Sha256)
    } else if *hash == oid!(2.16.840.1.101.3.4.2.2) {
        Some(Digest::Sha384)
    } else if *hash == oid!(2.16.840.1.101.3.4.2.3) {
        Some(Digest::Sha512)
    } else if *hash == oid!(1.3.14.3.2.26) {
        Some(Digest::Sha1)
    } else {
        None
    }
}

/// The size of the named curve; other curves of the same size are not confused with it.
fn curve(algorithm: &AlgorithmIdentifier<'_>) -> Option<u16> {
    let named = algorithm.parameters.as_ref()?.as_oid().ok()?;
    if named == oid!(1.2.840.10045.3.1.7) {
        Some(256)
    } else if named == oid!(1.3.132.0.34) {
        Some(384)
    } else if named == oid!(1.3.132.0.35) {
        Some(521)
    } else {
        None
    }
}
