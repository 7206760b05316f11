//! What holds for every chain: a leaf that a private CA signed is never met, and a genuine one is never intercepted.

use std::sync::LazyLock;

use proptest::prelude::*;
use proptest::test_runner::RngSeed;
use rcgen::CertificateParams;
use waprobe::catalogue::TrustClass;
use waprobe::certificate::Certificate;
use waprobe::judge::Status;
use waprobe::judge::chain::{ChainJudge, ChainQuestion, ChainVerdict, Proof};
use waprobe::observation::Signature;

use super::world::{
    APPLICATION, AT, BOTH, HOST, PUBLIC, Party, World, as_it_is, question, with_ca_issuers, with_key_id, years,
};

static WORLD: LazyLock<World> = LazyLock::new(World::new);

/// Certificates that anybody can find and send along: genuine ones, foreign ones, crosses, look-alikes, nonsense.
static LYING_AROUND: LazyLock<Vec<Certificate>> = LazyLock::new(|| {
    let world = &*WORLD;
    let parties = [
        &world.application,
        &world.application_issuing,
        &world.public,
        &world.public_issuing,
        &world.other,
        &world.other_issuing,
        &world.machine,
        &world.machine_issuing,
        &world.unknown,
        &world.unknown_issuing,
    ];
    let mut lying: Vec<_> = parties.map(|party| party.certificate.clone()).to_vec();
    let authorities = [&world.application_issuing, &world.public_issuing, &world.application, &world.public];
    for authority in authorities {
        for by in [&world.unknown, &world.machine, &world.other] {
            lying.push(by.cross(authority, as_it_is));
            lying.push(by.cross(authority, years(2015, 2020)));
        }
        let name = name_of(authority);
        lying.push(Party::root(&name).certificate);
        lying.push(Party::root_with(&name, with_key_id(authority.key_id())).certificate);
    }
    lying.extend(
        [&world.application_issuing, &world.public_issuing].map(|issuing| issuing.server(HOST, as_it_is).certificate),
    );
    lying.push(Certificate::from_der(vec![0x30, 0x03, 0x02, 0x01, 0x00]));
    lying
});

fn name_of(party: &Party) -> String {
    let fields = party.certificate.fields().expect("readable");
    fields.subject_attributes.common_name.clone().expect("a common name")
}

/// One certificate's particulars, drawn at random.
#[derive(Debug, Clone)]
struct Draw {
    name: usize,
    copies_key_id: bool,
    span: usize,
    has_address: bool,
}

fn draw() -> impl Strategy<Value = Draw> {
    (0..6_usize, any::<bool>(), 0..5_usize, any::<bool>()).prop_map(|(name, copies_key_id, span, has_address)| Draw {
        name,
        copies_key_id,
        span,
        has_address,
    })
}

const SPANS: [(i32, i32); 5] = [(2020, 2035), (2026, 2028), (2015, 2020), (2024, 2026), (2027, 2030)];

fn dress(draw: &Draw, params: &mut CertificateParams) {
    let (from, until) = SPANS[draw.span];
    years(from, until)(params);
    if draw.has_address {
        with_ca_issuers(params);
    }
    let known = [&WORLD.application_issuing, &WORLD.public_issuing, &WORLD.application, &WORLD.public];
    if draw.copies_key_id {
        with_key_id(known[draw.name % known.len()].key_id())(params);
    }
}

fn name(draw: &Draw) -> String {
    let known = [&WORLD.application_issuing, &WORLD.public_issuing, &WORLD.application, &WORLD.public];
    known.get(draw.name).map_or_else(|| format!("Private CA {}", draw.name), |known| name_of(known))
}

/// What goes along with the leaf: indexes into the chain's own authorities, then into what lies around.
fn company() -> impl Strategy<Value = Vec<prop::sample::Index>> {
    prop::collection::vec(any::<prop::sample::Index>(), 0..12)
}

fn ask(judge: &ChainJudge, chain: &[Certificate], expected: usize, proof: usize, at: &str) -> ChainVerdict {
    let proofs = [
        Signature::Verified { scheme: "ECDSA_NISTP256_SHA256".into() },
        Signature::NotAsked,
        Signature::NotChecked { scheme: "x".into(), detail: "y".into() },
        Signature::Wrong { scheme: "x".into() },
    ];
    let expected: &[TrustClass] = [APPLICATION, PUBLIC, BOTH][expected % 3];
    let signature = &proofs[proof % 4];
    let proof = if proof == 4 { Proof::File } else { Proof::Handshake(signature) };
    judge.judge(&ChainQuestion { proof, at: at.parse().expect("a moment"), ..question(chain, expected, signature) })
}

proptest! {
    #![proptest_config(ProptestConfig {
        failure_persistence: None,
        rng_seed: RngSeed::Fixed(20_261_122),
        ..ProptestConfig::with_cases(192)
    })]

    #[test]
    fn a_leaf_by_a_private_ca_is_never_met(
        root in draw(),
        below in prop::collection::vec(draw(), 0..3),
        leaf in draw(),
        company in company(),
        (signer, expected, proof, is_in_store) in (0..4_usize, 0..3_usize, 0..5_usize, any::<bool>()),
    ) {
        // The private hierarchy begins at an own root, or at the key of a genuine server.
        let root = match signer {
            0 => WORLD.application_issuing.server("mail.example", as_it_is),
            1 => WORLD.other_issuing.server("mail.example", as_it_is),
            _ => Party::root_with(&name(&root), |params| dress(&root, params)),
        };
        let mut own = vec![root.clone()];
        for draw in &below {
            let above = own.last().expect("a root");
            own.push(above.authority(&name(draw), |params| dress(draw, params)));
        }
        let server = own.last().expect("a root").server(HOST, |params| {
            let (from, until) = SPANS[leaf.span];
            years(from, until)(params);
            if leaf.has_address {
                with_ca_issuers(params);
            }
        });
        let mut pool: Vec<Certificate> = own.iter().map(|party| party.certificate.clone()).collect();
        // As often as everything else together.
        pool = pool.iter().cycle().take(LYING_AROUND.len()).chain(LYING_AROUND.iter()).cloned().collect();
        let mut chain = vec![server.certificate];
        chain.extend(company.iter().map(|index| index.get(&pool).clone()));
        let mut roots = WORLD.roots.clone();
        if is_in_store && signer > 1 {
            roots.machine.push(root.certificate.clone());
        }
        let judge = ChainJudge::new(&WORLD.trust, &roots);
        let verdict = ask(&judge, &chain, expected, proof, AT);
        prop_assert!(!matches!(verdict.status, Status::Ok | Status::Degraded), "{:#?}", verdict);
        if signer > 1 && proof % 4 != 3 {
            prop_assert!(verdict.status == Status::Intercepted || verdict.cause.code() == "chain.incomplete", "{:#?}", verdict);
            if is_in_store && own.iter().skip(1).all(|party| chain.contains(&party.certificate)) {
                prop_assert_eq!(verdict.cause.code(), "intercepted.trusted");
            }
        }
    }

    #[test]
    fn a_genuine_chain_is_never_intercepted(
        below in prop::collection::vec(draw(), 0..3),
        leaf in draw(),
        company in company(),
        (family, expected, proof, at) in (0..2_usize, 0..3_usize, 0..5_usize, 0..3_usize),
        is_shuffled in any::<bool>(),
        by_machine in any::<bool>(),
    ) {
        let root = [&WORLD.application, &WORLD.public][family];
        let mut own: Vec<Party> = Vec::new();
        for draw in &below {
            let above = own.last().unwrap_or(root);
            own.push(above.authority(&name(draw), |params| {
                let plain = Draw { copies_key_id: false, ..draw.clone() };
                dress(&plain, params);
            }));
        }
        let server = own.last().unwrap_or(root).server(HOST, |params| {
            let (from, until) = SPANS[leaf.span];
            years(from, until)(params);
        });
        let mut rest: Vec<Certificate> = own.iter().rev().map(|party| party.certificate.clone()).collect();
        for party in own.iter().filter(|_| by_machine) {
            rest.push(WORLD.machine.cross(party, as_it_is));
            rest.push(WORLD.unknown.cross(party, as_it_is));
        }
        rest.extend(company.iter().map(|index| index.get(&LYING_AROUND).clone()));
        if is_shuffled {
            let middle = company.first().map_or(0, |index| index.index(rest.len().max(1)));
            rest.reverse();
            let middle = middle.min(rest.len());
            rest.rotate_left(middle);
        }
        let mut chain = vec![server.certificate.clone()];
        chain.extend(rest);
        let at = [AT, "2031-01-01T00:00:00Z", "2018-01-01T00:00:00Z"][at];
        let verdict = ask(&WORLD.judge(), &chain, expected, proof, at);
        prop_assert_ne!(verdict.status, Status::Intercepted, "{:#?}", verdict);

        let moment = at.parse().expect("a moment");
        let is_valid = own.iter().map(|party| &party.certificate).chain([&server.certificate])
            .all(|certificate| certificate.fields().expect("readable").is_valid_at(moment));
        let is_expected = expected == 2 || expected == family;
        if is_valid && is_expected && (proof == 0 || proof == 4) {
            prop_assert_eq!(verdict.status, Status::Ok, "{:#?}", verdict);
        }
        if is_expected && proof == 1 {
            prop_assert!(!matches!(verdict.status, Status::Ok | Status::Degraded));
        }
    }

    #[test]
    fn any_bytes_get_a_verdict(bytes in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..200), 0..5)) {
        let chain: Vec<_> = bytes.into_iter().map(Certificate::from_der).collect();
        let verdict = ask(&WORLD.judge(), &chain, 0, 0, AT);
        prop_assert_eq!(verdict.cause.code(), "chain.unparsable");
    }
}
