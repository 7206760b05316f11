//! Who signed what, in every way there is to sign, and where that cannot be found out.

use waprobe::catalogue::TrustClass;
use waprobe::certificate::Certificate;
use waprobe::judge::Status::{Blocked, Inconclusive, Intercepted, Ok};
use waprobe::judge::chain::{ChainQuestion, ChainVerdict, Reached};
use waprobe::observation::Signature;

use super::world::{
    APPLICATION, HOST, PUBLIC, Party, World, as_it_is, chain, expect, proved, question, with_ca_issuers, with_key_id,
};

/// Certificates that rcgen does not make; `fixtures/chains/made/README.md` says how they were made.
fn made(file: &str) -> Vec<Certificate> {
    let path = format!("{}/fixtures/chains/made/{file}.pem", env!("CARGO_MANIFEST_DIR"));
    Certificate::list_from_pem(&std::fs::read_to_string(path).expect(file)).expect(file)
}

fn made_root(file: &str) -> Certificate {
    let [root] = &made(file)[..] else { panic!("one root in {file}") };
    root.clone()
}

/// Within the validity of what was made.
const MADE_AT: &str = "2030-01-01T00:00:00Z";

fn ask(world: &World, chain: &[Certificate], expected: &[TrustClass], proof: &Signature) -> ChainVerdict {
    world.judge().judge(&ChainQuestion { at: MADE_AT.parse().expect("a moment"), ..question(chain, expected, proof) })
}

/// The certificate with another identifier of its signature's algorithm: `ecdsa-with-SHA256` becomes one that nobody has.
pub fn signed_strangely(certificate: &Certificate) -> Certificate {
    const ECDSA_WITH_SHA256: [u8; 10] = [0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x02];
    // A number under an arc that belongs to no family of keys.
    const STRANGE: [u8; 10] = [0x06, 0x08, 0x2b, 0x06, 0x01, 0x04, 0x01, 0x86, 0x8d, 0x1f];
    let mut der = certificate.der().to_vec();
    let mut replaced = 0;
    for start in 0..der.len() - ECDSA_WITH_SHA256.len() {
        if der[start..].starts_with(&ECDSA_WITH_SHA256) {
            der[start..start + STRANGE.len()].copy_from_slice(&STRANGE);
            replaced += 1;
        }
    }
    assert_eq!(replaced, 2, "inside and outside");
    Certificate::from_der(der)
}

fn strange(party: &Party) -> Party {
    Party { certificate: signed_strangely(&party.certificate), ..party.clone() }
}

#[test]
fn every_way_to_sign_that_can_be_checked_is() {
    let mut world = World::new();
    let root = made_root("root");
    let without = World::new();
    world.trust.application_root.anchors.push(root.clone());
    for (file, code, reason) in [
        ("rsa-2048", "ok", ""),
        ("rsa-pss", "ok", ""),
        ("pss-key", "ok", ""),
        ("pss-bound-key", "ok", ""),
        ("pss-long-salt", "ok", ""),
        ("pss-no-salt", "ok", ""),
        ("p-521", "ok", ""),
        ("ed25519", "ok", ""),
        ("rsa-1024-leaf", "chain.weak", "1024 bits"),
        ("sha1-leaf", "chain.weak", "SHA-1"),
        ("sha1-intermediate", "chain.weak", "SHA-1"),
        ("rsa-1024-intermediate", "chain.weak", "1024 bits"),
        ("version-1-leaf", "chain.name_mismatch", "version 1"),
    ] {
        let chain = made(file);
        let proof = if file == "rsa-1024-leaf" {
            Signature::NotChecked { scheme: "RSA_PSS_SHA256".into(), detail: "a key of 1024 bits".into() }
        } else {
            proved()
        };
        let verdict = ask(&world, &chain, APPLICATION, &proof);
        let status = if code == "ok" { Ok } else { Blocked };
        expect(&verdict, status, code, file);
        assert!(verdict.evidence.iter().any(|line| line.contains(reason)), "{file}: {:#?}", verdict.evidence);
        // The very same under a root that nobody knows, and under one that the machine alone knows.
        let mut sent = chain.clone();
        sent.push(root.clone());
        let verdict = ask(&without, &sent, APPLICATION, &proof);
        expect(&verdict, Intercepted, "intercepted.untrusted", file);
        let mut company = World::new();
        company.roots.machine.push(root.clone());
        let verdict = ask(&company, &chain, APPLICATION, &proof);
        expect(&verdict, Intercepted, "intercepted.trusted", file);
        // What browsers say of it: the library alone would refuse what it has no algorithm for.
        assert_eq!(verdict.machine_trusts, Some(code == "ok"), "{file}: {:#?}", verdict.evidence);
    }
}

#[test]
fn what_cannot_be_checked_decides_nothing_wherever_it_stands() {
    let root = made_root("root");
    let [without, mut expecting, mut company, mut public] = [(); 4].map(|()| World::new());
    expecting.trust.application_root.anchors.push(root.clone());
    company.roots.machine.push(root.clone());
    public.roots.public.as_mut().expect("the world's own").push(root.clone());
    for (file, how) in [
        ("md5-leaf", "RSA with MD5"),
        ("md5-intermediate", "RSA with MD5"),
        ("pss-sha1", "RSA-PSS with SHA-1"),
        ("pss-mixed", "RSA-PSS with SHA-256, masked with SHA-1"),
        ("brainpool", "brainpoolP256r1"),
        ("huge-exponent", "exponent of 65 bits"),
        ("ed448", "Ed448"),
        ("ed448-with-address", "Ed448"),
    ] {
        let chain = made(file);
        let mut with_root = chain.clone();
        with_root.push(root.clone());
        for (whose, world, chain) in [
            ("expected", &expecting, &chain),
            ("expected, and sent", &expecting, &with_root),
            ("the machine's", &company, &chain),
            ("the machine's, and sent", &company, &with_root),
            ("public", &public, &chain),
            ("nobody's", &without, &with_root),
        ] {
            for expected in [APPLICATION, PUBLIC] {
                let verdict = ask(world, chain, expected, &proved());
                expect(&verdict, Inconclusive, "chain.unchecked", &format!("{file}, the root is {whose}"));
                assert_eq!(verdict.reached, Reached::Incomplete);
                assert!(verdict.summary.contains(how), "{file}: {}", verdict.summary);
                assert_eq!(verdict.machine_trusts, None, "{file}: the machine's programs may know the algorithm");
            }
        }
    }
}

#[test]
fn an_authority_whose_key_cannot_be_used_is_named_with_its_place() {
    let root = made_root("brainpool-root");
    let leaf = made("by-brainpool-root");
    let [mut expecting, mut company, without] = [(); 3].map(|()| World::new());
    expecting.trust.application_root.anchors.push(root.clone());
    company.roots.machine.push(root.clone());
    let sent = [leaf[0].clone(), root];
    for (world, chain, place) in [
        (&company, &leaf[..], "is in this computer's store alone"),
        (&company, &sent[..], "is in this computer's store alone"),
        (&expecting, &leaf[..], "is a known root"),
        (&without, &sent[..], "was sent"),
    ] {
        let verdict = ask(world, chain, APPLICATION, &proved());
        expect(&verdict, Inconclusive, "chain.unchecked", place);
        assert!(verdict.evidence.iter().any(|line| line.contains(place)), "{place}: {:#?}", verdict.evidence);
    }
    // Neither sent nor known, the issuer could have signed in any way at all.
    let verdict = ask(&without, &leaf, APPLICATION, &proved());
    expect(&verdict, Intercepted, "intercepted.untrusted", "nobody knows the issuer");
}

#[test]
fn a_roots_signature_on_itself_says_nothing_that_matters() {
    let root = made_root("md5-root");
    let leaf = made("by-md5-root");
    let [mut expecting, mut company, without] = [(); 3].map(|()| World::new());
    expecting.trust.application_root.anchors.push(root.clone());
    company.roots.machine.push(root.clone());
    let sent = [leaf[0].clone(), root];
    for (world, status, code) in [
        (&expecting, Ok, "ok"),
        (&company, Intercepted, "intercepted.trusted"),
        (&without, Intercepted, "intercepted.untrusted"),
    ] {
        expect(
            &ask(world, &sent, APPLICATION, &proved()),
            status,
            code,
            "its key signed the leaf, and that was checked",
        );
    }
}

#[test]
fn a_signature_that_is_proved_outweighs_one_that_is_not() {
    let world = World::new();
    let issuing = &world.application_issuing;
    let server = issuing.server(HOST, as_it_is);
    // Two certificates for one CA: one by a root that is known, one that says it is by another and cannot be checked.
    let strange_cross = |by: &Party| signed_strangely(&by.cross(issuing, as_it_is));
    for by in [&world.other, &world.machine, &world.unknown, &world.public] {
        let path = vec![server.certificate.clone(), strange_cross(by), issuing.certificate.clone()];
        expect(&world.verdict(&path, APPLICATION), Ok, "ok", "the genuine certificate was sent too");
    }
    let inspector = &world.machine_issuing;
    let forged = inspector.server(HOST, as_it_is);
    let strange_cross = signed_strangely(&world.application.cross(inspector, as_it_is));
    let path = vec![forged.certificate.clone(), inspector.certificate.clone(), strange_cross.clone()];
    expect(
        &world.verdict(&path, APPLICATION),
        Intercepted,
        "intercepted.trusted",
        "anybody can write such a certificate",
    );
    // With it alone there is a link that leads to the expected root, and nobody can say whether it is true.
    let path = vec![forged.certificate, strange_cross];
    expect(&world.verdict(&path, APPLICATION), Inconclusive, "chain.unchecked", "only the strange certificate");
}

#[test]
fn no_strange_signature_ever_passes_for_a_genuine_one() {
    let world = World::new();
    for (issuing, expected) in [(&world.application_issuing, APPLICATION), (&world.public_issuing, PUBLIC)] {
        // The leaf, the CA, and both.
        let leaf = issuing.server(HOST, as_it_is);
        for sent in [
            chain([&strange(&leaf), issuing]),
            chain([&leaf, &strange(issuing)]),
            chain([&strange(&leaf), &strange(issuing)]),
            chain([&strange(&leaf), issuing, &world.application, &world.public]),
        ] {
            let verdict = world.verdict(&sent, expected);
            expect(&verdict, Inconclusive, "chain.unchecked", "a genuine chain under an algorithm of the future");
            assert!(verdict.summary.contains("1.3.6.1.4.1.99999"), "{}", verdict.summary);
        }
        // The CA alone was left out, and is known: by name, and by key identifier under another name.
        let mut helped = World::new();
        helped.trust.application_root.helpers.push(issuing.certificate.clone());
        expect(&helped.verdict(&chain([&strange(&leaf)]), expected), Inconclusive, "chain.unchecked", "a known CA");
        let namesake = Party::root_with("Another Name", with_key_id(issuing.key_id())).server(HOST, with_ca_issuers);
        let verdict = helped.verdict(&chain([&strange(&namesake)]), expected);
        expect(&verdict, Inconclusive, "chain.unchecked", "a known key identifier");
    }
}

#[test]
fn a_signature_that_such_a_key_cannot_have_made_is_none() {
    let world = World::new();
    let leaf = made("md5-leaf");
    let rsa = rcgen::KeyPair::generate_rsa_for(&rcgen::PKCS_RSA_SHA256, rcgen::RsaKeySize::_3072).expect("a key");
    let of_2048 = made_root("root");
    let on_a_curve = Party::root("Made Root");
    let of_3072 = Party::with_key("Made Root", rsa);
    for (issuer, status, code) in [
        // An elliptic curve makes no RSA signature, and an RSA key none of another length than its own.
        (&on_a_curve.certificate, Intercepted, "intercepted.untrusted"),
        (&of_3072.certificate, Intercepted, "intercepted.untrusted"),
        (&of_2048, Inconclusive, "chain.unchecked"),
    ] {
        let sent = [leaf[0].clone(), issuer.clone()];
        assert_eq!(sent[0].fields().map(|leaf| &leaf.issuer_der), issuer.fields().map(|issuer| &issuer.subject_der));
        expect(&ask(&world, &sent, APPLICATION, &proved()), status, code, "all of them are called the same");
    }
}
