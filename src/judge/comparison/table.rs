//! The codes that only findings have: what each of them says, who acts, and what to change.
//!
//! A finding takes its title and its owner from here, and adds the place, the hosts and what its rows show beyond that.

use crate::judge::Owner;

/// What several rows together show, told without them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Comparison {
    pub code: &'static str,
    /// One sentence.
    pub title: &'static str,
    /// Who acts, unless the rows show that it is somebody else.
    pub owner: Owner,
    /// An instruction; a finding says it with its hosts.
    pub remedy: &'static str,
}

impl Comparison {
    /// All of them, in the order in which they are listed.
    pub const ALL: [&Self; 16] = [
        &PARTIAL,
        &SAME_KEY,
        &PATH_DIFFERENCE,
        &MACHINE_DENIED,
        &USER_DENIED,
        &NXDOMAIN_LOCAL,
        &NXDOMAIN_EVERYWHERE,
        &INJECTED,
        &LOWER_THAN_DIRECT,
        &PLAIN_BLOCKED,
        &FRESH_LEAF,
        &NO_SCT,
        &OFFLINE,
        &CONNECT_ONLY,
        &GET_ONLY,
        &CLIENT_HAS_NO_LOGIN,
    ];

    #[must_use]
    pub fn from_code(code: &str) -> Option<&'static Self> {
        Self::ALL.into_iter().find(|known| known.code == code)
    }
}

pub(super) const PARTIAL: Comparison = Comparison {
    code: "intercepted.partial",
    title: "TLS is inspected for some hosts only",
    owner: Owner::ProxyTeam,
    remedy: "add the missing hosts to the exclusions that are there already",
};

pub(super) const SAME_KEY: Comparison = Comparison {
    code: "chain.same_key_many_hosts",
    title: "One key answers for several unrelated hosts",
    owner: Owner::ProxyTeam,
    remedy: "exclude the hosts from TLS inspection: no two of these services share a key",
};

pub(super) const PATH_DIFFERENCE: Comparison = Comparison {
    code: "chain.path_difference",
    title: "TLS is inspected on one route and not on another",
    owner: Owner::ProxyTeam,
    remedy: "look at what stands on the inspected route only, and exclude the hosts there",
};

pub(super) const MACHINE_DENIED: Comparison = Comparison {
    code: "pauth.user_ok_machine_denied",
    title: "The proxy lets the user through, and not the machine account",
    owner: Owner::ProxyTeam,
    remedy: "allow the machine accounts (Domain Computers) too, or let these hosts through without authentication",
};

pub(super) const USER_DENIED: Comparison = Comparison {
    code: "pauth.machine_ok_user_denied",
    title: "The proxy lets the machine account through, and not the user",
    owner: Owner::ProxyTeam,
    remedy: "allow the users' group too, or let these hosts through without authentication",
};

pub(super) const NXDOMAIN_LOCAL: Comparison = Comparison {
    code: "dns.nxdomain_local",
    title: "The name server denies names that exist",
    owner: Owner::DnsTeam,
    remedy: "remove the names from blocklists and local zones",
};

pub(super) const NXDOMAIN_EVERYWHERE: Comparison = Comparison {
    code: "dns.nxdomain_everywhere",
    title: "No name server that was asked knows the name",
    owner: Owner::Microsoft,
    remedy: "nothing to change in the network; unless the service is known to be retired, ask whoever runs it whether it still exists",
};

pub(super) const INJECTED: Comparison = Comparison {
    code: "dns.injected",
    title: "Two different answers came to one question",
    owner: Owner::DnsTeam,
    remedy: "find the device that answers in the name server's place",
};

pub(super) const LOWER_THAN_DIRECT: Comparison = Comparison {
    code: "tls.lower_than_direct",
    title: "An older version of TLS is spoken through the proxy than directly",
    owner: Owner::ProxyTeam,
    remedy: "look for an inspection that speaks for these hosts, and update it or exclude them",
};

pub(super) const PLAIN_BLOCKED: Comparison = Comparison {
    code: "http.plain_blocked",
    title: "Only plain http is blocked; every https address gets through",
    owner: Owner::FirewallTeam,
    remedy: "allow port 80 for the hosts that are asked over http",
};

pub(super) const FRESH_LEAF: Comparison = Comparison {
    code: "chain.fresh_leaf",
    title: "The certificates were made less than a day before they were shown",
    owner: Owner::ProxyTeam,
    remedy: "exclude the hosts from TLS inspection",
};

pub(super) const NO_SCT: Comparison = Comparison {
    code: "chain.no_sct",
    title: "The certificates carry no timestamp of a public log, as those of public CAs do",
    owner: Owner::ProxyTeam,
    remedy: "exclude the hosts from TLS inspection",
};

/// Nothing gets out on any route, the control neither.
pub(in crate::judge) const OFFLINE: Comparison = Comparison {
    code: "x.offline",
    title: "Nothing gets out at all, not even to a host that is not of this service",
    owner: Owner::Operator,
    remedy: "check the link, the route and the proxy setting of this machine, then check again",
};

pub(super) const CONNECT_ONLY: Comparison = Comparison {
    code: "pauth.connect_only",
    title: "The proxy asks for authentication for tunnels, and not for plain http",
    owner: Owner::ProxyTeam,
    remedy: "extend the rule that lets plain http through to the method CONNECT",
};

pub(super) const GET_ONLY: Comparison = Comparison {
    code: "pauth.get_only",
    title: "The proxy asks for authentication for plain http, and not for tunnels",
    owner: Owner::ProxyTeam,
    remedy: "extend the rule that lets tunnels through to plain http",
};

/// A way works with a login that the devices which are meant do not send. Given where the answer is found, because it takes
/// the chosen versions to see it.
pub(crate) const CLIENT_HAS_NO_LOGIN: Comparison = Comparison {
    code: "pauth.client_has_no_login",
    title: "The proxy wants a login that these devices do not send",
    owner: Owner::ProxyTeam,
    remedy: "let these hosts through without a login, or accept the logins of computer accounts",
};
