//! Squid knows people as a Windows domain does: NTLM and Negotiate, checked by Samba's own helper.

use crate::accounts::{NAME, PASSWORD, basic, samba};
use crate::hosts;
use crate::nginx::Nginx;
use crate::squid::{Policy, Squid};
use crate::waprobe::{Check, Report};
use crate::world::World;

#[test]
fn ntlm_lets_the_user_through_by_every_form_of_the_name() {
    let Some(world) = World::new() else { return };
    let servers = world.genuine_servers();
    let squid = world.proxy("squid", &servers, &Policy::Schemes(&[("ntlm", samba(&world, "squid-2.5-ntlmssp"))]));

    for (name, runs) in [(NAME, 1), ("CORP\\anna", 2)] {
        let report = check(&world, &servers, &squid, name, PASSWORD).args(["--no-direct"]).report();
        report.expect(&format!("{}|bypass", squid.url), hosts::all(), "blocked", "pauth.required");
        report.expect(&format!("{}|user|ntlm", squid.url), hosts::all(), "ok", "ok");
        keeps_the_secret(&report, &squid);
        // Two messages with each login; the rows for nobody learn before that what the proxy asks for.
        let sent = 2 * hosts::REQUESTS;
        assert_eq!((squid.requests().len(), squid.credentials().len()), ((15 + sent) * runs, sent * runs));
    }
    let report = check(&world, &servers, &squid, NAME, PASSWORD).args(["--no-direct", "--identity", "user"]).report();
    let evidence = report.evidence("login.live.com", &format!("{}|user|ntlm", squid.url));
    for fact in ["with ntlm credentials (type 1) on connection 1: 407", "credentials (type 3", "NTLM challenge of"] {
        assert!(evidence.contains(fact), "{fact}: {evidence}");
    }
}

#[test]
fn a_wrong_ntlm_password_reaches_the_helper_exactly_once() {
    let Some(world) = World::new() else { return };
    let servers = world.genuine_servers();
    let squid = world.proxy("squid", &servers, &Policy::Schemes(&[("ntlm", samba(&world, "squid-2.5-ntlmssp"))]));

    let report = check(&world, &servers, &squid, NAME, "another").args(["--no-direct", "--identity", "user"]).report();
    report.expect(&format!("{}|user|ntlm", squid.url), hosts::all(), "blocked", "pauth.rejected");
    assert_eq!(report.exit, 1, "{}", report.outline());
    let answers = squid.credentials().iter().filter(|sent| is_type3(sent)).count();
    assert_eq!(answers, 1, "an account is locked by what was sent here: {:#?}", squid.credentials());
}

#[test]
fn negotiate_carries_ntlm_and_says_so() {
    let Some(world) = World::new() else { return };
    let servers = world.genuine_servers();
    let squid = world.proxy("squid", &servers, &Policy::Schemes(&[("negotiate", samba(&world, "gss-spnego"))]));

    let report = check(&world, &servers, &squid, NAME, PASSWORD).args(["--no-direct", "--identity", "user"]).report();
    let user = format!("{}|user|negotiate", squid.url);
    report.expect(&user, hosts::all(), "ok", "ok");
    assert_eq!(report.row("login.live.com", &user)["route"]["mechanism"], "ntlm");
    let finding = report.finding("pauth.nego_is_ntlm").expect("a remark");
    assert_eq!(finding["rows"].as_array().map(Vec::len), Some(15));
    keeps_the_secret(&report, &squid);
}

#[test]
fn each_scheme_of_a_list_has_its_row_and_auto_takes_the_strongest() {
    let Some(world) = World::new() else { return };
    let servers = world.genuine_servers();
    let schemes = [
        ("negotiate", samba(&world, "gss-spnego")),
        ("ntlm", samba(&world, "squid-2.5-ntlmssp")),
        ("basic", basic(&world)),
    ];
    let squid = world.proxy("squid", &servers, &Policy::Schemes(&schemes));

    let list =
        ["--no-direct", "--identity", "user", "--allow-basic-cleartext", "--scheme", "negotiate,ntlm,digest,basic"];
    let report = check(&world, &servers, &squid, NAME, PASSWORD).args(list).report();
    for scheme in ["negotiate", "ntlm", "basic"] {
        report.expect(&format!("{}|user|{scheme}", squid.url), hosts::all(), "ok", "ok");
    }
    report.expect(&format!("{}|user|digest", squid.url), hosts::all(), "blocked", "pauth.no_common_scheme");

    let auto = ["--no-direct", "--identity", "user", "--allow-basic-cleartext"];
    let report = check(&world, &servers, &squid, NAME, PASSWORD).args(auto).report();
    report.expect(&format!("{}|user|negotiate", squid.url), hosts::all(), "ok", "ok");
    keeps_the_secret(&report, &squid);
}

/// With a name and its password.
fn check(world: &World, servers: &Nginx, squid: &Squid, name: &str, password: &str) -> Check {
    let file = world.file("password", &format!("{password}\n"));
    Check::new(world).direct_to(servers).through(squid).args(["--proxy-user", name, "--proxy-password-file"]).arg(file)
}

/// Whether a request in Squid's log brought NTLM's answer: the third byte group of its base64 says which message it is.
fn is_type3(sent: &str) -> bool {
    sent.contains("TlRMTVNTUAAD")
}

/// Neither the password nor an answer that was made of it stands in what was printed.
fn keeps_the_secret(report: &Report, squid: &Squid) {
    assert!(!report.printed.contains(PASSWORD), "the password was printed");
    let answers: Vec<String> = squid.credentials().into_iter().filter(|sent| is_type3(sent)).collect();
    for sent in answers {
        let answer = &sent[sent.find("TlRMTVNTUAAD").expect("an answer")..];
        assert!(!report.printed.contains(&answer[..80]), "an answer was printed: {answer}");
    }
}
