//! WinHTTP's own search for a proxy.
//!
//! In: an address, and the automatic settings to ask with. Out: what WinHTTP answers, or the number that it ends with. Never: a
//! connection to the address itself. Each call may block for as long as the network takes to say nothing.
#![allow(unsafe_code, reason = "WinHTTP is called through winhttp.dll")]

use std::ffi::c_void;
use std::ptr;

use windows_sys::Win32::Foundation::{GetLastError, GlobalFree};
use windows_sys::Win32::Networking::WinHttp::{
    WINHTTP_ACCESS_TYPE_NAMED_PROXY, WINHTTP_ACCESS_TYPE_NO_PROXY, WINHTTP_AUTO_DETECT_TYPE_DHCP,
    WINHTTP_AUTO_DETECT_TYPE_DNS_A, WINHTTP_AUTOPROXY_AUTO_DETECT, WINHTTP_AUTOPROXY_CONFIG_URL,
    WINHTTP_AUTOPROXY_OPTIONS, WINHTTP_PROXY_INFO, WinHttpCloseHandle, WinHttpDetectAutoProxyConfigUrl,
    WinHttpGetProxyForUrl, WinHttpOpen, WinHttpSetTimeouts,
};

use super::wide;
use crate::proxies::win_http::{Access, Request, WinHttp};

/// Longer than any list of proxies that a script may answer.
const LONGEST: usize = 64 << 10;
/// In milliseconds, for each of: a name, a connection, a request, an answer.
const TIMEOUT: i32 = 10_000;
const BOTH_WAYS: u32 = WINHTTP_AUTO_DETECT_TYPE_DHCP | WINHTTP_AUTO_DETECT_TYPE_DNS_A;

/// A session of WinHTTP, closed when dropped.
#[derive(Debug)]
pub struct Session(*mut c_void);

// SAFETY: WinHTTP's handles may be used by any thread, and nobody but the owner uses this one.
unsafe impl Send for Session {}

impl Session {
    /// A session that itself goes directly; `None` where Windows gives none.
    #[must_use]
    pub fn open() -> Option<Self> {
        let agent = wide(concat!("waprobe/", env!("CARGO_PKG_VERSION")));
        // SAFETY: the name ends in a NUL and outlives the call; null stands for no proxy and no exceptions.
        let handle = unsafe { WinHttpOpen(agent.as_ptr(), WINHTTP_ACCESS_TYPE_NO_PROXY, ptr::null(), ptr::null(), 0) };
        if handle.is_null() {
            return None;
        }
        // SAFETY: the session is open; where it takes no timeouts it keeps its own.
        unsafe { WinHttpSetTimeouts(handle, TIMEOUT, TIMEOUT, TIMEOUT, TIMEOUT) };
        Some(Self(handle))
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        // SAFETY: it was opened here, and nobody has closed it.
        unsafe { WinHttpCloseHandle(self.0) };
    }
}

impl WinHttp for Session {
    fn detect(&mut self) -> Result<String, u32> {
        let mut found = ptr::null_mut();
        // SAFETY: the call puts a text of its own there, or leaves it null.
        let done = unsafe { WinHttpDetectAutoProxyConfigUrl(BOTH_WAYS, &raw mut found) };
        let error = last_error();
        let text = Text(found).read();
        if done == 0 { Err(error) } else { Ok(text) }
    }

    fn proxy_for(&mut self, request: &Request) -> Result<Access, u32> {
        let url = wide(&request.url);
        let script = request.automatic.script.as_deref().map(wide);
        let mut options =
            WINHTTP_AUTOPROXY_OPTIONS { fAutoLogonIfChallenged: i32::from(request.logon), ..Default::default() };
        if request.automatic.detect {
            options.dwFlags |= WINHTTP_AUTOPROXY_AUTO_DETECT;
            options.dwAutoDetectFlags = BOTH_WAYS;
        }
        if let Some(script) = &script {
            options.dwFlags |= WINHTTP_AUTOPROXY_CONFIG_URL;
            options.lpszAutoConfigUrl = script.as_ptr();
        }
        let mut info = WINHTTP_PROXY_INFO::default();
        // SAFETY: the session is open; both texts end in a NUL and outlive the call, and the structures are ours.
        let done = unsafe { WinHttpGetProxyForUrl(self.0, url.as_ptr(), &raw mut options, &raw mut info) };
        let error = last_error();
        let (proxies, _exceptions) = (Text(info.lpszProxy), Text(info.lpszProxyBypass));
        if done == 0 {
            return Err(error);
        }
        Ok(if info.dwAccessType == WINHTTP_ACCESS_TYPE_NAMED_PROXY {
            Access::Proxies(proxies.read())
        } else {
            Access::Direct
        })
    }
}

fn last_error() -> u32 {
    // SAFETY: the last error of this thread, which nothing has touched since the call before.
    unsafe { GetLastError() }
}

/// A text that WinHTTP has allocated, freed when dropped; may be null.
struct Text(*mut u16);

impl Text {
    fn read(&self) -> String {
        if self.0.is_null() {
            return String::new();
        }
        // SAFETY: WinHTTP ends its texts in a NUL, and nothing is read behind that.
        let units = (0..LONGEST).map(|place| unsafe { *self.0.add(place) }).take_while(|unit| *unit != 0);
        char::decode_utf16(units).map(|unit| unit.unwrap_or(char::REPLACEMENT_CHARACTER)).collect()
    }
}

impl Drop for Text {
    fn drop(&mut self) {
        if !self.0.is_null() {
            // SAFETY: WinHTTP's texts are the caller's to free by this function, and it is done once.
            unsafe { GlobalFree(self.0.cast()) };
        }
    }
}
