//! "Why does this device not appear?": its settings and the network in one answer.
//!
//! In: the checkup of a device, the report of a network, what the catalogue says that the device needs. Out: a [`Diagnosis`],
//! the first cause first: the way that data takes, from the device's settings through the network to what solutions make
//! of it. Never: a cause that only one of several routes has; which of them the device takes is not known here.

mod headline;
mod network;
mod page;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;

use super::Report;
use crate::catalogue::{Catalogue, Endpoint, NeedLevel, OsSelection, Solution};
use crate::enroll::places::{PREFERENCE, SQM_CLIENT};
use crate::enroll::waiting::{AFTER_SENDING, WITHOUT_THE_SCRIPT};
use crate::enroll::{self, Checkup, Code, Effect, NotChecked};
use crate::judge::Owner;
pub use page::write;

/// The name of this format; additions keep it, anything else changes it.
pub const SCHEMA: &str = "waprobe-diagnosis/1";

/// One answer for one device.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Diagnosis {
    /// `waprobe-diagnosis/1`.
    #[schemars(extend("const" = SCHEMA))]
    pub schema: &'static str,
    pub os: String,
    /// As people call it, such as `Windows 10 1809`; `null` where it has no name.
    pub os_name: Option<String>,
    #[schemars(with = "Vec<String>")]
    pub solutions: Vec<&'static str>,
    pub answer: Answer,
    /// One sentence.
    pub headline: String,
    /// The first one first.
    pub causes: Vec<Cause>,
    /// What to do before anything else.
    pub first: String,
    /// How long data takes to appear.
    pub patience: String,
    pub network: Network,
    /// Settings that the snapshot does not speak about.
    pub not_checked: Vec<NotChecked>,
    /// What makes the answer less sure, a sentence each.
    pub doubts: Vec<String>,
}

/// What was found, in a word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Answer {
    /// At least one cause keeps the device away.
    Absent,
    /// It should appear; part of its data is missing.
    Incomplete,
    /// Nothing was found, and something could not be seen.
    Unclear,
    /// Nothing was found: it takes its time.
    Wait,
}

/// One thing to change.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Cause {
    pub part: Part,
    /// Whether it keeps the device away, or only part of its data.
    #[schemars(with = "String")]
    #[serde(serialize_with = "effect")]
    pub effect: Effect,
    /// The solutions in which the device does not appear because of this.
    #[schemars(with = "Vec<String>")]
    #[serde(serialize_with = "ids")]
    pub solutions: Vec<Solution>,
    /// As `waprobe enroll check` or `waprobe check` gives it.
    pub code: String,
    pub title: String,
    pub why: String,
    pub remedy: String,
    pub owner: Owner,
    /// Whether a plan sets this very value.
    #[serde(skip)]
    pub is_planned: bool,
    /// The hosts, over these routes; empty for a setting.
    pub hosts: Vec<String>,
    pub routes: Vec<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Part {
    Device,
    Network,
}

/// What was seen of the network.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Network {
    /// Where from, as a phrase.
    pub seen_from: String,
    /// RFC 3339, UTC.
    pub started: String,
    /// Every route that was tried, in the report's order.
    pub routes: Vec<RouteState>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct RouteState {
    pub route: String,
    /// Hosts that this device needs and that were reached this way, of those that were tried.
    pub reached: usize,
    pub tried: usize,
}

/// Where the network was seen from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Viewpoint {
    /// The device itself, just now.
    Device,
    /// This machine, which is not the device.
    Elsewhere,
    /// A recording in this file.
    Recording(String),
    /// A world inside this program.
    Lab,
}

/// What a device needs of the network.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Needed {
    pub endpoints: Vec<NeededHost>,
}

/// One host, and who needs it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NeededHost {
    /// The endpoint's name.
    pub name: String,
    pub host: String,
    pub level: NeedLevel,
    /// The solutions that do not work without it.
    pub required_by: Vec<Solution>,
}

impl Needed {
    /// What the catalogue says for these solutions on this Windows.
    #[must_use]
    pub fn of(catalogue: &Catalogue, solutions: &[Solution], os: &OsSelection) -> Self {
        // A catalogue that does not say who needs an endpoint means everybody.
        let level = |endpoint: &Endpoint, solutions: &[Solution]| {
            if endpoint.needs.is_empty() { Some(NeedLevel::Required) } else { endpoint.strongest_need(solutions, os) }
        };
        let requires = |endpoint: &Endpoint, solution| level(endpoint, &[solution]) == Some(NeedLevel::Required);
        let needed = |endpoint: &Endpoint| {
            Some(NeededHost {
                name: endpoint.name.clone(),
                host: endpoint.host.clone(),
                level: level(endpoint, solutions)?,
                required_by: solutions.iter().copied().filter(|solution| requires(endpoint, *solution)).collect(),
            })
        };
        Self { endpoints: catalogue.endpoints.iter().filter_map(needed).collect() }
    }
}

/// What the scan takes, behind how long data does.
const SCAN_TAKES: &str = "The compatibility scan takes several minutes, and the device has to stay on for it.";

/// Puts both halves together.
#[must_use]
pub fn diagnose(checkup: &Checkup, report: &Report, needed: &Needed, viewpoint: &Viewpoint) -> Diagnosis {
    let seen = network::Seen::of(report, needed);
    let mut causes: Vec<Cause> = checkup.findings.iter().map(setting).collect();
    causes.extend(seen.causes());
    // Stable: the device's settings come before the network, both in the order of their own reports.
    causes.sort_by_key(|cause| cause.effect);
    let doubts = doubts(checkup, report, &seen, viewpoint);
    // Whether another device has the same id only other devices can say; that alone makes no answer unsure.
    let is_open = checkup.not_checked.iter().any(|entry| entry.place != SQM_CLIENT);
    let is_unsure = seen.is_unsure() || !report.run.complete;
    let is_disputed = checkup.contradiction().or(checkup.disputed_opt_in()).is_some();
    let answer = match causes.first().map(|cause| cause.effect) {
        Some(Effect::Absent) => Answer::Absent,
        _ if is_unsure => Answer::Unclear,
        Some(Effect::Incomplete) => Answer::Incomplete,
        None if is_open || is_disputed => Answer::Unclear,
        None => Answer::Wait,
    };
    let halves = headline::Seen { settings: !is_open && !is_disputed, network: !is_unsure };
    Diagnosis {
        schema: SCHEMA,
        os: checkup.os.clone(),
        os_name: checkup.os_name.clone(),
        solutions: checkup.solutions.clone(),
        answer,
        headline: headline::of(answer, &causes, &checkup.solutions, halves),
        first: first(answer, &causes, &seen, checkup),
        causes,
        patience: format!("{AFTER_SENDING} {WITHOUT_THE_SCRIPT} {SCAN_TAKES}"),
        network: Network {
            seen_from: viewpoint.phrase(&report.run.started),
            started: report.run.started.clone(),
            routes: seen.routes(),
        },
        not_checked: checkup.not_checked.clone(),
        doubts,
    }
}

fn setting(finding: &enroll::Finding) -> Cause {
    let script = finding.ur_exit.map_or_else(String::new, |code| {
        format!(" The deployment script ends with {code} for this: `waprobe explain ur:{code}`.")
    });
    // A key, a path; what else holds a setting the title says well enough.
    let place = if finding.place.contains('\\') { format!(" ({})", finding.place) } else { String::new() };
    let device_name = if finding.code == Code::DeviceName {
        " It may be there already, under a GUID that nobody looks for."
    } else {
        ""
    };
    Cause {
        part: Part::Device,
        effect: if finding.keeps_out_of.is_empty() { Effect::Incomplete } else { Effect::Absent },
        solutions: finding.keeps_out_of.clone(),
        code: finding.code.id().to_owned(),
        title: format!("{}: {}", finding.value, finding.is),
        why: format!("{}{place}.{device_name}{script}", capitalised(&finding.why)),
        remedy: finding.mend(),
        owner: Owner::DesktopTeam,
        is_planned: finding.is_planned(),
        hosts: Vec::new(),
        routes: Vec::new(),
    }
}

fn first(answer: Answer, causes: &[Cause], seen: &network::Seen<'_>, checkup: &Checkup) -> String {
    match (answer, causes.first()) {
        (Answer::Wait, _) => "Wait. If it is still missing three days after its last change, run the full scan on it \
             (`waprobe enroll scan`) and look at Microsoft's deployment script's log."
            .to_owned(),
        // A value to write has the form of one; where the device leads its services is not a single value.
        (_, Some(cause)) if cause.part == Part::Device && !cause.code.starts_with("conf.") => {
            let way = if cause.is_planned {
                " `waprobe enroll plan` prints what to deploy, `waprobe enroll apply` writes it on the device."
            } else {
                ""
            };
            format!("{}.{way}", capitalised(&cause.remedy))
        }
        (_, Some(cause)) if cause.owner == Owner::Operator => capitalised(&cause.remedy),
        (_, Some(cause)) => format!("Ask {}: {}", cause.owner.with_article(), cause.remedy),
        (_, None) if seen.is_unsure() => {
            "Run the check again where the device stands: `waprobe check --record run.jsonl` there, `waprobe diagnose --recording \
             run.jsonl` here."
                .to_owned()
        }
        (_, None) if checkup.contradiction().is_some() => {
            "Leave --os out: it names another version of Windows than the device has.".to_owned()
        }
        (_, None) if checkup.disputed_opt_in().is_some() => {
            format!("Write CommercialDataOptIn = 1 (REG_DWORD) under {PREFERENCE}, where the deployment script looks for it.")
        }
        (_, None) if checkup.not_checked.iter().any(is_about_place) => {
            "Say where the device is: --region eea, ch or other.".to_owned()
        }
        (_, None) => "Make a whole snapshot of the device: `waprobe enroll snapshot` prints the script that does.".to_owned(),
    }
}

fn doubts(checkup: &Checkup, report: &Report, seen: &network::Seen<'_>, viewpoint: &Viewpoint) -> Vec<String> {
    let disputed = [checkup.contradiction(), checkup.disputed_opt_in()];
    let mut doubts: Vec<String> = disputed.into_iter().flatten().map(str::to_owned).collect();
    match viewpoint {
        Viewpoint::Device | Viewpoint::Recording(_) => {}
        Viewpoint::Elsewhere => doubts.push(
            "The network was seen from this machine, not from the device: another site, network segment or proxy may let other \
             things through. `waprobe check --record run.jsonl` on the device, and --recording run.jsonl here, settle that."
                .to_owned(),
        ),
        Viewpoint::Lab => doubts.push("The network is the one inside this program, for trying: no device is in it.".to_owned()),
    }
    if !report.run.complete {
        doubts.push("The network check was not finished, so some hosts have no answer.".to_owned());
    }
    doubts.extend(seen.doubts());
    if checkup.os == "unknown" {
        doubts.push(
            "Which Windows this is, the snapshot does not say: everything that any version needs was looked at. Give it with --os."
                .to_owned(),
        );
    }
    let open = checkup.not_checked.iter().filter(|entry| entry.place != SQM_CLIENT);
    let (told_by_the_operator, of_the_snapshot): (Vec<&NotChecked>, Vec<&NotChecked>) =
        open.partition(|entry| is_about_place(entry));
    doubts.extend(told_by_the_operator.iter().map(|entry| format!("{}.", capitalised(&entry.why))));
    match of_the_snapshot.as_slice() {
        [] => {}
        [entry] => doubts.push(format!("{} was not checked: {}.", entry.value, entry.why)),
        entries => doubts.push(format!(
            "{} settings could not be checked, because the snapshot does not hold them: `waprobe enroll check` lists them.",
            entries.len()
        )),
    }
    doubts
}

/// Where the device is, no snapshot says.
fn is_about_place(entry: &NotChecked) -> bool {
    entry.place == "--region"
}

impl Viewpoint {
    fn phrase(&self, started: &str) -> String {
        let moment = started.parse::<Timestamp>().map_or_else(|_| started.to_owned(), |moment| moment.to_string());
        match self {
            Self::Device => format!("this device, {moment}"),
            Self::Elsewhere => format!("this machine, which is not the device, {moment}"),
            Self::Recording(name) => format!("where {name} was recorded, {moment}"),
            Self::Lab => "a world inside this program".to_owned(),
        }
    }
}

fn capitalised(text: &str) -> String {
    let mut characters = text.chars();
    characters.next().map_or_else(String::new, |first| first.to_uppercase().chain(characters).collect())
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands a reference")]
fn effect<S: serde::Serializer>(effect: &Effect, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(match effect {
        Effect::Absent => "absent",
        Effect::Incomplete => "incomplete",
    })
}

fn ids<S: serde::Serializer>(solutions: &[Solution], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(solutions.iter().map(|solution| solution.id()))
}
