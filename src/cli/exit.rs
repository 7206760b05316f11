//! How the process ends: the one place that knows the numbers.

use std::process::ExitCode;

/// The exit codes of every command.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// All that was asked for is in order, or everything is as expected.
    Ok,
    /// A row is blocked or intercepted, or not as expected.
    Findings,
    /// Bad arguments or bad input.
    Usage,
    /// A required row is inconclusive.
    Inconclusive,
    /// A row was not tested for lack of time.
    Partial,
    /// The tool's own fault.
    Internal,
    /// Ctrl-C; the report of what was done is still written.
    Interrupted,
    /// The number that `--exit-style` has in place of one of these.
    Styled(u8),
}

impl Exit {
    #[must_use]
    pub fn code(self) -> u8 {
        match self {
            Self::Ok => 0,
            Self::Findings => 1,
            Self::Usage => 2,
            Self::Inconclusive => 3,
            Self::Partial => 4,
            Self::Internal => 5,
            Self::Interrupted => 130,
            Self::Styled(code) => code,
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.code())
    }
}
