//! The commands as people and scripts meet them: what they print, how they end, what they refuse.

use std::path::PathBuf;
use std::process::Command;

use serde_json::Value;

const ID: &str = "0d6d23ac-5e8a-4c31-9f20-3a1b2c4d5e6f";

struct Run {
    code: i32,
    out: String,
    raw: Vec<u8>,
    err: String,
}

fn waprobe(arguments: &[&str]) -> Run {
    let output = Command::new(env!("CARGO_BIN_EXE_waprobe"))
        .args(arguments)
        .env_remove("COLUMNS")
        .output()
        .unwrap_or_else(|error| panic!("{arguments:?}: {error}"));
    Run {
        code: output.status.code().expect("no signal ended it"),
        out: String::from_utf8_lossy(&output.stdout).into_owned(),
        raw: output.stdout,
        err: String::from_utf8_lossy(&output.stderr).into_owned(),
    }
}

fn path(folder: &str, name: &str) -> String {
    let path: PathBuf = [env!("CARGO_MANIFEST_DIR"), "fixtures", folder, name].iter().collect();
    path.display().to_string()
}

fn device(name: &str) -> String {
    path("enroll", name)
}

fn json(run: &Run) -> Value {
    serde_json::from_str(&run.out).unwrap_or_else(|error| panic!("{error}: {}", run.out))
}

#[test]
fn a_check_ends_by_what_it_found_and_says_so_in_both_forms() {
    for (file, code, said) in [
        ("well-configured-1809.json", 0, "Nothing that was checked is wrong"),
        ("two-ids.reg", 1, "One thing keeps this device"),
    ] {
        let table = waprobe(&["enroll", "check", "--snapshot", &device(file)]);
        assert_eq!(table.code, code, "{file}: {}", table.err);
        assert!(table.out.contains(said) && table.out.contains(&format!("Exit {code}:")), "{}", table.out);
        let document = waprobe(&["enroll", "check", "--snapshot", &device(file), "--format", "json"]);
        assert_eq!(document.code, code);
        assert_eq!(json(&document)["findings"].as_array().map(Vec::len), Some(usize::from(code == 1)));
    }
}

#[test]
fn what_is_no_snapshot_is_refused_with_its_line() {
    let folder = tempfile::tempdir().expect("a folder");
    let header = "Windows Registry Editor Version 5.00\r\n\r\n[HKEY_LOCAL_MACHINE\\SOFTWARE\\X]\r\n";
    let snapshot = "{\n  \"schema\": \"waprobe-snapshot/1\",\n";
    for (name, content, complaint) in [
        ("cut.reg", format!("{header}\"a\"=hex:00,11,\\"), "line 4"),
        ("cut-text.reg", format!("{header}\"a\"=\"half"), "line 4"),
        ("cut-number.reg", format!("{header}\"a\"=dword:0000"), "line 4"),
        ("word.reg", format!("{header}\"a\"=dword:zz\r\n"), "line 4"),
        ("junk.reg", format!("{header}\u{1}\u{2}\u{3}\r\n"), "line 4"),
        ("nul.reg", format!("{header}\0\0\0"), "line 4"),
        ("types.json", format!("{snapshot}  \"keys\": []\n}}"), "line 3"),
        (
            "data.json",
            format!(
                "{snapshot}  \"keys\": {{ \"HKLM\\\\X\": {{ \"a\": {{ \"type\": \"dword\", \"data\": \"1\" }} }} }}\n}}"
            ),
            "line 3",
        ),
        ("level.json", format!("{snapshot}  \"server\": \"no\"\n}}"), "line 3"),
        ("hotfix.json", format!("{snapshot}  \"hotfixes\": [\"4462923\"]\n}}"), "line 3"),
        ("other.json", "{ \"schema\": \"waprobe-snapshot/2\" }".to_owned(), "line 1"),
        ("cut.json", snapshot.to_owned(), "line"),
        ("list.json", "[]".to_owned(), "line 1"),
        ("empty.reg", String::new(), "line 1"),
    ] {
        let file = folder.path().join(name);
        std::fs::write(&file, content).expect("written");
        let run = waprobe(&["enroll", "check", "--os", "win10-1809", "--snapshot", &file.display().to_string()]);
        assert_eq!((run.code, run.out.as_str()), (2, ""), "{name}: {}", run.err);
        assert!(run.err.starts_with("error: could not read") && run.err.contains(name), "{name}: {}", run.err);
        assert!(run.err.contains(complaint), "{name}: {}", run.err);
        assert!(!run.err.contains('\u{1}'), "{name}: control characters reach the terminal");
    }
    let run = waprobe(&["enroll", "check", "--snapshot", "/nowhere/device.reg"]);
    assert!(run.code == 2 && run.err.contains("/nowhere/device.reg"), "{}", run.err);
}

#[test]
fn an_id_that_is_none_is_refused_with_what_is_wrong_with_it() {
    let lookalike = ID.replacen('a', "\u{430}", 1);
    for (id, complaint) in [
        ("", "it is empty"),
        (" 0d6d23ac-5e8a-4c31-9f20-3a1b2c4d5e6f", "a space"),
        ("0d6d23ac-5e8a-4c31-9f20", "it has 23 characters"),
        ("{0d6d23ac-5e8a-4c31-9f20-3a1b2c4d5e6f", "its braces do not match"),
        ("0d6d23ac-5e8a-4c31-9f20-3a1b2c4d5e6g", "its character 36 is 'g'"),
        (&lookalike, "U+0430"),
    ] {
        for command in ["plan", "apply"] {
            let run = waprobe(&["enroll", command, "--os", "win10-1809", "--commercial-id", id]);
            assert_eq!((run.code, run.out.as_str()), (2, ""), "{id}: {}", run.err);
            assert!(run.err.contains(complaint), "{id}: {}", run.err);
        }
    }
}

#[test]
fn a_plan_goes_to_a_file_or_to_standard_output_and_is_the_same_every_time() {
    let folder = tempfile::tempdir().expect("a folder");
    for form in ["reg", "powershell", "gpo", "intune", "mdm"] {
        let arguments = ["enroll", "plan", "--commercial-id", ID, "--os", "win10-1809", "--for", form];
        let (first, second) = (waprobe(&arguments), waprobe(&arguments));
        assert_eq!((first.code, first.err.as_str()), (0, ""), "{form}");
        assert_eq!(first.raw, second.raw, "{form}");
        let file = folder.path().join(form);
        let named = file.display().to_string();
        let run = waprobe(&[&arguments[..], &["--output", &named]].concat());
        assert_eq!((run.code, run.out.as_str()), (0, ""), "{form}: {}", run.err);
        assert_eq!(std::fs::read(&file).expect("written"), first.raw, "{form}");
    }
    for (arguments, complaint) in [
        (["--os", "win10-1803,win10-1809", "--for", "reg"], "names several versions"),
        (["--os", "win12", "--for", "reg"], "is not a Windows version"),
        (["--os", "win7-sp1", "--for", "intune"], "device management"),
        (["--os", "win7-sp1", "--solution", "device-health"], "does not run on Windows 7 SP1"),
        (["--os", "10.0.20348", "--for", "reg"], "no solution knows Windows Server 2022"),
        (["--os", "12345", "--for", "reg"], "no Windows release has build 12345"),
    ] {
        let run = waprobe(&[&["enroll", "plan", "--commercial-id", ID][..], &arguments].concat());
        assert_eq!((run.code, run.out.as_str()), (2, ""), "{arguments:?}: {}", run.err);
        assert!(run.err.contains(complaint), "{arguments:?}: {}", run.err);
    }
}

#[cfg(not(windows))]
#[test]
fn what_only_a_device_can_do_is_refused_elsewhere_with_the_way_round() {
    let run = waprobe(&["enroll", "apply", "--commercial-id", ID, "--yes"]);
    assert_eq!((run.code, run.out.as_str()), (2, ""));
    assert!(run.err.contains("this is not Windows") && run.err.contains("enroll plan"), "{}", run.err);
    let run = waprobe(&["enroll", "undo", "--yes"]);
    assert_eq!((run.code, run.out.as_str()), (2, ""));
    assert!(run.err.contains("this is not Windows"), "{}", run.err);
    for command in [&["enroll", "check"][..], &["diagnose"]] {
        let run = waprobe(command);
        assert!(run.code == 2 && run.err.contains("enroll snapshot"), "{}", run.err);
    }
    let script = waprobe(&["enroll", "snapshot"]);
    assert!(script.code == 0 && script.out.contains("waprobe-snapshot/1"));
    let scan = waprobe(&["enroll", "scan"]);
    assert_eq!(
        (scan.code, scan.out.as_str()),
        (
            0,
            "CompatTelRunner.exe -m:generaltel.dll -f:DoCensusRun\nCompatTelRunner.exe -m:appraiser.dll \
             -f:DoScheduledTelemetryRun ent\n"
        )
    );
}

fn written(folder: &tempfile::TempDir, name: &str, content: &str) -> String {
    let file = folder.path().join(name);
    std::fs::write(&file, content).expect("written");
    file.display().to_string()
}

#[test]
fn a_file_that_holds_nothing_that_is_asked_for_is_no_clean_device() {
    let folder = tempfile::tempdir().expect("a folder");
    let header = "Windows Registry Editor Version 5.00\r\n\r\n";
    for (name, content) in [
        ("header.reg", header.to_owned()),
        ("other.reg", format!("{header}[HKEY_LOCAL_MACHINE\\SOFTWARE\\Other]\r\n\"a\"=\"b\"\r\n")),
        ("keys.json", "{ \"schema\": \"waprobe-snapshot/1\", \"keys\": {} }".to_owned()),
        (
            "version.json",
            "{ \"schema\": \"waprobe-snapshot/1\", \"build\": \"10.0.17763.1\", \"server\": false }".to_owned(),
        ),
    ] {
        let file = written(&folder, name, &content);
        for (style, code) in [("default", 2), ("ur", 1), ("nagios", 3)] {
            let run = waprobe(&["enroll", "check", "--snapshot", &file, "--exit-style", style]);
            assert_eq!(run.code, code, "{name} {style}: {}{}", run.out, run.err);
        }
        let run = waprobe(&["enroll", "check", "--snapshot", &file]);
        assert!(run.err.contains("holds none of the keys") && run.err.contains("DataCollection"), "{}", run.err);
    }
    // One key is enough: what it does not hold is not set, and the rest is listed as not checked.
    let key = r"HKEY_LOCAL_MACHINE\SOFTWARE\Policies\Microsoft\Windows\DataCollection";
    let file = written(&folder, "one.reg", &format!("{header}[{key}]\r\n\"CommercialId\"=\"{ID}\"\r\n"));
    let run = waprobe(&["enroll", "check", "--snapshot", &file, "--os", "win10-1809"]);
    assert_eq!(run.code, 0, "{}{}", run.out, run.err);
    assert!(run.out.contains("Not checked"), "{}", run.out);
}

#[test]
fn another_version_than_the_device_s_is_said_before_anything_else() {
    let device = device("well-configured-1809.json");
    let run = waprobe(&["enroll", "check", "--snapshot", &device, "--os", "win10-22h2"]);
    let words = run.out.split_whitespace().collect::<Vec<_>>().join(" ");
    let place =
        words.find("This is the answer for Windows 10 22H2, as --os says, and the snapshot is of Windows 10 1809");
    assert!(place.is_some_and(|place| place < 250), "{}", run.out);
    assert!(!words.contains("This device is set up") && words.contains("which is not the device's"), "{}", run.out);
    let same = waprobe(&["enroll", "check", "--snapshot", &device, "--os", "win10-1809"]);
    assert!(!same.out.contains("--os says"), "{}", same.out);

    let recording = path("recordings", "generated/long-answers.jsonl");
    let arguments = ["diagnose", "--snapshot", &device, "--recording", &recording, "--format", "json"];
    let diagnosis = json(&waprobe(&[&arguments[..], &["--os", "win10-22h2"]].concat()));
    assert_ne!(diagnosis["answer"], "wait");
    assert!(diagnosis["doubts"][0].as_str().is_some_and(|doubt| doubt.contains("leave --os out")), "{diagnosis}");
}

#[test]
fn a_device_is_not_compared_with_itself() {
    let device = device("well-configured-1809.json");
    let folder = tempfile::tempdir().expect("a folder");
    let copy = written(&folder, "copy.json", &std::fs::read_to_string(&device).expect("a fixture"));
    for other in [&device, &copy] {
        let run = waprobe(&["enroll", "check", "--snapshot", &device, "--compare", other]);
        assert!(run.code == 2 && run.err.contains("this very device"), "{}{}", run.out, run.err);
    }
    // The same device on another day is no clone of itself; one that has the same machine id under another name is.
    let text = std::fs::read_to_string(&device).expect("a fixture");
    let called = |name: &str, captured: &str| {
        let key = r#""keys": {"HKEY_LOCAL_MACHINE\\SYSTEM\\CurrentControlSet\\Control\\ComputerName\\ActiveComputerName": {"ComputerName": {"type": "sz", "data": "NAME"}},"#;
        let text =
            text.replace("2019-03-01T10:00:00Z", captured).replacen("\"keys\": {", &key.replace("NAME", name), 1);
        written(&folder, &format!("{name}-{}.json", captured.len()), &text)
    };
    let later = written(&folder, "later.json", &text.replace("2019-03-01T10:00:00Z", "2019-03-02T10:00:00Z"));
    let (own, earlier) = (called("WS01", "2019-03-01T10:00:00Z"), called("ws01", "2019-02-01T10:00:00.5Z"));
    for (one, other) in [(&device, &later), (&own, &earlier)] {
        let run = waprobe(&["enroll", "check", "--snapshot", one, "--compare", other]);
        assert!(run.code == 2 && run.err.contains("this very device"), "{}{}", run.out, run.err);
    }
    let clone = called("WS02", "2019-03-01T10:00:00Z");
    let run = waprobe(&["enroll", "check", "--snapshot", &own, "--compare", &clone]);
    assert!(run.code == 1 && run.out.contains("enroll.machine_id_duplicate"), "{}{}", run.out, run.err);
    let silent = self::device("two-ids.reg");
    let run = waprobe(&["enroll", "check", "--snapshot", &device, "--compare", &silent]);
    let words = run.out.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(run.code == 0 && words.contains("That snapshot does not hold the key of the machine id"), "{}", run.out);
}

/// The first who reads half a plan and no error imports half a plan.
#[cfg(unix)]
#[test]
fn a_plan_that_nobody_reads_to_its_end_is_no_success() {
    use std::process::Stdio;
    let mut child = Command::new(env!("CARGO_BIN_EXE_waprobe"))
        .args(["enroll", "plan", "--commercial-id", ID, "--os", "win10-1809"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("waprobe starts");
    drop(child.stdout.take());
    let output = child.wait_with_output().expect("it ends");
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{said}");
    assert!(said.contains("could not write to standard output"), "{said}");
}

#[test]
fn the_scripts_numbers_are_listed_and_read_as_numbers() {
    for name in ["ur", "ur:", "UR"] {
        let list = waprobe(&["explain", name]);
        assert!(
            list.code == 0 && list.out.contains("ur:27") && list.out.contains("ur:101"),
            "{}{}",
            list.out,
            list.err
        );
    }
    for (code, result) in [("ur:27", 0), ("ur:067", 0), ("ur:+5", 2), ("ur:-1", 2), ("ur:7", 2), ("ur:999", 2)] {
        let run = waprobe(&["explain", code]);
        assert_eq!(run.code, result, "{code}: {}", run.err);
        assert!(result == 0 || run.err.contains("`waprobe explain ur` lists them"), "{code}: {}", run.err);
    }
}

/// A device and a network, each good or bad: one answer, the first cause first.
#[test]
fn a_diagnosis_puts_the_settings_before_the_network_and_says_what_to_do() {
    let (good, bad) = (device("well-configured-1809.json"), device("two-ids.reg"));
    let recording = |name: &str| path("recordings", &format!("generated/{name}.jsonl"));
    for (snapshot, network, code, answer, causes, first) in [
        (&good, "long-answers", 0, "wait", &[][..], "Wait."),
        (&good, "allow-list", 1, "absent", &["tcp.refused"], "Ask the firewall team"),
        (&bad, "long-answers", 1, "absent", &["enroll.commercial_id_conflict"], "Give both the ID of your workspace"),
        (
            &bad,
            "allow-list",
            1,
            "absent",
            &["enroll.commercial_id_conflict", "tcp.refused"],
            "Give both the ID of your workspace",
        ),
        (&good, "offline", 3, "unclear", &[], "Run the check again where the device stands"),
    ] {
        let arguments = ["diagnose", "--snapshot", snapshot, "--recording", &recording(network)];
        let document = waprobe(&[&arguments[..], &["--format", "json"]].concat());
        assert_eq!(document.code, code, "{network}: {}{}", document.err, document.out);
        let diagnosis = json(&document);
        assert_eq!(diagnosis["answer"], answer, "{network}");
        let codes: Vec<&str> =
            diagnosis["causes"].as_array().expect("a list").iter().filter_map(|cause| cause["code"].as_str()).collect();
        assert_eq!(codes, causes, "{network}");
        assert!(diagnosis["first"].as_str().is_some_and(|text| text.starts_with(first)), "{}", diagnosis["first"]);
        let table = waprobe(&arguments);
        assert_eq!(table.code, code);
        assert!(table.out.contains("48 to 56 hours") && table.out.contains(&format!("Exit {code}:")), "{}", table.out);
    }
}

/// One of Microsoft's documents looks for the opt-in in the policy's key too, and the others do not: nobody is told to wait.
#[test]
fn an_opt_in_that_only_one_document_looks_for_leaves_the_answer_open() {
    const PREFERENCE: &str = r"HKEY_LOCAL_MACHINE\SOFTWARE\Microsoft\Windows\CurrentVersion\Policies\DataCollection";
    const POLICY: &str = r"HKEY_LOCAL_MACHINE\SOFTWARE\Policies\Microsoft\Windows\DataCollection";
    let text = std::fs::read_to_string(device("well-configured-windows-7.json")).expect("a snapshot");
    let mut snapshot: Value = serde_json::from_str(&text).expect("JSON");
    let keys = snapshot["keys"].as_object_mut().expect("keys");
    let opt_in = keys[PREFERENCE].as_object_mut().expect("values").remove("CommercialDataOptIn").expect("it is set");
    keys[POLICY]["CommercialDataOptIn"] = opt_in;
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("device.json");
    std::fs::write(&file, snapshot.to_string()).expect("a file");
    let recording = path("recordings", "generated/long-answers.jsonl");
    let run =
        waprobe(&["diagnose", "--snapshot", &file.to_string_lossy(), "--recording", &recording, "--format", "json"]);
    assert_eq!(run.code, 3, "{}{}", run.err, run.out);
    let diagnosis = json(&run);
    assert_eq!(diagnosis["answer"], "unclear");
    assert!(
        diagnosis["first"].as_str().is_some_and(|text| text.starts_with("Write CommercialDataOptIn = 1")),
        "{diagnosis}"
    );
}

#[test]
fn a_diagnosis_can_be_tried_in_the_lab() {
    let run = waprobe(&["diagnose", "--lab"]);
    assert_eq!(run.code, 1, "{}", run.err);
    assert!(
        run.out.contains("enroll.telemetry_level") && run.out.contains("a world inside this program"),
        "{}",
        run.out
    );
    let run =
        waprobe(&["diagnose", "--lab", "every-endpoint-refused", "--snapshot", &device("well-configured-1809.json")]);
    assert!(run.code == 1 && run.out.contains("tcp.refused"), "{}", run.out);
    for (arguments, complaint) in [
        (&["diagnose", "--lab", "nowhere"][..], "no scenario is called 'nowhere'"),
        (&["diagnose", "--lab", "story", "--recording", "x"], "cannot be used with"),
        (&["diagnose", "--lab", "story", "--proxy", "http://p:1"], "cannot be used with"),
        (&["diagnose", "--snapshot", "x", "--recording", "/nowhere"], "could not read x"),
    ] {
        let run = waprobe(arguments);
        assert!(run.code == 2 && run.err.contains(complaint), "{arguments:?}: {}", run.err);
    }
}

fn well_configured() -> String {
    let bytes = std::fs::read(device("well-configured-1809.reg")).expect("a fixture");
    waprobe::registry::text(&bytes).expect("text").into_owned()
}

/// A device's record of WinHTTP, as `netsh winhttp set proxy` writes it.
fn with_win_http(folder: &std::path::Path, proxy: &str) -> String {
    let mut bytes: Vec<u8> = [0x18_u32, 7, 3].into_iter().flat_map(u32::to_le_bytes).collect();
    bytes.extend(u32::try_from(proxy.len()).expect("short").to_le_bytes());
    bytes.extend(proxy.as_bytes());
    let digits: Vec<String> = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    let export = well_configured();
    let key = r"HKEY_LOCAL_MACHINE\SOFTWARE\Microsoft\Windows\CurrentVersion\Internet Settings\Connections";
    let file = folder.join("device.reg");
    std::fs::write(&file, format!("{export}\r\n[{key}]\r\n\"WinHttpSettings\"=hex:{}\r\n", digits.join(",")))
        .expect("a file");
    file.display().to_string()
}

#[test]
fn a_diagnosis_tries_the_ways_that_the_device_s_own_settings_lead_by() {
    let folder = tempfile::tempdir().expect("a folder");
    let closed = || {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
        listener.local_addr().expect("an address").to_string()
    };
    let (machine, other) = (closed(), closed());
    let snapshot = with_win_http(folder.path(), &machine);
    let routes = |arguments: &[&str]| -> Vec<String> {
        let run = waprobe(&[&["diagnose", "--no-direct", "--format", "json", "--snapshot"], arguments].concat());
        assert_eq!(run.code, 1, "{}", run.err);
        let diagnosis = json(&run);
        let routes = diagnosis["network"]["routes"].as_array().expect("routes").iter();
        routes.filter_map(|route| route["route"].as_str().map(str::to_owned)).collect()
    };
    assert_eq!(routes(&[&snapshot]), [format!("http://{machine}|bypass")]);
    // What the command line names takes their place.
    assert_eq!(routes(&[&snapshot, "--proxy", &other]), [format!("http://{other}|bypass")]);
}

#[test]
fn a_diagnosis_says_why_the_device_s_own_ways_were_not_tried() {
    let folder = tempfile::tempdir().expect("a folder");
    let connect = [":80=127.0.0.1:1", ":443=127.0.0.1:1"];
    let doubts = |snapshot: &str| -> String {
        let mut arguments = vec!["diagnose", "--format", "json", "--snapshot", snapshot, "--timeout", "5s"];
        arguments.extend(connect.iter().flat_map(|rule| ["--connect-to", *rule]));
        let run = waprobe(&arguments);
        assert_eq!(run.err, "", "{}", run.out);
        json(&run)["doubts"].to_string()
    };
    let silent = doubts(&device("well-configured-1809.reg"));
    assert!(silent.contains("Which proxy the device uses, the snapshot does not say"), "{silent}");

    let user = r"HKEY_CURRENT_USER\SOFTWARE\Microsoft\Windows\CurrentVersion\Internet Settings";
    let export = well_configured();
    let file = folder.path().join("device.reg");
    std::fs::write(&file, format!("{export}\r\n[{user}]\r\n\"AutoConfigURL\"=\"http://127.0.0.1:1/proxy.pac\"\r\n"))
        .expect("a file");
    let closed = doubts(&file.display().to_string());
    assert!(
        closed.contains("The ways of the device's own settings could not be tried")
            && closed.contains("pac.fetch_failed"),
        "{closed}"
    );
}

#[test]
fn a_remedy_names_the_hosts_that_this_device_needs_and_no_others() {
    let recording = path("recordings", "generated/every-endpoint-refused.jsonl");
    let remedies = |solution: &str| -> Vec<(String, Vec<String>)> {
        let device = device("well-configured-1809.json");
        let arguments = ["diagnose", "--snapshot", &device, "--recording", &recording, "--solution", solution];
        let diagnosis = json(&waprobe(&[&arguments[..], &["--format", "json"]].concat()));
        let cause = |cause: &Value| {
            let hosts = cause["hosts"].as_array().expect("hosts").iter();
            let hosts = hosts.filter_map(|host| host.as_str().map(str::to_owned)).collect();
            (cause["remedy"].as_str().expect("a remedy").to_owned(), hosts)
        };
        diagnosis["causes"].as_array().expect("causes").iter().map(cause).collect()
    };
    let (few, more) = (remedies("update-compliance"), remedies("device-health"));
    for (remedy, hosts) in few.iter().chain(&more) {
        assert!(remedy.ends_with(&format!(": {}", hosts.join(" "))), "{remedy}\n{hosts:?}");
    }
    assert!(!few.is_empty() && few[0].1.len() < more[0].1.len(), "{few:?} {more:?}");
}

#[test]
fn every_code_of_a_setting_is_explained_with_what_to_do() {
    let listed = waprobe(&["explain"]).out;
    for code in waprobe::enroll::Code::ALL {
        let told = waprobe(&["explain", code.id()]);
        assert_eq!(told.code, 0, "{}", told.err);
        let words = told.out.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(words.contains(code.guide().title) && words.contains(" Change "), "{}", told.out);
        assert!(listed.contains(code.id()), "{} is not listed", code.id());
    }
}
