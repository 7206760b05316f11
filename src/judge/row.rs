//! One job's observations to one verdict: which fault, in which stage, means what.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use super::chain::{ChainJudge, ChainQuestion, ChainVerdict, Proof};
use super::directions::is_out_of_reach;
use super::filters::Sign;
use super::opinion::{Opinion, unrecognised};
use super::{
    Cause, Connections, Grounds, StageTimes, Status, Verdict, answer, chain, evidence, filters, forwarding, kind,
    refusal, refused, remark, ticket, wording,
};
use crate::catalogue::Endpoint;
use crate::observation::{
    DnsEvidence, Fault, Leg, NameSource, Observation, ServerAnswer, Stage, TcpAttempt, TcpEvidence, TcpOutcome, Token,
    TunnelEvidence,
};
use crate::plan::{Job, PlannedRoute, Proxy, ProxyScheme};

/// The verdict on a job with its one or two attempts.
pub(super) fn judge_job(grounds: &Grounds<'_>, chains: &ChainJudge, job: &Job, attempts: &[&Observation]) -> Verdict {
    let Some(last) = attempts.last() else {
        return untested(grounds, job);
    };
    let mut lines = Vec::new();
    let mut connections = Connections::default();
    let (seen, opinion) = if let [first, again, ..] = attempts {
        let one = judge_attempt(grounds, chains, job, first);
        let two = judge_attempt(grounds, chains, job, again);
        connections.count(one.chain_on_the_way());
        connections.count(two.chain_on_the_way());
        lines.push(format!("first try: {}", one.summary()));
        settle((*first, one), (*again, two))
    } else {
        let opinion = judge_attempt(grounds, chains, job, last);
        connections.count(opinion.chain_on_the_way());
        (*last, opinion)
    };
    let mut opinion = stopped_behind(opinion, attempts);
    lines.extend(evidence::lines(seen, grounds.at));
    if let Some(chain) = &mut opinion.chain {
        // From here on the row has them.
        lines.append(&mut chain.evidence);
    }
    lines.shrink_to_fit();
    let is_confirmed = is_confirmed(opinion.chain.as_ref());
    let remarks = [
        remark::remarks(seen),
        remark::of_chain(opinion.chain.as_ref()),
        remark::of_names(grounds.plan.route(job), seen, &opinion.cause, is_confirmed),
        remark::of_pace(seen),
    ];
    Verdict {
        status: opinion.status,
        summary: opinion.summary(),
        evidence: lines,
        product: opinion.product,
        page: evidence::page(seen),
        scheme: seen.tunnel().and_then(|tunnel| tunnel.scheme),
        mechanism: seen.tunnel().and_then(remark::mechanism),
        remarks: remarks.concat(),
        connections,
        addresses: named(seen),
        timings: timings(seen),
        chain: opinion.chain,
        ..Verdict::new(job.id, opinion.cause, opinion.stage)
    }
}

/// A connection that was stopped before its handshake, although another profile's had just gone the same way: that is no matter
/// of the handshake, and the handshake was not seen.
fn stopped_behind(opinion: Opinion, attempts: &[&Observation]) -> Opinion {
    let is_stopped = |seen: &&Observation| matches!(seen.fault(), Some((stage, fault)) if stage < Stage::Tls && !fault.is_end_of_run());
    if !attempts.iter().any(|seen| seen.is_behind()) || !attempts.iter().all(is_stopped) {
        return opinion;
    }
    let detail =
        format!("one connection for this host was let through, and a second one was not: {}", opinion.summary());
    Opinion::new(Cause::Flaky, opinion.stage).with(detail).with_status(Status::Inconclusive)
}

/// What the name was given.
fn named(seen: &Observation) -> Vec<IpAddr> {
    seen.dns().map(|dns| dns.addresses.clone()).unwrap_or_default()
}

fn untested(grounds: &Grounds<'_>, job: &Job) -> Verdict {
    Verdict::new(job.id, grounds.missing.clone(), Stage::Dns)
}

/// Two attempts, one verdict: the same answer twice stands; somebody else in the service's place, seen once, is never
/// softened; two different answers are a finding of their own.
fn settle<'a>(first: (&'a Observation, Opinion), again: (&'a Observation, Opinion)) -> (&'a Observation, Opinion) {
    // A certificate without its key proves somebody in the way as surely as a foreign one does.
    let by_somebody_else =
        |opinion: &Opinion| opinion.status == Status::Intercepted || opinion.cause == Cause::TlsBadSignature;
    if first.1.cause == again.1.cause || are_one_ending(&first.1.cause, &again.1.cause) || by_somebody_else(&again.1) {
        return again;
    }
    if by_somebody_else(&first.1) {
        return first;
    }
    let gets_through = |opinion: &Opinion| matches!(opinion.status, Status::Ok | Status::Degraded);
    let undecided = |opinion: &Opinion| opinion.status == Status::Inconclusive;
    let status = if gets_through(&first.1) || gets_through(&again.1) {
        Status::Degraded
    } else if undecided(&first.1) || undecided(&again.1) {
        Status::Inconclusive
    } else {
        Status::Blocked
    };
    let detail = format!("first {}, then {}", first.1.cause.code(), again.1.cause.code());
    let no_longer_taken =
        |seen: &Observation| matches!(seen.fault(), Some((_, Fault::CredentialsNoLongerTaken { .. })));
    let cause =
        if no_longer_taken(first.0) && gets_through(&again.1) { Cause::PauthIntermittent } else { Cause::Flaky };
    let flaky = Opinion::new(cause, first.1.stage).with(detail).with_status(status);
    (again.0, Opinion { chain: again.1.chain, ..flaky })
}

/// A reset and a close at the same place have one cause: which of them a client sees is often a matter of timing.
fn are_one_ending(one: &Cause, other: &Cause) -> bool {
    let place = |cause: &Cause| match cause {
        Cause::TlsRstAfterHello | Cause::TlsFinAfterHello | Cause::TcpResetAfterConnect => Some(Stage::Tls),
        Cause::Proxy200ThenRst | Cause::Proxy200ThenClose => Some(Stage::Http),
        Cause::ProxyRst | Cause::ProxyEmpty => Some(Stage::Proxy),
        _ => None,
    };
    place(one).is_some() && place(one) == place(other)
}

fn timings(seen: &Observation) -> StageTimes {
    let took = |stage| seen.step(stage).map(|step| step.took);
    StageTimes {
        dns: took(Stage::Dns),
        tcp: took(Stage::Tcp),
        proxy: took(Stage::Proxy),
        tls: took(Stage::Tls),
        http: took(Stage::Http),
        total: Some(seen.total()),
    }
}

pub(super) fn judge_attempt(grounds: &Grounds<'_>, chains: &ChainJudge, job: &Job, seen: &Observation) -> Opinion {
    let endpoint = &grounds.catalogue.endpoints[job.endpoint];
    let route = grounds.plan.route(job);
    let mut chain = chain_verdict(grounds, chains, endpoint, seen);
    let opinion = judge_stages(endpoint, route, seen, chain.as_ref());
    let opinion = ticket::explained_by_clock(opinion, seen, grounds.at);
    let opinion = ticket::explained_by_size(opinion, seen);
    let opinion = retired(endpoint, seen, opinion);
    let product = product(&opinion, chain.as_ref(), seen);
    if let Some(chain) = chain.as_mut().filter(|chain| chain.status == Status::Intercepted) {
        chain.product.clone_from(&product);
    }
    Opinion { chain, product, ..opinion }
}

/// Who stands in the way: whoever signs, or whoever wrote or passed on the answer that was looked at last. A product that is
/// merely there and lets the row through is nobody's business.
fn product(opinion: &Opinion, chain: Option<&ChainVerdict>, seen: &Observation) -> Option<String> {
    if !matches!(opinion.status, Status::Blocked | Status::Intercepted) {
        return None;
    }
    let by_answer = || seen.http().and_then(|http| chain::product_by_answer(&http.headers, &http.body_start));
    if opinion.status == Status::Intercepted {
        // Whoever inspects is between here and the service, and so is whoever signs an answer inside the connection.
        return chain.and_then(|chain| chain.product.clone()).or_else(by_answer);
    }
    match opinion.stage {
        Stage::Proxy if seen.http().is_none() => {
            let leg = seen.tunnel()?.legs.last()?;
            chain::product_by_answer(&leg.headers, &leg.body_start)
        }
        Stage::Proxy | Stage::Http => by_answer(),
        Stage::Dns | Stage::Tcp | Stage::Tls | Stage::Chain => opinion.product.clone(),
    }
}

/// The same for a chain that was read from a hello which nobody meant to finish: the peer was not asked for a proof.
pub(super) fn unproved_chain_verdict(
    grounds: &Grounds<'_>,
    chains: &ChainJudge,
    endpoint: &Endpoint,
    seen: &Observation,
) -> Option<ChainVerdict> {
    let tls = seen.tls().filter(|tls| !tls.chain.is_empty())?;
    Some(chains.judge(&ChainQuestion {
        chain: &tls.chain,
        host: &endpoint.host,
        expected: &endpoint.trust,
        proof: Proof::NeverAsked,
        at: grounds.at,
        peer_date: None,
    }))
}

/// What such a chain says by itself.
pub(super) fn of_unproved_chain(chain: &ChainVerdict) -> Opinion {
    let product = chain.product.clone().filter(|_| chain.status == Status::Intercepted);
    Opinion { product, chain: Some(chain.clone()), ..of_chain(chain) }
}

/// The verdict on the chain that this observation recorded; `None` without one.
pub(super) fn chain_verdict(
    grounds: &Grounds<'_>,
    chains: &ChainJudge,
    endpoint: &Endpoint,
    seen: &Observation,
) -> Option<ChainVerdict> {
    let tls = seen.tls()?;
    if tls.chain.is_empty() {
        return None;
    }
    let peer_date = seen.http().and_then(|answer| answer::date(answer.header("date")?));
    Some(chains.judge(&ChainQuestion {
        chain: &tls.chain,
        host: &endpoint.host,
        expected: &endpoint.trust,
        proof: Proof::Handshake(&tls.signature),
        at: grounds.at,
        peer_date,
    }))
}

/// The first stage that says something wins; a chain that was seen is never hidden by what came after it.
pub(super) fn judge_stages(
    endpoint: &Endpoint,
    route: &PlannedRoute,
    seen: &Observation,
    chain: Option<&ChainVerdict>,
) -> Opinion {
    let confirmed = is_confirmed(chain);
    let is_cut_off = seen.fault().is_some_and(|(_, fault)| fault.is_end_of_run());
    // Without TLS the answer itself has a say: see `sinkhole::unmask`.
    let is_decided_by_names = endpoint.is_tls() || seen.fault().is_some();
    if !confirmed
        && !is_cut_off
        && is_decided_by_names
        && let Some(filter) = named_filter(route, seen)
    {
        return filter;
    }
    if let Some(chain) = chain
        && chain.status == Status::Intercepted
    {
        return of_chain(chain);
    }
    // A certificate shown without its key is not hidden by how the connection ended then.
    if let Some(chain) = chain
        && chain.cause == Cause::TlsBadSignature
    {
        return of_chain(chain);
    }
    if let Some((stage, fault)) = seen.fault()
        && fault.is_end_of_run()
        && (confirmed || chain.is_none())
    {
        return unrecognised(stage, fault);
    }
    if let Some((stage, fault)) = seen.fault()
        && stage != Stage::Http
    {
        let opinion = match stage {
            Stage::Dns => of_dns(route, seen, fault),
            Stage::Tcp => of_tcp(route, seen.tcp(), fault),
            Stage::Proxy => kind::told(of_proxy(route, seen.tunnel(), fault), route, seen.tunnel(), fault),
            Stage::Tls | Stage::Chain | Stage::Http => match seen.tls() {
                // Before TLS 1.3 the server says within the handshake that it misses one.
                Some(tls) if confirmed && answer::misses_client_certificate(tls, fault) => {
                    Opinion::new(Cause::TlsClientCertWanted, Stage::Tls)
                }
                _ => of_tls(route, fault),
            },
        };
        return sinkhole(route, seen).filter(|_| !confirmed && stage > Stage::Dns).unwrap_or(opinion);
    }
    match chain {
        Some(chain) if chain.status != Status::Ok && chain.status != Status::Degraded => {
            return sinkhole(route, seen)
                .filter(|_| {
                    matches!(chain.cause, Cause::ChainIncomplete | Cause::ChainUnchecked | Cause::ChainUnparsable)
                })
                .unwrap_or_else(|| of_chain(chain));
        }
        None if endpoint.is_tls() && seen.tls().is_some() => {
            return Opinion::new(Cause::ChainUnparsable, Stage::Chain).with("the peer sent no certificate");
        }
        // What was probed in clear and is judged as TLS proves nothing.
        None if endpoint.is_tls() => {
            return Opinion::new(Cause::Inconclusive, Stage::Tls).with("no TLS was spoken");
        }
        Some(_) | None => {}
    }
    let answered = match (seen.http(), seen.fault()) {
        (Some(http), fault) => {
            let answered = answer::opinion((endpoint, route), http, fault.map(|(_, fault)| fault), seen.tls());
            if endpoint.is_tls() { answered } else { forwarding::denied_to_login(answered, seen) }
        }
        (None, _) => Opinion::new(Cause::Inconclusive, Stage::Http).with("the run of stages ended without an answer"),
    };
    let answered = if answered.status == Status::Blocked
        && !endpoint.is_tls()
        && seen.http().is_some_and(|http| http.status.is_none())
    {
        sinkhole(route, seen).unwrap_or(answered)
    } else {
        answered
    };
    match chain {
        // A remark on the chain outranks a remark on the answer; only a block outranks both.
        Some(chain) if chain.status == Status::Degraded && answered.status != Status::Blocked => of_chain(chain),
        _ if answered.status == Status::Ok => addresses(route, seen.tcp()).unwrap_or(answered),
        _ => answered,
    }
}

/// TLS itself says that this is the service, whatever led there.
fn is_confirmed(chain: Option<&ChainVerdict>) -> bool {
    chain.is_some_and(|chain| matches!(chain.status, Status::Ok | Status::Degraded))
}

fn of_chain(chain: &ChainVerdict) -> Opinion {
    let stage = if chain.cause == Cause::TlsBadSignature { Stage::Tls } else { Stage::Chain };
    let opinion = Opinion::new(chain.cause.clone(), stage).with_status(chain.status);
    let detail = match (&chain.cause, &chain.product) {
        (Cause::InterceptedTrusted | Cause::InterceptedUntrusted, product) => {
            let issuer = chain.certificates.first().and_then(|leaf| leaf.fields()).map(|leaf| leaf.issuer.clone());
            match (product, issuer) {
                (Some(product), Some(issuer)) => Some(format!("{product} signs as \"{issuer}\"")),
                (None, Some(issuer)) => Some(format!("signed by \"{issuer}\"")),
                (_, None) => None,
            }
        }
        (
            Cause::ChainIncomplete
            | Cause::ChainUnchecked
            | Cause::ChainUnparsable
            | Cause::ChainExpired
            | Cause::ChainNotYetValid
            | Cause::ChainClockSkew
            | Cause::ChainNameMismatch
            | Cause::ChainWeak
            | Cause::ChainEku
            | Cause::ChainConstraints,
            _,
        ) => Some(chain.summary.clone()),
        (Cause::ChainWrongClass, _) => chain
            .anchor
            .as_ref()
            .and_then(|anchor| anchor.fields())
            .map(|anchor| format!("it leads to \"{}\"", anchor.subject)),
        _ => None,
    };
    Opinion { detail, ..opinion }
}

fn of_dns(route: &PlannedRoute, seen: &Observation, fault: &Fault) -> Opinion {
    let name = seen.dns().map_or("", |dns| dns.name.as_str());
    // Whatever name it is: this computer asked nobody.
    if let Some(configuration) = seen.dns().and_then(|dns| dns.system.as_ref()?.configuration.as_ref()) {
        return Opinion::new(Cause::DnsResolvConf, Stage::Dns).with(configuration.as_str());
    }
    if let Some(proxy) = route.proxy() {
        if let Some(why) = proxy.black_hole() {
            return Opinion::new(Cause::ProxyBlackHole, Stage::Dns).with(format!("{} is {why}", proxy.authority()));
        }
        return Opinion::new(Cause::DnsProxyName, Stage::Dns).with(format!("{name} ({})", wording::fault(fault)));
    }
    if let Some(filter) = named_filter(route, seen) {
        return filter;
    }
    if matches!(fault, Fault::NameNotFound | Fault::NoAddresses)
        && let Some(shadow) = seen.dns().and_then(privatelink)
    {
        return shadow;
    }
    let cause = match fault {
        Fault::NameNotFound => Cause::DnsNxdomain,
        Fault::NoAddresses => Cause::DnsNodata,
        Fault::ServerFailure => Cause::DnsServfail,
        Fault::ServerRefused => Cause::DnsRefused,
        Fault::ResolverSilent | Fault::TimedOut { .. } => Cause::DnsTimeout,
        Fault::ResolverPortClosed | Fault::ResolverUnreachable | Fault::NoResolver => Cause::DnsNoResolver,
        Fault::LocallyDenied => {
            let detail = "this machine's own firewall refuses to send the question: let this program ask port 53";
            return Opinion::new(Cause::DnsNoResolver, Stage::Dns).with(detail);
        }
        Fault::MalformedAnswer => Cause::DnsMalformed,
        Fault::TruncatedAndTcpFailed => Cause::DnsTcp53Blocked,
        Fault::OnlyUnusableIpv6 => Cause::DnsV6Only,
        other => return unrecognised(Stage::Dns, other),
    };
    Opinion::new(cause, Stage::Dns)
}

/// Codes 15 to 18 of the extended DNS errors: blocked, censored, filtered, prohibited (RFC 8914).
fn filtered(dns: &DnsEvidence, counts: impl Fn(&ServerAnswer) -> bool) -> Option<Opinion> {
    let answers = dns.answers.iter().filter(|answer| counts(answer));
    let (code, text) = answers.flat_map(|answer| &answer.extended_errors).find(|(code, _)| (15..=18).contains(code))?;
    let detail = if text.is_empty() {
        format!("{} (extended error {code})", dns.name)
    } else {
        format!("{} (extended error {code}: \"{text}\")", dns.name)
    };
    Some(Opinion::new(Cause::DnsEdeFiltered, Stage::Dns).with(detail))
}

/// An answer whose alias or address names a filter.
fn signed_by_filter(dns: &DnsEvidence) -> Option<Opinion> {
    let name = &dns.name;
    let of_vendor = |detail: String, filter: &str| {
        Opinion::new(Cause::DnsFilterVendorIp, Stage::Dns).with(detail).by(Some(filter.to_owned()))
    };
    Some(match filters::sign(dns)? {
        Sign::Address { address, filter } => {
            of_vendor(format!("{name} resolves to {address}, which belongs to {filter}"), filter)
        }
        Sign::Alias { alias, filter } => {
            of_vendor(format!("{name} is an alias of {alias}, which belongs to {filter}"), filter)
        }
        Sign::Label { alias } => {
            Opinion::new(Cause::DnsSinkhole, Stage::Dns).with(format!("{name} is an alias of {alias}"))
        }
    })
}

/// What the name server itself says of a filter: by an extended error, an alias or an address. Whatever happens at the address
/// then is the filter's doing. Asked only where TLS did not confirm the service there.
pub(super) fn named_filter(route: &PlannedRoute, seen: &Observation) -> Option<Opinion> {
    let dns = seen.dns().filter(|_| route.proxy().is_none())?;
    if !matches!(dns.source, NameSource::System | NameSource::Server(_)) {
        return None;
    }
    // Another server's extended error says nothing about an address that the row got elsewhere.
    let gave_none_or_these = |answer: &ServerAnswer| {
        dns.addresses.is_empty() || answer.addresses.iter().any(|address| dns.addresses.contains(address))
    };
    filtered(dns, gave_none_or_these).or_else(|| signed_by_filter(dns))
}

fn privatelink(dns: &DnsEvidence) -> Option<Opinion> {
    let alias = dns
        .answers
        .iter()
        .flat_map(|answer| &answer.cnames)
        .find(|alias| alias.to_ascii_lowercase().split('.').any(|label| label == "privatelink"))?;
    Some(Opinion::new(Cause::DnsPrivatelinkShadow, Stage::Dns).with(format!("{} is an alias of {alias}", dns.name)))
}

/// A public name that resolved to an address no public service has. Asked only where TLS did not confirm the peer.
pub(super) fn sinkhole(route: &PlannedRoute, seen: &Observation) -> Option<Opinion> {
    let dns = seen.dns().filter(|_| route.proxy().is_none())?;
    if !matches!(dns.source, NameSource::System | NameSource::Server(_)) || dns.addresses.is_empty() {
        return None;
    }
    if let Some(filtered) = filtered(dns, |_| true) {
        return Some(filtered);
    }
    if let Some(signed) = signed_by_filter(dns) {
        return Some(signed);
    }
    let address = dns.addresses.iter().find(|address| is_no_public_address(address))?;
    if let Some(line) = dns.system.as_ref().and_then(|system| system.hosts_line.as_ref()) {
        return Some(Opinion::new(Cause::DnsHostsOverride, Stage::Dns).with(format!("\"{line}\"")));
    }
    if let Some(shadow) = privatelink(dns) {
        return Some(shadow);
    }
    Some(Opinion::new(Cause::DnsSinkhole, Stage::Dns).with(format!("{} resolves to {address}", dns.name)))
}

fn is_no_public_address(address: &IpAddr) -> bool {
    let is_inside = |address| is_no_public_address(&IpAddr::V4(address));
    match address {
        IpAddr::V4(address) => {
            // Multicast and what lies above it.
            let is_reserved = address.octets()[0] == 0 || address.octets()[0] >= 224;
            is_reserved || address.is_loopback() || address.is_private() || address.is_link_local()
        }
        IpAddr::V6(address) => {
            address.is_unspecified()
                || address.is_loopback()
                || address.is_unique_local()
                || address.is_unicast_link_local()
                || address.is_multicast()
                || address.to_ipv4_mapped().or_else(|| behind_nat64(address)).is_some_and(is_inside)
        }
    }
}

/// The IPv4 address that a translator reaches behind this one (RFC 6052, the well-known prefix).
fn behind_nat64(address: &Ipv6Addr) -> Option<Ipv4Addr> {
    match address.segments() {
        [0x64, 0xff9b, 0, 0, 0, 0, high, low] => Some(Ipv4Addr::from((u32::from(high) << 16) | u32::from(low))),
        _ => None,
    }
}

fn of_tcp(route: &PlannedRoute, tcp: Option<&TcpEvidence>, fault: &Fault) -> Opinion {
    let proxied = route.proxy().is_some();
    let pick = |direct, proxy| if proxied { proxy } else { direct };
    let cause = match fault {
        Fault::ConnectionRefused => pick(Cause::TcpRefused, Cause::ProxyTcpRefused),
        Fault::ConnectTimeout => pick(Cause::TcpTimeout, Cause::ProxyTcpTimeout),
        Fault::HostUnreachable => pick(Cause::TcpHostUnreachable, Cause::ProxyTcpHostUnreachable),
        Fault::Prohibited => pick(Cause::TcpAdminProhibited, Cause::ProxyTcpAdminProhibited),
        Fault::LocallyDenied => pick(Cause::TcpLocalDenied, Cause::ProxyTcpLocalDenied),
        Fault::RefusedByRoute => {
            let cause = pick(Cause::TcpLocalDenied, Cause::ProxyTcpLocalDenied);
            return Opinion::new(cause, Stage::Tcp).with(wording::fault(fault));
        }
        // A router says so; without its word it is this machine that has no route.
        Fault::NetworkUnreachable if tcp.and_then(|tcp| said_by(tcp, fault)).is_some() => {
            pick(Cause::TcpHostUnreachable, Cause::ProxyTcpHostUnreachable)
        }
        Fault::NetworkUnreachable => pick(Cause::TcpNetUnreachable, Cause::ProxyTcpNetUnreachable),
        Fault::LocallyExhausted => pick(Cause::TcpLocalExhausted, Cause::ProxyTcpLocalExhausted),
        Fault::ResetByPeer { .. } => pick(Cause::TcpResetAfterConnect, Cause::ProxyRst),
        Fault::OnlyUnusableIpv6 if !proxied => return Opinion::new(Cause::DnsV6Only, Stage::Tcp),
        Fault::OnlyUnusableIpv6 => Cause::ProxyTcpNetUnreachable,
        other => return unrecognised(Stage::Tcp, other),
    };
    // What is sent nowhere on purpose is no proxy that is down.
    let black_hole = route.proxy().and_then(Proxy::black_hole).filter(|_| is_out_of_reach(&cause));
    let cause = if black_hole.is_some() { Cause::ProxyBlackHole } else { cause };
    let opinion = Opinion::new(cause, Stage::Tcp);
    if let (Some(proxy), Some(why)) = (route.proxy(), black_hole) {
        return opinion.with(format!("{} is {why}", proxy.authority()));
    }
    match (route.proxy(), tcp.and_then(|tcp| said_by(tcp, fault))) {
        (Some(proxy), Some(who)) => opinion.with(format!("{}; {who} said so by ICMP", proxy.authority())),
        (Some(proxy), None) => opinion.with(proxy.authority()),
        (None, Some(who)) => opinion.with(format!("{who} said so by ICMP")),
        (None, None) => opinion,
    }
}

/// What an ICMP message about the row's address means, although it came to another row.
pub(super) fn of_message(route: &PlannedRoute, fault: &Fault, from: IpAddr) -> Opinion {
    let address = SocketAddr::new(from, 0);
    let outcome = TcpOutcome::Failed { fault: fault.clone(), detail: String::new(), said_by: Some(from) };
    let attempts = vec![TcpAttempt { address, outcome, took: Duration::ZERO }];
    of_tcp(route, Some(&TcpEvidence { attempts, carried: None }), fault)
}

/// Whose ICMP message ended the attempts, where there was one: who looks for the rule then knows on which device.
fn said_by(tcp: &TcpEvidence, ended_with: &Fault) -> Option<IpAddr> {
    tcp.attempts.iter().find_map(|attempt| match &attempt.outcome {
        TcpOutcome::Failed { fault, said_by, .. } if fault == ended_with => *said_by,
        _ => None,
    })
}

/// Addresses of the endpoint that fail while another carried the row: data gets out, with a remark.
fn addresses(route: &PlannedRoute, tcp: Option<&TcpEvidence>) -> Option<Opinion> {
    let tcp = tcp.filter(|_| route.proxy().is_none())?;
    // A machine without any IPv6 route says so at once for every such address; that is no fault of the path.
    let tried: Vec<_> = tcp.attempts.iter().filter(|attempt| !is_no_route_for_v6(attempt)).collect();
    let failed: Vec<_> = tried.iter().filter(|attempt| matches!(attempt.outcome, TcpOutcome::Failed { .. })).collect();
    if failed.is_empty() {
        return None;
    }
    let listed = failed.iter().map(|attempt| attempt.address.ip().to_string()).collect::<Vec<_>>().join(", ");
    let v6 = tried.iter().filter(|attempt| attempt.address.is_ipv6()).count();
    let v4_connects = tried.iter().any(|attempt| attempt.address.is_ipv4() && attempt.outcome == TcpOutcome::Connected);
    if v4_connects && failed.len() == v6 && failed.iter().all(|attempt| attempt.address.is_ipv6()) {
        return Some(Opinion::new(Cause::TcpV6Broken, Stage::Tcp).with(listed));
    }
    let detail = format!("{} of {} fail ({listed})", failed.len(), tried.len());
    Some(Opinion::new(Cause::TcpPartialIps, Stage::Tcp).with(detail))
}

fn is_no_route_for_v6(attempt: &TcpAttempt) -> bool {
    let is_local = matches!(
        attempt.outcome,
        TcpOutcome::Failed { fault: Fault::NetworkUnreachable | Fault::RefusedByRoute | Fault::LocallyExhausted, .. }
    );
    attempt.address.is_ipv6() && is_local
}

/// The first message of NTLM went out, and no status came back.
fn opened_ntlm(leg: Option<&Leg>) -> bool {
    leg.is_some_and(|leg| {
        leg.status.is_none() && leg.credential.as_ref().is_some_and(|sent| sent.token == Some(Token::NtlmType1))
    })
}

fn of_proxy(route: &PlannedRoute, tunnel: Option<&TunnelEvidence>, fault: &Fault) -> Opinion {
    let leg = tunnel.and_then(|tunnel| tunnel.legs.last());
    let in_tls = leg.is_none() && route.proxy().is_some_and(|proxy| proxy.scheme == ProxyScheme::Https);
    let offers = || leg.map(refusal::offers).filter(|offers| !offers.is_empty());
    let cause = match fault {
        Fault::ProxyCertificateRejected { detail } => {
            return Opinion::new(Cause::ProxyTlsUntrusted, Stage::Proxy).with(detail.clone());
        }
        Fault::TunnelRefused { status } => return refusal::opinion(*status, leg),
        Fault::CredentialsWanted => {
            let detail = offers().map(|offers| format!("407, offering {offers}"));
            let detail = detail.or_else(|| Some(format!("407, and {}", refusal::unreadable_challenge(leg?)?)));
            return Opinion::new(Cause::PauthRequired, Stage::Proxy).with(detail.unwrap_or_else(|| "407".to_owned()));
        }
        Fault::SchemeNotOffered => {
            let detail =
                offers().map_or_else(|| "it offers nothing known".to_owned(), |offers| format!("it offers {offers}"));
            return Opinion::new(Cause::PauthNoCommonScheme, Stage::Proxy).with(detail);
        }
        Fault::NoCredential { detail } => {
            return Opinion::new(Cause::NotTested, Stage::Proxy).with(detail.clone());
        }
        Fault::NtlmNotTaken => return ticket::wanted(tunnel),
        Fault::KerberosNotTaken => {
            // Windows would go on by NTLM, with the sign-in that is not here.
            let detail = "its Negotiate takes NTLM alone, and there is no name with a password for that";
            return Opinion::new(Cause::NotTested, Stage::Proxy).with(detail);
        }
        Fault::NoTicket { problem, detail } => return ticket::missing(*problem, detail),
        Fault::TicketRefused { error } => return ticket::refused(*error),
        Fault::ClosedMidExchange => Cause::PauthNtlmClosedMid,
        Fault::PageNotRead => return unrecognised(Stage::Proxy, fault),
        // In place of the challenge that answers NTLM's first message.
        Fault::ClosedByPeer { received: 0 } | Fault::ResetByPeer { received: 0 } if opened_ntlm(leg) => {
            Cause::PauthNtlmClosedMid
        }
        Fault::ChallengeUnreadable { detail } => {
            return Opinion::new(Cause::ProxyBadReply, Stage::Proxy).with(detail.clone());
        }
        Fault::DigestUnsupported { detail } => {
            return Opinion::new(Cause::PauthDigestUnsupported, Stage::Proxy).with(detail.clone());
        }
        Fault::SocksRefused { reply } => return refusal::socks(*reply),
        Fault::PlaintextReply if in_tls => {
            let plain = route.proxy().map_or(String::new(), |proxy| format!("http://{}", proxy.authority()));
            return Opinion::new(Cause::ProxyTlsFailed, Stage::Proxy)
                .with(format!("a plain HTTP answer: this port is no TLS port, its address is {plain}"));
        }
        _ if in_tls => {
            return Opinion::new(Cause::ProxyTlsFailed, Stage::Proxy).with(wording::fault(fault));
        }
        Fault::CredentialsRefused => return refused::opinion(tunnel),
        Fault::CredentialsNoLongerTaken { .. } => {
            return Opinion::new(Cause::PauthDeniedAfterAuth, Stage::Proxy)
                .with("407, although the proxy takes the same login for other hosts");
        }
        Fault::CredentialsAlreadyRefused => {
            return Opinion::new(Cause::PauthRejected, Stage::Proxy)
                .with("they were rejected once in this run and were not sent again");
        }
        Fault::CredentialsUnanswered => {
            return Opinion::new(Cause::NotTested, Stage::Proxy)
                .with("the proxy gave no verdict on the password when it was sent; it is not sent again in this run");
        }
        Fault::NoChallenge => {
            let opinion = Opinion::new(Cause::PauthNoChallenge, Stage::Proxy);
            let unreadable = leg.and_then(refusal::unreadable_challenge);
            return Opinion { detail: unreadable, ..opinion };
        }
        Fault::DigestStaleLoop => Cause::PauthDigestStaleLoop,
        Fault::AuthenticationLoop => Cause::PauthLoop,
        Fault::CleartextRefused => Cause::PauthBasicCleartext,
        Fault::NotHttp => Cause::ProxyNotHttp,
        Fault::MalformedReply { .. } => Cause::ProxyBadReply,
        Fault::HeadTooLarge => Cause::ProxyHeadTooLarge,
        Fault::PageInsteadOfTunnel => Cause::Proxy200WithBody,
        Fault::ResetByPeer { .. } => Cause::ProxyRst,
        Fault::ClosedByPeer { .. } => Cause::ProxyEmpty,
        Fault::TimedOut { .. } => Cause::ProxyTimeout,
        // Connecting once more, after the proxy had closed.
        Fault::ConnectionRefused
        | Fault::ConnectTimeout
        | Fault::HostUnreachable
        | Fault::NetworkUnreachable
        | Fault::Prohibited
        | Fault::LocallyDenied
        | Fault::RefusedByRoute
        | Fault::LocallyExhausted => return Opinion { stage: Stage::Proxy, ..of_tcp(route, None, fault) },
        other => return unrecognised(Stage::Proxy, other),
    };
    Opinion::new(cause, Stage::Proxy)
}

fn of_tls(route: &PlannedRoute, fault: &Fault) -> Opinion {
    let proxied = route.proxy().is_some();
    let cause = match fault {
        Fault::ResetByPeer { received: 0 } if proxied => Cause::Proxy200ThenRst,
        Fault::ClosedByPeer { received: 0 } if proxied => Cause::Proxy200ThenClose,
        Fault::ResetByPeer { .. } => Cause::TlsRstAfterHello,
        Fault::ClosedByPeer { .. } => Cause::TlsFinAfterHello,
        Fault::TimedOut { .. } => Cause::TlsTimeoutAfterHello,
        Fault::PlaintextReply => Cause::TlsPlaintextReply,
        Fault::NotTls => Cause::TlsNotTls,
        Fault::OldTlsOnly => Cause::TlsLegacyOnly,
        Fault::Alert { code } => Cause::TlsAlert(*code),
        Fault::NoCertificate => {
            return Opinion::new(Cause::ChainUnparsable, Stage::Chain).with(wording::fault(fault));
        }
        other => return unrecognised(Stage::Tls, other),
    };
    let opinion = Opinion::new(cause, Stage::Tls);
    match fault {
        Fault::ResetByPeer { received } | Fault::ClosedByPeer { received } | Fault::TimedOut { received }
            if *received > 0 =>
        {
            opinion.with(format!("half-way, after {received} bytes"))
        }
        _ => opinion,
    }
}

/// For a retired service the signs of absence are excused, and nothing else is.
fn retired(endpoint: &Endpoint, seen: &Observation, opinion: Opinion) -> Opinion {
    if endpoint.lifecycle != crate::catalogue::Lifecycle::Retired {
        return opinion;
    }
    let gone_from_dns = matches!(opinion.cause, Cause::DnsNxdomain | Cause::DnsNodata);
    let gone_from_http = opinion.stage == Stage::Http
        && matches!(opinion.cause, Cause::Ok | Cause::HttpUnexpectedStatus | Cause::HttpMiddleboxStatus)
        && seen.http().is_some_and(|http| matches!(http.status, Some(404 | 410)));
    if gone_from_http {
        return Opinion::new(Cause::HttpRetired, Stage::Http);
    }
    if gone_from_dns { opinion.with_status(Status::Inconclusive) } else { opinion }
}
