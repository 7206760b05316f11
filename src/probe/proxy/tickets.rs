//! Tickets for a proxy, asked of the operating system away from the runtime, and within a deadline.
//!
//! The first job that needs a ticket asks alone, and what it learns holds for all: fifteen jobs would otherwise ask the KDC
//! the same at once, and a silent one would be waited for fifteen times. Each job then has its own token, because a proxy
//! refuses one that it has seen.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use secrecy::SecretSlice;
use tokio::sync::OnceCell;
use tokio::time::timeout;

use crate::net::{Bearer, Net, NtlmMessages, Ticket, TicketProblem, TokenFailure, TokenSource};
use crate::observation::Fault;
use crate::plan::{Identity, Plan};

/// What is known of one identity's ticket for one proxy.
type Known = Arc<OnceCell<Result<(), Fault>>>;

#[derive(Debug)]
pub(in crate::probe) struct Tickets {
    source: Arc<dyn TokenSource>,
    deadline: Duration,
    known: Mutex<HashMap<(Identity, String), Known>>,
}

impl Tickets {
    pub fn new(plan: &Plan, net: &Net) -> Self {
        Self { source: net.tokens.clone(), deadline: plan.budget.ticket, known: Mutex::default() }
    }

    /// Why nobody can have a ticket on this machine, where that is so.
    pub(super) fn missing(&self) -> Option<String> {
        self.source.missing()
    }

    /// Whether the system makes NTLM's messages, so that a password is not the only thing to make them of.
    pub(super) fn makes_ntlm(&self) -> bool {
        self.source.makes_ntlm()
    }

    /// Whether this process may show itself as `identity`.
    ///
    /// # Errors
    /// Why not, as a fragment that may be empty.
    pub(super) fn vouches_for(&self, identity: Identity) -> Result<(), String> {
        match identity {
            Identity::Bypass => Err(String::new()),
            Identity::User => self.source.is_person(),
            Identity::Device => self.source.is_machine(),
        }
    }

    /// Opens an exchange of NTLM by the system; none where it does not make the messages.
    ///
    /// # Errors
    /// [`Fault::NoCredential`].
    pub(super) async fn open_ntlm(
        &self,
        bearer: &Bearer,
        host: &str,
    ) -> Option<Result<(Box<dyn NtlmMessages>, Vec<u8>), Fault>> {
        let mut messages = self.source.ntlm(bearer, host)?;
        Some(self.ask_ntlm(move || messages.opening().map(|opening| (messages, opening))).await)
    }

    /// The system's answer to a challenge.
    ///
    /// # Errors
    /// [`Fault::NoCredential`].
    pub(super) async fn answer_ntlm(
        &self,
        mut messages: Box<dyn NtlmMessages>,
        challenge: &[u8],
    ) -> Result<SecretSlice<u8>, Fault> {
        let challenge = challenge.to_vec();
        self.ask_ntlm(move || messages.answer(&challenge)).await
    }

    async fn ask_ntlm<T, Asking>(&self, asking: Asking) -> Result<T, Fault>
    where
        T: Send + 'static,
        Asking: FnOnce() -> Result<T, TokenFailure> + Send + 'static,
    {
        let detail = match timeout(self.deadline, tokio::task::spawn_blocking(asking)).await {
            Ok(Ok(Ok(done))) => return Ok(done),
            Ok(Ok(Err(failure))) => failure.detail,
            Ok(Err(error)) => return Err(Fault::Unrecognised { detail: format!("NTLM broke: {error}") }),
            Err(_) => format!("the system made no message of NTLM within {} s", self.deadline.as_secs_f32()),
        };
        Err(Fault::NoCredential { detail })
    }

    /// A token of this identity for the proxy on `host`.
    ///
    /// # Errors
    /// [`Fault::NoTicket`].
    pub(super) async fn ticket(&self, identity: Identity, bearer: &Bearer, host: &str) -> Result<Ticket, Fault> {
        let address = host.trim_start_matches('[').trim_end_matches(']');
        if address.parse::<IpAddr>().is_ok() {
            let detail = format!("there is no service HTTP/{address}: services are named after hosts");
            return Err(Fault::NoTicket { problem: TicketProblem::Address, detail });
        }
        let known = {
            let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
            known.entry((identity, host.to_owned())).or_default().clone()
        };
        let mut first = None;
        let asking = async {
            let ticket = self.ask(bearer, host).await;
            ticket.map(|ticket| first = Some(ticket))
        };
        known.get_or_init(|| asking).await.clone()?;
        match first {
            Some(ticket) => Ok(ticket),
            None => self.ask(bearer, host).await,
        }
    }

    /// Why there is no ticket, as far as that is known already.
    pub(super) fn failure(&self, identity: Identity, host: &str) -> Option<Fault> {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.get(&(identity, host.to_owned()))?.get()?.clone().err()
    }

    async fn ask(&self, bearer: &Bearer, host: &str) -> Result<Ticket, Fault> {
        let (source, bearer, named) = (self.source.clone(), bearer.clone(), host.to_owned());
        let asking = tokio::task::spawn_blocking(move || source.token(&bearer, &named));
        match timeout(self.deadline, asking).await {
            Ok(Ok(Ok(ticket))) => Ok(ticket),
            Ok(Ok(Err(TokenFailure { problem, detail }))) => Err(Fault::NoTicket { problem, detail }),
            Ok(Err(error)) => Err(Fault::Unrecognised { detail: format!("the search for a ticket broke: {error}") }),
            Err(_) => Err(Fault::NoTicket {
                problem: TicketProblem::KdcSilent,
                detail: format!("no ticket for HTTP/{host} came within {} s", self.deadline.as_secs_f32()),
            }),
        }
    }
}
