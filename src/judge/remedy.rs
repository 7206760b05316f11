//! Who changes what, in the words of the product that stands in the way, and what has to be known before the change.
//!
//! In: a cause or a finding, and the product that was recognised. Out: an owner, an instruction and sentences. Never: a
//! status, a code, or a host that no row is about.

use std::borrow::Cow;
use std::collections::HashSet;
use std::net::IpAddr;

use super::chain::{self, Instruction, Kind, Product};
use super::wording::each_once;
use super::{Cause, Finding, Owner, Verdict};
use crate::catalogue::{Catalogue, Endpoint};
use crate::plan::Plan;

/// What one cause asks for, with this product in the way.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Change {
    pub owner: Owner,
    pub instruction: Cow<'static, str>,
    /// The instruction is to be followed by the names of the hosts.
    pub is_about_hosts: bool,
}

impl Change {
    /// For rows of one route; where no proxy is asked, nobody's proxy team is to be bothered for what is unknown.
    pub fn of(cause: &Cause, product: Option<&str>, is_proxied: bool) -> Self {
        let facts = cause.facts();
        let (owner_of_unknown, instruction) = match facts.owner {
            _ if is_interception(cause) && !is_proxied => (Owner::FirewallTeam, facts.remedy.into()),
            // What lies behind a proxy is seen through it: only who runs it can tell its own doing from a firewall's.
            Owner::FirewallTeam if is_proxied && lies_behind_a_proxy(cause) => {
                (Owner::ProxyTeam, format!("at the proxy, or at the firewall behind it: {}", facts.remedy).into())
            }
            // Nobody runs a proxy there.
            Owner::ProxyTeam if !is_proxied && lies_behind_a_proxy(cause) => (Owner::FirewallTeam, facts.remedy.into()),
            Owner::FirewallTeam if is_proxied && *cause == Cause::Flaky => (Owner::ProxyTeam, facts.remedy.into()),
            owner => (owner, facts.remedy.into()),
        };
        let general = Self { owner: owner_of_unknown, instruction, is_about_hosts: cause.is_about_hosts() };
        let Some((wanted, product)) = Wanted::of(cause).zip(product.and_then(chain::product)) else {
            return general;
        };
        if wanted == Wanted::Exclusion && product.kind == Kind::DebugProxy {
            let instruction = format!(
                "end {}, a tool for debugging, and take its root certificate out of the trusted ones",
                product.name
            );
            return Self { owner: Owner::Operator, instruction: instruction.into(), is_about_hosts: false };
        }
        let instruction = match (wanted.instruction(product), product.kind) {
            (Some(instruction), _) => instruction.say.as_str().into(),
            (None, Kind::Endpoint) if wanted == Wanted::Exclusion => format!(
                "in {} on the devices, exclude from its scan of encrypted connections exactly these host names",
                product.name
            )
            .into(),
            (None, _) => general.instruction,
        };
        // A filter of names is run by those who run the name servers, whatever else the product can do.
        let owner = if *cause == Cause::DnsFilterVendorIp { facts.owner } else { owner(product.kind) };
        Self { owner, instruction, is_about_hosts: general.is_about_hosts }
    }
}

/// Who changes it on the direct route, and who where a proxy is asked, as long as no product is recognised.
#[must_use]
pub fn owners(cause: &Cause) -> (Owner, Owner) {
    (Change::of(cause, None, false).owner, Change::of(cause, None, true).owner)
}

/// Whether this is seen inside a tunnel, or in an answer that a proxy passed on.
fn lies_behind_a_proxy(cause: &Cause) -> bool {
    let code = cause.code();
    code.starts_with("tls.") || code.starts_with("http.")
}

/// Whether the certificate is an unknown CA's for other hosts, where inspection would have copied the name.
pub(super) fn is_of_another(verdict: &Verdict) -> bool {
    let is_interception = matches!(verdict.cause, Cause::InterceptedTrusted | Cause::InterceptedUntrusted);
    verdict
        .chain
        .as_ref()
        .is_some_and(|chain| is_interception && chain.product.is_none() && chain.tells.contains(&chain::OTHER_NAME))
}

/// Whether a product stands in front of all routes alike, so that its rows on several of them are one finding: what runs on
/// the device, and a firewall between it and whatever is asked.
pub(super) fn is_on_every_route(product: Option<&str>) -> bool {
    product.and_then(chain::product).is_some_and(|product| matches!(product.kind, Kind::Endpoint | Kind::Firewall))
}

/// Who runs such a product.
fn owner(kind: Kind) -> Owner {
    match kind {
        Kind::CloudGateway | Kind::ProxyAppliance | Kind::Proxy => Owner::ProxyTeam,
        Kind::Firewall => Owner::FirewallTeam,
        Kind::Endpoint => Owner::DesktopTeam,
        Kind::DebugProxy => Owner::Operator,
    }
}

/// What a product can be asked to do for hosts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Wanted {
    /// From TLS inspection.
    Exclusion,
    Admission,
    NoAuthentication,
}

impl Wanted {
    fn of(cause: &Cause) -> Option<Self> {
        Some(match cause {
            Cause::InterceptedTrusted | Cause::InterceptedUntrusted | Cause::ProxyUpstreamTls => Self::Exclusion,
            Cause::ProxyDenied403 | Cause::HttpBlockPage | Cause::DnsFilterVendorIp => Self::Admission,
            Cause::PauthRequired => Self::NoAuthentication,
            _ => return None,
        })
    }

    fn instruction(self, product: &Product) -> Option<&Instruction> {
        match self {
            Self::Exclusion => product.exclude.as_ref(),
            Self::Admission => product.allow.as_ref(),
            Self::NoAuthentication => product.unauthenticated.as_ref(),
        }
    }
}

/// What stands beside a finding's instruction.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Particulars {
    /// The product that is to be changed.
    pub product: Option<String>,
    /// Sentences that whoever makes the change should have read before.
    pub notes: Vec<String>,
}

/// Begins the note on the maker's page.
pub const DESCRIBED_AT: &str = "described at";
const ACCOUNT_HOST: &str = "login.live.com";
const ACCOUNT_NOTE: &str = "login.live.com: to keep consumer accounts out, set the policy \"Accounts: Block Microsoft accounts\" \
    or \"Block all consumer Microsoft account user authentication\" instead of blocking this host, by which the solutions know the device.";
const BLOB_DOMAIN: &str = ".blob.core.windows.net";
const BLOB_NOTE: &str = "blob hosts: write the exact names, never *.blob.core.windows.net. Microsoft's page on diagnostic data asks \
    to exclude these stores; its page on Defender warns against excluding all of blob storage.";
const NO_PROXY_NOTE: &str = "No proxy is on this route: a firewall, a proxy that nobody configured here, or a security product on this \
    device inspects.";

/// What is to be known beside `finding`.
#[must_use]
pub fn particulars(catalogue: &Catalogue, plan: &Plan, verdicts: &[Verdict], finding: &Finding) -> Particulars {
    let Some(cause) = Cause::from_code(&finding.code) else { return Particulars::default() };
    let job = |id: &crate::plan::JobId| plan.jobs.get(id.0 as usize);
    let hosts: Vec<&str> = finding
        .jobs
        .iter()
        .filter_map(job)
        .filter_map(|job| catalogue.endpoints.get(job.endpoint))
        .map(|endpoint| endpoint.host.as_str())
        .collect();
    let first = finding.jobs.first().and_then(|id| verdicts.iter().find(|verdict| verdict.job == *id));
    let product = first.and_then(|row| row.product.clone().or_else(|| row.chain.as_ref()?.product.clone()));
    let known = product.as_deref().and_then(chain::product);
    let mut notes = Vec::new();
    if shows_a_page(&cause) {
        let mut rows = finding.jobs.iter().filter_map(|id| verdicts.iter().find(|verdict| verdict.job == *id));
        notes.extend(rows.find_map(|row| row.page.clone()));
    }
    let rows: Vec<&Verdict> = verdicts.iter().filter(|verdict| finding.jobs.contains(&verdict.job)).collect();
    notes.extend(hosts_lines(&cause, &rows));
    if rows.first().is_some_and(|row| is_of_another(row) || row.is_led_astray) {
        // Nobody inspects there, and no rule is to be written against inspection.
        return Particulars { product, notes };
    }
    let wanted = Wanted::of(&cause);
    let is_interception = is_interception(&cause);
    notes.extend(one_rule(plan, &cause, product.as_deref(), finding, &hosts));
    if is_interception
        && product.is_none()
        && finding.jobs.iter().filter_map(job).all(|job| plan.route(job).proxy().is_none())
    {
        notes.push(NO_PROXY_NOTE.to_owned());
    }
    notes.extend(by_address(&rows).filter(|_| is_interception));
    if known.is_some_and(|product| is_interception && product.kind == Kind::Endpoint) {
        notes.push("It runs on the device itself: no change on a proxy or firewall helps.".to_owned());
    }
    if let Some(instruction) = wanted.zip(known).and_then(|(wanted, product)| wanted.instruction(product)) {
        notes.push(format!("{DESCRIBED_AT} {}", instruction.source));
    }
    // Nobody debugs in order to keep a host out.
    let is_debugged = known.is_some_and(|product| product.kind == Kind::DebugProxy);
    let is_written_down = matches!(wanted, Some(Wanted::Exclusion | Wanted::Admission));
    // Where whole routes fail alike, nobody has meant this one host; unless every host is now written into a rule.
    let is_meant = is_written_down || !is_all_of_its_routes(catalogue, plan, finding);
    if hosts.contains(&ACCOUNT_HOST) && is_shut_out(&cause) && is_meant && !is_debugged {
        notes.push(ACCOUNT_NOTE.to_owned());
    }
    if is_written_down && !is_debugged && hosts.iter().any(|host| host.ends_with(BLOB_DOMAIN)) {
        notes.push(BLOB_NOTE.to_owned());
    }
    Particulars { product, notes }
}

/// Who inspects some addresses of a host has a rule by address, or for one family of addresses.
fn by_address(rows: &[&Verdict]) -> Option<String> {
    let mut partly = rows.iter().filter_map(|row| row.by_address.as_ref());
    let first = partly.next()?;
    let others = match partly.count() {
        0 => String::new(),
        others => format!(", and so with {others} more"),
    };
    let said = |addresses: &[IpAddr]| addresses.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
    Some(format!(
        "Of one host's addresses {} is inspected and {} is not{others}: the exclusion has to hold for the name, at every address, \
         over IPv4 and IPv6. Devices go to any of them.",
        said(&first.inspected),
        said(&first.left_alone)
    ))
}

/// Lines quoted at most; the rows have them all.
const MOST_LINES: usize = 3;

/// The lines of the hosts file that lead these rows' names astray. Whatever answers there is met by this machine alone.
fn hosts_lines(cause: &Cause, rows: &[&Verdict]) -> Option<String> {
    let all: Vec<&str> = each_once(rows.iter().filter_map(|row| row.hosts_line.as_deref()));
    let (first, more) = all.split_at(all.len().min(MOST_LINES));
    if first.is_empty() {
        return None;
    }
    let quoted = first.iter().map(|line| format!("\"{line}\"")).collect::<Vec<_>>().join(", ");
    let more = if more.is_empty() { String::new() } else { format!(" and {} more", more.len()) };
    let s = if all.len() == 1 { "" } else { "s" };
    Some(if *cause == Cause::DnsHostsOverride {
        format!("The line{s} of this machine's hosts file: {quoted}{more}.")
    } else {
        let led = rows.iter().filter(|row| row.hosts_line.is_some()).count();
        let names =
            if led == rows.len() { "The name".to_owned() } else { format!("In {led} of {} rows the name", rows.len()) };
        format!(
            "{names} was led there by the hosts file of this machine, whatever the name servers say: {quoted}{more}. \
             First delete the line{s} (desktop team), then run the check again."
        )
    })
}

/// Whether the finding is about every host with TLS on its routes, and about more than one.
fn is_all_of_its_routes(catalogue: &Catalogue, plan: &Plan, finding: &Finding) -> bool {
    let own: HashSet<_> = finding.jobs.iter().copied().collect();
    let routes: HashSet<usize> = plan.jobs.iter().filter(|job| own.contains(&job.id)).map(|job| job.route).collect();
    let is_tls = |endpoint: usize| catalogue.endpoints.get(endpoint).is_some_and(Endpoint::is_tls);
    own.len() > routes.len()
        && plan
            .jobs
            .iter()
            .filter(|job| routes.contains(&job.route) && is_tls(job.endpoint))
            .all(|job| own.contains(&job.id))
}

/// That the rows of a finding are one change, with the rule that they share.
fn one_rule(plan: &Plan, cause: &Cause, product: Option<&str>, finding: &Finding, hosts: &[&str]) -> Option<String> {
    let rule = rule(cause)?;
    let others = hosts.iter().filter(|host| *host != hosts.first().unwrap_or(host)).count();
    if others == 0 {
        return None;
    }
    let mut places: Vec<String> = Vec::new();
    for job in finding.jobs.iter().filter_map(|id| plan.jobs.get(id.0 as usize)) {
        let place = plan.route(job).proxy().map_or("on the direct route".to_owned(), |proxy| format!("at {proxy}"));
        if !places.contains(&place) {
            places.push(place);
        }
    }
    let by = product.map(|product| format!(" of {product}")).unwrap_or_default();
    let place = if let [place] = places.as_slice() { format!(" {place}") } else { String::new() };
    Some(format!("One rule explains {} rows: {rule}{by}{place}.", finding.jobs.len()))
}

/// What somebody set up once and that meets many hosts alike.
fn rule(cause: &Cause) -> Option<&'static str> {
    Some(match cause {
        Cause::InterceptedTrusted | Cause::InterceptedUntrusted | Cause::ProxyUpstreamTls => "the TLS inspection",
        Cause::ProxyDenied403 | Cause::ProxySocksDenied | Cause::PauthDeniedAfterAuth | Cause::HttpBlockPage => {
            "the filter by URL and category"
        }
        Cause::ProxyDeniedPort => "the list of ports to which tunnels are opened",
        Cause::ProxyClientNotAllowed => "the list of clients that may use it",
        Cause::ProxyMethodBlocked => "the list of methods that are allowed",
        Cause::PauthRequired => "the demand for a login",
        Cause::TlsSniFiltered => "the filter by name in the handshake",
        Cause::TlsTls13Intolerant | Cause::TlsLargeHello | Cause::TlsLegacyOnly | Cause::TlsOldSuites => {
            "the device that handles handshakes"
        }
        Cause::TcpRefused | Cause::TcpTimeout | Cause::TcpAdminProhibited => {
            "the firewall's rule for outgoing connections"
        }
        Cause::DnsEdeFiltered | Cause::DnsSinkhole | Cause::DnsFilterVendorIp => "the filter of names",
        _ => return None,
    })
}

/// Whether whoever answered wrote something that tells more than the code does: which rule, whom to ask, what it is.
fn shows_a_page(cause: &Cause) -> bool {
    matches!(
        cause,
        Cause::HttpBlockPage
            | Cause::HttpPortal
            | Cause::HttpMiddleboxStatus
            | Cause::HttpMalformed
            | Cause::ProxyDenied403
            | Cause::ProxyClientNotAllowed
            | Cause::ProxyPortalAuth
            | Cause::ProxyNotForwarding
            | Cause::ProxyBadRequest400
            | Cause::ProxyUpstreamUnknown
            | Cause::ProxyIcapDown
            | Cause::ProxyBadReply
            | Cause::ProxyNotHttp
            | Cause::Proxy200WithBody
            | Cause::PauthDeniedAfterAuth
            | Cause::TlsPlaintextReply
            | Cause::TlsNotTls
    )
}

fn is_interception(cause: &Cause) -> bool {
    matches!(cause, Cause::InterceptedTrusted | Cause::InterceptedUntrusted)
}

/// Somebody may have meant to keep this very host out.
fn is_shut_out(cause: &Cause) -> bool {
    matches!(
        cause,
        Cause::InterceptedTrusted
            | Cause::InterceptedUntrusted
            | Cause::ProxyDenied403
            | Cause::Proxy200ThenClose
            | Cause::Proxy200ThenRst
            | Cause::ProxySocksDenied
            | Cause::DnsNxdomain
            | Cause::DnsEdeFiltered
            | Cause::DnsSinkhole
            | Cause::DnsFilterVendorIp
            | Cause::DnsHostsOverride
            | Cause::TlsRstAfterHello
            | Cause::TlsFinAfterHello
            | Cause::HttpBlockPage
            | Cause::PauthDeniedAfterAuth
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalogue::{OsSelection, Solution};
    use crate::plan::{Budget, JobId, PlannedRoute};

    #[test]
    fn what_to_set_instead_of_blocking_one_host_is_not_said_where_the_whole_route_fails_alike() {
        let catalogue = Catalogue::embedded();
        let routes = vec![PlannedRoute::Direct];
        let plan = Plan::new(&catalogue, routes, Budget::default(), OsSelection::all(), Solution::ALL.to_vec());
        let hosts = |wanted: fn(&Endpoint) -> bool| -> Vec<JobId> {
            let is_wanted = |job: &&crate::plan::Job| wanted(&catalogue.endpoints[job.endpoint]);
            plan.jobs.iter().filter(is_wanted).map(|job| job.id).collect()
        };
        let everything = hosts(Endpoint::is_tls);
        let account = hosts(|endpoint| endpoint.host == ACCOUNT_HOST);
        let some = [account.clone(), hosts(|endpoint| endpoint.name == "v10c")].concat();
        for (cause, jobs, is_said) in [
            (Cause::TlsRstAfterHello, &everything, false),
            (Cause::TlsRstAfterHello, &some, true),
            (Cause::TlsRstAfterHello, &account, true),
            // Here every host is written into a rule, this one too.
            (Cause::ProxyDenied403, &everything, true),
        ] {
            let finding = Finding {
                code: cause.code(),
                title: String::new(),
                owner: Owner::ProxyTeam,
                remedy: String::new(),
                jobs: jobs.clone(),
            };
            let notes = particulars(&catalogue, &plan, &[], &finding).notes;
            assert_eq!(notes.iter().any(|note| note == ACCOUNT_NOTE), is_said, "{cause:?} of {}", jobs.len());
        }
    }

    #[test]
    fn the_change_is_told_in_the_terms_of_the_product_to_those_who_run_it() {
        for (cause, product, owner, begins) in [
            (Cause::InterceptedTrusted, None, Owner::ProxyTeam, "exclude exactly these host names from TLS"),
            (Cause::InterceptedTrusted, Some("Zscaler Internet Access"), Owner::ProxyTeam, "in Zscaler, add a rule to"),
            (Cause::InterceptedTrusted, Some("Fortinet FortiGate"), Owner::FirewallTeam, "on the FortiGate, add to"),
            (Cause::ProxyUpstreamTls, Some("Squid"), Owner::ProxyTeam, "in squid.conf, put 'ssl_bump splice'"),
            // Nothing was found that its maker says: general words, and the right people all the same.
            (Cause::InterceptedTrusted, Some("Smoothwall"), Owner::FirewallTeam, "exclude exactly these host names"),
            (Cause::InterceptedUntrusted, Some("a product nobody knows"), Owner::ProxyTeam, "exclude exactly"),
            (Cause::InterceptedTrusted, Some("ESET"), Owner::DesktopTeam, "in ESET on the devices, exclude from"),
            (
                Cause::InterceptedTrusted,
                Some("Kaspersky Endpoint Security"),
                Owner::DesktopTeam,
                "in Kaspersky Endpoint",
            ),
            (Cause::InterceptedTrusted, Some("Fiddler"), Owner::Operator, "end Fiddler, a tool for debugging"),
            (Cause::ProxyDenied403, Some("Squid"), Owner::ProxyTeam, "in squid.conf, put 'http_access allow'"),
            (Cause::HttpBlockPage, Some("Kerio Control"), Owner::FirewallTeam, "allow exactly these host names"),
            (Cause::PauthRequired, Some("Squid"), Owner::ProxyTeam, "in squid.conf, put 'http_access allow'"),
            // Whatever product it is, this is not what it can be asked for.
            (Cause::ProxyUpstreamDns, Some("Squid"), Owner::ProxyTeam, "check the name server"),
        ] {
            let change = Change::of(&cause, product, true);
            assert_eq!(change.owner, owner, "{product:?}");
            assert!(change.instruction.starts_with(begins), "{product:?}: {}", change.instruction);
        }
        let change = |cause: Cause, product| Change::of(&cause, product, false);
        assert!(!change(Cause::InterceptedTrusted, Some("mitmproxy")).is_about_hosts);
        assert!(change(Cause::InterceptedTrusted, Some("ESET")).is_about_hosts);
        assert!(change(Cause::PauthRequired, Some("Squid")).instruction.contains("proxy_auth"));
        assert_eq!(change(Cause::InterceptedTrusted, None).owner, Owner::FirewallTeam);
        assert_eq!(change(Cause::InterceptedTrusted, Some("Zscaler Internet Access")).owner, Owner::ProxyTeam);
        assert_eq!(change(Cause::DnsFilterVendorIp, Some("Cisco Umbrella")).owner, Owner::DnsTeam);
    }
}
