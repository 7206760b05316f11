//! Proof, time and shape: what else has to be true of a chain that leads where it should.

use rcgen::{
    BasicConstraints, CustomExtension, ExtendedKeyUsagePurpose, GeneralSubtree, IsCa, KeyUsagePurpose, NameConstraints,
};
use waprobe::judge::Status::{Blocked, Degraded, Inconclusive, Intercepted, Ok};
use waprobe::judge::chain::{ChainQuestion, Proof};
use waprobe::observation::Signature;

use super::world::{
    APPLICATION, AT, BOTH, HOST, PUBLIC, Party, World, as_it_is, chain, expect, proved, question, said,
    with_ca_issuers, years,
};

fn wrong() -> Signature {
    Signature::Wrong { scheme: "RSA_PSS_SHA256".into() }
}

fn not_checked() -> Signature {
    Signature::NotChecked { scheme: "RSA_PSS_SHA256".into(), detail: "the key has 1024 bits".into() }
}

#[test]
fn what_was_not_proved_is_never_met() {
    let world = World::new();
    let judge = world.judge();
    let by = |issuer: &Party| chain([&issuer.server(HOST, as_it_is), issuer]);
    let missing = (Inconclusive, "x.inconclusive");
    let (met, unsure, remark) = ((Ok, "ok"), (Inconclusive, "chain.wrong_class"), (Degraded, "chain.wrong_class"));
    let (trusted, replayed) = ((Intercepted, "intercepted.trusted"), (Blocked, "tls.bad_signature"));
    let untrusted = (Intercepted, "intercepted.untrusted");
    let incomplete = (Inconclusive, "chain.incomplete");
    let unsent = Party::root("Never Sent CA");
    for (row, chain, expected, verified, unproved, file) in [
        ("1", by(&world.application_issuing), APPLICATION, met, missing, met),
        ("1", by(&world.public_issuing), PUBLIC, met, missing, met),
        ("2", by(&world.public_issuing), APPLICATION, unsure, missing, unsure),
        ("2", by(&world.application_issuing), PUBLIC, remark, missing, remark),
        ("3", by(&world.other_issuing), BOTH, remark, missing, remark),
        ("4", by(&world.machine_issuing), PUBLIC, trusted, trusted, trusted),
        (
            "5",
            chain([&world.unknown.server(HOST, as_it_is), &world.unknown]),
            APPLICATION,
            untrusted,
            untrusted,
            untrusted,
        ),
        ("6", chain([&unsent.server(HOST, with_ca_issuers)]), APPLICATION, incomplete, incomplete, incomplete),
        ("7", by(&world.unknown_issuing), APPLICATION, untrusted, untrusted, untrusted),
    ] {
        let proofs = [
            (Proof::Handshake(&proved()), verified, Some(true)),
            (Proof::Handshake(&Signature::NotAsked), unproved, None),
            (Proof::Handshake(&not_checked()), unproved, None),
            (Proof::Handshake(&wrong()), replayed, Some(false)),
            (Proof::File, file, None),
        ];
        for (proof, (status, code), shown) in proofs {
            let asked = Signature::NotAsked;
            let verdict = judge.judge(&ChainQuestion { proof, ..question(&chain, expected, &asked) });
            expect(&verdict, status, code, &format!("row {row}, {proof:?}"));
            assert_eq!(verdict.proved, shown, "row {row}, {proof:?}");
        }
    }
}

#[test]
fn dates_block_row_1_and_are_evidence_below() {
    let world = World::new();
    let issue = |issuer: &Party, from, until| chain([&issuer.server(HOST, years(from, until)), issuer]);
    for (from, until, code) in [(2024, 2025, "chain.expired"), (2028, 2029, "chain.not_yet_valid")] {
        let say = |issuer: &Party, expected| said(&world.verdict(&issue(issuer, from, until), expected));
        assert_eq!(say(&world.application_issuing, APPLICATION), (Blocked, code.into()));
        assert_eq!(say(&world.public_issuing, BOTH), (Blocked, code.into()));
        assert_eq!(say(&world.public_issuing, APPLICATION), (Inconclusive, "chain.wrong_class".into()));
        for (issuer, expected) in
            [(&world.application_issuing, PUBLIC), (&world.other_issuing, PUBLIC), (&world.other_issuing, BOTH)]
        {
            // No client goes on under such a certificate, so nobody may say that data gets out.
            let verdict = world.verdict(&issue(issuer, from, until), expected);
            expect(&verdict, Inconclusive, "chain.wrong_class", "row 2 or 3, and not now");
            assert!(verdict.summary.ends_with("and is not valid at this time"), "{}", verdict.summary);
        }
        assert_eq!(say(&world.machine_issuing, APPLICATION), (Intercepted, "intercepted.trusted".into()));
        assert_eq!(say(&world.unknown_issuing, APPLICATION), (Intercepted, "intercepted.untrusted".into()));
        let verdict = world.verdict(&issue(&world.machine_issuing, from, until), APPLICATION);
        assert_eq!(verdict.machine_trusts, Some(false), "the machine looks at the dates too");
        assert!(verdict.evidence.iter().any(|line| line.contains("expired on") || line.contains("valid from")));
        let root = Party::root_with("Unknown Old Root", years(from, until));
        let presented = chain([&root.server(HOST, years(from, until)), &root]);
        expect(&world.verdict(&presented, PUBLIC), Intercepted, "intercepted.untrusted", "row 5");
    }
}

#[test]
fn the_last_second_is_still_valid() {
    let world = World::new();
    let chain = chain([&world.application_issuing.server(HOST, as_it_is), &world.application_issuing]);
    for (at, code) in [
        ("2025-12-31T23:59:59Z", "chain.not_yet_valid"),
        ("2026-01-01T00:00:00Z", "ok"),
        ("2027-01-01T00:00:00Z", "ok"),
        ("2027-01-01T00:00:00.9Z", "ok"),
        ("2027-01-01T00:00:01Z", "chain.expired"),
    ] {
        assert_eq!(world.verdict_at(&chain, APPLICATION, at).cause.code(), code, "{at}");
    }
}

#[test]
fn an_expired_issuing_ca_counts_unless_another_certificate_of_it_is_valid() {
    let mut world = World::new();
    let old = world.application.authority("Renewed CA", years(2015, 2025));
    let renewed = world.application.cross(&old, years(2020, 2030));
    let server = old.server(HOST, as_it_is);
    let old_chain = chain([&server, &old]);
    expect(&world.verdict(&old_chain, APPLICATION), Blocked, "chain.expired", "only the old certificate");
    for sent in [vec![&old.certificate, &renewed], vec![&renewed, &old.certificate]] {
        let chain: Vec<_> = std::iter::once(&server.certificate).chain(sent).cloned().collect();
        expect(&world.verdict(&chain, APPLICATION), Ok, "ok", "the renewed certificate was sent too");
    }
    // By another root of the same class, or known without being sent.
    let second = Party::root("Second Application Root");
    let by_second = second.cross(&old, years(2020, 2030));
    world.trust.application_root.anchors.push(second.certificate.clone());
    world.trust.application_root.helpers.push(by_second);
    expect(&world.verdict(&old_chain, APPLICATION), Ok, "ok", "a known certificate by another anchor is valid");
    // The better row counts first: a valid path to a lesser root does not mend an expired one to the expected class.
    let mut world = World { application: world.application, ..World::new() };
    world.trust.application_root.anchors = vec![world.application.certificate.clone()];
    world.trust.public.helpers.push(world.public.cross(&old, years(2020, 2030)));
    expect(&world.verdict(&old_chain, APPLICATION), Blocked, "chain.expired", "row 1 stands above row 2");
    expect(&world.verdict(&old_chain, BOTH), Ok, "ok", "both rows are row 1");
}

#[test]
fn certificates_that_were_never_valid_together_still_have_their_class() {
    let world = World::new();
    let issuing = |root: &Party| root.authority("Short-lived CA", years(2020, 2021));
    let issue = |root: &Party| {
        let issuing = issuing(root);
        chain([&issuing.server(HOST, as_it_is), &issuing])
    };
    expect(&world.verdict(&issue(&world.application), APPLICATION), Blocked, "chain.expired", "row 1");
    expect(
        &world.verdict(&issue(&world.other), PUBLIC),
        Inconclusive,
        "chain.wrong_class",
        "row 3 and no moment to check at",
    );
    expect(&world.verdict(&issue(&world.machine), APPLICATION), Intercepted, "intercepted.trusted", "row 4");

    // Without a moment at which the path could be verified, its rules are still kept or broken.
    let customer = world.other_issuing.server("mail.example", years(2020, 2021));
    let path = chain([&customer.server(HOST, as_it_is), &customer, &world.other_issuing]);
    expect(&world.verdict(&path, PUBLIC), Blocked, "chain.constraints", "a server's certificate that signs");
    let elsewhere = NameConstraints {
        permitted_subtrees: vec![GeneralSubtree::DnsName("example".into())],
        excluded_subtrees: Vec::new(),
    };
    let company = world.other.authority("Company CA", |params| {
        years(2020, 2021)(params);
        params.name_constraints = Some(elsewhere);
    });
    let path = chain([&company.server(HOST, as_it_is), &company]);
    expect(&world.verdict(&path, PUBLIC), Blocked, "chain.constraints", "a CA for other names");
}

#[test]
fn a_wrong_clock_is_named_only_when_it_explains_the_dates() {
    let world = World::new();
    let judge = world.judge();
    let genuine = chain([&world.application_issuing.server(HOST, as_it_is), &world.application_issuing]);
    let expired = chain([&world.application_issuing.server(HOST, years(2024, 2025)), &world.application_issuing]);
    let inspected = chain([&world.machine_issuing.server(HOST, as_it_is), &world.machine_issuing]);
    for (chain, at, peer_date, status, code) in [
        (&genuine, "2031-05-01T00:00:00Z", Some(AT), Blocked, "chain.clock_skew"),
        (&genuine, "2016-05-01T00:00:00Z", Some(AT), Blocked, "chain.clock_skew"),
        (&genuine, "2031-05-01T00:00:00Z", None, Blocked, "chain.expired"),
        (&genuine, "2016-05-01T00:00:00Z", None, Blocked, "chain.not_yet_valid"),
        // Both clocks find the chain expired.
        (&expired, AT, Some("2026-11-22T18:00:00Z"), Blocked, "chain.expired"),
        // 299 seconds are no skew, 300 are.
        (&genuine, "2027-01-01T00:02:29Z", Some("2026-12-31T23:57:30Z"), Blocked, "chain.expired"),
        (&genuine, "2027-01-01T00:02:30Z", Some("2026-12-31T23:57:30Z"), Blocked, "chain.clock_skew"),
        // A wrong clock that does no harm to the chain does not lower the row.
        (&genuine, "2026-06-01T00:00:00Z", Some(AT), Ok, "ok"),
        (&inspected, "2031-05-01T00:00:00Z", Some(AT), Intercepted, "intercepted.trusted"),
    ] {
        let proof = proved();
        let peer_date = peer_date.map(|date| date.parse().expect("a moment"));
        let at = at.parse().expect("a moment");
        let verdict = judge.judge(&ChainQuestion { at, peer_date, ..question(chain, APPLICATION, &proof) });
        expect(&verdict, status, code, &format!("{at}, {peer_date:?}"));
    }
}

#[test]
fn a_genuine_servers_certificate_that_signs_another_does_not_pass() {
    let world = World::new();
    for (family, issuing) in [(APPLICATION, &world.application_issuing), (PUBLIC, &world.public_issuing)] {
        let genuine = issuing.server("mail.example", as_it_is);
        let forged = genuine.server(HOST, as_it_is);
        for expected in [APPLICATION, PUBLIC, BOTH] {
            let chain = chain([&forged, &genuine, issuing]);
            expect(&world.verdict(&chain, expected), Blocked, "chain.constraints", &format!("{family:?}"));
        }
    }
    let genuine = world.other_issuing.server("mail.example", as_it_is);
    let chain = chain([&genuine.server(HOST, as_it_is), &genuine, &world.other_issuing]);
    expect(&world.verdict(&chain, PUBLIC), Blocked, "chain.constraints", "any public CA's customer");
}

#[test]
fn a_cas_own_limits_hold() {
    let world = World::new();
    let limited =
        world.application.authority("Limited CA", |params| params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0)));
    let below = limited.authority("Too Far Down CA", as_it_is);
    let server = below.server(HOST, as_it_is);
    let path = chain([&server, &below, &limited]);
    expect(&world.verdict(&path, APPLICATION), Blocked, "chain.constraints", "one CA too many");
    let path = chain([&limited.server(HOST, as_it_is), &limited]);
    expect(&world.verdict(&path, APPLICATION), Ok, "ok", "just as far as allowed");

    let elsewhere = NameConstraints {
        permitted_subtrees: vec![GeneralSubtree::DnsName("example".into())],
        excluded_subtrees: Vec::new(),
    };
    let company = world.other.authority("Company CA", |params| params.name_constraints = Some(elsewhere));
    let path = chain([&company.server(HOST, as_it_is), &company]);
    expect(&world.verdict(&path, PUBLIC), Blocked, "chain.constraints", "a CA for other names");

    let no_signing = world
        .application
        .authority("Key Usage CA", |params| params.key_usages = vec![KeyUsagePurpose::DigitalSignature]);
    let path = chain([&no_signing.server(HOST, as_it_is), &no_signing]);
    expect(&world.verdict(&path, APPLICATION), Blocked, "chain.constraints", "a key that may not sign certificates");
}

#[test]
fn a_long_path_is_held_against_the_same_rules_as_a_short_one() {
    let world = World::new();
    let deep = |first: Party| {
        let mut parties = vec![first];
        for level in 0..8 {
            let below = parties[0].authority(&format!("CA {level}"), as_it_is);
            parties.insert(0, below);
        }
        parties.insert(0, parties[0].server(HOST, as_it_is));
        parties.into_iter().map(|party| party.certificate).collect::<Vec<_>>()
    };
    let sound = deep(world.application.authority("First CA", as_it_is));
    expect(&world.verdict(&sound, APPLICATION), Ok, "ok", "more CAs than the library follows");
    let forged = deep(world.application_issuing.server("mail.example", as_it_is));
    let forged = [forged, vec![world.application_issuing.certificate.clone()]].concat();
    expect(&world.verdict(&forged, APPLICATION), Blocked, "chain.constraints", "a server's certificate among them");
}

#[test]
fn a_limited_ca_that_the_machine_trusts_as_a_root_is_an_inspector() {
    let mut world = World::new();
    let elsewhere = NameConstraints {
        permitted_subtrees: vec![GeneralSubtree::DnsName("example".into())],
        excluded_subtrees: Vec::new(),
    };
    let company = Party::root("Company CA");
    let by_public = world.other.cross(&company, |params| params.name_constraints = Some(elsewhere));
    world.roots.machine.push(company.certificate.clone());
    let server = company.server(HOST, as_it_is);
    let path = [server.certificate, by_public];
    expect(&world.verdict(&path, PUBLIC), Intercepted, "intercepted.trusted", "the public path breaks its limits");
}

#[test]
fn usage_and_extensions_are_asked_last() {
    let world = World::new();
    let issuing = &world.application_issuing;
    let client = issuing.server(HOST, |params| params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth]);
    expect(&world.verdict(&chain([&client, issuing]), APPLICATION), Blocked, "chain.eku", "for clients only");
    let unlimited = issuing.server(HOST, |params| params.extended_key_usages = Vec::new());
    expect(&world.verdict(&chain([&unlimited, issuing]), APPLICATION), Ok, "ok", "for everything");
    let both = [ExtendedKeyUsagePurpose::ClientAuth, ExtendedKeyUsagePurpose::ServerAuth];
    let both = issuing.server(HOST, |params| params.extended_key_usages = both.to_vec());
    expect(&world.verdict(&chain([&both, issuing]), APPLICATION), Ok, "ok", "for servers and clients");

    let mail = world.application.authority("Mail CA", |params| {
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::EmailProtection];
    });
    expect(
        &world.verdict(&chain([&mail.server(HOST, as_it_is), &mail]), APPLICATION),
        Blocked,
        "chain.eku",
        "a CA for mail",
    );

    let strange = issuing.server(HOST, |params| {
        let mut extension = CustomExtension::from_oid_content(&[1, 3, 6, 1, 4, 1, 99999, 1], vec![5, 0]);
        extension.set_criticality(true);
        params.custom_extensions.push(extension);
    });
    let strange = chain([&strange, issuing]);
    let verdict = world.verdict(&strange, APPLICATION);
    expect(&verdict, Blocked, "chain.constraints", "a critical extension nobody knows");
    assert!(verdict.evidence.iter().any(|line| line.contains("1.3.6.1.4.1.99999.1")), "{:#?}", verdict.evidence);

    let authority = issuing.server(HOST, |params| params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained));
    expect(
        &world.verdict(&chain([&authority, issuing]), APPLICATION),
        Blocked,
        "chain.constraints",
        "a CA as a server",
    );

    // An interceptor is one whatever else its certificate lacks.
    let client = world
        .machine_issuing
        .server(HOST, |params| params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth]);
    expect(
        &world.verdict(&chain([&client, &world.machine_issuing]), APPLICATION),
        Intercepted,
        "intercepted.trusted",
        "row 4",
    );
}

#[test]
fn the_first_question_that_is_not_met_gives_the_code() {
    let world = World::new();
    let judge = world.judge();
    let issuing = &world.application_issuing;
    let everything = issuing.server("www.example", |params| {
        years(2024, 2025)(params);
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
    });
    let late = issuing.server(HOST, |params| {
        years(2024, 2025)(params);
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
    });
    for (server, proof, code) in [
        (&everything, wrong(), "tls.bad_signature"),
        (&everything, proved(), "chain.name_mismatch"),
        (&everything, Signature::NotAsked, "chain.name_mismatch"),
        (&late, proved(), "chain.expired"),
    ] {
        let chain = chain([server, issuing]);
        let verdict = judge.judge(&question(&chain, APPLICATION, &proof));
        assert_eq!(said(&verdict), (Blocked, code.to_owned()));
        assert!(verdict.evidence.iter().any(|line| line.contains("expired on")), "the others are evidence");
    }
}
