//! Squid wants to know who asks: Basic and Digest, right and wrong passwords, and where the passwords are seen.

use crate::hosts;
use crate::nginx::Nginx;
use crate::squid::{Policy, Squid};
use crate::waprobe::{Check, Report};
use crate::world::World;

const NAME: &str = "anna";
const PASSWORD: &str = "correct-horse-7493";
/// `anna:correct-horse-7493`, as it travels.
const BASIC_TOKEN: &str = "YW5uYTpjb3JyZWN0LWhvcnNlLTc0OTM=";

#[test]
fn basic_lets_the_user_through_and_nobody_without_a_name() {
    let Some(world) = World::new() else { return };
    let servers = world.genuine_servers();
    let squid = world.proxy("squid", &servers, &Policy::Basic { name: NAME, password: PASSWORD });

    let report = check(&world, &servers, &squid, PASSWORD).args(["--allow-basic-cleartext"]).report();
    report.expect("direct", hosts::all(), "ok", "ok");
    report.expect(&format!("{}|bypass", squid.url), hosts::all(), "blocked", "pauth.required");
    let user = format!("{}|user|basic", squid.url);
    report.expect(&user, hosts::all(), "ok", "ok");
    let route = &report.row("login.live.com", &user)["route"];
    assert_eq!((&route["identity"], &route["scheme"]), (&"user".into(), &"basic".into()), "{route:#}");
    assert_eq!(report.exit, 0, "the user's login is enough; nobody asked for the rows without one");
    assert_eq!(report.json["answer"]["status"], "degraded", "older versions do not send a user's login");
    assert!(report.json["findings"].as_array().expect("findings").iter().all(|one| one["owner"] == "nobody"));
    let asked =
        check(&world, &servers, &squid, PASSWORD).args(["--allow-basic-cleartext", "--identity", "none"]).report();
    assert_eq!(asked.exit, 1, "asked for, the rows without a login decide");
    // The login of a version that does not send it opens nothing.
    let before = check(&world, &servers, &squid, PASSWORD)
        .args(["--allow-basic-cleartext", "--no-direct", "--os", "win10-1607"])
        .report();
    assert_eq!(before.exit, 1);
    assert!(
        before.json["answer"]["headline"].as_str().expect("words").starts_with("No: "),
        "{:#}",
        before.json["answer"]
    );
    before.finding("pauth.client_has_no_login").expect("the reason");
    assert_eq!(before.json["approaches"][0]["recommended"], serde_json::Value::Null);
    // The recommended way is closed, and the user's works from 1703 on.
    assert_eq!(report.impact("device-health", "win10-1809-later", &user), "ok");
    assert_eq!(report.impact("device-health", "win10-1809-later", &format!("{}|bypass", squid.url)), "blocked");
    keeps_the_secret(&report);
}

#[test]
fn basic_over_a_clear_connection_is_sent_only_when_asked_for() {
    let Some(world) = World::new() else { return };
    let servers = world.genuine_servers();
    let squid = world.proxy("squid", &servers, &Policy::Basic { name: NAME, password: PASSWORD });

    let report = check(&world, &servers, &squid, PASSWORD).args(["--no-direct"]).report();
    for row in report.rows().iter().filter(|row| row["route"]["identity"] == "user") {
        assert_eq!((&row["status"], &row["code"]), (&"blocked".into(), &"pauth.basic_cleartext".into()), "{row:#}");
    }
    assert_eq!(report.rows().len(), 30);
    assert_eq!(squid.credentials(), Vec::<String>::new());
    keeps_the_secret(&report);
}

#[test]
fn a_wrong_password_reaches_the_proxy_exactly_once() {
    let Some(world) = World::new() else { return };
    let servers = world.genuine_servers();
    for (name, policy, scheme) in [
        ("basic", Policy::Basic { name: NAME, password: "another" }, "basic"),
        ("digest", Policy::Digest { name: NAME, password: "another" }, "digest"),
    ] {
        let squid = world.proxy(name, &servers, &policy);
        let report = check(&world, &servers, &squid, PASSWORD)
            .args(["--no-direct", "--identity", "user", "--allow-basic-cleartext"])
            .report();
        let rows = report.on(&format!("{}|user|{scheme}", squid.url));
        let rejected = rows.iter().filter(|row| row["status"] == "blocked" && row["code"] == "pauth.rejected").count();
        assert_eq!((rejected, report.exit), (15, 1), "{}", report.outline());
        let sent = squid.credentials();
        assert_eq!(sent.len(), 1, "an account is locked by what was sent here: {sent:#?}");
        keeps_the_secret(&report);
    }
}

/// A row for nobody and a row for Anna per host; what the first was asked for the second brings along.
#[test]
fn behind_the_first_rows_a_login_costs_no_request_more() {
    let Some(world) = World::new() else { return };
    let servers = world.genuine_servers();
    for (name, policy) in [
        ("basic", Policy::Basic { name: NAME, password: PASSWORD }),
        ("digest", Policy::Digest { name: NAME, password: PASSWORD }),
    ] {
        let squid = world.proxy(name, &servers, &policy);
        let report =
            check(&world, &servers, &squid, PASSWORD).args(["--no-direct", "--allow-basic-cleartext"]).report();
        report.expect(&format!("{}|user|{name}", squid.url), hosts::all(), "ok", "ok");
        // A refused request for nobody per host, and then those with the login.
        let counted = (squid.requests().len(), squid.credentials().len());
        assert_eq!(counted, (15 + hosts::REQUESTS, hosts::REQUESTS), "{:#?}", squid.requests());
    }
}

#[test]
fn digest_needs_no_permission_to_speak_in_clear() {
    let Some(world) = World::new() else { return };
    let servers = world.genuine_servers();
    let squid = world.proxy("squid", &servers, &Policy::Digest { name: NAME, password: PASSWORD });
    let recording = world.folder().join("run.jsonl");

    let report = check(&world, &servers, &squid, PASSWORD).arg("--record").arg(&recording).report();
    report.expect(&format!("{}|bypass", squid.url), hosts::all(), "blocked", "pauth.required");
    report.expect(&format!("{}|user|digest", squid.url), hosts::all(), "ok", "ok");
    keeps_the_secret(&report);
    let table = check(&world, &servers, &squid, PASSWORD).table();
    let said = table.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(said.contains("Exit 0: diagnostic data gets out"), "{table}");
    assert!(!said.contains("What to change"), "{table}");
    let table = check(&world, &servers, &squid, "wrong").table();
    assert!(table.contains("Exit 1: "), "a login that fails is none to rely on: {table}");

    let recorded = crate::authorities::read(&recording);
    assert!(!recorded.contains(PASSWORD), "the recording holds the password");
    for sent in squid.credentials() {
        let response = sent.split("response=\"").nth(1).and_then(|rest| rest.split('"').next());
        let response = response.unwrap_or_else(|| panic!("a Digest answer: {sent}"));
        assert!(!recorded.contains(response), "the recording holds an answer that was sent: {response}");
    }
}

/// With a name and its password: both without them and as that user, unless told otherwise.
fn check(world: &World, servers: &Nginx, squid: &Squid, password: &str) -> Check {
    let file = world.file("password", &format!("{password}\n"));
    Check::new(world).direct_to(servers).through(squid).args(["--proxy-user", NAME, "--proxy-password-file"]).arg(file)
}

fn keeps_the_secret(report: &Report) {
    for secret in [PASSWORD, BASIC_TOKEN] {
        assert!(!report.printed.contains(secret), "{secret} was printed");
    }
}

/// As Notepad and Windows PowerShell write a file: a wrong password would count against the account.
#[test]
fn a_password_file_of_windows_holds_the_password_and_no_mark() {
    let Some(world) = World::new() else { return };
    let servers = world.genuine_servers();
    let squid = world.proxy("squid-marked", &servers, &Policy::Digest { name: NAME, password: PASSWORD });
    let utf_16 = |text: &str| text.encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<u8>>();
    for (name, bytes) in [
        ("utf-8", format!("\u{feff}{PASSWORD}\r\n").into_bytes()),
        ("utf-16", utf_16(&format!("\u{feff}{PASSWORD}\r\n"))),
    ] {
        let file = world.folder().join(format!("password-{name}"));
        std::fs::write(&file, bytes).expect("a file in the story's folder");
        let check = Check::new(&world).direct_to(&servers).through(&squid);
        let check = check.args(["--no-direct", "--identity", "user", "--proxy-user", NAME, "--proxy-password-file"]);
        let report = check.arg(&file).report();
        report.expect(&format!("{}|user|digest", squid.url), hosts::all(), "ok", "ok");
    }
    let file = world.folder().join("password-unmarked");
    std::fs::write(&file, utf_16(PASSWORD)).expect("a file in the story's folder");
    let mut refused =
        Check::new(&world).args(["--proxy", "http://127.0.0.1:1", "--proxy-user", NAME, "--proxy-password-file"]);
    refused = refused.arg(&file);
    let output = refused.command().output().expect("waprobe starts");
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{said}");
    assert!(said.contains("byte order mark") && said.contains("password-unmarked"), "{said}");
}
