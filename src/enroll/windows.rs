//! Which Windows the rules are about: as told, or as the snapshot says.

use super::places::{CURRENT_VERSION, PRODUCT_OPTIONS};
use crate::catalogue::{Build, OsChoice, OsSelection, Solution, release_title};
use crate::registry::{Snapshot, Value};

const WINDOWS_7_SP1: u32 = 7601;
const WINDOWS_8_1: u32 = 9600;
/// The first Windows 10.
const WINDOWS_10: u32 = 10240;
/// Windows 10 1607, and Server 2016.
const SERVER_2016: u32 = 14393;

/// Servers by build: the same numbers as those of clients.
const SERVERS: [(u32, &str); 12] = [
    (6001, "2008"),
    (6002, "2008"),
    (6003, "2008"),
    (7600, "2008 R2"),
    (7601, "2008 R2"),
    (9200, "2012"),
    (9600, "2012 R2"),
    (SERVER_2016, "2016"),
    (17763, "2019"),
    (20348, "2022"),
    (25398, "23H2"),
    (26100, "2025"),
];

/// Builds that no client has.
const SERVERS_ALONE: [u32; 2] = [20348, 25398];

/// A Windows version as far as it is known. Every answer may be "not known".
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Windows {
    /// As in `--os`, or the snapshot's build.
    pub label: String,
    pub build: Option<Build>,
    pub server: Option<bool>,
    /// As `EditionID` in the registry.
    pub edition: Option<String>,
    /// What the snapshot says, where `--os` said otherwise.
    pub contradicted_by: Option<Build>,
    /// What the snapshot gives as its build, where that cannot be read.
    pub unreadable: Option<String>,
}

impl Windows {
    /// `chosen` is `--os`, which wins; where it names the release alone, the snapshot adds the revision.
    #[must_use]
    pub fn of(snapshot: &Snapshot, chosen: Option<(&str, OsChoice)>) -> Self {
        let (found, unreadable) = build(snapshot);
        let server = is_server(snapshot);
        let is_server_alone = |build: &Build| SERVERS_ALONE.contains(&build.number);
        let edition = edition(snapshot);
        let told = match chosen {
            Some((label, OsChoice::Client(build))) => {
                Some((label, build, server.or(is_server_alone(&build).then_some(true))))
            }
            Some((label, OsChoice::Server2016)) => {
                Some((label, Build { number: SERVER_2016, revision: None }, Some(true)))
            }
            Some((_, OsChoice::All)) | None => None,
        };
        let Some((label, build, server)) = told else {
            let server = server.or(found.as_ref().is_some_and(is_server_alone).then_some(true));
            let label = match found {
                None => "unknown".to_owned(),
                // What was before version 10 has other numbers in front, and the clients of two of them have names.
                Some(Build { number: WINDOWS_7_SP1, .. }) if server != Some(true) => "win7-sp1".to_owned(),
                Some(Build { number: WINDOWS_8_1, .. }) if server != Some(true) => "win8.1".to_owned(),
                Some(build) if build.number < WINDOWS_10 || build.released().is_err() => {
                    format!("build {}", build.number)
                }
                Some(build) => format!("10.0.{build}"),
            };
            return Self { label, build: found, server, edition, contradicted_by: None, unreadable };
        };
        let same_release = found.filter(|found| found.number == build.number);
        let contradicted_by = found.filter(|found| {
            found.number != build.number
                || build.revision.is_some_and(|revision| found.revision.is_some_and(|other| other != revision))
        });
        let build = Build { revision: build.revision.or(same_release.and_then(|found| found.revision)), ..build };
        Self { label: label.to_owned(), build: Some(build), server, edition, contradicted_by, unreadable }
    }

    /// As people call it, such as `Windows 10 1809`; `None` where the version is not known or has no name.
    #[must_use]
    pub fn name(&self) -> Option<String> {
        let build = self.build?;
        if self.server == Some(true) {
            let named = SERVERS.iter().find(|(number, _)| *number == build.number);
            return named.map(|(_, name)| format!("Windows Server {name}"));
        }
        match build.number {
            6000..=6003 => Some("Windows Vista".to_owned()),
            7600 => Some("Windows 7 without Service Pack 1".to_owned()),
            WINDOWS_7_SP1 => Some("Windows 7 SP1".to_owned()),
            9200 => Some("Windows 8".to_owned()),
            WINDOWS_8_1 => Some("Windows 8.1".to_owned()),
            _ => build.release().map(release_title),
        }
    }

    /// Name and version for people: `Windows 10 1809 (10.0.17763.316)`.
    #[must_use]
    pub fn described(&self) -> String {
        if self.name().is_none() && self.is_released() == Some(false) {
            return format!("{}, which no release of Windows has", self.label);
        }
        called(&self.label, self.name().as_deref())
    }

    /// Whether Microsoft released a Windows of this build, as far as that can be told: of builds after 1809 a number that
    /// is in no list may be a preview, or newer than the list.
    #[must_use]
    pub fn is_released(&self) -> Option<bool> {
        let build = self.build?;
        if self.server == Some(true) {
            return self.name().map(|_| true);
        }
        match (build.released(), build.release()) {
            (Err(_), _) => Some(false),
            (Ok(_), Some(_)) => Some(true),
            (Ok(_), None) => None,
        }
    }

    /// The same as an argument of `--os`; `None` when the version is not known.
    #[must_use]
    pub fn choice(&self) -> Option<OsChoice> {
        let build = self.build?;
        let is_server_2016 = self.server == Some(true) && build.number == SERVER_2016;
        Some(if is_server_2016 { OsChoice::Server2016 } else { OsChoice::Client(build) })
    }

    /// Whether this is at least that build; `None` when the version, or the revision it depends on, is not known.
    #[must_use]
    pub fn at_least(&self, number: u32, revision: u32) -> Option<bool> {
        let build = self.build?;
        match build.number.cmp(&number) {
            std::cmp::Ordering::Less => Some(false),
            std::cmp::Ordering::Greater => Some(true),
            std::cmp::Ordering::Equal if revision == 0 => Some(true),
            std::cmp::Ordering::Equal => build.revision.map(|known| known >= revision),
        }
    }

    #[must_use]
    pub fn is_windows_10(&self) -> Option<bool> {
        self.at_least(WINDOWS_10, 0)
    }

    /// Windows 7 or 8.1.
    #[must_use]
    pub fn is_before_10(&self) -> Option<bool> {
        self.is_windows_10().map(|is| !is)
    }

    #[must_use]
    pub fn is_number(&self, number: u32) -> Option<bool> {
        self.build.map(|build| build.number == number)
    }

    /// A long-term servicing edition, of which the deployment script wants to know nothing.
    #[must_use]
    pub fn is_long_term(&self) -> Option<bool> {
        const EDITIONS: [&str; 4] = ["EnterpriseS", "EnterpriseSN", "EnterpriseSEval", "EnterpriseSNEval"];
        let edition = self.edition.as_deref()?;
        Some(EDITIONS.iter().any(|long_term| long_term.eq_ignore_ascii_case(edition)))
    }

    /// What the edition is for, where it is none of desktops, such as `Windows 10 Team, of Surface Hub`.
    #[must_use]
    pub fn device_edition(&self) -> Option<&'static str> {
        let edition = self.edition.as_deref()?;
        DEVICES.iter().find(|(start, _)| starts_with(edition, start)).map(|(_, what)| *what)
    }

    /// This one version, as a selection of the catalogue; `None` when it is not known, or none that the catalogue speaks of.
    #[must_use]
    pub fn selection(&self) -> Option<OsSelection> {
        let build = self.build.filter(|_| self.is_released() != Some(false))?;
        let is_server_2016 = build.number == SERVER_2016 && self.server == Some(true);
        let choice = if is_server_2016 { OsChoice::Server2016 } else { OsChoice::Client(build) };
        let selection = OsSelection { label: self.label.clone(), choices: vec![choice] };
        (!selection.rows().is_empty()).then_some(selection)
    }

    /// Whether `solution` exists for this Windows. A device of which nobody says that it is a server is a client.
    #[must_use]
    pub fn supports(&self, solution: Solution) -> Option<bool> {
        let build = self.build?;
        Some(match (self.server.unwrap_or(false), build.number) {
            _ if self.device_edition().is_some() => false,
            (true, SERVER_2016) => solution == Solution::DeviceHealth,
            (true, _) => false,
            (false, WINDOWS_7_SP1 | WINDOWS_8_1) => solution == Solution::UpgradeReadiness,
            // Without its service pack Windows 7 is too old, as are Windows 8 and whatever came before; and of a number that no
            // release has nobody knows what it is.
            (false, _) if self.is_released() == Some(false) => false,
            (false, _) => true,
        })
    }
}

/// A version by its name, with what `--os` or the snapshot says where that says more.
#[must_use]
pub fn called(label: &str, name: Option<&str>) -> String {
    match name {
        Some(name) if label.starts_with("win") || label.starts_with("server") => name.to_owned(),
        Some(name) => format!("{name} ({label})"),
        None => label.to_owned(),
    }
}

/// The build, and what could not be read as one. A fact that cannot be read leaves the registry's, and so does one of its two values
/// the other.
fn build(snapshot: &Snapshot) -> (Option<Build>, Option<String>) {
    const LONGEST: usize = 40;
    let value = |name| snapshot.lookup(CURRENT_VERSION, name).value();
    let shortened = |text: &str| text.chars().take(LONGEST).collect::<String>();
    let fact = snapshot.device.build.as_deref();
    if let Some(build) = fact.and_then(|text| text.trim().parse().ok()) {
        return (Some(build), None);
    }
    let values = ["CurrentBuildNumber", "CurrentBuild"].into_iter().filter_map(value);
    let number = values.clone().find_map(|value| value.as_text()?.trim().parse().ok());
    let found = number.map(|number| Build { number, revision: value("UBR").and_then(Value::as_dword) });
    let of_registry = values.map(Value::shown).next().filter(|_| found.is_none());
    (found, fact.map(shortened).or_else(|| of_registry.as_deref().map(shortened)))
}

fn is_server(snapshot: &Snapshot) -> Option<bool> {
    let edition = edition(snapshot);
    // Windows 10 Enterprise multi-session says "server" of itself, so that tools of remote desktops work, and is a client
    // (Microsoft, "Windows 10 Enterprise multi-session FAQ").
    if edition.as_deref().is_some_and(|edition| edition.eq_ignore_ascii_case("ServerRdsh")) {
        return Some(false);
    }
    // Editions for devices have installation types of their own, and are no servers.
    if edition.as_deref().is_some_and(is_for_devices) {
        return Some(false);
    }
    let text = |key, name| snapshot.lookup(key, name).value().and_then(Value::as_text);
    snapshot
        .device
        .server
        .or_else(|| text(PRODUCT_OPTIONS, "ProductType").map(|kind| !kind.eq_ignore_ascii_case("WinNT")))
        .or_else(|| text(CURRENT_VERSION, "InstallationType").map(|kind| !kind.eq_ignore_ascii_case("Client")))
        .or_else(|| edition.filter(|edition| starts_with(edition, "Server")).map(|_| true))
}

/// Editions that are no desktop: Surface Hub (Team), `IoT`, `HoloLens` and phones. Microsoft's page of Update Compliance: "not currently
/// compatible with Windows Server, Surface Hub, `IoT`, etc."; the enrolment page says "desktop devices (workstations and laptops)".
const DEVICES: [(&str, &str); 4] = [
    ("PPIPro", "Windows 10 Team, of Surface Hub"),
    ("IoT", "Windows IoT"),
    ("Holographic", "Windows Holographic, of HoloLens"),
    ("Mobile", "Windows 10 Mobile"),
];

fn is_for_devices(edition: &str) -> bool {
    DEVICES.iter().any(|(start, _)| starts_with(edition, start))
}

fn starts_with(text: &str, start: &str) -> bool {
    text.get(..start.len()).is_some_and(|own| own.eq_ignore_ascii_case(start))
}

fn edition(snapshot: &Snapshot) -> Option<String> {
    let registry = snapshot.lookup(CURRENT_VERSION, "EditionID").value().and_then(Value::as_text);
    snapshot.device.edition.as_deref().or(registry).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with_build(number: &str, revision: Option<u32>) -> Snapshot {
        let mut snapshot = Snapshot::default();
        snapshot.set(CURRENT_VERSION, "CurrentBuildNumber", Value::Sz(number.into()));
        if let Some(revision) = revision {
            snapshot.set(CURRENT_VERSION, "UBR", Value::Dword(revision));
        }
        snapshot
    }

    fn chosen(text: &'static str) -> (&'static str, OsChoice) {
        (text, text.parse().expect("a version"))
    }

    #[test]
    fn what_is_told_wins_and_the_snapshot_adds_the_revision() {
        let snapshot = with_build("17134", Some(320));
        let windows = Windows::of(&snapshot, Some(chosen("win10-1803")));
        assert_eq!(windows.build, Some(Build { number: 17134, revision: Some(320) }));
        assert_eq!((windows.label.as_str(), windows.contradicted_by), ("win10-1803", None));
        let windows = Windows::of(&snapshot, Some(chosen("win10-1809")));
        assert_eq!(windows.build, Some(Build { number: 17763, revision: None }));
        assert_eq!(windows.contradicted_by, Some(Build { number: 17134, revision: Some(320) }));
        let windows = Windows::of(&snapshot, None);
        assert_eq!((windows.label.as_str(), windows.at_least(17134, 319)), ("10.0.17134.320", Some(true)));
    }

    #[test]
    fn without_a_version_nothing_is_claimed() {
        let windows = Windows::of(&Snapshot::default(), Some(chosen("all")));
        assert_eq!(windows.label, "unknown");
        assert_eq!(windows.is_windows_10(), None);
        assert_eq!(windows.supports(Solution::DeviceHealth), None);
        let release = Windows::of(&Snapshot::default(), Some(chosen("win10-1803")));
        assert_eq!((release.at_least(17134, 0), release.at_least(17134, 319)), (Some(true), None));
    }

    #[test]
    fn a_build_that_no_release_has_is_no_windows_of_ours() {
        for (number, released, name) in [
            ("6002", Some(false), Some("Windows Vista")),
            ("7600", Some(false), Some("Windows 7 without Service Pack 1")),
            ("7601", Some(true), Some("Windows 7 SP1")),
            ("9200", Some(false), Some("Windows 8")),
            ("12345", Some(false), None),
            ("17134", Some(true), Some("Windows 10 1803")),
            ("17762", Some(false), None),
            ("19045", Some(true), Some("Windows 10 22H2")),
            ("22631", Some(true), Some("Windows 11 23H2")),
            // A preview, or something to come.
            ("26120", None, None),
        ] {
            let windows = Windows::of(&with_build(number, None), None);
            assert_eq!((windows.is_released(), windows.name().as_deref()), (released, name), "{number}");
            let supported = Solution::ALL.iter().any(|solution| windows.supports(*solution) == Some(true));
            assert_eq!(supported, released != Some(false), "{number}");
            assert_eq!(windows.selection().is_some(), released != Some(false), "{number}");
        }
        let alone = Windows::of(&with_build("20348", None), None);
        assert_eq!((alone.server, alone.supports(Solution::DeviceHealth)), (Some(true), Some(false)));
        let told = Windows::of(&Snapshot::default(), Some(chosen("20348")));
        assert_eq!(told.supports(Solution::UpgradeReadiness), Some(false));
        let mut server = with_build("17763", None);
        server.set(PRODUCT_OPTIONS, "ProductType", Value::Sz("ServerNT".into()));
        assert_eq!(Windows::of(&server, None).described(), "Windows Server 2019 (10.0.17763)");
        assert_eq!(
            Windows::of(&with_build("12345", Some(1)), None).described(),
            "build 12345, which no release of Windows has"
        );
    }

    #[test]
    fn a_server_is_told_by_its_product_type() {
        let mut snapshot = with_build("14393", None);
        assert_eq!(Windows::of(&snapshot, None).supports(Solution::UpgradeReadiness), Some(true));
        snapshot.set(PRODUCT_OPTIONS, "ProductType", Value::Sz("ServerNT".into()));
        let windows = Windows::of(&snapshot, None);
        assert_eq!(windows.supports(Solution::UpgradeReadiness), Some(false));
        assert_eq!(windows.supports(Solution::DeviceHealth), Some(true));
        assert_eq!(Windows::of(&with_build("7601", None), None).label, "win7-sp1");
    }
}
