//! Many rows, one cause: what one change would mend.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use super::remedy::Change;
use super::wording::{each_once, listed};
use super::{
    Cause, Finding, Grounds, Owner, Status, Verdict, clients, comparison, directions, follow_up, remedy, settings,
};
use crate::observation::{Observation, Stage};
use crate::plan::{PlannedRoute, Scheme, SchemeChoice};

/// Groups the rows that are not ok by cause, by the proxy that has to change and by the product seen; behind them comes
/// what only several rows together show, and then the remarks on rows that are ok.
#[must_use]
pub fn findings(grounds: &Grounds<'_>, verdicts: &[Verdict], observations: &[Observation]) -> Vec<Finding> {
    let mut groups: BTreeMap<Key, Vec<&Verdict>> = BTreeMap::new();
    for verdict in clients::told(verdicts).filter(|verdict| verdict.status != Status::Ok && !verdict.is_in_doubt) {
        let job = grounds.job(verdict);
        let proxy = grounds.plan.route(job).proxy().map(ToString::to_string);
        let product = verdict.product.clone().or_else(|| verdict.chain.as_ref()?.product.clone());
        let is_at_proxy = (verdict.stage != Stage::Http || verdict.chain.is_none())
            && !(verdict.status == Status::Intercepted && remedy::is_on_every_route(product.as_deref()));
        let key = Key {
            severity: Reverse(verdict.status),
            code: verdict.cause.code(),
            proxy: proxy.filter(|_| is_at_proxy),
            product,
            is_of_another: remedy::is_of_another(verdict),
            is_led_astray: verdict.is_led_astray,
        };
        groups.entry(key).or_default().push(verdict);
    }
    let mut remarks: BTreeMap<(Cause, String), Vec<&Verdict>> = BTreeMap::new();
    for verdict in verdicts {
        let route = grounds.plan.route(grounds.job(verdict));
        let proxy = route.proxy().map(ToString::to_string).unwrap_or_default();
        for remark in &verdict.remarks {
            remarks.entry((remark.clone(), proxy.clone())).or_default().push(verdict);
        }
    }
    let remarks = remarks.into_iter().map(|((cause, proxy), rows)| {
        let proxy = Some(proxy).filter(|proxy| !proxy.is_empty());
        let key = Key {
            severity: Reverse(Status::Ok),
            code: cause.code(),
            proxy,
            product: None,
            is_of_another: false,
            is_led_astray: false,
        };
        let mut remark = finding(grounds, &key, &cause, &rows);
        if cause == Cause::TlsLargeHello {
            let place = key.proxy.map(|proxy| format!(" ({proxy})")).unwrap_or_default();
            remark.title = format!("{LARGE_ONLY}{place}");
            remark.remedy = format!("nothing has to change today; {}", remark.remedy);
        }
        if let Some(what) = counted(&cause)
            && let Some(most) = rows.iter().filter_map(|row| row.open_at_once).max()
        {
            remark.title = format!("{}: {most} {what} were open at once", remark.title);
        }
        remark
    });
    let mut groups: Vec<(Key, Vec<&Verdict>)> = groups.into_iter().collect();
    // What mends most comes first; the sort is stable, so that equals stay in the order of their codes.
    groups.sort_by_key(|(key, rows)| (key.severity, Reverse(rows.len())));
    let compared = comparison::comparisons(grounds, verdicts, observations);
    groups.retain(|(_, rows)| !is_told_by_comparison(rows, &compared));
    groups
        .into_iter()
        .map(|(key, rows)| {
            let found = finding(grounds, &key, &rows[0].cause, &rows);
            let found = with_an_open_route(grounds, verdicts, found);
            let found = clients::limit(grounds, verdicts, &rows, found);
            if key.is_led_astray {
                let title = if key.is_of_another { IN_ITS_PLACE } else { AT_THE_LINE };
                return Finding {
                    title: title.to_owned(),
                    owner: Owner::DesktopTeam,
                    remedy: DELETE_THE_LINE.to_owned(),
                    ..found
                };
            }
            if !key.is_of_another {
                return found;
            }
            let place = found.title.strip_prefix(rows[0].cause.facts().title).unwrap_or_default();
            Finding { title: format!("{IN_ITS_PLACE}{place}"), remedy: who_answers(grounds, verdicts, &rows), ..found }
        })
        .chain(follow_up::doubts(grounds, verdicts))
        .chain(compared)
        .chain(directions::findings(grounds, verdicts))
        .chain(settings::findings(grounds, verdicts))
        .chain(remarks)
        .collect()
}

/// What a limit per client counts, if the remark is one.
fn counted(remark: &Cause) -> Option<&'static str> {
    match remark {
        Cause::ProxyClientLimit | Cause::TcpClientLimit => Some("connections of this check"),
        Cause::DnsClientLimit => Some("lookups of this check"),
        _ => None,
    }
}

/// A port that is closed for these rows alone is one thing to change, and the comparison with https says which.
fn is_told_by_comparison(rows: &[&Verdict], compared: &[Finding]) -> bool {
    let is_silence = |row: &&Verdict| {
        matches!(
            row.cause,
            Cause::TcpTimeout
                | Cause::TcpRefused
                | Cause::TcpAdminProhibited
                | Cause::TcpResetAfterConnect
                | Cause::HttpEmpty
                | Cause::HttpTimeoutFirstByte
        )
    };
    let is_told = |finding: &Finding| {
        comparison::is_plain_blocked(finding) && rows.iter().all(|row| finding.jobs.contains(&row.job))
    };
    rows.iter().all(is_silence) && compared.iter().any(is_told)
}

/// Nobody is told to leave the direct route out, or to look for the default route, where others get out by it.
fn with_an_open_route(grounds: &Grounds<'_>, verdicts: &[Verdict], found: Finding) -> Finding {
    let is_open = |verdict: &Verdict| {
        *grounds.plan.route(grounds.job(verdict)) == PlannedRoute::Direct && verdict.stage > Stage::Tcp
    };
    let Some((before, hosts)) = found.remedy.split_once(LEAVE_IT_OUT).filter(|_| verdicts.iter().any(is_open)) else {
        return found;
    };
    let instruction = before.rsplit_once("; ").map_or(before, |(instruction, _)| instruction);
    let instruction = instruction.replace("check the default route", "check the route to the addresses of these hosts");
    Finding { remedy: format!("{instruction}{hosts}"), ..found }
}

const LEAVE_IT_OUT: &str = "leave the direct route out with --no-direct";

/// Rows that get through with the first message that Windows sends today.
const LARGE_ONLY: &str = "A device on the way stops TLS handshakes of post-quantum size, and lets today's pass";

/// What ends every tunnel is no matter of these hosts.
const FOR_ALL_TUNNELS: &str = "look for what ends every tunnel once it is open (inspection that fails, a parent proxy or a firewall \
    behind the proxy, a list of allowed names); a rule against these hosts alone does not explain it:";
const FOR_ALL_HANDSHAKES: &str = "look for what ends every TLS connection once it has begun (inspection that fails, a list of allowed \
    names); a rule against these hosts alone does not explain it:";

#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Key {
    severity: Reverse<Status>,
    code: String,
    proxy: Option<String>,
    product: Option<String>,
    /// A server of its own stands in the service's place; inspection is not what is seen.
    is_of_another: bool,
    /// A line of the hosts file led there, and nothing that others met.
    is_led_astray: bool,
}

const AT_THE_LINE: &str =
    "A foreign certificate is shown at the address that a line of this machine's hosts file names";
const DELETE_THE_LINE: &str = "delete the line from this machine's hosts file, find out who wrote it, and run the check again; only what \
    is inspected without the line needs an exclusion";

const IN_ITS_PLACE: &str = "Another server answers in the service's place, with a certificate for other names";

/// What to look for where another server answers, with what its certificate and its address say of it.
fn who_answers(grounds: &Grounds<'_>, verdicts: &[Verdict], rows: &[&Verdict]) -> String {
    let leaf = |row: &&Verdict| Some(row.chain.as_ref()?.certificates.first()?.fields()?.dns_names.clone());
    let names: BTreeSet<String> = rows.iter().filter_map(leaf).flatten().take(MOST_NAMES).collect();
    let mut text = "find out what answers there (a sign-in portal, a block page, a redirection by DNS) and let these hosts past it".to_owned();
    if !names.is_empty() {
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        text = format!("{text}; its certificate is for {}", listed(&names));
    }
    let addresses: BTreeSet<_> = rows.iter().flat_map(|row| &row.addresses).collect();
    if let (Some(address), 1, true) = (addresses.first(), addresses.len(), rows.len() > 1) {
        text = format!("{text}; all these names lead to {address}");
    }
    let routes: Vec<usize> = rows.iter().map(|row| grounds.job(row).route).collect();
    let is_portal = |row: &Verdict| row.cause == Cause::HttpPortal && routes.contains(&grounds.job(row).route);
    if verdicts.iter().any(is_portal) {
        text = format!(
            "{text}; a sign-in portal answers plain http on the same route, so sign in there, or have this machine exempted"
        );
    }
    text
}

const MOST_NAMES: usize = 3;

fn finding(grounds: &Grounds<'_>, key: &Key, cause: &Cause, rows: &[&Verdict]) -> Finding {
    let facts = cause.facts();
    let hosts = each_once(rows.iter().map(|row| grounds.endpoint(row).host.as_str()));
    let place = match (&key.proxy, &key.product) {
        (Some(proxy), Some(product)) => format!(" ({product} at {proxy})"),
        (Some(proxy), None) => format!(" ({proxy})"),
        (None, Some(product)) if remedy::is_on_every_route(Some(product)) => format!(" ({product})"),
        (None, Some(product)) => format!(" ({product}, on the direct route)"),
        (None, None) => String::new(),
    };
    let mut ports: Vec<u16> = rows.iter().map(|row| grounds.endpoint(row).port).collect();
    ports.sort_unstable();
    ports.dedup();
    let Change { owner, instruction, is_about_hosts } = Change::of(cause, key.product.as_deref(), key.proxy.is_some());
    let (owner, title, instruction) = match asked_by_the_operator(grounds, cause, rows) {
        Some((owner, title, instruction)) => (owner, title, instruction.into()),
        None => (owner, facts.title, instruction),
    };
    let in_clear: Vec<&str> = rows
        .iter()
        .map(|row| grounds.endpoint(row))
        .filter(|endpoint| !endpoint.is_tls())
        .map(|endpoint| endpoint.host.as_str())
        .collect();
    // A handshake for TLS 1.2 passes: that says what to look for, also where other kinds of hello fail too.
    let is_for_all = *cause != Cause::TlsTls13Intolerant && rows.iter().all(|row| row.is_for_all);
    let control = grounds.plan.follow_ups.control.as_ref().filter(|_| is_for_all);
    let (instruction, is_about_hosts) = match control {
        Some(control) => {
            let what = if key.proxy.is_some() { FOR_ALL_TUNNELS } else { FOR_ALL_HANDSHAKES };
            (format!("{what} {} is treated alike", control.host).into(), false)
        }
        None => (instruction, is_about_hosts),
    };
    // Where no proxy is asked, nobody's proxy team is behind an answer that came in clear.
    let is_direct = rows.iter().all(|row| *grounds.plan.route(grounds.job(row)) == PlannedRoute::Direct);
    let owner = if is_direct && owner == Owner::ProxyTeam && key.product.is_none() && key.code.starts_with("http.") {
        Owner::FirewallTeam
    } else {
        owner
    };
    // Whoever writes the rule needs its number.
    let instruction = instruction.replace("this port", &said(&ports));
    let instruction = instruction.replace(TUNNELS, &requests(hosts.len(), &in_clear));
    let (owner, instruction) = if *cause == Cause::ProxyBlackHole {
        directions::where_it_stands(grounds, rows, owner, instruction)
    } else {
        (owner, instruction)
    };
    Finding {
        code: key.code.clone(),
        title: format!("{title}{place}"),
        owner,
        remedy: if is_about_hosts { format!("{instruction}: {}", listed(&hosts)) } else { instruction },
        jobs: rows.iter().map(|row| row.job).collect(),
    }
}

/// What is said where the login that failed was chosen or typed by whoever runs the check: a password that was given, and a
/// scheme that was asked for by name.
fn asked_by_the_operator(
    grounds: &Grounds<'_>,
    cause: &Cause,
    rows: &[&Verdict],
) -> Option<(Owner, &'static str, &'static str)> {
    let choice = |row: &&Verdict| match grounds.plan.route(grounds.job(row)) {
        PlannedRoute::Proxy { scheme, .. } => Some(*scheme),
        PlannedRoute::Direct => None,
    };
    match cause {
        Cause::PauthRejected if rows.iter().all(|row| row.scheme.is_some_and(|scheme| scheme != Scheme::Negotiate)) => {
            Some((Owner::DirectoryTeam, "The user name or the password is rejected", REJECTED_PASSWORD))
        }
        Cause::PauthNoCommonScheme
            if rows.iter().all(|row| choice(row).is_some_and(|one| one != SchemeChoice::Auto)) =>
        {
            Some((Owner::Operator, cause.facts().title, SCHEME_BY_NAME))
        }
        _ => None,
    }
}

const REJECTED_PASSWORD: &str = "look first whether the name and the password that this check was given are right; if they are, check \
    the account: disabled, locked, expired (the password is tried once per run, so that the account is not locked)";

const SCHEME_BY_NAME: &str = "leave --scheme out, or ask for a scheme that the proxy offers; only where devices need this one, have it \
    enabled on the proxy";

/// What an instruction to a proxy team asks for when all rows are tunnels.
const TUNNELS: &str = "CONNECT to exactly these host names on port 443";

/// What it asks for with these of so many hosts, which are asked for in clear: they need no CONNECT, and another port.
fn requests(hosts: usize, in_clear: &[&str]) -> String {
    match in_clear {
        [] => TUNNELS.to_owned(),
        _ if in_clear.len() == hosts => "plain http to exactly these host names on port 80".to_owned(),
        [one] => format!("{TUNNELS}, and plain http on port 80 to {one}"),
        _ => format!("{TUNNELS}, and plain http on port 80 to those that are asked for by http"),
    }
}

/// `port 443`, `ports 80 and 443`.
fn said(ports: &[u16]) -> String {
    let numbers: Vec<String> = ports.iter().map(u16::to_string).collect();
    match numbers.split_last() {
        Some((last, [])) => format!("port {last}"),
        Some((last, others)) => format!("ports {} and {last}", others.join(", ")),
        None => "this port".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::{TUNNELS, requests, said};

    #[test]
    fn a_rule_for_tunnels_says_what_a_host_in_clear_needs_beside_it() {
        assert_eq!(requests(3, &[]), TUNNELS);
        assert_eq!(requests(1, &["adl.windows.com"]), "plain http to exactly these host names on port 80");
        assert_eq!(
            requests(3, &["adl.windows.com"]),
            format!("{TUNNELS}, and plain http on port 80 to adl.windows.com")
        );
        for cause in [super::Cause::ProxyDenied403, super::Cause::ProxyNotForwarding] {
            assert!(cause.facts().remedy.contains(TUNNELS), "{}", cause.facts().remedy);
        }
    }

    #[test]
    fn what_is_said_of_networks_without_a_direct_route_can_be_left_out() {
        for cause in [super::Cause::DnsNxdomain, super::Cause::TcpNetUnreachable] {
            let remedy = cause.facts().remedy;
            let (before, after) = remedy.split_once(super::LEAVE_IT_OUT).expect("the words that are looked for");
            assert!(before.contains("; ") && after.is_empty(), "{remedy}");
        }
        assert!(super::Cause::TcpNetUnreachable.facts().remedy.starts_with("check the default route; "));
    }

    #[test]
    fn a_rule_is_told_with_the_numbers_of_its_ports() {
        for (ports, words) in
            [(&[443][..], "port 443"), (&[80, 443], "ports 80 and 443"), (&[80, 443, 8443], "ports 80, 443 and 8443")]
        {
            assert_eq!(said(ports), words);
        }
    }
}
