//! Rows that failed beside others: who is asked alone, how often, and what the rows are then.

use std::collections::HashSet;

use super::*;
use crate::judge::to_ask_alone;
use crate::observation::FollowUp;
use crate::plan::ClientProfile;

/// Twenty hosts over TLS, through a proxy without a login or on the direct route.
fn world(route: PlannedRoute) -> World {
    let entry = |number| {
        format!(
            "[[endpoint]]\nname = \"e{number}\"\nurl = \"https://h{number}.example\"\ntrust = [\"microsoft-public\"]\n"
        )
    };
    let text = (0..20).map(entry).collect::<String>();
    let text = format!("schema = \"waprobe-catalogue/1\"\n{text}");
    let source = CatalogueSource::gather("test.toml", text, |name| Err(format!("no file {name}")));
    let catalogue = Catalogue::read(source).unwrap_or_else(|complaints| panic!("{complaints}"));
    let mut plan = Plan::new(&catalogue, vec![route], Budget::default(), OsSelection::all(), Solution::ALL.to_vec());
    plan.follow_ups = FollowUps { control: None, ..FollowUps::of(&catalogue) };
    let note = MachineRootsNote { source: "a test".into(), count: 0, ..MachineRootsNote::default() };
    World { catalogue, plan, roots: Roots { machine: Vec::new(), note, ..Roots::default() } }
}

fn proxied(identity: Identity) -> PlannedRoute {
    let proxy = "http://proxy.example:8080".parse().expect("a proxy");
    PlannedRoute::Proxy { proxy, identity, scheme: SchemeChoice::Auto }
}

fn leg(credential: Option<Credential>, status: Option<u16>) -> Leg {
    Leg {
        connection: 1,
        request: "CONNECT a.example:443".into(),
        credential,
        took: Duration::ZERO,
        status,
        version: None,
        reason: String::new(),
        headers: Vec::new(),
        challenges: Vec::new(),
        body_start: Vec::new(),
        kept_open: false,
        left_unread: false,
    }
}

/// What the proxy answered to a row while so many connections were open; 200 is a tunnel that no TLS is spoken in.
fn told(job: u32, attempt: Attempt, open: u32, leg: Leg) -> Observation {
    let mut recorder = way(job, attempt);
    recorder.counted(open);
    let status = leg.status;
    let evidence = Evidence::Proxy(TunnelEvidence { legs: vec![leg], ..TunnelEvidence::default() });
    match status {
        Some(200) => {
            recorder.passed(crate::observation::Stage::Proxy, Duration::ZERO, evidence);
            stopped(recorder, Evidence::Tls(Box::new(TlsEvidence::begun("a name"))), Fault::NotTls)
        }
        Some(status) => stopped(recorder, evidence, Fault::TunnelRefused { status }),
        None => stopped(recorder, evidence, Fault::ClosedByPeer { received: 0 }),
    }
}

fn denied(job: u32, open: u32) -> Observation {
    told(job, Attempt::First, open, leg(None, Some(403)))
}

fn alone(time: u8) -> Attempt {
    Attempt::FollowUp(Ask::Alone(time))
}

fn tcp(job: u32, attempt: Attempt, open: u32, fault: Option<Fault>) -> Observation {
    let mut recorder = way(job, attempt);
    recorder.counted(open);
    if let Some(fault) = fault {
        return stopped(recorder, Evidence::Tcp(TcpEvidence { attempts: Vec::new(), carried: None }), fault);
    }
    recorder.passed(crate::observation::Stage::Tcp, Duration::ZERO, connected());
    stopped(recorder, Evidence::Tls(Box::new(TlsEvidence::begun("a name"))), Fault::NotTls)
}

fn asked(world: &World, seen: &[Observation]) -> Vec<FollowUp> {
    to_ask_alone(&world.grounds(), &judge(&world.grounds(), seen), seen)
}

/// What is asked, once for all profiles.
fn jobs(asked: &[FollowUp]) -> Vec<(u32, Ask)> {
    let mut known = HashSet::new();
    asked.iter().map(|one| (one.about.0, one.ask)).filter(|one| known.insert(*one)).collect()
}

#[test]
fn what_failed_before_any_handshake_is_asked_as_each_client_and_what_one_client_met_as_that_one() {
    let world = world(proxied(Identity::Bypass));
    let clients = |asked: &[FollowUp]| asked.iter().map(|one| (one.profile, one.goes_ahead)).collect::<Vec<_>>();
    let (older, newer) = (Some(ClientProfile::Tls12), Some(ClientProfile::Tls13));
    let both = [(world.plan.profiles.first().copied(), true), (world.plan.profiles.last().copied(), false)];
    assert_eq!(clients(&asked(&world, &[denied(0, 2)])), both);

    // The connection of one client is there, and the other one's is denied.
    let passes = |profile, attempt| as_client(&told(0, attempt, 2, leg(None, Some(200))), profile);
    let fails = as_client(&denied(0, 2), older);
    let seen = [passes(newer, Attempt::First), fails];
    assert_eq!(clients(&asked(&world, &seen)), [(older, false)]);
    let limit = |seen: &[Observation]| {
        let (verdicts, findings) = world.judged(seen);
        (verdicts[0].clients.len(), findings.iter().any(|finding| finding.code == "proxy.client_limit"))
    };
    let three = (1..=3).map(|time| passes(older, alone(time)));
    let passing: Vec<Observation> = seen.iter().cloned().chain(three).collect();
    assert_eq!(limit(&passing), (2, true));
    assert!(world.judged(&passing).0[0].clients.iter().all(|client| {
        let row = &world.judged(&passing).0[0];
        row.of(client).cause == row.cause
    }));

    // What the proxy says to the first before its handshake holds for the other; what one client gets alone does not.
    let common = [denied(0, 2), told(0, alone(1), 1, leg(None, Some(403)))];
    assert_eq!(asked(&world, &common), []);
    let one = [denied(0, 2), passes(newer, alone(1))];
    let row = &world.judged(&one).0[0];
    let of = |profile| row.clients.iter().find(|client| Some(client.profile) == profile).map(|one| row.of(one).status);
    assert_eq!(of(older), Some(Status::Inconclusive), "a limit is known, and this client was not asked alone");
}

/// The same observation, made as this client.
fn as_client(seen: &Observation, profile: Option<ClientProfile>) -> Observation {
    let mut value = serde_json::to_value(seen).expect("an object");
    value["profile"] = serde_json::to_value(profile).expect("a name");
    serde_json::from_value(value).expect("an observation")
}

#[test]
fn only_what_failed_beside_others_is_asked_alone() {
    let world = world(proxied(Identity::Bypass));
    assert_eq!(jobs(&asked(&world, &[denied(0, 1), denied(1, 2)])), [(1, Ask::Alone(1))]);
    let unknown = told(0, Attempt::First, 0, leg(None, Some(403)));
    assert_eq!(asked(&world, &[unknown]), [], "an older recording says nothing of others");
    let mut once = self::world(proxied(Identity::Bypass));
    once.plan.follow_ups.wanted = false;
    assert_eq!(asked(&once, &[denied(0, 9)]), []);
}

#[test]
fn a_policy_is_asked_about_once_for_each_of_few_hosts_and_for_a_sample_of_many() {
    let world = world(proxied(Identity::Bypass));
    let few: Vec<Observation> = (0..15).map(|job| denied(job, 15)).collect();
    let first = asked(&world, &few);
    assert_eq!(jobs(&first).len(), 15);
    let answers = jobs(&first).into_iter().map(|(job, _)| told(job, alone(1), 1, leg(None, Some(403))));
    let seen: Vec<Observation> = few.iter().cloned().chain(answers).collect();
    assert_eq!(asked(&world, &seen), [], "denied alone too: that is the end of it");
    let (verdicts, findings) = world.judged(&seen);
    assert!(verdicts[..15].iter().all(|row| row.cause.code() == "proxy.denied_403" && row.status == Status::Blocked));
    assert!(findings.iter().all(|finding| finding.code != "proxy.client_limit"), "{findings:#?}");

    let many: Vec<Observation> = (0..20).map(|job| denied(job, 15)).collect();
    let sample = jobs(&asked(&world, &many));
    assert_eq!((sample.len(), sample[15].0), (16, 18), "from all over the group");
}

#[test]
fn what_passes_alone_is_what_it_is_alone_and_the_limit_is_named_with_its_number() {
    let world = world(proxied(Identity::Bypass));
    let open = [told(0, Attempt::First, 15, leg(None, Some(200)))];
    let rows = (1..20).map(|job| denied(job, 15));
    let passing = (1..19).map(|job| told(job, alone(1), 1, leg(None, Some(200))));
    let policy = [told(19, alone(1), 1, leg(None, Some(403)))];
    let seen: Vec<Observation> = open.into_iter().chain(rows).chain(passing).chain(policy).collect();
    let (verdicts, findings) = world.judged(&seen);
    assert_eq!(verdicts[1].cause, verdicts[0].cause, "as the row that nobody denied");
    assert!(verdicts[1].evidence[0].contains("beside 14 other connections"), "{:?}", verdicts[1].evidence);
    assert_eq!(verdicts[19].cause.code(), "proxy.denied_403", "denied alone too");
    let limit = findings.iter().find(|finding| finding.code == "proxy.client_limit").expect("it");
    assert!(limit.title.contains("15 connections of this check were open at once"), "{}", limit.title);
    assert_eq!(limit.jobs.len(), 18);
}

#[test]
fn one_row_that_passes_alone_is_asked_twice_more_and_a_node_that_differs_is_no_limit() {
    let world = world(proxied(Identity::Bypass));
    let answer = |time, status| told(0, alone(time), 1, leg(None, Some(status)));
    let seen = [denied(0, 15), answer(1, 200)];
    assert_eq!(jobs(&asked(&world, &seen)), [(0, Ask::Alone(2)), (0, Ask::Alone(3))]);
    for (third, is_limit) in [(200, true), (403, false)] {
        let seen = [denied(0, 15), answer(1, 200), answer(2, 200), answer(3, third)];
        let (verdicts, findings) = world.judged(&seen);
        assert_eq!(findings.iter().any(|finding| finding.code == "proxy.client_limit"), is_limit, "{findings:#?}");
        assert_eq!(verdicts[0].cause == Cause::Flaky, !is_limit, "{:?}", verdicts[0]);
    }
}

#[test]
fn a_login_goes_out_again_only_where_it_was_taken_and_never_after_a_refusal_or_a_silence() {
    let world = world(proxied(Identity::User));
    let login = || Some(Credential { scheme: Scheme::Basic, length: 20, detail: String::new(), token: None });
    let row = |job, status| told(job, Attempt::First, 9, leg(login(), status));
    assert_eq!(asked(&world, &[row(0, Some(403))]), [], "nobody knows that it is right");
    let taken = || row(1, Some(200));
    assert_eq!(jobs(&asked(&world, &[row(0, Some(403)), taken()])), [(0, Ask::Alone(1))]);
    assert_eq!(asked(&world, &[row(0, None), taken()]), [], "left unanswered");
    let refused = stopped(
        way(0, Attempt::First),
        Evidence::Proxy(TunnelEvidence { legs: vec![leg(login(), Some(407))], ..TunnelEvidence::default() }),
        Fault::CredentialsNoLongerTaken { is_first: false },
    );
    assert_eq!(asked(&world, &[refused, taken()]), [], "refused");
}

#[test]
fn of_a_silent_group_one_is_asked_and_the_others_if_it_answers() {
    let world = world(PlannedRoute::Direct);
    let silent = |job| tcp(job, Attempt::First, 20, Some(Fault::ConnectTimeout));
    let group: Vec<Observation> = (0..4).map(silent).collect();
    let sample = asked(&world, &group);
    assert_eq!(jobs(&sample), [(0, Ask::Alone(1))]);
    assert!(sample[0].is_brief, "silence is not waited for as long again");
    let stands = [group.clone(), vec![tcp(0, alone(1), 1, Some(Fault::ConnectTimeout))]].concat();
    assert_eq!(asked(&world, &stands), []);
    assert_eq!(world.judged(&stands).0[0].cause.code(), "tcp.timeout");
    let answers = [group, vec![tcp(0, alone(1), 1, None)]].concat();
    assert_eq!(jobs(&asked(&world, &answers)), [(1, Ask::Alone(1)), (2, Ask::Alone(1)), (3, Ask::Alone(1))]);
    let (verdicts, _) = world.judged(&answers);
    assert_eq!((verdicts[1].status, verdicts[1].cause.code().as_str()), (Status::Inconclusive, "tcp.client_limit"));
}

#[test]
fn a_question_that_the_end_of_the_run_cut_off_leaves_its_row_open() {
    let world = world(proxied(Identity::Bypass));
    for (fault, code) in [(Fault::BudgetSpent, "x.budget"), (Fault::Interrupted, "x.not_tested")] {
        let cut = way(0, alone(1)).cut_short(fault, Instant::now());
        let (verdicts, findings) = world.judged(&[denied(0, 15), denied(1, 1), cut]);
        assert_eq!((verdicts[0].status, verdicts[0].cause.code().as_str()), (Status::Inconclusive, code));
        assert_eq!(verdicts[0].follow_ups, 0, "it was not asked");
        assert_eq!(verdicts[1].cause.code(), "proxy.denied_403", "this one was alone");
        assert!(findings.iter().any(|finding| finding.code == code), "{findings:#?}");
    }
}

#[test]
fn a_reset_and_a_close_are_one_ending() {
    let world = world(PlannedRoute::Direct);
    let seen = [
        shaking(0, Attempt::First, Some(Fault::ResetByPeer { received: 0 })),
        shaking(0, Attempt::Again, Some(Fault::ClosedByPeer { received: 0 })),
    ];
    let (verdicts, _) = world.judged(&seen);
    assert_eq!((verdicts[0].cause.code().as_str(), verdicts[0].status), ("tls.fin_after_hello", Status::Blocked));
}

#[test]
fn one_message_explains_the_silence_of_its_neighbours_and_of_nobody_else() {
    let world = world(PlannedRoute::Direct);
    let tried = |job, port: u16, outcome, fault| {
        let address = SocketAddr::new(address().ip(), port);
        let attempts = vec![TcpAttempt { address, outcome, took: Duration::ZERO }];
        stopped(way(job, Attempt::First), Evidence::Tcp(TcpEvidence { attempts, carried: None }), fault)
    };
    let message = |job| {
        let said_by = Some("10.9.0.1".parse().expect("an address"));
        let outcome = TcpOutcome::Failed { fault: Fault::Prohibited, detail: String::new(), said_by };
        tried(job, 443, outcome, Fault::Prohibited)
    };
    let silent = |job, port| {
        let outcome = TcpOutcome::Failed { fault: Fault::ConnectTimeout, detail: String::new(), said_by: None };
        tried(job, port, outcome, Fault::ConnectTimeout)
    };
    let (verdicts, _) = world.judged(&[message(0), silent(1, 443), silent(2, 80)]);
    let codes: Vec<String> = verdicts[..3].iter().map(|row| row.cause.code()).collect();
    assert_eq!(codes, ["tcp.admin_prohibited", "tcp.admin_prohibited", "tcp.timeout"]);
    assert!(verdicts[1].summary.contains("10.9.0.1 said so by ICMP"), "{}", verdicts[1].summary);
}
