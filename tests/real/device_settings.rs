//! What an exported registry says of proxies, held against what gets through: each finding takes rows to be made.

use std::path::PathBuf;

use crate::hosts;
use crate::squid::Policy;
use crate::waprobe::{Check, Report};
use crate::world::{World, free_address};

const MACHINE: &str = r"HKEY_LOCAL_MACHINE\SOFTWARE\Microsoft\Windows\CurrentVersion\Internet Settings\Connections";
const POLICIES: &str = r"HKEY_LOCAL_MACHINE\SOFTWARE\Policies\Microsoft\Windows";
const OPTIONS: &str = r"SOFTWARE\Microsoft\Windows\CurrentVersion\Internet Settings";

/// An export in which SYSTEM has nothing of its own, with `policy` for the diagnostic service and `user` for who is signed in.
fn export(world: &World, policy: &str, user: &str) -> PathBuf {
    // What is saved in this form counts before what stands beside it.
    let own = if user.contains("ProxyServer") { "" } else { OFF };
    let text = format!(
        "Windows Registry Editor Version 5.00\r\n\r\n[{POLICIES}\\DataCollection]\r\n{policy}\r\n\r\n\
         [{POLICIES}\\CurrentVersion\\Internet Settings]\r\n\r\n[{MACHINE}]\r\n\
         \"WinHttpSettings\"=hex:18,00,00,00,07,00,00,00,01,00,00,00,00,00,00,00,00,00,00,00\r\n\r\n\
         [HKEY_USERS\\S-1-5-18\\{OPTIONS}]\r\n\r\n[HKEY_USERS\\S-1-5-18\\{OPTIONS}\\Connections]\r\n{OFF}\r\n\r\n\
         [HKEY_CURRENT_USER\\{OPTIONS}]\r\n{user}\r\n\r\n[HKEY_CURRENT_USER\\{OPTIONS}\\Connections]\r\n{own}\r\n"
    );
    world.file("device.reg", &text)
}

/// Internet Options that were saved with everything switched off.
const OFF: &str = "\"DefaultConnectionSettings\"=hex:46,00,00,00,07,00,00,00,01,00,00,00,00,00,00,00,00,00,00,00,00,00,00,00,\
     00,00,00,00,00,00,00,00,00,00,00,00,00,00,00,00,00,00,00,00,00,00,00,00,00,00,00,00,00,00,00,00";

/// As a machine from which nothing gets out directly.
fn closed(world: &World, export: PathBuf) -> Check {
    let nobody = free_address();
    let check = Check::new(world).args(["--connect-to", &format!(":443={nobody}:443")]);
    check.args(["--connect-to", &format!(":80={nobody}:80"), "--identity", "bypass"]).arg("--registry").arg(export)
}

fn codes(report: &Report) -> Vec<&str> {
    let findings = report.json["findings"].as_array().expect("findings");
    findings.iter().filter_map(|finding| finding["code"].as_str()).filter(|code| code.starts_with("conf.")).collect()
}

#[test]
fn a_proxy_that_only_the_user_has_is_no_way_out_for_services() {
    let Some(world) = World::new() else { return };
    let servers = world.genuine_servers();
    let squid = world.proxy("squid", &servers, &Policy::Open);
    let proxy = squid.url.trim_start_matches("http://");
    let user = format!("\"ProxyEnable\"=dword:00000001\r\n\"ProxyServer\"=\"{proxy}\"");
    let report = closed(&world, export(&world, "", &user)).report();

    let route = format!("{}|bypass", squid.url);
    report.expect("direct", hosts::all(), "blocked", "tcp.refused");
    report.expect(&route, hosts::all(), "ok", "ok");
    assert_eq!(codes(&report), ["conf.context_mismatch"], "{}", report.outline());
    let finding = report.finding("conf.context_mismatch").expect("it");
    assert_eq!(finding["rows"].as_array().map(Vec::len), Some(15));
    let evidence = report.evidence("login.live.com", "direct");
    assert!(evidence.contains("the device comes this way as SYSTEM"), "{evidence}");
    assert!(!report.evidence("login.live.com", &route).contains("SYSTEM"));

    // Where everything gets out directly, the same settings do no harm.
    let check = Check::new(&world).direct_to(&servers).args(["--identity", "bypass"]);
    let report = check.arg("--registry").arg(export(&world, "", &user)).report();
    assert_eq!((codes(&report), report.exit), (Vec::new(), 0), "{}", report.outline());
}

#[test]
fn a_policy_that_names_a_dead_proxy_is_named() {
    let Some(world) = World::new() else { return };
    let dead = format!("{}:8080", free_address());
    let report = closed(&world, export(&world, &format!("\"TelemetryProxyServer\"=\"{dead}\""), "")).report();
    report.expect(&format!("http://{dead}|bypass"), hosts::all(), "blocked", "proxy.tcp_refused");
    assert!(codes(&report).contains(&"conf.telemetry_proxy_dead"), "{:?}", codes(&report));
}

#[test]
fn a_service_that_may_not_use_the_users_name_is_named_where_the_proxy_asks_for_one() {
    let Some(world) = World::new() else { return };
    let servers = world.genuine_servers();
    for (name, policy, expected) in [
        ("asking", Policy::Basic { name: "anna", password: "correct-horse-7493" }, &["conf.user_auth_disabled"][..]),
        ("open", Policy::Open, &[]),
    ] {
        let squid = world.proxy(name, &servers, &policy);
        let proxy = squid.url.trim_start_matches("http://");
        let settings = format!("\"DisableEnterpriseAuthProxy\"=dword:00000001\r\n\"TelemetryProxyServer\"=\"{proxy}\"");
        let user = format!("\"ProxyEnable\"=dword:00000001\r\n\"ProxyServer\"=\"{proxy}\"");
        let report = closed(&world, export(&world, &settings, &user)).report();
        assert_eq!(codes(&report), expected, "{}", report.outline());
    }
}

#[test]
fn settings_without_a_proxy_are_named_where_nothing_gets_out_directly() {
    let Some(world) = World::new() else { return };
    let servers = world.genuine_servers();
    let report = closed(&world, export(&world, "", "")).report();
    assert_eq!(codes(&report), ["conf.none"], "{}", report.outline());

    let variable =
        "\r\n[HKEY_CURRENT_USER\\Environment]\r\n\"HTTPS_PROXY\"=\"http://anna:hunter2@proxy.corp.example:8080\"";
    let report = closed(&world, export(&world, "", variable)).report();
    assert_eq!(codes(&report), ["conf.env_only"], "{}", report.outline());
    assert!(!report.printed.contains("hunter2"), "the password was printed");

    let check = Check::new(&world).direct_to(&servers).args(["--identity", "bypass"]);
    let report = check.arg("--registry").arg(export(&world, "", "")).report();
    assert_eq!((codes(&report), report.exit), (Vec::new(), 0), "{}", report.outline());
}
