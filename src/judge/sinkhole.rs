//! Answers in clear from where a name should not lead.
//!
//! In: what the rows of the direct route resolved to, whom TLS confirmed there, and who answered in clear. Out: the name's
//! fault, in place of an answer that anybody could have given. Never: a row with TLS, an answer with a sign of Microsoft.

use std::net::IpAddr;

use super::{Cause, Grounds, Status, Verdict, answer, row};
use crate::observation::Observation;

/// A web server behind a filter of names answers everything, and 404 is what the service itself says when all is well.
pub(super) fn unmask(grounds: &Grounds<'_>, attempts: &[Vec<&Observation>], verdicts: &mut [Verdict]) {
    let misled = |verdict: &Verdict| {
        let seen = attempts[verdict.job.0 as usize].last()?;
        row::sinkhole(grounds.plan.route(&grounds.plan.jobs[verdict.job.0 as usize]), seen)
    };
    let by_filter = |verdict: &Verdict| {
        let seen = attempts[verdict.job.0 as usize].last()?;
        row::named_filter(grounds.plan.route(grounds.job(verdict)), seen)
    };
    // Where the services themselves stand at such addresses, as behind a private link, their neighbours say nothing.
    let met: Vec<IpAddr> = verdicts
        .iter()
        .filter(|verdict| {
            let chain = verdict.chain.as_ref();
            chain.is_some_and(|chain| matches!(chain.status, Status::Ok | Status::Degraded))
                && misled(verdict).is_some()
        })
        .flat_map(|verdict| verdict.addresses.clone())
        .collect();
    for verdict in verdicts.iter_mut() {
        let place = verdict.job.0 as usize;
        let is_tls = grounds.catalogue.endpoints[grounds.plan.jobs[place].endpoint].is_tls();
        let answered = attempts[place].last().and_then(|seen| seen.http());
        let is_anybodys = !is_tls && answered.is_some_and(|answered| !answer::has_identity(answered));
        let is_beside_a_service =
            || verdict.addresses.iter().any(|one| met.iter().any(|other| are_neighbours(*one, *other)));
        // A portal says itself what it wants, unless the name server says that a filter is there.
        let by_address = || {
            let counts = verdict.cause != Cause::HttpPortal && !is_beside_a_service();
            counts.then(|| misled(verdict)).flatten()
        };
        if let Some(opinion) = is_anybodys.then(|| by_filter(verdict).or_else(by_address)).flatten() {
            verdict.summary = opinion.summary();
            verdict.status = opinion.status;
            verdict.stage = opinion.stage;
            verdict.cause = opinion.cause;
            verdict.product = opinion.product;
            // Now the row's own cause.
            verdict.remarks.retain(|remark| *remark != Cause::DnsFilterVendorIp);
        }
    }
}

/// Whether one network of a site may hold both: the first 16 bits of version 4, the first 48 of version 6.
fn are_neighbours(one: IpAddr, other: IpAddr) -> bool {
    if one.is_loopback() && other.is_loopback() {
        return true;
    }
    match (one, other) {
        (IpAddr::V4(one), IpAddr::V4(other)) => one.octets()[..2] == other.octets()[..2],
        (IpAddr::V6(one), IpAddr::V6(other)) => one.octets()[..6] == other.octets()[..6],
        _ => false,
    }
}
