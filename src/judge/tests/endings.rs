//! Connections that end in the middle of something, and what they were in the middle of.

use super::*;
use crate::observation::{Credential, Token};
use crate::plan::Scheme;

#[test]
fn who_ends_the_connection_over_ntlms_first_message_is_told_from_who_ends_it_over_nothing() {
    let over = |token: Option<Token>| {
        let credential = token.map(|token| Credential {
            scheme: Scheme::Ntlm,
            length: 40,
            detail: String::new(),
            token: Some(token),
        });
        let asked =
            leg("CONNECT v10c.events.data.microsoft.com:443", &http(407, &[("Proxy-Authenticate", "NTLM")], ""));
        let ended = Leg { status: None, headers: Vec::new(), credential, ..asked.clone() };
        let tunnel = TunnelEvidence { legs: vec![asked, ended], ..TunnelEvidence::default() };
        let seen = Way::of(TLS)
            .passed(Evidence::Dns(dns(&["203.0.113.1"])))
            .passed(tcp(&[("203.0.113.1", TcpOutcome::Connected)]))
            .stopped(Evidence::Proxy(tunnel), Fault::ClosedByPeer { received: 0 });
        verdict_on(proxied(), TLS, &[seen], Ended::Complete)
    };
    let verdict = over(Some(Token::NtlmType1));
    assert_eq!((verdict.cause.code().as_str(), verdict.status), ("pauth.ntlm_closed_mid", Status::Blocked));
    // After the answer to the challenge nobody knows whether it was the login.
    assert_eq!(over(Some(Token::NtlmType3)).cause.code(), "proxy.empty");
    assert_eq!(over(None).cause.code(), "proxy.empty");
}
