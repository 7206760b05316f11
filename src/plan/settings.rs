//! Where a device's own settings send the endpoints, kept with the plan so that a recording says the same.
//!
//! In: what was read of the device's registry, live or from an export, and the endpoints. Out: each account's ways out, and
//! what the settings alone already show. Never: what a script would say; it is named, and somebody has to ask it.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::{Path, PlannedRoute, Proxy, UserLogin, Way};
use crate::proxies::settings::{Target, not_fetched};
use crate::proxies::{self, Overview, Trace};

/// The settings of one device.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeviceSettings {
    /// Where they were read.
    pub name: String,
    /// SYSTEM first.
    pub accounts: Vec<AccountSettings>,
    /// What the settings show without a probe.
    pub remarks: Vec<SettingsRemark>,
    /// The proxies of the policy for the diagnostic service.
    pub telemetry: Vec<Proxy>,
    /// Whether its services can use the signed-in user's login.
    #[serde(default, skip_serializing_if = "UserLogin::is_default")]
    pub user_login: UserLogin,
    /// The service in which WinHTTP runs scripts is disabled: whether a script of these settings is run is not known.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_script_service_off: bool,
}

/// One account's ways out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccountSettings {
    pub account: String,
    pub endpoints: Vec<EndpointWays>,
    /// The scripts that choose for it.
    pub scripts: Vec<String>,
    /// Sources that nobody could read; what they say may change all of the above.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unknown: Vec<String>,
    /// One of those decides: it is set and cannot be read, or nothing that is known says where this account goes. Then the ways
    /// are a guess.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_guess: bool,
    /// It looks for a script on the network (WPAD) before it takes these ways, and nobody asked the network.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub detects: bool,
}

/// The ways of one endpoint, in the order in which a device tries them; none where a script chooses.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EndpointWays {
    /// Index into the catalogue's endpoints.
    pub endpoint: usize,
    pub ways: Vec<Way>,
}

/// A code of the table of causes, with what it rests on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SettingsRemark {
    pub code: String,
    pub evidence: Vec<String>,
}

impl DeviceSettings {
    /// What `overview` says for `endpoints`, which are `targets` in the same order.
    #[must_use]
    pub fn of(name: String, overview: &Overview, endpoints: &[usize], targets: &[Target]) -> Self {
        let accounts = overview.traces.iter().map(|trace| AccountSettings::of(trace, endpoints, targets)).collect();
        let remarks = overview.advice.iter();
        let remarks =
            remarks.map(|advice| SettingsRemark { code: advice.code.to_owned(), evidence: advice.evidence.clone() });
        let telemetry = overview.telemetry_proxies();
        Self {
            name,
            accounts,
            remarks: remarks.collect(),
            telemetry: telemetry.iter().filter_map(|proxy| proxy.parse().ok()).collect(),
            user_login: UserLogin::of(overview),
            is_script_service_off: overview.is_script_service_off,
        }
    }

    /// What is to be tried for them: directly where some account goes directly, unless that is not wanted, and every proxy on
    /// the routes that `through` makes of it.
    pub fn paths(&self, directly: bool, through: impl Fn(&Proxy) -> Vec<PlannedRoute>) -> Vec<Path> {
        let mut direct: BTreeSet<usize> = BTreeSet::new();
        let mut order: Vec<&Proxy> = Vec::new();
        let mut by_proxy: BTreeMap<String, BTreeSet<usize>> = BTreeMap::new();
        for ways in self.accounts.iter().flat_map(|account| &account.endpoints) {
            for way in &ways.ways {
                match way {
                    Way::Direct => {
                        direct.insert(ways.endpoint);
                    }
                    Way::Through(proxy) => {
                        if !order.contains(&proxy) {
                            order.push(proxy);
                        }
                        by_proxy.entry(proxy.to_string()).or_default().insert(ways.endpoint);
                    }
                }
            }
        }
        let mut paths = Vec::new();
        if directly && !direct.is_empty() {
            paths.push(Path { route: PlannedRoute::Direct, endpoints: Some(direct) });
        }
        for proxy in order {
            let endpoints = by_proxy.get(&proxy.to_string());
            paths.extend(through(proxy).into_iter().map(|route| Path { route, endpoints: endpoints.cloned() }));
        }
        paths
    }

    /// Whether its services can use the signed-in user's login, in recordings of versions without the field too.
    #[must_use]
    pub fn user_login(&self) -> UserLogin {
        match self.user_login {
            UserLogin::Usable => UserLogin::of_codes(self.remarks.iter().map(|remark| remark.code.as_str())),
            known => known,
        }
    }

    /// Every script that some account's settings name, SYSTEM's first.
    #[must_use]
    pub fn scripts(&self) -> Vec<&str> {
        let mut scripts: Vec<&str> = Vec::new();
        for script in self.accounts.iter().flat_map(|account| &account.scripts) {
            if !scripts.contains(&script.as_str()) {
                scripts.push(script);
            }
        }
        scripts
    }
}

impl AccountSettings {
    fn of(trace: &Trace, endpoints: &[usize], targets: &[Target]) -> Self {
        let mut scripts: Vec<String> = Vec::new();
        let mut unknown: Vec<String> = Vec::new();
        let mut is_guess = false;
        let mut detects = false;
        let mut read = |endpoint: usize, target: &Target| {
            let mut ways: Vec<Way> = Vec::new();
            let said = trace.ways(target);
            is_guess |= is_guessed(&said);
            for way in said {
                match way {
                    // No service fetches it: what stands behind it is SYSTEM's way. A user's browser may have one of its own.
                    proxies::Way::Script(url) if not_fetched(&url).is_some() => {
                        if trace.account != proxies::Account::System {
                            break;
                        }
                    }
                    // What stands behind a script is for when the script cannot be had.
                    proxies::Way::Script(url) => {
                        if !scripts.contains(&url) {
                            scripts.push(url);
                        }
                        break;
                    }
                    proxies::Way::Proxies(servers) => {
                        ways.extend(servers.iter().filter_map(|server| server.parse().ok()).map(Way::Through));
                    }
                    proxies::Way::Direct { .. } => ways.push(Way::Direct),
                    proxies::Way::Unless { source, .. } => {
                        if !unknown.iter().any(|known| known == source.title()) {
                            unknown.push(source.title().to_owned());
                        }
                    }
                    proxies::Way::Detect => detects = true,
                }
            }
            EndpointWays { endpoint, ways }
        };
        let endpoints = endpoints.iter().zip(targets).map(|(endpoint, target)| read(*endpoint, target)).collect();
        Self { account: trace.account.to_string(), endpoints, scripts, unknown, is_guess, detects }
    }

    /// Whether this account goes to `endpoint` by `route`.
    #[must_use]
    pub fn goes(&self, endpoint: usize, route: &PlannedRoute) -> bool {
        self.endpoints.iter().any(|ways| ways.endpoint == endpoint && ways.ways.iter().any(|way| way.is_of(route)))
    }
}

/// Whether nobody knows that an account takes these ways: a source is set and cannot be read, or one that is not known stands
/// before nothing but the direct way that is left when no source says anything.
fn is_guessed(ways: &[proxies::Way]) -> bool {
    let is_damaged =
        |way: &proxies::Way| matches!(way, proxies::Way::Unless { because: proxies::Unknown::Damaged, .. });
    let is_unseen = |way: &proxies::Way| matches!(way, proxies::Way::Unless { .. });
    let is_said = |way: &proxies::Way| {
        matches!(way, proxies::Way::Proxies(_) | proxies::Way::Script(_) | proxies::Way::Direct { exception: Some(_) })
    };
    ways.iter().any(is_damaged) || ways.iter().any(is_unseen) && !ways.iter().any(is_said)
}
