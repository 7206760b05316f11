//! The operating system's own answer: hosts file, name resolution policy, its resolvers and its search list.

use std::collections::HashMap;
use std::io;
use std::net::IpAddr;

use dns_lookup::{AddrInfoHints, LookupError, LookupErrorKind, SockType, getaddrinfo};
use tokio::sync::{Semaphore, oneshot};

use crate::net::SystemNames;

/// Lookups at once in this process. Each blocks a thread until the system gives up, long after the row has ended.
static PLACES: Semaphore = Semaphore::const_new(64);

/// The system's lookup runs foreign code (name service modules), which wants more than a few pages.
const STACK: usize = 512 << 10;

/// Why the system has no addresses, with its own words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum SystemFailure {
    NoSuchName(String),
    NoAddresses(String),
    /// It did not answer within the deadline.
    Silent(String),
    /// It says that it failed, and not why (`EAI_AGAIN` stands for silence, SERVFAIL and REFUSED alike).
    Other(String),
}

impl SystemFailure {
    pub fn words(&self) -> &str {
        match self {
            Self::NoSuchName(words) | Self::NoAddresses(words) | Self::Silent(words) | Self::Other(words) => words,
        }
    }

    /// The system heard somebody say this. Windows says "no such host" when it heard nobody, too.
    pub fn is_an_answer(&self) -> bool {
        !cfg!(windows) && matches!(self, Self::NoSuchName(_) | Self::NoAddresses(_))
    }
}

/// Asks the system for the addresses of `name`, both families, in its own order of preference.
pub(super) async fn look_up(name: &str, system: &SystemNames) -> Result<Vec<IpAddr>, SystemFailure> {
    match system {
        SystemNames::Fixed(names) => fixed(name, names),
        SystemNames::Os => os(name.to_owned()).await,
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
async fn os(name: String) -> Result<Vec<IpAddr>, SystemFailure> {
    let place = PLACES.acquire().await;
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
        _ => SystemFailure::Other(words),
    }
}
