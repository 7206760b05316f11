//! A file that takes another's place.
//!
//! In: a file that is whole, and the name it is to have. Out: whoever reads the name reads the old file or the new one. Never: half a
//! file under that name.

use std::path::Path;
use std::time::{Duration, Instant};
use std::{fs, io, thread};

/// How long a reader or a virus scanner may keep the old file open: Windows replaces none that is open in most ways.
const PATIENCE: Duration = Duration::from_secs(2);
const TICK: Duration = Duration::from_millis(50);

/// Gives `from` the name `to`, in place of the file that has it.
///
/// # Errors
/// The system's; on Windows after some more attempts where the old file is in use.
pub fn replace(from: &Path, to: &Path) -> io::Result<()> {
    let began = Instant::now();
    loop {
        match fs::rename(from, to) {
            Err(error) if is_in_use(&error) && began.elapsed() < PATIENCE => thread::sleep(TICK),
            done => return done,
        }
    }
}

/// Windows' numbers for denied access, a sharing violation and a lock.
fn is_in_use(error: &io::Error) -> bool {
    cfg!(windows) && matches!(error.raw_os_error(), Some(5 | 32 | 33))
}
