//! Limits that this check runs into because it does more at once than a device: nobody is accused of them.

use std::ffi::OsStr;
use std::io::Write as _;
use std::net::SocketAddr;
use std::path::Path;
use std::process::Command;

use crate::hosts;
use crate::server::Server;
use crate::software::program;
use crate::squid::Policy;
use crate::waprobe::{Check, Report};
use crate::world::{World, free_address};

const DENIED: &str = "v10c.events.data.microsoft.com";

fn lines(lines: &[&str]) -> Vec<String> {
    let port = ["http_port ADDRESS:3128"];
    port.iter().chain(lines).map(|line| (*line).to_owned()).collect()
}

fn number_of(report: &Report, code: &str) -> String {
    let finding = report.finding(code).unwrap_or_else(|| panic!("no {code}: {}", report.outline()));
    finding["title"].as_str().expect("a title").to_owned()
}

#[test]
fn squid_with_a_limit_of_connections_is_no_policy_and_a_policy_beside_it_stays_one() {
    let Some(world) = World::new() else { return };
    let servers = world.genuine_servers();
    let limit = ["acl many maxconn 4", "http_access deny CONNECT many", "http_access allow all"];
    let policy = [&["acl unwanted dstdomain v10c.events.data.microsoft.com", "http_access deny unwanted"], &limit[..]];
    let dropping = ["client_ip_max_connections 4", "http_access allow all"];
    for (name, rules, is_denied) in
        [("limit", &limit[..], false), ("policy", &policy.concat(), true), ("dropping", &dropping, false)]
    {
        let rules = lines(rules);
        let squid = world.proxy(name, &servers, &Policy::Lines(&rules));
        let route = format!("{}|bypass", squid.url);
        let report = Check::new(&world).arg("--no-direct").through(&squid).report();
        report.expect(&route, hosts::all().filter(|host| !is_denied || *host != DENIED), "ok", "ok");
        if is_denied {
            report.expect(&route, [DENIED], "blocked", "proxy.denied_403");
        }
        let title = number_of(&report, "proxy.client_limit");
        assert!(title.contains("connections of this check were open at once"), "{name}: {title}");
        assert_eq!(report.exit, i32::from(is_denied), "{name}: {}", report.outline());
    }
}

#[test]
fn with_one_connection_at_a_time_no_limit_is_met() {
    let Some(world) = World::new() else { return };
    let servers = world.genuine_servers();
    let rules = lines(&["client_ip_max_connections 1", "http_access allow all"]);
    let squid = world.proxy("single", &servers, &Policy::Lines(&rules));
    let report = Check::new(&world).args(["--no-direct", "--max-connects", "1"]).through(&squid).report();
    report.expect(&format!("{}|bypass", squid.url), hosts::all(), "ok", "ok");
    assert!(report.finding("proxy.client_limit").is_none(), "{}", report.outline());
    assert_eq!(report.json["run"]["follow_ups"], 0);
}

#[test]
fn a_login_that_the_proxy_took_goes_out_again_and_one_that_it_refused_does_not() {
    let Some(world) = World::new() else { return };
    let servers = world.genuine_servers();
    let password = world.file("password", "secret\n");
    for (helper, is_right) in [("basic_fake_auth", true), ("basic_ncsa_auth /dev/null", false)] {
        let helper = format!("auth_param basic program /usr/lib/squid/{helper}");
        let rules = lines(&[
            &helper,
            "acl known proxy_auth REQUIRED",
            "acl many maxconn 4",
            "http_access deny !known",
            "http_access deny CONNECT many",
            "http_access allow known",
            "http_access deny all",
        ]);
        let name = if is_right { "taken" } else { "refused" };
        let squid = world.proxy(name, &servers, &Policy::Lines(&rules));
        let report = Check::new(&world)
            .args(["--no-direct", "--identity", "user", "--proxy-user", "alice", "--allow-basic-cleartext"])
            .arg("--proxy-password-file")
            .arg(&password)
            .through(&squid)
            .report();
        let route = format!("{}|user|basic", squid.url);
        if is_right {
            report.expect(&route, hosts::all(), "ok", "ok");
            number_of(&report, "proxy.client_limit");
        } else {
            report.expect(&route, hosts::all(), "blocked", "pauth.rejected");
            assert_eq!(squid.credentials().len(), 1, "{:#?}", squid.credentials());
        }
    }
}

#[test]
fn long_pages_behind_challenges_of_squid_are_read_to_their_end() {
    let Some(world) = World::new() else { return };
    let servers = world.genuine_servers();
    let password = world.file("password", "secret\n");
    let passwords = world.file("digest-passwords", "alice:secret\n");
    let templates = world.folder().join("templates");
    let copied = Command::new("cp").args(["-r", "/usr/share/squid/errors/templates"]).arg(&templates).status();
    assert!(copied.expect("cp starts").success());
    let page = format!("<html><body>{}</body></html>", "QUFB".repeat(200_000));
    std::fs::write(templates.join("ERR_CACHE_ACCESS_DENIED"), page).expect("a page");
    let pages = format!("error_directory {}", templates.display());
    let digest = format!("auth_param digest program /usr/lib/squid/digest_file_auth {}", passwords.display());
    let ntlm = "auth_param ntlm program /usr/lib/squid/ntlm_fake_auth";
    for (scheme, helper) in [("ntlm", ntlm), ("digest", &digest)] {
        let children = format!("auth_param {scheme} children 4");
        let realm = if scheme == "digest" { "auth_param digest realm corp" } else { "" };
        let rules = lines(&[
            helper,
            &children,
            realm,
            &pages,
            "acl known proxy_auth REQUIRED",
            "http_access allow known",
            "http_access deny all",
        ]);
        let squid = world.proxy(scheme, &servers, &Policy::Lines(&rules));
        let report = Check::new(&world)
            .args(["--no-direct", "--identity", "user", "--proxy-user", "alice"])
            .arg("--proxy-password-file")
            .arg(&password)
            .through(&squid)
            .report();
        report.expect(&format!("{}|user|{scheme}", squid.url), hosts::all(), "ok", "ok");
        assert!(!report.printed.contains("pauth."), "nobody is said to close: {}", report.outline());
    }
}

/// The command that follows runs where these rules are in the kernel's filter. `$1`: the rules; `$2`: nginx's configuration for
/// the services there, or nothing.
const FILTERED: &str = r#"
set -e
PATH=$PATH:/usr/sbin:/sbin
rules=$1 configuration=$2
shift 2
ip link set lo up
printf '%s' "$rules" | nft -f -
if [ -n "$configuration" ]; then
    nginx -e stderr -c "$configuration" >/dev/null 2>&1 & server=$!
    trap 'kill $server' EXIT
    for _ in $(seq 200); do
        grep -q ":01BB 00000000:0000 0A" /proc/net/tcp && break
        sleep 0.05
    done
fi
"$@"
"#;

/// `None`, and a word, where the kernel's filter cannot be set.
fn filtered(check: Check, rules: &str, configuration: &Path) -> Option<Report> {
    if program("nft").is_none() {
        let _ = writeln!(std::io::stderr(), "\n!! SKIPPED: missing nft (package nftables)");
        return None;
    }
    Some(check.report_inside(FILTERED, &[OsStr::new(rules), configuration.as_os_str()]))
}

/// All fifteen hosts at one address of the filtered network, whose filter has these rules for new connections.
fn before_the_servers(rules: &str) -> Option<(World, Report)> {
    let world = World::new()?;
    let servers = world.genuine_servers();
    let configuration = world.folder().join("nginx.conf");
    let check = Check::new(&world).direct_to(&servers);
    drop(servers);
    let rules = format!(
        "table inet t {{
set clients {{
type ipv4_addr
flags dynamic
size 65535
}}
chain i {{
type filter hook input \
         priority 0
tcp dport {{ 80, 443 }} ct state new {rules}
}}
}}
"
    );
    let report = filtered(check, &rules, &configuration)?;
    Some((world, report))
}

#[test]
fn a_firewall_that_counts_connections_is_no_policy() {
    let limit = "add @clients { ip saddr ct count over 4 } reject with tcp reset";
    let Some((_world, report)) = before_the_servers(limit) else { return };
    report.expect("direct", hosts::all(), "ok", "ok");
    let title = number_of(&report, "tcp.client_limit");
    assert!(title.contains("connections of this check were open at once"), "{title}");
    assert_eq!(report.exit, 0, "{}", report.outline());
}

#[test]
fn a_firewall_that_takes_few_connections_in_a_second_is_not_said_to_deny_hosts() {
    let limit = "limit rate over 2/second burst 3 packets reject with tcp reset";
    let Some((_world, report)) = before_the_servers(limit) else { return };
    assert!(report.finding("tcp.refused").is_none(), "{}", report.outline());
    number_of(&report, "tcp.client_limit");
    assert!(report.rows().iter().all(|row| row["status"] != "blocked"), "{}", report.outline());
}

#[test]
fn a_firewall_that_denies_is_a_policy_however_it_is_asked() {
    let Some((_world, report)) = before_the_servers("reject with tcp reset") else { return };
    report.expect("direct", hosts::all(), "blocked", "tcp.refused");
    assert!(report.finding("tcp.client_limit").is_none(), "{}", report.outline());
}

#[test]
fn a_filter_of_this_machine_is_this_machines() {
    let Some(world) = World::new() else { return };
    let nobody = free_address();
    let closed = [format!(":443={nobody}:443"), format!(":80={nobody}:80")];
    for kind in ["", "with icmpx admin-prohibited", "with icmpx no-route"] {
        let rules = format!(
            "table inet t {{
chain o {{
type filter hook output priority 0
tcp dport {{ 80, 443 }} reject {kind}
}}
}}
"
        );
        let check = Check::new(&world).args(["--connect-to", &closed[0], "--connect-to", &closed[1]]);
        let Some(report) = filtered(check, &rules, Path::new("")) else { return };
        report.expect("direct", hosts::all(), "blocked", "tcp.local_denied");
        let finding = report.finding("tcp.local_denied").expect("it");
        assert_eq!(finding["owner"], "desktop team", "{finding:#}");
    }
}

#[test]
fn a_route_of_this_machine_that_refuses_is_this_machines() {
    let Some(world) = World::new() else { return };
    for kind in ["blackhole", "prohibit", "unreachable"] {
        let script = format!("set -e\nip link set lo up\nip route add {kind} 203.0.113.0/24\n\"$@\"\n");
        let check =
            Check::new(&world).args(["--connect-to", ":443=203.0.113.9:443", "--connect-to", ":80=203.0.113.9:80"]);
        let report = check.report_inside(&script, &[]);
        report.expect("direct", hosts::all(), "blocked", "tcp.local_denied");
        let evidence = report.evidence(DENIED, "direct");
        assert!(evidence.contains("before a packet left it"), "{kind}: {evidence}");
    }
}

#[test]
fn a_name_server_that_drops_what_one_client_asks_too_fast_denies_no_name() {
    let Some(world) = World::new() else { return };
    let Some(unbound) = program("unbound") else {
        let _ = writeln!(std::io::stderr(), "\n!! SKIPPED: missing unbound");
        return;
    };
    let servers = world.genuine_servers();
    let address = SocketAddr::new(free_address(), 53);
    let entry = |host| format!("local-data: \"{host}. 60 IN A {}\"\n", servers.address);
    let names = hosts::all().map(entry).collect::<Vec<_>>().concat();
    let text = format!(
        "server:\nuse-syslog: no\ndo-daemonize: no\nusername: \"\"\nchroot: \"\"\ndirectory: \"{}\"\npidfile: \"\"\n\
         interface: {}\nip-ratelimit: 2\nip-ratelimit-factor: 0\n{names}",
        world.folder().display(),
        address.ip()
    );
    let configuration = world.file("unbound.conf", &text);
    let mut command = Command::new(unbound);
    command.arg("-d").arg("-c").arg(configuration);
    let _server = Server::start("unbound", command, world.folder(), &[address]);
    let report = Check::new(&world).args(["--resolver", &address.to_string()]).report();
    assert!(report.finding("dns.timeout").is_none(), "{}", report.outline());
    number_of(&report, "dns.client_limit");
    assert!(report.rows().iter().all(|row| row["status"] != "blocked"), "{}", report.outline());
}
