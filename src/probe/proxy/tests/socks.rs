//! SOCKS5 message for message.

use super::*;

/// The request to connect to [`HOST`] by name.
fn connect() -> Vec<u8> {
    let mut bytes = vec![5, 1, 0, 3, u8::try_from(HOST.len()).expect("a short name")];
    bytes.extend_from_slice(HOST.as_bytes());
    bytes.extend_from_slice(&443_u16.to_be_bytes());
    bytes
}

fn text(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| char::from(*byte)).collect()
}

fn socks(peer: &Peer, identity: Identity, scheme: SchemeChoice) -> PlannedRoute {
    let proxy = format!("socks5://127.0.0.1:{}", peer.port()).parse().expect("a proxy's address");
    route(&proxy, identity, scheme)
}

async fn open(peer: &Peer, identity: Identity, access: Access) -> Told<Connection> {
    tunnel(&socks(peer, identity, SchemeChoice::Auto), &context(access)).await
}

/// Greeting, choice of a method, request, this reply, and a tunnel.
fn plain(reply: &[u8]) -> Vec<Turn> {
    let request = connect().len();
    vec![Turn::HearBytes(3), Turn::say([5, 0]), Turn::HearBytes(request), Turn::say(reply), Turn::Echo]
}

fn with_password(verdict: [u8; 2]) -> Vec<Turn> {
    let request = connect().len();
    vec![
        Turn::HearBytes(4),
        Turn::say([5, 2]),
        Turn::HearBytes(3 + "anna".len() + "hunter2".len()),
        Turn::say(verdict),
        Turn::HearBytes(request),
        Turn::say([5, 0, 0, 1, 0, 0, 0, 0, 0, 0]),
        Turn::Echo,
    ]
}

#[tokio::test]
async fn the_proxy_resolves_the_name_and_its_own_address_may_be_of_any_kind() {
    let bound: [&[u8]; 3] = [
        &[5, 0, 0, 1, 10, 0, 0, 1, 0, 80],
        &[5, 0, 0, 3, 2, b'g', b'w', 0, 80],
        &[5, 0, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 80],
    ];
    for reply in bound {
        let peer = Peer::playing(vec![plain(reply)]).await;
        let told = open(&peer, Identity::Bypass, anna()).await;
        assert_eq!(peer.heard(), [text(&[5, 1, 0]), text(&connect())]);
        assert_eq!((told.fault(), told.evidence.scheme), (None, None));
        let requests: Vec<&str> = told.evidence.legs.iter().map(|leg| leg.request.as_str()).collect();
        assert_eq!(requests, ["SOCKS5 methods", "SOCKS5 CONNECT v10c.events.data.microsoft.com:443"]);
        assert!(works(told.result.expect("a tunnel")).await);
    }
}

#[tokio::test]
async fn a_password_goes_where_it_is_asked_for() {
    let peer = Peer::playing(vec![with_password([1, 0])]).await;
    let told = open(&peer, Identity::User, anna()).await;
    assert_eq!(peer.heard(), [text(&[5, 2, 0, 2]), "\x01\x04anna\x07hunter2".to_owned(), text(&connect())]);
    assert_eq!((told.fault(), told.evidence.scheme), (None, Some(Scheme::SocksPassword)));
    assert!(!format!("{:?}", told.evidence).contains("hunter2"));
    assert!(works(told.result.expect("a tunnel")).await);
}

#[tokio::test]
async fn a_refused_password_is_not_tried_again() {
    let peer = Peer::playing(vec![with_password([1, 1]), with_password([1, 1])]).await;
    let (route, context) = (socks(&peer, Identity::User, SchemeChoice::Auto), context(anna()));
    assert_eq!(tunnel(&route, &context).await.fault(), Some(&Fault::CredentialsRefused));
    assert_eq!(tunnel(&route, &context).await.fault(), Some(&Fault::CredentialsAlreadyRefused));
    assert_eq!(peer.heard().iter().filter(|heard| heard.contains("hunter2")).count(), 1);
}

#[tokio::test]
async fn a_password_that_the_proxy_breaks_off_over_is_not_sent_again() {
    let breaks = || vec![Turn::HearBytes(4), Turn::say([5, 2]), Turn::HearBytes(14), Turn::Reset];
    let peer = Peer::playing(vec![breaks(), breaks()]).await;
    let (route, context) = (socks(&peer, Identity::User, SchemeChoice::Auto), context(anna()));
    assert_eq!(tunnel(&route, &context).await.fault(), Some(&Fault::ResetByPeer { received: 0 }));
    assert_eq!(tunnel(&route, &context).await.fault(), Some(&Fault::CredentialsUnanswered));
    assert_eq!(peer.heard().iter().filter(|heard| heard.contains("hunter2")).count(), 1);
}

#[tokio::test]
async fn nor_does_a_password_go_out_readable_unless_that_was_asked_for() {
    let peer = Peer::playing(vec![with_password([1, 0])]).await;
    let told = open(&peer, Identity::User, Access { basic_cleartext: false, ..anna() }).await;
    assert_eq!((told.fault(), peer.heard().len()), (Some(&Fault::CleartextRefused), 1));
}

#[tokio::test]
async fn refusals_keep_their_code() {
    for (turns, fault) in [
        (plain(&[5, 2, 0, 1, 0, 0, 0, 0, 0, 0]), Fault::SocksRefused { reply: 2 }),
        (plain(&[5, 5]), Fault::SocksRefused { reply: 5 }),
        (vec![Turn::HearBytes(3), Turn::say([5, 255])], Fault::SocksRefused { reply: 255 }),
        (vec![Turn::HearBytes(3), Turn::say([5])], Fault::ClosedByPeer { received: 1 }),
        (vec![Turn::HearBytes(3), Turn::Hold], Fault::TimedOut { received: 0 }),
        (vec![Turn::HearBytes(3), Turn::Reset], Fault::ResetByPeer { received: 0 }),
        (
            vec![Turn::HearBytes(3), Turn::say("HTTP/1.1 400 Bad Request\r\n\r\n"), Turn::Hold],
            Fault::MalformedReply { detail: "the reply begins with 72 instead of 5".to_owned() },
        ),
        (
            vec![Turn::HearBytes(3), Turn::say([5, 1]), Turn::Hold],
            Fault::MalformedReply { detail: "the proxy chose method 1, which was not offered".to_owned() },
        ),
        (
            plain(&[5, 0, 0, 9, 0, 0]),
            Fault::MalformedReply { detail: "the reply has an address of the unknown kind 9".to_owned() },
        ),
    ] {
        let peer = Peer::playing(vec![turns]).await;
        assert_eq!(open(&peer, Identity::Bypass, Access::default()).await.fault(), Some(&fault));
    }
}

#[tokio::test]
async fn a_forced_scheme_is_the_only_one_offered() {
    let scheme = SchemeChoice::Forced(Scheme::SocksPassword);
    let peer = Peer::playing(vec![vec![Turn::HearBytes(3), Turn::say([5, 255])]]).await;
    let told = tunnel(&socks(&peer, Identity::User, scheme), &context(anna())).await;
    assert_eq!((told.fault(), peer.heard()), (Some(&Fault::SchemeNotOffered), vec![text(&[5, 1, 2])]));

    let peer = Peer::playing(vec![vec![Turn::HearBytes(3)]]).await;
    let told = tunnel(&socks(&peer, Identity::User, SchemeChoice::Forced(Scheme::Digest)), &context(anna())).await;
    assert_eq!((told.fault(), told.evidence.legs.len()), (Some(&Fault::SchemeNotOffered), 0));
}
