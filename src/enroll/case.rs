//! What a device is judged by, and how the rules ask its snapshot.

use super::places::{POLICY, PREFERENCE};
use super::windows::Windows;
use crate::catalogue::Solution;
use crate::registry::{Lookup, Snapshot, Value};

/// One device and what it is meant to do.
#[derive(Debug, Clone)]
pub struct Case<'a> {
    pub snapshot: &'a Snapshot,
    pub windows: Windows,
    /// Those asked for; empty stands for every one that this Windows supports.
    pub asked: Vec<Solution>,
    pub region: Option<Region>,
    /// How devices get through the proxy, where somebody said it.
    pub approach: Option<ProxyApproach>,
    /// Snapshots of other devices, by name, whose machine id must differ.
    pub others: Vec<(String, &'a Snapshot)>,
}

/// Where the device is, as far as it changes what Microsoft collects.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Region {
    EuropeanEconomicArea,
    Switzerland,
    Other,
}

/// The three ways past a proxy that asks for credentials.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ProxyApproach {
    Bypass,
    User,
    Device,
}

/// A value that both keys may hold; the policy wins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Setting<'a> {
    Policy(&'a Value),
    Preference(&'a Value),
    /// The preference is set, and whether a policy overrides it is not known.
    MaybeOverridden(&'a Value),
    NotSet,
    /// This key would have to be known.
    NotKnown(&'static str),
}

impl<'a> Case<'a> {
    /// The solutions that are judged: those asked for, or every one that this Windows supports.
    #[must_use]
    pub fn solutions(&self) -> Vec<Solution> {
        if self.asked.is_empty() {
            return Solution::ALL
                .into_iter()
                .filter(|solution| self.windows.supports(*solution) != Some(false))
                .collect();
        }
        self.asked.clone()
    }

    /// The solutions that are judged and exist for this Windows.
    pub(super) fn wanted(&self) -> Vec<Solution> {
        Solution::ALL.into_iter().filter(|solution| self.wants(*solution)).collect()
    }

    /// Whether `solution` is judged, and exists for this Windows.
    pub(super) fn wants(&self, solution: Solution) -> bool {
        self.solutions().contains(&solution) && self.windows.supports(solution) != Some(false)
    }

    pub(super) fn in_europe(&self) -> bool {
        matches!(self.region, Some(Region::EuropeanEconomicArea | Region::Switzerland))
    }

    /// The policy that counts: group policy's, or else the one that device management wrote.
    pub(super) fn policy(&self, name: &str) -> Lookup<'a> {
        self.snapshot.lookup(POLICY, self.policy_name(name))
    }

    /// Under which name the policy `name` counts. Device management, such as Intune, writes some policies beside the place of group
    /// policy, and Windows reads them where group policy sets none (boot trace and `DiagnosticDataSettings.dll` of 23H2, documented
    /// by nohuto/win-config).
    pub(super) fn policy_name<'n>(&self, name: &'n str) -> &'n str {
        let managed = MANAGED.iter().find(|(known, _)| *known == name).map(|(_, managed)| *managed);
        let is_set = |name: &str| self.snapshot.lookup(POLICY, name).value().is_some();
        managed.filter(|managed| !is_set(name) && is_set(managed)).unwrap_or(name)
    }

    pub(super) fn preference(&self, name: &str) -> Lookup<'a> {
        self.snapshot.lookup(PREFERENCE, name)
    }

    /// The data collection value `name`, policy over preference.
    pub(super) fn setting(&self, name: &str) -> Setting<'a> {
        match (self.policy(name), self.preference(name)) {
            (Lookup::Set(value), _) => Setting::Policy(value),
            (Lookup::NotSet, Lookup::Set(value)) => Setting::Preference(value),
            (Lookup::NotSet, Lookup::NotSet) => Setting::NotSet,
            (Lookup::NotSet, Lookup::NotKnown) => Setting::NotKnown(PREFERENCE),
            (Lookup::NotKnown, Lookup::Set(value)) => Setting::MaybeOverridden(value),
            (Lookup::NotKnown, _) => Setting::NotKnown(POLICY),
        }
    }
}

impl Region {
    #[must_use]
    pub fn id(self) -> &'static str {
        match self {
            Self::EuropeanEconomicArea => "eea",
            Self::Switzerland => "ch",
            Self::Other => "other",
        }
    }
}

/// Data as a finding shows it: the number or text, with its type where that is the surprise.
pub(super) fn shown(value: &Value) -> String {
    match value {
        Value::Dword(_) => value.shown(),
        Value::Sz(text) if text.is_empty() => "empty text".to_owned(),
        Value::Sz(_) => format!("'{}'", value.shown()),
        _ => format!("'{}' ({})", value.shown(), value.type_name()),
    }
}

/// The same for a value that should be a `REG_DWORD`.
pub(super) fn shown_number(value: &Value) -> String {
    match value {
        Value::Dword(_) => value.shown(),
        _ => format!("'{}' as {}", value.shown(), value.type_name()),
    }
}

/// Policies with a second name, under which device management writes them.
const MANAGED: [(&str, &str); 2] = [
    ("AllowTelemetry", "AllowTelemetry_PolicyManager"),
    ("TelemetryProxyServer", "TelemetryProxyServer_PolicyManager"),
];

pub(super) const NOT_SET: &str = "not set";
