//! The questions beside the jobs: side by side, within their own deadline, each asked once.

use std::collections::{BTreeMap, BTreeSet};
use std::future::Future;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Semaphore, mpsc};
use tokio::task::{JoinSet, LocalSet};
use tokio::time::Instant;

use super::hello::Hello;
use super::{Client, Context, Upload, Way, observe, resolve};
use crate::catalogue::Endpoint;
use crate::net::Net;
use crate::observation::{Ask, Attempt, Ended, Fault, FollowUp, Observation, Recorder, Stage};
use crate::plan::{Budget, JobId, Plan, PlannedRoute};

/// An address that nobody has (RFC 5737): who connects there met a device that answers for everybody.
const NOBODY: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1)), 443);

/// One after which the control's name is tried, one more before the others, and time to hear what they say.
const PAUSES_IN_PATIENCE: u32 = 5;

/// Of the patience, for a question after silence: long enough for the second of a connection's first packets (RFC 6298: 1 s).
const TENTHS_WHEN_BRIEF: u32 = 3;

/// Time for the other side to notice that the rows' connections have ended, before one is alone.
const SETTLING: Duration = Duration::from_millis(50);

/// How much later than its deadline a stage is cut off: by then it has said itself that the time was up.
const MARGIN: Duration = Duration::from_millis(100);

/// How long questions beside the jobs may take.
#[derive(Debug, Clone, Copy)]
pub struct Patience {
    /// Who has not answered after this time is silent.
    pub answers: Duration,
    /// What is left of the run's total time.
    pub run: Duration,
}

/// Asks every follow-up of `asked` and hands its observation to `keep` as it ends.
///
/// All of them share one deadline, and none goes beyond what is left of the run's total: then the run is complete all the
/// same. A question that was not asked, or not seen to its end, is handed over as one that the end of the run cut off.
pub async fn follow_up(
    context: &Arc<Context>,
    asked: Vec<FollowUp>,
    patience: Patience,
    interrupt: impl Future<Output = ()>,
    keep: impl FnMut(Observation),
) -> Ended {
    let now = Instant::now();
    let end = End { answers: now + patience.answers + MARGIN, run: now + patience.run };
    let context = Arc::new(context.within(patience.answers));
    let places = Arc::new(Semaphore::new(context.plan.budget.concurrency.max(1)));
    let (sender, ended) = mpsc::unbounded_channel();
    let tasks = asked.iter().copied().map(|follow_up| {
        let (context, places, sender) = (context.clone(), places.clone(), sender.clone());
        async move {
            let pause = patience.answers / PAUSES_IN_PATIENCE * follow_up.pauses;
            tokio::time::sleep_until((now + pause).min(end.run)).await;
            let Ok(_place) = places.acquire().await else { return };
            // The other side is gone only when the run has ended.
            let _ = sender.send((follow_up, ask(&follow_up, &context, end).await));
        }
    });
    let tasks: Vec<_> = tasks.collect();
    drop(sender);
    hear(&asked, tasks, ended, interrupt, keep).await
}

/// Asks each of `asked` while nothing else of this run is open on its route: one after the other at each machine that takes
/// the connections, for the whole direct route, and side by side at different ones.
///
/// A brief question is awaited for a part of the patience. What does not come to its turn in time is handed over as cut off.
pub async fn ask_alone(
    context: &Arc<Context>,
    asked: Vec<FollowUp>,
    patience: Patience,
    interrupt: impl Future<Output = ()>,
    keep: impl FnMut(Observation),
) -> Ended {
    let end = Instant::now() + patience.answers.min(patience.run);
    let mut chains: BTreeMap<Option<String>, Vec<FollowUp>> = BTreeMap::new();
    for follow_up in &asked {
        if let Some(job) = context.plan.jobs.get(follow_up.about.0 as usize) {
            let machine = context.plan.route(job).proxy().map(|proxy| proxy.host.clone());
            chains.entry(machine).or_default().push(*follow_up);
        }
    }
    let each = context.plan.budget.follow_ups;
    let brief = each / 10 * TENTHS_WHEN_BRIEF;
    let (usual, hasty) = (Arc::new(context.asking_anew(each)), Arc::new(context.asking_anew(brief)));
    let (sender, ended) = mpsc::unbounded_channel();
    let tasks = chains.into_values().map(|chain| {
        let (usual, hasty, sender) = (usual.clone(), hasty.clone(), sender.clone());
        async move {
            let pauses = chain.iter().map(|follow_up| follow_up.pauses).max().unwrap_or_default();
            tokio::time::sleep(SETTLING + each / PAUSES_IN_PATIENCE * pauses).await;
            let mut stopped_for_all: BTreeSet<(JobId, Ask)> = BTreeSet::new();
            for follow_up in chain {
                if stopped_for_all.contains(&(follow_up.about, follow_up.ask)) {
                    let _ = sender.send((follow_up, None));
                    continue;
                }
                let (context, patience) = if follow_up.is_brief { (&hasty, brief) } else { (&usual, each) };
                let now = Instant::now();
                if now >= end {
                    return;
                }
                let end = End { answers: now + patience + MARGIN, run: end };
                let seen = ask(&follow_up, context, end).await;
                if follow_up.goes_ahead && seen.as_ref().is_some_and(|seen| seen.profile().is_none()) {
                    stopped_for_all.insert((follow_up.about, follow_up.ask));
                }
                let _ = sender.send((follow_up, seen));
            }
        }
    });
    let tasks: Vec<_> = tasks.collect();
    drop(sender);
    hear(&asked, tasks, ended, interrupt, keep).await
}

/// What is known of questions that nobody came to ask.
#[must_use]
pub fn not_asked(asked: &[FollowUp], ended: Ended) -> Vec<Observation> {
    let fault = || if ended == Ended::Interrupted { Fault::Interrupted } else { Fault::BudgetSpent };
    asked.iter().map(|follow_up| cut_off(follow_up, fault())).collect()
}

fn cut_off(follow_up: &FollowUp, fault: Fault) -> Observation {
    let now = std::time::Instant::now();
    Recorder::new(follow_up.about, Attempt::FollowUp(follow_up.ask), now)
        .asks_as(follow_up.profile, follow_up.goes_ahead)
        .cut_short(fault, now)
}

/// A question and what came of it; nothing where it was about nothing that this run knows, or where another profile's answer
/// holds for it.
type Heard = (FollowUp, Option<Observation>);

/// Runs `tasks` and keeps what they hear; what is open at the end was cut off.
async fn hear(
    asked: &[FollowUp],
    tasks: Vec<impl Future<Output = ()> + 'static>,
    mut ended: mpsc::UnboundedReceiver<Heard>,
    interrupt: impl Future<Output = ()>,
    mut keep: impl FnMut(Observation),
) -> Ended {
    let mut open: BTreeSet<FollowUp> = asked.iter().copied().collect();
    tokio::pin!(interrupt);
    let how = LocalSet::new()
        .run_until(async {
            let mut running = JoinSet::new();
            for task in tasks {
                running.spawn_local(task);
            }
            loop {
                tokio::select! {
                    biased;
                    () = &mut interrupt => return Ended::Interrupted,
                    heard = ended.recv() => match heard {
                        None => return Ended::Complete,
                        Some((follow_up, seen)) => {
                            open.remove(&follow_up);
                            seen.into_iter().for_each(&mut keep);
                        }
                    },
                }
            }
        })
        .await;
    let how_cut = if how == Ended::Interrupted { how } else { Ended::OutOfTime };
    not_asked(&open.into_iter().collect::<Vec<_>>(), how_cut).into_iter().for_each(keep);
    how
}

/// What every host has to take in one packet (RFC 9293 §3.7.1).
const SMALL_SEGMENTS: u32 = 536;

/// When nobody waits any more.
#[derive(Debug, Clone, Copy)]
struct End {
    /// Who has not answered by then is silent.
    answers: Instant,
    /// The run's time is up: who had no time to answer is not called silent.
    run: Instant,
}

impl Context {
    /// The same run, with no stage longer than `patience`.
    fn within(&self, patience: Duration) -> Self {
        let budget = &self.plan.budget;
        let plan = Plan {
            budget: Budget {
                dns: budget.dns.min(patience),
                connect: budget.connect.min(patience),
                proxy_reply: budget.proxy_reply.min(patience),
                tls: budget.tls.min(patience),
                http: budget.http.min(patience),
                ..budget.clone()
            },
            ..self.plan.clone()
        };
        self.with(plan, self.net.clone())
    }

    /// The same run, no stage of it longer than `patience`, with nothing remembered of the endpoints' names.
    fn asking_anew(&self, patience: Duration) -> Self {
        Self {
            lookups: Arc::new(resolve::Lookups::of_proxies(&self.catalogue, &self.plan, &self.net)),
            ..self.within(patience)
        }
    }

    /// The same run over connections whose packets every path carries; `None` where the system cannot make them.
    fn in_small_segments(&self) -> Option<Self> {
        let net = Net { segments: Some(SMALL_SEGMENTS), ..self.net.clone() };
        cfg!(target_os = "linux").then(|| self.with(self.plan.clone(), net))
    }

    fn with(&self, plan: Plan, net: Net) -> Self {
        Self {
            catalogue: self.catalogue.clone(),
            plan,
            net,
            access: self.access.clone(),
            machine_roots: self.machine_roots.clone(),
            lookups: self.lookups.clone(),
            proxies: self.proxies.clone(),
            tickets: self.tickets.clone(),
            certificates: self.certificates.clone(),
            load: self.load.clone(),
            alive: self.alive.clone(),
        }
    }
}

/// `None` when the question is about nothing that this run knows.
async fn ask(follow_up: &FollowUp, context: &Context, end: End) -> Option<Observation> {
    let job = context.plan.jobs.get(follow_up.about.0 as usize)?;
    let route = context.plan.route(job);
    let control = context.plan.follow_ups.control.as_ref();
    let own = &context.catalogue.endpoints[job.endpoint];
    let other: Endpoint;
    let endpoint = match follow_up.ask {
        Ask::Control => {
            other = control?.as_endpoint();
            &other
        }
        Ask::ControlTunnel => {
            other = control?.as_tls_endpoint();
            &other
        }
        Ask::ControlName
        | Ask::SmallHello
        | Ask::PaddedHello
        | Ask::SplitHello
        | Ask::LargeHello
        | Ask::SmallSegments
        | Ask::OldHello
        | Ask::SharedHello
        | Ask::Nobody
        | Ask::Names(_)
        | Ask::WayBy(_)
        | Ask::Upload(_)
        | Ask::Address(_)
        | Ask::Repeat(_)
        | Ask::Alone(_) => own,
    };
    // What holds for every profile is asked as the newest of the plan asks.
    let profile = follow_up.profile;
    let hello = Hello::of(profile.or(context.plan.profiles.last().copied()));
    let client = Client { profile, goes_ahead: follow_up.goes_ahead, ..Client::default() };
    let way = Way { address: follow_up.address, client, hello, ..Way::whole(endpoint, route) };
    let shaking = |hello| Way { until: Stage::Tls, hello, ..way };
    let direct = PlannedRoute::Direct;
    let way = match follow_up.ask {
        Ask::Control | Ask::Address(_) | Ask::Repeat(_) | Ask::Alone(_) => way,
        Ask::ControlTunnel | Ask::SmallSegments => shaking(hello),
        Ask::ControlName => Way { name: &control?.host, ..shaking(hello) },
        Ask::SmallHello => shaking(Hello::Small),
        Ask::PaddedHello => shaking(Hello::Padded),
        Ask::SplitHello => shaking(Hello::split(profile)),
        Ask::LargeHello => shaking(Hello::Large),
        Ask::OldHello => shaking(Hello::Old),
        Ask::SharedHello => shaking(Hello::Shared),
        Ask::Names(server) => Way { server: Some(server), until: Stage::Dns, ..way },
        Ask::WayBy(server) => Way { server: Some(server), ..shaking(hello) },
        Ask::Upload(size) => Way { upload: Some(Upload { size, leaf: follow_up.leaf? }), ..way },
        Ask::Nobody => Way { address: Some(NOBODY), route: &direct, until: Stage::Tcp, ..way },
    };
    let silence = async {
        tokio::time::sleep_until(end.answers.min(end.run)).await;
        if end.run < end.answers { Fault::BudgetSpent } else { Fault::TimedOut { received: 0 } }
    };
    let smaller;
    let context = if follow_up.ask == Ask::SmallSegments {
        smaller = context.in_small_segments()?;
        &smaller
    } else {
        context
    };
    Some(observe(follow_up.about, Attempt::FollowUp(follow_up.ask), &way, context, silence).await)
}
