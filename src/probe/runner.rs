//! Many jobs at once, within the budget, each with its one retry.

use std::future::Future;
use std::rc::Rc;
use std::time::Instant;

use tokio::sync::Semaphore;
use tokio::task::{JoinSet, LocalSet};

use super::{Context, attempt};
use crate::observation::{Attempt, Ended, Observation};
use crate::plan::Job;

/// Probes every job of the plan at once and hands each observation to `keep` as it ends.
///
/// Ends early when the total budget is spent or `interrupt` completes; what was still under way then has no observation.
pub async fn run(context: Context, interrupt: impl Future<Output = ()>, mut keep: impl FnMut(Observation)) -> Ended {
    let started = Instant::now();
    let total = context.plan.budget.total;
    let context = Rc::new(context);
    let places = Rc::new(Semaphore::new(context.plan.budget.concurrency.max(1)));
    let local = LocalSet::new();
    let mut running = JoinSet::new();
    tokio::pin!(interrupt);
    local
        .run_until(async move {
            for job in context.plan.jobs.clone() {
                let (context, places) = (context.clone(), places.clone());
                running.spawn_local(async move {
                    let _place = places.acquire().await;
                    probe(&job, &context).await
                });
            }
            let deadline = tokio::time::sleep(total.saturating_sub(started.elapsed()));
            tokio::pin!(deadline);
            loop {
                tokio::select! {
                    biased;
                    () = &mut interrupt => return Ended::Interrupted,
                    ended = running.join_next() => match ended {
                        None => return Ended::Complete,
                        // A job that panicked has no observation and is reported as not tested.
                        Some(result) => result.into_iter().flatten().for_each(&mut keep),
                    },
                    () = &mut deadline => return Ended::OutOfTime,
                }
            }
        })
        .await
}

/// One job: once, and once more after a reset or an early close.
async fn probe(job: &Job, context: &Context) -> Vec<Observation> {
    let first = attempt(job, Attempt::First, context).await;
    if first.fault().is_some_and(|(_, fault)| fault.is_worth_another_try()) {
        let again = attempt(job, Attempt::Again, context).await;
        return vec![first, again];
    }
    vec![first]
}
