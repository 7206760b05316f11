//! Dialogues with scripted name servers on loopback, and what a row makes of them.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::Duration;

use hickory_proto::op::{Message, ResponseCode};
use hickory_proto::rr::RecordType as Kind;

use super::scripted::{Script, Scripted, addresses, bytes, chain, code, extended, question, reply, wants};
use super::*;
use crate::net::ConnectTo;
use crate::observation::{DnsFailure, RecordType, ServerAnswer};
use crate::plan::{Identity, SchemeChoice};
use crate::probe::testing::{self, impatient, ips};

const HOST: &str = "v10c.events.example";

/// What resolving `HOST` came to: addresses or a fault, and what was seen.
async fn resolved(net: Net, budget: Budget) -> (Result<Vec<IpAddr>, Fault>, DnsEvidence) {
    let context = testing::context(&[HOST], vec![PlannedRoute::Direct], net, budget);
    let (result, seen) = row(&context, &PlannedRoute::Direct).await;
    (result.map(|resolved| resolved.addresses.iter().map(SocketAddr::ip).collect()), seen)
}

async fn row(context: &Context, route: &PlannedRoute) -> (Result<Resolved, Fault>, DnsEvidence) {
    let (result, evidence) = match resolve(&context.catalogue.endpoints[0], route, context).await {
        StageOutcome::Passed { carry, evidence } => (Ok(carry), evidence),
        StageOutcome::Stopped { fault, evidence } => (Err(fault), evidence),
    };
    let Evidence::Dns(seen) = evidence else { panic!("evidence of another stage") };
    (result, seen)
}

/// The outcome with `--resolver` at a server that follows `script`.
async fn by_server(script: Script) -> (Result<Vec<IpAddr>, Fault>, DnsEvidence) {
    let server = Scripted::udp(script).await;
    resolved(asking(server.address), Budget::default()).await
}

fn asking(server: SocketAddr) -> Net {
    Net { names: Names::Server(server), ..testing::net(&[], vec![]) }
}

fn answer(seen: &DnsEvidence, record: RecordType) -> &ServerAnswer {
    seen.answers.iter().find(|answer| answer.question.record == record).expect("an answer")
}

async fn closed_port() -> SocketAddr {
    let socket = tokio::net::UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a port");
    socket.local_addr().expect("bound")
}

#[tokio::test]
async fn both_families_are_asked_side_by_side_and_ipv4_comes_first() {
    let (result, seen) =
        by_server(|query| vec![bytes(&addresses(query, &["192.0.2.1", "2001:db8::1", "192.0.2.2"]))]).await;
    assert_eq!(result, Ok(ips(&["192.0.2.1", "192.0.2.2", "2001:db8::1"])));
    assert_eq!(seen.answers.len(), 2);
    assert_eq!(answer(&seen, RecordType::Aaaa).addresses, ips(&["2001:db8::1"]));
    assert_eq!(seen.source, NameSource::Server(seen.answers[0].server));
    assert_eq!(seen.system, None, "the system was not asked");
}

#[tokio::test(start_paused = true)]
async fn what_a_server_says_becomes_the_row_s_fault() {
    let cases: [(Script, Fault); 6] = [
        (|query| vec![bytes(&code(query, ResponseCode::NXDomain))], Fault::NameNotFound),
        (|query| vec![bytes(&reply(query))], Fault::NoAddresses),
        (|query| vec![bytes(&code(query, ResponseCode::ServFail))], Fault::ServerFailure),
        (|query| vec![bytes(&code(query, ResponseCode::Refused))], Fault::ServerRefused),
        (|_| vec![b"\x13\x37 this is no name server".to_vec()], Fault::MalformedAnswer),
        (
            |query| vec![bytes(&code(query, ResponseCode::NotZone))],
            Fault::Unrecognised { detail: "the resolver answered with response code 10".to_owned() },
        ),
    ];
    for (script, fault) in cases {
        let (result, seen) = by_server(script).await;
        assert_eq!(result, Err(fault), "{:?}", seen.answers);
    }
}

#[tokio::test]
async fn a_refusal_without_the_question_is_still_an_answer() {
    let (result, _) = by_server(|query| {
        let mut reply = code(query, ResponseCode::Refused);
        reply.queries.clear();
        vec![bytes(&reply)]
    })
    .await;
    assert_eq!(result, Err(Fault::ServerRefused));
}

#[tokio::test]
async fn an_extended_error_is_quoted() {
    let (result, seen) =
        by_server(|query| vec![bytes(&extended(code(query, ResponseCode::NXDomain), 15, "blocked by policy 7"))]).await;
    assert_eq!(result, Err(Fault::NameNotFound));
    assert_eq!(answer(&seen, RecordType::A).extended_errors, [(15, "blocked by policy 7".to_owned())]);
}

#[tokio::test]
async fn aliases_are_told_in_the_order_in_which_they_are_followed() {
    let (result, seen) =
        by_server(|query| vec![bytes(&chain(query, &["One.Example", "two.example"], &["192.0.2.7"]))]).await;
    assert_eq!(result, Ok(ips(&["192.0.2.7"])));
    assert_eq!(answer(&seen, RecordType::A).cnames, ["one.example", "two.example"]);
}

#[tokio::test]
async fn aliases_in_a_circle_end() {
    let (result, seen) = by_server(|query| vec![bytes(&chain(query, &["one.example", HOST], &["192.0.2.7"]))]).await;
    assert_eq!(result, Err(Fault::MalformedAnswer));
    let detail = format!("the aliases lead in a circle, back to {HOST}");
    assert_eq!(answer(&seen, RecordType::A).failure, Some(DnsFailure::Malformed(detail)));
}

#[tokio::test]
async fn answers_to_other_questions_are_passed_over() {
    let (result, seen) = by_server(|query| {
        let mut other_id = addresses(query, &["203.0.113.1", "2001:db8::bad"]);
        other_id.metadata.id = query.id.wrapping_add(1);
        let elsewhere = question("other.example", query.queries[0].query_type(), query.id);
        let not_an_answer = question(HOST, query.queries[0].query_type(), query.id);
        let other_name = addresses(&elsewhere, &["203.0.113.2", "2001:db8::bad"]);
        let right = addresses(query, &["192.0.2.1"]);
        [other_id, other_name, not_an_answer, right].iter().map(bytes).collect()
    })
    .await;
    assert_eq!(result, Ok(ips(&["192.0.2.1"])));
    assert_eq!(seen.answers.len(), 2, "what is passed over is no evidence: {:?}", seen.answers);
}

#[tokio::test]
async fn a_question_s_name_is_compared_without_regard_to_case() {
    let (result, _) = by_server(|query| {
        let shouted = question(&HOST.to_ascii_uppercase(), query.queries[0].query_type(), query.id);
        vec![bytes(&addresses(&shouted, &["192.0.2.1"]))]
    })
    .await;
    assert_eq!(result, Ok(ips(&["192.0.2.1"])));
}

#[tokio::test(start_paused = true)]
async fn a_readable_answer_behind_rubbish_counts() {
    let (result, _) = by_server(|query| vec![vec![0xff; 40], vec![], bytes(&addresses(query, &["192.0.2.1"]))]).await;
    assert_eq!(result, Ok(ips(&["192.0.2.1"])));
}

#[tokio::test]
async fn a_truncated_answer_is_fetched_over_tcp() {
    let server = Scripted::both(truncated, |query| vec![bytes(&addresses(query, &["192.0.2.1"]))]).await;
    let (result, seen) = resolved(asking(server.address), Budget::default()).await;
    assert_eq!(result, Ok(ips(&["192.0.2.1"])));
    assert!(answer(&seen, RecordType::A).over_tcp);
}

#[tokio::test]
async fn a_truncated_answer_with_tcp_closed_is_told_from_a_broken_one() {
    let cases: [(Option<Script>, Fault); 4] = [
        (None, Fault::TruncatedAndTcpFailed),
        (Some(|_| Vec::new()), Fault::TruncatedAndTcpFailed),
        (Some(truncated), Fault::TruncatedAndTcpFailed),
        (Some(|_| vec![b"not a message".to_vec()]), Fault::MalformedAnswer),
    ];
    for (tcp, fault) in cases {
        let server = match tcp {
            Some(tcp) => Scripted::both(truncated, tcp).await,
            // The listener is gone with the server's start; the port is closed.
            None => Scripted::udp(truncated).await,
        };
        let (result, seen) = resolved(asking(server.address), Budget::default()).await;
        assert_eq!(result, Err(fault), "{:?}", seen.answers);
    }
}

fn truncated(query: &Message) -> Vec<Vec<u8>> {
    let mut reply = reply(query);
    reply.metadata.truncation = true;
    vec![bytes(&reply)]
}

#[tokio::test]
async fn a_server_that_does_not_know_edns_is_asked_without() {
    let server = Scripted::udp(|query| {
        if query.edns.is_some() {
            let mut reply = code(query, ResponseCode::FormErr);
            reply.edns = None;
            return vec![bytes(&reply)];
        }
        vec![bytes(&addresses(query, &["192.0.2.1"]))]
    })
    .await;
    let (result, _) = resolved(asking(server.address), Budget::default()).await;
    assert_eq!(result, Ok(ips(&["192.0.2.1"])));
    assert_eq!(server.asked(Kind::A), 2);
}

#[tokio::test]
async fn a_question_asks_for_recursion_and_says_that_extended_errors_are_understood() {
    let server = Scripted::udp(|query| vec![bytes(&addresses(query, &["192.0.2.1"]))]).await;
    let _ = resolved(asking(server.address), Budget::default()).await;
    for query in server.heard.lock().expect("no test panicked").iter() {
        assert!(query.recursion_desired && query.edns.is_some(), "{query:?}");
    }
}

#[tokio::test]
async fn a_closed_port_is_known_at_once() {
    let (result, seen) = resolved(asking(closed_port().await), Budget::default()).await;
    assert_eq!(result, Err(Fault::ResolverPortClosed), "{:?}", seen.answers);
}

#[tokio::test(start_paused = true)]
async fn silence_lasts_until_the_deadline_and_the_question_goes_out_three_times() {
    let silent = Scripted::udp(|_| Vec::new()).await;
    let started = Instant::now();
    let (result, seen) = resolved(asking(silent.address), Budget::default()).await;
    assert_eq!(result, Err(Fault::ResolverSilent));
    assert_eq!(answer(&seen, RecordType::A).failure, Some(DnsFailure::Timeout));
    assert_eq!(started.elapsed().as_secs(), Budget::default().dns.as_secs());
    assert_eq!(silent.asked(Kind::A), 3);
}

#[tokio::test(start_paused = true)]
async fn the_last_time_a_question_goes_out_without_edns() {
    let server = Scripted::udp(|query| match query.edns {
        Some(_) => Vec::new(),
        None => vec![bytes(&addresses(query, &["192.0.2.1"]))],
    })
    .await;
    let (result, _) = resolved(asking(server.address), Budget::default()).await;
    assert_eq!(result, Ok(ips(&["192.0.2.1"])));
}

#[tokio::test(start_paused = true)]
async fn answers_to_nothing_that_was_asked_are_silence() {
    let server = Scripted::udp(|query| {
        let mut other = addresses(query, &["203.0.113.1", "2001:db8::bad"]);
        other.metadata.id = query.id.wrapping_add(1);
        vec![bytes(&other); 100]
    })
    .await;
    let (result, _) = resolved(asking(server.address), Budget::default()).await;
    assert_eq!(result, Err(Fault::ResolverSilent));
}

#[tokio::test]
async fn a_name_that_fits_into_no_question_is_said_to_be_so() {
    let server = Scripted::udp(|_| Vec::new()).await;
    let host = format!("{}.example", "a".repeat(64));
    let net = asking(server.address);
    let wanted = Wanted { name: host.as_str(), system: false };
    let lookup = look_up(&wanted, &net, &Budget::default()).await;
    assert!(matches!(lookup.fault, Some(Fault::Unrecognised { .. })), "{lookup:?}");
}

#[tokio::test(start_paused = true)]
async fn ipv4_addresses_do_not_wait_long_for_an_ipv6_answer() {
    let server = Scripted::udp(|query| {
        let answers = wants(query, Kind::A).then(|| bytes(&addresses(query, &["192.0.2.1"])));
        answers.into_iter().collect()
    })
    .await;
    let context = testing::context(&[HOST], vec![PlannedRoute::Direct], asking(server.address), Budget::default());
    let started = Instant::now();
    let (result, seen) = row(&context, &PlannedRoute::Direct).await;
    assert_eq!(result.expect("addresses").addresses, [(Ipv4Addr::new(192, 0, 2, 1), 80).into()]);
    assert_eq!(seen.answers.len(), 1, "nothing is said of an answer that may still come");
    assert!(started.elapsed() < RESOLUTION_DELAY * 2, "{:?}", started.elapsed());
}

#[tokio::test(start_paused = true)]
async fn ipv6_addresses_alone_wait_for_the_ipv4_answer() {
    let silent_on_a: Script = |query| {
        let answers = wants(query, Kind::AAAA).then(|| bytes(&addresses(query, &["2001:db8::1"])));
        answers.into_iter().collect()
    };
    let server = Scripted::udp(silent_on_a).await;
    let (result, seen) = resolved(asking(server.address), Budget::default()).await;
    assert_eq!(result, Ok(ips(&["2001:db8::1"])));
    assert_eq!(answer(&seen, RecordType::A).failure, Some(DnsFailure::Timeout));
}

#[tokio::test]
async fn a_second_different_answer_to_one_question_is_evidence() {
    let server = Scripted::udp(|query| {
        let injected = addresses(query, &["10.10.10.10", "fd00::1"]);
        let own = addresses(query, &["192.0.2.1", "2001:db8::1"]);
        [injected, own].iter().map(bytes).collect()
    })
    .await;
    let context = testing::context(&[HOST], vec![PlannedRoute::Direct], asking(server.address), Budget::default());
    let (result, seen) = row(&context, &PlannedRoute::Direct).await;
    let resolved = result.expect("addresses");
    assert_eq!(resolved.addresses[0].ip().to_string(), "10.10.10.10", "a client takes the first");

    let mut evidence = Evidence::Dns(seen);
    while answers_in(&evidence).len() < 4 {
        tokio::task::yield_now().await;
        resolved.complete(&mut evidence);
    }
    let to_a: Vec<_> = answers_in(&evidence).iter().filter(|answer| answer.question.record == RecordType::A).collect();
    assert_eq!(to_a[0].addresses, ips(&["10.10.10.10"]));
    assert_eq!(to_a[1].addresses, ips(&["192.0.2.1"]));
}

fn answers_in(evidence: &Evidence) -> &[ServerAnswer] {
    let Evidence::Dns(seen) = evidence else { panic!("evidence of another stage") };
    &seen.answers
}

#[tokio::test(start_paused = true)]
async fn the_system_s_answer_counts_whatever_the_servers_say() {
    let servers =
        [Scripted::udp(|query| vec![bytes(&code(query, ResponseCode::NXDomain))]).await.address, closed_port().await];
    let silent = Scripted::udp(|_| Vec::new()).await;
    for server in servers.into_iter().chain([silent.address]) {
        let net = testing::net(&[(HOST, &["192.0.2.9"])], vec![server]);
        let started = Instant::now();
        let (result, seen) = resolved(net, Budget::default()).await;
        assert_eq!(result, Ok(ips(&["192.0.2.9"])), "{server}");
        assert_eq!(started.elapsed(), Duration::ZERO, "no server is waited for");
        assert_eq!(seen.source, NameSource::System);
        assert_eq!(
            seen.system,
            Some(SystemAnswer { addresses: ips(&["192.0.2.9"]), error: None, hosts_line: None, configuration: None })
        );
    }
}

#[tokio::test]
async fn what_the_servers_say_while_the_row_goes_on_is_picked_up_at_its_end() {
    let server = Scripted::udp(|query| vec![bytes(&code(query, ResponseCode::NXDomain))]).await;
    let net = testing::net(&[(HOST, &["192.0.2.9"])], vec![server.address]);
    let context = testing::context(&[HOST], vec![PlannedRoute::Direct], net, Budget::default());
    let (result, seen) = row(&context, &PlannedRoute::Direct).await;
    assert_eq!(seen.answers, [], "the system was faster");
    let (resolved, mut evidence) = (result.expect("addresses"), Evidence::Dns(seen));
    while answers_in(&evidence).len() < 2 {
        tokio::task::yield_now().await;
        resolved.complete(&mut evidence);
    }
    assert!(answers_in(&evidence).iter().all(|answer| answer.rcode == Some(NAME_ERROR)), "{evidence:?}");
}

#[tokio::test(start_paused = true)]
async fn when_the_system_fails_the_servers_say_why() {
    let cases: [(Script, Fault); 4] = [
        (|query| vec![bytes(&reply(query))], Fault::NoAddresses),
        (|query| vec![bytes(&code(query, ResponseCode::ServFail))], Fault::ServerFailure),
        (|query| vec![bytes(&code(query, ResponseCode::Refused))], Fault::ServerRefused),
        // Nothing heard: the system's own word stands.
        (|_| Vec::new(), Fault::NameNotFound),
    ];
    for (script, fault) in cases {
        let server = Scripted::udp(script).await;
        let (result, seen) = resolved(testing::net(&[], vec![server.address]), Budget::default()).await;
        assert_eq!(result, Err(fault), "{:?}", seen.answers);
        assert_eq!(seen.answers.len(), 2, "silence is said too");
        assert_eq!(seen.system.expect("asked").error.as_deref(), Some("name or service not known"));
    }
}

#[tokio::test]
async fn a_proxy_s_name_is_the_system_s_business_even_with_a_resolver_given() {
    let server = Scripted::udp(|query| vec![bytes(&code(query, ResponseCode::NXDomain))]).await;
    let names: [(&str, &[&str]); 1] = [("proxy.example", &["192.0.2.8"])];
    let net = Net { names: Names::Server(server.address), ..testing::net(&names, vec![]) };
    let route = proxied();
    let context = testing::context(&[HOST], vec![route.clone()], net, Budget::default());
    let (result, seen) = row(&context, &route).await;
    assert_eq!(result.expect("addresses").addresses, [(Ipv4Addr::new(192, 0, 2, 8), 3128).into()]);
    assert_eq!((seen.name.as_str(), seen.source), ("proxy.example", NameSource::System));
    assert_eq!(server.heard.lock().expect("no test panicked").len(), 0);
}

fn proxied() -> PlannedRoute {
    let proxy = "http://proxy.example:3128".parse().expect("a proxy");
    PlannedRoute::Proxy { proxy, identity: Identity::Bypass, scheme: SchemeChoice::Auto }
}

#[tokio::test]
async fn a_name_that_many_rows_need_is_asked_for_once() {
    let server = Scripted::udp(|query| vec![bytes(&addresses(query, &["192.0.2.8"]))]).await;
    let names: [(&str, &[&str]); 1] = [("proxy.example", &["192.0.2.8"])];
    let net = testing::net(&names, vec![server.address]);
    let context = testing::context(&["a.example", "b.example"], vec![proxied()], net, Budget::default());
    let (_, first) = row(&context, &proxied()).await;
    let (result, second) = row(&context, &proxied()).await;
    assert_eq!(first.system, second.system);
    let mut evidence = Evidence::Dns(second);
    let resolved = result.expect("addresses");
    while answers_in(&evidence).len() < 2 {
        tokio::task::yield_now().await;
        resolved.complete(&mut evidence);
    }
    assert_eq!((server.asked(Kind::A), server.asked(Kind::AAAA)), (1, 1));
}

#[tokio::test]
async fn names_that_one_row_needs_take_no_room() {
    let net = testing::net(&[], vec![]);
    let context =
        testing::context(&["a.example", "b.example"], vec![PlannedRoute::Direct, proxied()], net, impatient());
    let shared: Vec<&str> = context.lookups.0.keys().map(|wanted| wanted.name.as_str()).collect();
    assert_eq!(shared, ["proxy.example"]);
}

#[tokio::test]
async fn a_given_address_asks_nobody() {
    let server = Scripted::udp(|query| vec![bytes(&code(query, ResponseCode::NXDomain))]).await;
    let rules = vec![format!("{HOST}:80=127.0.0.1:8080").parse().expect("a rule")];
    let net = Net { connect_to: Arc::new(ConnectTo { rules }), ..asking(server.address) };
    let (result, seen) = resolved(net, Budget::default()).await;
    assert_eq!(result, Ok(ips(&["127.0.0.1"])));
    assert_eq!((seen.source, seen.answers), (NameSource::ConnectTo, Vec::new()));
    assert_eq!(server.heard.lock().expect("no test panicked").len(), 0);
}

#[tokio::test]
async fn the_system_itself_knows_this_machine() {
    let net = Net { system_names: SystemNames::Os, ..testing::net(&[], vec![]) };
    let place = Place::wait(&net.system_names).await;
    let found = system::look_up("localhost", &net.system_names, place).await.expect("every hosts file has it");
    assert!(found.iter().all(IpAddr::is_loopback), "{found:?}");
}

#[tokio::test]
async fn waiting_for_a_place_is_no_silence_of_the_system() {
    let net = Net { system_names: SystemNames::Os, ..testing::net(&[], vec![]) };
    let budget = Budget { dns: Duration::from_millis(400), ..impatient() };
    let all = system::PLACES.acquire_many(u32::try_from(system::MOST_LOOKUPS).expect("few")).await.expect("places");
    let release = async {
        tokio::time::sleep(Duration::from_millis(700)).await;
        drop(all);
    };
    let (lookup, ()) = tokio::join!(ask_system("localhost", None, &net, &budget), release);
    assert_eq!(lookup.fault, None);
}

#[tokio::test(start_paused = true)]
async fn the_system_gets_the_time_to_ask_its_second_server_where_one_of_them_knows_the_name() {
    for (takes, knows, is_answered) in [(4, false, true), (6, true, true), (6, false, false), (11, true, false)] {
        let asked = tokio::time::sleep(Duration::from_secs(takes));
        let more = Duration::from_secs(5);
        let answer = patiently(asked, Instant::now() + more, more, || knows).await;
        assert_eq!(answer.is_ok(), is_answered, "{takes} {knows}");
    }
}
