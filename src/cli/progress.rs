//! Progress on standard error, when somebody is looking at a terminal that has room for it.

use std::io::IsTerminal as _;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::observation::{Attempt, Observation};

/// What a line without its bar takes with thousands of probes.
const NARROWEST: u16 = 32;

/// A bar that is only drawn on a terminal.
#[derive(Debug)]
pub(super) struct Progress {
    bar: ProgressBar,
}

impl Progress {
    pub fn new(jobs: usize) -> Self {
        let seen = std::io::stderr().is_terminal() && std::env::var_os("TERM").is_none_or(|term| term != "dumb");
        // A line that wraps cannot be taken back, and a terminal that does not tell its width makes every line a guess.
        let seen =
            seen && terminal_size::terminal_size_of(std::io::stderr()).is_some_and(|(width, _)| width.0 >= NARROWEST);
        let target = if seen { ProgressDrawTarget::stderr() } else { ProgressDrawTarget::hidden() };
        let bar = ProgressBar::with_draw_target(Some(jobs as u64), target);
        if let Ok(style) = ProgressStyle::with_template("{pos} of {len} probes  {wide_bar}  {elapsed}") {
            bar.set_style(style);
        }
        Self { bar }
    }

    /// For runs that nobody looks at, or wants to.
    pub fn hidden() -> Self {
        Self { bar: ProgressBar::hidden() }
    }

    pub fn step(&self, observation: &Observation) {
        // Each row once: the profile that follows has its own observation.
        if observation.attempt() == Attempt::First && !observation.is_behind() {
            self.bar.inc(1);
        }
    }

    pub fn finish(&self) {
        self.bar.finish_and_clear();
    }
}
