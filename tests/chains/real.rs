//! Chains that were captured or published, judged at a moment when they were valid and long after.

use jiff::Timestamp;
use waprobe::catalogue::{Catalogue, TrustClass};
use waprobe::certificate::Certificate;
use waprobe::judge::Status;
use waprobe::judge::chain::{ChainJudge, ChainQuestion, ChainVerdict, Proof, Reached};
use waprobe::observation::recording::{MachineRootsNote, Roots};

const APPLICATION: &[TrustClass] = &[TrustClass::MicrosoftApplicationRoot];
const PUBLIC: &[TrustClass] = &[TrustClass::MicrosoftPublic];

fn judge(file: &str, host: &str, expected: &[TrustClass], at: &str) -> ChainVerdict {
    let pem =
        std::fs::read_to_string(format!("{}/fixtures/chains/{file}.pem", env!("CARGO_MANIFEST_DIR"))).expect(file);
    let chain = Certificate::list_from_pem(&pem).expect(file);
    let note = MachineRootsNote { source: "none".into(), count: 0, ..MachineRootsNote::default() };
    let roots = Roots { machine: Vec::new(), note, ..Roots::default() };
    let at: Timestamp = at.parse().expect("a moment");
    let question = ChainQuestion { chain: &chain, host, expected, proof: Proof::File, at, peer_date: None };
    ChainJudge::new(&Catalogue::embedded().trust, &roots).judge(&question)
}

#[test]
fn every_real_chain_gets_the_class_it_is_known_to_have() {
    let application = Reached::Class(TrustClass::MicrosoftApplicationRoot);
    let public = Reached::Class(TrustClass::MicrosoftPublic);
    #[rustfmt::skip]
    let chains = [
        ("v20.events.data.microsoft.com-2025-mssecureserver2011", "v20.events.data.microsoft.com", "2025-10-01T00:00:00Z", application, "Microsoft Root Certificate Authority 2011"),
        ("v20.events.data.microsoft.com-2025-mssecureserver2011", "v10c.events.data.microsoft.com", "2025-10-01T00:00:00Z", application, "Microsoft Root Certificate Authority 2011"),
        ("wdcp.microsoft.com-2020-mssecureserver2011", "wdcp.microsoft.com", "2021-06-01T00:00:00Z", application, "Microsoft Root Certificate Authority 2011"),
        ("seville.windows.com-2021-mssecureserver2011", "seville.windows.com", "2021-10-01T00:00:00Z", application, "Microsoft Root Certificate Authority 2011"),
        ("wildcard.events.data.microsoft.com-2023-azuretls06-digicertg2", "v10c.events.data.microsoft.com", "2023-10-01T00:00:00Z", public, "DigiCert Global Root G2"),
        ("mobile.pipe.aria-wildcard.events.data-2020-baltimore", "v10.events.data.microsoft.com", "2020-10-01T00:00:00Z", public, "Baltimore CyberTrust Root"),
        ("sfdataservice.microsoft.com-2022-azuretls01-digicertg2", "sfdataservice.microsoft.com", "2022-10-01T00:00:00Z", public, "DigiCert Global Root G2"),
        ("sfdataservice.microsoft.com-2025-azureecc07-digicertg3", "sfdataservice.microsoft.com", "2025-10-01T00:00:00Z", public, "DigiCert Global Root G3"),
    ];
    for (file, host, at, reached, root) in chains {
        for (expected, class) in [(APPLICATION, application), (PUBLIC, public)] {
            let verdict = judge(file, host, expected, at);
            let anchor = verdict.anchor.as_ref().and_then(|anchor| anchor.fields()).expect(file);
            assert_eq!(verdict.reached, reached, "{file}");
            assert_eq!(anchor.subject_attributes.common_name.as_deref(), Some(root), "{file}");
            let (status, code) = match (reached == class, expected == PUBLIC) {
                (true, _) => (Status::Ok, "ok"),
                (false, true) => (Status::Degraded, "chain.wrong_class"),
                (false, false) => (Status::Inconclusive, "chain.wrong_class"),
            };
            assert_eq!((verdict.status, &*verdict.cause.code()), (status, code), "{file}: {:#?}", verdict.evidence);

            let now = judge(file, host, expected, "2026-11-22T00:00:00Z");
            assert_eq!(now.reached, reached, "{file}, long expired");
            let code = if reached == class { "chain.expired" } else { "chain.wrong_class" };
            assert_eq!(now.cause.code(), code, "{file}, long expired: {:#?}", now.evidence);
            let status = if reached == class { Status::Blocked } else { Status::Inconclusive };
            assert_eq!(now.status, status, "{file}, long expired");
        }
    }
}

#[test]
fn a_leaf_whose_issuer_nobody_has_is_not_decided() {
    let file = "outlook.office.com-2019-digicertcloudservicesca1-leafonly";
    for (expected, at) in
        [(APPLICATION, "2020-01-01T00:00:00Z"), (PUBLIC, "2020-01-01T00:00:00Z"), (PUBLIC, "2026-11-22T00:00:00Z")]
    {
        let verdict = judge(file, "outlook.office.com", expected, at);
        assert_eq!((verdict.status, &*verdict.cause.code()), (Status::Inconclusive, "chain.incomplete"));
        assert_eq!(verdict.reached, Reached::Incomplete);
    }
}

#[test]
fn microsofts_certificate_for_another_service_does_not_pass_for_this_one() {
    let verdict = judge(
        "seville.windows.com-2021-mssecureserver2011",
        "v10c.events.data.microsoft.com",
        APPLICATION,
        "2021-10-01T00:00:00Z",
    );
    assert_eq!((verdict.status, &*verdict.cause.code()), (Status::Blocked, "chain.name_mismatch"));
    assert_eq!(verdict.reached, Reached::Class(TrustClass::MicrosoftApplicationRoot));
}

#[test]
fn the_issuing_ca_may_be_left_out_and_the_helper_fills_in() {
    let pem = std::fs::read_to_string(concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/fixtures/chains/v20.events.data.microsoft.com-2025-mssecureserver2011.pem"
    ))
    .expect("fixture");
    let chain = Certificate::list_from_pem(&pem).expect("fixture");
    let note = MachineRootsNote { source: "none".into(), count: 0, ..MachineRootsNote::default() };
    let roots = Roots { machine: Vec::new(), note, ..Roots::default() };
    let judge = ChainJudge::new(&Catalogue::embedded().trust, &roots);
    let at = "2025-10-01T00:00:00Z".parse().expect("a moment");
    let verdict = judge.judge(&ChainQuestion {
        chain: &chain[..1],
        host: "v10c.events.data.microsoft.com",
        expected: APPLICATION,
        proof: Proof::File,
        at,
        peer_date: None,
    });
    assert_eq!(verdict.status, Status::Ok);
    assert!(verdict.evidence.iter().any(|line| line.contains("not sent by the server")), "{:#?}", verdict.evidence);
}
