//! `check --lab` and `waprobe lab`: the same check against a world inside this program.

use std::path::Path;

use super::arguments::{CheckArguments, LabArguments, OutputArguments, ScopeArguments};
use super::lab_world::{setup, start};
use super::{Exit, Failure, files, lab_up, run as network};
use crate::lab::{Blueprint, scenarios, story};

/// `check --lab`: the story that is worth looking at.
pub(super) fn check(arguments: &CheckArguments) -> Result<Exit, Failure> {
    run_in(story(), &arguments.scope, &arguments.output, arguments.record.as_deref())
}

/// `lab list`, `lab up`, or the check against one scenario.
pub(super) fn run(arguments: &LabArguments) -> Result<Exit, Failure> {
    if arguments.name == UP {
        let scenario = arguments.scenario.as_deref();
        let blueprint = scenario.map_or_else(|| Ok(story()), blueprint_of)?;
        return lab_up::up(scenario, &blueprint, arguments.folder.as_deref());
    }
    if arguments.scenario.is_some() || arguments.folder.is_some() {
        return Err(Failure::usage("a second name and --folder belong to 'waprobe lab up'"));
    }
    if arguments.name == "list" {
        return list();
    }
    run_in(blueprint_of(&arguments.name)?, &arguments.scope, &arguments.output, arguments.record.as_deref())
}

/// The word for the servers without a check.
const UP: &str = "up";

fn blueprint_of(name: &str) -> Result<Blueprint, Failure> {
    let scenario = scenarios().into_iter().find(|scenario| scenario.name == name);
    let scenario = scenario.ok_or_else(|| {
        Failure::usage(format!(
            "no scenario is called '{}': 'waprobe lab list' names them",
            crate::catalogue::quotable(name)
        ))
    })?;
    Ok(scenario.blueprint())
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
    let (os, solutions) = network::scope(scope)?;
    let world = start(blueprint)?;
    network::execute(setup(&world, os, solutions)?, output, record)
}
