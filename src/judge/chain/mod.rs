//! Whose certificate is it? Decided by the anchors that the recorded chain reaches, and by nothing else.
//!
//! In: a [`ChainQuestion`]. Out: a [`ChainVerdict`]. The questions are asked in this order, and the first that is not met
//! gives the row its code: did the peer prove that it holds the key, where does the path lead, is the name right, the
//! time, the shape. Never: an issuer's name, the machine's own store or an error of the handshake as the reason for a verdict.
//!
//! A signature that nothing here can check (MD5, Ed448, a curve nobody knows) is neither a link nor a missing one. Where it
//! stands between a certificate and an issuer that was sent or is known, the answer has a code of its own, `chain.unchecked`:
//! "cannot be read", "too short" and "too weak" would each be untrue. It counts for less than every path to a known root whose
//! signatures were checked, and for more than a path that ends at nobody's.

mod checked;
mod known;
mod name;
mod path;
mod products;
mod shape;
mod signature;
mod table;
mod tells;
mod wording;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use jiff::{SignedDuration, Timestamp};

use super::{Cause, Status};
use crate::catalogue::{Trust, TrustClass};
use crate::certificate::{Certificate, Fields};
use crate::observation::recording::Roots;
use crate::observation::{Header, HttpEvidence, Signature};
use known::Known;
pub use name::{is_for, is_for_by_common_name};
use path::End;
pub(super) use products::{Instruction, Kind, Product, named as product};
use table::{Standing, TableRow};
pub use tells::OTHER_NAME;

/// One chain, and what it should be.
#[derive(Debug, Clone)]
pub struct ChainQuestion<'a> {
    /// As the peer sent it.
    pub chain: &'a [Certificate],
    /// The name that was asked for.
    pub host: &'a str,
    pub expected: &'a [TrustClass],
    pub proof: Proof<'a>,
    /// The moment for which dates are judged.
    pub at: Timestamp,
    /// The `Date` of an HTTP answer on this connection.
    pub peer_date: Option<Timestamp>,
}

/// What is known of the peer's proof that it holds the leaf's key.
#[derive(Debug, Clone, Copy)]
pub enum Proof<'a> {
    /// The handshake's signature.
    Handshake(&'a Signature),
    /// A hello that nobody meant to finish showed the chain; the peer was never asked to prove anything.
    NeverAsked,
    /// A file: nobody could prove anything, and nobody expects it.
    File,
}

/// Where the path ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reached {
    Class(TrustClass),
    /// Another public root.
    Public,
    /// A root that only this machine's store holds.
    Machine,
    /// A root or key that nobody knows.
    Nowhere,
    /// The issuer is neither sent nor known, and the chain says where it could be fetched; or it is, and its signature is not
    /// one that can be checked.
    Incomplete,
}

/// The answer to one [`ChainQuestion`].
#[derive(Debug, Clone)]
pub struct ChainVerdict {
    pub status: Status,
    /// `Cause::Ok`, or the first question that is not met.
    pub cause: Cause,
    pub expected: Vec<TrustClass>,
    pub reached: Reached,
    pub anchor: Option<Certificate>,
    /// `None` when nobody could check it.
    pub proved: Option<bool>,
    /// What that machine's own check of TLS servers would say; `None` when its roots are not known.
    pub machine_trusts: Option<bool>,
    /// The chain leads to the expected root, which is a public one, and the machine's store was read and lacks it.
    pub lacks_root: bool,
    /// A known inspection product that signs like this, or leaves its name in an answer; never what decides.
    pub product: Option<String>,
    /// Stable short names of hints (`same-key`, `fresh-leaf`, `no-sct`, `other-name`); shown, never what decides.
    pub tells: Vec<&'static str>,
    /// One sentence about this chain.
    pub summary: String,
    /// One fact per line, in the words of reports.
    pub evidence: Vec<String>,
    pub certificates: Vec<Certificate>,
}

/// A local clock is called wrong when a peer's differs by this much.
const CLOCK_SKEW: SignedDuration = SignedDuration::from_secs(300);

/// Chains remembered at most: one run sees a few hundred distinct ones.
const MOST_REMEMBERED: usize = 4096;

/// Answers chain questions for one catalogue and one machine's roots.
#[derive(Debug)]
pub struct ChainJudge {
    known: Known,
    /// Where chains led that were asked for before. Many rows show the same chain.
    remembered: Mutex<HashMap<StandingKey, Arc<Standing>>>,
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct StandingKey {
    chain: Vec<[u8; 32]>,
    expected: Vec<TrustClass>,
    second: i64,
}

impl ChainJudge {
    #[must_use]
    pub fn new(trust: &Trust, roots: &Roots) -> Self {
        Self { known: Known::new(trust, roots), remembered: Mutex::default() }
    }

    #[must_use]
    pub fn judge(&self, question: &ChainQuestion<'_>) -> ChainVerdict {
        let standing = self.standing(question);
        let naming = question.chain.first().map_or(Naming::Other, |leaf| Naming::of(leaf, question.host));
        let proved = match question.proof {
            Proof::Handshake(Signature::Verified { .. }) => Some(true),
            Proof::Handshake(Signature::Wrong { .. }) => Some(false),
            Proof::Handshake(Signature::NotAsked | Signature::NotChecked { .. }) | Proof::NeverAsked | Proof::File => {
                None
            }
        };
        let facts = Facts { question, standing: &standing, naming, proved };
        let (status, cause) = facts.decide();
        ChainVerdict {
            status,
            expected: question.expected.to_vec(),
            reached: facts.reached(),
            anchor: facts.anchor().cloned(),
            proved,
            machine_trusts: facts.machine_trusts(),
            lacks_root: facts.lacks_root(),
            product: facts.product(),
            tells: tells::tells(&facts),
            summary: wording::summary(&facts, &cause),
            evidence: wording::evidence(&facts, &cause),
            certificates: question.chain.to_vec(),
            cause,
        }
    }

    fn standing(&self, question: &ChainQuestion<'_>) -> Arc<Standing> {
        let key = StandingKey {
            chain: question.chain.iter().map(|certificate| *certificate.sha256()).collect(),
            expected: question.expected.to_vec(),
            second: question.at.as_second(),
        };
        let remembered = || self.remembered.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(standing) = remembered().get(&key) {
            return standing.clone();
        }
        let standing = Arc::new(table::standing(question.chain, question.expected, question.at, &self.known));
        let mut remembered = remembered();
        if remembered.len() >= MOST_REMEMBERED {
            remembered.clear();
        }
        remembered.insert(key, standing.clone());
        standing
    }
}

/// Everything that is known of one chain when the questions are asked.
struct Facts<'a> {
    question: &'a ChainQuestion<'a>,
    standing: &'a Standing,
    naming: Naming,
    proved: Option<bool>,
}

/// How a certificate names the host that was asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Naming {
    /// By a subject alternative name.
    Alternative,
    /// By its common name alone, as older programs did: Windows takes that, browsers do not.
    CommonName,
    /// It is for other hosts, or for none.
    Other,
}

impl Naming {
    fn of(leaf: &Certificate, host: &str) -> Self {
        if is_for(leaf, host) {
            Self::Alternative
        } else if is_for_by_common_name(leaf, host) {
            Self::CommonName
        } else {
            Self::Other
        }
    }
}

impl Facts<'_> {
    /// Whether Windows takes the certificate for the host's.
    fn is_for_host(&self) -> bool {
        self.naming != Naming::Other
    }

    /// The questions in their order.
    fn decide(&self) -> (Status, Cause) {
        if self.proved == Some(false) {
            return (Status::Blocked, Cause::TlsBadSignature);
        }
        match self.standing.row {
            TableRow::Expected(_) => self.decide_expected(),
            TableRow::OtherClass(_) | TableRow::Public => self.decide_other_family(),
            TableRow::Machine => (Status::Intercepted, Cause::InterceptedTrusted),
            TableRow::Unchecked => (Status::Inconclusive, Cause::ChainUnchecked),
            // A better path may lie behind the point where the search was given up. Not so above: the service sends no maze, and
            // an inspector who sends one is not to get away with it.
            TableRow::Unknown | TableRow::Incomplete | TableRow::Nowhere if self.standing.cut_off => {
                (Status::Inconclusive, Cause::ChainIncomplete)
            }
            TableRow::Unknown | TableRow::Nowhere => (Status::Intercepted, Cause::InterceptedUntrusted),
            TableRow::Incomplete => (Status::Inconclusive, Cause::ChainIncomplete),
            TableRow::Unreadable => (Status::Inconclusive, Cause::ChainUnparsable),
        }
    }

    fn decide_expected(&self) -> (Status, Cause) {
        if !self.is_for_host() {
            return (Status::Blocked, Cause::ChainNameMismatch);
        }
        if !self.standing.is_current {
            let cause = self.time_cause();
            // A client fetches what takes the place of a known CA that has expired; whether there is such a thing is not seen.
            return match cause {
                Cause::ChainExpired if self.outdated_helper().is_some() => {
                    (Status::Inconclusive, Cause::ChainIncomplete)
                }
                cause => (Status::Blocked, cause),
            };
        }
        if let Some(breach) = self.standing.breaches.first() {
            return (Status::Blocked, breach.rule.cause());
        }
        if self.is_proof_missing() {
            return (Status::Inconclusive, Cause::Inconclusive);
        }
        (Status::Ok, Cause::Ok)
    }

    /// Microsoft's other family, or another public root: not interception, whatever else it is. That data gets out is said
    /// only of a chain that a client could accept now.
    fn decide_other_family(&self) -> (Status, Cause) {
        if !self.is_for_host() {
            return (Status::Blocked, Cause::ChainNameMismatch);
        }
        if let Some(breach) = self.standing.breaches.first() {
            return (Status::Blocked, breach.rule.cause());
        }
        // Whoever copies the service's other chain has its certificates too, and not its key.
        if self.is_proof_missing() {
            return (Status::Inconclusive, Cause::Inconclusive);
        }
        let needs_the_application_root = !self.question.expected.contains(&TrustClass::MicrosoftPublic);
        if needs_the_application_root || !self.standing.is_current {
            (Status::Inconclusive, Cause::ChainWrongClass)
        } else {
            (Status::Degraded, Cause::ChainWrongClass)
        }
    }

    fn time_cause(&self) -> Cause {
        if let Some(peer_date) = self.skewed_by_peer()
            && self.standing.spans.iter().any(|(from, until)| *from <= peer_date && peer_date <= *until)
        {
            return Cause::ChainClockSkew;
        }
        let at = self.question.at;
        let path = self.path();
        let has_expired = path.iter().filter_map(Certificate::fields).any(|fields| fields.not_after < at);
        if has_expired { Cause::ChainExpired } else { Cause::ChainNotYetValid }
    }

    /// A known CA past its end, which the peer left out and the certificate below it says where to fetch, where everything that
    /// was sent is valid.
    fn outdated_helper(&self) -> Option<&Fields> {
        let at = self.question.at;
        let is_outdated =
            |certificate: &&Certificate| certificate.fields().is_some_and(|fields| !fields.is_valid_at(at));
        let mut outdated = self.path().iter().enumerate().filter(|(_, certificate)| is_outdated(certificate));
        let (place, helper) = outdated.next()?;
        let was_sent = |certificate: &Certificate| self.question.chain.contains(certificate);
        let below = self.path().get(place.checked_sub(1)?)?.fields()?;
        let is_left_out = !was_sent(helper) && outdated.all(|(_, other)| !was_sent(other));
        helper.fields().filter(|_| is_left_out && !below.ca_issuers.is_empty())
    }

    /// The peer's date, when it puts the local clock off.
    fn skewed_by_peer(&self) -> Option<Timestamp> {
        self.question.peer_date.filter(|date| date.duration_since(self.question.at).abs() >= CLOCK_SKEW)
    }

    /// A peer that was met, and did not show that the key is its own.
    fn is_proof_missing(&self) -> bool {
        match self.question.proof {
            Proof::NeverAsked | Proof::File => false,
            Proof::Handshake(_) => self.proved != Some(true),
        }
    }

    fn reached(&self) -> Reached {
        match self.standing.row {
            TableRow::Expected(class) | TableRow::OtherClass(class) => Reached::Class(class),
            TableRow::Public => Reached::Public,
            TableRow::Machine => Reached::Machine,
            TableRow::Unchecked | TableRow::Incomplete => Reached::Incomplete,
            TableRow::Unknown | TableRow::Nowhere | TableRow::Unreadable => Reached::Nowhere,
        }
    }

    fn machine_trusts(&self) -> Option<bool> {
        self.standing.machine_path.map(|path| path && self.is_for_host())
    }

    /// The certificates of the chosen path, leaf first.
    fn path(&self) -> &[Certificate] {
        self.standing.path.as_ref().map_or(&[], |path| &path.certificates)
    }

    fn anchor(&self) -> Option<&Certificate> {
        self.path_anchor().map(|anchor| &anchor.certificate)
    }

    fn path_anchor(&self) -> Option<&known::Anchor> {
        match self.standing.path.as_ref().map(|path| &path.end) {
            Some(End::Anchor(anchor)) => Some(anchor),
            Some(End::UnknownRoot | End::KnownIssuerOtherKey(_) | End::Unchecked { .. } | End::Unsent) | None => None,
        }
    }

    /// Said of public roots alone: Microsoft's private root is in no store but Windows' own, and whose store was read is not
    /// known here.
    fn lacks_root(&self) -> bool {
        self.standing.machine_path.is_some()
            && !self.standing.root_may_come
            && matches!(self.standing.row, TableRow::Expected(_))
            && self.path_anchor().is_some_and(|anchor| anchor.public && !anchor.machine)
    }

    /// Products sign under their own CAs; a genuine chain is not held against their names.
    fn product(&self) -> Option<String> {
        if matches!(self.standing.row, TableRow::Expected(_)) {
            return None;
        }
        products::by_chain(self.path(), self.anchor()).map(str::to_owned)
    }
}

/// The product that gave this answer or passed it on, to tell the admin whom to ask.
pub(super) fn product_by_answer(headers: &[Header], body_start: &[u8]) -> Option<String> {
    products::by_answer(headers, body_start).map(str::to_owned)
}

/// The product that wrote this page itself.
pub(super) fn product_by_page(answer: &HttpEvidence) -> Option<String> {
    products::by_page(&answer.headers, &answer.body_start).map(str::to_owned)
}

/// Whether a proxy wrote this page, by what is known of proxies.
pub(super) fn is_page_of_a_proxy(headers: &[Header], body_start: &[u8]) -> bool {
    let kind = products::by_page(headers, body_start).and_then(products::named).map(|product| product.kind);
    matches!(kind, Some(Kind::Proxy | Kind::ProxyAppliance | Kind::CloudGateway))
}
