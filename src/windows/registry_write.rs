//! This machine's registry, to be changed.
//!
//! In: keys and values. Out: what Windows did, or why it did not. Never: a key outside of `HKLM`, and never a
//! deletion of anything that holds something else.
#![allow(unsafe_code, reason = "the crate deletes whole trees only, and an undo must not take along what others wrote")]

use windows_registry::{Key, LOCAL_MACHINE, OpenOptions, Type, Value};
use windows_sys::Win32::Foundation::{ERROR_ACCESS_DENIED, ERROR_FILE_NOT_FOUND, ERROR_PATH_NOT_FOUND};
use windows_sys::Win32::System::Registry::{KEY_WOW64_64KEY, RegDeleteKeyExW};

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
        let mut data = Value::from(value.bytes.as_slice());
        data.set_ty(Type::from(value.kind));
        opened.set_value(name, &data).map_err(said)
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
            ERROR_ACCESS_DENIED => Err(EditError::Denied),
            status => Err(EditError::Other(std::io::Error::from_raw_os_error(status.cast_signed()).to_string())),
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
    match answer.map_err(std::io::Error::from) {
        Ok(value) => Ok(Some(value)),
        Err(error) if [ERROR_FILE_NOT_FOUND, ERROR_PATH_NOT_FOUND].iter().any(|code| is(&error, *code)) => Ok(None),
        Err(error) => Err(said(error)),
    }
}

fn said(error: impl Into<std::io::Error>) -> EditError {
    let error = error.into();
    if is(&error, ERROR_ACCESS_DENIED) { EditError::Denied } else { EditError::Other(error.to_string()) }
}

/// The crate's errors are HRESULTs, in which a system error has facility 7.
fn is(error: &std::io::Error, code: u32) -> bool {
    error.raw_os_error().is_some_and(|raw| raw.cast_unsigned() == 0x8007_0000 | code)
}
