//! What we think a row means: a stable code, who has to act, and what to change.
//!
//! One table for everything that prints a cause. The matches below name every variant, so that a new cause cannot be
//! forgotten; two causes with one remedy are one cause.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::Status;

/// The judge's opinion on one row.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Cause {
    Ok,

    DnsTimeout,
    DnsServfail,
    DnsRefused,
    DnsNxdomain,
    DnsMalformed,
    DnsNodata,
    DnsV6Only,
    DnsEdeFiltered,
    DnsSinkhole,
    DnsHostsOverride,
    DnsPrivatelinkShadow,
    DnsTcp53Blocked,
    DnsNoResolver,
    DnsProxyName,

    TcpRefused,
    TcpTimeout,
    TcpHostUnreachable,
    TcpNetUnreachable,
    TcpAdminProhibited,
    TcpLocalDenied,
    TcpResetAfterConnect,
    TcpPartialIps,
    TcpV6Broken,
    TcpLocalExhausted,

    ProxyTcpRefused,
    ProxyTcpTimeout,
    ProxyTcpHostUnreachable,
    ProxyTcpNetUnreachable,
    ProxyTcpAdminProhibited,
    ProxyTcpLocalDenied,
    ProxyTcpLocalExhausted,

    ProxyNotHttp,
    ProxyTlsFailed,
    ProxyTlsUntrusted,
    ProxyDenied403,
    ProxyDeniedPort,
    ProxyMethodBlocked,
    ProxyBadRequest400,
    ProxyUpstreamDns,
    ProxyUpstreamRefused,
    ProxyUpstreamTimeout,
    ProxyUpstreamUnreachable,
    ProxyUpstreamTls,
    ProxyUpstreamUnknown,
    ProxyRedirect,
    ProxyPortalAuth,
    Proxy200ThenClose,
    Proxy200ThenRst,
    Proxy200WithBody,
    ProxyHeadTooLarge,
    ProxyBadReply,
    ProxySocksDenied,
    ProxyEmpty,
    ProxyRst,
    ProxyTimeout,
    ProxyRateLimited,
    ProxyLoop,
    ProxyIcapDown,

    PauthRequired,
    PauthNoChallenge,
    PauthWrongCode,
    PauthNoCommonScheme,
    PauthRejected,
    PauthDeniedAfterAuth,
    PauthDigestStaleLoop,
    PauthDigestUnsupported,
    PauthLoop,
    PauthBasicCleartext,
    PauthNtlmClosedMid,
    PauthReconnectOn407,
    PauthNtlmEarly200,
    PauthNegoIsNtlm,

    TlsRstAfterHello,
    TlsFinAfterHello,
    TlsTimeoutAfterHello,
    TlsPlaintextReply,
    TlsNotTls,
    TlsAlert(u8),
    TlsLegacyOnly,
    TlsClientCertWanted,
    TlsBadSignature,

    InterceptedTrusted,
    InterceptedUntrusted,
    ChainWrongClass,
    ChainIncomplete,
    ChainUnparsable,
    ChainExpired,
    ChainNotYetValid,
    ChainClockSkew,
    ChainNameMismatch,
    ChainWeak,
    ChainEku,
    ChainConstraints,

    HttpBlockPage,
    HttpPortal,
    HttpForeignRedirect,
    HttpMiddleboxStatus,
    HttpUnexpectedStatus,
    Http407InTunnel,
    HttpTimeoutFirstByte,
    HttpTruncated,
    HttpEmpty,
    HttpMalformed,
    HttpThrottled,
    HttpRetired,

    NotTested,
    Inconclusive,
    Flaky,
    Budget,
    Internal,
}

/// Who changes something.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, schemars::JsonSchema)]
pub enum Owner {
    #[serde(rename = "proxy team")]
    ProxyTeam,
    #[serde(rename = "firewall team")]
    FirewallTeam,
    #[serde(rename = "DNS team")]
    DnsTeam,
    #[serde(rename = "directory team")]
    DirectoryTeam,
    #[serde(rename = "desktop team")]
    DesktopTeam,
    #[serde(rename = "Microsoft")]
    Microsoft,
    #[serde(rename = "whoever runs this check")]
    Operator,
    #[serde(rename = "nobody")]
    Nobody,
}

/// What one cause says wherever it is printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CauseFacts {
    pub code: &'static str,
    /// The status of a row with this cause, where the trust table does not say otherwise.
    pub status: Status,
    /// What happened, as a heading for a finding.
    pub title: &'static str,
    pub owner: Owner,
    /// What to change, as an instruction.
    pub remedy: &'static str,
}

impl Owner {
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::ProxyTeam => "proxy team",
            Self::FirewallTeam => "firewall team",
            Self::DnsTeam => "DNS team",
            Self::DirectoryTeam => "directory team",
            Self::DesktopTeam => "desktop team",
            Self::Microsoft => "Microsoft",
            Self::Operator => "whoever runs this check",
            Self::Nobody => "nobody",
        }
    }
}

impl fmt::Display for Owner {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.pad(self.as_str())
    }
}

impl Cause {
    /// Every cause once; the alert stands for all alerts.
    pub const ALL: [Self; 111] = [
        Self::Ok,
        Self::DnsTimeout,
        Self::DnsServfail,
        Self::DnsRefused,
        Self::DnsNxdomain,
        Self::DnsMalformed,
        Self::DnsNodata,
        Self::DnsV6Only,
        Self::DnsEdeFiltered,
        Self::DnsSinkhole,
        Self::DnsHostsOverride,
        Self::DnsPrivatelinkShadow,
        Self::DnsTcp53Blocked,
        Self::DnsNoResolver,
        Self::DnsProxyName,
        Self::TcpRefused,
        Self::TcpTimeout,
        Self::TcpHostUnreachable,
        Self::TcpNetUnreachable,
        Self::TcpAdminProhibited,
        Self::TcpLocalDenied,
        Self::TcpResetAfterConnect,
        Self::TcpPartialIps,
        Self::TcpV6Broken,
        Self::TcpLocalExhausted,
        Self::ProxyTcpRefused,
        Self::ProxyTcpTimeout,
        Self::ProxyTcpHostUnreachable,
        Self::ProxyTcpNetUnreachable,
        Self::ProxyTcpAdminProhibited,
        Self::ProxyTcpLocalDenied,
        Self::ProxyTcpLocalExhausted,
        Self::ProxyNotHttp,
        Self::ProxyTlsFailed,
        Self::ProxyTlsUntrusted,
        Self::ProxyDenied403,
        Self::ProxyDeniedPort,
        Self::ProxyMethodBlocked,
        Self::ProxyBadRequest400,
        Self::ProxyUpstreamDns,
        Self::ProxyUpstreamRefused,
        Self::ProxyUpstreamTimeout,
        Self::ProxyUpstreamUnreachable,
        Self::ProxyUpstreamTls,
        Self::ProxyUpstreamUnknown,
        Self::ProxyRedirect,
        Self::ProxyPortalAuth,
        Self::Proxy200ThenClose,
        Self::Proxy200ThenRst,
        Self::Proxy200WithBody,
        Self::ProxyHeadTooLarge,
        Self::ProxyBadReply,
        Self::ProxySocksDenied,
        Self::ProxyEmpty,
        Self::ProxyRst,
        Self::ProxyTimeout,
        Self::ProxyRateLimited,
        Self::ProxyLoop,
        Self::ProxyIcapDown,
        Self::PauthRequired,
        Self::PauthNoChallenge,
        Self::PauthWrongCode,
        Self::PauthNoCommonScheme,
        Self::PauthRejected,
        Self::PauthDeniedAfterAuth,
        Self::PauthDigestStaleLoop,
        Self::PauthDigestUnsupported,
        Self::PauthLoop,
        Self::PauthBasicCleartext,
        Self::PauthNtlmClosedMid,
        Self::PauthReconnectOn407,
        Self::PauthNtlmEarly200,
        Self::PauthNegoIsNtlm,
        Self::TlsRstAfterHello,
        Self::TlsFinAfterHello,
        Self::TlsTimeoutAfterHello,
        Self::TlsPlaintextReply,
        Self::TlsNotTls,
        Self::TlsAlert(0),
        Self::TlsLegacyOnly,
        Self::TlsClientCertWanted,
        Self::TlsBadSignature,
        Self::InterceptedTrusted,
        Self::InterceptedUntrusted,
        Self::ChainWrongClass,
        Self::ChainIncomplete,
        Self::ChainUnparsable,
        Self::ChainExpired,
        Self::ChainNotYetValid,
        Self::ChainClockSkew,
        Self::ChainNameMismatch,
        Self::ChainWeak,
        Self::ChainEku,
        Self::ChainConstraints,
        Self::HttpBlockPage,
        Self::HttpPortal,
        Self::HttpForeignRedirect,
        Self::HttpMiddleboxStatus,
        Self::HttpUnexpectedStatus,
        Self::Http407InTunnel,
        Self::HttpTimeoutFirstByte,
        Self::HttpTruncated,
        Self::HttpEmpty,
        Self::HttpMalformed,
        Self::HttpThrottled,
        Self::HttpRetired,
        Self::NotTested,
        Self::Inconclusive,
        Self::Flaky,
        Self::Budget,
        Self::Internal,
    ];

    /// The cause whose code this is.
    #[must_use]
    pub fn from_code(code: &str) -> Option<Self> {
        if let Some(alert) = code.strip_prefix("tls.alert.") {
            return (0..=u8::MAX).find(|number| alert_name(*number) == alert).map(Self::TlsAlert);
        }
        Self::ALL.into_iter().find(|cause| cause.facts().code == code)
    }

    /// The stable code of reports, expectations and explanations.
    #[must_use]
    pub fn code(&self) -> String {
        match self {
            Self::TlsAlert(alert) => format!("tls.alert.{}", alert_name(*alert)),
            other => other.facts().code.to_owned(),
        }
    }

    /// Whether the change is made for these hosts. The others mend the way to the proxy, the name server or an account,
    /// whatever is asked for.
    #[must_use]
    pub fn is_about_hosts(&self) -> bool {
        !matches!(
            self,
            Self::DnsTimeout
                | Self::DnsRefused
                | Self::DnsTcp53Blocked
                | Self::DnsNoResolver
                | Self::DnsProxyName
                | Self::TcpNetUnreachable
                | Self::TcpLocalExhausted
                | Self::ProxyTcpRefused
                | Self::ProxyTcpTimeout
                | Self::ProxyTcpHostUnreachable
                | Self::ProxyTcpNetUnreachable
                | Self::ProxyTcpAdminProhibited
                | Self::ProxyTcpLocalDenied
                | Self::ProxyTcpLocalExhausted
                | Self::ProxyNotHttp
                | Self::ProxyTlsFailed
                | Self::ProxyTlsUntrusted
                | Self::ProxyLoop
                | Self::ProxyIcapDown
                | Self::PauthNoChallenge
                | Self::PauthWrongCode
                | Self::PauthRejected
                | Self::PauthDigestStaleLoop
                | Self::PauthDigestUnsupported
                | Self::PauthBasicCleartext
                | Self::PauthNtlmClosedMid
                | Self::PauthReconnectOn407
                | Self::PauthNtlmEarly200
                | Self::PauthNegoIsNtlm
                | Self::ChainClockSkew
                | Self::NotTested
                | Self::Budget
                | Self::Internal
        )
    }

    /// The table.
    #[must_use]
    #[expect(clippy::too_many_lines, reason = "a table, one entry per cause")]
    pub fn facts(&self) -> CauseFacts {
        let (code, status, owner, title, remedy) = match self {
            Self::Ok => ("ok", Status::Ok, Owner::Nobody, "Diagnostic data gets out", "nothing to change"),
            Self::DnsTimeout => (
                "dns.timeout",
                Status::Blocked,
                Owner::DnsTeam,
                "The name server does not answer",
                "check that the name server runs and that this machine may ask it",
            ),
            Self::DnsServfail => (
                "dns.servfail",
                Status::Blocked,
                Owner::DnsTeam,
                "The name server cannot find out the address",
                "look in the name server's log why its forwarders or the zone fail for this name",
            ),
            Self::DnsRefused => (
                "dns.refused",
                Status::Blocked,
                Owner::DnsTeam,
                "The name server refuses to answer this machine",
                "allow this machine's network to ask the name server",
            ),
            Self::DnsNxdomain => (
                "dns.nxdomain",
                Status::Blocked,
                Owner::DnsTeam,
                "The name server says that the name does not exist",
                "remove the name from DNS blocklists and local zones; on a proxy-only network leave the direct route out with --no-direct",
            ),
            Self::DnsMalformed => (
                "dns.malformed",
                Status::Blocked,
                Owner::DnsTeam,
                "The name server's answer cannot be read",
                "find the device that rewrites DNS answers between this machine and the name server",
            ),
            Self::DnsNodata => (
                "dns.nodata",
                Status::Blocked,
                Owner::DnsTeam,
                "The name exists but has no address",
                "check local zones and filters that answer for this name without an address",
            ),
            Self::DnsV6Only => (
                "dns.v6_only",
                Status::Blocked,
                Owner::DnsTeam,
                "Only IPv6 addresses are given and this machine has no IPv6 route",
                "let the name server hand out IPv4 addresses too, or give this network an IPv6 route",
            ),
            Self::DnsEdeFiltered => (
                "dns.ede_filtered",
                Status::Blocked,
                Owner::DnsTeam,
                "The name server says that it filters this name",
                "allow the name in the DNS filter that the answer quotes",
            ),
            Self::DnsHostsOverride => (
                "dns.hosts_override",
                Status::Blocked,
                Owner::DesktopTeam,
                "A line in the hosts file of this machine leads the name astray",
                "delete the line from the hosts file, and find out which product writes it",
            ),
            Self::DnsSinkhole => (
                "dns.sinkhole",
                Status::Blocked,
                Owner::DnsTeam,
                "The name leads to a sinkhole address",
                "remove the name from the DNS blocklist that answers with this address",
            ),
            Self::DnsPrivatelinkShadow => (
                "dns.privatelink_shadow",
                Status::Blocked,
                Owner::DnsTeam,
                "A private-link zone hides the public address",
                "let the private zone fall back to the internet for names that it does not hold",
            ),
            Self::DnsTcp53Blocked => (
                "dns.tcp53_blocked",
                Status::Blocked,
                Owner::FirewallTeam,
                "Long DNS answers are lost because TCP port 53 is closed",
                "allow TCP port 53 to the name server",
            ),
            Self::DnsNoResolver => (
                "dns.no_resolver",
                Status::Blocked,
                Owner::DesktopTeam,
                "No name server can be reached",
                "check the link, the DHCP lease and the configured name servers of this machine, or the server given with --resolver",
            ),
            Self::DnsProxyName => (
                "dns.proxy_name",
                Status::Blocked,
                Owner::ProxyTeam,
                "The proxy's own name cannot be resolved",
                "correct the proxy's name in the setting, or add its record to DNS",
            ),
            Self::TcpRefused => (
                "tcp.refused",
                Status::Blocked,
                Owner::FirewallTeam,
                "The connection is refused",
                "remove the rule that rejects connections to these hosts on this port",
            ),
            Self::TcpTimeout => (
                "tcp.timeout",
                Status::Blocked,
                Owner::FirewallTeam,
                "Packets are dropped without an answer",
                "allow outgoing connections to these hosts on this port; the addresses change, so allow by name",
            ),
            Self::TcpHostUnreachable => (
                "tcp.host_unreachable",
                Status::Blocked,
                Owner::FirewallTeam,
                "The host is reported unreachable",
                "check routing and reject rules towards these hosts",
            ),
            Self::TcpNetUnreachable => (
                "tcp.net_unreachable",
                Status::Blocked,
                Owner::FirewallTeam,
                "There is no route to the network",
                "check the default route; where only a proxy leads out, leave the direct route out with --no-direct",
            ),
            Self::TcpAdminProhibited => (
                "tcp.admin_prohibited",
                Status::Blocked,
                Owner::FirewallTeam,
                "The network says that the connection is prohibited",
                "remove the rule that prohibits these hosts",
            ),
            Self::TcpLocalDenied => (
                "tcp.local_denied",
                Status::Blocked,
                Owner::DesktopTeam,
                "This machine itself refuses to connect",
                "allow outgoing connections in the host firewall or security product of this machine",
            ),
            Self::TcpResetAfterConnect => (
                "tcp.reset_after_connect",
                Status::Blocked,
                Owner::FirewallTeam,
                "The connection is opened and reset at once",
                "look for a filter by address or an overloaded device in the path",
            ),
            Self::TcpPartialIps => (
                "tcp.partial_ips",
                Status::Degraded,
                Owner::FirewallTeam,
                "Some of the host's addresses cannot be reached",
                "allow the host by name instead of by address: the addresses change",
            ),
            Self::TcpV6Broken => (
                "tcp.v6_broken",
                Status::Degraded,
                Owner::FirewallTeam,
                "IPv6 does not get through while IPv4 does",
                "repair IPv6 towards these hosts, or accept the delay of each first try",
            ),
            Self::TcpLocalExhausted => (
                "tcp.local_exhausted",
                Status::Inconclusive,
                Owner::Operator,
                "This machine has no ports or descriptors left",
                "lower --concurrency, or raise the limit of open files, and check again",
            ),
            Self::ProxyTcpRefused => (
                "proxy.tcp_refused",
                Status::Blocked,
                Owner::ProxyTeam,
                "The proxy refuses the connection",
                "check the proxy's address and port, and that it is running",
            ),
            Self::ProxyTcpTimeout => (
                "proxy.tcp_timeout",
                Status::Blocked,
                Owner::ProxyTeam,
                "The proxy does not answer",
                "check the proxy's address, and that this network may reach it",
            ),
            Self::ProxyTcpHostUnreachable => (
                "proxy.tcp_host_unreachable",
                Status::Blocked,
                Owner::ProxyTeam,
                "The proxy is reported unreachable",
                "check routing towards the proxy",
            ),
            Self::ProxyTcpNetUnreachable => (
                "proxy.tcp_net_unreachable",
                Status::Blocked,
                Owner::ProxyTeam,
                "There is no route to the proxy",
                "check routing towards the proxy",
            ),
            Self::ProxyTcpAdminProhibited => (
                "proxy.tcp_admin_prohibited",
                Status::Blocked,
                Owner::FirewallTeam,
                "The network prohibits connections to the proxy",
                "remove the rule that prohibits the proxy's address",
            ),
            Self::ProxyTcpLocalDenied => (
                "proxy.tcp_local_denied",
                Status::Blocked,
                Owner::DesktopTeam,
                "This machine itself refuses to connect to the proxy",
                "allow outgoing connections to the proxy in the host firewall or security product of this machine",
            ),
            Self::ProxyTcpLocalExhausted => (
                "proxy.tcp_local_exhausted",
                Status::Inconclusive,
                Owner::Operator,
                "This machine has no ports or descriptors left for the proxy",
                "lower --concurrency, or raise the limit of open files, and check again",
            ),
            Self::ProxyNotHttp => (
                "proxy.not_http",
                Status::Blocked,
                Owner::ProxyTeam,
                "What answers at the proxy's address is not an HTTP proxy",
                "correct the proxy's port, or use https:// or socks5:// if that is what listens there",
            ),
            Self::ProxyTlsFailed => (
                "proxy.tls_failed",
                Status::Blocked,
                Owner::ProxyTeam,
                "TLS to the proxy fails",
                "check the proxy's TLS listener and its protocol versions",
            ),
            Self::ProxyTlsUntrusted => (
                "proxy.tls_untrusted",
                Status::Blocked,
                Owner::ProxyTeam,
                "This machine does not accept the proxy's own certificate",
                "install the CA of the proxy's certificate on the devices, or correct the proxy's name",
            ),
            Self::ProxyDenied403 => (
                "proxy.denied_403",
                Status::Blocked,
                Owner::ProxyTeam,
                "The proxy denies the hosts by policy",
                "allow CONNECT to exactly these host names on port 443",
            ),
            Self::ProxyDeniedPort => (
                "proxy.denied_port",
                Status::Blocked,
                Owner::ProxyTeam,
                "The proxy denies the port",
                "allow CONNECT to port 443",
            ),
            Self::ProxyMethodBlocked => (
                "proxy.method_blocked",
                Status::Blocked,
                Owner::ProxyTeam,
                "The proxy does not allow CONNECT",
                "allow the CONNECT method for these hosts",
            ),
            Self::ProxyBadRequest400 => (
                "proxy.bad_request_400",
                Status::Blocked,
                Owner::ProxyTeam,
                "The proxy calls the request malformed",
                "look in the proxy's log for its limit on hosts or headers",
            ),
            Self::ProxyUpstreamDns => (
                "proxy.upstream_dns",
                Status::Blocked,
                Owner::ProxyTeam,
                "The proxy cannot resolve the host",
                "check the name server that the proxy uses",
            ),
            Self::ProxyUpstreamRefused => (
                "proxy.upstream_refused",
                Status::Blocked,
                Owner::FirewallTeam,
                "The proxy is refused by the host or by a firewall behind it",
                "allow the proxy to connect to these hosts on port 443",
            ),
            Self::ProxyUpstreamTimeout => (
                "proxy.upstream_timeout",
                Status::Blocked,
                Owner::FirewallTeam,
                "The proxy gets no answer from the host",
                "allow the proxy to connect to these hosts on port 443",
            ),
            Self::ProxyUpstreamUnreachable => (
                "proxy.upstream_unreachable",
                Status::Blocked,
                Owner::FirewallTeam,
                "The proxy has no route to the host",
                "check the proxy's routing towards the internet",
            ),
            Self::ProxyUpstreamTls => (
                "proxy.upstream_tls",
                Status::Blocked,
                Owner::ProxyTeam,
                "The proxy does not accept the certificate of the host",
                "exclude these hosts from TLS inspection: the proxy does not know Microsoft's private root",
            ),
            Self::ProxyUpstreamUnknown => (
                "proxy.upstream_unknown",
                Status::Blocked,
                Owner::ProxyTeam,
                "The proxy cannot reach the host and does not say why",
                "look in the proxy's log at the time of this check",
            ),
            Self::ProxyRedirect => (
                "proxy.redirect",
                Status::Blocked,
                Owner::ProxyTeam,
                "The proxy answers with a redirect",
                "let these hosts through without a redirect: Windows services cannot follow it",
            ),
            Self::ProxyPortalAuth => (
                "proxy.portal_auth",
                Status::Blocked,
                Owner::ProxyTeam,
                "The proxy wants a sign-in page to be visited first",
                "exempt these hosts or the devices' addresses: Windows services cannot fill in a form",
            ),
            Self::Proxy200ThenClose => (
                "proxy.200_then_close",
                Status::Blocked,
                Owner::ProxyTeam,
                "The proxy opens the tunnel and closes it at the first bytes",
                "look for a rule by category or name that acts after CONNECT, and for inspection that fails on these hosts",
            ),
            Self::Proxy200ThenRst => (
                "proxy.200_then_rst",
                Status::Blocked,
                Owner::ProxyTeam,
                "The proxy opens the tunnel and resets it at the first bytes",
                "look for a rule by category or name that acts after CONNECT, and for inspection that fails on these hosts",
            ),
            Self::Proxy200WithBody => (
                "proxy.200_with_body",
                Status::Blocked,
                Owner::ProxyTeam,
                "The proxy answers CONNECT with a page instead of a tunnel",
                "exempt these hosts from the page that the proxy shows",
            ),
            Self::ProxyHeadTooLarge => (
                "proxy.head_too_large",
                Status::Blocked,
                Owner::ProxyTeam,
                "The proxy's answer has an endless head",
                "look at what answers at the proxy's address",
            ),
            Self::ProxyBadReply => (
                "proxy.bad_reply",
                Status::Blocked,
                Owner::ProxyTeam,
                "The proxy's answer cannot be parsed",
                "look at what answers at the proxy's address",
            ),
            Self::ProxySocksDenied => (
                "proxy.socks_denied",
                Status::Blocked,
                Owner::ProxyTeam,
                "The SOCKS proxy denies the hosts by rule",
                "allow these hosts in the SOCKS proxy's rules",
            ),
            Self::ProxyEmpty => (
                "proxy.empty",
                Status::Blocked,
                Owner::ProxyTeam,
                "The proxy closes the connection without an answer",
                "look in the proxy's log: an overload, an access rule, or a listener of another kind",
            ),
            Self::ProxyRst => (
                "proxy.rst",
                Status::Blocked,
                Owner::ProxyTeam,
                "The proxy resets the connection instead of answering",
                "look in the proxy's log for a rule that resets, and at firewalls before it",
            ),
            Self::ProxyTimeout => (
                "proxy.timeout",
                Status::Blocked,
                Owner::ProxyTeam,
                "The proxy accepts the connection and does not answer",
                "look in the proxy's log: an overload, or a listener of another kind",
            ),
            Self::ProxyRateLimited => (
                "proxy.rate_limited",
                Status::Blocked,
                Owner::ProxyTeam,
                "The proxy limits the rate of requests",
                "raise the limit for these hosts, or check again with a lower --max-connects",
            ),
            Self::ProxyLoop => (
                "proxy.loop",
                Status::Blocked,
                Owner::ProxyTeam,
                "The proxies forward to each other in a loop",
                "correct the chain of parent proxies",
            ),
            Self::ProxyIcapDown => (
                "proxy.icap_down",
                Status::Blocked,
                Owner::ProxyTeam,
                "The proxy's content scanner is not available",
                "restart the scanner, or let these hosts through without scanning",
            ),
            Self::PauthRequired => (
                "pauth.required",
                Status::Blocked,
                Owner::ProxyTeam,
                "The proxy asks for authentication",
                "let these hosts through without authentication",
            ),
            Self::PauthNoChallenge => (
                "pauth.no_challenge",
                Status::Blocked,
                Owner::ProxyTeam,
                "The proxy asks for authentication without saying how",
                "correct the proxy: its 407 carries no Proxy-Authenticate header",
            ),
            Self::PauthWrongCode => (
                "pauth.wrong_code",
                Status::Blocked,
                Owner::ProxyTeam,
                "The proxy asks for authentication with the status of a web server",
                "correct the proxy: it must answer 407 with a Proxy-Authenticate header",
            ),
            Self::PauthNoCommonScheme => (
                "pauth.no_common_scheme",
                Status::Blocked,
                Owner::ProxyTeam,
                "The proxy does not offer the scheme that was asked for",
                "enable the scheme on the proxy, or let these hosts through without authentication",
            ),
            Self::PauthRejected => (
                "pauth.rejected",
                Status::Blocked,
                Owner::DirectoryTeam,
                "The proxy rejects the user name or password",
                "check the account and its password; the password is tried once per run, so that the account is not locked",
            ),
            Self::PauthDeniedAfterAuth => (
                "pauth.denied_after_auth",
                Status::Blocked,
                Owner::ProxyTeam,
                "The account is known but not allowed to reach the hosts",
                "allow these hosts for the account or its group",
            ),
            Self::PauthDigestStaleLoop => (
                "pauth.digest_stale_loop",
                Status::Blocked,
                Owner::ProxyTeam,
                "The proxy calls every fresh Digest nonce stale",
                "check the clock and the nonce lifetime of the proxy",
            ),
            Self::PauthDigestUnsupported => (
                "pauth.digest_unsupported",
                Status::Blocked,
                Owner::ProxyTeam,
                "The proxy offers a kind of Digest that no client knows",
                "offer MD5 or SHA-256 with qop=auth",
            ),
            Self::PauthLoop => (
                "pauth.loop",
                Status::Blocked,
                Owner::ProxyTeam,
                "The proxy asks for authentication again and again",
                "look in the proxy's log why no answer satisfies it",
            ),
            Self::PauthBasicCleartext => (
                "pauth.basic_cleartext",
                Status::Blocked,
                Owner::Operator,
                "The password was not sent, because the connection to the proxy is not encrypted",
                "use an https proxy, or allow it with --allow-basic-cleartext",
            ),
            Self::PauthNtlmClosedMid => (
                "pauth.ntlm_closed_mid",
                Status::Blocked,
                Owner::ProxyTeam,
                "The proxy closes the connection between the messages of NTLM",
                "keep the connection open while a client signs in (Squid: auth_param ntlm keep_alive on), and let a \
                 balancer keep each client on one node",
            ),
            Self::PauthReconnectOn407 => (
                "pauth.reconnect_on_407",
                Status::Ok,
                Owner::ProxyTeam,
                "The proxy closes the connection with its 407, so that each client has to connect again",
                "nothing has to change; keeping the connection would save every client a round trip",
            ),
            Self::PauthNtlmEarly200 => (
                "pauth.ntlm_early_200",
                Status::Ok,
                Owner::ProxyTeam,
                "The proxy opens the tunnel before it has seen an answer to its challenge",
                "check whether the proxy remembers users by their address: whoever comes next from there is taken for them",
            ),
            Self::PauthNegoIsNtlm => (
                "pauth.nego_is_ntlm",
                Status::Ok,
                Owner::DirectoryTeam,
                "Negotiate works by NTLM, not by Kerberos",
                "where Kerberos is wanted, register the service principal HTTP/ with the proxy's name and give clients that \
                 name",
            ),
            Self::TlsRstAfterHello => (
                "tls.rst_after_hello",
                Status::Blocked,
                Owner::FirewallTeam,
                "The connection is reset in the TLS handshake",
                "look for a filter by host name or for inspection that drops these hosts, and allow the names",
            ),
            Self::TlsFinAfterHello => (
                "tls.fin_after_hello",
                Status::Blocked,
                Owner::FirewallTeam,
                "The connection is closed in the TLS handshake",
                "look for a filter by host name or for inspection that drops these hosts, and allow the names",
            ),
            Self::TlsTimeoutAfterHello => (
                "tls.timeout_after_hello",
                Status::Blocked,
                Owner::FirewallTeam,
                "The TLS handshake gets no answer",
                "look for a filter by host name or for inspection that drops these hosts, and allow the names",
            ),
            Self::TlsPlaintextReply => (
                "tls.plaintext_reply",
                Status::Blocked,
                Owner::FirewallTeam,
                "Something answers in plain HTTP where TLS is spoken",
                "find the device that puts its own page on port 443, and exempt these hosts",
            ),
            Self::TlsNotTls => (
                "tls.not_tls",
                Status::Blocked,
                Owner::FirewallTeam,
                "What answers on port 443 does not speak TLS",
                "check where these hosts' connections are led",
            ),
            Self::TlsAlert(_) => (
                "tls.alert",
                Status::Blocked,
                Owner::FirewallTeam,
                "The peer ends the handshake with an alert",
                "find out whether a device in the path or the service itself sent it (this program speaks TLS 1.2 and 1.3 with \
                 ECDHE; to a server that wants something older, Windows might still speak), and exempt these hosts from inspection",
            ),
            Self::TlsLegacyOnly => (
                "tls.legacy_only",
                Status::Blocked,
                Owner::ProxyTeam,
                "The peer speaks only TLS 1.1 or older",
                "exempt these hosts from the old inspection device, or update it",
            ),
            Self::TlsClientCertWanted => (
                "tls.client_cert_wanted",
                Status::Degraded,
                Owner::ProxyTeam,
                "The peer asks for a client certificate",
                "find the device or front end that asks, and exempt these hosts",
            ),
            Self::TlsBadSignature => (
                "tls.bad_signature",
                Status::Blocked,
                Owner::FirewallTeam,
                "The peer shows a certificate whose key it does not hold",
                "find the device that replays the certificate",
            ),
            Self::InterceptedTrusted => (
                "intercepted.trusted",
                Status::Intercepted,
                Owner::ProxyTeam,
                "TLS is inspected, with a CA that this machine trusts",
                "exclude exactly these host names from TLS inspection",
            ),
            Self::InterceptedUntrusted => (
                "intercepted.untrusted",
                Status::Intercepted,
                Owner::ProxyTeam,
                "TLS is inspected, with a CA that this machine does not trust",
                "exclude exactly these host names from TLS inspection",
            ),
            Self::ChainWrongClass => (
                "chain.wrong_class",
                Status::Degraded,
                Owner::Microsoft,
                "The chain is genuine, under another root than last documented",
                "nothing in the network; the catalogue may be out of date",
            ),
            Self::ChainIncomplete => (
                "chain.incomplete",
                Status::Inconclusive,
                Owner::Microsoft,
                "The chain is too short to be decided",
                "compare with another route: an interceptor or the service leaves out its issuing CA",
            ),
            Self::ChainUnparsable => (
                "chain.unparsable",
                Status::Inconclusive,
                Owner::ProxyTeam,
                "The certificate cannot be read",
                "find out what answers there",
            ),
            Self::ChainExpired => (
                "chain.expired",
                Status::Blocked,
                Owner::Microsoft,
                "The certificate of the genuine service has expired",
                "check the clock of this machine; if it is right, Microsoft has to renew the certificate",
            ),
            Self::ChainNotYetValid => (
                "chain.not_yet_valid",
                Status::Blocked,
                Owner::DesktopTeam,
                "The certificate of the genuine service is not valid yet",
                "check the clock of this machine",
            ),
            Self::ChainClockSkew => (
                "chain.clock_skew",
                Status::Blocked,
                Owner::DesktopTeam,
                "This machine's clock is wrong, so that genuine certificates look invalid",
                "set the clock of this machine",
            ),
            Self::ChainNameMismatch => (
                "chain.name_mismatch",
                Status::Blocked,
                Owner::FirewallTeam,
                "Another server answers, with a certificate for other names",
                "check where these hosts' names and connections are led",
            ),
            Self::ChainWeak => (
                "chain.weak",
                Status::Blocked,
                Owner::Microsoft,
                "The certificate is too weak for Windows",
                "find out what answers there: no Microsoft service uses such keys",
            ),
            Self::ChainEku => (
                "chain.eku",
                Status::Blocked,
                Owner::Microsoft,
                "The certificate was not issued for servers",
                "find out what answers there",
            ),
            Self::ChainConstraints => (
                "chain.constraints",
                Status::Blocked,
                Owner::Microsoft,
                "The certificate breaks the rules of its own CA",
                "find out what answers there",
            ),
            Self::HttpBlockPage => (
                "http.block_page",
                Status::Blocked,
                Owner::ProxyTeam,
                "A block page is shown instead of the service",
                "allow the host in the product that shows the page",
            ),
            Self::HttpPortal => (
                "http.portal",
                Status::Blocked,
                Owner::FirewallTeam,
                "A sign-in portal is shown instead of the service",
                "exempt the host or the device from the portal",
            ),
            Self::HttpForeignRedirect => (
                "http.foreign_redirect",
                Status::Blocked,
                Owner::ProxyTeam,
                "The request is redirected to a foreign host",
                "let the host through without a redirect",
            ),
            Self::HttpMiddleboxStatus => (
                "http.middlebox_status",
                Status::Blocked,
                Owner::ProxyTeam,
                "A device in the path answers instead of the service",
                "allow the host on the device that answers",
            ),
            Self::HttpUnexpectedStatus => (
                "http.unexpected_status",
                Status::Degraded,
                Owner::Microsoft,
                "The service answers with a status that is not documented",
                "nothing in the network; the service may have changed",
            ),
            Self::Http407InTunnel => (
                "http.407_in_tunnel",
                Status::Blocked,
                Owner::ProxyTeam,
                "Authentication is demanded inside the tunnel",
                "exempt these hosts from transparent authentication: no client can answer it",
            ),
            Self::HttpTimeoutFirstByte => (
                "http.timeout_first_byte",
                Status::Degraded,
                Owner::ProxyTeam,
                "The request gets no answer in time",
                "look for a scanner that holds the request back",
            ),
            Self::HttpTruncated => (
                "http.truncated",
                Status::Degraded,
                Owner::ProxyTeam,
                "The answer is cut off",
                "look for a scanner or proxy that breaks the connection",
            ),
            Self::HttpEmpty => (
                "http.empty",
                Status::Degraded,
                Owner::ProxyTeam,
                "The connection is closed without an answer",
                "look for a scanner or proxy that breaks the connection",
            ),
            Self::HttpMalformed => (
                "http.malformed",
                Status::Degraded,
                Owner::ProxyTeam,
                "The answer is not readable HTTP",
                "look for a scanner or proxy that rewrites the answer",
            ),
            Self::HttpThrottled => (
                "http.throttled",
                Status::Degraded,
                Owner::Microsoft,
                "The service asks to come back later",
                "check again later",
            ),
            Self::HttpRetired => (
                "http.retired",
                Status::Inconclusive,
                Owner::Nobody,
                "The service is retired and no longer there",
                "nothing to change",
            ),
            Self::NotTested => (
                "x.not_tested",
                Status::NotTested,
                Owner::Operator,
                "It was not tested",
                "see the evidence for what is missing",
            ),
            Self::Inconclusive => (
                "x.inconclusive",
                Status::Inconclusive,
                Owner::Operator,
                "What was seen fits no known cause",
                "send the recording of this run to whoever maintains this tool",
            ),
            Self::Flaky => (
                "x.flaky",
                Status::Degraded,
                Owner::FirewallTeam,
                "Two tries had two different answers",
                "check again; look for a balancer or a device that treats connections differently",
            ),
            Self::Budget => (
                "x.budget",
                Status::NotTested,
                Owner::Operator,
                "The time was up before it was tested",
                "allow more time with --timeout",
            ),
            Self::Internal => (
                "x.internal",
                Status::NotTested,
                Owner::Operator,
                "The tool itself failed here",
                "send the recording of this run to whoever maintains this tool",
            ),
        };
        CauseFacts { code, status, title, owner, remedy }
    }
}

/// The registered names of TLS alerts (RFC 8446 and its predecessors).
#[must_use]
pub(crate) fn alert_name(code: u8) -> String {
    let name = match code {
        0 => "close_notify",
        10 => "unexpected_message",
        20 => "bad_record_mac",
        21 => "decryption_failed",
        22 => "record_overflow",
        30 => "decompression_failure",
        40 => "handshake_failure",
        41 => "no_certificate",
        42 => "bad_certificate",
        43 => "unsupported_certificate",
        44 => "certificate_revoked",
        45 => "certificate_expired",
        46 => "certificate_unknown",
        47 => "illegal_parameter",
        48 => "unknown_ca",
        49 => "access_denied",
        50 => "decode_error",
        51 => "decrypt_error",
        60 => "export_restriction",
        70 => "protocol_version",
        71 => "insufficient_security",
        80 => "internal_error",
        86 => "inappropriate_fallback",
        90 => "user_canceled",
        100 => "no_renegotiation",
        109 => "missing_extension",
        110 => "unsupported_extension",
        111 => "certificate_unobtainable",
        112 => "unrecognized_name",
        113 => "bad_certificate_status_response",
        114 => "bad_certificate_hash_value",
        115 => "unknown_psk_identity",
        116 => "certificate_required",
        120 => "no_application_protocol",
        other => return other.to_string(),
    };
    name.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_of_causes_is_whole() {
        let source = include_str!("cause.rs");
        let body = source.split_once("pub enum Cause {").expect("the enum").1.split_once("\n}").expect("its end").0;
        let variants = body.lines().filter(|line| line.trim_end().ends_with(',')).count();
        assert_eq!(Cause::ALL.len(), variants);
        let codes: std::collections::BTreeSet<_> = Cause::ALL.iter().map(Cause::code).collect();
        assert_eq!(codes.len(), variants, "two causes share a code");
    }

    #[test]
    fn a_cause_is_found_by_its_code() {
        for cause in Cause::ALL {
            assert_eq!(Cause::from_code(&cause.code()), Some(cause));
        }
        assert_eq!(Cause::from_code("tls.alert.unknown_ca"), Some(Cause::TlsAlert(48)));
        assert_eq!(Cause::from_code("tls.alert.213"), Some(Cause::TlsAlert(213)));
        assert_eq!(Cause::from_code("tls.alert"), Some(Cause::TlsAlert(0)));
        assert_eq!(Cause::from_code("no.such"), None);
    }
}
