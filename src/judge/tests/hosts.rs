//! Lines of the hosts file that lead names astray.

use super::*;

#[test]
fn a_line_of_the_hosts_file_explains_a_row_where_the_name_servers_lead_elsewhere() {
    let line = "203.0.113.9 v10c.events.data.microsoft.com";
    let led = |by_servers: &[&str]| {
        let mut by_server = answer(&[], &[]);
        by_server.addresses = by_servers.iter().map(|address| address.parse().expect("an address")).collect();
        let seen = dns(&["203.0.113.9"]);
        let system = SystemAnswer {
            addresses: seen.addresses.clone(),
            error: None,
            hosts_line: Some(line.to_owned()),
            configuration: None,
        };
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
    // What fails at once ends before any name server has answered.
    let unheard = || {
        let Evidence::Dns(mut dns) = led(&[]) else { unreachable!("names") };
        dns.answers.clear();
        Evidence::Dns(dns)
    };
    assert_eq!(code(unheard(), &connects), "dns.hosts_override", "the others get out");
    assert_eq!(code(unheard(), &fails()), "tcp.timeout", "nobody gets out");
    assert_eq!(code(unheard(), &[]), "tcp.timeout", "nobody else tried");
    assert_eq!(on(led(&["203.0.113.1"]), Fault::LocallyDenied, &connects).cause.code(), "tcp.local_denied");

    let genuine = Signature::Verified { scheme: "rsa_pss_rsae_sha256".into() };
    let shows = |job: u32, names: Evidence, chain: Vec<Certificate>| {
        Way::of(job)
            .passed(names)
            .passed(tcp(&[("203.0.113.9", TcpOutcome::Connected)]))
            .passed(Evidence::Tls(Box::new(tls_with(chain, genuine.clone()))))
            .finished()
    };
    let seen = shows(RETIRED, led(&["203.0.113.1"]), genuine_chain());
    let verdict = verdict_on(direct(), RETIRED, &[seen], Ended::Complete);
    assert_eq!(verdict.chain.map(|chain| chain.cause), Some(Cause::ChainNameMismatch), "of another host");
    assert_eq!(verdict.cause, Cause::DnsHostsOverride);

    let leaf = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/chains/made/rsa-2048.pem"));
    let root = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/chains/made/root.pem"));
    let foreign = || Certificate::list_from_pem(&format!("{leaf}\n{root}")).expect("a chain");
    for names in [led(&["203.0.113.1"]), unheard()] {
        let mut seen = vec![shows(TLS, names, foreign())];
        let (verdicts, found) = judged_on(direct(), &seen, Ended::Complete);
        let verdict = &verdicts[TLS as usize];
        assert_eq!(
            (&verdict.cause, verdict.status),
            (&Cause::InterceptedUntrusted, Status::Intercepted),
            "never softened"
        );
        assert_eq!(verdict.hosts_line.as_deref(), Some(line), "and the line is beside it");
        assert_eq!(found[0].code, "intercepted.untrusted");
        assert_eq!(found[0].owner, Owner::DesktopTeam);
        assert!(found[0].remedy.starts_with("delete the line"), "{}", found[0].remedy);

        // The same CA stands before a host that no line names.
        seen.push(shows(RETIRED, Evidence::Dns(dns(&["203.0.113.1"])), foreign()));
        let (_, found) = judged_on(direct(), &seen, Ended::Complete);
        let blames = |one: &Finding| one.remedy.starts_with("delete the line");
        assert!(!found.iter().any(blames), "{found:?}");
    }
}
