//! One host on two ways: what a chain that cannot be followed means beside one that can, and what no later step hides.

use std::time::{Duration, Instant};

use waprobe::catalogue::{Catalogue, OsSelection, Solution};
use waprobe::certificate::Certificate;
use waprobe::judge::Status::{Blocked, Inconclusive, Intercepted, Ok};
use waprobe::judge::{Grounds, Verdict, judge};
use waprobe::observation::{
    Attempt, Ended, Evidence, Fault, HttpEvidence, Observation, Recorder, Signature, Stage, TlsEvidence,
};
use waprobe::plan::{Budget, Identity, JobId, Plan, PlannedRoute, SchemeChoice};

use super::world::{AT, HOST, Party, World, as_it_is, chain, proved, with_ca_issuers, years};

/// Two endpoints of one class on two routes: the direct one, and a proxy's.
struct Two {
    world: World,
    catalogue: Catalogue,
    plan: Plan,
}

/// The jobs of the first endpoint.
const DIRECT: usize = 0;
const PROXIED: usize = 2;
/// The second endpoint, on the direct route.
const OTHER: usize = 1;
const OTHER_HOST: &str = "v10.events.data.microsoft.com";

impl Two {
    fn new() -> Self {
        let world = World::new();
        let mut catalogue = Catalogue::embedded();
        catalogue.endpoints.retain(|endpoint| [HOST, OTHER_HOST].contains(&endpoint.host.as_str()));
        catalogue.endpoints.sort_by_key(|endpoint| endpoint.host != HOST);
        catalogue.trust = world.trust.clone();
        let proxy = "http://proxy.example:8080".parse().expect("a proxy");
        let proxied = PlannedRoute::Proxy { proxy, identity: Identity::Bypass, scheme: SchemeChoice::Auto };
        let routes = vec![PlannedRoute::Direct, proxied];
        let plan = Plan::new(&catalogue, routes, Budget::default(), OsSelection::all(), Solution::ALL.to_vec());
        let hosts: Vec<&str> = plan.jobs.iter().map(|job| catalogue.endpoints[job.endpoint].host.as_str()).collect();
        assert_eq!(hosts, [HOST, OTHER_HOST, HOST, OTHER_HOST]);
        Self { world, catalogue, plan }
    }

    fn judged(&self, seen: &[Observation]) -> Vec<Verdict> {
        let at = AT.parse().expect("a moment");
        judge(&Grounds::new(&self.catalogue, &self.plan, &self.world.roots, at, Ended::Complete), seen)
    }
}

fn tls(chain: &[Certificate], signature: Signature) -> Evidence {
    let mut tls = TlsEvidence::begun(HOST);
    tls.chain = chain.to_vec();
    tls.signature = signature;
    Evidence::Tls(Box::new(tls))
}

fn begun(job: usize) -> Recorder {
    let job = JobId(u32::try_from(job).expect("a small number"));
    Recorder::new(job, Attempt::First, Instant::now())
}

fn http() -> HttpEvidence {
    HttpEvidence { status: Some(200), ..HttpEvidence::begun("GET /".into()) }
}

fn answered(job: usize, chain: &[Certificate], signature: Signature) -> Observation {
    let mut recorder = begun(job);
    recorder.passed(Stage::Tls, Duration::ZERO, tls(chain, signature));
    recorder.passed(Stage::Http, Duration::ZERO, Evidence::Http(http()));
    recorder.finish(Instant::now())
}

#[test]
fn a_short_chain_is_an_interceptors_where_another_way_shows_the_service_itself_with_another_certificate() {
    let two = Two::new();
    let world = &two.world;
    let genuine = |host: &str| chain([&world.application_issuing.server(host, as_it_is), &world.application_issuing]);
    let short = chain([&Party::root("Never Sent CA").server(HOST, with_ca_issuers)]);
    let stolen = Signature::Wrong { scheme: "x".into() };
    let not_asked = Signature::NotAsked;
    let expired = chain([&world.application_issuing.server(HOST, years(2024, 2025)), &world.application_issuing]);
    let other_class = chain([&world.public_issuing.server(HOST, as_it_is), &world.public_issuing]);
    let forged = {
        let customer = world.application_issuing.server("mail.example", as_it_is);
        chain([&customer.server(HOST, as_it_is), &customer, &world.application_issuing])
    };
    for (job, beside, signature, is_intercepted, story) in [
        (DIRECT, genuine(HOST), proved(), true, "the service itself"),
        (DIRECT, expired, proved(), true, "the service itself, too late"),
        (OTHER, genuine(OTHER_HOST), proved(), false, "another host's"),
        (DIRECT, genuine(HOST), stolen, false, "a chain without its key"),
        (DIRECT, genuine(HOST), not_asked, false, "a chain that nobody proved"),
        (DIRECT, other_class, proved(), false, "another class than expected"),
        (DIRECT, forged, proved(), false, "a chain that breaks its CAs' rules"),
        (DIRECT, short.clone(), proved(), false, "as short as this one"),
    ] {
        let verdicts = two.judged(&[answered(job, &beside, signature), answered(PROXIED, &short, proved())]);
        let verdict = &verdicts[PROXIED];
        let (status, code) =
            if is_intercepted { (Intercepted, "intercepted.untrusted") } else { (Inconclusive, "chain.incomplete") };
        assert_eq!((verdict.status, verdict.cause.code().as_str()), (status, code), "{story}: {}", verdict.summary);
        assert_eq!(verdict.connections.inspected, usize::from(is_intercepted), "{story}");
    }
}

#[test]
fn a_server_that_sends_less_on_one_way_is_the_same_server() {
    let mut two = Two::new();
    let hidden = two.world.application.authority("Hidden CA", as_it_is);
    let server = hidden.server(HOST, with_ca_issuers);
    let seen = [answered(DIRECT, &chain([&server, &hidden]), proved()), answered(PROXIED, &chain([&server]), proved())];
    let verdicts = two.judged(&seen);
    assert_eq!((verdicts[DIRECT].status, verdicts[PROXIED].status), (Ok, Inconclusive));
    assert_eq!(verdicts[PROXIED].cause.code(), "chain.incomplete");

    // A certificate of a known CA that has expired, and another one of the service's that has not: nobody forges such a key.
    let old = two.world.application.authority("Known CA", years(2015, 2025));
    two.world.trust.application_root.helpers = vec![old.certificate.clone()];
    two.catalogue.trust = two.world.trust.clone();
    let short = chain([&old.server(HOST, with_ca_issuers)]);
    let genuine = chain([&two.world.application_issuing.server(HOST, as_it_is), &two.world.application_issuing]);
    let verdicts = two.judged(&[answered(DIRECT, &genuine, proved()), answered(PROXIED, &short, proved())]);
    assert_eq!((verdicts[PROXIED].status, verdicts[PROXIED].cause.code().as_str()), (Inconclusive, "chain.incomplete"));
}

#[test]
fn a_foreign_chain_is_not_hidden_by_how_the_connection_went_on() {
    let two = Two::new();
    let world = &two.world;
    let inspected = chain([&world.machine_issuing.server(HOST, as_it_is), &world.machine_issuing]);
    let genuine = chain([&world.application_issuing.server(HOST, as_it_is), &world.application_issuing]);
    let wrong = Signature::Wrong { scheme: "x".into() };
    for (chain, signature, status, code) in [
        (&inspected, proved(), Intercepted, "intercepted.trusted"),
        (&inspected, Signature::NotAsked, Intercepted, "intercepted.trusted"),
        (&genuine, wrong, Blocked, "tls.bad_signature"),
    ] {
        let in_handshake = |fault: Fault| {
            begun(DIRECT).stopped(Stage::Tls, Duration::ZERO, tls(chain, signature.clone()), fault, Instant::now())
        };
        let afterwards = |fault: Fault| {
            let mut recorder = begun(DIRECT);
            recorder.passed(Stage::Tls, Duration::ZERO, tls(chain, signature.clone()));
            let nothing = HttpEvidence { status: None, ..http() };
            recorder.stopped(Stage::Http, Duration::ZERO, Evidence::Http(nothing), fault, Instant::now())
        };
        for fault in [
            Fault::ResetByPeer { received: 900 },
            Fault::ClosedByPeer { received: 900 },
            Fault::TimedOut { received: 900 },
            Fault::Alert { code: 40 },
            Fault::HandshakeFailed { detail: "odd".into() },
            Fault::BudgetSpent,
        ] {
            for seen in [in_handshake(fault.clone()), afterwards(fault.clone())] {
                let verdict = &two.judged(&[seen])[DIRECT];
                assert_eq!((verdict.status, verdict.cause.code().as_str()), (status, code), "{fault:?}");
            }
        }
    }
    // After the genuine chain an answer that broke in a way that nobody knows is still no block, and has a name.
    for (status, code) in [(None, "http.empty"), (Some(200), "http.truncated")] {
        let mut recorder = begun(DIRECT);
        recorder.passed(Stage::Tls, Duration::ZERO, tls(&genuine, proved()));
        let fault = Fault::Unrecognised { detail: "odd".into() };
        let answer = Evidence::Http(HttpEvidence { status, ..http() });
        let seen = recorder.stopped(Stage::Http, Duration::ZERO, answer, fault, Instant::now());
        let verdict = &two.judged(&[seen])[DIRECT];
        assert_eq!((verdict.status.as_str(), verdict.cause.code().as_str()), ("degraded", code));
        assert!(verdict.summary.ends_with("odd"), "{}", verdict.summary);
    }
}
