//! What stands behind a code: the evidence that decides it, why it matters to a Windows device, what other tools say.
//!
//! In: a code. Out: text for whoever asks what the code means. Never: a reason to judge; a code without evidence of its own.

/// What other tools report for the same fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Elsewhere {
    /// curl's exit code.
    pub curl: Option<&'static str>,
    /// `WinHTTP` and Schannel, as Windows' own logs and scripts show them.
    pub windows: Option<&'static str>,
    /// OONI's failure string.
    pub ooni: Option<&'static str>,
}

/// The evidence that earns a code, as the rest of "It is said when …".
#[must_use]
pub fn evidence(code: &str) -> Option<&'static str> {
    let code = if code.starts_with("tls.alert.") { "tls.alert" } else { code };
    EVIDENCE.iter().find(|(known, _)| *known == code).map(|(_, text)| *text)
}

/// Why it matters: the code's own reason, or its family's.
#[must_use]
pub fn why(code: &str) -> Option<&'static str> {
    let family = code.split('.').next().unwrap_or_default();
    let find = |wanted: &str| WHY.iter().find(|(known, _)| *known == wanted).map(|(_, text)| *text);
    find(code).or_else(|| find(family))
}

/// What somebody who makes the change has to know beside it.
#[must_use]
pub fn beside_the_change(code: &str) -> Option<&'static str> {
    (code.starts_with("intercepted.") && code != "intercepted.partial").then_some(
        "The report lists the names, and `waprobe endpoints` all that there are. Never a wildcard for blob.core.windows.net: \
         anybody's storage is below it. Where a program on the device inspects, such as an antivirus, it is the desktop team's, \
         and where a product is recognised the report says it in that product's terms.",
    )
}

const EVIDENCE: &[(&str, &str)] = &[
    (
        "ok",
        "the chain leads to an expected anchor, the peer proved its key, and the answer is one that the service gives",
    ),
    ("dns.timeout", "no name server answered within the deadline"),
    ("dns.servfail", "the name server answered SERVFAIL"),
    ("dns.refused", "the name server answered REFUSED"),
    ("dns.nxdomain", "the name server answered NXDOMAIN"),
    ("dns.malformed", "the answer could not be parsed"),
    ("dns.nodata", "the answer was NOERROR without an address"),
    ("dns.v6_only", "only AAAA records came, and this machine has no IPv6 route"),
    ("dns.ede_filtered", "the answer carried an extended error of filtering (RFC 8914, 15 to 18)"),
    (
        "dns.sinkhole",
        "a public name led to 0.0.0.0, loopback or a private address, or by an alias that says what it is for (sinkhole, walled-garden, \
         rpz …), and TLS did not confirm the service there",
    ),
    (
        "dns.hosts_override",
        "a line of the hosts file names the host, and its address is none that a public service has; or the name servers give \
         other addresses (or had not answered yet, while other hosts connect), and at that of the line the connection fails or \
         another server answers",
    ),
    ("dns.privatelink_shadow", "the answer's alias leads into a privatelink zone that has no public address for it"),
    ("dns.tcp53_blocked", "the answer was truncated and the name server's TCP port did not answer"),
    ("dns.no_resolver", "no name server is configured, or none could be reached"),
    (
        "dns.resolv_conf",
        "the system found nobody to ask, and no nameserver line of /etc/resolv.conf is one that it reads: carriage returns, a byte \
         order mark, NUL bytes, a blank in front or no address",
    ),
    ("dns.proxy_name", "the proxy's own name could not be resolved"),
    (
        "dns.filter_vendor_ip",
        "the answer's address or alias (CNAME) is one of a known DNS filter, and TLS did not confirm the \
         service there",
    ),
    (
        "dns.synthetic_agent",
        "the address is of the kind that a steering agent hands out, and the genuine service answered there",
    ),
    (
        "dns.differs_ok",
        "a name server asked by --compare-resolver gave other addresses, and the genuine service answered at these",
    ),
    (
        "dns.client_limit",
        "the DNS server refused the name or did not answer beside other questions, and answered it alone",
    ),
    ("tcp.refused", "the connection was answered with a reset"),
    ("tcp.timeout", "no answer came, although the question was repeated"),
    ("tcp.host_unreachable", "the network reported the host as unreachable"),
    ("tcp.net_unreachable", "there is no route to the network"),
    (
        "tcp.admin_prohibited",
        "the network reported the connection as prohibited: by ICMP type 3 with code 9, 10 or 13, or ICMPv6 type 1 with code 1, 5 or 6",
    ),
    (
        "tcp.local_denied",
        "this machine refused at once, before a packet left it, or an ICMP message from one of its own addresses did",
    ),
    ("tcp.reset_after_connect", "the connection was opened and reset before a byte was sent"),
    ("tcp.partial_ips", "one of the host's addresses connected and others did not"),
    ("tcp.v6_broken", "IPv4 connected and IPv6 did not"),
    ("tcp.local_exhausted", "the system had no port or descriptor left"),
    ("tcp.accepts_everything", "an address that belongs to nobody accepted a connection too"),
    ("tcp.client_limit", "the connection failed beside others of this check, and the same one gets through alone"),
    ("proxy.tcp_refused", "the proxy's address answered the connection with a reset"),
    (
        "proxy.black_hole",
        "nothing answered at the proxy's address, and it is one at which nobody is meant to listen: 0.0.0.0, a port up to 9 (or \
         65535) of this machine, a name that ends in .invalid",
    ),
    ("proxy.tcp_timeout", "no answer came from the proxy's address, although the question was repeated"),
    ("proxy.tcp_host_unreachable", "the network reported the proxy's address as unreachable"),
    ("proxy.tcp_net_unreachable", "there is no route to the proxy's network"),
    (
        "proxy.tcp_admin_prohibited",
        "the network reported the connection to the proxy as prohibited: by ICMP type 3 with code 9, 10 or 13, or ICMPv6 type 1 with code 1, 5 or 6",
    ),
    (
        "proxy.tcp_local_denied",
        "this machine refused the connection to the proxy at once, before a packet left it, or an ICMP message from one of its own addresses did",
    ),
    ("proxy.tcp_local_exhausted", "the system had no port or descriptor left for a connection to the proxy"),
    ("proxy.not_http", "the first bytes of the answer are no HTTP"),
    ("proxy.tls_failed", "the TLS handshake with the proxy itself did not finish"),
    ("proxy.tls_untrusted", "the proxy's own certificate is not accepted by this machine; no credential was sent"),
    ("proxy.denied_403", "the proxy answered with 403: CONNECT, or an address in clear as it answers CONNECT"),
    ("proxy.denied_port", "the proxy's answer says that the port is not allowed"),
    ("proxy.client_not_allowed", "the proxy denied the control host in the same way"),
    ("proxy.method_blocked", "the proxy answered CONNECT with 405 or 501"),
    ("proxy.bad_request_400", "the proxy answered CONNECT with 400"),
    (
        "proxy.not_forwarding",
        "CONNECT was answered with 404, 410 or 421, as a web server answers what it does not have; or with 400 or 405, by the \
         same server that answers plain http for any host, the control too, or says that its port is for TLS",
    ),
    ("proxy.request_timeout", "the proxy answered CONNECT with 408"),
    ("proxy.2xx_not_200", "CONNECT was answered with 201 to 299, which opens a tunnel as 200 does"),
    ("proxy.upstream_dns", "the proxy's answer says that it could not resolve the host"),
    ("proxy.upstream_refused", "the proxy's answer says that the connection was refused"),
    ("proxy.upstream_timeout", "the proxy's answer says that the host did not answer it"),
    ("proxy.upstream_unreachable", "the proxy's answer says that it has no route"),
    ("proxy.upstream_tls", "the proxy's answer says that it does not accept the host's certificate"),
    ("proxy.upstream_unknown", "the proxy answered 502, 503 or 504 without a reason"),
    ("proxy.redirect", "the proxy answered CONNECT with a redirect"),
    ("proxy.portal_auth", "the proxy sent the client to a sign-in page"),
    ("proxy.200_then_close", "the proxy opened the tunnel and closed it before the server said anything"),
    ("proxy.200_then_rst", "the proxy opened the tunnel and reset it before the server said anything"),
    ("proxy.200_with_body", "a page came where the tunnel should have been"),
    ("proxy.head_too_large", "the head of the answer was longer than the bound"),
    ("proxy.bad_reply", "the answer looks like HTTP and cannot be parsed"),
    ("proxy.socks_denied", "the SOCKS reply is 2, not allowed by rule"),
    ("proxy.empty", "the proxy closed the connection without a byte"),
    ("proxy.rst", "the proxy reset the connection instead of answering"),
    ("proxy.timeout", "the proxy sent nothing within the deadline"),
    ("proxy.rate_limited", "the proxy answered 429, or 503 with a time to wait"),
    (
        "proxy.client_limit",
        "the proxy turned the row away beside others of this check, and lets the same one through alone",
    ),
    ("proxy.loop", "the proxy's answer says that it met itself"),
    ("proxy.icap_down", "the proxy's answer names its content scanner"),
    ("pauth.required", "the proxy answered 407 and this identity sends no credentials"),
    ("pauth.no_challenge", "the 407 carried no Proxy-Authenticate header that can be read"),
    ("pauth.wrong_code", "a challenge came with another status than 407"),
    ("pauth.no_common_scheme", "none of the offered schemes is one that was asked for"),
    ("pauth.rejected", "a 407 came after a complete exchange"),
    (
        "pauth.denied_after_auth",
        "403 came after the credentials were accepted, or 407 although the same login is taken for other hosts, each time that this \
         host was asked for",
    ),
    ("pauth.digest_stale_loop", "every fresh nonce was called stale"),
    ("pauth.digest_unsupported", "the challenge names an algorithm or a quality that nobody implements"),
    ("pauth.loop", "more challenges came than any exchange has"),
    ("pauth.basic_cleartext", "the password stayed here, because anyone on the way could read it"),
    ("pauth.ntlm_closed_mid", "the connection was closed between the messages of NTLM, which signs in the connection"),
    ("pauth.reconnect_on_407", "the 407 ended its connection, and a second one went through"),
    ("pauth.ntlm_early_200", "the tunnel was opened before the challenge was answered"),
    ("pauth.nego_is_ntlm", "what Negotiate carried was an NTLM message"),
    ("pauth.lb_split", "the exchange failed over changing nodes and works on one"),
    (
        "pauth.account_locked",
        "the proxy's page after the login names the status STATUS_ACCOUNT_LOCKED_OUT of the directory",
    ),
    ("pauth.disabled", "the KDC or the proxy's page after the login says that the account is disabled or revoked"),
    (
        "pauth.expired",
        "the KDC or the proxy's page after the login says that the account or its password has expired, or that the \
         password must be changed",
    ),
    (
        "pauth.intermittent",
        "a login that opened a tunnel was answered with 407, or a host denied to it, on another connection of the same run, \
         and the same host was refused on one connection and not on another",
    ),
    (
        "pauth.needs_proxy_connection",
        "the proxy speaks HTTP/1.0, and kept the connection of NTLM by Proxy-Connection: Keep-Alive alone",
    ),
    (
        "pauth.krb_cname",
        "the KDC does not know HTTP/ of the name that was given, and knows HTTP/ of its canonical name",
    ),
    ("pauth.krb_ip_literal", "the proxy was given as an address, and no service has a ticket by address"),
    (
        "pauth.krb_duplicate_spn",
        "the proxy refused the ticket because it cannot be decrypted there or is for another service (errors 31, 41, 44 \
         and 45 of Kerberos)",
    ),
    (
        "pauth.krb_etype",
        "the KDC or the proxy says that it has no key of a kind that the other accepts (error 14 of Kerberos)",
    ),
    ("pauth.krb_kdc_unreachable", "no KDC of the realm is known, none answered, or what answered is no KDC"),
    ("pauth.krb_token_too_big", "400, 413 or 431 came to a request that carried a Kerberos ticket of more than 12 KB"),
    ("pauth.krb_spn_unknown", "the KDC does not know the service HTTP/ of the proxy's name"),
    ("pauth.krb_no_ticket", "there is no ticket-granting ticket"),
    ("pauth.krb_skew", "the clocks are too far apart for the KDC"),
    (
        "tls.rst_after_hello",
        "the connection was reset after the first message of TLS, without a byte of an answer or, as the row then says, in the middle of one",
    ),
    (
        "tls.fin_after_hello",
        "the connection was closed after the first message of TLS, without a byte of an answer or, as the row then says, in the middle of one",
    ),
    ("tls.timeout_after_hello", "nothing came within the deadline after the first message of TLS"),
    ("tls.sni_filtered", "the same address answers when another name is asked for"),
    ("tls.ip_filtered", "the same address answers no other name either"),
    ("tls.tls13_intolerant", "the handshake fails when TLS 1.3 is offered and passes when only 1.2 is"),
    (
        "tls.large_hello",
        "a first message of TLS that is as long as today's, or of post-quantum size, gets no answer, and a shorter one to the \
         same address does; where only the post-quantum size fails the row itself gets through, and a finding tells of it",
    ),
    (
        "tls.split_hello",
        "the same first message is answered when it comes in one piece, and gets no answer when it comes in two",
    ),
    (
        "tls.pmtu",
        "the handshake begins and its answer never arrives, and over a connection that announces small packets (maximum segment \
         size 536) the same handshake is answered",
    ),
    (
        "tls.slow",
        "the handshake came to its end and took more than two seconds beyond six times the way there and back",
    ),
    ("tls.plaintext_reply", "HTTP came where a TLS record should"),
    ("tls.not_tls", "the bytes that came are no TLS record"),
    ("tls.alert", "the handshake was ended with this alert"),
    (
        "tls.legacy_only",
        "a plain hello was answered with TLS 1.1 or older, or with a cipher suite that no chosen version of Windows offers",
    ),
    (
        "tls.old_suites",
        "a hello with the cipher suites of Windows' Schannel was answered with TLS 1.2, a certificate and a suite without ECDHE \
         or with CBC",
    ),
    ("tls.client_cert_wanted", "the peer asked for a client certificate"),
    ("tls.bad_signature", "the signature of the handshake fails under the certificate's own key"),
    (
        "intercepted.trusted",
        "the chain leads to a root that is in this machine's store and in none of Microsoft's or the public sets",
    ),
    ("intercepted.untrusted", "the chain leads to a root that nobody knows, or to no root at all"),
    (
        "chain.wrong_class",
        "the chain leads to a root of Microsoft or of the public sets that is not documented for this host",
    ),
    (
        "chain.incomplete",
        "an issuer is missing, and the certificate says where it could be fetched; or more certificates came than are searched",
    ),
    (
        "chain.unchecked",
        "a certificate's issuer was sent or is known, and no library here checks such a signature (MD5, Ed448, brainpool)",
    ),
    ("chain.unparsable", "nothing that came can be read as a certificate"),
    ("chain.expired", "the chain is the genuine one and its dates have passed"),
    ("chain.not_yet_valid", "the chain is the genuine one and its dates have not begun"),
    (
        "chain.clock_skew",
        "the server's date is five minutes or more from this clock, and the chain is valid at the server's",
    ),
    ("chain.name_mismatch", "the certificate is genuine and was issued for other names"),
    ("chain.weak", "a key or signature of the chain is too weak"),
    ("chain.eku", "the certificate is not meant for servers"),
    ("chain.constraints", "the chain breaks a rule that one of its CAs sets"),
    (
        "chain.root_absent_locally",
        "the chain leads to the expected public root, and this machine's store was read and does not hold it",
    ),
    ("http.block_page", "the answer is a page that a filtering product shows"),
    ("http.portal", "the answer leads to a sign-in page"),
    ("http.foreign_redirect", "the answer is a redirect to a host that is not the service's"),
    ("http.middlebox_status", "the answer bears marks of a device, not of the service"),
    ("http.unexpected_status", "the service itself answered, with a status that is not documented"),
    ("http.407_in_tunnel", "407 came from inside the tunnel, after TLS"),
    ("http.timeout_first_byte", "the request was taken and no answer came within the deadline"),
    ("http.truncated", "the answer ended before it was whole"),
    ("http.empty", "the connection was closed instead of an answer"),
    ("http.malformed", "the answer is no readable HTTP"),
    ("http.throttled", "429 or 503 came with a time to wait"),
    ("http.post_blocked", "--post: the question was answered, and an upload of 1,000 bytes was already broken off"),
    ("http.body_limit", "--post: a small upload was answered, and a larger one with 413"),
    ("http.reset_on_upload", "--post: a small upload was answered, and a larger one was broken off"),
    ("http.retired", "404 or 410 came for a service that is known to be retired"),
    ("pac.direct_for_endpoint", "the script's first word for the host is DIRECT, and the direct row is blocked"),
    (
        "pac.dead_first_proxy",
        "no row through the first proxy reached it, and a row of a later way of the same answer got through",
    ),
    ("pac.fetch_failed", "no connection to the script's server came about, or it broke off"),
    ("pac.timeout", "the script had not arrived whole when the deadline was over"),
    ("pac.http_status", "the server answered another status than 200; no redirect is followed and no login is sent"),
    ("pac.not_script", "what arrived begins with markup, is empty, is no text, or is larger than 1 MiB"),
    ("pac.eval_error", "the script threw an error, has no FindProxyForURL, or answered no list of ways"),
    ("pac.eval_timeout", "the script was stopped when its time was up"),
    (
        "pac.needs_newer_engine",
        "a syntax tree of the script has constructs that ECMAScript 3 and JScript lack; or the script, run without the built-ins of \
         later editions, fails on its way to an answer that it gives with them",
    ),
    (
        "pac.content_type",
        "the script's server gave another content type than application/x-ns-proxy-autoconfig, and its path ends in none of .dat, \
         .js, .pac, .jvs",
    ),
    ("pac.unsupported_token", "the answer has an entry that begins with another word than PROXY or DIRECT"),
    (
        "pac.file_url",
        "the script's address is a path, or begins with file:, ftp: or another scheme than http: and https:",
    ),
    ("pac.wpad_not_found", "no name wpad of the domain or its parents served a script; DHCP was not asked"),
    ("conf.none", "every source that was exported is empty, for SYSTEM and for the users"),
    ("conf.context_mismatch", "the sources of one account lead to a proxy, and those of the other go directly"),
    ("conf.env_only", "the registry holds proxy variables, and no setting that Windows' services read"),
    ("conf.telemetry_proxy_dead", "TelemetryProxyServer is set, and none of its proxies took a connection from here"),
    ("conf.user_auth_disabled", "DisableEnterpriseAuthProxy is 1, and some source names a proxy"),
    (
        "conf.script_service_disabled",
        "Start of the service WinHttpAutoProxySvc is 4, and the settings of some account name a script",
    ),
    ("conf.mde_conflict", "OnboardingState is 1, DisableEnterpriseAuthProxy is not, and some source names a proxy"),
    (
        "conf.headless_user_auth",
        "all of HKEY_USERS was exported without the hive of any person, and SYSTEM has a proxy that may ask for a user",
    ),
    ("x.not_tested", "nothing was asked: the evidence says what was missing"),
    ("x.inconclusive", "what was seen fits no code"),
    (
        "x.flaky",
        "the same question had two different answers; or a hello was not answered, and four of other shapes for the same name \
         were, which leaves open whether data gets out (inconclusive); where some hosts of a route are inspected, up to three of \
         its hosts are asked for twice more, and one of them was inspected on some connections and not on others",
    ),
    ("x.budget", "the time of the run was up"),
    ("x.internal", "this program ended the row with a mistake of its own"),
    ("x.offline", "a control host that has nothing to do with the service failed in the same way"),
    (
        "intercepted.partial",
        "some hosts on a route are intercepted and others are not, the same ones when some are asked for again",
    ),
    ("chain.same_key_many_hosts", "hosts that have nothing to do with each other answered with one key"),
    ("chain.path_difference", "one route shows the genuine chain and another a foreign one"),
    ("chain.fresh_leaf", "certificates of intercepted rows begin less than a day before they were shown"),
    (
        "chain.no_sct",
        "certificates of intercepted rows carry no timestamp of a public log, where the genuine service is of the public class",
    ),
    (
        "pauth.client_has_no_login",
        "every needed host gets through with the signed-in user's login, which some of the chosen Windows versions do not send",
    ),
    ("pauth.user_ok_machine_denied", "the same hosts answer the user's account and not the machine's"),
    ("pauth.machine_ok_user_denied", "the same hosts answer the machine's account and not the user's"),
    ("dns.nxdomain_local", "this network's name server denies a name that another one knows"),
    ("dns.nxdomain_everywhere", "every name server that was asked denies the name"),
    ("dns.injected", "one question had two different answers"),
    ("tls.lower_than_direct", "an older version of TLS was agreed on through the proxy than directly"),
    ("http.plain_blocked", "https passes on the route where http fails"),
    ("pauth.connect_only", "CONNECT was answered with 407 and the plain request was not"),
    ("pauth.get_only", "the plain request was answered with 407 and CONNECT was not"),
];

const WHY: &[(&str, &str)] = &[
    ("ok", "This route works for this endpoint."),
    (
        "dns.client_limit",
        "A row that failed beside others of this check shows no rule against its host: a device opens fewer connections.",
    ),
    (
        "tcp.client_limit",
        "A row that failed beside others of this check shows no rule against its host: a device opens fewer connections.",
    ),
    (
        "proxy.client_limit",
        "A row that failed beside others of this check shows no rule against its host: a device opens fewer connections.",
    ),
    (
        "dns",
        "Without an address the device cannot connect. It only matters on the route that resolves the name: behind a proxy \
      the proxy does.",
    ),
    (
        "dns.synthetic_agent",
        "Nothing is wrong: traffic is steered by an agent on the machine, and the genuine service answers.",
    ),
    ("dns.differs_ok", "Nothing is wrong; it is told so that nobody takes the other address for a forgery."),
    (
        "tls.old_suites",
        "The data gets out, because Windows still offers these suites. Nothing proves who answered, and newer versions of Windows \
         drop old suites one after the other.",
    ),
    ("tls.slow", "The data gets out. A scanner that takes seconds for a handshake makes services give up under load."),
    (
        "tls.split_hello",
        "The data gets out today. Once Windows offers post-quantum key exchange, its first message takes two packets, and \
         such a device stops it.",
    ),
    ("proxy.2xx_not_200", "The data gets out. Some programs know 200 alone and take such a tunnel for a refusal."),
    (
        "http.post_blocked",
        "Diagnostic data goes up. A route that answers questions and takes no uploads looks healthy and passes nothing on.",
    ),
    ("http.body_limit", "Heartbeats pass and crash reports do not: these are the largest that go up."),
    ("http.reset_on_upload", "Heartbeats pass and crash reports do not: these are the largest that go up."),
    ("tcp", "The service cannot be reached on this route, whatever is said later; a proxied route may still work."),
    ("proxy", "Windows sends diagnostic data over the route that its settings name, and does not try another one."),
    (
        "pauth",
        "The diagnostic service runs as the SYSTEM account. It can sign in to a proxy only as the signed-in user or as \
      the machine, and fills in no form; a bypass for these hosts works for every Windows version.",
    ),
    (
        "tls",
        "Without a handshake nothing is sent. Windows keeps the data and tries again later, without a word to anybody.",
    ),
    (
        "intercepted.untrusted",
        "Windows sends nothing to a peer that shows no root of the service's. Browsers warn there too, unless the devices trust the CA and \
         this machine does not.",
    ),
    (
        "intercepted",
        "Windows checks whose root these services present and sends nothing when it is another one. Browsers and \
      most tools accept a CA that the machine trusts, so that everything seems to work.",
    ),
    (
        "chain",
        "Windows accepts these services only under Microsoft's own certificates; what others accept says nothing.",
    ),
    (
        "chain.wrong_class",
        "This is not interception. Which roots Windows accepts is documented nowhere, and the ones last seen in \
      public may have been replaced.",
    ),
    ("http", "The connection is genuine as far as it was checked, but what came back is not what the service answers."),
    ("x", "Nothing can be said about this row yet."),
    (
        "x.flaky",
        "The data gets out on some connections and not on others: a device then sends late, or comes and goes.",
    ),
    ("pac", "The script decides which way each address takes, for every account that uses it."),
    ("conf", "Windows reads its proxy from several places, and services read others than users do."),
];

/// What other tools say, from the code or its family.
#[must_use]
pub fn elsewhere(code: &str) -> Elsewhere {
    let said = |curl, windows, ooni| Elsewhere { curl, windows, ooni };
    let family = code.split('.').next().unwrap_or_default();
    match code {
        "ok" => said(Some("0"), Some("success"), None),
        "dns.proxy_name" => said(Some("5"), Some("12007"), None),
        "dns.nxdomain" | "dns.nxdomain_local" | "dns.nxdomain_everywhere" | "dns.nodata" => {
            said(Some("6"), Some("12007"), Some("dns_nxdomain_error"))
        }
        "dns.timeout"
        | "dns.servfail"
        | "dns.refused"
        | "dns.malformed"
        | "dns.no_resolver"
        | "dns.resolv_conf"
        | "dns.tcp53_blocked"
        | "dns.ede_filtered"
        | "dns.privatelink_shadow" => said(Some("6"), Some("12007"), None),
        "proxy.black_hole" => said(Some("7"), Some("12029 or 12007"), None),
        "tcp.refused" | "proxy.tcp_refused" => said(Some("7"), Some("12029"), Some("connection_refused")),
        "tcp.timeout" | "proxy.tcp_timeout" => said(Some("28"), Some("12002 or 12029"), Some("generic_timeout_error")),
        "tcp.host_unreachable" | "proxy.tcp_host_unreachable" => {
            said(Some("7"), Some("12029"), Some("host_unreachable"))
        }
        "tcp.net_unreachable" | "tcp.admin_prohibited" | "tcp.local_denied" => said(Some("7"), Some("12029"), None),
        "proxy.tls_failed" => said(Some("35"), Some("12175"), None),
        "proxy.tls_untrusted" => said(Some("60"), Some("12045"), None),
        "proxy.empty" | "proxy.rst" => said(Some("56"), Some("12030"), None),
        "proxy.timeout" => said(Some("28"), Some("12002"), None),
        "chain.weak" | "chain.eku" | "chain.constraints" | "chain.incomplete" => {
            said(Some("60"), Some("12045 or 12175"), Some("ssl_invalid_certificate"))
        }
        "chain.wrong_class" | "tls.slow" | "dns.differs_ok" | "dns.synthetic_agent" | "proxy.2xx_not_200" => {
            said(Some("0, success"), Some("success"), Some("success"))
        }
        code if code.ends_with(".client_limit") => said(Some("0, success"), Some("success"), Some("success")),
        "http.unexpected_status" | "http.throttled" | "http.407_in_tunnel" | "http.retired" | "http.body_limit" => {
            said(Some("0, with the status in its answer (22 with --fail)"), Some("the status only"), None)
        }
        "http.block_page" | "http.portal" | "http.foreign_redirect" | "http.middlebox_status" => {
            said(Some("0, success, with a stranger's answer"), Some("success, with a stranger's answer"), None)
        }
        "http.post_blocked" | "http.reset_on_upload" => said(Some("55 or 56"), Some("12030"), Some("connection_reset")),
        "proxy.socks_denied" => said(Some("97"), None, None),
        "tls.rst_after_hello" | "proxy.200_then_rst" => {
            said(Some("35"), Some("12030 or 12175"), Some("connection_reset"))
        }
        "tls.fin_after_hello" | "proxy.200_then_close" => said(Some("35"), Some("12030 or 12175"), Some("eof_error")),
        "tls.sni_filtered"
        | "tls.ip_filtered"
        | "tls.tls13_intolerant"
        | "tls.large_hello"
        | "tls.split_hello"
        | "tls.pmtu" => said(Some("35 or 28"), Some("12030, 12175 or 12002"), None),
        "tls.timeout_after_hello" | "http.timeout_first_byte" => {
            said(Some("28"), Some("12002"), Some("generic_timeout_error"))
        }
        "tls.plaintext_reply" | "tls.not_tls" => said(Some("35"), Some("12175"), Some("ssl_failed_handshake")),
        "tls.client_cert_wanted" => said(None, Some("12044"), None),
        "intercepted.untrusted" => {
            said(Some("60"), Some("12045, 0x80090325 or 0x800B0109"), Some("ssl_unknown_authority"))
        }
        // CERT_E_UNTRUSTEDROOT is what Windows' check for Microsoft's own root says of every other one, in the machine's store or not
        // (CertVerifyCertificateChainPolicy, CERT_CHAIN_POLICY_MICROSOFT_ROOT).
        "intercepted.trusted" => said(
            Some("0, success (90 only when told a pin)"),
            Some(
                "success in browsers; 0x800B0109 from the check for Microsoft's own root, and the diagnostic service sends nothing",
            ),
            Some("success"),
        ),
        "chain.name_mismatch" => said(Some("60"), Some("12038"), Some("ssl_invalid_hostname")),
        "chain.expired" | "chain.not_yet_valid" | "chain.clock_skew" => {
            said(Some("60"), Some("12037"), Some("ssl_invalid_certificate"))
        }
        "http.empty" => said(Some("52"), Some("12152"), Some("eof_error")),
        "http.truncated" => said(Some("18"), Some("12030"), Some("eof_error")),
        // Microsoft, "Error messages (Winhttp.h)"; `waprobe proxy` reads the same numbers on Windows.
        "pac.fetch_failed" | "pac.timeout" => said(None, Some("12167"), None),
        "pac.http_status" => said(None, Some("12167, or 12015 where the script's server asks for a login"), None),
        "pac.not_script" => said(None, Some("12166"), None),
        "pac.eval_error" | "pac.needs_newer_engine" => said(None, Some("12166 or 12177"), None),
        "pac.wpad_not_found" => said(None, Some("12180"), None),
        "pac.content_type" => said(None, Some("12176"), None),
        "conf.script_service_disabled" => said(None, Some("12178"), None),
        _ if code == "tls.alert" || code.starts_with("tls.alert.") => {
            said(Some("35"), Some("12175 (0x80090326, 0x80090331)"), Some("ssl_failed_handshake"))
        }
        _ if code.starts_with("proxy.denied_") || code.starts_with("proxy.upstream_") => {
            said(Some("56, with the status in its text"), Some("the status only"), None)
        }
        // A login that was tried and failed; without one there is the status alone.
        "pauth.rejected" | "pauth.account_locked" | "pauth.disabled" | "pauth.expired" | "pauth.loop" => {
            said(Some("56 (407) or 94"), Some("407, 12015"), None)
        }
        // These get through.
        "pauth.reconnect_on_407" | "pauth.ntlm_early_200" | "pauth.nego_is_ntlm" | "pauth.needs_proxy_connection" => {
            said(Some("0, success"), Some("success"), Some("success"))
        }
        "pauth.denied_after_auth" => said(Some("56, with the status in its text"), Some("the status only"), None),
        _ if family == "pauth" => said(Some("56 (407) or 94"), Some("407 only"), None),
        _ => Elsewhere::default(),
    }
}

/// Windows' own error numbers for the fault that `code` names, as its logs and scripts show them: `12002`, `0x800B0109`.
/// None where Windows reports success, a status alone, or nothing of its own.
#[must_use]
pub fn windows_errors(code: &str) -> Vec<&'static str> {
    let words = elsewhere(code).windows.unwrap_or_default().split(|sign: char| !sign.is_ascii_alphanumeric());
    words.filter(|word| is_windows_error(word)).collect()
}

/// Whether this is one of `WinHTTP`'s numbers, or one of Windows' security libraries in hexadecimal digits.
#[must_use]
pub fn is_windows_error(text: &str) -> bool {
    if let Some(digits) = text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")) {
        return digits.len() == 8 && digits.bytes().all(|digit| digit.is_ascii_hexdigit());
    }
    text.len() == 5 && text.starts_with("12") && text.bytes().all(|digit| digit.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::judge::{Cause, Comparison};

    #[test]
    fn only_codes_that_exist_are_spoken_of() {
        let codes: BTreeSet<&str> =
            Cause::ALL.iter().map(|cause| cause.facts().code).chain(Comparison::ALL.map(|known| known.code)).collect();
        let told: Vec<&str> = EVIDENCE.iter().map(|(code, _)| *code).collect();
        assert_eq!(told.iter().collect::<BTreeSet<_>>().len(), told.len(), "a code twice");
        let unknown: Vec<&&str> = told.iter().filter(|code| !codes.contains(**code)).collect();
        assert!(unknown.is_empty(), "{unknown:?}");
        let untold: Vec<&&str> = codes.iter().filter(|code| evidence(code).is_none() || why(code).is_none()).collect();
        assert!(untold.is_empty(), "without evidence or without a reason: {untold:?}");
        for (code, _) in WHY {
            let is_family = codes.iter().any(|known| known.split('.').next() == Some(*code));
            assert!(codes.contains(code) || is_family, "{code}");
        }
    }

    #[test]
    fn windows_numbers_are_read_from_what_windows_says() {
        for (code, numbers) in [
            ("tcp.timeout", &["12002", "12029"][..]),
            ("tls.pmtu", &["12030", "12175", "12002"]),
            ("tls.alert.unknown_ca", &["12175", "0x80090326", "0x80090331"]),
            ("intercepted.untrusted", &["12045", "0x80090325", "0x800B0109"]),
            // 407 is the proxy's number, not Windows'.
            ("pauth.rejected", &["12015"]),
            ("pauth.required", &[]),
            ("pauth.nego_is_ntlm", &[]),
            ("pac.eval_error", &["12166", "12177"]),
            ("pac.not_script", &["12166"]),
            ("intercepted.trusted", &["0x800B0109"]),
            ("proxy.denied_403", &[]),
            ("ok", &[]),
        ] {
            assert_eq!(windows_errors(code), numbers, "{code}");
        }
    }

    #[test]
    fn interception_that_the_machine_trusts_is_success_elsewhere() {
        let others = elsewhere("intercepted.trusted");
        assert!(others.curl.is_some_and(|said| said.starts_with("0, success")));
        assert_eq!(elsewhere("tls.alert.unknown_ca").curl, Some("35"));
        assert_eq!(evidence("tls.alert.unknown_ca"), evidence("tls.alert"));
        assert_eq!(why("proxy.rst"), why("proxy"));
    }
}
