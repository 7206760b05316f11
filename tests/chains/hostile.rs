//! Chains that nobody sends by accident.

use std::time::{Duration, Instant};

use waprobe::certificate::Certificate;
use waprobe::judge::Status::{Blocked, Inconclusive, Intercepted, Ok};

use super::world::{
    APPLICATION, HOST, PUBLIC, Party, World, as_it_is, chain, expect, proved, question, with_ca_issuers, with_key_id,
    years,
};

/// Far above what any of these takes, far below what a maze without bounds would.
const PATIENCE: Duration = Duration::from_secs(20);

fn garbage(seed: u8) -> Certificate {
    Certificate::from_der(vec![seed; 40])
}

#[test]
fn order_repetition_and_strangers_do_not_matter() {
    let world = World::new();
    let middle = world.application.authority("Middle CA", as_it_is);
    let issuing = middle.authority("Issuing CA", as_it_is);
    let server = issuing.server(HOST, as_it_is);
    let [leaf, low, high, root] = [&server, &issuing, &middle, &world.application].map(|party| &party.certificate);
    let stranger = &world.unknown.certificate;
    for (sent, tell) in [
        (vec![leaf, low, high], None),
        (vec![leaf, high, low], Some("misordered")),
        (vec![leaf, root, high, low], Some("misordered")),
        (vec![leaf, low, low, high], Some("duplicated")),
        (vec![leaf, leaf, low, high], Some("duplicated")),
        (vec![leaf, stranger, low, high], Some("extra")),
        (vec![leaf, &garbage(1), low, high], Some("extra")),
        (vec![leaf, low, high, &garbage(2)], Some("extra")),
    ] {
        let sent: Vec<_> = sent.into_iter().cloned().collect();
        let verdict = world.verdict(&sent, APPLICATION);
        expect(&verdict, Ok, "ok", &format!("{tell:?}"));
        assert_eq!(verdict.tells.first().copied(), tell, "{:?}", verdict.tells);
    }
}

#[test]
fn genuine_certificates_thrown_into_a_private_chain_do_not_help_it() {
    let world = World::new();
    let genuine_server = world.application_issuing.server(HOST, as_it_is);
    for key_id in [world.application_issuing.key_id(), world.unknown.key_id()] {
        let impostor = Party::root_with("Application Issuing CA", with_key_id(key_id));
        let forged = impostor.server(HOST, with_ca_issuers);
        for sent in [
            chain([&forged, &world.application_issuing, &world.application]),
            chain([&forged, &genuine_server, &world.application_issuing]),
            chain([&forged, &impostor, &world.application_issuing, &world.application]),
            chain([&forged, &impostor, &genuine_server, &world.application_issuing]),
        ] {
            let verdict = world.verdict(&sent, APPLICATION);
            assert!(!matches!(verdict.status, Ok | waprobe::judge::Status::Degraded), "{:#?}", verdict.evidence);
            if sent.contains(&impostor.certificate) {
                expect(&verdict, Intercepted, "intercepted.untrusted", "its own root was sent");
            }
        }
    }
}

#[test]
fn circles_and_ladders_end() {
    let world = World::new();
    let (one, other) = (Party::root("One"), Party::root("Other"));
    let (one_by_other, other_by_one) = (other.cross(&one, as_it_is), one.cross(&other, as_it_is));
    let server = one.server(HOST, with_ca_issuers);
    let circle = [server.certificate.clone(), one_by_other.clone(), other_by_one.clone()];
    expect(&world.verdict(&circle, PUBLIC), Intercepted, "intercepted.untrusted", "two CAs that vouch for each other");
    let published =
        [server.certificate.clone(), other.cross(&one, with_ca_issuers), one.cross(&other, with_ca_issuers)];
    expect(&world.verdict(&published, PUBLIC), Intercepted, "intercepted.untrusted", "a circle has no issuer to fetch");

    // The same circle with a way out to an anchor.
    let way_out = world.public.cross(&other, as_it_is);
    let circle = [server.certificate, one_by_other, other_by_one, way_out];
    expect(&world.verdict(&circle, PUBLIC), Ok, "ok", "one of them is vouched for by the class' root");

    let mut ladder = vec![Party::root("Rung 0")];
    for rung in 1..40 {
        let above = ladder.last().expect("a rung").authority(&format!("Rung {rung}"), as_it_is);
        ladder.push(above);
    }
    let server = ladder.last().expect("a rung").server(HOST, as_it_is);
    let mut sent = vec![server.certificate];
    sent.extend(ladder.iter().rev().map(|rung| rung.certificate.clone()));
    expect(&world.verdict(&sent, PUBLIC), Inconclusive, "chain.incomplete", "forty CAs above each other");
}

#[test]
fn a_maze_of_one_name_is_given_up_and_a_way_through_it_found() {
    let world = World::new();
    // Everybody is called the same, and everybody vouches for the next three.
    let maze: Vec<Party> = (0..60).map(|_| Party::root("Same CA")).collect();
    let mut sent = vec![maze[0].server(HOST, as_it_is).certificate];
    for (index, party) in maze.iter().enumerate() {
        for step in 1..=3 {
            sent.push(maze[(index + step) % maze.len()].cross(party, as_it_is));
        }
    }
    let begun = Instant::now();
    let verdict = world.verdict(&sent, APPLICATION);
    assert!(begun.elapsed() < PATIENCE);
    assert!(matches!(verdict.status, Inconclusive | Intercepted), "{:?}", verdict.evidence);

    // The same maze around a genuine chain.
    let genuine = world.application_issuing.server(HOST, as_it_is);
    let mut around = chain([&genuine]);
    around.extend(sent.drain(1..));
    around.push(world.application_issuing.certificate.clone());
    expect(&world.verdict(&around, APPLICATION), Ok, "ok", "the maze does not concern the genuine chain");
}

#[test]
fn in_a_crowd_the_certificate_that_is_valid_now_is_taken() {
    let world = World::new();
    let old = world.application.authority("Renewed CA", years(2015, 2025));
    let renewed = world.application.cross(&old, years(2020, 2030));
    let not_yet = world.application.cross(&old, years(2028, 2040));
    let mut sent = chain([&old.server(HOST, years(2026, 2045)), &old]);
    sent.push(not_yet);
    sent.extend((0..20).map(|index| Party::root(&format!("Stranger {index}")).certificate));
    sent.push(renewed);
    expect(&world.verdict(&sent, APPLICATION), Ok, "ok", "more certificates than the library is given at once");
}

#[test]
fn hundreds_of_certificates_are_looked_at_within_bounds() {
    let world = World::new();
    let strangers: Vec<Certificate> =
        (0..100).map(|index| Party::root(&format!("Stranger {index}")).certificate).collect();
    let mut sent = chain([&world.application_issuing.server(HOST, as_it_is), &world.application_issuing]);
    sent.extend(strangers.iter().cloned());
    expect(&world.verdict(&sent, APPLICATION), Ok, "ok", "a genuine chain in a crowd");
    let mut sent = chain([&world.machine_issuing.server(HOST, as_it_is), &world.machine_issuing]);
    sent.extend(strangers.iter().cloned());
    let verdict = world.verdict(&sent, APPLICATION);
    expect(&verdict, Intercepted, "intercepted.trusted", "an inspector in a crowd");
    assert_eq!(verdict.machine_trusts, Some(true));
    let garbage: Vec<Certificate> = (0..=255).cycle().take(3000).map(garbage).collect();
    let begun = Instant::now();
    expect(&world.verdict(&garbage, APPLICATION), Inconclusive, "chain.unparsable", "three thousand times nothing");
    assert!(begun.elapsed() < PATIENCE);
}

#[test]
fn a_leaf_that_dresses_as_the_root_is_still_no_root() {
    let world = World::new();
    // Subject and key of the anchor, names of the host, signed by somebody else: nobody can prove the anchor's key.
    let mut dressed = world.application.clone();
    dressed.params = world.unknown.server(HOST, as_it_is).params;
    dressed.params.distinguished_name = world.application.params.distinguished_name.clone();
    let forged = world.unknown.cross(&dressed, as_it_is);
    let sent = [forged, world.unknown.certificate.clone()];
    expect(&world.verdict(&sent, APPLICATION), Intercepted, "intercepted.untrusted", "signed by an unknown root");
    // The genuine root itself as a server's certificate is no server's.
    let root = chain([&world.application]);
    expect(&world.verdict(&root, APPLICATION), Blocked, "chain.name_mismatch", "the root itself");
}

#[test]
fn cut_bytes_and_flipped_bits_never_pass() {
    let world = World::new();
    let genuine = chain([&world.application_issuing.server(HOST, as_it_is), &world.application_issuing]);
    let leaf = genuine[0].der();
    for position in 0..leaf.len() {
        let mut flipped = leaf.to_vec();
        flipped[position] ^= 1 << (position % 8);
        for bytes in [flipped, leaf[..position].to_vec()] {
            let sent = [Certificate::from_der(bytes), genuine[1].clone()];
            let verdict = world.verdict(&sent, APPLICATION);
            assert_ne!(verdict.status, Ok, "byte {position}: {:#?}", verdict.evidence);
        }
    }
}

#[test]
fn a_maze_that_doubles_at_every_level_costs_no_more_than_a_short_walk() {
    let world = World::new();
    // Two CAs at each level, each vouched for by both of the level above: few certificates and signatures, 2^26 ways up,
    // and every one of them too long to be a path.
    let levels: Vec<[Party; 2]> =
        (0..=26).map(|level| ["left", "right"].map(|side| Party::root(&format!("Level {level} {side}")))).collect();
    let mut sent = vec![levels[0][0].server(HOST, as_it_is).certificate];
    for pair in levels.windows(2) {
        for (below, above) in pair[0].iter().flat_map(|below| pair[1].iter().map(move |above| (below, above))) {
            sent.push(above.cross(below, as_it_is));
        }
    }
    let (judge, proved) = (world.judge(), proved());
    let begun = Instant::now();
    let verdict = judge.judge(&question(&sent, APPLICATION, &proved));
    let spent = begun.elapsed();
    expect(&verdict, Inconclusive, "chain.incomplete", "a search that was given up decides nothing");
    assert!(spent < Duration::from_secs(2), "{} certificates took {spent:?}", sent.len());

    // The same maze around a genuine chain: what leads to an anchor is found before the walk gets lost.
    let genuine = levels[0][0].clone();
    sent.push(world.application.cross(&genuine, as_it_is));
    let begun = Instant::now();
    let verdict = judge.judge(&question(&sent, APPLICATION, &proved));
    assert!(begun.elapsed() < Duration::from_secs(2));
    expect(&verdict, Ok, "ok", "the way out is beside the entrance");
}
