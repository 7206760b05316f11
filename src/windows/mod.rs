//! Windows' own interfaces, each behind a few safe functions that answer with plain values.
//!
//! In: names of keys, services, files. Out: what Windows says of them, or why it does not. Never: a decision. What a
//! value means is decided by portable code that a snapshot, a recording or a test feeds in the same way.

pub mod adapters;
pub mod certificates;
pub mod console;
mod registry_write;

pub use registry_write::LiveRegistry;
