//! Rows that were asked as several clients: whose answer counts for whom.

use super::*;
use crate::catalogue::ImpactRow::{self, Win10V1809AndLater, Win11AndLater};
use crate::plan::ClientProfile::{self, Tls12, Tls13};

const CONNECTED: &str = "192.0.2.10";

fn on_the_way(job: u32, profile: Option<ClientProfile>) -> Way {
    let now = Instant::now();
    let recorder = Recorder::new(JobId(job), Attempt::First, now).asks_as(profile, false);
    Way { recorder, now }
}

/// A handshake that `fault` ended, or that came to `version` and a certificate that nobody knows.
fn handshake(way: Way, version: Option<&str>, fault: Option<Fault>) -> Observation {
    let way = way.passed(Evidence::Dns(dns(&[CONNECTED]))).passed(tcp(&[(CONNECTED, TcpOutcome::Connected)]));
    let key = rcgen::KeyPair::generate().expect("a key");
    let params = rcgen::CertificateParams::new(vec!["v10c.events.data.microsoft.com".to_owned()]).expect("a name");
    let certificate = params.self_signed(&key).expect("a certificate");
    let mut seen = TlsEvidence::begun("v10c.events.data.microsoft.com");
    seen.version = version.map(str::to_owned);
    seen.chain = version.map(|_| Certificate::from_der(certificate.der().to_vec())).into_iter().collect();
    seen.signature = Signature::Verified { scheme: "ECDSA_NISTP256_SHA256".into() };
    match fault {
        Some(fault) => way.stopped(Evidence::Tls(Box::new(seen)), fault),
        None => way.passed(Evidence::Tls(Box::new(seen))).finished(),
    }
}

const RESET: Option<Fault> = Some(Fault::ResetByPeer { received: 0 });

fn met(row: &Verdict, column: ImpactRow) -> (Status, String) {
    let met = row.for_column(column);
    (met.status, met.cause.code())
}

#[test]
fn each_client_is_judged_by_its_own_handshake_and_the_row_says_the_worst() {
    let older = handshake(on_the_way(TLS, Some(Tls12)), Some("TLS 1.2"), None);
    let newer = handshake(on_the_way(TLS, Some(Tls13)), None, RESET);
    let row = verdict_on(direct(), TLS, &[older, newer], Ended::Complete);
    assert_eq!((row.status, row.cause.code().as_str()), (Status::Intercepted, "intercepted.untrusted"));
    assert!(row.summary.ends_with("only as Windows 10, Server 2019 and older (TLS 1.2) ask"), "{}", row.summary);
    assert_eq!(met(&row, Win10V1809AndLater), (Status::Intercepted, "intercepted.untrusted".to_owned()));
    assert_eq!(met(&row, Win11AndLater), (Status::Blocked, "tls.rst_after_hello".to_owned()));
    assert!(row.evidence.iter().any(|line| line.contains("(tls.rst_after_hello)")), "{:#?}", row.evidence);
}

#[test]
fn both_faults_of_a_row_have_their_finding_with_the_versions_that_it_is_about() {
    let older = handshake(on_the_way(TLS, Some(Tls12)), Some("TLS 1.2"), None);
    let newer = handshake(on_the_way(TLS, Some(Tls13)), None, RESET);
    let (_, found) = judged_on(direct(), &[older, newer], Ended::Complete);
    let title = |code: &str| found.iter().find(|finding| finding.code == code).expect(code).title.clone();
    assert!(title("intercepted.untrusted").ends_with("for Windows 10, Server 2019 and older (TLS 1.2) only"));
    assert!(title("tls.rst_after_hello").ends_with("for Windows 11, Server 2022 and later (TLS 1.3) only"));
    let finding = found.iter().find(|finding| finding.code == "tls.rst_after_hello").expect("a finding");
    assert!(!finding.remedy.starts_with("let TLS 1.2 pass"), "{}", finding.remedy);
}

#[test]
fn what_stops_the_way_before_the_handshake_counts_for_every_client() {
    let now = Instant::now();
    let recorder = Recorder::new(JobId(TLS), Attempt::First, now).asks_as(Some(Tls12), true);
    let refused = Way { recorder, now }
        .passed(Evidence::Dns(dns(&[CONNECTED])))
        .stopped(tcp(&[(CONNECTED, failed(Fault::ConnectionRefused))]), Fault::ConnectionRefused);
    assert_eq!(refused.profile(), None);
    let row = verdict_on(direct(), TLS, &[refused], Ended::Complete);
    for column in [Win10V1809AndLater, Win11AndLater] {
        assert_eq!(met(&row, column), (Status::Blocked, "tcp.refused".to_owned()));
    }
    assert_eq!(row.clients.len(), 2);
}

#[test]
fn a_second_connection_that_a_proxy_refuses_says_nothing_of_newer_windows() {
    let ahead = handshake(on_the_way(TLS, Some(Tls12)), Some("TLS 1.2"), None);
    let mut behind = on_the_way(TLS, Some(Tls13));
    behind.recorder.inherited(Stage::Dns, Duration::ZERO, Evidence::Dns(dns(&[CONNECTED])));
    let behind = behind
        .passed(tcp(&[(CONNECTED, TcpOutcome::Connected)]))
        .stopped(tunnel(), Fault::TunnelRefused { status: 403 });
    assert!(behind.is_behind());
    let row = verdict_on(proxied(), TLS, &[ahead, behind], Ended::Complete);
    assert_eq!(met(&row, Win11AndLater), (Status::Inconclusive, "x.flaky".to_owned()));
    assert_eq!(met(&row, Win10V1809AndLater).0, Status::Intercepted);
}

#[test]
fn a_client_that_was_not_tested_leaves_the_row_untested() {
    let (verdicts, _) = judged_on(direct(), &[], Ended::OutOfTime);
    for row in &verdicts {
        assert_eq!((row.status, row.for_column(Win11AndLater).status), (Status::NotTested, Status::NotTested));
    }
}

/// A plan from before there were profiles.
fn judged_of_old(observations: &[Observation]) -> (Plan, Vec<Verdict>) {
    let source = CatalogueSource::gather("test.toml", CATALOGUE.to_owned(), |name| Err(format!("no file {name}")));
    let catalogue = Catalogue::read(source).unwrap_or_else(|complaints| panic!("{complaints}"));
    let mut plan = Plan::new(&catalogue, vec![direct()], Budget::default(), OsSelection::all(), Solution::ALL.to_vec());
    plan.profiles.clear();
    let roots = Roots::default();
    let at = "2026-11-22T10:30:00Z".parse().expect("a moment");
    let verdicts = judge(&Grounds::new(&catalogue, &plan, &roots, at, Ended::Complete), observations);
    (plan, verdicts)
}

#[test]
fn an_older_recording_counts_for_those_who_could_have_had_its_handshake() {
    let old = |version, fault| handshake(on_the_way(TLS, None), version, fault);
    for (version, fault, is_known_for_older) in [
        (Some("TLS 1.2"), None, true),
        (Some("TLS 1.3"), None, false),
        // Whether a hello of TLS 1.2 alone would have been reset too was not asked.
        (None, RESET, false),
    ] {
        let (plan, verdicts) = judged_of_old(&[old(version, fault)]);
        let row = &verdicts[TLS as usize];
        assert_eq!(row.is_asked_for(Win10V1809AndLater), is_known_for_older, "{version:?}");
        assert!(row.is_asked_for(Win11AndLater));
        assert_eq!(row.for_column(Win10V1809AndLater).status, row.status);
        assert_eq!(is_unasked(&plan, &verdicts), !is_known_for_older, "{version:?}");
    }
}
