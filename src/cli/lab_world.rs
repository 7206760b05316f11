//! A world inside this program, made ready for a check.
//!
//! In: a blueprint, and what is asked. Out: the running world, and the check of everything in it. Never: a verdict.

use std::path::Path;

use super::Failure;
use super::check::{script_of, settings_of};
use super::device_registry::DeviceRegistry;
use super::run::Setup;
use super::script::{self, Wanted};
use super::show::Expected;
use crate::catalogue::{OsSelection, Solution};
use crate::lab::{Blueprint, ScriptPlace, World};
use crate::observation::recording::{MachineRootsNote, Roots};
use crate::plan::{self, Identity, Plan, PlannedRoute, Proxy, SchemeChoice};
use crate::probe::{Access, Login};
use crate::registry::Snapshot;

/// How the lab is called where others name a file.
pub(super) const LAB: &str = "the lab";

pub(super) fn start(blueprint: Blueprint) -> Result<World, Failure> {
    World::start(blueprint).map_err(|mistake| Failure::Internal(format!("could not {mistake}")))
}

/// The world's routes, and those that its script and its device's settings name: without credentials, as a device tries them
/// first.
fn plan(world: &World, os: OsSelection, solutions: Vec<Solution>) -> Result<Plan, Failure> {
    let endpoints = Plan::endpoints(&world.catalogue, &os, &solutions);
    let settings = match &world.settings {
        None => None,
        Some(export) => {
            let snapshot = Snapshot::read(export.as_bytes())
                .map_err(|mistake| Failure::Internal(format!("the lab's registry, {mistake}")))?;
            let device = DeviceRegistry { name: "the lab's device".to_owned(), snapshot };
            Some(settings_of(&device, &world.catalogue, &endpoints))
        }
    };
    let wanted = match world.script {
        Some(ScriptPlace::At(url)) => Some(Wanted::At(Path::new(url))),
        Some(ScriptPlace::ByWpad(domain)) => Some(Wanted::ByWpad(domain)),
        None => settings.as_ref().and_then(script_of).transpose()?,
    };
    let directions = match wanted {
        None => None,
        Some(wanted) => {
            let (longest, no_roots) = (world.budget.total, &rustls::RootCertStore::empty);
            let found = script::find(wanted, &world.net, longest, no_roots)?;
            Some(script::directions(found, &world.net, &world.catalogue, &endpoints, longest)?)
        }
    };
    let through = |proxy: &Proxy| {
        vec![PlannedRoute::Proxy { proxy: proxy.clone(), identity: Identity::Bypass, scheme: SchemeChoice::Auto }]
    };
    let mut paths: Vec<plan::Path> = world.routes.iter().cloned().map(plan::Path::for_all).collect();
    paths.extend(directions.iter().flat_map(|directions| directions.paths(true, through)));
    paths.extend(settings.iter().flat_map(|settings| settings.paths(true, through)));
    let mut plan = Plan::along(&world.catalogue, paths, world.budget.clone(), os, solutions);
    plan.directions = directions;
    plan.settings = settings;
    Ok(plan)
}

/// The check of everything in `world`.
pub(super) fn setup(world: &World, os: OsSelection, solutions: Vec<Solution>) -> Result<Setup, Failure> {
    let mut plan = plan(world, os, solutions)?;
    plan.follow_ups = world.follow_ups.clone();
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
        MachineRootsNote { source: LAB.to_owned(), count: world.machine_roots.len(), ..MachineRootsNote::default() };
    let roots = Roots {
        machine: world.machine_roots.clone(),
        note,
        public: Some(world.public_roots.clone()),
        ..Roots::default()
    };
    let planned: Vec<&str> =
        plan.jobs.iter().map(|job| world.catalogue.endpoints[job.endpoint].name.as_str()).collect();
    let expectation = expected_of(&world.expectation, &planned)?;
    Ok(Setup {
        catalogue: world.catalogue.clone(),
        // The catalogue of a world brings its own.
        anchors: std::collections::BTreeMap::new(),
        plan,
        net: world.net.clone(),
        access,
        roots,
        expectation: Some(Expected { origin: LAB.to_owned(), text: expectation, is_lab: true }),
        fail_on: None,
    })
}

/// What a world says about its rows, as far as these endpoints are asked: `--os` and `--solution` leave some out.
fn expected_of(text: &str, planned: &[&str]) -> Result<String, Failure> {
    let unreadable = |error: &dyn std::fmt::Display| Failure::Internal(format!("the lab's expectations: {error}"));
    let mut file: toml::Table = toml::from_str(text).map_err(|error| unreadable(&error))?;
    if let Some(toml::Value::Array(entries)) = file.get_mut("expect") {
        entries.retain_mut(|entry| {
            let Some(toml::Value::Array(endpoints)) = entry.get_mut("endpoints") else { return true };
            endpoints.retain(|name| name.as_str().is_none_or(|name| name.contains('*') || planned.contains(&name)));
            !endpoints.is_empty()
        });
    }
    toml::to_string(&file).map_err(|error| unreadable(&error))
}
