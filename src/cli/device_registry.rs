//! Where a device's proxy settings are read: from exported files, or from the Windows that this program runs on.
//!
//! In: what `--registry` names. Out: one snapshot with the name under which it is shown. Never: a decision about a way out.

use std::path::PathBuf;

use super::{Failure, files, this_device};
use crate::catalogue::{Endpoint, UrlScheme};
use crate::harmless::sanitize;
use crate::proxies::settings::Target;
use crate::proxies::{Overview, Setting, Step, Trace, Way};
use crate::registry::{LARGEST_SNAPSHOT, Snapshot};

/// What stands for the device that this runs on, as in `--os this`.
pub(super) const THIS: &str = "this";
/// What stands in place of the files' names.
pub(super) const LIVE: &str = "this device's registry";

/// The part of a registry that says which proxies a device uses.
pub(super) struct DeviceRegistry {
    /// The files, or [`LIVE`].
    pub name: String,
    pub snapshot: Snapshot,
}

impl DeviceRegistry {
    /// The device that this runs on; `None` where it is no Windows.
    pub(super) fn live() -> Option<Self> {
        Some(Self { name: LIVE.to_owned(), snapshot: this_device::proxies()? })
    }

    /// What `--registry` names; `None` without it.
    pub(super) fn read(registry: &[PathBuf]) -> Result<Option<Self>, Failure> {
        let is_this = |path: &PathBuf| path.as_os_str() == THIS;
        match registry {
            [] => Ok(None),
            [one] if is_this(one) => Self::live().map(Some).ok_or_else(|| {
                Failure::usage(
                    "--registry this: only Windows has such settings. Export them on the device (waprobe proxy prints the \
                     commands), and give the files",
                )
            }),
            several if several.iter().any(is_this) => Err(Failure::usage(
                "--registry this: the settings of this device stand alone; give either it or exported files",
            )),
            files => {
                let names: Vec<String> = files.iter().map(|path| path.display().to_string()).collect();
                Ok(Some(Self { name: names.join(", "), snapshot: exported(files)? }))
            }
        }
    }
}

impl DeviceRegistry {
    /// Whether no source in it names a way out, and one that SYSTEM's way rests on is not in it.
    pub(super) fn says_nothing(&self) -> bool {
        let traces = Trace::all(&self.snapshot);
        let names_one = |step: &Step| matches!(step.setting, Setting::Says { .. } | Setting::Damaged(_));
        let is_open = |trace: &Trace| trace.steps.iter().any(|step| step.setting == Setting::NotKnown);
        !traces.iter().flat_map(|trace| &trace.steps).any(names_one) && traces.first().is_some_and(is_open)
    }
}

/// All files as one registry; where two hold a value, the later one counts.
fn exported(paths: &[PathBuf]) -> Result<Snapshot, Failure> {
    let mut whole: Option<Snapshot> = None;
    for path in paths {
        let part = Snapshot::read(&files::bytes(path, LARGEST_SNAPSHOT)?)
            .map_err(|mistake| Failure::usage(format!("{}, {mistake}", path.display())))?;
        match &mut whole {
            None => whole = Some(part),
            Some(whole) => whole.add(&part),
        }
    }
    Ok(whole.unwrap_or_default())
}

/// `--registry` as it is pasted into a shell; `None` where no quotes would do for a file's name.
pub(super) fn arguments(registry: &[PathBuf]) -> Option<String> {
    if registry.is_empty() {
        return Some(format!(" --registry {THIS}"));
    }
    registry.iter().map(|path| Some(format!(" --registry {}", pasted(path.to_str()?)?))).collect()
}

/// A word as cmd, PowerShell and the shells of Unix take it alike, between double quotes where it needs them; `None` where it
/// holds something that one of them would not leave as it is.
pub(super) fn pasted(word: &str) -> Option<String> {
    let is_plain = |character: char| {
        character.is_ascii_alphanumeric() || ":/._-~".contains(character) || cfg!(windows) && character == '\\'
    };
    if word.is_empty() || word.starts_with('-') {
        return None;
    }
    if word.chars().all(is_plain) {
        return Some(word.to_owned());
    }
    let means_itself = |character: char| {
        is_plain(character) || character.is_alphanumeric() || " ?&=+,;@()'#[]*{}|<>".contains(character)
    };
    // cmd puts a variable in the place of %NAME%; an escaped byte of an address is left alone.
    let is_escape = |(place, _): (usize, &str)| {
        word.as_bytes().get(place + 1..place + 3).is_some_and(|two| two.iter().all(u8::is_ascii_hexdigit))
    };
    let quotable = word.chars().all(|character| means_itself(character) || character == '%')
        && word.match_indices('%').all(is_escape);
    quotable.then(|| format!("\"{word}\""))
}

/// An endpoint as the settings are asked for it.
pub(super) fn target(endpoint: &Endpoint) -> Target {
    Target {
        scheme: if endpoint.scheme == UrlScheme::Https { "https" } else { "http" }.to_owned(),
        host: endpoint.host.clone(),
        port: endpoint.port,
    }
}

/// A line about proxies and scripts that a device's settings name for these addresses, for a run that goes directly alone.
pub(super) fn passed_over(overview: &Overview, targets: &[Target]) -> Option<String> {
    let mut named: Vec<(String, Vec<String>)> = Vec::new();
    for trace in &overview.traces {
        let account = trace.account.to_string();
        for way in targets.iter().flat_map(|target| trace.ways(target)) {
            let what = match way {
                Way::Script(url) => format!("the script {url}"),
                Way::Proxies(servers) => servers.join(", then "),
                Way::Unless { .. } | Way::Detect | Way::Direct { .. } => continue,
            };
            match named.iter_mut().find(|(known, _)| *known == what) {
                None => named.push((what, vec![account.clone()])),
                Some((_, accounts)) if !accounts.contains(&account) => accounts.push(account.clone()),
                Some(_) => {}
            }
        }
    }
    let ways: Vec<String> =
        named.iter().map(|(what, accounts)| format!("{what} (as {})", accounts.join(", "))).collect();
    (!ways.is_empty()).then(|| {
        format!(
            "note: this device's own settings lead through {}, and this run goes directly: add --registry this to try their ways",
            sanitize(&ways.join("; "))
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn note(export: &[u8]) -> Option<String> {
        let snapshot = Snapshot::read(export).expect("an export");
        let targets = [Target { scheme: "https".into(), host: "v10c.events.data.microsoft.com".into(), port: 443 }];
        passed_over(&Overview::of(&snapshot, &targets), &targets)
    }

    #[test]
    fn a_check_without_a_route_tells_which_proxies_the_device_would_use() {
        assert_eq!(
            note(include_bytes!("../../fixtures/registry/winhttp.reg")).as_deref(),
            Some(
                "note: this device's own settings lead through proxy.contoso.example:8080 (as SYSTEM, user (HKCU)), and this run \
                 goes directly: add --registry this to try their ways"
            )
        );
        let script = note(include_bytes!("../../fixtures/registry/user-script-only.reg")).expect("a script");
        assert!(script.contains("the script http://proxy.contoso.example/proxy.pac (as user (HKCU))"), "{script}");
        // What every new account has, detection, is no news.
        assert_eq!(note(include_bytes!("../../fixtures/registry/direct.reg")), None);
    }

    #[test]
    fn what_is_printed_to_be_pasted_means_the_same_in_every_shell() {
        for (word, expected) in [
            ("http://pac.contoso.example/proxy.pac", Some("http://pac.contoso.example/proxy.pac")),
            ("http://pac/p.pac?site=1&x=%41", Some("\"http://pac/p.pac?site=1&x=%41\"")),
            ("/tmp/Bürogeräte/a b.reg", Some("\"/tmp/Bürogeräte/a b.reg\"")),
            ("http://a/;reboot", Some("\"http://a/;reboot\"")),
            ("http://a/$(reboot)", None),
            ("http://a/`reboot`", None),
            ("http://a/%TEMP%.pac", None),
            ("http://a/\"|reboot", None),
            ("http://a/!!", None),
            ("http://a/\u{201d}|reboot", None),
            ("--lab", None),
            ("", None),
        ] {
            assert_eq!(pasted(word).as_deref(), expected, "{word}");
        }
        assert_eq!(arguments(&[]).as_deref(), Some(" --registry this"));
        let files = ["a.reg", "b c.reg"].map(PathBuf::from);
        assert_eq!(arguments(&files).as_deref(), Some(" --registry a.reg --registry \"b c.reg\""));
        assert_eq!(arguments(&["$x.reg"].map(PathBuf::from)), None);
    }

    #[test]
    fn this_device_stands_alone_and_needs_a_windows() {
        let complaint = |registry: &[&str]| {
            let paths: Vec<PathBuf> = registry.iter().map(PathBuf::from).collect();
            DeviceRegistry::read(&paths).err().map(|failure| format!("{failure:?}"))
        };
        assert!(complaint(&["this", "machine.reg"]).is_some_and(|text| text.contains("either it or exported files")));
        if !cfg!(windows) {
            assert!(complaint(&["this"]).is_some_and(|text| text.contains("only Windows has such settings")));
        }
        assert!(complaint(&[]).is_none());
    }
}
