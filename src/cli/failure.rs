//! Why a command could not do what was asked.

/// What went wrong before there was anything to report.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// The user can mend it: arguments, files, a catalogue.
    #[error("{0}")]
    Usage(String),
    /// We have to mend it.
    #[error("{0}")]
    Internal(String),
}

impl Failure {
    pub(super) fn usage(text: impl std::fmt::Display) -> Self {
        Self::Usage(text.to_string())
    }
}
