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

/// nginx answers any address with its own 404, which is what the genuine adl.windows.com says too.
#[test]
fn a_web_server_in_the_proxys_place_forwards_nothing() {
    let Some(world) = World::new() else { return };
    let servers = world.genuine_servers();
    let url = format!("http://{}:80", servers.address);
    let through = |check: Check| check.direct_to(&servers).args(["--no-direct", "--proxy", &url]).report();
    let route = format!("{url}|bypass");

    let report = through(Check::new(&world));
    report.expect(&route, hosts::over_tls(), "blocked", "proxy.bad_request_400");
    report.expect(&route, [hosts::PLAIN], "inconclusive", "proxy.not_forwarding");

    // A host without a known page proves nothing: the web server answers for that one too.
    let report = through(Check::with_control(&world, "control.example"));
    report.expect(&route, [hosts::PLAIN], "inconclusive", "proxy.not_forwarding");

    let report = through(Check::with_usual_control(&world));
    report.expect(&route, hosts::all(), "blocked", "proxy.not_forwarding");
    let summary = report.row(hosts::PLAIN, &route)["summary"].to_string();
    assert!(summary.contains("the control is answered by somebody else"), "{summary}");
}

/// A proxy that opens no tunnel at all and passes plain http on is one all the same.
#[test]
fn a_proxy_for_plain_http_alone_is_a_proxy() {
    let Some(world) = World::new() else { return };
    let servers = world.genuine_servers();
    let lines =
        ["http_port ADDRESS:3128", "acl tunnel method CONNECT", "http_access deny tunnel", "http_access allow all"];
    let squid = world.proxy("squid", &servers, &Policy::Lines(&lines.map(str::to_owned)));
    let report = Check::new(&world).direct_to(&servers).through(&squid).arg("--no-direct").report();
    let route = format!("{}|bypass", squid.url);
    report.expect(&route, hosts::over_tls(), "blocked", "proxy.denied_403");
    report.expect(&route, [hosts::PLAIN], "ok", "ok");
}
