//! Answers to the challenges of proxies.
//!
//! In: header values as they came over the wire, a name, a password, a nonce of the caller's. Out: the offers in them,
//! and the header value that answers one. Never: a socket, a clock, randomness, or a decision to send a password; the
//! dialogue around it is `probe`'s.

mod basic;
mod challenge;
mod digest;
pub mod ntlm;

use secrecy::SecretSlice;

use crate::plan::Scheme;

pub use basic::answer as answer_basic;
pub use challenge::{Offer, read as read_challenges};
pub use digest::{Digest, strongest as strongest_digest};

/// What goes into `Proxy-Authorization`, and what may be told of it.
#[derive(Debug)]
pub struct Answer {
    pub scheme: Scheme,
    pub value: SecretSlice<u8>,
    /// What was answered: realm and algorithm, never more.
    pub detail: String,
}

/// Why an offer or a login cannot be used; a fragment that follows "could not use it: ".
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Unusable(pub String);
