//! `waprobe diagnose`: why does this device not appear?
//!
//! The device's settings from a snapshot, the network from here, from a recording or from the lab, one answer.

use std::path::{Path, PathBuf};

use clap::{Args, Parser};

use super::arguments::{AccountArguments, CheckArguments, Color, Format, TrustArguments, duration};
use super::device::{Device, DeviceArguments};
use super::device_registry::DeviceRegistry;
use super::run::{Setup, watched};
use super::show::Seen;
use super::wishes::Wishes;
use super::{Exit, Failure, check, files, lab_world, replay, show, terminal};
use crate::lab::{scenarios, story};
use crate::observation::Ended;
use crate::plan::Plan;
use crate::registry::Snapshot;
use crate::report;
use crate::report::diagnosis::{self, Answer, Needed, Viewpoint, diagnose};

/// The device that `--lab` speaks of when no other is given: its level is too low for Device Health.
const LAB_DEVICE: &[u8] = include_bytes!("../../fixtures/enroll/basic-where-enhanced-is-needed.reg");
/// The scenario of `check --lab`.
const STORY: &str = "story";

#[derive(Debug, Args)]
pub(super) struct DiagnoseArguments {
    #[command(flatten)]
    device: DeviceArguments,

    /// Take the network from this recording of `check --record`, best one made on the device. Default: the network from here.
    #[arg(long, value_name = "FILE", conflicts_with = "lab", help_heading = "Network")]
    recording: Option<PathBuf>,

    /// For trying: a network inside this program, and a device of its own where no snapshot is given.
    #[arg(long, value_name = "NAME", num_args = 0..=1, default_missing_value = STORY, help_heading = "Network")]
    lab: Option<String>,

    #[command(flatten)]
    network: NetworkArguments,

    #[command(flatten)]
    trust: TrustArguments,

    /// What goes to standard output.
    #[arg(long, value_enum, default_value_t = Format::Table, help_heading = "Output")]
    format: Format,

    /// Keep what was seen of the network, to be judged again by `replay`.
    #[arg(long, value_name = "FILE", conflicts_with = "recording", help_heading = "Output")]
    record: Option<PathBuf>,

    /// When to use colour.
    #[arg(long, value_enum, default_value_t = Color::Auto, help_heading = "Output")]
    color: Color,

    #[command(flatten)]
    account: AccountArguments,
}

impl DiagnoseArguments {
    /// What another process needs to do this.
    pub(super) fn wishes(&self) -> Wishes<'_> {
        let DeviceArguments { snapshot, compare, .. } = &self.device;
        let mut inputs: Vec<&Path> =
            snapshot.iter().chain(compare).chain(&self.recording).map(PathBuf::as_path).collect();
        inputs.extend(self.trust.machine_roots.iter().map(PathBuf::as_path));
        Wishes {
            account: &self.account,
            inputs,
            script: self.network.pac.as_deref(),
            trust: Some(&self.trust),
            password_files: self.network.proxy_password_file.iter().map(PathBuf::as_path).collect(),
            records: self.record.as_deref(),
            timeout: self.network.timeout.as_deref().and_then(|text| duration(text).ok()),
            ..Wishes::default()
        }
    }
}

/// The options of `check` that say how devices get out; who needs the others records a check and gives the recording.
#[derive(Debug, Args)]
#[group(conflicts_with_all = ["recording", "lab"], multiple = true)]
struct NetworkArguments {
    /// A proxy to try, as http://host:port, https://host:port or socks5://host:port. Default: the ways that the device's own
    /// settings lead by, as far as they are known.
    // Read later: clap repeats a value that it refuses, and this one may hold a password.
    #[arg(long, value_name = "URL", help_heading = "Network")]
    proxy: Vec<String>,

    /// Let a script that chooses proxies (PAC) say which endpoint goes where: a file, its address, or -.
    #[arg(long, value_name = "FILE|URL", help_heading = "Network")]
    pac: Option<PathBuf>,

    /// Leave the direct route out; with a script, only as a way to fall back on.
    #[arg(long, help_heading = "Network")]
    no_direct: bool,

    /// The user's name for the proxy; one that ends in $ is a machine account.
    #[arg(long, value_name = "NAME", requires = "proxy_password_file", help_heading = "Network")]
    proxy_user: Option<String>,

    /// A file that holds the password of --proxy-user.
    #[arg(long, value_name = "FILE", requires = "proxy_user", help_heading = "Network")]
    proxy_password_file: Option<PathBuf>,

    /// Ask this DNS server and no other.
    #[arg(long, value_name = "ADDR:PORT", help_heading = "Network")]
    resolver: Option<String>,

    /// Connect there instead, as curl does it.
    #[arg(long, value_name = "HOST:PORT=ADDR:PORT", help_heading = "Network")]
    connect_to: Vec<String>,

    /// The longest the network check may take.
    #[arg(long, value_name = "TIME", help_heading = "Network")]
    timeout: Option<String>,
}

pub(super) fn run(arguments: &DiagnoseArguments) -> Result<Exit, Failure> {
    let (checkup, device) = match (&arguments.device.snapshot, &arguments.lab) {
        (None, Some(_)) => {
            let snapshot = Snapshot::read(LAB_DEVICE).map_err(|mistake| Failure::Internal(mistake.to_string()))?;
            arguments.device.judge(&snapshot)?
        }
        _ => arguments.device.checkup()?,
    };
    let Watched { mut seen, viewpoint, doubt } = network(arguments, &device)?;
    // The recording may be of every version; the answer is about this one.
    seen.header.plan.os = device.os.clone();
    seen.header.plan.solutions.clone_from(&device.solutions);
    if arguments.lab.is_none() {
        by_its_own_settings(arguments, &mut seen)?;
    }
    let needed = Needed::of(&seen.catalogue, &device.solutions, &device.os);
    let report = show::report_of(&mut seen);
    let mut diagnosis = diagnose(&checkup, &report, &needed, &viewpoint);
    diagnosis.doubts.extend(doubt);
    let exit = exit(diagnosis.answer, seen.ended);
    files::print(|mut out| match arguments.format {
        Format::Json => report::json::write(&diagnosis, &mut out),
        Format::Table => diagnosis::write(&diagnosis, exit.code(), terminal::layout(arguments.color, false), &mut out),
    })?;
    match seen.failure {
        Some(failure) => Err(failure),
        None => Ok(exit),
    }
}

fn exit(answer: Answer, ended: Ended) -> Exit {
    match answer {
        _ if ended == Ended::Interrupted => Exit::Interrupted,
        Answer::Absent | Answer::Incomplete => Exit::Findings,
        Answer::Unclear if ended != Ended::Complete => Exit::Partial,
        Answer::Unclear => Exit::Inconclusive,
        Answer::Wait => Exit::Ok,
    }
}

/// The network's half.
struct Watched {
    seen: Seen,
    viewpoint: Viewpoint,
    /// Why the device's own ways were not those that were tried.
    doubt: Option<String>,
}

fn network(arguments: &DiagnoseArguments, device: &Device) -> Result<Watched, Failure> {
    if let Some(path) = &arguments.recording {
        let viewpoint = Viewpoint::Recording(files::name(path));
        return Ok(Watched { seen: replay::seen(path, &arguments.trust)?, viewpoint, doubt: None });
    }
    let record = arguments.record.as_deref();
    if let Some(name) = &arguments.lab {
        return Ok(Watched { seen: in_the_lab(name, device, record)?, viewpoint: Viewpoint::Lab, doubt: None });
    }
    let line = arguments.network.command_line(device, &arguments.trust);
    let CheckLine { check } = CheckLine::try_parse_from(line).map_err(|mistake| Failure::usage(mistake.to_string()))?;
    let (setup, doubt) = by_its_own_ways(arguments, &check)?;
    let viewpoint = if arguments.device.snapshot.is_none() { Viewpoint::Device } else { Viewpoint::Elsewhere };
    Ok(Watched { seen: watched(setup, record)?, viewpoint, doubt })
}

/// The ways that the device's settings lead by, where the command line names none; what they do not say, or what cannot be asked
/// from here, leaves the direct route.
fn by_its_own_ways(arguments: &DiagnoseArguments, check: &CheckArguments) -> Result<(Setup, Option<String>), Failure> {
    let is_named = !check.proxy.is_empty() || check.pac.is_some();
    let device = if is_named { None } else { registry_of(arguments)? };
    let Some(device) = device else { return Ok((check::of_device(check, None)?, None)) };
    if device.says_nothing() {
        let doubt = "Which proxy the device uses, the snapshot does not say: the direct route alone was tried. `waprobe proxy` \
                     names the keys to export with it; --proxy and --pac say it here.";
        return Ok((check::of_device(check, None)?, Some(doubt.to_owned())));
    }
    match check::of_device(check, Some(&device)) {
        Ok(setup) => Ok((setup, None)),
        Err(failure) => {
            // A mistake of the command line stays one without the device.
            let setup = check::of_device(check, None)?;
            let why = failure.to_string();
            let why = why.lines().next().unwrap_or_default();
            let doubt =
                format!("The ways of the device's own settings could not be tried, the direct route was: {why}.");
            Ok((setup, Some(doubt)))
        }
    }
}

/// What the device's settings say of its ways and its logins counts for a network that was tested without them too: a recording,
/// or proxies that the command line names.
fn by_its_own_settings(arguments: &DiagnoseArguments, seen: &mut Seen) -> Result<(), Failure> {
    let Some(device) = registry_of(arguments)? else { return Ok(()) };
    let plan = &mut seen.header.plan;
    let endpoints = Plan::endpoints(&seen.catalogue, &plan.os, &plan.solutions);
    let settings = check::settings_of(&device, &seen.catalogue, &endpoints);
    plan.user_login = Some(settings.user_login());
    // Whoever names a proxy asks about that one.
    let is_recorded_without = arguments.recording.is_some() && plan.settings.is_none() && !device.says_nothing();
    if is_recorded_without {
        plan.settings = Some(settings);
    }
    Ok(())
}

fn registry_of(arguments: &DiagnoseArguments) -> Result<Option<DeviceRegistry>, Failure> {
    match &arguments.device.snapshot {
        Some(path) => DeviceRegistry::read(std::slice::from_ref(path)),
        None => Ok(DeviceRegistry::live()),
    }
}

fn in_the_lab(name: &str, device: &Device, record: Option<&Path>) -> Result<Seen, Failure> {
    let blueprint = if name == STORY {
        story()
    } else {
        let scenario = scenarios().into_iter().find(|scenario| scenario.name == name);
        let unknown = || Failure::usage(format!("no scenario is called '{name}': 'waprobe lab list' names them"));
        scenario.ok_or_else(unknown)?.blueprint()
    };
    let world = lab_world::start(blueprint)?;
    watched(lab_world::setup(&world, device.os.clone(), device.solutions.clone())?, record)
}

/// The options of `check`, as a command line of their own.
#[derive(Debug, Parser)]
#[command(name = "waprobe check")]
struct CheckLine {
    #[command(flatten)]
    check: CheckArguments,
}

impl NetworkArguments {
    /// The same as arguments of `waprobe check`, which reads and checks them: what holds there holds here.
    fn command_line(&self, device: &Device, trust: &TrustArguments) -> Vec<std::ffi::OsString> {
        let mut line: Vec<std::ffi::OsString> = vec!["waprobe check".into()];
        let mut add = |name: &str, value: &dyn AsRef<std::ffi::OsStr>| {
            let mut argument = std::ffi::OsString::from(format!("--{name}="));
            argument.push(value);
            line.push(argument);
        };
        if device.os != crate::catalogue::OsSelection::all() {
            add("os", &device.os.label);
        }
        for solution in &device.solutions {
            add("solution", &solution.id());
        }
        for proxy in &self.proxy {
            add("proxy", proxy);
        }
        for (name, path) in
            [("pac", &self.pac), ("proxy-password-file", &self.proxy_password_file), ("catalogue", &trust.catalogue)]
        {
            if let Some(path) = path {
                add(name, path);
            }
        }
        for (name, text) in [("proxy-user", &self.proxy_user), ("resolver", &self.resolver), ("timeout", &self.timeout)]
        {
            if let Some(text) = text {
                add(name, text);
            }
        }
        for anchors in &trust.anchors {
            add("anchors", anchors);
        }
        for roots in &trust.machine_roots {
            add("machine-roots", roots);
        }
        for rule in &self.connect_to {
            add("connect-to", rule);
        }
        if self.no_direct {
            line.push("--no-direct".into());
        }
        line
    }
}
