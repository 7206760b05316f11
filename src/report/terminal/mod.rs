//! What every text for a terminal is laid out on.
//!
//! In: lines and paragraphs, with the tone of each piece. Out: lines that fit the terminal's width and abilities. Never:
//! what the text says.

pub(super) mod page;
pub(super) mod paint;

/// What the terminal can show.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Layout {
    /// In columns.
    pub width: usize,
    pub colour: bool,
    /// Only ASCII: for terminals without UTF-8.
    pub ascii: bool,
    /// The whole map also when all is well.
    pub verbose: bool,
}
