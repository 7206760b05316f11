//! This machine's registry, to be changed.
//!
//! In: keys and values. Out: what Windows did, or why it did not. Never: a key outside of `HKLM`, and never a
//! deletion of anything that holds something else.
#![allow(
    unsafe_code,
    reason = "the crate deletes whole trees only, and an undo must not take along what others wrote; it writes no value without bytes"
)]

use std::{io, ptr};

use windows_registry::{Key, LOCAL_MACHINE, OpenOptions};
use windows_sys::Win32::Foundation::{ERROR_ACCESS_DENIED, ERROR_FILE_NOT_FOUND, ERROR_PATH_NOT_FOUND};
use windows_sys::Win32::System::Registry::{KEY_WOW64_64KEY, RegDeleteKeyExW, RegSetValueExW};

use crate::registry::{Edit, EditError, RawValue};

/// The registry that the 64-bit programs of this machine see, whatever this program is.
#[derive(Debug, Clone, Copy, Default)]
pub struct LiveRegistry;

impl Edit for LiveRegistry {
    fn may_change(&self) -> Result<(), EditError> {
        // Where policies stand: the most closely guarded of the keys that are written.
        let guarded =
            if open(r"SOFTWARE\Policies", Access::Read)?.is_some() { r"SOFTWARE\Policies" } else { "SOFTWARE" };
        open(guarded, Access::Write).map(drop)
    }

    fn has_key(&self, key: &str) -> Result<bool, EditError> {
        Ok(open(inside(key)?, Access::Read)?.is_some())
    }

    fn read(&self, key: &str, name: &str) -> Result<Option<RawValue>, EditError> {
        let Some(key) = open(inside(key)?, Access::Read)? else { return Ok(None) };
        let value = found(key.get_value(name))?;
        Ok(value.map(|value| RawValue { kind: value.ty().into(), bytes: value.to_vec() }))
    }

    fn create_key(&mut self, key: &str) -> Result<(), EditError> {
        options(Access::Write).create().open(inside(key)?).map(drop).map_err(said)
    }

    fn write(&mut self, key: &str, name: &str, value: &RawValue) -> Result<(), EditError> {
        let opened = options(Access::Write).open(inside(key)?).map_err(said)?;
        let name: Vec<u16> = name.encode_utf16().chain([0]).collect();
        let length =
            u32::try_from(value.bytes.len()).map_err(|_| EditError::Other("the value is too long".to_owned()))?;
        // Windows takes no pointer but null to nothing at all, and the crate gives another one.
        let data = if value.bytes.is_empty() { ptr::null() } else { value.bytes.as_ptr() };
        // SAFETY: the key is open, the name ends with a NUL, and the data is null or of the length that is said; all outlive the call.
        let status = unsafe { RegSetValueExW(opened.as_raw(), name.as_ptr(), 0, value.kind, data, length) };
        match status {
            0 => Ok(()),
            status => Err(of_windows(status)),
        }
    }

    fn delete(&mut self, key: &str, name: &str) -> Result<(), EditError> {
        let Some(key) = open(inside(key)?, Access::Write)? else { return Ok(()) };
        found(key.remove_value(name)).map(drop)
    }

    fn delete_key_if_empty(&mut self, key: &str) -> Result<bool, EditError> {
        let path = inside(key)?;
        let Some(opened) = open(path, Access::Read)? else { return Ok(true) };
        let is_empty = opened.keys().map_err(said)?.next().is_none() && opened.values().map_err(said)?.next().is_none();
        drop(opened);
        if !is_empty {
            return Ok(false);
        }
        let path: Vec<u16> = path.encode_utf16().chain([0]).collect();
        // SAFETY: the root is always open, and the path is a text of 16-bit units with a NUL at its end that outlives the call.
        // It deletes this key alone: where somebody has put a key below it since, it fails.
        let status = unsafe { RegDeleteKeyExW(LOCAL_MACHINE.as_raw(), path.as_ptr(), KEY_WOW64_64KEY, 0) };
        match status {
            0 | ERROR_FILE_NOT_FOUND => Ok(true),
            status => Err(of_windows(status)),
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Access {
    Read,
    Write,
}

fn options(access: Access) -> OpenOptions<'static> {
    let mut options = LOCAL_MACHINE.options();
    match access {
        Access::Read => options.read(),
        Access::Write => options.read().write(),
    };
    options.access(KEY_WOW64_64KEY);
    options
}

/// `None` where there is no such key.
fn open(path: &str, access: Access) -> Result<Option<Key>, EditError> {
    found(options(access).open(path))
}

/// The path below `HKLM`.
fn inside(key: &str) -> Result<&str, EditError> {
    key.strip_prefix(r"HKLM\").ok_or_else(|| EditError::Other(format!("{key} is not below HKLM")))
}

fn found<T>(answer: windows_registry::Result<T>) -> Result<Option<T>, EditError> {
    match answer.map_err(number) {
        Ok(value) => Ok(Some(value)),
        Err(ERROR_FILE_NOT_FOUND | ERROR_PATH_NOT_FOUND) => Ok(None),
        Err(number) => Err(of_windows(number)),
    }
}

fn said(error: impl Into<io::Error>) -> EditError {
    of_windows(number(error))
}

fn of_windows(number: u32) -> EditError {
    match number {
        ERROR_ACCESS_DENIED => EditError::Denied,
        number => EditError::Other(io::Error::from_raw_os_error(number.cast_signed()).to_string()),
    }
}

/// The system's own number: the crate's errors are HRESULTs, in which such a one has facility 7.
pub(super) fn number(error: impl Into<io::Error>) -> u32 {
    const OF_THE_SYSTEM: u32 = 0x8007_0000;
    let number = error.into().raw_os_error().unwrap_or_default().cast_unsigned();
    if number & 0xffff_0000 == OF_THE_SYSTEM { number & 0xffff } else { number }
}
