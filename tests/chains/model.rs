//! Random certificates of a small world, judged once by the program and once by a table of who signed what.
//!
//! The table never looks at a certificate: it knows whose key made each signature, because it asked for it. So it says what
//! the verdict has to be, and not only what it must not be.

use std::sync::{Arc, LazyLock};

use proptest::prelude::*;
use proptest::test_runner::RngSeed;
use rcgen::{CertificateParams, Issuer, KeyPair};
use waprobe::catalogue::{ClassMaterial, Trust, TrustClass};
use waprobe::certificate::Certificate;
use waprobe::judge::Status;
use waprobe::judge::chain::{ChainJudge, ChainQuestion, ChainVerdict, Proof};
use waprobe::observation::Signature;
use waprobe::observation::recording::{MachineRootsNote, Roots};

use super::signatures::signed_strangely;
use super::world::{
    APPLICATION, AT, BOTH, HOST, PUBLIC, authority, proved, question, server, with_ca_issuers, with_key_id, years,
};

/// The first four are roots that somebody knows, the fifth is a CA that the catalogue knows below the first.
const NAMES: [&str; 7] = [
    "Application Root",
    "Public Root",
    "Other Public Root",
    "Company Root",
    "Application Issuing CA",
    "Private CA",
    "Another Private CA",
];
const ROOTS: usize = 4;
const HELPER: usize = 4;

static KEYS: LazyLock<Vec<Arc<KeyPair>>> =
    LazyLock::new(|| NAMES.iter().map(|_| Arc::new(KeyPair::generate().expect("a key"))).collect());

/// Who somebody says to be, by name and by key identifier, and whose key it really has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Authority {
    name: usize,
    key: usize,
    id: usize,
}

const fn honest(who: usize) -> Authority {
    Authority { name: who, key: who, id: who }
}

/// Everybody who signs or is signed for.
const AUTHORITIES: [Authority; 15] = [
    honest(0),
    honest(1),
    honest(2),
    honest(3),
    honest(4),
    honest(5),
    honest(6),
    // A known name over a private key, with the identifier of either.
    Authority { name: 0, key: 5, id: 5 },
    Authority { name: 0, key: 6, id: 0 },
    Authority { name: 4, key: 5, id: 5 },
    Authority { name: 4, key: 6, id: 4 },
    // A private name that points to a known key.
    Authority { name: 5, key: 6, id: 4 },
    Authority { name: 6, key: 5, id: 0 },
    // A known key under another name than its own.
    Authority { name: 5, key: 4, id: 4 },
    Authority { name: 6, key: 0, id: 0 },
];

/// Valid now, in the past, in the future; past and future never at one time.
const SPANS: [(i32, i32); 3] = [(2015, 2035), (2015, 2020), (2030, 2035)];

#[derive(Debug, Clone, Copy)]
struct Draft {
    /// `None` for the server's.
    subject: Option<Authority>,
    issuer: Authority,
    has_address: bool,
    /// Signed in a way that nobody can check.
    is_strange: bool,
    span: usize,
}

impl Draft {
    fn make(&self) -> Certificate {
        let mut params = self.subject.map_or_else(|| server(HOST), named);
        let (from, until) = SPANS[self.span];
        years(from, until)(&mut params);
        if self.has_address {
            with_ca_issuers(&mut params);
        }
        let key = self.subject.map_or_else(|| SERVER_KEY.clone(), |subject| KEYS[subject.key].clone());
        let issuer = named(self.issuer);
        let made = params.signed_by(&*key, &Issuer::from_params(&issuer, &*KEYS[self.issuer.key])).expect("signed");
        let made = Certificate::from_der(made.der().to_vec());
        if self.is_strange { signed_strangely(&made) } else { made }
    }

    fn is_self_issued(&self) -> bool {
        self.subject.is_some_and(|subject| subject.name == self.issuer.name)
    }

    /// Whether `above` may be meant as the issuer, whoever signed.
    fn points_to(&self, above: Authority) -> bool {
        self.issuer.name == above.name || self.issuer.id == above.id
    }
}

static SERVER_KEY: LazyLock<Arc<KeyPair>> = LazyLock::new(|| Arc::new(KeyPair::generate().expect("a key")));

fn named(who: Authority) -> CertificateParams {
    let mut params = authority(NAMES[who.name]);
    with_key_id(vec![u8::try_from(who.id).expect("a small number") + 1; 20])(&mut params);
    params
}

/// The judge of this world: four roots in three sets, and a CA of the catalogue below the first.
static JUDGE: LazyLock<ChainJudge> = LazyLock::new(|| {
    let root = |who| Draft { subject: Some(honest(who)), ..by(honest(who)) }.make();
    let helper = Draft { subject: Some(honest(HELPER)), ..by(honest(0)) }.make();
    let trust = Trust {
        application_root: ClassMaterial { anchors: vec![root(0)], helpers: vec![helper] },
        public: ClassMaterial { anchors: vec![root(1)], helpers: Vec::new() },
    };
    let note = MachineRootsNote { source: "the model".into(), count: 3, ..MachineRootsNote::default() };
    ChainJudge::new(
        &trust,
        &Roots {
            machine: vec![root(1), root(2), root(3)],
            note,
            public: Some(vec![root(1), root(2)]),
            ..Roots::default()
        },
    )
});

fn by(issuer: Authority) -> Draft {
    Draft { subject: None, issuer, has_address: false, is_strange: false, span: 0 }
}

/// Where one way up ends.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum End {
    /// At the root of this number; whether each name on the way is the issuer's, and whether it is valid now.
    Root {
        breaks_names: bool,
        row: u8,
        is_out_of_date: bool,
    },
    Unchecked,
    /// A root of nobody's, or the identifier of a known key that did not sign.
    Unknown,
    Incomplete,
    Nowhere,
}

/// The table of who signed what.
struct Table<'a> {
    sent: Vec<&'a Draft>,
    helper: Draft,
    expected: usize,
    ends: Vec<End>,
}

impl Table<'_> {
    fn climb(&mut self, path: &mut Vec<Draft>) {
        let last = *path.last().expect("never empty");
        let signed_by = |above: Authority| !last.is_strange && last.issuer.key == above.key;
        let (mut signed, mut unchecked) = (false, false);
        for root in (0..ROOTS).map(honest).filter(|root| last.points_to(*root)) {
            unchecked |= last.is_strange;
            if signed_by(root) {
                signed = true;
                let end = self.root(path, root.name);
                self.ends.push(end);
            }
        }
        if last.is_self_issued() && last.subject.is_some_and(signed_by) {
            if !signed {
                self.ends.push(End::Unknown);
            }
            return;
        }
        let mut in_a_circle = false;
        let above: Vec<Draft> = self.sent.iter().copied().copied().chain([self.helper]).collect();
        for draft in above {
            let Some(subject) = draft.subject.filter(|subject| last.points_to(*subject)) else { continue };
            if last.is_strange {
                // What it says of itself does not count.
                unchecked |= last.subject != Some(subject) || last.issuer != draft.issuer || !draft.is_strange;
            } else if signed_by(subject) {
                let is_there = |passed: &Draft| {
                    passed.subject.is_some_and(|passed| (passed.name, passed.key) == (subject.name, subject.key))
                };
                if path.iter().any(is_there) {
                    in_a_circle = true;
                    continue;
                }
                signed = true;
                path.push(draft);
                self.climb(path);
                path.pop();
            }
        }
        if signed {
            return;
        }
        let knows_id = last.issuer.id <= HELPER;
        self.ends.push(match () {
            () if in_a_circle => End::Unknown,
            () if unchecked => End::Unchecked,
            () if last.is_self_issued() && last.is_strange => End::Unknown,
            () if knows_id && !last.is_strange => End::Unknown,
            () if last.has_address => End::Incomplete,
            () => End::Nowhere,
        });
    }

    fn root(&self, path: &[Draft], root: usize) -> End {
        let row = match (root, self.expected) {
            (0, 0 | 2) | (1, 1 | 2) => 1,
            (0, 1) | (1, 0) => 2,
            (2, _) => 3,
            _ => 4,
        };
        let issuers = path.iter().skip(1).filter_map(|draft| draft.subject.map(|subject| subject.name));
        let fits = path.iter().map(|draft| draft.issuer.name).eq(issuers.chain([root]));
        let spans = || path.iter().map(|draft| SPANS[draft.span]);
        let from = spans().map(|(from, _)| from).max().unwrap_or_default();
        let until = spans().map(|(_, until)| until).min().unwrap_or_default();
        // Names are compared when the path is verified, and it cannot be where there is no moment to do it at.
        End::Root { breaks_names: !fits && from <= until, row, is_out_of_date: !(from <= 2026 && 2026 < until) }
    }
}

/// What has to be said of `chain`: the possible codes, and the status.
fn right_answer(chain: &[Draft], expected: usize) -> Option<(Status, &'static [&'static str])> {
    let helper = Draft { subject: Some(honest(HELPER)), ..by(honest(0)) };
    let mut table = Table { sent: chain.iter().collect(), helper, expected, ends: Vec::new() };
    table.climb(&mut vec![chain[0]]);
    if table.ends.len() > 40 {
        return None;
    }
    let best = table.ends.into_iter().min()?;
    Some(match best {
        End::Root { row: 4, .. } => (Status::Intercepted, &["intercepted.trusted"]),
        End::Root { row: 1, is_out_of_date: true, .. } => (Status::Blocked, &["chain.expired", "chain.not_yet_valid"]),
        End::Root { breaks_names: true, .. } => (Status::Blocked, &["chain.constraints"]),
        End::Root { row: 1, .. } => (Status::Ok, &["ok"]),
        End::Root { is_out_of_date, .. } if is_out_of_date || expected == 0 => {
            (Status::Inconclusive, &["chain.wrong_class"])
        }
        End::Root { .. } => (Status::Degraded, &["chain.wrong_class"]),
        End::Unchecked => (Status::Inconclusive, &["chain.unchecked"]),
        End::Incomplete => (Status::Inconclusive, &["chain.incomplete"]),
        End::Unknown | End::Nowhere => (Status::Intercepted, &["intercepted.untrusted"]),
    })
}

fn authorities() -> impl Strategy<Value = Authority> {
    // Honest ones as often as all others together.
    prop_oneof![(0..NAMES.len()).prop_map(honest), (0..AUTHORITIES.len()).prop_map(|place| AUTHORITIES[place])]
}

fn draft(is_server: bool) -> impl Strategy<Value = Draft> {
    let rarely = || prop::bool::weighted(0.12);
    let span = prop_oneof![4 => Just(0_usize), 1 => Just(1), 1 => Just(2)];
    (authorities(), authorities(), any::<bool>(), rarely(), span).prop_map(
        move |(subject, issuer, has_address, is_strange, span)| Draft {
            subject: (!is_server).then_some(subject),
            issuer,
            has_address,
            is_strange,
            span,
        },
    )
}

fn ask(chain: &[Certificate], expected: usize, proof: Proof<'_>) -> ChainVerdict {
    let expected: &[TrustClass] = [APPLICATION, PUBLIC, BOTH][expected];
    let unused = proved();
    let at = AT.parse().expect("a moment");
    JUDGE.judge(&ChainQuestion { proof, at, ..question(chain, expected, &unused) })
}

const SEED: u64 = 0x2011_2026;

proptest! {
    #![proptest_config(ProptestConfig {
        failure_persistence: None,
        rng_seed: RngSeed::Fixed(SEED),
        ..ProptestConfig::with_cases(1000)
    })]

    #[test]
    fn the_verdict_is_the_one_that_follows_from_who_signed_what(
        leaf in draft(true),
        others in prop::collection::vec(draft(false), 0..7),
        places in prop::collection::vec(any::<prop::sample::Index>(), 12),
        expected in 0..3_usize,
    ) {
        let mut drafts = vec![leaf];
        drafts.extend(others);
        let chain: Vec<Certificate> = drafts.iter().map(Draft::make).collect();
        let Some((status, codes)) = right_answer(&drafts, expected) else { return Err(TestCaseError::reject("a maze")) };
        let signature = proved();
        let verdict = ask(&chain, expected, Proof::Handshake(&signature));
        prop_assert_eq!(verdict.status, status, "{:#?}\n{:#?}\n{:#?}", verdict.cause, verdict.evidence, drafts);
        prop_assert!(codes.contains(&verdict.cause.code().as_str()), "{:?}\n{:#?}", verdict.cause, verdict.evidence);

        // In any order, any of them any number of times.
        let mut shuffled = vec![chain[0].clone()];
        shuffled.extend(places.iter().map(|place| chain[place.index(chain.len())].clone()));
        shuffled.extend(chain.iter().skip(1).rev().cloned());
        let again = ask(&shuffled, expected, Proof::Handshake(&signature));
        prop_assert_eq!((again.status, &again.cause), (verdict.status, &verdict.cause), "{:#?}", again.evidence);
        prop_assert_eq!(again.machine_trusts, verdict.machine_trusts, "{:#?} {:#?}", again.evidence, verdict.evidence);

        // What was not proved never passes, and what was proved wrong is what that is.
        for proof in [
            Signature::Wrong { scheme: "x".into() },
            Signature::NotAsked,
            Signature::NotChecked { scheme: "x".into(), detail: "y".into() },
        ] {
            let unproved = ask(&chain, expected, Proof::Handshake(&proof));
            prop_assert!(!matches!(unproved.status, Status::Ok | Status::Degraded), "{:?}", proof);
            if matches!(proof, Signature::Wrong { .. }) {
                prop_assert_eq!(unproved.cause.code(), "tls.bad_signature");
            } else if verdict.status == Status::Intercepted {
                prop_assert_eq!(unproved.status, Status::Intercepted);
            }
        }
    }

    #[test]
    fn bytes_that_were_changed_never_pass_and_never_stop_the_judge(
        issuers in prop::collection::vec(draft(false), 0..4),
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<prop::sample::Index>(), 1..=255_u8), 1..6),
        is_cut in any::<bool>(),
        expected in 0..3_usize,
    ) {
        let mut chain: Vec<Certificate> = vec![by(honest(HELPER)).make()];
        chain.push(Draft { subject: Some(honest(HELPER)), ..by(honest(0)) }.make());
        chain.extend(issuers.iter().map(Draft::make));
        let leaf = chain[0].clone();
        for (which, place, change) in &changes {
            let which = which.index(chain.len());
            let mut der = chain[which].der().to_vec();
            let place = place.index(der.len());
            der[place] ^= *change;
            if is_cut {
                der.truncate(place + 1);
            }
            chain[which] = Certificate::from_der(der);
        }
        let verdict = ask(&chain, expected, Proof::File);
        if chain[0] == leaf {
            // The catalogue knows the issuing CA, whatever became of the one that was sent.
            prop_assert_ne!(verdict.status, Status::Intercepted, "{:#?}", verdict.evidence);
        } else {
            prop_assert!(!matches!(verdict.status, Status::Ok | Status::Degraded), "{:#?}", verdict.evidence);
        }
    }
}
