//! Did this key sign that certificate?
//!
//! In: a certificate and a public key. Out: [`Signed`], and in words why there was nothing to find out. Old algorithms (SHA-1,
//! RSA of 1024 bits) are checked here too: a weak signature still says who made it, and whether it is good enough is another
//! question. What cannot be checked is never taken for a signature, and never for the lack of one.

mod names;

use aws_lc_rs::signature::{
    self as algorithms, ParsedPublicKey, RsaParameters, RsaPssSaltLength, VerificationAlgorithm,
};
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

/// How a signature was made, as far as it can be checked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Padding {
    Pkcs1(Digest),
    Pss { digest: Digest, salt: u16 },
    Ecdsa(Digest),
    Ed25519,
}

/// Keys of one family make signatures of that family and of no other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Family {
    Rsa,
    /// On whatever curve.
    Ec,
    Ed25519,
    Ed448,
    Dsa,
}

/// Whether `certificate` was signed with the private half of `issuer`'s key. Names and dates do not matter.
pub(super) fn signed_by(certificate: &Certificate, issuer: &Fields) -> Signed {
    let Ok((_, parsed)) = X509Certificate::from_der(certificate.der()) else { return Signed::Unusable };
    let Ok((_, key)) = SubjectPublicKeyInfo::from_der(&issuer.spki_der) else { return Signed::Unusable };
    if is_of_another_kind(&parsed, &key, issuer.public_key) {
        return Signed::No;
    }
    let Some(padding) = padding(&parsed.signature_algorithm) else { return Signed::Unusable };
    let Some(algorithm) = algorithm(padding, &key.algorithm, issuer.public_key) else { return Signed::Unusable };
    // A key that the library refuses (a huge exponent, a point beside the curve) is none that says no.
    let Ok(parsed_key) = ParsedPublicKey::new(algorithm, &key.subject_public_key.data) else { return Signed::Unusable };
    let (message, signature) = (parsed.tbs_certificate.as_ref(), parsed.signature_value.data.as_ref());
    let answer = match with_salt(padding) {
        Some(parameters) => parameters.verify_sig(&key.subject_public_key.data, message, signature),
        None => parsed_key.verify_sig(message, signature),
    };
    if answer.is_ok() { Signed::Yes } else { Signed::No }
}

/// Whether the signature on `certificate` uses SHA-1.
pub(super) fn is_sha1(parsed: &X509Certificate<'_>) -> bool {
    let algorithm = &parsed.signature_algorithm;
    match padding(algorithm) {
        Some(Padding::Pkcs1(digest) | Padding::Pss { digest, .. } | Padding::Ecdsa(digest)) => digest == Digest::Sha1,
        Some(Padding::Ed25519) => false,
        None => pss_parameters(algorithm).is_some_and(|parameters| *parameters.hash_algorithm_oid() == SHA1),
    }
}

/// In words, what keeps the signature on `certificate` from being checked with `issuer`'s key.
pub(super) fn obstacle(certificate: &Certificate, issuer: &Certificate) -> String {
    let Ok((_, parsed)) = X509Certificate::from_der(certificate.der()) else { return "unreadable bytes".to_owned() };
    let signature = names::of_signature(&parsed.signature_algorithm);
    let key = issuer.fields().and_then(|fields| {
        let (_, key) = SubjectPublicKeyInfo::from_der(&fields.spki_der).ok()?;
        names::of_key(&key, fields.public_key)
    });
    match key {
        Some(key) => format!("{signature}, by {key}"),
        None => signature,
    }
}

/// A signature that no key like this can have made, whether or not it can be checked.
fn is_of_another_kind(parsed: &X509Certificate<'_>, key: &SubjectPublicKeyInfo<'_>, kind: PublicKey) -> bool {
    let families =
        (family_of_signature(&parsed.signature_algorithm.algorithm), family_of_key(&key.algorithm.algorithm));
    if let (Some(of_signature), Some(of_key)) = families
        && of_signature != of_key
    {
        return true;
    }
    // A signature by RSA is as long as the modulus (RFC 8017, section 8).
    match kind {
        PublicKey::Rsa { bits } => parsed.signature_value.data.len() != bits.div_ceil(8),
        PublicKey::Ec { .. } | PublicKey::Other => false,
    }
}

fn family_of_key(algorithm: &Oid<'_>) -> Option<Family> {
    let is = |known: Oid<'_>| *algorithm == known;
    if is(oid!(1.2.840.113549.1.1.1)) || is(oid!(1.2.840.113549.1.1.10)) {
        Some(Family::Rsa)
    } else if is(oid!(1.2.840.10045.2.1)) {
        Some(Family::Ec)
    } else if is(oid!(1.3.101.112)) {
        Some(Family::Ed25519)
    } else if is(oid!(1.3.101.113)) {
        Some(Family::Ed448)
    } else if is(oid!(1.2.840.10040.4.1)) {
        Some(Family::Dsa)
    } else {
        None
    }
}

fn family_of_signature(algorithm: &Oid<'_>) -> Option<Family> {
    let begins = |prefix: Oid<'_>| algorithm.as_bytes().starts_with(prefix.as_bytes());
    let is = |known: Oid<'_>| *algorithm == known;
    if begins(oid!(1.2.840.113549.1.1)) || is(oid!(1.3.14.3.2.29)) {
        Some(Family::Rsa)
    } else if begins(oid!(1.2.840.10045.4)) {
        Some(Family::Ec)
    } else if is(oid!(1.3.101.112)) {
        Some(Family::Ed25519)
    } else if is(oid!(1.3.101.113)) {
        Some(Family::Ed448)
    } else if begins(oid!(1.2.840.10040.4)) {
        Some(Family::Dsa)
    } else {
        None
    }
}

/// The algorithm for such a signature by such a key; `None` when the library has none.
fn algorithm(
    padding: Padding,
    key: &AlgorithmIdentifier<'_>,
    kind: PublicKey,
) -> Option<&'static dyn VerificationAlgorithm> {
    use Digest::{Sha1, Sha256, Sha384, Sha512};
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
        (Padding::Pss { digest, .. }, PublicKey::Rsa { bits: 2048..=8192 }) => pss(digest)?,
        (Padding::Ecdsa(digest), PublicKey::Ec { .. }) => match (curve(key)?, digest) {
            (256, Sha1) => &algorithms::ECDSA_P256_SHA1_ASN1,
            (256, Sha256) => &algorithms::ECDSA_P256_SHA256_ASN1,
            (256, Sha384) => &algorithms::ECDSA_P256_SHA384_ASN1,
            (256, Sha512) => &algorithms::ECDSA_P256_SHA512_ASN1,
            (384, Sha256) => &algorithms::ECDSA_P384_SHA256_ASN1,
            (384, Sha384) => &algorithms::ECDSA_P384_SHA384_ASN1,
            (384, Sha512) => &algorithms::ECDSA_P384_SHA512_ASN1,
            (521, Sha1) => &algorithms::ECDSA_P521_SHA1_ASN1,
            (521, Sha256) => &algorithms::ECDSA_P521_SHA256_ASN1,
            (521, Sha384) => &algorithms::ECDSA_P521_SHA384_ASN1,
            (521, Sha512) => &algorithms::ECDSA_P521_SHA512_ASN1,
            _ => return None,
        },
        (Padding::Ed25519, PublicKey::Other) if family_of_key(&key.algorithm) == Some(Family::Ed25519) => {
            &algorithms::ED25519
        }
        _ => return None,
    };
    Some(found)
}

fn pss(digest: Digest) -> Option<&'static RsaParameters> {
    match digest {
        Digest::Sha1 => None,
        Digest::Sha256 => Some(&algorithms::RSA_PSS_2048_8192_SHA256),
        Digest::Sha384 => Some(&algorithms::RSA_PSS_2048_8192_SHA384),
        Digest::Sha512 => Some(&algorithms::RSA_PSS_2048_8192_SHA512),
    }
}

/// RSA-PSS with the salt that this signature has: the library's own has the digest's length, openssl's the longest there is.
fn with_salt(padding: Padding) -> Option<RsaParameters> {
    let Padding::Pss { digest, salt } = padding else { return None };
    let salt = RsaPssSaltLength::Custom(salt);
    Some(match digest {
        Digest::Sha1 => return None,
        Digest::Sha256 => algorithms::RSA_PSS_2048_8192_SHA256.with_pss_salt_length(salt),
        Digest::Sha384 => algorithms::RSA_PSS_2048_8192_SHA384.with_pss_salt_length(salt),
        Digest::Sha512 => algorithms::RSA_PSS_2048_8192_SHA512.with_pss_salt_length(salt),
    })
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
        pss_padding(&pss_parameters(algorithm)?)
    }
}

fn pss_parameters<'a>(algorithm: &'a AlgorithmIdentifier<'a>) -> Option<RsaSsaPssParams<'a>> {
    if algorithm.algorithm != oid!(1.2.840.113549.1.1.10) {
        return None;
    }
    RsaSsaPssParams::try_from(algorithm.parameters.as_ref()?).ok()
}

const SHA1: Oid<'static> = oid!(1.3.14.3.2.26);

/// The library masks with the digest of the message and knows one trailer.
fn pss_padding(parameters: &RsaSsaPssParams<'_>) -> Option<Padding> {
    let hash = parameters.hash_algorithm_oid();
    let mask = parameters.mask_gen_algorithm().ok()?;
    if mask.mgf != oid!(1.2.840.113549.1.1.8) || mask.hash != *hash || parameters.trailer_field() != 1 {
        return None;
    }
    let digest = if *hash == oid!(2.16.840.1.101.3.4.2.1) {
        Digest::Sha256
    } else if *hash == oid!(2.16.840.1.101.3.4.2.2) {
        Digest::Sha384
    } else if *hash == oid!(2.16.840.1.101.3.4.2.3) {
        Digest::Sha512
    } else {
        return None;
    };
    Some(Padding::Pss { digest, salt: u16::try_from(parameters.salt_length()).ok()? })
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
