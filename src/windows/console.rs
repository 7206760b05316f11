//! The console window behind standard output and standard error.
//!
//! In: nothing. Out: whether it shows colours. Never: its code page; text reaches a console as UTF-16, whatever that page is, and
//! a page that was changed would stay changed for whoever uses the window next. That colours are understood may stay: who does not
//! want them writes none, and Windows' shells set the mode anew.
#![allow(unsafe_code, reason = "a console's mode is read and set by calls into kernel32.dll")]

use std::os::windows::io::AsRawHandle as _;

use windows_sys::Win32::Foundation::HANDLE;
use windows_sys::Win32::System::Console::{
    CONSOLE_MODE, ENABLE_PROCESSED_OUTPUT, ENABLE_VIRTUAL_TERMINAL_PROCESSING, GetConsoleMode, SetConsoleMode,
};

/// Makes the window of standard output understand colours, and says whether it does. Before Windows 10 none does; what is no
/// window of Windows' own (a pipe, or a terminal that stands behind one) is left to whoever draws it.
#[must_use]
pub fn shows_colours() -> bool {
    let handle: HANDLE = std::io::stdout().as_raw_handle();
    let mut mode: CONSOLE_MODE = 0;
    // SAFETY: the handle is this process' standard output, and may be null or closed: the call then fails.
    if unsafe { GetConsoleMode(handle, &raw mut mode) } == 0 {
        return true;
    }
    let wanted = mode | ENABLE_PROCESSED_OUTPUT | ENABLE_VIRTUAL_TERMINAL_PROCESSING;
    // SAFETY: as above; the mode is the window's own with two bits added, and a window that does not know them refuses.
    wanted == mode || unsafe { SetConsoleMode(handle, wanted) } != 0
}
