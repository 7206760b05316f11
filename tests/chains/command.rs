//! `waprobe verify`, as it is typed.

use std::process::{Command, Output};

const V20: &str = "fixtures/chains/v20.events.data.microsoft.com-2025-mssecureserver2011.pem";
const WILDCARD: &str = "fixtures/chains/wildcard.events.data.microsoft.com-2023-azuretls06-digicertg2.pem";
const OUTLOOK: &str = "fixtures/chains/outlook.office.com-2019-digicertcloudservicesca1-leafonly.pem";
const MADE: &str = "fixtures/chains/made/rsa-2048.pem";
const MADE_ROOT: &str = "fixtures/chains/made/root.pem";
const V10C: &str = "v10c.events.data.microsoft.com";

fn verify(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_waprobe"))
        .arg("verify")
        .args(arguments)
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .expect("waprobe runs")
}

fn json(arguments: &[&str]) -> (i32, serde_json::Value) {
    let output = verify(&[arguments, &["--format", "json"]].concat());
    let document = serde_json::from_slice(&output.stdout).expect("JSON on standard output");
    (output.status.code().expect("an exit code"), document)
}

#[test]
fn the_exit_code_follows_the_status() {
    for (arguments, exit, status, code) in [
        (&[V20, "--host", V10C, "--at", "2025-10-01T00:00:00Z"][..], 0, "ok", "ok"),
        (&[V20, "--host", V10C, "--at", "2026-11-22T00:00:00Z"], 1, "blocked", "chain.expired"),
        (&[V20, "--host", "login.live.com", "--at", "2025-10-01T00:00:00Z"], 1, "blocked", "chain.name_mismatch"),
        (&[WILDCARD, "--host", V10C, "--at", "2023-10-01T00:00:00Z"], 3, "inconclusive", "chain.wrong_class"),
        (
            &[V20, "--host", V10C, "--at", "2025-10-01T00:00:00Z", "--trust", "microsoft-public"],
            0,
            "degraded",
            "chain.wrong_class",
        ),
        (
            &[OUTLOOK, "--host", "outlook.office.com", "--trust", "microsoft-public"],
            3,
            "inconclusive",
            "chain.incomplete",
        ),
        (&[MADE, "--host", V10C, "--at", "2030-01-01T00:00:00Z"], 1, "intercepted", "intercepted.untrusted"),
        (
            &[MADE, "--host", V10C, "--at", "2030-01-01T00:00:00Z", "--machine-roots", MADE_ROOT],
            1,
            "intercepted",
            "intercepted.trusted",
        ),
        (
            &[
                MADE,
                "--host",
                V10C,
                "--at",
                "2030-01-01T00:00:00Z",
                "--anchors",
                "microsoft-application-root=fixtures/chains/made/root.pem",
            ],
            0,
            "ok",
            "ok",
        ),
    ] {
        let (found, document) = json(arguments);
        assert_eq!(
            (found, &document["status"], &document["code"]),
            (exit, &status.into(), &code.into()),
            "{arguments:?}"
        );
        assert!(document["chain"]["proved"].is_null(), "a file proves nothing");
        let text = verify(arguments);
        assert_eq!(text.status.code(), Some(exit), "{arguments:?}");
        assert!(String::from_utf8_lossy(&text.stdout).starts_with(&format!("{status} for ")), "{arguments:?}");
    }
}

#[test]
fn the_document_has_the_fields_of_the_contract() {
    let (_, document) = json(&[V20, "--host", "V10C.events.data.microsoft.com.", "--at", "2025-10-01T00:00:00Z"]);
    let keys: Vec<_> = document.as_object().expect("an object").keys().map(String::as_str).collect();
    assert_eq!(keys, ["chain", "code", "host", "status", "summary"]);
    assert_eq!(document["host"], V10C);
    assert_eq!(document["chain"]["expected"][0], "microsoft-application-root");
    assert_eq!(document["chain"]["reached"], "microsoft-application-root");
    assert_eq!(
        document["chain"]["anchor"]["spki_sha256"],
        "02376d0908ac23041cc7d666d9daf192554f7fc36317aa9cb800908616b28af8"
    );
    assert_eq!(document["chain"]["certificates"].as_array().map(Vec::len), Some(2));
}

#[test]
fn what_cannot_be_judged_is_refused_with_the_way_out() {
    for (arguments, complaint) in [
        (&[OUTLOOK, "--host", "outlook.office.com"][..], "--trust"),
        (&[V20, "--host", "adl.windows.com"], "plain http"),
        (&[V20, "--host", V10C, "--trust", "microsoft"], "microsoft-application-root or microsoft-public"),
        (&[V20, "--host", V10C, "--at", "yesterday"], "2025-10-01T00:00:00Z"),
        (&[V20, "--host", "not a host"], "not a host name"),
        (&["fixtures/chains/README.md", "--host", V10C], "BEGIN CERTIFICATE"),
        (&["no/such/file.pem", "--host", V10C], "no/such/file.pem"),
        (&[V20], "--host"),
    ] {
        let output = verify(arguments);
        let text = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {text}");
        assert!(text.contains(complaint), "{arguments:?}: {text}");
        assert!(output.stdout.is_empty(), "{arguments:?}");
    }
}

#[test]
fn a_block_that_is_no_certificate_is_unparsable() {
    let file = tempfile::NamedTempFile::new().expect("a file");
    std::fs::write(file.path(), "-----BEGIN CERTIFICATE-----\nbm90IGEgY2VydGlmaWNhdGU=\n-----END CERTIFICATE-----\n")
        .expect("written");
    let (exit, document) = json(&[file.path().to_str().expect("a path"), "--host", V10C]);
    assert_eq!((exit, &document["code"]), (3, &"chain.unparsable".into()));
}

#[test]
fn a_binary_certificate_is_refused_with_the_command_that_makes_text_of_it() {
    use base64::Engine as _;
    let pem = std::fs::read_to_string(MADE).expect("a fixture");
    let body: String = pem
        .lines()
        .skip_while(|line| !line.starts_with("-----BEGIN"))
        .skip(1)
        .take_while(|line| !line.starts_with('-'))
        .collect();
    let der = base64::engine::general_purpose::STANDARD.decode(body).expect("base64");
    let file = tempfile::NamedTempFile::new().expect("a file");
    std::fs::write(file.path(), der).expect("room for it");
    let output = verify(&[file.path().to_str().expect("a plain path"), "--host", V10C]);
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(2), "{told}");
    assert!(told.contains("looks like DER") && told.contains("openssl x509 -inform der"), "{told}");
}

#[test]
fn what_whoever_asks_chose_is_what_they_are_told_to_change() {
    let change = |arguments: &[&str]| {
        let output = verify(arguments);
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        text.lines().find(|line| line.starts_with("What to change")).expect("a remedy").to_owned()
    };
    for at in ["1650-01-01T00:00:00Z", "2040-01-01T00:00:00Z"] {
        let told = change(&[V20, "--host", V10C, "--at", at]);
        assert!(told.contains("whoever runs this check") && told.contains(at), "{told}");
        assert!(!told.contains("check the clock"), "{told}");
    }
    // Its dates have passed, whatever the clock says by now.
    assert!(change(&[V20, "--host", V10C]).contains("check the clock of this machine"));

    let pem = std::fs::read_to_string(V20).expect("a fixture");
    let second = pem.rfind("-----BEGIN").expect("an issuer");
    let (first, second) = pem.split_at(second);
    let file = tempfile::NamedTempFile::new().expect("a file");
    std::fs::write(file.path(), format!("{}\n{first}", second.trim_end())).expect("room for it");
    let path = file.path().to_str().expect("a plain path");
    let told = change(&[path, "--host", V10C, "--at", "2025-10-01T00:00:00Z"]);
    assert!(told.contains("the order in the file is wrong: certificate 2 is the server's"), "{told}");
    // A certificate of another host is no question of order.
    let told = change(&[path, "--host", "login.live.com", "--at", "2025-10-01T00:00:00Z"]);
    assert!(!told.contains("order"), "{told}");
}
