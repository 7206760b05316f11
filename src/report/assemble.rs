//! From verdicts to the one [`Report`] that every renderer reads.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use jiff::{Timestamp, Unit};

use super::answer::{Answer, is_needed};
use super::approach::approaches;
use super::{
    AskedScript, Chain, ChainAnchor, ChainCertificate, ChainReached, Client, FileVerdict, Finding, Impact, ImpactRoute,
    Report, Route, RouteKind, Row, Run, SCHEMA, ScriptAnswer, ScriptObstacle, Timings, Tool,
};
use crate::answer;
use crate::catalogue::{Catalogue, NeedLevel, Solution, TrustClass};
use crate::certificate::{Certificate, hex};
use crate::impact;
use crate::judge::chain::{ChainVerdict, Reached};
use crate::judge::explanation::windows_errors;
use crate::judge::{self, Cause, ClientVerdict, Particulars, StageTimes, Verdict};
use crate::observation::Stage;
use crate::plan::{
    Directions, Identity, Job, JobId, Mechanism, Obstacle, Plan, PlannedRoute, RouteKey, Said, Scheme, Way,
};

/// What the run itself was, beside its plan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunFacts {
    pub started: Timestamp,
    pub duration: Duration,
    /// False when it was interrupted or its recording is cut off.
    pub complete: bool,
    /// Where the machine's own roots came from, and how many.
    pub machine_roots: String,
    /// What a reader should know about the run.
    pub remarks: Vec<String>,
}

/// Brings everything a run has to say into one report. Every planned job has its row, also one without a verdict.
#[must_use]
pub fn assemble(
    catalogue: &Catalogue,
    plan: &Plan,
    mut verdicts: Vec<Verdict>,
    findings: &[judge::Finding],
    impacts: &[impact::Impact],
    answer: &answer::Answer,
    run: RunFacts,
) -> Report {
    verdicts.sort_by_key(|verdict| verdict.job);
    let mut certificates = Certificates::default();
    let required: Vec<bool> = catalogue
        .endpoints
        .iter()
        .map(|endpoint| {
            // A catalogue that says nothing of needs lists what its author wants to work.
            endpoint.needs.is_empty() || endpoint.strongest_need(&plan.solutions, &plan.os) == Some(NeedLevel::Required)
        })
        .collect();
    let solutions: Vec<Vec<Solution>> = catalogue
        .endpoints
        .iter()
        .map(|endpoint| {
            let uses = |solution: &&Solution| endpoint.strongest_need(&[**solution], &plan.os).is_some();
            plan.solutions.iter().filter(uses).copied().collect()
        })
        .collect();
    let routes = route_keys(plan, &verdicts);
    let told: Vec<Finding> = findings
        .iter()
        .map(|finding| {
            let Particulars { product, notes } = judge::particulars(catalogue, plan, &verdicts, finding);
            Finding {
                code: finding.code.clone(),
                title: finding.title.clone(),
                owner: finding.owner,
                remedy: finding.remedy.clone(),
                product,
                notes,
                windows_errors: windows_errors(&finding.code).into_iter().map(str::to_owned).collect(),
                rows: finding.jobs.iter().map(|job| row_id(*job)).collect(),
            }
        })
        .collect();
    let mut report = Report {
        schema: SCHEMA.to_owned(),
        tool: Tool { name: env!("CARGO_PKG_NAME").to_owned(), version: env!("CARGO_PKG_VERSION").to_owned() },
        run: Run {
            started: rfc3339(run.started.round(Unit::Millisecond).unwrap_or(run.started)),
            duration_ms: u64::try_from(run.duration.as_millis()).unwrap_or(u64::MAX),
            catalogue: catalogue.name.clone(),
            os: plan.os.label.clone(),
            complete: run.complete,
            machine_roots: run.machine_roots,
            follow_ups: verdicts.iter().map(|verdict| verdict.follow_ups).sum(),
            remarks: run.remarks,
            not_applicable: catalogue
                .endpoints
                .iter()
                .filter(|endpoint| !endpoint.applies(&plan.solutions, &plan.os))
                .map(|endpoint| endpoint.name.clone())
                .collect(),
            script: plan
                .directions
                .as_ref()
                .map(|directions| script(catalogue, directions, &judge::taken(plan, &verdicts))),
        },
        answer: Answer::new(answer, &routes, &told, row_id),
        rows: Vec::new(),
        findings: told,
        impacts: impacts
            .iter()
            .map(|cell| Impact {
                solution: cell.solution,
                os: cell.os,
                route: ImpactRoute { kind: kind(&plan.routes[cell.route]), key: routes[cell.route].clone() },
                status: cell.status,
                endpoints: cell.endpoints.iter().map(|index| catalogue.endpoints[*index].name.clone()).collect(),
            })
            .collect(),
        approaches: Vec::new(),
    };
    // The rows take over what the verdicts hold: of many rows there is to be one copy.
    let mut verdicts = verdicts.into_iter().peekable();
    report.rows = plan
        .jobs
        .iter()
        .map(|job| {
            while verdicts.next_if(|verdict| verdict.job < job.id).is_some() {}
            let verdict = verdicts.next_if(|verdict| verdict.job == job.id);
            let solutions = solutions[job.endpoint].clone();
            Row {
                solutions,
                needed: is_needed(answer, job.id),
                also_tested: plan.is_also_tested(plan.route(job)),
                ..row(catalogue, plan, job, verdict, required[job.endpoint], &mut certificates)
            }
        })
        .collect();
    report.approaches = approaches(&report, plan);
    report.answer.headline = super::wording::headline(&report);
    report
}

fn script(catalogue: &Catalogue, directions: &Directions, taken: &HashMap<usize, &Way>) -> AskedScript {
    let answers = directions.endpoints.iter().filter_map(|direction| {
        let endpoint = catalogue.endpoints.get(direction.endpoint)?;
        let (answer, failure) = match &direction.said {
            Said::Answer(text) | Said::Unusable(text) => (Some(text.clone()), None),
            Said::Failure { text, .. } => (None, Some(text.clone())),
        };
        Some(ScriptAnswer {
            endpoint: endpoint.name.clone(),
            host: endpoint.host.clone(),
            answer,
            failure,
            ways: direction.ways.iter().map(ToString::to_string).collect(),
            taken: taken.get(&direction.endpoint).map(ToString::to_string),
            remarks: direction.remarks.iter().map(|remark| remark.text.clone()).collect(),
            lines: direction.decided.iter().map(|place| place.line).collect(),
            obstacles: direction.obstacles.iter().map(obstacle).collect(),
        })
    });
    let asked = &directions.script;
    AskedScript {
        name: asked.name.clone(),
        function: asked.function.clone(),
        at: asked.at.clone(),
        own_addresses: asked.own_addresses.iter().map(ToString::to_string).collect(),
        chance: asked.chance,
        obstacles: asked.readability.iter().flat_map(|script| &script.obstacles).map(obstacle).collect(),
        answers: answers.collect(),
    }
}

fn obstacle(obstacle: &Obstacle) -> ScriptObstacle {
    ScriptObstacle {
        code: obstacle.kind.code().map(str::to_owned),
        what: obstacle.what.clone(),
        line: obstacle.place.as_ref().map(|place| place.line),
        column: obstacle.place.as_ref().map(|place| place.column),
    }
}

fn row(
    catalogue: &Catalogue,
    plan: &Plan,
    job: &Job,
    verdict: Option<Verdict>,
    required: bool,
    certificates: &mut Certificates,
) -> Row {
    let endpoint = &catalogue.endpoints[job.endpoint];
    let planned = plan.route(job);
    let verdict = verdict.unwrap_or_else(|| Verdict::new(job.id, Cause::Internal, Stage::Dns));
    let chain = verdict.chain.as_ref().map(|chain| certificates.chain(chain));
    let clients = clients(&verdict, certificates);
    Row {
        id: row_id(job.id),
        endpoint: endpoint.name.clone(),
        group: endpoint.group.clone(),
        url: endpoint.url.clone(),
        host: endpoint.host.clone(),
        port: endpoint.port,
        required,
        needed: true,
        also_tested: false,
        solutions: Vec::new(),
        route: route(planned, verdict.scheme, verdict.mechanism),
        status: verdict.status,
        code: verdict.cause.code(),
        stage: verdict.stage,
        summary: verdict.summary,
        evidence: verdict.evidence,
        hosts_line: verdict.hosts_line,
        timings_ms: timings(&verdict.timings),
        chain,
        clients,
    }
}

fn clients(row: &Verdict, certificates: &mut Certificates) -> Vec<Client> {
    let client = |client: &ClientVerdict| {
        let met = row.of(client);
        Client {
            profile: client.profile,
            os: client.columns.clone(),
            status: met.status,
            code: met.cause.code(),
            stage: met.stage,
            timings_ms: timings(&client.timings),
            chain: met.chain.as_ref().map(|chain| certificates.chain(chain)),
        }
    };
    row.clients.iter().map(client).collect()
}

fn route(planned: &PlannedRoute, decided: Option<Scheme>, mechanism: Option<Mechanism>) -> Route {
    Route {
        kind: kind(planned),
        key: planned.key(decided),
        proxy: planned.proxy().map(ToString::to_string),
        identity: planned.identity(),
        scheme: match planned {
            PlannedRoute::Direct => None,
            PlannedRoute::Proxy { identity: Identity::Bypass, .. } => Some(Scheme::None),
            PlannedRoute::Proxy { .. } => decided.or(planned.forced_scheme()),
        },
        mechanism,
    }
}

fn kind(planned: &PlannedRoute) -> RouteKind {
    match planned {
        PlannedRoute::Direct => RouteKind::Direct,
        PlannedRoute::Proxy { .. } => RouteKind::Proxy,
    }
}

/// One key per planned route. Its rows may have been decided by several schemes (a proxy that lets some hosts through
/// without credentials); the key carries the scheme when there is one only.
fn route_keys(plan: &Plan, verdicts: &[Verdict]) -> Vec<RouteKey> {
    let mut schemes: Vec<Vec<Scheme>> = vec![Vec::new(); plan.routes.len()];
    for verdict in verdicts {
        if let Some(scheme) = verdict.scheme
            && let Some(job) = plan.jobs.get(verdict.job.0 as usize)
            && scheme != Scheme::None
            && !schemes[job.route].contains(&scheme)
        {
            schemes[job.route].push(scheme);
        }
    }
    let only = |schemes: &[Scheme]| if let [scheme] = schemes { Some(*scheme) } else { None };
    plan.routes.iter().zip(&schemes).map(|(route, schemes)| route.key(only(schemes))).collect()
}

pub(super) fn row_id(job: JobId) -> String {
    format!("r{}", u64::from(job.0) + 1)
}

fn timings(times: &StageTimes) -> Timings {
    // Clocks tick in nanoseconds, networks do not: more than a hundredth of a millisecond is noise in a report.
    let milliseconds = |time: Option<Duration>| time.map(|time| (time.as_secs_f64() * 100_000.0).round() / 100.0);
    Timings {
        dns: milliseconds(times.dns),
        tcp: milliseconds(times.tcp),
        proxy: milliseconds(times.proxy),
        tls: milliseconds(times.tls),
        http: milliseconds(times.http),
        total: milliseconds(times.total),
    }
}

pub(super) fn rfc3339(moment: Timestamp) -> String {
    moment.to_string()
}

impl FileVerdict {
    /// The verdict on a chain from a file, in the report's words.
    #[must_use]
    pub fn new(host: &str, verdict: &ChainVerdict) -> Self {
        Self {
            host: host.to_owned(),
            status: verdict.status,
            code: verdict.cause.code(),
            summary: verdict.summary.clone(),
            chain: Certificates::default().chain(verdict),
        }
    }
}

/// Certificate lists that rows share: 10,000 hosts behind one inspecting proxy show the same authority.
#[derive(Default)]
pub(super) struct Certificates {
    lists: HashMap<Vec<[u8; 32]>, Arc<[ChainCertificate]>>,
}

impl Certificates {
    pub(super) fn chain(&mut self, chain: &ChainVerdict) -> Chain {
        let fingerprints = chain.certificates.iter().map(|certificate| *certificate.sha256()).collect();
        let certificates = self
            .lists
            .entry(fingerprints)
            .or_insert_with(|| chain.certificates.iter().map(certificate).collect())
            .clone();
        Chain {
            expected: chain.expected.clone(),
            reached: match chain.reached {
                Reached::Class(TrustClass::MicrosoftApplicationRoot) => ChainReached::MicrosoftApplicationRoot,
                Reached::Class(TrustClass::MicrosoftPublic) => ChainReached::MicrosoftPublic,
                Reached::Public => ChainReached::Public,
                Reached::Machine => ChainReached::Machine,
                Reached::Nowhere => ChainReached::None,
                Reached::Incomplete => ChainReached::Incomplete,
            },
            anchor: chain
                .anchor
                .as_ref()
                .and_then(Certificate::fields)
                .map(|fields| ChainAnchor { subject: fields.subject.clone(), spki_sha256: hex(&fields.spki_sha256) }),
            proved: chain.proved,
            machine_trusts: chain.machine_trusts,
            product: chain.product.clone(),
            tells: chain.tells.iter().map(|tell| (*tell).to_owned()).collect(),
            certificates,
        }
    }
}

/// A certificate that cannot be read keeps its fingerprint; what it says of itself stays empty.
fn certificate(certificate: &Certificate) -> ChainCertificate {
    let fields = certificate.fields();
    let text = |read: fn(&crate::certificate::Fields) -> String| fields.map(read).unwrap_or_default();
    ChainCertificate {
        subject: text(|fields| fields.subject.clone()),
        issuer: text(|fields| fields.issuer.clone()),
        sha256: hex(certificate.sha256()),
        spki_sha256: text(|fields| hex(&fields.spki_sha256)),
        not_before: text(|fields| rfc3339(fields.not_before)),
        not_after: text(|fields| rfc3339(fields.not_after)),
    }
}
