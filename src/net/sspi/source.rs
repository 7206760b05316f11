//! The trait's answers, each by a call or two into SSPI.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use secrecy::{ExposeSecret as _, SecretSlice};

use super::codes;
use crate::net::tokens::{Bearer, NtlmMessages, Ticket, TicketProblem, TokenFailure, TokenSource};
use crate::windows::account::{self, Account};
use crate::windows::sspi::{Credential, Exchange, Login, Package, Refusal};

/// By package and login, what became of the first wish for it.
type Credentials = HashMap<(&'static str, String), Result<Arc<Credential>, TokenFailure>>;

/// Windows, and what was acquired of it in this run.
#[derive(Debug, Default)]
pub struct Sspi {
    credentials: Mutex<Credentials>,
}

impl TokenSource for Sspi {
    fn token(&self, bearer: &Bearer, host: &str) -> Result<Ticket, TokenFailure> {
        let service = format!("HTTP/{host}");
        // One asks while the others wait: a password that the directory refuses goes there once.
        let mut credentials = self.credentials.lock().unwrap_or_else(PoisonError::into_inner);
        let credential =
            credentials.entry(bearer.key()).or_insert_with(|| acquire(Package::Kerberos, bearer)).clone()?;
        let mut exchange = Exchange::new(credential.clone(), &service);
        let token = exchange.step(None).map_err(|refusal| {
            let mut failure = failure(refusal, &about(bearer, &service));
            if matches!(bearer, Bearer::SignedIn) && account::account() == Account::Other {
                failure.problem =
                    codes::problem_of_signed_in(refusal.number, account::name().is_none_or(|name| is_of_domain(&name)));
            }
            failure
        });
        if let Err(failure) = &token
            && failure.problem.is_about_account()
        {
            credentials.insert(bearer.key(), Err(failure.clone()));
        }
        drop(credentials);
        let token = token?;
        let (initiator, named) = match exchange.names() {
            Some((initiator, named)) => (Some(initiator), named),
            None => (credential.name(), String::new()),
        };
        if let (Bearer::Password { name, .. }, Some(initiator)) = (bearer, &initiator)
            && !codes::may_be_same(name, initiator)
        {
            let detail = format!("{name} was asked for, and the ticket is {initiator}'s");
            return Err(TokenFailure::new(TicketProblem::AnotherIdentity, detail));
        }
        let initiator = initiator.unwrap_or_else(|| match bearer {
            Bearer::Password { name, .. } => name.clone(),
            Bearer::SignedIn | Bearer::Keytab(_) => "whoever is signed in (Windows says no name)".to_owned(),
        });
        Ok(Ticket { token, initiator, service: if named.is_empty() { service } else { named } })
    }

    fn missing(&self) -> Option<String> {
        Package::Kerberos.room().err().map(|refusal| said(refusal, "Kerberos"))
    }

    fn signed_in(&self) -> Result<String, TokenFailure> {
        let name = account::name().unwrap_or_else(|| "an account without a name".to_owned());
        let nobody =
            |why: &str| Err(TokenFailure::new(TicketProblem::NoTicket, format!("this process runs as {name}{why}")));
        match account::account() {
            Account::Other if is_of_domain(&name) => Ok(name),
            Account::Other => nobody(", which is an account of this computer and known nowhere else"),
            _ => nobody(", and nobody's sign-in is there to be used"),
        }
    }

    fn makes_ntlm(&self) -> bool {
        Package::Ntlm.room().is_ok()
    }

    fn ntlm(&self, bearer: &Bearer, host: &str) -> Option<Box<dyn NtlmMessages>> {
        Some(Box::new(NtlmExchange { bearer: bearer.clone(), service: format!("HTTP/{host}"), exchange: None }))
    }

    fn is_person(&self) -> Result<(), String> {
        match account::account() {
            Account::Other => Ok(()),
            Account::LocalService => Err(codes::nobody("LocalService")),
            Account::LocalSystem => Err(codes::not_a_person("SYSTEM")),
            Account::NetworkService => Err(codes::not_a_person("NetworkService")),
        }
    }

    fn is_machine(&self) -> Result<(), String> {
        match account::account() {
            Account::LocalSystem | Account::NetworkService => Ok(()),
            Account::LocalService => Err(codes::nobody("LocalService")),
            Account::Other => Err(codes::NOT_THE_MACHINE.to_owned()),
        }
    }
}

fn is_of_domain(account: &str) -> bool {
    codes::is_of_domain(account, &std::env::var("COMPUTERNAME").unwrap_or_default())
}

/// One exchange of NTLM, of which nothing is asked before its first message is wanted.
#[derive(Debug)]
struct NtlmExchange {
    bearer: Bearer,
    service: String,
    exchange: Option<Exchange>,
}

impl NtlmMessages for NtlmExchange {
    fn opening(&mut self) -> Result<Vec<u8>, TokenFailure> {
        let credential = acquire(Package::Ntlm, &self.bearer)?;
        let exchange = self.exchange.insert(Exchange::new(credential, &self.service));
        let opening = exchange.step(None).map_err(|refusal| failure(refusal, "NTLM's first message"))?;
        Ok(opening.expose_secret().to_vec())
    }

    fn answer(&mut self, challenge: &[u8]) -> Result<SecretSlice<u8>, TokenFailure> {
        let Some(exchange) = &mut self.exchange else {
            return Err(TokenFailure::new(TicketProblem::Other, "NTLM was answered before it was opened"));
        };
        exchange.step(Some(challenge)).map_err(|refusal| failure(refusal, "NTLM's answer to the proxy's challenge"))
    }
}

fn acquire(package: Package, bearer: &Bearer) -> Result<Arc<Credential>, TokenFailure> {
    let login = match bearer {
        Bearer::SignedIn => None,
        Bearer::Password { name, password } => {
            let (domain, user) = codes::parts(name);
            Some(Login { domain, user, password })
        }
        Bearer::Keytab(keytab) => {
            let detail = format!(
                "{}: Windows reads no keytabs; run as SYSTEM, which is the machine account, or give its password",
                keytab.file.display()
            );
            return Err(TokenFailure::new(TicketProblem::NoLibrary, detail));
        }
    };
    let credential = Credential::acquire(package, login.as_ref());
    credential.map(Arc::new).map_err(|refusal| failure(refusal, &about(bearer, package.name())))
}

fn about(bearer: &Bearer, service: &str) -> String {
    match bearer {
        Bearer::Password { name, .. } => format!("{name} to {service}"),
        Bearer::SignedIn | Bearer::Keytab(_) => service.to_owned(),
    }
}

fn failure(refusal: Refusal, about: &str) -> TokenFailure {
    TokenFailure::new(codes::problem(refusal.number), said(refusal, about))
}

/// `anna to HTTP/proxy: Windows answers SEC_E_LOGON_DENIED (0x8009030c) to InitializeSecurityContext`
fn said(refusal: Refusal, about: &str) -> String {
    format!("{about}: Windows answers {} to {}", codes::shown(refusal.number), refusal.call)
}
