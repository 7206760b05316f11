//! What has to be reachable, for whom, and whose certificate it must show.
//!
//! In: the text of a catalogue and the PEM files it names. Out: a [`Catalogue`] that cannot be wrong, or every
//! mistake of the file at once. Never: a socket, a clock, a look at the machine.

mod build;
mod complaint;
mod control;
mod embedded;
mod list;
mod os;
mod parse;
mod suggest;
mod trust;

use std::fmt;

use serde::{Deserialize, Serialize};

pub use build::{Build, BuildMistake, BuildRange};
pub(crate) use complaint::quotable;
pub use complaint::{Complaint, Complaints};
pub use control::Control;
pub use list::{ListedEndpoint, Listing};
pub use os::{ImpactRow, OsChoice, OsMistake, OsSelection, release_title};
pub use parse::CatalogueSource;
pub(crate) use parse::section;
pub(crate) use suggest::closest;
pub use trust::{ClassMaterial, Trust, TrustClass};

/// Everything the probe expects of the world: endpoints, trust classes and the control host.
#[derive(Debug, Clone)]
pub struct Catalogue {
    /// The catalogue's own name, as printed in reports (`windows-analytics`).
    pub name: String,
    pub endpoints: Vec<Endpoint>,
    pub trust: Trust,
    pub control: Option<Control>,
    /// The text and PEM files this was read from, so that a recording can carry them.
    pub source: CatalogueSource,
}

/// One address that Windows sends to or reads from.
#[derive(Debug, Clone)]
pub struct Endpoint {
    /// Short stable name (`v10c`), the key of rows and expectations.
    pub name: String,
    /// The address in its plain form: lower case, no default port, no trailing slash.
    pub url: String,
    pub scheme: UrlScheme,
    /// Lower case, without a trailing dot; an IPv6 address without brackets.
    pub host: String,
    pub port: u16,
    /// What Windows uses it for, in one or two sentences.
    pub function: String,
    /// Heading under which a table shows it (`diagnostic data`); empty when the catalogue names none.
    pub group: String,
    /// Classes whose anchors the chain may reach; empty only for plain http.
    pub trust: Vec<TrustClass>,
    pub lifecycle: Lifecycle,
    pub probe: HealthProbe,
    pub needs: Vec<Need>,
    /// Where the claims come from, conflicts included.
    pub sources: Vec<Claim>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UrlScheme {
    Http,
    Https,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Lifecycle {
    Active,
    Retired,
}

/// The one small request that is sent, and the answers that mean "the service is there".
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HealthProbe {
    /// Path with a leading slash.
    pub path: String,
    /// HTTP status codes that are healthy beside 200.
    pub healthy: Vec<u16>,
}

/// That a solution wants this endpoint on a range of Windows builds.
#[derive(Debug, Clone)]
pub struct Need {
    pub solution: Solution,
    pub level: NeedLevel,
    pub builds: Vec<BuildRange>,
    pub source: String,
    /// The date of the claim, `YYYY-MM-DD`, `YYYY-MM` or `YYYY`.
    pub as_of: String,
    /// What another source says against it; shown beside the answer.
    pub conflict: Option<String>,
}

/// One statement about an endpoint with the place it was found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Claim {
    pub claim: String,
    pub source: String,
    pub as_of: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Solution {
    DeviceHealth,
    UpgradeReadiness,
    UpdateCompliance,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum NeedLevel {
    /// Works without it, better with it.
    Improves,
    /// The solution shows nothing, or not enough, without it.
    Required,
}

impl Catalogue {
    /// The catalogue compiled into this binary.
    ///
    /// # Panics
    /// Never in a released binary: a test reads the embedded text.
    #[must_use]
    pub fn embedded() -> Self {
        Self::read(CatalogueSource::embedded()).expect("the embedded catalogue is read by a test")
    }

    /// Reads a catalogue, reporting all of its mistakes together.
    ///
    /// # Errors
    /// [`Complaints`], each with line, caret and, where there is one, a suggestion.
    pub fn read(source: CatalogueSource) -> Result<Self, Complaints> {
        parse::read(source)
    }

    #[must_use]
    pub fn endpoint(&self, name: &str) -> Option<&Endpoint> {
        self.endpoints.iter().find(|endpoint| endpoint.name == name)
    }

    /// The endpoint that owns `host`, for `verify --host`.
    #[must_use]
    pub fn endpoint_for_host(&self, host: &str) -> Option<&Endpoint> {
        let host = host.trim_end_matches('.').to_ascii_lowercase();
        self.endpoints.iter().find(|endpoint| endpoint.host == host)
    }
}

impl Endpoint {
    #[must_use]
    pub fn is_tls(&self) -> bool {
        self.scheme == UrlScheme::Https
    }

    /// Whether a run about `solutions` and the versions of `selection` asks this endpoint. One that states no need is
    /// asked in every run: a minimal catalogue is a list of addresses.
    #[must_use]
    pub fn applies(&self, solutions: &[Solution], selection: &OsSelection) -> bool {
        self.needs.is_empty() || self.strongest_need(solutions, selection).is_some()
    }

    /// The strongest need of `solution` on the builds chosen in `selection` that fall into `row`.
    #[must_use]
    pub fn need(&self, solution: Solution, row: ImpactRow, selection: &OsSelection) -> Option<NeedLevel> {
        if !solution.runs_on(row) {
            return None;
        }
        self.needs
            .iter()
            .filter(|need| need.solution == solution)
            .filter(|need| need.builds.iter().any(|range| selection.meets(row, range)))
            .map(|need| need.level)
            .max()
    }

    /// The strongest need over all solutions and rows chosen: what makes a row `required` for the exit code.
    #[must_use]
    pub fn strongest_need(&self, solutions: &[Solution], selection: &OsSelection) -> Option<NeedLevel> {
        selection
            .rows()
            .into_iter()
            .flat_map(|row| solutions.iter().map(move |solution| (row, *solution)))
            .filter_map(|(row, solution)| self.need(solution, row, selection))
            .max()
    }
}

impl Solution {
    pub const ALL: [Self; 3] = [Self::DeviceHealth, Self::UpgradeReadiness, Self::UpdateCompliance];

    #[must_use]
    pub fn id(self) -> &'static str {
        match self {
            Self::DeviceHealth => "device-health",
            Self::UpgradeReadiness => "upgrade-readiness",
            Self::UpdateCompliance => "update-compliance",
        }
    }

    #[must_use]
    pub fn title(self) -> &'static str {
        match self {
            Self::DeviceHealth => "Device Health",
            Self::UpgradeReadiness => "Upgrade Readiness",
            Self::UpdateCompliance => "Update Compliance",
        }
    }

    /// Whether the solution exists for these devices at all (the enrolment document, "Deploy additional optional
    /// settings"): Upgrade Readiness alone runs on 7 and 8.1, Device Health alone on Server 2016.
    #[must_use]
    pub fn runs_on(self, row: ImpactRow) -> bool {
        match row {
            ImpactRow::Win7To81 => self == Self::UpgradeReadiness,
            ImpactRow::Server2016 => self == Self::DeviceHealth,
            ImpactRow::Win10To1709
            | ImpactRow::Win10V1803
            | ImpactRow::Win10V1803September2018
            | ImpactRow::Win10V1809AndLater
            | ImpactRow::Win11AndLater => true,
        }
    }
}

impl UrlScheme {
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Http => "http",
            Self::Https => "https",
        }
    }

    #[must_use]
    pub fn default_port(self) -> u16 {
        match self {
            Self::Http => 80,
            Self::Https => 443,
        }
    }
}

impl fmt::Display for UrlScheme {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.as_str())
    }
}
