//! What a check found: the document `waprobe-enroll/1`.

use schemars::JsonSchema;
use serde::Serialize;

use super::case::Case;
use crate::catalogue::Solution;
use crate::registry::{Lookup, Value};

/// The name and version of the document.
pub const SCHEMA: &str = "waprobe-enroll/1";

/// Everything that can be wrong with a device's settings.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Code {
    SolutionUnsupported,
    EditionUnsupported,
    RegionNotCollected,
    CommercialIdMissing,
    CommercialIdType,
    CommercialIdInvalid,
    CommercialIdConflict,
    TelemetryNotSet,
    TelemetryType,
    TelemetryLevel,
    LimitEnhancedUseless,
    LimitEnhancedInvalid,
    DeviceName,
    CommercialDataOptIn,
    AppraiserVersions,
    SettingsDownloadsOff,
    ProgramDebugger,
    InventoryOff,
    ApplicationTelemetryOff,
    ScanNotRegistered,
    TraceSessionOff,
    FirewallBlocks,
    SiteDiscoveryInvalid,
    SiteDiscoveryName,
    SiteDiscoveryPolicy,
    SiteDiscoveryLevel,
    SiteDiscoveryUpdate,
    SiteDiscoveryBrowser,
    SiteDiscoveryRegion,
    Tls12Off,
    RollupMissing,
    CumulativeUpdateMissing,
    RestartPending,
    AppraiserMissing,
    AppraiserOutdated,
    DiagtrackMissing,
    DiagtrackOutdated,
    DefenderDisabled,
    DefenderPassive,
    CloudProtectionOff,
    AuthProxyInvalid,
    AuthProxyUser,
    AuthProxyVersion,
    AuthProxyDefender,
    TelemetryProxyInvalid,
    TelemetryProxyConflict,
    UploadEndpoint,
    ErrorReportingDisabled,
    ErrorReportingWithheld,
    ErrorReportingRedirected,
    DiagtrackService,
    SignInService,
    AppraiserTaskMissing,
    AppraiserTaskDisabled,
    AppraiserTaskStale,
    AppraiserTaskFailed,
    MachineIdDuplicate,
}

/// One setting that is not as it should be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Finding {
    #[schemars(with = "String")]
    pub code: Code,
    /// The registry value, service, task, file or update.
    pub value: String,
    /// The registry key, or what else holds it.
    #[serde(rename = "where")]
    pub place: String,
    pub is: String,
    pub should: String,
    pub why: String,
    /// The deployment script's exit code for this, where it has one.
    pub ur_exit: Option<u8>,
    /// The solutions in which the device does not appear because of this; without any, part of its data is missing.
    #[serde(skip)]
    pub keeps_out_of: Vec<Solution>,
}

/// Something that nobody can say from this snapshot.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct NotChecked {
    pub value: String,
    #[serde(rename = "where")]
    pub place: String,
    pub why: String,
}

/// What is worth knowing and nothing to mend.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Remark {
    #[schemars(with = "String")]
    pub code: RemarkCode,
    pub text: String,
}

/// What a remark is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum RemarkCode {
    VersionContradicted,
    LongTermUnknown,
    ScriptRefusesServer,
    RegionWithoutUsage,
    LicenceByEdition,
    CommercialIdBraces,
    OptInByPolicyAlone,
    MachineIdMissing,
    UsageNeedsEnhanced,
    EnhancedUnlimited,
    LimitIgnored,
    UserMayLower,
    ProcessingOptIn,
    SiteDiscoveryZones,
    AppraiserDataUpdate,
    AppraiserOld,
    UploadHost,
    AuthProxyOff,
    AuthProxyEarlier,
    TelemetryProxy,
    SignInServiceDisabled,
    ScriptRecommended,
    Patience,
}

/// The answer for one device.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Checkup {
    /// `waprobe-enroll/1`.
    #[schemars(extend("const" = SCHEMA))]
    pub schema: String,
    /// The Windows version, as given or as the snapshot has it; `unknown` where neither says.
    pub os: String,
    /// The same as people call it, such as `Windows 10 1809`; `null` where it has no name.
    pub os_name: Option<String>,
    #[schemars(with = "Vec<String>")]
    pub solutions: Vec<&'static str>,
    pub region: Option<String>,
    pub findings: Vec<Finding>,
    pub not_checked: Vec<NotChecked>,
    pub remarks: Vec<Remark>,
}

impl Checkup {
    /// Whether nothing is wrong because what decides most was not seen: to whom the data belongs, or how much is sent.
    #[must_use]
    pub fn is_undecided(&self) -> bool {
        let decides = |open: &NotChecked| ["CommercialId", "AllowTelemetry"].contains(&open.value.as_str());
        self.findings.is_empty() && self.not_checked.iter().any(decides)
    }

    /// That `--os` says another version than the device, where it does: before anything else that is said of it.
    #[must_use]
    pub fn contradiction(&self) -> Option<&str> {
        self.remark(RemarkCode::VersionContradicted)
    }

    /// That the opt-in of 7 and 8.1 stands where one of Microsoft's documents looks for it and the others do not.
    #[must_use]
    pub fn disputed_opt_in(&self) -> Option<&str> {
        self.remark(RemarkCode::OptInByPolicyAlone)
    }

    fn remark(&self, code: RemarkCode) -> Option<&str> {
        self.remarks.iter().find(|remark| remark.code == code).map(|remark| remark.text.as_str())
    }
}

impl Code {
    pub const ALL: [Self; 57] = [
        Self::SolutionUnsupported,
        Self::EditionUnsupported,
        Self::RegionNotCollected,
        Self::CommercialIdMissing,
        Self::CommercialIdType,
        Self::CommercialIdInvalid,
        Self::CommercialIdConflict,
        Self::TelemetryNotSet,
        Self::TelemetryType,
        Self::TelemetryLevel,
        Self::LimitEnhancedUseless,
        Self::LimitEnhancedInvalid,
        Self::DeviceName,
        Self::CommercialDataOptIn,
        Self::AppraiserVersions,
        Self::SettingsDownloadsOff,
        Self::ProgramDebugger,
        Self::InventoryOff,
        Self::ApplicationTelemetryOff,
        Self::ScanNotRegistered,
        Self::TraceSessionOff,
        Self::FirewallBlocks,
        Self::SiteDiscoveryInvalid,
        Self::SiteDiscoveryName,
        Self::SiteDiscoveryPolicy,
        Self::SiteDiscoveryLevel,
        Self::SiteDiscoveryUpdate,
        Self::SiteDiscoveryBrowser,
        Self::SiteDiscoveryRegion,
        Self::Tls12Off,
        Self::RollupMissing,
        Self::CumulativeUpdateMissing,
        Self::RestartPending,
        Self::AppraiserMissing,
        Self::AppraiserOutdated,
        Self::DiagtrackMissing,
        Self::DiagtrackOutdated,
        Self::DefenderDisabled,
        Self::DefenderPassive,
        Self::CloudProtectionOff,
        Self::AuthProxyInvalid,
        Self::AuthProxyUser,
        Self::AuthProxyVersion,
        Self::AuthProxyDefender,
        Self::TelemetryProxyInvalid,
        Self::TelemetryProxyConflict,
        Self::UploadEndpoint,
        Self::ErrorReportingDisabled,
        Self::ErrorReportingWithheld,
        Self::ErrorReportingRedirected,
        Self::DiagtrackService,
        Self::SignInService,
        Self::AppraiserTaskMissing,
        Self::AppraiserTaskDisabled,
        Self::AppraiserTaskStale,
        Self::AppraiserTaskFailed,
        Self::MachineIdDuplicate,
    ];

    /// The stable name, as printed.
    #[must_use]
    pub fn id(self) -> &'static str {
        match self {
            Self::SolutionUnsupported => "enroll.solution_unsupported",
            Self::EditionUnsupported => "enroll.edition_unsupported",
            Self::RegionNotCollected => "enroll.region_not_collected",
            Self::CommercialIdMissing => "enroll.commercial_id_missing",
            Self::CommercialIdType => "enroll.commercial_id_type",
            Self::CommercialIdInvalid => "enroll.commercial_id_invalid",
            Self::CommercialIdConflict => "enroll.commercial_id_conflict",
            Self::TelemetryNotSet => "enroll.telemetry_not_set",
            Self::TelemetryType => "enroll.telemetry_type",
            Self::TelemetryLevel => "enroll.telemetry_level",
            Self::LimitEnhancedUseless => "enroll.limit_enhanced_useless",
            Self::LimitEnhancedInvalid => "enroll.limit_enhanced_invalid",
            Self::DeviceName => "enroll.device_name",
            Self::CommercialDataOptIn => "enroll.commercial_data_opt_in",
            Self::AppraiserVersions => "enroll.appraiser_versions",
            Self::SettingsDownloadsOff => "enroll.settings_downloads_off",
            Self::ProgramDebugger => "enroll.program_debugger",
            Self::InventoryOff => "enroll.inventory_off",
            Self::ApplicationTelemetryOff => "enroll.application_telemetry_off",
            Self::ScanNotRegistered => "enroll.scan_not_registered",
            Self::TraceSessionOff => "enroll.trace_session_off",
            Self::FirewallBlocks => "enroll.firewall_blocks",
            Self::SiteDiscoveryInvalid => "enroll.site_discovery_invalid",
            Self::SiteDiscoveryName => "enroll.site_discovery_name",
            Self::SiteDiscoveryPolicy => "enroll.site_discovery_policy",
            Self::SiteDiscoveryLevel => "enroll.site_discovery_level",
            Self::SiteDiscoveryUpdate => "enroll.site_discovery_update",
            Self::SiteDiscoveryBrowser => "enroll.site_discovery_browser",
            Self::SiteDiscoveryRegion => "enroll.site_discovery_region",
            Self::Tls12Off => "enroll.tls12_off",
            Self::RollupMissing => "enroll.rollup_missing",
            Self::CumulativeUpdateMissing => "enroll.cumulative_update_missing",
            Self::RestartPending => "enroll.restart_pending",
            Self::AppraiserMissing => "enroll.appraiser_missing",
            Self::AppraiserOutdated => "enroll.appraiser_outdated",
            Self::DiagtrackMissing => "enroll.diagtrack_missing",
            Self::DiagtrackOutdated => "enroll.diagtrack_outdated",
            Self::DefenderDisabled => "enroll.defender_disabled",
            Self::DefenderPassive => "enroll.defender_passive",
            Self::CloudProtectionOff => "enroll.cloud_protection_off",
            Self::AuthProxyInvalid => "enroll.auth_proxy_invalid",
            Self::AuthProxyUser => "enroll.auth_proxy_user",
            Self::AuthProxyVersion => "enroll.auth_proxy_version",
            Self::AuthProxyDefender => "enroll.auth_proxy_defender",
            Self::TelemetryProxyInvalid => "enroll.telemetry_proxy_invalid",
            Self::TelemetryProxyConflict => "enroll.telemetry_proxy_conflict",
            Self::UploadEndpoint => "enroll.upload_endpoint",
            Self::ErrorReportingDisabled => "enroll.error_reporting_disabled",
            Self::ErrorReportingWithheld => "enroll.error_reporting_withheld",
            Self::ErrorReportingRedirected => "enroll.error_reporting_redirected",
            Self::DiagtrackService => "enroll.diagtrack_service",
            Self::SignInService => "enroll.sign_in_service",
            Self::AppraiserTaskMissing => "enroll.appraiser_task_missing",
            Self::AppraiserTaskDisabled => "enroll.appraiser_task_disabled",
            Self::AppraiserTaskStale => "enroll.appraiser_task_stale",
            Self::AppraiserTaskFailed => "enroll.appraiser_task_failed",
            Self::MachineIdDuplicate => "enroll.machine_id_duplicate",
        }
    }
}

impl RemarkCode {
    /// The stable name, as printed.
    #[must_use]
    pub fn id(self) -> &'static str {
        match self {
            Self::VersionContradicted => "enroll.note.version_contradicted",
            Self::LongTermUnknown => "enroll.note.edition_unknown",
            Self::ScriptRefusesServer => "enroll.note.script_refuses_server",
            Self::RegionWithoutUsage => "enroll.note.region_without_usage",
            Self::LicenceByEdition => "enroll.note.licence_by_edition",
            Self::OptInByPolicyAlone => "enroll.note.opt_in_by_policy_alone",
            Self::CommercialIdBraces => "enroll.note.commercial_id_braces",
            Self::MachineIdMissing => "enroll.note.machine_id_missing",
            Self::UsageNeedsEnhanced => "enroll.note.usage_needs_enhanced",
            Self::EnhancedUnlimited => "enroll.note.enhanced_unlimited",
            Self::LimitIgnored => "enroll.note.limit_ignored",
            Self::UserMayLower => "enroll.note.user_may_lower",
            Self::ProcessingOptIn => "enroll.note.processing_opt_in",
            Self::SiteDiscoveryZones => "enroll.note.site_discovery_zones",
            Self::AppraiserDataUpdate => "enroll.note.appraiser_data_update",
            Self::AppraiserOld => "enroll.note.appraiser_old",
            Self::UploadHost => "enroll.note.upload_host",
            Self::AuthProxyOff => "enroll.note.auth_proxy_off",
            Self::AuthProxyEarlier => "enroll.note.auth_proxy_earlier",
            Self::TelemetryProxy => "enroll.note.telemetry_proxy",
            Self::SignInServiceDisabled => "enroll.note.sign_in_service_disabled",
            Self::ScriptRecommended => "enroll.note.script_recommended",
            Self::Patience => "enroll.note.patience",
        }
    }
}

impl Serialize for Code {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.id())
    }
}

impl Serialize for RemarkCode {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.id())
    }
}

/// Why the updates were not looked at.
pub(super) const NO_UPDATES: &str = "the snapshot does not list installed updates; `waprobe enroll snapshot` does";

/// Why something of this very machine is not known: nobody left anything out of a live registry.
fn withheld(why: &str, is_before_10: bool) -> Option<&'static str> {
    match why {
        NO_UPDATES if is_before_10 => Some(
            "this program cannot list the updates of Windows 7 and 8.1; the script that `waprobe enroll snapshot --script` prints can",
        ),
        why if why.starts_with("the snapshot does not") => {
            Some("Windows did not let this account read it: try again as administrator")
        }
        _ => None,
    }
}

/// The snapshot does not hold the key; that has been noted.
#[derive(Debug)]
pub(super) struct NotExported;

/// What the rules write into.
#[derive(Debug, Default)]
pub(super) struct Notes {
    /// The solutions that the case is about.
    wanted: Vec<Solution>,
    findings: Vec<Finding>,
    not_checked: Vec<NotChecked>,
    remarks: Vec<Remark>,
}

impl Notes {
    pub fn about(case: &Case<'_>) -> Self {
        Self { wanted: case.wanted(), ..Self::default() }
    }

    pub fn finding(&mut self, code: Code, value: &str, place: &str) -> FindingDraft<'_> {
        FindingDraft {
            notes: self,
            keeps_out_of: None,
            finding: Finding {
                code,
                value: value.to_owned(),
                place: place.to_owned(),
                is: String::new(),
                should: String::new(),
                why: String::new(),
                ur_exit: None,
                keeps_out_of: Vec::new(),
            },
        }
    }

    pub fn remark(&mut self, code: RemarkCode, text: impl Into<String>) {
        self.remarks.push(Remark { code, text: text.into() });
    }

    /// `value` could not be looked at; said once per value and place.
    pub fn not_checked(&mut self, value: &str, place: &str, why: &str) {
        if !self.not_checked.iter().any(|entry| entry.value == value && entry.place == place) {
            self.not_checked.push(NotChecked { value: value.to_owned(), place: place.to_owned(), why: why.to_owned() });
        }
    }

    /// `key` was not exported, so nobody knows whether `value` is set.
    pub fn key_not_known(&mut self, value: &str, key: &str) {
        self.not_checked(value, key, "the snapshot does not hold this key");
    }

    /// The value when it is set; a key that was not exported is noted.
    pub fn known<'a>(&mut self, lookup: Lookup<'a>, value: &str, key: &str) -> Result<Option<&'a Value>, NotExported> {
        match lookup {
            Lookup::Set(value) => Ok(Some(value)),
            Lookup::NotSet => Ok(None),
            Lookup::NotKnown => {
                self.key_not_known(value, key);
                Err(NotExported)
            }
        }
    }

    /// The number of a value that Windows reads as a `REG_DWORD` alone. One of another type is said, and skipped: what Windows makes
    /// of it is not documented.
    pub fn number(&mut self, value: &Value, name: &str, key: &str) -> Option<u32> {
        let number = value.as_dword();
        if number.is_none() {
            self.skipped(value, name, key, "REG_DWORD");
        }
        number
    }

    /// The text of a value that Windows reads as a `REG_SZ`; as [`Notes::number`].
    pub fn text<'a>(&mut self, value: &'a Value, name: &str, key: &str) -> Option<&'a str> {
        let text = value.as_text();
        if text.is_none() {
            self.skipped(value, name, key, "REG_SZ");
        }
        text
    }

    fn skipped(&mut self, value: &Value, name: &str, key: &str, wanted: &str) {
        let is = format!("it is '{}' as {}, and Windows reads a {wanted} here", value.shown(), value.type_name());
        self.not_checked(name, key, &format!("{is}: skipped"));
    }

    pub fn has(&self, code: Code) -> bool {
        self.findings.iter().any(|finding| finding.code == code)
    }

    pub fn into_checkup(mut self, case: &Case<'_>) -> Checkup {
        let is_before_10 = case.windows.is_before_10() == Some(true);
        if case.snapshot.device.is_live {
            for entry in &mut self.not_checked {
                if let Some(why) = withheld(&entry.why, is_before_10) {
                    why.clone_into(&mut entry.why);
                }
            }
        }
        Checkup {
            schema: SCHEMA.to_owned(),
            os: case.windows.label.clone(),
            os_name: case.windows.name(),
            solutions: case.solutions().into_iter().map(Solution::id).collect(),
            region: case.region.map(|region| region.id().to_owned()),
            findings: self.findings,
            not_checked: self.not_checked,
            remarks: self.remarks,
        }
    }
}

/// A finding that is being written; [`FindingDraft::because`] ends it.
pub(super) struct FindingDraft<'n> {
    notes: &'n mut Notes,
    keeps_out_of: Option<Vec<Solution>>,
    finding: Finding,
}

impl FindingDraft<'_> {
    pub fn is(mut self, is: impl Into<String>) -> Self {
        self.finding.is = is.into();
        self
    }

    pub fn should(mut self, should: impl Into<String>) -> Self {
        self.finding.should = should.into();
        self
    }

    pub fn ur_exit(mut self, code: impl Into<Option<u8>>) -> Self {
        self.finding.ur_exit = code.into();
        self
    }

    /// In place of what the code says of itself.
    pub fn keeps_out_of(mut self, solutions: &[Solution]) -> Self {
        self.keeps_out_of = Some(solutions.to_vec());
        self
    }

    pub fn because(mut self, why: impl Into<String>) {
        self.finding.why = why.into();
        let by_its_code = || self.finding.code.keeps_out_of(&self.notes.wanted);
        self.finding.keeps_out_of = self.keeps_out_of.unwrap_or_else(by_its_code);
        self.notes.findings.push(self.finding);
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_code_has_a_name_of_its_own_in_the_list() {
        let names: BTreeSet<&str> = Code::ALL.iter().map(|code| code.id()).collect();
        assert_eq!(names.len(), Code::ALL.len());
        assert!(Code::ALL.is_sorted(), "in the order of the type");
        assert!(names.iter().all(|name| name.strip_prefix("enroll.").is_some_and(|rest| !rest.contains('.'))));
    }
}
