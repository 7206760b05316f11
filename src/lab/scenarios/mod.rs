//! Every scenario by name, and the codes that no scenario on loopback can produce.

mod answers;
mod certificates;
mod connections;
mod follow_ups;
mod logins;
mod names;
mod products;
mod proxies;
mod scripts;
mod settings;
mod windows;

use super::blueprint::Blueprint;
use super::{Scenario, story};

/// All endpoints, as expectations write them.
const EVERYTHING: &[&str] = &["*"];

/// In the order of `waprobe lab list`.
#[must_use]
#[rustfmt::skip]
#[expect(clippy::too_many_lines, reason = "a table, one entry per scenario")]
pub fn scenarios() -> Vec<Scenario> {
    #[cfg_attr(not(target_os = "linux"), expect(unused_mut, reason = "one scenario more is pushed on Linux"))]
    let mut scenarios = vec![
        scenario("story", "Five proxies and what goes right and wrong with them; `check --lab` runs this", story,
            &["pauth.required", "proxy.denied_403", "intercepted.trusted", "intercepted.untrusted"])
            .telling(&["chain.path_difference", "chain.same_key_many_hosts"]),

        scenario("failing-name-server", "A name server that fails in every way it can", names::failing_name_server,
            &["dns.nxdomain", "dns.nodata", "dns.servfail", "dns.refused", "dns.malformed", "dns.timeout"]),
        scenario("filtered-names", "Names that a filter, a blocklist or a private zone keeps away", names::filtered_names,
            &["dns.ede_filtered", "dns.sinkhole", "dns.filter_vendor_ip", "dns.synthetic_agent", "dns.privatelink_shadow",
              "dns.v6_only"]),
        scenario("filtered-by-alias", "Names whose alias says that a filter answers, whatever stands at the end of it",
            names::filtered_by_alias, &["dns.filter_vendor_ip", "dns.sinkhole"]),
        scenario("overtaken-answers", "Somebody on the way answers questions for names before the name server does",
            names::overtaken_answers, &[])
            .telling(&["dns.injected"]),
        scenario("long-answers-lost", "An answer too long for a datagram, and TCP port 53 is closed",
            names::long_answers_lost, &["dns.tcp53_blocked"]),
        scenario("long-answers", "An answer too long for a datagram comes over TCP", names::long_answers_over_tcp, &[]),
        scenario("no-name-server", "No name server at all, which a proxied route does not notice", names::no_name_server,
            &["dns.no_resolver"]),
        scenario("unknown-proxy", "A proxy whose own name nobody knows", names::unknown_proxy, &["dns.proxy_name"]),

        scenario("failing-connections", "Addresses that refuse, that no route leads to, that half work",
            connections::failing_connections,
            &["tcp.refused", "tcp.net_unreachable", "tcp.partial_ips", "tcp.v6_broken"]),
        scenario("several-addresses", "Hosts with two addresses, of which a firewall inspects one and leaves the other alone",
            connections::several_addresses, &["intercepted.trusted"]),
        scenario("unreachable-proxies", "Proxies that refuse or that no route leads to", connections::unreachable_proxies,
            &["proxy.tcp_refused", "proxy.tcp_net_unreachable"]),
        scenario("flaky-origin", "The first connection is reset and the second works", connections::flaky_origin,
            &["x.flaky"]),
        scenario("limiting-proxies", "Proxies that take few connections of one client at once", connections::limiting_proxies,
            &["proxy.client_limit"]),
        scenario("limiting-firewall", "A firewall that takes few connections of one client at once",
            connections::limiting_firewall, &["tcp.client_limit"]),
        scenario("limiting-name-server", "A DNS server that takes few questions of one client at once",
            connections::limiting_name_server, &["dns.client_limit"]),
        scenario("out-of-time", "The run's time is up before one endpoint has answered", connections::out_of_time,
            &["x.budget"]),

        scenario("offline", "No network at all", follow_ups::offline, &["tcp.net_unreachable", "proxy.tcp_net_unreachable"])
            .telling(&["x.offline"]),
        scenario("closed-route", "A direct route that refuses everything, and a proxy that leads out",
            follow_ups::closed_route, &["tcp.refused"])
            .telling(&["x.inconclusive"]),
        scenario("every-endpoint-refused", "Every endpoint is refused, and another host is not",
            follow_ups::every_endpoint_refused, &["tcp.refused"]),
        scenario("allow-list", "One endpoint gets out, and everything else is refused", follow_ups::allow_list,
            &["tcp.refused"]),
        scenario("proxy-without-internet", "A proxy that reaches nothing, and one that reaches all but the endpoints",
            follow_ups::proxy_without_internet, &["proxy.upstream_timeout"])
            .telling(&["x.inconclusive"]),
        scenario("denying-everything", "Proxies that deny every host: to this machine, on this port, or by their names",
            follow_ups::denying_everything,
            &["proxy.client_not_allowed", "proxy.denied_port", "proxy.denied_403"]),
        scenario("filtered-hellos", "Devices that stop a handshake by its name, its version or its address",
            follow_ups::filtered_hellos, &["tls.sni_filtered", "tls.tls13_intolerant", "tls.ip_filtered"]),
        scenario("long-hellos", "Devices that stop a handshake by the length of its first message, or by its pieces",
            follow_ups::long_hellos, &["tls.large_hello", "tls.split_hello"]),
        scenario("filtered-behind-a-proxy", "The same behind a proxy", follow_ups::filtered_behind_a_proxy,
            &["tls.sni_filtered", "tls.tls13_intolerant"]),
        scenario("no-handshakes", "Every address answers, and no handshake does", follow_ups::no_handshakes,
            &["tls.rst_after_hello", "tls.fin_after_hello", "tls.timeout_after_hello", "tcp.accepts_everything"]),
        scenario("compared-names", "A name server that denies names, beside one that does not", follow_ups::compared_names,
            &["dns.nxdomain", "dns.differs_ok"])
            .telling(&["dns.nxdomain_local", "dns.nxdomain_everywhere"]),
        scenario("uploads", "Endpoints that answer questions and take no uploads", follow_ups::uploads,
            &["http.post_blocked", "http.reset_on_upload", "http.body_limit"]),
        scenario("old-servers", "Servers of TLS 1.1, and of TLS 1.2 with old cipher suites", follow_ups::old_servers,
            &["tls.legacy_only", "tls.old_suites", "intercepted.trusted", "intercepted.untrusted"])
            .telling(&["intercepted.partial"]),
        scenario("older-windows", "Firewalls that inspect or stop TLS 1.2, and let TLS 1.3 pass", follow_ups::older_windows,
            &["intercepted.trusted", "tls.rst_after_hello"])
            .telling(&["intercepted.partial"]),

        scenario("known-products", "Products that show themselves: gateways, a firewall, antivirus, a debugging proxy, Squid",
            products::known_products, &["intercepted.trusted", "proxy.denied_403", "pauth.required", "http.block_page"])
            .telling(&["chain.path_difference", "chain.same_key_many_hosts", "intercepted.partial"]),
        scenario("denying-proxy", "A proxy that says no in many ways", proxies::denying_proxy,
            &["proxy.denied_403", "proxy.method_blocked", "proxy.bad_request_400", "proxy.not_forwarding",
              "proxy.request_timeout", "x.inconclusive"]),
        scenario("web-server-as-proxy", "A web server where the proxy should be", proxies::web_server,
            &["proxy.not_forwarding"]),
        scenario("proxy-without-egress", "A proxy that cannot reach the endpoints, and says why",
            proxies::proxy_without_egress,
            &["proxy.upstream_dns", "proxy.upstream_refused", "proxy.upstream_timeout", "proxy.upstream_unreachable",
              "proxy.upstream_tls", "proxy.upstream_unknown"]),
        scenario("proxy-in-trouble", "A proxy at its limits, in a loop, without its scanner", proxies::proxy_in_trouble,
            &["proxy.rate_limited", "proxy.loop", "proxy.icap_down"]),
        scenario("portal", "A proxy that sends to a sign-in page", proxies::portal,
            &["proxy.redirect", "proxy.portal_auth"]),
        scenario("pretending-proxy", "A proxy that says 200 and then opens no tunnel", proxies::pretending_proxy,
            &["proxy.200_then_close", "proxy.200_then_rst", "proxy.200_with_body", "tls.timeout_after_hello"]),
        scenario("dead-tunnels", "Proxies that end every tunnel: to any host, or to the endpoints alone",
            proxies::dead_tunnels, &["proxy.200_then_close"]),
        scenario("awkward-tunnels", "Tunnels that open with unusual words, and work", proxies::awkward_tunnels,
            &["proxy.2xx_not_200"]),
        scenario("babbling-proxy", "Something at the proxy's address that is no HTTP proxy, or a broken one",
            proxies::babbling_proxy,
            &["proxy.not_http", "proxy.bad_reply", "proxy.head_too_large", "proxy.empty", "proxy.rst", "proxy.timeout"]),
        scenario("socks", "A SOCKS proxy with a reason for every refusal", proxies::socks,
            &["proxy.socks_denied", "proxy.upstream_unreachable", "proxy.upstream_refused", "proxy.upstream_timeout",
              "proxy.method_blocked"]),
        scenario("encrypted-proxies", "TLS to the proxy itself: in order, not accepted, not spoken",
            proxies::encrypted_proxies, &["proxy.tls_untrusted", "proxy.tls_failed"]),
        scenario("half-exempt", "An inspecting proxy that exempts some of the hosts", proxies::half_exempt,
            &["intercepted.trusted"])
            .telling(&["chain.path_difference", "chain.same_key_many_hosts", "intercepted.partial"]),
        scenario("two-nodes", "An inspecting node beside one that leaves hosts alone, behind one address",
            proxies::two_nodes, &["intercepted.trusted"])
            .telling(&["x.flaky", "chain.path_difference", "intercepted.partial"]),
        scenario("withdrawn-issuer", "An inspector that does not send its CA, betrayed by the direct route",
            proxies::withdrawn_issuer, &["intercepted.untrusted"])
            .telling(&["chain.path_difference"]),
        scenario("dated-inspection", "An inspecting proxy that speaks TLS 1.2 alone and made its certificates today",
            proxies::dated_inspection, &["intercepted.trusted"])
            .telling(&["chain.path_difference", "chain.same_key_many_hosts", "tls.lower_than_direct", "chain.fresh_leaf", "chain.no_sct"]),
        scenario("plain-answers", "Strangers' answers to the one plain http endpoint", proxies::plain_answers,
            &["http.block_page", "http.portal", "http.foreign_redirect", "http.middlebox_status", "http.truncated"]),

        scenario("script-with-mistakes", "A script that names a dead proxy, forgets a host, fails for one, and speaks to browsers",
            scripts::script_with_mistakes,
            &["pac.direct_for_endpoint", "pac.dead_first_proxy", "pac.eval_error", "pac.unsupported_token", "tcp.refused",
              "proxy.tcp_refused"]),
        scenario("script-in-order", "A script with a failover, on a network that is closed but for its proxies",
            scripts::script_in_order, &[]),
        scenario("script-into-inspection", "A script that sends two hosts into TLS inspection, and all others directly",
            scripts::into_inspection, &["intercepted.trusted"])
            .telling(&["chain.same_key_many_hosts", "chain.path_difference"]),
        scenario("script-for-newer-engines", "A script in modern JavaScript, which Windows' own script engine cannot read",
            scripts::for_newer_engines, &["pac.needs_newer_engine"]),
        scenario("script-into-a-black-hole", "A script that sends a host where nobody listens, on purpose",
            scripts::into_a_black_hole, &["proxy.black_hole"]),
        scenario("script-by-wpad", "A script that the name wpad of the parent domain leads to", scripts::by_wpad, &[]),
        scenario("no-wpad", "Nobody has the name wpad of the domain or its parents", scripts::no_wpad,
            &["pac.wpad_not_found"]).ending(),
        scenario("script-out-of-reach", "The script's server refuses connections", scripts::out_of_reach,
            &["pac.fetch_failed"]).ending(),
        scenario("script-too-late", "The script's server takes the question and says nothing", scripts::too_late,
            &["pac.timeout"]).ending(),
        scenario("script-behind-a-login", "The script's server asks who wants it", scripts::behind_a_login,
            &["pac.http_status"]).ending(),
        scenario("page-for-a-script", "A sign-in page in place of the script", scripts::page_in_its_place,
            &["pac.not_script"]).ending(),
        scenario("endless-script", "A script that never comes back with an answer", scripts::endless,
            &["pac.eval_timeout"]).ending(),

        scenario("settings-in-order", "A device whose settings lead everybody through one proxy", settings::in_order, &[]),
        scenario("proxy-for-users-alone", "A network that is closed but for its proxy, and SYSTEM does not know of it",
            settings::for_users_alone, &["tcp.refused", "conf.context_mismatch"])
            .telling(&["x.inconclusive"]),
        scenario("proxy-for-users-harmless", "Only users have a proxy, and SYSTEM needs none",
            settings::for_users_harmless, &[]),
        scenario("no-settings", "No source names a proxy, and the firewall wants one", settings::none,
            &["tcp.refused", "conf.none"]),
        scenario("variables-alone", "Only environment variables name the proxy", settings::variables_alone,
            &["tcp.refused", "conf.env_only"]),
        scenario("dead-policy", "The policy for the diagnostic service names a proxy that is gone", settings::dead_policy,
            &["proxy.tcp_refused", "conf.telemetry_proxy_dead"]),
        scenario("no-name-for-services", "A proxy asks for a name, and the policy keeps the user's from the service",
            settings::no_name_for_services, &["pauth.required", "conf.user_auth_disabled"]),
        scenario("nobody-signed-in", "A proxy asks for a name, and nobody is signed in", settings::nobody_signed_in,
            &["pauth.required", "conf.headless_user_auth"]),
        scenario("nobody-signed-in-harmless", "A proxy asks for no name, and nobody is signed in",
            settings::nobody_signed_in_harmless, &[]),
        scenario("defender-onboarded", "A device of Defender for Endpoint that may use the user's name at the proxy",
            settings::defender_onboarded, &["conf.mde_conflict"]),
        scenario("script-in-a-file", "The user's script is a file", settings::script_in_a_file, &["pac.file_url"]),
        scenario("settings-name-a-script", "Settings that name a script, which forgets a host",
            settings::naming_a_script, &["tcp.refused", "pac.direct_for_endpoint"]),
        scenario("script-service-disabled", "Settings that name a script, and the service that runs scripts is disabled",
            settings::script_service_disabled, &["conf.script_service_disabled"]),

        scenario("digests", "Every form of Digest, all of which work", logins::digests, &[]),
        scenario("awkward-challenges", "Challenges that close, are chunked or of HTTP/1.0, and work",
            logins::awkward_challenges, &["pauth.reconnect_on_407"]),
        scenario("wrong-password", "A password that the proxy does not take", logins::wrong_password, &["pauth.rejected"]),
        scenario("account-states", "Proxies that say what the directory says of an account", logins::account_states,
            &["pauth.account_locked", "pauth.disabled", "pauth.expired"]),
        scenario("password-in-clear", "A proxy that offers Basic alone, over a clear connection",
            logins::password_in_clear, &["pauth.basic_cleartext"]),
        scenario("broken-challenges", "Challenges that nobody can answer", logins::broken_challenges,
            &["pauth.no_challenge", "pauth.digest_unsupported", "pauth.required", "pauth.loop", "pauth.digest_stale_loop",
              "pauth.wrong_code", "pauth.no_common_scheme"]),
        scenario("two-identities", "A proxy for people and a proxy for machines", logins::two_identities,
            &["pauth.rejected"])
            .telling(&["pauth.machine_ok_user_denied", "pauth.user_ok_machine_denied"]),
        scenario("tickets", "Proxies that want tickets of Kerberos, and why there is none or why it is not taken",
            logins::tickets, &["pauth.krb_no_ticket", "pauth.krb_spn_unknown", "pauth.krb_cname", "pauth.krb_ip_literal", "pauth.krb_duplicate_spn", "pauth.krb_skew", "pauth.krb_etype", "pauth.krb_kdc_unreachable", "pauth.krb_token_too_big", "pauth.expired", "pauth.disabled", "pauth.rejected"]),
        scenario("no-rights", "A login that is right, and hosts that are not for everybody", logins::no_rights,
            &["pauth.denied_after_auth"]),
        scenario("faltering-proxy", "A proxy that takes a login and then refuses it once", logins::faltering_proxy,
            &["pauth.intermittent"]),
        scenario("choosy-proxies", "A right login that is refused for some hosts: at first, now and then, and every time",
            logins::choosy_proxies, &["pauth.intermittent", "pauth.denied_after_auth"]),
        scenario("one-method", "Proxies that ask for a name for tunnels alone, and for plain http alone",
            logins::one_method, &["pauth.required"])
            .telling(&["pauth.connect_only", "pauth.get_only"]),
        scenario("no-login", "A route that needs a login, and nobody gave one", logins::no_login, &["x.not_tested"]),
        scenario("socks-login", "A SOCKS proxy that wants a password", logins::socks_login, &["pauth.required"]),

        scenario("windows-logins", "NTLM with challenges of every form, all of which work", windows::logins,
            &["pauth.needs_proxy_connection"]),
        scenario("long-challenges", "Challenges behind which long pages come, which are read to their end",
            windows::long_pages, &[]),
        scenario("windows-split", "A balancer that leads the messages of one sign-in to two nodes", windows::split,
            &["pauth.lb_split"]),
        scenario("windows-negotiate", "Negotiate that carries NTLM, bare and in SPNEGO", windows::negotiate,
            &["pauth.nego_is_ntlm"]),
        scenario("windows-fallback", "Negotiate for Kerberos alone, and NTLM beside it", windows::fallback, &[]),
        scenario("windows-early", "A tunnel that opens before the password was looked at", windows::early,
            &["pauth.ntlm_early_200"]),
        scenario("windows-broken", "NTLM that loses its connection, or whose challenge cannot be read", windows::broken,
            &["pauth.ntlm_closed_mid", "proxy.bad_reply", "x.not_tested"]),
        scenario("windows-wrong-password", "A password that NTLM does not take", windows::wrong_password,
            &["pauth.rejected"]),

        scenario("broken-handshakes", "TLS that ends before it began", certificates::broken_handshakes,
            &["tls.ip_filtered", "tls.plaintext_reply", "tls.not_tls", "tls.alert.handshake_failure",
              "tls.alert.unrecognized_name", "tls.alert.access_denied", "tls.legacy_only"]),
        scenario("odd-handshakes", "TLS 1.2, wishes for a client certificate, a chain that is somebody else's",
            certificates::odd_handshakes, &["tls.client_cert_wanted", "tls.bad_signature"]),
        scenario("odd-chains", "Certificates out of date, misnamed, of another family, incomplete",
            certificates::odd_chains,
            &["chain.expired", "chain.not_yet_valid", "chain.name_mismatch", "chain.wrong_class", "chain.incomplete",
              "chain.eku", "chain.constraints", "chain.unparsable"]),
        scenario("sent-oddly", "Certificates in disorder, in a crowd, with other parents, claims and names than the true ones",
            certificates::sent_oddly,
            &["intercepted.trusted", "intercepted.untrusted", "chain.constraints", "chain.expired", "chain.unparsable"]),
        scenario("inspected-directly", "Inspection and forgery on the way, without any proxy",
            certificates::inspected_directly, &["intercepted.trusted", "intercepted.untrusted"])
            .telling(&["chain.same_key_many_hosts", "intercepted.partial"]),
        scenario("antivirus", "An antivirus program on this machine opens TLS", certificates::antivirus,
            &["intercepted.trusted"])
            .telling(&["chain.same_key_many_hosts", "intercepted.partial"]),
        scenario("inspection-by-subject", "An older inspecting device, whose certificates name the host in the subject alone",
            certificates::inspection_by_subject, &["intercepted.trusted"])
            .telling(&["chain.same_key_many_hosts", "intercepted.partial"]),
        scenario("sign-in-page", "A sign-in page of its own name stands in the place of most endpoints",
            certificates::sign_in_page, &["intercepted.untrusted"]),
        scenario("missing-root", "This machine's store lacks the public root of genuine chains",
            certificates::missing_root, &["chain.root_absent_locally"]),
        scenario("strange-signatures", "Certificates signed in a way that nothing here can check",
            certificates::strange_signatures, &["chain.unchecked"]),
        scenario("wrong-clock", "This machine's clock is more than a year ahead", certificates::wrong_clock,
            &["chain.clock_skew"]),

        scenario("odd-answers", "The endpoints' own answers, unusual and slow", answers::odd_answers,
            &["http.unexpected_status", "http.407_in_tunnel", "http.throttled"]),
        scenario("broken-answers", "Answers that do not come, stop, or are no HTTP", answers::broken_answers,
            &["http.timeout_first_byte", "http.truncated", "http.empty", "http.malformed"]),
        scenario("mute-plain-http", "The plain http endpoint closes without an answer", answers::mute_plain_http,
            &["http.empty"])
            .telling(&["http.plain_blocked"]),
        scenario("retired-endpoints", "Endpoints that the catalogue calls retired: gone, and blocked",
            answers::retired_endpoints, &["http.retired", "dns.nxdomain", "tcp.refused"])
            .telling(&["dns.nxdomain_everywhere"]),
    ];
    #[cfg(target_os = "linux")]
    scenarios.push(scenario("dropped-packets", "An endpoint and a proxy that packets never come back from",
        connections::dropped_packets, &["tcp.timeout", "proxy.tcp_timeout"]));
    scenarios
}

fn scenario(
    name: &'static str,
    title: &'static str,
    build: fn() -> Blueprint,
    codes: &'static [&'static str],
) -> Scenario {
    Scenario { name, title, codes, findings: &[], ends_early: false, build }
}

impl Scenario {
    fn telling(self, findings: &'static [&'static str]) -> Self {
        Self { findings, ..self }
    }

    /// There is no script to ask, and so nothing to probe.
    fn ending(self) -> Self {
        Self { ends_early: true, ..self }
    }
}

/// Codes that no scenario shows, each with the reason: they need more than a world on loopback without privileges, or what
/// they would say is said by others here.
pub const NOT_PRODUCIBLE: &[(&str, &str)] = &[
    ("dns.hosts_override", "would need to change this machine's hosts file"),
    ("dns.resolv_conf", "would need to change this machine's /etc/resolv.conf; tests/real does, in a mount namespace"),
    ("tcp.host_unreachable", "needs a router that says so; tests/real makes one, in a network namespace"),
    ("tcp.admin_prohibited", "needs a firewall that says so; tests/real makes one, in a network namespace"),
    ("tcp.local_denied", "needs a firewall on this machine"),
    ("tcp.reset_after_connect", "whether a reset comes before the first bytes or after them is the scheduler's choice"),
    ("tcp.local_exhausted", "would need to exhaust this machine"),
    ("pac.content_type", "the lab's script has one address, ending in .pac: Windows takes it with any type"),
    ("proxy.tcp_host_unreachable", "needs a router that says so; tests/real makes one, in a network namespace"),
    ("proxy.tcp_admin_prohibited", "needs a firewall that says so; tests/real makes one, in a network namespace"),
    ("proxy.tcp_local_denied", "needs a firewall on this machine"),
    ("proxy.tcp_local_exhausted", "would need to exhaust this machine"),
    ("pauth.client_has_no_login", "takes --os: a scenario is about all versions, and some of them send a user's login"),
    ("tls.slow", "would make every check of the lab wait for seconds; judged from recorded times"),
    ("chain.weak", "the lab's library makes no keys or signatures that weak; tests/real has them from openssl"),
    (
        "tls.pmtu",
        "loopback has no path that loses full-size packets alone; tests/real makes one, in network namespaces",
    ),
    (
        "pauth.ntlm_policy",
        "a policy of Windows, under which its own logon service gives no NTLM token; the lab's logins carry their own",
    ),
    (
        "pauth.cbt_required",
        "only a server with Extended Protection can tell, and a 407 looks the same there: it is pauth.rejected",
    ),
    (
        "chain.revoked",
        "nobody is asked whether a certificate is revoked: that takes connections to hosts that are no endpoints",
    ),
    (
        "chain.revocation_unreachable",
        "nobody is asked whether a certificate is revoked: that takes connections to hosts that are no endpoints",
    ),
    (
        "x.refused_by_policy",
        "what this program refuses to do has a code of its own: pauth.basic_cleartext, proxy.tls_untrusted",
    ),
    (
        "x.not_applicable",
        "endpoints that no chosen version or solution needs are not planned; impacts call it not-applicable",
    ),
    ("x.internal", "is a mistake in this program"),
];
