//! Lines of the hosts file that lead names astray.

use super::*;

#[test]
fn a_line_of_the_hosts_file_explains_a_row_where_the_name_servers_lead_elsewhere() {
    let line = "203.0.113.9 v10c.events.data.microsoft.com";
    let led = |by_servers: &[&str]| {
        let mut by_server = answer(&[], &[]);
        by_server.addresses = by_servers.iter().map(|address| address.parse().expect("an address")).collect();
        let seen = dns(&["203.0.113.9"]);
        let system = SystemAnswer { addresses: seen.addresses.clone(), error: None, hosts_line: Some(line.to_owned()) };
        Evidence::Dns(DnsEvidence {
            source: NameSource::System,
            system: Some(system),
            answers: vec![by_server],
            ..seen
        })
    };
    let on = |evidence: Evidence, fault: Fault, others: &[Observation]| {
        let seen = Way::of(TLS).passed(evidence).stopped(tcp(&[("203.0.113.9", failed(fault.clone()))]), fault);
        let all: Vec<Observation> = std::iter::once(seen).chain(others.iter().cloned()).collect();
        verdict_on(direct(), TLS, &all, Ended::Complete)
    };
    let connects = Way::of(PLAIN)
        .passed(Evidence::Dns(dns(&["203.0.113.2"])))
        .passed(tcp(&[("203.0.113.2", TcpOutcome::Connected)]))
        .passed(Evidence::Http(http(404, &[], "")))
        .finished();
    let fails = || {
        [PLAIN, RETIRED].map(|job| {
            Way::of(job)
                .passed(Evidence::Dns(dns(&["203.0.113.2"])))
                .stopped(tcp(&[("203.0.113.2", failed(Fault::ConnectTimeout))]), Fault::ConnectTimeout)
        })
    };
    for fault in [Fault::ConnectTimeout, Fault::ConnectionRefused, Fault::NetworkUnreachable] {
        let verdict = on(led(&["203.0.113.1"]), fault.clone(), std::slice::from_ref(&connects));
        assert_eq!(
            (verdict.cause.code().as_str(), verdict.status),
            ("dns.hosts_override", Status::Blocked),
            "{fault:?}"
        );
        assert!(verdict.summary.contains(line), "{}", verdict.summary);
        assert_eq!(verdict.hosts_line.as_deref(), Some(line));
    }
    let code = |evidence, others: &[Observation]| on(evidence, Fault::ConnectTimeout, others).cause.code();
    let connects = [connects];
    assert_eq!(code(led(&["203.0.113.9"]), &connects), "tcp.timeout", "the name servers say the same");
    assert_eq!(code(led(&[]), &connects), "tcp.timeout", "nobody says otherwise");
    assert_eq!(code(led(&["203.0.113.1"]), &fails()), "tcp.timeout", "no other connection opens either");
    assert_eq!(on(led(&["203.0.113.1"]), Fault::LocallyDenied, &connects).cause.code(), "tcp.local_denied");

    let genuine = Signature::Verified { scheme: "rsa_pss_rsae_sha256".into() };
    let shows = |job: u32, chain: Vec<Certificate>| {
        let seen = Way::of(job)
            .passed(led(&["203.0.113.1"]))
            .passed(tcp(&[("203.0.113.9", TcpOutcome::Connected)]))
            .passed(Evidence::Tls(Box::new(tls_with(chain, genuine.clone()))))
            .finished();
        verdict_on(direct(), job, &[seen], Ended::Complete)
    };
    let verdict = shows(RETIRED, genuine_chain());
    assert_eq!(verdict.chain.map(|chain| chain.cause), Some(Cause::ChainNameMismatch), "of another host");
    assert_eq!(verdict.cause, Cause::DnsHostsOverride);

    let leaf = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/chains/made/rsa-2048.pem"));
    let root = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/chains/made/root.pem"));
    let verdict = shows(TLS, Certificate::list_from_pem(&format!("{leaf}\n{root}")).expect("a chain"));
    assert_eq!((verdict.cause, verdict.status), (Cause::InterceptedUntrusted, Status::Intercepted), "never softened");
    assert_eq!(verdict.hosts_line.as_deref(), Some(line), "and the line is beside it");
}
