//! Squid knows people and machines by Kerberos, as MIT's KDC does.

use std::ffi::OsStr;
use std::net::{SocketAddr, TcpListener, UdpSocket};
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use crate::hosts;
use crate::kdc::Kdc;
use crate::nginx::Nginx;
use crate::squid::{Policy, Squid};
use crate::waprobe::{Check, Report};
use crate::world::{World, free_address};

const PROXY: &str = "proxy.corp.example";
const NAME: &str = "anna";
const PASSWORD: &str = "correct-horse-7493";

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
        Self::with(&[])
    }

    /// Whose proxy offers `more` schemes behind Negotiate.
    fn with(more: &[(&'static str, String)]) -> Option<Self> {
        let world = World::new()?;
        let servers = world.genuine_servers();
        let kdc = Kdc::start(world.folder(), free_address());
        kdc.person(NAME, PASSWORD);
        let keytab = kdc.keytab(&format!("HTTP/{PROXY}"));
        let schemes: Vec<(&str, String)> =
            [("negotiate", kdc.helper(&keytab))].into_iter().chain(more.iter().cloned()).collect();
        let squid = world.proxy("squid", &servers, &Policy::Schemes(&schemes));
        let address = squid.url.strip_prefix("http://").and_then(|rest| rest.split(':').next()).expect("an address");
        let hosts = format!("{address} {PROXY}\n");
        Some(Self { url: format!("http://{PROXY}:3128"), hosts, world, servers, kdc, squid })
    }

    /// A check through the proxy by its name, with nobody signed in.
    fn check(&self) -> Call {
        self.check_through(&self.url)
    }

    fn check_through(&self, url: &str) -> Call {
        let check = Check::new(&self.world).direct_to(&self.servers).args(["--no-direct", "--proxy", url]);
        let hosts = self.world.file("hosts", &self.hosts);
        Call { check, hosts, configuration: self.kdc.configuration.clone(), cache: None }
    }

    fn password(&self, password: &str) -> std::path::PathBuf {
        self.world.file("password", &format!("{password}\n"))
    }
}

/// A check in a machine that knows the proxy's name, and whose Kerberos is configured.
struct Call {
    check: Check,
    hosts: std::path::PathBuf,
    configuration: std::path::PathBuf,
    cache: Option<std::path::PathBuf>,
}

impl Call {
    fn args<const N: usize>(mut self, arguments: [&str; N]) -> Self {
        self.check = self.check.args(arguments);
        self
    }

    fn arg(mut self, argument: impl AsRef<OsStr>) -> Self {
        self.check = self.check.arg(argument);
        self
    }

    fn signed_in(mut self, cache: &Path) -> Self {
        self.cache = Some(cache.to_owned());
        self
    }

    fn by_password(self, name: &str, password: &Path) -> Self {
        self.args(["--proxy-user", name, "--proxy-password-file"]).arg(password)
    }

    fn configured(mut self, configuration: &Path) -> Self {
        configuration.clone_into(&mut self.configuration);
        self
    }

    fn report(self) -> Report {
        let output = self.output(&["--format", "json"]);
        Report::read(&output)
    }

    /// The program looks names up by the system, so that the system has to know them: in a mount namespace of its own.
    fn output(self, more: &[&str]) -> std::process::Output {
        let check = self.check.args::<0>([]).command();
        let is_root = crate::authorities::run(Command::new("id").arg("-u")).trim() == "0";
        let mut command = Command::new("unshare");
        command.args(if is_root { &["--mount"][..] } else { &["--map-root-user", "--mount"] });
        command.args(["sh", "-c", "mount --bind \"$0\" /etc/hosts && exec \"$@\""]).arg(&self.hosts);
        command.arg(check.get_program()).args(check.get_args()).args(more);
        for (key, value) in check.get_envs() {
            match value {
                Some(value) => command.env(key, value),
                None => command.env_remove(key),
            };
        }
        command.env("KRB5_CONFIG", &self.configuration);
        match &self.cache {
            Some(cache) => command.env("KRB5CCNAME", cache),
            None => command.env_remove("KRB5CCNAME"),
        };
        command.output().expect("waprobe starts")
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
        ("carl", "pauth.account_disabled", "revoked"),
        ("dora", "pauth.account_expired", "expired"),
        ("emil", "pauth.account_expired", "assword has expired"),
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
fn without_a_ticket_nothing_was_tested_and_an_expired_one_is_none() {
    let Some(company) = Company::new() else { return };
    let user = format!("{}|user|negotiate", company.url);
    let report = company.check().args(["--identity", "user"]).report();
    report.expect(&user, hosts::all(), "not-tested", "pauth.krb_no_ticket");

    let cache = company.kdc.ticket(NAME, PASSWORD, &["-l", "1s"]);
    std::thread::sleep(Duration::from_millis(2100));
    let report = company.check().signed_in(&cache).args(["--identity", "user"]).report();
    report.expect(&user, hosts::all(), "not-tested", "pauth.krb_no_ticket");
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

/// No token that reached the proxy stands in what was printed.
fn keeps_the_tickets(report: &Report, squid: &Squid) {
    assert!(!report.printed.contains(PASSWORD), "the password was printed");
    let sent = squid.credentials();
    assert!(!sent.is_empty(), "no ticket reached the proxy");
    for token in sent.iter().filter_map(|line| line.split("sent=Negotiate ").nth(1)) {
        assert!(!report.printed.contains(&token[..60]), "a token was printed");
    }
}
