//! Which of the three documented approaches leads through a proxy that asks for authentication, and for whom.
//!
//! The order of recommendation and what each asks of the devices are the enrolment document's ("Configuring endpoint
//! access with proxy server authentication").

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Report;
use super::columns::{Column, columns};
use crate::catalogue::ImpactRow;
use crate::impact::{Served, served};
use crate::judge::Status;
use crate::plan::{Identity, Plan, Scheme};

/// What was found of the approaches at one proxy.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Approach {
    pub proxy: String,
    /// Those that were tested, in the order of recommendation.
    pub ways: Vec<Way>,
    /// The first that leads through and that some chosen Windows version can use; `null` where none does.
    pub recommended: Option<Identity>,
}

/// One approach: no credentials, the signed-in user's, or the machine account's.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Way {
    pub identity: Identity,
    /// Everything that some solution requires gets through.
    pub works: bool,
    /// The schemes with which it does, or was refused.
    pub schemes: Vec<Scheme>,
    /// The chosen Windows versions that this approach can serve, as a whole or, of `win10-1507-1709`, from 1703 on.
    pub os: Vec<ImpactRow>,
}

impl Way {
    /// What has to hold of the devices.
    pub(super) fn condition(&self) -> &'static str {
        match self.identity {
            Identity::Bypass => "for every Windows version",
            Identity::User => "for Windows 10 1703 and later, as long as somebody is signed in",
            Identity::Device => "for devices with a system-wide proxy setting",
        }
    }
}

/// One entry per proxy that asks for authentication.
pub(super) fn approaches(report: &Report, plan: &Plan) -> Vec<Approach> {
    let columns = columns(report);
    let mut proxies: Vec<&str> = Vec::new();
    for proxy in columns.iter().filter_map(|column| column.route().proxy.as_deref()) {
        if !proxies.contains(&proxy) {
            proxies.push(proxy);
        }
    }
    let through = |proxy: &str| -> Vec<&Column<'_>> {
        columns.iter().filter(|column| column.route().proxy.as_deref() == Some(proxy)).collect()
    };
    proxies
        .into_iter()
        .filter(|proxy| through(proxy).iter().any(|column| asks(column)))
        .map(|proxy| {
            let ways: Vec<Way> = [Identity::Bypass, Identity::User, Identity::Device]
                .into_iter()
                .filter_map(|identity| way(identity, &through(proxy), plan))
                .collect();
            let recommended = ways.iter().find(|way| way.works && !way.os.is_empty()).map(|way| way.identity);
            Approach { proxy: proxy.to_owned(), ways, recommended }
        })
        .collect()
}

fn asks(column: &Column<'_>) -> bool {
    column
        .rows
        .iter()
        .any(|row| row.code.starts_with("pauth.") || row.route.scheme.is_some_and(|scheme| scheme != Scheme::None))
}

fn way(identity: Identity, through: &[&Column<'_>], plan: &Plan) -> Option<Way> {
    let tried: Vec<&&Column<'_>> = through.iter().filter(|column| column.route().identity == Some(identity)).collect();
    if tried.is_empty() {
        return None;
    }
    let open: Vec<&&Column<'_>> = tried.iter().copied().filter(|column| is_open(column)).collect();
    let telling = if open.is_empty() { &tried } else { &open };
    let mut schemes: Vec<Scheme> = Vec::new();
    for scheme in telling.iter().flat_map(|column| &column.rows).filter_map(|row| row.route.scheme) {
        if scheme != Scheme::None && !schemes.contains(&scheme) {
            schemes.push(scheme);
        }
    }
    let versions = plan.os.rows().into_iter();
    let os = versions.filter(|version| served(identity, *version, plan) != Served::None).collect();
    Some(Way { identity, works: !open.is_empty(), schemes, os })
}

/// Everything that some solution requires gets through.
fn is_open(column: &Column<'_>) -> bool {
    column.rows.iter().all(|row| !row.required || matches!(row.status, Status::Ok | Status::Degraded))
}
