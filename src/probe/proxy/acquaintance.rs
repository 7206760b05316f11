//! What the jobs of a run have learnt of a proxy's challenges, so that none of them is asked for twice.
//!
//! A request without a credential teaches what the proxy offers for its target. Jobs with a login begin with their
//! credential as soon as that is known. While nobody knows, one of them asks bare and the others wait for what it learns:
//! they would wait for the verdict on its password anyway.

use std::collections::HashMap;
use std::pin::pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::{Instant, timeout_at};

use crate::auth::Offer;

/// How long a job waits for what another one learns. A proxy that takes longer costs a request more, and no time.
const PATIENCE: Duration = Duration::from_secs(1);
/// Targets of which it is kept what they were told.
const MOST_TARGETS: usize = 4096;

#[derive(Debug, Default)]
pub(super) struct Acquaintance {
    known: Mutex<Known>,
    news: Notify,
}

#[derive(Debug, Default)]
struct Known {
    /// What the proxy offered first.
    offers: Option<Arc<[Offer]>>,
    targets: HashMap<String, Told>,
    /// Targets that are being asked for without a credential.
    asking: HashMap<String, usize>,
    /// Somebody has asked bare, with whatever result.
    was_asked: bool,
    /// Its Negotiate was found to take no NTLM.
    without_ntlm: bool,
    /// Its Negotiate was found to take NTLM in SPNEGO only.
    in_spnego: bool,
}

/// What a request for a target without a credential was told.
#[derive(Debug, Clone)]
enum Told {
    LetThrough,
    Challenged(Arc<[Offer]>),
}

/// How a dialogue begins.
pub(super) enum Beginning {
    /// Nothing is known that would help.
    Bare(Asking),
    /// The proxy lets everybody through to this target.
    LetThrough(Asking),
    /// This is what the proxy will ask for, as it said for this target itself.
    Challenged(Arc<[Offer]>),
    /// This is what the proxy asked for when it was another target's turn.
    Offered(Arc<[Offer]>),
}

impl Beginning {
    /// What the proxy is known to offer.
    pub fn offers(&self) -> &[Offer] {
        match self {
            Self::Challenged(offers) | Self::Offered(offers) => offers,
            Self::Bare(_) | Self::LetThrough(_) => &[],
        }
    }
}

/// A request without a credential that is under way; whoever waits for it goes on when it is dropped.
pub(super) struct Asking {
    acquaintance: Arc<Acquaintance>,
    target: String,
}

impl Acquaintance {
    /// Begins without a credential.
    pub fn ask(self: &Arc<Self>, target: &str) -> Asking {
        self.asking(&mut self.known(), target)
    }

    /// Begins as well as can be known, waiting a little for others that are about to know.
    pub async fn begin(self: &Arc<Self>, target: &str) -> Beginning {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let mut news = pin!(self.news.notified());
            news.as_mut().enable();
            if let Some(beginning) = self.look(target) {
                return beginning;
            }
            if timeout_at(deadline, news).await.is_err() {
                return Beginning::Bare(self.ask(target));
            }
        }
    }

    /// `None`, while it is worth waiting.
    fn look(self: &Arc<Self>, target: &str) -> Option<Beginning> {
        let mut known = self.known();
        match known.targets.get(target) {
            Some(Told::LetThrough) => return Some(Beginning::LetThrough(self.asking(&mut known, target))),
            Some(Told::Challenged(offers)) => return Some(Beginning::Challenged(offers.clone())),
            None if known.asking.contains_key(target) => return None,
            None => {}
        }
        if let Some(offers) = &known.offers {
            return Some(Beginning::Offered(offers.clone()));
        }
        let is_first = known.asking.is_empty();
        (known.was_asked || is_first).then(|| Beginning::Bare(self.asking(&mut known, target)))
    }

    fn asking(self: &Arc<Self>, known: &mut Known, target: &str) -> Asking {
        *known.asking.entry(target.to_owned()).or_default() += 1;
        Asking { acquaintance: self.clone(), target: target.to_owned() }
    }

    pub fn takes_no_ntlm(&self) -> bool {
        self.known().without_ntlm
    }

    pub fn found_without_ntlm(&self) {
        self.known().without_ntlm = true;
    }

    pub fn wants_spnego(&self) -> bool {
        self.known().in_spnego
    }

    pub fn found_in_spnego(&self) {
        self.known().in_spnego = true;
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Asking {
    /// The proxy asked for a credential.
    pub fn challenged(self, offers: &[Offer]) {
        let offers: Arc<[Offer]> = offers.into();
        let mut known = self.acquaintance.known();
        known.offers.get_or_insert_with(|| offers.clone());
        self.keep(&mut known, Told::Challenged(offers));
    }

    /// The proxy answered without asking for one.
    pub fn let_through(self) {
        self.keep(&mut self.acquaintance.known(), Told::LetThrough);
    }

    fn keep(&self, known: &mut Known, told: Told) {
        if known.targets.len() < MOST_TARGETS {
            known.targets.insert(self.target.clone(), told);
        }
    }
}

impl Drop for Asking {
    fn drop(&mut self) {
        let mut known = self.acquaintance.known();
        known.was_asked = true;
        if let Some(count) = known.asking.get_mut(&self.target) {
            *count -= 1;
            if *count == 0 {
                known.asking.remove(&self.target);
            }
        }
        drop(known);
        self.acquaintance.news.notify_waiters();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::auth::read_challenges;

    fn offers() -> Vec<Offer> {
        read_challenges([b"Basic realm=\"proxy\"".as_slice()])
    }

    /// Whether `future` is done without anything happening in between.
    async fn is_ready<T>(future: &mut (impl Future<Output = T> + Unpin)) -> bool {
        let mut future = std::pin::Pin::new(future);
        std::future::poll_fn(|context| std::task::Poll::Ready(future.as_mut().poll(context).is_ready())).await
    }

    #[tokio::test]
    async fn one_asks_and_the_others_wait_for_what_it_learns() {
        let proxy = Arc::new(Acquaintance::default());
        let Beginning::Bare(first) = proxy.begin("a").await else { panic!("nothing is known") };
        let mut second = Box::pin(proxy.begin("b"));
        assert!(!is_ready(&mut second).await);
        first.challenged(&offers());
        assert!(matches!(second.await, Beginning::Offered(_)));
        assert!(matches!(proxy.begin("a").await, Beginning::Challenged(_)));
    }

    #[tokio::test]
    async fn where_the_first_learns_nothing_all_others_ask_at_once() {
        for passes in [true, false] {
            let proxy = Arc::new(Acquaintance::default());
            let Beginning::Bare(first) = proxy.begin("a").await else { panic!("nothing is known") };
            if passes {
                first.let_through();
            } else {
                drop(first);
            }
            let Beginning::Bare(_second) = proxy.begin("b").await else { panic!("nothing is known") };
            let Beginning::Bare(_third) = proxy.begin("c").await else { panic!("nothing is known") };
            assert_eq!(matches!(proxy.begin("a").await, Beginning::LetThrough(_)), passes);
        }
    }

    #[tokio::test]
    async fn what_a_target_itself_is_told_outweighs_what_others_are_told() {
        let proxy = Arc::new(Acquaintance::default());
        let (open, closed) = (proxy.ask("open"), proxy.ask("closed"));
        closed.challenged(&offers());
        let mut waiting = Box::pin(proxy.begin("open"));
        assert!(!is_ready(&mut waiting).await, "somebody is about to know");
        open.let_through();
        assert!(matches!(waiting.await, Beginning::LetThrough(_)));
        assert!(matches!(proxy.begin("third").await, Beginning::Offered(_)));
    }

    #[tokio::test(start_paused = true)]
    async fn a_proxy_that_does_not_answer_is_not_waited_for() {
        let proxy = Arc::new(Acquaintance::default());
        let _mute = proxy.ask("a");
        assert!(matches!(proxy.begin("a").await, Beginning::Bare(_)));
    }

    #[test]
    fn what_is_kept_is_bounded() {
        let proxy = Arc::new(Acquaintance::default());
        for number in 0..=MOST_TARGETS {
            proxy.ask(&number.to_string()).let_through();
        }
        assert_eq!(proxy.known().targets.len(), MOST_TARGETS);
        assert!(proxy.known().asking.is_empty());
    }
}
