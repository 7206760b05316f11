//! What stopped a stage: facts, named where the typed error is still at hand. What they mean is the judge's business.

use serde::{Deserialize, Serialize};

/// Why a stage went no further. The stage itself is the step's.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "is")]
pub enum Fault {
    // --- resolving a name; `answers` of the step say which server said what ---
    NameNotFound,
    NoAddresses,
    ServerFailure,
    ServerRefused,
    /// No answer within the deadline.
    ResolverSilent,
    /// The resolver's port is closed.
    ResolverPortClosed,
    ResolverUnreachable,
    /// Nothing is configured to ask.
    NoResolver,
    MalformedAnswer,
    /// The answer was truncated and could not be fetched over TCP.
    TruncatedAndTcpFailed,
    /// Only IPv6 addresses, and this machine has no IPv6 route.
    OnlyUnusableIpv6,

    // --- connecting, to the endpoint or to the proxy; also resets and closes later on ---
    ConnectionRefused,
    /// No answer to the SYN within the deadline.
    ConnectTimeout,
    HostUnreachable,
    NetworkUnreachable,
    /// The network said "administratively prohibited".
    Prohibited,
    /// This machine itself refused to send (EPERM, WSAEACCES).
    LocallyDenied,
    /// A route of this machine's own table refuses the address: blackhole, unreachable or prohibit.
    RefusedByRoute,
    /// No ports, no descriptors.
    LocallyExhausted,

    // --- any stage that reads from a peer ---
    /// RST, after this many bytes from the peer in this stage.
    ResetByPeer {
        received: u64,
    },
    /// The peer closed the connection, after this many bytes in this stage.
    ClosedByPeer {
        received: u64,
    },
    /// The stage's deadline passed, after this many bytes in this stage.
    TimedOut {
        received: u64,
    },

    // --- the dialogue with a proxy ---
    /// The proxy's last answer was not 2xx; the legs of the step hold it.
    TunnelRefused {
        status: u16,
    },
    /// A 407 and no credential that fits what is offered; for `bypass`, always.
    CredentialsWanted,
    /// A 407 after credentials of this kind were sent in full.
    CredentialsRefused,
    /// A 407 after credentials that the proxy took before in this run; `is_first` row to which it happened asks once more.
    CredentialsNoLongerTaken {
        is_first: bool,
    },
    /// A 407 without any challenge.
    NoChallenge,
    /// The scheme asked for is not among those offered.
    SchemeNotOffered,
    /// The offered digest uses an algorithm or quality of protection that is not known.
    DigestUnsupported {
        detail: String,
    },
    /// `stale=true` again for a nonce that was just given.
    DigestStaleLoop,
    /// More rounds than any dialogue needs.
    AuthenticationLoop,
    /// The proxy closed the connection between two messages of an exchange that is bound to it.
    ClosedMidExchange,
    /// The page behind a challenge is longer than this program reads, so that the exchange cannot go on over its connection.
    PageNotRead,
    /// The token of a challenge is not what its scheme prescribes.
    ChallengeUnreadable {
        detail: String,
    },
    /// The proxy's Negotiate does not speak NTLM.
    NtlmNotTaken,
    /// NTLM was offered, and its first message got no challenge.
    NtlmUnanswered,
    /// The proxy's Negotiate does not speak Kerberos.
    KerberosNotTaken,
    /// The operating system has no ticket for the proxy to give.
    NoTicket {
        problem: TicketProblem,
        /// Whose and for which service, and the system's own words.
        detail: String,
    },
    /// A 407 after a ticket was sent.
    TicketRefused {
        /// The proxy's own reason, where it gave one: an error code of Kerberos (RFC 4120 §7.5.9).
        error: Option<u32>,
    },
    /// Basic over a connection that is not encrypted, which nobody allowed.
    CleartextRefused,
    /// The password was refused once in this run; it is not tried again.
    CredentialsAlreadyRefused,
    /// The proxy broke off, or answered with something that is no verdict, when another row of this run sent the
    /// password; it is not sent again.
    CredentialsUnanswered,
    /// There is no credential for what this route asks for.
    NoCredential {
        detail: String,
    },
    /// The https proxy's certificate is not accepted by this machine; nothing was sent.
    ProxyCertificateRejected {
        detail: String,
    },
    /// The bytes are not HTTP.
    NotHttp,
    /// It begins like HTTP and cannot be parsed.
    MalformedReply {
        detail: String,
    },
    /// The head is larger than the bound.
    HeadTooLarge,
    /// 2xx to CONNECT, but what follows is a page and not a tunnel.
    PageInsteadOfTunnel,
    /// SOCKS reply code other than success (RFC 1928), or 255 for "no acceptable method".
    SocksRefused {
        reply: u8,
    },

    // --- TLS ---
    /// The peer sent a fatal alert.
    Alert {
        code: u8,
    },
    /// The peer answered in plain HTTP.
    PlaintextReply,
    /// The peer answered in something that is neither TLS nor HTTP.
    NotTls,
    /// The peer's `ServerHello` chose TLS 1.1 or older.
    OldTlsOnly,
    /// The peer chose TLS 1.2, and its random says that it could speak 1.3 (RFC 8446 §4.1.3): somebody on the way copied it.
    DowngradeMark,
    /// The peer's certificate message holds no certificate.
    NoCertificate,
    /// The handshake broke for a reason of the TLS library's own.
    HandshakeFailed {
        detail: String,
    },

    // --- HTTP ---
    /// The body ended before its announced length.
    Truncated,

    /// Seen, and not recognised: shown as such, never folded into a neighbour.
    Unrecognised {
        detail: String,
    },
    /// The run's total time was up while this stage worked.
    BudgetSpent,
    /// The run was interrupted while this stage worked.
    Interrupted,
}

/// Why the operating system has no ticket for a proxy.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum TicketProblem {
    /// Nothing on this machine speaks Kerberos.
    NoLibrary,
    /// Nobody is signed in, or the ticket has expired.
    NoTicket,
    /// The name has no realm, and there is no default one.
    NoRealm,
    /// The KDC found the password or the key wrong.
    Rejected,
    /// The KDC does not know the account.
    UnknownAccount,
    /// Disabled or locked: Kerberos has one code for both.
    Revoked,
    AccountExpired,
    PasswordExpired,
    /// The KDC does not know the proxy's service.
    UnknownService,
    /// The KDC knows the service under the proxy's canonical name alone.
    CanonicalOnly,
    /// The proxy is given by address, and no service is named after an address.
    Address,
    ClockSkew,
    /// Client, KDC and service have no encryption type in common.
    NoCommonEncryption,
    /// No KDC is known, or none answers.
    KdcUnreachable,
    /// No answer within the stage's deadline.
    KdcSilent,
    /// What answers there is no KDC.
    NoKdc,
    /// The ticket is not of the one it was asked for.
    AnotherIdentity,
    /// Seen, and not recognised.
    Other,
}

impl TicketProblem {
    /// Whether the directory has decided about the account or its password, so that asking again with the same password, in
    /// whatever way, can only do harm.
    #[must_use]
    pub fn is_about_account(self) -> bool {
        matches!(self, Self::Rejected | Self::Revoked | Self::AccountExpired | Self::PasswordExpired)
    }
}

impl Fault {
    /// A reset or an early close is asked for once more, and a login that was taken before; what times out is not.
    #[must_use]
    pub fn is_worth_another_try(&self) -> bool {
        matches!(
            self,
            Self::ResetByPeer { .. } | Self::ClosedByPeer { .. } | Self::CredentialsNoLongerTaken { is_first: true }
        )
    }

    /// Not the peer's doing: the run ended.
    #[must_use]
    pub fn is_end_of_run(&self) -> bool {
        matches!(self, Self::BudgetSpent | Self::Interrupted)
    }
}
