//! Many jobs at once, within the budget, each with its one retry.

use std::future::Future;
use std::rc::Rc;
use std::time::{Duration, Instant};

use tokio::sync::{Semaphore, mpsc, watch};
use tokio::task::{JoinSet, LocalSet};

use super::{Context, attempt};
use crate::observation::{Attempt, Ended, Fault, Observation};
use crate::plan::Job;

/// How long rows that are under way when the run ends have to say how far they came. They need one turn each.
const LAST_WORDS: Duration = Duration::from_secs(2);

/// Probes every job of the plan at once and hands each attempt's observation to `keep` as it ends.
///
/// Ends early when the total budget is spent or `interrupt` completes. A first attempt that is under way then is handed
/// over with what its finished stages saw, a retry as one that was cut off. A job that was still
/// waiting for its turn has no observation.
pub async fn run(
    context: &Rc<Context>,
    interrupt: impl Future<Output = ()>,
    mut keep: impl FnMut(Observation),
) -> Ended {
    let started = Instant::now();
    let total = context.plan.budget.total;
    let places = Rc::new(Semaphore::new(context.plan.budget.concurrency.max(1)));
    let local = LocalSet::new();
    let mut running = JoinSet::new();
    let (sender, mut ended) = mpsc::unbounded_channel();
    let (end, end_seen) = watch::channel(None);
    tokio::pin!(interrupt);
    local
        .run_until(async move {
            for job in context.plan.jobs.clone() {
                let (context, places, sender) = (context.clone(), places.clone(), sender.clone());
                let end = end_seen.clone();
                running.spawn_local(async move {
                    let place = tokio::select! {
                        biased;
                        place = places.acquire() => place,
                        _ = end_of_run(end.clone()) => return,
                    };
                    // On the heap, so that a job which waits for its turn is not as large as one under way.
                    Box::pin(probe(&job, &context, &sender, &end)).await;
                    drop(place);
                });
            }
            drop(sender);
            let deadline = tokio::time::sleep(total.saturating_sub(started.elapsed()));
            tokio::pin!(deadline);
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
            let last_words = tokio::time::sleep(LAST_WORDS);
            tokio::pin!(last_words);
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
    // Who wants nothing asked twice gets the first answer.
    let is_worth_another =
        context.plan.follow_ups.wanted && first.fault().is_some_and(|(_, fault)| fault.is_worth_another_try());
    // The other side is gone only when the run has ended.
    let _ = ended.send(first);
    if is_worth_another {
        let again = attempt(job, Attempt::Again, context, end_of_run(end.clone())).await;
        // What the first attempt saw is why the password did not go out again: such a second attempt has tested nothing.
        let has_tested = again.fault().is_none_or(|(_, fault)| *fault != Fault::CredentialsUnanswered);
        if has_tested {
            let _ = ended.send(again);
        }
    }
}
