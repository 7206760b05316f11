//! Which Windows can use a script: what stands in the way of WinHTTP, where, and for which builds that is known.
//!
//! In: what was found in a script's text, in how it was served, or when it ran. Out: [`Reading`] for a Windows build. Never:
//! a parser or an engine.
//!
//! Facts, each with its source:
//! - WinHTTP runs PAC files in Microsoft's JScript component (learn.microsoft.com, "AutoProxy Issues in WinHTTP"). That is
//!   jscript.dll: ECMAScript 3 with JScript's additions, in its language version 5.7 or 5.8 (Microsoft, \[MS-ES3\] 1.3). A host
//!   has to ask for 5.8 (JScript blog, "Versioning Language Features in JScript", 2009-04-16); whether WinHTTP does is not
//!   published, so what only one of the two reads is [`Reading::Unknown`].
//! - From Windows 11 24H2 on JScript9Legacy takes its place by default (Windows IT Pro blog, July 2025). What WinHTTP then
//!   reads is not published.
//! - WinHTTP takes a script only as `application/x-ns-proxy-autoconfig`, or from a path that ends in .dat, .js, .pac or .jvs
//!   (Microsoft KB 4025058, for Windows 10).
//! - A script that it cannot run is `ERROR_WINHTTP_BAD_AUTO_PROXY_SCRIPT` (12166) or `ERROR_WINHTTP_SCRIPT_EXECUTION_ERROR`
//!   (12177); one that it does not take is `ERROR_WINHTTP_UNHANDLED_SCRIPT_TYPE` (12176). It names no proxy then, and a service
//!   goes out directly or fails.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::Place;

/// Windows 11 24H2 and Windows Server 2025: the first build in which JScript9Legacy is the default script engine.
pub const FIRST_BUILD_WITH_JSCRIPT9_LEGACY: u32 = 26_100;
/// The builds of Windows 10, of which KB 4025058 speaks: from this one to before [`FIRST_BUILD_OF_WINDOWS_11`].
const FIRST_BUILD_OF_WINDOWS_10: u32 = 10_240;
const FIRST_BUILD_OF_WINDOWS_11: u32 = 22_000;

/// The builds that read scripts, or take them from a server, in one way each: first and last.
#[must_use]
pub fn script_engines() -> [(u32, u32); 4] {
    let firsts = [0, FIRST_BUILD_OF_WINDOWS_10, FIRST_BUILD_OF_WINDOWS_11, FIRST_BUILD_WITH_JSCRIPT9_LEGACY];
    std::array::from_fn(|place| (firsts[place], firsts.get(place + 1).map_or(u32::MAX, |next| next - 1)))
}

/// What a Windows makes of a script. The later variant is the worse one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Reading {
    /// It uses the script: the way that the script names is the way that its services take.
    Reads,
    /// Nobody has published whether it can.
    Unknown,
    /// It cannot: no way that the script names is taken, and services go out directly or fail.
    Fails,
}

/// One thing in a script, or in how it is served, that a Windows cannot use.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Obstacle {
    pub kind: ObstacleKind,
    /// What it is, as a noun: `const`, `an arrow function`, `the method startsWith`.
    pub what: String,
    /// Where it stands in the script; nothing for how it is served.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub place: Option<Place>,
}

/// Why it is one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ObstacleKind {
    /// Syntax that jscript.dll does not know in any of its versions: it reads nothing of the script.
    Syntax,
    /// Syntax or a built-in that one version of jscript.dll knows and another does not, or that is read in another way.
    VersionUnknown,
    /// A built-in that jscript.dll lacks, and that the script calls on its way to this answer.
    Missing,
    /// Neither the content type nor the end of the path says that it is a script.
    ContentType,
}

/// What stands in the way of a script, for every endpoint alike; nothing where every Windows can use it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ScriptReadability {
    /// The worst first, and then in the order of the text.
    pub obstacles: Vec<Obstacle>,
}

impl ObstacleKind {
    /// What the Windows of this build (such as 19045) makes of a script with such a thing in it.
    #[must_use]
    pub fn reading(self, build: u32) -> Reading {
        let fails = match self {
            Self::Syntax | Self::Missing => build < FIRST_BUILD_WITH_JSCRIPT9_LEGACY,
            Self::ContentType => (FIRST_BUILD_OF_WINDOWS_10..FIRST_BUILD_OF_WINDOWS_11).contains(&build),
            Self::VersionUnknown => false,
        };
        if fails { Reading::Fails } else { Reading::Unknown }
    }

    /// Whether some Windows is known to fail by it.
    #[must_use]
    pub fn fails_somewhere(self) -> bool {
        self != Self::VersionUnknown
    }

    /// The code of the finding; none where no Windows is known to fail.
    #[must_use]
    pub fn code(self) -> Option<&'static str> {
        match self {
            Self::Syntax | Self::Missing => Some("pac.needs_newer_engine"),
            Self::ContentType => Some("pac.content_type"),
            Self::VersionUnknown => None,
        }
    }
}

impl ScriptReadability {
    /// What the Windows of this build makes of the script.
    #[must_use]
    pub fn reading(&self, build: u32) -> Reading {
        worst(&self.obstacles, build)
    }

    /// The first obstacle that some Windows is known to fail by.
    #[must_use]
    pub fn failing(&self) -> Option<&Obstacle> {
        self.obstacles.iter().find(|obstacle| obstacle.kind.fails_somewhere())
    }
}

/// What stands in the way of a script that a server gave with this content type from this address; nothing where WinHTTP takes
/// it.
#[must_use]
pub fn served_as(address: &str, content_type: Option<&str>) -> Option<Obstacle> {
    const TYPE: &str = "application/x-ns-proxy-autoconfig";
    const ENDS: [&str; 4] = [".dat", ".js", ".pac", ".jvs"];
    let bare = |text: &str| text.trim().to_ascii_lowercase();
    let given = content_type.map(|value| bare(value.split(';').next().unwrap_or_default()));
    if given.as_deref() == Some(TYPE) {
        return None;
    }
    // Whether a query counts as the path's end is not published: either end will do.
    let whole = bare(address.split('#').next().unwrap_or_default());
    let path = whole.split('?').next().unwrap_or_default();
    if ENDS.iter().any(|end| path.ends_with(end) || whole.ends_with(end)) {
        return None;
    }
    let given = given.filter(|given| !given.is_empty()).map_or("no content type".to_owned(), |given| {
        format!("the content type {}", given.chars().take(60).collect::<String>())
    });
    let what = format!("{given}, and a path that ends in none of .dat, .js, .pac, .jvs");
    Some(Obstacle { kind: ObstacleKind::ContentType, what, place: None })
}

/// What the Windows of this build makes of a script with all of these in it.
#[must_use]
pub fn worst(obstacles: &[Obstacle], build: u32) -> Reading {
    obstacles.iter().map(|obstacle| obstacle.kind.reading(build)).max().unwrap_or(Reading::Reads)
}

impl fmt::Display for Obstacle {
    /// `line 3, column 7: const`.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.place {
            Some(place) => write!(out, "line {}, column {}: {}", place.line, place.column, self.what),
            None => out.write_str(&self.what),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn readability(kinds: &[ObstacleKind]) -> ScriptReadability {
        let obstacle = |kind: &ObstacleKind| Obstacle { kind: *kind, what: "const".to_owned(), place: None };
        ScriptReadability { obstacles: kinds.iter().map(obstacle).collect() }
    }

    #[test]
    fn what_is_known_of_a_build_is_said_and_what_is_not_stays_open() {
        use ObstacleKind::{ContentType, Missing, Syntax, VersionUnknown};
        use Reading::{Fails, Reads, Unknown};
        // Windows 7, 10 1507, 10 22H2, 11 21H2, 11 23H2, 11 24H2.
        let builds = [7601, 10_240, 19_045, 22_000, 22_631, 26_100];
        for (kinds, expected) in [
            (vec![], [Reads; 6]),
            (vec![Syntax], [Fails, Fails, Fails, Fails, Fails, Unknown]),
            (vec![Missing], [Fails, Fails, Fails, Fails, Fails, Unknown]),
            (vec![VersionUnknown], [Unknown; 6]),
            (vec![ContentType], [Unknown, Fails, Fails, Unknown, Unknown, Unknown]),
            (vec![VersionUnknown, ContentType], [Unknown, Fails, Fails, Unknown, Unknown, Unknown]),
        ] {
            assert_eq!(builds.map(|build| readability(&kinds).reading(build)), expected, "{kinds:?}");
        }
    }

    #[test]
    fn a_script_is_taken_by_its_type_or_by_the_end_of_its_path() {
        for (address, content_type, is_taken) in [
            ("http://pac.contoso.example/proxyconfig", Some("text/html"), false),
            ("http://pac.contoso.example/proxyconfig", None, false),
            ("http://pac.contoso.example/", Some("application/octet-stream"), false),
            ("http://pac.contoso.example/proxy.php", Some("application/javascript"), false),
            ("http://pac.contoso.example/proxy.pac.txt", Some("text/plain"), false),
            ("http://pac.contoso.example/proxyconfig", Some("application/x-ns-proxy-autoconfig"), true),
            ("http://pac.contoso.example/get?id=1", Some("Application/X-NS-Proxy-Autoconfig; charset=utf-8"), true),
            ("http://pac.contoso.example/PROXY.PAC", Some("text/html"), true),
            ("http://wpad.contoso.example/wpad.dat", Some("text/plain"), true),
            ("http://pac.contoso.example/proxy.js?site=1", None, true),
            ("http://pac.contoso.example/get?file=proxy.pac", Some("text/plain"), true),
        ] {
            let found = served_as(address, content_type);
            assert_eq!(found.is_none(), is_taken, "{address} {content_type:?}: {found:?}");
        }
    }

    #[test]
    fn the_finding_names_what_some_windows_is_known_to_fail_by() {
        let found = readability(&[ObstacleKind::VersionUnknown, ObstacleKind::Syntax]);
        assert_eq!(found.failing().and_then(|obstacle| obstacle.kind.code()), Some("pac.needs_newer_engine"));
        assert_eq!(readability(&[ObstacleKind::VersionUnknown]).failing(), None);
    }
}
