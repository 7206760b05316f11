//! `waprobe proxy`: which proxy Windows would use, as SYSTEM and as the user, and why.

use std::io::{self, Write};
use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use schemars::JsonSchema;
use serde::Serialize;

use super::arguments::{AccountArguments, Color, Format, ScopeArguments};
use super::beside::{self, Beside};
use super::device_registry::{self, DeviceRegistry, target};
use super::run::{self, scope};
use super::terminal::{self, write_prose};
use super::{Exit, Failure, files};
use crate::harmless::sanitize;
use crate::judge::{Cause, Owner};
use crate::net::Net;
use crate::proxies::settings::{Target, not_fetched};
use crate::proxies::{
    Account, Advice, ClientProxy, Overview, Setting, Source, Trace, UserProxy, VARIABLES, Way, in_words,
};
use crate::report::{json, wording};

#[derive(Debug, Args)]
pub(super) struct ProxyArguments {
    /// A part of the device's registry, made by reg export, or its snapshot (waprobe enroll snapshot); may be repeated. Without it, or with `this`, Windows' own settings
    /// are read, and elsewhere only the environment is shown.
    #[arg(long, value_name = "FILE.reg|FILE.json")]
    pub registry: Vec<PathBuf>,

    /// Read the settings alone: on Windows, ask neither WinHTTP nor a script's server what they answer.
    #[arg(long)]
    pub settings_only: bool,

    /// Connect from here to the proxies that the settings name, to see whether somebody listens; nothing is sent.
    #[arg(long)]
    #[cfg_attr(not(windows), arg(requires = "registry"))]
    pub connect: bool,

    /// A catalogue in place of the one inside this program.
    #[arg(long, value_name = "FILE")]
    pub catalogue: Option<PathBuf>,

    #[command(flatten)]
    pub scope: ScopeArguments,

    /// What goes to standard output.
    #[arg(long, value_enum, default_value_t = Format::Table)]
    pub format: Format,

    #[command(flatten)]
    pub account: AccountArguments,
}

/// How to make the file, said where it is missing.
const EXPORT: &str = r#"  reg export "HKLM\SOFTWARE\Policies" policies.reg
  reg export "HKLM\SOFTWARE\Microsoft\Windows\CurrentVersion\Internet Settings" machine.reg
  reg export "HKCU\SOFTWARE\Microsoft\Windows\CurrentVersion\Internet Settings" user.reg
  reg export "HKU\S-1-5-18\SOFTWARE\Microsoft\Windows\CurrentVersion\Internet Settings" system.reg"#;

pub(super) fn run(arguments: &ProxyArguments) -> Result<Exit, Failure> {
    let read =
        if arguments.registry.is_empty() { DeviceRegistry::live() } else { DeviceRegistry::read(&arguments.registry)? };
    let Some(DeviceRegistry { name, snapshot, .. }) = read else { return environment(arguments.format) };
    let catalogue = files::catalogue_file(arguments.catalogue.as_deref())?;
    let (os, solutions) = scope(&arguments.scope)?;
    let targets: Vec<Target> =
        catalogue.endpoints.iter().filter(|endpoint| endpoint.applies(&solutions, &os)).map(target).collect();
    let mut overview = Overview::of(&snapshot, &targets);
    let reached = if arguments.connect { reach(&overview.proxies())? } else { Vec::new() };
    let failures = |proxies: &[String]| -> Vec<String> {
        let failed = reached.iter().filter(|reach| proxies.contains(&reach.proxy));
        failed.filter_map(|reach| Some(format!("{}: {}", reach.proxy, reach.failure.as_ref()?))).collect()
    };
    let telemetry = overview.telemetry_proxies();
    let dead = failures(&telemetry);
    if !dead.is_empty() && dead.len() == telemetry.len() {
        overview.telemetry_proxy_is_dead(dead);
    }
    let is_live = name == device_registry::LIVE;
    let beside =
        if is_live && !arguments.settings_only { beside::ask_for(&overview.traces, &targets) } else { Vec::new() };
    // Settings that name no proxy are no reason for one to be missing where the network names it.
    if beside.iter().any(Beside::names_a_proxy) {
        overview.advice.retain(|advice| advice.code != "conf.none");
    }
    let found = Found { name, files: &arguments.registry, overview, targets, reached, beside };
    let layout = terminal::layout(Color::Never, false);
    files::print(|mut out| match arguments.format {
        Format::Json => json::write(&Document::new(&found), &mut out),
        Format::Table => write_text(&found, layout.width, &mut out),
    })?;
    Ok(Exit::Ok)
}

/// Everything that is shown.
struct Found<'a> {
    /// Where the settings were read.
    name: String,
    /// The same as `--registry` names it.
    files: &'a [PathBuf],
    overview: Overview,
    targets: Vec<Target>,
    reached: Vec<Reached>,
    /// WinHTTP's own answers, where there are any.
    beside: Vec<Beside>,
}

/// More proxies than this are not connected to.
const MOST_REACHED: usize = 16;
const REACH_DEADLINE: Duration = Duration::from_secs(8);

/// A proxy that was connected to.
#[derive(Debug, Serialize, JsonSchema)]
struct Reached {
    proxy: String,
    /// `null` when somebody listens there.
    failure: Option<String>,
}

/// Connects to all of them at once.
fn reach(proxies: &[String]) -> Result<Vec<Reached>, Failure> {
    let net = Net::of_this_machine(Vec::new());
    run::on_the_network(async {
        let mut tasks = Vec::new();
        for proxy in proxies.iter().take(MOST_REACHED).cloned() {
            let net = net.clone();
            tasks.push(tokio::spawn(async move {
                let failure = net.reach(proxy.trim_start_matches("socks5://"), REACH_DEADLINE).await.err();
                Reached { proxy, failure }
            }));
        }
        let mut reached = Vec::new();
        for task in tasks {
            reached.extend(task.await.ok());
        }
        reached
    })
}

/// Without a registry there is only this process, whose variables no Windows service reads.
fn environment(format: Format) -> Result<Exit, Failure> {
    let set = |name: &str| {
        let found = [name.to_owned(), name.to_ascii_lowercase()];
        found.into_iter().find_map(|name| {
            let value = std::env::var(&name).ok().filter(|value| !value.is_empty())?;
            Some(Variable { name, value: shown_variable(&value) })
        })
    };
    let variables: Vec<Variable> = VARIABLES.into_iter().filter_map(set).collect();
    files::print(|mut out| match format {
        Format::Json => json::write(&EnvironmentDocument::new(&variables), &mut out),
        Format::Table => {
            if variables.is_empty() {
                writeln!(out, "No environment variable names a proxy.")?;
            } else {
                writeln!(out, "Windows' services ignore environment variables; other programs here use:")?;
                for variable in &variables {
                    writeln!(out, "  {}={}", variable.name, sanitize(&variable.value))?;
                }
            }
            writeln!(
                out,
                "\nWindows' own settings were not looked at. Export them on the device and give each file with --registry:"
            )?;
            writeln!(out, "\n{EXPORT}")
        }
    })?;
    Ok(Exit::Ok)
}

/// A variable's address, without a user's name and password.
fn shown_variable(value: &str) -> String {
    match value.rsplit_once('@') {
        Some((_, address)) => format!("…@{address}"),
        None => value.to_owned(),
    }
}

#[derive(Debug, Serialize, JsonSchema)]
struct Variable {
    name: String,
    value: String,
}

#[derive(Debug, Serialize, JsonSchema)]
struct EnvironmentDocument<'a> {
    /// `waprobe-proxy/1`.
    #[schemars(extend("const" = SCHEMA))]
    schema: &'static str,
    /// `null`: Windows' settings were not looked at.
    #[schemars(with = "()")]
    registry: Option<String>,
    environment: &'a [Variable],
}

impl<'a> EnvironmentDocument<'a> {
    fn new(environment: &'a [Variable]) -> Self {
        Self { schema: SCHEMA, registry: None, environment }
    }
}

const SCHEMA: &str = "waprobe-proxy/1";

#[derive(Debug, Serialize, JsonSchema)]
struct Document<'a> {
    /// `waprobe-proxy/1`.
    #[schemars(extend("const" = SCHEMA))]
    schema: &'static str,
    /// The files that the settings were read from, or `this device's registry`.
    registry: String,
    /// SYSTEM first, then every user whose settings are known.
    accounts: Vec<AccountDocument>,
    /// Whether the diagnostic service may use the signed-in user's proxy and name: `allowed`, `disabled` or `not-known`.
    #[schemars(extend("enum" = ["allowed", "disabled", "not-known"]))]
    user_proxy: &'static str,
    /// Environment variables that name a proxy, which Windows' services ignore.
    variables: &'a [String],
    findings: Vec<FindingDocument<'a>>,
    /// Empty without `--connect`.
    reached: &'a [Reached],
    client_proxy: &'a ClientProxy,
    /// What WinHTTP itself answers, beside this program's evaluation; on Windows, where a script is in play.
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    win_http: &'a [Beside],
    /// What to run next, one command per account.
    next: Vec<String>,
}

#[derive(Debug, Serialize, JsonSchema)]
struct FindingDocument<'a> {
    /// `waprobe explain CODE` says more.
    code: &'static str,
    title: &'static str,
    owner: Owner,
    remedy: &'static str,
    evidence: &'a [String],
}

impl<'a> FindingDocument<'a> {
    /// The advice in the words of the table of causes.
    fn of(advice: &'a Advice) -> Option<Self> {
        let facts = Cause::from_code(advice.code)?.facts();
        let (code, title, owner, remedy) = (facts.code, facts.title, facts.owner, facts.remedy);
        Some(Self { code, title, owner, remedy, evidence: &advice.evidence })
    }
}

#[derive(Debug, Serialize, JsonSchema)]
struct AccountDocument {
    account: String,
    /// In Windows' order; the first that is set counts.
    sources: Vec<SourceDocument>,
    endpoints: Vec<EndpointDocument>,
}

#[derive(Debug, Serialize, JsonSchema)]
struct SourceDocument {
    source: &'static str,
    /// The key and value that it stands in.
    place: String,
    #[schemars(extend("enum" = ["not-set", "not-known", "damaged", "passed-over", "set"]))]
    state: &'static str,
    /// In words.
    says: String,
    remarks: Vec<String>,
}

#[derive(Debug, Serialize, JsonSchema)]
struct EndpointDocument {
    host: String,
    port: u16,
    /// In the order in which they are tried.
    ways: Vec<WayDocument>,
}

/// What a source does with an address.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "kebab-case")]
enum WayDocument {
    UnlessSet { source: &'static str },
    Detect,
    Script { url: String },
    Proxies { servers: Vec<String> },
    Direct { exception: Option<String> },
}

impl<'a> Document<'a> {
    fn new(found: &'a Found<'_>) -> Self {
        let Found { name, overview, targets, reached, .. } = found;
        Self {
            schema: SCHEMA,
            registry: name.clone(),
            accounts: overview.traces.iter().map(|trace| AccountDocument::new(trace, targets)).collect(),
            user_proxy: match overview.user_proxy {
                UserProxy::Allowed { .. } => "allowed",
                UserProxy::Disabled => "disabled",
                UserProxy::NotKnown | UserProxy::Undocumented => "not-known",
            },
            variables: &overview.variables,
            findings: overview.advice.iter().filter_map(FindingDocument::of).collect(),
            reached,
            client_proxy: &overview.client_proxy,
            win_http: &found.beside,
            next: next(found),
        }
    }
}

impl AccountDocument {
    fn new(trace: &Trace, targets: &[Target]) -> Self {
        let sources = trace.steps.iter().map(|step| SourceDocument {
            source: step.source.id(),
            place: step.place.clone(),
            state: match step.setting {
                Setting::NotSet => "not-set",
                Setting::NotKnown => "not-known",
                Setting::Damaged(_) => "damaged",
                Setting::PassedOver(_) => "passed-over",
                Setting::Says { .. } => "set",
            },
            says: step.setting.to_string(),
            remarks: step.remarks.clone(),
        });
        let endpoints = targets.iter().map(|target| EndpointDocument {
            host: target.host.clone(),
            port: target.port,
            ways: trace.ways(target).into_iter().map(WayDocument::from).collect(),
        });
        Self { account: trace.account.to_string(), sources: sources.collect(), endpoints: endpoints.collect() }
    }
}

impl From<Way> for WayDocument {
    fn from(way: Way) -> Self {
        match way {
            Way::Unless { source, .. } => Self::UnlessSet { source: source.id() },
            Way::Detect => Self::Detect,
            Way::Script(url) => Self::Script { url },
            Way::Proxies(servers) => Self::Proxies { servers },
            Way::Direct { exception } => Self::Direct { exception: exception.map(|exception| exception.to_string()) },
        }
    }
}

/// The checks that show whether the ways that were found work: all of them as the device would go, then each alone, SYSTEM's
/// first. Every command can be pasted as it stands, but for the domain, which no setting names.
fn next(found: &Found<'_>) -> Vec<String> {
    let Found { overview, targets, .. } = found;
    let mut commands: Vec<String> = device_registry::arguments(found.files)
        .map(|arguments| format!("waprobe check{arguments}"))
        .into_iter()
        .collect();
    for trace in &overview.traces {
        for way in targets.iter().flat_map(|target| trace.ways(target)) {
            let command = match way {
                Way::Unless { .. } => continue,
                Way::Detect => match found.beside.iter().find_map(Beside::detected).and_then(device_registry::pasted) {
                    Some(url) => format!("waprobe check --pac {url}"),
                    None => "waprobe check --wpad DOMAIN".to_owned(),
                },
                Way::Script(url) if not_fetched(&url).is_some() => continue,
                // An address that no shell takes as it stands is asked by the command that reads the settings.
                Way::Script(url) => match device_registry::pasted(&url) {
                    Some(url) => format!("waprobe check --pac {url}"),
                    None => continue,
                },
                Way::Proxies(servers) => {
                    let proxies: Vec<String> = servers.iter().map(|server| format!(" --proxy {server}")).collect();
                    format!("waprobe check --no-direct{}", proxies.concat())
                }
                Way::Direct { .. } => "waprobe check".to_owned(),
            };
            if !commands.contains(&command) {
                commands.push(command);
            }
        }
    }
    commands
}

fn write_text(found: &Found<'_>, width: usize, out: &mut dyn Write) -> io::Result<()> {
    let Found { name, overview, targets, reached, .. } = found;
    let is_live = name == device_registry::LIVE;
    let shown: Vec<Shown> = overview.traces.iter().map(|trace| Shown::of(trace, targets)).collect();
    for shown in &shown {
        let ways = match shown.groups.as_slice() {
            [] => "no address to ask for".to_owned(),
            [(ways, _)] => ways.clone(),
            groups => {
                let list = groups.iter().map(|(ways, hosts)| format!("{} of {}: {ways}", hosts.len(), targets.len()));
                list.collect::<Vec<_>>().join("; ")
            }
        };
        write_prose(out, &format!("{}: ", shown.account), &ways, width)?;
    }
    if overview.traces.len() == 1 {
        let why = if is_live { "nobody's settings could be read" } else { "not exported" };
        writeln!(out, "user: {why}")?;
    }
    writeln!(out, "\nWhere that comes from ({}), the first source that is set counts", sanitize(name))?;
    for trace in &overview.traces {
        writeln!(out, "\n  {}", trace.account)?;
        write_steps(trace, width, out)?;
    }
    writeln!(out)?;
    write_prose(out, "  DisableEnterpriseAuthProxy: ", user_proxy_words(overview.user_proxy), width)?;
    for variable in &overview.variables {
        write_prose(out, "  ", &format!("{variable}: Windows' services ignore it"), width)?;
    }
    for shown in shown.iter().filter(|shown| shown.groups.len() > 1) {
        writeln!(out, "\n  {} sends", shown.account)?;
        for (ways, hosts) in &shown.groups {
            write_prose(out, "    ", ways, width)?;
            write_prose(out, "      ", &hosts.join(" "), width)?;
        }
    }
    if !reached.is_empty() {
        writeln!(out, "\nConnected to from here")?;
        for reached in reached {
            let how = reached.failure.as_ref().map_or("somebody listens", String::as_str);
            write_prose(out, "  ", &format!("{}: {how}", reached.proxy), width)?;
        }
    }
    if !found.beside.is_empty() {
        writeln!(out, "\nWhat WinHTTP itself answers, asked with these settings by the account that runs this")?;
        for beside in &found.beside {
            beside.write(width, out)?;
        }
    }
    if !overview.advice.is_empty() {
        writeln!(out, "\nWhat to change")?;
        for (position, advice) in overview.advice.iter().filter_map(FindingDocument::of).enumerate() {
            writeln!(out)?;
            let mark = format!("  [{}] ", position + 1);
            let indent = " ".repeat(mark.len());
            write_prose(out, &mark, &format!("{} ({})", advice.title, advice.owner), width)?;
            write_prose(out, &indent, &format!("{}.", wording::upper_first(advice.remedy)), width)?;
            for line in advice.evidence {
                write_prose(out, &format!("{indent}- "), line, width)?;
            }
            writeln!(out, "{indent}{}", advice.code)?;
        }
    }
    writeln!(out, "\nRunConfig.bat: ClientProxy={}", overview.client_proxy.value.unwrap_or("(not known)"))?;
    for reason in &overview.client_proxy.because {
        write_prose(out, "  ", reason, width)?;
    }
    write_next(&next(found), is_live, out)
}

fn write_next(commands: &[String], is_live: bool, out: &mut dyn Write) -> io::Result<()> {
    if commands.is_empty() {
        return Ok(());
    }
    let place = if is_live { "" } else { ", from a machine in the same network" };
    writeln!(out, "\nWhether these ways work{place}:")?;
    for command in commands {
        writeln!(out, "  {}", sanitize(command))?;
    }
    if commands.iter().any(|command| command.ends_with(" DOMAIN")) {
        writeln!(out, "  (DOMAIN is the device's DNS domain, such as contoso.example)")?;
    }
    Ok(())
}

fn write_steps(trace: &Trace, room: usize, out: &mut dyn Write) -> io::Result<()> {
    let width = [Source::TelemetryProxy, Source::WinHttp, Source::Machine, Source::Own];
    let width = width.into_iter().map(|source| source.title().len()).max().unwrap_or_default();
    for step in &trace.steps {
        let setting = if step.source == Source::Own && step.setting == Setting::NotSet && !trace.is_detection_off {
            // What follows from it is the first of the ways above.
            "not set, which leaves automatic detection (WPAD) on".to_owned()
        } else {
            step.setting.to_string()
        };
        write_prose(out, &format!("    {:width$}  ", step.source.title()), &setting, room)?;
        for remark in &step.remarks {
            write_prose(out, &format!("    {:width$}  ", ""), remark, room)?;
        }
    }
    writeln!(out, "    {:width$}  directly", "else")
}

fn user_proxy_words(user_proxy: UserProxy) -> &'static str {
    match user_proxy {
        UserProxy::Allowed { explicitly: true } => "0, the service may use the signed-in user's proxy and name",
        UserProxy::Allowed { explicitly: false } => "not set, the service may use the signed-in user's proxy and name",
        UserProxy::Disabled => "1, the service uses the machine's settings and name alone",
        UserProxy::Undocumented => "set to something that nobody documents: write 0 or 1, or delete it",
        UserProxy::NotKnown => "not known",
    }
}

/// One account's addresses, grouped by where they go.
struct Shown<'t> {
    account: &'t Account,
    groups: Vec<(String, Vec<&'t str>)>,
}

impl<'t> Shown<'t> {
    fn of(trace: &'t Trace, targets: &'t [Target]) -> Self {
        let mut groups: Vec<(String, Vec<&str>)> = Vec::new();
        for target in targets {
            let ways = in_words(&trace.ways(target));
            match groups.iter_mut().find(|(known, _)| *known == ways) {
                Some((_, hosts)) => hosts.push(&target.host),
                None => groups.push((ways, vec![&target.host])),
            }
        }
        Self { account: &trace.account, groups }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;

    use schemars::generate::SchemaSettings;

    use super::*;

    /// What `proxy --format json` prints: a device's settings, or, where there are none to read, the environment's.
    #[derive(Serialize, JsonSchema)]
    #[serde(untagged)]
    #[allow(dead_code, reason = "it has a schema and is never made")]
    enum ProxySettings<'a> {
        Device(Document<'a>),
        Environment(EnvironmentDocument<'a>),
    }

    /// `UPDATE_SCHEMAS=1 cargo test --lib cli::proxy` writes it anew.
    #[test]
    fn the_committed_schema_is_that_of_the_types() {
        let settings = SchemaSettings::draft2020_12().for_serialize();
        let schema = settings.into_generator().into_root_schema_for::<ProxySettings<'_>>();
        let generated = serde_json::to_string_pretty(&schema).expect("a schema is JSON") + "\n";
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("schemas/waprobe-proxy-1.schema.json");
        if std::env::var_os("UPDATE_SCHEMAS").is_some() {
            fs::write(&path, &generated).expect("schemas can be written");
        }
        let committed = fs::read_to_string(&path).unwrap_or_default();
        assert!(
            committed == generated,
            "the schema differs from the types: run UPDATE_SCHEMAS=1 cargo test --lib cli::proxy"
        );
    }
}
