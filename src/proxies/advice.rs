//! What follows from the traces: findings, and the `ClientProxy` value for the deployment script.
//!
//! In: the traces, the snapshot and the addresses. Out: the codes `conf.*` and `pac.*` where the settings alone decide, each
//! with what it rests on (their sentences stand in the judge's table of causes); and one value with its reasons. Never: a
//! claim about the network.

use serde::Serialize;

use super::settings::{Target, not_fetched};
use super::trace::{Manual, POLICY, SCRIPT_SERVICE, Setting, Source, Step, Trace, Way, in_words, lookup};
use crate::harmless::without_secrets;
use crate::registry::{Lookup, Presence, Snapshot, Value};

pub(super) const DEFENDER: &str = r"HKLM\SOFTWARE\Microsoft\Windows Advanced Threat Protection\Status";
pub(super) const ENVIRONMENTS: [&str; 2] =
    [r"HKLM\SYSTEM\CurrentControlSet\Control\Session Manager\Environment", r"HKCU\Environment"];
/// The variables that programs from other systems read.
pub const VARIABLES: [&str; 4] = ["HTTPS_PROXY", "HTTP_PROXY", "ALL_PROXY", "NO_PROXY"];

/// Something to change, or to know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Advice {
    /// A code of the table of causes.
    pub code: &'static str,
    pub evidence: Vec<String>,
}

/// Whose proxy the deployment script is to test with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, schemars::JsonSchema)]
pub struct ClientProxy {
    /// `Direct`, `System`, `User`; nothing when the snapshot does not say enough.
    pub value: Option<&'static str>,
    pub because: Vec<String>,
}

/// Whether the diagnostic service may use the signed-in user's proxy and name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UserProxy {
    Allowed {
        explicitly: bool,
    },
    Disabled,
    /// Neither 0 nor 1, or no number.
    Undocumented,
    NotKnown,
}

/// Everything that one snapshot says about proxies.
#[derive(Debug, Clone)]
pub struct Overview {
    pub traces: Vec<Trace>,
    pub user_proxy: UserProxy,
    /// Proxy variables kept in the registry, as `NAME in key`.
    pub variables: Vec<String>,
    pub advice: Vec<Advice>,
    pub client_proxy: ClientProxy,
    /// The service in which WinHTTP runs scripts is disabled: nobody has published what a service does then with a script that
    /// is set (by default WinHTTP tries it in the caller's own process).
    pub is_script_service_off: bool,
}

impl Overview {
    /// Reads a snapshot, for these addresses.
    #[must_use]
    pub fn of(snapshot: &Snapshot, targets: &[Target]) -> Self {
        let traces = Trace::all(snapshot);
        let user_proxy = UserProxy::of(snapshot);
        let variables = variables(snapshot);
        let stand = Stand::of(&traces, targets);
        let mut advice = Vec::new();
        advice.extend(context_mismatch(&stand));
        advice.extend(nothing_set(&traces, &stand, (&variables, snapshot)));
        advice.extend(user_proxy_advice(&stand, user_proxy, snapshot));
        advice.extend(file_script(&traces));
        let is_script_service_off = is_script_service_off(snapshot);
        advice.extend(script_service(&traces, targets, is_script_service_off));
        advice.extend(nobody_signed_in(&stand, user_proxy, snapshot));
        let client_proxy = client_proxy(&traces, &stand, user_proxy, targets);
        Self { traces, user_proxy, variables, advice, client_proxy, is_script_service_off }
    }
}

impl Overview {
    /// The proxies of the policy for the diagnostic service, as `host:port`.
    #[must_use]
    pub fn telemetry_proxies(&self) -> Vec<String> {
        let step = self.traces.first().and_then(|trace| trace.step(Source::TelemetryProxy));
        step.map(servers).unwrap_or_default()
    }

    /// Every proxy that some source names for these endpoints, as `host:port`.
    #[must_use]
    pub fn proxies(&self) -> Vec<String> {
        let mut proxies: Vec<String> = Vec::new();
        for server in self.traces.iter().flat_map(|trace| &trace.steps).flat_map(servers) {
            if !proxies.contains(&server) {
                proxies.push(server);
            }
        }
        proxies
    }

    /// Takes note that none of [`Self::telemetry_proxies`] could be reached; `evidence` says how each failed.
    pub fn telemetry_proxy_is_dead(&mut self, evidence: Vec<String>) {
        self.advice.push(Advice { code: "conf.telemetry_proxy_dead", evidence });
    }
}

/// The proxies that a source has for the endpoints.
fn servers(step: &Step) -> Vec<String> {
    let Setting::Says { manual: Some(manual), .. } = &step.setting else { return Vec::new() };
    let mut servers: Vec<String> = Vec::new();
    for server in ["https", "http"].into_iter().flat_map(|scheme| manual.servers.servers_for(scheme)) {
        let address = server.address();
        if !servers.contains(&address) {
            servers.push(address);
        }
    }
    servers
}

impl UserProxy {
    fn of(snapshot: &Snapshot) -> Self {
        match lookup(snapshot, POLICY, "DisableEnterpriseAuthProxy") {
            Lookup::Set(Value::Dword(0)) => Self::Allowed { explicitly: true },
            Lookup::NotSet => Self::Allowed { explicitly: false },
            Lookup::Set(Value::Dword(1)) => Self::Disabled,
            Lookup::Set(_) => Self::Undocumented,
            Lookup::NotKnown => Self::NotKnown,
        }
    }
}

/// Where an account's addresses go, in one word.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Leaning {
    Direct,
    Proxy,
    /// The network is asked, and nothing else is set.
    Detect,
    NotKnown,
}

struct Stand {
    system: (Leaning, String),
    users: Vec<(String, Leaning, String)>,
}

impl Stand {
    fn of(traces: &[Trace], targets: &[Target]) -> Self {
        let lean = |trace: &Trace| -> (Leaning, String) {
            let mut leaning = Leaning::Direct;
            let mut words = Way::Direct { exception: None }.to_string();
            for target in targets {
                let ways = trace.ways(target);
                let found = leaning_of(&ways);
                // One address through a proxy makes the account one that uses a proxy.
                if found != Leaning::Direct {
                    leaning = found;
                    words = in_words(&ways);
                }
                if found == Leaning::Proxy {
                    break;
                }
            }
            (leaning, words)
        };
        let (system, users) = traces.split_first().map_or((None, &[][..]), |(first, rest)| (Some(first), rest));
        Self {
            system: system.map_or((Leaning::NotKnown, String::new()), lean),
            users: users
                .iter()
                .map(|trace| {
                    let (leaning, words) = lean(trace);
                    (trace.account.to_string(), leaning, words)
                })
                .collect(),
        }
    }
}

fn leaning_of(ways: &[Way]) -> Leaning {
    for way in ways {
        match way {
            Way::Unless { .. } => return Leaning::NotKnown,
            Way::Proxies(_) | Way::Script(_) => return Leaning::Proxy,
            Way::Detect | Way::Direct { .. } => {}
        }
    }
    if ways.contains(&Way::Detect) { Leaning::Detect } else { Leaning::Direct }
}

fn context_mismatch(stand: &Stand) -> Option<Advice> {
    let (system, words) = &stand.system;
    let differs = |user: Leaning| {
        let (user_has, system_has) = (user == Leaning::Proxy, *system == Leaning::Proxy);
        *system != Leaning::NotKnown && user != Leaning::NotKnown && user_has != system_has
            // A user who asks the network may well be told the same proxy.
            && !(system_has && user == Leaning::Detect)
    };
    let different: Vec<_> = stand.users.iter().filter(|(_, leaning, _)| differs(*leaning)).collect();
    if different.is_empty() {
        return None;
    }
    let mut evidence = vec![format!("SYSTEM: {words}")];
    evidence.extend(different.iter().map(|(account, _, words)| format!("{account}: {words}")));
    Some(Advice { code: "conf.context_mismatch", evidence })
}

fn nothing_set(traces: &[Trace], stand: &Stand, (variables, snapshot): (&[String], &Snapshot)) -> Option<Advice> {
    // Exceptions that keep everything from a proxy are another thing than no proxy.
    let named = traces.iter().flat_map(|trace| &trace.steps).any(|step| !servers(step).is_empty());
    if named {
        return None;
    }
    let is_direct = |leaning: Leaning| matches!(leaning, Leaning::Direct | Leaning::Detect);
    if !is_direct(stand.system.0) || !stand.users.iter().all(|(_, leaning, _)| is_direct(*leaning)) {
        return None;
    }
    if !variables.is_empty() {
        return Some(Advice { code: "conf.env_only", evidence: variables.to_vec() });
    }
    // Nor would it count for Windows' services; but who asks which proxies there are shall not take it for an answer.
    let evidence = ENVIRONMENTS
        .into_iter()
        .filter(|key| snapshot.presence(key) == Presence::NotKnown)
        .map(|key| format!("{key} is not known: proxy variables may stand there"))
        .collect();
    Some(Advice { code: "conf.none", evidence })
}

fn user_proxy_advice(stand: &Stand, user_proxy: UserProxy, snapshot: &Snapshot) -> Vec<Advice> {
    let mut advice = Vec::new();
    let proxied =
        stand.system.0 == Leaning::Proxy || stand.users.iter().any(|(_, leaning, _)| *leaning == Leaning::Proxy);
    let onboarded = lookup(snapshot, DEFENDER, "OnboardingState").value().and_then(Value::as_dword) == Some(1);
    if user_proxy == UserProxy::Disabled && proxied {
        advice.push(Advice {
            code: "conf.user_auth_disabled",
            evidence: vec![format!(r"{POLICY}\DisableEnterpriseAuthProxy = 1")],
        });
    }
    if onboarded && proxied && matches!(user_proxy, UserProxy::Allowed { .. }) {
        let state = if user_proxy == (UserProxy::Allowed { explicitly: true }) { "= 0" } else { "is not set" };
        advice.push(Advice {
            code: "conf.mde_conflict",
            evidence: vec![
                format!(r"{DEFENDER}\OnboardingState = 1"),
                format!(r"{POLICY}\DisableEnterpriseAuthProxy {state}"),
            ],
        });
    }
    advice
}

/// Hives of people are loaded while they are signed in; an export of all users without any was made while nobody was.
fn nobody_signed_in(stand: &Stand, user_proxy: UserProxy, snapshot: &Snapshot) -> Option<Advice> {
    let is_everybody = snapshot.key("HKU").is_some() && stand.users.is_empty();
    let asks_the_user = matches!(user_proxy, UserProxy::Allowed { .. });
    (is_everybody && asks_the_user && stand.system.0 == Leaning::Proxy).then(|| Advice {
        code: "conf.headless_user_auth",
        evidence: vec![
            "HKEY_USERS was exported, and the hive of no person is in it".to_owned(),
            format!("SYSTEM: {}", stand.system.1),
        ],
    })
}

fn file_script(traces: &[Trace]) -> Option<Advice> {
    let mut evidence = Vec::new();
    for step in traces.iter().flat_map(|trace| &trace.steps) {
        if let Setting::Says { script: Some(url), .. } = &step.setting {
            let line = format!("{}: {}", step.place, without_secrets(url));
            if not_fetched(url).is_some() && !evidence.contains(&line) {
                evidence.push(line);
            }
        }
    }
    (!evidence.is_empty()).then_some(Advice { code: "pac.file_url", evidence })
}

/// `Start` of the service is 4, disabled.
fn is_script_service_off(snapshot: &Snapshot) -> bool {
    lookup(snapshot, SCRIPT_SERVICE, "Start").value().and_then(Value::as_dword) == Some(4)
}

/// Nobody runs the scripts that the settings lead to. Detection alone is on in every new account, and no reason to say so.
fn script_service(traces: &[Trace], targets: &[Target], is_off: bool) -> Option<Advice> {
    if !is_off {
        return None;
    }
    let mut evidence = vec![format!(r"{SCRIPT_SERVICE}\Start = 4 (disabled)")];
    for trace in traces {
        let scripts = targets.iter().flat_map(|target| trace.ways(target)).filter_map(|way| match way {
            Way::Script(url) => Some(without_secrets(&url)),
            _ => None,
        });
        for script in scripts {
            let line = format!("{}: {script}", trace.account);
            if !evidence.contains(&line) {
                evidence.push(line);
            }
        }
    }
    (evidence.len() > 1).then_some(Advice { code: "conf.script_service_disabled", evidence })
}

fn client_proxy(traces: &[Trace], stand: &Stand, user_proxy: UserProxy, targets: &[Target]) -> ClientProxy {
    let step = |source| traces.first().and_then(|trace| trace.step(source));
    let setting = |source| step(source).map(|step| &step.setting);
    let mut because = Vec::new();
    let user = stand.users.iter().map(|(_, leaning, _)| *leaning).find(|leaning| *leaning == Leaning::Proxy);
    let user = user.or(stand.users.first().map(|(_, leaning, _)| *leaning)).unwrap_or(Leaning::NotKnown);
    match step(Source::TelemetryProxy) {
        Some(policy) if matches!(policy.setting, Setting::Damaged(_)) => because.push(
            "TelemetryProxyServer is set and cannot be read, and none of the three values tests it: first correct or delete it"
                .to_owned(),
        ),
        Some(policy) if !servers(policy).is_empty() => {
            let proxies: Vec<String> = servers(policy).iter().map(|proxy| format!(" --proxy {proxy}")).collect();
            because.push(format!(
                "TelemetryProxyServer is set, and none of the three values tests it; this does: waprobe check --no-direct{}",
                proxies.concat()
            ));
        }
        Some(_) | None => {}
    }
    let value = if let Some(Setting::Says { manual: Some(manual), .. }) = setting(Source::WinHttp) {
        Some(by_win_http(manual, targets, &mut because))
    } else if matches!(setting(Source::WinHttp), Some(Setting::NotKnown) | None) {
        because.push("what WinHTTP says is not known: System may be right".to_owned());
        None
    } else if matches!(setting(Source::WinHttp), Some(Setting::Damaged(_))) {
        because.push(
            "WinHttpSettings is set and cannot be read: write it anew (netsh winhttp set proxy, or reset proxy)"
                .to_owned(),
        );
        None
    } else {
        match (user, user_proxy) {
            (Leaning::Proxy, UserProxy::Disabled) => {
                because.push(
                    "the user has a proxy, but DisableEnterpriseAuthProxy is 1, with which User ends in exit code 30: first \
                     give WinHTTP the proxy (without one System ends in exit code 49)"
                        .to_owned(),
                );
                Some("System")
            }
            (Leaning::Proxy, _) => {
                because.push(
                    "only Internet Options lead to a proxy, and WinHTTP has none (System: exit code 49)".to_owned(),
                );
                if matches!(user_proxy, UserProxy::NotKnown | UserProxy::Undocumented) {
                    because.push(
                        "DisableEnterpriseAuthProxy is not known, or neither 0 nor 1: with 1, User ends in exit code 30"
                            .to_owned(),
                    );
                }
                if file_script(traces).is_some() {
                    because.push("a script in a file leads no service to a proxy: first serve it over http".to_owned());
                }
                Some("User")
            }
            (Leaning::Direct, _) => {
                because.push("neither WinHTTP nor the user has a proxy".to_owned());
                Some("Direct")
            }
            (Leaning::Detect, _) => {
                because
                    .push("no proxy is written down; if the network answers WPAD with one, User is right".to_owned());
                Some("Direct")
            }
            (Leaning::NotKnown, _) => {
                because.push(
                    "WinHTTP has no proxy, and the user's Internet Options are not known or cannot be read: User may be right"
                        .to_owned(),
                );
                None
            }
        }
    };
    ClientProxy { value, because }
}

/// The value for a device on which WinHTTP has proxies.
fn by_win_http(manual: &Manual, targets: &[Target], because: &mut Vec<String>) -> &'static str {
    let direct = targets.iter().filter(|target| matches!(manual.way(target), Way::Direct { .. })).count();
    if direct > 0 && direct == targets.len() {
        because.push(
            "WinHTTP has a proxy, and its exceptions (or its list) keep every address from it: the device goes directly, and \
             System would test a proxy that it does not use"
                .to_owned(),
        );
        return "Direct";
    }
    because.push("WinHTTP has a proxy, and System is the value that reads it".to_owned());
    if manual.servers.is_by_scheme() {
        because.push(
            "but first write one proxy for all in place of the list by scheme, with which System fails: netsh winhttp set \
             proxy host:port"
                .to_owned(),
        );
    }
    if direct > 0 {
        because.push(format!(
            "{direct} of {} addresses do not go to it (its exceptions, or no proxy for their scheme): System tests the proxy \
             and not these",
            targets.len()
        ));
    }
    "System"
}

fn variables(snapshot: &Snapshot) -> Vec<String> {
    let mut found = Vec::new();
    for key in ENVIRONMENTS {
        for name in VARIABLES.into_iter().filter(|name| *name != "NO_PROXY") {
            if lookup(snapshot, key, name).value().and_then(Value::as_text).is_some_and(|text| !text.is_empty()) {
                found.push(format!("{name} in {key}"));
            }
        }
    }
    found
}
