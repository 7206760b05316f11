//! The settings of the machine that this program runs on.
//!
//! In: a [`Registry`] and whose process this is. Out: the [`Snapshot`] that an export of the same keys would be. Never: a
//! decision. Hives that this account may not read are left out.

use super::advice::{DEFENDER, ENVIRONMENTS};
use super::trace::{MACHINE_POLICY, MOST_USERS, POLICY, SCRIPT_SERVICE, SETTINGS, SYSTEM_HIVES, WIN_HTTP, is_person};
use crate::registry::{Registry, Snapshot};

/// Every source of a proxy, for SYSTEM and for the users that are signed in.
///
/// `own` is the security identifier of the account that runs this, where it is known: its hive is read as `HKCU` alone, so
/// that nobody is shown twice; an account that is no person's has none.
#[must_use]
pub fn snapshot(registry: &impl Registry, own: Option<&str>) -> Snapshot {
    let hives = registry.subkeys("HKU");
    let others: Vec<String> = hives
        .iter()
        .flatten()
        .filter(|hive| is_person(hive) && own != Some(hive.as_str()))
        .take(MOST_USERS)
        .map(|hive| format!(r"HKU\{hive}"))
        .collect();
    let is_me = own.is_none_or(is_person);
    let mut keys: Vec<String> =
        [POLICY, MACHINE_POLICY, DEFENDER, WIN_HTTP, SCRIPT_SERVICE, ENVIRONMENTS[0]].map(str::to_owned).to_vec();
    let accounts = ["HKLM"].into_iter().chain(SYSTEM_HIVES).chain(is_me.then_some("HKCU"));
    for hive in accounts.map(str::to_owned).chain(others.iter().cloned()) {
        keys.push(format!(r"{hive}\{SETTINGS}"));
        keys.push(format!(r"{hive}\{SETTINGS}\Connections"));
    }
    if is_me {
        keys.push(ENVIRONMENTS[1].to_owned());
    }
    let mut snapshot = Snapshot::of(registry, keys);
    // All hives were listed, and none of a person's is among them: nobody is signed in.
    if hives.is_some() && others.is_empty() && !is_me {
        snapshot.hold("HKU");
    }
    snapshot
}

/// The values by which [`snapshot`]'s keys name proxies. The same keys hold others that are nobody else's business, and among
/// environment variables there are passwords.
const HANDED_ON: [&str; 13] = [
    "AutoConfigURL",
    "DefaultConnectionSettings",
    "DisableEnterpriseAuthProxy",
    "DisableWpad",
    "OnboardingState",
    "ProxyEnable",
    "ProxyOverride",
    "ProxyServer",
    "ProxySettingsPerUser",
    "Start",
    "TelemetryProxyServer",
    "TelemetryProxyServer_PolicyManager",
    "WinHttpSettings",
];

/// The part of [`snapshot`] that goes into a file for others: what names a proxy, and nothing else that stands beside it.
#[must_use]
pub fn handed_on(found: &Snapshot) -> Snapshot {
    let mut part = Snapshot::default();
    let is_environment = |path: &str| path.ends_with(r"\Environment");
    for path in found.absent().filter(|path| !is_environment(path)) {
        part.remove(path);
    }
    for key in found.keys().filter(|key| !is_environment(key.path())) {
        part.hold(key.path());
        for (name, value) in key.values() {
            if HANDED_ON.iter().any(|known| known.eq_ignore_ascii_case(name)) {
                part.set(key.path(), name, value.clone());
            }
        }
    }
    part
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proxies::{Account, Overview};
    use crate::registry::{RawValue, Reading, Value};

    const ANNA: &str = "S-1-5-21-1-2-3-1001";
    const BERTA: &str = "S-1-5-21-1-2-3-1002";

    /// Every account has a proxy of its own name; what is guarded cannot be read.
    struct Hives {
        loaded: Vec<&'static str>,
        guarded: Option<&'static str>,
    }

    impl Registry for Hives {
        fn key(&self, path: &str) -> Reading {
            let hive = path.split('\\').nth(1).unwrap_or_default();
            if self.guarded == Some(hive) {
                return Reading::NotReadable;
            }
            if !path.ends_with("Internet Settings") || path.starts_with("HKLM") {
                return Reading::Absent;
            }
            let value = |name: &str, value: Value| (name.to_owned(), RawValue::from(&value));
            Reading::Held(vec![
                value("ProxyEnable", Value::Dword(1)),
                value("ProxyServer", Value::Sz("proxy.contoso.example:8080".into())),
            ])
        }

        fn subkeys(&self, path: &str) -> Option<Vec<String>> {
            (path == "HKU").then(|| self.loaded.iter().map(|&name| name.to_owned()).collect())
        }
    }

    fn users(hives: &Hives, own: Option<&str>) -> Vec<String> {
        let accounts = Overview::of(&snapshot(hives, own), &[]).traces.into_iter().map(|trace| trace.account);
        accounts.filter_map(|account| if let Account::User { hive } = account { Some(hive) } else { None }).collect()
    }

    #[test]
    fn whoever_asks_is_shown_once_and_other_people_beside() {
        let hives = Hives {
            loaded: vec![".DEFAULT", "S-1-5-18", "S-1-5-19", ANNA, "S-1-5-21-1-2-3-1001_Classes", BERTA],
            guarded: None,
        };
        assert_eq!(users(&hives, Some(ANNA)), ["HKCU".to_owned(), format!(r"HKU\{BERTA}")]);
        assert_eq!(users(&hives, Some("S-1-5-18")), [format!(r"HKU\{ANNA}"), format!(r"HKU\{BERTA}")]);
        let guarded = Hives { guarded: Some(BERTA), ..hives };
        assert_eq!(users(&guarded, Some(ANNA)), ["HKCU"], "another person's hive is not for this account to read");
    }

    #[test]
    fn where_nobody_is_signed_in_that_is_told_by_system_alone() {
        let hives = Hives { loaded: vec![".DEFAULT", "S-1-5-18", "S-1-5-19"], guarded: None };
        let codes = |own| Overview::of(&snapshot(&hives, Some(own)), &[]).advice.into_iter().map(|advice| advice.code);
        assert!(users(&hives, Some("S-1-5-18")).is_empty());
        assert!(snapshot(&hives, Some("S-1-5-18")).key("HKU").is_some());
        assert!(snapshot(&hives, Some(ANNA)).key("HKU").is_none());
        assert!(codes(ANNA).all(|code| code != "conf.headless_user_auth"));
    }

    #[test]
    fn what_is_handed_on_leads_to_the_same_proxies_and_tells_nothing_else() {
        for file in
            ["winhttp", "per-machine", "user-only", "user-disabled", "defender", "by-scheme", "environment-only"]
        {
            let path = format!("{}/fixtures/registry/{file}.reg", env!("CARGO_MANIFEST_DIR"));
            let mut found = Snapshot::read(&std::fs::read(&path).expect("a fixture")).expect("an export");
            found.set(r"HKCU\Environment", "API_TOKEN", Value::Sz("hunter2".into()));
            found.set(&format!(r"HKCU\{SETTINGS}"), "ProxyPass", Value::Sz("hunter2".into()));
            let part = handed_on(&found);
            let said = |snapshot: &Snapshot| {
                let overview = Overview::of(snapshot, &[]);
                let codes: Vec<&str> = overview.advice.iter().map(|advice| advice.code).collect();
                (format!("{:?}", overview.traces), codes.contains(&"conf.mde_conflict"))
            };
            assert_eq!(said(&part), said(&found), "{file}");
            assert!(!crate::registry::to_json(&part).contains("hunter2"), "{file}");
        }
    }
}
