//! Which inspection product signs like this, or answers like this?
//!
//! In: a chain's path, or the beginning of an HTTP answer. Out: a product's name, to tell the admin whom to ask, and what its
//! maker says about excluding and allowing hosts. Never a reason for a verdict: an interceptor chooses the names it writes.

use std::sync::LazyLock;

use regex_lite::Regex;
use serde::Deserialize;

use crate::certificate::{Certificate, NameAttributes};
use crate::observation::Header;

const PRODUCTS: &str = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/catalogue/inspection-products.toml"));

/// A body is searched this far.
const SEARCHED_BODY: usize = 64 << 10;

static KNOWN: LazyLock<List> = LazyLock::new(|| read(PRODUCTS).expect("the embedded product list is read by a test"));

/// One product, in the words of those who run it.
#[derive(Debug)]
pub(in crate::judge) struct Product {
    pub name: String,
    pub kind: Kind,
    /// Leaves hosts out of TLS inspection.
    pub exclude: Option<Instruction>,
    /// Allows hosts that are denied.
    pub allow: Option<Instruction>,
    /// Lets hosts through without authentication.
    pub unauthenticated: Option<Instruction>,
}

/// What stands where: who runs it follows from that.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(in crate::judge) enum Kind {
    CloudGateway,
    ProxyAppliance,
    Proxy,
    Firewall,
    /// A security product on the device itself.
    Endpoint,
    /// A developer's tool.
    DebugProxy,
}

/// What the maker says is to be done. The names of the hosts follow behind it.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::judge) struct Instruction {
    pub say: String,
    /// The page that says so.
    pub source: String,
    /// When it was read.
    #[cfg_attr(not(test), expect(dead_code, reason = "for whoever keeps the list"))]
    as_of: String,
}

/// The product of that name.
pub(in crate::judge) fn named(name: &str) -> Option<&'static Product> {
    KNOWN.products.iter().find(|product| product.name == name)
}

/// The product whose CAs have the names on this path. `anchor` is the root the path ends in, when it is known.
pub(super) fn by_chain(path: &[Certificate], anchor: Option<&Certificate>) -> Option<&'static str> {
    let issuers: Vec<&NameAttributes> =
        path.iter().filter_map(Certificate::fields).map(|fields| &fields.issuer_attributes).collect();
    let root =
        anchor.and_then(Certificate::fields).map(|fields| &fields.subject_attributes).or(issuers.last().copied());
    KNOWN
        .patterns
        .iter()
        .find(|pattern| match pattern.place {
            Place::Issuer(attribute) => issuers.iter().any(|name| pattern.fits_name(name, attribute)),
            Place::RootCommonName => root.is_some_and(|name| pattern.fits_name(name, Attribute::CommonName)),
            Place::Header(_) | Place::Body | Place::Location => false,
        })
        .map(|pattern| pattern.product.as_str())
}

/// The product that answers with these headers and this beginning of a body, or passed the answer on; a redirect is read from
/// the headers.
pub(super) fn by_answer(headers: &[Header], body_start: &[u8]) -> Option<&'static str> {
    by_marks(headers, body_start, |_| true)
}

/// The product that wrote this answer. A proxy that only passed somebody's answer on has left its `Via` there all the same.
pub(super) fn by_page(headers: &[Header], body_start: &[u8]) -> Option<&'static str> {
    by_marks(headers, body_start, |place| *place != Place::Header("via".to_owned()))
}

fn by_marks(headers: &[Header], body_start: &[u8], counts: impl Fn(&Place) -> bool) -> Option<&'static str> {
    let body = String::from_utf8_lossy(&body_start[..body_start.len().min(SEARCHED_BODY)]);
    let named = |name: &str| {
        let name = name.to_owned();
        headers.iter().filter(move |header| header.name.eq_ignore_ascii_case(&name)).map(|header| header.value.as_str())
    };
    KNOWN
        .patterns
        .iter()
        .filter(|pattern| counts(&pattern.place))
        .find(|pattern| match &pattern.place {
            Place::Header(name) => named(name).any(|value| pattern.fits_header(value)),
            Place::Location => named("location").any(|value| pattern.expression.is_match(value)),
            Place::Body => pattern.expression.is_match(&body),
            Place::Issuer(_) | Place::RootCommonName => false,
        })
        .map(|pattern| pattern.product.as_str())
}

struct List {
    products: Vec<Product>,
    /// The strongest first.
    patterns: Vec<Pattern>,
}

struct Pattern {
    product: String,
    place: Place,
    /// For attributes and headers it stands for the whole value.
    expression: Regex,
    organization: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Place {
    Issuer(Attribute),
    RootCommonName,
    /// By its name in lower case.
    Header(String),
    Body,
    Location,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Attribute {
    CommonName,
    Organization,
    OrganizationalUnit,
    Email,
}

impl Pattern {
    fn fits_name(&self, name: &NameAttributes, attribute: Attribute) -> bool {
        let value = match attribute {
            Attribute::CommonName => &name.common_name,
            Attribute::Organization => &name.organization,
            Attribute::OrganizationalUnit => &name.organizational_unit,
            Attribute::Email => &name.email,
        };
        value.as_ref().is_some_and(|value| self.expression.is_match(value))
            && (self.organization.is_none() || self.organization == name.organization)
    }

    /// `Via` lists one proxy after the other.
    fn fits_header(&self, value: &str) -> bool {
        self.expression.is_match(value.trim()) || value.split(',').any(|part| self.expression.is_match(part.trim()))
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawFile {
    schema: u32,
    product: Vec<RawProduct>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "vendor and note are for people who read the file")]
struct RawProduct {
    name: String,
    vendor: String,
    kind: Kind,
    patterns: Vec<RawPattern>,
    exclude: Option<Instruction>,
    allow: Option<Instruction>,
    unauthenticated: Option<Instruction>,
    note: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "the source is for people who read the file")]
struct RawPattern {
    #[serde(rename = "where")]
    place: String,
    regex: String,
    with_o: Option<String>,
    strength: Strength,
    source: String,
}

/// How sure it is that the pattern means the product.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Strength {
    Strong,
    Medium,
    Weak,
}

fn read(text: &str) -> Result<List, String> {
    let file: RawFile = toml::from_str(text).map_err(|error| error.to_string())?;
    if file.schema != 1 {
        return Err(format!("schema {} is not the one that is read", file.schema));
    }
    let (mut products, mut patterns) = (Vec::new(), Vec::new());
    for product in file.product {
        for raw in product.patterns {
            let place = place(&raw.place).ok_or_else(|| format!("{}: where = '{}'", product.name, raw.place))?;
            let expression = match place {
                Place::Body | Place::Location => raw.regex,
                Place::Issuer(_) | Place::RootCommonName | Place::Header(_) => format!("^(?:{})$", raw.regex),
            };
            let expression = Regex::new(&expression).map_err(|error| format!("{}: {error}", product.name))?;
            let product = product.name.clone();
            patterns.push((raw.strength, Pattern { product, place, expression, organization: raw.with_o }));
        }
        let RawProduct { name, kind, exclude, allow, unauthenticated, .. } = product;
        products.push(Product { name, kind, exclude, allow, unauthenticated });
    }
    patterns.sort_by_key(|(strength, _)| *strength);
    Ok(List { products, patterns: patterns.into_iter().map(|(_, pattern)| pattern).collect() })
}

fn place(text: &str) -> Option<Place> {
    Some(match text {
        "issuer_cn" => Place::Issuer(Attribute::CommonName),
        "issuer_o" => Place::Issuer(Attribute::Organization),
        "issuer_ou" => Place::Issuer(Attribute::OrganizationalUnit),
        "issuer_email" => Place::Issuer(Attribute::Email),
        "root_cn" => Place::RootCommonName,
        "body" => Place::Body,
        "location" => Place::Location,
        other => Place::Header(other.strip_prefix("header.")?.to_ascii_lowercase()),
    })
}

#[cfg(test)]
mod tests {
    use rcgen::{CertificateParams, DnType, KeyPair};

    use super::*;

    /// A self-signed certificate with this common name, organisation and organisational unit.
    fn signed_by(common_name: &str, organization: &str, unit: &str) -> Certificate {
        let mut params = CertificateParams::new(vec!["v10c.events.data.microsoft.com".to_owned()]).expect("a name");
        params.distinguished_name = rcgen::DistinguishedName::new();
        for (kind, value) in [
            (DnType::OrganizationName, organization),
            (DnType::OrganizationalUnitName, unit),
            (DnType::CommonName, common_name),
        ] {
            if !value.is_empty() {
                params.distinguished_name.push(kind, value);
            }
        }
        let made = params.self_signed(&KeyPair::generate().expect("a key")).expect("a certificate");
        Certificate::from_der(made.der().to_vec())
    }

    #[test]
    fn a_signers_whole_name_names_the_product() {
        for (common_name, organization, unit, product) in [
            (
                "Zscaler Intermediate Root CA (zscalerthree.net) (t) ",
                "Zscaler Inc.",
                "Zscaler Inc.",
                Some("Zscaler Internet Access"),
            ),
            ("Contoso Inspection", "Contoso", "Zscaler Inc.", Some("Zscaler Internet Access")),
            ("FortiGate CA", "Fortinet", "Certificate Authority", Some("Fortinet FortiGate")),
            // The organisation belongs to the pattern.
            ("FortiGate CA", "Contoso", "", None),
            ("Fortinet Untrusted CA", "", "", Some("Fortinet FortiGate")),
            ("Sophos SSL CA_CDnUQltAXJc4S83", "Sophos", "NSG", Some("Sophos (Firewall, UTM, Web Appliance)")),
            ("mitmproxy", "mitmproxy", "", Some("mitmproxy")),
            // Only the whole value counts, in its own spelling.
            ("not mitmproxy", "mitmproxy", "", None),
            ("MITMPROXY", "mitmproxy", "", None),
            ("DO_NOT_TRUST_FiddlerRoot", "DO_NOT_TRUST", "", Some("Fiddler")),
            // As an issuer it says much, as a mere root a little less.
            ("Cato Networks CA", "", "", Some("Cato Networks")),
            ("Microsoft Root Certificate Authority 2011", "Microsoft Corporation", "", None),
            ("", "", "", None),
        ] {
            let certificate = signed_by(common_name, organization, unit);
            assert_eq!(by_chain(&[certificate], None), product, "{common_name}, {organization}, {unit}");
        }
    }

    #[test]
    fn the_root_may_give_the_product_away() {
        let leaf = signed_by("issuer of a customer", "Contoso", "");
        let root = signed_by("*.dfw3.goskope.com", "Netskope Inc.", "");
        assert_eq!(by_chain(std::slice::from_ref(&leaf), Some(&root)), Some("Netskope"));
        assert_eq!(by_chain(&[leaf], None), None);
        assert_eq!(by_chain(&[], None), None);
    }

    #[test]
    fn an_answer_names_the_product_by_page_header_or_redirect() {
        let header = |name: &str, value: &str| Header { name: name.to_owned(), value: value.to_owned() };
        for (headers, body, product) in [
            (vec![], "<html>Internet Security by Zscaler</html>", Some("Zscaler Internet Access")),
            (
                vec![header("Location", "https://gateway.zscalertwo.net:443/auD?origurl=x")],
                "",
                Some("Zscaler Internet Access"),
            ),
            (
                vec![header("VIA", "1.1 proxy.example (Cisco-WSA/14.5.0-498)")],
                "",
                Some("Cisco Secure Web Appliance (WSA / IronPort)"),
            ),
            (
                vec![header("Via", "1.1 one.example, 1.1 two.example (Cisco-WSA/14.5.0-498)")],
                "",
                Some("Cisco Secure Web Appliance (WSA / IronPort)"),
            ),
            (vec![header("Server", "Kerio Control Embedded Web Server")], "", Some("Kerio Control")),
            (vec![header("Server", "not a Kerio Control Embedded Web Server")], "", None),
            (vec![header("X-Other", "http://wired.meraki.com:8090/blocked.cgi")], "", None),
            (vec![], "<p>Powered By FortiGuard</p>", Some("Fortinet FortiGate")),
            (vec![header("Server", "Microsoft-IIS/10.0")], "<html>Not Found</html>", None),
            (vec![], "", None),
        ] {
            assert_eq!(by_answer(&headers, body.as_bytes()), product, "{headers:?} {body}");
        }
        assert_eq!(by_answer(&[], &vec![0xff; 100_000]), None);
    }

    #[test]
    fn who_passes_an_answer_on_is_told_from_who_wrote_it() {
        let header = |name: &str, value: &str| Header { name: name.to_owned(), value: value.to_owned() };
        let via = header("Via", "1.1 proxy.example (squid/5.7)");
        for (headers, seen, wrote) in [
            (vec![via.clone()], Some("Squid"), None),
            (vec![via.clone(), header("Server", "Microsoft-IIS/10.0")], Some("Squid"), None),
            (vec![header("Via", "1.1 a.example (Cisco-WSA/14.5), 1.1 b.example (x/1)")], Some(WSA), None),
            (vec![via.clone(), header("Server", "squid/5.7")], Some("Squid"), Some("Squid")),
            (vec![header("X-Squid-Error", "ERR_CACHE_ACCESS_DENIED 0")], Some("Squid"), Some("Squid")),
            (vec![header("Server", "squidward/1.0")], None, None),
            (
                vec![header("Location", "http://x/cgi-bin/squidGuard.cgi?clientaddr=y")],
                Some("squidGuard"),
                Some("squidGuard"),
            ),
        ] {
            assert_eq!((by_answer(&headers, b""), by_page(&headers, b"")), (seen, wrote), "{headers:?}");
        }
    }

    const WSA: &str = "Cisco Secure Web Appliance (WSA / IronPort)";

    #[test]
    fn what_a_maker_says_can_be_followed_by_host_names_and_never_asks_for_a_wildcard() {
        let mut told = 0;
        for product in &KNOWN.products {
            for instruction in [&product.exclude, &product.allow, &product.unauthenticated].into_iter().flatten() {
                let Instruction { say, source, as_of } = instruction;
                assert!(say.ends_with("exactly these host names"), "{}: {say}", product.name);
                assert!(say.starts_with("in ") || say.starts_with("on "), "{}: {say}", product.name);
                assert!(!say.contains('*') && !say.contains(": v10"), "{}: {say}", product.name);
                assert!(source.starts_with("https://") && !source.contains(' '), "{}: {source}", product.name);
                assert!(as_of.parse::<jiff::civil::Date>().is_ok(), "{}: {as_of}", product.name);
                told += 1;
            }
            assert_eq!(named(&product.name).map(|found| &found.name), Some(&product.name));
        }
        assert!(told > 15, "{told}");
        let names: std::collections::BTreeSet<_> = KNOWN.products.iter().map(|product| &product.name).collect();
        assert_eq!(names.len(), KNOWN.products.len());
    }

    #[test]
    fn the_list_is_read_strongest_first_and_a_broken_one_is_refused() {
        assert_eq!(KNOWN.patterns.len(), PRODUCTS.matches("{ where = ").count());
        for (broken, complaint) in [
            ("schema = 2\nproduct = []", "schema 2"),
            (
                "schema = 1\n[[product]]\nname='A'\nvendor='B'\nkind='firewall'\npatterns=[{where='issuer_serial',regex='x',strength='strong',source='s'}]",
                "A: where = 'issuer_serial'",
            ),
            (
                "schema = 1\n[[product]]\nname='A'\nvendor='B'\nkind='firewall'\npatterns=[{where='body',regex='(',strength='strong',source='s'}]",
                "A: ",
            ),
        ] {
            let complaints = read(broken).err().expect(complaint);
            assert!(complaints.contains(complaint), "{complaints}");
        }
    }
}
