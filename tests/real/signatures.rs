//! nginx with certificates that are signed in unusual ways, by the openssl command: some can be checked here, some cannot.

use std::path::Path;

use crate::authorities::{Pair, Wish, read};
use crate::hosts;
use crate::nginx::{Nginx, Site};
use crate::waprobe::Check;
use crate::world::{World, free_address};

#[test]
fn unusual_signatures_are_checked_or_named_and_never_taken_for_somebody_elses() {
    let Some(world) = World::new() else { return };
    let [v10c, v10, v10_vortex, vortex, settings, watson, _] = hosts::APPLICATION;
    let application = &world.application_root;
    // An authority with this key, its own certificate signed with this digest, and a leaf below it.
    let below = |host: &str, root: &Pair, key: &str, digest: &str, leaf_digest: &str| {
        let subject = format!("/O=Unusual/CN=Authority of {host}");
        let wish = Wish { subject: &subject, key, digest, ..Wish::default() };
        let authority = world.authorities.issue(&format!("authority-{host}"), Some(root), &wish);
        let (subject, names) = (format!("/CN={host}"), [host]);
        let wish = Wish { subject: &subject, names: &names, key: "rsa:2048", digest: leaf_digest, ..Wish::default() };
        let leaf = world.authorities.issue(&format!("leaf-{host}"), Some(&authority), &wish);
        world.authorities.with_chain(&leaf, &[&authority])
    };
    let cases = [
        (v10c, below(v10c, application, "rsa-pss", "sha256", "sha256"), "ok", "ok", ""),
        (v10, below(v10, application, "ed25519", "sha256", "null"), "ok", "ok", ""),
        (
            v10_vortex,
            below(v10_vortex, application, "ed448", "sha256", "null"),
            "inconclusive",
            "chain.unchecked",
            "Ed448",
        ),
        (
            vortex,
            below(vortex, application, "ec:brainpoolP256r1", "sha256", "sha256"),
            "inconclusive",
            "chain.unchecked",
            "brainpoolP256r1",
        ),
        // Nothing in such a chain is proved, whoever's it is.
        (
            settings,
            below(settings, &world.corporate_root, "ec:brainpoolP384r1", "sha256", "sha384"),
            "inconclusive",
            "chain.unchecked",
            "brainpoolP384r1",
        ),
        // The link that cannot be checked is not there: the one above it was.
        (
            watson,
            below(watson, &world.corporate_root, "rsa-pss", "sha256", "sha512"),
            "intercepted",
            "intercepted.trusted",
            "Authority of watson",
        ),
    ];
    let sites: Vec<Site> = cases.iter().map(|(host, pair, ..)| Site::new(host, pair)).collect();
    let servers = Nginx::start(world.folder(), "nginx", free_address(), &sites);
    let store = both(&world, &[&world.corporate_root.certificate, &world.application_root.certificate]);
    let report = Check::new(&world).direct_to(&servers).machine_roots(&store).report();
    for (host, _, status, code, word) in &cases {
        report.expect("direct", [*host], status, code);
        let row = report.row(host, "direct");
        assert!(row["summary"].to_string().contains(word), "{row:#}");
        let trusts = if *status == "inconclusive" { serde_json::Value::Null } else { true.into() };
        assert_eq!(row["chain"]["machine_trusts"], trusts, "what a browser would say of {host}: {row:#}");
    }
}

/// OpenSSL signs with MD5 too, when it is asked to.
#[test]
fn md5_decides_nothing() {
    let Some(world) = World::new() else { return };
    let [v10c, v10, ..] = hosts::APPLICATION;
    let signed = |host: &str, issuer: &Pair, digest: &str| {
        let (subject, names) = (format!("/CN={host}"), [host]);
        let wish = Wish { subject: &subject, names: &names, key: "rsa:2048", digest, ..Wish::default() };
        let leaf = world.authorities.issue(&format!("leaf-{host}"), Some(issuer), &wish);
        world.authorities.with_chain(&leaf, &[issuer])
    };
    let authority = |file: &str, digest: &str, root: Option<&Pair>| {
        let subject = format!("/O=Old/CN={file}");
        world.authorities.issue(file, root, &Wish { subject: &subject, key: "rsa:2048", digest, ..Wish::default() })
    };
    let root = authority("rsa-root", "sha256", None);
    let (sound, weak) = (authority("sound-ca", "sha256", Some(&root)), authority("weak-ca", "md5", Some(&root)));
    let pairs = [(v10c, signed(v10c, &sound, "md5")), (v10, signed(v10, &weak, "sha256"))];
    let sites: Vec<Site> = pairs.iter().map(|(host, pair)| Site::new(host, pair)).collect();
    let servers = Nginx::start(world.folder(), "nginx", free_address(), &sites);
    let expected = format!("microsoft-application-root={}", root.certificate.display());
    // Under the root that is expected, and under one that only this machine's store holds.
    for check in
        [Check::new(&world).arg("--anchors").arg(&expected), Check::new(&world).machine_roots(&root.certificate)]
    {
        let report = check.direct_to(&servers).report();
        report.expect("direct", [v10c, v10], "inconclusive", "chain.unchecked");
        assert!(report.evidence(v10c, "direct").contains("RSA with MD5"));
    }
}

fn both(world: &World, files: &[&Path]) -> std::path::PathBuf {
    world.file("both.pem", &files.iter().map(|file| read(file)).collect::<String>())
}
