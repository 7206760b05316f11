//! Every way up from the leaf, by keys and signatures; the clock is not asked.
//!
//! In: the certificates a peer sent, and the known authorities. Out: [`Paths`], each with the place where it ends. Never: an
//! opinion on which is best. Bounded: a peer that sends a maze gets [`Paths::cut_off`], not our time.

use std::collections::HashMap;
use std::sync::Arc;

use super::checked::Memory;
use super::known::{Anchor, Known};
use super::signature::{Signed, signed_by};
use crate::certificate::{Certificate, Fields};

/// More certificates than any server sends; the rest is not looked at.
const MOST_CERTIFICATES: usize = 256;
const MOST_SIGNATURES: usize = 600;
const MOST_PATHS: usize = 48;
const LONGEST_PATH: usize = 24;
/// Certificates stepped on, on all ways together. A few CAs above each other are enough for a million ways, none of which
/// needs to lead anywhere, so neither paths nor signatures bound the search.
const MOST_STEPS: usize = 10_000;

/// By certificate and by the issuer's key; other rows' chains lead up through the same CAs.
static SIGNED: Memory<Signed> = Memory::new();

/// One way up.
#[derive(Debug, Clone)]
pub(super) struct Path {
    /// Leaf first, up to the last certificate below the anchor, or the last one there is.
    pub certificates: Vec<Certificate>,
    pub end: End,
}

#[derive(Debug, Clone)]
pub(super) enum End {
    Anchor(Arc<Anchor>),
    /// The last certificate signed itself, or its issuers only sign each other, and nobody knows it.
    UnknownRoot,
    /// The last certificate points to this known authority by key identifier, whose key did not sign it.
    KnownIssuerOtherKey(Certificate),
    /// The last certificate names this issuer, which was sent or is known, and nobody here can check whether its key signed.
    Unchecked {
        issuer: Certificate,
        anchor: Option<Arc<Anchor>>,
    },
    /// The issuer of the last certificate was not sent and is not known.
    Unsent,
}

#[derive(Debug, Default)]
pub(super) struct Paths {
    /// In the order of the search: anchors before detours.
    pub found: Vec<Path>,
    /// The search ended before it was complete.
    pub cut_off: bool,
}

/// Walks up from the first certificate of `chain`.
pub(super) fn walk(chain: &[Certificate], known: &Known) -> Paths {
    let mut readable: Vec<&Certificate> = Vec::new();
    for certificate in chain.iter().take(MOST_CERTIFICATES).filter(|certificate| certificate.fields().is_some()) {
        if !readable.contains(&certificate) {
            readable.push(certificate);
        }
    }
    let mut walk = Walk {
        known,
        sent: readable,
        checked: HashMap::new(),
        steps: 0,
        is_given_up: false,
        paths: Paths { found: Vec::new(), cut_off: chain.len() > MOST_CERTIFICATES },
    };
    if let Some(leaf) = chain.first().filter(|leaf| leaf.fields().is_some()) {
        walk.climb(&mut vec![leaf.clone()]);
    }
    walk.paths
}

struct Walk<'a> {
    known: &'a Known,
    sent: Vec<&'a Certificate>,
    /// Signatures checked: by certificate and by the issuer's key.
    checked: HashMap<([u8; 32], [u8; 32]), Signed>,
    steps: usize,
    /// Enough was seen: no further step on any way.
    is_given_up: bool,
    paths: Paths,
}

impl Walk<'_> {
    fn climb(&mut self, path: &mut Vec<Certificate>) {
        let Some(last) = path.last().cloned() else { return };
        let Some(fields) = last.fields() else { return };
        self.steps += 1;
        self.is_given_up |= self.paths.found.len() >= MOST_PATHS || self.steps > MOST_STEPS;
        if self.is_given_up || path.len() > LONGEST_PATH {
            self.paths.cut_off = true;
            return;
        }
        let known = self.known;
        let mut signed = false;
        let mut unchecked = None;
        for anchor in known.possible_anchors(fields) {
            match anchor.fields().map(|anchor| self.is_signed(&last, anchor)) {
                Some(Signed::Yes) => {
                    signed = true;
                    self.end(path, End::Anchor(anchor.clone()));
                }
                Some(Signed::Unusable) => {
                    unchecked = unchecked.or_else(|| Some((anchor.certificate.clone(), Some(anchor.clone()))));
                }
                Some(Signed::No) | None => {}
            }
        }
        let by_itself = fields.is_self_issued().then(|| self.is_signed(&last, fields));
        if by_itself == Some(Signed::Yes) {
            if !signed {
                self.end(path, End::UnknownRoot);
            }
            return;
        }
        let mut above: Vec<Certificate> =
            self.sent.iter().copied().filter(|above| is_above(above, fields)).cloned().collect();
        // By key identifier too: the key decides, and names have more than one spelling. Roots were asked before.
        let pointed_to = fields.authority_key_id.as_deref().map_or(&[][..], |id| known.with_key_id(id));
        let is_no_root = |helper: &&Certificate| helper.fields().is_some_and(|helper| !helper.is_self_issued());
        for helper in known.possible_helpers(fields).iter().chain(pointed_to.iter().filter(is_no_root)) {
            if !above.contains(helper) {
                above.push(helper.clone());
            }
        }
        // Those below an anchor first: in a maze the others may use up all steps.
        above
            .sort_by_key(|issuer| issuer.fields().is_none_or(|fields| known.possible_anchors(fields).next().is_none()));
        let mut in_a_circle = false;
        for issuer in above {
            let Some(issuer_fields) = issuer.fields() else { continue };
            if issuer == last {
                // Its own key, whatever name it gives its issuer: nobody stands above.
                in_a_circle |= self.is_signed(&last, issuer_fields) == Signed::Yes;
                continue;
            }
            match self.is_signed(&last, issuer_fields) {
                Signed::Yes => {}
                Signed::No => continue,
                Signed::Unusable => {
                    unchecked = unchecked.or(Some((issuer, None)));
                    continue;
                }
            }
            if path.iter().filter_map(Certificate::fields).any(|passed| is_same_authority(passed, issuer_fields)) {
                in_a_circle = true;
                continue;
            }
            signed = true;
            path.push(issuer);
            self.climb(path);
            path.pop();
            if self.is_given_up {
                return;
            }
        }
        if signed {
            return;
        }
        let end = match unchecked {
            _ if in_a_circle => End::UnknownRoot,
            Some((issuer, anchor)) => End::Unchecked { issuer, anchor },
            // It says of itself that it is a root, and no other of this name is known: whoever signed it, nobody knows.
            None if by_itself == Some(Signed::Unusable) => End::UnknownRoot,
            None => self.without_issuer(&last, fields),
        };
        self.end(path, end);
    }

    /// Where a certificate ends whose issuer was not found.
    fn without_issuer(&mut self, last: &Certificate, fields: &Fields) -> End {
        let pointed_to = fields.authority_key_id.as_deref().map_or(&[][..], |id| self.known.with_key_id(id));
        let mut other_key = None;
        for authority in pointed_to {
            match authority.fields().map(|authority| self.is_signed(last, authority)) {
                // The key fits after all: not a forgery.
                Some(Signed::Yes) => return End::Unsent,
                Some(Signed::Unusable) => return End::Unchecked { issuer: authority.clone(), anchor: None },
                Some(Signed::No) => other_key = other_key.or(Some(authority)),
                None => {}
            }
        }
        other_key.map_or(End::Unsent, |authority| End::KnownIssuerOtherKey(authority.clone()))
    }

    fn end(&mut self, path: &[Certificate], end: End) {
        self.paths.found.push(Path { certificates: path.to_vec(), end });
    }

    fn is_signed(&mut self, certificate: &Certificate, issuer: &Fields) -> Signed {
        let edge = (*certificate.sha256(), issuer.spki_sha256);
        if let Some(known) = self.checked.get(&edge) {
            return *known;
        }
        if self.checked.len() >= MOST_SIGNATURES {
            self.paths.cut_off = true;
            return Signed::No;
        }
        let answer = SIGNED.answer(&[&edge.0, &issuer.spki_der], || signed_by(certificate, issuer));
        self.checked.insert(edge, answer);
        answer
    }
}

/// Whether `certificate` may be the issuer that `below` means: by name, or by key identifier. The signature decides.
fn is_above(certificate: &Certificate, below: &Fields) -> bool {
    certificate.fields().is_some_and(|fields| {
        fields.subject_der == below.issuer_der
            || (below.authority_key_id.is_some() && fields.subject_key_id == below.authority_key_id)
    })
}

fn is_same_authority(one: &Fields, other: &Fields) -> bool {
    one.spki_sha256 == other.spki_sha256 && one.subject_der == other.subject_der
}
