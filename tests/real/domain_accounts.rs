//! People and machines of a real domain before Squid, by NTLM and then by tickets.

use crate::domain::Domain;
use crate::domain_tickets;
use crate::hosts;
use crate::nginx::Nginx;
use crate::squid::{Policy, Squid};
use crate::waprobe::{Check, Report};
use crate::world::{World, free_address};

pub const PASSWORD: &str = "Correct-horse-7493";
pub const MACHINE_PASSWORD: &str = "Machine-battery-5128";
/// Wrong passwords after which the domain locks an account.
pub const THRESHOLD: usize = 3;

/// One domain for all of it: it takes its time to be made.
#[test]
fn a_domain_says_who_gets_in_and_why_somebody_does_not() {
    let Some(world) = World::new() else { return };
    let Some(domain) = Domain::start(world.folder(), free_address()) else { return };
    domain.tool(&["domain", "passwordsettings", "set", &format!("--account-lockout-threshold={THRESHOLD}")]);
    for name in ["anna", "berta", "carl", "dora"] {
        domain.person(name, PASSWORD);
    }
    domain.tool(&["user", "disable", "berta"]);
    domain.tool(&["user", "setexpiry", "carl", "--days=0"]);
    domain.machine("WS01", MACHINE_PASSWORD);

    let servers = world.genuine_servers();
    let proxy = |name: &str, rule: &str| {
        let lines = [
            "http_port ADDRESS:3128".to_owned(),
            domain.pages(),
            format!("auth_param ntlm program {}", domain.helper("")),
            "auth_param ntlm children 20 startup=1".to_owned(),
            "acl known proxy_auth REQUIRED".to_owned(),
            "acl machine proxy_auth_regex -i \\$$".to_owned(),
            rule.to_owned(),
            "http_access allow known".to_owned(),
            "http_access deny all".to_owned(),
        ];
        world.proxy(name, &servers, &Policy::Lines(&lines))
    };
    let everybody = proxy("everybody", "");
    for name in ["anna", "CORP\\anna", "anna@corp.example"] {
        let report = as_user(&world, &servers, &everybody, name, PASSWORD);
        report.expect(&format!("{}|user|ntlm", everybody.url), hosts::all(), "ok", "ok");
    }
    for (name, code) in [("berta", "pauth.disabled"), ("carl", "pauth.expired")] {
        let report = as_user(&world, &servers, &everybody, name, PASSWORD);
        report.expect(&format!("{}|user|ntlm", everybody.url), hosts::all(), "blocked", code);
    }

    // A check with a wrong password is one try, whatever it asks for: the account is locked by the third.
    for _ in 0..THRESHOLD {
        let report = as_user(&world, &servers, &everybody, "dora", "not-this-one");
        report.expect(&format!("{}|user|ntlm", everybody.url), hosts::all(), "blocked", "pauth.rejected");
    }
    let report = as_user(&world, &servers, &everybody, "dora", PASSWORD);
    report.expect(&format!("{}|user|ntlm", everybody.url), hosts::all(), "blocked", "pauth.account_locked");

    // Both accounts, before a proxy for everybody and before one that knows no machines.
    let report = as_both(&world, &servers, &everybody);
    report.expect(&format!("{}|device|ntlm", everybody.url), hosts::all(), "ok", "ok");
    let people = proxy("people", "http_access deny machine all");
    let report = as_both(&world, &servers, &people);
    report.expect(&format!("{}|user|ntlm", people.url), hosts::all(), "ok", "ok");
    report.expect(&format!("{}|device|ntlm", people.url), hosts::all(), "blocked", "pauth.denied_after_auth");
    let finding = report.finding("pauth.user_ok_machine_denied").expect("the two accounts are compared");
    assert_eq!(finding["owner"], "nobody", "the user's login gets everything through");
    assert_eq!(report.json["approaches"][0]["recommended"], "user");
    domain_tickets::tell(&world, &domain, &servers);
}

fn as_user(world: &World, servers: &Nginx, squid: &Squid, name: &str, password: &str) -> Report {
    let file = world.file("password", &format!("{password}\n"));
    let check = Check::new(world).direct_to(servers).through(squid).args(["--no-direct", "--identity", "user"]);
    let report = check.args(["--proxy-user", name, "--proxy-password-file"]).arg(file).report();
    assert!(!report.printed.contains(password), "the password was printed");
    report
}

fn as_both(world: &World, servers: &Nginx, squid: &Squid) -> Report {
    let user = world.file("password", &format!("{PASSWORD}\n"));
    let machine = world.file("machine-password", &format!("{MACHINE_PASSWORD}\n"));
    let check = Check::new(world).direct_to(servers).through(squid).args(["--no-direct", "--identity", "user,device"]);
    let check = check.args(["--proxy-user", "anna", "--proxy-password-file"]).arg(user);
    let report = check.args(["--device-user", "WS01$", "--device-password-file"]).arg(machine).report();
    assert!(!report.printed.contains(PASSWORD) && !report.printed.contains(MACHINE_PASSWORD), "a password was printed");
    report
}
