//! Windows builds, revisions and ranges of them, because "1803" with and without one cumulative update differ.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// A Windows build with, where known, its revision.
///
/// Written as Windows writes it (`10.0.17134.320`, `6.1.7601`) or without the version in front (`17134.320`, `17134`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Build {
    pub number: u32,
    /// The update build revision; `None` stands for every revision.
    pub revision: Option<u32>,
}

/// Consecutive builds, both ends included.
///
/// | written | means |
/// |---|---|
/// | `17763` | every revision of this build |
/// | `17134.320` | this revision alone |
/// | `10240..16299` | from the first revision of the one to the last of the other |
/// | `17134..17134.318` | that build up to a revision |
/// | `15063.1356..15063` | that build from a revision on: an end without a revision covers all of its build |
/// | `17134.319..` | from there on, and every later build |
/// | `..9600` | everything up to the last revision of that build |
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BuildRange {
    /// Lowest (build, revision).
    pub from: (u32, u32),
    /// Highest (build, revision); `u32::MAX` where the range is open.
    pub to: (u32, u32),
}

/// Why a text is not a build or a range of builds.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BuildMistake {
    #[error("`{text}` is not a build")]
    Unreadable { text: String },
    #[error("`{text}` is a Windows version, not a build")]
    Version { text: String, number: u32 },
    #[error("`{text}` is too large for a build or revision")]
    TooLarge { text: String },
    #[error("no Windows release has build {number}")]
    Unknown { number: u32, closest: u32 },
    #[error("the range ends before it starts: {to} is lower than {from}")]
    Backwards { from: Build, to: Build },
}

/// The Windows releases in which diagnostic data is sent, by the name that `--os` takes.
pub(super) const RELEASES: [(&str, u32); 22] = [
    ("win7-sp1", 7601),
    ("win8.1", 9600),
    ("win10-1507", 10240),
    ("win10-1511", 10586),
    ("win10-1607", 14393),
    ("win10-1703", 15063),
    ("win10-1709", 16299),
    ("win10-1803", 17134),
    ("win10-1809", 17763),
    ("win10-1903", 18362),
    ("win10-1909", 18363),
    ("win10-2004", 19041),
    ("win10-20h2", 19042),
    ("win10-21h1", 19043),
    ("win10-21h2", 19044),
    ("win10-22h2", 19045),
    ("win11-21h2", 22000),
    ("win11-22h2", 22621),
    ("win11-23h2", 22631),
    ("win11-24h2", 26100),
    ("win11-25h2", 26200),
    ("win11-26h1", 28000),
];

/// From here on every number is taken for a build: previews, servers and releases still to come. Below, the list is closed.
const FIRST_OPEN_BUILD: u32 = 17763;

/// Version numbers that Windows puts before its builds.
const VERSIONS: [(&str, &str); 3] = [("10", "0"), ("6", "1"), ("6", "3")];

impl Build {
    /// The same build, when there is a Windows release with its number.
    ///
    /// # Errors
    /// [`BuildMistake::Unknown`], with the closest release.
    pub fn released(self) -> Result<Self, BuildMistake> {
        if self.number >= FIRST_OPEN_BUILD || RELEASES.iter().any(|(_, build)| *build == self.number) {
            return Ok(self);
        }
        let distance = |build: &u32| build.abs_diff(self.number);
        let closest = RELEASES.iter().map(|(_, build)| *build).min_by_key(distance).unwrap_or(FIRST_OPEN_BUILD);
        Err(BuildMistake::Unknown { number: self.number, closest })
    }

    /// The release of this build by the name that `--os` takes, such as `win10-1809`.
    #[must_use]
    pub fn release(self) -> Option<&'static str> {
        release_of(self.number)
    }
}

impl FromStr for Build {
    type Err = BuildMistake;

    fn from_str(text: &str) -> Result<Self, BuildMistake> {
        let text = text.trim();
        let unreadable = || BuildMistake::Unreadable { text: super::complaint::quotable(text) };
        // `1803` would read as a build, and nobody who writes it means one.
        if let Some((_, number)) = release_called(text) {
            return Err(BuildMistake::Version { text: super::complaint::quotable(text), number });
        }
        let parts: Vec<&str> = text.split('.').take(5).collect();
        let (number, revision) = match parts[..] {
            [number] => (number, None),
            [number, revision] => (number, Some(revision)),
            [major, minor, number] if VERSIONS.contains(&(major, minor)) => (number, None),
            [major, minor, number, revision] if VERSIONS.contains(&(major, minor)) => (number, Some(revision)),
            _ => return Err(unreadable()),
        };
        let digits = |part: &str| {
            if part.is_empty() || !part.bytes().all(|byte| byte.is_ascii_digit()) {
                return Err(unreadable());
            }
            part.parse().map_err(|_| BuildMistake::TooLarge { text: super::complaint::quotable(part) })
        };
        Ok(Self { number: digits(number)?, revision: revision.map(digits).transpose()? })
    }
}

impl fmt::Display for Build {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.revision {
            Some(revision) => write!(out, "{}.{revision}", self.number),
            None => write!(out, "{}", self.number),
        }
    }
}

impl BuildRange {
    #[must_use]
    pub fn overlaps(&self, other: &Self) -> bool {
        self.from <= other.to && other.from <= self.to
    }

    pub(super) fn intersection(&self, other: &Self) -> Option<Self> {
        let common = Self { from: self.from.max(other.from), to: self.to.min(other.to) };
        (common.from <= common.to).then_some(common)
    }
}

impl From<Build> for BuildRange {
    fn from(build: Build) -> Self {
        match build.revision {
            Some(revision) => Self { from: (build.number, revision), to: (build.number, revision) },
            None => Self { from: (build.number, 0), to: (build.number, u32::MAX) },
        }
    }
}

impl FromStr for BuildRange {
    type Err = BuildMistake;

    fn from_str(text: &str) -> Result<Self, BuildMistake> {
        let end = |part: &str| match part.trim() {
            "" => Ok(None),
            part => part.parse::<Build>()?.released().map(Some),
        };
        let (from, to) = match text.split_once("..") {
            None => return Ok(text.parse::<Build>()?.released()?.into()),
            Some((from, to)) => (end(from)?, end(to)?),
        };
        if from.is_none() && to.is_none() {
            return Err(BuildMistake::Unreadable { text: super::complaint::quotable(text.trim()) });
        }
        let range = Self {
            from: from.map_or((0, 0), |build| Self::from(build).from),
            to: to.map_or((u32::MAX, u32::MAX), |build| Self::from(build).to),
        };
        match (from, to) {
            (Some(from), Some(to)) if range.from > range.to => Err(BuildMistake::Backwards { from, to }),
            _ => Ok(range),
        }
    }
}

impl fmt::Display for BuildRange {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let from = Build { number: self.from.0, revision: (self.from.1 > 0).then_some(self.from.1) };
        let to = Build { number: self.to.0, revision: (self.to.1 < u32::MAX).then_some(self.to.1) };
        if self.from == self.to || *self == Self::from(Build { number: from.number, revision: None }) {
            let revision = (self.from == self.to).then_some(self.from.1);
            return write!(out, "{}", Build { number: from.number, revision });
        }
        if self.from > (0, 0) {
            write!(out, "{from}")?;
        }
        out.write_str("..")?;
        if self.to < (u32::MAX, u32::MAX) {
            write!(out, "{to}")?;
        }
        Ok(())
    }
}

impl BuildMistake {
    /// What to write instead.
    #[must_use]
    pub fn suggestion(&self) -> String {
        match self {
            Self::Unreadable { .. } => {
                "write a build such as `17134` or `17134.320`, a range such as `10240..16299`, or `17763..` for that build and \
                 every later one"
                    .to_owned()
            }
            Self::Version { number, .. } => format!("its build is `{number}`"),
            Self::TooLarge { .. } => "builds have five digits, revisions at most five: `17134.320`".to_owned(),
            Self::Unknown { closest, .. } => match release_of(*closest) {
                Some(id) => format!("did you mean `{closest}` ({id})?"),
                None => format!("did you mean `{closest}`?"),
            },
            Self::Backwards { from, to } => format!("did you mean `{to}..{from}`?"),
        }
    }
}

/// The release that an admin calls `name`: `win10-1803`, or `1803` for short.
pub(super) fn release_called(name: &str) -> Option<(&'static str, u32)> {
    let short = |id: &'static str| id.split_once('-').map_or(id, |(_, short)| short);
    RELEASES.into_iter().find(|(id, _)| id.eq_ignore_ascii_case(name) || short(id).eq_ignore_ascii_case(name))
}

fn release_of(build: u32) -> Option<&'static str> {
    RELEASES.iter().find(|(_, number)| *number == build).map(|(id, _)| *id)
}

#[cfg(test)]
mod tests {
    use super::*;

    const LAST: u32 = u32::MAX;

    #[test]
    fn builds_are_read_as_windows_writes_them() {
        let build = |number, revision| Ok(Build { number, revision });
        for (text, expected) in [
            ("10.0.17134.320", build(17134, Some(320))),
            ("17134.320", build(17134, Some(320))),
            ("10.0.17763", build(17763, None)),
            (" 17763 ", build(17763, None)),
            ("6.1.7601", build(7601, None)),
            ("6.3.9600.19665", build(9600, Some(19665))),
            ("17134.0", build(17134, Some(0))),
        ] {
            assert_eq!(text.parse::<Build>(), expected, "{text}");
        }
    }

    #[test]
    fn what_is_no_build_is_refused_and_never_wraps_around() {
        for text in [
            "",
            ".",
            "..",
            "17134.",
            ".320",
            "+17134",
            "-1",
            "17134,320",
            "1803x",
            "10.1.17134",
            "10.0.1.2.3",
            "１７１３４",
        ] {
            assert!(matches!(text.parse::<Build>(), Err(BuildMistake::Unreadable { .. })), "{text}");
        }
        for text in ["10.0.17134.99999999999", "99999999999", &"9".repeat(100_000)] {
            assert!(matches!(text.parse::<Build>(), Err(BuildMistake::TooLarge { .. })));
        }
    }

    #[test]
    fn ranges_include_both_ends_and_whole_builds_where_no_revision_is_named() {
        for (text, from, to) in [
            ("17763", (17763, 0), (17763, LAST)),
            ("17134.320", (17134, 320), (17134, 320)),
            ("10240..16299", (10240, 0), (16299, LAST)),
            ("17134..17134.318", (17134, 0), (17134, 318)),
            ("15063.1356..15063", (15063, 1356), (15063, LAST)),
            ("17134.319..", (17134, 319), (LAST, LAST)),
            ("..9600", (0, 0), (9600, LAST)),
            ("10.0.10240 .. 10.0.16299", (10240, 0), (16299, LAST)),
            ("17763..29999", (17763, 0), (29999, LAST)),
        ] {
            assert_eq!(text.parse(), Ok(BuildRange { from, to }), "{text}");
        }
    }

    #[test]
    fn a_range_is_printed_so_that_it_can_be_read_again() {
        for text in [
            "17763",
            "17134.320",
            "10240..16299",
            "17134..17134.318",
            "15063.1356..15063",
            "17134.319..",
            "..9600",
            "17134.0",
        ] {
            assert_eq!(text.parse::<BuildRange>().expect(text).to_string(), text);
        }
    }

    #[test]
    fn impossible_ranges_say_what_is_wrong_and_what_was_meant() {
        for (text, message, suggestion) in [
            (
                "17763..17134",
                "the range ends before it starts: 17134 is lower than 17763",
                "did you mean `17134..17763`?",
            ),
            (
                "17134.319..17134.318",
                "the range ends before it starts: 17134.318 is lower than 17134.319",
                "did you mean `17134.318..17134.319`?",
            ),
            ("17143..", "no Windows release has build 17143", "did you mean `17134` (win10-1803)?"),
            ("7600", "no Windows release has build 7600", "did you mean `7601` (win7-sp1)?"),
            ("1803..", "`1803` is a Windows version, not a build", "its build is `17134`"),
            ("win10-1803", "`win10-1803` is a Windows version, not a build", "its build is `17134`"),
        ] {
            let mistake = text.parse::<BuildRange>().expect_err(text);
            assert_eq!((mistake.to_string().as_str(), mistake.suggestion().as_str()), (message, suggestion));
        }
        for text in ["..", "", "1803-1809", "17134...320", "17134..17763..18362"] {
            assert!(matches!(text.parse::<BuildRange>(), Err(BuildMistake::Unreadable { .. })), "{text}");
        }
    }
}
