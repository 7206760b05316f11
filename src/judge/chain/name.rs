//! Is the certificate for this host?

use rustls::pki_types::{CertificateDer, ServerName};

use crate::certificate::Certificate;

/// Whether `leaf` names `host`. Only the subject alternative names count; the common name is no name.
#[must_use]
pub fn is_for(leaf: &Certificate, host: &str) -> bool {
    let host = host.strip_suffix('.').unwrap_or(host).to_ascii_lowercase();
    let Ok(name) = ServerName::try_from(host.as_str()) else { return false };
    let der = CertificateDer::from(leaf.der());
    match webpki::EndEntityCert::try_from(&der) {
        Ok(leaf) => leaf.verify_is_valid_for_subject_name(&name).is_ok(),
        // A certificate that breaks the profile still has names that say for whom it was made.
        Err(_) => leaf.fields().is_some_and(|fields| fields.dns_names.iter().any(|pattern| covers(pattern, &host))),
    }
}

/// Whether `leaf` was made for `host` as older programs name a host: it has no subject alternative name for any, and its common
/// name is the host or a wildcard for it (RFC 2818 §3.1). Windows' check of TLS servers takes such a certificate
/// (`SSL_EXTRA_CERT_CHAIN_POLICY_PARA`: "either the DNS name or common name"), as `OpenSSL` does; browsers have not since 2017.
#[must_use]
pub fn is_for_by_common_name(leaf: &Certificate, host: &str) -> bool {
    let host = host.strip_suffix('.').unwrap_or(host).to_ascii_lowercase();
    let Some(fields) = leaf.fields().filter(|fields| fields.dns_names.is_empty()) else { return false };
    fields.subject_attributes.common_name.as_deref().is_some_and(|name| covers(name.trim_end_matches('.'), &host))
}

/// RFC 6125 §6.4.3: a wildcard stands for the whole leftmost label and nothing else.
fn covers(pattern: &str, host: &str) -> bool {
    let pattern = pattern.to_ascii_lowercase();
    match pattern.strip_prefix("*.") {
        Some(parent) => {
            parent.contains('.')
                && host.split_once('.').is_some_and(|(label, rest)| !label.is_empty() && rest == parent)
        }
        None => pattern == host,
    }
}

#[cfg(test)]
mod tests {
    use rcgen::{CertificateParams, DnType, KeyPair};

    use super::{covers, is_for, is_for_by_common_name};
    use crate::certificate::Certificate;

    fn named(common_name: &str, alternatives: &[&str]) -> Certificate {
        let alternatives: Vec<String> = alternatives.iter().map(|name| (*name).to_owned()).collect();
        let mut params = CertificateParams::new(alternatives).expect("names");
        params.distinguished_name.push(DnType::CommonName, common_name);
        let key = KeyPair::generate().expect("a key");
        Certificate::from_der(params.self_signed(&key).expect("a certificate").der().to_vec())
    }

    #[test]
    fn a_common_name_counts_only_without_alternative_names() {
        const HOST: &str = "v10c.events.data.microsoft.com";
        for (common_name, alternatives, by_name, by_common_name) in [
            (HOST, &[][..], false, true),
            ("V10C.Events.Data.Microsoft.com", &[], false, true),
            ("*.events.data.microsoft.com", &[], false, true),
            ("*.data.microsoft.com", &[], false, false),
            ("login.live.com", &[], false, false),
            ("Contoso TLS Inspection", &[], false, false),
            (HOST, &["portal.contoso.example"], false, false),
            (HOST, &[HOST], true, false),
        ] {
            let leaf = named(common_name, alternatives);
            assert_eq!(
                (is_for(&leaf, HOST), is_for_by_common_name(&leaf, HOST)),
                (by_name, by_common_name),
                "{common_name} {alternatives:?}"
            );
        }
    }

    #[test]
    fn a_wildcard_stands_for_one_label() {
        for (pattern, host, expected) in [
            ("*.events.data.microsoft.com", "v10c.events.data.microsoft.com", true),
            ("*.Events.Data.Microsoft.com", "v10c.events.data.microsoft.com", true),
            ("*.data.microsoft.com", "v10c.events.data.microsoft.com", false),
            ("*.events.data.microsoft.com", "events.data.microsoft.com", false),
            ("*.com", "microsoft.com", false),
            ("v10*.events.data.microsoft.com", "v10c.events.data.microsoft.com", false),
            ("login.live.com", "login.live.com", true),
            ("login.live.com", "login.live.com.example", false),
        ] {
            assert_eq!(covers(pattern, host), expected, "{pattern} for {host}");
        }
    }
}
