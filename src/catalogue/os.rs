//! Windows versions as an admin names them, and the columns of the impact matrix they fall into.

use serde::{Deserialize, Serialize};

use super::build::{Build, BuildMistake, BuildRange, RELEASES, release_called};
use super::complaint::quotable;
use super::suggest;

/// A column of the impact matrix.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, schemars::JsonSchema)]
pub enum ImpactRow {
    #[serde(rename = "win7-8.1")]
    Win7To81,
    #[serde(rename = "win10-1507-1709")]
    Win10To1709,
    #[serde(rename = "win10-1803")]
    Win10V1803,
    #[serde(rename = "win10-1803-2018-09")]
    Win10V1803September2018,
    #[serde(rename = "win10-1809-later")]
    Win10V1809AndLater,
    #[serde(rename = "win11-later")]
    Win11AndLater,
    #[serde(rename = "server-2016")]
    Server2016,
}

/// One `--os` argument.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum OsChoice {
    /// Every version the catalogue speaks of.
    All,
    /// A client build, whole or at one revision.
    Client(Build),
    Server2016,
}

/// The Windows versions a run speaks about.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OsSelection {
    /// The arguments as given, joined by commas (`all`), for the report.
    pub label: String,
    pub choices: Vec<OsChoice>,
}

/// Why an `--os` argument names no Windows version.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OsMistake {
    #[error("`{text}` is not a Windows version: {advice}")]
    Unknown { text: String, advice: String },
    #[error("{mistake}: {}", mistake.suggestion())]
    Build { mistake: BuildMistake },
    #[error(
        "`this` asks the Windows it runs on, and this is not Windows: name a version such as win10-22h2, or a build such as \
         10.0.19045.3803"
    )]
    NotOnWindows,
}

/// The build of Windows Server 2022, the first whose Schannel offers TLS 1.3 by default; Windows 11 begins at 22000
/// (Microsoft Learn, "Protocols in TLS/SSL (Schannel SSP)").
const FIRST_WITH_TLS13: u32 = 20348;

const ALL: &str = "all";
const THIS: &str = "this";
const SERVER_2016: &str = "server-2016";

impl ImpactRow {
    pub const ALL: [Self; 7] = [
        Self::Win7To81,
        Self::Win10To1709,
        Self::Win10V1803,
        Self::Win10V1803September2018,
        Self::Win10V1809AndLater,
        Self::Win11AndLater,
        Self::Server2016,
    ];

    #[must_use]
    pub fn id(self) -> &'static str {
        match self {
            Self::Win7To81 => "win7-8.1",
            Self::Win10To1709 => "win10-1507-1709",
            Self::Win10V1803 => "win10-1803",
            Self::Win10V1803September2018 => "win10-1803-2018-09",
            Self::Win10V1809AndLater => "win10-1809-later",
            Self::Win11AndLater => "win11-later",
            Self::Server2016 => "server-2016",
        }
    }

    /// As people call it, in a sentence.
    #[must_use]
    pub fn title(self) -> &'static str {
        match self {
            Self::Win7To81 => "Windows 7 and 8.1",
            Self::Win10To1709 => "Windows 10 1507–1709",
            Self::Win10V1803 => "Windows 10 1803",
            Self::Win10V1803September2018 => "Windows 10 1803 with the September 2018 update",
            Self::Win10V1809AndLater => "Windows 10 1809–22H2",
            Self::Win11AndLater => "Windows 11 and later",
            Self::Server2016 => "Server 2016",
        }
    }

    /// The builds this column stands for. Server 2016 is documented only together with Windows 10 up to 1709, and some
    /// sources let build 14393 use what others reserve for 1703 and 1709: its column is judged as theirs.
    #[must_use]
    #[expect(clippy::match_same_arms, reason = "a table, one line per column")]
    pub fn builds(self) -> BuildRange {
        let (from, to) = match self {
            Self::Win7To81 => ((7601, 0), (9600, u32::MAX)),
            Self::Win10To1709 => ((10240, 0), (16299, u32::MAX)),
            Self::Win10V1803 => ((17134, 0), (17134, 318)),
            Self::Win10V1803September2018 => ((17134, 319), (17134, u32::MAX)),
            Self::Win10V1809AndLater => ((17763, 0), (FIRST_WITH_TLS13 - 1, u32::MAX)),
            Self::Win11AndLater => ((FIRST_WITH_TLS13, 0), (u32::MAX, u32::MAX)),
            Self::Server2016 => ((10240, 0), (16299, u32::MAX)),
        };
        BuildRange { from, to }
    }
}

/// A release as people call it, such as `Windows 10 1809` for `win10-1809`; `build 10.0.17763` for a build; any other text
/// as it is.
#[must_use]
pub fn release_title(id: &str) -> String {
    match id {
        SERVER_2016 => "Server 2016".to_owned(),
        "win7-sp1" => "Windows 7 SP1".to_owned(),
        "win8.1" => "Windows 8.1".to_owned(),
        _ if id.starts_with(|first: char| first.is_ascii_digit()) => format!("build {id}"),
        _ => match id.strip_prefix("win").and_then(|rest| rest.split_once('-')) {
            Some((version, release)) => format!("Windows {version} {}", release.to_ascii_uppercase()),
            None => id.to_owned(),
        },
    }
}

impl OsSelection {
    #[must_use]
    pub fn all() -> Self {
        Self { label: ALL.to_owned(), choices: vec![OsChoice::All] }
    }

    /// Reads the arguments of `--os`, each one a version or several with commas between; none at all means every version.
    ///
    /// `this_device` is the version of the Windows this runs on, for `this`; `None` anywhere else.
    ///
    /// # Errors
    /// [`OsMistake`] for the first argument that names no version, with what to write instead.
    pub fn read<S: AsRef<str>>(arguments: &[S], this_device: Option<OsChoice>) -> Result<Self, OsMistake> {
        let mut label: Vec<&str> = Vec::new();
        let mut choices = Vec::new();
        for text in arguments.iter().flat_map(|argument| argument.as_ref().split(',')).map(str::trim) {
            let choice = match text {
                _ if text.eq_ignore_ascii_case(THIS) => this_device.ok_or(OsMistake::NotOnWindows)?,
                _ => text.parse()?,
            };
            if !choices.contains(&choice) {
                label.push(text);
                choices.push(choice);
            }
        }
        if choices.is_empty() {
            return Ok(Self::all());
        }
        Ok(Self { label: label.join(","), choices })
    }

    /// The columns of the impact matrix this selection speaks about, in order.
    #[must_use]
    pub fn rows(&self) -> Vec<ImpactRow> {
        ImpactRow::ALL
            .into_iter()
            .filter(|row| self.choices.iter().any(|choice| choice.builds_in(*row).is_some()))
            .collect()
    }

    /// Whether a device of this selection in column `row` has a build in `range`.
    #[must_use]
    pub fn meets(&self, row: ImpactRow, range: &BuildRange) -> bool {
        self.choices.iter().filter_map(|choice| choice.builds_in(row)).any(|builds| builds.overlaps(range))
    }
}

impl OsChoice {
    /// Everything `--os` takes beside builds, in the order of release.
    pub fn ids() -> impl Iterator<Item = &'static str> {
        RELEASES.iter().map(|(id, _)| *id).chain([SERVER_2016, THIS, ALL])
    }

    fn builds_in(&self, row: ImpactRow) -> Option<BuildRange> {
        match self {
            Self::All => Some(row.builds()),
            Self::Server2016 => (row == ImpactRow::Server2016).then(|| row.builds()),
            // A build that is both client and server means the client unless `server-2016` is said.
            Self::Client(_) if row == ImpactRow::Server2016 => None,
            Self::Client(build) => BuildRange::from(*build).intersection(&row.builds()),
        }
    }
}

impl std::str::FromStr for OsChoice {
    type Err = OsMistake;

    /// Everything but `this`, which only the program can answer.
    fn from_str(text: &str) -> Result<Self, OsMistake> {
        let text = text.trim().to_ascii_lowercase();
        match text.as_str() {
            ALL => return Ok(Self::All),
            THIS => return Err(OsMistake::NotOnWindows),
            SERVER_2016 => return Ok(Self::Server2016),
            _ => {}
        }
        if let Some((_, number)) = RELEASES.iter().find(|(id, _)| *id == text) {
            return Ok(Self::Client(Build { number: *number, revision: None }));
        }
        let unknown = || OsMistake::Unknown { text: quotable(&text), advice: advice(&text) };
        match text.parse::<Build>() {
            Ok(build) => build.released().map(Self::Client).map_err(|mistake| OsMistake::Build { mistake }),
            Err(BuildMistake::TooLarge { text }) => Err(OsMistake::Build { mistake: BuildMistake::TooLarge { text } }),
            Err(_) => Err(unknown()),
        }
    }
}

fn advice(text: &str) -> String {
    if let Some(row) = ImpactRow::ALL.into_iter().find(|row| row.id() == text) {
        return match row {
            ImpactRow::Win10V1803September2018 => {
                "it is a column of the table; its first build is 10.0.17134.319".to_owned()
            }
            ImpactRow::Win10V1809AndLater => {
                "it is a column of the table; name one of them, such as win10-1809".to_owned()
            }
            ImpactRow::Win11AndLater => "it is a column of the table; name one of them, such as win11-24h2".to_owned(),
            _ => format!("it is a column of the table; its builds are {}, name one of them", row.builds()),
        };
    }
    match release_called(text).map(|(id, _)| id).or_else(|| suggest::closest(text, OsChoice::ids())) {
        Some(id) => format!("did you mean {id}?"),
        None => format!(
            "write one of {}, or a build such as 10.0.17134.320",
            OsChoice::ids().collect::<Vec<_>>().join(", ")
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(arguments: &[&str]) -> Vec<&'static str> {
        OsSelection::read(arguments, None).expect("readable").rows().into_iter().map(ImpactRow::id).collect()
    }

    #[test]
    fn a_version_falls_into_its_column() {
        for (argument, expected) in [
            ("win7-sp1", &["win7-8.1"][..]),
            ("win8.1", &["win7-8.1"]),
            ("win10-1507", &["win10-1507-1709"]),
            ("win10-1709", &["win10-1507-1709"]),
            ("win10-1803", &["win10-1803", "win10-1803-2018-09"]),
            ("10.0.17134.318", &["win10-1803"]),
            ("10.0.17134.319", &["win10-1803-2018-09"]),
            ("17134.320", &["win10-1803-2018-09"]),
            ("win10-1809", &["win10-1809-later"]),
            ("Win10-22H2", &["win10-1809-later"]),
            ("10.0.19045.3803", &["win10-1809-later"]),
            ("10.0.20348", &["win11-later"]),
            ("win11-21h2", &["win11-later"]),
            ("win11-26h1", &["win11-later"]),
            ("10.0.29531.1000", &["win11-later"]),
            ("server-2016", &["server-2016"]),
            ("10.0.14393", &["win10-1507-1709"]),
        ] {
            assert_eq!(rows(&[argument]), expected, "{argument}");
        }
    }

    #[test]
    fn no_argument_and_all_mean_every_column() {
        let every: Vec<_> = ImpactRow::ALL.into_iter().map(ImpactRow::id).collect();
        assert_eq!(rows(&[]), every);
        assert_eq!(rows(&["all"]), every);
        assert_eq!(OsSelection::read::<&str>(&[], None), Ok(OsSelection::all()));
    }

    #[test]
    fn several_versions_keep_their_order_in_the_label_and_count_once() {
        let selection = OsSelection::read(&["win10-1809,win7-sp1", "win10-1809"], None).expect("readable");
        assert_eq!(selection.label, "win10-1809,win7-sp1");
        assert_eq!(selection.choices.len(), 2);
    }

    #[test]
    fn every_column_is_met_by_some_version_and_every_version_has_a_column() {
        for (id, _) in RELEASES {
            assert!(!rows(&[id]).is_empty(), "{id}");
        }
        for row in ImpactRow::ALL {
            assert!(
                OsChoice::ids().filter(|id| *id != THIS && *id != ALL).any(|id| rows(&[id]).contains(&row.id())),
                "{row:?}"
            );
        }
    }

    #[test]
    fn this_is_answered_by_windows_alone() {
        let device = OsChoice::Client(Build { number: 19045, revision: Some(3803) });
        let selection = OsSelection::read(&["this"], Some(device)).expect("on Windows");
        assert_eq!((selection.label.as_str(), selection.choices), ("this", vec![device]));
        assert_eq!(OsSelection::read(&["this"], None), Err(OsMistake::NotOnWindows));
    }

    #[test]
    fn a_slip_of_the_pen_is_answered_with_the_version_that_was_meant() {
        for (argument, message) in [
            ("win10-1804", "`win10-1804` is not a Windows version: did you mean win10-1803?"),
            ("win7sp1", "`win7sp1` is not a Windows version: did you mean win7-sp1?"),
            ("1803", "`1803` is not a Windows version: did you mean win10-1803?"),
            ("22h2", "`22h2` is not a Windows version: did you mean win10-22h2?"),
            (
                "win10-1803-2018-09",
                "`win10-1803-2018-09` is not a Windows version: it is a column of the table; its first build is 10.0.17134.319",
            ),
            ("17143.1", "no Windows release has build 17143: did you mean `17134` (win10-1803)?"),
            (
                "10.0.17134.99999999999",
                "`99999999999` is too large for a build or revision: builds have five digits, revisions at most five: `17134.320`",
            ),
        ] {
            let mistake = OsSelection::read(&[argument], None).expect_err(argument);
            assert_eq!(mistake.to_string(), message);
        }
        let mistake = OsSelection::read(&["beos"], None).expect_err("no Windows").to_string();
        assert!(mistake.contains("write one of win7-sp1, win8.1,") && mistake.ends_with("10.0.17134.320"), "{mistake}");
    }
}
