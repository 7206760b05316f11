//! What each cause says: code, status, title, owner and remedy, in one table with a file per stage.
//!
//! A new cause is a constant in its stage's file and a line in the match below.

mod chain;
mod dns;
mod http;
mod pauth;
mod proxy;
mod run;
mod settings;
mod tcp;
mod tls;

use super::{Cause, Owner};
use crate::judge::Status;

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

impl CauseFacts {
    const fn new(code: &'static str, status: Status, owner: Owner, title: &'static str, remedy: &'static str) -> Self {
        Self { code, status, title, owner, remedy }
    }
}

impl Cause {
    /// The table.
    #[must_use]
    #[expect(clippy::too_many_lines, reason = "a table, one line per cause")]
    pub fn facts(&self) -> CauseFacts {
        match self {
            Self::Ok => run::OK,
            Self::DnsTimeout => dns::TIMEOUT,
            Self::DnsServfail => dns::SERVFAIL,
            Self::DnsRefused => dns::REFUSED,
            Self::DnsNxdomain => dns::NXDOMAIN,
            Self::DnsMalformed => dns::MALFORMED,
            Self::DnsNodata => dns::NODATA,
            Self::DnsV6Only => dns::V6_ONLY,
            Self::DnsEdeFiltered => dns::EDE_FILTERED,
            Self::DnsHostsOverride => dns::HOSTS_OVERRIDE,
            Self::DnsSinkhole => dns::SINKHOLE,
            Self::DnsFilterVendorIp => dns::FILTER_VENDOR_IP,
            Self::DnsSyntheticAgent => dns::SYNTHETIC_AGENT,
            Self::DnsPrivatelinkShadow => dns::PRIVATELINK_SHADOW,
            Self::DnsTcp53Blocked => dns::TCP53_BLOCKED,
            Self::DnsNoResolver => dns::NO_RESOLVER,
            Self::DnsProxyName => dns::PROXY_NAME,
            Self::TcpRefused => tcp::REFUSED,
            Self::TcpTimeout => tcp::TIMEOUT,
            Self::TcpHostUnreachable => tcp::HOST_UNREACHABLE,
            Self::TcpNetUnreachable => tcp::NET_UNREACHABLE,
            Self::TcpAdminProhibited => tcp::ADMIN_PROHIBITED,
            Self::TcpLocalDenied => tcp::LOCAL_DENIED,
            Self::TcpResetAfterConnect => tcp::RESET_AFTER_CONNECT,
            Self::TcpPartialIps => tcp::PARTIAL_IPS,
            Self::TcpV6Broken => tcp::V6_BROKEN,
            Self::TcpLocalExhausted => tcp::LOCAL_EXHAUSTED,
            Self::TcpAcceptsEverything => tcp::ACCEPTS_EVERYTHING,
            Self::ProxyTcpRefused => proxy::TCP_REFUSED,
            Self::ProxyTcpTimeout => proxy::TCP_TIMEOUT,
            Self::ProxyTcpHostUnreachable => proxy::TCP_HOST_UNREACHABLE,
            Self::ProxyTcpNetUnreachable => proxy::TCP_NET_UNREACHABLE,
            Self::ProxyTcpAdminProhibited => proxy::TCP_ADMIN_PROHIBITED,
            Self::ProxyTcpLocalDenied => proxy::TCP_LOCAL_DENIED,
            Self::ProxyTcpLocalExhausted => proxy::TCP_LOCAL_EXHAUSTED,
            Self::ProxyNotHttp => proxy::NOT_HTTP,
            Self::ProxyTlsFailed => proxy::TLS_FAILED,
            Self::ProxyTlsUntrusted => proxy::TLS_UNTRUSTED,
            Self::ProxyDenied403 => proxy::DENIED_403,
            Self::ProxyDeniedPort => proxy::DENIED_PORT,
            Self::ProxyClientNotAllowed => proxy::CLIENT_NOT_ALLOWED,
            Self::ProxyMethodBlocked => proxy::METHOD_BLOCKED,
            Self::ProxyBadRequest400 => proxy::BAD_REQUEST_400,
            Self::ProxyNotForwarding => proxy::NOT_FORWARDING,
            Self::ProxyRequestTimeout => proxy::REQUEST_TIMEOUT,
            Self::ProxyUpstreamDns => proxy::UPSTREAM_DNS,
            Self::ProxyUpstreamRefused => proxy::UPSTREAM_REFUSED,
            Self::ProxyUpstreamTimeout => proxy::UPSTREAM_TIMEOUT,
            Self::ProxyUpstreamUnreachable => proxy::UPSTREAM_UNREACHABLE,
            Self::ProxyUpstreamTls => proxy::UPSTREAM_TLS,
            Self::ProxyUpstreamUnknown => proxy::UPSTREAM_UNKNOWN,
            Self::ProxyRedirect => proxy::REDIRECT,
            Self::ProxyPortalAuth => proxy::PORTAL_AUTH,
            Self::Proxy200ThenClose => proxy::OPENED_THEN_CLOSE,
            Self::Proxy200ThenRst => proxy::OPENED_THEN_RST,
            Self::Proxy200WithBody => proxy::OPENED_WITH_BODY,
            Self::Proxy2xxNot200 => proxy::OPENED_OTHERWISE,
            Self::ProxyHeadTooLarge => proxy::HEAD_TOO_LARGE,
            Self::ProxyBadReply => proxy::BAD_REPLY,
            Self::ProxySocksDenied => proxy::SOCKS_DENIED,
            Self::ProxyEmpty => proxy::EMPTY,
            Self::ProxyRst => proxy::RST,
            Self::ProxyTimeout => proxy::TIMEOUT,
            Self::ProxyRateLimited => proxy::RATE_LIMITED,
            Self::ProxyLoop => proxy::LOOP,
            Self::ProxyIcapDown => proxy::ICAP_DOWN,
            Self::PauthRequired => pauth::REQUIRED,
            Self::PauthNoChallenge => pauth::NO_CHALLENGE,
            Self::PauthWrongCode => pauth::WRONG_CODE,
            Self::PauthNoCommonScheme => pauth::NO_COMMON_SCHEME,
            Self::PauthRejected => pauth::REJECTED,
            Self::PauthDeniedAfterAuth => pauth::DENIED_AFTER_AUTH,
            Self::PauthDigestStaleLoop => pauth::DIGEST_STALE_LOOP,
            Self::PauthDigestUnsupported => pauth::DIGEST_UNSUPPORTED,
            Self::PauthLoop => pauth::LOOP,
            Self::PauthBasicCleartext => pauth::BASIC_CLEARTEXT,
            Self::PauthNtlmClosedMid => pauth::NTLM_CLOSED_MID,
            Self::PauthReconnectOn407 => pauth::RECONNECT_ON_407,
            Self::PauthLbSplit => pauth::LB_SPLIT,
            Self::PauthIntermittent => pauth::INTERMITTENT,
            Self::PauthNeedsProxyConnection => pauth::NEEDS_PROXY_CONNECTION,
            Self::PauthNtlmEarly200 => pauth::NTLM_EARLY_200,
            Self::PauthNegoIsNtlm => pauth::NEGO_IS_NTLM,
            Self::PauthKrbNoTicket => pauth::KRB_NO_TICKET,
            Self::PauthKrbSpnUnknown => pauth::KRB_SPN_UNKNOWN,
            Self::PauthKrbCname => pauth::KRB_CNAME,
            Self::PauthKrbIpLiteral => pauth::KRB_IP_LITERAL,
            Self::PauthKrbDuplicateSpn => pauth::KRB_DUPLICATE_SPN,
            Self::PauthKrbSkew => pauth::KRB_SKEW,
            Self::PauthKrbEtype => pauth::KRB_ETYPE,
            Self::PauthKrbKdcUnreachable => pauth::KRB_KDC_UNREACHABLE,
            Self::PauthKrbTokenTooBig => pauth::KRB_TOKEN_TOO_BIG,
            Self::PauthAccountLocked => pauth::ACCOUNT_LOCKED,
            Self::PauthAccountExpired => pauth::ACCOUNT_EXPIRED,
            Self::PauthAccountDisabled => pauth::ACCOUNT_DISABLED,
            Self::TlsRstAfterHello => tls::RST_AFTER_HELLO,
            Self::TlsFinAfterHello => tls::FIN_AFTER_HELLO,
            Self::TlsTimeoutAfterHello => tls::TIMEOUT_AFTER_HELLO,
            Self::TlsSniFiltered => tls::SNI_FILTERED,
            Self::TlsIpFiltered => tls::IP_FILTERED,
            Self::TlsTls13Intolerant => tls::TLS13_INTOLERANT,
            Self::TlsPlaintextReply => tls::PLAINTEXT_REPLY,
            Self::TlsNotTls => tls::NOT_TLS,
            Self::TlsAlert(_) => tls::ALERT,
            Self::TlsLegacyOnly => tls::LEGACY_ONLY,
            Self::TlsClientCertWanted => tls::CLIENT_CERT_WANTED,
            Self::TlsBadSignature => tls::BAD_SIGNATURE,
            Self::TlsSlow => tls::SLOW,
            Self::InterceptedTrusted => chain::INTERCEPTED_TRUSTED,
            Self::InterceptedUntrusted => chain::INTERCEPTED_UNTRUSTED,
            Self::ChainWrongClass => chain::WRONG_CLASS,
            Self::ChainIncomplete => chain::INCOMPLETE,
            Self::ChainUnchecked => chain::UNCHECKED,
            Self::ChainUnparsable => chain::UNPARSABLE,
            Self::ChainExpired => chain::EXPIRED,
            Self::ChainNotYetValid => chain::NOT_YET_VALID,
            Self::ChainClockSkew => chain::CLOCK_SKEW,
            Self::ChainNameMismatch => chain::NAME_MISMATCH,
            Self::ChainWeak => chain::WEAK,
            Self::ChainEku => chain::EKU,
            Self::ChainConstraints => chain::CONSTRAINTS,
            Self::HttpBlockPage => http::BLOCK_PAGE,
            Self::HttpPortal => http::PORTAL,
            Self::HttpForeignRedirect => http::FOREIGN_REDIRECT,
            Self::HttpMiddleboxStatus => http::MIDDLEBOX_STATUS,
            Self::HttpUnexpectedStatus => http::UNEXPECTED_STATUS,
            Self::Http407InTunnel => http::DEMAND_IN_TUNNEL,
            Self::HttpTimeoutFirstByte => http::TIMEOUT_FIRST_BYTE,
            Self::HttpTruncated => http::TRUNCATED,
            Self::HttpEmpty => http::EMPTY,
            Self::HttpMalformed => http::MALFORMED,
            Self::HttpThrottled => http::THROTTLED,
            Self::HttpRetired => http::RETIRED,
            Self::PacDirectForEndpoint => settings::PAC_DIRECT_FOR_ENDPOINT,
            Self::PacDeadFirstProxy => settings::PAC_DEAD_FIRST_PROXY,
            Self::PacFetchFailed => settings::PAC_FETCH_FAILED,
            Self::PacTimeout => settings::PAC_TIMEOUT,
            Self::PacHttpStatus => settings::PAC_HTTP_STATUS,
            Self::PacNotScript => settings::PAC_NOT_SCRIPT,
            Self::PacEvalError => settings::PAC_EVAL_ERROR,
            Self::PacEvalTimeout => settings::PAC_EVAL_TIMEOUT,
            Self::PacUnsupportedToken => settings::PAC_UNSUPPORTED_TOKEN,
            Self::PacFileUrl => settings::PAC_FILE_URL,
            Self::PacWpadNotFound => settings::PAC_WPAD_NOT_FOUND,
            Self::ConfNone => settings::CONF_NONE,
            Self::ConfContextMismatch => settings::CONF_CONTEXT_MISMATCH,
            Self::ConfEnvOnly => settings::CONF_ENV_ONLY,
            Self::ConfTelemetryProxyDead => settings::CONF_TELEMETRY_PROXY_DEAD,
            Self::ConfUserAuthDisabled => settings::CONF_USER_AUTH_DISABLED,
            Self::ConfMdeConflict => settings::CONF_MDE_CONFLICT,
            Self::ConfHeadlessUserAuth => settings::CONF_HEADLESS_USER_AUTH,
            Self::NotTested => run::NOT_TESTED,
            Self::Inconclusive => run::INCONCLUSIVE,
            Self::Flaky => run::FLAKY,
            Self::Budget => run::BUDGET,
            Self::Internal => run::INTERNAL,
        }
    }
}
