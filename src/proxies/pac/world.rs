//! What a script may ask of the world: the time, names, and the addresses of the machine it runs on.

use std::collections::BTreeMap;
use std::fmt;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::Offset;
use serde::{Deserialize, Serialize};

/// Everything that a script can find out, given from outside.
#[derive(Debug, Clone)]
pub struct World {
    pub now: Timestamp,
    /// What the device's clock on the wall shows, against UTC.
    pub offset: Offset,
    pub names: NameAnswers,
    /// The machine's own addresses, the one that it would name first.
    pub own_addresses: Vec<IpAddr>,
}

/// Addresses for a name; none when it has none.
pub type Resolver = dyn Fn(&str) -> Vec<IpAddr> + Send + Sync;

/// Who answers `dnsResolve`.
#[derive(Clone)]
pub enum NameAnswers {
    /// These names, in lower case, and no others: nothing is asked.
    Given(BTreeMap<String, Vec<IpAddr>>),
    /// Somebody who may take a while; called on the script's own thread, once for each name.
    Asked(Arc<Resolver>),
}

/// A name that a script asked for, and what it was told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lookup {
    pub name: String,
    /// Empty: the script was told that the name does not exist.
    pub addresses: Vec<IpAddr>,
}

/// A text that a script passed to `alert`.
pub type Alert = String;

impl World {
    /// A world that consists of a moment: no names, and the own address that scripts see on a machine without network.
    #[must_use]
    pub fn at(now: Timestamp) -> Self {
        Self {
            now,
            offset: Offset::UTC,
            names: NameAnswers::Given(BTreeMap::new()),
            own_addresses: vec![Ipv4Addr::LOCALHOST.into()],
        }
    }

    /// The moment as the device's clock shows it, such as `2026-11-22T22:30:00+01:00`.
    #[must_use]
    pub fn wall_time(&self) -> String {
        self.now.to_zoned(self.offset.to_time_zone()).strftime("%Y-%m-%dT%H:%M:%S%:z").to_string()
    }

    /// The time on the wall, or in Greenwich when a script says `"GMT"`.
    pub(super) fn time(&self, gmt: bool) -> DateTime {
        let offset = if gmt { Offset::UTC } else { self.offset };
        offset.to_datetime(self.now)
    }
}

impl NameAnswers {
    pub(super) fn addresses(&self, name: &str) -> Vec<IpAddr> {
        match self {
            Self::Given(names) => names.get(name).cloned().unwrap_or_default(),
            Self::Asked(ask) => ask(name),
        }
    }
}

impl fmt::Debug for NameAnswers {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Given(names) => out.debug_tuple("Given").field(names).finish(),
            Self::Asked(_) => out.write_str("Asked(..)"),
        }
    }
}
