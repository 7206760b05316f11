//! Kerberos by the GSS-API library of this machine: MIT's or Heimdal's, whichever is installed.
//!
//! In: a ticket cache, a name and a password, or a keytab, and a proxy's name. Out: the token for its service, checked to be
//! of whom it was asked for; or what is wrong, named from the error code of Kerberos. Never: a variable of the environment
//! that is changed, a password that is tried a second time after the directory refused it.

mod codes;
mod library;
mod principal;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use self::library::{Credential, Kind, Library, Status};
use super::tokens::{Bearer, Keytab, Ticket, TicketProblem, TokenFailure, TokenSource};

/// `AI_CANONNAME`, which has this value on every Unix.
const WITH_CANONICAL_NAME: i32 = 2;

/// The library of this machine, and what was acquired by it in this run.
#[derive(Debug, Default)]
pub struct Gssapi {
    credentials: Mutex<HashMap<(&'static str, String), Arc<Held>>>,
}

/// What became of one bearer. Whoever asks first acquires it, and the others wait.
#[derive(Debug, Default)]
struct Held(Mutex<Option<Result<Arc<Acquired>, TokenFailure>>>);

#[derive(Debug)]
struct Acquired {
    credential: Credential,
    /// Whom it was acquired for; nobody in particular for a ticket that was there.
    principal: Option<String>,
}

impl TokenSource for Gssapi {
    fn token(&self, bearer: &Bearer, host: &str) -> Result<Ticket, TokenFailure> {
        let library = library()?;
        let held = {
            let mut credentials = self.credentials.lock().unwrap_or_else(PoisonError::into_inner);
            credentials.entry(bearer.key()).or_default().clone()
        };
        let acquired = held.acquire(|| acquire(library, bearer))?;
        let ticket = ticket(library, &acquired, host);
        if let Err(failure) = &ticket
            && failure.problem.is_about_account()
        {
            // A library that asks the directory only now.
            held.forget(failure);
        }
        ticket
    }

    fn missing(&self) -> Option<String> {
        library().err().map(|failure| failure.detail)
    }

    fn signed_in(&self) -> Result<String, TokenFailure> {
        let credential = library()?.default_credential().map_err(|status| failure(&status, "the ticket"))?;
        match credential.principal().map_err(|status| failure(&status, "the ticket"))? {
            (principal, 0) => Err(TokenFailure::new(TicketProblem::NoTicket, format!("{principal}: it has expired"))),
            (principal, _) => Ok(principal),
        }
    }
}

impl Held {
    fn acquire(&self, acquire: impl FnOnce() -> Result<Acquired, TokenFailure>) -> Result<Arc<Acquired>, TokenFailure> {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.get_or_insert_with(|| acquire().map(Arc::new)).clone()
    }

    fn forget(&self, failure: &TokenFailure) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(Err(failure.clone()));
    }
}

fn library() -> Result<&'static Library, TokenFailure> {
    Library::of_this_machine().map_err(|detail| TokenFailure::new(TicketProblem::NoLibrary, detail))
}

fn acquire(library: &'static Library, bearer: &Bearer) -> Result<Acquired, TokenFailure> {
    let (credential, principal) = match bearer {
        Bearer::SignedIn => {
            let credential = library.default_credential().map_err(|status| failure(&status, "the ticket"))?;
            (credential, None)
        }
        Bearer::Password { name, password } => {
            let realm = default_realm(library);
            let principal = principal::of_login(name, realm.as_deref())
                .map_err(|detail| TokenFailure::new(TicketProblem::NoRealm, detail))?;
            let name = library.name(&principal, Kind::Principal).map_err(|status| failure(&status, &principal))?;
            let credential = library.credential_by_password(&name, password);
            (credential.map_err(|status| failure(&status, &principal))?, Some(principal))
        }
        Bearer::Keytab(keytab) => {
            let principal = &keytab.principal;
            let name = library.name(principal, Kind::Principal).map_err(|status| failure(&status, principal))?;
            let credential = library.credential_from(&name, &store(keytab).each_ref().map(|(k, v)| (*k, v.as_str())));
            (credential.map_err(|status| failure(&status, principal))?, Some(principal.clone()))
        }
    };
    Ok(Acquired { credential, principal })
}

/// Keys from the file, tickets in memory: whatever cache this process has belongs to somebody else.
fn store(keytab: &Keytab) -> [(&'static str, String); 2] {
    let cache = format!("MEMORY:waprobe {}", keytab.principal);
    [("client_keytab", format!("FILE:{}", keytab.file.display())), ("ccache", cache)]
}

fn default_realm(library: &'static Library) -> Option<String> {
    let nobody = library.name("nobody", Kind::Principal).ok()?;
    let nobody = library.canonical(&nobody).ok()?;
    nobody.split_once('@').map(|(_, realm)| realm.to_owned()).filter(|realm| !realm.is_empty())
}

/// First for the name as it is configured, which is what Windows asks for; then as this machine's Kerberos understands it,
/// with the realm that its configuration gives the host, and under the host's canonical name.
fn ticket(library: &'static Library, acquired: &Acquired, host: &str) -> Result<Ticket, TokenFailure> {
    let as_written = format!("HTTP/{host}");
    let first = initiate(library, acquired, &format!("{as_written}@"), Kind::Principal, &as_written);
    let is_worth_another = first.as_ref().is_err_and(|failure| failure.problem == TicketProblem::UnknownService);
    if !is_worth_another {
        return first;
    }
    match initiate(library, acquired, &format!("HTTP@{host}"), Kind::Service, &as_written) {
        Ok(ticket) if principal::is_service_of(&ticket.service, host) => Ok(ticket),
        Ok(ticket) => {
            let detail = format!("{as_written} is unknown, and {} is known", ticket.service);
            Err(TokenFailure::new(TicketProblem::CanonicalOnly, detail))
        }
        Err(_) => match canonical_name(host) {
            Some(canonical) => {
                let known = format!("HTTP/{canonical}");
                match initiate(library, acquired, &format!("{known}@"), Kind::Principal, &known) {
                    Ok(_) => Err(TokenFailure::new(
                        TicketProblem::CanonicalOnly,
                        format!("{as_written} is unknown, and {known} is known"),
                    )),
                    Err(_) => first,
                }
            }
            None => first,
        },
    }
}

/// What the system says that `host` really is called, where it is called otherwise.
fn canonical_name(host: &str) -> Option<String> {
    let hints = dns_lookup::AddrInfoHints { flags: WITH_CANONICAL_NAME, ..Default::default() };
    let canonical = dns_lookup::getaddrinfo(Some(host), None, Some(hints)).ok()?.flatten().next()?.canonname?;
    (!canonical.eq_ignore_ascii_case(host)).then_some(canonical)
}

fn initiate(
    library: &'static Library,
    acquired: &Acquired,
    target: &str,
    kind: Kind,
    shown: &str,
) -> Result<Ticket, TokenFailure> {
    let target = library.name(target, kind).map_err(|status| failure(&status, shown))?;
    let initiated = library.initiate(&acquired.credential, &target).map_err(|status| {
        let about = acquired.principal.as_ref().map_or(shown.to_owned(), |who| format!("{who} to {shown}"));
        failure(&status, &about)
    })?;
    if let Some(wanted) = &acquired.principal
        && !principal::is_same(wanted, &initiated.initiator)
    {
        let detail = format!("{wanted} was asked for, and the ticket is {}'s", initiated.initiator);
        return Err(TokenFailure::new(TicketProblem::AnotherIdentity, detail));
    }
    Ok(Ticket { token: initiated.token, initiator: initiated.initiator, service: initiated.service })
}

fn failure(status: &Status, about: &str) -> TokenFailure {
    let problem = codes::problem(status.major, status.minor);
    let text = status.text.trim();
    TokenFailure::new(problem, format!("{about}: {text}"))
}
