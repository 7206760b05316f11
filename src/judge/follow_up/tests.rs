//! What is asked after which answers, and what the answers to that change.

mod addresses;
mod alone;

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use crate::catalogue::{Catalogue, CatalogueSource, Control, OsSelection, Solution};
use crate::certificate::Certificate;
use crate::judge::{Cause, Finding, Grounds, Owner, Status, Verdict, findings, follow_ups, judge};
use crate::observation::recording::{MachineRootsNote, Roots};
use crate::observation::{
    Ask, Attempt, Credential, DnsEvidence, Ended, Evidence, Fault, HttpEvidence, Leg, NameSource, Observation,
    Recorder, Signature, TcpAttempt, TcpEvidence, TcpOutcome, TlsEvidence, TunnelEvidence,
};
use crate::plan::{
    Budget, DeviceSettings, FollowUps, Identity, JobId, Plan, PlannedRoute, Scheme, SchemeChoice, SettingsRemark,
};

const CATALOGUE: &str = r#"
schema = "waprobe-catalogue/1"
[control]
url = "http://www.msftconnecttest.com/connecttest.txt"
body = "Microsoft Connect Test"
[[endpoint]]
name = "v10c"
url = "https://v10c.events.data.microsoft.com"
trust = ["microsoft-application-root"]
[[endpoint]]
name = "adl"
url = "http://adl.windows.com"
trust = []
probe = { path = "/", healthy = [404] }
"#;

/// The two endpoints: one over TLS, one over plain http.
const TLS: u32 = 0;
const PLAIN: u32 = 1;

struct World {
    catalogue: Catalogue,
    plan: Plan,
    roots: Roots,
}

impl World {
    fn new(follow_ups: impl FnOnce(FollowUps) -> FollowUps) -> Self {
        Self::on(PlannedRoute::Direct, follow_ups)
    }

    fn on(route: PlannedRoute, follow_ups: impl FnOnce(FollowUps) -> FollowUps) -> Self {
        let source = CatalogueSource::gather("test.toml", CATALOGUE.to_owned(), |name| Err(format!("no file {name}")));
        let catalogue = Catalogue::read(source).unwrap_or_else(|complaints| panic!("{complaints}"));
        let routes = vec![route];
        let mut plan = Plan::new(&catalogue, routes, Budget::default(), OsSelection::all(), Solution::ALL.to_vec());
        plan.follow_ups = follow_ups(FollowUps::of(&catalogue));
        let note = MachineRootsNote { source: "a test".into(), count: 0, ..MachineRootsNote::default() };
        Self { catalogue, plan, roots: Roots { machine: Vec::new(), note, ..Roots::default() } }
    }

    fn grounds(&self) -> Grounds<'_> {
        let at = "2026-11-22T10:30:00Z".parse().expect("a moment");
        Grounds::new(&self.catalogue, &self.plan, &self.roots, at, Ended::Complete)
    }

    fn asked(&self, seen: &[Observation]) -> Vec<Ask> {
        follow_ups(&self.grounds(), &judge(&self.grounds(), seen), seen)
            .into_iter()
            .map(|follow_up| follow_up.ask)
            .collect()
    }

    fn judged(&self, seen: &[Observation]) -> (Vec<Verdict>, Vec<Finding>) {
        let grounds = self.grounds();
        let verdicts = judge(&grounds, seen);
        let findings = findings(&grounds, &verdicts, seen);
        (verdicts, findings)
    }
}

fn address() -> SocketAddr {
    "203.0.113.10:443".parse().expect("an address")
}

fn way(job: u32, attempt: Attempt) -> Recorder {
    let mut recorder = Recorder::new(JobId(job), attempt, Instant::now());
    let (source, addresses) = (NameSource::System, vec![address().ip()]);
    let dns = DnsEvidence { name: "a name".into(), source, addresses, system: None, answers: Vec::new() };
    recorder.passed(crate::observation::Stage::Dns, Duration::ZERO, Evidence::Dns(dns));
    recorder
}

fn stopped(recorder: Recorder, evidence: Evidence, fault: Fault) -> Observation {
    recorder.stopped(evidence.stage(), Duration::ZERO, evidence, fault, Instant::now())
}

fn connected() -> Evidence {
    let attempt = TcpAttempt { address: address(), outcome: TcpOutcome::Connected, took: Duration::ZERO };
    Evidence::Tcp(TcpEvidence { attempts: vec![attempt], carried: Some(address()) })
}

fn dropped(job: u32, attempt: Attempt) -> Observation {
    let evidence = Evidence::Tcp(TcpEvidence { attempts: Vec::new(), carried: None });
    stopped(way(job, attempt), evidence, Fault::ConnectTimeout)
}

fn answered(job: u32, attempt: Attempt, status: u16, body: &str) -> Observation {
    let mut recorder = way(job, attempt);
    recorder.passed(crate::observation::Stage::Tcp, Duration::ZERO, connected());
    let http = HttpEvidence {
        request: "GET /".into(),
        status: Some(status),
        version: None,
        reason: String::new(),
        headers: Vec::new(),
        body_start: body.into(),
        body_length: body.len() as u64,
        alert: None,
    };
    recorder.passed(crate::observation::Stage::Http, Duration::ZERO, Evidence::Http(http));
    recorder.finish(Instant::now())
}

fn shaking(job: u32, attempt: Attempt, fault: Option<Fault>) -> Observation {
    let mut recorder = way(job, attempt);
    recorder.passed(crate::observation::Stage::Tcp, Duration::ZERO, connected());
    let tls = Evidence::Tls(Box::new(TlsEvidence::begun("a name")));
    if let Some(fault) = fault {
        return stopped(recorder, tls, fault);
    }
    recorder.passed(crate::observation::Stage::Tls, Duration::ZERO, tls);
    recorder.finish(Instant::now())
}

fn control() -> Attempt {
    Attempt::FollowUp(Ask::Control)
}

#[test]
fn a_run_without_a_fault_is_asked_nothing() {
    let world = World::new(|all| all);
    assert_eq!(world.asked(&[answered(PLAIN, Attempt::First, 404, "")]), []);
}

#[test]
fn silence_everywhere_is_held_against_the_control_once_and_only_with_leave() {
    let seen = [dropped(TLS, Attempt::First), dropped(PLAIN, Attempt::First)];
    assert_eq!(World::new(|all| all).asked(&seen), [Ask::Control]);
    assert_eq!(World::new(|all| FollowUps { wanted: false, ..all }).asked(&seen), []);
    assert_eq!(World::new(|all| FollowUps { control: None, ..all }).asked(&seen), []);
    let one_passes = [dropped(TLS, Attempt::First), answered(PLAIN, Attempt::First, 404, "")];
    assert_eq!(World::new(|all| all).asked(&one_passes), [], "the route leads out, so the drop is about the host");
}

#[test]
fn a_control_that_fails_alike_takes_the_accusation_back() {
    let world = World::new(|all| all);
    let seen = [dropped(TLS, Attempt::First), dropped(PLAIN, Attempt::First), dropped(TLS, control())];
    let (verdicts, findings) = world.judged(&seen);
    for verdict in &verdicts {
        assert_eq!((verdict.status, verdict.cause.code().as_str()), (Status::Inconclusive, "tcp.timeout"));
    }
    let codes: Vec<&str> = findings.iter().map(|finding| finding.code.as_str()).collect();
    assert_eq!(codes, ["x.offline"]);
    assert_eq!(findings[0].jobs.len(), 2);
    assert_eq!(verdicts[0].follow_ups, 1);
}

#[test]
fn a_proxy_that_is_reached_and_opens_nothing_is_no_missing_network() {
    let proxy = "http://proxy.example:8080".parse().expect("a proxy");
    let world =
        World::on(PlannedRoute::Proxy { proxy, identity: Identity::Bypass, scheme: SchemeChoice::Auto }, |all| all);
    let silent = |job, attempt| {
        let mut recorder = way(job, attempt);
        recorder.passed(crate::observation::Stage::Tcp, Duration::ZERO, connected());
        stopped(recorder, Evidence::Proxy(TunnelEvidence::default()), Fault::TimedOut { received: 0 })
    };
    let asked = [silent(TLS, Attempt::First), silent(PLAIN, Attempt::First), silent(TLS, control())];
    let (_, findings) = world.judged(&asked);
    let told: Vec<_> = findings.iter().map(|finding| (finding.code.as_str(), finding.owner)).collect();
    assert_eq!(told, [("x.inconclusive", Owner::ProxyTeam)]);
}

#[test]
fn a_control_that_answers_or_fails_otherwise_leaves_the_accusation() {
    let world = World::new(|all| all);
    let refused = || {
        let evidence = Evidence::Tcp(TcpEvidence { attempts: Vec::new(), carried: None });
        stopped(way(TLS, control()), evidence, Fault::ConnectionRefused)
    };
    let portal = "<html>Please sign in</html>";
    for (answer, says) in [
        (answered(TLS, control(), 200, "Microsoft Connect Test"), "answers on this route"),
        (answered(TLS, control(), 200, portal), "answered by somebody else (status 200)"),
        (refused(), "fails as well (tcp.refused)"),
    ] {
        let (verdicts, findings) =
            world.judged(&[dropped(TLS, Attempt::First), dropped(PLAIN, Attempt::First), answer]);
        assert!(verdicts.iter().all(|verdict| verdict.status == Status::Blocked), "{says}");
        assert!(findings.iter().all(|finding| finding.code == "tcp.timeout"), "{says}: {findings:?}");
        assert!(verdicts[0].evidence.iter().any(|line| line.contains(says)), "{says}: {:?}", verdicts[0].evidence);
    }
}

#[test]
fn where_every_handshake_ends_so_the_controls_decides_whose_rule_it_is() {
    let world = World::new(|all| all);
    let reset = || Some(Fault::ResetByPeer { received: 0 });
    let in_clear = |job, attempt| {
        let mut recorder = way(job, attempt);
        recorder.passed(crate::observation::Stage::Tcp, Duration::ZERO, connected());
        stopped(recorder, Evidence::Http(HttpEvidence::begun("GET /".into())), Fault::ResetByPeer { received: 0 })
    };
    let seen = || vec![shaking(TLS, Attempt::First, reset()), in_clear(PLAIN, Attempt::First)];
    let asked = world.asked(&seen());
    assert!(asked.contains(&Ask::Control) && asked.contains(&Ask::ControlTunnel), "{asked:?}");

    let tunnel = Attempt::FollowUp(Ask::ControlTunnel);
    let (verdicts, findings) =
        world.judged(&[seen(), vec![in_clear(TLS, control()), shaking(TLS, tunnel, reset())]].concat());
    assert!(verdicts.iter().all(|verdict| verdict.status == Status::Inconclusive), "nothing at all gets out");
    assert_eq!(verdicts[TLS as usize].cause.code(), "tls.rst_after_hello", "and the row says what it saw");
    assert_eq!(findings.iter().map(|finding| finding.code.as_str()).collect::<Vec<_>>(), ["x.inconclusive"]);

    let answers = answered(TLS, control(), 200, "Microsoft Connect Test");
    let (verdicts, findings) = world.judged(&[seen(), vec![answers, shaking(TLS, tunnel, reset())]].concat());
    assert_eq!(verdicts[TLS as usize].status, Status::Blocked, "the route leads out, and TLS does not");
    let finding = findings.iter().find(|finding| finding.code == "tls.rst_after_hello").expect("a finding");
    assert!(finding.remedy.contains("www.msftconnecttest.com is treated alike"), "{}", finding.remedy);
}

#[test]
fn a_handshake_without_an_answer_is_tried_in_other_words_at_the_same_address() {
    let world = World::new(|all| all);
    let reset = || Some(Fault::ResetByPeer { received: 0 });
    let seen = [shaking(TLS, Attempt::First, reset()), answered(PLAIN, Attempt::First, 404, "")];
    let asked = follow_ups(&world.grounds(), &judge(&world.grounds(), &seen), &seen);
    let asks: Vec<Ask> = asked.iter().map(|follow_up| follow_up.ask).collect();
    assert_eq!(
        asks,
        [
            Ask::ControlTunnel,
            Ask::ControlName,
            Ask::PaddedHello,
            Ask::SplitHello,
            Ask::SharedHello,
            Ask::OldHello,
            Ask::Nobody,
            // Only a profile with TLS 1.3 may send one as large.
            Ask::LargeHello,
        ],
        "the small hello is the other profile's own"
    );
    assert_eq!(asked[1].address, Some(address()));
    let pauses: Vec<u32> = asked[1..].iter().map(|follow_up| follow_up.pauses).collect();
    assert_eq!(pauses, [1, 2, 2, 2, 2, 0, 2], "a reset may be held against the pair for a while");

    let code = |answers: &[(Ask, Option<Fault>)]| {
        let mut all = vec![shaking(TLS, Attempt::First, reset()), answered(PLAIN, Attempt::First, 404, "")];
        all.extend(answers.iter().map(|(ask, fault)| shaking(TLS, Attempt::FollowUp(*ask), fault.clone())));
        let (verdicts, _) = world.judged(&all);
        assert_eq!(verdicts[0].status, Status::Blocked);
        verdicts[0].cause.code()
    };
    let alert = Some(Fault::Alert { code: 112 });
    assert_eq!(code(&[(Ask::ControlName, None), (Ask::SmallHello, reset())]), "tls.sni_filtered");
    assert_eq!(
        code(&[(Ask::ControlName, alert), (Ask::SmallHello, reset())]),
        "tls.sni_filtered",
        "an alert is an answer"
    );
    assert_eq!(code(&[(Ask::ControlName, reset()), (Ask::SmallHello, None)]), "tls.tls13_intolerant");
    let told_apart = |padded: Option<Fault>, large: Option<Fault>| {
        let asks = [(Ask::ControlName, reset()), (Ask::SmallHello, None)];
        code(&[asks.as_slice(), &[(Ask::PaddedHello, padded), (Ask::LargeHello, large)]].concat())
    };
    assert_eq!(told_apart(None, reset()), "tls.tls13_intolerant");
    assert_eq!(told_apart(Some(Fault::Alert { code: 120 }), reset()), "tls.tls13_intolerant", "the server spoke");
    assert_eq!(told_apart(reset(), reset()), "tls.large_hello", "TLS 1.2 passes, and not at this length");
    assert_eq!(told_apart(reset(), None), "tls.large_hello", "as balancers do that stop 256 to 511 bytes");
    assert_eq!(
        told_apart(None, None),
        "tls.rst_after_hello",
        "TLS 1.3 passes in another form, and so does this length"
    );
    let nothing = [Ask::ControlName, Ask::SmallHello, Ask::SplitHello, Ask::LargeHello].map(|ask| (ask, reset()));
    assert_eq!(code(&nothing), "tls.rst_after_hello", "no other handshake passes, so the address is not to blame");
}

#[test]
fn a_silence_that_passes_is_nobodys_rule() {
    let world = World::new(|all| all);
    let silence = || Some(Fault::TimedOut { received: 0 });
    let judged = |last: Option<Fault>| {
        let mut seen = vec![shaking(TLS, Attempt::First, silence()), answered(PLAIN, Attempt::First, 404, "")];
        let other = [Ask::ControlName, Ask::SmallHello, Ask::PaddedHello, Ask::SplitHello];
        seen.extend(other.map(|ask| shaking(TLS, Attempt::FollowUp(ask), None)));
        seen.push(shaking(TLS, Attempt::FollowUp(Ask::LargeHello), last));
        let (mut verdicts, _) = world.judged(&seen);
        verdicts.remove(TLS as usize)
    };
    let passed = judged(None);
    assert_eq!((passed.cause.code().as_str(), passed.status), ("x.flaky", Status::Inconclusive));
    assert!(passed.summary.contains("first tls.timeout_after_hello"), "{}", passed.summary);
    // Somebody else's certificate in one of the answers outweighs the rest.
    let leaf = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/chains/made/rsa-2048.pem"));
    let root = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/chains/made/root.pem"));
    let mut tls = TlsEvidence::begun("v10c.events.data.microsoft.com");
    tls.chain = Certificate::list_from_pem(&format!("{leaf}\n{root}")).expect("a chain");
    tls.signature = Signature::Verified { scheme: "rsa_pss_rsae_sha256".into() };
    let mut seen = vec![shaking(TLS, Attempt::First, silence()), answered(PLAIN, Attempt::First, 404, "")];
    let others = [Ask::PaddedHello, Ask::SplitHello, Ask::LargeHello];
    seen.extend(others.map(|ask| shaking(TLS, Attempt::FollowUp(ask), None)));
    let mut recorder = way(TLS, Attempt::FollowUp(Ask::SmallHello));
    recorder.passed(crate::observation::Stage::Tcp, Duration::ZERO, connected());
    recorder.passed(crate::observation::Stage::Tls, Duration::ZERO, Evidence::Tls(Box::new(tls)));
    seen.push(recorder.finish(Instant::now()));
    let (verdicts, _) = world.judged(&seen);
    assert_eq!(verdicts[TLS as usize].status, Status::Intercepted);
    let by_name = judged(silence());
    assert_eq!((by_name.cause.code().as_str(), by_name.status), ("tls.sni_filtered", Status::Blocked));
}

#[test]
fn another_control_is_asked_for_by_name() {
    let other = Control::at("intranet.example").expect("a host");
    let world = World::new(|all| FollowUps { control: Some(other), ..all });
    let answer = |status| {
        [dropped(TLS, Attempt::First), dropped(PLAIN, Attempt::First), answered(TLS, control(), status, "hello")]
    };
    let (verdicts, _) = world.judged(&answer(404));
    assert!(verdicts[0].evidence.iter().any(|line| line.contains("http://intranet.example/, answers")));
}

#[test]
fn one_server_that_knows_a_name_outweighs_those_that_deny_it_whichever_is_asked_first() {
    let world = World::new(|all| all);
    let asked = |server: &str| Attempt::FollowUp(Ask::WayBy(server.parse().expect("an address")));
    let named = |attempt, addresses: Vec<std::net::IpAddr>| {
        let dns = DnsEvidence {
            name: "a name".into(),
            source: NameSource::System,
            addresses,
            system: None,
            answers: Vec::new(),
        };
        let recorder = Recorder::new(JobId(TLS), attempt, Instant::now());
        (recorder, Evidence::Dns(dns))
    };
    let denies = |attempt| {
        let (recorder, evidence) = named(attempt, Vec::new());
        stopped(recorder, evidence, Fault::NameNotFound)
    };
    let resolves = |attempt| {
        let (mut recorder, evidence) = named(attempt, vec![address().ip()]);
        recorder.passed(crate::observation::Stage::Dns, Duration::ZERO, evidence);
        let evidence = Evidence::Tcp(TcpEvidence { attempts: Vec::new(), carried: None });
        stopped(recorder, evidence, Fault::ConnectTimeout)
    };
    let [one, two] = ["192.0.2.1:53", "192.0.2.2:53"];
    for (beside, is_gone) in [
        ([denies(asked(one)), denies(asked(two))], true),
        ([denies(asked(one)), resolves(asked(two))], false),
        ([resolves(asked(one)), denies(asked(two))], false),
    ] {
        let seen: Vec<Observation> = [denies(Attempt::First)].into_iter().chain(beside).collect();
        let (_, findings) = world.judged(&seen);
        let says_gone = findings.iter().any(|finding| finding.code == "dns.nxdomain_everywhere");
        assert_eq!(says_gone, is_gone, "{findings:#?}");
    }
}

/// A tunnel that was asked for with a login, and what the proxy answered.
fn with_login(job: u32, attempt: Attempt, status: u16) -> Observation {
    let leg = Leg {
        connection: 1,
        request: "CONNECT v10c.events.data.microsoft.com:443".into(),
        credential: Some(Credential { scheme: Scheme::Basic, length: 20, detail: String::new(), token: None }),
        took: Duration::ZERO,
        status: Some(status),
        version: None,
        reason: String::new(),
        headers: Vec::new(),
        challenges: Vec::new(),
        body_start: Vec::new(),
        kept_open: true,
        left_unread: false,
    };
    let scheme = Some(Scheme::Basic);
    let evidence = Evidence::Proxy(TunnelEvidence { legs: vec![leg], scheme, ..TunnelEvidence::default() });
    if status != 200 {
        return stopped(way(job, attempt), evidence, Fault::TunnelRefused { status });
    }
    let mut recorder = way(job, attempt);
    recorder.passed(crate::observation::Stage::Proxy, Duration::ZERO, evidence);
    stopped(recorder, Evidence::Tls(Box::new(TlsEvidence::begun("a name"))), Fault::NotTls)
}

#[test]
fn a_host_that_is_denied_to_a_login_is_asked_again_only_where_the_login_is_known_to_be_right() {
    let proxy = "http://proxy.example:8080".parse().expect("a proxy");
    let route = PlannedRoute::Proxy { proxy, identity: Identity::User, scheme: SchemeChoice::Auto };
    let world = World::on(route, |all| FollowUps { control: None, ..all });
    let repeats = |seen: &[Observation]| {
        world.asked(seen).into_iter().filter(|ask| matches!(ask, Ask::Repeat(_))).collect::<Vec<_>>()
    };
    let denied = || with_login(TLS, Attempt::First, 403);
    // The proxy may not have looked at the login at all, and three wrong ones lock an account.
    assert_eq!(repeats(&[denied(), with_login(PLAIN, Attempt::First, 403)]), []);
    let taken = || with_login(PLAIN, Attempt::First, 200);
    assert_eq!(repeats(&[denied(), taken()]), [Ask::Repeat(1), Ask::Repeat(2)]);

    let again = |time, status| with_login(TLS, Attempt::FollowUp(Ask::Repeat(time)), status);
    let (verdicts, _) = world.judged(&[denied(), taken(), again(1, 403), again(2, 403)]);
    assert_eq!((verdicts[0].cause.code().as_str(), verdicts[0].status), ("pauth.denied_after_auth", Status::Blocked));
    assert!(verdicts[0].summary.contains("403 on each of 3 connections"), "{}", verdicts[0].summary);
    let (verdicts, _) = world.judged(&[denied(), taken(), again(1, 403), again(2, 200)]);
    assert_eq!(verdicts[0].cause.code(), "pauth.intermittent");
    assert!(verdicts[0].summary.contains("403 on 2 of 3 connections"), "{}", verdicts[0].summary);
}

#[test]
fn where_nothing_gets_out_the_finding_says_that_the_devices_settings_name_no_proxy() {
    let seen = [dropped(TLS, Attempt::First), dropped(PLAIN, Attempt::First), dropped(TLS, control())];
    for (code, is_said) in [("conf.none", true), ("conf.env_only", true), ("conf.mde_conflict", false)] {
        let mut world = World::new(|all| all);
        let remark = SettingsRemark { code: code.into(), evidence: Vec::new() };
        world.plan.settings = Some(DeviceSettings {
            user_login: crate::plan::UserLogin::default(),
            name: "device.reg".into(),
            accounts: Vec::new(),
            remarks: vec![remark],
            telemetry: Vec::new(),
            is_script_service_off: false,
        });
        let (_, findings) = world.judged(&seen);
        let offline = findings.iter().find(|finding| finding.code == "x.offline").expect("it");
        let says = offline
            .remedy
            .contains(&format!("By its settings (device.reg) this device's services ask no proxy ({code})"));
        assert_eq!(says, is_said, "{}", offline.remedy);
    }
}
