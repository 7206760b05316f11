//! The Defender assessment of Update Compliance: Defender is the one that protects, and asks the cloud.

use crate::catalogue::Solution;
use crate::enroll::case::{Case, NOT_SET, shown_number};
use crate::enroll::findings::{Code, Notes};
use crate::enroll::places::{ADVANCED_THREAT_PROTECTION_POLICY, DEFENDER, DEFENDER_POLICY, SPYNET, SPYNET_POLICY};
use crate::registry::{Lookup, Value};

const DISABLED: &str = "DisableAntiSpyware";
const PASSIVE: [(&str, &str); 2] =
    [(DEFENDER, "PassiveMode"), (ADVANCED_THREAT_PROTECTION_POLICY, "ForceDefenderPassiveMode")];
const CLOUD: &str = "SpynetReporting";

pub(super) fn check(case: &Case<'_>, notes: &mut Notes) {
    if !case.wants(Solution::UpdateCompliance) || case.windows.is_before_10() == Some(true) {
        return;
    }
    disabled(case, notes);
    passive(case, notes);
    cloud(case, notes);
}

fn disabled(case: &Case<'_>, notes: &mut Notes) {
    let Some((value, key)) = first_set(case, DISABLED, [DEFENDER_POLICY, DEFENDER], notes) else { return };
    if value.as_dword() == Some(0) {
        return;
    }
    notes
        .finding(Code::DefenderDisabled, DISABLED, key)
        .is(shown_number(value))
        .should("0, or not set")
        .because(if value.as_dword().is_some() {
            "Update Compliance assesses devices that Windows Defender protects, and here it is switched off"
        } else {
            "Update Compliance assesses devices that Windows Defender protects; what Windows makes of a value of this type is \
             not documented"
        });
}

fn passive(case: &Case<'_>, notes: &mut Notes) {
    for (key, name) in PASSIVE {
        let Some(value) = notes.known(case.snapshot.lookup(key, name), name, key).ok().flatten() else { continue };
        if value.as_dword() == Some(1) {
            notes
                .finding(Code::DefenderPassive, name, key)
                .is("1 (passive)")
                .should("0, or not set")
                .because(if name == "PassiveMode" {
                    "another product protects this device, and Update Compliance assesses Windows Defender alone; Windows writes \
                     this value itself and Microsoft does not document it, so look at Get-MpComputerStatus (AMRunningMode) too"
                } else {
                    "another product protects this device, and Update Compliance assesses Windows Defender alone"
                });
        }
    }
}

fn cloud(case: &Case<'_>, notes: &mut Notes) {
    let found = match (case.snapshot.lookup(SPYNET_POLICY, CLOUD), case.snapshot.lookup(SPYNET, CLOUD)) {
        (Lookup::Set(value), _) => Some((value, SPYNET_POLICY)),
        (Lookup::NotKnown, _) => return notes.key_not_known(CLOUD, SPYNET_POLICY),
        (Lookup::NotSet, Lookup::Set(value)) => Some((value, SPYNET)),
        (Lookup::NotSet, Lookup::NotKnown) => return notes.key_not_known(CLOUD, SPYNET),
        (Lookup::NotSet, Lookup::NotSet) => None,
    };
    if found.and_then(|(value, _)| value.as_dword()).is_some_and(|level| level == 1 || level == 2) {
        return;
    }
    notes
        .finding(Code::CloudProtectionOff, CLOUD, found.map_or(SPYNET_POLICY, |(_, key)| key))
        .is(found.map_or_else(|| NOT_SET.to_owned(), |(value, _)| shown_number(value)))
        .should("1 (basic) or 2 (advanced)")
        .because("the Defender assessment of Update Compliance needs cloud-delivered protection");
}

/// The value that counts, policy before preference; the first key that is not known ends the search.
fn first_set<'a>(
    case: &Case<'a>,
    name: &str,
    keys: [&'static str; 2],
    notes: &mut Notes,
) -> Option<(&'a Value, &'static str)> {
    for key in keys {
        if let Some(value) = notes.known(case.snapshot.lookup(key, name), name, key).ok()? {
            return Some((value, key));
        }
    }
    None
}
