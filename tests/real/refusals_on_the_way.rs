//! A router that says no: what it says, and who it is.
//!
//! The router is this kernel in a network namespace of its own; its routes refuse as a firewall's reject rules do, by ICMP.

use crate::waprobe::{Check, Report};
use crate::world::World;

/// The command that follows runs behind a router, to which alone its default route leads.
const BEHIND_A_ROUTER: &str = r#"
set -e
ip link set lo up
unshare --net sleep 120 & router=$!
trap 'kill $router' EXIT
while [ "$(readlink /proc/$router/ns/net)" = "$(readlink /proc/self/ns/net)" ]; do sleep 0.02; done
ip link add inside type veth peer name outside netns $router
ip address add 10.9.0.2/24 dev inside
ip address add fd09::2/64 dev inside nodad
ip link set inside up
nsenter --target $router --net sh -e -c '
    ip address add 10.9.0.1/24 dev outside
    ip address add fd09::1/64 dev outside nodad
    ip link set outside up
    # An answer to each packet: a real router spares itself some.
    echo 0 >/proc/sys/net/ipv4/icmp_ratelimit
    echo 0 >/proc/sys/net/ipv6/icmp/ratelimit
    echo 1 >/proc/sys/net/ipv4/ip_forward
    echo 1 >/proc/sys/net/ipv6/conf/all/forwarding
    ip route add prohibit 203.0.113.1
    ip route add unreachable 203.0.113.2
    ip -6 route add prohibit 2001:db8::1
'
ip route add default via 10.9.0.1
ip -6 route add default via fd09::1
"$@"
"#;

fn behind_a_router(check: Check) -> Report {
    check.report_inside(BEHIND_A_ROUTER, &[])
}

/// So few that the router, which spares itself most of such answers to one client, answers each.
fn catalogue(world: &World, hosts: &[&str]) -> String {
    let entry = |host: &&str| {
        ["[[endpoint]]\nname = \"", host, "\"\nurl = \"https://", host, "\"\ntrust = [\"microsoft-public\"]\n"].concat()
    };
    let text = hosts.iter().map(entry).collect::<Vec<_>>().concat();
    world.file(&format!("{}.toml", hosts.len()), &text).to_string_lossy().into_owned()
}

#[test]
fn what_a_firewall_prohibits_is_no_matter_of_routing() {
    let Some(world) = World::new() else { return };
    let [prohibited, unreachable, over_version_6] = ["prohibited.example", "unreachable.example", "six.example"];

    let report = behind_a_router(
        Check::new(&world)
            .args(["--no-follow-ups", "--catalogue", &catalogue(&world, &[prohibited, unreachable, over_version_6])])
            .args(["--connect-to", &format!("{prohibited}:443=203.0.113.1:443")])
            .args(["--connect-to", &format!("{unreachable}:443=203.0.113.2:443")])
            .args(["--connect-to", &format!("{over_version_6}:443=[2001:db8::1]:443")]),
    );
    report.expect("direct", [prohibited, over_version_6], "blocked", "tcp.admin_prohibited");
    report.expect("direct", [unreachable], "blocked", "tcp.host_unreachable");
    for (host, words) in [
        (prohibited, "10.9.0.1 answers \"communication administratively prohibited\", ICMP type 3 code 13"),
        (unreachable, "10.9.0.1 answers \"host unreachable\", ICMP type 3 code 1"),
        (over_version_6, "fd09::1 answers \"communication administratively prohibited\", ICMPv6 type 1 code 1"),
    ] {
        let evidence = report.evidence(host, "direct");
        assert!(evidence.contains(words), "who says it, and in which words: {evidence}");
    }
}

#[test]
fn a_proxy_that_a_firewall_keeps_away_is_told_from_one_without_a_way() {
    let Some(world) = World::new() else { return };
    let host = "wanted.example";

    let report =
        behind_a_router(
            Check::new(&world)
                .args(["--no-follow-ups", "--no-direct", "--catalogue", &catalogue(&world, &[host])])
                .args(["--proxy", "http://203.0.113.1:8080", "--proxy", "http://203.0.113.2:8080"]),
        );
    report.expect("http://203.0.113.1:8080|bypass", [host], "blocked", "proxy.tcp_admin_prohibited");
    report.expect("http://203.0.113.2:8080|bypass", [host], "blocked", "proxy.tcp_host_unreachable");
}

#[test]
fn a_router_that_spares_itself_most_of_its_answers_prohibits_all_rows_alike() {
    let Some(world) = World::new() else { return };
    let check = Check::new(&world).args([
        "--no-follow-ups",
        "--connect-to",
        ":443=203.0.113.1:443",
        "--connect-to",
        ":80=203.0.113.1:80",
    ]);
    // As the kernel comes: a message a second for each client, after a burst.
    let script = BEHIND_A_ROUTER
        .replace("echo 0 >/proc/sys/net/ipv4/icmp_ratelimit", "echo 1000 >/proc/sys/net/ipv4/icmp_ratelimit");
    let report = check.report_inside(&script, &[]);
    report.expect("direct", crate::hosts::over_tls(), "blocked", "tcp.admin_prohibited");
    assert!(report.printed.contains("no answer to this row"), "some row was spared: {}", report.outline());
}
