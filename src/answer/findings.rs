//! What the answer makes of the findings: who still has to change something.
//!
//! In: the answer, and the judge's findings. Out: the same findings; those that nobody has to act on say so, and one is added
//! where a login works that the chosen devices do not send. Never: a finding dropped, or the status of a row.

use super::{Answer, DeviceAnswer, Role, Scope};
use crate::catalogue::{Catalogue, ImpactRow};
use crate::impact::sends_user_login;
use crate::judge::{self, CLIENT_HAS_NO_LOGIN, Cause, Finding, Owner, Status, Verdict};
use crate::plan::{JobId, Plan, UserLogin};

pub(super) fn settle(
    catalogue: &Catalogue,
    plan: &Plan,
    verdicts: &[Verdict],
    answer: &Answer,
    findings: Vec<Finding>,
) -> Vec<Finding> {
    let mut settled: Vec<Finding> =
        findings.into_iter().map(|finding| of_changed_need(verdicts, answer, finding)).collect();
    if let Some(finding) = lacking_login(catalogue, plan, answer) {
        match settled.iter_mut().find(|known| known.code == finding.code) {
            Some(known) => {
                known.jobs.extend(finding.jobs);
                known.jobs.sort_unstable();
                known.jobs.dedup();
            }
            None => settled.insert(0, finding),
        }
    }
    settled
}

const NOTHING_NEEDED: &str = "nothing has to change while another route or login gets the data out";
const NOBODY_COMES: &str = "nothing has to change: what is sent does not take this route";

/// A finding whose failing rows change nothing asks nobody for a change.
fn of_changed_need(verdicts: &[Verdict], answer: &Answer, finding: Finding) -> Finding {
    let row = |job: &JobId| verdicts.get(job.0 as usize).filter(|verdict| verdict.job == *job);
    let failing: Vec<&Verdict> = finding
        .jobs
        .iter()
        .filter_map(row)
        .filter(|verdict| !matches!(verdict.status, Status::Ok | Status::Degraded))
        .collect();
    let role = |verdict: &&Verdict| answer.roles.get(verdict.job.0 as usize).copied().unwrap_or(Role::Needed);
    let Some(strongest) = failing.iter().map(role).max() else { return finding };
    let is_of_the_row = failing.iter().all(|verdict| verdict.cause.code() == finding.code);
    match strongest {
        Role::Unused => Finding { owner: Owner::Nobody, remedy: NOBODY_COMES.to_owned(), ..finding },
        Role::Spare => Finding { owner: Owner::Nobody, remedy: NOTHING_NEEDED.to_owned(), ..finding },
        // What several rows together show may well be the cause that keeps the way closed.
        Role::Aside if is_of_the_row => Finding { owner: Owner::Nobody, ..finding },
        Role::Aside | Role::Needed => finding,
    }
}

/// A way works with a login, and some of the devices whose data is kept in cannot send it: by their version, or because
/// their own policy says so.
fn lacking_login(catalogue: &Catalogue, plan: &Plan, answer: &Answer) -> Option<Finding> {
    let lacking = answer.devices.iter().filter(|device| device.lacks_login);
    let mut jobs: Vec<JobId> = lacking.flat_map(|device| &device.because).copied().collect();
    jobs.sort_unstable();
    jobs.dedup();
    if jobs.is_empty() || answer.scope == Scope::Routes {
        return None;
    }
    // Where the version would send the login, the device's own policy keeps it back.
    let sends = |device: &&DeviceAnswer| sends_user_login(device.os, &plan.os);
    if plan.user_login() == UserLogin::SwitchedOff
        && answer.devices.iter().filter(|device| device.lacks_login).any(|device| sends(&device))
    {
        let facts = Cause::ConfUserAuthDisabled.facts();
        return Some(Finding {
            code: facts.code.to_owned(),
            title: facts.title.to_owned(),
            owner: facts.owner,
            remedy: facts.remedy.to_owned(),
            jobs,
        });
    }
    let mut hosts: Vec<&str> = Vec::new();
    for job in &jobs {
        let host = catalogue.endpoints[plan.jobs[job.0 as usize].endpoint].host.as_str();
        if !hosts.contains(&host) {
            hosts.push(host);
        }
    }
    let known = CLIENT_HAS_NO_LOGIN;
    Some(Finding {
        code: known.code.to_owned(),
        title: if answer.devices.iter().any(|device| device.lacks_login && device.os == ImpactRow::Win7To81) {
            format!("{} (for Windows 7 and 8.1 Microsoft's pages disagree)", known.title)
        } else {
            known.title.to_owned()
        },
        owner: known.owner,
        remedy: format!("{}: {}", known.remedy, judge::listed(&hosts)),
        jobs,
    })
}
