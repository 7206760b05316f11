//! Tickets by SSPI through Squid, given by MIT's KDC, with what the Linux program says in the same world.
//!
//! Wine hands Kerberos to Linux' own library, and of all that this refuses it tells the program one number. So a ticket that is
//! there is judged as on Linux; where there is none to be had, Wine cannot say why, and the row may then say no more than that.

use std::path::{Path, PathBuf};
use std::process::Output;

use serde_json::Value;

use super::authentication::same_verdicts;
use super::wine::{Wine, everything};
use crate::accounts::{NAME, PASSWORD};
use crate::call::Call;
use crate::kdc::Kdc;
use crate::nginx::Nginx;
use crate::squid::{Policy, Squid};
use crate::waprobe::Check;
use crate::world::{World, free_address};

const PROXY: &str = "proxy.corp.example";
/// A name of the same proxy that no account has as a service.
const UNKNOWN: &str = "gate.corp.example";
const FEWER_HOSTS: [&str; 7] =
    ["--no-direct", "--identity", "user", "--os", "win10-1803", "--solution", "update-compliance"];

/// What is asked of which program.
struct Question<'a> {
    url: &'a str,
    ticket: Option<&'a Path>,
    configuration: &'a Path,
    login: Option<(&'a str, &'a Path)>,
}

#[test]
fn a_ticket_lets_its_owner_through_as_on_linux() {
    let Some(company) = Company::new() else { return };
    let ticket = company.kdc.ticket(NAME, PASSWORD, &[]);
    let question = company.question(&company.by_name, Some(&ticket));
    let said = same_verdicts("a ticket", &company.linux(&question), &company.windows(&question));
    assert!(said.contains("ok ok"), "{said:#?}");
    let by_ticket = said.iter().any(|line| line.ends_with("by \"kerberos\""));
    assert!(by_ticket, "{said:#?}");
    let (linux, windows) = company.people();
    assert!(linux == windows && windows == [format!("{NAME}@CORP.EXAMPLE")], "{:#?}", company.squid.requests());

    let question = company.question(&company.squid.url, Some(&ticket));
    for output in [company.linux(&question), company.windows(&question)] {
        assert_eq!(codes(&output), ["pauth.krb_ip_literal"], "{}", everything(&output));
    }
}

/// Who has none tries NTLM on Windows, which this proxy does not take; that is still not the proxy's mistake. On Linux there is
/// nothing to try.
#[test]
fn who_has_no_ticket_is_told_so_and_the_proxy_is_not_accused() {
    let Some(company) = Company::new() else { return };
    let question = company.question(&company.by_name, None);
    let output = company.windows(&question);
    assert_eq!(codes(&output), ["pauth.krb_no_ticket"], "{}", everything(&output));
    let output = company.linux(&question);
    assert!(everything(&output).contains("--identity user: there is no user's login"), "{}", everything(&output));
}

/// On Linux, and under Wine with the number that Wine gives for it. Where the program on Windows itself gets a number of its
/// own for each, these are tested with its table of numbers.
#[test]
fn what_wine_does_not_say_is_called_unknown_and_nobodys_fault() {
    let Some(company) = Company::new() else { return };
    let ticket = company.kdc.ticket(NAME, PASSWORD, &[]);
    let nowhere = company.kdc.looked_for_at((free_address(), 88).into());
    let unknown = format!("http://{UNKNOWN}:3128");
    let password = company.world.file("password", &format!("{PASSWORD}\n"));
    let by_name = company.by_name.as_str();
    for (question, on_linux, number) in [
        (company.question(&unknown, Some(&ticket)), "pauth.krb_spn_unknown", "0x80090304"),
        (
            Question { configuration: &nowhere, ..company.question(by_name, Some(&ticket)) },
            "pauth.krb_kdc_unreachable",
            "0x80090304",
        ),
        (Question { login: Some((NAME, &password)), ..company.question(by_name, None) }, "ok", "0xc0000001"),
    ] {
        let (linux, windows) = (company.linux(&question), company.windows(&question));
        assert_eq!(codes(&linux), [on_linux], "{}", everything(&linux));
        assert_eq!(codes(&windows), ["x.inconclusive"], "{}", everything(&windows));
        assert!(everything(&windows).contains(number), "{number}: {}", everything(&windows));
    }
}

/// A directory, a proxy that takes its tickets alone, and a Windows.
struct Company {
    wine: Wine,
    kdc: Kdc,
    squid: Squid,
    by_name: String,
    hosts: PathBuf,
    servers: Nginx,
    world: World,
}

impl Company {
    fn new() -> Option<Self> {
        let wine = Wine::start()?;
        let world = World::new()?;
        let servers = world.genuine_servers();
        let kdc = Kdc::start(world.folder(), free_address());
        kdc.person(NAME, PASSWORD);
        let helper = kdc.helper(&kdc.keytab(&format!("HTTP/{PROXY}")));
        let squid = world.proxy("squid", &servers, &Policy::Schemes(&[("negotiate", helper)]));
        let address = squid.url.strip_prefix("http://").and_then(|rest| rest.split(':').next()).expect("an address");
        let hosts = world.file("hosts", &format!("{address} {PROXY} \n{address} {UNKNOWN}\n"));
        Some(Self { by_name: format!("http://{PROXY}:3128"), wine, kdc, squid, hosts, servers, world })
    }

    fn question<'a>(&'a self, url: &'a str, ticket: Option<&'a Path>) -> Question<'a> {
        Question { url, ticket, configuration: &self.kdc.configuration, login: None }
    }

    fn linux(&self, question: &Question<'_>) -> Output {
        self.ask(question, Check::new(&self.world))
    }

    fn windows(&self, question: &Question<'_>) -> Output {
        self.ask(question, Check::new(&self.world).by(self.wine.waprobe()))
    }

    fn ask(&self, question: &Question<'_>, check: Check) -> Output {
        let check = check.direct_to(&self.servers).args(FEWER_HOSTS).args(["--proxy", question.url]);
        let mut call = Call::new(check, self.hosts.clone(), question.configuration);
        if let Some(ticket) = question.ticket {
            call = call.signed_in(ticket);
        }
        if let Some((name, password)) = question.login {
            call = call.by_password(name, password);
        }
        let output = call.output(&["--format", "json"]);
        assert!(!everything(&output).contains(PASSWORD), "the password was printed");
        output
    }

    /// Whom the proxy let in, in the first half of its requests and in the second.
    fn people(&self) -> (Vec<String>, Vec<String>) {
        let requests = self.squid.requests();
        let users: Vec<String> = requests
            .iter()
            .filter(|request| !request.ends_with("sent=-"))
            .filter_map(|request| request.split("user=").nth(1)?.split(' ').next().map(str::to_owned))
            .collect();
        let (linux, windows) = users.split_at(users.len() / 2);
        let distinct = |users: &[String]| {
            let mut users = users.to_vec();
            users.dedup();
            users
        };
        (distinct(linux), distinct(windows))
    }
}

/// The codes of all rows, each once.
fn codes(output: &Output) -> Vec<String> {
    let report: Value = serde_json::from_slice(&output.stdout).unwrap_or_default();
    let rows = report["rows"].as_array().cloned().unwrap_or_default();
    let mut codes: Vec<String> = rows.iter().filter_map(|row| row["code"].as_str()).map(str::to_owned).collect();
    codes.sort();
    codes.dedup();
    codes
}
