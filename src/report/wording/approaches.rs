//! Which of the three documented ways through an authenticating proxy works, and which is recommended.
//!
//! The order of recommendation and what each way asks of the devices are the enrolment document's ("Configuring endpoint
//! access with proxy server authentication").

use super::proxy_address;
use crate::judge::Status;
use crate::plan::Identity;
use crate::report::Report;
use crate::report::columns::{Column, columns};

/// One sentence per proxy that asks for authentication and that some way leads through.
#[must_use]
pub fn approaches(report: &Report) -> Vec<String> {
    let columns = columns(report);
    let mut sentences = Vec::new();
    let mut proxies: Vec<&str> = Vec::new();
    for proxy in columns.iter().filter_map(|column| column.route().proxy.as_deref()) {
        if !proxies.contains(&proxy) {
            proxies.push(proxy);
        }
    }
    for proxy in proxies {
        let through: Vec<&Column<'_>> =
            columns.iter().filter(|column| column.route().proxy.as_deref() == Some(proxy)).collect();
        sentences.extend(sentence(&through).map(|text| format!("{}: {text}", proxy_address(proxy))));
    }
    sentences
}

fn sentence(through: &[&Column<'_>]) -> Option<String> {
    let asks = through
        .iter()
        .any(|column| column.scheme.is_some() || column.rows.iter().any(|row| row.code.starts_with("pauth.")));
    let works = |identity| through.iter().find(|column| column.route().identity == Some(identity) && is_open(column));
    if !asks {
        return None;
    }
    let schemes = |column: &Column<'_>| column.scheme.map_or_else(String::new, |scheme| format!(" ({scheme})"));
    let user = works(Identity::User).map(|column| {
        format!(
            "the signed-in user's credentials{} work: for Windows 10 1703 and later, as long as somebody is signed in",
            schemes(column)
        )
    });
    let device = works(Identity::Device).map(|column| {
        format!("the machine account{} works: for devices with a system-wide proxy setting", schemes(column))
    });
    let ways: Vec<String> = user.into_iter().chain(device).collect();
    let bypass_tested = through.iter().any(|column| column.route().identity == Some(Identity::Bypass));
    match (works(Identity::Bypass).is_some(), ways.is_empty()) {
        (false, true) => None,
        (true, _) => Some(
            "these hosts need no credentials, which is the recommended way: it works for every Windows version."
                .to_owned(),
        ),
        (false, false) => {
            let advice = if bypass_tested {
                " Recommended is to let these hosts through without authentication: that works for every Windows version."
            } else {
                ""
            };
            Some(format!("{}.{advice}", ways.join("; ")))
        }
    }
}

/// Everything that some solution requires gets through.
fn is_open(column: &Column<'_>) -> bool {
    column.rows.iter().all(|row| !row.required || matches!(row.status, Status::Ok | Status::Degraded))
}
