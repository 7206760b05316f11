//! Does a path keep the rules that certificates state for each other?
//!
//! In: a path that keys and signatures have made. Out: the rules it breaks. A path that breaks one is never a met one: a
//! server's own certificate can sign another, and its signature is genuine.

use std::time::Duration;

use jiff::Timestamp;
use rustls::pki_types::{CertificateDer, TrustAnchor, UnixTime};
use webpki::{EndEntityCert, KeyUsage, VerifiedPath};
use x509_parser::extensions::ParsedExtension;
use x509_parser::prelude::{FromDer, X509Certificate};

use super::checked;
use super::known::Anchor;
use super::signature::is_sha1;
use crate::certificate::{Certificate, Fields, PublicKey};
use crate::judge::Cause;

/// The shortest RSA key that Windows and the public CAs still accept.
const SHORTEST_RSA_KEY_BITS: usize = 2048;
const SHORTEST_EC_KEY_BITS: usize = 256;

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Rule {
    /// Who may sign, how far down, for which names; extensions that must be understood.
    Constraints,
    Usage,
    Strength,
}

impl Rule {
    pub fn cause(self) -> Cause {
        match self {
            Self::Constraints => Cause::ChainConstraints,
            Self::Usage => Cause::ChainEku,
            Self::Strength => Cause::ChainWeak,
        }
    }
}

/// One rule that a path breaks, with the sentence that says how.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Breach {
    pub rule: Rule,
    pub detail: String,
}

/// The span in which every certificate of a path is valid; `None` when there is no such moment.
pub(super) fn common_span(certificates: &[Certificate]) -> Option<(Timestamp, Timestamp)> {
    let fields = || certificates.iter().filter_map(Certificate::fields);
    let from = fields().map(|fields| fields.not_before).max()?;
    let until = fields().map(|fields| fields.not_after).min()?;
    (from <= until).then_some((from, until))
}

/// The rules that this path breaks, the gravest first.
pub(super) fn breaches(certificates: &[Certificate], anchor: &Anchor) -> Vec<Breach> {
    let mut found = Vec::new();
    look_at_leaf(certificates, &mut found);
    look_at_issuers(certificates, &mut found);
    if let Some(fields) = anchor.fields() {
        look_at_key(fields, &mut found);
    }
    found.sort_by_key(|breach| breach.rule);
    let verified = common_span(certificates).map(|(from, _)| verify_exactly(certificates, anchor, from));
    match verified {
        // The walk has checked every signature; the library knows fewer algorithms and shorter paths, and stops before it
        // looks at names.
        Some(Err(refusal)) if is_beyond_the_library(&refusal) => {
            found.extend(certificates.iter().skip(1).find(|issuer| constrains_names(issuer)).map(|_| {
                Breach {
                    rule: Rule::Constraints,
                    detail:
                        "a CA on the path is bound to certain names, and nothing here holds such a path against them"
                            .to_owned(),
                }
            }));
        }
        Some(Err(refusal)) if found.is_empty() => {
            found.push(Breach { rule: rule_of(&refusal), detail: in_words(&refusal) });
        }
        // Without a moment to verify at, nobody has held the names against the constraints.
        None if found.is_empty() && certificates.iter().skip(1).any(constrains_names) => found.push(Breach {
            rule: Rule::Constraints,
            detail: "a CA on the path is bound to certain names, and the path was never valid as a whole".to_owned(),
        }),
        _ => {}
    }
    found
}

/// What a path breaks that verification by the library does not look at.
pub(super) fn breaches_of_verified(certificates: &[Certificate]) -> Vec<Breach> {
    let mut found = Vec::new();
    if let Some(leaf) = certificates.first().and_then(Certificate::fields) {
        look_at_key(leaf, &mut found);
    }
    for issuer in certificates.iter().skip(1).filter_map(Certificate::fields) {
        look_at_key_usage(issuer, &mut found);
    }
    found.sort_by_key(|breach| breach.rule);
    found
}

fn look_at_leaf(certificates: &[Certificate], found: &mut Vec<Breach>) {
    let Some(leaf) = certificates.first() else { return };
    let (Some(fields), Ok((_, parsed))) = (leaf.fields(), X509Certificate::from_der(leaf.der())) else { return };
    let mut add = |rule, detail: String| found.push(Breach { rule, detail });
    if parsed.version().0 != 2 {
        add(Rule::Constraints, format!("the server's certificate is of X.509 version {}", parsed.version().0 + 1));
    }
    if let Some(extension) = unknown_critical(&parsed) {
        add(
            Rule::Constraints,
            format!("the server's certificate has a critical extension that nobody knows ({extension})"),
        );
    }
    if parsed.is_ca() {
        add(Rule::Constraints, "the server shows a CA's own certificate".to_owned());
    }
    if !serves(&parsed) {
        add(Rule::Usage, "the server's certificate was not issued for servers".to_owned());
    }
    if is_sha1(&parsed) {
        add(Rule::Strength, "the server's certificate is signed with SHA-1".to_owned());
    }
    look_at_key(fields, found);
}

fn look_at_issuers(certificates: &[Certificate], found: &mut Vec<Breach>) {
    for (below, issuer) in certificates.iter().skip(1).enumerate() {
        let (Some(fields), Ok((_, parsed))) = (issuer.fields(), X509Certificate::from_der(issuer.der())) else {
            continue;
        };
        let name = &fields.subject;
        let mut add = |rule, detail: String| found.push(Breach { rule, detail });
        let constraints = parsed.basic_constraints().ok().flatten().map(|extension| extension.value);
        match constraints {
            Some(constraints) if constraints.ca => {
                if constraints.path_len_constraint.is_some_and(|most| below > most as usize) {
                    add(Rule::Constraints, format!("'{name}' may not have so many CAs below it"));
                }
            }
            _ => add(Rule::Constraints, format!("'{name}' signed a certificate and is no CA")),
        }
        if let Some(extension) = unknown_critical(&parsed) {
            add(Rule::Constraints, format!("'{name}' has a critical extension that nobody knows ({extension})"));
        }
        if !serves(&parsed) {
            add(Rule::Usage, format!("'{name}' may not sign for servers"));
        }
        if is_sha1(&parsed) {
            add(Rule::Strength, format!("'{name}' is signed with SHA-1"));
        }
        look_at_key_usage(fields, found);
        look_at_key(fields, found);
    }
}

fn look_at_key_usage(issuer: &Fields, found: &mut Vec<Breach>) {
    if issuer.may_sign_certificates == Some(false) {
        let detail = format!("the key of '{}' may not sign certificates", issuer.subject);
        found.push(Breach { rule: Rule::Constraints, detail });
    }
}

fn look_at_key(fields: &Fields, found: &mut Vec<Breach>) {
    let (kind, bits) = match fields.public_key {
        PublicKey::Rsa { bits } if bits < SHORTEST_RSA_KEY_BITS => ("RSA", bits),
        PublicKey::Ec { bits } if bits < SHORTEST_EC_KEY_BITS => ("elliptic-curve", bits),
        PublicKey::Rsa { .. } | PublicKey::Ec { .. } | PublicKey::Other => return,
    };
    let detail = format!("the {kind} key of '{}' has {bits} bits only", fields.subject);
    found.push(Breach { rule: Rule::Strength, detail });
}

/// Without an extended key usage a certificate serves for everything (RFC 5280 §4.2.1.12).
fn serves(parsed: &X509Certificate<'_>) -> bool {
    match parsed.extended_key_usage() {
        Ok(None) => true,
        Ok(Some(usage)) => usage.value.server_auth || usage.value.any,
        Err(_) => false,
    }
}

fn unknown_critical(parsed: &X509Certificate<'_>) -> Option<String> {
    parsed
        .extensions()
        .iter()
        .find(|extension| {
            extension.critical
                && matches!(
                    extension.parsed_extension(),
                    ParsedExtension::UnsupportedExtension { .. } | ParsedExtension::ParseError { .. }
                )
        })
        .map(|extension| extension.oid.to_id_string())
}

fn constrains_names(certificate: &Certificate) -> bool {
    X509Certificate::from_der(certificate.der()).is_ok_and(|(_, parsed)| !matches!(parsed.name_constraints(), Ok(None)))
}

fn rule_of(refusal: &webpki::Error) -> Rule {
    use webpki::Error as E;
    #[expect(clippy::wildcard_enum_match_arm, reason = "the library's list grows; the gravest rule is the safe answer")]
    match refusal {
        E::RequiredEkuNotFoundContext(_) | E::EmptyEkuExtension => Rule::Usage,
        _ => Rule::Constraints,
    }
}

fn in_words(refusal: &webpki::Error) -> String {
    use webpki::Error as E;
    #[expect(clippy::wildcard_enum_match_arm, reason = "the library's list grows; its own word is better than none")]
    match refusal {
        E::NameConstraintViolation => "a CA on the path may not sign for such a name".to_owned(),
        E::UnknownIssuer => "the names on the path do not fit together, though the keys do".to_owned(),
        other => format!("the path breaks a rule of its CAs: {other}"),
    }
}

/// The library's own limits, which are no rule of the certificates'.
fn is_beyond_the_library(refusal: &webpki::Error) -> bool {
    use webpki::Error as E;
    matches!(
        refusal,
        E::UnsupportedSignatureAlgorithmContext(_)
            | E::UnsupportedSignatureAlgorithmForPublicKeyContext(_)
            | E::MaximumPathDepthExceeded
            | E::MaximumPathBuildCallsExceeded
            | E::MaximumSignatureChecksExceeded
            // What nobody knows was found before; Windows knows the extensions of policies, which no client here asks for.
            | E::UnsupportedCriticalExtension
    )
}

/// Verification of this path and no other.
fn verify_exactly(certificates: &[Certificate], anchor: &Anchor, moment: Timestamp) -> Result<(), webpki::Error> {
    let anchors: Vec<TrustAnchor<'_>> = anchor.verifiable.iter().cloned().collect();
    verify(certificates, &anchors, moment).map(|_| ())
}

/// A path by the rules from the first certificate through any of the others to any of `anchors`, valid at `moment`.
/// Answers with the certificates it went through and the anchor it ended in.
pub(super) fn verify<'a>(
    certificates: &[Certificate],
    anchors: &'a [TrustAnchor<'a>],
    moment: Timestamp,
) -> Result<(Vec<Certificate>, &'a TrustAnchor<'a>), webpki::Error> {
    verify_if(certificates, anchors, moment, |_| true)
}

/// The same among the anchors that `may_end` takes.
pub(super) fn verify_if<'a>(
    certificates: &[Certificate],
    anchors: &'a [TrustAnchor<'a>],
    moment: Timestamp,
    may_end: impl Fn(&TrustAnchor<'_>) -> bool,
) -> Result<(Vec<Certificate>, &'a TrustAnchor<'a>), webpki::Error> {
    let [leaf, others @ ..] = certificates else { return Err(webpki::Error::BadDer) };
    let der = CertificateDer::from(leaf.der());
    let others_der: Vec<CertificateDer<'_>> = others.iter().map(|other| CertificateDer::from(other.der())).collect();
    let end_entity = EndEntityCert::try_from(&der)?;
    let moment = UnixTime::since_unix_epoch(Duration::from_secs(u64::try_from(moment.as_second()).unwrap_or_default()));
    let judge_end = |path: &VerifiedPath<'_>| {
        if may_end(path.anchor()) { Ok(()) } else { Err(webpki::Error::UnknownIssuer) }
    };
    let path = end_entity.verify_for_usage(
        &checked::ALGORITHMS,
        anchors,
        &others_der,
        moment,
        KeyUsage::server_auth(),
        None,
        Some(&judge_end),
    )?;
    let used = path.intermediate_certificates().filter_map(|used| {
        let used = used.der();
        others.iter().find(|other| other.der() == used.as_ref()).cloned()
    });
    let used = std::iter::once(leaf.clone()).chain(used).collect();
    let end = path.anchor();
    let anchor = anchors
        .iter()
        .find(|anchor| anchor.subject == end.subject && anchor.subject_public_key_info == end.subject_public_key_info);
    anchor.map(|anchor| (used, anchor)).ok_or(webpki::Error::UnknownIssuer)
}
