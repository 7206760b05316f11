//! The control: a host of no solution. When it fails on a route as the endpoints do, they are not to blame.

use url::Url;

use super::handshake::is_unanswered;
use super::{gets_through, on_route, route_of};
use crate::catalogue::Control;
use crate::judge::comparison::OFFLINE;
use crate::judge::row::judge_stages;
use crate::judge::{Cause, Finding, Grounds, Owner, Status, Verdict, forwarding};
use crate::observation::{Ask, Fault, FollowUp, HttpEvidence, Observation, Stage};
use crate::plan::{JobId, PlannedRoute};

/// The control, where nothing got through and that may have nothing to do with the endpoints, or with their names.
pub(super) fn questions(grounds: &Grounds<'_>, route: usize, verdicts: &[Verdict]) -> Vec<FollowUp> {
    if grounds.plan.follow_ups.control.is_none() {
        return Vec::new();
    }
    let rows: Vec<&Verdict> = on_route(grounds, route, verdicts).collect();
    let doubted = rows.iter().find(|row| forwarding::is_doubted(row)).map(|row| row.job);
    let is_asked_of: fn(&Cause) -> bool = match (is_all_denied(grounds, &rows), gets_through(&rows)) {
        (true, _) => is_denial,
        (false, _) if doubted.is_some() => {
            return doubted.map(|about| FollowUp::new(about, Ask::Control)).into_iter().collect();
        }
        (false, false) => is_open,
        (false, true) => return tunnel(&rows, grounds).into_iter().collect(),
    };
    let is_asked_about = |row: &&&Verdict| row.status == Status::Blocked && is_asked_of(&row.cause);
    let about = rows.iter().find(|row| is_asked_about(row) && !has_no_proxy(grounds, row)).map(|row| row.job);
    let Some(about) = about else { return Vec::new() };
    let ask = |ask| FollowUp::new(about, ask);
    let is_about_tls = rows.iter().any(|row| is_unanswered(row));
    match grounds.plan.routes[route] {
        PlannedRoute::Direct if !is_about_tls => vec![ask(Ask::Control)],
        _ => vec![ask(Ask::Control), ask(Ask::ControlTunnel)],
    }
}

/// A handshake with the control, where every handshake ends before a word was said in it, though the route leads out: that may be
/// about these hosts, or about TLS.
fn tunnel(rows: &[&Verdict], grounds: &Grounds<'_>) -> Option<FollowUp> {
    let mut tunnels = rows.iter().filter(|row| is_tunnel(grounds, row));
    let about = tunnels.next()?.job;
    let are_all_mute = rows.iter().filter(|row| is_tunnel(grounds, row)).all(|row| is_unanswered(row));
    are_all_mute.then(|| FollowUp::new(about, Ask::ControlTunnel))
}

/// Whether a proxy opened no tunnel at all because it says no; plain http may pass.
pub(super) fn is_all_denied(grounds: &Grounds<'_>, rows: &[&Verdict]) -> bool {
    let mut tunnels = rows.iter().filter(|row| is_tunnel(grounds, row)).peekable();
    tunnels.peek().is_some() && tunnels.all(|row| is_denial(&row.cause))
}

pub(super) fn is_tunnel(grounds: &Grounds<'_>, row: &Verdict) -> bool {
    grounds.catalogue.endpoints[grounds.plan.jobs[row.job.0 as usize].endpoint].is_tls()
}

/// Whether a proxy said no, which it may say to these hosts, to this port or to this client.
pub(super) fn is_denial(cause: &Cause) -> bool {
    *cause == Cause::ProxyDenied403
}

/// Whether a cause leaves open that nothing gets out at all, instead of these hosts. A proxy that cannot be reached, or
/// that says no, is a fact about that proxy.
fn is_open(cause: &Cause) -> bool {
    matches!(
        cause,
        Cause::DnsTimeout
            | Cause::DnsServfail
            | Cause::DnsRefused
            | Cause::DnsNxdomain
            | Cause::DnsNodata
            | Cause::DnsMalformed
            | Cause::DnsV6Only
            | Cause::DnsTcp53Blocked
            | Cause::DnsNoResolver
            | Cause::TcpRefused
            | Cause::TcpTimeout
            | Cause::TcpHostUnreachable
            | Cause::TcpNetUnreachable
            | Cause::TcpAdminProhibited
            | Cause::TcpLocalDenied
            | Cause::TcpResetAfterConnect
            | Cause::TlsRstAfterHello
            | Cause::TlsFinAfterHello
            | Cause::TlsTimeoutAfterHello
            | Cause::HttpEmpty
            | Cause::HttpTimeoutFirstByte
            | Cause::ProxyUpstreamDns
            | Cause::ProxyUpstreamRefused
            | Cause::ProxyUpstreamTimeout
            | Cause::ProxyUpstreamUnreachable
            | Cause::ProxyUpstreamUnknown
            | Cause::ProxyEmpty
            | Cause::ProxyRst
            | Cause::ProxyTimeout
            | Cause::Proxy200ThenClose
            | Cause::Proxy200ThenRst
    )
}

/// What became of the control on one route.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Outcome {
    Answers,
    /// Somebody answered in its place.
    Foreign {
        status: u16,
    },
    Fails(Cause),
}

/// What became of the control on `route`, as far as it was asked.
pub(super) fn outcomes(grounds: &Grounds<'_>, route: usize, beside: &[&Observation]) -> Vec<(Ask, Outcome)> {
    let Some(control) = &grounds.plan.follow_ups.control else { return Vec::new() };
    beside
        .iter()
        .filter(|seen| route_of(grounds, seen.job()) == route)
        .filter_map(|seen| Some((seen.follow_up()?, outcome(grounds, control, route, seen)?)))
        .collect()
}

/// Takes accusations back from rows that fail as the control does.
pub(super) fn weigh(grounds: &Grounds<'_>, route: usize, verdicts: &mut [Verdict], outcomes: &[(Ask, Outcome)]) {
    let Some(control) = &grounds.plan.follow_ups.control else { return };
    let is_dead = is_dead(grounds, route, verdicts);
    let rows: Vec<&Verdict> = on_route(grounds, route, verdicts).collect();
    let is_asked_of = |cause: &Cause| (is_dead && is_open(cause)) || is_denial(cause);
    let is_concerned = |row: &&&Verdict| is_asked_of(&row.cause) && !has_no_proxy(grounds, row);
    let jobs: Vec<JobId> = rows.iter().filter(is_concerned).map(|row| row.job).collect();
    for job in jobs {
        doubt(&mut verdicts[job.0 as usize], grounds.plan.routes[route] == PlannedRoute::Direct, control, outcomes);
    }
    if !is_dead {
        mute_tunnels(grounds, route, verdicts, (control, outcomes));
    }
    let became = outcomes.iter().find(|(ask, _)| *ask == Ask::Control).map(|(_, outcome)| outcome);
    let in_clear = verdicts.iter_mut().filter(|row| route_of(grounds, row.job) == route && forwarding::is_doubted(row));
    // Without a page that is known, anybody can answer in the control's place too.
    if let Some(outcome) = became.filter(|outcome| **outcome != Outcome::Answers || !control.body.is_empty()) {
        for row in in_clear {
            row.evidence.push(format!("follow-up: the control, {}, {} on this route", control.url, outcome.words()));
            forwarding::settle(row, (*outcome != Outcome::Answers).then(|| outcome.words()).as_deref());
        }
    }
}

/// Rows of `route` that are in doubt if the control fails as they do.
pub(super) fn doubtful(grounds: &Grounds<'_>, route: usize, verdicts: &[Verdict]) -> Vec<JobId> {
    let is_doubtful =
        |row: &&Verdict| row.status == Status::Blocked && is_open(&row.cause) && !has_no_proxy(grounds, row);
    if !is_dead(grounds, route, verdicts) {
        return Vec::new();
    }
    on_route(grounds, route, verdicts).filter(is_doubtful).map(|row| row.job).collect()
}

fn is_dead(grounds: &Grounds<'_>, route: usize, verdicts: &[Verdict]) -> bool {
    let rows: Vec<&Verdict> = on_route(grounds, route, verdicts).collect();
    !gets_through(&rows)
}

/// What became of the handshake with the control, for rows whose own ended before a word was said in it.
fn mute_tunnels(
    grounds: &Grounds<'_>,
    route: usize,
    verdicts: &mut [Verdict],
    (control, outcomes): (&Control, &[(Ask, Outcome)]),
) {
    let Some((_, outcome)) = outcomes.iter().find(|(ask, _)| *ask == Ask::ControlTunnel) else { return };
    let is_mute = |row: &Verdict| route_of(grounds, row.job) == route && is_tunnel(grounds, row) && is_unanswered(row);
    for row in verdicts.iter_mut().filter(|row| is_mute(row)) {
        let (name, became) = (&control.host, outcome.words());
        let tunnel = if grounds.plan.routes[route].proxy().is_some() { "in a tunnel to" } else { "with" };
        row.evidence.push(format!("follow-up: the control, a handshake {tunnel} {name}:443, {became} on this route"));
        row.is_for_all = matches!(outcome, Outcome::Fails(cause) if cause.is_mute_ending());
    }
}

impl Outcome {
    fn words(&self) -> String {
        match self {
            Self::Answers => "answers".to_owned(),
            Self::Foreign { status } => format!("is answered by somebody else (status {status})"),
            Self::Fails(cause) => format!("fails as well ({})", cause.code()),
        }
    }
}

fn outcome(grounds: &Grounds<'_>, control: &Control, route: usize, seen: &Observation) -> Option<Outcome> {
    let endpoint = match seen.follow_up()? {
        Ask::Control => control.as_endpoint(),
        Ask::ControlTunnel if is_heard(seen) => return Some(Outcome::Answers),
        Ask::ControlTunnel => control.as_tls_endpoint(),
        Ask::ControlName
        | Ask::SmallHello
        | Ask::PaddedHello
        | Ask::SplitHello
        | Ask::SmallSegments
        | Ask::LargeHello
        | Ask::OldHello
        | Ask::SharedHello
        | Ask::Nobody
        | Ask::Names(_)
        | Ask::WayBy(_)
        | Ask::Upload(_)
        | Ask::Address(_)
        | Ask::Repeat(_)
        | Ask::Alone(_) => {
            return None;
        }
    };
    let route = &grounds.plan.routes[route];
    // The time for all follow-ups was up while this one still connected.
    if let Some((Stage::Tcp, Fault::TimedOut { .. })) = seen.fault() {
        let is_direct = *route == PlannedRoute::Direct;
        return Some(Outcome::Fails(if is_direct { Cause::TcpTimeout } else { Cause::ProxyTcpTimeout }));
    }
    let opinion = judge_stages(&endpoint, route, seen, None);
    let Some((answer, status)) = seen.http().and_then(|answer| Some((answer, answer.status?))) else {
        return Some(Outcome::Fails(opinion.cause));
    };
    let is_genuine = if control.body.is_empty() {
        // A portal answers for everybody, and leads away; a site of its own leads to its own other names.
        let is_foreign = match opinion.cause {
            Cause::HttpPortal | Cause::HttpBlockPage => true,
            Cause::HttpForeignRedirect => !leads_to_a_neighbour(control, answer),
            _ => false,
        };
        opinion.status == Status::Ok || (!is_foreign && matches!(status, 200..=399 | 404))
    } else {
        String::from_utf8_lossy(&answer.body_start).contains(&control.body)
    };
    let is_proxys = opinion.stage == Stage::Proxy;
    Some(match is_genuine {
        true => Outcome::Answers,
        false if is_proxys => Outcome::Fails(opinion.cause),
        false => Outcome::Foreign { status },
    })
}

/// Whether a redirection stays below the control's own domain: `example.com` leads to `www.example.com`, and the reverse.
fn leads_to_a_neighbour(control: &Control, answer: &HttpEvidence) -> bool {
    let target = answer
        .header("location")
        .and_then(|location| Url::parse(&control.url).ok()?.join(location).ok())
        .and_then(|target| target.host_str().map(str::to_owned))
        .unwrap_or_default();
    let is_below = |name: &str, domain: &str| name.strip_suffix(domain).is_some_and(|rest| rest.ends_with('.'));
    is_below(&target, &control.host) || is_below(&control.host, &target)
}

/// Whether somebody answered behind the proxy, whatever it was that he said.
fn is_heard(seen: &Observation) -> bool {
    match seen.fault() {
        None => true,
        Some((
            Stage::Tls,
            Fault::ResetByPeer { received: 0 } | Fault::ClosedByPeer { received: 0 } | Fault::TimedOut { received: 0 },
        )) => false,
        Some((stage, _)) => stage == Stage::Tls,
    }
}

/// Says what the control did, and takes the accusation back where it failed in the same way.
fn doubt(verdict: &mut Verdict, is_direct: bool, control: &Control, outcomes: &[(Ask, Outcome)]) {
    for (ask, outcome) in outcomes {
        let name = match (ask, is_direct) {
            (Ask::ControlTunnel, true) => format!("a handshake with {}:443", control.host),
            (Ask::ControlTunnel, false) => format!("a tunnel to {}:443", control.host),
            _ => control.url.clone(),
        };
        let became = match outcome {
            Outcome::Fails(cause) if *cause == verdict.cause => format!("fails in the same way ({})", cause.code()),
            other => other.words(),
        };
        verdict.evidence.push(format!("follow-up: the control, {name}, {became} on this route"));
    }
    let fails_alike = outcomes.iter().any(|(_, outcome)| *outcome == Outcome::Fails(verdict.cause.clone()));
    // What reaches the control in one of the two ways leads out.
    let leads_out = outcomes.iter().any(|(_, outcome)| *outcome == Outcome::Answers);
    if leads_out && is_unanswered(verdict) {
        verdict.is_for_all = fails_alike;
    }
    if fails_alike && !leads_out && is_open(&verdict.cause) && verdict.status == Status::Blocked {
        in_doubt(verdict);
    }
}

fn in_doubt(verdict: &mut Verdict) {
    verdict.status = Status::Inconclusive;
    verdict.is_in_doubt = true;
    verdict.summary.push_str("; nothing else gets out on this route either");
}

/// Without a network no proxy is reached either. Where the direct route shows that there is none, a proxy that the same
/// network does not lead to is not accused.
pub(super) fn unreached_proxies(grounds: &Grounds<'_>, verdicts: &mut [Verdict]) {
    let all: Vec<&Verdict> = verdicts.iter().collect();
    if gets_through(&all) {
        return;
    }
    let doubted = |causes: &[Cause]| verdicts.iter().any(|row| row.is_in_doubt && causes.contains(&row.cause));
    let is_off_network = doubted(&[Cause::TcpNetUnreachable, Cause::TcpHostUnreachable]);
    let is_without_names = doubted(&[Cause::DnsNoResolver, Cause::DnsTimeout]);
    for verdict in verdicts.iter_mut().filter(|verdict| verdict.status == Status::Blocked) {
        let is_doubtful = match verdict.cause {
            Cause::ProxyTcpNetUnreachable | Cause::ProxyTcpHostUnreachable => is_off_network,
            Cause::DnsProxyName => is_without_names,
            _ => false,
        };
        if is_doubtful && grounds.plan.routes[route_of(grounds, verdict.job)] != PlannedRoute::Direct {
            in_doubt(verdict);
        }
    }
}

/// One finding for everything in doubt when nothing gets out at all, or one for each route on which nothing does.
pub(in crate::judge) fn doubts(grounds: &Grounds<'_>, verdicts: &[Verdict]) -> Vec<Finding> {
    let Some(control) = &grounds.plan.follow_ups.control else { return Vec::new() };
    let is_settled = |row: &&Verdict| !row.is_in_doubt && row.status != Status::NotTested;
    let in_doubt: Vec<&Verdict> = verdicts.iter().filter(|row| row.is_in_doubt).collect();
    if in_doubt.is_empty() {
        return Vec::new();
    }
    let has_proxy = grounds.plan.routes.iter().any(|route| route.proxy().is_some());
    // A proxy that was reached is a network that leads as far as the proxy: what it says or does is its own matter.
    // The same holds for whoever takes connections and ends them.
    let reached_somebody = in_doubt.iter().any(|row| has_reached_its_proxy(grounds, row) || row.stage == Stage::Tls)
        || verdicts.iter().any(|row| row.heard_beside > 0);
    if !reached_somebody && verdicts.iter().filter(is_settled).all(|row| row.status == Status::Inconclusive) {
        return vec![Finding {
            code: OFFLINE.code.to_owned(),
            title: format!("Nothing gets out of this machine, {} neither", control.host),
            owner: OFFLINE.owner,
            remedy: format!(
                "{}; connect this machine to a network that leads out (cable, Wi-Fi, VPN, name servers) and check again: of \
                 the endpoints nothing is known until then{}",
                what_was_seen(&in_doubt),
                match without_proxy(grounds) {
                    _ if has_proxy => String::new(),
                    Some(settings) => settings,
                    None => ". If the direct route is closed on purpose, add the proxy with --proxy URL".to_owned(),
                }
            ),
            jobs: in_doubt.iter().map(|row| row.job).collect(),
        }];
    }
    (0..grounds.plan.routes.len())
        .filter_map(|route| {
            let rows: Vec<&&Verdict> = in_doubt.iter().filter(|row| route_of(grounds, row.job) == route).collect();
            (!rows.is_empty()).then(|| closed_route(grounds, route, control, &rows))
        })
        .collect()
}

/// What the device's settings lack, where they lead its services nowhere but directly: on a closed route that may be all.
fn without_proxy(grounds: &Grounds<'_>) -> Option<String> {
    let settings = grounds.plan.settings.as_ref()?;
    let told = |cause: &Cause| settings.remarks.iter().any(|remark| remark.code == cause.code());
    let cause = [Cause::ConfNone, Cause::ConfEnvOnly].into_iter().find(told)?;
    Some(format!(
        ". By its settings ({}) this device's services ask no proxy ({}): if this network lets nothing out but through one, \
         that is what is missing",
        settings.name,
        cause.code()
    ))
}

/// The proxy's own name has no address: nothing was asked of it.
fn has_no_proxy(grounds: &Grounds<'_>, row: &Verdict) -> bool {
    row.stage == Stage::Dns && grounds.plan.routes[route_of(grounds, row.job)] != PlannedRoute::Direct
}

fn has_reached_its_proxy(grounds: &Grounds<'_>, row: &Verdict) -> bool {
    grounds.plan.routes[route_of(grounds, row.job)] != PlannedRoute::Direct
        && !matches!(row.stage, Stage::Dns | Stage::Tcp)
}

/// The causes of these rows as an instruction: `no name server can be reached (dns.no_resolver): check …`.
fn what_was_seen(rows: &[&Verdict]) -> String {
    let mut causes: Vec<&Cause> = Vec::new();
    for row in rows {
        if !causes.contains(&&row.cause) {
            causes.push(&row.cause);
        }
    }
    match causes.as_slice() {
        [one] => format!("what fails everywhere ({}): {}", one.code(), one.facts().remedy),
        several => {
            format!("what fails: {}", several.iter().map(|cause| cause.code()).collect::<Vec<_>>().join(", "))
        }
    }
}

fn closed_route(grounds: &Grounds<'_>, route: usize, control: &Control, rows: &[&&Verdict]) -> Finding {
    let mut codes: Vec<String> = rows.iter().map(|row| row.cause.code()).collect();
    codes.sort_unstable();
    codes.dedup();
    let codes = codes.join(", ");
    let (place, owner, remedy) = match &grounds.plan.routes[route] {
        PlannedRoute::Direct => (
            "on the direct route".to_owned(),
            Owner::Operator,
            format!(
                "nothing can be said about these endpoints on a route that leads nowhere. If it is closed on purpose, \
                 leave it out with --no-direct; if not, {}{}",
                what_was_seen(&rows.iter().map(|row| **row).collect::<Vec<_>>()),
                without_proxy(grounds).unwrap_or_default()
            ),
        ),
        PlannedRoute::Proxy { proxy, .. } => (
            format!("through {proxy}"),
            Owner::ProxyTeam,
            format!(
                "{}; then check again: what this proxy does with these endpoints is not known",
                what_was_seen(&rows.iter().map(|row| **row).collect::<Vec<_>>())
            ),
        ),
    };
    Finding {
        code: Cause::Inconclusive.code(),
        title: format!("Nothing gets out {place}, {} neither ({codes})", control.host),
        owner,
        remedy,
        jobs: rows.iter().map(|row| row.job).collect(),
    }
}
