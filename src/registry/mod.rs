//! A device's registry as a value: what an export holds, and what it does not say.
//!
//! In: a `.reg` file as Windows writes it, or a `waprobe-snapshot/1` document. Out: a [`Snapshot`] that answers every
//! question with one of three: set, not set, not known; and [`Edit`], what a registry that can be changed has to do.
//! A machine that is asked instead
//! of a file comes in as a value too ([`Machine`]). Never: the machine this runs on, and no guess about a key that was not
//! exported.

mod bytes;
mod device;
mod document;
mod edit;
mod machine;
mod reg;
mod snapshot;
mod value;
mod write;

pub use device::{Device, Service, StartType, Task};
pub use document::{Document as SnapshotDocument, SCHEMA, to_json};
pub use edit::{Edit, EditError, RawValue};
pub use machine::{Kernel, Machine, Reading, Registry};
pub use snapshot::{Key, Lookup, Presence, Snapshot};
pub use value::Value;
pub use write::{to_reg_bytes, to_reg_text};

/// No file larger than this is read: an export of a whole machine hive is about this long.
pub const LARGEST_SNAPSHOT: u64 = 128 << 20;

/// Why a file is not a snapshot, with the line where it stops being one.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {message}")]
pub struct SnapshotMistake {
    pub line: usize,
    /// A lowercase fragment. It may quote the file, so whoever prints it makes it harmless first.
    pub message: String,
}

impl SnapshotMistake {
    fn new(line: usize, message: impl Into<String>) -> Self {
        Self { line, message: message.into() }
    }
}

impl Snapshot {
    /// Reads a `.reg` file or a JSON document, told apart by their first character.
    ///
    /// # Errors
    /// [`SnapshotMistake`] with the first line that cannot be read. Nothing is half-read.
    pub fn read(bytes: &[u8]) -> Result<Self, SnapshotMistake> {
        if bytes.len() as u64 > LARGEST_SNAPSHOT {
            return Err(SnapshotMistake::new(1, format!("the file is larger than {LARGEST_SNAPSHOT} bytes")));
        }
        let text = bytes::text(bytes)?;
        if text.trim_start().starts_with('{') { document::read(&text) } else { reg::read(&text) }
    }
}

/// The text of a file in any encoding that Windows writes: marks, UTF-16, the old 8-bit code page.
///
/// # Errors
/// [`SnapshotMistake`] where it is no text.
pub fn text(bytes: &[u8]) -> Result<std::borrow::Cow<'_, str>, SnapshotMistake> {
    bytes::text(bytes)
}
