//! Whether diagnostic data gets out: for which solution on which Windows version, by which way, with which login.
//!
//! In: the plan, the verdicts, and which needs the catalogue states. Out: one [`Answer`], which every output reads: the first
//! sentence, the exit code, the lines for monitoring, `diagnose`, the recommendation. Never: a sentence, or a second opinion
//! on a row.
//!
//! A run is about one of two things. With `--os`, `--solution` or a device's settings it is about **devices**: each solution on
//! each chosen version has to get out by some way, and with a device's own settings by SYSTEM's way. Otherwise it is about
//! **routes**: the direct line and each proxy have to get everything through, a proxy with one of its logins.

mod findings;
#[cfg(test)]
mod tests;
mod ways;

use std::collections::{HashMap, HashSet};

use crate::catalogue::{BuildRange, Catalogue, ImpactRow, NeedLevel, OsSelection, Solution};
use crate::impact::{ImpactStatus, Outcomes, Served, needs, served, weigh};
use crate::judge::{Finding, Reach, Status, Verdict};
use crate::plan::{Identity, JobId, Plan, Reading, script_engines};

pub use ways::Account;
use ways::{Script, Step, Unit, Way, units};

/// What a run as a whole says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    pub scope: Scope,
    pub status: Status,
    /// One per planned route, in plan order.
    pub routes: Vec<RouteAnswer>,
    /// One per chosen solution and version that exist together; none where the catalogue states no need.
    pub devices: Vec<DeviceAnswer>,
    /// What Windows makes of the script, where that makes the status of the run.
    pub script: Reading,
    /// Sources of the device's settings that are not known and decide where SYSTEM goes.
    pub not_known: Vec<String>,
    /// By job.
    pub roles: Vec<Role>,
}

/// What the run is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    Routes,
    /// The chosen solutions and versions, by any way.
    Devices,
    /// One device, by the ways of its own settings.
    OwnSettings,
}

/// What one route is good for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RouteAnswer {
    pub status: Status,
    /// The login with which it gets everything through; `None` where it does not. The direct line needs none.
    pub works_as: Option<Identity>,
    /// The chosen versions whose data gets out this way.
    pub os: Vec<ImpactRow>,
    pub account: Account,
}

/// What becomes of one solution's data on one range of versions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeviceAnswer {
    pub os: ImpactRow,
    pub solution: Solution,
    pub status: Status,
    /// The routes that serve it, as indices into the plan's.
    pub routes: Vec<usize>,
    /// The rows that make the status: that keep it in, leave it undecided, or are not ok where it gets out.
    pub because: Vec<JobId>,
    /// It would get out with a login that these devices do not have.
    pub lacks_login: bool,
    /// What these devices make of the script, where that makes the status; [`Reading::Reads`] where something else does.
    pub script: Reading,
}

/// What a row has to do with the answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Role {
    /// No device takes this way.
    Unused,
    /// Another way or another login gets everything through: its outcome changes nothing.
    Spare,
    /// Tested beside what decides, on a way that is not open.
    Aside,
    /// Its outcome could change the answer.
    Needed,
}

/// The answer, and the findings with what it makes of them: what rests on rows that change nothing asks nobody for a change,
/// and a login that works and that these devices do not send is a finding of its own.
#[must_use]
pub fn conclude(
    catalogue: &Catalogue,
    plan: &Plan,
    verdicts: &[Verdict],
    findings: Vec<Finding>,
) -> (Answer, Vec<Finding>) {
    let answer = answer(catalogue, plan, verdicts);
    let findings = findings::settle(catalogue, plan, verdicts, &answer, findings);
    (answer, findings)
}

fn answer(catalogue: &Catalogue, plan: &Plan, verdicts: &[Verdict]) -> Answer {
    let outcomes = Outcomes::collect(catalogue, plan, verdicts);
    let reach = Reach::of(plan, verdicts);
    let asked = Asked { plan, outcomes: &outcomes, cells: cells(catalogue, plan) };
    let units = units(plan, &reach);
    let scope = scope(plan, &asked.cells);
    let mut roles = Roles::new(plan);
    let (status, devices, script) = match scope {
        Scope::Routes => {
            let (status, script) = asked.about_routes(&units, &mut roles);
            (status, asked.about_devices(&units, scope, &mut Roles::new(plan)).1, script)
        }
        Scope::Devices | Scope::OwnSettings => {
            let (status, devices) = asked.about_devices(&units, scope, &mut roles);
            let deciding = devices.iter().filter(|device| device.status == status);
            let script = deciding.map(|device| device.script).min().unwrap_or(Reading::Reads);
            (status, devices, script)
        }
    };
    let routes = (0..plan.routes.len()).map(|route| asked.route(route, &units, scope)).collect();
    let system = plan.settings.as_ref().and_then(|settings| settings.accounts.first());
    let not_known = system.filter(|system| system.is_guess).map(|system| system.unknown.clone()).unwrap_or_default();
    Answer { scope, status, routes, devices, script, not_known, roles: roles.by_job }
}

/// A solution on a range of versions that exist together, and what it needs there.
struct Cell {
    solution: Solution,
    os: ImpactRow,
    needs: Vec<(usize, NeedLevel)>,
}

fn cells(catalogue: &Catalogue, plan: &Plan) -> Vec<Cell> {
    // A catalogue that states no need at all says nothing of devices.
    if catalogue.endpoints.iter().all(|endpoint| endpoint.needs.is_empty()) {
        return Vec::new();
    }
    let versions = plan.os.rows();
    let places = plan.solutions.iter().flat_map(|solution| versions.iter().map(move |os| (*solution, *os)));
    let cell =
        |(solution, os): (Solution, ImpactRow)| Cell { solution, os, needs: needs(catalogue, solution, os, &plan.os) };
    places.filter(|(solution, os)| solution.runs_on(*os)).map(cell).filter(|cell| !cell.needs.is_empty()).collect()
}

fn scope(plan: &Plan, cells: &[Cell]) -> Scope {
    let is_chosen = plan.os != OsSelection::all() || plan.solutions.len() < Solution::ALL.len();
    match &plan.settings {
        _ if cells.is_empty() => Scope::Routes,
        Some(settings) if !settings.accounts.is_empty() => Scope::OwnSettings,
        _ if is_chosen => Scope::Devices,
        _ => Scope::Routes,
    }
}

/// What each job has to do with the answer, strongest role first.
struct Roles {
    by_job: Vec<Role>,
    by_place: HashMap<(usize, usize), usize>,
}

impl Roles {
    fn new(plan: &Plan) -> Self {
        let places = plan.jobs.iter().enumerate().map(|(place, job)| ((job.route, job.endpoint), place));
        Self { by_job: vec![Role::Unused; plan.jobs.len()], by_place: places.collect() }
    }

    fn raise(&mut self, way: &Way, endpoint: usize, role: Role) {
        for job in self.jobs(way, endpoint) {
            let known = &mut self.by_job[job.0 as usize];
            *known = role.max(*known);
        }
    }

    /// The row that counts; and where a script chose, the direct one, which some Windows takes in its place.
    fn jobs(&self, way: &Way, endpoint: usize) -> Vec<JobId> {
        let Some(step) = way.step(endpoint) else { return Vec::new() };
        let direct = step.script.filter(|script| script.is_not_for_all).and_then(|script| script.direct);
        let routes = step.route.into_iter().chain(direct);
        let places = routes.filter_map(|route| self.by_place.get(&(route, endpoint)).copied());
        places.filter_map(|place| Some(JobId(u32::try_from(place).ok()?))).collect()
    }
}

/// What is regarded when a row is looked at.
#[derive(Debug, Clone, Copy)]
struct Lens {
    /// The devices of this column; what the row itself says without one.
    os: Option<ImpactRow>,
    /// As if they had every login that was tried.
    has_login: bool,
    /// As if their Windows read the script.
    reads_script: bool,
}

impl Lens {
    const ROWS: Self = Self { os: None, has_login: false, reads_script: false };
}

/// What is asked of the ways.
struct Asked<'a> {
    plan: &'a Plan,
    outcomes: &'a Outcomes<'a>,
    cells: Vec<Cell>,
}

/// An endpoint that counts, how much, and how it fares.
type Counted = (usize, NeedLevel, Status);

impl Asked<'_> {
    /// Every unit has to get everything through, with one of its logins.
    fn about_routes(&self, units: &[Unit], roles: &mut Roles) -> (Status, Reading) {
        let mut worst = None;
        let mut script = Reading::Reads;
        for unit in units {
            let ways: Vec<&Way> = unit.ways.iter().collect();
            let statuses: Vec<Status> = ways.iter().map(|way| self.whole(way)).collect();
            let Some(best) = Best::of(&ways, &statuses) else { continue };
            script = script.max(self.by_reading(ways[best.place], best.status));
            for (way, role) in ways.iter().zip(&best.roles) {
                way.endpoints().for_each(|endpoint| roles.raise(way, endpoint, *role));
            }
            worst = worst.max(Some(best.status));
        }
        (worst.unwrap_or(Status::NotTested), script)
    }

    /// What Windows makes of the script of `way`, if that and nothing else makes its status.
    fn by_reading(&self, way: &Way, status: Status) -> Reading {
        let read = Lens { reads_script: true, ..Lens::ROWS };
        let endpoints: Vec<(usize, NeedLevel)> =
            way.endpoints().map(|endpoint| (endpoint, NeedLevel::Required)).collect();
        if status == Status::Ok || self.of_login(way, overall(&self.on(way, &endpoints, read))) >= status {
            return Reading::Reads;
        }
        self.worst_reading(way, None)
    }

    fn worst_reading(&self, way: &Way, os: Option<ImpactRow>) -> Reading {
        let scripts = way.endpoints().filter_map(|endpoint| way.step(endpoint)?.script);
        scripts.flat_map(|script| self.readings(script, os)).max().unwrap_or(Reading::Reads)
    }

    /// Each solution on each version has to get out by some way.
    fn about_devices(&self, units: &[Unit], scope: Scope, roles: &mut Roles) -> (Status, Vec<DeviceAnswer>) {
        let counts = |unit: &&Unit| scope != Scope::OwnSettings || unit.account == Account::System;
        let ways: Vec<&Way> = units.iter().filter(counts).flat_map(|unit| &unit.ways).collect();
        let devices: Vec<DeviceAnswer> = self.cells.iter().map(|cell| self.device(cell, &ways, roles)).collect();
        (devices.iter().map(|device| device.status).max().unwrap_or(Status::NotTested), devices)
    }

    fn device(&self, cell: &Cell, ways: &[&Way], roles: &mut Roles) -> DeviceAnswer {
        let Cell { solution, os, needs } = cell;
        let mut answer = DeviceAnswer {
            os: *os,
            solution: *solution,
            status: Status::NotTested,
            routes: Vec::new(),
            because: Vec::new(),
            lacks_login: false,
            script: Reading::Reads,
        };
        let lens = Lens { os: Some(*os), ..Lens::ROWS };
        let fared: Vec<Vec<Counted>> = ways.iter().map(|way| self.on(way, needs, lens)).collect();
        let status = |(way, fared): (&&Way, &Vec<Counted>)| match overall(fared) {
            open if open.is_open() && way.is_guess => Status::Inconclusive,
            status => status,
        };
        let statuses: Vec<Status> = ways.iter().zip(&fared).map(status).collect();
        let Some(best) = Best::of(ways, &statuses) else { return answer };
        answer.status = best.status;
        for ((way, role), fared) in ways.iter().zip(&best.roles).zip(&fared) {
            for (endpoint, level, fared) in fared {
                roles.raise(way, *endpoint, *role);
                let makes_it = if best.status.is_open() {
                    *fared != Status::Ok
                } else {
                    *level == NeedLevel::Required && !fared.is_open()
                };
                if *role == Role::Needed && makes_it {
                    answer.because.extend(roles.jobs(way, *endpoint));
                }
            }
        }
        answer.because.sort_unstable();
        answer.because.dedup();
        let serving = ways.iter().zip(&statuses).filter(|(_, status)| status.is_open());
        answer.routes = serving.flat_map(|(way, _)| way.all_routes()).collect();
        answer.routes.sort_unstable();
        answer.routes.dedup();
        let with_any_login = Lens { has_login: true, ..lens };
        let gets_out_with_it = |way: &&Way| overall(&self.on(way, needs, with_any_login)).is_open();
        answer.lacks_login = best.status.is_closed() && ways.iter().any(gets_out_with_it);
        let as_read = Lens { reads_script: true, ..lens };
        if !ways[best.place].is_guess && overall(&self.on(ways[best.place], needs, as_read)) < best.status {
            answer.script = self.worst_reading(ways[best.place], Some(*os));
        }
        answer
    }

    /// How these endpoints fare on `way`, through `lens`.
    fn on(&self, way: &Way, needs: &[(usize, NeedLevel)], lens: Lens) -> Vec<Counted> {
        let counted = |(endpoint, level): &(usize, NeedLevel)| {
            let step = way.step(*endpoint);
            let status = step.map_or(Status::NotTested, |step| self.fares_on(step, *endpoint, lens));
            (*endpoint, *level, status)
        };
        needs.iter().map(counted).collect()
    }

    fn fares_on(&self, step: Step, endpoint: usize, lens: Lens) -> Status {
        let fares = |route: Option<usize>| self.fares(route?, endpoint, lens);
        let chosen = fares(step.route).unwrap_or(Status::NotTested);
        let Some(script) = step.script.filter(|_| !lens.reads_script) else { return chosen };
        let read = self.readings(script, lens.os);
        let direct = fares(script.direct);
        // A Windows that cannot read the script goes out directly or fails; which of the two nobody has published for all.
        let unread = match direct {
            Some(status) if status.is_open() => Status::Degraded,
            Some(status) if status.is_closed() => status,
            _ => Status::Inconclusive,
        };
        let unknown = if chosen.is_closed() && unread.is_closed() { chosen } else { Status::Inconclusive };
        let cases = [(Reading::Reads, chosen), (Reading::Fails, unread), (Reading::Unknown, unknown)];
        cases
            .into_iter()
            .filter(|(reading, _)| read.contains(reading))
            .map(|(_, status)| status)
            .max()
            .unwrap_or(chosen)
    }

    /// What the chosen Windows of column `os`, or of any column, make of the script for an endpoint.
    fn readings(&self, script: Script, os: Option<ImpactRow>) -> HashSet<Reading> {
        let Some(directions) = &self.plan.directions else { return HashSet::from([Reading::Reads]) };
        let direction = directions.endpoints.get(script.direction);
        let columns = os.map_or_else(|| self.plan.os.rows(), |os| vec![os]);
        let meets = |(from, to): (u32, u32)| {
            let range = BuildRange { from: (from, 0), to: (to, u32::MAX) };
            columns.iter().any(|os| self.plan.os.meets(*os, &range))
        };
        let engines = script_engines().into_iter().filter(|builds| meets(*builds));
        let mut read: HashSet<Reading> = engines.map(|(build, _)| directions.reading_for(direction, build)).collect();
        if script.is_service_off {
            read.insert(Reading::Unknown);
        }
        read
    }

    fn fares(&self, route: usize, endpoint: usize, lens: Lens) -> Option<Status> {
        match lens.os {
            None => self.outcomes.seen(route, endpoint),
            Some(os) if lens.has_login => self.outcomes.with_its_login(route, endpoint, os),
            Some(os) => self.outcomes.on(route, endpoint, os),
        }
    }

    /// How every endpoint fares that was planned on `way`, also those that no chosen solution needs.
    fn whole(&self, way: &Way) -> Status {
        let all: Vec<(usize, NeedLevel)> = way.endpoints().map(|endpoint| (endpoint, NeedLevel::Required)).collect();
        self.of_login(way, overall(&self.on(way, &all, Lens::ROWS)))
    }

    /// The same with regard to the login that this way takes: a remark where some of the chosen versions do not send it,
    /// and closed where none does.
    fn of_login(&self, way: &Way, status: Status) -> Status {
        let mut rows = way.endpoints().filter_map(|endpoint| Some((way.route(endpoint)?, endpoint)));
        let takes_user = rows.any(|(route, endpoint)| self.outcomes.takes_user(route, endpoint));
        self.for_versions(takes_user, status)
    }

    fn for_versions(&self, takes_user: bool, status: Status) -> Status {
        let versions = self.plan.os.rows();
        let served: Vec<Served> = versions.into_iter().map(|os| self.has_login(takes_user, os)).collect();
        match status {
            Status::Ok | Status::Degraded if served.iter().all(|served| *served == Served::None) => Status::Blocked,
            Status::Ok if served.iter().any(|served| *served != Served::All) => Status::Degraded,
            status => status,
        }
    }

    fn has_login(&self, takes_user: bool, os: ImpactRow) -> Served {
        if takes_user { served(Identity::User, os, self.plan) } else { Served::All }
    }

    /// One route by itself, for the endpoints that take it.
    fn route(&self, route: usize, units: &[Unit], scope: Scope) -> RouteAnswer {
        let (account, endpoints) = self.carried(route, units);
        let takes_user = endpoints.iter().any(|endpoint| self.outcomes.takes_user(route, *endpoint));
        let on = |endpoint: usize, level: NeedLevel, os: Option<ImpactRow>| -> Counted {
            let lens = Lens { os, ..Lens::ROWS };
            (endpoint, level, self.fares(route, endpoint, lens).unwrap_or(Status::NotTested))
        };
        let all: Vec<Counted> = endpoints.iter().map(|endpoint| on(*endpoint, NeedLevel::Required, None)).collect();
        let whole = overall(&all);
        let versions = self.plan.os.rows();
        let (status, os) = if scope == Scope::Routes {
            let status = self.for_versions(takes_user, whole);
            let is_served = |os: &ImpactRow| whole.is_open() && self.has_login(takes_user, *os) != Served::None;
            (status, versions.into_iter().filter(is_served).collect())
        } else {
            let cell = |cell: &Cell| -> Option<(ImpactRow, Status)> {
                let needs = cell.needs.iter().filter(|(endpoint, _)| endpoints.contains(endpoint));
                let counted: Vec<Counted> =
                    needs.map(|(endpoint, level)| on(*endpoint, *level, Some(cell.os))).collect();
                (!counted.is_empty()).then(|| (cell.os, overall(&counted)))
            };
            let cells: Vec<(ImpactRow, Status)> = self.cells.iter().filter_map(cell).collect();
            let is_served = |os: &ImpactRow| {
                let mut of_version = cells.iter().filter(|(version, _)| version == os).peekable();
                of_version.peek().is_some() && of_version.all(|(_, status)| status.is_open())
            };
            let worst = cells.iter().map(|(_, status)| *status).max();
            (worst.unwrap_or(whole), versions.into_iter().filter(is_served).collect())
        };
        let login = self.plan.routes[route].identity().unwrap_or(Identity::Bypass);
        RouteAnswer { status, works_as: status.is_open().then_some(login), os, account }
    }

    /// For whom `route` carries which endpoints. What a script names only for when another proxy does not answer carries
    /// nothing today; it is told with all the rows that it has.
    fn carried(&self, route: usize, units: &[Unit]) -> (Account, HashSet<usize>) {
        let taking = |way: &Way| -> HashSet<usize> {
            way.endpoints().filter(|endpoint| way.route(*endpoint) == Some(route)).collect()
        };
        let rank = |account: Account| match account {
            Account::System => 0,
            Account::Any => 1,
            Account::User => 2,
        };
        let carrying = units.iter().flat_map(|unit| unit.ways.iter().map(|way| (unit.account, taking(way))));
        let carrying =
            carrying.filter(|(_, endpoints)| !endpoints.is_empty()).min_by_key(|(account, _)| rank(*account));
        let planned = || self.plan.jobs.iter().filter(|job| job.route == route).map(|job| job.endpoint).collect();
        carrying.unwrap_or_else(|| (Account::Any, planned()))
    }
}

/// One status for several endpoints: one that is required and does not get through decides, and nobody asked is no answer.
fn overall(counted: &[Counted]) -> Status {
    let (status, endpoints) = weigh(counted);
    match status {
        _ if counted.is_empty() => Status::NotTested,
        ImpactStatus::Ok | ImpactStatus::NotApplicable => Status::Ok,
        ImpactStatus::Degraded => Status::Degraded,
        ImpactStatus::Inconclusive if counted.iter().all(|(_, _, status)| *status == Status::NotTested) => {
            Status::NotTested
        }
        ImpactStatus::Inconclusive => Status::Inconclusive,
        ImpactStatus::Blocked => {
            let deciding: HashSet<usize> = endpoints.into_iter().collect();
            let statuses =
                counted.iter().filter(|(endpoint, ..)| deciding.contains(endpoint)).map(|(.., status)| *status);
            statuses.max().unwrap_or(Status::Blocked)
        }
    }
}

/// The best of several ways.
struct Best {
    status: Status,
    place: usize,
    /// By way.
    roles: Vec<Role>,
}

impl Best {
    /// The best, and of equals the first; what nobody asked for decides only when it is open, or when there is nothing else.
    fn of(ways: &[&Way], statuses: &[Status]) -> Option<Self> {
        let only_extra = ways.iter().all(|way| way.is_extra);
        let is_aside = |place: usize| ways[place].is_extra && !only_extra && !statuses[place].is_open();
        let place = (0..ways.len()).filter(|place| !is_aside(*place)).min_by_key(|place| statuses[*place])?;
        let status = statuses[place];
        let role = |one: usize| match statuses[one] {
            _ if status.is_open() => {
                if one == place {
                    Role::Needed
                } else {
                    Role::Spare
                }
            }
            _ if is_aside(one) => Role::Aside,
            // It is known to be closed, so that only the undecided can open the unit.
            other if status.is_undecided() && other.is_closed() => Role::Aside,
            _ => Role::Needed,
        };
        Some(Self { status, place, roles: (0..ways.len()).map(role).collect() })
    }
}
