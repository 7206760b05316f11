//! Squid knows people and machines by Kerberos, as MIT's KDC does.

use std::net::{SocketAddr, TcpListener, UdpSocket};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use crate::accounts::{NAME, PASSWORD, basic, samba};
use crate::call::Call;
use crate::hosts;
use crate::kdc::Kdc;
use crate::nginx::Nginx;
use crate::squid::{Policy, Squid};
use crate::waprobe::{Check, Report};
use crate::world::{World, free_address};

const PROXY: &str = "proxy.corp.example";

/// The directory, a proxy that believes it, and what stands behind.
struct Company {
    world: World,
    servers: Nginx,
    kdc: Kdc,
    squid: Squid,
    /// Where the proxy is found by its name.
    url: String,
    hosts: String,
}

impl Company {
    fn new() -> Option<Self> {
        World::new().map(|world| Self::within(world, &[]))
    }

    /// Whose proxy offers `more` schemes behind Negotiate.
    fn within(world: World, more: &[(&'static str, String)]) -> Self {
        let servers = world.genuine_servers();
        let kdc = Kdc::start(world.folder(), free_address());
        kdc.person(NAME, PASSWORD);
        let keytab = kdc.keytab(&format!("HTTP/{PROXY}"));
        let schemes: Vec<(&str, String)> =
            [("negotiate", kdc.helper(&keytab))].into_iter().chain(more.iter().cloned()).collect();
        let squid = world.proxy("squid", &servers, &Policy::Schemes(&schemes));
        let address = squid.url.strip_prefix("http://").and_then(|rest| rest.split(':').next()).expect("an address");
        let hosts = format!("{address} {PROXY}\n");
        Self { url: format!("http://{PROXY}:3128"), hosts, world, servers, kdc, squid }
    }

    /// A check through the proxy by its name, with nobody signed in.
    fn check(&self) -> Call {
        self.check_through(&self.url)
    }

    fn check_through(&self, url: &str) -> Call {
        let check = Check::new(&self.world).direct_to(&self.servers).args(["--no-direct", "--proxy", url]);
        let hosts = self.world.file("hosts", &self.hosts);
        Call::new(check, hosts, &self.kdc.configuration)
    }

    fn password(&self, password: &str) -> std::path::PathBuf {
        self.world.file("password", &format!("{password}\n"))
    }
}

#[test]
fn whoever_is_signed_in_gets_through_by_a_ticket() {
    let Some(company) = Company::new() else { return };
    let cache = company.kdc.ticket(NAME, PASSWORD, &[]);

    let report = company.check().signed_in(&cache).args(["--identity", "bypass,user"]).report();
    report.expect(&format!("{}|bypass", company.url), hosts::all(), "blocked", "pauth.required");
    let user = format!("{}|user|negotiate", company.url);
    report.expect(&user, hosts::all(), "ok", "ok");
    assert_eq!(report.row("login.live.com", &user)["route"]["mechanism"], "kerberos");
    let evidence = report.evidence("login.live.com", &user);
    assert!(evidence.contains("ticket of anna@CORP.EXAMPLE for HTTP/proxy.corp.example)"), "{evidence}");
    keeps_the_tickets(&report, &company.squid);
}

#[test]
fn once_the_proxy_is_known_to_take_tickets_every_row_begins_with_its_own() {
    let Some(company) = Company::new() else { return };
    let cache = company.kdc.ticket(NAME, PASSWORD, &[]);
    let report = company.check().signed_in(&cache).args(["--identity", "user"]).report();
    report.expect(&format!("{}|user|negotiate", company.url), hosts::all(), "ok", "ok");

    let (requests, sent) = (company.squid.requests(), company.squid.credentials());
    assert_eq!((requests.len() - sent.len(), sent.len()), (1, hosts::REQUESTS), "{requests:#?}");
    let distinct: std::collections::BTreeSet<&str> =
        sent.iter().filter_map(|line| line.split("sent=").nth(1)).collect();
    assert_eq!(distinct.len(), hosts::REQUESTS, "a token went out twice");
}

#[test]
fn clocks_and_encryption_that_do_not_fit_are_named_by_what_the_directory_says() {
    let Some(company) = Company::new() else { return };
    let cache = company.kdc.ticket(NAME, PASSWORD, &[]);
    let user = format!("{}|user|negotiate", company.url);
    let later = company.world.clock("later", 900);
    let report = company.check().signed_in(&cache).preloaded(&later).args(["--identity", "user"]).report();
    report.expect(&user, hosts::all(), "blocked", "pauth.krb_skew");

    company.kdc.admin(&format!("addprinc -e arcfour-hmac:normal -pw {PASSWORD} frida"));
    let modern = company.kdc.with_defaults("permitted_enctypes = aes256-cts-hmac-sha1-96");
    let check = company.check().configured(&modern).by_password("frida", &company.password(PASSWORD));
    let report = check.args(["--identity", "user"]).report();
    report.expect(&user, hosts::all(), "blocked", "pauth.krb_etype");
}

/// The account of the proxy got a new key, and the proxy was not told. Squid says no more than 407.
#[test]
fn a_ticket_that_the_proxy_cannot_read_is_no_wrong_password() {
    let Some(company) = Company::new() else { return };
    company.kdc.admin(&format!("change_password -randkey HTTP/{PROXY}"));
    let password = company.password(PASSWORD);
    let report = company.check().by_password(NAME, &password).args(["--identity", "user"]).report();
    let user = format!("{}|user|negotiate", company.url);
    report.expect(&user, hosts::all(), "blocked", "pauth.rejected");
    let summary = report.row("login.live.com", &user)["summary"].to_string();
    assert!(summary.contains("the proxy refuses the ticket"), "{summary}");
}

#[test]
fn a_name_and_a_password_get_a_ticket_and_the_proxy_never_sees_them() {
    let Some(company) = Company::new() else { return };
    let password = company.password(PASSWORD);
    let user = format!("{}|user|negotiate", company.url);
    for name in [NAME, "anna@corp.example", "CORP\\anna"] {
        let report = company.check().by_password(name, &password).args(["--identity", "user"]).report();
        report.expect(&user, hosts::all(), "ok", "ok");
        assert_eq!(report.row("login.live.com", &user)["route"]["mechanism"], "kerberos", "{name}");
        keeps_the_tickets(&report, &company.squid);
    }
}

/// A ticket of somebody else lies ready, and must not be shown in the place of the one asked for.
#[test]
fn a_wrong_password_is_the_directorys_to_refuse_and_is_tried_once() {
    let Some(company) = Company::new() else { return };
    company.kdc.person("berta", "another-word-22");
    let cache = company.kdc.ticket("berta", "another-word-22", &[]);
    let wrong = company.password("not-the-one");

    let report = company.check().signed_in(&cache).by_password(NAME, &wrong).args(["--identity", "user"]).report();
    report.expect(&format!("{}|user|negotiate", company.url), hosts::all(), "blocked", "pauth.rejected");
    assert_eq!(company.squid.credentials(), Vec::<String>::new(), "somebody's ticket reached the proxy");
    assert_eq!(company.kdc.refusals(), 1, "an account is locked by what was tried here:\n{}", company.kdc.log());
}

#[test]
fn each_thing_that_is_wrong_with_an_account_or_a_name_has_its_code() {
    let Some(company) = Company::new() else { return };
    let kdc = &company.kdc;
    for (name, change) in [("carl", "-allow_tix"), ("dora", "-expire yesterday"), ("emil", "-pwexpire yesterday")] {
        kdc.person(name, PASSWORD);
        kdc.admin(&format!("modprinc {change} {name}"));
    }
    let password = company.password(PASSWORD);
    for (name, code, words) in [
        ("carl", "pauth.disabled", "revoked"),
        ("dora", "pauth.expired", "expired"),
        ("emil", "pauth.expired", "assword has expired"),
        ("nobody", "pauth.rejected", "not found"),
    ] {
        let report = company.check().by_password(name, &password).args(["--identity", "user"]).report();
        let user = format!("{}|user|negotiate", company.url);
        report.expect(&user, hosts::all(), "blocked", code);
        let summary = report.row("login.live.com", &user)["summary"].to_string();
        assert!(summary.contains(words) && summary.contains(name), "{summary}");
    }
}

#[test]
fn a_proxy_whose_service_nobody_registered_is_named_with_the_service() {
    let Some(mut company) = Company::new() else { return };
    let cache = company.kdc.ticket(NAME, PASSWORD, &[]);
    company.hosts = company.hosts.replace(PROXY, "gate.corp.example");

    let url = "http://gate.corp.example:3128";
    let report = company.check_through(url).signed_in(&cache).args(["--identity", "user"]).report();
    let user = format!("{url}|user|negotiate");
    report.expect(&user, hosts::all(), "blocked", "pauth.krb_spn_unknown");
    let summary = report.row("login.live.com", &user)["summary"].to_string();
    assert!(summary.contains("HTTP/gate.corp.example"), "{summary}");
    // Two questions by the name as it is written, two by what this machine makes of it; and no row asks again.
    let asked = company.kdc.log().matches("LOOKING_UP_SERVER").count();
    assert!(asked <= 4, "{asked} questions: {}", company.kdc.log());
}

#[test]
fn a_proxy_known_by_its_canonical_name_alone_is_told_from_an_unknown_one() {
    let Some(mut company) = Company::new() else { return };
    let cache = company.kdc.ticket(NAME, PASSWORD, &[]);
    company.hosts = company.hosts.replace(PROXY, &format!("{PROXY} webproxy"));

    for defaults in ["dns_canonicalize_hostname = true", "dns_canonicalize_hostname = false"] {
        let configuration = company.kdc.with_defaults(defaults);
        let url = "http://webproxy:3128";
        let check = company.check_through(url).configured(&configuration).signed_in(&cache);
        let report = check.args(["--identity", "user"]).report();
        let user = format!("{url}|user|negotiate");
        report.expect(&user, hosts::all(), "blocked", "pauth.krb_cname");
        let summary = report.row("login.live.com", &user)["summary"].to_string();
        assert!(summary.contains("HTTP/webproxy") && summary.contains("HTTP/proxy.corp.example"), "{summary}");
    }
}

#[test]
fn a_proxy_by_address_has_no_service() {
    let Some(company) = Company::new() else { return };
    let cache = company.kdc.ticket(NAME, PASSWORD, &[]);
    let check = company.check_through(&company.squid.url).signed_in(&cache);
    let report = check.args(["--identity", "user"]).report();
    let user = format!("{}|user|negotiate", company.squid.url);
    report.expect(&user, hosts::all(), "blocked", "pauth.krb_ip_literal");
}

#[test]
fn a_login_that_was_asked_for_needs_a_ticket_and_an_expired_one_is_none() {
    let Some(company) = Company::new() else { return };
    let refused = |check: Call| {
        let output = check.args(["--identity", "user"]).output(&[]);
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!((output.status.code(), output.stdout.len()), (Some(2), 0), "{said}");
        assert!(said.contains("--identity user: there is no user's login to test with"), "{said}");
    };
    refused(company.check());

    let cache = company.kdc.ticket(NAME, PASSWORD, &["-l", "1s"]);
    std::thread::sleep(Duration::from_millis(2100));
    refused(company.check().signed_in(&cache));
    assert_eq!(company.squid.credentials(), Vec::<String>::new());
}

#[test]
fn a_kdc_that_is_silent_absent_or_something_else_does_not_hold_the_run_up() {
    let Some(company) = Company::new() else { return };
    let cache = company.kdc.ticket(NAME, PASSWORD, &[]);
    let user = format!("{}|user|negotiate", company.url);
    let address = SocketAddr::new(free_address(), 88);

    let expect = |what: &str| {
        let check = company.check().configured(&company.kdc.looked_for_at(address)).signed_in(&cache);
        let report = check.args(["--identity", "user"]).report();
        report.expect(&user, hosts::all(), "blocked", "pauth.krb_kdc_unreachable");
        report.row("login.live.com", &user)["summary"].to_string() + what
    };
    expect("absent");

    let (udp, tcp) = (UdpSocket::bind(address).expect("a port"), TcpListener::bind(address).expect("a port"));
    let summary = expect("silent");
    assert!(summary.contains("within 8 s"), "{summary}");
    drop(tcp);

    let (babble, stop) = (udp.try_clone().expect("a second handle"), Arc::new(AtomicBool::new(false)));
    babble.set_read_timeout(Some(Duration::from_millis(50))).expect("a bound");
    let stopped = stop.clone();
    let talker = std::thread::spawn(move || {
        while !stopped.load(Ordering::Relaxed) {
            if let Ok((_, from)) = babble.recv_from(&mut [0; 4096]) {
                let _ = babble.send_to(b"\x7e\x03nothing that Kerberos says", from);
            }
        }
    });
    expect("something else");
    stop.store(true, Ordering::Relaxed);
    talker.join().expect("it ends");
}

#[test]
fn the_machine_account_shows_a_ticket_from_its_keytab_and_not_the_users() {
    let Some(company) = Company::new() else { return };
    let keytab = company.kdc.keytab("WS01$");
    let cache = company.kdc.ticket(NAME, PASSWORD, &[]);

    // Both by default: the ticket that is there makes a user, and the keytab a device.
    let check = company.check().signed_in(&cache).arg("--device-keytab").arg(&keytab);
    let report = check.args(["--device-principal", "ws01$"]).report();
    report.expect(&format!("{}|bypass", company.url), hosts::all(), "blocked", "pauth.required");
    for (identity, principal) in [("user", "anna@CORP.EXAMPLE"), ("device", "WS01$@CORP.EXAMPLE")] {
        let route = format!("{}|{identity}|negotiate", company.url);
        report.expect(&route, hosts::all(), "ok", "ok");
        let evidence = report.evidence("login.live.com", &route);
        assert!(evidence.contains(&format!("ticket of {principal} for")), "{evidence}");
    }
    assert!(company.squid.requests().iter().any(|request| request.contains("user=WS01$@CORP.EXAMPLE")));
    keeps_the_tickets(&report, &company.squid);
}

#[test]
fn a_keytab_that_cannot_serve_is_a_plain_error_before_anything_is_asked() {
    let Some(company) = Company::new() else { return };
    let keytab = company.kdc.keytab("WS01$");
    let nonsense = company.world.file("nonsense.keytab", "not a keytab");
    for (file, principal, words) in [
        (Path::new("/nonexistent/ws.keytab"), "WS01$", "could not read the keytab /nonexistent/ws.keytab"),
        (nonsense.as_path(), "WS01$", "is no keytab"),
        (keytab.as_path(), "WS02$", "has no key of WS02$; it has keys of WS01$@CORP.EXAMPLE"),
    ] {
        let check = company.check().arg("--device-keytab").arg(file).args(["--device-principal", principal]);
        let output = check.output(&[]);
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.code() == Some(2) && said.contains(words), "{:?} {said}", output.status);
    }
    assert_eq!(company.squid.requests(), Vec::<String>::new());
}

/// A row for each identity and scheme, each with what stops it or lets it through.
#[test]
fn several_schemes_at_once_have_a_row_each_for_everybody() {
    let Some(world) = World::new() else { return };
    let (ntlm, basic) = (samba(&world, "squid-2.5-ntlmssp"), basic(&world));
    let company = Company::within(world, &[("ntlm", ntlm), ("basic", basic)]);
    let keytab = company.kdc.keytab("WS01$");
    let password = company.password(PASSWORD);

    let list = ["--identity", "bypass,user,device", "--scheme", "negotiate,ntlm,basic", "--allow-basic-cleartext"];
    let check = company.check().by_password(NAME, &password).args(list).arg("--device-keytab").arg(&keytab);
    let report = check.args(["--device-principal", "WS01$"]).report();
    let route = |rest: &str| format!("{}|{rest}", company.url);
    report.expect(&route("bypass"), hosts::all(), "blocked", "pauth.required");
    for scheme in ["negotiate", "ntlm", "basic"] {
        report.expect(&route(&format!("user|{scheme}")), hosts::all(), "ok", "ok");
    }
    report.expect(&route("device|negotiate"), hosts::all(), "ok", "ok");
    for scheme in ["ntlm", "basic"] {
        report.expect(&route(&format!("device|{scheme}")), hosts::all(), "not-tested", "x.not_tested");
    }
    for (who, mechanism) in [("user", "kerberos"), ("device", "kerberos")] {
        assert_eq!(report.row("login.live.com", &route(&format!("{who}|negotiate")))["route"]["mechanism"], mechanism);
    }
    keeps_the_tickets(&report, &company.squid);
}

/// No ticket can be had for this proxy, and a password can: inside Negotiate it is NTLM's turn, and then that of the next
/// scheme.
#[test]
fn without_a_service_to_ask_for_the_password_goes_on_by_the_next_scheme() {
    for next in ["ntlm", "basic"] {
        let Some(world) = World::new() else { return };
        let helper = if next == "ntlm" { samba(&world, "squid-2.5-ntlmssp") } else { basic(&world) };
        let mut company = Company::within(world, &[(next, helper)]);
        company.hosts = company.hosts.replace(PROXY, "gate.corp.example");
        let password = company.password(PASSWORD);

        let url = "http://gate.corp.example:3128";
        let check = company.check_through(url).by_password(NAME, &password);
        let report = check.args(["--identity", "user", "--allow-basic-cleartext"]).report();
        let user = format!("{url}|user|{next}");
        report.expect(&user, hosts::all(), "ok", "ok");
        let passed = report.rows().iter().map(|row| row["evidence"].to_string());
        let facts =
            ["negotiate by kerberos was passed over: no ticket: anna@CORP.EXAMPLE to HTTP/gate", "negotiate by ntlm"];
        for evidence in passed {
            assert!(facts.iter().all(|fact| evidence.contains(fact)), "{evidence}");
        }
    }
}

/// No token that reached the proxy stands in what was printed.
fn keeps_the_tickets(report: &Report, squid: &Squid) {
    assert!(!report.printed.contains(PASSWORD), "the password was printed");
    let sent = squid.credentials();
    assert!(!sent.is_empty(), "no ticket reached the proxy");
    for token in sent.iter().filter_map(|line| line.split("sent=Negotiate ").nth(1)) {
        assert!(!report.printed.contains(&token[..60]), "a token was printed");
    }
}
