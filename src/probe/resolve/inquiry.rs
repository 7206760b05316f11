//! Several servers asked for A and AAAA side by side.
//!
//! The answers come in while the row goes on, and stand in the order of the questions however they arrive. A row takes
//! what is there when it ends; dropping the inquiry ends what is still open.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout_at};

use super::exchange::Exchange;
use crate::net::Net;
use crate::observation::{DnsFailure, RecordType, ServerAnswer};

/// More servers are not asked; stub resolvers ask three at most.
const MOST_SERVERS: usize = 3;

#[derive(Debug)]
pub(super) struct Inquiry {
    exchanges: Vec<Exchange>,
    said: Arc<Said>,
    _running: JoinSet<()>,
}

#[derive(Debug)]
struct Said {
    /// By exchange: nothing yet, one answer, or two that contradict each other.
    answers: Mutex<Vec<Vec<ServerAnswer>>>,
    more: Notify,
}

/// What one server has said so far.
#[derive(Debug, Clone, Copy)]
pub(super) struct Heard<'a> {
    pub a: Option<&'a ServerAnswer>,
    pub aaaa: Option<&'a ServerAnswer>,
}

impl Heard<'_> {
    /// It has given an address of either kind.
    pub fn has_address(&self) -> bool {
        [self.a, self.aaaa].into_iter().flatten().any(|answer| !answer.addresses.is_empty())
    }
}

impl Inquiry {
    /// Asks every server at once. Each question has its outcome by `deadline`.
    pub fn start(name: &str, servers: &[SocketAddr], net: &Net, deadline: Instant) -> Self {
        let started = Instant::now();
        let records = [RecordType::A, RecordType::Aaaa];
        let exchanges: Vec<Exchange> = servers
            .iter()
            .take(MOST_SERVERS)
            .flat_map(|server| records.map(|record| Exchange { server: *server, record, started, deadline }))
            .collect();
        let answers = Mutex::new(vec![Vec::new(); exchanges.len()]);
        let said = Arc::new(Said { answers, more: Notify::new() });
        let mut running = JoinSet::new();
        for (place, exchange) in exchanges.iter().copied().enumerate() {
            let (said, net, name) = (said.clone(), net.clone(), name.to_owned());
            let [high, low, ..] = net.entropy.bytes();
            running.spawn(async move {
                exchange.ask(&name, u16::from_be_bytes([high, low]), &net, |answer| said.keep(place, answer)).await;
            });
        }
        Self { exchanges, said, _running: running }
    }

    /// Waits until what has been said is `enough`, at most until `end`.
    pub async fn until(&self, end: Instant, enough: impl Fn(&[Heard<'_>]) -> bool) {
        let enough_is_said = async {
            while !self.judge(&enough) {
                self.said.more.notified().await;
            }
        };
        // Too late is no mistake: who asked goes on with what there is.
        let _ = timeout_at(end, enough_is_said).await;
    }

    /// What follows from what has been said so far.
    pub fn judge<T>(&self, judge: impl FnOnce(&[Heard<'_>]) -> T) -> T {
        let answers = self.said.lock();
        let heard: Vec<Heard<'_>> =
            answers.chunks(2).map(|pair| Heard { a: pair[0].first(), aaaa: pair[1].first() }).collect();
        judge(&heard)
    }

    /// Every answer so far, in the order of the questions; a contradicting one follows the first.
    pub fn answers(&self) -> Vec<ServerAnswer> {
        self.said.lock().iter().flatten().cloned().collect()
    }

    /// Writes down that the questions still open had no answer until now.
    pub fn close(&self) {
        for (place, exchange) in self.exchanges.iter().enumerate() {
            let open = self.said.lock()[place].is_empty();
            if open {
                self.said.keep(place, exchange.failed(DnsFailure::Timeout));
            }
        }
    }
}

impl Heard<'_> {
    pub fn is_complete(self) -> bool {
        self.a.is_some() && self.aaaa.is_some()
    }
}

impl Said {
    fn lock(&self) -> MutexGuard<'_, Vec<Vec<ServerAnswer>>> {
        self.answers.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn keep(&self, place: usize, answer: ServerAnswer) {
        self.lock()[place].push(answer);
        self.more.notify_one();
    }
}
