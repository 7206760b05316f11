//! Squid knows who asks, and denies one host to everybody, in the manner that asks for another login: 407 once more.

use crate::accounts::{NAME, PASSWORD, basic, samba};
use crate::hosts;
use crate::nginx::Nginx;
use crate::squid::{Policy, Squid};
use crate::waprobe::{Check, Report};
use crate::world::World;

/// The first that is asked for, and one of those behind it.
const FIRST: &str = "v10c.events.data.microsoft.com";
const LATER: &str = "login.live.com";

/// NTLM signs a connection in, so that another host can be asked for on it without the password.
#[test]
fn where_a_connection_is_signed_in_one_denied_host_condemns_no_other() {
    for scheme in ["ntlm", "negotiate"] {
        for denied in [FIRST, LATER] {
            let Some(world) = World::new() else { return };
            let servers = world.genuine_servers();
            let squid = proxy(&world, &servers, scheme, denied);
            let report = as_anna(&world, &servers, &squid, PASSWORD);
            let route = format!("{}|user|{scheme}", squid.url);
            report.expect(&route, [denied], "blocked", "pauth.denied_after_auth");
            report.expect(&route, hosts::all().filter(|host| *host != denied), "ok", "ok");
        }
    }
}

#[test]
fn a_wrong_ntlm_password_is_told_from_a_denied_host() {
    let Some(world) = World::new() else { return };
    let servers = world.genuine_servers();
    let squid = proxy(&world, &servers, "ntlm", FIRST);
    let report = as_anna(&world, &servers, &squid, "another");
    report.expect(&format!("{}|user|ntlm", squid.url), hosts::all(), "blocked", "pauth.rejected");
    assert_eq!(squid.credentials().iter().filter(|sent| sent.contains("TlRMTVNTUAAD")).count(), 1);
}

/// By Basic and Digest nothing tells a denied host from a wrong password, and that is what the rows say.
#[test]
fn where_nothing_tells_them_apart_the_password_stays_with_the_row_that_sent_it() {
    for scheme in ["basic", "digest"] {
        for password in [PASSWORD, "another"] {
            let Some(world) = World::new() else { return };
            let servers = world.genuine_servers();
            let squid = proxy(&world, &servers, scheme, FIRST);
            let report = as_anna(&world, &servers, &squid, password);
            let route = format!("{}|user|{scheme}", squid.url);
            report.expect(&route, [FIRST], "blocked", "pauth.rejected");
            report.expect(&route, hosts::all().filter(|host| *host != FIRST), "blocked", "pauth.rejected");
            let summary = report.row(LATER, &route)["summary"].to_string();
            assert!(summary.contains(FIRST) && summary.contains("407"), "{summary}");
            assert_eq!(squid.credentials().len(), 1, "{:#?}", squid.credentials());
        }
    }
}

/// Once the proxy took the login, a denied host is one.
#[test]
fn a_host_that_is_denied_to_a_known_login_is_its_own_matter() {
    for scheme in ["basic", "digest"] {
        let Some(world) = World::new() else { return };
        let servers = world.genuine_servers();
        let squid = proxy(&world, &servers, scheme, LATER);
        let report = as_anna(&world, &servers, &squid, PASSWORD);
        let route = format!("{}|user|{scheme}", squid.url);
        report.expect(&route, [LATER], "blocked", "pauth.denied_after_auth");
        report.expect(&route, hosts::all().filter(|host| *host != LATER), "ok", "ok");
    }
}

fn proxy(world: &World, servers: &Nginx, scheme: &str, denied: &str) -> Squid {
    let helper = match scheme {
        "basic" => basic(world),
        "digest" => {
            let file = world.file("digest-passwords", &format!("{NAME}:{PASSWORD}\n"));
            format!("{} {}", crate::software::program("digest_file_auth").expect("a helper").display(), file.display())
        }
        "ntlm" => samba(world, "squid-2.5-ntlmssp"),
        _ => samba(world, "gss-spnego"),
    };
    let realm = matches!(scheme, "basic" | "digest").then(|| format!("auth_param {scheme} realm corp"));
    let lines = [
        "http_port ADDRESS:3128".to_owned(),
        format!("auth_param {scheme} program {helper}"),
        format!("auth_param {scheme} children 20 startup=1"),
        realm.unwrap_or_default(),
        "acl known proxy_auth REQUIRED".to_owned(),
        format!("acl unwanted dstdomain {denied}"),
        "http_access deny unwanted known".to_owned(),
        "http_access allow known".to_owned(),
        "http_access deny all".to_owned(),
    ];
    world.proxy("squid", servers, &Policy::Lines(&lines))
}

fn as_anna(world: &World, servers: &Nginx, squid: &Squid, password: &str) -> Report {
    let file = world.file("password", &format!("{password}\n"));
    let check = Check::new(world).direct_to(servers).through(squid).args(["--no-direct", "--identity", "user"]);
    let check = check.args(["--allow-basic-cleartext", "--proxy-user", NAME, "--proxy-password-file"]);
    check.arg(file).report()
}
