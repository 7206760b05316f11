//! `--exit-style`, as the tools meet it that know other numbers: a number, and for monitoring a line.

use std::process::{Command, Output};

fn replayed(recording: &str, arguments: &[&str]) -> Output {
    let recording = format!("{}/fixtures/recordings/generated/{recording}.jsonl", env!("CARGO_MANIFEST_DIR"));
    // A lab's recording expects its own faults; a list of what fails takes the place of that.
    let mut command = Command::new(env!("CARGO_BIN_EXE_waprobe"));
    command.args(["replay", &recording, "--fail-on", "blocked,intercepted"]).args(arguments);
    command.output().expect("waprobe starts")
}

fn code(output: &Output) -> i32 {
    output.status.code().expect("waprobe ends by itself")
}

#[test]
fn the_scripts_numbers_tell_a_closed_network_from_refused_logins_and_from_a_check_that_could_not_decide() {
    for (recording, default, ur) in
        [("story", 1, 12), ("wrong-password", 1, 29), ("offline", 3, 15), ("out-of-time", 4, 15)]
    {
        assert_eq!(code(&replayed(recording, &[])), default, "{recording}");
        let output = replayed(recording, &["--exit-style", "ur"]);
        assert_eq!(code(&output), ur, "{recording}");
        let table = String::from_utf8_lossy(&output.stdout);
        assert!(table.contains(&format!("Exit {ur}: ")), "{recording} prints another number: {table}");
    }
}

#[test]
fn a_monitoring_server_gets_one_line_with_counts_and_its_own_number() {
    for (recording, number, state) in [("story", 2, "CRITICAL"), ("offline", 3, "UNKNOWN")] {
        let output = replayed(recording, &["--exit-style", "nagios"]);
        assert_eq!(code(&output), number, "{recording}");
        let line = String::from_utf8(output.stdout).expect("UTF-8");
        assert_eq!(line.lines().count(), 1, "{line}");
        let (text, counts) = line.trim_end().split_once('|').expect("counts behind a bar");
        assert!(text.starts_with(&format!("WAPROBE {state}: ")), "{text}");
        for count in counts.split_whitespace() {
            let (name, value) = count.split_once('=').expect("a name and a value");
            assert!(!name.is_empty() && value.trim_end_matches("ms").parse::<u64>().is_ok(), "{count}");
        }
        assert!(counts.contains(" blocked=") && counts.contains(" intercepted="), "{counts}");
    }
}

#[test]
fn a_report_that_was_asked_for_takes_the_place_of_the_line() {
    let output = replayed("story", &["--exit-style", "nagios", "--format", "json"]);
    assert_eq!(code(&output), 2);
    assert!(serde_json::from_slice::<serde_json::Value>(&output.stdout).is_ok());
}

#[test]
fn a_wrong_command_line_is_unknown_to_monitoring_and_never_critical() {
    for arguments in [&["--no-such-option"][..], &["--machine-roots", "/no/such/file.pem"]] {
        let output = replayed("story", &[arguments, &["--exit-style", "nagios"]].concat());
        assert_eq!(code(&output), 3, "{arguments:?}");
        assert!(output.stdout.starts_with(b"WAPROBE UNKNOWN: "), "{arguments:?}");
        assert!(!output.stderr.is_empty());
    }
}

#[test]
fn a_devices_settings_end_with_the_scripts_number_for_the_first_finding() {
    for (profile, expected) in [("two-ids.reg", 53), ("well-configured-1809.json", 0)] {
        let snapshot = format!("{}/fixtures/enroll/{profile}", env!("CARGO_MANIFEST_DIR"));
        let check = ["enroll", "check", "--os", "win10-1809", "--snapshot", &snapshot, "--exit-style", "ur"];
        let output = Command::new(env!("CARGO_BIN_EXE_waprobe")).args(check).output().expect("waprobe starts");
        assert_eq!(code(&output), expected, "{profile}: {}", String::from_utf8_lossy(&output.stdout));
    }
}

#[test]
fn a_device_of_which_too_little_is_known_is_not_in_order_for_those_who_read_numbers() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("part.reg");
    let part = "Windows Registry Editor Version 5.00\r\n\r\n[HKEY_LOCAL_MACHINE\\SOFTWARE\\Microsoft\\SQMClient]\r\n";
    std::fs::write(&file, part).expect("a file of ours");
    for (style, expected) in [("default", 0), ("ur", 15), ("nagios", 3)] {
        let output = Command::new(env!("CARGO_BIN_EXE_waprobe"))
            .args(["enroll", "check", "--os", "win10-1809", "--exit-style", style, "--snapshot"])
            .arg(&file)
            .output()
            .expect("waprobe starts");
        let text = String::from_utf8_lossy(&output.stdout);
        assert_eq!(code(&output), expected, "{style}: {text}");
        assert!(style != "nagios" || text.starts_with("WAPROBE UNKNOWN: Nothing that was checked is wrong"), "{text}");
    }
}

#[test]
fn a_monitoring_server_gets_one_line_of_a_devices_settings_too() {
    let snapshot = format!("{}/fixtures/enroll/two-ids.reg", env!("CARGO_MANIFEST_DIR"));
    let check = ["enroll", "check", "--os", "win10-1809", "--snapshot", &snapshot, "--exit-style", "nagios"];
    let run = |more: &[&str]| {
        let output =
            Command::new(env!("CARGO_BIN_EXE_waprobe")).args(check).args(more).output().expect("waprobe starts");
        (code(&output), String::from_utf8(output.stdout).expect("text"))
    };
    let (exit, line) = run(&[]);
    assert_eq!((exit, line.lines().count()), (2, 1), "{line}");
    assert!(line.starts_with("WAPROBE CRITICAL: ") && line.contains("enroll.commercial_id_conflict"), "{line}");
    assert!(line.contains(" | findings=") && line.contains(" not_checked="), "{line}");
    let (exit, table) = run(&["--format", "table"]);
    assert!(exit == 2 && table.lines().count() > 10, "{table}");
}

#[test]
fn a_quiet_table_is_the_headline_and_the_end() {
    let output = replayed("story", &["--quiet", "--color", "never"]);
    let text = String::from_utf8_lossy(&output.stdout);
    assert_eq!(code(&output), 1);
    assert!(text.contains("Exit 1: ") && !text.contains("What to change"), "{text}");
    assert!(text.lines().count() < 8, "{text}");
    // What is asked for by name comes whole.
    let json = replayed("story", &["-q", "--format", "json"]);
    assert_eq!(json.stdout, replayed("story", &["--format", "json"]).stdout);
    assert_eq!(code(&replayed("story", &["-q", "-v"])), 2);
}
