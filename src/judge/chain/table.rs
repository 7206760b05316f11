//! The trust table: where does the best path end?
//!
//! In: a chain, the expected classes, the known authorities and a moment. Out: a [`Standing`]: the row of the table, the
//! path that put it there, and what that path breaks. Names and proof are asked elsewhere.

use std::sync::Arc;

use jiff::Timestamp;

use super::known::{Anchor, Known};
use super::path::{End, Path, Paths, walk};
use super::shape::{self, Breach, Rule};
use crate::catalogue::TrustClass;
use crate::certificate::Certificate;

/// The longest chain that is handed to the library as it is: it tries orders of what it is given, and a hostile peer
/// chooses how many there are.
const LONGEST_PLAIN_CHAIN: usize = 8;

/// A row of the trust table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum TableRow {
    Expected(TrustClass),
    OtherClass(TrustClass),
    Public,
    Machine,
    /// The issuer is there, and its signature is not one that can be checked here: every row above and below may be the true
    /// one.
    Unchecked,
    /// A root or key that nobody knows.
    Unknown,
    /// The issuer can be fetched, and was not sent.
    Incomplete,
    Nowhere,
    Unreadable,
}

/// What a chain comes to, whoever was asked for and whatever was proved.
#[derive(Debug, Clone)]
pub(super) struct Standing {
    pub row: TableRow,
    /// `None` when nothing is readable.
    pub path: Option<Path>,
    /// Spans in which some path of this row is valid, the chosen path's first.
    pub spans: Vec<(Timestamp, Timestamp)>,
    /// The chosen path is valid at the moment that was asked for.
    pub is_current: bool,
    pub breaches: Vec<Breach>,
    /// The machine's own path building, names aside; `None` when its roots are not known.
    pub machine_path: Option<bool>,
    /// The path ends in a public root that the machine has not yet, and fetches when it is first needed.
    pub root_may_come: bool,
    /// The search ended early, so that a better path cannot be ruled out.
    pub cut_off: bool,
}

impl TableRow {
    /// Its place in the table. Where two classes are expected, both are the first row.
    fn place(self) -> u8 {
        match self {
            Self::Expected(_) => 1,
            Self::OtherClass(_) => 2,
            Self::Public => 3,
            Self::Machine => 4,
            Self::Unchecked => 5,
            Self::Unknown => 6,
            Self::Incomplete => 7,
            Self::Nowhere => 8,
            Self::Unreadable => 9,
        }
    }

    fn of(anchor: &Anchor, expected: &[TrustClass]) -> Self {
        let reached = |class: &TrustClass| anchor.classes.contains(class);
        if let Some(class) = expected.iter().copied().find(reached) {
            Self::Expected(class)
        } else if let Some(class) = TrustClass::ALL.into_iter().find(reached) {
            Self::OtherClass(class)
        } else if anchor.public {
            Self::Public
        } else {
            Self::Machine
        }
    }
}

/// Finds the row of `chain`.
pub(super) fn standing(chain: &[Certificate], expected: &[TrustClass], at: Timestamp, known: &Known) -> Standing {
    if chain.first().and_then(Certificate::fields).is_none() {
        return Standing {
            row: TableRow::Unreadable,
            path: None,
            spans: Vec::new(),
            is_current: false,
            breaches: Vec::new(),
            machine_path: known.has_machine.then_some(false),
            root_may_come: false,
            cut_off: false,
        };
    }
    at_once(chain, expected, at, known).unwrap_or_else(|| after_a_search(chain, expected, at, known))
}

/// The everyday case: a path to an expected class that keeps every rule now. Nothing can be better.
fn at_once(chain: &[Certificate], expected: &[TrustClass], at: Timestamp, known: &Known) -> Option<Standing> {
    if chain.len() > LONGEST_PLAIN_CHAIN {
        return None;
    }
    let completed = with_helpers(chain, known);
    for class in expected {
        let Ok((certificates, anchor)) = shape::verify(&completed, known.of_class(*class), at) else { continue };
        let anchor = known.anchor(anchor)?.clone();
        let accepts = known.has_machine && machine_accepts(chain, at, known);
        let root_may_come = known.may_fetch(&anchor);
        return Some(Standing {
            row: TableRow::Expected(*class),
            spans: shape::common_span(&certificates).into_iter().collect(),
            is_current: true,
            breaches: shape::breaches_of_verified(&certificates),
            machine_path: (known.has_machine && (accepts || !root_may_come)).then_some(accepts),
            root_may_come,
            cut_off: false,
            path: Some(Path { certificates, end: End::Anchor(anchor) }),
        });
    }
    None
}

/// `chain`, with the known issuing CAs that its certificates name and the peer left out.
fn with_helpers(chain: &[Certificate], known: &Known) -> Vec<Certificate> {
    let mut completed = chain.to_vec();
    let mut looked_at = 0;
    while looked_at < completed.len() && completed.len() <= 2 * LONGEST_PLAIN_CHAIN {
        let fields = completed[looked_at].fields();
        let helpers = fields.map_or(&[][..], |fields| known.possible_helpers(fields));
        for helper in helpers {
            if !completed.contains(helper) {
                completed.push(helper.clone());
            }
        }
        looked_at += 1;
    }
    completed
}

/// Whether the machine finds a path by itself. Unlike the classes' anchors, a root of its store counts only while it is
/// valid: browsers and curl look at that too.
fn machine_accepts(chain: &[Certificate], at: Timestamp, known: &Known) -> bool {
    shape::verify_if(chain, known.of_machine(), at, |end| is_valid_root(known.anchor(end), at))
        .is_ok_and(|(certificates, _)| shape::breaches_of_verified(&certificates).is_empty())
}

fn is_valid_root(anchor: Option<&Arc<Anchor>>, at: Timestamp) -> bool {
    anchor.and_then(|anchor| anchor.fields()).is_some_and(|fields| fields.is_valid_at(at))
}

/// A path that was walked, and its place in the order of preference.
struct Candidate {
    path: Path,
    row: TableRow,
    span: Option<(Timestamp, Timestamp)>,
    breaches: Vec<Breach>,
}

impl Candidate {
    fn new(path: Path, expected: &[TrustClass]) -> Self {
        let row = match &path.end {
            End::Anchor(anchor) => TableRow::of(anchor, expected),
            End::UnknownRoot | End::KnownIssuerOtherKey(_) => TableRow::Unknown,
            End::Unchecked { .. } => TableRow::Unchecked,
            End::Unsent => {
                let last = path.certificates.last().and_then(Certificate::fields);
                if last.is_some_and(|last| !last.ca_issuers.is_empty()) {
                    TableRow::Incomplete
                } else {
                    TableRow::Nowhere
                }
            }
        };
        let breaches = match &path.end {
            End::Anchor(anchor) => shape::breaches(&path.certificates, anchor),
            End::UnknownRoot | End::KnownIssuerOtherKey(_) | End::Unchecked { .. } | End::Unsent => Vec::new(),
        };
        Self { row, span: shape::common_span(&path.certificates), breaches, path }
    }

    fn is_valid_at(&self, moment: Timestamp) -> bool {
        self.span.is_some_and(|(from, until)| from <= moment && moment <= until)
    }

    fn breaks(&self, rule: Rule) -> bool {
        self.breaches.iter().any(|breach| breach.rule == rule)
    }

    /// Smaller is better. A path to an anchor that breaks its CAs' rules is no path for anybody who keeps them, so it comes
    /// behind every one that does not; among the others the table's order decides, then what is valid and strong now.
    fn rank(&self, at: Timestamp) -> impl Ord + use<> {
        let breaks_rules = self.breaks(Rule::Constraints) || self.breaks(Rule::Usage);
        let reaches_anchor = matches!(self.path.end, End::Anchor(_));
        let until = self.span.map(|(_, until)| until);
        (
            !reaches_anchor,
            breaks_rules,
            self.row.place(),
            self.breaks(Rule::Strength),
            !self.is_valid_at(at),
            std::cmp::Reverse(until),
            self.path.certificates.len(),
        )
    }
}

fn after_a_search(chain: &[Certificate], expected: &[TrustClass], at: Timestamp, known: &Known) -> Standing {
    let at = Timestamp::from_second(at.as_second()).unwrap_or(at);
    let Paths { found, cut_off } = walk(chain, known);
    let candidates: Vec<Candidate> = found.into_iter().map(|path| Candidate::new(path, expected)).collect();
    // The library knows fewer algorithms than the machine's own programs, and is asked about short chains only.
    let machine_accepts = known.has_machine
        && (candidates.iter().any(|candidate| is_machines_own(candidate, chain, at))
            || (chain.len() <= LONGEST_PLAIN_CHAIN && machine_accepts(chain, at, known)));
    let best = candidates.iter().enumerate().min_by_key(|(index, candidate)| (candidate.rank(at), *index));
    let Some((best, _)) = best else {
        // A search that ended before its first path: the leaf alone, and nothing said about it.
        let path = Path { certificates: chain[..1].to_vec(), end: End::Unsent };
        return Standing {
            row: TableRow::Nowhere,
            path: Some(path),
            spans: Vec::new(),
            is_current: false,
            breaches: Vec::new(),
            machine_path: known.has_machine.then_some(machine_accepts),
            root_may_come: false,
            cut_off: true,
        };
    };
    let others = candidates
        .iter()
        .enumerate()
        .filter(|(index, other)| *index != best && other.row.place() == candidates[best].row.place());
    let others = others.filter(|(_, other)| other.breaches.is_empty()).filter_map(|(_, other)| other.span);
    let spans = candidates[best].span.into_iter().chain(others).collect();
    let is_current = candidates[best].is_valid_at(at);
    // What cannot be checked here may be checked by the machine's own programs.
    let is_unchecked = candidates[best].row == TableRow::Unchecked;
    let root_may_come = matches!(&candidates[best].path.end, End::Anchor(anchor) if known.may_fetch(anchor));
    let would_do = root_may_come && is_current && candidates[best].breaches.is_empty();
    let is_answer = machine_accepts || !(is_unchecked || would_do);
    let machine_path = (known.has_machine && is_answer).then_some(machine_accepts);
    let Some(chosen) = candidates.into_iter().nth(best) else { unreachable!("an index of this very list") };
    Standing {
        row: chosen.row,
        path: Some(chosen.path),
        spans,
        is_current,
        breaches: chosen.breaches,
        machine_path,
        root_may_come,
        cut_off,
    }
}

/// A path that the machine would find by itself: to one of its roots, from what was sent, valid now and within the rules.
fn is_machines_own(candidate: &Candidate, chain: &[Certificate], at: Timestamp) -> bool {
    matches!(&candidate.path.end, End::Anchor(anchor) if anchor.machine && is_valid_root(Some(anchor), at))
        && candidate.breaches.is_empty()
        && candidate.is_valid_at(at)
        && candidate.path.certificates.iter().all(|certificate| chain.contains(certificate))
}
