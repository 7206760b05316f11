//! The network's share: which hosts a device needs and does not reach on any route that was tried.

use super::{Cause, Needed, Part, RouteState};
use crate::catalogue::{NeedLevel, Solution};
use crate::enroll::Effect;
use crate::judge::{self, Status};
use crate::report::columns::is_travelled;
use crate::report::{Finding, Report, Row};

/// What became of every host that the device needs.
#[derive(Debug)]
pub(super) struct Seen {
    hosts: Vec<Host>,
    routes: Vec<RouteState>,
}

#[derive(Debug)]
struct Host {
    /// The endpoint's name.
    name: String,
    address: String,
    level: NeedLevel,
    required_by: Vec<Solution>,
    state: State,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// Over at least one route.
    Reached,
    /// Blocked or intercepted over every route that was tried.
    Stopped,
    /// Reached by none, and not stopped on all of them.
    Unsure,
    /// No row speaks of it.
    NotTried,
}

impl Seen {
    pub fn of(report: &Report, needed: &Needed) -> Self {
        let state = |name: &str| {
            let rows: Vec<&Row> =
                report.rows.iter().filter(|row| row.endpoint == name && is_travelled(report, row)).collect();
            match rows.as_slice() {
                [] => State::NotTried,
                rows if rows.iter().any(|row| is_reached(row)) => State::Reached,
                rows if rows.iter().all(|row| is_stopped(row)) => State::Stopped,
                _ => State::Unsure,
            }
        };
        let hosts: Vec<Host> = needed
            .endpoints
            .iter()
            .map(|needed| Host {
                name: needed.name.clone(),
                address: needed.host.clone(),
                level: needed.level,
                required_by: needed.required_by.clone(),
                state: state(&needed.name),
            })
            .collect();
        let mut routes: Vec<RouteState> = Vec::new();
        for row in report.rows.iter().filter(|row| hosts.iter().any(|host| host.name == row.endpoint)) {
            let key = row.route.key.to_string();
            let index = routes.iter().position(|route| route.route == key).unwrap_or_else(|| {
                routes.push(RouteState { route: key, reached: 0, tried: 0 });
                routes.len() - 1
            });
            routes[index].tried += 1;
            routes[index].reached += usize::from(is_reached(row));
        }
        Self { hosts, routes }
    }

    pub fn routes(&self) -> Vec<RouteState> {
        self.routes.clone()
    }

    /// Whether a host that is required was neither reached nor found stopped.
    pub fn is_unsure(&self) -> bool {
        self.required().any(|host| matches!(host.state, State::Unsure | State::NotTried))
    }

    /// The report's findings about hosts that were stopped on every route, in its order.
    pub fn causes(&self, report: &Report) -> Vec<Cause> {
        let stopped = |name: &str| self.hosts.iter().find(|host| host.name == name && host.state == State::Stopped);
        let mut causes = Vec::new();
        for finding in &report.findings {
            let of_finding = report.rows.iter().filter(|row| finding.rows.contains(&row.id));
            let is_setting = SETTINGS.contains(&finding.code.as_str());
            let rows: Vec<(&Row, &Host)> = if is_setting {
                // The device's own way is closed; that another one is open does not help it.
                let needed = |row: &Row| self.hosts.iter().find(|host| host.name == row.endpoint);
                of_finding.filter(|row| is_stopped(row)).filter_map(|row| Some((row, needed(row)?))).collect()
            } else {
                let own = of_finding.filter(|row| row.code == finding.code);
                own.filter_map(|row| Some((row, stopped(&row.endpoint)?))).collect()
            };
            if rows.is_empty() {
                continue;
            }
            let is_required = rows.iter().any(|(_, host)| host.level == NeedLevel::Required);
            let required = |solution: &Solution| rows.iter().any(|(_, host)| host.required_by.contains(solution));
            let solutions = Solution::ALL.into_iter().filter(required).collect();
            let hosts = distinct(rows.iter().map(|(_, host)| host.address.clone()));
            let routes = distinct(rows.iter().map(|(row, _)| row.route.key.to_string()));
            causes.push(Cause {
                part: if is_setting { Part::Device } else { Part::Network },
                effect: if is_required { Effect::Absent } else { Effect::Incomplete },
                solutions,
                code: finding.code.clone(),
                title: finding.title.clone(),
                why: rows[0].0.summary.clone(),
                remedy: about(report, finding, &hosts),
                owner: finding.owner,
                is_planned: false,
                hosts,
                routes,
            });
        }
        causes
    }

    /// What leaves the network's share open, and what depends on the route.
    pub fn doubts(&self, report: &Report) -> Vec<String> {
        let mut doubts = Vec::new();
        for (state, phrase) in [
            (State::Unsure, "gave no clear answer"),
            (State::NotTried, "were not tried: run the check for this Windows version"),
        ] {
            let names: Vec<&str> =
                self.required().filter(|host| host.state == state).map(|host| host.address.as_str()).collect();
            if !names.is_empty() {
                doubts.push(format!("Needed hosts that {phrase}: {}.", names.join(", ")));
            }
        }
        let unsure = |row: &Row| self.hosts.iter().any(|host| host.name == row.endpoint && host.state == State::Unsure);
        for finding in &report.findings {
            if report.rows.iter().any(|row| unsure(row) && finding.rows.contains(&row.id)) {
                doubts.push(format!("{} ({}): {}", finding.title, finding.code, finding.remedy));
            }
        }
        let (open, shut): (Vec<&RouteState>, Vec<&RouteState>) =
            self.routes.iter().partition(|route| route.reached == route.tried);
        // By a script each route carries its part, and neither is to be chosen.
        if !open.is_empty() && !shut.is_empty() && report.run.script.is_none() {
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

    fn required(&self) -> impl Iterator<Item = &Host> {
        self.hosts.iter().filter(|host| host.level == NeedLevel::Required)
    }
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

fn is_reached(row: &Row) -> bool {
    matches!(row.status, Status::Ok | Status::Degraded)
}

fn is_stopped(row: &Row) -> bool {
    matches!(row.status, Status::Blocked | Status::Intercepted)
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
