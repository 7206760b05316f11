//! What is said of the way to a proxy and of what it answers, before and after authentication.

use super::CauseFacts;
use crate::judge::{Owner, Status};

pub(super) const TCP_REFUSED: CauseFacts = CauseFacts::new(
    "proxy.tcp_refused",
    Status::Blocked,
    Owner::ProxyTeam,
    "The proxy refuses the connection",
    "check the proxy's address and port, and that it is running",
);

pub(super) const BLACK_HOLE: CauseFacts = CauseFacts::new(
    "proxy.black_hole",
    Status::Blocked,
    Owner::ProxyTeam,
    "The PAC file or a setting sends these hosts nowhere, on purpose",
    "delete these hosts from the entry that names this address, or exempt them in the line before it; no proxy is to be started \
     there",
);

pub(super) const TCP_TIMEOUT: CauseFacts = CauseFacts::new(
    "proxy.tcp_timeout",
    Status::Blocked,
    Owner::ProxyTeam,
    "The proxy does not answer",
    "check the proxy's address, and that this network may reach it",
);

pub(super) const TCP_HOST_UNREACHABLE: CauseFacts = CauseFacts::new(
    "proxy.tcp_host_unreachable",
    Status::Blocked,
    Owner::ProxyTeam,
    "The proxy is reported unreachable",
    "check routing towards the proxy",
);

pub(super) const TCP_NET_UNREACHABLE: CauseFacts = CauseFacts::new(
    "proxy.tcp_net_unreachable",
    Status::Blocked,
    Owner::DesktopTeam,
    "There is no route to the proxy",
    "check the routes of this machine: none leads to the proxy",
);

pub(super) const TCP_ADMIN_PROHIBITED: CauseFacts = CauseFacts::new(
    "proxy.tcp_admin_prohibited",
    Status::Blocked,
    Owner::FirewallTeam,
    "The network prohibits connections to the proxy",
    "remove the rule that prohibits the proxy's address",
);

pub(super) const TCP_LOCAL_DENIED: CauseFacts = CauseFacts::new(
    "proxy.tcp_local_denied",
    Status::Blocked,
    Owner::DesktopTeam,
    "This machine itself refuses to connect to the proxy",
    "allow outgoing connections to the proxy in the host firewall or security product of this machine; if a route of its own \
     refuses them (blackhole, unreachable, prohibit), delete that route",
);

pub(super) const TCP_LOCAL_EXHAUSTED: CauseFacts = CauseFacts::new(
    "proxy.tcp_local_exhausted",
    Status::Inconclusive,
    Owner::Operator,
    "This machine has no ports or descriptors left for the proxy",
    "lower --concurrency, or raise the limit of open files, and check again",
);

pub(super) const NOT_HTTP: CauseFacts = CauseFacts::new(
    "proxy.not_http",
    Status::Blocked,
    Owner::ProxyTeam,
    "What answers at the proxy's address is not an HTTP proxy",
    "correct the proxy's port, or use https:// or socks5:// if that is what listens there",
);

pub(super) const TLS_FAILED: CauseFacts = CauseFacts::new(
    "proxy.tls_failed",
    Status::Blocked,
    Owner::ProxyTeam,
    "TLS to the proxy fails",
    "check the proxy's TLS listener and its protocol versions",
);

pub(super) const TLS_UNTRUSTED: CauseFacts = CauseFacts::new(
    "proxy.tls_untrusted",
    Status::Blocked,
    Owner::ProxyTeam,
    "This machine does not accept the proxy's own certificate",
    "install the CA of the proxy's certificate on the devices, or correct the proxy's name",
);

pub(super) const DENIED_403: CauseFacts = CauseFacts::new(
    "proxy.denied_403",
    Status::Blocked,
    Owner::ProxyTeam,
    "The proxy denies the hosts by policy",
    "allow CONNECT to exactly these host names on port 443",
);

pub(super) const DENIED_PORT: CauseFacts = CauseFacts::new(
    "proxy.denied_port",
    Status::Blocked,
    Owner::ProxyTeam,
    "The proxy denies the port",
    "allow CONNECT to port 443",
);

pub(super) const CLIENT_NOT_ALLOWED: CauseFacts = CauseFacts::new(
    "proxy.client_not_allowed",
    Status::Blocked,
    Owner::ProxyTeam,
    "The proxy denies this machine every host, also one that has nothing to do with these",
    "let this machine use the proxy: register its address or its account there. A proxy that allows only listed hosts needs \
     exactly these names on its list",
);

pub(super) const METHOD_BLOCKED: CauseFacts = CauseFacts::new(
    "proxy.method_blocked",
    Status::Blocked,
    Owner::ProxyTeam,
    "The proxy does not allow CONNECT",
    "allow the CONNECT method for these hosts",
);

pub(super) const BAD_REQUEST_400: CauseFacts = CauseFacts::new(
    "proxy.bad_request_400",
    Status::Blocked,
    Owner::ProxyTeam,
    "The proxy does not accept the form of the request",
    "look in the proxy's log why: a limit on hosts or headers, or the version of HTTP",
);

pub(super) const UPSTREAM_DNS: CauseFacts = CauseFacts::new(
    "proxy.upstream_dns",
    Status::Blocked,
    Owner::ProxyTeam,
    "The proxy cannot resolve the host",
    "check the name server that the proxy uses",
);

pub(super) const UPSTREAM_REFUSED: CauseFacts = CauseFacts::new(
    "proxy.upstream_refused",
    Status::Blocked,
    Owner::FirewallTeam,
    "The proxy is refused by the host or by a firewall behind it",
    "allow the proxy to connect to these hosts on this port",
);

pub(super) const UPSTREAM_TIMEOUT: CauseFacts = CauseFacts::new(
    "proxy.upstream_timeout",
    Status::Blocked,
    Owner::FirewallTeam,
    "The proxy gets no answer from the host",
    "allow the proxy to connect to these hosts on this port",
);

pub(super) const UPSTREAM_UNREACHABLE: CauseFacts = CauseFacts::new(
    "proxy.upstream_unreachable",
    Status::Blocked,
    Owner::FirewallTeam,
    "The proxy has no route to the host",
    "check the proxy's routing towards the internet",
);

pub(super) const UPSTREAM_TLS: CauseFacts = CauseFacts::new(
    "proxy.upstream_tls",
    Status::Blocked,
    Owner::ProxyTeam,
    "The proxy does not accept the certificate of the host",
    "exclude these hosts from TLS inspection: the proxy does not know Microsoft's private root",
);

pub(super) const UPSTREAM_UNKNOWN: CauseFacts = CauseFacts::new(
    "proxy.upstream_unknown",
    Status::Blocked,
    Owner::ProxyTeam,
    "The proxy cannot reach the host and does not say why",
    "look in the proxy's log at the time of this check",
);

pub(super) const REDIRECT: CauseFacts = CauseFacts::new(
    "proxy.redirect",
    Status::Blocked,
    Owner::ProxyTeam,
    "The proxy answers with a redirect",
    "let these hosts through without a redirect: Windows services cannot follow it",
);

pub(super) const PORTAL_AUTH: CauseFacts = CauseFacts::new(
    "proxy.portal_auth",
    Status::Blocked,
    Owner::ProxyTeam,
    "The proxy wants a sign-in page to be visited first",
    "exempt these hosts or the devices' addresses: Windows services cannot fill in a form",
);

pub(super) const OPENED_THEN_CLOSE: CauseFacts = CauseFacts::new(
    "proxy.200_then_close",
    Status::Blocked,
    Owner::ProxyTeam,
    "The proxy opens the tunnel and closes it at the first bytes",
    "look for a rule by category or name that acts after CONNECT, and for inspection that fails on these hosts",
);

pub(super) const OPENED_THEN_RST: CauseFacts = CauseFacts::new(
    "proxy.200_then_rst",
    Status::Blocked,
    Owner::ProxyTeam,
    "The proxy opens the tunnel and resets it at the first bytes",
    "look for a rule by category or name that acts after CONNECT, and for inspection that fails on these hosts",
);

pub(super) const OPENED_WITH_BODY: CauseFacts = CauseFacts::new(
    "proxy.200_with_body",
    Status::Blocked,
    Owner::ProxyTeam,
    "The proxy answers CONNECT with a page instead of a tunnel",
    "exempt these hosts from the page that the proxy shows",
);

pub(super) const HEAD_TOO_LARGE: CauseFacts = CauseFacts::new(
    "proxy.head_too_large",
    Status::Blocked,
    Owner::ProxyTeam,
    "The proxy's answer has a head of more than 64 KB",
    "look at what answers at the proxy's address; Windows' own clients read no more than 64 KB of a head by default",
);

pub(super) const BAD_REPLY: CauseFacts = CauseFacts::new(
    "proxy.bad_reply",
    Status::Blocked,
    Owner::ProxyTeam,
    "The proxy's answer cannot be parsed",
    "look at what answers at the proxy's address",
);

pub(super) const SOCKS_DENIED: CauseFacts = CauseFacts::new(
    "proxy.socks_denied",
    Status::Blocked,
    Owner::ProxyTeam,
    "The SOCKS proxy denies the hosts by rule",
    "allow these hosts in the SOCKS proxy's rules",
);

pub(super) const EMPTY: CauseFacts = CauseFacts::new(
    "proxy.empty",
    Status::Blocked,
    Owner::ProxyTeam,
    "The proxy closes the connection without an answer",
    "look in the proxy's log: an overload, an access rule, or a listener of another kind",
);

pub(super) const RST: CauseFacts = CauseFacts::new(
    "proxy.rst",
    Status::Blocked,
    Owner::ProxyTeam,
    "The proxy resets the connection instead of answering",
    "look in the proxy's log for a rule that resets, and at firewalls before it",
);

pub(super) const TIMEOUT: CauseFacts = CauseFacts::new(
    "proxy.timeout",
    Status::Blocked,
    Owner::ProxyTeam,
    "The proxy accepts the connection and does not answer",
    "look in the proxy's log: an overload, or a listener of another kind",
);

pub(super) const RATE_LIMITED: CauseFacts = CauseFacts::new(
    "proxy.rate_limited",
    Status::Blocked,
    Owner::ProxyTeam,
    "The proxy turns requests away for the time being",
    "look at the proxy's load and at its limits: status 429 speaks of too many requests (raise the limit, or check again \
     with a lower --max-connects), status 503 of overload or maintenance",
);

pub(super) const LOOP: CauseFacts = CauseFacts::new(
    "proxy.loop",
    Status::Blocked,
    Owner::ProxyTeam,
    "The proxies forward to each other in a loop",
    "correct the chain of parent proxies",
);

pub(super) const ICAP_DOWN: CauseFacts = CauseFacts::new(
    "proxy.icap_down",
    Status::Blocked,
    Owner::ProxyTeam,
    "The proxy's content scanner is not available",
    "restart the scanner, or let these hosts through without scanning",
);

pub(super) const NOT_FORWARDING: CauseFacts = CauseFacts::new(
    "proxy.not_forwarding",
    Status::Blocked,
    Owner::ProxyTeam,
    "What answers at the proxy's address does not forward to the host",
    "check the proxy's address and port (a web server or gateway answers like this); if they are right, let it \
     forward CONNECT to exactly these host names on port 443",
);

pub(super) const REQUEST_TIMEOUT: CauseFacts = CauseFacts::new(
    "proxy.request_timeout",
    Status::Blocked,
    Owner::ProxyTeam,
    "The proxy says that the request did not arrive in time",
    "look for lost packets or a device that holds requests back between here and the proxy, and at the proxy's load",
);

pub(super) const OPENED_OTHERWISE: CauseFacts = CauseFacts::new(
    "proxy.2xx_not_200",
    Status::Ok,
    Owner::ProxyTeam,
    "The proxy opens tunnels with another status than 200",
    "nothing has to change for this program; other clients may take only 200, so let the proxy answer 200",
);

pub(super) const CLIENT_LIMIT: CauseFacts = CauseFacts::new(
    "proxy.client_limit",
    Status::Ok,
    Owner::ProxyTeam,
    "The proxy limits how many connections one client has at once",
    "nothing has to change for one device, which opens fewer connections than this check; if many share an address (NAT, a proxy \
     before this one), raise the limit of connections per client. To check below the limit use --max-connects",
);
