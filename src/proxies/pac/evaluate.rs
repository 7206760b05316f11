//! Puts questions to a script that may not come back.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use serde::Serialize;

use super::{Alert, Answer, FailureKind, Lookup, Script, ScriptFailure, World};

/// What a script is asked: the way to this address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Question {
    pub url: String,
    /// The host as it stands in the address, without a port and without brackets.
    pub host: String,
}

/// What a script may use up.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Bytes of memory.
    pub memory: usize,
    /// Bytes of stack.
    pub stack: usize,
    /// For reading the script, and for each question.
    pub question: Duration,
    /// For all of it.
    pub whole: Duration,
}

impl Default for Limits {
    /// Room for a script that lists tens of thousands of hosts, and a thousand times the time that it should take.
    fn default() -> Self {
        Self { memory: 32 << 20, stack: 256 << 10, question: Duration::from_secs(2), whole: Duration::from_secs(10) }
    }
}

impl Limits {
    /// The same where names are really looked up, which takes its time.
    #[must_use]
    pub fn with_lookups() -> Self {
        Self { question: Duration::from_secs(10), whole: Duration::from_secs(30), ..Self::default() }
    }
}

/// What a script said to each question, and what it asked back.
#[derive(Debug, Clone)]
pub struct Evaluation {
    /// The function that was called; `FindProxyForURLEx` goes first where both are defined, as in Windows.
    pub function: &'static str,
    /// In the order of the questions.
    pub replies: Vec<Result<Answer, ScriptFailure>>,
    pub notes: Notes,
}

/// What a script did beside answering.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Notes {
    /// The names that it asked for, each once.
    pub lookups: Vec<Lookup>,
    pub alerts: Vec<Alert>,
    /// It asked for chance, so that a real device may get another answer.
    pub chance: bool,
    /// It asked for the machine's own address.
    pub own_address: bool,
}

/// Notes outlive a thread that had to be left behind.
pub(super) type SharedNotes = Arc<Mutex<Notes>>;

pub(super) fn with_notes<T>(notes: &SharedNotes, then: impl FnOnce(&mut Notes) -> T) -> T {
    // A thread that panicked leaves notes that are still true.
    then(&mut notes.lock().unwrap_or_else(PoisonError::into_inner))
}

/// Reads `script` and asks it every question, on a thread of its own that is left behind if it does not come back.
///
/// # Errors
/// The script could not be read, or ended the time for all questions while it was read.
#[cfg(feature = "pac")]
pub fn evaluate(
    script: &Script,
    questions: &[Question],
    world: &World,
    limits: &Limits,
) -> Result<Evaluation, ScriptFailure> {
    use std::sync::atomic::{AtomicBool, Ordering};
    use std::sync::mpsc::{self, RecvTimeoutError};
    use std::time::Instant;

    use super::engine::{self, Said};

    /// How much later than a script's own deadline its thread is left behind: the engine looks at the deadline rarely
    /// while it copies memory.
    const GRACE: Duration = Duration::from_millis(250);
    /// The engine's frames in debug builds, beside the stack that the script may use.
    const STACK_OF_THE_ENGINE: usize = 1 << 20;

    let notes = SharedNotes::default();
    let abandoned = Arc::new(AtomicBool::new(false));
    let (sender, receiver) = mpsc::channel();
    let task = engine::Task {
        script: script.clone(),
        questions: questions.to_vec(),
        world: world.clone(),
        limits: *limits,
        notes: notes.clone(),
        abandoned: abandoned.clone(),
    };
    std::thread::Builder::new()
        .name("pac".to_owned())
        .stack_size(limits.stack + STACK_OF_THE_ENGINE)
        .spawn(move || engine::run(&task, &sender))
        .map_err(|error| ScriptFailure::of(FailureKind::NoEngine(error.to_string())))?;

    let started = Instant::now();
    let next = || {
        let left = limits.whole.saturating_sub(started.elapsed());
        receiver.recv_timeout(left.min(limits.question) + GRACE).map_err(|error| {
            abandoned.store(true, Ordering::Relaxed);
            ScriptFailure::of(match error {
                RecvTimeoutError::Timeout => FailureKind::TimedOut(limits.question),
                RecvTimeoutError::Disconnected => FailureKind::NoEngine("it ended without an answer".to_owned()),
            })
        })
    };
    let function = match next()? {
        Said::Loaded(loaded) => loaded?,
        Said::Replied(_) => return Err(ScriptFailure::of(FailureKind::NoFunction)),
    };
    let mut replies = Vec::with_capacity(questions.len());
    while replies.len() < questions.len() {
        if started.elapsed() >= limits.whole {
            abandoned.store(true, Ordering::Relaxed);
            break;
        }
        match next() {
            Ok(Said::Replied(reply)) => replies.push(reply),
            Ok(Said::Loaded(_)) => {}
            Err(failure) => {
                replies.push(Err(failure));
                break;
            }
        }
    }
    replies.resize_with(questions.len(), || Err(ScriptFailure::of(FailureKind::NotAsked)));
    Ok(Evaluation { function, replies, notes: with_notes(&notes, |notes| notes.clone()) })
}

/// A build without an engine says so.
///
/// # Errors
/// Always.
#[cfg(not(feature = "pac"))]
pub fn evaluate(
    _script: &Script,
    _questions: &[Question],
    _world: &World,
    _limits: &Limits,
) -> Result<Evaluation, ScriptFailure> {
    Err(ScriptFailure::of(FailureKind::NoEngine("this program was built without one (feature pac)".to_owned())))
}
