//! A plain http address asked for in absolute form.

use super::super::Answer;
use super::*;

const BARE: &str = concat!(
    "GET http://adl.windows.com/ HTTP/1.1\r\n",
    "Host: adl.windows.com\r\n",
    "User-Agent: waprobe/",
    env!("CARGO_PKG_VERSION"),
    "\r\n",
    "Accept: */*\r\n",
    "Proxy-Connection: Keep-Alive\r\n",
    "\r\n",
);

async fn ask(identity: Identity, peer: &Peer) -> Told<Answer> {
    let context = context(anna());
    let route = route(&peer.proxy(), identity, SchemeChoice::Auto);
    let endpoint = context.catalogue.endpoint_for_host("adl.windows.com").expect("a catalogued host");
    let (stream, attempts) = connected(endpoint, &route, &context).await;
    Told::of(super::super::ask_absolute(stream, endpoint, &route, &attempts, (&context, &Secrets::default())).await)
}

#[tokio::test]
async fn the_first_answer_that_is_no_challenge_is_the_endpoints() {
    let reply = "HTTP/1.1 404 Not Found\r\nServer: Microsoft-IIS/10.0\r\nContent-Length: 4\r\n\r\nnone";
    let peer = Peer::playing(vec![vec![Turn::Hear, Turn::say(reply), Turn::Hold]]).await;
    let told = ask(Identity::Bypass, &peer).await;
    assert_eq!(peer.heard(), [BARE]);
    assert_eq!(told.legs(), [(1, None, Some(404), true)]);
    let answer = told.result.expect("an answer");
    assert_eq!(answer.evidence.request, "GET http://adl.windows.com/");
    assert_eq!((answer.evidence.status, answer.evidence.header("server")), (Some(404), Some("Microsoft-IIS/10.0")));
    assert_eq!((answer.evidence.body_start.as_slice(), answer.evidence.body_length), (b"none".as_slice(), 4));
    assert_eq!(answer.fault, None);
}

#[tokio::test]
async fn challenges_are_answered_as_those_to_connect_are() {
    let digest = challenge(&["Digest realm=\"proxy\", nonce=\"abc=\", qop=\"auth\", algorithm=MD5"]);
    let script = || vec![vec![Turn::Hear, Turn::say(&digest), Turn::Hear, Turn::say("HTTP/1.1 200 OK\r\n\r\nhello")]];
    let peer = Peer::playing(script()).await;
    let told = ask(Identity::User, &peer).await;
    let heard = peer.heard();
    assert!(heard[1].starts_with("GET http://adl.windows.com/ HTTP/1.1\r\n"), "{}", heard[1]);
    assert!(heard[1].contains("uri=\"http://adl.windows.com/\", response=\"28bfde3ba5deb21688816d8de06a6203\""));
    assert_eq!(told.evidence.scheme, Some(Scheme::Digest));
    assert_eq!(told.result.expect("an answer").evidence.body_start, b"hello");

    let peer = Peer::playing(script()).await;
    assert_eq!(ask(Identity::Bypass, &peer).await.fault(), Some(&Fault::CredentialsWanted));
}

#[tokio::test]
async fn a_body_that_ends_early_is_said_to() {
    let reply = "HTTP/1.1 200 OK\r\nContent-Length: 40\r\n\r\nhello";
    let peer = Peer::playing(vec![vec![Turn::Hear, Turn::say(reply)]]).await;
    let answer = ask(Identity::Bypass, &peer).await.result.expect("an answer");
    assert_eq!((answer.fault, answer.evidence.body_length), (Some(Fault::Truncated), 5));
}

#[tokio::test]
async fn an_answer_that_never_comes_stops_at_the_proxy() {
    let peer = Peer::playing(vec![vec![Turn::Hear, Turn::Hold]]).await;
    let told = ask(Identity::Bypass, &peer).await;
    assert_eq!(told.fault(), Some(&Fault::TimedOut { received: 0 }));
    assert_eq!(told.evidence.legs[0].request, "GET http://adl.windows.com/");
}
