//! What the rows say of the script that sent the endpoints their ways.
//!
//! In: verdicts, and the directions in the plan. Out: a line of evidence for every row, and the findings `pac.*` that take
//! rows to see. Never: another status or cause for a row.

use std::collections::{BTreeMap, HashMap};

use super::wording::{each_once, listed};
use super::{Cause, Finding, Grounds, Owner, Status, Verdict};
use crate::plan::{Direction, Directions, JobId, Obstacle, ObstacleKind, Place, Plan, PlannedRoute, Said, Way};

/// Tells every row which way of the script it is.
pub(super) fn tell_ways(grounds: &Grounds<'_>, verdicts: &mut [Verdict]) {
    let Some(directions) = &grounds.plan.directions else { return };
    let by_endpoint: HashMap<usize, &Direction> =
        directions.endpoints.iter().map(|direction| (direction.endpoint, direction)).collect();
    for verdict in verdicts {
        let job = grounds.job(verdict);
        if let Some(direction) = by_endpoint.get(&job.endpoint) {
            let place = direction.ways.iter().position(|way| way.is_of(grounds.plan.route(job)));
            verdict.evidence.splice(0..0, lines(directions, direction, place));
        }
    }
}

fn lines(directions: &Directions, direction: &Direction, place: Option<usize>) -> Vec<String> {
    let script = &directions.script.name;
    let said = match &direction.said {
        Said::Answer(text) => format!("the script {script} answers {text}"),
        Said::Unusable(text) => {
            format!("the script {script} answers {text}, of which Windows' services know nothing: they go directly")
        }
        Said::Failure { text, .. } => {
            let first = text.lines().next().unwrap_or_default();
            format!("the script {script} fails for this address ({first}): devices go directly")
        }
    };
    let this = match place {
        None => Some("this route is not the script's".to_owned()),
        Some(_) if direction.ways.len() == 1 => None,
        Some(0) => Some("this is the way that devices use".to_owned()),
        Some(_) => Some("devices come this way when what stands before it cannot be reached".to_owned()),
    };
    let decided =
        (!direction.decided.is_empty()).then(|| format!("{} of the script decided that", at_lines(&direction.decided)));
    let whole = directions.script.readability.iter().flat_map(|script| &script.obstacles);
    let obstacles: Vec<&Obstacle> = whole.chain(&direction.obstacles).collect();
    let read = obstacles.iter().find(|obstacle| obstacle.kind.fails_somewhere()).or(obstacles.first());
    std::iter::once(said).chain(this).chain(decided).chain(read.map(|obstacle| not_read(obstacle))).collect()
}

/// `line 12`, or `line 12 (from line 3)` where that line gave back what the other had made.
fn at_lines(places: &[Place]) -> String {
    let (first, others) = places.split_first().map_or((0, &[][..]), |(first, others)| (first.line, others));
    let others: Vec<String> = others.iter().map(|place| format!("line {}", place.line)).collect();
    if others.is_empty() { format!("line {first}") } else { format!("line {first} (from {})", others.join(", ")) }
}

/// What this obstacle means for a device.
fn not_read(obstacle: &Obstacle) -> String {
    match obstacle.kind {
        ObstacleKind::Syntax => format!(
            "Windows up to 11 23H2 cannot read the script ({obstacle}): its services go out directly or fail; what 24H2 does \
             is not published"
        ),
        ObstacleKind::Missing => format!(
            "on Windows up to 11 23H2 the script fails for this address ({obstacle}): services go out directly or fail; what \
             24H2 does is not published"
        ),
        ObstacleKind::ContentType => format!(
            "Windows 10 does not take the script as it is served ({obstacle}): its services go out directly or fail"
        ),
        ObstacleKind::VersionUnknown => {
            format!("whether Windows' own script engine answers the same is not known ({obstacle})")
        }
    }
}

/// Who changes what sends these rows nowhere, and where it stands: the lines of the script, or a device's settings.
pub(super) fn where_it_stands(
    grounds: &Grounds<'_>,
    rows: &[&Verdict],
    owner: Owner,
    remedy: String,
) -> (Owner, String) {
    let mut lines: Vec<usize> = Vec::new();
    for row in rows {
        let (job, directions) = (grounds.job(row), grounds.plan.directions.as_ref());
        let sent = directions.iter().flat_map(|directions| &directions.endpoints).filter(|sent| {
            sent.endpoint == job.endpoint && sent.ways.iter().any(|way| way.is_of(grounds.plan.route(job)))
        });
        lines.extend(sent.filter_map(|sent| sent.decided.last()).map(|place| place.line));
    }
    lines.sort_unstable();
    lines.dedup();
    let script = grounds.plan.directions.as_ref().map(|directions| directions.script.name.as_str());
    match (script, lines.as_slice()) {
        (Some(script), [line]) => (owner, format!("{remedy}; line {line} of {script} sends them there")),
        (Some(script), [_, ..]) => {
            let lines: Vec<String> = lines.iter().take(MAX_LINES).map(ToString::to_string).collect();
            (owner, format!("{remedy}; lines {} of {script} send them there", lines.join(", ")))
        }
        (_, _) if grounds.plan.settings.is_some() => {
            (Owner::DesktopTeam, format!("{remedy}; waprobe proxy shows which value of the device names it"))
        }
        _ => (owner, remedy),
    }
}

/// More lines than this are not named.
const MAX_LINES: usize = 5;

/// Per endpoint the way that devices take by the script. Nothing without a script.
#[must_use]
pub fn taken<'p>(plan: &'p Plan, verdicts: &[Verdict]) -> HashMap<usize, &'p Way> {
    let reach = Reach::of(plan, verdicts);
    let chosen =
        |direction: &'p Direction| Some((direction.endpoint, reach.taken(direction.endpoint, &direction.ways)?));
    plan.directions.iter().flat_map(|directions| &directions.endpoints).filter_map(chosen).collect()
}

/// What was reached of the ways that a script or a setting names one behind the other.
#[derive(Debug)]
pub struct Reach<'a> {
    plan: &'a Plan,
    /// By endpoint and route.
    causes: HashMap<(usize, usize), &'a Cause>,
}

impl<'a> Reach<'a> {
    #[must_use]
    pub fn of(plan: &'a Plan, verdicts: &'a [Verdict]) -> Self {
        let place = |verdict: &Verdict| plan.jobs.get(verdict.job.0 as usize).map(|job| (job.endpoint, job.route));
        let causes = verdicts.iter().filter_map(|verdict| Some((place(verdict)?, &verdict.cause))).collect();
        Self { plan, causes }
    }

    /// Of `ways` the one that a device takes to `endpoint`: the first, unless nothing answers there and a later one was
    /// tried. `None` only without any way.
    #[must_use]
    pub fn taken<'w>(&self, endpoint: usize, ways: &'w [Way]) -> Option<&'w Way> {
        let is_reached = |way: &&Way| {
            let routes = self.plan.routes.iter().enumerate().filter(|(_, route)| way.is_of(route));
            let mut causes = routes.filter_map(|(route, _)| self.causes.get(&(endpoint, route))).peekable();
            causes.peek().is_some() && !causes.all(|cause| is_out_of_reach(cause))
        };
        ways.iter().find(is_reached).or(ways.first())
    }
}

/// Every finding about the script.
pub(super) fn findings(grounds: &Grounds<'_>, verdicts: &[Verdict]) -> Vec<Finding> {
    let Some(directions) = &grounds.plan.directions else { return Vec::new() };
    let rows = Rows::new(grounds, verdicts);
    let mut found = Vec::new();
    found.extend(sent_directly(directions, &rows));
    found.extend(dead_first_proxies(directions, &rows));
    found.extend(oddities(directions, &rows));
    found.extend(not_run_by_windows(directions, &rows));
    found
}

/// So many obstacles of one script are named in a title.
const NAMED_OBSTACLES: usize = 3;

/// What keeps Windows' own script engine from running the script: for all endpoints, and for some alone.
fn not_run_by_windows(directions: &Directions, rows: &Rows<'_>) -> Vec<Finding> {
    let all = || directions.endpoints.iter().flat_map(|direction| rows.of(direction)).collect::<Vec<_>>();
    let whole = directions.script.readability.iter().flat_map(|script| &script.obstacles);
    let mut met: Vec<(&Obstacle, Vec<&Verdict>)> = whole.map(|obstacle| (obstacle, all())).collect();
    for direction in &directions.endpoints {
        met.extend(direction.obstacles.iter().map(|obstacle| (obstacle, rows.of(direction))));
    }
    // One finding for each code; an obstacle of several endpoints is told once.
    let mut found: BTreeMap<&str, (Vec<&Obstacle>, Vec<&Verdict>)> = BTreeMap::new();
    for (obstacle, affected) in met {
        let Some(code) = obstacle.kind.code() else { continue };
        let (obstacles, known) = found.entry(code).or_default();
        if !obstacles.contains(&obstacle) {
            obstacles.push(obstacle);
        }
        for row in affected {
            if !known.iter().any(|other| other.job == row.job) {
                known.push(row);
            }
        }
    }
    let tell = |(code, (obstacles, affected)): (&str, (Vec<&Obstacle>, Vec<&Verdict>))| {
        let mut named: Vec<String> = obstacles.iter().take(NAMED_OBSTACLES).map(ToString::to_string).collect();
        if obstacles.len() > NAMED_OBSTACLES {
            named.push(format!("{} more", obstacles.len() - NAMED_OBSTACLES));
        }
        let place = format!(": {} ({})", named.join("; "), directions.script.name);
        Some(rows.finding(&Cause::from_code(code)?, &place, &affected))
    };
    found.into_iter().filter_map(tell).collect()
}

/// The verdicts by endpoint.
struct Rows<'a> {
    grounds: &'a Grounds<'a>,
    by_endpoint: HashMap<usize, Vec<&'a Verdict>>,
}

impl<'a> Rows<'a> {
    fn new(grounds: &'a Grounds<'a>, verdicts: &'a [Verdict]) -> Self {
        let mut by_endpoint: HashMap<usize, Vec<&Verdict>> = HashMap::new();
        for verdict in verdicts {
            by_endpoint.entry(grounds.job(verdict).endpoint).or_default().push(verdict);
        }
        Self { grounds, by_endpoint }
    }

    fn on(&self, endpoint: usize, way: &Way) -> Vec<&'a Verdict> {
        let plan = self.grounds.plan;
        let is_there = |verdict: &&&Verdict| way.is_of(plan.route(self.grounds.job(verdict)));
        self.by_endpoint.get(&endpoint).into_iter().flatten().filter(is_there).copied().collect()
    }

    fn of(&self, direction: &Direction) -> Vec<&'a Verdict> {
        direction.ways.iter().flat_map(|way| self.on(direction.endpoint, way)).collect()
    }

    fn finding(&self, cause: &Cause, place: &str, rows: &[&Verdict]) -> Finding {
        let facts = cause.facts();
        let remedy = if cause.is_about_hosts() {
            let hosts = each_once(rows.iter().map(|row| self.grounds.endpoint(row).host.as_str()));
            format!("{}: {}", facts.remedy, listed(&hosts))
        } else {
            facts.remedy.to_owned()
        };
        let jobs: Vec<JobId> = rows.iter().map(|row| row.job).collect();
        Finding {
            code: facts.code.to_owned(),
            title: format!("{}{place}", facts.title),
            owner: facts.owner,
            remedy,
            jobs,
        }
    }
}

/// Endpoints that the script itself sends out directly, and that are blocked there.
fn sent_directly(directions: &Directions, rows: &Rows<'_>) -> Option<Finding> {
    let sent = directions.endpoints.iter().filter(|direction| direction.is_sent_directly());
    let failing: Vec<&Verdict> = sent
        .flat_map(|direction| rows.on(direction.endpoint, &Way::Direct))
        .filter(|row| row.status == Status::Blocked)
        .collect();
    (!failing.is_empty())
        .then(|| rows.finding(&Cause::PacDirectForEndpoint, &format!(" ({})", directions.script.name), &failing))
}

/// Proxies that nobody reaches, with another way behind them that works.
fn dead_first_proxies(directions: &Directions, rows: &Rows<'_>) -> Vec<Finding> {
    let mut dead: BTreeMap<(String, String), Vec<&Verdict>> = BTreeMap::new();
    for direction in &directions.endpoints {
        let Some((first @ Way::Through(_), others)) = direction.ways.split_first() else { continue };
        let unreached = rows.on(direction.endpoint, first);
        if unreached.is_empty() || !unreached.iter().all(|row| is_out_of_reach(&row.cause)) {
            continue;
        }
        let works = |way: &&Way| rows.on(direction.endpoint, way).iter().any(|row| gets_through(row));
        if let Some(next) = others.iter().find(works) {
            dead.entry((first.to_string(), next.to_string())).or_default().extend(unreached);
        }
    }
    let tell = |((first, next), failing): ((String, String), Vec<&Verdict>)| {
        let next = if next == PlannedRoute::Direct.key(None).0 { "directly".to_owned() } else { next };
        rows.finding(&Cause::PacDeadFirstProxy, &format!(": {first}, then {next}"), &failing)
    };
    dead.into_iter().map(tell).collect()
}

fn gets_through(row: &Verdict) -> bool {
    matches!(row.status, Status::Ok | Status::Degraded)
}

/// Nothing answered at the proxy's address, or it has none: what a device gives up on before it tries the next.
pub(super) fn is_out_of_reach(cause: &Cause) -> bool {
    matches!(
        cause,
        Cause::DnsProxyName
            | Cause::ProxyBlackHole
            | Cause::ProxyTcpRefused
            | Cause::ProxyTcpTimeout
            | Cause::ProxyTcpHostUnreachable
            | Cause::ProxyTcpNetUnreachable
            | Cause::ProxyTcpAdminProhibited
            | Cause::ProxyTcpLocalDenied
    )
}

/// How much of an answer a title repeats.
const LONGEST_QUOTE: usize = 60;

/// Answers that failed or that Windows cannot use, by what is wrong with them.
fn oddities(directions: &Directions, rows: &Rows<'_>) -> Vec<Finding> {
    let mut odd: BTreeMap<(&str, String), (String, Vec<&Verdict>)> = BTreeMap::new();
    for direction in &directions.endpoints {
        for (code, (kind, example)) in oddities_of(direction) {
            let (_, affected) = odd.entry((code, kind)).or_insert_with(|| (example, Vec::new()));
            affected.extend(rows.of(direction));
        }
    }
    odd.into_iter()
        .filter_map(|((code, _), (example, affected))| {
            Some(rows.finding(&Cause::from_code(code)?, &format!(": {example}"), &affected))
        })
        .collect()
}

/// By code: what is told apart, and the example that is shown. Answers with words for browsers may differ from host to
/// host and are one mistake all the same.
fn oddities_of(direction: &Direction) -> BTreeMap<&str, (String, String)> {
    let (text, nothing_left) = match &direction.said {
        Said::Failure { code, text } => {
            let line = text.lines().next().unwrap_or_default().to_owned();
            return BTreeMap::from([(code.as_str(), (line.clone(), line))]);
        }
        Said::Answer(text) => (text, false),
        Said::Unusable(text) => (text, true),
    };
    let coded = direction.remarks.iter().filter_map(|remark| Some((remark.code.as_deref()?, remark.text.as_str())));
    let tell = |code: &str, remark: &str| match code {
        "pac.unsupported_token" => {
            let quote: String = text.chars().take(LONGEST_QUOTE).collect();
            (nothing_left.to_string(), quote)
        }
        _ => (remark.to_owned(), remark.to_owned()),
    };
    // What leads nowhere has rows of its own, which say so.
    let coded = coded.filter(|(code, _)| *code != "proxy.black_hole");
    coded.map(|(code, remark)| (code, tell(code, remark))).collect()
}
