//! The certification authorities that are known before any chain is seen, by name and by key.
//!
//! An anchor is a name and a key, whatever certificate they came in: the self-signed form of a root and its cross-certificates
//! are one anchor. One anchor may stand in several sets; the trust table asks for the best.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::{Arc, LazyLock};

use rustls::pki_types::{CertificateDer, TrustAnchor};

use crate::catalogue::{Trust, TrustClass};
use crate::certificate::place::RootPlace;
use crate::certificate::{Certificate, Fields};
use crate::observation::recording::Roots;

/// A root of Microsoft that signs products and not these services. It is in no public set and belongs to no class; a chain
/// that ends in it is Microsoft's all the same.
const MICROSOFT_ROOT_2010: &str =
    include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/catalogue/pki/root-microsoft-2010.pem"));

/// The roots of Mozilla's program, read once.
static PUBLIC_ROOTS: LazyLock<Vec<Certificate>> = LazyLock::new(|| {
    webpki_root_certs::TLS_SERVER_ROOT_CERTS.iter().map(|der| Certificate::from_der(der.to_vec())).collect()
});

static OTHER_MICROSOFT_ROOTS: LazyLock<Vec<Certificate>> =
    LazyLock::new(|| Certificate::list_from_pem(MICROSOFT_ROOT_2010).unwrap_or_default());

/// Where a path may end.
#[derive(Debug)]
pub(super) struct Anchor {
    pub certificate: Certificate,
    /// The trust classes it belongs to.
    pub classes: Vec<TrustClass>,
    pub public: bool,
    pub machine: bool,
    /// Where Windows keeps it; empty where that is not known.
    pub places: BTreeSet<RootPlace>,
    /// For verification by the rules; `None` when the library cannot use this root.
    pub verifiable: Option<TrustAnchor<'static>>,
}

impl Anchor {
    /// The anchor as a certificate that could be read: only those are taken in.
    pub fn fields(&self) -> Option<&Fields> {
        self.certificate.fields()
    }

    /// A root that somebody installed.
    pub fn is_only_the_machines(&self) -> bool {
        self.machine && !self.public && self.classes.is_empty()
    }

    /// A public root that this machine has not, or not yet.
    pub fn is_missing_here(&self) -> bool {
        !self.machine && (self.public || !self.classes.is_empty())
    }
}

/// Everything a chain is held against.
#[derive(Debug, Default)]
pub(super) struct Known {
    anchors: HashMap<Vec<u8>, Vec<Arc<Anchor>>>,
    /// Issuing CAs and cross-certificates by subject: steps on a path, never its end.
    helpers: HashMap<Vec<u8>, Vec<Certificate>>,
    /// Every known CA that has a key identifier.
    by_key_id: HashMap<Vec<u8>, Vec<Certificate>>,
    classes: HashMap<TrustClass, Vec<TrustAnchor<'static>>>,
    machine: Vec<TrustAnchor<'static>>,
    /// Whether it is known what the machine trusts.
    pub has_machine: bool,
    /// Whether the machine fetches further roots when they are first needed.
    on_demand: bool,
}

impl Known {
    pub fn new(trust: &Trust, roots: &Roots) -> Self {
        let mut gathered = Gathered::default();
        for class in TrustClass::ALL {
            gathered.anchors(&trust.class(class).anchors, |anchor, _| anchor.classes.push(class));
            gathered.helpers(&trust.class(class).helpers);
        }
        gathered.anchors(roots.public.as_ref().unwrap_or(&PUBLIC_ROOTS), |anchor, _| anchor.public = true);
        gathered.anchors(&OTHER_MICROSOFT_ROOTS, |anchor, _| anchor.public = true);
        gathered.anchors(&roots.machine, |anchor, root| {
            anchor.machine = true;
            anchor.places.extend(roots.places.get(root.sha256()).into_iter().flatten());
            // Microsoft's programme is as public as Mozilla's, and longer.
            anchor.public |= anchor.places.contains(&RootPlace::AuthRoot);
        });
        let mut known = gathered.finish();
        // A recording keeps only the roots that its chains name: a store that was read and has none of them said no.
        known.has_machine = !roots.machine.is_empty() || roots.note.count > 0;
        known.on_demand = roots.note.on_demand;
        known
    }

    /// Whether the machine fetches `anchor` when it is first needed: that its store does not hold it yet says nothing.
    pub fn may_fetch(&self, anchor: &Anchor) -> bool {
        self.on_demand && anchor.is_missing_here()
    }

    /// Anchors that may have signed `certificate`: by the issuer's name, or by the key identifier it points to.
    pub fn possible_anchors(&self, certificate: &Fields) -> impl Iterator<Item = &Arc<Anchor>> {
        let named = self.anchors.get(&certificate.issuer_der).into_iter().flatten();
        let pointed_to = certificate.authority_key_id.as_ref().and_then(|id| self.by_key_id.get(id));
        let pointed_to = pointed_to.into_iter().flatten().filter_map(|authority| {
            let authority = authority.fields()?;
            if authority.subject_der == certificate.issuer_der {
                return None;
            }
            self.anchors
                .get(&authority.subject_der)?
                .iter()
                .find(|anchor| anchor.fields().is_some_and(|anchor| anchor.spki_sha256 == authority.spki_sha256))
        });
        named.chain(pointed_to)
    }

    /// Known certificates that continue a path above `certificate`.
    pub fn possible_helpers(&self, certificate: &Fields) -> &[Certificate] {
        self.helpers.get(&certificate.issuer_der).map_or(&[], Vec::as_slice)
    }

    /// Known authorities with this key identifier.
    pub fn with_key_id(&self, id: &[u8]) -> &[Certificate] {
        self.by_key_id.get(id).map_or(&[], Vec::as_slice)
    }

    pub fn of_class(&self, class: TrustClass) -> &[TrustAnchor<'static>] {
        self.classes.get(&class).map_or(&[], Vec::as_slice)
    }

    pub fn of_machine(&self) -> &[TrustAnchor<'static>] {
        &self.machine
    }

    /// The anchor with the name and key of `found`.
    pub fn anchor(&self, found: &TrustAnchor<'_>) -> Option<&Arc<Anchor>> {
        self.anchors.values().flatten().find(|anchor| {
            anchor.verifiable.as_ref().is_some_and(|anchor| {
                anchor.subject == found.subject && anchor.subject_public_key_info == found.subject_public_key_info
            })
        })
    }
}

#[derive(Default)]
struct Gathered {
    anchors: Vec<Anchor>,
    by_name_and_key: HashMap<(Vec<u8>, [u8; 32]), usize>,
    helpers: Vec<Certificate>,
}

impl Gathered {
    fn anchors(&mut self, certificates: &[Certificate], mark: impl Fn(&mut Anchor, &Certificate)) {
        for certificate in certificates {
            let Some(fields) = certificate.fields() else { continue };
            let key = (fields.subject_der.clone(), fields.spki_sha256);
            let index = *self.by_name_and_key.entry(key).or_insert_with(|| {
                self.anchors.push(Anchor {
                    certificate: certificate.clone(),
                    classes: Vec::new(),
                    public: false,
                    machine: false,
                    places: BTreeSet::new(),
                    verifiable: trust_anchor(certificate),
                });
                self.anchors.len() - 1
            });
            mark(&mut self.anchors[index], certificate);
            // An issuing CA that somebody put among the roots still has an issuer of its own.
            if !fields.is_self_issued() {
                self.helpers.push(certificate.clone());
            }
        }
    }

    fn helpers(&mut self, certificates: &[Certificate]) {
        self.helpers.extend(certificates.iter().filter(|helper| helper.fields().is_some()).cloned());
    }

    fn finish(self) -> Known {
        let mut known = Known::default();
        let mut indexed = HashSet::new();
        let mut index = |known: &mut Known, certificate: &Certificate| {
            let id = certificate.fields().and_then(|fields| fields.subject_key_id.clone());
            if let Some(id) = id.filter(|_| indexed.insert(certificate.clone())) {
                known.by_key_id.entry(id).or_default().push(certificate.clone());
            }
        };
        for anchor in self.anchors {
            let Some(fields) = anchor.fields() else { continue };
            let subject = fields.subject_der.clone();
            index(&mut known, &anchor.certificate);
            if let Some(verifiable) = &anchor.verifiable {
                for class in &anchor.classes {
                    known.classes.entry(*class).or_default().push(verifiable.clone());
                }
                if anchor.machine {
                    known.machine.push(verifiable.clone());
                }
            }
            known.anchors.entry(subject).or_default().push(Arc::new(anchor));
        }
        for helper in self.helpers {
            let Some(fields) = helper.fields() else { continue };
            let subject = fields.subject_der.clone();
            index(&mut known, &helper);
            let same_name = known.helpers.entry(subject).or_default();
            if !same_name.contains(&helper) {
                same_name.push(helper);
            }
        }
        known
    }
}

fn trust_anchor(certificate: &Certificate) -> Option<TrustAnchor<'static>> {
    let der = CertificateDer::from(certificate.der());
    webpki::anchor_from_trusted_cert(&der).ok().map(|anchor| anchor.to_owned())
}
