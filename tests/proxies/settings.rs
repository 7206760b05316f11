//! `waprobe check --registry`: an export says which way a device goes, by itself or by the script that it names. Only loopback
//! is asked: every proxy here is a port on which nobody listens.

use std::net::TcpListener;
use std::path::Path;

use serde_json::Value;

use super::command::pac::{answer, server};
use super::command::waprobe;

/// Where nobody listens: at an address of its own, so that no server of another test takes the port.
fn closed() -> String {
    let address = TcpListener::bind("127.9.9.9:0").and_then(|listener| listener.local_addr()).expect("a port");
    address.to_string()
}

/// An export with these lines in Internet Options of SYSTEM and of the user, in the policies for data collection, and of
/// Defender for Endpoint.
fn export(folder: &Path, (system, user): (&str, &str), policies: &str, defender: &str) -> String {
    const WINDOWS: &str = r"HKEY_LOCAL_MACHINE\SOFTWARE\Policies\Microsoft\Windows";
    const OPTIONS: &str = r"SOFTWARE\Microsoft\Windows\CurrentVersion\Internet Settings";
    let sections = [
        (format!(r"{WINDOWS}\DataCollection"), policies),
        (format!(r"{WINDOWS}\CurrentVersion\Internet Settings"), ""),
        (r"HKEY_LOCAL_MACHINE\SOFTWARE\Microsoft\Windows Advanced Threat Protection\Status".to_owned(), defender),
        (format!(r"HKEY_LOCAL_MACHINE\{OPTIONS}\Connections"), ""),
        (format!(r"HKEY_USERS\S-1-5-18\{OPTIONS}"), system),
        (format!(r"HKEY_USERS\S-1-5-18\{OPTIONS}\Connections"), ""),
        (format!(r"HKEY_CURRENT_USER\{OPTIONS}"), user),
        (format!(r"HKEY_CURRENT_USER\{OPTIONS}\Connections"), ""),
    ];
    let sections: Vec<String> = sections.iter().map(|(key, values)| format!("\r\n[{key}]\r\n{values}\r\n")).collect();
    let path = folder.join("device.reg");
    std::fs::write(&path, format!("Windows Registry Editor Version 5.00\r\n{}", sections.concat())).expect("a file");
    path.display().to_string()
}

fn script_at(url: &str) -> String {
    format!("\"AutoConfigURL\"=\"{url}\"")
}

#[test]
fn a_script_that_the_settings_name_is_asked_where_each_endpoint_goes() {
    let (one, other) = (closed(), closed());
    let text = format!(
        "function FindProxyForURL(url, host) {{
             if (host == 'login.live.com') return 'PROXY {one}';
             return 'PROXY {other}';
         }}"
    );
    let url = server(answer("200 OK", text.as_bytes()));
    let folder = tempfile::tempdir().expect("a folder");
    let script = script_at(&url);
    let registry = export(folder.path(), (&script, &script), "", "");
    let run =
        waprobe(&["check", "--format", "json", "--no-follow-ups", "--identity", "bypass", "--registry", &registry], "");
    assert_eq!((run.code, run.err.as_str()), (Some(1), ""));
    let report: Value = serde_json::from_str(&run.out).expect("a report");
    let rows = report["rows"].as_array().expect("rows");
    assert_eq!(rows.len(), 15, "one way for each endpoint");
    for row in rows {
        let proxy = if row["host"] == "login.live.com" { &one } else { &other };
        assert_eq!(row["route"]["key"], format!("http://{proxy}|bypass"), "{row}");
        let evidence = row["evidence"].to_string();
        assert!(evidence.contains(&format!("the script {url} answers PROXY {proxy}")), "{evidence}");
    }
}

#[test]
fn a_script_of_the_settings_that_cannot_be_had_ends_the_run_and_of_two_none_is_chosen() {
    let folder = tempfile::tempdir().expect("a folder");
    let gone = script_at(&format!("http://{}/proxy.pac", closed()));
    let another = script_at(&format!("http://{}/another.pac", closed()));
    let page = script_at(&server(answer("200 OK", b"<html><title>Sign in</title></html>")));
    for (system, user, complaint) in [
        (&gone, &gone, "(pac.fetch_failed)\nproxy team: make it reachable"),
        (&page, &page, "'Sign in', not a script (pac.not_script)"),
        (&gone, &another, "the settings name several scripts, and one is asked in a run"),
    ] {
        let registry = export(folder.path(), (system, user), "", "");
        let run = waprobe(&["check", "--timeout", "5s", "--identity", "bypass", "--registry", &registry], "");
        assert_eq!((run.code, run.out.as_str()), (Some(2), ""), "{complaint}");
        assert!(run.err.contains(complaint), "{complaint}: {}", run.err);
    }
}

#[test]
fn what_is_wrong_whatever_the_rows_say_is_told_and_what_they_do_not_bear_out_is_not() {
    let folder = tempfile::tempdir().expect("a folder");
    let proxy = format!("\"ProxyEnable\"=dword:00000001\r\n\"ProxyServer\"=\"{}\"", closed());
    let in_a_file = script_at("file:///C:/proxy/proxy.pac");
    let (onboarded, allowed, forbidden) = (
        "\"OnboardingState\"=dword:00000001",
        "\"DisableEnterpriseAuthProxy\"=dword:00000000",
        "\"DisableEnterpriseAuthProxy\"=dword:00000001",
    );
    for (user, policies, defender, expected) in [
        (&proxy, "", "", &[][..]),
        (&in_a_file, "", "", &["pac.file_url"]),
        (&proxy, allowed, onboarded, &["conf.mde_conflict"]),
        (&proxy, "", onboarded, &["conf.mde_conflict"]),
        // As Defender wants it; and that the service may give no name is no fault where nobody asks for one.
        (&proxy, forbidden, onboarded, &[]),
    ] {
        let registry = export(folder.path(), (&proxy, user), policies, defender);
        let run = waprobe(
            &["check", "--format", "json", "--no-follow-ups", "--identity", "bypass", "--registry", &registry],
            "",
        );
        assert_eq!((run.code, run.err.as_str()), (Some(1), ""), "{expected:?}");
        let report: Value = serde_json::from_str(&run.out).expect("a report");
        let codes = report["findings"].as_array().into_iter().flatten().filter_map(|finding| finding["code"].as_str());
        let of_settings: Vec<&str> = codes.filter(|code| !code.starts_with("proxy.")).collect();
        assert_eq!(of_settings, expected, "{user} {policies} {defender}");
    }
}

/// A key beside those of [`export`], with one value.
fn with(registry: &str, key: &str, value: &str) {
    let text = std::fs::read_to_string(registry).expect("a file");
    std::fs::write(registry, format!("{text}\r\n[{key}]\r\n{value}\r\n")).expect("a file");
}

const WIN_HTTP: &str = r"HKEY_LOCAL_MACHINE\SOFTWARE\Microsoft\Windows\CurrentVersion\Internet Settings\WinHttp";
const SERVICE: &str = r"HKEY_LOCAL_MACHINE\SYSTEM\CurrentControlSet\Services\WinHttpAutoProxySvc";

#[test]
fn detection_that_is_switched_off_for_the_machine_is_no_way_and_a_script_with_an_address_stays_one() {
    let folder = tempfile::tempdir().expect("a folder");
    let script = script_at("http://pac.contoso.example/proxy.pac");
    for (options, value, first, remark) in [
        ("", "\"DisableWpad\"=dword:00000001", "SYSTEM: DIRECT\n", "DisableWpad is 1"),
        ("", "\"DisableWpad\"=dword:00000000", "SYSTEM: what the network answers (WPAD), else DIRECT\n", ""),
        (
            "",
            "\"DisableWpad\"=\"1\"",
            "SYSTEM: what the network answers (WPAD), else DIRECT\n",
            "DisableWpad is REG_SZ (1) and should be REG_DWORD",
        ),
        (
            &script,
            "\"DisableWpad\"=dword:00000001",
            "SYSTEM: what the script says (http://pac.contoso.example/proxy.pac), else DIRECT\n",
            "",
        ),
    ] {
        let registry = export(folder.path(), (options, options), "", "");
        with(&registry, WIN_HTTP, value);
        let run = waprobe(&["proxy", "--registry", &registry], "");
        assert!(run.out.starts_with(first), "{value}: {}", run.out);
        let words = run.out.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(words.contains(remark), "{value}: {}", run.out);
    }
}

#[test]
fn a_service_for_scripts_that_is_disabled_matters_where_a_script_is_set() {
    let folder = tempfile::tempdir().expect("a folder");
    let script = script_at("http://pac.contoso.example/proxy.pac");
    for (options, value, is_told) in [
        (script.as_str(), "\"Start\"=dword:00000004", true),
        (script.as_str(), "\"Start\"=dword:00000003", false),
        // Every new account detects; nobody set a script there.
        ("", "\"Start\"=dword:00000004", false),
    ] {
        let registry = export(folder.path(), (options, ""), "", "");
        with(&registry, SERVICE, value);
        let run = waprobe(&["proxy", "--registry", &registry], "");
        assert_eq!(run.out.contains("conf.script_service_disabled"), is_told, "{options} {value}: {}", run.out);
    }
}

#[test]
fn a_script_where_no_service_fetches_one_is_told_and_what_stands_behind_it_is_the_way() {
    let folder = tempfile::tempdir().expect("a folder");
    let proxy = closed();
    for place in [
        r"C:\\Windows\\proxy.pac",
        r"\\\\files\\pac\\proxy.pac",
        "ftp://pac.contoso.example/proxy.pac",
        "file://C:/p.pac",
    ] {
        let system = format!("{}\r\n\"ProxyEnable\"=dword:00000001\r\n\"ProxyServer\"=\"{proxy}\"", script_at(place));
        let registry = export(folder.path(), (&system, ""), "", "");
        let run = waprobe(
            &[
                "check",
                "--format",
                "json",
                "--no-follow-ups",
                "--no-direct",
                "--identity",
                "bypass",
                "--registry",
                &registry,
            ],
            "",
        );
        let report: Value = serde_json::from_str(&run.out).unwrap_or_else(|_| panic!("{place}: {}", run.err));
        let rows = report["rows"].as_array().expect("rows");
        assert!(
            rows.iter().all(|row| row["route"]["proxy"] == format!("http://{proxy}")) && !rows.is_empty(),
            "{place}"
        );
        let codes: Vec<&str> = report["findings"]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(|finding| finding["code"].as_str())
            .collect();
        assert!(codes.contains(&"pac.file_url"), "{place}: {codes:?}");
    }
}

#[test]
fn a_value_of_another_type_is_said_and_passed_over_and_the_script_beside_it_stays() {
    let folder = tempfile::tempdir().expect("a folder");
    let script = script_at("http://pac.contoso.example/proxy.pac");
    let options = format!("{script}\r\n\"ProxyEnable\"=\"yes\"\r\n\"ProxyOverride\"=dword:00000001");
    let registry = export(folder.path(), (&options, ""), "", "");
    let run = waprobe(&["proxy", "--registry", &registry], "");
    let words = run.out.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(
        words.starts_with("SYSTEM: what the script says (http://pac.contoso.example/proxy.pac), else DIRECT"),
        "{words}"
    );
    for remark in [
        "ProxyEnable is REG_SZ (yes) and should be REG_DWORD: it is passed over",
        "ProxyOverride is REG_DWORD (1) and should be REG_SZ: it is passed over",
    ] {
        assert!(words.contains(remark), "{words}");
    }
}

/// `WinHttpSettings` with these switches and texts.
fn win_http_settings(switches: u8, texts: &[&str]) -> String {
    let mut bytes = vec![0x28, 0, 0, 0, 0, 0, 0, 0, switches, 0, 0, 0];
    for text in texts {
        bytes.extend(u32::try_from(text.len()).expect("short").to_le_bytes());
        bytes.extend(text.bytes());
    }
    let pairs: Vec<String> = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    format!("\"WinHttpSettings\"=hex:{}", pairs.join(","))
}

#[test]
fn the_switches_of_advanced_proxy_settings_are_not_called_unset() {
    const CONNECTIONS: &str =
        r"HKEY_LOCAL_MACHINE\SOFTWARE\Microsoft\Windows\CurrentVersion\Internet Settings\Connections";
    let folder = tempfile::tempdir().expect("a folder");
    let address = "http://pac.contoso.example/proxy.pac";
    for (switches, texts, first) in [
        (
            5,
            &["", "", address][..],
            "SYSTEM: what the script says (http://pac.contoso.example/proxy.pac), else DIRECT\n",
        ),
        (9, &["", "", ""], "SYSTEM: what the network answers (WPAD), else DIRECT\n"),
        (
            15,
            &["proxy.contoso.example:8080", "<local>", address],
            "SYSTEM: what the network answers (WPAD), else what the script says\n",
        ),
        (5, &["", ""], "SYSTEM: what the network answers (WPAD), else DIRECT, unless WinHTTP"),
        (1, &["", "", address], "SYSTEM: what the network answers (WPAD), else DIRECT\n"),
    ] {
        let registry = export(folder.path(), ("", ""), "", "");
        with(&registry, CONNECTIONS, &win_http_settings(switches, texts));
        let run = waprobe(&["proxy", "--registry", &registry], "");
        assert!(run.out.starts_with(first), "{switches} {texts:?}: {}", run.out);
        assert_eq!(run.out.contains("netsh winhttp show advproxy"), switches != 1, "{switches}: {}", run.out);
    }
}
