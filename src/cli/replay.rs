//! `waprobe replay`: a recording judged again, with nothing of this machine, not even its clock.

use std::io::BufReader;
use std::path::Path;
use std::sync::Arc;

use super::arguments::{ReplayArguments, TrustArguments};
use super::files;
use super::lab_world::LAB;
use super::outputs::Outputs;
use super::show::{self, Expected, Seen};
use super::{Exit, Failure};
use crate::catalogue::{Catalogue, Endpoint};
use crate::observation::recording;
use crate::plan::Plan;

pub(super) fn run(arguments: &ReplayArguments) -> Result<Exit, Failure> {
    let path = &arguments.recording;
    let mut seen = seen(path, &arguments.trust)?;
    if let Some(path) = &arguments.verdict.expect {
        seen.expectation = Some(Expected::of_file(path)?);
    }
    if let Some(list) = &arguments.verdict.fail_on {
        seen.header.fail_on = Some(list.clone());
        seen.expectation = None;
    }
    show::check_verdict_arguments(
        seen.expectation.as_ref(),
        seen.header.fail_on.as_deref(),
        arguments.output.baseline.is_some(),
    )?;
    let outputs = Outputs::open(&arguments.output, &[("the recording", path)])?;
    show::conclude(outputs, seen)
}

/// What a recording holds, with the catalogue, anchors and roots of the command line where it names any.
pub(super) fn seen(path: &Path, trust: &TrustArguments) -> Result<Seen, Failure> {
    let mut recording = recording::read(BufReader::new(files::open(path)?))
        .map_err(|mistake| Failure::usage(format!("{}: {mistake}", files::name(path))))?;

    let recorded = Catalogue::read(recording.header.catalogue.clone())
        .map_err(|complaints| Failure::usage(format!("the catalogue inside the recording is broken\n{complaints}")))?;
    check_endpoints(&recording.header.plan, &recorded)?;
    let mut catalogue = if let Some(path) = &trust.catalogue {
        let other = files::catalogue_file(Some(path))?;
        carry_over(&mut recording.header.plan, &recorded, &other)?;
        other
    } else {
        let mut recorded = recorded;
        files::apply_anchors(&mut recorded, &recording.header.anchors)?;
        recorded
    };
    files::apply_anchors(&mut catalogue, &files::anchors(&trust.anchors)?)?;
    if !trust.machine_roots.is_empty() {
        recording.roots = files::machine_roots(&trust.machine_roots)?;
    }
    let recorded = recording.header.expectation.take();
    let is_lab = recording.header.machine_roots.source == LAB;
    let expectation =
        recorded.map(|text| Expected { origin: "the expectations in the recording".to_owned(), text, is_lab });
    let mut observations = recording.observations;
    recording::in_plan_order(&mut observations);
    Ok(Seen {
        expectation,
        header: recording.header,
        catalogue: Arc::new(catalogue),
        roots: recording.roots,
        observations,
        verdicts: None,
        duration: recording.duration,
        ended: recording.ended,
        remarks: recording.remarks,
        failure: None,
    })
}

fn check_endpoints(plan: &Plan, catalogue: &Catalogue) -> Result<(), Failure> {
    let mut directions = plan.directions.iter().flat_map(|directions| &directions.endpoints);
    if let Some(direction) = directions.find(|direction| direction.endpoint >= catalogue.endpoints.len()) {
        return Err(Failure::usage(format!(
            "the recording's script speaks of endpoint {}, and its catalogue has {}",
            direction.endpoint,
            catalogue.endpoints.len()
        )));
    }
    let mut ways = plan.settings.iter().flat_map(|settings| &settings.accounts).flat_map(|account| &account.endpoints);
    if let Some(ways) = ways.find(|ways| ways.endpoint >= catalogue.endpoints.len()) {
        return Err(Failure::usage(format!(
            "the recording's settings speak of endpoint {}, and its catalogue has {}",
            ways.endpoint,
            catalogue.endpoints.len()
        )));
    }
    match plan.jobs.iter().find(|job| job.endpoint >= catalogue.endpoints.len()) {
        None => Ok(()),
        Some(job) => Err(Failure::usage(format!(
            "the recording's job {} names endpoint {}, and its catalogue has {}",
            job.id.0,
            job.endpoint,
            catalogue.endpoints.len()
        ))),
    }
}

/// Another catalogue may order its endpoints otherwise; what was probed is found by name.
fn carry_over(plan: &mut Plan, recorded: &Catalogue, other: &Catalogue) -> Result<(), Failure> {
    let place = |endpoint: usize| {
        let was = &recorded.endpoints[endpoint];
        let is_it = |endpoint: &Endpoint| endpoint.name == was.name && endpoint.url == was.url;
        other.endpoints.iter().position(is_it).ok_or_else(|| {
            Failure::usage(format!(
                "the recording probed {} ({}), and the catalogue given has no such endpoint",
                was.name, was.host
            ))
        })
    };
    for job in &mut plan.jobs {
        job.endpoint = place(job.endpoint)?;
    }
    for direction in plan.directions.iter_mut().flat_map(|directions| &mut directions.endpoints) {
        direction.endpoint = place(direction.endpoint)?;
    }
    let accounts = plan.settings.iter_mut().flat_map(|settings| &mut settings.accounts);
    for ways in accounts.flat_map(|account| &mut account.endpoints) {
        ways.endpoint = place(ways.endpoint)?;
    }
    Ok(())
}
