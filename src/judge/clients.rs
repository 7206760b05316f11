//! One row, several clients: each profile is judged by itself, and the row says the worst of them.
//!
//! In: the verdicts on every row, profile by profile. Out: one verdict per row, with what each client met. Never: a softer word
//! for a row than for its worst client, except that cipher suites that some versions share and others do not leave it open.

use std::borrow::Cow;

use super::{Cause, Finding, Grounds, StageTimes, Status, Verdict};
use crate::catalogue::ImpactRow;
use crate::observation::{Observation, Stage};
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
        if seen.follow_up().is_some() {
            row.follow_ups += 1;
        } else if grounds.plan.profiles.is_empty() {
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
    for other in others.iter_mut() {
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
        .filter_map(|(profile, other)| Some((profile, other.as_ref()?)))
        .map(|(profile, other)| format!("as {} ask: {} ({})", asking(*profile), other.summary, other.cause.code()))
        .collect();
    if let Some((_, other)) = profiles.iter().zip(&others).find(|(_, other)| other.is_some()) {
        let is_other_cause = other.as_ref().is_some_and(|other| other.cause != verdict.cause);
        if is_other_cause {
            verdict.summary = format!("{}; only as {} ask", verdict.summary, asking(profiles[worst]));
        }
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
    let by_chain = verdict.chain.as_ref().map(|chain| chain.status).filter(|status| *status == Status::Inconclusive);
    verdict.status = by_chain.map_or(status, |by_chain| status.max(by_chain));
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

/// Every verdict that a finding may come from: the rows', and those of clients that met another fault than their row says.
pub(super) fn told(verdicts: &[Verdict]) -> impl Iterator<Item = &Verdict> {
    verdicts.iter().flat_map(|row| {
        let others = row.clients.iter().filter_map(move |client| {
            let own = client.own.as_deref()?;
            (own.status != Status::Ok && own.cause != row.cause).then_some(own)
        });
        std::iter::once(row).chain(others)
    })
}

/// Says in a finding for which Windows versions it holds, where its rows let others through.
pub(super) fn limit(grounds: &Grounds<'_>, verdicts: &[Verdict], rows: &[&Verdict], found: Finding) -> Finding {
    let mut concerned: Vec<ClientProfile> = Vec::new();
    for told in rows {
        let Some(row) = verdicts.get(told.job.0 as usize) else { return found };
        if row.clients.is_empty() {
            return found;
        }
        for client in row.clients.iter().filter(|client| row.of(client).cause == told.cause) {
            if !concerned.contains(&client.profile) {
                concerned.push(client.profile);
            }
        }
    }
    let [profile] = concerned.as_slice() else { return found };
    if asked(grounds.plan).len() < 2 || grounds.plan.profiles.is_empty() {
        return found;
    }
    let remedy = match (profile, rows.iter().all(|row| super::follow_up::is_mute(&row.cause))) {
        (ClientProfile::Tls12, true) => format!(
            "let TLS 1.2 pass to these hosts: a handshake that offers TLS 1.3 gets an answer, and {} speak nothing newer than 1.2; \
             {}",
            asking(*profile),
            found.remedy
        ),
        _ => found.remedy,
    };
    Finding { title: format!("{}, for {} only", found.title, asking(*profile)), remedy, ..found }
}

/// The Windows versions of a profile, in a sentence.
fn asking(profile: ClientProfile) -> &'static str {
    match profile {
        ClientProfile::Tls12 => "Windows 10, Server 2019 and older (TLS 1.2)",
        ClientProfile::Tls13 => "Windows 11, Server 2022 and later (TLS 1.3)",
    }
}
