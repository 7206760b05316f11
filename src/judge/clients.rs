//! One row, several clients: each profile is judged by itself, and the row says the worst of them.
//!
//! In: the verdicts on every row, profile by profile. Out: one verdict per row, with what each client met. Never: a softer word
//! for a row than for its worst client, except that cipher suites that some versions share and others do not leave it open.

use std::borrow::Cow;
use std::collections::BTreeSet;

use super::{Cause, Finding, Grounds, StageTimes, Status, Verdict};
use crate::catalogue::ImpactRow;
use crate::observation::{Ask, Observation, Stage};
use crate::plan::{ClientProfile, Offered, Plan};

/// What one family of Windows versions met on a row.
#[derive(Debug, Clone)]
pub struct ClientVerdict {
    pub profile: ClientProfile,
    /// The chosen columns of versions that this is said of.
    pub columns: Vec<ImpactRow>,
    pub timings: StageTimes,
    /// What was met, where the row says something else; none where the row says the same.
    own: Option<Box<Verdict>>,
}

impl ClientVerdict {
    /// What devices of `columns` met; `own` is none where they met what the row says.
    #[must_use]
    pub fn new(profile: ClientProfile, columns: Vec<ImpactRow>, own: Option<Verdict>) -> Self {
        let timings = own.as_ref().map(|own| own.timings).unwrap_or_default();
        Self { profile, columns, timings, own: own.map(Box::new) }
    }
}

impl Verdict {
    /// What devices of `column` meet on this row. Every question about a column goes through here.
    ///
    /// The row's own verdict where all clients meet the same, for plain http, and where nobody asked as these devices do
    /// ([`Verdict::is_asked_for`]).
    #[must_use]
    pub fn for_column(&self, column: ImpactRow) -> &Verdict {
        let client = self.clients.iter().find(|client| client.columns.contains(&column));
        client.map_or(self, |client| self.of(client))
    }

    /// Whether some handshake of this row was made as devices of `column` make it; true for plain http.
    #[must_use]
    pub fn is_asked_for(&self, column: ImpactRow) -> bool {
        self.clients.is_empty() || self.clients.iter().any(|client| client.columns.contains(&column))
    }

    /// What this client of the row met.
    #[must_use]
    pub fn of<'v>(&'v self, client: &'v ClientVerdict) -> &'v Verdict {
        client.own.as_deref().unwrap_or(self)
    }

    /// The chosen columns that meet what `code` says here, where others meet something else; empty where all do.
    #[must_use]
    pub fn columns_with(&self, code: &str) -> Vec<ImpactRow> {
        let (with, without): (Vec<_>, Vec<_>) =
            self.clients.iter().partition(|client| self.of(client).cause.code() == code);
        if without.is_empty() { Vec::new() } else { with.iter().flat_map(|client| client.columns.clone()).collect() }
    }
}

/// The profiles that a plan's rows were asked with. A recording from before there were profiles offered TLS 1.3 and 1.2.
pub(super) fn asked(plan: &Plan) -> Vec<ClientProfile> {
    if plan.profiles.is_empty() { vec![ClientProfile::Tls13] } else { plan.profiles.clone() }
}

/// Whether an observation counts for `profile`.
pub(super) fn counts_for(seen: &Observation, profile: ClientProfile) -> bool {
    seen.profile().is_none_or(|own| own == profile)
}

/// The rows as one profile met them.
pub(super) fn as_met_by(profile: ClientProfile, verdicts: &[Verdict]) -> Cow<'_, [Verdict]> {
    let own = |row: &Verdict| {
        let client = row.clients.iter().find(|client| client.profile == profile);
        client.and_then(|client| client.own.as_deref()).cloned()
    };
    let differs = |row: &Verdict| row.clients.iter().any(|client| client.profile == profile && client.own.is_some());
    if !verdicts.iter().any(differs) {
        return Cow::Borrowed(verdicts);
    }
    verdicts.iter().map(|row| own(row).unwrap_or_else(|| row.clone())).collect()
}

/// What any profile met: the rows' own verdicts, and those of clients that met something else.
pub(super) fn met_by_any(verdicts: &[Verdict]) -> impl Iterator<Item = &Verdict> {
    verdicts
        .iter()
        .flat_map(|row| [row].into_iter().chain(row.clients.iter().filter_map(|client| client.own.as_deref())))
}

/// The rows, from what every profile met: `judged` has one list of verdicts per profile, each in plan order.
pub(super) fn merge(
    grounds: &Grounds<'_>,
    judged: Vec<(ClientProfile, Vec<Verdict>)>,
    observations: &[&Observation],
) -> Vec<Verdict> {
    let mut rows: Vec<Vec<(ClientProfile, Verdict)>> =
        grounds.plan.jobs.iter().map(|_| Vec::with_capacity(judged.len())).collect();
    for (profile, verdicts) in judged {
        for (row, verdict) in rows.iter_mut().zip(verdicts) {
            row.push((profile, verdict));
        }
    }
    let mut merged: Vec<Verdict> = rows.into_iter().map(|row| merge_row(grounds, row)).collect();
    for verdict in &mut merged {
        verdict.follow_ups = 0;
    }
    for seen in observations {
        let Some(row) = merged.get_mut(seen.job().0 as usize) else { continue };
        let is_follow_up = seen.follow_up().is_some();
        if seen.is_try_cut_off() || (is_follow_up && seen.was_cut_off()) {
            continue;
        }
        row.follow_ups += usize::from(is_follow_up);
        if grounds.plan.profiles.is_empty() && row.alone.map(Ask::Alone) == seen.follow_up() {
            tell_of_older_recording(grounds, row, seen);
        }
    }
    merged
}

fn merge_row(grounds: &Grounds<'_>, mut row: Vec<(ClientProfile, Verdict)>) -> Verdict {
    let os = &grounds.plan.os;
    let is_tls = row.first().is_some_and(|(_, verdict)| grounds.endpoint(verdict).is_tls());
    if !is_tls {
        // Both profiles met the same answer in clear.
        row.truncate(1);
    }
    let timings: Vec<StageTimes> = row.iter().map(|(_, verdict)| verdict.timings).collect();
    let profiles: Vec<ClientProfile> = row.iter().map(|(profile, _)| *profile).collect();
    let shared = suites(grounds, &row);
    let worst = row.iter().enumerate().max_by_key(|(_, (_, verdict))| verdict.status).map(|(place, _)| place);
    let Some(worst) = worst else { unreachable!("a row is judged as some client") };
    let mut others: Vec<Option<Verdict>> = row.into_iter().map(|(_, verdict)| Some(verdict)).collect();
    let Some(mut verdict) = others[worst].take() else { unreachable!("taken once") };
    if !is_tls {
        return verdict;
    }
    for other in others.iter().flatten() {
        for remark in &other.remarks {
            if !verdict.remarks.contains(remark) {
                verdict.remarks.push(remark.clone());
            }
        }
    }
    for other in &mut others {
        // The dialogue with a proxy is the longer one of the profile that went ahead.
        if let Some(alike) = other.take_if(|other| is_alike(other, &verdict)) {
            let new = alike.evidence.into_iter().filter(|line| !verdict.evidence.contains(line));
            let new: Vec<String> = new.collect();
            verdict.evidence.extend(new);
        }
    }
    let said: Vec<String> = profiles
        .iter()
        .zip(&others)
        .filter(|_| shared.is_none())
        .filter_map(|(profile, other)| Some((profile, other.as_ref()?)))
        .map(|(profile, other)| format!("as {} ask: {} ({})", profile.windows(), other.summary, other.cause.code()))
        .collect();
    let is_other_cause = others.iter().flatten().any(|other| other.cause != verdict.cause);
    if is_other_cause && shared.is_none() {
        verdict.summary = format!("{}; only as {} ask", verdict.summary, profiles[worst].windows());
    }
    verdict.evidence.extend(said);
    let mut clients = Vec::with_capacity(profiles.len());
    for ((profile, timings), other) in profiles.into_iter().zip(timings).zip(others) {
        let met = other.as_ref().unwrap_or(&verdict);
        let columns = profile.columns(os);
        if met.old_suite.is_none() {
            clients.push(ClientVerdict { profile, columns, timings, own: other.map(Box::new) });
            continue;
        }
        // Versions of one profile whose Schannel does not offer the suite meet something else than the others.
        for offered in [Offered::Yes, Offered::Perhaps, Offered::No] {
            let with: Vec<ImpactRow> =
                columns.iter().copied().filter(|column| suite_of(grounds, met, *column) == Some(offered)).collect();
            if with.is_empty() {
                continue;
            }
            let own = Box::new(by_suite(met.clone(), offered));
            clients.push(ClientVerdict { profile, columns: with, timings, own: Some(own) });
        }
    }
    if let Some(shared) = shared {
        verdict = by_suite(verdict, shared);
    }
    let without: Vec<ImpactRow> = clients
        .iter()
        .filter(|client| {
            client.own.as_ref().is_some_and(|own| own.old_suite.is_some() && own.status == Status::Blocked)
        })
        .flat_map(|client| client.columns.clone())
        .collect();
    if !without.is_empty() {
        verdict.evidence.push(format!("the Schannel of {} does not offer this cipher suite", titles(&without)));
    }
    for client in &mut clients {
        client.own.take_if(|own| is_alike(own, &verdict));
    }
    verdict.clients = clients;
    verdict
}

/// Whether the two say the same of one host: the same code, decided at the same place, by the same certificates.
fn is_alike(one: &Verdict, other: &Verdict) -> bool {
    let certificates = |verdict: &Verdict| verdict.chain.as_ref().map(|chain| chain.certificates.clone());
    one.status == other.status
        && one.cause == other.cause
        && one.stage == other.stage
        && certificates(one) == certificates(other)
}

/// What this column's Schannel offers of the suite that an old hello was answered with.
fn suite_of(grounds: &Grounds<'_>, verdict: &Verdict, column: ImpactRow) -> Option<Offered> {
    Some(match verdict.old_suite? {
        OldSuite::Shared => Offered::Yes,
        OldSuite::Took(suite) => crate::plan::offered(suite, column, &grounds.plan.os),
    })
}

/// Where every profile is met by old suites alone, what holds of all chosen versions together.
fn suites(grounds: &Grounds<'_>, row: &[(ClientProfile, Verdict)]) -> Option<Offered> {
    let mut answers = Vec::new();
    for (profile, verdict) in row {
        verdict.old_suite?;
        answers.extend(
            profile.columns(&grounds.plan.os).into_iter().filter_map(|column| suite_of(grounds, verdict, column)),
        );
    }
    together(&answers)
}

fn together(answers: &[Offered]) -> Option<Offered> {
    let (best, worst) = (answers.iter().min()?, answers.iter().max()?);
    Some(if best == worst { *best } else { Offered::Perhaps })
}

/// The suite by which a peer answered a hello that this program cannot finish.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OldSuite {
    /// One that Schannel of every version offers.
    Shared,
    /// This one, when it had the choice among all.
    Took(u16),
}

/// Sets status and cause by whether Schannel offers the suite. What the chain lacks beside its proof stays the worse word.
fn by_suite(mut verdict: Verdict, offered: Offered) -> Verdict {
    let (status, cause) = match offered {
        Offered::Yes => (Status::Degraded, Cause::TlsOldSuites),
        Offered::Perhaps => (Status::Inconclusive, Cause::TlsOldSuites),
        Offered::No => (Status::Blocked, Cause::TlsLegacyOnly),
    };
    verdict.status = verdict.chain.as_ref().map_or(status, |chain| status.max(chain.status));
    let detail = match offered {
        Offered::Yes => "Windows offers them, this program does not",
        Offered::Perhaps => "some of the chosen Windows versions offer them, this program does not",
        Offered::No => "none that the chosen Windows versions offer",
    };
    verdict.summary = format!("{}: {detail}", Cause::TlsOldSuites.facts().title);
    verdict.cause = cause;
    verdict.stage = Stage::Tls;
    verdict
}

/// Settles a row whose chain was read by an old hello, for the columns of `profile`.
pub(super) fn settle_suite(grounds: &Grounds<'_>, profile: ClientProfile, verdict: &mut Verdict, suite: OldSuite) {
    verdict.old_suite = Some(suite);
    let columns = profile.columns(&grounds.plan.os);
    let answers: Vec<Offered> = columns.iter().filter_map(|column| suite_of(grounds, verdict, *column)).collect();
    let offered = together(&answers).unwrap_or(Offered::Perhaps);
    let settled = by_suite(verdict.clone(), offered);
    *verdict = settled;
}

/// A recording without profiles: a handshake that came to TLS 1.2, or no handshake at all, is what older Windows meets as well.
fn tell_of_older_recording(grounds: &Grounds<'_>, row: &mut Verdict, seen: &Observation) {
    let older = ClientProfile::Tls12.columns(&grounds.plan.os);
    let is_known = row.clients.iter().any(|client| client.profile == ClientProfile::Tls12);
    if older.is_empty() || is_known || row.clients.is_empty() {
        return;
    }
    let stopped_before = matches!(seen.fault(), Some((stage, _)) if stage < Stage::Tls);
    let is_tls12 = seen.tls().and_then(|tls| tls.version.as_deref()) == Some("TLS 1.2");
    if stopped_before || is_tls12 {
        let timings = row.timings;
        row.clients.insert(0, ClientVerdict { profile: ClientProfile::Tls12, columns: older, timings, own: None });
    }
}

/// Whether a recording from before there were profiles leaves open what some chosen versions meet.
#[must_use]
pub fn is_unasked(plan: &Plan, verdicts: &[Verdict]) -> bool {
    plan.profiles.is_empty()
        && verdicts
            .iter()
            .filter(|row| row.stage >= Stage::Tls)
            .any(|row| plan.os.rows().into_iter().any(|column| !row.is_asked_for(column)))
}

/// Every verdict that a finding may come from: the rows', and those of clients that met another fault than their row says.
pub(super) fn told(verdicts: &[Verdict]) -> impl Iterator<Item = &Verdict> {
    verdicts.iter().flat_map(|row| {
        let mut told = vec![row];
        for own in row.clients.iter().filter_map(|client| client.own.as_deref()) {
            if own.status != Status::Ok && told.iter().all(|known| known.cause != own.cause) {
                told.push(own);
            }
        }
        told
    })
}

/// Says in a finding for which Windows versions it holds, where its rows let others through.
pub(super) fn limit(grounds: &Grounds<'_>, verdicts: &[Verdict], rows: &[&Verdict], found: Finding) -> Finding {
    let mut columns: BTreeSet<ImpactRow> = BTreeSet::new();
    for told in rows {
        let Some(row) = verdicts.get(told.job.0 as usize).filter(|row| !row.clients.is_empty()) else { return found };
        let alike = row.clients.iter().filter(|client| row.of(client).cause == told.cause);
        columns.extend(alike.flat_map(|client| &client.columns));
    }
    let mut found = found;
    if rows.iter().all(|row| row.old_suite.is_some() && row.cause == Cause::TlsLegacyOnly) {
        found.title = found.title.replace(Cause::TlsLegacyOnly.facts().title, NO_SUITE);
        found.remedy = found.remedy.replace(Cause::TlsLegacyOnly.facts().remedy, ENABLE_SUITES);
    }
    let os = &grounds.plan.os;
    let columns: Vec<ImpactRow> = columns.into_iter().collect();
    if grounds.plan.profiles.is_empty() || columns.is_empty() || columns == os.rows() {
        return found;
    }
    let whose = |profile: &ClientProfile| profile.columns(os) == columns;
    let (versions, is_tls12) = match ClientProfile::ALL.iter().find(|profile| whose(profile)) {
        Some(profile) => (profile.windows().to_owned(), *profile == ClientProfile::Tls12),
        None => (titles(&columns), false),
    };
    if is_tls12 && rows.iter().all(|row| row.cause.is_mute_ending()) {
        found.remedy = format!(
            "let TLS 1.2 pass to these hosts: a handshake that offers TLS 1.3 gets an answer, and these versions of Windows offer \
             TLS 1.2 at most; {}",
            found.remedy
        );
    }
    found.title = format!("{}, for {versions} only", found.title);
    found
}

/// A peer that Windows shares no cipher suite with.
const NO_SUITE: &str = "The peer accepts no cipher suite that Windows offers";
const ENABLE_SUITES: &str =
    "enable ECDHE with AES-GCM where these hosts' TLS ends (server, load balancer, inspecting device)";

fn titles(columns: &[ImpactRow]) -> String {
    columns.iter().map(|column| column.title()).collect::<Vec<_>>().join(", ")
}
