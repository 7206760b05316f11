//! Windows' own vouching: Kerberos and NTLM by SSPI.
//!
//! In: who asks, and a proxy's name. Out: the token for its service, checked to be of whom it was asked for; NTLM's messages; or
//! Windows' number for what is wrong, and what it means. Never: a choice between mechanisms, a keytab (Windows has none), a
//! password that is tried a second time after the directory refused it.

mod codes;
#[cfg(windows)]
mod source;

#[cfg(windows)]
pub use source::Sspi;
