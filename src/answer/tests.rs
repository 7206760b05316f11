//! The answer in tables: what was asked and seen, and what a run says.

use super::{Scope, conclude};
use crate::catalogue::{Catalogue, ImpactRow, OsSelection, Solution};
use crate::judge::{Cause, Status, Verdict};
use crate::observation::Stage;
use crate::plan::{
    AccountSettings, Budget, DeviceSettings, EndpointWays, Identity, Path, Plan, PlannedRoute, Scheme, SchemeChoice,
    UserLogin, Way,
};

/// What one route says of every endpoint.
#[derive(Debug, Clone, Copy)]
enum Says {
    Open,
    Blocked,
    Intercepted,
    Unclear,
    Untested,
}

use Says::{Blocked, Intercepted, Open, Unclear, Untested};

fn through(proxy: &str, identity: Identity) -> PlannedRoute {
    PlannedRoute::Proxy { proxy: proxy.parse().expect("a proxy"), identity, scheme: SchemeChoice::Auto }
}

const P: &str = "http://p.example:8080";
const Q: &str = "http://q.example:8080";

fn plan(catalogue: &Catalogue, os: &[&str], routes: &[PlannedRoute]) -> Plan {
    let os = OsSelection::read(os, None).expect("versions");
    let paths = routes.iter().cloned().map(Path::for_all).collect();
    Plan::along(catalogue, paths, Budget::default(), os, Solution::ALL.to_vec())
}

fn verdicts(plan: &Plan, says: &[Says]) -> Vec<Verdict> {
    let verdict = |job: &crate::plan::Job| {
        let (cause, status) = match says[job.route] {
            Open => (Cause::Ok, Status::Ok),
            Blocked => (Cause::ProxyDenied403, Status::Blocked),
            Intercepted => (Cause::InterceptedTrusted, Status::Intercepted),
            Unclear => (Cause::ChainIncomplete, Status::Inconclusive),
            Untested => (Cause::Budget, Status::NotTested),
        };
        let scheme = plan.route(job).identity().map(|identity| match identity {
            Identity::Bypass => Scheme::None,
            Identity::User | Identity::Device => Scheme::Ntlm,
        });
        Verdict { status, scheme, ..Verdict::new(job.id, cause, Stage::Http) }
    };
    plan.jobs.iter().map(verdict).collect()
}

/// The status of the answer; `also` are the rows without a login tested beside a credential.
fn status(os: &[&str], also: bool, routes: &[(PlannedRoute, Says)]) -> Status {
    let catalogue = Catalogue::embedded();
    let (routes, says): (Vec<_>, Vec<_>) = routes.iter().cloned().unzip();
    let mut plan = plan(&catalogue, os, &routes);
    plan.no_login_is_extra = also;
    conclude(&catalogue, &plan, &verdicts(&plan, &says), Vec::new()).0.status
}

#[test]
fn about_routes_each_proxy_needs_one_login_and_each_route_counts() {
    let (none, user, device) = (through(P, Identity::Bypass), through(P, Identity::User), through(P, Identity::Device));
    let other = through(Q, Identity::Bypass);
    for (also, routes, expected) in [
        (false, vec![(PlannedRoute::Direct, Open)], Status::Ok),
        (false, vec![(PlannedRoute::Direct, Untested)], Status::NotTested),
        (false, vec![(PlannedRoute::Direct, Open), (none.clone(), Blocked)], Status::Blocked),
        (false, vec![(PlannedRoute::Direct, Open), (none.clone(), Intercepted)], Status::Intercepted),
        (false, vec![(none.clone(), Blocked), (device.clone(), Open)], Status::Ok),
        (false, vec![(user.clone(), Open), (device.clone(), Open)], Status::Ok),
        // Not every version sends a user's login.
        (false, vec![(none.clone(), Blocked), (user.clone(), Open)], Status::Degraded),
        (true, vec![(none.clone(), Blocked), (user.clone(), Blocked)], Status::Blocked),
        // Beside a login that could still open it, the refused one decides nothing.
        (false, vec![(none.clone(), Blocked), (user.clone(), Unclear)], Status::Inconclusive),
        (true, vec![(none.clone(), Unclear), (user.clone(), Blocked)], Status::Blocked),
        (false, vec![(none.clone(), Open), (other.clone(), Unclear)], Status::Inconclusive),
        (false, vec![(none.clone(), Open), (other, Blocked)], Status::Blocked),
    ] {
        assert_eq!(status(&[], also, &routes), expected, "{also} {routes:?}");
    }
}

#[test]
fn about_devices_one_way_is_enough_with_a_login_that_the_version_sends() {
    let (none, user, device) = (through(P, Identity::Bypass), through(P, Identity::User), through(P, Identity::Device));
    for (os, routes, expected) in [
        ("win10-1809", vec![(PlannedRoute::Direct, Blocked), (none.clone(), Open)], Status::Ok),
        ("win10-1809", vec![(PlannedRoute::Direct, Blocked), (user.clone(), Open)], Status::Ok),
        ("win10-1607", vec![(PlannedRoute::Direct, Blocked), (user.clone(), Open)], Status::Blocked),
        ("win7-sp1", vec![(user.clone(), Open)], Status::Blocked),
        ("win10-1607", vec![(user.clone(), Open), (device, Open)], Status::Ok),
        ("win10-1607", vec![(user, Open), (none.clone(), Unclear)], Status::Inconclusive),
        ("win10-1809", vec![(PlannedRoute::Direct, Intercepted), (none, Untested)], Status::NotTested),
    ] {
        assert_eq!(status(&[os], false, &routes), expected, "{os} {routes:?}");
    }
}

/// SYSTEM goes through P and the user through Q; only the one that sends counts.
#[test]
fn with_a_devices_own_settings_systems_way_decides() {
    let catalogue = Catalogue::embedded();
    let routes = [through(P, Identity::Bypass), through(Q, Identity::Bypass)];
    for (says, expected) in
        [([Blocked, Open], Status::Blocked), ([Open, Blocked], Status::Ok), ([Unclear, Open], Status::Inconclusive)]
    {
        let mut plan = plan(&catalogue, &["win10-1809"], &routes);
        let account = |account: &str, proxy: &str| AccountSettings {
            account: account.to_owned(),
            endpoints: (0..catalogue.endpoints.len())
                .map(|endpoint| EndpointWays { endpoint, ways: vec![Way::Through(proxy.parse().expect("a proxy"))] })
                .collect(),
            scripts: Vec::new(),
            unknown: Vec::new(),
            is_guess: false,
            detects: false,
        };
        plan.settings = Some(DeviceSettings {
            name: "device.reg".to_owned(),
            accounts: vec![account("SYSTEM", P), account("user", Q)],
            remarks: Vec::new(),
            telemetry: Vec::new(),
            user_login: UserLogin::Usable,
            is_script_service_off: false,
        });
        let (answer, _) = conclude(&catalogue, &plan, &verdicts(&plan, &says), Vec::new());
        assert_eq!((answer.scope, answer.status), (Scope::OwnSettings, expected), "{says:?}");
        let needed: Vec<usize> = plan
            .jobs
            .iter()
            .filter(|job| answer.roles[job.id.0 as usize] == super::Role::Needed)
            .map(|job| job.route)
            .collect();
        assert!(!needed.is_empty() && needed.iter().all(|route| *route == 0), "only SYSTEM's rows decide: {needed:?}");
    }
}

/// `PROXY p; DIRECT`, the commonest script. A device goes directly only when nothing answers at the proxy; a proxy that denies
/// is an answer.
#[test]
fn of_a_scripts_ways_only_the_one_that_devices_take_counts() {
    let catalogue = Catalogue::embedded();
    let routes = [PlannedRoute::Direct, through(P, Identity::Bypass)];
    for (direct, proxy, cause, expected) in [
        (Blocked, Open, Cause::Ok, Status::Ok),
        (Open, Blocked, Cause::ProxyTcpRefused, Status::Ok),
        (Open, Blocked, Cause::ProxyDenied403, Status::Blocked),
        (Intercepted, Open, Cause::Ok, Status::Ok),
        (Untested, Unclear, Cause::ChainIncomplete, Status::Inconclusive),
    ] {
        let mut plan = plan(&catalogue, &["win10-1809"], &routes);
        let directions = serde_json::json!({
            "script": { "name": "proxy.pac", "text": "", "function": "FindProxyForURL", "at": "", "own_addresses": [],
                        "lookups": [], "chance": false },
            "endpoints": (0..catalogue.endpoints.len()).map(|endpoint| serde_json::json!({
                "endpoint": endpoint, "said": { "answer": "PROXY p.example:8080; DIRECT" }, "ways": [P, "direct"],
                "remarks": [] })).collect::<Vec<_>>(),
        });
        plan.directions = Some(serde_json::from_value(directions).expect("directions"));
        let mut verdicts = verdicts(&plan, &[direct, proxy]);
        for verdict in verdicts.iter_mut().filter(|verdict| plan.jobs[verdict.job.0 as usize].route == 1) {
            verdict.cause = cause.clone();
        }
        let closed: Vec<_> = verdicts.iter().filter(|verdict| verdict.status.is_closed()).collect();
        let finding = crate::judge::Finding {
            code: closed.first().map_or_else(String::new, |verdict| verdict.cause.code()),
            title: String::new(),
            owner: crate::judge::Owner::FirewallTeam,
            remedy: "open it".to_owned(),
            jobs: closed.iter().map(|verdict| verdict.job).collect(),
        };
        let (answer, findings) = conclude(&catalogue, &plan, &verdicts, vec![finding]);
        assert_eq!(answer.status, expected, "{direct:?} {cause:?}");
        let asks_somebody = findings[0].owner != crate::judge::Owner::Nobody;
        assert_eq!(asks_somebody, !expected.is_open(), "{direct:?} {cause:?}: {:?}", findings[0]);
    }
}

/// What decides SYSTEM's way cannot be read: that its rows get through proves nothing, and that they do not is enough.
#[test]
fn where_systems_way_is_a_guess_nothing_is_called_clean() {
    let catalogue = Catalogue::embedded();
    for (says, expected) in [(Open, Status::Inconclusive), (Blocked, Status::Blocked)] {
        let mut plan = plan(&catalogue, &["win10-1809"], &[PlannedRoute::Direct]);
        let ways = |endpoint| EndpointWays { endpoint, ways: vec![Way::Direct] };
        plan.settings = Some(DeviceSettings {
            name: "device.reg".to_owned(),
            accounts: vec![AccountSettings {
                account: "SYSTEM".to_owned(),
                endpoints: (0..catalogue.endpoints.len()).map(ways).collect(),
                scripts: Vec::new(),
                unknown: vec!["WinHTTP (netsh winhttp)".to_owned()],
                is_guess: true,
                detects: false,
            }],
            remarks: Vec::new(),
            telemetry: Vec::new(),
            user_login: UserLogin::Usable,
            is_script_service_off: false,
        });
        let (answer, _) = conclude(&catalogue, &plan, &verdicts(&plan, &[says]), Vec::new());
        assert_eq!(answer.status, expected, "{says:?}");
        assert_eq!(answer.not_known, ["WinHTTP (netsh winhttp)"]);
    }
}

#[test]
fn a_login_that_the_devices_own_policy_switches_off_opens_nothing() {
    let catalogue = Catalogue::embedded();
    for (login, expected) in [
        (UserLogin::Usable, Status::Ok),
        (UserLogin::NobodySignedIn, Status::Degraded),
        (UserLogin::SwitchedOff, Status::Blocked),
    ] {
        let mut plan = plan(&catalogue, &["win10-1809"], &[through(P, Identity::User)]);
        plan.user_login = Some(login);
        let (answer, findings) = conclude(&catalogue, &plan, &verdicts(&plan, &[Open]), Vec::new());
        assert_eq!(answer.status, expected, "{login:?}");
        let codes: Vec<&str> = findings.iter().map(|finding| finding.code.as_str()).collect();
        let said = if login == UserLogin::SwitchedOff { vec!["conf.user_auth_disabled"] } else { Vec::new() };
        assert_eq!(codes, said, "{login:?}");
    }
}

#[test]
fn a_route_serves_the_versions_that_have_its_login() {
    let catalogue = Catalogue::embedded();
    let plan = plan(&catalogue, &[], &[through(P, Identity::User)]);
    let (answer, _) = conclude(&catalogue, &plan, &verdicts(&plan, &[Open]), Vec::new());
    let [route] = answer.routes.as_slice() else { panic!("{:?}", answer.routes) };
    assert_eq!((route.status, route.works_as), (Status::Degraded, Some(Identity::User)));
    assert!(route.os.contains(&ImpactRow::Win10To1709) && !route.os.contains(&ImpactRow::Win7To81), "{:?}", route.os);
}
