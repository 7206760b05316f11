//! Many jobs at once, within the budget, each with its one retry.

use std::future::Future;
use std::num::NonZeroUsize;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use tokio::sync::{mpsc, watch};
use tokio::task::{JoinSet, LocalSet};

use super::{Context, attempt};
use crate::observation::{Attempt, Ended, Fault, Observation};
use crate::plan::Job;

/// How long rows that are under way when the run ends have to say how far they came. They need one turn each.
const LAST_WORDS: Duration = Duration::from_secs(2);

/// Jobs that are worth another thread. Fewer wait for the network most of the time, and one thread is enough for them.
const JOBS_PER_THREAD: usize = 256;

/// Probes every job of the plan at once and hands each attempt's observation to `keep` as it ends.
///
/// A large plan is probed on several of `threads`: the calling one, and others that take their jobs from the same queue.
/// What the jobs share (logins, lookups, certificates) is in the context, which all threads share.
///
/// Ends early when the total budget is spent or `interrupt` completes. A first attempt that is under way then is handed
/// over with what its finished stages saw; a retry is not, because its first attempt says more. A job that was still
/// waiting for its turn has no observation.
pub async fn run(
    context: &Arc<Context>,
    threads: NonZeroUsize,
    interrupt: impl Future<Output = ()>,
    mut keep: impl FnMut(Observation),
) -> Ended {
    let started = Instant::now();
    let budget = &context.plan.budget;
    let (sender, mut ended) = mpsc::unbounded_channel();
    let (end, end_seen) = watch::channel(None);
    let queue = Arc::new(Queue { next: AtomicUsize::new(0), context: context.clone() });
    let worker = Worker { queue, sender, end: end_seen };
    let places = shares(budget.concurrency.max(1), threads.get().min(context.plan.jobs.len() / JOBS_PER_THREAD));
    let (own, others) = places.split_first().expect("the calling thread has a share");
    for places in others {
        worker.clone().start(*places);
    }
    let mut interrupt = pin!(interrupt);
    let mut deadline = pin!(tokio::time::sleep(budget.total.saturating_sub(started.elapsed())));
    LocalSet::new()
        .run_until(async move {
            tokio::task::spawn_local(worker.work(*own));
            let how = loop {
                tokio::select! {
                    biased;
                    () = &mut interrupt => break Ended::Interrupted,
                    observation = ended.recv() => match observation {
                        // A job that panicked has no observation and is reported as not tested.
                        None => return Ended::Complete,
                        Some(observation) => keep(observation),
                    },
                    () = &mut deadline => break Ended::OutOfTime,
                }
            };
            end.send_replace(Some(how));
            let mut last_words = pin!(tokio::time::sleep(LAST_WORDS));
            loop {
                tokio::select! {
                    biased;
                    observation = ended.recv() => match observation {
                        None => break,
                        Some(observation) => keep(observation),
                    },
                    () = &mut last_words => break,
                }
            }
            how
        })
        .await
}

/// `places` divided among at most so many workers, at least one; nobody gets none.
fn shares(places: usize, workers: usize) -> Vec<usize> {
    let workers = workers.clamp(1, places.max(1));
    (0..workers).map(|worker| places / workers + usize::from(worker < places % workers)).collect()
}

/// The jobs that nobody has begun, in plan order.
struct Queue {
    next: AtomicUsize,
    context: Arc<Context>,
}

impl Queue {
    fn take(&self) -> Option<Job> {
        self.context.plan.jobs.get(self.next.fetch_add(1, Ordering::Relaxed)).copied()
    }
}

/// Takes jobs from the queue, on a thread of its own or on the caller's.
#[derive(Clone)]
struct Worker {
    queue: Arc<Queue>,
    sender: mpsc::UnboundedSender<Observation>,
    end: watch::Receiver<Option<Ended>>,
}

impl Worker {
    /// Works on a thread of its own. Where the system gives none the others do all the work.
    fn start(self, places: usize) {
        let run_is_over = self.queue.context.run_is_over();
        let work = move || {
            let Ok(runtime) = tokio::runtime::Builder::new_current_thread().enable_all().build() else { return };
            LocalSet::new().block_on(&runtime, self.work(places));
            // Questions to name servers that several jobs wait for are answered here until nobody needs them.
            runtime.block_on(run_is_over);
            runtime.shutdown_background();
        };
        let _ = thread::Builder::new().name("probe".to_owned()).spawn(work);
    }

    /// Probes jobs, so many at once, until there are none left or the run ends.
    async fn work(self, places: usize) {
        let Self { queue, sender, end } = self;
        let mut running = JoinSet::new();
        let mut run_ends = pin!(end_of_run(end.clone()));
        loop {
            while running.len() < places
                && let Some(job) = queue.take()
            {
                let (context, sender, end) = (queue.context.clone(), sender.clone(), end.clone());
                running.spawn_local(async move { probe(&job, &context, &sender, &end).await });
            }
            tokio::select! {
                biased;
                _ = &mut run_ends => break,
                ended = running.join_next() => if ended.is_none() { return },
            }
        }
        // They know that the run ends, and say how far they came.
        while running.join_next().await.is_some() {}
    }
}

/// Completes when the run ends before its work is done.
async fn end_of_run(mut end: watch::Receiver<Option<Ended>>) -> Fault {
    match end.wait_for(Option::is_some).await.map(|how| *how) {
        Ok(Some(Ended::OutOfTime)) => Fault::BudgetSpent,
        Ok(Some(Ended::Interrupted)) => Fault::Interrupted,
        // The run is over without being cut short: nobody waits for an answer.
        Ok(Some(Ended::Complete) | None) | Err(_) => std::future::pending().await,
    }
}

/// One job: once, and once more after a reset or an early close.
async fn probe(
    job: &Job,
    context: &Context,
    ended: &mpsc::UnboundedSender<Observation>,
    end: &watch::Receiver<Option<Ended>>,
) {
    let first = attempt(job, Attempt::First, context, end_of_run(end.clone())).await;
    let is_worth_another = first.fault().is_some_and(|(_, fault)| fault.is_worth_another_try());
    // The other side is gone only when the run has ended.
    let _ = ended.send(first);
    if is_worth_another {
        let again = attempt(job, Attempt::Again, context, end_of_run(end.clone())).await;
        // What the first attempt saw is why the password did not go out again, or what the end of the run left
        // unanswered: such a second attempt has tested nothing.
        let has_tested =
            again.fault().is_none_or(|(_, fault)| *fault != Fault::CredentialsUnanswered && !fault.is_end_of_run());
        if has_tested {
            let _ = ended.send(again);
        }
    }
}
