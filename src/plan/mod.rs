//! What will be tried: routes, jobs and the time each may take.
//!
//! In: the catalogue, and what the command line asks for. Out: a [`Plan`], one [`Job`] per endpoint and route. Never:
//! a socket, a clock, or a decision that depends on an answer.

mod budget;
mod proxy;
mod route;

use serde::{Deserialize, Serialize};

use crate::catalogue::{Catalogue, OsSelection, Solution};

pub use budget::Budget;
pub use proxy::{Proxy, ProxyMistake, ProxyScheme};
pub use route::{Identity, Mechanism, PlannedRoute, RouteKey, Scheme, SchemeChoice};

/// Everything one run will try.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Plan {
    pub routes: Vec<PlannedRoute>,
    pub jobs: Vec<Job>,
    pub budget: Budget,
    pub os: OsSelection,
    pub solutions: Vec<Solution>,
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
        let endpoints: Vec<usize> = (0..catalogue.endpoints.len())
            .filter(|index| catalogue.endpoints[*index].applies(&solutions, &os))
            .collect();
        let mut jobs = Vec::with_capacity(endpoints.len() * routes.len());
        for route in 0..routes.len() {
            for endpoint in &endpoints {
                let id = JobId(u32::try_from(jobs.len()).unwrap_or(u32::MAX));
                jobs.push(Job { id, endpoint: *endpoint, route });
            }
        }
        Self { routes, jobs, budget, os, solutions }
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
        Ok(())
    }

    #[must_use]
    pub fn route(&self, job: &Job) -> &PlannedRoute {
        &self.routes[job.route]
    }
}
