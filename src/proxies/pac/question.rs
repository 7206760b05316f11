//! What a script is asked, what it may use up, and what it did beside answering.
//!
//! In: nothing. Out: the words that those who ask and the engine share. Never: a script, or a way to run one.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use serde::Serialize;

use super::{Alert, Lookup};

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
