//! dnsmasq between a device and the names it needs: lies, aliases, silence.

use std::net::UdpSocket;

use crate::authorities::Wish;
use crate::dnsmasq::Dnsmasq;
use crate::hosts;
use crate::nginx::{Nginx, Site};
use crate::waprobe::Check;
use crate::world::{World, free_address};

#[test]
fn each_lie_of_a_name_server_has_its_own_answer() {
    let Some(world) = World::new() else { return };
    let servers = world.genuine_servers();
    let genuine = servers.address;
    let nobody = free_address();
    let [v10c, v10, v10_vortex, vortex, settings, watson, oca] = hosts::APPLICATION;
    // Takes questions and never says a word.
    let silent = UdpSocket::bind((free_address(), 53)).expect("a socket");
    let silent_address = silent.local_addr().expect("its address");

    let mut rules = vec![
        format!("--address=/{v10}/"),
        format!("--address=/{v10_vortex}/0.0.0.0"),
        format!("--address=/{vortex}/{nobody}"),
        format!("--address=/{settings}/10.11.12.13"),
        format!("--cname={watson},blobs.westeurope.example"),
        format!("--cname=blobs.westeurope.example,{oca}"),
        format!("--host-record={oca},{genuine}"),
        format!("--server=/{v10c}/{}#{}", silent_address.ip(), silent_address.port()),
    ];
    let found = || hosts::PUBLIC.into_iter().chain([hosts::PLAIN]);
    rules.extend(found().map(|host| format!("--host-record={host},{genuine}")));
    let dnsmasq = Dnsmasq::start(world.folder(), free_address(), &rules);

    let report = Check::new(&world).args(["--resolver", &dnsmasq.address.to_string()]).report();
    report.expect("direct", [v10], "blocked", "dns.nxdomain");
    report.expect("direct", [v10_vortex, vortex, settings], "blocked", "dns.sinkhole");
    report.expect("direct", [v10c], "blocked", "dns.timeout");
    // An address that no public service has is no lie where the service itself answers there.
    report.expect("direct", [oca, watson], "ok", "ok");
    report.expect("direct", found(), "ok", "ok");
    let evidence = report.evidence(watson, "direct");
    assert!(evidence.contains("alias of") && evidence.contains(oca), "the path of aliases is shown: {evidence}");
    assert_eq!(report.exit, 1, "{}", report.outline());
}

#[test]
fn a_closed_port_of_the_name_server_is_not_called_silence() {
    let Some(world) = World::new() else { return };
    let nobody = free_address();

    let report = Check::new(&world).args(["--resolver", &format!("{nobody}:53")]).report();
    report.expect("direct", hosts::all(), "blocked", "dns.no_resolver");
}

#[test]
fn a_lying_name_server_says_nothing_about_the_way_through_a_proxy() {
    let Some(world) = World::new() else { return };
    let servers = world.genuine_servers();
    let rules: Vec<String> = hosts::all().map(|host| format!("--address=/{host}/")).collect();
    let dnsmasq = Dnsmasq::start(world.folder(), free_address(), &rules);
    let squid = world.proxy("squid", &servers, &crate::squid::Policy::Open);

    let report = Check::new(&world).args(["--resolver", &dnsmasq.address.to_string()]).through(&squid).report();
    report.expect("direct", hosts::all(), "blocked", "dns.nxdomain");
    let local = report.finding("dns.nxdomain_local").expect("the proxy shows that the hosts exist");
    assert_eq!(local["rows"].as_array().map(Vec::len), Some(hosts::over_tls().count()), "{local:#}");
    report.expect(&format!("{}|bypass", squid.url), hosts::all(), "ok", "ok");
}

/// Whichever address a row comes to first, devices come to both.
#[test]
fn one_inspected_address_among_several_is_enough() {
    let Some(world) = World::new() else { return };
    let servers = world.genuine_servers();
    let [inspected, v10, ..] = hosts::APPLICATION;
    let wish = Wish { subject: &format!("/CN={inspected}"), names: &[inspected], ..Wish::default() };
    let forged = world.authorities.issue("forged", Some(&world.corporate_root), &wish);
    let firewall = Nginx::start(world.folder(), "firewall", free_address(), &[Site::new(inspected, &forged)]);
    let nobody = free_address();
    let mut rules = vec![
        format!("--host-record={inspected},{}", servers.address),
        format!("--host-record={inspected},{}", firewall.address),
        format!("--host-record={v10},{}", servers.address),
        format!("--host-record={v10},{nobody}"),
    ];
    let others = || hosts::all().filter(|host| ![inspected, v10].contains(host));
    rules.extend(others().map(|host| format!("--host-record={host},{}", servers.address)));
    let dnsmasq = Dnsmasq::start(world.folder(), free_address(), &rules);
    let check = || Check::new(&world).args(["--resolver", &dnsmasq.address.to_string()]);

    for _ in 0..3 {
        let report = check().report();
        report.expect("direct", [inspected], "intercepted", "intercepted.untrusted");
        report.expect("direct", [v10], "degraded", "tcp.partial_ips");
        report.expect("direct", others(), "ok", "ok");
        assert_eq!(report.exit, 1, "{}", report.outline());
    }
    let table = check().table();
    let told = format!("Of one host's addresses {} is inspected and {} is not", firewall.address, servers.address);
    assert!(table.split_whitespace().collect::<Vec<_>>().join(" ").contains(&told), "{table}");
}

/// A firewall's DNS security answers with an alias of its own; what stands at the end of it is not the network's affair.
#[test]
fn an_alias_of_a_filter_is_its_name_servers_verdict() {
    let Some(world) = World::new() else { return };
    let servers = world.genuine_servers();
    let [sunk, paged, walled, ..] = hosts::APPLICATION;
    let wish = Wish { subject: "/CN=blockpage", names: &["blockpage.nextdns.io"], ..Wish::default() };
    let forged = world.authorities.issue("page", Some(&world.corporate_root), &wish);
    let page = Nginx::start(world.folder(), "page", free_address(), &[Site::new(paged, &forged)]);
    let nobody = free_address();
    let aliases = [
        (sunk, "sinkhole.paloaltonetworks.com", nobody),
        (paged, "blockpage.nextdns.io", page.address),
        (walled, "walled-garden.corp.example", page.address),
    ];
    let mut rules: Vec<String> = aliases
        .iter()
        .flat_map(|(host, alias, address)| {
            [format!("--cname={host},{alias}"), format!("--host-record={alias},{address}")]
        })
        .collect();
    let others = || hosts::all().filter(|host| ![sunk, paged, walled].contains(host));
    rules.extend(others().map(|host| format!("--host-record={host},{}", servers.address)));
    let dnsmasq = Dnsmasq::start(world.folder(), free_address(), &rules);

    let report = Check::new(&world).args(["--resolver", &dnsmasq.address.to_string()]).report();
    report.expect("direct", [sunk, paged], "blocked", "dns.filter_vendor_ip");
    report.expect("direct", [walled], "blocked", "dns.sinkhole");
    report.expect("direct", others(), "ok", "ok");
    let finding = report.finding("dns.filter_vendor_ip").expect("a finding");
    assert_eq!(finding["owner"], "DNS team", "{finding:#}");
    assert!(report.evidence(sunk, "direct").contains("alias of sinkhole.paloaltonetworks.com"));
}

/// The system reads that file more strictly than this program: the name server in it answers, and the system asks nobody.
#[test]
fn a_resolv_conf_that_the_system_cannot_read_is_named() {
    let Some(world) = World::new() else { return };
    let servers = world.genuine_servers();
    let rules: Vec<String> = hosts::all().map(|host| format!("--host-record={host},{}", servers.address)).collect();
    let dnsmasq = Dnsmasq::start(world.folder(), free_address(), &rules);
    let server = dnsmasq.address.ip();
    for (name, text, is_read) in [
        ("windows", format!("nameserver {server}\r\nsearch corp.example\r\n"), false),
        ("marked", format!("\u{feff}nameserver {server}\n"), false),
        ("indented", format!(" nameserver {server}\n"), false),
        ("search-alone", format!("nameserver {server}\nsearch a.example b.example\r\n"), true),
        ("tab", format!("nameserver\t{server}\n"), true),
        ("second", format!("nameserver {server}\r\nnameserver {server}\n"), true),
    ] {
        let file = world.file(&format!("resolv-{name}.conf"), &text);
        let Some(report) = Check::new(&world).report_with_resolv_conf(&file) else { return };
        if is_read {
            report.expect("direct", hosts::all(), "ok", "ok");
            continue;
        }
        report.expect("direct", hosts::all(), "blocked", "dns.resolv_conf");
        let finding = report.finding("dns.resolv_conf").expect("a finding");
        assert!(finding["remedy"].as_str().is_some_and(|remedy| remedy.contains("/etc/resolv.conf")), "{finding:#}");
        assert_eq!(finding["owner"], "desktop team", "{finding:#}");
    }
}
