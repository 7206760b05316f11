//! Every cell of the trust table.

use waprobe::certificate::Certificate;
use waprobe::judge::Status::{Blocked, Degraded, Inconclusive, Intercepted, Ok};
use waprobe::judge::chain::{ChainQuestion, Reached};

use super::world::{
    APPLICATION, AT, BOTH, HOST, PUBLIC, Party, World, as_it_is, chain, expect, proved, question, with_ca_issuers,
    with_key_id, years,
};

#[test]
fn every_cell_of_the_table() {
    let world = World::new();
    let server = |issuer: &Party| issuer.server(HOST, as_it_is);
    let by = |issuer: &Party| chain([&server(issuer), issuer]);
    let ok = (Ok, "ok");
    let (unsure, remark) = ((Inconclusive, "chain.wrong_class"), (Degraded, "chain.wrong_class"));
    let (trusted, untrusted) = ((Intercepted, "intercepted.trusted"), (Intercepted, "intercepted.untrusted"));
    let (incomplete, unparsable) = ((Inconclusive, "chain.incomplete"), (Inconclusive, "chain.unparsable"));

    let impostor = Party::root_with("Application Issuing CA", with_key_id(world.application.key_id()));
    let same_name = Party::root("Application Root");
    let unsent = Party::root("Never Sent CA");
    let self_signed = Party::self_signed_server(HOST);
    let garbage = Certificate::from_der(b"not a certificate".to_vec());

    #[rustfmt::skip]
    let cells = [
        ("1 an application root",                 by(&world.application_issuing), [ok,         remark,     ok]),
        ("2 a root of the public class",          by(&world.public_issuing),      [unsure,     ok,         ok]),
        ("3 another public root",                 by(&world.other_issuing),       [unsure,     remark,     remark]),
        ("4 a root of the machine's store",       by(&world.machine_issuing),     [trusted,    trusted,    trusted]),
        ("5 a presented root nobody knows",       chain([&server(&world.unknown_issuing), &world.unknown_issuing, &world.unknown]), [untrusted; 3]),
        ("5 a self-signed leaf",                  chain([&self_signed]),          [untrusted;  3]),
        ("5 a known root's name, another key",    chain([&server(&same_name), &same_name]), [untrusted; 3]),
        ("5 a known CA's key identifier",         chain([&impostor.server(HOST, with_ca_issuers)]), [untrusted; 3]),
        ("5 the same, and the genuine CA sent",   vec![impostor.server(HOST, with_ca_issuers).certificate, world.application.certificate.clone()], [untrusted; 3]),
        ("5 a presented root that says where to fetch itself", { let root = Party::root_with("Published Root", with_ca_issuers); chain([&server(&root), &root]) }, [untrusted; 3]),
        ("6 an issuer that can be fetched",       chain([&unsent.server(HOST, with_ca_issuers)]), [incomplete; 3]),
        ("6 the same above a CA that was sent",   { let middle = unsent.authority("Middle CA", with_ca_issuers); chain([&server(&middle), &middle]) }, [incomplete; 3]),
        ("7 an issuer that cannot be fetched",    chain([&server(&unsent)]),      [untrusted;  3]),
        ("7 the leaf's address is not the end",   { let middle = unsent.authority("Middle CA", as_it_is); chain([&middle.server(HOST, with_ca_issuers), &middle]) }, [untrusted; 3]),
        ("8 no certificate",                      Vec::new(),                     [unparsable; 3]),
        ("8 not a certificate",                   vec![garbage.clone()],          [unparsable; 3]),
        ("8 not a certificate, and then some",    vec![garbage, world.application.certificate.clone()], [unparsable; 3]),
    ];
    for (row, chain, answers) in cells {
        for (expected, (status, code)) in [APPLICATION, PUBLIC, BOTH].into_iter().zip(answers) {
            expect(&world.verdict(&chain, expected), status, code, &format!("{row}, expecting {expected:?}"));
        }
    }
}

#[test]
fn the_report_says_where_the_chain_leads_and_what_the_machine_thinks() {
    use waprobe::catalogue::TrustClass::{MicrosoftApplicationRoot, MicrosoftPublic};
    let world = World::new();
    for (issuer, anchor, reached, machine) in [
        (&world.application_issuing, Some(&world.application), Reached::Class(MicrosoftApplicationRoot), false),
        (&world.public_issuing, Some(&world.public), Reached::Class(MicrosoftPublic), true),
        (&world.other_issuing, Some(&world.other), Reached::Public, true),
        (&world.machine_issuing, Some(&world.machine), Reached::Machine, true),
        (&world.unknown_issuing, None, Reached::Nowhere, false),
    ] {
        let chain = chain([&issuer.server(HOST, as_it_is), issuer]);
        let verdict = world.verdict(&chain, APPLICATION);
        assert_eq!(verdict.reached, reached);
        assert_eq!(verdict.anchor, anchor.map(|anchor| anchor.certificate.clone()), "{reached:?}");
        assert_eq!(verdict.machine_trusts, Some(machine), "{reached:?}");
        assert!(verdict.evidence.iter().any(|line| line.contains("this computer's store")), "{:#?}", verdict.evidence);
    }
    let mut blind = World::new();
    blind.roots.machine.clear();
    blind.roots.note.count = 0;
    let chain = chain([&blind.public_issuing.server(HOST, as_it_is), &blind.public_issuing]);
    assert_eq!(blind.verdict(&chain, PUBLIC).machine_trusts, None);
}

#[test]
fn a_wrong_name_blocks_rows_1_to_3_and_is_evidence_below() {
    let world = World::new();
    let elsewhere = |issuer: &Party| chain([&issuer.server("www.example", as_it_is), issuer]);
    let unsent = Party::root("Never Sent CA");
    for expected in [APPLICATION, PUBLIC, BOTH] {
        for issuer in [&world.application_issuing, &world.public_issuing, &world.other_issuing] {
            let verdict = world.verdict(&elsewhere(issuer), expected);
            expect(&verdict, Blocked, "chain.name_mismatch", "a server of a known family");
            assert_eq!(verdict.machine_trusts, Some(false), "the machine looks at the name too");
        }
        let verdict = world.verdict(&elsewhere(&world.machine_issuing), expected);
        expect(&verdict, Intercepted, "intercepted.trusted", "row 4");
        assert!(verdict.evidence.iter().any(|line| line.contains("www.example")), "{:#?}", verdict.evidence);
        let presented = chain([&world.unknown.server("www.example", as_it_is), &world.unknown]);
        expect(&world.verdict(&presented, expected), Intercepted, "intercepted.untrusted", "row 5");
        let short = chain([&unsent.server("www.example", with_ca_issuers)]);
        expect(&world.verdict(&short, expected), Inconclusive, "chain.incomplete", "row 6");
        let short = chain([&unsent.server("www.example", as_it_is)]);
        expect(&world.verdict(&short, expected), Intercepted, "intercepted.untrusted", "row 7");
    }
}

#[test]
fn a_root_that_was_sent_along_changes_nothing() {
    let world = World::new();
    for (issuer, root, status, code) in [
        (&world.application_issuing, &world.application, Ok, "ok"),
        (&world.machine_issuing, &world.machine, Intercepted, "intercepted.trusted"),
        (&world.other_issuing, &world.other, Inconclusive, "chain.wrong_class"),
    ] {
        let chain = chain([&issuer.server(HOST, as_it_is), issuer, root]);
        expect(&world.verdict(&chain, APPLICATION), status, code, "with the root");
    }
}

#[test]
fn the_best_row_counts_when_a_ca_has_two_parents() {
    let world = World::new();
    let server = world.application_issuing.server(HOST, as_it_is);
    let other_parents = [&world.other, &world.machine, &world.unknown];
    for parent in other_parents {
        let cross = parent.cross(&world.application_issuing, as_it_is);
        let both_ways = [
            vec![server.certificate.clone(), cross.clone(), world.application_issuing.certificate.clone()],
            vec![
                server.certificate.clone(),
                world.application_issuing.certificate.clone(),
                cross.clone(),
                parent.certificate.clone(),
            ],
        ];
        for chain in both_ways {
            expect(&world.verdict(&chain, APPLICATION), Ok, "ok", "the application root is among the parents");
        }
    }
    // Without the certificate by the application root, the class is reached by no signature.
    let cross = world.machine.cross(&world.application_issuing, as_it_is);
    let chain = [server.certificate.clone(), cross];
    expect(&world.verdict(&chain, APPLICATION), Intercepted, "intercepted.trusted", "only the company's certificate");
}

#[test]
fn an_anchor_is_a_name_and_a_key_whatever_certificate_shows_it() {
    let mut world = World::new();
    let server = world.application_issuing.server(HOST, as_it_is);
    // The root appears only as somebody else's cross-certificate.
    let cross = world.unknown.cross(&world.application, as_it_is);
    let presented = vec![server.certificate.clone(), world.application_issuing.certificate.clone(), cross.clone()];
    expect(&world.verdict(&presented, APPLICATION), Ok, "ok", "a cross-certificate of the root was sent");
    // The catalogue holds the root only as a cross-certificate.
    world.trust.application_root.anchors = vec![cross];
    let chain = chain([&server, &world.application_issuing]);
    expect(&world.verdict(&chain, APPLICATION), Ok, "ok", "a cross-certificate is the anchor");
}

#[test]
fn a_known_issuing_ca_completes_a_short_chain_and_never_ends_one() {
    let mut world = World::new();
    let server = world.application_issuing.server(HOST, as_it_is);
    let short = chain([&server]);
    expect(&world.verdict(&short, APPLICATION), Intercepted, "intercepted.untrusted", "nobody knows the issuer");
    world.trust.application_root.helpers = vec![world.application_issuing.certificate.clone()];
    let verdict = world.verdict(&short, APPLICATION);
    expect(&verdict, Ok, "ok", "the issuer is known");
    assert!(verdict.tells.contains(&"short"), "{:?}", verdict.tells);
    // A helper below no anchor leads nowhere.
    world.trust.application_root.helpers = vec![world.unknown_issuing.certificate.clone()];
    let chain = chain([&world.unknown_issuing.server(HOST, as_it_is)]);
    expect(&world.verdict(&chain, APPLICATION), Intercepted, "intercepted.untrusted", "a helper is no anchor");
}

#[test]
fn replaced_anchors_are_the_only_ones_of_their_class() {
    let mut world = World::new();
    let genuine = chain([&world.application_issuing.server(HOST, as_it_is), &world.application_issuing]);
    let own = chain([&world.unknown_issuing.server(HOST, as_it_is), &world.unknown_issuing]);
    world.trust.replace_anchors(APPLICATION[0], vec![world.unknown.certificate.clone()]);
    expect(&world.verdict(&own, APPLICATION), Ok, "ok", "the new anchor");
    expect(&world.verdict(&genuine, APPLICATION), Intercepted, "intercepted.untrusted", "the old one is unknown now");
}

#[test]
fn a_root_in_the_machines_store_and_in_a_better_set_is_of_the_better_set() {
    let mut world = World::new();
    world.roots.machine.push(world.application.certificate.clone());
    world.roots.machine.push(world.application_issuing.certificate.clone());
    let chain = chain([&world.application_issuing.server(HOST, as_it_is), &world.application_issuing]);
    let verdict = world.verdict(&chain, APPLICATION);
    expect(&verdict, Ok, "ok", "Windows holds the application root in its store");
    assert_eq!(verdict.machine_trusts, Some(true));
    // Even when the server left the issuing CA out, and the machine has it among its roots.
    expect(&world.verdict(&chain[..1], APPLICATION), Ok, "ok", "the issuing CA is in the machine's store");
}

#[test]
fn microsofts_product_root_is_no_interceptor() {
    let pem = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/catalogue/pki/root-microsoft-2010.pem"));
    let root = Certificate::list_from_pem(pem).expect("the root");
    let mut world = World::new();
    world.roots.machine.extend(root.iter().cloned());
    let verdict = world.verdict_at(&root, APPLICATION, AT);
    expect(&verdict, Blocked, "chain.name_mismatch", "it is a known root, and no server");
    assert_eq!(verdict.reached, Reached::Public);
}

#[test]
fn a_short_chain_of_another_family_is_completed_too() {
    let mut world = World::new();
    world.trust.public.helpers = vec![world.public_issuing.certificate.clone()];
    let verdict = world.verdict(&chain([&world.public_issuing.server(HOST, as_it_is)]), APPLICATION);
    expect(&verdict, Inconclusive, "chain.wrong_class", "its issuer is known");
}

#[test]
fn one_judge_answers_for_every_class_and_host() {
    let world = World::new();
    let judge = world.judge();
    let chain = chain([&world.public_issuing.server(HOST, as_it_is), &world.public_issuing]);
    for (expected, host, code) in [
        (APPLICATION, HOST, "chain.wrong_class"),
        (PUBLIC, HOST, "ok"),
        (PUBLIC, "login.live.com", "chain.name_mismatch"),
        (BOTH, HOST, "ok"),
        (APPLICATION, HOST, "chain.wrong_class"),
    ] {
        let proof = proved();
        let verdict = judge.judge(&ChainQuestion { host, ..question(&chain, expected, &proof) });
        assert_eq!(verdict.cause.code(), code, "{host}, {expected:?}");
    }
}

#[test]
fn the_machines_answer_is_its_own() {
    let mut world = World::new();
    let old = Party::root_with("Old Company Root", years(2010, 2020));
    let chain = chain([&old.server(HOST, as_it_is), &old]);
    world.roots.machine = vec![old.certificate.clone()];
    let verdict = world.verdict(&chain, APPLICATION);
    expect(&verdict, Intercepted, "intercepted.trusted", "the root is in the store");
    assert_eq!(verdict.machine_trusts, Some(false), "and has expired there");
    // A recording keeps only those of the machine's roots that its chains name.
    world.roots.machine.clear();
    assert_eq!(world.verdict(&chain, APPLICATION).machine_trusts, Some(false), "145 roots, and none of them");
}
