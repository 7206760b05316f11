//! The level of diagnostic data: high enough, of the right type, and by policy where only a policy counts.

use crate::catalogue::Solution;
use crate::enroll::case::{Case, Setting, shown_number};
use crate::enroll::findings::{Code, Notes, RemarkCode};
use crate::enroll::places::{POLICY, PREFERENCE};
use crate::registry::{Lookup, Value};

const NAME: &str = "AllowTelemetry";
const LIMIT: &str = "LimitEnhancedDiagnosticDataWindowsAnalytics";
const NO_SETTINGS_PAGE: &str = "DisableTelemetryOptInSettingsUx";

/// The deployment script's exit code where it finds no level.
const NOT_SET_FOR_SCRIPT: u8 = 39;

const BASIC: u32 = 1;
const ENHANCED: u32 = 2;
const FULL: u32 = 3;

/// Windows 10 1703, before which the Defender assessment needs Enhanced.
const WINDOWS_10_1703: u32 = 15063;
const WINDOWS_10_1709: u32 = 16299;
const WINDOWS_10_1803: u32 = 17134;

/// The level that counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Effective {
    Level {
        level: u32,
        place: &'static str,
    },
    /// A value that is no level stands where it counts; it has its own finding.
    Broken,
    NotSet,
    NotKnown,
}

pub(super) fn check(case: &Case<'_>, notes: &mut Notes) {
    if case.windows.is_before_10() == Some(true) {
        return each_place(case, &Needed { level: BASIC, reason: String::new() }, notes);
    }
    let needed = needed(case);
    each_place(case, &needed, notes);
    let effective = effective(case);
    match effective {
        Effective::NotKnown => {
            let key = match case.setting(NAME) {
                Setting::NotKnown(key) => key,
                _ => POLICY,
            };
            notes.key_not_known(NAME, key);
        }
        Effective::NotSet => not_set(case, &needed, notes),
        Effective::Level { level, place } if level < needed.level => too_low(case, level, place, &needed, notes),
        Effective::Level { .. } | Effective::Broken => {}
    }
    if case.windows.is_windows_10() == Some(true) {
        limit(case, effective, notes);
        below_enhanced(case, effective, notes);
        user_may_lower(case, notes);
    }
}

/// The lowest level that does, and for what.
struct Needed {
    level: u32,
    reason: String,
}

fn needed(case: &Case<'_>) -> Needed {
    let mut reasons = Vec::new();
    if case.wants(Solution::DeviceHealth) {
        reasons.push("Device Health needs Enhanced at least".to_owned());
    }
    if case.wants(Solution::UpdateCompliance) && case.windows.at_least(WINDOWS_10_1703, 0) == Some(false) {
        reasons.push("the Defender assessment of Update Compliance needs Enhanced up to Windows 10 1607".to_owned());
    }
    if reasons.is_empty() {
        Needed { level: BASIC, reason: "below Basic no diagnostic data is sent".to_owned() }
    } else {
        Needed { level: ENHANCED, reason: reasons.join(", and ") }
    }
}

impl Needed {
    fn shown(&self) -> &'static str {
        if self.level == ENHANCED { "2 (Enhanced), set as policy" } else { "1 (Basic) or more" }
    }
}

/// What counts: the policy, or else the preference, in which Enhanced counts for no more than Basic.
pub(super) fn effective(case: &Case<'_>) -> Effective {
    let level = |value: &Value, place| match value.as_dword() {
        Some(ENHANCED) if place == PREFERENCE => Effective::Level { level: BASIC, place },
        Some(level @ BASIC..=FULL) => Effective::Level { level, place },
        _ => Effective::Broken,
    };
    match case.setting(NAME) {
        Setting::Policy(value) => level(value, POLICY),
        Setting::Preference(value) => level(value, PREFERENCE),
        Setting::NotSet => Effective::NotSet,
        Setting::MaybeOverridden(_) | Setting::NotKnown(_) => Effective::NotKnown,
    }
}

/// Type and range, wherever a level stands: the script looks at both, also at the one that does not count.
fn each_place(case: &Case<'_>, needed: &Needed, notes: &mut Notes) {
    for (key, lookup, wrong_type, wrong_level) in
        [(POLICY, case.policy(NAME), 62, 63), (PREFERENCE, case.preference(NAME), 64, 65)]
    {
        let Some(value) = lookup.value() else { continue };
        let name = if key == POLICY { case.policy_name(NAME) } else { NAME };
        // The deployment script does not know what device management writes: for it no level is set.
        let is_managed = name != NAME;
        let (wrong_type, wrong_level) =
            if is_managed { (NOT_SET_FOR_SCRIPT, NOT_SET_FOR_SCRIPT) } else { (wrong_type, wrong_level) };
        let overridden = key == PREFERENCE && case.policy(NAME).value().is_some();
        let is_earlier = case.windows.is_before_10() == Some(true);
        let suffix = if is_earlier {
            "; Windows 7 and 8.1 go by CommercialDataOptIn, and the deployment script stops here all the same"
        } else if overridden {
            "; the policy overrides it, and the deployment script stops here all the same"
        } else {
            ""
        };
        let is_beside = overridden || is_earlier;
        let should = if is_beside { "1 (Basic) or more, or not set" } else { needed.shown() };
        let keeps_out_of = if is_beside { Vec::new() } else { case.wanted() };
        match value.as_dword() {
            Some(BASIC..=FULL) => {}
            Some(level) => notes
                .finding(Code::TelemetryLevel, name, key)
                .is(name_of(level))
                .should(should)
                .ur_exit(wrong_level)
                .keeps_out_of(&keeps_out_of)
                .because(if is_earlier {
                    "the deployment script stops at it, though Windows 7 and 8.1 themselves go by CommercialDataOptIn"
                        .to_owned()
                } else if level == 0 {
                    format!("at level 0 (Security) nothing is sent that the solutions could show{suffix}")
                } else {
                    format!("only 0 to 3 are levels{suffix}")
                }),
            None => notes
                .finding(Code::TelemetryType, name, key)
                .is(shown_number(value))
                .should(format!("{should}, as REG_DWORD"))
                .ur_exit(wrong_type)
                .keeps_out_of(&keeps_out_of)
                .because(format!("a level of another type does not count{suffix}")),
        }
    }
}

fn not_set(case: &Case<'_>, needed: &Needed, notes: &mut Notes) {
    if case.windows.is_windows_10().is_none() {
        notes.not_checked(NAME, POLICY, "it is not set, and only Windows 10 needs it: --os says which Windows this is");
        return;
    }
    notes
        .finding(Code::TelemetryNotSet, NAME, POLICY)
        .is("not set, neither as policy nor as preference")
        .should(needed.shown())
        .ur_exit(39)
        .because(format!("without it the level is whatever the edition or the user chose; {}", needed.reason));
}

fn too_low(case: &Case<'_>, level: u32, place: &'static str, needed: &Needed, notes: &mut Notes) {
    let preference = case.preference(NAME).value().and_then(Value::as_dword);
    let (is, remark) = match (place, preference) {
        (PREFERENCE, Some(ENHANCED)) => {
            ("2 (Enhanced) as preference, which counts as Basic".to_owned(), "; Enhanced can only be set by policy")
        }
        (POLICY, Some(other)) if other > level => {
            (format!("{}, while the preference is {other}", name_of(level)), "; the policy overrides the preference")
        }
        _ => (name_of(level), ""),
    };
    let name = if place == POLICY { case.policy_name(NAME) } else { NAME };
    notes
        .finding(Code::TelemetryLevel, name, place)
        .is(is)
        .should(needed.shown())
        // At Basic the others show the device, if with less.
        .keeps_out_of(if case.wants(Solution::DeviceHealth) { &[Solution::DeviceHealth] } else { &[] })
        .because(format!("{}{remark}", needed.reason));
}

/// The limit to what Windows Analytics needs works with Enhanced alone, and from Windows 10 1709 on.
fn limit(case: &Case<'_>, effective: Effective, notes: &mut Notes) {
    let (value, place) = match case.setting(LIMIT) {
        Setting::Policy(value) => (value, POLICY),
        Setting::Preference(value) | Setting::MaybeOverridden(value) => (value, PREFERENCE),
        Setting::NotSet => {
            let limitable = case.windows.at_least(WINDOWS_10_1709, 0) == Some(true);
            if limitable && matches!(effective, Effective::Level { level: ENHANCED, .. }) {
                notes.remark(
                    RemarkCode::EnhancedUnlimited,
                    format!("All Enhanced data is sent; {LIMIT} = 1 limits it to what Windows Analytics needs."),
                );
            }
            return;
        }
        Setting::NotKnown(_) => return,
    };
    match value.as_dword() {
        Some(0) => {}
        Some(1) if case.windows.at_least(WINDOWS_10_1709, 0) == Some(false) => notes.remark(
            RemarkCode::LimitIgnored,
            format!("{LIMIT} is set, and Windows before 1709 does not know it: all Enhanced data is sent."),
        ),
        Some(1) => match effective {
            Effective::Level { level: FULL, place: level_place } => notes
                .finding(Code::LimitEnhancedUseless, LIMIT, place)
                .is(format!("1, while {NAME} is 3 (Full) in {level_place}"))
                .should(format!("{NAME} = 2 (Enhanced), or no limit"))
                .because("the limit works with Enhanced alone, so this device sends full data although somebody meant to limit it"),
            Effective::Level { level: BASIC, .. } if !notes.has(Code::TelemetryLevel) => notes.remark(
                RemarkCode::LimitIgnored,
                format!("{LIMIT} is set and has no effect: it works with {NAME} = 2 (Enhanced) alone."),
            ),
            _ => {}
        },
        _ => notes
            .finding(Code::LimitEnhancedInvalid, LIMIT, place)
            .is(shown_number(value))
            .should("1, or not set; as REG_DWORD")
            .because("only 0 and 1 mean something here"),
    }
}

/// Upgrade Readiness works at Basic, with less to show.
fn below_enhanced(case: &Case<'_>, effective: Effective, notes: &mut Notes) {
    let basic = matches!(effective, Effective::Level { level: BASIC, .. });
    if basic && case.wants(Solution::UpgradeReadiness) && !notes.has(Code::TelemetryLevel) {
        notes.remark(
            RemarkCode::UsageNeedsEnhanced,
            "Upgrade Readiness works at Basic without app usage, without the health of upgraded devices and without site \
             discovery; those need Enhanced, set as policy.",
        );
    }
}

fn user_may_lower(case: &Case<'_>, notes: &mut Notes) {
    let not_locked = match case.policy(NO_SETTINGS_PAGE) {
        Lookup::Set(value) => value.as_dword() != Some(1),
        Lookup::NotSet => true,
        Lookup::NotKnown => false,
    };
    if not_locked && case.windows.at_least(WINDOWS_10_1803, 0) == Some(true) {
        notes.remark(
            RemarkCode::UserMayLower,
            format!("From Windows 10 1803 on users may lower the level in Settings although a policy sets it; {NO_SETTINGS_PAGE} = 1 as policy keeps it."),
        );
    }
}

fn name_of(level: u32) -> String {
    match level {
        0 => "0 (Security)".to_owned(),
        BASIC => "1 (Basic)".to_owned(),
        ENHANCED => "2 (Enhanced)".to_owned(),
        FULL => "3 (Full)".to_owned(),
        other => format!("{other} (no level)"),
    }
}

#[cfg(test)]
mod names {
    use super::*;

    #[test]
    fn a_level_is_named_as_microsoft_names_it() {
        assert_eq!(name_of(2), "2 (Enhanced)");
        assert_eq!(name_of(7), "7 (no level)");
    }
}
