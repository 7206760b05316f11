//! Windows versions as builds and revisions, because "1803" with and without one cumulative update differ.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// A Windows build with, where known, its revision: `17134.320`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Build {
    pub number: u32,
    /// The update build revision; `None` stands for every revision.
    pub revision: Option<u32>,
}

/// `17134.319..`, `10240..16299`, `9600`: both ends included; an end without a revision covers all of that build's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BuildRange {
    /// Lowest (build, revision).
    pub from: (u32, u32),
    /// Highest (build, revision); `u32::MAX` where the range is open.
    pub to: (u32, u32),
}

/// A column of the impact matrix.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, schemars::JsonSchema)]
pub enum ImpactRow {
    #[serde(rename = "win7-8.1")]
    Win7To81,
    #[serde(rename = "win10-1507-1709")]
    Win10To1709,
    #[serde(rename = "win10-1803")]
    Win10V1803,
    #[serde(rename = "win10-1803-2018-09")]
    Win10V1803September2018,
    #[serde(rename = "win10-1809-later")]
    Win10V1809AndLater,
    #[serde(rename = "server-2016")]
    Server2016,
}

/// One `--os` argument.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum OsChoice {
    /// Every version the catalogue speaks of.
    All,
    /// A client build, whole or at one revision.
    Client(Build),
    Server2016,
}

/// The Windows versions a run speaks about.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OsSelection {
    /// The arguments as given, joined by commas (`all`), for the report.
    pub label: String,
    pub choices: Vec<OsChoice>,
}

impl ImpactRow {
    pub const ALL: [Self; 6] = [
        Self::Win7To81,
        Self::Win10To1709,
        Self::Win10V1803,
        Self::Win10V1803September2018,
        Self::Win10V1809AndLater,
        Self::Server2016,
    ];

    #[must_use]
    pub fn id(self) -> &'static str {
        match self {
            Self::Win7To81 => "win7-8.1",
            Self::Win10To1709 => "win10-1507-1709",
            Self::Win10V1803 => "win10-1803",
            Self::Win10V1803September2018 => "win10-1803-2018-09",
            Self::Win10V1809AndLater => "win10-1809-later",
            Self::Server2016 => "server-2016",
        }
    }

    /// The builds this column stands for. Server 2016 shares build 14393 with Windows 10 1607.
    #[must_use]
    pub fn builds(self) -> BuildRange {
        let (from, to) = match self {
            Self::Win7To81 => ((7601, 0), (9600, u32::MAX)),
            Self::Win10To1709 => ((10240, 0), (16299, u32::MAX)),
            Self::Win10V1803 => ((17134, 0), (17134, 318)),
            Self::Win10V1803September2018 => ((17134, 319), (17134, u32::MAX)),
            Self::Win10V1809AndLater => ((17763, 0), (u32::MAX, u32::MAX)),
            Self::Server2016 => ((14393, 0), (14393, u32::MAX)),
        };
        BuildRange { from, to }
    }
}

impl BuildRange {
    #[must_use]
    pub fn overlaps(&self, other: &Self) -> bool {
        self.from <= other.to && other.from <= self.to
    }

    fn intersection(&self, other: &Self) -> Option<Self> {
        let common = Self { from: self.from.max(other.from), to: self.to.min(other.to) };
        (common.from <= common.to).then_some(common)
    }
}

impl From<Build> for BuildRange {
    fn from(build: Build) -> Self {
        match build.revision {
            Some(revision) => Self { from: (build.number, revision), to: (build.number, revision) },
            None => Self { from: (build.number, 0), to: (build.number, u32::MAX) },
        }
    }
}

impl OsSelection {
    #[must_use]
    pub fn all() -> Self {
        Self { label: "all".to_owned(), choices: vec![OsChoice::All] }
    }

    /// The columns of the impact matrix this selection speaks about, in order.
    #[must_use]
    pub fn rows(&self) -> Vec<ImpactRow> {
        ImpactRow::ALL
            .into_iter()
            .filter(|row| self.choices.iter().any(|choice| choice.builds_in(*row).is_some()))
            .collect()
    }

    /// Whether a device of this selection in column `row` has a build in `range`.
    #[must_use]
    pub fn meets(&self, row: ImpactRow, range: &BuildRange) -> bool {
        self.choices.iter().filter_map(|choice| choice.builds_in(row)).any(|builds| builds.overlaps(range))
    }
}

impl OsChoice {
    fn builds_in(&self, row: ImpactRow) -> Option<BuildRange> {
        match self {
            Self::All => Some(row.builds()),
            Self::Server2016 => (row == ImpactRow::Server2016).then(|| row.builds()),
            // A build that is both client and server means the client unless `server-2016` is said.
            Self::Client(_) if row == ImpactRow::Server2016 => None,
            Self::Client(build) => BuildRange::from(*build).intersection(&row.builds()),
        }
    }
}
