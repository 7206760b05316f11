//! The answer of a run as reports carry it.
//!
//! In: [`crate::answer::Answer`], with indices into the plan. Out: the same with the names that a report has. Never: a status
//! of its own.

use std::collections::HashSet;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Finding, Report};
use crate::answer::{self, Account, Role, Scope};
use crate::catalogue::{ImpactRow, Solution};
use crate::judge::{Owner, Status};
use crate::plan::{Identity, JobId, Reading, RouteKey};

/// Whether data gets out: what a run as a whole says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Answer {
    pub status: Status,
    /// The first sentence of every output.
    pub headline: String,
    /// What the status is about.
    #[serde(default)]
    pub about: About,
    /// What Windows makes of the script that was asked, where that makes the status: `unknown` or `fails`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub script: Option<Reading>,
    /// Sources of the device's settings that are not known and decide where SYSTEM goes.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub not_known: Vec<String>,
    /// One per planned route.
    pub routes: Vec<AnswerRoute>,
    /// One per chosen solution and Windows version that exist together; none where the catalogue states no need.
    pub devices: Vec<AnswerDevice>,
}

/// What the status of an answer is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum About {
    /// Every route and proxy of the run: without `--os`, `--solution` and a device's settings.
    #[default]
    Routes,
    /// The devices of `--os` and `--solution`, by any route.
    Devices,
    /// One device, by the ways of its own settings.
    Settings,
}

/// What one route is good for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct AnswerRoute {
    pub key: RouteKey,
    pub status: Status,
    /// The login with which everything gets through; `null` where it does not.
    pub works_as: Option<WorksAs>,
    /// The chosen Windows versions whose data gets out this way.
    pub os: Vec<ImpactRow>,
    /// Whose way it is: `system` and `user` by a device's own settings.
    pub account: AnswerAccount,
}

/// What becomes of one solution's data on one range of Windows versions.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct AnswerDevice {
    pub os: ImpactRow,
    pub solution: Solution,
    pub status: Status,
    /// Keys of the routes that serve it.
    pub routes: Vec<RouteKey>,
    /// Codes of the findings that keep its data in, leave it undecided, or are remarks where it gets out.
    pub because: Vec<String>,
    /// The rows behind them; not in the file, where the findings name theirs.
    #[serde(skip)]
    pub rows: Vec<JobId>,
}

/// A login that works; `none` where no login is needed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum WorksAs {
    None,
    User,
    Device,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum AnswerAccount {
    System,
    User,
    Any,
}

impl Default for Answer {
    /// What a report of a version without an answer says: nothing.
    fn default() -> Self {
        Self {
            status: Status::NotTested,
            headline: String::new(),
            about: About::Routes,
            script: None,
            not_known: Vec::new(),
            routes: Vec::new(),
            devices: Vec::new(),
        }
    }
}

impl Answer {
    /// Everything but the headline, which takes the whole report to say.
    pub(super) fn new(
        answer: &answer::Answer,
        keys: &[RouteKey],
        findings: &[Finding],
        row_id: impl Fn(JobId) -> String,
    ) -> Self {
        let routes = answer.routes.iter().zip(keys).map(|(route, key)| AnswerRoute {
            key: key.clone(),
            status: route.status,
            works_as: route.works_as.map(WorksAs::from),
            os: route.os.clone(),
            account: route.account.into(),
        });
        let devices = answer.devices.iter().map(|device| {
            let rows: HashSet<String> = device.because.iter().map(|job| row_id(*job)).collect();
            let explains = |finding: &&Finding| finding.rows.iter().any(|row| rows.contains(row));
            let explaining: Vec<&Finding> = findings.iter().filter(explains).collect();
            // A remark beside the cause is no cause.
            let is_asked = |finding: &&&Finding| finding.owner != Owner::Nobody;
            let asked: Vec<&&Finding> = explaining.iter().filter(is_asked).collect();
            // Beside a finding that explains it, one that could not say is none.
            let is_named = |finding: &&&&Finding| !finding.code.starts_with("x.");
            let named: Vec<&&Finding> = asked.iter().filter(is_named).copied().collect();
            let because = [named, asked, explaining.iter().collect()].into_iter().find(|list| !list.is_empty());
            let because = because.unwrap_or_default();
            let mut codes: Vec<String> = Vec::new();
            for finding in because {
                if !codes.contains(&finding.code) {
                    codes.push(finding.code.clone());
                }
            }
            AnswerDevice {
                os: device.os,
                solution: device.solution,
                status: device.status,
                routes: device.routes.iter().map(|route| keys[*route].clone()).collect(),
                because: codes,
                rows: device.because.clone(),
            }
        });
        Self {
            status: answer.status,
            headline: String::new(),
            about: answer.scope.into(),
            not_known: answer.not_known.clone(),
            script: Some(answer.script).filter(|reading| *reading != Reading::Reads),
            routes: routes.collect(),
            devices: devices.collect(),
        }
    }

    /// Whether data is kept in.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.status.is_closed()
    }

    /// Whether the run could not say.
    #[must_use]
    pub fn is_undecided(&self) -> bool {
        self.status.is_undecided()
    }

    /// Whether the ways of one device's own settings were asked about.
    #[must_use]
    pub fn is_of_own_settings(&self) -> bool {
        self.about == About::Settings
    }
}

impl Report {
    /// The devices by what becomes of their data.
    pub(super) fn devices_with(&self, fits: impl Fn(Status) -> bool) -> Vec<&AnswerDevice> {
        self.answer.devices.iter().filter(|device| fits(device.status)).collect()
    }
}

impl From<Identity> for WorksAs {
    fn from(identity: Identity) -> Self {
        match identity {
            Identity::Bypass => Self::None,
            Identity::User => Self::User,
            Identity::Device => Self::Device,
        }
    }
}

impl From<Scope> for About {
    fn from(scope: Scope) -> Self {
        match scope {
            Scope::Routes => Self::Routes,
            Scope::Devices => Self::Devices,
            Scope::OwnSettings => Self::Settings,
        }
    }
}

impl From<Account> for AnswerAccount {
    fn from(account: Account) -> Self {
        match account {
            Account::System => Self::System,
            Account::User => Self::User,
            Account::Any => Self::Any,
        }
    }
}

/// Whether a row's outcome could change the answer.
pub(super) fn is_needed(answer: &answer::Answer, job: JobId) -> bool {
    answer.roles.get(job.0 as usize).is_none_or(|role| *role == Role::Needed)
}
