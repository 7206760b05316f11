//! The forms in which Windows keeps a proxy: binary records, lists of servers, lists of exceptions.

mod black_hole;
mod bypass;
mod record;
mod script_address;
mod servers;

pub use black_hole::black_hole;
pub use bypass::{BypassList, BypassRemark};
pub use record::{Record, RecordKind, RecordMistake};
pub use script_address::not_fetched;
pub use servers::{Server, ServerList, ServerRemark};

use std::borrow::Cow;

/// What stands before an `@` in an address is a user's name and password: it is never shown.
pub(super) fn without_user(text: &str) -> Cow<'_, str> {
    match text.rsplit_once('@') {
        Some((_, address)) => Cow::Owned(format!("…@{address}")),
        None => Cow::Borrowed(text),
    }
}

/// An address that is asked for, as lists of servers and exceptions see it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    /// `https` or `http`.
    pub scheme: String,
    /// Lower case; an IPv6 address without brackets.
    pub host: String,
    pub port: u16,
}
