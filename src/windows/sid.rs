//! Whose process this is.
//!
//! In: nothing. Out: the account's security identifier as text. Never: a name, which the domain would have to be asked for.
#![allow(unsafe_code, reason = "a token's user is a structure with a pointer into the buffer that it stands in")]

use windows_sys::Win32::Security::{
    GetSidIdentifierAuthority, GetSidSubAuthority, GetSidSubAuthorityCount, IsValidSid, PSID, TOKEN_USER, TokenUser,
};

use super::account;

/// A security identifier has 68 bytes at most, and the structure before it two words.
const BUFFER: usize = 256;

/// The security identifier of the account that runs this process, such as `S-1-5-18`.
#[must_use]
pub fn own_sid() -> Option<String> {
    // Eight bytes each, so that the structure at the beginning is aligned.
    let mut buffer = [0_u64; BUFFER / 8];
    if !account::ask(TokenUser, buffer.as_mut_ptr().cast(), BUFFER) {
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
