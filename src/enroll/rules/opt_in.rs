//! The opt-ins: the device's name from 1803 on, commercial data and all compatibility versions on 7 and 8.1.

use crate::catalogue::Solution;
use crate::enroll::case::{Case, NOT_SET, Setting, shown_number};
use crate::enroll::findings::{Code, Notes, RemarkCode};
use crate::enroll::places::{APPRAISER, POLICY, PREFERENCE};
use crate::registry::{Lookup, Value};

const WINDOWS_10_1803: u32 = 17134;
const DEVICE_NAME: &str = "AllowDeviceNameInTelemetry";
const DATA_OPT_IN: &str = "CommercialDataOptIn";
const ALL_VERSIONS: &str = "RequestAllAppraiserVersions";
const PROCESSING: &str = "AllowUpdateComplianceProcessing";
const PROCESSING_ON: u32 = 0x10;

pub(super) fn check(case: &Case<'_>, notes: &mut Notes) {
    if case.windows.at_least(WINDOWS_10_1803, 0) == Some(true) {
        device_name(case, notes);
    }
    if case.windows.is_before_10() == Some(true) && case.wants(Solution::UpgradeReadiness) {
        data_opt_in(case, notes);
        all_versions(case, notes);
    }
    processing(case, notes);
}

fn device_name(case: &Case<'_>, notes: &mut Notes) {
    let (is, place) = match case.setting(DEVICE_NAME) {
        Setting::Policy(value) if value.as_dword() == Some(1) => return,
        Setting::Preference(value) if value.as_dword() == Some(1) => return,
        Setting::Policy(value) => (shown_number(value), POLICY),
        Setting::Preference(value) => (shown_number(value), PREFERENCE),
        Setting::NotSet => (NOT_SET.to_owned(), POLICY),
        Setting::MaybeOverridden(_) => return notes.key_not_known(DEVICE_NAME, POLICY),
        Setting::NotKnown(key) => return notes.key_not_known(DEVICE_NAME, key),
    };
    notes.finding(Code::DeviceName, DEVICE_NAME, place).is(is).should("1").because(
        "from Windows 10 1803 on the name is sent only after this opt-in; without it the device is listed under a GUID",
    );
}

/// The enrolment page lists it among the values that may stand in either key; the deployment script and what came after it
/// know the preference alone.
fn data_opt_in(case: &Case<'_>, notes: &mut Notes) {
    let is_on = |lookup: Lookup<'_>| lookup.value().and_then(Value::as_dword) == Some(1);
    if is_on(case.preference(DATA_OPT_IN)) {
        return;
    }
    if is_on(case.policy(DATA_OPT_IN)) {
        return notes.remark(
            RemarkCode::OptInByPolicyAlone,
            format!(
                "{DATA_OPT_IN} is 1 as policy alone. Microsoft's documents differ on whether that counts: write it under \
                 {PREFERENCE} too, where all of them look for it."
            ),
        );
    }
    let is = match case.preference(DATA_OPT_IN) {
        Lookup::NotKnown => return notes.key_not_known(DATA_OPT_IN, PREFERENCE),
        Lookup::NotSet => NOT_SET.to_owned(),
        Lookup::Set(value) => shown_number(value),
    };
    notes
        .finding(Code::CommercialDataOptIn, DATA_OPT_IN, PREFERENCE)
        .is(is)
        .should("1")
        .because("Windows 7 and 8.1 send diagnostic data for Upgrade Readiness only after this opt-in");
}

fn all_versions(case: &Case<'_>, notes: &mut Notes) {
    let Ok(value) = notes.known(case.snapshot.lookup(APPRAISER, ALL_VERSIONS), ALL_VERSIONS, APPRAISER) else {
        return;
    };
    if value.and_then(Value::as_dword) == Some(1) {
        return;
    }
    notes
        .finding(Code::AppraiserVersions, ALL_VERSIONS, APPRAISER)
        .is(value.map_or_else(|| NOT_SET.to_owned(), shown_number))
        .should("1")
        .because("without it Windows 7 and 8.1 compare with one version of Windows 10 only, and the scan for others is not made");
}

/// Asked for two years after the solutions were documented: worth knowing, and no fault of a device of that time.
fn processing(case: &Case<'_>, notes: &mut Notes) {
    if case.windows.is_windows_10() != Some(true) || !case.wants(Solution::UpdateCompliance) {
        return;
    }
    let off = match case.policy(PROCESSING) {
        Lookup::Set(value) => value.as_dword() != Some(PROCESSING_ON),
        Lookup::NotSet => true,
        Lookup::NotKnown => false,
    };
    if off {
        notes.remark(
            RemarkCode::ProcessingOptIn,
            format!("From 2021-05-10 on Update Compliance also asked for {PROCESSING} = {PROCESSING_ON} as policy; this device does not have it."),
        );
    }
}
