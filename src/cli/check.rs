//! `waprobe check`: arguments to settings.

use std::sync::Arc;
use std::time::Duration;

use super::arguments::{CheckArguments, ControlChoice};
use super::device_registry::{self, DeviceRegistry};
use super::run::{self, Setup, scope};
use super::script::{self, Wanted};
use super::show::{self, Expected};
use super::{Exit, Failure, files, terminal};
use crate::catalogue::Catalogue;
use crate::enroll::Windows;
use crate::net::{ConnectTo, ConnectToRule, Names, Net, TokenSource, configured_resolvers, find_in_keytab};
use crate::plan::{
    Budget, DeviceSettings, Directions, FollowUps, Identity, Path, Plan, PlannedRoute, Proxy, ProxyScheme, Scheme,
    SchemeChoice,
};
use crate::probe::{self, Access, Login};
use crate::proxies::Overview;
use crate::proxies::settings::Target;

/// To look at the ticket that is there.
const SIGNED_IN_PATIENCE: Duration = Duration::from_secs(2);

pub(super) fn run(arguments: &CheckArguments) -> Result<Exit, Failure> {
    // The first random draw of the TLS library is slow; it can go on while files are read.
    std::thread::spawn(probe::warm_up);
    let setup = from_arguments(arguments)?;
    note_passed_over(arguments, &setup);
    run::execute(setup, &arguments.output, arguments.record.as_deref())
}

pub(super) fn from_arguments(arguments: &CheckArguments) -> Result<Setup, Failure> {
    of_device(arguments, DeviceRegistry::read(&arguments.registry)?.as_ref())
}

/// The same, by the ways that the settings of `device` lead.
pub(super) fn of_device(arguments: &CheckArguments, device: Option<&DeviceRegistry>) -> Result<Setup, Failure> {
    let proxies = proxies(&arguments.proxy)?;
    let roots = files::RootsToCome::begin(&arguments.trust.machine_roots);
    let (catalogue, anchors) = files::catalogue(&arguments.trust)?;
    let (mut os, solutions) = scope(&arguments.scope)?;
    // The export of one device says which Windows it is.
    let own = device.filter(|_| arguments.scope.os.is_empty());
    if let Some(version) = own.and_then(|device| Windows::of(&device.snapshot, None).selection()) {
        os = version;
    }
    let wanted = wanted(arguments)?;
    let access = access(arguments, !proxies.is_empty() || wanted.is_some() || device.is_some())?;
    let roots = roots.wait()?;
    let expectation = arguments.verdict.expect.as_deref().map(Expected::of_file).transpose()?;
    show::check_verdict_arguments(
        expectation.as_ref(),
        arguments.verdict.fail_on.as_deref(),
        arguments.output.baseline.is_some(),
    )?;
    let mut budget =
        Budget { total: arguments.timeout, max_connects: usize::from(arguments.max_connects), ..Budget::default() };
    if let Some(concurrency) = arguments.concurrency {
        budget.concurrency = usize::from(concurrency);
    }
    let endpoints = Plan::endpoints(&catalogue, &os, &solutions);
    if endpoints.is_empty() {
        return Err(Failure::usage(
            "nothing to check: no endpoint of the catalogue applies to this --os and --solution",
        ));
    }
    let net = Net {
        names: match arguments.resolver {
            Some(server) => Names::Server(server),
            None => Names::System { evidence: configured_resolvers().servers },
        },
        connect_to: Arc::new(ConnectTo { rules: arguments.connect_to.clone() }),
        ..Net::of_this_machine(Vec::new())
    };
    let settings = device.map(|device| settings_of(device, &catalogue, &endpoints));
    let wanted = wanted.map(Ok).or_else(|| settings.as_ref().and_then(script_of)).transpose()?;
    let directions = match wanted {
        None => None,
        Some(wanted) => {
            let trusted = || run::root_store(&roots.machine);
            let found = script::find(wanted, &net, arguments.timeout, &trusted)?;
            Some(script::directions(found, &net, &catalogue, &endpoints, arguments.timeout)?)
        }
    };
    let targets = Asked { proxies: &proxies, directions: directions.as_ref(), settings: settings.as_ref() };
    let logins = logins(arguments, &targets, &access)?;
    let paths = paths(arguments, &targets, &logins.identities)?;
    let mut plan = Plan::along(&catalogue, paths, budget, os, solutions);
    plan.directions = directions;
    plan.settings = settings;
    plan.no_login_is_extra = logins.none_is_extra;
    plan.follow_ups = follow_ups(arguments, &catalogue);
    for rule in unmatched(&arguments.connect_to, &catalogue, &plan) {
        terminal::complain(&format!(
            "warning: --connect-to {rule} meets no endpoint of the direct route, and changes nothing"
        ));
    }
    if let Some(expected) = &expectation {
        expected.read()?.check_against(&catalogue, &plan).map_err(Failure::usage)?;
    }
    Ok(Setup { catalogue, anchors, plan, net, access, roots, expectation, fail_on: arguments.verdict.fail_on.clone() })
}

/// Rules that no direct connection of this run comes to: a slip of the pen would go unnoticed.
fn unmatched<'r>(rules: &'r [ConnectToRule], catalogue: &Catalogue, plan: &Plan) -> Vec<&'r ConnectToRule> {
    let direct = plan.jobs.iter().filter(|job| *plan.route(job) == PlannedRoute::Direct).map(|job| job.endpoint);
    let mut places: Vec<(String, u16)> =
        direct.map(|index| &catalogue.endpoints[index]).map(|to| (to.host.clone(), to.port)).collect();
    if let Some(control) = plan.follow_ups.control.as_ref().filter(|_| !places.is_empty()) {
        places.extend([80, 443].map(|port| (control.host.clone(), port)));
    }
    let is_met = |rule: &&ConnectToRule| {
        let first = |host: &str, port| rules.iter().find(|rule| rule.fits(host, port));
        places.iter().any(|(host, port)| first(host, *port).is_some_and(|first| std::ptr::eq(first, *rule)))
    };
    rules.iter().filter(|rule| !is_met(rule)).collect()
}

fn follow_ups(arguments: &CheckArguments, catalogue: &Catalogue) -> FollowUps {
    let control = match &arguments.control {
        None => catalogue.control.clone(),
        Some(ControlChoice::Nobody) => None,
        Some(ControlChoice::Host(control)) => Some(control.clone()),
    };
    FollowUps {
        wanted: !arguments.no_follow_ups,
        control,
        resolvers: arguments.compare_resolver.clone(),
        hellos: arguments.hellos,
        uploads: arguments.post,
    }
}

fn proxies(arguments: &[String]) -> Result<Vec<Proxy>, Failure> {
    let mut proxies: Vec<Proxy> = Vec::new();
    for argument in arguments {
        let proxy: Proxy = argument.parse().map_err(|mistake| Failure::usage(format!("--proxy: {mistake}")))?;
        if !proxies.contains(&proxy) {
            proxies.push(proxy);
        }
    }
    Ok(proxies)
}

/// The script that says which endpoint goes where.
fn wanted(arguments: &CheckArguments) -> Result<Option<Wanted<'_>>, Failure> {
    if arguments.proxy_password_stdin && arguments.pac.as_deref() == Some("-".as_ref()) {
        return Err(Failure::usage("--pac - and --proxy-password-stdin cannot both read standard input"));
    }
    let script = arguments.pac.as_deref().map(Wanted::At);
    Ok(script.or(arguments.wpad.as_deref().map(Wanted::ByWpad)))
}

/// On a Windows device whose settings name proxies, a check that was told of no route goes directly alone; that is said.
fn note_passed_over(arguments: &CheckArguments, setup: &Setup) {
    let is_told = arguments.pac.is_some() || arguments.wpad.is_some();
    if is_told || !arguments.proxy.is_empty() || !arguments.registry.is_empty() {
        return;
    }
    let Some(device) = DeviceRegistry::live() else { return };
    let plan = &setup.plan;
    let endpoints = Plan::endpoints(&setup.catalogue, &plan.os, &plan.solutions);
    let targets = targets(&setup.catalogue, &endpoints);
    if let Some(note) = device_registry::passed_over(&Overview::of(&device.snapshot, &targets), &targets) {
        terminal::complain(&note);
    }
}

fn targets(catalogue: &Catalogue, endpoints: &[usize]) -> Vec<Target> {
    endpoints.iter().map(|index| device_registry::target(&catalogue.endpoints[*index])).collect()
}

/// Where the settings of a device send the endpoints, wherever its registry was read.
pub(super) fn settings_of(device: &DeviceRegistry, catalogue: &Catalogue, endpoints: &[usize]) -> DeviceSettings {
    let targets = targets(catalogue, endpoints);
    DeviceSettings::of(device.name.clone(), &Overview::of(&device.snapshot, &targets), endpoints, &targets)
}

/// The script that the settings name.
pub(super) fn script_of(settings: &DeviceSettings) -> Option<Result<Wanted<'_>, Failure>> {
    let scripts = settings.scripts();
    let (first, others) = scripts.split_first()?;
    if !others.is_empty() {
        return Some(Err(Failure::usage(format!(
            "the settings name several scripts, and one is asked in a run: give one of them with --pac: {}",
            scripts.join(", ")
        ))));
    }
    Some(Ok(Wanted::At(std::path::Path::new(*first))))
}

/// The credentials of the run. `--proxy-user` serves every identity that is asked for; a name that ends in `$` is a
/// machine account and serves `device` only.
fn access(arguments: &CheckArguments, has_proxy: bool) -> Result<Access, Failure> {
    let mut access = Access { basic_cleartext: arguments.allow_basic_cleartext, ..Access::default() };
    let names_somebody =
        [&arguments.proxy_user, &arguments.device_user, &arguments.device_principal].iter().any(|name| name.is_some());
    if !has_proxy && names_somebody {
        return Err(Failure::usage(
            "a name for the proxy was given and no proxy: add --proxy URL, --pac FILE|URL or --registry FILE.reg|this",
        ));
    }
    if let Some(name) = &arguments.proxy_user {
        let password = match &arguments.proxy_password_file {
            Some(path) => files::password(path)?,
            None if arguments.proxy_password_stdin => files::password_from_stdin()?,
            None => files::password_from_prompt(name)?,
        };
        let login = Login { name: name.clone(), password };
        if is_machine(name) {
            access.device = Some(login);
        } else {
            let is_device_known = arguments.device_user.is_some() || arguments.device_keytab.is_some();
            let serves_device = arguments.identity.contains(&Identity::Device) && !is_device_known;
            access.device = serves_device.then(|| login.clone());
            access.user = Some(login);
        }
    }
    if let (Some(name), Some(path)) = (&arguments.device_user, &arguments.device_password_file) {
        if access.device.is_some() {
            return Err(Failure::usage("--proxy-user names a machine account, and so does --device-user: give one"));
        }
        access.device = Some(Login { name: name.clone(), password: files::password(path)? });
    }
    if let (Some(file), Some(name)) = (&arguments.device_keytab, &arguments.device_principal) {
        if access.device.is_some() {
            return Err(Failure::usage(
                "--proxy-user names a machine account, and so does --device-principal: give one",
            ));
        }
        if cfg!(windows) {
            return Err(Failure::usage(
                "--device-keytab: Windows reads no keytabs; run as SYSTEM, which is the machine account, or give \
                 --device-user with its password",
            ));
        }
        access.device_keytab = Some(find_in_keytab(file, name).map_err(Failure::usage)?);
    }
    Ok(access)
}

/// `WS01$`, `CORP\WS01$`, `WS01$@corp.example`.
fn is_machine(name: &str) -> bool {
    name.split('@').next().is_some_and(|name| name.ends_with('$'))
}

/// Whether somebody is signed in. A library that asks somewhere first is not waited for: who wants that names the identity.
fn is_signed_in(tokens: Arc<dyn TokenSource>) -> bool {
    let (tell, told) = std::sync::mpsc::channel();
    std::thread::spawn(move || tell.send(tokens.signed_in().is_ok()));
    told.recv_timeout(SIGNED_IN_PATIENCE).unwrap_or(false)
}

/// The proxies of a run, by where they are named.
struct Asked<'a> {
    proxies: &'a [Proxy],
    directions: Option<&'a Directions>,
    settings: Option<&'a DeviceSettings>,
}

impl Asked<'_> {
    fn has_proxy(&self) -> bool {
        !self.proxies.is_empty() || self.directions.is_some() || self.settings.is_some()
    }

    /// A ticket is of use to proxies that speak HTTP.
    fn takes_tickets(&self) -> bool {
        self.directions.is_some()
            || self.settings.is_some()
            || self.proxies.iter().any(|proxy| proxy.scheme != ProxyScheme::Socks5)
    }
}

/// The logins with which proxies are tried.
struct Logins {
    identities: Vec<Identity>,
    /// The rows without a login are tested beside a credential, and nobody asked for them.
    none_is_extra: bool,
}

/// Those that were asked for, each with a credential that can be used; else those for which there is one.
fn logins(arguments: &CheckArguments, asked: &Asked<'_>, access: &Access) -> Result<Logins, Failure> {
    if arguments.scheme.len() > 1 && arguments.scheme.contains(&SchemeChoice::Auto) {
        return Err(Failure::usage("--scheme auto cannot be combined with other schemes: leave it out to force them"));
    }
    let tokens = || Net::of_this_machine(Vec::new()).tokens;
    let mut identities = arguments.identity.clone();
    if identities.is_empty() {
        identities.push(Identity::Bypass);
        let is_somebody = access.user.is_some() || asked.takes_tickets() && is_signed_in(tokens());
        identities.extend(is_somebody.then_some(Identity::User));
        let is_device = access.device.is_some()
            || access.device_keytab.is_some()
            || asked.takes_tickets() && tokens().is_machine().is_ok();
        identities.extend(is_device.then_some(Identity::Device));
        return Ok(Logins { none_is_extra: identities.len() > 1, identities });
    }
    identities.sort_unstable();
    identities.dedup();
    if asked.has_proxy() {
        for identity in &identities {
            find_credential(*identity, arguments, asked, access, &tokens())?;
        }
    }
    Ok(Logins { identities, none_is_extra: false })
}

/// That there is something to log in with as `identity`, by some scheme of those that were asked for.
fn find_credential(
    identity: Identity,
    arguments: &CheckArguments,
    asked: &Asked<'_>,
    access: &Access,
    tokens: &Arc<dyn TokenSource>,
) -> Result<(), Failure> {
    // A ticket is shown by Negotiate; where the system makes NTLM's messages, by NTLM as well.
    let by_ticket = |scheme: &SchemeChoice| match scheme {
        SchemeChoice::Auto | SchemeChoice::Forced(Scheme::Negotiate) => true,
        SchemeChoice::Forced(Scheme::Ntlm) => tokens.makes_ntlm(),
        SchemeChoice::Forced(_) => false,
    };
    let takes_ticket = asked.takes_tickets() && arguments.scheme.iter().any(by_ticket);
    match identity {
        Identity::Bypass => Ok(()),
        Identity::User if access.user.is_some() => Ok(()),
        Identity::User if takes_ticket && is_signed_in(tokens.clone()) => Ok(()),
        // Windows has a login of its own for a person's session; what it is worth shows only when a proxy asks for it.
        Identity::User if takes_ticket && cfg!(windows) && tokens.is_person().is_ok() => Ok(()),
        Identity::User => {
            let why = tokens.missing().map(|why| format!(" (no ticket can be used: {why})")).unwrap_or_default();
            Err(Failure::usage(format!(
                "--identity user: there is no user's login to test with{why}; give --proxy-user NAME with \
                 --proxy-password-file FILE, or sign in first (kinit NAME on Linux, a user's session on Windows)"
            )))
        }
        Identity::Device if access.device.is_some() => Ok(()),
        Identity::Device if takes_ticket && (access.device_keytab.is_some() || tokens.is_machine().is_ok()) => Ok(()),
        Identity::Device => Err(Failure::usage(
            "--identity device: there is no computer account to test with; give --device-keytab FILE with --device-principal \
             NAME, or --device-user NAME$ with --device-password-file FILE, or run as SYSTEM on Windows",
        )),
    }
}

/// Direct first, then each proxy: without a login before the others, a row per scheme where schemes are forced. A script takes the
/// place of the direct route: it says which endpoints go directly and which through the proxies that it names; the proxies
/// of the command line are tried for every endpoint all the same.
fn paths(arguments: &CheckArguments, asked: &Asked<'_>, identities: &[Identity]) -> Result<Vec<Path>, Failure> {
    let Asked { proxies, directions, settings } = asked;
    let through = |proxy: &Proxy| routes_through(proxy, identities, &arguments.scheme);
    let mut paths = match directions {
        Some(directions) => directions.paths(!arguments.no_direct, through),
        None if arguments.no_direct || settings.is_some() => Vec::new(),
        None => vec![Path::for_all(PlannedRoute::Direct)],
    };
    paths.extend(settings.iter().flat_map(|settings| settings.paths(!arguments.no_direct, through)));
    paths.extend(proxies.iter().flat_map(through).map(Path::for_all));
    if paths.is_empty() {
        return Err(Failure::usage(if settings.is_some() {
            "nothing to check: these settings name no way out that could be tried (waprobe proxy shows what they say)"
        } else {
            "nothing to check: --no-direct and no --proxy leave no route"
        }));
    }
    Ok(paths)
}

fn routes_through(proxy: &Proxy, identities: &[Identity], schemes: &[SchemeChoice]) -> Vec<PlannedRoute> {
    let mut routes = Vec::new();
    for identity in identities {
        let schemes = match identity {
            Identity::Bypass => &[SchemeChoice::Auto][..],
            Identity::User | Identity::Device if proxy.scheme == ProxyScheme::Socks5 => &[SchemeChoice::Auto],
            Identity::User | Identity::Device => schemes,
        };
        for scheme in schemes {
            let route = PlannedRoute::Proxy { proxy: proxy.clone(), identity: *identity, scheme: *scheme };
            if !routes.contains(&route) {
                routes.push(route);
            }
        }
    }
    routes
}
