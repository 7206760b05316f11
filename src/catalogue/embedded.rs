//! The catalogue that is compiled in: `endpoints.toml` and the certificates it names.

pub(super) const ORIGIN: &str = "the embedded catalogue";
pub(super) const TEXT: &str = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/endpoints.toml"));

/// The content of a PEM file, by the name that `endpoints.toml` gives it.
pub(super) fn file(name: &str) -> Result<String, String> {
    let found = FILES.iter().find(|(known, _)| *known == name);
    found.map(|(_, content)| (*content).to_owned()).ok_or_else(|| "it is not among the embedded files".to_owned())
}

macro_rules! embed {
    ($($name:literal)*) => {
        [$((concat!("catalogue/pki/", $name), include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/catalogue/pki/", $name)))),*]
    };
}

#[rustfmt::skip]
const FILES: [(&str, &str); 32] = embed![
    "ica-azure-ecc-tls-issuing-02-by-digicert-g3.pem"
    "ica-azure-ecc-tls-issuing-04-by-digicert-g3.pem"
    "ica-azure-ecc-tls-issuing-07-by-digicert-g3.pem"
    "ica-azure-rsa-tls-issuing-03-by-digicert-g2.pem"
    "ica-azure-rsa-tls-issuing-03-by-msrsa2017.pem"
    "ica-azure-rsa-tls-issuing-04-by-digicert-g2.pem"
    "ica-azure-rsa-tls-issuing-04-by-msrsa2017.pem"
    "ica-azure-rsa-tls-issuing-07-by-digicert-g2.pem"
    "ica-azure-rsa-tls-issuing-07-by-msrsa2017.pem"
    "ica-azure-rsa-tls-issuing-08-by-digicert-g2.pem"
    "ica-azure-rsa-tls-issuing-08-by-msrsa2017.pem"
    "ica-azure-tls-issuing-01-by-digicert-g2.pem"
    "ica-azure-tls-issuing-06-by-digicert-g2.pem"
    "ica-microsoft-it-tls-ca-1.pem"
    "ica-microsoft-it-tls-ca-2.pem"
    "ica-microsoft-it-tls-ca-4.pem"
    "ica-microsoft-it-tls-ca-5.pem"
    "ica-microsoft-secure-server-ca-2011.pem"
    "ica-microsoft-tls-g2-rsa-ca-ocsp-02.pem"
    "ica-microsoft-tls-g2-rsa-ca-ocsp-04.pem"
    "root-baltimore-cybertrust-root.pem"
    "root-digicert-global-root-ca.pem"
    "root-digicert-global-root-g2.pem"
    "root-digicert-global-root-g3.pem"
    "root-digicert-tls-ecc-p384-root-g5.pem"
    "root-digicert-tls-rsa4096-root-g5.pem"
    "root-microsoft-2011.pem"
    "root-microsoft-ecc-2017.pem"
    "root-microsoft-rsa-2017.pem"
    "root-microsoft-tls-rsa-g2.pem"
    "xs-microsoft-tls-ecc-root-g2-by-digicert-g3.pem"
    "xs-microsoft-tls-rsa-root-g2-by-digicert-g2.pem"
];

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::super::{Catalogue, CatalogueSource, Endpoint, ImpactRow, NeedLevel, OsSelection, Solution, TrustClass};
    use crate::certificate::hex;

    fn embedded() -> Catalogue {
        Catalogue::read(CatalogueSource::embedded()).unwrap_or_else(|complaints| panic!("{complaints}"))
    }

    fn levels(endpoint: &Endpoint, solution: Solution, rows: &[ImpactRow], selection: &OsSelection) -> String {
        let mark = |row: &ImpactRow| match endpoint.need(solution, *row, selection) {
            Some(NeedLevel::Required) => 'R',
            Some(NeedLevel::Improves) => 'i',
            None => '·',
        };
        rows.iter().map(mark).collect()
    }

    /// Device Health, Upgrade Readiness, Update Compliance; columns 7-8.1, 1507-1709, 1803, 1803 with the September 2018
    /// update, 1809 to 22H2, Windows 11, Server 2016.
    #[rustfmt::skip]
    const NEEDS: [(&str, [&str; 3]); 15] = [
        ("v10c",            ["·i·RRRi", "·i·RRR·", "·i·RRR·"]),
        ("v10",             ["··R····", "··R····", "··R····"]),
        ("v10-vortex-win",  ["·R····R", "·R·····", "·R·····"]),
        ("vortex-win",      ["·······", "R······", "·······"]),
        ("settings-win",    ["·RRRRRR", "RRRRRR·", "·RRRRR·"]),
        ("adl",             ["·······", "RRRRRR·", "·······"]),
        ("watson",          ["·RRRRRR", "·······", "·······"]),
        ("oca",             ["·RRRRRR", "·······", "·······"]),
        ("login-live",      ["·RRRRRR", "·iiiii·", "·iiiii·"]),
        ("ceuswatcab01",    ["····RR·", "·······", "·······"]),
        ("ceuswatcab02",    ["····RR·", "·······", "·······"]),
        ("eaus2watcab01",   ["····RR·", "·······", "·······"]),
        ("eaus2watcab02",   ["····RR·", "·······", "·······"]),
        ("weus2watcab01",   ["····RR·", "·······", "·······"]),
        ("weus2watcab02",   ["····RR·", "·······", "·······"]),
    ];

    #[test]
    fn every_cell_of_the_needs_table_is_as_documented() {
        let catalogue = embedded();
        let names: Vec<_> = catalogue.endpoints.iter().map(|endpoint| endpoint.name.as_str()).collect();
        assert_eq!(names, NEEDS.map(|(name, _)| name));
        for (name, expected) in NEEDS {
            let endpoint = catalogue.endpoint(name).expect(name);
            for (solution, expected) in Solution::ALL.into_iter().zip(expected) {
                let found = levels(endpoint, solution, &ImpactRow::ALL, &OsSelection::all());
                assert_eq!(found, expected, "{name}, {}", solution.title());
            }
        }
    }

    #[test]
    fn the_september_2018_update_decides_which_collector_a_device_uses() {
        use ImpactRow::{Win10To1709, Win10V1803, Win10V1803September2018, Win10V1809AndLater, Win11AndLater};
        let catalogue = embedded();
        let rows = [Win10To1709, Win10V1803, Win10V1803September2018, Win10V1809AndLater, Win11AndLater];
        for (os, v10c, v10, vortex) in [
            ("win10-1607", "·····", "·····", "R····"),
            ("10.0.15063.1355", "·····", "·····", "R····"),
            ("10.0.15063.1356", "i····", "·····", "R····"),
            ("10.0.16299.695", "·····", "·····", "R····"),
            ("10.0.16299.696", "i····", "·····", "R····"),
            ("win10-1709", "i····", "·····", "R····"),
            ("10.0.17134.318", "·····", "·R···", "·····"),
            ("10.0.17134.319", "··R··", "·····", "·····"),
            ("win10-1803", "··R··", "·R···", "·····"),
            ("win11-24h2", "····R", "·····", "·····"),
        ] {
            let selection = OsSelection::read(&[os], None).expect(os);
            for (name, expected) in [("v10c", v10c), ("v10", v10), ("v10-vortex-win", vortex)] {
                let endpoint = catalogue.endpoint(name).expect(name);
                assert_eq!(levels(endpoint, Solution::UpdateCompliance, &rows, &selection), expected, "{os}, {name}");
            }
        }
    }

    #[test]
    fn each_endpoint_is_asked_where_and_as_the_sources_say() {
        let (application, public) = (TrustClass::MicrosoftApplicationRoot, TrustClass::MicrosoftPublic);
        let catalogue = embedded();
        for endpoint in &catalogue.endpoints {
            let (trust, path, healthy): (&[TrustClass], _, &[u16]) = match endpoint.name.as_str() {
                "v10c" | "v10" | "v10-vortex-win" | "vortex-win" => (&[application], "/health/keepalive", &[]),
                "settings-win" | "watson" => (&[application], "/", &[404]),
                "oca" => (&[application, public], "/", &[404]),
                "adl" => (&[], "/", &[404]),
                "login-live" => (&[public], "/", &[301, 302]),
                _ => (&[public], "/", &[400, 404]),
            };
            assert_eq!(endpoint.trust, trust, "{}", endpoint.name);
            assert_eq!(
                (endpoint.probe.path.as_str(), &endpoint.probe.healthy[..]),
                (path, healthy),
                "{}",
                endpoint.name
            );
            assert_eq!(endpoint.is_tls(), endpoint.name != "adl");
            assert!(!endpoint.function.is_empty() && !endpoint.group.is_empty(), "{}", endpoint.name);
        }
        assert_eq!(catalogue.control.map(|control| control.host).as_deref(), Some("www.msftconnecttest.com"));
    }

    #[test]
    fn every_claim_has_a_source_and_a_date() {
        for endpoint in embedded().endpoints {
            assert!(!endpoint.sources.is_empty() && !endpoint.needs.is_empty(), "{}", endpoint.name);
            for need in &endpoint.needs {
                assert!(!need.source.is_empty() && !need.as_of.is_empty(), "{}", endpoint.name);
            }
            for claim in &endpoint.sources {
                assert!(!claim.source.is_empty() && !claim.as_of.is_empty(), "{}: {}", endpoint.name, claim.claim);
            }
        }
    }

    #[test]
    fn anchors_are_the_documented_roots_and_every_helper_leads_to_one() {
        let trust = embedded().trust;
        assert_eq!((trust.application_root.anchors.len(), trust.public.anchors.len()), (1, 10));
        for class in [&trust.application_root, &trust.public] {
            let names: Vec<_> =
                class.anchors.iter().filter_map(|anchor| anchor.fields()).map(|fields| &fields.subject_der).collect();
            for helper in &class.helpers {
                let fields = helper.fields().expect("readable");
                assert!(names.contains(&&fields.issuer_der), "{}", fields.subject);
            }
        }
        let anchor = trust.application_root.anchors[0].fields().expect("readable");
        assert_eq!(hex(&anchor.spki_sha256), "02376d0908ac23041cc7d666d9daf192554f7fc36317aa9cb800908616b28af8");
    }

    #[test]
    fn the_files_are_those_whose_fingerprints_are_listed_beside_them() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("catalogue/pki");
        let listed = std::fs::read_to_string(folder.join("README.md")).expect("README.md");
        let mut files = 0;
        for row in listed.lines().filter(|line| line.starts_with("| `")) {
            let cells: Vec<_> = row.split('|').map(|cell| cell.trim().trim_matches('`')).collect();
            let pem = std::fs::read_to_string(folder.join(cells[1])).expect(cells[1]);
            let [certificate] = &crate::certificate::Certificate::list_from_pem(&pem).expect(cells[1])[..] else {
                panic!("{} holds more than one certificate", cells[1]);
            };
            let fields = certificate.fields().expect(cells[1]);
            assert_eq!(fields.not_after.to_string()[..10], *cells[2], "{}", cells[1]);
            assert_eq!(hex(certificate.sha256()), cells[3], "{}", cells[1]);
            assert_eq!(hex(&fields.spki_sha256), cells[4], "{}", cells[1]);
            files += 1;
        }
        assert_eq!(files, super::FILES.len() + 1, "every embedded file, and the root that belongs to no class");
    }
}
