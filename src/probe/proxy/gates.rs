//! What the jobs of a run share about each proxy: how many tunnels are open and how many ask at once, and whether a password
//! may be tried.
//!
//! A wrong password tried by fifteen jobs at once locks an account. So the first job that sends a name's password goes
//! alone; when it was accepted the others go together, when it was refused they stop. They stop as well when the proxy
//! broke off, fell silent over it or answered with something that is no verdict (503): nobody knows whether that counted
//! as a wrong password, and fifteen more might lock the account. A job that ended before it sent the password leaves the
//! turn to the next.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use super::acquaintance::Acquaintance;
use tokio::sync::{OwnedMutexGuard, OwnedSemaphorePermit, Semaphore};

use crate::observation::Fault;
use crate::plan::{Plan, Proxy};

/// Requests to one proxy that wait for its answer at once: an authenticating proxy has few helpers.
const MAX_DIALOGUES: usize = 16;

/// Nonces of which the uses are counted, per proxy.
const MOST_NONCES: usize = 4096;

/// One [`Gate`] per proxy.
#[derive(Debug)]
pub(in crate::probe) struct Gates {
    max_connects: usize,
    proxies: Mutex<HashMap<Proxy, Arc<Gate>>>,
}

#[derive(Debug)]
pub(super) struct Gate {
    tunnels: Arc<Semaphore>,
    dialogues: Arc<Semaphore>,
    passwords: Mutex<HashMap<String, Arc<Password>>>,
    nonces: Mutex<HashMap<Vec<u8>, u32>>,
    /// What the proxy asks for, once one job knows.
    pub acquaintance: Arc<Acquaintance>,
}

/// What is known of one name's password at one proxy.
#[derive(Debug, Default)]
struct Password {
    /// Held by the job that goes alone.
    alone: Arc<tokio::sync::Mutex<()>>,
    /// `None` while nobody knows.
    verdict: Mutex<Option<Verdict>>,
    /// It was refused after it had been accepted.
    was_refused_later: AtomicBool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Verdict {
    /// Once accepted, what is refused later is refused for another reason.
    Accepted,
    Refused,
    /// It was sent, and no verdict came.
    Unanswered,
}

/// The right to have one connection open at a proxy, given back on drop: hold it as long as the connection.
#[derive(Debug)]
pub(in crate::probe) struct Place {
    #[expect(dead_code, reason = "held, not read")]
    tunnel: Option<OwnedSemaphorePermit>,
    dialogue: Option<OwnedSemaphorePermit>,
}

/// The right to send a name's password to a proxy.
#[derive(Debug)]
pub(super) struct Turn {
    password: Arc<Password>,
    /// Held until the turn ends.
    #[expect(dead_code, reason = "held, not read")]
    alone: Option<OwnedMutexGuard<()>>,
}

impl Gates {
    pub fn new(plan: &Plan) -> Self {
        Self { max_connects: plan.budget.max_connects.max(1), proxies: Mutex::default() }
    }

    /// Waits until one more connection to the proxy may be open, and may speak to it.
    pub async fn place(&self, proxy: &Proxy) -> Place {
        self.of(proxy).place().await
    }

    pub(super) fn of(&self, proxy: &Proxy) -> Arc<Gate> {
        let mut proxies = self.proxies.lock().unwrap_or_else(PoisonError::into_inner);
        let gate = proxies.entry(proxy.clone()).or_insert_with(|| {
            Arc::new(Gate {
                tunnels: Arc::new(Semaphore::new(self.max_connects.min(Semaphore::MAX_PERMITS))),
                dialogues: Arc::new(Semaphore::new(self.max_connects.min(MAX_DIALOGUES))),
                passwords: Mutex::default(),
                nonces: Mutex::default(),
                acquaintance: Arc::default(),
            })
        });
        gate.clone()
    }
}

impl Place {
    /// The proxy has answered: its helpers are free for others, and the connection stays open.
    pub fn is_answered(&mut self) {
        self.dialogue = None;
    }
}

impl Gate {
    /// Waits until one more connection may be open and may speak to the proxy.
    async fn place(&self) -> Place {
        // Whoever waits for the second holds the first: those that it waits for hold both, and need no more.
        let tunnel = self.tunnels.clone().acquire_owned().await.ok();
        Place { tunnel, dialogue: self.dialogues.clone().acquire_owned().await.ok() }
    }

    /// Waits until `name`'s password may be sent.
    ///
    /// # Errors
    /// [`Fault::CredentialsAlreadyRefused`] and [`Fault::CredentialsUnanswered`], when it is not to be sent again.
    pub async fn turn(&self, name: &str) -> Result<Turn, Fault> {
        let password = {
            let mut passwords = self.passwords.lock().unwrap_or_else(PoisonError::into_inner);
            passwords.entry(name.to_owned()).or_default().clone()
        };
        if let Some(verdict) = password.verdict() {
            return verdict.allows().map(|()| Turn { password, alone: None });
        }
        let alone = password.alone.clone().lock_owned().await;
        match password.verdict() {
            Some(verdict) => verdict.allows().map(|()| Turn { password, alone: None }),
            None => Ok(Turn { password, alone: Some(alone) }),
        }
    }

    /// How often `nonce` was used, this time included.
    pub fn count(&self, nonce: &[u8]) -> u32 {
        let mut nonces = self.nonces.lock().unwrap_or_else(PoisonError::into_inner);
        if nonces.len() >= MOST_NONCES && !nonces.contains_key(nonce) {
            nonces.clear();
        }
        let count = nonces.entry(nonce.to_owned()).or_default();
        *count = count.saturating_add(1);
        *count
    }
}

impl Verdict {
    fn allows(self) -> Result<(), Fault> {
        match self {
            Self::Accepted => Ok(()),
            Self::Refused => Err(Fault::CredentialsAlreadyRefused),
            Self::Unanswered => Err(Fault::CredentialsUnanswered),
        }
    }
}

impl Password {
    fn verdict(&self) -> Option<Verdict> {
        *self.verdict.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The first verdict stays, except that an acceptance outweighs all.
    fn settle(&self, verdict: Verdict) {
        let mut known = self.verdict.lock().unwrap_or_else(PoisonError::into_inner);
        if verdict == Verdict::Accepted || known.is_none() {
            *known = Some(verdict);
        }
    }
}

impl Turn {
    /// Whether the proxy took this password before.
    pub fn is_proved(&self) -> bool {
        self.password.verdict() == Some(Verdict::Accepted)
    }

    /// The proxy took the password. A turn that is dropped unsettled says nothing, and the next job tries.
    pub fn accepted(self) {
        self.password.settle(Verdict::Accepted);
    }

    /// What that is for the row: the password's end, or a riddle that the first row to meet it looks at once more.
    pub fn refused(self) -> Fault {
        self.password.settle(Verdict::Refused);
        if self.is_proved() {
            let is_first = !self.password.was_refused_later.swap(true, Ordering::Relaxed);
            return Fault::CredentialsNoLongerTaken { is_first };
        }
        Fault::CredentialsRefused
    }

    /// The password was sent, and no verdict on it came.
    pub fn unanswered(self) {
        self.password.settle(Verdict::Unanswered);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn gate(max_connects: usize) -> Arc<Gate> {
        let gates = Gates { max_connects, proxies: Mutex::default() };
        gates.of(&"http://proxy.example:8080".parse().expect("a proxy"))
    }

    /// Whether `future` is done without anything happening in between.
    async fn is_ready<T>(future: &mut (impl Future<Output = T> + Unpin)) -> bool {
        let mut future = std::pin::Pin::new(future);
        std::future::poll_fn(|context| std::task::Poll::Ready(future.as_mut().poll(context).is_ready())).await
    }

    #[tokio::test]
    async fn others_wait_for_the_first_and_stop_when_it_was_refused() {
        let gate = gate(9);
        let first = gate.turn("anna").await.expect("the first may");
        let mut second = Box::pin(gate.turn("anna"));
        assert!(!is_ready(&mut second).await);
        assert!(gate.turn("berta").await.is_ok(), "another name is another account");
        assert_eq!(first.refused(), Fault::CredentialsRefused);
        assert_eq!(second.await.err(), Some(Fault::CredentialsAlreadyRefused));
        assert_eq!(gate.turn("anna").await.err(), Some(Fault::CredentialsAlreadyRefused));
    }

    #[tokio::test]
    async fn once_accepted_all_go_together_and_a_later_refusal_is_the_rows_own() {
        let gate = gate(9);
        gate.turn("anna").await.expect("the first may").accepted();
        let (second, third) = (gate.turn("anna").await, gate.turn("anna").await);
        assert_eq!(second.expect("may").refused(), Fault::CredentialsNoLongerTaken { is_first: true });
        assert_eq!(third.expect("may").refused(), Fault::CredentialsNoLongerTaken { is_first: false });
        gate.turn("anna").await.expect("may").unanswered();
        assert!(gate.turn("anna").await.is_ok());
    }

    #[tokio::test]
    async fn a_password_that_was_sent_and_not_answered_is_not_sent_again() {
        let gate = gate(9);
        let first = gate.turn("anna").await.expect("the first may");
        let mut second = Box::pin(gate.turn("anna"));
        assert!(!is_ready(&mut second).await);
        first.unanswered();
        assert_eq!(second.await.err(), Some(Fault::CredentialsUnanswered));
    }

    #[tokio::test]
    async fn a_first_that_ends_without_a_verdict_says_nothing_and_the_next_goes_alone() {
        let gate = gate(9);
        drop(gate.turn("anna").await);
        let second = gate.turn("anna").await.expect("the next may");
        let mut third = Box::pin(gate.turn("anna"));
        assert!(!is_ready(&mut third).await);
        second.accepted();
        assert!(third.await.is_ok());
    }

    #[tokio::test]
    async fn no_more_speak_at_once_than_there_are_places() {
        let gate = gate(1);
        let first = gate.place().await;
        let mut second = Box::pin(gate.place());
        assert!(!is_ready(&mut second).await);
        drop(first);
        second.await;
    }

    #[tokio::test]
    async fn an_answered_connection_lets_another_speak_and_still_counts_as_open() {
        let gate = gate(MAX_DIALOGUES + 1);
        let mut speaking = Vec::new();
        for _ in 0..MAX_DIALOGUES {
            speaking.push(gate.place().await);
        }
        let mut next = Box::pin(gate.place());
        assert!(!is_ready(&mut next).await, "the helpers are busy");
        speaking[0].is_answered();
        let next = next.await;
        let mut beyond = Box::pin(gate.place());
        speaking[1].is_answered();
        assert!(!is_ready(&mut beyond).await, "as many tunnels as may be are open");
        drop(next);
        beyond.await;
    }

    #[test]
    fn the_uses_of_a_nonce_are_counted_across_jobs() {
        let gate = gate(1);
        assert_eq!([gate.count(b"a"), gate.count(b"b"), gate.count(b"a")], [1, 1, 2]);
        for nonce in 0..=MOST_NONCES {
            gate.count(&nonce.to_be_bytes());
        }
        assert!(gate.nonces.lock().expect("not poisoned").len() <= MOST_NONCES);
    }
}
