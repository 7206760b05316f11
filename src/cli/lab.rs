//! `check --lab` and `waprobe lab`: the same check against a world inside this program.

use std::path::Path;

use super::arguments::{CheckArguments, LabArguments, OutputArguments, ScopeArguments};
use super::run::{self, Setup};
use super::{Exit, Failure, files};
use crate::lab::{Blueprint, World, scenarios, story};
use crate::observation::recording::{MachineRootsNote, Roots};
use crate::plan::{FollowUps, Plan};
use crate::probe::{Access, Login};

/// `check --lab`: the story that is worth looking at.
pub(super) fn check(arguments: &CheckArguments) -> Result<Exit, Failure> {
    run_in(story(), &arguments.scope, &arguments.output, arguments.record.as_deref())
}

/// `lab list`, or the check against one scenario.
pub(super) fn run(arguments: &LabArguments) -> Result<Exit, Failure> {
    if arguments.name == "list" {
        return list();
    }
    let scenario = scenarios().into_iter().find(|scenario| scenario.name == arguments.name).ok_or_else(|| {
        Failure::usage(format!("no scenario is called '{}': 'waprobe lab list' names them", arguments.name))
    })?;
    run_in(scenario.blueprint(), &arguments.scope, &arguments.output, arguments.record.as_deref())
}

fn list() -> Result<Exit, Failure> {
    let scenarios = scenarios();
    let width = scenarios.iter().map(|scenario| scenario.name.len()).max().unwrap_or(0);
    files::print(|out| {
        for scenario in &scenarios {
            writeln!(out, "{:width$}  {}", scenario.name, scenario.title)?;
            if !scenario.codes.is_empty() {
                writeln!(out, "{:width$}  → {}", "", scenario.codes.join(", "))?;
            }
        }
        Ok(())
    })?;
    Ok(Exit::Ok)
}

fn run_in(
    blueprint: Blueprint,
    scope: &ScopeArguments,
    output: &OutputArguments,
    record: Option<&Path>,
) -> Result<Exit, Failure> {
    let (os, solutions) = run::scope(scope)?;
    let world = World::start(blueprint).map_err(|mistake| Failure::Internal(format!("could not {mistake}")))?;
    let mut plan = Plan::new(&world.catalogue, world.routes.clone(), world.budget.clone(), os, solutions);
    plan.follow_ups = FollowUps::of(&world.catalogue);
    let login = |known: &Option<(String, secrecy::SecretString)>| {
        known.clone().map(|(name, password)| Login { name, password })
    };
    let access = Access {
        user: login(&world.logins.user),
        device: login(&world.logins.device),
        device_keytab: None,
        basic_cleartext: world.logins.basic_cleartext,
    };
    let note =
        MachineRootsNote { source: "the lab".to_owned(), count: world.machine_roots.len(), problems: Vec::new() };
    let roots = Roots { machine: world.machine_roots.clone(), note, public: Some(world.public_roots.clone()) };
    let setup = Setup {
        catalogue: world.catalogue.clone(),
        // The catalogue of a world brings its own.
        anchors: std::collections::BTreeMap::new(),
        plan,
        net: world.net.clone(),
        access,
        roots,
        expectation: Some(world.expectation.clone()),
        fail_on: None,
    };
    run::execute(setup, output, record)
}
