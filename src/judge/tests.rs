//! Tables of what was seen and what it means, one row of the world at a time. Chains have tables of their own.

use std::net::{IpAddr, SocketAddr};
use std::time::{Duration, Instant};

use super::*;
use crate::catalogue::{CatalogueSource, OsSelection, Solution};
use crate::certificate::Certificate;
use crate::observation::recording::MachineRootsNote;
use crate::observation::{
    Attempt, DnsEvidence, Evidence, Fault, Header, HttpEvidence, Leg, NameSource, Question, RecordType, Recorder,
    ServerAnswer, Signature, SystemAnswer, TcpAttempt, TcpEvidence, TcpOutcome, TlsEvidence, TunnelEvidence,
};
use crate::plan::{Budget, Identity, PlannedRoute, SchemeChoice};

mod clients;
mod endings;
mod hosts;
mod plain;

const TLS: u32 = 0;
const PLAIN: u32 = 1;
const RETIRED: u32 = 2;

const CATALOGUE: &str = r#"
schema = "waprobe-catalogue/1"
[[endpoint]]
name = "v10c"
url = "https://v10c.events.data.microsoft.com"
trust = ["microsoft-application-root"]
[[endpoint]]
name = "adl"
url = "http://adl.windows.com"
trust = []
probe = { path = "/", healthy = [404] }
[[endpoint]]
name = "gone"
url = "https://gone.data.microsoft.com"
trust = ["microsoft-application-root"]
lifecycle = "retired"
"#;

fn direct() -> PlannedRoute {
    PlannedRoute::Direct
}

fn proxied() -> PlannedRoute {
    let proxy = "http://proxy.example:8080".parse().expect("a proxy");
    PlannedRoute::Proxy { proxy, identity: Identity::User, scheme: SchemeChoice::Auto }
}

fn verdict_on(route: PlannedRoute, job: u32, observations: &[Observation], ended: Ended) -> Verdict {
    let (verdicts, _) = judged_on(route, observations, ended);
    verdicts.into_iter().find(|verdict| verdict.job == JobId(job)).expect("a row for every job")
}

fn judged_on(route: PlannedRoute, observations: &[Observation], ended: Ended) -> (Vec<Verdict>, Vec<Finding>) {
    let source = CatalogueSource::gather("test.toml", CATALOGUE.to_owned(), |name| Err(format!("no file {name}")));
    let catalogue = Catalogue::read(source).unwrap_or_else(|complaints| panic!("{complaints}"));
    let plan = Plan::new(&catalogue, vec![route], Budget::default(), OsSelection::all(), Solution::ALL.to_vec());
    let note = MachineRootsNote { source: "a test".into(), count: 0, ..MachineRootsNote::default() };
    let roots = Roots { machine: Vec::new(), note, ..Roots::default() };
    let at = "2026-11-22T10:30:00Z".parse().expect("a moment");
    let grounds = Grounds::new(&catalogue, &plan, &roots, at, ended);
    let verdicts = judge(&grounds, observations);
    let found = findings(&grounds, &verdicts, observations);
    (verdicts, found)
}

/// What is seen on the way to one fault, or to one answer.
struct Way {
    recorder: Recorder,
    now: Instant,
}

impl Way {
    fn of(job: u32) -> Self {
        Self::again(job, Attempt::First)
    }

    fn again(job: u32, attempt: Attempt) -> Self {
        let now = Instant::now();
        Self { recorder: Recorder::new(JobId(job), attempt, now), now }
    }

    fn passed(mut self, evidence: Evidence) -> Self {
        self.recorder.passed(evidence.stage(), Duration::ZERO, evidence);
        self
    }

    fn stopped(self, evidence: Evidence, fault: Fault) -> Observation {
        self.recorder.stopped(evidence.stage(), Duration::ZERO, evidence, fault, self.now)
    }

    fn finished(self) -> Observation {
        self.recorder.finish(self.now)
    }
}

fn dns(addresses: &[&str]) -> DnsEvidence {
    DnsEvidence {
        name: "v10c.events.data.microsoft.com".into(),
        source: NameSource::Server("127.0.0.1:53".parse().expect("an address")),
        addresses: addresses.iter().map(|address| address.parse().expect("an address")).collect(),
        system: None,
        answers: Vec::new(),
    }
}

fn answer(cnames: &[&str], extended_errors: &[(u16, &str)]) -> ServerAnswer {
    ServerAnswer {
        server: "127.0.0.1:53".parse().expect("an address"),
        question: Question { record: RecordType::A },
        over_tcp: false,
        took: Duration::ZERO,
        rcode: Some(0),
        authoritative: false,
        cnames: cnames.iter().map(|name| (*name).to_owned()).collect(),
        addresses: Vec::new(),
        extended_errors: extended_errors.iter().map(|(code, text)| (*code, (*text).to_owned())).collect(),
        failure: None,
    }
}

fn tcp(outcomes: &[(&str, TcpOutcome)]) -> Evidence {
    let attempts: Vec<TcpAttempt> = outcomes
        .iter()
        .map(|(address, outcome)| {
            let address = SocketAddr::new(address.parse::<IpAddr>().expect("an address"), 443);
            TcpAttempt { address, outcome: outcome.clone(), took: Duration::ZERO }
        })
        .collect();
    let carried = attempts.iter().find(|attempt| attempt.outcome == TcpOutcome::Connected);
    Evidence::Tcp(TcpEvidence { carried: carried.map(|attempt| attempt.address), attempts })
}

fn failed(fault: Fault) -> TcpOutcome {
    TcpOutcome::Failed { fault, detail: "a test".into(), said_by: None }
}

fn tunnel() -> Evidence {
    Evidence::Proxy(TunnelEvidence::default())
}

fn tls() -> Evidence {
    Evidence::Tls(Box::new(TlsEvidence::begun("v10c.events.data.microsoft.com")))
}

fn http(status: u16, headers: &[(&str, &str)], body: &str) -> HttpEvidence {
    HttpEvidence {
        request: "GET /".into(),
        status: (status != 0).then_some(status),
        version: None,
        reason: String::new(),
        headers: headers.iter().map(|(name, value)| Header { name: (*name).into(), value: (*value).into() }).collect(),
        body_start: body.as_bytes().to_vec(),
        body_length: body.len() as u64,
        alert: None,
    }
}

/// The code of a single attempt that ended in `fault`.
fn code_of(route: PlannedRoute, evidence: Evidence, fault: Fault) -> String {
    let seen = Way::of(TLS).stopped(evidence, fault);
    verdict_on(route, TLS, &[seen], Ended::Complete).cause.code()
}

#[test]
fn a_name_that_cannot_be_resolved_is_the_endpoints_trouble_on_the_direct_route_and_the_proxys_on_another() {
    for (fault, code) in [
        (Fault::NameNotFound, "dns.nxdomain"),
        (Fault::NoAddresses, "dns.nodata"),
        (Fault::ServerFailure, "dns.servfail"),
        (Fault::ServerRefused, "dns.refused"),
        (Fault::ResolverSilent, "dns.timeout"),
        (Fault::ResolverPortClosed, "dns.no_resolver"),
        (Fault::ResolverUnreachable, "dns.no_resolver"),
        (Fault::LocallyDenied, "dns.no_resolver"),
        (Fault::NoResolver, "dns.no_resolver"),
        (Fault::MalformedAnswer, "dns.malformed"),
        (Fault::TruncatedAndTcpFailed, "dns.tcp53_blocked"),
        (Fault::Unrecognised { detail: "something new".into() }, "x.inconclusive"),
    ] {
        assert_eq!(code_of(direct(), Evidence::Dns(dns(&[])), fault.clone()), code, "{fault:?}");
        assert_eq!(code_of(proxied(), Evidence::Dns(dns(&[])), fault.clone()), "dns.proxy_name", "{fault:?}");
    }
}

#[test]
fn a_name_server_that_says_why_is_quoted_instead_of_its_status() {
    let mut filtered = dns(&[]);
    filtered.answers = vec![answer(&[], &[(17, "blocked by policy 7")])];
    let seen = Way::of(TLS).stopped(Evidence::Dns(filtered), Fault::NameNotFound);
    let verdict = verdict_on(direct(), TLS, &[seen], Ended::Complete);
    assert_eq!(verdict.cause.code(), "dns.ede_filtered");
    assert!(verdict.summary.contains("blocked by policy 7"), "{}", verdict.summary);

    let mut shadowed = dns(&[]);
    shadowed.answers = vec![answer(&["ceuswatcab01.privatelink.blob.core.windows.net"], &[])];
    assert_eq!(code_of(direct(), Evidence::Dns(shadowed), Fault::NameNotFound), "dns.privatelink_shadow");
    let mut unrelated = dns(&[]);
    unrelated.answers = vec![answer(&["v10c.akadns.net"], &[(3, "stale")])];
    assert_eq!(code_of(direct(), Evidence::Dns(unrelated), Fault::NameNotFound), "dns.nxdomain");
}

#[test]
fn a_connection_that_fails_is_named_by_the_systems_error_and_by_whose_it_is() {
    for (fault, endpoint, proxy) in [
        (Fault::ConnectionRefused, "tcp.refused", "proxy.tcp_refused"),
        (Fault::ConnectTimeout, "tcp.timeout", "proxy.tcp_timeout"),
        (Fault::HostUnreachable, "tcp.host_unreachable", "proxy.tcp_host_unreachable"),
        (Fault::NetworkUnreachable, "tcp.net_unreachable", "proxy.tcp_net_unreachable"),
        (Fault::Prohibited, "tcp.admin_prohibited", "proxy.tcp_admin_prohibited"),
        (Fault::LocallyDenied, "tcp.local_denied", "proxy.tcp_local_denied"),
        (Fault::LocallyExhausted, "tcp.local_exhausted", "proxy.tcp_local_exhausted"),
        (Fault::OnlyUnusableIpv6, "dns.v6_only", "proxy.tcp_net_unreachable"),
    ] {
        let evidence = || tcp(&[("203.0.113.1", failed(fault.clone()))]);
        assert_eq!(code_of(direct(), evidence(), fault.clone()), endpoint, "{fault:?}");
        assert_eq!(code_of(proxied(), evidence(), fault.clone()), proxy, "{fault:?}");
    }
}

#[test]
fn what_a_proxy_does_instead_of_opening_a_tunnel_has_a_code_each() {
    for (fault, code) in [
        (Fault::CredentialsWanted, "pauth.required"),
        (Fault::CredentialsRefused, "pauth.rejected"),
        (Fault::CredentialsAlreadyRefused, "pauth.rejected"),
        (Fault::NoChallenge, "pauth.no_challenge"),
        (Fault::SchemeNotOffered, "pauth.no_common_scheme"),
        (Fault::DigestUnsupported { detail: "MD6".into() }, "pauth.digest_unsupported"),
        (Fault::DigestStaleLoop, "pauth.digest_stale_loop"),
        (Fault::AuthenticationLoop, "pauth.loop"),
        (Fault::CleartextRefused, "pauth.basic_cleartext"),
        (Fault::NoCredential { detail: "no user".into() }, "x.not_tested"),
        (Fault::NotHttp, "proxy.not_http"),
        (Fault::MalformedReply { detail: "two lengths".into() }, "proxy.bad_reply"),
        (Fault::HeadTooLarge, "proxy.head_too_large"),
        (Fault::PageInsteadOfTunnel, "proxy.200_with_body"),
        (Fault::ResetByPeer { received: 0 }, "proxy.rst"),
        (Fault::ClosedByPeer { received: 0 }, "proxy.empty"),
        (Fault::TimedOut { received: 0 }, "proxy.timeout"),
        (Fault::ProxyCertificateRejected { detail: "unknown issuer".into() }, "proxy.tls_untrusted"),
        (Fault::SocksRefused { reply: 2 }, "proxy.socks_denied"),
        (Fault::SocksRefused { reply: 5 }, "proxy.upstream_refused"),
        (Fault::SocksRefused { reply: 255 }, "pauth.required"),
        (Fault::TunnelRefused { status: 403 }, "proxy.denied_403"),
    ] {
        assert_eq!(code_of(proxied(), tunnel(), fault.clone()), code, "{fault:?}");
    }
}

#[test]
fn a_handshake_that_breaks_behind_a_2xx_is_the_proxys_and_elsewhere_the_networks() {
    for (fault, on_direct, behind_proxy) in [
        (Fault::ResetByPeer { received: 0 }, "tls.rst_after_hello", "proxy.200_then_rst"),
        (Fault::ClosedByPeer { received: 0 }, "tls.fin_after_hello", "proxy.200_then_close"),
        (Fault::ResetByPeer { received: 90 }, "tls.rst_after_hello", "tls.rst_after_hello"),
        (Fault::TimedOut { received: 0 }, "tls.timeout_after_hello", "tls.timeout_after_hello"),
        (Fault::PlaintextReply, "tls.plaintext_reply", "tls.plaintext_reply"),
        (Fault::NotTls, "tls.not_tls", "tls.not_tls"),
        (Fault::OldTlsOnly, "tls.legacy_only", "tls.legacy_only"),
        (Fault::NoCertificate, "chain.unparsable", "chain.unparsable"),
        (Fault::Alert { code: 112 }, "tls.alert.unrecognized_name", "tls.alert.unrecognized_name"),
        (Fault::Alert { code: 40 }, "tls.alert.handshake_failure", "tls.alert.handshake_failure"),
        (Fault::Alert { code: 200 }, "tls.alert.200", "tls.alert.200"),
        (Fault::HandshakeFailed { detail: "odd".into() }, "x.inconclusive", "x.inconclusive"),
    ] {
        assert_eq!(code_of(direct(), tls(), fault.clone()), on_direct, "{fault:?}");
        assert_eq!(code_of(proxied(), tls(), fault.clone()), behind_proxy, "{fault:?}");
    }
}

#[test]
fn an_address_that_no_public_service_has_explains_every_later_failure() {
    for address in
        ["0.0.0.0", "127.0.0.1", "10.9.8.7", "192.168.1.1", "::", "fd00::1", "fe80::1", "::ffff:10.0.0.1", "250.1.2.3"]
    {
        let seen = Way::of(TLS)
            .passed(Evidence::Dns(dns(&[address])))
            .stopped(tcp(&[(address, failed(Fault::ConnectionRefused))]), Fault::ConnectionRefused);
        let verdict = verdict_on(direct(), TLS, &[seen], Ended::Complete);
        assert_eq!(verdict.cause.code(), "dns.sinkhole", "{address}");
        assert_eq!((verdict.stage, verdict.status), (Stage::Dns, Status::Blocked));
    }
    let mut overridden = dns(&["10.9.9.9"]);
    overridden.source = NameSource::System;
    overridden.system = Some(SystemAnswer {
        addresses: overridden.addresses.clone(),
        error: None,
        hosts_line: Some("10.9.9.9 v10c.events.data.microsoft.com # blocker".into()),
        configuration: None,
    });
    let overridden = Way::of(TLS)
        .passed(Evidence::Dns(overridden))
        .stopped(tcp(&[("10.9.9.9", failed(Fault::ConnectTimeout))]), Fault::ConnectTimeout);
    let verdict = verdict_on(direct(), TLS, &[overridden], Ended::Complete);
    assert_eq!(verdict.cause.code(), "dns.hosts_override");
    assert!(verdict.summary.contains("# blocker"), "{}", verdict.summary);
    let public = Way::of(TLS)
        .passed(Evidence::Dns(dns(&["203.0.113.1"])))
        .stopped(tcp(&[("203.0.113.1", failed(Fault::ConnectionRefused))]), Fault::ConnectionRefused);
    assert_eq!(verdict_on(direct(), TLS, &[public], Ended::Complete).cause.code(), "tcp.refused");

    let chosen = DnsEvidence { source: NameSource::ConnectTo, ..dns(&["127.0.0.1"]) };
    let chosen = Way::of(TLS)
        .passed(Evidence::Dns(chosen))
        .stopped(tcp(&[("127.0.0.1", failed(Fault::ConnectionRefused))]), Fault::ConnectionRefused);
    let verdict = verdict_on(direct(), TLS, &[chosen], Ended::Complete);
    assert_eq!(verdict.cause.code(), "tcp.refused", "whoever gives the address knows what it is");
}

/// What a name server said, with aliases or an extended error.
fn named_filter(aliases: &[&str], extended_errors: &[(u16, String)]) -> DnsEvidence {
    let mut seen = dns(&["203.0.113.7"]);
    seen.answers = vec![ServerAnswer {
        server: "127.0.0.1:53".parse().expect("an address"),
        question: Question { record: RecordType::A },
        over_tcp: false,
        took: Duration::ZERO,
        rcode: Some(0),
        authoritative: false,
        cnames: aliases.iter().map(|alias| (*alias).to_owned()).collect(),
        addresses: seen.addresses.clone(),
        extended_errors: extended_errors.to_vec(),
        failure: None,
    }];
    seen
}

#[test]
fn an_alias_of_a_filter_decides_whatever_happens_at_its_address() {
    let at = "203.0.113.7";
    let alias = || named_filter(&["sinkhole.paloaltonetworks.com"], &[]);
    let connected = || tcp(&[(at, TcpOutcome::Connected)]);
    let led = |seen: DnsEvidence| Way::of(TLS).passed(Evidence::Dns(seen));
    let silent = led(alias()).stopped(tcp(&[(at, failed(Fault::ConnectTimeout))]), Fault::ConnectTimeout);
    let refused = led(alias()).stopped(tcp(&[(at, failed(Fault::ConnectionRefused))]), Fault::ConnectionRefused);
    let reset = led(alias()).passed(connected()).stopped(tls(), Fault::ResetByPeer { received: 0 });
    let page = led(alias()).passed(connected()).stopped(tls(), Fault::PlaintextReply);
    for (how, seen) in [("silent", silent), ("refused", refused), ("reset", reset), ("a page", page)] {
        let verdict = verdict_on(direct(), TLS, &[seen], Ended::Complete);
        assert_eq!((verdict.cause.code().as_str(), verdict.stage), ("dns.filter_vendor_ip", Stage::Dns), "{how}");
        assert!(verdict.summary.contains("alias of sinkhole.paloaltonetworks.com"), "{}", verdict.summary);
    }
    // A certificate by nobody that is known, for the very host: a filter's page, where the name leads to one.
    let key = rcgen::KeyPair::generate().expect("a key");
    let page = rcgen::CertificateParams::new(vec!["v10c.events.data.microsoft.com".to_owned()]).expect("a name");
    let page = Certificate::from_der(page.self_signed(&key).expect("a certificate").der().to_vec());
    let met = |seen: DnsEvidence| {
        let tls = TlsEvidence { chain: vec![page.clone()], ..TlsEvidence::begun("v10c.events.data.microsoft.com") };
        let seen = led(seen).passed(connected()).passed(Evidence::Tls(Box::new(tls)));
        let seen = seen.passed(Evidence::Http(http(200, &[], "blocked"))).finished();
        verdict_on(direct(), TLS, &[seen], Ended::Complete)
    };
    let (filtered, inspected) = (met(alias()), met(named_filter(&["events.trafficmanager.net"], &[])));
    assert_eq!(filtered.cause.code(), "dns.filter_vendor_ip");
    assert_eq!(filtered.connections, Connections::default(), "nobody inspects the way to the service");
    assert_eq!(inspected.cause.code(), "intercepted.untrusted");
    // An alias and no address at the end of it.
    let mut alone = alias();
    alone.addresses.clear();
    alone.answers[0].addresses.clear();
    let alone = Way::of(TLS).stopped(Evidence::Dns(alone), Fault::NoAddresses);
    assert_eq!(verdict_on(direct(), TLS, &[alone], Ended::Complete).cause.code(), "dns.filter_vendor_ip");
    // A run that was cut off says nothing, and neither does an alias of somebody else's answer.
    let cut_off = led(alias()).passed(connected()).stopped(tls(), Fault::Interrupted);
    assert_eq!(verdict_on(direct(), TLS, &[cut_off], Ended::Interrupted).cause.code(), "x.not_tested");
    let mut other = alias();
    other.addresses = vec!["192.0.2.1".parse().expect("an address")];
    let other = led(other).stopped(tcp(&[("192.0.2.1", failed(Fault::ConnectTimeout))]), Fault::ConnectTimeout);
    assert_eq!(verdict_on(direct(), TLS, &[other], Ended::Complete).cause.code(), "tcp.timeout");
    // An extended error with a page behind it is the same; so is a company's own walled garden.
    for (seen, code) in [
        (named_filter(&[], &[(17, String::new())]), "dns.ede_filtered"),
        (named_filter(&["walled-garden.corp.example"], &[]), "dns.sinkhole"),
        (named_filter(&["global.asimov.events.data.trafficmanager.net"], &[]), "tls.rst_after_hello"),
    ] {
        let seen = led(seen).passed(connected()).stopped(tls(), Fault::ResetByPeer { received: 0 });
        assert_eq!(verdict_on(direct(), TLS, &[seen], Ended::Complete).cause.code(), code);
    }
}

#[test]
fn a_configuration_that_the_system_cannot_read_is_the_cause_whatever_the_servers_say() {
    let mut seen = dns(&[]);
    seen.source = NameSource::System;
    let broken = "/etc/resolv.conf, line 1: it ends in a carriage return";
    seen.system = Some(SystemAnswer {
        addresses: Vec::new(),
        error: Some("Temporary failure in name resolution".into()),
        hosts_line: None,
        configuration: Some(broken.into()),
    });
    for fault in [Fault::ResolverSilent, Fault::ResolverPortClosed, Fault::NoResolver] {
        for route in [direct(), proxied()] {
            let stopped = Way::of(TLS).stopped(Evidence::Dns(seen.clone()), fault.clone());
            let verdict = verdict_on(route, TLS, &[stopped], Ended::Complete);
            assert_eq!(verdict.cause.code(), "dns.resolv_conf", "{fault:?}");
            assert!(verdict.summary.contains(broken), "{}", verdict.summary);
        }
    }
}

#[test]
fn whoever_answers_in_clear_at_an_address_of_no_public_service_is_not_the_service() {
    let answered = |address: &str, source: NameSource, status, headers: &[(&str, &str)]| {
        let seen = Way::of(PLAIN)
            .passed(Evidence::Dns(DnsEvidence { source, ..dns(&[address]) }))
            .passed(tcp(&[(address, TcpOutcome::Connected)]))
            .passed(Evidence::Http(http(status, headers, "")))
            .finished();
        verdict_on(direct(), PLAIN, &[seen], Ended::Complete).cause.code()
    };
    for address in ["0.0.0.0", "10.9.8.7", "127.0.0.1", "fd00::1"] {
        for status in [200, 404, 403, 500] {
            let code = answered(address, NameSource::System, status, &[("Server", "nginx")]);
            assert_eq!(code, "dns.sinkhole", "{status} at {address}");
        }
        assert_eq!(answered(address, NameSource::System, 404, &[("Server", "Microsoft-IIS/10.0")]), "ok", "{address}");
        assert_eq!(answered(address, NameSource::ConnectTo, 404, &[]), "ok", "the operator chose {address}");
        assert_eq!(answered(address, NameSource::System, 511, &[]), "http.portal", "{address}");
    }
    assert_eq!(answered("203.0.113.1", NameSource::System, 404, &[("Server", "nginx")]), "ok");
}

#[test]
fn where_the_services_themselves_stand_at_private_addresses_those_tell_nothing() {
    let source = CatalogueSource::gather("test.toml", CATALOGUE.to_owned(), |name| Err(format!("no file {name}")));
    let catalogue = Catalogue::read(source).unwrap_or_else(|complaints| panic!("{complaints}"));
    let plan = Plan::new(&catalogue, vec![direct()], Budget::default(), OsSelection::all(), Solution::ALL.to_vec());
    let note = MachineRootsNote { source: "a test".into(), count: 0, ..MachineRootsNote::default() };
    let roots = Roots { machine: Vec::new(), note, ..Roots::default() };
    let at = "2025-10-01T00:00:00Z".parse().expect("a moment within the genuine chain's validity");
    let led_to = |job, address: &str| {
        Way::of(job)
            .passed(Evidence::Dns(DnsEvidence { source: NameSource::System, ..dns(&[address]) }))
            .passed(tcp(&[(address, TcpOutcome::Connected)]))
    };
    for (signature, beside, code) in [
        (Signature::Verified { scheme: "RSA_PSS_SHA256".into() }, "10.20.7.6", "ok"),
        (Signature::Verified { scheme: "RSA_PSS_SHA256".into() }, "10.99.0.6", "dns.sinkhole"),
        (Signature::Wrong { scheme: "RSA_PSS_SHA256".into() }, "10.20.7.6", "dns.sinkhole"),
    ] {
        let service = led_to(TLS, "10.20.0.5")
            .passed(Evidence::Tls(Box::new(tls_with(genuine_chain(), signature))))
            .passed(Evidence::Http(http(404, &[], "")))
            .finished();
        let in_clear = led_to(PLAIN, beside).passed(Evidence::Http(http(404, &[], ""))).finished();
        let verdicts = judge(&Grounds::new(&catalogue, &plan, &roots, at, Ended::Complete), &[service, in_clear]);
        let row = verdicts.iter().find(|verdict| verdict.job == JobId(PLAIN)).expect("a row");
        assert_eq!(row.cause.code(), code, "{beside}");
    }
}

#[test]
fn addresses_that_fail_beside_one_that_works_are_a_remark() {
    let connected = ("203.0.113.1", TcpOutcome::Connected);
    for (outcomes, code) in [
        (vec![connected.clone(), ("203.0.113.2", failed(Fault::ConnectTimeout))], "tcp.partial_ips"),
        (vec![connected.clone(), ("2001:db8::1", failed(Fault::ConnectTimeout))], "tcp.v6_broken"),
        (vec![connected.clone(), ("2001:db8::1", failed(Fault::NetworkUnreachable))], "ok"),
        (
            vec![
                connected.clone(),
                ("203.0.113.2", failed(Fault::ConnectTimeout)),
                ("2001:db8::1", failed(Fault::NetworkUnreachable)),
            ],
            "tcp.partial_ips",
        ),
        (vec![connected.clone(), ("203.0.113.2", TcpOutcome::Pending)], "ok"),
        (vec![connected.clone(), ("203.0.113.2", TcpOutcome::Connected)], "ok"),
    ] {
        let seen = Way::of(PLAIN)
            .passed(Evidence::Dns(dns(&["203.0.113.1"])))
            .passed(tcp(&outcomes))
            .passed(Evidence::Http(http(404, &[], "")))
            .finished();
        let verdict = verdict_on(direct(), PLAIN, &[seen], Ended::Complete);
        assert_eq!(verdict.cause.code(), code, "{outcomes:?}");
        assert_eq!(verdict.status, if code == "ok" { Status::Ok } else { Status::Degraded });
    }
}

/// What a proxy did with a request, as a leg.
fn leg(request: &str, answer: &HttpEvidence) -> Leg {
    Leg {
        connection: 1,
        request: request.to_owned(),
        credential: None,
        took: Duration::ZERO,
        status: answer.status,
        version: None,
        reason: String::new(),
        headers: answer.headers.clone(),
        challenges: Vec::new(),
        body_start: answer.body_start.clone(),
        kept_open: true,
        left_unread: false,
    }
}

fn legs(request: &str, answer: &HttpEvidence) -> Evidence {
    Evidence::Proxy(TunnelEvidence { legs: vec![leg(request, answer)], ..TunnelEvidence::default() })
}

#[test]
fn an_answer_in_clear_is_the_proxys_where_it_says_so_or_refuses_tunnels_alike_and_not_elsewhere() {
    const VIA: (&str, &str) = ("Via", "1.1 proxy.example");
    const SERVER: (&str, &str) = ("Server", "gate/2");
    let page = "<html><title>Not allowed here</title>Access denied: http://adl.windows.com/</html>";
    let (tunnels_page, others_page) =
        ("<title>Not allowed here</title>v10c:443", "<title>Blocked by the ministry</title>Access denied");
    let login = |back: &'static str| [("Location", back)];
    let (to_login, tunnel_to_login) = (login("https://login.example/?u=adl"), login("https://login.example/?u=v10c"));
    let to_elsewhere = login("https://login.hotel.example/?u=v10c");
    for (tunnel, plain, code) in [
        // The same refusal, by its server, its page, its bare form, its portal.
        ((403, &[SERVER][..], ""), (403, &[SERVER][..], page), "proxy.denied_403"),
        ((403, &[], tunnels_page), (403, &[], page), "proxy.denied_403"),
        ((403, &[], ""), (403, &[], ""), "proxy.denied_403"),
        ((302, &tunnel_to_login, ""), (302, &to_login, ""), "proxy.portal_auth"),
        ((502, &[SERVER], ""), (502, &[SERVER], ""), "proxy.upstream_unknown"),
        // Something speaks against it: the server, the page, the status, the place, a proxy that passed it on.
        ((403, &[SERVER], ""), (403, &[("Server", "other")], page), "http.block_page"),
        ((403, &[], others_page), (403, &[], page), "http.block_page"),
        ((403, &[], ""), (403, &[], page), "http.block_page"),
        ((403, &[], ""), (451, &[], ""), "http.middlebox_status"),
        ((302, &to_elsewhere, ""), (302, &to_login, ""), "http.portal"),
        ((403, &[SERVER], ""), (403, &[SERVER, VIA], page), "http.block_page"),
        ((405, &[SERVER], ""), (405, &[SERVER], ""), "http.middlebox_status"),
        // The service's own headers say who it is.
        ((403, &[], ""), (403, &[("Server", "Microsoft-IIS/10.0")], ""), "http.unexpected_status"),
        // The answer's own mark, whatever became of tunnels; and that of somebody behind the proxy.
        ((200, &[], ""), (403, &[("X-Squid-Error", "ERR_ACCESS_DENIED 0"), VIA], ""), "proxy.denied_403"),
        (
            (200, &[], ""),
            (302, &[("Server", "squid/5.7"), ("Location", "http://portal.example/")], ""),
            "proxy.portal_auth",
        ),
        (
            (200, &[], ""),
            (403, &[("X-Squid-Error", "ERR_ACCESS_DENIED 0"), ("Via", "1.1 behind, 1.1 proxy.example")], ""),
            "http.block_page",
        ),
        ((200, &[], ""), (403, &[SERVER], page), "http.block_page"),
    ] {
        let (status, headers, body) = tunnel;
        let tunnel = legs("CONNECT v10c:443", &http(status, headers, body));
        let tunnel = match status {
            200 => Way::of(TLS).passed(tunnel).stopped(tls(), Fault::NotTls),
            _ => Way::of(TLS).stopped(tunnel, Fault::TunnelRefused { status }),
        };
        let (status, headers, body) = plain;
        let answer = http(status, headers, body);
        let seen = Way::of(PLAIN).passed(legs("GET http://adl/", &answer)).passed(Evidence::Http(answer)).finished();
        let verdict = verdict_on(proxied(), PLAIN, &[tunnel, seen], Ended::Complete);
        assert_eq!(verdict.cause.code(), code, "{plain:?}: {:?}", verdict.evidence);
        let is_proxys = code.starts_with("proxy.");
        assert_eq!(verdict.stage == Stage::Proxy, is_proxys, "{code}");
    }
}

#[test]
fn over_plain_http_silence_is_a_block_because_nothing_shows_that_the_service_was_reached() {
    for (fault, code) in [
        (Fault::TimedOut { received: 0 }, "http.timeout_first_byte"),
        (Fault::ClosedByPeer { received: 0 }, "http.empty"),
        (Fault::ResetByPeer { received: 0 }, "http.empty"),
        (Fault::NotHttp, "http.malformed"),
        (Fault::HeadTooLarge, "http.malformed"),
    ] {
        let seen = Way::of(PLAIN)
            .passed(tcp(&[("203.0.113.1", TcpOutcome::Connected)]))
            .stopped(Evidence::Http(http(0, &[], "")), fault.clone());
        let verdict = verdict_on(direct(), PLAIN, &[seen], Ended::Complete);
        assert_eq!((verdict.cause.code().as_str(), verdict.status), (code, Status::Blocked), "{fault:?}");
    }
}

#[test]
fn for_a_retired_service_absence_is_excused_and_a_refusal_is_not() {
    let absent = Way::of(RETIRED).stopped(Evidence::Dns(dns(&[])), Fault::NameNotFound);
    let verdict = verdict_on(direct(), RETIRED, &[absent], Ended::Complete);
    assert_eq!((verdict.cause.code().as_str(), verdict.status), ("dns.nxdomain", Status::Inconclusive));

    let refused = Fault::ConnectionRefused;
    let seen = Way::of(RETIRED).stopped(tcp(&[("203.0.113.1", failed(refused.clone()))]), refused);
    assert_eq!(verdict_on(direct(), RETIRED, &[seen], Ended::Complete).status, Status::Blocked);
}

#[test]
fn two_tries_with_two_answers_are_called_flaky_and_two_equal_ones_are_not() {
    let reset = || Way::of(TLS).stopped(tls(), Fault::ResetByPeer { received: 0 });
    let again = |fault| Way::again(TLS, Attempt::Again).stopped(tls(), fault);
    let same = verdict_on(direct(), TLS, &[reset(), again(Fault::ResetByPeer { received: 0 })], Ended::Complete);
    assert_eq!(same.cause.code(), "tls.rst_after_hello");
    let other = verdict_on(direct(), TLS, &[again(Fault::Alert { code: 40 }), reset()], Ended::Complete);
    assert_eq!((other.cause.code().as_str(), other.status), ("x.flaky", Status::Blocked));
    assert!(other.summary.contains("first tls.rst_after_hello, then tls.alert.handshake_failure"), "{}", other.summary);
}

#[test]
fn a_replayed_certificate_is_not_forgotten_over_a_second_try_that_fails_otherwise() {
    let replayed = tls_with(genuine_chain(), Signature::Wrong { scheme: "RSA_PSS_SHA256".into() });
    let reset = Fault::ResetByPeer { received: 4000 };
    let shown = |attempt| Way::again(TLS, attempt).stopped(Evidence::Tls(Box::new(replayed.clone())), reset.clone());
    let silent = |attempt| Way::again(TLS, attempt).stopped(tls(), Fault::TimedOut { received: 0 });
    for seen in [[shown(Attempt::First), silent(Attempt::Again)], [silent(Attempt::First), shown(Attempt::Again)]] {
        let verdict = verdict_on(direct(), TLS, &seen, Ended::Complete);
        assert_eq!((verdict.cause.code().as_str(), verdict.status), ("tls.bad_signature", Status::Blocked));
    }
}

#[test]
fn a_handshake_that_takes_seconds_more_than_the_network_is_remarked_on() {
    for (round_trip, handshake, is_slow) in
        [(30, 2_500, true), (30, 1_500, false), (400, 4_000, false), (400, 5_000, true)]
    {
        let now = Instant::now();
        let mut recorder = Recorder::new(JobId(TLS), Attempt::First, now);
        let connected = tcp(&[("203.0.113.1", TcpOutcome::Connected)]);
        recorder.passed(Stage::Tcp, Duration::from_millis(round_trip), connected);
        recorder.passed(Stage::Tls, Duration::from_millis(handshake), tls());
        let verdict = verdict_on(direct(), TLS, &[recorder.finish(now)], Ended::Complete);
        assert_eq!(verdict.remarks.contains(&Cause::TlsSlow), is_slow, "{round_trip} {handshake}");
    }
}

#[test]
fn a_row_that_the_end_of_the_run_cut_off_was_not_tested_and_keeps_what_it_saw() {
    for (fault, code) in [(Fault::BudgetSpent, "x.budget"), (Fault::Interrupted, "x.not_tested")] {
        // A private address alone accuses nobody: whether TLS confirms it was not seen.
        let seen = Way::of(TLS)
            .passed(Evidence::Dns(dns(&["10.0.0.1"])))
            .passed(tcp(&[("10.0.0.1", TcpOutcome::Connected)]))
            .stopped(Evidence::Unfinished(Stage::Tls), fault.clone());
        let verdict = verdict_on(direct(), TLS, &[seen], Ended::OutOfTime);
        assert_eq!((verdict.cause.code().as_str(), verdict.status), (code, Status::NotTested));
        assert_eq!(verdict.stage, Stage::Tls);
        assert!(verdict.evidence.iter().any(|line| line.contains("connected to 10.0.0.1")), "{:?}", verdict.evidence);
        let plain = Way::of(PLAIN)
            .passed(tcp(&[("203.0.113.1", TcpOutcome::Connected)]))
            .stopped(Evidence::Unfinished(Stage::Http), fault);
        assert_eq!(verdict_on(direct(), PLAIN, &[plain], Ended::OutOfTime).status, Status::NotTested);
    }
}

#[test]
fn a_job_without_an_observation_says_why_it_was_not_tested() {
    for (ended, code) in
        [(Ended::OutOfTime, "x.budget"), (Ended::Interrupted, "x.not_tested"), (Ended::Complete, "x.internal")]
    {
        let verdict = verdict_on(direct(), TLS, &[], ended);
        assert_eq!((verdict.cause.code().as_str(), verdict.status), (code, Status::NotTested));
    }
}

/// A chain that Microsoft's own server sent; every certificate of it is public.
fn genuine_chain() -> Vec<Certificate> {
    let pem = include_str!(concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/fixtures/chains/v20.events.data.microsoft.com-2025-mssecureserver2011.pem"
    ));
    Certificate::list_from_pem(pem).expect("a chain")
}

fn tls_with(chain: Vec<Certificate>, signature: Signature) -> TlsEvidence {
    let Evidence::Tls(evidence) = tls() else { unreachable!("what it was made as") };
    TlsEvidence { chain, signature, ..*evidence }
}

#[test]
fn a_certificate_without_its_key_is_named_whatever_came_after_it() {
    let replayed = || tls_with(genuine_chain(), Signature::Wrong { scheme: "RSA_PSS_SHA256".into() });
    let shown = |fault: Option<Fault>| {
        let way =
            Way::of(TLS).passed(Evidence::Dns(dns(&["10.0.0.1"]))).passed(tcp(&[("10.0.0.1", TcpOutcome::Connected)]));
        let evidence = Evidence::Tls(Box::new(replayed()));
        let seen = match fault {
            Some(fault) => way.stopped(evidence, fault),
            None => way.passed(evidence).passed(Evidence::Http(http(200, &[], ""))).finished(),
        };
        verdict_on(direct(), TLS, &[seen], Ended::Complete)
    };
    for fault in [
        None,
        Some(Fault::ResetByPeer { received: 4000 }),
        Some(Fault::ClosedByPeer { received: 4000 }),
        Some(Fault::TimedOut { received: 4000 }),
        Some(Fault::Alert { code: 40 }),
    ] {
        let verdict = shown(fault.clone());
        assert_eq!(
            (verdict.status, verdict.cause.code().as_str()),
            (Status::Blocked, "tls.bad_signature"),
            "{fault:?}"
        );
    }
}

#[test]
fn a_short_chain_is_measured_by_one_that_was_proved_and_by_no_other() {
    let source = CatalogueSource::gather("test.toml", CATALOGUE.to_owned(), |name| Err(format!("no file {name}")));
    let catalogue = Catalogue::read(source).unwrap_or_else(|complaints| panic!("{complaints}"));
    let routes = vec![direct(), proxied()];
    let plan = Plan::new(&catalogue, routes, Budget::default(), OsSelection::all(), Solution::ALL.to_vec());
    let note = MachineRootsNote { source: "a test".into(), count: 0, ..MachineRootsNote::default() };
    let roots = Roots { machine: Vec::new(), note, ..Roots::default() };
    // Within the genuine chain's validity.
    let at = "2025-10-01T00:00:00Z".parse().expect("a moment");
    let short = include_str!(concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/fixtures/chains/outlook.office.com-2019-digicertcloudservicesca1-leafonly.pem"
    ));
    let short = Certificate::list_from_pem(short).expect("a leaf");
    let proved = || Signature::Verified { scheme: "RSA_PSS_SHA256".into() };
    let job = |route: usize| {
        plan.jobs.iter().find(|job| job.endpoint == 0 && job.route == route).map(|job| job.id.0).expect("a job")
    };
    for (signature, code) in [
        (proved(), "intercepted.untrusted"),
        (Signature::Wrong { scheme: "x".into() }, "chain.incomplete"),
        (Signature::NotAsked, "chain.incomplete"),
    ] {
        let observations =
            [(0, genuine_chain(), signature), (1, short.clone(), proved())].map(|(route, chain, signature)| {
                Way::of(job(route))
                    .passed(Evidence::Tls(Box::new(tls_with(chain, signature))))
                    .passed(Evidence::Http(http(404, &[], "")))
                    .finished()
            });
        let verdicts = judge(&Grounds::new(&catalogue, &plan, &roots, at, Ended::Complete), &observations);
        let found = verdicts.iter().find(|verdict| verdict.job == JobId(job(1))).expect("a row");
        assert_eq!(found.cause.code(), code, "{:#?}", found.evidence);
    }
}
