//! The process that the task starts: it takes the errand out of the folder, hands it to the worker, and says how that ended.
//!
//! In: the folder. Out: what the worker printed, and its ending, as files in the folder. Never: an errand left on disk while
//! somebody works on it.

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::Path;
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use super::errand::{Ending, Errand};
use super::{WORKER, names};

/// How often the worker and the caller are looked after.
const TICK: Duration = Duration::from_millis(50);

/// Does the errand that lies in `folder`, by the program that this process is.
///
/// # Errors
/// When not even the ending could be written: the caller then hears nothing and says so.
pub fn run(folder: &Path) -> io::Result<()> {
    beat(folder, 0)?;
    let ending = work(folder).unwrap_or_else(|error| Ending::NotBegun { why: error.to_string() });
    ending.write(&folder.join(names::ENDING))
}

fn work(folder: &Path) -> io::Result<Ending> {
    let path = folder.join(names::ERRAND);
    let errand = Errand::read(&path);
    // Before anything is done with it, and whatever it was: it may hold a password.
    fs::remove_file(&path)?;
    let errand = errand?;
    let started = Instant::now();
    let mut worker = Command::new(std::env::current_exe()?)
        .arg(WORKER)
        .current_dir(folder)
        .stdin(Stdio::piped())
        .stdout(File::create(folder.join(names::STANDARD_OUTPUT))?)
        .stderr(File::create(folder.join(names::STANDARD_ERROR))?)
        .spawn()?;
    let mut line = worker.stdin.take();
    if let Some(line) = &mut line {
        // A worker that is gone already has an ending of its own to tell.
        let _ = line.write_all(&errand.to_bytes()?).and_then(|()| line.flush());
    }
    watch(folder, &errand, started, &mut worker, &mut line)
}

/// Until the worker has ended, of itself or not. `line` stays open as long as this process lives; the worker ends with it.
fn watch(
    folder: &Path,
    errand: &Errand,
    started: Instant,
    worker: &mut Child,
    line: &mut Option<ChildStdin>,
) -> io::Result<Ending> {
    let limit = Duration::from_millis(errand.limit_ms);
    let patience = Duration::from_millis(errand.stop_ms);
    let mut asked: Option<Instant> = None;
    for count in 1_u64.. {
        if let Some(status) = worker.try_wait()? {
            return Ok(ending(status));
        }
        let is_overdue = asked.is_some_and(|since| since.elapsed() > patience);
        if is_overdue || started.elapsed() > limit {
            let _ = worker.kill();
            worker.wait()?;
            return Ok(if is_overdue { Ending::Stopped } else { Ending::Late });
        }
        if asked.is_none() && folder.join(names::STOP).exists() {
            asked = Some(Instant::now());
            if let Some(line) = line {
                let _ = line.write_all(b"stop\n").and_then(|()| line.flush());
            }
        }
        // The caller may have given up and be clearing the folder: the worker is told all the same.
        let _ = beat(folder, count);
        std::thread::sleep(TICK);
    }
    Ok(Ending::Late)
}

fn beat(folder: &Path, count: u64) -> io::Result<()> {
    fs::write(folder.join(names::ALIVE), count.to_string())
}

fn ending(status: ExitStatus) -> Ending {
    match status.code() {
        // Windows gives crashes numbers that no program of ours ends with.
        Some(code) if (0..=255).contains(&code) => Ending::Exited { code },
        Some(code) => Ending::Crashed { how: format!("exit code {:#010x}", code.cast_unsigned()) },
        None => Ending::Crashed { how: status.to_string() },
    }
}
