//! The questions beside the jobs: side by side, within their own deadline, each asked once.

use std::future::Future;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Semaphore, mpsc};
use tokio::task::{JoinSet, LocalSet};
use tokio::time::Instant;

use super::hello::Hello;
use super::{Context, Upload, Way, observe};
use crate::catalogue::Endpoint;
use crate::net::Net;
use crate::observation::{Ask, Attempt, Ended, Fault, FollowUp, Observation, Stage};
use crate::plan::{Budget, Plan, PlannedRoute};

/// An address that nobody has (RFC 5737): who connects there met a device that answers for everybody.
const NOBODY: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1)), 443);

/// One after which the control's name is tried, one more before the others, and time to hear what they say.
const PAUSES_IN_PATIENCE: u32 = 5;

/// How much later than its deadline a stage is cut off: by then it has said itself that the time was up.
const MARGIN: Duration = Duration::from_millis(100);

/// Asks every follow-up of `asked` and hands its observation to `keep` as it ends.
///
/// All of them share the budget's deadline for follow-ups, and none goes beyond `remaining`, what is left of the run's
/// total: then the answers that came are kept, and the run is complete all the same.
pub async fn follow_up(
    context: &Arc<Context>,
    asked: Vec<FollowUp>,
    remaining: Duration,
    interrupt: impl Future<Output = ()>,
    mut keep: impl FnMut(Observation),
) -> Ended {
    let patience = context.plan.budget.follow_ups;
    let now = Instant::now();
    let end = End { answers: now + patience + MARGIN, run: now + remaining };
    let context = Arc::new(context.within(patience));
    let places = Arc::new(Semaphore::new(context.plan.budget.concurrency.max(1)));
    let (sender, mut ended) = mpsc::unbounded_channel();
    tokio::pin!(interrupt);
    LocalSet::new()
        .run_until(async move {
            let mut running = JoinSet::new();
            for follow_up in asked {
                let (context, places, sender) = (context.clone(), places.clone(), sender.clone());
                running.spawn_local(async move {
                    let pause = patience / PAUSES_IN_PATIENCE * follow_up.pauses;
                    tokio::time::sleep_until((now + pause).min(end.run)).await;
                    let Ok(_place) = places.acquire().await else { return };
                    if let Some(seen) = ask(&follow_up, &context, end).await {
                        // The other side is gone only when the run has ended.
                        let _ = sender.send(seen);
                    }
                });
            }
            drop(sender);
            loop {
                tokio::select! {
                    biased;
                    () = &mut interrupt => return Ended::Interrupted,
                    observation = ended.recv() => match observation {
                        None => return Ended::Complete,
                        Some(observation) => keep(observation),
                    },
                }
            }
        })
        .await
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
        | Ask::Nobody
        | Ask::Names(_)
        | Ask::WayBy(_)
        | Ask::Upload(_)
        | Ask::Address(_)
        | Ask::Repeat(_) => own,
    };
    let way = Way { address: follow_up.address, ..Way::whole(endpoint, route) };
    let shaking = |hello| Way { until: Stage::Tls, hello, ..way };
    let direct = PlannedRoute::Direct;
    let way = match follow_up.ask {
        Ask::Control | Ask::Address(_) | Ask::Repeat(_) => way,
        Ask::ControlTunnel | Ask::SmallSegments => shaking(Hello::Usual),
        Ask::ControlName => Way { name: &control?.host, ..shaking(Hello::Usual) },
        Ask::SmallHello => shaking(Hello::Small),
        Ask::PaddedHello => shaking(Hello::Padded),
        Ask::SplitHello => shaking(Hello::Split),
        Ask::LargeHello => shaking(Hello::Large),
        Ask::OldHello => shaking(Hello::Old),
        Ask::Names(server) => Way { server: Some(server), until: Stage::Dns, ..way },
        Ask::WayBy(server) => Way { server: Some(server), ..shaking(Hello::Usual) },
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
    let seen = observe(follow_up.about, Attempt::FollowUp(follow_up.ask), &way, context, silence).await;
    // It was not seen to its end: what the row itself said stands.
    Some(seen).filter(|seen| seen.fault().is_none_or(|(_, fault)| !fault.is_end_of_run()))
}
