//! Whose process this is.
//!
//! In: nothing. Out: the account's security identifier as text. Never: a name, which the domain would have to be asked for.
#![allow(unsafe_code, reason = "a token's user is a structure with a pointer into the buffer that it stands in")]

use std::ptr;

use windows_sys::Win32::Foundation::{CloseHandle, HANDLE};
use windows_sys::Win32::Security::{
    GetSidIdentifierAuthority, GetSidSubAuthority, GetSidSubAuthorityCount, GetTokenInformation, IsValidSid, PSID,
    TOKEN_QUERY, TOKEN_USER, TokenUser,
};
use windows_sys::Win32::System::Threading::{GetCurrentProcess, OpenProcessToken};

/// A security identifier has 68 bytes at most, and the structure before it two words.
const BUFFER: u32 = 256;

/// The security identifier of the account that runs this process, such as `S-1-5-18`.
#[must_use]
pub fn own_sid() -> Option<String> {
    let mut token: HANDLE = ptr::null_mut();
    // SAFETY: the process' own handle is always open, and the token's is ours to be filled.
    if unsafe { OpenProcessToken(GetCurrentProcess(), TOKEN_QUERY, &raw mut token) } == 0 {
        return None;
    }
    let mut buffer = [0_u64; BUFFER as usize / 8];
    let mut length = 0;
    // SAFETY: the token is open, and the buffer is aligned and as long as is said.
    let done = unsafe { GetTokenInformation(token, TokenUser, buffer.as_mut_ptr().cast(), BUFFER, &raw mut length) };
    // SAFETY: nobody has closed it.
    unsafe { CloseHandle(token) };
    if done == 0 {
        return None;
    }
    // SAFETY: the call has filled the structure, and what it points at lies behind it in the same buffer.
    let user = unsafe { &*buffer.as_ptr().cast::<TOKEN_USER>() };
    text(user.User.Sid)
}

/// An identifier as text, such as `S-1-5-32-544`; `None` where it is none.
pub(super) fn text(sid: PSID) -> Option<String> {
    // SAFETY: the caller's structure points at a whole identifier; these functions read nothing else, and the number of
    // parts bounds the index.
    unsafe {
        if IsValidSid(sid) == 0 {
            return None;
        }
        let authority = (*GetSidIdentifierAuthority(sid)).Value;
        let authority = authority.iter().fold(0_u64, |number, byte| number << 8 | u64::from(*byte));
        let parts =
            (0..u32::from(*GetSidSubAuthorityCount(sid))).map(|index| format!("-{}", *GetSidSubAuthority(sid, index)));
        Some(format!("S-1-{authority}{}", parts.collect::<String>()))
    }
}
