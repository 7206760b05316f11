//! This machine's registry, to be read.
//!
//! In: keys. Out: all of a key's values, or that there is no such key, or that this account may not read it. Never: a change,
//! and never the view of 32-bit programs.

use windows_registry::{CURRENT_USER, Key, LOCAL_MACHINE, USERS};
use windows_sys::Win32::Foundation::{ERROR_FILE_NOT_FOUND, ERROR_PATH_NOT_FOUND};
use windows_sys::Win32::System::Registry::KEY_WOW64_64KEY;

use super::machine::ThisMachine;
use super::registry_write::number;
use crate::registry::{RawValue, Reading, Registry};

const ROOTS: [(&str, &Key); 3] = [("HKLM", LOCAL_MACHINE), ("HKCU", CURRENT_USER), ("HKU", USERS)];

impl Registry for ThisMachine {
    fn key(&self, path: &str) -> Reading {
        let key = match open(path) {
            Ok(key) => key,
            Err(reading) => return reading,
        };
        // A walk ends without a word at a value that grew meanwhile, and what stands behind it would seem not to be set. So it
        // counts only when the next walk says the same.
        let mut last = walk(&key);
        for _ in 0..MOST_WALKS {
            let again = walk(&key);
            if again.is_none() || again == last {
                return again.map_or(Reading::NotReadable, Reading::Held);
            }
            last = again;
        }
        Reading::NotReadable
    }

    fn subkeys(&self, path: &str) -> Option<Vec<String>> {
        Some(open(path).ok()?.keys().ok()?.collect())
    }
}

/// A key whose values change all the time is not known.
const MOST_WALKS: usize = 4;

fn walk(key: &Key) -> Option<Vec<(String, RawValue)>> {
    let raw = |value: windows_registry::Value| RawValue { kind: value.ty().into(), bytes: value.to_vec() };
    Some(key.values().ok()?.map(|(name, value)| (name, raw(value))).collect())
}

fn open(path: &str) -> Result<Key, Reading> {
    let (root, below) = path.split_once('\\').unwrap_or((path, ""));
    let (_, root) = ROOTS.iter().find(|(name, _)| *name == root).ok_or(Reading::NotReadable)?;
    root.options().read().access(KEY_WOW64_64KEY).open(below).map_err(|error| match number(error) {
        ERROR_FILE_NOT_FOUND | ERROR_PATH_NOT_FOUND => Reading::Absent,
        _ => Reading::NotReadable,
    })
}
