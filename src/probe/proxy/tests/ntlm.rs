//! NTLM, by itself and inside Negotiate: three messages, two of them on one connection.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use secrecy::SecretSlice;

use super::*;
use crate::auth::spnego;
use crate::net::{Bearer, Clock, NtlmMessages, Ticket, TokenFailure, TokenSource};
use crate::observation::{TicketProblem, Token};
use crate::plan::Mechanism;

/// A challenge of 32 bytes, as short as they come.
const TYPE2: &str = "TlRMTVNTUAACAAAAAAAAAAAAAAAFgoiiAQIDBAUGBwg=";
const TYPE1: &str = "TlRMTVNTUAABAAAAB4IIogAAAAAAAAAAAAAAAAAAAAAKAGNFAAAADw==";
/// Anna's answer to it at [`NOON`], computed with another implementation of MS-NLMP.
const TYPE3: &str = "TlRMTVNTUAADAAAAGAAYAEgAAAA0ADQAYAAAAAAAAACUAAAACAAIAJQAAAAOAA4AnAAAAAAAAACqAAAABYKIogoAY0UAAAAPWur2GdI1hLi\
                     q2fkULPn5VN6tvu8AAQIDYjX7MubY6YtGMrxRnthE9wEBAAAAAAAAAARQbWx63QHerb7vAAECAwAAAAAAAAAAAAAAAGEAbgBuAGEAVwBBAFAA\
                     UgBPAEIARQA=";
const NOON: &str = "2026-11-22T10:30:00Z";
const BASIC: &str = "Basic realm=\"proxy\"";

fn ntlm(token: &str) -> String {
    challenge(&[format!("NTLM {token}").trim_end()])
}

fn negotiate(token: &str) -> String {
    challenge(&[format!("Negotiate {token}").trim_end()])
}

/// These replies on one connection, each to one request; a tunnel behind the last.
fn replies(replies: &[&str]) -> Vec<Turn> {
    let mut turns: Vec<Turn> = replies.iter().flat_map(|reply| [Turn::Hear, Turn::say(reply)]).collect();
    turns.push(Turn::Echo);
    turns
}

fn at_noon(access: Access) -> Context {
    let mut context = context(access);
    context.net.clock = Clock::Fixed(NOON.parse().expect("a moment"));
    context
}

async fn as_anna(peer: &Peer, scheme: SchemeChoice) -> Told<Connection> {
    tunnel(&route(&peer.proxy(), Identity::User, scheme), &at_noon(anna())).await
}

fn tokens(told: &Told<Connection>) -> Vec<(u32, Option<Token>)> {
    let token = |leg: &crate::observation::Leg| leg.credential.as_ref().and_then(|credential| credential.token);
    told.evidence.legs.iter().map(|leg| (leg.connection, token(leg))).collect()
}

/// What a request's credential carries, once it is taken out of Negotiate.
fn carried(request: &str) -> spnego::Token {
    let value = request.split_once("Proxy-Authorization: Negotiate ").expect("a token").1;
    spnego::unwrap(&STANDARD.decode(value.trim_end()).expect("base64"))
}

#[tokio::test]
async fn three_messages_byte_for_byte_on_the_one_connection() {
    let first = challenge(&["NTLM", BASIC]);
    let peer = Peer::playing(vec![replies(&[&first, &ntlm(TYPE2), OPENED])]).await;
    let told = as_anna(&peer, SchemeChoice::Auto).await;
    assert_eq!(peer.heard(), [BARE.to_owned(), with(&format!("NTLM {TYPE1}")), with(&format!("NTLM {TYPE3}"))]);
    let legs = [
        (1, None, Some(407), true),
        (1, Some(Scheme::Ntlm), Some(407), true),
        (1, Some(Scheme::Ntlm), Some(200), true),
    ];
    assert_eq!((told.legs(), told.evidence.scheme), (legs.to_vec(), Some(Scheme::Ntlm)));
    let told_of = told.evidence.legs[1].challenges[0].ntlm.as_ref().expect("a challenge that was read");
    assert_eq!((told_of.length, told_of.flags), (32, 0xa288_8205));
    assert!(works(told.result.expect("a tunnel")).await);
}

#[tokio::test]
async fn a_connection_that_ends_between_the_messages_ends_the_dialogue() {
    let closing = ntlm(TYPE2).replace("Content-Length", "Connection: close\r\nContent-Length");
    let announced = replies(&[&ntlm(""), &closing]);
    let silent = vec![Turn::Hear, Turn::say(ntlm("")), Turn::Hear, Turn::say(ntlm(TYPE2)), Turn::Hear];
    let reset = vec![Turn::Hear, Turn::say(ntlm("")), Turn::Hear, Turn::say(ntlm(TYPE2)), Turn::Hear, Turn::Reset];
    for (what, turns, sent) in [("announced", announced, 2), ("silent", silent, 3), ("reset", reset, 3)] {
        let next = vec![Turn::Hear, Turn::say(ntlm("")), Turn::Hear, Turn::say(ntlm(TYPE2)), Turn::Hear];
        let peer = Peer::playing(vec![turns, next]).await;
        let (context, route) = (at_noon(anna()), route(&peer.proxy(), Identity::User, SchemeChoice::Auto));
        let told = tunnel(&route, &context).await;
        assert_eq!(told.fault(), Some(&Fault::ClosedMidExchange), "{what}");
        assert_eq!(peer.heard().len(), sent, "{what}: nothing goes over another connection");
        assert!(told.evidence.legs.iter().all(|leg| leg.connection == 1), "{what}");
        let other = tunnel(&route, &context).await;
        let is_left_alone = other.fault() == Some(&Fault::CredentialsUnanswered);
        assert_eq!(is_left_alone, sent == 3, "{what}: {:?}", other.fault());
    }
}

#[tokio::test]
async fn a_bare_407_that_closes_costs_a_connection_and_no_more() {
    let closing = ntlm("").replace("Content-Length", "Connection: close\r\nContent-Length");
    let promised = vec![Turn::Hear, Turn::say(ntlm("")), Turn::Hear];
    for first in [replies(&[&closing]), promised] {
        let peer = Peer::playing(vec![first, replies(&[&ntlm(TYPE2), OPENED])]).await;
        let told = as_anna(&peer, SchemeChoice::Auto).await;
        let expected = [(1, None), (2, Some(Token::NtlmType1)), (2, Some(Token::NtlmType3))];
        assert_eq!((tokens(&told), told.fault()), (expected.to_vec(), None));
        assert!(!told.evidence.legs[0].kept_open);
        assert!(works(told.result.expect("a tunnel")).await);
    }
}

#[tokio::test]
async fn old_proxies_keep_the_connection_under_its_old_name() {
    let old = |token: &str| {
        ntlm(token)
            .replace("HTTP/1.1", "HTTP/1.0")
            .replace("Content-Length", "Proxy-Connection: keep-alive\r\nContent-Length")
    };
    let peer = Peer::playing(vec![replies(&[&old(""), &old(TYPE2), OPENED])]).await;
    let told = as_anna(&peer, SchemeChoice::Auto).await;
    assert_eq!((told.evidence.legs.len(), told.fault()), (3, None));
    assert!(works(told.result.expect("a tunnel")).await);
}

#[tokio::test]
async fn a_407_for_ever_ends_in_a_loop_and_tries_no_password() {
    let peer = Peer::playing(vec![replies(&[ntlm("").as_str(); 20])]).await;
    let told = as_anna(&peer, SchemeChoice::Auto).await;
    assert_eq!((told.fault(), told.evidence.legs.len()), (Some(&Fault::AuthenticationLoop), 8));
    assert!(tokens(&told)[1..].iter().all(|(_, token)| *token == Some(Token::NtlmType1)));
}

/// Somebody left NTLM switched on, and nothing behind it: the proxy repeats its 407, or ends the connection.
#[tokio::test]
async fn an_ntlm_that_is_offered_and_never_answered_gives_way_to_basic() {
    let both = challenge(&["NTLM", "Basic realm=\"proxy\""]);
    let repeats = vec![replies(&[&both, &both, &both]), replies(&[OPENED])];
    let closes = vec![vec![Turn::Hear, Turn::say(&both), Turn::Hear], vec![Turn::Hear], replies(&[OPENED])];
    for (what, script) in [("repeats", repeats), ("closes", closes)] {
        let peer = Peer::playing(script).await;
        let told = as_anna(&peer, SchemeChoice::Auto).await;
        assert_eq!(told.fault(), None, "{what}: {:?}", told.evidence.legs);
        assert_eq!(told.evidence.scheme, Some(Scheme::Basic), "{what}");
        let [passed] = told.evidence.passed_over.as_slice() else { panic!("{what}: {:?}", told.evidence.passed_over) };
        assert_eq!((passed.scheme, &passed.why), (Scheme::Ntlm, &Fault::NtlmUnanswered), "{what}");
        let passwords = peer.heard().iter().filter(|head| head.contains("Proxy-Authorization: Basic ")).count();
        assert_eq!(passwords, 1, "{what}");
        assert!(works(told.result.expect("a tunnel")).await, "{what}");
    }
}

/// What was asked for by name is not replaced, and what may not be sent is no way out.
#[tokio::test]
async fn an_ntlm_that_is_never_answered_stays_the_matter_where_nothing_else_can_be_used() {
    let both = challenge(&["NTLM", "Basic realm=\"proxy\""]);
    let clear = Access { basic_cleartext: false, ..anna() };
    for (access, scheme) in [(anna(), SchemeChoice::Forced(Scheme::Ntlm)), (clear, SchemeChoice::Auto)] {
        let peer = Peer::playing(vec![replies(&[both.as_str(); 20])]).await;
        let told = tunnel(&route(&peer.proxy(), Identity::User, scheme), &at_noon(access)).await;
        assert_eq!(told.fault(), Some(&Fault::AuthenticationLoop), "{scheme:?}");
        assert!(peer.heard().iter().all(|head| !head.contains("Proxy-Authorization: Basic ")), "{scheme:?}");
    }
}

#[tokio::test]
async fn a_tunnel_that_opens_early_says_nothing_of_the_password() {
    let refuses = || replies(&[&ntlm(""), &ntlm(TYPE2), &ntlm("")]);
    let peer = Peer::playing(vec![replies(&[&ntlm(""), OPENED]), refuses(), refuses()]).await;
    let (route, context) = (route(&peer.proxy(), Identity::User, SchemeChoice::Auto), at_noon(anna()));
    let told = tunnel(&route, &context).await;
    assert_eq!((tokens(&told), told.fault()), (vec![(1, None), (1, Some(Token::NtlmType1))], None));
    assert!(works(told.result.expect("a tunnel")).await);

    assert_eq!(tunnel(&route, &context).await.fault(), Some(&Fault::CredentialsRefused));
    assert_eq!(tunnel(&route, &context).await.fault(), Some(&Fault::CredentialsAlreadyRefused));
    let tried = peer.heard().iter().filter(|request| request.contains(TYPE3)).count();
    assert_eq!(tried, 1);
}

#[tokio::test]
async fn a_second_challenge_behind_the_answer_is_a_refusal() {
    for last in [ntlm(""), ntlm(TYPE2), challenge(&[BASIC]), challenge(&[])] {
        let peer = Peer::playing(vec![replies(&[&ntlm(""), &ntlm(TYPE2), &last])]).await;
        let told = as_anna(&peer, SchemeChoice::Auto).await;
        assert_eq!((told.fault(), told.evidence.legs.len()), (Some(&Fault::CredentialsRefused), 3), "{last}");
    }
}

#[tokio::test]
async fn what_is_no_challenge_is_named() {
    for (token, why) in [
        ("a", "the token is not base64: Invalid input length: 1"),
        ("aGVsbG8=", "the token is no NTLM message"),
        ("TlRMTVNTUAACAAAA", "the NTLM challenge is cut short after 12 bytes"),
        (TYPE1, "an NTLM message of type 1 came in place of type 2"),
    ] {
        let peer = Peer::playing(vec![replies(&[&ntlm(""), &ntlm(token)])]).await;
        let told = as_anna(&peer, SchemeChoice::Auto).await;
        assert_eq!(told.fault(), Some(&Fault::ChallengeUnreadable { detail: why.to_owned() }));
    }
}

#[tokio::test]
async fn a_challenge_under_the_status_of_a_server_is_answered_to_its_end() {
    let confused = |token: &str| ntlm(token).replace("407 Proxy Authentication Required", "401 Unauthorized");
    let peer = Peer::playing(vec![replies(&[&confused(""), &confused(TYPE2), OPENED])]).await;
    assert_eq!(as_anna(&peer, SchemeChoice::Auto).await.fault(), None);
    let peer = Peer::playing(vec![replies(&[&confused(""), &confused(TYPE2), &confused("")])]).await;
    assert_eq!(as_anna(&peer, SchemeChoice::Auto).await.fault(), Some(&Fault::CredentialsRefused));
}

#[tokio::test]
async fn the_strongest_that_is_offered_is_taken_in_whatever_order_it_comes() {
    let digest = "Digest realm=\"proxy\", nonce=\"abc=\", qop=\"auth\"";
    for (offered, first) in [
        (vec![BASIC, digest, "NTLM", "Negotiate"], Scheme::Negotiate),
        (vec![BASIC, digest, "ntlm"], Scheme::Ntlm),
        (vec![BASIC, digest], Scheme::Digest),
        (vec![BASIC], Scheme::Basic),
    ] {
        let peer = Peer::playing(vec![replies(&[&challenge(&offered), OPENED])]).await;
        let told = as_anna(&peer, SchemeChoice::Auto).await;
        assert_eq!((told.evidence.scheme, told.fault()), (Some(first), None));
    }
}

#[tokio::test]
async fn negotiate_carries_it_bare() {
    let peer = Peer::playing(vec![replies(&[&negotiate(""), &negotiate(TYPE2), OPENED])]).await;
    let told = as_anna(&peer, SchemeChoice::Forced(Scheme::Negotiate)).await;
    assert_eq!(peer.heard()[1..], [with(&format!("Negotiate {TYPE1}")), with(&format!("Negotiate {TYPE3}"))]);
    assert_eq!((told.evidence.scheme, told.fault()), (Some(Scheme::Negotiate), None));
}

#[tokio::test]
async fn negotiate_carries_it_in_spnego_where_bare_is_not_understood() {
    let type2 = STANDARD.decode(TYPE2).expect("base64");
    let wrapped = negotiate(&STANDARD.encode(spnego::wrap_next(&type2)));
    for first in [negotiate(""), wrapped.clone()] {
        let peer = Peer::playing(vec![replies(&[&negotiate(""), &first, &wrapped, OPENED])]).await;
        let told = as_anna(&peer, SchemeChoice::Auto).await;
        let kinds: Vec<_> = tokens(&told).into_iter().map(|(_, token)| token).collect();
        let expected = [None, Some(Token::NtlmType1), Some(Token::NtlmType1), Some(Token::NtlmType3)];
        assert_eq!((kinds, told.fault()), (expected.to_vec(), None));
        let heard = peer.heard();
        let forms: Vec<bool> = heard[1..].iter().map(|request| carried(request).is_wrapped).collect();
        assert_eq!(forms, [false, true, true]);
        let last = carried(&heard[3]);
        assert_eq!(
            (last.mechanism, last.inner),
            (Some(Mechanism::Ntlm), Some(STANDARD.decode(TYPE3).expect("base64")))
        );
        let read = told.evidence.legs[2].challenges[0].ntlm.as_ref();
        assert_eq!(read.map(|challenge| challenge.length), Some(32), "read through its envelope");
    }
}

#[tokio::test]
async fn a_negotiate_that_takes_no_ntlm_is_passed_over_for_the_next() {
    let offered = challenge(&["Negotiate", "NTLM", BASIC]);
    let type2 = challenge(&["Negotiate", &format!("NTLM {TYPE2}"), BASIC]);
    // Proxies do not look at NTLM on a connection on which Negotiate was tried.
    let scripts = vec![replies(&[&offered, &offered, &offered]), replies(&[&type2, OPENED])];
    let peer = Peer::playing(scripts).await;
    let told = as_anna(&peer, SchemeChoice::Auto).await;
    assert_eq!((told.evidence.scheme, told.fault()), (Some(Scheme::Ntlm), None));
    assert_eq!(told.evidence.legs.iter().map(|leg| leg.connection).collect::<Vec<_>>(), [1, 1, 1, 2, 2]);
    let [kerberos, passed] = &told.evidence.passed_over[..] else { panic!("{:?}", told.evidence.passed_over) };
    assert_eq!((kerberos.scheme, kerberos.mechanism), (Scheme::Negotiate, Some(Mechanism::Kerberos)));
    assert_eq!((passed.scheme, passed.mechanism), (Scheme::Negotiate, Some(Mechanism::Ntlm)));
    assert_eq!(passed.why, Fault::NtlmNotTaken);
    assert!(works(told.result.expect("a tunnel")).await);

    let peer = Peer::playing(vec![replies(&[&offered, &offered, &offered, OPENED])]).await;
    let told = as_anna(&peer, SchemeChoice::Forced(Scheme::Negotiate)).await;
    assert_eq!(told.evidence.legs.len(), 3);
    // It has to be asked by Kerberos, for which the proxy's address is in the way.
    let by_name = matches!(told.fault(), Some(Fault::NoTicket { problem: TicketProblem::Address, .. }));
    assert!(by_name, "{:?}", told.fault());
}

/// The second connection plays the part of the proxy that the first row found to refuse.
#[tokio::test]
async fn a_password_that_negotiate_refused_is_not_tried_by_ntlm() {
    let offered = challenge(&["Negotiate", "NTLM"]);
    let refuses = replies(&[&offered, &negotiate(TYPE2), &offered]);
    let peer = Peer::playing(vec![refuses, replies(&[&offered, OPENED])]).await;
    let context = at_noon(anna());
    let told = |scheme| route(&peer.proxy(), Identity::User, scheme);
    assert_eq!(tunnel(&told(SchemeChoice::Auto), &context).await.fault(), Some(&Fault::CredentialsRefused));
    let other = told(SchemeChoice::Forced(Scheme::Ntlm));
    assert_eq!(tunnel(&other, &context).await.fault(), Some(&Fault::CredentialsAlreadyRefused));
}

#[tokio::test]
async fn an_absolute_request_is_authenticated_in_the_same_way() {
    let peer =
        Peer::playing(vec![replies(&[&ntlm(""), &ntlm(TYPE2), "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"])])
            .await;
    let context = at_noon(anna());
    let route = route(&peer.proxy(), Identity::User, SchemeChoice::Auto);
    let endpoint = context.catalogue.endpoint_for_host("adl.windows.com").expect("a catalogued host");
    let (stream, attempts) = connected(endpoint, &route, &context).await;
    let told = Told::of(
        super::super::ask_absolute(stream, endpoint, &route, &attempts, (&context, &Secrets::default())).await,
    );
    assert_eq!(told.result.map(|answer| answer.evidence.status).ok(), Some(Some(404)));
    assert!(peer.heard()[2].contains(&format!("Proxy-Authorization: NTLM {TYPE3}")));
}

#[tokio::test]
async fn nothing_that_is_kept_holds_the_answer() {
    let peer = Peer::playing(vec![replies(&[&ntlm(""), &ntlm(TYPE2), OPENED])]).await;
    let told = as_anna(&peer, SchemeChoice::Auto).await;
    let kept = format!("{:?} {}", told.evidence, serde_json::to_string(&told.evidence).expect("writable"));
    for secret in ["hunter2", &TYPE3[..60], &TYPE3[80..140]] {
        assert!(!kept.contains(secret), "{kept}");
    }
}

/// A system that makes NTLM's messages of whoever is signed in, and has no tickets.
#[derive(Debug)]
struct SignedInSystem;

#[derive(Debug)]
struct SystemMessages;

impl TokenSource for SignedInSystem {
    fn token(&self, _: &Bearer, host: &str) -> Result<Ticket, TokenFailure> {
        Err(TokenFailure::new(TicketProblem::NoTicket, host))
    }

    fn missing(&self) -> Option<String> {
        None
    }

    fn signed_in(&self) -> Result<String, TokenFailure> {
        Ok("CORP\\anna".to_owned())
    }

    fn makes_ntlm(&self) -> bool {
        true
    }

    fn ntlm(&self, _: &Bearer, _: &str) -> Option<Box<dyn NtlmMessages>> {
        Some(Box::new(SystemMessages))
    }

    fn is_machine(&self) -> Result<(), String> {
        Err("this program does not run as SYSTEM".to_owned())
    }
}

impl NtlmMessages for SystemMessages {
    fn opening(&mut self) -> Result<Vec<u8>, TokenFailure> {
        Ok(b"the system opens".to_vec())
    }

    fn answer(&mut self, challenge: &[u8]) -> Result<SecretSlice<u8>, TokenFailure> {
        assert_eq!(STANDARD.encode(challenge), TYPE2);
        Ok(b"the system answers".to_vec().into())
    }
}

fn signed_in() -> Context {
    let mut context = context(Access::default());
    context.net.tokens = Arc::new(SignedInSystem);
    // Whoever vouches is known when the context is made.
    Context::new(context.catalogue, context.plan, context.net, context.access, context.machine_roots)
}

#[tokio::test]
async fn who_is_signed_in_speaks_ntlm_by_the_systems_messages() {
    let peer = Peer::playing(vec![replies(&[&challenge(&["NTLM", BASIC]), &ntlm(TYPE2), OPENED])]).await;
    let told = tunnel(&route(&peer.proxy(), Identity::User, SchemeChoice::Auto), &signed_in()).await;
    let sent =
        ["the system opens", "the system answers"].map(|token| with(&format!("NTLM {}", STANDARD.encode(token))));
    assert_eq!(peer.heard()[1..], sent);
    assert_eq!((told.evidence.scheme, told.fault()), (Some(Scheme::Ntlm), None));
    let detail = told.evidence.legs[2].credential.as_ref().map(|credential| credential.detail.as_str());
    assert_eq!(detail, Some("type 3, made by the system"));
}

#[tokio::test]
async fn a_sign_in_that_is_refused_is_shown_to_the_proxy_once() {
    let refusing = || replies(&[&ntlm(""), &ntlm(TYPE2), &ntlm("")]);
    let peer = Peer::playing(vec![refusing(), refusing()]).await;
    let (context, route) = (signed_in(), route(&peer.proxy(), Identity::User, SchemeChoice::Auto));
    assert_eq!(tunnel(&route, &context).await.fault(), Some(&Fault::CredentialsRefused));
    assert_eq!(tunnel(&route, &context).await.fault(), Some(&Fault::CredentialsAlreadyRefused));
    let answers = peer.heard().iter().filter(|heard| heard.contains(&STANDARD.encode("the system answers"))).count();
    assert_eq!(answers, 1);
}

#[tokio::test]
async fn a_person_is_not_taken_for_the_machine() {
    let peer = Peer::playing(vec![replies(&[&ntlm("")])]).await;
    let told = tunnel(&route(&peer.proxy(), Identity::Device, SchemeChoice::Auto), &signed_in()).await;
    let fault = told.fault().map(|fault| format!("{fault:?}")).unwrap_or_default();
    assert!(
        fault.contains("no machine account with a password was given, and this program does not run as SYSTEM"),
        "{fault}"
    );
}

/// The reply with a page of so many bytes, in chunks where asked for.
fn with_page(reply: &str, length: usize, is_chunked: bool) -> String {
    let head = reply.split_once("\r\n\r\n").expect("a head").0;
    let head: Vec<&str> = head.split("\r\n").filter(|line| !line.starts_with("Content-Length")).collect();
    let (head, page) = (head.join("\r\n"), "x".repeat(length));
    if is_chunked {
        let chunk = |one: &[u8]| format!("{:x}\r\n{}\r\n", one.len(), "x".repeat(one.len()));
        let chunks: Vec<String> = page.as_bytes().chunks(8000).map(chunk).collect();
        let chunks = chunks.concat();
        return format!("{head}\r\nTransfer-Encoding: chunked\r\n\r\n{chunks}0\r\n\r\n");
    }
    format!("{head}\r\nContent-Length: {length}\r\n\r\n{page}")
}

#[tokio::test]
async fn a_page_of_up_to_4_mb_is_read_to_its_end_and_the_login_goes_on_behind_it() {
    for (length, is_chunked) in [(180_000, false), (180_000, true), (4 << 20, false), (4 << 20, true)] {
        let (first, second) = (with_page(&ntlm(""), length, is_chunked), with_page(&ntlm(TYPE2), length, is_chunked));
        let peer = Peer::playing(vec![replies(&[&first, &second, OPENED])]).await;
        let told = as_anna(&peer, SchemeChoice::Auto).await;
        assert_eq!((told.fault(), told.legs().len()), (None, 3), "{length} bytes, in chunks: {is_chunked}");
        assert!(told.legs().iter().all(|(connection, ..)| *connection == 1));
        assert!(works(told.result.expect("a tunnel")).await);
    }
}

#[tokio::test]
async fn a_longer_page_is_left_by_this_side_and_nobody_else_is_said_to_close() {
    let longer = 5 << 20;
    let peer = Peer::playing(vec![replies(&[&ntlm(""), &with_page(&ntlm(TYPE2), longer, false)])]).await;
    let told = as_anna(&peer, SchemeChoice::Auto).await;
    assert_eq!(told.fault(), Some(&Fault::PageNotRead));
    assert!(told.evidence.legs[1].left_unread && !told.evidence.legs[1].kept_open);

    let first = with_page(&ntlm(""), longer, false);
    let peer = Peer::playing(vec![replies(&[&first]), replies(&[&ntlm(TYPE2), OPENED])]).await;
    let told = as_anna(&peer, SchemeChoice::Auto).await;
    assert!(told.evidence.legs[0].left_unread, "and the login goes on over another connection");
    assert!(works(told.result.expect("a tunnel")).await);
}
