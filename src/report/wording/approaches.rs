//! Which of the three documented approaches leads through an authenticating proxy, and which is recommended, in sentences.

use super::proxy_address;
use crate::plan::Identity;
use crate::report::{Approach, Report, Way};

/// One sentence or two per proxy that asks for authentication.
#[must_use]
pub fn approaches(report: &Report) -> Vec<String> {
    report
        .approaches
        .iter()
        .map(|approach| format!("{}: {}", proxy_address(&approach.proxy), sentence(approach)))
        .collect()
}

fn sentence(approach: &Approach) -> String {
    let bypass = approach.ways.iter().find(|way| way.identity == Identity::Bypass);
    if bypass.is_some_and(|way| way.works) {
        return "these hosts need no credentials, which is the recommended way: it works for every Windows version."
            .to_owned();
    }
    let working: Vec<String> = approach.ways.iter().filter(|way| way.works).map(working).collect();
    let advice =
        " Recommended is to let these hosts through without authentication: that works for every Windows version.";
    match (working.is_empty(), bypass.is_some()) {
        (true, true) => format!("no way that was tested leads through for everything that is required.{advice}"),
        (true, false) => "no way that was tested leads through for everything that is required.".to_owned(),
        (false, true) => format!("{}.{advice}", working.join("; ")),
        (false, false) => format!("{}.", working.join("; ")),
    }
}

fn working(way: &Way) -> String {
    let schemes = way.schemes.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
    let schemes = if schemes.is_empty() { schemes } else { format!(" ({schemes})") };
    match way.identity {
        Identity::Bypass => format!("no credentials are needed: {}", way.condition()),
        Identity::User => format!("the signed-in user's credentials{schemes} work: {}", way.condition()),
        Identity::Device => format!("the machine account{schemes} works: {}", way.condition()),
    }
}
