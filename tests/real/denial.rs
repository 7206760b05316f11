//! Squid says no, in its ways.

use std::net::IpAddr;

use crate::authorities::read;
use crate::hosts;
use crate::squid::{Policy, Squid, Surroundings};
use crate::waprobe::Check;
use crate::world::{World, free_address};

const UNWANTED: [&str; 3] =
    ["v10c.events.data.microsoft.com", "watson.telemetry.microsoft.com", "ceuswatcab01.blob.core.windows.net"];

#[test]
fn a_rule_that_answers_403_is_quoted_and_hits_its_hosts_alone() {
    let Some(world) = World::new() else { return };
    let servers = world.genuine_servers();
    let squid = world.proxy("squid", &servers, &Policy::Deny(&UNWANTED));
    let proxied = format!("{}|bypass", squid.url);

    let report = Check::new(&world).direct_to(&servers).through(&squid).report();
    report.expect("direct", hosts::all(), "ok", "ok");
    report.expect(&proxied, UNWANTED, "blocked", "proxy.denied_403");
    report.expect(&proxied, hosts::all().filter(|host| !UNWANTED.contains(host)), "ok", "ok");
    for host in UNWANTED {
        let evidence = report.evidence(host, &proxied);
        assert!(evidence.contains("403") && evidence.contains("ERR_ACCESS_DENIED"), "{evidence}");
    }
    assert_eq!(report.exit, 1, "{}", report.outline());
}

#[test]
fn a_rule_that_resets_is_told_from_one_that_answers() {
    let Some(world) = World::new() else { return };
    let servers = world.genuine_servers();
    let squid = world.proxy("squid", &servers, &Policy::Reset(&UNWANTED));
    let proxied = format!("{}|bypass", squid.url);

    let report = Check::new(&world).arg("--no-direct").through(&squid).report();
    report.expect(&proxied, UNWANTED, "blocked", "proxy.rst");
    report.expect(&proxied, hosts::all().filter(|host| !UNWANTED.contains(host)), "ok", "ok");
    assert_eq!(report.exit, 1, "{}", report.outline());
}

#[test]
fn an_open_proxy_that_cannot_get_out_says_why() {
    let Some(world) = World::new() else { return };
    let servers = world.genuine_servers();
    let nobody = free_address();
    // One host behind a closed port, one without an address, the others where they belong.
    let [closed, unknown, ..] = hosts::APPLICATION;
    let hosts: Vec<(&str, IpAddr)> = hosts::all()
        .filter(|host| *host != unknown)
        .map(|host| (host, if host == closed { nobody } else { servers.address }))
        .collect();
    let trusted = read(&world.public_root.certificate);
    let surroundings = Surroundings { hosts: &hosts, trusted: &trusted };
    let squid = Squid::start(world.folder(), "squid", free_address(), &surroundings, &Policy::Open);
    let proxied = format!("{}|bypass", squid.url);

    let report = Check::new(&world).direct_to(&servers).through(&squid).report();
    report.expect("direct", hosts::all(), "ok", "ok");
    report.expect(&proxied, [closed], "blocked", "proxy.upstream_refused");
    // Squid sends a CONNECT for a name without an address back as "cannot forward", not as a failed lookup.
    let row = report.row(unknown, &proxied);
    let code = row["code"].as_str().unwrap_or_default();
    assert!(["proxy.upstream_dns", "proxy.upstream_unknown"].contains(&code), "{row:#}");
    report.expect(&proxied, hosts::all().filter(|host| ![closed, unknown].contains(host)), "ok", "ok");
}
