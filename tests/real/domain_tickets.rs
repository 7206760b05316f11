//! People and machines of a real domain before Squid, by tickets of the domain's own directory.

use crate::call::Call;
use crate::domain::Domain;
use crate::domain_accounts::{MACHINE_PASSWORD, PASSWORD, THRESHOLD};
use crate::hosts;
use crate::nginx::Nginx;
use crate::squid::{Policy, Squid};
use crate::waprobe::{Check, Report};
use crate::world::World;

const PROXY: &str = "proxy.corp.example";
const SERVICE: &str = "HTTP/proxy.corp.example";
/// Of whom the proxy's service is.
const ACCOUNT: &str = "squid-service";

/// A company that signs in to Samba, with a proxy that takes nothing but its tickets.
struct Company<'a> {
    world: &'a World,
    servers: &'a Nginx,
    domain: &'a Domain,
    squid: Squid,
}

/// What tickets of the domain of [`crate::domain_accounts`] get from a proxy, in one story because a domain takes its
/// time to be made.
pub fn tell(world: &World, domain: &Domain, servers: &Nginx) {
    domain.person(ACCOUNT, PASSWORD);
    domain.tool(&["spn", "add", SERVICE, ACCOUNT]);
    let keytab = domain.keytab(SERVICE);
    let squid = world.proxy("tickets", servers, &Policy::Schemes(&[("negotiate", domain.negotiate_helper(&keytab))]));
    let company = Company { world, servers, domain, squid };
    company.people_and_machines_are_let_in();
    company.a_machine_is_let_in_by_its_password();
    company.the_directory_says_what_is_wrong_with_an_account();
    company.a_wrong_password_is_one_try();
    company.clocks_that_differ_are_named();
    company.a_service_of_two_accounts_is_none();
    company.a_service_that_moved_to_another_account_leaves_the_proxy_without_its_key();
    company.a_service_that_nobody_has_is_named();
}

impl Company<'_> {
    fn check(&self) -> Call {
        let check = Check::new(self.world).direct_to(self.servers).args(["--no-direct", "--proxy", &url()]);
        let address = self.squid.url.trim_start_matches("http://").trim_end_matches(":3128");
        let hosts = self.world.file("hosts", &format!("{address} {PROXY}\n"));
        Call::new(check, hosts, &self.domain.kerberos())
    }

    fn by_password(&self, name: &str, password: &str) -> Report {
        let file = self.world.file("password", &format!("{password}\n"));
        let report = self.check().by_password(name, &file).args(["--identity", "user"]).report();
        assert!(!report.printed.contains(password), "the password was printed");
        report
    }

    fn with_ticket_of_anna(&self) -> Report {
        let cache = self.domain.ticket("anna", PASSWORD);
        self.check().signed_in(&cache).args(["--identity", "user"]).report()
    }

    fn people_and_machines_are_let_in(&self) {
        let cache = self.domain.ticket("anna", PASSWORD);
        let keytab = self.domain.keytab("WS01$");
        let check = self.check().signed_in(&cache).arg("--device-keytab").arg(&keytab);
        let report = check.args(["--device-principal", "WS01$"]).report();
        report.expect(&route("bypass"), hosts::all(), "blocked", "pauth.required");
        for (identity, principal) in [("user", "anna@CORP.EXAMPLE"), ("device", "WS01$@CORP.EXAMPLE")] {
            let route = route(&format!("{identity}|negotiate"));
            report.expect(&route, hosts::all(), "ok", "ok");
            assert_eq!(report.row("login.live.com", &route)["route"]["mechanism"], "kerberos");
            let evidence = report.evidence("login.live.com", &route);
            assert!(evidence.contains(&format!("ticket of {principal} for {SERVICE}")), "{evidence}");
            let seen = self.squid.requests().iter().any(|request| request.contains(&format!("user={principal}")));
            assert!(seen, "{principal} is not whom the proxy saw: {:#?}", self.squid.requests());
        }
        for name in ["anna", "CORP\\anna", "anna@corp.example"] {
            self.by_password(name, PASSWORD).expect(&route("user|negotiate"), hosts::all(), "ok", "ok");
        }
    }

    fn a_machine_is_let_in_by_its_password(&self) {
        let file = self.world.file("machine", &format!("{MACHINE_PASSWORD}\n"));
        let check = self.check().args(["--identity", "device", "--device-user", "WS01$", "--device-password-file"]);
        let report = check.arg(&file).report();
        report.expect(&route("device|negotiate"), hosts::all(), "ok", "ok");
        assert!(!report.printed.contains(MACHINE_PASSWORD), "the machine's password was printed");
    }

    /// berta is disabled, carl has expired, dora is locked: by Kerberos a domain says no more than that they are revoked. A
    /// new password is expected of emil.
    fn the_directory_says_what_is_wrong_with_an_account(&self) {
        self.domain.person("emil", PASSWORD);
        self.domain.tool(&[
            "user",
            "setpassword",
            "emil",
            &format!("--newpassword={PASSWORD}"),
            "--must-change-at-next-login",
        ]);
        for (name, code) in [
            ("berta", "pauth.disabled"),
            ("carl", "pauth.disabled"),
            ("dora", "pauth.disabled"),
            ("emil", "pauth.expired"),
            ("nobody", "pauth.rejected"),
        ] {
            let report = self.by_password(name, PASSWORD);
            report.expect(&route("user|negotiate"), hosts::all(), "blocked", code);
            let summary = report.row("login.live.com", &route("user|negotiate"))["summary"].to_string();
            assert!(summary.contains(name), "{summary}");
        }
    }

    /// A check with a wrong password is one try, whatever it asks for: the account is open before the threshold.
    fn a_wrong_password_is_one_try(&self) {
        self.domain.person("frida", PASSWORD);
        let before = self.squid.credentials().len();
        for _ in 1..THRESHOLD {
            let report = self.by_password("frida", "not-this-one");
            report.expect(&route("user|negotiate"), hosts::all(), "blocked", "pauth.rejected");
        }
        assert_eq!(self.squid.credentials().len(), before, "something reached the proxy");
        self.by_password("frida", PASSWORD).expect(&route("user|negotiate"), hosts::all(), "ok", "ok");
    }

    fn clocks_that_differ_are_named(&self) {
        let cache = self.domain.ticket("anna", PASSWORD);
        let later = self.world.clock("later", 900);
        let report = self.check().signed_in(&cache).preloaded(&later).args(["--identity", "user"]).report();
        report.expect(&route("user|negotiate"), hosts::all(), "blocked", "pauth.krb_skew");
    }

    /// Its tools refuse that, so that it has to be done behind their back; what it says then is what it says of none.
    fn a_service_of_two_accounts_is_none(&self) {
        self.domain.person("other-service", "Another-staple-6026");
        let change = |what: &str| {
            self.domain.modify(&format!(
                "dn: CN=other-service,CN=Users,DC=corp,DC=example\nchangetype: modify\n{what}: servicePrincipalName\n\
                 servicePrincipalName: {SERVICE}\n"
            ));
        };
        change("add");
        let report = self.with_ticket_of_anna();
        report.expect(&route("user|negotiate"), hosts::all(), "blocked", "pauth.krb_spn_unknown");
        let remedy = report.finding("pauth.krb_spn_unknown").expect("a finding")["remedy"].to_string();
        assert!(remedy.contains("setspn -X"), "{remedy}");
        change("delete");
    }

    fn a_service_that_moved_to_another_account_leaves_the_proxy_without_its_key(&self) {
        self.domain.tool(&["spn", "delete", SERVICE, ACCOUNT]);
        self.domain.tool(&["spn", "add", SERVICE, "other-service"]);
        let report = self.with_ticket_of_anna();
        report.expect(&route("user|negotiate"), hosts::all(), "blocked", "pauth.rejected");
        let summary = report.row("login.live.com", &route("user|negotiate"))["summary"].to_string();
        assert!(summary.contains("the proxy refuses the ticket"), "{summary}");
        self.domain.tool(&["spn", "delete", SERVICE, "other-service"]);
    }

    fn a_service_that_nobody_has_is_named(&self) {
        let report = self.with_ticket_of_anna();
        report.expect(&route("user|negotiate"), hosts::all(), "blocked", "pauth.krb_spn_unknown");
        let summary = report.row("login.live.com", &route("user|negotiate"))["summary"].to_string();
        assert!(summary.contains(SERVICE), "{summary}");
    }
}

fn url() -> String {
    format!("http://{PROXY}:3128")
}

fn route(rest: &str) -> String {
    format!("{}|{rest}", url())
}
