//! Reports made by hand: no network, no clock, no chance.

use std::time::Duration;

use waprobe::answer::conclude;
use waprobe::catalogue::{Catalogue, OsSelection, Solution, TrustClass};
use waprobe::certificate::Certificate;
use waprobe::impact;
use waprobe::judge::chain::{ChainVerdict, Reached};
use waprobe::judge::{Cause, Grounds, StageTimes, Status, Verdict, findings};
use waprobe::observation::recording::{MachineRootsNote, Roots};
use waprobe::observation::{Ended, Stage};
use waprobe::plan::{Budget, Identity, Job, Plan, PlannedRoute, Scheme, SchemeChoice};
use waprobe::report::{self, Report, RunFacts};

/// What one job shall have come to.
#[derive(Debug)]
pub struct Answer {
    cause: Cause,
    scheme: Option<Scheme>,
    detail: Option<&'static str>,
}

pub fn answer(cause: Cause) -> Answer {
    Answer { cause, scheme: None, detail: None }
}

pub fn by(scheme: Scheme, cause: Cause) -> Answer {
    Answer { cause, scheme: Some(scheme), detail: None }
}

impl Answer {
    fn saying(self, detail: &'static str) -> Self {
        Self { detail: Some(detail), ..self }
    }
}

pub fn through(proxy: &str, identity: Identity) -> PlannedRoute {
    PlannedRoute::Proxy { proxy: proxy.parse().expect("an address"), identity, scheme: SchemeChoice::Auto }
}

const PROXY: &str = "http://proxy.contoso.example:8080";

/// An office: direct is open, the proxy wants a user and inspects what a user sends.
pub fn office() -> Report {
    office_on(&[])
}

/// The same for some Windows versions only.
pub fn office_on(os: &[&str]) -> Report {
    let routes = vec![PlannedRoute::Direct, through(PROXY, Identity::Bypass), through(PROXY, Identity::User)];
    told(os, routes, |route, endpoint| match (route, endpoint) {
        (0, "oca") => answer(Cause::ChainWrongClass),
        (0, _) | (1, "settings-win") => answer(Cause::Ok),
        (1, _) => answer(Cause::PauthRequired).saying("407, offering NTLM, Basic"),
        (_, "settings-win" | "adl") => by(Scheme::Ntlm, Cause::Ok),
        (_, "login-live") => by(Scheme::Ntlm, Cause::ChainIncomplete),
        _ => by(Scheme::Ntlm, Cause::InterceptedTrusted),
    })
}

/// Everything is ok.
pub fn clean() -> Report {
    told(&[], vec![PlannedRoute::Direct, through(PROXY, Identity::Bypass)], |_, _| answer(Cause::Ok))
}

/// Many routes, as the built-in lab has them.
pub fn many_routes() -> Report {
    let mut routes = vec![PlannedRoute::Direct];
    for port in [40101, 40102, 40103, 40104, 40105] {
        let proxy = format!("http://127.0.0.1:{port}");
        routes.push(through(&proxy, Identity::Bypass));
        if port < 40103 {
            routes.push(through(&proxy, Identity::User));
        }
    }
    told(&[], routes, |route, endpoint| match (route, endpoint) {
        (1 | 3, _) => answer(Cause::PauthRequired).saying("407, offering Basic"),
        (2, _) => by(Scheme::Basic, Cause::Ok),
        (4, _) => by(Scheme::Digest, Cause::Ok),
        (5, "v10c" | "v10" | "watson") => answer(Cause::ProxyDenied403).saying("status 403"),
        (6, name) if name != "adl" => answer(Cause::InterceptedTrusted),
        (7, name) if name != "adl" => answer(Cause::InterceptedUntrusted),
        _ => answer(Cause::Ok),
    })
}

/// A report in which each job came to what `tell` says for its route's index and its endpoint's name.
pub fn told(os: &[&str], routes: Vec<PlannedRoute>, tell: impl Fn(usize, &str) -> Answer) -> Report {
    told_of(os, &Solution::ALL, routes, tell)
}

/// The same for these solutions alone.
pub fn told_of(
    os: &[&str],
    solutions: &[Solution],
    routes: Vec<PlannedRoute>,
    tell: impl Fn(usize, &str) -> Answer,
) -> Report {
    let catalogue = Catalogue::embedded();
    let os = OsSelection::read(os, None).expect("versions");
    let plan = Plan::new(&catalogue, routes, Budget::default(), os, solutions.to_vec());
    let verdicts: Vec<Verdict> = plan
        .jobs
        .iter()
        .map(|job| verdict(&catalogue, job, tell(job.route, &catalogue.endpoints[job.endpoint].name)))
        .collect();
    let started = "2026-11-22T10:30:00Z".parse().expect("a moment");
    let note = MachineRootsNote { source: "/etc/ssl/certs".to_owned(), count: 139, ..MachineRootsNote::default() };
    let roots = Roots { machine: Vec::new(), note, ..Roots::default() };
    let grounds = Grounds::new(&catalogue, &plan, &roots, started, Ended::Complete);
    let run = RunFacts {
        started,
        duration: Duration::from_millis(412),
        complete: true,
        machine_roots: "139 from /etc/ssl/certs".to_owned(),
        remarks: Vec::new(),
    };
    let impacts = impact::assess(&catalogue, &plan, &verdicts);
    let (answer, findings) = conclude(&catalogue, &plan, &verdicts, findings(&grounds, &verdicts, &[]));
    report::assemble(&catalogue, &plan, verdicts, &findings, &impacts, &answer, run)
}

fn verdict(catalogue: &Catalogue, job: &Job, answer: Answer) -> Verdict {
    let endpoint = &catalogue.endpoints[job.endpoint];
    let facts = answer.cause.facts();
    let variety = u64::from(job.id.0) * 7_919 % 1_000;
    let took = |factor: u64| Some(Duration::from_micros(1_000 + (variety + 200) * factor * 10));
    let stage = match facts.code.split('.').next() {
        Some("pauth" | "proxy") => Stage::Proxy,
        Some("chain" | "intercepted") => Stage::Chain,
        _ => Stage::Http,
    };
    let goes_on = stage != Stage::Proxy;
    Verdict {
        summary: answer.detail.map_or_else(|| facts.title.to_owned(), |detail| format!("{}: {detail}", facts.title)),
        evidence: vec![format!("asked for {}", endpoint.url)],
        chain: (endpoint.is_tls() && goes_on).then(|| chain(catalogue, job, &answer.cause)),
        scheme: answer.scheme,
        timings: StageTimes {
            dns: took(1).filter(|_| job.route == 0),
            tcp: took(1),
            proxy: took(1).filter(|_| job.route > 0),
            tls: took(2).filter(|_| goes_on && endpoint.is_tls()),
            http: took(2).filter(|_| goes_on),
            total: took(6),
        },
        ..Verdict::new(job.id, answer.cause, stage)
    }
}

fn chain(catalogue: &Catalogue, job: &Job, cause: &Cause) -> ChainVerdict {
    let endpoint = &catalogue.endpoints[job.endpoint];
    let status = cause.facts().status;
    let inspected = status == Status::Intercepted;
    let anchor = &catalogue.trust.class(endpoint.trust[0]).anchors[0];
    let inspector =
        || Certificate::list_from_pem(include_str!("inspector.pem")).expect("a certificate and the CA that signed it");
    ChainVerdict {
        status,
        cause: cause.clone(),
        summary: cause.facts().title.to_owned(),
        expected: endpoint.trust.clone(),
        reached: match status {
            Status::Intercepted if *cause == Cause::InterceptedTrusted => Reached::Machine,
            Status::Intercepted => Reached::Nowhere,
            Status::Inconclusive => Reached::Incomplete,
            Status::Degraded => Reached::Class(TrustClass::MicrosoftPublic),
            Status::Ok | Status::Blocked | Status::NotTested => Reached::Class(endpoint.trust[0]),
        },
        anchor: matches!(status, Status::Ok | Status::Degraded).then(|| anchor.clone()),
        proved: Some(true),
        lacks_root: false,
        machine_trusts: Some(*cause != Cause::InterceptedUntrusted),
        product: inspected.then(|| "Zscaler Internet Access".to_owned()),
        tells: if inspected { vec!["same-key"] } else { Vec::new() },
        evidence: Vec::new(),
        certificates: if inspected { inspector() } else { vec![anchor.clone()] },
    }
}
