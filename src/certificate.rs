//! One X.509 certificate: its bytes, and the fields that reports and judgements ask for.
//!
//! In: DER or PEM from a peer, a store or a file. Out: a [`Certificate`]. Never: an opinion on it; whether a signature
//! or a date is acceptable is asked in `judge`.

pub mod place;

use std::fmt;
use std::sync::Arc;

use jiff::Timestamp;
use sha2::{Digest, Sha256};
use x509_parser::prelude::{FromDer, GeneralName, ParsedExtension, X509Certificate};
use x509_parser::public_key::RSAPublicKey;

/// A certificate as read. Cheap to clone: the parts are shared.
#[derive(Clone)]
pub struct Certificate {
    inner: Arc<Inner>,
}

struct Inner {
    der: Vec<u8>,
    sha256: [u8; 32],
    fields: Option<Fields>,
}

/// What the certificate says of itself.
#[derive(Debug, Clone)]
pub struct Fields {
    /// RFC 4514-like text, in the order of the certificate.
    pub subject: String,
    pub issuer: String,
    /// DER of the names, for comparison.
    pub subject_der: Vec<u8>,
    pub issuer_der: Vec<u8>,
    /// DER of the `SubjectPublicKeyInfo`.
    pub spki_der: Vec<u8>,
    pub spki_sha256: [u8; 32],
    pub not_before: Timestamp,
    pub not_after: Timestamp,
    pub subject_key_id: Option<Vec<u8>>,
    pub authority_key_id: Option<Vec<u8>>,
    /// Addresses under which the issuer's certificate is published (caIssuers of the authority information access).
    pub ca_issuers: Vec<String>,
    /// Names for which the certificate was issued (dNSName of the subject alternative name).
    pub dns_names: Vec<String>,
    pub public_key: PublicKey,
    /// Whether the key usage lets this key sign certificates; `None` without a key usage extension.
    pub may_sign_certificates: Option<bool>,
    /// Whether signed certificate timestamps are embedded.
    pub has_timestamps: bool,
    /// Values of one attribute of the issuer, for recognising products.
    pub issuer_attributes: NameAttributes,
    pub subject_attributes: NameAttributes,
}

/// What kind of key a certificate is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PublicKey {
    Rsa { bits: usize },
    Ec { bits: usize },
    Other,
}

/// The attributes of a distinguished name by which inspection products are recognised.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct NameAttributes {
    pub common_name: Option<String>,
    pub organization: Option<String>,
    pub organizational_unit: Option<String>,
    pub email: Option<String>,
}

/// Why a PEM text is not a list of certificates.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PemMistake {
    #[error("no certificate in it: expected a line '-----BEGIN CERTIFICATE-----'")]
    NoCertificate,
    #[error("line {line}: the PEM block is cut off or not base64 ({detail})")]
    BadBlock { line: usize, detail: String },
    #[error("line {line}: the block decodes, but what is in it is not an X.509 certificate")]
    NotACertificate { line: usize },
}

impl Certificate {
    /// Keeps `der` whatever it is; [`Self::fields`] is `None` when it cannot be read.
    #[must_use]
    pub fn from_der(der: Vec<u8>) -> Self {
        let sha256 = Sha256::digest(&der).into();
        let fields = read_fields(&der);
        Self { inner: Arc::new(Inner { der, sha256, fields }) }
    }

    /// Every `CERTIFICATE` block of `pem`, in order.
    ///
    /// # Errors
    /// [`PemMistake`] with the line, when a block is broken, is not a certificate, or there is none at all.
    pub fn list_from_pem(pem: &str) -> Result<Vec<Self>, PemMistake> {
        let blocks = read_blocks(pem)?;
        match blocks.iter().find(|(_, certificate)| certificate.fields().is_none()) {
            Some((line, _)) => Err(PemMistake::NotACertificate { line: *line }),
            None => Ok(blocks.into_iter().map(|(_, certificate)| certificate).collect()),
        }
    }

    /// Every `CERTIFICATE` block of `pem` as a peer might have sent it, also what cannot be read as a certificate.
    ///
    /// # Errors
    /// [`PemMistake`] with the line, when a block is broken or there is none at all.
    pub fn chain_from_pem(pem: &str) -> Result<Vec<Self>, PemMistake> {
        Ok(read_blocks(pem)?.into_iter().map(|(_, certificate)| certificate).collect())
    }

    #[must_use]
    pub fn to_pem(&self) -> String {
        use base64::Engine as _;
        let body = base64::engine::general_purpose::STANDARD.encode(self.der());
        let mut pem = String::from("-----BEGIN CERTIFICATE-----\n");
        for start in (0..body.len()).step_by(64) {
            pem.push_str(&body[start..body.len().min(start + 64)]);
            pem.push('\n');
        }
        pem.push_str("-----END CERTIFICATE-----\n");
        pem
    }

    #[must_use]
    pub fn der(&self) -> &[u8] {
        &self.inner.der
    }

    #[must_use]
    pub fn sha256(&self) -> &[u8; 32] {
        &self.inner.sha256
    }

    /// `None` when the bytes are not a certificate that can be read.
    #[must_use]
    pub fn fields(&self) -> Option<&Fields> {
        self.inner.fields.as_ref()
    }
}

impl Fields {
    #[must_use]
    pub fn is_self_issued(&self) -> bool {
        self.subject_der == self.issuer_der
    }

    #[must_use]
    pub fn is_valid_at(&self, moment: Timestamp) -> bool {
        self.not_before <= moment && moment <= self.not_after
    }
}

impl PartialEq for Certificate {
    fn eq(&self, other: &Self) -> bool {
        self.inner.sha256 == other.inner.sha256
    }
}

impl Eq for Certificate {}

impl std::hash::Hash for Certificate {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        self.inner.sha256.hash(state);
    }
}

impl fmt::Debug for Certificate {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.fields() {
            Some(fields) => write!(out, "Certificate({})", fields.subject),
            None => write!(out, "Certificate({} unreadable bytes)", self.der().len()),
        }
    }
}

/// Lower-case hexadecimal.
#[must_use]
pub fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// The blocks of a PEM text, with the line where each begins.
fn read_blocks(pem: &str) -> Result<Vec<(usize, Certificate)>, PemMistake> {
    use base64::Engine as _;
    let mut found = Vec::new();
    let mut block: Option<(usize, String)> = None;
    // Editors on Windows begin a text file with a byte order mark.
    for (index, line) in pem.trim_start_matches('\u{feff}').lines().enumerate() {
        let line = line.trim();
        match &mut block {
            None if line == "-----BEGIN CERTIFICATE-----" => block = Some((index + 1, String::new())),
            None => {}
            Some((start, text)) if line == "-----END CERTIFICATE-----" => {
                let der = base64::engine::general_purpose::STANDARD
                    .decode(text)
                    .map_err(|error| PemMistake::BadBlock { line: *start, detail: error.to_string() })?;
                found.push((*start, Certificate::from_der(der)));
                block = None;
            }
            Some((_, text)) => text.push_str(line),
        }
    }
    match block {
        Some((line, _)) => Err(PemMistake::BadBlock { line, detail: "no END CERTIFICATE line".into() }),
        None if found.is_empty() => Err(PemMistake::NoCertificate),
        None => Ok(found),
    }
}

fn read_fields(der: &[u8]) -> Option<Fields> {
    let (_, parsed) = X509Certificate::from_der(der).ok()?;
    let mut fields = Fields {
        subject: parsed.subject().to_string(),
        issuer: parsed.issuer().to_string(),
        subject_der: parsed.subject().as_raw().to_vec(),
        issuer_der: parsed.issuer().as_raw().to_vec(),
        spki_der: parsed.public_key().raw.to_vec(),
        spki_sha256: Sha256::digest(parsed.public_key().raw).into(),
        not_before: Timestamp::from_second(parsed.validity().not_before.timestamp()).ok()?,
        not_after: Timestamp::from_second(parsed.validity().not_after.timestamp()).unwrap_or(Timestamp::MAX),
        subject_key_id: None,
        authority_key_id: None,
        ca_issuers: Vec::new(),
        dns_names: Vec::new(),
        public_key: public_key(parsed.public_key()),
        may_sign_certificates: None,
        has_timestamps: false,
        issuer_attributes: attributes(parsed.issuer()),
        subject_attributes: attributes(parsed.subject()),
    };
    for extension in parsed.extensions() {
        match extension.parsed_extension() {
            ParsedExtension::SubjectKeyIdentifier(id) => fields.subject_key_id = Some(id.0.to_vec()),
            ParsedExtension::AuthorityKeyIdentifier(id) => {
                fields.authority_key_id = id.key_identifier.as_ref().map(|id| id.0.to_vec());
            }
            ParsedExtension::SubjectAlternativeName(names) => {
                fields.dns_names = names.general_names.iter().filter_map(dns_name).collect();
            }
            ParsedExtension::KeyUsage(usage) => fields.may_sign_certificates = Some(usage.key_cert_sign()),
            ParsedExtension::SCT(timestamps) => fields.has_timestamps = !timestamps.is_empty(),
            ParsedExtension::AuthorityInfoAccess(access) => {
                fields.ca_issuers = access
                    .accessdescs
                    .iter()
                    .filter(|description| {
                        description.access_method == x509_parser::oid_registry::OID_PKIX_ACCESS_DESCRIPTOR_CA_ISSUERS
                    })
                    .filter_map(|description| match &description.access_location {
                        GeneralName::URI(address) => Some((*address).to_owned()),
                        _ => None,
                    })
                    .collect();
            }
            _ => {}
        }
    }
    Some(fields)
}

fn public_key(key: &x509_parser::x509::SubjectPublicKeyInfo<'_>) -> PublicKey {
    use x509_parser::public_key::PublicKey as Parsed;
    if let Some(key) = pss_key(key) {
        return rsa(key.modulus);
    }
    match key.parsed() {
        Ok(Parsed::RSA(key)) => rsa(key.modulus),
        Ok(Parsed::EC(point)) => PublicKey::Ec { bits: point.key_size() },
        _ => PublicKey::Other,
    }
}

/// The size of a modulus, leading zeros left out.
fn rsa(modulus: &[u8]) -> PublicKey {
    let modulus = modulus.iter().position(|byte| *byte != 0).map_or(&[][..], |start| &modulus[start..]);
    let unused = modulus.first().map_or(0, |byte| byte.leading_zeros() as usize);
    PublicKey::Rsa { bits: modulus.len() * 8 - unused }
}

/// An RSA key that is marked for RSA-PSS alone (RFC 4055): the same numbers under another name.
fn pss_key<'a>(key: &'a x509_parser::x509::SubjectPublicKeyInfo<'_>) -> Option<RSAPublicKey<'a>> {
    if key.algorithm.algorithm != x509_parser::oid_registry::OID_PKCS1_RSASSAPSS {
        return None;
    }
    RSAPublicKey::from_der(&key.subject_public_key.data).ok().map(|(_, key)| key)
}

fn dns_name(name: &GeneralName<'_>) -> Option<String> {
    match name {
        GeneralName::DNSName(name) => Some((*name).to_owned()),
        _ => None,
    }
}

fn attributes(name: &x509_parser::x509::X509Name<'_>) -> NameAttributes {
    let first = |mut values: Box<dyn Iterator<Item = &x509_parser::x509::AttributeTypeAndValue<'_>> + '_>| {
        values.next().and_then(|value| value.as_str().ok().map(str::to_owned))
    };
    NameAttributes {
        common_name: first(Box::new(name.iter_common_name())),
        organization: first(Box::new(name.iter_organization())),
        organizational_unit: first(Box::new(name.iter_organizational_unit())),
        email: first(Box::new(name.iter_email())),
    }
}
