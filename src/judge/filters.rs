//! Which DNS filter answers with this address?
//!
//! In: the addresses of a name. Out: the filter's name, to tell the admin whom to ask. Never asked where a certificate
//! proved the peer.

use std::net::IpAddr;
use std::sync::LazyLock;

use serde::Deserialize;

const FILTERS: &str = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/catalogue/dns-filters.toml"));

static KNOWN: LazyLock<Vec<Filter>> =
    LazyLock::new(|| read(FILTERS).expect("the embedded list of filters is read by a test"));

/// The first of `addresses` that belongs to a filter's block page, and whose it is.
pub(super) fn by_address(addresses: &[IpAddr]) -> Option<(&'static str, IpAddr)> {
    addresses.iter().map(IpAddr::to_canonical).find_map(|address| {
        KNOWN.iter().find(|filter| filter.addresses.contains(&address)).map(|filter| (filter.name.as_str(), address))
    })
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Filter {
    name: String,
    addresses: Vec<IpAddr>,
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
    use super::*;

    #[test]
    fn a_block_page_is_known_by_its_address_in_either_form_and_nothing_beside_it() {
        assert!(read(FILTERS).is_ok_and(|filters| !filters.is_empty()));
        for (address, filter) in [
            ("146.112.61.106", Some("Cisco Umbrella")),
            ("::ffff:146.112.61.106", Some("Cisco Umbrella")),
            ("2001:cdba::3257:9652", Some("FortiGuard DNS filter")),
            ("146.112.61.109", None),
            ("203.0.113.7", None),
        ] {
            let address: IpAddr = address.parse().expect("an address");
            assert_eq!(by_address(&[address]).map(|(name, _)| name), filter, "{address}");
        }
    }
}
