//! What is said of the TLS handshake.

use super::CauseFacts;
use crate::judge::{Owner, Status};

pub(super) const RST_AFTER_HELLO: CauseFacts = CauseFacts::new(
    "tls.rst_after_hello",
    Status::Blocked,
    Owner::FirewallTeam,
    "The connection is reset in the TLS handshake",
    "look for a filter by host name or for inspection that drops these hosts, and allow the names",
);

pub(super) const FIN_AFTER_HELLO: CauseFacts = CauseFacts::new(
    "tls.fin_after_hello",
    Status::Blocked,
    Owner::FirewallTeam,
    "The connection is closed in the TLS handshake",
    "look for a filter by host name or for inspection that drops these hosts, and allow the names",
);

pub(super) const TIMEOUT_AFTER_HELLO: CauseFacts = CauseFacts::new(
    "tls.timeout_after_hello",
    Status::Blocked,
    Owner::FirewallTeam,
    "The TLS handshake gets no answer",
    "look for a filter by host name or for inspection that drops these hosts, and allow the names",
);

pub(super) const SNI_FILTERED: CauseFacts = CauseFacts::new(
    "tls.sni_filtered",
    Status::Blocked,
    Owner::FirewallTeam,
    "A filter reads the host name in the TLS handshake and stops these names",
    "allow exactly these host names in the filter by name (SNI, URL category)",
);

pub(super) const IP_FILTERED: CauseFacts = CauseFacts::new(
    "tls.ip_filtered",
    Status::Blocked,
    Owner::FirewallTeam,
    "No TLS handshake is answered at this address, whatever name it asks for",
    "look for a rule by address that lets connections begin and then stops them, and allow these host names instead of \
     addresses, which change; without such a rule the server there is down",
);

pub(super) const TLS13_INTOLERANT: CauseFacts = CauseFacts::new(
    "tls.tls13_intolerant",
    Status::Blocked,
    Owner::FirewallTeam,
    "A handshake that offers TLS 1.3 is stopped, and one for TLS 1.2 passes",
    "update the device on the way that does not know TLS 1.3, or exempt these hosts from its inspection",
);

pub(super) const LARGE_HELLO: CauseFacts = CauseFacts::new(
    "tls.large_hello",
    Status::Blocked,
    Owner::FirewallTeam,
    "A device on the way stops TLS handshakes that begin with a long message, and lets short ones pass",
    "update the device on the way (firewall, inspection, load balancer) that does not take a ClientHello of every length; \
     post-quantum key exchange makes it longer than one packet",
);

pub(super) const SPLIT_HELLO: CauseFacts = CauseFacts::new(
    "tls.split_hello",
    Status::Ok,
    Owner::FirewallTeam,
    "A device on the way stops TLS handshakes whose first message comes in two pieces",
    "nothing has to change today; update the device on the way (firewall, inspection, load balancer) that does not put a \
     ClientHello of two packets together, before Windows sends one (post-quantum key exchange)",
);

pub(super) const PMTU: CauseFacts = CauseFacts::new(
    "tls.pmtu",
    Status::Blocked,
    Owner::FirewallTeam,
    "Full-size packets are lost on the way, and small ones pass",
    "let ICMP \"fragmentation needed\" (type 3 code 4; with IPv6 \"packet too big\") pass at every firewall on the way, or clamp the \
     maximum segment size of TCP at the link with the smaller MTU (tunnel, VPN, PPPoE)",
);

pub(super) const PLAINTEXT_REPLY: CauseFacts = CauseFacts::new(
    "tls.plaintext_reply",
    Status::Blocked,
    Owner::FirewallTeam,
    "Something answers in plain HTTP where TLS is spoken",
    "find the device that puts its own page on port 443, and exempt these hosts",
);

pub(super) const NOT_TLS: CauseFacts = CauseFacts::new(
    "tls.not_tls",
    Status::Blocked,
    Owner::FirewallTeam,
    "What answers on port 443 does not speak TLS",
    "check where these hosts' connections are led",
);

pub(super) const ALERT: CauseFacts = CauseFacts::new(
    "tls.alert",
    Status::Blocked,
    Owner::FirewallTeam,
    "The peer ends the handshake with an alert",
    "find out whether a device in the path or the service itself sent it (this program speaks TLS 1.2 and 1.3 with \
                 ECDHE; to a server that wants something older, Windows might still speak), and exempt these hosts from inspection",
);

pub(super) const LEGACY_ONLY: CauseFacts = CauseFacts::new(
    "tls.legacy_only",
    Status::Blocked,
    Owner::ProxyTeam,
    "The peer speaks only TLS 1.1 or older",
    "exempt these hosts from the old inspection device, or update it",
);

pub(super) const OLD_SUITES: CauseFacts = CauseFacts::new(
    "tls.old_suites",
    Status::Degraded,
    Owner::ProxyTeam,
    "The peer accepts old cipher suites only (RSA key exchange, DHE or CBC)",
    "enable ECDHE with AES-GCM where these hosts' TLS ends; Windows connects, but this program cannot complete the handshake, so \
     nothing proves who answered",
);

pub(super) const CLIENT_CERT_WANTED: CauseFacts = CauseFacts::new(
    "tls.client_cert_wanted",
    Status::Degraded,
    Owner::ProxyTeam,
    "The peer asks for a client certificate",
    "find the device or front end that asks, and exempt these hosts",
);

pub(super) const BAD_SIGNATURE: CauseFacts = CauseFacts::new(
    "tls.bad_signature",
    Status::Blocked,
    Owner::FirewallTeam,
    "The peer shows a certificate whose key it does not hold",
    "find the device that replays the certificate",
);

pub(super) const SLOW: CauseFacts = CauseFacts::new(
    "tls.slow",
    Status::Ok,
    Owner::ProxyTeam,
    "The TLS handshake takes seconds longer than the way there and back",
    "nothing has to change; see whether a scanner on the way holds the handshake back",
);
