//! Puts questions to a script that may not come back.

use super::question::{Limits, Notes, Question};
use super::{Answer, FailureKind, Obstacle, Place, Script, ScriptFailure, ScriptReadability, World};

/// What a script said to each question, and what it asked back.
#[derive(Debug, Clone)]
pub struct Evaluation {
    /// The function that was called; `FindProxyForURLEx` goes first where both are defined, as in Windows.
    pub function: &'static str,
    /// In the order of the questions.
    pub replies: Vec<Result<Answer, ScriptFailure>>,
    /// What stands in the way of Windows' own script engine, for the whole script; nothing where nobody looked.
    pub readability: Option<ScriptReadability>,
    /// The same for each question alone: what the script meets on its way to this answer. In the order of the questions.
    pub obstacles: Vec<Vec<Obstacle>>,
    /// Where in the script each answer was decided: the `return` of the function that was called, then what made the value that
    /// it gave back. Empty where nobody knows. In the order of the questions.
    pub decided: Vec<Vec<Place>>,
    pub notes: Notes,
}

impl Evaluation {
    /// Adds what stands in the way of the whole script beside its text, such as how it is served.
    pub fn add(&mut self, obstacle: Option<Obstacle>) {
        if let Some(obstacle) = obstacle {
            self.readability.get_or_insert_with(ScriptReadability::default).obstacles.push(obstacle);
        }
    }
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
    use std::sync::Arc;
    use std::sync::atomic::{AtomicBool, Ordering};
    use std::sync::mpsc::{self, RecvTimeoutError};
    use std::time::{Duration, Instant};

    use super::engine::{self, Look, Said};
    use super::question::{SharedNotes, with_notes};

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
    let loaded = match next()? {
        Said::Loaded(loaded) => loaded?,
        Said::Replied(_) | Said::Looked(_) => return Err(ScriptFailure::of(FailureKind::NoFunction)),
    };
    let mut replies = Vec::with_capacity(questions.len());
    while replies.len() < questions.len() {
        if started.elapsed() >= limits.whole {
            abandoned.store(true, Ordering::Relaxed);
            break;
        }
        match next() {
            Ok(Said::Replied(reply)) => replies.push(reply),
            Ok(Said::Loaded(_) | Said::Looked(_)) => {}
            Err(failure) => {
                replies.push(Err(failure));
                break;
            }
        }
    }
    let are_all_asked = replies.len() == questions.len() && !abandoned.load(Ordering::Relaxed);
    replies.resize_with(questions.len(), || Err(ScriptFailure::of(FailureKind::NotAsked)));
    let left = limits.whole.saturating_sub(started.elapsed()) + GRACE;
    let looks = if let Some(Ok(Said::Looked(looks))) = are_all_asked.then(|| receiver.recv_timeout(left)) {
        looks
    } else {
        abandoned.store(true, Ordering::Relaxed);
        vec![Look::not_looked(&loaded.readability); questions.len()]
    };
    let mut evaluation = Evaluation {
        function: loaded.function,
        replies,
        readability: Some(loaded.readability),
        obstacles: Vec::new(),
        decided: Vec::new(),
        notes: with_notes(&notes, |notes| notes.clone()),
    };
    for (reply, look) in evaluation.replies.iter_mut().zip(looks) {
        evaluation.obstacles.push(look.obstacles);
        evaluation.decided.push(look.decided);
        // What only Windows' own engine can run, a device does run.
        if let (Err(_), Some(answer)) = (&reply, look.in_jscript) {
            *reply = Ok(answer);
        }
    }
    Ok(evaluation)
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
