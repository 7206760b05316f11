//! All mistakes of a catalogue at once, each with its line, a caret and, where there is one, a suggestion.

use std::fmt;
use std::ops::Range;

/// One mistake, with the place in the text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Complaint {
    /// What is wrong, as a lowercase fragment.
    pub message: String,
    /// Bytes of the catalogue's text that the caret points at.
    pub span: Option<Range<usize>>,
    /// What to write instead.
    pub suggestion: Option<String>,
}

/// Every mistake of one catalogue.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub struct Complaints {
    /// The file's name as given, or `the embedded catalogue`.
    pub origin: String,
    pub text: String,
    pub complaints: Vec<Complaint>,
}

impl fmt::Display for Complaints {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        for complaint in &self.complaints {
            writeln!(out, "{}: {}", self.origin, complaint.message)?;
        }
        Ok(())
    }
}
