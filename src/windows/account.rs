//! Whom this process runs as.
//!
//! In: nothing. Out: the security identifier of the process' token, its name, and whether it is elevated. Never: somebody
//! else's token.
#![allow(unsafe_code, reason = "tokens are read by calls into advapi32.dll and secur32.dll")]

use std::ptr;

use windows_sys::Win32::Foundation::{CloseHandle, HANDLE};
use windows_sys::Win32::Security::Authentication::Identity::{GetUserNameExW, NameSamCompatible};
use windows_sys::Win32::Security::{
    GetTokenInformation, IsWellKnownSid, TOKEN_ELEVATION, TOKEN_INFORMATION_CLASS, TOKEN_QUERY, TOKEN_USER,
    TokenElevation, TokenUser, WELL_KNOWN_SID_TYPE, WinLocalServiceSid, WinLocalSystemSid, WinNetworkServiceSid,
};
use windows_sys::Win32::System::Threading::{GetCurrentProcess, OpenProcessToken};

/// The accounts whose tokens mean something else than a person's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Account {
    /// S-1-5-18: to the network it is the computer.
    LocalSystem,
    /// S-1-5-20: to the network it is the computer, too.
    NetworkService,
    /// S-1-5-19: to the network it is nobody.
    LocalService,
    /// A person, or a service that has an account of its own.
    Other,
}

/// Whom this process runs as; `Other` where Windows does not say.
#[must_use]
pub fn account() -> Account {
    // Eight bytes each, so that the structure at the beginning is aligned.
    let mut room = [0_u64; 32];
    if !ask(TokenUser, room.as_mut_ptr().cast(), size_of_val(&room)) {
        return Account::Other;
    }
    // SAFETY: the call filled in a TOKEN_USER at the beginning of a buffer that is large and aligned enough for it.
    let sid = unsafe { (*room.as_ptr().cast::<TOKEN_USER>()).User.Sid };
    // SAFETY: the identifier lies within `room`, which the call filled in whole.
    let is = |kind: WELL_KNOWN_SID_TYPE| unsafe { IsWellKnownSid(sid, kind) } != 0;
    if is(WinLocalSystemSid) {
        Account::LocalSystem
    } else if is(WinNetworkServiceSid) {
        Account::NetworkService
    } else if is(WinLocalServiceSid) {
        Account::LocalService
    } else {
        Account::Other
    }
}

/// Whether this process has the rights of an administrator switched on.
#[must_use]
pub fn is_elevated() -> bool {
    let mut elevation = TOKEN_ELEVATION::default();
    ask(TokenElevation, (&raw mut elevation).cast(), size_of::<TOKEN_ELEVATION>()) && elevation.TokenIsElevated != 0
}

/// `CORP\anna`.
#[must_use]
pub fn name() -> Option<String> {
    let mut room = [0_u16; 512];
    let mut length = u32::try_from(room.len()).unwrap_or(0);
    // SAFETY: the buffer has as many characters as `length` says, and both are locals.
    if !unsafe { GetUserNameExW(NameSamCompatible, room.as_mut_ptr(), &raw mut length) } {
        return None;
    }
    let end = room.iter().position(|character| *character == 0).unwrap_or(room.len());
    Some(String::from_utf16_lossy(&room[..end])).filter(|name| !name.is_empty())
}

/// Asks the process' token; `room` has to be that many bytes, aligned for what is asked.
pub(super) fn ask(about: TOKEN_INFORMATION_CLASS, room: *mut core::ffi::c_void, size: usize) -> bool {
    let mut token: HANDLE = ptr::null_mut();
    // SAFETY: the pseudo handle of the own process is always valid, and the token's handle is a local.
    if unsafe { OpenProcessToken(GetCurrentProcess(), TOKEN_QUERY, &raw mut token) } == 0 {
        return false;
    }
    let mut length = 0;
    let size = u32::try_from(size).unwrap_or(0);
    // SAFETY: the token was just opened, and every caller gives a local of `size` bytes.
    let is_known = unsafe { GetTokenInformation(token, about, room, size, &raw mut length) } != 0;
    // SAFETY: the handle was opened above and is closed once.
    unsafe { CloseHandle(token) };
    is_known
}
