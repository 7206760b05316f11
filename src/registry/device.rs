//! What a snapshot knows beside the registry: services, tasks, file versions, updates.

use std::collections::BTreeMap;

use jiff::Timestamp;

/// Facts that no `.reg` file holds. What is missing from a map, and every `None`, was not collected; a `None` *inside* a
/// map is a thing that was looked for and is not there.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Device {
    /// When the snapshot was made: what "two days ago" is counted from.
    pub captured: Option<Timestamp>,
    /// As `EditionID` in the registry: `Enterprise`, `EnterpriseS`, `ServerStandard`.
    pub edition: Option<String>,
    /// As Windows writes it: `10.0.17763.1217`.
    pub build: Option<String>,
    /// Whether this is a server.
    pub server: Option<bool>,
    /// By name in lower case.
    pub services: BTreeMap<String, Option<Service>>,
    /// By full path in lower case.
    pub tasks: BTreeMap<String, Option<Task>>,
    /// Version by file name in lower case: `appraiser.dll`, `diagtrack.dll`, `iexplore.exe`.
    pub files: BTreeMap<String, Option<[u32; 4]>>,
    /// Every installed update as its number: `4462923`.
    pub hotfixes: Option<Vec<u32>>,
    /// Whether `%windir%\winsxs\pending.xml` exists.
    pub pending_xml: Option<bool>,
    /// Asked of the machine itself just now: what is not known then could not be read, rather than was not exported.
    pub is_live: bool,
}

/// A service as the service manager describes it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Service {
    pub start: StartType,
    pub running: Option<bool>,
}

/// When Windows starts a service.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StartType {
    Automatic,
    Manual,
    Disabled,
    /// Boot and system start, which only drivers use.
    Other,
}

/// A scheduled task.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Task {
    pub enabled: bool,
    /// `None` when it never ran.
    pub last_run: Option<Timestamp>,
    pub last_result: Option<u32>,
}

impl StartType {
    /// The number that the service's key keeps under `Start`.
    #[must_use]
    pub fn from_number(number: u32) -> Self {
        match number {
            2 => Self::Automatic,
            3 => Self::Manual,
            4 => Self::Disabled,
            _ => Self::Other,
        }
    }
}

impl Device {
    /// `None` when it was not looked for.
    #[must_use]
    pub fn service(&self, name: &str) -> Option<Option<Service>> {
        self.services.get(&name.to_lowercase()).copied()
    }

    /// `None` when it was not looked for.
    #[must_use]
    pub fn task(&self, path: &str) -> Option<Option<Task>> {
        self.tasks.get(&path.to_lowercase()).copied()
    }

    /// `None` when it was not looked for.
    #[must_use]
    pub fn file(&self, name: &str) -> Option<Option<[u32; 4]>> {
        self.files.get(&name.to_lowercase()).copied()
    }
}
