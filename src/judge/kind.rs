//! A proxy of another kind than it was spoken to as.
//!
//! In: how the proxy was spoken to, and what came back. Out: the address under which to try it, where the bytes or the port
//! give its kind away. Never: another cause; what came back is what the row is about.

use super::opinion::Opinion;
use crate::observation::{Fault, TunnelEvidence};
use crate::plan::{PlannedRoute, Proxy, ProxyScheme};

/// What servers write to plain HTTP on a port for TLS (nginx, Apache, Go).
const WANTS_TLS: [&str; 3] = [
    "plain http request was sent to https port",
    "speaking plain http to an ssl-enabled server port",
    "client sent an http request to an https server",
];

/// The same opinion, with the address to try.
pub(super) fn told(opinion: Opinion, route: &PlannedRoute, tunnel: Option<&TunnelEvidence>, fault: &Fault) -> Opinion {
    let Some(hint) = route.proxy().and_then(|proxy| hint(proxy, tunnel, fault)) else { return opinion };
    let detail = match &opinion.detail {
        Some(detail) => format!("{detail}; {hint}"),
        None => hint,
    };
    opinion.with(detail)
}

fn hint(proxy: &Proxy, tunnel: Option<&TunnelEvidence>, fault: &Fault) -> Option<String> {
    let legs = tunnel.map_or(&[][..], |tunnel| tunnel.legs.as_slice());
    let bytes = legs.last().map_or(&[][..], |leg| leg.body_start.as_slice());
    let is_first = legs.len() <= 1;
    let is_silent = is_first && matches!(fault, Fault::TimedOut { received: 0 });
    let is_shut = is_first && matches!(fault, Fault::ClosedByPeer { received: 0 } | Fault::ResetByPeer { received: 0 });
    let is_alert = bytes.starts_with(&[0x15, 0x03]);
    let (seen, scheme) = match proxy.scheme {
        ProxyScheme::Socks5 if bytes.starts_with(b"HTTP/") => ("it answers in HTTP", "http"),
        ProxyScheme::Socks5 if is_alert => ("it answers with a TLS alert", "https"),
        ProxyScheme::Socks5 if is_silent => ("HTTP proxies wait here for more", "http"),
        ProxyScheme::Http if is_alert || wants_tls(bytes) => ("this port wants TLS", "https"),
        ProxyScheme::Http if matches!(bytes, [5, ..] | [0, 0x5b, ..]) => ("it answers as a SOCKS proxy does", "socks5"),
        ProxyScheme::Http if is_shut && matches!(proxy.port, 1080 | 9050) => {
            ("this is a usual port of SOCKS", "socks5")
        }
        ProxyScheme::Http if is_shut && matches!(proxy.port, 443 | 8443) => ("this is a usual port of TLS", "https"),
        ProxyScheme::Https if is_silent => ("proxies without TLS wait here for more", "http"),
        _ => return None,
    };
    let kind = match scheme {
        "https" => "behind TLS",
        "socks5" => "of SOCKS",
        _ => "of HTTP",
    };
    Some(format!("{seen}: if this is a proxy {kind}, its address is {scheme}://{}", proxy.authority()))
}

/// Where to try a proxy that was spoken to in clear, and wrote this page to say that its port is for TLS.
pub(super) fn behind_tls(proxy: &Proxy, page: &[u8]) -> Option<String> {
    let is_told = proxy.scheme == ProxyScheme::Http && wants_tls(page);
    is_told.then(|| {
        format!(
            "to a plain request this server says that its port is for TLS: try the address https://{}",
            proxy.authority()
        )
    })
}

fn wants_tls(page: &[u8]) -> bool {
    let page = String::from_utf8_lossy(page).to_ascii_lowercase();
    WANTS_TLS.iter().any(|words| page.contains(words))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::observation::Leg;

    fn leg(body_start: &[u8]) -> Leg {
        Leg {
            connection: 1,
            request: String::new(),
            credential: None,
            took: std::time::Duration::ZERO,
            status: None,
            version: None,
            reason: String::new(),
            headers: Vec::new(),
            challenges: Vec::new(),
            body_start: body_start.to_vec(),
            kept_open: false,
            left_unread: false,
        }
    }

    #[test]
    fn a_proxy_of_another_kind_is_told_by_what_it_says_and_its_address_is_named() {
        let (silent, shut) = (Fault::TimedOut { received: 0 }, Fault::ClosedByPeer { received: 0 });
        for (proxy, bytes, fault, address) in [
            (
                "socks5://gate.example:1080",
                &b"HTTP/1.1 400 Bad Request"[..],
                Fault::NotHttp,
                Some("http://gate.example:1080"),
            ),
            ("socks5://gate.example:1080", b"\x15\x03\x01", Fault::NotHttp, Some("https://gate.example:1080")),
            ("socks5://gate.example:1080", b"", silent.clone(), Some("http://gate.example:1080")),
            ("socks5://gate.example:1080", b"", shut.clone(), None),
            ("http://gate.example:1080", b"\x05\xff", Fault::NotHttp, Some("socks5://gate.example:1080")),
            ("http://gate.example:8080", b"\x15\x03\x03\x00\x02", Fault::NotHttp, Some("https://gate.example:8080")),
            (
                "http://gate.example:8080",
                b"<center>The plain HTTP request was sent to HTTPS port</center>",
                Fault::TunnelRefused { status: 400 },
                Some("https://gate.example:8080"),
            ),
            ("http://gate.example:1080", b"", shut.clone(), Some("socks5://gate.example:1080")),
            ("http://gate.example:8080", b"", shut.clone(), None),
            ("http://gate.example:8080", b"", silent.clone(), None),
            ("https://gate.example:8443", b"", silent, Some("http://gate.example:8443")),
            ("https://gate.example:8443", b"", shut, None),
        ] {
            let proxy: Proxy = proxy.parse().expect("a proxy");
            let tunnel = TunnelEvidence { legs: vec![leg(bytes)], ..TunnelEvidence::default() };
            let hint = hint(&proxy, Some(&tunnel), &fault);
            let named = hint.as_ref().and_then(|hint| hint.split("its address is ").nth(1));
            assert_eq!(named, address, "{proxy} {bytes:?} {fault:?}");
        }
    }
}
