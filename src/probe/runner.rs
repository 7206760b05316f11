//! Many jobs at once, within the budget, each with its one retry.

use std::cell::Cell;
use std::future::Future;
use std::num::NonZeroUsize;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::{JoinSet, LocalSet};

use super::{Client, Context, Opening, attempt};
use crate::observation::{Attempt, Ended, Fault, Observation, Stage};
use crate::plan::{ClientProfile, Job};

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
/// over with what its finished stages saw, a retry as one that was cut off. A job that was still
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
    let (own, others) = places;
    for places in others {
        worker.clone().start(places);
    }
    let mut interrupt = pin!(interrupt);
    let mut deadline = pin!(tokio::time::sleep(budget.total.saturating_sub(started.elapsed())));
    LocalSet::new()
        .run_until(async move {
            tokio::task::spawn_local(worker.work(own));
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

/// `places` divided among the calling thread and others, at most so many together; no thread has none.
fn shares(places: usize, threads: usize) -> (usize, Vec<usize>) {
    let threads = threads.clamp(1, places.max(1));
    let share = |thread| places / threads + usize::from(thread < places % threads);
    (share(0), (1..threads).map(share).collect())
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
            // Nothing new begins once the end is known, whichever of the two below is seen first.
            while running.len() < places
                && end.borrow().is_none()
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

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::net::SocketAddr;

    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::TcpListener;

    use super::*;
    use crate::net::Net;
    use crate::plan::{Budget, Identity, PlannedRoute, SchemeChoice};
    use crate::probe::{Access, Login, testing};

    const THREADS: NonZeroUsize = NonZeroUsize::new(4).expect("not zero");

    #[test]
    fn places_are_divided_and_none_is_lost() {
        assert_eq!(shares(128, 2), (64, vec![64]));
        assert_eq!(shares(10, 4), (3, vec![3, 2, 2]));
        assert_eq!(shares(2, 8), (1, vec![1]), "no thread works without a place");
        assert_eq!(shares(128, 0), (128, vec![]), "the calling thread works in any case");
    }

    /// A proxy that rejects every login, and how often it was sent one.
    async fn rejecting_proxy() -> (SocketAddr, Arc<AtomicUsize>) {
        const ASKS: &[u8] =
            b"HTTP/1.1 407 No\r\nProxy-Authenticate: Basic realm=\"proxy\"\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let (address, logins) = (listener.local_addr().expect("an address"), Arc::new(AtomicUsize::new(0)));
        let counted = logins.clone();
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let counted = counted.clone();
                tokio::spawn(async move {
                    let (mut request, mut buffer) = (Vec::new(), [0; 2048]);
                    while !request.ends_with(b"\r\n\r\n") {
                        match stream.read(&mut buffer).await {
                            Ok(length) if length > 0 => request.extend_from_slice(&buffer[..length]),
                            _ => return,
                        }
                    }
                    let has_login = String::from_utf8_lossy(&request).contains("Proxy-Authorization");
                    counted.fetch_add(usize::from(has_login), Ordering::Relaxed);
                    let _ = stream.write_all(ASKS).await;
                });
            }
        });
        (address, logins)
    }

    #[tokio::test]
    async fn on_several_threads_every_job_is_probed_once_and_a_wrong_password_is_sent_once() {
        let (proxy, logins) = rejecting_proxy().await;
        let hosts: Vec<String> =
            (0..JOBS_PER_THREAD * THREADS.get()).map(|number| format!("n{number}.example")).collect();
        let hosts: Vec<&str> = hosts.iter().map(String::as_str).collect();
        let routes = vec![PlannedRoute::Proxy {
            proxy: format!("http://{proxy}").parse().expect("a proxy"),
            identity: Identity::User,
            scheme: SchemeChoice::Auto,
        }];
        let mut context = testing::context(&hosts, routes, Net::of_this_machine(Vec::new()), Budget::default());
        let user = Login { name: "anna".to_owned(), password: "correct-horse-7493".to_owned().into() };
        context.access = Access { user: Some(user), basic_cleartext: true, ..Access::default() };
        let mut seen = Vec::new();
        let ended =
            run(&Arc::new(context), THREADS, std::future::pending(), |one| seen.push((one.job(), one.attempt()))).await;
        assert_eq!(ended, Ended::Complete);
        assert_eq!(seen.len(), hosts.len());
        assert_eq!(seen.iter().collect::<BTreeSet<_>>().len(), hosts.len(), "each job once");
        assert_eq!(logins.load(Ordering::Relaxed), 1, "a wrong password sent by many threads locks an account");
    }

    #[tokio::test]
    async fn an_interrupted_run_ends_on_all_threads() {
        // Accepts, and never answers.
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let proxy = listener.local_addr().expect("an address");
        let hosts: Vec<String> =
            (0..JOBS_PER_THREAD * THREADS.get()).map(|number| format!("n{number}.example")).collect();
        let hosts: Vec<&str> = hosts.iter().map(String::as_str).collect();
        let routes = vec![PlannedRoute::Proxy {
            proxy: format!("http://{proxy}").parse().expect("a proxy"),
            identity: Identity::Bypass,
            scheme: SchemeChoice::Auto,
        }];
        let budget = Budget { concurrency: 16, max_connects: 16, ..Budget::default() };
        let context = Arc::new(testing::context(&hosts, routes, Net::of_this_machine(Vec::new()), budget));
        let all_are_there = async {
            let mut held = Vec::new();
            for _ in 0..16 {
                held.push(listener.accept().await.expect("a connection"));
            }
            held
        };
        let mut faults = Vec::new();
        let mut held = Vec::new();
        let interrupt = async { held = all_are_there.await };
        let ended =
            run(&context, THREADS, interrupt, |one| faults.push(one.fault().map(|(_, fault)| fault.clone()))).await;
        assert_eq!((ended, held.len()), (Ended::Interrupted, 16));
        assert_eq!(faults.len(), 16, "who was under way says how far it came, and nobody begins anew");
        assert!(faults.iter().all(|fault| *fault == Some(Fault::Interrupted)), "{faults:?}");
    }
}
