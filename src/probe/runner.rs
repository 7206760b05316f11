//! Many jobs at once, within the budget, each with its one retry.

use std::cell::Cell;
use std::future::Future;
use std::rc::Rc;
use std::time::{Duration, Instant};

use tokio::sync::{Semaphore, mpsc, oneshot, watch};
use tokio::task::{JoinSet, LocalSet};

use super::{Client, Context, Opening, attempt};
use crate::observation::{Attempt, Ended, Fault, Observation, Stage};
use crate::plan::{ClientProfile, Job};

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

/// One job: once as each client, and once more after a reset or an early close.
async fn probe(
    job: &Job,
    context: &Context,
    ended: &mpsc::UnboundedSender<Observation>,
    end: &watch::Receiver<Option<Ended>>,
) {
    let clients = Clients::of(job, context);
    let (ahead, behind) = together(job, Attempt::First, clients, context, end).await;
    // Who wants nothing asked twice gets the first answer.
    let wanted = context.plan.follow_ups.wanted;
    let is_worth_another =
        |seen: &Observation| wanted && seen.fault().is_some_and(|(_, fault)| fault.is_worth_another_try());
    let is_common = ahead.profile().is_none();
    let again = is_worth_another(&ahead);
    let again_behind =
        behind.as_ref().is_some_and(|seen| is_worth_another(seen) || (wanted && is_stopped_on_the_way(seen)));
    // The other side is gone only when the run has ended.
    let _ = ended.send(ahead);
    if let Some(behind) = behind {
        let _ = ended.send(behind);
    }
    if again && is_common {
        let (ahead, behind) = together(job, Attempt::Again, clients, context, end).await;
        for seen in [Some(ahead), behind].into_iter().flatten().filter(has_tested) {
            let _ = ended.send(seen);
        }
        return;
    }
    // One after the other: what only happens while both are under way is then not seen twice.
    let alone = [(again, clients.ahead), (again_behind, clients.behind)];
    for profile in alone.into_iter().filter_map(|(again, profile)| profile.filter(|_| again)) {
        let client = Client { profile: Some(profile), ..Client::default() };
        let seen = attempt(job, Attempt::Again, client, context, end_of_run(end.clone())).await;
        if has_tested(&seen) {
            let _ = ended.send(seen);
        }
    }
}

/// What the first attempt saw is why the password did not go out again: such a second attempt has tested nothing.
fn has_tested(again: &Observation) -> bool {
    again.fault().is_none_or(|(_, fault)| *fault != Fault::CredentialsUnanswered)
}

/// It was stopped before its handshake, on a way that the profile ahead of it had just gone.
fn is_stopped_on_the_way(behind: &Observation) -> bool {
    behind.fault().is_some_and(|(stage, fault)| stage < Stage::Tls && !fault.is_end_of_run())
}

/// The profiles of one job, none for an endpoint without TLS.
#[derive(Debug, Clone, Copy)]
struct Clients {
    ahead: Option<ClientProfile>,
    behind: Option<ClientProfile>,
}

impl Clients {
    fn of(job: &Job, context: &Context) -> Self {
        let is_tls = context.catalogue.endpoints[job.endpoint].is_tls();
        let mut profiles = context.plan.profiles.iter().copied().filter(|_| is_tls);
        Self { ahead: profiles.next(), behind: profiles.next() }
    }
}

/// One attempt as each client. The first goes ahead; once its connection is there, or its CONNECT was accepted, the second
/// follows with the address and with what the proxy wants. What stops the first before that stops both.
async fn together(
    job: &Job,
    number: Attempt,
    clients: Clients,
    context: &Context,
    end: &watch::Receiver<Option<Ended>>,
) -> (Observation, Option<Observation>) {
    let profile = clients.ahead;
    let Some(behind) = clients.behind else {
        let client = Client { profile, ..Client::default() };
        return (attempt(job, number, client, context, end_of_run(end.clone())).await, None);
    };
    let (sender, opened) = oneshot::channel();
    let opening = Opening(Cell::new(Some(sender)));
    let ahead = async {
        let client = Client { profile, goes_ahead: true, opening: Some(&opening), ..Client::default() };
        let seen = attempt(job, number, client, context, end_of_run(end.clone())).await;
        // Nobody follows a way that did not open.
        drop(opening.0.take());
        seen
    };
    let behind = async {
        let opened = opened.await.ok()?;
        let client = Client { profile: Some(behind), opened: Some(&opened), ..Client::default() };
        Some(Box::pin(attempt(job, number, client, context, end_of_run(end.clone()))).await)
    };
    let (ahead, mut behind) = tokio::join!(ahead, behind);
    if let Some(behind) = &mut behind {
        behind.learn_addresses(&ahead);
    }
    (ahead, behind)
}
