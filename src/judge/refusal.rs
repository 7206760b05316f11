//! A proxy that answered, and not with a tunnel: what its status and headers say.

use super::opinion::Opinion;
use super::wording::without_query;
use super::{Cause, Status};
use crate::observation::{Credential, Leg, Stage, Token};

/// What a final answer other than 2xx and 407 to CONNECT means.
pub(super) fn opinion(status: u16, leg: Option<&Leg>) -> Opinion {
    let cause = cause(status, leg);
    let mut words = vec![format!("status {status}")];
    if let Some(leg) = leg {
        words.extend(["proxy-status", "x-squid-error", "location", "retry-after"].iter().filter_map(|name| {
            let value = leg.header(name)?;
            Some(format!("{name}: {}", without_query(name, value)))
        }));
    }
    let mut opinion = Opinion::new(cause, Stage::Proxy).with(words.join(", "));
    if opinion.cause == Cause::Inconclusive {
        // It is not known why, but a tunnel it is not.
        opinion.status = Status::Inconclusive;
    }
    opinion
}

fn cause(status: u16, leg: Option<&Leg>) -> Cause {
    let has_challenge = leg.is_some_and(|leg| !leg.challenges.is_empty() || leg.header("www-authenticate").is_some());
    // The message that opens NTLM names nobody.
    let names_somebody = |credential: &Credential| credential.token != Some(Token::NtlmType1);
    let authenticated = leg.is_some_and(|leg| leg.credential.as_ref().is_some_and(names_somebody));
    if is_too_big(status, leg) {
        return Cause::PauthKrbTokenTooBig;
    }
    if let Some(cause) = leg.and_then(named) {
        return if cause == Cause::ProxyDenied403 && authenticated { Cause::PauthDeniedAfterAuth } else { cause };
    }
    match status {
        401 => Cause::PauthWrongCode,
        403 if has_challenge => Cause::PauthWrongCode,
        403 if authenticated => Cause::PauthDeniedAfterAuth,
        403 | 451 => Cause::ProxyDenied403,
        405 | 501 => Cause::ProxyMethodBlocked,
        400 | 411 | 413 | 414 | 417 | 426 | 431 | 505 => Cause::ProxyBadRequest400,
        404 | 410 | 421 => Cause::ProxyNotForwarding,
        408 => Cause::ProxyRequestTimeout,
        429 => Cause::ProxyRateLimited,
        511 => Cause::ProxyPortalAuth,
        300..=399 if leg.is_some_and(leads_to_sign_in) => Cause::ProxyPortalAuth,
        300..=399 => Cause::ProxyRedirect,
        503 if leg.is_some_and(speaks_of_scanner) => Cause::ProxyIcapDown,
        503 if leg.is_some_and(|leg| leg.header("retry-after").is_some()) => Cause::ProxyRateLimited,
        500 | 502..=504 => Cause::ProxyUpstreamUnknown,
        _ => Cause::Inconclusive,
    }
}

/// Limits for requests begin at 8 KB, and tokens grow by a third when they are written as text.
const LARGE_TICKET: usize = 12 << 10;

/// Whether the size of the ticket is why a request was answered with `status`.
pub(super) fn is_too_big(status: u16, leg: Option<&Leg>) -> bool {
    let is_ticket = |credential: &&Credential| credential.token == Some(Token::KerberosTicket);
    let length = leg.and_then(|leg| leg.credential.as_ref().filter(is_ticket)).map(|credential| credential.length);
    length.is_some_and(|length| matches!(status, 400 | 413 | 431) && length > LARGE_TICKET)
}

/// What the proxy itself names as the error: `Proxy-Status` (RFC 9209) or Squid's own header.
fn named(leg: &Leg) -> Option<Cause> {
    let by_standard = leg.header("proxy-status").and_then(proxy_status_header);
    by_standard.or_else(|| leg.header("x-squid-error").and_then(squid))
}

/// The first error that is known in a `Proxy-Status` header, which has a member per proxy on the way.
pub(super) fn proxy_status_header(value: &str) -> Option<Cause> {
    value
        .split([';', ','])
        .filter_map(|part| part.trim().strip_prefix("error="))
        .find_map(|error| proxy_status(error.trim().trim_matches('"')))
}

/// The error types that RFC 9209 registers. What names no cause is quoted in the row.
fn proxy_status(error: &str) -> Option<Cause> {
    let cause = match error {
        "dns_timeout" | "dns_error" => Cause::ProxyUpstreamDns,
        "connection_refused" => Cause::ProxyUpstreamRefused,
        "connection_timeout" | "connection_read_timeout" | "connection_write_timeout" | "http_response_timeout" => {
            Cause::ProxyUpstreamTimeout
        }
        "destination_not_found" | "destination_unavailable" | "destination_ip_unroutable" => {
            Cause::ProxyUpstreamUnreachable
        }
        "destination_ip_prohibited" | "http_request_denied" => Cause::ProxyDenied403,
        "tls_protocol_error" | "tls_certificate_error" | "tls_alert_received" => Cause::ProxyUpstreamTls,
        "connection_limit_reached" => Cause::ProxyRateLimited,
        "proxy_loop_detected" => Cause::ProxyLoop,
        "http_request_error" => Cause::ProxyBadRequest400,
        "connection_terminated"
        | "proxy_internal_error"
        | "proxy_internal_response"
        | "proxy_configuration_error"
        | "http_response_incomplete"
        | "http_response_header_section_size"
        | "http_response_header_size"
        | "http_response_body_size"
        | "http_response_trailer_section_size"
        | "http_response_trailer_size"
        | "http_response_transfer_coding"
        | "http_response_content_coding"
        | "http_upgrade_failed"
        | "http_protocol_error" => Cause::ProxyUpstreamUnknown,
        _ => return None,
    };
    Some(cause)
}

/// `ERR_CONNECT_FAIL 111`: the page's name, then the system's error number (Linux).
pub(super) fn squid(value: &str) -> Option<Cause> {
    let mut words = value.split_whitespace();
    let page = words.next()?;
    let number = words.next().and_then(|number| number.parse::<u32>().ok()).unwrap_or(0);
    let cause = match page {
        "ERR_DNS_FAIL" => Cause::ProxyUpstreamDns,
        "ERR_CONNECT_FAIL" => match number {
            111 => Cause::ProxyUpstreamRefused,
            110 => Cause::ProxyUpstreamTimeout,
            101 | 113 => Cause::ProxyUpstreamUnreachable,
            _ => Cause::ProxyUpstreamUnknown,
        },
        "ERR_SECURE_CONNECT_FAIL" => Cause::ProxyUpstreamTls,
        "ERR_READ_TIMEOUT" | "ERR_LIFETIME_EXP" => Cause::ProxyUpstreamTimeout,
        "ERR_ACCESS_DENIED" => Cause::ProxyDenied403,
        "ERR_ICAP_FAILURE" => Cause::ProxyIcapDown,
        "ERR_CANNOT_FORWARD" => Cause::ProxyUpstreamUnknown,
        _ => return None,
    };
    Some(cause)
}

fn speaks_of_scanner(leg: &Leg) -> bool {
    let body = String::from_utf8_lossy(&leg.body_start).to_ascii_lowercase();
    ["icap", "content adaptation", "adaptation service"].iter().any(|words| body.contains(words))
}

/// Words that stand in the addresses of pages where people sign in.
const SIGN_IN_WORDS: [&str; 15] = [
    "login",
    "logon",
    "signin",
    "sso",
    "saml",
    "saml2",
    "auth",
    "oauth",
    "oauth2",
    "authenticate",
    "authentication",
    "adfs",
    "idp",
    "portal",
    "captive",
];

/// A redirect to a place where people sign in: one of the words on its own, so that `author` is none.
pub(super) fn is_sign_in(location: &str) -> bool {
    let location = location.to_ascii_lowercase();
    location.contains("sign-in")
        || location
            .split(|character: char| !character.is_ascii_alphanumeric())
            .any(|word| SIGN_IN_WORDS.contains(&word))
}

fn leads_to_sign_in(leg: &Leg) -> bool {
    leg.header("location").is_some_and(is_sign_in)
        || leg.header("set-cookie").is_some_and(|cookie| is_sign_in(cookie.split('=').next().unwrap_or("")))
}

/// The schemes a proxy offers, in its order: `NTLM, Basic`.
pub(super) fn offers(leg: &Leg) -> String {
    let mut names: Vec<&str> = Vec::new();
    for challenge in &leg.challenges {
        if !names.iter().any(|name| name.eq_ignore_ascii_case(&challenge.scheme)) {
            names.push(&challenge.scheme);
        }
    }
    names.join(", ")
}

/// What a challenge says that is there and that nobody can read.
pub(super) fn unreadable_challenge(leg: &Leg) -> Option<String> {
    let value = leg.header("proxy-authenticate").filter(|_| leg.challenges.is_empty())?;
    Some(format!("its Proxy-Authenticate header cannot be read: \"{value}\""))
}

/// Reply codes of RFC 1928; 255 stands for "no acceptable method".
pub(super) fn socks(reply: u8) -> Opinion {
    let (cause, words) = match reply {
        1 => (Cause::ProxyUpstreamUnknown, "general failure"),
        2 => (Cause::ProxySocksDenied, "not allowed by the ruleset"),
        3 => (Cause::ProxyUpstreamUnreachable, "network unreachable"),
        4 => (Cause::ProxyUpstreamUnreachable, "host unreachable"),
        5 => (Cause::ProxyUpstreamRefused, "connection refused"),
        6 => (Cause::ProxyUpstreamTimeout, "time to live expired"),
        7 => (Cause::ProxyMethodBlocked, "command not supported"),
        8 => (Cause::ProxyMethodBlocked, "address type not supported"),
        255 => (Cause::PauthRequired, "no acceptable method"),
        _ => (Cause::Inconclusive, "unassigned"),
    };
    Opinion::new(cause, Stage::Proxy).with(format!("SOCKS reply {reply}, {words}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::observation::{Challenge, Header};
    use crate::plan::Scheme;

    fn leg(status: u16, headers: &[(&str, &str)]) -> Leg {
        Leg {
            connection: 1,
            request: "CONNECT v10c.events.data.microsoft.com:443".into(),
            credential: None,
            took: std::time::Duration::ZERO,
            status: Some(status),
            version: Some("HTTP/1.1".into()),
            reason: String::new(),
            headers: headers
                .iter()
                .map(|(name, value)| Header { name: (*name).into(), value: (*value).into() })
                .collect(),
            challenges: Vec::new(),
            body_start: Vec::new(),
            kept_open: false,
            left_unread: false,
        }
    }

    #[test]
    fn a_refusal_is_named_by_what_the_proxy_says_before_its_status_is_looked_at() {
        for (status, headers, code) in [
            (403, &[][..], "proxy.denied_403"),
            (403, &[("X-Squid-Error", "ERR_ACCESS_DENIED 0")], "proxy.denied_403"),
            (503, &[("X-Squid-Error", "ERR_CONNECT_FAIL 111")], "proxy.upstream_refused"),
            (503, &[("X-Squid-Error", "ERR_CONNECT_FAIL 110")], "proxy.upstream_timeout"),
            (503, &[("X-Squid-Error", "ERR_CONNECT_FAIL 101")], "proxy.upstream_unreachable"),
            (503, &[("X-Squid-Error", "ERR_DNS_FAIL 0")], "proxy.upstream_dns"),
            (503, &[("X-Squid-Error", "ERR_SECURE_CONNECT_FAIL 71")], "proxy.upstream_tls"),
            (500, &[("X-Squid-Error", "ERR_CANNOT_FORWARD 0")], "proxy.upstream_unknown"),
            (502, &[("Proxy-Status", "gw; error=dns_error; rcode=NXDOMAIN")], "proxy.upstream_dns"),
            (502, &[("Proxy-Status", "gw; error=\"connection_refused\"")], "proxy.upstream_refused"),
            (502, &[("Proxy-Status", "gw; error=tls_certificate_error")], "proxy.upstream_tls"),
            (502, &[("Proxy-Status", "gw; error=proxy_loop_detected")], "proxy.loop"),
            (503, &[("Proxy-Status", "gw; error=connection_limit_reached")], "proxy.rate_limited"),
            (502, &[("Proxy-Status", "a; error=something_new, b; error=dns_error")], "proxy.upstream_dns"),
            (502, &[("Proxy-Status", "gw; error=something_new")], "proxy.upstream_unknown"),
            (503, &[("Retry-After", "30")], "proxy.rate_limited"),
            (429, &[], "proxy.rate_limited"),
            (302, &[("Location", "https://login.example/")], "proxy.portal_auth"),
            (302, &[("Location", "https://blocked.example/")], "proxy.redirect"),
            (302, &[("Location", "https://blocked.example/authors")], "proxy.redirect"),
            (302, &[("Location", "https://gate.example/oauth2/v1")], "proxy.portal_auth"),
            (511, &[], "proxy.portal_auth"),
            (405, &[], "proxy.method_blocked"),
            (400, &[], "proxy.bad_request_400"),
            (504, &[], "proxy.upstream_unknown"),
            (401, &[], "pauth.wrong_code"),
            (404, &[], "proxy.not_forwarding"),
            (410, &[], "proxy.not_forwarding"),
            (421, &[], "proxy.not_forwarding"),
            (404, &[("X-Squid-Error", "ERR_DNS_FAIL 0")], "proxy.upstream_dns"),
            (408, &[], "proxy.request_timeout"),
            (505, &[], "proxy.bad_request_400"),
            (418, &[], "x.inconclusive"),
        ] {
            assert_eq!(opinion(status, Some(&leg(status, headers))).cause.code(), code, "{status} {headers:?}");
        }
    }

    #[test]
    fn every_registered_error_of_a_proxy_has_its_cause() {
        for (errors, cause) in [
            (&["dns_timeout", "dns_error"][..], Cause::ProxyUpstreamDns),
            (&["connection_refused"], Cause::ProxyUpstreamRefused),
            (
                &["connection_timeout", "connection_read_timeout", "connection_write_timeout", "http_response_timeout"],
                Cause::ProxyUpstreamTimeout,
            ),
            (
                &["destination_not_found", "destination_unavailable", "destination_ip_unroutable"],
                Cause::ProxyUpstreamUnreachable,
            ),
            (&["destination_ip_prohibited", "http_request_denied"], Cause::ProxyDenied403),
            (&["tls_protocol_error", "tls_certificate_error", "tls_alert_received"], Cause::ProxyUpstreamTls),
            (&["connection_limit_reached"], Cause::ProxyRateLimited),
            (&["http_request_error"], Cause::ProxyBadRequest400),
            (&["proxy_loop_detected"], Cause::ProxyLoop),
            (
                &[
                    "connection_terminated",
                    "http_response_incomplete",
                    "http_response_header_section_size",
                    "http_response_header_size",
                    "http_response_body_size",
                    "http_response_trailer_section_size",
                    "http_response_trailer_size",
                    "http_response_transfer_coding",
                    "http_response_content_coding",
                    "http_upgrade_failed",
                    "http_protocol_error",
                    "proxy_internal_response",
                    "proxy_internal_error",
                    "proxy_configuration_error",
                ],
                Cause::ProxyUpstreamUnknown,
            ),
        ] {
            for error in errors {
                let header = format!("gw; error={error}; details=\"seen at noon\"");
                // A status that says nothing by itself.
                let opinion = opinion(418, Some(&leg(418, &[("Proxy-Status", &header)])));
                assert_eq!(opinion.cause, cause, "{error}");
                assert!(opinion.summary().contains(&header), "the proxy's own words: {}", opinion.summary());
            }
        }
    }

    #[test]
    fn a_403_after_a_credential_blames_the_rights_and_a_403_with_a_challenge_the_proxy() {
        let mut refused = leg(403, &[("X-Squid-Error", "ERR_ACCESS_DENIED 0")]);
        refused.credential = Some(Credential { scheme: Scheme::Basic, length: 20, detail: String::new(), token: None });
        assert_eq!(opinion(403, Some(&refused)).cause, Cause::PauthDeniedAfterAuth);

        let mut challenge = leg(403, &[]);
        challenge.challenges =
            vec![Challenge { scheme: "Basic".into(), parameters: Vec::new(), token_length: None, ntlm: None }];
        assert_eq!(opinion(403, Some(&challenge)).cause, Cause::PauthWrongCode);
    }
}
