//! Which DNS filter gave this answer?
//!
//! In: what the name servers said of a name. Out: the filter, and the address or the alias that names it. Never asked where a
//! certificate proved the peer.

use std::net::IpAddr;
use std::sync::LazyLock;

use serde::Deserialize;

use crate::observation::DnsEvidence;

const FILTERS: &str = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/catalogue/dns-filters.toml"));

static KNOWN: LazyLock<Vec<Filter>> =
    LazyLock::new(|| read(FILTERS).expect("the embedded list of filters is read by a test"));

/// What of an answer names a filter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Sign {
    /// An address of a known filter, and whose it is.
    Address { address: IpAddr, filter: &'static str },
    /// An alias of a known filter, and whose it is.
    Alias { alias: String, filter: &'static str },
    /// An alias in anybody's zone that says by a label of its own what it is for.
    Label { alias: String },
}

/// The first sign of a filter in the answer that the row used. An alias says more than an address, so it comes first.
pub(super) fn sign(dns: &DnsEvidence) -> Option<Sign> {
    by_alias(dns).or_else(|| by_address(&dns.addresses))
}

/// The first of `addresses` that belongs to a filter.
pub(super) fn by_address(addresses: &[IpAddr]) -> Option<Sign> {
    addresses.iter().map(IpAddr::to_canonical).find_map(|address| {
        let filter = KNOWN.iter().find(|filter| filter.addresses.contains(&address))?;
        Some(Sign::Address { address, filter: &filter.name })
    })
}

/// An alias counts only where its answer gave an address that the row used, or where the row got none at all: an answer of
/// somebody else than the row's own source says nothing about the row.
fn by_alias(dns: &DnsEvidence) -> Option<Sign> {
    let is_used = |addresses: &[IpAddr]| {
        if dns.addresses.is_empty() {
            addresses.is_empty()
        } else {
            addresses.iter().any(|address| dns.addresses.contains(address))
        }
    };
    let mut aliases = dns.answers.iter().filter(|answer| is_used(&answer.addresses)).flat_map(|answer| &answer.cnames);
    aliases.find_map(|alias| of_alias(alias))
}

fn of_alias(alias: &str) -> Option<Sign> {
    let name = alias.trim_end_matches('.').to_ascii_lowercase();
    let is_at =
        |place: &String| name.strip_suffix(place.as_str()).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'));
    let known = KNOWN.iter().find(|filter| filter.aliases.iter().any(is_at));
    if let Some(filter) = known {
        return Some(Sign::Alias { alias: name, filter: &filter.name });
    }
    let is_label = |label: &str| KNOWN.iter().any(|filter| filter.labels.iter().any(|known| known == label));
    name.split('.').any(is_label).then_some(Sign::Label { alias: name })
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Filter {
    name: String,
    #[serde(default)]
    addresses: Vec<IpAddr>,
    /// Lower case, without a dot at the end: the name itself, or anything below it.
    #[serde(default)]
    aliases: Vec<String>,
    /// Single labels, in lower case.
    #[serde(default)]
    labels: Vec<String>,
    #[expect(dead_code, reason = "for whoever keeps the list")]
    source: String,
    #[expect(dead_code, reason = "for whoever keeps the list")]
    as_of: String,
}

fn read(text: &str) -> Result<Vec<Filter>, toml::de::Error> {
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct File {
        #[serde(rename = "schema")]
        _schema: u32,
        filter: Vec<Filter>,
    }
    toml::from_str::<File>(text).map(|file| file.filter)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::observation::{NameSource, Question, RecordType, ServerAnswer};

    /// An answer of the server that the row asked: these aliases, these addresses.
    fn answered(aliases: &[&str], addresses: &[&str]) -> DnsEvidence {
        let addresses: Vec<IpAddr> = addresses.iter().map(|address| address.parse().expect("an address")).collect();
        let server = ([192, 0, 2, 53], 53).into();
        let answer = ServerAnswer {
            server,
            question: Question { record: RecordType::A },
            over_tcp: false,
            took: Duration::ZERO,
            rcode: Some(0),
            authoritative: false,
            cnames: aliases.iter().map(|alias| (*alias).to_owned()).collect(),
            addresses: addresses.clone(),
            extended_errors: Vec::new(),
            failure: None,
        };
        DnsEvidence {
            name: "v10c.events.data.microsoft.com".to_owned(),
            source: NameSource::Server(server),
            addresses,
            system: None,
            answers: vec![answer],
        }
    }

    #[test]
    fn a_block_page_is_known_by_its_address_in_either_form_and_nothing_beside_it() {
        assert!(read(FILTERS).is_ok_and(|filters| !filters.is_empty()));
        for (address, filter) in [
            ("146.112.61.106", Some("Cisco Umbrella")),
            ("::ffff:146.112.61.106", Some("Cisco Umbrella")),
            ("2001:cdba::3257:9652", Some("FortiGuard DNS filter")),
            ("162.159.36.12", Some("Cloudflare Gateway")),
            ("198.135.184.22", Some("Palo Alto Networks DNS Security")),
            ("146.112.61.109", None),
            ("203.0.113.7", None),
        ] {
            let address: IpAddr = address.parse().expect("an address");
            let found = match by_address(&[address]) {
                Some(Sign::Address { filter, .. }) => Some(filter),
                _ => None,
            };
            assert_eq!(found, filter, "{address}");
        }
    }

    #[test]
    fn an_alias_names_its_filter_or_says_by_a_label_what_it_is_for() {
        let filter = |alias: &str| match sign(&answered(&[alias], &["203.0.113.7"])) {
            Some(Sign::Alias { filter, .. }) => Some(filter),
            Some(Sign::Label { .. }) => Some("label"),
            Some(Sign::Address { .. }) | None => None,
        };
        for (alias, expected) in [
            ("sinkhole.paloaltonetworks.com", Some("Palo Alto Networks DNS Security")),
            ("Sinkhole.PaloAltoNetworks.com.", Some("Palo Alto Networks DNS Security")),
            ("blockpage.nextdns.io", Some("NextDNS")),
            ("eu.blockpage.nextdns.io", Some("NextDNS")),
            ("standard-block.dns.adguard.com", Some("AdGuard DNS")),
            ("hit-block.opendns.com", Some("Cisco Umbrella")),
            ("rpz-drop", Some("a response policy zone (RPZ)")),
            ("walled-garden.contoso.example", Some("label")),
            ("v10c.rpz.contoso.example", Some("label")),
            // Words inside of a label are not the label, and neighbours of a filter's name are not below it.
            ("notsinkhole.contoso.example", None),
            ("xblockpage.nextdns.io.example", None),
            ("notblockpage.nextdns.io", None),
            ("opendns.com", None),
            ("global.asimov.events.data.trafficmanager.net", None),
        ] {
            assert_eq!(filter(alias), expected, "{alias}");
        }
    }

    #[test]
    fn an_alias_that_did_not_lead_the_row_says_nothing_about_it() {
        let mut elsewhere = answered(&["sinkhole.paloaltonetworks.com"], &["203.0.113.7"]);
        elsewhere.addresses = vec!["192.0.2.1".parse().expect("an address")];
        assert_eq!(sign(&elsewhere), None, "the row goes to an address of another answer");
        let alone = answered(&["genuine.example", "sinkhole.paloaltonetworks.com"], &[]);
        assert!(matches!(sign(&alone), Some(Sign::Alias { .. })), "an alias without an address is all that came");
    }
}
