//! What only several rows together show.
//!
//! In: verdicts, what was planned, and the name servers' answers. Out: findings with codes that no row has, and the hint
//! `same-key` on chains. Never: another status or cause for a row.

mod hints;
mod table;

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::net::{IpAddr, SocketAddr};

use super::chain::{self, ChainVerdict, Reached};
use super::clients;
use super::remedy::{self, Change};
use super::wording::{each_once, listed};
use super::{Cause, Connections, Finding, Grounds, NameElsewhere, Owner, Status, Verdict};
use crate::catalogue::{Endpoint, Lifecycle};
use crate::observation::{Observation, ServerAnswer, Stage};
use crate::plan::{Identity, JobId, PlannedRoute, Proxy, ProxyScheme};
use table::{
    CONNECT_ONLY, GET_ONLY, INJECTED, MACHINE_DENIED, NXDOMAIN_EVERYWHERE, NXDOMAIN_LOCAL, PARTIAL, PATH_DIFFERENCE,
    SAME_KEY, USER_DENIED,
};

pub(crate) use table::CLIENT_HAS_NO_LOGIN;
pub use table::Comparison;
pub(super) use table::OFFLINE;

/// A row's key is held against that many others at most; one stranger among them is enough.
const MOST_COMPARED: usize = 64;

/// The hint on a chain whose key answers for several hosts.
const SAME_KEY_TELL: &str = "same-key";

/// Every finding that comes from comparing.
pub(super) fn comparisons(grounds: &Grounds<'_>, verdicts: &[Verdict], observations: &[Observation]) -> Vec<Finding> {
    let rows = rows(grounds, verdicts);
    // What was asked beside the rows is another matter.
    let observations: Vec<&Observation> = observations.iter().filter(|seen| seen.follow_up().is_none()).collect();
    [
        partly_intercepted(&rows),
        inspected_now_and_then(&rows),
        shared_keys(&rows),
        path_differences(&rows),
        identity_differences(&rows),
        denied_locally(&rows),
        gone_everywhere(&rows),
        injected_answers(&rows, &observations),
        hints::older_tls(&rows, &as_newest(grounds, &observations)),
        hints::plain_blocked(&rows),
        hints::of_chains(&rows),
        asked_by_method(&rows),
    ]
    .concat()
}

/// What the newest profile of the plan saw: its hellos are alike on every route.
fn as_newest<'o>(grounds: &Grounds<'_>, observations: &[&'o Observation]) -> Vec<&'o Observation> {
    let newest = clients::asked(grounds.plan).last().copied();
    observations.iter().copied().filter(|seen| newest.is_none_or(|newest| clients::counts_for(seen, newest))).collect()
}

/// Whether the finding is that plain http alone is blocked.
pub(super) fn is_plain_blocked(finding: &Finding) -> bool {
    finding.code == table::PLAIN_BLOCKED.code
}

/// Hangs the hint on every chain whose key answers for unrelated hosts on its route.
pub(super) fn mark_shared_keys(grounds: &Grounds<'_>, verdicts: &mut [Verdict]) {
    let shared: BTreeSet<JobId> = keys_in_common(&rows(grounds, verdicts)).into_values().flatten().collect();
    for verdict in verdicts.iter_mut().filter(|verdict| shared.contains(&verdict.job)) {
        if let Some(chain) = verdict.chain.as_mut().filter(|chain| !chain.tells.contains(&SAME_KEY_TELL)) {
            chain.tells.push(SAME_KEY_TELL);
        }
    }
}

/// Tells rows that were left alone, where inspection comes and goes, how little that says.
pub(super) fn tell_of_flapping(grounds: &Grounds<'_>, verdicts: &mut [Verdict]) {
    let rows = rows(grounds, verdicts);
    let said = |way: Option<&Proxy>| {
        let changing = rows.iter().copied().filter(|row| row.route.proxy() == way && row.verdict.connections.differ());
        said_of(&changing.collect::<Vec<_>>())
    };
    let said: HashMap<Option<&Proxy>, String> = flapping(&rows).into_iter().map(|way| (way, said(way))).collect();
    let lines: Vec<(JobId, String)> = rows
        .iter()
        .filter(|row| row.verdict.connections.inspected == 0 && row.chain_is(&[Status::Ok, Status::Degraded]))
        .filter_map(|row| {
            let line = format!(
                "this connection was left alone, and that does not show that this host is excluded: inspection comes and goes \
                 on this way ({})",
                said.get(&row.route.proxy())?
            );
            Some((row.verdict.job, line))
        })
        .collect();
    for (job, line) in lines {
        if let Some(verdict) = verdicts.get_mut(job.0 as usize) {
            verdict.evidence.push(line);
        }
    }
}

/// A verdict beside what was asked.
#[derive(Clone, Copy)]
struct Row<'a> {
    verdict: &'a Verdict,
    endpoint: &'a Endpoint,
    /// Its place in the plan.
    route_index: usize,
    route: &'a PlannedRoute,
}

fn rows<'a>(grounds: &'a Grounds<'_>, verdicts: &'a [Verdict]) -> Vec<Row<'a>> {
    verdicts
        .iter()
        .filter_map(|verdict| {
            let job = grounds.plan.jobs.get(verdict.job.0 as usize)?;
            let endpoint = grounds.catalogue.endpoints.get(job.endpoint)?;
            Some(Row { verdict, endpoint, route_index: job.route, route: grounds.plan.route(job) })
        })
        .collect()
}

impl<'a> Row<'a> {
    fn host(&self) -> &'a str {
        &self.endpoint.host
    }

    fn proxy(&self) -> Option<String> {
        self.route.proxy().map(ToString::to_string)
    }

    /// The chain that was seen on the way to the service: where the name leads elsewhere, it is somebody else's affair.
    fn chain(&self) -> Option<&'a ChainVerdict> {
        self.verdict.chain.as_ref().filter(|_| self.verdict.stage > Stage::Dns)
    }

    fn chain_is(&self, statuses: &[Status]) -> bool {
        self.chain().is_some_and(|chain| statuses.contains(&chain.status))
    }

    /// Somebody inspects; a stranger's own server in the service's place is none of this, nor what a line of the hosts file
    /// leads to.
    fn is_intercepted(&self) -> bool {
        self.chain_is(&[Status::Intercepted]) && !remedy::is_of_another(self.verdict) && !self.verdict.is_led_astray
    }

    fn is_genuine(&self) -> bool {
        self.chain_is(&[Status::Ok])
            && self
                .verdict
                .chain
                .as_ref()
                .is_some_and(|chain| matches!(chain.reached, Reached::Class(class) if chain.expected.contains(&class)))
    }

    /// The route in the words of a sentence.
    fn place(&self) -> String {
        match self.route {
            PlannedRoute::Direct => "the direct route".to_owned(),
            PlannedRoute::Proxy { proxy, identity: Identity::Bypass, .. } => format!("{proxy} without credentials"),
            PlannedRoute::Proxy { proxy, identity: Identity::User, .. } => format!("{proxy} as the user"),
            PlannedRoute::Proxy { proxy, identity: Identity::Device, .. } => format!("{proxy} as the machine"),
        }
    }
}

fn jobs(rows: &[Row<'_>]) -> Vec<JobId> {
    rows.iter().map(|row| row.verdict.job).collect()
}

/// Each host once, in the order of the rows.
fn hosts<'a>(rows: &[Row<'a>]) -> Vec<&'a str> {
    each_once(rows.iter().map(Row::host))
}

/// A title with the proxy behind it.
fn at(title: &str, proxy: Option<&str>) -> String {
    match proxy {
        Some(proxy) => format!("{title} ({proxy})"),
        None => format!("{title} (on the direct route)"),
    }
}

fn naming(instruction: &str, hosts: &[&str]) -> String {
    format!("{instruction}: {}", listed(hosts))
}

fn by_route<'a>(rows: &[Row<'a>]) -> BTreeMap<usize, Vec<Row<'a>>> {
    let mut routes: BTreeMap<usize, Vec<Row<'a>>> = BTreeMap::new();
    for row in rows {
        routes.entry(row.route_index).or_default().push(*row);
    }
    routes
}

/// Who looks after what inspects these rows: the product's owner where they all show one.
fn inspectors_owner(rows: &[Row<'_>]) -> Owner {
    let product = |row: &Row<'_>| row.verdict.chain.as_ref().and_then(|chain| chain.product.clone());
    let first = rows.first().and_then(product);
    let is_one = rows.iter().all(|row| product(row) == first);
    let is_proxied = rows.iter().any(|row| row.route.proxy().is_some());
    Change::of(&Cause::InterceptedTrusted, first.as_deref().filter(|_| is_one), is_proxied).owner
}

/// Hosts that are inspected beside hosts that are not.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Gap<'a> {
    proxy: Option<String>,
    missing: Vec<&'a str>,
    excluded: Vec<&'a str>,
}

/// Somebody wrote exclusions and forgot some. Routes of one proxy on which the same are missing are one finding. Where a host
/// is inspected on one connection and not on the next, being left alone means nothing.
fn partly_intercepted(rows: &[Row<'_>]) -> Vec<Finding> {
    let flapping = flapping(rows);
    let steady: Vec<Row<'_>> = rows.iter().copied().filter(|row| !flapping.contains(&row.route.proxy())).collect();
    // Whoever asks the same proxy as somebody else may have it inspected there.
    let inspected_at: HashSet<(Option<&Proxy>, &str)> =
        rows.iter().filter(|row| row.is_intercepted()).map(|row| (row.route.proxy(), row.host())).collect();
    let mut groups: BTreeMap<Gap<'_>, Vec<Row<'_>>> = BTreeMap::new();
    for route in by_route(&steady).into_values() {
        let inspected: Vec<Row<'_>> = route.iter().copied().filter(Row::is_intercepted).collect();
        let missing = hosts(&inspected);
        let left_alone: Vec<Row<'_>> =
            route.iter().copied().filter(|row| row.chain_is(&[Status::Ok, Status::Degraded])).collect();
        let mut excluded = hosts(&left_alone);
        if let Some(first) = inspected.first() {
            let proxy = first.proxy();
            excluded.retain(|host| !inspected_at.contains(&(first.route.proxy(), *host)));
            if !excluded.is_empty() {
                groups.entry(Gap { proxy, missing, excluded }).or_default().extend(inspected);
            }
        }
    }
    groups
        .into_iter()
        .map(|(Gap { proxy, missing, excluded }, rows)| Finding {
            code: PARTIAL.code.to_owned(),
            title: at(PARTIAL.title, proxy.as_deref()),
            owner: inspectors_owner(&rows),
            remedy: naming(
                &format!(
                    "keep what is left alone already ({}), and exclude exactly these host names from TLS inspection as \
                     well",
                    listed(&excluded)
                ),
                &missing,
            ),
            jobs: jobs(&rows),
        })
        .collect()
}

/// The proxies, and `None` for the direct route, behind which some host is inspected on one connection and left alone on
/// another.
fn flapping<'a>(rows: &[Row<'a>]) -> HashSet<Option<&'a Proxy>> {
    rows.iter().filter(|row| row.verdict.connections.differ()).map(|row| row.route.proxy()).collect()
}

/// One host, two answers: several devices share the work, and not all of them inspect the same. Every host behind them is
/// concerned, also one that no inspecting device was met for.
fn inspected_now_and_then(rows: &[Row<'_>]) -> Vec<Finding> {
    let mut places: BTreeMap<Option<String>, Vec<Row<'_>>> = BTreeMap::new();
    let flapping = flapping(rows);
    for row in rows.iter().copied().filter(|row| flapping.contains(&row.route.proxy())) {
        if row.chain_is(&[Status::Ok, Status::Degraded, Status::Intercepted]) {
            places.entry(row.proxy()).or_default().push(row);
        }
    }
    places
        .into_iter()
        .map(|(proxy, rows)| {
            let changing: Vec<Row<'_>> = rows.iter().copied().filter(|row| row.verdict.connections.differ()).collect();
            let intercepted: Vec<Row<'_>> = rows.iter().copied().filter(Row::is_intercepted).collect();
            Finding {
                code: Cause::Flaky.code(),
                title: at("TLS is inspected on some connections and not on others", proxy.as_deref()),
                owner: inspectors_owner(&intercepted),
                remedy: naming(
                    &format!(
                        "find the nodes that share the connections (balancer, cluster, several ways out): {}, so they are \
                         not set up alike, and no host counts as excluded before all of them leave it alone. Exclude on \
                         every one of them exactly these host names from TLS inspection",
                        said_of(&changing)
                    ),
                    &hosts(&rows),
                ),
                jobs: jobs(&rows),
            }
        })
        .collect()
}

/// More hosts than anybody needs to believe it.
const MOST_EXAMPLES: usize = 3;

/// `2 of 3 connections to a.example and 1 of 3 to b.example were inspected`.
fn said_of(changing: &[Row<'_>]) -> String {
    let mut examples = Vec::new();
    for host in hosts(changing).into_iter().take(MOST_EXAMPLES) {
        let mut sum = Connections::default();
        for row in changing.iter().filter(|row| row.host() == host) {
            sum.inspected += row.verdict.connections.inspected;
            sum.left_alone += row.verdict.connections.left_alone;
        }
        let connections = if examples.is_empty() { " connections" } else { "" };
        examples.push(format!("{} of {}{connections} to {host}", sum.inspected, sum.inspected + sum.left_alone));
    }
    let were = if examples.len() == 1 && examples[0].starts_with("1 of") { "was" } else { "were" };
    match examples.split_last() {
        Some((last, [])) => format!("{last} {were} inspected"),
        Some((last, others)) => format!("{} and {last} {were} inspected", others.join(", ")),
        None => String::new(),
    }
}

/// A key of its own for each host is what certification authorities ask for; devices that make certificates on the way
/// save that work.
fn shared_keys(rows: &[Row<'_>]) -> Vec<Finding> {
    keys_in_common(rows)
        .into_values()
        .filter_map(|shared| {
            let rows: Vec<Row<'_>> = rows.iter().copied().filter(|row| shared.contains(&row.verdict.job)).collect();
            let proxy = rows.first()?.proxy();
            Some(Finding {
                code: SAME_KEY.code.to_owned(),
                title: at(SAME_KEY.title, proxy.as_deref()),
                owner: inspectors_owner(&rows),
                remedy: naming(
                    "one device on the way speaks for all of them; exclude exactly these host names from its TLS \
                     inspection",
                    &hosts(&rows),
                ),
                jobs: jobs(&rows),
            })
        })
        .collect()
}

/// By route and key, the jobs whose leaf has a key that another, unrelated host shows as well. Genuine chains are left out:
/// whoever owns both hosts may give them one key. So are hosts that one of the certificates names together.
fn keys_in_common(rows: &[Row<'_>]) -> BTreeMap<(usize, [u8; 32]), BTreeSet<JobId>> {
    let mut by_key: BTreeMap<(usize, [u8; 32]), Vec<Row<'_>>> = BTreeMap::new();
    for row in rows {
        let Some(chain) = row.chain() else { continue };
        if matches!(chain.reached, Reached::Class(_) | Reached::Public) {
            continue;
        }
        if let Some(fields) = chain.certificates.first().and_then(|leaf| leaf.fields()) {
            by_key.entry((row.route_index, fields.spki_sha256)).or_default().push(*row);
        }
    }
    let mut shared: BTreeMap<(usize, [u8; 32]), BTreeSet<JobId>> = BTreeMap::new();
    for (key, holders) in by_key {
        let has_stranger = |row: &&Row<'_>| holders.iter().take(MOST_COMPARED).any(|other| are_unrelated(row, other));
        let strangers: BTreeSet<JobId> = holders.iter().filter(has_stranger).map(|row| row.verdict.job).collect();
        if !strangers.is_empty() {
            shared.insert(key, strangers);
        }
    }
    shared
}

fn are_unrelated(one: &Row<'_>, other: &Row<'_>) -> bool {
    let names_both = |chain: &Option<ChainVerdict>| {
        chain
            .as_ref()
            .and_then(|chain| chain.certificates.first())
            .is_some_and(|leaf| chain::is_for(leaf, one.host()) && chain::is_for(leaf, other.host()))
    };
    one.host() != other.host() && !names_both(&one.verdict.chain) && !names_both(&other.verdict.chain)
}

/// The same host, genuine on one route and re-signed on another: tells which of them to look at.
fn path_differences(rows: &[Row<'_>]) -> Vec<Finding> {
    let mut genuine: BTreeMap<&str, Row<'_>> = BTreeMap::new();
    // The direct route says most: no proxy has a hand in it.
    let says_most = |row: &Row<'_>| (row.route.proxy().is_some(), row.route_index);
    // A way on which some connections are inspected is no measure for another.
    let flapping = flapping(rows);
    for row in rows.iter().filter(|row| row.is_genuine() && !flapping.contains(&row.route.proxy())) {
        let best = genuine.entry(row.host()).or_insert(*row);
        if says_most(row) < says_most(best) {
            *best = *row;
        }
    }
    let mut groups: BTreeMap<(String, String), Vec<Row<'_>>> = BTreeMap::new();
    for row in rows.iter().filter(|row| row.is_intercepted()) {
        let Some(genuine) = genuine.get(row.host()) else { continue };
        let place = match row.proxy() {
            Some(proxy) if genuine.route.proxy() != row.route.proxy() => proxy,
            _ => row.place(),
        };
        groups.entry((place, genuine.place())).or_default().push(*row);
    }
    groups
        .into_iter()
        .map(|((inspected, genuine), rows)| Finding {
            code: PATH_DIFFERENCE.code.to_owned(),
            title: format!("TLS is inspected on {inspected}, and not on {genuine}"),
            owner: inspectors_owner(&rows),
            remedy: naming(
                &format!("exclude exactly these host names from TLS inspection on {inspected}"),
                &hosts(&rows),
            ),
            jobs: jobs(&rows),
        })
        .collect()
}

/// One proxy, one endpoint, two accounts, two answers.
fn identity_differences(rows: &[Row<'_>]) -> Vec<Finding> {
    let sides = [
        (
            MACHINE_DENIED,
            Identity::User,
            Identity::Device,
            "allow the machine accounts (the group Domain Computers) what the users are allowed",
        ),
        (USER_DENIED, Identity::Device, Identity::User, "allow the users' group what the machine accounts are allowed"),
    ];
    let welcomed: BTreeSet<(Option<Identity>, Option<String>, &str)> = rows
        .iter()
        .filter(|row| is_let_through(row.verdict))
        .map(|row| (row.route.identity(), row.proxy(), row.endpoint.name.as_str()))
        .collect();
    let mut findings = Vec::new();
    for (comparison, welcome, refused, remedy) in sides {
        let mut proxies: BTreeMap<String, Vec<Row<'_>>> = BTreeMap::new();
        for row in rows.iter().filter(|row| row.route.identity() == Some(refused) && is_account_refused(row.verdict)) {
            let Some(proxy) = row.proxy() else { continue };
            let gets_through =
                |identity| welcomed.contains(&(Some(identity), Some(proxy.clone()), row.endpoint.name.as_str()));
            // Refused with one scheme and welcome with another: the account is not what is wrong.
            if gets_through(welcome) && !gets_through(refused) {
                proxies.entry(proxy).or_default().push(*row);
            }
        }
        findings.extend(proxies.into_iter().map(|(proxy, rows)| Finding {
            code: comparison.code.to_owned(),
            title: at(comparison.title, Some(&proxy)),
            owner: comparison.owner,
            // A 407 does not say whether the account is unknown or not allowed.
            remedy: if rows.iter().any(|row| row.verdict.cause == Cause::PauthRejected) {
                format!(
                    "make sure first that the proxy knows the account and takes its password or ticket; then {remedy}"
                )
            } else {
                remedy.to_owned()
            },
            jobs: jobs(&rows),
        }));
    }
    findings
}

/// Refused for who it is, not for how it asked.
fn is_account_refused(verdict: &Verdict) -> bool {
    matches!(verdict.cause, Cause::PauthRejected | Cause::PauthDeniedAfterAuth)
}

fn is_let_through(verdict: &Verdict) -> bool {
    verdict.stage > Stage::Proxy && matches!(verdict.status, Status::Ok | Status::Degraded | Status::Intercepted)
}

/// This network's name server denies a name behind which the genuine host answers a proxy.
fn denied_locally(rows: &[Row<'_>]) -> Vec<Finding> {
    let answering: BTreeSet<&str> =
        rows.iter().filter(|row| row.route.proxy().is_some() && row.is_genuine()).map(Row::host).collect();
    let denied: Vec<Row<'_>> = rows
        .iter()
        .copied()
        .filter(|row| is_denied_here(row) && (answering.contains(row.host()) || is_known_elsewhere(row)))
        .collect();
    if denied.is_empty() {
        return Vec::new();
    }
    let by_a_proxy = denied.iter().any(|row| answering.contains(row.host()));
    let proof =
        if by_a_proxy { "through a proxy the genuine hosts answer" } else { "another one leads to the genuine hosts" };
    vec![Finding {
        code: NXDOMAIN_LOCAL.code.to_owned(),
        title: format!("{}: {proof}", NXDOMAIN_LOCAL.title),
        owner: NXDOMAIN_LOCAL.owner,
        remedy: naming(
            "where machines shall go out directly, remove exactly these names from DNS blocklists and local zones; where \
             only the proxy shall be used, leave the direct route out with --no-direct",
            &hosts(&denied),
        ),
        jobs: jobs(&denied),
    }]
}

fn is_denied_here(row: &Row<'_>) -> bool {
    *row.route == PlannedRoute::Direct && row.verdict.cause == Cause::DnsNxdomain
}

/// Whether another name server leads to the genuine service.
fn is_known_elsewhere(row: &Row<'_>) -> bool {
    row.verdict.name_elsewhere == NameElsewhere::Genuine
}

/// A service that was switched off, and nothing on any route says otherwise.
fn gone_everywhere(rows: &[Row<'_>]) -> Vec<Finding> {
    let known: BTreeSet<&str> = rows.iter().filter(|row| shows_an_address(row)).map(Row::host).collect();
    let gone: Vec<Row<'_>> = rows
        .iter()
        .copied()
        .filter(|row| {
            // Where nothing gets out no name server says anything of these names.
            !row.verdict.is_in_doubt
                && is_denied_here(row)
                && !known.contains(row.host())
                && row.verdict.name_elsewhere < NameElsewhere::Resolved
        })
        .collect();
    let (gone, unknown): (Vec<Row<'_>>, Vec<Row<'_>>) =
        gone.into_iter().partition(|row| row.endpoint.lifecycle == Lifecycle::Retired);
    let unknown: Vec<Row<'_>> =
        unknown.into_iter().filter(|row| row.verdict.name_elsewhere == NameElsewhere::Denied).collect();
    let mut findings = Vec::new();
    if !unknown.is_empty() {
        findings.push(Finding {
            code: NXDOMAIN_EVERYWHERE.code.to_owned(),
            title: NXDOMAIN_EVERYWHERE.title.to_owned(),
            owner: NXDOMAIN_EVERYWHERE.owner,
            remedy: naming(
                "nothing here denies these names alone; ask whoever runs the service whether it still exists",
                &hosts(&unknown),
            ),
            jobs: jobs(&unknown),
        });
    }
    if gone.is_empty() {
        return findings;
    }
    findings.push(Finding {
        code: NXDOMAIN_EVERYWHERE.code.to_owned(),
        title: "The service is retired, and no route knows its name any more".to_owned(),
        owner: Owner::Nobody,
        remedy: "nothing to change in the network: the service does not exist any more".to_owned(),
        jobs: jobs(&gone),
    });
    findings
}

/// Whether somebody on this route had an address for the endpoint's name.
fn shows_an_address(row: &Row<'_>) -> bool {
    let verdict = row.verdict;
    match row.route {
        PlannedRoute::Direct => verdict.stage > Stage::Dns,
        PlannedRoute::Proxy { .. } => {
            verdict.stage > Stage::Proxy
                || matches!(
                    verdict.cause,
                    Cause::ProxyUpstreamRefused
                        | Cause::ProxyUpstreamTimeout
                        | Cause::ProxyUpstreamUnreachable
                        | Cause::ProxyUpstreamTls
                        | Cause::Proxy200ThenClose
                        | Cause::Proxy200ThenRst
                        | Cause::Proxy200WithBody
                )
        }
    }
}

/// Two answers to one question: one of them is not the name server's.
fn injected_answers(rows: &[Row<'_>], observations: &[&Observation]) -> Vec<Finding> {
    let mut servers: BTreeMap<SocketAddr, BTreeSet<JobId>> = BTreeMap::new();
    for observation in observations {
        let answers = observation.dns().map(|seen| seen.answers.as_slice()).unwrap_or_default();
        for (position, answer) in answers.iter().enumerate() {
            if answers[..position].iter().any(|earlier| contradict(earlier, answer)) {
                servers.entry(answer.server).or_default().insert(observation.job());
            }
        }
    }
    servers
        .into_iter()
        .filter_map(|(server, affected)| {
            let rows: Vec<Row<'_>> = rows.iter().copied().filter(|row| affected.contains(&row.verdict.job)).collect();
            (!rows.is_empty()).then(|| Finding {
                code: INJECTED.code.to_owned(),
                title: format!("{} to the name server {server}", INJECTED.title),
                owner: INJECTED.owner,
                remedy:
                    "find the device between this machine and the name server that answers in its place, and let it \
                         leave these names alone"
                        .to_owned(),
                jobs: jobs(&rows),
            })
        })
        .collect()
}

/// A proxy that asks for a name on one of its two ways: tunnels, and plain http in absolute form.
fn asked_by_method(rows: &[Row<'_>]) -> Vec<Finding> {
    let is_asked = |row: &&Row<'_>| row.verdict.cause == Cause::PauthRequired;
    let is_let_in = |row: &&Row<'_>| row.verdict.stage > Stage::Proxy;
    let mut findings = Vec::new();
    for route in by_route(rows).into_values() {
        let speaks_http =
            route.iter().all(|row| row.route.proxy().is_some_and(|proxy| proxy.scheme != ProxyScheme::Socks5));
        let (tunnels, plain): (Vec<Row<'_>>, Vec<Row<'_>>) = route.iter().partition(|row| row.endpoint.is_tls());
        if !speaks_http || tunnels.is_empty() || plain.is_empty() {
            continue;
        }
        let (comparison, asked, remedy) = if tunnels.iter().all(|row| is_asked(&row))
            && plain.iter().all(|row| is_let_in(&row))
        {
            (
                CONNECT_ONLY,
                tunnels,
                "extend the rule that lets plain http through to the method CONNECT, for exactly these host names",
            )
        } else if plain.iter().all(|row| is_asked(&row)) && tunnels.iter().all(|row| is_let_in(&row)) {
            (GET_ONLY, plain, "extend the rule that lets tunnels through to plain http, for exactly these host names")
        } else {
            continue;
        };
        findings.push(Finding {
            code: comparison.code.to_owned(),
            title: at(comparison.title, asked.first().and_then(Row::proxy).as_deref()),
            owner: comparison.owner,
            remedy: naming(remedy, &hosts(&asked)),
            jobs: jobs(&asked),
        });
    }
    findings
}

fn contradict(one: &ServerAnswer, other: &ServerAnswer) -> bool {
    let said = |answer: &ServerAnswer| -> Option<(u16, BTreeSet<IpAddr>, Vec<String>)> {
        Some((answer.rcode?, answer.addresses.iter().copied().collect(), answer.cnames.clone()))
    };
    let is_one_question = one.server == other.server && one.question == other.question;
    is_one_question && said(one).is_some_and(|first| said(other).is_some_and(|second| first != second))
}

#[cfg(test)]
mod tests;
