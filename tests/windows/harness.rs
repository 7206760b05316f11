//! The Wine of these tests itself: what one test writes, another does not see.

use super::wine::{Wine, everything};

const KEY: &str = r"HKEY_LOCAL_MACHINE\SOFTWARE\Policies\Microsoft\Windows\DataCollection";

#[test]
fn a_registry_file_is_imported_and_asked_for_in_a_registry_of_the_tests_own() {
    let Some(wine) = Wine::start() else { return };
    assert_eq!(wine.reg_query(KEY, "CommercialId"), None);
    wine.reg_import(&format!(
        "Windows Registry Editor Version 5.00\n\n[{KEY}]\n\"CommercialId\"=\"Prüfung\"\n\"AllowTelemetry\"=dword:00000002\n"
    ));
    let level = wine.reg_query(KEY, "AllowTelemetry").expect("the value is there");
    assert!(level.contains("0x2"), "{level}");
    assert!(wine.reg_query(KEY, "CommercialId").expect("the value is there").contains("fung"));

    let other = Wine::start().expect("started before");
    assert_eq!(other.reg_query(KEY, "AllowTelemetry"), None);
}

#[test]
fn a_name_of_a_file_is_told_to_the_program_in_its_own_way() {
    let Some(wine) = Wine::start() else { return };
    let file = wine.folder().join("ä b.txt");
    std::fs::write(&file, "found").expect("a file");
    let output = wine.command("cmd").args(["/c", "type", &Wine::path(&file)]).output().expect("Wine starts");
    assert!(String::from_utf8_lossy(&output.stdout).contains("found"), "{}", everything(&output));
}
