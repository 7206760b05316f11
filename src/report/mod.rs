//! One report, many renderers.
//!
//! In: verdicts, findings, impacts and what the run was. Out: a [`Report`], the version 1 contract, and pure renderers
//! `fn(&Report, &mut impl Write)`. Never: a socket, a clock; text from the network goes through [`sanitize`](crate::harmless::sanitize).

mod advice;
mod answer;
pub mod apply;
mod approach;
mod assemble;
pub mod change;
mod columns;
mod counts;
pub mod csv;
pub mod diagnosis;
pub mod endpoints;
pub mod enroll;
pub mod expectation;
pub mod explain;
pub mod html;
pub mod json;
pub mod jsonl;
pub mod junit;
pub mod markdown;
pub mod outcome;
mod pattern;
pub mod prometheus;
pub mod prose;
pub mod table;
pub mod terminal;
pub mod wording;

use std::sync::Arc;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::catalogue::{ImpactRow, Solution, TrustClass};
pub use crate::impact::ImpactStatus;
use crate::judge::{Owner, Status};
use crate::observation::Stage;
use crate::plan::{ClientProfile, Identity, Mechanism, RouteKey, Scheme};

pub use answer::{About, Answer, AnswerAccount, AnswerDevice, AnswerRoute, WorksAs};
pub use approach::{Approach, Way};
pub use assemble::{RunFacts, assemble};

/// The name of this format; additions keep it, anything else changes it.
pub const SCHEMA: &str = "waprobe-report/1";

/// Everything one run has to say.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Report {
    /// `waprobe-report/1`.
    #[schemars(extend("const" = SCHEMA))]
    pub schema: String,
    pub tool: Tool,
    pub run: Run,
    /// Whether data gets out; every output says it, and nothing else answers that question.
    #[serde(default)]
    pub answer: Answer,
    pub rows: Vec<Row>,
    pub findings: Vec<Finding>,
    pub impacts: Vec<Impact>,
    /// By proxy that asks for authentication, which of the documented approaches leads through.
    #[serde(default)]
    pub approaches: Vec<Approach>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Tool {
    pub name: String,
    pub version: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Run {
    /// RFC 3339, UTC.
    pub started: String,
    pub duration_ms: u64,
    /// The catalogue's name.
    pub catalogue: String,
    /// The Windows versions asked for, as given (`all`).
    pub os: String,
    /// `false` when the run was interrupted, ran out of time or its recording is cut off: then some rows have no answer.
    pub complete: bool,
    /// Where the machine's own roots came from, and how many.
    pub machine_roots: String,
    /// Questions that were asked beside the rows, because their answers left something open.
    #[serde(default)]
    pub follow_ups: usize,
    /// What a reader should know about the run itself.
    pub remarks: Vec<String>,
    /// Endpoints that no chosen solution uses on the chosen Windows versions: they have no rows.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub not_applicable: Vec<String>,
    /// The script that said which endpoint goes where; absent without one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub script: Option<AskedScript>,
}

/// A script that chooses proxies, and its answers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct AskedScript {
    /// Its address or file.
    pub name: String,
    /// The function that was called.
    pub function: String,
    /// The moment that it saw, as this machine's clock showed it.
    pub at: String,
    /// What it was told when it asked for the machine's own address; empty when it did not ask.
    pub own_addresses: Vec<String>,
    /// It draws lots: a device may get another of its answers.
    pub chance: bool,
    /// What keeps Windows' own script engine from running it, or may; reports of versions that did not look have none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub obstacles: Vec<ScriptObstacle>,
    pub answers: Vec<ScriptAnswer>,
}

/// One thing in a script, or in how it is served, that a Windows cannot use.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ScriptObstacle {
    /// The code of the finding; `null` where it is only not known whether Windows can.
    pub code: Option<String>,
    /// As a noun: `const`, `an arrow function (=>)`.
    pub what: String,
    /// `null` for how it is served.
    pub line: Option<usize>,
    pub column: Option<usize>,
}

/// What a script said for one endpoint.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ScriptAnswer {
    pub endpoint: String,
    pub host: String,
    /// In the script's own words; `null` when it failed.
    pub answer: Option<String>,
    /// How it failed.
    pub failure: Option<String>,
    /// `direct`, or proxies as in route keys: the first is the way that devices use, the others follow when it cannot be
    /// reached.
    pub ways: Vec<String>,
    /// The one of them that devices take, as far as it was seen from here: nothing answers on those before it. Reports of
    /// versions that did not say it have the first.
    #[serde(default)]
    pub taken: Option<String>,
    /// What is odd about the answer.
    pub remarks: Vec<String>,
    /// The lines of the script that decided it: that of the `return` of its function, then those that made the value which it gave
    /// back. Empty where nobody knows.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub lines: Vec<usize>,
    /// What keeps Windows' own script engine from this answer, beside what keeps it from the whole script.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub obstacles: Vec<ScriptObstacle>,
}

/// One endpoint over one route.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Row {
    /// Unique in this report; across reports a row is its endpoint and route key.
    pub id: String,
    pub endpoint: String,
    /// The catalogue's heading for this endpoint; empty when it names none.
    pub group: String,
    pub url: String,
    pub host: String,
    pub port: u16,
    /// Some chosen solution on some chosen Windows version does not work without it; also true where the catalogue says
    /// nothing of needs.
    pub required: bool,
    /// Its outcome could change the answer; `false` where nobody takes this way, or another one gets everything through.
    /// Reports of versions that did not say it mean all rows.
    #[serde(default = "yes")]
    pub needed: bool,
    /// Tested without a login beside a credential, and not asked for.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub also_tested: bool,
    /// The chosen solutions that use it on some chosen Windows version; none where the catalogue says nothing of needs.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub solutions: Vec<Solution>,
    pub route: Route,
    pub status: Status,
    /// `ok`, or the code of the cause.
    pub code: String,
    /// Where the row was decided; `http` when ok.
    pub stage: Stage,
    pub summary: String,
    /// One fact per line.
    pub evidence: Vec<String>,
    /// The line of this machine's hosts file that led here, of a row that does not get through.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hosts_line: Option<String>,
    pub timings_ms: Timings,
    /// `null` without a certificate.
    pub chain: Option<Chain>,
    /// What each family of Windows versions met; the fields above are the worst of them. None for plain http, and in reports of
    /// versions that asked in one way only.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub clients: Vec<Client>,
}

/// What one family of Windows versions met on a row.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Client {
    /// `tls12`: a hello whose highest version is TLS 1.2; `tls13`: one that offers 1.3 and 1.2.
    pub profile: ClientProfile,
    /// The chosen columns of versions that ask so and met this.
    pub os: Vec<ImpactRow>,
    pub status: Status,
    pub code: String,
    /// Where it was decided.
    pub stage: Stage,
    pub timings_ms: Timings,
    /// `null` without a certificate.
    pub chain: Option<Chain>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Route {
    pub kind: RouteKind,
    pub key: RouteKey,
    /// `null` on the direct route.
    pub proxy: Option<String>,
    pub identity: Option<Identity>,
    /// What decided it; `null` on the direct route and where no scheme came into it.
    pub scheme: Option<Scheme>,
    /// What Negotiate carried.
    pub mechanism: Option<Mechanism>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum RouteKind {
    Direct,
    Proxy,
}

/// Milliseconds by stage; `null` for a stage that did not run.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
pub struct Timings {
    pub dns: Option<f64>,
    pub tcp: Option<f64>,
    pub proxy: Option<f64>,
    pub tls: Option<f64>,
    pub http: Option<f64>,
    pub total: Option<f64>,
}

/// What the peer's certificates say.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Chain {
    pub expected: Vec<TrustClass>,
    pub reached: ChainReached,
    /// `null` when the chain reaches nothing known.
    pub anchor: Option<ChainAnchor>,
    /// Whether the peer proved that it holds the leaf's key; `null` when nobody could check.
    pub proved: Option<bool>,
    /// The machine store's own answer; `null` when unknown.
    pub machine_trusts: Option<bool>,
    pub product: Option<String>,
    pub tells: Vec<String>,
    pub certificates: Arc<[ChainCertificate]>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ChainReached {
    MicrosoftApplicationRoot,
    MicrosoftPublic,
    Public,
    Machine,
    None,
    Incomplete,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ChainAnchor {
    pub subject: String,
    pub spki_sha256: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ChainCertificate {
    pub subject: String,
    pub issuer: String,
    pub sha256: String,
    pub spki_sha256: String,
    /// RFC 3339, UTC.
    pub not_before: String,
    pub not_after: String,
}

/// Rows with one cause, who changes what.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Finding {
    pub code: String,
    pub title: String,
    pub owner: Owner,
    pub remedy: String,
    /// The known product that is to be changed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub product: Option<String>,
    /// What to know before the change, a sentence each.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
    /// What Windows' own logs and scripts call this fault: error numbers of WinHTTP and Schannel, any of them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub windows_errors: Vec<String>,
    /// Ids of the rows it explains.
    pub rows: Vec<String>,
}

/// What it means for one solution on one range of Windows versions over one route.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Impact {
    pub solution: Solution,
    pub os: ImpactRow,
    pub route: ImpactRoute,
    pub status: ImpactStatus,
    /// The endpoints that made the status.
    pub endpoints: Vec<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ImpactRoute {
    pub kind: RouteKind,
    pub key: RouteKey,
}

/// The verdict on a certificate file (`verify --format json`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct FileVerdict {
    pub host: String,
    pub status: Status,
    pub code: String,
    pub summary: String,
    pub chain: Chain,
}

fn yes() -> bool {
    true
}

/// The one word with which a report names a value.
fn word(value: &impl Serialize) -> String {
    serde_json::to_value(value).ok().and_then(|value| value.as_str().map(str::to_owned)).unwrap_or_default()
}
