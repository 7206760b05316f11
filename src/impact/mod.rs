//! What verdicts mean for a solution on a range of Windows versions, route by route.
//!
//! In: verdicts, the plan and the catalogue's needs. Out: the cells of the impact matrix. Never: an opinion on a chain or
//! a connection; that is the judge's.

mod approach;

use std::collections::HashMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::catalogue::{Catalogue, ImpactRow, NeedLevel, OsSelection, Solution};
use crate::judge::{self, Status, Verdict};
use crate::plan::{Identity, Plan, Scheme, Way};

pub(crate) use approach::sends_user_login;
pub use approach::{Served, served};

/// One cell: a solution on one range of Windows versions over one planned route.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Impact {
    pub solution: Solution,
    pub os: ImpactRow,
    /// Index into the plan's routes.
    pub route: usize,
    pub status: ImpactStatus,
    /// Endpoints that made the status, as indices into the catalogue; none when it is `ok` or does not apply.
    pub endpoints: Vec<usize>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ImpactStatus {
    Ok,
    Degraded,
    Inconclusive,
    Blocked,
    /// The solution does not exist for these devices.
    NotApplicable,
}

/// Every chosen solution on every chosen range of versions over every planned route.
///
/// A solution of which the catalogue says nothing for a range of versions has no cell there: nothing was asked, so
/// nothing can be answered. So it is with a route that none of its endpoints takes, because a script sends them elsewhere.
/// Where it sends some that way and others elsewhere, a device needs all of them: the cell counts the others as they fare
/// on the ways that devices take to them. A catalogue without any need has no matrix at all.
#[must_use]
pub fn assess(catalogue: &Catalogue, plan: &Plan, verdicts: &[Verdict]) -> Vec<Impact> {
    if catalogue.endpoints.iter().all(|endpoint| endpoint.needs.is_empty()) {
        return Vec::new();
    }
    let outcomes = Outcomes::collect(catalogue, plan, verdicts);
    let mut impacts = Vec::new();
    for solution in &plan.solutions {
        for os in plan.os.rows() {
            let needs = needs(catalogue, *solution, os, &plan.os);
            let exists = solution.runs_on(os);
            if exists && needs.is_empty() {
                continue;
            }
            for route in 0..plan.routes.len() {
                let (status, endpoints) = if exists {
                    if !needs.iter().any(|(endpoint, _)| outcomes.on(route, *endpoint, os).is_some()) {
                        continue;
                    }
                    let answer = |(endpoint, level): &(usize, NeedLevel)| {
                        let status =
                            outcomes.on(route, *endpoint, os).or_else(|| outcomes.elsewhere(route, *endpoint, os));
                        Some((*endpoint, *level, status?))
                    };
                    weigh(&needs.iter().filter_map(answer).collect::<Vec<_>>())
                } else {
                    (ImpactStatus::NotApplicable, Vec::new())
                };
                impacts.push(Impact { solution: *solution, os, route, status, endpoints });
            }
        }
    }
    impacts
}

/// The endpoints that `solution` uses on the versions of column `os`, as indices into the catalogue, and how much.
pub(crate) fn needs(
    catalogue: &Catalogue,
    solution: Solution,
    os: ImpactRow,
    selection: &OsSelection,
) -> Vec<(usize, NeedLevel)> {
    let endpoints = || catalogue.endpoints.iter().enumerate();
    let stated = endpoints().filter_map(|(index, endpoint)| Some((index, endpoint.need(solution, os, selection)?)));
    let mut needs: Vec<(usize, NeedLevel)> = stated.collect();
    if !needs.is_empty() {
        // One that states no need belongs to every version.
        let unstated = endpoints().filter(|(_, endpoint)| endpoint.needs.is_empty());
        needs.extend(unstated.map(|(index, _)| (index, NeedLevel::Required)));
    }
    needs
}

/// The first question that some endpoint answers with yes makes the status, and those endpoints are named.
pub(crate) fn weigh(needed: &[(usize, NeedLevel, Status)]) -> (ImpactStatus, Vec<usize>) {
    let those = |concerns: &dyn Fn(NeedLevel, Status) -> bool| -> Vec<usize> {
        needed.iter().filter(|(_, level, status)| concerns(*level, *status)).map(|(endpoint, ..)| *endpoint).collect()
    };
    let blocked =
        those(&|level, status| level == NeedLevel::Required && matches!(status, Status::Blocked | Status::Intercepted));
    if !blocked.is_empty() {
        return (ImpactStatus::Blocked, blocked);
    }
    // Nobody asked is not an answer either: what was not tested must never read as a pass.
    let undecided = those(&|level, status| {
        level == NeedLevel::Required && matches!(status, Status::Inconclusive | Status::NotTested)
    });
    if !undecided.is_empty() {
        return (ImpactStatus::Inconclusive, undecided);
    }
    let degraded = those(&|_, status| status != Status::Ok);
    if degraded.is_empty() { (ImpactStatus::Ok, degraded) } else { (ImpactStatus::Degraded, degraded) }
}

/// The status of each endpoint over each route, where it was planned.
#[derive(Debug)]
pub(crate) struct Outcomes<'a> {
    plan: &'a Plan,
    verdicts: &'a [Verdict],
    /// Where a script sends each endpoint, as devices go.
    taken: HashMap<usize, &'a Way>,
    endpoints: usize,
    by_route_and_endpoint: Vec<Option<Tried>>,
}

/// What was tried of one endpoint over one route.
#[derive(Debug, Clone, Copy)]
enum Tried {
    Planned,
    /// Its place among the verdicts, and whether it took the user's credentials.
    Judged {
        place: usize,
        by_user: bool,
    },
}

impl<'a> Outcomes<'a> {
    pub(crate) fn collect(catalogue: &Catalogue, plan: &'a Plan, verdicts: &'a [Verdict]) -> Self {
        let endpoints = catalogue.endpoints.len();
        let mut by_route_and_endpoint = vec![None; endpoints * plan.routes.len()];
        for job in &plan.jobs {
            if let Some(answer) = by_route_and_endpoint.get_mut(job.route * endpoints + job.endpoint) {
                *answer = Some(Tried::Planned);
            }
        }
        for (place, verdict) in verdicts.iter().enumerate() {
            if let Some(job) = plan.jobs.get(verdict.job.0 as usize)
                && let Some(answer) = by_route_and_endpoint.get_mut(job.route * endpoints + job.endpoint)
            {
                let by_user = plan.route(job).identity() == Some(Identity::User)
                    && verdict.scheme.is_some_and(|scheme| scheme != Scheme::None);
                *answer = Some(Tried::Judged { place, by_user });
            }
        }
        Self { plan, verdicts, taken: judge::taken(plan, verdicts), endpoints, by_route_and_endpoint }
    }

    /// What the row of `endpoint` on `route` says, regardless of the Windows version; `None` where none was planned.
    pub(crate) fn seen(&self, route: usize, endpoint: usize) -> Option<Status> {
        Some(match self.tried(route, endpoint)? {
            Tried::Planned => Status::NotTested,
            Tried::Judged { place, .. } => self.verdicts[place].status,
        })
    }

    /// Whether that row got through with a user's login.
    pub(crate) fn takes_user(&self, route: usize, endpoint: usize) -> bool {
        matches!(self.tried(route, endpoint), Some(Tried::Judged { by_user: true, .. }))
    }

    /// What the devices of column `os` would meet with every login that was tried, asking as their Windows asks.
    pub(crate) fn with_its_login(&self, route: usize, endpoint: usize, os: ImpactRow) -> Option<Status> {
        Some(match self.tried(route, endpoint)? {
            Tried::Planned => Status::NotTested,
            Tried::Judged { place, .. } => self.verdicts[place].for_column(os).status,
        })
    }

    /// Nobody is accused of a route on which nothing gets out, because this machine may be offline. Where a device's own
    /// settings or its script send it there, and another route of the run gets out, the route is closed all the same.
    fn is_closed_to_everybody(&self, route: usize, endpoint: usize) -> bool {
        let in_doubt = |tried: Tried| match tried {
            Tried::Planned => false,
            Tried::Judged { place, .. } => {
                let verdict = &self.verdicts[place];
                verdict.is_in_doubt && !verdict.cause.code().starts_with("x.")
            }
        };
        let gets_out = |other: usize| self.seen(other, endpoint).is_some_and(Status::is_open);
        (self.plan.settings.is_some() || self.plan.directions.is_some())
            && self.tried(route, endpoint).is_some_and(in_doubt)
            && (0..self.plan.routes.len()).any(gets_out)
    }

    fn tried(&self, route: usize, endpoint: usize) -> Option<Tried> {
        self.by_route_and_endpoint[route * self.endpoints + endpoint]
    }

    /// What these devices meet on `route`, asking as their Windows asks: those that its login does not serve have none to
    /// show.
    pub(crate) fn on(&self, route: usize, endpoint: usize, os: ImpactRow) -> Option<Status> {
        let status = match self.with_its_login(route, endpoint, os)? {
            Status::Inconclusive if self.is_closed_to_everybody(route, endpoint) => Status::Blocked,
            status => status,
        };
        let by_user = self.takes_user(route, endpoint);
        let served = self.plan.routes[route].identity().map_or(Served::All, |identity| served(identity, os, self.plan));
        Some(match (served, status) {
            (Served::None, Status::Ok | Status::Degraded) if by_user => Status::Blocked,
            (Served::Some, Status::Ok) if by_user => Status::Degraded,
            _ => status,
        })
    }

    /// What devices that take `route` for other endpoints meet where a script sends them for this one: as whom they are
    /// known there, where that was tried, and otherwise as who fares best.
    fn elsewhere(&self, route: usize, endpoint: usize, os: ImpactRow) -> Option<Status> {
        let way = self.taken.get(&endpoint)?;
        let routes = &self.plan.routes;
        let all: Vec<usize> = (0..routes.len()).filter(|other| way.is_of(&routes[*other])).collect();
        let is_alike = |other: &usize| routes[*other].identity() == routes[route].identity();
        let alike: Vec<usize> = all.iter().copied().filter(is_alike).collect();
        let meant = if alike.is_empty() { all } else { alike };
        meant.into_iter().filter_map(|other| self.on(other, endpoint, os)).min()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::judge::Cause;
    use crate::observation::Stage;
    use crate::plan::{Budget, PlannedRoute};

    const ALL: &[&str] = &[];

    fn plan(catalogue: &Catalogue, os: &[&str]) -> Plan {
        let os = OsSelection::read(os, None).expect("a version");
        Plan::new(catalogue, vec![PlannedRoute::Direct], Budget::default(), os, Solution::ALL.to_vec())
    }

    /// Everything ok on the one route, except what `answers` says.
    fn verdicts(catalogue: &Catalogue, plan: &Plan, answers: &[(&str, Status)]) -> Vec<Verdict> {
        let answer =
            |name: &str| answers.iter().find(|(endpoint, _)| *endpoint == name).map_or(Status::Ok, |(_, s)| *s);
        plan.jobs
            .iter()
            .map(|job| {
                let status = answer(&catalogue.endpoints[job.endpoint].name);
                Verdict { status, ..Verdict::new(job.id, Cause::Ok, Stage::Http) }
            })
            .collect()
    }

    /// One character per column 7-8.1 · 1507-1709 · 1803 · 1803+2018-09 · 1809–22H2 · 11+ · Server 2016.
    fn line(solution: Solution, answers: &[(&str, Status)]) -> String {
        let catalogue = Catalogue::embedded();
        let plan = plan(&catalogue, ALL);
        assess(&catalogue, &plan, &verdicts(&catalogue, &plan, answers))
            .iter()
            .filter(|impact| impact.solution == solution)
            .map(letter)
            .collect()
    }

    fn letter(impact: &Impact) -> char {
        match impact.status {
            ImpactStatus::Ok => 'o',
            ImpactStatus::Degraded => 'd',
            ImpactStatus::Inconclusive => '?',
            ImpactStatus::Blocked => 'B',
            ImpactStatus::NotApplicable => '-',
        }
    }

    #[test]
    fn an_answer_counts_where_the_solution_needs_the_endpoint() {
        use Solution::{DeviceHealth, UpdateCompliance, UpgradeReadiness};
        use Status::{Blocked, Degraded, Inconclusive, Intercepted, NotTested};
        for (answers, device_health, upgrade_readiness, update_compliance) in [
            (&[][..], "-oooooo", "oooooo-", "-ooooo-"),
            (&[("v10c", Blocked)][..], "-doBBBd", "odoBBB-", "-doBBB-"),
            (&[("v10c", Intercepted)], "-doBBBd", "odoBBB-", "-doBBB-"),
            (&[("v10c", Inconclusive)], "-do???d", "odo???-", "-do???-"),
            (&[("v10c", NotTested)], "-do???d", "odo???-", "-do???-"),
            (&[("v10c", Degraded)], "-dodddd", "ododdd-", "-doddd-"),
            (&[("v10", Blocked)], "-oBoooo", "ooBooo-", "-oBooo-"),
            (&[("v10-vortex-win", Blocked)], "-BooooB", "oBoooo-", "-Boooo-"),
            (&[("vortex-win", Blocked)], "-oooooo", "Booooo-", "-ooooo-"),
            (&[("settings-win", Blocked)], "-BBBBBB", "BBBBBB-", "-BBBBB-"),
            (&[("adl", Blocked)], "-oooooo", "BBBBBB-", "-ooooo-"),
            (&[("weus2watcab01", Intercepted)], "-oooBBo", "oooooo-", "-ooooo-"),
            (&[("login-live", Blocked)], "-BBBBBB", "oddddd-", "-ddddd-"),
            (&[("login-live", NotTested)], "-??????", "oddddd-", "-ddddd-"),
            // The worst that matters wins: an inconclusive required one hides no blocked one, and hides an improving one.
            (&[("settings-win", Inconclusive), ("adl", Blocked)], "-??????", "BBBBBB-", "-?????-"),
            (&[("settings-win", Inconclusive), ("login-live", Blocked)], "-BBBBBB", "??????-", "-?????-"),
        ] {
            assert_eq!(line(DeviceHealth, answers), device_health, "Device Health, {answers:?}");
            assert_eq!(line(UpgradeReadiness, answers), upgrade_readiness, "Upgrade Readiness, {answers:?}");
            assert_eq!(line(UpdateCompliance, answers), update_compliance, "Update Compliance, {answers:?}");
        }
    }

    /// Windows 7 and 8.1, Server 2016 and Windows 10 before 1703 have no user's credentials to show.
    #[test]
    fn what_takes_the_users_credentials_gets_out_from_1703_on() {
        let catalogue = Catalogue::embedded();
        let proxy = "http://proxy.example:8080".parse().expect("a proxy");
        let user = PlannedRoute::Proxy { proxy, identity: Identity::User, scheme: crate::plan::SchemeChoice::Auto };
        for (scheme, expected) in [(Some(Scheme::Ntlm), "-dooooBBdoooo-"), (None, "-oooooooooooo-")] {
            let mut plan = plan(&catalogue, ALL);
            plan.routes = vec![user.clone()];
            let mut verdicts = verdicts(&catalogue, &plan, &[]);
            for verdict in &mut verdicts {
                verdict.scheme = scheme;
            }
            let cells: String = assess(&catalogue, &plan, &verdicts)
                .iter()
                .filter(|impact| matches!(impact.solution, Solution::DeviceHealth | Solution::UpgradeReadiness))
                .map(letter)
                .collect();
            assert_eq!(cells, expected, "{scheme:?}");
        }
    }

    #[test]
    fn the_endpoints_that_made_the_status_are_named_and_no_others() {
        let catalogue = Catalogue::embedded();
        let plan = plan(&catalogue, &["win10-22h2"]);
        let answers = [("v10c", Status::Intercepted), ("adl", Status::Blocked), ("settings-win", Status::Inconclusive)];
        let impacts = assess(&catalogue, &plan, &verdicts(&catalogue, &plan, &answers));
        let named: Vec<(Solution, Vec<&str>)> = impacts
            .iter()
            .map(|impact| {
                let names = impact.endpoints.iter().map(|index| catalogue.endpoints[*index].name.as_str()).collect();
                (impact.solution, names)
            })
            .collect();
        assert_eq!(
            named,
            [
                (Solution::DeviceHealth, vec!["v10c"]),
                (Solution::UpgradeReadiness, vec!["v10c", "adl"]),
                (Solution::UpdateCompliance, vec!["v10c"]),
            ]
        );
    }

    #[test]
    fn a_job_without_a_verdict_is_not_a_pass() {
        let catalogue = Catalogue::embedded();
        let plan = plan(&catalogue, ALL);
        let impacts = assess(&catalogue, &plan, &[]);
        assert!(impacts.iter().all(|impact| impact.status
            == if impact.solution.runs_on(impact.os) {
                ImpactStatus::Inconclusive
            } else {
                ImpactStatus::NotApplicable
            }));
    }
}
