//! Whom the lab's proxies know, and what they make of a login.

/// Whom a proxy knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Account {
    pub name: &'static str,
    pub password: &'static str,
}

/// What a request's credential is worth.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Entry {
    /// Goes through; with a login or because none is wanted.
    Open,
    /// Has to answer these challenges.
    Challenged(Vec<String>),
    /// The same, said by another node of the proxy.
    Elsewhere(Vec<String>),
    /// The same, and the connection ends.
    Dismissed(Vec<String>),
}
