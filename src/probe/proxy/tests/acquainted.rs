//! No request is wasted: what one row was asked for, the others bring along.

use super::authentication::{ANNA_BY_BASIC, BASIC, DIGEST, by_basic, by_digest, credentials, guarded, three};
use super::*;
use crate::auth::read_challenges;

const TYPE1: &str = "NTLM TlRMTVNTUAAB";
const TYPE2: &str = "NTLM TlRMTVNTUAACAAAAAAAAAAAAAAAFgoiiAQIDBAUGBwg=";
const TYPE3: &str = "NTLM TlRMTVNTUAAD";

fn by_ntlm(request: &str) -> String {
    if request.contains(TYPE3) {
        OPENED.to_owned()
    } else if request.contains(TYPE1) {
        challenge(&[TYPE2])
    } else {
        challenge(&["NTLM"])
    }
}

/// Anna's row behind one that went without a name, both over connections that answer like this.
async fn behind_bypass(answer: fn(&str) -> String) -> (Told<Connection>, Vec<String>) {
    let peer = Peer::playing(vec![guarded(answer), guarded(answer)]).await;
    let context = context(anna());
    let bare = tunnel(&route(&peer.proxy(), Identity::Bypass, SchemeChoice::Auto), &context).await;
    assert_eq!(bare.fault(), Some(&Fault::CredentialsWanted));
    let told = tunnel(&route(&peer.proxy(), Identity::User, SchemeChoice::Auto), &context).await;
    (told, peer.heard().split_off(1))
}

#[tokio::test]
async fn behind_a_row_without_a_name_basic_and_digest_ask_once_and_ntlm_twice() {
    for (answer, requests) in [(by_basic as fn(&str) -> String, 1), (by_digest, 1), (by_ntlm, 2)] {
        let (told, heard) = behind_bypass(answer).await;
        assert_eq!((heard.len(), told.fault()), (requests, None), "{heard:?}");
        assert_eq!(credentials(&heard), requests);
        assert_eq!(told.evidence.legs.len(), requests);
        assert!(works(told.result.expect("a tunnel")).await);
    }
}

#[tokio::test]
async fn of_rows_that_begin_together_one_is_asked_for_the_others() {
    for (answer, requests) in [(by_basic as fn(&str) -> String, 1 + 3), (by_digest, 1 + 3), (by_ntlm, 1 + 2 * 3)] {
        let (told, heard) = three(|| guarded(answer), [SchemeChoice::Auto; 3]).await;
        assert!(told.iter().all(|told| told.fault().is_none()), "{heard:?}");
        assert_eq!(heard.len(), requests, "{heard:?}");
    }
}

#[tokio::test]
async fn ntlm_asked_for_by_name_begins_with_its_first_message() {
    let forced = SchemeChoice::Forced(Scheme::Ntlm);
    let (told, heard) = three(|| guarded(by_ntlm), [forced; 3]).await;
    assert!(told.iter().all(|told| told.fault().is_none()) && heard.len() == 6, "{heard:?}");

    // Where it is not offered, that was one request, and no password.
    let peer = Peer::playing(vec![guarded(by_basic)]).await;
    let told = tunnel(&route(&peer.proxy(), Identity::User, forced), &context(anna())).await;
    assert_eq!((told.fault(), peer.heard().len()), (Some(&Fault::SchemeNotOffered), 1));
    assert_eq!(told.evidence.legs[0].challenges.len(), 1, "what it offers is kept");
}

/// A context in which a proxy has made these offers for another target than the tests'.
fn told_elsewhere(peer: &Peer, challenges: &[&str]) -> Context {
    let context = context(anna());
    let offers = read_challenges(challenges.iter().map(|challenge| challenge.as_bytes()));
    context.proxies.of(&peer.proxy()).acquaintance.ask("CONNECT elsewhere.example:443").challenged(&offers);
    context
}

async fn as_anna(peer: &Peer, context: &Context) -> Told<Connection> {
    tunnel(&route(&peer.proxy(), Identity::User, SchemeChoice::Auto), context).await
}

/// A proxy that lets everybody through to some hosts would seem to have taken a password that it never looked at.
#[tokio::test]
async fn an_unproved_password_goes_only_where_it_was_asked_for() {
    let peer = Peer::playing(vec![opens()]).await;
    let context = told_elsewhere(&peer, &[BASIC]);
    assert_eq!(as_anna(&peer, &context).await.fault(), None);
    assert_eq!(peer.heard(), [BARE]);

    let peer = Peer::playing(vec![guarded(by_basic)]).await;
    let context = told_elsewhere(&peer, &[BASIC]);
    context.proxies.of(&peer.proxy()).turn("anna").await.expect("nobody refused").accepted();
    assert_eq!(as_anna(&peer, &context).await.fault(), None);
    assert_eq!(peer.heard(), [with(ANNA_BY_BASIC)]);
}

#[tokio::test]
async fn what_a_target_wants_otherwise_is_answered_as_it_wants() {
    // A connection on which NTLM was begun is not used for another scheme.
    let peer = Peer::playing(vec![guarded(by_basic), guarded(by_basic)]).await;
    let told = as_anna(&peer, &told_elsewhere(&peer, &["NTLM"])).await;
    let heard = peer.heard();
    assert_eq!((told.fault(), told.evidence.scheme), (None, Some(Scheme::Basic)));
    assert!(heard[0].contains(TYPE1) && heard[1] == with(ANNA_BY_BASIC) && heard.len() == 2, "{heard:?}");

    // A digest that is not taken, by a proxy that is known to take the password.
    let peer = Peer::playing(vec![guarded(by_basic)]).await;
    let context = told_elsewhere(&peer, &[DIGEST]);
    context.proxies.of(&peer.proxy()).turn("anna").await.expect("nobody refused").accepted();
    assert_eq!(as_anna(&peer, &context).await.fault(), None);
    assert_eq!(peer.heard().len(), 2);
}

#[tokio::test]
async fn a_nonce_that_others_used_may_be_stale_once_more_than_a_fresh_one() {
    let stale = |nonce: &str| challenge(&[&format!("{}, stale=true", DIGEST.replace("abc=", nonce))]);
    for (answers, fault) in [(2, None), (3, Some(Fault::DigestStaleLoop))] {
        let mut turns: Vec<Turn> = (0..answers).flat_map(|_| [Turn::Hear, Turn::say(stale("new="))]).collect();
        turns.extend([Turn::Hear, Turn::say(OPENED), Turn::Echo]);
        let peer = Peer::playing(vec![turns]).await;
        let context = told_elsewhere(&peer, &[DIGEST]);
        context.proxies.of(&peer.proxy()).turn("anna").await.expect("nobody refused").accepted();
        assert_eq!(as_anna(&peer, &context).await.fault(), fault.as_ref());
    }
}

/// The connection grew old while its row waited for the others.
#[tokio::test]
async fn a_connection_that_closed_before_the_first_request_is_replaced() {
    let peer = Peer::playing(vec![guarded(by_basic), vec![], guarded(by_basic)]).await;
    let context = context(anna());
    tunnel(&route(&peer.proxy(), Identity::Bypass, SchemeChoice::Auto), &context).await;
    let endpoint = context.catalogue.endpoint_for_host(HOST).expect("a catalogued host");
    let route = route(&peer.proxy(), Identity::User, SchemeChoice::Auto);
    let (mut stream, attempts) = connected(endpoint, &route, &context).await;
    // Its end has arrived.
    let mut nothing = [0; 1];
    assert_eq!(stream.read(&mut nothing).await.ok(), Some(0));
    let told =
        Told::of(super::super::open_tunnel(stream, endpoint, &route, &attempts, (&context, &Secrets::default())).await);
    assert_eq!(told.fault(), None);
    assert_eq!(peer.heard()[1..], [with(ANNA_BY_BASIC)]);
}
