//! The operating system's token source: what vouches for somebody without showing a password to a proxy.
//!
//! In: who asks, and the name of the proxy. Out: the first token of the Kerberos mechanism for that proxy's service, or
//! why there is none; where the system speaks NTLM, its messages. Never: a choice between mechanisms, an envelope, a token
//! for somebody else than the one asked for.

use std::fmt;
use std::path::PathBuf;

use secrecy::{SecretSlice, SecretString};

pub use crate::observation::TicketProblem;

/// GSS-API on Unix, SSPI on Windows. Its calls block: they ask key distribution centres and read files.
pub trait TokenSource: fmt::Debug + Send + Sync {
    /// A fresh token for the service `HTTP` on `host`.
    ///
    /// # Errors
    /// Why there is none.
    fn token(&self, bearer: &Bearer, host: &str) -> Result<Ticket, TokenFailure>;

    /// Why nobody can be vouched for on this machine, where that is so; a fragment.
    fn missing(&self) -> Option<String>;

    /// The principal of the ticket that is there without a name or a password being given.
    ///
    /// # Errors
    /// Why there is none.
    fn signed_in(&self) -> Result<String, TokenFailure>;

    /// Whether the system makes NTLM's messages, also of whoever is signed in.
    fn makes_ntlm(&self) -> bool {
        false
    }

    /// An exchange of NTLM with the proxy on `host`; none where the system does not make its messages.
    fn ntlm(&self, _bearer: &Bearer, _host: &str) -> Option<Box<dyn NtlmMessages>> {
        None
    }

    /// Whether what is shown without a name and a password is a person's.
    ///
    /// # Errors
    /// Whose it is instead, and what to do; a fragment.
    fn is_person(&self) -> Result<(), String> {
        Ok(())
    }

    /// Whether what is shown without a name and a password is the machine account's.
    ///
    /// # Errors
    /// What would make it so, where there is such a thing; a fragment.
    fn is_machine(&self) -> Result<(), String> {
        Err(String::new())
    }
}

/// The two messages of this side in one exchange of NTLM. Making them blocks.
pub trait NtlmMessages: fmt::Debug + Send {
    /// Type 1, which names nobody.
    ///
    /// # Errors
    /// Why there is none.
    fn opening(&mut self) -> Result<Vec<u8>, TokenFailure>;

    /// Type 3, for a Type 2.
    ///
    /// # Errors
    /// Why there is none.
    fn answer(&mut self, challenge: &[u8]) -> Result<SecretSlice<u8>, TokenFailure>;
}

/// Who is to be vouched for.
#[derive(Debug, Clone)]
pub enum Bearer {
    /// Whoever holds the ticket that this process can use.
    SignedIn,
    Password {
        name: String,
        password: SecretString,
    },
    Keytab(Keytab),
}

/// Keys of a machine account, in a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Keytab {
    pub file: PathBuf,
    /// As the file writes it, with its realm.
    pub principal: String,
}

/// A token, and what may be told of it.
#[derive(Debug)]
pub struct Ticket {
    pub token: SecretSlice<u8>,
    /// Whose it is: `anna@CORP.EXAMPLE`.
    pub initiator: String,
    /// For which service: `HTTP/proxy.corp.example@CORP.EXAMPLE`.
    pub service: String,
}

/// Why there is no token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TokenFailure {
    pub problem: TicketProblem,
    /// The names that it is about and the library's own words; a fragment.
    pub detail: String,
}

impl TokenFailure {
    #[must_use]
    pub fn new(problem: TicketProblem, detail: impl Into<String>) -> Self {
        Self { problem, detail: detail.into() }
    }
}

/// Where there is no source of tokens, and why.
#[derive(Debug, Clone)]
pub struct NoTokens(pub &'static str);

impl Bearer {
    /// The same for the same account, so that what is known of it can be kept: a run has one password for each.
    #[cfg(any(unix, windows))]
    pub(super) fn key(&self) -> (&'static str, String) {
        match self {
            Self::SignedIn => ("signed in", String::new()),
            Self::Password { name, .. } => ("password", name.clone()),
            Self::Keytab(keytab) => ("keytab", format!("{}\0{}", keytab.principal, keytab.file.display())),
        }
    }
}

impl NoTokens {
    fn failure(&self) -> TokenFailure {
        TokenFailure::new(TicketProblem::NoLibrary, self.0)
    }
}

impl TokenSource for NoTokens {
    fn token(&self, _: &Bearer, _: &str) -> Result<Ticket, TokenFailure> {
        Err(self.failure())
    }

    fn missing(&self) -> Option<String> {
        Some(self.0.to_owned())
    }

    fn signed_in(&self) -> Result<String, TokenFailure> {
        Err(self.failure())
    }
}
