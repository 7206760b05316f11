//! Signatures that were checked, so that no signature is checked twice: many chains share their CAs.
//!
//! In: a key, a message and a signature. Out: what the library says of them, or what it said before. The answer depends on
//! nothing else, so that remembering it changes no verdict.

use std::collections::HashMap;
use std::fmt;
use std::sync::{LazyLock, Mutex, PoisonError};

use rustls::pki_types::{AlgorithmIdentifier, InvalidSignature, SignatureVerificationAlgorithm};
use sha2::{Digest as _, Sha256};

/// Answers remembered at most, 33 bytes each. A run of 10,000 hosts has one for each of their certificates.
const MAX_REMEMBERED: usize = 1 << 16;

/// Answers by the hash of their question.
pub(super) struct Memory<A>(LazyLock<Mutex<HashMap<[u8; 32], A>>>);

impl<A: Copy> Memory<A> {
    pub const fn new() -> Self {
        Self(LazyLock::new(Mutex::default))
    }

    /// The answer to the question that consists of `parts`; `find` finds it the first time.
    pub fn answer(&self, parts: &[&[u8]], find: impl FnOnce() -> A) -> A {
        let mut question = Sha256::new();
        for part in parts {
            question.update((part.len() as u64).to_be_bytes());
            question.update(part);
        }
        let question = question.finalize().into();
        let answers = || self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = answers().get(&question) {
            return *known;
        }
        let answer = find();
        let mut answers = answers();
        if answers.len() >= MAX_REMEMBERED {
            answers.clear();
        }
        answers.insert(question, answer);
        answer
    }
}

/// The library's algorithms, each of which remembers what it checked.
pub(super) static ALGORITHMS: LazyLock<Vec<&'static dyn SignatureVerificationAlgorithm>> = LazyLock::new(|| {
    static REMEMBERING: LazyLock<Vec<Remembering>> =
        LazyLock::new(|| webpki::ALL_VERIFICATION_ALGS.iter().copied().map(Remembering).collect());
    REMEMBERING.iter().map(|algorithm| algorithm as &dyn SignatureVerificationAlgorithm).collect()
});

static VERIFIED: Memory<bool> = Memory::new();

struct Remembering(&'static dyn SignatureVerificationAlgorithm);

impl SignatureVerificationAlgorithm for Remembering {
    fn verify_signature(&self, key: &[u8], message: &[u8], signature: &[u8]) -> Result<(), InvalidSignature> {
        let (of_key, of_signature) = (self.0.public_key_alg_id(), self.0.signature_alg_id());
        let question = [of_key.as_ref(), of_signature.as_ref(), key, message, signature];
        let is_verified = VERIFIED.answer(&question, || self.0.verify_signature(key, message, signature).is_ok());
        if is_verified { Ok(()) } else { Err(InvalidSignature) }
    }

    fn public_key_alg_id(&self) -> AlgorithmIdentifier {
        self.0.public_key_alg_id()
    }

    fn signature_alg_id(&self) -> AlgorithmIdentifier {
        self.0.signature_alg_id()
    }
}

impl fmt::Debug for Remembering {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(to)
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

    #[test]
    fn a_question_is_asked_once_and_a_similar_one_is_another() {
        static MEMORY: Memory<u8> = Memory::new();
        let asked = Cell::new(0);
        let ask = |parts: &[&[u8]]| {
            MEMORY.answer(parts, || {
                asked.set(asked.get() + 1);
                asked.get()
            })
        };
        assert_eq!([ask(&[b"ab", b"c"]), ask(&[b"ab", b"c"])], [1, 1]);
        assert_eq!(ask(&[b"a", b"bc"]), 2, "the same bytes, divided otherwise");
        assert_eq!(ask(&[b"ab", b"d"]), 3);
        assert_eq!(ask(&[b"ab", b"c"]), 1);
    }

    #[test]
    fn what_is_remembered_is_bounded() {
        static MEMORY: Memory<usize> = Memory::new();
        for number in 0..=MAX_REMEMBERED {
            MEMORY.answer(&[&number.to_be_bytes()], || number);
        }
        assert!(MEMORY.0.lock().expect("not poisoned").len() <= MAX_REMEMBERED);
    }

    #[test]
    fn a_wrong_signature_stays_wrong_beside_the_right_one() {
        use aws_lc_rs::rand::SystemRandom;
        use aws_lc_rs::signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, KeyPair as _};
        let key = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_ASN1_SIGNING).expect("a key");
        let signature = key.sign(&SystemRandom::new(), b"message").expect("a signature");
        let algorithm = ALGORITHMS
            .iter()
            .find(|one| one.signature_alg_id() == rustls::pki_types::alg_id::ECDSA_SHA256)
            .expect("ECDSA with P-256");
        for _ in 0..2 {
            let check = |message| algorithm.verify_signature(key.public_key().as_ref(), message, signature.as_ref());
            assert!(check(b"message").is_ok());
            assert!(check(b"massage").is_err());
        }
    }
}
