//! Servers and inspecting devices of TLS 1.2 with cipher suites that Windows still offers and TLS libraries of today do not.

use crate::authorities::{Pair, Wish};
use crate::hosts;
use crate::nginx::{Nginx, Site};
use crate::squid::Policy;
use crate::waprobe::Check;
use crate::world::{World, free_address};

const HOST: &str = "v10c.events.data.microsoft.com";
const OTHER: &str = "settings-win.data.microsoft.com";

/// OpenSSL's names of suites without ECDHE, or with CBC.
const OLD: [&str; 4] = ["AES256-GCM-SHA384", "AES128-SHA", "ECDHE-RSA-AES128-SHA256", "DHE-RSA-AES128-GCM-SHA256"];

/// Both hosts by one server that takes `ciphers` alone; the second shows a certificate of the company's CA.
fn server(world: &World, name: &str, ciphers: &str) -> Nginx {
    let leaf = |file: String, issuer: &Pair, host: &str| {
        let wish = Wish { subject: "/CN=server", names: &[host], key: "rsa:2048", ..Wish::default() };
        let leaf = world.authorities.issue(&file, Some(issuer), &wish);
        world.authorities.with_chain(&leaf, &[issuer])
    };
    let genuine = leaf(format!("{name}-genuine"), &world.application_issuer, HOST);
    let inspected = leaf(format!("{name}-inspected"), &world.corporate_root, OTHER);
    let site = |host, pair| Site { protocols: "TLSv1.2", ciphers, ..Site::new(host, pair) };
    Nginx::start(world.folder(), name, free_address(), &[site(HOST, &genuine), site(OTHER, &inspected)])
}

#[test]
fn what_schannel_offers_is_not_called_blocked_and_the_chain_says_who_answers() {
    let Some(world) = World::new() else { return };
    for (number, ciphers) in OLD.into_iter().enumerate() {
        let servers = server(&world, &format!("old{number}"), ciphers);
        let report = Check::new(&world).machine_roots(&world.corporate_root.certificate).direct_to(&servers).report();
        report.expect("direct", [HOST], "degraded", "tls.old_suites");
        report.expect("direct", [OTHER], "intercepted", "intercepted.trusted");
        for client in report.row(HOST, "direct")["clients"].as_array().expect("clients") {
            assert_eq!(client["status"], "degraded", "{ciphers}: {client:#}");
            assert_eq!(client["chain"]["proved"], serde_json::Value::Null, "{ciphers}");
        }
    }
}

#[test]
fn a_tunnel_to_an_old_server_is_read_too() {
    let Some(world) = World::new() else { return };
    let servers = server(&world, "behind", "AES256-SHA256");
    let squid = world.proxy("squid", &servers, &Policy::Open);
    let proxied = format!("{}|bypass", squid.url);
    let check = Check::new(&world).machine_roots(&world.corporate_root.certificate);
    let report = check.arg("--no-direct").through(&squid).report();
    report.expect(&proxied, [HOST], "degraded", "tls.old_suites");
    report.expect(&proxied, [OTHER], "intercepted", "intercepted.trusted");
}

#[test]
fn a_suite_that_only_older_windows_offers_blocks_the_newer() {
    let Some(world) = World::new() else { return };
    let servers = server(&world, "dhe", "DHE-RSA-AES256-SHA");
    let report = Check::new(&world).direct_to(&servers).report();
    report.expect("direct", [HOST], "inconclusive", "tls.old_suites");
    let status = |os: &str| {
        let row = report.row(HOST, "direct");
        let clients = row["clients"].as_array().expect("clients").iter();
        let mut of = clients.filter(|client| client["os"].as_array().is_some_and(|all| all.contains(&os.into())));
        of.next().expect("the column")["status"].clone()
    };
    assert_eq!(
        [status("win7-8.1"), status("win10-1809-later"), status("win11-later")],
        ["degraded", "blocked", "blocked"]
    );

    let report = Check::new(&world).args(["--os", "win10-1607"]).direct_to(&servers).report();
    report.expect("direct", [OTHER], "intercepted", "intercepted.untrusted");
}

#[test]
fn a_connect_that_is_refused_is_asked_once_and_one_that_is_accepted_twice() {
    let Some(world) = World::new() else { return };
    let servers = world.genuine_servers();
    let squid = world.proxy("squid", &servers, &Policy::Deny(&[HOST]));
    let report = Check::new(&world).args(["--no-direct", "--no-follow-ups"]).through(&squid).report();
    let proxied = format!("{}|bypass", squid.url);
    report.expect(&proxied, [HOST], "blocked", "proxy.denied_403");
    let asked = |host: &str| {
        squid
            .requests()
            .iter()
            .filter(|line| line.contains("CONNECT") && line.contains(&format!(" {host}:443 ")))
            .count()
    };
    for host in hosts::over_tls() {
        let expected = if host == HOST { 1 } else { 2 };
        assert_eq!(asked(host), expected, "{host}: {:#?}", squid.requests());
        assert_eq!(report.row(host, &proxied)["clients"].as_array().map(Vec::len), Some(2), "{host}");
    }

    let squid = world.proxy("squid-for-one", &servers, &Policy::Open);
    let report = Check::new(&world).args(["--no-direct", "--os", "win11-24h2"]).through(&squid).report();
    let proxied = format!("{}|bypass", squid.url);
    let clients = report.row(HOST, &proxied)["clients"].clone();
    assert_eq!((clients[0]["profile"].clone(), clients.as_array().map(Vec::len)), ("tls13".into(), Some(1)));
    let connects = squid.requests().iter().filter(|line| line.contains(&format!("{HOST}:443"))).count();
    assert_eq!(connects, 1, "one profile, one tunnel");
}
