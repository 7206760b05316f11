//! Answers in clear: whose they are, where nothing proves it.

use super::*;

#[test]
fn over_plain_http_a_healthy_status_counts_unless_a_middlebox_shows_itself() {
    let portal = "<form><input type=\"password\" name=p></form>";
    let blocked = "<html>Access to this page has been blocked.</html>";
    for (status, headers, body, code) in [
        (404, &[][..], "", "ok"),
        (200, &[("Server", "Microsoft-IIS/10.0")], "<html>hello</html>", "ok"),
        (200, &[], "<!DOCTYPE html><title>Welcome</title>", "http.middlebox_status"),
        (200, &[], "<html><form action=/go>Accept our terms <input type=submit></form></html>", "http.portal"),
        (200, &[], "plain words", "ok"),
        (404, &[("Via", "1.1 proxy (squid/5.7)")], "", "ok"),
        (404, &[("X-Squid-Error", "ERR_ACCESS_DENIED 0")], "", "http.block_page"),
        (403, &[("X-Squid-Error", "ERR_COMPANY_PAGE 0")], "", "http.block_page"),
        // Squid's own page, and not about access.
        (502, &[("X-Squid-Error", "ERR_READ_ERROR 104")], "Stylesheet for Squid Error pages", "http.middlebox_status"),
        // Whoever passes an answer on leaves a mark on it; only what it writes itself is a page of its own.
        (404, &[("Via", "1.1 proxy.example (Cisco-WSA/14.5.0-498)")], "", "ok"),
        (200, &[("Via", "1.1 x (Cisco-WSA/14.5.0)"), ("Server", "Microsoft-IIS/10.0")], "<html></html>", "ok"),
        (403, &[("Via", "1.1 proxy.example (Cisco-WSA/14.5.0-498)")], "", "http.middlebox_status"),
        (403, &[("Server", "Kerio Control Embedded Web Server")], "", "http.block_page"),
        (503, &[("X-Squid-Error", "ERR_DNS_FAIL 0")], "", "proxy.upstream_dns"),
        (502, &[("Proxy-Status", "gw; error=dns_error")], "", "proxy.upstream_dns"),
        (
            503,
            &[("X-Squid-Error", "ERR_CONNECT_FAIL 111")],
            "Stylesheet for Squid Error pages",
            "proxy.upstream_refused",
        ),
        (503, &[("Proxy-Status", "gw; error=unheard_of")], "", "http.middlebox_status"),
        (403, &[], "", "http.middlebox_status"),
        (500, &[("Server", "Microsoft-HTTPAPI/2.0")], "", "http.unexpected_status"),
        (200, &[], portal, "http.portal"),
        (200, &[], blocked, "http.block_page"),
        (404, &[("Server", "FortiGuard")], "<title>Web Page Blocked!</title>Access denied", "http.block_page"),
        (404, &[("Server", "Microsoft-IIS/10.0")], "Access denied", "ok"),
        (404, &[], "<meta http-equiv=\"refresh\" content=\"0; url=http://portal.example/\">", "http.portal"),
        (404, &[], "<meta http-equiv=refresh content='0;url=/home'>", "ok"),
        (511, &[], "", "http.portal"),
        (302, &[("Location", "https://login.portal.example/")], "", "http.portal"),
        (302, &[("Location", "https://blocked.example/")], "", "http.foreign_redirect"),
        (302, &[("Location", "https://evil-microsoft.com/")], "", "http.foreign_redirect"),
        (
            301,
            &[("Location", "https://adl.windows.com/"), ("Server", "Microsoft-IIS/10.0")],
            "",
            "http.unexpected_status",
        ),
        (302, &[("Location", "https://adl.windows.com/")], "", "http.middlebox_status"),
        (302, &[("Location", "//portal.example/login")], "", "http.portal"),
        (302, &[("Location", "/captive/hello")], "", "http.portal"),
        (302, &[("Location", "//blocked.example/")], "", "http.foreign_redirect"),
        // What a middlebox calls itself where the author stands, and what it calls itself where it passes something on.
        (404, &[("Server", "SonicWALL")], "", "http.block_page"),
        (404, &[("Server", "FooGate/1.0"), ("Via", "1.1 gw (FooGate)")], "", "http.middlebox_status"),
        (200, &[("Server", "gate"), ("Via", "1.1 GATE:3128")], "hi", "http.middlebox_status"),
        (404, &[("Server", "ECAcc (lab/1234)"), ("Via", "1.1 gw (squid/5.7)")], "", "ok"),
        (404, &[("Server", "nginx")], "", "ok"),
        (429, &[("Retry-After", "5"), ("x-ms-request-id", "1")], "", "http.throttled"),
        (429, &[("Retry-After", "5")], "", "http.middlebox_status"),
        (407, &[], "", "http.middlebox_status"),
    ] {
        let seen = Way::of(PLAIN)
            .passed(Evidence::Dns(dns(&["203.0.113.1"])))
            .passed(tcp(&[("203.0.113.1", TcpOutcome::Connected)]))
            .passed(Evidence::Http(http(status, headers, body)))
            .finished();
        let verdict = verdict_on(direct(), PLAIN, &[seen], Ended::Complete);
        assert_eq!(verdict.cause.code(), code, "{status} {headers:?} {body}");
        let blocks = !matches!(code, "ok" | "http.unexpected_status" | "http.throttled");
        assert_eq!(verdict.status == Status::Blocked, blocks, "{code}");
        assert!(verdict.chain.is_none());
    }
}

#[test]
fn a_refusal_of_tunnels_is_a_web_servers_where_the_same_server_says_that_its_port_is_for_tls() {
    const NGINX: (&str, &str) = ("Server", "nginx/1.22.1");
    let wants_tls = "<title>400 The plain HTTP request was sent to HTTPS port</title>";
    for (refusal, plain, code) in [
        ((400, &[NGINX][..]), wants_tls, "proxy.not_forwarding"),
        ((405, &[NGINX]), wants_tls, "proxy.not_forwarding"),
        // A real proxy that dislikes the request, before a server of another make.
        ((400, &[("Server", "gate/2")]), wants_tls, "proxy.bad_request_400"),
        ((400, &[]), wants_tls, "proxy.bad_request_400"),
        ((400, &[NGINX, ("Via", "1.1 gate")]), wants_tls, "proxy.bad_request_400"),
        ((400, &[NGINX, ("Proxy-Agent", "gate")]), wants_tls, "proxy.bad_request_400"),
        ((403, &[NGINX]), wants_tls, "proxy.denied_403"),
        ((400, &[NGINX]), "<title>400 Bad Request</title>", "proxy.bad_request_400"),
    ] {
        let (status, headers) = refusal;
        let tunnel =
            Way::of(TLS).stopped(legs("CONNECT v10c:443", &http(status, headers, "")), Fault::TunnelRefused { status });
        let answer = http(400, &[NGINX], plain);
        let in_clear =
            Way::of(PLAIN).passed(legs("GET http://adl/", &answer)).passed(Evidence::Http(answer)).finished();
        let verdict = verdict_on(proxied(), TLS, &[tunnel, in_clear], Ended::Complete);
        assert_eq!(verdict.cause.code(), code, "{refusal:?} {plain}");
        let is_named = verdict.summary.ends_with("https://proxy.example:8080");
        assert_eq!(is_named, code == "proxy.not_forwarding", "{}", verdict.summary);
    }
}

#[test]
fn where_no_proxy_is_asked_no_proxy_team_is_behind_an_answer_in_clear() {
    let page = "<html><title>Blocked</title>Access to this page has been blocked.</html>";
    for (route, owner) in [(direct(), Owner::FirewallTeam), (proxied(), Owner::ProxyTeam)] {
        let seen = Way::of(PLAIN).passed(Evidence::Http(http(200, &[], page))).finished();
        let (_, found) = judged_on(route, &[seen], Ended::Complete);
        let page = found.iter().find(|finding| finding.code == "http.block_page").expect("a finding");
        assert_eq!(page.owner, owner);
    }
}

#[test]
fn the_direct_route_is_left_out_only_where_it_leads_nowhere() {
    let answers = || Way::of(PLAIN).passed(Evidence::Http(http(404, &[], ""))).finished();
    for (evidence, fault, begins) in [
        (Evidence::Dns(dns(&[])), Fault::NameNotFound, "remove the name from DNS blocklists and local zones: v10c"),
        (
            tcp(&[("203.0.113.1", failed(Fault::NetworkUnreachable))]),
            Fault::NetworkUnreachable,
            "check the route to the addresses of these hosts",
        ),
    ] {
        let remedy = |others: &[Observation]| {
            let fails = Way::of(TLS).stopped(evidence.clone(), fault.clone());
            let seen: Vec<Observation> = std::iter::once(fails).chain(others.iter().cloned()).collect();
            let (verdicts, found) = judged_on(direct(), &seen, Ended::Complete);
            let code = verdicts[TLS as usize].cause.code();
            found.into_iter().find(|finding| finding.code == code).expect("a finding").remedy
        };
        assert!(remedy(&[]).contains("--no-direct"), "{fault:?}");
        let told = remedy(&[answers()]);
        assert!(told.starts_with(begins) && !told.contains("--no-direct"), "{told}");
    }
}
