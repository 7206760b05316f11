//! The Defender assessment of Update Compliance: Defender is the one that protects, and asks the cloud.

use crate::catalogue::Solution;
use crate::enroll::case::{Case, NOT_SET, shown_number};
use crate::enroll::findings::{Code, Notes};
use crate::enroll::places::{
    ADVANCED_THREAT_PROTECTION_POLICY, ANTIVIRUS_PROVIDERS, DEFENDER, DEFENDER_POLICY, DEFENDER_REAL_TIME,
    DEFENDER_REAL_TIME_POLICY, SPYNET, SPYNET_POLICY,
};
use crate::registry::{Key, Lookup, StartType, Value};

/// Values that switch it off: all of it, its antivirus part, its protection in real time.
const DISABLED: [(&str, [&str; 2]); 3] = [
    ("DisableAntiSpyware", [DEFENDER_POLICY, DEFENDER]),
    ("DisableAntiVirus", [DEFENDER_POLICY, DEFENDER]),
    ("DisableRealtimeMonitoring", [DEFENDER_REAL_TIME_POLICY, DEFENDER_REAL_TIME]),
];
const SERVICE: &str = "WinDefend";
/// Under which Defender registers itself with the Security Center.
const OWN_PROVIDER: &str = "{D68DDC3A-831F-4FAE-9E44-DA132C1ACF46}";
const PASSIVE: [(&str, &str); 2] =
    [(DEFENDER, "PassiveMode"), (ADVANCED_THREAT_PROTECTION_POLICY, "ForceDefenderPassiveMode")];
const CLOUD: &str = "SpynetReporting";

pub(super) fn check(case: &Case<'_>, notes: &mut Notes) {
    if !case.wants(Solution::UpdateCompliance) || case.windows.is_before_10() == Some(true) {
        return;
    }
    for (name, keys) in DISABLED {
        disabled(case, name, keys, notes);
    }
    service(case, notes);
    passive(case, notes);
    partner(case, notes);
    cloud(case, notes);
}

fn disabled(case: &Case<'_>, name: &'static str, keys: [&'static str; 2], notes: &mut Notes) {
    let found = if name == DISABLED[0].0 {
        first_set(case, name, keys, notes)
    } else {
        // What the first value says of a key that was not exported is enough.
        keys.into_iter().find_map(|key| Some((case.snapshot.lookup(key, name).value()?, key)))
    };
    let Some((value, key)) = found else { return };
    if value.as_dword() == Some(0) {
        return;
    }
    notes
        .finding(Code::DefenderDisabled, name, key)
        .is(shown_number(value))
        .should("0, or not set")
        .because(if value.as_dword().is_some() {
            "Update Compliance assesses devices that Windows Defender protects, and here it is switched off"
        } else {
            "Update Compliance assesses devices that Windows Defender protects; what Windows makes of a value of this type is \
             not documented"
        });
}

/// Where another product protects, Windows stops the service; an administrator may have disabled it.
fn service(case: &Case<'_>, notes: &mut Notes) {
    let is = match case.snapshot.device.service(SERVICE) {
        Some(None) => "missing",
        Some(Some(service)) if service.start == StartType::Disabled => "disabled",
        Some(Some(service)) if service.running == Some(false) => "stopped",
        Some(Some(_)) | None => return,
    };
    notes.finding(Code::DefenderDisabled, SERVICE, "services").is(is).should("running").because(
        "Update Compliance assesses devices that Windows Defender protects, and its service does not run here",
    );
}

/// Products that say to the Security Center that they protect this device: then Windows Defender does not (Microsoft, "Microsoft Defender
/// Antivirus compatibility with other security products").
fn partner(case: &Case<'_>, notes: &mut Notes) {
    let is_provider = |key: &&Key| {
        let name = key.path().rsplit('\\').next().unwrap_or_default();
        name.starts_with('{') && !name.eq_ignore_ascii_case(OWN_PROVIDER)
    };
    for key in case.snapshot.subkeys(ANTIVIRUS_PROVIDERS).filter(is_provider) {
        let Some(state) = key.get("STATE") else { continue };
        if !notes.number(state, "STATE", key.path()).is_some_and(is_on) {
            continue;
        }
        let name = key.get("DISPLAYNAME").and_then(Value::as_text).unwrap_or("another product");
        notes
            .finding(Code::DefenderPassive, "DISPLAYNAME", key.path())
            .is(format!("{} protects this device", Value::Sz(name.to_owned()).shown()))
            .should("Windows Defender protects it, or the device is left out of the Defender assessment")
            .because("another product registered as this device's antivirus, and Update Compliance assesses Windows Defender alone");
    }
}

/// The four bits that the Security Center keeps in the middle of a product's state: 0 off, 1 on, 2 snoozed, 3 expired
/// (`WSC_SECURITY_PRODUCT_STATE`, iwscapi.h).
fn is_on(state: u32) -> bool {
    state >> 12 & 0xF == 1
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
