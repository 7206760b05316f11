//! Exported profiles, each with exactly its findings.

use super::{check, fixture, ids};
use waprobe::enroll::Code;

#[test]
fn a_profile_gets_its_findings_and_no_other() {
    for (file, expected) in [
        ("well-configured-1809.reg", &[][..]),
        ("well-configured-1809.json", &[]),
        ("well-configured-windows-7.json", &[]),
        ("windows-7-without-opt-in.reg", &[Code::CommercialDataOptIn]),
        ("basic-where-enhanced-is-needed.reg", &[Code::TelemetryLevel]),
        ("policy-overrides-preference.reg", &[Code::TelemetryLevel]),
        ("two-ids.reg", &[Code::CommercialIdConflict]),
    ] {
        let checkup = check(&fixture(file), None, &[]);
        assert_eq!(ids(&checkup), expected, "{file}: {:#?}", checkup.findings);
    }
}

#[test]
fn a_complete_snapshot_leaves_nothing_open_but_what_takes_other_devices() {
    for file in ["well-configured-1809.json", "well-configured-windows-7.json"] {
        let checkup = check(&fixture(file), None, &[]);
        let open: Vec<&str> = checkup.not_checked.iter().map(|entry| entry.value.as_str()).collect();
        assert_eq!(open, ["MachineId"], "{file}");
    }
}

#[test]
fn a_policy_that_overrides_is_named_with_what_it_overrides() {
    let checkup = check(&fixture("policy-overrides-preference.reg"), None, &[]);
    let finding = &checkup.findings[0];
    assert!(finding.place.contains(r"\Policies\Microsoft\Windows\DataCollection"), "{finding:?}");
    assert!(finding.is.contains("while the preference is 3"), "{finding:?}");
    let checkup = check(&fixture("two-ids.reg"), None, &[]);
    assert_eq!(checkup.findings[0].ur_exit, Some(53));
}
