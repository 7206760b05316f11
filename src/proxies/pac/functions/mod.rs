//! The functions that a script may call, as the browsers' reference scripts define them; here without an engine.
//!
//! In: the arguments as texts, and the time as a value. Out: the answer. Never: a lookup; names are resolved before.

pub(super) mod addresses;
pub(super) mod names;
pub(super) mod times;
