//! Where a certificate has several ways up: which of them counts, and what is said of the others.

use rcgen::{CustomExtension, ExtendedKeyUsagePurpose};
use waprobe::certificate::Certificate;
use waprobe::judge::Status::{Blocked, Degraded, Inconclusive, Intercepted, Ok};
use waprobe::judge::chain::{ChainQuestion, ChainVerdict};

use super::signatures::signed_strangely;
use super::world::{
    APPLICATION, AT, HOST, PUBLIC, Party, World, as_it_is, chain, expect, proved, question, with_ca_issuers, years,
};

/// A CA with these two certificates, and a server below it.
fn two_ways(ca: &Party, ways: [Certificate; 2]) -> [Vec<Certificate>; 2] {
    let server = ca.server(HOST, years(2010, 2050)).certificate;
    let [one, other] = ways;
    [vec![server.clone(), one.clone(), other.clone()], vec![server, other, one]]
}

#[test]
fn the_rows_below_the_machines_store_count_in_their_order_too() {
    let world = World::new();
    let ca = Party::root("Private CA");
    let (hidden, published) = (Party::root("Hidden Root"), Party::root("Published Root"));
    let unknown = world.unknown.cross(&ca, as_it_is);
    let strange = signed_strangely(&world.application.cross(&ca, as_it_is));
    let fetchable = published.cross(&ca, with_ca_issuers);
    let nowhere = hidden.cross(&ca, as_it_is);
    for (ways, sends, status, code, story) in [
        (
            [&unknown, &strange],
            Some(&world.unknown),
            Inconclusive,
            "chain.unchecked",
            "what cannot be checked may be genuine",
        ),
        (
            [&unknown, &fetchable],
            Some(&world.unknown),
            Intercepted,
            "intercepted.untrusted",
            "a root that was presented",
        ),
        ([&fetchable, &nowhere], None, Inconclusive, "chain.incomplete", "what can be fetched may lead to a root"),
    ] {
        for mut sent in two_ways(&ca, ways.map(Clone::clone)) {
            sent.extend(sends.map(|root| root.certificate.clone()));
            expect(&world.verdict(&sent, APPLICATION), status, code, story);
        }
    }
}

#[test]
fn of_two_ways_that_are_out_of_date_the_later_is_told_and_either_shows_a_wrong_clock() {
    let world = World::new();
    let ca = Party::root("Renewed CA");
    let by_root = |from, until| world.application.cross(&ca, years(from, until));
    for sent in two_ways(&ca, [by_root(2015, 2020), by_root(2015, 2024)]) {
        let verdict = world.verdict(&sent, APPLICATION);
        expect(&verdict, Blocked, "chain.expired", "both");
        assert!(verdict.summary.contains("2024-01-01"), "{}", verdict.summary);
    }
    let asked = |sent: &[Certificate], peer_date: &str| -> ChainVerdict {
        let (judge, proof) = (world.judge(), proved());
        let peer_date = Some(peer_date.parse().expect("a moment"));
        judge.judge(&ChainQuestion { peer_date, ..question(sent, APPLICATION, &proof) })
    };
    for sent in two_ways(&ca, [by_root(2015, 2020), by_root(2030, 2040)]) {
        for date in ["2018-01-01T00:00:00Z", "2032-01-01T00:00:00Z"] {
            expect(&asked(&sent, date), Blocked, "chain.clock_skew", date);
        }
        expect(&asked(&sent, "2025-01-01T00:00:00Z"), Blocked, "chain.not_yet_valid", "neither explains it");
    }
    // A way that breaks its CAs' rules would be none at any time.
    let mail = world.application.cross(&ca, |params| {
        years(2030, 2040)(params);
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::EmailProtection];
    });
    for sent in two_ways(&ca, [by_root(2015, 2020), mail]) {
        expect(&asked(&sent, "2032-01-01T00:00:00Z"), Blocked, "chain.expired", "for mail alone");
    }
}

#[test]
fn a_ca_whose_policies_are_critical_is_a_ca_like_another() {
    /// Any policy (RFC 5280, section 4.2.1.4).
    const ANY: [u8; 10] = [0x30, 8, 0x30, 6, 0x06, 4, 0x55, 0x1d, 0x20, 0];
    let world = World::new();
    let strict = |root: &Party| {
        root.authority("Strict CA", |params| {
            let mut policies = CustomExtension::from_oid_content(&[2, 5, 29, 32], ANY.to_vec());
            policies.set_criticality(true);
            params.custom_extensions.push(policies);
        })
    };
    let by = |issuer: &Party| chain([&issuer.server(HOST, as_it_is), issuer]);
    expect(&world.verdict(&by(&strict(&world.application)), APPLICATION), Ok, "ok", "Windows reads policies");
    let inspected = by(&strict(&world.machine));
    expect(&world.verdict(&inspected, APPLICATION), Intercepted, "intercepted.trusted", "row 4");
    let forged = strict(&world.application).server("mail.example", as_it_is);
    let sent = chain([&forged.server(HOST, as_it_is), &forged, &strict(&world.application)]);
    assert_ne!(world.verdict(&sent, APPLICATION).status, Ok);
}

#[test]
fn the_last_second_counts_for_every_root() {
    let world = World::new();
    let chain = chain([&world.application_issuing.server(HOST, as_it_is), &world.application_issuing]);
    let verdict = world.verdict_at(&chain, PUBLIC, "2027-01-01T00:00:00.9Z");
    expect(&verdict, Degraded, "chain.wrong_class", "not yet past its end");
}

#[test]
fn what_the_machine_would_fetch_excuses_no_certificate_that_is_wrong_anyhow() {
    let mut world = World::new();
    world.roots.note.on_demand = true;
    world.roots.machine.retain(|root| *root != world.other.certificate);
    let sound = chain([&world.other_issuing.server(HOST, as_it_is), &world.other_issuing]);
    let verdict = world.verdict(&sound, PUBLIC);
    expect(&verdict, Degraded, "chain.wrong_class", "another public root");
    assert_eq!(verdict.machine_trusts, None, "it may come: {:#?}", verdict.evidence);
    let client = |params: &mut rcgen::CertificateParams| {
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
    };
    let wrong = chain([&world.other_issuing.server(HOST, client), &world.other_issuing]);
    assert_eq!(world.verdict(&wrong, PUBLIC).machine_trusts, Some(false), "for clients alone");
}

#[test]
fn a_genuine_chain_is_not_held_against_a_name_that_a_product_has_too() {
    let mut world = World::new();
    let named = world.application.authority("Zscaler Intermediate Root CA (zscalerthree.net)", as_it_is);
    let sent = chain([&named.server(HOST, as_it_is), &named]);
    let verdict = world.verdict(&sent, APPLICATION);
    expect(&verdict, Ok, "ok", "keys decide");
    assert_eq!(verdict.product, None);
    world.trust.replace_anchors(APPLICATION[0], vec![world.unknown.certificate.clone()]);
    let verdict = world.verdict(&sent, APPLICATION);
    assert_eq!(verdict.product.as_deref(), Some("Zscaler Internet Access"), "the same names under another root");
}

#[test]
fn a_root_in_the_machines_store_that_bears_the_names_of_microsofts_is_the_machines() {
    let mut world = World::new();
    let namesake = Party::root("Application Root");
    let sent = chain([&namesake.server(HOST, as_it_is), &namesake]);
    world.roots.machine.insert(0, namesake.certificate.clone());
    expect(&world.verdict(&sent, APPLICATION), Intercepted, "intercepted.trusted", "row 4");
    let genuine = chain([&world.application_issuing.server(HOST, as_it_is), &world.application_issuing]);
    expect(&world.verdict(&genuine, APPLICATION), Ok, "ok", "the genuine one beside it");
}

#[test]
fn a_known_ca_that_has_expired_leaves_open_what_a_client_would_fetch_in_its_place() {
    let mut world = World::new();
    let old = world.application.authority("Known CA", years(2015, 2025));
    world.trust.application_root.helpers = vec![old.certificate.clone()];
    let fetchable = old.server(HOST, with_ca_issuers);
    let verdict = world.verdict(&chain([&fetchable]), APPLICATION);
    expect(&verdict, Inconclusive, "chain.incomplete", "the leaf alone, and it is valid");
    assert!(verdict.summary.contains("Known CA was not sent"), "{}", verdict.summary);
    assert!(verdict.summary.contains("expired on 2025-01-01"), "{}", verdict.summary);

    // What the server itself sends is what clients take; and nobody fetches without an address.
    expect(&world.verdict(&chain([&fetchable, &old]), APPLICATION), Blocked, "chain.expired", "it was sent");
    let server = old.server(HOST, as_it_is);
    expect(&world.verdict(&chain([&server]), APPLICATION), Blocked, "chain.expired", "no address");
    let late = old.server(HOST, |params| {
        with_ca_issuers(params);
        years(2020, 2024)(params);
    });
    expect(&world.verdict(&chain([&late]), APPLICATION), Blocked, "chain.expired", "the leaf has expired as well");
    let elsewhere = old.server("www.example", with_ca_issuers);
    expect(&world.verdict(&chain([&elsewhere]), APPLICATION), Blocked, "chain.name_mismatch", "the name comes first");
    // Whose key signed a private CA's leaf is known, whatever has expired.
    world.roots.machine.push(old.certificate.clone());
    world.trust.application_root.helpers.clear();
    world.trust.replace_anchors(APPLICATION[0], vec![world.unknown.certificate.clone()]);
    expect(&world.verdict_at(&chain([&fetchable]), APPLICATION, AT), Intercepted, "intercepted.trusted", "row 4");
}
