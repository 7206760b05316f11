//! The ways out of a run: which row counts for each endpoint when data takes this way with this login.
//!
//! In: the plan, and which proxies were reached. Out: [`Way`]s, grouped into units: one network path that somebody asked
//! about. Never: a status; what the rows say is weighed above.

use std::collections::{HashMap, HashSet};

use crate::judge::Reach;
use crate::plan::Way as Hop;
use crate::plan::{AccountSettings, Direction, Directions, Identity, Plan, PlannedRoute, Proxy, SchemeChoice};

/// Whose path it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Account {
    /// The account of Windows' diagnostic service, by the device's own settings.
    System,
    /// Another account of the device, by its own settings.
    User,
    /// Nobody's in particular: a route that was asked for by name.
    Any,
}

/// One network path: the direct line, one proxy, what a script chooses, or where an account's settings lead. Its ways differ
/// in their login only, and one of them that gets everything through is enough.
#[derive(Debug)]
pub(super) struct Unit {
    pub account: Account,
    pub ways: Vec<Way>,
}

/// How data gets out with one login.
#[derive(Debug)]
pub(super) struct Way {
    /// Tested beside a credential, and not asked for.
    pub is_extra: bool,
    /// What decides where this account goes is not known: that its rows get through proves nothing.
    pub is_guess: bool,
    hops: HashMap<usize, Step>,
}

/// How one endpoint is reached on a way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Step {
    /// The route on which its row counts; `None` where nobody knows the route, or no row was planned.
    pub route: Option<usize>,
    /// The script that chose the route, where one did; some Windows cannot read it.
    pub script: Option<Script>,
}

/// A script's choice for one endpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Script {
    /// Its place among the directions of the plan.
    pub direction: usize,
    /// The direct route, if it was tried for this endpoint: there goes a Windows that cannot read the script.
    pub direct: Option<usize>,
    /// The service in which WinHTTP runs scripts is disabled on the device: nobody knows what becomes of the script.
    pub is_service_off: bool,
    /// Some Windows is not known to read it.
    pub is_not_for_all: bool,
}

impl Way {
    /// The route that counts for `endpoint`; `None` where this way does not lead there, or nobody knows how.
    pub fn route(&self, endpoint: usize) -> Option<usize> {
        self.step(endpoint)?.route
    }

    pub fn step(&self, endpoint: usize) -> Option<Step> {
        self.hops.get(&endpoint).copied()
    }

    pub fn endpoints(&self) -> impl Iterator<Item = usize> {
        self.hops.keys().copied()
    }

    /// The routes that it takes, in plan order.
    pub fn all_routes(&self) -> Vec<usize> {
        let mut routes: Vec<usize> = self.hops.values().filter_map(|step| step.route).collect();
        routes.sort_unstable();
        routes.dedup();
        routes
    }
}

static DIRECTLY: Hop = Hop::Direct;

/// Every unit of the run: what was asked for by name first, then the script, then the accounts of the device.
pub(super) fn units(plan: &Plan, reach: &Reach<'_>) -> Vec<Unit> {
    let builder = Builder::new(plan, reach);
    let mut units = builder.named();
    if plan.settings.is_none() {
        units.extend(plan.directions.as_ref().map(|directions| builder.of_script(directions)));
    }
    for (place, account) in plan.settings.iter().flat_map(|settings| settings.accounts.iter().enumerate()) {
        let kind = if place == 0 { Account::System } else { Account::User };
        units.push(builder.of_account(kind, account));
    }
    units.retain(|unit| !unit.ways.is_empty());
    units
}

/// Where one endpoint goes.
#[derive(Clone, Copy)]
enum Choice<'p> {
    Takes(&'p Hop),
    /// By a script: its place among the directions, and the hop that it names.
    ByScript(usize, &'p Hop),
    /// A script that was not asked, or nothing, says.
    Unknown,
}

impl<'p> Choice<'p> {
    fn hop(self) -> Option<&'p Hop> {
        match self {
            Self::Takes(hop) | Self::ByScript(_, hop) => Some(hop),
            Self::Unknown => None,
        }
    }
}

struct Builder<'p> {
    plan: &'p Plan,
    reach: &'p Reach<'p>,
    /// By route, the endpoints that have a row on it.
    planned: Vec<Vec<usize>>,
    has_row: HashSet<(usize, usize)>,
    /// By endpoint, what the script and the accounts' settings name for it.
    hops: HashMap<usize, Vec<&'p Hop>>,
}

impl<'p> Builder<'p> {
    fn new(plan: &'p Plan, reach: &'p Reach<'p>) -> Self {
        let mut planned = vec![Vec::new(); plan.routes.len()];
        for job in &plan.jobs {
            planned[job.route].push(job.endpoint);
        }
        let by_script = plan.directions.iter().flat_map(|directions| &directions.endpoints);
        let by_script = by_script.map(|direction| (direction.endpoint, &direction.ways));
        let accounts = plan.settings.iter().flat_map(|settings| &settings.accounts);
        let by_account = accounts.flat_map(|account| &account.endpoints).map(|one| (one.endpoint, &one.ways));
        let mut hops: HashMap<usize, Vec<&Hop>> = HashMap::new();
        for (endpoint, ways) in by_script.chain(by_account) {
            hops.entry(endpoint).or_default().extend(ways);
        }
        // A Windows that cannot read the script goes out directly: that row is the script's too.
        for (place, direction) in plan.directions.iter().flat_map(|directions| directions.endpoints.iter().enumerate())
        {
            if plan.directions.as_ref().is_some_and(|directions| directions.has_obstacle(place)) {
                hops.entry(direction.endpoint).or_default().push(&DIRECTLY);
            }
        }
        let has_row = plan.jobs.iter().map(|job| (job.route, job.endpoint)).collect();
        Self { plan, reach, planned, has_row, hops }
    }

    /// The direct line and the proxies that the command line names: routes with a row that neither script nor settings
    /// explain.
    fn named(&self) -> Vec<Unit> {
        let mut units: Vec<(Option<&Proxy>, Unit)> = Vec::new();
        for (route, planned) in self.plan.routes.iter().enumerate() {
            if self.planned[route].iter().all(|endpoint| self.is_explained(*endpoint, planned)) {
                continue;
            }
            let way = Way {
                is_extra: self.plan.is_also_tested(planned),
                is_guess: false,
                hops: self.planned[route]
                    .iter()
                    .map(|endpoint| (*endpoint, Step { route: Some(route), script: None }))
                    .collect(),
            };
            match units.iter_mut().find(|(proxy, _)| *proxy == planned.proxy()) {
                Some((_, unit)) => unit.ways.push(way),
                None => units.push((planned.proxy(), Unit { account: Account::Any, ways: vec![way] })),
            }
        }
        units.into_iter().map(|(_, unit)| unit).collect()
    }

    fn is_explained(&self, endpoint: usize, route: &PlannedRoute) -> bool {
        self.hops.get(&endpoint).is_some_and(|hops| hops.iter().any(|hop| hop.is_of(route)))
    }

    fn of_script(&self, directions: &'p Directions) -> Unit {
        self.unit(Account::Any, &self.script_choices(directions).into_iter().collect::<Vec<_>>(), false)
    }

    fn script_choices(&self, directions: &'p Directions) -> HashMap<usize, Choice<'p>> {
        let choice = |(place, one): (usize, &'p Direction)| {
            let hop = self.reach.taken(one.endpoint, &one.ways);
            (one.endpoint, hop.map_or(Choice::Unknown, |hop| Choice::ByScript(place, hop)))
        };
        directions.endpoints.iter().enumerate().map(choice).collect()
    }

    fn of_account(&self, kind: Account, account: &'p AccountSettings) -> Unit {
        // Several scripts are never asked in one run, and none in a file.
        let asks_script = account.scripts.iter().any(|script| !script.to_ascii_lowercase().starts_with("file:"));
        let by_script = self.plan.directions.as_ref().filter(|_| asks_script);
        let by_script = by_script.map(|directions| self.script_choices(directions)).unwrap_or_default();
        let choice = |endpoint: usize, ways: &'p [Hop]| match self.reach.taken(endpoint, ways) {
            Some(hop) => Choice::Takes(hop),
            None => by_script.get(&endpoint).copied().unwrap_or(Choice::Unknown),
        };
        let chosen = account.endpoints.iter().map(|one| (one.endpoint, choice(one.endpoint, &one.ways)));
        self.unit(kind, &chosen.collect::<Vec<_>>(), account.is_guess)
    }

    /// One way per login with which the proxies of these choices were tried.
    fn unit(&self, account: Account, choices: &[(usize, Choice<'p>)], is_guess: bool) -> Unit {
        let hops: Vec<&Hop> = choices.iter().filter_map(|(_, choice)| choice.hop()).collect();
        let is_asked = |route: &PlannedRoute| hops.iter().any(|hop| **hop != Hop::Direct && hop.is_of(route));
        let mut logins: Vec<Option<(Identity, SchemeChoice)>> = Vec::new();
        for route in self.plan.routes.iter().filter(|route| is_asked(route)) {
            let login = login_of(route);
            if !logins.contains(&login) {
                logins.push(login);
            }
        }
        if logins.is_empty() {
            logins.push(None);
        }
        let way = |login: Option<(Identity, SchemeChoice)>| {
            let hops = choices.iter().map(|(endpoint, choice)| (*endpoint, self.step(*endpoint, *choice, login)));
            Way {
                is_extra: self.plan.no_login_is_extra
                    && login.is_some_and(|(identity, _)| identity == Identity::Bypass),
                is_guess,
                hops: hops.collect(),
            }
        };
        Unit { account, ways: logins.into_iter().map(way).collect() }
    }

    fn step(&self, endpoint: usize, choice: Choice<'p>, login: Option<(Identity, SchemeChoice)>) -> Step {
        let route = choice.hop().and_then(|hop| self.route_of(endpoint, hop, login));
        let script = match choice {
            Choice::ByScript(direction, _) => Some(Script {
                direction,
                direct: self.route_of(endpoint, &Hop::Direct, None),
                is_service_off: self.plan.settings.as_ref().is_some_and(|settings| settings.is_script_service_off),
                is_not_for_all: self
                    .plan
                    .directions
                    .as_ref()
                    .is_some_and(|directions| directions.has_obstacle(direction)),
            }),
            Choice::Takes(_) | Choice::Unknown => None,
        };
        Step { route, script }
    }

    /// The route over `hop` with this login; a scheme that was asked for by name has its own, if that proxy takes it.
    fn route_of(&self, endpoint: usize, hop: &Hop, login: Option<(Identity, SchemeChoice)>) -> Option<usize> {
        let planned = || {
            let routes = self.plan.routes.iter().enumerate();
            routes.filter(|(place, route)| hop.is_of(route) && self.has_row.contains(&(*place, endpoint)))
        };
        if *hop == Hop::Direct {
            return planned().map(|(place, _)| place).next();
        }
        let exactly = planned().find(|(_, route)| login_of(route) == login);
        let same_identity = || planned().find(|(_, route)| route.identity() == login.map(|(identity, _)| identity));
        exactly.or_else(same_identity).map(|(place, _)| place)
    }
}

fn login_of(route: &PlannedRoute) -> Option<(Identity, SchemeChoice)> {
    match route {
        PlannedRoute::Direct => None,
        PlannedRoute::Proxy { identity, scheme, .. } => Some((*identity, *scheme)),
    }
}
