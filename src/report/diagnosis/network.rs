//! The network's share: what keeps a device's data in, as the answer of the report says it.

use std::collections::{BTreeMap, BTreeSet};

use super::{Cause, Needed, Part, RouteState};
use crate::catalogue::{NeedLevel, Solution};
use crate::enroll::Effect;
use crate::judge::{self, Owner};
use crate::plan::JobId;
use crate::report::assemble::row_id;
use crate::report::{About, AnswerDevice, Finding, Report, Row};

/// The report, with what the device needs.
#[derive(Debug)]
pub(super) struct Seen<'r> {
    report: &'r Report,
    needed: &'r Needed,
    /// By row, the solutions whose data it keeps in, or keeps part of; and whether all of that data.
    kept_in: BTreeMap<&'r str, Kept>,
    rows: BTreeMap<&'r str, &'r Row>,
}

/// What one row keeps in.
#[derive(Debug, Default)]
struct Kept {
    /// These solutions do not get any data.
    absent: BTreeSet<Solution>,
}

impl<'r> Seen<'r> {
    pub fn of(report: &'r Report, needed: &'r Needed) -> Self {
        let rows: BTreeMap<&str, &Row> = report.rows.iter().map(|row| (row.id.as_str(), row)).collect();
        let mut kept_in: BTreeMap<&str, Kept> = BTreeMap::new();
        for device in &report.answer.devices {
            for row in rows_of(&rows, &device.rows) {
                let is_kept_in = device.status.is_closed();
                // Where the rest gets out, only what is stopped lacks something.
                if is_kept_in || device.status.is_open() && row.status.is_closed() {
                    let kept = kept_in.entry(row.id.as_str()).or_default();
                    kept.absent.extend(is_kept_in.then_some(device.solution));
                }
            }
        }
        Self { report, needed, kept_in, rows }
    }

    /// Every route that was tried, with how many of the needed hosts were reached.
    pub fn routes(&self) -> Vec<RouteState> {
        let mut routes: Vec<RouteState> = Vec::new();
        let is_needed = |row: &&Row| self.needed.endpoints.iter().any(|host| host.name == row.endpoint);
        for row in self.report.rows.iter().filter(is_needed) {
            let key = row.route.key.to_string();
            let index = routes.iter().position(|route| route.route == key).unwrap_or_else(|| {
                routes.push(RouteState { route: key, reached: 0, tried: 0 });
                routes.len() - 1
            });
            routes[index].tried += 1;
            routes[index].reached += usize::from(row.status.is_open());
        }
        routes
    }

    /// Whether the answer is open for a solution.
    pub fn is_unsure(&self) -> bool {
        self.report.answer.devices.iter().any(|device| device.status.is_undecided())
    }

    /// The findings that keep the device's data in, or a part of it, in the report's order.
    pub fn causes(&self) -> Vec<Cause> {
        let mut causes: Vec<Cause> = self.report.findings.iter().filter_map(|finding| self.cause(finding)).collect();
        let explained: BTreeSet<Solution> = causes.iter().flat_map(|cause| &cause.solutions).copied().collect();
        // No finding speaks of what keeps these in: the row's own words do.
        for device in self.report.answer.devices.iter().filter(|device| device.status.is_closed()) {
            if !explained.contains(&device.solution)
                && !causes.iter().any(|cause| cause.solutions.contains(&device.solution))
            {
                causes.extend(self.unexplained(device));
            }
        }
        causes
    }

    fn cause(&self, finding: &Finding) -> Option<Cause> {
        let is_setting = SETTINGS.contains(&finding.code.as_str());
        let of_finding = finding.rows.iter().filter_map(|id| self.rows.get(id.as_str()));
        // A remark beside the cause, or a comparison, keeps nothing in by itself.
        let is_about_devices = is_setting
            || finding.code == judge::CLIENT_HAS_NO_LOGIN.code
            || self.report.answer.script.is_some() && finding.code.starts_with("pac.");
        let speaks_of = |row: &&&Row| is_about_devices || row.code == finding.code;
        let rows: Vec<(&Row, &Kept)> =
            of_finding.filter(speaks_of).filter_map(|row| Some((*row, self.kept_in.get(row.id.as_str())?))).collect();
        if rows.is_empty() || finding.owner == Owner::Nobody {
            return None;
        }
        let solutions: BTreeSet<Solution> = rows.iter().flat_map(|(_, kept)| &kept.absent).copied().collect();
        let hosts = distinct(rows.iter().map(|(row, _)| row.host.clone()));
        Some(Cause {
            part: if is_setting { Part::Device } else { Part::Network },
            effect: if solutions.is_empty() { Effect::Incomplete } else { Effect::Absent },
            solutions: Solution::ALL.into_iter().filter(|solution| solutions.contains(solution)).collect(),
            code: finding.code.clone(),
            title: finding.title.clone(),
            why: rows[0].0.summary.clone(),
            remedy: about(self.report, finding, &hosts),
            owner: finding.owner,
            is_planned: false,
            routes: distinct(rows.iter().map(|(row, _)| row.route.key.to_string())),
            hosts,
        })
    }

    fn unexplained(&self, device: &AnswerDevice) -> Option<Cause> {
        let rows = rows_of(&self.rows, &device.rows);
        let first = rows.first()?;
        let failing = rows.iter().find(|row| !row.status.is_open());
        let known = failing.and_then(|row| judge::Cause::from_code(&row.code)).map(|cause| cause.facts());
        // Every row gets through, and not with a login that this device sends.
        let lacking = judge::CLIENT_HAS_NO_LOGIN;
        let (code, title, owner, remedy) = match (failing, known) {
            (Some(row), Some(facts)) => (row.code.clone(), row.summary.clone(), facts.owner, facts.remedy.to_owned()),
            (Some(row), None) => (row.code.clone(), row.summary.clone(), Owner::Operator, String::new()),
            (None, _) => (lacking.code.to_owned(), lacking.title.to_owned(), lacking.owner, lacking.remedy.to_owned()),
        };
        let why = if failing.is_some() { first.summary.clone() } else { title.clone() };
        Some(Cause {
            part: Part::Network,
            effect: Effect::Absent,
            solutions: vec![device.solution],
            code,
            title,
            why,
            remedy,
            owner,
            is_planned: false,
            hosts: distinct(rows.iter().map(|row| row.host.clone())),
            routes: distinct(rows.iter().map(|row| row.route.key.to_string())),
        })
    }

    /// What leaves the network's share open, and what depends on the route.
    pub fn doubts(&self) -> Vec<String> {
        let mut doubts = Vec::new();
        let undecided: Vec<&AnswerDevice> =
            self.report.answer.devices.iter().filter(|device| device.status.is_undecided()).collect();
        let unclear: BTreeSet<JobId> = undecided.iter().flat_map(|device| &device.rows).copied().collect();
        let unclear: Vec<JobId> = unclear.into_iter().collect();
        let rows = rows_of(&self.rows, &unclear);
        let tell = |hosts: Vec<String>, phrase: &str, doubts: &mut Vec<String>| {
            if !hosts.is_empty() {
                doubts.push(format!("Needed hosts that {phrase}: {}.", hosts.join(", ")));
            }
        };
        tell(distinct(rows.iter().map(|row| row.host.clone())), "gave no clear answer", &mut doubts);
        let required = self.needed.endpoints.iter().filter(|host| host.level == NeedLevel::Required);
        let untried = required.filter(|host| !self.report.rows.iter().any(|row| row.endpoint == host.name));
        tell(
            untried.map(|host| host.host.clone()).collect(),
            "were not tried: run the check for this Windows version",
            &mut doubts,
        );
        let ids: BTreeSet<&str> = rows.iter().map(|row| row.id.as_str()).collect();
        for finding in &self.report.findings {
            if finding.rows.iter().any(|row| ids.contains(row.as_str())) {
                doubts.push(format!("{} ({}): {}", finding.title, finding.code, finding.remedy));
            }
        }
        let routes = self.routes();
        let (open, shut): (Vec<&RouteState>, Vec<&RouteState>) =
            routes.iter().partition(|route| route.reached == route.tried);
        // By a script, or by its own settings, the device takes what it takes, and neither is to be chosen.
        let is_free = self.report.run.script.is_none() && self.report.answer.about != About::Settings;
        if !open.is_empty() && !shut.is_empty() && is_free {
            let list =
                |routes: &[&RouteState]| routes.iter().map(|route| route.route.as_str()).collect::<Vec<_>>().join(", ");
            doubts.push(format!(
                "Everything gets out over {}, not over {}: make sure that the device's services take the former. `waprobe proxy \
                 --registry FILE.reg` says which proxy they use.",
                list(&open),
                list(&shut)
            ));
        }
        doubts
    }
}

fn rows_of<'r>(rows: &BTreeMap<&'r str, &'r Row>, jobs: &[JobId]) -> Vec<&'r Row> {
    jobs.iter().filter_map(|job| rows.get(row_id(*job).as_str()).copied()).collect()
}

/// Findings about the device's own settings; their rows have the codes of what happened there.
const SETTINGS: [&str; 6] = [
    "conf.context_mismatch",
    "conf.telemetry_proxy_dead",
    "conf.user_auth_disabled",
    "conf.headless_user_auth",
    "conf.none",
    "conf.env_only",
];

/// The finding's remedy for these hosts alone, where it ends in the list of all of its hosts: other devices' hosts, and those
/// that this one reaches otherwise, are not for its owner to ask for.
fn about(report: &Report, finding: &Finding, hosts: &[String]) -> String {
    let of = |id: &String| report.rows.iter().find(|row| row.id == *id).map(|row| row.host.clone());
    let all = distinct(finding.rows.iter().filter_map(of));
    let listed = |hosts: &[String]| judge::listed(&hosts.iter().map(String::as_str).collect::<Vec<_>>());
    match finding.remedy.strip_suffix(&listed(&all)) {
        Some(instruction) if instruction.ends_with(": ") => format!("{instruction}{}", listed(hosts)),
        _ => finding.remedy.clone(),
    }
}

fn distinct(texts: impl Iterator<Item = String>) -> Vec<String> {
    let mut seen = Vec::new();
    for text in texts {
        if !seen.contains(&text) {
            seen.push(text);
        }
    }
    seen
}
