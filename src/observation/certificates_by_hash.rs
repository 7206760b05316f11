//! A chain in a recording: hashes in place of the certificates, which have lines of their own.
//!
//! In: the certificates that the lines so far have held. Out: the chain that a line's hashes name, or which of them no
//! line held.

use std::cell::RefCell;
use std::collections::HashMap;
use std::mem;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error};

use crate::certificate::{Certificate, hex};

thread_local! {
    /// The certificates read so far, while one line is deserialised: serde hands no context to a field.
    static POOL: RefCell<HashMap<String, Certificate>> = RefCell::new(HashMap::new());
}

/// Runs `read`; the hashes that it meets name certificates of `pool`.
pub(super) fn reading_with<T>(pool: &mut HashMap<String, Certificate>, read: impl FnOnce() -> T) -> T {
    POOL.with_borrow_mut(|shared| mem::swap(shared, pool));
    let line = read();
    POOL.with_borrow_mut(|shared| mem::swap(shared, pool));
    line
}

pub(super) fn unknown_certificate(sha256: &str) -> String {
    format!("names the certificate {sha256}, which no earlier line holds")
}

pub(super) fn serialize<S: Serializer>(chain: &[Certificate], serializer: S) -> Result<S::Ok, S::Error> {
    chain.iter().map(|certificate| hex(certificate.sha256())).collect::<Vec<_>>().serialize(serializer)
}

pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Certificate>, D::Error> {
    let hashes = Vec::<String>::deserialize(deserializer)?;
    POOL.with_borrow(|pool| {
        hashes
            .iter()
            .map(|sha256| pool.get(sha256).cloned().ok_or_else(|| D::Error::custom(unknown_certificate(sha256))))
            .collect()
    })
}
