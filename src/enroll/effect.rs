//! What a finding does to a device: keeps it away altogether, or takes something from what is seen of it.

use super::findings::Code;
use crate::catalogue::Solution;

/// How much of a device is missing because of a finding.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Effect {
    /// It does not appear in at least one solution.
    Absent,
    /// It appears, and some of its data does not, or comes late, or not where one looks.
    Incomplete,
}

impl Code {
    /// The solutions, of those that are `wanted`, in which a device does not appear because of this, unless the rule that
    /// found it knows better.
    #[must_use]
    pub fn keeps_out_of(self, wanted: &[Solution]) -> Vec<Solution> {
        let only = |solution| wanted.iter().copied().filter(|one| *one == solution).collect();
        match self {
            Self::SolutionUnsupported
            | Self::RegionNotCollected
            | Self::CommercialIdMissing
            | Self::CommercialIdType
            | Self::CommercialIdInvalid
            | Self::CommercialIdConflict
            | Self::TelemetryNotSet
            | Self::TelemetryType
            | Self::TelemetryLevel
            | Self::CommercialDataOptIn
            | Self::SettingsDownloadsOff
            | Self::FirewallBlocks
            | Self::RollupMissing
            | Self::DiagtrackMissing
            | Self::AuthProxyUser
            | Self::AuthProxyVersion
            | Self::TelemetryProxyInvalid
            | Self::TelemetryProxyConflict
            | Self::UploadEndpoint
            | Self::DiagtrackService
            | Self::MachineIdDuplicate => wanted.to_vec(),
            // The deployment script refuses the edition for every solution; the others can be set up without it.
            Self::EditionUnsupported
            // What scans for compatibility serves this one alone.
            | Self::AppraiserMissing
            | Self::InventoryOff
            | Self::ProgramDebugger
            | Self::ScanNotRegistered
            | Self::AppraiserTaskMissing
            | Self::AppraiserTaskDisabled => only(Solution::UpgradeReadiness),
            // It is there, under a GUID: whoever looks for its name does not find it.
            Self::DeviceName
            | Self::LimitEnhancedUseless
            | Self::LimitEnhancedInvalid
            | Self::AppraiserVersions
            | Self::ApplicationTelemetryOff
            | Self::TraceSessionOff
            | Self::Tls12Off
            | Self::SiteDiscoveryInvalid
            | Self::SiteDiscoveryName
            | Self::SiteDiscoveryPolicy
            | Self::SiteDiscoveryLevel
            | Self::SiteDiscoveryUpdate
            | Self::SiteDiscoveryBrowser
            | Self::SiteDiscoveryRegion
            | Self::CumulativeUpdateMissing
            | Self::RestartPending
            | Self::AppraiserOutdated
            | Self::DiagtrackOutdated
            | Self::DefenderDisabled
            | Self::DefenderPassive
            | Self::CloudProtectionOff
            | Self::AuthProxyInvalid
            | Self::AuthProxyDefender
            | Self::ErrorReportingDisabled
            | Self::ErrorReportingWithheld
            | Self::ErrorReportingRedirected
            | Self::SignInService
            | Self::AppraiserTaskStale
            | Self::AppraiserTaskFailed => Vec::new(),
        }
    }
}
