//! Squid opens TLS: the story that every other tool calls a success.

use std::process::Command;

use crate::hosts;
use crate::nginx::Nginx;
use crate::squid::{Policy, Squid};
use crate::waprobe::Check;
use crate::world::World;

#[test]
fn inspection_with_a_trusted_authority_is_seen_on_its_route_and_curl_sees_nothing() {
    let Some(world) = World::new() else { return };
    let servers = world.genuine_servers();
    let squid = inspecting(&world, &servers, &[]);
    let proxied = format!("{}|bypass", squid.url);
    let check =
        || Check::new(&world).direct_to(&servers).through(&squid).machine_roots(&world.corporate_root.certificate);

    let report = check().report();
    report.expect("direct", hosts::all(), "ok", "ok");
    report.expect(&proxied, hosts::over_tls(), "intercepted", "intercepted.trusted");
    report.expect(&proxied, [hosts::PLAIN], "ok", "ok");
    assert_eq!(report.exit, 1, "{}", report.outline());
    for host in hosts::over_tls() {
        let chain = &report.row(host, &proxied)["chain"];
        assert_eq!(
            (&chain["reached"], &chain["machine_trusts"]),
            (&"machine".into(), &true.into()),
            "{host}: {chain:#}"
        );
        let direct = &report.row(host, "direct")["chain"];
        assert_eq!(direct["machine_trusts"], false, "{host}: {direct:#}");
    }
    for (solution, os) in [
        ("device-health", "win10-1809-later"),
        ("upgrade-readiness", "win7-8.1"),
        ("upgrade-readiness", "win10-1507-1709"),
        ("update-compliance", "win10-1803"),
    ] {
        assert_eq!(report.impact(solution, os, &proxied), "blocked", "{solution} on {os}");
        assert_eq!(report.impact(solution, os, "direct"), "ok", "{solution} on {os}");
    }
    let finding = report.finding("intercepted.trusted").expect("a finding that says what to change");
    assert_eq!(finding["owner"], "proxy team");
    assert_eq!(finding["rows"].as_array().map(Vec::len), Some(14), "{finding:#}");

    // Lines break where the terminal ends.
    let table = check().table().split_whitespace().collect::<Vec<_>>().join(" ");
    for words in [
        "Diagnostic data gets out directly, but not through",
        "inspects all 14 TLS endpoints",
        // Squid leaves its name on what it passes on.
        "In squid.conf, put 'ssl_bump splice'",
        "for exactly these host names",
        "This machine trusts that CA, so browsers work",
    ] {
        assert!(table.contains(words), "'{words}' is missing in: {table}");
    }

    let curl = curl_through(&squid, &world);
    assert!(curl.status.success(), "curl trusts the same authority: {curl:?}\n{}", squid.log());
}

/// Squid knows the public roots and not Microsoft's own: a browser behind it gets its error page, and no tool should promise more.
#[test]
fn behind_a_squid_that_does_not_know_the_root_browsers_are_not_said_to_work() {
    let Some(world) = World::new() else { return };
    let servers = world.genuine_servers();
    let authority = world.corporate_root.together();
    let squid = world.proxy("squid", &servers, &Policy::InspectUnknown { authority: &authority });
    let check = Check::new(&world).direct_to(&servers).through(&squid).machine_roots(&world.corporate_root.certificate);
    let table = check.table().split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(table.contains("answers with its own error page (ERR_SECURE_CONNECT_FAIL)"), "{table}");
    assert!(table.contains("intercepted.trusted") && !table.contains("browsers work"), "{table}");
}

#[test]
fn inspection_with_an_authority_that_this_machine_does_not_know_is_said_to_be_that() {
    let Some(world) = World::new() else { return };
    let servers = world.genuine_servers();
    let squid = inspecting(&world, &servers, &[]);
    let proxied = format!("{}|bypass", squid.url);

    let report = Check::new(&world).direct_to(&servers).through(&squid).report();
    report.expect("direct", hosts::all(), "ok", "ok");
    report.expect(&proxied, hosts::over_tls(), "intercepted", "intercepted.untrusted");
    report.expect(&proxied, [hosts::PLAIN], "ok", "ok");
    assert_eq!(report.exit, 1, "{}", report.outline());
    let chain = &report.row("login.live.com", &proxied)["chain"];
    assert_eq!(chain["machine_trusts"], false, "{chain:#}");
    let difference = report.finding("chain.path_difference").expect("a finding");
    assert_eq!(difference["rows"].as_array().map(Vec::len), Some(hosts::over_tls().count()), "{difference:#}");
    assert!(difference["title"].to_string().contains("not on the direct route"), "{difference:#}");
    // Squid makes certificates for all hosts with one key.
    assert!(chain["tells"].as_array().is_some_and(|tells| tells.contains(&"same-key".into())), "{chain:#}");
    assert!(report.finding("chain.same_key_many_hosts").is_some(), "{}", report.outline());
    let genuine = &report.row("login.live.com", "direct")["chain"]["tells"];
    assert!(!genuine.as_array().is_some_and(|tells| tells.contains(&"same-key".into())), "{genuine:#}");
}

#[test]
fn exempt_hosts_pass_an_inspecting_proxy_untouched() {
    let Some(world) = World::new() else { return };
    let servers = world.genuine_servers();
    let exempt: Vec<&str> = hosts::over_tls().collect();
    let squid = inspecting(&world, &servers, &exempt);
    let proxied = format!("{}|bypass", squid.url);

    // The store that OpenSSL's users set by this variable is the machine's own, for once.
    let report = Check::in_the_machines_store(&world, &world.corporate_root.certificate)
        .direct_to(&servers)
        .through(&squid)
        .report();
    report.expect("direct", hosts::all(), "ok", "ok");
    report.expect(&proxied, hosts::all(), "ok", "ok");
    assert_eq!(report.exit, 0, "{}", report.outline());
    assert_eq!(report.json["findings"], serde_json::json!([]));
    assert_eq!(report.impact("device-health", "win10-1809-later", &proxied), "ok");
}

#[test]
fn with_half_of_the_hosts_exempt_exactly_the_others_are_intercepted() {
    let Some(world) = World::new() else { return };
    let servers = world.genuine_servers();
    let squid = inspecting(&world, &servers, &hosts::APPLICATION);
    let proxied = format!("{}|bypass", squid.url);

    let report = Check::in_the_machines_store(&world, &world.corporate_root.certificate)
        .arg("--no-direct")
        .through(&squid)
        .report();
    report.expect(&proxied, hosts::APPLICATION, "ok", "ok");
    report.expect(&proxied, hosts::PUBLIC, "intercepted", "intercepted.trusted");
    report.expect(&proxied, [hosts::PLAIN], "ok", "ok");
    assert_eq!(report.rows().len(), 15, "the direct route was left out");
    assert_eq!(report.exit, 1, "{}", report.outline());
    // Update Compliance can do without the hosts that are inspected, Device Health cannot.
    assert_eq!(report.impact("update-compliance", "win10-1809-later", &proxied), "degraded");
    assert_eq!(report.impact("device-health", "win10-1809-later", &proxied), "blocked");
    let remedy = report.finding("intercepted.trusted").expect("a finding")["remedy"].to_string();
    for host in hosts::PUBLIC {
        assert!(remedy.contains(host), "{host} is missing in: {remedy}");
    }
    for host in hosts::APPLICATION {
        assert!(!remedy.contains(host), "{host} is exempt already: {remedy}");
    }
    let partial = report.finding("intercepted.partial").expect("a finding")["remedy"].to_string();
    let (excluded, missing) = partial.split_once("), and exclude exactly").expect("both halves");
    for (half, its, others) in [
        (excluded, &hosts::APPLICATION[..], &hosts::PUBLIC[..]),
        (missing, &hosts::PUBLIC[..], &hosts::APPLICATION[..]),
    ] {
        assert!(its.iter().all(|host| half.contains(host)), "{half}");
        assert!(!others.iter().any(|host| half.contains(host)), "{half}");
    }
}

fn inspecting(world: &World, servers: &Nginx, exempt: &[&str]) -> Squid {
    let authority = world.corporate_root.together();
    world.proxy("squid", servers, &Policy::Inspect { authority: &authority, exempt })
}

/// The same request, by a tool that asks the machine's store.
fn curl_through(squid: &Squid, world: &World) -> std::process::Output {
    Command::new("curl")
        .args(["--silent", "--show-error", "--fail", "--noproxy", "", "--proxy", &squid.url, "--cacert"])
        .arg(&world.corporate_root.certificate)
        .arg("https://v10c.events.data.microsoft.com/health/keepalive")
        .output()
        .expect("curl starts")
}
