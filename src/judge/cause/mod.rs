//! What we think a row means: a stable code, who has to act, and what to change.
//!
//! One table for everything that prints a cause. The matches below name every variant, so that a new cause cannot be
//! forgotten; two causes with one remedy are one cause.

mod alerts;
mod facts;

use std::fmt;

use serde::{Deserialize, Serialize};

pub(crate) use alerts::alert_name;
pub use facts::CauseFacts;

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
    DnsFilterVendorIp,
    DnsSyntheticAgent,
    DnsHostsOverride,
    DnsPrivatelinkShadow,
    DnsTcp53Blocked,
    DnsNoResolver,
    DnsResolvConf,
    DnsProxyName,
    DnsDiffersOk,
    DnsClientLimit,

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
    TcpAcceptsEverything,
    TcpClientLimit,

    ProxyTcpRefused,
    ProxyBlackHole,
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
    ProxyClientNotAllowed,
    ProxyMethodBlocked,
    ProxyBadRequest400,
    ProxyNotForwarding,
    ProxyRequestTimeout,
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
    Proxy2xxNot200,
    ProxyHeadTooLarge,
    ProxyBadReply,
    ProxySocksDenied,
    ProxyEmpty,
    ProxyRst,
    ProxyTimeout,
    ProxyRateLimited,
    ProxyLoop,
    ProxyIcapDown,
    ProxyClientLimit,

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
    PauthLbSplit,
    PauthIntermittent,
    PauthNeedsProxyConnection,
    PauthNtlmEarly200,
    PauthNegoIsNtlm,
    PauthKrbNoTicket,
    PauthKrbSpnUnknown,
    PauthKrbCname,
    PauthKrbIpLiteral,
    PauthKrbDuplicateSpn,
    PauthKrbSkew,
    PauthKrbEtype,
    PauthKrbKdcUnreachable,
    PauthKrbTokenTooBig,
    PauthAccountLocked,
    PauthAccountExpired,
    PauthAccountDisabled,

    TlsRstAfterHello,
    TlsFinAfterHello,
    TlsTimeoutAfterHello,
    TlsSniFiltered,
    TlsIpFiltered,
    TlsTls13Intolerant,
    TlsLargeHello,
    TlsSplitHello,
    TlsPmtu,
    TlsPlaintextReply,
    TlsNotTls,
    TlsAlert(u8),
    TlsLegacyOnly,
    TlsOldSuites,
    TlsClientCertWanted,
    TlsBadSignature,
    TlsSlow,

    InterceptedTrusted,
    InterceptedUntrusted,
    ChainWrongClass,
    ChainIncomplete,
    ChainUnchecked,
    ChainUnparsable,
    ChainExpired,
    ChainNotYetValid,
    ChainClockSkew,
    ChainNameMismatch,
    ChainWeak,
    ChainEku,
    ChainConstraints,
    ChainRootAbsentLocally,

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
    HttpPostBlocked,
    HttpBodyLimit,
    HttpResetOnUpload,
    HttpRetired,

    PacDirectForEndpoint,
    PacDeadFirstProxy,
    PacFetchFailed,
    PacTimeout,
    PacHttpStatus,
    PacNotScript,
    PacEvalError,
    PacEvalTimeout,
    PacNeedsNewerEngine,
    PacContentType,
    PacUnsupportedToken,
    PacFileUrl,
    PacWpadNotFound,

    ConfNone,
    ConfContextMismatch,
    ConfEnvOnly,
    ConfTelemetryProxyDead,
    ConfUserAuthDisabled,
    ConfMdeConflict,
    ConfScriptServiceDisabled,
    ConfHeadlessUserAuth,

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

impl Owner {
    /// As the object of a sentence: `the proxy team`, `Microsoft`.
    #[must_use]
    pub fn with_article(self) -> String {
        match self {
            Self::Microsoft | Self::Operator | Self::Nobody => self.as_str().to_owned(),
            _ => format!("the {}", self.as_str()),
        }
    }

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
    pub const ALL: &'static [Self] = &[
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
        Self::DnsFilterVendorIp,
        Self::DnsSyntheticAgent,
        Self::DnsHostsOverride,
        Self::DnsPrivatelinkShadow,
        Self::DnsTcp53Blocked,
        Self::DnsNoResolver,
        Self::DnsResolvConf,
        Self::DnsProxyName,
        Self::DnsDiffersOk,
        Self::DnsClientLimit,
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
        Self::TcpAcceptsEverything,
        Self::TcpClientLimit,
        Self::ProxyTcpRefused,
        Self::ProxyBlackHole,
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
        Self::ProxyClientNotAllowed,
        Self::ProxyMethodBlocked,
        Self::ProxyBadRequest400,
        Self::ProxyNotForwarding,
        Self::ProxyRequestTimeout,
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
        Self::Proxy2xxNot200,
        Self::ProxyHeadTooLarge,
        Self::ProxyBadReply,
        Self::ProxySocksDenied,
        Self::ProxyEmpty,
        Self::ProxyRst,
        Self::ProxyTimeout,
        Self::ProxyRateLimited,
        Self::ProxyLoop,
        Self::ProxyIcapDown,
        Self::ProxyClientLimit,
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
        Self::PauthLbSplit,
        Self::PauthIntermittent,
        Self::PauthNeedsProxyConnection,
        Self::PauthNtlmEarly200,
        Self::PauthNegoIsNtlm,
        Self::PauthKrbNoTicket,
        Self::PauthKrbSpnUnknown,
        Self::PauthKrbCname,
        Self::PauthKrbIpLiteral,
        Self::PauthKrbDuplicateSpn,
        Self::PauthKrbSkew,
        Self::PauthKrbEtype,
        Self::PauthKrbKdcUnreachable,
        Self::PauthKrbTokenTooBig,
        Self::PauthAccountLocked,
        Self::PauthAccountExpired,
        Self::PauthAccountDisabled,
        Self::TlsRstAfterHello,
        Self::TlsFinAfterHello,
        Self::TlsTimeoutAfterHello,
        Self::TlsSniFiltered,
        Self::TlsIpFiltered,
        Self::TlsTls13Intolerant,
        Self::TlsLargeHello,
        Self::TlsSplitHello,
        Self::TlsPmtu,
        Self::TlsPlaintextReply,
        Self::TlsNotTls,
        Self::TlsAlert(0),
        Self::TlsLegacyOnly,
        Self::TlsOldSuites,
        Self::TlsClientCertWanted,
        Self::TlsBadSignature,
        Self::TlsSlow,
        Self::InterceptedTrusted,
        Self::InterceptedUntrusted,
        Self::ChainWrongClass,
        Self::ChainIncomplete,
        Self::ChainUnchecked,
        Self::ChainUnparsable,
        Self::ChainExpired,
        Self::ChainNotYetValid,
        Self::ChainClockSkew,
        Self::ChainNameMismatch,
        Self::ChainWeak,
        Self::ChainEku,
        Self::ChainConstraints,
        Self::ChainRootAbsentLocally,
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
        Self::HttpPostBlocked,
        Self::HttpBodyLimit,
        Self::HttpResetOnUpload,
        Self::HttpRetired,
        Self::PacDirectForEndpoint,
        Self::PacDeadFirstProxy,
        Self::PacFetchFailed,
        Self::PacTimeout,
        Self::PacHttpStatus,
        Self::PacNotScript,
        Self::PacEvalError,
        Self::PacEvalTimeout,
        Self::PacNeedsNewerEngine,
        Self::PacContentType,
        Self::PacUnsupportedToken,
        Self::PacFileUrl,
        Self::PacWpadNotFound,
        Self::ConfNone,
        Self::ConfContextMismatch,
        Self::ConfEnvOnly,
        Self::ConfTelemetryProxyDead,
        Self::ConfUserAuthDisabled,
        Self::ConfMdeConflict,
        Self::ConfScriptServiceDisabled,
        Self::ConfHeadlessUserAuth,
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
        Self::ALL.iter().find(|cause| cause.facts().code == code).cloned()
    }

    /// The stable code of reports, expectations and explanations.
    #[must_use]
    pub fn code(&self) -> String {
        match self {
            Self::TlsAlert(alert) => format!("tls.alert.{}", alert_name(*alert)),
            other => other.facts().code.to_owned(),
        }
    }

    /// Whether it says that a handshake ended without a word from the peer.
    #[must_use]
    pub fn is_mute_ending(&self) -> bool {
        matches!(
            self,
            Self::TlsRstAfterHello
                | Self::TlsFinAfterHello
                | Self::TlsTimeoutAfterHello
                | Self::Proxy200ThenRst
                | Self::Proxy200ThenClose
        )
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
                | Self::DnsResolvConf
                | Self::DnsProxyName
                | Self::DnsSyntheticAgent
                | Self::TcpNetUnreachable
                | Self::TcpLocalExhausted
                | Self::TcpAcceptsEverything
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
                | Self::ProxyDeniedPort
                | Self::ProxyLoop
                | Self::PauthNeedsProxyConnection
                | Self::PauthIntermittent
                | Self::PauthLbSplit
                | Self::ProxyRequestTimeout
                | Self::Proxy2xxNot200
                | Self::ProxyIcapDown
                | Self::ProxyClientLimit
                | Self::TcpClientLimit
                | Self::DnsClientLimit
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
                | Self::PauthKrbNoTicket
                | Self::PauthKrbSpnUnknown
                | Self::PauthKrbCname
                | Self::PauthKrbIpLiteral
                | Self::PauthKrbDuplicateSpn
                | Self::PauthKrbSkew
                | Self::PauthKrbEtype
                | Self::PauthKrbKdcUnreachable
                | Self::PauthKrbTokenTooBig
                | Self::PauthAccountLocked
                | Self::PauthAccountExpired
                | Self::PauthAccountDisabled
                | Self::ChainClockSkew
                | Self::PacDeadFirstProxy
                | Self::PacFetchFailed
                | Self::PacTimeout
                | Self::PacHttpStatus
                | Self::PacNotScript
                | Self::PacEvalError
                | Self::PacEvalTimeout
                | Self::PacNeedsNewerEngine
                | Self::PacContentType
                | Self::PacUnsupportedToken
                | Self::PacFileUrl
                | Self::PacWpadNotFound
                | Self::ConfNone
                | Self::ConfContextMismatch
                | Self::ConfEnvOnly
                | Self::ConfTelemetryProxyDead
                | Self::ConfUserAuthDisabled
                | Self::ConfMdeConflict
                | Self::ConfScriptServiceDisabled
                | Self::ConfHeadlessUserAuth
                | Self::NotTested
                | Self::Budget
                | Self::Internal
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_of_causes_is_whole() {
        let source = include_str!("mod.rs");
        let body = source.split_once("pub enum Cause {").expect("the enum").1.split_once("\n}").expect("its end").0;
        let variants = body.lines().filter(|line| line.trim_end().ends_with(',')).count();
        assert_eq!(Cause::ALL.len(), variants);
        let codes: std::collections::BTreeSet<_> = Cause::ALL.iter().map(Cause::code).collect();
        assert_eq!(codes.len(), variants, "two causes share a code");
    }

    #[test]
    fn a_cause_is_found_by_its_code() {
        for cause in Cause::ALL {
            assert_eq!(Cause::from_code(&cause.code()).as_ref(), Some(cause));
        }
        assert_eq!(Cause::from_code("tls.alert.unknown_ca"), Some(Cause::TlsAlert(48)));
        assert_eq!(Cause::from_code("tls.alert.213"), Some(Cause::TlsAlert(213)));
        assert_eq!(Cause::from_code("tls.alert"), Some(Cause::TlsAlert(0)));
        assert_eq!(Cause::from_code("no.such"), None);
    }
}
