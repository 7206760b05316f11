//! What the catalogue holds for the versions and solutions asked for: `waprobe endpoints list`.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Serialize;

use super::{Catalogue, Claim, Endpoint, ImpactRow, Lifecycle, Need, NeedLevel, OsSelection, Solution, TrustClass};

/// The listing as it is printed in JSON.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Listing {
    pub schema: &'static str,
    pub endpoints: Vec<ListedEndpoint>,
}

/// One endpoint, with its needs drawn together over the versions asked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct ListedEndpoint {
    pub name: String,
    pub url: String,
    pub host: String,
    pub port: u16,
    pub trust: Vec<TrustClass>,
    pub lifecycle: Lifecycle,
    pub function: String,
    /// The strongest need of each solution that uses the endpoint.
    pub solutions: BTreeMap<Solution, NeedLevel>,
    /// The columns of the impact matrix in which one of those solutions uses it.
    pub os: Vec<ImpactRow>,
    /// What is claimed, by whom and when: the needs first, then what else is known of the endpoint.
    pub sources: Vec<Claim>,
}

impl Listing {
    const SCHEMA: &'static str = "waprobe-endpoints/1";

    /// The endpoints of `catalogue` that `solutions` use on the versions of `selection`; those that state no need as well.
    #[must_use]
    pub fn of(catalogue: &Catalogue, solutions: &[Solution], selection: &OsSelection) -> Self {
        let chosen = catalogue.endpoints.iter().filter(|endpoint| endpoint.applies(solutions, selection));
        Self {
            schema: Self::SCHEMA,
            endpoints: chosen.map(|endpoint| listed(endpoint, solutions, selection)).collect(),
        }
    }
}

fn listed(endpoint: &Endpoint, solutions: &[Solution], selection: &OsSelection) -> ListedEndpoint {
    let rows = selection.rows();
    let strongest = |solution: &Solution| {
        let level = rows.iter().filter_map(|row| endpoint.need(*solution, *row, selection)).max();
        level.map(|level| (*solution, level))
    };
    let is_used_on =
        |row: &ImpactRow| solutions.iter().any(|solution| endpoint.need(*solution, *row, selection).is_some());
    let needs = endpoint.needs.iter().filter(|need| solutions.contains(&need.solution)).map(claim);
    ListedEndpoint {
        name: endpoint.name.clone(),
        url: endpoint.url.clone(),
        host: endpoint.host.clone(),
        port: endpoint.port,
        trust: endpoint.trust.clone(),
        lifecycle: endpoint.lifecycle,
        function: endpoint.function.clone(),
        solutions: solutions.iter().filter_map(strongest).collect(),
        os: rows.iter().copied().filter(is_used_on).collect(),
        sources: needs.chain(endpoint.sources.iter().cloned()).collect(),
    }
}

fn claim(need: &Need) -> Claim {
    let verb = match need.level {
        NeedLevel::Required => "required by",
        NeedLevel::Improves => "improves",
    };
    let builds: Vec<_> = need.builds.iter().map(ToString::to_string).collect();
    let mut claim = format!("{verb} {} on builds {}", need.solution.title(), builds.join(", "));
    if let Some(conflict) = &need.conflict {
        claim.push_str("; sources disagree: ");
        claim.push_str(conflict);
    }
    Claim { claim, source: need.source.clone(), as_of: need.as_of.clone() }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn names(solutions: &[Solution], os: &str) -> Vec<String> {
        let selection = OsSelection::read(&[os], None).expect(os);
        Listing::of(&Catalogue::embedded(), solutions, &selection)
            .endpoints
            .into_iter()
            .map(|listed| listed.name)
            .collect()
    }

    #[test]
    fn everything_is_listed_with_all_fields_of_the_format() {
        let listing = Listing::of(&Catalogue::embedded(), &Solution::ALL, &OsSelection::all());
        let json = serde_json::to_value(&listing).expect("JSON");
        assert_eq!(json["schema"], "waprobe-endpoints/1");
        assert_eq!(json["endpoints"].as_array().map(Vec::len), Some(15));
        let login = json["endpoints"].as_array().into_iter().flatten().find(|listed| listed["name"] == "login-live");
        let mut login = login.expect("login-live").clone();
        let sources = login["sources"].take();
        assert_eq!(
            login,
            json!({
                "name": "login-live", "url": "https://login.live.com", "host": "login.live.com", "port": 443,
                "trust": ["microsoft-public"], "lifecycle": "active",
                "function": "Gives a device the identity by which its reports are recognised and trusted.",
                "solutions": { "device-health": "required", "upgrade-readiness": "improves", "update-compliance": "improves" },
                "os": ["win10-1507-1709", "win10-1803", "win10-1803-2018-09", "win10-1809-later", "win11-later", "server-2016"],
                "sources": null,
            })
        );
        assert_eq!(sources[0]["claim"], "required by Device Health on builds 10240..");
        assert_eq!(sources[0]["as_of"], "2019");
    }

    #[test]
    fn a_version_and_a_solution_leave_what_they_use() {
        assert_eq!(names(&[Solution::UpgradeReadiness], "win7-sp1"), ["vortex-win", "settings-win", "adl"]);
        assert_eq!(
            names(&[Solution::UpdateCompliance], "win10-1709"),
            ["v10c", "v10-vortex-win", "settings-win", "login-live"]
        );
        assert_eq!(
            names(&Solution::ALL, "server-2016"),
            ["v10c", "v10-vortex-win", "settings-win", "watson", "oca", "login-live"]
        );
        assert!(names(&[Solution::DeviceHealth], "win8.1").is_empty());
    }

    #[test]
    fn a_conflict_between_sources_is_told_where_the_claim_stands() {
        let listing = Listing::of(&Catalogue::embedded(), &[Solution::DeviceHealth], &OsSelection::all());
        let watson = listing.endpoints.iter().find(|listed| listed.name == "watson").expect("watson");
        assert!(watson.sources[1].claim.contains("sources disagree: a later document bounds this host to 1803"));
    }
}
