//! Hosts with several addresses: which are asked, and what the others say of the row.

use super::*;
use crate::observation::Stage;

const OTHER: &str = "203.0.113.20:443";
const V6: &str = "[2001:db8::20]:443";

fn at(text: &str) -> SocketAddr {
    text.parse().expect("an address")
}

/// The row's own connection, beside which the other addresses came to this.
fn beside(others: &[(&str, TcpOutcome)]) -> Recorder {
    let own = TcpAttempt { address: address(), outcome: TcpOutcome::Connected, took: Duration::ZERO };
    let others = others.iter().map(|(other, outcome)| TcpAttempt {
        address: at(other),
        outcome: outcome.clone(),
        took: Duration::ZERO,
    });
    let mut recorder = way(PLAIN, Attempt::First);
    let attempts = std::iter::once(own).chain(others).collect();
    recorder.passed(Stage::Tcp, Duration::ZERO, Evidence::Tcp(TcpEvidence { attempts, carried: Some(address()) }));
    recorder
}

fn healthy(others: &[(&str, TcpOutcome)]) -> Observation {
    let mut recorder = beside(others);
    let http = HttpEvidence { status: Some(404), ..HttpEvidence::begun("GET /".into()) };
    recorder.passed(Stage::Http, Duration::ZERO, Evidence::Http(http));
    recorder.finish(Instant::now())
}

fn elsewhere(address: &str) -> Attempt {
    Attempt::FollowUp(Ask::Address(at(address)))
}

fn refused() -> TcpOutcome {
    TcpOutcome::Failed { fault: Fault::ConnectionRefused, detail: String::new(), said_by: None }
}

#[test]
fn every_address_that_connected_or_may_yet_is_asked_who_it_is() {
    let world = World::new(|all| all);
    let seen = [healthy(&[(OTHER, TcpOutcome::Connected), (V6, TcpOutcome::Pending), ("203.0.113.30:443", refused())])];
    assert_eq!(world.asked(&seen), [Ask::Address(at(OTHER)), Ask::Address(at(V6))]);
    let asked = follow_ups(&world.grounds(), &judge(&world.grounds(), &seen), &seen);
    assert_eq!(asked[0].address, Some(at(OTHER)), "and it is asked there");
    assert_eq!(World::new(|all| FollowUps { wanted: false, ..all }).asked(&seen), []);
    assert_eq!(world.asked(&[healthy(&[])]), [], "most hosts have one");
}

#[test]
fn a_row_that_fails_is_not_asked_for_at_other_addresses() {
    let world = World::new(|all| all);
    let silent = stopped(
        beside(&[(OTHER, TcpOutcome::Connected)]),
        Evidence::Http(HttpEvidence::begun("GET /".into())),
        Fault::ResetByPeer { received: 0 },
    );
    assert!(!world.asked(&[silent]).iter().any(|ask| matches!(ask, Ask::Address(_))));
}

#[test]
fn an_address_that_fails_beside_one_that_answers_degrades_the_row() {
    let world = World::new(|all| all);
    let row = |others: &[(&str, TcpOutcome)], answers: Vec<Observation>| {
        let (mut verdicts, _) = world.judged(&[vec![healthy(others)], answers].concat());
        let verdict = verdicts.swap_remove(PLAIN as usize);
        assert_eq!(verdict.follow_ups, 1);
        (verdict.status, verdict.cause.code(), verdict.summary)
    };
    let dropped_at = |address| {
        let evidence = Evidence::Tcp(TcpEvidence { attempts: Vec::new(), carried: None });
        stopped(way(PLAIN, elsewhere(address)), evidence, Fault::ConnectTimeout)
    };
    let (status, code, summary) = row(&[(OTHER, TcpOutcome::Pending)], vec![dropped_at(OTHER)]);
    assert_eq!((status, code.as_str()), (Status::Degraded, "tcp.partial_ips"));
    assert!(summary.contains("1 of 2 fail (203.0.113.20)"), "{summary}");
    let (status, code, _) = row(&[(V6, TcpOutcome::Pending)], vec![dropped_at(V6)]);
    assert_eq!((status, code.as_str()), (Status::Degraded, "tcp.v6_broken"));

    let reset = || {
        let mut recorder = way(PLAIN, elsewhere(OTHER));
        recorder.passed(Stage::Tcp, Duration::ZERO, connected());
        stopped(recorder, Evidence::Http(HttpEvidence::begun("GET /".into())), Fault::ResetByPeer { received: 0 })
    };
    let (status, code, _) = row(&[(OTHER, TcpOutcome::Connected)], vec![reset()]);
    assert_eq!((status, code.as_str()), (Status::Degraded, "tcp.partial_ips"), "connected, and nothing came of it");
}

#[test]
fn what_says_nothing_of_the_address_changes_nothing() {
    let world = World::new(|all| all);
    let answers = |attempt| answered(PLAIN, attempt, 404, "");
    let no_route = || {
        let evidence = Evidence::Tcp(TcpEvidence { attempts: Vec::new(), carried: None });
        stopped(way(PLAIN, elsewhere(V6)), evidence, Fault::NetworkUnreachable)
    };
    let too_late = || way(PLAIN, elsewhere(V6)).cut_short(Fault::TimedOut { received: 0 }, Instant::now());
    for (case, answer) in [
        ("it answers alike", answers(elsewhere(V6))),
        ("this machine has no IPv6", no_route()),
        ("the time for follow-ups was up", too_late()),
    ] {
        let (verdicts, findings) = world.judged(&[healthy(&[(V6, TcpOutcome::Pending)]), answer]);
        let verdict = &verdicts[PLAIN as usize];
        assert_eq!((verdict.status, verdict.cause.code().as_str()), (Status::Ok, "ok"), "{case}");
        assert!(findings.iter().all(|finding| !finding.jobs.contains(&verdict.job)), "{case}: {findings:?}");
    }
}
