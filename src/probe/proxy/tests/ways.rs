//! The whole way of a plain http endpoint, and replies that nobody meant to send.

use proptest::prelude::*;

use super::*;
use crate::observation::{Attempt, Ended, Observation, Stage};
use crate::probe::{Client, attempt, testing};

async fn way(proxy: Proxy) -> Observation {
    let routes = vec![route(&proxy, Identity::Bypass, SchemeChoice::Auto)];
    let net = Net::of_this_machine(Vec::new());
    let context = testing::context(&["plain.example"], routes, net, Budget::default());
    attempt(&context.plan.jobs[0], Attempt::First, Client::default(), &context, std::future::pending()).await
}

fn stages(observation: &Observation) -> Vec<Stage> {
    observation.steps().iter().map(|step| step.stage).collect()
}

#[tokio::test]
async fn over_socks_a_plain_http_endpoint_is_a_plain_connection() {
    let reply = "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n";
    let target = 7 + "plain.example".len();
    let peer = Peer::playing(vec![vec![
        Turn::HearBytes(3),
        Turn::say([5, 0]),
        Turn::HearBytes(target),
        Turn::say([5, 0, 0, 1, 0, 0, 0, 0, 0, 0]),
        Turn::Hear,
        Turn::say(reply),
    ]])
    .await;
    let seen = way(format!("socks5://127.0.0.1:{}", peer.port()).parse().expect("a proxy's address")).await;
    assert_eq!(stages(&seen), [Stage::Dns, Stage::Tcp, Stage::Proxy, Stage::Http]);
    assert_eq!(seen.http().and_then(|answer| answer.status), Some(404));
    let heard = peer.heard();
    assert_eq!(heard[1], "\x05\x01\0\x03\x0dplain.example\0\x50");
    assert!(heard[2].starts_with("GET / HTTP/1.1\r\nHost: plain.example\r\n"), "{}", heard[2]);
}

#[tokio::test]
async fn through_an_http_proxy_it_is_one_request_and_its_answer_a_step_of_its_own() {
    let reply = "HTTP/1.1 404 Not Found\r\nContent-Length: 9\r\n\r\nnone";
    let peer = Peer::playing(vec![vec![Turn::Hear, Turn::say(reply)]]).await;
    let seen = way(peer.proxy()).await;
    assert_eq!(stages(&seen), [Stage::Dns, Stage::Tcp, Stage::Proxy, Stage::Http]);
    assert_eq!(seen.fault(), Some((Stage::Http, &Fault::Truncated)));
    assert_eq!(seen.http().map(|answer| answer.body_start.as_slice()), Some(b"none".as_slice()));
    assert!(peer.heard()[0].starts_with("GET http://plain.example/ HTTP/1.1\r\n"));
}

/// Every job of a run over `peer`, as Anna.
async fn run(peer: &Peer, hosts: &[&str], total: Duration) -> (Ended, Vec<Observation>) {
    let routes = vec![route(&peer.proxy(), Identity::User, SchemeChoice::Auto)];
    let budget = Budget { total, ..Budget::default() };
    let mut context = testing::context(hosts, routes, Net::of_this_machine(Vec::new()), budget);
    context.access = anna();
    let mut kept = Vec::new();
    let context = Arc::new(context);
    let (one, nobody) = (std::num::NonZeroUsize::MIN, std::future::pending());
    let ended = crate::probe::run(&context, one, nobody, |observation| kept.push(observation)).await;
    (ended, kept)
}

#[tokio::test]
async fn a_first_attempt_is_kept_while_its_retry_is_under_way() {
    let peer = Peer::playing(vec![vec![Turn::Hear, Turn::Reset], vec![Turn::Hear, Turn::Hold]]).await;
    let (ended, kept) = run(&peer, &["plain.example"], Duration::from_millis(600)).await;
    assert_eq!(peer.heard().len(), 2, "the retry was under way");
    assert_eq!((ended, kept.len()), (Ended::OutOfTime, 2));
    assert_eq!(kept[0].fault(), Some((Stage::Proxy, &Fault::ResetByPeer { received: 0 })));
    assert!(kept[1].is_try_cut_off(), "the retry says nothing, and it was begun");
}

#[tokio::test]
async fn a_row_that_is_under_way_when_the_time_is_up_keeps_what_it_saw_before() {
    let peer = Peer::playing(vec![vec![Turn::Hear, Turn::Hold]]).await;
    let (ended, kept) = run(&peer, &["plain.example"], Duration::from_millis(600)).await;
    assert_eq!((ended, kept.len()), (Ended::OutOfTime, 1));
    assert_eq!(stages(&kept[0]), [Stage::Dns, Stage::Tcp, Stage::Proxy]);
    assert!(kept[0].tcp().is_some_and(|tcp| tcp.carried.is_some()));
    assert_eq!(kept[0].fault(), Some((Stage::Proxy, &Fault::BudgetSpent)));
}

#[tokio::test]
async fn no_row_and_no_retry_sends_a_password_again_that_was_answered_with_a_reset() {
    let resets = || vec![Turn::Hear, Turn::say(challenge(&["Basic realm=\"proxy\""])), Turn::Hear, Turn::Reset];
    let peer = Peer::playing((0..8).map(|_| resets()).collect()).await;
    let (ended, kept) = run(&peer, &["a.example", "b.example", "c.example"], Duration::from_secs(10)).await;
    let sent = peer.heard().iter().filter(|request| request.contains("Proxy-Authorization")).count();
    assert_eq!((ended, kept.len(), sent), (Ended::Complete, 3, 1));
    let count = |fault: Fault| kept.iter().filter(|seen| seen.fault() == Some((Stage::Proxy, &fault))).count();
    assert_eq!((count(Fault::ResetByPeer { received: 0 }), count(Fault::CredentialsUnanswered)), (1, 2));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    /// A reply with bytes changed, lost and cut off ends the dialogue one way or another, with its legs kept.
    #[test]
    fn no_reply_makes_the_dialogue_panic_or_go_on_for_ever(
        changes in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>(), any::<bool>()), 0..12),
        length in any::<prop::sample::Index>(),
        is_cut in any::<bool>(),
    ) {
        let mut reply = challenge(&["Digest realm=\"proxy\", nonce=\"abc=\", qop=\"auth\"", "Basic realm=\"proxy\""]);
        reply.push_str(OPENED);
        let mut reply = reply.into_bytes();
        for (place, byte, is_lost) in changes {
            let place = place.index(reply.len());
            if is_lost {
                reply.remove(place);
            } else {
                reply[place] = byte;
            }
        }
        if is_cut {
            reply.truncate(length.index(reply.len()));
        }
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        let told = runtime.block_on(async {
            let turns = || vec![Turn::Hear, Turn::say(&reply)];
            let peer = Peer::playing(vec![turns(), turns(), turns(), turns()]).await;
            tunnel_as(Identity::User, &peer, anna()).await
        });
        prop_assert!(told.evidence.legs.len() <= 8);
        prop_assert!(told.result.is_ok() || !told.evidence.legs.is_empty());
    }
}
