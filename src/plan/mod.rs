//! What will be tried: routes, jobs and the time each may take.
//!
//! In: the catalogue, what the command line asks for, and where a script sends the endpoints. Out: a [`Plan`], one [`Job`]
//! per endpoint and route. Never: a socket, a clock, or a decision that depends on an endpoint's answer.

mod budget;
mod client;
mod directions;
mod follow_ups;
mod login;
mod proxy;
mod route;
mod settings;

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::catalogue::{Catalogue, OsSelection, Solution};

pub use crate::proxies::pac::{Obstacle, ObstacleKind, Place, Reading, ScriptReadability, script_engines};
pub use budget::Budget;
pub use client::{ClientProfile, Offered, SCHANNEL_SUITES, SHARED_SUITES, offered, winhttp_remark};
pub use directions::{AskedScript, Direction, DirectionRemark, Directions, Said, TooManyProxies, Way};
pub use follow_ups::FollowUps;
pub use login::UserLogin;
pub use proxy::{Proxy, ProxyMistake, ProxyScheme};
pub use route::{Identity, Mechanism, PlannedRoute, RouteKey, Scheme, SchemeChoice};
pub use settings::{AccountSettings, DeviceSettings, EndpointWays, SettingsRemark};

/// Everything one run will try.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Plan {
    pub routes: Vec<PlannedRoute>,
    pub jobs: Vec<Job>,
    pub budget: Budget,
    pub os: OsSelection,
    pub solutions: Vec<Solution>,
    /// As which clients every row over TLS is asked, in the order in which they start; none in a plan that was recorded before
    /// there were profiles, whose rows offered TLS 1.3 and 1.2.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub profiles: Vec<ClientProfile>,
    /// Where a script sends the endpoints, when one was asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub directions: Option<Directions>,
    /// What a device's own settings say, when they were read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub settings: Option<DeviceSettings>,
    /// Whether the device's services can use the signed-in user's login, where that is known from elsewhere than
    /// [`Self::settings`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user_login: Option<UserLogin>,
    /// The rows without a login stand beside a credential, and nobody asked for them: they are shown, and decide nothing.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub no_login_is_extra: bool,
    /// What is asked beside the jobs when their answers leave something open; nothing, unless somebody says so.
    #[serde(default)]
    pub follow_ups: FollowUps,
}

/// A route, and the endpoints that are tried on it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Path {
    pub route: PlannedRoute,
    /// Indices into the catalogue's endpoints; all of them without a list.
    pub endpoints: Option<BTreeSet<usize>>,
}

/// Stands for one job in observations and reports; ids count from 0 in plan order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct JobId(pub u32);

/// One endpoint over one route.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Job {
    pub id: JobId,
    /// Index into the catalogue's endpoints.
    pub endpoint: usize,
    /// Index into the plan's routes.
    pub route: usize,
}

impl Plan {
    /// One job per endpoint that any chosen solution on any chosen version uses, times every route. Endpoints without a
    /// single need (a minimal catalogue) are always planned.
    #[must_use]
    pub fn new(
        catalogue: &Catalogue,
        routes: Vec<PlannedRoute>,
        budget: Budget,
        os: OsSelection,
        solutions: Vec<Solution>,
    ) -> Self {
        Self::of(catalogue, routes.into_iter().map(Path::for_all).collect(), budget, os, solutions)
    }

    /// The same, with the endpoints of each route. Two paths over one route are one, and a route that nothing is tried on
    /// is left out.
    #[must_use]
    pub fn along(
        catalogue: &Catalogue,
        paths: Vec<Path>,
        budget: Budget,
        os: OsSelection,
        solutions: Vec<Solution>,
    ) -> Self {
        Self::of(catalogue, merged(paths), budget, os, solutions)
    }

    fn of(catalogue: &Catalogue, paths: Vec<Path>, budget: Budget, os: OsSelection, solutions: Vec<Solution>) -> Self {
        let endpoints = Self::endpoints(catalogue, &os, &solutions);
        let mut plan = Self {
            routes: Vec::new(),
            jobs: Vec::new(),
            budget,
            profiles: ClientProfile::needed(&os),
            os,
            solutions,
            directions: None,
            settings: None,
            user_login: None,
            no_login_is_extra: false,
            follow_ups: FollowUps::default(),
        };
        for path in paths {
            let route = plan.routes.len();
            let before = plan.jobs.len();
            for endpoint in endpoints.iter().filter(|endpoint| path.holds(**endpoint)) {
                let id = JobId(u32::try_from(plan.jobs.len()).unwrap_or(u32::MAX));
                plan.jobs.push(Job { id, endpoint: *endpoint, route });
            }
            if plan.jobs.len() > before || path.endpoints.is_none() {
                plan.routes.push(path.route);
            }
        }
        plan
    }

    /// The endpoints that some chosen solution on some chosen version uses, as indices into the catalogue.
    #[must_use]
    pub fn endpoints(catalogue: &Catalogue, os: &OsSelection, solutions: &[Solution]) -> Vec<usize> {
        (0..catalogue.endpoints.len()).filter(|index| catalogue.endpoints[*index].applies(solutions, os)).collect()
    }

    /// That a plan read from a file hangs together: job ids in order, routes that exist.
    ///
    /// # Errors
    /// What does not fit, as a fragment.
    pub fn check(&self) -> Result<(), String> {
        for (position, job) in self.jobs.iter().enumerate() {
            if job.id.0 as usize != position {
                return Err(format!("job {} of the plan stands at place {position}", job.id.0));
            }
            if job.route >= self.routes.len() {
                return Err(format!("job {position} names route {}, and there are {}", job.route, self.routes.len()));
            }
        }
        if !self.profiles.is_sorted_by(|one, next| one < next) {
            return Err("the plan names a client profile twice, or not in their order".to_owned());
        }
        let directions = self.directions.iter().flat_map(|directions| &directions.endpoints);
        match directions.into_iter().find(|direction| direction.ways.is_empty()) {
            Some(direction) => Err(format!("the script names no way at all for endpoint {}", direction.endpoint)),
            None => Ok(()),
        }
    }

    #[must_use]
    pub fn route(&self, job: &Job) -> &PlannedRoute {
        &self.routes[job.route]
    }

    /// Whether the device's services can use the signed-in user's login, as far as its settings are known.
    #[must_use]
    pub fn user_login(&self) -> UserLogin {
        let by_settings = || self.settings.as_ref().map(DeviceSettings::user_login);
        self.user_login.or_else(by_settings).unwrap_or_default()
    }

    /// Whether `route` is tested beside a credential without anybody having asked for it.
    #[must_use]
    pub fn is_also_tested(&self, route: &PlannedRoute) -> bool {
        self.no_login_is_extra && route.identity() == Some(Identity::Bypass)
    }
}

impl Path {
    #[must_use]
    pub fn for_all(route: PlannedRoute) -> Self {
        Self { route, endpoints: None }
    }

    fn holds(&self, endpoint: usize) -> bool {
        self.endpoints.as_ref().is_none_or(|endpoints| endpoints.contains(&endpoint))
    }
}

/// Each route once, in the order of their first paths.
fn merged(paths: Vec<Path>) -> Vec<Path> {
    let mut merged: Vec<Path> = Vec::with_capacity(paths.len());
    for path in paths {
        match merged.iter_mut().find(|other| other.route == path.route) {
            None => merged.push(path),
            Some(other) => match (&mut other.endpoints, path.endpoints) {
                (Some(endpoints), Some(more)) => endpoints.extend(more),
                (endpoints, _) => *endpoints = None,
            },
        }
    }
    merged
}
