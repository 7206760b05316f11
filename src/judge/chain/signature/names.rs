//! What people call the algorithms, above all those that are not checked.

use x509_parser::asn1_rs::Any;
use x509_parser::der_parser::Oid;
use x509_parser::x509::{AlgorithmIdentifier, SubjectPublicKeyInfo};

use crate::certificate::PublicKey;

/// Signatures by their identifiers.
const SIGNATURES: [(&str, &str); 27] = [
    ("1.2.840.113549.1.1.2", "RSA with MD2"),
    ("1.2.840.113549.1.1.3", "RSA with MD4"),
    ("1.2.840.113549.1.1.4", "RSA with MD5"),
    ("1.2.840.113549.1.1.5", "RSA with SHA-1"),
    ("1.2.840.113549.1.1.10", "RSA-PSS"),
    ("1.2.840.113549.1.1.11", "RSA with SHA-256"),
    ("1.2.840.113549.1.1.12", "RSA with SHA-384"),
    ("1.2.840.113549.1.1.13", "RSA with SHA-512"),
    ("1.2.840.113549.1.1.14", "RSA with SHA-224"),
    ("2.16.840.1.101.3.4.3.14", "RSA with SHA3-256"),
    ("1.2.840.10045.4.1", "ECDSA with SHA-1"),
    ("1.2.840.10045.4.3.1", "ECDSA with SHA-224"),
    ("1.2.840.10045.4.3.2", "ECDSA with SHA-256"),
    ("1.2.840.10045.4.3.3", "ECDSA with SHA-384"),
    ("1.2.840.10045.4.3.4", "ECDSA with SHA-512"),
    ("2.16.840.1.101.3.4.3.10", "ECDSA with SHA3-256"),
    ("1.2.840.10040.4.3", "DSA with SHA-1"),
    ("2.16.840.1.101.3.4.3.2", "DSA with SHA-256"),
    ("1.3.101.112", "Ed25519"),
    ("1.3.101.113", "Ed448"),
    ("2.16.840.1.101.3.4.3.17", "ML-DSA-44"),
    ("2.16.840.1.101.3.4.3.18", "ML-DSA-65"),
    ("2.16.840.1.101.3.4.3.19", "ML-DSA-87"),
    ("1.2.156.10197.1.501", "SM2 with SM3"),
    ("1.2.643.2.2.3", "GOST R 34.10-2001"),
    ("1.2.643.7.1.1.3.2", "GOST R 34.10-2012"),
    ("1.2.643.7.1.1.3.3", "GOST R 34.10-2012"),
];

const DIGESTS: [(&str, &str); 5] = [
    ("1.3.14.3.2.26", "SHA-1"),
    ("2.16.840.1.101.3.4.2.4", "SHA-224"),
    ("2.16.840.1.101.3.4.2.1", "SHA-256"),
    ("2.16.840.1.101.3.4.2.2", "SHA-384"),
    ("2.16.840.1.101.3.4.2.3", "SHA-512"),
];

/// Curves by their identifiers, those that are checked left out.
const CURVES: [(&str, &str); 9] = [
    ("1.2.840.10045.3.1.1", "P-192"),
    ("1.3.132.0.33", "P-224"),
    ("1.3.132.0.10", "secp256k1"),
    ("1.3.36.3.3.2.8.1.1.7", "brainpoolP256r1"),
    ("1.3.36.3.3.2.8.1.1.8", "brainpoolP256t1"),
    ("1.3.36.3.3.2.8.1.1.11", "brainpoolP384r1"),
    ("1.3.36.3.3.2.8.1.1.12", "brainpoolP384t1"),
    ("1.3.36.3.3.2.8.1.1.13", "brainpoolP512r1"),
    ("1.3.36.3.3.2.8.1.1.14", "brainpoolP512t1"),
];

/// `Ed448`, or the number alone of what nobody here has a word for.
pub(super) fn of_signature(algorithm: &AlgorithmIdentifier<'_>) -> String {
    let name = named(&SIGNATURES, &algorithm.algorithm);
    let Some(parameters) = super::pss_parameters(algorithm) else { return name };
    let digest = named(&DIGESTS, parameters.hash_algorithm_oid());
    match parameters.mask_gen_algorithm() {
        Ok(mask) if mask.hash == *parameters.hash_algorithm_oid() => format!("{name} with {digest}"),
        Ok(mask) => format!("{name} with {digest}, masked with {}", named(&DIGESTS, &mask.hash)),
        Err(_) => format!("{name} with {digest}, masked in a way of its own"),
    }
}

/// A key that is the obstacle; `None` where the signature's name says it all.
pub(super) fn of_key(key: &SubjectPublicKeyInfo<'_>, kind: PublicKey) -> Option<String> {
    match kind {
        PublicKey::Rsa { bits } => match exponent_bits(key) {
            Some(exponent @ 34..) => Some(format!("a key with an exponent of {exponent} bits")),
            _ if (2048..=8192).contains(&bits) => None,
            _ => Some(format!("a key of {bits} bits")),
        },
        PublicKey::Ec { .. } if super::curve(&key.algorithm).is_some() => None,
        PublicKey::Ec { .. } => match key.algorithm.parameters.as_ref().map(Any::as_oid) {
            Some(Ok(curve)) => Some(format!("a key on {}", named(&CURVES, &curve))),
            _ => Some("a key on a curve of its own".to_owned()),
        },
        PublicKey::Other => None,
    }
}

fn exponent_bits(key: &SubjectPublicKeyInfo<'_>) -> Option<usize> {
    use x509_parser::prelude::FromDer;
    let (_, key) = x509_parser::public_key::RSAPublicKey::from_der(&key.subject_public_key.data).ok()?;
    let exponent = key.exponent.iter().position(|byte| *byte != 0).map_or(&[][..], |start| &key.exponent[start..]);
    let unused = exponent.first().map_or(0, |byte| byte.leading_zeros() as usize);
    Some(exponent.len() * 8 - unused)
}

fn named(names: &[(&str, &str)], identifier: &Oid<'_>) -> String {
    let identifier = identifier.to_id_string();
    match names.iter().find(|(number, _)| *number == identifier) {
        Some((_, name)) => (*name).to_owned(),
        None => format!("what is numbered {identifier}"),
    }
}
