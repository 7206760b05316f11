//! What is said of connections to the endpoints.

use super::CauseFacts;
use crate::judge::{Owner, Status};

pub(super) const REFUSED: CauseFacts = CauseFacts::new(
    "tcp.refused",
    Status::Blocked,
    Owner::FirewallTeam,
    "The connection is refused",
    "remove the rule that rejects connections to these hosts on this port",
);

pub(super) const TIMEOUT: CauseFacts = CauseFacts::new(
    "tcp.timeout",
    Status::Blocked,
    Owner::FirewallTeam,
    "Packets are dropped without an answer",
    "allow outgoing connections to these hosts on this port; the addresses change, so allow by name",
);

pub(super) const HOST_UNREACHABLE: CauseFacts = CauseFacts::new(
    "tcp.host_unreachable",
    Status::Blocked,
    Owner::FirewallTeam,
    "The host is reported unreachable",
    "check routing and reject rules towards these hosts",
);

pub(super) const NET_UNREACHABLE: CauseFacts = CauseFacts::new(
    "tcp.net_unreachable",
    Status::Blocked,
    Owner::DesktopTeam,
    "There is no route to the network",
    "check the default route; where only a proxy leads out, leave the direct route out with --no-direct",
);

pub(super) const ADMIN_PROHIBITED: CauseFacts = CauseFacts::new(
    "tcp.admin_prohibited",
    Status::Blocked,
    Owner::FirewallTeam,
    "The network says that the connection is prohibited",
    "remove the rule that prohibits these hosts",
);

pub(super) const LOCAL_DENIED: CauseFacts = CauseFacts::new(
    "tcp.local_denied",
    Status::Blocked,
    Owner::DesktopTeam,
    "This machine itself refuses to connect",
    "allow outgoing connections in the host firewall or security product of this machine; if a route of its own refuses them \
     (blackhole, unreachable, prohibit), delete that route",
);

pub(super) const RESET_AFTER_CONNECT: CauseFacts = CauseFacts::new(
    "tcp.reset_after_connect",
    Status::Blocked,
    Owner::FirewallTeam,
    "The connection is opened and reset at once",
    "look for a filter by address or an overloaded device in the path",
);

pub(super) const PARTIAL_IPS: CauseFacts = CauseFacts::new(
    "tcp.partial_ips",
    Status::Degraded,
    Owner::FirewallTeam,
    "Some of the host's addresses cannot be reached",
    "allow the host by name instead of by address: the addresses change",
);

pub(super) const V6_BROKEN: CauseFacts = CauseFacts::new(
    "tcp.v6_broken",
    Status::Degraded,
    Owner::FirewallTeam,
    "IPv6 does not get through while IPv4 does",
    "repair IPv6 towards these hosts, or accept the delay of each first try",
);

pub(super) const LOCAL_EXHAUSTED: CauseFacts = CauseFacts::new(
    "tcp.local_exhausted",
    Status::Inconclusive,
    Owner::Operator,
    "This machine has no ports or descriptors left",
    "lower --concurrency, or raise the limit of open files, and check again",
);

pub(super) const ACCEPTS_EVERYTHING: CauseFacts = CauseFacts::new(
    "tcp.accepts_everything",
    Status::Ok,
    Owner::FirewallTeam,
    "Something on the way accepts connections to every address, also to one that nobody has",
    "a transparent proxy answers in everybody's place, so that a connection proves nothing here: let these hosts pass it by",
);

pub(super) const CLIENT_LIMIT: CauseFacts = CauseFacts::new(
    "tcp.client_limit",
    Status::Ok,
    Owner::FirewallTeam,
    "A device in the path limits how many connections one client has at once",
    "nothing has to change for one device, which opens fewer connections than this check; if many share an address (NAT), raise \
     the limit of connections per client",
);
