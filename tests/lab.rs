//! Every scenario of the lab, checked like any network: the rows come out as the world was built.
//!
//! The lab knows nothing of the probe and the judge, so that what it says about its rows is a second opinion.

use std::collections::{BTreeMap, BTreeSet};
#[cfg(unix)]
use std::fs;
use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use waprobe::catalogue::{Catalogue, ImpactRow, OsSelection, Solution};
use waprobe::judge::{Cause, Comparison, Grounds, Owner, Status, findings, follow_ups, judge, to_ask_alone};
use waprobe::lab::{NOT_PRODUCIBLE, Scenario, ScriptPlace, World, scenarios};
use waprobe::net::FetchTerms;
use waprobe::observation::recording::{self, Header, MachineRootsNote, Roots, Writer};
use waprobe::observation::{Ended, Observation};
use waprobe::plan::{
    ClientProfile, DeviceSettings, Directions, Identity, Path, Plan, PlannedRoute, Proxy, SchemeChoice,
};
use waprobe::probe::{self, Access, Context, Login, Patience};
use waprobe::proxies::Overview;
use waprobe::proxies::pac::{self, Limits, Question, Script, evaluate};
use waprobe::proxies::settings::Target;
use waprobe::registry::Snapshot;
use waprobe::report::expectation::Expectation;
use waprobe::report::{ImpactStatus, Report, RunFacts, assemble, wording};

/// Scenarios that run at once: some of them wait for a deadline.
const AT_ONCE: usize = 4;

#[test]
fn every_scenario_comes_out_as_it_was_built_and_so_does_its_recording() {
    let queue = Mutex::new(scenarios().into_iter().filter(|scenario| !scenario.ends_early).collect::<Vec<_>>());
    let wrong = Mutex::new(Vec::new());
    std::thread::scope(|threads| {
        for _ in 0..AT_ONCE {
            threads.spawn(|| {
                loop {
                    let next = queue.lock().unwrap_or_else(PoisonError::into_inner).pop();
                    let Some(scenario) = next else { return };
                    let surprises = surprises(&scenario);
                    wrong.lock().unwrap_or_else(PoisonError::into_inner).extend(surprises);
                }
            });
        }
    });
    let wrong = wrong.into_inner().unwrap_or_else(PoisonError::into_inner);
    assert!(wrong.is_empty(), "{} surprises:\n{}", wrong.len(), wrong.join("\n"));
}

/// What the program reports of a scenario, asked for as people do.
fn told(scenario: &[&str]) -> Report {
    let run = std::process::Command::new(env!("CARGO_BIN_EXE_waprobe"))
        .arg("lab")
        .args(scenario)
        .args(["--format", "json"])
        .output()
        .expect("the program starts");
    serde_json::from_slice(&run.stdout).expect("a report")
}

#[test]
fn where_a_script_sends_one_needed_host_into_inspection_no_other_way_makes_the_device_well() {
    let report = told(&["script-into-inspection", "--os", "win10-1809"]);
    assert!(!report.impacts.is_empty());
    for impact in &report.impacts {
        assert_eq!(impact.status, ImpactStatus::Blocked, "{impact:?}");
        assert!(impact.endpoints.contains(&"v10c".to_owned()), "{impact:?}");
    }
    let headline = &report.answer.headline;
    let no = "No: diagnostic data of Windows 10 1809 does not get out where the script sends it";
    assert!(headline.starts_with(no), "{headline}");
    let change = wording::first_change(&report).expect("something to change");
    assert!(change.starts_with("First change, on inspecting.proxy.lab:8080"), "{change}");
    assert!(change.ends_with("(intercepted.trusted)."), "{change}");
}

#[test]
fn a_firewall_that_reads_tls_1_2_keeps_windows_10_out_and_lets_windows_11_through() {
    let report = told(&["older-windows"]);
    for impact in report.impacts.iter().filter(|impact| impact.status != ImpactStatus::NotApplicable) {
        let expected = match impact.os {
            ImpactRow::Win11AndLater => ImpactStatus::Ok,
            _ => ImpactStatus::Blocked,
        };
        assert_eq!(impact.status, expected, "{impact:?}");
    }
    let row = report.rows.iter().find(|row| row.endpoint == "v10c").expect("its row");
    let clients: Vec<(ClientProfile, Status, &str)> =
        row.clients.iter().map(|client| (client.profile, client.status, client.code.as_str())).collect();
    let expected =
        [(ClientProfile::Tls12, Status::Intercepted, "intercepted.trusted"), (ClientProfile::Tls13, Status::Ok, "ok")];
    assert_eq!(clients, expected);
    let finding = report.findings.iter().find(|finding| finding.code == "intercepted.trusted").expect("a finding");
    assert!(finding.title.ends_with("for Windows 10, Server 2019 and older (TLS 1.2) only"), "{}", finding.title);
}

#[test]
fn a_scenario_without_a_script_to_ask_ends_with_its_code_and_who_changes_what() {
    let early: Vec<Scenario> = scenarios().into_iter().filter(|scenario| scenario.ends_early).collect();
    assert!(early.len() > 5, "{early:?}");
    for scenario in early {
        let run = std::process::Command::new(env!("CARGO_BIN_EXE_waprobe"))
            .args(["lab", scenario.name])
            .output()
            .expect("the program starts");
        let said = String::from_utf8_lossy(&run.stderr);
        assert_eq!((run.status.code(), run.stdout.len()), (Some(2), 0), "{}: {said}", scenario.name);
        let [code] = scenario.codes else { panic!("{} ends with one code", scenario.name) };
        let first = said.lines().next().unwrap_or_default();
        assert!(first.ends_with(&format!("({code})")), "{}: {said}", scenario.name);
        assert!(said.contains("\nproxy team: "), "{}: {said}", scenario.name);
    }
}

#[test]
fn a_product_that_shows_itself_is_changed_by_those_who_run_it_and_in_its_own_terms() {
    let scenario = scenarios().into_iter().find(|scenario| scenario.name == "known-products").expect("the scenario");
    let world = scenario.start().expect("a world");
    let report = check(&world).report(&world.catalogue);
    for (product, code, owner, words) in [
        ("Fortinet FortiGate", "intercepted.trusted", Owner::FirewallTeam, "SSL/SSH inspection profile"),
        ("ESET", "intercepted.trusted", Owner::DesktopTeam, "in ESET on the devices"),
        ("Zscaler Internet Access", "intercepted.trusted", Owner::ProxyTeam, "Do Not Inspect"),
        ("Fiddler", "intercepted.trusted", Owner::Operator, "end Fiddler"),
        ("Squid", "proxy.denied_403", Owner::ProxyTeam, "before the line that denies"),
        ("Squid", "pauth.required", Owner::ProxyTeam, "before the line that asks for proxy_auth"),
        ("Kerio Control", "http.block_page", Owner::FirewallTeam, "allow exactly these host names"),
    ] {
        let finding = report
            .findings
            .iter()
            .find(|finding| finding.code == code && finding.product.as_deref() == Some(product))
            .unwrap_or_else(|| panic!("{product} {code} in {:#?}", report.findings));
        assert_eq!(finding.owner, owner, "{product}");
        assert!(finding.remedy.contains(words), "{product}: {}", finding.remedy);
        assert!(!finding.remedy.contains('*'), "{product}: {}", finding.remedy);
        // The note on consumer accounts goes with the host that it is about, and with no other.
        let is_about_account = finding.remedy.contains("login.live.com");
        let says_so = finding.notes.iter().any(|note| note.contains("Block Microsoft accounts"));
        assert_eq!(says_so, is_about_account && code != "pauth.required", "{product}: {:?}", finding.notes);
    }
}

#[test]
fn a_tunnel_that_ends_for_the_control_too_is_not_laid_on_the_hosts() {
    let scenario = scenarios().into_iter().find(|scenario| scenario.name == "dead-tunnels").expect("the scenario");
    let world = scenario.start().expect("a world");
    let report = check(&world).report(&world.catalogue);
    let finding = |proxy: &str| {
        let at = |title: &str| title.contains(&format!("//{proxy}.proxy.lab"));
        report.findings.iter().find(|finding| at(&finding.title)).unwrap_or_else(|| panic!("{:#?}", report.findings))
    };
    let (everybody, endpoints) = (&finding("everybody").remedy, &finding("endpoints").remedy);
    assert!(everybody.contains("ends every tunnel") && everybody.contains("msftconnecttest.com"), "{everybody}");
    assert!(!everybody.contains("v10c.events"), "{everybody}");
    assert!(endpoints.contains("on these hosts: v10c.events") && !endpoints.contains("alike"), "{endpoints}");
}

/// Rows that are not as the scenario says, and codes that it claims and does not produce or produces and does not claim.
fn surprises(scenario: &Scenario) -> Vec<String> {
    let world = scenario.start().unwrap_or_else(|mistake| panic!("{}: could not {mistake}", scenario.name));
    let run = check(&world);
    let report = run.report(&world.catalogue);
    let expectation = match Expectation::read(scenario.name, &world.expectation) {
        Ok(expectation) => expectation.of_lab(),
        Err(complaints) => return vec![format!("{}: {complaints}", scenario.name)],
    };
    let unexpected = match expectation.compare(&report) {
        Ok(unexpected) => unexpected,
        Err(complaints) => return vec![format!("{}: {complaints}", scenario.name)],
    };
    let mut surprises: Vec<String> = unexpected
        .iter()
        .filter_map(|surprise| {
            let row = report.rows.iter().find(|row| row.id == surprise.row)?;
            Some(format!(
                "{}: {} over {} is {} {} ({}), and should be {}\n    {}",
                scenario.name,
                row.endpoint,
                row.route.key,
                row.status,
                row.code,
                row.summary,
                surprise.expected,
                row.evidence.join("\n    ")
            ))
        })
        .collect();
    let rows = report.rows.iter().map(|row| row.code.as_str()).filter(|code| *code != "ok");
    // A remark leaves its rows ok, and stands in the findings alone.
    let is_remark = |code: &&str| Cause::from_code(code).is_some_and(|cause| cause.facts().status == Status::Ok);
    let remarks = report.findings.iter().map(|finding| finding.code.as_str()).filter(is_remark);
    let seen: BTreeSet<&str> = rows.chain(remarks).collect();
    let claimed: BTreeSet<&str> = scenario.codes.iter().copied().collect();
    if seen != claimed {
        surprises.push(format!("{}: claims {claimed:?} and produces {seen:?}", scenario.name));
    }
    let told: BTreeSet<&str> = report.findings.iter().map(|finding| finding.code.as_str()).collect();
    let untold: Vec<&&str> = scenario.findings.iter().filter(|code| !told.contains(**code)).collect();
    if !untold.is_empty() {
        surprises.push(format!("{}: no finding says {untold:?}, only {told:?}", scenario.name));
    }
    if told.contains("x.offline") && !scenario.findings.contains(&"x.offline") {
        surprises.push(format!("{}: is called offline", scenario.name));
    }
    let recorded = run.recorded();
    let catalogue = Catalogue::read(recorded.header.catalogue.clone()).expect("a catalogue that was read before");
    if recorded.report(&catalogue) != report {
        surprises.push(format!("{}: its recording is judged otherwise than itself", scenario.name));
    }
    surprises
}

/// The way of `waprobe lab NAME`, without the command line.
fn check(world: &World) -> Run {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let settings = world.settings.as_deref().map(|export| device_settings(world, export));
    let named = || settings.as_ref().and_then(|settings: &DeviceSettings| settings.scripts().first().copied());
    let in_a_file = |url: &&str| url.starts_with("file:");
    let url = match world.script {
        Some(ScriptPlace::At(url)) => Some(url.to_owned()),
        Some(ScriptPlace::ByWpad(domain)) => Some(found_by_wpad(world, domain, &runtime)),
        None => named().filter(|url| !in_a_file(url)).map(str::to_owned),
    };
    let directions = url.map(|url| ask_script(world, &url, &runtime));
    let through = |proxy: &Proxy| {
        vec![PlannedRoute::Proxy { proxy: proxy.clone(), identity: Identity::Bypass, scheme: SchemeChoice::Auto }]
    };
    let mut paths: Vec<Path> = world.routes.iter().cloned().map(Path::for_all).collect();
    paths.extend(directions.iter().flat_map(|directions| directions.paths(true, through)));
    paths.extend(settings.iter().flat_map(|settings| settings.paths(true, through)));
    let (os, solutions) = (OsSelection::all(), Solution::ALL.to_vec());
    let mut plan = Plan::along(&world.catalogue, paths, world.budget.clone(), os, solutions);
    plan.directions = directions;
    plan.settings = settings;
    plan.follow_ups = world.follow_ups.clone();
    let login = |known: &Option<(String, _)>| known.clone().map(|(name, password)| Login { name, password });
    let access = Access {
        user: login(&world.logins.user),
        device: login(&world.logins.device),
        device_keytab: None,
        basic_cleartext: world.logins.basic_cleartext,
    };
    let mut store = rustls::RootCertStore::empty();
    for root in &world.machine_roots {
        store.add(root.der().to_vec().into()).expect("the lab's roots can be read");
    }
    let note =
        MachineRootsNote { source: "the lab".into(), count: world.machine_roots.len(), ..MachineRootsNote::default() };
    let header = Header {
        schema: Header::schema(),
        tool: recording::Tool { name: "waprobe".into(), version: "0.0.0".into() },
        started: world.net.clock.now(),
        catalogue: world.catalogue.source.clone(),
        anchors: BTreeMap::new(),
        plan: plan.clone(),
        machine_roots: note.clone(),
        expectation: None,
        fail_on: None,
        ran_as: None,
    };
    let roots = Roots {
        machine: world.machine_roots.clone(),
        note,
        public: Some(world.public_roots.clone()),
        ..Roots::default()
    };
    let catalogue = Arc::new(world.catalogue.clone());
    let context = Arc::new(Context::new(catalogue.clone(), plan, world.net.clone(), access, Arc::new(store)));
    let mut observations = Vec::new();
    let ended = runtime.block_on(async {
        let nobody = std::future::pending;
        let ended = probe::run(&context, NonZeroUsize::MIN, nobody(), |seen| observations.push(seen)).await;
        let grounds = Grounds::new(&catalogue, &context.plan, &roots, header.started, ended);
        let patience = Patience { answers: context.plan.budget.follow_ups, run: context.plan.budget.total };
        if ended != Ended::Complete {
            let verdicts = judge(&grounds, &observations);
            let alone = to_ask_alone(&grounds, &verdicts, &observations);
            let asked = [alone, follow_ups(&grounds, &verdicts, &observations)].concat();
            observations.extend(probe::not_asked(&asked, ended));
            return ended;
        }
        for _ in 0..3 {
            let asked = to_ask_alone(&grounds, &judge(&grounds, &observations), &observations);
            probe::ask_alone(&context, asked, patience, nobody(), |seen| observations.push(seen)).await;
        }
        let asked = follow_ups(&grounds, &judge(&grounds, &observations), &observations);
        probe::follow_up(&context, asked, patience, nobody(), |seen| observations.push(seen)).await;
        ended
    });
    recording::in_plan_order(&mut observations);
    Run { header, roots, observations, ended }
}

/// Where the settings of the world's device send every endpoint.
fn device_settings(world: &World, export: &str) -> DeviceSettings {
    let snapshot = Snapshot::read(export.as_bytes()).expect("an export that can be read");
    let endpoints = &world.catalogue.endpoints;
    let targets: Vec<Target> = endpoints
        .iter()
        .map(|endpoint| {
            let scheme = if endpoint.is_tls() { "https" } else { "http" };
            Target { scheme: scheme.to_owned(), host: endpoint.host.clone(), port: endpoint.port }
        })
        .collect();
    let all: Vec<usize> = (0..endpoints.len()).collect();
    DeviceSettings::of("the device".into(), &Overview::of(&snapshot, &targets), &all, &targets)
}

fn found_by_wpad(world: &World, domain: &str, runtime: &tokio::runtime::Runtime) -> String {
    let terms =
        FetchTerms { largest: Script::LARGEST, deadline: world.budget.total, roots: &rustls::RootCertStore::empty };
    runtime.block_on(world.net.find_script(domain, terms)).expect("the world serves its script").0
}

/// Fetches the world's script and asks it for every endpoint.
fn ask_script(world: &World, url: &str, runtime: &tokio::runtime::Runtime) -> Directions {
    let terms =
        FetchTerms { largest: Script::LARGEST, deadline: world.budget.total, roots: &rustls::RootCertStore::empty };
    let bytes = runtime.block_on(world.net.fetch_script(url, terms)).expect("the world serves its script").bytes;
    let script = Script::read(&bytes).expect("a script");
    let endpoints = &world.catalogue.endpoints;
    let questions: Vec<Question> = endpoints
        .iter()
        .map(|endpoint| Question { url: format!("{}/", endpoint.url), host: endpoint.host.clone() })
        .collect();
    let device = pac::World::at(world.net.clock.now());
    let evaluation = evaluate(&script, &questions, &device, &Limits::default()).expect("the script can be asked");
    let all: Vec<usize> = (0..endpoints.len()).collect();
    Directions::read(url.into(), script.text(), device.wall_time(), &[], &all, evaluation).expect("few proxies")
}

/// What a run leaves behind.
struct Run {
    header: Header,
    roots: Roots,
    observations: Vec<Observation>,
    ended: Ended,
}

impl Run {
    fn report(&self, catalogue: &Catalogue) -> Report {
        let plan = &self.header.plan;
        let grounds = Grounds::new(catalogue, plan, &self.roots, self.header.started, self.ended);
        let verdicts = judge(&grounds, &self.observations);
        let findings = findings(&grounds, &verdicts, &self.observations);
        let impacts = waprobe::impact::assess(catalogue, plan, &verdicts);
        let run = RunFacts {
            started: self.header.started,
            duration: Duration::ZERO,
            complete: true,
            machine_roots: "the lab's".into(),
            remarks: Vec::new(),
        };
        let (answer, findings) = waprobe::answer::conclude(catalogue, plan, &verdicts, findings);
        assemble(catalogue, plan, verdicts, &findings, &impacts, &answer, run)
    }

    /// The same, written to a file and read back.
    fn recorded(&self) -> Self {
        let mut writer = Writer::begin(Vec::new(), &self.header, &self.roots).expect("memory takes everything");
        for observation in &self.observations {
            writer.observation(observation).expect("memory takes everything");
        }
        let file = writer.end(Duration::ZERO, self.ended).expect("memory takes everything");
        let read = recording::read(file.as_slice()).expect("what was written can be read");
        assert_eq!(read.remarks, [] as [String; 0]);
        Self { header: read.header, roots: read.roots, observations: read.observations, ended: read.ended }
    }
}

#[test]
fn every_row_code_is_produced_by_a_scenario_or_has_a_reason_why_not() {
    let produced: BTreeSet<&str> = scenarios().iter().flat_map(|scenario| scenario.codes).copied().collect();
    let excused: BTreeSet<&str> = NOT_PRODUCIBLE.iter().map(|(code, _)| *code).collect();
    let known: BTreeSet<String> =
        Cause::ALL.iter().map(Cause::code).filter(|code| code != "ok" && !code.starts_with("tls.alert")).collect();
    let missing: Vec<&String> =
        known.iter().filter(|code| !produced.contains(code.as_str()) && !excused.contains(code.as_str())).collect();
    assert!(missing.is_empty(), "no scenario and no reason: {missing:?}");
    let both: Vec<&&str> = produced.intersection(&excused).collect();
    assert!(both.is_empty(), "produced although it is said to be impossible: {both:?}");
    let is_known =
        |code: &str| known.contains(code) || TAXONOMY.contains(&code) || Comparison::from_code(code).is_some();
    let strange: Vec<&&str> = excused.iter().filter(|code| !is_known(code)).collect();
    assert!(strange.is_empty(), "reasons for codes that do not exist: {strange:?}");
}

#[test]
fn names_of_scenarios_are_distinct_and_fit_for_a_command_line() {
    let mut names = BTreeSet::new();
    for scenario in scenarios() {
        assert!(names.insert(scenario.name), "two scenarios are called {}", scenario.name);
        assert!(scenario.name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-'));
        assert_ne!(scenario.name, "list");
    }
}

#[test]
fn the_story_is_its_own_expectation() {
    let check = std::process::Command::new(env!("CARGO_BIN_EXE_waprobe"))
        .args(["check", "--lab", "--format", "json"])
        .output()
        .expect("the program starts");
    assert_eq!(check.status.code(), Some(0), "{}", String::from_utf8_lossy(&check.stderr));
    let report: Report = serde_json::from_slice(&check.stdout).expect("a report");
    let routes: BTreeSet<&str> = report.rows.iter().map(|row| row.route.key.0.as_str()).collect();
    assert_eq!((report.rows.len(), routes.len()), (15 * 7, 7), "{routes:?}");
    assert!(!report.findings.is_empty(), "findings are printed although everything is as expected");
}

/// Inspection copies the name of the host. Who does not even do that is a server of its own, and no exclusion mends it.
#[test]
fn a_stranger_in_the_service_s_place_is_not_called_inspection() {
    let report = told(&["sign-in-page"]);
    let [finding] = report.findings.as_slice() else { panic!("one cause is one finding: {:?}", report.findings) };
    assert_eq!(finding.code, "intercepted.untrusted");
    assert!(finding.title.starts_with("Another server answers in the service's place"), "{}", finding.title);
    assert!(finding.remedy.contains("its certificate is for www.elsewhere.lab"), "{}", finding.remedy);
    let text = format!("{finding:?} {}", report.answer.headline).to_lowercase();
    assert!(!text.contains("inspect") && !text.contains("exclude"), "{text}");
}

/// A mistyped password and a scheme that was asked for by name are first of all the check's own doing.
#[test]
fn what_whoever_runs_the_check_chose_is_said_to_them_first() {
    for (scenario, code, owner, words) in [
        ("wrong-password", "pauth.rejected", "directory team", "look first whether the name and the password"),
        ("broken-challenges", "pauth.no_common_scheme", "whoever runs this check", "leave --scheme out"),
    ] {
        let report = told(&[scenario]);
        let finding = report.findings.iter().find(|finding| finding.code == code).expect("a finding");
        assert_eq!(finding.owner.to_string(), owner, "{scenario}");
        assert!(finding.remedy.starts_with(words) && !finding.remedy.contains("keytab"), "{}", finding.remedy);
    }
}

#[test]
fn what_an_antivirus_program_does_is_for_whoever_looks_after_the_devices() {
    let report = told(&["antivirus"]);
    let codes: BTreeSet<&str> = report.findings.iter().map(|finding| finding.code.as_str()).collect();
    assert!(codes.contains("intercepted.trusted") && codes.contains("intercepted.partial"), "{codes:?}");
    let about_inspection = |code: &str| code.starts_with("intercepted.") || code == "chain.same_key_many_hosts";
    for finding in report.findings.iter().filter(|finding| about_inspection(&finding.code)) {
        assert_eq!(finding.owner.as_str(), "desktop team", "{}", finding.code);
    }
    let main = report.findings.iter().find(|finding| finding.code == "intercepted.trusted").expect("a finding");
    assert!(main.remedy.starts_with("in ESET on the devices, exclude"), "{}", main.remedy);
    assert!(main.remedy.ends_with("login.live.com"), "the hosts to exclude: {}", main.remedy);
}

/// Every way of failing that is to be told apart, whether this program has a code for it or not.
#[rustfmt::skip]
const TAXONOMY: &[&str] = &[
    "conf.none", "conf.context_mismatch", "conf.env_only", "conf.telemetry_proxy_dead", "conf.user_auth_disabled",
    "conf.mde_conflict", "conf.headless_user_auth", "conf.script_service_disabled", "pac.needs_newer_engine",
    "pac.content_type", "proxy.black_hole", "pac.wpad_not_found", "pac.fetch_failed", "pac.timeout",
    "pac.http_status", "pac.not_script", "pac.eval_error", "pac.eval_timeout", "pac.direct_for_endpoint",
    "pac.dead_first_proxy", "pac.unsupported_token", "pac.file_url", "dns.timeout", "dns.servfail", "dns.refused",
    "dns.nxdomain", "dns.malformed", "dns.nxdomain_local", "dns.nxdomain_everywhere", "dns.nodata", "dns.v6_only",
    "dns.ede_filtered", "dns.sinkhole", "dns.filter_vendor_ip", "dns.synthetic_agent", "dns.hosts_override",
    "dns.injected", "dns.privatelink_shadow", "dns.tcp53_blocked", "dns.no_resolver", "dns.proxy_name",
    "dns.differs_ok", "tcp.refused", "tcp.timeout", "tcp.host_unreachable", "tcp.net_unreachable",
    "tcp.admin_prohibited", "tcp.local_denied", "tcp.reset_after_connect", "tcp.partial_ips", "tcp.v6_broken",
    "tcp.accepts_everything", "tcp.local_exhausted", "proxy.not_http", "proxy.denied_403", "proxy.denied_port",
    "proxy.method_blocked", "proxy.bad_request_400", "proxy.upstream_dns", "proxy.upstream_refused",
    "proxy.upstream_timeout", "proxy.upstream_tls", "proxy.upstream_unknown", "proxy.redirect", "proxy.portal_auth",
    "proxy.200_then_close", "proxy.200_then_rst", "proxy.200_with_body", "proxy.2xx_not_200", "proxy.head_too_large",
    "proxy.bad_reply", "proxy.tls_untrusted", "proxy.socks_denied", "proxy.upstream_unreachable", "proxy.empty",
    "proxy.rst", "proxy.timeout", "proxy.rate_limited", "proxy.loop", "proxy.client_not_allowed", "proxy.icap_down",
    "pauth.required", "pauth.no_challenge", "pauth.wrong_code", "pauth.no_common_scheme", "pauth.rejected",
    "pauth.account_locked", "pauth.expired", "pauth.disabled", "pauth.denied_after_auth",
    "pauth.user_ok_machine_denied", "pauth.machine_ok_user_denied", "pauth.digest_stale_loop",
    "pauth.digest_unsupported", "pauth.ntlm_closed_mid", "pauth.reconnect_on_407", "pauth.lb_split",
    "pauth.ntlm_early_200", "pauth.needs_proxy_connection", "pauth.ntlm_policy", "pauth.krb_no_ticket",
    "pauth.krb_spn_unknown", "pauth.krb_cname", "pauth.krb_ip_literal", "pauth.krb_duplicate_spn", "pauth.krb_skew",
    "pauth.krb_etype", "pauth.krb_kdc_unreachable", "pauth.krb_token_too_big", "pauth.nego_is_ntlm",
    "pauth.cbt_required", "pauth.connect_only", "pauth.get_only", "pauth.loop", "pauth.basic_cleartext",
    "pauth.intermittent", "tls.rst_after_hello", "tls.fin_after_hello", "tls.timeout_after_hello", "tls.sni_filtered",
    "tls.ip_filtered", "tls.large_hello", "tls.split_hello", "tls.pmtu", "tls.plaintext_reply", "tls.not_tls",
    "tls.legacy_only", "tls.tls13_intolerant", "tls.client_cert_wanted", "tls.lower_than_direct", "tls.bad_signature",
    "tls.slow", "intercepted.trusted", "intercepted.untrusted", "intercepted.partial", "chain.same_key_many_hosts",
    "chain.path_difference", "chain.wrong_class", "chain.incomplete", "chain.unparsable", "chain.root_absent_locally",
    "chain.expired", "chain.not_yet_valid", "chain.clock_skew", "chain.name_mismatch", "chain.weak", "chain.eku",
    "chain.constraints", "chain.revoked", "chain.revocation_unreachable", "chain.no_sct", "chain.fresh_leaf",
    "http.block_page", "http.portal", "http.foreign_redirect", "http.middlebox_status", "http.unexpected_status",
    "http.407_in_tunnel", "http.plain_blocked", "http.post_blocked", "http.body_limit", "http.reset_on_upload",
    "http.timeout_first_byte", "http.truncated", "http.empty", "http.malformed", "http.throttled", "http.retired",
    "proxy.tcp_refused", "proxy.tcp_timeout", "proxy.tcp_host_unreachable", "proxy.tcp_net_unreachable",
    "proxy.tcp_admin_prohibited", "proxy.tcp_local_denied", "proxy.tcp_local_exhausted", "proxy.tls_failed",
    "tls.alert.handshake_failure", "tls.alert.unrecognized_name", "tls.alert.access_denied", "x.not_tested",
    "x.not_applicable", "x.inconclusive", "x.offline", "x.flaky", "x.budget", "x.refused_by_policy", "x.internal",
];

#[test]
fn every_way_of_failing_is_shown_by_a_scenario_or_has_a_reason_why_not() {
    let all = scenarios();
    let shown: BTreeSet<&str> =
        all.iter().flat_map(|scenario| scenario.codes.iter().chain(scenario.findings)).copied().collect();
    let excused: BTreeSet<&str> = NOT_PRODUCIBLE.iter().map(|(code, _)| *code).collect();
    let untold: Vec<&&str> =
        TAXONOMY.iter().filter(|code| !shown.contains(**code) && !excused.contains(**code)).collect();
    assert!(untold.is_empty(), "no scenario and no reason: {untold:?}");
    let of_comparison: Vec<&str> = Comparison::ALL
        .map(|known| known.code)
        .into_iter()
        .filter(|code| !shown.contains(code) && !excused.contains(code))
        .collect();
    assert!(of_comparison.is_empty(), "no scenario and no reason: {of_comparison:?}");
}

/// `lab up`, and a check by another process that knows only what it wrote.
#[cfg(unix)]
#[test]
fn the_lab_s_servers_can_be_asked_by_another_process() {
    use std::io::{BufRead as _, BufReader};
    use std::process::{Command, Stdio};

    let folder = tempfile::tempdir().expect("a folder");
    let program = env!("CARGO_BIN_EXE_waprobe");
    for scenario in ["half-exempt", "story"] {
        let place = folder.path().join(scenario);
        let mut up = Command::new(program)
            .args(["lab", "up", scenario, "--folder"])
            .arg(&place)
            .stdout(Stdio::piped())
            .spawn()
            .expect("the program runs");
        let mut told = BufReader::new(up.stdout.take().expect("a pipe")).lines();
        let first = told.next().and_then(Result::ok).unwrap_or_default();
        assert!(first.contains("run until Ctrl-C"), "{first}");
        let options = fs::read_to_string(place.join("options")).expect("options");
        let check = Command::new(program)
            .args(["check", "--format", "json"])
            .args(options.lines())
            .output()
            .expect("the program runs");
        assert!(Command::new("kill").arg(up.id().to_string()).status().is_ok_and(|status| status.success()));
        assert_eq!(up.wait().expect("an end").code(), Some(0));
        let report: serde_json::Value = serde_json::from_slice(&check.stdout).expect("a report");
        let rows = report["rows"].as_array().expect("rows");
        let codes: BTreeSet<&str> = rows.iter().filter_map(|row| row["code"].as_str()).collect();
        if scenario == "story" {
            // Its routes are no product of proxies and identities, so it comes without an expectation.
            assert!(!options.contains("--expect"), "{options}");
            assert_eq!(check.status.code(), Some(1));
            assert_eq!(
                codes.into_iter().collect::<Vec<_>>(),
                ["intercepted.trusted", "intercepted.untrusted", "ok", "pauth.required", "proxy.denied_403"]
            );
        } else {
            assert!(options.contains("--expect"), "{options}");
            assert_eq!(check.status.code(), Some(0), "{codes:?}");
            assert!(codes.contains("intercepted.trusted"), "{codes:?}");
        }
    }
}

#[test]
fn what_only_a_check_inside_would_meet_is_not_offered_to_others() {
    for (scenario, reason) in [
        ("failing-name-server", "is about names"),
        ("no-wpad", "is about a script"),
        ("nobody", "no scenario is called"),
    ] {
        let refused = std::process::Command::new(env!("CARGO_BIN_EXE_waprobe"))
            .args(["lab", "up", scenario])
            .output()
            .expect("the program runs");
        assert_eq!(refused.status.code(), Some(2));
        assert!(String::from_utf8_lossy(&refused.stderr).contains(reason), "{refused:?}");
    }
}
