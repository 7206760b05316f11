//! A world inside this program: name server, authorities, origins and proxies on loopback.
//!
//! In: a [`Blueprint`]. Out: a running [`World`] with the catalogue, the network and the routes for a check against it,
//! and what every row must come out as. Never: the probe or the judge, so that a mistake cannot agree with itself; a
//! connection that leaves the machine; privileges; a port that has to be free.

mod account;
mod authority;
mod blueprint;
mod catalogue;
mod dns;
mod http;
mod login;
mod offer;
mod origin;
mod proxy;
mod running;
mod scenarios;
mod story;
#[cfg(test)]
mod tests;
mod tickets;
mod windows;
mod wire;

pub use account::Account;
pub use authority::{Inspector, Shown};
pub use blueprint::{Blueprint, Expectation, Place, ProxyPlace, ScriptPlan, ScriptSource};
pub use dns::{Addresses, NameAnswer};
pub use http::{Manner, Reply};
pub use login::{Algorithm, Digest, Gate, Nonces};
pub use offer::Offer;
pub use origin::{Answer, Breakage, ClientCertificate, Filter, Front, Site, Tls};
pub use proxy::{Deed, Hosts, Pretence, ProxyPlan, Refusal};
pub use running::{LabMistake, Logins, ScriptPlace, World};
pub use scenarios::{NOT_PRODUCIBLE, scenarios};
pub use story::story;
pub use tickets::TicketPlan;
pub use windows::{Carrier, Conduct, Form, Windows};

/// A world worth checking against, by name.
#[derive(Debug, Clone, Copy)]
pub struct Scenario {
    /// As `waprobe lab NAME` takes it.
    pub name: &'static str,
    /// One sentence.
    pub title: &'static str,
    /// The codes of rows and remarks that come out of it, beside `ok`; or the one with which it ends before there are rows.
    pub codes: &'static [&'static str],
    /// Codes of findings that take more than one row, or another question, to see.
    pub findings: &'static [&'static str],
    /// The check ends with its code before it probes anything, because there is no script to ask.
    pub ends_early: bool,
    build: fn() -> Blueprint,
}

impl Scenario {
    #[must_use]
    pub fn blueprint(&self) -> Blueprint {
        (self.build)()
    }

    /// Makes it real.
    ///
    /// # Errors
    /// When the machine has no loopback ports to give.
    pub fn start(&self) -> Result<World, LabMistake> {
        World::start(self.blueprint())
    }
}
