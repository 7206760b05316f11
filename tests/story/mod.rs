//! Reports made by hand: no network, no clock, no chance.

use std::time::Duration;

use waprobe::catalogue::{Catalogue, OsSelection, Solution, TrustClass};
use waprobe::impact;
use waprobe::judge::chain::{ChainVerdict, Reached};
use waprobe::judge::{Cause, Finding, StageTimes, Status, Verdict};
use waprobe::observation::Stage;
use waprobe::plan::{Budget, Identity, Job, Plan, PlannedRoute, Scheme, SchemeChoice};
use waprobe::report::{self, Report, RunFacts};

/// What one job shall have come to.
pub struct Answer {
    pub cause: Cause,
    pub scheme: Option<Scheme>,
}

fn answer(cause: Cause) -> Answer {
    Answer { cause, scheme: None }
}

fn by(scheme: Scheme, cause: Cause) -> Answer {
    Answer { cause, scheme: Some(scheme) }
}

pub fn through(proxy: &str, identity: Identity) -> PlannedRoute {
    PlannedRoute::Proxy { proxy: proxy.parse().expect("an address"), identity, scheme: SchemeChoice::Auto }
}

/// An office: direct is open, the proxy wants a user and inspects what a user sends.
pub fn office() -> Report {
    let proxy = "http://proxy.contoso.example:8080";
    let routes = vec![PlannedRoute::Direct, through(proxy, Identity::Bypass), through(proxy, Identity::User)];
    told(routes, |route, endpoint| match (route, endpoint) {
        (0, "oca") => answer(Cause::ChainWrongClass),
        (1, "settings-win") | (0, _) => answer(Cause::Ok),
        (1, _) => answer(Cause::PauthRequired),
        (_, "settings-win" | "adl") => by(Scheme::Ntlm, Cause::Ok),
        (_, "login-live") => by(Scheme::Ntlm, Cause::ChainIncomplete),
        _ => by(Scheme::Ntlm, Cause::InterceptedTrusted),
    })
}

pub fn clean() -> Report {
    told(vec![PlannedRoute::Direct, through("http://proxy.contoso.example:8080", Identity::Bypass)], |_, _| {
        answer(Cause::Ok)
    })
}

/// Many routes, as the built-in lab has them.
pub fn lab() -> Report {
    let mut routes = vec![PlannedRoute::Direct];
    for port in [40101, 40102, 40103, 40104, 40105] {
        routes.push(through(&format!("http://127.0.0.1:{port}"), Identity::Bypass));
        if port < 40103 {
            routes.push(through(&format!("http://127.0.0.1:{port}"), Identity::User));
        }
    }
    told(routes, |route, endpoint| match (route, endpoint) {
        (1 | 3, _) => answer(Cause::PauthRequired),
        (2, _) => by(Scheme::Basic, Cause::Ok),
        (4, _) => by(Scheme::Digest, Cause::Ok),
        (5, "v10c" | "v10" | "watson") => answer(Cause::ProxyDenied403),
        (6, name) if name != "adl" => answer(Cause::InterceptedTrusted),
        (7, name) if name != "adl" => answer(Cause::InterceptedUntrusted),
        _ => answer(Cause::Ok),
    })
}

/// A report in which each job came to what `tell` says for its route's index and endpoint's name.
pub fn told(routes: Vec<PlannedRoute>, tell: impl Fn(usize, &str) -> Answer) -> Report {
    let catalogue = Catalogue::embedded();
    let plan = Plan::new(&catalogue, routes, Budget::default(), OsSelection::all(), Solution::ALL.to_vec());
    let verdicts: Vec<Verdict> = plan
        .jobs
        .iter()
        .map(|job| verdict(&catalogue, job, tell(job.route, &catalogue.endpoints[job.endpoint].name)))
        .collect();
    let impacts = impact::assess(&catalogue, &plan, &verdicts);
    let run = RunFacts {
        started: "2026-11-22T10:30:00Z".parse().expect("a moment"),
        duration: Duration::from_millis(412),
        complete: true,
        machine_roots: "139 from /etc/ssl/certs".to_owned(),
        remarks: Vec::new(),
    };
    report::assemble(&catalogue, &plan, &verdicts, &findings(&verdicts), &impacts, run)
}

fn findings(verdicts: &[Verdict]) -> Vec<Finding> {
    let mut findings: Vec<Finding> = Vec::new();
    for verdict in verdicts.iter().filter(|verdict| verdict.cause != Cause::Ok) {
        let facts = verdict.cause.facts();
        match findings.iter_mut().find(|finding| finding.code == verdict.cause.code()) {
            Some(finding) => finding.jobs.push(verdict.job),
            None => findings.push(Finding {
                code: verdict.cause.code(),
                title: facts.title.to_owned(),
                owner: facts.owner,
                remedy: facts.remedy.to_owned(),
                jobs: vec![verdict.job],
            }),
        }
    }
    findings
}

fn verdict(catalogue: &Catalogue, job: &Job, answer: Answer) -> Verdict {
    let endpoint = &catalogue.endpoints[job.endpoint];
    let facts = answer.cause.facts();
    let took =
        |factor: u64| Some(Duration::from_micros(1_000 + (u64::from(job.id.0) * 7_919 % 1_000 + 200) * factor * 10));
    let stopped_early = facts.code.starts_with("pauth") || facts.code.starts_with("proxy");
    let status = facts.status;
    Verdict {
        job: job.id,
        status,
        stage: match facts.code.split('.').next() {
            Some("pauth" | "proxy") => Stage::Proxy,
            Some("chain" | "intercepted") => Stage::Chain,
            _ => Stage::Http,
        },
        summary: format!("{} ({})", facts.title, endpoint.host),
        evidence: vec![format!("asked for {}", endpoint.url)],
        chain: (endpoint.is_tls() && !stopped_early).then(|| chain(catalogue, job, status, &answer.cause)),
        scheme: answer.scheme,
        timings: StageTimes {
            dns: None,
            tcp: took(1),
            proxy: (job.route > 0).then(|| took(1)).flatten(),
            tls: if stopped_early { None } else { took(2) },
            http: if status == Status::Ok { took(2) } else { None },
            total: took(6),
        },
        cause: answer.cause,
    }
}

fn chain(catalogue: &Catalogue, job: &Job, status: Status, cause: &Cause) -> ChainVerdict {
    let endpoint = &catalogue.endpoints[job.endpoint];
    let anchors = &catalogue.trust.class(endpoint.trust[0]).anchors;
    let genuine = status != Status::Intercepted;
    let incomplete = *cause == Cause::ChainIncomplete;
    ChainVerdict {
        status,
        cause: cause.clone(),
        summary: cause.facts().title.to_owned(),
        expected: endpoint.trust.clone(),
        reached: match cause {
            Cause::InterceptedTrusted => Reached::Machine,
            Cause::InterceptedUntrusted => Reached::Nowhere,
            Cause::ChainIncomplete => Reached::Incomplete,
            Cause::ChainWrongClass => Reached::Class(TrustClass::MicrosoftPublic),
            _ => Reached::Class(endpoint.trust[0]),
        },
        anchor: (genuine && !incomplete).then(|| anchors[0].clone()),
        proved: Some(true),
        machine_trusts: Some(*cause != Cause::InterceptedUntrusted),
        product: (*cause == Cause::InterceptedTrusted).then(|| "Zscaler Internet Access".to_owned()),
        tells: if genuine { vec![] } else { vec!["same-key"] },
        evidence: Vec::new(),
        certificates: anchors[..1].to_vec(),
    }
}
