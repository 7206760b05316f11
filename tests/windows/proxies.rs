//! This device's proxies: `check` by the ways that imported settings lead, and WinHTTP's own answers beside ours.

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::process::{Command, Output};

use serde_json::Value;

use super::wine::{Wine, everything};

/// A record as `netsh winhttp` and Internet Options write it.
fn record(version: u32, switches: u32, texts: &[&str]) -> String {
    let mut bytes: Vec<u8> = [version, 7, switches].into_iter().flat_map(u32::to_le_bytes).collect();
    for text in texts {
        bytes.extend(u32::try_from(text.len()).expect("short").to_le_bytes());
        bytes.extend(text.as_bytes());
    }
    let digits: Vec<String> = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    format!("hex:{}", digits.join(","))
}

const SETTINGS: &str = r"SOFTWARE\Microsoft\Windows\CurrentVersion\Internet Settings";
const DIRECT: [&str; 3] = ["", "", ""];

/// An export of a device: WinHTTP's record, SYSTEM's and the user's.
fn export(win_http: &str, system: &str, user: &str) -> String {
    let policies = r"HKEY_LOCAL_MACHINE\SOFTWARE\Policies\Microsoft\Windows";
    let connections = |hive: &str, name: &str, record: &str| {
        format!("[{hive}\\{SETTINGS}]\n\n[{hive}\\{SETTINGS}\\Connections]\n\"{name}\"={record}\n\n")
    };
    [
        "Windows Registry Editor Version 5.00\n\n".to_owned(),
        format!("[{policies}\\DataCollection]\n\"AllowTelemetry\"=dword:00000002\n\n"),
        format!("[{policies}\\CurrentVersion\\Internet Settings]\n\n"),
        connections("HKEY_LOCAL_MACHINE", "WinHttpSettings", win_http),
        connections(r"HKEY_USERS\S-1-5-18", "DefaultConnectionSettings", system),
        connections("HKEY_CURRENT_USER", "DefaultConnectionSettings", user),
    ]
    .concat()
}

/// An address on loopback where nobody listens.
fn closed() -> String {
    TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).expect("a port").to_string()
}

fn json(output: &Output) -> Value {
    serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {}", everything(output)))
}

/// What a report says of its rows: where each leads, what became of it, and as whom the device comes that way.
fn rows(report: &Value, name: &str) -> Vec<String> {
    let rows = report["rows"].as_array().expect("rows").iter();
    let row = |row: &Value| {
        let evidence = row["evidence"].as_array().into_iter().flatten().filter_map(Value::as_str);
        let by: Vec<&str> = evidence.filter(|line| line.starts_with("by its settings")).collect();
        let key = &row["route"]["key"];
        format!("{} over {key}: {} {}", row["endpoint"], row["code"], by.concat().replace(name, "NAME"))
    };
    rows.map(row).collect()
}

#[test]
fn a_check_by_this_device_s_settings_goes_where_one_by_their_export_goes() {
    let Some(wine) = Wine::start() else { return };
    let (machine, own) = (closed(), closed());
    let export = export(
        &record(0x18, 3, &[&machine, "*.blob.core.windows.net"]),
        &record(0x46, 1, &DIRECT),
        &record(0x46, 3, &[&format!("http={machine};https={own}"), "<local>", ""]),
    );
    wine.reg_import(&export);
    let check = ["check", "--no-direct", "--no-follow-ups", "--format", "json", "--registry"];
    let live = wine.run(check.into_iter().chain(["this"]));
    assert_eq!(live.status.code(), Some(1), "{}", everything(&live));
    let file = wine.folder().join("device.reg");
    fs::write(&file, export).expect("a file of ours");
    let name = file.display().to_string();
    let here = Command::new(env!("CARGO_BIN_EXE_waprobe")).args(check).arg(&file).output().expect("our own program");
    let (live, expected) = (rows(&json(&live), "this device's registry"), rows(&json(&here), &name));
    assert_eq!(live, expected);
    for proxy in [&machine, &own] {
        assert!(live.iter().any(|row| row.contains(&format!("{proxy}|bypass\": \"proxy.tcp_refused\""))), "{live:#?}");
    }
    assert!(live.iter().any(|row| row.contains("as SYSTEM")) && live.iter().any(|row| row.contains("as user (HKCU)")));
}

/// Of a diagnosis: what the network is called to account for, and how far each route leads.
fn network(diagnosis: &Value) -> (Vec<Value>, Value) {
    let causes = diagnosis["causes"].as_array().expect("causes").iter();
    (causes.filter(|cause| cause["part"] == "network").cloned().collect(), diagnosis["network"]["routes"].clone())
}

#[test]
fn a_diagnosis_of_this_device_goes_the_ways_that_its_snapshot_leads_by_elsewhere() {
    let Some(wine) = Wine::start() else { return };
    let (machine, own) = (closed(), closed());
    wine.reg_import(&export(
        &record(0x18, 3, &[&machine, "*.blob.core.windows.net"]),
        &record(0x46, 1, &DIRECT),
        &record(0x46, 3, &[&own, "", ""]),
    ));
    let diagnose =
        ["diagnose", "--os", "win10-1809", "--timeout", "20s", "--connect-to", ":=127.0.0.1:9", "--format", "json"];
    let live = json(&wine.run(diagnose));
    let file = wine.folder().join("device.json");
    fs::write(&file, wine.run(["enroll", "snapshot"]).stdout).expect("a file of ours");
    let mut command = Command::new(env!("CARGO_BIN_EXE_waprobe"));
    let elsewhere = json(&command.args(diagnose).arg("--snapshot").arg(&file).output().expect("our own program"));
    assert_eq!(network(&live), network(&elsewhere));
    let (causes, routes) = network(&live);
    assert!(causes.iter().any(|cause| cause["code"] == "proxy.tcp_refused"), "{live:#}");
    for proxy in [&machine, &own] {
        assert!(routes.to_string().contains(proxy.as_str()), "{proxy}: {live:#}");
    }
    let seen_from = |diagnosis: &Value| diagnosis["network"]["seen_from"].to_string();
    assert!(!seen_from(&live).contains("which is not the device"), "{live:#}");
    assert!(seen_from(&elsewhere).contains("which is not the device"), "{elsewhere:#}");
}

#[test]
fn a_check_that_was_told_of_no_route_names_the_proxies_that_this_device_would_use() {
    let Some(wine) = Wine::start() else { return };
    let proxy = closed();
    let direct = record(0x46, 1, &DIRECT);
    let check = ["check", "--no-follow-ups", "--timeout", "1s", "--connect-to", ":=127.0.0.1:9", "--format", "json"];
    let note = |output: &Output| {
        let words = String::from_utf8_lossy(&output.stderr).into_owned();
        words.lines().find(|line| line.starts_with("note: ")).map(str::to_owned)
    };
    wine.reg_import(&export(&record(0x18, 1, &DIRECT[1..]), &direct, &direct));
    let output = wine.run(check);
    assert_eq!(note(&output), None, "{}", everything(&output));

    wine.reg_import(&export(&record(0x18, 3, &[&proxy, ""]), &direct, &direct));
    let output = wine.run(check);
    let expected = format!(
        "note: this device's own settings lead through {proxy} (as SYSTEM), and this run goes directly: add --registry this to \
         try their ways"
    );
    assert_eq!(note(&output), Some(expected), "{}", everything(&output));
    let told = wine.run(check.into_iter().chain(["--no-direct", "--proxy", "http://127.0.0.1:9"]));
    assert_eq!(note(&told), None, "{}", everything(&told));
}

/// A server that gives everybody this script, for as long as the test runs.
fn script_server(body: &str) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address");
    let script = format!("function FindProxyForURL(url, host) {{ {body} }}");
    let head = format!(
        "HTTP/1.1 200 OK\r\nContent-Type: application/x-ns-proxy-autoconfig\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
        script.len()
    );
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let Ok(mut stream) = stream else { return };
            let _ = stream.read(&mut [0; 4096]);
            let _ = stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(script.as_bytes()));
        }
    });
    format!("http://{address}/proxy.pac")
}

/// `waprobe proxy` where the user's settings name this script, and SYSTEM goes directly.
fn with_script(url: &str) -> Option<(Wine, Value)> {
    let wine = Wine::start()?;
    let direct = record(0x46, 1, &DIRECT);
    wine.reg_import(&export(&record(0x18, 1, &DIRECT[1..]), &direct, &record(0x46, 5, &["", "", url])));
    let document = json(&wine.run(["proxy", "--format", "json"]));
    Some((wine, document))
}

#[test]
fn win_http_answers_by_a_script_as_this_program_does() {
    let url = script_server("return host == 'login.live.com' ? 'DIRECT' : 'PROXY 127.0.0.1:3128; DIRECT';");
    let Some((wine, document)) = with_script(&url) else { return };
    let asked = &document["win_http"][0];
    assert_eq!(
        (&asked["accounts"][0], &asked["script"]),
        (&"user (HKCU)".into(), &url.as_str().into()),
        "{document:#}"
    );
    let rows = asked["endpoints"].as_array().expect("rows");
    assert_eq!(rows.len(), 15);
    for row in rows {
        let expected = if row["host"] == "login.live.com" { "DIRECT" } else { "PROXY 127.0.0.1:3128" };
        assert_eq!((&row["win_http"], &row["agrees"]), (&expected.into(), &true.into()), "{row:#}");
    }
    let alone = json(&wine.run(["proxy", "--settings-only", "--format", "json"]));
    assert_eq!(alone["win_http"], Value::Null);
    let words = everything(&wine.run(["proxy"])).split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(
        words.contains(&format!("user (HKCU), asked for {url} WinHTTP answers PROXY 127.0.0.1:3128, and so")),
        "{words}"
    );
}

#[test]
fn where_win_http_answers_otherwise_both_are_named_and_whose_counts() {
    // Wine's reads no further than a first word that it does not know.
    let url = script_server("return 'SOCKS 127.0.0.1:1080; PROXY 127.0.0.1:3128';");
    let Some((wine, document)) = with_script(&url) else { return };
    let row = &document["win_http"][0]["endpoints"][0];
    assert_eq!((&row["win_http"], &row["own"]), (&"DIRECT".into(), &"PROXY 127.0.0.1:3128".into()), "{document:#}");
    assert_eq!(row["agrees"], false);
    let words = everything(&wine.run(["proxy"])).split_whitespace().collect::<Vec<_>>().join(" ");
    let sentence = "WinHTTP answers DIRECT, and this program's own evaluation says PROXY 127.0.0.1:3128; the diagnostic service \
                    (DiagTrack) uses WinHTTP's answer all 15 addresses";
    assert!(words.contains(sentence), "{words}");
}

#[test]
fn a_script_that_is_asked_by_its_address_is_asked_by_win_http_too() {
    let Some(wine) = Wine::start() else { return };
    let url = script_server("return url.indexOf(':8443/') > 0 ? 'PROXY 127.0.0.1:9' : 'PROXY 127.0.0.1:3128';");
    let asked = ["pac", "eval", &url, "--url", "https://login.live.com:8443/", "--url", "https://login.live.com/"];
    let document = json(&wine.run(asked.into_iter().chain(["--format", "json"])));
    let rows = document["win_http"][0]["endpoints"].as_array().cloned().unwrap_or_default();
    for (row, port, answer) in [(&rows[0], 8443, "PROXY 127.0.0.1:9"), (&rows[1], 443, "PROXY 127.0.0.1:3128")] {
        assert_eq!((&row["port"], &row["agrees"]), (&port.into(), &true.into()), "{document:#}");
        assert_eq!((&row["win_http"], &row["own"]), (&answer.into(), &answer.into()), "{document:#}");
    }
    let words = everything(&wine.run(asked));
    assert!(words.contains("What WinHTTP itself answers here and now"), "{words}");

    let alone = json(&wine.run(["pac", "eval", &url, "--without-winhttp", "--format", "json"]));
    assert_eq!(alone["win_http"], Value::Null);
    let supposed = json(&wine.run(["pac", "eval", &url, "--own-address", "10.0.0.9", "--format", "json"]));
    assert_eq!(supposed["win_http"], Value::Null);
}

#[test]
fn an_error_of_win_http_has_its_number_and_name() {
    let Some((_wine, document)) = with_script(&format!("http://{}/proxy.pac", closed())) else { return };
    let row = &document["win_http"][0]["endpoints"][0];
    assert!(row["error"]["code"].is_u64() && row["error"]["name"].is_string(), "{document:#}");
    assert_eq!((&row["win_http"], &row["own"], &row["agrees"]), (&Value::Null, &Value::Null, &true.into()), "{row:#}");
}
