//! Which of the three documented approaches leads through an authenticating proxy, and which is recommended, in sentences.

use super::proxy_address;
use crate::catalogue::ImpactRow;
use crate::plan::Identity;
use crate::report::{Approach, Report, Way};

/// One sentence or two per proxy that asks for authentication.
#[must_use]
pub fn approaches(report: &Report) -> Vec<String> {
    report
        .approaches
        .iter()
        .map(|approach| format!("{}: {}", proxy_address(&approach.proxy), sentence(approach, is_about_7(report))))
        .collect()
}

/// The enrolment document has the user's login from Windows 10 1703 on; the deployment script's page on its exit code 29 speaks of
/// it as Windows 7's default and as a setting of 8.1.
const OLDER_VERSIONS: &str = " (for Windows 7 and 8.1 Microsoft's pages disagree, so they count as not sending it)";

/// Whether Windows 7 and 8.1 are among the versions that the run is about.
fn is_about_7(report: &Report) -> bool {
    report.answer.devices.iter().any(|device| device.os == ImpactRow::Win7To81)
}

fn sentence(approach: &Approach, is_about_7: bool) -> String {
    let bypass = approach.ways.iter().find(|way| way.identity == Identity::Bypass);
    if bypass.is_some_and(|way| way.works) {
        return "these hosts need no login, which is the recommended way: it works for every Windows version."
            .to_owned();
    }
    // A login that none of the chosen versions sends leads nobody through.
    let serving = approach.ways.iter().filter(|way| way.works && !way.os.is_empty());
    let working: Vec<String> = serving.map(|way| working(way, is_about_7)).collect();
    let advice = " Recommended: let these hosts through without a login; that works for every Windows version.";
    match (working.is_empty(), bypass.is_some()) {
        (true, true) => format!("no login that was tested gets everything through that is required.{advice}"),
        (true, false) => "no login that was tested gets everything through that is required.".to_owned(),
        (false, true) => {
            format!(
                "{}. Let through without a login, these hosts would work for every Windows version.",
                working.join("; ")
            )
        }
        (false, false) => format!("{}.", working.join("; ")),
    }
}

fn working(way: &Way, is_about_7: bool) -> String {
    let schemes = way.schemes.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
    let schemes = if schemes.is_empty() { schemes } else { format!(" ({schemes})") };
    match way.identity {
        Identity::Bypass => format!("no login is needed: {}", way.condition()),
        Identity::User => {
            let older = if is_about_7 { OLDER_VERSIONS } else { "" };
            format!("the signed-in user's login{schemes} works: {}{older}", way.condition())
        }
        Identity::Device => format!("the computer account{schemes} works: {}", way.condition()),
    }
}
