//! One Squid with a port for each kind of rule: TLS to the proxy, machine accounts alone, these hosts without a name.

use std::process::Command;

use crate::authorities::{Wish, run};
use crate::hosts;
use crate::nginx::Nginx;
use crate::software::program;
use crate::squid::{Policy, Squid};
use crate::waprobe::{Check, Report};
use crate::world::{World, free_address};

const USER: (&str, &str) = ("anna", "correct-horse-7493");
const MACHINE: (&str, &str) = ("WS01$", "machine-battery-5128");

const MACHINES: u16 = 3130;
const EXEMPT: u16 = 3131;
const ENCRYPTED: u16 = 3132;
/// Shows a certificate for another address.
const MISNAMED: u16 = 3133;

/// Knows a person and a machine by Basic, and lets them in as each port says.
fn squid(world: &World, servers: &Nginx) -> Squid {
    let line = |(name, password): (&str, &str)| {
        format!("{name}:{}\n", run(Command::new("openssl").args(["passwd", "-apr1", password])).trim())
    };
    let passwords = world.file("passwords", &(line(USER) + &line(MACHINE)));
    let helper = program("basic_ncsa_auth").expect("squid's helper");
    let hosts: Vec<&str> = hosts::all().collect();
    let own = free_address().to_string();
    let certificate = |file, address: &str| {
        let wish = Wish { subject: "/CN=proxy.corp.example", names: &[address], ..Wish::default() };
        world.authorities.issue(file, Some(&world.corporate_root), &wish)
    };
    let tls = |port, pair: crate::authorities::Pair| {
        let (certificate, key) = (pair.certificate.display().to_string(), pair.key.display().to_string());
        format!("https_port ADDRESS:{port} tls-cert={certificate} tls-key={key}")
    };
    let lines = [
        "http_port ADDRESS:3128".to_owned(),
        format!("http_port ADDRESS:{MACHINES} name=machines"),
        format!("http_port ADDRESS:{EXEMPT} name=exempt"),
        tls(ENCRYPTED, certificate("proxy", &own)),
        tls(MISNAMED, certificate("misnamed", "127.9.9.9")),
        format!("auth_param basic program {} {}", helper.display(), passwords.display()),
        "auth_param basic children 5 startup=1".to_owned(),
        "auth_param basic realm corp".to_owned(),
        "auth_param basic casesensitive on".to_owned(),
        "acl known proxy_auth REQUIRED".to_owned(),
        "acl machine proxy_auth_regex \\$$".to_owned(),
        "acl at_machines myportname machines".to_owned(),
        "acl at_exempt myportname exempt".to_owned(),
        format!("acl telemetry dstdomain {}", hosts.join(" ")),
        "http_access allow at_exempt telemetry".to_owned(),
        "http_access allow at_machines machine".to_owned(),
        // Known, and not one of them: the `all` at the end keeps Squid from asking for another name.
        "http_access deny at_machines all".to_owned(),
        "http_access allow known".to_owned(),
        "http_access deny all".to_owned(),
    ];
    world.proxy_at(own.parse().expect("an address"), "squid", servers, &Policy::Lines(&lines))
}

/// Of all three approaches, as Anna and as her machine, through one of the ports.
fn check(world: &World, servers: &Nginx, url: &str) -> Check {
    let file = |name, password: &str| world.file(name, &format!("{password}\n"));
    Check::new(world)
        .direct_to(servers)
        .args(["--no-direct", "--identity", "bypass,user,device", "--proxy", url])
        .args(["--proxy-user", USER.0, "--proxy-password-file"])
        .arg(file("user-password", USER.1))
        .args(["--device-user", MACHINE.0, "--device-password-file"])
        .arg(file("machine-password", MACHINE.1))
}

fn keeps_the_secrets(report: &Report) {
    assert!(!report.printed.contains(USER.1) && !report.printed.contains(MACHINE.1), "a password was printed");
}

fn recommended(report: &Report) -> &str {
    report.json["approaches"][0]["recommended"].as_str().unwrap_or("none")
}

#[test]
fn a_port_for_machines_alone_takes_the_machine_account_and_denies_the_user() {
    let Some(world) = World::new() else { return };
    let servers = world.genuine_servers();
    let squid = squid(&world, &servers);
    let url = squid.at("http", MACHINES);
    let report = check(&world, &servers, &url).args(["--allow-basic-cleartext"]).report();
    report.expect(&format!("{url}|bypass"), hosts::all(), "blocked", "pauth.required");
    report.expect(&format!("{url}|user|basic"), hosts::all(), "blocked", "pauth.denied_after_auth");
    report.expect(&format!("{url}|device|basic"), hosts::all(), "ok", "ok");
    let finding = report.finding("pauth.machine_ok_user_denied").expect("the two accounts are compared");
    assert_eq!(finding["rows"].as_array().map(Vec::len), Some(15), "tunnels and plain http alike");
    assert_eq!(recommended(&report), "device");
    keeps_the_secrets(&report);
}

#[test]
fn a_port_that_lets_these_hosts_through_sees_no_credential_and_is_recommended() {
    let Some(world) = World::new() else { return };
    let servers = world.genuine_servers();
    let squid = squid(&world, &servers);
    let (exempt, asking) = (squid.at("http", EXEMPT), squid.at("http", 3128));
    let report = check(&world, &servers, &exempt).args(["--proxy", &asking, "--allow-basic-cleartext"]).report();
    for identity in ["bypass", "user", "device"] {
        report.expect(&format!("{exempt}|{identity}"), hosts::all(), "ok", "ok");
    }
    report.expect(&format!("{asking}|user|basic"), hosts::all(), "ok", "ok");
    report.expect(&format!("{asking}|device|basic"), hosts::all(), "ok", "ok");
    // The user's way serves no Windows 7, and the way without a name does.
    assert_eq!(report.impact("upgrade-readiness", "win7-8.1", &format!("{asking}|user|basic")), "blocked");
    assert_eq!(report.impact("upgrade-readiness", "win7-8.1", &format!("{exempt}|user")), "ok");
    assert_eq!(
        squid.credentials().len(),
        2 * hosts::REQUESTS,
        "for each account at the port that asks, none at the other"
    );
    assert_eq!(recommended(&report), "user", "at the port that asks; the other asks nobody");
    keeps_the_secrets(&report);
}

#[test]
fn an_https_proxy_gets_credentials_only_under_a_certificate_that_the_machine_accepts() {
    let Some(world) = World::new() else { return };
    let servers = world.genuine_servers();
    let squid = squid(&world, &servers);
    let (right, misnamed) = (squid.at("https", ENCRYPTED), squid.at("https", MISNAMED));

    // A store that knows the company's root.
    let trusting = Check::new(&world).machine_roots(&world.corporate_root.certificate);
    let file = |name, password: &str| world.file(name, &format!("{password}\n"));
    let report = trusting
        .direct_to(&servers)
        .args(["--no-direct", "--proxy", &right, "--proxy", &misnamed])
        .args(["--proxy-user", USER.0, "--proxy-password-file"])
        .arg(file("user-password", USER.1))
        .report();
    report.expect(&format!("{right}|bypass"), hosts::all(), "blocked", "pauth.required");
    // Basic goes over TLS without anybody's leave.
    report.expect(&format!("{right}|user|basic"), hosts::all(), "ok", "ok");
    report.expect(&format!("{misnamed}|user"), hosts::all(), "blocked", "proxy.tls_untrusted");
    assert_eq!(squid.credentials().len(), hosts::REQUESTS, "none went to the port with the wrong name");
    keeps_the_secrets(&report);

    // A store that knows nothing of the company.
    let report = check(&world, &servers, &right).report();
    report.expect(&format!("{right}|user"), hosts::all(), "blocked", "proxy.tls_untrusted");
    report.expect(&format!("{right}|device"), hosts::all(), "blocked", "proxy.tls_untrusted");
    assert_eq!(squid.credentials().len(), hosts::REQUESTS, "no credential went to a proxy that nobody vouches for");
}
