//! Challenges and their answers.

use super::*;

pub(super) const BASIC: &str = "Basic realm=\"proxy\"";
pub(super) const ANNA_BY_BASIC: &str = "Basic YW5uYTpodW50ZXIy";
pub(super) const DIGEST: &str = "Digest realm=\"proxy\", nonce=\"abc=\", qop=\"auth\", algorithm=MD5";

/// Computed with another implementation of RFC 7616.
fn anna_by_digest(nonce: &str, response: &str) -> String {
    format!(
        "Digest username=\"anna\", realm=\"proxy\", nonce=\"{nonce}\", uri=\"{HOST}:443\", response=\"{response}\", \
         algorithm=MD5, qop=auth, nc=00000001, cnonce=\"deadbeef00010203\""
    )
}

/// Asked, challenged, asked again, and this said to the answer.
fn challenged(challenges: &[&str], then: &str) -> Vec<Turn> {
    vec![Turn::Hear, Turn::say(challenge(challenges)), Turn::Hear, Turn::say(then), Turn::Echo]
}

async fn with_scheme(peer: &Peer, scheme: SchemeChoice, access: Access) -> Told<Connection> {
    tunnel(&route(&peer.proxy(), Identity::User, scheme), &context(access)).await
}

#[tokio::test]
async fn without_a_credential_a_challenge_is_kept_and_not_answered() {
    let peer = Peer::playing(vec![challenged(&["Negotiate", "NTLM", BASIC], OPENED)]).await;
    let told = tunnel_as(Identity::Bypass, &peer, anna()).await;
    assert_eq!(told.fault(), Some(&Fault::CredentialsWanted));
    assert_eq!(told.legs(), [(1, None, Some(407), true)]);
    let leg = &told.evidence.legs[0];
    let schemes: Vec<&str> = leg.challenges.iter().map(|challenge| challenge.scheme.as_str()).collect();
    assert_eq!(schemes, ["Negotiate", "NTLM", "Basic"]);
    assert_eq!(leg.body_start, b"not you");
    assert_eq!(peer.heard(), [BARE]);
}

#[tokio::test]
async fn basic_byte_for_byte_on_the_one_connection() {
    let peer = Peer::playing(vec![challenged(&[BASIC], OPENED)]).await;
    let told = tunnel_as(Identity::User, &peer, anna()).await;
    assert_eq!(peer.heard(), [BARE.to_owned(), with(ANNA_BY_BASIC)]);
    assert_eq!(told.legs(), [(1, None, Some(407), true), (1, Some(Scheme::Basic), Some(200), true)]);
    assert_eq!(told.evidence.scheme, Some(Scheme::Basic));
    let credential = told.evidence.legs[1].credential.clone().expect("one was sent");
    assert_eq!((credential.length, credential.detail.as_str()), (ANNA_BY_BASIC.len(), "realm 'proxy'"));
    assert!(works(told.result.expect("a tunnel")).await);
}

#[tokio::test]
async fn digest_byte_for_byte_and_before_basic() {
    let peer = Peer::playing(vec![challenged(&["Bearer", BASIC, DIGEST], OPENED)]).await;
    let told = tunnel_as(Identity::User, &peer, anna()).await;
    let answer = anna_by_digest("abc=", "b8c18d712c194f27cca6a05fd3175f6d");
    assert_eq!(peer.heard(), [BARE.to_owned(), with(&answer)]);
    assert_eq!(told.legs(), [(1, None, Some(407), true), (1, Some(Scheme::Digest), Some(200), true)]);
    assert_eq!(told.evidence.legs[1].credential.clone().expect("sent").detail, "realm 'proxy', algorithm MD5");
    assert!(works(told.result.expect("a tunnel")).await);
}

#[tokio::test]
async fn all_challenges_of_one_header_count_and_broken_ones_are_stepped_over() {
    for challenges in [
        "Bearer TlRMTVNTUAACAAAA, Digest realm=\"proxy\", nonce=\"abc=\", qop=\"auth\", algorithm=MD5",
        "Basic realm=\"never closed, Digest realm=\"proxy\", nonce=\"abc=\", qop=\"auth\", algorithm=MD5",
    ] {
        let peer = Peer::playing(vec![challenged(&[challenges], OPENED)]).await;
        let told = tunnel_as(Identity::User, &peer, anna()).await;
        assert_eq!(told.evidence.scheme, Some(Scheme::Digest), "{challenges}");
        assert!(told.result.is_ok());
    }
}

#[tokio::test]
async fn whichever_way_a_proxy_ends_its_407_the_dialogue_goes_on() {
    let head = format!("407 Proxy Authentication Required\r\nProxy-Authenticate: {BASIC}\r\n");
    let chunked = format!("HTTP/1.1 {head}Transfer-Encoding: chunked\r\n\r\n4\r\nnot \r\n3\r\nyou\r\n0\r\n\r\n");
    let bare_lines = format!("HTTP/1.1 {head}Content-Length: 7\r\n\r\nnot you").replace("\r\n", "\n");
    let same: [(&str, String); 5] = [
        ("a length", format!("HTTP/1.1 {head}Content-Length: 7\r\n\r\nnot you")),
        ("chunks", chunked),
        ("bare line feeds", bare_lines),
        (
            "HTTP/1.0 and keep-alive",
            format!("HTTP/1.0 {head}Connection: keep-alive\r\nContent-Length: 7\r\n\r\nnot you"),
        ),
        (
            "HTTP/1.0 and the old name for it",
            format!("HTTP/1.0 {head}Proxy-Connection: Keep-Alive\r\nContent-Length: 7\r\n\r\nnot you"),
        ),
    ];
    for (what, reply) in same {
        let peer =
            Peer::playing(vec![vec![Turn::Hear, Turn::say(reply), Turn::Hear, Turn::say(OPENED), Turn::Echo]]).await;
        let told = tunnel_as(Identity::User, &peer, anna()).await;
        let legs = [(1, None, Some(407), true), (1, Some(Scheme::Basic), Some(200), true)];
        assert_eq!((told.legs(), told.fault()), (legs.to_vec(), None), "{what}");
        assert_eq!(told.evidence.legs[0].body_start, b"not you", "{what}");
        assert!(works(told.result.expect("a tunnel")).await, "{what}");
    }
    let anew: [(&str, String, Turn); 5] = [
        (
            "a wish to close",
            format!("HTTP/1.1 {head}Connection: close\r\nContent-Length: 7\r\n\r\nnot you"),
            Turn::Hold,
        ),
        ("silent closing", format!("HTTP/1.1 {head}Content-Length: 7\r\n\r\nnot you"), Turn::Say(Vec::new())),
        ("HTTP/1.0", format!("HTTP/1.0 {head}\r\nnot you"), Turn::Say(Vec::new())),
        ("a body up to the end", format!("HTTP/1.1 {head}\r\nnot you"), Turn::Say(Vec::new())),
        ("a body without end", format!("HTTP/1.1 {head}\r\nnot you"), Turn::Hold),
    ];
    for (what, reply, then) in anew {
        let peer = Peer::playing(vec![vec![Turn::Hear, Turn::say(reply), then], opens()]).await;
        let told = tunnel_as(Identity::User, &peer, anna()).await;
        assert_eq!(peer.heard(), [BARE.to_owned(), with(ANNA_BY_BASIC)], "{what}");
        let legs = [(1, None, Some(407), false), (2, Some(Scheme::Basic), Some(200), true)];
        assert_eq!((told.legs(), told.fault()), (legs.to_vec(), None), "{what}");
        assert_eq!(told.evidence.legs[0].body_start, b"not you", "{what}");
        assert!(works(told.result.expect("a tunnel")).await, "{what}");
    }
}

/// The proxy promises to keep the connection and closes it all the same.
#[tokio::test]
async fn a_connection_closed_between_two_legs_is_replaced_and_the_broken_promise_noted() {
    let peer = Peer::playing(vec![vec![Turn::Hear, Turn::say(challenge(&[BASIC]))], opens()]).await;
    let told = tunnel_as(Identity::User, &peer, anna()).await;
    assert_eq!(told.legs(), [(1, None, Some(407), false), (2, Some(Scheme::Basic), Some(200), true)]);
    assert!(works(told.result.expect("a tunnel")).await);
}

#[tokio::test]
async fn a_proxy_that_cannot_be_reached_again_stops_the_dialogue_with_what_was_learnt() {
    let closing = challenge(&[BASIC]).replace("Content-Length", "Connection: close\r\nContent-Length");
    let peer = Peer::playing(vec![vec![Turn::Hear, Turn::say(closing)]]).await;
    let told = tunnel_as(Identity::User, &peer, anna()).await;
    assert_eq!(told.fault(), Some(&Fault::ConnectionRefused));
    assert_eq!(told.legs(), [(1, None, Some(407), false)]);
}

#[tokio::test]
async fn what_follows_an_accepted_credential_is_told_from_its_refusal() {
    let refused = challenge(&[BASIC]);
    let denied = "HTTP/1.1 403 Forbidden\r\nContent-Length: 6\r\n\r\npolicy";
    for (then, fault) in [(refused.as_str(), Fault::CredentialsRefused), (denied, Fault::TunnelRefused { status: 403 })]
    {
        let peer = Peer::playing(vec![challenged(&[BASIC], then)]).await;
        let told = tunnel_as(Identity::User, &peer, anna()).await;
        assert_eq!(told.fault(), Some(&fault));
        assert_eq!(told.evidence.legs.len(), 2);
        assert_eq!(told.evidence.legs[1].credential.as_ref().map(|sent| sent.scheme), Some(Scheme::Basic));
        assert!(!told.evidence.legs[1].body_start.is_empty());
    }
}

#[tokio::test]
async fn a_stale_nonce_is_renewed_once() {
    let renewed = format!("{}, stale=TRUE", DIGEST.replace("abc=", "def="));
    let script = |last: &str| {
        let mut turns = challenged(&[DIGEST], &challenge(&[&renewed]));
        turns.pop();
        turns.extend([Turn::Hear, Turn::say(last), Turn::Echo]);
        vec![turns]
    };
    let peer = Peer::playing(script(OPENED)).await;
    let told = tunnel_as(Identity::User, &peer, anna()).await;
    assert_eq!(peer.heard()[2], with(&anna_by_digest("def=", "2baf77ae1e072985bfed30bccdcc9ea4")));
    assert_eq!(told.evidence.legs.len(), 3);
    assert!(works(told.result.expect("a tunnel")).await);

    let peer = Peer::playing(script(&challenge(&[&renewed]))).await;
    let told = tunnel_as(Identity::User, &peer, anna()).await;
    assert_eq!((told.fault(), told.evidence.legs.len()), (Some(&Fault::DigestStaleLoop), 3));
}

#[tokio::test]
async fn a_challenge_that_cannot_be_answered_says_why() {
    let forced = SchemeChoice::Forced;
    for (choice, challenges, fault) in [
        (SchemeChoice::Auto, vec![], Fault::NoChallenge),
        (SchemeChoice::Auto, vec!["Bearer", "Kerberos"], Fault::CredentialsWanted),
        (forced(Scheme::Digest), vec!["NTLM", BASIC], Fault::SchemeNotOffered),
        (forced(Scheme::Basic), vec![DIGEST], Fault::SchemeNotOffered),
        (
            SchemeChoice::Auto,
            vec!["Digest realm=\"r\", nonce=\"n\", qop=\"auth-int\""],
            Fault::DigestUnsupported {
                detail: "the digest's quality of protection is 'auth-int', and only 'auth' is known".to_owned(),
            },
        ),
        (forced(Scheme::Basic), vec!["Negotiate", "NTLM"], Fault::SchemeNotOffered),
    ] {
        let peer = Peer::playing(vec![challenged(&challenges, OPENED)]).await;
        let told = with_scheme(&peer, choice, anna()).await;
        assert_eq!(told.fault(), Some(&fault));
        assert_eq!(peer.heard(), [BARE], "{fault:?}");
    }
}

#[tokio::test]
async fn an_unusable_digest_leaves_basic() {
    let peer = Peer::playing(vec![challenged(&["Digest realm=\"r\", nonce=\"n\", algorithm=X", BASIC], OPENED)]).await;
    let told = tunnel_as(Identity::User, &peer, anna()).await;
    assert_eq!((told.fault(), told.evidence.scheme), (None, Some(Scheme::Basic)));
}

#[tokio::test]
async fn a_password_does_not_go_over_a_clear_connection_unless_that_was_asked_for() {
    let careful = Access { basic_cleartext: false, ..anna() };
    let peer = Peer::playing(vec![challenged(&[BASIC], OPENED)]).await;
    let told = tunnel_as(Identity::User, &peer, careful.clone()).await;
    assert_eq!((told.fault(), peer.heard()), (Some(&Fault::CleartextRefused), vec![BARE.to_owned()]));
    assert_eq!(told.evidence.scheme, Some(Scheme::Basic), "it was held back, and that decided the row");

    let peer = Peer::playing(vec![challenged(&[BASIC, DIGEST], OPENED)]).await;
    let told = tunnel_as(Identity::User, &peer, careful).await;
    assert_eq!((told.fault(), told.evidence.scheme), (None, Some(Scheme::Digest)));
}

#[tokio::test]
async fn without_a_login_nothing_is_sent() {
    let peer = Peer::playing(vec![vec![Turn::Hear], vec![Turn::Hear]]).await;
    for identity in [Identity::User, Identity::Device] {
        let told = tunnel_as(identity, &peer, Access::default()).await;
        assert!(matches!(told.fault(), Some(Fault::NoCredential { .. })), "{:?}", told.fault());
        assert!(told.evidence.legs.is_empty() && peer.heard().is_empty());
    }
}

#[tokio::test]
async fn the_machine_account_is_the_devices_login() {
    let login = Login { name: "CORP\\WS01$".to_owned(), password: "s3cret".into() };
    let access = Access { device: Some(login), ..anna() };
    let peer = Peer::playing(vec![challenged(&[BASIC], OPENED)]).await;
    tunnel_as(Identity::Device, &peer, access).await;
    assert_eq!(peer.heard()[1], with("Basic Q09SUFxXUzAxJDpzM2NyZXQ="));
}

#[tokio::test]
async fn a_challenge_under_the_status_of_a_server_is_answered_too() {
    for status in ["401 Unauthorized", "403 Forbidden"] {
        let reply = challenge(&[BASIC]).replace("407 Proxy Authentication Required", status);
        let script = || vec![vec![Turn::Hear, Turn::say(&reply), Turn::Hear, Turn::say(OPENED), Turn::Echo]];
        let peer = Peer::playing(script()).await;
        assert_eq!(tunnel_as(Identity::User, &peer, anna()).await.fault(), None, "{status}");
        let peer = Peer::playing(script()).await;
        let told = tunnel_as(Identity::Bypass, &peer, anna()).await;
        assert!(matches!(told.fault(), Some(Fault::TunnelRefused { status: 401 | 403 })), "{:?}", told.fault());
        assert_eq!(told.evidence.legs[0].challenges.len(), 1);
    }
}

/// One connection to a proxy that opens for whoever answers its challenge.
pub(super) fn guarded(answer: fn(&str) -> String) -> Vec<Turn> {
    vec![Turn::Answer(answer), Turn::Echo]
}

pub(super) fn by_basic(request: &str) -> String {
    if request.contains(ANNA_BY_BASIC) { OPENED.to_owned() } else { challenge(&[BASIC]) }
}

pub(super) fn by_digest(request: &str) -> String {
    if request.contains("Digest username=\"anna\"") { OPENED.to_owned() } else { challenge(&[DIGEST]) }
}

/// Three rows at once, whose connections all play the same part.
pub(super) async fn three(
    turns: impl Fn() -> Vec<Turn>,
    choices: [SchemeChoice; 3],
) -> (Vec<Told<Connection>>, Vec<String>) {
    let peer = Peer::playing(vec![turns(), turns(), turns()]).await;
    let context = context(anna());
    let [one, two, three] = choices.map(|choice| route(&peer.proxy(), Identity::User, choice));
    let rows = [&one, &two, &three].map(|route| Box::pin(tunnel(route, &context)));
    let [one, two, three] = rows;
    let (one, two, three) = tokio::join!(one, two, three);
    (vec![one, two, three], peer.heard())
}

pub(super) fn credentials(heard: &[String]) -> usize {
    heard.iter().filter(|request| request.contains("Proxy-Authorization")).count()
}

#[tokio::test]
async fn a_refused_password_is_tried_once_per_run_and_proxy_whatever_the_scheme() {
    let refuses = || challenged(&[BASIC, DIGEST], &challenge(&[BASIC, DIGEST]));
    let choices = [SchemeChoice::Auto, SchemeChoice::Forced(Scheme::Basic), SchemeChoice::Forced(Scheme::Digest)];
    let (told, heard) = three(refuses, choices).await;
    assert_eq!(credentials(&heard), 1, "{heard:?}");
    let count = |fault: &Fault| told.iter().filter(|told| told.fault() == Some(fault)).count();
    assert_eq!((count(&Fault::CredentialsRefused), count(&Fault::CredentialsAlreadyRefused)), (1, 2));
}

#[tokio::test]
async fn an_accepted_password_serves_all_rows() {
    let (told, heard) = three(|| guarded(by_basic), [SchemeChoice::Auto; 3]).await;
    assert_eq!((credentials(&heard), heard.len()), (3, 4), "{heard:?}");
    assert!(told.iter().all(|told| told.fault().is_none()));
}

#[tokio::test]
async fn a_password_that_a_proxy_breaks_off_over_is_sent_once_and_the_other_rows_stop() {
    let ends = [
        (Turn::say("HTTP/1.1 40"), Fault::ClosedByPeer { received: 11 }),
        (Turn::say(""), Fault::ClosedByPeer { received: 0 }),
        (Turn::Reset, Fault::ResetByPeer { received: 0 }),
        (Turn::Hold, Fault::TimedOut { received: 0 }),
    ];
    for scheme in [BASIC, DIGEST] {
        for (end, fault) in &ends {
            let breaks = || vec![Turn::Hear, Turn::say(challenge(&[scheme])), Turn::Hear, end.clone()];
            let (told, heard) = three(breaks, [SchemeChoice::Auto; 3]).await;
            assert_eq!(credentials(&heard), 1, "{fault:?}: {heard:?}");
            let count = |fault: &Fault| told.iter().filter(|told| told.fault() == Some(fault)).count();
            assert_eq!((count(fault), count(&Fault::CredentialsUnanswered)), (1, 2), "{fault:?}");
        }
    }
}

/// Whether it counted as a wrong password nobody knows; said of the way beyond the proxy, it was a right one.
#[tokio::test]
async fn a_password_answered_with_no_verdict_is_sent_once_unless_the_answer_tells_of_the_way_beyond() {
    for status in ["400 Bad Request", "401 Unauthorized", "429 Slow Down", "431 Long", "500 Oops", "503 Later"] {
        let ends = |headers: &str| format!("HTTP/1.1 {status}\r\n{headers}Content-Length: 0\r\n\r\n");
        let (told, heard) = three(|| challenged(&[BASIC], &ends("")), [SchemeChoice::Auto; 3]).await;
        assert_eq!(credentials(&heard), 1, "{status}: {heard:?}");
        let stopped = |told: &&Told<Connection>| told.fault() == Some(&Fault::CredentialsUnanswered);
        assert_eq!(told.iter().filter(stopped).count(), 2, "{status}");

        for header in ["X-Squid-Error: ERR_DNS_FAIL 0\r\n", "Proxy-Status: gw; error=connection_refused\r\n"] {
            let (told, heard) = three(|| challenged(&[BASIC], &ends(header)), [SchemeChoice::Auto; 3]).await;
            assert_eq!((credentials(&heard), told.iter().filter(stopped).count()), (3, 0), "{status} {header}");
        }
    }
}

#[tokio::test]
async fn a_refusal_under_another_status_counts_for_all_rows() {
    for status in ["401 Unauthorized", "403 Forbidden"] {
        let again = challenge(&[BASIC]).replace("407 Proxy Authentication Required", status);
        let (told, heard) = three(|| challenged(&[BASIC], &again), [SchemeChoice::Auto; 3]).await;
        assert_eq!(credentials(&heard), 1, "{status}: {heard:?}");
        let count = |fault: &Fault| told.iter().filter(|told| told.fault() == Some(fault)).count();
        assert_eq!((count(&Fault::CredentialsRefused), count(&Fault::CredentialsAlreadyRefused)), (1, 2), "{status}");
    }
}

#[tokio::test]
async fn a_nonce_that_a_proxy_gives_to_everybody_is_counted() {
    let (told, heard) = three(|| guarded(by_digest), [SchemeChoice::Auto; 3]).await;
    assert!(told.iter().all(|told| told.fault().is_none()) && heard.len() == 4, "{heard:?}");
    let mut counts: Vec<&str> =
        heard.iter().filter_map(|request| request.split_once("nc=")).map(|(_, rest)| &rest[..8]).collect();
    counts.sort_unstable();
    assert_eq!(counts, ["00000001", "00000002", "00000003"]);
}

#[tokio::test]
async fn no_evidence_holds_a_password_or_what_was_made_of_it() {
    for challenges in [BASIC, DIGEST] {
        let peer = Peer::playing(vec![challenged(&[challenges], OPENED)]).await;
        let told = tunnel_as(Identity::User, &peer, anna()).await;
        let kept = format!("{:?} {}", told.evidence, serde_json::to_string(&told.evidence).expect("writable"));
        for secret in ["hunter2", "YW5uYTpodW50ZXIy", "b8c18d712c194f27cca6a05fd3175f6d"] {
            assert!(!kept.contains(secret), "{kept}");
        }
    }
}
