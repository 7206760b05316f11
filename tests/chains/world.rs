//! A small world of certification authorities: one of each kind that the trust table tells apart.

use std::sync::Arc;

use jiff::Timestamp;
use rcgen::{
    BasicConstraints, CertificateParams, CustomExtension, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyIdMethod,
    KeyPair, KeyUsagePurpose, date_time_ymd,
};
use waprobe::catalogue::{ClassMaterial, Trust, TrustClass};
use waprobe::certificate::Certificate;
use waprobe::judge::Status;
use waprobe::judge::chain::{ChainJudge, ChainQuestion, ChainVerdict, Proof};
use waprobe::observation::Signature;
use waprobe::observation::recording::{MachineRootsNote, Roots};

pub const HOST: &str = "v10c.events.data.microsoft.com";
pub const AT: &str = "2026-11-22T12:00:00Z";
pub const APPLICATION: &[TrustClass] = &[TrustClass::MicrosoftApplicationRoot];
pub const PUBLIC: &[TrustClass] = &[TrustClass::MicrosoftPublic];
pub const BOTH: &[TrustClass] = &[TrustClass::MicrosoftApplicationRoot, TrustClass::MicrosoftPublic];

/// Somebody with a name, a key and a certificate.
#[derive(Clone)]
pub struct Party {
    pub params: CertificateParams,
    pub key: Arc<KeyPair>,
    pub certificate: Certificate,
}

impl Party {
    pub fn root(name: &str) -> Self {
        Self::root_with(name, |_| {})
    }

    pub fn root_with(name: &str, change: impl FnOnce(&mut CertificateParams)) -> Self {
        Self::self_signed(authority(name), change)
    }

    pub fn self_signed_server(host: &str) -> Self {
        Self::self_signed(server(host), |_| {})
    }

    /// A root with a key of another kind than the others'.
    pub fn with_key(name: &str, key: KeyPair) -> Self {
        Self::signing_itself(authority(name), key)
    }

    fn self_signed(mut params: CertificateParams, change: impl FnOnce(&mut CertificateParams)) -> Self {
        change(&mut params);
        Self::signing_itself(params, KeyPair::generate().expect("a key"))
    }

    fn signing_itself(params: CertificateParams, key: KeyPair) -> Self {
        let key = Arc::new(key);
        let made = params.self_signed(&*key).expect("a certificate");
        Self { certificate: Certificate::from_der(made.der().to_vec()), params, key }
    }

    /// A CA below this one.
    pub fn authority(&self, name: &str, change: impl FnOnce(&mut CertificateParams)) -> Self {
        self.sign(authority(name), Arc::new(KeyPair::generate().expect("a key")), change)
    }

    /// A server's certificate, signed by this party: also where it has no right to.
    pub fn server(&self, host: &str, change: impl FnOnce(&mut CertificateParams)) -> Self {
        self.sign(server(host), Arc::new(KeyPair::generate().expect("a key")), change)
    }

    /// Another certificate for the name and key of `subject`, signed by this party.
    pub fn cross(&self, subject: &Self, change: impl FnOnce(&mut CertificateParams)) -> Certificate {
        let mut params = subject.params.clone();
        params.use_authority_key_identifier_extension = true;
        self.sign(params, subject.key.clone(), change).certificate
    }

    fn sign(
        &self,
        mut params: CertificateParams,
        key: Arc<KeyPair>,
        change: impl FnOnce(&mut CertificateParams),
    ) -> Self {
        change(&mut params);
        let made = params.signed_by(&*key, &Issuer::from_params(&self.params, &*self.key)).expect("a certificate");
        Self { certificate: Certificate::from_der(made.der().to_vec()), params, key }
    }

    /// The identifier that certificates below this party point to.
    pub fn key_id(&self) -> Vec<u8> {
        self.params.key_identifier(&*self.key)
    }
}

pub fn authority(name: &str) -> CertificateParams {
    let mut params = CertificateParams::new(Vec::new()).expect("no names");
    params.distinguished_name = rcgen::DistinguishedName::new();
    params.distinguished_name.push(DnType::OrganizationName, "World");
    params.distinguished_name.push(DnType::CommonName, name);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    params.use_authority_key_identifier_extension = true;
    (params.not_before, params.not_after) = (date_time_ymd(2020, 1, 1), date_time_ymd(2035, 1, 1));
    params
}

pub fn server(host: &str) -> CertificateParams {
    let mut params = CertificateParams::new(vec![host.to_owned()]).expect("a host name");
    params.distinguished_name = rcgen::DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, host);
    params.is_ca = IsCa::ExplicitNoCa;
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    params.use_authority_key_identifier_extension = true;
    (params.not_before, params.not_after) = (date_time_ymd(2026, 1, 1), date_time_ymd(2027, 1, 1));
    params
}

/// Names an address under which the issuer's certificate is published.
pub fn with_ca_issuers(params: &mut CertificateParams) {
    let address = b"http://pki.example/issuer.crt";
    let length = |more: usize| u8::try_from(address.len() + more).expect("a short address");
    let mut content = vec![0x30, length(14), 0x30, length(12), 0x06, 8, 0x2b, 6, 1, 5, 5, 7, 0x30, 2, 0x86, length(0)];
    content.extend_from_slice(address);
    params.custom_extensions.push(CustomExtension::from_oid_content(&[1, 3, 6, 1, 5, 5, 7, 1, 1], content));
}

/// Claims another party's key identifier for the own key.
pub fn with_key_id(id: Vec<u8>) -> impl FnOnce(&mut CertificateParams) {
    move |params| params.key_identifier_method = KeyIdMethod::PreSpecified(id)
}

pub fn years(from: i32, until: i32) -> impl Fn(&mut CertificateParams) {
    move |params| (params.not_before, params.not_after) = (date_time_ymd(from, 1, 1), date_time_ymd(until, 1, 1))
}

pub fn as_it_is(_: &mut CertificateParams) {}

/// One authority of each kind, each root with an issuing CA below it.
pub struct World {
    pub application: Party,
    pub application_issuing: Party,
    pub public: Party,
    pub public_issuing: Party,
    pub other: Party,
    pub other_issuing: Party,
    pub machine: Party,
    pub machine_issuing: Party,
    pub unknown: Party,
    pub unknown_issuing: Party,
    pub trust: Trust,
    pub roots: Roots,
}

impl World {
    pub fn new() -> Self {
        let [application, public, other, machine, unknown] =
            ["Application Root", "Public Root", "Other Public Root", "Company Root", "Unknown Root"].map(Party::root);
        let issuing = |root: &Party, name: &str| root.authority(name, as_it_is);
        let class = |root: &Party| ClassMaterial { anchors: vec![root.certificate.clone()], helpers: Vec::new() };
        let note = MachineRootsNote { source: "the world".into(), count: 4, ..MachineRootsNote::default() };
        Self {
            application_issuing: issuing(&application, "Application Issuing CA"),
            public_issuing: issuing(&public, "Public Issuing CA"),
            other_issuing: issuing(&other, "Other Issuing CA"),
            machine_issuing: issuing(&machine, "Company Inspection CA"),
            unknown_issuing: issuing(&unknown, "Unknown Issuing CA"),
            trust: Trust { application_root: class(&application), public: class(&public) },
            roots: Roots {
                machine: [&public, &other, &machine].map(|root| root.certificate.clone()).to_vec(),
                note,
                public: Some([&public, &other].map(|root| root.certificate.clone()).to_vec()),
                ..Roots::default()
            },
            application,
            public,
            other,
            machine,
            unknown,
        }
    }

    pub fn judge(&self) -> ChainJudge {
        ChainJudge::new(&self.trust, &self.roots)
    }

    /// The verdict on a proved chain, shown for [`HOST`] at [`AT`].
    pub fn verdict(&self, chain: &[Certificate], expected: &[TrustClass]) -> ChainVerdict {
        self.verdict_at(chain, expected, AT)
    }

    pub fn verdict_at(&self, chain: &[Certificate], expected: &[TrustClass], at: &str) -> ChainVerdict {
        let proved = proved();
        self.judge().judge(&ChainQuestion { at: at.parse().expect("a moment"), ..question(chain, expected, &proved) })
    }
}

pub fn proved() -> Signature {
    Signature::Verified { scheme: "ECDSA_NISTP256_SHA256".into() }
}

pub fn question<'a>(chain: &'a [Certificate], expected: &'a [TrustClass], proof: &'a Signature) -> ChainQuestion<'a> {
    let at: Timestamp = AT.parse().expect("a moment");
    ChainQuestion { chain, host: HOST, expected, proof: Proof::Handshake(proof), at, peer_date: None }
}

/// The certificates of `parties`, in this order.
pub fn chain<const N: usize>(parties: [&Party; N]) -> Vec<Certificate> {
    parties.map(|party| party.certificate.clone()).to_vec()
}

/// Status and code, as reports show them.
pub fn said(verdict: &ChainVerdict) -> (Status, String) {
    (verdict.status, verdict.cause.code())
}

#[track_caller]
pub fn expect(verdict: &ChainVerdict, status: Status, code: &str, story: &str) {
    assert_eq!(said(verdict), (status, code.to_owned()), "{story}: {}\n{:#?}", verdict.summary, verdict.evidence);
}
