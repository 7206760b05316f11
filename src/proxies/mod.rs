//! Which proxy would be used, by whom, and why.
//!
//! In: a registry snapshot, and scripts as bytes that somebody else fetched. Out: the sources in Windows' order for the
//! SYSTEM account and for users, what follows from them, and what a script answers for each endpoint. Never: a socket, a
//! clock, a look at the machine; what a script may ask of the world comes in as a value.

mod advice;
pub mod live;
pub mod pac;
pub mod settings;
mod trace;
pub mod win_http;

pub use advice::{Advice, ClientProxy, Overview, UserProxy, VARIABLES};
pub use trace::{Account, Exception, Manual, Setting, Source, Step, Trace, Unknown, Way, in_words};
