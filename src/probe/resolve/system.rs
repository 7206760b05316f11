//! The operating system's own answer: hosts file, name resolution policy, its resolvers and its search list.

use std::collections::HashMap;
use std::io;
use std::net::IpAddr;

use dns_lookup::{AddrInfoHints, LookupError, LookupErrorKind, SockType, getaddrinfo};
use tokio::sync::{Semaphore, SemaphorePermit, oneshot};

use crate::net::SystemNames;

/// Lookups at once in this process. Each blocks a thread until the system gives up, long after the row has ended: so there
/// are places for several times as many as probes run at once.
pub(super) const MOST_LOOKUPS: usize = 512;

pub(super) static PLACES: Semaphore = Semaphore::const_new(MOST_LOOKUPS);

/// The right to ask the system, which a lookup keeps until the system has given up.
pub(super) struct Place(#[expect(dead_code, reason = "held, not read")] Option<SemaphorePermit<'static>>);

impl Place {
    /// Waits for a place. No deadline runs meanwhile: the wait says nothing of the system.
    pub async fn wait(system: &SystemNames) -> Self {
        match system {
            SystemNames::Fixed(_) => Self(None),
            SystemNames::Os => Self(PLACES.acquire().await.ok()),
        }
    }
}

/// The system's lookup runs foreign code (name service modules), which wants more than a few pages.
const STACK: usize = 512 << 10;

/// Why the system has no addresses, with its own words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum SystemFailure {
    NoSuchName(String),
    NoAddresses(String),
    /// It did not answer within the deadline.
    Silent(String),
    /// It heard nothing of use, and may the next time: `EAI_AGAIN`, which stands for silence, SERVFAIL and REFUSED alike.
    Again(String),
    /// It says that it failed, and not why.
    Other(String),
}

impl SystemFailure {
    pub fn words(&self) -> &str {
        match self {
            Self::NoSuchName(words)
            | Self::NoAddresses(words)
            | Self::Silent(words)
            | Self::Again(words)
            | Self::Other(words) => words,
        }
    }

    /// The system heard somebody say this. Windows says "no such host" when it heard nobody, too.
    pub fn is_an_answer(&self) -> bool {
        !cfg!(windows) && matches!(self, Self::NoSuchName(_) | Self::NoAddresses(_))
    }
}

/// Asks the system for the addresses of `name`, both families, in its own order of preference.
pub(super) async fn look_up(name: &str, system: &SystemNames, place: Place) -> Result<Vec<IpAddr>, SystemFailure> {
    match system {
        SystemNames::Fixed(names) => fixed(name, names),
        SystemNames::Os => os(name.to_owned(), place).await,
    }
}

fn fixed(name: &str, names: &HashMap<String, Vec<IpAddr>>) -> Result<Vec<IpAddr>, SystemFailure> {
    match names.get(name) {
        Some(addresses) if addresses.is_empty() => {
            Err(SystemFailure::NoAddresses("no address for this name".to_owned()))
        }
        Some(addresses) => Ok(addresses.clone()),
        None => Err(SystemFailure::NoSuchName("name or service not known".to_owned())),
    }
}

/// A thread of its own and not one of the runtime's: the runtime would wait for it at the end of the run.
async fn os(name: String, place: Place) -> Result<Vec<IpAddr>, SystemFailure> {
    let (sender, receiver) = oneshot::channel();
    let lookup = move || {
        let _ = sender.send(ask_os(&name));
        drop(place);
    };
    let thread = std::thread::Builder::new().name("resolve".to_owned()).stack_size(STACK).spawn(lookup);
    if let Err(error) = thread {
        return Err(SystemFailure::Other(format!("no thread for the system's lookup: {error}")));
    }
    receiver
        .await
        .unwrap_or_else(|_| Err(SystemFailure::Other("the system's lookup ended without an answer".to_owned())))
}

fn ask_os(name: &str) -> Result<Vec<IpAddr>, SystemFailure> {
    let hints = AddrInfoHints { socktype: SockType::Stream.into(), ..AddrInfoHints::default() };
    let found = getaddrinfo(Some(name), None, Some(hints)).map_err(failure)?;
    let addresses: Vec<IpAddr> = found.flatten().map(|found| found.sockaddr.ip()).collect();
    if addresses.is_empty() {
        return Err(SystemFailure::NoAddresses("the system's answer holds no address".to_owned()));
    }
    Ok(addresses)
}

fn failure(error: LookupError) -> SystemFailure {
    let kind = error.kind();
    let words = io::Error::from(error).to_string();
    let words = words.trim_start_matches("failed to lookup address information: ").to_owned();
    match kind {
        LookupErrorKind::NoName => SystemFailure::NoSuchName(words),
        LookupErrorKind::NoData => SystemFailure::NoAddresses(words),
        LookupErrorKind::Again => SystemFailure::Again(words),
        _ => SystemFailure::Other(words),
    }
}
