//! What a finding does to a device: keeps it away altogether, or takes something from what is seen of it.

use super::findings::Code;

/// How much of a device is missing because of a finding.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Effect {
    /// It does not appear in at least one solution.
    Absent,
    /// It appears, and some of its data does not, or comes late, or not where one looks.
    Incomplete,
}

impl Code {
    /// What this finding does to the device.
    #[must_use]
    pub fn effect(self) -> Effect {
        match self {
            Self::SolutionUnsupported
            | Self::EditionUnsupported
            | Self::RegionNotCollected
            | Self::CommercialIdMissing
            | Self::CommercialIdType
            | Self::CommercialIdInvalid
            | Self::CommercialIdConflict
            | Self::TelemetryNotSet
            | Self::TelemetryType
            | Self::TelemetryLevel
            | Self::CommercialDataOptIn
            | Self::RollupMissing
            | Self::AppraiserMissing
            | Self::DiagtrackMissing
            | Self::AuthProxyUser
            | Self::AuthProxyVersion
            | Self::TelemetryProxyInvalid
            | Self::TelemetryProxyConflict
            | Self::UploadEndpoint
            | Self::DiagtrackService
            | Self::AppraiserTaskMissing
            | Self::AppraiserTaskDisabled
            | Self::MachineIdDuplicate => Effect::Absent,
            // It is there, under a GUID: whoever looks for its name does not find it.
            Self::DeviceName
            | Self::LimitEnhancedUseless
            | Self::LimitEnhancedInvalid
            | Self::AppraiserVersions
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
            | Self::AppraiserTaskStale => Effect::Incomplete,
        }
    }
}
