//! What this process was handed by another one of the same program, where it does that one's work as another account.
//!
//! In: an errand, once, before anything else. Out: the copy of a file, a password, the reader's screen, the wish to stop. Never:
//! anything where nothing was handed over, which is every process that somebody started.

use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use secrecy::SecretString;
use tokio::sync::Notify;

use crate::as_system::{Screen, Worker};

/// A process has one errand, and what reads files and asks for passwords is called from everywhere.
static WORKER: OnceLock<Worker> = OnceLock::new();
static STOP: Notify = Notify::const_new();

/// Takes the errand from standard input, and from then on listens there: a line asks the run to stop, and an end means that
/// nobody waits any more.
pub(super) fn take() -> Result<&'static [String], String> {
    let mut messenger = BufReader::new(std::io::stdin());
    let worker = Worker::take(&mut messenger).map_err(|error| format!("could not read what to do: {error}"))?;
    let worker = WORKER.get_or_init(|| worker);
    std::thread::spawn(move || listen(messenger));
    Ok(&worker.errand.arguments)
}

#[expect(
    clippy::disallowed_methods,
    reason = "nobody waits for an exit code any more, and the process must not outlive that"
)]
fn listen(mut messenger: BufReader<impl Read>) {
    let mut line = String::new();
    while messenger.read_line(&mut line).is_ok_and(|length| length > 0) {
        STOP.notify_one();
        line.clear();
    }
    std::process::exit(i32::from(super::Exit::Interrupted.code()));
}

/// Whether this process does another one's work.
pub(super) fn is_handed() -> bool {
    WORKER.get().is_some()
}

/// Ends when the run was asked to stop; never in a process of its own.
pub(super) async fn asked_to_stop() {
    STOP.notified().await;
}

/// Where a file that is to be read lies.
pub(super) fn input(path: &Path) -> PathBuf {
    WORKER.get().and_then(|worker| worker.input(path)).unwrap_or_else(|| path.to_path_buf())
}

/// Where a file that is to be written goes.
pub(super) fn output(path: &Path) -> PathBuf {
    WORKER.get().and_then(|worker| worker.output(path)).unwrap_or_else(|| path.to_path_buf())
}

/// The password that was read or asked for there.
pub(super) fn secret(origin: &str) -> Option<SecretString> {
    WORKER.get()?.secret(origin)
}

/// What the reader's screen can show.
pub(super) fn screen() -> Option<Screen> {
    WORKER.get().map(|worker| worker.errand.screen)
}
