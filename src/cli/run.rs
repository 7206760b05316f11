//! A run: settings to observations, kept in memory and in the recording, and on to the report.

use std::collections::BTreeMap;
use std::io::BufWriter;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::arguments::{OutputArguments, ScopeArguments, SolutionId};
use super::files::OutputFile;
use super::outputs::Outputs;
use super::progress::Progress;
use super::show::{self, Expected, Seen};
use super::{Exit, Failure, files, handed, this_device};
use crate::catalogue::{Catalogue, OsSelection, Solution};
use crate::certificate::Certificate;
use crate::judge::{Grounds, follow_ups, judge, to_ask_alone};
use crate::net::{Net, allow_open_files};
use crate::observation::recording::{self, Header, Roots, Writer};
use crate::observation::{Ended, Observation};
use crate::plan::Plan;
use crate::probe::{self, Access, Context, Patience};

/// Descriptors for files, name servers and the runtime, beside those of connections.
const DESCRIPTORS_OF_ITS_OWN: u64 = 256;
/// Sockets of one probe at the worst: every address of a host at once, questions to name servers, and the second profile.
const DESCRIPTORS_PER_PROBE: u64 = 16;

/// Times that rows are asked alone: a sample of each group that failed alike, the others, and once more after a pause.
const ROUNDS_ALONE: usize = 3;
/// Rows are asked alone one after the other, so they may take so many times as long as the follow-ups side by side.
const ALONE: u32 = 2;
/// Of the follow-ups' time, what rows that are asked alone may take from the other follow-ups.
const TENTHS_ALONE: u32 = 4;

/// A run, ready to begin.
pub(super) struct Setup {
    pub catalogue: Catalogue,
    /// PEM text by trust class.
    pub anchors: BTreeMap<String, String>,
    pub plan: Plan,
    pub net: Net,
    pub access: Access,
    pub roots: Roots,
    pub expectation: Option<Expected>,
    pub fail_on: Option<String>,
}

/// Opens every output, runs, and reports.
pub(super) fn execute(setup: Setup, output: &OutputArguments, record: Option<&Path>) -> Result<Exit, Failure> {
    show::check_verdict_arguments(setup.expectation.as_ref(), setup.fail_on.as_deref(), output.baseline.is_some())?;
    let others: Vec<(&str, &Path)> = record.map(|path| ("--record", path)).into_iter().collect();
    if record.is_some_and(files::is_standard) {
        return Err(Failure::usage("--record needs a file: standard output takes the report"));
    }
    let outputs = Outputs::open(output, &others)?;
    let recording = record.map(OutputFile::create).transpose()?;
    let in_flight = setup.plan.jobs.len().min(setup.plan.budget.concurrency) as u64;
    // What cannot be raised is seen as `tcp.local_exhausted` where it matters.
    let _ = allow_open_files(DESCRIPTORS_OF_ITS_OWN + in_flight * DESCRIPTORS_PER_PROBE);

    let header = header(&setup);
    let progress = if output.quiet { Progress::hidden() } else { Progress::new(setup.plan.jobs.len()) };
    let seen = probe_all(setup, header, recording, &progress)?;
    show::conclude(outputs, seen)
}

fn header(setup: &Setup) -> Header {
    Header {
        schema: Header::schema(),
        tool: recording::Tool {
            name: env!("CARGO_PKG_NAME").to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
        },
        started: setup.net.clock.now(),
        catalogue: setup.catalogue.source.clone(),
        anchors: setup.anchors.clone(),
        plan: setup.plan.clone(),
        machine_roots: setup.roots.note.clone(),
        expectation: setup.expectation.as_ref().map(|expected| expected.text.clone()),
        fail_on: setup.fail_on.clone(),
        ran_as: this_device::ran_as(),
    }
}

/// Runs with progress on standard error and, where a file is given, a recording; reports nothing.
pub(super) fn watched(setup: Setup, record: Option<&Path>) -> Result<Seen, Failure> {
    let recording = record.map(OutputFile::create).transpose()?;
    let header = header(&setup);
    let progress = Progress::new(setup.plan.jobs.len());
    probe_all(setup, header, recording, &progress)
}

/// Runs without a word and without an output.
pub(super) fn quietly(setup: Setup) -> Result<Seen, Failure> {
    let header = header(&setup);
    probe_all(setup, header, None, &Progress::hidden())
}

/// Runs every job and keeps what was seen, in memory and in the recording.
fn probe_all(
    setup: Setup,
    header: Header,
    recording: Option<OutputFile>,
    progress: &Progress,
) -> Result<Seen, Failure> {
    let Setup { catalogue, plan, net, access, roots, expectation, .. } = setup;
    let catalogue = Arc::new(catalogue);
    let mut tape = match recording {
        None => None,
        Some(file) => Some(Tape::begin(file, &header, &roots)?),
    };
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::Internal(format!("could not start the runtime: {error}")))?;
    let context = Context::new(catalogue.clone(), plan, net, access, Arc::new(root_store(&roots.machine)));
    let context = Arc::new(context);
    let mut observations: Vec<Observation> = Vec::new();
    let mut keep = |observation: Observation, observations: &mut Vec<Observation>| {
        progress.step(&observation);
        if let Some(tape) = &mut tape {
            tape.add(&observation);
        }
        observations.push(observation);
    };
    let started = Instant::now();
    let (ended, verdicts) = runtime.block_on(async {
        let mut interrupt = std::pin::pin!(interrupt());
        let ended =
            probe::run(&context, this_device::threads(), interrupt.as_mut(), |seen| keep(seen, &mut observations))
                .await;
        let grounds = Grounds::new(&catalogue, &context.plan, &roots, header.started, ended).on(this_device::threads());
        let mut verdicts = judge(&grounds, &observations);
        if ended != Ended::Complete {
            // What would have been asked again is not decided.
            let alone = to_ask_alone(&grounds, &verdicts, &observations);
            let others = follow_ups(&grounds, &verdicts, &observations);
            let open = [alone, others].concat();
            for seen in probe::not_asked(&open, ended) {
                keep(seen, &mut observations);
            }
            return (ended, None);
        }
        let budget = &context.plan.budget;
        let left = |of: Duration, since: Instant| of.saturating_sub(since.elapsed());
        let first_follow_up = Instant::now();
        for _ in 0..ROUNDS_ALONE {
            let asked = to_ask_alone(&grounds, &verdicts, &observations);
            if asked.is_empty() {
                break;
            }
            let patience = Patience {
                answers: left(budget.follow_ups * ALONE, first_follow_up),
                run: left(budget.total, started),
            };
            let asking = |seen| keep(seen, &mut observations);
            let ended = probe::ask_alone(&context, asked, patience, interrupt.as_mut(), asking).await;
            if ended != Ended::Complete {
                let others = follow_ups(&grounds, &verdicts, &observations);
                for seen in probe::not_asked(&others, ended) {
                    keep(seen, &mut observations);
                }
                return (ended, None);
            }
            verdicts = judge(&grounds, &observations);
        }
        let asked = follow_ups(&grounds, &verdicts, &observations);
        if asked.is_empty() {
            return (ended, Some(verdicts));
        }
        // Silence is asked about within the same time; what was answered at once has taken none.
        let spent = first_follow_up.elapsed().min(budget.follow_ups / 10 * TENTHS_ALONE);
        let patience = Patience { answers: budget.follow_ups.saturating_sub(spent), run: left(budget.total, started) };
        let asking = |seen| keep(seen, &mut observations);
        let ended = probe::follow_up(&context, asked, patience, interrupt, asking).await;
        (ended, None)
    });
    let duration = started.elapsed();
    progress.finish();
    // Lookups that the system still works on would otherwise hold the process back.
    runtime.shutdown_background();
    let failure = tape.and_then(|tape| tape.end(duration, ended).err());
    recording::in_plan_order(&mut observations);
    Ok(Seen {
        expectation,
        header,
        catalogue,
        roots,
        observations,
        verdicts,
        duration: Some(duration),
        ended,
        remarks: Vec::new(),
        failure,
    })
}

/// Ctrl-C, or the signal with which a job runner ends what takes too long, or the wish of the process that this one works for.
pub(super) async fn interrupt() {
    tokio::select! {
        // Without a signal handler the run just cannot be interrupted gracefully.
        Ok(()) = tokio::signal::ctrl_c() => {}
        () = terminated() => {}
        () = handed::asked_to_stop() => {}
        else => std::future::pending::<()>().await,
    }
}

#[cfg(unix)]
async fn terminated() {
    use tokio::signal::unix::{SignalKind, signal};
    match signal(SignalKind::terminate()) {
        Ok(mut signal) => {
            signal.recv().await;
        }
        Err(_) => std::future::pending().await,
    }
}

/// Ctrl-Break, which job runners send to a group of processes, and the ends of the console, the session and the system.
#[cfg(windows)]
async fn terminated() {
    use tokio::signal::windows::{ctrl_break, ctrl_close, ctrl_logoff, ctrl_shutdown};
    let signals = (ctrl_break(), ctrl_close(), ctrl_logoff(), ctrl_shutdown());
    let (Ok(mut asked), Ok(mut closed), Ok(mut signed_off), Ok(mut shut_down)) = signals else {
        return std::future::pending().await;
    };
    tokio::select! {
        _ = asked.recv() => {}
        _ = closed.recv() => {}
        _ = signed_off.recv() => {}
        _ = shut_down.recv() => {}
    }
}

#[cfg(not(any(unix, windows)))]
async fn terminated() {
    std::future::pending::<()>().await;
}

/// Waits for what is asked before a run.
pub(super) fn on_the_network<T>(answer: impl Future<Output = T>) -> Result<T, Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::Internal(format!("could not start the runtime: {error}")))?;
    let answer = runtime.block_on(answer);
    // A lookup that the system still works on would otherwise hold the process back.
    runtime.shutdown_background();
    Ok(answer)
}

/// What the TLS library trusts when it trusts these.
pub(super) fn root_store(roots: &[Certificate]) -> rustls::RootCertStore {
    let mut store = rustls::RootCertStore::empty();
    for root in roots {
        // A root that the TLS library cannot read is one that it cannot trust either.
        let _ = store.add(root.der().to_vec().into());
    }
    store
}

/// The recording while it is written; the first failure is kept and told at the end, so that the run is not lost.
struct Tape {
    writer: Writer<BufWriter<std::fs::File>>,
    output: std::path::PathBuf,
    failed: Option<std::io::Error>,
}

impl Tape {
    fn begin(file: OutputFile, header: &Header, roots: &Roots) -> Result<Self, Failure> {
        let output = file.path.clone();
        let fail = |error: std::io::Error| Failure::usage(format!("could not write {}: {error}", output.display()));
        let writer = Writer::begin(BufWriter::new(file.file), header, roots).map_err(fail)?;
        Ok(Self { writer, output, failed: None })
    }

    fn add(&mut self, observation: &Observation) {
        if self.failed.is_none() {
            self.failed = self.writer.observation(observation).err();
        }
    }

    fn end(self, duration: Duration, ended: Ended) -> Result<(), Failure> {
        let done = match self.failed {
            Some(error) => Err(error),
            None => self.writer.end(duration, ended).map(drop),
        };
        done.map_err(|error| Failure::usage(format!("could not write {}: {error}", self.output.display())))
    }
}

pub(super) fn scope(arguments: &ScopeArguments) -> Result<(OsSelection, Vec<Solution>), Failure> {
    let os = if arguments.os.is_empty() {
        OsSelection::all()
    } else {
        OsSelection::read(&arguments.os, this_device::version()).map_err(Failure::usage)?
    };
    let solutions = match arguments.solution.as_slice() {
        [] => Solution::ALL.to_vec(),
        chosen => Solution::ALL
            .into_iter()
            .filter(|solution| chosen.iter().any(|id| Solution::from(*id) == *solution))
            .collect(),
    };
    Ok((os, solutions))
}

impl From<SolutionId> for Solution {
    fn from(id: SolutionId) -> Self {
        match id {
            SolutionId::DeviceHealth => Self::DeviceHealth,
            SolutionId::UpgradeReadiness => Self::UpgradeReadiness,
            SolutionId::UpdateCompliance => Self::UpdateCompliance,
        }
    }
}
