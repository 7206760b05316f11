//! Internet Explorer site discovery: an option of Upgrade Readiness with conditions of its own.

use super::level::{self, Effective};
use crate::catalogue::Solution;
use crate::enroll::case::{Case, shown_number};
use crate::enroll::findings::{Code, NO_UPDATES, Notes, RemarkCode};
use crate::enroll::places::{INTERNET_EXPLORER, POLICY, PREFERENCE};
use crate::registry::{Lookup, Value};

const NAME: &str = "IEDataOptIn";
/// The batch file's variable, which the documentation also uses for the registry value.
const VARIABLE: &str = "IEOptInLevel";
/// Internet Explorer 11 with the cumulative update of July 2016 (KB3170106).
const JULY_2016: [u32; 3] = [11, 0, 33];
const ENHANCED: u32 = 2;
const TRACKING_UPDATE: u32 = 3_080_149;

pub(super) fn check(case: &Case<'_>, notes: &mut Notes) {
    if !case.wants(Solution::UpgradeReadiness) {
        return;
    }
    in_policy(case, notes);
    let value = match (case.preference(NAME), case.preference(VARIABLE)) {
        (Lookup::Set(value), _) => value,
        (Lookup::NotSet, Lookup::Set(value)) => return wrong_name(value, notes),
        (Lookup::NotKnown, _) => return notes.key_not_known(NAME, PREFERENCE),
        (Lookup::NotSet, _) => return,
    };
    let Some(choice @ 0..=3) = value.as_dword() else {
        notes
            .finding(Code::SiteDiscoveryInvalid, NAME, PREFERENCE)
            .is(shown_number(value))
            .should("0, 1, 2 or 3, as REG_DWORD")
            .because(format!("{}; {}; {}; {}", zones(0), zones(1), zones(2), zones(3)));
        return;
    };
    notes.remark(RemarkCode::SiteDiscoveryZones, format!("{NAME} is {}.", zones(choice)));
    if choice > 0 {
        conditions(case, choice, notes);
    }
}

/// What a choice means, by zone.
pub(in crate::enroll) fn zones(choice: u32) -> &'static str {
    match choice {
        0 => "0: no site is collected",
        1 => "1: sites of the local intranet, the trusted sites and this computer are collected",
        2 => "2: sites of the internet and the restricted sites are collected",
        _ => "3: all sites are collected",
    }
}

fn in_policy(case: &Case<'_>, notes: &mut Notes) {
    for name in [NAME, VARIABLE] {
        if let Lookup::Set(value) = case.policy(name) {
            notes
                .finding(Code::SiteDiscoveryPolicy, name, POLICY)
                .is(shown_number(value))
                .should(format!("{NAME} under {PREFERENCE}"))
                .because("site discovery is read from the preference key alone; as policy it has no effect");
        }
    }
}

fn wrong_name(value: &Value, notes: &mut Notes) {
    notes
        .finding(Code::SiteDiscoveryName, VARIABLE, PREFERENCE)
        .is(shown_number(value))
        .should(format!("{NAME} = {}", shown_number(value)))
        .because(format!("{VARIABLE} is the name in the deployment script's batch file; Windows reads {NAME}"));
}

fn conditions(case: &Case<'_>, choice: u32, notes: &mut Notes) {
    if case.windows.is_windows_10() == Some(true) {
        needs_enhanced(case, choice, notes);
    }
    if case.windows.is_before_10() == Some(true) {
        if case.in_europe() {
            notes
                .finding(Code::SiteDiscoveryRegion, NAME, PREFERENCE)
                .is(choice.to_string())
                .should("0, or not set")
                .because(
                    "site discovery is switched off on Windows 7 and 8.1 devices in the European Union and Switzerland",
                );
            return;
        }
        needs_update(case, notes);
    }
    needs_browser(case, notes);
}

fn needs_enhanced(case: &Case<'_>, choice: u32, notes: &mut Notes) {
    match level::effective(case) {
        Effective::Level { level, place } if level < ENHANCED => {
            notes
                .finding(Code::SiteDiscoveryLevel, NAME, PREFERENCE)
                .is(format!("{choice}, while AllowTelemetry is {level} in {place}"))
                .should("AllowTelemetry = 2 (Enhanced) as policy")
                .because("on Windows 10 sites are collected at Enhanced only");
        }
        Effective::NotKnown => notes.not_checked("AllowTelemetry for site discovery", POLICY, "the level is not known"),
        Effective::Level { .. } | Effective::Broken | Effective::NotSet => {}
    }
}

fn needs_update(case: &Case<'_>, notes: &mut Notes) {
    let Some(installed) = &case.snapshot.device.hotfixes else {
        return notes.not_checked("KB3080149", "installed updates", NO_UPDATES);
    };
    if !installed.contains(&TRACKING_UPDATE) {
        notes
            .finding(Code::SiteDiscoveryUpdate, "KB3080149", "installed updates")
            .is("not installed")
            .should("installed")
            .because("on Windows 7 and 8.1 site discovery needs this update of the diagnostic tracking service");
    }
}

fn needs_browser(case: &Case<'_>, notes: &mut Notes) {
    const VALUE: &str = "svcUpdateVersion";
    let lookup = case.snapshot.lookup(INTERNET_EXPLORER, VALUE);
    let Ok(value) = notes.known(lookup, VALUE, INTERNET_EXPLORER) else { return };
    let version: Option<Vec<u32>> =
        value.and_then(Value::as_text).and_then(|text| text.split('.').map(|part| part.parse().ok()).collect());
    if version.as_deref().is_some_and(|version| version >= JULY_2016.as_slice()) {
        return;
    }
    notes
        .finding(Code::SiteDiscoveryBrowser, VALUE, INTERNET_EXPLORER)
        .is(value.map_or_else(|| crate::enroll::case::NOT_SET.to_owned(), Value::shown))
        .should("11.0.33 or later")
        .because(
            "site discovery is part of Internet Explorer 11 from the cumulative update of July 2016 on; that this is 11.0.33 \
             (KB3170106) is what the browser's About page shows, not what the enrolment page says",
        );
}
