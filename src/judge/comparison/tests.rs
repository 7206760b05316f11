//! Tables of rows side by side and what they show together.

use std::time::{Duration, Instant};

use rcgen::{CertificateParams, KeyPair};

use super::table::{FRESH_LEAF, LOWER_THAN_DIRECT, NO_SCT, PLAIN_BLOCKED};
use super::*;
use crate::catalogue::{Catalogue, CatalogueSource, OsSelection, Solution, TrustClass};
use crate::certificate::Certificate;
use crate::observation::recording::{MachineRootsNote, Roots};
use crate::observation::{
    Attempt, DnsEvidence, Ended, Evidence, NameSource, Question, RecordType, Recorder, TlsEvidence,
};
use crate::plan::{Budget, Plan, Scheme, SchemeChoice};

const V10C: &str = "v10c.events.data.microsoft.com";
const V20: &str = "v20.events.data.microsoft.com";
const LOGIN: &str = "login.live.com";
const GONE: &str = "gone.data.microsoft.com";

/// The hosts above in this order; a row of a test names its endpoint by the place here.
const CATALOGUE: &str = r#"
schema = "waprobe-catalogue/1"
[[endpoint]]
name = "v10c"
url = "https://v10c.events.data.microsoft.com"
trust = ["microsoft-application-root"]
[[endpoint]]
name = "v20"
url = "https://v20.events.data.microsoft.com"
trust = ["microsoft-application-root"]
[[endpoint]]
name = "login-live"
url = "https://login.live.com"
trust = ["microsoft-application-root"]
[[endpoint]]
name = "gone"
url = "https://gone.data.microsoft.com"
trust = ["microsoft-application-root"]
lifecycle = "retired"
"#;

/// A fifth endpoint, for rows of five.
const PLAIN: &str = r#"
[[endpoint]]
name = "plain"
url = "http://plain.windows.com"
"#;

fn proxied(identity: Identity) -> PlannedRoute {
    let proxy = "http://proxy.example:8080".parse().expect("a proxy");
    PlannedRoute::Proxy { proxy, identity, scheme: SchemeChoice::Auto }
}

/// What a test says of one row.
#[derive(Clone)]
enum Told {
    Untested,
    Genuine,
    OtherRoot,
    Inspected,
    InspectedWith(Certificate),
    GenuineWith(Certificate),
    Stopped(Stage, Cause),
    Hinted(Box<Told>, &'static [&'static str]),
}

use Told::{Genuine, GenuineWith, Hinted, Inspected, InspectedWith, OtherRoot, Stopped, Untested};

fn verdict(job: JobId, told: &Told) -> Verdict {
    if let Hinted(told, tells) = told {
        let mut verdict = verdict(job, told);
        if let Some(chain) = &mut verdict.chain {
            chain.tells = tells.to_vec();
        }
        return verdict;
    }
    let (stage, cause, chain) = match told {
        Untested => (Stage::Dns, Cause::NotTested, None),
        Genuine => (Stage::Http, Cause::Ok, Some((Reached::Class(TrustClass::MicrosoftApplicationRoot), None))),
        GenuineWith(leaf) => {
            (Stage::Http, Cause::Ok, Some((Reached::Class(TrustClass::MicrosoftApplicationRoot), Some(leaf))))
        }
        OtherRoot => (Stage::Chain, Cause::ChainWrongClass, Some((Reached::Public, None))),
        Inspected => (Stage::Chain, Cause::InterceptedTrusted, Some((Reached::Machine, None))),
        InspectedWith(leaf) => (Stage::Chain, Cause::InterceptedTrusted, Some((Reached::Machine, Some(leaf)))),
        Stopped(stage, cause) => (*stage, cause.clone(), None),
        Hinted(..) => unreachable!("handled above"),
    };
    let status = cause.facts().status;
    let chain = chain.map(|(reached, leaf)| ChainVerdict {
        status,
        cause: cause.clone(),
        expected: vec![TrustClass::MicrosoftApplicationRoot],
        reached,
        anchor: None,
        proved: Some(true),
        lacks_root: false,
        machine_trusts: None,
        product: None,
        tells: Vec::new(),
        summary: String::new(),
        evidence: Vec::new(),
        certificates: leaf.cloned().into_iter().collect(),
    });
    Verdict { status, chain, ..Verdict::new(job, cause, stage) }
}

/// The findings over the rows of each route, and the verdicts with their hints.
fn compared<const N: usize>(
    routes: &[(PlannedRoute, [Told; N])],
    observations: &[Observation],
) -> (Vec<Finding>, Vec<Verdict>) {
    let text = if N > 4 { [CATALOGUE, PLAIN].concat() } else { CATALOGUE.to_owned() };
    let source = CatalogueSource::gather("test.toml", text, |name| Err(format!("no file {name}")));
    let catalogue = Catalogue::read(source).unwrap_or_else(|complaints| panic!("{complaints}"));
    let planned = routes.iter().map(|(route, _)| route.clone()).collect();
    let plan = Plan::new(&catalogue, planned, Budget::default(), OsSelection::all(), Solution::ALL.to_vec());
    let note = MachineRootsNote { source: "a test".into(), count: 0, ..MachineRootsNote::default() };
    let roots = Roots { machine: Vec::new(), note, ..Roots::default() };
    let at = "2026-11-22T10:30:00Z".parse().expect("a moment");
    let grounds = Grounds::new(&catalogue, &plan, &roots, at, Ended::Complete);
    let mut verdicts: Vec<Verdict> =
        plan.jobs.iter().map(|job| verdict(job.id, &routes[job.route].1[job.endpoint])).collect();
    let before: Vec<(Status, Cause)> = verdicts.iter().map(|verdict| (verdict.status, verdict.cause.clone())).collect();
    mark_shared_keys(&grounds, &mut verdicts);
    let after: Vec<(Status, Cause)> = verdicts.iter().map(|verdict| (verdict.status, verdict.cause.clone())).collect();
    assert_eq!(before, after, "a comparison changes no row");
    (comparisons(&grounds, &verdicts, observations), verdicts)
}

fn findings<const N: usize>(routes: &[(PlannedRoute, [Told; N])]) -> Vec<Finding> {
    compared(routes, &[]).0
}

fn codes(findings: &[Finding]) -> Vec<&str> {
    findings.iter().map(|finding| finding.code.as_str()).collect()
}

fn jobs_of(finding: &Finding) -> Vec<u32> {
    finding.jobs.iter().map(|job| job.0).collect()
}

#[test]
fn forgotten_exclusions_are_listed_beside_those_that_exist() {
    let found = findings(&[(proxied(Identity::Bypass), [Genuine, Inspected, Inspected, OtherRoot])]);
    assert_eq!(codes(&found), [PARTIAL.code]);
    assert_eq!(found[0].title, "TLS is inspected for some hosts only (http://proxy.example:8080)");
    assert_eq!(
        found[0].remedy,
        format!(
            "keep what is left alone already ({V10C} {GONE}), and exclude exactly these host names from TLS inspection \
             as well: {V20} {LOGIN}"
        )
    );
    assert_eq!((jobs_of(&found[0]), found[0].owner), (vec![1, 2], Owner::ProxyTeam));
}

#[test]
fn where_everything_or_nothing_is_inspected_nothing_is_partial() {
    for rows in [
        [Inspected, Inspected, Inspected, Inspected],
        [Genuine, Genuine, OtherRoot, Untested],
        [Inspected, Untested, Stopped(Stage::Tls, Cause::TlsRstAfterHello), Untested],
    ] {
        assert_eq!(codes(&findings(&[(proxied(Identity::Bypass), rows)])), [] as [&str; 0]);
    }
}

#[test]
fn two_accounts_of_one_proxy_with_the_same_gaps_make_one_finding() {
    let rows = [Genuine, Inspected, Untested, Untested];
    let found = findings(&[(proxied(Identity::Bypass), rows.clone()), (proxied(Identity::User), rows)]);
    assert_eq!(codes(&found), [PARTIAL.code]);
    assert_eq!(jobs_of(&found[0]), [1, 5]);
}

#[test]
fn a_proxy_that_asks_on_one_of_its_two_ways_is_told() {
    let asked = || Stopped(Stage::Proxy, Cause::PauthRequired);
    let tunnels_and = |tunnel: &Told, plain| [tunnel.clone(), tunnel.clone(), tunnel.clone(), tunnel.clone(), plain];
    for (rows, code) in [
        (tunnels_and(&asked(), Genuine), Some(CONNECT_ONLY.code)),
        (tunnels_and(&Genuine, asked()), Some(GET_ONLY.code)),
        (tunnels_and(&Genuine, Genuine), None),
        (tunnels_and(&asked(), asked()), None),
        ([asked(), Genuine, Genuine, Genuine, asked()], None),
        (tunnels_and(&Untested, asked()), None),
    ] {
        let found = findings(&[(proxied(Identity::Bypass), rows)]);
        assert_eq!(codes(&found), code.into_iter().collect::<Vec<_>>());
        if let [found] = found.as_slice() {
            assert_eq!(found.jobs.len(), if code == Some(GET_ONLY.code) { 1 } else { 4 });
        }
    }
}

#[test]
fn the_route_that_inspects_and_the_one_that_does_not_are_named() {
    let genuine = [Genuine, Genuine, Untested, Untested];
    let inspected = [Inspected, Inspected, Inspected, Untested];
    let found = findings(&[(PlannedRoute::Direct, genuine.clone()), (proxied(Identity::User), inspected.clone())]);
    assert_eq!(codes(&found), [PATH_DIFFERENCE.code]);
    assert_eq!(found[0].title, "TLS is inspected on http://proxy.example:8080, and not on the direct route");
    assert!(found[0].remedy.ends_with(&format!(": {V10C} {V20}")), "{}", found[0].remedy);
    assert_eq!(jobs_of(&found[0]), [4, 5]);

    let found = findings(&[(proxied(Identity::Bypass), genuine), (proxied(Identity::User), inspected)]);
    assert_eq!(
        found[0].title,
        "TLS is inspected on http://proxy.example:8080 as the user, and not on http://proxy.example:8080 without \
         credentials"
    );

    let other = [OtherRoot, Untested, Untested, Untested];
    let inspected = [Inspected, Untested, Untested, Untested];
    let found = findings(&[(PlannedRoute::Direct, other), (proxied(Identity::User), inspected)]);
    assert_eq!(codes(&found), [] as [&str; 0], "another root is no proof of the genuine host");
}

/// A certificate for `names` with `key`.
fn leaf(names: &[&str], key: &KeyPair) -> Certificate {
    let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
    let params = CertificateParams::new(names).expect("names");
    Certificate::from_der(params.self_signed(key).expect("a certificate").der().to_vec())
}

#[test]
fn one_key_for_unrelated_hosts_is_told_and_one_certificate_for_related_ones_is_not() {
    let key = KeyPair::generate().expect("a key");
    let other_key = KeyPair::generate().expect("a key");
    let wildcard = || InspectedWith(leaf(&["*.events.data.microsoft.com"], &key));
    let inspected = |host: &str, key: &KeyPair| InspectedWith(leaf(&[host], key));
    for (rows, told, why) in [
        ([wildcard(), wildcard(), inspected(LOGIN, &key), Untested], vec![0, 1, 2], "login.live.com is a stranger"),
        ([wildcard(), wildcard(), inspected(LOGIN, &other_key), Untested], vec![], "one certificate covers both"),
        ([inspected(V10C, &key), inspected(V20, &key), Untested, Untested], vec![0, 1], "two certificates, one key"),
        ([inspected(V10C, &key), inspected(V20, &other_key), Untested, Untested], vec![], "a key each"),
        (
            [GenuineWith(leaf(&[V10C], &key)), GenuineWith(leaf(&[LOGIN], &key)), inspected(LOGIN, &key), Untested],
            vec![],
            "whoever owns genuine hosts gives them what keys they like",
        ),
    ] {
        let (found, verdicts) = compared(&[(proxied(Identity::Bypass), rows)], &[]);
        let hinted: Vec<u32> = verdicts
            .iter()
            .filter(|verdict| verdict.chain.as_ref().is_some_and(|chain| chain.tells == [SAME_KEY_TELL]))
            .map(|verdict| verdict.job.0)
            .collect();
        assert_eq!(hinted, told, "{why}");
        let found: Vec<&Finding> = found.iter().filter(|finding| finding.code == SAME_KEY.code).collect();
        assert_eq!(found.len(), usize::from(!told.is_empty()), "{why}");
        assert!(found.iter().all(|finding| jobs_of(finding) == told), "{why}");
    }
}

#[test]
fn a_key_is_compared_within_one_route() {
    let key = KeyPair::generate().expect("a key");
    let rows = |host: &str, place: usize| {
        let mut rows = [Untested, Untested, Untested, Untested];
        rows[place] = InspectedWith(leaf(&[host], &key));
        rows
    };
    let found = findings(&[(PlannedRoute::Direct, rows(V10C, 0)), (proxied(Identity::User), rows(LOGIN, 2))]);
    assert_eq!(codes(&found), [] as [&str; 0]);
}

#[test]
fn one_account_is_let_through_and_the_other_refused() {
    let welcome = || [Genuine, Untested, Untested, Untested];
    let stopped = |cause| [Stopped(Stage::Proxy, cause), Untested, Untested, Untested];
    for (user, device, code) in [
        (welcome(), stopped(Cause::PauthDeniedAfterAuth), Some(MACHINE_DENIED.code)),
        (welcome(), stopped(Cause::PauthRejected), Some(MACHINE_DENIED.code)),
        (stopped(Cause::PauthRejected), welcome(), Some(USER_DENIED.code)),
        (stopped(Cause::PauthRejected), stopped(Cause::PauthRejected), None),
        (welcome(), stopped(Cause::PauthNoCommonScheme), None),
        (welcome(), stopped(Cause::ProxyTcpRefused), None),
        (welcome(), welcome(), None),
    ] {
        let found = findings(&[(proxied(Identity::User), user), (proxied(Identity::Device), device)]);
        assert_eq!(codes(&found), code.into_iter().collect::<Vec<_>>());
    }
}

#[test]
fn an_account_that_gets_in_with_another_scheme_is_not_refused() {
    let refused = [Stopped(Stage::Proxy, Cause::PauthRejected), Untested, Untested, Untested];
    let welcome = [Genuine, Untested, Untested, Untested];
    let by_ntlm = match proxied(Identity::Device) {
        PlannedRoute::Proxy { proxy, identity, .. } => {
            PlannedRoute::Proxy { proxy, identity, scheme: SchemeChoice::Forced(Scheme::Ntlm) }
        }
        PlannedRoute::Direct => PlannedRoute::Direct,
    };
    let found = findings(&[
        (proxied(Identity::User), welcome.clone()),
        (proxied(Identity::Device), refused),
        (by_ntlm, welcome),
    ]);
    assert_eq!(codes(&found), [] as [&str; 0]);
}

#[test]
fn a_name_that_only_this_network_denies_is_told_from_one_that_is_gone() {
    let denied = || Stopped(Stage::Dns, Cause::DnsNxdomain);
    let upstream = |cause| Stopped(Stage::Proxy, cause);
    let rows = |first, last| [first, Untested, Untested, last];
    for (direct, proxy, code) in [
        (rows(denied(), Untested), rows(Genuine, Untested), Some(NXDOMAIN_LOCAL.code)),
        (rows(denied(), Untested), rows(Inspected, Untested), None),
        (rows(denied(), Untested), rows(upstream(Cause::ProxyUpstreamDns), Untested), None),
        (rows(Untested, denied()), rows(Untested, upstream(Cause::ProxyUpstreamDns)), Some(NXDOMAIN_EVERYWHERE.code)),
        (rows(Untested, denied()), rows(Untested, upstream(Cause::PauthRequired)), Some(NXDOMAIN_EVERYWHERE.code)),
        (rows(Untested, denied()), rows(Untested, upstream(Cause::ProxyUpstreamRefused)), None),
        (rows(Untested, denied()), rows(Untested, Stopped(Stage::Tls, Cause::TlsRstAfterHello)), None),
        (rows(Untested, denied()), rows(Untested, Genuine), Some(NXDOMAIN_LOCAL.code)),
    ] {
        let found = findings(&[(PlannedRoute::Direct, direct), (proxied(Identity::Bypass), proxy)]);
        assert_eq!(codes(&found), code.into_iter().collect::<Vec<_>>());
    }
}

/// An answer of one server to one question.
fn said(record: RecordType, rcode: Option<u16>, address: Option<&str>) -> ServerAnswer {
    ServerAnswer {
        server: "192.0.2.53:53".parse().expect("an address"),
        question: Question { record },
        over_tcp: false,
        took: Duration::ZERO,
        rcode,
        authoritative: false,
        cnames: Vec::new(),
        addresses: address.map(|address| address.parse().expect("an address")).into_iter().collect(),
        extended_errors: Vec::new(),
        failure: None,
    }
}

#[test]
fn a_second_and_different_answer_to_one_question_is_told() {
    let a = |address| said(RecordType::A, Some(0), Some(address));
    let elsewhere = ServerAnswer { server: "192.0.2.54:53".parse().expect("an address"), ..a("203.0.113.7") };
    for (answers, is_told) in [
        (vec![a("203.0.113.1"), a("203.0.113.7")], true),
        (vec![a("203.0.113.1"), said(RecordType::A, Some(3), None)], true),
        (vec![a("203.0.113.1"), a("203.0.113.1")], false),
        (vec![a("203.0.113.1"), said(RecordType::Aaaa, Some(0), None)], false),
        (vec![a("203.0.113.1"), said(RecordType::A, None, None)], false),
        (vec![a("203.0.113.1"), elsewhere], false),
    ] {
        let seen = DnsEvidence {
            name: V10C.to_owned(),
            source: NameSource::System,
            addresses: Vec::new(),
            system: None,
            answers: answers.clone(),
        };
        let now = Instant::now();
        let mut recorder = Recorder::new(JobId(0), Attempt::First, now);
        recorder.passed(Stage::Dns, Duration::ZERO, Evidence::Dns(seen));
        let rows = [Genuine, Untested, Untested, Untested];
        let (found, _) = compared(&[(PlannedRoute::Direct, rows)], &[recorder.finish(now)]);
        assert_eq!(codes(&found), if is_told { vec![INJECTED.code] } else { vec![] }, "{answers:?}");
        assert!(found.iter().all(|finding| jobs_of(finding) == [0]));
    }
}

#[test]
fn an_older_tls_version_through_a_proxy_is_a_hint_and_a_newer_one_is_none() {
    for (direct, proxy, is_told) in
        [("TLSv1.3", "TLSv1.2", true), ("TLSv1.3", "TLSv1.3", false), ("TLSv1.2", "TLSv1.3", false)]
    {
        let now = Instant::now();
        let seen = |job, version: &str| {
            let mut recorder = Recorder::new(JobId(job), Attempt::First, now);
            let tls = TlsEvidence { version: Some(version.to_owned()), ..TlsEvidence::begun(V10C) };
            recorder.passed(Stage::Tls, Duration::ZERO, Evidence::Tls(Box::new(tls)));
            recorder.finish(now)
        };
        let rows = [Genuine, Untested, Untested, Untested];
        let routes = [(PlannedRoute::Direct, rows.clone()), (proxied(Identity::Bypass), rows)];
        let (found, _) = compared(&routes, &[seen(0, direct), seen(4, proxy)]);
        assert_eq!(codes(&found), if is_told { vec![LOWER_THAN_DIRECT.code] } else { vec![] }, "{direct} {proxy}");
        assert!(found.iter().all(|finding| jobs_of(finding) == [4]));
    }
}

#[test]
fn how_the_certificates_were_made_supports_an_interception_and_accuses_nobody_alone() {
    let with = |told: Told| Hinted(Box::new(told), &["fresh-leaf", "no-sct"]);
    let found = findings(&[(proxied(Identity::Bypass), [with(Inspected), Inspected, Untested, Untested])]);
    assert_eq!(codes(&found), [FRESH_LEAF.code, NO_SCT.code]);
    assert!(found.iter().all(|finding| jobs_of(finding) == [0]));
    assert!(findings(&[(proxied(Identity::Bypass), [with(Genuine), with(OtherRoot), Untested, Untested])]).is_empty());
}

#[test]
fn plain_http_that_is_blocked_beside_https_that_is_not_names_the_port() {
    let closed = || Stopped(Stage::Tcp, Cause::TcpTimeout);
    for (rows, is_told) in [
        ([Genuine, Genuine, Genuine, Genuine, closed()], true),
        ([Genuine, Genuine, Genuine, closed(), closed()], false),
        ([Untested, Untested, Untested, Untested, closed()], false),
        ([Genuine, Genuine, Genuine, Genuine, Stopped(Stage::Dns, Cause::DnsNxdomain)], false),
        ([Genuine, Genuine, Genuine, Genuine, Stopped(Stage::Http, Cause::HttpBlockPage)], false),
        ([Genuine, Genuine, Genuine, Genuine, Stopped(Stage::Proxy, Cause::PauthRequired)], false),
    ] {
        let found = findings(&[(PlannedRoute::Direct, rows)]);
        assert_eq!(codes(&found), if is_told { vec![PLAIN_BLOCKED.code] } else { vec![] });
        assert!(found.iter().all(|finding| finding.owner == Owner::FirewallTeam && jobs_of(finding) == [4]));
    }
    let denied = [Genuine, Genuine, Genuine, Genuine, Stopped(Stage::Proxy, Cause::ProxyDenied403)];
    let found = findings(&[(proxied(Identity::Bypass), denied)]);
    assert_eq!((codes(&found), found[0].owner), (vec![PLAIN_BLOCKED.code], Owner::ProxyTeam));
}
