//! One answer is not enough: what a second question to real software settles.

use std::net::IpAddr;

use crate::authorities::read;
use crate::hosts;
use crate::nginx::{Nginx, Site};
use crate::squid::{Policy, Squid, Surroundings};
use crate::waprobe::Check;
use crate::world::{World, free_address};

const CONTROL: &str = "www.control.example";
const HOST: &str = "v10c.events.data.microsoft.com";

/// A proxy that also knows the control.
fn squid(world: &World, servers: &Nginx, policy: &Policy) -> Squid {
    let known: Vec<(&str, IpAddr)> = hosts::all().chain([CONTROL]).map(|host| (host, servers.address)).collect();
    let trusted = read(&world.application_root.certificate) + &read(&world.public_root.certificate);
    let surroundings = Surroundings { hosts: &known, trusted: &trusted };
    Squid::start(world.folder(), "squid", free_address(), &surroundings, policy)
}

#[test]
fn a_filter_that_reads_names_in_handshakes_is_told_from_a_dead_tunnel() {
    let Some(world) = World::new() else { return };
    let servers = world.genuine_servers();
    let authority = world.corporate_root.together();
    let policy = Policy::StopNames { authority: &authority, hosts: &[HOST] };
    let squid = squid(&world, &servers, &policy);
    let proxied = format!("{}|bypass", squid.url);

    let report = Check::with_control(&world, CONTROL).arg("--no-direct").through(&squid).report();
    report.expect(&proxied, [HOST], "blocked", "tls.sni_filtered");
    report.expect(&proxied, hosts::all().filter(|host| *host != HOST), "ok", "ok");
    let evidence = report.evidence(HOST, &proxied);
    assert!(evidence.contains("a hello for www.control.example on the same way is answered"), "{evidence}");
    // For this host the same alone as each client, another name and two forms of the first message as each client, one as newer
    // Windows alone, and two with old cipher suites; for a host whose handshake passes two forms, and one of them as older
    // Windows too.
    assert_eq!(report.json["run"]["follow_ups"], 14);

    let report = Check::new(&world).args(["--no-direct", "--no-follow-ups"]).through(&squid).report();
    let code = report.row(HOST, &proxied)["code"].as_str().expect("a code");
    assert!(code.starts_with("proxy.200_then_"), "the first answer stands: {code}");
    assert_eq!(report.json["run"]["follow_ups"], 0);
}

#[test]
fn the_certificate_of_an_old_server_is_read_and_proves_nothing() {
    let Some(world) = World::new() else { return };
    let pair = world.genuine(HOST);
    let site = Site { protocols: "TLSv1 TLSv1.1", ..Site::new(HOST, &pair) };
    let servers = Nginx::start(world.folder(), "nginx", free_address(), &[site]);

    let report = Check::new(&world).direct_to(&servers).report();
    report.expect("direct", [HOST], "blocked", "tls.legacy_only");
    let row = report.row(HOST, "direct");
    assert_eq!(row["chain"]["reached"], "microsoft-application-root", "{row:#}");
    assert_eq!(row["chain"]["proved"], serde_json::Value::Null, "{row:#}");
}

#[test]
fn a_proxy_that_denies_the_control_too_does_not_mean_the_hosts() {
    let Some(world) = World::new() else { return };
    let servers = world.genuine_servers();
    let everything: Vec<&str> = hosts::all().chain([CONTROL]).collect();
    let squid = squid(&world, &servers, &Policy::Deny(&everything));
    let proxied = format!("{}|bypass", squid.url);

    let report = Check::with_control(&world, CONTROL).arg("--no-direct").through(&squid).report();
    report.expect(&proxied, hosts::over_tls(), "blocked", "proxy.client_not_allowed");
    let report = Check::with_control(&world, "other.control.example").arg("--no-direct").through(&squid).report();
    report.expect(&proxied, hosts::over_tls(), "blocked", "proxy.denied_403");
}

#[test]
fn a_closed_direct_route_accuses_nobody_when_the_control_is_refused_too() {
    let Some(world) = World::new() else { return };
    let servers = world.genuine_servers();
    let squid = squid(&world, &servers, &Policy::Open);
    let nobody = free_address();
    let closed = [format!(":443={nobody}:443"), format!(":80={nobody}:80")];

    let report = Check::with_control(&world, CONTROL)
        .args(["--connect-to", &closed[0], "--connect-to", &closed[1]])
        .through(&squid)
        .report();
    report.expect("direct", hosts::all(), "inconclusive", "tcp.refused");
    report.expect(&format!("{}|bypass", squid.url), hosts::all(), "ok", "ok");
    let finding = report.finding("x.inconclusive").expect("the route is closed");
    assert_eq!(finding["rows"].as_array().map(Vec::len), Some(15), "{finding:#}");
    assert!(report.finding("tcp.refused").is_none() && report.finding("x.offline").is_none());
    assert_eq!(report.exit, 3, "{}", report.outline());
}
