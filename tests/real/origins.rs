//! nginx with every kind of certificate that a server, a middlebox or a forger shows.

use std::path::Path;

use crate::authorities::{Pair, Wish};
use crate::nginx::{Nginx, Site};
use crate::waprobe::Check;
use crate::world::{World, free_address};

const APPLICATION_HOST: &str = "v10c.events.data.microsoft.com";
const PUBLIC_HOST: &str = "login.live.com";
const LONG_AGO: (&str, &str) = ("20190101000000Z", "20200101000000Z");
const IN_THE_FUTURE: (&str, &str) = ("20440101000000Z", "20441231000000Z");

/// What one server shows, and what has to be said of it.
struct Case<'a> {
    host: &'a str,
    shows: Pair,
    status: &'a str,
    code: &'a str,
}

#[test]
fn each_kind_of_certificate_has_its_own_answer() {
    let Some(world) = World::new() else { return };
    let forged = Forger::of(&world);
    let case = |host, shows, status, code| Case { host, shows, status, code };
    let [v10c, v10, v10_vortex, vortex, settings, watson, oca] = crate::hosts::APPLICATION;
    let [login, ceus1, ceus2, eaus1, eaus2, weus1, weus2] = crate::hosts::PUBLIC;
    let (application, public) = (&world.application_issuer, &world.public_issuer);

    let cases = [
        case(v10c, world.genuine(v10c), "ok", "ok"),
        case(
            v10,
            forged.leaf(v10, application, &Wish { valid: LONG_AGO, ..Wish::default() }),
            "blocked",
            "chain.expired",
        ),
        case(
            v10_vortex,
            forged.leaf("www.example.com", application, &Wish::default()),
            "blocked",
            "chain.name_mismatch",
        ),
        case(vortex, forged.self_signed(vortex), "intercepted", "intercepted.untrusted"),
        case(settings, forged.alone(settings, None), "intercepted", "intercepted.untrusted"),
        case(
            watson,
            forged.alone(watson, Some("http://issuers.example/issuing.crt")),
            "inconclusive",
            "chain.incomplete",
        ),
        // Either of Microsoft's classes will do for this one.
        case(oca, forged.leaf(oca, public, &Wish::default()), "ok", "ok"),
        case(login, forged.by_a_namesake_of(&world.public_root, login), "intercepted", "intercepted.untrusted"),
        case(ceus1, forged.leaf(ceus1, application, &Wish::default()), "degraded", "chain.wrong_class"),
        case(
            ceus2,
            forged.leaf(ceus2, public, &Wish { valid: IN_THE_FUTURE, ..Wish::default() }),
            "blocked",
            "chain.not_yet_valid",
        ),
        case(eaus1, forged.leaf(eaus1, public, &Wish { key: "rsa:1024", ..Wish::default() }), "blocked", "chain.weak"),
        case(
            eaus2,
            forged.leaf(eaus2, public, &Wish { key: "rsa:2048", digest: "sha1", ..Wish::default() }),
            "blocked",
            "chain.weak",
        ),
        case(
            weus1,
            forged.leaf(weus1, &world.corporate_root, &Wish::default()),
            "intercepted",
            "intercepted.untrusted",
        ),
        case(weus2, forged.leaf(weus2, public, &Wish { key: "rsa:2048", ..Wish::default() }), "ok", "ok"),
    ];
    let sites: Vec<Site> = cases.iter().map(|case| Site::new(case.host, &case.shows)).collect();
    let servers = Nginx::start(world.folder(), "nginx", free_address(), &sites);

    let report = Check::new(&world).direct_to(&servers).report();
    for case in &cases {
        report.expect("direct", [case.host], case.status, case.code);
        // A key of 1024 bits is one that nothing is checked with.
        let expected = if case.host == eaus1 { serde_json::Value::Null } else { true.into() };
        assert_eq!(report.row(case.host, "direct")["chain"]["proved"], expected, "{}", case.host);
    }
    assert_eq!(report.exit, 1, "{}", report.outline());
}

#[test]
fn microsofts_other_root_is_no_interception_and_no_proof_either() {
    let Some(world) = World::new() else { return };
    let forged = Forger::of(&world);
    let shows = forged.leaf(APPLICATION_HOST, &world.public_issuer, &Wish::default());
    let servers = Nginx::start(world.folder(), "nginx", free_address(), &[Site::new(APPLICATION_HOST, &shows)]);

    let report = Check::new(&world).direct_to(&servers).report();
    report.expect("direct", [APPLICATION_HOST], "inconclusive", "chain.wrong_class");
}

#[test]
fn tls_1_2_alone_is_good_enough() {
    let Some(world) = World::new() else { return };
    let pair = world.genuine(APPLICATION_HOST);
    let site = Site { protocols: "TLSv1.2", ..Site::new(APPLICATION_HOST, &pair) };
    let servers = Nginx::start(world.folder(), "nginx", free_address(), &[site]);

    let report = Check::new(&world).direct_to(&servers).report();
    report.expect("direct", [APPLICATION_HOST], "ok", "ok");
    let evidence = report.evidence(APPLICATION_HOST, "direct");
    assert!(evidence.contains("TLS 1.2"), "{evidence}");
}

#[test]
fn plain_http_where_tls_belongs_is_read_and_quoted() {
    let Some(world) = World::new() else { return };
    let servers = Nginx::start_without_tls(world.folder(), "nginx", free_address());

    let report = Check::new(&world).direct_to(&servers).report();
    report.expect("direct", crate::hosts::over_tls(), "blocked", "tls.plaintext_reply");
    assert!(report.evidence(PUBLIC_HOST, "direct").contains("HTTP/1.1 400"));
}

#[test]
fn a_genuine_chain_without_its_key_is_not_believed() {
    let Some(world) = World::new() else { return };
    // A chain that Microsoft's own servers sent, and Microsoft's own root: everything is right but the key.
    let chain = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("fixtures/chains/v20.events.data.microsoft.com-2025-mssecureserver2011.pem");
    let stolen = Pair { key: world.authorities.key_that_signs_wrongly("stolen", &chain), certificate: chain };
    for protocols in ["TLSv1.2", "TLSv1.3"] {
        let site = Site { protocols, ..Site::new(APPLICATION_HOST, &stolen) };
        let servers = Nginx::start(world.folder(), protocols, free_address(), &[site]);

        let report = Check::with_microsofts_roots(&world).direct_to(&servers).report();
        report.expect("direct", [APPLICATION_HOST], "blocked", "tls.bad_signature");
        let row = report.row(APPLICATION_HOST, "direct");
        assert_eq!(row["chain"]["proved"], false, "{row:#}");
        assert_eq!(row["chain"]["reached"], "microsoft-application-root", "{row:#}");
    }
}

/// One authority, one leaf, and every way to send or to forge what stands above it.
#[test]
fn what_is_sent_above_a_leaf_and_in_which_order_is_seen_through() {
    let Some(world) = World::new() else { return };
    let forged = Forger::of(&world);
    let [v10c, v10, v10_vortex, vortex, settings, watson, oca] = crate::hosts::APPLICATION;
    let [login, ceus1, ..] = crate::hosts::PUBLIC;
    let (authorities, issuer) = (&world.authorities, &world.application_issuer);
    let leaf = |host: &str, issuer: &Pair| forged.signed(host, Some(issuer), &Wish::default());
    // The issuing authority's name and key under another root: the company's, and the public one.
    let cross = |file: &str, root: &Pair| authorities.certify(file, root, issuer, "/O=Microsoft/CN=Issuing CA");
    let (by_company, by_public) =
        (cross("cross-by-company", &world.corporate_root), cross("cross-by-public", &world.public_root));
    // An authority of somebody's own that claims the genuine one's key identifier, and its name or another.
    let id = crate::authorities::key_id(&issuer.certificate);
    let claims = |file: &str, subject: &str| {
        authorities.issue(file, None, &Wish { subject, key_id: Some(&id), ..Wish::default() })
    };
    let (same_name, other_name) =
        (claims("same-id", "/O=Microsoft/CN=Issuing CA"), claims("same-id-only", "/CN=Other"));
    // A server's genuine certificate that signs another.
    let customer = forged.signed("mail.example", Some(&world.public_issuer), &Wish::default());
    let critical = Wish { more: "1.3.6.1.4.1.99999.7 = critical,ASN1:NULL", ..Wish::default() };
    let send = |leaf: &Pair, above: &[&Pair]| authorities.with_chain(leaf, above);
    let cases = [
        // The root too early, everything twice, strangers between.
        (v10c, send(&leaf(v10c, issuer), &[&world.application_root, issuer]), "ok", "ok"),
        (v10, send(&leaf(v10, issuer), &[issuer, issuer, &world.application_root, issuer]), "ok", "ok"),
        (v10_vortex, send(&leaf(v10_vortex, issuer), &[&world.corporate_root, &same_name, issuer]), "ok", "ok"),
        // Cross-certificates beside the genuine one; alone, they lead where they lead.
        (vortex, send(&leaf(vortex, issuer), &[&by_company, &by_public, issuer]), "ok", "ok"),
        (settings, send(&leaf(settings, issuer), &[&by_public]), "inconclusive", "chain.wrong_class"),
        (watson, send(&leaf(watson, issuer), &[&by_company]), "intercepted", "intercepted.trusted"),
        (oca, send(&leaf(oca, &same_name), &[issuer]), "intercepted", "intercepted.untrusted"),
        (login, send(&leaf(login, &customer), &[&customer, &world.public_issuer]), "blocked", "chain.constraints"),
        (
            ceus1,
            send(&forged.signed(ceus1, Some(&world.public_issuer), &critical), &[&world.public_issuer]),
            "blocked",
            "chain.constraints",
        ),
    ];
    let sites: Vec<Site> = cases.iter().map(|(host, shows, ..)| Site::new(host, shows)).collect();
    let servers = Nginx::start(world.folder(), "nginx", free_address(), &sites);
    let report = Check::new(&world).machine_roots(&world.corporate_root.certificate).direct_to(&servers).report();
    for (host, _, status, code) in &cases {
        report.expect("direct", [*host], status, code);
    }
    let tells = |host: &str| report.row(host, "direct")["chain"]["tells"].to_string();
    assert!(
        tells(v10).contains("duplicated") && tells(v10_vortex).contains("extra"),
        "{} {}",
        tells(v10),
        tells(v10_vortex)
    );
    assert!(report.row(login, "direct")["summary"].to_string().contains("is no CA"), "{}", report.row(login, "direct"));

    // The same key identifier under another name; the genuine authority is known, because the machine has it among its
    // roots, and was not sent.
    let store = [&world.corporate_root, issuer].map(|pair| crate::authorities::read(&pair.certificate)).concat();
    let store = world.file("store.pem", &store);
    let shows = leaf(v10c, &other_name);
    let servers = Nginx::start(world.folder(), "again", free_address(), &[Site::new(v10c, &shows)]);
    let report = Check::new(&world).machine_roots(&store).direct_to(&servers).report();
    report.expect("direct", [v10c], "intercepted", "intercepted.untrusted");
    let evidence = report.evidence(v10c, "direct");
    assert!(evidence.contains("that key did not sign it"), "{evidence}");
}

/// Makes what a server should not show.
struct Forger<'a> {
    world: &'a World,
}

impl<'a> Forger<'a> {
    fn of(world: &'a World) -> Self {
        Self { world }
    }

    fn leaf(&self, host: &str, issuer: &Pair, wish: &Wish) -> Pair {
        let leaf = self.signed(host, Some(issuer), wish);
        self.world.authorities.with_chain(&leaf, &[issuer])
    }

    fn self_signed(&self, host: &str) -> Pair {
        self.signed(host, None, &Wish::default())
    }

    /// The leaf without the issuing authority that nobody else has either.
    fn alone(&self, host: &str, ca_issuers: Option<&str>) -> Pair {
        let hidden = self.world.authorities.issue(
            &format!("hidden-issuer-{host}"),
            Some(&self.world.application_root),
            &Wish { subject: "/O=Microsoft/CN=Issuing CA that nobody has", ..Wish::default() },
        );
        self.signed(host, Some(&hidden), &Wish { ca_issuers, ..Wish::default() })
    }

    /// Everything reads as under `root`, and another key signed it.
    fn by_a_namesake_of(&self, root: &Pair, host: &str) -> Pair {
        let subject = crate::authorities::subject(&root.certificate);
        let namesake = self.world.authorities.root("namesake", &subject);
        let leaf = self.signed(host, Some(&namesake), &Wish::default());
        self.world.authorities.with_chain(&leaf, &[&namesake])
    }

    fn signed(&self, host: &str, issuer: Option<&Pair>, wish: &Wish) -> Pair {
        let subject = format!("/CN={host}");
        let wish = Wish { subject: &subject, names: &[host], ..*wish };
        self.world.authorities.issue(&format!("shown-{host}"), issuer, &wish)
    }
}
