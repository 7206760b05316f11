//! What the places of Windows' store say of a root: who put it there, and which roots only have not come yet.

use std::collections::BTreeSet;

use waprobe::certificate::place::RootPlace;
use waprobe::judge::Cause;
use waprobe::judge::Status::{Degraded, Inconclusive, Intercepted, Ok};
use waprobe::judge::chain::{ChainVerdict, Reached};

use super::world::{APPLICATION, BOTH, HOST, PUBLIC, Party, World, as_it_is, chain, expect, years};

/// A world whose machine keeps the company's root in these places.
fn kept_in(places: &[RootPlace]) -> World {
    let mut world = World::new();
    world.roots.places.insert(*world.machine.certificate.sha256(), places.iter().copied().collect::<BTreeSet<_>>());
    world
}

fn says(verdict: &ChainVerdict, text: &str) -> bool {
    verdict.evidence.iter().any(|line| line.contains(text))
}

#[test]
fn a_root_that_somebody_rolled_out_is_an_inspectors_and_the_evidence_says_how_it_came() {
    for (place, words) in [
        (RootPlace::GroupPolicy, "group policy"),
        (RootPlace::Enterprise, "Active Directory"),
        (RootPlace::Registry, "by an installer, a script, device management or by hand"),
        (RootPlace::SmartCard, "smart card"),
        (RootPlace::User, "which services do not see"),
        (RootPlace::UserGroupPolicy, "services do not see it"),
        (RootPlace::Elsewhere, "does not say where from"),
    ] {
        let world = kept_in(&[place]);
        let chain = chain([&world.machine_issuing.server(HOST, as_it_is), &world.machine_issuing]);
        for expected in [APPLICATION, PUBLIC, BOTH] {
            let verdict = world.verdict(&chain, expected);
            expect(&verdict, Intercepted, "intercepted.trusted", place.name());
            assert!(says(&verdict, words), "{place:?}: {:#?}", verdict.evidence);
        }
    }
}

#[test]
fn a_root_of_microsofts_programme_is_a_public_one_wherever_else_it_stands() {
    for places in [&[RootPlace::AuthRoot][..], &[RootPlace::AuthRoot, RootPlace::GroupPolicy]] {
        let world = kept_in(places);
        let chain = chain([&world.machine_issuing.server(HOST, as_it_is), &world.machine_issuing]);
        for (expected, status) in [(APPLICATION, Inconclusive), (PUBLIC, Degraded), (BOTH, Degraded)] {
            let verdict = world.verdict(&chain, expected);
            expect(&verdict, status, "chain.wrong_class", "AuthRoot");
            assert_eq!(verdict.reached, Reached::Public);
            assert_eq!(verdict.machine_trusts, Some(true));
            assert!(says(&verdict, "AuthRoot"), "{:#?}", verdict.evidence);
        }
    }
}

#[test]
fn without_places_nothing_is_said_of_them() {
    let world = World::new();
    let chain = chain([&world.machine_issuing.server(HOST, as_it_is), &world.machine_issuing]);
    assert!(!says(&world.verdict(&chain, PUBLIC), "Windows' store"));
}

#[test]
fn a_public_root_that_windows_would_fetch_is_not_called_missing() {
    let mut world = World::new();
    let chain = chain([&world.public_issuing.server(HOST, as_it_is), &world.public_issuing]);
    world.roots.machine.retain(|root| *root != world.public.certificate);

    let verdict = world.verdict(&chain, PUBLIC);
    expect(&verdict, Ok, "ok", "the class decides");
    assert_eq!((verdict.machine_trusts, verdict.lacks_root), (Some(false), true), "a store that is all there is");

    world.roots.note.on_demand = true;
    let verdict = world.verdict(&chain, PUBLIC);
    expect(&verdict, Ok, "ok", "the class decides");
    assert_eq!((verdict.machine_trusts, verdict.lacks_root), (None, false), "{:#?}", verdict.evidence);
    assert!(says(&verdict, "does not hold Public Root yet"), "{:#?}", verdict.evidence);
}

#[test]
fn a_chain_that_no_store_would_accept_is_not_excused_by_a_root_that_may_come() {
    let mut world = World::new();
    world.roots.note.on_demand = true;
    world.roots.machine.retain(|root| *root != world.public.certificate);
    let expired = chain([&world.public_issuing.server(HOST, years(2015, 2016)), &world.public_issuing]);
    let verdict = world.verdict(&expired, PUBLIC);
    assert_eq!(verdict.cause, Cause::ChainExpired);
    assert_eq!(verdict.machine_trusts, Some(false));
    assert!(!verdict.lacks_root);

    let unknown = Party::root("Nobody's Root");
    let foreign = chain([&unknown.server(HOST, as_it_is), &unknown]);
    let verdict = world.verdict(&foreign, PUBLIC);
    expect(&verdict, Intercepted, "intercepted.untrusted", "no programme has it");
    assert_eq!(verdict.machine_trusts, Some(false));
}
