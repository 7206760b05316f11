//! Whether a proxy that refused a login with 407 knows it all the same.
//!
//! In: the connection on which NTLM's last message went out. Out: whether the proxy lets that connection go where it lets
//! nobody else. Never: a credential; what was refused is not sent again.

use std::time::Instant;

use super::{Dialogue, keep_answer, tunnel_request};
use crate::catalogue::UrlScheme;
use crate::probe::exchange::{Exchange, Head};
use crate::probe::http;

/// Other hosts that are asked for on the connection. One may be as forbidden as the first.
const MOST_HOSTS: usize = 2;

impl Dialogue<'_> {
    /// NTLM signs a connection in. Where the proxy denies nothing but this host, another one can be asked for on the same
    /// connection without a word on who asks; and on a connection of its own that is not enough.
    pub(super) async fn is_signed_in(&mut self, mut exchange: Exchange) -> bool {
        for target in self.other_targets() {
            let Some((status, next)) = self.ask_bare(exchange, &target).await else { return false };
            if !matches!(status, 401 | 407) {
                let Ok(another) = self.reconnect().await else { return false };
                return self.ask_bare(another, &target).await.is_some_and(|(status, _)| status == 407);
            }
            let Some(next) = next else { return false };
            exchange = next;
        }
        false
    }

    fn other_targets(&self) -> Vec<String> {
        let mut targets: Vec<String> = Vec::new();
        for job in &self.context.plan.jobs {
            let endpoint = &self.context.catalogue.endpoints[job.endpoint];
            let target = format!("{}:{}", http::bracketed(&endpoint.host), endpoint.port);
            let is_another = endpoint.scheme == UrlScheme::Https && endpoint.host != self.endpoint.host;
            if targets.len() < MOST_HOSTS && is_another && !targets.contains(&target) {
                targets.push(target);
            }
        }
        targets
    }

    /// The status of a CONNECT without a credential, and the connection where it can be used again.
    async fn ask_bare(&mut self, mut exchange: Exchange, target: &str) -> Option<(u16, Option<Exchange>)> {
        let request = tunnel_request(target).ok()?;
        let asked = Instant::now();
        let outcome = self.await_reply(&mut exchange, request).await;
        let mut leg = self.empty_leg(format!("CONNECT {target}"), None, asked.elapsed());
        let head = outcome.as_ref().ok().map(|reply| Head::of(reply, exchange.seen()));
        if let (Ok(reply), Some(head)) = (&outcome, &head) {
            keep_answer(&mut leg, head, reply);
        }
        self.evidence.legs.push(leg);
        let (reply, head) = (outcome.ok()?, head?);
        let status = head.status;
        let next = if status == 407 { self.drain(exchange, reply, &head, asked).await.ok()?.into_open() } else { None };
        Some((status, next))
    }
}
