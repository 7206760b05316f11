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
    use super::covers;

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
