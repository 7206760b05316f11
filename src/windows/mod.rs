//! Windows' own interfaces, each behind a few safe functions that answer with plain values.
//!
//! In: names of keys, services, files. Out: what Windows says of them, or why it does not. Never: a decision. What a
//! value means is decided by portable code that a snapshot, a recording or a test feeds in the same way.

pub mod account;
pub mod adapters;
pub mod certificates;
pub mod console;
pub mod locked;
mod machine;
mod registry;
mod registry_write;
mod sid;
pub mod sspi;
pub mod win_http;

pub use machine::ThisMachine;
pub use registry_write::LiveRegistry;
pub use sid::own_sid;

/// A text as Windows' functions take it, with a zero at its end. What stands behind a zero inside is left out, as Windows would.
fn wide(text: &str) -> Vec<u16> {
    text.encode_utf16().take_while(|character| *character != 0).chain([0]).collect()
}
