//! The console window behind standard output and standard error.
//!
//! In: nothing, or what another program printed. Out: whether the window shows colours; that program's words as text. Never: another
//! code page; text reaches a console as UTF-16, whatever that page is, and a page that was changed would stay changed for whoever uses
//! the window next. That colours are understood may stay: who does not
//! want them writes none, and Windows' shells set the mode anew.
#![allow(unsafe_code, reason = "a console's mode is read and set by calls into kernel32.dll")]

use std::os::windows::io::AsRawHandle as _;

use windows_sys::Win32::Foundation::HANDLE;
use windows_sys::Win32::Globalization::{
    GetLocaleInfoEx, LOCALE_IDEFAULTCODEPAGE, LOCALE_NAME_SYSTEM_DEFAULT, LOCALE_RETURN_NUMBER, MultiByteToWideChar,
};
use windows_sys::Win32::System::Console::{
    CONSOLE_MODE, ENABLE_PROCESSED_OUTPUT, ENABLE_VIRTUAL_TERMINAL_PROCESSING, GetConsoleMode, GetConsoleOutputCP,
    SetConsoleMode,
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

/// The code page in which console programs write: the console's, or the system's where there is none. `CP_OEMCP` would mean UTF-8
/// here, because this program's manifest asks for that, and the others' manifests do not.
fn console_page() -> u32 {
    // SAFETY: the call takes nothing and gives a number, 0 without a console.
    let page = unsafe { GetConsoleOutputCP() };
    if page != 0 {
        return page;
    }
    let mut page = 0_u32;
    // A number takes the room of two characters.
    // SAFETY: the name is a constant of Windows', and the number is written to a local of the length that is said.
    unsafe {
        GetLocaleInfoEx(
            LOCALE_NAME_SYSTEM_DEFAULT,
            LOCALE_IDEFAULTCODEPAGE | LOCALE_RETURN_NUMBER,
            (&raw mut page).cast(),
            2,
        );
    }
    page
}

/// Text of a console program, which prints in the console's code page.
#[must_use]
pub fn text_of(bytes: &[u8]) -> String {
    let Ok(length) = i32::try_from(bytes.len()) else { return String::new() };
    // No code page makes more UTF-16 units than it has bytes.
    let mut room = vec![0_u16; bytes.len()];
    // SAFETY: both buffers are as long as is said; an empty one makes the call fail with 0.
    let units = unsafe { MultiByteToWideChar(console_page(), 0, bytes.as_ptr(), length, room.as_mut_ptr(), length) };
    String::from_utf16_lossy(&room[..usize::try_from(units).unwrap_or(0).min(room.len())])
}
