//! What proxies answer to a CONNECT without credentials.

use super::*;

async fn bypass(turns: Vec<Turn>) -> Told<Connection> {
    let peer = Peer::playing(vec![turns]).await;
    tunnel_as(Identity::Bypass, &peer, Access::default()).await
}

#[tokio::test]
async fn a_bare_connect_byte_for_byte() {
    let peer = Peer::playing(vec![opens()]).await;
    let told = tunnel_as(Identity::Bypass, &peer, anna()).await;
    assert_eq!(peer.heard(), [BARE]);
    assert_eq!(told.legs(), [(1, None, Some(200), true)]);
    let leg = &told.evidence.legs[0];
    assert_eq!(leg.request, format!("CONNECT {HOST}:443"));
    assert_eq!((leg.version.as_deref(), leg.reason.as_str()), (Some("HTTP/1.1"), "Connection established"));
    assert!(works(told.result.expect("a tunnel")).await);
}

#[tokio::test]
async fn proxies_that_speak_http_in_their_own_way_open_a_tunnel_too() {
    let many = format!("HTTP/1.1 200 OK\r\n{}\r\n", format!("X-Filler: {}\r\n", "x".repeat(288)).repeat(150));
    let table: [(&str, &[u8], &str); 12] = [
        ("HTTP/1.0", b"HTTP/1.0 200 OK\r\n\r\n", "OK"),
        ("no reason", b"HTTP/1.1 200\r\n\r\n", ""),
        ("an 8-bit reason", b"HTTP/1.1 200 \xdcbertragung\r\n\r\n", "Übertragung"),
        ("early hints first", b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 200 \xe9\r\n\r\n", "é"),
        ("bare line feeds", b"HTTP/1.1 200 OK\nVia: proxy\n\n", "OK"),
        ("a folded header", b"HTTP/1.1 200 OK\r\nVia: one,\r\n two\r\n\r\n", "OK"),
        ("a space before the colon", b"HTTP/1.1 200 OK\r\nVia : proxy\r\n\r\n", "OK"),
        ("a header that is none", b"HTTP/1.1 200 OK\r\nwhat is this\r\n\r\n", "OK"),
        ("many headers", many.as_bytes(), "OK"),
        ("an empty body announced", b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", "OK"),
        ("204", b"HTTP/1.1 204 No Content\r\n\r\n", "No Content"),
        ("299 and a wish to close", b"HTTP/1.1 299 Fine\r\nConnection: close\r\n\r\n", "Fine"),
    ];
    for (what, reply, reason) in table {
        let told = bypass(vec![Turn::Hear, Turn::say(reply), Turn::Echo]).await;
        assert_eq!(told.evidence.legs[0].reason, reason, "{what}");
        assert!(told.fault().is_none(), "{what}: {:?}", told.fault());
        assert!(works(told.result.expect("a tunnel")).await, "{what}");
    }
    let told = bypass(vec![Turn::Hear, Turn::Dribble(OPENED.into()), Turn::Echo]).await;
    assert!(works(told.result.expect("a tunnel")).await, "byte by byte");
}

/// A byte that no header may have makes a client drop the whole line. It was there all the same, and somebody has to mend it.
#[tokio::test]
async fn a_challenge_that_cannot_be_read_is_kept_in_writing() {
    let reply = b"HTTP/1.1 407 No\r\nProxy-Authenticate: Basic realm=\"\x1b[1mhere\"\r\nContent-Length: 0\r\n\r\n";
    for (identity, access, fault) in
        [(Identity::Bypass, Access::default(), Fault::CredentialsWanted), (Identity::User, anna(), Fault::NoChallenge)]
    {
        let peer = Peer::playing(vec![vec![Turn::Hear, Turn::say(reply), Turn::Hold]]).await;
        let told = tunnel_as(identity, &peer, access).await;
        let leg = told.evidence.legs.last().expect("a leg");
        assert_eq!((told.fault(), leg.challenges.len()), (Some(&fault), 0));
        assert_eq!(leg.header("Proxy-Authenticate"), Some("Basic realm=\"\\x1b[1mhere\""));
    }
}

/// Whether a fault is the expected one.
type Fits = fn(&Fault) -> bool;

#[tokio::test]
async fn what_is_no_http_reply_is_called_that_and_its_bytes_are_kept() {
    let flood = format!("HTTP/1.1 200 OK\r\n{}", "X-Filler: 0123456789\r\n".repeat(5000));
    let long = format!("HTTP/1.1 200 OK\r\nX-Filler: {}", "x".repeat(100_000));
    let different_lengths = "HTTP/1.1 403 No\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n";
    let table: [(&str, &[u8], Fits); 9] = [
        ("a TLS alert", b"\x15\x03\x01\x00\x02\x02\x46", |fault| *fault == Fault::NotHttp),
        ("a mail server", b"220 mail.example ESMTP\r\n", |fault| *fault == Fault::NotHttp),
        ("a page without a head", b"<html>Sign in</html>", |fault| *fault == Fault::NotHttp),
        ("a SOCKS reply", b"\x05\xff", |fault| *fault == Fault::NotHttp),
        ("another version", b"HTTP/2.0 200 OK\r\n\r\n", |fault| matches!(fault, Fault::MalformedReply { .. })),
        ("a status that is none", b"HTTP/1.1 abc OK\r\n\r\n", |fault| matches!(fault, Fault::MalformedReply { .. })),
        ("two lengths", different_lengths.as_bytes(), |fault| matches!(fault, Fault::MalformedReply { .. })),
        ("a header without end", long.as_bytes(), |fault| *fault == Fault::HeadTooLarge),
        ("headers without end", flood.as_bytes(), |fault| *fault == Fault::HeadTooLarge),
    ];
    for (what, reply, fits) in table {
        let told = bypass(vec![Turn::Hear, Turn::say(reply), Turn::Hold]).await;
        assert!(told.fault().is_some_and(fits), "{what}: {:?}", told.fault());
        let kept = &told.evidence.legs[0].body_start;
        assert!(!kept.is_empty() && reply.starts_with(kept), "{what}: {kept:?}");
        assert_eq!(told.legs(), [(1, None, None, false)], "{what}");
    }
}

#[tokio::test]
async fn a_peer_that_speaks_first_is_no_http_proxy() {
    let told = bypass(vec![Turn::say("SSH-2.0-OpenSSH_9.2\r\n"), Turn::Hold]).await;
    assert_eq!(told.fault(), Some(&Fault::NotHttp));
    assert_eq!(told.evidence.legs[0].body_start, b"SSH-2.0-OpenSSH_9.2\r\n");
}

#[tokio::test]
async fn silence_an_early_end_and_a_reset_say_how_much_had_come() {
    let half = "HTTP/1.1 200 Conn";
    for (turns, fault) in [
        (vec![Turn::Hear], Fault::ClosedByPeer { received: 0 }),
        (vec![Turn::Hear, Turn::say(half)], Fault::ClosedByPeer { received: 17 }),
        (vec![Turn::Hear, Turn::Reset], Fault::ResetByPeer { received: 0 }),
        (vec![Turn::Hear, Turn::Hold], Fault::TimedOut { received: 0 }),
        (vec![Turn::Hear, Turn::say(half), Turn::Hold], Fault::TimedOut { received: 17 }),
    ] {
        let told = bypass(turns).await;
        assert_eq!(told.fault(), Some(&fault));
        assert_eq!(told.legs(), [(1, None, None, false)]);
    }
}

#[tokio::test]
async fn a_refusal_keeps_status_headers_and_the_beginning_of_the_page() {
    let page = format!(
        "HTTP/1.1 503 Service Unavailable\r\nX-Squid-Error: ERR_DNS_FAIL 0\r\nContent-Length: 5000\r\n\r\n{}",
        "x".repeat(5000)
    );
    let told = bypass(vec![Turn::Hear, Turn::say(page), Turn::Hold]).await;
    assert_eq!(told.fault(), Some(&Fault::TunnelRefused { status: 503 }));
    let leg = &told.evidence.legs[0];
    assert_eq!(leg.header("x-squid-error"), Some("ERR_DNS_FAIL 0"));
    assert_eq!(leg.body_start, vec![b'x'; 2048]);
    assert!(leg.kept_open);
}

#[tokio::test]
async fn a_page_behind_a_200_is_no_tunnel() {
    let page = "<html>Welcome to our hotel</html>";
    let announced = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", page.len());
    let whole = format!("HTTP/1.0 200 OK\r\n\r\n{page}");
    for turns in [
        vec![Turn::Hear, Turn::say(&whole)],
        vec![Turn::Hear, Turn::Dribble(format!("{announced}{page}").into())],
        vec![Turn::Hear, Turn::say(format!("HTTP/1.1 204 No Content\r\n\r\n{page}"))],
    ] {
        let told = bypass(turns).await;
        assert_eq!(told.fault(), Some(&Fault::PageInsteadOfTunnel));
        assert_eq!(told.evidence.early_bytes, page.as_bytes());
    }
}

#[tokio::test]
async fn a_length_that_no_page_follows_is_ignored() {
    let reply = "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n";
    let told = bypass(vec![Turn::Hear, Turn::say(reply), Turn::Echo]).await;
    assert!(works(told.result.expect("a tunnel")).await);
}

#[tokio::test]
async fn tls_that_comes_with_the_200_is_handed_on() {
    let told = bypass(vec![Turn::Hear, Turn::say(format!("{OPENED}\x16\x03\x03")), Turn::Hold]).await;
    assert_eq!(told.evidence.early_bytes, b"\x16\x03\x03");
    let mut first = [0; 3];
    told.result.expect("a tunnel").read_exact(&mut first).await.expect("the bytes again");
    assert_eq!(first, *b"\x16\x03\x03");
}
