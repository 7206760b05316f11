//! Deadlines as data.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// How long each stage may take, and how much may go on at once.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Budget {
    pub dns: Duration,
    /// After the system failed to resolve a name, how long the configured servers' own answers are awaited to say why.
    pub dns_evidence: Duration,
    /// Covers the SYN and its retransmissions after 1, 3 and 7 s.
    pub connect: Duration,
    /// For each reply of a proxy.
    pub proxy_reply: Duration,
    /// For a ticket of Kerberos, with everything that its library asks of KDCs.
    #[serde(default = "ticket")]
    pub ticket: Duration,
    pub tls: Duration,
    pub http: Duration,
    /// For all follow-ups together, which run side by side.
    #[serde(default = "follow_ups")]
    pub follow_ups: Duration,
    /// For the whole run.
    pub total: Duration,
    /// Probes in flight.
    pub concurrency: usize,
    /// Connections open at one proxy, tunnels for as long as they last.
    pub max_connects: usize,
}

impl Default for Budget {
    fn default() -> Self {
        Self {
            dns: Duration::from_secs(5),
            dns_evidence: Duration::from_millis(500),
            connect: Duration::from_secs(8),
            proxy_reply: Duration::from_secs(10),
            ticket: ticket(),
            tls: Duration::from_secs(8),
            http: Duration::from_secs(8),
            follow_ups: follow_ups(),
            total: Duration::from_secs(30),
            concurrency: 128,
            max_connects: 32,
        }
    }
}

fn follow_ups() -> Duration {
    Duration::from_secs(5)
}

/// Also of plans that were recorded before there were tickets. A library that asks again after 1, 2 and 4 s has then heard
/// of every KDC that answers at all.
fn ticket() -> Duration {
    Duration::from_secs(8)
}
