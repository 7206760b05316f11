//! Many jobs at once, within the budget, each with its one retry.

use std::future::Future;
use std::rc::Rc;
use std::time::Instant;

use tokio::sync::{Semaphore, mpsc};
use tokio::task::{JoinSet, LocalSet};

use super::{Context, attempt};
use crate::observation::{Attempt, Ended, Fault, Observation};
use crate::plan::Job;

/// Probes every job of the plan at once and hands each attempt's observation to `keep` as it ends.
///
/// Ends early when the total budget is spent or `interrupt` completes; an attempt that was still under way then has no
/// observation, and a first one whose retry was under way has been kept.
pub async fn run(context: Context, interrupt: impl Future<Output = ()>, mut keep: impl FnMut(Observation)) -> Ended {
    let started = Instant::now();
    let total = context.plan.budget.total;
    let context = Rc::new(context);
    let places = Rc::new(Semaphore::new(context.plan.budget.concurrency.max(1)));
    let local = LocalSet::new();
    let mut running = JoinSet::new();
    let (sender, mut ended) = mpsc::unbounded_channel();
    tokio::pin!(interrupt);
    local
        .run_until(async move {
            for job in context.plan.jobs.clone() {
                let (context, places, sender) = (context.clone(), places.clone(), sender.clone());
                running.spawn_local(async move {
                    let _place = places.acquire().await;
                    probe(&job, &context, &sender).await;
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
                        None => break Ended::Complete,
                        Some(observation) => keep(observation),
                    },
                    () = &mut deadline => break Ended::OutOfTime,
                }
            };
            while let Ok(observation) = ended.try_recv() {
                keep(observation);
            }
            how
        })
        .await
}

/// One job: once, and once more after a reset or an early close.
async fn probe(job: &Job, context: &Context, ended: &mpsc::UnboundedSender<Observation>) {
    let first = attempt(job, Attempt::First, context).await;
    let is_worth_another = first.fault().is_some_and(|(_, fault)| fault.is_worth_another_try());
    // The other side is gone only when the run has ended.
    let _ = ended.send(first);
    if is_worth_another {
        let again = attempt(job, Attempt::Again, context).await;
        // What the first attempt saw is why the password did not go out again: the second has tested nothing.
        if !matches!(again.fault(), Some((_, Fault::CredentialsUnanswered))) {
            let _ = ended.send(again);
        }
    }
}
