//! Which proxy would be used, by whom, and why.
//!
//! In: settings and scripts as bytes that somebody else fetched. Out: what a script answers for each endpoint. Never: a
//! socket, a clock, a look at the machine; what a script may ask of the world comes in as a value.

pub mod pac;
pub mod settings;
