//! Answers to the challenges of proxies.
//!
//! In: header values as they came over the wire, a name, a password, a nonce of the caller's. Out: the offers in them,
//! and the header value that answers one. Never: a socket, a clock, randomness, or a decision to send a password; the
//! dialogue around it is `probe`'s.

mod basic;
mod challenge;
mod digest;
mod handshake;
pub mod ntlm;
pub mod spnego;
mod ticket;

use base64::Engine as _;
use secrecy::SecretSlice;

use crate::observation::Token;
use crate::plan::Scheme;

pub use basic::answer as answer_basic;
pub use challenge::{Offer, read as read_challenges};
pub use digest::{Digest, strongest as strongest_digest};
pub use handshake::{Next, NtlmHandshake};
pub use ticket::{TicketVerdict, verdict as verdict_on_ticket};

/// What goes into `Proxy-Authorization`, and what may be told of it.
#[derive(Debug)]
pub struct Answer {
    pub scheme: Scheme,
    pub value: SecretSlice<u8>,
    /// What was answered: realm and algorithm, or which message of an exchange; never more.
    pub detail: String,
    /// What the value carries, where it is a token.
    pub token: Option<Token>,
}

impl Answer {
    /// A scheme's name with a token.
    pub(crate) fn of_token(scheme: Scheme, kind: Token, token: &[u8], detail: String) -> Self {
        let name = if scheme == Scheme::Ntlm { "NTLM" } else { "Negotiate" };
        let value = format!("{name} {}", base64::engine::general_purpose::STANDARD.encode(token));
        Self { scheme, value: value.into_bytes().into(), detail, token: Some(kind) }
    }

    /// Whether it is made of a password, so that sending it counts as a try.
    #[must_use]
    pub fn tries_password(&self) -> bool {
        !matches!(self.token, Some(Token::NtlmType1 | Token::KerberosTicket))
    }

    /// Whether it means something only on the connection over which its challenge came.
    #[must_use]
    pub fn is_bound(&self) -> bool {
        self.token == Some(Token::NtlmType3)
    }
}

/// Why an offer or a login cannot be used; a fragment that follows "could not use it: ".
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Unusable(pub String);
