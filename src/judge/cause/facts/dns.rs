//! What is said of names that do not resolve.

use super::CauseFacts;
use crate::judge::{Owner, Status};

pub(super) const TIMEOUT: CauseFacts = CauseFacts::new(
    "dns.timeout",
    Status::Blocked,
    Owner::DnsTeam,
    "The name server does not answer",
    "check that the name server runs and that this machine may ask it",
);

pub(super) const SERVFAIL: CauseFacts = CauseFacts::new(
    "dns.servfail",
    Status::Blocked,
    Owner::DnsTeam,
    "The name server cannot find out the address",
    "look in the name server's log why its forwarders or the zone fail for this name",
);

pub(super) const REFUSED: CauseFacts = CauseFacts::new(
    "dns.refused",
    Status::Blocked,
    Owner::DnsTeam,
    "The name server refuses to answer this machine",
    "allow this machine's network to ask the name server",
);

pub(super) const NXDOMAIN: CauseFacts = CauseFacts::new(
    "dns.nxdomain",
    Status::Blocked,
    Owner::DnsTeam,
    "The name server says that the name does not exist",
    "remove the name from DNS blocklists and local zones; on a proxy-only network leave the direct route out with --no-direct",
);

pub(super) const MALFORMED: CauseFacts = CauseFacts::new(
    "dns.malformed",
    Status::Blocked,
    Owner::DnsTeam,
    "The name server's answer cannot be read",
    "find the device that rewrites DNS answers between this machine and the name server",
);

pub(super) const NODATA: CauseFacts = CauseFacts::new(
    "dns.nodata",
    Status::Blocked,
    Owner::DnsTeam,
    "The name exists but has no address",
    "check local zones and filters that answer for this name without an address",
);

pub(super) const V6_ONLY: CauseFacts = CauseFacts::new(
    "dns.v6_only",
    Status::Blocked,
    Owner::DnsTeam,
    "Only IPv6 addresses are given and this machine has no IPv6 route",
    "let the name server hand out IPv4 addresses too, or give this network an IPv6 route",
);

pub(super) const EDE_FILTERED: CauseFacts = CauseFacts::new(
    "dns.ede_filtered",
    Status::Blocked,
    Owner::DnsTeam,
    "The name server says that it filters this name",
    "allow the name in the DNS filter that the answer quotes",
);

pub(super) const HOSTS_OVERRIDE: CauseFacts = CauseFacts::new(
    "dns.hosts_override",
    Status::Blocked,
    Owner::DesktopTeam,
    "A line in the hosts file of this machine leads the name astray",
    "delete the line from the hosts file, and find out which product writes it",
);

pub(super) const SINKHOLE: CauseFacts = CauseFacts::new(
    "dns.sinkhole",
    Status::Blocked,
    Owner::DnsTeam,
    "The name leads to a sinkhole",
    "remove the name from the DNS blocklist that answers so",
);

pub(super) const PRIVATELINK_SHADOW: CauseFacts = CauseFacts::new(
    "dns.privatelink_shadow",
    Status::Blocked,
    Owner::DnsTeam,
    "A private-link zone hides the public address",
    "let the private zone fall back to the internet for names that it does not hold",
);

pub(super) const TCP53_BLOCKED: CauseFacts = CauseFacts::new(
    "dns.tcp53_blocked",
    Status::Blocked,
    Owner::FirewallTeam,
    "Long DNS answers are lost because TCP port 53 is closed",
    "allow TCP port 53 to the name server",
);

pub(super) const NO_RESOLVER: CauseFacts = CauseFacts::new(
    "dns.no_resolver",
    Status::Blocked,
    Owner::DesktopTeam,
    "No name server can be reached",
    "check the link, the DHCP lease and the configured name servers of this machine, or the server given with --resolver",
);

pub(super) const RESOLV_CONF: CauseFacts = CauseFacts::new(
    "dns.resolv_conf",
    Status::Blocked,
    Owner::DesktopTeam,
    "This computer cannot read the name servers in /etc/resolv.conf",
    "write /etc/resolv.conf again as plain ASCII with Unix line ends (sed -i 's/\\r$//' /etc/resolv.conf removes carriage returns), and \
     change the program that writes it",
);

pub(super) const PROXY_NAME: CauseFacts = CauseFacts::new(
    "dns.proxy_name",
    Status::Blocked,
    Owner::ProxyTeam,
    "The proxy's own name cannot be resolved",
    "correct the proxy's name in the setting, or see that the name servers of this machine answer and know it",
);

pub(super) const FILTER_VENDOR_IP: CauseFacts = CauseFacts::new(
    "dns.filter_vendor_ip",
    Status::Blocked,
    Owner::DnsTeam,
    "The name server answers with the address or the alias of a DNS filter",
    "allow the name in the policy of that filter (on a firewall: in its DNS security), and see its log for the list that blocks it",
);

pub(super) const SYNTHETIC_AGENT: CauseFacts = CauseFacts::new(
    "dns.synthetic_agent",
    Status::Ok,
    Owner::Nobody,
    "An agent on the way gives the name an address of its own, and steers the traffic to the genuine service",
    "nothing has to change; rules by address do not see where this traffic goes",
);

pub(super) const DIFFERS_OK: CauseFacts = CauseFacts::new(
    "dns.differs_ok",
    Status::Ok,
    Owner::Nobody,
    "Another name server gives other addresses, and the genuine service answers at these",
    "nothing to change: large services answer everybody with an address nearby",
);

pub(super) const CLIENT_LIMIT: CauseFacts = CauseFacts::new(
    "dns.client_limit",
    Status::Ok,
    Owner::DnsTeam,
    "The DNS server limits how much one client may ask at once",
    "nothing has to change for one device; if many share an address (NAT, a forwarder), raise the limit per client",
);
