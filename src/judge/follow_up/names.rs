//! What other name servers say: whether a name is denied here alone, or everywhere.

use std::collections::BTreeSet;
use std::net::{IpAddr, SocketAddr};

use super::{LastSeen, last, on_route};
use crate::judge::chain::ChainJudge;
use crate::judge::row::chain_verdict;
use crate::judge::{Cause, Grounds, NameElsewhere, Status, Verdict, wording};
use crate::observation::{Ask, Fault, FollowUp, NameSource, Observation, Stage};
use crate::plan::PlannedRoute;

/// The names of the direct route, of every other server; where this one has no answer, also who stands there.
pub(super) fn questions(
    grounds: &Grounds<'_>,
    route: usize,
    verdicts: &[Verdict],
    observations: &LastSeen<'_>,
) -> Vec<FollowUp> {
    let resolvers = &grounds.plan.follow_ups.resolvers;
    if grounds.plan.routes[route] != PlannedRoute::Direct || resolvers.is_empty() {
        return Vec::new();
    }
    let mut asked = Vec::new();
    for row in on_route(grounds, route, verdicts) {
        let looked_up = last(observations, row)
            .and_then(Observation::dns)
            .is_some_and(|dns| matches!(dns.source, NameSource::System | NameSource::Server(_)));
        if looked_up {
            let ask = |server: &SocketAddr| match row.stage {
                Stage::Dns => Ask::WayBy(*server),
                _ => Ask::Names(*server),
            };
            asked.extend(resolvers.iter().map(|server| FollowUp::new(row.job, ask(server))));
        }
    }
    asked
}

/// Puts the other servers' words beside the rows.
pub(super) fn weigh(grounds: &Grounds<'_>, chains: &ChainJudge, verdicts: &mut [Verdict], beside: &[&Observation]) {
    for seen in beside {
        let Some(Ask::Names(server) | Ask::WayBy(server)) = seen.follow_up() else { continue };
        let verdict = &mut verdicts[seen.job().0 as usize];
        let addresses: Vec<IpAddr> = seen.dns().map(|dns| dns.addresses.clone()).unwrap_or_default();
        let tells = if addresses.is_empty() {
            let why = seen.fault().map_or_else(|| "no addresses".to_owned(), |(_, fault)| wording::fault(fault));
            let either = if verdict.addresses.is_empty() { " either" } else { "" };
            verdict.evidence.push(format!("follow-up: {server} gives no address{either}: {why}"));
            let is_denied = matches!(seen.fault(), Some((Stage::Dns, Fault::NameNotFound)));
            if is_denied { NameElsewhere::Denied } else { NameElsewhere::Unknown }
        } else {
            let endpoint = &grounds.catalogue.endpoints[grounds.plan.jobs[verdict.job.0 as usize].endpoint];
            let there = chain_verdict(grounds, chains, endpoint, seen).map(|chain| chain.status);
            let who = match there {
                Some(Status::Ok | Status::Degraded) => ", and the genuine service answers there",
                Some(Status::Intercepted) => ", and somebody else answers there",
                Some(Status::Blocked | Status::Inconclusive) => ", and the certificate there leaves open who answers",
                _ => "",
            };
            let listed = addresses.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
            verdict.evidence.push(format!("follow-up: {server} resolves the name to {listed}{who}"));
            if there.is_none() {
                remark_on_difference(verdict, &addresses);
            }
            if there == Some(Status::Ok) { NameElsewhere::Genuine } else { NameElsewhere::Resolved }
        };
        // Of several servers the one that tells most counts, whichever was asked first.
        verdict.name_elsewhere = tells.max(verdict.name_elsewhere);
    }
}

fn remark_on_difference(verdict: &mut Verdict, addresses: &[IpAddr]) {
    let is_confirmed = verdict.chain.as_ref().is_some_and(|chain| chain.status == Status::Ok);
    let is_new = !verdict.remarks.contains(&Cause::DnsDiffersOk);
    if is_confirmed && is_new && differs(verdict, addresses) {
        verdict.remarks.push(Cause::DnsDiffersOk);
    }
}

/// Whether none of `addresses` is among those that the row was given.
fn differs(verdict: &Verdict, addresses: &[IpAddr]) -> bool {
    let own: BTreeSet<&IpAddr> = verdict.addresses.iter().collect();
    addresses.iter().all(|address| !own.contains(address))
}
