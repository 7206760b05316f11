//! What the rows say of the device's own settings.
//!
//! In: verdicts, and the settings in the plan. Out: a line of evidence for every row that an account of the device comes by, and
//! the findings `conf.*` and `pac.file_url` where the rows bear them out. Never: another status or cause for a row.

use std::collections::{HashMap, HashSet};

use super::directions::is_out_of_reach;
use super::wording::each_once;
use super::{Cause, Finding, Grounds, Status, Verdict};
use crate::plan::{AccountSettings, DeviceSettings, Identity, Job, PlannedRoute, Way};

/// Tells every row which accounts of the device come this way.
pub(super) fn tell_accounts(grounds: &Grounds<'_>, verdicts: &mut [Verdict]) {
    let Some(settings) = &grounds.plan.settings else { return };
    for verdict in verdicts {
        let job = grounds.job(verdict);
        let route = grounds.plan.route(job);
        let accounts = settings.accounts.iter().filter(|account| account.goes(job.endpoint, route));
        let names: Vec<String> = accounts.map(as_far_as_known).collect();
        if !names.is_empty() {
            let line =
                format!("by its settings ({}) the device comes this way as {}", settings.name, names.join(" and "));
            verdict.evidence.insert(0, line);
        }
    }
}

/// The account, with what would change its way.
fn as_far_as_known(account: &AccountSettings) -> String {
    let name = &account.account;
    match account.unknown.as_slice() {
        [] => name.clone(),
        sources => format!("{name} (unless {} says otherwise, which is not known)", sources.join(" or ")),
    }
}

/// Every finding about the settings.
pub(super) fn findings(grounds: &Grounds<'_>, verdicts: &[Verdict]) -> Vec<Finding> {
    let Some(settings) = &grounds.plan.settings else { return Vec::new() };
    let rows = Rows { grounds, verdicts, settings };
    let mut found: Vec<Finding> = Vec::new();
    found.extend(rows.mismatch());
    found.extend(rows.dead_policy());
    found.extend(settings.remarks.iter().filter_map(|remark| rows.borne_out(&remark.code, &remark.evidence)));
    found
}

struct Rows<'a> {
    grounds: &'a Grounds<'a>,
    verdicts: &'a [Verdict],
    settings: &'a DeviceSettings,
}

impl<'a> Rows<'a> {
    fn job(&self, row: &Verdict) -> &'a Job {
        self.grounds.job(row)
    }

    fn route(&self, row: &Verdict) -> &'a PlannedRoute {
        self.grounds.plan.route(self.job(row))
    }

    fn of(&self, account: &AccountSettings) -> Vec<&'a Verdict> {
        let ways: HashMap<usize, &[Way]> =
            account.endpoints.iter().map(|one| (one.endpoint, one.ways.as_slice())).collect();
        let goes = |row: &&Verdict| {
            let ways = ways.get(&self.job(row).endpoint);
            ways.is_some_and(|ways| ways.iter().any(|way| way.is_of(self.route(row))))
        };
        self.verdicts.iter().filter(goes).collect()
    }

    fn failing(&self, account: &AccountSettings) -> Vec<&'a Verdict> {
        let mut failing = self.of(account);
        // Where one identity or the next proxy gets out, the device's way is not closed.
        let open: HashSet<usize> =
            failing.iter().filter(|row| gets_out(row)).map(|row| self.job(row).endpoint).collect();
        failing.retain(|row| is_stopped(row) && !open.contains(&self.job(row).endpoint));
        failing
    }

    /// The same, with the rows on a way that is closed to everybody: that no endpoint is to blame there does not open it.
    fn not_getting_out(&self, account: &AccountSettings) -> Vec<&'a Verdict> {
        let mut rows = self.of(account);
        let open: HashSet<usize> = rows.iter().filter(|row| gets_out(row)).map(|row| self.job(row).endpoint).collect();
        let is_closed = |row: &&Verdict| {
            is_stopped(row) || row.status == Status::Inconclusive && !row.cause.code().starts_with("x.")
        };
        rows.retain(|row| is_closed(row) && !open.contains(&self.job(row).endpoint));
        rows
    }

    fn finding(cause: &Cause, place: &str, rows: &[&Verdict]) -> Finding {
        let facts = cause.facts();
        Finding {
            code: facts.code.to_owned(),
            title: format!("{}{place}", facts.title),
            owner: facts.owner,
            remedy: facts.remedy.to_owned(),
            jobs: rows.iter().map(|row| row.job).collect(),
        }
    }

    /// SYSTEM, as whom the services run, stands before a closed way, and a user of the same device before an open one.
    fn mismatch(&self) -> Option<Finding> {
        let (system, users) = self.settings.accounts.split_first()?;
        let of_users = users.iter().flat_map(|user| self.of(user)).filter(|row| gets_out(row));
        let open: HashSet<usize> = of_users.map(|row| self.job(row).endpoint).collect();
        let mut stopped = self.not_getting_out(system);
        stopped.retain(|row| open.contains(&self.job(row).endpoint));
        // A policy that leads to nobody is a cause of its own, with another remedy.
        let dead: Vec<_> = self.dead_policy().into_iter().flat_map(|finding| finding.jobs).collect();
        stopped.retain(|row| !dead.contains(&row.job));
        let place =
            format!(": only the user gets out as the settings say, and SYSTEM does not ({})", self.said_of(&stopped));
        (!stopped.is_empty()).then(|| Self::finding(&Cause::ConfContextMismatch, &place, &stopped))
    }

    /// The one host of these rows, or how many there are.
    fn said_of(&self, rows: &[&Verdict]) -> String {
        match each_once(rows.iter().map(|row| self.grounds.endpoint(row).host.as_str())).as_slice() {
            [one] => (*one).to_owned(),
            several => format!("{} endpoints", several.len()),
        }
    }

    /// Nobody reaches a proxy that the policy for the diagnostic service names.
    fn dead_policy(&self) -> Option<Finding> {
        let through =
            |row: &&Verdict| self.route(row).proxy().is_some_and(|proxy| self.settings.telemetry.contains(proxy));
        let rows: Vec<&Verdict> = self.verdicts.iter().filter(through).collect();
        let is_dead = !rows.is_empty() && rows.iter().all(|row| is_out_of_reach(&row.cause));
        let proxies: Vec<String> = self.settings.telemetry.iter().map(ToString::to_string).collect();
        is_dead.then(|| Self::finding(&Cause::ConfTelemetryProxyDead, &format!(" ({})", proxies.join(", ")), &rows))
    }

    /// What the settings alone show, where the rows do not say that it does no harm.
    fn borne_out(&self, code: &str, evidence: &[String]) -> Option<Finding> {
        let cause = Cause::from_code(code)?;
        let mut failing: Vec<&Verdict> =
            self.settings.accounts.iter().flat_map(|account| self.failing(account)).collect();
        // Several accounts may come the same way.
        failing.sort_by_key(|row| row.job);
        failing.dedup_by_key(|row| row.job);
        let asks_for_a_name =
            |row: &&&Verdict| self.route(row).identity() == Some(Identity::Bypass) && row.cause == Cause::PauthRequired;
        let rows = match cause {
            // Told by [`Self::mismatch`], where the rows show it.
            Cause::ConfContextMismatch | Cause::ConfTelemetryProxyDead => return None,
            Cause::ConfUserAuthDisabled | Cause::ConfHeadlessUserAuth => {
                self.verdicts.iter().filter(|row| asks_for_a_name(&row)).collect()
            }
            Cause::ConfNone | Cause::ConfEnvOnly => failing,
            // These are wrong whatever the rows say.
            _ => self.settings.accounts.first().map(|system| self.of(system)).unwrap_or_default(),
        };
        let is_wrong_anyhow =
            matches!(cause, Cause::ConfMdeConflict | Cause::ConfScriptServiceDisabled | Cause::PacFileUrl);
        let place = if evidence.is_empty() { String::new() } else { format!(": {}", evidence.join("; ")) };
        (is_wrong_anyhow || !rows.is_empty()).then(|| Self::finding(&cause, &place, &rows))
    }
}

fn gets_out(row: &Verdict) -> bool {
    matches!(row.status, Status::Ok | Status::Degraded)
}

fn is_stopped(row: &Verdict) -> bool {
    matches!(row.status, Status::Blocked | Status::Intercepted)
}
