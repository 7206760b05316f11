//! The lab's certificate authorities, and every kind of chain that a peer may show.
//!
//! Keys are made anew for each world, so that no private key of the lab is worth anything anywhere.

use std::sync::Arc;

use jiff::{Timestamp, ToSpan};
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, CustomExtension, DistinguishedName, DnType,
    ExtendedKeyUsagePurpose, GeneralSubtree, IsCa, KeyIdMethod, KeyPair, KeyUsagePurpose, NameConstraints, SanType,
};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::sign::CertifiedKey;

use crate::catalogue::TrustClass;
use crate::certificate::Certificate;

type Issuer = CertifiedIssuer<'static, KeyPair>;

/// What a TLS server shows for a host.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shown {
    /// Leaf and issuing CA, under the root that the catalogue expects.
    Genuine,
    /// Under the other of Microsoft's classes.
    OtherClass,
    /// Under a public root that is none of Microsoft's.
    OtherPublicRoot,
    Expired,
    NotYetValid,
    WrongName,
    SelfSigned,
    /// A server of its own, under its own name and its own signature.
    Stranger,
    /// The leaf alone, which says where its issuer could be fetched.
    WithoutIssuer,
    /// The leaf alone, and not a word about its issuer's address.
    WithoutIssuerOrAddress,
    /// Names of the real authorities, keys of somebody else's.
    SameNamesOtherKeys,
    /// The genuine chain, shown by somebody who does not hold its key.
    SomebodyElses,
    /// The genuine chain or a forged one, in a form that is easily mistaken.
    Oddly(Oddity),
    /// Re-signed by an inspection CA.
    ResignedBy(Inspector),
    /// The same by an older device: the host stands in the subject alone, without a subject alternative name.
    ResignedBySubject(Inspector),
    /// Leaf and issuing CA of the service, which names the host in its subject alone.
    GenuineBySubject,
    /// Re-signed, with the host in its subject and another one as its alternative name.
    ResignedForAnother(Inspector),
    /// Re-signed, and past its end.
    ResignedAndExpired(Inspector),
    /// For client authentication only.
    NotForServers,
    /// Its CA may only sign for another domain.
    OutsideConstraints,
    /// The leaf's signature is of a kind that nobody knows.
    SignedStrangely,
    /// The issuing CA's is.
    IssuedStrangely,
    /// Re-signed by an inspection CA, with a signature of that kind.
    ResignedStrangely(Inspector),
    /// Bytes that are no certificate.
    Unreadable,
}

/// What is easily mistaken about a chain.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Oddity {
    /// The genuine chain, the root too early and everything else twice.
    Disordered,
    /// The genuine chain among a hundred certificates that have nothing to do with it.
    Crowded,
    /// The genuine chain, and before its issuing CA another certificate of that CA, by the company's root.
    CrossSigned,
    /// The same without the genuine certificate of the issuing CA.
    CrossSignedAlone,
    /// The leaf alone, by somebody who gave his own CA the key identifier of the expected root.
    SameKeyIdentifier,
    /// Signed with the key of another server's genuine certificate.
    SignedByAServer,
    /// The issuing CA has expired, and the leaf has not.
    IssuerExpired,
    /// With an extension that has to be understood, and that nobody knows.
    UnknownCritical,
    /// A certificate message without a certificate.
    Nothing,
}

/// Who inspects.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Inspector {
    /// The company's CA, in the machine's store.
    Corporate,
    /// An antivirus program on this machine, whose CA its installer put into the machine's store.
    Antivirus,
    /// The company's CA in an older device: TLS 1.2 alone, and certificates made on the day.
    Dated,
    /// A CA that nobody installed.
    Unknown,
    /// The same, which keeps its own certificate to itself and says where it could be fetched.
    Withdrawn,
    /// A CA that bears the names of Microsoft's, installed in the machine's store.
    Namesake,
    /// A product that people buy, by the name it gives its CA; installed in the machine's store.
    Product(&'static str),
}

/// The names that products give their CAs.
pub(super) const ZSCALER: &str = "Zscaler Intermediate Root CA (zscalerthree.net)";
pub(super) const FORTIGATE: &str = "Fortinet Untrusted CA";
pub(super) const FIDDLER: &str = "DO_NOT_TRUST_FiddlerRoot";

/// A root with its issuing CA.
#[derive(Debug)]
struct Hierarchy {
    root: Issuer,
    issuing: Issuer,
    /// Inspectors use one key for all hosts.
    inspection_key: KeyPair,
}

/// Every authority of one world.
#[derive(Debug)]
pub(super) struct Authorities {
    now: Timestamp,
    application: Hierarchy,
    public: Hierarchy,
    elsewhere: Hierarchy,
    corporate: Hierarchy,
    antivirus: Hierarchy,
    unknown: Hierarchy,
    products: Vec<(&'static str, Hierarchy)>,
    /// The names of `application`, and other keys.
    impostor: Hierarchy,
    /// The same, in the machine's store.
    namesake: Hierarchy,
}

/// Dates around the lab's moment.
#[derive(Debug, Clone, Copy)]
enum Validity {
    Now,
    Past,
    Future,
    /// As inspectors sign: from yesterday on.
    Fresh,
    Today,
}

/// What goes wrong when a library refuses what the lab asks of it; never because of the outside world.
pub(super) type Mistake = Box<dyn std::error::Error + Send + Sync>;

impl Authorities {
    pub fn new(now: Timestamp) -> Result<Self, Mistake> {
        let hierarchy = |root: &str, issuing: &str| Hierarchy::new(now, root, issuing);
        Ok(Self {
            now,
            application: hierarchy(APPLICATION.0, APPLICATION.1)?,
            public: hierarchy("Lab Public Root G2", "Lab Public TLS Issuing CA 01")?,
            elsewhere: hierarchy("Elsewhere Global Root", "Elsewhere TLS CA")?,
            corporate: hierarchy("Contoso Corporate Root", "Contoso TLS Inspection CA")?,
            // The name by which the product is known.
            antivirus: hierarchy("ESET SSL Filter CA", "ESET SSL Filter CA")?,
            unknown: hierarchy("Unmanaged Inspection Root", "Unmanaged Inspection CA")?,
            products: [ZSCALER, FORTIGATE, FIDDLER]
                .into_iter()
                .map(|name| Ok((name, hierarchy("Product Root", name)?)))
                .collect::<Result<_, Mistake>>()?,
            impostor: hierarchy(APPLICATION.0, APPLICATION.1)?,
            namesake: hierarchy(APPLICATION.0, APPLICATION.1)?,
        })
    }

    /// The root of a trust class.
    pub fn anchor(&self, class: TrustClass) -> Certificate {
        certificate(&self.of_class(class).root)
    }

    /// What a browser trusts besides Microsoft's own: the public roots.
    pub fn public_roots(&self) -> Vec<Certificate> {
        vec![certificate(&self.public.root), certificate(&self.elsewhere.root)]
    }

    /// The machine's store: the public roots, and the CA that the company installed. Like Windows' own, it lacks nothing;
    /// like most others', it holds Microsoft's private root too.
    pub fn machine_roots(&self) -> Vec<Certificate> {
        let mut roots = self.public_roots();
        roots.push(certificate(&self.application.root));
        roots.push(certificate(&self.corporate.root));
        roots.push(certificate(&self.antivirus.root));
        roots.push(certificate(&self.namesake.root));
        roots.extend(self.products.iter().map(|(_, hierarchy)| certificate(&hierarchy.root)));
        roots
    }

    fn of_class(&self, class: TrustClass) -> &Hierarchy {
        match class {
            TrustClass::MicrosoftApplicationRoot => &self.application,
            TrustClass::MicrosoftPublic => &self.public,
        }
    }

    fn of_inspector(&self, inspector: Inspector) -> &Hierarchy {
        match inspector {
            Inspector::Corporate | Inspector::Dated => &self.corporate,
            Inspector::Antivirus => &self.antivirus,
            Inspector::Namesake => &self.namesake,
            Inspector::Unknown | Inspector::Withdrawn => &self.unknown,
            Inspector::Product(name) => {
                let known = self.products.iter().find(|(product, _)| *product == name);
                known.map_or(&self.unknown, |(_, hierarchy)| hierarchy)
            }
        }
    }

    /// The chain and key that a server shows for `host`, whose catalogue entry expects `class`.
    pub fn show(&self, shown: Shown, host: &str, class: TrustClass) -> Result<Arc<CertifiedKey>, Mistake> {
        let own = self.of_class(class);
        let other = match class {
            TrustClass::MicrosoftApplicationRoot => &self.public,
            TrustClass::MicrosoftPublic => &self.application,
        };
        let key = KeyPair::generate()?;
        let leaf = |validity| leaf(host, host, self.now, validity);
        let chain = match shown {
            Shown::Genuine => sign(&own.issuing, &leaf(Validity::Now)?, &key)?,
            Shown::OtherClass => sign(&other.issuing, &leaf(Validity::Now)?, &key)?,
            Shown::OtherPublicRoot => sign(&self.elsewhere.issuing, &leaf(Validity::Now)?, &key)?,
            Shown::Expired => sign(&own.issuing, &leaf(Validity::Past)?, &key)?,
            Shown::NotYetValid => sign(&own.issuing, &leaf(Validity::Future)?, &key)?,
            Shown::WrongName => {
                sign(&own.issuing, &self::leaf(OTHER_HOST, OTHER_HOST, self.now, Validity::Now)?, &key)?
            }
            Shown::SelfSigned => vec![leaf(Validity::Now)?.self_signed(&key)?.into()],
            Shown::Stranger => {
                vec![self::leaf(OTHER_HOST, OTHER_HOST, self.now, Validity::Now)?.self_signed(&key)?.into()]
            }
            Shown::WithoutIssuer => {
                let mut leaf = leaf(Validity::Now)?;
                leaf.custom_extensions.push(ca_issuers(ISSUER_ADDRESS));
                sign(&own.issuing, &leaf, &key)?.into_iter().take(1).collect()
            }
            Shown::WithoutIssuerOrAddress => {
                sign(&own.issuing, &leaf(Validity::Now)?, &key)?.into_iter().take(1).collect()
            }
            Shown::SameNamesOtherKeys => {
                let mut chain = sign(&self.impostor.issuing, &leaf(Validity::Now)?, &key)?;
                chain.push(self.impostor.root.der().clone());
                chain
            }
            Shown::SomebodyElses => {
                let chain = sign(&own.issuing, &leaf(Validity::Now)?, &KeyPair::generate()?)?;
                return Ok(certified(chain, &key)?);
            }
            Shown::Oddly(oddity) => self.oddly(oddity, own, host, &key)?,
            Shown::ResignedBy(inspector) => return self.resign(inspector, host, &[host.to_owned()]),
            Shown::ResignedBySubject(inspector) => {
                let inspector = self.of_inspector(inspector);
                let mut leaf = leaf(Validity::Fresh)?;
                leaf.subject_alt_names.clear();
                return Ok(certified(
                    sign(&inspector.issuing, &leaf, &inspector.inspection_key)?,
                    &inspector.inspection_key,
                )?);
            }
            Shown::GenuineBySubject => {
                let mut leaf = leaf(Validity::Now)?;
                leaf.subject_alt_names.clear();
                sign(&own.issuing, &leaf, &key)?
            }
            Shown::ResignedForAnother(inspector) => return self.resign(inspector, host, &[OTHER_HOST.to_owned()]),
            Shown::ResignedAndExpired(inspector) => {
                let inspector = self.of_inspector(inspector);
                let chain = sign(&inspector.issuing, &leaf(Validity::Past)?, &inspector.inspection_key)?;
                return Ok(certified(chain, &inspector.inspection_key)?);
            }
            Shown::NotForServers => {
                let mut leaf = leaf(Validity::Now)?;
                leaf.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
                sign(&own.issuing, &leaf, &key)?
            }
            Shown::OutsideConstraints => sign(&own.constrained_to(OTHER_HOST, self.now)?, &leaf(Validity::Now)?, &key)?,
            Shown::SignedStrangely => {
                let mut chain = sign(&own.issuing, &leaf(Validity::Now)?, &key)?;
                chain[0] = strangely(&chain[0]);
                chain
            }
            Shown::IssuedStrangely => {
                let mut chain = sign(&own.issuing, &leaf(Validity::Now)?, &key)?;
                chain[1] = strangely(&chain[1]);
                chain
            }
            Shown::ResignedStrangely(inspector) => {
                let mut chain = sign(&self.of_inspector(inspector).issuing, &leaf(Validity::Fresh)?, &key)?;
                chain[0] = strangely(&chain[0]);
                chain
            }
            Shown::Unreadable => vec![CertificateDer::from(b"this is no certificate".to_vec())],
        };
        Ok(certified(chain, &key)?)
    }

    /// Such a chain for `host` and `key`, with `own` for the authorities that the catalogue expects.
    fn oddly(
        &self,
        oddity: Oddity,
        own: &Hierarchy,
        host: &str,
        key: &KeyPair,
    ) -> Result<Vec<CertificateDer<'static>>, Mistake> {
        let leaf = |validity| leaf(host, host, self.now, validity);
        Ok(match oddity {
            Oddity::Disordered => {
                let [leaf, issuing] =
                    [leaf(Validity::Now)?.signed_by(key, &own.issuing)?.into(), own.issuing.der().clone()];
                vec![leaf.clone(), own.root.der().clone(), leaf, issuing.clone(), issuing]
            }
            Oddity::Crowded => {
                let mut chain = sign(&own.issuing, &leaf(Validity::Now)?, key)?;
                let stranger = |number: u32| authority(&format!("Stranger {number}"), self.now, None).self_signed(key);
                let strangers: Vec<_> = (0..CROWD).map(stranger).collect::<Result<_, _>>()?;
                chain.splice(1..1, strangers.into_iter().map(Into::into));
                chain
            }
            Oddity::CrossSigned | Oddity::CrossSignedAlone => {
                let mut chain = sign(&own.issuing, &leaf(Validity::Now)?, key)?;
                let known = certificate(&own.issuing);
                let name = known.fields().and_then(|known| known.subject_attributes.common_name.clone());
                let parameters = authority(&name.unwrap_or_default(), self.now, None);
                let cross = parameters.signed_by(own.issuing.key(), &self.corporate.root)?.into();
                if oddity == Oddity::CrossSigned {
                    chain.insert(1, cross);
                } else {
                    chain[1] = cross;
                }
                chain
            }
            Oddity::SameKeyIdentifier => {
                let mut parameters = authority("Somebody's CA", self.now, None);
                let id = certificate(&own.root).fields().and_then(|root| root.subject_key_id.clone());
                parameters.key_identifier_method = KeyIdMethod::PreSpecified(id.unwrap_or_default());
                let claiming = Issuer::self_signed(parameters, KeyPair::generate()?)?;
                let mut leaf = leaf(Validity::Now)?;
                leaf.custom_extensions.push(ca_issuers(ISSUER_ADDRESS));
                sign(&claiming, &leaf, key)?.into_iter().take(1).collect()
            }
            Oddity::SignedByAServer => {
                let genuine = self::leaf(OTHER_HOST, OTHER_HOST, self.now, Validity::Now)?;
                let server = Issuer::signed_by(genuine, KeyPair::generate()?, &own.issuing)?;
                let mut chain = sign(&server, &leaf(Validity::Now)?, key)?;
                chain.push(own.issuing.der().clone());
                chain
            }
            Oddity::IssuerExpired => {
                let mut parameters = authority("Lab Expired CA", self.now, None);
                valid(&mut parameters, self.now, -3650, -30);
                sign(&Issuer::signed_by(parameters, KeyPair::generate()?, &own.root)?, &leaf(Validity::Now)?, key)?
            }
            Oddity::UnknownCritical => {
                let mut leaf = leaf(Validity::Now)?;
                let mut unknown = CustomExtension::from_oid_content(&[1, 3, 6, 1, 4, 1, 99999, 7], vec![0x05, 0x00]);
                unknown.set_criticality(true);
                leaf.custom_extensions.push(unknown);
                sign(&own.issuing, &leaf, key)?
            }
            Oddity::Nothing => Vec::new(),
        })
    }

    /// What an inspecting proxy signs for a connection to `subject`: the names copied, the key its own, the dates fresh.
    pub fn resign(&self, inspector: Inspector, subject: &str, names: &[String]) -> Result<Arc<CertifiedKey>, Mistake> {
        let first = names.first().map_or(subject, String::as_str);
        let validity = if inspector == Inspector::Dated { Validity::Today } else { Validity::Fresh };
        let mut leaf = leaf(subject, first, self.now, validity)?;
        for name in names.iter().skip(1) {
            leaf.subject_alt_names.push(SanType::DnsName(name.as_str().try_into()?));
        }
        if inspector == Inspector::Withdrawn {
            leaf.custom_extensions.push(ca_issuers(ISSUER_ADDRESS));
        }
        let Hierarchy { issuing, inspection_key, .. } = self.of_inspector(inspector);
        let mut chain = sign(issuing, &leaf, inspection_key)?;
        if inspector == Inspector::Withdrawn {
            chain.truncate(1);
        }
        Ok(certified(chain, inspection_key)?)
    }
}

const APPLICATION: (&str, &str) = ("Lab Application Root 2011", "Lab Application Server CA");

/// Where issuers are said to be found; nobody asks there.
const ISSUER_ADDRESS: &str = "http://pki.lab/issuing.crt";

/// How many strangers stand between a leaf and its issuer.
const CROWD: u32 = 100;

/// A name that no endpoint has.
const OTHER_HOST: &str = "www.elsewhere.lab";

impl Hierarchy {
    fn new(now: Timestamp, root: &str, issuing: &str) -> Result<Self, Mistake> {
        let root = Issuer::self_signed(authority(root, now, None), KeyPair::generate()?)?;
        let issuing = Issuer::signed_by(authority(issuing, now, None), KeyPair::generate()?, &root)?;
        Ok(Self { root, issuing, inspection_key: KeyPair::generate()? })
    }

    /// An issuing CA under the same root that may sign for `domain` alone.
    fn constrained_to(&self, domain: &str, now: Timestamp) -> Result<Issuer, Mistake> {
        let parameters = authority("Lab Constrained CA", now, Some(domain));
        Ok(Issuer::signed_by(parameters, KeyPair::generate()?, &self.root)?)
    }
}

/// Leaf, then its issuing CA; the root stays at home.
fn sign(issuing: &Issuer, leaf: &CertificateParams, key: &KeyPair) -> Result<Vec<CertificateDer<'static>>, Mistake> {
    Ok(vec![leaf.signed_by(key, issuing)?.into(), issuing.der().clone()])
}

/// The same certificate with an identifier of its signature's algorithm that nobody has registered.
fn strangely(certificate: &CertificateDer<'_>) -> CertificateDer<'static> {
    const ECDSA_WITH_SHA256: [u8; 10] = [0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x02];
    const STRANGE: [u8; 10] = [0x06, 0x08, 0x2b, 0x06, 0x01, 0x04, 0x01, 0x86, 0x8d, 0x1f];
    let mut bytes = certificate.to_vec();
    // Once in what is signed, and once beside the signature.
    while let Some(place) = bytes.windows(ECDSA_WITH_SHA256.len()).position(|window| window == ECDSA_WITH_SHA256) {
        bytes[place..place + STRANGE.len()].copy_from_slice(&STRANGE);
    }
    bytes.into()
}

fn authority(name: &str, now: Timestamp, constraint: Option<&str>) -> CertificateParams {
    let mut parameters = CertificateParams::default();
    parameters.distinguished_name = distinguished(name);
    parameters.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    parameters.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    parameters.use_authority_key_identifier_extension = true;
    parameters.name_constraints = constraint.map(|domain| NameConstraints {
        permitted_subtrees: vec![GeneralSubtree::DnsName(domain.to_owned())],
        excluded_subtrees: Vec::new(),
    });
    valid(&mut parameters, now, -3650, 3650);
    parameters
}

fn leaf(subject: &str, name: &str, now: Timestamp, validity: Validity) -> Result<CertificateParams, Mistake> {
    let mut parameters = CertificateParams::new(vec![name.to_owned()])?;
    parameters.distinguished_name = distinguished(subject);
    parameters.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    parameters.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    parameters.use_authority_key_identifier_extension = true;
    let (from, to) = match validity {
        Validity::Now => (-60, 120),
        Validity::Past => (-400, -30),
        Validity::Future => (30, 400),
        Validity::Fresh => (-1, 30),
        Validity::Today => (0, 30),
    };
    valid(&mut parameters, now, from, to);
    Ok(parameters)
}

fn distinguished(common_name: &str) -> DistinguishedName {
    let mut name = DistinguishedName::new();
    name.push(DnType::OrganizationName, "waprobe lab");
    name.push(DnType::CommonName, common_name);
    name
}

/// From midnight so many days from `now`, to midnight so many days from `now`.
fn valid(parameters: &mut CertificateParams, now: Timestamp, from: i32, to: i32) {
    let today = now.to_zoned(jiff::tz::TimeZone::UTC).date();
    let midnight = |days: i32| {
        let date = today.saturating_add(days.days());
        rcgen::date_time_ymd(date.year().into(), date.month().unsigned_abs(), date.day().unsigned_abs())
    };
    parameters.not_before = midnight(from);
    parameters.not_after = midnight(to);
}

/// The authority information access extension with one caIssuers address (RFC 5280, section 4.2.2.1).
fn ca_issuers(address: &str) -> CustomExtension {
    const ACCESS_METHOD: [u8; 10] = [0x06, 0x08, 0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x30, 0x02];
    let location = der(0x86, address.as_bytes());
    let description = der(0x30, &[&ACCESS_METHOD, location.as_slice()].concat());
    CustomExtension::from_oid_content(&[1, 3, 6, 1, 5, 5, 7, 1, 1], der(0x30, &description))
}

/// One DER element with a short length.
fn der(tag: u8, content: &[u8]) -> Vec<u8> {
    let length = u8::try_from(content.len()).expect("the lab's addresses are short");
    debug_assert!(length < 0x80, "a length above 127 has another form");
    [&[tag, length], content].concat()
}

/// A chain with a key, whether they belong together or not.
fn certified(chain: Vec<CertificateDer<'static>>, key: &KeyPair) -> Result<Arc<CertifiedKey>, rustls::Error> {
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
    Ok(Arc::new(CertifiedKey::new(chain, rustls::crypto::aws_lc_rs::sign::any_supported_type(&key)?)))
}

fn certificate(issuer: &Issuer) -> Certificate {
    Certificate::from_der(issuer.der().to_vec())
}
