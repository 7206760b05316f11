//! A device's settings, written and taken back in a registry that another program reads.

use std::fs;
use std::os::unix::fs::MetadataExt as _;

use waprobe::enroll::{Case, Windows};
use waprobe::registry::Snapshot;

use super::wine::{Wine, everything};

const ID: &str = "0d6d23ac-5e8a-4c31-9f20-3a1b2c4d5e6f";
const OTHER_ID: &str = "11111111-2222-3333-4444-555555555555";
const POLICY: &str = r"HKLM\SOFTWARE\Policies\Microsoft\Windows\DataCollection";
const PREFERENCE: &str = r"HKLM\SOFTWARE\Microsoft\Windows\CurrentVersion\Policies\DataCollection";

/// Everything that `reg export` says of the machine's software, as it wrote it.
fn exported(wine: &Wine) -> Vec<u8> {
    let file = wine.folder().join("export.reg");
    let output =
        wine.command("reg").args(["export", r"HKLM\SOFTWARE", &Wine::path(&file), "/y"]).output().expect("Wine starts");
    assert!(output.status.success(), "reg export: {}", everything(&output));
    fs::read(&file).expect("it was exported")
}

fn enroll(wine: &Wine, arguments: &[&str], code: i32) -> String {
    let backup = Wine::path(&wine.folder().join("backup.json"));
    let output = wine.run([&["enroll"][..], arguments, &["--backup", &backup]].concat());
    let text = everything(&output);
    assert_eq!(output.status.code(), Some(code), "{arguments:?}: {text}");
    text
}

#[test]
fn what_is_applied_is_seen_by_reg_and_what_is_undone_is_gone_to_the_byte() {
    let Some(wine) = Wine::start() else { return };
    for profile in [
        String::new(),
        format!(
            "[{POLICY}]\n\"CommercialId\"=hex(2):25,00,49,00,25,00,00,00\n\"AllowTelemetry\"=\"2\"\n\"Other\"=dword:7\n"
        ),
        format!("[{PREFERENCE}]\n\"IEDataOptIn\"=hex(4):01,02\n\"CommercialDataOptIn\"=hex(0):\n"),
        // Values without a single byte.
        format!("[{POLICY}]\n\"AllowTelemetry\"=hex(1):\n\"LimitEnhancedDiagnosticDataWindowsAnalytics\"=hex:\n"),
    ] {
        let long = profile.replace("HKLM\\", "HKEY_LOCAL_MACHINE\\");
        wine.reg_import(&format!("Windows Registry Editor Version 5.00\n\n{long}"));
        let before = exported(&wine);
        let arguments = ["apply", "--commercial-id", ID, "--os", "win10-1903", "--site-discovery", "1"];

        assert!(enroll(&wine, &arguments, 1).contains("Nothing was written"));
        assert!(exported(&wine) == before, "a dry run changed something");

        let applied = [&arguments[..], &["--yes"]].concat();
        assert!(enroll(&wine, &applied, 0).contains("Written"));
        for (key, name, value) in [
            (POLICY, "CommercialId", ID),
            (POLICY, "AllowTelemetry", "REG_DWORD    0x2"),
            (POLICY, "LimitEnhancedDiagnosticDataWindowsAnalytics", "REG_DWORD    0x1"),
            (PREFERENCE, "IEDataOptIn", "REG_DWORD    0x1"),
        ] {
            let text = wine.reg_query(key, name).unwrap_or_else(|| panic!("{name} is not there"));
            assert!(text.contains(value), "{text}");
        }
        let backup = wine.folder().join("backup.json");
        let kept = fs::read(&backup).expect("a backup");
        assert!(enroll(&wine, &applied, 0).contains("Nothing to do"));
        assert!(fs::read(&backup).expect("a backup") == kept, "the first backup was overwritten");

        assert!(enroll(&wine, &["undo"], 1).contains("Nothing was written"));
        enroll(&wine, &["undo", "--yes"], 0);
        assert!(exported(&wine) == before, "undone, and not as before");
        assert!(enroll(&wine, &["undo", "--yes"], 2).contains("nothing to undo"));
    }
}

/// Every user may make folders below `C:\ProgramData`, and who made one may have written what stands in it.
#[test]
fn a_backup_in_the_usual_place_is_not_believed_when_a_stranger_may_have_written_it() {
    use std::os::unix::fs::chown;
    const NOBODY: u32 = 65_534;

    let Some(wine) = Wine::start() else { return };
    let folder = wine.windows().join("../ProgramData/waprobe");
    let _ = fs::remove_dir_all(&folder);
    let run = |arguments: &[&str]| wine.run([&["enroll"][..], arguments].concat());
    let applied = run(&["apply", "--commercial-id", ID, "--yes"]);
    assert_eq!(applied.status.code(), Some(0), "{}", everything(&applied));
    let backup = folder.join("enroll-backup.json");
    let own = fs::metadata(&backup).expect("the backup lies there").uid();
    for place in [&folder, &backup] {
        chown(place, Some(NOBODY), None).expect("these tests run as root, who may give files away");
        for arguments in [&["undo"][..], &["undo", "--yes"], &["apply", "--commercial-id", OTHER_ID, "--yes"]] {
            let output = run(arguments);
            let text = everything(&output);
            assert_eq!(output.status.code(), Some(2), "{arguments:?}: {text}");
            assert!(text.contains("not to the administrators"), "{arguments:?}: {text}");
        }
        chown(place, Some(own), None).expect("they run as root");
    }
    let undone = run(&["undo", "--yes"]);
    assert_eq!(undone.status.code(), Some(0), "{}", everything(&undone));
    let _ = fs::remove_dir_all(&folder);
}

#[test]
fn a_plan_that_is_imported_and_exported_again_leaves_nothing_to_find() {
    for os in ["win7-sp1", "win10-1607", "win10-1809"] {
        let Some(wine) = Wine::start() else { return };
        let plan = wine.folder().join("plan.reg");
        let path = Wine::path(&plan);
        let made = wine.run(["enroll", "plan", "--commercial-id", ID, "--os", os, "--output", &path]);
        assert!(made.status.success(), "{}", everything(&made));
        let imported = wine.command("reg").args(["import", &path]).output().expect("Wine starts");
        assert!(imported.status.success(), "{}", everything(&imported));
        let snapshot = Snapshot::read(&exported(&wine)).unwrap_or_else(|mistake| panic!("{mistake}"));
        let chosen = (os, os.parse().expect("a version"));
        let windows = Windows::of(&snapshot, Some(chosen));
        let (asked, others) = (Vec::new(), Vec::new());
        let case = Case { snapshot: &snapshot, windows, asked, region: None, approach: None, others };
        let found = waprobe::enroll::check(&case).findings;
        // What Wine's own registry says of services and files is not the plan's affair.
        let of_the_plan = |key: &str| [POLICY, PREFERENCE].contains(&key) || key.contains("AppCompatFlags");
        let found: Vec<_> = found.iter().filter(|finding| of_the_plan(&finding.place)).collect();
        assert!(found.is_empty(), "{os}: {found:#?}");
    }
}
