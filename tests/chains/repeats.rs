//! Inspection that comes and goes: whichever connections are inspected, no host that was seen inspected is called excluded, and
//! no way on which nothing was inspected is accused.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;
use std::time::{Duration, Instant};

use proptest::prelude::*;
use proptest::test_runner::RngSeed;
use waprobe::catalogue::{Catalogue, OsSelection, Solution};
use waprobe::certificate::Certificate;
use waprobe::judge::{Finding, Grounds, Status, Verdict, findings, follow_ups, judge};
use waprobe::observation::{Ask, Attempt, Ended, Evidence, HttpEvidence, Observation, Recorder, Stage, TlsEvidence};
use waprobe::plan::{Budget, FollowUps, Identity, Job, Plan, PlannedRoute, SchemeChoice};
use waprobe::report::outcome::{End, conclude};
use waprobe::report::{RunFacts, assemble, markdown};

use super::world::{AT, World, as_it_is, proved};

static WORLD: LazyLock<World> = LazyLock::new(World::new);

/// The hosts that are asked for, all of one class.
const ENDPOINTS: [&str; 5] = ["v10c", "v10", "vortex-win", "settings-win", "watson"];

/// Connections of one row: its own, and those of two repeats.
const CONNECTIONS: usize = 3;

static CATALOGUE: LazyLock<Catalogue> = LazyLock::new(|| {
    let mut catalogue = Catalogue::embedded();
    catalogue.endpoints.retain(|endpoint| ENDPOINTS.contains(&endpoint.name.as_str()));
    catalogue.trust = WORLD.trust.clone();
    catalogue
});

/// By host: the genuine chain, and the one that an inspecting node makes.
static CHAINS: LazyLock<BTreeMap<String, [Vec<Certificate>; 2]>> = LazyLock::new(|| {
    let world = &*WORLD;
    let both = |host: &str| {
        [&world.application_issuing, &world.machine_issuing]
            .map(|issuer| vec![issuer.server(host, as_it_is).certificate, issuer.certificate.clone()])
    };
    CATALOGUE.endpoints.iter().map(|endpoint| (endpoint.host.clone(), both(&endpoint.host))).collect()
});

fn plan() -> Plan {
    let route = |address: &str, identity| PlannedRoute::Proxy {
        proxy: address.parse().expect("a proxy"),
        identity,
        scheme: SchemeChoice::Auto,
    };
    let routes = vec![
        PlannedRoute::Direct,
        route("http://one.example:8080", Identity::Bypass),
        route("http://one.example:8080", Identity::User),
        route("http://other.example:8080", Identity::Bypass),
    ];
    let mut plan = Plan::new(&CATALOGUE, routes, Budget::default(), OsSelection::all(), Solution::ALL.to_vec());
    plan.follow_ups = FollowUps { wanted: true, ..FollowUps::default() };
    plan
}

/// Which connections are inspected, by job.
type Inspected = Vec<[bool; CONNECTIONS]>;

fn seen(job: &Job, attempt: Attempt, is_inspected: bool) -> Observation {
    let host = &CATALOGUE.endpoints[job.endpoint].host;
    let mut recorder = Recorder::new(job.id, attempt, Instant::now());
    let mut tls = TlsEvidence::begun(host);
    tls.version = Some("TLSv1.3".into());
    tls.chain.clone_from(&CHAINS[host][usize::from(is_inspected)]);
    tls.signature = proved();
    recorder.passed(Stage::Tls, Duration::ZERO, Evidence::Tls(Box::new(tls)));
    let http = HttpEvidence { status: Some(200), ..HttpEvidence::begun("GET /".into()) };
    recorder.passed(Stage::Http, Duration::ZERO, Evidence::Http(http));
    recorder.finish(Instant::now())
}

/// A run in this world: every row's own connection, and those that are asked for then.
struct Run {
    plan: Plan,
    observations: Vec<Observation>,
}

impl Run {
    fn new(inspected: &Inspected, asks_again: bool) -> Self {
        let mut plan = plan();
        plan.follow_ups.wanted = asks_again;
        let mut run = Self { observations: Vec::new(), plan };
        let own = run.plan.jobs.iter().zip(inspected).map(|(job, turns)| seen(job, Attempt::First, turns[0]));
        run.observations = own.collect();
        for asked in follow_ups(&run.grounds(), &judge(&run.grounds(), &run.observations), &run.observations) {
            let job = &run.plan.jobs[asked.about.0 as usize];
            let Ask::Repeat(time) = asked.ask else { panic!("asked {:?}", asked.ask) };
            let is_inspected = inspected[asked.about.0 as usize][usize::from(time)];
            run.observations.push(seen(job, Attempt::FollowUp(asked.ask), is_inspected));
        }
        run
    }

    fn grounds(&self) -> Grounds<'_> {
        Grounds::new(&CATALOGUE, &self.plan, &WORLD.roots, AT.parse().expect("a moment"), Ended::Complete)
    }

    fn judged(&self) -> (Vec<Verdict>, Vec<Finding>) {
        let verdicts = judge(&self.grounds(), &self.observations);
        let findings = findings(&self.grounds(), &verdicts, &self.observations);
        (verdicts, findings)
    }

    fn host(&self, job: usize) -> &str {
        &CATALOGUE.endpoints[self.plan.jobs[job].endpoint].host
    }

    fn place(&self, job: usize) -> Option<String> {
        self.plan.route(&self.plan.jobs[job]).proxy().map(ToString::to_string)
    }

    /// On how many of a row's connections an inspector was met, and on how many none was.
    fn met(&self, job: usize, inspected: &Inspected) -> (usize, usize) {
        let turn = |seen: &Observation| match seen.follow_up() {
            Some(Ask::Repeat(time)) => usize::from(time),
            _ => 0,
        };
        let own = self.observations.iter().filter(|seen| seen.job().0 as usize == job);
        let (met, not): (Vec<usize>, Vec<usize>) = own.map(turn).partition(|turn| inspected[job][*turn]);
        (met.len(), not.len())
    }

    /// What somebody reads.
    fn page(&self, verdicts: &[Verdict], findings: &[Finding]) -> String {
        let run = RunFacts {
            started: AT.parse().expect("a moment"),
            duration: Duration::ZERO,
            complete: true,
            machine_roots: "the world's".into(),
            remarks: Vec::new(),
        };
        let impacts = waprobe::impact::assess(&CATALOGUE, &self.plan, verdicts);
        let (answer, findings) = waprobe::answer::conclude(&CATALOGUE, &self.plan, verdicts, findings.to_vec());
        let report = assemble(&CATALOGUE, &self.plan, verdicts.to_vec(), &findings, &impacts, &answer, run);
        let mut page = Vec::new();
        let conclusion = conclude(&report, None, None);
        let end = End { conclusion: &conclusion, exit: 1, ours: 1, fail_on: None, changes: None };
        markdown::write(&report, end, &mut page).expect("memory takes everything");
        String::from_utf8(page).expect("text")
    }
}

/// The hosts that a finding says to be left alone already.
fn excluded(finding: &Finding) -> Vec<&str> {
    let inside = finding.remedy.split_once("left alone already (").and_then(|(_, rest)| rest.split_once(')'));
    inside.expect("a list").0.split(' ').collect()
}

fn check(inspected: &Inspected, asks_again: bool) {
    let run = Run::new(inspected, asks_again);
    let (verdicts, findings) = run.judged();
    let jobs = 0..verdicts.len();
    let met: Vec<(usize, usize)> = jobs.clone().map(|job| run.met(job, inspected)).collect();
    for (job, verdict) in verdicts.iter().enumerate() {
        let is_intercepted = verdict.status == Status::Intercepted;
        assert_eq!(is_intercepted, met[job].0 > 0, "{} {:?}: {}", run.host(job), met[job], verdict.summary);
        assert_eq!((verdict.connections.inspected, verdict.connections.left_alone), met[job]);
        if met[job].0 > 0 && met[job].1 > 0 {
            let words = format!("on {} of {} connections", met[job].0, met[job].0 + met[job].1);
            assert!(verdict.summary.contains(&words), "{}", verdict.summary);
        }
    }
    let places: BTreeSet<Option<String>> = jobs.clone().map(|job| run.place(job)).collect();
    let comes_and_goes =
        |place: &Option<String>| jobs.clone().any(|job| run.place(job) == *place && met[job].0 > 0 && met[job].1 > 0);
    for (job, verdict) in verdicts.iter().enumerate() {
        // Whoever reads one row alone is told too.
        let is_told = verdict.evidence.iter().any(|line| line.contains("inspection comes and goes"));
        let is_in_doubt = met[job].0 == 0 && comes_and_goes(&run.place(job));
        assert_eq!(is_told, is_in_doubt, "{} {:?}: {:#?}", run.host(job), met[job], verdict.evidence);
    }
    for place in &places {
        let own: Vec<usize> = jobs.clone().filter(|job| run.place(*job) == *place).collect();
        let of_place: Vec<&Finding> =
            findings.iter().filter(|finding| finding.jobs.iter().any(|job| own.contains(&(job.0 as usize)))).collect();
        if own.iter().all(|job| met[*job].0 == 0) {
            assert!(of_place.is_empty(), "nothing was inspected at {place:?}: {of_place:#?}");
        }
        let comes_and_goes = own.iter().any(|job| met[*job].0 > 0 && met[*job].1 > 0);
        let flaky: Vec<&&Finding> = of_place.iter().filter(|finding| finding.code == "x.flaky").collect();
        assert_eq!(flaky.len(), usize::from(comes_and_goes), "{place:?}: {of_place:#?}");
        for finding in &flaky {
            for job in &own {
                assert!(finding.remedy.contains(run.host(*job)), "{}: {}", run.host(*job), finding.remedy);
            }
        }
        for partial in of_place.iter().filter(|finding| finding.code == "intercepted.partial") {
            assert!(!comes_and_goes, "{place:?}: {partial:#?}");
            for job in own.iter().filter(|job| met[**job].0 > 0) {
                assert!(!excluded(partial).contains(&run.host(*job)), "{}: {partial:#?}", run.host(*job));
            }
        }
    }
    // Whoever reads it is told of no host that it is excluded, unless some steady place leaves it alone beside others.
    for line in run.page(&verdicts, &findings).lines().filter(|line| line.contains("already excluded")) {
        for endpoint in CATALOGUE.endpoints.iter().filter(|endpoint| line.contains(&format!("`{}`", endpoint.host))) {
            let leaves_alone = |place: &Option<String>| {
                let own = || (0..met.len()).filter(|job| run.place(*job) == *place);
                own().any(|job| met[job].0 > 0)
                    && own().all(|job| met[job].0 == 0 || met[job].1 == 0)
                    && own().all(|job| met[job].0 == 0 || run.host(job) != endpoint.host)
            };
            assert!(places.iter().any(leaves_alone), "{}: {line}", endpoint.host);
        }
    }
}

fn inspected() -> impl Strategy<Value = Inspected> {
    // Everywhere, nowhere, now and then, or by host: what a place does.
    let jobs = plan().jobs.len();
    let per_route = ENDPOINTS.len();
    let place = prop_oneof![
        Just(vec![[false; CONNECTIONS]; per_route]),
        Just(vec![[true; CONNECTIONS]; per_route]),
        prop::collection::vec(any::<bool>().prop_map(|is_inspected| [is_inspected; CONNECTIONS]), per_route),
        prop::collection::vec(prop::array::uniform3(any::<bool>()), per_route),
        prop::collection::vec(prop::array::uniform3(prop::bool::weighted(0.1)), per_route),
        prop::collection::vec(prop::array::uniform3(prop::bool::weighted(0.9)), per_route),
    ];
    prop::collection::vec(place, jobs / per_route).prop_map(|places| places.concat())
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 200,
        failure_persistence: None,
        rng_seed: RngSeed::Fixed(20_261_122),
        ..ProptestConfig::default()
    })]

    #[test]
    fn whoever_was_seen_inspected_is_never_excluded_and_nobody_else_is_accused(inspected in inspected()) {
        check(&inspected, true);
        check(&inspected, false);
    }
}

/// Every third connection, counted over the whole run, as a balancer deals them out.
#[test]
fn nodes_that_take_turns_are_told_from_a_list_of_hosts() {
    for (every, phase) in [(2, 0), (2, 1), (3, 0), (3, 1), (3, 2), (4, 0), (5, 0), (5, 4)] {
        let mut connection = 0;
        let mut turns = || {
            connection += 1;
            connection % every == phase
        };
        let mut dealt: Inspected = plan().jobs.iter().map(|_| [turns(), false, false]).collect();
        for row in &mut dealt {
            (row[1], row[2]) = (turns(), turns());
        }
        check(&dealt, true);
        let (_, findings) = Run::new(&dealt, true).judged();
        let codes: Vec<&str> = findings.iter().map(|finding| finding.code.as_str()).collect();
        assert!(codes.contains(&"x.flaky"), "every {every}: {codes:?}");
    }
}

/// Exclusions that hold are told as before, and nothing is asked where there is nothing to tell.
#[test]
fn a_list_of_hosts_that_holds_stays_one() {
    let jobs = plan().jobs;
    let by_host: Inspected = jobs.iter().map(|job| [job.endpoint < 2; CONNECTIONS]).collect();
    let run = Run::new(&by_host, true);
    // Two of those that are left alone, and one of the others, on each of four routes.
    assert_eq!(run.observations.len() - jobs.len(), 4 * 3 * 2);
    let (verdicts, findings) = run.judged();
    assert!(findings.iter().any(|finding| finding.code == "intercepted.partial" && excluded(finding).len() == 3));
    assert!(findings.iter().all(|finding| finding.code != "x.flaky"));
    assert!(run.page(&verdicts, &findings).contains("already excluded"));
    for all_alike in [true, false] {
        let run = Run::new(&vec![[all_alike; CONNECTIONS]; jobs.len()], true);
        assert_eq!(run.observations.len(), jobs.len(), "nobody is asked twice");
    }
}
