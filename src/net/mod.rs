//! The outside world as values: who resolves names, where a connection really goes, which roots the machine trusts,
//! what time it is.
//!
//! In: settings. Out: a [`Net`] that `probe` works through, so that a test or the lab passes another world instead of
//! replacing code. Never: a decision about an endpoint.
#![expect(clippy::disallowed_methods, reason = "the one module beside `probe` that touches the outside world")]

mod connect_to;
#[cfg(unix)]
mod gssapi;
mod hosts;
mod icmp;
mod keytab;
mod open_files;
mod pac;
mod resolv_conf;
mod resolvers;
mod roots;
#[cfg(any(windows, test))]
mod sspi;
mod tokens;

use std::collections::HashMap;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use jiff::Timestamp;
use tokio::net::TcpStream;

pub use connect_to::{ConnectTo, ConnectToMistake, Rule as ConnectToRule};
pub use hosts::hosts_line;
pub use icmp::{Answered, AtOnce, IcmpMessage};
pub use keytab::find_in_keytab;
pub use open_files::allow_open_files;
pub use pac::{FetchFailure, FetchTerms, FetchedScript, addresses_of, wall_clock};
pub use resolv_conf::unusable_name_servers;
pub use resolvers::{ConfiguredResolvers, configured_resolvers};
pub use roots::{MachineRoots, load_machine_roots};
pub use tokens::{Bearer, Keytab, NoTokens, NtlmMessages, Ticket, TicketProblem, TokenFailure, TokenSource};

/// The world one run lives in. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Net {
    pub names: Names,
    pub system_names: SystemNames,
    pub connect_to: Arc<ConnectTo>,
    pub dial: Dial,
    /// What connections say of the longest piece that they take in a packet, in place of the system's own (TCP's maximum segment
    /// size). Linux alone can.
    pub segments: Option<u32>,
    pub clock: Clock,
    pub entropy: Entropy,
    pub tokens: Arc<dyn TokenSource>,
}

/// Whose answers the endpoints' names get.
#[derive(Debug, Clone)]
pub enum Names {
    /// The operating system's; the configured servers are asked as evidence.
    System { evidence: Vec<SocketAddr> },
    /// Only this server's (`--resolver`).
    Server(SocketAddr),
}

/// The operating system's resolver: always asked for a proxy's own name.
#[derive(Debug, Clone)]
pub enum SystemNames {
    Os,
    /// A lab's or a test's; other names do not exist.
    Fixed(Arc<HashMap<String, Vec<IpAddr>>>),
}

/// Where a connection to an address really goes.
#[derive(Debug, Clone)]
pub enum Dial {
    /// There.
    Straight,
    /// By this map only; an address that is not in it is unreachable, so that nothing leaves a lab.
    Mapped(Arc<HashMap<SocketAddr, SocketAddr>>),
}

#[derive(Debug, Clone, Copy)]
pub enum Clock {
    System,
    Fixed(Timestamp),
}

/// Where nonces and query ids come from.
#[derive(Debug, Clone, Copy)]
pub enum Entropy {
    System,
    /// Always these eight bytes, for tests of dialogues byte for byte.
    Fixed([u8; 8]),
}

impl Net {
    /// This machine, its resolvers and its clock.
    #[must_use]
    pub fn of_this_machine(evidence: Vec<SocketAddr>) -> Self {
        Self {
            names: Names::System { evidence },
            system_names: SystemNames::Os,
            connect_to: Arc::default(),
            dial: Dial::Straight,
            segments: None,
            clock: Clock::System,
            entropy: Entropy::System,
            tokens: system_tokens(),
        }
    }

    /// Opens a TCP connection.
    ///
    /// # Errors
    /// The system's; with [`Answered`] in it where the network said why.
    pub async fn connect(&self, address: SocketAddr) -> io::Result<TcpStream> {
        let stream = icmp::connect(self.dial.target(address)?, self.segments).await?;
        stream.set_nodelay(true)?;
        Ok(stream)
    }
}

/// What vouches for people and machines here.
#[cfg(unix)]
fn system_tokens() -> Arc<dyn TokenSource> {
    Arc::new(gssapi::Gssapi::default())
}

#[cfg(windows)]
fn system_tokens() -> Arc<dyn TokenSource> {
    Arc::new(sspi::Sspi::default())
}

#[cfg(not(any(unix, windows)))]
fn system_tokens() -> Arc<dyn TokenSource> {
    Arc::new(NoTokens("nothing on this system speaks Kerberos"))
}

impl Net {
    /// Whether somebody listens at `authority` (`host:port`): one connection to each of its addresses until one stands,
    /// which is closed again.
    ///
    /// # Errors
    /// Why nobody was reached, as a fragment.
    pub async fn reach(&self, authority: &str, deadline: std::time::Duration) -> Result<(), String> {
        let tried = async {
            let (host, port) = authority.rsplit_once(':').ok_or("it has no port")?;
            let port: u16 = port.parse().map_err(|_| "it has no port")?;
            let (net, host) = (self.clone(), host.trim_matches(['[', ']']).to_owned());
            let addresses = tokio::task::spawn_blocking(move || match host.parse() {
                Ok(address) => vec![address],
                Err(_) => net.system_addresses(&host),
            });
            let mut failure = "its name has no address".to_owned();
            for address in addresses.await.map_err(|error| error.to_string())? {
                match self.connect(SocketAddr::new(address, port)).await {
                    Ok(_) => return Ok(()),
                    Err(error) => failure = error.to_string(),
                }
            }
            Err(failure)
        };
        let in_time = tokio::time::timeout(deadline, tried).await;
        in_time.unwrap_or_else(|_| Err(format!("nobody answered within {} s", deadline.as_secs())))
    }
}

impl Dial {
    /// The address to go to for `address`.
    ///
    /// # Errors
    /// `NetworkUnreachable` for an address that a lab does not hold.
    pub fn target(&self, address: SocketAddr) -> io::Result<SocketAddr> {
        match self {
            Self::Straight => Ok(address),
            Self::Mapped(map) => {
                map.get(&address).copied().ok_or_else(|| io::Error::from(io::ErrorKind::NetworkUnreachable))
            }
        }
    }
}

impl Clock {
    #[must_use]
    pub fn now(self) -> Timestamp {
        match self {
            Self::System => Timestamp::now(),
            Self::Fixed(moment) => moment,
        }
    }
}

impl Entropy {
    /// # Panics
    /// When the operating system has no randomness to give, which no supported system admits.
    #[must_use]
    pub fn bytes(self) -> [u8; 8] {
        match self {
            Self::Fixed(bytes) => bytes,
            Self::System => {
                let mut bytes = [0; 8];
                aws_lc_rs::rand::fill(&mut bytes).expect("the operating system gives randomness");
                bytes
            }
        }
    }
}
